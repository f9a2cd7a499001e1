// SPDX-License-Identifier: BSD-3-Clause
/*
 * Split virtqueue, device role.
 *
 * Theory of operation: pop() reads the driver's index once a batch, takes heads in order and has
 * chain.c walk them. push() writes used elements, publish() makes a batch visible with one index
 * store and one full barrier. Nothing the device wrote is ever read back.
 */
#define CW_RING_HOT 1
#include "ring_hot.h"

#include <causeway/core/err.h>
#include <causeway/core/gate.h>
#include <causeway/core/shm.h>

static struct cw_le16 *avail_event(const struct cw_devq *q)
{
	return (struct cw_le16 *)(void *)&q->used->ring[q->size];
}

int cw_devq_init(struct cw_devq *q, const struct cw_window *w, const struct cw_ranges *keep_out,
		 cw_addr_t desc, cw_addr_t avail, cw_addr_t used, uint16_t size, uint16_t *own,
		 bool event_idx, bool indirect)
{
	memset(q, 0, sizeof(*q));
	if (!size || size > CW_QUEUE_SIZE_MAX || size & (size - 1))
		return CW_EINVAL;
	if (desc % CW_DESC_ALIGN || avail % CW_AVAIL_ALIGN || used % CW_USED_ALIGN)
		return CW_EBADADDR;
	q->desc = cw_window_ptr(w, desc, CW_RING_DESC_BYTES(size));
	q->avail = cw_window_ptr(w, avail, CW_RING_AVAIL_BYTES(size));
	q->used = cw_window_ptr(w, used, CW_RING_USED_BYTES(size));
	if (!q->desc || !q->avail || !q->used)
		return CW_EBADADDR;
	q->win = w;
	q->keep_out = keep_out;
	q->size = size;
	q->own = own;
	q->event_idx = event_idx;
	q->indirect = indirect;
	memset(own, 0, size * sizeof(*own));
	cw_store16(&q->used->flags, 0);
	cw_store16(&q->used->idx, 0);
	cw_store16(avail_event(q), 0);
	q->ready = true;
	return CW_OK;
}

void cw_devq_stop(struct cw_devq *q)
{
	q->ready = false;
	q->avail_idx = q->avail_count; /* pop() looks no further */
}

static __attribute__((noinline)) int broke(struct cw_devq *q, int err)
{
	q->broken = err;
	q->avail_idx = q->avail_count; /* the hot path hears of it where it looks for news */
	return CW_EPEER;
}

/* 1: the driver has published chains; it cannot have moved by more than the queue holds. */
__attribute__((noinline)) int cw_devq_refresh_(struct cw_devq *q)
{
	uint16_t idx;

	if (q->broken || !q->ready)
		return q->broken ? CW_EPEER : 0;
	idx = cw_load16_acquire(&q->avail->idx);
	if ((uint16_t)(idx - q->avail_count) > q->size)
		return broke(q, CW_EBADINDEX);
	q->avail_idx = idx;
	return idx != q->avail_count;
}

bool cw_devq_pending(struct cw_devq *q)
{
	if (!q->ready || q->broken)
		return false;
	return q->avail_idx != q->avail_count || cw_load16(&q->avail->idx) != q->avail_count;
}

int cw_devq_pop(struct cw_devq *q, struct cw_chain *c, struct cw_part *part, unsigned int parts)
{
	int err;

	if (q->avail_idx == q->avail_count) {
		int news = cw_devq_refresh_(q);

		if (news <= 0)
			return news;
	}
	c->part = part;
	c->head = cw_load16(&q->avail->ring[q->avail_count & (q->size - 1u)]);
	err = cw_chain_walk_(q, c->head, c, parts);
	if (err)
		return broke(q, err);
	q->avail_count++;
	return 1;
}

static __attribute__((noinline)) void disown_rest(struct cw_devq *q, uint16_t next)
{
	while (next && next != CW_OWN_END) {
		uint16_t at = (uint16_t)(next - 1);

		next = q->own[at];
		q->own[at] = 0;
	}
}

void cw_devq_push(struct cw_devq *q, uint16_t head, uint32_t len)
{
	struct cw_abi_used_elem *e;
	uint16_t next;

	if (q->broken || !q->ready || head >= q->size || !q->own[head])
		return;
	next = q->own[head];
	q->own[head] = 0;
	if (next != CW_OWN_END)
		disown_rest(q, next);
	e = &q->used->ring[q->used_count & (q->size - 1u)];
	cw_store32(&e->id, head);
	cw_store32(&e->len, len);
	q->used_count++;
}

bool cw_devq_publish(struct cw_devq *q)
{
	return cw_hot_publish_used(q);
}

uint32_t cw_devq_follow(struct cw_devq *q)
{
	if (q->ready)
		q->used_published +=
			(uint16_t)(cw_load16_acquire(&q->used->idx) - (uint16_t)q->used_published);
	return q->used_published;
}

bool cw_devq_arm(struct cw_devq *q)
{
	if (!q->ready || q->broken)
		return false;
	if (q->event_idx)
		cw_store16(avail_event(q), q->avail_count);
	else
		cw_store16(&q->used->flags, 0);
	cw_mb(); /* rule "second look": armed before the last look */
	return cw_load16(&q->avail->idx) != q->avail_count;
}

void cw_devq_disarm(struct cw_devq *q)
{
	if (q->ready && !q->broken && !q->event_idx)
		cw_store16(&q->used->flags, CW_USED_F_NO_NOTIFY);
}
