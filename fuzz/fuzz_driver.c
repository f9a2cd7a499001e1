// SPDX-License-Identifier: BSD-3-Clause
/*
 * A driver against a PMM that lies. An honest device side serves the region while the driver waits;
 * the adversary changes what single loads of the driver return, and words in between. What
 * differs from driver to driver is in drv_NAME.c.
 *
 * What is checked beside the sanitizers: a call ends within a bounded number of loads, whatever it
 * reads; stores go to the remote page, the driver page and the block's memory alone; a caller gets no
 * more bytes than it has room for; what is lent to the caller lies in the block and is lent once. As
 * long as nobody lied, entropy, sectors and files are exactly what the device gave.
 */
#include "drv.h"

#include <causeway/core/bytes.h>
#include <causeway/core/err.h>
#include <causeway/core/shm.h>
#include <causeway/device/bus.h>
#include <causeway/driver/bus.h>
#include <causeway/driver/mmio.h>

#include <string.h>

#define PATIENCE 400000u /* loads in one call of a driver with a deadline of TIMEOUT */

struct drv_world drv;

static struct cw_link_slot slots[2 + COUNT];
static struct cw_link_slot device_slots[2 + COUNT];
static struct cw_device_mmio transport;
static uint16_t own[COUNT][SIZE];

/* ---- accesses of the remote ---- */

static void on_store(const volatile void *p, unsigned int width)
{
	uint32_t off = fz_off(p);

	if (drv.pmm)
		return;
	FZ_CHECK(off != FZ_OUTSIDE && width <= FZ_REGION - off);
	FZ_CHECK(off >= REMOTE && off + width <= FZ_REGION);
	FZ_CHECK(off + width <= BLOCK || off >= BLOCK + 0x1000); /* not the device page */
}

static uint32_t on_load(const volatile void *p, unsigned int width, uint32_t value)
{
	uint32_t off = fz_off(p), v;

	if (drv.pmm)
		return value;
	FZ_CHECK(off != FZ_OUTSIDE && width <= FZ_REGION - off);
	FZ_CHECK(++drv.loads < PATIENCE);
	v = fz_twist(value);
	v = width == 2 ? v & 0xffff : width == 1 ? v & 0xff : v;
	drv.lied |= v != value;
	return v;
}

/* ---- the PMM ---- */

static void ring_remote(void *ctx)
{
	(void)ctx;
}

void drv_serve(void)
{
	drv.pmm = true;
	for (int i = 0; i < 100; i++) {
		bool more = cw_device_bus_poll(&drv.device_bus, drv.now) == CW_LINK_WENT_DOWN;

		more |= cw_device_bus_serve(&drv.device_bus);
		more |= cw_device_bus_look(&drv.device_bus);
		if (!more && !cw_device_bus_arm(&drv.device_bus))
			break;
	}
	drv.pmm = false;
}

static void begin_pmm(void)
{
	static const struct cw_link_ops ops = { .ring = ring_remote };

	drv.pmm = true;
	memset(drv.queue, 0, sizeof(drv.queue));
	for (unsigned int i = 0; i < COUNT; i++) {
		drv.queue[i].num_max = SIZE;
		drv.queue[i].own = own[i];
	}
	FZ_CHECK(
		!cw_device_bus_init(&drv.device_bus, &layout, fz_region, device_slots, &ops, NULL));
	FZ_CHECK(!cw_device_bus_add(&drv.device_bus, 0, &transport, drv_part.make()));
	cw_device_bus_begin(&drv.device_bus, drv.now);
	drv.pmm = false;
}

/* ---- the remote's machine ---- */

static uint64_t port_now(void *ctx)
{
	(void)ctx;
	return drv.now++;
}

static void port_ring(void *ctx)
{
	(void)ctx;
}

static void port_wait(void *ctx, uint64_t deadline)
{
	(void)ctx;
	drv.now += 20;
	drv.pmm = true;
	if (drv_part.todos && *drv_part.todos)
		cw_device_bus_wake(&drv.device_bus, 0, 0); /* its steps are over by now */
	drv.pmm = false;
	drv_serve();
	if (drv.now < deadline && deadline - drv.now < 500)
		drv.now = deadline;
	else
		drv.now += 200 + (deadline > drv.now && deadline - drv.now > 100 * TIMEOUT
					  ? 100 * TIMEOUT
					  : 0);
}

