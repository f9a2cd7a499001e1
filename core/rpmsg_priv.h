/* SPDX-License-Identifier: BSD-3-Clause */
/* Between the channel, its name service, and the extensions that an application may leave out. */
#ifndef CAUSEWAY_CORE_RPMSG_PRIV_H
#define CAUSEWAY_CORE_RPMSG_PRIV_H

#include <causeway/core/rpmsg.h>

/* e->todo */
#define CW_RPMSG_TELL_CREATE  1u
#define CW_RPMSG_TELL_DESTROY 2u
#define CW_RPMSG_TELL_ACK     4u
#define CW_RPMSG_TELL_CREDIT  8u
#define CW_RPMSG_LOOK	      16u /* for a peer: nothing to tell, something to find */

struct cw_rpmsg_credit {
	/** may - whether e may send one more message to its peer */
	bool (*may)(const struct cw_rpmsg_endpoint *e);
	/** used - the endpoint has done with a message of its peer */
	void (*used)(struct cw_rpmsg_endpoint *e);
	/** heard - a message to the credit address */
	void (*heard)(struct cw_rpmsg *ch, const struct cw_rpmsg_msg *m);
	/** fill - the message that tells e's limit; returns its length */
	uint32_t (*fill)(struct cw_rpmsg_endpoint *e, uint8_t *p);
};

struct cw_rpmsg_until {
	uint64_t end, step;
};

struct cw_rpmsg_fragment {
	int (*send)(struct cw_rpmsg_endpoint *e, uint32_t dst, const uint8_t *data, uint32_t len,
		    uint64_t timeout);
	/** more - to e's peer, from *at on, as far as there is room */
	int (*more)(struct cw_rpmsg_endpoint *e, const uint8_t *data, uint32_t len, uint32_t *at);
	void (*heard)(struct cw_rpmsg_endpoint *e, const struct cw_rpmsg_msg *m);
};

/* rpmsg.c */

struct cw_rpmsg_endpoint *cw_rpmsg_find_(struct cw_rpmsg *ch, uint32_t addr);
void cw_rpmsg_bind_(struct cw_rpmsg_endpoint *e, uint32_t dst);
void cw_rpmsg_todo_(struct cw_rpmsg_endpoint *e, uint8_t what);
/* A message that wants a second look: the endpoint that is to have it, or NULL when it is dealt with. */
struct cw_rpmsg_endpoint *cw_rpmsg_before_(struct cw_rpmsg *ch, const struct cw_rpmsg_msg *m,
					   uint32_t flags);
/* With credit: its endpoint has done with it. */
void cw_rpmsg_used_(struct cw_rpmsg *ch, const struct cw_rpmsg_msg *m);
/* The end of a poll in which there is more to do than to flush: @n messages were taken, or an error. */
int cw_rpmsg_chores_(struct cw_rpmsg *ch, int n);

static inline uint16_t cw_rpmsg_lend_(struct cw_rpmsg *ch, struct cw_rpmsg_slot *s)
{
	ch->stamp = (uint16_t)(ch->stamp + 2); /* odd ones: 0 is nobody's */
	s->stamp = ch->stamp;
	return ch->stamp;
}

/* rpmsg_send.c */

/* A buffer for a message of e to @dst: 0, CW_EAGAIN, or the error that ended the channel. */
int cw_rpmsg_take_(struct cw_rpmsg_endpoint *e, uint32_t dst, struct cw_rpmsg_buf *b);
/* A buffer out of those that are kept for this. */
int cw_rpmsg_take_last_(struct cw_rpmsg *ch, struct cw_rpmsg_buf *b);
/* What came of a take that gave none: CW_EAGAIN, or the error, which ends the channel. */
int cw_rpmsg_not_taken_(struct cw_rpmsg *ch, int got);
/* Room may have come: those who asked for it are told, each in its turn first. */
void cw_rpmsg_wake_(struct cw_rpmsg *ch);
/* Waits for room: 0 to try again, CW_EAGAIN when it must not, CW_ETIMEDOUT, or what ended the channel. */
int cw_rpmsg_wait_(struct cw_rpmsg *ch, struct cw_rpmsg_until *u, uint64_t timeout);
/* What the first try did not do, and came to @err: tries again while there is time. @dst: CW_RPMSG_ANY: the peer. */
int cw_rpmsg_send_on_(struct cw_rpmsg_endpoint *e, const void *data, uint32_t len, uint64_t timeout,
		      uint32_t dst, int err);

/* rpmsg_ns.c */

static inline bool cw_rpmsg_announced_(const struct cw_rpmsg_endpoint *e)
{
	return e->name[0] && !e->fixed && !e->silent && e->channel->features & CW_RPMSG_F_NS;
}

void cw_rpmsg_ns_heard_(struct cw_rpmsg *ch, const struct cw_rpmsg_msg *m);
/* Tells the peer what is to be told, as far as there are buffers. */
void cw_rpmsg_tell_(struct cw_rpmsg *ch);
void cw_rpmsg_repeat_(struct cw_rpmsg *ch);
/* The channel, or the endpoint, is new: announce it and look for a peer. */
void cw_rpmsg_ns_begin_(struct cw_rpmsg_endpoint *e);

#endif
