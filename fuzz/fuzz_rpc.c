// SPDX-License-Identifier: BSD-3-Clause
/*
 * A client and a server of calls whose peers are the fuzzer: messages that mostly make sense, some bent,
 * while their owners make, cancel and answer calls, the carrier has room or has not, and time passes.
 *
 * Messages lie in memory of exactly their size. Checked are: no call of a session runs twice; each that
 * was begun ends once; what is sent fits whom it is for; and the counts of what is under way are true.
 */
#include "fuzz.h"

#include <causeway/core/bytes.h>
#include <causeway/core/err.h>
#include <causeway/core/rpc.h>

#include <stdlib.h>
#include <string.h>

#define SIZE	 96u
#define CALLS	 3u
#define REQUESTS 4u
#define PEERS	 2u
#define MET	 4096u

static struct cw_rpc_client c;
static struct cw_rpc_call call[CALLS];
static struct cw_rpc_server s;
static struct cw_rpc_request request[REQUESTS];
static struct cw_rpc_peer peer[PEERS];
static uint8_t *out, *memory;
static struct cw_rpc_request *later[REQUESTS];
static uint64_t met[MET]; /* session and id of what ran */
static unsigned int mets, begun, ended, forgotten;
static uint32_t ids[CALLS], last_hello;
static uint64_t now;
static bool full;

/* ---- the carrier ---- */

static int send(void *ctx, uint32_t to, const void *message, uint32_t len)
{
	const uint8_t *m = message;

	(void)to;
	FZ_CHECK(len >= CW_RPC_HEADER && len <= SIZE && m[0] == CW_RPC_VERSION);
	if (ctx == &c && m[1] == CW_RPC_HELLO)
		last_hello = cw_peek32(m + 8);
	return full ? CW_EAGAIN : CW_OK;
}

static uint32_t most(void *ctx)
{
	(void)ctx;
	return SIZE - 8;
}

static uint64_t clock_now(void *ctx)
{
	(void)ctx;
	return now;
}

static const struct cw_rpc_carrier carrier = { send, most, clock_now, NULL };

/* ---- their owners ---- */

static void ran(const struct cw_rpc_request *r)
{
	uint64_t name = (uint64_t)r->session << 32 | r->id;

	for (unsigned int i = 0; i < mets; i++)
		FZ_CHECK(met[i] != name);
	if (mets < MET)
		met[mets++] = name;
	FZ_CHECK(r->session && r->room <= SIZE - CW_RPC_HEADER);
}

static int32_t at_once(struct cw_rpc_request *r)
{
	ran(r);
	r->reply_len = r->len < r->room ? r->len : r->room;
	memmove(r->reply, r->args, r->reply_len);
	return fz_u8();
}

static int32_t some_time(struct cw_rpc_request *r)
{
	ran(r);
	for (unsigned int i = 0; i < REQUESTS; i++) {
		FZ_CHECK(later[i] != r);
		if (later[i])
			continue;
		later[i] = r;
		return CW_RPC_LATER;
	}
	FZ_CHECK(false); /* more calls than entries */
	return 0;
}

static const struct cw_rpc_method methods[] = { { 1, 0, at_once }, { 2, 4, some_time } };

static void done(void *ctx, int32_t status, const uint8_t *data, uint32_t len)
{
	uint32_t sum = 0;

	(void)ctx;
	FZ_CHECK(status >= CW_RPC_STATUS_MIN && len <= SIZE - CW_RPC_HEADER);
	for (uint32_t i = 0; i < len; i++)
		sum += data[i];
	ended += 1 + (sum & 0);
}

/* ---- what happens ---- */

static uint8_t *compose(uint32_t *len, uint32_t session, uint32_t nonce)
{
	uint8_t m[SIZE + 32] = { CW_RPC_VERSION, (uint8_t)(fz_u8() % 9) }, *exact;
	uint8_t how = fz_u8();

	cw_poke16(m + 2, fz_u8() % 4);
	cw_poke32(m + 4, how & 1 ? fz_u8() : m[1] == CW_RPC_HELLO ? 0 : session);
	cw_poke32(m + 8, how & 2 ? nonce : how & 4 ? fz_u16() : fz_u8());
	cw_poke32(m + 12, how & 8 ? fz_u32() : fz_u8());
	*len = how & 16 ? fz_u8() % (SIZE + 32) : CW_RPC_HEADER + fz_u8() % 16;
	if (how & 32)
		m[fz_u8() % sizeof(m)] = fz_u8();
	/* Numbers near 0, on both sides: who goes all the way round may use one again. */
	cw_poke32(m + 8, (uint32_t)(int16_t)cw_peek16(m + 8));
	exact = malloc(*len ? *len : 1);
	FZ_CHECK(exact);
	memcpy(exact, m, *len);
	return exact;
}

