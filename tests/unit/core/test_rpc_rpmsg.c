// SPDX-License-Identifier: BSD-3-Clause
/* Calls over RPMsg, and what a peer that keeps no rule can say. */
#include "rpmsg_pair.h"

#include <causeway/core/rpc_rpmsg.h>

#define SIZE  496u
#define CALLS 4u

static struct {
	struct cw_rpc_rpmsg g;
	struct cw_rpc_client c;
	struct cw_rpc_call call[CALLS];
	uint8_t in[SIZE], out[SIZE];
	unsigned int ups, downs;
} near;

static struct {
	struct cw_rpc_rpmsg g;
	struct cw_rpc_server s;
	struct cw_rpc_request request[CALLS];
	struct cw_rpc_peer peer[1];
	uint8_t in[SIZE], memory[2 * CALLS * SIZE];
	unsigned int runs, ended;
} far;

static int32_t echo(struct cw_rpc_request *r)
{
	far.runs++;
	memcpy(r->reply, r->args, r->len);
	r->reply_len = r->len;
	return 0;
}

static const struct cw_rpc_method methods[] = { { 1, 0, echo } };

static void session(void *app, bool there)
{
	(void)app;
	near.ups += there;
	near.downs += !there;
}

static void ended(void *app, uint32_t from, uint32_t number)
{
	(void)app;
	(void)from;
	(void)number;
	far.ended++;
}

static void open_far(void)
{
	const struct cw_rpmsg_spec spec = { .name = "calls",
					    .addr = CW_RPMSG_ANY,
					    .dst = CW_RPMSG_ANY };
	const struct cw_rpc_server_config conf = { .carrier = &cw_rpc_rpmsg_carrier,
						   .ctx = &far.g,
						   .method = methods,
						   .methods = 1,
						   .request = far.request,
						   .requests = CALLS,
						   .peer = far.peer,
						   .peers = 1,
						   .size = SIZE,
						   .memory = far.memory,
						   .life = 3,
						   .ended = ended };

	memset(&far, 0, sizeof(far));
	far.g.server = &far.s;
	far.g.in = far.in;
	far.g.size = SIZE;
	assert_int_equal(cw_rpc_server_init(&far.s, &conf), CW_OK);
	assert_int_equal(cw_rpc_rpmsg_open(&far.g, &p.side[REMOTE].ch, &spec), CW_OK);
}

static void open_near(uint32_t dst)
{
	const struct cw_rpmsg_spec spec = { .name = dst == CW_RPMSG_ANY ? "calls" : NULL,
					    .addr = CW_RPMSG_ANY,
					    .dst = dst };
	const struct cw_rpc_client_config conf = { .carrier = &cw_rpc_rpmsg_carrier,
						   .ctx = &near.g,
						   .call = near.call,
						   .calls = CALLS,
						   .out = near.out,
						   .size = SIZE,
						   .nonce = 1,
						   .session = session };

	memset(&near, 0, sizeof(near));
	near.g.client = &near.c;
	near.g.in = near.in;
	near.g.size = SIZE;
	assert_int_equal(cw_rpc_client_init(&near.c, &conf), CW_OK);
	assert_int_equal(cw_rpc_rpmsg_open(&near.g, &p.side[HOST].ch, &spec), CW_OK);
}

static int32_t call(const void *bytes, uint32_t len, void *reply, uint32_t room)
{
	const struct cw_rpc_ask ask = {
		.method = 1, .args = bytes, .len = len, .timeout = 1000000
	};

	return cw_rpc_call(&near.c, &ask, reply, &room);
}

static void calls_over_a_channel(void **state)
{
	uint8_t full[SIZE - CW_RPC_HEADER], back[SIZE];

	(void)state;
	pair_start(NULL);
	open_far();
	open_near(CW_RPMSG_ANY);
	memset(full, 0x5a, sizeof(full));
	assert_int_equal(call("hello", 5, back, sizeof(back)), 0);
	assert_memory_equal(back, "hello", 5);
	assert_int_equal(cw_rpc_client_room(&near.c), sizeof(full));
	assert_int_equal(call(full, sizeof(full), back, sizeof(back)), 0);
	assert_memory_equal(back, full, sizeof(full));
	assert_int_equal(call(full, sizeof(full) + 1, back, sizeof(back)), CW_EINVAL);
	for (unsigned int i = 0; i < 1000; i++)
		assert_int_equal(call(&i, sizeof(i), back, sizeof(back)), 0);
	assert_int_equal(far.runs, 1002);
	assert_int_equal(near.ups, 1);
}

