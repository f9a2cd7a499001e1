// SPDX-License-Identifier: BSD-3-Clause
/*
 * `causeway rpmsg bench` with a service that echoes, and with one that sends as fast as we read. Time is the
 * test's: each look at the clock and each message takes so many microseconds.
 */
#include "../core/unit.h"

#include "rpmsg.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define ROOM   64u
#define LOOK   20u	/* microseconds */
#define NO_END 1000000u /* messages, after which there was none */

const struct cli_command cli_rpmsg;

static struct {
	uint64_t now;
	uint8_t message[ROOM][CW_RPMSG_CLIENT_MOST];
	size_t len[ROOM];
	unsigned int first, under_way;
	uint64_t received;
	bool floods; /* when two are under way */
	bool silent;
	size_t stop; /* when they are of this size somebody wants us to stop */
} t;

/* ---- in place of the real ones ---- */

bool rpmsg_open(const struct cli_options *o, const char *remote, const char *service,
		struct rpmsg_peer *p)
{
	(void)o;
	(void)remote;
	snprintf(p->remote, sizeof(p->remote), "a");
	snprintf(p->service, sizeof(p->service), "%s", service);
	p->c = NULL;
	return true;
}

void rpmsg_lost(const struct rpmsg_peer *p)
{
	(void)p;
}

void rpmsg_catch(void)
{
}

uint64_t rpmsg_now(void)
{
	return t.now += LOOK;
}

enum rpmsg_news rpmsg_wait(const struct rpmsg_peer *p, uint64_t deadline)
{
	(void)p;
	if (t.under_way > 1 && t.len[t.first] == t.stop)
		return RPMSG_STOP;
	if (t.under_way && !(t.under_way > 1 && t.silent))
		return RPMSG_SOME;
	if (t.now < deadline)
		t.now = deadline;
	return RPMSG_NONE;
}

int cli_usage(const struct cli_command *c, const char *fmt, ...)
{
	(void)c;
	(void)fmt;
	return EXIT_USAGE;
}

bool cli_printed(void)
{
	return true;
}

int cw_rpmsg_client_send(struct cw_rpmsg_client *c, const void *data, size_t len, uint64_t timeout)
{
	unsigned int at = (t.first + t.under_way) % ROOM;

	(void)c;
	(void)timeout;
	if (t.under_way == ROOM)
		return CW_ETIMEDOUT;
	memcpy(t.message[at], data, len);
	t.len[at] = len;
	t.under_way++;
	return CW_OK;
}

int cw_rpmsg_client_recv(struct cw_rpmsg_client *c, void *buf, size_t size, uint64_t timeout)
{
	size_t len = t.len[t.first];

	(void)c;
	(void)size;
	(void)timeout;
	if (!t.under_way || (t.under_way > 1 && t.silent))
		return CW_ETIMEDOUT;
	assert_in_range(++t.received, 1, NO_END);
	t.now += LOOK;
	memcpy(buf, t.message[t.first], len);
	if (t.under_way > 1 && t.floods) {
		((uint8_t *)buf)[len - 1] ^= 1;
		return (int)len;
	}
	t.first = (t.first + 1) % ROOM;
	t.under_way--;
	return (int)len;
}

void cw_rpmsg_client_close(struct cw_rpmsg_client *c)
{
	(void)c;
}

/* ---- tests ---- */

static int setup(void **state)
{
	(void)state;
	memset(&t, 0, sizeof(t));
	return 0;
}

/* Exit status; what it said is parsed. */
static int bench(cJSON **said)
{
	const struct cli_options o = { .json = true };
	int before = dup(1), status;
	static char text[8192];
	FILE *f = tmpfile();

	assert_non_null(f);
	fflush(stdout);
	assert_true(dup2(fileno(f), 1) == 1);
	status = rpmsg_bench(&o);
	fflush(stdout);
	assert_true(dup2(before, 1) == 1);
	close(before);
	rewind(f);
	text[fread(text, 1, sizeof(text) - 1, f)] = 0;
	fclose(f);
	*said = cJSON_Parse(text);
	assert_non_null(*said);
	return status;
}

/* How many sizes were measured, and of how many not all was answered. */
static unsigned int sizes(const cJSON *said, unsigned int *unanswered)
{
	const cJSON *list = cJSON_GetObjectItem(said, "sizes"), *i;

	*unanswered = 0;
	cJSON_ArrayForEach(i, list)
	{
		*unanswered += cJSON_IsFalse(cJSON_GetObjectItem(i, "answered")) ? 1u : 0u;
	}
	return (unsigned int)cJSON_GetArraySize(list);
}

static void an_echo_is_measured(void **state)
{
	unsigned int unanswered;
	cJSON *said;

	(void)state;
	assert_int_equal(bench(&said), EXIT_FINE);
	assert_int_equal(sizes(said, &unanswered), 7);
	assert_int_equal(unanswered, 0);
	cJSON_Delete(said);
}

static void a_flood_is_no_echo_and_has_an_end(void **state)
{
	unsigned int unanswered;
	cJSON *said;

	(void)state;
	t.floods = true;
	assert_int_equal(bench(&said), EXIT_FAIL);
	assert_int_equal(sizes(said, &unanswered), 0);
	cJSON_Delete(said);
}

static void silence_has_an_end(void **state)
{
	cJSON *said;

	(void)state;
	t.silent = true;
	assert_int_equal(bench(&said), EXIT_FAIL);
	assert_in_range(t.now, 1, 10 * RPMSG_SECOND);
	cJSON_Delete(said);
}

static void who_is_to_stop_does(void **state)
{
	unsigned int unanswered;
	cJSON *said;

	(void)state;
	t.stop = 64;
	assert_int_equal(bench(&said), EXIT_FINE);
	assert_int_equal(sizes(said, &unanswered), 1);
	assert_int_equal(unanswered, 0);
	cJSON_Delete(said);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(an_echo_is_measured, setup),
		cmocka_unit_test_setup(a_flood_is_no_echo_and_has_an_end, setup),
		cmocka_unit_test_setup(silence_has_an_end, setup),
		cmocka_unit_test_setup(who_is_to_stop_does, setup),
	};

	return cmocka_run_group_tests_name("rpmsg bench", tests, NULL, NULL);
}
