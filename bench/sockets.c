// SPDX-License-Identifier: BSD-3-Clause
/*
 * Ends of unix stream sockets, for 0.6 s each:
 *
 *	sockets bare SIZE	two processes, one writes SIZE bytes a call, the other reads them
 *	sockets sink PATH	reads whatever comes to PATH, for ever
 *	sockets dial PATH PORT	connects to a port of a remote, waits until it is up, closes, again
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SPAN_US 6e5

static char buf[1 << 20];

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec * 1e-3;
}

static int usage(void)
{
	fputs("usage: sockets bare SIZE | sink PATH | dial PATH PORT\n", stderr);
	return 2;
}

static int bare(size_t size)
{
	double begun, bytes = 0;
	ssize_t n;
	int s[2];

	if (!size || size > sizeof(buf) || socketpair(AF_UNIX, SOCK_STREAM, 0, s))
		return usage();
	if (!fork()) {
		close(s[0]);
		for (begun = now(); now() - begun < SPAN_US;)
			for (int i = 0; i < 64; i++)
				if (write(s[1], buf, size) < 0)
					_exit(1);
		_exit(0);
	}
	close(s[1]);
	begun = now();
	while ((n = read(s[0], buf, 65536)) > 0)
		bytes += (double)n;
	printf("{\"bytes\": %.0f, \"us\": %.0f}\n", bytes, now() - begun);
	wait(NULL);
	return 0;
}

static int at(const char *path, int (*how)(int, const struct sockaddr *, socklen_t))
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int s = socket(AF_UNIX, SOCK_STREAM, 0);

	strncpy(a.sun_path, path, sizeof(a.sun_path) - 1);
	if (s >= 0 && !how(s, (const struct sockaddr *)&a, sizeof(a)))
		return s;
	perror(path);
	exit(1);
}

static int sink(const char *path)
{
	int s = at(path, bind), c;

	if (listen(s, 16))
		return 1;
	while ((c = accept(s, NULL, NULL)) >= 0) {
		while (read(c, buf, 65536) > 0)
			;
		close(c);
	}
	return 1;
}

static int dial(const char *path, const char *port)
{
	char line[32];
	int n = snprintf(line, sizeof(line), "CONNECT %s\n", port);
	double begun = now(), up = 0;

	while (now() - begun < SPAN_US) {
		int s = at(path, connect);

		if (write(s, line, (size_t)n) != n || read(s, buf, 64) < 3 || memcmp(buf, "OK ", 3))
			return 1;
		close(s);
		up++;
	}
	printf("{\"n\": %.0f, \"us\": %.0f}\n", up, now() - begun);
	return 0;
}

int main(int argc, char **argv)
{
	signal(SIGPIPE, SIG_IGN);
	if (argc == 3 && !strcmp(argv[1], "bare"))
		return bare(strtoul(argv[2], NULL, 10));
	if (argc == 3 && !strcmp(argv[1], "sink"))
		return sink(argv[2]);
	if (argc == 4 && !strcmp(argv[1], "dial"))
		return dial(argv[2], argv[3]);
	return usage();
}
