// SPDX-License-Identifier: BSD-3-Clause
/* A host and a remote that both do what they should. */
#include "rpmsg_pair.h"

#define ANY CW_RPMSG_ANY

static struct pair_box a, b, c, many[PAIR_ENDPOINTS];

static void said(const struct pair_box *box, const char *text)
{
	assert_int_equal(box->last.len, strlen(text));
	assert_memory_equal(box->bytes, text, strlen(text));
}

static void a_message_after_an_announcement(void **state)
{
	(void)state;
	pair_start(NULL);
	pair_open(HOST, &a, "echo", ANY, ANY);
	pair_open(REMOTE, &b, "echo", ANY, ANY);
	assert_int_equal(cw_rpmsg_send(a.e, "x", 1, 0), CW_EAGAIN); /* no peer yet */
	pair_settle();
	assert_int_equal(a.e->dst, b.e->addr);
	assert_int_equal(b.e->dst, a.e->addr);
	assert_true(a.e->addr >= CW_RPMSG_DYNAMIC);
	assert_int_equal(cw_rpmsg_send(a.e, "hello", 5, 0), CW_OK);
	pair_settle();
	said(&b, "hello");
	assert_int_equal(b.last.src, a.e->addr);
	assert_int_equal(cw_rpmsg_send(b.e, "there", 5, 0), CW_OK);
	pair_settle();
	said(&a, "there");
	assert_int_equal(a.n + b.n, 2);
	assert_int_equal(a.peers + b.peers, 2);
}

static void peers(const struct pair_options *o)
{
	pair_start(o);
	pair_open(HOST, &a, "pair", ANY, ANY);
	pair_open(REMOTE, &b, "pair", ANY, ANY);
	pair_settle();
	assert_int_equal(a.peers + b.peers, 2);
}

static void fixed_addresses_need_no_names(void **state)
{
	const struct pair_options o = { .features = CW_RPMSG_F_CREDIT };

	(void)state;
	pair_start(&o);
	pair_open(HOST, &a, NULL, 30, 40);
	pair_open(REMOTE, &b, "named, but no name service", 40, ANY);
	pair_settle();
	assert_int_equal(a.peers, 1);
	assert_int_equal(p.side[HOST].ch.count.sent + p.side[REMOTE].ch.count.sent, 0);
	assert_int_equal(cw_rpmsg_send(a.e, "one", 3, 0), CW_OK);
	pair_settle();
	said(&b, "one");
	assert_int_equal(b.e->dst, 30); /* learned from the message */
	assert_int_equal(cw_rpmsg_send(b.e, "", 0, 0), CW_OK);
	pair_settle();
	assert_int_equal(a.n, 1);
	assert_int_equal(a.last.len, 0);
}

static void addresses_are_given_once(void **state)
{
	static uint32_t seen[400];
	struct cw_rpmsg_endpoint *e;
	struct cw_rpmsg_spec s;

	(void)state;
	pair_start(NULL);
	for (unsigned int i = 0; i < ARRAY_SIZE(seen); i++) {
		pair_open(HOST, &a, NULL, ANY, ANY);
		seen[i] = a.e->addr;
		assert_true(seen[i] > CW_RPMSG_DYNAMIC && seen[i] != ANY);
		for (unsigned int k = 0; k < i; k++)
			assert_int_not_equal(seen[k], seen[i]);
		cw_rpmsg_destroy(a.e);
	}
	p.side[HOST].ept[0].life = UINT32_MAX / 16 - 2; /* they begin anew behind the last */
	for (unsigned int i = 0; i < 5; i++) {
		pair_open(HOST, &a, NULL, ANY, ANY);
		assert_int_equal(a.e->addr, CW_RPMSG_DYNAMIC + (i < 2 ? INT32_MAX - 31u + 16 * i
								      : 16 * (i - 2)));
		cw_rpmsg_destroy(a.e);
	}
	for (unsigned int i = 0; i < PAIR_ENDPOINTS; i++)
		pair_open(HOST, &many[i], NULL, i == 3 ? many[0].e->addr + 17 : ANY, ANY);
	for (unsigned int i = 0; i < PAIR_ENDPOINTS; i++)
		for (unsigned int k = 0; k < i; k++)
			assert_int_not_equal(many[i].e->addr, many[k].e->addr);
	s = pair_spec(&a, NULL, ANY, ANY);
	assert_int_equal(cw_rpmsg_create(&p.side[HOST].ch, &s, &e), CW_ENOSPC);
	cw_rpmsg_destroy(many[5].e);
	s.addr = many[0].e->addr;
	assert_int_equal(cw_rpmsg_create(&p.side[HOST].ch, &s, &e), CW_EBUSY);
	s.addr = 20;
	assert_int_equal(cw_rpmsg_create(&p.side[HOST].ch, &s, &e), CW_OK);
	cw_rpmsg_destroy(many[6].e);
	assert_int_equal(cw_rpmsg_create(&p.side[HOST].ch, &s, &e), CW_EBUSY);
	s.addr = CW_RPMSG_NS_ADDR;
	assert_int_equal(cw_rpmsg_create(&p.side[HOST].ch, &s, &e), CW_EINVAL);
	s.addr = 21;
	s.name = "0123456789abcdef0123456789abcdef"; /* 32 */
	assert_int_equal(cw_rpmsg_create(&p.side[HOST].ch, &s, &e), CW_EINVAL);
	s.name = "bell\a";
	assert_int_equal(cw_rpmsg_create(&p.side[HOST].ch, &s, &e), CW_EINVAL);
	s.name++;
	s.name = "0123456789abcdef0123456789abcde";
	assert_int_equal(cw_rpmsg_create(&p.side[HOST].ch, &s, &e), CW_OK);
}

