/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Console device (virtio 1.3 section 5.3), device role: one port, or several with names.
 *
 * Context: the thread that owns the device.
 */
#ifndef CAUSEWAY_DEVICE_CONSOLE_H
#define CAUSEWAY_DEVICE_CONSOLE_H

#include <causeway/device/device.h>

#define CW_CONSOLE_DEVICE_PORTS 8u
#define CW_CONSOLE_PARTS	32u /* pieces of one chain at most */

struct cw_console_ops {
	/**
	 * output - bytes from the remote on @port; must not block
	 *
	 * Returns the bytes taken (0: none now, cw_console_device_ready() is called later), or a
	 * negative value: nobody takes them, they are dropped.
	 */
	int (*output)(void *ctx, unsigned int port, const struct cw_part *part, unsigned int n);
	/** input - bytes for the remote; returns the bytes stored, or CW_EAGAIN when there are none */
	int (*input)(void *ctx, unsigned int port, const struct cw_part *part, unsigned int n);
	/** opened - the remote opened or closed a port. May be NULL */
	void (*opened)(void *ctx, unsigned int port, bool open);
};

struct cw_console_device_port {
	const char *name; /* NULL: unnamed */
	struct cw_chain out, in;
	struct cw_part out_part[CW_CONSOLE_PARTS], in_part[CW_CONSOLE_PARTS];
	uint32_t out_done; /* bytes of out that are taken */
	bool out_held, in_held;
	bool starved;	  /* the remote has no input buffer */
	bool host_open;	  /* somebody is at our end */
	bool remote_open; /* the remote opened it */
	bool shut;	  /* the remote said that it closed it, and has not gone since */
	uint8_t tell;	  /* control messages still to be sent */
};

struct cw_console_device_counters {
	uint64_t in_bytes, out_bytes;
	uint32_t dropped, strange;
};

struct cw_console_device {
	struct cw_device dev; /* first: the model is found from it */
	const struct cw_console_ops *ops;
	void *ctx;
	struct cw_abi_console_config config;
	unsigned int ports;
	struct cw_console_device_port port[CW_CONSOLE_DEVICE_PORTS];
	struct cw_console_device_counters stats;
};

/** cw_console_device_queues - queues of a device with @ports ports */
static inline unsigned int cw_console_device_queues(unsigned int ports)
{
	return ports > 1 ? 2 + 2 * ports : 2;
}

/**
 * cw_console_device_init - prepare a console device
 * @c: filled; @cols, @rows: 0 to offer no size; @ports: 1 to CW_CONSOLE_DEVICE_PORTS, above 1 with
 * MULTIPORT; @name: @ports names or NULL each; @queue: cw_console_device_queues() of them
 *
 * Returns 0 or CW_EINVAL.
 */
int cw_console_device_init(struct cw_console_device *c, const struct cw_console_ops *ops, void *ctx,
			   uint16_t cols, uint16_t rows, unsigned int ports,
			   const char *const *name, struct cw_device_queue *queue);

/** cw_console_device_ready - a port's backend can give or take bytes again */
void cw_console_device_ready(struct cw_console_device *c, unsigned int port);

/** cw_console_device_wants_input - whether input of @port could be taken now */
bool cw_console_device_wants_input(const struct cw_console_device *c, unsigned int port);

/** cw_console_device_wants_room - whether output of @port waits for its backend */
bool cw_console_device_wants_room(const struct cw_console_device *c, unsigned int port);

/** cw_console_device_connect - somebody came to our end of a port, or left it */
void cw_console_device_connect(struct cw_console_device *c, unsigned int port, bool open);

/** cw_console_device_resize - the terminal has another size; offered if a size was at init */
void cw_console_device_resize(struct cw_console_device *c, uint16_t cols, uint16_t rows);

#endif
