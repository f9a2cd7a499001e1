/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The run directory: BOARD.sock (control socket) and BOARD.lock of each board that runs.
 */
#ifndef CAUSEWAY_HOST_RUNDIR_H
#define CAUSEWAY_HOST_RUNDIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct cw_rundir {
	char path[80];	/* directory, without a slash at its end */
	char lock[108]; /* of this board; empty: not held */
	char sock[108];
	int lock_fd;
};

/**
 * cw_rundir_find - where the run directory is
 * @given: --run-dir, or NULL: $CAUSEWAY_RUN_DIR, /run/causeway for root, $XDG_RUNTIME_DIR/causeway,
 * /tmp/causeway-UID
 */
int cw_rundir_find(struct cw_rundir *d, const char *given, FILE *err);

/**
 * cw_rundir_take - make the directory (0700, must be ours) and hold the board's lock
 *
 * Returns 0; 1 when a board of this name runs; -1 with a line on @err.
 */
int cw_rundir_take(struct cw_rundir *d, const char *board, FILE *err);

/** cw_rundir_release - remove socket, lock file, and the directory when it is empty */
void cw_rundir_release(struct cw_rundir *d);

/**
 * cw_rundir_runs - whether somebody listens at a board's control socket
 * @dir: descriptor of the run directory; @board: a name, no path
 *
 * What a killed keeper left does not count; a keeper that is stopped, or too busy to answer, does. Never waits.
 */
bool cw_rundir_runs(int dir, const char *board);

/**
 * cw_rundir_service - what a service's socket is called there: nothing that means something in a path
 * @to: @n bytes of the name, no zero; @name: what the remote calls it, of whatever bytes
 */
void cw_rundir_service(char *to, const char *name, size_t n);

#endif
