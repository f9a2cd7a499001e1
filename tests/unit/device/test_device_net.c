// SPDX-License-Identifier: BSD-3-Clause
/* The network device between a driver that may lie and a world made of two arrays. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "pair.h"

#include <causeway/core/bytes.h>
#include <causeway/device/net.h>

#define SIZE   64
#define MTU    1500
#define MEMORY (1u << 20)
#define TSO    (CW_NET_F_GUEST_CSUM | CW_NET_F_GUEST_TSO4 | CW_NET_F_MRG_RXBUF)

static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 7 };

static struct {
	struct pair pair;
	struct cw_net_device net;
	struct cw_part part[SIZE + 1];
	/* the world */
	uint8_t sent[70000];
	uint32_t sent_len;
	unsigned int sends;
	int send_result;
	struct cw_abi_net_hdr next_hdr; /* of the next frame that comes in */
	uint32_t next_len;		/* its bytes: 0, 1, 2 ...; header not counted */
	unsigned int waiting;		/* so many of them */
	unsigned int asked;		/* calls of receive */
	int receive_result;		/* if not 0, returned by receive */
	uint64_t offload;
} t;

static int send_frame(void *ctx, const struct cw_part *part, unsigned int n)
{
	(void)ctx;
	t.sends++;
	t.sent_len = 0;
	for (unsigned int i = 0; i < n; i++) {
		memcpy(t.sent + t.sent_len, part[i].ptr, part[i].len);
		t.sent_len += (uint32_t)part[i].len;
	}
	return t.send_result;
}

static uint8_t frame_byte(uint32_t i)
{
	return (uint8_t)(i * 7 + (i >> 8));
}

/* As a TAP does: what finds no room is lost, and the result is cut too. */
static int receive_frame(void *ctx, const struct cw_part *part, unsigned int n)
{
	uint32_t at = 0, total = (uint32_t)sizeof(t.next_hdr) + t.next_len;

	(void)ctx;
	t.asked++;
	if (t.receive_result)
		return t.receive_result;
	if (!t.waiting)
		return CW_EAGAIN;
	t.waiting--;
	for (unsigned int i = 0; i < n; i++)
		for (size_t b = 0; b < part[i].len && at < total; b++, at++)
			((uint8_t *)part[i].ptr)[b] =
				at < sizeof(t.next_hdr)
					? ((uint8_t *)&t.next_hdr)[at]
					: frame_byte(at - (uint32_t)sizeof(t.next_hdr));
	return (int)at;
}

static void offload(void *ctx, uint64_t features)
{
	(void)ctx;
	t.offload = features;
}

static const struct cw_net_ops world = { send_frame, receive_frame, offload };

static void start(uint64_t features)
{
	memset(&t, 0, sizeof(t));
	pair_init(&t.pair, 2, SIZE, MEMORY);
	assert_int_equal(cw_net_device_init(&t.net, &world, NULL, mac, MTU, true, t.pair.q, t.part,
					    SIZE + 1),
			 CW_OK);
	pair_up(&t.pair, &t.net.dev, features | CW_F_EVENT_IDX);
	pair_run(&t.pair);
}

static int stop(void **state)
{
	(void)state;
	pair_free(&t.pair);
	return 0;
}

/* ---- transmit ---- */

static struct pair_mem frame_with(const struct cw_abi_net_hdr *h, uint32_t len)
{
	struct pair_mem m = pair_alloc(&t.pair, (uint32_t)sizeof(*h) + len);

	memcpy(m.p, h, sizeof(*h));
	for (uint32_t i = 0; i < len; i++)
		m.p[sizeof(*h) + i] = frame_byte(i);
	return m;
}

