// SPDX-License-Identifier: BSD-3-Clause
#include "rpmsg_pair.h"

static _Alignas(4096) uint8_t memory[PAIR_BYTES];
struct pair p;

void *pair_memory(cw_addr_t at, uint32_t len)
{
	void *m = cw_window_ptr(&p.w, at, len);

	assert_non_null(m);
	return m;
}

/* ---- what a transport does ---- */

static void told(void *ctx, unsigned int q, uint32_t running)
{
	struct pair_side *s = ctx;

	(void)running;
	s->rings[q]++;
}

static int check(void *ctx)
{
	(void)ctx;
	return p.check;
}

static uint64_t clock_now(void *ctx)
{
	(void)ctx;
	return p.now;
}

static int sleep_until(void *ctx, uint64_t deadline)
{
	struct pair_side *other = &p.side[ctx == &p.side[HOST] ? REMOTE : HOST];

	p.waits++;
	assert_true(p.waits < 100000);
	if (other->asleep || other->ch.inside)
		p.now = deadline;
	else
		p.now += 10;
	if (!other->asleep && other->ch.queues && !other->ch.inside)
		cw_rpmsg_poll(&other->ch, 4);
	cw_rpmsg_flush(&other->ch);
	return p.check;
}

static const struct cw_rpmsg_transport transport = { told, check, clock_now, sleep_until };

static void link_changed(void *ctx, bool up)
{
	struct pair_side *s = ctx;

	s->ups += up;
	s->downs += !up;
}

static void service_changed(void *ctx, const char *name, uint32_t addr, bool there)
{
	struct pair_side *s = ctx;

	(void)addr;
	s->services += there;
	s->ends += !there;
	memcpy(s->last_name, name, CW_RPMSG_NAME);
}

static const struct cw_rpmsg_ops ops = { link_changed, service_changed };

/* ---- set-up ---- */

void pair_new(const struct pair_options *o)
{
	memset(&p, 0, sizeof(p));
	p.o = o ? *o : p.o;
	p.o.queue = p.o.queue ? p.o.queue : 16;
	p.o.buffers = p.o.buffers ? p.o.buffers : p.o.queue;
	p.o.to_host = p.o.to_host ? p.o.to_host : 512;
	p.o.to_remote = p.o.to_remote ? p.o.to_remote : 512;
	p.w = (struct cw_window){ memory, PAIR_BASE, PAIR_BYTES };
	p.now = 1000000;
	for (int i = 0; i < 2; i++) {
		struct pair_side *s = &p.side[i];
		const struct cw_rpmsg_config c = {
			.endpoint = s->ept,
			.endpoints = PAIR_ENDPOINTS,
			.service = s->svc,
			.services = PAIR_SERVICES,
			.ops = &ops,
			.ctx = s,
			.credit = p.o.credit ? &cw_rpmsg_credit : NULL,
			.fragment = p.o.fragment ? &cw_rpmsg_fragment : NULL,
			.nuttx = p.o.nuttx,
			.repeats = p.o.repeats,
		};

		assert_int_equal(cw_rpmsg_init(&s->ch, &c), CW_OK);
	}
	p.features = cw_rpmsg_features(&p.side[HOST].ch);
	p.features = p.o.features ? p.o.features : p.features;
}

static void make_ring(unsigned int i)
{
	const uint32_t bytes = cw_ring_bytes(p.o.queue, 64);
	const cw_addr_t at = PAIR_BASE + (cw_addr_t)i * bytes;

	assert_int_equal(cw_drvq_init(&p.drv[i], &p.w, at, 64, p.o.queue, p.slot[i], p.o.event_idx),
			 CW_OK);
	assert_int_equal(cw_devq_init(&p.dev[i], &p.w, &p.rings, cw_drvq_part(&p.drv[i], &p.w, 0),
				      cw_drvq_part(&p.drv[i], &p.w, 1),
				      cw_drvq_part(&p.drv[i], &p.w, 2), p.o.queue, p.own[i],
				      p.o.event_idx, false),
			 CW_OK);
	p.rings.n = 1;
	p.rings.lo = p.rings.range[0].at = PAIR_BASE;
	p.rings.hi = p.rings.range[0].end = PAIR_BASE + 2u * bytes;
}

