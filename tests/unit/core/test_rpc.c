// SPDX-License-Identifier: BSD-3-Clause
/* Calls over a carrier that loses, repeats and keeps back what it is given. */
#include "rpc_wire.h"

static struct cw_rpc_client *const c = &w.client[0].c;
static struct wire_end a, b, many[WIRE_CALLS + 1];

static void begin(struct wire_end *e, uint16_t method, const char *text, int want)
{
	const struct cw_rpc_ask ask = wire_ask(method, text);

	memset(e, 0, sizeof(*e));
	assert_int_equal(cw_rpc_begin(c, &ask, wire_done, e, NULL), want);
}

static int32_t call(uint16_t method, const char *text, char *reply, uint32_t room)
{
	const struct cw_rpc_ask ask = wire_ask(method, text);
	uint32_t len = room;
	int32_t status;

	memset(reply, 0, room);
	status = cw_rpc_call(c, &ask, reply, &len);
	return status;
}

static void an_answer_comes_back(void **state)
{
	char reply[WIRE_SIZE];

	(void)state;
	wire_start(7);
	assert_int_equal(w.client[0].ups, 1);
	assert_int_equal(call(ECHO, "hello", reply, sizeof(reply)), 0);
	assert_string_equal(reply, "hello");
	assert_int_equal(call(ECHO, "", reply, sizeof(reply)), 0);
	assert_int_equal(call(FAIL, "", reply, sizeof(reply)), 77); /* with what it has to say */
	assert_string_equal(reply, "why");
	assert_int_equal(call(99, "", reply, sizeof(reply)), CW_ENOTSUP);
	assert_int_equal(call(COUNT, "abc", reply, sizeof(reply)), CW_EBADLEN);
	assert_int_equal(call(COUNT, "abcd", reply, sizeof(reply)), 0);
	assert_int_equal(call(LONG, "", reply, sizeof(reply)), CW_EINTERNAL);
	assert_int_equal(call(ECHO, "12345678", reply, 4), CW_EBADLEN);
	assert_memory_equal(reply, "1234", 4);
	assert_int_equal(w.runs, 5);
	assert_int_equal(c->under_way, 0);
}

static void two_runs_of_bytes_are_one_call(void **state)
{
	struct cw_rpc_ask ask = wire_ask(ECHO, "head ");
	char reply[WIRE_SIZE] = { 0 };
	uint32_t len = sizeof(reply);
	char full[WIRE_SIZE - CW_RPC_HEADER] = { 0 };

	(void)state;
	wire_start(7);
	ask.more = "and tail";
	ask.more_len = 8;
	assert_int_equal(cw_rpc_call(c, &ask, reply, &len), 0);
	assert_string_equal(reply, "head and tail");
	assert_int_equal(cw_rpc_client_room(c), sizeof(full));
	ask.more = full;
	ask.more_len = sizeof(full) - 5;
	len = sizeof(reply);
	assert_int_equal(cw_rpc_call(c, &ask, reply, &len), 0);
	assert_int_equal(len, sizeof(full));
	ask.more_len++;
	assert_int_equal(cw_rpc_call(c, &ask, reply, &len), CW_EINVAL);
	ask.more_len = UINT32_MAX;
	assert_int_equal(cw_rpc_call(c, &ask, reply, &len), CW_EINVAL);
}

static void many_calls_are_under_way_at_once(void **state)
{
	struct cw_rpc_request *first;

	(void)state;
	wire_start(7);
	/* The server said how many it takes of one client: half of its table. */
	begin(&a, LATER, "", CW_OK);
	wire_run();
	first = w.later;
	begin(&b, LATER, "", CW_OK);
	begin(&many[0], ECHO, "", CW_EAGAIN);
	wire_run();
	memcpy(w.later->reply, "second", 6);
	w.later->reply_len = 6;
	cw_rpc_answer(w.later, 0);
	wire_run();
	assert_int_equal(a.n, 0);
	assert_int_equal(b.n, 1);
	assert_string_equal(b.text, "second");
	begin(&b, ECHO, "third", CW_OK);
	wire_run();
	assert_string_equal(b.text, "third");
	cw_rpc_answer(first, 5);
	cw_rpc_answer(first, 6); /* void */
	wire_run();
	assert_int_equal(a.n, 1);
	assert_int_equal(a.status, 5);
}

