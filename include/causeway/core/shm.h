/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The only way to memory that the peer can write.
 *
 * Each call is one aligned access of the width it names: what it returns is a private value, and
 * fetching twice is visible in the source as two calls. With CW_SHM_HOOKS the same calls ask a test
 * what to return and report each store (tests/fault, fuzz/): a double fetch then shows at once.
 * Any context.
 */
#ifndef CAUSEWAY_CORE_SHM_H
#define CAUSEWAY_CORE_SHM_H

#include <causeway/core/barrier.h>
#include <causeway/core/bytes.h>

#ifdef CW_SHM_HOOKS
/**
 * cw_hook_load - decide what a load returns
 * @p: the word's place; @width: 1, 2 or 4 bytes; @value: what memory holds, byte order converted
 */
uint32_t cw_hook_load(const volatile void *p, unsigned int width, uint32_t value);
/** cw_hook_store - told after each store of @width bytes (or a copy of @width bytes) at @p */
void cw_hook_store(const volatile void *p, unsigned int width);
#else
#define cw_hook_load(p, width, value) (value)
#define cw_hook_store(p, width)	      ((void)0)
#endif

#ifdef CW_TSAN
#define CW_ORDER_LOAD_	__ATOMIC_ACQUIRE
#define CW_ORDER_STORE_ __ATOMIC_RELEASE
#else
#define CW_ORDER_LOAD_	__ATOMIC_RELAXED
#define CW_ORDER_STORE_ __ATOMIC_RELAXED
#endif

static inline uint16_t cw_load16(const struct cw_le16 *p)
{
	uint16_t v = __atomic_load_n((const volatile uint16_t *)&p->raw_, CW_ORDER_LOAD_);

	return (uint16_t)cw_hook_load(p, 2, cw_swap16_(v));
}

static inline uint32_t cw_load32(const struct cw_le32 *p)
{
	uint32_t v = __atomic_load_n((const volatile uint32_t *)&p->raw_, CW_ORDER_LOAD_);

	return cw_hook_load(p, 4, cw_swap32_(v));
}

static inline void cw_store16(struct cw_le16 *p, uint16_t v)
{
	__atomic_store_n((volatile uint16_t *)&p->raw_, cw_swap16_(v), CW_ORDER_STORE_);
	cw_hook_store(p, 2);
}

static inline void cw_store32(struct cw_le32 *p, uint32_t v)
{
	__atomic_store_n((volatile uint32_t *)&p->raw_, cw_swap32_(v), CW_ORDER_STORE_);
	cw_hook_store(p, 4);
}

/* Acquire: nothing after the load is seen older than what the load saw. */
static inline uint16_t cw_load16_acquire(const struct cw_le16 *p)
{
	uint16_t v = cw_load16(p);

	cw_rmb();
	return v;
}

static inline uint32_t cw_load32_acquire(const struct cw_le32 *p)
{
	uint32_t v = cw_load32(p);

	cw_rmb();
	return v;
}

/* Release: whoever sees the store sees all that was stored before it. */
static inline void cw_store16_release(struct cw_le16 *p, uint16_t v)
{
	cw_wmb();
	cw_store16(p, v);
}

static inline void cw_store32_release(struct cw_le32 *p, uint32_t v)
{
	cw_wmb();
	cw_store32(p, v);
}

/**
 * cw_copy_in - copy payload or configuration out of shared memory
 * @dst: private memory; @src: shared memory, any alignment; @len: bytes
 *
 * On architectures where shared memory may be mapped as Device memory, only aligned accesses of at
 * most 32 bits are made. The peer may write meanwhile: the copy is what counts.
 */
void cw_copy_in(void *dst, const void *src, uint32_t len);

/** cw_copy_out - the same towards shared memory */
void cw_copy_out(void *dst, const void *src, uint32_t len);

/** cw_zero_out - store zeroes into shared memory, as cw_copy_out() */
void cw_zero_out(void *dst, uint32_t len);

#endif
