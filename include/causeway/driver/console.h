/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Console driver (virtio 1.3 section 5.3): one port, or several with names when the device has
 * VIRTIO_CONSOLE_F_MULTIPORT.
 *
 * Context: one thread or main loop.
 */
#ifndef CAUSEWAY_DRIVER_CONSOLE_H
#define CAUSEWAY_DRIVER_CONSOLE_H

#include <causeway/driver/vdev.h>

#ifndef CW_CONSOLE_PORTS
#define CW_CONSOLE_PORTS 4u /* ports served, the others are left alone */
#endif
#ifndef CW_CONSOLE_BUFFERS
#define CW_CONSOLE_BUFFERS 8u /* in each direction of a port, a power of two */
#endif
#ifndef CW_CONSOLE_BUFFER
#define CW_CONSOLE_BUFFER 128u /* bytes of one */
#endif
#define CW_CONSOLE_CONTROL 4u /* control messages in flight in each direction, a power of two */

struct cw_console_port {
	struct cw_drvq rx, tx;
	struct cw_drvq_slot rx_slot[CW_CONSOLE_BUFFERS], tx_slot[CW_CONSOLE_BUFFERS];
	uint8_t *rx_mem, *tx_mem;
	cw_addr_t rx_addr, tx_addr;
	uint16_t tx_free[CW_CONSOLE_BUFFERS], tx_free_count;
	uint16_t rx_buffer; /* partly read buffer, and where in it */
	uint32_t rx_at, rx_len;
	char name[32]; /* "" until the device names it */
	bool present, open, console;
};

struct cw_console_driver {
	struct cw_vdev vdev;
	struct cw_console_port port[CW_CONSOLE_PORTS];
	struct cw_drvq ctrl_rx, ctrl_tx;
	struct cw_drvq_slot ctrl_rx_slot[CW_CONSOLE_CONTROL], ctrl_tx_slot[CW_CONSOLE_CONTROL];
	uint8_t *ctrl_rx_mem, *ctrl_tx_mem;
	cw_addr_t ctrl_rx_addr, ctrl_tx_addr;
	uint16_t cols, rows; /* 0: unknown */
	uint16_t ports;	     /* with queues of ours */
	bool multiport;
	uint32_t strange; /* control messages that made no sense */
};

/**
 * cw_console_open - bring the device into use on the present link
 *
 * With several ports it answers the device's announcements from cw_console_poll() on. Returns 0 or
 * the errors of cw_vdev_open() and cw_vdev_queue().
 */
int cw_console_open(struct cw_console_driver *c, struct cw_transport *t);

/**
 * cw_console_poll - handle control messages and configuration changes (size)
 *
 * Returns 0, or the error after which cw_console_open() is due.
 */
int cw_console_poll(struct cw_console_driver *c);

/**
 * cw_console_read - take input of port @p, never waits
 *
 * Returns the bytes read, 0 when there is none, CW_ENODEV (no such port), or CW_ERESET, CW_EPEER:
 * open anew.
 */
int cw_console_read(struct cw_console_driver *c, unsigned int p, void *buf, uint32_t len);

/**
 * cw_console_write - send output to port @p
 * @timeout: microseconds to wait for room, 0 not to
 *
 * Returns the bytes taken, fewer than @len when there was no room in time (0 is possible), CW_ENODEV,
 * or CW_ERESET, CW_EPEER.
 */
int cw_console_write(struct cw_console_driver *c, unsigned int p, const void *buf, uint32_t len,
		     uint64_t timeout);

/** cw_console_arm - ask for a notification of input on all ports; true when there is some already */
bool cw_console_arm(struct cw_console_driver *c);

#endif
