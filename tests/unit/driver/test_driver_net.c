// SPDX-License-Identifier: BSD-3-Clause
/* The network driver against the device library, and against a device that lies. */
#include "world.h"

#define HDR ((uint32_t)sizeof(struct cw_abi_net_hdr))

static struct cw_net_driver n;
static struct cw_net_frame f;
static uint8_t data[FRAME_MAX], got[FRAME_MAX];

static void fill_data(uint8_t seed)
{
	for (unsigned int i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 7 + i / 251 + seed);
}

static void open_with(const struct world_options *o, uint64_t wanted)
{
	memset(&n, 0, sizeof(n));
	fill_data(1);
	world_start(o);
	assert_int_equal(cw_net_open(&n, &w.mmio[NET].transport, wanted), CW_OK);
	/* Its own requests count as events: one look at the configuration too many. */
	assert_int_equal(cw_net_poll(&n), CW_OK);
	w.waits = 0;
}

static void opened(void)
{
	open_with(NULL, 0);
}

static void opened_tso(void)
{
	const struct world_options o = { .offload = true, .net_block = 1024 * 1024 };

	open_with(&o, CW_NET_WANT_TSO);
}

static int send_data(uint32_t len, const struct cw_net_meta *m, uint64_t timeout)
{
	const struct cw_part part[3] = { { data, 14 }, { data + 14, 0 }, { data + 14, len - 14 } };

	return cw_net_send(&n, part, 3, m, timeout);
}

static const uint8_t *sent(unsigned int i, uint32_t len)
{
	assert_true(i < w.sent_count);
	assert_int_equal(w.sent[i % FRAMES].len, HDR + len);
	return w.sent[i % FRAMES].b + HDR;
}

/* ---- what works ---- */

static void configuration_is_the_device_s(void **state)
{
	(void)state;
	opened();
	assert_true(n.has_mac);
	assert_memory_equal(n.mac, "\x52\x54\0\1\2\3", 6);
	assert_int_equal(n.mtu, 1500);
	assert_true(n.link_up);
	cw_net_device_link(&w.net, false);
	assert_true(cw_net_arm(&n));
	assert_int_equal(cw_net_poll(&n), CW_OK);
	assert_false(n.link_up);
	assert_false(cw_net_arm(&n));
}

static void sends_by_copying(void **state)
{
	(void)state;
	opened();
	assert_int_equal(send_data(1514, NULL, 0), CW_OK);
	assert_int_equal(send_data(14, NULL, 0), CW_OK);
	world_pmm();
	assert_memory_equal(sent(0, 1514), data, 1514);
	assert_memory_equal(sent(1, 14), data, 14);
}

static void sends_in_place(void **state)
{
	uint16_t b;
	uint8_t *p;

	(void)state;
	opened();
	p = cw_net_tx_get(&n, &b);
	assert_non_null(p);
	/* What follows the Ethernet header is aligned. */
	assert_int_equal((uintptr_t)(p + 14) % 4, 0);
	memcpy(p, data, 100);
	assert_int_equal(cw_net_tx_send(&n, b, 100, NULL), CW_OK);
	world_pmm();
	assert_int_equal(w.sent_count, 0);
	cw_net_flush(&n);
	world_pmm();
	assert_memory_equal(sent(0, 100), data, 100);
}

static void receives_in_place(void **state)
{
	(void)state;
	opened();
	world_incoming(NULL, data, 777);
	world_pmm();
	assert_true(cw_net_arm(&n));
	assert_int_equal(cw_net_receive(&n, &f), 1);
	assert_int_equal(f.len, 777);
	assert_int_equal(f.parts, 1);
	assert_memory_equal(f.part[0].ptr, data, 777);
	assert_int_equal(((uintptr_t)f.part[0].ptr + 14) % 4, 0);
	cw_net_release(&n, &f);
	assert_int_equal(cw_net_receive(&n, &f), 0);
	assert_false(cw_net_arm(&n));
}

