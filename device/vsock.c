// SPDX-License-Identifier: BSD-3-Clause
/*
 * Socket device.
 *
 * Theory of operation: core/vsock.c knows the rules. Here the bytes move. A transmit chain is always
 * given back at once: what the owner does not take lies in the connection's buffer, and the remote was
 * told how large that is. Small packets go there too, so that many of them make one call of the owner's.
 * On the receive queue what is to be said comes before data, so an answer never waits behind bytes; then
 * connections take turns, one buffer each.
 */
#include <causeway/core/bytes.h>
#include <causeway/core/err.h>
#include <causeway/core/gate.h>
#include <causeway/device/vsock.h>

static struct cw_vsock_device *self(struct cw_device *d)
{
	return (struct cw_vsock_device *)(void *)d;
}

static bool is_message(const struct cw_vsock_device *v, unsigned int i)
{
	return v->state[i].type == CW_VSOCK_SEQPACKET;
}

static void wake_rx(struct cw_vsock_device *v)
{
	cw_device_wake(&v->dev, CW_VSOCK_QUEUE_RX);
}

static void set_readable(struct cw_vsock_device *v, unsigned int i, bool readable)
{
	v->readables += readable && !v->conn[i].readable;
	v->readables -= !readable && v->conn[i].readable;
	v->conn[i].readable = readable;
}

static void begin(struct cw_vsock_device *v, unsigned int i)
{
	struct cw_vsock_device_conn *c = &v->conn[i];

	c->used = true;
	c->over = c->hung = false;
	c->shut = 0;
}

/* The owner is told, once. */
static void forget(struct cw_vsock_device *v, unsigned int i)
{
	if (!v->conn[i].used)
		return;
	v->conn[i].used = false;
	cw_vsock_fifo_skip(&v->conn[i].fifo, v->conn[i].fifo.len);
	set_readable(v, i, false);
	v->ops->closed(v->ctx, i);
}

void cw_vsock_device_abort(struct cw_vsock_device *v, unsigned int i)
{
	cw_vsock_reset(&v->vsock, i);
	forget(v, i);
	wake_rx(v);
}

/* ---- from the remote ---- */

static uint32_t offer(struct cw_vsock_device *v, unsigned int i, const struct cw_part *part,
		      unsigned int n)
{
	int took = v->ops->output(v->ctx, i, part, n);

	if (took < 0) {
		cw_vsock_device_abort(v, i);
		return 0;
	}
	return (uint32_t)took;
}

/* Offers what lies in the buffer; false when nothing of it was taken. */
static bool drain_some(struct cw_vsock_device *v, unsigned int i)
{
	struct cw_vsock_fifo *f = &v->conn[i].fifo;
	uint32_t len = is_message(v, i) ? cw_vsock_fifo_message(f) : f->len, took;
	struct cw_part part[2];

	if (!len)
		return false;
	took = offer(v, i, part, cw_vsock_fifo_peek(f, len, part));
	if (!took || !v->conn[i].used)
		return false;
	cw_vsock_fifo_skip(f, took);
	cw_vsock_took(&v->vsock, i, took);
	return f->len != 0;
}

/* Neither end takes anything from the other: what either still has is of no use. */
static bool dead_both_ways(const struct cw_vsock_device *v, unsigned int i)
{
	return v->conn[i].hung && v->state[i].peer_shut & CW_VSOCK_SHUT_RCV;
}

/* What the remote shut, told to the owner once nothing is left that came before. */
static void pass_on_shutdown(struct cw_vsock_device *v, unsigned int i)
{
	struct cw_vsock_device_conn *c = &v->conn[i];
	unsigned int how = v->state[i].peer_shut & ~c->shut;

	if (c->fifo.len)
		how &= ~CW_VSOCK_SHUT_SEND;
	if (!c->used || !how)
		return;
	c->shut = (uint8_t)(c->shut | how);
	if (c->shut == CW_VSOCK_SHUT_BOTH || dead_both_ways(v, i))
		cw_vsock_device_abort(v, i); /* which is to agree */
	else
		v->ops->shut(v->ctx, i, how);
}

