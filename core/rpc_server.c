// SPDX-License-Identifier: BSD-3-Clause
/*
 * RPC: the server.
 *
 * Theory of operation: a session is what a client got for its HELLO; its number is one that this server
 * and, as its first life number is chosen so, no former one has given. A call names it, and its own
 * number, of which a window is kept a session: what was seen, or is too old to know, is dropped, so that
 * nothing runs twice. A call has an entry of the table with memory for arguments and answer until the
 * answer has gone; when the carrier has no room the entry keeps it. A client has its share of the table,
 * so that no other is left without. What comes is in private memory already.
 */
#include <causeway/core/bytes.h>
#include <causeway/core/err.h>
#include <causeway/core/gate.h>
#include <causeway/core/rpc.h>

enum { FREE, RUNNING, ANSWERED };

static struct cw_abi_rpc header(uint8_t type, uint16_t method, uint32_t session, uint32_t id,
				uint32_t word)
{
	return (struct cw_abi_rpc){ .version = CW_RPC_VERSION,
				    .type = type,
				    .method = cw_make_le16(method),
				    .session = cw_make_le32(session),
				    .id = cw_make_le32(id),
				    .word = cw_make_le32(word) };
}

static int post(struct cw_rpc_server *s, uint32_t to, const void *message, uint32_t len)
{
	int err = s->conf.carrier->send(s->conf.ctx, to, message, len);

	s->count.unsent += err != CW_OK;
	return err;
}

/* A message without data; who does not get it asks again, or reaches his deadline. */
static void say(struct cw_rpc_server *s, uint32_t to, struct cw_abi_rpc h)
{
	post(s, to, &h, CW_RPC_HEADER);
}

static void refuse(struct cw_rpc_server *s, uint32_t to, const struct cw_abi_rpc *h, int status)
{
	say(s, to,
	    header(CW_RPC_REFUSED, 0, cw_get_le32(h->session), cw_get_le32(h->id),
		   (uint32_t)status));
}

/* ---- sessions ---- */

static struct cw_rpc_peer *find(struct cw_rpc_server *s, uint32_t from)
{
	for (unsigned int i = 0; i < s->conf.peers; i++)
		if (s->conf.peer[i].session && s->conf.peer[i].from == from)
			return &s->conf.peer[i];
	return NULL;
}

static struct cw_rpc_peer *silent_longest(struct cw_rpc_server *s)
{
	struct cw_rpc_peer *p = s->conf.peer;

	for (unsigned int i = 0; i < s->conf.peers && p->session; i++)
		if (!s->conf.peer[i].session ||
		    s->clock - s->conf.peer[i].used > s->clock - p->used)
			p = &s->conf.peer[i];
	return p;
}

static void end_session(struct cw_rpc_server *s, struct cw_rpc_peer *p)
{
	uint32_t session = p->session;

	if (!session)
		return;
	p->session = 0;
	for (unsigned int i = 0; i < s->conf.requests; i++) {
		struct cw_rpc_request *r = &s->conf.request[i];

		if (r->state == FREE || r->session != session)
			continue;
		__atomic_store_n(&r->unwanted, true, __ATOMIC_RELAXED);
		if (r->state == ANSWERED)
			r->state = FREE;
	}
	if (s->conf.ended)
		s->conf.ended(s->conf.app, p->from, session);
}

static uint16_t share(const struct cw_rpc_server *s)
{
	return (uint16_t)(s->conf.requests > s->conf.peers ? s->conf.requests / s->conf.peers : 1);
}

static void begin_session(struct cw_rpc_server *s, struct cw_rpc_peer *p, uint32_t from,
			  uint32_t nonce)
{
	end_session(s, p);
	s->life += s->life == UINT32_MAX ? 2 : 1; /* 0 is none */
	*p = (struct cw_rpc_peer){ .session = s->life, .from = from, .nonce = nonce };
}

/* The same question again has the same answer, until the session has been used. */
static int hello(struct cw_rpc_server *s, uint32_t from, const struct cw_abi_rpc *h)
{
	uint32_t nonce = cw_get_le32(h->id), most = cw_get_le32(h->word);
	struct cw_rpc_peer *p = find(s, from);

	if (most < CW_RPC_LEAST)
		return CW_EPEER;
	if (!p || p->nonce != nonce || p->called)
		begin_session(s, p ? p : silent_longest(s), from, nonce);
	p = find(s, from);
	p->most = most < s->conf.size ? most : s->conf.size;
	p->used = s->clock;
	say(s, from, header(CW_RPC_WELCOME, share(s), p->session, nonce, s->conf.size));
	return CW_OK;
}