static void receives_by_copying(void **state)
{
	uint32_t len = 0;

	(void)state;
	opened();
	world_incoming(NULL, data, 777);
	world_incoming(NULL, data + 1, 1000);
	world_pmm();
	memset(got, 0xee, sizeof(got));
	assert_int_equal(cw_net_recv(&n, got, 777, &len, NULL), 1);
	assert_int_equal(len, 777);
	assert_memory_equal(got, data, 777);
	assert_int_equal(got[777], 0xee);
	memset(got, 0xee, sizeof(got));
	assert_int_equal(cw_net_recv(&n, got, 999, &len, NULL), CW_ENOSPC);
	assert_int_equal(len, 1000);
	assert_int_equal(got[0], 0xee);
	assert_int_equal(cw_net_recv(&n, got, 999, &len, NULL), 0);
}

/* Buffers go round many times, in both directions, with data intact and none lost. */
static void goes_round(void **state)
{
	unsigned int free;

	(void)state;
	opened();
	free = n.tx_free_count;
	for (unsigned int i = 0; i < 1000; i++) {
		uint32_t len = 14 + i * 31 % 1500, back;

		data[0] = (uint8_t)i;
		assert_int_equal(send_data(len, NULL, 1000000), CW_OK);
		world_incoming(NULL, data, len);
		world_pass();
		assert_int_equal(cw_net_poll(&n), CW_OK);
		assert_memory_equal(sent(i, len), data, len);
		assert_int_equal(cw_net_recv(&n, got, sizeof(got), &back, NULL), 1);
		assert_int_equal(back, len);
		assert_memory_equal(got, data, len);
	}
	for (uint16_t b; cw_net_tx_get(&n, &b); free--)
		;
	assert_int_equal(free, 0);
	assert_int_equal(w.net.stats.starved, 0);
}

static void large_frames_with_tso(void **state)
{
	const struct cw_net_meta m = { .flags = CW_NET_HDR_F_NEEDS_CSUM,
				       .gso_type = CW_NET_HDR_GSO_TCPV4,
				       .hdr_len = 54,
				       .gso_size = 1448,
				       .csum_start = 34,
				       .csum_offset = 16 };
	struct cw_abi_net_hdr h = { .flags = CW_NET_HDR_F_NEEDS_CSUM,
				    .gso_type = CW_NET_HDR_GSO_TCPV6,
				    .hdr_len = cw_make_le16(74),
				    .gso_size = cw_make_le16(1428),
				    .csum_start = cw_make_le16(54),
				    .csum_offset = cw_make_le16(16) };
	struct cw_net_meta back;
	uint32_t len;

	(void)state;
	opened_tso();
	assert_true(n.buffer_size > 4096);
	assert_int_equal(send_data(65549, &m, 0), CW_OK);
	world_pmm();
	assert_memory_equal(sent(0, 65549), data, 65549);
	assert_int_equal(w.sent[0].b[1], CW_NET_HDR_GSO_TCPV4);
	world_incoming(&h, data, 65000);
	world_pmm();
	assert_int_equal(cw_net_recv(&n, got, sizeof(got), &len, &back), 1);
	assert_int_equal(len, 65000);
	assert_memory_equal(got, data, len);
	assert_int_equal(back.gso_type, CW_NET_HDR_GSO_TCPV6);
	assert_int_equal(back.gso_size, 1428);
}

static void large_frames_in_place(void **state)
{
	const struct cw_net_meta m = { .flags = CW_NET_HDR_F_NEEDS_CSUM,
				       .gso_type = CW_NET_HDR_GSO_TCPV4,
				       .hdr_len = 54,
				       .gso_size = 1448,
				       .csum_start = 34,
				       .csum_offset = 16 };
	uint16_t b[3];
	uint32_t room;

	(void)state;
	opened_tso();
	room = cw_net_tx_room(&n);
	for (unsigned int i = 0; i < 3; i++)
		memcpy(cw_net_tx_get(&n, &b[i]), data + i * room, i < 2 ? room : 5);
	assert_int_equal(cw_net_tx_sendv(&n, b, 3, 2 * room + 5, &m), CW_OK);
	cw_net_flush(&n);
	world_pmm();
	assert_memory_equal(sent(0, 2 * room + 5), data, 2 * room + 5);
	/* Two buffers for what needs three, or one. */
	for (unsigned int i = 0; i < 2; i++) {
		unsigned int free = n.tx_free_count;

		cw_net_tx_get(&n, &b[0]);
		cw_net_tx_get(&n, &b[1]);
		assert_int_equal(cw_net_tx_sendv(&n, b, 2, i ? room : 2 * room + 1, &m), CW_EINVAL);
		assert_int_equal(n.tx_free_count, free);
	}
}