static void sizes_may_differ(void **state)
{
	const struct pair_options o = { .to_host = 272, .to_remote = 1040 };
	uint8_t big[1025];

	(void)state;
	peers(&o);
	memset(big, 0x3c, sizeof(big));
	assert_int_equal(cw_rpmsg_mtu(&p.side[HOST].ch), 1024);
	assert_int_equal(cw_rpmsg_mtu(&p.side[REMOTE].ch), 256);
	assert_int_equal(cw_rpmsg_send(a.e, big, 1024, 0), CW_OK);
	assert_int_equal(cw_rpmsg_send(a.e, big, 1025, 0), CW_EINVAL);
	assert_int_equal(cw_rpmsg_send(b.e, big, 256, 0), CW_OK);
	assert_int_equal(cw_rpmsg_send(b.e, big, 257, 0), CW_EINVAL);
	pair_settle();
	assert_int_equal(b.last.len, 1024);
	assert_int_equal(a.last.len, 256);
	assert_int_equal(a.n + b.n, 2);
	/* What was refused costs no buffer. */
	for (int i = 0; i < 40; i++)
		assert_int_equal(cw_rpmsg_send(b.e, big, 257, 0), CW_EINVAL);
	assert_int_equal(cw_rpmsg_send(b.e, "x", 1, 0), CW_OK);
}

static uint8_t huge[65536];

/* However large a buffer is, its header has 16 bits for the length. */
static void no_header_can_say_more(void **state)
{
	const struct pair_options o = { .buffers = 2, .to_host = 70000, .to_remote = 70000 };
	struct cw_rpmsg_tx tx;

	(void)state;
	peers(&o);
	for (int side = 0; side < 2; side++) {
		struct cw_rpmsg_endpoint *e = side ? b.e : a.e;

		assert_int_equal(cw_rpmsg_mtu(&p.side[side].ch), 65535);
		assert_int_equal(cw_rpmsg_send(e, huge, 65536, 0), CW_EINVAL);
		assert_int_equal(cw_rpmsg_send(e, huge, 65535, 0), CW_OK);
		assert_int_equal(cw_rpmsg_tx_get(e, &tx), CW_OK);
		assert_int_equal(tx.room, 65535);
		cw_rpmsg_tx_cancel(&p.side[side].ch, &tx);
		pair_settle();
		assert_int_equal((side ? &a : &b)->last.len, 65535);
	}
}

