// SPDX-License-Identifier: BSD-3-Clause
/* Messages for programs that read late, or never. */
#include "rpmsg_bed.h"

static void who_does_not_read_loses_its_own(void **state)
{
	unsigned int n = 0, kept;
	uint32_t slow_at;
	struct box *b;
	int slow, good;

	(void)state;
	up();
	slow = calls_echo(&b);
	put(slow, "?", 1);
	all();
	slow_at = b->src;
	good = calls("echo");
	while (!status()->service[0].dropped) {
		says(b, slow_at, &n, sizeof(n));
		n++;
	}
	kept = n - 1;
	for (unsigned int i = 0; i < 50; i++) {
		assert_int_equal(cw_rpmsg_send(b->e, &i, sizeof(i), 0), 0);
		all();
		gets(good, &i, sizeof(i));
	}
	assert_int_equal(status()->service[0].dropped, 51);
	gets(slow, &(unsigned int){ 0 }, sizeof(n));
	gets(slow, &(unsigned int){ 1 }, sizeof(n));
	says(b, slow_at, "not before the others", 21);
	assert_int_equal(status()->service[0].dropped, 52);
	for (unsigned int i = 2; i < kept; i++) {
		gets(slow, &i, sizeof(i));
		all(); /* what was kept beside follows */
	}
	gets_nothing(slow);
	says(b, slow_at, "again", 5);
	gets(slow, "again", 5);
	assert_int_equal(status()->service[0].dropped, 52);
	close(slow);
	close(good);
}

static uint32_t length_of(uint32_t n)
{
	return 4 + n * 37 % (MTU - 3);
}

static void streams_odd(struct box *b, uint32_t *n, uint32_t end)
{
	for (; *n < end && !status()->service[0].dropped; (*n)++) {
		memcpy(text, n, sizeof(*n));
		assert_int_equal(cw_rpmsg_send(b->e, text, length_of(*n), 0), 0);
		all();
	}
}

/* What is there, and with @more what follows then. */
static void reads_odd(int s, uint32_t *n, bool more)
{
	ssize_t len;

	while ((len = recv(s, text, sizeof(text), 0)) > 0) {
		assert_int_equal(len, length_of(*n));
		assert_memory_equal(text, n, sizeof(*n));
		(*n)++;
		if (more)
			all();
	}
}

/* So many bytes beside the socket, a word a message among them, and no more; whatever their lengths. */
static void so_much_is_kept(void **state)
{
	uint32_t n = 0, got = 0, bytes = 0;
	struct box *b;
	int s;

	(void)state;
	up();
	s = calls_echo(&b);
	for (unsigned int round = 1; round < 4; round++) { /* where they lie goes round */
		streams_odd(b, &n, round * 900);
		reads_odd(s, &got, true);
		assert_int_equal(got, n);
	}
	streams_odd(b, &n, UINT32_MAX);
	n--; /* which was lost */
	reads_odd(s, &got, false);
	for (uint32_t i = got; i < n; i++)
		bytes += (uint32_t)sizeof(i) + length_of(i);
	assert_in_range(bytes, 8 * LONGEST - MTU, 8 * LONGEST);
	all();
	reads_odd(s, &got, true);
	assert_int_equal(got, n);
	close(s);
}

#define LATE 2000u

static struct { /* questions whose answers are still to be sent */
	uint32_t src[LATE], len[LATE];
	unsigned int first, n;
} owed;

static void owes(struct box *b)
{
	assert_in_range(owed.n, 0, LATE - 1);
	owed.src[owed.n] = b->src;
	owed.len[owed.n++] = b->len;
}

static int calls_late_echo(struct box **b)
{
	remote.heard = owes;
	memset(&owed, 0, sizeof(owed));
	return calls_echo(b);
}

static void answers(struct box *b)
{
	do {
		all();
		while (owed.first < owed.n &&
		       !cw_rpmsg_sendto(b->e, owed.src[owed.first], text, owed.len[owed.first], 0))
			owed.first++;
	} while (owed.first < owed.n);
	all();
}

