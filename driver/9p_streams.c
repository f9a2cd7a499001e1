// SPDX-License-Identifier: BSD-3-Clause
/*
 * 9P client: the bytes of files.
 *
 * Theory of operation: a stream that reads keeps the slots of its requests in the order in which it made
 * them, and looks at the oldest. A short answer says nothing about what lies behind it: what was asked
 * for there is dropped and asked for again; no byte at all is the end. One that writes only counts its
 * requests: their answers are looked at whenever they come, so that slots are idle soon. A read or
 * write of any length is a stream that ends with the call.
 */
#include <causeway/core/bytes.h>
#include <causeway/core/err.h>
#include <causeway/core/gate.h>

#include "9p_priv.h"

static int32_t least(uint64_t a, uint32_t b)
{
	return (int32_t)(a < b ? a : b);
}

static struct cw_9p_slot *oldest(const struct cw_9p_stream *s)
{
	return &s->f->c->slot[s->slot[0]];
}

static void forget_oldest(struct cw_9p_stream *s)
{
	cw_9p_drop_(oldest(s));
	s->slots--;
	memmove(s->slot, s->slot + 1, s->slots);
	s->used = 0;
}

/* What is asked for still is nobody's. */
static void forget_all(struct cw_9p_stream *s)
{
	struct cw_9p_driver *c = s->f->c;

	while (!s->write && s->slots)
		forget_oldest(s);
	for (unsigned int i = 0; s->write && i < c->depth; i++)
		if (c->slot[i].writer == s) {
			c->slot[i].writer = NULL;
			cw_9p_drop_(&c->slot[i]);
		}
	s->slots = 0;
}

static int fail(struct cw_9p_stream *s, int err)
{
	if (!s->err) {
		s->err = err;
		s->last_errno = s->f->c->last_errno;
	}
	forget_all(s);
	s->f->c->last_errno = s->last_errno;
	return s->err;
}

static void begin(struct cw_9p_stream *s, struct cw_9p_file *f, bool write, uint64_t offset,
		  uint64_t left)
{
	*s = (struct cw_9p_stream){ .f = f, .offset = offset, .left = left, .write = write };
	s->window = f->c->depth;
}

int cw_9p_stream_open(struct cw_9p_stream *s, struct cw_9p_file *f, bool write, uint64_t offset)
{
	begin(s, f, write, offset, UINT64_MAX);
	/* What was read ahead keeps its slots until it is used: one is left for writing, one for calls. */
	if (!write && s->window > 3)
		s->window -= 2;
	else if (!write)
		s->window = 1;
	return s->err = cw_9p_begin_file_(f);
}

/* One more request of @len bytes at the end of the stream: CW_OK, or CW_EAGAIN: not now. */
static int more(struct cw_9p_stream *s, const void *data, uint32_t len)
{
	struct cw_9p_driver *c = s->f->c;
	struct cw_9p_slot *slot = s->slots < s->window ? cw_9p_idle_(c) : NULL;
	int err;

	if (!slot)
		return CW_EAGAIN;
	cw_9p_msg_(c, s->write ? CW_9P_TWRITE : CW_9P_TREAD, s->f->fid);
	cw_9p_put_(c, s->offset, 8);
	cw_9p_put_(c, len, 4);
	err = cw_9p_submit_(c, slot, data, s->write ? len : 0);
	if (err)
		return err;
	slot->count = len;
	if (s->write)
		slot->writer = s;
	else
		s->slot[s->slots] = (uint8_t)(slot - c->slot);
	s->slots++;
	s->offset += len;
	s->left -= len;
	return CW_OK;
}

static int read_ahead(struct cw_9p_stream *s)
{
	int err = CW_OK;

	while (!err && s->left)
		err = more(s, NULL, (uint32_t)least(s->left, s->f->most));
	return err == CW_EAGAIN ? CW_OK : err;
}

/* What the oldest answer says: bytes, or an error. */
static int32_t count_of(struct cw_9p_stream *s)
{
	struct cw_9p_driver *c = s->f->c;
	const struct cw_9p_slot *slot = oldest(s);
	int err = cw_9p_verdict_(slot, &c->last_errno);
	uint32_t count = cw_peek32(slot->head + CW_9P_HEADER);

	if (err)
		return err;
	if (slot->len < CW_9P_RREAD_HEADER || count > slot->count ||
	    slot->len != CW_9P_RREAD_HEADER + count)
		return cw_vdev_fail(&c->vdev, CW_EPEER);
	return (int32_t)count;
}

