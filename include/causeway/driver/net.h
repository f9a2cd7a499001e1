/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The network driver (virtio 1.3 section 5.1), one pair of queues.
 *
 * Frames are Ethernet frames without checksum. All buffers lie in the device's block. Zero copy:
 * cw_net_take() and cw_net_rx_done() to receive, cw_net_tx_alloc() and cw_net_tx_send() to send.
 * Bounced, for a stack whose memory is elsewhere: cw_net_recv() and cw_net_send(). The two may be
 * mixed. A frame in a buffer starts 2 bytes past a multiple of 4, so that its IP header is aligned.
 *
 * The loop, polling or with interrupts:
 *
 *	for (;;) {
 *		err = cw_net_poll(net);			new buffers out, sent ones back
 *		while (cw_net_take(net, &frame) == 1)
 *			... cw_net_rx_done(net, &frame);
 *		if (!cw_net_arm(net))			nothing came meanwhile
 *			sleep (cw_bus_wait())
 *	}
 *
 * Context: one thread or main loop; never an interrupt handler. No call but cw_net_open() waits.
 * After CW_ERESET, CW_EPEER or another error of the peer every call returns that error until
 * cw_net_open() succeeds again; buffers and frames of before are void then and are ignored.
 */
#ifndef CAUSEWAY_DRIVER_NET_H
#define CAUSEWAY_DRIVER_NET_H

#include <causeway/driver/vdev.h>

/* Buffers in flight in each direction at most; a power of two. */
#ifndef CW_NET_QUEUE_SIZE
#define CW_NET_QUEUE_SIZE 64
#endif

/* Buffers that one sent frame may take: 64 KB need 17 of 4096 bytes. Stack: 16 bytes each. */
#ifndef CW_NET_TX_PARTS
#define CW_NET_TX_PARTS 18
#endif

#define CW_NET_MTU_MIN	   68u
#define CW_NET_MTU_DEFAULT 1500u
#define CW_NET_ETH_HEADER  14u
/* What comes before a frame in its buffer: 2 bytes for alignment and the virtio header. */
#define CW_NET_HEADROOM	   14u
/* A frame with GSO: at most 64 KB of IP packet. */
#define CW_NET_FRAME_MAX   (65535u + CW_NET_ETH_HEADER)

/* Features for struct cw_net_options. */
#define CW_NET_WANT_CSUM (CW_NET_F_CSUM | CW_NET_F_GUEST_CSUM)
#define CW_NET_WANT_TSO                                                                      \
	(CW_NET_WANT_CSUM | CW_NET_F_GUEST_TSO4 | CW_NET_F_GUEST_TSO6 | CW_NET_F_HOST_TSO4 | \
	 CW_NET_F_HOST_TSO6)

struct cw_net_options {
	uint64_t
		features; /* CW_NET_WANT_*, or 0; MAC, STATUS, MTU and MRG_RXBUF come by themselves */
	uint32_t rx_size; /* bytes of a receive buffer, headroom included; 0: holds one MTU frame */
	uint32_t tx_size; /* bytes of a send buffer, likewise */
	uint16_t rx_count; /* receive buffers; 0: half of what the block holds, at most the queue */
	uint16_t tx_count; /* send buffers; 0: as many as fit, at most the queue */
};

struct cw_net_config {
	uint8_t mac[6];
	bool has_mac; /* false: the device gave none and mac is zero, choose one */
	bool link_up;
	uint16_t mtu; /* CW_NET_MTU_MIN to 65535 */
};

/*
 * Checksum and segmentation of one frame (virtio 1.3 section 5.1.6.2). All zero: a plain frame.
 * Offsets count from the start of the frame.
 */
struct cw_net_offload {
	uint8_t flags;	  /* CW_NET_HDR_F_NEEDS_CSUM; received also _DATA_VALID */
	uint8_t gso_type; /* CW_NET_HDR_GSO_NONE, _TCPV4 or _TCPV6 */
	uint16_t hdr_len; /* all headers of a GSO frame; received: a hint, at most the frame */
	uint16_t gso_size;
	uint16_t csum_start, csum_offset;
};

/* A piece of a frame to send, anywhere in the caller's memory */
struct cw_net_piece {
	const void *ptr;
	uint32_t len;
};

