/* SPDX-License-Identifier: BSD-3-Clause */
/* What the PMM says of a remote, and what the remote itself is asked. */
#ifndef STATUS_PAGE_CARRIER_H
#define STATUS_PAGE_CARRIER_H

#include "view.h"

/*
 * carrier_look - ask the board's keeper how @remote is (NULL: its only one)
 *
 * Waits for it for two seconds at most. Returns whether it has answered.
 */
bool carrier_look(struct view *v, const char *run_dir, const char *board, const char *remote);

struct cw_rpmsg_client_config;

/**
 * control_ask - one request to the service `control`, and its answer on standard output
 * @at: whose; @period: milliseconds, or 0: one sample now
 *
 * Returns 0, or -1 with a line on standard error.
 */
int control_ask(const struct cw_rpmsg_client_config *at, uint32_t period);

/** control_wish - ask @at for one sample and wait for nothing; false: there is no such service now, or no room */
bool control_wish(const struct cw_rpmsg_client_config *at);

#endif
