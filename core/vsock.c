// SPDX-License-Identifier: BSD-3-Clause
/*
 * Connections of a socket device.
 *
 * Theory of operation: both sides are alike, so there is one set of rules (virtio 1.3 section 5.10.6).
 * What has to be said is a set of bits a connection, sent when there is a buffer for it: nothing queues
 * up, however often a peer provokes an answer. Packets for connections that do not exist are refused
 * from a short list; when that is full they are dropped, as their sender cannot have waited for
 * CW_VSOCK_REFUSALS answers at once.
 *
 * A peer that sends more than it was given room for, or what does not fit the state, loses that
 * connection. Its counters are taken as they are: the worst they can say is that nothing may be sent.
 */
#include <causeway/core/bytes.h>
#include <causeway/core/err.h>
#include <causeway/core/gate.h>
#include <causeway/core/vsock.h>

#define TELL_REQUEST  1u
#define TELL_RESPONSE 2u
#define TELL_SHUTDOWN 4u
#define TELL_ROOM     8u
#define TELL_ASK      16u
#define TELL_RESET    32u /* last: nothing is said after it */

void cw_vsock_init(struct cw_vsock *v, struct cw_vsock_conn *conn, unsigned int conns, uint64_t cid,
		   uint64_t peer, uint32_t room)
{
	uint32_t strange = v->strange, next = v->next_port;

	memset(v, 0, sizeof(*v));
	memset(conn, 0, conns * sizeof(*conn));
	v->conn = conn;
	v->conns = conns;
	v->cid = cid;
	v->peer = peer;
	v->room = room;
	v->strange = strange;
	/* Not those of the life before, whose packets may still be on their way. */
	v->next_port = next < CW_VSOCK_PORT_FREE ? CW_VSOCK_PORT_FREE : next;
}

static void tell(struct cw_vsock *v, struct cw_vsock_conn *c, uint8_t what)
{
	v->tells += !c->tell;
	c->tell |= what;
}

static void told(struct cw_vsock *v, struct cw_vsock_conn *c, uint8_t what)
{
	uint8_t before = c->tell;

	c->tell = (uint8_t)(before & ~what);
	v->tells -= before && !c->tell;
}

static struct cw_vsock_conn *find(struct cw_vsock *v, uint32_t port, uint32_t peer_port,
				  uint16_t type)
{
	for (unsigned int n = 0; n < v->conns; n++) {
		unsigned int i = v->last + n < v->conns ? v->last + n : v->last + n - v->conns;
		struct cw_vsock_conn *c = &v->conn[i];

		if (c->state == CW_VSOCK_FREE || c->port != port || c->peer_port != peer_port ||
		    c->type != type)
			continue;
		v->last = i;
		return c;
	}
	return NULL;
}

static struct cw_vsock_conn *make(struct cw_vsock *v, uint32_t port, uint32_t peer_port,
				  uint16_t type, enum cw_vsock_state state)
{
	for (unsigned int i = 0; i < v->conns; i++) {
		struct cw_vsock_conn *c = &v->conn[i];

		if (c->state != CW_VSOCK_FREE || c->held)
			continue;
		memset(c, 0, sizeof(*c));
		c->port = port;
		c->peer_port = peer_port;
		c->type = type;
		c->state = (uint8_t)state;
		v->last = i;
		return c;
	}
	return NULL;
}

static bool taken(const struct cw_vsock *v, uint32_t port)
{
	for (unsigned int i = 0; i < v->conns; i++)
		if (v->conn[i].state != CW_VSOCK_FREE && v->conn[i].port == port)
			return true;
	return false;
}

static uint32_t some_port(struct cw_vsock *v)
{
	/* At most conns of them are taken. */
	do {
		v->next_port = v->next_port >= CW_VSOCK_PORT_ANY - 1 ? CW_VSOCK_PORT_FREE
								     : v->next_port + 1;
	} while (taken(v, v->next_port));
	return v->next_port;
}

int cw_vsock_call(struct cw_vsock *v, uint32_t port, uint32_t peer_port, uint16_t type)
{
	struct cw_vsock_conn *c;

	if (port == CW_VSOCK_PORT_ANY)
		port = some_port(v);
	else if (find(v, port, peer_port, type))
		return CW_EBUSY;
	c = make(v, port, peer_port, type, CW_VSOCK_CALLING);
	if (!c)
		return CW_ENOSPC;
	tell(v, c, TELL_REQUEST);
	return (int)(c - v->conn);
}

