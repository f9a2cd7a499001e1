/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A server and two clients in one thread, and a carrier between them that loses, keeps back and repeats
 * messages as a test says. Its clock goes forward when somebody waits and nothing comes.
 */
#ifndef TESTS_UNIT_RPC_WIRE_H
#define TESTS_UNIT_RPC_WIRE_H

#include "unit.h"

#include <causeway/core/bytes.h>
#include <causeway/core/err.h>
#include <causeway/core/rpc.h>

#define WIRE_SIZE     128u /* bytes of the longest message */
#define WIRE_CALLS    4u
#define WIRE_REQUESTS 4u
#define WIRE_PEERS    2u
#define WIRE_CLIENTS  3u
#define WIRE_QUEUE    64u

struct wire_message {
	uint32_t from, len;
	uint8_t bytes[WIRE_SIZE];
};

struct wire_queue {
	struct wire_message m[WIRE_QUEUE];
	unsigned int n;
	bool full;	   /* the carrier has no room */
	unsigned int lose; /* messages to lose */
	bool twice;	   /* all are delivered twice */
	unsigned int sent;
};

struct wire_client {
	struct cw_rpc_client c;
	struct cw_rpc_call call[WIRE_CALLS];
	uint8_t out[WIRE_SIZE];
	struct wire_queue in; /* to it */
	uint32_t addr;
	unsigned int ups, downs;
	bool inside;
};

struct wire {
	struct cw_rpc_server s;
	struct cw_rpc_request request[WIRE_REQUESTS];
	struct cw_rpc_peer peer[WIRE_PEERS];
	uint8_t memory[2 * WIRE_REQUESTS * WIRE_SIZE];
	struct wire_queue in; /* to it */
	bool dead;	      /* nobody runs it while clients wait */
	unsigned int runs, ended;
	uint32_t ended_session;
	struct cw_rpc_request *later;
	struct wire_client client[WIRE_CLIENTS];
	uint64_t now;
};

extern struct wire w;

enum { ECHO = 1, FAIL, LATER, COUNT, LONG };

/** wire_start - all anew; sessions of the server are counted from @life */
void wire_start(uint32_t life);

/** wire_server - the server alone anew: it has restarted */
void wire_server(uint32_t life);

/** wire_client - client @i anew, with @nonce; it is told that somebody is there */
void wire_client(unsigned int i, uint32_t nonce);

/** wire_run - deliver until nothing is left */
void wire_run(void);

/** wire_put - a message of the test's own to the server (@to NULL) or a client */
void wire_put(struct wire_queue *q, uint32_t from, uint8_t type, uint16_t method, uint32_t session,
	      uint32_t id, uint32_t word);

/** wire_ask - a call of @method with text */
struct cw_rpc_ask wire_ask(uint16_t method, const char *text);

/* What became of a call that does not wait. */
struct wire_end {
	unsigned int n;
	int32_t status;
	char text[WIRE_SIZE];
};

void wire_done(void *ctx, int32_t status, const uint8_t *data, uint32_t len);

#endif
