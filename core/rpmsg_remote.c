// SPDX-License-Identifier: BSD-3-Clause
/*
 * RPMsg queues of the remote: rings in device role, buffers of the host's.
 *
 * Theory of operation: a message is a chain with one readable part, an empty buffer one with one writable
 * part; the walker has checked where they lie. Other chains go back unused and are counted. An empty
 * buffer that was taken and not sent cannot go back without being a message, so it waits in a list for the
 * next. How many the host has is the host's choice: nothing here is sized by it but the arrays of the ring's
 * own size.
 */
#include "ring_hot.h"

#include <causeway/core/err.h>
#include <causeway/core/gate.h>
#include <causeway/core/rpmsg_queues.h>

static struct cw_rpmsg_remote *self(struct cw_rpmsg_queues *q)
{
	return (struct cw_rpmsg_remote *)(void *)q;
}

/* A buffer that is a chain of one part for us; all others go back unused. 1, 0, CW_E* */
static __attribute__((noinline)) int pop_long(struct cw_rpmsg_queues *q, struct cw_devq *ring,
					      struct cw_rpmsg_buf *b, bool writable)
{
	struct cw_part part;
	struct cw_chain chain;
	int got;

	while ((got = cw_devq_pop(ring, &chain, &part, 1)) > 0) {
		b->p = part.ptr;
		b->len = (uint32_t)part.len;
		b->id = chain.head;
		if (chain.readable + chain.writable == 1 && chain.writable == writable &&
		    b->len >= CW_RPMSG_HEADER && !((uintptr_t)part.ptr & 3u))
			return 1;
		q->strange++;
		cw_devq_push(ring, chain.head, 0);
		q->sent = true;
		q->returned = q->rx_n; /* to be seen at the next flush */
	}
	return got;
}

static inline bool role_more(struct cw_rpmsg_queues *q)
{
	return cw_hot_shown(self(q)->rx);
}

static inline int role_look(struct cw_rpmsg_queues *q)
{
	return cw_devq_refresh_(self(q)->rx);
}

static inline int role_receive(struct cw_rpmsg_queues *q, struct cw_rpmsg_buf *b)
{
	struct cw_devq *ring = self(q)->rx;
	struct cw_rpmsg_buf slow;
	struct cw_hot_chain c;

	if (!cw_hot_pop(ring, &c, false, CW_RPMSG_HEADER)) {
		int got = pop_long(q, ring, &slow, false);

		*b = slow; /* for the compiler: else *b is never in registers */
		return got;
	}
	b->p = c.p;
	b->len = c.len;
	b->id = c.head;
	return 1;
}

static inline void role_give_back(struct cw_rpmsg_queues *q, uint16_t id)
{
	cw_hot_push(self(q)->rx, id, 0);
	q->returned++;
}

CW_WARM void role_cancel(struct cw_rpmsg_queues *q, const struct cw_rpmsg_buf *b)
{
	struct cw_rpmsg_slot *s = &q->tx[b->id];

	s->p = b->p;
	s->len = b->len;
	s->next = q->idle;
	q->idle = b->id;
	q->idle_n++;
}

/* Of those that were shown. */
CW_HOT bool fetch_shown(struct cw_rpmsg_queues *q, struct cw_rpmsg_buf *b)
{
	struct cw_devq *ring = self(q)->tx;
	struct cw_hot_chain c;

	if (!cw_hot_shown(ring) || !cw_hot_pop(ring, &c, true, CW_RPMSG_HEADER))
		return false;
	b->p = c.p;
	b->len = q->tx_size = cw_rpmsg_room(c.len);
	b->id = c.head;
	return true;
}

/* One more empty buffer of the host's. */
static int fetch(struct cw_rpmsg_queues *q, struct cw_rpmsg_buf *b)
{
	int got = fetch_shown(q, b) ? 1 : pop_long(q, self(q)->tx, b, true);

	if (got > 0)
		b->len = q->tx_size = cw_rpmsg_room(b->len);
	return got;
}

