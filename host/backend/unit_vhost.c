// SPDX-License-Identifier: BSD-3-Clause
/*
 * Sockets of Linux's own: the kernel's vhost-vsock runs the rings.
 *
 * Theory of operation: the device model (device/vsock_relay.c) has checked the rings; the kernel gets
 * them, and of all memory the device's block alone. From then on a kick of the remote is written to an
 * event descriptor, and what the kernel writes to another rings the remote. To stop is a call that
 * returns when the kernel has let go of both rings.
 *
 * A kernel device belongs to one address space, and connections live as long as it does: so a worker
 * asks its keeper for a new one whenever a driver begins, and closes it when that driver is gone, which
 * tells Linux's programs that their connections are over. Should the worker die, its exit closes it,
 * before the keeper can know of the death. Closing waits for the kernel to forget, some milliseconds:
 * therefore drivers that come and go quickly wait in between.
 */
#include "backend_priv.h"

#include <causeway/core/err.h>
#include <causeway/device/vsock_relay.h>

#include <errno.h>
#include <linux/vhost.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define REST_US	    50000   /* from the end of one driver to the kernel device of the next */
#define PATIENCE_US 1000000 /* for the keeper's answer */
#define AGAIN_US    10000   /* when it could not even be asked */

struct vhost_unit {
	struct cw_unit unit;
	struct cw_vsock_relay relay;
	int fd; /* the kernel's device, or -1 */
	int kick[CW_VSOCK_RELAYED], call[CW_VSOCK_RELAYED], mistake;
	uint32_t asked, ids; /* 0: the keeper was not asked */
	uint64_t rest, next; /* no new kernel device before; ready() is to be called */
	uint64_t lost;	     /* by the kernel, or not to be had */
};

_Static_assert(CW_VHOST_FDS == 2 + 2 * CW_VSOCK_RELAYED, "descriptors above");

static struct vhost_unit *self(struct cw_unit *u)
{
	return (struct vhost_unit *)(void *)u;
}

/* #syscalls close */
static void let_go(struct vhost_unit *u)
{
	if (u->fd >= 0)
		close(u->fd);
	u->fd = -1;
	u->rest = unit_now() + REST_US;
}

static void ask_for_one(struct vhost_unit *u)
{
	struct cw_ask a = { .kind = CW_ASK_CONNECT };
	uint64_t now = unit_now();

	if (u->asked)
		return;
	u->next = u->rest;
	if (now < u->rest)
		return;
	u->ids = u->ids + 1 ? u->ids + 1 : 1;
	a.id = u->ids;
	u->asked = u->unit.ask(u->unit.ask_ctx, &a) ? 0 : u->ids;
	u->next = now + (u->asked ? PATIENCE_US : AGAIN_US);
}

/* #syscalls read */
static bool rang(int fd)
{
	uint64_t n;

	return read(fd, &n, sizeof(n)) == sizeof(n);
}

static int set_ring(struct vhost_unit *u, unsigned int q, const struct cw_vsock_relay_ring *r)
{
	const struct vhost_vring_state num = { q, r->num }, base = { q, r->base };
	const struct vhost_vring_addr at = { .index = q,
					     .desc_user_addr = (uintptr_t)r->desc,
					     .avail_user_addr = (uintptr_t)r->avail,
					     .used_user_addr = (uintptr_t)r->used };

	return ioctl(u->fd, VHOST_SET_VRING_NUM, &num) ||
			       ioctl(u->fd, VHOST_SET_VRING_BASE, &base) ||
			       ioctl(u->fd, VHOST_SET_VRING_ADDR, &at)
		       ? -1
		       : 0;
}

/* #syscalls ioctl */
static int start(void *ctx, uint64_t features,
		 const struct cw_vsock_relay_ring ring[CW_VSOCK_RELAYED])
{
	struct vhost_unit *u = ctx;
	const int on = 1;
	int r;

	if (u->fd < 0) {
		ask_for_one(u);
		return CW_EAGAIN;
	}
	rang(u->mistake); /* a former driver's */
	r = ioctl(u->fd, VHOST_SET_FEATURES, &features);
	for (unsigned int q = 0; !r && q < CW_VSOCK_RELAYED; q++)
		r = set_ring(u, q, &ring[q]);
	if (!r && !ioctl(u->fd, VHOST_VSOCK_SET_RUNNING, &on))
		return CW_OK;
	u->lost++;
	let_go(u);
	return CW_EIO;
}

static bool paused(struct vhost_unit *u, uint16_t base[CW_VSOCK_RELAYED])
{
	const int off = 0;

	if (ioctl(u->fd, VHOST_VSOCK_SET_RUNNING, &off))
		return false;
	for (unsigned int q = 0; q < CW_VSOCK_RELAYED; q++) {
		struct vhost_vring_state s = { .index = q };

		if (ioctl(u->fd, VHOST_GET_VRING_BASE, &s))
			return false;
		base[q] = (uint16_t)s.num;
	}
	return true;
}

/* The last close of a kernel device returns when its thread is gone. */
static void stop(void *ctx, bool over, uint16_t base[CW_VSOCK_RELAYED])
{
	struct vhost_unit *u = ctx;

	if (!paused(u, base) || over)
		let_go(u);
}

/* #syscalls write */
static void kick(void *ctx, unsigned int q)
{
	const uint64_t one = 1;

	(void)!write(((struct vhost_unit *)ctx)->kick[q], &one, sizeof(one));
}

static const struct cw_vsock_relay_ops relay_ops = { .start = start, .stop = stop, .kick = kick };

