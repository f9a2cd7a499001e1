/* SPDX-License-Identifier: BSD-3-Clause */
/* A file server for tests: a few nodes in memory, spoken to in 9P2000.L. It believes its client. */
#ifndef TESTS_UNIT_DRIVER_TREE_H
#define TESTS_UNIT_DRIVER_TREE_H

#include <stdbool.h>
#include <stdint.h>

#define TREE_NODES 24u
#define TREE_FIDS  64u
#define TREE_BYTES (320u << 10) /* of one file */

struct tree_node {
	bool used;
	char name[256];
	struct tree_node *in; /* NULL: the root */
	uint32_t mode;
	uint8_t *bytes; /* of a file or a link */
	uint32_t len, room;
};

struct tree {
	struct tree_node node[TREE_NODES]; /* 0 is the root */
	struct tree_node *fid[TREE_FIDS];
	unsigned int fids, most_fids; /* in use now, and ever */
	unsigned int messages, syncs, clunks;
	uint32_t msize;
	uint32_t short_read;  /* bytes of an Rread at most, 0: as asked */
	uint32_t short_write; /* the same of an Rwrite */
	uint32_t error;	      /* every request but Tclunk gets it */
};

/** tree_begin - a tree with nothing but its root; tree_end frees it */
void tree_begin(struct tree *t);
void tree_end(struct tree *t);

/** tree_forget - the session is over */
void tree_forget(struct tree *t);

/** tree_find - by path without a slash in front; NULL: not there */
struct tree_node *tree_find(struct tree *t, const char *path);

/** tree_make - a node of @mode, with @len bytes of @bytes in it */
struct tree_node *tree_make(struct tree *t, const char *path, uint32_t mode, const void *bytes,
			    uint32_t len);

/** tree_answer - the answer to a message, at most @room bytes; returns its length */
uint32_t tree_answer(struct tree *t, const uint8_t *message, uint32_t len, uint8_t *answer,
		     uint32_t room);

#endif
