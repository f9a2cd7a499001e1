// SPDX-License-Identifier: BSD-3-Clause
/*
 * How a worker learns to look for news before it sleeps: a remote that answers meanwhile is waited for awake, one
 * that needs the worker's own processor to answer is not, and each is noticed when it becomes the other. Time is
 * the test's, a microsecond a look at the clock.
 */
#include "../core/unit.h"

#include "worker.h"

#include <time.h>

#define MOST 50u /* microseconds of spinning */

static uint64_t now_us;
static struct cw_report report;

int __wrap_clock_gettime(clockid_t clock, struct timespec *t);

int __wrap_clock_gettime(clockid_t clock, struct timespec *t)
{
	(void)clock;
	now_us++;
	t->tv_sec = (time_t)(now_us / 1000000);
	t->tv_nsec = (long)(now_us % 1000000) * 1000;
	return 0;
}

static struct {
	struct cw_board board;
	struct cw_layout layout;
	struct cw_spin_tokens tokens;
	struct cw_worker_config config;
	struct served served;
	struct cw_unit unit;
	struct worker w;
	uint64_t news_at; /* when there is some, 0: not before the worker sleeps */
} t;

static bool look(struct cw_unit *u)
{
	(void)u;
	return t.news_at && now_us >= t.news_at;
}

static const struct cw_unit_ops ops = { .look = look };

static int setup(void **state)
{
	(void)state;
	memset(&t, 0, sizeof(t));
	memset(&report, 0, sizeof(report));
	now_us = 1000;
	t.board.poll = true;
	t.board.poll_max_us = MOST;
	t.layout.devices = 1;
	t.tokens.n = 1;
	t.config.board = &t.board;
	t.config.tokens = &t.tokens;
	t.unit.ops = &ops;
	t.served.worker = &t.w;
	t.served.bus.layout = &t.layout;
	t.served.device[0].unit = &t.unit;
	t.w.config = &t.config;
	t.w.report = &report;
	t.w.served = &t.served;
	t.w.remotes = 1;
	t.w.pid = 1;
	return 0;
}

/* A pause as the worker's loop has it; returns for how long it span. */
static uint64_t pause_(uint64_t answer, bool own_processor)
{
	uint64_t begun = now_us, span;
	bool hit;

	t.news_at = own_processor ? begun + answer : 0;
	hit = worker_spin(&t.w);
	span = now_us - begun > 1 ? now_us - begun : 0; /* one look at the clock is none */
	if (!hit) {					/* it sleeps */
		if (!t.w.spin.idle_at)
			t.w.spin.idle_at = now_us;
		now_us = own_processor && t.news_at > now_us ? t.news_at : now_us + answer;
	}
	worker_active(&t.w);
	now_us += 10; /* what there was to do */
	return span;
}

static uint64_t spun(unsigned int pauses, uint64_t answer, bool own_processor)
{
	uint64_t sum = 0;

	for (unsigned int i = 0; i < pauses; i++)
		sum += pause_(answer, own_processor);
	return sum;
}

/* How many of the next pauses end without a sleep. */
static uint64_t hits(unsigned int pauses, uint64_t answer)
{
	uint64_t before = report.spins_hit;

	spun(pauses, answer, true);
	return report.spins_hit - before;
}

static void who_answers_soon_is_waited_for(void **state)
{
	(void)state;
	spun(10, 20, true);
	assert_int_equal(hits(1000, 20), 1000);
}

static void who_needs_this_processor_gets_it(void **state)
{
	(void)state;
	spun(100, 7, false);
	assert_in_range(spun(10000, 7, false), 0, 10000 * 7 / 2);
}

static void each_may_become_the_other(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++) {
		spun(20000, 7, false);
		spun(32, 20, true);
		assert_int_equal(hits(1000, 20), 1000);
		assert_in_range(spun(2000, 7, false), 0, 2000 * 7 / 2);
	}
}

/* Answers that are late now and then. */
static void a_miss_is_forgiven(void **state)
{
	uint64_t hit = 0;

	(void)state;
	spun(10, 12, true);
	for (int i = 0; i < 100; i++)
		hit += hits(9, 12) + hits(1, 40);
	assert_in_range(hit, 850, 1000);
}

static void long_pauses_are_slept(void **state)
{
	(void)state;
	spun(100, 20, true);
	spun(10, 10 * MOST, true);
	assert_int_equal(spun(1000, 10 * MOST, true), 0);
	spun(2, 20, true);
	assert_int_equal(hits(100, 20), 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(who_answers_soon_is_waited_for, setup),
		cmocka_unit_test_setup(who_needs_this_processor_gets_it, setup),
		cmocka_unit_test_setup(each_may_become_the_other, setup),
		cmocka_unit_test_setup(a_miss_is_forgiven, setup),
		cmocka_unit_test_setup(long_pauses_are_slept, setup),
	};

	return cmocka_run_group_tests_name("spinning", tests, NULL, NULL);
}
