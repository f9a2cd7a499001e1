/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Console driver (virtio 1.3 section 5.3): one port, or several with names when the device has
 * VIRTIO_CONSOLE_F_MULTIPORT.
 *
 * Bytes are copied through buffers in the device's block, many of them a buffer, so the caller's
 * memory may be anywhere.
 *
 * Context: one thread or main loop; never an interrupt handler. Every call but cw_console_open() is
 * for a struct that was opened once; after CW_ERESET, CW_EPEER or an error of cw_console_open() they
 * return that until it is opened anew.
 */
#ifndef CAUSEWAY_DRIVER_CONSOLE_H
#define CAUSEWAY_DRIVER_CONSOLE_H

#include <causeway/driver/vdev.h>

#ifndef CW_CONSOLE_PORTS
#define CW_CONSOLE_PORTS 4u /* ports served, 1 to 31; the others are left alone */
#endif
#ifndef CW_CONSOLE_BUFFERS
#define CW_CONSOLE_BUFFERS 8u /* in each direction of a port, a power of two, 2 to 32 */
#endif
#ifndef CW_CONSOLE_BUFFER
#define CW_CONSOLE_BUFFER 128u /* bytes of one at least */
#endif
#ifndef CW_CONSOLE_BUFFER_MAX
#define CW_CONSOLE_BUFFER_MAX 2048u /* bytes of one where the block has room */
#endif
#define CW_CONSOLE_CONTROL 4u /* control messages in flight in each direction, a power of two */

/* One direction of a port */
struct cw_console_queue {
	struct cw_drvq q;
	struct cw_drvq_slot slot[CW_CONSOLE_BUFFERS];
	uint8_t *mem; /* buffers, in the block */
	cw_addr_t addr;
	uint32_t free; /* a bit a buffer: the device does not have it */
};

struct cw_console_port {
	struct cw_console_queue rx, tx;
	uint32_t at, have;   /* the buffer that is being read: where in it, and its bytes */
	uint16_t reading;    /* which that is */
	uint16_t cols, rows; /* 0: unknown */
	char name[32];	     /* printable ASCII, "" until the device names it */
	uint8_t tell;	     /* control messages that are still to be sent */
	bool present;	     /* the device has it */
	bool open;	     /* the other side has it open */
	bool console;	     /* the device calls it a console */
	bool wanted;	     /* this side has it open */
	bool tx_wanted;	     /* cw_console_write() found no room */
};

struct cw_console_driver {
	struct cw_vdev vdev;
	struct cw_console_port port[CW_CONSOLE_PORTS];
	struct cw_drvq ctrl_rx, ctrl_tx;
	struct cw_drvq_slot ctrl_rx_slot[CW_CONSOLE_CONTROL], ctrl_tx_slot[CW_CONSOLE_CONTROL];
	uint8_t *ctrl_rx_mem, *ctrl_tx_mem;
	cw_addr_t ctrl_rx_addr, ctrl_tx_addr;
	uint32_t buffer_size; /* of the ports' buffers, chosen by cw_console_open() */
	uint16_t ports;	      /* with queues of ours */
	bool multiport;
	bool ready_told;  /* DEVICE_READY was sent */
	bool tell_wanted; /* a control message waits for a buffer */
	uint32_t strange; /* control messages that made no sense, ignored */
};

/**
 * cw_console_open - bring the device into use on the present link
 * @c: filled; @t: opened transport, outlives @c
 *
 * With several ports it answers the device's announcements from cw_console_poll() on. Thread; waits
 * at most the transport's deadline for each request. Returns 0; CW_EPEER when the device claims no
 * port or more than there can be; CW_ENOSPC when the block is too small; or the errors of
 * cw_vdev_open() and cw_vdev_queue().
 */
int cw_console_open(struct cw_console_driver *c, struct cw_transport *t);

/**
 * cw_console_poll - handle control messages and configuration changes; once a pass of the main loop
 *
 * Ports come and go, open, close and change their size only here: look at port[p] after it. Returns
 * 0, or the error after which cw_console_open() is due.
 */
int cw_console_poll(struct cw_console_driver *c);

/**
 * cw_console_read - take input of port @p, never waits
 * @buf: anywhere; @len: its bytes, at most INT32_MAX
 *
 * Returns the bytes read, 0 when there is none, CW_EINVAL (@len), CW_ENODEV (no such port), or
 * CW_ERESET, CW_EPEER: open anew.
 */
int cw_console_read(struct cw_console_driver *c, unsigned int p, void *buf, uint32_t len);

/**
 * cw_console_write - send output to port @p
 * @buf: anywhere; @len: bytes, at most INT32_MAX; @timeout: microseconds to wait for room, 0 not to
 *
 * Returns the bytes taken, fewer than @len when there was no room in time or the device was lost
 * after some (0 is possible); CW_EINVAL (@len), CW_ENODEV (no such port), or CW_ERESET, CW_EPEER.
 * Bytes for a port that nobody has open (port[p].open) may be dropped by the device.
 */
int cw_console_write(struct cw_console_driver *c, unsigned int p, const void *buf, uint32_t len,
		     uint64_t timeout);

/**
 * cw_console_set_open - tell the other side that this one opens or closes port @p
 *
 * Ports are opened when they come; without several ports nothing is told. Returns 0, CW_ENODEV, or
 * CW_ERESET, CW_EPEER.
 */
int cw_console_set_open(struct cw_console_driver *c, unsigned int p, bool open);

/**
 * cw_console_arm - before sleeping: ask for a doorbell at the next news of any port
 *
 * News are input, control messages, a change of configuration, the loss of the device, and room on a
 * port that had too little for the last cw_console_write(). Returns true when there is some already:
 * look again instead of sleeping.
 */
bool cw_console_arm(struct cw_console_driver *c);

#endif
