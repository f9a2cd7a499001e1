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
	bool started;	   /* DRIVER_OK was accepted */
	bool event; /* the configuration may have changed, and cw_vdev_event() has not said so */
	int dead;   /* 0 or the CW_E* after which the device must be opened anew */
};

/**
 * cw_vdev_open - reset the device and ask what it offers
 * @v: filled, all memory free again; @t: open transport; @id: expected virtio device id;
 * @wanted: features the driver can use; VERSION_1 is added and required, EVENT_IDX is added
 *
 * v->features is what both know; a driver may take bits away before cw_vdev_accept(). Returns 0,
 * CW_ENODEV (another device), CW_ENOTSUP (no VERSION_1), CW_EREFUSED (a request), CW_ERESET,
 * CW_ETIMEDOUT.
 */
int cw_vdev_open(struct cw_vdev *v, struct cw_transport *t, uint32_t id, uint64_t wanted);

/** cw_vdev_accept - FEATURES_OK with v->features. Returns as cw_vdev_open() */
int cw_vdev_accept(struct cw_vdev *v);

/** cw_vdev_has - whether all of @features were negotiated */
static inline bool cw_vdev_has(const struct cw_vdev *v, uint64_t features)
{
	return (v->features & features) == features;
}

/**
 * cw_vdev_alloc - take memory from the device's block, aligned to the cache line
 * @size: bytes; @addr: filled with its address for descriptors
 *
 * Freed as a whole by the next cw_vdev_open(). Returns its place, or NULL when the block is full:
 * then the device counts as lost with CW_ENOSPC.
 */
void *cw_vdev_alloc(struct cw_vdev *v, uint32_t size, cw_addr_t *addr);

/** cw_vdev_room - bytes of the block that cw_vdev_alloc() could still give in one piece */
uint32_t cw_vdev_room(const struct cw_vdev *v);

/**
 * cw_vdev_queue - bring queue @i into use
 * @q: filled; @slot: array of @max entries; @max: largest size wanted, a power of two
 *
 * Takes the smaller of @max and what the device offers. Between cw_vdev_accept() and _start().
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
 * Also notices DEVICE_NEEDS_RESET, or a status that is no longer ours: then cw_vdev_check() says
 * CW_ERESET.
 */
bool cw_vdev_event(struct cw_vdev *v);

/** cw_vdev_look - cw_vdev_event() forgotten, then cw_vdev_check(): a driver without configuration */
int cw_vdev_look(struct cw_vdev *v);

/**
 * cw_vdev_get - as cw_drvq_get(), but what it returns was said by the device we set up
 *
 * Returns 1, 0 when there is none, CW_ERESET, or CW_EPEER (also for a length above what was offered:
 * nothing such a device says is handed on; cookie and len are filled as cw_drvq_get() does).
 */
int cw_vdev_get(struct cw_vdev *v, struct cw_drvq *q, void **cookie, uint32_t *len);

/**
 * cw_vdev_arm - as cw_drvq_arm(); also true when status or configuration have news
 *
 * False on a device that was lost before the call: whoever owns it knows already.
 */
bool cw_vdev_arm(struct cw_vdev *v, struct cw_drvq *q);

/** cw_vdev_end - the moment @timeout microseconds from now, for cw_vdev_wait(); never wraps */
uint64_t cw_vdev_end(struct cw_vdev *v, uint64_t timeout);

/**
 * cw_vdev_wait - until queue @q has a used chain
 * @end: microseconds of the transport's now()
 *
 * Arms, looks again, sleeps. Returns 0, CW_ETIMEDOUT, CW_ERESET.
 */
int cw_vdev_wait(struct cw_vdev *v, struct cw_drvq *q, uint64_t end);

/** cw_vdev_config - a consistent copy of configuration bytes. Returns as transport->config() */
int cw_vdev_config(struct cw_vdev *v, uint32_t off, void *buf, uint32_t len);

#endif
