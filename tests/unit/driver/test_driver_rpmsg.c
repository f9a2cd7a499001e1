// SPDX-License-Identifier: BSD-3-Clause
/* RPMsg over virtio: the driver (host) against the device library (remote), restarts and bad devices. */
#include "world.h"

#include <causeway/core/bytes.h>

#define ANY CW_RPMSG_ANY

static struct cw_rpmsg_driver d;
static struct cw_rpmsg ch;
static struct cw_rpmsg_endpoint ept[4];
static struct cw_rpmsg_service svc[4];
static struct cw_rpmsg_endpoint *e;
static unsigned int got, ups, downs, peers, losses;
static uint8_t text[8192];
static uint32_t text_len;

static int receive(struct cw_rpmsg_endpoint *to, const struct cw_rpmsg_msg *m)
{
	(void)to;
	got++;
	text_len = cw_rpmsg_copy(m, 0, text, sizeof(text));
	return 0;
}

static void peer(struct cw_rpmsg_endpoint *of, bool has)
{
	(void)of;
	peers += has;
	losses += !has;
}

static void link_changed(void *ctx, bool up)
{
	(void)ctx;
	ups += up;
	downs += !up;
}

static const struct cw_rpmsg_endpoint_ops ops = { .receive = receive, .peer = peer };
static const struct cw_rpmsg_ops link_ops = { .link = link_changed };

static void make_channel(bool nuttx)
{
	static uint8_t assembly[8192];
	const struct cw_rpmsg_config c = { .endpoint = ept,
					   .endpoints = 4,
					   .service = svc,
					   .services = 4,
					   .ops = &link_ops,
					   .fragment = &cw_rpmsg_fragment,
					   .credit = &cw_rpmsg_credit,
					   .nuttx = nuttx };
	const struct cw_rpmsg_spec s = { .name = "echo",
					 .addr = ANY,
					 .dst = ANY,
					 .ops = &ops,
					 .assembly = assembly,
					 .assembly_size = sizeof(assembly) };

	got = ups = downs = peers = losses = 0;
	assert_int_equal(cw_rpmsg_init(&ch, &c), CW_OK);
	assert_int_equal(cw_rpmsg_create(&ch, &s, &e), CW_OK);
}

static void opened(const struct world_options *o)
{
	world_start(o);
	make_channel(o && o->nuttx);
	assert_int_equal(cw_rpmsg_driver_open(&d, &ch, &w.mmio[RPMSG].transport), CW_OK);
}

/* As a main loop does. */
static void until(unsigned int messages)
{
	for (unsigned int i = 0; got < messages; i++) {
		int n = cw_rpmsg_driver_poll(&d, 8);

		assert_true(n >= 0);
		assert_true(i < 1000);
		if (!n && !cw_rpmsg_driver_arm(&d))
			world_pass();
	}
}

static void echoed(const char *what)
{
	unsigned int before = got;

	assert_int_equal(cw_rpmsg_send(e, what, (uint32_t)strlen(what), 1000000), CW_OK);
	until(before + 1);
	assert_int_equal(text_len, strlen(what));
	assert_memory_equal(text, what, text_len);
}

static void messages_go_and_come(void **state)
{
	char line[16] = "message ?";

	(void)state;
	opened(NULL);
	for (int i = 0; i < 200; i++) {
		line[8] = (char)('A' + i % 26);
		echoed(line);
	}
	assert_int_equal(w.echoes, 200);
	assert_int_equal(peers, 1);
	assert_int_equal(ups, 1);
	assert_int_equal(ch.count.bad + ch.count.unknown + w.channel.count.bad, 0);
}

static void sizes_of_buffers_come_from_the_configuration(void **state)
{
	const struct world_options o = { .to_host = 272, .to_remote = 1000 };

	(void)state;
	opened(&o);
	assert_int_equal(cw_rpmsg_mtu(&ch), 984);
	assert_int_equal(d.host.q.rx[0].len, 272);
	echoed("sizes");
	world_pmm();
	assert_int_equal(cw_rpmsg_mtu(&w.channel), 256);
}

