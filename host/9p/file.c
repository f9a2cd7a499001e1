// SPDX-License-Identifier: BSD-3-Clause
/* Messages that open, create, read and write regular files; directories are opened here too. */
#include "server.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define IGNORED                                                                             \
	(CW_9P_O_CREAT | CW_9P_O_EXCL | CW_9P_O_NOCTTY | CW_9P_O_NONBLOCK | CW_9P_O_ASYNC | \
	 CW_9P_O_DIRECT | CW_9P_O_LARGEFILE | CW_9P_O_NOFOLLOW | CW_9P_O_NOATIME |          \
	 CW_9P_O_CLOEXEC)

/* Linux's flags for those of a message; false when there are some that nobody knows. */
static bool translate(uint32_t wire, int *flags)
{
	static const struct {
		uint32_t wire;
		int flag;
	} table[] = {
		{ CW_9P_O_TRUNC, O_TRUNC },	    { CW_9P_O_APPEND, O_APPEND },
		{ CW_9P_O_DSYNC, O_DSYNC },	    { CW_9P_O_SYNC, O_SYNC },
		{ CW_9P_O_DIRECTORY, O_DIRECTORY },
	};
	static const int access[] = { O_RDONLY, O_WRONLY, O_RDWR };
	uint32_t rest = wire & ~(IGNORED | CW_9P_O_ACCESS);

	if ((wire & CW_9P_O_ACCESS) > 2)
		return false;
	*flags = access[wire & CW_9P_O_ACCESS];
	for (unsigned int i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (wire & table[i].wire) {
			*flags |= table[i].flag;
			rest &= ~table[i].wire;
		}
	return !rest;
}

static void put_opened(const struct cw_9p_server *s, struct p9_out *out, const struct statx *st)
{
	p9_put_qid(s, out, st);
	p9_put32(out, 0); /* iounit: whatever fits into a message */
}

int p9_lopen(struct cw_9p_server *s, struct p9_in *in, struct p9_out *out)
{
	struct p9_fid *f = p9_fid_find(s, p9_get32(in));
	uint32_t wire = p9_get32(in);
	struct statx st;
	int flags, fd;

	if (!p9_end(in))
		return EPROTO;
	if (!f)
		return EBADF;
	if (f->kind != P9_PATH || !translate(wire, &flags))
		return EINVAL;
	if (s->export.read_only && flags & (O_ACCMODE | O_TRUNC | O_APPEND))
		return EROFS;
	if (s->open == CW_9P_OPEN_MAX)
		return EMFILE;
	fd = p9_open(&s->export, f->path, flags, &st);
	if (fd < 0)
		return -fd;
	p9_fid_opened(s, f, fd, flags, &st);
	put_opened(s, out, &st);
	return 0;
}

int p9_lcreate(struct cw_9p_server *s, struct p9_in *in, struct p9_out *out)
{
	struct p9_fid *f = p9_fid_find(s, p9_get32(in));
	struct p9_text text = p9_get_text(in);
	uint32_t wire = p9_get32(in), mode = p9_get32(in);
	char name[CW_9P_NAME_MAX + 1];
	struct statx st;
	int flags, fd, err;

	p9_get32(in); /* gid: a file belongs to the worker's user and group */
	if (!p9_end(in))
		return EPROTO;
	if (!f)
		return EBADF;
	if (f->kind != P9_PATH || !translate(wire, &flags))
		return EINVAL;
	err = p9_name(&text, name);
	if (!err)
		err = p9_join(s->path, f->path, name);
	if (!err && s->open == CW_9P_OPEN_MAX)
		err = EMFILE;
	if (err)
		return err;
	fd = p9_create_or_open(&s->export, s->path, flags, wire & CW_9P_O_EXCL, mode, &st);
	if (fd < 0)
		return -fd;
	strcpy(f->path, s->path);
	p9_fid_opened(s, f, fd, flags, &st);
	put_opened(s, out, &st);
	return 0;
}

/* #syscalls pread64 */
static int read_file(const struct p9_fid *f, uint64_t offset, uint32_t count, struct p9_out *out)
{
	ssize_t got;

	do
		got = pread(f->fd, out->buf + out->len + 4, count, (off_t)offset);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return errno;
	p9_put32(out, (uint32_t)got);
	out->len += (uint32_t)got;
	return 0;
}

int p9_read(struct cw_9p_server *s, struct p9_in *in, struct p9_out *out)
{
	struct p9_fid *f = p9_fid_find(s, p9_get32(in));
	uint64_t offset = p9_get64(in);
	uint32_t count = p9_get32(in);

	if (!p9_end(in))
		return EPROTO;
	if (!f)
		return EBADF;
	if (offset > INT64_MAX)
		return EINVAL;
	if (count > p9_room(out) - 4)
		count = p9_room(out) - 4;
	switch (f->kind) {
	case P9_FILE:
		return read_file(f, offset, count, out);
	case P9_XATTR_READ:
		offset = offset < f->xattr->have ? offset : f->xattr->have;
		if (count > f->xattr->have - offset)
			count = f->xattr->have - (uint32_t)offset;
		p9_put32(out, count);
		p9_put_bytes(out, f->xattr->data + offset, count);
		return 0;
	case P9_DIR:
		return EISDIR;
	default:
		return EBADF;
	}
}

static int write_xattr(struct p9_xattr *x, uint64_t offset, const struct p9_in *data)
{
	if (offset != x->have || data->left > x->size - x->have)
		return EINVAL;
	memcpy(x->data + x->have, data->at, data->left);
	x->have += data->left;
	return 0;
}

/* #syscalls pwrite64 */
int p9_write(struct cw_9p_server *s, struct p9_in *in, struct p9_out *out)
{
	struct p9_fid *f = p9_fid_find(s, p9_get32(in));
	uint64_t offset = p9_get64(in);
	uint32_t count = p9_get32(in);
	ssize_t done = count;
	int err = 0;

	if (in->bad || in->left != count)
		return EPROTO;
	if (!f || (f->kind != P9_FILE && f->kind != P9_XATTR_WRITE))
		return EBADF;
	if (offset > INT64_MAX)
		return EINVAL;
	if (f->kind == P9_XATTR_WRITE)
		err = write_xattr(f->xattr, offset, in);
	else
		do
			done = pwrite(f->fd, in->at, count, (off_t)offset);
		while (done < 0 && errno == EINTR);
	if (done < 0)
		err = errno;
	p9_put32(out, (uint32_t)done);
	return err;
}

/* #syscalls fsync fdatasync */
int p9_fsync(struct cw_9p_server *s, struct p9_in *in, struct p9_out *out)
{
	struct p9_fid *f = p9_fid_find(s, p9_get32(in));
	bool data = in->left && p9_get32(in); /* older clients do not say which */

	(void)out;
	if (!p9_end(in))
		return EPROTO;
	if (!f || f->fd < 0)
		return EBADF;
	return (data ? fdatasync(f->fd) : fsync(f->fd)) ? errno : 0;
}
