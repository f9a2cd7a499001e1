// SPDX-License-Identifier: BSD-3-Clause
/*
 * Network: frames between the remote's buffers and a TAP or a unix datagram socket.
 *
 * A TAP carries the virtio header itself, so one readv or writev moves header and payload; a datagram
 * is the bare frame. Neither ever blocks.
 */
#include "backend_priv.h"

#include <causeway/core/err.h>
#include <causeway/device/net.h>

#include <errno.h>
#include <linux/if_tun.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>

#define SETTLE_US 10000u /* a remote that works gives its buffers back sooner */

struct net_unit {
	struct cw_unit unit;
	struct cw_net_device net;
	int fd;
	struct sockaddr_un peer; /* datagram */
	uint64_t settle_at;	 /* too few buffers until then, 0: not so */
	uint32_t errors;
};

/* #syscalls writev */
static int tap_send(void *ctx, const struct cw_part *part, unsigned int n)
{
	struct net_unit *u = ctx;

	const struct iovec *v = unit_io_out(&u->unit, part, &n);

	return writev(u->fd, v, (int)n) < 0 ? CW_EAGAIN : 0;
}

/* #syscalls readv */
static int tap_receive(void *ctx, const struct cw_part *part, unsigned int n)
{
	struct net_unit *u = ctx;
	unsigned int parts = n;
	const struct iovec *v = unit_io_in(&u->unit, part, &n);
	ssize_t got = readv(u->fd, v, (int)n);

	if (got >= 0) {
		unit_io_got(&u->unit, part, parts, (size_t)got);
		return (int)got;
	}
	if (errno == EAGAIN || errno == EINTR)
		return CW_EAGAIN;
	return errno == EFAULT ? CW_EINTERNAL : CW_EDOWN; /* else the interface was removed */
}

/* #syscalls ioctl */
static void tap_offload(void *ctx, uint64_t features)
{
	struct net_unit *u = ctx;
	unsigned int flags = 0;

	if (features & CW_NET_F_GUEST_CSUM) {
		flags |= TUN_F_CSUM;
		/* Frames of 64 KB need buffers that merge. */
		if (features & CW_NET_F_MRG_RXBUF && features & CW_NET_F_GUEST_TSO4)
			flags |= TUN_F_TSO4;
		if (features & CW_NET_F_MRG_RXBUF && features & CW_NET_F_GUEST_TSO6)
			flags |= TUN_F_TSO6;
	}
	if (ioctl(u->fd, TUNSETOFFLOAD, flags))
		u->errors++;
}

static const struct cw_net_ops tap_ops = {
	.send = tap_send,
	.receive = tap_receive,
	.offload = tap_offload,
};

/* #syscalls sendmsg */
static int dgram_send(void *ctx, const struct cw_part *part, unsigned int n)
{
	struct net_unit *u = ctx;
	unsigned int parts = n - 1;
	const struct iovec *v = unit_io_out(&u->unit, part + 1, &parts);
	struct msghdr m = { .msg_name = &u->peer,
			    .msg_namelen = sizeof(u->peer),
			    .msg_iov = (struct iovec *)(uintptr_t)v,
			    .msg_iovlen = parts };

	return sendmsg(u->fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? CW_EAGAIN : 0;
}

/* #syscalls recvmsg */
static int dgram_receive(void *ctx, const struct cw_part *part, unsigned int n)
{
	struct net_unit *u = ctx;
	unsigned int parts = n - 1;
	const struct iovec *v = unit_io_in(&u->unit, part + 1, &parts);
	struct msghdr m = { .msg_iov = (struct iovec *)(uintptr_t)v, .msg_iovlen = parts };
	ssize_t got = recvmsg(u->fd, &m, MSG_DONTWAIT);

	if (got < 0)
		return errno == EAGAIN || errno == EINTR ? CW_EAGAIN : CW_EINTERNAL;
	unit_io_got(&u->unit, part + 1, n - 1, (size_t)got);
	memset(part->ptr, 0, part->len);
	return (int)part->len + (int)got;
}

static const struct cw_net_ops dgram_ops = { .send = dgram_send, .receive = dgram_receive };

static struct net_unit *self(struct cw_unit *u)
{
	return (struct net_unit *)(void *)u;
}

static unsigned int fds(struct cw_unit *u, struct pollfd *p)
{
	if (!cw_net_device_wants(&self(u)->net))
		return 0;
	p->fd = self(u)->fd;
	p->events = POLLIN;
	return 1;
}

static void ready(struct cw_unit *unit, const struct pollfd *p, unsigned int n)
{
	struct net_unit *u = self(unit);

	if (n && p->revents)
		cw_net_device_receive(&u->net);
	if (u->settle_at && unit_now() >= u->settle_at) {
		u->settle_at = 0;
		cw_net_device_settle(&u->net);
	}
}

static bool look(struct cw_unit *u)
{
	return cw_net_device_receive(&self(u)->net);
}

static uint64_t deadline(struct cw_unit *unit)
{
	struct net_unit *u = self(unit);

	if (!u->net.brief)
		u->settle_at = 0;
	else if (!u->settle_at)
		u->settle_at = unit_now() + SETTLE_US;
	return u->settle_at ? u->settle_at : CW_LINK_NEVER;
}

static void stats(const struct cw_unit *unit, struct cw_unit_stats *s)
{
	const struct net_unit *u = (const struct net_unit *)(const void *)unit;
	const struct cw_net_device_counters *c = &u->net.stats;

	s->rx_packets = c->rx_frames;
	s->rx_bytes = c->rx_bytes;
	s->tx_packets = c->tx_frames;
	s->tx_bytes = c->tx_bytes;
	s->dropped = (uint64_t)c->rx_dropped + c->tx_dropped;
	s->errors = u->errors;
}

static void unit_free(struct cw_unit *unit)
{
	struct net_unit *u = self(unit);

	free(u->net.tx_part);
	free(u);
}

static const struct cw_unit_ops ops = {
	.fds = fds,
	.ready = ready,
	.look = look,
	.deadline = deadline,
	.stats = stats,
	.free = unit_free,
};

struct cw_unit *unit_net(const struct cw_board_device *d, const struct cw_layout_device *place,
			 const struct cw_backend_fds *fds, struct cw_device_queue *q)
{
	bool tap = d->backend == CW_BACKEND_TAP;
	struct net_unit *u = calloc(1, sizeof(*u));
	struct cw_part *part = calloc(place->queue_size + 1u, sizeof(*part));

	if (!u || !part)
		goto bad;
	u->fd = fds->fd[0];
	u->unit.ops = &ops;
	u->unit.dev = &u->net.dev;
	if (!tap) {
		u->peer.sun_family = AF_UNIX;
		strncpy(u->peer.sun_path, d->peer, sizeof(u->peer.sun_path) - 1);
	}
	if (cw_net_device_init(&u->net, tap ? &tap_ops : &dgram_ops, u, d->mac, d->mtu,
			       tap && d->offload, q, part, place->queue_size + 1u)) {
		errno = EINVAL;
		goto bad;
	}
	return &u->unit;
bad:
	free(u);
	free(part);
	return NULL;
}
