// SPDX-License-Identifier: BSD-3-Clause
/* The network: what is lent lies in the block, and is lent once. */
#include "drv.h"

#include <causeway/core/bytes.h>
#include <causeway/core/err.h>
#include <causeway/device/net.h>
#include <causeway/driver/net.h>

#include <string.h>

/* ---- the device ---- */

static struct cw_net_device model;
static struct cw_part part[SIZE + 1];

static int net_send(void *ctx, const struct cw_part *p, unsigned int n)
{
	(void)ctx;
	(void)p;
	(void)n;
	return 0;
}

static int net_receive(void *ctx, const struct cw_part *p, unsigned int n)
{
	uint32_t want = 64u + 10u * drv.next_byte++, got = 0;

	(void)ctx;
	if (drv.next_byte % 4 == 0)
		return CW_EAGAIN;
	memset(p->ptr, 0, p->len);
	for (unsigned int i = 1; i < n && got < want; i++) {
		uint32_t k = (uint32_t)p[i].len < want - got ? (uint32_t)p[i].len : want - got;

		memset(p[i].ptr, 0x5c, k);
		got += k;
	}
	return 12 + (int)got;
}

static const struct cw_net_ops net_ops = { .send = net_send, .receive = net_receive };

static struct cw_device *make(void)
{
	static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 1 };

	FZ_CHECK(!cw_net_device_init(&model, &net_ops, NULL, mac, 1500, true, drv.queue, part,
				     SIZE + 1));
	return &model.dev;
}

static void feed(void)
{
	cw_net_device_receive(&model);
}

/* ---- the driver ---- */

static struct cw_net_driver driver;
static struct cw_net_frame held[4];
static struct cw_net_frame released;
static unsigned int holding;
static uint16_t taken[SIZE];
static void *taken_at[SIZE];
static unsigned int taking;

static int open_driver(void)
{
	holding = taking = 0;
	memset(&released, 0, sizeof(released));
	return cw_net_open(&driver, &drv.mmio.transport,
			   fz_u8() & 1 ? CW_NET_WANT_TSO : CW_NET_WANT_MERGE | CW_NET_WANT_CSUM);
}

static bool meet(const void *a, size_t a_len, const void *b, size_t b_len)
{
	return (const char *)a < (const char *)b + b_len &&
	       (const char *)b < (const char *)a + a_len;
}

static void check_lent(const void *p, size_t len)
{
	uint32_t off = fz_off(p);

	FZ_CHECK(len && off >= DATA && off != FZ_OUTSIDE && len <= FZ_REGION - off);
	for (unsigned int i = 0; i < holding; i++)
		for (unsigned int k = 0; k < held[i].parts; k++)
			FZ_CHECK(!meet(p, len, held[i].part[k].ptr, held[i].part[k].len));
	for (unsigned int i = 0; i < taking; i++)
		FZ_CHECK(!meet(p, len, taken_at[i], 1));
}

static void receive(void)
{
	struct cw_net_frame f;
	uint64_t sum = 0;

	if (holding == 4 || cw_net_receive(&driver, &f) <= 0)
		return;
	FZ_CHECK(f.parts >= 1 && f.parts <= CW_NET_MERGE);
	for (unsigned int k = 0; k < f.parts; k++) {
		check_lent(f.part[k].ptr, f.part[k].len);
		for (unsigned int j = 0; j < k; j++)
			FZ_CHECK(!meet(f.part[k].ptr, f.part[k].len, f.part[j].ptr, f.part[j].len));
		sum += f.part[k].len;
	}
	FZ_CHECK(sum == f.len);
	held[holding++] = f;
}

static void transmit(void)
{
	struct cw_net_meta meta = { .flags = fz_u8() & 1, .csum_start = fz_u8() };

	if (taking < SIZE && fz_u8() & 1) {
		void *p = cw_net_tx_get(&driver, &taken[taking]);

		if (p) {
			check_lent(p, cw_net_tx_room(&driver));
			taken_at[taking++] = p;
		}
	} else if (taking) {
		taking--;
		if (fz_u8() & 1)
			cw_net_tx_cancel(&driver, taken[taking]);
		else if (cw_net_tx_send(&driver, taken[taking], fz_u16(), &meta))
			cw_net_tx_cancel(&driver, taken[taking]);
	}
}

static void use(void)
{
	struct cw_part out = { drv.buffer, fz_u16() % sizeof(drv.buffer) };
	struct cw_net_meta meta = { 0 };
	uint32_t len = 0, cap;

	switch (fz_u8() % 7) {
	case 0:
		cw_net_poll(&driver);
		break;
	case 1:
		receive();
		break;
	case 2:
		if (fz_u8() & 1)
			cw_net_release(&driver, &released); /* once more, which does nothing */
		if (holding) {
			released = held[--holding];
			cw_net_release(&driver, &released);
		}
		break;
	case 3:
		cap = fz_u16() % 2048;
		drv_prepare(cap);
		if (cw_net_recv(&driver, drv.buffer, cap, &len, &meta) > 0)
			drv_check_guard(len < cap ? (int)len : (int)cap, cap);
		else
			drv_check_guard(0, cap);
		break;
	case 4:
		cw_net_send(&driver, &out, 1, &meta, fz_u8() & 1 ? TIMEOUT : 0);
		break;
	case 5:
		transmit();
		break;
	default:
		cw_net_flush(&driver);
		cw_net_arm(&driver);
		break;
	}
}

static void step(void)
{
	cw_net_poll(&driver);
	receive();
	if (holding)
		cw_net_release(&driver, &held[--holding]);
	cw_net_flush(&driver);
}

static void honest(void)
{
	FZ_CHECK(driver.count.rx_frames);
}

const struct drv_part drv_part = { make, feed, NULL, open_driver, use, step, honest, false };
