// SPDX-License-Identifier: BSD-3-Clause
/*
 * What is written when.
 *
 * Theory of operation: status.json on news, and each second all the same, so that a page sees that somebody watches.
 * history.json only when it has another row: once a second, and the less often the longer it is, as each time is a
 * whole one; its first row at once.
 */
#include "output.h"
#include "page.h"
#include "publish.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NAME	       "causeway-status-page"
#define BETWEEN_US     100000u	/* status.json is not written more often than this, */
#define EVERY_US       1000000u /* nor less often; history.json not more often */
#define ROWS_IN_A_TURN 10000u	/* of history.json: so many more, another EVERY_US */

static void complain(const struct output *o, struct output_file *f, int err)
{
	if (err && err != f->said)
		fprintf(stderr, NAME ": cannot write %s in %s: %s\n", f->name, o->path,
			strerror(err));
	f->said = err;
}

/* Takes the text; true: it is written. */
static bool write_text(const struct output *o, struct output_file *f, char *text, uint64_t t)
{
	int err = !text							    ? ENOMEM
		  : page_publish(o->directory, f->name, text, strlen(text)) ? errno
									    : 0;

	complain(o, f, err);
	f->tried = t;
	free(text);
	return !err;
}

static int write_page(const struct output *o)
{
	for (const struct page_file *p = page_files; p->name; p++) {
		struct output_file f = { .name = p->name };

		if (page_publish(o->directory, p->name, p->data, p->size)) {
			complain(o, &f, errno);
			return -1;
		}
	}
	return 0;
}

int output_open(struct output *o, const char *path)
{
	*o = (struct output){ .path = path,
			      .directory = page_open(path),
			      .status.name = "status.json",
			      .history.name = "history.json",
			      .state = VIEW_STOPPED,
			      .received = UINT32_MAX };
	if (o->directory >= 0)
		return write_page(o);
	fprintf(stderr, NAME ": %s: %s\n", path,
		errno == EWOULDBLOCK ? "another " NAME " writes there" : strerror(errno));
	return -1;
}

static void write_history(struct output *o, const struct view *v, uint64_t t)
{
	if (!write_text(o, &o->history, view_history_json(v), t))
		return;
	o->received = v->received;
	o->rows = v->rows;
}

static void write_status(struct output *o, const struct view *v, enum view_state s,
			 struct view_time now)
{
	write_text(o, &o->status, view_status_json(v, s, now), now.us);
	o->state = s;
}

static bool history_is_due(const struct output *o, const struct view *v, uint64_t t)
{
	uint64_t pause = EVERY_US * (1ull + v->rows / ROWS_IN_A_TURN);

	if (o->received == v->received)
		return false;
	return !o->history.tried || t - o->history.tried >= pause ||
	       (v->rows && !o->rows && !o->history.said);
}

bool output_turn(struct output *o, const struct view *v, struct view_time now, bool news)
{
	enum view_state s = view_state(v, now);

	if (history_is_due(o, v, now.us))
		write_history(o, v, now.us);
	if (s == o->state && now.us - o->status.tried < (news ? BETWEEN_US : EVERY_US))
		return false;
	write_status(o, v, s, now);
	return true;
}

void output_end(struct output *o, const struct view *v, struct view_time now)
{
	if (o->received != v->received)
		write_history(o, v, now.us);
	write_status(o, v, VIEW_STOPPED, now);
	close(o->directory);
}
