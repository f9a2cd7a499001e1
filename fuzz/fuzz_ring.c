// SPDX-License-Identifier: BSD-3-Clause
/*
 * Driver ring against device ring over the same memory.
 *
 * Theory of operation: an honest run demands what a ring is for: each chain arrives once, in order,
 * with its buffers; each comes back once with its cookie and length; and whoever armed is told. Both
 * begin near the wrap of the 16-bit index. A hostile run corrupts memory and single loads: then
 * neither side may lose its private order, hand a cookie out twice or more bytes than were offered.
 */
#include "fuzz.h"

#include <causeway/core/err.h>
#include <causeway/core/ring_device.h>
#include <causeway/core/ring_driver.h>
#include <causeway/core/shm.h>
#include <string.h>

#define SIZE   16u
#define PARTS  8u
#define BASE   0x40000000u
#define TABLES 0x4000u
#define DATA   0x8000u

enum where { FREE, ADDED, POPPED, PUSHED };

/* What the target knows of a chain; its index + 1 is the cookie. */
struct chain {
	enum where where;
	unsigned int readable, writable, descs;
	struct cw_buf buf[PARTS];
	uint32_t offered, written;
	uint16_t head;
};

static const struct cw_window win = { fz_region, BASE, FZ_REGION };
static struct cw_drvq drv;
static struct cw_devq dev;
static struct cw_drvq_slot slot[SIZE];
static uint16_t own[SIZE];
static struct chain chain[SIZE];
static struct {
	uint8_t at[SIZE];
	unsigned int n, published;
} added, pushed; /* in order, those the other side has not taken */
static bool hostile, drv_armed, dev_armed;

static uint32_t on_load(const volatile void *p, unsigned int width, uint32_t value)
{
	FZ_CHECK(fz_off(p) <= FZ_REGION - width);
	value = fz_twist(value);
	return width == 2 ? value & 0xffff : value;
}

static void on_store(const volatile void *p, unsigned int width)
{
	FZ_CHECK(fz_allowed(fz_off(p), width));
}

static uint32_t ring_off(int part)
{
	return (uint32_t)(cw_drvq_part(&drv, &win, part) - BASE);
}

/* Each side's ring parts have one writer. */
static void allow_driver(void)
{
	fz_allow_none();
	fz_allow(ring_off(0), CW_RING_DESC_BYTES(drv.size));
	fz_allow(ring_off(1), CW_RING_AVAIL_BYTES(drv.size));
	fz_allow(TABLES, DATA - TABLES);
}

static void allow_device(void)
{
	fz_allow_none();
	fz_allow(ring_off(2), CW_RING_USED_BYTES(drv.size));
}

/* Both sides have run for long: the indices are about to wrap. */
static void age(uint16_t count)
{
	uint8_t bytes[2] = { (uint8_t)count, (uint8_t)(count >> 8) };

	drv.avail_count = drv.avail_published = drv.used_count = count;
	drv.used_idx = count;
	dev.used_count = dev.used_published = count;
	dev.avail_count = dev.avail_idx = count;
	memcpy(&drv.avail->idx, bytes, 2);
	memcpy(&drv.used->idx, bytes, 2);
}

static void set_up(void)
{
	uint8_t flags = fz_u8(), how = fz_u8();
	uint16_t size = (uint16_t)(2u << (flags & 3));
	bool event_idx = flags & 4, indirect = flags & 8;

	hostile = flags & 0x80;
	memset(chain, 0, sizeof(chain));
	memset(&added, 0, sizeof(added));
	memset(&pushed, 0, sizeof(pushed));
	drv_armed = dev_armed = false;
	fz_allow(0, FZ_REGION);
	FZ_CHECK(!cw_drvq_init(&drv, &win, BASE, 16u << (how & 3), size, slot, event_idx));
	if (indirect)
		FZ_CHECK(!cw_drvq_indirect(&drv, &win, BASE + TABLES, size < 4 ? size : 4));
	allow_device();
	FZ_CHECK(!cw_devq_init(&dev, &win, NULL, cw_drvq_part(&drv, &win, 0),
			       cw_drvq_part(&drv, &win, 1), cw_drvq_part(&drv, &win, 2), size, own,
			       event_idx, indirect));
	age((uint16_t)(0u - (how >> 2)));
	fz_hostile = hostile;
}