/* A piece of a received frame, in the block: the peer may still write there, so look once */
struct cw_net_part {
	const void *ptr;
	uint32_t len;
};

/* A received frame. Its buffers are the caller's until cw_net_rx_done(). */
struct cw_net_frame {
	uint32_t len;	  /* bytes, without the virtio header */
	uint16_t buffers; /* number of parts; 0: none, or given back already */
	uint16_t first;	  /* private */
	uint32_t life;	  /* private */
	struct cw_net_offload offload;
};

struct cw_net_counters {
	uint32_t rx_frames, tx_frames;
	uint32_t rx_dropped; /* short, or with a header that makes no sense: buffers posted again */
	uint32_t rx_cut;     /* cw_net_recv(): did not fit the caller's buffer */
	uint32_t tx_full;    /* no send buffer */
};

/* Buffers of one direction */
struct cw_net_pool {
	unsigned char *base; /* in the block */
	cw_addr_t addr;
	uint32_t size;	/* of each buffer */
	uint16_t count; /* of buffers */
	uint16_t free;	/* first of a list through next */
	uint16_t next[CW_NET_QUEUE_SIZE];
	uint32_t len[CW_NET_QUEUE_SIZE]; /* rx: bytes of frame; tx: 0 free, else state */
};

struct cw_net {
	struct cw_vdev v;
	struct cw_drvq rxq, txq;
	struct cw_drvq_slot rx_slot[CW_NET_QUEUE_SIZE], tx_slot[CW_NET_QUEUE_SIZE];
	struct cw_net_pool rx, tx;
	struct cw_net_frame merging; /* a frame of which not all buffers have come */
	uint16_t merge_want, merge_last;
	uint16_t rx_posted;   /* buffers that the device has */
	uint16_t rx_unposted; /* added to the ring, not published yet */
	uint16_t mtu;
	bool tx_wanted;	     /* the caller waits for a send buffer */
	bool config_news;    /* configuration may have changed */
	bool tx_unpublished; /* sent with CW_NET_MORE */
	uint32_t life;
	struct cw_net_counters count;
};

/* flags of the send calls */
#define CW_NET_MORE \
	1u /* more follows at once: do not notify yet; cw_net_poll() does at the latest */

/**
 * cw_net_open - bring the device into use, the first time or anew
 * @net: the caller's, zeroed before the first call, filled; @t: open transport (cw_mmio_open()),
 * outlives @net; @options: NULL for a plain interface with checksums done by the caller
 *
 * May wait, at most the transport's deadline for each register request. Returns 0; CW_EINVAL
 * (options); CW_ENODEV (not a network device); CW_ENOSPC (block too small for two buffers in each
 * direction); CW_ENOTSUP (no VERSION_1); CW_EPEER (its configuration is impossible: MTU below 68,
 * multicast or zero MAC address); CW_EREFUSED; CW_ERESET; CW_ETIMEDOUT. virtio 1.3 section 5.1.5.
 */
int cw_net_open(struct cw_net *net, struct cw_transport *t, const struct cw_net_options *options);

/**
 * cw_net_config - MAC address, MTU and state of the link, as of now
 *
 * Returns 0; CW_EPEER (impossible values, or never consistent); CW_ERESET.
 */
int cw_net_config(struct cw_net *net, struct cw_net_config *config);

/** cw_net_config_changed - whether cw_net_config() may say something new since the last call */
bool cw_net_config_changed(struct cw_net *net);

/**
 * cw_net_poll - take back what was sent, publish what waits; once a pass of the main loop
 *
 * Returns 0, CW_ERESET or CW_EPEER: then cw_net_open() again.
 */
int cw_net_poll(struct cw_net *net);

/**
 * cw_net_arm - before sleeping: ask for a doorbell at the next news
 *
 * News are a frame, a changed configuration, the loss of the device and, after a send call said
 * CW_EAGAIN, a free send buffer. Returns true when there is some already: look again instead of
 * sleeping.
 */
bool cw_net_arm(struct cw_net *net);

/**
 * cw_net_take - take a received frame, in place
 * @frame: filled; its buffers are the caller's until cw_net_rx_done()
 *
 * Frames that make no sense are dropped and counted here. Returns 1, 0 (none), CW_ERESET, CW_EPEER.
 */
