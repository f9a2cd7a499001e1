// SPDX-License-Identifier: BSD-3-Clause
/*
 * RPC over RPMsg.
 *
 * Theory of operation: a message is copied out of shared memory once, and only the copy is looked at.
 * A peer that comes or goes is the end of what was there before, for both roles. A server answers
 * whoever asked; a client listens to its peer alone.
 */
#include <causeway/core/err.h>
#include <causeway/core/rpc_rpmsg.h>

#include "rpmsg_priv.h"

#define WAIT_TAKE 16u

static int send(void *ctx, uint32_t to, const void *message, uint32_t len)
{
	struct cw_rpc_rpmsg *g = ctx;

	if (!g->e)
		return CW_EDOWN;
	return to != CW_RPC_PEER ? cw_rpmsg_sendto(g->e, to, message, len, 0)
				 : cw_rpmsg_send(g->e, message, len, 0);
}

static uint32_t most(void *ctx)
{
	struct cw_rpc_rpmsg *g = ctx;

	return g->e ? cw_rpmsg_mtu(g->e->channel) : 0;
}

/* Stands still while the channel is down: nothing is under way then. */
static uint64_t now(void *ctx)
{
	struct cw_rpc_rpmsg *g = ctx;
	const struct cw_rpmsg_queues *q = g->e ? g->e->channel->queues : NULL;

	if (q && q->transport->now)
		g->time = q->transport->now(q->ctx);
	return g->time;
}

static int sleep(struct cw_rpmsg *ch, uint64_t deadline)
{
	const struct cw_rpmsg_transport *t = ch->queues->transport;
	uint64_t other = cw_rpmsg_deadline(ch);
	int err;

	if (cw_rpmsg_arm(ch))
		return CW_OK;
	if (!ch->queues)
		return CW_ERESET; /* something was to be told, and could not */
	err = t->wait(ch->queues->ctx, other < deadline ? other : deadline);
	if (err)
		cw_rpmsg_down(ch);
	return err;
}

static int wait(void *ctx, uint64_t deadline)
{
	struct cw_rpc_rpmsg *g = ctx;
	struct cw_rpmsg *ch = g->e ? g->e->channel : NULL;
	int got;

	if (!ch || !ch->queues)
		return CW_EDOWN;
	if (ch->inside || !ch->queues->transport->wait || !ch->queues->transport->now)
		return CW_EAGAIN;
	got = cw_rpmsg_poll(ch, WAIT_TAKE);
	if (got || now(g) >= deadline)
		return got < 0 ? got : CW_OK;
	got = sleep(ch, deadline);
	got = got ? got : cw_rpmsg_poll(ch, WAIT_TAKE);
	return got < 0 ? got : CW_OK;
}

const struct cw_rpc_carrier cw_rpc_rpmsg_carrier = { send, most, now, wait };

/* ---- the endpoint ---- */

static int receive(struct cw_rpmsg_endpoint *e, const struct cw_rpmsg_msg *m)
{
	struct cw_rpc_rpmsg *g = e->ctx;
	int err = CW_ENOTSUP;

	if (m->len > g->size) {
		g->bad++;
		return 0;
	}
	cw_rpmsg_copy(m, 0, g->in, m->len);
	if (g->client && m->src == e->dst)
		err = cw_rpc_client_receive(g->client, g->in, m->len);
	if (g->server && err == CW_ENOTSUP)
		err = cw_rpc_server_receive(g->server, m->src, g->in, m->len);
	g->bad += err == CW_ENOTSUP;
	return 0;
}

static void peer(struct cw_rpmsg_endpoint *e, bool has)
{
	struct cw_rpc_rpmsg *g = e->ctx;

	if (g->client && has)
		cw_rpc_client_up(g->client);
	else if (g->client)
		cw_rpc_client_down(g->client);
	if (g->server && !has)
		cw_rpc_server_down(g->server);
}

static void writable(struct cw_rpmsg_endpoint *e)
{
	struct cw_rpc_rpmsg *g = e->ctx;

	if (g->server)
		cw_rpc_server_poll(g->server);
	if (g->client)
		cw_rpc_client_poll(g->client);
}

static const struct cw_rpmsg_endpoint_ops ops = { receive, peer, writable };

int cw_rpc_rpmsg_open(struct cw_rpc_rpmsg *g, struct cw_rpmsg *ch, const struct cw_rpmsg_spec *spec)
{
	struct cw_rpmsg_spec s = *spec;

	s.ops = &ops;
	s.ctx = g;
	s.silent |= !g->server; /* who only asks is no service */
	g->e = NULL;
	g->bad = 0;
	return cw_rpmsg_create(ch, &s, &g->e);
}

void cw_rpc_rpmsg_close(struct cw_rpc_rpmsg *g)
{
	if (!g->e)
		return;
	if (g->client)
		cw_rpc_client_end(g->client);
	if (g->server)
		cw_rpc_server_down(g->server);
	cw_rpmsg_destroy(g->e);
	g->e = NULL;
}
