// SPDX-License-Identifier: BSD-3-Clause
/* The extensions, and random traffic against a model: every message arrives once, in order, whole. */
#include "rpmsg_pair.h"

#include <causeway/core/bytes.h>

#include <stdlib.h>

#define ANY CW_RPMSG_ANY

static struct pair_box a, b, c;
static uint8_t big[20000], room[2][16384];

static void peers(const struct pair_options *o, uint16_t window)
{
	struct cw_rpmsg_spec s;

	pair_start(o);
	for (int i = 0; i < 2; i++) {
		struct pair_box *box = i ? &b : &a;

		s = pair_spec(box, "pair", ANY, ANY);
		s.window = window;
		s.assembly = room[i];
		s.assembly_size = sizeof(room[i]);
		assert_int_equal(cw_rpmsg_create(&p.side[i].ch, &s, &box->e), CW_OK);
	}
	pair_settle();
	assert_int_equal(a.peers + b.peers, 2);
	for (unsigned int i = 0; i < sizeof(big); i++)
		big[i] = (uint8_t)(i * 7 + (i >> 8));
}

/* ---- credit ---- */

static void a_window_bounds_what_is_held(void **state)
{
	const struct pair_options o = { .credit = true };
	struct cw_rpmsg_msg kept[4];

	(void)state;
	for (int from = 0; from < 2; from++) {
		struct pair_box *by = from ? &b : &a, *at = from ? &a : &b;
		unsigned int n = 0;

		peers(&o, 4);
		at->answer = CW_RPMSG_HOLD;
		while (n < 20 && !cw_rpmsg_send(by->e, "x", 1, 0)) {
			pair_settle();
			kept[n++ & 3] = at->last;
		}
		assert_int_equal(n, 4);
		assert_int_equal(cw_rpmsg_send(by->e, "x", 1, 50000), CW_ETIMEDOUT);
		assert_int_equal(cw_rpmsg_send(by->e, "x", 1, 0), CW_EAGAIN);
		/* Another endpoint is not held up. */
		pair_open(!from, &c, NULL, 99, ANY);
		assert_int_equal(cw_rpmsg_sendto(by->e, 99, "x", 1, 0), CW_OK);
		pair_settle();
		assert_int_equal(c.n, 1);
		assert_int_equal(by->writables, 0);
		at->answer = 0;
		cw_rpmsg_release(&p.side[!from].ch, &kept[0]);
		cw_rpmsg_release(&p.side[!from].ch, &kept[1]);
		pair_settle();
		assert_int_equal(by->writables, 1);
		for (int i = 0; i < 100; i++) {
			assert_int_equal(cw_rpmsg_send(by->e, "x", 1, 0), CW_OK);
			pair_settle();
		}
		assert_int_equal(at->n, 104);
		/* A limit is told for every second message at most. */
		assert_in_range(p.side[from].ch.count.received, 20, 60);
	}
}

/* Closed, it takes nothing back and gives nothing; open again, it is told at once. */
static void a_window_is_closed_for_a_while(void **state)
{
	const struct pair_options o = { .credit = true };

	(void)state;
	for (int from = 0; from < 2; from++) {
		struct pair_box *by = from ? &b : &a, *at = from ? &a : &b;
		unsigned int n = 0;

		peers(&o, 8);
		assert_int_equal(cw_rpmsg_send(by->e, "x", 1, 0), CW_OK);
		pair_settle();
		cw_rpmsg_credit_window(at->e, 8);
		cw_rpmsg_credit_window(at->e, 0); /* before anything was told */
		while (n < 20 && !cw_rpmsg_send(by->e, "x", 1, 0)) {
			n++;
			pair_settle();
		}
		assert_in_range(n, 4, 7); /* what it had been told, and no more */
		assert_int_equal(by->writables, 0);
		cw_rpmsg_credit_window(at->e, 8);
		pair_settle();
		assert_int_equal(by->writables, 1);
		for (n = 0; n < 100; n++) {
			assert_int_equal(cw_rpmsg_send(by->e, "x", 1, 0), CW_OK);
			pair_settle();
		}
		/* Down it is remembered for the next peer. */
		pair_down();
		cw_rpmsg_credit_window(at->e, 2);
		pair_up();
		pair_settle();
		assert_int_equal(at->e->told, 2);
	}
}

