/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How the PMM's children lose what they do not need. The worker locks itself in for good: known
 * system calls, no path, no capability, no new descriptor from elsewhere. A process remote only
 * loses privilege: it is the user's own program.
 */
#ifndef CAUSEWAY_HOST_CONFINE_H
#define CAUSEWAY_HOST_CONFINE_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

struct sock_filter;

/* The system-call filter, compiled once in the keeper so that a worker starts without allocating. */
struct cw_confine {
	struct sock_filter *filter;
	unsigned short length;
	bool landlock; /* the kernel has it */
};

/**
 * cw_confine_prepare - compile the filter (keeper)
 * @addresses: datagrams may be sent to a name, as a doorbell or a network on paths needs it; otherwise a worker
 * can reach nobody but those whom its sockets are connected to
 *
 * Returns 0 or -1 with a line on @err.
 */
int cw_confine_prepare(struct cw_confine *c, bool addresses, FILE *err);

void cw_confine_free(struct cw_confine *c);

/**
 * cw_confine_worker - give up everything but the descriptors in @keep (worker)
 * @parent: process id of the keeper, with which this process dies; @keep, @n: sorted here;
 * @files: whether regular files are written, so that their size must not be limited; @begin, @ctx: called
 * last before the system-call filter, for threads that are to be under it too; may be NULL
 *
 * Returns 0, or -1 with errno set: then the caller must exit.
 */
int cw_confine_worker(const struct cw_confine *c, pid_t parent, int *keep, unsigned int n,
		      bool files, int (*begin)(void *ctx), void *ctx);

/** cw_confine_close - close every descriptor but those in @keep, sorted here */
int cw_confine_close(int *keep, unsigned int n);

/** cw_confine_privilege - drop all capabilities for good, also across execve and for root */
int cw_confine_privilege(void);

/** cw_confine_die_with - die when @parent does; fails when it is dead already */
int cw_confine_die_with(pid_t parent);

#endif
