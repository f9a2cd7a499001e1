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
#include <causeway/core/err.h>
#include <causeway/core/gate.h>
#include <causeway/core/rpmsg_queues.h>

#define HEADER ((uint32_t)sizeof(struct cw_abi_rpmsg_hdr))

static struct cw_rpmsg_remote *self(struct cw_rpmsg_queues *q)
{
	return (struct cw_rpmsg_remote *)(void *)q;
}

static bool usable(const struct cw_chain *c, unsigned int parts)
{
	return parts == 1 && c->readable + c->writable == 1 && !((uintptr_t)c->part->ptr & 3u);
}

static int remote_receive(struct cw_rpmsg_queues *q, struct cw_rpmsg_buf *b)
{
	struct cw_rpmsg_remote *r = self(q);
	struct cw_part part;
	struct cw_chain c;
	int got;

	while ((got = cw_devq_pop(r->rx, &c, &part, 1)) > 0) {
		if (usable(&c, c.readable)) {
			b->p = part.ptr;
			b->len = c.readable_len;
			b->id = c.head;
			return 1;
		}
		q->strange++;
		cw_devq_push(r->rx, c.head, 0);
		q->returned++;
	}
	return got;
}

static void remote_give_back(struct cw_rpmsg_queues *q, uint16_t id)
{
	cw_devq_push(self(q)->rx, id, 0);
	q->returned++;
}

static void idle(struct cw_rpmsg_queues *q, uint16_t id)
{
	q->tx[id].next = q->idle;
	q->idle = id;
	q->idle_n++;
}

/* One more empty buffer into the list: 1, 0 when the host has posted none. */
static int fetch(struct cw_rpmsg_remote *r)
{
	struct cw_part part;
	struct cw_chain c;
	int got;

	while ((got = cw_devq_pop(r->tx, &c, &part, 1)) > 0) {
		struct cw_rpmsg_slot *s = &r->q.tx[c.head];

		if (usable(&c, c.writable) && part.len >= HEADER) {
			s->p = part.ptr;
			s->len = c.writable_len;
			r->q.tx_size = s->len;
			idle(&r->q, c.head);
			return 1;
		}
		r->q.strange++;
		cw_devq_push(r->tx, c.head, 0);
		r->q.sent = true;
	}
	return got;
}

static int remote_take(struct cw_rpmsg_queues *q, struct cw_rpmsg_buf *b, unsigned int keep)
{
	const struct cw_rpmsg_slot *s;

	while (q->idle_n <= keep) {
		int got = fetch(self(q));

		if (got <= 0)
			return got;
	}
	b->id = q->idle;
	s = &q->tx[b->id];
	q->idle = s->next;
	q->idle_n--;
	b->p = s->p;
	b->len = s->len;
	return 1;
}

static void remote_send(struct cw_rpmsg_queues *q, uint16_t id, uint32_t len)
{
	cw_devq_push(self(q)->tx, id, len);
	q->sent = true;
}

static void publish(struct cw_rpmsg_queues *q, unsigned int i, struct cw_devq *ring)
{
	if (cw_devq_publish(ring))
		q->transport->notify(q->ctx, i, cw_devq_running(ring));
}

static void remote_flush(struct cw_rpmsg_queues *q, bool all)
{
	if (q->sent) {
		q->sent = false;
		publish(q, CW_RPMSG_QUEUE_TO_HOST, self(q)->tx);
	}
	if (q->returned && (all || q->returned >= q->rx_n / 4)) {
		q->returned = 0;
		publish(q, CW_RPMSG_QUEUE_TO_REMOTE, self(q)->rx);
	}
}

static bool remote_arm(struct cw_rpmsg_queues *q, bool room)
{
	struct cw_rpmsg_remote *r = self(q);
	bool news = cw_devq_arm(r->rx) || r->rx->broken;

	if (room)
		return cw_devq_arm(r->tx) || r->tx->broken || news;
	cw_devq_disarm(r->tx);
	return news;
}

static const struct cw_rpmsg_queues_ops remote_ops = {
	remote_receive, remote_give_back, remote_take, idle, remote_send, remote_flush, remote_arm
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
	r->q.tx_size = size;
	r->q.keep = tx->size >= 4;
}
