// SPDX-License-Identifier: BSD-3-Clause
/*
 * Attributes. What is changed is changed through a descriptor that was opened like any other: there
 * is no call here that takes a path. So a file that can neither be read nor written cannot be given
 * another mode, and a symbolic link keeps what it was made with.
 */
#include "server.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/statfs.h>
#include <unistd.h>

/* The fid's own descriptor, or one to look by that the caller closes: *own. */
static int borrow(const struct cw_9p_server *s, const struct p9_fid *f, bool *own)
{
	*own = f->fd < 0;
	return *own ? p9_look(&s->export, f->path, NULL) : f->fd;
}

static void give_back(int fd, bool own)
{
	if (own && fd >= 0)
		close(fd);
}

/* As Linux encodes the numbers of a device in 32 bits. */
static uint64_t device_number(const struct statx *st)
{
	uint32_t major = st->stx_rdev_major, minor = st->stx_rdev_minor;

	return (minor & 0xff) | major << 8 | (minor & ~0xffu) << 12;
}

static void put_time(struct p9_out *out, const struct statx_timestamp *t)
{
	p9_put64(out, (uint64_t)t->tv_sec);
	p9_put64(out, t->tv_nsec);
}

static void put_attributes(const struct cw_9p_server *s, struct p9_out *out, uint64_t mask,
			   const struct statx *st)
{
	uint64_t have = CW_9P_GETATTR_BASIC |
			(st->stx_mask & STATX_BTIME ? CW_9P_GETATTR_BTIME : 0);

	p9_put64(out, mask & have);
	p9_put_qid(s, out, st);
	p9_put32(out, st->stx_mode);
	p9_put32(out, st->stx_uid);
	p9_put32(out, st->stx_gid);
	p9_put64(out, st->stx_nlink);
	p9_put64(out, device_number(st));
	p9_put64(out, st->stx_size);
	p9_put64(out, st->stx_blksize);
	p9_put64(out, st->stx_blocks);
	put_time(out, &st->stx_atime);
	put_time(out, &st->stx_mtime);
	put_time(out, &st->stx_ctime);
	put_time(out, &st->stx_btime);
	p9_put64(out, 0); /* generation */
	p9_put64(out, 0); /* data version */
}

int p9_getattr(struct cw_9p_server *s, struct p9_in *in, struct p9_out *out)
{
	struct p9_fid *f = p9_fid_find(s, p9_get32(in));
	uint64_t mask = p9_get64(in);
	struct statx st;
	bool own;
	int fd, r;

	if (!p9_end(in))
		return EPROTO;
	if (!f)
		return EBADF;
	fd = borrow(s, f, &own);
	if (fd < 0)
		return -fd;
	r = p9_stat(&s->export, fd, &st);
	give_back(fd, own);
	if (!r)
		put_attributes(s, out, mask, &st);
	return -r;
}

/* #syscalls fstatfs */
int p9_statfs(struct cw_9p_server *s, struct p9_in *in, struct p9_out *out)
{
	struct p9_fid *f = p9_fid_find(s, p9_get32(in));
	struct statfs sf;
	bool own;
	int fd, err;

	if (!p9_end(in))
		return EPROTO;
	if (!f)
		return EBADF;
	fd = borrow(s, f, &own);
	if (fd < 0)
		return -fd;
	err = fstatfs(fd, &sf) ? errno : 0;
	give_back(fd, own);
	if (err)
		return err;
	p9_put32(out, (uint32_t)sf.f_type);
	p9_put32(out, (uint32_t)sf.f_bsize);
	p9_put64(out, sf.f_blocks);
	p9_put64(out, sf.f_bfree);
	p9_put64(out, sf.f_bavail);
	p9_put64(out, sf.f_files);
	p9_put64(out, sf.f_ffree);
	p9_put64(out, s->root_dev);
	p9_put32(out, CW_9P_NAME_MAX);
	return 0;
}

/* #syscalls readlinkat */
int p9_readlink(struct cw_9p_server *s, struct p9_in *in, struct p9_out *out)
{
	struct p9_fid *f = p9_fid_find(s, p9_get32(in));
	struct statx st;
	ssize_t len;
	int fd, err;

	if (!p9_end(in))
		return EPROTO;
	if (!f)
		return EBADF;
	fd = p9_look(&s->export, f->path, &st);
	if (fd < 0)
		return -fd;
	len = S_ISLNK(st.stx_mode) ? readlinkat(fd, "", s->path, sizeof(s->path)) : -1;
	err = S_ISLNK(st.stx_mode) ? errno : EINVAL;
	close(fd);
	if (len < 0)
		return err;
	p9_put_text(out, s->path, (uint16_t)len);
	return 0;
}

