/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * RPMsg over virtio, the remote's side: a device of id 7 above which a channel lives (core/rpmsg.h).
 *
 * Messages are received while the device is served. Who uses the channel outside of that (sends, makes an
 * endpoint, lets a deadline pass) calls cw_rpmsg_device_run() afterwards.
 *
 * Context: the thread that owns the device.
 */
#ifndef CAUSEWAY_DEVICE_RPMSG_H
#define CAUSEWAY_DEVICE_RPMSG_H

#include <causeway/core/rpmsg.h>
#include <causeway/device/device.h>

#define CW_RPMSG_DEVICE_QUEUES 2u

struct cw_rpmsg_device_ops { /* members may be NULL, and so may be all of it */
	/** now - microseconds; NULL: no announcement is repeated, no send waits */
	uint64_t (*now)(void *ctx);
	/** wait - let the owner's loop run, but for this device's own cw_device_serve(), until @deadline or news */
	int (*wait)(void *ctx, uint64_t deadline);
};

struct cw_rpmsg_device {
	struct cw_device dev; /* first: the model is found from it */
	struct cw_rpmsg *channel;
	const struct cw_rpmsg_device_ops *ops;
	void *ctx;
	struct cw_rpmsg_remote remote;
	struct cw_rpmsg_slot *rx, *tx;
	uint32_t to_host;
	bool asked; /* queue 0 is served, or armed, for want of room */
	union {
		struct cw_abi_rpmsg_config linux_;
		struct cw_abi_rpmsg_nuttx_config nuttx;
	} config;
};

/**
 * cw_rpmsg_device_init - prepare the device
 * @d: filled; @ch: initialised, outlives @d; @to_host, @to_remote: bytes of a buffer of each direction, 16 to
 * 64K + 16, that a host is asked for; @queue: two; @tx, @rx: arrays with as many entries as queue 0 and queue 1 have
 * at most
 *
 * Returns 0 or CW_EINVAL.
 */
int cw_rpmsg_device_init(struct cw_rpmsg_device *d, struct cw_rpmsg *ch,
			 const struct cw_rpmsg_device_ops *ops, void *ctx, uint32_t to_host,
			 uint32_t to_remote, struct cw_device_queue *queue,
			 struct cw_rpmsg_slot *tx, struct cw_rpmsg_slot *rx);

/** cw_rpmsg_device_run - after the channel was used: make it visible, and have served what is due */
void cw_rpmsg_device_run(struct cw_rpmsg_device *d);

#endif
