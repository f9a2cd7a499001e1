// SPDX-License-Identifier: BSD-3-Clause
/* The entropy device against a driver that behaves, asks for too much, or lies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "pair.h"

#include <causeway/device/rng.h>

#define SIZE 16

static struct {
	struct pair pair;
	struct cw_rng rng;
	struct cw_part part[SIZE];
	uint64_t now;
	int give;	    /* what the source returns at most; <= 0: that error */
	unsigned int calls; /* of fill */
	uint8_t next;	    /* the source counts */
} t;

static int fill(void *ctx, const struct cw_part *part, unsigned int n, uint32_t max)
{
	uint32_t done = 0, want;

	(void)ctx;
	t.calls++;
	if (t.give <= 0)
		return t.give;
	want = (uint32_t)t.give < max ? (uint32_t)t.give : max;
	for (unsigned int i = 0; i < n; i++)
		for (size_t b = 0; b < part[i].len && done < want; b++, done++)
			((uint8_t *)part[i].ptr)[b] = t.next++;
	return (int)done;
}

static uint64_t now(void *ctx)
{
	(void)ctx;
	return t.now;
}

static const struct cw_rng_ops source = { fill, now };

static void start(uint32_t rate)
{
	memset(&t, 0, sizeof(t));
	t.give = 1 << 20;
	t.now = 5000000;
	pair_init(&t.pair, 1, SIZE, 1 << 20);
	assert_int_equal(cw_rng_init(&t.rng, &source, NULL, rate, t.pair.q, t.part, SIZE), CW_OK);
	pair_up(&t.pair, &t.rng.dev, CW_F_EVENT_IDX);
}

static int stop(void **state)
{
	(void)state;
	pair_free(&t.pair);
	return 0;
}

static struct pair_mem ask(uint32_t bytes)
{
	struct pair_mem m = pair_alloc(&t.pair, bytes);
	const struct cw_buf buf = { m.addr, bytes };

	memset(m.p, 0xee, bytes);
	pair_add(&t.pair, 0, &buf, 0, 1, m.p);
	pair_kick(&t.pair, 0);
	return m;
}

static void gives_what_was_asked(void **state)
{
	struct pair_mem m;

	(void)state;
	start(0);
	m = ask(9);
	pair_run(&t.pair);
	assert_int_equal(pair_take(&t.pair, 0), 9);
	for (unsigned int i = 0; i < 9; i++)
		assert_int_equal(m.p[i], i);
	assert_int_equal(m.p[9], 0x5a);
	assert_int_equal(t.pair.told[0], 1);
}

static void fills_several_parts_in_order(void **state)
{
	struct pair_mem m;
	struct cw_buf buf[3];

	(void)state;
	start(0);
	m = pair_alloc(&t.pair, 64);
	for (unsigned int i = 0; i < 3; i++)
		buf[i] = (struct cw_buf){ m.addr + 16 * i, 3 };
	pair_add(&t.pair, 0, buf, 0, 3, NULL);
	pair_kick(&t.pair, 0);
	pair_run(&t.pair);
	assert_int_equal(pair_take(&t.pair, 0), 9);
	assert_int_equal(m.p[16], 3);
	assert_int_equal(m.p[32 + 2], 8);
}

static void reports_only_what_arrived(void **state)
{
	(void)state;
	start(0);
	t.give = 5;
	ask(64);
	pair_run(&t.pair);
	assert_int_equal(pair_take(&t.pair, 0), 5);
}

static int boast(void *ctx, const struct cw_part *part, unsigned int n, uint32_t max)
{
	(void)ctx, (void)part, (void)n;
	t.calls++;
	return (int)max + 1;
}

static void source_that_claims_too_much_is_not_believed(void **state)
{
	static const struct cw_rng_ops boaster = { boast, now };

	(void)state;
	start(0);
	t.rng.ops = &boaster;
	ask(8);
	pair_run(&t.pair);
	assert_int_equal(t.calls, 1);
	assert_true(pair_empty(&t.pair, 0));
	assert_int_equal(t.rng.count.errors, 1);
}

static void waits_when_there_is_nothing(void **state)
{
	(void)state;
	start(0);
	t.give = CW_EAGAIN;
	ask(8);
	pair_run(&t.pair);
	assert_true(pair_empty(&t.pair, 0));
	assert_int_equal(t.rng.count.errors, 0);
	assert_int_equal(cw_rng_deadline(&t.rng), t.now + CW_RNG_RETRY_US);
	assert_false(cw_rng_poll(&t.rng));
	t.now += CW_RNG_RETRY_US;
	t.give = 8;
	assert_true(cw_rng_poll(&t.rng));
	pair_run(&t.pair);
	assert_int_equal(pair_take(&t.pair, 0), 8);
	assert_int_equal(cw_rng_deadline(&t.rng), CW_RNG_NEVER);
}

static void failing_source_gives_nothing(void **state)
{
	(void)state;
	start(0);
	t.give = CW_EINTERNAL;
	ask(8);
	pair_run(&t.pair);
	assert_true(pair_empty(&t.pair, 0));
	assert_int_equal(t.rng.count.errors, 1);
	assert_true(cw_device_running(&t.rng.dev));
}

