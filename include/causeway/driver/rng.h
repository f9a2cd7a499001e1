/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Entropy driver (virtio 1.3 section 5.4).
 *
 * Bytes are handed on only after the device gave them back within the link in which they were asked
 * for, and never more of them than were offered: what a caller gets has arrived.
 *
 * Context: one thread or main loop.
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
	uint32_t asked; /* bytes of the request in flight, 0: none */
};

/**
 * cw_rng_open - bring the device into use on the present link
 * @r: filled; @t: an opened transport
 *
 * Thread. Returns 0 or the errors of cw_vdev_open() and cw_vdev_queue().
 */
int cw_rng_open(struct cw_rng_driver *r, struct cw_transport *t);

/**
 * cw_rng_ask - ask for up to @len bytes without waiting (at most CW_RNG_BUFFER)
 *
 * Returns 0, CW_EBUSY when a request is in flight, CW_EINVAL when @len is 0, or CW_ERESET,
 * CW_EPEER: open it anew.
 */
int cw_rng_ask(struct cw_rng_driver *r, uint32_t len);

/**
 * cw_rng_take - take what arrived of the request in flight
 * @buf: room for @len bytes; only bytes that arrived are written
 *
 * Returns the number of bytes, CW_EAGAIN when the answer is not there yet, CW_EINVAL when nothing
 * was asked, or CW_ERESET, CW_EPEER, CW_EBADLEN: nothing was written, open it anew.
 */
int cw_rng_take(struct cw_rng_driver *r, void *buf, uint32_t len);

/**
 * cw_rng_read - fill a buffer with entropy
 * @timeout: microseconds for the whole of it
 *
 * Asks as often as it takes. Returns @len when all arrived, fewer when the deadline passed after some
 * had (those are valid), CW_ETIMEDOUT when none had, or the errors of cw_rng_take().
 */
int cw_rng_read(struct cw_rng_driver *r, void *buf, uint32_t len, uint64_t timeout);

#endif
