/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The `mmio` transport, device side: executes acknowledged register requests and keeps the image of
 * the readable registers (docs/spec/region.md sections 5 and 6; virtio 1.3 section 4.2.2;
 * model/requests.pml, model/queue.pml, model/config.pml).
 *
 * Context: the thread that owns the device and its link.
 */
#ifndef CAUSEWAY_DEVICE_MMIO_H
#define CAUSEWAY_DEVICE_MMIO_H

#include <causeway/core/layout.h>
#include <causeway/core/link.h>
#include <causeway/device/device.h>

struct cw_device_mmio {
	struct cw_device *dev;
	struct cw_link *link;
	struct cw_abi_device_page *page;
	const struct cw_abi_driver_page *request;
	uint32_t seq;	     /* last executed request */
	uint32_t event;	     /* acknowledgements and changes */
	uint32_t generation; /* of the configuration; even outside a change */
	uint32_t dev_sel, drv_sel, queue_sel;
	uint32_t ack_result, ack_refused; /* of a request whose reset is not over yet */
	uint64_t drv_features;
	uint16_t slot;
	bool pending; /* acknowledgement waits for the end of a reset */
};

/**
 * cw_device_mmio_init - bind a device to its place in a region
 * @t: filled, as is dev->window and dev->transport; @dev: outlives @t;
 * @link: of the remote; @region: window over the whole region; @place: from the layout
 *
 * Reads one word back: ConfigGeneration, from which a new worker goes on. Returns 0, CW_EINVAL when
 * the layout's queues differ from the device's, or CW_EBADADDR.
 */
int cw_device_mmio_init(struct cw_device_mmio *t, struct cw_device *dev, struct cw_link *link,
			const struct cw_window *region, const struct cw_layout_device *place);

/** cw_device_mmio_publish - write the whole image anew; between cw_link_begin() and _announce() */
void cw_device_mmio_publish(struct cw_device_mmio *t);

/** cw_device_mmio_link - the link came up or went down: the device is reset either way */
void cw_device_mmio_link(struct cw_device_mmio *t, bool up);

/**
 * cw_device_mmio_service - execute a request if there is one, acknowledge what is complete
 *
 * Call when the device's own slot was kicked, and again while it returns true: a reset waits for
 * the device's last store.
 */
bool cw_device_mmio_service(struct cw_device_mmio *t);

#endif
