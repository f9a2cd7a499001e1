/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the hooked libraries report: each load and store of shared memory, in order. A test counts
 * them, asks which came first, or decides what a load returns. Only for tests linked with
 * cw_core_hooked.
 */
#ifndef TESTS_UNIT_HOOK_H
#define TESTS_UNIT_HOOK_H

#include <stdbool.h>
#include <stdint.h>

/** hook_start - forget what was seen; @load, if not NULL, decides each load from now on */
void hook_start(uint32_t (*load)(const volatile void *p, unsigned int width, uint32_t value));

/** hook_loads - how many loads touched the @len bytes at @p since hook_start() */
unsigned int hook_loads(const void *p, uint32_t len);

/** hook_stores - the same for stores */
unsigned int hook_stores(const void *p, uint32_t len);

/** hook_most_loads - the number of loads of that word of @len bytes at @p which had the most */
unsigned int hook_most_loads(const void *p, uint32_t len);

/* Place in the order of events of the first or last one that touched @p; fails if there is none. */
unsigned int hook_first_store(const void *p);
unsigned int hook_last_store(const void *p);
unsigned int hook_first_load(const void *p);

#endif
