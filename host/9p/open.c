// SPDX-License-Identifier: BSD-3-Clause
/*
 * Theory of operation: resolve() is the only place where a path becomes a descriptor, and it begins
 * at the root each time. The kernel refuses a step out of the root, over a symbolic link, over a
 * mount point and through /proc's magic links, at the moment of the step: so it does not matter
 * what somebody else renames meanwhile. What is to be opened is looked at first, by a descriptor
 * that opens nothing, and again afterwards: no FIFO, socket or device is ever opened in good faith.
 */
#include "server.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Linux's, whose header does not go together with that of libc before 2.37 */
#ifndef RESOLVE_CACHED
#define RESOLVE_CACHED 0x20
#endif

/* #syscalls openat2 */
static int resolve(const struct p9_export *x, const char *path, int flags, uint32_t mode)
{
	struct open_how how = {
		.flags = (uint64_t)(unsigned int)flags | O_NOFOLLOW | O_CLOEXEC,
		.mode = mode,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS |
			   RESOLVE_NO_XDEV,
	};
	long fd;

	if (x->now)
		how.resolve |= RESOLVE_CACHED;
	do
		fd = syscall(SYS_openat2, x->root, *path ? path : ".", &how, sizeof(how));
	while (fd < 0 && errno == EINTR);
	if (fd < 0 && x->now && errno == EINVAL) /* a kernel before 5.12 */
		return -EAGAIN;
	return fd < 0 ? -errno : (int)fd;
}

/* #syscalls statx */
int p9_stat(const struct p9_export *x, int fd, struct statx *st)
{
	int flags = AT_EMPTY_PATH | (x->now ? AT_STATX_DONT_SYNC : AT_STATX_SYNC_AS_STAT);

	return statx(fd, "", flags, STATX_BASIC_STATS | STATX_BTIME, st) ? -errno : 0;
}

/* #syscalls close */
static int checked(const struct p9_export *x, int fd, struct statx *st)
{
	int r = fd < 0 ? fd : p9_stat(x, fd, st);

	if (fd >= 0 && r)
		close(fd);
	return r ? r : fd;
}

int p9_look(const struct p9_export *x, const char *path, struct statx *st)
{
	int fd = resolve(x, path, O_PATH, 0);

	return st ? checked(x, fd, st) : fd;
}

static int openable(const struct statx *st)
{
	if (S_ISREG(st->stx_mode) || S_ISDIR(st->stx_mode))
		return 0;
	return S_ISLNK(st->stx_mode) ? -ELOOP : -EPERM;
}

static int open_known(const struct p9_export *x, const char *path, int flags, struct statx *st)
{
	int fd = checked(x, resolve(x, path, flags | O_NONBLOCK | O_NOCTTY, 0), st), r;

	if (fd < 0)
		return fd;
	r = openable(st);
	if (!r)
		return fd;
	close(fd);
	return r;
}

int p9_open(const struct p9_export *x, const char *path, int flags, struct statx *st)
{
	int fd = p9_look(x, path, st), r;

	if (fd < 0)
		return fd;
	close(fd);
	r = openable(st);
	if (r)
		return r;
	if (x->read_only) { /* the time of access is a change too; only an owner can prevent it */
		fd = open_known(x, path, flags | O_NOATIME, st);
		if (fd != -EPERM)
			return fd;
	}
	return open_known(x, path, flags, st);
}

int p9_create(const struct p9_export *x, const char *path, int flags, uint32_t mode)
{
	return resolve(x, path, flags | O_CREAT | O_EXCL | O_NONBLOCK | O_NOCTTY, mode & 0777);
}

int p9_create_or_open(const struct p9_export *x, const char *path, int flags, bool exclusive,
		      uint32_t mode, struct statx *st)
{
	int fd = p9_create(x, path, flags & ~O_DIRECTORY, mode);

	if (fd == -EEXIST && !exclusive)
		return p9_open(x, path, flags, st);
	return checked(x, fd, st);
}

int p9_parent(struct p9_export *x, const char *path, const char **name)
{
	static const char *const root = "";
	const char *slash = strrchr(path, '/');
	char *dir = x->parent;

	if (!*path)
		return -EBUSY;
	*name = slash ? slash + 1 : path;
	if (!slash)
		return resolve(x, root, O_PATH | O_DIRECTORY, 0);
	memcpy(dir, path, (size_t)(slash - path));
	dir[slash - path] = '\0';
	return resolve(x, dir, O_PATH | O_DIRECTORY, 0);
}

/* Numbers of inodes are unique in one file system; some have several under one mount. */
static uint64_t qid_path(const struct cw_9p_server *s, const struct statx *st)
{
	uint64_t dev = (uint64_t)st->stx_dev_major << 32 | st->stx_dev_minor;

	return st->stx_ino ^ ((dev ^ s->root_dev) * 0x9e3779b97f4a7c15ull);
}

void p9_put_qid(const struct cw_9p_server *s, struct p9_out *out, const struct statx *st)
{
	p9_put8(out, S_ISDIR(st->stx_mode)   ? CW_9P_QTDIR
		     : S_ISLNK(st->stx_mode) ? CW_9P_QTSYMLINK
					     : CW_9P_QTFILE);
	p9_put32(out, (uint32_t)st->stx_ctime.tv_sec * 1000003u ^ st->stx_ctime.tv_nsec);
	p9_put64(out, qid_path(s, st));
}

int p9_put_qid_at(const struct cw_9p_server *s, struct p9_out *out, const char *path)
{
	struct statx st;
	int fd = p9_look(&s->export, path, &st);

	if (fd < 0)
		return -fd;
	close(fd);
	p9_put_qid(s, out, &st);
	return 0;
}