static struct cw_rpmsg_pool pool(cw_addr_t *at, uint32_t size)
{
	struct cw_rpmsg_pool b = { .size = size, .stride = (size + 63u) & ~63u, .n = p.o.buffers };

	b.addr = *at;
	b.p = pair_memory(*at, b.stride * b.n);
	*at += b.stride * b.n;
	return b;
}

void pair_up(void)
{
	struct cw_rpmsg_pool rx, tx;
	cw_addr_t at = PAIR_BASE + 0x4000;

	memset(memory, 0xa5, sizeof(memory));
	make_ring(0);
	make_ring(1);
	p.pool[0] = at;
	rx = pool(&at, p.o.to_host);
	p.pool[1] = at;
	tx = pool(&at, p.o.to_remote);
	assert_int_equal(cw_rpmsg_host_init(&p.host, &p.drv[0], &p.drv[1], &rx, &tx,
					    p.side[HOST].rx, p.side[HOST].tx),
			 CW_OK);
	cw_rpmsg_remote_init(&p.remote, &p.dev[0], &p.dev[1], p.side[REMOTE].tx, p.side[REMOTE].rx,
			     p.o.to_host);
	p.host.q.transport = p.remote.q.transport = &transport;
	p.host.q.ctx = &p.side[HOST];
	p.remote.q.ctx = &p.side[REMOTE];
	p.check = CW_OK;
	cw_rpmsg_up(&p.side[HOST].ch, &p.host.q, p.features);
	cw_rpmsg_flush(&p.side[HOST].ch);
	cw_rpmsg_up(&p.side[REMOTE].ch, &p.remote.q, p.features);
}

void pair_start(const struct pair_options *o)
{
	pair_new(o);
	pair_up();
}

void pair_down(void)
{
	cw_rpmsg_down(&p.side[HOST].ch);
	cw_rpmsg_down(&p.side[REMOTE].ch);
}

int pair_run(int side)
{
	int got = 1;

	for (unsigned int i = 0; got > 0; i++) {
		assert_true(i < 100000);
		got = cw_rpmsg_poll(&p.side[side].ch, 8);
	}
	return got;
}

void pair_settle(void)
{
	/* A poll that receives nothing may have announced something. */
	for (unsigned int i = 0, quiet = 0; quiet < 2; i++) {
		int at_host = cw_rpmsg_poll(&p.side[HOST].ch, 8),
		    at_remote = cw_rpmsg_poll(&p.side[REMOTE].ch, 8);

		assert_true(at_host >= 0 && at_remote >= 0 && i < 100000);
		quiet = at_host + at_remote ? 0 : quiet + 1;
	}
}

/* ---- endpoints ---- */

static int box_receive(struct cw_rpmsg_endpoint *e, const struct cw_rpmsg_msg *m)
{
	struct pair_box *b = e->ctx;

	b->n++;
	b->last = *m;
	assert_int_equal(cw_rpmsg_copy(m, 0, b->bytes, sizeof(b->bytes)),
			 m->len < sizeof(b->bytes) ? m->len : sizeof(b->bytes));
	if (b->also)
		b->also(b, m);
	return b->answer;
}

static void box_peer(struct cw_rpmsg_endpoint *e, bool has)
{
	struct pair_box *b = e->ctx;

	b->peers += has;
	b->losses += !has;
}

static void box_writable(struct cw_rpmsg_endpoint *e)
{
	struct pair_box *b = e->ctx;

	b->writables++;
}

const struct cw_rpmsg_endpoint_ops pair_ops = { box_receive, box_peer, box_writable };

struct cw_rpmsg_spec pair_spec(struct pair_box *b, const char *name, uint32_t addr, uint32_t dst)
{
	const struct cw_rpmsg_spec s = {
		.name = name, .addr = addr, .dst = dst, .ops = &pair_ops, .ctx = b
	};

	memset(b, 0, sizeof(*b));
	return s;
}

void pair_open(int side, struct pair_box *b, const char *name, uint32_t addr, uint32_t dst)
{
	const struct cw_rpmsg_spec s = pair_spec(b, name, addr, dst);

	assert_int_equal(cw_rpmsg_create(&p.side[side].ch, &s, &b->e), CW_OK);
}
