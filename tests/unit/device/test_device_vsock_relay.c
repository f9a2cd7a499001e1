// SPDX-License-Identifier: BSD-3-Clause
/* A socket device whose rings somebody else runs: when he has them, when not, and what he is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "pair.h"

#include <causeway/core/shm.h>
#include <causeway/device/vsock_relay.h>

#define SIZE	 16
#define RX	 CW_VSOCK_QUEUE_RX
#define TX	 CW_VSOCK_QUEUE_TX
#define EVENT	 CW_VSOCK_QUEUE_EVENT
#define ALL	 (CW_F_VERSION_1 | CW_F_INDIRECT_DESC | CW_F_EVENT_IDX)
#define RUNNER	 (ALL | CW_VSOCK_F_SEQPACKET | 1ull << 24 | 1ull << 33) /* as vhost's */
#define SET_UP	 (CW_STATUS_ACKNOWLEDGE | CW_STATUS_DRIVER)
#define ACCEPTED (SET_UP | CW_STATUS_FEATURES_OK)
#define RUNNING	 (ACCEPTED | CW_STATUS_DRIVER_OK)

static struct {
	struct pair pair;
	struct cw_vsock_relay relay;
	struct cw_vsock_relay_ring ring[CW_VSOCK_RELAYED];
	uint64_t features;
	uint16_t reached[CW_VSOCK_RELAYED]; /* what stop() tells */
	unsigned int starts, stops, overs, kicks[CW_VSOCK_RELAYED];
	uint32_t told[3];
	int answer;
	bool running;
} t;

static int start(void *ctx, uint64_t features,
		 const struct cw_vsock_relay_ring ring[CW_VSOCK_RELAYED])
{
	assert_ptr_equal(ctx, &t);
	assert_false(t.running);
	t.starts++;
	if (t.answer)
		return t.answer;
	t.features = features;
	memcpy(t.ring, ring, sizeof(t.ring));
	t.running = true;
	return CW_OK;
}

static void stop(void *ctx, bool over, uint16_t base[CW_VSOCK_RELAYED])
{
	assert_ptr_equal(ctx, &t);
	assert_true(t.running);
	t.running = false;
	t.stops++;
	t.overs += over;
	memcpy(base, t.reached, sizeof(t.reached));
}

static void kick(void *ctx, unsigned int q)
{
	assert_ptr_equal(ctx, &t);
	assert_true(t.running);
	assert_in_range(q, 0, CW_VSOCK_RELAYED - 1);
	t.kicks[q]++;
}

static const struct cw_vsock_relay_ops ops = { start, stop, kick };

static void used(struct cw_device *d, unsigned int q, uint32_t running)
{
	(void)d;
	t.pair.told[q]++;
	t.told[q] = running;
}

static void changed(struct cw_device *d)
{
	(void)d;
	t.pair.changed++;
}

static const struct cw_device_transport_ops transport = { used, changed };

static int set_up(void **state)
{
	(void)state;
	memset(&t, 0, sizeof(t));
	pair_init(&t.pair, 3, SIZE, 8192);
	assert_int_equal(cw_vsock_relay_init(&t.relay, &ops, &t, 42, RUNNER, t.pair.q), CW_OK);
	t.pair.dev = &t.relay.dev;
	t.relay.dev.window = t.pair.win;
	t.relay.dev.transport = &transport;
	t.relay.dev.transport_ctx = &t.pair;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	pair_free(&t.pair);
	return 0;
}

static int status(uint32_t s)
{
	return cw_device_set_status(&t.relay.dev, s);
}

static void negotiate(uint64_t features)
{
	t.pair.used_bytes = 0;
	assert_int_equal(status(0), CW_RESULT_OK);
	assert_int_equal(status(SET_UP), CW_RESULT_OK);
	cw_device_set_features(&t.relay.dev, features);
	assert_int_equal(status(ACCEPTED), CW_RESULT_OK);
}

static void queue_up(unsigned int q)
{
	pair_queue_up(&t.pair, q, true);
}

static void up(void)
{
	negotiate(t.relay.dev.offered);
	for (unsigned int q = 0; q < 3; q++)
		queue_up(q);
	assert_int_equal(t.starts, 0);
	assert_int_equal(status(RUNNING), CW_RESULT_OK);
	assert_int_equal(t.starts, 1);
}

