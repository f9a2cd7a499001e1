/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Entropy driver (virtio 1.3 section 5.4).
 *
 * Bytes are handed on only after the device gave them back within the link in which they were asked
 * for, and never more of them than were offered: what a caller gets has arrived.
 *
 * Context: one thread or main loop. Every call but cw_rng_open() is for a struct that was opened once;
 * after CW_ERESET, CW_EPEER or CW_ETIMEDOUT of cw_rng_open() they return that until it is opened anew.
 */
#ifndef CAUSEWAY_DRIVER_RNG_H
#define CAUSEWAY_DRIVER_RNG_H

#include <causeway/driver/vdev.h>

#ifndef CW_RNG_BUFFER
#define CW_RNG_BUFFER 256u /* bytes asked for at once; a buffer of this size in the block */
#endif

struct cw_rng_driver {
	struct cw_vdev vdev;
	struct cw_drvq queue;
	struct cw_drvq_slot slot[2];
	uint8_t *buffer; /* in the block: the device writes here */
	cw_addr_t buffer_addr;
	uint32_t asked;	   /* bytes of the request in flight, 0: none */
	uint32_t at, have; /* what arrived and was not taken yet: buffer[at] to buffer[have - 1] */
};

/**
 * cw_rng_open - bring the device into use on the present link
 * @r: filled; @t: an opened transport, outlives @r
 *
 * Thread; waits for the device, at most the transport's deadline for each request. Returns 0 or the
 * errors of cw_vdev_open() and cw_vdev_queue().
 */
int cw_rng_open(struct cw_rng_driver *r, struct cw_transport *t);

/**
 * cw_rng_ask - ask for up to @len bytes without waiting (at most CW_RNG_BUFFER)
 *
 * Returns 0; CW_EBUSY when a request is in flight or its bytes are not all taken; CW_EINVAL when @len
 * is 0; or CW_ERESET, CW_EPEER: open it anew.
 */
int cw_rng_ask(struct cw_rng_driver *r, uint32_t len);

/**
 * cw_rng_take - take what arrived of the request in flight
 * @buf: anywhere, room for @len bytes; only bytes that arrived are written; @len: at least 1, what
 * does not fit stays for the next call
 *
 * Returns the number of bytes, at least 1; CW_EAGAIN when the answer is not there yet; CW_EINVAL when
 * nothing was asked or @len is 0; or CW_ERESET, CW_EPEER: nothing was written, open it anew.
 */
int cw_rng_take(struct cw_rng_driver *r, void *buf, uint32_t len);

/**
 * cw_rng_read - fill a buffer with entropy
 * @buf: anywhere; only bytes that arrived are written, from its start; @len: 1 to INT32_MAX;
 * @timeout: microseconds for the whole of it; 0: ask, and take what is there
 *
 * Asks as often as it takes. Returns @len when all arrived; fewer when the deadline passed or the
 * device was lost after some had (those are valid); when none had, CW_ETIMEDOUT, CW_ERESET or
 * CW_EPEER; CW_EINVAL. A request under way at the deadline is not lost: the next call gets its bytes.
 */
int cw_rng_read(struct cw_rng_driver *r, void *buf, uint32_t len, uint64_t timeout);

/**
 * cw_rng_arm - before sleeping: ask for a doorbell when the answer comes
 *
 * Returns true when there is news already, be it the loss of the device: cw_rng_take() says which.
 */
bool cw_rng_arm(struct cw_rng_driver *r);

#endif