static void drain(struct cw_vsock_device *v, unsigned int i)
{
	struct cw_vsock_fifo *f = &v->conn[i].fifo;

	while (v->conn[i].used && drain_some(v, i))
		;
	/* Full, and no message is whole: it will never be. */
	if (v->conn[i].used && is_message(v, i) && f->len == f->size && !f->messages)
		cw_vsock_device_abort(v, i);
	pass_on_shutdown(v, i);
	if (cw_vsock_wants(&v->vsock))
		wake_rx(v);
}

static void keep(struct cw_vsock_device *v, unsigned int i)
{
	if (v->conn[i].dirty)
		return;
	v->conn[i].dirty = true;
	v->dirty[v->dirties++] = (uint16_t)i;
}

static void take_data(struct cw_vsock_device *v, unsigned int i, const struct cw_abi_vsock_hdr *h,
		      struct cw_chain *c)
{
	uint32_t len = c->readable_len - CW_VSOCK_HDR, done = 0;
	struct cw_vsock_fifo *f = &v->conn[i].fifo;
	bool end = cw_get_le32(h->flags) & CW_VSOCK_SEQ_EOM && is_message(v, i);
	struct cw_part copy[CW_VSOCK_PARTS], *rest;
	unsigned int n;

	v->count.tx_bytes += len;
	if (!f->len && len >= CW_VSOCK_DIRECT && !is_message(v, i)) {
		memcpy(copy, c->part, c->readable * sizeof(copy[0]));
		n = cw_parts_skip(copy, c->readable, CW_VSOCK_HDR, &rest);
		done = offer(v, i, rest, n);
		if (!v->conn[i].used)
			return;
		cw_vsock_took(&v->vsock, i, done);
	}
	cw_vsock_fifo_put(f, c, CW_VSOCK_HDR + done, len - done, end);
	keep(v, i);
}

static void connect(struct cw_vsock_device *v, unsigned int i)
{
	int err = CW_ENOTSUP;

	begin(v, i);
	if (!is_message(v, i) || cw_device_has(&v->dev, CW_VSOCK_F_SEQPACKET))
		err = v->ops->connect(v->ctx, i, v->state[i].port, is_message(v, i));
	if (err != CW_EAGAIN)
		cw_vsock_device_answer(v, i, !err);
}

void cw_vsock_device_answer(struct cw_vsock_device *v, unsigned int i, bool yes)
{
	if (!yes) {
		v->conn[i].used = false;
		v->count.refused++;
	}
	cw_vsock_answer(&v->vsock, i, yes);
	wake_rx(v);
}

static void take(struct cw_vsock_device *v, struct cw_chain *c)
{
	struct cw_abi_vsock_hdr h;
	unsigned int i = 0;

	if (cw_chain_read(c, 0, &h, CW_VSOCK_HDR) < CW_VSOCK_HDR) {
		v->vsock.strange++;
		return;
	}
	v->count.tx_packets++;
	switch (cw_vsock_take(&v->vsock, &h, c->readable_len - CW_VSOCK_HDR, &i)) {
	case CW_VSOCK_ASKED:
		connect(v, i);
		break;
	case CW_VSOCK_ANSWERED:
		v->ops->opened(v->ctx, i);
		break;
	case CW_VSOCK_DATA:
		take_data(v, i, &h, c);
		break;
	case CW_VSOCK_SHUT:
		pass_on_shutdown(v, i);
		break;
	case CW_VSOCK_ENDED:
		forget(v, i);
		break;
	case CW_VSOCK_ROOM:
		wake_rx(v);
		break;
	default:
		break;
	}
}

static void drain_dirty(struct cw_vsock_device *v)
{
	for (unsigned int n = 0; n < v->dirties; n++) {
		unsigned int i = v->dirty[n];

		v->conn[i].dirty = false;
		if (v->conn[i].used)
			drain(v, i);
	}
	v->dirties = 0;
}

static int serve_tx(struct cw_vsock_device *v)
{
	struct cw_devq *ring = &v->dev.queue[CW_VSOCK_QUEUE_TX].ring;
	struct cw_part part[CW_VSOCK_PARTS];
	struct cw_chain c;
	int got = 1;

	for (unsigned int n = 0; n < CW_SERVE_BUDGET; n++) {
		got = cw_devq_pop(ring, &c, part, CW_VSOCK_PARTS);
		if (got <= 0)
			break;
		take(v, &c);
		cw_devq_push(ring, c.head, 0);
	}
	drain_dirty(v);
	if (cw_vsock_wants(&v->vsock) || v->readables)
		wake_rx(v);
	cw_device_publish(&v->dev, CW_VSOCK_QUEUE_TX);
	return got < 0 ? got : got ? CW_SERVE_MORE : CW_SERVE_DRAINED;
}

