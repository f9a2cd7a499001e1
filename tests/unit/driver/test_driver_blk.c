// SPDX-License-Identifier: BSD-3-Clause
/* The block driver against the block device, and against one that lies. */
#include "world.h"

#define SECOND 1000000u
#define BYTES  (DISK_SECTORS * CW_BLK_SECTOR)

static struct cw_blk_driver b;
static uint8_t data[BYTES], back[BYTES];

static void fill(uint8_t seed)
{
	for (uint32_t i = 0; i < BYTES; i++)
		data[i] = (uint8_t)(i * 31 + (i >> 8) * 7 + seed);
}

static void opened_with(const struct world_options *o)
{
	world_start(o);
	fill(1);
	memcpy(w.disk, data, BYTES);
	memset(back, 0xee, BYTES);
	assert_int_equal(cw_blk_open(&b, &w.mmio[DISK].transport), CW_OK);
}

static void opened(void)
{
	opened_with(NULL);
}

static void says_what_it_is(void **state)
{
	char id[CW_BLK_ID_LEN + 1];

	(void)state;
	opened();
	assert_int_equal(b.sectors, DISK_SECTORS);
	assert_int_equal(b.block, 4096);
	assert_false(b.read_only);
	assert_int_equal(b.buffer, CW_BLK_BUFFER);
	assert_int_equal(cw_blk_id(&b, id, SECOND), CW_OK);
	assert_string_equal(id, "disk of a test");
}

/* Every beginning and length: through the page cache, by steps, and mixed with what is in flight. */
static void reads_what_is_there(void **state)
{
	(void)state;
	for (int cached = 0; cached < 2; cached++) {
		opened();
		w.disk_cached = cached;
		for (uint32_t at = 0; at < DISK_SECTORS; at += 23)
			for (uint32_t n = 1; n <= DISK_SECTORS - at; n += 29) {
				memset(back, 0xee, BYTES);
				assert_int_equal(cw_blk_read(&b, at, n, back, SECOND), CW_OK);
				assert_memory_equal(back, data + at * 512, n * 512);
				if (n < DISK_SECTORS)
					assert_int_equal(back[n * 512], 0xee);
			}
		world_stop(NULL);
	}
	opened();
}

static void writes_and_flushes(void **state)
{
	(void)state;
	opened();
	fill(77);
	assert_int_equal(cw_blk_write(&b, 0, DISK_SECTORS, data, SECOND), CW_OK);
	assert_memory_equal(w.disk, data, BYTES);
	assert_int_equal(w.disk_flushes, 0);
	assert_int_equal(cw_blk_flush(&b, SECOND), CW_OK);
	assert_int_equal(w.disk_flushes, 1);
	memset(data + 3 * 512, 5, 512);
	assert_int_equal(cw_blk_write(&b, 3, 1, data + 3 * 512, SECOND), CW_OK);
	assert_memory_equal(w.disk, data, BYTES);
}

static void zeroes_and_discards(void **state)
{
	(void)state;
	opened();
	assert_int_equal(cw_blk_zero(&b, 10, 20, true, SECOND), CW_OK);
	memset(data + 10 * 512, 0, 20 * 512);
	assert_memory_equal(w.disk, data, BYTES);
	assert_int_equal(cw_blk_discard(&b, 40, 8, SECOND), CW_OK);
	memset(data + 40 * 512, 0, 8 * 512);
	assert_memory_equal(w.disk, data, BYTES);
	assert_int_equal(cw_blk_zero(&b, 0, 0, false, SECOND), CW_EINVAL);
}

static void beyond_the_end_is_refused(void **state)
{
	(void)state;
	opened();
	assert_int_equal(cw_blk_read(&b, DISK_SECTORS, 1, back, SECOND), CW_EINVAL);
	assert_int_equal(cw_blk_read(&b, DISK_SECTORS - 1, 2, back, SECOND), CW_EINVAL);
	assert_int_equal(cw_blk_write(&b, UINT64_MAX, 1, data, SECOND), CW_EINVAL);
	assert_int_equal(cw_blk_read(&b, UINT64_MAX - 3, 8, back, SECOND), CW_EINVAL);
	assert_int_equal(cw_blk_zero(&b, 1, DISK_SECTORS, false, SECOND), CW_EINVAL);
	assert_int_equal(cw_blk_read(&b, DISK_SECTORS, 0, back, SECOND), CW_OK);
	assert_int_equal(back[0], 0xee);
}

