// SPDX-License-Identifier: BSD-3-Clause
/*
 * The Linux end of a service of messages (a unix SEQPACKET socket), and what such a socket does without one.
 *
 *	ping PATH COUNT GAP_US	round trips of 64 B
 *	many SECONDS PATH...	as many messages of 64 B as come back over all of these, eight under way on each
 *	long SECONDS SIZE UNDERWAY PATH	as many messages of SIZE bytes as come back over one, so many under way
 *	echo PATH...		the floor: a process that answers by itself
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define LEN	 64
#define MOST	 32
#define UNDERWAY 8
#define LONGEST	 65536

static double now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int made(const char *path, struct sockaddr_un *a)
{
	memset(a, 0, sizeof(*a));
	a->sun_family = AF_UNIX;
	if (strlen(path) >= sizeof(a->sun_path))
		return -1;
	strcpy(a->sun_path, path);
	return socket(AF_UNIX, SOCK_SEQPACKET, 0);
}

static int dial(const char *path)
{
	struct sockaddr_un a;
	int fd = made(path, &a);

	if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof(a))) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		exit(1);
	}
	return fd;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static int ping(const char *path, long count, long gap)
{
	double *t = calloc((size_t)count, sizeof(*t));
	char out[LEN] = "ping", in[LEN];
	int fd = dial(path);

	for (long i = 0; i < count; i++) {
		double begun = now_us();

		if (send(fd, out, LEN, 0) != LEN || recv(fd, in, LEN, 0) != LEN)
			return 1;
		t[i] = now_us() - begun;
		for (double end = now_us() + (double)gap; gap && now_us() < end;)
			;
	}
	qsort(t, (size_t)count, sizeof(*t), by_value);
	printf("{\"n\": %ld, \"min\": %.1f, \"median\": %.1f, \"p99\": %.1f}\n", count, t[0],
	       t[count / 2], t[count * 99 / 100]);
	return 0;
}

static int many(double seconds, int n, char **path)
{
	char text[LEN] = "many";
	struct pollfd p[MOST];
	unsigned long got = 0;
	double begun, end;

	for (int i = 0; i < n; i++)
		p[i] = (struct pollfd){ .fd = dial(path[i]), .events = POLLIN };
	begun = now_us();
	end = begun + seconds * 1e6;
	for (int i = 0; i < n * UNDERWAY; i++)
		if (send(p[i % n].fd, text, LEN, 0) != LEN)
			return 1;
	while (now_us() < end && poll(p, (nfds_t)n, 1000) > 0)
		for (int i = 0; i < n; i++)
			while (p[i].revents && recv(p[i].fd, text, LEN, MSG_DONTWAIT) == LEN) {
				got++;
				if (send(p[i].fd, text, LEN, 0) != LEN)
					return 1;
			}
	printf("{\"n\": %lu, \"us\": %.0f}\n", got, now_us() - begun);
	return 0;
}

static int long_ones(double seconds, size_t size, unsigned long under_way, const char *path)
{
	static char out[LONGEST], in[LONGEST];
	struct pollfd p = { .fd = dial(path) };
	unsigned long got = 0, away = 0;
	double begun = now_us(), end = begun + seconds * 1e6;

	while (now_us() < end) {
		while (away < under_way && send(p.fd, out, size, MSG_DONTWAIT) == (ssize_t)size)
			away++;
		p.events = away < under_way ? POLLIN | POLLOUT : POLLIN;
		if (poll(&p, 1, 1000) <= 0)
			return 1;
		for (; recv(p.fd, in, size, MSG_DONTWAIT) == (ssize_t)size; away--)
			got++;
	}
	printf("{\"n\": %lu, \"us\": %.0f}\n", got, now_us() - begun);
	return 0;
}

static int echo(int n, char **path)
{
	struct pollfd p[MOST];
	static char text[LONGEST];

	for (int i = 0; i < n; i++) {
		struct sockaddr_un a;

		p[i] = (struct pollfd){ .fd = made(path[i], &a), .events = POLLIN };
		if (p[i].fd < 0 || bind(p[i].fd, (struct sockaddr *)&a, sizeof(a)) ||
		    listen(p[i].fd, 1))
			return 1;
	}
	for (int i = 0; i < n; i++) {
		int listening = p[i].fd;

		p[i].fd = accept(listening, NULL, NULL);
	}
	while (poll(p, (nfds_t)n, -1) > 0)
		for (int i = 0; i < n; i++)
			while (p[i].revents) {
				ssize_t got = recv(p[i].fd, text, sizeof(text), MSG_DONTWAIT);

				if (!got)
					return 0;
				if (got < 0 || send(p[i].fd, text, (size_t)got, 0) != got)
					break;
			}
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 5 && !strcmp(argv[1], "ping"))
		return ping(argv[2], strtol(argv[3], NULL, 10), strtol(argv[4], NULL, 10));
	if (argc > 3 && argc - 3 <= MOST && !strcmp(argv[1], "many"))
		return many(strtod(argv[2], NULL), argc - 3, argv + 3);
	if (argc == 6 && !strcmp(argv[1], "long") && strtoul(argv[3], NULL, 10) <= LONGEST)
		return long_ones(strtod(argv[2], NULL), strtoul(argv[3], NULL, 10),
				 strtoul(argv[4], NULL, 10), argv[5]);
	if (argc > 2 && argc - 2 <= MOST && !strcmp(argv[1], "echo"))
		return echo(argc - 2, argv + 2);
	fprintf(stderr, "usage: seqpacket ping PATH COUNT GAP_US | many SECONDS PATH... | "
			"long SECONDS SIZE UNDERWAY PATH | echo PATH...\n");
	return 2;
}
