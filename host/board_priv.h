/* SPDX-License-Identifier: BSD-3-Clause */
/* Between the files that make a board. */
#ifndef CAUSEWAY_HOST_BOARD_PRIV_H
#define CAUSEWAY_HOST_BOARD_PRIV_H

#include <causeway/abi/virtio.h>
#include <causeway/host/board.h>

#define REMOTES_MAX    64u
#define PATH_LEN       128 /* of a field: remotes[63].devices[63].ports[7].backend.socket */
#define SUN_PATH_MAX   107u
#define NAME_MAX_LEN   31u
#define NAME_RIGHT     "a name of 1 to 31 of a-z 0-9 - _"
#define COMPLAINTS_MAX 100u
#define WORKER_UNSET   UINT32_MAX

struct fy_node;
struct board_memory;
struct board_note;

/* Where something stood in the board file; line 0: not from a file. */
struct board_source {
	int line, column;
};

/* A board and what it takes to complain about it, also after it was read. */
struct board_build {
	struct cw_board board; /* first: cw_board_free() gets back to this */
	struct board_memory *memory;
	struct board_note *notes;
	const char *text; /* the file's text, to show the line of an error; NULL: quick form */
	size_t len;
	const char *file; /* name for messages */
	const char *dir;  /* relative paths start here; NULL: the working directory */
	FILE *err;
	unsigned int errors;
	bool torn[REMOTES_MAX]; /* complained about while reading: not laid out */
};

/* ---- board.c ---- */

struct board_build *board_new(const char *file, FILE *err);
/* Memory that lives as long as the board; NULL only when there is none left. */
void *board_alloc(struct board_build *b, size_t size);
char *board_strdup(struct board_build *b, const char *s, size_t len);
char *board_path(struct board_build *b, const char *s, size_t len);
/* Lays out, checks, and hands the board over or frees it. */
int board_finish(struct board_build *b, struct cw_board **board);

/* ---- board_text.c ---- */

/* Remembers where a field was written: its position, or in the quick form the option. */
void board_note(struct board_build *b, const char *path, struct board_source at,
		const char *option);

/*
 * One complaint, "FILE:LINE:COLUMN: PATH: what", and the line with a caret. The position is that of
 * the field, or of the nearest one around it that is in the file.
 */
void board_error(struct board_build *b, const char *path, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void board_error_at(struct board_build *b, struct board_source at, const char *path,
		    const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* The first character that a board file may not have; false: none. */
bool board_not_text(const char *text, size_t len, struct board_source *at);

/* A number as board files and options write it: 64K, 0x10000, 16M; -1: is not one. */
int board_number(const char *s, size_t len, uint64_t *value);
bool board_good_name(const char *s, size_t len, size_t max);
bool board_good_ifname(const char *s, size_t len);
int board_mac(const char *s, size_t len, uint8_t mac[6]);

/* ---- board_read.c ---- */

/* YAML: fills board->remote and the rest from the document's root. */
void board_read(struct board_build *b, struct fy_node *root);

/* ---- board_layout.c, board_check.c ---- */

/* What is not written gets its default. */
void board_remote_defaults(struct cw_board_remote *r);
void board_device_defaults_for(struct cw_board_device *d);

void board_lay_out(struct board_build *b);
void board_check(struct board_build *b);

#endif
