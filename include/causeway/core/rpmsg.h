/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * RPMsg, both roles (docs/spec/rpmsg.md): endpoints, name service, messages.
 *
 * A channel (struct cw_rpmsg) lives as long as its owner likes; queues come and go beneath it with the
 * peer. Endpoints stay through that: they lose their peer, are announced again and find a new one.
 * Nothing that decides anything is kept in shared memory.
 *
 * Who brings queues: driver/rpmsg.h and device/rpmsg.h over virtio, core/rpmsg_classic.h with a resource
 * table.
 *
 * Context: one thread or main loop a channel makes every call; callbacks come from cw_rpmsg_poll() and
 * from calls that wait. Within a callback no call waits: it returns CW_EAGAIN instead.
 */
#ifndef CAUSEWAY_CORE_RPMSG_H
#define CAUSEWAY_CORE_RPMSG_H

#include <causeway/abi/rpmsg.h>
#include <causeway/core/rpmsg_queues.h>

struct cw_rpmsg;
struct cw_rpmsg_endpoint;

/* A message as it was received. */
struct cw_rpmsg_msg {
	const uint8_t
		*data; /* the payload where it lies, mostly in shared memory: cw_rpmsg_copy() */
	uint32_t len;  /* bytes of it; was checked */
	uint32_t src, dst;
	uint16_t buffer, stamp; /* for cw_rpmsg_release() */
};

/* What receive() returns to keep the message until cw_rpmsg_release(); anything else gives it back. */
#define CW_RPMSG_HOLD 1

/* Members may be NULL, save receive. */
struct cw_rpmsg_endpoint_ops {
	/** receive - a message. @m lives as long as the call, unless held */
	int (*receive)(struct cw_rpmsg_endpoint *e, const struct cw_rpmsg_msg *m);
	/** peer - the endpoint has got a peer (e->dst), or lost it */
	void (*peer)(struct cw_rpmsg_endpoint *e, bool has);
	/** writable - a send that came back with CW_EAGAIN may succeed now */
	void (*writable)(struct cw_rpmsg_endpoint *e);
};

struct cw_rpmsg_endpoint {
	const struct cw_rpmsg_endpoint_ops *ops; /* NULL: the entry is free */
	void *ctx;				 /* the application's */
	struct cw_rpmsg *channel;
	uint32_t addr; /* CW_RPMSG_ANY: none */
	uint32_t dst;  /* the peer, or CW_RPMSG_ANY */
	char name[CW_RPMSG_NAME];
	bool fixed;	  /* dst was given: it is not learned and not announced */
	bool silent;	  /* not announced: it looks for a service, and is none */
	bool starved;	  /* a send failed for want of room */
	uint8_t todo;	  /* what is still to be told to the peer's side */
	uint32_t life;	  /* of this table entry: makes addresses new */
	uint32_t leaving; /* address that it had, whose end may still have to be told */
	/* credit */
	uint32_t sent, limit; /* by us to the peer */
	uint32_t used, told;  /* by the peer to us */
	uint16_t window;      /* messages that may be under way to it; 0: any number */
	bool limited;
	/* assembly of long messages */
	uint8_t *assembly;
	uint32_t assembly_size, have, whole, from;
};

/* A service that the peer has announced. */
struct cw_rpmsg_service {
	char name[CW_RPMSG_NAME]; /* NUL-terminated, printable ASCII: others are '?' */
	uint32_t addr;		  /* CW_RPMSG_ANY: the entry is free */
};

struct cw_rpmsg_ops { /* members may be NULL */
	/** link - the channel has begun, or ended; once each */
	void (*link)(void *ctx, bool up);
	/** service - the peer announced a service, or its end; @name as in struct cw_rpmsg_service */
	void (*service)(void *ctx, const char *name, uint32_t addr, bool there);
};

struct cw_rpmsg_counters {
	uint32_t received, sent;
	uint32_t bad;	   /* messages with an impossible length or address */
	uint32_t unknown;  /* to an endpoint that is not there */
	uint32_t ns_bad;   /* announcements that make no sense */
	uint32_t ns_full;  /* announcements for which there was no room */
	uint32_t fragment; /* pieces of long messages that did not fit */
	uint32_t stale;	   /* releases and sends of a buffer that the caller does not have */
	uint32_t lost;	   /* ends of the channel */
	uint32_t errors;   /* ends for which the peer broke a rule */
};

struct cw_rpmsg_credit;
struct cw_rpmsg_fragment;
extern const struct cw_rpmsg_credit cw_rpmsg_credit;	 /* core/rpmsg_credit.c */
extern const struct cw_rpmsg_fragment cw_rpmsg_fragment; /* core/rpmsg_fragment.c */

#define CW_RPMSG_REPEATS 5u

