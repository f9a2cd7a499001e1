/* SPDX-License-Identifier: BSD-3-Clause */
/* Files that a reader sees whole, old or new, whenever it looks. */
#ifndef STATUS_PAGE_PUBLISH_H
#define STATUS_PAGE_PUBLISH_H

#include <stddef.h>

/**
 * page_open - the directory to publish in, made if it is not there
 *
 * One program at a time has it. Returns a descriptor, or -1 with errno; EWOULDBLOCK: another one has it.
 */
int page_open(const char *directory);

/** page_publish - file @name becomes @data. Returns 0, or -1 with errno and the old file is what it was */
int page_publish(int directory, const char *name, const void *data, size_t len);

#endif