/* hostile-input row 40 */
static void row40_huge_request_is_capped(void **state)
{
	struct pair_mem m;

	(void)state;
	start(0);
	m = ask(400000);
	pair_run(&t.pair);
	assert_int_equal(pair_take(&t.pair, 0), CW_RNG_REQUEST_MAX);
	assert_int_equal(m.p[CW_RNG_REQUEST_MAX], 0xee);
	assert_int_equal(t.rng.count.capped, 1);
}

static void row40_flood_leaves_time_for_others(void **state)
{
	(void)state;
	start(0);
	for (unsigned int i = 0; i < SIZE; i++)
		ask(8192);
	assert_true(t.rng.dev.queue[0].work);
	cw_device_serve(&t.rng.dev);
	assert_in_range(t.rng.count.bytes, 1, CW_RNG_PASS_MAX);
	pair_run(&t.pair);
	assert_int_equal(t.rng.count.bytes, SIZE * CW_RNG_REQUEST_MAX);
}

static void row40_rate_holds(void **state)
{
	uint64_t got = 0;

	(void)state;
	start(1000);
	for (unsigned int ms = 0; ms < 10000; ms += 10, t.now += 10000) {
		uint32_t used = t.pair.used_bytes;

		if (!t.rng.waiting)
			ask(256);
		cw_rng_poll(&t.rng);
		pair_run(&t.pair);
		if (!t.rng.waiting)
			got += pair_take(&t.pair, 0);
		t.pair.used_bytes = used;
	}
	/* 1000 bytes a second for 10 s, and one full bucket to begin with */
	assert_in_range(got, 9000, 10100);
	assert_true(t.rng.count.throttled > 0);
}

static void slow_rate_still_gives_a_byte(void **state)
{
	(void)state;
	start(3);
	ask(4);
	pair_run(&t.pair);
	assert_int_equal(pair_take(&t.pair, 0), 1);
	ask(4);
	pair_run(&t.pair);
	assert_true(pair_empty(&t.pair, 0));
	t.now += 400000;
	assert_true(cw_rng_poll(&t.rng));
	pair_run(&t.pair);
	assert_int_equal(pair_take(&t.pair, 0), 1);
}

/* hostile-input row 27 */
static void row27_no_writable_part_is_a_fault(void **state)
{
	struct cw_buf buf;
	uint32_t len;
	void *cookie;

	(void)state;
	start(0);
	buf = (struct cw_buf){ pair_alloc(&t.pair, 8).addr, 8 };
	pair_add(&t.pair, 0, &buf, 1, 0, &t);
	pair_kick(&t.pair, 0);
	pair_run(&t.pair);
	assert_true(pair_get(&t.pair, 0, &cookie, &len));
	assert_ptr_equal(cookie, &t);
	assert_int_equal(len, 0);
	assert_true(t.rng.dev.status & CW_STATUS_NEEDS_RESET);
	assert_int_equal(t.rng.dev.fault, CW_EBADCHAIN);
	assert_int_equal(t.calls, 0);
}

static void readable_part_is_counted_and_left_alone(void **state)
{
	struct pair_mem m;
	struct cw_buf buf[2];

	(void)state;
	start(0);
	m = pair_alloc(&t.pair, 128);
	memset(m.p, 0xee, 128);
	buf[0] = (struct cw_buf){ m.addr, 8 };
	buf[1] = (struct cw_buf){ m.addr + 64, 8 };
	pair_add(&t.pair, 0, buf, 1, 1, NULL);
	pair_kick(&t.pair, 0);
	pair_run(&t.pair);
	assert_int_equal(pair_take(&t.pair, 0), 8);
	assert_int_equal(m.p[0], 0xee);
	assert_int_equal(m.p[64], 0);
	assert_int_equal(t.rng.count.strange, 1);
}

static void reset_forgets_the_request_that_waited(void **state)
{
	(void)state;
	start(0);
	t.give = CW_EAGAIN;
	ask(8);
	pair_run(&t.pair);
	pair_up(&t.pair, &t.rng.dev, 0);
	t.give = 8;
	t.now += 1000000;
	assert_false(cw_rng_poll(&t.rng));
	pair_run(&t.pair);
	assert_true(pair_empty(&t.pair, 0));
	ask(8);
	pair_run(&t.pair);
	assert_int_equal(pair_take(&t.pair, 0), 8);
}

static void bad_ring_faults_this_device_only(void **state)
{
	(void)state;
	start(0);
	t.pair.drv[0].avail_count = 40; /* row 14: a jump by more than the queue holds */
	pair_kick(&t.pair, 0);
	pair_run(&t.pair);
	assert_int_equal(t.rng.dev.fault, CW_EBADINDEX);
	assert_int_equal(t.pair.changed, 1);
	assert_int_equal(t.calls, 0);
}

int main(void)
{
#define T(f) cmocka_unit_test_teardown(f, stop)
	const struct CMUnitTest tests[] = {
		T(gives_what_was_asked),
		T(fills_several_parts_in_order),
		T(reports_only_what_arrived),
		T(source_that_claims_too_much_is_not_believed),
		T(waits_when_there_is_nothing),
		T(failing_source_gives_nothing),
		T(row40_huge_request_is_capped),
		T(row40_flood_leaves_time_for_others),
		T(row40_rate_holds),
		T(slow_rate_still_gives_a_byte),
		T(row27_no_writable_part_is_a_fault),
		T(readable_part_is_counted_and_left_alone),
		T(reset_forgets_the_request_that_waited),
		T(bad_ring_faults_this_device_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