void cw_vsock_answer(struct cw_vsock *v, unsigned int i, bool yes)
{
	struct cw_vsock_conn *c = &v->conn[i];

	if (c->state != CW_VSOCK_CALLED)
		return;
	if (!yes) {
		cw_vsock_reset(v, i);
		return;
	}
	c->state = CW_VSOCK_UP;
	tell(v, c, TELL_RESPONSE);
}

void cw_vsock_reset(struct cw_vsock *v, unsigned int i)
{
	struct cw_vsock_conn *c = &v->conn[i];

	if (c->state == CW_VSOCK_FREE)
		return;
	if (c->tell & TELL_REQUEST) { /* nobody has heard of it */
		told(v, c, UINT8_MAX);
		c->state = CW_VSOCK_FREE;
		return;
	}
	c->state = CW_VSOCK_OVER;
	told(v, c, UINT8_MAX);
	tell(v, c, TELL_RESET);
}

void cw_vsock_shut(struct cw_vsock *v, unsigned int i, unsigned int how)
{
	struct cw_vsock_conn *c = &v->conn[i];

	how &= CW_VSOCK_SHUT_BOTH;
	if (c->state == CW_VSOCK_CALLING || c->state == CW_VSOCK_CALLED) {
		cw_vsock_reset(v, i);
		return;
	}
	if (c->state != CW_VSOCK_UP || (c->shut | how) == c->shut)
		return;
	c->shut = (uint8_t)(c->shut | how);
	if (c->shut == CW_VSOCK_SHUT_BOTH)
		c->state = CW_VSOCK_LEAVING;
	tell(v, c, TELL_SHUTDOWN);
}

/* ---- what comes ---- */

static void refuse(struct cw_vsock *v, uint32_t port, uint32_t peer_port, uint16_t type)
{
	unsigned int n = v->refusals;

	if (n == CW_VSOCK_REFUSALS)
		return;
	v->refusal[n].port = port;
	v->refusal[n].peer_port = peer_port;
	v->refusal[n].type = type;
	v->refusals++;
}

/* What was to be refused came before the request that makes the connection, and must not end it. */
static void take_back_refusals(struct cw_vsock *v, const struct cw_vsock_conn *c)
{
	for (unsigned int n = 0; n < v->refusals;)
		if (v->refusal[n].port == c->port && v->refusal[n].peer_port == c->peer_port &&
		    v->refusal[n].type == c->type)
			v->refusal[n] = v->refusal[--v->refusals];
		else
			n++;
}

static enum cw_vsock_news end(struct cw_vsock *v, struct cw_vsock_conn *c)
{
	/* What was over for us already is no news. */
	bool known = c->state != CW_VSOCK_OVER;

	told(v, c, UINT8_MAX);
	c->state = CW_VSOCK_FREE;
	return known ? CW_VSOCK_ENDED : CW_VSOCK_NOTHING;
}

/* It broke the rules, or came to an end that only has to be agreed to. */
static enum cw_vsock_news drop(struct cw_vsock *v, struct cw_vsock_conn *c)
{
	if (c->state == CW_VSOCK_OVER)
		return CW_VSOCK_NOTHING;
	cw_vsock_reset(v, (unsigned int)(c - v->conn));
	return CW_VSOCK_ENDED;
}

static enum cw_vsock_news broken(struct cw_vsock *v, struct cw_vsock_conn *c)
{
	v->strange++;
	return drop(v, c);
}

static enum cw_vsock_news asked(struct cw_vsock *v, const struct cw_abi_vsock_hdr *h, uint16_t type,
				unsigned int *i)
{
	uint32_t port = cw_get_le32(h->dst_port), peer_port = cw_get_le32(h->src_port);
	struct cw_vsock_conn *c = make(v, port, peer_port, type, CW_VSOCK_CALLED);

	if (!c) {
		refuse(v, port, peer_port, type);
		return CW_VSOCK_NOTHING;
	}
	take_back_refusals(v, c);
	c->peer_room = cw_get_le32(h->buf_alloc);
	c->peer_took = cw_get_le32(h->fwd_cnt);
	*i = (unsigned int)(c - v->conn);
	return CW_VSOCK_ASKED;
}

static enum cw_vsock_news shut(struct cw_vsock *v, struct cw_vsock_conn *c, uint32_t how)
{
	uint8_t now = (uint8_t)(c->peer_shut | (how & CW_VSOCK_SHUT_BOTH));
	bool changed = now != c->peer_shut;

