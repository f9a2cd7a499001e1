/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Calls over RPMsg: an endpoint with a client, a server, or both behind it.
 *
 * Context: the channel's.
 */
#ifndef CAUSEWAY_CORE_RPC_RPMSG_H
#define CAUSEWAY_CORE_RPC_RPMSG_H

#include <causeway/core/rpc.h>
#include <causeway/core/rpmsg.h>

struct cw_rpc_rpmsg {
	struct cw_rpmsg_endpoint *e;
	struct cw_rpc_client *client; /* either may be NULL */
	struct cw_rpc_server *server;
	uint8_t *in; /* memory for a message that came */
	uint32_t size;
	uint64_t time; /* as last seen */
	uint32_t bad;  /* messages longer than that, or of which nobody makes sense */
};

/* The carrier of clients and servers whose ctx is a struct cw_rpc_rpmsg. */
extern const struct cw_rpc_carrier cw_rpc_rpmsg_carrier;

/**
 * cw_rpc_rpmsg_open - make the endpoint
 * @g: filled, but for e; @spec: name and addresses; its ops and ctx are not used
 *
 * A client asks for its session as soon as the endpoint has a peer. Returns what cw_rpmsg_create() does.
 */
int cw_rpc_rpmsg_open(struct cw_rpc_rpmsg *g, struct cw_rpmsg *ch,
		      const struct cw_rpmsg_spec *spec);

/** cw_rpc_rpmsg_close - end client and server, and the endpoint */
void cw_rpc_rpmsg_close(struct cw_rpc_rpmsg *g);

#endif
