// SPDX-License-Identifier: BSD-3-Clause
/*
 * What picolibc asks of a system, so that fopen() and its like open files of Linux.
 *
 * Theory of operation: a descriptor is the place of a file in a table; 0 to 2 are the UART, to which can only be
 * written. Calls wait for the other side with one deadline for all, and end with errno. A firmware on a
 * machine without a libc of its own links this; on Linux fopen() is Linux's.
 *
 * Context: the main loop, and not a callback of the channel.
 */
#include "fcalls.h"

#include <causeway/core/err.h>
#include <causeway/port/machine.h>

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef O_DSYNC /* picolibc's knows one of them alone */
#define O_DSYNC O_SYNC
#endif

#define TIMEOUT_US 10000000u
#define FILES	   8
#define FIRST	   3	 /* descriptor */
#define HEAP	   16384 /* for the buffers of FILE */

static struct {
	struct cw_rfile f;
	int used;
} table[FILES];

/* ---- what is there from the beginning ---- */

static int put(char c, FILE *f)
{
	(void)f;
	cw_machine_uart(&c, 1);
	return (unsigned char)c;
}

static FILE uart = FDEV_SETUP_STREAM(put, NULL, NULL, _FDEV_SETUP_WRITE);

FILE *const stdin = &uart;
FILE *const stdout = &uart;
FILE *const stderr = &uart;

/* ---- errors ---- */

static int number(int err)
{
	static const uint8_t of_files[CW_FILES_ERRORS] = {
		[CW_FILES_EIO] = EIO,
		[CW_FILES_ENOENT] = ENOENT,
		[CW_FILES_EACCES] = EACCES,
		[CW_FILES_EEXIST] = EEXIST,
		[CW_FILES_ENOTDIR] = ENOTDIR,
		[CW_FILES_EISDIR] = EISDIR,
		[CW_FILES_EINVAL] = EINVAL,
		[CW_FILES_EMFILE] = EMFILE,
		[CW_FILES_EFBIG] = EFBIG,
		[CW_FILES_ENOSPC] = ENOSPC,
		[CW_FILES_EROFS] = EROFS,
		[CW_FILES_ENAMETOOLONG] = ENAMETOOLONG,
		[CW_FILES_ENOTEMPTY] = ENOTEMPTY,
		[CW_FILES_ELOOP] = ELOOP,
		[CW_FILES_EXDEV] = EXDEV,
		[CW_FILES_EBUSY] = EBUSY,
		[CW_FILES_EBADF] = EBADF,
		[CW_FILES_ENOMEM] = ENOMEM,
		[CW_FILES_ENOTSUP] = ENOTSUP,
	};
	int32_t exact = fcalls_files()->error;

	if (exact > 0 && exact < CW_FILES_ERRORS)
		return of_files[exact];
	return err == CW_ETIMEDOUT ? ETIMEDOUT
	       : err == CW_ERESET  ? ECONNRESET
	       : err == CW_EDOWN   ? ENXIO
	       : err == CW_EINVAL  ? EINVAL
	       : err == CW_EAGAIN  ? EAGAIN
				   : EIO;
}

/* -1 with errno, or what was done. */
static int64_t result(int64_t got)
{
	if (got >= 0)
		return got;
	errno = number((int)got);
	return -1;
}

/* ---- descriptors ---- */

static struct cw_rfile *file(int fd)
{
	if (fd >= FIRST && fd < FIRST + FILES && table[fd - FIRST].used)
		return &table[fd - FIRST].f;
	errno = EBADF;
	return NULL;
}

static uint32_t flags_of(int how)
{
	uint32_t flags = (how & O_ACCMODE) == O_RDONLY	 ? CW_FILES_READ
			 : (how & O_ACCMODE) == O_WRONLY ? CW_FILES_WRITE
							 : CW_FILES_READ | CW_FILES_WRITE;

	flags |= how & O_CREAT ? CW_FILES_CREATE : 0;
	flags |= how & O_EXCL ? CW_FILES_EXCLUSIVE : 0;
	flags |= how & O_TRUNC ? CW_FILES_TRUNCATE : 0;
	flags |= how & (O_SYNC | O_DSYNC) ? CW_FILES_SYNC : 0;
	return flags | (how & O_APPEND ? CW_FILES_APPEND : 0);
}

int open(const char *path, int how, ...)
{
	uint32_t mode = 0;
	int err, i = 0;
	va_list ap;

	if (how & O_CREAT) {
		va_start(ap, how);
		mode = (uint32_t)va_arg(ap, mode_t) & 0777;
		va_end(ap);
	}
	while (i < FILES && table[i].used)
		i++;
	if (i == FILES) {
		errno = EMFILE;
		return -1;
	}
	err = cw_rfile_open(fcalls_files(), &table[i].f, path, flags_of(how), mode, TIMEOUT_US);
	if (err)
		return (int)result(err);
	table[i].used = 1;
	return FIRST + i;
}

