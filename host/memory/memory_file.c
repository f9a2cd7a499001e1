// SPDX-License-Identifier: BSD-3-Clause
/*
 * Memory in a file that others share: an emulator's RAM file, a tmpfs file of a test.
 *
 * Theory of operation: two PMMs on one region would write the same words, so a region is locked by
 * its byte range in a file FILE.lock. The lock is not on the memory file itself: whoever shares the
 * memory could take or drop it there. It belongs to the open file description, so it ends with the
 * keeper however the keeper ends, and a stale lock file means nothing. The file is removed when
 * the last range is released, which is known by getting hold of all of it.
 */
#include <causeway/host/memory.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int lock_range(int fd, short type, uint64_t start, uint64_t len)
{
	struct flock l = {
		.l_type = type, .l_whence = SEEK_SET, .l_start = (off_t)start, .l_len = (off_t)len
	};

	return fcntl(fd, F_OFD_SETLK, &l);
}

/* Whether @fd still is what @path names: its last user may have removed it before we locked. */
static bool same_file(int fd, const char *path)
{
	struct stat a, b;

	return !fstat(fd, &a) && !stat(path, &b) && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

static int lock_region(struct cw_memory *m, const char *path, FILE *err)
{
	if (asprintf(&m->lock_path, "%s.lock", path) < 0) {
		m->lock_path = NULL;
		return -1;
	}
	for (int tries = 0; tries < 100; tries++) {
		m->lock = open(m->lock_path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (m->lock < 0) {
			fprintf(err, "causeway: cannot make the lock file %s: %s\n", m->lock_path,
				strerror(errno));
			return -1;
		}
		if (lock_range(m->lock, F_WRLCK, m->offset, m->size)) {
			fprintf(err,
				"causeway: %s: bytes 0x%llx to 0x%llx belong to another PMM that "
				"runs; stop that one first (causeway status shows what runs)\n",
				path, (unsigned long long)m->offset,
				(unsigned long long)(m->offset + m->size - 1));
			return -1;
		}
		if (same_file(m->lock, m->lock_path))
			return 0;
		close(m->lock);
		m->lock = -1;
	}
	fprintf(err, "causeway: %s is removed again and again\n", m->lock_path);
	return -1;
}

static void unlock_region(struct cw_memory *m)
{
	if (m->lock >= 0) {
		if (!lock_range(m->lock, F_WRLCK, 0, 0) && same_file(m->lock, m->lock_path))
			unlink(m->lock_path);
		close(m->lock);
	}
	free(m->lock_path);
	m->lock_path = NULL;
	m->lock = -1;
}

/* A new file gets the size it needs; one that exists is somebody's, and is never resized. */
static int suffices(struct cw_memory *m, const char *path, FILE *err)
{
	uint64_t need = m->offset + m->size;
	struct stat st;

	if (!fstat(m->fd, &st) && !S_ISREG(st.st_mode)) {
		fprintf(err, "causeway: %s is no regular file\n", path);
		return -1;
	}
	if (!st.st_size && !ftruncate(m->fd, (off_t)need))
		return 0;
	if ((uint64_t)st.st_size >= need)
		return 0;
	fprintf(err, "causeway: %s has %llu bytes; offset and region need %llu\n", path,
		(unsigned long long)st.st_size, (unsigned long long)need);
	return -1;
}

static void file_close(struct cw_memory *m)
{
	unlock_region(m);
	if (m->fd >= 0)
		close(m->fd);
}

static int file_open(struct cw_memory *m, const struct cw_board_remote *r, FILE *err)
{
	m->offset = r->memory_offset;
	if (m->offset % CW_PAGE_SIZE) {
		fprintf(err, "causeway: %s: offset 0x%llx is no multiple of 4096\n", r->memory_path,
			(unsigned long long)m->offset);
		return -1;
	}
	m->fd = open(r->memory_path, O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0600);
	if (m->fd < 0)
		fprintf(err, "causeway: cannot open the memory file %s: %s\n", r->memory_path,
			strerror(errno));
	else if (!lock_region(m, r->memory_path, err) && !suffices(m, r->memory_path, err))
		return 0;
	file_close(m);
	return -1;
}

const struct cw_memory_ops cw_memory_file = {
	.name = "file",
	.kernel_may_touch = true,
	.open = file_open,
	.close = file_close,
};
