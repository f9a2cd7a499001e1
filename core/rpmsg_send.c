// SPDX-License-Identifier: BSD-3-Clause
/*
 * RPMsg channel: what is sent, and buffers that the application holds.
 *
 * Theory of operation: sending takes an empty buffer, fills it and leaves it to flush(); the quick way of a
 * copy is each role's own (rpmsg_role.h), which comes here when it does not go at once. Nothing waits but
 * cw_rpmsg_wait_(), and there in short steps, receiving meanwhile: two sides that both wait for room make it for
 * each other. A buffer that is lent out is known by a stamp, so one that comes back twice, or after the end
 * of its channel, is nobody's.
 */
#include "rpmsg_priv.h"

#include <causeway/core/err.h>
#include <causeway/core/shm.h>

#define STEP_MIN  1000u
#define STEP_MAX  100000u
#define WAIT_TAKE 16u /* messages received between two looks for room */

/* ---- room ---- */

uint32_t cw_rpmsg_mtu(const struct cw_rpmsg *ch)
{
	return ch->queues ? ch->queues->tx_size - CW_RPMSG_HEADER : 0;
}

__attribute__((noinline)) int cw_rpmsg_not_taken_(struct cw_rpmsg *ch, int got)
{
	if (!got) {
		ch->starved = true;
		ch->queues->want = 0;
		return CW_EAGAIN;
	}
	ch->count.errors += got == CW_EPEER;
	cw_rpmsg_down(ch);
	return got;
}

static int take(struct cw_rpmsg *ch, struct cw_rpmsg_buf *b, unsigned int keep)
{
	int got = ch->queues->ops->take(ch->queues, b, keep);

	return got > 0 ? CW_OK : cw_rpmsg_not_taken_(ch, got);
}

int cw_rpmsg_take_last_(struct cw_rpmsg *ch, struct cw_rpmsg_buf *b)
{
	return ch->queues ? take(ch, b, 0) : CW_EDOWN;
}

static inline bool may(const struct cw_rpmsg_endpoint *e, uint32_t dst)
{
	return dst != CW_RPMSG_ANY &&
	       (!e->channel->credit || dst != e->dst || e->channel->credit->may(e));
}

int cw_rpmsg_take_(struct cw_rpmsg_endpoint *e, uint32_t dst, struct cw_rpmsg_buf *b)
{
	struct cw_rpmsg *ch = e->channel;

	if (!ch->queues)
		return CW_EDOWN;
	return may(e, dst) ? take(ch, b, ch->queues->keep) : CW_EAGAIN;
}

void cw_rpmsg_wake_(struct cw_rpmsg *ch)
{
	struct cw_rpmsg_buf b;

	if (take(ch, &b, ch->queues->keep))
		return;
	ch->queues->ops->cancel(ch->queues, &b);
	ch->starved = false;
	ch->turn++;
	for (unsigned int i = 0; i < ch->conf.endpoints && ch->queues; i++) {
		struct cw_rpmsg_endpoint *e =
			&ch->conf.endpoint[(i + ch->turn) % ch->conf.endpoints];

		if (!e->starved)
			continue;
		e->starved = !e->ops || !may(e, e->dst);
		if (e->starved)
			continue; /* credit, or a peer, wakes it again */
		if (e->ops->writable)
			e->ops->writable(e);
	}
}

int cw_rpmsg_wait_(struct cw_rpmsg *ch, struct cw_rpmsg_until *u, uint64_t timeout)
{
	const struct cw_rpmsg_transport *t;
	uint64_t now;
	int err;

	if (!ch->queues)
		return CW_ERESET;
	t = ch->queues->transport;
	if (!timeout || ch->inside || !t->wait || !t->now)
		return CW_EAGAIN;
	now = t->now(ch->queues->ctx);
	if (!u->step) {
		u->end = timeout < UINT64_MAX - now ? now + timeout : UINT64_MAX;
		u->step = STEP_MIN;
	} else if (now >= u->end) {
		return CW_ETIMEDOUT;
	}
	if (!cw_rpmsg_arm(ch)) {
		if (!ch->queues)
			return CW_ERESET; /* something was to be told, and could not */
		err = t->wait(ch->queues->ctx, u->end - now < u->step ? u->end : now + u->step);
		u->step = u->step < STEP_MAX ? 2 * u->step : STEP_MAX;
		if (err) {
			cw_rpmsg_down(ch);
			return err;
		}
	}
	err = cw_rpmsg_poll(ch, WAIT_TAKE);
	return err < 0 ? err : CW_OK;
}

/* ---- messages ---- */

int cw_rpmsg_send_on_(struct cw_rpmsg_endpoint *e, const void *data, uint32_t len, uint64_t timeout,
		      uint32_t dst, int err)
{
	struct cw_rpmsg *ch = e->channel;
	struct cw_rpmsg_until u = { 0 };
	uint32_t addr = e->addr;

	while (err == CW_EAGAIN && timeout) {
		err = cw_rpmsg_wait_(ch, &u, timeout);
		if (err)
			break;
		if (e->addr != addr)
			return CW_EINVAL; /* destroyed while we waited */
		err = len > cw_rpmsg_mtu(ch) ? CW_EBADLEN
					     : ch->queues->ops->send(e, data, len, 0, dst);
	}
	if (err == CW_EBADLEN)
		return ch->fragment ? ch->fragment->send(e, dst, data, len, timeout) : CW_EINVAL;
	e->starved = err == CW_EAGAIN;
	return err;
}

