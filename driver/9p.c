// SPDX-License-Identifier: BSD-3-Clause
/*
 * 9P client: requests and their answers.
 *
 * Theory of operation: a slot is memory in the block for one request with its answer, a small part and a
 * large one: whichever of the two messages may be long gets the large part. A slot's number is its tag.
 * An answer counts when size, tag and type are those of the one answer that there can be; anything else
 * ends the device, as nothing that it says is of use then. Its first bytes are copied once, and what they
 * said is not read again.
 *
 * A request that outlives its call stays with the device, its memory too. So do its fids: one that is
 * not needed any more is doomed, clunked when no request uses it, and free when that is answered.
 */
#include <causeway/core/bytes.h>
#include <causeway/core/err.h>
#include <causeway/core/gate.h>
#include <causeway/core/shm.h>

#include "9p_priv.h"

#define SMALL	  256u
#define DEPTH_MIN 3u /* one reads ahead, one writes behind, one asks */
#define ERRNO_MAX 4095u

_Static_assert(CW_9P_DEPTH >= 4 && !(CW_9P_DEPTH & (CW_9P_DEPTH - 1)), "a power of two");
_Static_assert(CW_9P_DIR_BUFFER >= CW_9P_RREAD_HEADER + CW_9P_DIRENT + CW_9P_NAME_MAX, "one entry");

/* ---- messages ---- */

void cw_9p_put_(struct cw_9p_driver *c, uint64_t value, unsigned int bytes)
{
	for (unsigned int i = 0; i < bytes; i++, value >>= 8) {
		if (c->message_len < sizeof(c->message))
			c->message[c->message_len] = (uint8_t)value;
		c->message_len++; /* above the size: it is refused when it is given */
	}
}

void cw_9p_put_fid_(struct cw_9p_driver *c, uint32_t fid)
{
	c->other_fid = fid;
	cw_9p_put_(c, fid, 4);
}

void cw_9p_put_string_(struct cw_9p_driver *c, const char *s, uint32_t len)
{
	cw_9p_put_(c, len, 2);
	for (uint32_t i = 0; i < len && i < sizeof(c->message); i++)
		cw_9p_put_(c, (uint8_t)s[i], 1);
}

void cw_9p_msg_(struct cw_9p_driver *c, uint8_t type, uint32_t fid)
{
	c->message_len = 0;
	c->other_fid = CW_9P_NOFID;
	cw_9p_put_(c, 0, 4);
	cw_9p_put_(c, type, 1);
	cw_9p_put_(c, 0, 2);
	cw_9p_put_(c, fid, 4);
}

/* ---- slots ---- */

static uint8_t *answer_at(const struct cw_9p_driver *c, const struct cw_9p_slot *s)
{
	return s->memory + (s->large ? c->small : 0);
}

static uint16_t tag_of(const struct cw_9p_driver *c, const struct cw_9p_slot *s)
{
	return s->type == CW_9P_TVERSION ? CW_9P_NOTAG : (uint16_t)(s - c->slot);
}

struct cw_9p_slot *cw_9p_idle_(struct cw_9p_driver *c)
{
	for (unsigned int i = 0; i < c->depth; i++)
		if (!c->slot[i].type)
			return &c->slot[i];
	return NULL;
}

int cw_9p_submit_(struct cw_9p_driver *c, struct cw_9p_slot *s, const void *data, uint32_t data_len)
{
	uint32_t len = c->message_len + data_len, at;
	struct cw_buf buf[2];

	s->large = len <= c->small;
	at = s->large ? 0 : c->small; /* of the message; the answer has the other part */
	if (c->message_len > sizeof(c->message) || len > c->msize)
		return CW_EINVAL;
	s->type = c->message[4];
	s->fid = s->type == CW_9P_TVERSION ? CW_9P_NOFID : cw_peek32(c->message + CW_9P_HEADER);
	s->newfid = c->other_fid;
	s->writer = NULL;
	s->wanted = true;
	s->answered = false;
	cw_poke32(c->message, len);
	cw_poke16(c->message + 5, tag_of(c, s));
	buf[0] = (struct cw_buf){ s->addr + at, len };
	buf[1] = (struct cw_buf){ s->addr + (s->large ? c->small : 0),
				  s->large ? c->msize : c->small };
	cw_copy_out(s->memory + at, c->message, c->message_len);
	if (data_len)
		cw_copy_out(s->memory + at + c->message_len, data, data_len);
	if (!cw_drvq_add(&c->queue, buf, 1, 1, s))
		return CW_OK;
	s->type = 0;
	return cw_vdev_fail(&c->vdev, CW_EPEER);
}

