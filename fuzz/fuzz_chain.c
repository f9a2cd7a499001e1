// SPDX-License-Identifier: BSD-3-Clause
/*
 * The chain walker against a driver that changes its mind at every load.
 *
 * Theory of operation: each load of a pop is logged with what it returned. A second walker, written
 * for clarity, then walks the log, not the memory: both must come to the same parts or both refuse.
 * So it does not matter what the adversary returned, only that the real walker saw each word once
 * and decided by what it saw.
 */
#include "fuzz.h"

#include <causeway/core/err.h>
#include <causeway/core/ring_device.h>
#include <causeway/core/shm.h>
#include <string.h>

#define SIZE_MAX_ 64u
#define PARTS	  80u

struct word {
	uint32_t value;
	bool known;
};

static struct cw_window win;
static struct cw_ranges keep;
static struct cw_devq q;
static uint16_t own[SIZE_MAX_];
static uint16_t flight[SIZE_MAX_];	/* head + 1 of the chain that owns the descriptor, or 0 */
static struct word seen[FZ_REGION / 2]; /* 16-bit words as loaded during one pop */
static uint32_t desc_at, avail_at, used_at, data_at;
static bool popping;

static uint32_t on_load(const volatile void *p, unsigned int width, uint32_t value)
{
	uint32_t off = fz_off(p);

	value = fz_twist(value);
	if (width == 2)
		value &= 0xffff;
	FZ_CHECK(off < win.size && width <= win.size - off && off % width == 0);
	if (!popping)
		return value;
	fz_fetch_note(off, width);
	seen[off / 2].value = value & 0xffff;
	seen[off / 2].known = true;
	if (width == 4) {
		seen[off / 2 + 1].value = value >> 16;
		seen[off / 2 + 1].known = true;
	}
	return value;
}

static void on_store(const volatile void *p, unsigned int width)
{
	FZ_CHECK(!popping);
	FZ_CHECK(fz_allowed(fz_off(p), width));
}

static uint32_t get(uint32_t off)
{
	FZ_CHECK(seen[off / 2].known && seen[off / 2 + 1].known);
	return seen[off / 2].value | seen[off / 2 + 1].value << 16;
}

/* ---- the walker for clarity ---- */

struct plain {
	uint64_t addr;
	uint32_t len, flags, next;
};

static struct plain plain_desc(uint32_t off)
{
	struct plain d = { get(off) | (uint64_t)get(off + 4) << 32, get(off + 8),
			   get(off + 12) & 0xffff, get(off + 12) >> 16 };

	return d;
}

static bool plain_inside(uint64_t addr, uint64_t len)
{
	if (addr < win.base || addr - win.base > win.size)
		return false;
	if (len > win.size - (addr - win.base))
		return false;
	for (unsigned int i = 0; i < keep.n; i++)
		if (addr < keep.range[i].end && addr + len > keep.range[i].at)
			return false;
	return true;
}

struct plain_chain {
	struct {
		uint64_t addr;
		uint32_t len;
		bool writable;
	} part[PARTS];
	unsigned int parts, room;
	bool writable_seen;
	uint64_t total[2];
};

static bool plain_take(struct plain_chain *c, const struct plain *d)
{
	bool w = d->flags & CW_DESC_F_WRITE;

	if (!plain_inside(d->addr, d->len) || (!w && c->writable_seen))
		return false;
	c->writable_seen |= w;
	if (!d->len)
		return true;
	if (c->parts == c->room || c->total[0] + c->total[1] + d->len > UINT32_MAX)
		return false;
	c->part[c->parts].addr = d->addr;
	c->part[c->parts].len = d->len;
	c->part[c->parts++].writable = w;
	c->total[w] += d->len;
	return true;
}

static bool plain_table(struct plain_chain *c, const struct plain *t, unsigned int steps)
{
	uint32_t n = t->len / 16, at = 0;

	if (!q.indirect || t->flags & CW_DESC_F_NEXT || !n || n > q.size || t->len % 16 ||
	    t->addr % 16 || !plain_inside(t->addr, t->len))
		return false;
	while (at < n) {
		struct plain d = plain_desc((uint32_t)(t->addr - win.base) + 16 * at);

		if (++steps > q.size || d.flags & CW_DESC_F_INDIRECT || !plain_take(c, &d))
			return false;
		if (!(d.flags & CW_DESC_F_NEXT))
			return true;
		at = d.next;
	}
	return false;
}

