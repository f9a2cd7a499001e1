/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What is known of a remote: its last sample, a bounded history of them, its last lines of log, and from
 * these and the carrier's state how it is. No I/O: what happened is told with its time.
 */
#ifndef STATUS_PAGE_VIEW_H
#define STATUS_PAGE_VIEW_H

#include <causeway/core/status.h>

#include <stdbool.h>
#include <stdint.h>

#define VIEW_LINES	  50u	    /* of log */
#define VIEW_LINE	  200u	    /* bytes of one */
#define VIEW_ROWS_MAX	  100000u   /* of history */
#define VIEW_MARGIN_US	  250000u   /* silent: two periods and this long without a sample, */
#define VIEW_SILENT_US	  1000000u  /* and no less than this */
#define VIEW_RESTARTED_US 10000000u /* a restart is what there is to say, for this long */

struct view_time {
	uint64_t us; /* monotonic: what decides */
	int64_t ms;  /* wall clock: what is shown */
};

enum view_state {
	VIEW_WAITING, /* no sample yet */
	VIEW_LIVE,
	VIEW_RESTARTED, /* live, and began anew a moment ago */
	VIEW_SILENT,  /* samples stopped coming, and nobody says why, or the link to it is not up */
	VIEW_CRASHED, /* its carrier says so */
	VIEW_OFFLINE, /* likewise, or the PMM does not run, or has no such remote */
	VIEW_STOPPED, /* nobody watches any more */
};

struct view_row {
	int64_t ms;
	uint32_t life; /* restarts seen before it */
	uint64_t uptime_us;
	uint32_t sequence, stack_used, heap_used;
	uint32_t messages_in, messages_out, doorbells_in, doorbells_out;
	uint32_t share[CW_SAMPLE_LOOPS];
	uint8_t loops;
};

struct view_line {
	int64_t ms;
	char text[VIEW_LINE + 1];
};

struct view {
	struct cw_sample sample; /* the last, when received > 0 */
	struct view_time sampled;
	uint32_t received, refused;
	const char *refusal; /* the last reason, or NULL */
	bool service;	     /* the remote's service `status` is there */

	uint32_t restarts;
	struct view_time restarted;

	char name[64];	  /* the remote's, "": not known */
	bool pmm;	  /* answers */
	char carrier[24]; /* the remote's state in its words, "": not known */
	uint32_t starts, crashes;
	char link[16];	   /* the state of the link to it, likewise */
	bool ended;	   /* its carrier said so, and no sample came since */
	bool cut;	   /* the link was away, likewise */
	char trouble[256]; /* why nobody knows which remote, "" */

	struct view_row *row; /* a ring */
	unsigned int rows_max, rows, first_row;
	struct view_line line[VIEW_LINES]; /* another */
	unsigned int lines, first_line;
};

/** view_init - @rows: of history, 1 to VIEW_ROWS_MAX. Returns 0, or -1 without memory */
int view_init(struct view *v, unsigned int rows);
void view_free(struct view *v);

/** view_sample - a message came on `status`. Returns 0, or why it is refused (CW_E*) */
int view_sample(struct view *v, const void *m, uint32_t len, struct view_time now);

/** view_log - a message came on `log` */
void view_log(struct view *v, const void *m, uint32_t len, struct view_time now);

/* What the PMM says. Texts are never NULL; those of a remote are "" when it answers, but knows none. */
struct view_carrier {
	bool answers;
	const char *name, *state, *link; /* as `causeway status` has them */
	uint32_t starts, crashes;
	const char *trouble; /* "", or why there is no remote to tell of */
};

void view_carrier(struct view *v, const struct view_carrier *c);

enum view_state view_state(const struct view *v, struct view_time now);

/** view_state_text - its name in JSON */
const char *view_state_text(enum view_state s);

/** view_status_json, view_history_json - what is published, to be freed; NULL without memory */
char *view_status_json(const struct view *v, enum view_state s, struct view_time now);
char *view_history_json(const struct view *v);

#endif