/* Sends one frame; true when the world got it. In either case the chain must come back. */
static bool sends(const struct cw_abi_net_hdr *h, uint32_t len)
{
	uint32_t mark = t.pair.used_bytes, before = t.net.stats.tx_dropped;
	struct pair_mem m = frame_with(h, len);
	const struct cw_buf buf = { m.addr, (uint32_t)sizeof(*h) + len };
	unsigned int sent = t.sends;

	pair_add(&t.pair, CW_NET_QUEUE_TX, &buf, 1, 0, NULL);
	pair_kick(&t.pair, CW_NET_QUEUE_TX);
	pair_run(&t.pair);
	assert_int_equal(pair_take(&t.pair, CW_NET_QUEUE_TX), 0);
	assert_true(cw_device_running(&t.net.dev));
	assert_int_equal(t.net.stats.tx_dropped - before, t.sends == sent);
	t.pair.used_bytes = mark;
	return t.sends != sent;
}

static const struct cw_abi_net_hdr plain;

static struct cw_abi_net_hdr tso4(void)
{
	struct cw_abi_net_hdr h = { .flags = CW_NET_HDR_F_NEEDS_CSUM,
				    .gso_type = CW_NET_HDR_GSO_TCPV4,
				    .hdr_len = cw_make_le16(54),
				    .gso_size = cw_make_le16(1460),
				    .csum_start = cw_make_le16(34),
				    .csum_offset = cw_make_le16(16) };

	return h;
}

static void frame_goes_out_as_it_is(void **state)
{
	(void)state;
	start(0);
	assert_true(sends(&plain, 60));
	assert_int_equal(t.sent_len, 12 + 60);
	for (uint32_t i = 0; i < 60; i++)
		assert_int_equal(t.sent[12 + i], frame_byte(i));
	assert_int_equal(t.net.stats.tx_bytes, 60);
}

/* hostile-input row 28 */
static void row28_header_in_one_byte_pieces(void **state)
{
	struct cw_buf buf[40];
	struct pair_mem m;

	(void)state;
	start(0);
	m = frame_with(&plain, 28);
	for (unsigned int i = 0; i < 40; i++)
		buf[i] = (struct cw_buf){ m.addr + i, 1 };
	pair_add(&t.pair, CW_NET_QUEUE_TX, buf, 40, 0, NULL);
	pair_kick(&t.pair, CW_NET_QUEUE_TX);
	pair_run(&t.pair);
	pair_take(&t.pair, CW_NET_QUEUE_TX);
	assert_int_equal(t.sent_len, 40);
	for (uint32_t i = 0; i < 28; i++)
		assert_int_equal(t.sent[12 + i], frame_byte(i));
}

static void row35_frame_length(void **state)
{
	struct cw_buf buf;

	(void)state;
	start(0);
	assert_false(sends(&plain, 13));
	assert_true(sends(&plain, 14));
	assert_true(sends(&plain, MTU + 18));
	assert_false(sends(&plain, MTU + 19));
	for (uint32_t len = 1; len <= 12;
	     len++) { /* header shorter than it is, or nothing behind */
		buf = (struct cw_buf){ pair_alloc(&t.pair, 12).addr, len };
		pair_add(&t.pair, CW_NET_QUEUE_TX, &buf, 1, 0, NULL);
		pair_kick(&t.pair, CW_NET_QUEUE_TX);
		pair_run(&t.pair);
		assert_int_equal(pair_take(&t.pair, CW_NET_QUEUE_TX), 0);
	}
	assert_int_equal(t.net.stats.tx_dropped, 2 + 12);
	assert_true(sends(&plain, 60));
}

static void row35_checksum_place(void **state)
{
	struct cw_abi_net_hdr h = { .flags = CW_NET_HDR_F_NEEDS_CSUM };

	(void)state;
	start(CW_NET_F_CSUM);
	h.csum_start = cw_make_le16(34);
	h.csum_offset = cw_make_le16(16);
	assert_true(sends(&h, 60));
	assert_true(sends(&h, 52));
	assert_false(sends(&h, 51));
	h.csum_offset = cw_make_le16(0xffff);
	assert_false(sends(&h, 60));
	h.csum_start = cw_make_le16(0xffff);
	assert_false(sends(&h, 60));
}

static void row35_checksum_not_negotiated(void **state)
{
	struct cw_abi_net_hdr h = { .flags = CW_NET_HDR_F_NEEDS_CSUM };

	(void)state;
	start(0);
	assert_false(sends(&h, 60));
}