static void merges_small_buffers(void **state)
{
	const struct world_options o = { .offload = true };
	struct cw_abi_net_hdr h = { .flags = CW_NET_HDR_F_NEEDS_CSUM,
				    .gso_type = CW_NET_HDR_GSO_TCPV4,
				    .hdr_len = cw_make_le16(54),
				    .gso_size = cw_make_le16(1448),
				    .csum_start = cw_make_le16(34),
				    .csum_offset = cw_make_le16(16) };
	uint32_t at = 0;

	(void)state;
	open_with(&o, CW_NET_WANT_TSO);
	assert_true(n.buffer_size < 2048);
	for (unsigned int round = 0; round < 50; round++) {
		world_incoming(&h, data, 30000);
		world_pass();
		assert_int_equal(cw_net_receive(&n, &f), 1);
		assert_true(f.parts > 10);
		at = 0;
		for (unsigned int i = 0; i < f.parts; i++) {
			assert_memory_equal(f.part[i].ptr, data + at, f.part[i].len);
			at += (uint32_t)f.part[i].len;
		}
		assert_int_equal(at, 30000);
		assert_int_equal(cw_net_copy(&f, 29990, got, 100), 10);
		assert_memory_equal(got, data + 29990, 10);
		cw_net_release(&n, &f);
		cw_net_flush(&n);
	}
}

static void larger_than_all_buffers(void **state)
{
	const struct world_options o = { .offload = true, .net_block = 8 * CW_PAGE_SIZE };
	const struct cw_net_meta m = { .flags = CW_NET_HDR_F_NEEDS_CSUM,
				       .gso_type = CW_NET_HDR_GSO_TCPV4,
				       .hdr_len = 54,
				       .gso_size = 1448 };

	(void)state;
	open_with(&o, CW_NET_WANT_TSO);
	assert_in_range(n.tx_buffers, 2, 10);
	assert_int_equal(send_data(60000, &m, 1000000), CW_EINVAL);
	assert_int_equal(w.waits, 0);
}

static void jumbo_frames(void **state)
{
	const struct world_options o = { .mtu = 9000, .net_block = 256 * 1024 };
	uint32_t len;

	(void)state;
	open_with(&o, 0);
	assert_int_equal(send_data(9014, NULL, 0), CW_OK);
	world_incoming(NULL, data, 9014);
	world_pmm();
	assert_memory_equal(sent(0, 9014), data, 9014);
	assert_int_equal(cw_net_recv(&n, got, sizeof(got), &len, NULL), 1);
	assert_int_equal(len, 9014);
	assert_memory_equal(got, data, 9014);
}

static void coarse_cache_lines(void **state)
{
	const struct world_options o = { .line = 1024 };

	(void)state;
	open_with(&o, 0);
	assert_int_equal(n.rx_addr % 1024, 0);
	assert_int_equal(n.buffer_size % 1024, 0);
	assert_int_equal(send_data(1514, NULL, 0), CW_OK);
	world_pmm();
	assert_memory_equal(sent(0, 1514), data, 1514);
}

/* ---- limits ---- */

static void no_buffer_left(void **state)
{
	unsigned int frames = 0;
	uint16_t b;

	(void)state;
	opened();
	w.on = false;
	while (send_data(100, NULL, 0) == CW_OK)
		frames++;
	assert_int_equal(frames, n.tx_buffers);
	assert_int_equal(send_data(100, NULL, 0), CW_EAGAIN);
	assert_int_equal(send_data(100, NULL, 3000), CW_ETIMEDOUT);
	assert_null(cw_net_tx_get(&n, &b));
	assert_false(cw_net_arm(&n));
	w.on = true;
	w.bell = false;
	world_pmm();
	/* Nobody asked for a doorbell for what was sent, before somebody waited. */
	assert_true(w.bell);
	assert_true(cw_net_arm(&n));
	assert_non_null(cw_net_tx_get(&n, &b));
	assert_false(cw_net_arm(&n));
	assert_int_equal(send_data(100, NULL, 0), CW_OK);
}

static void sending_asks_for_no_doorbell(void **state)
{
	unsigned int bells = 0;

	(void)state;
	opened();
	assert_false(cw_net_arm(&n));
	for (unsigned int i = 0; i < 200; i++) {
		w.bell = false;
		assert_int_equal(send_data(100, NULL, 1000), CW_OK);
		world_pmm();
		bells += w.bell;
	}
	assert_true(bells <= 1);
}

