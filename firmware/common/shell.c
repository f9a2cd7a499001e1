// SPDX-License-Identifier: BSD-3-Clause
/*
 * A small shell.
 *
 * Theory of operation: characters come from the console, or from elsewhere, when the main loop runs; a
 * whole line is cut into words and the longest command that begins it is run. What commands say goes to
 * the user who entered the last one, also when it is said later. Output that there is no room for is
 * dropped after a moment, and at once from then on until there is room again: nobody who does not read
 * stops the firmware.
 */
#include "shell.h"

#include "app.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define PROMPT	    "remote:~$ "
#define PATIENCE_US 20000u

static bool console_write(struct shell_user *u, const char *s, size_t len, uint64_t timeout)
{
	(void)u;
	return !app_ready(APP_CONSOLE) ||
	       cw_console_write(&app.console, 0, s, (uint32_t)len, timeout) == (int)len;
}

static struct shell_user console = { .write = console_write };

static struct {
	const struct shell_command *const *tables;
	bool (*busy)(void);
	void (*stop)(void);
	struct shell_user *asked; /* entered the last command */
} shell = { .asked = &console };

static void put(struct shell_user *u, const char *s, size_t len)
{
	if (len)
		u->stuck = !u->write(u, s, len, u->stuck ? 0 : PATIENCE_US);
}

static void put_text(struct shell_user *u, const char *s)
{
	put(u, s, strlen(s));
}

void shell_bytes(const char *bytes, uint32_t len)
{
	char raw[2 * SHELL_OUT];
	uint32_t n = 0;

	for (uint32_t i = 0; i < len; i++) {
		if (bytes[i] == '\n')
			raw[n++] = '\r'; /* a terminal in raw mode wants both */
		raw[n++] = bytes[i];
		if (n < sizeof(raw) - 1 && i + 1 < len)
			continue;
		put(shell.asked, raw, n);
		n = 0;
	}
}

void shell_out(const char *fmt, ...)
{
	char text[SHELL_OUT + 1];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	shell_bytes(text, (uint32_t)strlen(text));
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

static void key(struct shell_user *u, char ch)
{
	switch (shell_line_key(&u->line, ch)) {
	case SHELL_NOTHING:
		break;
	case SHELL_TYPED:
		put(u, &ch, 1);
		break;
	case SHELL_ERASED:
		put_text(u, "\b \b");
		break;
	case SHELL_FULL:
		put_text(u, "\a");
		break;
	case SHELL_CANCEL:
		put_text(u, "^C\r\n");
		shell.stop();
		u->prompted = false;
		break;
	case SHELL_ENTERED:
		put_text(u, "\r\n");
		shell.asked = u;
		run(u->line.text);
		u->prompted = false;
		break;
	}
}

void shell_init(const struct shell_command *const *tables, bool (*busy)(void), void (*stop)(void))
{
	shell.tables = tables;
	shell.busy = busy;
	shell.stop = stop;
}

void shell_type(struct shell_user *u, const char *in, size_t n)
{
	if (!u->prompted && !shell.busy()) {
		put_text(u, PROMPT);
		u->prompted = true;
	}
	for (size_t i = 0; i < n; i++)
		key(u, in[i]);
}

void shell_gone(const struct shell_user *u)
{
	if (shell.asked == u)
		shell.asked = &console;
}

bool shell_poll(void)
{
	char in[64];
	int n;

	if (!app_ready(APP_CONSOLE))
		return false;
	n = cw_console_read(&app.console, 0, in, sizeof(in));
	shell_type(&console, in, n > 0 ? (size_t)n : 0);
	return n > 0;
}
