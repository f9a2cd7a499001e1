// SPDX-License-Identifier: BSD-3-Clause
/* Driver ring and device ring against each other: what goes in comes out, in order, once. */
#include "rig.h"

#include <causeway/core/layout.h>

static struct rig r;
static int token[CW_QUEUE_SIZE_MAX];

/* Runs @fn for each combination of queue size, EVENT_IDX and indirect descriptors. */
static void each_kind(void (*fn)(uint16_t size, bool event_idx, bool indirect))
{
	for (uint32_t size = 2; size <= CW_QUEUE_SIZE_MAX; size *= 2)
		for (int kind = 0; kind < 4; kind++) {
			rig_set_up(&r, (uint16_t)size, kind & 1, kind & 2);
			fn((uint16_t)size, kind & 1, kind & 2);
		}
}

static void add(unsigned int n, unsigned int readable, unsigned int writable)
{
	struct cw_buf buf[CW_QUEUE_SIZE_MAX];

	for (unsigned int i = 0; i < readable + writable; i++)
		buf[i] = rig_buf(n + i);
	assert_int_equal(
		cw_drvq_add(&r.drv, buf, readable, writable, &token[n % CW_QUEUE_SIZE_MAX]), CW_OK);
}

static void expect_chain(unsigned int n, unsigned int readable, unsigned int writable)
{
	assert_int_equal(rig_pop(&r), 1);
	assert_int_equal(r.chain.readable, readable);
	assert_int_equal(r.chain.writable, writable);
	assert_int_equal(r.chain.readable_len, 16 * readable);
	assert_int_equal(r.chain.writable_len, 16 * writable);
	for (unsigned int i = 0; i < readable + writable; i++) {
		assert_ptr_equal(r.chain.part[i].ptr, cw_window_ptr(&r.w, rig_buf(n + i).addr, 16));
		assert_int_equal(r.chain.part[i].len, 16);
	}
}

static void expect_used(unsigned int n, uint32_t len)
{
	void *cookie = NULL;
	uint32_t got = 12345;

	assert_int_equal(cw_drvq_get(&r.drv, &cookie, &got), 1);
	assert_ptr_equal(cookie, &token[n % CW_QUEUE_SIZE_MAX]);
	assert_int_equal(got, len);
}

static void expect_nothing_used(void)
{
	void *cookie;
	uint32_t len;

	assert_int_equal(cw_drvq_get(&r.drv, &cookie, &len), 0);
}

static void fill_and_drain(uint16_t size, bool event_idx, bool indirect)
{
	unsigned int chains = indirect && r.drv.table ? size : size / 2;

	(void)event_idx;
	for (unsigned int i = 0; i < chains; i++)
		add(2 * i, 1, 1);
	cw_drvq_publish(&r.drv);
	for (unsigned int i = 0; i < chains; i++) {
		expect_chain(2 * i, 1, 1);
		cw_devq_push(&r.dev, r.chain.head, i % 17);
	}
	assert_int_equal(rig_pop(&r), 0);
	cw_devq_publish(&r.dev);
	for (unsigned int i = 0; i < chains; i++)
		expect_used(2 * i, i % 17);
	expect_nothing_used();
	assert_int_equal(r.drv.free_count, size);
}

static void full_queue_of_any_size_comes_out_in_order(void **state)
{
	(void)state;
	each_kind(fill_and_drain);
}

static void longest_chain(uint16_t size, bool event_idx, bool indirect)
{
	(void)event_idx;
	(void)indirect;
	add(0, 1, size - 1u);
	cw_drvq_publish(&r.drv);
	expect_chain(0, 1, size - 1u);
	cw_devq_push(&r.dev, r.chain.head, 16u * (size - 1u));
	cw_devq_publish(&r.dev);
	expect_used(0, 16u * (size - 1u));
}

/* Also when an indirect table holds as many descriptors as the queue. */
static void chain_may_be_as_long_as_the_queue(void **state)
{
	(void)state;
	each_kind(longest_chain);
}

/* More than twice 65536 chains; batches of 3 keep the positions moving against the ring. */
static void wrap(uint16_t size, bool event_idx, bool indirect)
{
	unsigned int in = 0, out = 0, taken = 0;

	if (size != 8 || indirect)
		return;
	(void)event_idx;
	while (out < 140000) {
		for (int i = 0; i < 3 && r.drv.free_count; i++)
			add(in++, 0, 1);
		cw_drvq_publish(&r.drv);
		while (taken < in) {
			expect_chain(taken++, 0, 1);
			cw_devq_push(&r.dev, r.chain.head, taken % 16);
		}
		cw_devq_publish(&r.dev);
		for (; out < in; out++)
			expect_used(out, (out + 1) % 16);
	}
	assert_int_equal(cw_drvq_running(&r.drv), in);
	assert_int_equal(cw_devq_running(&r.dev), in);
	assert_int_equal(cw_load16(&r.drv.avail->idx), in & 0xffffu);
	assert_int_equal(cw_load16(&r.drv.used->idx), in & 0xffffu);
}