static bool plain_walk(struct plain_chain *c, uint16_t head)
{
	unsigned int steps = 0;
	uint32_t at = head;

	while (at < q.size && !flight[at]) {
		struct plain d = plain_desc(desc_at + 16 * at);

		flight[at] = (uint16_t)(head + 1);
		if (d.flags & CW_DESC_F_INDIRECT) /* the pointer to a table is no buffer */
			return plain_table(c, &d, steps);
		steps++;
		if (!plain_take(c, &d))
			return false;
		if (!(d.flags & CW_DESC_F_NEXT))
			return true;
		at = d.next;
	}
	return false;
}

/* ---- what is checked ---- */

static void check_parts(const struct cw_chain *c, const struct plain_chain *p)
{
	unsigned int writable = 0;

	FZ_CHECK(c->readable + c->writable == (int)p->parts);
	FZ_CHECK(c->readable_len == p->total[0] && c->writable_len == p->total[1]);
	for (unsigned int i = 0; i < p->parts; i++) {
		const unsigned char *ptr = c->part[i].ptr;

		FZ_CHECK(ptr == fz_region + (p->part[i].addr - win.base));
		FZ_CHECK(c->part[i].len == p->part[i].len);
		FZ_CHECK(p->part[i].writable == (i >= c->readable));
		writable += p->part[i].writable;
	}
	FZ_CHECK(writable == c->writable);
}

static void check_own(void)
{
	for (unsigned int i = 0; i < q.size; i++)
		FZ_CHECK(!own[i] == !flight[i]);
}

static uint16_t loaded_head(uint16_t count)
{
	uint32_t off = avail_at + 4 + 2u * (count & (q.size - 1u));

	FZ_CHECK(seen[off / 2].known);
	return (uint16_t)seen[off / 2].value;
}

static bool jumped(uint16_t count)
{
	const struct word *idx = &seen[(avail_at + 2) / 2];

	return idx->known && (uint16_t)(idx->value - count) > q.size;
}

static void pop(unsigned int parts, struct cw_part *part, struct cw_chain *c)
{
	struct plain_chain p = { .room = parts };
	uint16_t count = q.avail_count;
	bool was_broken = q.broken;
	int r;

	memset(seen, 0, sizeof(seen));
	fz_fetch_once(0, win.size);
	popping = true;
	r = cw_devq_pop(&q, c, part, parts);
	popping = false;
	FZ_CHECK(fz_loads <= 4u * (q.size + 1u) + 2u); /* bounded, whatever was read */
	if (was_broken)
		FZ_CHECK(r == CW_EPEER && !fz_loads);
	if (was_broken || !r)
		return;
	if (r == 1) {
		FZ_CHECK(!jumped(count));
		FZ_CHECK(c->head == loaded_head(count) && plain_walk(&p, c->head));
		FZ_CHECK(q.avail_count == (uint16_t)(count + 1));
		check_parts(c, &p);
		check_own();
		return;
	}
	FZ_CHECK(r == CW_EPEER && q.broken < 0);
	/* Refused: for its index, or because the second walker would not take the chain either. */
	if (!jumped(count))
		FZ_CHECK(!plain_walk(&p, loaded_head(count)));
}

/* Moves bytes through a chain and back; the sanitizer and on_store watch. */
static void move(struct cw_chain *c)
{
	uint8_t buf[300];
	uint32_t at = fz_u16(), len = fz_below(sizeof(buf)), n;
	struct cw_part *first;

	memset(buf, 0x5a, sizeof(buf));
	n = cw_chain_read(c, at, buf, len);
	FZ_CHECK(n == (at >= c->readable_len	    ? 0
		       : c->readable_len - at < len ? c->readable_len - at
						    : len));
	for (unsigned int i = 0; i < c->writable; i++)
		fz_allow(fz_off(c->part[c->readable + i].ptr),
			 (uint32_t)c->part[c->readable + i].len);
	n = cw_chain_write(c, at, buf, len);
	FZ_CHECK(n == (at >= c->writable_len	    ? 0
		       : c->writable_len - at < len ? c->writable_len - at
						    : len));
	n = cw_parts_skip(c->part, c->readable, at, &first);
	FZ_CHECK(n <= c->readable && first == c->part + (c->readable - n));
	for (unsigned int i = 0; i < n; i++)
		FZ_CHECK(first[i].len && cw_window_has(&win, first[i].ptr, (uint32_t)first[i].len));
}

static void allow_used(void)
{
	fz_allow_none();
	fz_allow(used_at, CW_RING_USED_BYTES(q.size));
}

