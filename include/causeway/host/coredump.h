/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a crashed remote left in its memory, as an ELF core file that gdb reads.
 */
#ifndef CAUSEWAY_HOST_COREDUMP_H
#define CAUSEWAY_HOST_COREDUMP_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct cw_core_range {
	uint64_t base; /* as the remote sees it */
	uint64_t size;
	int fd; /* memory, where base lies at offset; pages never written are not stored */
	uint64_t offset;
};

struct cw_core {
	const char *directory, *remote; /* DIRECTORY/REMOTE-DATE-TIME-N.core */
	uint64_t limit;			/* bytes on disk of all core files of this remote there */
	uint16_t machine;		/* e_machine */
	bool is64;
	const struct cw_core_range *range;
	unsigned int ranges;
};

/**
 * cw_core_write - write a core file, after removing the oldest ones that leave it no room
 * @path: set to its name on success
 *
 * Keeper only. Returns 0, or -1 with one line on @err and no file left.
 */
int cw_core_write(const struct cw_core *c, char path[512], FILE *err);

#endif