static void without_it_nobody_notices(void **state)
{
	const struct pair_options on = { .credit = true, .features = CW_RPMSG_F_NS };

	(void)state;
	peers(&on, 4);
	for (int i = 0; i < 15; i++)
		assert_int_equal(cw_rpmsg_send(a.e, "x", 1, 0), CW_OK);
	pair_settle();
	assert_int_equal(b.n, 15);
	assert_int_equal(p.side[HOST].ch.count.unknown + p.side[REMOTE].ch.count.unknown, 0);
	/* A message to the address of credit is one to nobody. */
	assert_int_equal(cw_rpmsg_sendto(a.e, CW_RPMSG_CREDIT_ADDR, big, 12, 0), CW_OK);
	pair_settle();
	assert_int_equal(p.side[REMOTE].ch.count.unknown, 1);
}

/* Its address is one as any other to who does not offer it, and to a peer without it. */
static void without_it_its_address_is_free(void **state)
{
	const struct pair_options no = { .credit = false };
	const struct pair_options one = { .credit = true, .features = CW_RPMSG_F_NS };
	struct cw_rpmsg_spec s = pair_spec(&a, "there", CW_RPMSG_CREDIT_ADDR, CW_RPMSG_ANY);

	(void)state;
	pair_start(&one);
	assert_int_equal(cw_rpmsg_create(&p.side[HOST].ch, &s, &a.e),
			 CW_EINVAL); /* the next peer may have it */
	p.side[REMOTE].ch.conf.credit = NULL;
	pair_open(HOST, &a, "there", CW_RPMSG_ANY, CW_RPMSG_ANY);
	pair_open(REMOTE, &b, "there", CW_RPMSG_CREDIT_ADDR, CW_RPMSG_ANY);
	pair_settle();
	assert_int_equal(a.e->dst, CW_RPMSG_CREDIT_ADDR);
	assert_int_equal(cw_rpmsg_send(a.e, "x", 1, 0), CW_OK);
	pair_settle();
	assert_int_equal(b.n, 1);
	pair_start(&no);
	assert_int_equal(cw_rpmsg_create(&p.side[HOST].ch, &s, &a.e), CW_OK);
}

static void tell(int from, uint32_t of, uint32_t to, uint32_t limit, uint32_t len)
{
	struct cw_abi_rpmsg_credit m = { cw_make_le32(of), cw_make_le32(to), cw_make_le32(limit) };
	struct pair_box *by = from ? &b : &a;
	uint8_t text[16] = { 0 };

	memcpy(text, &m, sizeof(m));
	assert_int_equal(cw_rpmsg_sendto(by->e, CW_RPMSG_CREDIT_ADDR, text, len, 0), CW_OK);
	pair_settle();
}

static void nonsense_about_credit(void **state)
{
	const struct pair_options o = { .credit = true };
	struct cw_rpmsg *ch = &p.side[HOST].ch;

	(void)state;
	peers(&o, 0);
	tell(REMOTE, b.e->addr, a.e->addr, 5, 11);
	tell(REMOTE, b.e->addr, a.e->addr, 5, 13);
	tell(REMOTE, b.e->addr, 4000, 5, 12);
	tell(REMOTE, 4000, a.e->addr, 5, 12); /* somebody else's */
	tell(REMOTE, b.e->addr, ANY, 5, 12);
	assert_int_equal(ch->count.bad, 5);
	assert_false(a.e->limited);
	tell(REMOTE, b.e->addr, a.e->addr, 2, 12);
	assert_int_equal(cw_rpmsg_send(a.e, "x", 1, 0), CW_OK);
	tell(REMOTE, b.e->addr, a.e->addr, 0, 12); /* back behind what was sent: none */
	assert_int_equal(cw_rpmsg_send(a.e, "x", 1, 0), CW_EAGAIN);
	tell(REMOTE, b.e->addr, a.e->addr, 0x80000000u, 12);
	assert_int_equal(cw_rpmsg_send(a.e, "x", 1, 0), CW_OK);
	tell(REMOTE, b.e->addr, a.e->addr, 0x80000003u, 12);
	assert_int_equal(cw_rpmsg_send(a.e, "x", 1, 0), CW_EAGAIN);
}

