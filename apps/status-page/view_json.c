// SPDX-License-Identifier: BSD-3-Clause
/* What is published. Strings of the remote are printable ASCII already, and cJSON escapes them. */
#include "view.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void number(cJSON *o, const char *key, double value)
{
	cJSON_AddNumberToObject(o, key, value);
}

static void moment(cJSON *o, const char *key, bool there, struct view_time t)
{
	if (there)
		number(o, key, (double)t.ms);
	else
		cJSON_AddNullToObject(o, key);
}

static void pair(cJSON *o, const char *key, const char *a, double av, const char *b, double bv)
{
	cJSON *p = cJSON_AddObjectToObject(o, key);

	number(p, a, av);
	number(p, b, bv);
}

static void loops(cJSON *o, const struct cw_sample *s)
{
	cJSON *list = cJSON_AddArrayToObject(o, "loops");

	for (unsigned int i = 0; i < s->loops; i++) {
		cJSON *l = cJSON_CreateObject();

		cJSON_AddStringToObject(l, "name", s->loop[i].name);
		number(l, "share", s->loop[i].share / (double)CW_SAMPLE_WHOLE);
		cJSON_AddItemToArray(list, l);
	}
}

static void queues(cJSON *o, const struct cw_sample *s)
{
	cJSON *list = cJSON_AddArrayToObject(o, "queues");

	for (unsigned int i = 0; i < s->queues; i++) {
		const struct cw_sample_queue *q = &s->queue[i];
		cJSON *l = cJSON_CreateObject();

		cJSON_AddStringToObject(l, "device", q->name);
		number(l, "index", q->index);
		number(l, "size", q->size);
		number(l, "in_flight", q->in_flight);
		number(l, "offered", q->offered);
		number(l, "used", q->used);
		cJSON_AddItemToArray(list, l);
	}
}

static void sample(cJSON *top, const struct cw_sample *s)
{
	cJSON *o = cJSON_AddObjectToObject(top, "sample");
	char life[16];

	snprintf(life, sizeof(life), "%08x", s->life);
	cJSON_AddStringToObject(o, "life", life);
	cJSON_AddStringToObject(o, "board", s->board);
	number(o, "sequence", s->sequence);
	number(o, "links", s->links);
	number(o, "uptime_us", (double)s->uptime_us);
	number(o, "period_ms", s->period_ms);
	number(o, "window_us", s->window_us);
	if (s->has & CW_SAMPLE_HAS_STACK)
		pair(o, "stack", "size", s->stack_size, "used", s->stack_used);
	if (s->has & CW_SAMPLE_HAS_HEAP)
		pair(o, "heap", "size", s->heap_size, "used", s->heap_used);
	if (s->has & CW_SAMPLE_HAS_TEMPERATURE)
		number(o, "temperature_c", s->temperature / 1000.0);
	pair(o, "messages", "in", s->messages_in, "out", s->messages_out);
	pair(o, "doorbells", "in", s->doorbells_in, "out", s->doorbells_out);
	loops(o, s);
	queues(o, s);
}

static void carrier(cJSON *top, const struct view *v)
{
	cJSON *o = cJSON_AddObjectToObject(top, "carrier");

	cJSON_AddBoolToObject(o, "pmm", v->pmm);
	if (v->trouble[0])
		cJSON_AddStringToObject(o, "trouble", v->trouble);
	if (!v->carrier[0])
		return;
	cJSON_AddStringToObject(o, "state", v->carrier);
	cJSON_AddStringToObject(o, "link", v->link);
	number(o, "starts", v->starts);
	number(o, "crashes", v->crashes);
}

static void log_lines(cJSON *top, const struct view *v)
{
	cJSON *list = cJSON_AddArrayToObject(top, "log");

	for (unsigned int i = 0; i < v->lines; i++) {
		const struct view_line *l = &v->line[(v->first_line + i) % VIEW_LINES];
		cJSON *o = cJSON_CreateObject();

		number(o, "at", (double)l->ms);
		cJSON_AddStringToObject(o, "text", l->text);
		cJSON_AddItemToArray(list, o);
	}
}

static char *print(cJSON *o)
{
	char *text = cJSON_PrintUnformatted(o);

	cJSON_Delete(o);
	return text;
}

char *view_status_json(const struct view *v, enum view_state s, struct view_time now)
{
	cJSON *o = cJSON_CreateObject();

	number(o, "version", 1);
	if (v->name[0])
		cJSON_AddStringToObject(o, "remote", v->name);
	number(o, "written", (double)now.ms);
	cJSON_AddStringToObject(o, "state", view_state_text(s));
	cJSON_AddBoolToObject(o, "service", v->service);
	moment(o, "last_sample", v->received, v->sampled);
	number(o, "received", v->received);
	number(o, "refused", v->refused);
	if (v->refusal)
		cJSON_AddStringToObject(o, "refusal", v->refusal);
	number(o, "restarts", v->restarts);
	moment(o, "restarted", v->restarts, v->restarted);
	carrier(o, v);
	if (v->received)
		sample(o, &v->sample);
	log_lines(o, v);
	return print(o);
}

/* Not by cJSON, for which each number of it would be an item in memory. */
static void write_row(FILE *f, const struct view_row *r)
{
	fprintf(f,
		"[%" PRId64 ",%" PRIu32 ",%" PRIu64 ",%" PRIu32 ",%" PRIu32 ",%" PRIu32 ",%" PRIu32
		",%" PRIu32 ",%" PRIu32 ",%" PRIu32,
		r->ms, r->life, r->uptime_us / 1000, r->sequence, r->stack_used, r->heap_used,
		r->messages_in, r->messages_out, r->doorbells_in, r->doorbells_out);
	for (unsigned int i = 0; i < r->loops; i++)
		fprintf(f, ",%" PRIu32 ".%06" PRIu32, r->share[i] / CW_SAMPLE_WHOLE,
			r->share[i] % CW_SAMPLE_WHOLE);
	fputc(']', f);
}

/* All but the rows, which are last: up to their bracket. */
static char *history_head(const struct view *v)
{
	static const char *const columns[] = {
		"ms",	     "life",	    "uptime_ms",    "sequence",	    "stack_used",
		"heap_used", "messages_in", "messages_out", "doorbells_in", "doorbells_out",
	};
	cJSON *o = cJSON_CreateObject(), *list;
	char *text;

	number(o, "version", 1);
	number(o, "most", v->rows_max);
	cJSON_AddItemToObject(o, "columns",
			      cJSON_CreateStringArray(columns, sizeof(columns) / sizeof(*columns)));
	list = cJSON_AddArrayToObject(o, "loops"); /* a column each, behind the others */
	for (unsigned int i = 0; v->received && i < v->sample.loops; i++)
		cJSON_AddItemToArray(list, cJSON_CreateString(v->sample.loop[i].name));
	text = print(o);
	if (text)
		text[strlen(text) - 1] = 0; /* the object goes on */
	return text;
}

char *view_history_json(const struct view *v)
{
	char *head = history_head(v), *text = NULL;
	size_t size;
	FILE *f = head ? open_memstream(&text, &size) : NULL;
	bool bad;

	if (f) {
		fprintf(f, "%s,\"rows\":[", head);
		for (unsigned int i = 0; i < v->rows; i++) {
			if (i)
				fputc(',', f);
			write_row(f, &v->row[(v->first_row + i) % v->rows_max]);
		}
		fputs("]}", f);
		bad = ferror(f);
		if (fclose(f) || bad) {
			free(text);
			text = NULL;
		}
	}
	free(head);
	return text;
}
