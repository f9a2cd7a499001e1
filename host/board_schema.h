/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The schema of board files: one table a mapping, one row a key.
 *
 * A row says what a key is, in which range, where its value goes and what would be right; the last is
 * the end of every complaint about it.
 */
#ifndef CAUSEWAY_HOST_BOARD_SCHEMA_H
#define CAUSEWAY_HOST_BOARD_SCHEMA_H

#include "board_priv.h"

#include <libfyaml.h>

/* What is being read, from the outside in. */
struct board_reader {
	struct board_build *b;
	struct cw_board_remote *remote;
	struct cw_layout_device *place;
	struct cw_board_device *device;
	struct cw_board_port *port;
};

typedef void board_call(struct board_reader *rd, struct fy_node *n, const char *path);
typedef void board_item(struct board_reader *rd, struct fy_node *n, const char *path,
			unsigned int i);

enum board_type {
	BOARD_NUMBER, /* min to max, a multiple of step; into 2, 4 or 8 bytes */
	BOARD_FLAG,
	BOARD_NAME,   /* at most max characters */
	BOARD_IFNAME, /* of a network interface */
	BOARD_PATH,   /* relative to the file, at most max characters */
	BOARD_MAC,
	BOARD_CALL,
};

struct board_field {
	const char *key;
	enum board_type type;
	enum { BOARD_MAY, BOARD_MUST, BOARD_CHOICE } need; /* exactly one of the choices */
	const char *right;
	uint64_t min, max, step; /* step 0: a power of two */
	void *to;
	size_t width;
	board_call *call;
};

#define FIELD_NUMBER(k, dest, low, high, unit, good)                                    \
	{                                                                               \
		.key = (k), .type = BOARD_NUMBER, .to = &(dest), .width = sizeof(dest), \
		.min = (low), .max = (high), .step = (unit), .right = (good)            \
	}
#define FIELD_FLAG(k, dest)                                                             \
	{                                                                               \
		.key = (k), .type = BOARD_FLAG, .to = &(dest), .right = "true or false" \
	}
#define FIELD_TEXT(k, kind, wanted, dest, longest, good)                                       \
	{                                                                                      \
		.key = (k), .type = (kind), .need = (wanted), .to = &(dest), .max = (longest), \
		.right = (good)                                                                \
	}
#define FIELD_CALL(k, wanted, f, good)                                                         \
	{                                                                                      \
		.key = (k), .type = BOARD_CALL, .need = (wanted), .call = (f), .right = (good) \
	}

void board_read_map(struct board_reader *rd, struct fy_node *n, const char *path,
		    const struct board_field *f, size_t fields);
#define BOARD_MAP(rd, n, path, table) \
	board_read_map(rd, n, path, table, sizeof(table) / sizeof((table)[0]))

/* One value without a mapping around it, such as {pty: LINK}'s LINK. */
void board_read_value(struct board_reader *rd, struct fy_node *n, const char *path,
		      const struct board_field *f);

/* Calls @each for the items of a list of at most @max; returns their number, 0 after a complaint. */
unsigned int board_read_list(struct board_reader *rd, struct fy_node *n, const char *path,
			     unsigned int max, const char *right, board_item *each);

/* Its text and length, or NULL (and 0) when it is no scalar with a value. */
const char *board_scalar(struct fy_node *n, size_t *len);

/* "cannot be VALUE; right is RIGHT" */
void board_wrong(struct board_reader *rd, struct fy_node *n, const char *path, const char *right);

bool board_is(struct fy_node *n, const char *text);
bool board_is_map(struct fy_node *n);
struct fy_node *board_lookup(struct fy_node *n, const char *key);

/* ---- board_device.c ---- */

board_item board_read_device;

#endif
