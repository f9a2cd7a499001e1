// SPDX-License-Identifier: BSD-3-Clause
/* Exported folders, as a worker runs them. What a server may be asked is in tests/unit/host/. */
#include "backend.h"

#include <causeway/abi/9p.h>
#include <causeway/core/bytes.h>

#define MSIZE 65560u
#define LONG  150000u
#define ROOT  1u
#define FILE_ 2u /* fids */

static uint8_t bytes[LONG];
static unsigned int answers;
static struct pair_mem out, in;
static uint32_t out_len, in_len;

static void make_folder(bool read_only)
{
	bed_begin(CW_ID_9P, CW_BACKEND_FOLDER);
	for (uint32_t i = 0; i < LONG; i++)
		bytes[i] = (uint8_t)(i * 13 + (i >> 9));
	assert_int_equal(mkdir("export", 0755), 0);
	bed_write_file("export/long", bytes, LONG);
	bed_write_file("secret", "secret", 6);
	bed.device.path = bed_text("export");
	bed.device.read_only = read_only;
	bed.device.tag = bed_text("conform");
	bed.device.msize = MSIZE;
	answers = 0;
}

static int end(void **state)
{
	unlink("export/long");
	unlink("export/new");
	unlink("export/link");
	rmdir("export");
	unlink("secret");
	return bed_end(state);
}

/* ---- messages ---- */

static void put(uint64_t v, unsigned int n)
{
	for (; n--; v >>= 8)
		out.p[out_len++] = (uint8_t)v;
}

static void put_name(const char *s)
{
	put(strlen(s), 2);
	memcpy(out.p + out_len, s, strlen(s));
	out_len += (uint32_t)strlen(s);
}

static void message(uint8_t type, uint32_t fid)
{
	out = pair_alloc(&bed.pair, 4096);
	in = pair_alloc(&bed.pair, MSIZE);
	out_len = 4;
	put(type, 1);
	put(7, 2);
	put(fid, 4);
}

static void offer(const void *data, uint32_t len)
{
	struct cw_buf buf[3];
	unsigned int n = 1;

	cw_poke32(out.p, out_len + len);
	buf[0] = (struct cw_buf){ out.addr, out_len };
	if (len) {
		struct pair_mem m = pair_alloc(&bed.pair, len);

		memcpy(m.p, data, len);
		buf[n++] = (struct cw_buf){ m.addr, len };
	}
	buf[n] = (struct cw_buf){ in.addr, MSIZE };
	pair_add(&bed.pair, 0, buf, n, 1, NULL);
}

static bool answered(void)
{
	void *cookie;

	while (pair_get(&bed.pair, 0, &cookie, &in_len))
		answers++;
	return answers != 0;
}

/* The answer's type, or minus the error in it. */
static int go_with(const void *data, uint32_t len)
{
	answers = 0;
	offer(data, len);
	pair_kick(&bed.pair, 0);
	pair_run(&bed.pair);
	bed_until(answered);
	assert_int_equal(answers, 1);
	assert_int_equal(cw_peek32(in.p), in_len);
	bed.pair.used_bytes = 0x10000;
	return in.p[4] == CW_9P_RLERROR ? -(int)cw_peek32(in.p + 7) : in.p[4];
}

static int go(void)
{
	return go_with(NULL, 0);
}

static void session(void)
{
	bed.pair.used_bytes = 0x10000;
	message(CW_9P_TVERSION, MSIZE);
	put_name(CW_9P_VERSION);
	assert_int_equal(go(), CW_9P_TVERSION + 1);
	assert_int_equal(cw_peek32(in.p + 7), MSIZE);
	message(CW_9P_TATTACH, ROOT);
	put(CW_9P_NOFID, 4);
	put_name("");
	put_name("");
	put(0, 4);
	assert_int_equal(go(), CW_9P_TATTACH + 1);
}

static void begin(bool read_only)
{
	make_folder(read_only);
	bed_run(1, CW_9P_F_MOUNT_TAG);
	session();
}

static int walk(const char *name, uint32_t fid)
{
	message(CW_9P_TWALK, ROOT);
	put(fid, 4);
	put(name != NULL, 2);
	if (name)
		put_name(name);
	return go();
}

static int open_file(uint32_t flags)
{
	message(CW_9P_TLOPEN, FILE_);
	put(flags, 4);
	return go();
}

static void ask_to_read(uint64_t offset, uint32_t len)
{
	message(CW_9P_TREAD, FILE_);
	put(offset, 8);
	put(len, 4);
}

static int write_file(uint64_t offset, const void *data, uint32_t len)
{
	message(CW_9P_TWRITE, FILE_);
	put(offset, 8);
	put(len, 4);
	return go_with(data, len);
}

/* ---- */

static void reads(void **state)
{
	(void)state;
	begin(false);
	assert_int_equal(walk("long", FILE_), CW_9P_TWALK + 1);
	assert_int_equal(open_file(CW_9P_O_RDONLY), CW_9P_TLOPEN + 1);
	for (uint32_t at = 0; at < LONG; at += 65536) {
		uint32_t len = LONG - at < 65536 ? LONG - at : 65536;

		memset(in.p, 0xee, MSIZE);
		ask_to_read(at, 65536);
		assert_int_equal(go(), CW_9P_TREAD + 1);
		assert_int_equal(in_len, 11 + len);
		assert_int_equal(cw_peek32(in.p + 7), len);
		assert_memory_equal(in.p + 11, bytes + at, len);
	}
}

