// SPDX-License-Identifier: BSD-3-Clause
/* The calls of sockets, on what driver/vsock.c moves. */
#include <causeway/core/err.h>
#include <causeway/core/gate.h>

#include "vsock_priv.h"

#define LEAVE_US 8000000u /* for the other end to agree to an end */

static bool exists(const struct cw_vsock_driver *v, int s)
{
	return v->memory && s >= 0 && (unsigned int)s < v->memory->sockets &&
	       v->memory->conn[s].held && !v->memory->socket[s].waiting;
}

static int known_type(const struct cw_vsock_driver *v, uint16_t type)
{
	if (type != CW_VSOCK_STREAM && type != CW_VSOCK_SEQPACKET)
		return CW_EINVAL;
	return type == CW_VSOCK_SEQPACKET && !cw_vdev_has(&v->vdev, CW_VSOCK_F_SEQPACKET)
		       ? CW_ENOTSUP
		       : CW_OK;
}

/* Polls, then says what the caller does next: 0: look again; else the error to return. */
static int wait(struct cw_vsock_driver *v, struct cw_drvq *q, uint64_t timeout, uint64_t end)
{
	int err;

	if (!timeout)
		return CW_EAGAIN;
	err = cw_vdev_wait(&v->vdev, q, end);
	return err ? err : cw_vsock_poll(v);
}

static uint64_t end_of(struct cw_vsock_driver *v, uint64_t timeout)
{
	return timeout ? cw_vdev_end(&v->vdev, timeout) : 0;
}

/* ---- coming ---- */

int cw_vsock_listen(struct cw_vsock_driver *v, uint32_t port, uint16_t type, uint16_t backlog)
{
	int err = cw_vdev_check(&v->vdev), place = -1;

	err = err ? err : known_type(v, type);
	if (!err && (!backlog || port == CW_VSOCK_PORT_ANY))
		err = CW_EINVAL;
	for (int l = 0; !err && l < (int)CW_VSOCK_LISTENERS; l++) {
		if (v->listener[l].type == type && v->listener[l].port == port)
			err = CW_EBUSY;
		else if (!v->listener[l].type && place < 0)
			place = l;
	}
	if (err || place < 0)
		return err ? err : CW_ENOSPC;
	v->listener[place].port = port;
	v->listener[place].type = type;
	v->listener[place].backlog = backlog;
	return CW_OK;
}

static int next_waiting(const struct cw_vsock_driver *v, uint32_t port, uint16_t type)
{
	const struct cw_vsock_memory *m = v->memory;

	for (unsigned int i = 0; i < m->sockets; i++)
		if (m->socket[i].waiting && m->conn[i].port == port && m->conn[i].type == type)
			return (int)i;
	return -1;
}

bool cw_vsock_waiting(const struct cw_vsock_driver *v, uint32_t port, uint16_t type)
{
	return v->memory && next_waiting(v, port, type) >= 0;
}

void cw_vsock_unlisten(struct cw_vsock_driver *v, uint32_t port, uint16_t type)
{
	int i;

	for (unsigned int l = 0; l < CW_VSOCK_LISTENERS; l++)
		if (v->listener[l].type == type && v->listener[l].port == port)
			v->listener[l].type = 0;
	while ((i = next_waiting(v, port, type)) >= 0) {
		v->memory->socket[i].waiting = false;
		v->memory->conn[i].held = false;
		cw_vsock_reset(&v->vsock, (unsigned int)i);
	}
	cw_vsock_poll(v);
}

int cw_vsock_accept(struct cw_vsock_driver *v, uint32_t port, uint16_t type, uint64_t timeout)
{
	uint64_t end = end_of(v, timeout);
	int err = cw_vsock_poll(v), i = -1;

	while (!err && (i = next_waiting(v, port, type)) < 0)
		err = wait(v, &v->rx.q, timeout, end);
	if (err)
		return err;
	v->memory->socket[i].waiting = false;
	return i;
}

/* ---- going ---- */

static int answered(struct cw_vsock_driver *v, int s, uint64_t timeout)
{
	uint64_t end = end_of(v, timeout);
	int err = CW_OK;

	while (!err && v->memory->conn[s].state == CW_VSOCK_CALLING)
		err = wait(v, &v->rx.q, timeout, end);
	if (!err && v->memory->socket[s].ended)
		err = CW_ECLOSED;
	if (err)
		cw_vsock_close(v, s);
	return err ? err : s;
}

int cw_vsock_connect(struct cw_vsock_driver *v, uint32_t port, uint16_t type, uint64_t timeout)
{
	int err = cw_vsock_poll(v), s;

	err = err ? err : known_type(v, type);
	if (err)
		return err;
	s = cw_vsock_call(&v->vsock, CW_VSOCK_PORT_ANY, port, type);
	if (s < 0)
		return s;
	cw_vsock_begin_(v, (unsigned int)s, false);
	err = cw_vsock_poll(v);
	if (err)
		return err;
	return timeout ? answered(v, s, timeout) : s;
}

