// SPDX-License-Identifier: BSD-3-Clause
/* Disks, as a worker runs them. */
#include "backend.h"

#include <causeway/core/bytes.h>

#define SECTORS 512u

static uint8_t image[SECTORS * 512];
static volatile unsigned int flushed; /* by the disk's thread */

int __real_fdatasync(int fd);
int __wrap_fdatasync(int fd);

int __wrap_fdatasync(int fd)
{
	flushed++;
	return __real_fdatasync(fd);
}

static uint32_t answers;

static void make_disk(bool read_only)
{
	bed_begin(CW_ID_BLK, CW_BACKEND_DISK);
	for (uint32_t i = 0; i < sizeof(image); i++)
		image[i] = (uint8_t)(i * 13 + (i >> 9));
	bed_write_file("disk", image, sizeof(image));
	bed.device.path = bed_text("disk");
	bed.device.read_only = read_only;
	bed.device.disk_id = bed_text("conform");
	answers = flushed = 0;
}

static int end(void **state)
{
	unlink("disk");
	return bed_end(state);
}

static void compare_file(void)
{
	static uint8_t there[sizeof(image)];
	FILE *f = fopen("disk", "r");

	assert_non_null(f);
	assert_int_equal(fread(there, 1, sizeof(there), f), sizeof(there));
	fclose(f);
	assert_memory_equal(there, image, sizeof(image));
}

struct asked {
	struct pair_mem head, data, status;
};

static struct asked ask(uint32_t type, uint64_t sector, uint32_t out, uint32_t in)
{
	struct cw_abi_blk_header h = { .type = cw_make_le32(type),
				       .sector = { cw_make_le32((uint32_t)sector) } };
	struct asked a = { pair_alloc(&bed.pair, sizeof(h)),
			   pair_alloc(&bed.pair, (out > in ? out : in) + 1),
			   pair_alloc(&bed.pair, 1) };
	struct cw_buf buf[3];
	unsigned int n = 0;

	memcpy(a.head.p, &h, sizeof(h));
	*a.status.p = 0xff;
	buf[n++] = (struct cw_buf){ a.head.addr, sizeof(h) };
	if (out || in)
		buf[n++] = (struct cw_buf){ a.data.addr, out ? out : in };
	buf[n++] = (struct cw_buf){ a.status.addr, 1 };
	pair_add(&bed.pair, 0, buf, out ? 2 : 1, n - (out ? 2 : 1), NULL);
	return a;
}

static bool answered(void)
{
	uint32_t len;
	void *cookie;

	while (pair_get(&bed.pair, 0, &cookie, &len))
		answers++;
	return answers != 0;
}

static uint8_t go(const struct asked *a)
{
	answers = 0;
	pair_kick(&bed.pair, 0);
	pair_run(&bed.pair);
	bed_until(answered);
	assert_int_equal(answers, 1);
	return *a->status.p;
}

static void reads_and_writes(void **state)
{
	struct asked a;

	(void)state;
	make_disk(false);
	bed_run(1, CW_BLK_F_FLUSH);
	a = ask(CW_BLK_T_IN, 3, 0, 100 * 512);
	assert_int_equal(go(&a), CW_BLK_S_OK);
	assert_memory_equal(a.data.p, image + 3 * 512, 100 * 512);
	a = ask(CW_BLK_T_OUT, 9, 300 * 512, 0);
	for (uint32_t i = 0; i < 300 * 512; i++)
		a.data.p[i] = image[9 * 512 + i] = (uint8_t)(i * 3 + (i >> 8));
	assert_int_equal(go(&a), CW_BLK_S_OK);
	assert_int_equal(flushed, 0);
	a = ask(CW_BLK_T_FLUSH, 0, 0, 0);
	assert_int_equal(go(&a), CW_BLK_S_OK);
	assert_int_equal(flushed, 1);
	compare_file();
}

static void without_flush_each_write_is_durable(void **state)
{
	struct asked a;

	(void)state;
	make_disk(false);
	bed_run(1, 0);
	a = ask(CW_BLK_T_OUT, 0, 512, 0);
	memcpy(a.data.p, image, 512);
	assert_int_equal(go(&a), CW_BLK_S_OK);
	assert_int_equal(flushed, 1);
}

static void many_at_once(void **state)
{
	struct asked a[15];
	uint64_t until;

	(void)state;
	make_disk(false);
	bed_run(1, CW_BLK_F_FLUSH);
	for (uint32_t i = 0; i < 15; i++) {
		a[i] = ask(CW_BLK_T_OUT, i * 3, 3 * 512, 0);
		memset(a[i].data.p, (int)i, 3 * 512);
		memset(image + i * 3 * 512, (int)i, 3 * 512);
	}
	pair_kick(&bed.pair, 0);
	for (until = bed_now() + BED_PATIENCE_US; answers < 15 && bed_now() < until;) {
		bed_turn(20);
		answered();
	}
	assert_int_equal(answers, 15);
	compare_file();
}