static void row35_header_length(void **state)
{
	struct cw_abi_net_hdr h = plain;

	(void)state;
	start(0);
	h.hdr_len = cw_make_le16(60);
	assert_true(sends(&h, 60));
	h.hdr_len = cw_make_le16(61);
	assert_false(sends(&h, 60));
}

static void row35_segmentation(void **state)
{
	struct cw_abi_net_hdr h = tso4();

	(void)state;
	start(CW_NET_F_CSUM | CW_NET_F_HOST_TSO4);
	assert_true(sends(&h, 60000));
	assert_int_equal(((struct cw_abi_net_hdr *)(void *)t.sent)->gso_type, CW_NET_HDR_GSO_TCPV4);
	assert_false(sends(&h, 65551));
	h.gso_size = cw_make_le16(0);
	assert_false(sends(&h, 4000));
	h = tso4();
	h.flags = 0;
	assert_false(sends(&h, 4000));
	h = tso4();
	h.gso_type = CW_NET_HDR_GSO_TCPV6; /* not negotiated */
	assert_false(sends(&h, 4000));
}

static void row35_segmentation_types(void **state)
{
	struct cw_abi_net_hdr h = tso4();

	(void)state;
	start(CW_NET_F_CSUM | CW_NET_F_HOST_TSO4 | CW_NET_F_HOST_TSO6);
	for (unsigned int type = 1; type < 256; type++) {
		h.gso_type = (uint8_t)type;
		assert_int_equal(sends(&h, 4000), type == 1 || type == 4);
	}
}

static void unknown_flags_are_ignored(void **state)
{
	struct cw_abi_net_hdr h = { .flags = 0xfe };

	(void)state;
	start(0);
	assert_true(sends(&h, 60));
	assert_int_equal(t.sent[0], 0);
}

static void writable_part_in_a_frame_is_dropped(void **state)
{
	struct cw_buf buf[2];
	struct pair_mem m;

	(void)state;
	start(0);
	m = frame_with(&plain, 60);
	buf[0] = (struct cw_buf){ m.addr, 72 };
	buf[1] = (struct cw_buf){ pair_alloc(&t.pair, 8).addr, 8 };
	pair_add(&t.pair, CW_NET_QUEUE_TX, buf, 1, 1, NULL);
	pair_kick(&t.pair, CW_NET_QUEUE_TX);
	pair_run(&t.pair);
	assert_int_equal(pair_take(&t.pair, CW_NET_QUEUE_TX), 0);
	assert_int_equal(t.sends, 0);
}

static void refused_frame_is_lost_and_counted(void **state)
{
	struct cw_buf buf;

	(void)state;
	start(0);
	t.send_result = CW_EAGAIN;
	buf = (struct cw_buf){ frame_with(&plain, 60).addr, 72 };
	pair_add(&t.pair, CW_NET_QUEUE_TX, &buf, 1, 0, NULL);
	pair_kick(&t.pair, CW_NET_QUEUE_TX);
	pair_run(&t.pair);
	pair_take(&t.pair, CW_NET_QUEUE_TX);
	assert_int_equal(t.net.stats.tx_dropped, 1);
	assert_int_equal(t.net.stats.tx_frames, 0);
}

/* ---- receive ---- */

static struct pair_mem room(uint32_t bytes)
{
	struct pair_mem m = pair_alloc(&t.pair, bytes);
	const struct cw_buf buf = { m.addr, bytes };

	memset(m.p, 0xee, bytes);
	pair_add(&t.pair, CW_NET_QUEUE_RX, &buf, 0, 1, m.p);
	return m;
}

static void rooms(unsigned int n, uint32_t bytes)
{
	while (n--)
		room(bytes);
	pair_kick(&t.pair, CW_NET_QUEUE_RX);
	pair_run(&t.pair);
}

static void come(uint32_t len)
{
	t.next_len = len;
	t.waiting = 1;
	cw_net_device_receive(&t.net);
	pair_run(&t.pair);
}

