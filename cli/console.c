// SPDX-License-Identifier: BSD-3-Clause
/*
 * A terminal on a remote's console, like a serial terminal: bytes pass as they are, and one key
 * leaves. The console stays when we leave; whoever comes next finds it as it was.
 */
#include "talk.h"
#include "terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static const char help[] =
	"usage: causeway console [--board NAME] [--run-dir DIR] [REMOTE[:PORT]]\n"
	"\n"
	"Joins this terminal to a console of a remote. PORT is its number, counted from 0 over the\n"
	"remote's consoles, or its name. REMOTE may be left out when the board has only one.\n"
	"\n"
	"Ctrl-] then q (or .) leaves; the remote goes on. Ctrl-] twice sends one Ctrl-].\n"
	"With standard input from elsewhere than a terminal, its end leaves half a second after the\n"
	"last output.\n"
	"\n"
	"Exit status: 0 left, 1 there is no such console, or it went away.\n";

static int join(const cJSON *b)
{
	const char *at = talk_text(b, "at"), *path = strchr(at, '/');
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd;

	if (!strcmp(talk_text(b, "kind"), "pty"))
		return path ? open(path, O_RDWR | O_NOCTTY | O_CLOEXEC) : -1;
	errno = EINVAL;
	if (strcmp(talk_text(b, "kind"), "socket") != 0 || strlen(at) >= sizeof(a.sun_path))
		return -1;
	memcpy(a.sun_path, at, strlen(at) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	return fd >= 0 && !connect(fd, (struct sockaddr *)&a, sizeof(a)) ? fd : -1;
}

static int talk(int fd, bool terminal)
{
	struct pollfd p[2] = { { .fd = fd, .events = POLLIN }, { .fd = 0, .events = POLLIN } };
	char buf[512];
	bool escaped = false;
	size_t len;
	ssize_t n;

	for (;;) {
		int r = poll(p, 2, p[1].fd < 0 ? 500 : -1);

		if (r < 0 && errno != EINTR)
			return EXIT_FAIL;
		if (!r)
			return EXIT_FINE;
		if (p[0].revents) {
			n = read(fd, buf, sizeof(buf));
			if (n <= 0) {
				fputs("\r\ncauseway: the console went away\r\n", stderr);
				return EXIT_FAIL;
			}
			if (!terminal_show(buf, (size_t)n))
				return EXIT_FAIL;
		}
		if (!p[1].revents)
			continue;
		n = terminal_read(buf, sizeof(buf));
		if (n < 0)
			return EXIT_FAIL;
		if (!n) {
			p[1].fd = -1;
			continue;
		}
		len = (size_t)n;
		if (terminal && !terminal_typed(buf, &len, &escaped))
			return EXIT_FINE;
		if (!terminal_write(fd, buf, len))
			return EXIT_FINE;
	}
}

static int attach(const struct cli_options *o, const char *remote, const char *port)
{
	cJSON *s = talk_once(o, "status", NULL);
	const cJSON *r = s ? talk_remote(s, remote) : NULL;
	const cJSON *b = r ? talk_port(r, port) : NULL;
	bool terminal;
	int fd;

	fd = b ? join(b) : -1;
	if (b && fd < 0)
		fprintf(stderr, "causeway: cannot join %s %s: %s\n", talk_text(b, "kind"),
			talk_text(b, "at"), strerror(errno));
	cJSON_Delete(s);
	if (fd < 0)
		return EXIT_FAIL;
	terminal = terminal_raw();
	if (terminal)
		fputs("Joined the console; Ctrl-] then q leaves.\r\n", stderr);
	return talk(fd, terminal);
}

static int run(int argc, char **argv)
{
	struct cli_options o;
	int r = cli_options(&cli_console, argc, argv, "bDr", &o);
	const char *port;
	char *remote;

	if (r >= 0)
		return r;
	if (o.argc > 1)
		return cli_usage(&cli_console, "'%s': one console at a time", o.argv[1]);
	remote = talk_split(o.argc ? o.argv[0] : o.remote, &port);
	r = attach(&o, remote && *remote ? remote : NULL, port);
	free(remote);
	return r;
}

const struct cli_command cli_console = {
	.name = "console",
	.summary = "join a remote's console, as with a serial terminal",
	.help = help,
	.run = run,
};
