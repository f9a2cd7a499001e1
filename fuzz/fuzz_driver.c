// SPDX-License-Identifier: BSD-3-Clause
/*
 * A driver against a PMM that lies. An honest device side serves the region while the driver waits;
 * the adversary changes what single loads of the driver return, and words in between. Compiled once
 * for each driver (FUZZ_RNG, FUZZ_NET, FUZZ_CONSOLE, FUZZ_BLK).
 *
 * What is checked beside the sanitizers: a call ends within a bounded number of loads, whatever it
 * reads; stores go to the remote page, the driver page and the block's memory alone; a caller gets no
 * more bytes than it has room for; what is lent to the caller lies in the block and is lent once. As
 * long as nobody lied, entropy and sectors are exactly what the device gave.
 */
#include "one_device.h"

#include <causeway/core/err.h>
#include <causeway/core/shm.h>
#include <causeway/device/blk.h>
#include <causeway/device/bus.h>
#include <causeway/device/console.h>
#include <causeway/device/net.h>
#include <causeway/device/rng.h>
#include <causeway/driver/blk.h>
#include <causeway/driver/bus.h>
#include <causeway/driver/console.h>
#include <causeway/driver/mmio.h>
#include <causeway/driver/net.h>
#include <causeway/driver/rng.h>

#include <string.h>

#define PATIENCE 400000u /* loads in one call of a driver with a deadline of TIMEOUT */
#define TIMEOUT	 3000u	 /* microseconds */

/* the remote */
static struct cw_bus bus;
static struct cw_link_slot slots[2 + COUNT];
static struct cw_mmio mmio;
static uint32_t loads;
static bool lied;

/* the PMM */
static bool pmm; /* its code runs: it may touch what it likes */
static struct cw_device_bus device_bus;
static struct cw_link_slot device_slots[2 + COUNT];
static struct cw_device_mmio transport;
static struct cw_device_queue queue[COUNT];
static uint16_t own[COUNT][SIZE];
static uint8_t next_byte;
static uint64_t now;

/* ---- accesses of the remote ---- */

static void on_store(const volatile void *p, unsigned int width)
{
	uint32_t off = fz_off(p);

	if (pmm)
		return;
	FZ_CHECK(off != FZ_OUTSIDE && width <= FZ_REGION - off);
	FZ_CHECK(off >= REMOTE && off + width <= FZ_REGION);
	FZ_CHECK(off + width <= BLOCK || off >= BLOCK + 0x1000); /* not the device page */
}

static uint32_t on_load(const volatile void *p, unsigned int width, uint32_t value)
{
	uint32_t off = fz_off(p), v;

	if (pmm)
		return value;
	FZ_CHECK(off != FZ_OUTSIDE && width <= FZ_REGION - off);
	FZ_CHECK(++loads < PATIENCE);
	v = fz_twist(value);
	v = width == 2 ? v & 0xffff : width == 1 ? v & 0xff : v;
	lied |= v != value;
	return v;
}

/* ---- the PMM ---- */

static void ring_remote(void *ctx)
{
	(void)ctx;
}

static void serve(void)
{
	pmm = true;
	for (int i = 0; i < 100; i++) {
		bool more = cw_device_bus_poll(&device_bus, now) == CW_LINK_WENT_DOWN;

		more |= cw_device_bus_serve(&device_bus);
		more |= cw_device_bus_look(&device_bus);
		if (!more && !cw_device_bus_arm(&device_bus))
			break;
	}
	pmm = false;
}

#if defined(FUZZ_NET)
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
	uint32_t want = 64u + 10u * next_byte++, got = 0;

	(void)ctx;
	if (next_byte % 4 == 0)
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

	FZ_CHECK(!cw_net_device_init(&model, &net_ops, NULL, mac, 1500, true, queue, part,
				     SIZE + 1));
	return &model.dev;
}

static void feed(void)
{
	cw_net_device_receive(&model);
}
#elif defined(FUZZ_CONSOLE)
static struct cw_console_device model;

static int console_out(void *ctx, unsigned int port, const struct cw_part *p, unsigned int n)
{
	int len = 0;

	(void)ctx;
	(void)port;
	for (unsigned int i = 0; i < n; i++)
		len += (int)p[i].len;
	return len;
}

