// SPDX-License-Identifier: BSD-3-Clause
/* The block device against drivers that behave, ask for the impossible, or go away. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "pair.h"

#include <causeway/core/bytes.h>
#include <causeway/device/blk.h>

#define SIZE	 32
#define SECTORS	 1024u
#define REQUESTS 2u
#define ALL                                                                        \
	(CW_BLK_F_FLUSH | CW_BLK_F_DISCARD | CW_BLK_F_WRITE_ZEROES | CW_BLK_F_RO | \
	 CW_F_EVENT_IDX | CW_F_INDIRECT_DESC)

static struct {
	struct pair pair;
	struct cw_blk blk;
	struct cw_blk_request request[REQUESTS];
	struct cw_part part[REQUESTS][SIZE];
	uint8_t buf[REQUESTS][CW_BLK_STEP];
	uint8_t disk[SECTORS * 512];
	struct cw_blk_request *todo[REQUESTS];
	unsigned int todos, steps, flushes, syncs;
	bool cached, stuck, broken;
} t;

static int read_now(void *ctx, const struct cw_part *part, unsigned int n, uint64_t offset,
		    uint32_t len)
{
	uint32_t done = 0;

	(void)ctx;
	if (!t.cached)
		return CW_EAGAIN;
	for (unsigned int i = 0; i < n; i++) {
		memcpy(part[i].ptr, t.disk + offset + done, part[i].len);
		done += (uint32_t)part[i].len;
	}
	assert_int_equal(done, len); /* the status byte is in no part */
	return t.broken ? CW_EINTERNAL : (int)len;
}

static void start_step(void *ctx, struct cw_blk_request *r)
{
	(void)ctx;
	assert_true(t.todos < REQUESTS);
	t.todo[t.todos++] = r;
	t.steps++;
}

static void do_step(const struct cw_blk_step *s)
{
	assert_true(s->offset <= sizeof(t.disk) && s->len <= sizeof(t.disk) - s->offset);
	if (s->type == CW_BLK_T_IN)
		memcpy(s->buf, t.disk + s->offset, (size_t)s->len);
	else if (s->type == CW_BLK_T_OUT)
		memcpy(t.disk + s->offset, s->buf, (size_t)s->len);
	else if (s->type == CW_BLK_T_FLUSH)
		t.flushes++;
	else
		memset(t.disk + s->offset, s->type == CW_BLK_T_DISCARD ? 0xdd : 0, (size_t)s->len);
	t.syncs += s->sync;
}

static void collect(void *ctx)
{
	(void)ctx;
	while (t.todos && !t.stuck) {
		struct cw_blk_request *r = t.todo[0];

		do_step(&r->step);
		memmove(t.todo, t.todo + 1, --t.todos * sizeof(t.todo[0]));
		cw_blk_done(&t.blk, r, !t.broken);
	}
}

static const struct cw_blk_ops disk = { read_now, start_step, collect };

static void begin(bool read_only, uint64_t features)
{
	const struct cw_blk_geometry g = { .sectors = SECTORS,
					   .block = 4096,
					   .read_only = read_only,
					   .zeroes = true,
					   .id = "a disk" };

	memset(&t, 0, sizeof(t));
	for (uint32_t i = 0; i < sizeof(t.disk); i++)
		t.disk[i] = (uint8_t)(i * 7 + (i >> 9));
	for (unsigned int i = 0; i < REQUESTS; i++) {
		t.request[i].part = t.part[i];
		t.request[i].buf = t.buf[i];
	}
	pair_init(&t.pair, 1, SIZE, 4u << 20);
	assert_int_equal(cw_blk_init(&t.blk, &disk, NULL, &g, t.pair.q, t.request, REQUESTS, SIZE),
			 CW_OK);
	pair_up(&t.pair, &t.blk.dev, features & t.blk.dev.offered);
}

static int stop(void **state)
{
	(void)state;
	pair_free(&t.pair);
	return 0;
}

/* Runs it as a worker does, which wakes the queue when a step is over. */
static void run(void)
{
	for (unsigned int i = 0; i < 1000; i++) {
		pair_run(&t.pair);
		if (!t.todos || t.stuck)
			return;
		cw_device_wake(&t.blk.dev, 0);
	}
	fail_msg("it never ends");
}

struct asked {
	struct pair_mem head, data, status;
};

static struct asked ask(uint32_t type, uint64_t sector, uint32_t out, uint32_t in)
{
	struct cw_abi_blk_header h = { .type = cw_make_le32(type) };
	struct asked a = { .head = pair_alloc(&t.pair, sizeof(h)),
			   .data = pair_alloc(&t.pair, (out > in ? out : in) + 1),
			   .status = pair_alloc(&t.pair, 1) };
	struct cw_buf buf[3];
	unsigned int n = 0;

