// SPDX-License-Identifier: BSD-3-Clause
/* A peer that sends what nobody should (rows 47, 49, 71), in both directions. */
#include "hook.h"
#include "rpmsg_pair.h"

#define ANY CW_RPMSG_ANY

static struct pair_box a, b;

static void put32(uint8_t *at, uint32_t v)
{
	for (unsigned int i = 0; i < 4; i++)
		at[i] = (uint8_t)(v >> 8 * i);
}

static void fill(uint8_t *buf, uint32_t src, uint32_t dst, uint32_t reserved, uint32_t len_flags)
{
	put32(buf, src);
	put32(buf + 4, dst);
	put32(buf + 8, reserved);
	put32(buf + 12, len_flags);
}

/* What a host that lies offers: any descriptor @id, its number behind the flags in @flags_next. */
static void offer(struct cw_drvq *q, uint16_t id, cw_addr_t addr, uint32_t len, uint32_t flags_next)
{
	cw_store32(&q->desc[id].addr_lo, (uint32_t)addr);
	cw_store32(&q->desc[id].addr_hi, 0);
	cw_store32(&q->desc[id].len, len);
	cw_store32(&q->desc[id].flags_next, flags_next);
	q->slot[id].writable = len;
	q->slot[id].count = 1;
	cw_store16(&q->avail->ring[q->avail_count++ % q->size], id);
}

/* A message as the rings carry it; @room: length of the descriptor, or of the used element. */
static void raw(int from, uint32_t room, uint32_t src, uint32_t dst, uint32_t reserved,
		uint32_t len_flags)
{
	if (from == HOST) {
		struct cw_rpmsg_buf buf;

		assert_int_equal(p.host.q.ops->take(&p.host.q, &buf, 0), 1);
		fill(buf.p, src, dst, reserved, len_flags);
		offer(&p.drv[1], buf.id, cw_window_addr(&p.w, buf.p), room, 0);
		cw_drvq_publish(&p.drv[1]);
	} else {
		struct cw_part part;
		struct cw_chain c;

		assert_int_equal(cw_devq_pop(&p.dev[0], &c, &part, 1), 1);
		fill(part.ptr, src, dst, reserved, len_flags);
		cw_devq_push(&p.dev[0], c.head, room);
		cw_devq_publish(&p.dev[0]);
	}
	pair_settle();
}

static void peers(void)
{
	pair_start(NULL);
	pair_open(HOST, &a, NULL, 100, 101);
	pair_open(REMOTE, &b, NULL, 101, 100);
	pair_settle();
}

static void row47_messages_that_cannot_be(void **state)
{
	static const struct {
		uint32_t room, src, dst, len;
		bool fine, unknown;
	} m[] = {
		{ 20, 7, 0, 4, true, false },	       { 16, 7, 0, 0, true, false },
		{ 512, 7, 0, 496, true, false },       { 0, 7, 0, 0, false, false },
		{ 1, 7, 0, 0, false, false },	       { 15, 7, 0, 0, false, false },
		{ 20, 7, 0, 5, false, false },	       { 16, 7, 0, 1, false, false },
		{ 512, 7, 0, 497, false, false },      { 512, 7, 0, 0xffff, false, false },
		{ 20, ANY, 0, 4, false, false },       { 20, 7, ANY, 4, false, false },
		{ 20, 7, 102, 4, false, true },	       { 20, 7, 61, 4, false, true },
		{ 20, 7, 0x7fffffff, 4, false, true }, { 20, 7, 1024, 4, false, true },
		{ 20, 0, 0, 4, true, false },	       { 20, 0xfffffffe, 0, 4, true, false },
	};

	(void)state;
	for (int from = 0; from < 2; from++) {
		struct pair_box *at = from ? &a : &b;
		struct cw_rpmsg *ch = &p.side[!from].ch;
		unsigned int fine = 0, unknown = 0, bad = 0;

		peers();
		/* More often than there are buffers: each goes back. */
		for (unsigned int round = 0; round < 20; round++) {
			for (unsigned int i = 0; i < ARRAY_SIZE(m); i++) {
				uint32_t dst = m[i].dst ? m[i].dst : at->e->addr;

				if (!m[i].room && from == HOST)
					continue; /* an empty descriptor is none */
				fine += m[i].fine;
				unknown += m[i].unknown;
				bad += !m[i].fine && !m[i].unknown;
				raw(from, m[i].room, m[i].src, dst, round, m[i].len);
				assert_int_equal(at->n, fine);
				assert_int_equal(ch->count.unknown, unknown);
				assert_int_equal(ch->count.bad + p.remote.q.strange, bad);
			}
		}
		assert_int_equal(cw_rpmsg_send(a.e, "x", 1, 0), CW_OK);
		assert_int_equal(cw_rpmsg_send(b.e, "x", 1, 0), CW_OK);
		pair_settle();
		assert_int_equal(at->n, fine + 1);
	}
}

