// SPDX-License-Identifier: BSD-3-Clause
/*
 * RPC: the client.
 *
 * Theory of operation: a session is asked for with a nonce that no earlier request of this client had,
 * and a WELCOME counts only with that. Within the session a call has a number of its own; an answer
 * counts when session, number and method are those of a call in the table. So nothing that an earlier
 * life of either side has sent is taken for an answer, however late it comes. The table is the truth:
 * a call leaves it once, by its answer, its deadline, its cancellation or the end of the session, and
 * then its owner is told. What comes is in private memory already.
 */
#include <causeway/core/bytes.h>
#include <causeway/core/err.h>
#include <causeway/core/gate.h>
#include <causeway/core/rpc.h>

#define STEP_MIN 20000u
#define STEP_MAX 1000000u
#define ROOM_US	 5000u /* until a carrier without room is asked again, if it has not called */

static uint64_t now(const struct cw_rpc_client *c)
{
	return c->conf.carrier->now(c->conf.ctx);
}

static uint64_t after(uint64_t t, uint64_t us)
{
	return us < UINT64_MAX - t ? t + us : UINT64_MAX;
}

/* ---- messages ---- */

static int post(struct cw_rpc_client *c, uint8_t type, uint32_t id, uint32_t word,
		const struct cw_rpc_ask *ask)
{
	struct cw_abi_rpc h = { .version = CW_RPC_VERSION,
				.type = type,
				.method = cw_make_le16(ask ? ask->method : 0),
				.session = cw_make_le32(type == CW_RPC_HELLO ? 0 : c->session),
				.id = cw_make_le32(id),
				.word = cw_make_le32(word) };
	uint8_t *to = c->conf.out;
	uint32_t len = CW_RPC_HEADER;
	int err;

	memcpy(to, &h, CW_RPC_HEADER);
	if (ask && ask->len)
		memcpy(to + len, ask->args, ask->len);
	len += ask ? ask->len : 0;
	if (ask && ask->more_len)
		memcpy(to + len, ask->more, ask->more_len);
	len += ask ? ask->more_len : 0;
	err = c->conf.carrier->send(c->conf.ctx, CW_RPC_PEER, to, len);
	c->count.unsent += err != CW_OK;
	return err;
}

/* ---- calls ---- */

static struct cw_rpc_call *find(struct cw_rpc_client *c, uint32_t id)
{
	for (unsigned int i = 0; i < c->conf.calls; i++)
		if (c->conf.call[i].done && c->conf.call[i].id == id)
			return &c->conf.call[i];
	return NULL;
}

static struct cw_rpc_call *unused(struct cw_rpc_client *c)
{
	for (unsigned int i = 0; i < c->conf.calls; i++)
		if (!c->conf.call[i].done)
			return &c->conf.call[i];
	return NULL;
}

static void finish(struct cw_rpc_client *c, struct cw_rpc_call *call, int32_t status,
		   const uint8_t *data, uint32_t len)
{
	cw_rpc_done *done = call->done;

	call->done = NULL; /* before: it may begin the next */
	c->under_way--;
	done(call->ctx, status, data, len);
}

/* ---- session ---- */

static void lose(struct cw_rpc_client *c)
{
	bool had = c->session;

	c->session = 0;
	c->nonce++; /* a WELCOME to the former one is too late */
	c->refused = 0;
	c->step = STEP_MIN;
	for (unsigned int i = 0; i < c->conf.calls; i++)
		if (c->conf.call[i].done)
			finish(c, &c->conf.call[i], CW_ERESET, NULL, 0);
	c->count.lost += had;
	if (had && c->conf.session)
		c->conf.session(c->conf.app, false);
}

/* Asks for a session unless that was done a moment ago; returns why there is none yet. */
static int hello(struct cw_rpc_client *c)
{
	uint64_t t = now(c);
	int err;

	if (c->hello_at != UINT64_MAX && t < c->hello_at)
		return c->refused ? c->refused : CW_EAGAIN;
	err = post(c, CW_RPC_HELLO, c->nonce, c->conf.size, NULL);
	if (err && err != CW_EAGAIN) {
		c->hello_at = UINT64_MAX; /* when it is wanted again */
		return err;
	}
	c->hello_at = after(t, err ? ROOM_US : c->step);
	if (!err)
		c->step = c->step < STEP_MAX / 2 ? 2 * c->step : STEP_MAX;
	return c->refused ? c->refused : CW_EAGAIN;
}

/* The server says that it has not this session, or another one. */
static int again(struct cw_rpc_client *c)
{
	lose(c);
	c->hello_at = 0;
	hello(c);
	return CW_OK;
}