	h.sector[0] = cw_make_le32((uint32_t)sector);
	h.sector[1] = cw_make_le32((uint32_t)(sector >> 32));
	memcpy(a.head.p, &h, sizeof(h));
	*a.status.p = 0xff;
	buf[n++] = (struct cw_buf){ a.head.addr, sizeof(h) };
	if (out || in)
		buf[n++] = (struct cw_buf){ a.data.addr, out ? out : in };
	buf[n++] = (struct cw_buf){ a.status.addr, 1 };
	pair_add(&t.pair, 0, buf, out ? 2 : 1, n - (out ? 2 : 1), NULL);
	return a;
}

static void answered(const struct asked *a, uint8_t status, uint32_t len)
{
	pair_kick(&t.pair, 0);
	run();
	assert_int_equal(pair_take(&t.pair, 0), len);
	assert_int_equal(*a->status.p, status);
}

static void reads(void **state)
{
	(void)state;
	for (int cached = 0; cached < 2; cached++) {
		begin(false, ALL);
		t.cached = cached;
		for (uint32_t len = 512; len <= 300 * 512; len += 512 * 37) {
			struct asked a = ask(CW_BLK_T_IN, 5, 0, len);

			t.pair.used_bytes = 0x10000;
			memset(a.data.p, 0xee, len + 1);
			answered(&a, CW_BLK_S_OK, len + 1);
			assert_memory_equal(a.data.p, t.disk + 5 * 512, len);
			assert_int_equal(a.data.p[len], 0xee);
		}
		assert_int_equal(t.steps != 0, !cached);
		stop(NULL);
	}
	begin(false, ALL);
}

static void writes(void **state)
{
	static uint8_t expect[sizeof(t.disk)];
	const uint32_t len = 200 * 512;
	struct asked a;

	(void)state;
	begin(false, ALL);
	a = ask(CW_BLK_T_OUT, 100, len, 0);
	memcpy(expect, t.disk, sizeof(expect));
	for (uint32_t i = 0; i < len; i++)
		a.data.p[i] = expect[100 * 512 + i] = (uint8_t)(i * 3 + 1);
	answered(&a, CW_BLK_S_OK, 1);
	assert_memory_equal(t.disk, expect, sizeof(expect));
	assert_int_equal(t.steps, (len + CW_BLK_STEP - 1) / CW_BLK_STEP);
	assert_int_equal(t.syncs, 0);
	a = ask(CW_BLK_T_FLUSH, 0, 0, 0);
	answered(&a, CW_BLK_S_OK, 1);
	assert_int_equal(t.flushes, 1);
}

static void without_flush_writes_are_through(void **state)
{
	struct asked a;

	(void)state;
	begin(false, ALL & ~CW_BLK_F_FLUSH);
	a = ask(CW_BLK_T_OUT, 1, 512, 0);
	answered(&a, CW_BLK_S_OK, 1);
	assert_int_equal(t.syncs, 1);
	a = ask(CW_BLK_T_FLUSH, 0, 0, 0);
	answered(&a, CW_BLK_S_UNSUPP, 1);
}

/* However header, data and status are cut into descriptors (virtio 1.3 section 2.7.4). */
static void cut_anywhere(void **state)
{
	(void)state;
	for (uint32_t cut = 1; cut < 528; cut += 17) {
		struct cw_buf buf[4];
		struct pair_mem m;
		uint8_t expect[512];

		begin(false, ALL);
		m = pair_alloc(&t.pair, 2048);
		memset(m.p, 0, 2048);
		m.p[0] = CW_BLK_T_OUT;
		m.p[8] = 7;
		for (uint32_t i = 0; i < 512; i++)
			m.p[16 + i] = expect[i] = (uint8_t)(i ^ cut);
		buf[0] = (struct cw_buf){ m.addr, cut };
		buf[1] = (struct cw_buf){ m.addr + cut, 528 - cut };
		buf[2] = (struct cw_buf){ m.addr + 1024, 1 };
		pair_add(&t.pair, 0, buf, 2, 1, NULL);
		pair_kick(&t.pair, 0);
		run();
		assert_int_equal(pair_take(&t.pair, 0), 1);
		assert_int_equal(m.p[1024], CW_BLK_S_OK);
		assert_memory_equal(t.disk + 7 * 512, expect, 512);
		/* And back, the status byte in the same part as data. */
		m.p[0] = CW_BLK_T_IN;
		buf[0] = (struct cw_buf){ m.addr, 16 };
		buf[1] = (struct cw_buf){ m.addr + 1024, cut };
		buf[2] = (struct cw_buf){ m.addr + 1024 + cut, 513 - (cut < 512 ? cut : 512) };
		if (cut < 513) {
			pair_add(&t.pair, 0, buf, 1, 2, NULL);
			pair_kick(&t.pair, 0);
			run();
			assert_int_equal(pair_take(&t.pair, 0), 513);
			assert_memory_equal(m.p + 1024, expect, 512);
			assert_int_equal(m.p[1024 + 512], CW_BLK_S_OK);
		}
		stop(NULL);
	}
	begin(false, ALL);
}