/* ---- long messages ---- */

static void long_messages_are_whole(void **state)
{
	const struct pair_options o = {
		.fragment = true, .credit = true, .to_host = 96, .to_remote = 256, .queue = 8
	};
	static const uint32_t len[] = { 80, 81, 240, 241, 1000, 16384, 72, 144, 145 };

	(void)state;
	for (int from = 0; from < 2; from++) {
		struct pair_box *by = from ? &b : &a, *at = from ? &a : &b;

		peers(&o, from ? 3 : 0);
		for (unsigned int i = 0; i < ARRAY_SIZE(len); i++) {
			assert_int_equal(cw_rpmsg_send(by->e, big, len[i], 10000000), CW_OK);
			pair_settle();
			assert_int_equal(at->n, i + 1);
			assert_int_equal(at->last.len, len[i]);
			assert_memory_equal(at->bytes, big, len[i]);
		}
		/* Longer than the other's memory: it drops what comes, and goes on. */
		assert_int_equal(cw_rpmsg_send(by->e, big, 16385, 10000000), CW_OK);
		assert_int_equal(cw_rpmsg_send(by->e, "next", 4, 1000000), CW_OK);
		pair_settle();
		assert_int_equal(at->n, ARRAY_SIZE(len) + 1);
		assert_true(p.side[!from].ch.count.fragment);
	}
}

static void piece_by_piece_without_waiting(void **state)
{
	const struct pair_options o = { .fragment = true, .queue = 8 };

	(void)state;
	for (int from = 0; from < 2; from++) {
		struct pair_box *by = from ? &b : &a, *at = from ? &a : &b;
		uint32_t sent = 0, before;
		unsigned int rounds = 0;

		peers(&o, 0);
		while (cw_rpmsg_send_more(by->e, big, 16384, &sent) == CW_EAGAIN) {
			before = sent;
			assert_int_equal(cw_rpmsg_send_more(by->e, big, 16384, &sent), CW_EAGAIN);
			assert_int_equal(sent, before); /* no room is no progress */
			assert_int_equal(at->n, 0);
			pair_settle();
			assert_int_equal(by->writables, ++rounds);
		}
		pair_settle();
		assert_in_range(rounds, 3, 6);
		assert_int_equal(sent, 16384);
		assert_int_equal(at->n, 1);
		assert_int_equal(at->last.len, 16384);
		assert_memory_equal(at->bytes, big, 16384);
		/* A short one is any other. */
		sent = 0;
		assert_int_equal(cw_rpmsg_send_more(by->e, big, 496, &sent), CW_OK);
		pair_settle();
		assert_int_equal(at->n, 2);
		assert_int_equal(p.side[!from].ch.count.fragment, 0);
	}
	p.features &= ~CW_RPMSG_F_FRAGMENT;
	pair_down();
	assert_int_equal(cw_rpmsg_send_more(a.e, big, 600, &(uint32_t){ 0 }), CW_EDOWN);
	pair_up();
	pair_settle();
	assert_int_equal(cw_rpmsg_send_more(a.e, big, 600, &(uint32_t){ 0 }), CW_EINVAL);
}

