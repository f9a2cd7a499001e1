// SPDX-License-Identifier: BSD-3-Clause
/* The link against a peer page that holds anything (docs/spec/region.md section 10, links). */
#include "hook.h"
#include "pair.h"

static uint64_t seed;

/* A page's words, any value at any moment */
static void scribble(struct cw_abi_link_page *p)
{
	struct cw_le32 *word = (struct cw_le32 *)(void *)p;

	for (int i = 0; i < 64; i++)
		cw_store32(&word[unit_random(&seed) % 1024], unit_random(&seed));
	if (unit_random(&seed) % 2)
		cw_store32(&p->epoch, unit_random(&seed) % 4);
	if (unit_random(&seed) % 2)
		cw_store32(&p->peer_epoch, unit_random(&seed) % 4);
	if (unit_random(&seed) % 2) { /* else nothing would ever come up */
		cw_store32(&p->magic, CW_LINK_MAGIC);
		cw_store32(&p->version, CW_ABI_VERSION);
		cw_store32(&p->hash_lo, (uint32_t)PAIR_HASH);
		cw_store32(&p->hash_hi, (uint32_t)(PAIR_HASH >> 32));
	}
}

static void use(int s)
{
	pair_poll(s);
	pair_look(s); /* asserts that only slots in use are reported */
	cw_link_kick(&side[s].link, unit_random(&seed) % (PAIR_SLOTS + 2), unit_random(&seed));
	cw_link_unseen_for(&side[s].link, pair_now);
	cw_link_deadline(&side[s].link);
	cw_link_peer_state(&side[s].link, NULL);
}

static void any_peer_page_is_survived(void **state)
{
	unsigned int ups = 0;

	for (uint64_t run = 1; run <= 200; run++) {
		struct cw_abi_link_page before;

		pair_fresh(state);
		seed = run;
		pair_begin(A);
		for (int i = 0; i < 50; i++) {
			scribble(side[B].page);
			memcpy(&before, side[B].page, sizeof(before));
			hook_start(NULL);
			use(A);
			/* bounded work, and not one store into the peer's page */
			assert_true(hook_loads(side[B].page, 4096) < 400);
			assert_int_equal(hook_stores(side[B].page, 4096), 0);
			assert_memory_equal(side[B].page, &before, sizeof(before));
			pair_now += unit_random(&seed) % 20000;
		}
		ups += side[A].ups;
		assert_in_range(side[A].ups - side[A].downs, 0, 1);
	}
	assert_true(ups > 100); /* or the scribbler was too wild to test anything */
}

/* However wild the peer was, a good one that takes its place gets a link. */
static void good_peer_gets_a_link_after_a_bad_one(void **state)
{
	for (uint64_t run = 1; run <= 200; run++) {
		pair_fresh(state);
		seed = run;
		pair_begin(A);
		for (int i = 0; i < 20; i++) {
			scribble(side[B].page);
			use(A);
			pair_now += 1000;
		}
		pair_new(B, PAIR_HASH);
		pair_begin(B);
		pair_settle();
		assert_true(cw_link_is_up(&side[A].link) && cw_link_is_up(&side[B].link));
		assert_int_equal(side[A].link.echoed, side[B].link.epoch);
		assert_int_equal(side[B].link.echoed, side[A].link.epoch);
	}
}

/* What the peer writes over this side's page (a remote without a firewall) is not believed. */
static void own_page_overwritten_has_no_effect(void **state)
{
	(void)state;
	memset(side[A].page->kick, 0xff, sizeof(side[A].page->kick));
	memset(side[A].page->seen, 0xff, sizeof(side[A].page->seen));
	memset(side[A].page->group, 0xff, sizeof(side[A].page->group));
	hook_start(NULL);
	cw_link_kick(&side[A].link, 4, 1);
	cw_link_kick(&side[B].link, 4, 1);
	assert_int_equal(pair_look(A), 1);
	pair_poll(A);
	assert_int_equal(hook_loads(side[A].page, 0x80), 0);
	assert_int_equal(cw_load32(&side[A].page->group[0]), 1);
	assert_int_equal(cw_load32(&side[A].page->kick[4]), 1);
}

static void flickering_epoch_gives_matching_edges(void **state)
{
	uint32_t epoch = side[B].link.epoch;

	(void)state;
	for (int i = 0; i < 100; i++) {
		cw_store32(&side[B].page->epoch, i & 1 ? epoch : 0);
		pair_poll(A);
		pair_poll(A);
		pair_now += 1000;
		assert_in_range(side[A].ups - side[A].downs, 0, 1);
		assert_int_equal(cw_link_is_up(&side[A].link), i & 1);
	}
}

/* A peer that never shows a kick as seen costs a ring every 100 ms and no more. */
static void peer_that_never_sees_costs_ten_rings_a_second(void **state)
{
	(void)state;
	pair_poll(A);
	cw_link_kick(&side[A].link, 4, 1);
	side[A].rings = 0;
	for (int ms = 0; ms < 10000; ms++) {
		pair_now += 1000;
		pair_poll(A);
		cw_store32(&side[B].page->seen[4], 2u + (uint32_t)ms);
	}
	assert_in_range(side[A].rings, 95, 110);
}

/* The peer's words may change between two looks at them: each is loaded once a poll. */
static void each_link_word_is_fetched_once_a_look(void **state)
{
	(void)state;
	hook_start(NULL);
	pair_poll(A);
	assert_int_equal(hook_most_loads(side[B].page, 4096), 1);
	cw_link_kick(&side[B].link, 4, 1);
	hook_start(NULL);
	pair_look(A);
	assert_int_equal(hook_most_loads(side[B].page, 4096), 1);
}

static uint32_t anything(const volatile void *p, unsigned int width, uint32_t value)
{
	(void)p;
	(void)width;
	return unit_random(&seed) % 2 ? value : unit_random(&seed) % 5;
}

static void racing_peer_is_survived(void **state)
{
	for (uint64_t run = 1; run <= 500; run++) {
		pair_up(state);
		seed = run;
		hook_start(anything);
		for (int i = 0; i < 30; i++) {
			use(A);
			pair_now += 1500;
		}
		assert_in_range(side[A].ups - side[A].downs, 0, 1);
	}
	hook_start(NULL);
}

#define FRESH(f) cmocka_unit_test_setup(f, pair_fresh)
#define UP(f)	 cmocka_unit_test_setup(f, pair_up)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FRESH(any_peer_page_is_survived),
		FRESH(good_peer_gets_a_link_after_a_bad_one),
		UP(own_page_overwritten_has_no_effect),
		UP(flickering_epoch_gives_matching_edges),
		UP(peer_that_never_sees_costs_ten_rings_a_second),
		UP(each_link_word_is_fetched_once_a_look),
		UP(racing_peer_is_survived),
	};

	return cmocka_run_group_tests_name("link_hostile", tests, NULL, NULL);
}
