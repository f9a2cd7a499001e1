/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Socket device whose two data queues somebody else runs (Linux's vhost-vsock), device role.
 *
 * Registers, features and addresses of rings are checked here as for any device. Then the rings are
 * the runner's, who alone reads and writes them and the buffers; only notifications come by here.
 * What the runner may touch is the device's window and nothing else.
 *
 * Context: the thread that owns the device.
 */
#ifndef CAUSEWAY_DEVICE_VSOCK_RELAY_H
#define CAUSEWAY_DEVICE_VSOCK_RELAY_H

#include <causeway/device/device.h>

#define CW_VSOCK_RELAYED 2u /* receive and transmit queue; the queue of events stays here */

/* A ring for the runner: this side's pointers, aligned, inside of the window, apart from others. */
struct cw_vsock_relay_ring {
	void *desc, *avail, *used;
	uint16_t num;
	uint16_t base; /* running index of the first chain that was not taken yet */
};

struct cw_vsock_relay_ops {
	/**
	 * start - run both rings, with @features of those that cw_vsock_relay_init() was given
	 *
	 * Returns 0; CW_EAGAIN: cw_vsock_relay_try() is called later; other: the device asks for a reset.
	 */
	int (*start)(void *ctx, uint64_t features,
		     const struct cw_vsock_relay_ring ring[CW_VSOCK_RELAYED]);
	/**
	 * stop - on return no ring and no buffer is touched any more
	 *
	 * @over: all connections are over too; else @base is filled with how far each ring got.
	 */
	void (*stop)(void *ctx, bool over, uint16_t base[CW_VSOCK_RELAYED]);
	/** kick - the driver made chains available in ring @q, which runs */
	void (*kick)(void *ctx, unsigned int q);
};

struct cw_vsock_relay {
	struct cw_device dev; /* first: the model is found from it */
	const struct cw_vsock_relay_ops *ops;
	void *ctx;
	uint64_t runner; /* features that the runner is to know of */
	uint16_t base[CW_VSOCK_RELAYED];
	bool running;
	struct cw_abi_vsock_config config;
};

/**
 * cw_vsock_relay_init - prepare the model
 * @v: filled; @cid: the remote's address, at least CW_VSOCK_CID_MIN; @features: what the runner can;
 * @queue: three of them
 *
 * Returns 0, CW_EINVAL, or CW_ENOTSUP: the runner cannot do what every device here offers.
 */
int cw_vsock_relay_init(struct cw_vsock_relay *v, const struct cw_vsock_relay_ops *ops, void *ctx,
			uint64_t cid, uint64_t features, struct cw_device_queue *queue);

/** cw_vsock_relay_wanted - whether start() is to be called: the driver is there, and all is ready */
bool cw_vsock_relay_wanted(const struct cw_vsock_relay *v);

/** cw_vsock_relay_try - calls start() when that is wanted */
void cw_vsock_relay_try(struct cw_vsock_relay *v);

/** cw_vsock_relay_used - the runner gave chains of @q back and the driver wants to know */
void cw_vsock_relay_used(struct cw_vsock_relay *v, unsigned int q);

/** cw_vsock_relay_failed - the runner cannot go on: stopped, until the driver resets the device */
void cw_vsock_relay_failed(struct cw_vsock_relay *v, int err);

#endif
