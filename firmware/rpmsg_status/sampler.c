// SPDX-License-Identifier: BSD-3-Clause
/*
 * What is known of this remote.
 *
 * Theory of operation: the main loop says after each part of a pass which it was, so all time goes to one
 * part or another, sleep to the last. Queues are what the drivers keep privately: nothing is read that the
 * other side writes.
 */
#include "status.h"

#include "app.h"
#include "messages.h"
#include "reach.h"

#include <stdio.h>
#include <string.h>

static struct {
	uint32_t life, sequence;
	uint64_t mark, window; /* the last account, and the beginning of the window */
	uint64_t spent[PARTS];
} now;

void sampler_start(void)
{
	struct reach_counters c;

	/* A seed alone may be the same after each reset of a machine without a clock that goes on. */
	reach_count(&c);
	now.life = cw_machine_seed() ^ c.epoch * 2654435761u;
	now.mark = now.window = app_now();
}

void sampler_spent(enum part p)
{
	uint64_t t = app_now();

	now.spent[p] += t - now.mark;
	now.mark = t;
}

static void take_machine(struct cw_sample *s)
{
	struct cw_machine_health h;

	cw_machine_health(&h);
	s->stack_size = h.stack_size;
	s->stack_used = h.stack_used;
	s->heap_size = h.heap_size;
	s->heap_used = h.heap_used;
	s->temperature = h.temperature;
	s->has = (h.stack_size ? CW_SAMPLE_HAS_STACK : 0) | (h.heap_size ? CW_SAMPLE_HAS_HEAP : 0) |
		 (h.has_temperature ? CW_SAMPLE_HAS_TEMPERATURE : 0);
	snprintf(s->board, sizeof(s->board), "%s", app.machine->board);
}

static void take_loops(struct cw_sample *s)
{
	static const char *const name[PARTS] = { "devices", "messages", "shell", "status", "idle" };
	uint64_t window = now.mark - now.window;

	s->window_us = window < UINT32_MAX ? (uint32_t)window : UINT32_MAX;
	s->loops = PARTS;
	for (unsigned int i = 0; i < PARTS; i++) {
		snprintf(s->loop[i].name, sizeof(s->loop[i].name), "%s", name[i]);
		s->loop[i].share = window ? (uint32_t)(now.spent[i] * CW_SAMPLE_WHOLE / window) : 0;
		now.spent[i] = 0;
	}
	now.window = now.mark;
}

static void take_queue(struct cw_sample *s, enum app_kind kind, unsigned int index,
		       const struct cw_drvq *q)
{
	struct cw_sample_queue *to = &s->queue[s->queues];

	if (!app_ready(kind) || s->queues == CW_SAMPLE_QUEUES)
		return;
	s->queues++;
	snprintf(to->name, sizeof(to->name), "%.*s", (int)sizeof(to->name) - 1,
		 app.layout->device[app.device[kind].index].name);
	to->index = (uint16_t)index;
	to->size = q->size;
	to->in_flight = cw_drvq_in_flight(q);
	to->offered = q->avail_published;
	to->used = q->used_count;
}

void sampler_take(struct cw_sample *s, uint32_t period_ms)
{
	const struct cw_rpmsg *ch = messages_channel();
	const struct cw_rpmsg_host *host = (const void *)ch->queues;
	struct reach_counters c;

	memset(s, 0, sizeof(*s));
	reach_count(&c);
	s->life = now.life;
	s->sequence = ++now.sequence;
	s->links = app.links;
	s->uptime_us = app_now() - app.started;
	s->period_ms = period_ms;
	s->messages_in = ch->count.received;
	s->messages_out = ch->count.sent;
	s->doorbells_in = c.doorbells_in;
	s->doorbells_out = c.doorbells_out;
	take_machine(s);
	take_loops(s);
	if (host) { /* a firmware's queues are the host's */
		take_queue(s, APP_RPMSG, CW_RPMSG_QUEUE_TO_HOST, host->rx);
		take_queue(s, APP_RPMSG, CW_RPMSG_QUEUE_TO_REMOTE, host->tx);
	}
	take_queue(s, APP_CONSOLE, 0, &app.console.port[0].rx.q);
	take_queue(s, APP_CONSOLE, 1, &app.console.port[0].tx.q);
}