static void zeroes(void **state)
{
	struct cw_abi_blk_segment s = { .sectors = cw_make_le32(16) };
	struct asked a;

	(void)state;
	make_disk(false);
	bed_run(1, CW_BLK_F_FLUSH | CW_BLK_F_DISCARD | CW_BLK_F_WRITE_ZEROES);
	for (uint32_t unmap = 0; unmap < 2; unmap++) {
		s.sector[0] = cw_make_le32(40 + 100 * unmap);
		s.flags = cw_make_le32(unmap);
		a = ask(CW_BLK_T_WRITE_ZEROES, 0, sizeof(s), 0);
		memcpy(a.data.p, &s, sizeof(s));
		assert_int_equal(go(&a), CW_BLK_S_OK);
		memset(image + (40 + 100 * unmap) * 512, 0, 16 * 512);
	}
	compare_file();
	s.flags = cw_make_le32(0);
	a = ask(CW_BLK_T_DISCARD, 0, sizeof(s), 0);
	memcpy(a.data.p, &s, sizeof(s));
	assert_int_equal(go(&a), CW_BLK_S_OK);
}

/* Row 55: somebody makes the file shorter while it is in use. */
static void row55_truncated(void **state)
{
	struct asked a;

	(void)state;
	make_disk(false);
	bed_run(1, CW_BLK_F_FLUSH);
	assert_int_equal(truncate("disk", 100 * 512), 0);
	a = ask(CW_BLK_T_IN, 99, 0, 1024);
	assert_int_equal(go(&a), CW_BLK_S_IOERR);
	a = ask(CW_BLK_T_IN, 0, 0, 1024);
	assert_int_equal(go(&a), CW_BLK_S_OK);
}

static void read_only(void **state)
{
	struct asked a;

	(void)state;
	make_disk(true);
	bed_run(1, 0);
	a = ask(CW_BLK_T_OUT, 0, 512, 0);
	memset(a.data.p, 0, 512);
	assert_int_equal(go(&a), CW_BLK_S_IOERR);
	compare_file();
}

static void refused(void **state)
{
	(void)state;
	make_disk(false);
	bed.device.path = bed_text("nothing");
	bed_refuses("cannot open nothing");
	bed.device.path = bed_text("/dev/null");
	bed_refuses("is neither a file nor a block device");
	bed.device.path = bed_text("disk");
	assert_int_equal(truncate("disk", 1000), 0);
	bed_refuses("which are no whole sectors");
	assert_int_equal(truncate("disk", 0), 0);
	bed_refuses("which are no whole sectors");
}

static void locked(void **state)
{
	struct flock l = { .l_type = F_RDLCK, .l_whence = SEEK_SET };
	int fd;

	(void)state;
	make_disk(false);
	fd = open("disk", O_RDONLY);
	assert_int_equal(fcntl(fd, F_OFD_SETLK, &l), 0);
	bed_refuses("is in use as a disk already");
	bed.device.read_only = true; /* readers do not mind each other */
	assert_true(bed_open());
	close(fd);
}

static void rests_and_counts(void **state)
{
	struct cw_unit_stats s = { 0 };
	struct asked a;

	(void)state;
	make_disk(false);
	bed_run(1, CW_BLK_F_FLUSH);
	bed_rests();
	a = ask(CW_BLK_T_IN, 0, 0, 512);
	go(&a);
	a = ask(CW_BLK_T_OUT, 0, 512, 0);
	memcpy(a.data.p, image, 512);
	go(&a);
	bed_rests();
	bed.unit->ops->stats(bed.unit, &s);
	assert_int_equal(s.rx_bytes + s.tx_bytes, 1024);
	assert_int_equal(s.errors + s.strange, 0);
}

/* Nothing to wait for: the answer is there at once, though tmpfs refuses reads that may not wait. */
static void in_memory(void **state)
{
	static char path[64];
	struct asked a;

	(void)state;
	snprintf(path, sizeof(path), "/dev/shm/cw-disk.%d", getpid());
	make_disk(false);
	bed_write_file(path, image, sizeof(image));
	bed.device.path = path;
	bed_run(1, CW_BLK_F_FLUSH);
	unlink(path);
	a = ask(CW_BLK_T_IN, 3, 0, 512);
	pair_kick(&bed.pair, 0);
	pair_run(&bed.pair);
	assert_true(answered() || getenv("CONFORM_COPY"));
	if (!answers)
		bed_until(answered);
	assert_int_equal(*a.status.p, CW_BLK_S_OK);
	assert_memory_equal(a.data.p, image + 3 * 512, 512);
}

int main(void)
{
#define T(f) cmocka_unit_test_teardown(f, end)
	const struct CMUnitTest tests[] = {
		T(reads_and_writes), T(without_flush_each_write_is_durable),
		T(many_at_once),     T(zeroes),
		T(row55_truncated),  T(read_only),
		T(refused),	     T(locked),
		T(rests_and_counts), T(in_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
