/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Firmware of remotes whose memory we load: read once, checked wholly, then written.
 */
#ifndef CAUSEWAY_HOST_IMAGE_H
#define CAUSEWAY_HOST_IMAGE_H

#include <causeway/core/elf.h>
#include <causeway/core/rsctable.h>

#include <stdio.h>

#define CW_TRACES_MAX 4u /* trace buffers of one remote that anybody looks at */

struct cw_image {
	struct cw_elf elf;
	unsigned int traces; /* by cw_image_resources() */
	struct {
		uint64_t address;
		uint32_t size;
	} trace[CW_TRACES_MAX];
	void *bytes; /* a private copy of the file: whatever happens to it later, this was checked */
	const char *remote, *path; /* for messages */
};

/* Addresses as the remote sees them, from base to base + size - 1. */
struct cw_image_range {
	const char *what; /* "the region", for messages */
	uint64_t base, size;
};

/** cw_image_within - whether [@base, @base + @size) lies wholly in @r; no sum that could wrap */
bool cw_image_within(uint64_t base, uint64_t size, const struct cw_image_range *r);

/** cw_image_overlaps - whether they have an address in common */
bool cw_image_overlaps(uint64_t base, uint64_t size, const struct cw_image_range *r);

/**
 * cw_image_open - read a firmware file and check that it is a program for this processor
 * @remote: name, for messages; @machine, @is64: what it must be built for
 *
 * Returns 0, or -1 with one line on @err and nothing kept.
 */
int cw_image_open(struct cw_image *i, const char *remote, const char *path, uint16_t machine,
		  bool is64, FILE *err);

/**
 * cw_image_check - whether its segments lie in @ram and in none of @taken
 * @taken: @n ranges that belong to others, such as the region
 *
 * Returns 0, or -1 with a line on @err for the first segment that does not.
 */
int cw_image_check(const struct cw_image *i, const struct cw_image_range *ram,
		   const struct cw_image_range *taken, unsigned int n, FILE *err);

/**
 * cw_image_resources - give the firmware what its resource table asks for, if it has one
 *
 * After cw_image_check() with the same ranges, before cw_image_load(). Carveouts get memory of @ram and
 * the table says which; traces are noted; devices are left to who serves them. Returns 0, or -1 with a
 * line on @err that names the first entry that cannot be had.
 */
int cw_image_resources(struct cw_image *i, const struct cw_image_range *ram,
		       const struct cw_image_range *taken, unsigned int n, FILE *err);

/**
 * cw_image_load - write all segments into the remote's memory
 * @fd: that memory, where @base is at offset 0; the remote must not run
 *
 * After cw_image_check() only. Returns 0, or -1 with a line on @err.
 */
int cw_image_load(const struct cw_image *i, int fd, uint64_t base, FILE *err);

void cw_image_close(struct cw_image *i);

#endif