/* The free list holds each free descriptor once and no other. */
static void check_free_list(void)
{
	unsigned int in_flight = 0, at = drv.free_head;
	bool listed[SIZE] = { false };

	for (unsigned int i = 0; i < drv.free_count; i++) {
		FZ_CHECK(at < drv.size && !listed[at] && !slot[at].count);
		listed[at] = true;
		at = slot[at].next;
	}
	for (unsigned int i = 0; i < SIZE; i++)
		in_flight += chain[i].where == FREE ? 0 : chain[i].descs;
	FZ_CHECK(drv.free_count + in_flight == drv.size);
}

static void add(void)
{
	unsigned int i = 0, shape = fz_u8(), total;
	struct chain *c;
	uint16_t before = drv.free_count;
	int err;

	while (i < SIZE && chain[i].where != FREE)
		i++;
	if (i == SIZE)
		return;
	c = &chain[i];
	c->readable = shape & 3;
	c->writable = shape >> 2 & 3;
	c->offered = c->written = 0;
	total = c->readable + c->writable;
	for (unsigned int k = 0; k < total; k++) {
		c->buf[k].addr = BASE + DATA + 256u * fz_u8() / 2;
		c->buf[k].len = fz_u8() & 0x7f;
		c->offered += k < c->readable ? 0 : c->buf[k].len;
	}
	allow_driver();
	err = cw_drvq_add(&drv, c->buf, c->readable, c->writable, (void *)(uintptr_t)(i + 1));
	if (!total || total > drv.size)
		FZ_CHECK(err == CW_EINVAL || drv.broken);
	if (err) {
		FZ_CHECK(drv.free_count == before);
		return;
	}
	c->descs = before - drv.free_count;
	FZ_CHECK(c->descs == total || (drv.table && c->descs == 1));
	c->where = ADDED;
	added.at[added.n++ % SIZE] = (uint8_t)i;
}

static void drv_publish(void)
{
	bool news = added.published < added.n, wanted;

	allow_driver();
	wanted = cw_drvq_publish(&drv);
	if (drv.broken)
		return;
	FZ_CHECK(news || !wanted);
	if (!hostile && news && dev_armed)
		FZ_CHECK(wanted); /* no lost wake-up */
	if (news)
		dev_armed = false;
	added.published = hostile ? (added.n = 0) : added.n;
}

static uint8_t take_first(uint8_t *at, unsigned int *n, unsigned int *published)
{
	uint8_t first = at[0];

	memmove(at, at + 1, --*n);
	--*published;
	return first;
}

static void check_same(const struct chain *c, const struct cw_chain *got)
{
	unsigned int n = 0;

	for (unsigned int k = 0; k < c->readable + c->writable; k++) {
		if (!c->buf[k].len)
			continue;
		FZ_CHECK(got->part[n].ptr == fz_region + (c->buf[k].addr - BASE));
		FZ_CHECK(got->part[n].len == c->buf[k].len);
		FZ_CHECK((n >= got->readable) == (k >= c->readable));
		n++;
	}
	FZ_CHECK(got->readable + got->writable == (int)n);
	FZ_CHECK(got->writable_len == c->offered);
}

static void pop(void)
{
	struct cw_part part[PARTS];
	struct cw_chain got;
	struct chain *c;
	int r;

	allow_device();
	r = cw_devq_pop(&dev, &got, part, PARTS);
	if (r == 1)
		for (unsigned int i = 0; i < got.readable + got.writable; i++)
			FZ_CHECK(cw_window_has(&win, part[i].ptr, (uint32_t)part[i].len));
	if (hostile) {
		/* Any chain that is in flight will do for the model: heads are what counts. */
		for (unsigned int i = 0; r == 1 && i < SIZE; i++)
			if (chain[i].where == ADDED) {
				chain[i].where = POPPED;
				chain[i].head = got.head;
				break;
			}
		return;
	}
	FZ_CHECK(r == (added.published ? 1 : 0));
	if (!r)
		return;
	c = &chain[take_first(added.at, &added.n, &added.published)];
	check_same(c, &got);
	c->where = POPPED;
	c->head = got.head;
}

