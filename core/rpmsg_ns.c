// SPDX-License-Identifier: BSD-3-Clause
/*
 * RPMsg name service.
 *
 * Theory of operation: announcements of the peer are cleaned first: a name that is ended and printable is
 * the only one that exists here. They are kept in the caller's table, so it does not matter which comes
 * first, an announcement or its endpoint; when the table is full the rest are counted. What we announce
 * follows from bits that poll() works off; what was announced and found nobody is announced again, more
 * and more seldom, a few times.
 */
#include "rpmsg_priv.h"

#include <causeway/core/bytes.h>
#include <causeway/core/err.h>
#include <causeway/core/gate.h>
#include <causeway/core/shm.h>
#include <causeway/core/text.h>

#define FIRST_REPEAT 1000000u

/* ---- what the peer says ---- */

static void clean(char *name, const uint8_t *raw)
{
	memset(name, 0, CW_RPMSG_NAME); /* names are compared whole */
	cw_text_clean(name, raw, CW_RPMSG_NAME - 1);
}

static bool same(const char *a, const char *b)
{
	return !memcmp(a, b, CW_RPMSG_NAME);
}

static struct cw_rpmsg_service *known(struct cw_rpmsg *ch, uint32_t addr)
{
	for (unsigned int i = 0; i < ch->conf.services; i++)
		if (ch->conf.service[i].addr == addr)
			return &ch->conf.service[i];
	return NULL;
}

/* The endpoint of that name whose peer is @dst; with CW_RPMSG_ANY, one that looks for a peer. */
static struct cw_rpmsg_endpoint *named(struct cw_rpmsg *ch, const char *name, uint32_t dst)
{
	for (unsigned int i = 0; i < ch->conf.endpoints; i++) {
		struct cw_rpmsg_endpoint *e = &ch->conf.endpoint[i];

		if (e->ops && !e->fixed && e->dst == dst && same(e->name, name))
			return e;
	}
	return NULL;
}

static void tell_application(struct cw_rpmsg *ch, const char *name, uint32_t addr, bool there)
{
	if (ch->queues && ch->conf.ops && ch->conf.ops->service)
		ch->conf.ops->service(ch->conf.ctx, name, addr, there);
}

static void created(struct cw_rpmsg *ch, const char *name, uint32_t addr, bool ack)
{
	struct cw_rpmsg_service *s = known(ch, addr);
	struct cw_rpmsg_endpoint *e;

	if (s && !same(s->name, name)) {
		ch->count.ns_bad++; /* the address is another service's */
		return;
	}
	if (named(ch, name, addr))
		return; /* said once more */
	if (!s && !ack) {
		s = known(ch, CW_RPMSG_ANY);
		if (s) {
			memcpy(s->name, name, CW_RPMSG_NAME);
			s->addr = addr;
		} else {
			ch->count.ns_full++;
		}
		tell_application(ch, name, addr, true);
	}
	e = named(ch, name, CW_RPMSG_ANY);
	if (!e)
		return;
	/* Ours may have come when its endpoint was not there yet, and nobody kept it: once more. */
	if (!ack && !e->silent)
		cw_rpmsg_todo_(e, ch->conf.nuttx && ch->features & CW_RPMSG_F_NUTTX_ACK
					  ? CW_RPMSG_TELL_ACK
					  : CW_RPMSG_TELL_CREATE);
	cw_rpmsg_bind_(e, addr);
}

static void destroyed(struct cw_rpmsg *ch, const char *name, uint32_t addr)
{
	struct cw_rpmsg_service *s = known(ch, addr);
	struct cw_rpmsg_endpoint *e = named(ch, name, addr);

	if (s && same(s->name, name))
		s->addr = CW_RPMSG_ANY;
	else if (!e)
		return; /* never heard of */
	if (e) {
		cw_rpmsg_bind_(e, CW_RPMSG_ANY);
		if (e->ops && ch->queues)
			cw_rpmsg_todo_(e, CW_RPMSG_LOOK);
	}
	tell_application(ch, name, addr, false);
}

void cw_rpmsg_ns_heard_(struct cw_rpmsg *ch, const struct cw_rpmsg_msg *m)
{
	struct cw_abi_rpmsg_ns ns;
	uint32_t addr, flags;
	char name[CW_RPMSG_NAME];

	if (m->len != sizeof(ns)) {
		ch->count.ns_bad++;
		return;
	}
	cw_copy_in(&ns, m->data, sizeof(ns));
	addr = cw_get_le32(ns.addr);
	flags = cw_get_le32(ns.flags);
	clean(name, ns.name);
	if (!name[0] || addr == CW_RPMSG_ANY || addr == CW_RPMSG_NS_ADDR ||
	    (addr == CW_RPMSG_CREDIT_ADDR && ch->credit))
		ch->count.ns_bad++;
	else if (flags == CW_RPMSG_NS_DESTROY)
		destroyed(ch, name, addr);
	else if (flags == CW_RPMSG_NS_CREATE || (flags == CW_RPMSG_NS_ACK && ch->conf.nuttx))
		created(ch, name, addr, flags == CW_RPMSG_NS_ACK);
	else
		ch->count.ns_bad++;
}

