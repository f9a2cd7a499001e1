// SPDX-License-Identifier: BSD-3-Clause
/* Entropy: getrandom straight into the remote's buffers, or the bytes of a file over and over. */
#include "backend_priv.h"

#include <causeway/core/err.h>
#include <causeway/device/rng.h>

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

struct rng_unit {
	struct cw_unit unit;
	struct cw_rng rng;
	int fd; /* -1: getrandom */
	off_t at;
	ssize_t (*source)(struct rng_unit *u, void *to, size_t want);
};

/* #syscalls getrandom */
static ssize_t from_kernel(struct rng_unit *u, void *to, size_t want)
{
	(void)u;
	return getrandom(to, want, GRND_NONBLOCK);
}

/* The next bytes of the file, from its start again behind its end. #syscalls pread64 */
static ssize_t from_file(struct rng_unit *u, void *to, size_t want)
{
	ssize_t got = pread(u->fd, to, want, u->at);

	if (got <= 0 && u->at) {
		u->at = 0;
		got = pread(u->fd, to, want, 0);
	}
	u->at += got > 0 ? got : 0;
	errno = got ? errno : EIO; /* it has none left */
	return got > 0 ? got : -1;
}

static int fill(void *ctx, const struct cw_part *part, unsigned int n, uint32_t max)
{
	struct rng_unit *u = ctx;
	uint32_t done = 0, at = 0;

	for (unsigned int i = 0; i < n && done < max;) {
		uint32_t left = part[i].len - at < max - done ? (uint32_t)part[i].len - at
							      : max - done;
		const struct cw_part rest = { (uint8_t *)part[i].ptr + at, left };
		unsigned int one = 1;
		const struct iovec *v = unit_io_in(&u->unit, &rest, &one);
		ssize_t got = u->source(u, v->iov_base, v->iov_len);

		if (got < 0)
			return done ? (int)done : errno == EAGAIN ? CW_EAGAIN : CW_EINTERNAL;
		unit_io_got(&u->unit, &rest, 1, (size_t)got);
		done += (uint32_t)got;
		at += (uint32_t)got;
		if (at >= part[i].len)
			i++, at = 0;
	}
	return (int)done;
}

static uint64_t now(void *ctx)
{
	(void)ctx;
	return unit_now();
}

static const struct cw_rng_ops rng_ops = { .fill = fill, .now = now };

static struct rng_unit *self(struct cw_unit *u)
{
	return (struct rng_unit *)(void *)u;
}

static unsigned int fds(struct cw_unit *u, struct pollfd *p)
{
	(void)u;
	(void)p;
	return 0;
}

static void ready(struct cw_unit *u, const struct pollfd *p, unsigned int n)
{
	(void)p;
	(void)n;
	cw_rng_poll(&self(u)->rng);
}

static uint64_t deadline(struct cw_unit *u)
{
	return cw_rng_deadline(&self(u)->rng);
}

static void stats(const struct cw_unit *u, struct cw_unit_stats *s)
{
	const struct cw_rng *r = &((const struct rng_unit *)(const void *)u)->rng;

	s->rx_packets = r->count.requests;
	s->rx_bytes = r->count.bytes;
	s->errors = r->count.errors;
	s->strange = r->count.strange;
}

static void unit_free(struct cw_unit *unit)
{
	struct rng_unit *u = self(unit);

	free(u->rng.part);
	free(u);
}

static const struct cw_unit_ops ops = {
	.fds = fds,
	.ready = ready,
	.deadline = deadline,
	.stats = stats,
	.free = unit_free,
};

struct cw_unit *unit_rng(const struct cw_board_device *d, const struct cw_layout_device *place,
			 const struct cw_backend_fds *fds, struct cw_device_queue *q)
{
	struct rng_unit *u = calloc(1, sizeof(*u));
	struct cw_part *part = calloc(place->queue_size, sizeof(*part));

	if (!u || !part)
		goto bad;
	u->fd = fds->fd[0];
	u->source = u->fd < 0 ? from_kernel : from_file;
	u->unit.ops = &ops;
	u->unit.dev = &u->rng.dev;
	if (cw_rng_init(&u->rng, &rng_ops, u, d->rate, q, part, place->queue_size)) {
		errno = EINVAL;
		goto bad;
	}
	return &u->unit;
bad:
	free(u);
	free(part);
	return NULL;
}
