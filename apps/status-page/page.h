/* SPDX-License-Identifier: BSD-3-Clause */
/* The files of the page, as embed.cmake puts them into the program. */
#ifndef STATUS_PAGE_PAGE_H
#define STATUS_PAGE_PAGE_H

#include <stddef.h>

struct page_file {
	const char *name;
	const unsigned char *data;
	size_t size;
};

extern const struct page_file page_files[]; /* ends with one without a name */

#endif
