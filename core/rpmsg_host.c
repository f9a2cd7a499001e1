// SPDX-License-Identifier: BSD-3-Clause
/*
 * RPMsg queues of the host: rings in driver role, buffers of its own.
 *
 * Theory of operation: every buffer to receive is with the remote but for those being looked at; they are
 * posted again in batches, since the remote needs the next one only when it has used up the others.
 * Buffers to send are a list; what the remote has done with is fetched when the list runs short, so the
 * used ring is looked at once for many messages. The number of a buffer travels as the ring's cookie,
 * which is private: the remote names descriptors, never buffers.
 */
#include "ring_hot.h"

#include <causeway/core/err.h>
#include <causeway/core/gate.h>
#include <causeway/core/rpmsg_queues.h>

static struct cw_rpmsg_host *self(struct cw_rpmsg_queues *q)
{
	return (struct cw_rpmsg_host *)(void *)q;
}

static void post(struct cw_rpmsg_host *h, uint16_t id)
{
	struct cw_rpmsg_slot *s = &h->q.rx[id];

	/* There is a descriptor for each buffer; a ring that broke says so at the next get. */
	(void)cw_hot_add(h->rx, h->rx_addr + (cw_addr_t)(s->p - h->q.rx->p), s->len, true, s);
	h->q.returned++;
}

static int checked(struct cw_rpmsg_host *h)
{
	return h->q.transport->check ? h->q.transport->check(h->q.ctx) : CW_OK;
}

static inline int role_receive(struct cw_rpmsg_queues *q, struct cw_rpmsg_buf *b)
{
	struct cw_rpmsg_host *h = self(q);
	bool new = h->rx->used_idx == (uint16_t)h->rx->used_count;
	struct cw_rpmsg_slot *s;
	void *cookie = NULL;
	int got = cw_hot_get(h->rx, &cookie, &b->len), err;

	/* An old peer's last words do not count; one look for all that one index showed. */
	if (!got)
		return 0;
	err = new ? checked(h) : CW_OK;
	if (err || got < 0)
		return err ? err : CW_EPEER;
	s = cookie;
	b->p = s->p;
	b->id = (uint16_t)(s - q->rx);
	return 1;
}

static inline void role_give_back(struct cw_rpmsg_queues *q, uint16_t id)
{
	post(self(q), id);
}

static inline void idle(struct cw_rpmsg_queues *q, uint16_t id)
{
	q->tx[id].next = q->idle;
	q->idle = id;
	q->idle_n++;
}

static inline void role_cancel(struct cw_rpmsg_queues *q, const struct cw_rpmsg_buf *b)
{
	idle(q, b->id);
}

/* Fetches what the remote has done with. */
static __attribute__((noinline)) int fetch(struct cw_rpmsg_host *h)
{
	void *cookie = NULL;
	uint32_t len;
	int got, err = checked(h);

	if (err)
		return err;
	while ((got = cw_hot_get(h->tx, &cookie, &len)) > 0)
		idle(&h->q, (uint16_t)((struct cw_rpmsg_slot *)cookie - h->q.tx));
	return got ? CW_EPEER : CW_OK;
}

static inline int role_take(struct cw_rpmsg_queues *q, struct cw_rpmsg_buf *b, unsigned int keep)
{
	struct cw_rpmsg_slot *s;

	if (q->idle_n <= keep) {
		int err = fetch(self(q));

		if (err < 0 || q->idle_n <= keep)
			return err < 0 ? err : 0;
	}
	b->id = q->idle;
	s = &q->tx[b->id];
	q->idle = s->next;
	q->idle_n--;
	b->p = s->p;
	b->len = s->len;
	return 1;
}

static inline void role_put(struct cw_rpmsg_queues *q, uint16_t id, uint32_t len)
{
	struct cw_rpmsg_host *h = self(q);
	struct cw_rpmsg_slot *s = &q->tx[id];
	uint16_t head = h->tx->free_head;

	/* OpenAMP's remotes claim to have written what they read; it means nothing. */
	if (!cw_hot_add(h->tx, h->tx_addr + (cw_addr_t)(s->p - q->tx->p), len, false, s))
		h->tx->slot[head].writable = UINT32_MAX;
	q->sent = true;
}

static void publish(struct cw_rpmsg_host *h, unsigned int i, struct cw_drvq *ring)
{
	if (cw_drvq_publish(ring))
		h->q.transport->notify(h->q.ctx, i, cw_drvq_running(ring));
}

static inline void role_flush(struct cw_rpmsg_queues *q, bool all)
{
	struct cw_rpmsg_host *h = self(q);

	if (q->sent) {
		q->sent = false;
		publish(h, CW_RPMSG_QUEUE_TO_REMOTE, h->tx);
	}
	if (q->returned && (all || q->returned >= q->rx_n / 4)) {
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
	return !p->p || !p->n || p->n > ring->size || p->size < sizeof(struct cw_abi_rpmsg_hdr) ||
	       p->stride < p->size || p->stride % 4 || p->addr % 4;
}

static void fill(struct cw_rpmsg_slot *s, const struct cw_rpmsg_pool *p)
{
	memset(s, 0, p->n * sizeof(*s));
	for (unsigned int i = 0; i < p->n; i++) {
		s[i].p = p->p + (size_t)i * p->stride;
		s[i].len = p->size;
	}
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
	h->rx_addr = rx_pool->addr;
	h->tx_addr = tx_pool->addr;
	h->q.ops = &host_ops;
	h->q.rx = rx_slot;
	h->q.tx = tx_slot;
	h->q.rx_n = rx_pool->n;
	h->q.tx_n = tx_pool->n;
	h->q.tx_size = tx_pool->size;
	h->q.keep = tx_pool->n >= 4;
	fill(rx_slot, rx_pool);
	fill(tx_slot, tx_pool);
	for (uint16_t i = tx_pool->n; i--;)
		idle(&h->q, i);
	for (uint16_t i = 0; i < rx_pool->n; i++)
		post(h, i);
	/* Before the remote begins, so that it sees how many there are; it looks without being rung. */
	h->q.returned = 0;
	(void)cw_drvq_publish(h->rx);
	return CW_OK;
}
