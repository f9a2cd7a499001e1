// SPDX-License-Identifier: BSD-3-Clause
/* What every driver does: negotiation, queues, memory, waiting. */
#include "world.h"

static struct cw_vdev v;
static struct cw_drvq q;
static struct cw_drvq_slot slot[WORLD_QUEUE];

static int open_vdev(uint64_t wanted)
{
	return cw_vdev_open(&v, &w.mmio[RNG].transport, CW_ID_RNG, wanted);
}

static void opened(void)
{
	start_plain();
	assert_int_equal(open_vdev(0), CW_OK);
	assert_int_equal(cw_vdev_accept(&v), CW_OK);
	assert_int_equal(cw_vdev_queue(&v, 0, &q, slot, 16), CW_OK);
	assert_int_equal(cw_vdev_start(&v), CW_OK);
	cw_vdev_event(&v);
}

static void status_dance(void **state)
{
	(void)state;
	opened();
	assert_int_equal(w.rng.dev.status, 0xf);
	assert_int_equal(v.features, CW_F_VERSION_1 | CW_F_EVENT_IDX);
	assert_int_equal(w.rng.dev.features, v.features);
	assert_int_equal(w.rng.dev.queue[0].num, 16);
}

static uint32_t lie_at, lie_value;
static int lie_word; /* of DeviceFeatures, or -1 */

static uint32_t lie(const volatile void *p, unsigned int width, uint32_t value)
{
	(void)width;
	if (p != &world_device(RNG)->reg[lie_at / 4])
		return value;
	return lie_word < 0 || w.dev_mmio[RNG].dev_sel == (uint32_t)lie_word ? lie_value : value;
}

static void lying(uint32_t reg, int word, uint32_t value)
{
	start_plain();
	lie_at = reg;
	lie_word = word;
	lie_value = value;
	w.load = lie;
}

static void row64_no_version_1(void **state)
{
	(void)state;
	lying(CW_REG_DEVICE_FEATURES, 1, 0);
	assert_int_equal(open_vdev(0), CW_ENOTSUP);
	assert_int_equal(cw_vdev_accept(&v), CW_ENOTSUP);
	assert_int_equal(cw_vdev_queue(&v, 0, &q, slot, 16), CW_ENOTSUP);
	assert_int_equal(cw_vdev_start(&v), CW_ENOTSUP);
	assert_int_equal(w.rng.dev.status & CW_STATUS_DRIVER_OK, 0);
}

static void row64_features_that_the_device_takes_back(void **state)
{
	(void)state;
	lying(CW_REG_DEVICE_FEATURES, 1, 0xffffffff); /* offers what it will not accept */
	assert_int_equal(open_vdev(1ull << 50), CW_OK);
	assert_int_equal(cw_vdev_accept(&v), CW_EREFUSED);
	assert_int_equal(cw_vdev_start(&v), CW_EREFUSED);
}

static void row65_reset_that_never_ends(void **state)
{
	uint64_t start;

	(void)state;
	lying(CW_REG_STATUS, -1, 0xff);
	start = w.now;
	assert_int_equal(open_vdev(0), CW_ETIMEDOUT);
	assert_in_range(w.now - start, CW_VDEV_RESET_US, CW_VDEV_RESET_US + 5000);
}

static void other_device(void **state)
{
	(void)state;
	start_plain();
	assert_int_equal(cw_vdev_open(&v, &w.mmio[RNG].transport, CW_ID_NET, 0), CW_ENODEV);
}

static void row64_queue_that_is_not_there(void **state)
{
	(void)state;
	start_plain();
	assert_int_equal(open_vdev(0), CW_OK);
	assert_int_equal(cw_vdev_accept(&v), CW_OK);
	assert_int_equal(cw_vdev_queue(&v, 1, &q, slot, 16), CW_ENODEV);
	assert_int_equal(cw_vdev_start(&v), CW_ENODEV);
}

static void memory_is_the_block_s(void **state)
{
	const struct cw_window *m = &w.mmio[RNG].transport.memory;
	uint32_t room;
	cw_addr_t a, b;

	(void)state;
	start_plain();
	assert_int_equal(open_vdev(0), CW_OK);
	room = cw_vdev_room(&v);
	assert_int_equal(room, m->size);
	assert_non_null(cw_vdev_alloc(&v, 1, &a));
	assert_non_null(cw_vdev_alloc(&v, 65, &b));
	assert_int_equal(a, m->base);
	assert_int_equal(b, m->base + 64);
	assert_int_equal(cw_vdev_room(&v), room - 192);
	assert_non_null(cw_vdev_alloc(&v, room - 192, &a));
	assert_int_equal(a + room - 192, m->base + m->size);
	assert_int_equal(cw_vdev_check(&v), CW_OK);
	assert_null(cw_vdev_alloc(&v, 1, &a));
	assert_int_equal(cw_vdev_check(&v), CW_ENOSPC);
	assert_int_equal(open_vdev(0), CW_OK);
	assert_null(cw_vdev_alloc(&v, 0xffffffff, &a));
	assert_int_equal(open_vdev(0), CW_OK);
	assert_null(cw_vdev_alloc(&v, 0, &a));
}

