// SPDX-License-Identifier: BSD-3-Clause
/*
 * Register requests: bus, mmio transport and device state machine against any driver page.
 *
 * Theory of operation: what the device loads of the driver page is logged, and no word may be loaded
 * twice. A second state machine, written from docs/spec/region.md section 6 and not from the device's
 * source, executes what the log says; result, registers and queues must be the same. Stores go to the
 * pages of the PMM and to the used rings of queues that are ready, and the sequence that vouches for
 * an answer is stored behind it.
 */
#include "fuzz.h"

#include <causeway/core/err.h>
#include <causeway/device/bus.h>
#include <string.h>

#define BASE	0x37000000u
#define REMOTE	0x1000u
#define PAGE	0x2000u /* device page */
#define REQUEST 0x3000u /* driver page */
#define DATA	0x4000u
#define QUEUES	3u
#define MAX	16u
#define CONFIG	24u
#define SLOTS	(2u + QUEUES)
#define ID	42u
#define OFFERED (0x0fffull | CW_F_VERSION_1 | CW_F_INDIRECT_DESC | CW_F_EVENT_IDX | CW_F_RING_RESET)

static struct cw_layout_device place = { .name = "dev",
					 .id = ID,
					 .slot = 1,
					 .queues = QUEUES,
					 .queue_size = MAX,
					 .size = FZ_REGION - PAGE,
					 .block = BASE + PAGE };
static struct cw_layout layout = { .base = BASE,
				   .size = FZ_REGION,
				   .line = 64,
				   .slots = SLOTS,
				   .devices = 1,
				   .pmm_page = BASE,
				   .remote_page = BASE + REMOTE,
				   .device = &place };
static struct cw_device_bus bus;
static struct cw_link_slot slots[SLOTS];
static struct cw_device_mmio mmio;
static struct cw_device dev;
static struct cw_device_queue queue[QUEUES];
static uint16_t own[QUEUES][MAX];
static uint8_t config[CONFIG];
static uint64_t now;
static bool quiet, bad_model;
static uint32_t seq, kicks;

static uint32_t get32(uint32_t off)
{
	uint32_t v;

	memcpy(&v, fz_region + off, 4);
	return v;
}

static void put32(uint32_t off, uint32_t v)
{
	memcpy(fz_region + off, &v, 4);
}

/* ---- the second state machine ---- */

struct plain_queue {
	uint64_t part[3];
	uint32_t num;
	bool ready;
};

static struct plain {
	uint32_t status, dev_sel, drv_sel, queue_sel, seq, result, refused;
	uint64_t features, words;
	struct plain_queue q[QUEUES];
	bool resetting, pending;
} plain;

static void p_reset(void)
{
	plain.status = quiet ? 0 : plain.status;
	plain.dev_sel = plain.drv_sel = plain.queue_sel = 0;
	plain.features = plain.words = 0;
	memset(plain.q, 0, sizeof(plain.q));
	plain.resetting = !quiet;
}

static uint32_t p_status(uint32_t v)
{
	uint32_t kept = plain.status & ~CW_STATUS_NEEDS_RESET;

	if (!v) {
		p_reset();
		return CW_RESULT_OK;
	}
	v &= ~CW_STATUS_NEEDS_RESET;
	if (v & ~0x8fu)
		return CW_RESULT_VALUE;
	if (kept & ~v)
		return CW_RESULT_STATE;
	if ((plain.features & ~OFFERED || !(plain.features & CW_F_VERSION_1)) &&
	    !(kept & CW_STATUS_FEATURES_OK))
		v &= ~CW_STATUS_FEATURES_OK;
	if (v & CW_STATUS_DRIVER_OK && !(v & CW_STATUS_FEATURES_OK))
		return CW_RESULT_STATE;
	plain.status |= v;
	return CW_RESULT_OK;
}

static uint32_t part_bytes(unsigned int part, uint32_t num)
{
	return part == 0 ? 16 * num : part == 1 ? 6 + 2 * num : 6 + 8 * num;
}

static bool disjoint(const struct plain_queue *a, unsigned int i, const struct plain_queue *b,
		     unsigned int k)
{
	return a->part[i] + part_bytes(i, a->num) <= b->part[k] ||
	       b->part[k] + part_bytes(k, b->num) <= a->part[i];
}

