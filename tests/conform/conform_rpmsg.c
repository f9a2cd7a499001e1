// SPDX-License-Identifier: BSD-3-Clause
/* Messages, as a worker runs them. */
#include "rpmsg_bed.h"

static void a_service_is_a_socket(void **state)
{
	struct box *b;
	int s;

	(void)state;
	up();
	assert_int_equal(published(), 0);
	b = opens(0, "echo");
	assert_int_equal(keeper.todo, 1);
	assert_int_equal(keeper.ask[0].kind, CW_ASK_PUBLISH);
	assert_string_equal(keeper.ask[0].name, "echo");
	all();
	assert_int_equal(published(), 1);
	assert_int_equal(b->e->dst, remote.service[0].addr); /* the two have each other */
	s = calls("echo");
	put(s, "question", 8);
	all();
	heard(b, 1, "question", 8);
	assert_int_not_equal(b->src, b->e->dst);
	says(b, b->src, "answer", 6);
	gets(s, "answer", 6);
	assert_int_equal(cw_rpmsg_send(b->e, "all", 3, 0), 0);
	all();
	gets(s, "all", 3);
	assert_int_equal(status()->service[0].clients, 1);
	assert_int_equal(status()->service[0].to_linux, 2);
	assert_int_equal(status()->service[0].to_remote, 1);
	bed_rests();
	closes(b);
	at_end(s);
	all();
	assert_int_equal(published(), 0);
	assert_int_equal(access("echo", F_OK), -1);
	comes_to_rest();
}

/* However it came about that the unit has not seen them yet. */
static void who_waits_at_a_service_that_ends(void **state)
{
	struct box *b;
	int s[3];

	(void)state;
	up();
	b = opens(0, "echo");
	all();
	for (unsigned int i = 0; i < 3; i++) {
		s[i] = calls("echo");
		put(s[i], "question", 8);
	}
	closes(b);
	all();
	for (unsigned int i = 0; i < 3; i++)
		at_end(s[i]);
	assert_int_equal(published(), 0);
	comes_to_rest();
}

/* A worker that others keep awake only looks, and what is due at once is done all the same. */
static void more_than_fits_one_look(void **state)
{
	struct box *b;
	int s;

	(void)state;
	up();
	s = calls_echo(&b);
	for (unsigned int i = 0; i < 100; i++)
		put(s, &i, sizeof(i));
	for (unsigned int turns = 0; bed.unit->ops->look(bed.unit); turns++) {
		assert_in_range(turns, 0, 100);
		pair_run(&bed.pair);
		while (cw_rpmsg_poll(&remote.ch, 64) > 0)
			pair_run(&bed.pair);
	}
	assert_int_equal(b->n, 100);
	close(s);
	all();
	comes_to_rest();
}

static void clients_are_told_apart(void **state)
{
	uint32_t src[3];
	struct box *b, *o;
	int s[3], t;

	(void)state;
	up();
	b = opens(0, "echo");
	o = opens(1, "other");
	all();
	t = calls("other");
	for (unsigned int i = 0; i < 3; i++) {
		s[i] = calls("echo");
		put(s[i], &i, sizeof(i));
		all();
		heard(b, i + 1, &i, sizeof(i));
		src[i] = b->src;
		for (unsigned int k = 0; k < i; k++)
			assert_int_not_equal(src[k], src[i]);
	}
	for (unsigned int i = 0; i < 3; i++)
		says(b, src[2 - i], &i, sizeof(i));
	assert_int_equal(cw_rpmsg_send(b->e, "all", 3, 0), 0);
	all();
	for (unsigned int i = 0; i < 3; i++) {
		gets(s[2 - i], &i, sizeof(i));
		gets(s[2 - i], "all", 3);
	}
	gets_nothing(t);
	assert_int_equal(o->n, 0);
	/* Who has left has no address any more, and whoever comes next another one. */
	close(s[1]);
	all();
	says(b, src[1], "?", 1);
	assert_int_equal(status()->unknown, 1);
	s[1] = calls("echo");
	put(s[1], "new", 3);
	all();
	for (unsigned int i = 0; i < 3; i++)
		assert_int_not_equal(src[i], b->src);
	for (unsigned int i = 0; i < 3; i++)
		close(s[i]);
	close(t);
	all();
	assert_int_equal(status()->service[0].clients, 0);
}