/* Whether this is the one answer that there can be. */
static bool believable(const struct cw_9p_driver *c, struct cw_9p_slot *s, uint32_t len)
{
	uint32_t error;

	cw_copy_in(s->head, answer_at(c, s), len < sizeof(s->head) ? len : sizeof(s->head));
	s->len = len;
	if (len < CW_9P_HEADER || cw_peek32(s->head) != len ||
	    cw_peek16(s->head + 5) != tag_of(c, s))
		return false;
	if (s->head[4] != CW_9P_RLERROR)
		return s->head[4] == s->type + 1;
	error = cw_peek32(s->head + CW_9P_HEADER);
	return len == sizeof(s->head) && error && error <= ERRNO_MAX;
}

/* ---- errors ---- */

static int ours(uint32_t error)
{
	static const struct {
		uint8_t linux_errno;
		int8_t err;
	} map[] = {
		{ CW_9P_ENOENT, CW_ENOENT },	   { CW_9P_EEXIST, CW_EEXIST },
		{ CW_9P_ENOTEMPTY, CW_EEXIST },	   { CW_9P_EACCES, CW_EACCES },
		{ CW_9P_EPERM, CW_EACCES },	   { CW_9P_EROFS, CW_EACCES },
		{ CW_9P_ENOSPC, CW_ENOSPC },	   { CW_9P_EDQUOT, CW_ENOSPC },
		{ CW_9P_EFBIG, CW_ENOSPC },	   { CW_9P_EOPNOTSUPP, CW_ENOTSUP },
		{ CW_9P_EINVAL, CW_EINVAL },	   { CW_9P_ENOTDIR, CW_EINVAL },
		{ CW_9P_EISDIR, CW_EINVAL },	   { CW_9P_ELOOP, CW_EINVAL },
		{ CW_9P_ENAMETOOLONG, CW_EINVAL }, { CW_9P_EXDEV, CW_EINVAL },
		{ CW_9P_EBUSY, CW_EBUSY },	   { CW_9P_ENFILE, CW_EBUSY },
		{ CW_9P_EMFILE, CW_EBUSY },	   { CW_9P_ENOMEM, CW_EBUSY },
	};

	for (size_t i = 0; i < sizeof(map) / sizeof(map[0]); i++)
		if (map[i].linux_errno == error)
			return map[i].err;
	return CW_EIO;
}

int cw_9p_verdict_(const struct cw_9p_slot *s, uint32_t *linux_errno)
{
	if (s->head[4] != CW_9P_RLERROR)
		return CW_OK;
	*linux_errno = cw_peek32(s->head + CW_9P_HEADER);
	return ours(*linux_errno);
}

/* ---- answers ---- */

void cw_9p_drop_(struct cw_9p_slot *s)
{
	s->wanted = false;
	if (s->answered)
		s->type = 0;
}

/* Bytes of a stream: who writes them does not look here, and others may wait for the slot. */
static int written(struct cw_9p_driver *c, struct cw_9p_slot *s)
{
	struct cw_9p_stream *w = s->writer;
	uint32_t count = cw_peek32(s->head + CW_9P_HEADER), linux_errno = 0;
	int err = cw_9p_verdict_(s, &linux_errno);

	if (!err && (s->len != CW_9P_RREAD_HEADER || count > s->count))
		return cw_vdev_fail(&c->vdev, CW_EPEER);
	if (!err && count < s->count) { /* nothing else stops a write half-way */
		linux_errno = CW_9P_ENOSPC;
		err = CW_ENOSPC;
	}
	if (err && !w->err) {
		w->err = err;
		w->last_errno = linux_errno;
	}
	w->slots--;
	s->writer = NULL;
	cw_9p_drop_(s);
	return CW_OK;
}

