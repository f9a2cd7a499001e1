/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A window: one range of the remote's physical addresses and where this side has it mapped. The one
 * place where an address of the contract becomes a pointer.
 */
#ifndef CAUSEWAY_CORE_WINDOW_H
#define CAUSEWAY_CORE_WINDOW_H

#include <causeway/abi/types.h>

struct cw_window {
	unsigned char *va_; /* this side's mapping of base; use cw_window_ptr() */
	cw_addr_t base;	    /* as the remote sees it */
	uint32_t size;	    /* bytes */
};

/**
 * cw_window_ptr - the place of (address, length), or NULL
 * @w: window; @addr: address as the remote sees it; @len: bytes, 0 allowed
 *
 * One base, one bound, constant time, and no sum that could wrap. Any context.
 */
static inline void *cw_window_ptr(const struct cw_window *w, cw_addr_t addr, uint32_t len)
{
	uint64_t off = addr - w->base;

	if (off > w->size || len > w->size - off)
		return NULL;
	return w->va_ + off;
}

/**
 * cw_window_addr - the address of a pointer into the window
 * @w: window; @p: a pointer that cw_window_ptr() of the same window could have returned
 */
static inline cw_addr_t cw_window_addr(const struct cw_window *w, const void *p)
{
	return w->base + (uint64_t)((const unsigned char *)p - w->va_);
}

/** cw_window_has - whether @len bytes at pointer @p lie in the window */
static inline int cw_window_has(const struct cw_window *w, const void *p, uint32_t len)
{
	uintptr_t off = (uintptr_t)p - (uintptr_t)w->va_;

	return off <= w->size && len <= w->size - off;
}

/**
 * cw_window_sub - a window inside a window
 * @w: outer; @addr, @size: the part; @sub: filled
 *
 * Returns 0, or CW_EBADADDR (-35) when the part is not wholly inside.
 */
int cw_window_sub(const struct cw_window *w, cw_addr_t addr, uint32_t size, struct cw_window *sub);

#endif
