// SPDX-License-Identifier: BSD-3-Clause
/* The chain walker against a driver that lies (docs/spec/region.md section 10, rows 14 to 28). */
#include "hook.h"
#include "rig.h"

#define NEXT	 CW_DESC_F_NEXT
#define WRITE	 CW_DESC_F_WRITE
#define INDIRECT CW_DESC_F_INDIRECT
#define BUF	 RIG_BUFFER
#define TABLE	 RIG_TABLE

static struct rig r;

static int set_up(void **state)
{
	(void)state;
	hook_start(NULL);
	rig_set_up(&r, 8, false, true);
	return 0;
}

/* The queue broke for this reason, stays broken, and is not touched any more. */
static void expect_broken(int why)
{
	assert_int_equal(rig_pop(&r), CW_EPEER);
	assert_int_equal(r.dev.broken, why);
	rig_desc(&r, 0, BUF, 16, 0, 0);
	rig_offer(&r, 0);
	hook_start(NULL);
	assert_int_equal(rig_pop(&r), CW_EPEER);
	assert_false(cw_devq_pending(&r.dev));
	assert_false(cw_devq_arm(&r.dev));
	cw_devq_disarm(&r.dev);
	cw_devq_push(&r.dev, 0, 0);
	assert_false(cw_devq_publish(&r.dev));
	assert_int_equal(hook_loads(rig_memory(), RIG_BYTES), 0);
	assert_int_equal(hook_stores(rig_memory(), RIG_BYTES), 0);
	set_up(NULL);
}

static void expect_chain(unsigned int readable, unsigned int writable)
{
	assert_int_equal(rig_pop(&r), 1);
	assert_int_equal(r.chain.readable, readable);
	assert_int_equal(r.chain.writable, writable);
}

static void row14_avail_jump_breaks_the_queue(void **state)
{
	static const uint16_t jump[] = { 9, 10, 0x7fff, 0x8000 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(jump); i++) {
		cw_store16(&r.drv.avail->idx, jump[i]);
		expect_broken(CW_EBADINDEX);
	}
}

static void row14_a_full_ring_is_no_jump(void **state)
{
	(void)state;
	for (uint16_t i = 0; i < 8; i++) {
		rig_desc(&r, i, BUF, 16, 0, 0);
		rig_offer(&r, i);
	}
	for (unsigned int i = 0; i < 8; i++)
		expect_chain(1, 0);
	assert_int_equal(rig_pop(&r), 0);
}

static void row15_avail_index_that_goes_back_breaks_the_queue(void **state)
{
	(void)state;
	cw_store16(&r.drv.avail->idx, 0xffff);
	expect_broken(CW_EBADINDEX);
	rig_desc(&r, 0, BUF, 16, 0, 0);
	rig_offer(&r, 0);
	expect_chain(1, 0);
	cw_store16(&r.drv.avail->idx, 0);
	expect_broken(CW_EBADINDEX);
}

static void row16_head_outside_the_table_breaks_the_queue(void **state)
{
	static const uint16_t head[] = { 8, 9, 0x7fff, 0xffff };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(head); i++) {
		rig_offer(&r, head[i]);
		expect_broken(CW_EBADINDEX);
	}
}

static void row17_head_offered_twice_breaks_the_queue(void **state)
{
	(void)state;
	rig_desc(&r, 3, BUF, 16, 0, 0);
	rig_offer(&r, 3);
	rig_offer(&r, 3);
	expect_chain(1, 0);
	expect_broken(CW_EBADINDEX);
}

static void row17_head_may_come_again_after_its_return(void **state)
{
	(void)state;
	rig_desc(&r, 3, BUF, 16, NEXT, 5);
	rig_desc(&r, 5, BUF, 16, 0, 0);
	for (int i = 0; i < 100; i++) {
		rig_offer(&r, 3);
		expect_chain(2, 0);
		cw_devq_push(&r.dev, 3, 0);
	}
}

static void row18_next_outside_the_table_breaks_the_queue(void **state)
{
	static const uint16_t next[] = { 8, 0x100, 0xfffe, 0xffff };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(next); i++) {
		rig_desc(&r, 0, BUF, 16, NEXT, next[i]);
		rig_offer(&r, 0);
		expect_broken(CW_EBADINDEX);
		rig_desc(&r, 0, TABLE, 64, INDIRECT, 0);
		rig_entry(&r, TABLE, 0, BUF, 16, NEXT, next[i]);
		rig_offer(&r, 0);
		expect_broken(CW_EBADINDEX);
	}
}

