/* SPDX-License-Identifier: BSD-3-Clause */
/* A small shell, on the virtio console and for whoever else types (messages.c). */
#ifndef CAUSEWAY_FIRMWARE_SHELL_H
#define CAUSEWAY_FIRMWARE_SHELL_H

#include <stddef.h>
#include <stdint.h>
#ifndef __cplusplus
#include <stdbool.h>
#endif

#define SHELL_LINE  120
#define SHELL_WORDS 12
#define SHELL_OUT   255 /* bytes of what is printed at once */

struct shell_command {
	const char *words;		    /* e.g. "net ping" */
	const char *usage;		    /* arguments and what it does, for help */
	void (*run)(int argc, char **argv); /* argv[0] is the first argument */
};

/* ---- shell_line.c: characters and words, no I/O ---- */

enum shell_key {
	SHELL_NOTHING, /* ignored */
	SHELL_TYPED,   /* one more character: show it */
	SHELL_ERASED,  /* one character less */
	SHELL_ENTERED, /* text is a line; the next key begins another */
	SHELL_CANCEL,  /* Ctrl-C: text is empty */
	SHELL_FULL,    /* no room for this one */
};

struct shell_line {
	char text[SHELL_LINE + 1];
	unsigned int used;
	unsigned char escape; /* within an escape sequence, e.g. of an arrow key */
	bool entered, cr;
};

/* shell_line_key - take one character of input */
enum shell_key shell_line_key(struct shell_line *l, char ch);

/* shell_split - cut a line into words, in place; their number, or -1 when more than @max */
int shell_split(char *line, char **argv, int max);

/*
 * shell_find - the command that the words begin with; the longest, when there are several
 * @table: ends with an entry without words; @used: filled with the number of its words
 */
const struct shell_command *shell_find(const struct shell_command *table, int argc, char **argv,
				       int *used);

/* ---- shell.c ---- */

/* Who types commands and reads what they say. All but write begins as zeroes. */
struct shell_user {
	/* write - waits for room up to @timeout microseconds; false: it was not all taken */
	bool (*write)(struct shell_user *u, const char *s, size_t len, uint64_t timeout);
	struct shell_line line;
	bool prompted;
	bool stuck; /* the last output did not fit */
};

/*
 * shell_init - @tables: ends with NULL, each with an entry without words; `help` is built in; @busy: whether a command
 * goes on in the background, then there is no prompt yet; @stop: end it, for Ctrl-C
 */
void shell_init(const struct shell_command *const *tables, bool (*busy)(void), void (*stop)(void));

/* shell_poll - take input of the console, run lines; true when there was input */
bool shell_poll(void);

/*
 * shell_type - input of a user: it is edited and shown, and lines are run
 * @n: may be 0: a prompt may be due
 *
 * From the main loop, never from a callback: commands may wait.
 */
void shell_type(struct shell_user *u, const char *in, size_t n);

/* shell_gone - a user who is there no more: what commands still have to say goes to the console */
void shell_gone(const struct shell_user *u);

/* shell_bytes - show bytes to who entered the last command, any number and whatever they are */
void shell_bytes(const char *bytes, uint32_t len);

/* shell_out - print for the same; at most SHELL_OUT bytes */
void shell_out(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
