// SPDX-License-Identifier: BSD-3-Clause
/*
 * Block device.
 *
 * Theory of operation: a chain is header, data, status byte; which parts are data follows from its
 * lengths alone, however it is cut. A request is checked wholly before anything is done. Then it goes
 * in steps of at most CW_BLK_STEP bytes through its own buffer, one after another; between two steps
 * the chain belongs to it, unless a reset came: then the step in hand is let run out and forgotten, and
 * no byte of the remote's is touched. Steps of all requests are done in the order in which they were
 * started, so what an old life has in hand cannot overtake what a new one asks for.
 */
#include <causeway/core/bytes.h>
#include <causeway/core/err.h>
#include <causeway/core/gate.h>
#include <causeway/device/blk.h>

#define HEADER sizeof(struct cw_abi_blk_header)

static struct cw_blk *self(struct cw_device *d)
{
	return (struct cw_blk *)(void *)d;
}

static bool in_range(const struct cw_blk *b, uint64_t sector, uint64_t sectors)
{
	return sector <= b->capacity && sectors <= b->capacity - sector;
}

/* Gives the chain back: @data bytes of the writable parts are filled, the last one is the status. */
static void answer(struct cw_blk *b, struct cw_blk_request *r, uint8_t status, uint32_t data)
{
	uint32_t room = r->chain.writable_len - 1;

	b->count.errors += status != CW_BLK_S_OK;
	cw_chain_write(&r->chain, room, &status, 1);
	cw_devq_push(&b->dev.queue[0].ring, r->chain.head, status == CW_BLK_S_OK ? data + 1 : 1);
}

/* ---- steps ---- */

static void start(struct cw_blk *b, struct cw_blk_request *r)
{
	r->busy = true;
	b->busy++;
	b->ops->start(b->ctx, r);
}

static void next_data(struct cw_blk *b, struct cw_blk_request *r)
{
	uint64_t left = r->len - r->at;
	uint32_t len = left < CW_BLK_STEP ? (uint32_t)left : CW_BLK_STEP;

	r->step = (struct cw_blk_step){ .type = r->type,
					.offset = r->offset + r->at,
					.len = len,
					.buf = r->buf,
					.sync = !cw_device_has(&b->dev, CW_BLK_F_FLUSH) };
	if (r->type == CW_BLK_T_OUT)
		cw_chain_read(&r->chain, (uint32_t)(HEADER + r->at), r->buf, len);
	start(b, r);
}

static void next_segment(struct cw_blk *b, struct cw_blk_request *r)
{
	const struct cw_abi_blk_segment *s = &r->segment[r->at];

	r->step = (struct cw_blk_step){ .type = r->type,
					.offset = cw_get_le32_pair(s->sector) * CW_BLK_SECTOR,
					.len = (uint64_t)cw_get_le32(s->sectors) * CW_BLK_SECTOR,
					.unmap = cw_get_le32(s->flags) & CW_BLK_UNMAP };
	start(b, r);
}

/* The step in hand is done; whether the request is too. */
static bool advance(struct cw_blk *b, struct cw_blk_request *r)
{
	switch (r->type) {
	case CW_BLK_T_IN:
		cw_chain_write(&r->chain, (uint32_t)r->at, r->buf, (uint32_t)r->step.len);
		r->at += r->step.len;
		break;
	case CW_BLK_T_OUT:
		r->at += r->step.len;
		break;
	case CW_BLK_T_FLUSH:
		return true;
	default:
		if (++r->at == r->segments)
			return true;
		next_segment(b, r);
		return false;
	}
	if (r->at == r->len)
		return true;
	next_data(b, r);
	return false;
}

void cw_blk_done(struct cw_blk *b, struct cw_blk_request *r, bool ok)
{
	r->busy = false;
	b->busy--;
	if (!r->gone && cw_device_running(&b->dev)) {
		if (ok && !advance(b, r))
			return;
		answer(b, r, ok ? CW_BLK_S_OK : CW_BLK_S_IOERR,
		       r->type == CW_BLK_T_IN ? (uint32_t)r->len : 0);
	}
	r->gone = false;
}

/* ---- requests ---- */

/* Each check returns the status to answer with, or -1: it is under way. */