static void what_was_said_before_leaving_arrives(void **state)
{
	struct box *b;
	int s;

	(void)state;
	up();
	s = calls_echo(&b);
	remote.asleep = true;
	for (unsigned int i = 0; i < 100; i++)
		put(s, &i, sizeof(i));
	close(s);
	all();
	assert_int_equal(b->n, 0);
	remote.asleep = false;
	all();
	assert_int_equal(b->n, 100);
	assert_int_equal(b->data[0], 99);
	assert_int_equal(status()->service[0].clients, 0);
}

static void what_cannot_travel_is_counted(void **state)
{
	struct box *b;
	int s;

	(void)state;
	up();
	s = calls_echo(&b);
	put(s, text, MTU + 1);
	put(s, text, LONGEST);
	put(s, text, LONGEST + 1);
	put(s, text, 0);
	put(s, text, MTU);
	all();
	heard(b, 1, text, MTU);
	assert_int_equal(status()->service[0].dropped, 4);
	says(b, b->src, text, 0);
	assert_int_equal(status()->service[0].dropped, 5);
	gets_nothing(s);
	close(s);
}

static void descriptors_are_dropped(void **state)
{
	union {
		char buf[CMSG_SPACE(3 * sizeof(int))];
		struct cmsghdr align;
	} u = { .buf = { 0 } };
	struct iovec v = { text, 4 };
	struct msghdr m = { .msg_iov = &v,
			    .msg_iovlen = 1,
			    .msg_control = u.buf,
			    .msg_controllen = sizeof(u.buf) };
	struct cmsghdr *h = CMSG_FIRSTHDR(&m);
	struct box *b;
	int s, fds;

	(void)state;
	up();
	s = calls_echo(&b);
	fds = conform_fds();
	h->cmsg_level = SOL_SOCKET;
	h->cmsg_type = SCM_RIGHTS;
	h->cmsg_len = CMSG_LEN(3 * sizeof(int));
	for (unsigned int i = 0; i < 3; i++)
		memcpy(CMSG_DATA(h) + i * sizeof(int), &s, sizeof(s));
	assert_int_equal(sendmsg(s, &m, MSG_NOSIGNAL), 4);
	all();
	heard(b, 1, text, 4);
	assert_int_equal(conform_fds(), fds);
	close(s);
}

static void long_messages(void **state)
{
	static const uint32_t len[] = { MTU + 1, 5000, LONGEST };
	struct box *b;
	unsigned int n = 0;
	int s;

	(void)state;
	up_long();
	s = calls_echo(&b);
	for (unsigned int i = 0; i < 3; i++) {
		fill_text(i);
		put(s, text, len[i]);
		all();
		heard(b, ++n, text, len[i]);
	}
	put(s, text, LONGEST + 1);
	all();
	assert_int_equal(status()->service[0].dropped, 1);
	fill_text(9);
	says(b, b->src, text, 10000);
	gets(s, text, 10000);
	says(b, b->e->dst, text, 10001);
	gets(s, text, 10001);
	close(s);
}

