// SPDX-License-Identifier: BSD-3-Clause
/* A firmware without a debugger's stub. */
#include "gdb.h"

void gdb_start(void)
{
}

void gdb_poll(void)
{
}