static int console_in(void *ctx, unsigned int port, const struct cw_part *p, unsigned int n)
{
	(void)ctx;
	(void)n;
	(void)port;
	if (next_byte++ % 3 == 0)
		return CW_EAGAIN;
	memset(p->ptr, 'x', p->len);
	return (int)p->len;
}

static const struct cw_console_ops console_ops = { .output = console_out, .input = console_in };

static struct cw_device *make(void)
{
	/* longer than a driver keeps */
	static const char *const name[2] = { "a port whose name has many characters", NULL };

	FZ_CHECK(!cw_console_device_init(&model, &console_ops, NULL, 80, 25, 2, name, queue));
	return &model.dev;
}

static void feed(void)
{
	cw_console_device_ready(&model, next_byte & 1);
	cw_console_device_connect(&model, next_byte & 1, next_byte & 2);
}
#elif defined(FUZZ_BLK)
#define SECTORS 16u
#define DEPTH	2u
static struct cw_blk model;
static struct cw_blk_request request[DEPTH], *todo[DEPTH];
static struct cw_part part[DEPTH][SIZE];
static uint8_t step_buf[DEPTH][CW_BLK_STEP], disk[SECTORS * 512];
static unsigned int todos;

static int read_now(void *ctx, const struct cw_part *p, unsigned int n, uint64_t offset,
		    uint32_t len)
{
	(void)ctx;
	if (next_byte++ & 1)
		return CW_EAGAIN;
	for (unsigned int i = 0; i < n; offset += p[i].len, i++)
		memcpy(p[i].ptr, disk + offset, p[i].len);
	return (int)len;
}

static void start(void *ctx, struct cw_blk_request *r)
{
	(void)ctx;
	todo[todos++] = r;
}

static void collect(void *ctx)
{
	(void)ctx;
	while (todos) {
		struct cw_blk_request *r = todo[0];
		const struct cw_blk_step *s = &r->step;

		if (s->type == CW_BLK_T_IN)
			memcpy(s->buf, disk + s->offset, s->len);
		else if (s->type == CW_BLK_T_OUT)
			memcpy(disk + s->offset, s->buf, s->len);
		else if (s->type != CW_BLK_T_FLUSH)
			memset(disk + s->offset, 0, s->len);
		memmove(todo, todo + 1, --todos * sizeof(todo[0]));
		cw_blk_done(&model, r, true);
	}
}

static const struct cw_blk_ops disk_ops = { read_now, start, collect };

static struct cw_device *make(void)
{
	const struct cw_blk_geometry g = {
		.sectors = SECTORS, .block = 4096, .zeroes = true, .id = "a disk of twenty ch."
	};

	todos = 0;
	memset(request, 0, sizeof(request));
	for (unsigned int i = 0; i < DEPTH; i++) {
		request[i].part = part[i];
		request[i].buf = step_buf[i];
	}
	FZ_CHECK(!cw_blk_init(&model, &disk_ops, NULL, &g, queue, request, DEPTH, SIZE));
	return &model.dev;
}

static void feed(void)
{
	cw_device_wake(&model.dev, 0);
}
#else
static struct cw_rng model;
static struct cw_part part[SIZE + 1];

static int fill(void *ctx, const struct cw_part *p, unsigned int n, uint32_t max)
{
	uint32_t done = 0;

	(void)ctx;
	for (unsigned int i = 0; i < n; i++)
		for (size_t b = 0; b < p[i].len && done < max; b++, done++)
			((uint8_t *)p[i].ptr)[b] = next_byte++;
	return (int)done;
}

static uint64_t device_now(void *ctx)
{
	(void)ctx;
	return now;
}

static const struct cw_rng_ops rng_ops = { .fill = fill, .now = device_now };

static struct cw_device *make(void)
{
	FZ_CHECK(!cw_rng_init(&model, &rng_ops, NULL, 0, queue, part, SIZE));
	return &model.dev;
}

static void feed(void)
{
	cw_rng_poll(&model);
}
#endif

static void begin_pmm(void)
{
	static const struct cw_link_ops ops = { .ring = ring_remote };

	pmm = true;
	memset(queue, 0, sizeof(queue));
	for (unsigned int i = 0; i < COUNT; i++) {
		queue[i].num_max = SIZE;
		queue[i].own = own[i];
	}
	FZ_CHECK(!cw_device_bus_init(&device_bus, &layout, fz_region, device_slots, &ops, NULL));
	FZ_CHECK(!cw_device_bus_add(&device_bus, 0, &transport, make()));
	cw_device_bus_begin(&device_bus, now);
	pmm = false;
}

