// SPDX-License-Identifier: BSD-3-Clause
/* Window arithmetic, copies to and from shared memory, texts of the errors. */
#include "unit.h"

#include <causeway/core/bytes.h>
#include <causeway/core/err.h>
#include <causeway/core/shm.h>
#include <causeway/core/window.h>

static uint8_t memory[256];

static struct cw_window window_at(cw_addr_t base, uint32_t size)
{
	struct cw_window w = { memory, base, size };

	return w;
}

static void range_inside_the_window_gives_its_place(void **state)
{
	struct cw_window w = window_at(0x80001000u, 256);

	(void)state;
	assert_ptr_equal(cw_window_ptr(&w, 0x80001000u, 256), memory);
	assert_ptr_equal(cw_window_ptr(&w, 0x80001010u, 16), memory + 16);
	assert_ptr_equal(cw_window_ptr(&w, 0x800010ffu, 1), memory + 255);
	assert_ptr_equal(cw_window_ptr(&w, 0x80001100u, 0), memory + 256);
}

static void range_that_leaves_the_window_gives_nothing(void **state)
{
	struct cw_window w = window_at(0x80001000u, 256);

	(void)state;
	assert_null(cw_window_ptr(&w, 0x80000fffu, 1));
	assert_null(cw_window_ptr(&w, 0x80000fffu, 2));
	assert_null(cw_window_ptr(&w, 0x80001000u, 257));
	assert_null(cw_window_ptr(&w, 0x800010ffu, 2));
	assert_null(cw_window_ptr(&w, 0x80001100u, 1));
	assert_null(cw_window_ptr(&w, 0x80001101u, 0));
	assert_null(cw_window_ptr(&w, 0, 1));
}

/* row 3, row 20: sums that would wrap in 32 or in 64 bits */
static void row20_range_that_wraps_gives_nothing(void **state)
{
	struct cw_window low = window_at(0x1000, 256);
	struct cw_window top = window_at(UINT64_MAX - 255, 256);
	struct cw_window edge = window_at(0xffffff00u, 256);

	(void)state;
	assert_null(cw_window_ptr(&low, 0x1010, UINT32_MAX));
	assert_null(cw_window_ptr(&low, UINT64_MAX, 0x1002));
	assert_null(cw_window_ptr(&low, UINT64_MAX - 0xf, 0x1020));
	assert_null(cw_window_ptr(&low, 0x100001010ull, 16));
	assert_ptr_equal(cw_window_ptr(&top, UINT64_MAX, 1), memory + 255);
	assert_null(cw_window_ptr(&top, UINT64_MAX, 2));
	assert_null(cw_window_ptr(&top, 1, 1));
	assert_ptr_equal(cw_window_ptr(&edge, 0xffffffffu, 1), memory + 255);
	assert_null(cw_window_ptr(&edge, 0xffffffffu, 2));
}

static void part_of_a_window_keeps_its_bounds(void **state)
{
	struct cw_window w = window_at(0x5000, 256), sub;

	(void)state;
	assert_int_equal(cw_window_sub(&w, 0x5040, 64, &sub), CW_OK);
	assert_ptr_equal(cw_window_ptr(&sub, 0x5040, 64), memory + 64);
	assert_null(cw_window_ptr(&sub, 0x503f, 1));
	assert_null(cw_window_ptr(&sub, 0x5041, 64));
	assert_int_equal(cw_window_sub(&w, 0x50c1, 64, &sub), CW_EBADADDR);
	assert_int_equal(cw_window_sub(&w, 0x4fff, 64, &sub), CW_EBADADDR);
}

static void address_and_pointer_are_each_others_inverse(void **state)
{
	struct cw_window w = window_at(0x9000, 256);

	(void)state;
	for (uint32_t i = 0; i <= 256; i++)
		assert_int_equal(cw_window_addr(&w, cw_window_ptr(&w, 0x9000 + i, 0)), 0x9000 + i);
	assert_true(cw_window_has(&w, memory, 256));
	assert_true(cw_window_has(&w, memory + 256, 0));
	assert_false(cw_window_has(&w, memory, 257));
	assert_false(cw_window_has(&w, memory + 255, 2));
}

static void fill(uint8_t *p, uint32_t n, uint8_t seed)
{
	for (uint32_t i = 0; i < n; i++)
		p[i] = (uint8_t)(seed + i * 7u);
}