static void a_client_that_asks_for_more_than_its_share_is_told(void **state)
{
	(void)state;
	wire_start(7);
	for (uint32_t i = 0; i < WIRE_REQUESTS; i++)
		wire_put(&w.in, 100, CW_RPC_CALL, LATER, c->session, 10 + i, 1000);
	wire_run();
	assert_int_equal(w.runs, WIRE_REQUESTS / WIRE_PEERS);
	assert_int_equal(w.s.count.busy, WIRE_REQUESTS - WIRE_REQUESTS / WIRE_PEERS);
	wire_client(1, 5); /* and the other has its own */
	wire_run();
	assert_int_equal(cw_rpc_begin(&w.client[1].c,
				      &(struct cw_rpc_ask){ .method = ECHO, .timeout = 9 },
				      wire_done, &a, NULL),
			 CW_OK);
	wire_run();
	assert_int_equal(w.runs, WIRE_REQUESTS / WIRE_PEERS + 1);
}

static void a_deadline_ends_a_call_and_the_server_knows(void **state)
{
	char reply[WIRE_SIZE];

	(void)state;
	wire_start(7);
	assert_int_equal(call(LATER, "", reply, sizeof(reply)), CW_ETIMEDOUT);
	assert_int_equal(w.now, 5000000 + 1000000);
	assert_false(cw_rpc_wanted(w.later, w.now)); /* it knew the deadline by itself */
	assert_true(cw_rpc_wanted(w.later, w.now - 1));
	wire_run(); /* and now that nobody waits any more */
	assert_false(cw_rpc_wanted(w.later, w.now - 1));
	cw_rpc_answer(w.later, 0);
	wire_run();
	assert_int_equal(c->count.late, 0);
	assert_int_equal(call(ECHO, "on", reply, sizeof(reply)), 0);
	assert_string_equal(reply, "on");
}

static void a_late_answer_is_not_taken_for_another(void **state)
{
	(void)state;
	wire_start(7);
	begin(&a, LATER, "", CW_OK);
	wire_run();
	w.in.lose = 1; /* the cancellation */
	w.now += 2000000;
	cw_rpc_client_poll(c);
	assert_int_equal(a.n, 1);
	assert_int_equal(a.status, CW_ETIMEDOUT);
	begin(&b, LATER, "", CW_OK);
	cw_rpc_answer(w.later, 44);
	assert_int_equal(w.client[0].in.n, 1);
	wire_run();
	assert_int_equal(b.n, 0);
	assert_int_equal(c->count.late, 1);
	cw_rpc_answer(w.later, 45);
	wire_run();
	assert_int_equal(b.n, 1);
	assert_int_equal(b.status, 45);
	assert_int_equal(a.n, 1);
}

static void a_call_may_be_cancelled(void **state)
{
	struct cw_rpc_ask ask = wire_ask(LATER, "");
	uint32_t id;

	(void)state;
	wire_start(7);
	a.n = 0;
	assert_int_equal(cw_rpc_begin(c, &ask, wire_done, &a, &id), CW_OK);
	wire_run();
	cw_rpc_cancel(c, id);
	cw_rpc_cancel(c, id);
	wire_run();
	assert_false(cw_rpc_wanted(w.later, w.now));
	cw_rpc_answer(w.later, 0);
	wire_run();
	assert_int_equal(a.n, 0);
	assert_int_equal(w.peer[0].under_way, 0);
}

static void who_only_tells_gets_no_answer(void **state)
{
	const struct cw_rpc_ask ask = wire_ask(ECHO, "said");
	unsigned int sent;

	(void)state;
	wire_start(7);
	sent = w.client[0].in.sent;
	for (unsigned int i = 0; i < 3 * WIRE_REQUESTS; i++) {
		assert_int_equal(cw_rpc_tell(c, &ask), CW_OK);
		wire_run();
	}
	assert_int_equal(w.runs, 3 * WIRE_REQUESTS);
	assert_int_equal(w.client[0].in.sent, sent);
}

static void what_comes_twice_runs_once(void **state)
{
	char reply[WIRE_SIZE];

	(void)state;
	wire_start(7);
	w.in.twice = w.client[0].in.twice = true;
	for (unsigned int i = 0; i < 200; i++)
		assert_int_equal(call(ECHO, "x", reply, sizeof(reply)), 0);
	wire_run();
	assert_int_equal(w.runs, 200);
	assert_int_equal(w.s.count.twice, 200);
	assert_int_equal(c->count.late, 200);
	assert_int_equal(c->count.lost, 0);
}

