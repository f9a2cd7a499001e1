// SPDX-License-Identifier: BSD-3-Clause
/* A line of the shell: editing it and cutting it into words. Touches nothing but its arguments. */
#include "shell.h"

#include <stddef.h>
#include <string.h>

#define CTRL_C	  3
#define BACKSPACE 8
#define ESCAPE	  27
#define DELETE	  127

/* ESC [ parameters final, or ESC and one character: swallowed whole. */
static bool in_escape(struct shell_line *l, char ch)
{
	if (ch == ESCAPE) {
		l->escape = 1;
		return true;
	}
	if (!l->escape)
		return false;
	if (l->escape == 1 && (ch == '[' || ch == 'O'))
		l->escape = 2;
	else if (l->escape == 1 || (ch >= '@' && ch <= '~'))
		l->escape = 0;
	return true;
}

static enum shell_key typed(struct shell_line *l, char ch)
{
	if (ch < ' ' || ch >= DELETE)
		return SHELL_NOTHING;
	if (l->used == SHELL_LINE)
		return SHELL_FULL;
	l->text[l->used++] = ch;
	l->text[l->used] = 0;
	return SHELL_TYPED;
}

enum shell_key shell_line_key(struct shell_line *l, char ch)
{
	bool after_cr = l->cr;

	if (l->entered) {
		l->entered = false;
		l->used = 0;
		l->text[0] = 0;
	}
	l->cr = ch == '\r';
	if (ch == '\n' && after_cr)
		return SHELL_NOTHING; /* both ends of one line */
	if (ch == '\r' || ch == '\n') {
		l->escape = 0;
		l->entered = true;
		return SHELL_ENTERED;
	}
	if (ch == CTRL_C) {
		l->used = l->escape = 0;
		l->text[0] = 0;
		return SHELL_CANCEL;
	}
	if (in_escape(l, ch))
		return SHELL_NOTHING;
	if (ch != BACKSPACE && ch != DELETE)
		return typed(l, ch);
	if (!l->used)
		return SHELL_NOTHING;
	l->text[--l->used] = 0;
	return SHELL_ERASED;
}

int shell_split(char *line, char **argv, int max)
{
	int argc = 0;

	for (;;) {
		line += strspn(line, " \t");
		if (!*line)
			return argc;
		if (argc == max)
			return -1;
		argv[argc++] = line;
		line += strcspn(line, " \t");
		if (*line)
			*line++ = 0;
	}
}

/* How many words of @words the arguments begin with; 0: not this command. */
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

const struct shell_command *shell_find(const struct shell_command *table, int argc, char **argv,
				       int *used)
{
	const struct shell_command *found = NULL;

	*used = 0;
	for (const struct shell_command *c = table; c->words; c++) {
		int n = matches(c->words, argc, argv);

		if (n > *used) {
			*used = n;
			found = c;
		}
	}
	return found;
}
