/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Talking to a board that runs, for the command line. Waits: never used by the keeper.
 */
#ifndef CAUSEWAY_HOST_CLIENT_H
#define CAUSEWAY_HOST_CLIENT_H

#include <stddef.h>
#include <stdio.h>

struct cJSON;

struct cw_client {
	int fd;
	char board[64];
	char *buf; /* the last line, and what was received beyond it */
	size_t len, room, taken;
	int passed; /* descriptor that came with the last answer, -1: none */
};

/**
 * cw_client_open - connect to a board
 * @board: its name or file, NULL: the only one that runs; @run_dir: or NULL
 *
 * Returns 0, or -1 with one line on @err.
 */
int cw_client_open(struct cw_client *c, const char *board, const char *run_dir, FILE *err);
void cw_client_close(struct cw_client *c);

/**
 * cw_client_ask - one request and its answer
 * @what: the request's "do"; @remote: or NULL; @follow: for "logs"
 *
 * Returns the answer, to be freed with cJSON_Delete(), or NULL with one line on @err, also when the
 * board said no.
 */
struct cJSON *cw_client_ask(struct cw_client *c, const char *what, const char *remote, int follow,
			    FILE *err);

/** cw_client_line - the next line, without its end; NULL when the board ended. Valid until the next call */
char *cw_client_line(struct cw_client *c);

#endif
