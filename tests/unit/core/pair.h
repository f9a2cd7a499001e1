/* SPDX-License-Identifier: BSD-3-Clause */
/* Two links over two pages in one process: A is the PMM's end, B the remote's. */
#ifndef TESTS_UNIT_PAIR_H
#define TESTS_UNIT_PAIR_H

#include "unit.h"

#include <causeway/core/err.h>
#include <causeway/core/link.h>
#include <causeway/core/shm.h>

#define PAIR_SLOTS 40u /* three groups, the last one not full */
#define PAIR_HASH  0x1122334455667788ull

enum { A, B };

struct side {
	struct cw_link link;
	struct cw_link_slot slot[CW_SLOTS_MAX];
	struct cw_abi_link_page *page;
	unsigned int rings;    /* doorbells rung towards the peer */
	unsigned int busy;     /* quiesce says no so many times */
	unsigned int quiesced; /* calls of quiesce */
	unsigned int ups, downs;
	bool found[CW_SLOTS_MAX];  /* slots that the last look() reported */
	bool refuse[CW_SLOTS_MAX]; /* slots whose queue is not ready */
};

extern struct side side[2];
extern uint64_t pair_now; /* microseconds */

/** pair_fresh - zeroed pages and two sides that have not begun */
int pair_fresh(void **state);

/** pair_new - a new process in the place of @s: private state is lost, the page is as it was left */
void pair_new(int s, uint64_t hash);

/** pair_begin - take an epoch and announce it */
void pair_begin(int s);

/** pair_poll - one cw_link_poll(); edges are counted */
enum cw_link_event pair_poll(int s);

/** pair_settle - both poll in turn, time passes, until nothing changes any more */
void pair_settle(void);

/** pair_up - setup: both sides began and are up */
int pair_up(void **state);

/** pair_look - cw_link_look() of @s; returns how many slots it found */
unsigned int pair_look(int s);

#endif
