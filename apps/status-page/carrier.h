/* SPDX-License-Identifier: BSD-3-Clause */
/* What the PMM says of a remote, and what the remote itself is asked. */
#ifndef STATUS_PAGE_CARRIER_H
#define STATUS_PAGE_CARRIER_H

#include "view.h"

#include <causeway/host/rpmsg_client.h>

/* Whose remote it is about: as told, or as found where nothing was told. What was found stays. */
struct carrier {
	const char *run_dir, *board,
		*remote; /* NULL: not known yet, or, @run_dir, where it is by default */
	char board_name[64], remote_name[64]; /* what they point to in the end */
	bool there; /* it may be joined: both are known, and no keeper says that there is no such */
	bool found; /* a keeper has said so, once */
	char trouble[512]; /* why not, or why no keeper could be asked; "": all is well */
};

/**
 * carrier_look - ask the board's keeper how the remote is, and choose it where it was not told
 * @v: told what is known, or NULL
 *
 * What was not told is the only board that runs, and its only remote with messages; where there are several, @trouble
 * names them. Waits for the keeper for two seconds at most. Returns whether it has answered.
 */
bool carrier_look(struct carrier *c, struct view *v);

/** carrier_config - @service of it, once it is there */
struct cw_rpmsg_client_config carrier_config(const struct carrier *c, const char *service);

/**
 * control_ask - one request to the service `control`, and its answer on standard output
 * @period: milliseconds, or 0: one sample now
 *
 * Returns 0, or -1 with a line on standard error.
 */
int control_ask(struct carrier *c, uint32_t period);

/** control_wish - ask for one sample and wait for nothing; false: there is no such service now, or no room */
bool control_wish(const struct carrier *c);

#endif
