// SPDX-License-Identifier: BSD-3-Clause
/*
 * The device ring while the driver writes at the same time (docs/spec/region.md section 10, rows 12
 * and 32): each word is fetched once, and whatever a fetch returns leads nowhere outside.
 */
#include "hook.h"
#include "rig.h"

static struct rig r;

static int set_up(void **state)
{
	(void)state;
	hook_start(NULL);
	rig_set_up(&r, 8, true, true);
	rig_desc(&r, 1, RIG_BUFFER, 16, CW_DESC_F_NEXT, 4);
	rig_desc(&r, 4, RIG_TABLE, 48, CW_DESC_F_INDIRECT, 0);
	rig_entry(&r, RIG_TABLE, 0, RIG_BUFFER + 16, 16, CW_DESC_F_NEXT, 2);
	rig_entry(&r, RIG_TABLE, 2, RIG_BUFFER + 32, 16, CW_DESC_F_NEXT | CW_DESC_F_WRITE, 1);
	rig_entry(&r, RIG_TABLE, 1, RIG_BUFFER + 48, 16, CW_DESC_F_WRITE, 0);
	rig_offer(&r, 1);
	return 0;
}

static void expect_example(void)
{
	static const uint32_t off[] = { 0, 16, 32, 48 };

	assert_int_equal(r.chain.head, 1);
	assert_int_equal(r.chain.readable, 2);
	assert_int_equal(r.chain.writable, 2);
	for (int i = 0; i < 4; i++) {
		assert_ptr_equal(r.chain.part[i].ptr, cw_window_ptr(&r.w, RIG_BUFFER + off[i], 16));
		assert_int_equal(r.chain.part[i].len, 16);
	}
}

static void row32_each_word_of_a_chain_is_fetched_once(void **state)
{
	uint8_t *table = cw_window_ptr(&r.w, RIG_TABLE, 48);

	(void)state;
	hook_start(NULL);
	assert_int_equal(rig_pop(&r), 1);
	assert_int_equal(hook_most_loads(rig_memory(), RIG_BUFFER - RIG_BASE + 64), 1);
	/* five descriptors of four words, one available entry, one index; nothing of the payload */
	assert_int_equal(hook_loads(rig_memory(), RIG_BYTES), 5 * 4 + 2);
	assert_int_equal(hook_loads(table, 48), 12);
	assert_int_equal(hook_stores(rig_memory(), RIG_BYTES), 0);
	expect_example();
}

static void row32_batch_costs_one_look_at_the_index(void **state)
{
	(void)state;
	for (uint16_t i = 5; i < 8; i++) {
		rig_desc(&r, i, RIG_BUFFER, 16, 0, 0);
		rig_offer(&r, i);
	}
	hook_start(NULL);
	for (int i = 0; i < 4; i++)
		assert_int_equal(rig_pop(&r), 1);
	assert_int_equal(hook_loads(&r.drv.avail->idx, 2), 1);
	assert_int_equal(hook_most_loads(rig_memory(), RIG_BUFFER - RIG_BASE), 1);
}

static const volatile void *seen[256];
static unsigned int seen_n;

/* The first look at a word gives what is there; any later one would give something else. */
static uint32_t turncoat(const volatile void *p, unsigned int width, uint32_t value)
{
	(void)width;
	for (unsigned int i = 0; i < seen_n; i++)
		if (seen[i] == p)
			return value ^ 0x11111111u;
	assert_true(seen_n < ARRAY_SIZE(seen));
	seen[seen_n++] = p;
	return value;
}

static void row32_word_that_changes_after_the_look_has_no_effect(void **state)
{
	(void)state;
	seen_n = 0;
	hook_start(turncoat);
	assert_int_equal(rig_pop(&r), 1);
	hook_start(NULL);
	expect_example();
}

static void row32_rings_rewritten_after_the_walk_have_no_effect(void **state)
{
	(void)state;
	assert_int_equal(rig_pop(&r), 1);
	memset(r.drv.desc, 0xff, CW_RING_DESC_BYTES(8));
	memset(cw_window_ptr(&r.w, RIG_TABLE, 48), 0xff, 48);
	memset(r.drv.avail->ring, 0xff, 16);
	expect_example();
	cw_devq_push(&r.dev, r.chain.head, 32);
	cw_devq_publish(&r.dev);
	assert_int_equal(cw_load32(&r.drv.used->ring[0].id), 1);
	/* both descriptors were given back, from the private copy of the chain */
	for (unsigned int i = 0; i < 8; i++)
		assert_int_equal(r.own[i], 0);
}

