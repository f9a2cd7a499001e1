// SPDX-License-Identifier: BSD-3-Clause
/*
 * Files for calls.
 *
 * Theory of operation: cw_files_run() finds a method's function in a table and translates whatever errno
 * that returns. A path is put together anew from parts that were checked one by one, and only
 * host/9p/open.c makes a descriptor of it. A handle is the place in a table of 32 and a stamp, so that one
 * that was closed is known as such. There are no positions: reading and writing say where.
 */
#include "../9p/export.h"

#include <causeway/core/bytes.h>
#include <causeway/core/err.h>
#include <causeway/host/files.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define OTHERS_WRITE 022u
#define DIR_BUFFER   4096u

struct file {
	int fd; /* -1: free */
	uint32_t handle, flags;
};

struct cw_files_server {
	struct p9_export export;
	struct file file[CW_FILES_OPEN];
	uint32_t session, stamp;
	char path[CW_9P_PATH_MAX], other[CW_9P_PATH_MAX];
	union {
		uint8_t bytes[DIR_BUFFER];
		uint64_t align;
	} dir;
};

/* ---- errors ---- */

static int32_t translate(int error)
{
	static const struct {
		int error;
		int32_t status;
	} table[] = {
		{ ENOENT, CW_FILES_ENOENT },	   { EACCES, CW_FILES_EACCES },
		{ EPERM, CW_FILES_EACCES },	   { EEXIST, CW_FILES_EEXIST },
		{ ENOTDIR, CW_FILES_ENOTDIR },	   { EISDIR, CW_FILES_EISDIR },
		{ EINVAL, CW_FILES_EINVAL },	   { EMFILE, CW_FILES_EMFILE },
		{ ENFILE, CW_FILES_EMFILE },	   { EFBIG, CW_FILES_EFBIG },
		{ ENOSPC, CW_FILES_ENOSPC },	   { EDQUOT, CW_FILES_ENOSPC },
		{ EROFS, CW_FILES_EROFS },	   { ENAMETOOLONG, CW_FILES_ENAMETOOLONG },
		{ ENOTEMPTY, CW_FILES_ENOTEMPTY }, { ELOOP, CW_FILES_ELOOP },
		{ EXDEV, CW_FILES_EXDEV },	   { EBUSY, CW_FILES_EBUSY },
		{ ETXTBSY, CW_FILES_EBUSY },	   { EBADF, CW_FILES_EBADF },
		{ ENOMEM, CW_FILES_ENOMEM },	   { EOPNOTSUPP, CW_FILES_ENOTSUP },
	};

	for (size_t i = 0; error && i < sizeof(table) / sizeof(table[0]); i++)
		if (table[i].error == error)
			return table[i].status;
	return error ? CW_FILES_EIO : 0;
}

/* ---- paths ---- */

/* Slashes at either end and parts that are empty or "." mean nothing; ".." is refused. */
static int path_of(char path[CW_9P_PATH_MAX], const uint8_t *from, uint32_t len)
{
	char name[CW_9P_NAME_MAX + 1];
	uint32_t n;
	int err = 0;

	*path = '\0';
	for (uint32_t i = 0; !err && i < len; i += n + 1) {
		struct p9_text part = { (const char *)from + i, 0 };

		for (n = 0; i + n < len && from[i + n] != '/'; n++)
			;
		if (!n || (n == 1 && from[i] == '.'))
			continue;
		part.len = n < UINT16_MAX ? (uint16_t)n : UINT16_MAX;
		err = p9_name(&part, name);
		err = err ? err : p9_join(path, path, name);
	}
	return err || len ? err : ENOENT;
}

/* The path that is all of the call behind @skip bytes. */
static int only_path(struct cw_files_server *s, const struct cw_rpc_request *r, uint32_t skip)
{
	return path_of(s->path, r->args + skip, r->len - skip);
}

/* ---- handles ---- */

static struct file *unused(struct cw_files_server *s)
{
	for (unsigned int i = 0; i < CW_FILES_OPEN; i++)
		if (s->file[i].fd < 0)
			return &s->file[i];
	return NULL;
}

static uint32_t new_handle(struct cw_files_server *s, const struct file *f)
{
	s->stamp++;
	return s->stamp * CW_FILES_OPEN + (uint32_t)(f - s->file);
}

static struct file *find(struct cw_files_server *s, const struct cw_rpc_request *r)
{
	uint32_t handle = cw_peek32(r->args);
	struct file *f = &s->file[handle % CW_FILES_OPEN];

	return f->fd >= 0 && f->handle == handle ? f : NULL;
}

/* The file if it was opened for all of @flags. */
static struct file *find_for(struct cw_files_server *s, const struct cw_rpc_request *r,
			     uint32_t flags)
{
	struct file *f = find(s, r);

	return f && (f->flags & flags) == flags ? f : NULL;
}