static void the_window_knows_the_last_ones(void **state)
{
	static const struct {
		uint32_t id;
		bool runs;
	} t[] = {
		{ 1000, true },	 { 1000, false },	{ 1063, true },	      { 1000, false },
		{ 1001, true },	 { 1001, false },	{ 999, false },	      { 1062, true },
		{ 1200, true },	 { 1137, true },	{ 1136, false },      { 1137, false },
		{ 1200, false }, { 0x7fffffff, true },	{ 1201, false },      { 0xfffffff0, true },
		{ 5, true },	 { 0xfffffff0, false }, { 0xfffffff1, true }, { 5, false },
	};

	(void)state;
	wire_start(7);
	for (unsigned int i = 0; i < ARRAY_SIZE(t); i++) {
		unsigned int before = w.runs;

		wire_put(&w.in, 100, CW_RPC_CALL, ECHO, c->session, t[i].id, 1000);
		wire_run();
		assert_int_equal(w.runs - before, t[i].runs);
	}
}

/* ---- lives ---- */

static void a_lost_hello_is_said_again(void **state)
{
	char reply[WIRE_SIZE];

	(void)state;
	wire_start(7);
	w.in.lose = 3;
	wire_client(0, 20);
	assert_int_equal(call(ECHO, "x", reply, sizeof(reply)), 0);
	assert_int_equal(w.in.lose, 0);
	assert_int_equal(w.client[0].ups, 1);
	w.client[0].in.lose = 2; /* or its answer; then it is the same session */
	wire_client(0, 21);
	assert_int_equal(call(ECHO, "x", reply, sizeof(reply)), 0);
	assert_int_equal(w.ended, 2);
}

static void nobody_there_is_a_timeout(void **state)
{
	char reply[WIRE_SIZE];

	(void)state;
	wire_start(7);
	w.dead = true;
	wire_client(0, 20);
	w.in.n = w.in.sent = 0;
	assert_int_equal(call(ECHO, "x", reply, sizeof(reply)), CW_ETIMEDOUT);
	assert_true(w.in.sent >= 3 && w.in.sent <= 8); /* with back-off */
	assert_int_equal(w.runs, 0);
}

static void a_restarted_server_does_not_run_what_the_former_may_have(void **state)
{
	char reply[WIRE_SIZE];

	(void)state;
	wire_start(7);
	begin(&a, COUNT, "once", CW_OK);
	w.in.m[1] = w.in.m[0]; /* the carrier has it twice, and keeps one back */
	wire_run();
	assert_int_equal(a.n, 1);
	assert_int_equal(w.runs, 1);
	begin(&b, LATER, "", CW_OK);
	wire_run();
	wire_server(9);
	w.in.n = 1;
	w.in.m[0] = w.in.m[1];
	wire_run();
	assert_int_equal(w.runs, 2);
	assert_int_equal(b.n, 1); /* so that the client learns that it has a new one */
	assert_int_equal(b.status, CW_ERESET);
	assert_int_equal(w.client[0].downs, 1);
	assert_int_equal(w.client[0].ups, 2);
	assert_int_equal(call(ECHO, "anew", reply, sizeof(reply)), 0);
}

static void a_call_across_a_restart_is_told(void **state)
{
	char reply[WIRE_SIZE];

	(void)state;
	wire_start(7);
	wire_server(9);
	assert_int_equal(call(ECHO, "x", reply, sizeof(reply)), CW_ERESET);
	assert_int_equal(w.runs, 0);
	assert_int_equal(call(ECHO, "x", reply, sizeof(reply)), 0);
}

