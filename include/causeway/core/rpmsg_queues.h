/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The pair of queues beneath an RPMsg channel: buffers to receive, buffers to send.
 *
 * Two implementations: the host's over rings in driver role (it owns the buffers of both directions), the
 * remote's over rings in device role (it is lent them). A buffer is named by a number that indexes the
 * private array of its direction; what is known of it is there and never in the buffer.
 *
 * Context: the channel's.
 */
#ifndef CAUSEWAY_CORE_RPMSG_QUEUES_H
#define CAUSEWAY_CORE_RPMSG_QUEUES_H

#include <causeway/abi/rpmsg.h>
#include <causeway/core/ring_device.h>
#include <causeway/core/ring_driver.h>

struct cw_rpmsg;
struct cw_rpmsg_endpoint;
struct cw_rpmsg_queues;

/* Private truth of one buffer */
struct cw_rpmsg_slot {
	uint8_t *p;
	uint32_t len;
	uint16_t stamp; /* not 0: held, or borrowed, by whoever knows this number */
	uint16_t next;	/* free list */
};

struct cw_rpmsg_buf {
	uint8_t *p;
	uint32_t len; /* received: bytes in it; to send: bytes of room, see cw_rpmsg_room() */
	uint16_t id;
};

/*
 * Members that return int: 1, 0 when there is none, or CW_E*: the channel is over. send and poll are all that
 * happens once a message.
 */
struct cw_rpmsg_queues_ops {
	/** send - cw_rpmsg_send(), with CW_RPMSG_ANY, or cw_rpmsg_sendto() */
	int (*send)(struct cw_rpmsg_endpoint *e, const void *data, uint32_t len, uint64_t timeout,
		    uint32_t dst);
	/** poll - receive up to @budget messages and hand them over; their number, or CW_E* */
	int (*poll)(struct cw_rpmsg *ch, struct cw_rpmsg_queues *q, unsigned int budget);
	/** give_back - a received buffer to the peer */
	void (*give_back)(struct cw_rpmsg_queues *q, uint16_t id);
	/** take - an empty buffer, unless only @keep are left */
	int (*take)(struct cw_rpmsg_queues *q, struct cw_rpmsg_buf *b, unsigned int keep);
	/** cancel - a buffer that was taken is not sent */
	void (*cancel)(struct cw_rpmsg_queues *q, const struct cw_rpmsg_buf *b);
	/** launch - fill in the header of a buffer that was taken, and send it */
	void (*launch)(struct cw_rpmsg_queues *q, const struct cw_rpmsg_buf *b, uint32_t src,
		       uint32_t dst, uint32_t len_flags);
	/** flush - what was sent becomes visible; with @all, what was given back too, however little */
	void (*flush)(struct cw_rpmsg_queues *q, bool all);
	/** arm - ask for a doorbell: messages, and with @room, buffers to send; true: there are some */
	bool (*arm)(struct cw_rpmsg_queues *q, bool room);
};

/* What queues need of whatever connects them with the peer. Members may be NULL, save notify. */
struct cw_rpmsg_transport {
	/** notify - queue @q has news up to @running, and the peer wants to know */
	void (*notify)(void *ctx, unsigned int q, uint32_t running);
	/** check - 0, or CW_E*: what the rings say does not come from the peer that they were made for */
	int (*check)(void *ctx);
	/** now - microseconds; NULL: nothing is repeated, no call waits */
	uint64_t (*now)(void *ctx);
	/** wait - sleep until something may have come, or @deadline. Returns 0 or CW_E* */
	int (*wait)(void *ctx, uint64_t deadline);
};

struct cw_rpmsg_queues {
	const struct cw_rpmsg_queues_ops *ops;
	const struct cw_rpmsg_transport *transport;
	void *ctx; /* the transport's */
	struct cw_rpmsg_slot *rx, *tx;
	uint32_t tx_size; /* bytes of room in a buffer to send, as last seen */
	uint16_t rx_n, tx_n;
	uint16_t idle, idle_n; /* buffers to send that are ours to fill: list through tx */
	uint16_t keep;	       /* of which this many are for announcements and credit */
	uint16_t want;	       /* who waits for room needs so many more than one */
	uint16_t returned;     /* buffers given back, not visible yet */
	uint16_t batch;	       /* how many of them become visible at once */
	bool sent;	       /* something was sent, not visible yet */
	uint32_t strange;      /* buffers of the peer that cannot be used */
};

/* ---- the host's ---- */

struct cw_rpmsg_host {
	struct cw_rpmsg_queues q; /* first */
	struct cw_drvq *rx, *tx;  /* queue 0, queue 1 */
};

/* Where a host has its buffers, of one direction. */
struct cw_rpmsg_pool {
	uint8_t *p;
	cw_addr_t addr;
	uint32_t size;	 /* bytes of a buffer, at least 16 */
	uint32_t stride; /* from one to the next, a multiple of 4 */
	uint16_t n;	 /* how many: 1 to the size of the queue */
};

/** cw_rpmsg_room - what a sender uses of a buffer of @len bytes: no more than a header can say */
static inline uint32_t cw_rpmsg_room(uint32_t len)
{
	const uint32_t most = CW_RPMSG_HEADER + UINT16_MAX;

	return len < most ? len : most;
}

/** cw_rpmsg_fit - how many buffers of each of two strides have room in @room bytes; strides above 0 */
static inline uint32_t cw_rpmsg_fit(uint32_t room, uint32_t a, uint32_t b)
{
	return a <= room && b <= room - a ? room / (a + b) : 0;
}

/**
 * cw_rpmsg_host_init - take fresh rings and buffers into use and post the buffers to receive
 * @h: filled; @rx, @tx: rings of queue 0 and 1; @rx_pool, @tx_pool; @rx_slot, @tx_slot: the caller's arrays
 * of as many entries
 *
 * Call it before the remote may begin (DRIVER_OK). Returns 0 or CW_EINVAL.
 */
int cw_rpmsg_host_init(struct cw_rpmsg_host *h, struct cw_drvq *rx, struct cw_drvq *tx,
		       const struct cw_rpmsg_pool *rx_pool, const struct cw_rpmsg_pool *tx_pool,
		       struct cw_rpmsg_slot *rx_slot, struct cw_rpmsg_slot *tx_slot);

/* ---- the remote's ---- */

struct cw_rpmsg_remote {
	struct cw_rpmsg_queues q; /* first */
	struct cw_devq *rx, *tx;  /* queue 1, queue 0 */
};

/**
 * cw_rpmsg_remote_init - take ready rings into use
 * @r: filled; @tx, @rx: rings of queue 0 and 1; @tx_slot, @rx_slot: the caller's arrays with an entry
 * for each descriptor of the queue; @size: bytes of a buffer of queue 0, until one was seen
 */
void cw_rpmsg_remote_init(struct cw_rpmsg_remote *r, struct cw_devq *tx, struct cw_devq *rx,
			  struct cw_rpmsg_slot *tx_slot, struct cw_rpmsg_slot *rx_slot,
			  uint32_t size);

#endif
