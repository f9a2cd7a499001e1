// SPDX-License-Identifier: BSD-3-Clause
/* The link: start, echo, up, down, restart (docs/spec/region.md sections 4.1 to 4.3, 4.5). */
#include "hook.h"
#include "pair.h"

static bool up(int s)
{
	return cw_link_is_up(&side[s].link);
}

static void expect_edges(int s, unsigned int ups, unsigned int downs)
{
	assert_int_equal(side[s].ups, ups);
	assert_int_equal(side[s].downs, downs);
	assert_int_equal(side[s].link.count.ups, ups);
	assert_int_equal(side[s].link.count.downs, downs);
}

static void either_side_may_start_first(void **state)
{
	for (int first = A; first <= B; first++) {
		pair_fresh(state);
		pair_begin(first);
		pair_settle();
		assert_false(up(A) || up(B));
		pair_begin(1 - first);
		pair_settle();
		assert_true(up(A) && up(B));
		expect_edges(A, 1, 0);
		expect_edges(B, 1, 0);
	}
}

static void nobody_is_up_before_both_echoed(void **state)
{
	(void)state;
	pair_begin(A);
	pair_begin(B);
	assert_int_equal(pair_poll(A), CW_LINK_SAME); /* A echoes B */
	assert_int_equal(cw_load32(&side[A].page->peer_epoch), side[B].link.epoch);
	assert_int_equal(cw_load32(&side[B].page->peer_epoch), 0);
	assert_false(up(A));
	assert_int_equal(pair_poll(B), CW_LINK_CAME_UP); /* B echoes A and finds A's echo */
	assert_int_equal(pair_poll(A), CW_LINK_CAME_UP);
	assert_int_equal(pair_poll(A), CW_LINK_SAME);
	assert_int_equal(pair_poll(B), CW_LINK_SAME);
}

static void side_that_has_not_begun_does_nothing(void **state)
{
	(void)state;
	pair_begin(B);
	hook_start(NULL);
	assert_int_equal(pair_poll(A), CW_LINK_SAME);
	assert_int_equal(hook_stores(side[A].page, 4096), 0);
	assert_true(cw_link_deadline(&side[A].link) == CW_LINK_NEVER);
	assert_int_equal(side[A].rings, 0);
}

static void restart_of_either_side_is_one_down_and_one_up(void **state)
{
	for (int s = A; s <= B; s++) {
		uint32_t before;

		pair_up(state);
		before = side[s].link.epoch;
		pair_new(s, PAIR_HASH);
		pair_begin(s);
		assert_int_equal(side[s].link.epoch, before + 1);
		assert_int_equal(pair_poll(1 - s), CW_LINK_WENT_DOWN);
		assert_false(up(1 - s));
		pair_settle();
		assert_true(up(A) && up(B));
		expect_edges(1 - s, 2, 1);
		expect_edges(s, 1, 0);
		assert_int_equal(cw_load32(&side[1 - s].page->peer_epoch), before + 1);
	}
}

static void both_may_restart_at_once(void **state)
{
	(void)state;
	for (int i = 0; i < 50; i++) {
		pair_new(A, PAIR_HASH);
		pair_new(B, PAIR_HASH);
		pair_begin(i & 1);
		pair_begin(1 - (i & 1));
		pair_settle();
		assert_true(up(A) && up(B));
	}
	assert_int_equal(side[A].link.epoch, 51);
}

/* A second life in the same process, e.g. a remote that resets its drivers */
static void begin_again_is_a_new_life(void **state)
{
	(void)state;
	pair_begin(B);
	assert_false(up(B));
	pair_settle();
	assert_true(up(A) && up(B));
	assert_int_equal(side[B].link.epoch, 2);
	expect_edges(A, 2, 1);
}

static void epoch_that_was_never_up_is_kept(void **state)
{
	(void)state;
	pair_begin(A);
	assert_int_equal(cw_link_begin(&side[A].link, pair_now), CW_EBUSY);
	assert_int_equal(side[A].link.epoch, 1);
}

