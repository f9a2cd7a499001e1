// SPDX-License-Identifier: BSD-3-Clause
/*
 * Theory of operation: cw_9p_answer() checks the frame of a message, finds its function in a table
 * and makes an Rlerror of whatever that returns. What a client may have of anything is bounded by
 * arrays that are there from the beginning. A message that is refused has changed nothing, except
 * that Tversion, Tclunk and Tremove do their part in any case.
 *
 * Called by the thread beside the worker's, or by the worker's own while that one rests.
 */
#include "server.h"

#include <causeway/core/err.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statfs.h>
#include <unistd.h>

#define RLERROR	 (CW_9P_HEADER + 4u)
#define GETATTR	 153u /* fields of an Rgetattr */
#define STATFS	 60u
#define VERSION	 14u
#define ANY_SIZE 2u /* what varies is checked where it is put */

struct handler {
	p9_message *answer;
	uint8_t reply; /* bytes behind the header that it needs at least */
	bool changes;  /* the tree: refused in one that is read only */
	bool anytime;  /* without a session too */
};

static const struct handler handlers[128] = {
	[CW_9P_TVERSION] = { p9_version, VERSION, false, true },
	[CW_9P_TAUTH] = { p9_auth, CW_9P_QID, false, false },
	[CW_9P_TATTACH] = { p9_attach, CW_9P_QID, false, false },
	[CW_9P_TFLUSH] = { p9_flush, 0, false, false },
	[CW_9P_TWALK] = { p9_walk, ANY_SIZE, false, false },
	[CW_9P_TCLUNK] = { p9_clunk, 0, false, false },
	[CW_9P_TREMOVE] = { p9_remove, 0, false, false },
	[CW_9P_TGETATTR] = { p9_getattr, GETATTR, false, false },
	[CW_9P_TSETATTR] = { p9_setattr, 0, true, false },
	[CW_9P_TSTATFS] = { p9_statfs, STATFS, false, false },
	[CW_9P_TREADLINK] = { p9_readlink, ANY_SIZE, false, false },
	[CW_9P_TLOPEN] = { p9_lopen, CW_9P_QID + 4, false, false },
	[CW_9P_TLCREATE] = { p9_lcreate, CW_9P_QID + 4, true, false },
	[CW_9P_TREAD] = { p9_read, 4, false, false },
	[CW_9P_TWRITE] = { p9_write, 4, true, false },
	[CW_9P_TFSYNC] = { p9_fsync, 0, false, false },
	[CW_9P_TREADDIR] = { p9_readdir, 4, false, false },
	[CW_9P_TMKDIR] = { p9_mkdir, CW_9P_QID, true, false },
	[CW_9P_TSYMLINK] = { p9_symlink, CW_9P_QID, true, false },
	[CW_9P_TMKNOD] = { p9_mknod, CW_9P_QID, true, false },
	[CW_9P_TLINK] = { p9_link, 0, true, false },
	[CW_9P_TRENAME] = { p9_rename, 0, true, false },
	[CW_9P_TRENAMEAT] = { p9_renameat, 0, true, false },
	[CW_9P_TUNLINKAT] = { p9_unlinkat, 0, true, false },
	[CW_9P_TLOCK] = { p9_lock, 1, false, false },
	[CW_9P_TGETLOCK] = { p9_getlock, 23, false, false },
	[CW_9P_TXATTRWALK] = { p9_xattrwalk, 8, false, false },
	[CW_9P_TXATTRCREATE] = { p9_xattrcreate, 0, true, false },
};

/*
 * A file system in memory knows no reading without waiting, and needs none: it waits no more than
 * this process does for memory of its own. All files are in that of the root.
 */
static int flags_at_once(int root)
{
	struct statfs sf;

	return !fstatfs(root, &sf) && sf.f_type == TMPFS_MAGIC ? 0 : RWF_NOWAIT;
}

struct cw_9p_server *cw_9p_create(const struct cw_9p_options *o)
{
	struct cw_9p_server *s;
	struct statx st;

	errno = EINVAL;
	if (o->msize < CW_9P_MSIZE_MIN || o->msize > CW_9P_MSIZE_MAX ||
	    statx(o->root, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &st))
		return NULL;
	errno = ENOTDIR;
	if (!S_ISDIR(st.stx_mode))
		return NULL;
	s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	s->export.root = o->root;
	s->export.read_only = o->read_only;
	s->at_once = flags_at_once(o->root);
	s->limit = o->msize;
	s->root_dev = (uint64_t)st.stx_dev_major << 32 | st.stx_dev_minor;
	s->root_ino = st.stx_ino;
	s->name = o->name ? strdup(o->name) : NULL;
	memset(s->key, 0xff, sizeof(s->key));
	if (!o->name || s->name)
		return s;
	free(s);
	return NULL;
}

void cw_9p_reset(struct cw_9p_server *s)
{
	s->msize = 0;
	for (unsigned int i = 0; i < CW_9P_FIDS; i++) {
		struct p9_fid *f = &s->fid[i];

		if (s->key[i] == CW_9P_NOFID)
			continue;
		if (f->kind == P9_XATTR_WRITE)
			f->kind = P9_XATTR_READ; /* nobody finished it */
		p9_fid_free(s, f);
	}
}

void cw_9p_free(struct cw_9p_server *s)
{
	if (!s)
		return;
	cw_9p_reset(s);
	free(s->name);
	free(s);
}

/* ---- one message ---- */

struct frame {
	uint32_t size;
	uint8_t type;
	uint16_t tag;
};

