// SPDX-License-Identifier: BSD-3-Clause
/* The remote's end of the link, as drivers and main loops use it. */
#include "world.h"

static struct cw_abi_link_page *pmm_page(void)
{
	return (void *)w.mem;
}

static void init_refuses_a_bad_layout(void **state)
{
	(void)state;
	world_new(NULL);
	w.layout.line = 48;
	assert_int_equal(cw_bus_init(&w.bus, &w.layout, w.mem, w.slot, &w.port), CW_EINVAL);
	w.layout.line = 64;
	w.place[NET].block += 64;
	assert_int_equal(cw_bus_init(&w.bus, &w.layout, w.mem, w.slot, &w.port), CW_EINVAL);
}

static void comes_up_in_either_order(void **state)
{
	(void)state;
	start_plain();
	assert_true(cw_bus_up(&w.bus));
	assert_int_equal(w.bus.life, 1);
	world_stop(NULL);

	world_new(NULL);
	assert_int_equal(cw_bus_start(&w.bus), CW_OK);
	assert_int_equal(cw_bus_wait_up(&w.bus, 300000), CW_ETIMEDOUT);
	world_new_pmm();
	assert_int_equal(cw_bus_wait_up(&w.bus, 300000), CW_OK);
}

static void nobody_there_ends_at_the_deadline(void **state)
{
	uint64_t start;

	(void)state;
	world_new(NULL);
	w.on = false;
	assert_int_equal(cw_bus_start(&w.bus), CW_OK);
	start = w.now;
	assert_int_equal(cw_bus_wait_up(&w.bus, 700000), CW_ETIMEDOUT);
	assert_in_range(w.now - start, 700000, 720000);
	/* It rang again and again, ever more slowly. */
	assert_in_range(w.rings, 8, 30);
	/* A new life would only be more work for a peer that has not seen this one. */
	assert_int_equal(cw_bus_start(&w.bus), CW_EBUSY);
}

static void waiting_for_ever_does_not_wrap(void **state)
{
	(void)state;
	world_new(NULL);
	assert_int_equal(cw_bus_start(&w.bus), CW_OK);
	world_new_pmm();
	assert_int_equal(cw_bus_wait_up(&w.bus, UINT64_MAX), CW_OK);
}

static int refused(void (*change)(void))
{
	int err;

	world_new(NULL);
	world_new_pmm();
	change();
	w.on = false;
	assert_int_equal(cw_bus_start(&w.bus), CW_OK);
	err = cw_bus_wait_up(&w.bus, 100000);
	assert_false(cw_bus_up(&w.bus));
	world_stop(NULL);
	return err;
}

static void wrong_magic(void)
{
	pmm_page()->magic = cw_make_le32(0x12345678);
}

static void wrong_major(void)
{
	pmm_page()->version = cw_make_le32(0x00020000);
}

static void wrong_hash(void)
{
	pmm_page()->hash_lo = cw_make_le32(1);
}

static void row72_peer_of_another_kind(void **state)
{
	(void)state;
	assert_int_equal(refused(wrong_magic), CW_EVERSION);
	assert_int_equal(refused(wrong_major), CW_EVERSION);
	assert_int_equal(refused(wrong_hash), CW_ELAYOUT);
	start_plain();
}

static void new_life_of_the_pmm_is_noticed(void **state)
{
	(void)state;
	start_plain();
	assert_int_equal(cw_bus_poll(&w.bus), CW_LINK_SAME);
	world_new_pmm();
	assert_int_equal(cw_bus_poll(&w.bus), CW_LINK_WENT_DOWN);
	assert_false(cw_bus_up(&w.bus));
	assert_int_equal(cw_bus_wait_up(&w.bus, 1000000), CW_OK);
	assert_int_equal(w.bus.life, 2);
}

static void epoch_of_no_life(void **state)
{
	(void)state;
	start_plain();
	pmm_page()->epoch = cw_make_le32(0);
	assert_int_equal(cw_bus_poll(&w.bus), CW_LINK_WENT_DOWN);
	w.on = false;
	assert_int_equal(cw_bus_wait_up(&w.bus, 100000), CW_ETIMEDOUT);
}

static void kick(unsigned int slot, uint32_t index)
{
	w.outside = true;
	cw_link_kick(&w.dev.link, slot, index);
	w.outside = false;
}

static void news_of_ready_slots_only(void **state)
{
	unsigned int slot = w.place[RNG].slot + 1u;

	(void)state;
	start_plain();
	slot = w.place[RNG].slot + 1u;
	w.on = false;
	kick(slot, 3);
	cw_bus_poll(&w.bus);
	assert_false(cw_bus_take_news(&w.bus, slot));
	assert_int_equal(cw_get_le32(w.bus.link.mine->seen[slot]), 0);
	cw_bus_ready(&w.bus, slot, true);
	kick(slot, 4);
	cw_bus_poll(&w.bus);
	assert_true(cw_bus_take_news(&w.bus, slot));
	assert_false(cw_bus_take_news(&w.bus, slot));
	assert_int_equal(cw_get_le32(w.bus.link.mine->seen[slot]), 4);
	cw_bus_ready(&w.bus, slot, false);
	kick(slot, 5);
	cw_bus_poll(&w.bus);
	assert_false(cw_bus_take_news(&w.bus, slot));
	assert_int_equal(cw_get_le32(w.bus.link.mine->seen[slot]), 4);
}

static void an_idle_link_is_silent(void **state)
{
	(void)state;
	start_plain();
	world_pass();
	w.bell = false;
	w.rings = 0;
	cw_bus_wait(&w.bus, CW_LINK_NEVER);
	assert_true(w.slept_for_ever);
	assert_int_equal(w.rings, 0);
}

static void lost_doorbells_cost_a_moment(void **state)
{
	uint8_t buf[8];
	static struct cw_rng_driver r;

	(void)state;
	start_plain();
	w.dumb = true;
	assert_int_equal(cw_rng_open(&r, &w.mmio[RNG].transport), CW_OK);
	for (int i = 0; i < 20; i++)
		assert_int_equal(cw_rng_read(&r, buf, 8, 1000000), 8);
}

static void panic_is_published(void **state)
{
	uint32_t code;

	(void)state;
	start_plain();
	cw_bus_panic(&w.bus, 0x77);
	assert_int_equal(cw_link_peer_state(&w.dev.link, &code), CW_STATE_PANIC);
	assert_int_equal(code, 0x77);
}

int main(void)
{
#define T(t) cmocka_unit_test_teardown(t, world_stop)
	const struct CMUnitTest tests[] = {
		T(init_refuses_a_bad_layout),
		T(comes_up_in_either_order),
		T(nobody_there_ends_at_the_deadline),
		T(waiting_for_ever_does_not_wrap),
		T(row72_peer_of_another_kind),
		T(new_life_of_the_pmm_is_noticed),
		T(epoch_of_no_life),
		T(news_of_ready_slots_only),
		T(an_idle_link_is_silent),
		T(lost_doorbells_cost_a_moment),
		T(panic_is_published),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
