/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A remote and its PMM in one thread: the driver library on one end of a region, the device library
 * with all models on the other, a clock of its own, and doorbells that are remembered as a port
 * has to remember them. The PMM runs only while the remote waits; a test can stop it, replace it in
 * the middle of any access of the remote to shared memory, or write over its words.
 */
#ifndef TESTS_UNIT_DRIVER_WORLD_H
#define TESTS_UNIT_DRIVER_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <causeway/core/err.h>
#include <causeway/core/shm.h>
#include <causeway/device/9p.h>
#include <causeway/device/blk.h>
#include <causeway/device/bus.h>
#include <causeway/device/console.h>
#include <causeway/device/net.h>
#include <causeway/device/rng.h>
#include <causeway/device/rpmsg.h>
#include <causeway/device/vsock.h>
#include <causeway/driver/9p.h>
#include <causeway/driver/blk.h>
#include <causeway/driver/bus.h>
#include <causeway/driver/console.h>
#include <causeway/driver/mmio.h>
#include <causeway/driver/net.h>
#include <causeway/driver/rng.h>
#include <causeway/driver/rpmsg.h>
#include <causeway/driver/vsock.h>

#include "tree.h"

enum { RNG, NET, CONSOLE, MULTI, DISK, RPMSG, FILES, VSOCK, DEVICES };

#define WORLD_QUEUE   64u
#define DISK_SECTORS  128u
#define DISK_DEPTH    3u
#define FILES_DEPTH   4u
#define FILES_MSIZE   CW_9P_BUFFER
#define WORLD_PORTS   2u
#define FRAME_MAX     66000u
#define FRAMES	      8u
#define WORLD_SOCKETS 8u
#define HOST_BYTES    (1u << 20)
/* Ports of the host */
#define PORT_ANSWERS  1000u
#define PORT_LATER    1001u /* says yes in the next pass */
#define PORT_REFUSES  1002u

/* What the host of the socket device has of a connection. */
struct host_end {
	bool open, shut, closed; /* shut: the remote sends no more */
	unsigned int opens;
	uint32_t port;
	uint8_t *out; /* what the remote sent, out_size bytes, up to HOST_BYTES */
	uint32_t out_size;
	uint32_t out_len;
	uint32_t message[64]; /* lengths, of seqpacket */
	unsigned int messages;
	const uint8_t *in;		    /* what it is to get */
	uint32_t in_len, in_at, in_message; /* message: bytes of each */
	bool in_end;			    /* and then no more */
};

struct frame {
	uint32_t len; /* virtio header included */
	uint8_t b[FRAME_MAX];
};

struct world {
	struct cw_layout layout;
	struct cw_layout_device place[DEVICES];
	unsigned char *mem;
	uint64_t now;

	/* the remote */
	struct cw_port port;
	struct cw_bus bus;
	struct cw_link_slot slot[40];
	struct cw_mmio mmio[DEVICES];
	bool bell;		   /* towards the remote, remembered until it waits */
	bool dumb;		   /* no doorbell reaches the remote */
	unsigned int waits, rings; /* since world_start(); every wait is bounded */
	unsigned int wait_limit;
	bool slept_for_ever;

	/* the PMM */
	struct cw_device_bus dev;
	struct cw_link_slot dev_slot[40];
	struct cw_device_mmio dev_mmio[DEVICES];
	struct cw_device_queue queue[DEVICES][8];
	uint16_t own[DEVICES][8][WORLD_QUEUE];
	bool on;	      /* it runs at all */
	bool silent;	      /* it keeps the link and executes no request, serves no queue */
	unsigned int hold;    /* devices that are not served, as bits */
	void (*tamper)(void); /* called at the end of each wait */
	unsigned int lives;

	/* its models */
	struct cw_rng rng;
	struct cw_part rng_part[WORLD_QUEUE];
	int rng_give; /* bytes of an answer at most, CW_EAGAIN: none */
	uint8_t rng_next;
	struct cw_net_device net;
	struct cw_part net_part[WORLD_QUEUE + 1];
	struct frame *sent, *incoming; /* FRAMES each */
	unsigned int sent_count, in_count, in_taken;
	struct cw_console_device con, multi;
	uint8_t out[2][WORLD_PORTS][65536];
	uint32_t out_len[2][WORLD_PORTS];
	int out_take; /* bytes taken at most in one go, 0: no room */
	const uint8_t *in[2][WORLD_PORTS];
	uint32_t in_len[2][WORLD_PORTS];