static void nuttx_has_other_bits_and_another_order(void **state)
{
	const struct world_options o = { .to_host = 272, .to_remote = 1000, .nuttx = true };

	(void)state;
	opened(&o);
	assert_true(ch.features & CW_RPMSG_F_NUTTX_BUFSZ);
	assert_int_equal(cw_rpmsg_mtu(&ch), 984);
	assert_int_equal(d.host.q.rx[0].len, 272);
	echoed("nuttx");
}

static void a_small_block_has_fewer_buffers(void **state)
{
	const struct world_options o = { .rpmsg_block = 4 * CW_PAGE_SIZE };

	(void)state;
	opened(&o);
	assert_in_range(d.host.q.tx_n, 1, 8);
	echoed("few");
}

static void too_small_a_block_is_refused(void **state)
{
	const struct world_options o = { .to_host = 40000, .to_remote = 40000 };

	(void)state;
	world_start(&o);
	make_channel(false);
	assert_int_equal(cw_rpmsg_driver_open(&d, &ch, &w.mmio[RPMSG].transport), CW_ENOSPC);
	assert_false(cw_rpmsg_is_up(&ch));
}

/* Row 71: sizes that cannot be. */
static void row71_bad_configurations_are_refused(void **state)
{
	static const struct {
		uint8_t at, value;
		int err;
	} bad[] = { { 0, 2, CW_EVERSION },   { 0, 0, CW_EVERSION },   { 1, 12, CW_EVERSION },
		    { 2, 1, CW_EVERSION },   { 3, 15, CW_EBADLEN },   { 7, 15, CW_EBADLEN },
		    { 6, 0x7f, CW_EBADLEN }, { 10, 0xff, CW_EBADLEN } };

	(void)state;
	for (unsigned int i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		const struct world_options o = { .to_host = 16, .to_remote = 16 };
		uint8_t *config;

		world_start(&o);
		make_channel(false);
		config = (uint8_t *)world_device(RPMSG)->config;
		config[bad[i].at] = bad[i].value;
		assert_int_equal(cw_rpmsg_driver_open(&d, &ch, &w.mmio[RPMSG].transport),
				 bad[i].err);
		assert_false(cw_rpmsg_is_up(&ch));
		world_stop(NULL);
	}
	opened(NULL);
}

static void long_messages_go_in_pieces(void **state)
{
	uint8_t big[3000];

	(void)state;
	opened(NULL);
	for (unsigned int i = 0; i < sizeof(big); i++)
		big[i] = (uint8_t)(i * 7);
	echoed("first, so that both are peers");
	/* The far endpoint has no memory for long messages. */
	assert_int_equal(cw_rpmsg_send(e, big, sizeof(big), 1000000), CW_OK);
	world_pmm();
	assert_int_equal(w.channel.count.fragment, 7); /* 3000 in pieces of 488 */
	assert_int_equal(got, 1);
	echoed("and the next is whole");
}

static void a_full_ring_is_waited_for(void **state)
{
	unsigned int i;

	(void)state;
	opened(NULL);
	echoed("peers");
	w.on = false;
	for (i = 0; !cw_rpmsg_send(e, "x", 1, 0); i++)
		assert_true(i < 100);
	assert_int_equal(i, CW_RPMSG_QUEUE - 1);
	assert_int_equal(cw_rpmsg_send(e, "x", 1, 0), CW_EAGAIN);
	assert_int_equal(cw_rpmsg_send(e, "x", 1, 5000), CW_ETIMEDOUT);
	w.on = true;
	assert_int_equal(cw_rpmsg_send(e, "y", 1, 1000000), CW_OK);
	until(1 + i + 1);
	assert_int_equal(text[0], 'y');
}