static void zeroes(void **state)
{
	struct cw_abi_blk_segment s[2] = { { .sectors = cw_make_le32(2), .flags = cw_make_le32(1) },
					   { .sectors = cw_make_le32(1) } };
	struct asked a;

	(void)state;
	begin(false, ALL);
	s[0].sector[0] = cw_make_le32(10);
	s[1].sector[0] = cw_make_le32(SECTORS - 1);
	a = ask(CW_BLK_T_WRITE_ZEROES, 0, sizeof(s), 0);
	memcpy(a.data.p, s, sizeof(s));
	answered(&a, CW_BLK_S_OK, 1);
	for (uint32_t i = 0; i < 1024; i++)
		assert_int_equal(t.disk[5120 + i], 0);
	assert_int_equal(t.disk[sizeof(t.disk) - 1], 0);
	s[0].flags = cw_make_le32(0);
	a = ask(CW_BLK_T_DISCARD, 0, sizeof(s[0]), 0);
	memcpy(a.data.p, s, sizeof(s[0]));
	answered(&a, CW_BLK_S_OK, 1);
	assert_int_equal(t.disk[5120], 0xdd);
}

static void id(void **state)
{
	struct asked a;

	(void)state;
	begin(false, ALL);
	a = ask(CW_BLK_T_GET_ID, 0, 0, CW_BLK_ID_LEN);
	answered(&a, CW_BLK_S_OK, CW_BLK_ID_LEN + 1);
	assert_memory_equal(a.data.p, "a disk\0\0\0\0\0\0\0\0\0\0\0\0\0\0", CW_BLK_ID_LEN);
}

static void row37(uint32_t type, uint64_t sector, uint32_t out, uint32_t in, uint8_t status)
{
	static uint8_t before[sizeof(t.disk)];
	struct asked a = ask(type, sector, out, in);

	memcpy(before, t.disk, sizeof(before));
	answered(&a, status, 1);
	assert_memory_equal(t.disk, before, sizeof(before));
	assert_int_equal(t.steps, 0);
	t.pair.used_bytes = 0x10000;
}

static void row37_impossible_requests(void **state)
{
	(void)state;
	begin(false, ALL);
	t.pair.used_bytes = 0x10000;
	row37(CW_BLK_T_IN, SECTORS, 0, 512, CW_BLK_S_IOERR);
	row37(CW_BLK_T_IN, SECTORS - 1, 0, 1024, CW_BLK_S_IOERR);
	row37(CW_BLK_T_IN, UINT64_MAX, 0, 512, CW_BLK_S_IOERR);
	row37(CW_BLK_T_IN, UINT64_MAX / 512 + 1, 0, 512, CW_BLK_S_IOERR); /* 0 when multiplied */
	row37(CW_BLK_T_OUT, UINT64_MAX / 512 + 1, 512, 0, CW_BLK_S_IOERR);
	row37(CW_BLK_T_IN, 0, 0, 511, CW_BLK_S_IOERR);
	row37(CW_BLK_T_OUT, 0, 513, 0, CW_BLK_S_IOERR);
	row37(CW_BLK_T_IN, 0, 0, 0, CW_BLK_S_IOERR);
	row37(CW_BLK_T_OUT, 0, 0, 0, CW_BLK_S_IOERR);
	row37(CW_BLK_T_GET_ID, 0, 0, 19, CW_BLK_S_IOERR);
	row37(2, 0, 0, 512, CW_BLK_S_UNSUPP);
	row37(0x80000000u, 0, 0, 0, CW_BLK_S_UNSUPP);
}

