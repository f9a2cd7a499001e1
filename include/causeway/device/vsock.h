/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Socket device (virtio 1.3 section 5.10), device role: streams and messages (seqpacket).
 *
 * The remote's connections to ports of this side are handed to the owner, who says yes or no; the
 * owner makes connections to the remote's ports with cw_vsock_device_dial(). A connection is a number
 * from 0 on, the same in all calls, from ops->connect() or cw_vsock_device_dial() to ops->closed().
 *
 * Bytes of the remote go to the owner where they lie, when that is worth it, or by way of a buffer of
 * the connection, whose size is what the remote is told it may send; so a connection that nobody reads
 * holds up no other. Bytes for the remote are read straight into its buffers.
 *
 * Context: the thread that owns the device.
 */
#ifndef CAUSEWAY_DEVICE_VSOCK_H
#define CAUSEWAY_DEVICE_VSOCK_H

#include <causeway/core/vsock.h>
#include <causeway/device/device.h>

#define CW_VSOCK_PARTS	32u   /* pieces of one chain at most */
#define CW_VSOCK_DIRECT 2048u /* bytes of a packet from which on they are not copied */
#define CW_VSOCK_QUEUES 3u

struct cw_vsock_device_ops {
	/**
	 * connect - the remote wants @port; @message: as seqpacket
	 *
	 * Returns CW_OK: it is connected; CW_EAGAIN: cw_vsock_device_answer() tells; else: refused, and
	 * closed() is not called.
	 */
	int (*connect)(void *ctx, unsigned int i, uint32_t port, bool message);
	/** opened - the remote accepted what cw_vsock_device_dial() began */
	void (*opened)(void *ctx, unsigned int i);
	/**
	 * output - bytes of the remote; of seqpacket one whole message
	 *
	 * Returns the bytes taken (a message wholly or not), 0: none now, cw_vsock_device_writable() is
	 * called later; negative: the other end is gone.
	 */
	int (*output)(void *ctx, unsigned int i, const struct cw_part *part, unsigned int n);
	/**
	 * input - bytes for the remote; of seqpacket from one message, @end filled: its last
	 *
	 * Returns the bytes stored; 0: there will be no more; CW_EAGAIN: none now,
	 * cw_vsock_device_readable() is called later; other: the other end is gone.
	 */
	int (*input)(void *ctx, unsigned int i, const struct cw_part *part, unsigned int n,
		     bool *end);
	/** shut - the remote sends no more (CW_VSOCK_SHUT_SEND), receives no more (_RCV) */
	void (*shut)(void *ctx, unsigned int i, unsigned int how);
	/** closed - it is over; the number may come again */
	void (*closed)(void *ctx, unsigned int i);
};

/* One connection; the owner gives as many as there may be. */
struct cw_vsock_device_conn {
	struct cw_vsock_fifo fifo; /* of the remote's bytes */
	bool used;		   /* the owner knows it */
	bool dirty;		   /* listed: its fifo is to be looked at */
	bool readable;		   /* input() may have something */
	bool over;		   /* input() will have nothing more */
	bool hung;		   /* the owner's end takes nothing more either */
	uint8_t shut;		   /* what the owner was told of the remote's shutdown */
};

struct cw_vsock_device_counters {
	uint64_t rx_packets, rx_bytes, tx_packets, tx_bytes; /* from the remote's point of view */
	uint32_t refused, dropped;
};

struct cw_vsock_device {
	struct cw_device dev; /* first: the model is found from it */
	const struct cw_vsock_device_ops *ops;
	void *ctx;
	struct cw_vsock vsock;
	struct cw_vsock_conn *state;
	struct cw_vsock_device_conn *conn;
	uint16_t *dirty; /* numbers of those with bytes in their fifo that were not offered yet */
	unsigned int dirties;
	unsigned int readables; /* connections that are readable */
	unsigned int turn;
	struct cw_chain held; /* a receive buffer that nothing was found for */
	struct cw_part held_part[CW_VSOCK_PARTS];
	bool has_held;
	struct cw_abi_vsock_config config;
	struct cw_vsock_device_counters count;
};

/* Memory that the owner gives, for @conns connections. */
struct cw_vsock_device_memory {
	unsigned int conns;
	uint32_t room; /* bytes that each connection buffers, a power of two from 4096 on */
	struct cw_vsock_conn *state;
	struct cw_vsock_device_conn *conn;
	uint16_t *dirty;
	uint8_t *bytes; /* conns * cw_vsock_fifo_bytes(room), zeroes */
};

/**
 * cw_vsock_device_init - prepare the model
 * @v: filled; @cid: the remote's address, at least CW_VSOCK_CID_MIN; @m: all arrays of m->conns entries;
 * @queue: CW_VSOCK_QUEUES of them
 *
 * Returns 0 or CW_EINVAL.
 */
int cw_vsock_device_init(struct cw_vsock_device *v, const struct cw_vsock_device_ops *ops,
			 void *ctx, uint64_t cid, const struct cw_vsock_device_memory *m,
			 struct cw_device_queue *queue);

/**
 * cw_vsock_device_dial - connect to a port of the remote
 *
 * Returns the connection's number, CW_ENOSPC, or CW_EDOWN: no driver is there, or it does not know
 * this kind. ops->opened() or ops->closed() tells what came of it.
 */
int cw_vsock_device_dial(struct cw_vsock_device *v, uint32_t port, bool message);

/** cw_vsock_device_answer - what ops->connect() left open; refused: closed() is not called */
void cw_vsock_device_answer(struct cw_vsock_device *v, unsigned int i, bool yes);

/** cw_vsock_device_readable - input() may have something for the remote, or its end */
void cw_vsock_device_readable(struct cw_vsock_device *v, unsigned int i);

/** cw_vsock_device_writable - output() may take something again */
void cw_vsock_device_writable(struct cw_vsock_device *v, unsigned int i);

/** cw_vsock_device_hung - the owner's end takes nothing more; what it still gives is delivered */
void cw_vsock_device_hung(struct cw_vsock_device *v, unsigned int i);

/** cw_vsock_device_abort - end it at once; ops->closed() is called */
void cw_vsock_device_abort(struct cw_vsock_device *v, unsigned int i);

/** cw_vsock_device_room - bytes of the longest message that the remote could ever take */
static inline uint32_t cw_vsock_device_room(const struct cw_vsock_device *v, unsigned int i)
{
	return v->state[i].peer_room;
}

/** cw_vsock_device_port - our port of a connection */
static inline uint32_t cw_vsock_device_port(const struct cw_vsock_device *v, unsigned int i)
{
	return v->state[i].port;
}

/** cw_vsock_device_leaving - whether it waits for the remote to agree to its end */
static inline bool cw_vsock_device_leaving(const struct cw_vsock_device *v, unsigned int i)
{
	return v->state[i].state == CW_VSOCK_LEAVING;
}

#endif