/* Takes what one frame came in, checks every byte of it; returns the number of buffers. */
static unsigned int check_frame(uint32_t len)
{
	uint32_t at = 0, used, skip = sizeof(struct cw_abi_net_hdr);
	struct cw_abi_net_hdr h;
	unsigned int n = 0;
	void *cookie;

	while (at < len) {
		assert_true(pair_get(&t.pair, CW_NET_QUEUE_RX, &cookie, &used));
		if (!n)
			memcpy(&h, cookie, sizeof(h));
		for (uint32_t i = skip; i < used; i++, at++)
			assert_int_equal(((uint8_t *)cookie)[i], frame_byte(at));
		skip = 0;
		n++;
	}
	assert_int_equal(at, len);
	assert_int_equal(cw_get_le16(h.num_buffers), n);
	return n;
}

static void frame_comes_in(void **state)
{
	(void)state;
	start(0);
	rooms(1, 2048);
	come(60);
	assert_int_equal(check_frame(60), 1);
	assert_int_equal(t.net.stats.rx_bytes, 60);
	assert_int_equal(t.pair.told[CW_NET_QUEUE_RX], 1);
}

static void frame_is_spread_over_buffers(void **state)
{
	(void)state;
	start(CW_NET_F_MRG_RXBUF);
	rooms(40, 100);
	come(1500);
	assert_int_equal(check_frame(1500), 16); /* 1512 bytes */
	come(88);				 /* fills one exactly */
	assert_int_equal(check_frame(88), 1);
	come(89);
	assert_int_equal(check_frame(89), 2);
	assert_int_equal(t.net.stats.rx_dropped, 0);
}

static void buffer_in_pieces(void **state)
{
	struct cw_buf buf[16];
	struct pair_mem m;

	(void)state;
	start(0);
	m = pair_alloc(&t.pair, 200);
	for (unsigned int i = 0; i < 16; i++) /* 5 bytes each: the header ends within the third */
		buf[i] = (struct cw_buf){ m.addr + 5 * i, 5 };
	pair_add(&t.pair, CW_NET_QUEUE_RX, buf, 0, 16, m.p);
	pair_kick(&t.pair, CW_NET_QUEUE_RX);
	pair_run(&t.pair);
	come(60);
	assert_int_equal(check_frame(60), 1);
}

static void too_small_buffers_drop_the_frame(void **state)
{
	(void)state;
	start(0);
	rooms(1, 112);
	come(101);
	assert_true(pair_empty(&t.pair, CW_NET_QUEUE_RX));
	assert_int_equal(t.net.stats.rx_dropped, 1);
	come(100);
	assert_int_equal(check_frame(100), 1);
	pair_free(&t.pair);
	start(CW_NET_F_MRG_RXBUF);
	rooms(3, 100);
	come(289);
	assert_true(pair_empty(&t.pair, CW_NET_QUEUE_RX));
	assert_int_equal(t.net.stats.rx_dropped, 1);
	come(288);
	assert_int_equal(check_frame(288), 3);
}

/* hostile-input row 34 */
static void row34_without_buffers_the_source_is_not_asked(void **state)
{
	unsigned int asked;

	(void)state;
	start(0);
	asked = t.asked;
	t.next_len = 60;
	t.waiting = 5;
	for (int i = 0; i < 1000; i++)
		cw_net_device_receive(&t.net);
	assert_false(cw_net_device_wants(&t.net));
	assert_int_equal(t.asked, asked);
	assert_int_equal(t.waiting, 5);
	rooms(2, 2048);
	assert_int_equal(t.waiting, 3);
	assert_int_equal(check_frame(60), 1);
	assert_int_equal(check_frame(60), 1);
	assert_false(cw_net_device_wants(&t.net));
}

static void kept_buffers_are_not_given_back_unused(void **state)
{
	(void)state;
	start(CW_NET_F_MRG_RXBUF);
	rooms(SIZE, 200);
	assert_true(pair_empty(&t.pair, CW_NET_QUEUE_RX));
	for (unsigned int i = 0; i < SIZE; i++) {
		come(60);
		assert_int_equal(check_frame(60), 1);
	}
	assert_true(pair_empty(&t.pair, CW_NET_QUEUE_RX));
}