static void what_is_held_stays(void **state)
{
	struct cw_rpmsg_msg kept[20];
	uint8_t byte;

	(void)state;
	for (int to = 0; to < 2; to++) {
		struct pair_box *from = to ? &a : &b, *at = to ? &b : &a;
		struct cw_rpmsg *ch = &p.side[to].ch;
		unsigned int n = 0;

		peers(NULL);
		at->answer = CW_RPMSG_HOLD;
		for (uint8_t i = 0; n < 16; i++) {
			if (cw_rpmsg_send(from->e, &i, 1, 0))
				break;
			pair_settle();
			assert_int_equal(at->n, n + 1);
			kept[n++] = at->last;
		}
		assert_in_range(n, 15, 16); /* all buffers; of the sender's one is kept */
		assert_int_equal(cw_rpmsg_send(from->e, "x", 1, 0), CW_EAGAIN);
		for (unsigned int i = 0; i < n; i++) {
			assert_int_equal(cw_rpmsg_copy(&kept[i], 0, &byte, 5), 1);
			assert_int_equal(byte, i);
		}
		assert_int_equal(cw_rpmsg_copy(&kept[0], 1, &byte, 1), 0);
		/* Out of order, and each twice. */
		for (unsigned int i = 0; i < n; i++) {
			cw_rpmsg_release(ch, &kept[(i * 7 + 3) % n]);
			cw_rpmsg_release(ch, &kept[(i * 7 + 3) % n]);
		}
		assert_int_equal(ch->count.stale, n % 7 ? n : ch->count.stale);
		at->answer = 0;
		pair_settle();
		for (int i = 0; i < 100; i++) {
			assert_int_equal(cw_rpmsg_send(from->e, "y", 1, 0), CW_OK);
			pair_settle();
		}
		assert_int_equal(at->n, n + 100);
		/* The end of the channel ends all of it. */
		at->answer = CW_RPMSG_HOLD;
		assert_int_equal(cw_rpmsg_send(from->e, "z", 1, 0), CW_OK);
		pair_settle();
		pair_down();
		pair_up();
		n = ch->count.stale;
		cw_rpmsg_release(ch, &at->last);
		assert_int_equal(ch->count.stale, n + 1);
	}
}

static void releases_itself(struct pair_box *box, const struct cw_rpmsg_msg *m)
{
	cw_rpmsg_release(box->e->channel, m);
}

static void released_in_the_call(void **state)
{
	(void)state;
	for (int to = 0; to < 2; to++) {
		struct pair_box *from = to ? &a : &b, *at = to ? &b : &a;

		peers(NULL);
		at->also = releases_itself;
		for (int i = 0; i < 100; i++) {
			at->answer = i & 1;
			assert_int_equal(cw_rpmsg_send(from->e, "x", 1, 0), CW_OK);
			pair_settle();
		}
		assert_int_equal(at->n, 100);
		assert_int_equal(p.side[to].ch.count.stale, 0);
	}
}

static void filled_in_place(void **state)
{
	(void)state;
	for (int from = 0; from < 2; from++) {
		struct pair_box *by = from ? &b : &a, *at = from ? &a : &b;
		struct cw_rpmsg *ch = &p.side[from].ch;
		struct cw_rpmsg_tx tx, other;

		peers(NULL);
		assert_int_equal(cw_rpmsg_tx_get(by->e, &tx), CW_OK);
		assert_int_equal(cw_rpmsg_tx_get(by->e, &other), CW_OK);
		assert_int_equal(tx.room, 496);
		assert_ptr_not_equal(tx.data, other.data);
		memcpy(tx.data, "in place", 8);
		assert_int_equal(cw_rpmsg_tx_send(by->e, &tx, by->e->dst, 497), CW_EINVAL);
		assert_int_equal(cw_rpmsg_tx_send(by->e, &tx, by->e->dst, 8), CW_OK);
		assert_int_equal(cw_rpmsg_tx_send(by->e, &tx, by->e->dst, 8), CW_EINVAL);
		pair_run(!from);
		assert_int_equal(at->n, 0); /* not yet */
		cw_rpmsg_flush(ch);
		pair_run(!from);
		said(at, "in place");
		cw_rpmsg_tx_cancel(ch, &other);
		cw_rpmsg_tx_cancel(ch, &other);
		assert_int_equal(ch->count.stale, 2);
		for (int i = 0; i < 100; i++) {
			assert_int_equal(cw_rpmsg_tx_get(by->e, &tx), CW_OK);
			if (i & 1)
				cw_rpmsg_tx_cancel(ch, &tx);
			else
				assert_int_equal(cw_rpmsg_tx_send(by->e, &tx, by->e->dst, 0), 0);
			pair_settle();
		}
		assert_int_equal(at->n, 51);
		assert_int_equal(cw_rpmsg_tx_get(by->e, &tx), CW_OK);
		pair_down();
		assert_int_equal(cw_rpmsg_tx_send(by->e, &tx, 1, 0), CW_EDOWN);
		pair_up();
		assert_int_equal(cw_rpmsg_tx_send(by->e, &tx, 1, 0), CW_EINVAL);
	}
}

static void full_and_writable_again(void **state)
{
	(void)state;
	for (int from = 0; from < 2; from++) {
		struct pair_box *by = from ? &b : &a, *at = from ? &a : &b;
		unsigned int n = 0;

		peers(NULL);
		while (!cw_rpmsg_send(by->e, "x", 1, 0))
			n++;
		assert_int_equal(n, 15); /* the sixteenth is for announcements */
		pair_run(from);
		assert_int_equal(by->writables, 0);
		/* The last buffer carries an announcement all the same. */
		pair_open(from, &c, "late", ANY, ANY);
		cw_rpmsg_flush(&p.side[from].ch);
		pair_run(!from);
		assert_int_equal(p.side[!from].services, 2);
		assert_int_equal(at->n, n);
		pair_run(from);
		assert_int_equal(by->writables, 1);
		pair_run(from);
		assert_int_equal(by->writables, 1);
		assert_int_equal(cw_rpmsg_send(by->e, "x", 1, 0), CW_OK);
	}
}

