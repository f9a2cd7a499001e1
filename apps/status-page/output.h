/* SPDX-License-Identifier: BSD-3-Clause */
/* What is written when. */
#ifndef STATUS_PAGE_OUTPUT_H
#define STATUS_PAGE_OUTPUT_H

#include "view.h"

struct output_file {
	const char *name;
	uint64_t tried; /* when it was written last, or could not be; 0: never */
	int said;	/* of that, 0: all is well */
};

struct output {
	const char *path;
	int directory;
	struct output_file status, history;
	enum view_state state; /* in status.json */
	uint32_t received;     /* in history.json, or UINT32_MAX: it has to be written */
	unsigned int rows;
};

/**
 * output_open - take @path, and write the page there
 *
 * Returns 0, or -1 with a line on standard error. What cannot be written later is said there, too, once a change.
 */
int output_open(struct output *o, const char *path);

/** output_turn - write what is due; returns whether status.json is as @v now */
bool output_turn(struct output *o, const struct view *v, struct view_time now, bool news);

/** output_end - write that nobody watches any more */
void output_end(struct output *o, const struct view *v, struct view_time now);

#endif