static void one_pass_is_bounded(void **state)
{
	(void)state;
	start(CW_NET_F_MRG_RXBUF);
	t.next_len = 5;
	t.waiting = 1000; /* runts, lost: no buffer is used up */
	rooms(1, 2048);
	assert_int_equal(t.waiting, 0);
	t.waiting = 1000;
	t.asked = 0;
	cw_net_device_receive(&t.net);
	assert_int_equal(t.asked, CW_SERVE_BUDGET);
}

static void bad_receive_chain(uint32_t readable, uint32_t writable)
{
	struct cw_buf buf[2];

	start(0);
	buf[0] = (struct cw_buf){ pair_alloc(&t.pair, readable + 1).addr, readable };
	buf[1] = (struct cw_buf){ pair_alloc(&t.pair, writable + 1).addr, writable };
	pair_add(&t.pair, CW_NET_QUEUE_RX, readable ? buf : buf + 1, readable != 0, writable != 0,
		 NULL);
	pair_kick(&t.pair, CW_NET_QUEUE_RX);
	pair_run(&t.pair);
	assert_int_equal(t.net.dev.fault, CW_EBADCHAIN);
	assert_true(t.net.dev.status & CW_STATUS_NEEDS_RESET);
	pair_free(&t.pair);
}

static void row27_receive_chain_that_takes_nothing_is_a_fault(void **state)
{
	(void)state;
	bad_receive_chain(0, 12);
	bad_receive_chain(60, 0);
	bad_receive_chain(1, 2048);
	start(0);
}

static void offloads_follow_what_was_negotiated(void **state)
{
	(void)state;
	start(TSO);
	assert_int_equal(t.offload & TSO, TSO);
	pair_up(&t.pair, &t.net.dev, 0);
	assert_int_equal(t.offload & TSO, 0);
}

static void frames_of_a_former_driver_are_dropped(void **state)
{
	struct pair_mem first;

	(void)state;
	start(0);
	first = room(2048);
	rooms(0, 0);
	t.next_hdr.flags = CW_NET_HDR_F_NEEDS_CSUM;
	come(60);
	assert_true(pair_empty(&t.pair, CW_NET_QUEUE_RX));
	t.next_hdr = tso4();
	come(60);
	assert_true(pair_empty(&t.pair, CW_NET_QUEUE_RX));
	assert_int_equal(t.net.stats.rx_dropped, 2);
	t.next_hdr = plain;
	t.next_hdr.flags = CW_NET_HDR_F_DATA_VALID; /* a hint, which it did not ask for either */
	come(60);
	assert_int_equal(first.p[0], 0);
	assert_int_equal(check_frame(60), 1);
}

static void large_frame_waits_for_its_room(void **state)
{
	(void)state;
	start(TSO);
	rooms(44, 1526);
	t.next_hdr = tso4();
	come(60000);
	assert_int_equal(check_frame(60000), 40);
	/* 4 buffers are left: to read the next one now would lose it */
	come(60000);
	assert_int_equal(t.waiting, 1);
	assert_false(cw_net_device_wants(&t.net));
	rooms(38, 1526);
	assert_int_equal(t.waiting, 1);
	rooms(1, 1526);
	assert_int_equal(t.waiting, 0);
	assert_int_equal(check_frame(60000), 40);
	assert_int_equal(t.net.stats.rx_dropped, 0);
}

static void remote_with_fewer_buffers_than_before_goes_on(void **state)
{
	(void)state;
	start(TSO);
	rooms(44, 1526);
	t.next_hdr = tso4();
	come(60000);
	check_frame(60000);
	t.next_hdr = plain;
	come(60);
	assert_true(t.net.brief);
	cw_net_device_settle(&t.net);
	pair_run(&t.pair);
	assert_int_equal(check_frame(60), 1);
	come(60);
	assert_int_equal(check_frame(60), 1);
}

static void source_that_is_gone_takes_the_link_down(void **state)
{
	(void)state;
	start(0);
	rooms(1, 2048);
	t.receive_result = CW_EDOWN;
	cw_net_device_receive(&t.net);
	pair_run(&t.pair);
	assert_int_equal(t.net.config.status.raw_, 0);
	assert_int_equal(t.pair.changed, 1);
	assert_false(cw_net_device_wants(&t.net));
	t.asked = 0;
	rooms(1, 2048);
	assert_int_equal(t.asked, 0);
	assert_true(cw_device_running(&t.net.dev));
}

