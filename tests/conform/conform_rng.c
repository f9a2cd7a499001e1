// SPDX-License-Identifier: BSD-3-Clause
/* Every source of entropy keeps the same contract. */
#include "backend.h"

static const char bytes[] = "0123456789abcdefg";

static void begin(enum cw_backend_kind kind)
{
	bed_begin(CW_ID_RNG, kind);
	if (kind != CW_BACKEND_FILE)
		return;
	bed_write_file("bytes", bytes, 17);
	bed.device.path = bed_text("bytes");
}

static void end_of(enum cw_backend_kind kind)
{
	if (kind == CW_BACKEND_FILE)
		assert_int_equal(unlink("bytes"), 0);
}

static enum cw_backend_kind kind_of(void **state)
{
	return *(enum cw_backend_kind *)*state;
}

static void fills_what_was_asked(void **state)
{
	struct pair_mem m;
	uint32_t len;

	begin(kind_of(state));
	bed_run(1, 0);
	m = bed_offer(0, NULL, 64, true);
	len = pair_take(&bed.pair, 0);
	assert_int_equal(len, 64);
	for (uint32_t i = 1; i < 64; i++)
		if (m.p[i] != m.p[0])
			len = 0;
	assert_int_equal(len, 0); /* 64 equal bytes are no entropy */
	assert_int_equal(m.p[64 + 16], 0x5a);
	end_of(kind_of(state));
}

static void goes_on_where_it_was(void **state)
{
	struct pair_mem a, b;

	begin(kind_of(state));
	bed_run(1, 0);
	a = bed_offer(0, NULL, 16, true);
	b = bed_offer(0, NULL, 16, true);
	assert_int_equal(pair_take(&bed.pair, 0), 16);
	assert_int_equal(pair_take(&bed.pair, 0), 16);
	assert_memory_not_equal(a.p, b.p, 16);
	end_of(kind_of(state));
}

static void fills_parts_without_a_gap(void **state)
{
	struct cw_buf buf[5];
	struct pair_mem m;

	begin(kind_of(state));
	bed_run(1, 0);
	m = pair_alloc(&bed.pair, 5 * 64);
	memset(m.p, 0, 5 * 64);
	for (unsigned int i = 0; i < 5; i++)
		buf[i] = (struct cw_buf){ m.addr + 64 * i, 40 };
	pair_add(&bed.pair, 0, buf, 0, 5, NULL);
	pair_kick(&bed.pair, 0);
	pair_run(&bed.pair);
	assert_int_equal(pair_take(&bed.pair, 0), 200);
	for (unsigned int i = 0; i < 5; i++) {
		static const uint8_t none[40];

		assert_memory_not_equal(m.p + 64 * i, none, 40);
		assert_int_equal(m.p[64 * i + 40], 0);
	}
	end_of(kind_of(state));
}

static void rate_of_the_board_holds(void **state)
{
	uint64_t start;
	uint32_t got = 0;

	begin(kind_of(state));
	bed.device.rate = 1000;
	bed_run(1, 0);
	start = bed_now();
	while (got < 250) {
		uint32_t mark = bed.pair.used_bytes, len;
		void *cookie;

		bed_offer(0, NULL, 50, true);
		while (!pair_get(&bed.pair, 0, &cookie, &len)) {
			assert_true(bed_now() - start < BED_PATIENCE_US);
			bed_turn(100);
		}
		got += len;
		bed.pair.used_bytes = mark;
	}
	assert_true(bed_now() - start >= 140000); /* 250 bytes, of which 100 were saved up */
	end_of(kind_of(state));
}

static void rests_and_counts(void **state)
{
	struct cw_unit_stats s = { 0 };

	begin(kind_of(state));
	bed_run(1, 0);
	bed_rests();
	bed_offer(0, NULL, 9, true);
	bed_rests();
	bed.unit->ops->stats(bed.unit, &s);
	assert_int_equal(s.rx_packets, 1);
	assert_int_equal(s.rx_bytes, 9);
	assert_int_equal(s.errors + s.strange + s.dropped, 0);
	end_of(kind_of(state));
}

static void file_gives_exactly_its_bytes(void **state)
{
	struct pair_mem m;

	(void)state;
	begin(CW_BACKEND_FILE);
	bed_run(1, 0);
	m = bed_offer(0, NULL, 40, true);
	assert_int_equal(pair_take(&bed.pair, 0), 40);
	assert_memory_equal(m.p, "0123456789abcdefg0123456789abcdefg012345", 40);
	end_of(CW_BACKEND_FILE);
}

static void file_must_have_bytes(void **state)
{
	(void)state;
	begin(CW_BACKEND_FILE);
	unlink("bytes");
	bed_refuses("cannot read bytes: No such file");
	bed_write_file("bytes", "", 0);
	bed_refuses("bytes is empty");
	unlink("bytes");
	assert_int_equal(mkfifo("bytes", 0600), 0);
	bed_refuses("no regular file");
	unlink("bytes");
	assert_int_equal(mkdir("bytes", 0700), 0);
	bed_refuses("no regular file");
	rmdir("bytes");
}

int main(void)
{
	static enum cw_backend_kind getrandom = CW_BACKEND_GETRANDOM, file = CW_BACKEND_FILE;
#define T(f, k)                                      \
	{                                            \
#f " [" #k "]", f, NULL, bed_end, &k \
	}
#define STAMP(k)                                                                                 \
	T(fills_what_was_asked, k), T(goes_on_where_it_was, k), T(fills_parts_without_a_gap, k), \
		T(rate_of_the_board_holds, k), T(rests_and_counts, k)
	const struct CMUnitTest tests[] = {
		STAMP(getrandom),
		STAMP(file),
		cmocka_unit_test_teardown(file_gives_exactly_its_bytes, bed_end),
		cmocka_unit_test_teardown(file_must_have_bytes, bed_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