/* A receiver assembles one at a time: they take turns, and short ones do not wait for them. */
static void several_long_messages_at_once(void **state)
{
	struct box *b;
	int s[4];

	(void)state;
	up_long();
	fill_text(0);
	b = opens(0, "echo");
	all();
	for (unsigned int i = 0; i < 4; i++)
		s[i] = calls("echo");
	for (unsigned int k = 0; k < 3; k++)
		for (unsigned int i = 0; i < 3; i++)
			put(s[i], text, 40000);
	put(s[3], "short", 5);
	close(s[1]); /* as good as its word */
	all();
	assert_int_equal(b->n, 10);
	assert_int_equal(remote.ch.count.fragment, 0);
	assert_int_equal(b->len, 40000);
	for (unsigned int i = 2; i < 10; i++) /* nobody twice while others wait */
		assert_int_not_equal(remote.order[i], remote.order[i - 1]);
	for (unsigned int i = 0; i < 4; i++)
		if (i != 1)
			close(s[i]);
}

static void a_remote_without_room_is_waited_for(void **state)
{
	unsigned int n[2] = { 0, 0 };
	struct box *b;
	int s[2];

	(void)state;
	up();
	b = opens(0, "echo");
	all();
	s[0] = calls("echo");
	s[1] = calls("echo");
	remote.asleep = true;
	for (unsigned int k = 0; k < 2; k++)
		while (send(s[k], text, 100, MSG_NOSIGNAL) == 100) {
			n[k]++;
			if (n[k] % 16 == 0)
				all();
		}
	all();
	assert_int_equal(b->n, 0);
	bed_rests(); /* nobody spins for room */
	remote.asleep = false;
	all();
	assert_int_equal(b->n, n[0] + n[1]);
	assert_int_equal(status()->service[0].dropped, 0);
	assert_true(n[0] > 100 && n[1] > 100);
	close(s[0]);
	close(s[1]);
}

/* One that spins looks, and is never told that something is ready. */
static void a_worker_that_looks(void **state)
{
	unsigned int n;
	struct box *b;
	int s;

	(void)state;
	up_with(CW_RPMSG_F_NS | CW_RPMSG_F_BUFSZ, 20);
	s = calls_echo(&b);
	for (n = 0; n < 100; n++)
		put(s, &n, sizeof(n));
	for (unsigned int quiet = 0; b->n < n;) {
		bool any = bed.unit->ops->look(bed.unit);

		pair_run(&bed.pair);
		any |= cw_rpmsg_poll(&remote.ch, 64) > 0;
		pair_run(&bed.pair);
		any |= bed.unit->ops->deadline(bed.unit) <= bed_now();
		if (bed.unit->ops->deadline(bed.unit) <= bed_now())
			bed.unit->ops->ready(bed.unit, NULL, 0);
		quiet = any ? 0 : quiet + 1;
		assert_in_range(quiet, 0, 3);
	}
	close(s);
}

static void a_keeper_that_cannot_be_asked(void **state)
{
	struct box *b;
	int s;

	(void)state;
	up();
	keeper.deaf = true;
	b = opens(0, "echo");
	all();
	assert_int_equal(published(), 0);
	bed_rests();
	keeper.deaf = false;
	pass(100000);
	assert_int_equal(published(), 1);
	s = calls("echo");
	keeper.deaf = true;
	closes(b);
	at_end(s); /* whatever becomes of the file */
	all();
	assert_int_equal(published(), 1);
	keeper.deaf = false;
	pass(100000);
	assert_int_equal(published(), 0);
	comes_to_rest();
}

static void a_keeper_that_says_no(void **state)
{
	unsigned int asked;

	(void)state;
	up();
	keeper.unwilling = true;
	opens(0, "echo");
	all();
	asked = keeper.publishes;
	assert_int_equal(asked, 1);
	pass(50000);
	assert_int_equal(keeper.publishes, asked);
	pass(60000);
	assert_int_equal(keeper.publishes, asked + 1);
	pass(110000); /* and more and more seldom */
	assert_int_equal(keeper.publishes, asked + 1);
	for (unsigned int i = 0; i < 600; i++)
		pass(100000);
	assert_in_range(keeper.publishes, asked + 6, asked + 20);
	keeper.unwilling = false;
	pass(7000000);
	assert_int_equal(published(), 1);
	comes_to_rest();
}

