// SPDX-License-Identifier: BSD-3-Clause
/* The layout as `causeway layout --format c-header` wrote it: no parser, and one board's program. */
#include "app.h"
#include "causeway_layout.h"

#include <causeway/core/err.h>

int app_layout(const struct cw_layout **layout)
{
	*layout = &cw_layout_generated;
	return CW_OK;
}