static void push(void)
{
	unsigned int from = fz_below(SIZE), written = fz_u8();

	allow_device();
	for (unsigned int k = 0; k < SIZE; k++) {
		struct chain *c = &chain[(from + k) % SIZE];

		if (c->where != POPPED)
			continue;
		c->written = hostile ? written : c->offered ? written % (c->offered + 1) : 0;
		cw_devq_push(&dev, c->head, c->written);
		c->where = PUSHED;
		pushed.at[pushed.n++ % SIZE] = (uint8_t)((from + k) % SIZE);
		return;
	}
}

static void dev_publish(void)
{
	bool news = pushed.published < pushed.n, wanted;

	allow_device();
	wanted = cw_devq_publish(&dev);
	if (!hostile) {
		FZ_CHECK(news || !wanted);
		if (news && drv_armed)
			FZ_CHECK(wanted);
	}
	if (news)
		drv_armed = false;
	pushed.published = hostile ? (pushed.n = 0) : pushed.n;
}

static void get(void)
{
	void *cookie = NULL;
	uint32_t len = UINT32_MAX;
	bool was_broken = drv.broken;
	struct chain *c;
	int r;

	allow_driver();
	r = cw_drvq_get(&drv, &cookie, &len);
	if (!hostile)
		FZ_CHECK(r == (pushed.published ? 1 : 0));
	FZ_CHECK(!was_broken || r == CW_EPEER);
	if (r != 1 && r != CW_EBADLEN)
		return;
	FZ_CHECK(cookie && (uintptr_t)cookie <= SIZE);
	c = &chain[(uintptr_t)cookie - 1];
	FZ_CHECK(c->where != FREE && len <= c->offered);
	if (!hostile) {
		FZ_CHECK(c == &chain[take_first(pushed.at, &pushed.n, &pushed.published)]);
		FZ_CHECK(c->where == PUSHED && len == c->written);
	}
	c->where = FREE;
	check_free_list();
}

static void arm(bool driver, bool on)
{
	bool there;

	if (driver)
		allow_driver();
	else
		allow_device();
	if (!on) {
		if (driver)
			cw_drvq_disarm(&drv);
		else
			cw_devq_disarm(&dev);
		*(driver ? &drv_armed : &dev_armed) = false;
		return;
	}
	there = driver ? cw_drvq_arm(&drv) : cw_devq_arm(&dev);
	if (!hostile)
		FZ_CHECK(there == (driver ? pushed.published > 0 : added.published > 0));
	*(driver ? &drv_armed : &dev_armed) = !there;
}

static void corrupt(void)
{
	uint32_t at = fz_below(ring_off(2) + CW_RING_USED_BYTES(drv.size));
	uint8_t how = fz_u8();

	if (hostile)
		fz_region[at] = how & 0x80 ? fz_u8() : (uint8_t)(fz_region[at] + how - 64);
}

/* After a reset every chain comes back once more, unused. */
static void detach(void)
{
	void *cookie;

	while ((cookie = cw_drvq_detach(&drv))) {
		struct chain *c = &chain[(uintptr_t)cookie - 1];

		FZ_CHECK(c->where != FREE);
		c->where = FREE;
	}
	for (unsigned int i = 0; i < SIZE; i++)
		FZ_CHECK(chain[i].where == FREE);
	check_free_list();
	FZ_CHECK(drv.free_count == drv.size);
}

/* Whatever went before, an honest ring gives everything back in the end. */
static void drain(void)
{
	drv_publish();
	for (unsigned int i = 0; i < 2 * SIZE; i++) {
		pop();
		push();
		dev_publish();
		get();
	}
	FZ_CHECK(!drv.broken && !dev.broken && drv.free_count == drv.size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const op[])(void) = { add, drv_publish, pop, push, dev_publish, get };

	fz_begin(data, size);
	fz_on_load = on_load;
	fz_on_store = on_store;
	set_up();
	while (fz_more()) {
		uint8_t b = fz_u8(), k = b % 12;

		if (k < 6)
			op[k]();
		else if (k < 10)
			arm(k & 1, k & 2);
		else
			corrupt();
	}
	if (!hostile)
		drain();
	detach();
	return 0;
}
