/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Connections of a socket device (virtio 1.3 section 5.10.6): what packets do to them, for both
 * sides. Device and driver move the bytes; this knows who may send what, and how much.
 *
 * Everything here is private memory. A connection is known by its number in the owner's table, which
 * never grows: who finds it full is refused. Whatever a peer sends changes its own connections only.
 *
 * Context: one owner makes all calls.
 */
#ifndef CAUSEWAY_CORE_VSOCK_H
#define CAUSEWAY_CORE_VSOCK_H

#include <causeway/abi/virtio.h>
#include <causeway/core/ring_device.h>

#define CW_VSOCK_HDR	   ((uint32_t)sizeof(struct cw_abi_vsock_hdr))
#define CW_VSOCK_REFUSALS  16u	       /* to ports that are no connection's, waiting to be told */
#define CW_VSOCK_PORT_FREE 0x40000000u /* numbers for who asked for none begin here */
#define CW_VSOCK_PORT_ANY  UINT32_MAX

enum cw_vsock_state {
	CW_VSOCK_FREE,
	CW_VSOCK_CALLING, /* we asked; no answer yet */
	CW_VSOCK_CALLED,  /* we are asked; cw_vsock_answer() has not been called */
	CW_VSOCK_UP,
	CW_VSOCK_LEAVING, /* we shut both ways; the other end has not agreed yet */
	CW_VSOCK_OVER,	  /* a reset is still to be told, then it is free */
};

struct cw_vsock_conn {
	uint32_t port, peer_port;
	uint16_t type;	    /* enum cw_abi_vsock_type */
	uint8_t state;	    /* enum cw_vsock_state */
	bool held;	    /* by its owner: its number is not given to another yet */
	bool eager;	    /* they asked for our room, and sent nothing since */
	uint8_t tell;	    /* packets without data that wait to be sent */
	uint8_t shut;	    /* CW_VSOCK_SHUT_*, ours */
	uint8_t peer_shut;  /* theirs */
	uint32_t sent;	    /* bytes that we ever sent, modulo 2^32, as all that follow */
	uint32_t peer_room; /* their buffer */
	uint32_t peer_took; /* of sent */
	uint32_t got;	    /* bytes that we ever received */
	uint32_t took;	    /* of them, those that left our buffer */
	uint32_t told;	    /* took, as they last heard it */
};

/* What a packet came to. */
enum cw_vsock_news {
	CW_VSOCK_NOTHING,
	CW_VSOCK_ASKED,	   /* somebody wants port conn->port: cw_vsock_answer() */
	CW_VSOCK_ANSWERED, /* a connection that we asked for is up */
	CW_VSOCK_DATA,	   /* its bytes are to be taken, all of them: there is room */
	CW_VSOCK_ROOM,	   /* more may be sent than before, perhaps */
	CW_VSOCK_SHUT,	   /* conn->peer_shut has changed */
	CW_VSOCK_ENDED,	   /* it is over; its number may be used again by the next call */
};

struct cw_vsock {
	struct cw_vsock_conn *conn;
	unsigned int conns;
	unsigned int last;     /* found last */
	unsigned int turn;     /* who is first to tell something */
	unsigned int tells;    /* connections that have something to tell */
	uint64_t cid, peer;    /* ours and theirs */
	uint32_t room;	       /* bytes that each connection can hold */
	uint32_t next_port;    /* to be tried for one without a number */
	unsigned int refusals; /* waiting */
	struct {
		uint32_t port, peer_port;
		uint16_t type;
	} refusal[CW_VSOCK_REFUSALS];
	uint32_t strange; /* packets that no honest peer sends */
};

/**
 * cw_vsock_init - begin without connections
 * @v: zeroed before the first time; after that it remembers which port numbers were given last; @conn:
 * table of @conns entries; @cid, @peer: addresses of this side and the other; @room: bytes that each
 * connection's buffer can hold, a power of two up to 2^30
 */
void cw_vsock_init(struct cw_vsock *v, struct cw_vsock_conn *conn, unsigned int conns, uint64_t cid,
		   uint64_t peer, uint32_t room);

