/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What both sides of an RPMsg workload do with their channel, and the book that outlives them: see
 * ledger.c.
 */
#ifndef CAUSEWAY_TESTS_FAULT_LEDGER_H
#define CAUSEWAY_TESTS_FAULT_LEDGER_H

#include "fault.h"

#include <causeway/core/rpmsg.h>

#define ENDS 2 /* endpoints of a side that messages go between */

struct party {
	struct cw_rpmsg ch;
	struct cw_rpmsg_endpoint table[4];
	struct cw_rpmsg_service service[4];
	struct cw_rpmsg_endpoint *e[ENDS];
	bool alive, up, has[ENDS], waits[ENDS];
	struct cw_rpmsg_msg held;
	bool holds;
	uint8_t assembly[1024];
};

extern struct party party[SIDES];

/* born: a new life, whose channel is down; died: whatever it had sent has nobody to be reported to */
void party_born(enum side side);
void party_died(enum side side);
/* work: sends what is due, waiting up to @timeout; true: something was done */
bool party_work(enum side side, uint64_t timeout);
bool party_due(enum side side); /* there is something to send */

void ledger_begin(void);
/* done: enough has gone each way since a side was stopped, and nothing is under way */
bool ledger_done(void);
const char *ledger_end(void);

#endif
