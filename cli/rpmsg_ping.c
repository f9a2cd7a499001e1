// SPDX-License-Identifier: BSD-3-Clause
/* Round trips to a service that echoes: one after the other (ping), or as fast as they go (bench). */
#include "rpmsg.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HEADER	  8u /* a number of the message, and one of this run */
#define SIZE	  56u
#define TIMES_MAX 1000000u
#define WINDOW	  16u	   /* messages under way at once */
#define AT_ONCE	  64u	   /* answers taken between two looks at the clock */
#define PART_US	  250000u  /* of each measurement */
#define LATE_US	  5000000u /* for an answer in one */
#define TRIPS	  20000u

struct trips {
	uint32_t *us; /* those that came back */
	uint32_t n, room;
	uint64_t sum;
};

static char out[CW_RPMSG_CLIENT_MOST], in[CW_RPMSG_CLIENT_MOST];

static void add(struct trips *t, uint64_t us)
{
	uint32_t *more;

	if (t->n == t->room && t->room < TIMES_MAX) {
		more = realloc(t->us, 2 * (t->room + 512u) * sizeof(*t->us));
		t->room = more ? 2 * (t->room + 512u) : t->room;
		t->us = more ? more : t->us;
	}
	t->sum += us;
	if (t->n < t->room)
		t->us[t->n] = us < UINT32_MAX ? (uint32_t)us : UINT32_MAX;
	t->n++;
}

