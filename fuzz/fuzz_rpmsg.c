// SPDX-License-Identifier: BSD-3-Clause
/*
 * An RPMsg channel, host or remote, whose peer is the fuzzer: it fills buffers and rings as a peer may,
 * well and badly, and changes words between loads. With FUZZ_NS most of what it says are announcements.
 *
 * What is checked: messages lie in a buffer and end in it, none is handed out twice while held, names are
 * ended and printable, stores go to the rings and to buffers that are ours; and with nobody lying, an
 * announced pair talks.
 */
#include "fuzz.h"

#include <causeway/core/err.h>
#include <causeway/core/layout.h>
#include <causeway/core/rpmsg.h>
#include <causeway/core/shm.h>

#include <string.h>

#define BASE	  0x3a000000u
#define SIZE	  8u
#define POOL	  0x4000u
#define BUFFER	  256u
#define ENDPOINTS 5u
#define SERVICES  4u
#define HELD	  4u

static const struct cw_window win = { fz_region, BASE, FZ_REGION };
static struct cw_drvq drv[2];
static struct cw_devq dev[2];
static struct cw_drvq_slot ring_slot[2][SIZE];
static uint16_t own[2][SIZE];
static struct cw_ranges rings;
static struct cw_rpmsg_host host;
static struct cw_rpmsg_remote remote;
static struct cw_rpmsg ch[2];
static struct cw_rpmsg_endpoint ept[2][ENDPOINTS];
static struct cw_rpmsg_service svc[2][SERVICES];
static struct cw_rpmsg_slot rx[2][SIZE], tx[2][SIZE];
static struct cw_rpmsg_msg held[HELD];
static uint8_t assembly[600], guard[16];
static unsigned int holding, came, me;
static uint64_t now;
static bool peers_turn;

static uint32_t on_load(const volatile void *p, unsigned int width, uint32_t value)
{
	uint32_t off = fz_off(p);

	FZ_CHECK(off != FZ_OUTSIDE && width <= FZ_REGION - off);
	if (peers_turn)
		return value;
	value = fz_twist(value);
	return width == 2 ? value & 0xffff : width == 1 ? value & 0xff : value;
}

static void on_store(const volatile void *p, unsigned int width)
{
	uint32_t off = fz_off(p);

	FZ_CHECK(off != FZ_OUTSIDE && width <= FZ_REGION - off);
	for (unsigned int i = 0; i < holding && !peers_turn; i++) {
		uint32_t at = fz_off(held[i].data);

		/* What is held stays as it is. */
		FZ_CHECK(off >= at + held[i].len || off + width <= at - 16 || me == 1);
	}
}

static void told(void *ctx, unsigned int q, uint32_t running)
{
	(void)ctx;
	(void)q;
	(void)running;
}

static uint64_t clock_now(void *ctx)
{
	(void)ctx;
	return now;
}

static int wait_until(void *ctx, uint64_t deadline)
{
	(void)ctx;
	now = deadline;
	return CW_OK;
}

static const struct cw_rpmsg_transport transport = { .notify = told,
						     .now = clock_now,
						     .wait = wait_until };

/* ---- the application ---- */

static void check_place(const struct cw_rpmsg_msg *m)
{
	uint32_t off = fz_off(m->data);

	if (off == FZ_OUTSIDE) {
		FZ_CHECK(m->data == assembly && m->len <= sizeof(assembly));
		return;
	}
	FZ_CHECK(m->len <= FZ_REGION - off);
	if (me == 0) /* the host's own buffers */
		FZ_CHECK(off >= POOL && (off - POOL) % BUFFER == 16 && m->len <= BUFFER - 16);
	else /* not in the rings */
		FZ_CHECK(off - 16 >= rings.hi - BASE || off + m->len <= rings.lo - BASE);
	for (unsigned int i = 0; i < holding; i++)
		FZ_CHECK(held[i].buffer != m->buffer);
}

static int receive(struct cw_rpmsg_endpoint *e, const struct cw_rpmsg_msg *m)
{
	uint8_t text[64];

	came++;
	if (peers_turn)
		return 0;
	check_place(m);
	FZ_CHECK(m->dst == e->addr && m->src != CW_RPMSG_ANY);
	FZ_CHECK(cw_rpmsg_copy(m, 0, text, sizeof(text)) <= m->len);
	switch (fz_u8() & 7) {
	case 0:
		cw_rpmsg_send(e, text, fz_u8() & 63u, 1000);
		break;
	case 1:
		cw_rpmsg_destroy(e);
		break;
	case 2:
		cw_rpmsg_release(&ch[me], m);
		break;
	case 3:
		if (m->stamp && holding < HELD) {
			held[holding++] = *m;
			return CW_RPMSG_HOLD;
		}
		break;
	default:
		break;
	}
	return 0;
}

static void check_name(const char *name)
{
	size_t n = strnlen(name, CW_RPMSG_NAME);

	FZ_CHECK(n < CW_RPMSG_NAME);
	for (size_t i = 0; i < n; i++)
		FZ_CHECK(name[i] >= ' ' && name[i] <= '~');
}