int close(int fd)
{
	struct cw_rfile *f = file(fd);

	if (!f)
		return -1;
	table[fd - FIRST].used = 0;
	return (int)result(cw_rfile_close(f, TIMEOUT_US));
}

static uint32_t most(size_t len)
{
	return len < INT32_MAX ? (uint32_t)len : INT32_MAX;
}

ssize_t read(int fd, void *buf, size_t len)
{
	struct cw_rfile *f = fd < FIRST ? NULL : file(fd);

	if (fd >= 0 && fd < FIRST)
		return 0;
	return f ? (ssize_t)result(cw_rfile_read(f, buf, most(len), TIMEOUT_US)) : -1;
}

ssize_t write(int fd, const void *buf, size_t len)
{
	struct cw_rfile *f = fd < FIRST ? NULL : file(fd);

	if (fd >= 0 && fd < FIRST) {
		cw_machine_uart(buf, len);
		return (ssize_t)len;
	}
	return f ? (ssize_t)result(cw_rfile_write(f, buf, most(len), TIMEOUT_US)) : -1;
}

/* Where off_t has 32 bits a position behind them cannot be told, so it is not taken either. */
off_t lseek(int fd, off_t offset, int whence)
{
	struct cw_rfile *f = file(fd);
	uint64_t before = f ? f->position : 0;
	int64_t at = f ? cw_rfile_seek(f, offset, whence, TIMEOUT_US) : -1;

	if (!f)
		return -1;
	if (at > 0 && at != (off_t)at) {
		f->position = before;
		errno = EOVERFLOW;
		return -1;
	}
	return (off_t)result(at);
}

/* ---- what files are ---- */

static int tell(int err, const struct cw_rfile_stat *from, struct stat *st)
{
	static const mode_t type[] = { 0, S_IFREG, S_IFDIR, S_IFLNK, 0 };

	if (err)
		return (int)result(err);
	if (from->size != (uint64_t)(off_t)from->size) {
		errno = EOVERFLOW;
		return -1;
	}
	memset(st, 0, sizeof(*st));
	st->st_mode = type[from->type < 4 ? from->type : 4] | (mode_t)from->mode;
	st->st_size = (off_t)from->size;
	st->st_nlink = (nlink_t)from->links;
	st->st_ino = (ino_t)from->id;
	st->st_mtime = (time_t)from->mtime;
	st->st_blksize = 512;
	return 0;
}

int fstat(int fd, struct stat *st)
{
	struct cw_rfile *f = fd < FIRST ? NULL : file(fd);
	struct cw_rfile_stat s = { 0 };

	if (fd >= 0 && fd < FIRST) {
		memset(st, 0, sizeof(*st));
		st->st_mode = S_IFCHR | 0222;
		return 0;
	}
	return f ? tell(cw_rfile_stat(f, &s, TIMEOUT_US), &s, st) : -1;
}

int stat(const char *path, struct stat *st)
{
	struct cw_rfile_stat s = { 0 };

	return tell(cw_rfiles_stat(fcalls_files(), path, &s, TIMEOUT_US), &s, st);
}

int isatty(int fd)
{
	return fd >= 0 && fd < FIRST;
}

int unlink(const char *path)
{
	return (int)result(cw_rfiles_unlink(fcalls_files(), path, TIMEOUT_US));
}

int rename(const char *from, const char *to)
{
	return (int)result(cw_rfiles_rename(fcalls_files(), from, to, TIMEOUT_US));
}

int mkdir(const char *path, mode_t mode)
{
	return (int)result(cw_rfiles_mkdir(fcalls_files(), path, mode & 0777, TIMEOUT_US));
}

int rmdir(const char *path)
{
	return (int)result(cw_rfiles_rmdir(fcalls_files(), path, TIMEOUT_US));
}

int fsync(int fd)
{
	struct cw_rfile *f = file(fd);

	return f ? (int)result(cw_rfile_sync(f, TIMEOUT_US)) : -1;
}

/* malloc()'s memory, and so that of every FILE. */
void *sbrk(ptrdiff_t more)
{
	static _Alignas(16) char heap[HEAP];
	static size_t used;
	size_t was = used;

	if (more < 0 ? (size_t)-more > used : (size_t)more > HEAP - used) {
		errno = ENOMEM;
		return (void *)-1;
	}
	used = (size_t)((ptrdiff_t)used + more);
	return heap + was;
}