int cw_rpmsg_send(struct cw_rpmsg_endpoint *e, const void *data, uint32_t len, uint64_t timeout)
{
	const struct cw_rpmsg_queues *q = e->channel->queues;

	if (!q || !e->ops)
		return q ? CW_EINVAL : CW_EDOWN;
	return q->ops->send(e, data, len, timeout, CW_RPMSG_ANY);
}

int cw_rpmsg_sendto(struct cw_rpmsg_endpoint *e, uint32_t dst, const void *data, uint32_t len,
		    uint64_t timeout)
{
	const struct cw_rpmsg_queues *q = e->channel->queues;

	if (!q || !e->ops || dst == CW_RPMSG_ANY)
		return q ? CW_EINVAL : CW_EDOWN;
	return q->ops->send(e, data, len, timeout, dst);
}

int cw_rpmsg_send_more(struct cw_rpmsg_endpoint *e, const void *data, uint32_t len, uint32_t *at)
{
	struct cw_rpmsg *ch = e->channel;

	if (!ch->queues || !e->ops)
		return ch->queues ? CW_EINVAL : CW_EDOWN;
	if (!*at && len <= cw_rpmsg_mtu(ch))
		return ch->queues->ops->send(e, data, len, 0, CW_RPMSG_ANY);
	return ch->fragment ? ch->fragment->more(e, data, len, at) : CW_EINVAL;
}

/* ---- buffers lent to the application ---- */

/* The slot, taken back; NULL when it was not lent, or to somebody else. */
static struct cw_rpmsg_slot *reclaim(struct cw_rpmsg *ch, struct cw_rpmsg_slot *s, uint16_t n,
				     uint16_t id, uint16_t stamp)
{
	if (!ch->queues || id >= n || !stamp || s[id].stamp != stamp) {
		ch->count.stale++;
		return NULL;
	}
	s[id].stamp = 0;
	return &s[id];
}

int cw_rpmsg_tx_get(struct cw_rpmsg_endpoint *e, struct cw_rpmsg_tx *tx)
{
	struct cw_rpmsg *ch = e->channel;
	struct cw_rpmsg_buf b;
	int err = ch->queues ? take(ch, &b, ch->queues->keep) : CW_EDOWN;

	if (err) {
		e->starved |= err == CW_EAGAIN;
		return err;
	}
	tx->data = b.p + CW_RPMSG_HEADER;
	tx->room = b.len - CW_RPMSG_HEADER;
	tx->buffer = b.id;
	ch->queues->tx[b.id].p = b.p;
	ch->queues->tx[b.id].len = b.len;
	tx->stamp = cw_rpmsg_lend_(ch, &ch->queues->tx[b.id]);
	return CW_OK;
}

int cw_rpmsg_tx_send(struct cw_rpmsg_endpoint *e, const struct cw_rpmsg_tx *tx, uint32_t dst,
		     uint32_t len)
{
	struct cw_rpmsg *ch = e->channel;
	struct cw_rpmsg_slot *s;
	struct cw_rpmsg_buf b;

	if (!ch->queues)
		return CW_EDOWN;
	if (!e->ops || len > tx->room)
		return CW_EINVAL;
	if (!may(e, dst)) {
		e->starved = true; /* until a peer, or credit, comes */
		return CW_EAGAIN;
	}
	s = reclaim(ch, ch->queues->tx, ch->queues->tx_n, tx->buffer, tx->stamp);
	if (!s)
		return CW_EINVAL;
	b = (struct cw_rpmsg_buf){ s->p, s->len, tx->buffer };
	ch->queues->ops->launch(ch->queues, &b, e->addr, dst, len);
	ch->count.sent++;
	e->sent += dst == e->dst;
	return CW_OK;
}

void cw_rpmsg_tx_cancel(struct cw_rpmsg *ch, const struct cw_rpmsg_tx *tx)
{
	struct cw_rpmsg_queues *q = ch->queues;
	const struct cw_rpmsg_slot *s = q ? reclaim(ch, q->tx, q->tx_n, tx->buffer, tx->stamp)
					  : NULL;

	if (s)
		q->ops->cancel(q, &(struct cw_rpmsg_buf){ s->p, s->len, tx->buffer });
}

void cw_rpmsg_release(struct cw_rpmsg *ch, const struct cw_rpmsg_msg *m)
{
	struct cw_rpmsg_queues *q = ch->queues;

	if (!q || !reclaim(ch, q->rx, q->rx_n, m->buffer, m->stamp))
		return;
	q->ops->give_back(q, m->buffer);
	if (ch->credit)
		cw_rpmsg_used_(ch, m);
}

uint32_t cw_rpmsg_copy(const struct cw_rpmsg_msg *m, uint32_t at, void *dst, uint32_t len)
{
	if (at >= m->len)
		return 0;
	if (len > m->len - at)
		len = m->len - at;
	cw_copy_in(dst, m->data + at, len);
	return len;
}