static void answers_to_an_old_life_are_not_taken(void **state)
{
	struct wire_message old[2];

	(void)state;
	wire_start(7);
	begin(&a, ECHO, "old", CW_OK);
	w.client[0].in.full = false;
	while (!w.client[0].in.n) { /* its answer, and a WELCOME, stay on their way */
		struct wire_message m = w.in.m[0];

		memmove(&w.in.m[0], &w.in.m[1], --w.in.n * sizeof(m));
		cw_rpc_server_receive(&w.s, m.from, m.bytes, m.len);
	}
	old[0] = w.client[0].in.m[0];
	w.client[0].in.n = 0;
	wire_put(&w.client[0].in, 0, CW_RPC_WELCOME, 2, c->session, 1, WIRE_SIZE);
	old[1] = w.client[0].in.m[0];
	w.client[0].in.n = 0;

	wire_client(0,
		    40); /* the client's new life; its first call has the number of the old one */
	w.client[0].in.m[w.client[0].in.n++] = old[1];
	wire_run();
	begin(&b, ECHO, "new", CW_OK);
	w.client[0].in.m[0] = old[0];
	w.client[0].in.n = 1;
	wire_run();
	assert_int_equal(b.n, 1);
	assert_string_equal(b.text, "new");
	assert_int_equal(c->count.twice, 1);
	assert_int_equal(c->count.bad, 1);
}

static void a_welcome_to_an_earlier_question_is_too_late(void **state)
{
	uint32_t nonce;

	(void)state;
	wire_start(7);
	nonce = c->nonce;
	w.in.full = true;
	wire_put(&w.client[0].in, 0, CW_RPC_REFUSED, 0, c->session, 0, (uint32_t)CW_ERESET);
	wire_put(&w.client[0].in, 0, CW_RPC_WELCOME, 2, 8, nonce, WIRE_SIZE);
	wire_run();
	assert_int_equal(c->session, 0);
	assert_int_equal(w.client[0].downs, 1);
}

static void who_restarts_with_the_same_nonce_is_new_all_the_same(void **state)
{
	char reply[WIRE_SIZE];

	(void)state;
	wire_start(7);
	for (unsigned int i = 0; i < 3; i++) {
		assert_int_equal(call(ECHO, "x", reply, sizeof(reply)), 0);
		wire_client(0, 1);
	}
	assert_int_equal(call(ECHO, "x", reply, sizeof(reply)), 0);
	assert_int_equal(w.runs, 4);
}

static void a_server_may_have_no_session(void **state)
{
	const uint8_t other[CW_RPC_HEADER] = { 2, CW_RPC_HELLO };
	char reply[WIRE_SIZE];

	(void)state;
	wire_start(7);
	w.dead = true;
	wire_client(0, 50);
	wire_put(&w.client[0].in, 0, CW_RPC_REFUSED, 0, 0, c->nonce + 1, (uint32_t)CW_EVERSION);
	wire_put(&w.client[0].in, 0, CW_RPC_REFUSED, 0, 0, c->nonce, (uint32_t)CW_EVERSION);
	assert_int_equal(call(ECHO, "x", reply, sizeof(reply)), CW_EVERSION);
	assert_int_equal(c->count.bad, 1);
	w.dead = false;
	w.now += 1000001;
	assert_int_equal(call(ECHO, "x", reply, sizeof(reply)), CW_EVERSION); /* which asks again */
	wire_run();
	assert_int_equal(call(ECHO, "x", reply, sizeof(reply)), 0);
	w.client[0].in.sent = 0;
	assert_int_equal(cw_rpc_server_receive(&w.s, 100, other, sizeof(other)), CW_EPEER);
	assert_int_equal(w.client[0].in.m[0].bytes[1], CW_RPC_REFUSED);
	assert_int_equal((int32_t)cw_peek32(w.client[0].in.m[0].bytes + 12), CW_EVERSION);
}

