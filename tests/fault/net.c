// SPDX-License-Identifier: BSD-3-Clause
/*
 * Network workload: the remote sends numbered frames to a world that returns them. A frame may be
 * lost with a side that stops, and is sent again; what comes back must be whole and one of those.
 */
#include "fault.h"

#include <string.h>

#include <causeway/core/err.h>
#include <causeway/device/net.h>
#include <causeway/driver/mmio.h>
#include <causeway/driver/net.h>

#define FRAMES	10
#define QUEUE	16
#define WAIT_US 20000

/* The world outside */
static uint8_t wire[8][2048];
static uint32_t wire_len[8], wire_in, wire_out;
static uint32_t echoed; /* frames that came back */

static uint32_t make(uint8_t *f, uint32_t n)
{
	uint32_t len = 60 + n * 137 % 1400;

	for (uint32_t i = 0; i < len; i++)
		f[i] = (uint8_t)(n * 31 + i * 7 + (i >> 8));
	memcpy(f + 14, &n, sizeof(n));
	return len;
}

static bool whole(const uint8_t *f, uint32_t len)
{
	uint8_t want[2048];
	uint32_t n;

	memcpy(&n, f + 14, sizeof(n));
	return n < FRAMES && len == make(want, n) && !memcmp(f, want, len);
}

/* PMM */
static struct cw_net_device model;
static struct cw_part part[QUEUE + 1];

static int wire_send(void *ctx, const struct cw_part *p, unsigned int n)
{
	uint32_t at = 0, slot = wire_in % 8;

	(void)ctx;
	if (wire_in - wire_out >= 8)
		return CW_EAGAIN;
	for (unsigned int i = 1; i < n && at + p[i].len <= sizeof(wire[0]); i++) {
		memcpy(wire[slot] + at, p[i].ptr, p[i].len);
		at += (uint32_t)p[i].len;
	}
	if (!whole(wire[slot], at))
		broken("a frame left the remote that it never sent");
	wire_len[slot] = at;
	wire_in++;
	return 0;
}

static int wire_receive(void *ctx, const struct cw_part *p, unsigned int n)
{
	uint32_t at = 0, slot = wire_out % 8, len;

	(void)ctx;
	if (wire_in == wire_out)
		return CW_EAGAIN;
	wire_out++; /* the kernel has let go of it, whatever becomes of us */
	len = wire_len[slot];
	memset(p->ptr, 0, p->len);
	for (unsigned int i = 1; i < n && at < len; i++) {
		uint32_t k = len - at < p[i].len ? len - at : (uint32_t)p[i].len;

		if (i + 1 == n)
			memcpy(p[i].ptr, wire[slot] + at, k); /* the model's own overflow bytes */
		else
			kernel_write(p[i].ptr, wire[slot] + at, k);
		at += k;
	}
	return (int)(p->len + at);
}

static const struct cw_net_ops world_ops = { .send = wire_send, .receive = wire_receive };

static struct cw_device *pmm_init(struct cw_device_queue *queue)
{
	static const uint8_t mac[6] = { 2, 0x43, 0, 0, 0, 1 };

	if (cw_net_device_init(&model, &world_ops, NULL, mac, 1500, false, queue, part, QUEUE + 1))
		return NULL;
	return &model.dev;
}

static bool pmm_pass(struct cw_device_bus *bus)
{
	bool took;

	if (wire_in == wire_out)
		return false;
	took = cw_net_device_receive(&model);
	bus->busy |= 1;
	return took;
}

static void pmm_forget(void)
{
	memset(&model, 0xa5, sizeof(model));
	memset(part, 0xa5, sizeof(part));
}

/* Remote */
static struct cw_mmio mmio;
static struct cw_net_driver driver;
static bool open;

static bool reopen(void)
{
	if (!remote_up())
		return false;
	if (open && !cw_net_poll(&driver))
		return true;
	open = false;
	if (cw_mmio_init(&mmio, &remote_bus, 0) || cw_mmio_open(&mmio))
		return false;
	open = !cw_net_open(&driver, &mmio.transport, CW_NET_WANT_MERGE);
	if (mmio.dead)
		cw_bus_start(&remote_bus);
	return open;
}

static void receive(void)
{
	static struct cw_net_frame f;
	uint8_t got[2048];
	uint32_t n;

	while (cw_net_receive(&driver, &f) > 0) {
		uint32_t len = cw_net_copy(&f, 0, got, sizeof(got));

		if (cw_vdev_check(&driver.vdev))
			return; /* the link ended under our copy: nothing is known about it */
		if (len != f.len || !whole(got, len))
			broken("a frame came back changed");
		memcpy(&n, got + 14, sizeof(n));
		if (n == echoed)
			echoed++;
		cw_net_release(&driver, &f);
	}
}

static void remote(void)
{
	uint8_t frame[2048];

	while (echoed < FRAMES && !world_over()) {
		uint64_t end = world_now() + WAIT_US;
		uint32_t now_at = echoed;
		struct cw_part p = { frame, make(frame, echoed) };

		if (!reopen() || cw_net_send(&driver, &p, 1, NULL, WAIT_US)) {
			cw_bus_wait(&remote_bus, world_now() + 100);
			continue;
		}
		while (echoed == now_at && world_now() < end && !world_over()) {
			receive();
			if (cw_net_poll(&driver))
				break;
			if (echoed == now_at && !cw_net_arm(&driver))
				cw_bus_wait(&remote_bus, end);
		}
	}
}

static void remote_forget(void)
{
	memset(&mmio, 0xa5, sizeof(mmio));
	memset(&driver, 0xa5, sizeof(driver));
	open = false;
}

static const struct linked parts = { .device = { .name = "net0",
						 .id = CW_ID_NET,
						 .queues = 2,
						 .queue_size = QUEUE,
						 .size = 0x10000 },
				     .pmm_init = pmm_init,
				     .pmm_pass = pmm_pass };

static void begin(void)
{
	linked_use(&parts);
	wire_in = wire_out = echoed = 0;
}

static const char *end(void)
{
	return echoed == FRAMES ? NULL : "not all frames came back";
}

const struct workload net_workload = {
	.name = "net",
	.machine = &linked_machine,
	.remote = remote,
	.pmm_forget = pmm_forget,
	.remote_forget = remote_forget,
	.begin = begin,
	.end = end,
};