/* ---- the remote's machine ---- */

static uint64_t port_now(void *ctx)
{
	(void)ctx;
	return now++;
}

static void port_ring(void *ctx)
{
	(void)ctx;
}

static void port_wait(void *ctx, uint64_t deadline)
{
	(void)ctx;
	now += 20;
#if defined(FUZZ_BLK)
	pmm = true;
	if (todos)
		cw_device_bus_wake(&device_bus, 0, 0); /* its steps are over by now */
	pmm = false;
#endif
	serve();
	if (now < deadline && deadline - now < 500)
		now = deadline;
	else
		now += 200;
}

static const struct cw_port port = { .now = port_now, .ring = port_ring, .wait = port_wait };

/* ---- each driver: bring it up, use it ---- */

#define GUARD 0xc3

static uint8_t buffer[2100];

/* A buffer of @len bytes with something behind it that must stay. */
static void prepare(uint32_t len)
{
	memset(buffer, GUARD, sizeof(buffer));
	FZ_CHECK(len < sizeof(buffer));
}

static void check_guard(int got, uint32_t len)
{
	FZ_CHECK(got < 0 || (uint32_t)got <= len);
	for (size_t i = got > 0 ? (size_t)got : 0; i < sizeof(buffer); i++)
		FZ_CHECK(i < len || buffer[i] == GUARD);
}

