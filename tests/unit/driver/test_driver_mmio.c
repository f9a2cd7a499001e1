// SPDX-License-Identifier: BSD-3-Clause
/* Registers over plain memory, as a driver sees them. */
#include "world.h"

static struct cw_transport *t;

static void started(void)
{
	start_plain();
	t = &w.mmio[NET].transport;
}

static struct cw_abi_driver_page *request(void)
{
	return (void *)((unsigned char *)world_device(NET) + CW_PAGE_SIZE);
}

static uint32_t rd(uint32_t reg)
{
	uint32_t v = 0xdead;

	assert_int_equal(t->ops->read(t, reg, &v), CW_OK);
	return v;
}

static int wr(uint32_t reg, uint32_t value)
{
	return t->ops->write(t, reg, 4, value);
}

static void reads_as_virtio_mmio_does(void **state)
{
	(void)state;
	started();
	assert_int_equal(rd(CW_REG_MAGIC), 0x74726976);
	assert_int_equal(rd(CW_REG_VERSION), 2);
	assert_int_equal(rd(CW_REG_DEVICE_ID), CW_ID_NET);
	assert_int_equal(rd(CW_REG_INTERRUPT_STATUS), 3);
	assert_int_equal(rd(CW_REG_STATUS), 0);
	assert_int_equal(w.waits, 0); /* nothing was written: nothing to wait for */
}

static void writes_take_effect_before_a_read(void **state)
{
	uint32_t seq;

	(void)state;
	started();
	seq = cw_get_le32(request()->seq);
	assert_int_equal(wr(CW_REG_QUEUE_SEL, 1), CW_OK);
	assert_int_equal(wr(CW_REG_DEVICE_FEATURES_SEL, 1), CW_OK);
	assert_int_equal(cw_get_le32(request()->seq), seq);
	assert_int_equal(rd(CW_REG_QUEUE_NUM_MAX), WORLD_QUEUE);
	assert_int_equal(cw_get_le32(request()->seq), seq + 1);
	assert_int_equal(cw_get_le32(request()->count), 2);
	assert_int_equal(rd(CW_REG_DEVICE_FEATURES) & 1, 1);
	assert_int_equal(wr(CW_REG_QUEUE_SEL, 7), CW_OK);
	assert_int_equal(rd(CW_REG_QUEUE_NUM_MAX), 0);
}

static void eight_writes_make_a_request(void **state)
{
	uint32_t seq;

	(void)state;
	started();
	seq = cw_get_le32(request()->seq);
	for (uint32_t i = 0; i < 20; i++)
		assert_int_equal(wr(CW_REG_QUEUE_SEL, i % 3), CW_OK);
	assert_int_equal(cw_get_le32(request()->seq), seq + 2);
	assert_int_equal(t->ops->flush(t), CW_OK);
	assert_int_equal(cw_get_le32(request()->seq), seq + 3);
	assert_int_equal(cw_get_le32(request()->count), 4);
	assert_int_equal(w.dev_mmio[NET].queue_sel, 1);
}

static void status_takes_effect_at_once(void **state)
{
	(void)state;
	started();
	assert_int_equal(wr(CW_REG_STATUS, 1), CW_OK);
	assert_int_equal(w.net.dev.status, 1);
	assert_int_equal(wr(CW_REG_STATUS, 0), CW_OK);
	assert_int_equal(w.net.dev.status, 0);
}

static void interrupt_ack_is_swallowed(void **state)
{
	uint32_t seq;

	(void)state;
	started();
	seq = cw_get_le32(request()->seq);
	for (int i = 0; i < 20; i++)
		assert_int_equal(wr(CW_REG_INTERRUPT_ACK, 3), CW_OK);
	assert_int_equal(t->ops->flush(t), CW_OK);
	assert_int_equal(cw_get_le32(request()->seq), seq);
}

static void refusals_have_a_reason(void **state)
{
	(void)state;
	started();
	assert_int_equal(wr(CW_REG_QUEUE_SEL, 0), CW_OK);
	assert_int_equal(wr(CW_REG_QUEUE_NUM, 3), CW_OK);
	assert_int_equal(t->ops->flush(t), CW_EREFUSED);
	assert_int_equal(w.mmio[NET].refused, CW_RESULT_VALUE);
	assert_int_equal(t->ops->flush(t), CW_OK); /* and the channel goes on */
	assert_int_equal(wr(CW_REG_STATUS, CW_STATUS_DRIVER_OK), CW_EREFUSED);
	assert_int_equal(w.mmio[NET].refused, CW_RESULT_STATE);
}

/* ---- row 72 ---- */

static void channel_is_dead(void)
{
	uint32_t seq = cw_get_le32(request()->seq), v;
	uint64_t now = w.now;

	assert_int_equal(wr(CW_REG_STATUS, 0), CW_ETIMEDOUT);
	assert_int_equal(t->ops->read(t, CW_REG_STATUS, &v), CW_ETIMEDOUT);
	assert_int_equal(t->ops->flush(t), CW_ETIMEDOUT);
	assert_int_equal(cw_mmio_open(&w.mmio[NET]), CW_ETIMEDOUT);
	assert_int_equal(cw_get_le32(request()->seq), seq);
	assert_true(w.now < now + 100);
}

