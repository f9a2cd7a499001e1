// SPDX-License-Identifier: BSD-3-Clause
/*
 * Split virtqueue, driver role.
 *
 * Theory of operation: free descriptors form a list through the private slots. add() fills
 * descriptors and an available entry, publish() makes them visible with one index store and one
 * full barrier for the whole batch, get() reads used elements behind one index load a batch. A used
 * element is believed only as far as the private slot of its head confirms it.
 */
#define CW_RING_HOT 1
#include "ring_hot.h"

#include <causeway/abi/region.h>
#include <causeway/core/err.h>
#include <causeway/core/gate.h>
#include <causeway/core/ring_driver.h>
#include <causeway/core/shm.h>

#define END ((uint16_t)0xffff)

static uint32_t round_up(uint32_t v, uint32_t line)
{
	return (v + line - 1) & ~(line - 1);
}

static struct cw_le16 *used_event(const struct cw_drvq *q)
{
	return &q->avail->ring[q->size];
}

static void free_all(struct cw_drvq *q)
{
	memset(q->slot, 0, q->size * sizeof(*q->slot));
	for (uint16_t i = 0; i < q->size; i++)
		q->slot[i].next = i + 1 < q->size ? (uint16_t)(i + 1) : END;
	q->free_head = 0;
	q->free_count = q->size;
}

static int set_up(struct cw_drvq *q, const struct cw_window *w, cw_addr_t desc, cw_addr_t avail,
		  cw_addr_t used, uint16_t size, struct cw_drvq_slot *slot, bool event_idx)
{
	if (size < 2 || size > CW_QUEUE_SIZE_MAX || size & (size - 1) || desc % CW_DESC_ALIGN ||
	    avail % CW_AVAIL_ALIGN || used % CW_USED_ALIGN)
		return CW_EINVAL;
	memset(q, 0, sizeof(*q));
	q->desc = cw_window_ptr(w, desc, CW_RING_DESC_BYTES(size));
	q->avail = cw_window_ptr(w, avail, CW_RING_AVAIL_BYTES(size));
	q->used = cw_window_ptr(w, used, CW_RING_USED_BYTES(size));
	if (!q->desc || !q->avail || !q->used)
		return CW_EBADADDR;
	q->slot = slot;
	q->size = size;
	q->event_idx = event_idx;
	free_all(q);
	return CW_OK;
}

int cw_drvq_init_at(struct cw_drvq *q, const struct cw_window *w, cw_addr_t desc, cw_addr_t avail,
		    cw_addr_t used, uint16_t size, struct cw_drvq_slot *slot, bool event_idx)
{
	int err = set_up(q, w, desc, avail, used, size, slot, event_idx);

	if (err)
		return err;
	cw_zero_out(q->desc, CW_RING_DESC_BYTES(size));
	cw_zero_out(q->avail, CW_RING_AVAIL_BYTES(size));
	cw_zero_out(q->used, CW_RING_USED_BYTES(size));
	return CW_OK;
}

int cw_drvq_init(struct cw_drvq *q, const struct cw_window *w, cw_addr_t ring, uint32_t line,
		 uint16_t size, struct cw_drvq_slot *slot, bool event_idx)
{
	cw_addr_t avail = ring + round_up(CW_RING_DESC_BYTES(size), line);
	cw_addr_t used = avail + round_up(CW_RING_AVAIL_BYTES(size), line);
	cw_addr_t end = used + round_up(CW_RING_USED_BYTES(size), line);
	int err;

	if (ring & (line - 1) || line < CW_LINE_MIN)
		return CW_EINVAL;
	err = set_up(q, w, ring, avail, used, size, slot, event_idx);
	if (!err && !cw_window_ptr(w, ring, (uint32_t)(end - ring)))
		err = CW_EBADADDR;
	if (!err)
		cw_zero_out(q->desc, (uint32_t)(end - ring)); /* what lies between them too */
	return err;
}

