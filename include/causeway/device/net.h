/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Network device (virtio 1.3 section 5.1), device role, one queue pair, no control queue.
 *
 * Context: the thread that owns the device.
 */
#ifndef CAUSEWAY_DEVICE_NET_H
#define CAUSEWAY_DEVICE_NET_H

#include <causeway/device/device.h>

#define CW_NET_RX_HELD	64u /* receive chains taken and kept at a time */
#define CW_NET_RX_PARTS 20u /* pieces of one receive chain at most: 64 KB in pages, and ends */
#define CW_NET_RX_VEC	(2u * CW_NET_RX_HELD + CW_NET_RX_PARTS + 2u)

struct cw_net_ops {
	/**
	 * send - one frame towards the world; must not block
	 * @part: part[0] is the 12-byte virtio header in private memory, already checked; the rest is
	 * the frame in the remote's memory, to be fetched once
	 *
	 * Returns 0, or a negative value: the frame is lost, as on any wire.
	 */
	int (*send)(void *ctx, const struct cw_part *part, unsigned int n);
	/**
	 * receive - one frame from the world, scattered over @part as send() has it
	 *
	 * Returns the bytes stored, header included, CW_EAGAIN when there is none, CW_EDOWN when the
	 * source is gone for good, or another negative value for a frame that was lost. A source
	 * without a header zeroes part[0].
	 */
	int (*receive)(void *ctx, const struct cw_part *part, unsigned int n);
	/** offload - @features were negotiated: what receive() may return. May be NULL */
	void (*offload)(void *ctx, uint64_t features);
};

struct cw_net_device_counters {
	uint64_t rx_frames, rx_bytes, tx_frames, tx_bytes;
	uint32_t rx_dropped; /* too large for the remote's buffers, not negotiated, or lost */
	uint32_t tx_dropped; /* malformed, or refused by the sink */
	uint32_t starved;    /* times the remote had no receive buffer */
};

struct cw_net_held {
	struct cw_chain chain;
	struct cw_part part[CW_NET_RX_PARTS];
};

struct cw_net_device {
	struct cw_device dev; /* first: the model is found from it */
	const struct cw_net_ops *ops;
	void *ctx;
	struct cw_abi_net_config config;
	struct cw_part *tx_part; /* owner's, one more than the transmit queue's size */
	unsigned int tx_parts;
	struct cw_net_held held[CW_NET_RX_HELD]; /* a ring: first, count */
	unsigned int first, count;
	uint32_t most; /* bytes of buffers that the remote has shown at once */
	bool starved;  /* no receive buffer: do not ask the source */
	bool brief;    /* starved though it has some: too few for what may come */
	bool gone;     /* so is the source */
	uint8_t overflow[4];
	struct cw_part vec[CW_NET_RX_VEC];
	struct cw_net_device_counters stats;
};

/**
 * cw_net_device_init - prepare a network device
 * @n: filled; @ops, @ctx: the world; @mac: unicast; @mtu: 68 to 65521;
 * @offload: offer CSUM, GUEST_CSUM, TSO and mergeable buffers (the backend carries virtio headers);
 * @queue: two queues, num_max and own set; @tx_part, @tx_parts: room for the pieces of one frame
 *
 * Returns 0 or CW_EINVAL.
 */
int cw_net_device_init(struct cw_net_device *n, const struct cw_net_ops *ops, void *ctx,
		       const uint8_t mac[6], uint16_t mtu, bool offload,
		       struct cw_device_queue *queue, struct cw_part *tx_part,
		       unsigned int tx_parts);

/**
 * cw_net_device_receive - the source may have frames: hand them on
 *
 * At most CW_SERVE_BUDGET of them. Returns the number handed on; the driver has been told.
 */
unsigned int cw_net_device_receive(struct cw_net_device *n);

/** cw_net_device_wants - whether frames could be taken now */
static inline bool cw_net_device_wants(const struct cw_net_device *n)
{
	return cw_device_running(&n->dev) && n->dev.queue[0].ring.ready && !n->starved && !n->gone;
}

/**
 * cw_net_device_settle - make do with the buffers there are
 *
 * Where frames of 64 KB may come, a remote that once had room for one is waited for. When @n->brief
 * has lasted for some milliseconds the owner calls this: the remote keeps fewer buffers now.
 */
void cw_net_device_settle(struct cw_net_device *n);

/** cw_net_device_link - set the link status shown to the driver */
void cw_net_device_link(struct cw_net_device *n, bool up);

#endif