int cw_net_take(struct cw_net *net, struct cw_net_frame *frame);

/**
 * cw_net_frame_parts - where the bytes of a frame are
 * @part: array of @max entries, filled
 *
 * Returns the number of parts filled; frame->buffers when @max suffices, 0 for a frame of a former
 * life.
 */
unsigned int cw_net_frame_parts(const struct cw_net *net, const struct cw_net_frame *frame,
				struct cw_net_part *part, unsigned int max);

/**
 * cw_net_rx_done - give the buffers of a frame back to the device
 * @frame: frame->buffers becomes 0; a frame given back already, or of a former life, is ignored
 *
 * They are published in batches, at the latest by cw_net_poll() or cw_net_arm().
 */
void cw_net_rx_done(struct cw_net *net, struct cw_net_frame *frame);

/**
 * cw_net_recv - receive a frame by copying
 * @buf: anywhere; @cap: its bytes; @len: filled; @offload: filled, or NULL
 *
 * With @offload NULL a frame whose checksum is still to be computed is computed by nobody: pass it
 * whenever CW_NET_F_GUEST_CSUM was asked for. Returns 1; 0 (none); CW_ENOSPC (the frame has *@len
 * bytes, did not fit and is gone); CW_ERESET; CW_EPEER.
 */
int cw_net_recv(struct cw_net *net, void *buf, uint32_t cap, uint32_t *len,
		struct cw_net_offload *offload);

/**
 * cw_net_tx_alloc - a send buffer in the block
 *
 * Room for cw_net_tx_room() bytes of frame. Give it to cw_net_tx_send(), cw_net_tx_sendv() or
 * cw_net_tx_free(). Returns NULL when none is free (then cw_net_arm() asks for one) or the device
 * is lost.
 */
void *cw_net_tx_alloc(struct cw_net *net);

/** cw_net_tx_room - bytes of frame that one send buffer holds */
static inline uint32_t cw_net_tx_room(const struct cw_net *net)
{
	return net->tx.size - CW_NET_HEADROOM;
}

/** cw_net_tx_free - give a buffer of cw_net_tx_alloc() back unsent; any other pointer is ignored */
void cw_net_tx_free(struct cw_net *net, void *buf);

/**
 * cw_net_tx_send - send a frame that was written in place
 * @buf: of cw_net_tx_alloc(), the library's again if this returns 0; @len: bytes of frame, 14 to
 * cw_net_tx_room(); @flags: 0 or CW_NET_MORE
 *
 * Returns 0; CW_EINVAL (@buf or @len); CW_EAGAIN (queue full: @buf stays the caller's); CW_ERESET;
 * CW_EPEER.
 */
int cw_net_tx_send(struct cw_net *net, void *buf, uint32_t len, unsigned int flags);

/**
 * cw_net_tx_sendv - send one frame written over several buffers
 * @buf, @len: @n buffers of cw_net_tx_alloc() and the bytes in each, 1 to cw_net_tx_room();
 * @n: 1 to CW_NET_TX_PARTS; @offload: NULL for a plain frame; needs the features for what it asks
 *
 * Returns as cw_net_tx_send(); CW_ENOTSUP when a feature that @offload needs was not negotiated.
 */
int cw_net_tx_sendv(struct cw_net *net, void *const *buf, const uint32_t *len, unsigned int n,
		    const struct cw_net_offload *offload, unsigned int flags);

/**
 * cw_net_send - send a frame by copying
 * @piece: @n pieces anywhere that make up the frame, 14 to CW_NET_FRAME_MAX bytes in all;
 * @offload, @flags: as above
 *
 * Takes as many send buffers as needed. Returns 0; CW_EAGAIN (not enough send buffers now: nothing
 * was sent); CW_EINVAL (shorter than a header, longer than the MTU without GSO, or more than
 * CW_NET_TX_PARTS buffers); CW_ENOTSUP; CW_ERESET; CW_EPEER.
 */
int cw_net_send(struct cw_net *net, const struct cw_net_piece *piece, unsigned int n,
		const struct cw_net_offload *offload, unsigned int flags);

#endif
