// SPDX-License-Identifier: BSD-3-Clause
/* Calls a method of the service `calls` of a remote: rpmsg-call NUMBER [TEXT [REMOTE [BOARD]]]. */
#include <causeway/core/err.h>
#include <causeway/core/text.h>
#include <causeway/host/rpc_socket.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define SECOND 1000000u

static int usage(void)
{
	fprintf(stderr, "usage: rpmsg-call NUMBER [TEXT [REMOTE [BOARD]]]\n"
			"NUMBER is 0 to 65535; where several remotes or boards run, say which\n");
	return 2;
}

static bool number(const char *text, uint16_t *value)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	*value = (uint16_t)n;
	return *text >= '0' && *text <= '9' && !*end && n <= UINT16_MAX;
}

int main(int argc, char **argv)
{
	const struct cw_rpmsg_client_config conf = { .board = argc > 4 ? argv[4] : NULL,
						     .remote = argc > 3 ? argv[3] : NULL,
						     .service = "calls",
						     .wait_us = SECOND };
	static uint8_t in[4096], out[4096], reply[4096];
	static struct cw_rpc_call calls[1];
	struct cw_rpc_socket s = { .in = in };
	struct cw_rpc_client client;
	struct cw_rpc_client_config c = { .carrier = &cw_rpc_socket_carrier,
					  .ctx = &s,
					  .call = calls,
					  .calls = 1,
					  .out = out,
					  .size = sizeof(in) };
	struct cw_rpc_ask ask = { .args = argc > 2 ? argv[2] : "", .timeout = 5 * SECOND };
	uint32_t len = sizeof(reply);
	int32_t status;

	if (argc < 2 || !number(argv[1], &ask.method))
		return usage();
	ask.len = (uint32_t)strlen(ask.args);
	status = cw_rpmsg_client_open(&s.messages, &conf);
	if (status == CW_EINVAL)
		return usage();
	if (status)
		return fprintf(stderr, "rpmsg-call: %s\n", cw_strerror(status)), 1;
	if (getrandom(&c.nonce, sizeof(c.nonce), 0) < 0 || cw_rpc_client_init(&client, &c))
		return 1;
	s.client = &client;
	cw_rpc_socket_begin(&s);
	status = cw_rpc_call(&client, &ask, reply, &len);
	if (!status)
		for (uint32_t i = 0; i <= len; i++) /* a terminal obeys much */
			putchar(i == len ? '\n' : cw_text_char(reply[i]));
	else if (status > 0)
		fprintf(stderr, "rpmsg-call: status %d\n", (int)status);
	else
		fprintf(stderr, "rpmsg-call: %s\n", cw_strerror(status));
	cw_rpc_client_end(&client);
	cw_rpmsg_client_close(s.messages);
	return status != 0;
}