int cw_rpc_client_init(struct cw_rpc_client *c, const struct cw_rpc_client_config *conf)
{
	memset(c, 0, sizeof(*c));
	if (!conf->carrier || !conf->call || !conf->calls || !conf->out ||
	    conf->size < CW_RPC_LEAST || conf->size > INT32_MAX)
		return CW_EINVAL;
	c->conf = *conf;
	c->nonce = conf->nonce;
	c->step = STEP_MIN;
	c->hello_at = UINT64_MAX;
	for (unsigned int i = 0; i < conf->calls; i++)
		conf->call[i].done = NULL;
	return CW_OK;
}

void cw_rpc_client_up(struct cw_rpc_client *c)
{
	again(c);
}

void cw_rpc_client_down(struct cw_rpc_client *c)
{
	lose(c);
	c->hello_at = UINT64_MAX;
}

void cw_rpc_client_end(struct cw_rpc_client *c)
{
	if (c->session)
		post(c, CW_RPC_BYE, 0, 0, NULL);
	cw_rpc_client_down(c);
}

static int welcome(struct cw_rpc_client *c, const struct cw_abi_rpc *h)
{
	uint32_t session = cw_get_le32(h->session), taken = cw_get_le32(h->word);

	if (cw_get_le32(h->id) != c->nonce || session == c->session || !session)
		return CW_EPEER;
	if (taken < CW_RPC_LEAST || !cw_get_le16(h->method))
		return CW_EPEER;
	if (c->session)
		return again(c); /* it has begun two for us: a third is the one */
	c->session = session;
	c->taken = taken;
	c->depth = cw_get_le16(h->method);
	c->hello_at = UINT64_MAX;
	c->step = STEP_MIN;
	c->refused = 0;
	if (c->conf.session)
		c->conf.session(c->conf.app, true);
	return CW_OK;
}

static int refuse(struct cw_rpc_client *c, const struct cw_abi_rpc *h)
{
	uint32_t session = cw_get_le32(h->session);
	int32_t status = (int32_t)cw_get_le32(h->word);

	if (session != c->session || (!session && cw_get_le32(h->id) != c->nonce))
		return CW_EPEER;
	if (!session) { /* there will be none, for now */
		c->refused = status == CW_EVERSION ? CW_EVERSION : CW_EBUSY;
		c->step = STEP_MAX;
		c->hello_at = after(now(c), STEP_MAX);
		return CW_OK;
	}
	return again(c);
}

static int answer(struct cw_rpc_client *c, const struct cw_abi_rpc *h, const uint8_t *data,
		  uint32_t len)
{
	struct cw_rpc_call *call = find(c, cw_get_le32(h->id));
	int32_t status = (int32_t)cw_get_le32(h->word);

	if (!c->session || cw_get_le32(h->session) != c->session) {
		c->count.twice++;
		return CW_EPEER;
	}
	if (!call || call->method != cw_get_le16(h->method)) {
		c->count.late++;
		return CW_EPEER;
	}
	c->count.answers++;
	finish(c, call, status < CW_RPC_STATUS_MIN ? CW_EPEER : status, data, len);
	return CW_OK;
}

int cw_rpc_client_receive(struct cw_rpc_client *c, const uint8_t *message, uint32_t len)
{
	struct cw_abi_rpc h = { 0 };
	int err = CW_EPEER;

	if (len >= CW_RPC_HEADER)
		memcpy(&h, message, CW_RPC_HEADER);
	if (h.version != CW_RPC_VERSION || len > c->conf.size) {
		c->count.bad++;
		return CW_EPEER;
	}
	if (h.type == CW_RPC_ANSWER)
		return answer(c, &h, message + CW_RPC_HEADER, len - CW_RPC_HEADER);
	if (h.type == CW_RPC_WELCOME)
		err = welcome(c, &h);
	else if (h.type == CW_RPC_REFUSED)
		err = refuse(c, &h);
	else if (h.type >= CW_RPC_HELLO && h.type <= CW_RPC_BYE)
		return CW_ENOTSUP;
	c->count.bad += err != CW_OK;
	return err;
}

/* ---- making calls ---- */

uint32_t cw_rpc_client_room(const struct cw_rpc_client *c)
{
	uint32_t most = c->session ? c->conf.carrier->most(c->conf.ctx) : 0;

	most = most < c->taken ? most : c->taken;
	most = most < c->conf.size ? most : c->conf.size;
	return most > CW_RPC_HEADER ? most - CW_RPC_HEADER : 0;
}

static int may_ask(struct cw_rpc_client *c, const struct cw_rpc_ask *ask)
{
	uint32_t room;

	if (!c->session)
		return hello(c);
	room = cw_rpc_client_room(c);
	if (!room)
		return CW_EAGAIN;
	return ask->len > room || ask->more_len > room - ask->len ? CW_EINVAL : CW_OK;
}

static uint32_t milliseconds(uint64_t us)
{
	uint64_t ms = us / 1000 + (us % 1000 != 0);

	if (us == UINT64_MAX)
		return CW_RPC_FOREVER;
	return ms < CW_RPC_FOREVER ? (uint32_t)ms : CW_RPC_FOREVER - 1;
}