static void all_or_nothing_without_waiting(void **state)
{
	const struct pair_options o = { .fragment = true, .queue = 8 };

	(void)state;
	peers(&o, 0);
	/* Seven buffers are ours, of 488 bytes each. */
	assert_int_equal(cw_rpmsg_send(a.e, big, 7 * 488 + 1, 0), CW_EINVAL);
	assert_int_equal(cw_rpmsg_send(a.e, big, 7 * 488, 0), CW_OK);
	assert_int_equal(cw_rpmsg_send(a.e, big, 600, 0), CW_EAGAIN);
	pair_settle();
	assert_int_equal(b.n, 1);
	assert_int_equal(a.writables, 1);
	assert_int_equal(p.side[REMOTE].ch.count.fragment, 0);
	assert_int_equal(cw_rpmsg_send(a.e, big, 600, 0), CW_OK);
	/* Given up in the middle: the next one is whole. */
	pair_settle();
	p.side[REMOTE].asleep = true;
	assert_int_equal(cw_rpmsg_send(a.e, big, 9000, 20000), CW_ETIMEDOUT);
	p.side[REMOTE].asleep = false;
	pair_settle();
	assert_int_equal(cw_rpmsg_send(a.e, big, 700, 100000), CW_OK);
	pair_settle();
	assert_int_equal(b.n, 3);
	assert_int_equal(b.last.len, 700);
	assert_int_equal(p.side[REMOTE].ch.count.fragment, 1);
	/* Off unless both have it. */
	p.features &= ~CW_RPMSG_F_FRAGMENT;
	pair_down();
	pair_up();
	pair_settle();
	assert_int_equal(cw_rpmsg_send(a.e, big, 600, 100000), CW_EINVAL);
}

/* Either role: who has room for one piece and needs it for two has no reason to stay awake. */
static void too_little_room_is_slept_over(void **state)
{
	const struct pair_options o = { .fragment = true, .queue = 8 };

	(void)state;
	for (int from = 0; from < 2; from++) {
		struct pair_box *by = from ? &b : &a, *at = from ? &a : &b;
		struct cw_rpmsg *ch = &p.side[from].ch;

		peers(&o, 0);
		assert_int_equal(cw_rpmsg_send(by->e, big, 6 * 488, 0), CW_OK);
		assert_int_equal(cw_rpmsg_send(by->e, big, 600, 0), CW_EAGAIN);
		assert_false(cw_rpmsg_arm(ch));
		assert_false(cw_rpmsg_arm(ch));
		pair_run(!from);
		assert_true(cw_rpmsg_arm(ch));
		pair_run(from);
		assert_int_equal(by->writables, 1);
		assert_int_equal(cw_rpmsg_send(by->e, big, 600, 0), CW_OK);
		pair_settle();
		assert_int_equal(at->n, 2);
		assert_false(cw_rpmsg_arm(ch));
	}
}

static void piece(uint32_t src, uint32_t total, uint32_t at, uint32_t len)
{
	struct cw_rpmsg_queues *q = p.side[REMOTE].ch.queues;
	struct cw_abi_rpmsg_fragment f = { cw_make_le32(total), cw_make_le32(at) };
	struct cw_rpmsg_buf buf;

	assert_int_equal(q->ops->take(q, &buf, 0), 1);
	memcpy(buf.p + 16, &f, sizeof(f));
	q->ops->launch(q, &buf, src, a.e->addr, len | CW_RPMSG_FLAG_FRAGMENT << 16);
	q->ops->flush(q, true);
	pair_settle();
}