static void sixteen_bit_indices_wrap(void **state)
{
	(void)state;
	each_kind(wrap);
}

static void nothing_is_visible_before_publish(void **state)
{
	(void)state;
	rig_set_up(&r, 8, true, false);
	add(0, 1, 1);
	add(2, 1, 1);
	assert_int_equal(rig_pop(&r), 0);
	assert_false(cw_devq_pending(&r.dev));
	cw_drvq_publish(&r.drv);
	assert_true(cw_devq_pending(&r.dev));
	expect_chain(0, 1, 1);
	cw_devq_push(&r.dev, r.chain.head, 1);
	expect_nothing_used();
	expect_chain(2, 1, 1);
	cw_devq_push(&r.dev, r.chain.head, 2);
	expect_nothing_used();
	cw_devq_publish(&r.dev);
	expect_used(0, 1);
	expect_used(2, 2);
	assert_false(cw_devq_pending(&r.dev));
}

static void chains_may_be_returned_in_any_order(void **state)
{
	uint16_t head[4];
	static const int order[] = { 2, 0, 3, 1 };

	(void)state;
	rig_set_up(&r, 8, false, false);
	for (unsigned int i = 0; i < 4; i++)
		add(i, 0, 1);
	cw_drvq_publish(&r.drv);
	for (unsigned int i = 0; i < 4; i++) {
		expect_chain(i, 0, 1);
		head[i] = r.chain.head;
	}
	for (int i = 0; i < 4; i++) {
		cw_devq_push(&r.dev, head[order[i]], (uint32_t)order[i]);
		cw_devq_publish(&r.dev);
		expect_used((unsigned int)order[i], (uint32_t)order[i]);
	}
	/* The free list is now in another order: all of it must still be usable. */
	for (unsigned int i = 0; i < 8; i++)
		add(i, 1, 0);
	cw_drvq_publish(&r.drv);
	for (unsigned int i = 0; i < 8; i++)
		expect_chain(i, 1, 0);
}

static void full_queue_says_so_and_goes_on(void **state)
{
	struct cw_buf buf[3] = { rig_buf(0), rig_buf(1), rig_buf(2) };

	(void)state;
	rig_set_up(&r, 4, false, false);
	add(0, 1, 1);
	assert_int_equal(cw_drvq_add(&r.drv, buf, 1, 2, NULL), CW_ENOSPC);
	add(2, 2, 0);
	assert_int_equal(cw_drvq_add(&r.drv, buf, 1, 0, NULL), CW_ENOSPC);
	cw_drvq_publish(&r.drv);
	expect_chain(0, 1, 1);
	cw_devq_push(&r.dev, r.chain.head, 0);
	cw_devq_publish(&r.dev);
	expect_used(0, 0);
	add(5, 1, 1);
}

static void impossible_chains_are_refused(void **state)
{
	struct cw_buf buf[9];

	(void)state;
	rig_set_up(&r, 8, false, true);
	for (unsigned int i = 0; i < 9; i++)
		buf[i] = rig_buf(i);
	assert_int_equal(cw_drvq_add(&r.drv, buf, 0, 0, NULL), CW_EINVAL);
	assert_int_equal(cw_drvq_add(&r.drv, buf, 5, 4, NULL), CW_EINVAL);
	assert_int_equal(cw_drvq_add(&r.drv, buf, 4, 4, NULL), CW_OK);
}

static void indirect_chain_takes_one_descriptor(void **state)
{
	(void)state;
	rig_set_up(&r, 16, true, true);
	add(0, 5, 5);
	assert_int_equal(r.drv.free_count, 15);
	add(10, 1, 0); /* a single buffer needs no table */
	assert_int_equal(cw_load32(&r.drv.desc[1].flags_next) & CW_DESC_F_INDIRECT, 0);
	cw_drvq_publish(&r.drv);
	expect_chain(0, 5, 5);
	expect_chain(10, 1, 0);
}

