// SPDX-License-Identifier: BSD-3-Clause
/*
 * UDP round trips: `udp ADDRESS COUNT GAP_US` prints one JSON line with the latencies in microseconds.
 * And floors to compare with: `tap NAME 1|2` answers UDP on a TAP in one blocking process, or in two
 * with a socket between them: what any device in a process of its own costs at the least.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static double now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static int client(const char *address, long count, long gap)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(7) };
	struct timeval patience = { .tv_sec = 1 };
	double *t = calloc((size_t)count, sizeof(*t));
	int s = socket(AF_INET, SOCK_DGRAM, 0);
	char out[64] = "causeway", in[64];
	long good = 0, lost = 0;

	if (!t || s < 0 || inet_pton(AF_INET, address, &to.sin_addr) != 1 ||
	    connect(s, (struct sockaddr *)&to, sizeof(to)) ||
	    setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)))
		return 1;
	for (long i = 0; i < count; i++) {
		double begun = now_us();

		memcpy(out + 8, &i, sizeof(i));
		if (send(s, out, sizeof(out), 0) != sizeof(out) ||
		    recv(s, in, sizeof(in), 0) != sizeof(in) || memcmp(in, out, sizeof(in))) {
			if (++lost == 20)
				break; /* nobody answers */
			continue;
		}
		t[good++] = now_us() - begun;
		for (double end = now_us() + (double)gap; gap && now_us() < end;)
			;
	}
	if (!good)
		return 1;
	qsort(t, (size_t)good, sizeof(*t), by_value);
	printf("{\"sent\": %ld, \"good\": %ld, \"min\": %.1f, \"median\": %.1f, \"p99\": %.1f, "
	       "\"p999\": %.1f}\n",
	       count, good, t[0], t[good / 2], t[good * 99 / 100], t[good * 999 / 1000]);
	return 0;
}

static int open_tap(const char *name)
{
	struct ifreq r = { .ifr_flags = IFF_TAP | IFF_NO_PI };
	int fd = open("/dev/net/tun", O_RDWR);

	strncpy(r.ifr_name, name, IFNAMSIZ - 1);
	return fd < 0 || ioctl(fd, TUNSETIFF, &r) ? -1 : fd;
}

static void swap(uint8_t *a, uint8_t *b, size_t n)
{
	uint8_t t[6];

	memcpy(t, a, n);
	memcpy(a, b, n);
	memcpy(b, t, n);
}

/* Turns an ARP request or a UDP datagram into its answer; false: neither. */
static int answer(uint8_t *f)
{
	static const uint8_t mac[6] = { 2, 0x43, 0, 0, 0, 9 };

	if (f[12] == 8 && f[13] == 6 && f[21] == 1) {
		swap(f + 28, f + 38, 4);
		memcpy(f + 32, f + 22, 6);
		memcpy(f + 22, mac, 6);
		f[21] = 2;
	} else if (f[12] == 8 && !f[13] && f[23] == 17) {
		swap(f + 26, f + 30, 4);
		swap(f + 34, f + 36, 2);
	} else {
		return 0;
	}
	memcpy(f, f + 6, 6);
	memcpy(f + 6, mac, 6);
	return 1;
}

static void relay(int from, int to, int answering)
{
	uint8_t f[2048];

	for (;;) {
		ssize_t n = read(from, f, sizeof(f));

		if (n <= 0)
			_exit(0);
		if (n >= 42 && (!answering || answer(f)) && write(to, f, (size_t)n) < 0)
			_exit(0);
	}
}

static int serve(const char *name, int processes)
{
	int tap = open_tap(name), pair[2];

	if (tap < 0) {
		fprintf(stderr, "tap %s: %s\n", name, strerror(errno));
		return 1;
	}
	if (processes == 1)
		relay(tap, tap, 1);
	if (socketpair(AF_UNIX, SOCK_DGRAM, 0, pair))
		return 1;
	for (int i = 0; i < 2; i++) {
		if (!fork()) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			if (i)
				relay(pair[1], pair[1], 1);
			relay(pair[0], tap, 0);
		}
	}
	relay(tap, pair[0], 0);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 5 && !strcmp(argv[1], "udp"))
		return client(argv[2], strtol(argv[3], NULL, 10), strtol(argv[4], NULL, 10));
	if (argc == 4 && !strcmp(argv[1], "tap"))
		return serve(argv[2], atoi(argv[3]));
	fprintf(stderr, "usage: udp udp ADDRESS COUNT GAP_US | udp tap NAME 1|2\n");
	return 2;
}
