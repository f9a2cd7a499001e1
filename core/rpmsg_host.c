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
#include <causeway/core/err.h>
#include <causeway/core/gate.h>
#include <causeway/core/rpmsg_queues.h>

static struct cw_rpmsg_host *self(struct cw_rpmsg_queues *q)
{
	return (struct cw_rpmsg_host *)(void *)q;
}

static void post(struct cw_rpmsg_host *h, uint16_t id)
{
	const struct cw_buf b = { h->rx_addr + (cw_addr_t)id * h->rx_stride, h->q.rx[id].len };

	/* There is a descriptor for each buffer; a ring that broke says so at the next get. */
	(void)cw_drvq_add(h->rx, &b, 0, 1, &h->q.rx[id]);
	h->q.returned++;
}

static int checked(struct cw_rpmsg_host *h)
{
	return h->q.transport->check ? h->q.transport->check(h->q.ctx) : CW_OK;
}

static int host_receive(struct cw_rpmsg_queues *q, struct cw_rpmsg_buf *b)
{
	struct cw_rpmsg_host *h = self(q);
	bool new = h->rx->used_idx == (uint16_t)h->rx->used_count;
	struct cw_rpmsg_slot *s;
	void *cookie;
	int got = cw_drvq_get(h->rx, &cookie, &b->len), err;

	/* An old peer's last words do not count; one look for all that one index showed. */
	err = got && new ? checked(h) : CW_OK;
	if (err)
		return err;
	if (got <= 0)
		return got ? CW_EPEER : 0;
	s = cookie;
	b->p = s->p;
	b->id = (uint16_t)(s - q->rx);
	return 1;
}

static void host_give_back(struct cw_rpmsg_queues *q, uint16_t id)
{
	post(self(q), id);
}

static void idle(struct cw_rpmsg_queues *q, uint16_t id)
{
	q->tx[id].next = q->idle;
	q->idle = id;
	q->idle_n++;
}

/* Fetches what the remote has done with. */
static __attribute__((noinline)) int fetch(struct cw_rpmsg_host *h)
{
	void *cookie;
	uint32_t len;
	int got, err = checked(h);

	if (err)
		return err;
	while ((got = cw_drvq_get(h->tx, &cookie, &len)) > 0)
		idle(&h->q, (uint16_t)((struct cw_rpmsg_slot *)cookie - h->q.tx));
	return got ? CW_EPEER : CW_OK;
}

static int host_take(struct cw_rpmsg_queues *q, struct cw_rpmsg_buf *b, unsigned int keep)
{
	struct cw_rpmsg_slot *s;

	if (q->idle_n <= keep) {
		int err = fetch(self(q));

		if (err || q->idle_n <= keep)
			return err;
	}
	b->id = q->idle;
	s = &q->tx[b->id];
	q->idle = s->next;
	q->idle_n--;
	b->p = s->p;
	b->len = s->len;
	return 1;
}

static void host_send(struct cw_rpmsg_queues *q, uint16_t id, uint32_t len)
{
	struct cw_rpmsg_host *h = self(q);
	const struct cw_buf b = { h->tx_addr + (cw_addr_t)id * h->tx_stride, len };

	(void)cw_drvq_add(h->tx, &b, 1, 0, &q->tx[id]);
	q->sent = true;
}

static void publish(struct cw_rpmsg_host *h, unsigned int i, struct cw_drvq *ring)
{
	if (cw_drvq_publish(ring))
		h->q.transport->notify(h->q.ctx, i, cw_drvq_running(ring));
}

static void host_flush(struct cw_rpmsg_queues *q, bool all)
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
		return cw_drvq_arm(h->tx) || h->tx->broken || news;
	cw_drvq_disarm(h->tx);
	return news;
}

static const struct cw_rpmsg_queues_ops host_ops = { host_receive, host_give_back, host_take, idle,
						     host_send,	   host_flush,	   host_arm };

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
	h->rx_stride = rx_pool->stride;
	h->tx_stride = tx_pool->stride;
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
	return CW_OK;
}