static void give_back(uint16_t head)
{
	uint32_t before = q.used_count;
	bool in_flight = head < q.size && flight[head] == head + 1;

	if (head < q.size && flight[head] && !in_flight)
		return; /* amid a chain: the caller's fault, not the driver's */
	allow_used();
	cw_devq_push(&q, head, fz_u16());
	for (unsigned int i = 0; in_flight && !q.broken && i < q.size; i++)
		if (flight[i] == head + 1)
			flight[i] = 0;
	if (in_flight && !q.broken) {
		FZ_CHECK(q.used_count == before + 1);
		check_own();
	}
	cw_devq_publish(&q);
}

/* ---- a driver made of input ---- */

static void put16(uint32_t off, uint16_t v)
{
	memcpy(fz_region + off, &v, 2);
}

static void put32(uint32_t off, uint32_t v)
{
	memcpy(fz_region + off, &v, 4);
}

static void put_desc(uint32_t off)
{
	uint8_t kind = fz_u8();
	uint64_t addr = win.base + (kind & 8 ? fz_u16() : data_at + 64u * fz_u8());
	uint32_t len = kind & 16 ? fz_u32() : kind & 32 ? 16u * (fz_u8() & 15u) : fz_u8();

	if ((kind & 0xc0) == 0xc0)
		addr = fz_u64();
	put32(off, (uint32_t)addr);
	put32(off + 4, (uint32_t)(addr >> 32));
	put32(off + 8, len);
	put32(off + 12, (kind & 7u) | (uint32_t)(fz_u8() & (2u * q.size - 1u)) << 16);
}

static void offer(uint16_t *idx)
{
	put16(avail_at + 4 + 2u * (*idx & (q.size - 1u)), fz_u8());
	put16(avail_at + 2, ++*idx);
}

static bool set_up(void)
{
	static const uint64_t bases[] = { 0x40000000u, 0, 0xfffffff0u, 0xfffffffffffe0000u };
	uint8_t flags = fz_u8();
	uint16_t size = (uint16_t)(1u << (flags & 7) % 7);

	win.base = bases[flags >> 3 & 3] & ~0xfull;
	win.size = flags & 0x80 ? FZ_REGION - 16 : FZ_REGION;
	win.va_ = fz_region;
	desc_at = 0;
	avail_at = CW_RING_DESC_BYTES(size);
	used_at = (avail_at + CW_RING_AVAIL_BYTES(size) + 3) & ~3u;
	data_at = (used_at + CW_RING_USED_BYTES(size) + 63) & ~63u;
	memset(&keep, 0, sizeof(keep));
	keep.n = 2;
	keep.lo = keep.range[0].at = win.base;
	keep.range[0].end = win.base + used_at + CW_RING_USED_BYTES(size);
	keep.range[1].at = win.base + 0x8000;
	keep.hi = keep.range[1].end = win.base + 0x8100;
	memset(flight, 0, sizeof(flight));
	q.size = size;
	allow_used();
	return cw_devq_init(&q, &win, &keep, win.base + desc_at, win.base + avail_at,
			    win.base + used_at, size, own, flags & 0x20, flags & 0x40) == CW_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cw_part part[PARTS];
	struct cw_chain c = { .part = part };
	uint16_t idx = 0;

	fz_begin(data, size);
	fz_on_load = on_load;
	fz_on_store = on_store;
	FZ_CHECK(set_up());
	fz_hostile = true;
	while (fz_more()) {
		uint8_t op = fz_u8();

		switch (op & 7) {
		case 0:
		case 1:
			put_desc(desc_at + 16u * (fz_u8() & (q.size - 1u)));
			break;
		case 2: /* an entry of an indirect table */
			put_desc(data_at + 16u * (fz_u8() & 63u));
			break;
		case 3:
			offer(&idx);
			break;
		case 4:
		case 5:
			c.readable = c.writable = 0;
			c.readable_len = c.writable_len = 0;
			pop(op & 0x80 ? op >> 3 & 15 : PARTS, part, &c);
			if (op & 0x40 && !q.broken)
				move(&c);
			break;
		case 6:
			give_back(op & 0x80 ? fz_u8() : c.head);
			break;
		default:
			allow_used();
			if (op & 0x80)
				put16(avail_at + 2, idx = fz_u16());
			else if (op & 0x40)
				cw_devq_arm(&q);
			else
				cw_devq_disarm(&q);
			cw_devq_pending(&q);
		}
	}
	return 0;
}
