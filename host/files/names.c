// SPDX-License-Identifier: BSD-3-Clause
/* File calls about what files are and how they are called. */
#include "priv.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

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

int files_stat(struct cw_files_server *s, struct cw_rpc_request *r)
{
	int err = files_path(s, r, 0), fd;
	struct statx st;

	if (err)
		return err;
	fd = p9_look(&s->export, s->path, &st);
	if (fd < 0)
		return -fd;
	close(fd);
	return tell(r, &st);
}

int files_fstat(struct cw_files_server *s, struct cw_rpc_request *r)
{
	struct files_file *f = files_find(s, r);
	struct statx st;
	int err = f ? p9_stat(&s->export, f->fd, &st) : -EBADF;

	return err ? -err : tell(r, &st);
}

/* ---- the tree ---- */

int files_unlink(struct cw_files_server *s, struct cw_rpc_request *r)
{
	int err = files_path(s, r, 0);

	return err ? err : p9_unlink_path(&s->export, s->path, 0);
}

int files_rmdir(struct cw_files_server *s, struct cw_rpc_request *r)
{
	int err = files_path(s, r, 0);

	return err ? err : p9_unlink_path(&s->export, s->path, AT_REMOVEDIR);
}

int files_mkdir(struct cw_files_server *s, struct cw_rpc_request *r)
{
	uint32_t mode = cw_peek32(r->args);
	int err = files_path(s, r, sizeof(struct cw_abi_files_mode));

	if (mode > 0777)
		return EINVAL;
	return err ? err : p9_make_folder(&s->export, s->path, mode & ~FILES_OTHERS_WRITE);
}

int files_rename(struct cw_files_server *s, struct cw_rpc_request *r)
{
	uint32_t skip = sizeof(struct cw_abi_files_rename), len = cw_peek32(r->args);
	int err;

	if (len > r->len - skip)
		return EINVAL;
	err = files_path_of(s->other, r->args + skip, len);
	err = err ? err : files_path(s, r, skip + len);
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

int files_list(struct cw_files_server *s, struct cw_rpc_request *r)
{
	struct files_file *f = files_find_for(s, r, CW_FILES_FOLDER);
	uint64_t offset = cw_peek64(r->args + 8);

	if (!f)
		return EBADF;
	if (offset > INT64_MAX || lseek(f->fd, (off_t)offset, SEEK_SET) < 0)
		return EINVAL;
	return list(s, r, f->fd);
}
