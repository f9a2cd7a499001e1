/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The one gate to libc. core, driver and device need these four, which a C compiler may call by
 * itself in any case; a port without libc provides them (docs/embedding.md).
 */
#ifndef CAUSEWAY_CORE_GATE_H
#define CAUSEWAY_CORE_GATE_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif
void *memcpy(void *dst, const void *src, size_t n);
void *memmove(void *dst, const void *src, size_t n);
void *memset(void *dst, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);
#ifdef __cplusplus
}
#endif

#endif