static void waits_for_a_buffer(void **state)
{
	(void)state;
	opened();
	for (unsigned int i = 0; i < 500; i++)
		assert_int_equal(send_data(1000, NULL, 100000), CW_OK);
	world_pmm();
	assert_int_equal(w.sent_count, 500);
}

static void bad_frames_are_refused(void **state)
{
	const struct cw_net_meta csum = { .flags = CW_NET_HDR_F_NEEDS_CSUM, .csum_start = 34 };
	const struct cw_net_meta tso = { .flags = CW_NET_HDR_F_NEEDS_CSUM,
					 .gso_type = CW_NET_HDR_GSO_TCPV4,
					 .gso_size = 1448 };
	const struct cw_net_meta udp = { .gso_type = CW_NET_HDR_GSO_UDP, .gso_size = 1448 };
	const struct cw_net_meta flag = { .flags = 4 };
	const struct cw_part huge[2] = { { data, 0xfffffff0u }, { data, 0x20 } };
	unsigned int free;

	(void)state;
	opened();
	free = n.tx_free_count;
	assert_int_equal(cw_net_send(&n, (struct cw_part[]){ { data, 13 } }, 1, NULL, 0),
			 CW_EINVAL);
	assert_int_equal(cw_net_send(&n, NULL, 0, NULL, 0), CW_EINVAL);
	assert_int_equal(cw_net_send(&n, huge, 2, NULL, 0), CW_EINVAL);
	assert_int_equal(send_data(1519, NULL, 0), CW_EINVAL);
	assert_int_equal(send_data(100, &csum, 0), CW_ENOTSUP);
	assert_int_equal(send_data(100, &tso, 0), CW_ENOTSUP);
	assert_int_equal(send_data(100, &udp, 0), CW_EINVAL);
	assert_int_equal(send_data(100, &flag, 0), CW_EINVAL);
	assert_int_equal(n.tx_free_count, free);
	assert_int_equal(send_data(100, NULL, 0), CW_OK);
}

static void misused_buffers_do_no_harm(void **state)
{
	uint16_t b, two[2];
	unsigned int free;

	(void)state;
	opened();
	free = n.tx_free_count;
	assert_int_equal(cw_net_tx_send(&n, 0, 100, NULL), CW_EINVAL);
	assert_int_equal(cw_net_tx_send(&n, 0xffff, 100, NULL), CW_EINVAL);
	cw_net_tx_cancel(&n, 0);
	cw_net_tx_cancel(&n, 60000);
	assert_non_null(cw_net_tx_get(&n, &b));
	assert_int_equal(cw_net_tx_send(&n, b, 5, NULL), CW_EINVAL);
	assert_int_equal(n.tx_free_count, free);
	assert_non_null(cw_net_tx_get(&n, &b));
	two[0] = two[1] = b;
	assert_int_equal(cw_net_tx_sendv(&n, two, 2, 1600, NULL), CW_EINVAL);
	assert_int_equal(n.tx_free_count, free);
	assert_non_null(cw_net_tx_get(&n, &b));
	assert_int_equal(cw_net_tx_send(&n, b, 100, NULL), CW_OK);
	assert_int_equal(cw_net_tx_send(&n, b, 100, NULL), CW_EINVAL);
	cw_net_tx_cancel(&n, b);
	assert_int_equal(n.tx_free_count, free - 1);
	assert_int_equal(cw_net_poll(&n), CW_OK);
	world_pmm();
	assert_int_equal(w.sent_count, 1);
}

static void frames_given_back_twice_or_late(void **state)
{
	struct cw_net_frame old;

	(void)state;
	opened();
	world_incoming(NULL, data, 100);
	world_pmm();
	assert_int_equal(cw_net_receive(&n, &f), 1);
	cw_net_release(&n, &f);
	cw_net_release(&n, &f);
	assert_int_equal(n.rx.free_count, n.rx.size - n.rx_buffers);
	world_incoming(NULL, data, 100);
	world_pmm();
	assert_int_equal(cw_net_receive(&n, &old), 1);
	assert_int_equal(cw_net_open(&n, &w.mmio[NET].transport, 0), CW_OK);
	for (unsigned int i = 0; i < 3; i++) {
		world_incoming(NULL, data + i, 100);
		world_pmm();
		assert_int_equal(cw_net_receive(&n, &f), 1);
		cw_net_release(&n, &old); /* must not give away what f holds */
		assert_true(n.rx_lent[f.buffer[0]]);
	}
}

