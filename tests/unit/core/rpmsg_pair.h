/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A host and a remote in one thread over real rings in one piece of memory: no transport, a clock that
 * stands still but for waits, and a peer that runs while one of them waits. Tests that play one side badly
 * use the rings of that side themselves.
 */
#ifndef TESTS_UNIT_RPMSG_PAIR_H
#define TESTS_UNIT_RPMSG_PAIR_H

#include "unit.h"

#include <causeway/core/err.h>
#include <causeway/core/layout.h>
#include <causeway/core/rpmsg.h>
#include <causeway/core/shm.h>

#define PAIR_BASE      0x40000000u
#define PAIR_BYTES     (512u * 1024u)
#define PAIR_SIZE      64u /* largest queue */
#define PAIR_ENDPOINTS 12u
#define PAIR_SERVICES  6u
#define PAIR_LOG       4096u

enum { HOST, REMOTE };

struct pair_side {
	struct cw_rpmsg ch;
	struct cw_rpmsg_endpoint ept[PAIR_ENDPOINTS];
	struct cw_rpmsg_service svc[PAIR_SERVICES];
	struct cw_rpmsg_slot rx[PAIR_SIZE], tx[PAIR_SIZE];
	unsigned int ups, downs, services, ends; /* what the application was told */
	char last_name[CW_RPMSG_NAME];
	unsigned int rings[2]; /* notifications a queue */
	bool asleep;	       /* it does not run while the other waits */
};

struct pair_options {
	uint16_t queue;		     /* descriptors of a queue, 0: 16 */
	uint16_t buffers;	     /* of each direction, 0: as many */
	uint32_t to_host, to_remote; /* bytes of a buffer, 0: 512 */
	uint64_t features;	     /* 0: all that both offer */
	bool credit, fragment, nuttx;
	bool event_idx;
	uint8_t repeats;
};

struct pair {
	struct cw_window w;
	struct cw_drvq drv[2];
	struct cw_devq dev[2];
	struct cw_ranges rings;
	struct cw_drvq_slot slot[2][PAIR_SIZE];
	uint16_t own[2][PAIR_SIZE];
	struct cw_rpmsg_host host;
	struct cw_rpmsg_remote remote;
	struct pair_side side[2];
	struct pair_options o;
	uint64_t now, features;
	unsigned int waits;
	int check; /* what the transports say of their peer */
	cw_addr_t pool[2];
};

extern struct pair p;

/** pair_new - two channels, down */
void pair_new(const struct pair_options *o);

/** pair_up - fresh rings and buffers, both channels up */
void pair_up(void);

/** pair_start - both */
void pair_start(const struct pair_options *o);

/** pair_down - both channels lose each other */
void pair_down(void);

/** pair_settle - both poll until neither has anything; fails when that never comes */
void pair_settle(void);

/** pair_run - one side polls until it has nothing; returns the last result */
int pair_run(int side);

/** pair_memory - the place of an address */
void *pair_memory(cw_addr_t at, uint32_t len);

/* An endpoint that remembers what came. */
struct pair_box {
	struct cw_rpmsg_endpoint *e;
	unsigned int n, peers, losses, writables;
	struct cw_rpmsg_msg last;
	uint8_t bytes[16384]; /* the first of the last one */
	int answer;	      /* what receive() returns */
	void (*also)(struct pair_box *b, const struct cw_rpmsg_msg *m);
};

extern const struct cw_rpmsg_endpoint_ops pair_ops;

/** pair_open - create an endpoint with a box; fails unless it is created */
void pair_open(int side, struct pair_box *b, const char *name, uint32_t addr, uint32_t dst);

/** pair_spec - what pair_open() uses, to be changed */
struct cw_rpmsg_spec pair_spec(struct pair_box *b, const char *name, uint32_t addr, uint32_t dst);

#endif
