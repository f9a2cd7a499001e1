/* SPDX-License-Identifier: BSD-3-Clause */
/* Between the files that make a board. */
#ifndef CAUSEWAY_HOST_BOARD_PRIV_H
#define CAUSEWAY_HOST_BOARD_PRIV_H

#include <causeway/abi/virtio.h>
#include <causeway/host/board.h>

struct fy_node;

/* A board under construction: its strings and arrays, and where complaints go. */
struct board_build {
	struct cw_board board; /* first: cw_board_free() gets back to this */
	struct board_memory *memory;
	const char *text; /* the file's text, to show the line of an error; NULL: quick form */
	size_t len;
	const char *file; /* name for messages */
	char *dir;	  /* relative paths start here */
	FILE *err;
	unsigned int errors;
};

/* Memory that lives as long as the board; NULL only when there is none left. */
void *board_alloc(struct board_build *b, size_t size);
char *board_strdup(struct board_build *b, const char *s, size_t len);
char *board_path(struct board_build *b, const char *s, size_t len);

/* One complaint: "FILE:LINE:COLUMN: error: what", the line and a caret. */
void board_error(struct board_build *b, struct cw_source at, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* What is not written gets its default. */
void board_remote_defaults(struct cw_board_remote *r);
void board_device_defaults_for(struct cw_board_device *d);

/* Fills the layouts and makes the checks that need the whole board. */
void board_lay_out(struct board_build *b);

/* YAML: fills board->remote and the rest from the document's root. */
void board_read(struct board_build *b, struct fy_node *root);

/* A number as board files and options write it: 64K, 0x10000, 16M; -1: is not one. */
int board_number(const char *s, size_t len, uint64_t *value);

struct board_build *board_new(const char *file, FILE *err);
int board_finish(struct board_build *b, struct cw_board **board);

#endif
