// SPDX-License-Identifier: BSD-3-Clause
/* The entropy driver against the device library, and against a device that lies. */
#include "world.h"

static struct cw_rng_driver r;

static void opened(void)
{
	start_plain();
	assert_int_equal(cw_rng_open(&r, &w.mmio[RNG].transport), CW_OK);
}

static void reads_what_the_device_gave(void **state)
{
	uint8_t buf[700];

	(void)state;
	opened();
	w.rng_next = 1;
	assert_int_equal(cw_rng_read(&r, buf, sizeof(buf), 1000000), sizeof(buf));
	for (unsigned int i = 0; i < sizeof(buf); i++)
		assert_int_equal(buf[i], (uint8_t)(i + 1));
}

static void goes_on_after_short_answers(void **state)
{
	uint8_t buf[20];

	(void)state;
	opened();
	w.rng_give = 3;
	memset(buf, 0xee, sizeof(buf));
	assert_int_equal(cw_rng_read(&r, buf, 19, 1000000), 19);
	assert_int_equal(buf[18], 18);
	assert_int_equal(buf[19], 0xee);
}

static void silent_device_ends_at_the_deadline(void **state)
{
	uint8_t buf[4] = { 1, 2, 3, 4 };
	uint64_t start;

	(void)state;
	opened();
	w.rng_give = CW_EAGAIN;
	start = w.now;
	assert_int_equal(cw_rng_read(&r, buf, 4, 50000), CW_ETIMEDOUT);
	assert_in_range(w.now - start, 50000, 60000);
	assert_memory_equal(buf, "\1\2\3\4", 4);
}

static void deadline_after_some_bytes_gives_those(void **state)
{
	uint8_t buf[8];

	(void)state;
	opened();
	assert_int_equal(cw_rng_ask(&r, 3), CW_OK);
	world_pmm();
	w.rng_give = CW_EAGAIN;
	memset(buf, 0xee, sizeof(buf));
	assert_int_equal(cw_rng_read(&r, buf, 8, 50000), 3);
	assert_memory_equal(buf, "\0\1\2\xee\xee", 5);
}

static void late_answer_serves_the_next_read(void **state)
{
	uint8_t buf[4];

	(void)state;
	opened();
	w.rng_give = CW_EAGAIN;
	assert_int_equal(cw_rng_read(&r, buf, 4, 1000), CW_ETIMEDOUT);
	w.rng_give = 100;
	w.rng_next = 7;
	w.now += 20000;
	assert_int_equal(cw_rng_read(&r, buf, 2, 100000), 2);
	assert_int_equal(cw_rng_read(&r, buf + 2, 2, 0), 2);
	assert_memory_equal(buf, "\7\10\11\12", 4);
}

static void ask_and_take_without_waiting(void **state)
{
	uint8_t buf[8];

	(void)state;
	opened();
	assert_int_equal(cw_rng_take(&r, buf, 8), CW_EINVAL);
	assert_int_equal(cw_rng_ask(&r, 0), CW_EINVAL);
	assert_int_equal(cw_rng_ask(&r, 8), CW_OK);
	assert_int_equal(cw_rng_ask(&r, 8), CW_EBUSY);
	assert_int_equal(cw_rng_take(&r, buf, 8), CW_EAGAIN);
	assert_false(cw_rng_arm(&r));
	world_pass();
	assert_true(cw_rng_arm(&r));
	assert_int_equal(cw_rng_take(&r, buf, 5), 5);
	assert_int_equal(cw_rng_ask(&r, 8), CW_EBUSY);
	assert_true(cw_rng_arm(&r));
	assert_int_equal(cw_rng_take(&r, buf + 5, 100), 3);
	assert_memory_equal(buf, "\0\1\2\3\4\5\6\7", 8);
	assert_false(cw_rng_arm(&r));
}

static void no_more_than_the_caller_asked_for(void **state)
{
	uint8_t buf[12];

	(void)state;
	opened();
	for (uint32_t n = 1; n < 9; n++) {
		memset(buf, 0xee, sizeof(buf));
		assert_int_equal(cw_rng_read(&r, buf, n, 1000000), n);
		for (uint32_t i = n; i < sizeof(buf); i++)
			assert_int_equal(buf[i], 0xee);
	}
}

/* A block with room for nothing but the ring. */
static void too_small_a_block_is_refused(void **state)
{
	(void)state;
	start_plain();
	w.mmio[RNG].transport.memory.size = 256;
	assert_int_equal(cw_rng_open(&r, &w.mmio[RNG].transport), CW_ENOSPC);
	assert_int_equal(cw_rng_ask(&r, 1), CW_ENOSPC);
	assert_false(cw_rng_arm(&r));
}

static void other_device_is_refused(void **state)
{
	(void)state;
	start_plain();
	assert_int_equal(cw_rng_open(&r, &w.mmio[NET].transport), CW_ENODEV);
}

