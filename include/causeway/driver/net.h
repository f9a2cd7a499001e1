/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Network driver (virtio 1.3 section 5.1).
 *
 * Frames are used where they lie: cw_net_receive() lends the parts of the block that hold one until
 * cw_net_release(), cw_net_tx_get() lends a buffer to build one in. For callers whose memory is
 * elsewhere cw_net_recv() and cw_net_send() copy. The ways may be mixed. Nothing but cw_net_open()
 * waits unless a timeout is given. A frame begins 2 bytes past a multiple of 4, so that its IP header
 * is aligned.
 *
 * Context: one thread or main loop; never an interrupt handler. Every call but cw_net_open() is for
 * a struct that was opened once; after CW_ERESET, CW_EPEER or an error of cw_net_open() they return
 * that until it is opened anew. Frames and buffers lent before are void then; giving them back does
 * nothing.
 */
#ifndef CAUSEWAY_DRIVER_NET_H
#define CAUSEWAY_DRIVER_NET_H

#include <causeway/core/ring_device.h>
#include <causeway/driver/vdev.h>

#ifndef CW_NET_QUEUE_SIZE
#define CW_NET_QUEUE_SIZE 64u /* descriptors a queue at most, a power of two */
#endif
#ifndef CW_NET_BUFFER
#define CW_NET_BUFFER 1536u /* bytes of one buffer at least: header and frame at MTU 1500 */
#endif
#ifndef CW_NET_MERGE
#define CW_NET_MERGE 48u /* most buffers of one frame, on the stack of some calls; 1 without TSO */
#endif

#define CW_NET_MTU_MIN	   68u
#define CW_NET_MTU_DEFAULT 1500u
#define CW_NET_PAD	   2u /* before the virtio header: aligns what follows the Ethernet header */

/* Features that a caller may ask for beside MAC, STATUS and MTU, which are always used. */
#define CW_NET_WANT_CSUM  (CW_NET_F_CSUM | CW_NET_F_GUEST_CSUM)
#define CW_NET_WANT_MERGE CW_NET_F_MRG_RXBUF
#define CW_NET_WANT_TSO                                                                     \
	(CW_NET_WANT_CSUM | CW_NET_WANT_MERGE | CW_NET_F_GUEST_TSO4 | CW_NET_F_GUEST_TSO6 | \
	 CW_NET_F_HOST_TSO4 | CW_NET_F_HOST_TSO6)

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
	uint32_t len;  /* bytes of the frame, header excluded */
	uint32_t life; /* private */
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
	uint32_t buffer_size; /* of each, chosen by cw_net_open() */
	uint16_t rx_buffers, tx_buffers;
	bool rx_lent[CW_NET_QUEUE_SIZE];     /* the caller has it, or it is in our hands */
	uint16_t tx_free[CW_NET_QUEUE_SIZE]; /* stack of free buffers */
	uint16_t tx_next[CW_NET_QUEUE_SIZE]; /* chain of buffers of one frame, or who has it */
	uint16_t tx_free_count, rx_unpublished;
	uint32_t life; /* counts cw_net_open() */
	uint8_t mac[6];
	uint16_t mtu; /* CW_NET_MTU_MIN to 65535 */
	bool has_mac; /* false: the device gave none and mac is zero, choose one */
	bool link_up; /* as of the last cw_net_poll() */
	bool tx_wanted;
	struct cw_net_counters count;
};

/**
 * cw_net_open - bring the device into use on the present link
 * @n: zeroed before its first open, filled; @t: opened transport, outlives @n;
 * @wanted: any of CW_NET_WANT_*, taken as far as offered: see n->vdev.features
 *
 * Reads and checks the configuration, cuts the block into buffers (as large as there is room for
 * with TSO), fills the receive queue. Thread; waits at most the transport's deadline for each
 * request. Returns 0, CW_EPEER for an impossible configuration (MAC a group address or zero, MTU
 * below 68), CW_ENOSPC when the block holds no buffer, or the errors of cw_vdev_open() and _queue().
 */
int cw_net_open(struct cw_net_driver *n, struct cw_transport *t, uint64_t wanted);

/**
 * cw_net_poll - notice changes and restarts, publish what waits; once a pass of the main loop
 *
 * Returns 0, or the error after which cw_net_open() is due. Sets n->link_up.
 */
int cw_net_poll(struct cw_net_driver *n);

