// SPDX-License-Identifier: BSD-3-Clause
/*
 * serve9p [-r] [-u] [-m MSIZE] SOCKET FOLDER
 *
 * For tests: the PMM's 9P server behind a unix socket, so that clients of others can be set on it.
 * Each connection gets a process of its own that is confined like a worker, unless -u. What can be
 * answered at once is, as in a worker.
 */
#include <causeway/core/err.h>
#include <causeway/host/9p.h>
#include <causeway/host/confine.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static struct cw_9p_options options = { .msize = CW_9P_MSIZE_MAX };
static struct cw_confine confine;
static bool unconfined;
static uint8_t request[CW_9P_MSIZE_MAX], reply[CW_9P_MSIZE_MAX];

static bool read_all(int fd, uint8_t *to, size_t len)
{
	for (ssize_t got; len; to += got, len -= (size_t)got) {
		got = read(fd, to, len);
		if (got <= 0)
			return false;
	}
	return true;
}

static bool write_all(int fd, const uint8_t *from, size_t len)
{
	for (ssize_t put; len; from += put, len -= (size_t)put) {
		put = write(fd, from, len);
		if (put <= 0)
			return false;
	}
	return true;
}

static uint32_t size_of(const uint8_t *message)
{
	return message[0] | (uint32_t)message[1] << 8 | (uint32_t)message[2] << 16 |
	       (uint32_t)message[3] << 24;
}

static uint32_t answer(struct cw_9p_server *s, uint32_t len)
{
	uint8_t head[CW_9P_HEAD_MAX];
	struct cw_part data[2] = { { reply + CW_9P_RREAD_HEADER, 1000 },
				   { reply + CW_9P_RREAD_HEADER + 1000,
				     sizeof(reply) - CW_9P_RREAD_HEADER - 1000 } };
	uint32_t more;
	int got = cw_9p_answer_now(s, request, len, head, data, 2, &more);

	if (got == CW_EAGAIN)
		return cw_9p_answer(s, request, len, reply, sizeof(reply));
	memcpy(reply, head, (size_t)got);
	return (uint32_t)got + more;
}

static void serve(int conn, pid_t parent)
{
	struct cw_9p_server *s = cw_9p_create(&options);
	struct cw_confine_folder folder = { options.root, !options.read_only };
	int keep[] = { 2, conn, options.root };
	uint32_t len;

	umask(0);
	if (!s || (!unconfined &&
		   cw_confine_worker(&confine, parent, keep, 3, true, 0, &folder, 1, NULL, NULL)))
		_exit(2);
	while (read_all(conn, request, 4)) {
		len = size_of(request);
		if (len < 4 || len > sizeof(request) || !read_all(conn, request + 4, len - 4))
			break;
		len = answer(s, len);
		if (!write_all(conn, reply, len))
			break;
	}
	_exit(0);
}

static int listen_at(const char *path)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(name.sun_path, sizeof(name.sun_path), "%s", path);
	unlink(path);
	if (s < 0 || bind(s, (struct sockaddr *)&name, sizeof(name)) || listen(s, 16)) {
		perror(path);
		exit(1);
	}
	return s;
}

static void set_up(int argc, char **argv)
{
	for (int c; (c = getopt(argc, argv, "rum:")) != -1;)
		switch (c) {
		case 'r':
			options.read_only = true;
			break;
		case 'u':
			unconfined = true;
			break;
		case 'm':
			options.msize = (uint32_t)strtoul(optarg, NULL, 0);
			break;
		default:
			exit(2);
		}
	if (argc - optind != 2)
		exit(2);
	options.root = open(argv[optind + 1], O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (options.root < 0) {
		perror(argv[optind + 1]);
		exit(1);
	}
	if (cw_confine_prepare(&confine,
			       CW_CONFINE_FOLDERS | (options.read_only ? 0 : CW_CONFINE_WRITABLE),
			       stderr))
		exit(1);
}

int main(int argc, char **argv)
{
	pid_t parent = getpid();
	int listener;

	set_up(argc, argv);
	listener = listen_at(argv[optind]);
	signal(SIGCHLD, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	puts("ready");
	fflush(stdout);
	for (;;) {
		int conn = accept(listener, NULL, NULL);

		if (conn >= 0 && !fork())
			serve(conn, parent);
		close(conn);
	}
}
