// SPDX-License-Identifier: BSD-3-Clause
/*
 * RPMsg channel: its endpoints, its beginning and its end, what it receives.
 *
 * Theory of operation: poll() takes messages from the queues, copies each header once, checks the copy
 * and calls the endpoint; the buffer goes back unless it is held. Addresses that are given out name the
 * entry of the table in their low bits, so a message finds its endpoint without a search, and an address
 * comes again only when all of the 2^31 that the table gives out have been used. What the peer must still be
 * told is a set of bits an endpoint; poll() tells it when there are buffers, of which one is kept for that.
 */
#include "rpmsg_priv.h"

#include <causeway/core/bytes.h>
#include <causeway/core/err.h>
#include <causeway/core/gate.h>

/* ---- endpoints ---- */

static __attribute__((noinline)) struct cw_rpmsg_endpoint *search(struct cw_rpmsg *ch,
								  uint32_t addr)
{
	for (unsigned int i = 0; i < ch->conf.endpoints; i++)
		if (ch->conf.endpoint[i].addr == addr)
			return &ch->conf.endpoint[i];
	return NULL;
}

static inline struct cw_rpmsg_endpoint *find(struct cw_rpmsg *ch, uint32_t addr)
{
	uint32_t i = (addr - CW_RPMSG_DYNAMIC) & ch->mask;

	if (i < ch->conf.endpoints && ch->conf.endpoint[i].addr == addr)
		return &ch->conf.endpoint[i];
	return search(ch, addr);
}

struct cw_rpmsg_endpoint *cw_rpmsg_find_(struct cw_rpmsg *ch, uint32_t addr)
{
	return addr != CW_RPMSG_ANY ? find(ch, addr) : NULL; /* which free entries have */
}

void cw_rpmsg_todo_(struct cw_rpmsg_endpoint *e, uint8_t what)
{
	e->todo |= what;
	e->channel->todo = true;
}

/* With a peer, or without one, everything between the two begins anew. */
static void begin(struct cw_rpmsg_endpoint *e)
{
	e->sent = e->used = e->told = 0;
	e->limited = false;
	e->whole = 0;
	if (e->dst != CW_RPMSG_ANY && e->window && e->channel->credit)
		cw_rpmsg_todo_(e, CW_RPMSG_TELL_CREDIT);
}

void cw_rpmsg_bind_(struct cw_rpmsg_endpoint *e, uint32_t dst)
{
	e->dst = dst;
	begin(e);
	e->channel->starved |= e->starved;
	if (e->ops->peer)
		e->ops->peer(e, dst != CW_RPMSG_ANY);
}

/* It was announced, and the peer has not been told of its end. */
static bool parting(const struct cw_rpmsg_endpoint *e)
{
	return e->todo & CW_RPMSG_TELL_DESTROY;
}

static uint32_t next_address(struct cw_rpmsg_endpoint *e)
{
	struct cw_rpmsg *ch = e->channel;
	uint32_t entry = (uint32_t)(e - ch->conf.endpoint), addr;

	do /* somebody may have asked for it: as often as there are entries */
		addr = CW_RPMSG_DYNAMIC + ((++e->life * (ch->mask + 1) + entry) & INT32_MAX);
	while (search(ch, addr));
	return addr;
}

/* Printable, or nobody could have announced it; 0 when it is not. */
static bool copy_name(char *to, const char *name)
{
	unsigned int n = 0;

	memset(to, 0, CW_RPMSG_NAME);
	for (; name && name[n]; n++) {
		if (n == CW_RPMSG_NAME - 1 || name[n] < ' ' || name[n] > '~')
			return false;
		to[n] = name[n];
	}
	return true;
}

int cw_rpmsg_create(struct cw_rpmsg *ch, const struct cw_rpmsg_spec *s,
		    struct cw_rpmsg_endpoint **out)
{
	struct cw_rpmsg_endpoint *e = ch->conf.endpoint, *end = e + ch->conf.endpoints;
	uint32_t life;

	while (e < end && (e->ops || parting(e)))
		e++;
	if (s->addr == CW_RPMSG_NS_ADDR || (s->addr == CW_RPMSG_CREDIT_ADDR && ch->conf.credit) ||
	    !s->ops)
		return CW_EINVAL;
	if (s->addr != CW_RPMSG_ANY && search(ch, s->addr))
		return CW_EBUSY;
	if (e == end)
		return CW_ENOSPC;
	life = e->life;
	memset(e, 0, sizeof(*e));
	e->life = life;
	e->channel = ch;
	e->addr = CW_RPMSG_ANY;
	if (!copy_name(e->name, s->name))
		return CW_EINVAL;
	e->ctx = s->ctx;
	e->dst = s->dst;
	e->fixed = s->dst != CW_RPMSG_ANY;
	e->silent = s->silent;
	e->window = s->window;
	e->assembly = s->assembly;
	e->assembly_size = s->assembly ? s->assembly_size : 0;
	e->addr = s->addr != CW_RPMSG_ANY ? s->addr : next_address(e);
	e->ops = s->ops;
	*out = e;
	if (ch->queues)
		cw_rpmsg_ns_begin_(e);
	return CW_OK;
}