static void too_small_a_block_is_refused(void **state)
{
	const struct world_options o = { .net_block = 4 * CW_PAGE_SIZE };

	(void)state;
	memset(&n, 0, sizeof(n));
	world_start(&o);
	w.mmio[NET].transport.memory.size = 6000;
	assert_int_equal(cw_net_open(&n, &w.mmio[NET].transport, 0), CW_ENOSPC);
	assert_int_equal(cw_net_poll(&n), CW_ENOSPC);
	assert_int_equal(cw_net_receive(&n, &f), CW_ENOSPC);
	assert_int_equal(send_data(100, NULL, 10), CW_ENOSPC);
	assert_false(cw_net_arm(&n));
}

/* ---- a device that lies ---- */

static void put_config(uint8_t mac0, uint16_t mtu)
{
	w.net.config.mac[0] = mac0;
	w.net.config.mtu = cw_make_le16(mtu);
	cw_device_changed(&w.net.dev);
}

static int open_config(uint8_t mac0, uint16_t mtu)
{
	int err;

	memset(&n, 0, sizeof(n));
	start_plain();
	w.outside = true;
	put_config(mac0, mtu);
	w.outside = false;
	err = cw_net_open(&n, &w.mmio[NET].transport, 0);
	world_stop(NULL);
	return err;
}

static void row63_impossible_configuration(void **state)
{
	(void)state;
	assert_int_equal(open_config(0x53, 1500), CW_EPEER);
	assert_int_equal(open_config(0x52, 67), CW_EPEER);
	assert_int_equal(open_config(0x52, 0), CW_EPEER);
	assert_int_equal(open_config(0x52, 68), CW_OK);
	start_plain();
}

static void row63_mac_of_zeroes(void **state)
{
	(void)state;
	memset(&n, 0, sizeof(n));
	start_plain();
	w.outside = true;
	memset(w.net.config.mac, 0, 6);
	cw_device_changed(&w.net.dev);
	w.outside = false;
	assert_int_equal(cw_net_open(&n, &w.mmio[NET].transport, 0), CW_EPEER);
}

static void mtu_holds_from_open_to_open(void **state)
{
	(void)state;
	opened();
	w.outside = true;
	put_config(0x53, 60000);
	w.outside = false;
	assert_int_equal(cw_net_poll(&n), CW_OK);
	assert_int_equal(n.mtu, 1500);
	assert_int_equal(n.mac[0], 0x52);
}

static uint64_t lying_features;

static uint32_t offer_lies(const volatile void *p, unsigned int width, uint32_t value)
{
	(void)width;
	if (p != &world_device(NET)->reg[CW_REG_DEVICE_FEATURES / 4])
		return value;
	return w.dev_mmio[NET].dev_sel ? value : value & (uint32_t)lying_features;
}

static void row64_features_that_need_others(void **state)
{
	const struct world_options o = { .offload = true };

	(void)state;
	memset(&n, 0, sizeof(n));
	world_start(&o);
	w.load = offer_lies;
	lying_features = ~(CW_NET_F_CSUM | CW_NET_F_MRG_RXBUF);
	assert_int_equal(cw_net_open(&n, &w.mmio[NET].transport, CW_NET_WANT_TSO), CW_OK);
	assert_false(n.vdev.features & (CW_NET_F_HOST_TSO4 | CW_NET_F_HOST_TSO6));
	assert_false(n.vdev.features & (CW_NET_F_GUEST_TSO4 | CW_NET_F_GUEST_TSO6));
	assert_true(cw_vdev_has(&n.vdev, CW_NET_F_GUEST_CSUM));
}

static uint32_t queue_max;

static uint32_t lie_queue_max(const volatile void *p, unsigned int width, uint32_t value)
{
	(void)width;
	return p == &world_device(NET)->reg[CW_REG_QUEUE_NUM_MAX / 4] ? queue_max : value;
}

