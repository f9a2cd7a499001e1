// SPDX-License-Identifier: BSD-3-Clause
/*
 * Files: a device with a 9P server behind it.
 *
 * Theory of operation: what the server can say without waiting, such as bytes of the page cache, goes
 * into the remote's buffers by the worker's own thread, while the thread beside has nothing to do. All
 * else is done by that thread on private memory, in the order in which it was asked; the end of a
 * session too. When something is done it writes an event descriptor, and the worker collects.
 */
#include "unit_aside.h"

#include <causeway/core/err.h>
#include <causeway/device/9p.h>
#include <causeway/host/9p.h>

#include <errno.h>
#include <stdlib.h>

#define REQUESTS 16u

_Static_assert(CW_9P_HEAD_MAX <= CW_9P_ANSWER_MAX, "what a server says at once fits");

struct job {
	struct aside_job aside; /* first */
	struct files_unit *unit;
	struct cw_9p_request *request; /* NULL: the session is over */
	uint32_t len;
};

struct files_unit {
	struct unit_aside side;
	struct cw_9p_device dev;
	struct cw_9p_server *server;
	struct cw_9p_request request[REQUESTS];
	struct job job[REQUESTS], end;
	struct cw_part *part;
	uint8_t *buf;
};

static struct files_unit *self(struct cw_unit *u)
{
	return (struct files_unit *)(void *)u;
}

static int answer_now(void *ctx, const uint8_t *message, uint32_t len, uint8_t *head,
		      const struct cw_part *data, unsigned int n, uint32_t *data_len)
{
	struct files_unit *u = ctx;
	unsigned int parts = n;
	const struct cw_part *to =
		(const struct cw_part *)(const void *)unit_io_in(&u->side.unit, data, &parts);
	int got = cw_9p_answer_now(u->server, message, len, head, to, parts, data_len);

	if (got > 0)
		unit_io_got(&u->side.unit, data, n, *data_len);
	return got;
}

/* ---- in the thread beside ---- */

static void run(struct aside_job *a)
{
	struct job *j = (struct job *)(void *)a;
	struct cw_9p_request *r = j->request;

	if (r)
		j->len = cw_9p_answer(j->unit->server, r->message, r->len, r->answer, r->room);
	else
		cw_9p_reset(j->unit->server);
}

/* ---- in the worker's own ---- */

static void start(void *ctx, struct cw_9p_request *r)
{
	struct files_unit *u = ctx;

	aside_put(&u->side.aside, &u->job[r - u->request].aside);
}

static void end_session(void *ctx)
{
	struct files_unit *u = ctx;

	aside_put(&u->side.aside, &u->end.aside);
}

static void collect(void *ctx)
{
	struct files_unit *u = ctx;
	struct aside_job *a;

	while ((a = aside_take(&u->side.aside))) {
		struct job *j = (struct job *)(void *)a;

		if (j->request)
			cw_9p_device_done(&u->dev, j->request, j->len);
		else
			cw_9p_device_ended(&u->dev);
	}
}

static const struct cw_9p_device_ops server_ops = {
	.answer_now = answer_now,
	.start = start,
	.end = end_session,
	.collect = collect,
};

static void stats(const struct cw_unit *unit, struct cw_unit_stats *s)
{
	const struct files_unit *u = (const struct files_unit *)(const void *)unit;
	const struct cw_9p_counters *c = &u->dev.count;

	s->rx_packets = c->answers;
	s->rx_bytes = c->answer_bytes;
	s->tx_packets = c->messages;
	s->tx_bytes = c->message_bytes;
	s->errors = c->errors;
	s->strange = c->strange;
}

static void release(struct files_unit *u)
{
	cw_9p_free(u->server);
	free(u->part);
	free(u->buf);
	free(u);
}

static void unit_free(struct cw_unit *unit)
{
	struct files_unit *u = self(unit);

	aside_end(&u->side.aside);
	release(u);
}

static const struct cw_unit_ops ops = {
	.begin = unit_aside_begin,
	.fds = unit_aside_fds,
	.ready = unit_aside_ready,
	.look = unit_aside_look,
	.deadline = unit_aside_deadline,
	.stats = stats,
	.free = unit_free,
};

static int set_up(struct files_unit *u, const struct cw_board_device *d,
		  const struct cw_layout_device *place, struct cw_device_queue *q)
{
	for (unsigned int i = 0; i < REQUESTS; i++) {
		u->request[i].part = u->part + (size_t)i * place->queue_size;
		u->request[i].message = u->buf + (size_t)2 * i * d->msize;
		u->request[i].answer = u->request[i].message + d->msize;
		u->job[i] = (struct job){ { NULL, run }, u, &u->request[i], 0 };
	}
	u->end = (struct job){ { NULL, run }, u, NULL, 0 };
	errno = EINVAL;
	return cw_9p_device_init(&u->dev, &server_ops, u, d->tag ? d->tag : place->name, d->msize,
				 q, u->request, REQUESTS, place->queue_size);
}

struct cw_unit *unit_9p(const struct cw_board_device *d, const struct cw_layout_device *place,
			const struct cw_backend_fds *fds, struct cw_device_queue *q)
{
	const struct cw_9p_options o = { .root = fds->fd[FOLDER_ROOT],
					 .read_only = d->read_only,
					 .msize = d->msize };
	struct files_unit *u = calloc(1, sizeof(*u));

	if (!u)
		return NULL;
	u->server = cw_9p_create(&o);
	u->part = calloc((size_t)REQUESTS * place->queue_size, sizeof(*u->part));
	u->buf = malloc((size_t)2 * REQUESTS * d->msize);
	u->side.wake = fds->fd[FOLDER_WAKE];
	u->side.collect = collect;
	u->side.unit.ops = &ops;
	u->side.unit.dev = &u->dev.dev;
	if (u->server && u->part && u->buf && !set_up(u, d, place, q))
		return &u->side.unit;
	release(u);
	return NULL;
}