/**
 * cw_vsock_call - ask for a connection
 * @port: ours, or CW_VSOCK_PORT_ANY; @peer_port: theirs; @type: enum cw_abi_vsock_type
 *
 * Returns its number, CW_ENOSPC (the table is full), or CW_EBUSY (there is that one already).
 */
int cw_vsock_call(struct cw_vsock *v, uint32_t port, uint32_t peer_port, uint16_t type);

/** cw_vsock_answer - accept what CW_VSOCK_ASKED told of, or refuse it */
void cw_vsock_answer(struct cw_vsock *v, unsigned int i, bool yes);

/**
 * cw_vsock_take - a packet came
 * @h: a private copy of its header; @payload: bytes that came behind it; @i: filled with the number
 * of its connection, unless the result is CW_VSOCK_NOTHING
 *
 * Answers whatever needs an answer by itself (cw_vsock_next() has it).
 */
enum cw_vsock_news cw_vsock_take(struct cw_vsock *v, const struct cw_abi_vsock_hdr *h,
				 uint32_t payload, unsigned int *i);

/** cw_vsock_took - @len bytes of a connection left its buffer */
void cw_vsock_took(struct cw_vsock *v, unsigned int i, uint32_t len);

/** cw_vsock_may_send - bytes that the other end has room for; 0 when it takes none any more */
uint32_t cw_vsock_may_send(const struct cw_vsock_conn *c);

/** cw_vsock_ask_room - have the other end tell its room: for who waits for so much at once */
void cw_vsock_ask_room(struct cw_vsock *v, unsigned int i);

/**
 * cw_vsock_data - the header of @len bytes of data, which must be sent now
 * @len: 1 to cw_vsock_may_send(); @end: the last of its message (CW_VSOCK_SEQPACKET)
 */
void cw_vsock_data(struct cw_vsock *v, unsigned int i, uint32_t len, bool end,
		   struct cw_abi_vsock_hdr *h);

/** cw_vsock_shut - we shall not receive, not send (CW_VSOCK_SHUT_*), or both: then it is LEAVING */
void cw_vsock_shut(struct cw_vsock *v, unsigned int i, unsigned int how);

/** cw_vsock_reset - end a connection at once, or agree to its end */
void cw_vsock_reset(struct cw_vsock *v, unsigned int i);

/** cw_vsock_wants - whether cw_vsock_next() has a packet */
static inline bool cw_vsock_wants(const struct cw_vsock *v)
{
	return v->tells || v->refusals;
}

/** cw_vsock_next - the header of the next packet without data, which must be sent now; or false */
bool cw_vsock_next(struct cw_vsock *v, struct cw_abi_vsock_hdr *h);

/* ---- the bytes of one connection, between the ring and whoever takes them ---- */

struct cw_vsock_fifo {
	uint8_t *buf;  /* size bytes */
	uint8_t *ends; /* a bit for each of them: a message ends with it */
	uint32_t size; /* a power of two, at least 8 */
	uint32_t at, len;
	uint32_t messages; /* ends in it */
};

/** cw_vsock_fifo_bytes - memory for a fifo of @size bytes */
static inline uint32_t cw_vsock_fifo_bytes(uint32_t size)
{
	return size + size / 8;
}

/** cw_vsock_fifo_init - empty, in cw_vsock_fifo_bytes(@size) bytes of zeroes at @memory */
void cw_vsock_fifo_init(struct cw_vsock_fifo *f, uint8_t *memory, uint32_t size);

/** cw_vsock_fifo_put - append @len bytes of a chain from @at on; @end: a message is whole now */
void cw_vsock_fifo_put(struct cw_vsock_fifo *f, const struct cw_chain *c, uint32_t at, uint32_t len,
		       bool end);

/** cw_vsock_fifo_peek - where its first bytes are, at most @max: one or two pieces; their number */
unsigned int cw_vsock_fifo_peek(const struct cw_vsock_fifo *f, uint32_t max,
				struct cw_part part[2]);

/** cw_vsock_fifo_skip - its first @len bytes are done with */
void cw_vsock_fifo_skip(struct cw_vsock_fifo *f, uint32_t len);

/** cw_vsock_fifo_message - bytes of the first message, 0 when none is whole */
uint32_t cw_vsock_fifo_message(const struct cw_vsock_fifo *f);

#endif
