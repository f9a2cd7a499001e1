// SPDX-License-Identifier: BSD-3-Clause
/*
 * The log.
 *
 * Theory of operation: a line goes to whoever listens now and is kept, on the heap, as long as there are
 * not KEPT younger ones. Who sends any message to the service gets the kept ones, one at a time as there is
 * room for them. One asker at a time: another one takes the place of the first.
 */
#include "status.h"

#include "app.h"

#include <causeway/core/err.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEPT 32u
#define LINE 120

static struct {
	struct cw_rpmsg_endpoint *e;
	char *kept[KEPT]; /* NULL: there was no memory */
	uint32_t count;	  /* of lines ever: the next one's place, modulo KEPT */
	uint32_t asker;	  /* CW_RPMSG_ANY: nobody */
	uint32_t next;	  /* of the lines for it */
	uint32_t end;
} lines;

static int asked(struct cw_rpmsg_endpoint *e, const struct cw_rpmsg_msg *m)
{
	(void)e;
	lines.asker = m->src;
	lines.end = lines.count;
	lines.next = lines.count > KEPT ? lines.count - KEPT : 0;
	return 0;
}

int lines_start(struct cw_rpmsg *channel)
{
	static const struct cw_rpmsg_endpoint_ops ops = { .receive = asked };
	const struct cw_rpmsg_spec spec = {
		.name = CW_LOG_SERVICE, .addr = CW_RPMSG_ANY, .dst = CW_RPMSG_ANY, .ops = &ops
	};

	lines.asker = CW_RPMSG_ANY;
	return cw_rpmsg_create(channel, &spec, &lines.e);
}

void line(const char *fmt, ...)
{
	char text[LINE + 1], **place = &lines.kept[lines.count % KEPT];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	say("%s\n", text);
	free(*place);
	*place = malloc(strlen(text) + 1);
	if (*place)
		strcpy(*place, text);
	lines.count++;
	if (lines.e) /* nobody there: it is kept all the same */
		(void)cw_rpmsg_send(lines.e, text, (uint32_t)strlen(text), 0);
}

/* 0, or CW_EAGAIN: no room now. A line that is not kept any more is left out. */
static int tell(uint32_t number)
{
	const char *text = lines.kept[number % KEPT];

	if (!text || lines.count - number > KEPT)
		return CW_OK;
	return cw_rpmsg_sendto(lines.e, lines.asker, text, (uint32_t)strlen(text), 0);
}

bool lines_poll(void)
{
	int err;

	if (lines.asker == CW_RPMSG_ANY)
		return false;
	err = lines.next != lines.end ? tell(lines.next) : CW_EDOWN;
	if (!err)
		lines.next++;
	else if (err != CW_EAGAIN)
		lines.asker = CW_RPMSG_ANY; /* all told, or the channel ended */
	return !err;
}
