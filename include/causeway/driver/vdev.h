/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What every virtio driver does: status dance, features, queues, memory for rings and buffers, and
 * waiting with a deadline (virtio 1.3 section 3.1). Drivers (rng, net, console) build on it.
 *
 * Context: one thread or main loop a device; never an interrupt handler.
 */
#ifndef CAUSEWAY_DRIVER_VDEV_H
#define CAUSEWAY_DRIVER_VDEV_H

#include <causeway/abi/mmio.h>
#include <causeway/abi/virtio.h>
#include <causeway/core/ring_driver.h>
#include <causeway/driver/transport.h>

/* How long a device may take to finish a reset. */
#define CW_VDEV_RESET_US 1000000u

struct cw_vdev {
	struct cw_transport *t;
	uint64_t features; /* negotiated */
	uint32_t used;	   /* bytes of t->memory given out */
	int dead;	   /* 0 or the CW_E* after which the device must be opened anew */
};

/**
 * cw_vdev_open - reset the device and negotiate
 * @v: filled, all memory free again; @t: open transport; @id: expected virtio device id;
 * @wanted: features the driver can use; VERSION_1 is added and required, EVENT_IDX is added
 *
 * Returns 0, CW_ENODEV (another device), CW_ENOTSUP (no VERSION_1), CW_EREFUSED (features not
 * accepted), CW_ERESET, CW_ETIMEDOUT.
 */
int cw_vdev_open(struct cw_vdev *v, struct cw_transport *t, uint32_t id, uint64_t wanted);

/** cw_vdev_has - whether all of @features were negotiated */
static inline bool cw_vdev_has(const struct cw_vdev *v, uint64_t features)
{
	return (v->features & features) == features;
}

/**
 * cw_vdev_alloc - take memory from the device's block, aligned to the cache line
 * @size: bytes; @addr: filled with its address for descriptors
 *
 * Freed as a whole by the next cw_vdev_open(). Returns its place or NULL when the block is full.
 */
void *cw_vdev_alloc(struct cw_vdev *v, uint32_t size, cw_addr_t *addr);

/** cw_vdev_room - bytes of the block that cw_vdev_alloc() could still give in one piece */
uint32_t cw_vdev_room(const struct cw_vdev *v);

/**
 * cw_vdev_queue - bring queue @i into use
 * @q: filled; @slot: array of @max entries; @max: largest size wanted, a power of two
 *
 * Takes the smaller of @max and what the device offers. Between cw_vdev_open() and _start().
 * Returns 0, CW_ENODEV (no such queue), CW_ENOSPC (block full), or as cw_vdev_open().
 */
int cw_vdev_queue(struct cw_vdev *v, unsigned int i, struct cw_drvq *q, struct cw_drvq_slot *slot,
		  uint16_t max);

/** cw_vdev_start - DRIVER_OK. Returns as cw_vdev_open() */
int cw_vdev_start(struct cw_vdev *v);

/** cw_vdev_publish - publish what was added to queue @i and notify the device if it wants that */
void cw_vdev_publish(struct cw_vdev *v, unsigned int i, struct cw_drvq *q);

/**
 * cw_vdev_check - whether the device can still be talked to
 *
 * Returns 0, CW_ERESET (link began anew, or the device asks for a reset: open it again), or what
 * killed it earlier. Cheap; call before believing completions.
 */
int cw_vdev_check(struct cw_vdev *v);

/** cw_vdev_fail - remember that the device broke the rules; returns @err */
int cw_vdev_fail(struct cw_vdev *v, int err);

/**
 * cw_vdev_event - whether the configuration may have changed since the last call
 *
 * Also notices DEVICE_NEEDS_RESET: then cw_vdev_check() says CW_ERESET.
 */
bool cw_vdev_event(struct cw_vdev *v);

/**
 * cw_vdev_wait - until queue @q has a used chain
 * @timeout: microseconds
 *
 * Arms, looks again, sleeps. Returns 0, CW_ETIMEDOUT, CW_ERESET.
 */
int cw_vdev_wait(struct cw_vdev *v, struct cw_drvq *q, uint64_t timeout);

/** cw_vdev_config - a consistent copy of configuration bytes. Returns as transport->config() */
int cw_vdev_config(struct cw_vdev *v, uint32_t off, void *buf, uint32_t len);

#endif