static void row47_flags_and_reserved_mean_nothing(void **state)
{
	(void)state;
	peers();
	raw(REMOTE, 20, 101, 100, 0xffffffff, 0xffff0004);
	raw(HOST, 20, 100, 101, 0xffffffff, 0xffff0004);
	assert_int_equal(a.n + b.n, 2);
	assert_int_equal(a.last.len, 4);
}

/* The header is looked at once, so changing it after the check changes nothing. */
static const uint8_t *watched;

static void row47_a_header_is_fetched_once(void **state)
{
	(void)state;
	for (int from = 0; from < 2; from++) {
		peers();
		assert_int_equal(cw_rpmsg_send(from ? b.e : a.e, "abcd", 4, 0), CW_OK);
		hook_start(NULL);
		pair_run(!from);
		watched = (from ? a.last.data : b.last.data) - 16;
		assert_int_equal((from ? a.n : b.n), 1);
		assert_int_equal(hook_most_loads(watched, 16), 1);
		assert_int_equal(hook_loads(watched + 8, 4), 0); /* reserved */
		/* Whoever holds it writes nothing there (others keep their counts in it). */
		assert_int_equal(hook_stores(watched, 16), 0);
		hook_start(NULL);
		cw_rpmsg_release(&p.side[!from].ch, from ? &a.last : &b.last);
		assert_int_equal(hook_stores(watched, 512) + hook_loads(watched, 512), 0);
	}
}

/* The host's buffers are where it put them, whatever the remote makes of the descriptors. */
static void row71_a_pool_that_moves(void **state)
{
	uint8_t *at;

	(void)state;
	peers();
	at = p.side[HOST].rx[0].p;
	for (unsigned int i = 0; i < 16; i++)
		memset(pair_memory(cw_drvq_part(&p.drv[0], &p.w, 0) + 16u * i, 16), 0xee, 16);
	for (unsigned int i = 0; i < 16; i++)
		memset(pair_memory(cw_drvq_part(&p.drv[1], &p.w, 0) + 16u * i, 16), 0xee, 16);
	cw_devq_push(&p.dev[0], 0, 20); /* not even taken: nothing */
	fill(at, 101, 100, 0, 4);
	p.dev[0].own[0] = 0xffff;
	cw_devq_push(&p.dev[0], 0, 20);
	cw_devq_publish(&p.dev[0]);
	assert_int_equal(cw_rpmsg_poll(&p.side[HOST].ch, 8), 1);
	assert_int_equal(a.n, 1);
	assert_ptr_equal(a.last.data, at + 16);
}

/* Chains that are no buffers: the remote gives them back, or ends, and uses none. */
static void chains_that_are_no_buffers(void **state)
{
	const struct pair_options o = { .buffers = 4 };
	const uint32_t next = CW_DESC_F_NEXT | 5u << 16;

	(void)state;
	pair_start(&o);
	pair_open(REMOTE, &b, NULL, 101, 100);
	/* In the wrong direction, at an odd place, too small: on both queues. */
	for (unsigned int i = 0; i < 2; i++) {
		uint32_t way = i ? 0 : CW_DESC_F_WRITE;

		offer(&p.drv[i], 4, PAIR_BASE + 0x4000, 64, way ^ CW_DESC_F_WRITE);
		offer(&p.drv[i], 6, PAIR_BASE + 0x4002, 64, way);
		offer(&p.drv[i], 7, PAIR_BASE + 0x4000, 15, way);
		cw_drvq_publish(&p.drv[i]);
	}
	for (int i = 0; i < 10; i++)
		(void)cw_rpmsg_send(b.e, "x", 1, 0);
	assert_int_equal(cw_rpmsg_poll(&p.side[REMOTE].ch, 8), 0);
	cw_rpmsg_flush(&p.side[REMOTE].ch);
	assert_int_equal(p.remote.q.strange, 6);
	assert_int_equal(cw_load16(&p.drv[1].used->idx), 3);
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(cw_load32(&p.drv[1].used->ring[i].len), 0);
	/* Two parts are no RPMsg: the ring is not to be trusted. */
	offer(&p.drv[1], 4, PAIR_BASE + 0x4000, 64, next);
	cw_drvq_publish(&p.drv[1]);
	assert_int_equal(cw_rpmsg_poll(&p.side[REMOTE].ch, 8), CW_EPEER);
	assert_int_equal(p.side[REMOTE].downs, 1);
	assert_int_equal(p.side[REMOTE].ch.count.errors, 1);
}

