/* SPDX-License-Identifier: BSD-3-Clause */
/* A layout from the device-tree fragment at the start of a region (docs/spec/region.md section 11). */
#ifndef CAUSEWAY_PORT_LAYOUT_FDT_H
#define CAUSEWAY_PORT_LAYOUT_FDT_H

#include <causeway/core/layout.h>

#include <stddef.h>

/**
 * cw_layout_from_fdt - read a fragment
 * @layout: filled, layout->device points at @device; @device: room for @max devices (at most
 * CW_DEVICES_MAX); @fdt: the fragment, a private copy that nobody writes meanwhile;
 * @size: bytes of it; @reason: set to a line that says what is wrong, NULL allowed
 *
 * Checks structure, bounds, cw_layout_check() and the hash. Any context. Returns 0, CW_EINVAL
 * (malformed or breaking the contract's rules), CW_ENOSPC (more devices than @max), CW_EVERSION
 * (another major version) or CW_ELAYOUT (hash differs).
 */
int cw_layout_from_fdt(struct cw_layout *layout, struct cw_layout_device *device, unsigned int max,
		       const void *fdt, size_t size, const char **reason);

#endif
