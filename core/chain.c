// SPDX-License-Identifier: BSD-3-Clause
/*
 * The one chain walker.
 *
 * Theory of operation: walk() copies each descriptor once (four words), checks it, resolves its
 * range and goes on, at most `size` steps. What it hands out is private: no later store of the
 * driver can change where the device reads or writes, only the payload itself. Every descriptor
 * taken is marked in q->own, so that a loop, a chain through another one in flight and a head
 * offered twice are all the same finding: a descriptor that is owned already.
 */
#include "ring_device_priv.h"

#include <causeway/core/err.h>
#include <causeway/core/shm.h>

struct desc {
	cw_addr_t addr;
	uint32_t len;
	uint16_t flags, next;
};

struct walk {
	struct cw_devq *q;
	struct cw_chain *c;
	unsigned int parts; /* room */
	unsigned int steps; /* descriptors of buffers seen, those in a table included */
	bool writing;	    /* a writable one was among them, empty or not */
};

static struct desc fetch(const struct cw_abi_desc *d)
{
	uint32_t flags_next = cw_load32(&d->flags_next);
	struct desc v = {
		.addr = cw_load32(&d->addr_lo) | (cw_addr_t)cw_load32(&d->addr_hi) << 32,
		.len = cw_load32(&d->len),
		.flags = (uint16_t)flags_next,
		.next = (uint16_t)(flags_next >> 16),
	};

	return v;
}

static bool kept_out(const struct cw_ranges *r, cw_addr_t addr, uint32_t len)
{
	if (!r || addr >= r->hi || addr + len <= r->lo)
		return false;
	for (unsigned int i = 0; i < r->n; i++)
		if (addr < r->range[i].end && r->range[i].at < addr + len)
			return true;
	return false;
}

static int take(struct walk *w, const struct desc *d)
{
	struct cw_chain *c = w->c;
	bool writable = d->flags & CW_DESC_F_WRITE;
	uint32_t *total = writable ? &c->writable_len : &c->readable_len;
	unsigned int n = c->readable + c->writable;
	void *p;

	if (w->writing && !writable)
		return CW_EBADCHAIN;
	w->writing = writable;
	if (d->flags & ~(CW_DESC_F_NEXT | CW_DESC_F_WRITE | CW_DESC_F_INDIRECT))
		w->q->strange++;
	p = cw_window_ptr(w->q->win, d->addr, d->len);
	if (!p || kept_out(w->q->keep_out, d->addr, d->len))
		return CW_EBADADDR;
	if (!d->len)
		return CW_OK;
	if (n >= w->parts || d->len > UINT32_MAX - c->readable_len - c->writable_len)
		return CW_EBADCHAIN;
	c->part[n].ptr = p;
	c->part[n].len = d->len;
	*total += d->len;
	if (writable)
		c->writable++;
	else
		c->readable++;
	return CW_OK;
}

static int walk_table(struct walk *w, const struct desc *table)
{
	uint32_t n = table->len / (uint32_t)sizeof(struct cw_abi_desc), i = 0;
	const struct cw_abi_desc *t;

	if (!w->q->indirect || table->flags & CW_DESC_F_NEXT || !n || n > w->q->size ||
	    table->len % sizeof(struct cw_abi_desc) || table->addr & (CW_DESC_ALIGN - 1))
		return CW_EBADCHAIN;
	t = cw_window_ptr(w->q->win, table->addr, table->len);
	if (!t || kept_out(w->q->keep_out, table->addr, table->len))
		return CW_EBADADDR;
	for (;;) {
		struct desc d = fetch(&t[i]);
		int err;

		if (d.flags & CW_DESC_F_INDIRECT || ++w->steps > w->q->size)
			return CW_EBADCHAIN;
		err = take(w, &d);
		if (err || !(d.flags & CW_DESC_F_NEXT))
			return err;
		if (d.next >= n)
			return CW_EBADINDEX;
		i = d.next;
	}
}

static int walk_on(struct walk *w, uint16_t at, struct desc d)
{
	struct cw_devq *q = w->q;

	for (;;) {
		int err;

		q->own[at] = CW_OWN_END;
		if (d.flags & CW_DESC_F_INDIRECT)
			return walk_table(w,
					  &d); /* the pointer to a table is no part of the chain */
		w->steps++;
		err = take(w, &d);
		if (err || !(d.flags & CW_DESC_F_NEXT))
			return err;
		q->own[at] = (uint16_t)(d.next + 1);
		at = d.next;
		if (at >= q->size || q->own[at])
			return CW_EBADINDEX;
		d = fetch(&q->desc[at]);
	}
}

static __attribute__((noinline)) int walk_long(struct cw_devq *q, uint16_t head, struct cw_chain *c,
					       unsigned int parts, struct desc first)
{
	struct walk w = { .q = q, .c = c, .parts = parts };

	c->readable = c->writable = 0;
	c->readable_len = c->writable_len = 0;
	return walk_on(&w, head, first);
}

int cw_chain_walk_(struct cw_devq *q, uint16_t head, struct cw_chain *c, unsigned int parts)
{
	struct desc d;
	void *p;

	if (head >= q->size || q->own[head])
		return CW_EBADINDEX;
	d = fetch(&q->desc[head]);
	/* One plain buffer is what comes most; whatever else it may be, the long way decides. */
	p = cw_window_ptr(q->win, d.addr, d.len);
	if (d.flags & ~CW_DESC_F_WRITE || !d.len || !p || !parts ||
	    kept_out(q->keep_out, d.addr, d.len))
		return walk_long(q, head, c, parts, d);
	q->own[head] = CW_OWN_END;
	c->part->ptr = p;
	c->part->len = d.len;
	c->writable = d.flags & CW_DESC_F_WRITE ? 1 : 0;
	c->readable = 1 - c->writable;
	c->writable_len = c->writable ? d.len : 0;
	c->readable_len = d.len - c->writable_len;
	return CW_OK;
}

uint32_t cw_chain_read(const struct cw_chain *c, uint32_t at, void *dst, uint32_t len)
{
	uint8_t *d = dst;
	uint32_t done = 0;

	for (unsigned int i = 0; i < c->readable && done < len; i++) {
		uint32_t n = (uint32_t)c->part[i].len;

		if (at >= n) {
			at -= n;
			continue;
		}
		n = n - at < len - done ? n - at : len - done;
		cw_copy_in(d + done, (const uint8_t *)c->part[i].ptr + at, n);
		done += n;
		at = 0;
	}
	return done;
}

uint32_t cw_chain_write(const struct cw_chain *c, uint32_t at, const void *src, uint32_t len)
{
	const uint8_t *s = src;
	uint32_t done = 0;

	for (unsigned int i = c->readable; i < c->readable + c->writable && done < len; i++) {
		uint32_t n = (uint32_t)c->part[i].len;

		if (at >= n) {
			at -= n;
			continue;
		}
		n = n - at < len - done ? n - at : len - done;
		cw_copy_out((uint8_t *)c->part[i].ptr + at, s + done, n);
		done += n;
		at = 0;
	}
	return done;
}

unsigned int cw_parts_skip(struct cw_part *part, unsigned int n, uint32_t bytes,
			   struct cw_part **first)
{
	while (n && bytes >= part->len) {
		bytes -= (uint32_t)part->len;
		part++;
		n--;
	}
	if (n && bytes) {
		part->ptr = (uint8_t *)part->ptr + bytes;
		part->len -= bytes;
	}
	*first = part;
	return n;
}
