// SPDX-License-Identifier: BSD-3-Clause
/* Requests to a remote's service `control` (docs/spec/status.md section 2). */
#include "carrier.h"

#include <causeway/core/err.h>

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define NAME	    "causeway-status-page"
#define THERE_US    3000000u  /* for the service to appear, */
#define PATIENCE_US 10000000u /* and to answer */

static const char *reason(const struct cw_control_answer *a)
{
	static const char *const text[] = {
		[CW_CONTROL_VERSION] = "it knows another version of control messages",
		[CW_CONTROL_COMMAND] = "it does not know this command",
		[CW_CONTROL_LENGTH] = "it knows no request of this length",
		[CW_CONTROL_RANGE] = "the value is out of its range",
		[CW_CONTROL_AWAY] =
			"the sample could not be sent: nobody listens, or there is no room",
	};

	return a->result < sizeof(text) / sizeof(*text) ? text[a->result] : "for no reason known";
}

static uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
}

/* The answer with this tag: others may be late ones to somebody else. */
static int await(struct cw_rpmsg_client *c, uint32_t tag, struct cw_control_answer *a)
{
	uint64_t end = now_us() + PATIENCE_US, t;
	uint8_t m[64];
	int n;

	while ((t = now_us()) < end) {
		n = cw_rpmsg_client_recv(c, m, sizeof(m), end - t);
		if (n >= 0 && !cw_control_answer_decode(a, m, (uint32_t)n) && a->tag == tag)
			return CW_OK;
		if (n < 0 && n != CW_EBADLEN)
			return n;
	}
	return CW_ETIMEDOUT;
}

static int connect_to(const struct carrier *to, struct cw_rpmsg_client **c, uint64_t wait_us)
{
	struct cw_rpmsg_client_config conf = carrier_config(to, CW_CONTROL_SERVICE);

	conf.wait_us = wait_us;
	return cw_rpmsg_client_open(c, &conf);
}

bool control_wish(const struct carrier *to)
{
	const struct cw_control ask = { .command = CW_CONTROL_SAMPLE, .tag = (uint32_t)getpid() };
	struct cw_rpmsg_client *c;
	struct cw_abi_control m;
	int err;

	if (connect_to(to, &c, 0))
		return false;
	cw_control_encode(&ask, &m);
	err = cw_rpmsg_client_send(c, &m, sizeof(m), 0);
	cw_rpmsg_client_close(c); /* what was said arrives; the sample is the answer */
	return !err;
}

/* What is wrong, and what would be right, where a service was not to be had or did not answer. */
static void failed(struct carrier *to, int err)
{
	static struct view v;

	if (err != CW_EACCES)
		carrier_look(to, &v); /* the PMM may be away, or the remote */
	if (to->trouble[0])
		fprintf(stderr, NAME ": %s\n", to->trouble);
	else if (v.pmm && strcmp(v.link, "up") != 0)
		fprintf(stderr, NAME ": remote %s is %s, the link to it %s\n", to->remote,
			v.carrier, v.link);
	else if (err == CW_ENOENT)
		fprintf(stderr,
			NAME ": remote %s has no service %s, which firmware has that tells how it "
			     "is; see causeway rpmsg ls\n",
			to->remote, CW_CONTROL_SERVICE);
	else if (err == CW_EACCES)
		fprintf(stderr, NAME ": only the PMM's user may connect to remote %s\n",
			to->remote);
	else if (err == CW_ETIMEDOUT)
		fprintf(stderr, NAME ": service %s of remote %s did not answer in %u s\n",
			CW_CONTROL_SERVICE, to->remote, PATIENCE_US / 1000000u);
	else
		fprintf(stderr, NAME ": service %s of remote %s: %s\n", CW_CONTROL_SERVICE,
			to->remote, cw_strerror(err));
}

static int ask_and_await(const struct carrier *to, uint32_t period, struct cw_control_answer *a)
{
	const struct cw_control ask = { .command = period ? CW_CONTROL_PERIOD : CW_CONTROL_SAMPLE,
					.tag = (uint32_t)getpid(),
					.value = period };
	struct cw_rpmsg_client *c;
	struct cw_abi_control m;
	int err = connect_to(to, &c, THERE_US);

	if (err)
		return err;
	cw_control_encode(&ask, &m);
	err = cw_rpmsg_client_send(c, &m, sizeof(m), PATIENCE_US);
	err = err < 0 ? err : await(c, ask.tag, a);
	cw_rpmsg_client_close(c);
	return err;
}

int control_ask(struct carrier *to, uint32_t period)
{
	struct cw_control_answer a = { 0 };
	int err = CW_ENODEV;

	carrier_look(to, NULL);
	if (to->there)
		err = ask_and_await(to, period, &a);
	if (err)
		failed(to, err);
	else if (a.result)
		fprintf(stderr, NAME ": the remote refused: %s\n", reason(&a));
	else if (period)
		printf("the period is %u ms\n", a.value);
	else
		printf("sample %u was sent\n", a.value);
	return err || a.result ? -1 : 0;
}
