// SPDX-License-Identifier: BSD-3-Clause
/*
 * Block driver.
 *
 * Theory of operation: each request has memory of its own in the block: header, status, data. A call
 * cuts its work into requests, keeps as many as it may with the device and takes their answers in any
 * order. A request that outlives its call's deadline stays with the device, its memory too; its answer
 * is taken by a later call and thrown away. An answer counts when the status says so and, for a read,
 * when all bytes came back: the status byte is ours until then, with a value that means neither.
 */
#include <causeway/core/bytes.h>
#include <causeway/core/err.h>
#include <causeway/core/gate.h>
#include <causeway/core/shm.h>
#include <causeway/driver/blk.h>

#define STATUS_AT 32u /* behind header and segment, before the data's cache line */
#define DATA_AT	  64u
#define UNTOLD	  0xffu
#define FEW	  4u

_Static_assert(CW_BLK_DEPTH >= FEW && !(CW_BLK_DEPTH & (CW_BLK_DEPTH - 1)), "a power of two");

static uint32_t data_at(const struct cw_blk_driver *b)
{
	return b->vdev.t->line > DATA_AT ? b->vdev.t->line : DATA_AT;
}

/* What the block has room for, in equal parts and whole sectors. */
static void give_memory(struct cw_blk_driver *b)
{
	uint32_t room = cw_vdev_room(&b->vdev), line = b->vdev.t->line, share, data;

	/* Whole buffers for as many as there can be; below FEW of them, shorter ones instead. */
	b->depth = room / (data_at(b) + CW_BLK_BUFFER);
	b->depth = b->depth < FEW ? FEW : b->depth < CW_BLK_DEPTH ? b->depth : CW_BLK_DEPTH;
	share = room / b->depth & ~(line - 1u);
	data = share > data_at(b) ? (share - data_at(b)) & ~(CW_BLK_SECTOR - 1u) : 0;
	b->buffer = data < CW_BLK_BUFFER ? data : CW_BLK_BUFFER;
	if (!b->buffer) {
		cw_vdev_fail(&b->vdev, CW_ENOSPC);
		return;
	}
	for (unsigned int i = 0; i < b->depth; i++)
		b->request[i].memory =
			cw_vdev_alloc(&b->vdev, data_at(b) + b->buffer, &b->request[i].addr);
}

int cw_blk_open(struct cw_blk_driver *b, struct cw_transport *t)
{
	struct cw_abi_blk_config c = { 0 };

	memset(b, 0, sizeof(*b));
	cw_vdev_open(&b->vdev, t, CW_ID_BLK,
		     CW_BLK_F_RO | CW_BLK_F_BLK_SIZE | CW_BLK_F_FLUSH | CW_BLK_F_TOPOLOGY |
			     CW_BLK_F_DISCARD | CW_BLK_F_WRITE_ZEROES);
	cw_vdev_accept(&b->vdev);
	cw_vdev_config(&b->vdev, 0, &c, sizeof(c));
	cw_vdev_queue(&b->vdev, 0, &b->queue, b->slot, 4 * CW_BLK_DEPTH);
	b->sectors = cw_get_le32_pair(c.capacity);
	b->read_only = cw_vdev_has(&b->vdev, CW_BLK_F_RO);
	b->block = CW_BLK_SECTOR;
	if (cw_vdev_has(&b->vdev, CW_BLK_F_TOPOLOGY) && c.physical_block_exp <= 12)
		b->block <<= c.physical_block_exp;
	if (!b->vdev.dead)
		give_memory(b);
	return cw_vdev_start(&b->vdev);
}

/* ---- one request ---- */

static struct cw_blk_driver_request *idle(struct cw_blk_driver *b)
{
	for (unsigned int i = 0; i < b->depth; i++)
		if (!b->request[i].busy)
			return &b->request[i];
	return NULL;
}

