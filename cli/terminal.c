// SPDX-License-Identifier: BSD-3-Clause
#include "terminal.h"

#include "cli.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#define ESCAPE 0x1d /* Ctrl-] */

static struct termios saved;

static void restore(void)
{
	tcsetattr(0, TCSANOW, &saved);
}

/* Ends us as it would have, with the terminal as it was. */
static void end(int sig)
{
	restore();
	raise(sig);
}

static void catch (int sig)
{
	const struct sigaction a = { .sa_handler = end, .sa_flags = (int)SA_RESETHAND };
	struct sigaction before;

	if (!sigaction(sig, NULL, &before) && before.sa_handler == SIG_DFL)
		sigaction(sig, &a, NULL);
}

bool terminal_raw(void)
{
	static const int ends[] = { SIGTERM, SIGHUP, SIGINT, SIGQUIT };
	struct termios t;

	if (!isatty(0) || tcgetattr(0, &saved))
		return false;
	t = saved;
	cfmakeraw(&t);
	atexit(restore);
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		catch (ends[i]);
	return !tcsetattr(0, TCSANOW, &t);
}

bool terminal_typed(char *buf, size_t *len, bool *escaped)
{
	size_t n = 0;

	for (size_t i = 0; i < *len; i++) {
		if (*escaped && (buf[i] == 'q' || buf[i] == '.'))
			return false;
		if (!*escaped && buf[i] == ESCAPE) {
			*escaped = true;
			continue;
		}
		*escaped = false;
		buf[n++] = buf[i];
	}
	*len = n;
	return true;
}

bool terminal_write(int fd, const char *p, size_t n)
{
	while (n) {
		ssize_t w = write(fd, p, n);

		if (w < 0 && errno == EINTR)
			continue;
		if (w <= 0)
			return false;
		p += w;
		n -= (size_t)w;
	}
	return true;
}

ssize_t terminal_read(char *buf, size_t size)
{
	ssize_t n;

	do {
		n = read(0, buf, size);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		cli_unread();
	return n;
}

bool terminal_show(const char *p, size_t n)
{
	if (terminal_write(1, p, n))
		return true;
	fprintf(stderr, "causeway: cannot write the output: %s\n", strerror(errno));
	return false;
}
