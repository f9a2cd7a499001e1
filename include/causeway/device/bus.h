/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * All devices of one remote, device side: the link, and who owns which slot.
 *
 * The owner runs this loop (host/worker does, and so do tests):
 *
 *	cw_device_bus_begin();
 *	for (;;) {
 *		cw_device_bus_poll(now);		link, requests, kicks
 *		hand backend readiness to the models
 *		if (cw_device_bus_serve())		queues, in turn, with a budget
 *			continue;
 *		spin for a while: cw_device_bus_look() finds news without a kick
 *		if (!cw_device_bus_arm())		nothing came meanwhile
 *			sleep until a doorbell, a backend, or cw_device_bus_deadline()
 *	}
 *
 * Context: one thread.
 */
#ifndef CAUSEWAY_DEVICE_BUS_H
#define CAUSEWAY_DEVICE_BUS_H

#include <causeway/device/mmio.h>

struct cw_device_bus {
	struct cw_link link;
	const struct cw_layout *layout;
	struct cw_window region;
	struct cw_device_mmio *dev[CW_DEVICES_MAX]; /* in layout order, NULL: not served */
	uint8_t owner[CW_SLOTS_MAX];		    /* slot to index in dev, 0xff: none */
	uint64_t busy;				    /* devices with a queue active or with work */
	uint64_t asked;				    /* devices with a request to service */
};

/**
 * cw_device_bus_init - prepare; touches no shared memory
 * @bus: filled; @layout: checked, outlives @bus; @va: mapping of the whole region;
 * @slot: array of layout->slots entries; @ring, @ctx: the doorbell towards the remote
 *
 * Returns 0 or CW_EINVAL.
 */
int cw_device_bus_init(struct cw_device_bus *bus, const struct cw_layout *layout, void *va,
		       struct cw_link_slot *slot, const struct cw_link_ops *ops, void *ctx);

/** cw_device_bus_add - bind @dev to the layout's device @i; as cw_device_mmio_init() */
int cw_device_bus_add(struct cw_device_bus *bus, unsigned int i, struct cw_device_mmio *t,
		      struct cw_device *dev);

/** cw_device_bus_begin - a new life: epoch, images, announcement. As cw_link_begin() */
int cw_device_bus_begin(struct cw_device_bus *bus, uint64_t now);

/**
 * cw_device_bus_poll - look at link and kicks, execute requests, mark queues
 *
 * Returns what became of the link. On both edges every device has been reset.
 */
enum cw_link_event cw_device_bus_poll(struct cw_device_bus *bus, uint64_t now);

/** cw_device_bus_serve - serve the marked queues; true when work is left */
bool cw_device_bus_serve(struct cw_device_bus *bus);

/** cw_device_bus_look - find work without a kick on the queues that are not armed */
bool cw_device_bus_look(struct cw_device_bus *bus);

/** cw_device_bus_arm - ask for kicks everywhere; false: it is safe to sleep */
bool cw_device_bus_arm(struct cw_device_bus *bus);

/** cw_device_bus_wake - a backend has something for queue @q of @dev: have it served */
void cw_device_bus_wake(struct cw_device_bus *bus, unsigned int i, unsigned int q);

/** cw_device_bus_deadline - when poll wants to run at the latest, or CW_LINK_NEVER */
uint64_t cw_device_bus_deadline(struct cw_device_bus *bus);

#endif