/* #syscalls close */
static int close_file(struct file *f)
{
	int err = close(f->fd) && errno != EINTR ? errno : 0;

	f->fd = -1; /* gone in any case */
	return err;
}

/* ---- open, close ---- */

static bool flags_fit(uint32_t flags)
{
	uint32_t writing = CW_FILES_TRUNCATE | CW_FILES_APPEND;

	if (flags & ~CW_FILES_FLAGS || !(flags & (CW_FILES_READ | CW_FILES_WRITE)))
		return false;
	if (flags & CW_FILES_FOLDER && flags != (CW_FILES_FOLDER | CW_FILES_READ))
		return false;
	if (flags & writing && !(flags & CW_FILES_WRITE))
		return false;
	return !(flags & CW_FILES_EXCLUSIVE) || flags & CW_FILES_CREATE;
}

static int linux_flags(uint32_t flags)
{
	int how = !(flags & CW_FILES_WRITE) ? O_RDONLY : flags & CW_FILES_READ ? O_RDWR : O_WRONLY;

	how |= flags & CW_FILES_TRUNCATE ? O_TRUNC : 0;
	how |= flags & CW_FILES_APPEND ? O_APPEND : 0;
	how |= flags & CW_FILES_SYNC ? O_SYNC : 0;
	return how | (flags & CW_FILES_FOLDER ? O_DIRECTORY : 0);
}

static int open_fd(struct cw_files_server *s, uint32_t flags, uint32_t mode, struct statx *st)
{
	int how = linux_flags(flags), fd;

	if (flags & CW_FILES_CREATE)
		fd = p9_create_or_open(&s->export, s->path, how, flags & CW_FILES_EXCLUSIVE,
				       mode & ~OTHERS_WRITE, st);
	else
		fd = p9_open(&s->export, s->path, how, st);
	if (fd < 0 || !S_ISDIR(st->stx_mode) || flags & CW_FILES_FOLDER)
		return fd;
	close(fd);
	return -EISDIR;
}

static int m_open(struct cw_files_server *s, struct cw_rpc_request *r)
{
	uint32_t flags = cw_peek32(r->args), mode = cw_peek32(r->args + 4);
	int err = only_path(s, r, sizeof(struct cw_abi_files_open)), fd;
	struct cw_abi_files_opened o = { 0 };
	struct file *f = unused(s);
	struct statx st;

	if (!flags_fit(flags) || mode > 0777)
		return EINVAL;
	if (err)
		return err;
	if (s->export.read_only && flags & ~(CW_FILES_READ | CW_FILES_FOLDER | CW_FILES_SYNC))
		return EROFS;
	if (!f)
		return EMFILE;
	fd = open_fd(s, flags, mode, &st);
	if (fd < 0)
		return -fd;
	*f = (struct file){ fd, new_handle(s, f), flags };
	o.handle = cw_make_le32(f->handle);
	cw_set_le32_pair(o.size, st.stx_size);
	memcpy(r->reply, &o, sizeof(o));
	r->reply_len = sizeof(o);
	return 0;
}

static int m_close(struct cw_files_server *s, struct cw_rpc_request *r)
{
	struct file *f = find(s, r);

	return f ? close_file(f) : EBADF;
}

/* ---- bytes ---- */

/* As many as there are, or fit into the answer: none is the end. #syscalls pread64 */
static int m_read(struct cw_files_server *s, struct cw_rpc_request *r)
{
	struct file *f = find_for(s, r, CW_FILES_READ);
	uint32_t count = cw_peek32(r->args + 4);
	uint64_t offset = cw_peek64(r->args + 8);

	if (!f)
		return EBADF;
	if (f->flags & CW_FILES_FOLDER)
		return EISDIR;
	if (offset > INT64_MAX)
		return EINVAL;
	count = count < r->room ? count : r->room;
	if (count > INT64_MAX - offset)
		count = (uint32_t)(INT64_MAX - offset);
	while (r->reply_len < count) {
		ssize_t got = pread(f->fd, r->reply + r->reply_len, count - r->reply_len,
				    (off_t)(offset + r->reply_len));

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return errno;
		if (!got)
			break;
		r->reply_len += (uint32_t)got;
	}
	return 0;
}

