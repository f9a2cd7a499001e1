/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What is done once a message, for both roles: included by rpmsg_host.c and rpmsg_remote.c behind their
 * own role_receive(), role_give_back(), role_take(), role_cancel(), role_put() and role_flush(), which are
 * inlined here. A message then costs one call for each direction, not one for each step.
 */
#include "rpmsg_priv.h"

#include <causeway/core/err.h>
#include <causeway/core/shm.h>

#define HEADER ((uint32_t)sizeof(struct cw_abi_rpmsg_hdr))

static inline void launch(struct cw_rpmsg_queues *q, const struct cw_rpmsg_buf *b, uint32_t src,
			  uint32_t dst, uint32_t len_flags)
{
	struct cw_abi_rpmsg_hdr *h = (void *)b->p;

	cw_store32(&h->src, src);
	cw_store32(&h->dst, dst);
	cw_store32(&h->reserved, 0);
	cw_store32(&h->len_flags, len_flags);
	role_put(q, b->id, HEADER + (len_flags & 0xffffu));
}

static void role_launch(struct cw_rpmsg_queues *q, const struct cw_rpmsg_buf *b, uint32_t src,
			uint32_t dst, uint32_t len_flags)
{
	launch(q, b, src, dst, len_flags);
}

static int role_send(struct cw_rpmsg_endpoint *e, uint32_t dst, const void *data, uint32_t len,
		     uint64_t timeout)
{
	uint32_t to = dst == CW_RPMSG_ANY ? e->dst : dst;
	struct cw_rpmsg *ch = e->channel;
	struct cw_rpmsg_queues *q = ch->queues;
	struct cw_rpmsg_buf b;
	int got;

	if (to == CW_RPMSG_ANY || (ch->credit && to == e->dst && !ch->credit->may(e)))
		return cw_rpmsg_send_on_(e, dst, data, len, timeout, CW_EAGAIN);
	got = role_take(q, &b, q->keep);
	if (got <= 0)
		return cw_rpmsg_send_on_(e, dst, data, len, timeout, cw_rpmsg_not_taken_(ch, got));
	if (len > b.len - HEADER || len > UINT16_MAX) {
		role_cancel(q, &b);
		return cw_rpmsg_send_on_(e, dst, data, len, timeout, CW_EBADLEN);
	}
	cw_copy_out(b.p + HEADER, data, len);
	launch(q, &b, e->addr, to, len);
	ch->count.sent++;
	e->sent += to == e->dst;
	if (!ch->inside)
		role_flush(q, false);
	return CW_OK;
}

/* Copies and checks the header; false: the message is to be dropped. */
static inline bool parse(struct cw_rpmsg *ch, const struct cw_rpmsg_buf *b, struct cw_rpmsg_msg *m,
			 uint32_t *flags)
{
	const struct cw_abi_rpmsg_hdr *h = (const void *)b->p;
	uint32_t word;

	if (b->len < HEADER) {
		ch->count.bad++;
		return false;
	}
	m->src = cw_load32(&h->src);
	m->dst = cw_load32(&h->dst);
	word = cw_load32(&h->len_flags);
	*flags = word >> 16;
	m->len = word & 0xffffu;
	m->data = b->p + HEADER;
	m->buffer = b->id;
	if (m->len > b->len - HEADER || m->src == CW_RPMSG_ANY || m->dst == CW_RPMSG_ANY) {
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
	if (i >= ch->conf.endpoints || e->addr != m.dst || e->dst == CW_RPMSG_ANY || flags) {
		e = cw_rpmsg_before_(ch, &m, flags);
		if (!e)
			return false;
	}
	s = &q->rx[m.buffer];
	m.stamp = cw_rpmsg_lend_(ch, s);
	if (e->ops->receive(e, &m) == CW_RPMSG_HOLD || !s->stamp)
		return true; /* held, or released in the call */
	s->stamp = 0;
	if (ch->credit)
		cw_rpmsg_used_(ch, &m);
	return false;
}

static int role_poll(struct cw_rpmsg *ch, struct cw_rpmsg_queues *q, unsigned int budget)
{
	struct cw_rpmsg_buf b;
	unsigned int n = 0;
	int got = 0;

	while (n < budget && (got = role_receive(q, &b)) > 0) {
		n++;
		if (!deliver(ch, q, &b) && ch->queues == q)
			role_give_back(q, b.id);
		if (ch->queues != q)
			return cw_rpmsg_chores_(ch, CW_ERESET);
	}
	if (got < 0 || !n || ch->todo || ch->starved)
		return cw_rpmsg_chores_(ch, got < 0 ? got : (int)n);
	ch->inside = false;
	role_flush(q, false);
	return (int)n;
}

static void flush(struct cw_rpmsg_queues *q, bool all)
{
	role_flush(q, all);
}