	/* Both leave: nobody is left to wait for. */
	if (c->state == CW_VSOCK_LEAVING && now == CW_VSOCK_SHUT_BOTH)
		return drop(v, c);
	c->peer_shut = now;
	return changed ? CW_VSOCK_SHUT : CW_VSOCK_NOTHING;
}

/*
 * Few updates: each makes half of the buffer free for the other end, or at least doubles what it knows
 * to be free; so it never waits for a byte of room that there is. Who asked may wait for much at once,
 * and hears of all that becomes free until it sends.
 */
static void consider_room(struct cw_vsock *v, struct cw_vsock_conn *c)
{
	uint32_t more = c->took - c->told, known = v->room - (c->got - c->told);

	if ((c->state == CW_VSOCK_UP || c->state == CW_VSOCK_LEAVING) && more &&
	    (more >= v->room / 2 || known <= more || c->eager))
		tell(v, c, TELL_ROOM);
}

static enum cw_vsock_news data(struct cw_vsock *v, struct cw_vsock_conn *c, uint32_t len)
{
	if (c->peer_shut & CW_VSOCK_SHUT_SEND || len > v->room - (c->got - c->took))
		return broken(v, c);
	c->got += len;
	c->eager = false;
	consider_room(v, c);
	if (c->shut & CW_VSOCK_SHUT_RCV) { /* it could not know yet: nobody reads that */
		cw_vsock_took(v, (unsigned int)(c - v->conn), len);
		return CW_VSOCK_NOTHING;
	}
	return CW_VSOCK_DATA;
}

/* Whether a packet may come in the connection's state; of those for one that is up in_state() knows. */
static bool fits(const struct cw_vsock_conn *c, uint16_t op)
{
	if (c->state == CW_VSOCK_CALLING) /* and it has heard of it */
		return op == CW_VSOCK_OP_RESPONSE && !(c->tell & TELL_REQUEST);
	if (c->state == CW_VSOCK_CALLED) /* who waits for an answer may look after its credit */
		return op == CW_VSOCK_OP_CREDIT_UPDATE || op == CW_VSOCK_OP_CREDIT_REQUEST;
	return op != CW_VSOCK_OP_RESPONSE;
}

static enum cw_vsock_news in_state(struct cw_vsock *v, struct cw_vsock_conn *c,
				   const struct cw_abi_vsock_hdr *h, uint32_t payload)
{
	uint16_t op = cw_get_le16(h->op);

	if (op == CW_VSOCK_OP_RST)
		return end(v, c);
	if (c->state == CW_VSOCK_OVER)
		return CW_VSOCK_NOTHING;
	if (c->state == CW_VSOCK_CALLED && op == CW_VSOCK_OP_SHUTDOWN)
		return drop(v, c); /* it gave up */
	if (!fits(c, op))
		return broken(v, c);
	c->peer_room = cw_get_le32(h->buf_alloc);
	c->peer_took = cw_get_le32(h->fwd_cnt);
	switch (op) {
	case CW_VSOCK_OP_RESPONSE:
		c->state = CW_VSOCK_UP;
		return CW_VSOCK_ANSWERED;
	case CW_VSOCK_OP_SHUTDOWN:
		return shut(v, c, cw_get_le32(h->flags));
	case CW_VSOCK_OP_RW:
		return data(v, c, payload);
	case CW_VSOCK_OP_CREDIT_REQUEST:
		c->eager = true;
		if (c->state != CW_VSOCK_CALLED) /* else the answer tells */
			tell(v, c, TELL_ROOM);
		return CW_VSOCK_ROOM;
	case CW_VSOCK_OP_CREDIT_UPDATE:
		return CW_VSOCK_ROOM;
	default: /* also a request for what is there already */
		return broken(v, c);
	}
}

enum cw_vsock_news cw_vsock_take(struct cw_vsock *v, const struct cw_abi_vsock_hdr *h,
				 uint32_t payload, unsigned int *i)
{
	uint32_t port = cw_get_le32(h->dst_port), peer_port = cw_get_le32(h->src_port);
	uint16_t type = cw_get_le16(h->type), op = cw_get_le16(h->op);
	struct cw_vsock_conn *c;

	/* From or to somebody else: there is nobody to answer. */
	if (cw_get_le32_pair(h->src_cid) != v->peer || cw_get_le32_pair(h->dst_cid) != v->cid) {
		v->strange++;
		return CW_VSOCK_NOTHING;
	}
	c = find(v, port, peer_port, type);
	if (cw_get_le32(h->len) != payload || (payload && op != CW_VSOCK_OP_RW)) {
		v->strange++;
		if (!c) {
			refuse(v, port, peer_port, type);
			return CW_VSOCK_NOTHING;
		}
		*i = (unsigned int)(c - v->conn);
		return drop(v, c);
	}
	if (c) {
		*i = (unsigned int)(c - v->conn);
		return in_state(v, c, h, payload);
	}
	if (op == CW_VSOCK_OP_REQUEST && (type == CW_VSOCK_STREAM || type == CW_VSOCK_SEQPACKET))
		return asked(v, h, type, i);
	if (op != CW_VSOCK_OP_RST)
		refuse(v, port, peer_port, type);
	return CW_VSOCK_NOTHING;
}

