// SPDX-License-Identifier: BSD-3-Clause
#include <causeway/host/fileio.h>

#include <errno.h>
#include <unistd.h>

/* #syscalls pread64 */
bool cw_read_at(int fd, void *to, uint64_t len, uint64_t at)
{
	uint8_t *p = to;

	while (len) {
		ssize_t n = pread(fd, p, len, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			errno = n ? errno : ENODATA;
			return false;
		}
		p += n;
		at += (uint64_t)n;
		len -= (uint64_t)n;
	}
	return true;
}

/* #syscalls pwrite64 */
bool cw_write_at(int fd, const void *from, uint64_t len, uint64_t at)
{
	const uint8_t *p = from;

	while (len) {
		ssize_t n = pwrite(fd, p, len, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		p += n;
		at += (uint64_t)n;
		len -= (uint64_t)n;
	}
	return true;
}
