/* SPDX-License-Identifier: BSD-3-Clause */
/* Between the files of `causeway dump`. */
#ifndef CAUSEWAY_CLI_DUMP_H
#define CAUSEWAY_CLI_DUMP_H

#include "talk.h"

#include <causeway/core/window.h>

/* A private copy of a region, taken once: what is printed belongs together as far as it can. */
struct dump {
	unsigned char *copy;
	struct cw_window region;
	unsigned int warnings;
};

/* A line that starts with "!": something looks wrong. */
void dump_warn(struct dump *d, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Descriptor table, available and used ring of one queue, as reported by the worker. */
void dump_queue(struct dump *d, const cJSON *device, const cJSON *queue, unsigned int i);

#endif