static void a_wait_has_an_end(void **state)
{
	(void)state;
	for (int from = 0; from < 2; from++) {
		struct pair_box *by = from ? &b : &a, *at = from ? &a : &b;
		uint64_t begun;

		peers(NULL);
		p.side[!from].asleep = true;
		while (!cw_rpmsg_send(by->e, "x", 1, 0))
			;
		begun = p.now;
		p.waits = 0;
		assert_int_equal(cw_rpmsg_send(by->e, "y", 1, 5000000), CW_ETIMEDOUT);
		assert_in_range(p.now - begun, 5000000, 5100000);
		assert_in_range(p.waits, 5, 70); /* with back-off */
		p.side[!from].asleep = false;
		assert_int_equal(cw_rpmsg_send(by->e, "y", 1, 5000000), CW_OK);
		pair_settle();
		said(at, "y");
		assert_int_equal(at->n, 16);
	}
}

static void a_wait_for_a_peer(void **state)
{
	(void)state;
	pair_start(NULL);
	pair_open(HOST, &a, "late", ANY, ANY);
	assert_int_equal(cw_rpmsg_send(a.e, "x", 1, 100000), CW_ETIMEDOUT);
	pair_open(REMOTE, &b, "late", ANY, ANY);
	assert_int_equal(cw_rpmsg_send(a.e, "x", 1, 100000), CW_OK);
	pair_settle();
	assert_int_equal(b.n, 1);
}

static int in_the_call;

static void sends_and_waits(struct pair_box *box, const struct cw_rpmsg_msg *m)
{
	(void)m;
	while (!(in_the_call = cw_rpmsg_send(box->e, "z", 1, 1000000)))
		;
	assert_int_equal(cw_rpmsg_poll(box->e->channel, 1), CW_EBUSY);
}

static void no_waiting_in_a_call(void **state)
{
	(void)state;
	peers(NULL);
	b.also = sends_and_waits;
	assert_int_equal(cw_rpmsg_send(a.e, "x", 1, 0), CW_OK);
	pair_run(REMOTE);
	assert_int_equal(in_the_call, CW_EAGAIN);
	b.also = NULL;
	pair_settle();
	assert_int_equal(b.writables, 1);
}

/* Both rings full, both waiting: each makes room for the other. */
static void two_that_wait_for_each_other(void **state)
{
	(void)state;
	peers(NULL);
	while (!cw_rpmsg_send(a.e, "x", 1, 0))
		;
	while (!cw_rpmsg_send(b.e, "x", 1, 0))
		;
	assert_int_equal(cw_rpmsg_send(a.e, "y", 1, 1000000), CW_OK);
	assert_int_equal(cw_rpmsg_send(b.e, "y", 1, 1000000), CW_OK);
	pair_settle();
	assert_int_equal(a.n, 16);
	assert_int_equal(b.n, 16);
}

static void doorbells_when_they_are_wanted(void **state)
{
	(void)state;
	for (int event_idx = 0; event_idx < 2; event_idx++) {
		const struct pair_options o = { .event_idx = event_idx };
		unsigned int before;

		peers(&o);
		assert_false(cw_rpmsg_arm(&p.side[REMOTE].ch));
		before = p.side[HOST].rings[1];
		assert_int_equal(cw_rpmsg_send(a.e, "x", 1, 0), CW_OK);
		assert_int_equal(p.side[HOST].rings[1], before + 1);
		assert_true(cw_rpmsg_arm(&p.side[REMOTE].ch));
		pair_settle();
		/* A host that waits for room is rung when a buffer comes back (the 15 s of others). */
		p.side[REMOTE].asleep = true;
		while (!cw_rpmsg_send(a.e, "x", 1, 0))
			;
		assert_false(cw_rpmsg_arm(&p.side[HOST].ch));
		before = p.side[REMOTE].rings[1];
		pair_run(REMOTE);
		assert_int_equal(p.side[REMOTE].rings[1] > before, 1);
		assert_true(cw_rpmsg_arm(&p.side[HOST].ch));
		assert_int_equal(pair_run(HOST), 0);
		assert_int_equal(a.writables, 1);
	}
}