static void read_only_disk(void **state)
{
	const struct world_options o = { .read_only = true };

	(void)state;
	opened_with(&o);
	assert_true(b.read_only);
	assert_int_equal(cw_blk_write(&b, 0, 1, data, SECOND), CW_ENOTSUP);
	assert_int_equal(cw_blk_zero(&b, 0, 1, true, SECOND), CW_ENOTSUP);
	assert_int_equal(cw_blk_discard(&b, 0, 1, SECOND), CW_ENOTSUP);
	b.read_only = false; /* a driver that does not know: the device does */
	assert_int_equal(cw_blk_write(&b, 0, 1, back, SECOND), CW_EIO);
	assert_memory_equal(w.disk, data, BYTES);
	assert_int_equal(cw_blk_read(&b, 0, 8, back, SECOND), CW_OK);
}

static void small_block_means_small_requests(void **state)
{
	const struct world_options o = { .disk_block = 0x4000 };

	(void)state;
	opened_with(&o);
	assert_in_range(b.buffer, 512, 2048);
	assert_int_equal(b.buffer % 512, 0);
	assert_int_equal(cw_blk_read(&b, 0, DISK_SECTORS, back, SECOND), CW_OK);
	assert_memory_equal(back, data, BYTES);
}

static void too_small_a_block_is_refused(void **state)
{
	(void)state;
	world_start(NULL);
	w.mmio[DISK].transport.memory.size = 2048;
	assert_int_equal(cw_blk_open(&b, &w.mmio[DISK].transport), CW_ENOSPC);
	assert_int_equal(cw_blk_read(&b, 0, 1, back, SECOND), CW_ENOSPC);
}

static void disk_that_fails(void **state)
{
	(void)state;
	opened();
	w.disk_broken = true;
	assert_int_equal(cw_blk_read(&b, 0, 64, back, SECOND), CW_EIO);
	assert_int_equal(cw_blk_write(&b, 0, 64, data, SECOND), CW_EIO);
	assert_int_equal(cw_blk_flush(&b, SECOND), CW_EIO);
	w.disk_broken = false;
	assert_int_equal(cw_blk_read(&b, 0, 64, back, SECOND), CW_OK);
	assert_memory_equal(back, data, 64 * 512);
}

static void deadline_and_after(void **state)
{
	uint64_t start;

	(void)state;
	opened();
	w.disk_stuck = true;
	for (int i = 0; i < 4; i++) {
		start = w.now;
		assert_int_equal(cw_blk_read(&b, 0, DISK_SECTORS, back, 20000), CW_ETIMEDOUT);
		assert_in_range(w.now - start, 20000, 40000);
		assert_int_equal(cw_blk_flush(&b, 20000), CW_ETIMEDOUT);
	}
	w.disk_stuck = false;
	memset(back, 0xee, BYTES);
	/* What was asked for before may come now; it goes nowhere. */
	assert_int_equal(cw_blk_read(&b, 100, 1, back + 512, SECOND), CW_OK);
	assert_int_equal(back[0], 0xee);
	assert_memory_equal(back + 512, data + 100 * 512, 512);
	assert_int_equal(back[1024], 0xee);
	for (unsigned int i = 0; i < CW_BLK_DEPTH; i++)
		assert_null(b.request[i].to);
}

/* A ring with room for one request: a call waits for what is left over of the one before. */
static void queue_that_is_short(void **state)
{
	char id[CW_BLK_ID_LEN + 1];

	(void)state;
	world_start(NULL);
	fill(1);
	memcpy(w.disk, data, BYTES);
	w.queue[DISK][0].num_max = 4;
	assert_int_equal(cw_blk_open(&b, &w.mmio[DISK].transport), CW_OK);
	assert_int_equal(b.queue.size, 4);
	assert_int_equal(cw_blk_read(&b, 0, 64, back, SECOND), CW_OK);
	assert_memory_equal(back, data, 64 * 512);
	w.disk_stuck = true;
	assert_int_equal(cw_blk_read(&b, 0, 1, back, 1000), CW_ETIMEDOUT);
	assert_int_equal(cw_blk_flush(&b, 1000), CW_ETIMEDOUT);
	w.disk_stuck = false;
	assert_int_equal(cw_blk_flush(&b, SECOND), CW_OK);
	assert_int_equal(cw_blk_id(&b, id, SECOND), CW_OK);
	assert_string_equal(id, "disk of a test");
}

