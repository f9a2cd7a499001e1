/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Entropy device (virtio 1.3 section 5.4), device role.
 *
 * Each request gets at least one byte and at most CW_RNG_REQUEST_MAX, whatever it asks for: drivers
 * must cope with short answers anyway, and a flood then costs others nothing they could feel.
 *
 * Context: the thread that owns the device.
 */
#ifndef CAUSEWAY_DEVICE_RNG_H
#define CAUSEWAY_DEVICE_RNG_H

#include <causeway/device/device.h>

#define CW_RNG_REQUEST_MAX 4096u  /* bytes for one request */
#define CW_RNG_PASS_MAX	   65536u /* bytes before other devices get their turn */
#define CW_RNG_RETRY_US	   10000u /* the source had nothing, or the rate is used up: look again */
#define CW_RNG_NEVER	   UINT64_MAX

struct cw_rng_ops {
	/**
	 * fill - store random bytes into the parts, in order and without a gap; must not block
	 * @part, @n: where; @max: at most so many bytes, 1 to CW_RNG_REQUEST_MAX
	 *
	 * Returns the bytes stored (1 to @max), or CW_EAGAIN when there are none: it is asked again
	 * CW_RNG_RETRY_US later. Any other negative value counts as an error and is treated alike.
	 */
	int (*fill)(void *ctx, const struct cw_part *part, unsigned int n, uint32_t max);
	/** now - microseconds of a monotonic clock */
	uint64_t (*now)(void *ctx);
};

struct cw_rng_counters {
	uint64_t requests, bytes;
	uint32_t capped, throttled, errors, strange;
};

struct cw_rng {
	struct cw_device dev; /* first: the model is found from it */
	const struct cw_rng_ops *ops;
	void *ctx;
	struct cw_part *part;
	unsigned int parts;
	uint32_t rate;	       /* bytes a second, 0: unlimited */
	uint64_t credit, paid; /* byte-microseconds, and until when they were paid */
	uint64_t retry;	       /* when to go on, or CW_RNG_NEVER */
	struct cw_chain chain; /* the request that waits, if any */
	bool waiting;
	struct cw_rng_counters count;
};

/**
 * cw_rng_init - prepare an entropy device
 * @r: filled; @ops, @ctx: the source; @rate: bytes a second, 0 for no limit;
 * @queue: one queue, num_max and own set; @part, @parts: room for the pieces of one request, as
 * many as the queue's size for a driver that uses them all
 *
 * Returns 0 or CW_EINVAL.
 */
int cw_rng_init(struct cw_rng *r, const struct cw_rng_ops *ops, void *ctx, uint32_t rate,
		struct cw_device_queue *queue, struct cw_part *part, unsigned int parts);

/** cw_rng_deadline - when cw_rng_poll() wants to run, by ops->now, or CW_RNG_NEVER */
static inline uint64_t cw_rng_deadline(const struct cw_rng *r)
{
	return r->retry;
}

/** cw_rng_poll - go on with a request that waited if it is time; true when the queue was woken */
bool cw_rng_poll(struct cw_rng *r);

#endif