/* A host that returns no buffers: whoever waits for one on the other side sleeps. */
static void a_device_that_wants_room_comes_to_rest(void **state)
{
	struct cw_device *dev = &w.rpmsg.dev;
	unsigned int sent = 0;

	(void)state;
	opened(NULL);
	echoed("peers");
	for (int round = 0; round < 3; round++) {
		while (!cw_rpmsg_send(&w.endpoint[0], "x", 1, 0))
			sent++;
		for (int i = 0; i < 3; i++) {
			cw_rpmsg_device_run(&w.rpmsg);
			while (cw_device_serve(dev) || cw_device_arm(dev))
				;
		}
		cw_rpmsg_device_run(&w.rpmsg);
		assert_false(dev->queue[CW_RPMSG_QUEUE_TO_HOST].work);
		until(1 + sent);
		world_pmm();
		assert_false(w.channel.starved);
	}
	assert_true(sent > CW_RPMSG_QUEUE);
}

static uint32_t kicks(unsigned int queue)
{
	return w.dev_slot[w.place[RPMSG].slot + 1u + queue].kick;
}

/* Who receives nothing until it has answered: what came meanwhile does not keep it awake, and room wakes it. */
static void who_waits_for_room_alone_can_sleep(void **state)
{
	static uint8_t big[3000]; /* seven pieces; two buffers are free, and one is kept */
	uint32_t before;

	(void)state;
	opened(NULL);
	echoed("peers");
	w.on = false;
	for (unsigned int i = 0; i < CW_RPMSG_QUEUE - 3; i++)
		assert_int_equal(cw_rpmsg_send(e, "x", 1, 0), CW_OK);
	assert_int_equal(cw_rpmsg_send(e, big, sizeof(big), 0), CW_EAGAIN);
	assert_int_equal(cw_rpmsg_send(&w.endpoint[0], "y", 1, 0), CW_OK);
	cw_rpmsg_flush(&w.channel);
	assert_true(cw_rpmsg_driver_arm(&d));
	assert_false(cw_rpmsg_driver_arm_room(&d));
	before = kicks(CW_RPMSG_QUEUE_TO_REMOTE);
	for (unsigned int i = 1; i <= 5; i++) {
		assert_int_equal(cw_rpmsg_poll(&w.channel, 1), 1);
		cw_rpmsg_flush(&w.channel);
		assert_int_not_equal(kicks(CW_RPMSG_QUEUE_TO_REMOTE), before);
		before = kicks(CW_RPMSG_QUEUE_TO_REMOTE);
		assert_int_equal(cw_rpmsg_driver_arm_room(&d), i == 5);
	}
	assert_int_equal(cw_rpmsg_send(e, big, sizeof(big), 0), CW_OK);
	world_new_pmm();
	assert_true(cw_rpmsg_driver_arm_room(&d));
}

/* The PMM begins anew: both applications are told once, the endpoint is announced again. */
static void a_new_pmm_is_found_again(void **state)
{
	(void)state;
	opened(NULL);
	echoed("before");
	for (int life = 1; life <= 3; life++) {
		int err = 0;

		world_new_pmm();
		for (int i = 0; i < 1000 && err >= 0; i++) {
			world_pass();
			err = cw_rpmsg_driver_poll(&d, 8);
		}
		assert_int_equal(err, CW_ERESET);
		assert_int_equal(downs, life);
		assert_int_equal(losses, life);
		assert_int_equal(cw_rpmsg_send(e, "x", 1, 1000), CW_EDOWN);
		world_link();
		assert_int_equal(cw_rpmsg_driver_open(&d, &ch, &w.mmio[RPMSG].transport), CW_OK);
		echoed("after");
		assert_int_equal(ups, life + 1);
		assert_int_equal(peers, life + 1);
	}
}

/* The remote begins anew: the PMM's endpoint loses its peer once and gets the new one. */
static void a_new_remote_is_found_again(void **state)
{
	(void)state;
	opened(NULL);
	echoed("before");
	world_new_remote();
	make_channel(false);
	assert_int_equal(cw_rpmsg_driver_open(&d, &ch, &w.mmio[RPMSG].transport), CW_OK);
	echoed("after");
	assert_int_equal(w.echoes_ended, 1);
	assert_int_equal(w.channel.count.lost, 1);
}