/* @out bytes of the data go to the device, or @in bytes come from it; @extra: of a segment. */
static int submit(struct cw_blk_driver *b, struct cw_blk_driver_request *r, uint32_t type,
		  uint64_t sector, uint32_t extra, uint32_t out, uint32_t in)
{
	struct cw_abi_blk_header h = { .type = cw_make_le32(type) };
	struct cw_buf buf[3];
	unsigned int n = 0, readable;
	uint8_t status = UNTOLD;
	int err;

	cw_set_le32_pair(h.sector, sector);
	cw_copy_out(r->memory, &h, sizeof(h));
	cw_copy_out(r->memory + STATUS_AT, &status, 1);
	buf[n++] = (struct cw_buf){ r->addr, (uint32_t)sizeof(h) + extra };
	if (out)
		buf[n++] = (struct cw_buf){ r->addr + data_at(b), out };
	readable = n;
	if (in)
		buf[n++] = (struct cw_buf){ r->addr + data_at(b), in };
	buf[n++] = (struct cw_buf){ r->addr + STATUS_AT, 1 };
	err = cw_drvq_add(&b->queue, buf, readable, n - readable, r);
	if (err == CW_ENOSPC) /* a short queue is full before we are */
		r->to = NULL;
	if (err)
		return err == CW_ENOSPC ? CW_EAGAIN : cw_vdev_fail(&b->vdev, CW_EPEER);
	r->busy = true;
	r->len = in;
	return CW_OK;
}

static int verdict(const struct cw_blk_driver_request *r, uint32_t len)
{
	uint8_t status;

	cw_copy_in(&status, r->memory + STATUS_AT, 1);
	if (status == CW_BLK_S_UNSUPP)
		return CW_ENOTSUP;
	return status == CW_BLK_S_OK && len >= 1 && len - 1 >= r->len ? CW_OK : CW_EIO;
}

/* Takes one answer: 1, 0 when there is none, or what ended the device. */
static int take(struct cw_blk_driver *b)
{
	struct cw_blk_driver_request *r;
	void *cookie;
	uint32_t len;
	int got = cw_vdev_get(&b->vdev, &b->queue, &cookie, &len), err;

	if (got <= 0)
		return got;
	r = cookie;
	r->busy = false;
	if (!r->to)
		return 1;
	err = verdict(r, len);
	if (err && !b->failed)
		b->failed = err;
	if (!err && r->len)
		cw_copy_in(r->to, r->memory + data_at(b), r->len);
	r->to = NULL;
	return 1;
}

/* As take(), all there are: how many. */
static int take_all(struct cw_blk_driver *b)
{
	int n = 0, got;

	while ((got = take(b)) > 0)
		n++;
	return got ? got : n;
}

/* ---- calls ---- */

struct work {
	uint32_t type;
	uint64_t sector;
	uint8_t *buf;  /* of a write it is only read */
	uint32_t left; /* bytes not yet given to the device */
	uint64_t end;
};

static unsigned int waiting(const struct cw_blk_driver *b)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < b->depth; i++)
		n += b->request[i].to != NULL;
	return n;
}

static int give(struct cw_blk_driver *b, struct work *w)
{
	struct cw_blk_driver_request *r = idle(b);
	uint32_t len = w->left < b->buffer ? w->left : b->buffer;
	bool write = w->type == CW_BLK_T_OUT;
	int err;

	if (!r)
		return CW_EAGAIN;
	if (write)
		cw_copy_out(r->memory + data_at(b), w->buf, len);
	r->to = write ? r->memory : w->buf;
	err = submit(b, r, w->type, w->sector, 0, write ? len : 0, write ? 0 : len);
	if (err)
		return err;
	w->sector += len / CW_BLK_SECTOR;
	w->buf += len;
	w->left -= len;
	return CW_OK;
}

/* Until all answers are there; those that are not at the deadline count no more. */
static int finish(struct cw_blk_driver *b, struct work *w)
{
	int err = CW_OK;

	while (!err && (w->left || waiting(b))) {
		while (w->left && !b->failed && !err)
			err = give(b, w);
		if (err == CW_EAGAIN)
			err = CW_OK;
		if (b->failed)
			w->left = 0;
		cw_vdev_publish(&b->vdev, 0, &b->queue); /* one ring for all that were given */
		err = err ? err : take_all(b);
		if (err > 0)
			err = CW_OK;
		else if (!err && (w->left || waiting(b)))
			err = cw_vdev_wait(&b->vdev, &b->queue, w->end);
	}
	for (unsigned int i = 0; i < b->depth; i++)
		b->request[i].to = NULL;
	return err ? err : b->failed;
}

static int begin(struct cw_blk_driver *b, uint64_t sector, uint64_t sectors)
{
	int err = cw_vdev_look(&b->vdev);

	b->failed = CW_OK;
	if (err)
		return err;
	return sector > b->sectors || sectors > b->sectors - sector ||
			       sectors > UINT32_MAX / CW_BLK_SECTOR
		       ? CW_EINVAL
		       : CW_OK;
}

