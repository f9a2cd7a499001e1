// SPDX-License-Identifier: BSD-3-Clause
/*
 * Trace buffers: what a remote writes into its own memory for whoever can read that.
 *
 * Theory of operation: there is no doorbell and no index, only text that ends with the first zero; so
 * it is read ten times a second and compared with what was there before. What is new is printed, as
 * its UART's text is; one that began anew is printed whole. The remote may write while this reads, and
 * anything: it is bytes to be escaped, and nothing else depends on it.
 */
#include "keeper.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LOOK_US 100000u

static void look(struct keeper_remote *r, unsigned int i)
{
	const struct cw_trace_place *p = &r->carrier.trace[i];
	size_t size = p->size < CW_TRACE_SIZE_MAX ? p->size : CW_TRACE_SIZE_MAX, len, from;
	struct trace *t = &r->trace[i];
	char *old = t->seen;
	ssize_t n;

	if (!t->seen)
		return;
	n = pread(p->fd, t->now, size, (off_t)p->offset);
	len = n > 0 ? strnlen(t->now, (size_t)n) : 0;
	from = cw_trace_news(t->seen, t->len, t->now, len);
	uart_take(r, &t->line, (const unsigned char *)t->now + from, len - from);
	t->seen = t->now;
	t->now = old;
	t->len = len;
}

static void on_timer(struct cw_timer *timer)
{
	struct keeper_remote *r = cw_container_of(timer, struct keeper_remote, trace_timer);

	for (unsigned int i = 0; i < r->carrier.traces; i++)
		look(r, i);
	cw_loop_after(&r->keeper->loop, timer, LOOK_US, on_timer);
}

static void begin(struct trace *t, unsigned int i)
{
	t->seen = malloc(CW_TRACE_SIZE_MAX);
	t->now = malloc(CW_TRACE_SIZE_MAX);
	t->len = 0;
	t->line.begin = (unsigned int)snprintf(t->line.text, UART_LINE, "trace%u: ", i);
	t->line.len = t->line.begin;
	if (t->now)
		return;
	free(t->seen);
	t->seen = NULL;
}

void traces_begin(struct keeper_remote *r)
{
	for (unsigned int i = 0; i < r->carrier.traces; i++)
		begin(&r->trace[i], i);
	if (r->carrier.traces)
		cw_loop_after(&r->keeper->loop, &r->trace_timer, LOOK_US, on_timer);
}

void traces_end(struct keeper_remote *r)
{
	cw_loop_cancel(&r->keeper->loop, &r->trace_timer);
	for (unsigned int i = 0; i < CW_TRACES_MAX; i++) {
		struct trace *t = &r->trace[i];

		if (!t->seen)
			continue;
		look(r, i);
		uart_end_line(r, &t->line);
		free(t->seen);
		free(t->now);
		memset(t, 0, sizeof(*t));
	}
}