/* What holds for as long as a kernel device lives: memory, event descriptors, address. */
static int set_up(struct vhost_unit *u, int fd)
{
	const struct cw_window *w = &u->relay.dev.window;
	union {
		struct vhost_memory head;
		char bytes[sizeof(struct vhost_memory) + sizeof(struct vhost_memory_region)];
	} table = { .head = { .nregions = 1 } };
	uint64_t cid = u->unit.board->cid;

	table.head.regions[0] = (struct vhost_memory_region){
		.guest_phys_addr = w->base,
		.memory_size = w->size,
		.userspace_addr = (uintptr_t)cw_window_ptr(w, w->base, w->size),
	};
	if (ioctl(fd, VHOST_SET_OWNER) || ioctl(fd, VHOST_SET_MEM_TABLE, &table.head))
		return -1;
	for (unsigned int q = 0; q < CW_VSOCK_RELAYED; q++) {
		const struct vhost_vring_file k = { q, u->kick[q] }, c = { q, u->call[q] },
					      e = { q, u->mistake };

		if (ioctl(fd, VHOST_SET_VRING_KICK, &k) || ioctl(fd, VHOST_SET_VRING_CALL, &c) ||
		    ioctl(fd, VHOST_SET_VRING_ERR, &e))
			return -1;
	}
	return ioctl(fd, VHOST_VSOCK_SET_GUEST_CID, &cid);
}

static void given(struct cw_unit *unit, uint32_t id, int fd)
{
	struct vhost_unit *u = self(unit);
	int err = CW_EIO;

	if (id != u->asked) { /* too late; no id is 0 */
		if (fd >= 0)
			close(fd);
		return;
	}
	u->asked = 0;
	u->next = CW_LINK_NEVER;
	u->fd = fd;
	if (fd >= 0 && !set_up(u, fd)) {
		cw_vsock_relay_try(&u->relay);
		return;
	}
	if (fd >= 0 && errno == EADDRINUSE)
		err = CW_EBUSY;
	u->lost++;
	let_go(u);
	cw_vsock_relay_failed(&u->relay, err);
}

static bool look(struct cw_unit *unit)
{
	struct vhost_unit *u = self(unit);
	bool any = false;

	for (unsigned int q = 0; u->relay.running && q < CW_VSOCK_RELAYED; q++)
		if (rang(u->call[q])) {
			cw_vsock_relay_used(&u->relay, q);
			any = true;
		}
	return any;
}

static unsigned int fds(struct cw_unit *unit, struct pollfd *p)
{
	struct vhost_unit *u = self(unit);

	if (!u->relay.running)
		return 0;
	for (unsigned int q = 0; q < CW_VSOCK_RELAYED; q++)
		p[q] = (struct pollfd){ .fd = u->call[q], .events = POLLIN };
	p[CW_VSOCK_RELAYED] = (struct pollfd){ .fd = u->mistake, .events = POLLIN };
	return CW_VSOCK_RELAYED + 1;
}

static void ready(struct cw_unit *unit, const struct pollfd *p, unsigned int n)
{
	struct vhost_unit *u = self(unit);

	look(unit);
	if (n && p[n - 1].revents && rang(u->mistake)) {
		u->lost++;
		cw_vsock_relay_failed(&u->relay, CW_EPEER);
	}
	if (u->next <= unit_now()) {
		u->next = CW_LINK_NEVER;
		u->asked = 0;
		cw_vsock_relay_try(&u->relay);
	}
}

static uint64_t deadline(struct cw_unit *unit)
{
	return self(unit)->next;
}

/* Packets and bytes are the kernel's to count. */
static void stats(const struct cw_unit *unit, struct cw_unit_stats *s)
{
	s->errors = ((const struct vhost_unit *)(const void *)unit)->lost;
}

static int begin(struct cw_unit *unit)
{
	struct vhost_unit *u = self(unit);

	u->mistake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (u->mistake < 0)
		return -1;
	for (unsigned int q = 0; q < CW_VSOCK_RELAYED; q++) {
		u->kick[q] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
		u->call[q] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
		if (u->kick[q] < 0 || u->call[q] < 0)
			return -1;
	}
	return 0;
}

static void unit_free(struct cw_unit *unit)
{
	struct vhost_unit *u = self(unit);

	if (u->fd >= 0)
		close(u->fd);
	for (unsigned int q = 0; q < CW_VSOCK_RELAYED; q++) {
		if (u->kick[q] >= 0)
			close(u->kick[q]);
		if (u->call[q] >= 0)
			close(u->call[q]);
	}
	if (u->mistake >= 0)
		close(u->mistake);
	free(u);
}

static const struct cw_unit_ops ops = {
	.begin = begin,
	.fds = fds,
	.ready = ready,
	.look = look,
	.deadline = deadline,
	.given = given,
	.stats = stats,
	.free = unit_free,
};

struct cw_unit *unit_vhost(const struct cw_board_device *d, const struct cw_backend_fds *f,
			   struct cw_device_queue *q)
{
	struct vhost_unit *u = calloc(1, sizeof(*u));

	if (!u)
		return NULL;
	u->unit.ops = &ops;
	u->unit.dev = &u->relay.dev;
	u->fd = u->mistake = u->kick[0] = u->kick[1] = u->call[0] = u->call[1] = -1;
	u->next = CW_LINK_NEVER;
	errno = EINVAL;
	if (cw_vsock_relay_init(&u->relay, &relay_ops, u, d->cid, f->features, q)) {
		unit_free(&u->unit);
		return NULL;
	}
	return &u->unit;
}
