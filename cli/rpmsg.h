/* SPDX-License-Identifier: BSD-3-Clause */
/* What the parts of `causeway rpmsg` share. */
#ifndef CAUSEWAY_CLI_RPMSG_H
#define CAUSEWAY_CLI_RPMSG_H

#include "cli.h"

#include <causeway/core/err.h>
#include <causeway/host/rpmsg_client.h>

#include <stddef.h>
#include <stdint.h>

#define RPMSG_SECOND 1000000u

struct rpmsg_peer {
	struct cw_rpmsg_client *c;
	char remote[64], service[64];
};

/*
 * rpmsg_open - connect to a service of a remote, the only one with NULL
 *
 * Returns false with a line on standard error that says what there is instead.
 */
bool rpmsg_open(const struct cli_options *o, const char *remote, const char *service,
		struct rpmsg_peer *p);

/* rpmsg_lost - say that a service went away, which the client saw */
void rpmsg_lost(const struct rpmsg_peer *p);

/* rpmsg_catch - from now on, Ctrl-C and SIGTERM end rpmsg_wait() alone */
void rpmsg_catch(void);

enum rpmsg_news { RPMSG_NONE, RPMSG_SOME, RPMSG_STOP };

/* rpmsg_wait - until a recv has something to do, a time of rpmsg_now(), or somebody wants us to stop */
enum rpmsg_news rpmsg_wait(const struct rpmsg_peer *p, uint64_t deadline);

uint64_t rpmsg_now(void); /* microseconds */

/* The subcommands of its that have a file of their own; arguments as they were left. */
int rpmsg_ping(const struct cli_options *o);
int rpmsg_bench(const struct cli_options *o);
int rpmsg_tty(const struct cli_options *o);

#endif
