/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How a driver reaches its device: register accesses as virtio-mmio has them, and notifications.
 * Implementations: driver/mmio.c (registers over plain memory). A port may bring its own, e.g. a
 * plain trapping virtio-mmio accessor.
 *
 * Context: thread or main loop, one caller at a time per transport; never an interrupt handler.
 */
#ifndef CAUSEWAY_DRIVER_TRANSPORT_H
#define CAUSEWAY_DRIVER_TRANSPORT_H

#include <causeway/core/window.h>

#ifndef __cplusplus
#include <stdbool.h>
#endif

struct cw_transport;

/* Members return 0 or CW_E*; CW_ERESET: the link began anew; CW_ETIMEDOUT: the device is silent. */
struct cw_transport_ops {
	/** read - a 32-bit register below 0x100, after everything written before has taken effect */
	int (*read)(struct cw_transport *t, uint32_t reg, uint32_t *value);
	/** write - @width 4 below 0x100, else 1, 2 or 4; may be posted until flush or read */
	int (*write)(struct cw_transport *t, uint32_t reg, uint32_t width, uint32_t value);
	/** flush - everything written has taken effect, or an error says that it was refused */
	int (*flush)(struct cw_transport *t);
	/** config - a consistent copy of @len bytes at @off of the configuration space */
	int (*config)(struct cw_transport *t, uint32_t off, void *buf, uint32_t len);
	/** queue_begin - before QueueReady=1 is written for queue @q; may be NULL */
	void (*queue_begin)(struct cw_transport *t, unsigned int q);
	/** queue_end - after QueueReady=1 took effect, before the first entry; may be NULL */
	void (*queue_end)(struct cw_transport *t, unsigned int q);
	/** notify - queue @q has entries up to @running, and the device wants to know */
	void (*notify)(struct cw_transport *t, unsigned int q, uint32_t running);
	/** alive - whether what memory says still comes from the device we set up */
	bool (*alive)(struct cw_transport *t);
	/** event - whether status or configuration may have changed since the last call */
	bool (*event)(struct cw_transport *t);
	/** wait - sleep until something may have come, or @deadline (microseconds of now()) */
	int (*wait)(struct cw_transport *t, uint64_t deadline);
	uint64_t (*now)(struct cw_transport *t);
};

struct cw_transport {
	const struct cw_transport_ops *ops;
	struct cw_window memory; /* for rings and buffers */
	uint32_t line;		 /* their alignment */
};

#endif
