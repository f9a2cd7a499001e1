// SPDX-License-Identifier: BSD-3-Clause
/*
 * What is known of a remote.
 *
 * Theory of operation: a sample of another life than the last one's is a restart. Nothing else is made of
 * what the remote says: whether it is live is decided by our clock, and what became of it is asked of its
 * carrier.
 */
#include "view.h"

#include <causeway/core/err.h>
#include <causeway/core/text.h>

#include <stdlib.h>
#include <string.h>

int view_init(struct view *v, unsigned int rows)
{
	memset(v, 0, sizeof(*v));
	v->row = calloc(rows, sizeof(*v->row));
	v->rows_max = rows;
	return v->row ? 0 : -1;
}

void view_free(struct view *v)
{
	free(v->row);
	v->row = NULL;
}

/* The next place of a ring of @max, the oldest one's when it is full. */
static unsigned int ring_place(unsigned int *first, unsigned int *used, unsigned int max)
{
	if (*used < max)
		return (*first + (*used)++) % max;
	*first = (*first + 1) % max;
	return (*first + max - 1) % max;
}

static void add_row(struct view *v, const struct cw_sample *s, int64_t ms)
{
	struct view_row *r = &v->row[ring_place(&v->first_row, &v->rows, v->rows_max)];

	memset(r, 0, sizeof(*r));
	r->ms = ms;
	r->life = v->restarts;
	r->uptime_us = s->uptime_us;
	r->sequence = s->sequence;
	r->stack_used = s->stack_used;
	r->heap_used = s->heap_used;
	r->messages_in = s->messages_in;
	r->messages_out = s->messages_out;
	r->doorbells_in = s->doorbells_in;
	r->doorbells_out = s->doorbells_out;
	r->loops = (uint8_t)s->loops;
	for (unsigned int i = 0; i < s->loops; i++)
		r->share[i] =
			(s->loop[i].share < CW_SAMPLE_WHOLE ? s->loop[i].share : CW_SAMPLE_WHOLE);
}

static bool same_loops(const struct cw_sample *a, const struct cw_sample *b)
{
	if (a->loops != b->loops)
		return false;
	for (unsigned int i = 0; i < a->loops; i++)
		if (strcmp(a->loop[i].name, b->loop[i].name))
			return false;
	return true;
}

static const char *refusal(int err)
{
	return err == CW_EVERSION ? "a version that is not known"
	       : err == CW_EPEER  ? "a period out of range"
				  : "a length that does not fit its contents";
}

int view_sample(struct view *v, const void *m, uint32_t len, struct view_time now)
{
	struct cw_sample s;
	int err = cw_sample_decode(&s, m, len);

	if (err) {
		v->refused++;
		v->refusal = refusal(err);
		return err;
	}
	if (v->received && s.life != v->sample.life) {
		v->restarts++;
		v->restarted = now;
	}
	/* Another program's loops do not go on where these ended. */
	if (v->received && !same_loops(&s, &v->sample))
		v->rows = v->first_row = 0;
	v->received++;
	v->ended = v->cut = false;
	v->sample = s;
	v->sampled = now;
	add_row(v, &s, now.ms);
	return CW_OK;
}

void view_log(struct view *v, const void *m, uint32_t len, struct view_time now)
{
	struct view_line *l = &v->line[ring_place(&v->first_line, &v->lines, VIEW_LINES)];

	l->ms = now.ms;
	cw_text_clean(l->text, m, len < VIEW_LINE ? len : VIEW_LINE);
}

static void take_text(char *dst, size_t size, const char *src)
{
	cw_text_clean(dst, src, (uint32_t)strnlen(src, size - 1));
}

static bool carrier_is(const struct view *v, const char *state)
{
	return !strcmp(v->carrier, state);
}

/* Whatever became of it, it is not there now. */
static bool is_off(const struct view *v)
{
	return v->pmm && (!v->carrier[0] || carrier_is(v, "offline") || carrier_is(v, "detached"));
}

/* Of what is attached, or of a guest, the link alone tells that it died; up is what it is as long as nobody says else. */
static bool is_linked(const struct view *v)
{
	return !v->link[0] || !strcmp(v->link, "up");
}

void view_carrier(struct view *v, const struct view_carrier *c)
{
	v->pmm = c->answers;
	take_text(v->carrier, sizeof(v->carrier), c->state);
	take_text(v->link, sizeof(v->link), c->link);
	take_text(v->trouble, sizeof(v->trouble), c->trouble);
	if (c->name[0])
		take_text(v->name, sizeof(v->name), c->name);
	v->starts = c->starts;
	v->crashes = c->crashes;
	if (carrier_is(v, "crashed") || is_off(v))
		v->ended = true;
	if (!is_linked(v))
		v->cut = true;
}

static uint64_t patience(const struct view *v)
{
	uint64_t us = v->sample.period_ms * 2000ull + VIEW_MARGIN_US;

	return us > VIEW_SILENT_US ? us : VIEW_SILENT_US;
}

enum view_state view_state(const struct view *v, struct view_time now)
{
	if (carrier_is(v, "crashed"))
		return VIEW_CRASHED;
	if (is_off(v) || (!v->pmm && !v->service))
		return VIEW_OFFLINE;
	if (!v->received || v->ended || (v->cut && is_linked(v)))
		return VIEW_WAITING;
	if (v->cut || now.us - v->sampled.us > patience(v))
		return VIEW_SILENT;
	if (v->restarts && now.us - v->restarted.us < VIEW_RESTARTED_US)
		return VIEW_RESTARTED;
	return VIEW_LIVE;
}

const char *view_state_text(enum view_state s)
{
	static const char *const text[] = {
		[VIEW_WAITING] = "waiting",	[VIEW_LIVE] = "live",
		[VIEW_RESTARTED] = "restarted", [VIEW_SILENT] = "silent",
		[VIEW_CRASHED] = "crashed",	[VIEW_OFFLINE] = "offline",
		[VIEW_STOPPED] = "stopped",
	};

	return text[s];
}
