/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CAUSEWAY_FIRMWARE_COMMANDS_H
#define CAUSEWAY_FIRMWARE_COMMANDS_H

#include "shell.h"

/*
 * services_run - shell, IP with its echo services, and the loop; does not return
 * @commands: as shell_init() takes them; @work: what else is done in each pass, true: it had something
 * to do; may be NULL
 */
void services_run(const struct shell_command *const *commands, bool (*work)(void))
	__attribute__((noreturn));

extern const struct shell_command common_commands[], disk_commands[], socket_commands[],
	file_commands[], message_commands[], fcall_commands[];

/* sockets_init - give the sockets their memory, before app_use() */
void sockets_init(void);

/* sockets_poll - services on sockets: echo on port 7, sink on 9, source on 19, HTTP on 80 */
bool sockets_poll(void);

/* files_poll - a line in /island.log of the exported folder each time that the link came up */
bool files_poll(void);

/* calls_init - a service of calls as an example, after messages_init() */
void calls_init(void);

#endif
