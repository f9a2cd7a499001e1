// SPDX-License-Identifier: BSD-3-Clause
/* File calls that open, close and move bytes. */
#include "priv.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* ---- open, close ---- */

static struct files_file *unused(struct cw_files_server *s)
{
	for (unsigned int i = 0; i < CW_FILES_OPEN; i++)
		if (s->file[i].fd < 0)
			return &s->file[i];
	return NULL;
}

static uint32_t new_handle(struct cw_files_server *s, const struct files_file *f)
{
	s->stamp++;
	return s->stamp * CW_FILES_OPEN + (uint32_t)(f - s->file);
}

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
				       mode & ~FILES_OTHERS_WRITE, st);
	else
		fd = p9_open(&s->export, s->path, how, st);
	if (fd < 0 || !S_ISDIR(st->stx_mode) || flags & CW_FILES_FOLDER)
		return fd;
	close(fd);
	return -EISDIR;
}

int files_open(struct cw_files_server *s, struct cw_rpc_request *r)
{
	uint32_t flags = cw_peek32(r->args), mode = cw_peek32(r->args + 4);
	int err = files_path(s, r, sizeof(struct cw_abi_files_open)), fd;
	struct cw_abi_files_opened o = { 0 };
	struct files_file *f = unused(s);
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
	*f = (struct files_file){ fd, new_handle(s, f), flags };
	o.handle = cw_make_le32(f->handle);
	cw_set_le32_pair(o.size, st.stx_size);
	memcpy(r->reply, &o, sizeof(o));
	r->reply_len = sizeof(o);
	return 0;
}

int files_close(struct cw_files_server *s, struct cw_rpc_request *r)
{
	struct files_file *f = files_find(s, r);

	return f ? files_shut(f) : EBADF;
}

/* ---- bytes ---- */

/* As many as there are, or fit into the answer: none is the end. #syscalls pread64 */
int files_read(struct cw_files_server *s, struct cw_rpc_request *r)
{
	struct files_file *f = files_find_for(s, r, CW_FILES_READ);
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
static int write_all(const struct files_file *f, const uint8_t *from, uint32_t count, uint64_t *at,
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
int files_write(struct cw_files_server *s, struct cw_rpc_request *r)
{
	struct files_file *f = files_find_for(s, r, CW_FILES_WRITE);
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
int files_truncate(struct cw_files_server *s, struct cw_rpc_request *r)
{
	struct files_file *f = files_find_for(s, r, CW_FILES_WRITE);
	uint64_t size = cw_peek64(r->args + 8);

	if (!f)
		return EBADF;
	if (size > INT64_MAX)
		return EFBIG;
	return ftruncate(f->fd, (off_t)size) ? errno : 0;
}

/* #syscalls fsync */
int files_sync(struct cw_files_server *s, struct cw_rpc_request *r)
{
	struct files_file *f = files_find(s, r);

	if (!f)
		return EBADF;
	return fsync(f->fd) ? errno : 0;
}
