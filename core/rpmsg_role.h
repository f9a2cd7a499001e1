/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What is done once a message, for both roles: included by rpmsg_host.c and rpmsg_remote.c behind their
 * own role_more(), role_look(), role_receive(), role_give_back(), role_quick(), role_take(), role_cancel(),
 * role_put() and role_flush(), most of which are inlined here. A message then costs one call for each direction, not one for each step.
 */
#include "rpmsg_priv.h"

#include <causeway/core/err.h>
#include <causeway/core/shm.h>

/* Of how many buffers given back the peer is told at once: a quarter, while it still has many. */
static inline uint16_t batch_of(uint16_t n)
{
	return (uint16_t)(n < 8 ? 1 : n / 4);
}

static inline void launch(struct cw_rpmsg_queues *q, const struct cw_rpmsg_buf *b, uint32_t src,
			  uint32_t dst, uint32_t len_flags)
{
	struct cw_abi_rpmsg_hdr *h = (void *)b->p;

	cw_store32(&h->src, src);
	cw_store32(&h->dst, dst);
	cw_store32(&h->reserved, 0);
	cw_store32(&h->len_flags, len_flags);
	role_put(q, b->id, CW_RPMSG_HEADER + (len_flags & 0xffffu));
}

static void role_launch(struct cw_rpmsg_queues *q, const struct cw_rpmsg_buf *b, uint32_t src,
			uint32_t dst, uint32_t len_flags)
{
	launch(q, b, src, dst, len_flags);
	q->sent = true;
}

/* In a buffer that was taken. Nothing of it is visible before the flush, so the order is free. */
CW_HOT int send_in(struct cw_rpmsg *ch, struct cw_rpmsg_queues *q, const struct cw_rpmsg_buf *b,
		   struct cw_rpmsg_endpoint *e, const void *data, uint32_t len, uint64_t timeout,
		   uint32_t dst, uint32_t to)
{

	if (CW_SELDOM(len > b->len - CW_RPMSG_HEADER)) {
		role_cancel(q, b);
		return cw_rpmsg_send_on_(e, data, len, timeout, dst, CW_EBADLEN);
	}
	launch(q, b, e->addr, to, len);
	ch->count.sent++;
	if (ch->credit)
		e->sent += to == e->dst;
	cw_copy_out(b->p + CW_RPMSG_HEADER, data, len);
	q->sent = true;
	if (!ch->inside)
		role_flush(q, false);
	return CW_OK;
}

/* Looks for buffers. */
CW_COLD int send_slowly(struct cw_rpmsg_endpoint *e, const void *data, uint32_t len,
			uint64_t timeout, uint32_t dst)
{
	struct cw_rpmsg *ch = e->channel;
	struct cw_rpmsg_queues *q = ch->queues;
	struct cw_rpmsg_buf b;
	int got = role_take(q, &b, q->keep);

	if (got <= 0)
		return cw_rpmsg_send_on_(e, data, len, timeout, dst, cw_rpmsg_not_taken_(ch, got));
	return send_in(ch, q, &b, e, data, len, timeout, dst, dst == CW_RPMSG_ANY ? e->dst : dst);
}

static int role_send(struct cw_rpmsg_endpoint *e, const void *data, uint32_t len, uint64_t timeout,
		     uint32_t dst)
{
	uint32_t to = dst == CW_RPMSG_ANY ? e->dst : dst;
	struct cw_rpmsg *ch = e->channel;
	struct cw_rpmsg_queues *q = ch->queues;
	struct cw_rpmsg_buf b;

	if (CW_SELDOM(to == CW_RPMSG_ANY || (ch->credit && to == e->dst && !ch->credit->may(e))))
		return cw_rpmsg_send_on_(e, data, len, timeout, dst, CW_EAGAIN);
	if (CW_SELDOM(!role_quick(q, &b)))
		return send_slowly(e, data, len, timeout, dst);
	return send_in(ch, q, &b, e, data, len, timeout, dst, to);
}

/* Copies and checks the header; false: the message is to be dropped. */
static inline bool parse(struct cw_rpmsg *ch, const struct cw_rpmsg_buf *b, struct cw_rpmsg_msg *m,
			 uint32_t *flags)
{
	const struct cw_abi_rpmsg_hdr *h = (const void *)b->p;
	uint32_t word;

	if (CW_SELDOM(b->len < CW_RPMSG_HEADER)) {
		ch->count.bad++;
		return false;
	}
	m->src = cw_load32(&h->src);
	m->dst = cw_load32(&h->dst);
	word = cw_load32(&h->len_flags);
	*flags = word >> 16;
	m->len = word & 0xffffu;
	m->data = b->p + CW_RPMSG_HEADER;
	m->buffer = b->id;
	if (CW_SELDOM(m->len > b->len - CW_RPMSG_HEADER || m->src == CW_RPMSG_ANY ||
		      m->dst == CW_RPMSG_ANY)) {
		ch->count.bad++;
		return false;
	}
	ch->count.received++;
	return true;
}

/* True when the endpoint keeps the message. */
static inline bool deliver(struct cw_rpmsg *ch, struct cw_rpmsg_queues *q,
			   const struct cw_rpmsg_buf *b)
{
	struct cw_rpmsg_endpoint *e;
	struct cw_rpmsg_slot *s;
	struct cw_rpmsg_msg m;
	uint32_t flags, i;

	if (!parse(ch, b, &m, &flags))
		return false;
	i = (m.dst - CW_RPMSG_DYNAMIC) & ch->mask;
	e = &ch->conf.endpoint[i];
	if (CW_SELDOM(i >= ch->conf.endpoints || e->addr != m.dst || e->dst == CW_RPMSG_ANY ||
		      flags)) {
		e = cw_rpmsg_before_(ch, &m, flags);
		if (!e)
			return false;
	}
	s = &q->rx[m.buffer];
	m.stamp = cw_rpmsg_lend_(ch, s);
	if (CW_SELDOM(e->ops->receive(e, &m) == CW_RPMSG_HOLD || !s->stamp))
		return true; /* held, or released in the call */
	s->stamp = 0;
	if (ch->credit)
		cw_rpmsg_used_(ch, &m);
	return false;
}

static int role_poll(struct cw_rpmsg *ch, struct cw_rpmsg_queues *q, unsigned int budget)
{
	int got = role_more(q) ? 1 : role_look(q);
	unsigned int left = budget;
	struct cw_rpmsg_buf b;
	bool kept;

	if (CW_SELDOM(got <= 0))
		return cw_rpmsg_chores_(ch, got);
	do { /* what one look showed: the next call looks again */
		got = role_receive(q, &b);
		if (got <= 0)
			break;
		left--;
		kept = deliver(ch, q, &b);
		if (CW_SELDOM(ch->queues != q))
			return cw_rpmsg_chores_(ch, CW_ERESET);
		if (!kept)
			role_give_back(q, b.id);
	} while (left && role_more(q));
	if (CW_SELDOM(got <= 0 || ch->todo || ch->starved))
		return cw_rpmsg_chores_(ch, got < 0 ? got : (int)(budget - left));
	ch->inside = false;
	role_flush(q, false);
	return (int)(budget - left);
}

static void flush(struct cw_rpmsg_queues *q, bool all)
{
	role_flush(q, all);
}
