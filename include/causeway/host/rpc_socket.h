/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Calls to a service of a remote, for programs on Linux: core/rpc.h over host/rpmsg_client.h (apps/rpmsg-call).
 * Link with libcw_rpmsg_client and libcw_core, as pkg-config's causeway-rpmsg-client does.
 *
 * Context: one thread at a time for each.
 */
#ifndef CAUSEWAY_HOST_RPC_SOCKET_H
#define CAUSEWAY_HOST_RPC_SOCKET_H

#include <causeway/core/rpc.h>
#include <causeway/host/rpmsg_client.h>

#ifdef __cplusplus
extern "C" {
#endif

struct cw_rpc_socket {
	struct cw_rpmsg_client *messages; /* the caller's */
	struct cw_rpc_client *client;
	uint8_t *in; /* memory for a message that came, of client->conf.size bytes */
	bool inside, lost;
};

/* The carrier of a client whose ctx is a struct cw_rpc_socket. */
extern const struct cw_rpc_carrier cw_rpc_socket_carrier;

/** cw_rpc_socket_begin - ask for a session; @s: filled, its client initialised */
void cw_rpc_socket_begin(struct cw_rpc_socket *s);

/**
 * cw_rpc_socket_poll - take what has come, without waiting; end calls whose time is over
 *
 * For programs with a loop of their own: when cw_rpmsg_client_fd() is readable, and at
 * cw_rpc_client_deadline(). A connection that was lost is the end of the session, and the next is asked for.
 */
void cw_rpc_socket_poll(struct cw_rpc_socket *s);

#ifdef __cplusplus
}
#endif

#endif
