// SPDX-License-Identifier: BSD-3-Clause
/*
 * Long RPMsg messages (docs/spec/rpmsg.md section 4).
 *
 * Theory of operation: each piece says the length of the whole and where it belongs, so the receiver
 * knows a message that is not continued from one that is. It takes pieces in order only; memory for the
 * whole is the application's, and its size the bound.
 */
#include "rpmsg_priv.h"

#include <causeway/core/bytes.h>
#include <causeway/core/err.h>
#include <causeway/core/gate.h>
#include <causeway/core/shm.h>

#define PIECE ((uint32_t)sizeof(struct cw_abi_rpmsg_fragment))

static int send_piece(struct cw_rpmsg_endpoint *e, uint32_t dst, const uint8_t *data, uint32_t len,
		      uint32_t *at)
{
	struct cw_rpmsg *ch = e->channel;
	struct cw_abi_rpmsg_fragment f;
	struct cw_rpmsg_buf b;
	int err = cw_rpmsg_take_(e, dst, &b);
	uint32_t n;

	if (err)
		return err;
	n = b.len < UINT16_MAX ? b.len : UINT16_MAX;
	if (n <= CW_RPMSG_HEADER + PIECE) {
		ch->queues->ops->cancel(ch->queues, &b);
		return CW_EINVAL; /* such buffers carry no pieces */
	}
	n -= CW_RPMSG_HEADER + PIECE;
	n = n < len - *at ? n : len - *at;
	f.total = cw_make_le32(len);
	f.at = cw_make_le32(*at);
	cw_copy_out(b.p + CW_RPMSG_HEADER, &f, PIECE);
	cw_copy_out(b.p + CW_RPMSG_HEADER + PIECE, data + *at, n);
	ch->queues->ops->launch(ch->queues, &b, e->addr, dst,
				(PIECE + n) | CW_RPMSG_FLAG_FRAGMENT << 16);
	ch->count.sent++;
	e->sent += dst == e->dst;
	*at += n;
	return CW_OK;
}

/* Without waiting, all of it goes or nothing: whether there are buffers and credit for it. */
static int enough(struct cw_rpmsg_endpoint *e, uint32_t dst, uint32_t len)
{
	struct cw_rpmsg *ch = e->channel;
	struct cw_rpmsg_queues *q = ch->queues;
	uint32_t piece = cw_rpmsg_mtu(ch), need;
	struct cw_rpmsg_buf b;
	int err;

	if (piece <= PIECE)
		return CW_EINVAL;
	need = (len - 1) / (piece - PIECE) + 1;
	if (need + q->keep > q->tx_n)
		return CW_EINVAL;
	if (ch->credit && dst == e->dst && e->limited &&
	    (int32_t)(e->limit - e->sent) < (int32_t)need)
		return CW_EAGAIN;
	err = q->ops->take(q, &b, need + q->keep - 1);
	if (err > 0)
		q->ops->cancel(q, &b);
	if (!err && (!ch->starved || q->want > need - 1))
		q->want = (uint16_t)(need - 1);
	if (!err)
		ch->starved = true;
	return err > 0 ? CW_OK : err ? err : CW_EAGAIN;
}

static int fragment_send(struct cw_rpmsg_endpoint *e, uint32_t dst, const uint8_t *data,
			 uint32_t len, uint64_t timeout)
{
	bool wait = timeout && !e->channel->inside;
	struct cw_rpmsg *ch = e->channel;
	struct cw_rpmsg_until u = { 0 };
	uint32_t at = 0, addr = e->addr, to = dst == CW_RPMSG_ANY ? e->dst : dst;
	int err = wait ? CW_OK : enough(e, to, len);

	while (!err && at < len) {
		err = send_piece(e, to, data, len, &at);
		if (err == CW_EAGAIN) {
			err = cw_rpmsg_wait_(ch, &u, timeout);
			if (!err && (e->addr != addr || (dst == CW_RPMSG_ANY && e->dst != to)))
				err = CW_EINVAL; /* one of the two has gone meanwhile */
		}
	}
	e->starved = err == CW_EAGAIN;
	if (ch->queues && !ch->inside)
		ch->queues->ops->flush(ch->queues, false);
	return err;
}

static int fragment_more(struct cw_rpmsg_endpoint *e, const uint8_t *data, uint32_t len,
			 uint32_t *at)
{
	struct cw_rpmsg *ch = e->channel;
	int err = e->dst == CW_RPMSG_ANY ? CW_EAGAIN : CW_OK;

	while (!err && *at < len)
		err = send_piece(e, e->dst, data, len, at);
	e->starved = err == CW_EAGAIN;
	if (ch->queues && !ch->inside)
		ch->queues->ops->flush(ch->queues, false);
	return err;
}

/* ---- receiving ---- */

static void refuse(struct cw_rpmsg_endpoint *e)
{
	e->channel->count.fragment++;
	e->whole = 0;
}

static void fragment_heard(struct cw_rpmsg_endpoint *e, const struct cw_rpmsg_msg *m)
{
	struct cw_abi_rpmsg_fragment f;
	struct cw_rpmsg_msg whole = *m;
	uint32_t total, at, n;

	if (cw_rpmsg_copy(m, 0, &f, PIECE) < PIECE || m->len == PIECE) {
		e->channel->count.fragment++;
		return;
	}
	total = cw_get_le32(f.total);
	at = cw_get_le32(f.at);
	n = m->len - PIECE;
	if (e->whole && e->from != m->src && m->src != e->dst) {
		e->channel->count.fragment++; /* the other's goes on, save for the peer itself */
		return;
	}
	if (e->whole && (!at || e->from != m->src))
		refuse(e); /* the former one was given up */
	if (!at) {
		e->whole = total <= e->assembly_size ? total : 0;
		e->from = m->src;
		e->have = 0;
	}
	if (!e->whole || total != e->whole || at != e->have || n > e->whole - e->have) {
		refuse(e);
		return;
	}
	cw_copy_in(e->assembly + at, m->data + PIECE, n);
	e->have += n;
	if (e->have < e->whole)
		return;
	whole.data = e->assembly;
	whole.len = e->whole;
	whole.stamp = 0; /* it cannot be held */
	e->whole = 0;
	(void)e->ops->receive(e, &whole);
}

const struct cw_rpmsg_fragment cw_rpmsg_fragment = { fragment_send, fragment_more, fragment_heard };