/* ---- what we say ---- */

/* An announcement that came before its endpoint, or whose former endpoint has gone. */
static void look(struct cw_rpmsg_endpoint *e)
{
	struct cw_rpmsg *ch = e->channel;

	if (e->fixed) {
		cw_rpmsg_bind_(e, e->dst);
		return;
	}
	if (e->dst != CW_RPMSG_ANY || !e->name[0])
		return;
	for (unsigned int i = 0; i < ch->conf.services; i++) {
		const struct cw_rpmsg_service *s = &ch->conf.service[i];

		if (s->addr != CW_RPMSG_ANY && same(s->name, e->name) &&
		    !named(ch, e->name, s->addr)) {
			cw_rpmsg_bind_(e, s->addr);
			return;
		}
	}
}

static uint32_t announcement(const struct cw_rpmsg_endpoint *e, uint8_t what, uint8_t *p)
{
	struct cw_abi_rpmsg_ns ns;

	memcpy(ns.name, e->name, CW_RPMSG_NAME);
	ns.addr = cw_make_le32(what == CW_RPMSG_TELL_DESTROY ? e->leaving : e->addr);
	ns.flags = cw_make_le32(what == CW_RPMSG_TELL_DESTROY ? CW_RPMSG_NS_DESTROY
				: what == CW_RPMSG_TELL_ACK   ? CW_RPMSG_NS_ACK
							      : CW_RPMSG_NS_CREATE);
	memcpy(p, &ns, sizeof(ns));
	return sizeof(ns);
}

static bool tell_one(struct cw_rpmsg_endpoint *e, uint8_t what)
{
	uint8_t text[sizeof(struct cw_abi_rpmsg_ns)];
	bool credit = what == CW_RPMSG_TELL_CREDIT;
	struct cw_rpmsg *ch = e->channel;
	struct cw_rpmsg_buf b;
	uint32_t len;

	if (cw_rpmsg_take_last_(ch, &b))
		return false;
	len = credit ? ch->credit->fill(e, text) : announcement(e, what, text);
	if (len > b.len - CW_RPMSG_HEADER) {
		ch->queues->ops->cancel(ch->queues, &b); /* such buffers can carry no names */
		return true;
	}
	cw_copy_out(b.p + CW_RPMSG_HEADER, text, len);
	ch->queues->ops->launch(ch->queues, &b,
				what == CW_RPMSG_TELL_DESTROY ? e->leaving : e->addr,
				credit ? CW_RPMSG_CREDIT_ADDR : CW_RPMSG_NS_ADDR, len);
	return true;
}

static void schedule(struct cw_rpmsg *ch, unsigned int shift)
{
	const struct cw_rpmsg_queues *q = ch->queues;

	ch->repeated = (uint8_t)shift;
	ch->repeat_at = shift < ch->conf.repeats && q->transport->now
				? q->transport->now(q->ctx) + ((uint64_t)FIRST_REPEAT << shift)
				: UINT64_MAX;
}

void cw_rpmsg_ns_begin_(struct cw_rpmsg_endpoint *e)
{
	cw_rpmsg_todo_(e, CW_RPMSG_LOOK | (cw_rpmsg_announced_(e) ? CW_RPMSG_TELL_CREATE : 0));
	if (cw_rpmsg_announced_(e))
		schedule(e->channel, 0);
}

/* True when all was told. */
static bool tell_endpoint(struct cw_rpmsg_endpoint *e)
{
	while (e->todo & ~CW_RPMSG_LOOK) {
		uint8_t what = (uint8_t)(e->todo & -e->todo);

		if (!tell_one(e, what))
			return false;
		e->todo &= (uint8_t)~what;
	}
	if (e->todo) {
		e->todo = 0;
		if (e->ops)
			look(e);
	}
	return true;
}

void cw_rpmsg_tell_(struct cw_rpmsg *ch)
{
	bool before = ch->inside, all = true;

	ch->inside = true; /* there may be calls to the application */
	ch->todo = false;
	for (unsigned int i = 0; all && i < ch->conf.endpoints; i++)
		if (ch->conf.endpoint[i].todo)
			all = tell_endpoint(&ch->conf.endpoint[i]);
	ch->todo |= !all && ch->queues;
	ch->inside = before;
}

void cw_rpmsg_repeat_(struct cw_rpmsg *ch)
{
	const struct cw_rpmsg_queues *q = ch->queues;
	bool any = false;

	if (q->transport->now(q->ctx) < ch->repeat_at)
		return;
	for (unsigned int i = 0; i < ch->conf.endpoints; i++) {
		struct cw_rpmsg_endpoint *e = &ch->conf.endpoint[i];

		if (e->ops && e->dst == CW_RPMSG_ANY && cw_rpmsg_announced_(e)) {
			cw_rpmsg_todo_(e, CW_RPMSG_TELL_CREATE);
			any = true;
		}
	}
	if (any)
		schedule(ch, ch->repeated + 1u);
	else
		ch->repeat_at = UINT64_MAX;
}
