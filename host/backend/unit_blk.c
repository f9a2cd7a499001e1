// SPDX-License-Identifier: BSD-3-Clause
/*
 * Disks.
 *
 * Theory of operation: what lies in the page cache is read straight into the remote's buffers, by a
 * call that gives up rather than wait. All else is done by a thread of this disk, a step at a time in
 * the order in which they were asked for, on private memory; when it has done one it writes an event
 * descriptor, and the worker collects.
 */
#include "unit_aside.h"

#include <causeway/core/err.h>
#include <causeway/device/blk.h>
#include <causeway/host/fileio.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/uio.h>
#include <unistd.h>

#define REQUESTS 16u

struct job {
	struct aside_job aside; /* first */
	struct blk_unit *unit;
	struct cw_blk_request *request;
	bool ok;
};

struct blk_unit {
	struct unit_aside side;
	struct cw_blk blk;
	int fd;
	int at_once; /* flags of a read that does not wait */
	struct cw_blk_request request[REQUESTS];
	struct job job[REQUESTS];
	struct cw_part *part;
	uint8_t *buf;
};

static struct blk_unit *self(struct cw_unit *u)
{
	return (struct blk_unit *)(void *)u;
}

/* #syscalls preadv2 */
static int read_now(void *ctx, const struct cw_part *part, unsigned int n, uint64_t offset,
		    uint32_t len)
{
	struct blk_unit *u = ctx;
	ssize_t got;

	if (u->side.unit.copy) /* the kernel must not touch the remote's memory */
		return CW_EAGAIN;
	got = preadv2(u->fd, (const struct iovec *)(const void *)part, (int)n, (off_t)offset,
		      u->at_once);
	/* Some of it may be there: then all of it is read again. */
	return got == (ssize_t)len ? (int)len : CW_EAGAIN;
}

/* ---- in the thread beside ---- */

static bool write_zeroes(int fd, uint8_t *buf, uint64_t len, uint64_t at)
{
	memset(buf, 0, CW_BLK_STEP);
	for (; len > CW_BLK_STEP; len -= CW_BLK_STEP, at += CW_BLK_STEP)
		if (!cw_write_at(fd, buf, CW_BLK_STEP, at))
			return false;
	return cw_write_at(fd, buf, len, at);
}

/* #syscalls fallocate */
static bool punch(int fd, int mode, uint64_t len, uint64_t at)
{
	int r;

	do
		r = fallocate(fd, mode | FALLOC_FL_KEEP_SIZE, (off_t)at, (off_t)len);
	while (r && errno == EINTR);
	return !r;
}

/* #syscalls fdatasync */
static bool do_step(int fd, const struct cw_blk_step *s, uint8_t *buf)
{
	switch (s->type) {
	case CW_BLK_T_IN:
		return cw_read_at(fd, s->buf, s->len, s->offset);
	case CW_BLK_T_OUT:
		return cw_write_at(fd, s->buf, s->len, s->offset) && (!s->sync || !fdatasync(fd));
	case CW_BLK_T_FLUSH:
		return !fdatasync(fd);
	case CW_BLK_T_DISCARD: /* a hint: a file system that cannot has done it well enough */
		return punch(fd, FALLOC_FL_PUNCH_HOLE, s->len, s->offset) || errno == EOPNOTSUPP;
	case CW_BLK_T_WRITE_ZEROES:
		return punch(fd, s->unmap ? FALLOC_FL_PUNCH_HOLE : FALLOC_FL_ZERO_RANGE, s->len,
			     s->offset) ||
		       (errno == EOPNOTSUPP && write_zeroes(fd, buf, s->len, s->offset));
	default:
		return false;
	}
}

static void run(struct aside_job *a)
{
	struct job *j = (struct job *)(void *)a;

	j->ok = do_step(j->unit->fd, &j->request->step, j->request->buf);
}

/* ---- in the worker's own ---- */

static void start(void *ctx, struct cw_blk_request *r)
{
	struct blk_unit *u = ctx;

	aside_put(&u->side.aside, &u->job[r - u->request].aside);
}