/* Takes one answer: 1, 0 when there is none, or what ended the device. */
static int take(struct cw_9p_driver *c)
{
	struct cw_9p_slot *s;
	void *cookie;
	uint32_t len;
	int got = cw_vdev_get(&c->vdev, &c->queue, &cookie, &len);

	if (got <= 0)
		return got;
	s = cookie;
	if (!believable(c, s, len))
		return cw_vdev_fail(&c->vdev, CW_EPEER);
	/* Clunked it is, whatever the answer. */
	if (s->type == CW_9P_TCLUNK && s->fid < CW_9P_DRIVER_FIDS)
		c->fid[s->fid] = CW_9P_FREE_;
	s->answered = true;
	if (s->writer)
		return written(c, s) ? CW_EPEER : 1;
	if (!s->wanted)
		cw_9p_drop_(s);
	return 1;
}

int cw_9p_wait_(struct cw_9p_driver *c, uint64_t end)
{
	int got;

	cw_vdev_publish(&c->vdev, 0, &c->queue);
	got = take(c);
	if (!got)
		got = cw_vdev_wait(&c->vdev, &c->queue, end);
	return got > 0 ? CW_OK : got;
}

void cw_9p_fetch_(const struct cw_9p_driver *c, const struct cw_9p_slot *s, uint32_t at, void *to,
		  uint32_t len)
{
	uint8_t *p = to;

	for (; len && at < sizeof(s->head); at++, len--)
		*p++ = s->head[at];
	if (len)
		cw_copy_in(p, answer_at(c, s) + at, len);
}

/* ---- calls ---- */

/* Clunks what is doomed and not used, not by a clunk either, as far as there are slots. Nobody waits for it: it goes out with what is asked next. */
static void tidy(struct cw_9p_driver *c)
{
	struct cw_9p_slot *s;

	for (uint32_t f = 0; f < CW_9P_DRIVER_FIDS; f++) {
		bool used = c->fid[f] != CW_9P_DOOMED_;

		for (unsigned int i = 0; i < c->depth; i++)
			used |= c->slot[i].type && !c->slot[i].answered &&
				(c->slot[i].fid == f || c->slot[i].newfid == f);
		if (used || !(s = cw_9p_idle_(c)))
			continue;
		cw_9p_msg_(c, CW_9P_TCLUNK, f);
		if (cw_9p_submit_(c, s, NULL, 0))
			return;
		s->wanted = false;
	}
}

int cw_9p_begin_(struct cw_9p_driver *c)
{
	int err = cw_vdev_look(&c->vdev);

	c->last_errno = 0;
	if (!err)
		tidy(c);
	return err;
}

int cw_9p_begin_file_(struct cw_9p_file *f)
{
	int err = cw_9p_begin_(f->c);

	return err ? err : f->session == f->c->session ? CW_OK : CW_ERESET;
}

int cw_9p_ask_(struct cw_9p_driver *c, struct cw_9p_slot **slot, uint64_t end)
{
	struct cw_9p_slot *s;
	int err = CW_OK;

	c->last_errno = 0;
	while (!(s = cw_9p_idle_(c)) && !err)
		err = cw_9p_wait_(c, end);
	err = err ? err : cw_9p_submit_(c, s, NULL, 0);
	if (err)
		return err;
	while (!err && !s->answered)
		err = cw_9p_wait_(c, end);
	cw_9p_drop_(s);
	*slot = s;
	return s->answered ? cw_9p_verdict_(s, &c->last_errno) : err;
}

int cw_9p_call_(struct cw_9p_driver *c, uint32_t len, uint64_t end)
{
	struct cw_9p_slot *s;
	int err = cw_9p_ask_(c, &s, end);

	if (err)
		return err;
	if (len ? s->len != len : s->len > sizeof(c->answer))
		return cw_vdev_fail(&c->vdev, CW_EPEER);
	cw_9p_fetch_(c, s, 0, c->answer, s->len);
	c->answer_len = s->len;
	return CW_OK;
}

/* ---- fids ---- */

int cw_9p_new_fid_(struct cw_9p_driver *c, uint32_t *fid, uint64_t end)
{
	for (;;) {
		bool pending = false;
		int err;

		for (uint32_t f = ROOT_FID + 1; f < CW_9P_DRIVER_FIDS; f++) {
			if (c->fid[f] == CW_9P_FREE_) {
				c->fid[f] = CW_9P_USED_;
				*fid = f;
				return CW_OK;
			}
			pending |= c->fid[f] != CW_9P_USED_;
		}
		if (!pending)
			return CW_EBUSY;
		tidy(c);
		err = cw_9p_wait_(c, end);
		if (err)
			return err;
	}
}

