// SPDX-License-Identifier: BSD-3-Clause
/* The resource table: both ends, in any order, again and again; tables and rings that cannot be. */
#include "unit.h"

#include <causeway/abi/virtio.h>
#include <causeway/core/bytes.h>
#include <causeway/core/err.h>
#include <causeway/core/rpmsg_classic.h>
#include <causeway/core/shm.h>

#define ANY	CW_RPMSG_ANY
#define BASE	0x38000000u
#define BYTES	0x20000u
#define TABLE	BASE
#define RING0	(BASE + 0x1000)
#define RING1	(BASE + 0x3000)
#define BUFFERS (BASE + 0x8000)
#define NUM	16u
#define HOST	0
#define REMOTE	1

static _Alignas(4096) uint8_t memory[BYTES];
static const struct cw_window window = { memory, BASE, BYTES };
static uint64_t now;
static unsigned int kicks[2][4];
static bool deaf; /* the remote is not there */

struct side {
	struct cw_rpmsg_classic c;
	struct cw_rpmsg ch;
	struct cw_rpmsg_endpoint ept[4], *e;
	struct cw_rpmsg_service svc[4];
	struct cw_drvq_slot slot[2][NUM];
	uint16_t own[2][NUM];
	struct cw_rpmsg_slot rx[NUM], tx[NUM];
	unsigned int ups, downs, got;
	uint32_t len;
	uint8_t text[600];
};

static struct side side[2];

static void kick(void *ctx, uint32_t id)
{
	struct side *s = ctx;

	assert_true(id < 4);
	kicks[s == &side[REMOTE]][id]++;
}

static uint64_t clock_now(void *ctx)
{
	(void)ctx;
	return now;
}

static int sleep_until(void *ctx, uint64_t deadline)
{
	struct side *other = &side[ctx == &side[HOST] ? REMOTE : HOST];

	if (!deaf)
		cw_rpmsg_classic_poll(&other->c, 4);
	now = deaf || deadline < now + 100 ? deadline : now + 100;
	return 0;
}

static const struct cw_rpmsg_classic_ops ops = { kick, clock_now, sleep_until };

static int receive(struct cw_rpmsg_endpoint *e, const struct cw_rpmsg_msg *m)
{
	struct side *s = e->ctx;

	s->got++;
	s->len = cw_rpmsg_copy(m, 0, s->text, sizeof(s->text));
	return 0;
}

static void link_changed(void *ctx, bool up)
{
	struct side *s = ctx;

	s->ups += up;
	s->downs += !up;
}

static const struct cw_rpmsg_endpoint_ops ept_ops = { .receive = receive };
static const struct cw_rpmsg_ops ch_ops = { .link = link_changed };

static struct cw_abi_rpmsg_table *table(void)
{
	return (void *)memory;
}

static void put_ring(unsigned int i, uint32_t da)
{
	struct cw_abi_rpmsg_vring *r = &table()->vring[i];

	r->da = cw_make_le32(da);
	r->align = cw_make_le32(64);
	r->num = cw_make_le32(NUM);
	r->notifyid = cw_make_le32(1 + i);
}

/* What a firmware's image brings. */
static void load_table(void)
{
	struct cw_abi_rpmsg_table *t = table();

	memset(memory, 0xa5, sizeof(memory));
	memset(t, 0, sizeof(*t));
	t->version = cw_make_le32(1);
	t->entries = cw_make_le32(1);
	t->offset = cw_make_le32(20);
	t->type = cw_make_le32(3);
	t->id = cw_make_le32(CW_ID_RPMSG);
	t->notifyid = cw_make_le32(3);
	t->dfeatures = cw_make_le32(3);
	t->config_len = cw_make_le32(11);
	t->vrings = 2;
	put_ring(0, RING0);
	put_ring(1, RING1);
	t->config = (struct cw_abi_rpmsg_config){
		.version = 1, .size = { 11, 0 }, .to_host = { 0x10, 1 }, .to_remote = { 0, 2 }
	};
}

/* A new life of a side: it knows nothing. */
static void born(int i)
{
	struct side *s = &side[i];
	const struct cw_rpmsg_config conf = { .endpoint = s->ept,
					      .endpoints = 4,
					      .service = s->svc,
					      .services = 4,
					      .ops = &ch_ops,
					      .ctx = s };
	const struct cw_rpmsg_spec spec = {
		.name = "pair", .addr = ANY, .dst = ANY, .ops = &ept_ops, .ctx = s
	};
	struct cw_rpmsg_classic_memory m = {
		NUM, { s->slot[0], s->slot[1] }, { s->own[0], s->own[1] }, s->rx, s->tx
	};

	memset(s, 0, sizeof(*s));
	assert_int_equal(cw_rpmsg_init(&s->ch, &conf), CW_OK);
	assert_int_equal(cw_rpmsg_create(&s->ch, &spec, &s->e), CW_OK);
	assert_int_equal(cw_rpmsg_classic_init(&s->c, &s->ch, &window, TABLE, 100, &m, &ops, s),
			 CW_OK);
	if (i == HOST)
		assert_int_equal(cw_rpmsg_classic_host(&s->c, BUFFERS, 0x8000), CW_OK);
}

