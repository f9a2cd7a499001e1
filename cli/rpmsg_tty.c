// SPDX-License-Identifier: BSD-3-Clause
/* A terminal on a service that takes and gives raw bytes, as Linux's rpmsg-tty does. */
#include "rpmsg.h"
#include "terminal.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#define PIECE	 48u	 /* the smallest buffer that there may be holds so much */
#define QUIET_US 500000u /* without a word, after the end of standard input */

/* What comes while nobody is there is lost, as on a serial line. */
static void type(const struct rpmsg_peer *p, const char *buf, size_t len)
{
	for (size_t at = 0; at < len; at += PIECE) {
		size_t n = len - at < PIECE ? len - at : PIECE;

		if (cw_rpmsg_client_send(p->c, buf + at, n, RPMSG_SECOND) == CW_ERESET)
			rpmsg_lost(p);
	}
}

/* Bytes shown; below 0: they cannot be. */
static int show(const struct rpmsg_peer *p)
{
	static char buf[CW_RPMSG_CLIENT_MOST];
	int n = cw_rpmsg_client_recv(p->c, buf, sizeof(buf), 0);

	if (n == CW_ERESET)
		rpmsg_lost(p);
	if (n <= 0)
		return 0;
	return terminal_show(buf, (size_t)n) ? n : -1;
}

/* Until @end; a service that is away wakes us for each try to find it, so silence is told by the clock. */
static int wait_for(struct pollfd p[2], uint64_t end)
{
	uint64_t now = rpmsg_now(), left = end > now ? end - now : 0;
	int r = poll(p, 2, end == UINT64_MAX ? -1 : (int)((left + 999) / 1000));

	if (r < 0)
		p[0].revents = p[1].revents = 0;
	return r < 0 && errno != EINTR ? -1 : 0;
}

static int talk(const struct rpmsg_peer *peer, bool terminal)
{
	struct pollfd p[2] = { { .fd = cw_rpmsg_client_fd(peer->c), .events = POLLIN },
			       { .fd = 0, .events = POLLIN } };
	uint64_t end = UINT64_MAX;
	bool escaped = false;
	char buf[512];

	while (rpmsg_now() < end) {
		ssize_t n;
		size_t len;

		if (wait_for(p, end))
			return EXIT_FAIL;
		n = p[0].revents ? show(peer) : 0;
		if (n < 0)
			return EXIT_FAIL;
		if (p[1].fd < 0 && n)
			end = rpmsg_now() + QUIET_US;
		if (!p[1].revents)
			continue;
		n = terminal_read(buf, sizeof(buf));
		if (n < 0)
			return EXIT_FAIL;
		len = (size_t)n;
		if (!len) {
			p[1].fd = -1;
			end = rpmsg_now() + QUIET_US;
		}
		if (terminal && !terminal_typed(buf, &len, &escaped))
			return EXIT_FINE;
		type(peer, buf, len);
	}
	return EXIT_FINE;
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
