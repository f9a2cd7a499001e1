/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A unit: one device of one remote in a worker: the model (device/) with its backend (host/backend/).
 *
 * The keeper calls cw_backend_open(), which may open paths and needs whatever privilege that takes;
 * the descriptors outlive workers. The worker calls the rest with those descriptors only: it has no
 * paths and, after it locked itself in, no allocation either.
 */
#ifndef CAUSEWAY_HOST_UNIT_H
#define CAUSEWAY_HOST_UNIT_H

#include <causeway/device/bus.h>
#include <causeway/host/board.h>

#include <poll.h>
#include <stdio.h>
#include <sys/uio.h>

#define CW_UNIT_FDS (2u * CW_PORTS_MAX)

/* Descriptors of one device's backend, in the order its kind defines. */
struct cw_backend_fds {
	unsigned int n;
	int fd[CW_UNIT_FDS];
	uint64_t features;	      /* vhost: what this kernel can */
	char note[CW_PORTS_MAX][108]; /* for status: pty path, socket path, interface name */
};

/**
 * cw_backend_open - open what a device's backend needs (keeper)
 * @d, @r: from the board; @board: for messages; @fds: filled; @err: one clear line, what would mend it
 *
 * Returns 0 or -1 with nothing left open and nothing left behind.
 */
int cw_backend_open(const struct cw_board *board, const struct cw_board_remote *r,
		    const struct cw_board_device *d, struct cw_backend_fds *fds, FILE *err);

/** cw_backend_close - close them and remove what was created (sockets, links) */
void cw_backend_close(const struct cw_board_device *d, struct cw_backend_fds *fds);

/**
 * cw_backend_connect - connect to a port of a device's backend (keeper)
 *
 * Never waits. Returns the descriptor, or -1: nobody is there. With vhost: the kernel's device, anew,
 * whatever the port.
 */
int cw_backend_connect(const struct cw_board_device *d, uint32_t port, bool message);

/* Of a vsock device: connections, and callers that have not said where to. */
#define CW_VSOCK_CONNECTIONS 64u
#define CW_VSOCK_CALLERS     16u

#define CW_VHOST_FDS 6u /* the kernel's device, two events a queue, one for mistakes */

/* Of an rpmsg device: services of the remote, and programs that use them, all services together. */
#define CW_RPMSG_SERVICES 32u
#define CW_RPMSG_CLIENTS  64u
#define CW_RPMSG_WAITING  64 /* callers of one service that nobody picked up yet */

#define CW_ASK_NAME 32u

enum cw_ask_kind {
	CW_ASK_CONNECT = 1, /* vsock: a connection to @port of the device's backend */
	CW_ASK_PUBLISH,	    /* rpmsg: a listening socket for service @name, which is number @port */
	CW_ASK_UNPUBLISH,   /* rpmsg: the socket of service number @port goes */
};

/*
 * What a worker wants of its keeper. It may have been taken over by its remote: the keeper checks all of
 * it. Anything that is no cw_ask says that the report has news.
 */
struct cw_ask {
	uint32_t kind;
	uint32_t remote, device; /* in the worker's order, in the layout */
	uint32_t port;
	uint32_t message; /* connect: 1: seqpacket, 0: stream */
	uint32_t id;
	char name[CW_ASK_NAME];
};

struct cw_unit;

struct cw_unit_stats {
	uint64_t rx_packets, rx_bytes, tx_packets, tx_bytes; /* from the remote's point of view */
	uint64_t dropped, errors, strange;		     /* strange: impossible requests */
	uint32_t open,
		joined; /* console, a bit a port: the remote has it open, somebody is there */
};

/* A service of an rpmsg device's remote, as it counts from its announcement on. */
struct cw_unit_service {
	char name[CW_ASK_NAME]; /* of whatever bytes: to be cleaned by who shows it */
	uint32_t addr;		/* UINT32_MAX: there is none of this number */
	uint32_t clients;
	uint64_t to_linux, to_remote, dropped; /* messages */
};

/* Of an rpmsg device; counters as in struct cw_rpmsg_counters */
struct cw_unit_channel {
	uint32_t up;
	uint32_t bad, unknown, ns_bad, ns_full, fragment, lost, errors;
	struct cw_unit_service service[CW_RPMSG_SERVICES];
};

struct cw_unit_ops {
	/**
	 * begin - start what works beside the worker's own thread; NULL: nothing does
	 *
	 * Once, when the worker has given up its privileges and before the system-call filter is in
	 * force. Returns 0, or -1 with errno set.
	 */
	int (*begin)(struct cw_unit *u);
	/**
	 * fds - what to wait for now: fills up to CW_UNIT_FDS entries, returns their number. Asked
	 * again before each sleep: a unit that has no room for input does not ask for POLLIN.
	 */
	unsigned int (*fds)(struct cw_unit *u, struct pollfd *p);
	/** ready - @p as returned by poll; marks queues with cw_device_wake() */
	void (*ready)(struct cw_unit *u, const struct pollfd *p, unsigned int n);
	/**
	 * look - for a spinning worker: try the backend without a poll; true when it had something.
	 * May be NULL.
	 */
	bool (*look)(struct cw_unit *u);
	/** deadline - microseconds (CLOCK_MONOTONIC) at which ready() wants to run, or CW_LINK_NEVER */
	uint64_t (*deadline)(struct cw_unit *u);
	/**
	 * given - the keeper's answer to ask(): @fd is the unit's own now, -1: there is nobody, or it
	 * does not do that now
	 *
	 * As ready(), outside of serving. NULL: the unit never asks.
	 */
	void (*given)(struct cw_unit *u, uint32_t id, int fd);
	void (*stats)(const struct cw_unit *u, struct cw_unit_stats *s);
	/** channel - rpmsg only, NULL for others */
	void (*channel)(const struct cw_unit *u, struct cw_unit_channel *c);
	/** free - see cw_unit_free() */
	void (*free)(struct cw_unit *u);
};

struct cw_unit {
	const struct cw_unit_ops *ops;
	struct cw_device *dev; /* initialised, with queues; hand it to cw_device_bus_add() */
	const struct cw_board_device *board;
	uint8_t *
		copy; /* CW_UNIT_COPY bytes that the kernel gets in place of the remote's, or NULL */
	struct iovec iov; /* of it */
	/**
	 * ask - have the keeper do what @a says, whose remote and device are filled in; for all but
	 * CW_ASK_UNPUBLISH ops->given() is called with its id some time later
	 *
	 * Set by the unit's owner after cw_unit_create(). Returns 0, or -1: it cannot be asked now.
	 */
	int (*ask)(void *ctx, struct cw_ask *a);
	void *ask_ctx;
};

#define CW_UNIT_COPY (65536u + 64u) /* the longest frame with its header */

/**
 * cw_unit_create - make model and backend (worker, before it locks itself in)
 * @place: from the layout: number and size of queues; @fds: from the keeper, owned by the unit;
 * @kernel_may_touch: of the memory that its queues will be in
 *
 * Allocates all it will ever need. Returns NULL with errno set.
 */
struct cw_unit *cw_unit_create(const struct cw_board_device *d,
			       const struct cw_layout_device *place,
			       const struct cw_backend_fds *fds, bool kernel_may_touch);

/** cw_unit_free - free it and close what it accepted by itself; the keeper's descriptors stay open */
void cw_unit_free(struct cw_unit *u);

#endif
