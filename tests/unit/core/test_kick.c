// SPDX-License-Identifier: BSD-3-Clause
/* Kicks, seen words and groups (docs/spec/region.md sections 4.4 and 4.5). */
#include "hook.h"
#include "pair.h"

static struct cw_abi_link_page *a, *b;

static int up(void **state)
{
	pair_up(state);
	a = side[A].page;
	b = side[B].page;
	return 0;
}

static unsigned int found(void)
{
	unsigned int n = 0;

	for (unsigned int s = 0; s < PAIR_SLOTS; s++)
		n += side[B].found[s];
	return n;
}

static void kick_is_found_once_and_seen(void **state)
{
	(void)state;
	cw_link_kick(&side[A].link, 5, 77);
	assert_int_equal(side[A].rings, 1);
	assert_int_equal(cw_load32(&a->kick[5]), 77);
	assert_int_equal(cw_load32(&a->group[0]), 1);
	assert_int_equal(pair_look(B), 1);
	assert_true(side[B].found[5]);
	assert_int_equal(found(), 1);
	assert_int_equal(cw_load32(&b->seen[5]), 77);
	assert_int_equal(pair_look(B), 0);
	assert_int_equal(found(), 0);
}

static void kick_on_any_slot_is_found(void **state)
{
	(void)state;
	for (unsigned int s = 1; s < PAIR_SLOTS; s++) {
		cw_link_kick(&side[A].link, s, s * 1000);
		assert_int_equal(pair_look(B), 1);
		assert_true(side[B].found[s]);
		assert_int_equal(found(), 1);
		assert_int_equal(cw_load32(&b->seen[s]), s * 1000);
		assert_int_equal(cw_load32(&a->group[s / 16]), s / 16 ? s % 16 + 1 : s);
	}
}

static void several_kicks_become_one(void **state)
{
	(void)state;
	for (uint32_t i = 1; i <= 100; i++)
		cw_link_kick(&side[A].link, 20, i);
	cw_link_kick(&side[A].link, 21, 9);
	assert_int_equal(pair_look(B), 2);
	assert_int_equal(cw_load32(&b->seen[20]), 100);
}

/* One line of group words, then the 16 words of the group with news: nothing else. */
static void look_costs_the_groups_with_news(void **state)
{
	(void)state;
	hook_start(NULL);
	pair_look(B);
	assert_int_equal(hook_loads(a, 4096), 3);
	cw_link_kick(&side[A].link, 18, 1);
	hook_start(NULL);
	pair_look(B);
	assert_int_equal(hook_loads(a->group, 64), 3);
	assert_int_equal(hook_loads(&a->kick[16], 64), 16);
	assert_int_equal(hook_loads(a, 4096), 19);
	assert_int_equal(hook_stores(b, 4096), 1);
}

static void kick_is_stored_before_its_group_counts(void **state)
{
	(void)state;
	hook_start(NULL);
	cw_link_kick(&side[A].link, 18, 1);
	assert_true(hook_first_store(&a->kick[18]) < hook_first_store(&a->group[1]));
	hook_start(NULL);
	pair_look(B);
	assert_true(hook_first_load(&a->group[1]) < hook_first_load(&a->kick[18]));
}

static void same_value_only_rings(void **state)
{
	(void)state;
	cw_link_kick(&side[A].link, 3, 8);
	hook_start(NULL);
	cw_link_kick(&side[A].link, 3, 8);
	assert_int_equal(hook_stores(a, 4096), 0);
	assert_int_equal(side[A].rings, 2);
}

static void nothing_is_kicked_or_found_while_down(void **state)
{
	pair_fresh(state);
	pair_begin(A);
	side[A].rings = 0;
	hook_start(NULL);
	cw_link_kick(&side[A].link, 3, 8);
	assert_int_equal(hook_stores(a, 4096), 0);
	assert_int_equal(side[A].rings, 0);
	cw_store32(&b->kick[3], 5);
	cw_store32(&b->group[0], 5);
	assert_int_equal(pair_look(A), 0);
}

static void slot_out_of_range_is_not_kicked(void **state)
{
	(void)state;
	hook_start(NULL);
	cw_link_kick(&side[A].link, PAIR_SLOTS, 1);
	cw_link_kick(&side[A].link, UINT32_MAX, 1);
	assert_int_equal(hook_stores(a, 4096), 0);
	assert_int_equal(side[A].rings, 0);
}

