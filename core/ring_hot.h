/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What is done once a buffer, for inlining: one plain buffer a chain, which is what comes most.
 * ring_driver.c and ring_device.c make their functions of these; code of core/ whose own work is about as
 * short as a call may take them directly. Where size counts (-Os) these are calls of the functions.
 */
#ifndef CAUSEWAY_CORE_RING_HOT_H
#define CAUSEWAY_CORE_RING_HOT_H

#include "ring_device_priv.h"

#include <causeway/core/err.h>
#include <causeway/core/ring_driver.h>
#include <causeway/core/shm.h>

#if defined(__OPTIMIZE_SIZE__)
#define CW_HOT_SMALL 1
#else
#define CW_HOT_SMALL 0
#endif
#if defined(CW_RING_HOT) /* whose functions these are */
#define CW_HOT_CALLS 0
#else
#define CW_HOT_CALLS CW_HOT_SMALL
#endif

#define CW_HOT static inline __attribute__((always_inline))

/* ---- driver role ---- */

int cw_drvq_refresh_(struct cw_drvq *q);
int cw_drvq_broke_(struct cw_drvq *q, int err);
int cw_drvq_overlong_(struct cw_drvq *q, uint32_t *len, uint32_t offered);
void cw_drvq_release_(struct cw_drvq *q, uint16_t head);

CW_HOT void cw_hot_put_desc(struct cw_abi_desc *d, cw_addr_t addr, uint32_t len,
			    uint32_t flags_next)
{
	cw_store32(&d->addr_lo, (uint32_t)addr);
	cw_store32(&d->addr_hi, (uint32_t)(addr >> 32));
	cw_store32(&d->len, len);
	cw_store32(&d->flags_next, flags_next);
}

/* The head is filled: take its @need descriptors, the last of them @last, and offer it. */
CW_HOT void cw_hot_offer(struct cw_drvq *q, struct cw_drvq_slot *s, uint16_t head, uint16_t last,
			 unsigned int need, void *cookie)
{
	s->cookie = cookie;
	s->count = (uint16_t)need;
	q->free_head = q->slot[last].next;
	q->free_count = (uint16_t)(q->free_count - need);
	cw_store16(&q->avail->ring[q->avail_count & (q->size - 1u)], head);
	q->avail_count++;
}

/* As cw_drvq_add() of one buffer. */
CW_HOT int cw_hot_add(struct cw_drvq *q, cw_addr_t addr, uint32_t len, bool writable, void *cookie)
{
	uint16_t head = q->free_head;
	struct cw_drvq_slot *s;

	if (CW_HOT_CALLS) {
		const struct cw_buf b = { addr, len };

		return cw_drvq_add(q, &b, !writable, writable, cookie);
	}
	if (q->broken)
		return CW_EPEER;
	if (!q->free_count)
		return CW_ENOSPC;
	s = &q->slot[head];
	cw_hot_put_desc(&q->desc[head], addr, len, writable ? CW_DESC_F_WRITE : 0);
	s->writable = writable ? len : 0;
	cw_hot_offer(q, s, head, head, 1, cookie);
	return CW_OK;
}

/* As cw_drvq_get(). */
CW_HOT int cw_hot_get(struct cw_drvq *q, void **cookie, uint32_t *len)
{
	struct cw_abi_used_elem *e;
	struct cw_drvq_slot *s;
	uint32_t id, n;
	int news;

	if (CW_HOT_CALLS)
		return cw_drvq_get(q, cookie, len);
	if (q->broken)
		return CW_EPEER;
	if (q->used_idx == (uint16_t)q->used_count) {
		news = cw_drvq_refresh_(q);
		if (news <= 0)
			return news;
	}
	e = &q->used->ring[q->used_count & (q->size - 1u)];
	id = cw_load32(&e->id);
	if (id >= q->size)
		return cw_drvq_broke_(q, CW_EBADINDEX);
	s = &q->slot[id];
	n = cw_load32(&e->len);
	*cookie = s->cookie;
	*len = n;
	if (!s->count)
		return cw_drvq_broke_(q, CW_EBADINDEX);
	if (s->count > 1 || CW_HOT_SMALL) {
		cw_drvq_release_(q, (uint16_t)id);
	} else {
		s->count = 0;
		s->next = q->free_head;
		q->free_head = (uint16_t)id;
		q->free_count++;
	}
	q->used_count++;
	if (n > s->writable)
		return cw_drvq_overlong_(q, len, s->writable);
	return 1;
}

/* ---- device role ---- */

struct cw_hot_chain {
	uint8_t *p;
	uint32_t len;
	uint16_t head;
	bool writable;
};

#define CW_HOT_LONG 2 /* the next chain is not plain: cw_devq_pop() decides what it is */

int cw_devq_refresh_(struct cw_devq *q);

/*
 * Takes the next chain if it is one plain buffer: 1; 0 when there is none; CW_HOT_LONG, nothing done; or
 * CW_EPEER.
 */
CW_HOT int cw_hot_pop(struct cw_devq *q, struct cw_hot_chain *c)
{
	const struct cw_abi_desc *d;
	uint32_t flags;
	cw_addr_t addr;

	if (CW_HOT_CALLS)
		return CW_HOT_LONG;
	if (q->broken)
		return CW_EPEER;
	if (q->avail_idx == q->avail_count) {
		int news = q->ready ? cw_devq_refresh_(q) : 0;

		if (news <= 0)
			return news;
	}
	c->head = cw_load16(&q->avail->ring[q->avail_count & (q->size - 1u)]);
	if (c->head >= q->size || q->own[c->head])
		return CW_HOT_LONG;
	d = &q->desc[c->head];
	addr = cw_load32(&d->addr_lo) | (cw_addr_t)cw_load32(&d->addr_hi) << 32;
	c->len = cw_load32(&d->len);
	flags = cw_load32(&d->flags_next) & 0xffffu;
	c->p = cw_window_ptr(q->win, addr, c->len);
	if (flags & ~CW_DESC_F_WRITE || !c->len || !c->p ||
	    (q->keep_out && addr < q->keep_out->hi && addr + c->len > q->keep_out->lo))
		return CW_HOT_LONG;
	c->writable = flags;
	q->own[c->head] = CW_OWN_END;
	q->avail_count++;
	return 1;
}

/* As cw_devq_push() of a chain that is ours for certain and has one descriptor. */
CW_HOT void cw_hot_push(struct cw_devq *q, uint16_t head, uint32_t len)
{
	struct cw_abi_used_elem *e = &q->used->ring[q->used_count & (q->size - 1u)];

	if (CW_HOT_CALLS) {
		cw_devq_push(q, head, len);
		return;
	}
	q->own[head] = 0;
	cw_store32(&e->id, head);
	cw_store32(&e->len, len);
	q->used_count++;
}

#endif
