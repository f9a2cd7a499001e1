/* SPDX-License-Identifier: BSD-3-Clause */
/* A small shell on the virtio console. */
#ifndef CAUSEWAY_FIRMWARE_SHELL_H
#define CAUSEWAY_FIRMWARE_SHELL_H

#ifndef __cplusplus
#include <stdbool.h>
#endif

struct shell_command {
	const char *words;		    /* e.g. "net ping" */
	const char *usage;		    /* arguments and what it does, for help */
	void (*run)(int argc, char **argv); /* argv[0] is the first argument */
};

/* shell_init - @commands: ends with an empty entry; `help` is built in */
void shell_init(const struct shell_command *commands);

/* shell_poll - take input, run lines; true when there was input */
bool shell_poll(void);

/* shell_out - print on the console */
void shell_out(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* shell_busy - a command goes on in the background: no prompt until it is done */
extern bool (*shell_busy)(void);

#endif