static bool p_rings_fine(const struct plain_queue *q)
{
	static const uint32_t align[3] = { 16, 2, 4 };

	for (unsigned int i = 0; i < 3; i++) {
		uint64_t at = q->part[i], end = BASE + FZ_REGION;

		if (at % align[i] || at < BASE + DATA || at > end ||
		    end - at < part_bytes(i, q->num))
			return false;
		for (unsigned int k = 0; k < i; k++)
			if (!disjoint(q, i, q, k))
				return false;
	}
	for (unsigned int o = 0; o < QUEUES; o++)
		for (unsigned int ik = 0; plain.q[o].ready && ik < 9; ik++)
			if (!disjoint(q, ik / 3, &plain.q[o], ik % 3))
				return false;
	return true;
}

static uint32_t p_ready(uint32_t v)
{
	struct plain_queue *q;

	if (v > 1 || plain.queue_sel >= QUEUES)
		return CW_RESULT_VALUE;
	q = &plain.q[plain.queue_sel];
	if (!v) {
		q->ready = false;
		return CW_RESULT_OK;
	}
	if (q->ready || !(plain.status & CW_STATUS_FEATURES_OK) ||
	    plain.status & CW_STATUS_NEEDS_RESET)
		return CW_RESULT_STATE;
	if (!q->num)
		return CW_RESULT_VALUE;
	if (!p_rings_fine(q))
		return CW_RESULT_ADDRESS;
	q->ready = true;
	return CW_RESULT_OK;
}

static uint32_t p_queue(uint32_t reg, uint32_t v)
{
	struct plain_queue *q = &plain.q[plain.queue_sel % QUEUES];
	uint64_t *a = &q->part[reg < 0x90 ? 0 : reg < 0xa0 ? 1 : 2];

	if (plain.queue_sel >= QUEUES || q->ready)
		return CW_RESULT_STATE;
	if (reg == CW_REG_QUEUE_NUM) {
		if (!v || v > MAX || v & (v - 1))
			return CW_RESULT_VALUE;
		q->num = v;
		return CW_RESULT_OK;
	}
	*a = reg & 4 ? (*a & UINT32_MAX) | (uint64_t)v << 32 : (*a & ~(uint64_t)UINT32_MAX) | v;
	return CW_RESULT_OK;
}

static uint32_t p_features(uint32_t v)
{
	if (plain.drv_sel > 1)
		return v ? CW_RESULT_FEATURES : CW_RESULT_OK;
	if (plain.drv_sel)
		plain.words = (plain.words & UINT32_MAX) | (uint64_t)v << 32;
	else
		plain.words = (plain.words & ~(uint64_t)UINT32_MAX) | v;
	if (!(plain.status & CW_STATUS_FEATURES_OK))
		plain.features = plain.words;
	return CW_RESULT_OK;
}

static uint32_t p_config(uint32_t off, uint32_t width, uint32_t v)
{
	if (width != 1 && width != 2 && width != 4)
		return CW_RESULT_REGISTER;
	if (off + width > CONFIG || off % width)
		return CW_RESULT_OK;
	return v & 1 ? CW_RESULT_VALUE : CW_RESULT_OK; /* our model refuses odd values */
}

static uint32_t p_entry(uint32_t reg, uint32_t width, uint32_t v)
{
	if (plain.resetting)
		return CW_RESULT_STATE;
	if (reg >= 0x800 || (reg < 0x100 && width != 4))
		return CW_RESULT_REGISTER;
	if (reg >= 0x100)
		return p_config(reg - 0x100, width, v);
	switch (reg) {
	case 0x014:
		plain.dev_sel = v;
		return CW_RESULT_OK;
	case 0x020:
		return p_features(v);
	case 0x024:
		plain.drv_sel = v;
		return CW_RESULT_OK;
	case 0x030:
		plain.queue_sel = v;
		return CW_RESULT_OK;
	case 0x044:
		return p_ready(v);
	case 0x064:
	case 0x0ac:
		return CW_RESULT_OK;
	case 0x070:
		return p_status(v);
	case 0x0c0:
		if (v != 1 || !(plain.features & CW_F_RING_RESET))
			return CW_RESULT_STATE;
		return p_ready(0);
	case 0x038:
	case 0x080:
	case 0x084:
	case 0x090:
	case 0x094:
	case 0x0a0:
	case 0x0a4:
		return p_queue(reg, v);
	default:
		return CW_RESULT_REGISTER;
	}
}

static void p_reset_done(void)
{
	if (!quiet || !plain.resetting)
		return;
	plain.resetting = false;
	plain.status = 0;
}

/* ---- what the device read of the driver page during one poll ---- */