/* Whether this number has not been seen; after that it has. */
static bool fresh(struct cw_rpc_peer *p, uint32_t id)
{
	uint32_t ahead = id - p->top, behind = p->top - id;

	if (!p->called) {
		p->called = true;
		p->top = id;
		p->seen = 1;
		return true;
	}
	if (ahead && ahead <= INT32_MAX) {
		p->seen = ahead < CW_RPC_WINDOW ? p->seen << ahead | 1 : 1;
		p->top = id;
		return true;
	}
	if (behind >= CW_RPC_WINDOW || p->seen >> behind & 1)
		return false;
	p->seen |= 1ull << behind;
	return true;
}

/* ---- answers ---- */

static struct cw_rpc_peer *peer_of(struct cw_rpc_server *s, const struct cw_rpc_request *r)
{
	struct cw_rpc_peer *p = find(s, r->from);

	return p && p->session == r->session ? p : NULL;
}

static void forget(struct cw_rpc_server *s, struct cw_rpc_request *r)
{
	struct cw_rpc_peer *p = peer_of(s, r);

	if (p)
		p->under_way--;
	r->state = FREE;
}

/* Sends what is in r->message; without room it stays there. */
static void deliver(struct cw_rpc_server *s, struct cw_rpc_request *r)
{
	int err = post(s, r->from, r->message, CW_RPC_HEADER + r->reply_len);

	if (err == CW_EAGAIN)
		return;
	s->count.answers += !err;
	forget(s, r);
}

void cw_rpc_answer(struct cw_rpc_request *r, int32_t status)
{
	struct cw_rpc_server *s = r->server;
	struct cw_abi_rpc h;

	if (r->state != RUNNING)
		return;
	if (r->tell || r->unwanted) {
		forget(s, r);
		return;
	}
	if (r->reply_len > r->room) { /* a mistake of the method, not to become the client's */
		r->reply_len = 0;
		status = CW_EINTERNAL;
	}
	r->state = ANSWERED;
	h = header(CW_RPC_ANSWER, r->method, r->session, r->id, (uint32_t)status);
	memcpy(r->message, &h, CW_RPC_HEADER);
	deliver(s, r);
}

bool cw_rpc_wanted(const struct cw_rpc_request *r, uint64_t now)
{
	return !__atomic_load_n(&r->unwanted, __ATOMIC_RELAXED) && (r->tell || now < r->deadline);
}

unsigned int cw_rpc_server_poll(struct cw_rpc_server *s)
{
	unsigned int left = 0;

	for (unsigned int i = 0; i < s->conf.requests; i++) {
		struct cw_rpc_request *r = &s->conf.request[i];

		if (r->state != ANSWERED)
			continue;
		deliver(s, r);
		left += r->state == ANSWERED;
	}
	return left;
}

/* ---- calls ---- */

static const struct cw_rpc_method *method(const struct cw_rpc_server *s, uint16_t number)
{
	for (unsigned int i = 0; i < s->conf.methods; i++)
		if (s->conf.method[i].number == number)
			return &s->conf.method[i];
	return NULL;
}

static struct cw_rpc_request *unused(struct cw_rpc_server *s, const struct cw_rpc_peer *p)
{
	if (p->under_way < share(s))
		for (unsigned int i = 0; i < s->conf.requests; i++)
			if (s->conf.request[i].state == FREE)
				return &s->conf.request[i];
	return NULL;
}

static uint64_t deadline(const struct cw_rpc_server *s, uint32_t ms)
{
	uint64_t now = s->conf.carrier->now(s->conf.ctx);

	return ms == CW_RPC_FOREVER ? UINT64_MAX : now + ms * 1000ull;
}

static uint32_t room_for(const struct cw_rpc_server *s, const struct cw_rpc_peer *p)
{
	uint32_t most = s->conf.carrier->most(s->conf.ctx);

	most = most && most < p->most ? most : p->most;
	return most > CW_RPC_HEADER ? most - CW_RPC_HEADER : 0;
}

static void start(struct cw_rpc_server *s, struct cw_rpc_peer *p, struct cw_rpc_request *r,
		  const struct cw_abi_rpc *h, const uint8_t *data, uint32_t len)
{
	uint8_t *memory = s->conf.memory + (size_t)(r - s->conf.request) * 2 * s->conf.size;
	const struct cw_rpc_method *m = method(s, cw_get_le16(h->method));
	int32_t status = m ? CW_EBADLEN : CW_ENOTSUP;

	*r = (struct cw_rpc_request){ .server = s,
				      .args = memory,
				      .len = len,
				      .message = memory + s->conf.size,
				      .reply = memory + s->conf.size + CW_RPC_HEADER,
				      .room = room_for(s, p),
				      .method = cw_get_le16(h->method),
				      .state = RUNNING,
				      .tell = h->type == CW_RPC_TELL,
				      .from = p->from,
				      .session = p->session,
				      .id = cw_get_le32(h->id),
				      .deadline = deadline(s, cw_get_le32(h->word)) };
	if (len)
		memcpy(memory, data, len);
	p->under_way++;
	s->count.calls++;
	if (m && len >= m->least)
		status = m->run(r);
	if (status != CW_RPC_LATER)
		cw_rpc_answer(r, status);
}