static void reset_forgets_kept_buffers(void **state)
{
	(void)state;
	start(CW_NET_F_MRG_RXBUF);
	rooms(8, 2048);
	come(60);
	check_frame(60);
	pair_up(&t.pair, &t.net.dev, 0);
	pair_run(&t.pair);
	memset(t.pair.mem + t.pair.used_bytes, 0xee, MEMORY - t.pair.used_bytes);
	t.waiting = 1;
	cw_net_device_receive(&t.net);
	pair_run(&t.pair);
	assert_int_equal(t.waiting, 1);
	for (uint32_t i = t.pair.used_bytes; i < MEMORY; i++)
		assert_int_equal(t.pair.mem[i], 0xee);
	rooms(1, 2048);
	assert_int_equal(check_frame(60), 1);
}

static void queue_reset_forgets_only_its_queue(void **state)
{
	(void)state;
	start(CW_F_RING_RESET);
	rooms(1, 2048);
	assert_int_equal(cw_device_queue_reset(&t.net.dev, CW_NET_QUEUE_RX), CW_RESULT_OK);
	assert_false(cw_net_device_wants(&t.net));
	assert_true(sends(&plain, 60));
	pair_queue_up(&t.pair, CW_NET_QUEUE_RX, true);
	rooms(1, 2048);
	come(60);
	assert_int_equal(check_frame(60), 1);
}

static void offers_what_the_backend_can(void **state)
{
	const uint64_t loads = CW_NET_F_CSUM | CW_NET_F_GUEST_CSUM | CW_NET_F_HOST_TSO4;

	(void)state;
	start(0);
	assert_int_equal(t.net.dev.offered & loads, loads);
	assert_memory_equal(t.net.dev.config, mac, 6);
	assert_int_equal(t.net.dev.config[6], CW_NET_S_LINK_UP);
	assert_int_equal(t.net.dev.config[10] | t.net.dev.config[11] << 8, MTU);
	assert_int_equal(cw_net_device_init(&t.net, &world, NULL, mac, MTU, false, t.pair.q, t.part,
					    SIZE + 1),
			 CW_OK);
	assert_int_equal(t.net.dev.offered & loads, 0);
	assert_int_equal(cw_net_device_init(&t.net, &world, NULL, (const uint8_t[6]){ 1 }, MTU,
					    true, t.pair.q, t.part, SIZE + 1),
			 CW_EINVAL);
	assert_int_equal(
		cw_net_device_init(&t.net, &world, NULL, mac, 67, true, t.pair.q, t.part, SIZE + 1),
		CW_EINVAL);
}

int main(void)
{
#define T(f) cmocka_unit_test_teardown(f, stop)
	const struct CMUnitTest tests[] = {
		T(frame_goes_out_as_it_is),
		T(row28_header_in_one_byte_pieces),
		T(row35_frame_length),
		T(row35_checksum_place),
		T(row35_checksum_not_negotiated),
		T(row35_header_length),
		T(row35_segmentation),
		T(row35_segmentation_types),
		T(unknown_flags_are_ignored),
		T(writable_part_in_a_frame_is_dropped),
		T(refused_frame_is_lost_and_counted),
		T(frame_comes_in),
		T(frame_is_spread_over_buffers),
		T(buffer_in_pieces),
		T(too_small_buffers_drop_the_frame),
		T(row34_without_buffers_the_source_is_not_asked),
		T(kept_buffers_are_not_given_back_unused),
		T(one_pass_is_bounded),
		T(row27_receive_chain_that_takes_nothing_is_a_fault),
		T(offloads_follow_what_was_negotiated),
		T(frames_of_a_former_driver_are_dropped),
		T(large_frame_waits_for_its_room),
		T(remote_with_fewer_buffers_than_before_goes_on),
		T(source_that_is_gone_takes_the_link_down),
		T(reset_forgets_kept_buffers),
		T(queue_reset_forgets_only_its_queue),
		T(offers_what_the_backend_can),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
