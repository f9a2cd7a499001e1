// SPDX-License-Identifier: BSD-3-Clause
/*
 * Doorbells of QEMU's ivshmem device: an event descriptor in each direction.
 *
 * Theory of operation: QEMU asks a server for memory and descriptors once, when it starts. We are
 * that server: what it would say over time to a client that connects is known beforehand and fits
 * into a socket's buffer, so the keeper says it all into one end of a pair and hands the other to
 * QEMU; nothing has to be served later. The descriptors are the keeper's: workers and emulators come
 * and go around them. The PMM is peer 0, the remote peer 1, one vector each. Both are non-blocking,
 * so a counter that is full, which the other holder can bring about, holds up nobody.
 */
#include <causeway/core/bytes.h>
#include <causeway/host/doorbell.h>

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define PROTOCOL 0
#define MEMORY	 -1
#define PMM	 0
#define REMOTE	 1

static void ivshmem_close(struct cw_doorbell *d)
{
	if (d->mine >= 0)
		close(d->mine);
	if (d->bell >= 0)
		close(d->bell);
}

static int ivshmem_open(struct cw_doorbell *d, const struct cw_board_remote *r, FILE *err)
{
	d->mine = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	d->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (d->mine >= 0 && d->bell >= 0)
		return 0;
	fprintf(err, "causeway: remote %s: cannot make the doorbell: %s\n", r->name,
		strerror(errno));
	ivshmem_close(d);
	return -1;
}

static void ivshmem_ring(struct cw_doorbell *d)
{
	static const uint64_t one = 1;

	(void)!write(d->bell, &one, sizeof(one));
}

static void ivshmem_clear(struct cw_doorbell *d)
{
	uint64_t rings;

	(void)!read(d->mine, &rings, sizeof(rings));
}

/* One message of the protocol: a number, with a descriptor or without (-1). */
static int tell(int sock, int64_t number, int fd)
{
	union {
		struct cmsghdr h;
		char space[CMSG_SPACE(sizeof(int))];
	} c = { 0 };
	uint8_t bytes[8];
	struct iovec v = { bytes, sizeof(bytes) };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1 };

	for (unsigned int i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)((uint64_t)number >> 8 * i);
	if (fd >= 0) {
		m.msg_control = &c;
		m.msg_controllen = sizeof(c.space);
		c.h.cmsg_level = SOL_SOCKET;
		c.h.cmsg_type = SCM_RIGHTS;
		c.h.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&c.h), &fd, sizeof(fd));
	}
	return sendmsg(sock, &m, MSG_DONTWAIT | MSG_NOSIGNAL) == sizeof(bytes) ? 0 : -1;
}

int cw_doorbell_ivshmem_greet(const struct cw_doorbell *d, int sock, int memory)
{
	if (tell(sock, PROTOCOL, -1) || tell(sock, REMOTE, -1) || tell(sock, MEMORY, memory) ||
	    tell(sock, PMM, d->mine) || tell(sock, REMOTE, d->bell))
		return -1;
	return 0;
}

const struct cw_doorbell_ops cw_doorbell_ivshmem = {
	.name = "ivshmem",
	.open = ivshmem_open,
	.close = ivshmem_close,
	.ring = ivshmem_ring,
	.clear = ivshmem_clear,
};