static struct frame get_frame(struct p9_in *in)
{
	struct frame f = { p9_get32(in), p9_get8(in), CW_9P_NOTAG };
	uint16_t tag = p9_get16(in);

	if (!in->bad)
		f.tag = tag;
	return f;
}

static int run(struct cw_9p_server *s, const struct frame *f, uint32_t len, struct p9_in *in,
	       struct p9_out *out)
{
	const struct handler *h = &handlers[f->type % 128];
	int err;

	if (in->bad || f->size != len)
		return EPROTO;
	if (len > (s->msize ? s->msize : s->limit))
		return E2BIG;
	if (f->type >= 128 || !h->answer)
		return EOPNOTSUPP;
	if (!s->msize && !h->anytime)
		return EPROTO;
	if (h->changes && s->export.read_only)
		return EROFS;
	if (p9_room(out) < h->reply)
		return EMSGSIZE;
	err = h->answer(s, in, out);
	return !err && out->over ? EMSGSIZE : err;
}

static void put_frame(struct p9_out *out, uint32_t size, uint8_t type, uint16_t tag)
{
	struct p9_out head = { out->buf, 0, CW_9P_HEADER, false };

	p9_put32(&head, size);
	p9_put8(&head, type);
	p9_put16(&head, tag);
}

static uint32_t finish(struct p9_out *out, const struct frame *f, int err)
{
	if (err) {
		out->len = CW_9P_HEADER;
		out->over = false;
		p9_put32(out, (uint32_t)err);
	}
	put_frame(out, out->len, err ? CW_9P_RLERROR : (uint8_t)(f->type + 1), f->tag);
	return out->len;
}

uint32_t cw_9p_answer(struct cw_9p_server *s, const uint8_t *request, uint32_t len, uint8_t *reply,
		      uint32_t room)
{
	uint32_t most = s->msize ? s->msize : s->limit;
	struct p9_out out = { reply, CW_9P_HEADER, room < most ? room : most, false };
	struct p9_in in = { request, len, false };
	struct frame f = get_frame(&in);

	if (room < RLERROR)
		return 0;
	s->export.now = false;
	return finish(&out, &f, run(s, &f, len, &in, &out));
}

/* ---- what needs no waiting ---- */

/* The first @count bytes of the parts; false when they are in too many pieces. */
static bool gather(struct cw_9p_server *s, const struct cw_part *part, unsigned int n,
		   uint32_t *count, unsigned int *pieces)
{
	uint32_t left = *count;
	unsigned int i = 0;

	for (; i < n && left; i++) {
		size_t len = part[i].len < left ? part[i].len : left;

		if (i == P9_PARTS)
			return false;
		s->iov[i] = (struct iovec){ part[i].ptr, len };
		left -= (uint32_t)len;
	}
	*count -= left;
	*pieces = i;
	return true;
}

/* Fewer bytes than asked for are all there are only if then comes the end. #syscalls preadv2 */
static bool read_cached(struct cw_9p_server *s, int fd, uint64_t offset, uint32_t count,
			unsigned int pieces, uint32_t *got)
{
	struct iovec probe = { s->buf.dir, 1 };
	ssize_t r = preadv2(fd, s->iov, (int)pieces, (off_t)offset, s->at_once);

	if (r < 0)
		return false;
	*got = (uint32_t)r;
	return *got == count || preadv2(fd, &probe, 1, (off_t)(offset + *got), s->at_once) == 0;
}

static int read_now(struct cw_9p_server *s, struct p9_in *in, const struct frame *frame,
		    uint8_t *head, const struct cw_part *data, unsigned int n, uint32_t *data_len)
{
	struct p9_fid *f = p9_fid_find(s, p9_get32(in));
	struct p9_out out = { head, CW_9P_HEADER, CW_9P_HEAD_MAX, false };
	uint64_t offset = p9_get64(in);
	uint32_t count = p9_get32(in);
	unsigned int pieces;

	if (!p9_end(in) || !f || f->kind != P9_FILE || offset > INT64_MAX - CW_9P_MSIZE_MAX)
		return CW_EAGAIN;
	if (count > s->msize - CW_9P_RREAD_HEADER)
		count = s->msize - CW_9P_RREAD_HEADER;
	if (!gather(s, data, n, &count, &pieces) ||
	    !read_cached(s, f->fd, offset, count, pieces, data_len)) {
		*data_len = 0;
		return CW_EAGAIN;
	}
	p9_put32(&out, *data_len);
	put_frame(&out, out.len + *data_len, CW_9P_TREAD + 1, frame->tag);
	return (int)out.len;
}

int cw_9p_answer_now(struct cw_9p_server *s, const uint8_t *request, uint32_t len,
		     uint8_t head[CW_9P_HEAD_MAX], const struct cw_part *data, unsigned int n,
		     uint32_t *data_len)
{
	struct p9_out out = { head, CW_9P_HEADER, CW_9P_HEAD_MAX, false };
	struct p9_in in = { request, len, false };
	struct frame f = get_frame(&in);
	int err;

	*data_len = 0;
	if (!s->msize || in.bad || f.size != len)
		return CW_EAGAIN;
	if (f.type == CW_9P_TREAD)
		return read_now(s, &in, &f, head, data, n, data_len);
	if (f.type != CW_9P_TGETATTR && f.type != CW_9P_TWALK && f.type != CW_9P_TCLUNK)
		return CW_EAGAIN;
	s->export.now = true;
	err = run(s, &f, len, &in, &out);
	return err == EAGAIN ? CW_EAGAIN : (int)finish(&out, &f, err);
}
