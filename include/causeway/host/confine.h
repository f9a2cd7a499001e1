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

/* The system-call filter, compiled once in the keeper: a worker starts without allocating. */
struct cw_confine {
	struct sock_filter *filter;
	unsigned short length;
	bool landlock; /* the kernel has it */
};

/* What some worker needs beyond what all need. */
#define CW_CONFINE_ADDRESSES 1u /* datagrams are sent to names: a doorbell or a network on paths */
#define CW_CONFINE_FOLDERS   2u /* files below a folder are read */
#define CW_CONFINE_WRITABLE  4u /* and changed */
#define CW_CONFINE_VHOST     8u /* the kernel runs rings */

/**
 * cw_confine_prepare - compile the filter (keeper)
 * @needs: CW_CONFINE_*; without ADDRESSES a worker can reach nobody but those whom its sockets are
 * connected to, without FOLDERS it can use no path
 *
 * Returns 0 or -1 with a line on @err.
 */
int cw_confine_prepare(struct cw_confine *c, unsigned int needs, FILE *err);

void cw_confine_free(struct cw_confine *c);

/* A folder below which paths may be used: no program is run, no device, FIFO or socket made. */
struct cw_confine_folder {
	int fd; /* O_PATH will do; to be in @keep too */
	bool writable;
};

/**
 * cw_confine_worker - give up everything but the descriptors in @keep (worker)
 * @parent: process id of the keeper, with which this process dies; @keep, @n: sorted here; @files:
 * whether regular files are written, so that their size must not be limited; @more: descriptors
 * that it may still make or be given; @folder, @folders: see there, each with room for CW_9P_FDS
 * descriptors; @begin, @ctx: called last before the system-call filter, for threads that are to be
 * under it too; may be NULL
 *
 * With folders the umask becomes 0: who asks for a file says what it may be. A file that grows
 * beyond a limit is an error and no signal.
 *
 * Returns 0, or -1 with errno set: then the caller must exit.
 */
int cw_confine_worker(const struct cw_confine *c, pid_t parent, int *keep, unsigned int n,
		      bool files, unsigned int more, const struct cw_confine_folder *folder,
		      unsigned int folders, int (*begin)(void *ctx), void *ctx);

/** cw_confine_close - close every descriptor but those in @keep, sorted here */
int cw_confine_close(int *keep, unsigned int n);

/** cw_confine_privilege - drop all capabilities for good, also across execve and for root */
int cw_confine_privilege(void);

/** cw_confine_die_with - die when @parent does; fails when it is dead already */
int cw_confine_die_with(pid_t parent);

#endif