/* ---- to the remote ---- */

/* A receive buffer, kept until it is used: 1, 0 when the remote gave none, CW_E*. */
static int hold(struct cw_vsock_device *v)
{
	int got;

	if (v->has_held)
		return 1;
	got = cw_devq_pop(&v->dev.queue[CW_VSOCK_QUEUE_RX].ring, &v->held, v->held_part,
			  CW_VSOCK_PARTS);
	if (got > 0 && (v->held.readable || v->held.writable_len <= CW_VSOCK_HDR))
		return CW_EBADCHAIN;
	v->has_held = got > 0;
	return got;
}

static void give(struct cw_vsock_device *v, const struct cw_abi_vsock_hdr *h, uint32_t len)
{
	cw_chain_write(&v->held, 0, h, CW_VSOCK_HDR);
	cw_devq_push(&v->dev.queue[CW_VSOCK_QUEUE_RX].ring, v->held.head, CW_VSOCK_HDR + len);
	v->has_held = false;
	v->count.rx_packets++;
	v->count.rx_bytes += len;
}

/* The held buffer behind its header, cut to @most bytes: number of pieces. */
static unsigned int cut(struct cw_vsock_device *v, uint32_t most, struct cw_part *copy,
			struct cw_part **part)
{
	unsigned int n, parts;

	memcpy(copy, v->held.part, v->held.writable * sizeof(*copy));
	parts = cw_parts_skip(copy, v->held.writable, CW_VSOCK_HDR, part);
	for (n = 0; n < parts && most; n++) {
		if ((*part)[n].len > most)
			(*part)[n].len = most;
		most -= (uint32_t)(*part)[n].len;
	}
	return n;
}

/* The owner's end has come to its end; with nobody to send to either, so has the connection. */
static void no_more_input(struct cw_vsock_device *v, unsigned int i)
{
	struct cw_vsock_device_conn *c = &v->conn[i];

	set_readable(v, i, false);
	c->over = true;
	cw_vsock_shut(&v->vsock, i, c->hung ? CW_VSOCK_SHUT_BOTH : CW_VSOCK_SHUT_SEND);
}

/* Fills the held buffer from one connection. */
static void send_data(struct cw_vsock_device *v, unsigned int i)
{
	struct cw_part copy[CW_VSOCK_PARTS], *part;
	unsigned int n = cut(v, cw_vsock_may_send(&v->state[i]), copy, &part);
	struct cw_abi_vsock_hdr h;
	bool end = false;
	int got = v->ops->input(v->ctx, i, part, n, &end);

	if (!v->conn[i].used)
		return;
	if (got > 0) {
		cw_vsock_data(&v->vsock, i, (uint32_t)got, end, &h);
		give(v, &h, (uint32_t)got);
	} else if (got == CW_EAGAIN) {
		set_readable(v, i, false);
	} else if (!got) {
		no_more_input(v, i);
	} else {
		cw_vsock_device_abort(v, i);
	}
}

/* Whose turn it is to send data, or -1. */
static int next_sender(struct cw_vsock_device *v)
{
	for (unsigned int n = 0; v->readables && n < v->vsock.conns; n++) {
		v->turn = v->turn + 1 < v->vsock.conns ? v->turn + 1 : 0;
		if (v->conn[v->turn].readable && cw_vsock_may_send(&v->state[v->turn]))
			return (int)v->turn;
	}
	return -1;
}

static int serve_rx(struct cw_vsock_device *v)
{
	struct cw_abi_vsock_hdr h;
	int got = 1;

	for (unsigned int n = 0; n < CW_SERVE_BUDGET; n++) {
		bool wants = cw_vsock_wants(&v->vsock);
		int i = wants ? -1 : next_sender(v);

		if (!wants && i < 0)
			return CW_SERVE_PARKED;
		got = hold(v);
		if (got <= 0)
			return got ? got : CW_SERVE_DRAINED;
		if (wants && cw_vsock_next(&v->vsock, &h))
			give(v, &h, 0);
		else if (i >= 0)
			send_data(v, (unsigned int)i);
	}
	return CW_SERVE_MORE;
}