static uint32_t epoch_after(uint32_t own, uint32_t echo)
{
	pair_fresh(NULL);
	cw_store32(&side[A].page->epoch, own);
	cw_store32(&side[B].page->peer_epoch, echo);
	pair_begin(A);
	assert_int_equal(cw_load32(&side[A].page->epoch), side[A].link.epoch);
	return side[A].link.epoch;
}

static void epoch_is_later_than_both_memories_of_it(void **state)
{
	(void)state;
	assert_int_equal(epoch_after(0, 0), 1);
	assert_int_equal(epoch_after(7, 0), 8);
	assert_int_equal(epoch_after(7, 7), 8);
	assert_int_equal(epoch_after(0, 7), 8); /* the own page was lost */
	assert_int_equal(epoch_after(9, 7), 10);
	assert_int_equal(epoch_after(0xfffffffeu, 3), 4); /* 3 comes after the wrap */
}

static void epoch_wraps_and_is_never_zero(void **state)
{
	assert_int_equal(epoch_after(0xffffffffu, 0), 1);
	assert_int_equal(epoch_after(0xffffffffu, 0xffffffffu), 1);
	assert_int_equal(epoch_after(0xfffffffeu, 0), 1); /* 0 is later, and 1 after it */
	pair_fresh(state);
	cw_store32(&side[A].page->epoch, 0xffffffffu);
	cw_store32(&side[B].page->epoch, 0xfffffffdu);
	for (int i = 0; i < 4; i++) {
		pair_new(A, PAIR_HASH);
		pair_new(B, PAIR_HASH);
		pair_begin(A);
		pair_begin(B);
		pair_settle();
		assert_true(up(A) && up(B));
		assert_int_not_equal(side[A].link.epoch, 0);
		assert_int_not_equal(side[B].link.epoch, 0);
	}
}

static void epoch_zero_is_no_life(void **state)
{
	(void)state;
	cw_store32(&side[B].page->epoch, 0);
	assert_int_equal(pair_poll(A), CW_LINK_WENT_DOWN);
	pair_settle();
	assert_false(up(A));
	assert_int_not_equal(cw_load32(&side[A].page->peer_epoch), 0);
}

static void expect_refused(struct cw_le32 *word, uint32_t value, int why)
{
	uint32_t right;

	pair_fresh(NULL);
	pair_begin(A);
	pair_begin(B);
	right = cw_load32(word);
	cw_store32(word, value);
	pair_settle();
	assert_false(up(A) || up(B));
	assert_int_equal(side[A].link.refused, why);
	assert_int_equal(cw_load32(&side[A].page->peer_epoch), 0);
	cw_store32(word, right); /* looked at again, not given up */
	pair_settle();
	assert_true(up(A) && up(B));
	assert_int_equal(side[A].link.refused, 0);
}

static void peer_of_another_version_or_layout_is_not_echoed(void **state)
{
	struct cw_abi_link_page *b = side[B].page;

	(void)state;
	expect_refused(&b->magic, 0, CW_EVERSION);
	expect_refused(&b->magic, CW_LINK_MAGIC ^ 0x80000000u, CW_EVERSION);
	expect_refused(&b->version, 0x00020000u, CW_EVERSION);
	expect_refused(&b->version, 0, CW_EVERSION);
	expect_refused(&b->hash_lo, (uint32_t)PAIR_HASH + 1, CW_ELAYOUT);
	expect_refused(&b->hash_hi, 0, CW_ELAYOUT);
}

static void peer_of_another_minor_is_echoed(void **state)
{
	(void)state;
	pair_begin(A);
	pair_begin(B);
	cw_store32(&side[B].page->version, CW_ABI_VERSION + 7);
	pair_settle();
	assert_true(up(A) && up(B));
}

static void echo_waits_for_the_last_store(void **state)
{
	(void)state;
	pair_new(B, PAIR_HASH);
	pair_begin(B);
	side[A].busy = 3;
	side[A].quiesced = 0;
	assert_int_equal(pair_poll(A), CW_LINK_WENT_DOWN);
	for (int i = 0; i < 3; i++) {
		pair_poll(A);
		assert_int_not_equal(cw_load32(&side[A].page->peer_epoch), side[B].link.epoch);
		assert_true(cw_link_deadline(&side[A].link) != CW_LINK_NEVER);
	}
	pair_poll(A);
	assert_int_equal(cw_load32(&side[A].page->peer_epoch), side[B].link.epoch);
	assert_int_equal(side[A].quiesced, 4);
}

