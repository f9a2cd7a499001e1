/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * RPMsg over virtio, the host's side: device 7 brought into use beneath a channel (core/rpmsg.h).
 *
 * Messages are sent and received by the channel's own calls; this adds opening, and looking at the device.
 *
 * Context: one thread or main loop, the channel's. After CW_ERESET or CW_EPEER the channel is down, its
 * endpoints remain; open it anew.
 */
#ifndef CAUSEWAY_DRIVER_RPMSG_H
#define CAUSEWAY_DRIVER_RPMSG_H

#include <causeway/core/rpmsg.h>
#include <causeway/driver/vdev.h>

#ifndef CW_RPMSG_QUEUE
#define CW_RPMSG_QUEUE 32u /* buffers of each direction, fewer in a small block; a power of two */
#endif

struct cw_rpmsg_driver {
	struct cw_vdev vdev;
	struct cw_rpmsg *channel;
	struct cw_rpmsg_host host;
	struct cw_drvq ring[2];
	struct cw_drvq_slot slot[2][CW_RPMSG_QUEUE];
	struct cw_rpmsg_slot rx[CW_RPMSG_QUEUE], tx[CW_RPMSG_QUEUE];
};

/**
 * cw_rpmsg_driver_open - bring the device into use on the present link, and the channel up
 * @d: filled; @ch: initialised; @t: an opened transport; both outlive @d
 *
 * Thread; waits for the device. Returns 0; CW_EVERSION or CW_EBADLEN: a configuration that cannot be used; CW_ENOSPC:
 * the block does not hold a buffer of each direction; or the errors of cw_vdev_open() and cw_vdev_queue().
 */
int cw_rpmsg_driver_open(struct cw_rpmsg_driver *d, struct cw_rpmsg *ch, struct cw_transport *t);

/** cw_rpmsg_driver_poll - cw_rpmsg_poll(), and notices a device that wants a reset */
int cw_rpmsg_driver_poll(struct cw_rpmsg_driver *d, unsigned int budget);

/** cw_rpmsg_driver_arm - as cw_rpmsg_arm(); also true when the device has news */
bool cw_rpmsg_driver_arm(struct cw_rpmsg_driver *d);

/**
 * cw_rpmsg_driver_arm_room - as cw_rpmsg_driver_arm(), for who receives nothing until a message can be sent
 * that found no room: only room is news then, not what has come
 */
bool cw_rpmsg_driver_arm_room(struct cw_rpmsg_driver *d);

#endif