/* ---- changing them ---- */

struct change {
	uint32_t valid, mode, uid, gid;
	uint64_t size;
	struct timespec time[2];
};

#define KNOWN                                                                              \
	(CW_9P_SETATTR_MODE | CW_9P_SETATTR_UID | CW_9P_SETATTR_GID | CW_9P_SETATTR_SIZE | \
	 CW_9P_SETATTR_ATIME | CW_9P_SETATTR_MTIME | CW_9P_SETATTR_CTIME |                 \
	 CW_9P_SETATTR_ATIME_SET | CW_9P_SETATTR_MTIME_SET)
#define BY_DESCRIPTOR                                                                       \
	(CW_9P_SETATTR_MODE | CW_9P_SETATTR_UID | CW_9P_SETATTR_GID | CW_9P_SETATTR_ATIME | \
	 CW_9P_SETATTR_MTIME)

static bool get_time(struct p9_in *in, const struct change *c, unsigned int which,
		     struct timespec *t)
{
	uint64_t sec = p9_get64(in), nsec = p9_get64(in);

	*t = (struct timespec){ 0, UTIME_OMIT };
	if (c->valid & (CW_9P_SETATTR_ATIME << which))
		*t = (struct timespec){ 0, UTIME_NOW };
	if (!(c->valid & (CW_9P_SETATTR_ATIME << which)) ||
	    !(c->valid & (CW_9P_SETATTR_ATIME_SET << which)))
		return true;
	if (nsec >= 1000000000u)
		return false;
	*t = (struct timespec){ (time_t)sec, (long)nsec };
	return true;
}

/* #syscalls fchown fchmod ftruncate utimensat */
static int apply(int fd, const struct change *c)
{
	uid_t uid = c->valid & CW_9P_SETATTR_UID ? c->uid : (uid_t)-1;
	gid_t gid = c->valid & CW_9P_SETATTR_GID ? c->gid : (gid_t)-1;

	if (c->valid & (CW_9P_SETATTR_UID | CW_9P_SETATTR_GID) && fchown(fd, uid, gid))
		return errno;
	/* Nobody becomes another user by a file that a remote made. */
	if (c->valid & CW_9P_SETATTR_MODE && fchmod(fd, c->mode & 0777))
		return errno;
	if (c->valid & CW_9P_SETATTR_SIZE && ftruncate(fd, (off_t)c->size))
		return errno;
	if (c->valid & (CW_9P_SETATTR_ATIME | CW_9P_SETATTR_MTIME) && futimens(fd, c->time))
		return errno;
	return 0;
}

static int change(const struct cw_9p_server *s, const struct p9_fid *f, const struct change *c)
{
	bool size = c->valid & CW_9P_SETATTR_SIZE;
	struct statx st;
	int fd, err;

	if (f->fd >= 0 && (!size || f->writable))
		return apply(f->fd, c);
	fd = p9_open(&s->export, f->path, size ? O_WRONLY : O_RDONLY, &st);
	if (fd == -EACCES && !size)
		fd = p9_open(&s->export, f->path, O_WRONLY, &st);
	if (fd < 0)
		return fd == -ELOOP ? EOPNOTSUPP : -fd;
	err = apply(fd, c);
	close(fd);
	return err;
}

int p9_setattr(struct cw_9p_server *s, struct p9_in *in, struct p9_out *out)
{
	struct p9_fid *f = p9_fid_find(s, p9_get32(in));
	struct change c = { .valid = p9_get32(in) };
	bool good;

	(void)out;
	c.mode = p9_get32(in);
	c.uid = p9_get32(in);
	c.gid = p9_get32(in);
	c.size = p9_get64(in);
	good = get_time(in, &c, 0, &c.time[0]);
	good &= get_time(in, &c, 1, &c.time[1]);
	if (!p9_end(in))
		return EPROTO;
	if (!f)
		return EBADF;
	if (!good || c.valid & ~KNOWN || (c.valid & CW_9P_SETATTR_SIZE && c.size > INT64_MAX))
		return EINVAL;
	return c.valid & (BY_DESCRIPTOR | CW_9P_SETATTR_SIZE) ? change(s, f, &c) : 0;
}