static void row30_device_never_reads_what_it_wrote(void **state)
{
	(void)state;
	hook_start(NULL);
	for (int i = 0; i < 20; i++) {
		assert_int_equal(rig_pop(&r), 1);
		cw_devq_push(&r.dev, r.chain.head, 1);
		cw_devq_publish(&r.dev);
		cw_devq_disarm(&r.dev);
		cw_devq_arm(&r.dev);
		rig_offer(&r, 1);
	}
	assert_int_equal(hook_loads(r.drv.used, CW_RING_USED_BYTES(8)), 0);
}

static void publish_stores_in_order(void **state)
{
	(void)state;
	assert_int_equal(rig_pop(&r), 1);
	hook_start(NULL);
	cw_devq_push(&r.dev, r.chain.head, 1);
	cw_devq_publish(&r.dev);
	assert_true(hook_last_store(&r.drv.used->ring[0].len) < hook_first_store(&r.drv.used->idx));
	assert_true(hook_last_store(&r.drv.used->ring[0].id) < hook_first_store(&r.drv.used->idx));
	assert_true(hook_first_store(&r.drv.used->idx) <
		    hook_first_load(&r.drv.avail->ring[8])); /* used_event */
	assert_int_equal(hook_stores(&r.drv.used->idx, 2), 1);
}

static void arming_is_stored_before_the_second_look(void **state)
{
	(void)state;
	assert_int_equal(rig_pop(&r), 1);
	hook_start(NULL);
	cw_devq_arm(&r.dev);
	assert_true(hook_first_store(&r.drv.used->ring[8]) < hook_first_load(&r.drv.avail->idx));
}

static uint64_t seed;

/* Values near the limits, where checks go wrong, and some of what is there. */
static uint32_t adversary(const volatile void *p, unsigned int width, uint32_t value)
{
	static const uint32_t edge[] = {
		0,	    1,		7,	    8,		9,	    16,		48,
		128,	    0xffff,	0x10000,    0x12,	0x13,	    0x34500000, 0x3450fff0,
		0x34510000, 0x34520000, 0x3453fff0, 0x34540000, 0x80000000, UINT32_MAX
	};
	uint32_t dice = unit_random(&seed) % 64;

	(void)p;
	if (dice < 60)
		return value;
	if (dice < 63)
		value = edge[unit_random(&seed) % ARRAY_SIZE(edge)];
	else
		value = unit_random(&seed);
	return width == 2 ? value & 0xffff : value;
}

static void expect_inside(void)
{
	for (unsigned int i = 0; i < r.chain.readable + r.chain.writable; i++) {
		uint8_t *p = r.chain.part[i].ptr;
		size_t len = r.chain.part[i].len;

		assert_true(p >= rig_memory() && p + len <= rig_memory() + RIG_BYTES);
		for (unsigned int k = 0; k < r.keep_out.n; k++)
			assert_false(p < rig_memory() + (r.keep_out.range[k].end - RIG_BASE) &&
				     rig_memory() + (r.keep_out.range[k].at - RIG_BASE) < p + len);
	}
}

/* Loads of any value at any time: parts stay inside, no walk is longer than the queue allows. */
static void row12_hostile_loads_never_lead_outside(void **state)
{
	unsigned int walked = 0, broken = 0;

	(void)state;
	for (uint64_t run = 1; run <= 20000 / UNIT_THIN; run++) {
		int n;

		set_up(NULL);
		rig_offer(&r, 5);
		seed = run;
		hook_start(adversary);
		for (int i = 0; i < 12; i++) {
			n = rig_pop(&r);
			if (n == 1) {
				expect_inside();
				walked++;
				if (seed & 1)
					cw_devq_push(&r.dev, r.chain.head, 1);
			}
			broken += n == CW_EPEER && i < 1;
			cw_devq_publish(&r.dev);
			cw_devq_arm(&r.dev);
			cw_devq_pending(&r.dev);
		}
		assert_true(hook_loads(rig_memory(), RIG_BYTES) <= 12 * (4 * 17 + 6));
	}
	hook_start(NULL);
	/* The generator must reach both outcomes often, or this test says nothing. */
	assert_true(walked > 2000 / UNIT_THIN);
	assert_true(broken > 2000 / UNIT_THIN);
}

#define CASE(f) cmocka_unit_test_setup(f, set_up)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(row32_each_word_of_a_chain_is_fetched_once),
		CASE(row32_batch_costs_one_look_at_the_index),
		CASE(row32_word_that_changes_after_the_look_has_no_effect),
		CASE(row32_rings_rewritten_after_the_walk_have_no_effect),
		CASE(row30_device_never_reads_what_it_wrote),
		CASE(publish_stores_in_order),
		CASE(arming_is_stored_before_the_second_look),
		CASE(row12_hostile_loads_never_lead_outside),
	};

	return cmocka_run_group_tests_name("toctou", tests, NULL, NULL);
}
