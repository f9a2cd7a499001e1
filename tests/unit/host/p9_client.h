/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A 9P client that packs what it is told, sense or nonsense, and holds every answer to its frame. It
 * shares no code with the server. One world a test: a server, and beside its export a folder that
 * must stay as it was.
 */
#ifndef TESTS_P9_CLIENT_H
#define TESTS_P9_CLIENT_H

#include "../core/unit.h"

#include <causeway/host/9p.h>

#include <sys/stat.h>

#define C9_ROOM (64u << 10)

struct c9 {
	char base[64]; /* holds export/ and outside/ */
	int root;
	unsigned int descriptors; /* before there was a server */
	struct cw_9p_server *server;
	uint32_t room;
	uint8_t request[C9_ROOM], reply[C9_ROOM];
	uint32_t len; /* of the reply */
	uint32_t at;  /* where c9_take() goes on */
	uint16_t tag;
};

int c9_setup(void **state); /* for cmocka: *state is a struct c9, attached as fid 0 */
int c9_teardown(void **state);
void c9_serve(struct c9 *c, bool read_only); /* anew, in a session, attached as fid 0 */

/*
 * Sends a message and returns its ecode, 0 for success. @format: a letter for each field, b w d q for
 * 1 to 8 bytes (int, int, unsigned int, uint64_t), s for a string, S for one of (ptr, int len), D for
 * (ptr, int len) without a length before it. What is left over becomes c9_take()'s.
 */
uint32_t c9_call(struct c9 *c, unsigned int type, const char *format, ...);
uint32_t c9_pack(struct c9 *c, unsigned int type, const char *format, ...); /* its length */
uint32_t c9_send(struct c9 *c, uint32_t len);				    /* what is packed */
uint64_t c9_take(struct c9 *c, unsigned int bytes);

/* Shorthands; each returns the ecode. */
uint32_t c9_walk(struct c9 *c, uint32_t fid, uint32_t newfid, const char *path);
uint32_t c9_open(struct c9 *c, uint32_t fid, uint32_t flags);
uint32_t c9_go(struct c9 *c, uint32_t newfid, const char *path, uint32_t flags); /* both, from 0 */
uint32_t c9_clunk(struct c9 *c, uint32_t fid);
/* Of the attributes of a fid, the one word at @at of the reply; fails the test on an error. */
uint64_t c9_attribute(struct c9 *c, uint32_t fid, uint32_t at, unsigned int bytes);
#define C9_AT_MODE 28u
#define C9_AT_SIZE 56u

/* The tree as Linux sees it. */
char *c9_at(struct c9 *c, const char *path); /* below the base; static, four in turn */
void c9_put_file(struct c9 *c, const char *path, const char *text);
char *c9_get_file(struct c9 *c, const char *path, char text[256]); /* NULL: there is none */

#endif