/* What is cached is there at once, without a turn of the loop. */
static void reads_at_once(void **state)
{
	(void)state;
	begin(false);
	walk("long", FILE_);
	open_file(CW_9P_O_RDONLY);
	while (bed_turn(0))
		;
	answers = 0;
	ask_to_read(100, 65536);
	offer(NULL, 0);
	pair_kick(&bed.pair, 0);
	pair_run(&bed.pair);
	assert_true(answered());
	assert_int_equal(in_len, 11 + 65536);
	assert_memory_equal(in.p + 11, bytes + 100, 65536);
}

static void writes(void **state)
{
	static uint8_t there[LONG];
	FILE *f;

	(void)state;
	begin(false);
	walk(NULL, FILE_);
	message(CW_9P_TLCREATE, FILE_);
	put_name("new");
	put(CW_9P_O_RDWR, 4);
	put(0640, 4);
	put(0, 4);
	assert_int_equal(go(), CW_9P_TLCREATE + 1);
	for (uint32_t at = 0; at < LONG; at += 50000) {
		assert_int_equal(write_file(at, bytes + at, 50000), CW_9P_TWRITE + 1);
		assert_int_equal(cw_peek32(in.p + 7), 50000);
	}
	f = fopen("export/new", "r");
	assert_non_null(f);
	assert_int_equal(fread(there, 1, LONG, f), LONG);
	fclose(f);
	assert_memory_equal(there, bytes, LONG);
}

static void many_at_once(void **state)
{
	struct pair_mem got[15];
	uint64_t until;

	(void)state;
	begin(false);
	walk("long", FILE_);
	open_file(CW_9P_O_RDONLY);
	answers = 0;
	for (uint32_t i = 0; i < 15; i++) {
		ask_to_read(i * 9000, 9000);
		out.p[5] = (uint8_t)i;
		got[i] = in;
		offer(NULL, 0);
	}
	pair_kick(&bed.pair, 0);
	for (until = bed_now() + BED_PATIENCE_US; answers < 15 && bed_now() < until;) {
		bed_turn(20);
		answered();
	}
	assert_int_equal(answers, 15);
	for (uint32_t i = 0; i < 15; i++) {
		assert_int_equal(got[i].p[5], i);
		assert_memory_equal(got[i].p + 11, bytes + i * 9000, 9000);
	}
}

static void read_only(void **state)
{
	(void)state;
	begin(true);
	assert_int_equal(walk("long", FILE_), CW_9P_TWALK + 1);
	assert_int_equal(open_file(CW_9P_O_RDWR), -CW_9P_EROFS);
	message(CW_9P_TMKDIR, ROOT);
	put_name("dir");
	put(0755, 4);
	put(0, 4);
	assert_int_equal(go(), -CW_9P_EROFS);
}

static void row44_nothing_outside(void **state)
{
	int got;

	(void)state;
	begin(false);
	assert_int_equal(symlink("../secret", "export/link"), 0);
	assert_int_equal(walk("link", FILE_), CW_9P_TWALK + 1); /* the link itself */
	assert_true(open_file(CW_9P_O_RDONLY) < 0);
	message(CW_9P_TWALK, ROOT);
	put(3, 4);
	put(2, 2);
	put_name("..");
	put_name("secret");
	got = go();
	assert_true(got < 0 || cw_peek16(in.p + 7) < 2);
}

/* Fault F8: a reset ends the session; its files are closed before the next one begins. */
static void a_reset_closes_all(void **state)
{
	int fds;

	(void)state;
	begin(false);
	fds = conform_fds();
	walk("long", FILE_);
	open_file(CW_9P_O_RDONLY);
	assert_int_equal(conform_fds(), fds + 1);
	cw_device_set_status(bed.unit->dev, 0);
	assert_true(cw_device_reset_done(bed.unit->dev));
	pair_up(&bed.pair, bed.unit->dev, CW_9P_F_MOUNT_TAG | CW_F_EVENT_IDX);
	session();
	assert_int_equal(conform_fds(), fds);
	ask_to_read(0, 10);
	assert_int_equal(go(), -CW_9P_EBADF);
}

static void refused(void **state)
{
	(void)state;
	make_folder(false);
	bed.device.path = bed_text("nothing");
	bed_refuses("cannot open the folder nothing: No such file or directory");
	bed.device.path = bed_text("secret");
	bed_refuses("cannot open the folder secret: Not a directory");
	bed.device.path = bed_text("export");
	assert_true(bed_open());
	assert_string_equal(bed.fds.note[0], "export");
}

static void rests_and_counts(void **state)
{
	struct cw_unit_stats s = { 0 };

	(void)state;
	begin(false);
	bed_rests();
	walk("nothing", FILE_);
	bed_rests();
	bed.unit->ops->stats(bed.unit, &s);
	assert_int_equal(s.rx_packets, 3);
	assert_int_equal(s.tx_packets, 3);
	assert_int_equal(s.errors, 1);
	assert_int_equal(s.strange, 0);
}

int main(void)
{
#define T(f) cmocka_unit_test_teardown(f, end)
	const struct CMUnitTest tests[] = {
		T(reads),
		T(reads_at_once),
		T(writes),
		T(many_at_once),
		T(read_only),
		T(row44_nothing_outside),
		T(a_reset_closes_all),
		T(refused),
		T(rests_and_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