static void a_keeper_that_says_nothing(void **state)
{
	uint32_t late;
	int fd;

	(void)state;
	up();
	fd = open("/dev/null", O_RDONLY);
	keeper.mute = true;
	opens(0, "echo");
	all();
	late = keeper.id;
	pass(4000000);
	assert_int_equal(keeper.publishes, 1);
	keeper.mute = false;
	pass(1100000);
	assert_int_equal(keeper.publishes, 2);
	assert_int_equal(published(), 1);
	/* An answer to what is not asked any more is closed. */
	bed.unit->ops->given(bed.unit, late, fd);
	assert_int_equal(fcntl(fd, F_GETFD), -1);
	bed.unit->ops->given(bed.unit, 0, -1);
	close(calls("echo"));
}

static void a_service_that_ends_while_it_is_asked_for(void **state)
{
	struct box *b;
	int s;

	(void)state;
	up();
	b = opens(0, "first");
	closes(b); /* before the keeper has heard of anything */
	opens(1, "second");
	all();
	assert_int_equal(published(), 1);
	assert_int_equal(access("first", F_OK), -1);
	s = calls("second");
	put(s, "x", 1);
	all();
	heard(&remote.box[1], 1, "x", 1);
	close(s);
}

/* Row 48: what a flood costs the keeper is bounded in time, and what is left in the end is right. */
static void a_flood_of_announcements(void **state)
{
	unsigned int asked;
	uint64_t begun;

	(void)state;
	up();
	begun = clock_us();
	for (unsigned int i = 0; i < 2000; i++) {
		closes(opens(0, "flood"));
		if (i % 100 == 99)
			all();
	}
	assert_in_range(keeper.publishes, 1, 33 + (clock_us() - begun) / 20000);
	asked = keeper.publishes;
	begun = clock_us();
	opens(1, "last");
	for (unsigned int i = 0; i < 2000; i++) {
		closes(opens(0, "flood"));
		if (i % 100 == 99)
			pass(50000);
	}
	assert_in_range(keeper.publishes - asked, 1, 34 + (clock_us() - begun) / 20000);
	pass(200000);
	assert_int_equal(published(), 1);
	assert_int_equal(access("last", F_OK), 0);
	pass(2000000);
	comes_to_rest();
}

static void more_services_than_places(void **state)
{
	char name[8];
	int s;

	(void)state;
	up();
	for (unsigned int i = 0; i < 40; i++) {
		snprintf(name, sizeof(name), "s%u", i);
		opens(i, name);
		all();
	}
	pass(500000);
	assert_int_equal(published(), CW_RPMSG_SERVICES);
	assert_int_equal(status()->ns_full, 8);
	closes(&remote.box[3]);
	all();
	closes(&remote.box[39]);
	opens(39, "late");
	all();
	assert_int_equal(published(), CW_RPMSG_SERVICES);
	s = calls("late");
	put(s, "x", 1);
	all();
	heard(&remote.box[39], 1, "x", 1);
	close(s);
}

static void more_clients_than_places(void **state)
{
	int s[CW_RPMSG_CLIENTS + 2];
	struct box *b;

	(void)state;
	up();
	b = opens(0, "echo");
	all();
	for (unsigned int i = 0; i < CW_RPMSG_CLIENTS + 2; i++) {
		s[i] = calls("echo");
		put(s[i], "x", 1);
	}
	all();
	assert_int_equal(b->n, CW_RPMSG_CLIENTS);
	bed_rests();
	close(s[10]);
	all();
	assert_int_equal(b->n, CW_RPMSG_CLIENTS + 1);
	close(s[0]);
	all();
	assert_int_equal(b->n, CW_RPMSG_CLIENTS + 2);
	for (unsigned int i = 0; i < CW_RPMSG_CLIENTS + 2; i++)
		if (i && i != 10)
			close(s[i]);
}

