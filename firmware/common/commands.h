/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CAUSEWAY_FIRMWARE_COMMANDS_H
#define CAUSEWAY_FIRMWARE_COMMANDS_H

#include "shell.h"

extern const struct shell_command common_commands[], disk_commands[];

#endif