/* #syscalls pwrite64 write lseek */
static int write_all(const struct file *f, const uint8_t *from, uint32_t count, uint64_t *at,
		     uint32_t *done)
{
	bool append = f->flags & CW_FILES_APPEND;

	while (*done < count) {
		ssize_t n = append ? write(f->fd, from + *done, count - *done)
				   : pwrite(f->fd, from + *done, count - *done, (off_t)*at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? errno : EIO;
		*done += (uint32_t)n;
		*at = append ? (uint64_t)lseek(f->fd, 0, SEEK_CUR) : *at + (uint64_t)n;
	}
	return 0;
}

/* What was written is told with an error too. */
static int m_write(struct cw_files_server *s, struct cw_rpc_request *r)
{
	struct file *f = find_for(s, r, CW_FILES_WRITE);
	uint32_t count = cw_peek32(r->args + 4), done = 0;
	uint64_t at = cw_peek64(r->args + 8);
	struct cw_abi_files_written w = { 0 };
	int err;

	if (count != r->len - sizeof(struct cw_abi_files_io))
		return EINVAL;
	if (!f)
		return EBADF;
	if (at > (uint64_t)INT64_MAX - count)
		return EFBIG;
	err = write_all(f, r->args + sizeof(struct cw_abi_files_io), count, &at, &done);
	w.count = cw_make_le32(done);
	cw_set_le32_pair(w.end, at);
	memcpy(r->reply, &w, sizeof(w));
	r->reply_len = sizeof(w);
	return err;
}

/* #syscalls ftruncate */
static int m_truncate(struct cw_files_server *s, struct cw_rpc_request *r)
{
	struct file *f = find_for(s, r, CW_FILES_WRITE);
	uint64_t size = cw_peek64(r->args + 8);

	if (!f)
		return EBADF;
	if (size > INT64_MAX)
		return EFBIG;
	return ftruncate(f->fd, (off_t)size) ? errno : 0;
}

/* #syscalls fsync */
static int m_sync(struct cw_files_server *s, struct cw_rpc_request *r)
{
	struct file *f = find(s, r);

	if (!f)
		return EBADF;
	return fsync(f->fd) ? errno : 0;
}

/* ---- what a file is ---- */

static uint32_t type_of(uint32_t mode)
{
	return S_ISREG(mode)   ? CW_FILES_TYPE_FILE
	       : S_ISDIR(mode) ? CW_FILES_TYPE_FOLDER
	       : S_ISLNK(mode) ? CW_FILES_TYPE_LINK
			       : CW_FILES_TYPE_OTHER;
}

static int tell(struct cw_rpc_request *r, const struct statx *st)
{
	struct cw_abi_files_stat s = { .type = cw_make_le32(type_of(st->stx_mode)),
				       .mode = cw_make_le32(st->stx_mode & 0777),
				       .mtime_ns = cw_make_le32(st->stx_mtime.tv_nsec),
				       .links = cw_make_le32(st->stx_nlink) };

	cw_set_le32_pair(s.size, st->stx_size);
	cw_set_le32_pair(s.mtime, (uint64_t)st->stx_mtime.tv_sec);
	cw_set_le32_pair(s.id, st->stx_ino);
	memcpy(r->reply, &s, sizeof(s));
	r->reply_len = sizeof(s);
	return 0;
}

static int m_stat(struct cw_files_server *s, struct cw_rpc_request *r)
{
	int err = only_path(s, r, 0), fd;
	struct statx st;

	if (err)
		return err;
	fd = p9_look(&s->export, s->path, &st);
	if (fd < 0)
		return -fd;
	close(fd);
	return tell(r, &st);
}

static int m_fstat(struct cw_files_server *s, struct cw_rpc_request *r)
{
	struct file *f = find(s, r);
	struct statx st;
	int err = f ? p9_stat(&s->export, f->fd, &st) : -EBADF;

	return err ? -err : tell(r, &st);
}

/* ---- the tree ---- */

static int m_unlink(struct cw_files_server *s, struct cw_rpc_request *r)
{
	int err = only_path(s, r, 0);

	return err ? err : p9_unlink_path(&s->export, s->path, 0);
}

static int m_rmdir(struct cw_files_server *s, struct cw_rpc_request *r)
{
	int err = only_path(s, r, 0);

	return err ? err : p9_unlink_path(&s->export, s->path, AT_REMOVEDIR);
}

static int m_mkdir(struct cw_files_server *s, struct cw_rpc_request *r)
{
	uint32_t mode = cw_peek32(r->args);
	int err = only_path(s, r, sizeof(struct cw_abi_files_mode));

	if (mode > 0777)
		return EINVAL;
	return err ? err : p9_make_folder(&s->export, s->path, mode & ~OTHERS_WRITE);
}

static int m_rename(struct cw_files_server *s, struct cw_rpc_request *r)
{
	uint32_t skip = sizeof(struct cw_abi_files_rename), len = cw_peek32(r->args);
	int err;

	if (len > r->len - skip)
		return EINVAL;
	err = path_of(s->other, r->args + skip, len);
	err = err ? err : only_path(s, r, skip + len);
	return err ? err : p9_rename_path(&s->export, s->other, s->path);
}

/* ---- folders ---- */

/* False when it does not fit. */
static bool put_entry(struct cw_rpc_request *r, const struct dirent64 *d)
{
	size_t len = strlen(d->d_name);
	uint8_t *to = r->reply + r->reply_len;

	if (!strcmp(d->d_name, ".") || !strcmp(d->d_name, ".."))
		return true;
	if (CW_FILES_ENTRY + len > r->room - r->reply_len)
		return false;
	cw_poke64(to, (uint64_t)d->d_off);
	to[8] = (uint8_t)type_of((uint32_t)d->d_type << 12);
	to[9] = (uint8_t)len;
	memcpy(to + CW_FILES_ENTRY, d->d_name, len);
	r->reply_len += CW_FILES_ENTRY + (uint32_t)len;
	return true;
}

/* As many as fit, of what the kernel gives at once, unless that is nothing to tell. #syscalls getdents64 */
static int list(struct cw_files_server *s, struct cw_rpc_request *r, int fd)
{
	ssize_t got = 1;

	while (got > 0 && !r->reply_len) {
		got = getdents64(fd, s->dir.bytes, sizeof(s->dir.bytes));
		for (ssize_t at = 0; at < got;) {
			const struct dirent64 *d =
				(const struct dirent64 *)(const void *)(s->dir.bytes + at);

			if (!put_entry(r, d))
				return r->reply_len ? 0 : EINVAL;
			at += d->d_reclen;
		}
	}
	return got < 0 ? errno : 0;
}

static int m_list(struct cw_files_server *s, struct cw_rpc_request *r)
{
	struct file *f = find_for(s, r, CW_FILES_FOLDER);
	uint64_t offset = cw_peek64(r->args + 8);

	if (!f)
		return EBADF;
	if (offset > INT64_MAX || lseek(f->fd, (off_t)offset, SEEK_SET) < 0)
		return EINVAL;
	return list(s, r, f->fd);
}

/* ---- calls ---- */

static const struct {
	int (*run)(struct cw_files_server *s, struct cw_rpc_request *r);
	uint8_t least, room; /* bytes of the call, and of its answer */
	bool exact;	     /* no more than that */
	bool changes;	     /* the tree: refused when it is read only */
} methods[] = {
	[CW_FILES_M_OPEN] = { m_open, 8, 16, false, false },
	[CW_FILES_M_CLOSE] = { m_close, 4, 0, true, false },
	[CW_FILES_M_READ] = { m_read, 16, 0, true, false },
	[CW_FILES_M_WRITE] = { m_write, 16, 16, false, true },
	[CW_FILES_M_STAT] = { m_stat, 0, 40, false, false },
	[CW_FILES_M_FSTAT] = { m_fstat, 4, 40, true, false },
	[CW_FILES_M_UNLINK] = { m_unlink, 0, 0, false, true },
	[CW_FILES_M_RENAME] = { m_rename, 4, 0, false, true },
	[CW_FILES_M_MKDIR] = { m_mkdir, 4, 0, false, true },
	[CW_FILES_M_RMDIR] = { m_rmdir, 0, 0, false, true },
	[CW_FILES_M_TRUNCATE] = { m_truncate, 16, 0, true, true },
	[CW_FILES_M_SYNC] = { m_sync, 4, 0, true, false },
	[CW_FILES_M_LIST] = { m_list, 16, 0, true, false },
};

int32_t cw_files_run(struct cw_files_server *s, struct cw_rpc_request *r)
{
	unsigned int m = r->method;

	if (r->session != s->session)
		cw_files_reset(s);
	s->session = r->session;
	r->reply_len = 0;
	if (m >= sizeof(methods) / sizeof(methods[0]) || !methods[m].run)
		return CW_ENOTSUP;
	if (r->len < methods[m].least || (methods[m].exact && r->len > methods[m].least) ||
	    r->room < methods[m].room)
		return CW_EBADLEN;
	if (methods[m].changes && s->export.read_only)
		return CW_FILES_EROFS;
	return translate(methods[m].run(s, r));
}

/* ---- the whole ---- */

struct cw_files_server *cw_files_create(int root, bool read_only)
{
	struct cw_files_server *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->export.root = root;
	s->export.read_only = read_only;
	for (unsigned int i = 0; i < CW_FILES_OPEN; i++)
		s->file[i].fd = -1;
	return s;
}

uint32_t cw_files_session(const struct cw_files_server *s)
{
	return s->session;
}

void cw_files_reset(struct cw_files_server *s)
{
	s->session = 0;
	for (unsigned int i = 0; i < CW_FILES_OPEN; i++)
		if (s->file[i].fd >= 0)
			close_file(&s->file[i]);
}

void cw_files_free(struct cw_files_server *s)
{
	if (!s)
		return;
	cw_files_reset(s);
	free(s);
}
