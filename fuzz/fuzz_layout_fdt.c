// SPDX-License-Identifier: BSD-3-Clause
/* Device-tree fragments: any bytes give a layout that passes the check and its hash, or an error. */
#include "fuzz.h"

#include <causeway/port/layout_fdt.h>

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct cw_layout_device device[8];
	struct cw_layout layout;
	const char *why = NULL;
	void *copy = malloc(size ? size : 1);

	FZ_CHECK(copy);
	memcpy(copy, data, size);
	if (!cw_layout_from_fdt(&layout, device, 8, copy, size, &why)) {
		FZ_CHECK(layout.devices <= 8 && layout.device == device);
		FZ_CHECK(cw_layout_check(&layout, NULL, NULL) == CW_LAYOUT_FINE);
	} else {
		FZ_CHECK(why);
	}
	free(copy);
	return 0;
}
