// SPDX-License-Identifier: BSD-3-Clause
/* Announcements: in every order, lost, repeated, too many, and such as nobody should send (row 48). */
#include "rpmsg_pair.h"

#include <causeway/core/bytes.h>

#define ANY CW_RPMSG_ANY

static struct pair_box a, b, c, d;

/* What a peer's name service might send: @len bytes of it. */
static void announce(int from, const char *name, uint32_t addr, uint32_t flags, uint32_t len)
{
	struct cw_rpmsg_queues *q = p.side[from].ch.queues;
	struct cw_abi_rpmsg_ns ns;
	struct cw_rpmsg_buf buf;

	memset(&ns, 0, sizeof(ns));
	memcpy(ns.name, name, strlen(name) < 32 ? strlen(name) : 32);
	ns.addr = cw_make_le32(addr);
	ns.flags = cw_make_le32(flags);
	assert_int_equal(q->ops->take(q, &buf, 0), 1);
	memset(buf.p + 16, 0, 64);
	memcpy(buf.p + 16, &ns, sizeof(ns));
	q->ops->launch(q, &buf, 1999, CW_RPMSG_NS_ADDR, len);
	q->ops->flush(q, true);
	pair_settle();
}

static void before_or_after_its_endpoint(void **state)
{
	(void)state;
	for (int first = 0; first < 2; first++) {
		pair_start(NULL);
		pair_open(first, &a, "service", ANY, ANY);
		pair_settle();
		assert_int_equal(p.side[!first].services, 1);
		assert_string_equal(p.side[!first].last_name, "service");
		assert_int_equal(a.peers, 0);
		pair_open(!first, &b, "service", ANY, ANY);
		pair_settle();
		assert_int_equal(a.e->dst, b.e->addr);
		assert_int_equal(b.e->dst, a.e->addr);
		assert_int_equal(a.peers + b.peers, 2);
	}
}

static void an_end_is_told(void **state)
{
	(void)state;
	pair_start(NULL);
	pair_open(HOST, &a, "x", ANY, ANY);
	pair_open(REMOTE, &b, "x", ANY, ANY);
	pair_settle();
	cw_rpmsg_destroy(b.e);
	cw_rpmsg_destroy(b.e);
	pair_settle();
	assert_int_equal(p.side[HOST].ends, 1);
	assert_int_equal(a.losses, 1);
	assert_int_equal(a.e->dst, ANY);
	assert_int_equal(cw_rpmsg_send(a.e, "x", 1, 0), CW_EAGAIN);
	pair_open(REMOTE, &b, "x", ANY, ANY);
	pair_settle();
	assert_int_equal(a.e->dst, b.e->addr);
	/* Before it was announced, there is nothing to tell. */
	pair_open(REMOTE, &c, "y", ANY, ANY);
	cw_rpmsg_destroy(c.e);
	pair_settle();
	assert_int_equal(p.side[HOST].ends, 1);
	assert_int_equal(p.side[HOST].services, 2);
}

static void two_of_one_name(void **state)
{
	(void)state;
	pair_start(NULL);
	pair_open(HOST, &a, "twin", ANY, ANY);
	pair_open(HOST, &b, "twin", ANY, ANY);
	pair_open(REMOTE, &c, "twin", ANY, ANY);
	pair_open(REMOTE, &d, "twin", ANY, ANY);
	pair_settle();
	assert_int_not_equal(a.e->dst, b.e->dst);
	assert_int_not_equal(c.e->dst, d.e->dst);
	assert_int_equal(a.peers + b.peers + c.peers + d.peers, 4);
	cw_rpmsg_destroy(c.e);
	pair_settle();
	assert_int_equal(a.losses + b.losses, 1);
	assert_int_equal((a.losses ? b.e : a.e)->dst, d.e->addr);
}