static void to_client(void)
{
	uint32_t len, session = c.session;
	uint8_t *m;

	if (!session)
		session = fz_u8();
	m = compose(&len, session, session == c.session ? ids[fz_below(CALLS)] : last_hello);
	cw_rpc_client_receive(&c, m, len);
	free(m);
}

static void to_server(void)
{
	uint32_t len, from = fz_u8() % 3;
	uint8_t *m = compose(&len, peer[fz_u8() % PEERS].session, s.life);

	cw_rpc_server_receive(&s, from, m, len);
	free(m);
}

static void ask(uint8_t how)
{
	uint8_t bytes[SIZE] = { 0 };
	const struct cw_rpc_ask a = { .method = how & 3,
				      .len = fz_u8() % SIZE,
				      .more_len = how & 4 ? fz_u8() % SIZE : 0,
				      .args = bytes,
				      .more = bytes,
				      .timeout = fz_u16() };

	if (how & 8)
		cw_rpc_tell(&c, &a);
	else if (!cw_rpc_begin(&c, &a, done, NULL, &ids[fz_below(CALLS)]))
		begun++;
}

static void cancel(void)
{
	uint16_t before = c.under_way;

	cw_rpc_cancel(&c, ids[fz_below(CALLS)]);
	forgotten += before - c.under_way;
}

static void answer(void)
{
	struct cw_rpc_request **r = &later[fz_below(REQUESTS)];

	if (!*r)
		return;
	cw_rpc_wanted(*r, now);
	(*r)->reply_len = fz_u8() % SIZE;
	cw_rpc_answer(*r, fz_u8());
	*r = NULL;
}

static void step(uint8_t what)
{
	switch (what % 16) {
	case 0:
		now += fz_u16();
		cw_rpc_client_poll(&c);
		break;
	case 1:
		full = fz_u8() & 1;
		break;
	case 2:
	case 3:
		ask(what >> 4);
		break;
	case 4:
		cancel();
		break;
	case 5:
		answer();
		break;
	case 6:
		cw_rpc_server_poll(&s);
		break;
	case 7:
		if (what > 240)
			cw_rpc_server_down(&s);
		else if (what > 200)
			cw_rpc_client_up(&c);
		break;
	case 8:
	case 9:
	case 10:
	case 11:
		to_client();
		break;
	default:
		to_server();
	}
}

static void check(void)
{
	unsigned int under_way = 0;

	for (unsigned int i = 0; i < CALLS; i++)
		under_way += call[i].done != NULL;
	FZ_CHECK(under_way == c.under_way && begun == ended + forgotten + under_way);
	for (unsigned int i = 0; i < PEERS; i++) {
		unsigned int served = 0;

		for (unsigned int k = 0; k < REQUESTS; k++)
			served += request[k].state && request[k].session == peer[i].session;
		FZ_CHECK(!peer[i].session || served == peer[i].under_way);
	}
}

static void begin(void)
{
	const struct cw_rpc_client_config cc = { .carrier = &carrier,
						 .ctx = &c,
						 .call = call,
						 .calls = CALLS,
						 .out = out,
						 .size = SIZE,
						 .nonce = 5 };
	const struct cw_rpc_server_config sc = { .carrier = &carrier,
						 .ctx = &s,
						 .method = methods,
						 .methods = 2,
						 .request = request,
						 .requests = REQUESTS,
						 .peer = peer,
						 .peers = PEERS,
						 .size = SIZE,
						 .memory = memory,
						 .life = 7 };

	memset(later, 0, sizeof(later));
	memset(ids, 0, sizeof(ids));
	mets = begun = ended = forgotten = 0;
	now = 1000000;
	full = false;
	FZ_CHECK(!cw_rpc_client_init(&c, &cc) && !cw_rpc_server_init(&s, &sc));
	cw_rpc_client_up(&c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!out) {
		out = malloc(SIZE);
		memory = malloc(2 * REQUESTS * SIZE);
	}
	FZ_CHECK(out && memory);
	fz_begin(data, size);
	begin();
	for (unsigned int n = 0; n < 2000 && fz_more(); n++) {
		step(fz_u8());
		check();
	}
	full = false;
	cw_rpc_client_down(&c);
	FZ_CHECK(begun == ended + forgotten && !c.under_way);
	return 0;
}