/* It is not heard while its answers lie unread; whoever is beside it does not notice. */
static void who_reads_late_gets_all_answers(void **state)
{
	unsigned int asked = 0, got = 0;
	struct box *b;
	int late, good;

	(void)state;
	up();
	late = calls_late_echo(&b);
	good = calls("echo");
	while (asked + got < 2 * (LATE - 300)) {
		while (asked < LATE - 300 && send(late, text, MTU, MSG_NOSIGNAL) > 0)
			asked++;
		answers(b);
		if (asked < LATE - 300 && send(late, text, MTU, MSG_NOSIGNAL) > 0) {
			asked++;
			continue; /* it has not begun to read */
		}
		assert_true(asked > 800 || got);
		bed_rests(); /* nobody spins for it */
		put(good, "beside", 6);
		answers(b);
		assert_int_equal(recv(good, text, MTU, 0), 6);
		for (unsigned int i = 0; i < 250 && recv(late, text, MTU, 0) == MTU; i++)
			got++;
	}
	assert_int_equal(status()->service[0].dropped, 0);
	close(late);
	close(good);
}

static void who_left_with_answers_unread(void **state)
{
	struct box *b;
	int s;

	(void)state;
	up();
	s = calls_late_echo(&b);
	for (unsigned int n = 0; n < LATE - 1 && send(s, text, MTU, MSG_NOSIGNAL) > 0; n++)
		answers(b);
	assert_int_equal(status()->service[0].clients, 1);
	close(s);
	answers(b);
	assert_int_equal(status()->service[0].clients, 0);
	bed_rests();
}

static void up_credit(void)
{
	up_with(CW_RPMSG_F_NS | CW_RPMSG_F_BUFSZ | CW_RPMSG_F_CREDIT, BUFFERS);
	stands = clock_us();
}

/* To all who listen, as long as it may: how many. */
static unsigned int streams(struct box *b, uint32_t *n, unsigned int most)
{
	unsigned int i;

	for (i = 0; i < most; i++, (*n)++) {
		memcpy(text, n, sizeof(*n));
		if (cw_rpmsg_send(b->e, text, MTU, 0))
			break;
		all();
	}
	return i;
}

static unsigned int reads(int s, uint32_t *n, unsigned int most)
{
	unsigned int i;
	uint32_t number;

	for (i = 0; i < most && recv(s, text, sizeof(text), 0) == MTU; i++) {
		memcpy(&number, text, sizeof(number));
		assert_int_equal(number, *n);
		(*n)++;
		all();
	}
	return i;
}

/* With credit its only listener stops the service, and loses nothing. */
static void a_stream_waits_for_its_listener(void **state)
{
	uint32_t sent = 0, got = 0;
	unsigned int stops = 0;
	struct box *b;
	int s;

	(void)state;
	up_credit();
	b = opens(0, "echo");
	all();
	assert_int_equal(streams(b, &sent, LATE), LATE); /* nobody is no listener */
	got = sent;
	s = calls("echo");
	while (sent < 4 * LATE) {
		stops += streams(b, &sent, 4 * LATE - sent) && sent < 4 * LATE;
		if (sent < 4 * LATE)
			assert_int_equal(cw_rpmsg_send(b->e, "x", 1, 0), CW_EAGAIN);
		pass(499999); /* less than what it is waited for */
		assert_true(reads(s, &got, 700));
	}
	while (got < sent)
		assert_true(reads(s, &got, LATE));
	assert_true(stops > 2);
	assert_int_equal(status()->service[0].dropped, 0);
	close(s);
}