static void row64_queue_sizes(void **state)
{
	(void)state;
	memset(&n, 0, sizeof(n));
	start_plain();
	w.load = lie_queue_max;
	queue_max = 0;
	assert_int_equal(cw_net_open(&n, &w.mmio[NET].transport, 0), CW_ENODEV);
	queue_max = 1;
	assert_int_equal(cw_net_open(&n, &w.mmio[NET].transport, 0), CW_ENODEV);
	queue_max = 0xffffffff;
	assert_int_equal(cw_net_open(&n, &w.mmio[NET].transport, 0), CW_OK);
	assert_int_equal(n.rx.size, CW_NET_QUEUE_SIZE);
	queue_max = 7; /* no power of two: what is below it is used */
	assert_int_equal(cw_net_open(&n, &w.mmio[NET].transport, 0), CW_OK);
	assert_int_equal(n.rx.size, 4);
	assert_true(n.rx_buffers <= 4);
	assert_int_equal(send_data(1514, NULL, 0), CW_OK);
	world_pmm();
	assert_memory_equal(sent(0, 1514), data, 1514);
}

/* One frame that the device did not build: header, and what the used elements say. */
static int lie(const struct cw_abi_net_hdr *h, uint32_t len)
{
	memset(n.rx_mem, 0x11, n.rx_buffers * n.buffer_size);
	memcpy(n.rx_mem + CW_NET_PAD, h, HDR);
	world_used(&n.rx, (uint16_t)(n.rx.used_count + 1), 0, len);
	return cw_net_receive(&n, &f);
}

static void opened_offload(void)
{
	const struct world_options o = { .offload = true };

	open_with(&o, CW_NET_WANT_MERGE);
	w.silent = true;
}

static void dropped(const struct cw_abi_net_hdr *h, uint32_t len)
{
	uint32_t bad;

	opened_offload();
	bad = n.count.rx_bad;
	assert_int_equal(lie(h, len), 0);
	assert_int_equal(n.count.rx_bad, bad + 1);
	assert_int_equal(cw_net_poll(&n), CW_OK);
	assert_int_equal(n.rx.free_count, n.rx.size - n.rx_buffers); /* posted again */
	world_stop(NULL);
}

static void broken(const struct cw_abi_net_hdr *h, uint32_t len)
{
	opened_offload();
	assert_int_equal(lie(h, len), CW_EPEER);
	assert_int_equal(f.parts, 0);
	assert_int_equal(cw_net_poll(&n), CW_EPEER);
	assert_int_equal(cw_net_receive(&n, &f), CW_EPEER);
	assert_int_equal(send_data(100, NULL, 1000), CW_EPEER);
	assert_false(cw_net_arm(&n));
	w.silent = false;
	assert_int_equal(cw_net_open(&n, &w.mmio[NET].transport, 0), CW_OK);
	assert_int_equal(send_data(100, NULL, 0), CW_OK);
	world_stop(NULL);
}

static struct cw_abi_net_hdr header(uint8_t flags, uint8_t gso)
{
	struct cw_abi_net_hdr h = { .flags = flags, .gso_type = gso };

	h.num_buffers = cw_make_le16(1);
	return h;
}

static void row67_header_inconsistent(void **state)
{
	struct cw_abi_net_hdr h = header(0, 0);

	(void)state;
	dropped(&h, HDR + 13);
	dropped(&h, HDR);
	h = header(CW_NET_HDR_F_NEEDS_CSUM, 0); /* not negotiated */
	dropped(&h, HDR + 100);
	h = header(0, CW_NET_HDR_GSO_TCPV4);
	h.gso_size = cw_make_le16(1448);
	dropped(&h, HDR + 100);
	h = header(0, CW_NET_HDR_GSO_UDP);
	dropped(&h, HDR + 100);
	h = header(0, 0x77);
	dropped(&h, HDR + 100);
	start_plain();
}

static void row67_number_of_buffers(void **state)
{
	struct cw_abi_net_hdr h = header(0, 0);

	(void)state;
	h.num_buffers = cw_make_le16(0);
	broken(&h, HDR + 100);
	h.num_buffers = cw_make_le16(2); /* the second never comes */
	broken(&h, HDR + 100);
	h.num_buffers = cw_make_le16(0xffff);
	broken(&h, HDR + 100);
	start_plain();
}

