// SPDX-License-Identifier: BSD-3-Clause
/* A terminal on a service that takes and gives raw bytes, as Linux's rpmsg-tty does. */
#include "rpmsg.h"
#include "terminal.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#define PIECE 48u /* the smallest buffer that there may be holds so much */

/* What comes while nobody is there is lost, as on a serial line. */
static void type(const struct rpmsg_peer *p, const char *buf, size_t len)
{
	for (size_t at = 0; at < len; at += PIECE) {
		size_t n = len - at < PIECE ? len - at : PIECE;

		if (cw_rpmsg_client_send(p->c, buf + at, n, RPMSG_SECOND) == CW_ERESET)
			rpmsg_lost(p);
	}
}

static bool show(const struct rpmsg_peer *p)
{
	static char buf[CW_RPMSG_CLIENT_MOST];
	int n = cw_rpmsg_client_recv(p->c, buf, sizeof(buf), 0);

	if (n == CW_ERESET)
		rpmsg_lost(p);
	return n <= 0 || terminal_write(1, buf, (size_t)n);
}

static int talk(const struct rpmsg_peer *peer, bool terminal)
{
	struct pollfd p[2] = { { .fd = cw_rpmsg_client_fd(peer->c), .events = POLLIN },
			       { .fd = 0, .events = POLLIN } };
	bool escaped = false;
	char buf[512];

	for (;;) {
		int r = poll(p, 2, p[1].fd < 0 ? 500 : -1);
		ssize_t n;
		size_t len;

		if (r < 0 && errno != EINTR)
			return EXIT_FAIL;
		if (!r)
			return EXIT_FINE;
		if (p[0].revents && !show(peer))
			return EXIT_FAIL;
		if (!p[1].revents)
			continue;
		n = read(0, buf, sizeof(buf));
		len = n > 0 ? (size_t)n : 0;
		if (!len)
			p[1].fd = -1;
		if (terminal && !terminal_typed(buf, &len, &escaped))
			return EXIT_FINE;
		type(peer, buf, len);
	}
}

int rpmsg_tty(const struct cli_options *o)
{
	struct rpmsg_peer p;
	bool terminal;
	int r;

	if (!rpmsg_open(o, o->argc ? o->argv[0] : NULL, o->argc > 1 ? o->argv[1] : "rpmsg-tty", &p))
		return EXIT_FAIL;
	terminal = terminal_raw();
	if (terminal)
		fprintf(stderr, "Joined %s of %s; Ctrl-] then q leaves.\r\n", p.service, p.remote);
	r = talk(&p, terminal);
	cw_rpmsg_client_close(p.c);
	return r;
}
