/* SPDX-License-Identifier: BSD-3-Clause */
/* Between the remoteproc carrier (keeper) and the process that attends to one remote processor. */
#ifndef CAUSEWAY_HOST_REMOTEPROC_H
#define CAUSEWAY_HOST_REMOTEPROC_H

#include <signal.h>
#include <stdbool.h>

/* How it ends. */
enum remoteproc_end {
	REMOTEPROC_OFFLINE,	 /* stopped, and not by us */
	REMOTEPROC_STOPPED = 10, /* because it was asked to */
	REMOTEPROC_CRASHED,
	REMOTEPROC_DETACHED,
	REMOTEPROC_FAILED,  /* it was never started; what it printed says why */
	REMOTEPROC_STUCK,   /* it cannot be stopped */
	REMOTEPROC_EARLIER, /* it had crashed before we came */
	REMOTEPROC_LEFT,    /* running, as it was before we came */
};

/* Signals that it takes. */
#define REMOTEPROC_STOP	  SIGTERM
#define REMOTEPROC_LEAVE  SIGUSR2 /* stop it if it was not running before */
#define REMOTEPROC_DETACH SIGUSR1

/* Linux's settings as they were before us; shared by all that attend to a processor in turn. */
struct remoteproc_before {
	bool known;
	char recovery[16], coredump[16]; /* "": it has no such file */
};

struct remoteproc {
	const char *remote;   /* name, for messages */
	const char *folder;   /* in sysfs */
	const char *firmware; /* NULL: what is set */
	bool coredump;	      /* Linux is to keep what a crashed one leaves */
	bool again; /* it was ours: one that crashed, or could not be stopped, is started anew */
	struct remoteproc_before *before;
	int keeper; /* process id */
};

/* Puts recovery and coredump back, unless that would start a remote that crashed. */
void remoteproc_restore(const struct remoteproc *r);

/**
 * remoteproc_attend - start a remote processor and stay with it until it runs no more
 * @ctx: a struct remoteproc
 *
 * In a process of its own, as Linux may take its time over each write. Returns an enum remoteproc_end.
 */
int remoteproc_attend(const void *ctx);

#endif
