// SPDX-License-Identifier: BSD-3-Clause
#include "publish.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * Whoever serves the files is another user, so the modes of what is made here are not the umask's to choose; that of a
 * directory that was there is its owner's.
 */
int page_open(const char *directory)
{
	bool ours = !mkdir(directory, 0755);
	int fd, err;

	if (!ours && errno != EEXIST)
		return -1;
	fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0 && ((ours && fchmod(fd, 0755)) || flock(fd, LOCK_EX | LOCK_NB))) {
		err = errno;
		close(fd);
		errno = err;
		return -1;
	}
	return fd;
}

static int write_all(int fd, const char *p, size_t len)
{
	while (len) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

static int fill(int directory, const char *name, const void *data, size_t len)
{
	int fd = openat(directory, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC,
			0644);
	int r;

	if (fd < 0)
		return -1;
	r = fchmod(fd, 0644) || write_all(fd, data, len) ? -1 : 0;
	if (close(fd))
		r = -1;
	return r;
}

int page_publish(int directory, const char *name, const void *data, size_t len)
{
	char temporary[64];
	int err;

	snprintf(temporary, sizeof(temporary), ".%s.tmp", name);
	if (!fill(directory, temporary, data, len) &&
	    !renameat(directory, temporary, directory, name))
		return 0;
	err = errno;
	unlinkat(directory, temporary, 0);
	errno = err;
	return -1;
}