/* From the list when it has more than is to be kept; else a new one, and one for the list before. */
static __attribute__((noinline)) int take_listed(struct cw_rpmsg_queues *q, struct cw_rpmsg_buf *b,
						 unsigned int keep)
{
	const struct cw_rpmsg_slot *s;

	while (q->idle_n <= keep) {
		int got = fetch(q, b);

		if (got <= 0)
			return got;
		role_cancel(q, b);
	}
	b->id = q->idle;
	s = &q->tx[b->id];
	b->p = s->p;
	b->len = s->len;
	q->idle = s->next;
	q->idle_n--;
	return 1;
}

/* When none is listed but what is kept. */
static inline bool role_quick(struct cw_rpmsg_queues *q, struct cw_rpmsg_buf *b)
{
	return !CW_HOT_SMALL && q->idle_n == q->keep && fetch_shown(q, b);
}

static int role_take(struct cw_rpmsg_queues *q, struct cw_rpmsg_buf *b, unsigned int keep)
{
	return q->idle_n == keep ? fetch(q, b) : take_listed(q, b, keep);
}

static inline void role_put(struct cw_rpmsg_queues *q, uint16_t id, uint32_t len)
{
	cw_hot_push(self(q)->tx, id, len);
}

static __attribute__((noinline)) void publish(struct cw_rpmsg_queues *q, unsigned int i,
					      struct cw_devq *ring)
{
	if (cw_hot_publish_used(ring))
		q->transport->notify(q->ctx, i, cw_devq_running(ring));
}

/* Rings that are another life's by now get nothing: the next poll tells of the end. */
static inline bool ours(const struct cw_rpmsg_queues *q)
{
	return !q->transport->check || !q->transport->check(q->ctx);
}

CW_WARM void role_flush(struct cw_rpmsg_queues *q, bool all)
{
	if (q->sent) {
		q->sent = false;
		if (ours(q))
			publish(q, CW_RPMSG_QUEUE_TO_HOST, self(q)->tx);
	}
	if (CW_SELDOM(q->returned >= (all ? 1 : q->batch))) {
		q->returned = 0;
		if (ours(q))
			publish(q, CW_RPMSG_QUEUE_TO_REMOTE, self(q)->rx);
	}
}

static bool remote_arm(struct cw_rpmsg_queues *q, bool room)
{
	struct cw_rpmsg_remote *r = self(q);
	bool news = cw_devq_arm(r->rx) || r->rx->broken;

	if (room)
		return q->idle_n > q->keep + q->want || cw_devq_arm(r->tx) || r->tx->broken || news;
	cw_devq_disarm(r->tx);
	return news;
}

#include "rpmsg_role.h"

static const struct cw_rpmsg_queues_ops remote_ops = {
	.send = role_send,
	.poll = role_poll,
	.give_back = role_give_back,
	.take = role_take,
	.cancel = role_cancel,
	.launch = role_launch,
	.flush = flush,
	.arm = remote_arm,
};

void cw_rpmsg_remote_init(struct cw_rpmsg_remote *r, struct cw_devq *tx, struct cw_devq *rx,
			  struct cw_rpmsg_slot *tx_slot, struct cw_rpmsg_slot *rx_slot,
			  uint32_t size)
{
	memset(r, 0, sizeof(*r));
	memset(tx_slot, 0, tx->size * sizeof(*tx_slot));
	memset(rx_slot, 0, rx->size * sizeof(*rx_slot));
	r->tx = tx;
	r->rx = rx;
	r->q.ops = &remote_ops;
	r->q.tx = tx_slot;
	r->q.rx = rx_slot;
	r->q.tx_n = tx->size;
	r->q.rx_n = rx->size;
	r->q.tx_size = cw_rpmsg_room(size);
	r->q.batch = batch_of(rx->size);
	/* Of a host that posts few, all are needed. */
	r->q.keep = cw_devq_refresh_(tx) > 0 && (uint16_t)(tx->avail_idx - tx->avail_count) >= 4;
}