/* Row 49: one buffer twice. */
static void row49_a_buffer_twice(void **state)
{
	uint16_t idx;

	(void)state;
	/* The host offers a descriptor again that the remote has. */
	peers();
	b.answer = CW_RPMSG_HOLD;
	raw(HOST, 20, 100, 101, 0, 4);
	idx = p.drv[1].avail_count & 0xffff;
	cw_store16(&p.drv[1].avail->ring[idx % 16],
		   cw_load16(&p.drv[1].avail->ring[(idx - 1) % 16]));
	cw_store16(&p.drv[1].avail->idx, (uint16_t)(idx + 1));
	assert_int_equal(cw_rpmsg_poll(&p.side[REMOTE].ch, 8), CW_EPEER);
	/* The remote gives one back twice. */
	peers();
	raw(REMOTE, 20, 101, 100, 0, 4);
	idx = p.dev[0].used_count & 0xffff;
	p.dev[0].used->ring[idx % 16] = p.dev[0].used->ring[(idx - 1) % 16];
	cw_store16(&p.dev[0].used->idx, (uint16_t)(idx + 1));
	/* The host had posted it again: it is a message of nobody's making, but in its own buffer. */
	assert_int_equal(cw_rpmsg_poll(&p.side[HOST].ch, 8), 1);
	cw_store16(&p.dev[0].used->idx, (uint16_t)(idx + 18));
	assert_int_equal(cw_rpmsg_poll(&p.side[HOST].ch, 8), CW_EPEER);
	assert_int_equal(p.side[HOST].downs, 1);
	/* And one that the application holds. */
	peers();
	a.answer = CW_RPMSG_HOLD;
	raw(REMOTE, 20, 101, 100, 0, 4);
	idx = p.dev[0].used_count & 0xffff;
	p.dev[0].used->ring[idx % 16] = p.dev[0].used->ring[(idx - 1) % 16];
	cw_store16(&p.dev[0].used->idx, (uint16_t)(idx + 1));
	assert_int_equal(cw_rpmsg_poll(&p.side[HOST].ch, 8), CW_EPEER);
	assert_int_equal(a.n, 1);
	assert_int_equal(p.side[HOST].downs, 1);
}

/* A descriptor is a buffer's for ever: it says what is in the buffer now, also when that is less, or more. */
static void a_descriptor_says_its_length(void **state)
{
	static const uint8_t bytes[64];
	struct cw_part part;
	struct cw_chain c;

	(void)state;
	peers();
	for (uint32_t len = 0; len < 64; len++) {
		uint32_t n = len * 37 % 64; /* up and down */

		assert_int_equal(cw_rpmsg_send(a.e, bytes, n, 0), 0);
		assert_int_equal(cw_devq_pop(&p.dev[1], &c, &part, 1), 1);
		assert_int_equal(part.len, 16 + n);
		cw_devq_push(&p.dev[1], c.head, 0);
		cw_devq_publish(&p.dev[1]);
	}
}

/* Sizes that a peer says: together they may be more than 32 bits hold. */
static void buffers_have_room_or_not(void **state)
{
	(void)state;
	assert_int_equal(cw_rpmsg_fit(64, 16, 16), 2);
	assert_int_equal(cw_rpmsg_fit(63, 16, 16), 1);
	assert_int_equal(cw_rpmsg_fit(31, 16, 16), 0);
	assert_int_equal(cw_rpmsg_fit(15, 16, 1), 0);
	assert_int_equal(cw_rpmsg_fit(UINT32_MAX, 0x80000000u, 0x80000000u), 0);
	assert_int_equal(cw_rpmsg_fit(UINT32_MAX, 0xfffffffcu, 8), 0);
	assert_int_equal(cw_rpmsg_fit(UINT32_MAX, 0x80000000u, 0x7fffffffu), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(buffers_have_room_or_not),
		cmocka_unit_test(row47_messages_that_cannot_be),
		cmocka_unit_test(row47_flags_and_reserved_mean_nothing),
		cmocka_unit_test(row47_a_header_is_fetched_once),
		cmocka_unit_test(row71_a_pool_that_moves),
		cmocka_unit_test(chains_that_are_no_buffers),
		cmocka_unit_test(row49_a_buffer_twice),
		cmocka_unit_test(a_descriptor_says_its_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
