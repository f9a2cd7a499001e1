// SPDX-License-Identifier: BSD-3-Clause
/* Sockets: the paths, as users of Firecracker and vhost-device-vsock know them. */
#include "backend_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define WAITING 64 /* callers that nobody picked up yet */

static void messages_path(const char *path, char at[sizeof(((struct sockaddr_un *)0)->sun_path)])
{
	snprintf(at, sizeof(((struct sockaddr_un *)0)->sun_path), "%.96s.seqpacket", path);
}

/* With credentials, that is: without them a message of no bytes looks like the end. */
static void tell_messages_from_the_end(int fd)
{
	const int yes = 1;

	(void)!setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &yes, sizeof(yes));
}

int backend_open_vsock(const struct cw_board_device *d, struct cw_backend_fds *fds, FILE *err)
{
	char messages[sizeof(((struct sockaddr_un *)0)->sun_path)];

	messages_path(d->path, messages);
	fds->fd[VSOCK_STREAMS] = cw_bind_unix("vsock", d->path, SOCK_STREAM, err);
	if (fds->fd[VSOCK_STREAMS] < 0)
		return -1;
	fds->n = 1;
	fds->fd[VSOCK_MESSAGES] = cw_bind_unix("vsock", messages, SOCK_SEQPACKET, err);
	if (fds->fd[VSOCK_MESSAGES] < 0)
		return -1;
	fds->n = 2;
	tell_messages_from_the_end(fds->fd[VSOCK_MESSAGES]); /* and those accepted on it */
	snprintf(fds->note[0], sizeof(fds->note[0]), "%.100s", d->path);
	if (!listen(fds->fd[VSOCK_STREAMS], WAITING) && !listen(fds->fd[VSOCK_MESSAGES], WAITING))
		return 0;
	fprintf(err, "vsock: cannot listen on %s: %s\n", d->path, strerror(errno));
	return -1;
}

/* What is at a path that could not be bound is not ours to remove. */
void backend_close_vsock(const struct cw_board_device *d, const struct cw_backend_fds *fds)
{
	char messages[sizeof(((struct sockaddr_un *)0)->sun_path)];

	messages_path(d->path, messages);
	if (fds->fd[VSOCK_STREAMS] >= 0)
		unlink(d->path);
	if (fds->fd[VSOCK_MESSAGES] >= 0)
		unlink(messages);
}

int cw_backend_connect(const struct cw_board_device *d, uint32_t port, bool message)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd;

	if (d->id != CW_ID_VSOCK)
		return -1;
	if (d->backend == CW_BACKEND_VHOST)
		return backend_connect_vhost();
	snprintf(a.sun_path, sizeof(a.sun_path), "%.96s_%u", d->path, port);
	fd = socket(AF_UNIX,
		    (message ? SOCK_SEQPACKET : SOCK_STREAM) | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0 && message)
		tell_messages_from_the_end(fd);
	if (fd >= 0 && connect(fd, (const struct sockaddr *)&a, sizeof(a))) {
		close(fd);
		fd = -1;
	}
	return fd;
}
