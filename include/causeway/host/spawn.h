/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Starting a program as a child that has nothing of ours but what it is given. Keeper only.
 */
#ifndef CAUSEWAY_HOST_SPAWN_H
#define CAUSEWAY_HOST_SPAWN_H

#include <sys/types.h>

#define CW_SPAWN_FDS 8u

struct cw_spawn {
	const char *
		path; /* of the program; NULL: the child calls main(ctx) and ends with its result */
	char *const *argv, *const *env;
	int fd[CW_SPAWN_FDS]; /* its descriptors 3, 4 ..., -1: closed there; they stay ours too */
	unsigned int fds;
	int (*main)(const void *ctx);
	const void *ctx;
};

/**
 * cw_spawn - run a child in a process group of its own
 * @pid: set on success; @uart: set on success, to the reading end of what it prints
 *
 * It reads nothing, has no other descriptor, no capability, default signals, leaves no core file and
 * ends when this process ends. Returns 0, or the errno of what failed: of its execve too.
 */
int cw_spawn(const struct cw_spawn *s, pid_t *pid, int *uart);

/** cw_spawn_stop - ask the whole group to end, or with @hard end it */
void cw_spawn_stop(pid_t pid, int hard);

#endif
