// SPDX-License-Identifier: BSD-3-Clause
/*
 * Socket driver: set-up and packets; driver/vsock_socket.c has the calls of sockets.
 *
 * Theory of operation: core/vsock.c knows the rules of connections, the same as on the other side. Each
 * direction has buffers in the block; a packet that came is copied out once, header first, and its
 * buffer goes back to the device at once. What is to be said waits in bits of its connection until there
 * is a buffer to say it in.
 */
#include <causeway/core/err.h>
#include <causeway/core/gate.h>
#include <causeway/core/shm.h>

#include "vsock_priv.h"

#define ALL (CW_VSOCK_BUFFERS < 32 ? (1u << (CW_VSOCK_BUFFERS % 32)) - 1u : UINT32_MAX)

_Static_assert(CW_VSOCK_BUFFERS >= 2 && CW_VSOCK_BUFFERS <= 32 &&
		       !(CW_VSOCK_BUFFERS & (CW_VSOCK_BUFFERS - 1)),
	       "a power of two");

static void *cookie_of(uint32_t b)
{
	return (void *)(uintptr_t)b;
}

static void give(struct cw_vsock_driver *v, struct cw_vsock_queue *q, uint32_t b, uint32_t len,
		 unsigned int readable)
{
	struct cw_buf buf = { q->addr + (cw_addr_t)b * v->buffer, len };

	q->free &= ~(1u << b);
	if (cw_drvq_add(&q->q, &buf, readable, 1 - readable, cookie_of(b)))
		cw_vdev_fail(&v->vdev, CW_EPEER);
}

/* Takes a buffer back from the device: 1, 0 or an error. */
static int take(struct cw_vsock_driver *v, struct cw_vsock_queue *q, uint32_t *b, uint32_t *len)
{
	void *cookie;
	int got = cw_vdev_get(&v->vdev, &q->q, &cookie, len);

	if (got > 0) {
		*b = (uint32_t)(uintptr_t)cookie;
		q->free |= 1u << *b;
	}
	return got;
}

/* ---- set-up ---- */

static uint64_t read_cid(struct cw_vsock_driver *v)
{
	struct cw_abi_vsock_config c = { 0 };

	cw_vdev_config(&v->vdev, 0, &c, sizeof(c));
	return cw_get_le32_pair(c.guest_cid);
}

static void forget_all(struct cw_vsock_driver *v)
{
	const struct cw_vsock_memory *m = v->memory;

	cw_vsock_init(&v->vsock, m->conn, m->sockets, read_cid(v), CW_VSOCK_CID_HOST, m->room);
	memset(m->socket, 0, m->sockets * sizeof(*m->socket));
	memset(m->bytes, 0, (size_t)m->sockets * cw_vsock_fifo_bytes(m->room));
	for (unsigned int i = 0; i < m->sockets; i++)
		cw_vsock_fifo_init(&m->socket[i].fifo,
				   m->bytes + (size_t)i * cw_vsock_fifo_bytes(m->room), m->room);
}

static void open_queue(struct cw_vsock_driver *v, unsigned int i, struct cw_vsock_queue *q)
{
	cw_vdev_queue(&v->vdev, i, &q->q, q->slot, CW_VSOCK_BUFFERS);
	q->free = ALL;
}

static void open_buffers(struct cw_vsock_driver *v, struct cw_vsock_queue *q)
{
	q->mem = cw_vdev_alloc(&v->vdev, q->q.size * v->buffer, &q->addr);
	if (q->q.size < CW_VSOCK_BUFFERS) /* a device with smaller queues has fewer */
		q->free = (1u << q->q.size) - 1u;
}

static void give_event(struct cw_vsock_driver *v, uint32_t b)
{
	struct cw_buf buf = { v->event_addr + (cw_addr_t)b * sizeof(struct cw_abi_vsock_event),
			      sizeof(struct cw_abi_vsock_event) };

	if (cw_drvq_add(&v->event, &buf, 0, 1, cookie_of(b)))
		cw_vdev_fail(&v->vdev, CW_EPEER);
}

