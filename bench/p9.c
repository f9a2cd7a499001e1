// SPDX-License-Identifier: BSD-3-Clause
/*
 * p9 WHAT FOLDER [SOCKET]
 *
 * A 9P client with one request in flight, for 0.6 s: of the PMM's server in this process, or of
 * whichever is behind SOCKET. WHAT is the msize of reads of the file "f", or "stat": a walk,
 * Tgetattr and Tclunk. Prints the count of reads or stats, and their bytes.
 */
#include <causeway/core/err.h>
#include <causeway/host/9p.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define MSIZE 65536u

static struct cw_9p_server *server;
static int sock = -1;
static uint8_t request[MSIZE], reply[MSIZE], head[CW_9P_HEAD_MAX];
static uint32_t len;

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec * 1e-3;
}

static void put(uint64_t v, unsigned int bytes)
{
	for (; bytes--; v >>= 8)
		request[len++] = (uint8_t)v;
}

static void put_text(const char *text)
{
	put(strlen(text), 2);
	memcpy(request + len, text, strlen(text));
	len += (uint32_t)strlen(text);
}

static void begin(unsigned int type)
{
	len = 4;
	put(type, 1);
	put(0, 2);
}

static uint32_t word(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static uint32_t over_socket(void)
{
	uint32_t got = 0;

	if (send(sock, request, len, 0) != (ssize_t)len)
		exit(3);
	while (got < 4 || got < word(reply)) {
		ssize_t n = recv(sock, reply + got, sizeof(reply) - got, 0);

		if (n <= 0)
			exit(3);
		got += (uint32_t)n;
	}
	return got;
}

static uint32_t in_process(void)
{
	struct cw_part data = { reply + CW_9P_RREAD_HEADER, sizeof(reply) - CW_9P_RREAD_HEADER };
	uint32_t more;
	int r = cw_9p_answer_now(server, request, len, head, &data, 1, &more);

	if (r == CW_EAGAIN)
		return cw_9p_answer(server, request, len, reply, sizeof(reply));
	memcpy(reply, head, (size_t)r);
	return (uint32_t)r + more;
}

/* Sends what was put; returns the bytes of the answer, which must be none that says no. */
static uint32_t ask(void)
{
	uint32_t got;

	request[0] = (uint8_t)len;
	request[1] = (uint8_t)(len >> 8);
	got = server ? in_process() : over_socket();
	if (reply[4] == CW_9P_RLERROR) {
		fprintf(stderr, "p9: message %u: error %u\n", request[4], word(reply + 7));
		exit(4);
	}
	return got;
}

static void walk(void)
{
	begin(CW_9P_TWALK);
	put(0, 4);
	put(1, 4);
	put(1, 2);
	put_text("f");
	ask();
}

static void attach(const char *folder, uint32_t msize)
{
	begin(CW_9P_TVERSION);
	put(msize, 4);
	put_text(CW_9P_VERSION);
	ask();
	begin(CW_9P_TATTACH);
	put(0, 4);
	put(CW_9P_NOFID, 4);
	put_text("");
	put_text(folder);
	put(65534, 4); /* whom a diod that is not root takes itself for */
	ask();
}

static void stat_once(void)
{
	walk();
	begin(CW_9P_TGETATTR);
	put(1, 4);
	put(CW_9P_GETATTR_BASIC, 8);
	ask();
	begin(CW_9P_TCLUNK);
	put(1, 4);
	ask();
}

static uint32_t read_once(uint32_t msize)
{
	static uint64_t at;
	uint32_t got;

	begin(CW_9P_TREAD);
	put(1, 4);
	put(at, 8);
	put(msize - 24, 4);
	got = ask() - CW_9P_RREAD_HEADER;
	at = got < msize - 24 ? 0 : at + got;
	return got;
}

static void open_file(void)
{
	walk();
	begin(CW_9P_TLOPEN);
	put(1, 4);
	put(CW_9P_O_RDONLY, 4);
	ask();
}

static void connect_to(const char *path)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };

	snprintf(name.sun_path, sizeof(name.sun_path), "%s", path);
	sock = socket(AF_UNIX, SOCK_STREAM, 0);
	if (connect(sock, (struct sockaddr *)&name, sizeof(name))) {
		perror(path);
		exit(2);
	}
}

int main(int argc, char **argv)
{
	struct cw_9p_options o = { .msize = MSIZE };
	uint32_t msize = argc > 2 ? (uint32_t)strtoul(argv[1], NULL, 10) : 0;
	double begun, bytes = 0;
	unsigned int n = 0;

	if (argc < 3 || msize > MSIZE) {
		fputs("usage: p9 MSIZE|stat FOLDER [SOCKET]\n", stderr);
		return 2;
	}
	o.root = open(argv[2], O_PATH | O_DIRECTORY);
	if (argc > 3)
		connect_to(argv[3]);
	else if (!(server = cw_9p_create(&o)))
		return 2;
	attach(argv[2], msize ? msize : MSIZE);
	if (msize)
		open_file();
	for (begun = now(); now() - begun < 6e5; n++)
		if (msize)
			bytes += read_once(msize);
		else
			stat_once();
	printf("{\"n\": %u, \"bytes\": %.0f, \"us\": %.0f}\n", n, bytes, now() - begun);
	return 0;
}
