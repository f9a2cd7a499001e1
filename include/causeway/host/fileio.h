/* SPDX-License-Identifier: BSD-3-Clause */
/* Reading and writing all of something, or saying that it could not be. Any thread of the PMM. */
#ifndef CAUSEWAY_HOST_FILEIO_H
#define CAUSEWAY_HOST_FILEIO_H

#include <stdbool.h>
#include <stdint.h>

/** cw_read_at - @len bytes from offset @at; false with errno set, ENODATA when the file is shorter */
bool cw_read_at(int fd, void *to, uint64_t len, uint64_t at);

/** cw_write_at - @len bytes to offset @at; false with errno set */
bool cw_write_at(int fd, const void *from, uint64_t len, uint64_t at);

#endif