static void open_memory(struct cw_vsock_driver *v)
{
	uint32_t size;

	v->event_mem = cw_vdev_alloc(&v->vdev,
				     CW_VSOCK_EVENTS * (uint32_t)sizeof(struct cw_abi_vsock_event),
				     &v->event_addr);
	if (v->vdev.dead)
		return;
	size = cw_vdev_room(&v->vdev) / (v->rx.q.size + (uint32_t)v->tx.q.size);
	size = size < CW_VSOCK_BUFFER_MAX ? size : CW_VSOCK_BUFFER_MAX;
	v->buffer = size & ~(v->vdev.t->line - 1);
	if (v->buffer < CW_VSOCK_BUFFER) {
		cw_vdev_fail(&v->vdev, CW_ENOSPC);
		return;
	}
	open_buffers(v, &v->rx);
	open_buffers(v, &v->tx);
	for (uint32_t b = 0; b < v->rx.q.size && !v->vdev.dead; b++)
		give(v, &v->rx, b, v->buffer, 0);
	for (uint32_t b = 0; b < v->event.size && !v->vdev.dead; b++)
		give_event(v, b);
	cw_drvq_disarm(&v->tx.q);
}

int cw_vsock_open(struct cw_vsock_driver *v, struct cw_transport *t,
		  const struct cw_vsock_memory *m)
{
	uint32_t port = v->vsock.next_port;

	memset(v, 0, sizeof(*v));
	v->vsock.next_port = port; /* see cw_vsock_init() */
	v->open = -1;
	if (!m->sockets || m->room < 256 || m->room > 1u << 30 || m->room & (m->room - 1))
		return v->vdev.dead = CW_EINVAL;
	v->memory = m;
	cw_vdev_open(&v->vdev, t, CW_ID_VSOCK, CW_VSOCK_F_STREAM | CW_VSOCK_F_SEQPACKET);
	cw_vdev_accept(&v->vdev);
	forget_all(v);
	open_queue(v, CW_VSOCK_QUEUE_RX, &v->rx);
	open_queue(v, CW_VSOCK_QUEUE_TX, &v->tx);
	cw_vdev_queue(&v->vdev, CW_VSOCK_QUEUE_EVENT, &v->event, v->event_slot, CW_VSOCK_EVENTS);
	if (!v->vdev.dead)
		open_memory(v);
	if (cw_vdev_start(&v->vdev))
		return v->vdev.dead;
	cw_vdev_publish(&v->vdev, CW_VSOCK_QUEUE_RX, &v->rx.q);
	cw_vdev_publish(&v->vdev, CW_VSOCK_QUEUE_EVENT, &v->event);
	return CW_OK;
}

/* ---- packets that come ---- */

static unsigned int waiting(const struct cw_vsock_driver *v, uint32_t port, uint16_t type)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < v->memory->sockets; i++)
		n += v->memory->socket[i].waiting && v->memory->conn[i].port == port &&
		     v->memory->conn[i].type == type;
	return n;
}

static bool may_come(const struct cw_vsock_driver *v, const struct cw_vsock_conn *c)
{
	for (unsigned int l = 0; l < CW_VSOCK_LISTENERS; l++)
		if (v->listener[l].type == c->type && v->listener[l].port == c->port)
			return waiting(v, c->port, c->type) < v->listener[l].backlog;
	return false;
}

void cw_vsock_begin_(struct cw_vsock_driver *v, unsigned int i, bool accepted)
{
	struct cw_vsock_socket *s = &v->memory->socket[i];

	cw_vsock_fifo_skip(&s->fifo, s->fifo.len);
	s->leave_by = 0;
	s->waiting = accepted;
	s->ended = s->in_order = false;
	v->memory->conn[i].held = true;
}

static void asked(struct cw_vsock_driver *v, unsigned int i)
{
	bool yes = may_come(v, &v->memory->conn[i]);

	if (yes)
		cw_vsock_begin_(v, i, true);
	cw_vsock_answer(&v->vsock, i, yes);
}

void cw_vsock_ended_(struct cw_vsock_driver *v, unsigned int i)
{
	struct cw_vsock_socket *s = &v->memory->socket[i];
	struct cw_vsock_conn *c = &v->memory->conn[i];

	s->ended = true;
	s->in_order = c->peer_shut & CW_VSOCK_SHUT_SEND;
	if (s->waiting && !s->fifo.len) { /* gone before anybody saw it */
		s->waiting = false;
		c->held = false;
	}
}

