// SPDX-License-Identifier: BSD-3-Clause
/*
 * Rows 1 to 3: RPMsg between a host and a remote over rings in one piece of memory, both polling.
 *
 *	step N		N round trips of 64 B in one thread (for callgrind)
 *	pingpong N	the same between two threads; with the floor beside it: one cache line
 *	gap20, gap200 N	N such round trips with so many microseconds between them; the floor has them too
 *	ten N		N messages of 64 B from one thread to the other, to ten endpoints in turn, in batches of 32
 *	oneway N	N messages of 64 B from one thread to the other, in batches of 32; the floor beside it: a
 *			ring of 64 B slots with cached indices, one writer, one reader
 *
 * Prints nanoseconds of the thing and of its floor, measured in turn.
 */
#include <causeway/core/layout.h>
#include <causeway/core/rpmsg.h>
#include <causeway/core/shm.h>

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SIZE   64u
#define BASE   0x10000u
#define BYTES  (1u << 20)
#define LEN    64u
#define BATCH  32u
#define ROUNDS 7
#define TEN    10u
#define MOST   100000

struct side {
	struct cw_rpmsg ch;
	struct cw_rpmsg_endpoint ept[TEN + 1];
	struct cw_rpmsg_endpoint *e, *ten[TEN];
	struct cw_rpmsg_slot rx[SIZE], tx[SIZE];
	_Alignas(64) uint64_t got;
	bool echo;
	uint8_t last[LEN];
};

static _Alignas(64) struct side host, remote;
static struct cw_drvq drv[2];
static struct cw_devq dev[2];
static struct cw_drvq_slot slot[2][SIZE];
static uint16_t own[2][SIZE];
static struct cw_ranges rings;
static struct cw_window w;
static struct cw_rpmsg_host host_queues;
static struct cw_rpmsg_remote remote_queues;

static void told(void *ctx, unsigned int q, uint32_t running)
{
	(void)ctx;
	(void)q;
	(void)running;
}

static const struct cw_rpmsg_transport transport = { .notify = told };

static int receive(struct cw_rpmsg_endpoint *e, const struct cw_rpmsg_msg *m)
{
	struct side *s = e->ctx;

	cw_copy_in(s->last, m->data, LEN);
	s->got++;
	if (s->echo && cw_rpmsg_send(e, s->last, LEN, 0))
		abort();
	return 0;
}

static const struct cw_rpmsg_endpoint_ops ops = { .receive = receive };

static void make(struct side *s, uint32_t addr, uint32_t dst)
{
	const struct cw_rpmsg_config c = { .endpoint = s->ept, .endpoints = TEN + 1 };
	struct cw_rpmsg_spec e = { .addr = addr, .dst = dst, .ops = &ops, .ctx = s };

	if (cw_rpmsg_init(&s->ch, &c) || cw_rpmsg_create(&s->ch, &e, &s->e))
		abort();
	for (unsigned int i = 0; i < TEN; i++) { /* where a search by table entry finds them */
		e.addr = 2048 + 16 * TEN + i + 1;
		e.dst = e.addr;
		if (cw_rpmsg_create(&s->ch, &e, &s->ten[i]))
			abort();
	}
}

static struct cw_rpmsg_pool pool(uint32_t at)
{
	struct cw_rpmsg_pool p = { w.va_ + at, BASE + at, 512, 512, SIZE };

	return p;
}

static void set_up(void)
{
	uint32_t bytes = cw_ring_bytes(SIZE, 64);
	struct cw_rpmsg_pool rx, tx;

	w = (struct cw_window){ aligned_alloc(4096, BYTES), BASE, BYTES };
	if (!w.va_)
		abort();
	memset(w.va_, 0, BYTES);
	rings.lo = rings.range[0].at = BASE;
	rings.hi = rings.range[0].end = BASE + 2 * bytes;
	rings.n = 1;
	for (unsigned int i = 0; i < 2; i++)
		if (cw_drvq_init(&drv[i], &w, BASE + i * bytes, 64, SIZE, slot[i], true) ||
		    cw_devq_init(&dev[i], &w, &rings, cw_drvq_part(&drv[i], &w, 0),
				 cw_drvq_part(&drv[i], &w, 1), cw_drvq_part(&drv[i], &w, 2), SIZE,
				 own[i], true, true))
			abort();
	rx = pool(0x20000);
	tx = pool(0x40000);
	if (cw_rpmsg_host_init(&host_queues, &drv[0], &drv[1], &rx, &tx, host.rx, host.tx))
		abort();
	cw_rpmsg_remote_init(&remote_queues, &dev[0], &dev[1], remote.tx, remote.rx, 512);
	host_queues.q.transport = remote_queues.q.transport = &transport;
	make(&host, 1024, 1040);
	make(&remote, 1040, 1024);
	cw_rpmsg_up(&host.ch, &host_queues.q, 0);
	cw_rpmsg_flush(&host.ch);
	cw_rpmsg_up(&remote.ch, &remote_queues.q, 0);
}

