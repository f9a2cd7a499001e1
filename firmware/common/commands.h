/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CAUSEWAY_FIRMWARE_COMMANDS_H
#define CAUSEWAY_FIRMWARE_COMMANDS_H

#include "shell.h"

/*
 * services_run - shell, IP with its echo services, and the loop; does not return
 * @commands: as shell_init() takes them
 */
void services_run(const struct shell_command *const *commands) __attribute__((noreturn));

extern const struct shell_command common_commands[], disk_commands[];

#endif
