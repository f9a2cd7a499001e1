/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The keeper: `causeway run`. Owns what must survive a worker, supervises, answers.
 */
#ifndef CAUSEWAY_HOST_KEEPER_H
#define CAUSEWAY_HOST_KEEPER_H

#include <causeway/host/board.h>

struct cw_keeper_options {
	const char *run_dir; /* NULL: the default */
	bool quiet;	     /* do not show what remotes print */
};

/**
 * cw_keeper_run - run a board until it is stopped
 *
 * Returns the exit status: 0 stopped in order, 1 something could not be done (one line on standard
 * error says what) or the only remote failed. Either way nothing is left behind.
 */
int cw_keeper_run(const struct cw_board *board, const struct cw_keeper_options *options);

#endif