static int read_or_write(struct cw_blk *b, struct cw_blk_request *r, uint64_t sector)
{
	uint64_t len = r->type == CW_BLK_T_IN ? r->chain.writable_len - 1
					      : r->chain.readable_len - HEADER;
	struct cw_part *first;
	unsigned int n;
	int got;

	if (r->type == CW_BLK_T_OUT && b->read_only)
		return CW_BLK_S_IOERR;
	if (!len || len % CW_BLK_SECTOR || len > CW_BLK_REQUEST_MAX ||
	    !in_range(b, sector, len / CW_BLK_SECTOR))
		return CW_BLK_S_IOERR;
	r->offset = sector * CW_BLK_SECTOR;
	r->len = len;
	r->at = 0;
	if (r->type == CW_BLK_T_OUT) {
		b->count.writes++;
		b->count.write_bytes += len;
		next_data(b, r);
		return -1;
	}
	b->count.reads++;
	b->count.read_bytes += len;
	first = r->chain.part + r->chain.readable;
	n = r->chain.writable;
	got = CW_EAGAIN;
	if (b->ops->read_now) {
		/* All but the status byte, which is the last byte of the last part. */
		first[n - 1].len--;
		got = b->ops->read_now(b->ctx, first, n, r->offset, (uint32_t)len);
		first[n - 1].len++;
	}
	if (got == CW_EAGAIN) {
		next_data(b, r);
		return -1;
	}
	return got == (int)len ? CW_BLK_S_OK : CW_BLK_S_IOERR;
}

static int flush(struct cw_blk *b, struct cw_blk_request *r)
{
	if (!cw_device_has(&b->dev, CW_BLK_F_FLUSH))
		return CW_BLK_S_UNSUPP;
	r->step = (struct cw_blk_step){ .type = CW_BLK_T_FLUSH };
	start(b, r);
	return -1;
}

static int get_id(struct cw_blk *b, struct cw_blk_request *r)
{
	if (r->chain.writable_len - 1 < CW_BLK_ID_LEN)
		return CW_BLK_S_IOERR;
	cw_chain_write(&r->chain, 0, b->id, CW_BLK_ID_LEN);
	return CW_BLK_S_OK;
}

static int check_segment(const struct cw_blk *b, uint32_t type, const struct cw_abi_blk_segment *s)
{
	uint32_t flags = cw_get_le32(s->flags), sectors = cw_get_le32(s->sectors);

	if (flags & ~CW_BLK_UNMAP || (type == CW_BLK_T_DISCARD && flags))
		return CW_BLK_S_UNSUPP;
	if (!sectors || sectors > CW_BLK_RANGE_MAX ||
	    !in_range(b, cw_get_le32_pair(s->sector), sectors))
		return CW_BLK_S_IOERR;
	return CW_BLK_S_OK;
}

static int zero(struct cw_blk *b, struct cw_blk_request *r)
{
	uint64_t feature = r->type == CW_BLK_T_DISCARD ? CW_BLK_F_DISCARD : CW_BLK_F_WRITE_ZEROES;
	uint32_t len = r->chain.readable_len - (uint32_t)HEADER;

	if (!cw_device_has(&b->dev, feature))
		return CW_BLK_S_UNSUPP;
	if (!len || len % sizeof(r->segment[0]) || len > sizeof(r->segment))
		return CW_BLK_S_IOERR;
	cw_chain_read(&r->chain, HEADER, r->segment, len);
	r->segments = len / (uint32_t)sizeof(r->segment[0]);
	for (unsigned int i = 0; i < r->segments; i++) {
		int status = check_segment(b, r->type, &r->segment[i]);

		if (status)
			return status;
	}
	r->at = 0;
	next_segment(b, r);
	return -1;
}

static int begin(struct cw_blk *b, struct cw_blk_request *r)
{
	struct cw_abi_blk_header h;

	if (cw_chain_read(&r->chain, 0, &h, HEADER) < HEADER) {
		b->count.strange++;
		return CW_BLK_S_IOERR;
	}
	r->type = cw_get_le32(h.type);
	switch (r->type) {
	case CW_BLK_T_IN:
	case CW_BLK_T_OUT:
		return read_or_write(b, r, cw_get_le32_pair(h.sector));
	case CW_BLK_T_FLUSH:
		return flush(b, r);
	case CW_BLK_T_GET_ID:
		return get_id(b, r);
	case CW_BLK_T_DISCARD:
	case CW_BLK_T_WRITE_ZEROES:
		return zero(b, r);
	default:
		b->count.strange++;
		return CW_BLK_S_UNSUPP;
	}
}

static struct cw_blk_request *find_idle(struct cw_blk *b)
{
	for (unsigned int i = 0; b->busy < b->requests && i < b->requests; i++)
		if (!b->request[i].busy)
			return &b->request[i];
	return NULL;
}