static void alive_sees_the_new_life_at_once(void **state)
{
	(void)state;
	assert_true(cw_link_alive(&side[A].link));
	pair_new(B, PAIR_HASH);
	assert_true(cw_link_alive(&side[A].link));
	assert_int_equal(cw_link_begin(&side[B].link, pair_now), 0);
	assert_false(cw_link_alive(&side[A].link));
	assert_true(up(A)); /* the view changes with the next poll only */
}

static void begin_stores_in_order(void **state)
{
	struct cw_abi_link_page *a = side[A].page;

	(void)state;
	cw_link_kick(&side[A].link, 39, 5);
	hook_start(NULL);
	pair_begin(A);
	assert_true(hook_last_store(&a->kick[39]) < hook_first_store(&a->epoch));
	assert_true(hook_last_store(&a->seen[39]) < hook_first_store(&a->epoch));
	assert_true(hook_last_store(&a->group[2]) < hook_first_store(&a->epoch));
	assert_true(hook_last_store(&a->peer_epoch) < hook_first_store(&a->epoch));
	assert_true(hook_last_store(&a->hash_hi) < hook_first_store(&a->epoch));
	assert_true(hook_first_store(&a->epoch) < hook_last_store(&a->state));
	assert_int_equal(hook_stores(&a->epoch, 4), 1);
	assert_int_equal(cw_load32(&a->state), CW_STATE_UP);
	assert_int_equal(cw_load32(&a->kick[39]), 0);
}

static void echo_stores_in_order(void **state)
{
	struct cw_abi_link_page *a = side[A].page;

	(void)state;
	pair_new(B, PAIR_HASH);
	pair_begin(B);
	pair_poll(A);
	hook_start(NULL);
	pair_poll(A);
	assert_true(hook_last_store(&a->kick[39]) < hook_first_store(&a->peer_epoch));
	assert_true(hook_last_store(&a->seen[39]) < hook_first_store(&a->peer_epoch));
	assert_true(hook_last_store(&a->group[2]) < hook_first_store(&a->peer_epoch));
	assert_int_equal(hook_stores(&a->epoch, 4), 0);
}

/* The peer's epoch first: an echo read before could be one for another life. */
static void peers_epoch_is_read_before_its_echo(void **state)
{
	(void)state;
	hook_start(NULL);
	cw_link_alive(&side[A].link);
	assert_true(hook_first_load(&side[B].page->epoch) <
		    hook_first_load(&side[B].page->peer_epoch));
	assert_int_equal(hook_loads(side[B].page, 4096), 2);
}

/* After 1, 2, 4 ... 100 ms; the same row again after each echo. */
static void unanswered_epoch_is_rung_with_growing_pauses(void **state)
{
	static const unsigned int at_ms[] = { 1, 3, 7, 15, 31, 63, 127, 227, 327, 427 };
	uint64_t start = pair_now;
	unsigned int n = 0;

	(void)state;
	pair_begin(A);
	assert_int_equal(side[A].rings, 1);
	side[A].rings = 0;
	while (n < ARRAY_SIZE(at_ms)) {
		assert_true(cw_link_deadline(&side[A].link) == start + at_ms[n] * 1000u);
		pair_poll(A);
		if (side[A].rings) {
			assert_int_equal(pair_now - start, at_ms[n] * 1000u);
			side[A].rings = 0;
			n++;
		}
		pair_now += 250;
	}
	assert_int_equal(side[A].link.count.rerings, n);
}

static void idle_link_that_is_up_rings_nothing(void **state)
{
	(void)state;
	for (int i = 0; i < 1000; i++) {
		pair_now += 10000;
		assert_int_equal(pair_poll(A), CW_LINK_SAME);
		assert_true(cw_link_deadline(&side[A].link) == CW_LINK_NEVER);
	}
	assert_int_equal(side[A].rings, 0);
}

