/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The console driver (virtio 1.3 section 5.3), one port or several.
 *
 * Bytes are bounced through buffers in the device's block, many of them a buffer. A device without
 * VIRTIO_CONSOLE_F_MULTIPORT has port 0 alone, and it is always open.
 *
 * Context: one thread or main loop; never an interrupt handler. Only cw_console_open() and
 * cw_console_write() with a timeout wait. After CW_ERESET, CW_EPEER or another error of the peer
 * every call returns that error until cw_console_open() succeeds again.
 */
#ifndef CAUSEWAY_DRIVER_CONSOLE_H
#define CAUSEWAY_DRIVER_CONSOLE_H

#include <causeway/driver/vdev.h>

/* Ports served at most; further ones of the device are left alone. 1 to 31. */
#ifndef CW_CONSOLE_PORTS
#define CW_CONSOLE_PORTS 2
#endif

/* Buffers of a port in each direction; a power of two, at least 2. */
#ifndef CW_CONSOLE_BUFFERS
#define CW_CONSOLE_BUFFERS 4
#endif

/* Bytes of a buffer at most; less when the block has no room. A power of two. */
#ifndef CW_CONSOLE_BUFFER_SIZE
#define CW_CONSOLE_BUFFER_SIZE 2048u
#endif

/* Bytes kept of a port's name, its end mark included. */
#ifndef CW_CONSOLE_NAME
#define CW_CONSOLE_NAME 16
#endif

/* Control messages in flight in each direction; a power of two. */
#define CW_CONSOLE_CONTROLS 4

/* One queue with its buffers */
struct cw_console_queue {
	struct cw_drvq q;
	struct cw_drvq_slot slot[CW_CONSOLE_BUFFERS];
	unsigned char *base; /* in the block */
	cw_addr_t addr;
	uint32_t size; /* of each buffer */
	uint32_t free; /* a bit a buffer that the device does not have */
};

struct cw_console_port {
	struct cw_console_queue rx, tx;
	uint32_t at, have; /* of the receive buffer that is being read */
	uint16_t reading;  /* its number */
	uint16_t cols, rows;
	bool present;	/* the device has added it */
	bool open;	/* the other side has it open */
	bool console;	/* the device calls it a console */
	bool tx_wanted; /* the caller waits for room to write */
	uint8_t tell;	/* control messages still to be sent */
	bool wanted;	/* we have it open */
	char name[CW_CONSOLE_NAME];
};

struct cw_console {
	struct cw_vdev v;
	struct cw_console_port port[CW_CONSOLE_PORTS];
	struct cw_console_queue ctrl_rx, ctrl_tx;
	uint16_t ports; /* that have queues */
	bool multiport, resized;
	uint8_t tell;	  /* DEVICE_READY still to be sent */
	uint32_t strange; /* control messages that make no sense, ignored */
};

/**
 * cw_console_open - bring the device into use, the first time or anew
 * @c: the caller's, filled; @t: open transport (cw_mmio_open()), outlives @c
 *
 * May wait, at most the transport's deadline for each register request. Returns 0; CW_ENODEV (not a
 * console, or without the queues of its ports); CW_ENOSPC (block too small); CW_ENOTSUP (no
 * VERSION_1); CW_EPEER (it claims 0 ports or more than there can be); CW_EREFUSED; CW_ERESET;
 * CW_ETIMEDOUT. virtio 1.3 section 5.3.5.
 */
int cw_console_open(struct cw_console *c, struct cw_transport *t);

/**
 * cw_console_poll - handle control messages and changes; once a pass of the main loop
 *
 * Ports come, go, open, close and change their size only here. Returns 0, CW_ERESET or CW_EPEER:
 * then cw_console_open() again.
 */
int cw_console_poll(struct cw_console *c);

/**
 * cw_console_arm - before sleeping: ask for a doorbell at the next news
 *
 * News are bytes, control messages, a changed size, the loss of the device and, after
 * cw_console_write() could not write everything, room to write. Returns true when there is some
 * already: look again instead of sleeping.
 */
bool cw_console_arm(struct cw_console *c);

/**
 * cw_console_write - send bytes
 * @port: number; @buf: anywhere; @len: bytes, 0 to INT32_MAX; @timeout_us: microseconds that it may
 * wait for room, 0 for none
 *
 * Returns the number of bytes given to the device, less than @len when the deadline passed;
 * CW_EAGAIN when that is none; CW_EINVAL (no such port, @len); CW_EDOWN (port not present);
 * CW_ERESET; CW_EPEER. Bytes given to a port that nobody has open may be lost: ask
 * cw_console_is_open().
 */
int cw_console_write(struct cw_console *c, unsigned int port, const void *buf, uint32_t len,
		     uint32_t timeout_us);

/**
 * cw_console_read - take received bytes, without waiting
 * @buf: anywhere; @cap: its bytes, 1 to INT32_MAX
 *
 * Returns 1 to @cap; CW_EAGAIN (none); CW_EINVAL; CW_ERESET; CW_EPEER.
 */
int cw_console_read(struct cw_console *c, unsigned int port, void *buf, uint32_t cap);

/**
 * cw_console_set_open - tell the other side that this side has a port open, or not any more
 *
 * Does nothing without multiport. A port that the device calls a console is opened by itself.
 * Returns 0, CW_EINVAL, CW_EDOWN (port not present), CW_ERESET, CW_EPEER.
 */
int cw_console_set_open(struct cw_console *c, unsigned int port, bool open);

/** cw_console_is_open - whether the other side has a port open, as of the last cw_console_poll() */
bool cw_console_is_open(const struct cw_console *c, unsigned int port);

/**
 * cw_console_name - the name the device gave a port, as of the last cw_console_poll()
 *
 * Printable ASCII, cut to CW_CONSOLE_NAME - 1 bytes; "" when it has none.
 */
const char *cw_console_name(const struct cw_console *c, unsigned int port);

/**
 * cw_console_size - columns and rows of a port, as of the last cw_console_poll()
 *
 * Returns 0, CW_EINVAL, or CW_ENOTSUP when the device gives none (0 x 0 counts as none).
 */
int cw_console_size(const struct cw_console *c, unsigned int port, uint16_t *cols, uint16_t *rows);

/** cw_console_resized - whether any size changed since the last call */
bool cw_console_resized(struct cw_console *c);

#endif