/* An entry that the queue has, but the table does not */
static void row18_next_outside_the_indirect_table_breaks_the_queue(void **state)
{
	(void)state;
	rig_desc(&r, 0, TABLE, 32, INDIRECT, 0);
	rig_entry(&r, TABLE, 0, BUF, 16, NEXT, 2);
	rig_entry(&r, TABLE, 2, BUF, 16, 0, 0);
	rig_offer(&r, 0);
	expect_broken(CW_EBADINDEX);
}

static void row19_loop_breaks_the_queue(void **state)
{
	(void)state;
	rig_desc(&r, 0, BUF, 16, NEXT, 0);
	rig_offer(&r, 0);
	expect_broken(CW_EBADINDEX);
	for (unsigned int i = 0; i < 8; i++)
		rig_desc(&r, i, BUF, 16, NEXT, (i + 1) % 8);
	rig_offer(&r, 4);
	expect_broken(CW_EBADINDEX);
}

static void row19_loop_in_an_indirect_table_breaks_the_queue(void **state)
{
	(void)state;
	for (unsigned int empty = 0; empty < 2; empty++) {
		rig_desc(&r, 0, TABLE, 48, INDIRECT, 0);
		for (unsigned int i = 0; i < 3; i++)
			rig_entry(&r, TABLE, i, BUF, empty ? 0 : 16, NEXT, (i + 1) % 3);
		rig_offer(&r, 0);
		hook_start(NULL);
		assert_int_equal(rig_pop(&r), CW_EPEER);
		/* bounded: four words for each of at most queue size + 1 descriptors */
		assert_in_range(hook_loads(rig_memory(), RIG_BYTES), 1, 2 + 4 * 10);
		expect_broken(CW_EBADCHAIN);
	}
}

static void row19_chain_through_another_in_flight_breaks_the_queue(void **state)
{
	(void)state;
	rig_desc(&r, 0, BUF, 16, NEXT, 1);
	rig_desc(&r, 1, BUF, 16, 0, 0);
	rig_desc(&r, 2, BUF, 16, NEXT, 1);
	rig_offer(&r, 0);
	rig_offer(&r, 2);
	expect_chain(2, 0);
	expect_broken(CW_EBADINDEX);
	/* the tail of a chain in flight as a head */
	rig_desc(&r, 0, BUF, 16, NEXT, 1);
	rig_desc(&r, 1, BUF, 16, 0, 0);
	rig_offer(&r, 0);
	rig_offer(&r, 1);
	expect_chain(2, 0);
	expect_broken(CW_EBADINDEX);
}

/* Direct ones and those of the table count together; the one that points to the table does not. */
static void row19_chain_longer_than_the_queue_breaks_it(void **state)
{
	(void)state;
	for (unsigned int direct = 0; direct < 3; direct++) {
		for (unsigned int i = 0; i < direct; i++)
			rig_desc(&r, i, BUF, 16, NEXT, i + 1);
		rig_desc(&r, direct, TABLE, 8 * 16, INDIRECT, 0);
		for (unsigned int i = 0; i < 8 - direct; i++)
			rig_entry(&r, TABLE, i, BUF, 16, i + 1 < 8 - direct ? NEXT : 0, i + 1);
		rig_offer(&r, 0);
		expect_chain(8, 0);
		set_up(NULL);
		if (!direct)
			continue;
		for (unsigned int i = 0; i < direct; i++)
			rig_desc(&r, i, BUF, 16, NEXT, i + 1);
		rig_desc(&r, direct, TABLE, 8 * 16, INDIRECT, 0);
		for (unsigned int i = 0; i < 9 - direct; i++)
			rig_entry(&r, TABLE, i, BUF, 16, i + 1 < 9 - direct ? NEXT : 0, i + 1);
		rig_offer(&r, 0);
		expect_broken(CW_EBADCHAIN);
	}
}

static void row19_more_pieces_than_the_device_takes_break_the_queue(void **state)
{
	(void)state;
	for (unsigned int parts = 2; parts <= 3; parts++) {
		rig_desc(&r, 0, BUF, 16, NEXT, 1);
		rig_desc(&r, 1, BUF, 0, NEXT, 2); /* empty: takes no room */
		rig_desc(&r, 2, BUF, 16, NEXT, 3);
		rig_desc(&r, 3, BUF, 16, 0, 0);
		rig_offer(&r, 0);
		assert_int_equal(cw_devq_pop(&r.dev, &r.chain, r.part, parts),
				 parts < 3 ? CW_EPEER : 1);
		assert_int_equal(r.dev.broken, parts < 3 ? CW_EBADCHAIN : 0);
		set_up(NULL);
	}
}

