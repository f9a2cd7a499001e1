// SPDX-License-Identifier: BSD-3-Clause
/* The driver ring against a device that lies (docs/spec/region.md section 10, rows 59 to 62). */
#include "hook.h"
#include "rig.h"

static struct rig r;
static int token[8];

static void add(int n, unsigned int readable, unsigned int writable)
{
	struct cw_buf buf[4] = { rig_buf(0), rig_buf(1), rig_buf(2), rig_buf(3) };

	assert_int_equal(cw_drvq_add(&r.drv, buf, readable, writable, &token[n]), CW_OK);
}

static int set_up(void **state)
{
	(void)state;
	hook_start(NULL);
	rig_set_up(&r, 8, false, false);
	for (int i = 0; i < 3; i++)
		add(i, 1, 1);
	cw_drvq_publish(&r.drv);
	return 0;
}

/* What a device might write */
static void use(unsigned int at, uint32_t id, uint32_t len, uint16_t idx)
{
	cw_store32(&r.drv.used->ring[at].id, id);
	cw_store32(&r.drv.used->ring[at].len, len);
	cw_store16(&r.drv.used->idx, idx);
}

static int get(void **cookie, uint32_t *len)
{
	*cookie = NULL;
	*len = 0xdead;
	return cw_drvq_get(&r.drv, cookie, len);
}

static void expect_broken(int why)
{
	struct cw_buf b = rig_buf(0);
	void *cookie;
	uint32_t len;

	assert_int_equal(r.drv.broken, why);
	hook_start(NULL);
	assert_int_equal(get(&cookie, &len), CW_EPEER);
	assert_null(cookie);
	assert_int_equal(cw_drvq_add(&r.drv, &b, 1, 0, NULL), CW_EPEER);
	assert_false(cw_drvq_publish(&r.drv));
	assert_false(cw_drvq_arm(&r.drv));
	/* Nothing in shared memory counts any more. */
	assert_int_equal(hook_loads(rig_memory(), RIG_BYTES), 0);
	assert_int_equal(hook_stores(rig_memory(), RIG_BYTES), 0);
}

static void refuse(uint32_t id, uint32_t len, uint16_t idx)
{
	void *cookie;
	uint32_t n;

	set_up(NULL);
	use(0, id, len, idx);
	assert_int_equal(get(&cookie, &n), CW_EPEER);
	assert_null(cookie);
	expect_broken(CW_EBADINDEX);
}

static void row59_id_that_is_no_descriptor_breaks_the_queue(void **state)
{
	(void)state;
	refuse(8, 0, 1);
	refuse(0x10000, 0, 1); /* 0 in its low half */
	refuse(UINT32_MAX, 0, 1);
}

static void row59_id_that_is_no_head_breaks_the_queue(void **state)
{
	(void)state;
	refuse(1, 0, 1); /* second descriptor of the first chain */
	refuse(3, 0, 1);
}

static void row59_id_that_is_not_in_flight_breaks_the_queue(void **state)
{
	(void)state;
	refuse(6, 0, 1);
	refuse(7, 0, 1);
}

static void row59_id_used_twice_breaks_the_queue(void **state)
{
	void *cookie;
	uint32_t len;

	(void)state;
	use(0, 2, 0, 1);
	assert_int_equal(get(&cookie, &len), 1);
	use(1, 2, 0, 2);
	assert_int_equal(get(&cookie, &len), CW_EPEER);
	expect_broken(CW_EBADINDEX);
}

static void row60_length_above_the_offer_is_cut_and_breaks_the_queue(void **state)
{
	static const uint32_t lies[] = { 17, 32, 0x80000000u, UINT32_MAX };
	void *cookie;
	uint32_t len;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lies); i++) {
		set_up(NULL);
		use(0, 2, lies[i], 1);
		assert_int_equal(get(&cookie, &len), CW_EBADLEN);
		assert_ptr_equal(cookie, &token[1]);
		assert_int_equal(len, 16);
		expect_broken(CW_EBADLEN);
	}
}

