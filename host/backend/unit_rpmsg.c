// SPDX-License-Identifier: BSD-3-Clause
/*
 * Messages: every service that a remote announces is a unix socket (SEQPACKET), a packet a message.
 *
 * Theory of operation: a service has an endpoint of its name (rpmsg_services.c), and each client one without
 * a name (rpmsg_clients.c, rpmsg_deliver.c), so that the remote can tell clients apart and answer one. All descriptors are
 * in one epoll set, edge by edge; what was left for others' turn is looked at once more.
 *
 * Where the board grants file calls this side has a service of its own (rpmsg_files.c), and the remote's
 * endpoint of that name is its client: no socket.
 */
#include "rpmsg_unit.h"

#include <stdlib.h>

#define EVENTS 32

static struct rpmsg_unit *self(struct cw_unit *u)
{
	return (struct rpmsg_unit *)(void *)u;
}

/* #syscalls epoll_ctl */
bool rpmsg_watch(struct rpmsg_unit *u, int fd, enum kind kind, unsigned int i)
{
	struct epoll_event e = { .events = EPOLLIN | EPOLLRDHUP | EPOLLET,
				 .data.u64 = (uint64_t)kind << 32 | i };

	if (kind == CLIENT)
		e.events |= EPOLLOUT;
	return !epoll_ctl(u->epoll, EPOLL_CTL_ADD, fd, &e);
}

/* ---- waiting ---- */