static struct {
	uint32_t value;
	bool known;
} seen[0x90 / 4];
static bool polling;

static uint32_t logged(uint32_t off)
{
	FZ_CHECK(seen[off / 4].known);
	return seen[off / 4].value;
}

static void p_request(void)
{
	uint32_t count;

	/* The id first, and nothing behind it unless it is the present link. */
	if (plain.pending || !seen[1].known || logged(4) != bus.link.epoch ||
	    logged(8) != bus.link.echoed || logged(0) == plain.seq) {
		FZ_CHECK(!seen[3].known);
		return;
	}
	FZ_CHECK(quiet || !plain.resetting); /* nothing is executed before a reset is over */
	p_reset_done();
	plain.seq = logged(0);
	count = logged(12);
	plain.pending = true;
	plain.refused = 0;
	plain.result = count && count <= 8 ? CW_RESULT_OK : CW_RESULT_COUNT;
	for (uint32_t i = 0; plain.result == CW_RESULT_OK && i < count; i++) {
		plain.result =
			p_entry(logged(16 + 16 * i), logged(20 + 16 * i), logged(24 + 16 * i));
		plain.refused = plain.result == CW_RESULT_OK ? 0 : i;
	}
}

/* ---- the device's accesses ---- */

static uint32_t on_load(const volatile void *p, unsigned int width, uint32_t value)
{
	uint32_t off = fz_off(p);

	FZ_CHECK(off <= FZ_REGION - width);
	if (off < REQUEST)
		return value; /* the link is fuzz_link's business */
	value = fz_twist(value);
	if (off < DATA) {
		FZ_CHECK(polling && width == 4 && off < REQUEST + 0x90);
		fz_fetch_note(off, width);
		seen[(off - REQUEST) / 4].value = value;
		seen[(off - REQUEST) / 4].known = true;
	}
	return width == 2 ? value & 0xffff : value;
}

static bool in_used_ring(uint32_t off, unsigned int width)
{
	for (unsigned int i = 0; i < QUEUES; i++) {
		uint64_t at = queue[i].used - BASE;

		if (queue[i].num && off >= at && off + width <= at + part_bytes(2, queue[i].num))
			return true;
	}
	return false;
}

static void on_store(const volatile void *p, unsigned int width)
{
	uint32_t off = fz_off(p);

	if (off < REMOTE || (off >= PAGE && off < REQUEST))
		FZ_CHECK(off + width <= (off < REMOTE ? REMOTE : REQUEST));
	else
		FZ_CHECK(bus.link.up && in_used_ring(off, width));
	if (off == PAGE + 0x800 && mmio.pending) /* the sequence vouches for all of these */
		for (unsigned int i = 0; i < 4; i++)
			FZ_CHECK(get32(PAGE + 0x804 + 4 * i) == (i == 0	  ? bus.link.epoch
								 : i == 1 ? bus.link.echoed
								 : i == 2 ? mmio.ack_result
									  : mmio.ack_refused));
}

/* ---- a model that does next to nothing ---- */

static int m_serve(struct cw_device *d, unsigned int q)
{
	struct cw_part part[MAX];
	struct cw_chain c;
	int got;

	FZ_CHECK(cw_device_running(d) && d->queue[q].ring.ready);
	if (bad_model)
		return CW_EBADLEN;
	for (unsigned int i = 0; i < CW_SERVE_BUDGET; i++) {
		got = cw_devq_pop(&d->queue[q].ring, &c, part, MAX);
		if (got <= 0)
			return got;
		for (unsigned int k = 0; k < c.readable + c.writable; k++)
			FZ_CHECK(fz_off(part[k].ptr) >= DATA);
		cw_devq_push(&d->queue[q].ring, c.head, c.writable_len);
		cw_device_publish(d, q);
	}
	return CW_SERVE_MORE;
}

static int m_config(struct cw_device *d, uint32_t off, uint32_t width, uint32_t value)
{
	(void)d;
	FZ_CHECK(off < CONFIG && width <= CONFIG - off && off % width == 0);
	return value & 1 ? CW_EINVAL : CW_OK;
}

static bool m_quiet(struct cw_device *d)
{
	(void)d;
	return quiet;
}

static const struct cw_device_ops ops = { .serve = m_serve,
					  .quiet = m_quiet,
					  .config_write = m_config };

/* ---- what is checked ---- */

