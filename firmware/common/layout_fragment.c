// SPDX-License-Identifier: BSD-3-Clause
/* The layout as the device-tree fragment at the region's start tells it: one program, any board. */
#include "app.h"

#include <causeway/core/shm.h>
#include <causeway/port/layout_fdt.h>

#define FRAGMENT_MAX 32768u

int app_layout(const struct cw_layout **layout)
{
	static uint32_t copy[FRAGMENT_MAX / 4];
	static struct cw_layout_device device[CW_DEVICES_MAX];
	static struct cw_layout fdt;
	uint32_t size = app.machine->region_size < FRAGMENT_MAX ? (uint32_t)app.machine->region_size
								: FRAGMENT_MAX;
	const char *why;
	int err;

	cw_copy_in(copy, app.machine->region, size);
	err = cw_layout_from_fdt(&fdt, device, CW_DEVICES_MAX, copy, size, &why);
	if (err)
		say("the region's device tree: %s\n", why);
	*layout = &fdt;
	return err;
}