int cw_drvq_indirect(struct cw_drvq *q, const struct cw_window *w, cw_addr_t table,
		     uint16_t entries)
{
	void *p;

	if (entries < 2 || entries > q->size || table & (CW_DESC_ALIGN - 1))
		return CW_EINVAL;
	p = cw_window_ptr(w, table, CW_RING_DESC_BYTES(entries) * q->size);
	if (!p)
		return CW_EBADADDR;
	q->table = p;
	q->table_addr = table;
	q->table_entries = entries;
	return CW_OK;
}

cw_addr_t cw_drvq_part(const struct cw_drvq *q, const struct cw_window *w, int part)
{
	const void *p = part == 0   ? (const void *)q->desc
			: part == 1 ? (const void *)q->avail
				    : (const void *)q->used;

	return cw_window_addr(w, p);
}

static void put_desc(struct cw_abi_desc *d, cw_addr_t addr, uint32_t len, uint32_t flags,
		     uint32_t next)
{
	cw_hot_put_desc(d, addr, len, flags | next << 16);
}

static __attribute__((noinline)) uint32_t fill_table(struct cw_drvq *q, uint16_t head,
						     const struct cw_buf *buf,
						     unsigned int readable, unsigned int total)
{
	struct cw_abi_desc *t = q->table + (uint32_t)head * q->table_entries;
	uint32_t writable = 0;

	for (unsigned int i = 0; i < total; i++) {
		uint32_t flags = (i < readable ? 0 : CW_DESC_F_WRITE) |
				 (i + 1 < total ? CW_DESC_F_NEXT : 0);

		put_desc(&t[i], buf[i].addr, buf[i].len, flags, i + 1 < total ? i + 1 : 0);
		writable += i < readable ? 0 : buf[i].len;
	}
	put_desc(&q->desc[head], q->table_addr + CW_RING_DESC_BYTES(q->table_entries) * head,
		 CW_RING_DESC_BYTES(total), CW_DESC_F_INDIRECT, 0);
	return writable;
}

static uint32_t fill_chain(struct cw_drvq *q, const struct cw_buf *buf, unsigned int readable,
			   unsigned int total, uint16_t *last)
{
	uint16_t at = q->free_head;
	uint32_t writable = 0;

	for (unsigned int i = 0; i < total; i++) {
		uint16_t next = q->slot[at].next;
		uint32_t flags = (i < readable ? 0 : CW_DESC_F_WRITE) |
				 (i + 1 < total ? CW_DESC_F_NEXT : 0);

		put_desc(&q->desc[at], buf[i].addr, buf[i].len, flags, i + 1 < total ? next : 0u);
		writable += i < readable ? 0 : buf[i].len;
		*last = at;
		at = next;
	}
	return writable;
}

/* The head is filled: take its @need descriptors, the last of them @last, and offer it. */
CW_HOT void offer(struct cw_drvq *q, struct cw_drvq_slot *s, uint16_t head, uint16_t last,
		  unsigned int need, void *cookie)
{
	s->cookie = cookie;
	s->count = (uint16_t)need;
	q->free_head = q->slot[last].next;
	q->free_count = (uint16_t)(q->free_count - need);
	cw_store16(&q->avail->ring[q->avail_count & (q->size - 1u)], head);
	q->avail_count++;
}

static __attribute__((noinline)) int add_chain(struct cw_drvq *q, const struct cw_buf *buf,
					       unsigned int readable, unsigned int total,
					       void *cookie)
{
	bool indirect = q->table && total > 1 && total <= q->table_entries;
	unsigned int need = indirect ? 1 : total;
	uint16_t head = q->free_head, last = head;
	struct cw_drvq_slot *s = &q->slot[head];

	if (q->broken)
		return CW_EPEER;
	if (!total || total > q->size)
		return CW_EINVAL;
	if (need > q->free_count)
		return CW_ENOSPC;
	s->writable = indirect ? fill_table(q, head, buf, readable, total)
			       : fill_chain(q, buf, readable, total, &last);
	offer(q, s, head, last, need, cookie);
	return CW_OK;
}

