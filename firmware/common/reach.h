/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How a firmware's devices are reached, for app.c alone: over a region shared with Linux
 * (reach_region.c). A program is linked with one such file.
 */
#ifndef CAUSEWAY_FIRMWARE_REACH_H
#define CAUSEWAY_FIRMWARE_REACH_H

#include "app.h"

/* Brings the machine up: app.machine. Returns 0 or a CW_E* error, having said what is wrong. */
int reach_machine(void);
/* Finds the devices (app.layout) and begins. As above. */
int reach_init(void);
/* Notices what came and went: app.links counts up whenever devices have to be opened anew. */
void reach_poll(void);
bool reach_up(void);
/* The transport to a device that app.layout has, ready for its driver. Returns 0 or a CW_E* error. */
int reach_open(enum app_kind kind, struct cw_transport **t);
/* Whether a device is to be given up for good; what is to be done then is done. */
void reach_check(enum app_kind kind);
/* Sleeps until something may have come, or @deadline. */
void reach_wait(uint64_t deadline);
/* What was counted: epoch is this life's, told by no other life that the other side remembers. */
struct reach_counters {
	uint32_t epoch, doorbells_in, doorbells_out;
};
void reach_count(struct reach_counters *c);
/* The last words. */
void reach_leave(int code);

#endif