static void row37_segments(void **state)
{
	static const struct {
		uint32_t type, sector, high, sectors, flags;
		uint8_t status;
	} bad[] = {
		{ CW_BLK_T_DISCARD, SECTORS, 0, 1, 0, CW_BLK_S_IOERR },
		{ CW_BLK_T_DISCARD, 0, 0, SECTORS + 1, 0, CW_BLK_S_IOERR },
		{ CW_BLK_T_DISCARD, 0, 0, 0, 0, CW_BLK_S_IOERR },
		{ CW_BLK_T_DISCARD, 0, 0, 0xffffffff, 0, CW_BLK_S_IOERR },
		{ CW_BLK_T_DISCARD, 0xffffffff, 0xffffffff, 2, 0, CW_BLK_S_IOERR },
		{ CW_BLK_T_DISCARD, 0, 0, 1, 1, CW_BLK_S_UNSUPP },
		{ CW_BLK_T_WRITE_ZEROES, 0, 0, 1, 2, CW_BLK_S_UNSUPP },
		{ CW_BLK_T_WRITE_ZEROES, 1, 0, SECTORS, 1, CW_BLK_S_IOERR },
	};

	(void)state;
	begin(false, ALL);
	for (unsigned int i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		const struct cw_abi_blk_segment s = { .sector = { cw_make_le32(bad[i].sector),
								  cw_make_le32(bad[i].high) },
						      .sectors = cw_make_le32(bad[i].sectors),
						      .flags = cw_make_le32(bad[i].flags) };
		struct asked a = ask(bad[i].type, 0, sizeof(s), 0);

		memcpy(a.data.p, &s, sizeof(s));
		answered(&a, bad[i].status, 1);
		assert_int_equal(t.steps, 0);
	}
	row37(CW_BLK_T_DISCARD, 0, 15, 0, CW_BLK_S_IOERR);
	row37(CW_BLK_T_DISCARD, 0, 0, 0, CW_BLK_S_IOERR);
	row37(CW_BLK_T_WRITE_ZEROES, 0, 17 * 16, 0, CW_BLK_S_IOERR);
}

static void row37_read_only(void **state)
{
	(void)state;
	begin(true, ALL);
	t.pair.used_bytes = 0x10000;
	row37(CW_BLK_T_OUT, 0, 512, 0, CW_BLK_S_IOERR);
	row37(CW_BLK_T_WRITE_ZEROES, 0, 16, 0, CW_BLK_S_UNSUPP);
	row37(CW_BLK_T_DISCARD, 0, 16, 0, CW_BLK_S_UNSUPP);
}

static void short_header(void **state)
{
	struct cw_buf buf[2];
	struct pair_mem m;

	(void)state;
	begin(false, ALL);
	m = pair_alloc(&t.pair, 64);
	buf[0] = (struct cw_buf){ m.addr, 15 };
	buf[1] = (struct cw_buf){ m.addr + 32, 1 };
	pair_add(&t.pair, 0, buf, 1, 1, NULL);
	pair_kick(&t.pair, 0);
	run();
	assert_int_equal(pair_take(&t.pair, 0), 1);
	assert_int_equal(m.p[32], CW_BLK_S_IOERR);
	assert_true(cw_device_running(&t.blk.dev));
	/* And no header at all. */
	pair_add(&t.pair, 0, buf + 1, 0, 1, NULL);
	pair_kick(&t.pair, 0);
	run();
	assert_int_equal(pair_take(&t.pair, 0), 1);
	assert_int_equal(m.p[32], CW_BLK_S_IOERR);
}

static void no_room_for_a_status(void **state)
{
	struct cw_buf buf;

	(void)state;
	begin(false, ALL);
	buf = (struct cw_buf){ pair_alloc(&t.pair, 64).addr, 16 };
	pair_add(&t.pair, 0, &buf, 1, 0, NULL);
	pair_kick(&t.pair, 0);
	cw_device_serve(&t.blk.dev);
	assert_int_equal(t.blk.dev.fault, CW_EBADCHAIN);
	assert_int_equal(pair_take(&t.pair, 0), 0);
}

static void disk_fails(void **state)
{
	struct asked a;

	(void)state;
	begin(false, ALL);
	t.broken = true;
	a = ask(CW_BLK_T_IN, 0, 0, 512);
	answered(&a, CW_BLK_S_IOERR, 1);
	t.cached = true;
	a = ask(CW_BLK_T_IN, 0, 0, 512);
	answered(&a, CW_BLK_S_IOERR, 1);
	a = ask(CW_BLK_T_FLUSH, 0, 0, 0);
	answered(&a, CW_BLK_S_IOERR, 1);
	t.broken = t.cached = false;
	a = ask(CW_BLK_T_IN, 0, 0, 512);
	answered(&a, CW_BLK_S_OK, 513);
}

