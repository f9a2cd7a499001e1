// SPDX-License-Identifier: BSD-3-Clause
/*
 * Services of a remote: from what it announced to sockets.
 *
 * Theory of operation: the channel's table of services says what there is to be, place[] what there is;
 * settle takes each a step closer, from wherever it stands, so a remote that announces and takes back as
 * fast as it can leaves nothing behind and is no more work than the bucket allows. Only the keeper can make
 * a socket's file and remove it; it is asked, and gives the listening descriptor.
 */
#include "rpmsg_unit.h"

#include <causeway/abi/files.h>

#define BURST	    32u /* wishes to the keeper at once, and then so many a second: */
#define A_SECOND    50u
#define AGAIN_US    100000u  /* after the keeper said no, then ever later: */
#define AGAIN_MOST  6u	     /* so many times twice as late */
#define PATIENCE_US 5000000u /* with a keeper that says nothing */

static void close_place(struct rpmsg_unit *u, struct place *p)
{
	for (unsigned int i = 0; i < CLIENTS && p->clients; i++)
		if (u->client[i].at == p)
			rpmsg_send_away(u, &u->client[i]);
	if (p->listen >= 0) {
		rpmsg_turn_away(p);
		close(p->listen);
	}
	p->listen = -1;
	p->more = false;
	cw_rpmsg_destroy(p->e);
	if (p->file != NONE)
		p->file = LEAVING;
	p->when = 0;
	p->open = false;
	p->sends = NULL;
}

static bool open_place(struct rpmsg_unit *u, struct place *p, const struct cw_rpmsg_service *s)
{
	const struct cw_rpmsg_spec spec = {
		.name = s->name,
		.addr = CW_RPMSG_ANY,
		.dst = CW_RPMSG_ANY,
		.ops = &rpmsg_all_clients,
		.ctx = p,
		.window = u->window,
		.assembly = p->assembly,
		.assembly_size = MOST,
	};

	if (cw_rpmsg_create(&u->channel, &spec, &p->e))
		return false;
	memcpy(p->name, s->name, sizeof(p->name));
	p->addr = s->addr;
	p->open = true;
	p->stopped = false;
	p->to_linux = p->to_remote = p->dropped = 0;
	return true;
}

static bool ask(struct rpmsg_unit *u, struct place *p, enum cw_ask_kind kind)
{
	struct cw_ask a = { .kind = kind, .port = (uint32_t)(p - u->place), .id = p->id };

	memcpy(a.name, p->name, sizeof(a.name));
	return u->unit.ask && !u->unit.ask(u->unit.ask_ctx, &a);
}

/* False: its socket is still to go, and its name to become free. */
static bool withdraw(struct rpmsg_unit *u, struct place *p, uint64_t now)
{
	if (p->file == ASKED && now >= p->when)
		p->file = LEAVING; /* whatever came of it */
	if (p->file == LEAVING && ask(u, p, CW_ASK_UNPUBLISH))
		p->file = NONE;
	if (p->file != LEAVING)
		return true;
	rpmsg_due(u, now + AGAIN_US);
	return false;
}

/* A step, or a time at which it is tried again. */
static void publish(struct rpmsg_unit *u, struct place *p, uint64_t now)
{
	if (p->file == NONE && p->open && now >= p->when &&
	    cw_bucket_take(&u->asks, now, BURST, A_SECOND)) {
		u->ids += u->ids == UINT32_MAX ? 2 : 1;
		p->id = u->ids;
		if (ask(u, p, CW_ASK_PUBLISH)) {
			p->file = ASKED;
			p->when = now + PATIENCE_US;
		}
	}
	if (p->file == ASKED)
		rpmsg_due(u, p->when);
	else if (p->file == NONE && p->open)
		rpmsg_due(u, p->when > now ? p->when : now + AGAIN_US);
}

static bool wanted(const struct rpmsg_unit *u, const struct cw_rpmsg_service *s)
{
	if (s->addr == CW_RPMSG_ANY)
		return false;
	return !u->files || strcmp(s->name, CW_FILES_NAME) != 0;
}

void rpmsg_settle(struct rpmsg_unit *u)
{
	uint64_t now = unit_now();
	bool free_names = true;

	for (unsigned int i = 0; i < SERVICES; i++) {
		const struct cw_rpmsg_service *s = &u->service[i];
		struct place *p = &u->place[i];

		if (p->open &&
		    (s->addr != p->addr || memcmp(s->name, p->name, sizeof(p->name)) != 0))
			close_place(u, p);
		if (!p->open && wanted(u, s) && !open_place(u, p, s))
			rpmsg_due(u, now + AGAIN_US);
		free_names &= withdraw(u, p, now);
	}
	for (unsigned int i = 0; i < SERVICES && free_names; i++)
		publish(u, &u->place[i], now);
}

static void link_changed(void *ctx, bool up)
{
	(void)up; /* the table of services says it */
	rpmsg_settle(ctx);
}

static void service(void *ctx, const char *name, uint32_t addr, bool there)
{
	(void)name;
	(void)addr;
	(void)there;
	rpmsg_settle(ctx);
}

const struct cw_rpmsg_ops rpmsg_channel_ops = { .link = link_changed, .service = service };

void rpmsg_given(struct cw_unit *unit, uint32_t id, int fd)
{
	struct rpmsg_unit *u = (struct rpmsg_unit *)(void *)unit;
	struct place *p = NULL;

	for (unsigned int i = 0; i < SERVICES && !p; i++)
		if (u->place[i].file == ASKED && u->place[i].id == id)
			p = &u->place[i];
	if (p && fd >= 0 && rpmsg_watch(u, fd, LISTENING, (unsigned int)(p - u->place))) {
		p->file = THERE;
		p->refused = 0;
		p->listen = fd;
		p->more = true;
		rpmsg_pick_up(u, p);
		cw_rpmsg_device_run(&u->rpmsg);
		return;
	}
	if (fd >= 0)
		close(fd); /* of a service that has ended */
	if (p) {
		p->file = fd >= 0 ? LEAVING : NONE;
		p->when = unit_now() + (AGAIN_US << p->refused);
		p->refused += p->refused < AGAIN_MOST;
		rpmsg_due(u, p->when);
	}
}