struct cw_rpmsg_config {
	struct cw_rpmsg_endpoint *endpoint; /* the caller's table */
	uint16_t endpoints;		    /* 1 to 1024 */
	uint16_t services;		    /* entries of the next, 0: announcements are not kept */
	struct cw_rpmsg_service *service;
	const struct cw_rpmsg_ops *ops; /* NULL: none */
	void *ctx;
	const struct cw_rpmsg_credit *credit;	  /* &cw_rpmsg_credit to offer it, or NULL */
	const struct cw_rpmsg_fragment *fragment; /* &cw_rpmsg_fragment to offer it, or NULL */
	bool nuttx;				  /* NuttX's feature bits instead of Linux's */
	uint8_t repeats;			  /* of announcements; mostly CW_RPMSG_REPEATS */
};

struct cw_rpmsg {
	struct cw_rpmsg_config conf;
	struct cw_rpmsg_queues *queues;		  /* NULL: down */
	const struct cw_rpmsg_credit *credit;	  /* when negotiated */
	const struct cw_rpmsg_fragment *fragment; /* when negotiated */
	uint64_t features;
	uint64_t repeat_at; /* when announcements are repeated, UINT64_MAX: never */
	uint32_t mask; /* of dynamic addresses: endpoints rounded up to a power of two, less 1 */
	uint16_t stamp, turn;
	uint8_t repeated;
	bool inside; /* in a callback */
	bool todo;   /* something is to be told */
	bool starved;
	struct cw_rpmsg_counters count;
};

/**
 * cw_rpmsg_init - prepare a channel; it is down
 * @ch: filled; @conf: copied, its tables are emptied and stay in use
 *
 * Returns 0 or CW_EINVAL.
 */
int cw_rpmsg_init(struct cw_rpmsg *ch, const struct cw_rpmsg_config *conf);

/** cw_rpmsg_features - what this channel can do, as feature bits to offer or to accept */
uint64_t cw_rpmsg_features(const struct cw_rpmsg *ch);

/** cw_rpmsg_is_up - whether there is a peer */
static inline bool cw_rpmsg_is_up(const struct cw_rpmsg *ch)
{
	return ch->queues != NULL;
}

struct cw_rpmsg_spec {
	const char *
		name; /* printable ASCII, up to 31 characters; NULL or "": neither announced nor found */
	uint32_t addr; /* below or above CW_RPMSG_DYNAMIC, or CW_RPMSG_ANY: the next */
	uint32_t dst;  /* CW_RPMSG_ANY: the peer is found by name or by its first message */
	const struct cw_rpmsg_endpoint_ops *ops;
	void *ctx;
	uint16_t window; /* with credit: messages that its peer may have under way; 0: any number */
	void *assembly;	 /* with fragments: memory for one long message to it, or NULL */
	uint32_t assembly_size;
	bool silent; /* its name is that of a service of the other side, and not announced */
};

/**
 * cw_rpmsg_create - make an endpoint; up or down, also in a callback
 * @e: set to an entry of the table
 *
 * Returns 0, CW_EINVAL (name, address), CW_EBUSY (the address is in use), CW_ENOSPC (the table is full;
 * an entry is free again when the end of its former endpoint has been told).
 */
int cw_rpmsg_create(struct cw_rpmsg *ch, const struct cw_rpmsg_spec *spec,
		    struct cw_rpmsg_endpoint **e);

/** cw_rpmsg_destroy - end an endpoint and tell the peer; messages it holds stay the caller's to release */
void cw_rpmsg_destroy(struct cw_rpmsg_endpoint *e);

/**
 * cw_rpmsg_credit_window - another window for an endpoint that was made with one; its peer is told (core/rpmsg_credit.c)
 * @window: as in struct cw_rpmsg_spec; 0: from now on nothing is given back, so the peer stops at the
 * limit that it was told last
 *
 * From anywhere on the channel's thread. Without credit it only holds for the next peer.
 */
void cw_rpmsg_credit_window(struct cw_rpmsg_endpoint *e, uint16_t window);

/** cw_rpmsg_mtu - bytes of a message that one buffer holds now; 0 when down */
uint32_t cw_rpmsg_mtu(const struct cw_rpmsg *ch);

/**
 * cw_rpmsg_send - send a copy of @len bytes to the endpoint's peer; visible at once
 * @timeout: microseconds to wait for a peer, a buffer, and credit, with back-off; 0: do not wait. While it waits messages
 * are received.
 *
 * Returns 0; CW_EAGAIN (nothing was sent; writable() comes later); CW_ETIMEDOUT (likewise; of a long message
 * some pieces may have been sent, which the peer drops); CW_EINVAL (longer than cw_rpmsg_mtu(), and fragments
 * were not negotiated, or it never can be sent without waiting); CW_EDOWN; CW_ERESET or CW_EPEER: the channel ended during the call.
 */