static void row60_the_whole_offer_may_be_written(void **state)
{
	void *cookie;
	uint32_t len;

	(void)state;
	use(0, 2, 16, 1);
	assert_int_equal(get(&cookie, &len), 1);
	assert_int_equal(len, 16);
}

static void row60_nothing_may_be_written_where_nothing_was_offered(void **state)
{
	void *cookie;
	uint32_t len;

	(void)state;
	add(3, 2, 0);
	cw_drvq_publish(&r.drv);
	use(0, 6, 1, 1);
	assert_int_equal(get(&cookie, &len), CW_EBADLEN);
	assert_int_equal(len, 0);
}

static void row61_index_ahead_of_what_is_in_flight_breaks_the_queue(void **state)
{
	(void)state;
	refuse(0, 0, 4);
	refuse(0, 0, 8);
	refuse(0, 0, 0x8000);
}

/* What is shown of it is bounded whatever the device says. */
static void row61_what_is_in_flight_is_told(void **state)
{
	void *cookie;
	uint32_t len;

	(void)state;
	assert_int_equal(cw_drvq_in_flight(&r.drv), 3);
	add(3, 1, 0);
	assert_int_equal(cw_drvq_in_flight(&r.drv), 3); /* it cannot see that one */
	cw_drvq_publish(&r.drv);
	assert_int_equal(cw_drvq_in_flight(&r.drv), 4);
	use(0, 0, 0, 1);
	assert_int_equal(cw_drvq_in_flight(&r.drv), 3); /* not taken back yet */
	assert_int_equal(get(&cookie, &len), 1);
	assert_int_equal(cw_drvq_in_flight(&r.drv), 3);
	cw_store16(&r.drv.used->idx, 5);
	assert_int_equal(cw_drvq_in_flight(&r.drv), 8);
}

static void row61_index_that_goes_back_breaks_the_queue(void **state)
{
	void *cookie;
	uint32_t len;

	(void)state;
	refuse(0, 0, 0xffff);
	set_up(NULL);
	use(0, 0, 0, 1);
	assert_int_equal(get(&cookie, &len), 1);
	use(0, 0, 0, 0);
	assert_int_equal(get(&cookie, &len), CW_EPEER);
	expect_broken(CW_EBADINDEX);
}

/* Added is not published: the device cannot have used it. */
static void row61_chain_that_was_not_published_cannot_be_used(void **state)
{
	void *cookie;
	uint32_t len;

	(void)state;
	add(3, 1, 1);
	use(0, 6, 0, 4);
	assert_int_equal(get(&cookie, &len), CW_EPEER);
	expect_broken(CW_EBADINDEX);
}

/* row 62: the device scribbles over everything but the used ring */
static void row62_altered_descriptors_have_no_effect(void **state)
{
	static const uint16_t head[] = { 4, 0, 2 };
	void *cookie;
	uint32_t len;

	(void)state;
	memset(r.drv.desc, 0x5a, CW_RING_DESC_BYTES(8));
	memset(r.drv.avail, 0x5a, CW_RING_AVAIL_BYTES(8));
	for (unsigned int i = 0; i < 3; i++) {
		use(i, head[i], i, (uint16_t)(i + 1));
		assert_int_equal(get(&cookie, &len), 1);
		assert_ptr_equal(cookie, &token[head[i] / 2]);
		assert_int_equal(len, i);
	}
	assert_int_equal(r.drv.free_count, 8);
}

static void expect_own_words_unread(void)
{
	assert_int_equal(hook_loads(r.drv.desc, CW_RING_DESC_BYTES(8)), 0);
	assert_int_equal(hook_loads(r.drv.avail, CW_RING_AVAIL_BYTES(8)), 0);
}

static void row62_driver_never_reads_what_it_wrote(void **state)
{
	void *cookie;
	uint32_t len;

	(void)state;
	for (unsigned int i = 0; i < 20; i++) {
		hook_start(NULL);
		add(3, 1, 1);
		cw_drvq_publish(&r.drv);
		cw_drvq_disarm(&r.drv);
		expect_own_words_unread();
		assert_int_equal(rig_pop(&r), 1);
		cw_devq_push(&r.dev, r.chain.head, 4);
		cw_devq_publish(&r.dev);
		hook_start(NULL);
		assert_int_equal(get(&cookie, &len), 1);
		cw_drvq_arm(&r.drv);
		expect_own_words_unread();
	}
}

