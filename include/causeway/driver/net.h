/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Network driver (virtio 1.3 section 5.1).
 *
 * Frames are used where they lie: cw_net_receive() lends the parts of the block that hold one until
 * cw_net_release(), cw_net_tx_get() lends a buffer to build one in. For callers whose memory is
 * elsewhere cw_net_send() copies. Nothing waits unless a timeout is given.
 *
 * Context: one thread or main loop.
 */
#ifndef CAUSEWAY_DRIVER_NET_H
#define CAUSEWAY_DRIVER_NET_H

#include <causeway/core/ring_device.h>
#include <causeway/driver/vdev.h>

#ifndef CW_NET_QUEUE_SIZE
#define CW_NET_QUEUE_SIZE 64u /* descriptors a queue at most, a power of two */
#endif
#ifndef CW_NET_BUFFER
#define CW_NET_BUFFER 1536u /* bytes of one buffer: header and frame at MTU 1500 */
#endif
#ifndef CW_NET_MERGE
#define CW_NET_MERGE 48u /* most buffers of one received frame */
#endif

/* Features that a caller may ask for beside MAC, STATUS and MTU, which are always used. */
#define CW_NET_WANT_CSUM  (CW_NET_F_CSUM | CW_NET_F_GUEST_CSUM)
#define CW_NET_WANT_MERGE CW_NET_F_MRG_RXBUF
#define CW_NET_WANT_TSO                                                                      \
	(CW_NET_WANT_CSUM | CW_NET_F_GUEST_TSO4 | CW_NET_F_GUEST_TSO6 | CW_NET_F_HOST_TSO4 | \
	 CW_NET_F_HOST_TSO6)

/* What the header of a frame says; all zero: a plain frame. */
struct cw_net_meta {
	uint8_t flags;	  /* CW_NET_HDR_F_* */
	uint8_t gso_type; /* CW_NET_HDR_GSO_* */
	uint16_t hdr_len, gso_size, csum_start, csum_offset;
};

/* A received frame, lent. */
struct cw_net_frame {
	struct cw_part part[CW_NET_MERGE];
	uint16_t buffer[CW_NET_MERGE];
	uint16_t parts;
	uint32_t len; /* bytes of the frame, header excluded */
	struct cw_net_meta meta;
};

struct cw_net_counters {
	uint64_t rx_frames, rx_bytes, tx_frames, tx_bytes;
	uint32_t rx_bad, tx_full;
};

struct cw_net_driver {
	struct cw_vdev vdev;
	struct cw_drvq rx, tx;
	struct cw_drvq_slot rx_slot[CW_NET_QUEUE_SIZE], tx_slot[CW_NET_QUEUE_SIZE];
	uint8_t *rx_mem, *tx_mem; /* buffers, in the block */
	cw_addr_t rx_addr, tx_addr;
	uint16_t rx_buffers, tx_buffers;
	uint16_t tx_free[CW_NET_QUEUE_SIZE]; /* stack of free buffers */
	uint16_t tx_next[CW_NET_QUEUE_SIZE]; /* chain of buffers of one frame in flight */
	uint16_t tx_free_count, rx_unpublished;
	uint8_t mac[6];
	uint16_t mtu;
	bool link_up;
	struct cw_net_counters count;
};

/**
 * cw_net_open - bring the device into use on the present link
 * @n: filled; @t: opened transport; @wanted: any of CW_NET_WANT_*, taken as far as offered
 *
 * Reads and checks the configuration, fills the receive queue. Returns 0, CW_EPEER for an impossible
 * configuration (group address, MTU below 68), or the errors of cw_vdev_open() and _queue().
 */
int cw_net_open(struct cw_net_driver *n, struct cw_transport *t, uint64_t wanted);

/**
 * cw_net_poll - notice configuration changes and link restarts
 *
 * Returns 0, or the error after which cw_net_open() is due. Sets n->link_up.
 */
int cw_net_poll(struct cw_net_driver *n);

/**
 * cw_net_receive - borrow the next received frame
 * @f: filled
 *
 * Returns 1, 0 when there is none, or CW_ERESET, CW_EPEER, CW_EBADLEN: open anew. Frames whose
 * header contradicts them are counted in rx_bad and skipped.
 */
int cw_net_receive(struct cw_net_driver *n, struct cw_net_frame *f);

/** cw_net_release - give a frame's buffers back to the device */
void cw_net_release(struct cw_net_driver *n, const struct cw_net_frame *f);

/** cw_net_copy - copy @len bytes at @at of a borrowed frame into private memory; bytes copied */
uint32_t cw_net_copy(const struct cw_net_frame *f, uint32_t at, void *dst, uint32_t len);

/**
 * cw_net_tx_get - borrow a transmit buffer for a frame of up to CW_NET_BUFFER - 12 bytes
 * @buffer: filled with its number
 *
 * Returns where the frame goes, or NULL when all are in flight.
 */
void *cw_net_tx_get(struct cw_net_driver *n, uint16_t *buffer);

/**
 * cw_net_tx_send - send a borrowed buffer
 * @len: bytes of the frame, 14 to CW_NET_BUFFER - 12; @meta: NULL for a plain frame
 *
 * The buffer is the driver's again, whatever is returned: 0, CW_EINVAL, CW_ERESET or CW_EPEER. Not
 * visible to the device before cw_net_flush().
 */
int cw_net_tx_send(struct cw_net_driver *n, uint16_t buffer, uint32_t len,
		   const struct cw_net_meta *meta);

/**
 * cw_net_send - copy a frame from the caller's memory and send it
 * @part, @parts: pieces of the frame, 14 bytes to what the free buffers hold in all;
 * @timeout: microseconds to wait for free buffers, 0 not to
 *
 * Visible at once. Returns 0, CW_EAGAIN or CW_ETIMEDOUT (no buffers), CW_EINVAL (too long for the
 * block), CW_ERESET, CW_EPEER.
 */
int cw_net_send(struct cw_net_driver *n, const struct cw_part *part, unsigned int parts,
		const struct cw_net_meta *meta, uint64_t timeout);

/** cw_net_flush - make what was sent and released visible to the device */
void cw_net_flush(struct cw_net_driver *n);

/** cw_net_arm - ask for a notification of the next frame; true when one is there already */
bool cw_net_arm(struct cw_net_driver *n);

#endif