static void set_up_refuses_what_cannot_work(void **state)
{
	struct cw_drvq q;
	struct cw_devq d;

	(void)state;
	rig_set_up(&r, 8, false, false);
	for (unsigned int size = 0; size <= 2048; size += 3)
		if (size & (size - 1) || size < 2 || size > 1024)
			assert_int_equal(cw_drvq_init(&q, &r.w, RIG_RING, RIG_LINE, (uint16_t)size,
						      r.slot, false),
					 CW_EINVAL);
	assert_int_equal(cw_drvq_init(&q, &r.w, RIG_RING + 32, RIG_LINE, 8, r.slot, false),
			 CW_EINVAL);
	assert_int_equal(
		cw_drvq_init(&q, &r.w, RIG_BASE + RIG_BYTES - 192, RIG_LINE, 8, r.slot, false),
		CW_EBADADDR);
	assert_int_equal(cw_drvq_init(&q, &r.w, RIG_RING, RIG_LINE, 8, r.slot, false), CW_OK);
	assert_int_equal(cw_drvq_indirect(&q, &r.w, RIG_TABLE + 8, 4), CW_EINVAL);
	assert_int_equal(cw_drvq_indirect(&q, &r.w, RIG_TABLE, 1), CW_EINVAL);
	assert_int_equal(cw_drvq_indirect(&q, &r.w, RIG_TABLE, 9), CW_EINVAL);
	assert_int_equal(cw_drvq_indirect(&q, &r.w, RIG_BASE + RIG_BYTES - 511, 4), CW_EINVAL);
	assert_int_equal(cw_drvq_indirect(&q, &r.w, RIG_BASE + RIG_BYTES - 496, 4), CW_EBADADDR);
	for (unsigned int size = 0; size <= 2048; size += 3)
		if (size & (size - 1) || !size || size > 1024)
			assert_int_equal(cw_devq_init(&d, &r.w, NULL, RIG_RING, RIG_RING + 0x8000,
						      RIG_RING + 0xa000, (uint16_t)size, r.own,
						      false, false),
					 CW_EINVAL);
}

/* row 3: ring parts of the device unaligned, outside, ending outside, wrapping */
static void row03_device_refuses_bad_ring_addresses(void **state)
{
	static const cw_addr_t bad[] = { 0, RIG_BASE - 16, RIG_BASE + RIG_BYTES - 16,
					 RIG_BASE + RIG_BYTES, UINT64_MAX - 15 };
	const cw_addr_t d = RIG_RING, a = RIG_RING + 0x400, u = RIG_RING + 0x800;
	struct cw_devq q;

	(void)state;
	rig_set_up(&r, 8, false, false);
#define TRY(desc, avail, used) \
	cw_devq_init(&q, &r.w, NULL, desc, avail, used, 8, r.own, false, false)
	assert_int_equal(TRY(d, a, u), CW_OK);
	for (cw_addr_t i = 1; i < 16; i++) {
		assert_int_equal(TRY(d + i, a, u), CW_EBADADDR);
		assert_int_equal(TRY(d, a + i, u), i % 2 ? CW_EBADADDR : CW_OK);
		assert_int_equal(TRY(d, a, u + i), i % 4 ? CW_EBADADDR : CW_OK);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(TRY(bad[i], a, u), CW_EBADADDR);
		assert_int_equal(TRY(d, bad[i], u), CW_EBADADDR);
		assert_int_equal(TRY(d, a, bad[i]), CW_EBADADDR);
	}
#undef TRY
}

static void set_up_zeroes_what_each_side_owns(void **state)
{
	static const uint8_t zero[6];

	(void)state;
	rig_set_up(&r, 16, true, false);
	for (uint32_t i = 0; i < cw_ring_bytes(16, RIG_LINE); i++)
		assert_int_equal(rig_memory()[i], 0);
	memset(r.drv.used, 0xff, CW_RING_USED_BYTES(16));
	assert_int_equal(cw_devq_init(&r.dev, &r.w, NULL, cw_drvq_part(&r.drv, &r.w, 0),
				      cw_drvq_part(&r.drv, &r.w, 1), cw_drvq_part(&r.drv, &r.w, 2),
				      16, r.own, true, false),
			 0);
	assert_memory_equal(r.drv.used, zero, 4);
	assert_memory_equal(&r.drv.used->ring[16], zero, 2);
}

static void after_a_reset_each_chain_is_taken_back_once(void **state)
{
	bool seen[6] = { false };
	void *cookie;
	int n = 0;

	(void)state;
	rig_set_up(&r, 16, false, false);
	for (unsigned int i = 0; i < 6; i++)
		add(i, 1, 1);
	while ((cookie = cw_drvq_detach(&r.drv))) {
		ptrdiff_t i = (int *)cookie - token;

		assert_in_range(i, 0, 5);
		assert_false(seen[i]);
		seen[i] = true;
		n++;
	}
	assert_int_equal(n, 6);
	assert_int_equal(r.drv.free_count, 16);
}