static void pieces_that_do_not_fit(void **state)
{
	const struct pair_options o = { .fragment = true };
	struct cw_rpmsg *ch = &p.side[HOST].ch;
	uint32_t me;

	(void)state;
	peers(&o, 0);
	me = b.e->addr;
	piece(me, 100, 0, 7);  /* no room for its own header */
	piece(me, 100, 0, 8);  /* nothing behind it */
	piece(me, 100, 8, 20); /* begins in the middle */
	piece(me, 0, 0, 20);
	piece(me, 11, 0, 20);	 /* more than the whole */
	piece(me, 16385, 0, 20); /* more than there is room for */
	piece(me, UINT32_MAX, 0, 20);
	assert_int_equal(ch->count.fragment, 7);
	piece(me, 100, 0, 28);
	piece(me, 101, 20, 28); /* another whole */
	piece(me, 100, 20, 28); /* of one that was given up */
	assert_int_equal(ch->count.fragment, 9);
	piece(me, 100, 0, 28);
	piece(me, 100, 19, 28); /* overlaps */
	assert_int_equal(ch->count.fragment, 10);
	piece(me, 100, 0, 28);
	piece(me, 100, 21, 28); /* a hole */
	assert_int_equal(ch->count.fragment, 11);
	piece(me, 100, 0, 28);
	piece(me, 100, 20, 100); /* beyond the end */
	assert_int_equal(ch->count.fragment, 12);
	assert_int_equal(a.n, 0);
	/* A stranger neither continues nor ends the peer's; the peer ends a stranger's. */
	piece(me, 40, 0, 28);
	piece(5555, 40, 20, 28);
	piece(5555, 40, 0, 28);
	assert_int_equal(ch->count.fragment, 14);
	piece(me, 40, 20, 28);
	assert_int_equal(a.n, 1);
	assert_int_equal(a.last.len, 40);
	cw_rpmsg_release(ch, &a.last); /* it was no buffer, and is not given back */
	assert_int_equal(ch->count.stale, 1);
	piece(5555, 40, 0, 28);
	piece(me, 40, 0, 28);
	piece(me, 40, 20, 28);
	assert_int_equal(a.n, 2);
	assert_int_equal(a.last.src, me);
	/* Without memory for it there are none. */
	a.e->assembly_size = 0;
	piece(me, 40, 0, 28);
	assert_int_equal(a.n, 2);
}

/* ---- random traffic ---- */

#define PAIRS 4u
#define LINE  64u

static struct lane {
	struct pair_box box[2];
	struct {
		uint32_t len;
		uint8_t seed;
	} line[2][LINE]; /* under way from side i */
	unsigned int head[2], tail[2], held;
	struct cw_rpmsg_msg kept[4];
} lane[PAIRS];

static uint64_t seed;
static unsigned int arrived, lost;

static uint32_t dice(uint32_t n)
{
	return unit_random(&seed) % n;
}

static void check(struct pair_box *box, const struct cw_rpmsg_msg *m)
{
	struct lane *l = NULL;
	int at = 0;

	for (unsigned int i = 0; i < PAIRS; i++)
		for (int s = 0; s < 2; s++)
			if (&lane[i].box[s] == box) {
				l = &lane[i];
				at = s;
			}
	assert_non_null(l);
	assert_true(l->head[!at] != l->tail[!at]);
	assert_int_equal(m->len, l->line[!at][l->head[!at] % LINE].len);
	for (uint32_t i = 0; i < m->len; i++)
		if (box->bytes[i] != (uint8_t)(l->line[!at][l->head[!at] % LINE].seed + i))
			fail_msg("byte %u of %u", i, m->len);
	l->head[!at]++;
	arrived++;
	box->answer = 0;
	if (m->stamp && at == REMOTE && l->held < 3 && !dice(4)) {
		l->kept[l->held++] = *m;
		box->answer = CW_RPMSG_HOLD;
	}
}

static void send_some(unsigned int i, int from)
{
	struct lane *l = &lane[i];
	uint32_t most = p.o.fragment && !dice(6) ? 3000 : cw_rpmsg_mtu(&p.side[from].ch);
	uint32_t len = dice(most + 1);
	unsigned int at = l->tail[from];
	uint8_t text[3000];
	int err;

	if (at - l->head[from] == LINE)
		return;
	l->line[from][at % LINE].len = len;
	l->line[from][at % LINE].seed = (uint8_t)at;
	for (uint32_t k = 0; k < len; k++)
		text[k] = (uint8_t)(at + k);
	l->tail[from]++; /* it may arrive while we wait */
	err = cw_rpmsg_send(l->box[from].e, text, len, dice(3) ? 0 : 3000);
	if (!err)
		return;
	assert_true(err == CW_EAGAIN || err == CW_ETIMEDOUT || err == CW_EINVAL);
	assert_int_equal(l->tail[from], at + 1);
	l->tail[from]--;
}

