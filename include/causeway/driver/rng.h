/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The entropy driver (virtio 1.3 section 5.4).
 *
 * One request is in flight at most; its buffer lies in the device's block and what arrived is copied
 * out of it, so the caller's memory may be anywhere and is written only with bytes that arrived.
 *
 * Context: one thread or main loop; never an interrupt handler. After CW_ERESET, CW_EPEER or another
 * error of the peer every call returns that error until cw_rng_open() succeeds again.
 */
#ifndef CAUSEWAY_DRIVER_RNG_H
#define CAUSEWAY_DRIVER_RNG_H

#include <causeway/driver/vdev.h>

/* Bytes of one request at most; smaller when the block has no room for it. */
#ifndef CW_RNG_BUFFER
#define CW_RNG_BUFFER 1024u
#endif

struct cw_rng {
	struct cw_vdev v;
	struct cw_drvq q;
	struct cw_drvq_slot slot[2];
	unsigned char *buf; /* in the block */
	cw_addr_t addr;
	uint32_t size;	   /* bytes at buf */
	uint32_t at, have; /* bytes at buf + at that arrived and were not collected yet */
	uint32_t asked;	   /* bytes of the request in flight, 0: none */
};

/**
 * cw_rng_open - bring the device into use, the first time or anew
 * @rng: the caller's, filled; @t: open transport (cw_mmio_open()), outlives @rng
 *
 * May wait, at most the transport's deadline for each register request. Returns 0; CW_ENODEV (not an
 * entropy device, or it has no queue); CW_ENOSPC (block too small); CW_ENOTSUP (no VERSION_1);
 * CW_EREFUSED (the device refused a request); CW_ERESET (link down or begun anew); CW_ETIMEDOUT
 * (the device is silent: only a new link helps).
 */
int cw_rng_open(struct cw_rng *rng, struct cw_transport *t);

/**
 * cw_rng_read - wait for entropy
 * @buf: anywhere; its first bytes are written, as many as the return value says and no others;
 * @len: bytes wanted, 1 to INT32_MAX; @timeout_us: microseconds, 0 to look only
 *
 * Goes on after short answers until @len bytes came or the deadline passed. Returns the number of
 * bytes that arrived, 1 to @len; or, when none did, CW_ETIMEDOUT; CW_EINVAL (@len); CW_ERESET;
 * CW_EPEER (the device broke the ring's rules). What is still under way at the deadline is not lost:
 * the next call gets it.
 */
int cw_rng_read(struct cw_rng *rng, void *buf, uint32_t len, uint32_t timeout_us);

/**
 * cw_rng_submit - ask for entropy without waiting
 * @len: bytes, at least 1; more than the request buffer holds is cut to that
 *
 * Returns 0, CW_EINVAL (@len is 0), CW_EBUSY (a request is in flight or its bytes are not collected),
 * CW_ERESET, CW_EPEER.
 */
int cw_rng_submit(struct cw_rng *rng, uint32_t len);

/**
 * cw_rng_collect - take what arrived, without waiting
 * @buf: anywhere; @cap: its bytes, 1 to INT32_MAX; bytes that do not fit stay for the next call
 *
 * Returns the number of bytes written, 1 to @cap; CW_EAGAIN (nothing submitted, or not answered
 * yet); CW_EINVAL; CW_ERESET; CW_EPEER.
 */
int cw_rng_collect(struct cw_rng *rng, void *buf, uint32_t cap);

/**
 * cw_rng_arm - before sleeping: ask for a doorbell with the answer to what was submitted
 *
 * Returns true when there is news already (an answer, or the device is lost): call
 * cw_rng_collect() instead of sleeping.
 */
bool cw_rng_arm(struct cw_rng *rng);

#endif
