/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Socket driver (virtio 1.3 section 5.10): streams and messages (seqpacket) between this remote and
 * Linux, with calls like those of sockets, for one thread without an operating system.
 *
 * A socket is a number from 0 on. Bytes that came are copied into a buffer of the socket at once, so one
 * that is not read holds up no other; how large that buffer is, is what the other end may send unread.
 *
 * Calls with a timeout (microseconds) wait so long for what they need: 0 does not wait. While they wait
 * everything else goes on.
 *
 * Context: one thread or main loop; never an interrupt handler. Every call but cw_vsock_open() is for a
 * struct that was opened once; after CW_ERESET, CW_EPEER or an error of cw_vsock_open() they return that
 * until it is opened anew, which ends all sockets and listens nowhere.
 */
#ifndef CAUSEWAY_DRIVER_VSOCK_H
#define CAUSEWAY_DRIVER_VSOCK_H

#include <causeway/core/vsock.h>
#include <causeway/driver/vdev.h>

#ifndef CW_VSOCK_BUFFERS
#define CW_VSOCK_BUFFERS 16u /* packets in flight in each direction, a power of two, 2 to 32 */
#endif
#ifndef CW_VSOCK_BUFFER
#define CW_VSOCK_BUFFER 256u /* bytes of one at least, with its header */
#endif
#ifndef CW_VSOCK_BUFFER_MAX
#define CW_VSOCK_BUFFER_MAX 16384u /* bytes of one where the block has room */
#endif
#ifndef CW_VSOCK_LISTENERS
#define CW_VSOCK_LISTENERS 8u
#endif
#define CW_VSOCK_EVENTS 2u /* buffers for the device's events, a power of two */

/* What a socket is ready for: cw_vsock_events() */
#define CW_VSOCK_IN  1u /* cw_vsock_recv() has something to say, be it the end */
#define CW_VSOCK_OUT 2u /* cw_vsock_send() would take something */
#define CW_VSOCK_END 4u /* the connection is over, or was refused */

struct cw_vsock_socket {
	struct cw_vsock_fifo fifo;
	uint64_t leave_by; /* when the other end has to have agreed to the end */
	bool waiting;	   /* for cw_vsock_accept() */
	bool ended;	   /* the connection is over; the socket is not closed */
	bool in_order;	   /* its end was: the other end had said all it wanted */
};

/* Memory that the caller gives for so many sockets; CW_VSOCK_MEMORY makes it. */
struct cw_vsock_memory {
	unsigned int sockets;
	uint32_t room; /* bytes that each may hold unread: a power of two from 256 on */
	struct cw_vsock_conn *conn;
	struct cw_vsock_socket *socket;
	uint8_t *bytes; /* sockets * cw_vsock_fifo_bytes(room) */
};

