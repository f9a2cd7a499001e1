// SPDX-License-Identifier: BSD-3-Clause
/*
 * A small shell.
 *
 * Theory of operation: characters come from the console when the main loop runs; a whole line is cut
 * into words and the longest command that begins it is run. Output that the console has no room for
 * is dropped after a moment, so nobody who is not reading stops the firmware.
 */
#include "shell.h"

#include "app.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define LINE_MAX_   120u
#define WORDS_MAX   12
#define PATIENCE_US 20000u

bool (*shell_busy)(void);

static const struct shell_command *table;
static char line[LINE_MAX_ + 1];
static unsigned int used;
static bool prompted;

static void put(const char *s, size_t len)
{
	if (app.console_at.open)
		cw_console_write(&app.console, 0, s, (uint32_t)len, PATIENCE_US);
}

void shell_out(const char *fmt, ...)
{
	char text[256];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	/* A terminal in raw mode wants both. */
	for (char *p = text, *nl; n > 0 && *p; p = nl + 1) {
		nl = strchr(p, '\n');
		if (!nl) {
			put(p, strlen(p));
			break;
		}
		put(p, (size_t)(nl - p));
		put("\r\n", 2);
	}
}

static void help(void)
{
	for (const struct shell_command *c = table; c->words; c++)
		shell_out("  %-14s %s\n", c->words, c->usage);
	shell_out("  %-14s %s\n", "help", "this list");
}

/* How many words of @words the line begins with; 0: not this command. */
static int matches(const char *words, int argc, char **argv)
{
	int n = 0;

	while (*words) {
		size_t len = strcspn(words, " ");

		if (n == argc || strlen(argv[n]) != len || strncmp(words, argv[n], len) != 0)
			return 0;
		words += len + (words[len] == ' ');
		n++;
	}
	return n;
}

static void run(void)
{
	char *argv[WORDS_MAX], *save = NULL;
	int argc = 0, n;

	for (char *w = strtok_r(line, " \t", &save); w && argc < WORDS_MAX;
	     w = strtok_r(NULL, " \t", &save))
		argv[argc++] = w;
	if (!argc)
		return;
	for (const struct shell_command *c = table; c->words; c++) {
		n = matches(c->words, argc, argv);
		if (n) {
			c->run(argc - n, argv + n);
			return;
		}
	}
	if (!strcmp(argv[0], "help"))
		help();
	else
		shell_out("%s: no such command; try help\n", argv[0]);
}

static void key(char ch)
{
	if (ch == '\r' || ch == '\n') {
		put("\r\n", 2);
		line[used] = 0;
		used = 0;
		run();
		prompted = false;
	} else if (ch == 3) { /* Ctrl-C */
		put("^C\r\n", 4);
		used = 0;
		prompted = false;
	} else if (ch == 8 || ch == 127) {
		if (used) {
			used--;
			put("\b \b", 3);
		}
	} else if (ch >= ' ' && ch < 127 && used < LINE_MAX_) {
		line[used++] = ch;
		put(&ch, 1);
	}
}

void shell_init(const struct shell_command *commands)
{
	table = commands;
}

bool shell_poll(void)
{
	char in[64];
	int n;

	if (!app.console_at.open)
		return false;
	if (!prompted && !(shell_busy && shell_busy())) {
		put("remote:~$ ", 10);
		prompted = true;
	}
	n = cw_console_read(&app.console, 0, in, sizeof(in));
	for (int i = 0; i < n; i++)
		key(in[i]);
	return n > 0;
}