static const struct {
	cw_addr_t addr;
	uint32_t len;
} outside[] = {
	{ 0, 16 },
	{ RIG_BASE - 1, 1 },
	{ RIG_BASE - 8, 16 },
	{ RIG_BASE + RIG_BYTES, 1 },
	{ RIG_BASE + RIG_BYTES - 8, 16 },
	{ RIG_BASE + RIG_BYTES + 1, 0 },
	{ BUF, RIG_BYTES },
	{ BUF, UINT32_MAX },
	{ UINT64_MAX, 1 },
	{ UINT64_MAX - 15, 32 },
	{ BUF & UINT32_MAX, 16 }, /* right but for its high word */
	{ BUF + (1ull << 32), 16 },
};

static void row20_buffer_outside_the_block_breaks_the_queue(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(outside); i++) {
		rig_desc(&r, 0, outside[i].addr, outside[i].len, i & 1 ? WRITE : 0, 0);
		rig_offer(&r, 0);
		expect_broken(CW_EBADADDR);
		rig_desc(&r, 0, TABLE, 16, INDIRECT, 0);
		rig_entry(&r, TABLE, 0, outside[i].addr, outside[i].len, 0, 0);
		rig_offer(&r, 0);
		expect_broken(CW_EBADADDR);
	}
}

static void row20_buffer_may_end_with_the_block(void **state)
{
	(void)state;
	rig_desc(&r, 0, RIG_BASE + RIG_BYTES - 16, 16, WRITE, 0);
	rig_offer(&r, 0);
	expect_chain(0, 1);
}

static void row21_buffer_in_a_ring_breaks_the_queue(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < r.keep_out.n; i++) {
		cw_addr_t at = r.keep_out.range[i].at, end = r.keep_out.range[i].end;
		const cw_addr_t from[] = { at, end - 1, at + 2, at };
		const uint32_t len[] = { 1, 1, 2, (uint32_t)(end - at) + 1 };

		for (int k = 0; k < 4; k++) {
			rig_desc(&r, 0, from[k], len[k], WRITE, 0);
			rig_offer(&r, 0);
			expect_broken(CW_EBADADDR);
			if (len[k] < 16 || from[k] % 16)
				continue;
			rig_desc(&r, 0, from[k], 16, INDIRECT, 0);
			rig_offer(&r, 0);
			expect_broken(CW_EBADADDR);
		}
	}
}

static void row21_buffer_that_begins_before_a_ring_breaks_the_queue(void **state)
{
	(void)state;
	r.keep_out.n = 1;
	r.keep_out.lo = r.keep_out.range[0].at = BUF + 64;
	r.keep_out.hi = r.keep_out.range[0].end = BUF + 128;
	rig_desc(&r, 0, BUF, 65, WRITE, 0);
	rig_offer(&r, 0);
	expect_broken(CW_EBADADDR);
	r.keep_out.n = 1;
	r.keep_out.lo = r.keep_out.range[0].at = BUF + 64;
	r.keep_out.hi = r.keep_out.range[0].end = BUF + 128;
	rig_desc(&r, 0, BUF, 64, WRITE, 0);
	rig_offer(&r, 0);
	expect_chain(0, 1);
}

static void row21_buffer_beside_a_ring_is_fine(void **state)
{
	(void)state;
	rig_desc(&r, 0, r.keep_out.range[1].end, 4, WRITE, 0);
	rig_offer(&r, 0);
	expect_chain(0, 1);
	rig_desc(&r, 1, r.keep_out.hi, 4, WRITE, 0);
	rig_offer(&r, 1);
	expect_chain(0, 1);
}

static void row22_empty_buffers_are_dropped(void **state)
{
	(void)state;
	rig_desc(&r, 0, BUF, 0, NEXT, 1);
	rig_desc(&r, 1, BUF, 16, NEXT, 2);
	rig_desc(&r, 2, RIG_BASE + RIG_BYTES, 0, NEXT | WRITE, 3);
	rig_desc(&r, 3, BUF, 16, WRITE, 0);
	rig_offer(&r, 0);
	expect_chain(1, 1);
	rig_desc(&r, 4, BUF, 0, WRITE, 0);
	rig_offer(&r, 4);
	expect_chain(0, 0);
	assert_int_equal(r.chain.readable_len + r.chain.writable_len, 0);
}