static void waiting_has_an_end(void **state)
{
	uint64_t start;

	(void)state;
	opened();
	start = w.now;
	assert_int_equal(cw_vdev_wait(&v, &q, cw_vdev_end(&v, 30000)), CW_ETIMEDOUT);
	assert_in_range(w.now - start, 30000, 32000);
	assert_int_equal(cw_vdev_check(&v), CW_OK); /* the device is not lost for that */
	assert_true(cw_vdev_end(&v, UINT64_MAX) == UINT64_MAX);
	assert_true(cw_vdev_end(&v, UINT64_MAX - 5) == UINT64_MAX);
}

static void change_now(void)
{
	world_event(RNG);
}

/* An event that comes while a call waits for something else is not lost to the one who asks. */
static void events_are_remembered(void **state)
{
	(void)state;
	opened();
	assert_false(cw_vdev_event(&v));
	assert_false(cw_vdev_arm(&v, &q));
	w.tamper = change_now;
	assert_int_equal(cw_vdev_wait(&v, &q, cw_vdev_end(&v, 3000)), CW_ETIMEDOUT);
	w.tamper = NULL;
	assert_true(cw_vdev_arm(&v, &q));
	assert_true(cw_vdev_event(&v));
	assert_false(cw_vdev_event(&v));
	assert_false(cw_vdev_arm(&v, &q));
}

static void loss_is_told_once_when_arming(void **state)
{
	(void)state;
	opened();
	assert_false(cw_vdev_arm(&v, &q));
	world_new_pmm();
	assert_true(cw_vdev_arm(&v, &q));
	assert_false(cw_vdev_arm(&v, &q));
	assert_int_equal(cw_vdev_check(&v), CW_ERESET);
}

static void add(void)
{
	const struct cw_buf b = { w.mmio[RNG].transport.memory.base + 8192 - 64, 16 };

	assert_int_equal(cw_drvq_add(&q, &b, 0, 1, &q), CW_OK);
	cw_vdev_publish(&v, 0, &q);
}

/* The device answers and is replaced: what the old one said last does not count. */
static void answers_of_a_former_life(void **state)
{
	uint32_t len;
	void *cookie;

	(void)state;
	opened();
	add();
	world_pmm();
	world_new_pmm();
	assert_int_equal(cw_vdev_get(&v, &q, &cookie, &len), CW_ERESET);
}

static void status_bits(uint32_t status, int expect)
{
	opened();
	world_device(RNG)->reg[CW_REG_STATUS / 4] = cw_make_le32(status);
	assert_int_equal(cw_vdev_check(&v), CW_OK); /* nothing says that one should look */
	world_event(RNG);
	assert_int_equal(cw_vdev_look(&v), expect);
	assert_int_equal(cw_vdev_check(&v), expect);
	world_stop(NULL);
}

static void row65_status(void **state)
{
	(void)state;
	status_bits(0x0f, CW_OK);
	status_bits(0x4f, CW_ERESET);
	status_bits(0x00, CW_ERESET);
	status_bits(0x0b, CW_ERESET);
	status_bits(0xffffffff, CW_ERESET);
	start_plain();
}

/* Queues keep off each other's slots, and a ring starts from nothing whatever memory held. */
static void opened_again_and_again(void **state)
{
	uint32_t len;
	void *cookie;

	(void)state;
	start_plain();
	for (unsigned int i = 0; i < 20; i++) {
		memset(w.mmio[RNG].transport.memory.va_, (int)i * 37, 4096);
		assert_int_equal(open_vdev(0), CW_OK);
		assert_int_equal(cw_vdev_accept(&v), CW_OK);
		assert_int_equal(cw_vdev_queue(&v, 0, &q, slot, 16), CW_OK);
		/* Rule "ready": nothing of the former queue's kicks is left. */
		assert_int_equal(cw_get_le32(w.bus.link.mine->kick[w.place[RNG].slot + 1]), 0);
		assert_int_equal(cw_get_le32(w.bus.link.mine->seen[w.place[RNG].slot + 1]), 0);
		assert_int_equal(cw_vdev_start(&v), CW_OK);
		for (unsigned int k = 0; k < 40; k++) {
			add();
			assert_true(cw_get_le32(w.bus.link.mine->kick[w.place[RNG].slot + 1]) > 0);
			assert_int_equal(cw_vdev_wait(&v, &q, cw_vdev_end(&v, 100000)), CW_OK);
			assert_int_equal(cw_vdev_get(&v, &q, &cookie, &len), 1);
			assert_int_equal(len, 16);
		}
	}
}

int main(void)
{
#define T(t) cmocka_unit_test_teardown(t, world_stop)
	const struct CMUnitTest tests[] = {
		T(status_dance),
		T(row64_no_version_1),
		T(row64_features_that_the_device_takes_back),
		T(row64_queue_that_is_not_there),
		T(row65_reset_that_never_ends),
		T(row65_status),
		T(other_device),
		T(memory_is_the_block_s),
		T(waiting_has_an_end),
		T(events_are_remembered),
		T(loss_is_told_once_when_arming),
		T(answers_of_a_former_life),
		T(opened_again_and_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
