/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Doorbells: the keeper opens them, the worker rings and hears them.
 *
 * On a pair of paths the PMM binds PATH and the remote PATH.remote; each rings by sending a datagram
 * to the other's name. A remote that connects its socket instead is heard only until the PMM begins
 * anew: then it has to connect again.
 */
#ifndef CAUSEWAY_HOST_DOORBELL_H
#define CAUSEWAY_HOST_DOORBELL_H

#include <causeway/host/board.h>

#include <sys/un.h>

struct cw_doorbell {
	const struct cw_doorbell_ops *ops;
	int mine;		  /* the PMM's end, -1: none */
	int theirs;		  /* the end that the remote, or its emulator, inherits, -1: none */
	int bell;		  /* what the PMM rings when that is not `mine`, -1: it is */
	uint32_t every;		  /* microseconds between two looks, 0: woken by `mine` */
	char *path;		  /* socket bound by the PMM, removed at close; NULL: none */
	struct sockaddr_un to;	  /* with path: the remote's */
	unsigned char *registers; /* uio: a page of them, NULL: none */
	const struct cw_board_remote *remote; /* uio: which of them */
};

struct cw_doorbell_ops {
	const char *name;
	/** open - returns 0, or -1 with one clear line on @err and nothing left (keeper) */
	int (*open)(struct cw_doorbell *d, const struct cw_board_remote *r, FILE *err);
	/** close - closes both ends and removes the path (keeper) */
	void (*close)(struct cw_doorbell *d);
	/**
	 * ring - wake the remote: never blocks, whatever the other end does (worker)
	 *
	 * A ring that finds no room, or nobody, is no error: the first means that one is under way,
	 * the second that nobody sleeps.
	 */
	void (*ring)(struct cw_doorbell *d);
	/** clear - take what made `mine` readable, a bounded number of rings (worker) */
	void (*clear)(struct cw_doorbell *d);
};

extern const struct cw_doorbell_ops cw_doorbell_socket, cw_doorbell_poll, cw_doorbell_ivshmem,
	cw_doorbell_chardev, cw_doorbell_uio;

/**
 * cw_doorbell_ivshmem_greet - say on @sock all that an ivshmem server says to its client
 * @memory: descriptor of the shared memory, which the client is given as all of @memory's file
 *
 * Returns 0, or -1 with errno set. The client may connect to @sock later: all of it is buffered.
 */
int cw_doorbell_ivshmem_greet(const struct cw_doorbell *d, int sock, int memory);

/** cw_doorbell_open - open the doorbell of @r as its board file says; as ops->open */
int cw_doorbell_open(struct cw_doorbell *d, const struct cw_board_remote *r, FILE *err);

/** cw_doorbell_close - closes what cw_doorbell_open() opened; a zeroed @d is left alone */
void cw_doorbell_close(struct cw_doorbell *d);

#endif