static struct cw_device_queue *queue(unsigned int q)
{
	return &t.relay.dev.queue[q];
}

static void has_the_rings(void **state)
{
	(void)state;
	assert_int_equal(t.relay.dev.offered,
			 ALL | CW_F_RING_RESET | CW_VSOCK_F_STREAM | CW_VSOCK_F_SEQPACKET);
	up();
	assert_true(t.running);
	assert_int_equal(t.features, ALL | CW_VSOCK_F_SEQPACKET);
	for (unsigned int q = 0; q < CW_VSOCK_RELAYED; q++) {
		const struct cw_vsock_relay_ring *r = &t.ring[q];

		assert_ptr_equal(r->desc, cw_window_ptr(&t.pair.win, queue(q)->desc, 1));
		assert_ptr_equal(r->avail, cw_window_ptr(&t.pair.win, queue(q)->avail, 1));
		assert_ptr_equal(r->used, cw_window_ptr(&t.pair.win, queue(q)->used, 1));
		assert_int_equal(r->num, SIZE);
		assert_int_equal(r->base, 0);
		assert_int_equal(t.kicks[q], 1); /* for what came before */
	}
}

static void knows_what_was_accepted(void **state)
{
	(void)state;
	negotiate(CW_F_VERSION_1);
	queue_up(RX);
	queue_up(TX);
	status(RUNNING);
	assert_int_equal(t.features, CW_F_VERSION_1);
}

static void waits_for_both_queues(void **state)
{
	(void)state;
	negotiate(CW_F_VERSION_1);
	queue_up(TX);
	queue_up(EVENT);
	status(RUNNING);
	assert_int_equal(t.starts, 0);
	cw_device_kicked(&t.relay.dev, TX); /* kick() would object */
	queue_up(RX);
	assert_true(t.running);
	assert_int_equal(t.kicks[TX], 1);
}

/* Not a byte of a ring that runs elsewhere is stored to, whatever happens here. */
static void leaves_the_rings_alone(void **state)
{
	static unsigned char before[8192];
	struct cw_device *d = &t.relay.dev;

	(void)state;
	up();
	for (unsigned int q = 0; q < CW_VSOCK_RELAYED; q++) {
		memset(t.ring[q].used, 0xa5, CW_RING_USED_BYTES(SIZE));
		((unsigned char *)t.ring[q].avail)[2] = 9; /* chains are there */
	}
	memcpy(before, t.pair.mem, sizeof(before));
	for (unsigned int q = 0; q < CW_VSOCK_RELAYED; q++) {
		assert_true(cw_device_kicked(d, q));
		cw_device_wake(d, q);
		assert_false(cw_device_look(d));
		assert_false(cw_device_serve(d));
		assert_false(cw_device_arm(d));
		cw_vsock_relay_used(&t.relay, q);
		assert_int_equal(t.kicks[q], 2);
	}
	assert_memory_equal(before, t.pair.mem, sizeof(before));
	assert_int_equal(d->count.kicks, 2);
	assert_int_equal(d->count.served, 0);
}

static void publish(unsigned int q, uint16_t idx)
{
	struct cw_abi_used *u = t.ring[q].used;

	cw_store16(&u->idx, idx);
	cw_vsock_relay_used(&t.relay, q);
}

static void tells_how_far(void **state)
{
	(void)state;
	up();
	publish(RX, 3);
	assert_int_equal(t.told[RX], 3);
	publish(RX, 3);
	assert_int_equal(t.told[RX], 3);
	publish(RX, 65530);
	publish(RX, 2);
	assert_int_equal(t.told[RX], 65536 + 2); /* it does not wrap as the ring's does */
	assert_int_equal(t.pair.told[RX], 4);
	assert_int_equal(t.pair.told[TX], 0);
	publish(TX, 1);
	assert_int_equal(t.told[TX], 1);
	status(0);
	publish(TX, 5); /* late */
	assert_int_equal(t.pair.told[TX], 1);
}