static void used_element_is_fetched_once(void **state)
{
	void *cookie;
	uint32_t len;

	(void)state;
	use(0, 2, 5, 2);
	use(1, 0, 6, 2);
	hook_start(NULL);
	assert_int_equal(get(&cookie, &len), 1);
	assert_int_equal(get(&cookie, &len), 1);
	assert_int_equal(hook_loads(&r.drv.used->idx, 2), 1); /* one look a batch */
	assert_int_equal(hook_most_loads(r.drv.used, CW_RING_USED_BYTES(8)), 1);
	assert_int_equal(hook_loads(r.drv.used, CW_RING_USED_BYTES(8)), 5);
}

/* The index is stored after the entries, and what the device wants is read after the index. */
static void publish_stores_in_order(void **state)
{
	(void)state;
	hook_start(NULL);
	add(3, 1, 1);
	cw_drvq_publish(&r.drv);
	assert_true(hook_last_store(&r.drv.desc[7].flags_next) <
		    hook_first_store(&r.drv.avail->idx));
	assert_true(hook_last_store(&r.drv.avail->ring[3]) < hook_first_store(&r.drv.avail->idx));
	assert_true(hook_first_store(&r.drv.avail->idx) < hook_first_load(&r.drv.used->flags));
}

static void arming_is_stored_before_the_second_look(void **state)
{
	(void)state;
	hook_start(NULL);
	cw_drvq_arm(&r.drv);
	assert_true(hook_first_store(&r.drv.avail->flags) < hook_first_load(&r.drv.used->idx));
}

static uint64_t seed;

static uint32_t anything(const volatile void *p, unsigned int width, uint32_t value)
{
	(void)p;
	(void)width;
	return unit_random(&seed) % 3 ? value : unit_random(&seed) % 24;
}

/* Whatever is read: each cookie at most once, never more bytes than were offered. */
static void lying_device_gets_no_chain_back_twice(void **state)
{
	(void)state;
	for (seed = 1; seed < 3000;) {
		uint64_t start = seed;
		bool out[8] = { false };

		set_up(NULL);
		for (int i = 0; i < 8; i++)
			use((unsigned int)i, 0, 0, 3);
		hook_start(anything);
		for (int n = 0; n < 20; n++) {
			void *cookie = NULL;
			uint32_t len = 0;
			int e = cw_drvq_get(&r.drv, &cookie, &len);

			if (e != 1 && e != CW_EBADLEN)
				continue;
			assert_in_range((int *)cookie - token, 0, 2);
			assert_false(out[(int *)cookie - token]);
			out[(int *)cookie - token] = true;
			assert_true(len <= 16);
		}
		seed = start + 1;
	}
	hook_start(NULL);
}

#define CASE(f) cmocka_unit_test_setup(f, set_up)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(row59_id_that_is_no_descriptor_breaks_the_queue),
		CASE(row59_id_that_is_no_head_breaks_the_queue),
		CASE(row59_id_that_is_not_in_flight_breaks_the_queue),
		CASE(row59_id_used_twice_breaks_the_queue),
		CASE(row60_length_above_the_offer_is_cut_and_breaks_the_queue),
		CASE(row60_the_whole_offer_may_be_written),
		CASE(row60_nothing_may_be_written_where_nothing_was_offered),
		CASE(row61_index_ahead_of_what_is_in_flight_breaks_the_queue),
		CASE(row61_what_is_in_flight_is_told),
		CASE(row61_index_that_goes_back_breaks_the_queue),
		CASE(row61_chain_that_was_not_published_cannot_be_used),
		CASE(row62_altered_descriptors_have_no_effect),
		CASE(row62_driver_never_reads_what_it_wrote),
		CASE(used_element_is_fetched_once),
		CASE(publish_stores_in_order),
		CASE(arming_is_stored_before_the_second_look),
		CASE(lying_device_gets_no_chain_back_twice),
	};

	return cmocka_run_group_tests_name("drvq", tests, NULL, NULL);
}