static void new_epoch_mends(void)
{
	w.tamper = NULL;
	w.silent = false;
	assert_int_equal(cw_bus_start(&w.bus), CW_OK);
	world_link();
	assert_int_equal(wr(CW_REG_STATUS, 1), CW_OK);
	assert_int_equal(rd(CW_REG_STATUS), 1);
}

static void silent_until_the_deadline(void)
{
	uint64_t start = w.now;

	w.silent = true;
	assert_int_equal(wr(CW_REG_STATUS, 1), CW_ETIMEDOUT);
	assert_in_range(w.now - start, CW_MMIO_TIMEOUT_US, CW_MMIO_TIMEOUT_US + 2000);
	channel_is_dead();
}

static void row72_no_acknowledgement(void **state)
{
	(void)state;
	started();
	silent_until_the_deadline();
	new_epoch_mends();
}

static void ack(uint32_t seq, uint32_t pmm, uint32_t remote)
{
	struct cw_abi_device_page *p = world_device(NET);

	p->link_pmm = cw_make_le32(pmm);
	p->link_remote = cw_make_le32(remote);
	p->result = cw_make_le32(0);
	p->ack_seq = cw_make_le32(seq);
	world_event(NET);
}

static void ack_wrong_seq(void)
{
	ack(w.mmio[NET].seq + 1, w.bus.link.echoed, w.bus.link.epoch);
}

static void ack_wrong_pmm(void)
{
	ack(w.mmio[NET].seq, w.bus.link.echoed + 1, w.bus.link.epoch);
}

static void ack_wrong_remote(void)
{
	ack(w.mmio[NET].seq, w.bus.link.echoed, w.bus.link.epoch - 1);
}

static void row72_acknowledgement_of_another(void **state)
{
	void (*const wrong[])(void) = { ack_wrong_seq, ack_wrong_pmm, ack_wrong_remote };

	(void)state;
	for (unsigned int i = 0; i < 3; i++) {
		started();
		w.tamper = wrong[i];
		w.wait_limit = 400000; /* it rings each time */
		silent_until_the_deadline();
		new_epoch_mends();
		world_stop(NULL);
	}
	started();
}

static void ack_unknown_result(void)
{
	ack(w.mmio[NET].seq, w.bus.link.echoed, w.bus.link.epoch);
	world_device(NET)->result = cw_make_le32(99);
}

static void row72_unknown_result_is_a_refusal(void **state)
{
	(void)state;
	started();
	w.silent = true;
	w.tamper = ack_unknown_result;
	assert_int_equal(wr(CW_REG_STATUS, 1), CW_EREFUSED);
}

static void row72_no_device_of_ours(void **state)
{
	(void)state;
	started();
	world_device(NET)->reg[0] = cw_make_le32(0x74726976);
	assert_int_equal(cw_mmio_open(&w.mmio[NET]), CW_EVERSION);
	world_device(NET)->reg[0] = cw_make_le32(CW_MMIO_MAGIC);
	world_device(NET)->reg[1] = cw_make_le32(1);
	assert_int_equal(cw_mmio_open(&w.mmio[NET]), CW_EVERSION);
	world_device(NET)->reg[1] = cw_make_le32(2);
	assert_int_equal(cw_mmio_open(&w.mmio[NET]), CW_OK);
	assert_int_equal(cw_mmio_init(&w.mmio[NET], &w.bus, DEVICES), CW_ENODEV);
}

static void no_link_no_channel(void **state)
{
	uint32_t v;

	(void)state;
	started();
	world_new_pmm();
	assert_int_equal(t->ops->read(t, CW_REG_STATUS, &v), CW_ERESET);
	assert_int_equal(wr(CW_REG_STATUS, 0), CW_ERESET);
	cw_bus_poll(&w.bus);
	assert_int_equal(cw_mmio_open(&w.mmio[NET]), CW_EDOWN);
	assert_int_equal(cw_bus_wait_up(&w.bus, 1000000), CW_OK);
	/* A new link alone is not enough: what was set up on the old one is gone. */
	assert_int_equal(wr(CW_REG_STATUS, 0), CW_ERESET);
	assert_false(t->ops->alive(t));
	assert_int_equal(cw_mmio_open(&w.mmio[NET]), CW_OK);
	assert_int_equal(wr(CW_REG_STATUS, 0), CW_OK);
}

static void restart_now(void)
{
	w.tamper = NULL;
	world_new_pmm();
}

static void restart_while_waiting(void **state)
{
	uint64_t start;

	(void)state;
	started();
	w.silent = true;
	w.tamper = restart_now;
	start = w.now;
	assert_int_equal(wr(CW_REG_STATUS, 1), CW_ERESET);
	assert_true(w.now - start < 10000);
}

/* ---- order of stores ---- */

static uint32_t seen_count, seen_entry, seen_seq;

static void peek(void)
{
	if (seen_seq == cw_get_le32(request()->seq))
		return;
	seen_seq = cw_get_le32(request()->seq);
	seen_count = cw_get_le32(request()->count);
	seen_entry = cw_get_le32(request()->entry[2].value);
}