/* ---- a device that lies: it does not run, the test writes its words ---- */

static void lie(uint16_t idx, uint32_t id, uint32_t len)
{
	uint8_t buf[16];

	opened();
	w.silent = true;
	assert_int_equal(cw_rng_ask(&r, 8), CW_OK);
	world_used(&r.queue, idx, id, len);
	memset(buf, 0xee, sizeof(buf));
	assert_int_equal(cw_rng_read(&r, buf, 16, 1000000), CW_EPEER);
	for (unsigned int i = 0; i < sizeof(buf); i++)
		assert_int_equal(buf[i], 0xee);
	assert_int_equal(cw_rng_ask(&r, 8), CW_EPEER);
	assert_int_equal(cw_rng_take(&r, buf, 8), CW_EPEER);
	assert_false(cw_rng_arm(&r));
	assert_true(w.now < 1100000); /* not at the deadline: at once */
}

static void row59_used_id_not_below_the_size(void **state)
{
	(void)state;
	lie(1, 2, 4);
	world_stop(NULL);
	lie(1, 0xffffffff, 4);
}

static void row59_used_id_not_in_flight(void **state)
{
	(void)state;
	lie(1, 1, 4);
}

static void row60_used_len_above_the_offer(void **state)
{
	(void)state;
	lie(1, 0, 9);
	world_stop(NULL);
	lie(1, 0, 0xffffffff);
}

static void row61_used_index_jumps(void **state)
{
	(void)state;
	lie(2, 0, 4);
	world_stop(NULL);
	lie(0xffff, 0, 4);
}

static void row62_descriptor_table_altered(void **state)
{
	uint8_t buf[8];

	(void)state;
	opened();
	w.silent = true;
	assert_int_equal(cw_rng_ask(&r, 8), CW_OK);
	memset(r.queue.desc, 0xff, 32);
	memset(r.buffer, 0x11, 8);
	world_used(&r.queue, 1, 0, 8);
	assert_int_equal(cw_rng_take(&r, buf, 8), 8);
	assert_memory_equal(buf, "\x11\x11\x11\x11\x11\x11\x11\x11", 8);
}

static void says_nothing_for_ever(void)
{
	world_used(&r.queue, (uint16_t)(r.queue.used_count + 1), 0, 0);
}

/* An answer of no bytes, again and again: no entropy, no end before the deadline, no hang. */
static void row60_answers_of_no_bytes(void **state)
{
	uint8_t buf[8] = { 0xee };
	uint64_t start;

	(void)state;
	opened();
	w.silent = true;
	w.tamper = says_nothing_for_ever;
	start = w.now;
	assert_int_equal(cw_rng_read(&r, buf, 8, 20000), CW_ETIMEDOUT);
	assert_in_range(w.now - start, 20000, 30000);
	assert_int_equal(buf[0], 0xee);
}

static void needs_reset(void)
{
	world_device(RNG)->reg[CW_REG_STATUS / 4] = cw_make_le32(0x4f);
	world_event(RNG);
}

static void row65_needs_reset_while_waiting(void **state)
{
	uint8_t buf[8];

	(void)state;
	opened();
	w.rng_give = CW_EAGAIN;
	w.tamper = needs_reset;
	assert_int_equal(cw_rng_read(&r, buf, 8, 1000000), CW_ERESET);
	assert_int_equal(w.waits < 20, 1);
	assert_int_equal(cw_rng_ask(&r, 8), CW_ERESET);
	w.tamper = NULL;
	w.rng_give = 100;
	assert_int_equal(cw_rng_open(&r, &w.mmio[RNG].transport), CW_OK);
	assert_int_equal(cw_rng_read(&r, buf, 8, 1000000), 8);
}

static void row65_status_no_longer_ours(void **state)
{
	uint8_t buf[8];

	(void)state;
	opened();
	world_device(RNG)->reg[CW_REG_STATUS / 4] = cw_make_le32(0);
	world_event(RNG);
	assert_int_equal(cw_rng_read(&r, buf, 8, 1000000), CW_ERESET);
}

static void storm(void)
{
	struct cw_abi_link_page *pmm = (void *)w.mem;
	uint32_t n = cw_get_le32(pmm->group[0]) + 1;

	for (unsigned int i = 0; i < 32; i++)
		pmm->kick[i] = cw_make_le32(n * 7 + i);
	pmm->group[0] = cw_make_le32(n);
	pmm->group[1] = cw_make_le32(n);
	world_event(RNG);
}

static void row66_storm_of_kicks_without_reason(void **state)
{
	uint8_t buf[8];
	uint64_t start;

	(void)state;
	opened();
	w.silent = true;
	w.tamper = storm;
	start = w.now;
	assert_int_equal(cw_rng_read(&r, buf, 8, 20000), CW_ETIMEDOUT);
	assert_in_range(w.now - start, 20000, 30000);
}