void cw_rpmsg_destroy(struct cw_rpmsg_endpoint *e)
{
	struct cw_rpmsg *ch = e->channel;
	/* Who was not told of its beginning is not told of its end. */
	bool told = ch->queues && cw_rpmsg_announced_(e) && !(e->todo & CW_RPMSG_TELL_CREATE);

	if (!e->ops)
		return;
	e->leaving = e->addr;
	e->addr = CW_RPMSG_ANY;
	e->ops = NULL;
	e->todo = 0;
	if (told)
		cw_rpmsg_todo_(e, CW_RPMSG_TELL_DESTROY);
}

/* ---- the channel ---- */

int cw_rpmsg_init(struct cw_rpmsg *ch, const struct cw_rpmsg_config *conf)
{
	memset(ch, 0, sizeof(*ch));
	if (!conf->endpoint || !conf->endpoints || conf->endpoints > CW_RPMSG_DYNAMIC ||
	    (conf->services && !conf->service))
		return CW_EINVAL;
	ch->conf = *conf;
	while (ch->mask + 1 < conf->endpoints)
		ch->mask = 2 * ch->mask + 1;
	ch->repeat_at = UINT64_MAX;
	ch->stamp = 1;
	memset(conf->endpoint, 0, conf->endpoints * sizeof(*conf->endpoint));
	for (unsigned int i = 0; i < conf->endpoints; i++)
		conf->endpoint[i].addr = CW_RPMSG_ANY;
	for (unsigned int i = 0; i < conf->services; i++)
		conf->service[i].addr = CW_RPMSG_ANY;
	return CW_OK;
}

uint64_t cw_rpmsg_features(const struct cw_rpmsg *ch)
{
	uint64_t f = CW_RPMSG_F_NS;

	f |= ch->conf.nuttx ? CW_RPMSG_F_NUTTX_ACK | CW_RPMSG_F_NUTTX_BUFSZ : CW_RPMSG_F_BUFSZ;
	f |= ch->conf.credit ? CW_RPMSG_F_CREDIT : 0;
	return f | (ch->conf.fragment ? CW_RPMSG_F_FRAGMENT : 0);
}

int cw_rpmsg_sizes(const struct cw_rpmsg *ch, uint64_t features, const uint8_t *config,
		   uint32_t len, uint32_t most, uint32_t size[2])
{
	bool nuttx = ch->conf.nuttx;

	size[0] = size[1] = CW_RPMSG_BUFFER_DEFAULT;
	if (features & (nuttx ? CW_RPMSG_F_NUTTX_BUFSZ : CW_RPMSG_F_BUFSZ)) {
		if (len < (nuttx ? 8 : CW_RPMSG_CONFIG_SIZE))
			return CW_EBADLEN;
		if (!nuttx && (config[0] != CW_RPMSG_CONFIG_VERSION ||
			       config[1] != CW_RPMSG_CONFIG_SIZE || config[2]))
			return CW_EVERSION;
		/* NuttX has them in the other order. */
		size[CW_RPMSG_QUEUE_TO_HOST] = cw_peek32(config + (nuttx ? 4 : 3));
		size[CW_RPMSG_QUEUE_TO_REMOTE] = cw_peek32(config + (nuttx ? 0 : 7));
	}
	for (unsigned int i = 0; i < 2; i++)
		if (size[i] < CW_RPMSG_HEADER || size[i] > most || size[i] > INT32_MAX)
			return CW_EBADLEN;
	return CW_OK;
}

void cw_rpmsg_up(struct cw_rpmsg *ch, struct cw_rpmsg_queues *queues, uint64_t features)
{
	cw_rpmsg_down(ch);
	ch->features = features & cw_rpmsg_features(ch);
	ch->credit = ch->features & CW_RPMSG_F_CREDIT ? ch->conf.credit : NULL;
	ch->fragment = ch->features & CW_RPMSG_F_FRAGMENT ? ch->conf.fragment : NULL;
	ch->queues = queues;
	ch->todo = ch->starved = false;
	for (unsigned int i = 0; i < ch->conf.endpoints; i++)
		if (ch->conf.endpoint[i].ops)
			cw_rpmsg_ns_begin_(&ch->conf.endpoint[i]);
	if (ch->conf.ops && ch->conf.ops->link)
		ch->conf.ops->link(ch->conf.ctx, true);
}

