// SPDX-License-Identifier: BSD-3-Clause
/*
 * Extended attributes: those of users alone, as others decide what this system permits. One is read
 * as a whole when a fid is made for it, and written as a whole when that fid is forgotten.
 */
#include "server.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#define USER "user."

static bool is_user(const char *name)
{
	return !strncmp(name, USER, sizeof(USER) - 1) && name[sizeof(USER) - 1];
}

static struct p9_xattr *get_free(struct cw_9p_server *s)
{
	for (unsigned int i = 0; i < CW_9P_XATTRS; i++)
		if (!s->xattr[i].used)
			return &s->xattr[i];
	return NULL;
}

static int get_name(const struct p9_text *t, char name[CW_9P_NAME_MAX + 1])
{
	if (t->len > CW_9P_NAME_MAX)
		return ENAMETOOLONG;
	if (memchr(t->ptr, '\0', t->len))
		return EINVAL;
	memcpy(name, t->ptr, t->len);
	name[t->len] = '\0';
	return is_user(name) ? 0 : EOPNOTSUPP;
}

static uint32_t keep_users(char *list, size_t len)
{
	size_t kept = 0, n;

	for (size_t at = 0; at < len; at += n) {
		n = strnlen(list + at, len - at) + 1;
		if (n > len - at || !is_user(list + at))
			continue;
		memmove(list + kept, list + at, n);
		kept += n;
	}
	return (uint32_t)kept;
}

/* #syscalls fgetxattr flistxattr */
static int load(int fd, struct p9_xattr *x)
{
	ssize_t got = *x->name ? fgetxattr(fd, x->name, x->data, sizeof(x->data))
			       : flistxattr(fd, (char *)x->data, sizeof(x->data));

	if (got < 0)
		return errno;
	x->have = *x->name ? (uint32_t)got : keep_users((char *)x->data, (size_t)got);
	return 0;
}

/* Of what is open already, or of what can be opened. */
static int open_for(const struct cw_9p_server *s, const struct p9_fid *f)
{
	struct statx st;
	int fd = f->fd >= 0 ? f->fd : p9_open(&s->export, f->path, O_RDONLY, &st);

	return fd == -ELOOP || fd == -EPERM ? -EOPNOTSUPP : fd;
}

int p9_xattrwalk(struct cw_9p_server *s, struct p9_in *in, struct p9_out *out)
{
	struct p9_fid *f = p9_fid_find(s, p9_get32(in)), *new;
	uint32_t newfid = p9_get32(in);
	struct p9_text text = p9_get_text(in);
	struct p9_xattr *x = get_free(s);
	int fd, err;

	if (!p9_end(in))
		return EPROTO;
	if (!f || f->xattr || newfid == CW_9P_NOFID)
		return EBADF;
	if (p9_fid_find(s, newfid))
		return EINVAL;
	if (!x || !p9_fid_room(s))
		return ENFILE;
	x->name[0] = '\0';
	err = text.len ? get_name(&text, x->name) : 0;
	if (err)
		return err;
	fd = open_for(s, f);
	if (fd < 0)
		return -fd;
	err = load(fd, x);
	if (fd != f->fd)
		close(fd);
	if (err)
		return err;
	new = p9_fid_new(s, newfid);
	strcpy(new->path, f->path);
	new->kind = P9_XATTR_READ;
	new->xattr = x;
	x->used = true;
	p9_put64(out, x->have);
	return 0;
}

int p9_xattrcreate(struct cw_9p_server *s, struct p9_in *in, struct p9_out *out)
{
	struct p9_fid *f = p9_fid_find(s, p9_get32(in));
	struct p9_text text = p9_get_text(in);
	uint64_t size = p9_get64(in);
	uint32_t flags = p9_get32(in);
	struct p9_xattr *x = get_free(s);
	int err;

	(void)out;
	if (!p9_end(in))
		return EPROTO;
	if (!f)
		return EBADF;
	if (f->kind != P9_PATH || flags & ~(CW_9P_XATTR_CREATE | CW_9P_XATTR_REPLACE))
		return EINVAL;
	if (!x)
		return ENFILE;
	if (size > CW_9P_XATTR_MAX)
		return E2BIG;
	err = get_name(&text, x->name);
	if (err)
		return err;
	x->flags = (int)flags; /* Linux has the same two */
	x->size = (uint32_t)size;
	x->have = 0;
	x->used = true;
	f->kind = P9_XATTR_WRITE;
	f->xattr = x;
	return 0;
}

/* An attribute of no bytes is one to be removed. #syscalls fsetxattr fremovexattr */
int p9_xattr_commit(struct cw_9p_server *s, struct p9_fid *f)
{
	const struct p9_xattr *x = f->xattr;
	int fd, err;

	if (x->have != x->size)
		return EINVAL;
	fd = open_for(s, f);
	if (fd < 0)
		return -fd;
	err = x->size ? fsetxattr(fd, x->name, x->data, x->size, x->flags)
		      : fremovexattr(fd, x->name);
	err = err ? errno : 0;
	close(fd);
	return err;
}