static int serve(struct cw_device *d, unsigned int q)
{
	struct cw_vsock_device *v = self(d);
	int ret;

	if (q == CW_VSOCK_QUEUE_TX)
		return serve_tx(v);
	if (q == CW_VSOCK_QUEUE_EVENT)
		return CW_SERVE_PARKED; /* the remote's address never changes while a link is up */
	ret = serve_rx(v);
	cw_device_publish(d, q);
	return ret;
}

/* ---- state ---- */

static void reset(struct cw_device *d, int q)
{
	struct cw_vsock_device *v = self(d);

	if (q < 0 || q == (int)CW_VSOCK_QUEUE_RX)
		v->has_held = false;
	if (q >= 0)
		return;
	for (unsigned int i = 0; i < v->vsock.conns; i++)
		forget(v, i);
	cw_vsock_init(&v->vsock, v->state, v->vsock.conns, v->vsock.cid, v->vsock.peer,
		      v->vsock.room);
}

static const struct cw_device_ops vsock_ops = { .serve = serve, .reset = reset };

int cw_vsock_device_dial(struct cw_vsock_device *v, uint32_t port, bool message)
{
	int i;

	if (!cw_device_running(&v->dev) ||
	    (message && !cw_device_has(&v->dev, CW_VSOCK_F_SEQPACKET)))
		return CW_EDOWN;
	i = cw_vsock_call(&v->vsock, CW_VSOCK_PORT_ANY, port,
			  message ? CW_VSOCK_SEQPACKET : CW_VSOCK_STREAM);
	if (i < 0)
		return i;
	begin(v, (unsigned int)i);
	wake_rx(v);
	return i;
}

void cw_vsock_device_readable(struct cw_vsock_device *v, unsigned int i)
{
	if (!v->conn[i].used || v->conn[i].over)
		return;
	set_readable(v, i, true);
	wake_rx(v);
}

void cw_vsock_device_writable(struct cw_vsock_device *v, unsigned int i)
{
	if (v->conn[i].used)
		drain(v, i);
}

void cw_vsock_device_hung(struct cw_vsock_device *v, unsigned int i)
{
	v->conn[i].hung = true;
	if (v->conn[i].used && dead_both_ways(v, i)) {
		cw_vsock_device_abort(v, i);
	} else if (v->conn[i].used && v->conn[i].over) {
		no_more_input(v, i);
		wake_rx(v);
	} else {
		cw_vsock_device_readable(v, i);
	}
}

int cw_vsock_device_init(struct cw_vsock_device *v, const struct cw_vsock_device_ops *ops,
			 void *ctx, uint64_t cid, const struct cw_vsock_device_memory *m,
			 struct cw_device_queue *queue)
{
	memset(v, 0, sizeof(*v));
	if (cid < CW_VSOCK_CID_MIN || cid >= UINT32_MAX || !m->conns || m->conns > UINT16_MAX ||
	    m->room < 4096 || m->room & (m->room - 1))
		return CW_EINVAL;
	v->ops = ops;
	v->ctx = ctx;
	v->state = m->state;
	v->conn = m->conn;
	v->dirty = m->dirty;
	memset(v->conn, 0, m->conns * sizeof(*v->conn));
	for (unsigned int i = 0; i < m->conns; i++)
		cw_vsock_fifo_init(&v->conn[i].fifo,
				   m->bytes + (size_t)i * cw_vsock_fifo_bytes(m->room), m->room);
	cw_vsock_init(&v->vsock, m->state, m->conns, CW_VSOCK_CID_HOST, cid, m->room);
	cw_set_le32_pair(v->config.guest_cid, cid);
	return cw_device_init(&v->dev, &vsock_ops, CW_ID_VSOCK,
			      CW_VSOCK_F_STREAM | CW_VSOCK_F_SEQPACKET, (const uint8_t *)&v->config,
			      sizeof(v->config), queue, CW_VSOCK_QUEUES);
}
