// SPDX-License-Identifier: BSD-3-Clause
/*
 * Identity translation of the first 4 GB, constant, so that it stands before the first line of C.
 *
 * Theory of operation: one table for four entries of 1 GB. The first holds all devices and the region
 * and is split into 2 MB: the region is Normal non-cacheable (docs/porting.md step 3), the rest
 * Device. RAM from the second on is write-back. Nothing outside of RAM can be executed.
 */
#include "board.h"

#include <stdint.h>

#define TABLE	   3u
#define BLOCK	   1u
#define ATTR(i)	   ((uint64_t)(i) << 2)
#define SHARED_OUT (2u << 8)
#define SHARED_IN  (3u << 8)
#define ACCESSED   (1u << 10)
#define NO_EXECUTE (3ull << 53)

#define DEVICE (BLOCK | ATTR(0) | ACCESSED | NO_EXECUTE)
#define REGION (BLOCK | ATTR(1) | SHARED_OUT | ACCESSED | NO_EXECUTE)
#define RAM    (BLOCK | ATTR(2) | SHARED_IN | ACCESSED)

_Static_assert(REGION_BASE % 0x200000 == 0 && REGION_SIZE % 0x200000 == 0, "2 MB blocks");
_Static_assert(REGION_BASE + REGION_SIZE <= 0x40000000, "in the first table");

#define IS_REGION(i) ((i) >= REGION_BASE >> 21 && (i) < (REGION_BASE + REGION_SIZE) >> 21)
#define ONE(i)	     ((uint64_t)(i) << 21 | (IS_REGION(i) ? REGION : DEVICE))
#define EIGHT(i) \
	ONE(i), ONE(i + 1), ONE(i + 2), ONE(i + 3), ONE(i + 4), ONE(i + 5), ONE(i + 6), ONE(i + 7)
#define SIXTY_FOUR(i)                                                                       \
	EIGHT(i), EIGHT(i + 8), EIGHT(i + 16), EIGHT(i + 24), EIGHT(i + 32), EIGHT(i + 40), \
		EIGHT(i + 48), EIGHT(i + 56)

/* Device-nGnRnE, Normal non-cacheable, Normal write-back. */
const uint64_t mmu_mair = 0x00ff4400;
/* T0SZ 32 (4 GB), write-back inner-shareable walks, 4 KB granule, no TTBR1. */
const uint64_t mmu_tcr = 32 | 1 << 8 | 1 << 10 | 3 << 12 | 1 << 23;

static const uint64_t low[512] __attribute__((aligned(4096))) = {
	SIXTY_FOUR(0),	 SIXTY_FOUR(64),  SIXTY_FOUR(128), SIXTY_FOUR(192),
	SIXTY_FOUR(256), SIXTY_FOUR(320), SIXTY_FOUR(384), SIXTY_FOUR(448),
};

/* C knows no address with bits ORed in as a constant, but one with bytes added it does. */
const char *const mmu_tables[512] __attribute__((aligned(4096), section(".rodata.mmu"))) = {
	(const char *)low + TABLE,
	(const char *)(1ull << 30 | RAM),
	(const char *)(2ull << 30 | RAM),
	(const char *)(3ull << 30 | RAM),
};
