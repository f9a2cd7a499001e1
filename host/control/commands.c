// SPDX-License-Identifier: BSD-3-Clause
/*
 * What can be asked: {"do": WORD, "remote": NAME, ...}. Every answer has "ok"; one that is false
 * has "error". A request acts once and answers at once: what takes time is seen in the status.
 */
#include "control.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

static cJSON *answer(bool ok)
{
	cJSON *a = cJSON_CreateObject();

	cJSON_AddBoolToObject(a, "ok", ok);
	return a;
}

static cJSON *refuse(const char *why)
{
	cJSON *a = answer(false);

	cJSON_AddStringToObject(a, "error", why);
	return a;
}

static const char *word(const cJSON *request, const char *key)
{
	return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(request, key));
}

static cJSON *do_status(struct control_client *c, struct keeper_remote *r, const cJSON *q)
{
	struct keeper *k = c->control->keeper;

	(void)r;
	(void)q;
	/* Who hangs and has nothing to do is found out by asking; the next status says so. */
	for (unsigned int i = 0; i < k->board->remotes; i++)
		remote_probe(&k->remote[i]);
	return control_status(k);
}

static cJSON *do_start(struct control_client *c, struct keeper_remote *r, const cJSON *q)
{
	(void)c;
	(void)q;
	if (remote_start(r))
		return refuse(r->why);
	return answer(true);
}

static cJSON *do_stop(struct control_client *c, struct keeper_remote *r, const cJSON *q)
{
	(void)q;
	if (r)
		remote_stop(r);
	else
		keeper_stop(c->control->keeper, 0);
	return answer(true);
}

static cJSON *do_restart(struct control_client *c, struct keeper_remote *r, const cJSON *q)
{
	(void)c;
	(void)q;
	remote_restart(r);
	return answer(true);
}

static cJSON *do_detach(struct control_client *c, struct keeper_remote *r, const cJSON *q)
{
	(void)c;
	(void)q;
	if (remote_detach(r))
		return refuse("it could not be detached: what causeway run printed says why");
	return answer(true);
}

static cJSON *do_logs(struct control_client *c, struct keeper_remote *r, const cJSON *q)
{
	const struct uart *u = &r->uart;
	char *text = malloc(u->used + 1), *whole;
	size_t begin = (u->head + UART_KEPT - u->used) % UART_KEPT;
	cJSON *a;

	if (!text)
		return NULL;
	for (size_t i = 0; i < u->used; i++)
		text[i] = u->kept[(begin + i) % UART_KEPT];
	text[u->used] = 0;
	/* A ring that went round begins in the middle of a line. */
	whole = u->total > u->used ? strchr(text, '\n') : NULL;
	a = answer(true);
	cJSON_AddStringToObject(a, "text", whole ? whole + 1 : text);
	free(text);
	if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(q, "follow")))
		c->follows = r;
	return a;
}

static void number(cJSON *o, const char *key, double value)
{
	cJSON_AddNumberToObject(o, key, value);
}

static cJSON *describe_queue(const struct cw_report_queue *q)
{
	cJSON *o = cJSON_CreateObject();

	number(o, "size", q->size);
	number(o, "desc", (double)q->desc);
	number(o, "avail", (double)q->avail);
	number(o, "used", (double)q->used);
	number(o, "avail_idx", q->avail_idx);
	number(o, "used_idx", q->used_idx);
	return o;
}

static cJSON *describe_device(const struct keeper_remote *r, const struct cw_layout_device *d)
{
	cJSON *o = cJSON_CreateObject(), *queues;

	cJSON_AddStringToObject(o, "name", d->name);
	cJSON_AddStringToObject(o, "kind", cw_device_kind_text(d->id));
	number(o, "id", d->id);
	number(o, "slot", d->slot);
	number(o, "block", (double)d->block);
	number(o, "size", d->size);
	queues = cJSON_AddArrayToObject(o, "queues");
	for (unsigned int i = 0; i < d->queues; i++)
		cJSON_AddItemToArray(queues, describe_queue(&r->report->queue[d->slot + 1u + i]));
	return o;
}

static void describe(cJSON *a, const struct keeper_remote *r)
{
	const struct cw_layout *l = &r->board->layout;
	cJSON *devices = cJSON_AddArrayToObject(a, "devices");

	cJSON_AddStringToObject(a, "remote", r->board->name);
	number(a, "offset", (double)r->memory.offset);
	number(a, "base", (double)l->base);
	number(a, "size", l->size);
	number(a, "pmm_page", (double)l->pmm_page);
	number(a, "remote_page", (double)l->remote_page);
	number(a, "slots", l->slots);
	for (unsigned int i = 0; i < l->devices; i++)
		cJSON_AddItemToArray(devices, describe_device(r, &l->device[i]));
}

/* The region itself, to read only: whoever dumps it does not need us to parse it. */
static cJSON *do_dump(struct control_client *c, struct keeper_remote *r, const cJSON *q)
{
	cJSON *a;

	(void)q;
	if (c->pass >= 0)
		return refuse("one at a time");
	c->pass = cw_memory_reopen(&r->memory, O_RDONLY);
	if (c->pass < 0)
		return refuse(strerror(errno));
	a = answer(true);
	describe(a, r);
	return a;
}

static const struct {
	const char *name;
	bool remote; /* needs one */
	cJSON *(*run)(struct control_client *c, struct keeper_remote *r, const cJSON *q);
} commands[] = {
	{ "status", false, do_status },	 { "start", true, do_start },	{ "stop", false, do_stop },
	{ "restart", true, do_restart }, { "logs", true, do_logs },	{ "dump", true, do_dump },
	{ "attach", true, do_start },	 { "detach", true, do_detach },
};

/* The remote that is meant: by name, or the only one. */
static struct keeper_remote *find(struct keeper *k, const char *name, bool needed)
{
	if (name)
		return remote_find(k, name);
	return needed && k->board->remotes == 1 ? &k->remote[0] : NULL;
}

cJSON *control_answer(struct control_client *c, const char *line, size_t len)
{
	struct keeper *k = c->control->keeper;
	cJSON *q = cJSON_ParseWithLength(line, len), *a = NULL;
	const char *what = word(q, "do"), *name = word(q, "remote");
	unsigned int i, n = sizeof(commands) / sizeof(commands[0]);

	for (i = 0; what && i < n && strcmp(what, commands[i].name) != 0; i++)
		;
	if (!what) {
		a = refuse("a request is a JSON object with \"do\"");
	} else if (i == n) {
		a = refuse("no such request");
	} else {
		struct keeper_remote *r = find(k, name, commands[i].remote);

		if (!r && (name || commands[i].remote))
			a = refuse(name ? "this board has no such remote"
					: "this board has several remotes: say which");
		else
			a = commands[i].run(c, r, q);
	}
	cJSON_Delete(q);
	return a;
}