static bool takes_nothing(const struct cw_vsock_driver *v, int s)
{
	const struct cw_vsock_conn *c = &v->memory->conn[s];

	return (c->state != CW_VSOCK_UP && c->state != CW_VSOCK_CALLING) ||
	       c->shut & CW_VSOCK_SHUT_SEND || c->peer_shut & CW_VSOCK_SHUT_RCV;
}

/* Waits for room for @least bytes and a buffer: 1, or an error. */
static int want_room(struct cw_vsock_driver *v, int s, uint32_t least, uint64_t timeout,
		     uint64_t end)
{
	bool polled = false;
	int got = 0;

	for (;;) {
		bool room = cw_vsock_may_send(&v->memory->conn[s]) >= least;

		if (takes_nothing(v, s))
			return CW_ECLOSED;
		/* What a connection has to say comes before its bytes. */
		if (room && !cw_vsock_wants(&v->vsock) && (got = cw_vsock_buffer_(v)))
			return got;
		if (polled) {
			got = wait(v, room || cw_vsock_wants(&v->vsock) ? &v->tx.q : &v->rx.q,
				   timeout, end);
		} else { /* which may bring what would be waited for */
			if (!room && least > 1)
				cw_vsock_ask_room(&v->vsock, (unsigned int)s);
			got = cw_vsock_poll(v);
			polled = true;
		}
		if (got)
			return got;
	}
}

static uint32_t send_some(struct cw_vsock_driver *v, int s, const uint8_t *from, uint32_t len,
			  bool message)
{
	uint32_t most = v->buffer - CW_VSOCK_HDR, room = cw_vsock_may_send(&v->memory->conn[s]);
	uint32_t n = len < most ? len : most;
	struct cw_abi_vsock_hdr h;

	n = n < room ? n : room;
	cw_vsock_data(&v->vsock, (unsigned int)s, n, message && n == len, &h);
	cw_vsock_put_(v, &h, from, n);
	return n;
}

/* Small pieces go together while the device has others to work on: 0 when they cannot. */
static uint32_t collect(struct cw_vsock_driver *v, int s, const uint8_t *from, uint32_t len)
{
	uint32_t most = v->buffer - CW_VSOCK_HDR, had = v->open == s ? v->open_len : 0;

	if (!cw_vsock_busy_(v) || len > most - had || cw_vsock_wants(&v->vsock) ||
	    cw_vsock_may_send(&v->memory->conn[s]) < had + len)
		return 0;
	if (v->open != s) {
		cw_vsock_flush_(v);
		if (len > most / 2 || !v->tx.free)
			return 0;
		cw_vsock_collect_(v, s);
	}
	cw_vsock_append_(v, from, len);
	return len;
}

static int send_stream(struct cw_vsock_driver *v, int s, const uint8_t *from, uint32_t len,
		       uint64_t timeout)
{
	uint64_t end = end_of(v, timeout);
	uint32_t done = 0;
	int got = 1;

	/* Waits for the first byte only, as sockets do. */
	while (done < len && (got = want_room(v, s, 1, done ? 0 : timeout, end)) > 0) {
		uint32_t n = collect(v, s, from + done, len - done);

		if (!n) {
			cw_vsock_flush_(v);
			if (!cw_vsock_may_send(&v->memory->conn[s]) || !v->tx.free)
				continue;
			n = send_some(v, s, from + done, len - done, false);
		}
		done += n;
	}
	return done ? (int)done : got < 0 ? got : 0;
}

static int send_message(struct cw_vsock_driver *v, int s, const uint8_t *from, uint32_t len,
			uint64_t timeout)
{
	uint64_t end = end_of(v, timeout);
	uint32_t done = 0;
	int got;

	if (!len || (v->memory->conn[s].state == CW_VSOCK_UP && len > v->memory->conn[s].peer_room))
		return CW_EINVAL;
	got = want_room(v, s, len, timeout, end);
	if (got < 0)
		return got;
	/* The rest needs buffers only, which a device gives back whatever else happens. */
	end = cw_vdev_end(&v->vdev, LEAVE_US);
	while (done < len) {
		done += send_some(v, s, from + done, len - done, true);
		got = done < len ? want_room(v, s, 1, LEAVE_US, end) : 1;
		if (got < 0) {
			cw_vsock_reset(&v->vsock, (unsigned int)s);
			cw_vsock_ended_(v, (unsigned int)s);
			return got;
		}
	}
	return (int)done;
}

