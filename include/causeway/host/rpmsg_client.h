/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Messages with a service of a remote, for programs on Linux (docs/board.md; apps/rpmsg-echo).
 *
 *	struct cw_rpmsg_client *c;
 *	const struct cw_rpmsg_client_config conf = { .service = "ping", .wait_us = 5000000 };
 *
 *	if (!cw_rpmsg_client_open(&c, &conf) && !cw_rpmsg_client_send(c, "hello", 5, 1000000))
 *		n = cw_rpmsg_client_recv(c, text, sizeof(text), 1000000);
 *
 * A client lives through the ends of what it talks to: when the remote, its service or the PMM went away, one
 * call says CW_ERESET, and the calls after it connect again, as soon as the service is back. Messages under
 * way at that time are lost; whether to say something again is the program's to know.
 *
 * Context: any thread, one at a time a client. Calls wait up to their timeout and no longer; 0 never
 * waits, UINT64_MAX has no end. Signals do not end a wait. Times are in microseconds. Errors are
 * those of causeway/core/err.h.
 *
 * Link with libcw_rpmsg_client and, for cw_strerror(), libcw_core: pkg-config knows both as causeway-rpmsg-client.
 */
#ifndef CAUSEWAY_HOST_RPMSG_CLIENT_H
#define CAUSEWAY_HOST_RPMSG_CLIENT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CW_RPMSG_CLIENT_MOST 65536u /* bytes of a message */

struct cw_rpmsg_client;

struct cw_rpmsg_client_config {
	const char *
		run_dir; /* of the PMM; NULL: $CAUSEWAY_RUN_DIR, or where causeway runs by default */
	const char *board;   /* NULL: the only one that runs and has messages */
	const char *remote;  /* NULL: the only one of the board with messages */
	const char *service; /* as the remote calls it, or as its socket is called */
	uint64_t wait_us;    /* for the service to appear */
};

/**
 * cw_rpmsg_client_open - connect to a service
 * @c: set on success; @conf: copied
 *
 * Waits until the service is there, up to conf->wait_us, also for its remote and its board.
 *
 * Returns 0, or for lack of it at the end CW_EDOWN (no such board runs), CW_ENODEV (no such remote, or it has no rpmsg
 * device), CW_ENOENT (no such service); CW_EINVAL (a name that cannot be, or one was left out and there are several);
 * CW_EACCES (only the PMM's user may connect); CW_ENOSPC (no memory, or no descriptor).
 */
int cw_rpmsg_client_open(struct cw_rpmsg_client **c, const struct cw_rpmsg_client_config *conf);

/**
 * cw_rpmsg_client_send - send a message, whole or not at all
 * @len: 1 to CW_RPMSG_CLIENT_MOST bytes; a remote takes what its buffers hold, or more in pieces (docs/spec/rpmsg.md)
 *
 * A message that was sent has reached the PMM, or waits for it; the remote need not have seen it. Who leaves many answers
 * unread finds no room (docs/board.md): a program that says more than it reads calls with a timeout.
 *
 * Returns 0; CW_EINVAL (@len); CW_ETIMEDOUT (no room, or no connection, in time: nothing was sent); CW_ERESET (the
 * connection was lost, nothing was sent, what was still unread is gone; once for each loss, from whichever
 * call sees it first).
 */
int cw_rpmsg_client_send(struct cw_rpmsg_client *c, const void *data, size_t len,
			 uint64_t timeout_us);

/**
 * cw_rpmsg_client_recv - take the next message of the service
 * @buf: filled; @size: bytes there, CW_RPMSG_CLIENT_MOST are always enough
 *
 * Returns its length, 1 or more; CW_ETIMEDOUT; CW_EBADLEN (it was longer than @size: @buf has its beginning, the
 * rest is gone); CW_ERESET (the connection was lost, and all before that has been read; once for each loss).
 */
int cw_rpmsg_client_recv(struct cw_rpmsg_client *c, void *buf, size_t size, uint64_t timeout_us);

/**
 * cw_rpmsg_client_fd - a descriptor for poll() or epoll, the same as long as the client lives
 *
 * Readable when cw_rpmsg_client_recv() with a timeout of 0 has something to do: a message, an end, or a try to
 * connect again. Not to be read, written or closed.
 */
int cw_rpmsg_client_fd(const struct cw_rpmsg_client *c);

/** cw_rpmsg_client_close - end it; NULL is fine */
void cw_rpmsg_client_close(struct cw_rpmsg_client *c);

#ifdef __cplusplus
}
#endif

#endif