static void check_device(void)
{
	FZ_CHECK(dev.status == plain.status && dev.features == plain.features);
	FZ_CHECK(!(dev.status & CW_STATUS_DRIVER_OK) || dev.status & CW_STATUS_FEATURES_OK);
	for (unsigned int i = 0; i < QUEUES; i++) {
		const struct plain_queue *q = &plain.q[i];

		FZ_CHECK(queue[i].ring.ready == q->ready);
		FZ_CHECK(queue[i].num == q->num && queue[i].desc == q->part[0] &&
			 queue[i].avail == q->part[1] && queue[i].used == q->part[2]);
	}
}

static void check_image(void)
{
	bool there = plain.queue_sel < QUEUES;
	uint32_t word = plain.dev_sel > 1 ? 0 : (uint32_t)(OFFERED >> (32 * plain.dev_sel));

	FZ_CHECK(get32(PAGE + 0x070) == plain.status);
	FZ_CHECK(get32(PAGE + 0x010) == word);
	FZ_CHECK(get32(PAGE + 0x034) == (there ? MAX : 0));
	FZ_CHECK(get32(PAGE + 0x044) == (there && plain.q[plain.queue_sel].ready));
	FZ_CHECK(get32(PAGE + 0x800) == plain.seq);
	FZ_CHECK(get32(PAGE + 0x80c) == plain.result && get32(PAGE + 0x810) == plain.refused);
	FZ_CHECK(get32(PAGE + 0x804) == bus.link.epoch && get32(PAGE + 0x808) == bus.link.echoed);
	FZ_CHECK(!(get32(PAGE + 0x0fc) & 1) && !memcmp(fz_region + PAGE + 0x100, config, CONFIG));
}

static void poll(void)
{
	bool was_up = bus.link.up;

	now += 500;
	memset(seen, 0, sizeof(seen));
	fz_fetch_once(REQUEST, DATA);
	polling = true;
	if (cw_device_bus_poll(&bus, now) != CW_LINK_SAME) {
		FZ_CHECK(was_up != bus.link.up);
		plain.pending = false;
		p_reset();
	}
	polling = false;
	p_request();
	if (plain.pending || !dev.resetting) /* one that began with the link ends with a request */
		p_reset_done();
	FZ_CHECK(dev.resetting == plain.resetting);
	check_device();
	if (plain.pending && !plain.resetting) {
		plain.pending = false;
		check_image();
	}
	FZ_CHECK(mmio.seq == plain.seq && mmio.pending == plain.pending);
}

static void serve(void)
{
	bad_model = fz_u8() > 0xf0;
	for (int i = 0; i < 4 && cw_device_bus_serve(&bus); i++)
		cw_device_bus_look(&bus);
	cw_device_bus_arm(&bus);
	FZ_CHECK(!dev.fault == !(dev.status & CW_STATUS_NEEDS_RESET) || dev.resetting);
	plain.status |= dev.status & CW_STATUS_NEEDS_RESET;
	FZ_CHECK(!dev.fault || get32(PAGE + 0x070) == dev.status); /* the driver is told */
}

/* ---- a driver made of input ---- */

static void kick(unsigned int slot)
{
	put32(REMOTE + 0x400 + 4 * slot, ++kicks);
	put32(REMOTE + 0x80, kicks);
}

static void post(const uint32_t (*e)[2], uint32_t n)
{
	for (uint32_t i = 0; i < n && i < 8; i++) {
		put32(REQUEST + 0x10 + 16 * i, e[i][0]);
		put32(REQUEST + 0x14 + 16 * i, 4);
		put32(REQUEST + 0x18 + 16 * i, e[i][1]);
	}
	put32(REQUEST + 4, get32(0x40));
	put32(REQUEST + 8, get32(REMOTE + 0x40));
	put32(REQUEST + 12, n);
	put32(REQUEST, ++seq);
	kick(1);
	poll();
}

static void link_up(uint32_t epoch)
{
	uint64_t hash = cw_layout_hash(&layout);

	put32(REMOTE, CW_LINK_MAGIC);
	put32(REMOTE + 4, CW_ABI_VERSION);
	put32(REMOTE + 8, (uint32_t)hash);
	put32(REMOTE + 12, (uint32_t)(hash >> 32));
	put32(REMOTE + 0x40, epoch);
	put32(REMOTE + 0x44, get32(0x40));
	poll();
	poll();
}

static void negotiate(void)
{
	const uint32_t e[][2] = { { 0x70, 0 }, { 0x70, 3 },   { 0x24, 0 }, { 0x20, 0x30000000 },
				  { 0x24, 1 }, { 0x20, 257 }, { 0x70, 11 } };

	post(e, 7);
}