/* ---- a device that lies ---- */

static uint32_t said_len;
static uint8_t said_status;

static void lie(void)
{
	for (unsigned int i = 0; i < CW_BLK_DEPTH; i++)
		if (b.request[i].busy)
			memset(b.request[i].memory + 32, said_status, 1);
	world_used(&b.queue, (uint16_t)(b.queue.used_count + 1), 0, said_len);
}

static int read_from_liar(uint32_t len, uint8_t status)
{
	int err;

	opened();
	w.silent = true;
	w.tamper = lie;
	said_len = len;
	said_status = status;
	err = cw_blk_read(&b, 0, 1, back, 50000);
	w.tamper = NULL;
	w.silent = false;
	return err;
}

static void row68_status_and_length(void **state)
{
	(void)state;
	assert_int_equal(read_from_liar(513, 0), CW_OK);
	world_stop(NULL);
	assert_int_equal(read_from_liar(513, 0xff), CW_EIO); /* never written */
	assert_int_equal(back[0], 0xee);
	world_stop(NULL);
	assert_int_equal(read_from_liar(513, 77), CW_EIO);
	world_stop(NULL);
	assert_int_equal(read_from_liar(513, 2), CW_ENOTSUP);
	world_stop(NULL);
	assert_int_equal(read_from_liar(512, 0), CW_EIO); /* one byte is missing */
	assert_int_equal(back[0], 0xee);
	world_stop(NULL);
	assert_int_equal(read_from_liar(0, 0), CW_EIO);
	world_stop(NULL);
	assert_int_equal(read_from_liar(514, 0), CW_EPEER); /* more than was offered */
	assert_int_equal(back[0], 0xee);
	assert_int_equal(cw_blk_read(&b, 0, 1, back, 1000), CW_EPEER);
}

/* ---- restarts ---- */

static int use(void)
{
	int err = cw_blk_open(&b, &w.mmio[DISK].transport);

	err = err ? err : cw_blk_write(&b, 8, 24, data + 8 * 512, SECOND);
	err = err ? err : cw_blk_flush(&b, SECOND);
	err = err ? err : cw_blk_read(&b, 0, 40, back, SECOND);
	if (!err)
		assert_memory_equal(back, data, 40 * 512);
	return err;
}

static void pmm_restarts_at_each_step(void **state)
{
	(void)state;
	world_pmm_restarts(opened, use, NULL);
}

static void remote_restarts_at_each_step(void **state)
{
	unsigned int steps;

	(void)state;
	opened();
	steps = w.step;
	assert_int_equal(use(), CW_OK);
	steps = w.step - steps;
	world_stop(NULL);
	for (volatile unsigned int s = 1; s <= steps; s += steps / 60 + 1) {
		opened();
		w.strike = w.step + s;
		w.at_strike = world_crash;
		if (!setjmp(world_crashed))
			use();
		memset(&b, 0x5a, sizeof(b));
		world_new_remote();
		assert_int_equal(use(), CW_OK);
		world_stop(NULL);
	}
	opened();
}

int main(void)
{
#define T(f) cmocka_unit_test_teardown(f, world_stop)
	const struct CMUnitTest tests[] = {
		T(says_what_it_is),
		T(reads_what_is_there),
		T(writes_and_flushes),
		T(zeroes_and_discards),
		T(beyond_the_end_is_refused),
		T(read_only_disk),
		T(small_block_means_small_requests),
		T(too_small_a_block_is_refused),
		T(disk_that_fails),
		T(deadline_and_after),
		T(queue_that_is_short),
		T(row68_status_and_length),
		T(pmm_restarts_at_each_step),
		T(remote_restarts_at_each_step),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
