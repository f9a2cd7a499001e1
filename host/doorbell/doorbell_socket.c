// SPDX-License-Identifier: BSD-3-Clause
/*
 * A datagram is a ring: a socket pair with a process remote, or two paths with somebody else's.
 *
 * Theory of operation: datagrams and MSG_DONTWAIT, as nothing that the holder of the other end does
 * may block a ring: a queue that is full holds rings enough. What arrives is thrown away unread.
 * For `attach` the PMM binds PATH and the remote binds PATH.remote. Rings go to that name each time,
 * from a socket that is never connected: a remote may come, go and come again, may connect to PATH
 * or not, and a connected socket would refuse rings from anybody new.
 */
#include <causeway/host/doorbell.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
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
	struct sockaddr_un a;
	mode_t old;
	int r;

	errno = ENAMETOOLONG;
	if (address(&a, path, "") || address(&d->to, path, ".remote") || make_room(&a))
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
	return d->path ? 0 : -1;
}

static void socket_close(struct cw_doorbell *d)
{
	if (d->mine >= 0)
		close(d->mine);
	if (d->theirs >= 0)
		close(d->theirs);
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
	(void)!sendto(d->mine, "", 1, MSG_DONTWAIT | MSG_NOSIGNAL,
		      d->path ? (const struct sockaddr *)&d->to : NULL,
		      d->path ? sizeof(d->to) : 0);
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
};