int cw_vsock_send(struct cw_vsock_driver *v, int s, const void *buf, uint32_t len, uint64_t timeout)
{
	int got;

	/* The short way for a small piece: nothing of the other side is looked at. */
	if (v->open == s && s >= 0 && !v->vdev.dead && collect(v, s, buf, len))
		return (int)len;
	got = cw_vsock_poll(v);
	if (!got && (!exists(v, s) || len > INT32_MAX))
		got = CW_EINVAL;
	if (!got)
		got = v->memory->conn[s].type == CW_VSOCK_SEQPACKET
			      ? send_message(v, s, buf, len, timeout)
			      : send_stream(v, s, buf, len, timeout);
	if (!v->vdev.dead)
		cw_vdev_publish(&v->vdev, CW_VSOCK_QUEUE_TX, &v->tx.q);
	return got;
}

/* ---- receiving ---- */

/* Bytes that one call gives, or why there are none: 0 at the end, CW_EAGAIN, an error. */
static int readable(const struct cw_vsock_driver *v, int s, uint32_t len)
{
	const struct cw_vsock_socket *k = &v->memory->socket[s];
	const struct cw_vsock_conn *c = &v->memory->conn[s];
	uint32_t have = k->fifo.len;

	if (c->type == CW_VSOCK_SEQPACKET) {
		have = cw_vsock_fifo_message(&k->fifo);
		if (have > len)
			return CW_ENOSPC;
	}
	if (have)
		return (int)(have < len ? have : len);
	if (k->ended)
		return k->in_order ? 0 : CW_ECLOSED;
	return c->peer_shut & CW_VSOCK_SHUT_SEND || c->shut & CW_VSOCK_SHUT_RCV ? 0 : CW_EAGAIN;
}

static void take_out(struct cw_vsock_driver *v, int s, uint8_t *to, uint32_t len)
{
	struct cw_vsock_fifo *f = &v->memory->socket[s].fifo;
	struct cw_part part[2];
	unsigned int n = cw_vsock_fifo_peek(f, len, part);

	for (unsigned int i = 0; i < n; i++) {
		memcpy(to, part[i].ptr, part[i].len);
		to += part[i].len;
	}
	cw_vsock_fifo_skip(f, len);
	cw_vsock_took(&v->vsock, (unsigned int)s, len);
	cw_vsock_agree_(v, (unsigned int)s);
}

int cw_vsock_recv(struct cw_vsock_driver *v, int s, void *buf, uint32_t len, uint64_t timeout)
{
	uint64_t end = end_of(v, timeout);
	int err = cw_vsock_poll(v), got = CW_EAGAIN;

	if (!err && (!exists(v, s) || !len || len > INT32_MAX))
		err = CW_EINVAL;
	while (!err && (got = readable(v, s, len)) == CW_EAGAIN)
		err = wait(v, &v->rx.q, timeout, end);
	if (err || got <= 0)
		return err ? err : got;
	take_out(v, s, buf, (uint32_t)got);
	if (cw_vsock_wants(&v->vsock)) /* there is room again: the other end may wait for it */
		cw_vsock_poll(v);
	return got;
}

/* ---- leaving ---- */

int cw_vsock_shutdown(struct cw_vsock_driver *v, int s, unsigned int how)
{
	int err = cw_vsock_poll(v);

	if (err || !exists(v, s) || how & ~CW_VSOCK_SHUT_BOTH)
		return err ? err : CW_EINVAL;
	if (v->memory->conn[s].state != CW_VSOCK_UP)
		return CW_ECLOSED;
	cw_vsock_shut(&v->vsock, (unsigned int)s, how);
	v->memory->socket[s].leave_by = cw_vdev_end(&v->vdev, LEAVE_US);
	return cw_vsock_poll(v);
}

void cw_vsock_close(struct cw_vsock_driver *v, int s)
{
	if (!exists(v, s))
		return;
	if (!v->vdev.dead)
		cw_vsock_flush_(v);
	if (v->memory->conn[s].peer_shut == CW_VSOCK_SHUT_BOTH)
		cw_vsock_reset(&v->vsock, (unsigned int)s); /* what it said will not be read */
	else
		cw_vsock_shut(&v->vsock, (unsigned int)s, CW_VSOCK_SHUT_BOTH);
	v->memory->socket[s].leave_by = cw_vdev_end(&v->vdev, LEAVE_US);
	v->memory->conn[s].held = false;
	cw_vsock_poll(v);
}

unsigned int cw_vsock_events(const struct cw_vsock_driver *v, int s)
{
	unsigned int events = 0;

	if (!exists(v, s))
		return 0;
	if (readable(v, s, INT32_MAX) != CW_EAGAIN)
		events |= CW_VSOCK_IN;
	if (cw_vsock_may_send(&v->memory->conn[s]))
		events |= CW_VSOCK_OUT;
	if (v->memory->socket[s].ended)
		events |= CW_VSOCK_END;
	return events;
}