static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void relax(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#endif
}

static void pin(unsigned int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	(void)sched_setaffinity(0, sizeof(set), &set);
}

/* ---- one thread ---- */

static void step(long n)
{
	static const uint8_t text[LEN];

	remote.echo = true;
	for (long i = 0; i < n; i++) {
		if (cw_rpmsg_send(host.e, text, LEN, 0) || cw_rpmsg_poll(&remote.ch, 8) != 1 ||
		    cw_rpmsg_poll(&host.ch, 8) != 1)
			abort();
	}
	if (host.got != (uint64_t)n)
		abort();
}

/* ---- two threads ---- */

static double took[MOST]; /* of each round trip, when there is a gap between them */
static long gap;

static void pause_after(long i, double begun)
{
	double end = now_ns();

	took[i % MOST] = end - begun;
	for (end += (double)gap * 1e3; now_ns() < end;)
		relax();
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double median(long n)
{
	n = n < MOST ? n : MOST;
	qsort(took, (size_t)n, sizeof(*took), by_value);
	return took[n / 2];
}

static _Alignas(64) atomic_ulong line_a, line_b;
static _Alignas(64) atomic_ulong head, tail;
static _Alignas(64) uint8_t slots[1024][LEN];
static atomic_int mode, ready; /* what the other thread does */
static _Atomic long count;

enum { NOTHING, ECHO, LINE, SINK, SLOTS, TEN_SINK, QUIT };

static void line_echo(long n)
{
	for (long i = 1; i <= n; i++) {
		while (atomic_load_explicit(&line_a, memory_order_acquire) != (unsigned long)i)
			relax();
		atomic_store_explicit(&line_b, (unsigned long)i, memory_order_release);
	}
}

static void line_ping(long n)
{
	for (long i = 1; i <= n; i++) {
		double begun = gap ? now_ns() : 0;

		atomic_store_explicit(&line_a, (unsigned long)i, memory_order_release);
		while (atomic_load_explicit(&line_b, memory_order_acquire) != (unsigned long)i)
			relax();
		if (gap)
			pause_after(i, begun);
	}
}

static void rpmsg_echo(uint64_t n)
{
	while (remote.got < n)
		if (!cw_rpmsg_poll(&remote.ch, 8))
			relax();
}

static void rpmsg_ping(uint64_t n)
{
	static const uint8_t text[LEN];

	for (uint64_t i = 1; i <= n; i++) {
		double begun = gap ? now_ns() : 0;

		if (cw_rpmsg_send(host.e, text, LEN, 0))
			abort();
		while (host.got < i)
			if (!cw_rpmsg_poll(&host.ch, 8))
				relax();
		if (gap)
			pause_after((long)i, begun);
	}
}

static void rpmsg_sink(uint64_t n)
{
	while (remote.got < n)
		if (!cw_rpmsg_poll(&remote.ch, BATCH))
			relax();
	cw_rpmsg_flush(&remote.ch);
}

static void rpmsg_source(uint64_t n, bool ten)
{
	static const uint8_t text[LEN];
	struct cw_rpmsg_tx tx;

	for (uint64_t i = 0; i < n;) {
		unsigned int k = 0;

		for (; k < BATCH && i < n && !cw_rpmsg_tx_get(host.e, &tx); k++, i++) {
			struct cw_rpmsg_endpoint *e = ten ? host.ten[i % TEN] : host.e;

			cw_copy_out(tx.data, text, LEN);
			if (cw_rpmsg_tx_send(e, &tx, e->dst, LEN))
				abort();
		}
		cw_rpmsg_flush(&host.ch);
		if (!k)
			relax();
	}
}

static uint8_t drop[LEN];

static void slots_sink(unsigned long n)
{
	unsigned long seen = 0;

	for (unsigned long i = 0; i < n; i++) {
		while (i == seen) {
			seen = atomic_load_explicit(&head, memory_order_acquire);
			if (i == seen)
				relax();
		}
		memcpy(drop, slots[i % 1024], LEN);
		if (i % 16 == 15)
			atomic_store_explicit(&tail, i + 1, memory_order_release);
	}
	atomic_store_explicit(&tail, n, memory_order_release);
}

static void slots_source(unsigned long n)
{
	static const uint8_t text[LEN];
	unsigned long gone = 0;

	for (unsigned long i = 0; i < n; i++) {
		while (i - gone >= 1024) {
			gone = atomic_load_explicit(&tail, memory_order_acquire);
			if (i - gone >= 1024)
				relax();
		}
		memcpy(slots[i % 1024], text, LEN);
		if (i % BATCH == BATCH - 1 || i + 1 == n)
			atomic_store_explicit(&head, i + 1, memory_order_release);
	}
}

static void *other(void *arg)
{
	(void)arg;
	pin(1);
	for (;;) {
		int m = atomic_load_explicit(&mode, memory_order_acquire);
		long n = count;

		if (m == QUIT)
			return NULL;
		if (m == NOTHING) {
			relax();
			continue;
		}
		atomic_store(&mode, NOTHING);
		atomic_store(&ready, 1);
		if (m == ECHO)
			rpmsg_echo((uint64_t)n);
		else if (m == LINE)
			line_echo(n);
		else if (m == SINK || m == TEN_SINK)
			rpmsg_sink((uint64_t)n);
		else
			slots_sink((unsigned long)n);
		atomic_store(&ready, 2);
	}
}

/* Nanoseconds a message, or a round trip, of @n. */
static double measure(int m, long n)
{
	double begun;

	host.got = remote.got = 0;
	remote.echo = m == ECHO;
	line_a = line_b = head = tail = 0;
	count = n;
	atomic_store(&ready, 0);
	atomic_store_explicit(&mode, m, memory_order_release);
	while (!atomic_load(&ready))
		relax();
	begun = now_ns();
	if (m == ECHO)
		rpmsg_ping((uint64_t)n);
	else if (m == LINE)
		line_ping(n);
	else if (m == SINK || m == TEN_SINK)
		rpmsg_source((uint64_t)n, m == TEN_SINK);
	else
		slots_source((unsigned long)n);
	while (atomic_load(&ready) != 2)
		relax();
	return gap ? median(n) : (now_ns() - begun) / (double)n;
}

static void print(const char *what, int thing, int floor, long n)
{
	printf("{\"%s\": [", what);
	for (int i = 0; i < ROUNDS; i++) {
		double one = i % 2 ? measure(floor, n) : measure(thing, n);
		double two = i % 2 ? measure(thing, n) : measure(floor, n);

		printf("%s[%.2f, %.2f]", i ? ", " : "", i % 2 ? two : one, i % 2 ? one : two);
	}
	printf("]}\n");
}

int main(int argc, char **argv)
{
	long n = argc > 2 ? strtol(argv[2], NULL, 10) : 0;
	pthread_t t;

	if (n < 1) {
		fprintf(stderr, "usage: bench_rpmsg step|pingpong|gap20|gap200|oneway|ten N\n");
		return 2;
	}
	set_up();
	if (!strcmp(argv[1], "step")) {
		step(n);
		return 0;
	}
	pin(0);
	if (pthread_create(&t, NULL, other, NULL))
		return 1;
	if (!strncmp(argv[1], "gap", 3))
		gap = strtol(argv[1] + 3, NULL, 10);
	if (!strcmp(argv[1], "ten"))
		print("ten", TEN_SINK, SLOTS, n);
	else if (!strcmp(argv[1], "oneway"))
		print("oneway", SINK, SLOTS, n);
	else
		print(argv[1], ECHO, LINE, n);
	atomic_store(&mode, QUIT);
	pthread_join(t, NULL);
	return 0;
}
