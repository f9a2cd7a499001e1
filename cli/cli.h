/* SPDX-License-Identifier: BSD-3-Clause */
/* The causeway command: one file a subcommand, one line each in main.c's table. */
#ifndef CAUSEWAY_CLI_H
#define CAUSEWAY_CLI_H

#include <stdbool.h>
#include <stdint.h>

#define EXIT_FINE  0
#define EXIT_FAIL  1 /* it could not be done */
#define EXIT_USAGE 2 /* it was asked wrongly, or a board file is wrong */

#define CAUSEWAY_VERSION "0.1.0"

struct cli_command {
	const char *name;
	const char *summary;		   /* one line for causeway --help */
	const char *help;		   /* all of causeway NAME --help */
	int (*run)(int argc, char **argv); /* argv[0] is the subcommand */
};

/*
 * Options that several subcommands have; cli_options() reads them and the subcommand's own.
 * @flags: letters of those that apply, of  j: --json  r: --remote NAME  o: --output FILE
 *	f: --format F  b: --board NAME  D: --run-dir DIR  F: --follow  1: --once  n: --lines or --count N
 *	p: --print  x: --hex  R: --raw  s: --size N  i: --interval S  t: --timeout S
 */
struct cli_options {
	bool json, follow, once, print, hex, raw, has_interval;
	const char *remote, *output, *format, *board, *run_dir;
	unsigned int lines, size;
	uint64_t interval, timeout; /* microseconds; timeout 0: not given */
	int argc;		    /* what is left */
	char **argv;
};

/* Returns -1 to go on, or the exit status (help was shown, or usage was wrong). */
int cli_options(const struct cli_command *c, int argc, char **argv, const char *flags,
		struct cli_options *o);

/* Usage error: one line, and where to read more. Returns EXIT_USAGE. */
int cli_usage(const struct cli_command *c, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * Whether all that was printed could be written; if not, a line on standard error has said so. main() asks at
 * the end of every command: only one that goes on, or has another exit status than EXIT_FINE, asks itself.
 */
bool cli_printed(void);

/* Says that standard input cannot be read, with errno. Returns EXIT_FAIL. */
int cli_unread(void);

bool cli_color(void); /* standard output is a terminal that wants colours */

extern const struct cli_command cli_check, cli_layout, cli_run, cli_status, cli_top, cli_console,
	cli_gdb, cli_forward, cli_start, cli_stop, cli_restart, cli_attach, cli_detach, cli_dump,
	cli_logs, cli_rpmsg;

#endif