static void reset_ends_it(void **state)
{
	(void)state;
	up();
	assert_false(t.relay.dev.ops->quiet(&t.relay.dev));
	assert_int_equal(status(0), CW_RESULT_OK);
	assert_false(t.running);
	assert_int_equal(t.overs, 1);
	assert_int_equal(t.relay.dev.status, 0);
	assert_true(t.relay.dev.ops->quiet(&t.relay.dev));
	assert_false(cw_device_kicked(&t.relay.dev, TX));
	status(0);
	assert_int_equal(t.stops, 1);
	t.starts = 0;
	up();
	assert_int_equal(t.ring[TX].base, 0);
}

static void reset_of_one_queue(void **state)
{
	(void)state;
	up();
	t.reached[RX] = 100;
	t.reached[TX] = 65535;
	assert_int_equal(cw_device_queue_reset(&t.relay.dev, RX), CW_RESULT_OK);
	assert_false(t.running);
	assert_int_equal(t.overs, 0);
	cw_device_kicked(&t.relay.dev, TX);
	queue_up(RX);
	assert_true(t.running);
	assert_int_equal(t.ring[RX].base, 0);
	assert_int_equal(t.ring[TX].base, 65535);
	assert_int_equal(cw_device_queue_reset(&t.relay.dev, EVENT), CW_RESULT_OK);
	assert_true(t.running);
}

static void not_yet(void **state)
{
	(void)state;
	t.answer = CW_EAGAIN;
	up();
	assert_int_equal(t.relay.dev.status, RUNNING);
	assert_true(cw_vsock_relay_wanted(&t.relay));
	cw_device_kicked(&t.relay.dev, TX);
	t.answer = 0;
	cw_vsock_relay_try(&t.relay);
	assert_true(t.running);
	assert_int_equal(t.kicks[TX], 1);
	assert_false(cw_vsock_relay_wanted(&t.relay));
	cw_vsock_relay_try(&t.relay);
	assert_int_equal(t.starts, 2);
}

static void gone_meanwhile(void **state)
{
	(void)state;
	t.answer = CW_EAGAIN;
	up();
	status(0);
	assert_int_equal(t.stops, 0);
	t.answer = 0;
	cw_vsock_relay_try(&t.relay);
	assert_false(t.running);
	cw_vsock_relay_failed(&t.relay, CW_EIO); /* nobody to tell */
	assert_int_equal(t.relay.dev.fault, 0);
}

static void fails(void **state)
{
	(void)state;
	t.answer = CW_EIO;
	up();
	assert_true(t.relay.dev.status & CW_STATUS_NEEDS_RESET);
	assert_int_equal(t.relay.dev.fault, CW_EIO);
	assert_int_equal(t.pair.changed, 1);
	t.answer = 0;
	cw_vsock_relay_try(&t.relay);
	assert_false(t.running);
	t.starts = 0;
	up();
	assert_true(t.running);
	cw_vsock_relay_failed(&t.relay, CW_EPEER);
	assert_false(t.running);
	assert_int_equal(t.overs, 1);
	assert_int_equal(t.relay.dev.fault, CW_EPEER);
	publish(RX, 1); /* late */
	assert_int_equal(t.pair.told[RX], 0);
}