static const struct cw_port port = { .now = port_now, .ring = port_ring, .wait = port_wait };

/* ---- the driver: bring it up, use it ---- */

#define GUARD 0xc3

void drv_prepare(uint32_t len)
{
	memset(drv.buffer, GUARD, sizeof(drv.buffer));
	FZ_CHECK(len < sizeof(drv.buffer));
}

void drv_check_guard(int got, uint32_t len)
{
	FZ_CHECK(got < 0 || (uint32_t)got <= len);
	for (size_t i = got > 0 ? (size_t)got : 0; i < sizeof(drv.buffer); i++)
		FZ_CHECK(i < len || drv.buffer[i] == GUARD);
}

/* With nobody lying the driver does what it is for. */
static void use_honestly(void)
{
	for (int i = 0; i < 12; i++) {
		drv.pmm = true;
		drv_part.feed();
		drv.device_bus.busy |= 1;
		drv.pmm = false;
		drv_serve();
		if (drv_part.step)
			drv_part.step();
		drv.loads = 0;
	}
	if (drv_part.honest)
		drv_part.honest();
}

static bool opened;

static void bring_up(void)
{
	opened = false;
	drv.loads = 0;
	if (cw_bus_wait_up(&drv.bus, TIMEOUT))
		return;
	drv.loads = 0;
	if (cw_mmio_open(&drv.mmio))
		return;
	drv.loads = 0;
	opened = !drv_part.open();
}

static void put32(uint32_t off, uint32_t v)
{
	memcpy(fz_region + off, &v, 4);
}

/* Whatever was before: both sides begin a new life, nobody lies, and it works. */
static void start_honestly(void)
{
	fz_hostile = drv.lied = false;
	memset(fz_region, 0, FZ_REGION);
	begin_pmm();
	FZ_CHECK(!cw_bus_init(&drv.bus, &layout, fz_region, slots, &port));
	FZ_CHECK(!cw_mmio_init(&drv.mmio, &drv.bus, 0));
	drv.mmio.timeout = TIMEOUT;
	cw_bus_start(&drv.bus);
	bring_up();
	FZ_CHECK(opened);
	use_honestly();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned int steps = 0;

	fz_begin(data, size);
	drv.now = 1000;
	drv.next_byte = 1;
	drv.lied = false;
	memset(fz_region, 0, FZ_REGION);
	fz_on_load = on_load;
	fz_on_store = on_store;
	begin_pmm();
	FZ_CHECK(!cw_bus_init(&drv.bus, &layout, fz_region, slots, &port));
	FZ_CHECK(!cw_mmio_init(&drv.mmio, &drv.bus, 0));
	drv.mmio.timeout = TIMEOUT;
	cw_bus_start(&drv.bus);
	bring_up();
	FZ_CHECK(opened);
	use_honestly();
	fz_hostile = true;
	while (fz_more() && steps++ < 200) {
		uint8_t op = fz_u8();

		drv.loads = 0;
		switch (op & 7) {
		case 0: /* a word that the PMM may write, or the device's memory access may */
			drv.lied = true;
			put32((op & 8 ? BLOCK : DATA) + (fz_u16() & (op & 8 ? 0xffcu : 0xbffcu)),
			      fz_u32());
			break;
		case 1:
			drv.lied = true;
			put32(PMM + (fz_u16() & 0xffcu), fz_u32());
			break;
		case 2:
			drv.pmm = true;
			drv_part.feed();
			drv.device_bus.busy |= 1;
			drv.pmm = false;
			drv_serve();
			break;
		case 3:
			if (op & 0x80)
				begin_pmm();
			if (op & 0x40)
				cw_bus_start(&drv.bus);
			bring_up();
			break;
		default:
			cw_bus_poll(&drv.bus);
			if (opened)
				drv_part.use();
			break;
		}
		if (op & 0x10)
			drv_serve();
	}
	if (drv_part.again)
		start_honestly();
	return 0;
}
