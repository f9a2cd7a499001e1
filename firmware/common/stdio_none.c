// SPDX-License-Identifier: BSD-3-Clause
/* On Linux fopen() opens what it always does. */
#include "commands.h"
#include "fcalls.h"

void fcalls_stdio(const char *path)
{
	shell_out("stdio: here %s would be a file of this system\n", path);
}