static void service(void *ctx, const char *name, uint32_t addr, bool there)
{
	(void)ctx;
	(void)there;
	check_name(name);
	FZ_CHECK(addr != CW_RPMSG_ANY && *name);
}

static const struct cw_rpmsg_endpoint_ops ops = { .receive = receive };
static const struct cw_rpmsg_ops channel_ops = { .service = service };

static void create(unsigned int side, unsigned int which)
{
	static const char *const name[4] = { "alpha", "beta", NULL, "alpha" };
	const struct cw_rpmsg_spec s = { .name = name[which & 3],
					 .addr = which & 4 ? 100 + which / 8 : CW_RPMSG_ANY,
					 .dst = which & 0x40 ? 200 : CW_RPMSG_ANY,
					 .ops = &ops,
					 .window = which & 3,
					 .assembly = assembly,
					 .assembly_size = sizeof(assembly) };
	struct cw_rpmsg_endpoint *e;

	(void)cw_rpmsg_create(&ch[side], &s, &e);
}

/* ---- set-up ---- */

static void begin(void)
{
	const uint32_t bytes = cw_ring_bytes(SIZE, 64);
	const struct cw_rpmsg_pool rx_pool = { fz_region + POOL, BASE + POOL, BUFFER, BUFFER,
					       SIZE };
	const struct cw_rpmsg_pool tx_pool = { fz_region + POOL + SIZE * BUFFER,
					       BASE + POOL + SIZE * BUFFER, BUFFER, BUFFER, SIZE };

	peers_turn = true;
	cw_rpmsg_down(&ch[0]);
	cw_rpmsg_down(&ch[1]);
	rings.n = 1;
	rings.lo = rings.range[0].at = BASE;
	rings.hi = rings.range[0].end = BASE + 2 * bytes;
	for (unsigned int i = 0; i < 2; i++) {
		FZ_CHECK(!cw_drvq_init(&drv[i], &win, BASE + i * bytes, 64, SIZE, ring_slot[i],
				       true));
		FZ_CHECK(!cw_devq_init(&dev[i], &win, &rings, cw_drvq_part(&drv[i], &win, 0),
				       cw_drvq_part(&drv[i], &win, 1),
				       cw_drvq_part(&drv[i], &win, 2), SIZE, own[i], true, false));
	}
	FZ_CHECK(!cw_rpmsg_host_init(&host, &drv[0], &drv[1], &rx_pool, &tx_pool, rx[0], tx[0]));
	cw_rpmsg_remote_init(&remote, &dev[0], &dev[1], tx[1], rx[1], BUFFER);
	host.q.transport = remote.q.transport = &transport;
	holding = 0;
	cw_rpmsg_up(&ch[0], &host.q, UINT64_MAX);
	cw_rpmsg_up(&ch[1], &remote.q, UINT64_MAX);
	peers_turn = false;
}

static void make(void)
{
	for (unsigned int i = 0; i < 2; i++) {
		const struct cw_rpmsg_config c = { .endpoint = ept[i],
						   .endpoints = ENDPOINTS,
						   .service = svc[i],
						   .services = SERVICES,
						   .ops = i == me ? &channel_ops : NULL,
						   .credit = &cw_rpmsg_credit,
						   .fragment = &cw_rpmsg_fragment,
						   .repeats = 3 };

		memset(&ch[i], 0, sizeof(ch[i]));
		FZ_CHECK(!cw_rpmsg_init(&ch[i], &c));
	}
}

static void peer_polls(void)
{
	peers_turn = true;
	cw_rpmsg_poll(&ch[!me], 8);
	cw_rpmsg_flush(&ch[!me]);
	peers_turn = false;
}

static void honest(void)
{
	peers_turn = true;
	create(0, 0);
	create(1, 0);
	for (int i = 0; i < 6; i++) {
		cw_rpmsg_poll(&ch[0], 8);
		cw_rpmsg_poll(&ch[1], 8);
	}
	came = 0;
	FZ_CHECK(ept[0][0].dst == ept[1][0].addr && ept[1][0].dst == ept[0][0].addr);
	FZ_CHECK(!cw_rpmsg_send(&ept[!me][0], "hello", 5, 0));
	cw_rpmsg_poll(&ch[me], 8);
	FZ_CHECK(came == 1);
	peers_turn = false;
}

/* ---- the peer ---- */

static void put32(uint8_t *p, uint32_t v)
{
	memcpy(p, &v, 4);
}

static uint32_t some_address(void)
{
	uint8_t b = fz_u8();

	if (b & 0x80)
		return ept[me][b % ENDPOINTS].addr;
	return b & 0x40 ? 100 + (b & 15u) : b & 0x20 ? fz_u32() : b;
}