/**
 * cw_net_receive - borrow the next received frame
 * @f: filled; what its parts point to can still be written by the device: look at each byte once
 *
 * Returns 1, 0 when there is none, or CW_ERESET, CW_EPEER: open anew. Frames whose header
 * contradicts them, or asks for what was not negotiated, are counted in rx_bad and skipped.
 */
int cw_net_receive(struct cw_net_driver *n, struct cw_net_frame *f);

/** cw_net_release - give a frame's buffers back to the device; a second time does nothing */
void cw_net_release(struct cw_net_driver *n, const struct cw_net_frame *f);

/** cw_net_copy - copy @len bytes at @at of a borrowed frame into private memory; bytes copied */
uint32_t cw_net_copy(const struct cw_net_frame *f, uint32_t at, void *dst, uint32_t len);

/**
 * cw_net_recv - receive a frame by copying
 * @buf: anywhere; @cap: its bytes; @len: filled; @meta: filled, or NULL when CSUM was not asked for
 *
 * Returns 1; 0 when there is none; CW_ENOSPC when the frame has *@len bytes and did not fit: it is
 * gone; CW_ERESET, CW_EPEER. @buf is written with a whole frame or not at all.
 */
int cw_net_recv(struct cw_net_driver *n, void *buf, uint32_t cap, uint32_t *len,
		struct cw_net_meta *meta);

/** cw_net_tx_room - bytes of a frame that one transmit buffer holds */
static inline uint32_t cw_net_tx_room(const struct cw_net_driver *n)
{
	return n->buffer_size - CW_NET_PAD - (uint32_t)sizeof(struct cw_abi_net_hdr);
}

/**
 * cw_net_tx_get - borrow a transmit buffer for cw_net_tx_room() bytes of a frame
 * @buffer: filled with its number
 *
 * Returns where the bytes go, or NULL when all are in flight (cw_net_arm() then asks for a doorbell
 * when one is free) or the device is lost.
 */
void *cw_net_tx_get(struct cw_net_driver *n, uint16_t *buffer);

/**
 * cw_net_tx_send - send a borrowed buffer
 * @len: bytes of the frame, 14 to MTU + 18, or to cw_net_tx_room() with TSO; @meta: NULL for a plain
 * frame
 *
 * The buffer is the driver's again, whatever is returned: 0; CW_EINVAL (length, or @meta does not fit
 * the frame, or @buffer was not borrowed); CW_ENOTSUP (@meta needs what was not negotiated);
 * CW_ERESET; CW_EPEER. Not visible to the device before cw_net_flush() or cw_net_poll().
 */
int cw_net_tx_send(struct cw_net_driver *n, uint16_t buffer, uint32_t len,
		   const struct cw_net_meta *meta);

/**
 * cw_net_tx_sendv - send a frame that was written over several borrowed buffers
 * @buffer: @count of them, 1 to CW_NET_MERGE, all but the last full; @len: bytes in all
 *
 * As cw_net_tx_send(). For segmentation by the device: @meta with GSO type, size and header length,
 * up to 65550 bytes.
 */
int cw_net_tx_sendv(struct cw_net_driver *n, const uint16_t *buffer, unsigned int count,
		    uint32_t len, const struct cw_net_meta *meta);

/** cw_net_tx_cancel - give a borrowed buffer back unsent */
void cw_net_tx_cancel(struct cw_net_driver *n, uint16_t buffer);

/**
 * cw_net_send - copy a frame from the caller's memory and send it
 * @part, @parts: pieces of the frame, anywhere; 14 bytes to MTU + 18 in all, 65550 with GSO;
 * @meta: NULL for a plain frame; @timeout: microseconds to wait for free buffers, 0 not to
 *
 * Visible at once. Returns 0; CW_EAGAIN or CW_ETIMEDOUT (no buffers: nothing was sent); CW_EINVAL
 * (length, @meta, or more than all buffers of the block); CW_ENOTSUP; CW_ERESET; CW_EPEER.
 */
int cw_net_send(struct cw_net_driver *n, const struct cw_part *part, unsigned int parts,
		const struct cw_net_meta *meta, uint64_t timeout);

/** cw_net_flush - make what was sent and released visible to the device */
void cw_net_flush(struct cw_net_driver *n);

/**
 * cw_net_arm - before sleeping: flush, and ask for a doorbell at the next news
 *
 * News are a frame, a change of configuration, the loss of the device, and a free transmit buffer
 * after there was none. Returns true when there is some already: look again instead of sleeping.
 */
bool cw_net_arm(struct cw_net_driver *n);

#endif