static void messages_that_make_no_sense(void **state)
{
	uint8_t m[WIRE_SIZE + 1] = { CW_RPC_VERSION, CW_RPC_CALL, ECHO };
	char reply[WIRE_SIZE];

	(void)state;
	wire_start(7);
	cw_poke32(m + 4, c->session);
	cw_poke32(m + 8, 500);
	assert_int_equal(cw_rpc_server_receive(&w.s, 100, m, sizeof(m)), CW_EPEER);
	assert_int_equal(cw_rpc_server_receive(&w.s, 100, m, CW_RPC_HEADER - 1), CW_EPEER);
	assert_int_equal(cw_rpc_server_receive(&w.s, 100, NULL, 0), CW_EPEER);
	assert_int_equal(cw_rpc_client_receive(c, m, sizeof(m)), CW_EPEER);
	assert_int_equal(cw_rpc_client_receive(c, NULL, 0), CW_EPEER);
	assert_int_equal(w.runs, 0);
	assert_int_equal(cw_rpc_client_receive(c, m, CW_RPC_HEADER), CW_ENOTSUP);
	assert_int_equal(cw_rpc_server_receive(&w.s, 100, m, WIRE_SIZE), CW_OK);
	assert_int_equal(w.runs, 1);
	/* An answer to another method than was asked. */
	begin(&a, LATER, "", CW_OK);
	wire_put(&w.client[0].in, 0, CW_RPC_ANSWER, ECHO, c->session, c->next_id - 1, 0);
	wire_put(&w.client[0].in, 0, CW_RPC_ANSWER, LATER, c->session, c->next_id - 1,
		 (uint32_t)-64);
	wire_run();
	assert_int_equal(a.n, 1);
	assert_int_equal(a.status, CW_EPEER); /* there is no such error */
	/* Sessions that cannot be. */
	w.dead = true;
	wire_client(0, 60);
	wire_put(&w.client[0].in, 0, CW_RPC_WELCOME, 2, 0, c->nonce, WIRE_SIZE);
	wire_put(&w.client[0].in, 0, CW_RPC_WELCOME, 0, 8, c->nonce, WIRE_SIZE);
	wire_put(&w.client[0].in, 0, CW_RPC_WELCOME, 2, 8, c->nonce, CW_RPC_LEAST - 1);
	wire_run();
	assert_int_equal(c->session, 0);
	w.dead = false;
	assert_int_equal(call(ECHO, "x", reply, sizeof(reply)), 0);
}

static void an_ended_session_voids_its_calls(void **state)
{
	struct cw_rpc_request *old;

	(void)state;
	wire_start(7);
	begin(&a, LATER, "", CW_OK);
	wire_run();
	old = w.later;
	wire_client(0, 30);
	wire_run();
	assert_int_equal(w.ended, 1);
	assert_false(cw_rpc_wanted(old, w.now));
	begin(&b, LATER, "", CW_OK);
	wire_run();
	assert_ptr_not_equal(w.later, old); /* who works for it may still have it */
	w.client[0].in.sent = 0;
	cw_rpc_answer(old, 0);
	assert_int_equal(w.client[0].in.sent, 0);
	assert_int_equal(w.peer[0].under_way, 1);
	cw_rpc_answer(w.later, 3);
	wire_run();
	assert_int_equal(b.status, 3);
}

static void a_client_may_leave(void **state)
{
	(void)state;
	wire_start(7);
	begin(&a, LATER, "", CW_OK);
	cw_rpc_client_end(c);
	assert_int_equal(a.status, CW_ERESET);
	wire_run();
	assert_int_equal(w.ended, 1);
	assert_int_equal(w.ended_session, 8);
	begin(&a, ECHO, "", CW_EAGAIN); /* which asks for the next */
	wire_run();
	assert_int_equal(w.client[0].ups, 2);
	cw_rpc_server_down(&w.s);
	assert_int_equal(w.ended, 2);
}

static void one_client_more_takes_the_place_of_the_silent_one(void **state)
{
	char reply[WIRE_SIZE];

	(void)state;
	wire_start(7);
	wire_client(1, 1);
	wire_run();
	assert_int_equal(call(ECHO, "x", reply, sizeof(reply)), 0);
	wire_client(2, 1);
	wire_run();
	assert_int_equal(w.ended, 1);
	assert_int_equal(w.ended_session, 9); /* the second's */
	assert_int_equal(call(ECHO, "x", reply, sizeof(reply)), 0);
	assert_int_equal(w.client[2].ups, 1);
}

/* ---- room ---- */

static void an_answer_waits_for_room(void **state)
{
	(void)state;
	wire_start(7);
	begin(&a, ECHO, "kept", CW_OK);
	w.client[0].in.full = true;
	wire_run();
	assert_int_equal(cw_rpc_server_poll(&w.s), 1);
	w.client[0].in.full = false;
	assert_int_equal(cw_rpc_server_poll(&w.s), 0);
	wire_run();
	assert_int_equal(a.n, 1);
	assert_string_equal(a.text, "kept");
	assert_int_equal(w.runs, 1);
}

