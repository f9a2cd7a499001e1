// SPDX-License-Identifier: BSD-3-Clause
/*
 * A small shell.
 *
 * Theory of operation: characters come from the console when the main loop runs; a whole line is cut
 * into words and the longest command that begins it is run. Output that the console has no room for
 * is dropped after a moment, and at once from then on until there is room again: nobody who does not
 * read stops the firmware.
 */
#include "shell.h"

#include "app.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define PROMPT	    "remote:~$ "
#define PATIENCE_US 20000u

static struct {
	const struct shell_command *const *tables;
	bool (*busy)(void);
	void (*stop)(void);
	struct shell_line line;
	bool prompted;
	bool stuck; /* the last output did not fit */
} shell;

static void put(const char *s, size_t len)
{
	int n;

	if (!app_ready(APP_CONSOLE) || !len)
		return;
	n = cw_console_write(&app.console, 0, s, (uint32_t)len, shell.stuck ? 0 : PATIENCE_US);
	shell.stuck = n != (int)len;
}

static void put_text(const char *s)
{
	put(s, strlen(s));
}

void shell_out(const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	/* A terminal in raw mode wants both. */
	for (char *p = text, *nl; *p; p = nl + 1) {
		nl = strchr(p, '\n');
		if (!nl) {
			put_text(p);
			break;
		}
		put(p, (size_t)(nl - p));
		put_text("\r\n");
	}
}

static void help(void)
{
	for (const struct shell_command *const *t = shell.tables; *t; t++)
		for (const struct shell_command *c = *t; c->words; c++)
			shell_out("  %-14s %s\n", c->words, c->usage);
	shell_out("  %-14s %s\n", "help", "this list");
}

static void run(char *line)
{
	char *argv[SHELL_WORDS];
	int argc = shell_split(line, argv, SHELL_WORDS), used;
	const struct shell_command *c = NULL;

	if (argc < 0)
		shell_out("more than %d words\n", SHELL_WORDS);
	if (argc <= 0)
		return;
	for (const struct shell_command *const *t = shell.tables; *t && !c; t++)
		c = shell_find(*t, argc, argv, &used);
	if (c)
		c->run(argc - used, argv + used);
	else if (!strcmp(argv[0], "help"))
		help();
	else
		shell_out("%s: no such command; try help\n", argv[0]);
}

static void key(char ch)
{
	switch (shell_line_key(&shell.line, ch)) {
	case SHELL_NOTHING:
		break;
	case SHELL_TYPED:
		put(&ch, 1);
		break;
	case SHELL_ERASED:
		put_text("\b \b");
		break;
	case SHELL_FULL:
		put_text("\a");
		break;
	case SHELL_CANCEL:
		put_text("^C\r\n");
		shell.stop();
		shell.prompted = false;
		break;
	case SHELL_ENTERED:
		put_text("\r\n");
		run(shell.line.text);
		shell.prompted = false;
		break;
	}
}

void shell_init(const struct shell_command *const *tables, bool (*busy)(void), void (*stop)(void))
{
	shell.tables = tables;
	shell.busy = busy;
	shell.stop = stop;
}

bool shell_poll(void)
{
	char in[64];
	int n;

	if (!app_ready(APP_CONSOLE))
		return false;
	if (!shell.prompted && !shell.busy()) {
		put_text(PROMPT);
		shell.prompted = true;
	}
	n = cw_console_read(&app.console, 0, in, sizeof(in));
	for (int i = 0; i < n; i++)
		key(in[i]);
	return n > 0;
}
