/* SPDX-License-Identifier: BSD-3-Clause */
/* Calls from one side to the other, as they travel in messages of any carrier (docs/spec/rpc.md). */
#ifndef CAUSEWAY_ABI_RPC_H
#define CAUSEWAY_ABI_RPC_H

#include <causeway/abi/types.h>

#define CW_RPC_VERSION 1u
#define CW_RPC_LEAST   64u /* bytes of a message that every side takes */

enum cw_abi_rpc_type {
	CW_RPC_HELLO = 1, /* client: a session is wanted */
	CW_RPC_WELCOME,	  /* server: here it is */
	CW_RPC_REFUSED,	  /* server: there is no such session, or can be none */
	CW_RPC_CALL,	  /* client */
	CW_RPC_TELL,	  /* client: a call that gets no answer */
	CW_RPC_ANSWER,	  /* server */
	CW_RPC_CANCEL,	  /* client: that answer is not wanted any more */
	CW_RPC_BYE,	  /* client: the session is over */
};

/* Before the arguments, or what comes back; in the other messages alone. */
struct cw_abi_rpc {
	uint8_t version;
	uint8_t type;
	struct cw_le16 method; /* WELCOME: calls that may be under way */
	struct cw_le32 session;
	struct cw_le32 id;   /* of the call; HELLO, WELCOME: the client's nonce */
	struct cw_le32 word; /* HELLO, WELCOME: bytes of the longest message that is taken;
				CALL: milliseconds that the caller waits; ANSWER, REFUSED: status */
};

CW_ABI_AT(cw_abi_rpc, method, 2);
CW_ABI_AT(cw_abi_rpc, session, 4);
CW_ABI_AT(cw_abi_rpc, id, 8);
CW_ABI_AT(cw_abi_rpc, word, 12);
CW_ABI_SIZE(cw_abi_rpc, 16);

#define CW_RPC_FOREVER	  0xffffffffu /* a CALL without a deadline */
#define CW_RPC_STATUS_MIN (-63)	      /* below: the library's errors; above 0: the application's */
#define CW_RPC_WINDOW	  64u	      /* an id this far behind the newest is not looked at */

#endif
