/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What every fuzz target needs: bytes from the input, the accessor's hooks, and a failure that a
 * fuzzer sees.
 *
 * An input is eaten from both ends: the target's operations come from its head, the adversary's
 * decisions about single loads from its tail. So a change of one does not shift the other, and a
 * load stays honest when the tail is used up.
 */
#ifndef FUZZ_FUZZ_H
#define FUZZ_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

void fz_begin(const uint8_t *data, size_t size);
bool fz_more(void);
uint8_t fz_u8(void); /* these give 0 when the input is used up */
uint16_t fz_u16(void);
uint32_t fz_u32(void);
uint64_t fz_u64(void);
uint32_t fz_below(uint32_t n); /* 0 to n - 1, from one byte (n up to 256) or two */
const uint8_t *fz_rest(size_t *len);

/* What a load returns once the adversary had its say; honest when fz_hostile is false. */
uint32_t fz_twist(uint32_t value);
extern bool fz_hostile;

/* Called by the hooked accessors; NULL: honest. */
extern uint32_t (*fz_on_load)(const volatile void *p, unsigned int width, uint32_t value);
extern void (*fz_on_store)(const volatile void *p, unsigned int width);

_Noreturn void fz_fail(const char *what, const char *file, int line);
#define FZ_CHECK(x) ((x) ? (void)0 : fz_fail(#x, __FILE__, __LINE__))

/*
 * One region of memory that a target uses as shared. Its end is where the sanitizer's red zone
 * begins; offsets below are offsets in it.
 */
#define FZ_REGION 65536u
extern unsigned char fz_region[FZ_REGION];

#define FZ_OUTSIDE UINT32_MAX
uint32_t fz_off(const volatile void *p); /* or FZ_OUTSIDE */

/* Single fetch: between two calls no byte of [from, to) is loaded twice. */
void fz_fetch_once(uint32_t from, uint32_t to);
void fz_fetch_note(uint32_t off, unsigned int width);
void fz_fetch_free(void);
extern uint32_t fz_loads; /* since the last fz_fetch_once() */

/* Stores go only where these ranges allow them. */
void fz_allow_none(void);
void fz_allow(uint32_t from, uint32_t len);
bool fz_allowed(uint32_t from, uint32_t len);

#endif