/* What a driver may not have: never does a runner see it. */
static void refuses_addresses(void **state)
{
	static const struct {
		cw_addr_t desc, avail, used;
		uint16_t num;
	} bad[] = {
		{ PAIR_BASE - 4096, PAIR_BASE + 512, PAIR_BASE + 1024, 16 }, /* below */
		{ PAIR_BASE + 8192 - 128, PAIR_BASE, PAIR_BASE + 1024, 16 }, /* the end */
		{ PAIR_BASE, PAIR_BASE + 8190, PAIR_BASE + 1024, 16 },	     /* of avail */
		{ PAIR_BASE, PAIR_BASE + 512, PAIR_BASE + 8188, 16 },	     /* of used */
		{ PAIR_BASE, PAIR_BASE + 512, UINT64_MAX - 3, 16 },	     /* it wraps */
		{ PAIR_BASE, PAIR_BASE + 128, PAIR_BASE + 1024, 16 },	     /* onto itself */
		{ PAIR_BASE + 8, PAIR_BASE + 512, PAIR_BASE + 1024, 16 },    /* aligned to 8 */
		{ PAIR_BASE, PAIR_BASE + 513, PAIR_BASE + 1024, 16 },	     /* to 1 */
		{ PAIR_BASE, PAIR_BASE + 512, PAIR_BASE + 1026, 16 },	     /* to 2 */
		{ PAIR_BASE, PAIR_BASE + 512, PAIR_BASE + 1024, 12 },	     /* size */
		{ PAIR_BASE, PAIR_BASE + 512, PAIR_BASE + 1024, 0 },
		{ PAIR_BASE, PAIR_BASE + 512, PAIR_BASE + 1024, 32 },
	};

	(void)state;
	negotiate(CW_F_VERSION_1);
	status(RUNNING);
	t.pair.used_bytes = 4096;
	queue_up(TX);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		queue(RX)->desc = bad[i].desc;
		queue(RX)->avail = bad[i].avail;
		queue(RX)->used = bad[i].used;
		queue(RX)->num = bad[i].num;
		assert_int_not_equal(cw_device_queue_ready(&t.relay.dev, RX), CW_RESULT_OK);
	}
	queue(RX)->num = SIZE;
	queue(RX)->desc = queue(TX)->desc; /* another's */
	assert_int_equal(cw_device_queue_ready(&t.relay.dev, RX), CW_RESULT_ADDRESS);
	assert_int_equal(t.starts, 0);
	assert_false(t.relay.dev.status & CW_STATUS_NEEDS_RESET);
}

static void refuses_the_order(void **state)
{
	struct cw_device *d = &t.relay.dev;

	(void)state;
	status(SET_UP);
	queue(RX)->num = SIZE;
	assert_int_equal(cw_device_queue_ready(d, RX), CW_RESULT_STATE); /* before features */
	assert_int_equal(status(RUNNING & ~CW_STATUS_FEATURES_OK), CW_RESULT_STATE);
	for (int i = 0; i < 2; i++) { /* not offered; without VERSION_1 */
		status(0);
		status(SET_UP);
		cw_device_set_features(d, i ? CW_F_EVENT_IDX : CW_F_VERSION_1 | 1ull << 33);
		status(ACCEPTED);
		assert_false(d->status & CW_STATUS_FEATURES_OK);
		assert_int_equal(status(RUNNING), CW_RESULT_STATE);
	}
	assert_int_equal(t.starts, 0);
	up();
	assert_int_equal(cw_device_queue_ready(d, RX), CW_RESULT_STATE); /* twice */
	assert_int_equal(status(RUNNING), CW_RESULT_OK);
	cw_device_set_features(d, 0);
	assert_int_equal(t.starts, 1);
	assert_int_equal(t.stops, 0);
	assert_int_equal(cw_device_queue_ready(d, 3), CW_RESULT_VALUE);
	assert_false(cw_device_kicked(d, 3));
}

static void needs_a_runner_that_can(void **state)
{
	struct cw_vsock_relay *v = &t.relay;

	(void)state;
	assert_int_equal(cw_vsock_relay_init(v, &ops, &t, 2, RUNNER, t.pair.q), CW_EINVAL);
	assert_int_equal(cw_vsock_relay_init(v, &ops, &t, UINT32_MAX, RUNNER, t.pair.q), CW_EINVAL);
	assert_int_equal(cw_vsock_relay_init(v, &ops, &t, 3, RUNNER & ~CW_F_VERSION_1, t.pair.q),
			 CW_ENOTSUP);
	assert_int_equal(cw_vsock_relay_init(v, &ops, &t, 3, RUNNER & ~CW_F_EVENT_IDX, t.pair.q),
			 CW_ENOTSUP);
	assert_int_equal(cw_vsock_relay_init(v, &ops, &t, 3, ALL, t.pair.q), CW_OK);
	assert_false(v->dev.offered & CW_VSOCK_F_SEQPACKET);
	assert_int_equal(v->dev.config[0], 3);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(has_the_rings),	       TEST(knows_what_was_accepted),
		TEST(waits_for_both_queues),   TEST(leaves_the_rings_alone),
		TEST(tells_how_far),	       TEST(reset_ends_it),
		TEST(reset_of_one_queue),      TEST(not_yet),
		TEST(gone_meanwhile),	       TEST(fails),
		TEST(refuses_addresses),       TEST(refuses_the_order),
		TEST(needs_a_runner_that_can),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