static void row60_used_len(void **state)
{
	struct cw_abi_net_hdr h = header(0, 0);

	(void)state;
	broken(&h, HDR - 1);
	broken(&h, 0);
	broken(&h, CW_NET_BUFFER); /* two more than the descriptor had */
	broken(&h, 0xffffffff);
	start_plain();
}

static void row67_checksum_beyond_the_frame(void **state)
{
	struct cw_abi_net_hdr h = header(CW_NET_HDR_F_NEEDS_CSUM, 0);

	(void)state;
	opened_tso();
	w.silent = true;
	h.csum_start = cw_make_le16(90);
	h.csum_offset = cw_make_le16(9);
	assert_int_equal(lie(&h, HDR + 100), 0);
	assert_int_equal(n.count.rx_bad, 1);
	world_stop(NULL);
	opened_tso();
	w.silent = true;
	h.csum_offset = cw_make_le16(8);
	assert_int_equal(lie(&h, HDR + 100), 1);
	assert_int_equal(f.len, 100);
}

static void row67_gso_beyond_the_frame(void **state)
{
	struct cw_abi_net_hdr h = header(CW_NET_HDR_F_NEEDS_CSUM, CW_NET_HDR_GSO_TCPV4);

	(void)state;
	opened_tso();
	w.silent = true;
	h.csum_start = cw_make_le16(34);
	h.csum_offset = cw_make_le16(16);
	assert_int_equal(lie(&h, HDR + 100), 0); /* size of a segment is 0 */
	world_stop(NULL);
	opened_tso();
	w.silent = true;
	h.gso_size = cw_make_le16(1448);
	h.hdr_len = cw_make_le16(101);
	assert_int_equal(lie(&h, HDR + 100), 0);
	world_stop(NULL);
	opened_tso();
	w.silent = true;
	h.hdr_len = cw_make_le16(100);
	assert_int_equal(lie(&h, HDR + 100), 1);
}

static unsigned int header_loads;

static uint32_t change_header(const volatile void *p, unsigned int width, uint32_t value)
{
	const volatile uint8_t *at = p;

	(void)width;
	if (at < n.rx_mem + CW_NET_PAD || at >= n.rx_mem + CW_NET_PAD + HDR)
		return value;
	header_loads++;
	return value;
}

static void header_is_fetched_once(void **state)
{
	struct cw_abi_net_hdr h = header(0, 0);

	(void)state;
	opened_offload();
	header_loads = 0;
	w.load = change_header;
	assert_int_equal(lie(&h, HDR + 100), 1);
	assert_int_equal(header_loads, HDR); /* one a byte: copies are asked for byte by byte */
}

static void row59_used_id_twice(void **state)
{
	struct cw_abi_net_hdr h = header(0, 0);

	(void)state;
	opened_offload();
	assert_int_equal(lie(&h, HDR + 100), 1);
	assert_int_equal(lie(&h, HDR + 100), CW_EPEER);
}

static void row59_61_in_the_send_queue(void **state)
{
	uint16_t b;

	(void)state;
	opened();
	w.silent = true;
	assert_int_equal(send_data(100, NULL, 0), CW_OK);
	world_used(&n.tx, 3, 0, 0);
	while (n.tx_free_count)
		assert_non_null(cw_net_tx_get(&n, &b));
	assert_null(cw_net_tx_get(&n, &b));
	assert_int_equal(cw_net_poll(&n), CW_EPEER);
	assert_int_equal(send_data(100, NULL, 1000000), CW_EPEER);
	assert_true(w.waits < 10);
}

/* A flood of frames that make no sense: the driver comes back after as many as it has buffers. */
static uint16_t flood;

static uint32_t endless(const volatile void *p, unsigned int width, uint32_t value)
{
	(void)width;
	if (p == &n.rx.used->idx)
		return (uint16_t)(n.rx.used_count + 1);
	if (p == &n.rx.used->ring[n.rx.used_count % n.rx.size].id) {
		flood++;
		for (uint32_t i = 0; i < n.rx.size; i++)
			if (n.rx.slot[i].count)
				return i;
	}
	if (p == &n.rx.used->ring[n.rx.used_count % n.rx.size].len)
		return HDR + 3;
	return value;
}

static void row67_flood_of_bad_frames(void **state)
{
	(void)state;
	opened();
	w.silent = true;
	flood = 0;
	w.load = endless;
	assert_int_equal(cw_net_receive(&n, &f), 0);
	assert_in_range(flood, 1, n.rx_buffers);
}