static void lost_doorbells_at_the_start_only_delay(void **state)
{
	(void)state;
	pair_begin(A);
	pair_begin(B);
	/* Nobody is ever woken: each side polls only when its own deadline passes. */
	for (int i = 0; i < 100 && !(up(A) && up(B)); i++) {
		for (int s = A; s <= B; s++)
			if (cw_link_deadline(&side[s].link) <= pair_now)
				pair_poll(s);
		pair_now += 1000;
	}
	assert_true(up(A) && up(B));
}

static void state_of_the_peer_is_told(void **state)
{
	uint32_t code = 99;

	(void)state;
	assert_int_equal(cw_link_peer_state(&side[A].link, NULL), CW_STATE_UP);
	cw_link_set_state(&side[B].link, CW_STATE_PANIC, 0xdead);
	assert_int_equal(side[B].rings, 1);
	assert_int_equal(cw_link_peer_state(&side[A].link, &code), CW_STATE_PANIC);
	assert_int_equal(code, 0xdead);
	cw_link_set_state(&side[B].link, CW_STATE_IDLE, 0);
	assert_int_equal(cw_link_peer_state(&side[A].link, &code), CW_STATE_IDLE);
	pair_poll(A);
	assert_true(up(A)); /* the state never decides about the link */
}

static void init_refuses_what_cannot_work(void **state)
{
	static const struct cw_link_ops none;
	struct cw_link_ops some = *side[A].link.ops;
	struct cw_link *l = &side[A].link;
	struct cw_abi_link_page *a = side[A].page, *b = side[B].page;
	struct cw_link_slot *slot = side[A].slot;

	(void)state;
	assert_int_equal(cw_link_init(l, a, b, slot, 0, 1, &some, NULL), CW_EINVAL);
	assert_int_equal(cw_link_init(l, a, b, slot, 257, 1, &some, NULL), CW_EINVAL);
	assert_int_equal(cw_link_init(l, NULL, b, slot, 1, 1, &some, NULL), CW_EINVAL);
	assert_int_equal(cw_link_init(l, a, NULL, slot, 1, 1, &some, NULL), CW_EINVAL);
	assert_int_equal(cw_link_init(l, a, b, NULL, 1, 1, &some, NULL), CW_EINVAL);
	assert_int_equal(cw_link_init(l, a, b, slot, 1, 1, NULL, NULL), CW_EINVAL);
	assert_int_equal(cw_link_init(l, a, b, slot, 1, 1, &none, NULL), CW_EINVAL);
	hook_start(NULL);
	assert_int_equal(cw_link_init(l, a, b, slot, 256, 1, &some, NULL), CW_OK);
	assert_int_equal(hook_stores(a, 4096) + hook_loads(a, 4096), 0);
}

#define FRESH(f) cmocka_unit_test_setup(f, pair_fresh)
#define UP(f)	 cmocka_unit_test_setup(f, pair_up)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FRESH(either_side_may_start_first),
		FRESH(nobody_is_up_before_both_echoed),
		FRESH(side_that_has_not_begun_does_nothing),
		FRESH(restart_of_either_side_is_one_down_and_one_up),
		UP(both_may_restart_at_once),
		UP(begin_again_is_a_new_life),
		FRESH(epoch_that_was_never_up_is_kept),
		FRESH(epoch_is_later_than_both_memories_of_it),
		FRESH(epoch_wraps_and_is_never_zero),
		UP(epoch_zero_is_no_life),
		FRESH(peer_of_another_version_or_layout_is_not_echoed),
		FRESH(peer_of_another_minor_is_echoed),
		UP(echo_waits_for_the_last_store),
		UP(alive_sees_the_new_life_at_once),
		UP(begin_stores_in_order),
		UP(echo_stores_in_order),
		UP(peers_epoch_is_read_before_its_echo),
		FRESH(unanswered_epoch_is_rung_with_growing_pauses),
		UP(idle_link_that_is_up_rings_nothing),
		FRESH(lost_doorbells_at_the_start_only_delay),
		UP(state_of_the_peer_is_told),
		FRESH(init_refuses_what_cannot_work),
	};

	return cmocka_run_group_tests_name("link", tests, NULL, NULL);
}