static void the_size_of_buffers_limits_calls(void **state)
{
	const struct pair_options o = { .to_host = 96, .to_remote = 160 };
	uint8_t back[SIZE];

	(void)state;
	pair_start(&o);
	open_far();
	open_near(CW_RPMSG_ANY);
	assert_int_equal(call(back, 64, back, sizeof(back)), 0); /* what comes back fits just so */
	assert_int_equal(cw_rpc_client_room(&near.c), 160 - 16 - 16);
	assert_int_equal(call(back, 65, back, sizeof(back)), CW_EINTERNAL);
}

static void a_channel_that_ends_ends_the_session(void **state)
{
	uint8_t back[SIZE];

	(void)state;
	pair_start(NULL);
	open_far();
	open_near(CW_RPMSG_ANY);
	assert_int_equal(call("x", 1, back, sizeof(back)), 0);
	pair_down();
	assert_int_equal(near.downs, 1);
	assert_int_equal(far.ended, 1);
	assert_int_equal(call("x", 1, back, sizeof(back)), CW_EDOWN);
	pair_up();
	assert_int_equal(call("x", 1, back, sizeof(back)), 0);
	assert_int_equal(near.ups, 2);
	p.check = CW_ERESET;
	assert_int_equal(call("x", 1, back, sizeof(back)), CW_ERESET);
	assert_int_equal(near.downs, 2);
	cw_rpc_rpmsg_close(&near.g);
	cw_rpc_rpmsg_close(&far.g);
	cw_rpc_rpmsg_close(&far.g);
}

static void addresses_may_be_fixed(void **state)
{
	uint8_t back[SIZE];

	(void)state;
	pair_start(NULL);
	open_far();
	open_near(far.g.e->addr);
	assert_int_equal(call("x", 1, back, sizeof(back)), 0);
	assert_int_equal(near.ups, 1);
}

static void what_is_longer_than_our_memory_is_dropped(void **state)
{
	const struct pair_options o = { .to_host = 1040, .to_remote = 1040 };
	static struct pair_box box;
	uint8_t m[1000] = { CW_RPC_VERSION, CW_RPC_HELLO };

	(void)state;
	pair_start(&o);
	open_far();
	pair_open(HOST, &box, NULL, CW_RPMSG_ANY, CW_RPMSG_ANY);
	assert_int_equal(cw_rpmsg_sendto(box.e, far.g.e->addr, m, SIZE + 1, 0), CW_OK);
	pair_settle();
	assert_int_equal(far.g.bad, 1);
	assert_int_equal(far.s.count.bad, 0);
	assert_int_equal(cw_rpmsg_sendto(box.e, far.g.e->addr, m, SIZE, 0), CW_OK);
	pair_settle();
	assert_int_equal(far.g.bad, 1);
	assert_int_equal(far.s.count.bad, 1);
}

/* Anything at all, in both roles: nothing is run twice, nothing is written past its end. */
static void noise(void **state)
{
	static struct pair_box box;
	uint64_t seed = 77;
	uint8_t m[SIZE + 8];

	(void)state;
	pair_start(NULL);
	open_far();
	open_near(CW_RPMSG_ANY);
	pair_settle();
	pair_open(HOST, &box, NULL, CW_RPMSG_ANY, CW_RPMSG_ANY);
	for (unsigned int i = 0; i < 20000; i++) {
		uint32_t len = unit_random(&seed) % 40;

		for (unsigned int k = 0; k < sizeof(m); k++)
			m[k] = (uint8_t)(unit_random(&seed) % 9);
		m[0] = unit_random(&seed) % 8 ? 1 : 2;
		m[12] = m[13] = 0xff; /* words that are great now and then */
		len = unit_random(&seed) % 64 ? len : SIZE;
		if (i & 1)
			cw_rpmsg_sendto(box.e, far.g.e->addr, m, len, 0);
		else
			cw_rpmsg_sendto(far.g.e, near.g.e->addr, m, len, 0);
		pair_settle();
	}
	assert_true(far.s.count.bad > 1000 && far.s.count.twice > 100);
	assert_true(near.c.count.bad > 1000);
	assert_int_equal(far.s.count.calls, far.runs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(calls_over_a_channel),
		cmocka_unit_test(the_size_of_buffers_limits_calls),
		cmocka_unit_test(a_channel_that_ends_ends_the_session),
		cmocka_unit_test(addresses_may_be_fixed),
		cmocka_unit_test(what_is_longer_than_our_memory_is_dropped),
		cmocka_unit_test(noise),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