/* The other end left: agreed, once all it said is read. */
void cw_vsock_agree_(struct cw_vsock_driver *v, unsigned int i)
{
	struct cw_vsock_conn *c = &v->memory->conn[i];

	if (c->state != CW_VSOCK_UP || c->peer_shut != CW_VSOCK_SHUT_BOTH ||
	    v->memory->socket[i].fifo.len)
		return;
	cw_vsock_reset(&v->vsock, i);
	cw_vsock_ended_(v, i);
}

static void take_data(struct cw_vsock_driver *v, unsigned int i, const struct cw_abi_vsock_hdr *h,
		      uint8_t *at, uint32_t len)
{
	struct cw_vsock_fifo *f = &v->memory->socket[i].fifo;
	bool message = v->memory->conn[i].type == CW_VSOCK_SEQPACKET;
	struct cw_part part = { at, len };
	const struct cw_chain chain = { .part = &part, .readable = 1, .readable_len = len };

	cw_vsock_fifo_put(f, &chain, 0, len, message && cw_get_le32(h->flags) & CW_VSOCK_SEQ_EOM);
	/* Full, and no message is whole: it will never be. */
	if (message && f->len == f->size && !f->messages) {
		cw_vsock_reset(&v->vsock, i);
		cw_vsock_ended_(v, i);
	}
}

static void came(struct cw_vsock_driver *v, uint8_t *at, uint32_t len)
{
	struct cw_abi_vsock_hdr h;
	unsigned int i = 0;

	if (len < CW_VSOCK_HDR) {
		v->strange++;
		return;
	}
	cw_copy_in(&h, at, CW_VSOCK_HDR);
	switch (cw_vsock_take(&v->vsock, &h, len - CW_VSOCK_HDR, &i)) {
	case CW_VSOCK_ASKED:
		asked(v, i);
		break;
	case CW_VSOCK_DATA:
		take_data(v, i, &h, at + CW_VSOCK_HDR, len - CW_VSOCK_HDR);
		break;
	case CW_VSOCK_SHUT:
		cw_vsock_agree_(v, i);
		break;
	case CW_VSOCK_ENDED:
		cw_vsock_ended_(v, i);
		break;
	default:
		break;
	}
}

static int receive(struct cw_vsock_driver *v)
{
	uint32_t b, len;
	int got = 0;

	/* At most once around, so that a device that gives without end does not hold us. */
	for (unsigned int n = 0; n < v->rx.q.size; n++) {
		got = take(v, &v->rx, &b, &len);
		if (got <= 0)
			break;
		came(v, v->rx.mem + (size_t)b * v->buffer, len);
		give(v, &v->rx, b, v->buffer, 0);
	}
	cw_vdev_publish(&v->vdev, CW_VSOCK_QUEUE_RX, &v->rx.q);
	return got < 0 ? got : v->vdev.dead;
}

/* All connections are over, and this side may have another address. */
static void start_over(struct cw_vsock_driver *v)
{
	const struct cw_vsock_memory *m = v->memory;

	v->resets++;
	for (unsigned int i = 0; i < m->sockets; i++) {
		struct cw_vsock_conn *c = &m->conn[i];

		if (c->state != CW_VSOCK_FREE)
			cw_vsock_ended_(v, i);
		/* What came before may still be read, and accepted. */
		c->state = CW_VSOCK_FREE;
		c->tell = 0;
	}
	v->vsock.tells = v->vsock.refusals = 0;
	v->vsock.cid = read_cid(v);
}

static int events(struct cw_vsock_driver *v)
{
	struct cw_abi_vsock_event e;
	void *cookie;
	uint32_t len, b;
	int got = 0;

	for (unsigned int n = 0; n < v->event.size; n++) {
		got = cw_vdev_get(&v->vdev, &v->event, &cookie, &len);
		if (got <= 0)
			break;
		b = (uint32_t)(uintptr_t)cookie;
		cw_copy_in(&e, v->event_mem + b * sizeof(e), sizeof(e));
		if (len >= sizeof(e) && cw_get_le32(e.id) == CW_VSOCK_EVENT_RESET)
			start_over(v);
		else
			v->strange++;
		give_event(v, b);
	}
	cw_vdev_publish(&v->vdev, CW_VSOCK_QUEUE_EVENT, &v->event);
	return got < 0 ? got : v->vdev.dead;
}

/* ---- packets that go ---- */

/* Whether there is a buffer for output; 0 or 1, or an error. */
int cw_vsock_buffer_(struct cw_vsock_driver *v)
{
	uint32_t b, len;
	int got = 1;

	while (got > 0 && v->tx.free != ALL)
		got = take(v, &v->tx, &b, &len);
	if (got < 0)
		return got;
	v->tx_wanted = !v->tx.free;
	return v->tx.free != 0;
}