static void happened(struct rpmsg_unit *u, const struct epoll_event *e)
{
	unsigned int i = (unsigned int)e->data.u64;
	struct client *c = &u->client[i % CLIENTS];

	if (e->data.u64 >> 32 == LISTENING) {
		u->place[i % SERVICES].more = u->place[i % SERVICES].listen >= 0;
		rpmsg_due(u, 0);
		return;
	}
	/* It may be another's by now, who is only looked after once more than needed. */
	if (c->fd >= 0 && e->events & EPOLLOUT)
		rpmsg_catch_up(u, c);
	if (c->fd >= 0 && e->events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		rpmsg_listen_to(u, c);
}

static void tend(struct rpmsg_unit *u)
{
	u->next = CW_LINK_NEVER;
	rpmsg_settle(u);
	rpmsg_lose_patience(u);
	for (unsigned int i = 0; i < CLIENTS; i++)
		if (u->client[i].at && u->client[i].more)
			rpmsg_listen_to(u, &u->client[i]);
	for (unsigned int i = 0; i < SERVICES; i++)
		if (u->place[i].more)
			rpmsg_pick_up(u, &u->place[i]);
}

/* What the thread beside has done. */
static bool answer(struct rpmsg_unit *u)
{
	if (!u->files || !rpmsg_files_done(u->files))
		return false;
	rpmsg_files_collect(u->files);
	return true;
}

/* #syscalls epoll_wait */
static bool look(struct cw_unit *unit)
{
	struct rpmsg_unit *u = self(unit);
	struct epoll_event e[EVENTS];
	int n = epoll_wait(u->epoll, e, EVENTS, 0);
	/* What is due may not wait for sleep: others may never let it come. */
	bool any = answer(u) || !u->next;

	if (n <= 0 && !any)
		return false;
	cw_rpmsg_flush(&u->channel); /* a service is announced before its clients are heard */
	for (int i = 0; i < n; i++)
		happened(u, &e[i]);
	if (!u->next)
		tend(u);
	cw_rpmsg_device_run(&u->rpmsg);
	return true;
}

static unsigned int fds(struct cw_unit *unit, struct pollfd *p)
{
	const struct rpmsg_unit *u = self(unit);

	p[0].fd = u->epoll;
	p[0].events = POLLIN;
	if (!u->files)
		return 1;
	p[1].fd = rpmsg_files_fd(u->files);
	p[1].events = POLLIN;
	return 2;
}

static void ready(struct cw_unit *unit, const struct pollfd *p, unsigned int n)
{
	struct rpmsg_unit *u = self(unit);

	if (n > 1 && p[1].revents)
		rpmsg_files_collect(u->files);
	if (n && p->revents)
		look(unit);
	if (u->next <= unit_now())
		tend(u);
	cw_rpmsg_device_run(&u->rpmsg);
}

static uint64_t deadline(struct cw_unit *unit)
{
	struct rpmsg_unit *u = self(unit);
	uint64_t at = cw_rpmsg_deadline(&u->channel);

	return at < u->next ? at : u->next;
}

static void stats(const struct cw_unit *unit, struct cw_unit_stats *s)
{
	const struct rpmsg_unit *u = (const struct rpmsg_unit *)(const void *)unit;
	const struct cw_rpmsg_counters *c = &u->channel.count;

	*s = u->count;
	s->errors = c->errors;
	s->strange =
		(uint64_t)c->bad + c->unknown + c->ns_bad + c->fragment + u->rpmsg.remote.q.strange;
	s->strange += u->files ? rpmsg_files_strange(u->files) : 0;
}

static void channel(const struct cw_unit *unit, struct cw_unit_channel *c)
{
	const struct rpmsg_unit *u = (const struct rpmsg_unit *)(const void *)unit;
	const struct cw_rpmsg_counters *n = &u->channel.count;

	c->up = cw_rpmsg_is_up(&u->channel);
	c->bad = n->bad;
	c->unknown = n->unknown;
	c->ns_bad = n->ns_bad;
	c->ns_full = n->ns_full;
	c->fragment = n->fragment;
	c->lost = n->lost;
	c->errors = n->errors;
	for (unsigned int i = 0; i < SERVICES; i++) {
		const struct place *p = &u->place[i];
		struct cw_unit_service *s = &c->service[i];

		s->addr = p->open ? p->addr : UINT32_MAX;
		if (!p->open)
			continue;
		memcpy(s->name, p->name, sizeof(s->name));
		s->clients = p->clients;
		s->to_linux = p->to_linux;
		s->to_remote = p->to_remote;
		s->dropped = p->dropped;
	}
}

static int begin(struct cw_unit *unit)
{
	struct rpmsg_unit *u = self(unit);

	u->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (u->epoll < 0)
		return -1;
	return u->files ? rpmsg_files_begin(u->files) : 0;
}

static void unit_free(struct cw_unit *unit)
{
	struct rpmsg_unit *u = self(unit);

	for (unsigned int i = 0; i < CLIENTS; i++)
		if (u->client[i].fd >= 0)
			close(u->client[i].fd);
	for (unsigned int i = 0; i < SERVICES; i++)
		if (u->place[i].listen >= 0)
			close(u->place[i].listen);
	if (u->epoll >= 0)
		close(u->epoll);
	rpmsg_files_free(u->files);
	free(u->slot);
	free(u->memory);
	free(u);
}

static const struct cw_unit_ops ops = {
	.begin = begin,
	.fds = fds,
	.ready = ready,
	.look = look,
	.deadline = deadline,
	.given = rpmsg_given,
	.stats = stats,
	.channel = channel,
	.free = unit_free,
};

/* Untouched memory costs nothing until a client needs it. */
static bool make_memory(struct rpmsg_unit *u, const struct cw_layout_device *place)
{
	uint8_t *p = calloc(SERVICES * MOST + CLIENTS * (KEPT + 2 * MOST), 1);

	u->memory = p;
	u->slot = calloc(2u * place->queue_size, sizeof(*u->slot));
	if (!p || !u->slot)
		return false;
	for (unsigned int i = 0; i < SERVICES; i++, p += MOST) {
		u->place[i].assembly = p;
		u->place[i].listen = -1;
	}
	for (unsigned int i = 0; i < CLIENTS; i++, p += KEPT + 2 * MOST) {
		u->client[i].fd = -1;
		u->client[i].text = p;
		u->client[i].assembly = p + MOST;
		u->client[i].hold = p + 2 * MOST;
	}
	return true;
}

static uint64_t now_(void *ctx)
{
	(void)ctx;
	return unit_now();
}

static const struct cw_rpmsg_device_ops device_ops = { .now = now_ };

static int make_channel(struct rpmsg_unit *u, const struct cw_board_device *d,
			const struct cw_layout_device *place, struct cw_device_queue *q)
{
	const struct cw_rpmsg_config conf = {
		.endpoint = u->endpoint,
		.endpoints = sizeof(u->endpoint) / sizeof(u->endpoint[0]),
		.services = SERVICES,
		.service = u->service,
		.ops = &rpmsg_channel_ops,
		.ctx = u,
		.credit = &cw_rpmsg_credit,
		.fragment = &cw_rpmsg_fragment,
		.repeats = CW_RPMSG_REPEATS,
	};
	int err;

	u->window = rpmsg_window(d->to_remote);
	err = cw_rpmsg_init(&u->channel, &conf);

	return err ? err
		   : cw_rpmsg_device_init(&u->rpmsg, &u->channel, &device_ops, u, d->to_host,
					  d->to_remote, q, u->slot, u->slot + place->queue_size);
}

struct cw_unit *unit_rpmsg(const struct cw_board_device *d, const struct cw_layout_device *place,
			   const struct cw_backend_fds *f, struct cw_device_queue *q)
{
	struct rpmsg_unit *u = calloc(1, sizeof(*u));

	if (!u)
		return NULL;
	u->unit.ops = &ops;
	u->unit.dev = &u->rpmsg.dev;
	u->epoll = -1;
	u->next = CW_LINK_NEVER;
	errno = EINVAL;
	for (unsigned int i = 0; i < CLIENTS; i++)
		u->client[i].fd = -1;
	for (unsigned int i = 0; i < SERVICES; i++)
		u->place[i].listen = -1;
	if (!make_memory(u, place) || make_channel(u, d, place, q))
		goto bad;
	if (f->n) {
		u->files = rpmsg_files_new(d, f, &u->channel);
		if (!u->files)
			goto bad;
	}
	return &u->unit;
bad:
	unit_free(&u->unit);
	return NULL;
}