static void fixed_peers_are_not_announced(void **state)
{
	(void)state;
	pair_start(NULL);
	pair_open(HOST, &a, "quiet", ANY, 77);
	pair_open(HOST, &b, "", ANY, ANY);
	pair_settle();
	assert_int_equal(p.side[REMOTE].services, 0);
	cw_rpmsg_destroy(a.e);
	cw_rpmsg_destroy(b.e);
	pair_settle();
	assert_int_equal(p.side[REMOTE].ends, 0);
	assert_int_equal(p.side[REMOTE].ch.count.received, 0);
}

/* Announcements that find no buffer wait for one; a table entry waits with its farewell. */
static void no_buffer_now(void **state)
{
	struct cw_rpmsg_endpoint *e;
	struct cw_rpmsg_spec s;

	(void)state;
	pair_start(NULL);
	pair_open(REMOTE, &a, "first", ANY, ANY);
	pair_settle();
	p.side[HOST].asleep = true;
	while (cw_rpmsg_sendto(a.e, 5, "x", 1, 0) == CW_OK)
		;
	for (unsigned int i = 0; i < PAIR_ENDPOINTS - 1; i++)
		pair_open(REMOTE, i ? &b : &c, "more", ANY, ANY);
	cw_rpmsg_flush(&p.side[REMOTE].ch); /* one fits */
	cw_rpmsg_destroy(a.e);
	cw_rpmsg_flush(&p.side[REMOTE].ch);
	s = pair_spec(&d, "full", ANY, ANY);
	assert_int_equal(cw_rpmsg_create(&p.side[REMOTE].ch, &s, &e), CW_ENOSPC);
	assert_true(p.side[REMOTE].ch.todo);
	pair_settle();
	assert_false(p.side[REMOTE].ch.todo);
	assert_int_equal(p.side[HOST].services, PAIR_ENDPOINTS);
	assert_int_equal(p.side[HOST].ends, 1);
	assert_int_equal(cw_rpmsg_create(&p.side[REMOTE].ch, &s, &e), CW_OK);
}

/* Buffers too small for a name tell nothing, and keep no table entry for it. */
static void no_buffer_is_large_enough(void **state)
{
	const struct pair_options o = { .to_host = 32 };

	(void)state;
	pair_start(&o);
	for (unsigned int i = 0; i < 2 * PAIR_ENDPOINTS; i++) {
		pair_open(REMOTE, &a, "untold", ANY, ANY);
		pair_settle();
		cw_rpmsg_destroy(a.e);
		pair_settle();
	}
	assert_int_equal(p.side[HOST].services + p.side[HOST].ends, 0);
	pair_open(REMOTE, &a, "", ANY, 5);
	assert_int_equal(cw_rpmsg_send(a.e, "0123456789abcdef", 16, 0), CW_OK);
}

static void repeated_a_few_times(void **state)
{
	static const uint64_t s = 1000000;
	const struct pair_options o = { .repeats = 5 };
	unsigned int at[8], n = 0, before;

	(void)state;
	pair_start(&o);
	pair_open(REMOTE, &a, "lonely", ANY, ANY);
	pair_settle();
	before = p.side[HOST].ch.count.received;
	assert_int_equal(cw_rpmsg_deadline(&p.side[REMOTE].ch), p.now + s);
	for (unsigned int tenth = 1; tenth < 2000; tenth++) {
		p.now += s / 10;
		pair_settle();
		if (p.side[HOST].ch.count.received != before) {
			before = p.side[HOST].ch.count.received;
			assert_true(n < 5);
			at[n++] = tenth;
		}
	}
	assert_int_equal(n, 5);
	assert_int_equal(at[0], 10);
	assert_int_equal(at[1] - at[0], 20);
	assert_int_equal(at[4] - at[3], 160);
	assert_int_equal(cw_rpmsg_deadline(&p.side[REMOTE].ch), UINT64_MAX);
	assert_int_equal(p.side[HOST].services, 1); /* told once */
	/* Who has a peer says nothing more. */
	pair_open(HOST, &b, "lonely", ANY, ANY);
	pair_open(REMOTE, &c, "also", ANY, ANY);
	pair_settle();
	pair_open(HOST, &d, "also", ANY, ANY);
	pair_settle();
	before = p.side[HOST].ch.count.received;
	p.now += 100 * s;
	pair_settle();
	assert_int_equal(p.side[HOST].ch.count.received, before);
}

