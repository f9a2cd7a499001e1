/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The remote's end of the link, shared by all its drivers.
 *
 * A main loop looks like this, with or without interrupts:
 *
 *	cw_bus_init(); cw_bus_start();
 *	for (;;) {
 *		cw_bus_poll(bus);
 *		if (cw_bus_up(bus) && (bus->life != seen || a driver said CW_ERESET or CW_EPEER))
 *			seen = bus->life, open the drivers anew
 *		poll the drivers, do the work
 *		if (no driver has news after arming)	ask each, without a short cut
 *			cw_bus_wait(bus, next timer);
 *	}
 *
 * Calls that wait poll the bus themselves, so what cw_bus_poll() returns may have been seen by one of
 * them: compare bus->life instead.
 *
 * Context: one thread or main loop. An interrupt handler only makes port->wait() return.
 */
#ifndef CAUSEWAY_DRIVER_BUS_H
#define CAUSEWAY_DRIVER_BUS_H

#include <causeway/core/layout.h>
#include <causeway/core/link.h>
#include <causeway/core/window.h>
#include <causeway/driver/port.h>

struct cw_bus {
	struct cw_link link;
	const struct cw_layout *layout;
	const struct cw_port *port;
	struct cw_window region;
	uint32_t news[CW_SLOTS_MAX / 32];  /* slots kicked since their driver last asked */
	uint32_t ready[CW_SLOTS_MAX / 32]; /* slots that somebody serves */
	uint32_t life;			   /* counts links that came up */
};

/**
 * cw_bus_init - prepare; touches no shared memory
 * @bus: filled; @layout: outlives @bus, checked here; @va: this side's mapping of the region;
 * @slot: array of layout->slots entries; @port: outlives @bus
 *
 * Returns 0, or CW_EINVAL when the layout breaks the contract's rules.
 */
int cw_bus_init(struct cw_bus *bus, const struct cw_layout *layout, void *va,
		struct cw_link_slot *slot, const struct cw_port *port);

/**
 * cw_bus_start - take a new epoch and announce it
 *
 * Every DMA and store of an earlier life of this remote is over. Returns 0, or CW_EBUSY when the
 * present epoch has never been up.
 */
int cw_bus_start(struct cw_bus *bus);

/** cw_bus_poll - look at link and kicks; returns what became of the link. Never waits */
enum cw_link_event cw_bus_poll(struct cw_bus *bus);

/**
 * cw_bus_wait - sleep until a doorbell or @deadline, then cw_bus_poll()
 * @deadline: microseconds of port->now(), CW_LINK_NEVER to sleep until a doorbell
 */
enum cw_link_event cw_bus_wait(struct cw_bus *bus, uint64_t deadline);

/**
 * cw_bus_wait_up - wait until the link is up
 * @timeout: microseconds
 *
 * Returns 0, CW_ETIMEDOUT, or CW_EVERSION or CW_ELAYOUT when the PMM there cannot be ours.
 */
int cw_bus_wait_up(struct cw_bus *bus, uint64_t timeout);

/** cw_bus_up - whether the link is up, as of the last poll */
static inline bool cw_bus_up(const struct cw_bus *bus)
{
	return bus->link.up;
}

/** cw_bus_take_news - whether a slot was kicked since the last call; clears it */
bool cw_bus_take_news(struct cw_bus *bus, unsigned int slot);

/** cw_bus_ready - whether kicks of a slot mean something from now on; for transports */
void cw_bus_ready(struct cw_bus *bus, unsigned int slot, bool ready);

/** cw_bus_panic - publish that this remote gave up, with a code of its own choosing */
void cw_bus_panic(struct cw_bus *bus, uint32_t code);

#endif