static void settle(void)
{
	for (int quiet = 0, i = 0; quiet < 3; i++) {
		int a = cw_rpmsg_classic_poll(&side[HOST].c, 8);
		int b = cw_rpmsg_classic_poll(&side[REMOTE].c, 8);

		assert_true(i < 1000);
		quiet = a == 0 && b == 0 ? quiet + 1 : 0;
	}
}

static void fresh(void)
{
	now = 1000000;
	deaf = false;
	memset(kicks, 0, sizeof(kicks));
	load_table();
	born(HOST);
	born(REMOTE);
}

static void talk(void)
{
	unsigned int a, b;

	settle();
	a = side[HOST].got;
	b = side[REMOTE].got;
	assert_int_equal(cw_rpmsg_send(side[HOST].e, "to remote", 9, 0), CW_OK);
	assert_int_equal(cw_rpmsg_send(side[REMOTE].e, "to host", 7, 0), CW_OK);
	settle();
	assert_int_equal(side[HOST].got, a + 1);
	assert_int_equal(side[REMOTE].got, b + 1);
	assert_memory_equal(side[HOST].text, "to host", 7);
	assert_memory_equal(side[REMOTE].text, "to remote", 9);
}

static void they_meet_and_talk(void **state)
{
	(void)state;
	fresh();
	assert_int_equal(cw_rpmsg_classic_poll(&side[REMOTE].c, 8), CW_EDOWN);
	talk();
	assert_int_equal(table()->status, 7);
	assert_int_equal(cw_get_le32(table()->gfeatures), 3);
	assert_int_equal(cw_rpmsg_mtu(&side[HOST].ch), 496);
	assert_int_equal(cw_rpmsg_mtu(&side[REMOTE].ch), 256); /* 272 bytes, from the table */
	for (int i = 0; i < 200; i++)
		talk();
	assert_true(kicks[HOST][2] && kicks[REMOTE][1]);
	assert_int_equal(side[HOST].c.refused + side[REMOTE].c.refused, 0);
}

static void a_new_host(void **state)
{
	(void)state;
	fresh();
	talk();
	for (unsigned int life = 1; life < 5; life++) {
		born(HOST);
		assert_int_equal(cw_rpmsg_classic_poll(&side[HOST].c, 8), CW_EDOWN);
		assert_int_equal(table()->status, 0x82); /* asks the remote to let go */
		assert_int_equal(cw_rpmsg_classic_deadline(&side[HOST].c), now + 1000000);
		assert_int_equal(cw_rpmsg_classic_poll(&side[HOST].c, 8), CW_EDOWN);
		assert_int_equal(cw_rpmsg_classic_poll(&side[REMOTE].c, 8), CW_ERESET);
		assert_int_equal(table()->status, 0);
		talk();
		assert_int_equal(side[REMOTE].downs, life);
		assert_int_equal(side[REMOTE].ups, life + 1);
	}
}

static void a_new_remote(void **state)
{
	(void)state;
	fresh();
	talk();
	for (unsigned int life = 1; life < 5; life++) {
		born(REMOTE);
		assert_int_equal(cw_rpmsg_classic_poll(&side[REMOTE].c, 8), CW_EDOWN);
		assert_true(table()->status & CW_STATUS_NEEDS_RESET);
		assert_int_equal(cw_rpmsg_classic_poll(&side[HOST].c, 8), CW_ERESET);
		talk();
		assert_int_equal(side[HOST].downs, life);
		assert_int_equal(side[HOST].ups, life + 1);
	}
}

/* Its used indices are still 0, but messages were taken: they are lost, and nobody gets them twice. */
static void a_remote_that_died_before_it_gave_anything_back(void **state)
{
	(void)state;
	fresh();
	assert_int_equal(cw_rpmsg_classic_poll(&side[HOST].c, 8), 0);
	assert_int_equal(cw_rpmsg_sendto(side[HOST].e, side[REMOTE].e->addr, "once", 4, 0), CW_OK);
	assert_int_equal(cw_rpmsg_classic_poll(&side[REMOTE].c, 8), 2); /* and an announcement */
	assert_int_equal(side[REMOTE].got, 1);
	assert_int_equal(cw_load16(&side[REMOTE].c.dev[1].used->idx), 0);
	born(REMOTE);
	assert_int_equal(cw_rpmsg_classic_poll(&side[REMOTE].c, 8), CW_EDOWN);
	assert_true(table()->status & CW_STATUS_NEEDS_RESET);
	assert_int_equal(cw_rpmsg_classic_poll(&side[HOST].c, 8), CW_ERESET);
	talk();
	assert_int_equal(side[HOST].downs, 1);
	assert_int_equal(side[REMOTE].got, 1); /* that of talk() */
}