/* One buffer, without loops. */
CW_HOT int add_one(struct cw_drvq *q, cw_addr_t addr, uint32_t len, bool writable, void *cookie)
{
	uint16_t head = q->free_head;
	struct cw_drvq_slot *s;

	if (q->broken)
		return CW_EPEER;
	if (!q->free_count)
		return CW_ENOSPC;
	s = &q->slot[head];
	cw_hot_put_desc(&q->desc[head], addr, len, writable ? CW_DESC_F_WRITE : 0);
	s->writable = writable ? len : 0;
	offer(q, s, head, head, 1, cookie);
	return CW_OK;
}

int cw_drvq_add(struct cw_drvq *q, const struct cw_buf *buf, unsigned int readable,
		unsigned int writable, void *cookie)
{
	/* One buffer is what drivers offer most. */
	if (CW_HOT_SMALL || readable + writable != 1)
		return add_chain(q, buf, readable, readable + writable, cookie);
	return add_one(q, buf->addr, buf->len, writable, cookie);
}

bool cw_drvq_publish(struct cw_drvq *q)
{
	return cw_hot_publish_avail(q);
}

uint16_t cw_drvq_in_flight(const struct cw_drvq *q)
{
	uint16_t n = (uint16_t)(q->avail_published - cw_load16(&q->used->idx));

	return n < q->size ? n : q->size; /* more is a lie, which the next look finds */
}

/* What the ring shows is not looked at again: the hot path asks for news, and hears of it there. */
__attribute__((noinline)) int cw_drvq_broke_(struct cw_drvq *q, int err)
{
	q->broken = err;
	q->used_idx = (uint16_t)q->used_count;
	return CW_EPEER;
}

static void release(struct cw_drvq *q, uint16_t head)
{
	struct cw_drvq_slot *s = &q->slot[head];
	unsigned int count = s->count;

	s->count = 0;
	q->free_count = (uint16_t)(q->free_count + count);
	while (--count)
		s = &q->slot[s->next];
	s->next = q->free_head;
	q->free_head = head;
}

/* 1: there are used chains; more than were in flight cannot be. */
__attribute__((noinline)) int cw_drvq_refresh_(struct cw_drvq *q)
{
	uint16_t idx;

	if (q->broken)
		return CW_EPEER;
	idx = cw_load16_acquire(&q->used->idx);
	if ((uint16_t)(idx - (uint16_t)q->used_count) >
	    (uint16_t)(q->avail_published - q->used_count))
		return cw_drvq_broke_(q, CW_EBADINDEX);
	q->used_idx = idx;
	return idx != (uint16_t)q->used_count;
}

/* The device claims more than was offered: hand on what was, and believe nothing after it. */
static __attribute__((noinline)) int overlong(struct cw_drvq *q, uint32_t *len, uint32_t offered)
{
	*len = offered;
	(void)cw_drvq_broke_(q, CW_EBADLEN);
	return CW_EBADLEN;
}

int cw_drvq_get(struct cw_drvq *q, void **cookie, uint32_t *len)
{
	struct cw_abi_used_elem *e;
	struct cw_drvq_slot *s;
	uint32_t id, n;
	int news;

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
		release(q, (uint16_t)id);
	} else {
		s->count = 0;
		s->next = q->free_head;
		q->free_head = (uint16_t)id;
		q->free_count++;
	}
	q->used_count++;
	if (n > s->writable)
		return overlong(q, len, s->writable);
	return 1;
}

bool cw_drvq_arm(struct cw_drvq *q)
{
	if (q->broken)
		return false;
	if (q->event_idx)
		cw_store16(used_event(q), (uint16_t)q->used_count);
	else
		cw_store16(&q->avail->flags, 0);
	cw_mb(); /* rule "second look": armed before the last look */
	return cw_load16(&q->used->idx) != (uint16_t)q->used_count;
}

void cw_drvq_disarm(struct cw_drvq *q)
{
	/* With EVENT_IDX an event behind us says it: the device has passed it already. */
	if (!q->event_idx)
		cw_store16(&q->avail->flags, CW_AVAIL_F_NO_INTERRUPT);
}

void *cw_drvq_detach(struct cw_drvq *q)
{
	for (uint16_t i = 0; i < q->size; i++) {
		if (q->slot[i].count) {
			release(q, i);
			return q->slot[i].cookie;
		}
	}
	return NULL;
}
