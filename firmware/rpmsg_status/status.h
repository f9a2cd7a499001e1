/* SPDX-License-Identifier: BSD-3-Clause */
/* The parts of rpmsg_status. Context: all of it from main()'s one loop. */
#ifndef RPMSG_STATUS_H
#define RPMSG_STATUS_H

#include <causeway/core/rpmsg.h>
#include <causeway/core/status.h>

#include <stdbool.h>
#include <stdint.h>

/* ---- sampler.c: what is known of this remote ---- */

/* What the main loop spends its time on, in the order of its passes. */
enum part { PART_DEVICES, PART_MESSAGES, PART_SHELL, PART_STATUS, PART_IDLE, PARTS };

/* sampler_start - life and clocks begin; after the first link */
void sampler_start(void);

/* sampler_spent - the time since the last call went to this part */
void sampler_spent(enum part p);

/* sampler_take - fill a sample in, and begin another window */
void sampler_take(struct cw_sample *s, uint32_t period_ms);

/* ---- lines.c: the log ---- */

/* lines_start - announce the service `log` */
int lines_start(struct cw_rpmsg *channel);

/* line - print a line, tell it to who listens, and keep it for who comes later; up to 120 bytes */
void line(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* lines_poll - go on telling kept lines to who has asked; true when there was something to do */
bool lines_poll(void);

#endif