#define CW_VSOCK_MEMORY(name, n, bytes_each)                                         \
	static struct cw_vsock_conn name##_conn[n];                                  \
	static struct cw_vsock_socket name##_socket[n];                              \
	static uint8_t name##_bytes[(n) * ((bytes_each) + (bytes_each) / 8)];        \
	static const struct cw_vsock_memory name = { (n), (bytes_each), name##_conn, \
						     name##_socket, name##_bytes }

/* One direction */
struct cw_vsock_queue {
	struct cw_drvq q;
	struct cw_drvq_slot slot[CW_VSOCK_BUFFERS];
	uint8_t *mem; /* buffers, in the block */
	cw_addr_t addr;
	uint32_t free; /* a bit a buffer: the device does not have it */
};

struct cw_vsock_driver {
	struct cw_vdev vdev;
	struct cw_vsock vsock;
	const struct cw_vsock_memory *memory;
	struct cw_vsock_queue rx, tx;
	struct cw_drvq event;
	struct cw_drvq_slot event_slot[CW_VSOCK_EVENTS];
	uint8_t *event_mem;
	cw_addr_t event_addr;
	uint32_t buffer; /* bytes of each */
	struct {
		uint32_t port;
		uint16_t type; /* 0: unused */
		uint16_t backlog;
	} listener[CW_VSOCK_LISTENERS];
	uint32_t resets;  /* events that ended all connections */
	uint32_t strange; /* packets too short to be one */
	bool tx_wanted;	  /* something waits for a buffer */
	/* Bytes of one stream that wait for more while the device has enough to do */
	int open;	      /* whose they are, -1: there are none */
	uint32_t open_buffer; /* where, behind room for a header */
	uint32_t open_len;
};

/**
 * cw_vsock_open - set the device up; all sockets are new
 * @v: filled; @t: open transport; @m: must outlive it
 *
 * Returns 0, CW_EINVAL (@m), CW_ENOSPC (the block is too small), or as cw_vdev_open().
 */
int cw_vsock_open(struct cw_vsock_driver *v, struct cw_transport *t,
		  const struct cw_vsock_memory *m);

/** cw_vsock_poll - take what came and say what is to be said. Returns 0 or what ended the device */
int cw_vsock_poll(struct cw_vsock_driver *v);

/** cw_vsock_arm - before sleeping: true when there is something to poll for already */
bool cw_vsock_arm(struct cw_vsock_driver *v);

/**
 * cw_vsock_listen - accept connections to @port
 * @type: CW_VSOCK_STREAM or CW_VSOCK_SEQPACKET; @backlog: how many may wait for cw_vsock_accept();
 * others are refused
 *
 * Returns 0, CW_EINVAL, CW_EBUSY (done already), CW_ENOSPC (CW_VSOCK_LISTENERS), CW_ENOTSUP (the device
 * has no messages), or what ended the device.
 */
int cw_vsock_listen(struct cw_vsock_driver *v, uint32_t port, uint16_t type, uint16_t backlog);

/** cw_vsock_unlisten - accept no more; those who wait are reset */
void cw_vsock_unlisten(struct cw_vsock_driver *v, uint32_t port, uint16_t type);

/** cw_vsock_accept - the next connection to a port: its socket, CW_EAGAIN, CW_ETIMEDOUT, or an end */
int cw_vsock_accept(struct cw_vsock_driver *v, uint32_t port, uint16_t type, uint64_t timeout);

/**
 * cw_vsock_connect - connect to @port of Linux
 *
 * Returns the socket. With @timeout 0 it is under way: cw_vsock_events() tells what came of it. Else
 * it is up. CW_ECLOSED: refused; CW_ETIMEDOUT; CW_ENOSPC: no socket is left; CW_ENOTSUP; or what ended
 * the device.
 */
int cw_vsock_connect(struct cw_vsock_driver *v, uint32_t port, uint16_t type, uint64_t timeout);

/**
 * cw_vsock_send - send bytes, or a message
 *
 * Small pieces of a stream are put together while the device is busy with others; they leave at the
 * latest with the next cw_vsock_poll() or cw_vsock_arm().
 *
 * Of a stream: returns the bytes sent, at least 1 (for @len above 0), CW_EAGAIN (timeout 0) or
 * CW_ETIMEDOUT when there was no room for any. Of messages: all of it is sent, and @len returned, or
 * none; CW_EINVAL when it is longer than the other end could ever take, or empty. CW_ECLOSED: the other
 * end takes nothing more.
 */
int cw_vsock_send(struct cw_vsock_driver *v, int s, const void *buf, uint32_t len,
		  uint64_t timeout);

/**
 * cw_vsock_recv - receive bytes, or one message
 *
 * Returns their number; 0: the other end sends no more; CW_EAGAIN (timeout 0), CW_ETIMEDOUT, CW_ECLOSED
 * (ended without an order), CW_ENOSPC: the message is longer than @len, and stays.
 */
int cw_vsock_recv(struct cw_vsock_driver *v, int s, void *buf, uint32_t len, uint64_t timeout);

/** cw_vsock_shutdown - no more is sent (CW_VSOCK_SHUT_SEND) or received (_RCV). 0 or CW_ECLOSED */
int cw_vsock_shutdown(struct cw_vsock_driver *v, int s, unsigned int how);

/** cw_vsock_close - give a socket back; what was sent still arrives */
void cw_vsock_close(struct cw_vsock_driver *v, int s);

/** cw_vsock_events - CW_VSOCK_IN, _OUT, _END, as of the last poll; 0 for what is no socket */
unsigned int cw_vsock_events(const struct cw_vsock_driver *v, int s);

/** cw_vsock_waiting - whether cw_vsock_accept() has a connection to @port */
bool cw_vsock_waiting(const struct cw_vsock_driver *v, uint32_t port, uint16_t type);

#endif
