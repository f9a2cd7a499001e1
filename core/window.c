// SPDX-License-Identifier: BSD-3-Clause
#include <causeway/core/err.h>
#include <causeway/core/window.h>

int cw_window_sub(const struct cw_window *w, cw_addr_t addr, uint32_t size, struct cw_window *sub)
{
	void *p = cw_window_ptr(w, addr, size);

	if (!p)
		return CW_EBADADDR;
	sub->va_ = p;
	sub->base = addr;
	sub->size = size;
	return CW_OK;
}