/* Nor does one wait for the other, when the first announcement was kept by nobody and only the second met its own. */
static void who_forgets_hears_it_from_who_found_it(void **state)
{
	(void)state;
	for (int first = 0; first < 2; first++) {
		pair_new(NULL);
		p.side[HOST].ch.conf.services = p.side[REMOTE].ch.conf.services = 0;
		pair_up();
		pair_open(first, &a, "late", ANY, ANY);
		pair_settle();
		pair_open(!first, &b, "late", ANY, ANY);
		pair_settle();
		assert_int_equal(a.e->dst, b.e->addr);
		assert_int_equal(b.e->dst, a.e->addr);
		assert_int_equal(cw_rpmsg_send(b.e, "first word", 10, 0), CW_OK);
		pair_settle();
		assert_int_equal(a.n, 1);
	}
}

/* A peer that forgot the announcement (it had no endpoint, and no table) hears it once more. */
static void a_lost_announcement(void **state)
{
	const struct pair_options o = { .repeats = 5 };

	(void)state;
	pair_start(&o);
	p.side[HOST].ch.conf.services = 0;
	pair_open(REMOTE, &a, "forgotten", ANY, ANY);
	pair_settle();
	assert_int_equal(p.side[HOST].ch.count.ns_full, 1);
	p.side[REMOTE].ch.conf.services = 0;
	pair_open(HOST, &b, "forgotten", ANY, 5); /* says nothing itself */
	b.e->fixed = false;
	b.e->dst = ANY;
	pair_settle();
	assert_int_equal(b.e->dst, ANY);
	p.now += 1000000;
	pair_settle();
	assert_int_equal(b.e->dst, a.e->addr);
}

static void nuttx_acknowledges(void **state)
{
	const struct pair_options o = { .nuttx = true };

	(void)state;
	pair_start(&o);
	pair_open(HOST, &b, "acked", ANY, ANY);
	pair_settle();
	pair_open(REMOTE, &a, "acked", ANY, ANY);
	/* Its own announcement is lost: only the acknowledgement tells it of b. */
	p.side[REMOTE].svc[0].addr = ANY;
	pair_settle();
	assert_int_equal(a.e->dst, b.e->addr);
	assert_int_equal(a.peers, 1);
	assert_int_equal(p.side[REMOTE].services, 1);
}

/* ---- row 48 ---- */

static void row48_announcements_that_make_no_sense(void **state)
{
	const struct pair_options o = { .credit = true };
	struct cw_rpmsg *ch;

	(void)state;
	for (int from = 0; from < 2; from++) {
		pair_start(&o);
		ch = &p.side[!from].ch;
		pair_open(!from, &a, "name", ANY, ANY);
		pair_settle();
		announce(from, "name", 2000, 0, 39);
		announce(from, "name", 2000, 0, 41);
		announce(from, "name", 2000, 0, 0);
		announce(from, "", 2000, 0, 40);
		announce(from, "name", ANY, 0, 40);
		announce(from, "name", CW_RPMSG_NS_ADDR, 0, 40);
		announce(from, "name", CW_RPMSG_CREDIT_ADDR, 0, 40);
		announce(from, "name", 2000, 2, 40); /* NuttX's, here nobody's */
		announce(from, "name", 2000, 3, 40);
		announce(from, "name", 2000, 0x80000000u, 40);
		assert_int_equal(ch->count.ns_bad, 10);
		assert_int_equal(a.peers, 0);
		announce(from, "gone", 2000, 1, 40);
		assert_int_equal(p.side[!from].services + p.side[!from].ends, 0);
		announce(from, "name", 2000, 0, 40);
		assert_int_equal(a.peers, 1);
		announce(from, "other", 2000, 0, 40); /* the address is taken */
		assert_int_equal(ch->count.ns_bad, 11);
		announce(from, "other", 2000, 1, 40); /* and not theirs to end */
		assert_int_equal(a.losses, 0);
		announce(from, "name", 2000, 0, 40);
		assert_int_equal(a.peers, 1);
		assert_int_equal(p.side[!from].services, 1);
	}
}

