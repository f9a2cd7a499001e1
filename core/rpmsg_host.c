// SPDX-License-Identifier: BSD-3-Clause
/*
 * RPMsg queues of the host: rings in driver role, buffers of its own.
 *
 * Theory of operation: every buffer to receive is with the remote but for those being looked at; they are
 * posted again in batches, since the remote needs the next one only when it has used up the others.
 * Buffers to send are a list; what the remote has done with is fetched when the list runs short, so the
 * used ring is looked at once for many messages. Descriptor i is buffer i for ever, written once, and its
 * length when that changes: the remote finds it in its cache. So the number in the used ring is the buffer's, and
 * is believed when that buffer is with the remote.
 */
#include "ring_hot.h"

#include <causeway/core/err.h>
#include <causeway/core/gate.h>
#include <causeway/core/rpmsg_queues.h>

static struct cw_rpmsg_host *self(struct cw_rpmsg_queues *q)
{
	return (struct cw_rpmsg_host *)(void *)q;
}

/* ---- rings of such descriptors: of a slot, count says whether it is with the remote ---- */

static void fix(struct cw_drvq *ring, struct cw_rpmsg_slot *s, const struct cw_rpmsg_pool *p,
		bool writable)
{
	memset(s, 0, p->n * sizeof(*s));
	for (uint16_t i = 0; i < p->n; i++) {
		s[i].p = p->p + (size_t)i * p->stride;
		s[i].len = p->size;
		cw_hot_put_desc(&ring->desc[i], p->addr + (cw_addr_t)i * p->stride, p->size,
				writable ? CW_DESC_F_WRITE : 0);
		ring->slot[i].writable = p->size; /* what the descriptor says */
	}
	ring->free_count = 0; /* none for cw_drvq_add() */
}

CW_WARM void offer(struct cw_drvq *ring, uint16_t id)
{
	ring->slot[id].count = 1;
	cw_store16(&ring->avail->ring[ring->avail_count & (ring->size - 1u)], id);
	ring->avail_count++;
}

static inline bool shown(const struct cw_drvq *ring)
{
	return ring->used_idx != (uint16_t)ring->used_count;
}

/* The next of those that were shown; false: the ring broke. */
CW_WARM bool next_used(struct cw_drvq *ring, struct cw_rpmsg_buf *b)
{
	struct cw_abi_used_elem *e = &ring->used->ring[ring->used_count & (ring->size - 1u)];
	uint32_t id = cw_load32(&e->id);

	if (CW_SELDOM(id >= ring->size || !ring->slot[id].count)) {
		(void)cw_drvq_broke_(ring, CW_EBADINDEX);
		return false;
	}
	b->id = (uint16_t)id;
	b->len = cw_load32(&e->len);
	ring->slot[id].count = 0;
	ring->used_count++;
	return true;
}

/* ---- the role ---- */

static int checked(struct cw_rpmsg_host *h)
{
	return h->q.transport->check ? h->q.transport->check(h->q.ctx) : CW_OK;
}

static inline bool role_more(struct cw_rpmsg_queues *q)
{
	return shown(self(q)->rx);
}

/* An old peer's last words do not count; one look for all that one index showed. */
static inline int role_look(struct cw_rpmsg_queues *q)
{
	struct cw_rpmsg_host *h = self(q);
	int got = cw_drvq_refresh_(h->rx), err = got ? checked(h) : CW_OK;

	return err ? err : got;
}

static inline int role_receive(struct cw_rpmsg_queues *q, struct cw_rpmsg_buf *b)
{
	struct cw_drvq *ring = self(q)->rx;

	if (!next_used(ring, b))
		return CW_EPEER;
	b->p = q->rx[b->id].p;
	if (CW_SELDOM(b->len > q->rx[b->id].len)) /* more than there is room for */
		return cw_drvq_broke_(ring, CW_EBADLEN);
	return 1;
}

static inline void role_give_back(struct cw_rpmsg_queues *q, uint16_t id)
{
	offer(self(q)->rx, id);
	q->returned++;
}

static inline void role_cancel(struct cw_rpmsg_queues *q, const struct cw_rpmsg_buf *b)
{
	q->tx[b->id].next = q->idle;
	q->idle = b->id;
	q->idle_n++;
}

/* Fetches what the remote has done with. OpenAMP's remotes claim to have written what they read. */
CW_COLD int fetch(struct cw_rpmsg_host *h)
{
	struct cw_drvq *ring = h->tx;
	struct cw_rpmsg_buf b;
	int got, err = checked(h);

	if (err)
		return err;
	while ((got = shown(ring) ? 1 : cw_drvq_refresh_(ring)) > 0)
		if (next_used(ring, &b))
			role_cancel(&h->q, &b);
	return got;
}