int cw_rpc_begin(struct cw_rpc_client *c, const struct cw_rpc_ask *ask, cw_rpc_done *done,
		 void *ctx, uint32_t *id)
{
	struct cw_rpc_call *call;
	int err = done ? may_ask(c, ask) : CW_EINVAL;

	if (err)
		return err;
	call = c->under_way < c->depth ? unused(c) : NULL;
	if (!call)
		return CW_EAGAIN;
	while (find(c, c->next_id))
		c->next_id++; /* one that is 2^32 calls old */
	*call = (struct cw_rpc_call){ done, ctx, after(now(c), ask->timeout), c->next_id++,
				      ask->method };
	c->under_way++;
	if (id)
		*id = call->id;
	err = post(c, CW_RPC_CALL, call->id, milliseconds(ask->timeout), ask);
	if (err) {
		call->done = NULL;
		c->under_way--;
		c->next_id--; /* it was not used */
		return err;
	}
	c->count.calls++;
	return CW_OK;
}

void cw_rpc_cancel(struct cw_rpc_client *c, uint32_t id)
{
	struct cw_rpc_call *call = find(c, id);

	if (!call)
		return;
	call->done = NULL;
	c->under_way--;
	post(c, CW_RPC_CANCEL, id, 0, NULL);
}

int cw_rpc_tell(struct cw_rpc_client *c, const struct cw_rpc_ask *ask)
{
	int err = may_ask(c, ask);

	err = err ? err : post(c, CW_RPC_TELL, c->next_id, 0, ask);
	if (err)
		return err;
	c->next_id++;
	c->count.calls++;
	return CW_OK;
}

void cw_rpc_client_poll(struct cw_rpc_client *c)
{
	uint64_t t = now(c);

	for (unsigned int i = 0; i < c->conf.calls; i++) {
		struct cw_rpc_call *call = &c->conf.call[i];

		if (!call->done || call->deadline > t)
			continue;
		post(c, CW_RPC_CANCEL, call->id, 0, NULL);
		finish(c, call, CW_ETIMEDOUT, NULL, 0);
	}
	if (!c->session && c->hello_at <= t)
		hello(c);
}

uint64_t cw_rpc_client_deadline(const struct cw_rpc_client *c)
{
	uint64_t first = c->session ? UINT64_MAX : c->hello_at;

	for (unsigned int i = 0; i < c->conf.calls && c->under_way; i++)
		if (c->conf.call[i].done && c->conf.call[i].deadline < first)
			first = c->conf.call[i].deadline;
	return first;
}

/* ---- a call that waits ---- */

struct waiting {
	uint8_t *reply;
	uint32_t room, len;
	int32_t status;
	bool over;
};

static void arrived(void *ctx, int32_t status, const uint8_t *data, uint32_t len)
{
	struct waiting *w = ctx;

	w->over = true;
	w->status = w->reply && len > w->room ? CW_EBADLEN : status;
	w->len = len < w->room ? len : w->room;
	if (w->reply && w->len)
		memcpy(w->reply, data, w->len);
}

/* Until the call has been made: there may be no session yet, no room, too many others. */
static int begin(struct cw_rpc_client *c, struct cw_rpc_ask *ask, uint64_t end, struct waiting *w,
		 uint32_t *id)
{
	const struct cw_rpc_carrier *carrier = c->conf.carrier;
	uint64_t t = now(c);
	int err = carrier->wait(c->conf.ctx, t); /* whether it may */

	while (!err) {
		if (t >= end)
			return CW_ETIMEDOUT;
		ask->timeout = end == UINT64_MAX ? end : end - t;
		err = cw_rpc_begin(c, ask, arrived, w, id);
		if (err != CW_EAGAIN)
			return err;
		err = carrier->wait(c->conf.ctx, end - t < ROOM_US ? end : t + ROOM_US);
		t = now(c);
	}
	return err;
}

int32_t cw_rpc_call(struct cw_rpc_client *c, const struct cw_rpc_ask *ask, void *reply,
		    uint32_t *len)
{
	struct waiting w = { reply, len ? *len : 0, 0, 0, false };
	struct cw_rpc_ask a = *ask;
	uint64_t end = after(now(c), ask->timeout);
	uint32_t id = 0;
	int err = c->conf.carrier->wait ? begin(c, &a, end, &w, &id) : CW_ENOTSUP;

	if (err)
		return err;
	while (!w.over) {
		cw_rpc_client_poll(c);
		err = w.over ? CW_OK : c->conf.carrier->wait(c->conf.ctx, end);
		if (err && !w.over) {
			cw_rpc_cancel(c, id);
			return err;
		}
	}
	if (len)
		*len = w.len;
	return w.status;
}