static void row48_names_are_cleaned(void **state)
{
	(void)state;
	pair_start(NULL);
	/* No end in 32 bytes; the rest of the buffer is not part of it. */
	announce(REMOTE, "0123456789abcdef0123456789abcdefXX", 2000, 0, 40);
	assert_string_equal(p.side[HOST].last_name, "0123456789abcdef0123456789abcde");
	announce(REMOTE, "\x1b[2J\x7f\xff\n", 2001, 0, 40);
	assert_string_equal(p.side[HOST].last_name, "?[2J???");
	for (unsigned int i = 0; i < PAIR_SERVICES; i++)
		assert_int_equal(p.side[HOST].svc[i].name[31], 0);
}

static void row48_a_flood_is_bounded(void **state)
{
	char name[8] = "n?????";

	(void)state;
	pair_start(NULL);
	pair_open(HOST, &a, "mine", ANY, ANY);
	for (uint32_t i = 0; i < 3000; i++) {
		memcpy(name + 1,
		       &(char[5]){ (char)('a' + i % 26), (char)('a' + i / 26 % 26),
				   (char)('a' + i / 676), 'x', 'y' },
		       5);
		announce(REMOTE, name, 5000 + i, 0, 40);
	}
	assert_int_equal(p.side[HOST].ch.count.ns_full, 3000 - PAIR_SERVICES);
	/* An endpoint finds its peer all the same, and the full table forgets what ends. */
	announce(REMOTE, "mine", 9000, 0, 40);
	assert_int_equal(a.e->dst, 9000);
	for (uint32_t i = 0; i < 1000; i++) {
		announce(REMOTE, "mine", 9000, 1, 40);
		announce(REMOTE, "mine", 9000, 0, 40);
	}
	assert_int_equal(a.losses, 1000);
	assert_int_equal(a.peers, 1001);
	assert_int_equal(cw_rpmsg_poll(&p.side[HOST].ch, 64), 0);
}

static void a_client_of_a_service_is_not_announced(void **state)
{
	struct cw_rpmsg_spec s = pair_spec(&a, "time", CW_RPMSG_ANY, CW_RPMSG_ANY);

	(void)state;
	pair_start(NULL);
	s.silent = true;
	assert_int_equal(cw_rpmsg_create(&p.side[HOST].ch, &s, &a.e), CW_OK);
	pair_settle();
	pair_open(REMOTE, &b, "time", CW_RPMSG_ANY, CW_RPMSG_ANY);
	pair_settle();
	assert_int_equal(a.e->dst, b.e->addr);
	assert_int_equal(b.peers, 0); /* until it says something */
	assert_int_equal(cw_rpmsg_send(a.e, "?", 1, 0), CW_OK);
	pair_settle();
	assert_int_equal(b.e->dst, a.e->addr);
	cw_rpmsg_destroy(a.e);
	pair_settle();
	assert_int_equal(p.side[REMOTE].services + p.side[REMOTE].ends, 0);
	assert_int_equal(p.side[HOST].services, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_client_of_a_service_is_not_announced),
		cmocka_unit_test(before_or_after_its_endpoint),
		cmocka_unit_test(an_end_is_told),
		cmocka_unit_test(two_of_one_name),
		cmocka_unit_test(fixed_peers_are_not_announced),
		cmocka_unit_test(no_buffer_now),
		cmocka_unit_test(no_buffer_is_large_enough),
		cmocka_unit_test(repeated_a_few_times),
		cmocka_unit_test(who_forgets_hears_it_from_who_found_it),
		cmocka_unit_test(a_lost_announcement),
		cmocka_unit_test(nuttx_acknowledges),
		cmocka_unit_test(row48_announcements_that_make_no_sense),
		cmocka_unit_test(row48_names_are_cleaned),
		cmocka_unit_test(row48_a_flood_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