static inline bool listed(struct cw_rpmsg_queues *q, struct cw_rpmsg_buf *b, unsigned int keep)
{
	const struct cw_rpmsg_slot *s;

	if (q->idle_n <= keep)
		return false;
	b->id = q->idle;
	s = &q->tx[b->id];
	q->idle = s->next;
	q->idle_n--;
	b->p = s->p;
	b->len = q->tx_size;
	return true;
}

static inline bool role_quick(struct cw_rpmsg_queues *q, struct cw_rpmsg_buf *b)
{
	return !CW_HOT_SMALL && listed(q, b, q->keep);
}

static int role_take(struct cw_rpmsg_queues *q, struct cw_rpmsg_buf *b, unsigned int keep)
{
	int err = q->idle_n <= keep ? fetch(self(q)) : CW_OK;

	return err < 0 ? err : listed(q, b, keep);
}

static inline void role_put(struct cw_rpmsg_queues *q, uint16_t id, uint32_t len)
{
	struct cw_drvq *ring = self(q)->tx;

	if (CW_SELDOM(ring->slot[id].writable != len)) {
		ring->slot[id].writable = len;
		cw_store32(&ring->desc[id].len, len);
	}
	offer(ring, id);
}

static __attribute__((noinline)) void publish(struct cw_rpmsg_host *h, unsigned int i,
					      struct cw_drvq *ring)
{
	if (cw_hot_publish_avail(ring))
		h->q.transport->notify(h->q.ctx, i, cw_drvq_running(ring));
}

CW_WARM void role_flush(struct cw_rpmsg_queues *q, bool all)
{
	struct cw_rpmsg_host *h = self(q);

	if (q->sent) {
		q->sent = false;
		publish(h, CW_RPMSG_QUEUE_TO_REMOTE, h->tx);
	}
	if (CW_SELDOM(q->returned >= (all ? 1 : q->batch))) {
		q->returned = 0;
		publish(h, CW_RPMSG_QUEUE_TO_HOST, h->rx);
	}
}

static bool host_arm(struct cw_rpmsg_queues *q, bool room)
{
	struct cw_rpmsg_host *h = self(q);
	bool news = cw_drvq_arm(h->rx) || h->rx->broken;

	if (room)
		(void)fetch(h); /* an error is seen by the next poll */
	if (room)
		return q->idle_n > q->keep + q->want || cw_drvq_arm(h->tx) || h->tx->broken || news;
	cw_drvq_disarm(h->tx);
	return news;
}

#include "rpmsg_role.h"

static const struct cw_rpmsg_queues_ops host_ops = {
	.send = role_send,
	.poll = role_poll,
	.give_back = role_give_back,
	.take = role_take,
	.cancel = role_cancel,
	.launch = role_launch,
	.flush = flush,
	.arm = host_arm,
};

static bool wrong(const struct cw_rpmsg_pool *p, const struct cw_drvq *ring)
{
	return !p->p || !p->n || p->n > ring->size || p->size < CW_RPMSG_HEADER ||
	       p->stride < p->size || p->stride % 4 || p->addr % 4;
}

int cw_rpmsg_host_init(struct cw_rpmsg_host *h, struct cw_drvq *rx, struct cw_drvq *tx,
		       const struct cw_rpmsg_pool *rx_pool, const struct cw_rpmsg_pool *tx_pool,
		       struct cw_rpmsg_slot *rx_slot, struct cw_rpmsg_slot *tx_slot)
{
	memset(h, 0, sizeof(*h));
	if (wrong(rx_pool, rx) || wrong(tx_pool, tx))
		return CW_EINVAL;
	h->rx = rx;
	h->tx = tx;
	h->q.ops = &host_ops;
	h->q.rx = rx_slot;
	h->q.tx = tx_slot;
	h->q.rx_n = rx_pool->n;
	h->q.tx_n = tx_pool->n;
	h->q.tx_size = cw_rpmsg_room(tx_pool->size);
	h->q.keep = tx_pool->n >= 4;
	h->q.batch = batch_of(rx_pool->n);
	fix(rx, rx_slot, rx_pool, true);
	fix(tx, tx_slot, tx_pool, false);
	for (uint16_t i = tx_pool->n; i--;)
		role_cancel(&h->q, &(struct cw_rpmsg_buf){ .id = i });
	for (uint16_t i = 0; i < rx_pool->n; i++)
		offer(rx, i);
	/* Before the remote begins, so that it sees how many there are; it looks without being rung. */
	(void)cw_drvq_publish(h->rx);
	return CW_OK;
}