/* Needs buffers that overlap: 2^32 bytes in one block are not to be had otherwise. */
static void row23_lengths_beyond_32_bits_break_the_queue(void **state)
{
	struct cw_window big = { rig_memory(), RIG_BASE, UINT32_MAX };

	(void)state;
	for (uint32_t last = 15; last <= 16; last++) {
		r.dev.win = &big;
		rig_desc(&r, 0, BUF, 0x80000000u, NEXT, 1);
		rig_desc(&r, 1, BUF, 0x7ffffff0u, NEXT | WRITE, 2);
		rig_desc(&r, 2, BUF, last, WRITE, 0);
		rig_offer(&r, 0);
		if (last == 15)
			expect_chain(1, 2);
		else
			expect_broken(CW_EBADCHAIN);
		set_up(NULL);
	}
}

static void row24_readable_after_writable_breaks_the_queue(void **state)
{
	(void)state;
	for (uint32_t len = 0; len <= 16; len += 16) {
		rig_desc(&r, 0, BUF, len, WRITE | NEXT, 1);
		rig_desc(&r, 1, BUF, 16, 0, 0);
		rig_offer(&r, 0);
		expect_broken(CW_EBADCHAIN);
		rig_desc(&r, 0, BUF, len, WRITE | NEXT, 1);
		rig_desc(&r, 1, TABLE, 16, INDIRECT, 0);
		rig_entry(&r, TABLE, 0, BUF, 16, 0, 0);
		rig_offer(&r, 0);
		expect_broken(CW_EBADCHAIN);
		rig_desc(&r, 0, BUF, 16, WRITE | NEXT, 1);
		rig_desc(&r, 1, BUF, len, 0, 0);
		rig_offer(&r, 0);
		expect_broken(CW_EBADCHAIN);
	}
}

static void row25_indirect_not_negotiated_breaks_the_queue(void **state)
{
	(void)state;
	rig_set_up(&r, 8, false, false);
	rig_desc(&r, 0, TABLE, 16, INDIRECT, 0);
	rig_entry(&r, TABLE, 0, BUF, 16, 0, 0);
	rig_offer(&r, 0);
	expect_broken(CW_EBADCHAIN);
}

static void table_of(cw_addr_t at, uint32_t len, uint32_t flags, uint32_t entry_flags)
{
	rig_desc(&r, 0, at, len, flags, 1);
	rig_desc(&r, 1, BUF, 16, 0, 0);
	rig_entry(&r, TABLE, 0, BUF, 16, entry_flags, 0);
	rig_offer(&r, 0);
}

static void row25_bad_indirect_table_breaks_the_queue(void **state)
{
	static const uint32_t len[] = { 0, 1, 8, 15, 17, 24, 9 * 16, 1024 * 16, 0xfffffff0u };

	(void)state;
	table_of(TABLE, 16, INDIRECT | NEXT, 0);
	expect_broken(CW_EBADCHAIN);
	table_of(TABLE, 16, INDIRECT, INDIRECT);
	expect_broken(CW_EBADCHAIN);
	for (size_t i = 0; i < ARRAY_SIZE(len); i++) {
		table_of(TABLE, len[i], INDIRECT, 0);
		expect_broken(CW_EBADCHAIN);
	}
	for (uint32_t off = 1; off < 16; off++) {
		table_of(TABLE + off, 16, INDIRECT, 0);
		expect_broken(CW_EBADCHAIN);
	}
}

static void row25_indirect_table_outside_breaks_the_queue(void **state)
{
	static const cw_addr_t at[] = { 0, RIG_BASE - 16, RIG_BASE + RIG_BYTES,
					RIG_BASE + RIG_BYTES - 16, UINT64_MAX - 15 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(at); i++) {
		table_of(at[i], 32, INDIRECT, 0);
		expect_broken(CW_EBADADDR);
	}
}

static void row25_direct_descriptors_may_precede_a_table(void **state)
{
	(void)state;
	rig_desc(&r, 6, BUF, 16, NEXT, 2);
	rig_desc(&r, 2, TABLE, 32, INDIRECT | WRITE, 0);
	rig_entry(&r, TABLE, 0, BUF, 16, NEXT, 1);
	rig_entry(&r, TABLE, 1, BUF, 16, WRITE, 0);
	rig_offer(&r, 6);
	expect_chain(2, 1);
	cw_devq_push(&r.dev, 6, 0);
	rig_offer(&r, 6); /* both descriptors are free again */
	expect_chain(2, 1);
}

