/* SPDX-License-Identifier: BSD-3-Clause */
/* What the conformance suites share: a directory of their own, and counting descriptors. */
#ifndef CAUSEWAY_TESTS_CONFORM_H
#define CAUSEWAY_TESTS_CONFORM_H

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static char conform_dir[64];

static inline void conform_begin(void)
{
	snprintf(conform_dir, sizeof(conform_dir), "/tmp/cw-conform-XXXXXX");
	assert_non_null(mkdtemp(conform_dir));
	assert_int_equal(chdir(conform_dir), 0);
}

/* Fails when a file was left behind. */
static inline void conform_end(void)
{
	assert_int_equal(chdir("/"), 0);
	if (rmdir(conform_dir))
		fail_msg("%s: something was left behind", conform_dir);
}

static inline int conform_entries(const char *path)
{
	DIR *d = opendir(path);
	int n = 0;

	assert_non_null(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

static inline int conform_fds(void)
{
	return conform_entries("/proc/self/fd");
}

#endif
