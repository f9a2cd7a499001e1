// SPDX-License-Identifier: BSD-3-Clause
/*
 * A service of calls, `calls`, as an example: 1 echoes, 2 says how long we have been up, 3 adds numbers, and
 * fails with a status of its own (1) when there is anything else.
 */
#include "app.h"
#include "commands.h"
#include "messages.h"

#include <causeway/core/err.h>
#include <causeway/core/rpc_rpmsg.h>

#include <stdio.h>
#include <string.h>

#define SIZE	496u
#define CALLS	8u
#define CLIENTS 4u

static struct cw_rpc_rpmsg link;
static struct cw_rpc_server server;
static struct cw_rpc_request request[CALLS];
static struct cw_rpc_peer peer[CLIENTS];
static uint8_t in[SIZE], memory[2 * CALLS * SIZE];

static int32_t echo(struct cw_rpc_request *r)
{
	r->reply_len = r->len < r->room ? r->len : r->room;
	memcpy(r->reply, r->args, r->reply_len);
	return 0;
}

static int32_t uptime(struct cw_rpc_request *r)
{
	char text[32];

	snprintf(text, sizeof(text), "%lu ms", (unsigned long)((app_now() - app.started) / 1000));
	r->reply_len = (uint32_t)strlen(text);
	memcpy(r->reply, text, r->reply_len);
	return 0;
}

/* A number without sign; -1: there is none. */
static long number(const uint8_t **at, const uint8_t *end)
{
	long n = *at < end && **at >= '0' && **at <= '9' ? 0 : -1;

	for (; *at < end && **at >= '0' && **at <= '9' && n < 1000000; (*at)++)
		n = 10 * n + (**at - '0');
	return n;
}

static int32_t add(struct cw_rpc_request *r)
{
	const uint8_t *at = r->args, *end = at + r->len;
	char text[32];
	long sum = 0;

	while (at < end) {
		long n = number(&at, end);

		if (n < 0)
			return 1;
		sum += n;
		at += at < end;
	}
	snprintf(text, sizeof(text), "%ld", sum);
	r->reply_len = (uint32_t)strlen(text);
	memcpy(r->reply, text, r->reply_len);
	return 0;
}

void calls_init(void)
{
	static const struct cw_rpc_method method[] = { { 1, 0, echo },
						       { 2, 0, uptime },
						       { 3, 1, add } };
	static const struct cw_rpmsg_spec spec = { .name = "calls",
						   .addr = CW_RPMSG_ANY,
						   .dst = CW_RPMSG_ANY };
	const struct cw_rpc_server_config conf = { .carrier = &cw_rpc_rpmsg_carrier,
						   .ctx = &link,
						   .method = method,
						   .methods = 3,
						   .request = request,
						   .requests = CALLS,
						   .peer = peer,
						   .peers = CLIENTS,
						   .size = SIZE,
						   .memory = memory,
						   .life = (uint32_t)app_now() };

	link = (struct cw_rpc_rpmsg){ .server = &server, .in = in, .size = SIZE };
	/* Neither can fail: the tables are ours, and the channel's has room. */
	(void)cw_rpc_server_init(&server, &conf);
	(void)cw_rpc_rpmsg_open(&link, messages_channel(), &spec);
}