void cw_vsock_put_(struct cw_vsock_driver *v, const struct cw_abi_vsock_hdr *h, const void *data,
		   uint32_t len)
{
	uint32_t b = (uint32_t)__builtin_ctz(v->tx.free);
	uint8_t *at = v->tx.mem + (size_t)b * v->buffer;

	cw_copy_out(at, h, CW_VSOCK_HDR);
	if (len)
		cw_copy_out(at + CW_VSOCK_HDR, data, len);
	give(v, &v->tx, b, CW_VSOCK_HDR + len, 1);
}

bool cw_vsock_busy_(const struct cw_vsock_driver *v)
{
	uint32_t all = v->tx.q.size < 32 ? (1u << v->tx.q.size) - 1u : UINT32_MAX;

	return v->tx.free != (v->open < 0 ? all : all & ~(1u << v->open_buffer));
}

void cw_vsock_collect_(struct cw_vsock_driver *v, int s)
{
	v->open = s;
	v->open_buffer = (uint32_t)__builtin_ctz(v->tx.free);
	v->open_len = 0;
	v->tx.free &= ~(1u << v->open_buffer);
}

void cw_vsock_append_(struct cw_vsock_driver *v, const void *data, uint32_t len)
{
	uint8_t *at = v->tx.mem + (size_t)v->open_buffer * v->buffer + CW_VSOCK_HDR;

	cw_copy_out(at + v->open_len, data, len);
	v->open_len += len;
}

void cw_vsock_flush_(struct cw_vsock_driver *v)
{
	struct cw_abi_vsock_hdr h;

	if (v->open < 0)
		return;
	if (v->open_len && cw_vsock_may_send(&v->memory->conn[v->open]) >= v->open_len) {
		cw_vsock_data(&v->vsock, (unsigned int)v->open, v->open_len, false, &h);
		cw_copy_out(v->tx.mem + (size_t)v->open_buffer * v->buffer, &h, CW_VSOCK_HDR);
		give(v, &v->tx, v->open_buffer, CW_VSOCK_HDR + v->open_len, 1);
	} else { /* the connection ended meanwhile */
		v->tx.free |= 1u << v->open_buffer;
	}
	v->open = -1;
}

static int say(struct cw_vsock_driver *v)
{
	struct cw_abi_vsock_hdr h;
	int got = 1;

	cw_vsock_flush_(v); /* a shutdown comes behind what was sent before it */
	while (cw_vsock_wants(&v->vsock) && (got = cw_vsock_buffer_(v)) > 0)
		if (cw_vsock_next(&v->vsock, &h))
			cw_vsock_put_(v, &h, NULL, 0);
	cw_vdev_publish(&v->vdev, CW_VSOCK_QUEUE_TX, &v->tx.q);
	return got < 0 ? got : v->vdev.dead;
}

static void give_up(struct cw_vsock_driver *v)
{
	const struct cw_vsock_memory *m = v->memory;
	uint64_t now = 0;

	for (unsigned int i = 0; i < m->sockets; i++) {
		if (m->conn[i].state != CW_VSOCK_LEAVING || m->conn[i].held)
			continue;
		now = now ? now : v->vdev.t->ops->now(v->vdev.t);
		if (now >= m->socket[i].leave_by)
			cw_vsock_reset(&v->vsock, i);
	}
}

int cw_vsock_poll(struct cw_vsock_driver *v)
{
	int err = cw_vdev_look(&v->vdev);

	err = err ? err : events(v);
	err = err ? err : receive(v);
	if (err)
		return err;
	give_up(v);
	return say(v);
}

bool cw_vsock_arm(struct cw_vsock_driver *v)
{
	bool news;

	if (!v->vdev.dead && v->open >= 0) {
		cw_vsock_flush_(v);
		cw_vdev_publish(&v->vdev, CW_VSOCK_QUEUE_TX, &v->tx.q);
	}
	news = cw_vdev_arm(&v->vdev, &v->rx.q);
	news |= cw_vdev_arm(&v->vdev, &v->event);
	if (v->tx_wanted || cw_vsock_wants(&v->vsock))
		news |= cw_vdev_arm(&v->vdev, &v->tx.q);
	return news;
}