int cw_blk_read(struct cw_blk_driver *b, uint64_t sector, uint32_t sectors, void *buf,
		uint64_t timeout)
{
	struct work w = { CW_BLK_T_IN, sector, buf, sectors * CW_BLK_SECTOR,
			  cw_vdev_end(&b->vdev, timeout) };
	int err = begin(b, sector, sectors);

	return err ? err : finish(b, &w);
}

int cw_blk_write(struct cw_blk_driver *b, uint64_t sector, uint32_t sectors, const void *buf,
		 uint64_t timeout)
{
	struct work w = { CW_BLK_T_OUT, sector, (uint8_t *)(uintptr_t)buf, sectors * CW_BLK_SECTOR,
			  cw_vdev_end(&b->vdev, timeout) };
	int err = begin(b, sector, sectors);

	if (!err && b->read_only)
		err = CW_ENOTSUP;
	return err ? err : finish(b, &w);
}

/* One request by itself; @segment behind its header, @in bytes of data back. */
static int give_single(struct cw_blk_driver *b, uint32_t type,
		       const struct cw_abi_blk_segment *segment, uint8_t *to, uint32_t in)
{
	struct cw_blk_driver_request *r = idle(b);

	if (!r)
		return CW_EAGAIN;
	if (segment)
		cw_copy_out(r->memory + sizeof(struct cw_abi_blk_header), segment,
			    sizeof(*segment));
	r->to = to ? to : r->memory;
	return submit(b, r, type, 0, segment ? (uint32_t)sizeof(*segment) : 0, 0, in);
}

static int single(struct cw_blk_driver *b, uint32_t type, const struct cw_abi_blk_segment *segment,
		  void *to, uint32_t in, uint64_t timeout)
{
	struct work w = { .end = cw_vdev_end(&b->vdev, timeout) };
	int err;

	/* All may be left over from calls that gave up. */
	while ((err = give_single(b, type, segment, to, in)) == CW_EAGAIN) {
		err = take(b);
		if (!err)
			err = cw_vdev_wait(&b->vdev, &b->queue, w.end);
		if (err < 0)
			return err;
	}
	return err ? err : finish(b, &w);
}

int cw_blk_flush(struct cw_blk_driver *b, uint64_t timeout)
{
	int err = begin(b, 0, 0);

	if (err || !cw_vdev_has(&b->vdev, CW_BLK_F_FLUSH))
		return err; /* without it, each write is on the disk when it is done */
	return single(b, CW_BLK_T_FLUSH, NULL, NULL, 0, timeout);
}

static int zero(struct cw_blk_driver *b, uint32_t type, uint64_t feature, uint64_t sector,
		uint32_t sectors, uint32_t flags, uint64_t timeout)
{
	struct cw_abi_blk_segment s = { .sectors = cw_make_le32(sectors),
					.flags = cw_make_le32(flags) };
	int err = begin(b, sector, sectors);

	if (!err && !sectors)
		return CW_EINVAL;
	if (!err && (b->read_only || !cw_vdev_has(&b->vdev, feature)))
		err = CW_ENOTSUP;
	cw_set_le32_pair(s.sector, sector);
	return err ? err : single(b, type, &s, NULL, 0, timeout);
}

int cw_blk_discard(struct cw_blk_driver *b, uint64_t sector, uint32_t sectors, uint64_t timeout)
{
	return zero(b, CW_BLK_T_DISCARD, CW_BLK_F_DISCARD, sector, sectors, 0, timeout);
}

int cw_blk_zero(struct cw_blk_driver *b, uint64_t sector, uint32_t sectors, bool unmap,
		uint64_t timeout)
{
	return zero(b, CW_BLK_T_WRITE_ZEROES, CW_BLK_F_WRITE_ZEROES, sector, sectors,
		    unmap ? CW_BLK_UNMAP : 0, timeout);
}

int cw_blk_id(struct cw_blk_driver *b, char id[CW_BLK_ID_LEN + 1], uint64_t timeout)
{
	int err = begin(b, 0, 0);

	memset(id, 0, CW_BLK_ID_LEN + 1);
	err = err ? err : single(b, CW_BLK_T_GET_ID, NULL, id, CW_BLK_ID_LEN, timeout);
	if (err)
		memset(id, 0, CW_BLK_ID_LEN + 1);
	return err;
}