static void set_queue(void)
{
	uint32_t q = fz_below(QUEUES), at = BASE + DATA + (fz_u8() & 0x7f) * 64u;
	const uint32_t e[][2] = { { 0x30, q },		{ 0x38, 1u << (fz_u8() & 7) % 5 },
				  { 0x80, at },		{ 0x90, at + 0x100 },
				  { 0xa0, at + 0x140 }, { 0x44, 1 },
				  { 0x70, 15 } };

	post(e, 6 + (fz_u8() & 1));
}

static void one_request(void)
{
	static const uint32_t reg[] = { 0x14, 0x20, 0x24, 0x30, 0x38, 0x44, 0x50, 0x64,
					0x70, 0x80, 0x84, 0x90, 0xa0, 0xac, 0xc0, 0x100 };
	static const uint32_t value[] = { 0, 1, 2, 3, 8, 11, 15, 75 };
	uint32_t n = 1 + fz_below(8), e[8][2];

	for (uint32_t i = 0; i < n; i++) {
		uint8_t b = fz_u8();

		e[i][0] = b & 0x80 ? fz_u16() : reg[b & 15];
		e[i][1] = b & 0x40 ? fz_u32() : value[fz_u8() & 7];
		if (b & 0x20)
			e[i][1] = BASE + DATA + (e[i][1] & 0xffff);
	}
	post(e, n);
}

static void raw(void)
{
	put32(REQUEST + (fz_u8() % 0x24u) * 4, fz_u32());
	kick(fz_below(SLOTS));
	poll();
}

static void offer(void)
{
	uint32_t q = fz_below(QUEUES), i = fz_below(MAX);
	uint16_t idx;

	if (!queue[q].ring.ready)
		return;
	put32((uint32_t)(queue[q].desc - BASE) + 16 * (i % queue[q].num), BASE + DATA + fz_u16());
	put32((uint32_t)(queue[q].desc - BASE) + 16 * (i % queue[q].num) + 4, 0);
	put32((uint32_t)(queue[q].desc - BASE) + 16 * (i % queue[q].num) + 8, fz_u8());
	put32((uint32_t)(queue[q].desc - BASE) + 16 * (i % queue[q].num) + 12, fz_u8() & 3);
	idx = queue[q].ring.avail_count;
	fz_region[queue[q].avail - BASE + 4 + 2u * (idx % queue[q].num)] = (uint8_t)i;
	idx++;
	memcpy(fz_region + (queue[q].avail - BASE) + 2, &idx, 2);
	kick(2 + q);
	poll();
}

static void ring(void *ctx)
{
	(void)ctx;
}

static void begin(void)
{
	static const struct cw_link_ops link_ops = { .ring = ring };

	memset(queue, 0, sizeof(queue));
	memset(&plain, 0, sizeof(plain));
	for (unsigned int i = 0; i < QUEUES; i++) {
		queue[i].num_max = MAX;
		queue[i].own = own[i];
	}
	for (unsigned int i = 0; i < CONFIG; i++)
		config[i] = (uint8_t)(i + 1);
	now = 1000;
	seq = kicks = 0;
	quiet = true;
	FZ_CHECK(!cw_device_init(&dev, &ops, ID, 0x0fff, config, CONFIG, queue, QUEUES));
	FZ_CHECK(!cw_device_bus_init(&bus, &layout, fz_region, slots, &link_ops, NULL));
	FZ_CHECK(!cw_device_bus_add(&bus, 0, &mmio, &dev));
	fz_on_load = on_load;
	fz_on_store = on_store;
	FZ_CHECK(!cw_device_bus_begin(&bus, now));
	link_up(1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fz_begin(data, size);
	begin();
	fz_hostile = true;
	while (fz_more()) {
		uint8_t op = fz_u8();

		quiet = (op & 0x70) != 0x70;
		switch (op & 15) {
		case 0:
		case 1:
			negotiate();
			break;
		case 2:
		case 3:
			set_queue();
			break;
		case 4:
		case 5:
		case 6:
			raw();
			break;
		case 7:
		case 8:
			offer();
			break;
		case 9:
			serve();
			break;
		case 10:
			poll();
			break;
		case 11:
			if (op & 0x80)
				link_up(2 + fz_u8());
			else
				put32(REMOTE + 0x44, fz_u8());
			break;
		default:
			one_request();
		}
	}
	return 0;
}
