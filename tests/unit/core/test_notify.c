// SPDX-License-Identifier: BSD-3-Clause
/* When a ring wants a notification, with EVENT_IDX and without; rows 30 and 31. */
#include "rig.h"

static struct rig r;

static void add_chains(int n)
{
	struct cw_buf b = rig_buf(0);

	while (n--)
		assert_int_equal(cw_drvq_add(&r.drv, &b, 0, 1, &r), CW_OK);
}

static bool offer(int n)
{
	add_chains(n);
	return cw_drvq_publish(&r.drv);
}

static void take_all(void)
{
	while (rig_pop(&r) == 1)
		cw_devq_push(&r.dev, r.chain.head, 0);
}

static bool give_back(void)
{
	take_all();
	return cw_devq_publish(&r.dev);
}

static int get_all(void)
{
	void *cookie;
	uint32_t len;
	int n = 0;

	while (cw_drvq_get(&r.drv, &cookie, &len) == 1)
		n++;
	return n;
}

static void first_chain_is_notified(void **state)
{
	(void)state;
	for (int event_idx = 0; event_idx < 2; event_idx++) {
		rig_set_up(&r, 8, event_idx, false);
		assert_true(offer(1));
		assert_true(give_back());
	}
}

static void publishing_nothing_wants_nothing(void **state)
{
	(void)state;
	for (int event_idx = 0; event_idx < 2; event_idx++) {
		rig_set_up(&r, 8, event_idx, false);
		assert_false(cw_drvq_publish(&r.drv));
		assert_false(cw_devq_publish(&r.dev));
		offer(1);
		assert_false(cw_drvq_publish(&r.drv));
		give_back();
		assert_false(cw_devq_publish(&r.dev));
	}
}

static void flags_say_whether_a_kick_is_wanted(void **state)
{
	(void)state;
	rig_set_up(&r, 8, false, false);
	cw_devq_disarm(&r.dev);
	assert_false(offer(1));
	take_all();
	assert_false(cw_devq_arm(&r.dev));
	assert_true(offer(1));
	cw_drvq_disarm(&r.drv);
	assert_false(give_back());
	assert_int_equal(get_all(), 2);
	assert_false(cw_drvq_arm(&r.drv));
	offer(1);
	assert_true(give_back());
}

static void event_index_wants_one_kick_for_each_arming(void **state)
{
	(void)state;
	rig_set_up(&r, 8, true, false);
	assert_true(offer(1)); /* as set up: at the first chain */
	assert_false(offer(1));
	assert_false(offer(3));
	take_all();
	assert_false(cw_devq_arm(&r.dev));
	cw_devq_publish(&r.dev);
	get_all();
	assert_true(offer(2));
	assert_false(offer(1));
	cw_devq_disarm(&r.dev); /* with EVENT_IDX the event left behind says it */
	take_all();
	assert_false(offer(1));
	assert_false(cw_devq_publish(&r.dev));
	assert_int_equal(get_all(), 3);
	assert_false(cw_drvq_arm(&r.drv));
	assert_true(give_back());
	offer(1);
	assert_false(give_back());
}

/* Every distance of the event from the batch, at every place of the 16-bit index that wraps. */
static void event_index_is_right_across_the_wrap(void **state)
{
	static const uint16_t start[] = { 0, 1, 0x7fff, 0x8000, 0xfffc, 0xfffe, 0xffff };

	(void)state;
	for (size_t s = 0; s < ARRAY_SIZE(start); s++)
		for (int batch = 1; batch <= 4; batch++)
			for (int off = -3; off <= 6; off++) {
				uint16_t event = (uint16_t)(start[s] + off);
				bool passes = off >= 0 && off < batch;

				rig_set_up(&r, 8, true, false);
				r.drv.avail_count = r.drv.avail_published = start[s];
				cw_store16((void *)&r.drv.used->ring[8], event);
				assert_int_equal(offer(batch), passes);

				rig_set_up(&r, 8, true, false);
				offer(batch);
				r.dev.used_count = r.dev.used_published = start[s];
				cw_store16(&r.drv.avail->ring[8], event);
				assert_int_equal(give_back(), passes);
			}
}

static void arming_finds_what_came_meanwhile(void **state)
{
	(void)state;
	for (int event_idx = 0; event_idx < 2; event_idx++) {
		rig_set_up(&r, 8, event_idx, false);
		assert_false(cw_devq_arm(&r.dev));
		offer(1);
		assert_true(cw_devq_arm(&r.dev));
		take_all();
		assert_false(cw_devq_arm(&r.dev));
		assert_false(cw_drvq_arm(&r.drv));
		cw_devq_publish(&r.dev);
		assert_true(cw_drvq_arm(&r.drv));
		get_all();
		assert_false(cw_drvq_arm(&r.drv));
	}
}

/* row 31: whatever the event words and flags say, chains arrive; only notifications may differ */
static void row31_absurd_events_lose_no_chain(void **state)
{
	uint64_t seed = 31;

	(void)state;
	for (int event_idx = 0; event_idx < 2; event_idx++) {
		int in = 0, out = 0;

		rig_set_up(&r, 16, event_idx, false);
		for (int i = 0; i < 20000; i++) {
			int n = (int)(unit_random(&seed) % 5);

			cw_store16(&r.drv.avail->ring[16], (uint16_t)unit_random(&seed));
			cw_store16(&r.drv.avail->flags, (uint16_t)unit_random(&seed));
			cw_store16((void *)&r.drv.used->ring[16], (uint16_t)unit_random(&seed));
			cw_store16(&r.drv.used->flags, (uint16_t)unit_random(&seed));
			offer(n);
			in += n;
			give_back();
			out += get_all();
			assert_int_equal(in, out);
		}
	}
}

/* row 30: the driver writes over the used ring; the device goes on from its own counts */
static void row30_used_ring_overwritten_has_no_effect_on_the_device(void **state)
{
	(void)state;
	rig_set_up(&r, 8, false, false);
	offer(3);
	assert_int_equal(rig_pop(&r), 1);
	cw_devq_push(&r.dev, r.chain.head, 7);
	cw_devq_publish(&r.dev);
	memset(r.drv.used, 0xee, CW_RING_USED_BYTES(8));
	assert_int_equal(rig_pop(&r), 1);
	cw_devq_push(&r.dev, r.chain.head, 8);
	cw_devq_publish(&r.dev);
	assert_int_equal(cw_load16(&r.drv.used->idx), 2);
	assert_int_equal(cw_load32(&r.drv.used->ring[1].len), 8);
	assert_int_equal(cw_devq_running(&r.dev), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_chain_is_notified),
		cmocka_unit_test(publishing_nothing_wants_nothing),
		cmocka_unit_test(flags_say_whether_a_kick_is_wanted),
		cmocka_unit_test(event_index_wants_one_kick_for_each_arming),
		cmocka_unit_test(event_index_is_right_across_the_wrap),
		cmocka_unit_test(arming_finds_what_came_meanwhile),
		cmocka_unit_test(row31_absurd_events_lose_no_chain),
		cmocka_unit_test(row30_used_ring_overwritten_has_no_effect_on_the_device),
	};

	return cmocka_run_group_tests_name("notify", tests, NULL, NULL);
}
