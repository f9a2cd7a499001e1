// SPDX-License-Identifier: BSD-3-Clause
/* Disks: a file or a block device, locked against a second user that would write. */
#include "backend_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

/* A lock on the file itself: whoever uses it as a disk too looks there. Of its open file description, so
 * it ends with keeper and worker, however they end. */
static int lock(int fd, bool read_only)
{
	struct flock l = { .l_type = read_only ? F_RDLCK : F_WRLCK, .l_whence = SEEK_SET };
	unsigned int tries = 0;
	int r;

	do
		r = fcntl(fd, F_OFD_SETLK, &l);
	while (r && backend_again(&tries));
	return r;
}

static int check(int fd, const char *path, FILE *err)
{
	struct stat st;

	if (fstat(fd, &st)) {
		fprintf(err, "blk: %s: %s\n", path, strerror(errno));
		return -1;
	}
	if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode)) {
		fprintf(err, "blk: %s is neither a file nor a block device\n", path);
		return -1;
	}
	if (S_ISREG(st.st_mode) && (st.st_size < 512 || st.st_size % 512)) {
		fprintf(err,
			"blk: %s has %lld bytes, which are no whole sectors of 512; right is, for "
			"example, truncate -s 16M %s\n",
			path, (long long)st.st_size, path);
		return -1;
	}
	return 0;
}

int backend_open_blk(const struct cw_board_device *d, struct cw_backend_fds *fds, FILE *err)
{
	int flags = (d->read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;

	fds->fd[DISK_FILE] = open(d->path, flags);
	fds->fd[DISK_WAKE] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	fds->n = 2;
	if (fds->fd[DISK_FILE] < 0 || fds->fd[DISK_WAKE] < 0) {
		fprintf(err, "blk: cannot open %s: %s%s\n", d->path, strerror(errno),
			errno == EACCES && !d->read_only
				? "; read-only: true would do without writing"
				: "");
		return -1;
	}
	if (check(fds->fd[DISK_FILE], d->path, err))
		return -1;
	if (lock(fds->fd[DISK_FILE], d->read_only)) {
		fprintf(err, "blk: %s is in use as a disk already\n", d->path);
		return -1;
	}
	snprintf(fds->note[0], sizeof(fds->note[0]), "%.95s%s", d->path,
		 d->read_only ? ", read only" : "");
	return 0;
}