static void told_once_and_found_again(void **state)
{
	(void)state;
	peers(NULL);
	for (unsigned int i = 1; i <= 3; i++) {
		uint32_t at = a.e->addr;

		assert_int_equal(cw_rpmsg_send(a.e, "lost", 4, 0), CW_OK);
		assert_int_equal(cw_rpmsg_send(b.e, "lost", 4, 0), CW_OK);
		p.check = CW_ERESET;
		assert_int_equal(cw_rpmsg_poll(&p.side[HOST].ch, 8), CW_ERESET);
		assert_int_equal(cw_rpmsg_poll(&p.side[HOST].ch, 8), CW_EDOWN);
		assert_int_equal(cw_rpmsg_send(a.e, "down", 4, 1000), CW_EDOWN);
		pair_down();
		assert_int_equal(p.side[HOST].downs, i);
		assert_int_equal(p.side[REMOTE].downs, i);
		assert_int_equal(a.losses, i);
		assert_int_equal(b.losses, i);
		assert_int_equal(a.e->dst, ANY);
		pair_up();
		pair_settle();
		assert_int_equal(a.e->addr, at);
		assert_int_equal(a.peers, i + 1);
		assert_int_equal(cw_rpmsg_send(a.e, "found", 5, 0), CW_OK);
		pair_settle();
		said(&b, "found");
		assert_int_equal(b.n, i);
		assert_int_equal(p.side[HOST].ups, i + 1);
	}
}

static void wait_ends_with_the_channel(void **state)
{
	(void)state;
	for (int from = 0; from < 2; from++) {
		struct pair_box *by = from ? &b : &a;

		peers(NULL);
		p.side[!from].asleep = true;
		while (!cw_rpmsg_send(by->e, "x", 1, 0))
			;
		p.check = CW_ERESET;
		assert_int_equal(cw_rpmsg_send(by->e, "x", 1, 1000000), CW_ERESET);
		assert_int_equal(p.side[from].downs, 1);
		assert_int_equal(by->losses, 1);
	}
}

static void kills_the_box(struct pair_box *box, const struct cw_rpmsg_msg *m)
{
	(void)m;
	cw_rpmsg_destroy(box->e);
}

static void destroyed_in_its_own_call(void **state)
{
	(void)state;
	peers(NULL);
	b.also = kills_the_box;
	for (int i = 0; i < 3; i++)
		assert_int_equal(cw_rpmsg_send(a.e, "x", 1, 0), CW_OK);
	pair_settle();
	assert_int_equal(b.n, 1);
	assert_int_equal(p.side[REMOTE].ch.count.unknown, 2);
	assert_int_equal(a.losses, 1);
	assert_int_equal(a.e->dst, ANY);
	assert_int_equal(cw_rpmsg_send(b.e, "x", 1, 0), CW_EINVAL);
	pair_open(REMOTE, &c, "pair", ANY, ANY);
	pair_settle();
	assert_int_equal(a.e->dst, c.e->addr);
}

static void few_buffers_are_enough(void **state)
{
	(void)state;
	for (uint16_t n = 1; n <= 4; n++) {
		const struct pair_options o = { .queue = 4, .buffers = n, .event_idx = n & 1 };

		peers(&o);
		for (int i = 0; i < 200; i++) {
			assert_int_equal(cw_rpmsg_send(a.e, "x", 1, 1000000), CW_OK);
			assert_int_equal(cw_rpmsg_send(b.e, "x", 1, 1000000), CW_OK);
		}
		pair_settle();
		assert_int_equal(a.n + b.n, 400);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_message_after_an_announcement),
		cmocka_unit_test(fixed_addresses_need_no_names),
		cmocka_unit_test(addresses_are_given_once),
		cmocka_unit_test(sizes_may_differ),
		cmocka_unit_test(no_header_can_say_more),
		cmocka_unit_test(what_is_held_stays),
		cmocka_unit_test(released_in_the_call),
		cmocka_unit_test(filled_in_place),
		cmocka_unit_test(full_and_writable_again),
		cmocka_unit_test(a_wait_has_an_end),
		cmocka_unit_test(a_wait_for_a_peer),
		cmocka_unit_test(no_waiting_in_a_call),
		cmocka_unit_test(two_that_wait_for_each_other),
		cmocka_unit_test(doorbells_when_they_are_wanted),
		cmocka_unit_test(told_once_and_found_again),
		cmocka_unit_test(wait_ends_with_the_channel),
		cmocka_unit_test(destroyed_in_its_own_call),
		cmocka_unit_test(few_buffers_are_enough),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