static int order(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* After the last has been added: so many percent took no longer; 0: the shortest, 100: the longest. */
static uint32_t at(const struct trips *t, unsigned int percent)
{
	uint32_t n = t->n < t->room ? t->n : t->room;
	uint64_t rank = ((uint64_t)n * percent + 99) / 100;

	return n ? t->us[rank ? rank - 1 : 0] : 0;
}

static void sort(struct trips *t)
{
	if (t->n)
		qsort(t->us, t->n < t->room ? t->n : t->room, sizeof(*t->us), order);
}

static void make(size_t size, uint32_t number)
{
	const uint32_t head[2] = { number, (uint32_t)getpid() };

	for (size_t i = HEADER; i < size; i++)
		out[i] = (char)(i + number);
	memcpy(out, head, HEADER < size ? HEADER : size);
}

/* Waits for the answer to what make() made last. Returns 0, CW_ETIMEDOUT, CW_ERESET, or CW_ECLOSED: stop. */
static int answer(const struct rpmsg_peer *p, size_t size, uint64_t deadline)
{
	for (;;) {
		enum rpmsg_news news = rpmsg_wait(p, deadline);
		int n = news == RPMSG_SOME ? cw_rpmsg_client_recv(p->c, in, sizeof(in), 0) : 0;

		if (news == RPMSG_STOP)
			return CW_ECLOSED;
		if (n == CW_ERESET)
			return n;
		if (n > 0 && (size_t)n == size && !memcmp(in, out, size))
			return CW_OK;
		if (rpmsg_now() >= deadline)
			return CW_ETIMEDOUT;
	}
}

static int trip(const struct rpmsg_peer *p, size_t size, uint32_t number, uint64_t patience,
		uint64_t *us)
{
	uint64_t begun = rpmsg_now();
	int err;

	make(size, number);
	err = cw_rpmsg_client_send(p->c, out, size, patience);
	err = err ? err : answer(p, size, begun + patience);
	*us = rpmsg_now() - begun;
	return err;
}

/* ---- ping ---- */

/* Until then; false: stop. Answers that come too late are not waited for any more. */
static bool rest(const struct rpmsg_peer *p, uint64_t until)
{
	for (;;) {
		enum rpmsg_news news = rpmsg_wait(p, until);

		if (news == RPMSG_STOP)
			return false;
		if (rpmsg_now() >= until)
			return true;
		if (news == RPMSG_SOME &&
		    cw_rpmsg_client_recv(p->c, in, sizeof(in), 0) == CW_ERESET)
			rpmsg_lost(p);
	}
}

static void show(const struct rpmsg_peer *p, size_t size, uint32_t number, int err, uint64_t us)
{
	if (err == CW_ERESET)
		rpmsg_lost(p);
	else if (err)
		printf("no answer to %u\n", number);
	else
		printf("%zu bytes from %s: number %u, %llu us\n", size, p->remote, number,
		       (unsigned long long)us);
}

static void summary(const struct rpmsg_peer *p, uint32_t sent, struct trips *t)
{
	sort(t);
	printf("--- %s of %s ---\n", p->service, p->remote);
	printf("%u sent, %u received, %u lost\n", sent, t->n, sent - t->n);
	if (t->n)
		printf("round trip: min %u, avg %llu, p99 %u, max %u us\n", at(t, 0),
		       (unsigned long long)(t->sum / t->n), at(t, 99), at(t, 100));
}

int rpmsg_ping(const struct cli_options *o)
{
	uint64_t patience = o->timeout ? o->timeout : RPMSG_SECOND, next;
	uint64_t interval = o->has_interval ? o->interval : RPMSG_SECOND, us;
	size_t size = o->size ? o->size : SIZE;
	struct trips t = { 0 };
	struct rpmsg_peer p;
	uint32_t sent = 0;
	int err;

	if (size < HEADER || size > CW_RPMSG_CLIENT_MOST)
		return cli_usage(&cli_rpmsg, "a ping of %zu bytes is none; right is %u to %u", size,
				 HEADER, CW_RPMSG_CLIENT_MOST);
	if (!rpmsg_open(o, o->argc ? o->argv[0] : NULL, "ping", &p))
		return EXIT_FAIL;
	rpmsg_catch();
	do {
		next = rpmsg_now() + interval;
		err = trip(&p, size, ++sent, patience, &us);
		if (!err)
			add(&t, us);
		if (err == CW_ECLOSED) {
			sent--; /* nobody waited for its answer */
			break;
		}
		if (interval || err == CW_ERESET)
			show(&p, size, sent, err, us);
	} while (sent != o->lines && cli_printed() && rest(&p, next));
	summary(&p, sent, &t);
	cw_rpmsg_client_close(p.c);
	free(t.us);
	return t.n == sent ? EXIT_FINE : EXIT_FAIL;
}

/* ---- bench ---- */

struct result {
	size_t size;
	bool answered;
	uint32_t median, p99;
	double per_second;
};

/* Returns 0 or what trip() does. */
static int round_trips(const struct rpmsg_peer *p, struct result *r)
{
	uint64_t end = rpmsg_now() + PART_US, us;
	struct trips t = { 0 };
	uint32_t number = 0;
	int err;

	do {
		err = trip(p, r->size, ++number, LATE_US, &us);
		if (!err)
			add(&t, us);
	} while (!err && number < TRIPS && rpmsg_now() < end);
	sort(&t);
	r->median = at(&t, 50);
	r->p99 = at(&t, 99);
	free(t.us);
	return err;
}

/* Counts the answers that have come, so many at once: who sends as fast as we read is not to keep us. */
static int count_answers(const struct rpmsg_peer *p, size_t size, unsigned int *away,
			 uint64_t *back)
{
	int n = 1;

	for (unsigned int i = 0; i < AT_ONCE && n > 0; i++) {
		n = cw_rpmsg_client_recv(p->c, in, sizeof(in), 0);
		if (n <= 0 || (size_t)n != size || memcmp(in, out, size) != 0 || !*away)
			continue;
		--*away;
		++*back;
	}
	return n > 0 || n == CW_ETIMEDOUT ? CW_OK : n;
}

/* With several under way, all of them what make() made last. */
static int throughput(const struct rpmsg_peer *p, struct result *r)
{
	uint64_t begun = rpmsg_now(), end = begun + PART_US, t = begun;
	unsigned int away = 0;
	uint64_t back = 0;

	while (t < end || away) {
		enum rpmsg_news news;
		int err;

		if (t >= end + LATE_US)
			return CW_ETIMEDOUT;
		while (t < end && away < WINDOW && !cw_rpmsg_client_send(p->c, out, r->size, 0))
			away++;
		news = rpmsg_wait(p, end + LATE_US);
		err = news == RPMSG_STOP ? CW_ECLOSED : count_answers(p, r->size, &away, &back);
		if (err)
			return err;
		t = rpmsg_now();
	}
	r->per_second = (double)back * 1e6 / (double)(t - begun);
	return CW_OK;
}

static void print_result(const struct result *r)
{
	if (r->answered)
		printf("%8zu %12u %12u %14.0f %10.2f\n", r->size, r->median, r->p99, r->per_second,
		       r->per_second * (double)r->size / 1e6);
	else
		printf("%8zu %12s\n", r->size, "no answer");
}

static void add_json(cJSON *list, const struct result *r)
{
	cJSON *o = cJSON_CreateObject();

	cJSON_AddNumberToObject(o, "bytes", (double)r->size);
	cJSON_AddBoolToObject(o, "answered", r->answered);
	if (r->answered) {
		cJSON_AddNumberToObject(o, "round_trip_us", r->median);
		cJSON_AddNumberToObject(o, "round_trip_p99_us", r->p99);
		cJSON_AddNumberToObject(o, "messages_per_s", r->per_second);
	}
	cJSON_AddItemToArray(list, o);
}

static void print_json(const struct rpmsg_peer *p, cJSON *list)
{
	cJSON *o = cJSON_CreateObject();
	char *text;

	cJSON_AddStringToObject(o, "remote", p->remote);
	cJSON_AddStringToObject(o, "service", p->service);
	cJSON_AddItemToObject(o, "sizes", list);
	text = cJSON_Print(o);
	if (text)
		puts(text);
	cJSON_free(text);
	cJSON_Delete(o);
}

/* CW_OK; CW_ERESET or CW_ECLOSED: it is not to go on. */
static int measure(const struct rpmsg_peer *p, struct result *r)
{
	int err;

	if (isatty(2))
		fprintf(stderr, "\r%zu bytes ...\r", r->size);
	err = round_trips(p, r);
	err = err ? err : throughput(p, r);
	r->answered = !err;
	if (err == CW_ERESET)
		rpmsg_lost(p);
	return err == CW_ERESET || err == CW_ECLOSED ? err : CW_OK;
}

int rpmsg_bench(const struct cli_options *o)
{
	static const size_t sizes[] = { 16, 64, 256, 480, 1024, 4096, 8192 };
	cJSON *list = o->json ? cJSON_CreateArray() : NULL;
	struct rpmsg_peer p;
	bool any = false;
	int err = CW_OK;

	if (!rpmsg_open(o, o->argc ? o->argv[0] : NULL, o->argc > 1 ? o->argv[1] : "ping", &p))
		return EXIT_FAIL;
	rpmsg_catch();
	if (!list)
		printf("%8s %12s %12s %14s %10s\n", "BYTES", "TRIP us", "P99 us", "MESSAGES/s",
		       "MB/s");
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct result r = { .size = sizes[i] };

		err = measure(&p, &r);
		any |= r.answered;
		if (err || !any)
			break;
		if (list)
			add_json(list, &r);
		else
			print_result(&r);
		if (!cli_printed())
			break;
	}
	if (list)
		print_json(&p, list);
	if (!err && !any)
		fprintf(stderr, "causeway: service %s of remote %s echoes nothing\n", p.service,
			p.remote);
	cw_rpmsg_client_close(p.c);
	return err == CW_ECLOSED || (!err && any) ? EXIT_FINE : EXIT_FAIL;
}
