// SPDX-License-Identifier: BSD-3-Clause
/*
 * Calls over a service's socket.
 *
 * Theory of operation: the client library connects again by itself and says once that it had to; that is the end of
 * the session here. Sending may learn it first, from where nobody may be called back, so it is remembered.
 */
#include <causeway/core/err.h>
#include <causeway/host/rpc_socket.h>

#include <time.h>

#define AT_ONCE 16u /* messages taken between two looks at the deadlines */

static int send(void *ctx, uint32_t to, const void *message, uint32_t len)
{
	struct cw_rpc_socket *s = ctx;
	int err = cw_rpmsg_client_send(s->messages, message, len, 0);

	(void)to;
	s->lost |= err == CW_ERESET;
	return err == CW_ETIMEDOUT || err == CW_ERESET ? CW_EAGAIN : err;
}

static uint32_t most(void *ctx)
{
	(void)ctx;
	return CW_RPMSG_CLIENT_MOST;
}

static uint64_t now(void *ctx)
{
	struct timespec t;

	(void)ctx;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static void renew(struct cw_rpc_socket *s)
{
	s->lost = false;
	cw_rpc_client_up(s->client);
}

/* One message, or the end of a connection; false: there was nothing in time. */
static bool take(struct cw_rpc_socket *s, uint64_t timeout)
{
	int n = cw_rpmsg_client_recv(s->messages, s->in, s->client->conf.size, timeout);

	s->inside = true;
	if (n > 0)
		cw_rpc_client_receive(s->client, s->in, (uint32_t)n);
	if (n == CW_ERESET || s->lost)
		renew(s);
	s->inside = false;
	return n > 0 || n == CW_EBADLEN || n == CW_ERESET;
}

static int wait(void *ctx, uint64_t deadline)
{
	struct cw_rpc_socket *s = ctx;
	uint64_t t = now(ctx);

	if (s->inside)
		return CW_EAGAIN;
	t = deadline == UINT64_MAX ? deadline : deadline > t ? deadline - t : 0;
	for (unsigned int n = 0; n < AT_ONCE && take(s, t); n++)
		t = 0;
	return CW_OK;
}

const struct cw_rpc_carrier cw_rpc_socket_carrier = { send, most, now, wait };

void cw_rpc_socket_begin(struct cw_rpc_socket *s)
{
	s->inside = s->lost = false;
	cw_rpc_client_up(s->client);
}

void cw_rpc_socket_poll(struct cw_rpc_socket *s)
{
	wait(s, 0);
	s->inside = true;
	cw_rpc_client_poll(s->client);
	s->inside = false;
}