static void collect(void *ctx)
{
	struct blk_unit *u = ctx;
	struct aside_job *a;

	while ((a = aside_take(&u->side.aside))) {
		struct job *j = (struct job *)(void *)a;

		cw_blk_done(&u->blk, j->request, j->ok);
	}
}

static const struct cw_blk_ops disk_ops = {
	.read_now = read_now,
	.start = start,
	.collect = collect,
};

static void stats(const struct cw_unit *unit, struct cw_unit_stats *s)
{
	const struct blk_unit *u = (const struct blk_unit *)(const void *)unit;
	const struct cw_blk_counters *c = &u->blk.count;

	s->rx_packets = c->reads;
	s->rx_bytes = c->read_bytes;
	s->tx_packets = c->writes;
	s->tx_bytes = c->write_bytes;
	s->errors = c->errors;
	s->strange = c->strange;
}

static void unit_free(struct cw_unit *unit)
{
	struct blk_unit *u = self(unit);

	aside_end(&u->side.aside);
	free(u->part);
	free(u->buf);
	free(u);
}

static const struct cw_unit_ops ops = {
	.begin = unit_aside_begin,
	.fds = unit_aside_fds,
	.ready = unit_aside_ready,
	.look = unit_aside_look,
	.deadline = unit_aside_deadline,
	.stats = stats,
	.free = unit_free,
};

/* A file in memory knows no reading without waiting, and needs none. */
static int flags_at_once(int fd)
{
	struct statfs sf;
	struct stat st;

	return !fstat(fd, &st) && S_ISREG(st.st_mode) && !fstatfs(fd, &sf) &&
			       sf.f_type == TMPFS_MAGIC
		       ? 0
		       : RWF_NOWAIT;
}

/* What the file or block device is, as of now. */
static int measure(int fd, struct cw_blk_geometry *g)
{
	unsigned int block = 0;
	uint64_t bytes = 0;
	struct stat st;

	if (fstat(fd, &st))
		return -1;
	if (S_ISBLK(st.st_mode)) {
		if (ioctl(fd, BLKGETSIZE64, &bytes) || ioctl(fd, BLKPBSZGET, &block))
			return -1;
	} else {
		bytes = (uint64_t)st.st_size;
		block = (unsigned int)st.st_blksize;
	}
	g->sectors = bytes / CW_BLK_SECTOR;
	g->block = block >= CW_BLK_SECTOR && block <= CW_BLK_STEP && !(block & (block - 1)) ? block
											    : 4096;
	return 0;
}

static int set_up(struct blk_unit *u, const struct cw_board_device *d,
		  const struct cw_layout_device *place, struct cw_device_queue *q)
{
	struct cw_blk_geometry g = { .read_only = d->read_only,
				     .zeroes = true,
				     .id = d->disk_id ? d->disk_id : place->name };

	if (measure(u->fd, &g))
		return -1;
	u->at_once = flags_at_once(u->fd);
	for (unsigned int i = 0; i < REQUESTS; i++) {
		u->request[i].part = u->part + (size_t)i * place->queue_size;
		u->request[i].buf = u->buf + (size_t)i * CW_BLK_STEP;
		u->job[i] = (struct job){ { NULL, run }, u, &u->request[i], false };
	}
	errno = EINVAL;
	return cw_blk_init(&u->blk, &disk_ops, u, &g, q, u->request, REQUESTS, place->queue_size);
}

struct cw_unit *unit_blk(const struct cw_board_device *d, const struct cw_layout_device *place,
			 const struct cw_backend_fds *fds, struct cw_device_queue *q)
{
	struct blk_unit *u = calloc(1, sizeof(*u));

	if (!u)
		return NULL;
	u->part = calloc((size_t)REQUESTS * place->queue_size, sizeof(*u->part));
	u->buf = malloc((size_t)REQUESTS * CW_BLK_STEP);
	u->fd = fds->fd[DISK_FILE];
	u->side.wake = fds->fd[DISK_WAKE];
	u->side.collect = collect;
	u->side.unit.ops = &ops;
	u->side.unit.dev = &u->blk.dev;
	if (u->part && u->buf && !set_up(u, d, place, q))
		return &u->side.unit;
	free(u->part);
	free(u->buf);
	free(u);
	return NULL;
}