/* More requests than may be under way: the others wait in the ring, and none is lost. */
static void more_than_it_takes(void **state)
{
	struct asked a[10];

	(void)state;
	begin(false, ALL);
	t.stuck = true;
	for (unsigned int i = 0; i < 10; i++)
		a[i] = ask(CW_BLK_T_IN, i, 0, 512);
	pair_kick(&t.pair, 0);
	run();
	assert_int_equal(t.todos, REQUESTS);
	assert_true(pair_empty(&t.pair, 0));
	t.stuck = false;
	cw_device_wake(&t.blk.dev, 0);
	run();
	for (unsigned int i = 0; i < 10; i++) {
		assert_int_equal(pair_take(&t.pair, 0), 513);
		assert_int_equal(*a[i].status.p, CW_BLK_S_OK);
		assert_memory_equal(a[i].data.p, t.disk + 512 * i, 512);
	}
}

/* Fault F8: what an old life has in hand is forgotten, and touches nothing of the new one's. */
static void reset_with_steps_in_hand(void **state)
{
	struct asked old, a;

	(void)state;
	begin(false, ALL);
	t.stuck = true;
	old = ask(CW_BLK_T_IN, 3, 0, 100 * 512);
	ask(CW_BLK_T_OUT, 900, 100 * 512, 0);
	pair_kick(&t.pair, 0);
	run();
	assert_int_equal(t.todos, 2);
	memset(old.data.p, 0x77, 512);
	cw_device_set_status(&t.blk.dev, 0);
	assert_true(cw_device_reset_done(&t.blk.dev)); /* it waits for no disk */
	pair_up(&t.pair, &t.blk.dev, ALL & t.blk.dev.offered);
	t.pair.used_bytes = 0x100000;
	a = ask(CW_BLK_T_IN, 1, 0, 512);
	pair_kick(&t.pair, 0);
	run();
	assert_true(pair_empty(&t.pair, 0)); /* both places are taken still */
	t.stuck = false;
	cw_device_wake(&t.blk.dev, 0);
	run();
	assert_int_equal(pair_take(&t.pair, 0), 513);
	assert_memory_equal(a.data.p, t.disk + 512, 512);
	assert_true(pair_empty(&t.pair, 0));
	assert_int_equal(old.data.p[0], 0x77);
	assert_int_equal(t.steps, 3); /* nothing went on of the old ones */
	assert_int_equal(t.blk.busy, 0);
}

/* What is read at once is much at most, and then others have their turn. */
static void long_reads_take_turns(void **state)
{
	const uint32_t len = SECTORS * 512, many = 2 * CW_SERVE_BYTES / (SECTORS * 512) + 1;

	(void)state;
	begin(false, ALL);
	t.cached = true;
	for (uint32_t i = 0; i < many; i++)
		ask(CW_BLK_T_IN, 0, 0, len);
	pair_kick(&t.pair, 0);
	run();
	for (uint32_t i = 0; i < many; i++)
		assert_int_equal(pair_take(&t.pair, 0), len + 1);
	assert_int_equal(t.blk.dev.count.served, 3);
}

static void geometry_must_make_sense(void **state)
{
	struct cw_blk_geometry g = { .sectors = 0, .block = 512 };

	(void)state;
	begin(false, ALL);
	assert_int_equal(cw_blk_init(&t.blk, &disk, NULL, &g, t.pair.q, t.request, 1, SIZE),
			 CW_EINVAL);
	g.sectors = 1;
	g.block = 513;
	assert_int_equal(cw_blk_init(&t.blk, &disk, NULL, &g, t.pair.q, t.request, 1, SIZE),
			 CW_EINVAL);
	g.block = 512;
	assert_int_equal(cw_blk_init(&t.blk, &disk, NULL, &g, t.pair.q, t.request, 0, SIZE),
			 CW_EINVAL);
	assert_int_equal(cw_blk_init(&t.blk, &disk, NULL, &g, t.pair.q, t.request, 1, SIZE), CW_OK);
}

int main(void)
{
#define T(f) cmocka_unit_test_teardown(f, stop)
	const struct CMUnitTest tests[] = {
		T(reads),
		T(writes),
		T(without_flush_writes_are_through),
		T(cut_anywhere),
		T(zeroes),
		T(id),
		T(row37_impossible_requests),
		T(row37_segments),
		T(row37_read_only),
		T(short_header),
		T(no_room_for_a_status),
		T(disk_fails),
		T(more_than_it_takes),
		T(reset_with_steps_in_hand),
		T(long_reads_take_turns),
		T(geometry_must_make_sense),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