static void row66_no_doorbell_ever(void **state)
{
	uint8_t buf[8];

	(void)state;
	opened();
	w.dumb = true;
	assert_int_equal(cw_rng_read(&r, buf, 8, 1000000), 8);
}

static void row66_kick_before_the_queue_is_ready(void **state)
{
	(void)state;
	start_plain();
	w.tamper = storm;
	world_pass();
	assert_true(w.bus.link.count.strange > 0);
	/* Nothing was echoed for a queue that is not ready (region.md 4.4). */
	assert_int_equal(cw_get_le32(w.bus.link.mine->seen[w.place[RNG].slot + 1]), 0);
	assert_false(cw_bus_take_news(&w.bus, w.place[RNG].slot + 1u));
	w.tamper = NULL;
	assert_int_equal(cw_rng_open(&r, &w.mmio[RNG].transport), CW_OK);
}

/* ---- restarts in the middle ---- */

static int use(void)
{
	uint8_t buf[24], expect = w.rng_next;
	int err = cw_rng_open(&r, &w.mmio[RNG].transport), n;

	if (err)
		return err;
	memset(buf, 0xee, sizeof(buf));
	n = cw_rng_read(&r, buf, 20, 1000000);
	for (int i = 0; i < n; i++)
		assert_int_equal(buf[i], (uint8_t)(expect + i));
	for (int i = n < 0 ? 0 : n; i < 24; i++)
		assert_int_equal(buf[i], 0xee);
	return n;
}

static unsigned int steps_of_use(void)
{
	unsigned int n;

	start_plain();
	w.rng_give = 7;
	assert_int_equal(use(), 20);
	n = w.step;
	world_stop(NULL);
	return n;
}

static void pmm_restarts_at_each_step(void **state)
{
	unsigned int steps = steps_of_use(), hit = 0;

	(void)state;
	assert_true(steps > 200);
	for (unsigned int s = 1; s <= steps; s += UNIT_THIN) {
		int n;

		start_plain();
		w.rng_give = 7;
		w.strike = s;
		w.at_strike = world_strike_pmm;
		n = use();
		if (n < 0) {
			assert_true(n == CW_ERESET);
			assert_int_equal(cw_rng_ask(&r, 1), CW_ERESET);
		}
		hit += n < 20;
		w.at_strike = NULL;
		world_link();
		assert_int_equal(use(), 20);
		world_stop(NULL);
	}
	assert_true(hit > steps / 2 / UNIT_THIN);
	start_plain();
}

static void strike_needs_reset(void)
{
	cw_device_fault(&w.rng.dev, CW_EPEER);
}

static void needs_reset_at_each_step(void **state)
{
	unsigned int steps = steps_of_use();

	(void)state;
	for (unsigned int s = 1; s <= steps; s += UNIT_THIN) {
		int n;

		start_plain();
		w.rng_give = 7;
		w.strike = s;
		w.at_strike = strike_needs_reset;
		n = use();
		assert_true(n > 0 || n == CW_ERESET || n == CW_EREFUSED || n == CW_ETIMEDOUT);
		w.at_strike = NULL;
		assert_int_equal(use(), 20);
		world_stop(NULL);
	}
	start_plain();
}

/* The remote crashes at each step, and what comes after it knows nothing. */
static void remote_restarts_at_each_step(void **state)
{
	unsigned int steps = steps_of_use();

	(void)state;
	for (volatile unsigned int s = 1; s <= steps; s += UNIT_THIN) {
		start_plain();
		w.rng_give = 7;
		w.strike = s;
		w.at_strike = world_crash;
		if (!setjmp(world_crashed))
			use();
		memset(&r, 0x5a, sizeof(r));
		world_new_remote();
		assert_int_equal(use(), 20);
		world_stop(NULL);
	}
	start_plain();
}

int main(void)
{
#define T(f) cmocka_unit_test_teardown(f, world_stop)
	const struct CMUnitTest tests[] = {
		T(reads_what_the_device_gave),
		T(goes_on_after_short_answers),
		T(silent_device_ends_at_the_deadline),
		T(deadline_after_some_bytes_gives_those),
		T(late_answer_serves_the_next_read),
		T(ask_and_take_without_waiting),
		T(no_more_than_the_caller_asked_for),
		T(too_small_a_block_is_refused),
		T(other_device_is_refused),
		T(row59_used_id_not_below_the_size),
		T(row59_used_id_not_in_flight),
		T(row60_used_len_above_the_offer),
		T(row60_answers_of_no_bytes),
		T(row61_used_index_jumps),
		T(row62_descriptor_table_altered),
		T(row65_needs_reset_while_waiting),
		T(row65_status_no_longer_ours),
		T(row66_storm_of_kicks_without_reason),
		T(row66_no_doorbell_ever),
		T(row66_kick_before_the_queue_is_ready),
		T(pmm_restarts_at_each_step),
		T(needs_reset_at_each_step),
		T(remote_restarts_at_each_step),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
