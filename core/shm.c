// SPDX-License-Identifier: BSD-3-Clause
/*
 * Copies between private and shared memory.
 *
 * Theory of operation: where the architecture cannot fault on an unaligned access to the mappings
 * in question (x86, s390x) this is memcpy. Elsewhere shared memory may be Device memory, on which
 * unaligned and paired accesses fault, so the shared side is touched in aligned words and bytes
 * only; the private side is memcpy'd word by word, which compilers turn into one instruction.
 */
#include <causeway/core/gate.h>
#include <causeway/core/shm.h>

#ifdef CW_TSAN
uint32_t cw_tsan_order_;
#endif

#if defined(__x86_64__) || defined(__i386__) || defined(__s390x__)
#define PLAIN_COPY 1
#else
#define PLAIN_COPY 0
#endif

static uint32_t head_bytes(const void *shared, uint32_t len)
{
	uint32_t n = (uint32_t)(-(uintptr_t)shared & 3u);

	return n < len ? n : len;
}

static void in_bytes(uint8_t *d, const uint8_t *s, uint32_t n)
{
	while (n--)
		*d++ = __atomic_load_n((const volatile uint8_t *)s++, __ATOMIC_RELAXED);
}

static void out_bytes(uint8_t *d, const uint8_t *s, uint32_t n)
{
	while (n--)
		__atomic_store_n((volatile uint8_t *)d++, *s++, __ATOMIC_RELAXED);
}

static void copy_in_words(uint8_t *d, const uint8_t *s, uint32_t len)
{
	uint32_t n = head_bytes(s, len);

	in_bytes(d, s, n);
	for (d += n, s += n, len -= n; len >= 4; d += 4, s += 4, len -= 4) {
		uint32_t w = __atomic_load_n((const volatile uint32_t *)(const void *)s,
					     __ATOMIC_RELAXED);

		memcpy(d, &w, 4);
	}
	in_bytes(d, s, len);
}

static void copy_out_words(uint8_t *d, const uint8_t *s, uint32_t len)
{
	uint32_t n = head_bytes(d, len);

	out_bytes(d, s, n);
	for (d += n, s += n, len -= n; len >= 4; d += 4, s += 4, len -= 4) {
		uint32_t w;

		memcpy(&w, s, 4);
		__atomic_store_n((volatile uint32_t *)(void *)d, w, __ATOMIC_RELAXED);
	}
	out_bytes(d, s, len);
}

void cw_copy_in(void *dst, const void *src, uint32_t len)
{
	if (PLAIN_COPY)
		memcpy(dst, src, len);
	else
		copy_in_words(dst, src, len);
#ifdef CW_SHM_HOOKS
	/* A test may change each byte on the way, once. */
	for (uint32_t i = 0; i < len; i++)
		((uint8_t *)dst)[i] =
			(uint8_t)cw_hook_load((const uint8_t *)src + i, 1, ((uint8_t *)dst)[i]);
#endif
}

void cw_copy_out(void *dst, const void *src, uint32_t len)
{
	if (PLAIN_COPY)
		memcpy(dst, src, len);
	else
		copy_out_words(dst, src, len);
	cw_hook_store(dst, len);
}

void cw_zero_out(void *dst, uint32_t len)
{
	static const uint8_t zero[64];
	uint8_t *d = dst;

	for (; len > sizeof(zero); d += sizeof(zero), len -= (uint32_t)sizeof(zero))
		cw_copy_out(d, zero, sizeof(zero));
	cw_copy_out(d, zero, len);
}