static void the_end_of_the_channel(void **state)
{
	struct box *b;
	int s[2];

	(void)state;
	up();
	b = opens(0, "echo");
	all();
	for (unsigned int round = 0; round < 3; round++) {
		s[0] = calls("echo");
		s[1] = calls("echo");
		put(s[0], "never read", 10);
		assert_int_equal(cw_device_set_status(bed.unit->dev, 0), CW_RESULT_OK);
		at_end(s[0]);
		at_end(s[1]);
		all();
		assert_int_equal(published(), 0);
		assert_int_equal(status()->up, 0);
		comes_to_rest();
		link_up(CW_RPMSG_F_NS | CW_RPMSG_F_BUFSZ, BUFFERS);
		all();
		assert_int_equal(published(), 1);
	}
	s[0] = calls("echo");
	put(s[0], "x", 1);
	all();
	heard(b, 1, "x", 1);
	assert_int_equal(status()->lost, 3);
	close(s[0]);
}

/* What was in the middle does not stand in the way of what comes then. */
static void the_end_within_a_long_message(void **state)
{
	struct box *b;
	int s, t;

	(void)state;
	up_long();
	s = calls_echo(&b);
	t = calls("echo");
	remote.asleep = true;
	put(t, text, LONGEST);
	all();
	put(s, text, LONGEST);
	all();
	assert_int_equal(cw_device_set_status(bed.unit->dev, 0), CW_RESULT_OK);
	at_end(s);
	at_end(t);
	remote.asleep = false;
	link_up(CW_RPMSG_F_NS | CW_RPMSG_F_BUFSZ | CW_RPMSG_F_FRAGMENT, BUFFERS);
	all();
	fill_text(3);
	s = calls("echo");
	put(s, text, 3000);
	all();
	heard(b, 1, text, 3000);
	assert_int_equal(remote.ch.count.fragment, 0);
	close(s);
}

/* Row 49 and its like: a ring that cannot be trusted ends the device, and its clients hear of it. */
static void a_ring_that_makes_no_sense(void **state)
{
	struct cw_abi_avail *avail;
	int s, t;

	(void)state;
	for (unsigned int q = 0; q < 2; q++) {
		up();
		opens(0, "echo");
		all();
		s = calls("echo");
		t = calls("echo");
		remote.asleep = true;
		avail = cw_window_ptr(&bed.pair.win, bed.unit->dev->queue[q].avail, 4);
		avail->idx = cw_make_le16((uint16_t)(cw_get_le16(avail->idx) + 1000));
		if (q == CW_RPMSG_QUEUE_TO_HOST)
			for (unsigned int i = 0; i < 100; i++)
				send(s, "x", 1, MSG_NOSIGNAL);
		else
			cw_device_kicked(bed.unit->dev, q);
		pair_run(&bed.pair);
		all();
		assert_true(bed.unit->dev->status & CW_STATUS_NEEDS_RESET);
		at_end(s);
		at_end(t);
		all();
		assert_int_equal(published(), 0);
		if (!q)
			end(state);
	}
}

#define TEST(name) cmocka_unit_test_teardown(name, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_service_is_a_socket),
		TEST(who_waits_at_a_service_that_ends),
		TEST(more_than_fits_one_look),
		TEST(clients_are_told_apart),
		TEST(what_was_said_before_leaving_arrives),
		TEST(what_cannot_travel_is_counted),
		TEST(descriptors_are_dropped),
		TEST(long_messages),
		TEST(several_long_messages_at_once),
		TEST(a_remote_without_room_is_waited_for),
		TEST(a_worker_that_looks),
		TEST(a_keeper_that_cannot_be_asked),
		TEST(a_keeper_that_says_no),
		TEST(a_keeper_that_says_nothing),
		TEST(a_service_that_ends_while_it_is_asked_for),
		TEST(a_flood_of_announcements),
		TEST(more_services_than_places),
		TEST(more_clients_than_places),
		TEST(the_end_of_the_channel),
		TEST(the_end_within_a_long_message),
		TEST(a_ring_that_makes_no_sense),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