static void slot_that_is_not_ready_is_not_echoed(void **state)
{
	(void)state;
	side[B].refuse[7] = true;
	cw_link_kick(&side[A].link, 7, 3);
	assert_int_equal(pair_look(B), 0);
	assert_int_equal(cw_load32(&b->seen[7]), 0);
	side[B].refuse[7] = false;
	cw_link_kick(&side[A].link, 7, 4);
	assert_int_equal(pair_look(B), 1);
	assert_int_equal(cw_load32(&b->seen[7]), 4);
}

static void unseen_kick_is_rung_again_until_it_is_seen(void **state)
{
	static const unsigned int at_ms[] = { 1, 3, 7, 15, 31, 63, 127, 227, 327 };
	uint64_t start = pair_now;
	unsigned int n = 0;

	(void)state;
	pair_poll(A);
	cw_link_kick(&side[A].link, 9, 1);
	side[A].rings = 0;
	while (n < ARRAY_SIZE(at_ms)) {
		pair_poll(A);
		if (side[A].rings) {
			assert_int_equal(pair_now - start, at_ms[n++] * 1000u);
			side[A].rings = 0;
		} else {
			assert_true(cw_link_deadline(&side[A].link) == start + at_ms[n] * 1000u);
		}
		pair_now += 250;
	}
	assert_int_equal(pair_look(B), 1); /* whichever ring got through */
	assert_true(cw_link_deadline(&side[A].link) == CW_LINK_NEVER);
	for (int i = 0; i < 100; i++) {
		pair_now += 10000;
		pair_poll(A);
	}
	assert_int_equal(side[A].rings, 0);
	cw_link_kick(&side[A].link, 9, 2); /* from the shortest pause again */
	assert_true(cw_link_deadline(&side[A].link) <= pair_now + 1000);
}

/* One slot seen does not end the wait for another. */
static void each_unseen_slot_keeps_the_bell_ringing(void **state)
{
	(void)state;
	pair_poll(A);
	cw_link_kick(&side[A].link, 9, 1);
	cw_link_kick(&side[A].link, 39, 1);
	cw_store32(&b->seen[9], 1);
	side[A].rings = 0;
	pair_now += 1000;
	pair_poll(A);
	assert_int_equal(side[A].rings, 1);
	cw_store32(&b->seen[39], 1);
	pair_now += 100000;
	pair_poll(A);
	assert_int_equal(side[A].rings, 1);
}

static void unseen_time_is_that_of_the_oldest(void **state)
{
	uint64_t start;

	(void)state;
	pair_poll(A);
	start = pair_now;
	assert_true(cw_link_unseen_for(&side[A].link, start) == 0);
	cw_link_kick(&side[A].link, 9, 1);
	pair_now += 700;
	pair_poll(A);
	cw_link_kick(&side[A].link, 10, 1);
	assert_true(cw_link_unseen_for(&side[A].link, start + 900) == 900);
	pair_look(B);
	assert_true(cw_link_unseen_for(&side[A].link, start + 901) == 0);
}

/* A keeper once killed a remote that answered each of many kicks in time. */
static void kicks_that_are_seen_in_time_do_not_add_up(void **state)
{
	(void)state;
	pair_poll(A);
	for (uint32_t i = 1; i <= 2000; i++) {
		unsigned int slot = 9 + i % 2;

		cw_link_kick(&side[A].link, slot, i); /* the other slot's was not seen yet */
		assert_true(cw_link_unseen_for(&side[A].link, pair_now) <= 1500);
		pair_now += 500;
		pair_poll(A);
		if (i % 2)
			pair_look(B);
	}
}

static void zeroed_kick_is_waited_for_no_more(void **state)
{
	(void)state;
	cw_link_kick(&side[A].link, 9, 7);
	pair_look(B);
	cw_link_kick(&side[A].link, 9, 8);
	cw_link_zero_kick(&side[A].link, 9);
	assert_int_equal(cw_load32(&a->kick[9]), 0);
	assert_true(cw_link_deadline(&side[A].link) == CW_LINK_NEVER);
	cw_link_zero_seen(&side[B].link, 9);
	assert_int_equal(cw_load32(&b->seen[9]), 0);
	pair_look(B);
	assert_false(side[B].found[9]); /* zero against zero is no news */
	cw_link_kick(&side[A].link, 9, 8);
	assert_int_equal(pair_look(B), 1);
}