void cw_vsock_took(struct cw_vsock *v, unsigned int i, uint32_t len)
{
	v->conn[i].took += len;
	consider_room(v, &v->conn[i]);
}

void cw_vsock_ask_room(struct cw_vsock *v, unsigned int i)
{
	if (v->conn[i].state == CW_VSOCK_UP)
		tell(v, &v->conn[i], TELL_ASK);
}

uint32_t cw_vsock_may_send(const struct cw_vsock_conn *c)
{
	uint32_t away = c->sent - c->peer_took;

	if (c->state != CW_VSOCK_UP || c->shut & CW_VSOCK_SHUT_SEND ||
	    c->peer_shut & CW_VSOCK_SHUT_RCV)
		return 0;
	return away < c->peer_room ? c->peer_room - away : 0;
}

/* ---- what goes ---- */

static void fill(struct cw_vsock *v, struct cw_vsock_conn *c, uint16_t op, uint32_t flags,
		 uint32_t len, struct cw_abi_vsock_hdr *h)
{
	cw_set_le32_pair(h->src_cid, v->cid);
	cw_set_le32_pair(h->dst_cid, v->peer);
	h->src_port = cw_make_le32(c->port);
	h->dst_port = cw_make_le32(c->peer_port);
	h->len = cw_make_le32(len);
	h->type = cw_make_le16(c->type);
	h->op = cw_make_le16(op);
	h->flags = cw_make_le32(flags);
	h->buf_alloc = cw_make_le32(v->room);
	h->fwd_cnt = cw_make_le32(c->took);
	c->told = c->took;
	told(v, c, TELL_ROOM);
}

void cw_vsock_data(struct cw_vsock *v, unsigned int i, uint32_t len, bool end_of_message,
		   struct cw_abi_vsock_hdr *h)
{
	struct cw_vsock_conn *c = &v->conn[i];

	fill(v, c, CW_VSOCK_OP_RW, end_of_message ? CW_VSOCK_SEQ_EOM : 0, len, h);
	c->sent += len;
}

/* The first thing that a connection has to say. */
static void say(struct cw_vsock *v, struct cw_vsock_conn *c, struct cw_abi_vsock_hdr *h)
{
	static const uint16_t op[] = { CW_VSOCK_OP_REQUEST,	   CW_VSOCK_OP_RESPONSE,
				       CW_VSOCK_OP_SHUTDOWN,	   CW_VSOCK_OP_CREDIT_UPDATE,
				       CW_VSOCK_OP_CREDIT_REQUEST, CW_VSOCK_OP_RST };
	uint8_t what = (uint8_t)(c->tell & -c->tell);
	unsigned int n = (unsigned int)__builtin_ctz(what);

	told(v, c, what);
	fill(v, c, op[n], what == TELL_SHUTDOWN ? c->shut : 0, 0, h);
	if (what == TELL_RESET)
		c->state = CW_VSOCK_FREE;
}

bool cw_vsock_next(struct cw_vsock *v, struct cw_abi_vsock_hdr *h)
{
	struct cw_vsock_conn nobody = { 0 };

	if (v->refusals) {
		unsigned int n = --v->refusals;

		nobody.port = v->refusal[n].port;
		nobody.peer_port = v->refusal[n].peer_port;
		nobody.type = v->refusal[n].type;
		fill(v, &nobody, CW_VSOCK_OP_RST, 0, 0, h);
		return true;
	}
	for (unsigned int n = 0; v->tells && n < v->conns; n++) {
		struct cw_vsock_conn *c;

		v->turn = v->turn + 1 < v->conns ? v->turn + 1 : 0;
		c = &v->conn[v->turn];
		if (!c->tell)
			continue;
		say(v, c, h);
		return true;
	}
	return false;
}