static void a_device_that_wants_a_reset_gets_it(void **state)
{
	int err = 0;

	(void)state;
	opened(NULL);
	echoed("before");
	cw_device_fault(&w.rpmsg.dev, CW_EBADINDEX);
	for (int i = 0; i < 100 && err >= 0; i++) {
		world_pass();
		err = cw_rpmsg_driver_poll(&d, 8);
	}
	assert_int_equal(err, CW_ERESET);
	assert_int_equal(downs, 1);
	assert_int_equal(cw_rpmsg_driver_open(&d, &ch, &w.mmio[RPMSG].transport), CW_OK);
	echoed("after");
}

/* A send that waits ends when the device does. */
static void a_wait_ends_with_the_link(void **state)
{
	(void)state;
	opened(NULL);
	echoed("peers");
	w.hold = 1u << RPMSG;
	while (!cw_rpmsg_send(e, "x", 1, 0))
		;
	w.tamper = world_new_pmm;
	assert_int_equal(cw_rpmsg_send(e, "x", 1, 10000000), CW_ERESET);
	assert_int_equal(downs, 1);
}

/* Rows 59 to 61 and 49: used elements that cannot be end the channel, once. */
static void row49_a_buffer_that_is_not_there_ends_the_channel(void **state)
{
	static const uint32_t id[] = { CW_RPMSG_QUEUE, 0xffffffffu, 0 };

	(void)state;
	for (unsigned int i = 0; i < 3; i++) {
		struct cw_drvq *q;

		opened(NULL);
		echoed("before");
		q = &d.ring[CW_RPMSG_QUEUE_TO_HOST];
		w.on = false;
		/* The last: more bytes than the buffer has. */
		world_used(q, (uint16_t)(q->used_count + 1), id[i], i < 2 ? 20 : 600);
		assert_int_equal(cw_rpmsg_driver_poll(&d, 8), CW_EPEER);
		assert_int_equal(downs, 1);
		assert_int_equal(cw_rpmsg_driver_poll(&d, 8), CW_EPEER);
		assert_int_equal(downs, 1);
		w.on = true;
		assert_int_equal(cw_rpmsg_driver_open(&d, &ch, &w.mmio[RPMSG].transport), CW_OK);
		echoed("after");
		if (i < 2)
			world_stop(NULL);
	}
}

/* Whatever access of the remote the PMM is replaced at, messages flow again. */
static void a_pmm_replaced_at_any_access(void **state)
{
	(void)state;
	for (unsigned int at = 1; at < 1200; at += 7) {
		int err;

		opened(NULL);
		w.step = 0;
		w.strike = at;
		w.at_strike = world_new_pmm;
		err = cw_rpmsg_send(e, "first", 5, 1000000);
		assert_true(err == CW_OK || err == CW_ERESET || err == CW_EPEER);
		for (int i = 0; i < 40 && err >= 0; i++) {
			world_pass();
			err = cw_rpmsg_driver_poll(&d, 8);
		}
		w.at_strike = NULL; /* it may have been in the last poll */
		if (err >= 0)
			err = cw_rpmsg_driver_poll(&d, 8);
		if (err < 0) {
			world_link();
			assert_int_equal(cw_rpmsg_driver_open(&d, &ch, &w.mmio[RPMSG].transport),
					 CW_OK);
		}
		got = 0;
		echoed("flows again");
		assert_int_equal(ups, downs + 1);
		world_stop(NULL);
	}
	start_plain();
}

#define ended(test) cmocka_unit_test_teardown(test, world_stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ended(messages_go_and_come),
		ended(sizes_of_buffers_come_from_the_configuration),
		ended(nuttx_has_other_bits_and_another_order),
		ended(a_small_block_has_fewer_buffers),
		ended(too_small_a_block_is_refused),
		ended(row71_bad_configurations_are_refused),
		ended(long_messages_go_in_pieces),
		ended(a_full_ring_is_waited_for),
		ended(a_device_that_wants_room_comes_to_rest),
		ended(who_waits_for_room_alone_can_sleep),
		ended(a_new_pmm_is_found_again),
		ended(a_new_remote_is_found_again),
		ended(a_device_that_wants_a_reset_gets_it),
		ended(a_wait_ends_with_the_link),
		ended(row49_a_buffer_that_is_not_there_ends_the_channel),
		ended(a_pmm_replaced_at_any_access),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
