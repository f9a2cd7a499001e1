// SPDX-License-Identifier: BSD-3-Clause
/* Says something to the service `ping` of a remote, and prints what comes back. */
#include <causeway/core/err.h>
#include <causeway/core/text.h>
#include <causeway/host/rpmsg_client.h>

#include <stdio.h>
#include <string.h>

#define SECOND 1000000u
#define USAGE  " (rpmsg-echo [TEXT [REMOTE [BOARD]]]; where several run, say which)"

int main(int argc, char **argv)
{
	const struct cw_rpmsg_client_config conf = { .board = argc > 3 ? argv[3] : NULL,
						     .remote = argc > 2 ? argv[2] : NULL,
						     .service = "ping",
						     .wait_us = SECOND };
	const char *text = argc > 1 ? argv[1] : "hello";
	struct cw_rpmsg_client *c;
	char answer[1024];
	int n = cw_rpmsg_client_open(&c, &conf);

	if (!n)
		n = cw_rpmsg_client_send(c, text, strlen(text), 5 * SECOND);
	if (!n)
		n = cw_rpmsg_client_recv(c, answer, sizeof(answer), 5 * SECOND);
	if (n < 0)
		fprintf(stderr, "rpmsg-echo: %s%s\n", cw_strerror(n), n == CW_EINVAL ? USAGE : "");
	else
		for (int i = 0; i <= n; i++) /* a terminal obeys much */
			putchar(i == n ? '\n' : cw_text_char((uint8_t)answer[i]));
	cw_rpmsg_client_close(c);
	return n < 0;
}