static void row26_unknown_flags_are_ignored_and_counted(void **state)
{
	(void)state;
	rig_desc(&r, 0, BUF, 16, 0xfff8 | NEXT, 1);
	rig_desc(&r, 1, BUF, 16, WRITE | 0x8000, 0);
	rig_offer(&r, 0);
	expect_chain(1, 1);
	assert_int_equal(r.dev.strange, 2);
}

static void row27_chain_without_writable_part_is_handed_out(void **state)
{
	(void)state;
	rig_desc(&r, 0, BUF, 16, 0, 0);
	rig_offer(&r, 0);
	expect_chain(1, 0);
	assert_int_equal(cw_chain_write(&r.chain, 0, "x", 1), 0);
}

static void row28_header_in_pieces_of_one_byte_is_gathered(void **state)
{
	uint8_t head[8];

	(void)state;
	for (unsigned int i = 0; i < 8; i++) {
		rig_desc(&r, i, BUF + 32 * i, 1, i < 7 ? NEXT : 0, i + 1);
		*(uint8_t *)cw_window_ptr(&r.w, BUF + 32 * i, 1) = (uint8_t)(i + 1);
	}
	rig_offer(&r, 0);
	expect_chain(8, 0);
	assert_int_equal(cw_chain_read(&r.chain, 0, head, 12), 8);
	assert_memory_equal(head, "\1\2\3\4\5\6\7\10", 8);
}

static void row28_chain_without_readable_part_gives_no_header(void **state)
{
	uint8_t head[4];

	(void)state;
	rig_desc(&r, 0, BUF, 16, WRITE, 0);
	rig_offer(&r, 0);
	expect_chain(0, 1);
	assert_int_equal(cw_chain_read(&r.chain, 0, head, 4), 0);
}

/* A device that pushes what is not in flight does no harm. */
static void push_of_a_head_not_in_flight_is_ignored(void **state)
{
	(void)state;
	cw_devq_push(&r.dev, 3, 0);
	cw_devq_push(&r.dev, 8, 0);
	cw_devq_push(&r.dev, 0xffff, 0);
	assert_false(cw_devq_publish(&r.dev));
	assert_int_equal(cw_load16(&r.drv.used->idx), 0);
}

#define CASE(f) cmocka_unit_test_setup(f, set_up)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(row14_avail_jump_breaks_the_queue),
		CASE(row14_a_full_ring_is_no_jump),
		CASE(row15_avail_index_that_goes_back_breaks_the_queue),
		CASE(row16_head_outside_the_table_breaks_the_queue),
		CASE(row17_head_offered_twice_breaks_the_queue),
		CASE(row17_head_may_come_again_after_its_return),
		CASE(row18_next_outside_the_table_breaks_the_queue),
		CASE(row18_next_outside_the_indirect_table_breaks_the_queue),
		CASE(row19_loop_breaks_the_queue),
		CASE(row19_loop_in_an_indirect_table_breaks_the_queue),
		CASE(row19_chain_through_another_in_flight_breaks_the_queue),
		CASE(row19_chain_longer_than_the_queue_breaks_it),
		CASE(row19_more_pieces_than_the_device_takes_break_the_queue),
		CASE(row20_buffer_outside_the_block_breaks_the_queue),
		CASE(row20_buffer_may_end_with_the_block),
		CASE(row21_buffer_in_a_ring_breaks_the_queue),
		CASE(row21_buffer_that_begins_before_a_ring_breaks_the_queue),
		CASE(row21_buffer_beside_a_ring_is_fine),
		CASE(row22_empty_buffers_are_dropped),
		CASE(row23_lengths_beyond_32_bits_break_the_queue),
		CASE(row24_readable_after_writable_breaks_the_queue),
		CASE(row25_indirect_not_negotiated_breaks_the_queue),
		CASE(row25_bad_indirect_table_breaks_the_queue),
		CASE(row25_indirect_table_outside_breaks_the_queue),
		CASE(row25_direct_descriptors_may_precede_a_table),
		CASE(row26_unknown_flags_are_ignored_and_counted),
		CASE(row27_chain_without_writable_part_is_handed_out),
		CASE(row28_header_in_pieces_of_one_byte_is_gathered),
		CASE(row28_chain_without_readable_part_gives_no_header),
		CASE(push_of_a_head_not_in_flight_is_ignored),
	};

	return cmocka_run_group_tests_name("chain", tests, NULL, NULL);
}