static void request_is_whole_when_its_sequence_shows(void **state)
{
	unsigned int shown = 0;

	(void)state;
	for (unsigned int s = 1; s < 20; s++) {
		started();
		memset(&request()->count, 0xff, 200);
		seen_seq = cw_get_le32(request()->seq);
		seen_count = 0;
		w.strike = s;
		w.at_strike = peek;
		w.step = 0;
		wr(CW_REG_QUEUE_SEL, 0);
		wr(CW_REG_QUEUE_NUM, 16);
		wr(CW_REG_QUEUE_DESC_LO, 0x1234);
		assert_int_equal(t->ops->flush(t), CW_OK);
		if (seen_count) {
			shown++;
			assert_int_equal(seen_count, 3);
			assert_int_equal(seen_entry, 0x1234);
		}
		world_stop(NULL);
	}
	assert_true(shown > 0);
	started();
}

/* ---- configuration ---- */

static unsigned int generation_loads;
static uint32_t generation[2];

static uint32_t lie_generation(const volatile void *p, unsigned int width, uint32_t value)
{
	(void)width;
	if (p != &world_device(NET)->reg[CW_REG_CONFIG_GENERATION / 4])
		return value;
	return generation[generation_loads++ & 1];
}

static void row63_generation_never_even(void **state)
{
	uint8_t buf[4];

	(void)state;
	started();
	generation[0] = generation[1] = 7;
	generation_loads = 0;
	w.load = lie_generation;
	assert_int_equal(t->ops->config(t, 0, buf, 4), CW_EPEER);
	assert_in_range(generation_loads, 8, 16);
}

static void row63_generation_never_stable(void **state)
{
	uint8_t buf[4];

	(void)state;
	started();
	generation[0] = 6;
	generation[1] = 8;
	generation_loads = 0;
	w.load = lie_generation;
	assert_int_equal(t->ops->config(t, 0, buf, 4), CW_EPEER);
	assert_int_equal(generation_loads, 16);
}

static void change_once(void)
{
	w.net.config.mac[0] = 0x62;
	w.net.config.mtu = cw_make_le16(1400);
	cw_device_changed(&w.net.dev);
}

/* A change at any moment of the copy: all of the old or all of the new, never a mix. */
static void row63_no_torn_copy(void **state)
{
	struct cw_abi_net_config c;
	unsigned int fresh = 0;

	(void)state;
	for (unsigned int s = 1; s < 40; s++) {
		started();
		w.step = 0;
		w.strike = s;
		w.at_strike = change_once;
		assert_int_equal(t->ops->config(t, 0, &c, sizeof(c)), CW_OK);
		assert_int_equal(c.mac[0] == 0x62, cw_get_le16(c.mtu) == 1400);
		fresh += c.mac[0] == 0x62;
		world_stop(NULL);
	}
	assert_true(fresh > 5);
	started();
}

static void configuration_has_bounds(void **state)
{
	uint8_t buf[64];

	(void)state;
	started();
	assert_int_equal(t->ops->config(t, CW_CONFIG_MAX, buf, 0), CW_OK);
	assert_int_equal(t->ops->config(t, CW_CONFIG_MAX - 3, buf, 4), CW_EINVAL);
	assert_int_equal(t->ops->config(t, 0xffffffff, buf, 4), CW_EINVAL);
	assert_int_equal(t->ops->config(t, 4, buf, 0xffffffff), CW_EINVAL);
}

static void queues_beyond_the_layout_touch_nothing(void **state)
{
	unsigned int rings;

	(void)state;
	started();
	rings = w.rings;
	t->ops->queue_begin(t, 2);
	t->ops->queue_end(t, 2);
	t->ops->notify(t, 2, 9);
	assert_int_equal(w.rings, rings);
	assert_int_equal(cw_get_le32(w.bus.link.mine->kick[w.place[CONSOLE].slot]), 0);
}

static void event_is_told_once(void **state)
{
	(void)state;
	started();
	t->ops->event(t);
	assert_false(t->ops->event(t));
	world_event(NET);
	assert_true(t->ops->event(t));
	assert_false(t->ops->event(t));
}

int main(void)
{
#define T(f) cmocka_unit_test_teardown(f, world_stop)
	const struct CMUnitTest tests[] = {
		T(reads_as_virtio_mmio_does),
		T(writes_take_effect_before_a_read),
		T(eight_writes_make_a_request),
		T(status_takes_effect_at_once),
		T(interrupt_ack_is_swallowed),
		T(refusals_have_a_reason),
		T(row72_no_acknowledgement),
		T(row72_acknowledgement_of_another),
		T(row72_unknown_result_is_a_refusal),
		T(row72_no_device_of_ours),
		T(no_link_no_channel),
		T(restart_while_waiting),
		T(request_is_whole_when_its_sequence_shows),
		T(row63_generation_never_even),
		T(row63_generation_never_stable),
		T(row63_no_torn_copy),
		T(configuration_has_bounds),
		T(queues_beyond_the_layout_touch_nothing),
		T(event_is_told_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