/* As long as anything is read, however little. */
static void a_stream_waits_for_who_reads_slowly(void **state)
{
	uint32_t sent = 0, got = 0;
	struct box *b;
	int s;

	(void)state;
	up_credit();
	s = calls_echo(&b);
	streams(b, &sent, LATE);
	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(reads(s, &got, 160), 160);
		pass(499999);
		assert_int_equal(cw_rpmsg_send(b->e, "x", 1, 0), CW_EAGAIN);
	}
	/* Somebody who comes has read all that there is for him. */
	close(calls("echo"));
	assert_int_equal(cw_rpmsg_send(b->e, "x", 1, 0), 0);
	close(s);
}

static void a_stream_waits_for_the_quickest(void **state)
{
	uint32_t sent = 0, got = 0;
	struct box *b;
	int quick, slow;

	(void)state;
	up_credit();
	slow = calls_echo(&b);
	quick = calls("echo");
	while (sent < 2 * LATE) {
		assert_int_equal(streams(b, &sent, 100), 100);
		assert_int_equal(reads(quick, &got, 101), 100);
	}
	assert_in_range(status()->service[0].dropped, LATE, 2 * LATE);
	/* Alone, the slow one is waited for, a while. */
	close(quick);
	streams(b, &sent, LATE);
	assert_int_equal(cw_rpmsg_send(b->e, "x", 1, 0), CW_EAGAIN);
	close(slow);
	all();
	assert_int_equal(streams(b, &sent, LATE), LATE);
}

static void a_stream_does_not_wait_for_ever(void **state)
{
	uint32_t sent = 0, got = 0;
	uint64_t lost;
	struct box *b;
	int s;

	(void)state;
	up_credit();
	s = calls_echo(&b);
	assert_in_range(streams(b, &sent, LATE), 900, LATE - 1);
	assert_int_equal(status()->service[0].dropped, 0);
	pass(499999);
	assert_int_equal(cw_rpmsg_send(b->e, "x", 1, 0), CW_EAGAIN);
	pass(1);
	assert_int_equal(streams(b, &sent, LATE), LATE);
	lost = status()->service[0].dropped;
	assert_true(lost > 0);
	/* Until it has caught up; then it is waited for again. */
	while (reads(s, &got, LATE))
		all();
	got = sent;
	assert_in_range(streams(b, &sent, LATE), 900, LATE - 1);
	while (got < sent)
		assert_true(reads(s, &got, LATE));
	assert_int_equal(status()->service[0].dropped, lost);
	close(s);
}

/* What all get is no answer: who never reads it is heard all the same. */
static void a_listener_that_only_talks(void **state)
{
	uint32_t n = 0;
	struct box *b;
	int s;

	(void)state;
	up();
	s = calls_echo(&b);
	streams(b, &n, LATE);
	assert_true(status()->service[0].dropped > 0);
	for (unsigned int i = 1; i <= LATE; i++) {
		put(s, "word", 4);
		all();
		heard(b, i, "word", 4);
	}
	close(s);
}

/* Its limit is its word; one that does not keep it loses, and that is all. */
static void a_remote_that_ignores_its_limit(void **state)
{
	uint32_t sent = 0;
	struct box *b;
	int s;

	(void)state;
	up_credit();
	s = calls_echo(&b);
	streams(b, &sent, LATE);
	for (unsigned int i = 0; i < LATE; i++) {
		b->e->limited = false;
		streams(b, &sent, 1);
	}
	assert_true(status()->service[0].dropped > 0);
	assert_int_equal(status()->errors, 0);
	assert_int_equal(sent, status()->service[0].to_linux);
	close(s);
}

#define TEST(name) cmocka_unit_test_teardown(name, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(who_does_not_read_loses_its_own), TEST(so_much_is_kept),
		TEST(who_reads_late_gets_all_answers), TEST(who_left_with_answers_unread),
		TEST(a_stream_waits_for_its_listener), TEST(a_stream_waits_for_who_reads_slowly),
		TEST(a_stream_waits_for_the_quickest), TEST(a_stream_does_not_wait_for_ever),
		TEST(a_listener_that_only_talks),      TEST(a_remote_that_ignores_its_limit),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