static void end(struct cw_rpmsg_endpoint *e)
{
	bool had = e->dst != CW_RPMSG_ANY && !(e->fixed && e->todo & CW_RPMSG_LOOK);

	e->todo = 0;
	e->starved = false;
	if (!e->fixed)
		e->dst = CW_RPMSG_ANY;
	e->whole = 0;
	if (e->ops && had && e->ops->peer)
		e->ops->peer(e, false);
}

void cw_rpmsg_down(struct cw_rpmsg *ch)
{
	if (!ch->queues)
		return;
	ch->queues = NULL;
	ch->repeat_at = UINT64_MAX;
	ch->count.lost++;
	for (unsigned int i = 0; i < ch->conf.services; i++)
		ch->conf.service[i].addr = CW_RPMSG_ANY;
	for (unsigned int i = 0; i < ch->conf.endpoints; i++)
		end(&ch->conf.endpoint[i]);
	if (ch->conf.ops && ch->conf.ops->link)
		ch->conf.ops->link(ch->conf.ctx, false);
}

/* ---- receiving ---- */

void cw_rpmsg_used_(struct cw_rpmsg *ch, const struct cw_rpmsg_msg *m)
{
	struct cw_rpmsg_endpoint *e = find(ch, m->dst);

	if (e && e->dst == m->src)
		ch->credit->used(e);
}

/* To an address that no endpoint has. */
static void service(struct cw_rpmsg *ch, const struct cw_rpmsg_msg *m)
{
	if (m->dst == CW_RPMSG_NS_ADDR && ch->features & CW_RPMSG_F_NS)
		cw_rpmsg_ns_heard_(ch, m);
	else if (m->dst == CW_RPMSG_CREDIT_ADDR && ch->credit)
		ch->credit->heard(ch, m);
	else
		ch->count.unknown++;
}

struct cw_rpmsg_endpoint *cw_rpmsg_before_(struct cw_rpmsg *ch, const struct cw_rpmsg_msg *m,
					   uint32_t flags)
{
	struct cw_rpmsg_endpoint *e = find(ch, m->dst);

	if (!e) {
		service(ch, m);
		return NULL;
	}
	if (e->dst == CW_RPMSG_ANY)
		cw_rpmsg_bind_(e, m->src);
	if (e->addr != m->dst || !ch->queues)
		return NULL; /* so its peer() decided */
	if (!(flags & CW_RPMSG_FLAG_FRAGMENT) || !ch->fragment)
		return e;
	ch->fragment->heard(e, m);
	if (ch->credit && ch->queues)
		cw_rpmsg_used_(ch, m);
	return NULL;
}

int cw_rpmsg_chores_(struct cw_rpmsg *ch, int n)
{
	if (n < 0 && ch->queues)
		cw_rpmsg_not_taken_(ch, n);
	if (ch->queues && !n && ch->repeat_at != UINT64_MAX)
		cw_rpmsg_repeat_(ch);
	if (ch->queues && ch->todo)
		cw_rpmsg_tell_(ch);
	if (ch->queues && ch->starved)
		cw_rpmsg_wake_(ch);
	ch->inside = false;
	if (n >= 0 && !ch->queues)
		return CW_ERESET;
	if (n >= 0)
		ch->queues->ops->flush(ch->queues, !n);
	return n;
}

int cw_rpmsg_poll(struct cw_rpmsg *ch, unsigned int budget)
{
	struct cw_rpmsg_queues *q = ch->queues;

	if (ch->inside || !q)
		return q ? CW_EBUSY : CW_EDOWN;
	ch->inside = true;
	return q->ops->poll(ch, q, budget);
}

void cw_rpmsg_flush(struct cw_rpmsg *ch)
{
	if (ch->queues && ch->todo && !ch->inside)
		cw_rpmsg_tell_(ch);
	if (ch->queues)
		ch->queues->ops->flush(ch->queues, true);
}

bool cw_rpmsg_arm(struct cw_rpmsg *ch)
{
	cw_rpmsg_flush(ch);
	return ch->queues && ch->queues->ops->arm(ch->queues, ch->starved || ch->todo);
}

uint64_t cw_rpmsg_deadline(const struct cw_rpmsg *ch)
{
	return ch->repeat_at;
}
