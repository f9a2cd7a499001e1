// SPDX-License-Identifier: BSD-3-Clause
/*
 * Files for calls.
 *
 * Theory of operation: cw_files_run() finds a method's function in a table and translates whatever errno
 * that returns. A path is put together anew from parts that were checked one by one, and only
 * host/9p/open.c makes a descriptor of it. A handle is the place in a table of 32 and a stamp, so that one
 * that was closed is known as such. There are no positions: reading and writing say where.
 */
#include "priv.h"

#include <causeway/core/err.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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
int files_path_of(char path[CW_9P_PATH_MAX], const uint8_t *from, uint32_t len)
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
int files_path(struct cw_files_server *s, const struct cw_rpc_request *r, uint32_t skip)
{
	return files_path_of(s->path, r->args + skip, r->len - skip);
}

/* ---- handles ---- */

struct files_file *files_find(struct cw_files_server *s, const struct cw_rpc_request *r)
{
	uint32_t handle = cw_peek32(r->args);
	struct files_file *f = &s->file[handle % CW_FILES_OPEN];

	return f->fd >= 0 && f->handle == handle ? f : NULL;
}

/* The file if it was opened for all of @flags. */
struct files_file *files_find_for(struct cw_files_server *s, const struct cw_rpc_request *r,
				  uint32_t flags)
{
	struct files_file *f = files_find(s, r);

	return f && (f->flags & flags) == flags ? f : NULL;
}

/* #syscalls close */
int files_shut(struct files_file *f)
{
	int err = close(f->fd) && errno != EINTR ? errno : 0;

	f->fd = -1; /* gone in any case */
	return err;
}

/* ---- calls ---- */

static const struct {
	int (*run)(struct cw_files_server *s, struct cw_rpc_request *r);
	uint8_t least, room; /* bytes of the call, and of its answer */
	bool exact;	     /* no more than that */
	bool changes;	     /* the tree: refused when it is read only */
} methods[] = {
	[CW_FILES_M_OPEN] = { files_open, 8, 16, false, false },
	[CW_FILES_M_CLOSE] = { files_close, 4, 0, true, false },
	[CW_FILES_M_READ] = { files_read, 16, 0, true, false },
	[CW_FILES_M_WRITE] = { files_write, 16, 16, false, true },
	[CW_FILES_M_STAT] = { files_stat, 0, 40, false, false },
	[CW_FILES_M_FSTAT] = { files_fstat, 4, 40, true, false },
	[CW_FILES_M_UNLINK] = { files_unlink, 0, 0, false, true },
	[CW_FILES_M_RENAME] = { files_rename, 4, 0, false, true },
	[CW_FILES_M_MKDIR] = { files_mkdir, 4, 0, false, true },
	[CW_FILES_M_RMDIR] = { files_rmdir, 0, 0, false, true },
	[CW_FILES_M_TRUNCATE] = { files_truncate, 16, 0, true, true },
	[CW_FILES_M_SYNC] = { files_sync, 4, 0, true, false },
	[CW_FILES_M_LIST] = { files_list, 16, 0, true, false },
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
			files_shut(&s->file[i]);
}

void cw_files_free(struct cw_files_server *s)
{
	if (!s)
		return;
	cw_files_reset(s);
	free(s);
}