/* The payload of an announcement, credit, a piece of something, or anything. */
static uint32_t payload(uint8_t *p, uint32_t room, unsigned int what)
{
	static const char *const names[4] = { "alpha", "beta", "", "gamma" };
	uint32_t len = fz_u8() % (room + 1);

	for (uint32_t i = 0; i < room && i < 40; i++)
		p[i] = fz_u8();
	if (what == 1 && room >= 40) {
		uint8_t b = fz_u8();

		if (b & 4) {
			memset(p, 0, 32);
			memcpy(p, names[b & 3], strlen(names[b & 3]));
		}
		put32(p + 32, b & 8 ? some_address() : 1024u + (b >> 4));
		put32(p + 36, b & 0x40 ? fz_u8() : b >> 7);
		len = 40;
	} else if (what == 2 && room >= 12) {
		put32(p, some_address());
		put32(p + 4, some_address());
		put32(p + 8, fz_u8());
		len = 12;
	} else if (what == 3 && room >= 8) {
		put32(p, fz_u16() % 700u);
		put32(p + 4, fz_u16() % 700u);
	}
	return len;
}

/* A message as the peer's own queues carry it, but with what the input says in it. */
static void say(unsigned int what)
{
	struct cw_rpmsg_queues *q = ch[!me].queues;
	struct cw_rpmsg_buf b;
	uint32_t len, dst, flags = what == 3 ? 1 : 0, src;

	peers_turn = true;
	if (!q || q->ops->take(q, &b, 0) != 1) {
		peers_turn = false;
		return;
	}
	len = payload(b.p + 16, BUFFER - 16, what);
	dst = what == 1 ? 53 : what == 2 ? 61 : some_address();
	src = what == 2 ? ((uint32_t)b.p[16] | (uint32_t)b.p[17] << 8) : some_address();
	q->ops->launch(q, &b, src, dst, len | flags << 16);
	if (fz_u8() % 4 == 0) /* what the header says is not what the ring says */
		put32(b.p + 12, fz_u16() % 700u | flags << 16);
	if (fz_u8() % 4 == 0 && me == 1) /* as Linux does it: no more than the message */
		put32(fz_region + (BASE + 16 * fz_below(SIZE) + 8 - BASE), 16 + fz_u8());
	q->ops->flush(q, true);
	peers_turn = false;
}

static void use(uint8_t op)
{
	struct cw_rpmsg_endpoint *e = &ept[me][op >> 4 & 3];
	struct cw_rpmsg_tx t;
	uint8_t text[64] = { 0 };

	switch (fz_u8() % 8) {
	case 0:
		if (e->ops)
			cw_rpmsg_send(e, text, fz_u8() & 63u, op & 0x80 ? 3000 : 0);
		break;
	case 1:
		create(me, fz_u8());
		break;
	case 2:
		if (e->ops)
			cw_rpmsg_destroy(e);
		break;
	case 3:
		if (holding) {
			struct cw_rpmsg_msg m = held[--holding];

			cw_rpmsg_release(&ch[me], &m);
			cw_rpmsg_release(&ch[me], &m);
		}
		break;
	case 4:
		if (e->ops && !cw_rpmsg_tx_get(e, &t)) {
			FZ_CHECK(fz_off(t.data) != FZ_OUTSIDE &&
				 t.room <= FZ_REGION - fz_off(t.data));
			if (op & 0x80 && !cw_rpmsg_tx_send(e, &t, 300, t.room ? 1 : 0))
				FZ_CHECK(cw_rpmsg_tx_send(e, &t, 300, 0));
			cw_rpmsg_tx_cancel(&ch[me], &t);
		}
		break;
	case 5:
		cw_rpmsg_arm(&ch[me]);
		break;
	case 6:
		now += 1000000;
		break;
	default:
		if (e->ops)
			cw_rpmsg_sendto(e, 1030, assembly, fz_u16() % 600u, op & 0x80 ? 3000 : 0);
		break;
	}
}

static void look(void)
{
	int got = cw_rpmsg_poll(&ch[me], 8);

	FZ_CHECK(got <= 8);
	for (unsigned int i = 0; i < SERVICES; i++)
		if (svc[me][i].addr != CW_RPMSG_ANY)
			check_name(svc[me][i].name);
	for (unsigned int i = 0; i < ENDPOINTS; i++)
		for (unsigned int k = 0; k < i; k++)
			FZ_CHECK(ept[me][i].addr == CW_RPMSG_ANY ||
				 ept[me][i].addr != ept[me][k].addr);
	for (unsigned int i = 0; i < sizeof(guard); i++)
		FZ_CHECK(!guard[i]);
	if (!cw_rpmsg_is_up(&ch[me]))
		begin();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned int steps = 0;

	fz_begin(data, size);
	me = fz_u8() & 1;
	now = 1000;
	holding = 0;
	fz_on_load = on_load;
	fz_on_store = on_store;
	make();
	begin();
	honest();
	fz_hostile = true;
	while (fz_more() && steps++ < 200) {
		uint8_t op = fz_u8();

		switch (op & 7) {
		case 0:
		case 1:
#if defined(FUZZ_NS)
			say(1);
#else
			say(op >> 4 & 3);
#endif
			break;
		case 2:
			say(1);
			break;
		case 3: /* rings and buffers are the peer's to write, each some of them */
			put32(fz_region + (fz_u16() & 0x7ffcu), fz_u32());
			break;
		case 4:
			use(op);
			break;
		case 5:
			peer_polls();
			break;
		default:
			break;
		}
		look();
	}
	return 0;
}