static void a_call_waits_for_room(void **state)
{
	char reply[WIRE_SIZE];

	(void)state;
	wire_start(7);
	w.in.full = true;
	begin(&a, ECHO, "", CW_EAGAIN);
	assert_int_equal(call(ECHO, "x", reply, sizeof(reply)), CW_ETIMEDOUT);
	assert_int_equal(c->under_way, 0);
	w.in.full = false;
	assert_int_equal(call(ECHO, "x", reply, sizeof(reply)), 0);
	assert_int_equal(w.runs, 1);
}

static void in_a_callback(void *ctx, int32_t status, const uint8_t *data, uint32_t len)
{
	const struct cw_rpc_ask ask = wire_ask(ECHO, "x");
	int32_t *got = ctx;

	(void)status;
	(void)data;
	(void)len;
	*got = cw_rpc_call(c, &ask, NULL, NULL);
}

static void nobody_waits_in_a_callback(void **state)
{
	const struct cw_rpc_ask ask = wire_ask(ECHO, "x");
	int32_t got = 0;

	(void)state;
	wire_start(7);
	assert_int_equal(cw_rpc_begin(c, &ask, in_a_callback, &got, NULL), CW_OK);
	wire_run();
	assert_int_equal(got, CW_EAGAIN);
	assert_int_equal(w.runs, 1);
}

/* Lost, repeated and late at random: each call ends once, and runs at most once. */
static void whatever_the_carrier_does(void **state)
{
	uint64_t seed = 0x5eed;
	unsigned int made = 0, answered = 0;

	(void)state;
	wire_start(7);
	memset(many, 0, sizeof(many));
	for (unsigned int i = 0; i < 4000; i++) {
		uint32_t dice = unit_random(&seed) % 16;
		struct wire_end *e = &many[i % ARRAY_SIZE(many)];
		const struct cw_rpc_ask ask = wire_ask(ECHO, "x");

		w.in.lose = dice == 0;
		w.client[0].in.lose = dice == 1;
		w.in.twice = dice == 2;
		w.client[0].in.twice = dice == 3;
		if (cw_rpc_begin(c, &ask, wire_done, e, NULL) == CW_OK)
			made++;
		if (dice != 4)
			wire_run();
		if (dice == 5)
			w.now += 1000000;
		cw_rpc_client_poll(c);
	}
	w.in.lose = w.client[0].in.lose = 0;
	wire_run();
	w.now += 2000000;
	cw_rpc_client_poll(c);
	assert_int_equal(c->under_way, 0);
	for (unsigned int i = 0; i < ARRAY_SIZE(many); i++)
		answered += many[i].n;
	assert_int_equal(answered, made);
	assert_true(w.runs <= made && made > 1000);
	assert_int_equal(w.s.count.calls, w.runs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_comes_back),
		cmocka_unit_test(two_runs_of_bytes_are_one_call),
		cmocka_unit_test(many_calls_are_under_way_at_once),
		cmocka_unit_test(a_client_that_asks_for_more_than_its_share_is_told),
		cmocka_unit_test(a_deadline_ends_a_call_and_the_server_knows),
		cmocka_unit_test(a_late_answer_is_not_taken_for_another),
		cmocka_unit_test(a_call_may_be_cancelled),
		cmocka_unit_test(who_only_tells_gets_no_answer),
		cmocka_unit_test(what_comes_twice_runs_once),
		cmocka_unit_test(the_window_knows_the_last_ones),
		cmocka_unit_test(a_lost_hello_is_said_again),
		cmocka_unit_test(nobody_there_is_a_timeout),
		cmocka_unit_test(a_restarted_server_does_not_run_what_the_former_may_have),
		cmocka_unit_test(a_call_across_a_restart_is_told),
		cmocka_unit_test(answers_to_an_old_life_are_not_taken),
		cmocka_unit_test(a_welcome_to_an_earlier_question_is_too_late),
		cmocka_unit_test(who_restarts_with_the_same_nonce_is_new_all_the_same),
		cmocka_unit_test(a_server_may_have_no_session),
		cmocka_unit_test(messages_that_make_no_sense),
		cmocka_unit_test(an_ended_session_voids_its_calls),
		cmocka_unit_test(a_client_may_leave),
		cmocka_unit_test(one_client_more_takes_the_place_of_the_silent_one),
		cmocka_unit_test(an_answer_waits_for_room),
		cmocka_unit_test(a_call_waits_for_room),
		cmocka_unit_test(nobody_waits_in_a_callback),
		cmocka_unit_test(whatever_the_carrier_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