/* The host waited for it no longer, and its rings are those of another life. */
static void a_remote_that_slept_too_long(void **state)
{
	(void)state;
	fresh();
	talk();
	born(HOST);
	assert_int_equal(cw_rpmsg_classic_poll(&side[HOST].c, 8), CW_EDOWN);
	now += 1000000;
	assert_int_equal(cw_rpmsg_classic_poll(&side[HOST].c, 8), 0);
	assert_int_equal(table()->status, 7);
	assert_int_equal(cw_rpmsg_send(side[REMOTE].e, "stale", 5, 1000), CW_OK); /* not seen yet */
	assert_int_equal(cw_rpmsg_classic_poll(&side[REMOTE].c, 8), CW_ERESET);
	assert_int_equal(side[REMOTE].downs, 1);
	talk();
	assert_int_equal(side[HOST].got, 1);
	assert_int_equal(side[REMOTE].downs, 1);
	assert_int_equal(side[REMOTE].ups, 2);
}

static void a_remote_that_is_not_there(void **state)
{
	(void)state;
	fresh();
	talk();
	born(HOST);
	assert_int_equal(cw_rpmsg_classic_poll(&side[HOST].c, 8), CW_EDOWN);
	now += 999999;
	assert_int_equal(cw_rpmsg_classic_poll(&side[HOST].c, 8), CW_EDOWN);
	assert_int_equal(table()->status, 0x82);
	now += 1;
	assert_int_equal(cw_rpmsg_classic_poll(&side[HOST].c, 8), 0); /* goes on by itself */
	assert_int_equal(table()->status, 7);
	born(REMOTE); /* with fresh rings it may begin */
	talk();
	assert_int_equal(side[HOST].downs, 0);
}

/* As Linux does it: no more than a 0, or DRIVER_OK gone. */
static void a_plain_reset(void **state)
{
	(void)state;
	fresh();
	talk();
	table()->status = 0;
	assert_int_equal(cw_rpmsg_classic_poll(&side[REMOTE].c, 8), CW_ERESET);
	assert_int_equal(cw_rpmsg_classic_poll(&side[REMOTE].c, 8), CW_EDOWN);
	assert_int_equal(table()->status, 0);
	born(HOST);
	talk();
	assert_int_equal(side[REMOTE].downs, 1);
}

static void a_wait_ends_with_the_peer(void **state)
{
	(void)state;
	fresh();
	talk();
	deaf = true;
	while (!cw_rpmsg_send(side[HOST].e, "x", 1, 0))
		;
	assert_int_equal(cw_rpmsg_send(side[HOST].e, "x", 1, 50000), CW_ETIMEDOUT);
	table()->status = 0x47;
	assert_int_equal(cw_rpmsg_send(side[HOST].e, "x", 1, 50000), CW_ERESET);
	assert_int_equal(side[HOST].downs, 1);
	deaf = false;
	talk();
	assert_int_equal(side[HOST].ups, 2);
}

/* Row 71: what the table says cannot be. */
static void tables_that_cannot_be(void **state)
{
	static const struct {
		uint32_t at, value;
		bool host, remote;
	} bad[] = {
		{ 0, 2, true, true },		       /* version */
		{ 16, 90, true, true },		       /* offset */
		{ 24, 3, true, true },		       /* another device */
		{ 44, 0x10000, true, true },	       /* rings: none of them two */
		{ 48, RING1, true, true },	       /* one over the other */
		{ 48, TABLE, true, true },	       /* over the table */
		{ 48, BASE + BYTES - 64, true, true }, /* beyond the end */
		{ 48, BASE - 64, true, true },
		{ 48, RING0 + 8, true, true },
		{ 48, 0xffffffffu, true, true }, /* nobody placed it */
		{ 52, 0, true, true },		 /* alignment */
		{ 52, 2, true, true },
		{ 52, 48, true, true },
		{ 52, 0x80000000u, true, true },
		{ 56, 0, true, true }, /* how many */
		{ 56, 1, true, true },
		{ 56, 17, true, true },
		{ 56, 32, true, true }, /* more than there is memory for */
		{ 56, 0x80000000u, true, true },
		{ 40, 12, false, false }, /* a longer space does no harm */
		{ 40, 13, true, true },	  /* but ends in the table */
		{ 40, 10, true, true },
		{ 88, 0x10000b02, true, true },	 /* version of the sizes */
		{ 88, 0x10000c01, true, true },	 /* their size */
		{ 92, 0x00400001, true, false }, /* to the host: more than its memory */
		{ 92, 0x00800001, true, true },	 /* more than anybody's */
		{ 96, 0, true, true },		 /* to the remote: none */
	};

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(bad); i++) {
		struct cw_le32 v = cw_make_le32(bad[i].value);

		fresh();
		memcpy(memory + bad[i].at, &v, 4);
		assert_int_equal(cw_rpmsg_classic_poll(&side[HOST].c, 8),
				 bad[i].host ? CW_EDOWN : 0);
		assert_int_equal(side[HOST].c.refused, bad[i].host);
		assert_int_equal(cw_rpmsg_is_up(&side[HOST].ch), !bad[i].host);
		/* For a remote they are as bad. */
		fresh();
		talk();
		born(REMOTE);
		table()->status = 7;
		memset(memory + 0x1000, 0, 0x4000);
		memcpy(memory + bad[i].at, &v, 4);
		if (bad[i].at == 44)
			memory[44] = 7;
		assert_int_equal(cw_rpmsg_classic_poll(&side[REMOTE].c, 8),
				 bad[i].remote ? CW_EDOWN : 0);
		assert_int_equal(side[REMOTE].c.refused, bad[i].remote);
	}
}