void cw_9p_release_(struct cw_9p_driver *c, uint32_t fid)
{
	c->fid[fid] = CW_9P_DOOMED_;
	if (!c->vdev.dead)
		tidy(c);
}

/* ---- opening ---- */

static uint32_t round_up(uint32_t v, uint32_t to)
{
	return (v + to - 1) & ~(to - 1);
}

/* What the block has room for: whole buffers for as many as there can be, or few shorter ones. */
static int give_memory(struct cw_9p_driver *c)
{
	uint32_t room = cw_vdev_room(&c->vdev), line = c->vdev.t->line, share;

	c->small = round_up(SMALL, line);
	c->depth = room / (c->small + round_up(CW_9P_BUFFER, line));
	c->depth = c->depth < DEPTH_MIN	    ? DEPTH_MIN
		   : c->depth < CW_9P_DEPTH ? c->depth
					    : CW_9P_DEPTH;
	if (c->depth > c->queue.size / 2u)
		c->depth = c->queue.size / 2u;
	if (c->depth < DEPTH_MIN)
		return cw_vdev_fail(&c->vdev, CW_ENOSPC);
	share = room / c->depth & ~(line - 1u);
	if (share < c->small + CW_9P_MSIZE_MIN)
		return cw_vdev_fail(&c->vdev, CW_ENOSPC);
	share -= c->small;
	c->msize = share < CW_9P_BUFFER ? share : CW_9P_BUFFER;
	for (unsigned int i = 0; i < c->depth; i++)
		c->slot[i].memory = cw_vdev_alloc(&c->vdev, c->small + c->msize, &c->slot[i].addr);
	return c->vdev.dead;
}

static int agree(struct cw_9p_driver *c, uint64_t end)
{
	static const char version[] = CW_9P_VERSION;
	const uint32_t len = sizeof(version) - 1;
	uint32_t msize;
	int err;

	cw_9p_msg_(c, CW_9P_TVERSION, c->msize);
	cw_9p_put_string_(c, version, len);
	err = cw_9p_call_(c, 0, end);
	if (err)
		return err;
	msize = cw_peek32(c->answer + CW_9P_HEADER);
	if (c->answer_len < 13 || cw_peek16(c->answer + 11) != c->answer_len - 13 ||
	    msize > c->msize)
		return cw_vdev_fail(&c->vdev, CW_EPEER);
	if (c->answer_len != 13 + len || memcmp(c->answer + 13, version, len) != 0 ||
	    msize < CW_9P_MSIZE_MIN)
		return CW_ENOTSUP;
	c->msize = msize;
	cw_9p_msg_(c, CW_9P_TATTACH, ROOT_FID);
	cw_9p_put_(c, CW_9P_NOFID, 4);
	cw_9p_put_string_(c, "", 0);
	cw_9p_put_string_(c, "", 0);
	cw_9p_put_(c, 0, 4);
	return cw_9p_call_(c, QID_ANSWER, end);
}

int cw_9p_open(struct cw_9p_driver *c, struct cw_transport *t, uint64_t timeout)
{
	struct cw_abi_9p_config config = { 0 };
	uint32_t session = c->session + 1, len;
	int err;

	memset(c, 0, sizeof(*c));
	c->session = session;
	c->fid[ROOT_FID] = CW_9P_USED_;
	cw_vdev_open(&c->vdev, t, CW_ID_9P, CW_9P_F_MOUNT_TAG);
	cw_vdev_accept(&c->vdev);
	if (cw_vdev_has(&c->vdev, CW_9P_F_MOUNT_TAG))
		cw_vdev_config(&c->vdev, 0, &config, sizeof(config.tag_len));
	len = cw_get_le16(config.tag_len);
	len = len < CW_9P_TAG_MAX ? len : CW_9P_TAG_MAX;
	if (len)
		cw_vdev_config(&c->vdev, 2, c->tag, len);
	cw_vdev_queue(&c->vdev, 0, &c->queue, c->descriptor, 2 * CW_9P_DEPTH);
	if (!c->vdev.dead)
		give_memory(c);
	err = cw_vdev_start(&c->vdev);
	err = err ? err : agree(c, cw_vdev_end(&c->vdev, timeout));
	/* Without a session it is of no use; one that was too slow has our memory still. */
	return err ? cw_vdev_fail(&c->vdev, err) : CW_OK;
}