int cw_rpmsg_send(struct cw_rpmsg_endpoint *e, const void *data, uint32_t len, uint64_t timeout);

/** cw_rpmsg_sendto - the same to address @dst of the peer's side */
int cw_rpmsg_sendto(struct cw_rpmsg_endpoint *e, uint32_t dst, const void *data, uint32_t len,
		    uint64_t timeout);

/**
 * cw_rpmsg_send_more - cw_rpmsg_send() for who must not wait, of a message of any length
 * @at: 0 at first; how much of a long message has been sent
 *
 * A long message goes piece by piece as buffers come, where without waiting cw_rpmsg_send() would need them
 * all at once. CW_EAGAIN: call again with the same message and @at when writable() comes. Who gives it up
 * sends nothing long from another endpoint to the same peer: its receiver waits for the rest.
 *
 * Returns as cw_rpmsg_send() with a timeout of 0.
 */
int cw_rpmsg_send_more(struct cw_rpmsg_endpoint *e, const void *data, uint32_t len, uint32_t *at);

/* A buffer to be filled in place. */
struct cw_rpmsg_tx {
	uint8_t *
		data; /* shared memory: cw_copy_out(), or plain stores where it is ordinary memory */
	uint32_t room; /* bytes */
	uint16_t buffer, stamp;
};

/**
 * cw_rpmsg_tx_get - borrow a buffer to send from
 *
 * Returns 0, CW_EAGAIN (none; writable() comes later), CW_EDOWN, CW_ERESET, CW_EPEER.
 */
int cw_rpmsg_tx_get(struct cw_rpmsg_endpoint *e, struct cw_rpmsg_tx *tx);

/**
 * cw_rpmsg_tx_send - send a borrowed buffer; not visible before cw_rpmsg_flush() or cw_rpmsg_poll()
 * @len: bytes of payload; @dst: e->dst, or another address
 *
 * The buffer is the channel's again if 0 is returned. CW_EINVAL: @len or @dst, or it was not borrowed;
 * CW_EAGAIN: no peer, or no credit; CW_EDOWN: it is void.
 */
int cw_rpmsg_tx_send(struct cw_rpmsg_endpoint *e, const struct cw_rpmsg_tx *tx, uint32_t dst,
		     uint32_t len);

/** cw_rpmsg_tx_cancel - give a borrowed buffer back unsent */
void cw_rpmsg_tx_cancel(struct cw_rpmsg *ch, const struct cw_rpmsg_tx *tx);

/** cw_rpmsg_flush - make what was sent and released visible */
void cw_rpmsg_flush(struct cw_rpmsg *ch);

/** cw_rpmsg_release - give a held message back; a second time, or after the channel ended, does nothing */
void cw_rpmsg_release(struct cw_rpmsg *ch, const struct cw_rpmsg_msg *m);

/** cw_rpmsg_copy - copy @len bytes at @at of a message into private memory; returns the bytes copied */
uint32_t cw_rpmsg_copy(const struct cw_rpmsg_msg *m, uint32_t at, void *dst, uint32_t len);

/**
 * cw_rpmsg_poll - receive up to @budget messages, at least 1, and do all that is due
 *
 * Call until it returns 0: given back buffers are visible to the peer then, or after cw_rpmsg_flush().
 *
 * Returns the number of messages taken, dropped ones too; CW_EDOWN; CW_EBUSY in a callback; CW_ERESET or
 * CW_EPEER when the channel ended: its transport is to begin it anew.
 */
int cw_rpmsg_poll(struct cw_rpmsg *ch, unsigned int budget);

/** cw_rpmsg_arm - before sleeping: flush, and ask for a doorbell at the next news; true: there is some */
bool cw_rpmsg_arm(struct cw_rpmsg *ch);

/** cw_rpmsg_deadline - when cw_rpmsg_poll() wants to run at the latest; UINT64_MAX: no such time */
uint64_t cw_rpmsg_deadline(const struct cw_rpmsg *ch);

/* ---- for transports ---- */

/** cw_rpmsg_up - a peer is there, with @features negotiated; @queues stay in use until cw_rpmsg_down() */
void cw_rpmsg_up(struct cw_rpmsg *ch, struct cw_rpmsg_queues *queues, uint64_t features);

/**
 * cw_rpmsg_sizes - bytes of a buffer of each queue, from the configuration space
 * @features: negotiated; @config, @len: a private copy of it; @most: more is refused; @size: filled
 *
 * Returns 0, CW_EVERSION, CW_EBADLEN.
 */
int cw_rpmsg_sizes(const struct cw_rpmsg *ch, uint64_t features, const uint8_t *config,
		   uint32_t len, uint32_t most, uint32_t size[2]);

/** cw_rpmsg_down - the peer is gone; touches no shared memory; nothing when down already */
void cw_rpmsg_down(struct cw_rpmsg *ch);

#endif