static void forget(void)
{
	for (unsigned int i = 0; i < PAIRS; i++) {
		for (int s = 0; s < 2; s++) {
			lost += lane[i].tail[s] - lane[i].head[s];
			lane[i].head[s] = lane[i].tail[s];
		}
		while (lane[i].held) /* void by now */
			cw_rpmsg_release(&p.side[REMOTE].ch, &lane[i].kept[--lane[i].held]);
	}
}

static void release_some(unsigned int i)
{
	struct lane *l = &lane[i];

	if (l->held)
		cw_rpmsg_release(&p.side[REMOTE].ch, &l->kept[--l->held]);
}

static void begin(unsigned int run)
{
	const struct pair_options o = {
		.queue = (uint16_t)(4u << run % 4),
		.to_host = 64u + dice(500),
		.to_remote = 64u + dice(500),
		.credit = run & 1,
		.fragment = run & 2,
		.event_idx = run & 4,
	};

	static uint8_t space[2 * PAIRS][4096];

	pair_start(&o);
	memset(lane, 0, sizeof(lane));
	for (unsigned int i = 0; i < 2 * PAIRS; i++) {
		struct pair_box *box = &lane[i / 2].box[i & 1];
		char name[8] = { 'l', 'a', 'n', 'e', (char)('0' + i / 2) };
		struct cw_rpmsg_spec s = pair_spec(box, name, ANY, ANY);

		s.window = (uint16_t)(run & 1 ? 1 + dice(6) : 0);
		s.assembly = space[i];
		s.assembly_size = sizeof(space[i]);
		assert_int_equal(cw_rpmsg_create(&p.side[i & 1].ch, &s, &box->e), CW_OK);
		box->also = check;
	}
	pair_settle();
}

static void random_traffic(void **state)
{
	(void)state;
	seed = 0x5eed;
	for (unsigned int run = 0; run < 40; run++) {
		begin(run);
		for (unsigned int step = 0; step < 2000; step++) {
			unsigned int what = dice(100), i = dice(PAIRS);

			p.waits = 0;
			if (what < 50)
				send_some(i, (int)dice(2));
			else if (what < 80)
				assert_true(cw_rpmsg_poll(&p.side[dice(2)].ch, 1 + dice(8)) >= 0);
			else if (what < 97)
				release_some(i);
			else if (what < 99)
				cw_rpmsg_arm(&p.side[dice(2)].ch);
			else if (!dice(10)) {
				pair_down();
				forget();
				pair_up();
				pair_settle();
			}
		}
		for (unsigned int i = 0; i < PAIRS; i++)
			while (lane[i].held)
				release_some(i);
		for (unsigned int i = 0; i < PAIRS; i++)
			for (int k = 0; k < 8; k++) {
				pair_settle();
				release_some(i);
			}
		pair_settle();
		for (unsigned int i = 0; i < PAIRS; i++) {
			if (lane[i].held)
				continue;
			assert_int_equal(lane[i].head[0], lane[i].tail[0]);
			assert_int_equal(lane[i].head[1], lane[i].tail[1]);
		}
		assert_int_equal(p.side[HOST].ch.count.bad + p.side[REMOTE].ch.count.bad, 0);
		assert_int_equal(p.side[HOST].ch.count.errors, 0);
	}
	assert_true(arrived > 20000);
	assert_true(lost > 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_window_bounds_what_is_held),
		cmocka_unit_test(without_it_nobody_notices),
		cmocka_unit_test(without_it_its_address_is_free),
		cmocka_unit_test(a_window_is_closed_for_a_while),
		cmocka_unit_test(nonsense_about_credit),
		cmocka_unit_test(long_messages_are_whole),
		cmocka_unit_test(all_or_nothing_without_waiting),
		cmocka_unit_test(too_little_room_is_slept_over),
		cmocka_unit_test(piece_by_piece_without_waiting),
		cmocka_unit_test(pieces_that_do_not_fit),
		cmocka_unit_test(random_traffic),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