/* A ring that breaks: the remote asks for a new one, the host makes it. */
static void a_broken_ring(void **state)
{
	(void)state;
	fresh();
	talk();
	cw_store16(&side[REMOTE].c.dev[1].avail->idx, 0x7777);
	assert_int_equal(cw_rpmsg_classic_poll(&side[REMOTE].c, 8), CW_EPEER);
	assert_true(table()->status & CW_STATUS_NEEDS_RESET);
	assert_int_equal(cw_rpmsg_classic_poll(&side[REMOTE].c, 8), CW_EDOWN);
	talk();
	assert_int_equal(side[REMOTE].downs + side[HOST].downs, 2);
	cw_store16(&side[HOST].c.drv[0].used->idx, 0x7777);
	assert_int_equal(cw_rpmsg_classic_poll(&side[HOST].c, 8), CW_EPEER);
	talk();
	assert_int_equal(side[REMOTE].downs + side[HOST].downs, 4);
}

/* Buffers that a host puts over rings or table are not used. */
static void buffers_are_kept_out_of_the_rings(void **state)
{
	struct cw_abi_desc *d;

	(void)state;
	fresh();
	talk();
	d = side[HOST].c.drv[1].desc;
	for (unsigned int i = 0; i < NUM; i++)
		cw_store32(&d[i].addr_lo, TABLE);
	assert_int_equal(cw_rpmsg_send(side[HOST].e, "x", 1, 0), CW_OK);
	for (unsigned int i = 0; i < NUM; i++)
		cw_store32(&d[i].addr_lo, TABLE);
	assert_int_equal(cw_rpmsg_classic_poll(&side[REMOTE].c, 8), CW_EPEER);
	fresh();
	assert_int_equal(cw_rpmsg_classic_host(&side[HOST].c, RING0, 0x8000), CW_OK);
	assert_int_equal(cw_rpmsg_classic_poll(&side[HOST].c, 8), CW_EDOWN);
	assert_int_equal(side[HOST].c.refused, 1);
	assert_int_equal(cw_rpmsg_classic_host(&side[HOST].c, BASE + BYTES, 1), CW_EBADADDR);
}

/* Either side is replaced at random moments under load. */
static void restarts_under_load(void **state)
{
	uint64_t seed = 99;
	unsigned int talked = 0;

	(void)state;
	fresh();
	for (unsigned int i = 0; i < 4000; i++) {
		uint32_t what = unit_random(&seed) % 100;
		int who = (int)(unit_random(&seed) & 1);

		now += 10;
		if (what < 40)
			cw_rpmsg_classic_poll(&side[who].c, 4);
		else if (what < 95)
			talked += !cw_rpmsg_send(side[who].e, "load", 4, what & 1 ? 2000 : 0);
		else if (what < 97)
			born(who);
		else
			cw_rpmsg_classic_poll(&side[who].c, 64);
	}
	talk();
	assert_true(talked > 300);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(they_meet_and_talk),
		cmocka_unit_test(a_new_host),
		cmocka_unit_test(a_new_remote),
		cmocka_unit_test(a_remote_that_died_before_it_gave_anything_back),
		cmocka_unit_test(a_remote_that_slept_too_long),
		cmocka_unit_test(a_remote_that_is_not_there),
		cmocka_unit_test(a_plain_reset),
		cmocka_unit_test(a_wait_ends_with_the_peer),
		cmocka_unit_test(tables_that_cannot_be),
		cmocka_unit_test(a_broken_ring),
		cmocka_unit_test(buffers_are_kept_out_of_the_rings),
		cmocka_unit_test(restarts_under_load),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
