/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The `mmio` transport, driver side: a virtio-mmio register accessor over plain memory
 * (docs/spec/region.md section 6; model/requests.pml, model/config.pml).
 */
#ifndef CAUSEWAY_DRIVER_MMIO_H
#define CAUSEWAY_DRIVER_MMIO_H

#include <causeway/abi/mmio.h>
#include <causeway/driver/bus.h>
#include <causeway/driver/transport.h>

/* How long a register request may take before the device counts as silent, unless set otherwise. */
#define CW_MMIO_TIMEOUT_US 1000000u

struct cw_mmio {
	struct cw_transport transport; /* first member: hand &m->transport to a driver */
	struct cw_bus *bus;
	const struct cw_abi_device_page *page;
	struct cw_abi_driver_page *request;
	uint64_t timeout; /* microseconds for one request */
	uint32_t life;	  /* of the bus, in which the channel was opened */
	uint32_t seq, event;
	uint32_t refused; /* enum cw_abi_result of the last refused request */
	uint16_t slot, queues;
	bool dead; /* a request timed out: none follows on this link */
	unsigned int queued;
	struct {
		uint32_t offset, width, value;
	} entry[CW_REQUEST_ENTRIES];
};

/**
 * cw_mmio_init - bind to device @i of the bus's layout
 *
 * Touches no shared memory. Returns 0 or CW_ENODEV.
 */
int cw_mmio_init(struct cw_mmio *m, struct cw_bus *bus, unsigned int i);

/**
 * cw_mmio_open - open the request channel on the present link; once for each link
 *
 * Never waits. Returns 0; CW_EDOWN (link not up); CW_EVERSION when the page is not a device of ours;
 * CW_ETIMEDOUT when a request went unanswered on this very link: only a new one helps
 * (cw_bus_start()).
 */
int cw_mmio_open(struct cw_mmio *m);

#endif