static uint32_t given(const struct cw_blk_request *r)
{
	return r->type == CW_BLK_T_IN	    ? (uint32_t)r->len
	       : r->type == CW_BLK_T_GET_ID ? CW_BLK_ID_LEN
					    : 0;
}

static int serve_one(struct cw_blk *b, struct cw_devq *ring)
{
	struct cw_blk_request *r = find_idle(b);
	int got;

	if (!r)
		return CW_SERVE_PARKED;
	got = cw_devq_pop(ring, &r->chain, r->part, b->parts);
	if (got <= 0)
		return got;
	if (!r->chain.writable_len) {
		/* No room for an answer: it goes back, so that the driver sees which one, then fault. */
		b->count.strange++;
		cw_devq_push(ring, r->chain.head, 0);
		return CW_EBADCHAIN;
	}
	got = begin(b, r);
	if (got >= 0)
		answer(b, r, (uint8_t)got, given(r));
	return CW_SERVE_MORE;
}

static int serve(struct cw_device *d, unsigned int q)
{
	struct cw_blk *b = self(d);
	uint64_t before = b->count.read_bytes;
	int ret = CW_SERVE_MORE;

	b->ops->collect(b->ctx);
	for (unsigned int i = 0; i < CW_SERVE_BUDGET && ret == CW_SERVE_MORE &&
				 b->count.read_bytes - before < CW_SERVE_BYTES;
	     i++)
		ret = serve_one(b, &d->queue[q].ring);
	cw_device_publish(d, q);
	return ret;
}

static void reset(struct cw_device *d, int q)
{
	struct cw_blk *b = self(d);

	(void)q;
	for (unsigned int i = 0; i < b->requests; i++)
		b->request[i].gone = b->request[i].busy;
}

static const struct cw_device_ops ops = { .serve = serve, .reset = reset };

static void fill_config(struct cw_blk *b, const struct cw_blk_geometry *g, unsigned int parts)
{
	struct cw_abi_blk_config *c = &b->config;
	uint8_t exp = 0;

	while ((CW_BLK_SECTOR << exp) < g->block)
		exp++;
	cw_set_le32_pair(c->capacity, g->sectors);
	c->seg_max = cw_make_le32(parts - 2); /* beside header and status */
	c->blk_size = cw_make_le32(CW_BLK_SECTOR);
	c->physical_block_exp = exp;
	c->min_io_size = cw_make_le16((uint16_t)(g->block / CW_BLK_SECTOR));
	c->opt_io_size = cw_make_le32(CW_BLK_STEP / CW_BLK_SECTOR);
	c->num_queues = cw_make_le16(1);
	c->max_discard_sectors = cw_make_le32(CW_BLK_RANGE_MAX);
	c->max_discard_seg = cw_make_le32(CW_BLK_SEGMENTS);
	c->discard_sector_alignment = cw_make_le32(g->block / CW_BLK_SECTOR);
	c->max_write_zeroes_sectors = cw_make_le32(CW_BLK_RANGE_MAX);
	c->max_write_zeroes_seg = cw_make_le32(CW_BLK_SEGMENTS);
	c->write_zeroes_may_unmap = 1;
}

int cw_blk_init(struct cw_blk *b, const struct cw_blk_ops *disk, void *ctx,
		const struct cw_blk_geometry *g, struct cw_device_queue *queue,
		struct cw_blk_request *request, unsigned int requests, unsigned int parts)
{
	uint64_t features = CW_BLK_F_SEG_MAX | CW_BLK_F_BLK_SIZE | CW_BLK_F_TOPOLOGY |
			    CW_BLK_F_FLUSH;

	memset(b, 0, sizeof(*b));
	if (!disk || !disk->start || !disk->collect || !g->sectors || !requests || parts < 3 ||
	    g->block < CW_BLK_SECTOR || g->block > CW_BLK_STEP || g->block & (g->block - 1))
		return CW_EINVAL;
	b->ops = disk;
	b->ctx = ctx;
	b->request = request;
	b->requests = requests;
	b->parts = parts;
	b->capacity = g->sectors;
	b->read_only = g->read_only;
	for (unsigned int i = 0; i < CW_BLK_ID_LEN && g->id && g->id[i]; i++)
		b->id[i] = g->id[i];
	fill_config(b, g, parts);
	if (g->read_only)
		features |= CW_BLK_F_RO;
	else if (g->zeroes)
		features |= CW_BLK_F_DISCARD | CW_BLK_F_WRITE_ZEROES;
	return cw_device_init(&b->dev, &ops, CW_ID_BLK, features, (const uint8_t *)&b->config,
			      sizeof(b->config), queue, 1);
}