static int call(struct cw_rpc_server *s, struct cw_rpc_peer *p, const struct cw_abi_rpc *h,
		const uint8_t *data, uint32_t len)
{
	struct cw_rpc_request *r;

	if (!fresh(p, cw_get_le32(h->id))) {
		s->count.twice++;
		return CW_EPEER;
	}
	r = unused(s, p);
	if (r) {
		start(s, p, r, h, data, len);
		return CW_OK;
	}
	s->count.busy++;
	if (h->type == CW_RPC_CALL)
		say(s, p->from,
		    header(CW_RPC_ANSWER, cw_get_le16(h->method), p->session, cw_get_le32(h->id),
			   (uint32_t)CW_EBUSY));
	return CW_OK;
}

static int cancel(struct cw_rpc_server *s, const struct cw_rpc_peer *p, uint32_t id)
{
	for (unsigned int i = 0; i < s->conf.requests; i++) {
		struct cw_rpc_request *r = &s->conf.request[i];

		if (r->state == FREE || r->session != p->session || r->id != id)
			continue;
		__atomic_store_n(&r->unwanted, true, __ATOMIC_RELAXED);
		if (r->state == ANSWERED)
			forget(s, r);
	}
	return CW_OK; /* mostly the answer is on its way already */
}

static int in_session(struct cw_rpc_server *s, uint32_t from, const struct cw_abi_rpc *h,
		      const uint8_t *data, uint32_t len)
{
	struct cw_rpc_peer *p = find(s, from);

	if (!p || p->session != cw_get_le32(h->session)) {
		s->count.twice++;
		if (h->type == CW_RPC_CALL || h->type == CW_RPC_TELL)
			refuse(s, from, h, CW_ERESET);
		return CW_EPEER;
	}
	p->used = s->clock;
	if (h->type == CW_RPC_CANCEL)
		return cancel(s, p, cw_get_le32(h->id));
	if (h->type != CW_RPC_BYE)
		return call(s, p, h, data, len);
	end_session(s, p);
	return CW_OK;
}

int cw_rpc_server_receive(struct cw_rpc_server *s, uint32_t from, const uint8_t *message,
			  uint32_t len)
{
	struct cw_abi_rpc h = { 0 };
	int err = CW_EPEER;

	s->clock++;
	if (len >= CW_RPC_HEADER)
		memcpy(&h, message, CW_RPC_HEADER);
	if (h.version != CW_RPC_VERSION || len > s->conf.size) {
		s->count.bad++;
		if (h.type == CW_RPC_HELLO)
			refuse(s, from, &h, CW_EVERSION);
		return CW_EPEER;
	}
	if (h.type == CW_RPC_WELCOME || h.type == CW_RPC_REFUSED || h.type == CW_RPC_ANSWER)
		return CW_ENOTSUP;
	if (h.type == CW_RPC_HELLO)
		err = hello(s, from, &h);
	else if (h.type && h.type <= CW_RPC_BYE)
		return in_session(s, from, &h, message + CW_RPC_HEADER, len - CW_RPC_HEADER);
	s->count.bad += err != CW_OK;
	return err;
}

/* ---- the whole ---- */

int cw_rpc_server_init(struct cw_rpc_server *s, const struct cw_rpc_server_config *conf)
{
	memset(s, 0, sizeof(*s));
	if (!conf->carrier || !conf->request || !conf->peer || !conf->requests || !conf->peers ||
	    !conf->memory || conf->size < CW_RPC_LEAST || conf->size > INT32_MAX)
		return CW_EINVAL;
	s->conf = *conf;
	s->life = conf->life;
	memset(conf->request, 0, conf->requests * sizeof(*conf->request));
	memset(conf->peer, 0, conf->peers * sizeof(*conf->peer));
	return CW_OK;
}

void cw_rpc_server_down(struct cw_rpc_server *s)
{
	for (unsigned int i = 0; i < s->conf.peers; i++) {
		s->count.lost += s->conf.peer[i].session != 0;
		end_session(s, &s->conf.peer[i]);
	}
}
