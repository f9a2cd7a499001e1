// SPDX-License-Identifier: BSD-3-Clause
/*
 * A datagram is a ring: a socket pair with a process remote, or two paths with somebody else's.
 *
 * Theory of operation: datagrams and MSG_DONTWAIT, as nothing that the holder of the other end does
 * may block a ring: a queue that is full holds rings enough. What arrives is thrown away unread.
 * For `attach` the PMM binds PATH and the remote binds PATH.remote; the worker has no paths, so the
 * keeper connects the socket that both share, whenever the remote has made its path anew.
 */
#include <causeway/host/doorbell.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83 /* Linux 6.16 */
#endif

#define CLEAR_MAX 32 /* rings taken at once; more would only say the same */

static int address(struct sockaddr_un *a, const char *path, const char *suffix)
{
	int n;

	memset(a, 0, sizeof(*a));
	a->sun_family = AF_UNIX;
	n = snprintf(a->sun_path, sizeof(a->sun_path), "%s%s", path, suffix);
	return n > 0 && (size_t)n < sizeof(a->sun_path) ? 0 : -1;
}

/* Descriptors sent along with a ring would have to be closed by the worker: refuse them. */
static void no_descriptors(int fd)
{
	setsockopt(fd, SOL_SOCKET, SO_PASSRIGHTS, &(int){ 0 }, sizeof(int));
}

static void reconnect(struct cw_doorbell *d)
{
	char events[4096] __attribute__((aligned(8)));
	struct sockaddr_un a;

	while (read(d->watch, events, sizeof(events)) > 0)
		;
	/* Fails as long as nobody is there; the remote's first ring finds us all the same. */
	if (!address(&a, d->path, ".remote"))
		(void)!connect(d->mine, (struct sockaddr *)&a, sizeof(a));
}

static int watch(struct cw_doorbell *d)
{
	char *dir = strdup(d->path), *slash = dir ? strrchr(dir, '/') : NULL;

	if (!dir)
		return -1;
	if (slash)
		slash[slash == dir] = 0;
	d->watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (d->watch >= 0 &&
	    inotify_add_watch(d->watch, slash ? dir : ".", IN_CREATE | IN_MOVED_TO) < 0) {
		close(d->watch);
		d->watch = -1;
	}
	free(dir);
	return d->watch < 0 ? -1 : 0;
}

/* Removes a socket that nobody listens to any more; refuses one that somebody does. */
static int make_room(const struct sockaddr_un *a)
{
	struct stat st;
	int fd, r;

	if (lstat(a->sun_path, &st))
		return 0;
	errno = EEXIST;
	if (!S_ISSOCK(st.st_mode))
		return -1;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	r = connect(fd, (const struct sockaddr *)a, sizeof(*a));
	if (r && errno == ECONNREFUSED)
		r = unlink(a->sun_path);
	else if (!r)
		r = -1, errno = EADDRINUSE;
	close(fd);
	return r;
}

static int bind_path(struct cw_doorbell *d, const char *path)
{
	struct sockaddr_un a, remote;
	mode_t old;
	int r;

	errno = ENAMETOOLONG;
	if (address(&a, path, "") || address(&remote, path, ".remote") || make_room(&a))
		return -1;
	d->mine = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (d->mine < 0)
		return -1;
	old = umask(0077);
	r = bind(d->mine, (struct sockaddr *)&a, sizeof(a));
	umask(old);
	if (r)
		return -1;
	d->path = strdup(path);
	return d->path ? watch(d) : -1;
}

static void socket_close(struct cw_doorbell *d)
{
	const int fd[] = { d->mine, d->theirs, d->watch };

	for (unsigned int i = 0; i < 3; i++)
		if (fd[i] >= 0)
			close(fd[i]);
	if (d->path)
		unlink(d->path);
	free(d->path);
}

static int open_pair(struct cw_doorbell *d)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair))
		return -1;
	d->mine = pair[0];
	d->theirs = pair[1];
	return 0;
}

static int socket_open(struct cw_doorbell *d, const struct cw_board_remote *r, FILE *err)
{
	if (!(r->carrier == CW_CARRIER_PROCESS ? open_pair(d) : bind_path(d, r->doorbell_path))) {
		no_descriptors(d->mine);
		if (d->path)
			reconnect(d);
		return 0;
	}
	fprintf(err, "causeway: remote %s: cannot make the doorbell%s%s: %s\n", r->name,
		r->doorbell_path ? " " : "", r->doorbell_path ? r->doorbell_path : "",
		strerror(errno));
	socket_close(d);
	return -1;
}

static void socket_ring(struct cw_doorbell *d)
{
	(void)!send(d->mine, "", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void socket_clear(struct cw_doorbell *d)
{
	char byte;

	for (int i = 0; i < CLEAR_MAX; i++)
		if (recv(d->mine, &byte, 1, MSG_DONTWAIT | MSG_TRUNC) < 0)
			return;
}

const struct cw_doorbell_ops cw_doorbell_socket = {
	.name = "socket",
	.open = socket_open,
	.close = socket_close,
	.ring = socket_ring,
	.clear = socket_clear,
	.reconnect = reconnect,
};
