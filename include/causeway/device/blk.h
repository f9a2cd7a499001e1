/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Block device, device role (virtio 1.3 section 5.2): read, write, flush, discard, write zeroes, id.
 *
 * Reads that the owner can serve at once go straight into the remote's buffers. All else goes in steps
 * through private memory, beside the thread that runs this device: what the disk sees was copied once,
 * and a reset waits for no disk.
 */
#ifndef CAUSEWAY_DEVICE_BLK_H
#define CAUSEWAY_DEVICE_BLK_H

#include <causeway/device/device.h>

#define CW_BLK_SEGMENTS	   16u	       /* of one discard or write-zeroes request */
#define CW_BLK_RANGE_MAX   (1u << 22)  /* sectors of one of them */
#define CW_BLK_STEP	   65536u      /* bytes that one step moves; a multiple of the sector */
#define CW_BLK_REQUEST_MAX (16u << 20) /* bytes of one read or write */

/* One step of a request, which the owner does beside. Private memory throughout. */
struct cw_blk_step {
	uint32_t type;	 /* enum cw_abi_blk_type: IN, OUT, FLUSH, DISCARD, WRITE_ZEROES */
	bool unmap;	 /* WRITE_ZEROES: blocks may be given back */
	bool sync;	 /* OUT: on the disk before it is done */
	uint64_t offset; /* bytes */
	uint64_t len;	 /* bytes; IN and OUT: at most CW_BLK_STEP */
	uint8_t *buf;	 /* IN, OUT: CW_BLK_STEP bytes */
};

/* A request under way; the owner gives room for as many as may be. */
struct cw_blk_request {
	struct cw_blk_step step; /* valid between ops->start and cw_blk_done() */
	struct cw_chain chain;
	struct cw_part *part; /* owner's array, as many as cw_blk_init() is told */
	uint8_t *buf;	      /* owner's, CW_BLK_STEP bytes */
	uint64_t offset, len, at;
	struct cw_abi_blk_segment segment[CW_BLK_SEGMENTS];
	unsigned int segments;
	uint32_t type;
	bool busy; /* with the owner */
	bool gone; /* a reset has overtaken it: its chain is nobody's */
};

struct cw_blk_ops {
	/**
	 * read_now - fill @part with @len bytes from @offset if that takes no waiting. May be NULL
	 *
	 * Returns @len; CW_EAGAIN: by a step; anything else is answered as an error of the disk.
	 */
	int (*read_now)(void *ctx, const struct cw_part *part, unsigned int n, uint64_t offset,
			uint32_t len);
	/** start - do @r->step beside, in the order of these calls; collect() tells when it is over */
	void (*start)(void *ctx, struct cw_blk_request *r);
	/**
	 * collect - call cw_blk_done() for each step that is over by now
	 *
	 * Called when queue 0 is served: who has something to collect calls cw_device_wake(). So the
	 * link is looked at in between, and nothing is written to a remote that has gone.
	 */
	void (*collect)(void *ctx);
};

struct cw_blk_counters {
	uint64_t reads, read_bytes, writes, write_bytes;
	uint32_t errors, strange;
};

struct cw_blk {
	struct cw_device dev; /* first: the model is found from it */
	const struct cw_blk_ops *ops;
	void *ctx;
	struct cw_blk_request *request;
	unsigned int requests, parts, busy;
	uint64_t capacity; /* sectors */
	bool read_only;
	char id[CW_BLK_ID_LEN]; /* NUL-padded */
	struct cw_abi_blk_config config;
	struct cw_blk_counters count;
};

struct cw_blk_geometry {
	uint64_t sectors; /* of 512 bytes, at least 1 */
	uint32_t block;	  /* bytes that are written as one: a power of two from 512 to 64K */
	bool read_only;
	bool zeroes;	/* discard and write zeroes are offered */
	const char *id; /* at most 20 bytes */
};

/**
 * cw_blk_init - prepare the model
 * @b: filled; @ops, @ctx: the disk; @g: what it is; @queue: one; @request: array of @requests (at least
 * 1), each with part and buf set; @parts: entries of each part array
 *
 * Returns 0 or CW_EINVAL.
 */
int cw_blk_init(struct cw_blk *b, const struct cw_blk_ops *ops, void *ctx,
		const struct cw_blk_geometry *g, struct cw_device_queue *queue,
		struct cw_blk_request *request, unsigned int requests, unsigned int parts);

/**
 * cw_blk_done - a step is over
 * @ok: all of step.len was moved, or what else was wanted was done
 *
 * From ops->collect only. May call ops->start again for the same request.
 */
void cw_blk_done(struct cw_blk *b, struct cw_blk_request *r, bool ok);

#endif