static void probe_is_answered_by_who_lives(void **state)
{
	(void)state;
	cw_link_probe(&side[A].link);
	assert_true(cw_link_deadline(&side[A].link) != CW_LINK_NEVER);
	assert_int_equal(pair_look(B), 1);
	assert_int_equal(cw_load32(&b->seen[0]), 1);
	assert_true(cw_link_deadline(&side[A].link) == CW_LINK_NEVER);
	cw_link_probe(&side[A].link);
	assert_int_equal(cw_load32(&a->kick[0]), 2);
	assert_int_equal(pair_look(B), 1);
}

static void new_link_knows_no_old_kicks(void **state)
{
	(void)state;
	cw_link_kick(&side[A].link, 9, 7);
	cw_link_kick(&side[B].link, 10, 7);
	pair_look(A);
	pair_new(B, PAIR_HASH);
	pair_begin(B);
	pair_settle();
	assert_true(cw_link_is_up(&side[A].link) && cw_link_is_up(&side[B].link));
	for (unsigned int s = 0; s < PAIR_SLOTS; s++)
		assert_int_equal(cw_load32(&a->kick[s]) | cw_load32(&a->seen[s]) |
					 cw_load32(&b->kick[s]) | cw_load32(&b->seen[s]),
				 0);
	assert_int_equal(pair_look(A) + pair_look(B), 0);
	assert_true(cw_link_deadline(&side[A].link) == CW_LINK_NEVER);
	cw_link_kick(&side[A].link, 9, 7);
	assert_int_equal(pair_look(B), 1);
}

static void group_word_wraps(void **state)
{
	(void)state;
	side[A].link.group_kick[1] = side[B].link.group_seen[1] = UINT32_MAX;
	cw_link_kick(&side[A].link, 18, 1);
	assert_int_equal(cw_load32(&a->group[1]), 0);
	assert_int_equal(pair_look(B), 1);
}

/* A doorbell that loses two rings of three: every kick arrives all the same. */
static void kicks_arrive_over_a_bell_that_loses_rings(void **state)
{
	unsigned int arrived = 0, bells = 0;

	(void)state;
	for (uint32_t i = 1; i <= 300; i++) {
		unsigned int slot = 1 + i % (PAIR_SLOTS - 1);
		unsigned int waited = 0;

		cw_link_kick(&side[A].link, slot, i);
		for (;;) {
			if (side[A].rings && ++bells % 3 == 0)
				arrived += pair_look(B);
			side[A].rings = 0;
			if (cw_load32(&b->seen[slot]) == i)
				break;
			assert_true(++waited < 20);
			pair_now = cw_link_deadline(&side[A].link);
			pair_poll(A);
		}
	}
	assert_int_equal(arrived, 300);
}

#define CASE(f) cmocka_unit_test_setup(f, up)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(kick_is_found_once_and_seen),
		CASE(kick_on_any_slot_is_found),
		CASE(several_kicks_become_one),
		CASE(look_costs_the_groups_with_news),
		CASE(kick_is_stored_before_its_group_counts),
		CASE(same_value_only_rings),
		CASE(nothing_is_kicked_or_found_while_down),
		CASE(slot_out_of_range_is_not_kicked),
		CASE(slot_that_is_not_ready_is_not_echoed),
		CASE(unseen_kick_is_rung_again_until_it_is_seen),
		CASE(each_unseen_slot_keeps_the_bell_ringing),
		CASE(unseen_time_is_that_of_the_oldest),
		CASE(kicks_that_are_seen_in_time_do_not_add_up),
		CASE(zeroed_kick_is_waited_for_no_more),
		CASE(probe_is_answered_by_who_lives),
		CASE(new_link_knows_no_old_kicks),
		CASE(group_word_wraps),
		CASE(kicks_arrive_over_a_bell_that_loses_rings),
	};

	return cmocka_run_group_tests_name("kick", tests, NULL, NULL);
}
