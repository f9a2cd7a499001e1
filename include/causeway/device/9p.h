/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * 9P transport, device role: carries messages between a driver and a file server (virtio id 9; what
 * the messages say is the server's alone).
 *
 * What the server can answer without waiting goes straight into the remote's buffers. All else is
 * copied once and answered beside the thread that runs this device, in the order in which it came: so
 * a reset waits for no file.
 */
#ifndef CAUSEWAY_DEVICE_9P_H
#define CAUSEWAY_DEVICE_9P_H

#include <causeway/abi/9p.h>
#include <causeway/device/device.h>

#define CW_9P_ANSWER_MAX 256u /* bytes of an answer without its data */

/* A message under way; the owner gives room for as many as may be. */
struct cw_9p_request {
	struct cw_chain chain;
	struct cw_part *part; /* owner's array, as many as cw_9p_device_init() is told */
	uint8_t *message;     /* owner's, msize bytes: what the driver sent, @len of them */
	uint8_t *answer;      /* owner's, msize bytes: what it gets, at most @room of them */
	uint32_t len, room;   /* len: at least 7; room: at least 11, enough to say what failed */
	bool busy;	      /* with the owner */
	bool gone;	      /* a reset has overtaken it: its chain is nobody's */
};

struct cw_9p_device_ops {
	/**
	 * answer_now - answer a message if that takes no waiting. May be NULL
	 * @message, @len: of the request; @head: CW_9P_ANSWER_MAX bytes of private memory;
	 * @data, @n: the remote's memory behind the first 11 bytes of the answer; @data_len: 0, or set to
	 * the bytes put there
	 *
	 * Not called while anything is under way. Returns the bytes in @head, 11 when there is data, or
	 * CW_EAGAIN: by start().
	 */
	int (*answer_now)(void *ctx, const uint8_t *message, uint32_t len, uint8_t *head,
			  const struct cw_part *data, unsigned int n, uint32_t *data_len);
	/** start - answer @r->message in @r->answer beside, in the order of these calls */
	void (*start)(void *ctx, struct cw_9p_request *r);
	/** end - forget the session beside, after all that was started; one at a time */
	void (*end)(void *ctx);
	/**
	 * collect - call cw_9p_device_done() or cw_9p_device_ended() for all that is over by now
	 *
	 * Called when queue 0 is served: who has something to collect calls cw_device_wake(). So the
	 * link is looked at in between, and nothing is written to a remote that has gone.
	 */
	void (*collect)(void *ctx);
};

struct cw_9p_counters {
	uint64_t messages, message_bytes, answers, answer_bytes;
	uint32_t errors; /* answers that say so, which may be all that was asked: no such file */
	uint32_t strange;
};

struct cw_9p_device {
	struct cw_device dev; /* first: the model is found from it */
	const struct cw_9p_device_ops *ops;
	void *ctx;
	struct cw_9p_request *request;
	unsigned int requests, parts, busy;
	uint32_t msize;
	bool session; /* something was started since the last end */
	bool ending;  /* an end is under way: nothing is taken from the ring */
	struct cw_abi_9p_config config;
	struct cw_9p_counters count;
};

/**
 * cw_9p_device_init - prepare the model
 * @d: filled; @ops, @ctx: the server; @tag: name of what is exported, 1 to CW_9P_TAG_MAX bytes;
 * @msize: largest message, at least CW_9P_MSIZE_MIN; @queue: one; @request: array of @requests (at least
 * 1), each with part, message and answer set; @parts: entries of each part array
 *
 * Returns 0 or CW_EINVAL.
 */
int cw_9p_device_init(struct cw_9p_device *d, const struct cw_9p_device_ops *ops, void *ctx,
		      const char *tag, uint32_t msize, struct cw_device_queue *queue,
		      struct cw_9p_request *request, unsigned int requests, unsigned int parts);

/**
 * cw_9p_device_done - a message is answered
 * @len: bytes of @r->answer, at most @r->room; 0: there is no answer that fits
 *
 * From ops->collect only.
 */
void cw_9p_device_done(struct cw_9p_device *d, struct cw_9p_request *r, uint32_t len);

/** cw_9p_device_ended - the end that was asked for is over; from ops->collect only */
void cw_9p_device_ended(struct cw_9p_device *d);

#endif