/* ---- restarts in the middle ---- */

static int use(void)
{
	int err = cw_net_open(&n, &w.mmio[NET].transport, 0);
	uint32_t len;

	for (unsigned int i = 0; i < 3 && !err; i++) {
		w.in_count = w.in_taken = 0;
		world_incoming(NULL, data, 200);
		err = send_data(300, NULL, 100000);
		for (int k = 0; !err && k < 50; k++) {
			world_pass();
			err = cw_net_poll(&n);
			err = err ? err : cw_net_recv(&n, got, sizeof(got), &len, NULL);
			if (!err && !cw_net_arm(&n))
				continue;
			if (err == 1) {
				assert_int_equal(len, 200);
				assert_memory_equal(got, data, 200);
			}
		}
		err = err == 1 ? 0 : err ? err : CW_ETIMEDOUT;
	}
	return err;
}

static unsigned int steps_of_use(void)
{
	unsigned int steps;

	memset(&n, 0, sizeof(n));
	fill_data(3);
	start_plain();
	assert_int_equal(use(), CW_OK);
	steps = w.step;
	world_stop(NULL);
	return steps;
}

static void strike_fault(void)
{
	cw_device_fault(&w.net.dev, CW_EPEER);
}

static void struck(void (*strike)(void), unsigned int stride)
{
	unsigned int steps = steps_of_use(), lost = 0;

	for (unsigned int s = 1; s <= steps; s += UNIT_THIN * stride) {
		int err;

		start_plain();
		w.strike = s;
		w.at_strike = strike;
		err = use();
		if (err && err != CW_ETIMEDOUT && err != CW_EREFUSED)
			assert_int_equal(err, CW_ERESET);
		lost += err == CW_ERESET;
		w.at_strike = NULL;
		world_link();
		assert_int_equal(use(), CW_OK);
		world_stop(NULL);
	}
	assert_true(lost > 20 / UNIT_THIN);
	start_plain();
}

static void pmm_restarts_at_steps(void **state)
{
	(void)state;
	struck(world_strike_pmm, 3);
}

static void needs_reset_at_steps(void **state)
{
	(void)state;
	struck(strike_fault, 3);
}

static void remote_restarts_at_steps(void **state)
{
	unsigned int steps = steps_of_use();

	(void)state;
	for (volatile unsigned int s = 1; s <= steps; s += UNIT_THIN * 3) {
		start_plain();
		w.strike = s;
		w.at_strike = world_crash;
		if (!setjmp(world_crashed))
			use();
		memset(&n, 0, sizeof(n));
		world_new_remote();
		assert_int_equal(use(), CW_OK);
		world_stop(NULL);
	}
	start_plain();
}

int main(void)
{
#define T(t) cmocka_unit_test_teardown(t, world_stop)
	const struct CMUnitTest tests[] = {
		T(configuration_is_the_device_s),
		T(sends_by_copying),
		T(sends_in_place),
		T(receives_in_place),
		T(receives_by_copying),
		T(goes_round),
		T(large_frames_with_tso),
		T(large_frames_in_place),
		T(merges_small_buffers),
		T(larger_than_all_buffers),
		T(jumbo_frames),
		T(coarse_cache_lines),
		T(no_buffer_left),
		T(sending_asks_for_no_doorbell),
		T(waits_for_a_buffer),
		T(bad_frames_are_refused),
		T(misused_buffers_do_no_harm),
		T(frames_given_back_twice_or_late),
		T(too_small_a_block_is_refused),
		T(row59_used_id_twice),
		T(row59_61_in_the_send_queue),
		T(row60_used_len),
		T(row63_impossible_configuration),
		T(row63_mac_of_zeroes),
		T(mtu_holds_from_open_to_open),
		T(row64_features_that_need_others),
		T(row64_queue_sizes),
		T(row67_header_inconsistent),
		T(row67_number_of_buffers),
		T(row67_checksum_beyond_the_frame),
		T(row67_gso_beyond_the_frame),
		T(row67_flood_of_bad_frames),
		T(header_is_fetched_once),
		T(pmm_restarts_at_steps),
		T(needs_reset_at_steps),
		T(remote_restarts_at_steps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
