// SPDX-License-Identifier: BSD-3-Clause
#include "rpc_wire.h"

struct wire w;

/* ---- the carrier ---- */

static int push(struct wire_queue *q, uint32_t from, const void *message, uint32_t len)
{
	if (q->full)
		return CW_EAGAIN;
	q->sent++;
	if (q->lose) {
		q->lose--;
		return CW_OK;
	}
	for (int i = 0; i <= q->twice; i++) {
		assert_true(q->n < WIRE_QUEUE && len <= WIRE_SIZE);
		q->m[q->n].from = from;
		q->m[q->n].len = len;
		memcpy(q->m[q->n++].bytes, message, len);
	}
	return CW_OK;
}

static bool pop(struct wire_queue *q, struct wire_message *m)
{
	if (!q->n)
		return false;
	*m = q->m[0];
	memmove(&q->m[0], &q->m[1], --q->n * sizeof(*m));
	return true;
}

static struct wire_client *at(uint32_t addr)
{
	for (unsigned int i = 0; i < WIRE_CLIENTS; i++)
		if (w.client[i].addr == addr)
			return &w.client[i];
	return NULL;
}

static int to_client(void *ctx, uint32_t to, const void *message, uint32_t len)
{
	(void)ctx;
	assert_non_null(at(to));
	return push(&at(to)->in, 0, message, len);
}

static int to_server(void *ctx, uint32_t to, const void *message, uint32_t len)
{
	const struct wire_client *c = ctx;

	assert_true(to == CW_RPC_PEER);
	return push(&w.in, c->addr, message, len);
}

static uint32_t most(void *ctx)
{
	(void)ctx;
	return WIRE_SIZE;
}

static uint64_t clock_now(void *ctx)
{
	(void)ctx;
	return w.now;
}

static bool step(void)
{
	struct wire_message m;

	if (!w.dead && pop(&w.in, &m)) {
		cw_rpc_server_receive(&w.s, m.from, m.bytes, m.len);
		return true;
	}
	for (unsigned int i = 0; i < WIRE_CLIENTS; i++) {
		if (!pop(&w.client[i].in, &m))
			continue;
		w.client[i].inside = true;
		cw_rpc_client_receive(&w.client[i].c, m.bytes, m.len);
		w.client[i].inside = false;
		return true;
	}
	return false;
}

static int wait(void *ctx, uint64_t deadline)
{
	struct wire_client *c = ctx;

	if (c->inside)
		return CW_EAGAIN;
	if (!step() && w.now < deadline) {
		assert_true(deadline != UINT64_MAX);
		w.now = deadline;
	}
	return CW_OK;
}

static const struct cw_rpc_carrier server_side = { to_client, most, clock_now, NULL };
static const struct cw_rpc_carrier client_side = { to_server, most, clock_now, wait };

void wire_run(void)
{
	for (unsigned int i = 0; step(); i++)
		assert_true(i < 10000);
}

/* ---- the methods ---- */

static int32_t echo(struct cw_rpc_request *r)
{
	w.runs++;
	memcpy(r->reply, r->args, r->len);
	r->reply_len = r->len;
	return 0;
}

static int32_t fails(struct cw_rpc_request *r)
{
	w.runs++;
	memcpy(r->reply, "why", 3);
	r->reply_len = 3;
	return 77;
}

static int32_t later(struct cw_rpc_request *r)
{
	w.runs++;
	w.later = r;
	return CW_RPC_LATER;
}

static int32_t count(struct cw_rpc_request *r)
{
	(void)r;
	w.runs++;
	return 0;
}

static int32_t too_long(struct cw_rpc_request *r)
{
	r->reply_len = r->room + 1;
	return 0;
}

static const struct cw_rpc_method methods[] = {
	{ ECHO, 0, echo },   { FAIL, 0, fails },    { LATER, 0, later },
	{ COUNT, 4, count }, { LONG, 0, too_long },
};

/* ---- set-up ---- */

static void ended(void *app, uint32_t from, uint32_t session)
{
	(void)app;
	(void)from;
	w.ended++;
	w.ended_session = session;
}

void wire_server(uint32_t life)
{
	const struct cw_rpc_server_config conf = { .carrier = &server_side,
						   .method = methods,
						   .methods = ARRAY_SIZE(methods),
						   .request = w.request,
						   .requests = WIRE_REQUESTS,
						   .peer = w.peer,
						   .peers = WIRE_PEERS,
						   .size = WIRE_SIZE,
						   .memory = w.memory,
						   .life = life,
						   .ended = ended };

	w.later = NULL;
	assert_int_equal(cw_rpc_server_init(&w.s, &conf), CW_OK);
}

static void session(void *app, bool there)
{
	struct wire_client *c = app;

	c->ups += there;
	c->downs += !there;
}

void wire_client(unsigned int i, uint32_t nonce)
{
	struct wire_client *c = &w.client[i];
	const struct cw_rpc_client_config conf = { .carrier = &client_side,
						   .ctx = c,
						   .call = c->call,
						   .calls = WIRE_CALLS,
						   .out = c->out,
						   .size = WIRE_SIZE,
						   .nonce = nonce,
						   .session = session,
						   .app = c };

	c->ups = c->downs = 0;
	assert_int_equal(cw_rpc_client_init(&c->c, &conf), CW_OK);
	cw_rpc_client_up(&c->c);
}

void wire_start(uint32_t life)
{
	memset(&w, 0, sizeof(w));
	w.now = 5000000;
	for (unsigned int i = 0; i < WIRE_CLIENTS; i++)
		w.client[i].addr = 100 + i;
	wire_server(life);
	wire_client(0, 1);
	wire_run();
}

void wire_put(struct wire_queue *q, uint32_t from, uint8_t type, uint16_t method,
	      uint32_t id_session, uint32_t id, uint32_t word)
{
	const struct cw_abi_rpc h = { .version = CW_RPC_VERSION,
				      .type = type,
				      .method = cw_make_le16(method),
				      .session = cw_make_le32(id_session),
				      .id = cw_make_le32(id),
				      .word = cw_make_le32(word) };

	push(q, from, &h, sizeof(h));
}

struct cw_rpc_ask wire_ask(uint16_t method, const char *text)
{
	return (struct cw_rpc_ask){
		.method = method, .args = text, .len = (uint32_t)strlen(text), .timeout = 1000000
	};
}

void wire_done(void *ctx, int32_t status, const uint8_t *data, uint32_t len)
{
	struct wire_end *e = ctx;

	e->n++;
	e->status = status;
	memset(e->text, 0, sizeof(e->text));
	if (len)
		memcpy(e->text, data, len);
}