static void stopped_queue_touches_nothing(void **state)
{
	(void)state;
	rig_set_up(&r, 8, false, false);
	add(0, 1, 0);
	add(1, 1, 0);
	cw_drvq_publish(&r.drv);
	expect_chain(0, 1, 0);
	cw_devq_stop(&r.dev);
	assert_int_equal(rig_pop(&r), 0);
	assert_false(cw_devq_pending(&r.dev));
	assert_false(cw_devq_arm(&r.dev));
	cw_devq_push(&r.dev, r.chain.head, 0);
	assert_false(cw_devq_publish(&r.dev));
	assert_int_equal(cw_load16(&r.drv.used->idx), 0);
}

static void payload_is_gathered_and_scattered_over_parts(void **state)
{
	static const uint32_t cut[] = { 1, 0, 5, 16, 3, 10 };
	struct cw_buf buf[12];
	uint8_t in[35], out[40];

	(void)state;
	rig_set_up(&r, 16, false, false);
	for (unsigned int i = 0; i < 12; i++) {
		buf[i] = rig_buf(i);
		buf[i].len = cut[i % 6];
	}
	for (unsigned int i = 0; i < 35; i++)
		in[i] = (uint8_t)(i + 1);
	assert_int_equal(cw_drvq_add(&r.drv, buf, 6, 6, token), 0);
	cw_drvq_publish(&r.drv);
	assert_int_equal(rig_pop(&r), 1);
	assert_int_equal(r.chain.readable, 5); /* the empty one is dropped */
	assert_int_equal(r.chain.writable_len, 35);
	for (uint32_t at = 0, i = 0; i < 6; at += cut[i++])
		memcpy(cw_window_ptr(&r.w, buf[i].addr, cut[i]), in + at, cut[i]);
	for (uint32_t at = 0; at <= 36; at++)
		for (uint32_t len = 0; len <= 40; len++) {
			uint32_t want = at > 35 ? 0 : len < 35 - at ? len : 35 - at;

			memset(out, 0, sizeof(out));
			assert_int_equal(cw_chain_read(&r.chain, at, out, len), want);
			if (want)
				assert_memory_equal(out, in + at, want);
		}
	assert_int_equal(cw_chain_write(&r.chain, 0, in, 35), 35);
	assert_int_equal(cw_chain_write(&r.chain, 30, "abcdefgh", 8), 5);
	assert_memory_equal(cw_window_ptr(&r.w, buf[11].addr, 10), in + 25, 5);
	assert_memory_equal(cw_window_ptr(&r.w, buf[11].addr + 5, 5), "abcde", 5);
	assert_memory_equal(cw_window_ptr(&r.w, buf[8].addr, 5), in + 1, 5);
}

static void header_is_skipped_in_a_list_of_parts(void **state)
{
	uint8_t b[30];

	(void)state;
	for (uint32_t skip = 0; skip <= 31; skip++) {
		struct cw_part part[3] = { { b, 10 }, { b + 10, 1 }, { b + 11, 19 } }, *first;
		unsigned int n = cw_parts_skip(part, 3, skip, &first), left = 0;

		for (unsigned int i = 0; i < n; i++)
			left += (unsigned int)first[i].len;
		assert_int_equal(left, skip > 30 ? 0 : 30 - skip);
		if (n)
			assert_ptr_equal(first->ptr, b + skip);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(full_queue_of_any_size_comes_out_in_order),
		cmocka_unit_test(chain_may_be_as_long_as_the_queue),
		cmocka_unit_test(sixteen_bit_indices_wrap),
		cmocka_unit_test(nothing_is_visible_before_publish),
		cmocka_unit_test(chains_may_be_returned_in_any_order),
		cmocka_unit_test(full_queue_says_so_and_goes_on),
		cmocka_unit_test(impossible_chains_are_refused),
		cmocka_unit_test(indirect_chain_takes_one_descriptor),
		cmocka_unit_test(set_up_refuses_what_cannot_work),
		cmocka_unit_test(row03_device_refuses_bad_ring_addresses),
		cmocka_unit_test(set_up_zeroes_what_each_side_owns),
		cmocka_unit_test(after_a_reset_each_chain_is_taken_back_once),
		cmocka_unit_test(stopped_queue_touches_nothing),
		cmocka_unit_test(payload_is_gathered_and_scattered_over_parts),
		cmocka_unit_test(header_is_skipped_in_a_list_of_parts),
	};

	return cmocka_run_group_tests_name("ring", tests, NULL, NULL);
}