#if defined(FUZZ_NET)
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
	return cw_net_open(&driver, &mmio.transport,
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
	struct cw_part out = { buffer, fz_u16() % sizeof(buffer) };
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
		prepare(cap);
		if (cw_net_recv(&driver, buffer, cap, &len, &meta) > 0)
			check_guard(len < cap ? (int)len : (int)cap, cap);
		else
			check_guard(0, cap);
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
#elif defined(FUZZ_CONSOLE)
static struct cw_console_driver driver;

static int open_driver(void)
{
	return cw_console_open(&driver, &mmio.transport);
}

static void check_names(void)
{
	for (unsigned int p = 0; p < CW_CONSOLE_PORTS; p++) {
		const char *name = driver.port[p].name;
		size_t n = strnlen(name, sizeof(driver.port[p].name));

		FZ_CHECK(n < sizeof(driver.port[p].name));
		for (size_t i = 0; i < n; i++)
			FZ_CHECK(name[i] >= ' ' && name[i] <= '~');
	}
}

static void use(void)
{
	unsigned int p = fz_u8() % (CW_CONSOLE_PORTS + 1);
	uint32_t len = fz_u16() % 2048;

	switch (fz_u8() % 5) {
	case 0:
		cw_console_poll(&driver);
		check_names();
		break;
	case 1:
		prepare(len);
		check_guard(cw_console_read(&driver, p, buffer, len), len);
		break;
	case 2:
		FZ_CHECK(cw_console_write(&driver, p, buffer, len, fz_u8() & 1 ? TIMEOUT : 0) <=
			 (int)len);
		break;
	case 3:
		cw_console_set_open(&driver, p, fz_u8() & 1);
		break;
	default:
		cw_console_arm(&driver);
		break;
	}
}
#elif defined(FUZZ_BLK)
static struct cw_blk_driver driver;

static int open_driver(void)
{
	for (size_t i = 0; i < sizeof(disk); i++)
		disk[i] = (uint8_t)(i + (i >> 9) * 3);
	return cw_blk_open(&driver, &mmio.transport);
}

static void use(void)
{
	uint32_t sectors = fz_u8() % 5, len = 512 * sectors;
	uint64_t sector = fz_u8() & 1 ? fz_u8() % (SECTORS + 2) : fz_u64();
	char id[CW_BLK_ID_LEN + 1];

	prepare(len);
	switch (fz_u8() % 6) {
	case 0:
	case 1:
		if (!cw_blk_read(&driver, sector, sectors, buffer, TIMEOUT) && !lied)
			FZ_CHECK(!memcmp(buffer, disk + sector * 512, len));
		check_guard((int)len, len);
		break;
	case 2:
		memset(buffer, fz_u8(), len);
		if (!cw_blk_write(&driver, sector, sectors, buffer, TIMEOUT) && !lied)
			FZ_CHECK(!memcmp(buffer, disk + sector * 512, len));
		break;
	case 3:
		cw_blk_flush(&driver, TIMEOUT);
		break;
	case 4:
		if (!cw_blk_zero(&driver, sector, sectors, fz_u8() & 1, TIMEOUT) && !lied)
			FZ_CHECK(!disk[sector * 512]);
		break;
	default:
		cw_blk_id(&driver, id, TIMEOUT);
		FZ_CHECK(strnlen(id, sizeof(id)) < sizeof(id));
		break;
	}
}
#else
static struct cw_rng_driver driver;
static uint8_t expected;

static int open_driver(void)
{
	expected = next_byte;
	return cw_rng_open(&driver, &mmio.transport);
}

static void use(void)
{
	uint32_t len = fz_u16() % 1024;
	int got = 0;

	prepare(len);
	switch (fz_u8() % 4) {
	case 0:
		got = cw_rng_read(&driver, buffer, len, TIMEOUT);
		break;
	case 1:
		cw_rng_ask(&driver, len);
		break;
	case 2:
		got = cw_rng_take(&driver, buffer, len);
		break;
	default:
		cw_rng_arm(&driver);
		break;
	}
	check_guard(got, len);
	for (int i = 0; i < got && !lied; i++)
		FZ_CHECK(buffer[i] == expected++);
}
#endif

/* With nobody lying the driver does what it is for. */
static void use_honestly(void)
{
	for (int i = 0; i < 12; i++) {
		pmm = true;
		feed();
		device_bus.busy |= 1;
		pmm = false;
		serve();
#if defined(FUZZ_NET)
		cw_net_poll(&driver);
		receive();
		if (holding)
			cw_net_release(&driver, &held[--holding]);
		cw_net_flush(&driver);
#elif defined(FUZZ_CONSOLE)
		cw_console_poll(&driver);
		check_names();
		prepare(100);
		check_guard(cw_console_read(&driver, 0, buffer, 100), 100);
#endif
		loads = 0;
	}
#if defined(FUZZ_NET)
	FZ_CHECK(driver.count.rx_frames);
#elif defined(FUZZ_CONSOLE)
	FZ_CHECK(driver.port[0].name[0] == 'a');
#elif defined(FUZZ_BLK)
	FZ_CHECK(!cw_blk_read(&driver, 1, 4, buffer, TIMEOUT) && !memcmp(buffer, disk + 512, 2048));
#endif
}

static bool opened;

static void bring_up(void)
{
	opened = false;
	loads = 0;
	if (cw_bus_wait_up(&bus, TIMEOUT))
		return;
	loads = 0;
	if (cw_mmio_open(&mmio))
		return;
	loads = 0;
	opened = !open_driver();
}

static void put32(uint32_t off, uint32_t v)
{
	memcpy(fz_region + off, &v, 4);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned int steps = 0;

	fz_begin(data, size);
	now = 1000;
	next_byte = 1;
	lied = false;
	memset(fz_region, 0, FZ_REGION);
	fz_on_load = on_load;
	fz_on_store = on_store;
	begin_pmm();
	FZ_CHECK(!cw_bus_init(&bus, &layout, fz_region, slots, &port));
	FZ_CHECK(!cw_mmio_init(&mmio, &bus, 0));
	mmio.timeout = TIMEOUT;
	cw_bus_start(&bus);
	bring_up();
	FZ_CHECK(opened);
	use_honestly();
	fz_hostile = true;
	while (fz_more() && steps++ < 200) {
		uint8_t op = fz_u8();

		loads = 0;
		switch (op & 7) {
		case 0: /* a word that the PMM may write, or the device's memory access may */
			lied = true;
			put32((op & 8 ? BLOCK : DATA) + (fz_u16() & (op & 8 ? 0xffcu : 0xbffcu)),
			      fz_u32());
			break;
		case 1:
			lied = true;
			put32(PMM + (fz_u16() & 0xffcu), fz_u32());
			break;
		case 2:
			pmm = true;
			feed();
			device_bus.busy |= 1;
			pmm = false;
			serve();
			break;
		case 3:
			if (op & 0x80)
				begin_pmm();
			if (op & 0x40)
				cw_bus_start(&bus);
			bring_up();
			break;
		default:
			cw_bus_poll(&bus);
			if (opened)
				use();
			break;
		}
		if (op & 0x10)
			serve();
	}
	return 0;
}