/* Every alignment of both ends and every length: each byte arrives, and none beside them. */
static void copy_moves_exactly_its_bytes(void **state)
{
	_Alignas(8) uint8_t from[96], to[96], want[96];

	(void)state;
	for (uint32_t a = 0; a < 8; a++)
		for (uint32_t b = 0; b < 8; b++)
			for (uint32_t len = 0; len <= 70; len++) {
				fill(from, sizeof(from), 3);
				fill(to, sizeof(to), 101);
				memcpy(want, to, sizeof(to));
				memcpy(want + b, from + a, len);
				cw_copy_in(to + b, from + a, len);
				assert_memory_equal(to, want, sizeof(to));
				fill(to, sizeof(to), 101);
				cw_copy_out(to + b, from + a, len);
				assert_memory_equal(to, want, sizeof(to));
			}
}

static void zeroing_touches_exactly_its_bytes(void **state)
{
	_Alignas(8) uint8_t to[300], want[300];

	(void)state;
	for (uint32_t a = 0; a < 8; a++)
		for (uint32_t len = 0; len <= 280; len++) {
			fill(to, sizeof(to), 1);
			memcpy(want, to, sizeof(to));
			memset(want + a, 0, len);
			cw_zero_out(to + a, len);
			assert_memory_equal(to, want, sizeof(to));
		}
}

static void words_are_little_endian_in_memory(void **state)
{
	struct cw_le32 w;
	struct cw_le16 h;

	(void)state;
	cw_store32(&w, 0x11223344u);
	cw_store16(&h, 0x5566);
	assert_memory_equal(&w, "\x44\x33\x22\x11", 4);
	assert_memory_equal(&h, "\x66\x55", 2);
	assert_int_equal(cw_load32(&w), 0x11223344u);
	assert_int_equal(cw_load16_acquire(&h), 0x5566);
	assert_int_equal(cw_get_le32(w), 0x11223344u);
	assert_int_equal(cw_get_le16(cw_make_le16(0xabcd)), 0xabcd);
	cw_store32_release(&w, 0xfedcba98u);
	assert_int_equal(cw_load32_acquire(&w), 0xfedcba98u);
	assert_int_equal(cw_get_le32(cw_make_le32(7)), 7);
}

static const int codes[] = {
	CW_OK,	    CW_EAGAIN,	 CW_ETIMEDOUT, CW_ERESET,    CW_EDOWN,	   CW_ECLOSED,
	CW_EINVAL,  CW_ENOSPC,	 CW_ENOTSUP,   CW_ENODEV,    CW_EBUSY,	   CW_ENOENT,
	CW_EEXIST,  CW_EACCES,	 CW_EPEER,     CW_EBADINDEX, CW_EBADCHAIN, CW_EBADADDR,
	CW_EBADLEN, CW_EREFUSED, CW_EVERSION,  CW_ELAYOUT,   CW_EIO,	   CW_EINTERNAL,
};

static void each_error_has_a_text_of_its_own(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(codes); i++) {
		assert_string_not_equal(cw_strerror(codes[i]), "unknown error");
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(cw_strerror(codes[i]), cw_strerror(codes[j]));
	}
}

/* The list above is complete: no other value near it has a text. */
static void other_numbers_are_unknown_errors(void **state)
{
	size_t known = 0;

	(void)state;
	for (int e = -200; e <= 200; e++)
		known += strcmp(cw_strerror(e), "unknown error") != 0;
	assert_int_equal(known, ARRAY_SIZE(codes));
	assert_string_equal(cw_strerror(INT32_MIN), "unknown error");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(range_inside_the_window_gives_its_place),
		cmocka_unit_test(range_that_leaves_the_window_gives_nothing),
		cmocka_unit_test(row20_range_that_wraps_gives_nothing),
		cmocka_unit_test(part_of_a_window_keeps_its_bounds),
		cmocka_unit_test(address_and_pointer_are_each_others_inverse),
		cmocka_unit_test(copy_moves_exactly_its_bytes),
		cmocka_unit_test(zeroing_touches_exactly_its_bytes),
		cmocka_unit_test(words_are_little_endian_in_memory),
		cmocka_unit_test(each_error_has_a_text_of_its_own),
		cmocka_unit_test(other_numbers_are_unknown_errors),
	};

	return cmocka_run_group_tests_name("small", tests, NULL, NULL);
}