/* Takes from the oldest, which is answered: the bytes, or an error. */
static int32_t take_some(struct cw_9p_stream *s, void *buf, uint32_t len)
{
	int32_t got = count_of(s), some;
	uint32_t asked = oldest(s)->count;

	if (got < 0)
		return fail(s, got);
	if ((uint32_t)got < asked && !s->used) {
		uint64_t ahead = s->offset - asked;

		/* Once only, when it is looked at first: what is behind it is asked for again. */
		for (unsigned int i = 1; i < s->slots; i++) {
			ahead -= s->f->c->slot[s->slot[i]].count;
			cw_9p_drop_(&s->f->c->slot[s->slot[i]]);
		}
		s->slots = 1;
		s->left += s->offset - (ahead + (uint32_t)got);
		s->offset = ahead + (uint32_t)got;
		oldest(s)->count = (uint32_t)got;
	}
	some = least((uint32_t)got - s->used, len);
	cw_9p_fetch_(s->f->c, oldest(s), CW_9P_RREAD_HEADER + s->used, buf, (uint32_t)some);
	s->used += (uint32_t)some;
	if (!got)
		s->left = 0;
	if (s->used == (uint32_t)got)
		forget_oldest(s);
	return some;
}

static int32_t read_some(struct cw_9p_stream *s, void *buf, uint32_t len, uint64_t end)
{
	int err = s->err;

	while (!err) {
		err = read_ahead(s);
		if (err || (!s->slots && !s->left))
			break;
		if (s->slots && oldest(s)->answered)
			return take_some(s, buf, len);
		err = cw_9p_wait_(s->f->c, end);
	}
	return err == CW_OK || err == CW_ETIMEDOUT ? err : fail(s, err);
}

static int begin_stream(struct cw_9p_stream *s, uint64_t timeout, uint64_t *end)
{
	int err = s->err ? s->err : cw_9p_begin_file_(s->f);

	*end = cw_vdev_end(&s->f->c->vdev, timeout);
	return err ? fail(s, err) : CW_OK;
}

int32_t cw_9p_stream_read(struct cw_9p_stream *s, void *buf, uint32_t len, uint64_t timeout)
{
	uint64_t end;
	int err = begin_stream(s, timeout, &end);

	if (!err && s->write)
		err = CW_EINVAL;
	return err ? err : len ? read_some(s, buf, (uint32_t)least(len, INT32_MAX), end) : 0;
}

static int write_all(struct cw_9p_stream *s, const uint8_t *buf, uint32_t len, uint64_t end)
{
	int err = s->err;

	while (!err && len) {
		uint32_t some = (uint32_t)least(len, s->f->most);

		err = more(s, buf, some);
		if (err == CW_EAGAIN) {
			err = cw_9p_wait_(s->f->c, end);
			err = err ? err : s->err;
			continue;
		}
		buf += some;
		len -= some;
	}
	/* One ring for all. */
	cw_vdev_publish(&s->f->c->vdev, 0, &s->f->c->queue);
	return err ? fail(s, err) : CW_OK;
}

int cw_9p_stream_write(struct cw_9p_stream *s, const void *buf, uint32_t len, uint64_t timeout)
{
	uint64_t end;
	int err = begin_stream(s, timeout, &end);

	if (!err && !s->write)
		err = CW_EINVAL;
	return err ? err : write_all(s, buf, len, end);
}

static int finish(struct cw_9p_stream *s, uint64_t end)
{
	int err = s->err;

	while (!err && s->write && s->slots) {
		err = cw_9p_wait_(s->f->c, end);
		err = err ? err : s->err;
	}
	forget_all(s);
	return err ? fail(s, err) : CW_OK;
}

int cw_9p_stream_close(struct cw_9p_stream *s, uint64_t timeout)
{
	uint64_t end;
	int err = begin_stream(s, timeout, &end);

	err = err ? err : finish(s, end);
	s->err = s->err ? s->err : CW_EINVAL; /* it is over */
	return err;
}

/* ---- at an offset ---- */

int32_t cw_9p_read(struct cw_9p_file *f, uint64_t offset, void *buf, uint32_t len, uint64_t timeout)
{
	uint64_t end = cw_vdev_end(&f->c->vdev, timeout);
	uint32_t done = 0;
	struct cw_9p_stream s;
	int32_t got = cw_9p_begin_file_(f);

	if (!got && len > INT32_MAX)
		got = CW_EINVAL;
	if (got || !len)
		return got;
	begin(&s, f, false, offset, len);
	do {
		got = read_some(&s, (uint8_t *)buf + done, len - done, end);
		done += got > 0 ? (uint32_t)got : 0;
	} while (got > 0 && done < len);
	forget_all(&s);
	return got < 0 ? got : (int32_t)done;
}

int cw_9p_write(struct cw_9p_file *f, uint64_t offset, const void *buf, uint32_t len,
		uint64_t timeout)
{
	uint64_t end = cw_vdev_end(&f->c->vdev, timeout);
	struct cw_9p_stream s;
	int err = cw_9p_begin_file_(f);

	if (err)
		return err;
	begin(&s, f, true, offset, len);
	err = write_all(&s, buf, len, end);
	return err ? err : finish(&s, end);
}
