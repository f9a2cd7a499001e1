/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CAUSEWAY_FIRMWARE_COMMANDS_H
#define CAUSEWAY_FIRMWARE_COMMANDS_H

#include "shell.h"

#include <stdint.h>

extern const struct shell_command common_commands[];
extern uint64_t app_started; /* app_now() at the start */

#endif
