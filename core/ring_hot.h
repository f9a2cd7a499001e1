/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What is done once a buffer or a batch, for inlining into code of core/ whose own work is about as short as a
 * call. ring_driver.c and ring_device.c make their functions of what is a function, too. Where size counts
 * (-Os) these are calls of the functions.
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

#define CW_HOT	     static inline __attribute__((always_inline))
#define CW_SELDOM(x) __builtin_expect(x, 0)
#if CW_HOT_SMALL /* a function of its own is shorter than a second copy */
#define CW_WARM static __attribute__((noinline))
#define CW_COLD static inline
#else /* the other way round: and what is seldom run is out of the way */
#define CW_WARM static inline
#define CW_COLD static __attribute__((noinline))
#endif

/* ---- driver role ---- */

int cw_drvq_refresh_(struct cw_drvq *q);
int cw_drvq_broke_(struct cw_drvq *q, int err);

CW_HOT void cw_hot_put_desc(struct cw_abi_desc *d, cw_addr_t addr, uint32_t len,
			    uint32_t flags_next)
{
	cw_store32(&d->addr_lo, (uint32_t)addr);
	cw_store32(&d->addr_hi, (uint32_t)(addr >> 32));
	cw_store32(&d->len, len);
	cw_store32(&d->flags_next, flags_next);
}

/* Whether going from @old to @idx passes @event (virtio 1.3 section 2.7.10.1). */
CW_HOT bool cw_hot_passed(uint16_t event, uint32_t idx, uint32_t old)
{
	return (uint16_t)(idx - event - 1) < (uint16_t)(idx - old);
}

/* As cw_drvq_publish(). */
CW_HOT bool cw_hot_publish_avail(struct cw_drvq *q)
{
	uint32_t old = q->avail_published, now = q->avail_count;

	if (CW_HOT_CALLS)
		return cw_drvq_publish(q);
	if (q->broken || old == now)
		return false;
	q->avail_published = now;
	cw_store16_release(&q->avail->idx, (uint16_t)now);
	cw_mb(); /* rule "publish": the index before the look at what the device wants */
	if (q->event_idx)
		return cw_hot_passed(cw_load16((struct cw_le16 *)(void *)&q->used->ring[q->size]),
				     now, old);
	return !(cw_load16(&q->used->flags) & CW_USED_F_NO_NOTIFY);
}

/* ---- device role ---- */

struct cw_hot_chain {
	uint8_t *p;
	uint32_t len;
	uint16_t head;
};

int cw_devq_refresh_(struct cw_devq *q);

/* Whether the last look at the driver's index showed chains that were not taken yet. */
CW_HOT bool cw_hot_shown(const struct cw_devq *q)
{
	return q->avail_idx != q->avail_count;
}

/*
 * Takes the next of the chains shown if it is one plain buffer that the device reads, or else @writable, of at
 * least @least bytes at a multiple of 4: true; or nothing was done: cw_devq_pop() decides what it is.
 */
CW_HOT bool cw_hot_pop(struct cw_devq *q, struct cw_hot_chain *c, bool writable, uint32_t least)
{
	const struct cw_abi_desc *d;
	uint32_t flags;
	cw_addr_t addr;

	if (CW_HOT_CALLS)
		return false;
	c->head = cw_load16(&q->avail->ring[q->avail_count & (q->size - 1u)]);
	if (CW_SELDOM(c->head >= q->size || q->own[c->head]))
		return false;
	d = &q->desc[c->head];
	addr = cw_load32(&d->addr_lo) | (cw_addr_t)cw_load32(&d->addr_hi) << 32;
	c->len = cw_load32(&d->len);
	flags = cw_load32(&d->flags_next) & 0xffffu;
	if (CW_SELDOM(flags != (writable ? CW_DESC_F_WRITE : 0u) || c->len < least))
		return false;
	if (q->keep_out && addr < q->keep_out->hi && addr + c->len > q->keep_out->lo)
		return false;
	c->p = cw_window_ptr(q->win, addr, c->len);
	if (CW_SELDOM(!c->p || (uintptr_t)c->p & 3u))
		return false;
	q->own[c->head] = CW_OWN_END;
	q->avail_count++;
	return true;
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

/* As cw_devq_publish(). */
CW_HOT bool cw_hot_publish_used(struct cw_devq *q)
{
	uint32_t old = q->used_published, now = q->used_count;

	if (CW_HOT_CALLS)
		return cw_devq_publish(q);
	if (q->broken || !q->ready || old == now)
		return false;
	q->used_published = now;
	cw_store16_release(&q->used->idx, (uint16_t)now);
	cw_mb(); /* rule "publish": the index before the look at what the driver wants */
	if (q->event_idx)
		return cw_hot_passed(cw_load16(&q->avail->ring[q->size]), now, old);
	return !(cw_load16(&q->avail->flags) & CW_AVAIL_F_NO_INTERRUPT);
}

#endif