	struct cw_blk blk;
	struct cw_blk_request disk_request[DISK_DEPTH];
	struct cw_part disk_part[DISK_DEPTH][WORLD_QUEUE];
	uint8_t disk_buf[DISK_DEPTH][CW_BLK_STEP];
	struct cw_blk_request *disk_todo[DISK_DEPTH];
	unsigned int disk_todos, disk_flushes;
	uint8_t disk[DISK_SECTORS * CW_BLK_SECTOR];
	bool disk_cached; /* reads are done at once */
	bool disk_stuck;  /* no step is ever over */
	bool disk_broken; /* every step fails */

	struct cw_rpmsg_device rpmsg;
	struct cw_rpmsg channel;
	struct cw_rpmsg_endpoint endpoint[2];
	struct cw_rpmsg_slot rpmsg_tx[WORLD_QUEUE], rpmsg_rx[WORLD_QUEUE];
	uint32_t echoes; /* messages that its endpoint "echo" sent back */
	uint32_t echoes_ended;
	struct cw_9p_device files;
	struct cw_9p_request files_request[FILES_DEPTH];
	struct cw_part files_part[FILES_DEPTH][WORLD_QUEUE];
	uint8_t *files_buf;				   /* message and answer of each */
	struct cw_9p_request *files_todo[FILES_DEPTH + 1]; /* NULL: the session's end */
	unsigned int files_todos;
	struct tree tree;
	bool files_stuck; /* nothing is ever answered */
	/* Changes an answer before it is given, and returns its length. */
	uint32_t (*files_lie)(uint8_t *answer, uint32_t len);
	struct cw_vsock_device vsock;
	struct host_end host[WORLD_SOCKETS]; /* of each connection */
	uint32_t host_taken;		     /* bytes that an output takes at most */

	/* accesses of the remote, with the hooked libraries */
	unsigned int step, strike; /* at that step: */
	void (*at_strike)(void);
	uint32_t (*load)(const volatile void *p, unsigned int width, uint32_t value);
	bool outside; /* not the remote's code */
};

extern struct world w;

struct world_options {
	uint32_t net_block; /* bytes, 0: 128 KB */
	uint16_t mtu;	    /* 0: 1500 */
	bool offload;
	bool read_only;		     /* the disk */
	uint32_t disk_block;	     /* bytes of its device's block, 0: 32 KB */
	uint32_t line;		     /* 0: 64 */
	uint32_t to_host, to_remote; /* bytes of RPMsg buffers, 0: 512 */
	uint32_t rpmsg_block;	     /* 0: 64 KB */
	bool nuttx;
	uint32_t files_block; /* 0: 24 KB */
	uint32_t vsock_block; /* 0: 64 KB */
	uint32_t vsock_room;  /* bytes that the device buffers a connection, 0: 16 KB */
};

/** world_start - fresh memory (filled with garbage), both sides begun, link up, channels open */
void world_start(const struct world_options *o);

/** world_new - as world_start(), but neither side has begun */
void world_new(const struct world_options *o);

/** world_stop - cmocka teardown */
int world_stop(void **state);

/** world_link - wait for the link and open every channel */
void world_link(void);

/** world_pmm - let the PMM run until it would sleep */
void world_pmm(void);

/** world_new_pmm - the PMM is replaced: a new life with new models' state */
void world_new_pmm(void);

/** world_strike_pmm - for at_strike: it is replaced, and runs */
void world_strike_pmm(void);

/**
 * world_pmm_restarts - what happens when the PMM is replaced at one of sixty steps of @use, each in turn
 *
 * @opened makes a world. @use returns 0 or CW_ERESET, and 0 afterwards; then @check, if not NULL, has its look.
 */
void world_pmm_restarts(void (*opened)(void), int (*use)(void), void (*check)(void));

/** world_crash - for at_strike: the remote ends in mid-instruction; setjmp(world_crashed) first */
extern jmp_buf world_crashed;
void world_crash(void);

/** world_new_remote - the remote is replaced by one that knows nothing of before; links again */
void world_new_remote(void);

/** world_pass - what a main loop does between two looks: sleep or not, let the PMM run */
void world_pass(void);

/** world_device - the device page of a device */
struct cw_abi_device_page *world_device(int i);

/** world_event - the device says that something changed, without its library */
void world_event(int i);

/** world_used - write a used element and index into a queue of the driver's as a device would */
void world_used(struct cw_drvq *q, uint16_t idx, uint32_t id, uint32_t len);

/** world_incoming - a frame for the remote, with a virtio header (NULL: plain) */
void world_incoming(const struct cw_abi_net_hdr *h, const void *frame, uint32_t len);

/* world_vsock.c: the host of the socket device */
void world_vsock_make(uint32_t room);
void world_vsock_feed(void);
void world_vsock_stop(void);

#define start_plain() world_start(NULL)

#endif
