// SPDX-License-Identifier: BSD-3-Clause
/*
 * Reading directories. An offset is the kernel's own cookie, which it takes back or refuses; one
 * that was never given out finds nothing worse than a wrong place in the directory.
 */
#include "server.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

static uint8_t qid_type(uint8_t type)
{
	return type == DT_DIR ? CW_9P_QTDIR : type == DT_LNK ? CW_9P_QTSYMLINK : CW_9P_QTFILE;
}

/* False when it does not fit. The root's parent is nobody's business. */
static bool put_entry(const struct cw_9p_server *s, const struct p9_fid *f, struct p9_out *out,
		      const struct dirent64 *d)
{
	bool above = !f->path[0] && !strcmp(d->d_name, "..");
	uint16_t len = (uint16_t)strlen(d->d_name);

	if (CW_9P_DIRENT + len > p9_room(out))
		return false;
	p9_put8(out, qid_type(d->d_type));
	p9_put32(out, 0);
	p9_put64(out, above ? s->root_ino : d->d_ino);
	p9_put64(out, (uint64_t)d->d_off);
	p9_put8(out, d->d_type);
	p9_put_text(out, d->d_name, len);
	return true;
}

/*
 * The kernel is asked for no more than will fit, as each of its entries takes at least 6/7 of what
 * it takes in the answer; yet for enough to hold one name of any length.
 *
 * #syscalls getdents64 lseek
 */
static ssize_t get_entries(struct cw_9p_server *s, struct p9_fid *f, uint64_t offset, uint32_t room)
{
	size_t want = (size_t)room / 7 * 6;

	want = want < 288 ? 288 : want > sizeof(s->buf.dir) ? sizeof(s->buf.dir) : want;
	if ((!offset || offset != f->dir_at) && lseek(f->fd, (off_t)offset, SEEK_SET) < 0)
		return -errno;
	f->dir_at = UINT64_MAX; /* somewhere */
	want = (size_t)getdents64(f->fd, s->buf.dir, want);
	return (ssize_t)want < 0 ? -errno : (ssize_t)want;
}

static int fill(struct cw_9p_server *s, struct p9_fid *f, uint64_t offset, struct p9_out *out)
{
	ssize_t got = get_entries(s, f, offset, p9_room(out)), at = 0;
	uint32_t begin = out->len;
	const struct dirent64 *d;

	for (; at < got; at += d->d_reclen) {
		d = (const struct dirent64 *)(const void *)(s->buf.dir + at);
		if (!put_entry(s, f, out, d))
			break;
		offset = (uint64_t)d->d_off;
	}
	if (got < 0)
		return (int)-got;
	if (at == got)
		f->dir_at = offset;
	/* An answer without an entry would be the end of the directory. */
	return got && out->len == begin ? EINVAL : 0;
}

int p9_readdir(struct cw_9p_server *s, struct p9_in *in, struct p9_out *out)
{
	struct p9_fid *f = p9_fid_find(s, p9_get32(in));
	uint64_t offset = p9_get64(in);
	uint32_t count = p9_get32(in), at = out->len;
	struct p9_out data;
	int err;

	if (!p9_end(in))
		return EPROTO;
	if (!f)
		return EBADF;
	if (f->kind != P9_DIR)
		return ENOTDIR;
	if (offset > INT64_MAX)
		return EINVAL;
	p9_put32(out, 0);
	data = *out;
	if (count < p9_room(out))
		data.room = out->len + count;
	err = fill(s, f, offset, &data);
	out->len = at;
	p9_put32(out, data.len - at - 4);
	out->len = data.len;
	return err;
}
