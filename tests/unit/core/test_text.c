// SPDX-License-Identifier: BSD-3-Clause
/* Text of a peer's: each byte there is, and where it ends. */
#include "unit.h"

#include <causeway/core/text.h>

#define UNTOUCHED 0x5a

static void printable_ascii_stays_and_all_else_is_a_question_mark(void **state)
{
	(void)state;
	for (unsigned int c = 0; c < 256; c++) {
		bool good = c >= 0x20 && c <= 0x7e;

		assert_int_equal(cw_text_printable((uint8_t)c), good);
		assert_int_equal((unsigned char)cw_text_char((uint8_t)c), good ? c : 0x3f);
	}
}

static void a_text_ends_at_its_zero(void **state)
{
	char dst[8];

	(void)state;
	memset(dst, UNTOUCHED, sizeof(dst));
	cw_text_clean(dst, "a\x1b\xff z\0\x07", 7);
	assert_string_equal(dst, "a?? z");
	assert_int_equal(dst[6], UNTOUCHED);
}

static void a_text_without_a_zero_is_ended(void **state)
{
	static const uint8_t src[4] = { 'a', 'b', '\n', 'd' };
	char dst[5];

	(void)state;
	memset(dst, UNTOUCHED, sizeof(dst));
	cw_text_clean(dst, src, 3);
	assert_string_equal(dst, "ab?");
	assert_int_equal(dst[4], UNTOUCHED);
	cw_text_clean(dst, src, 4);
	assert_string_equal(dst, "ab?d");
	cw_text_clean(dst, src, 0);
	assert_string_equal(dst, "");
}

static void a_text_may_be_cleaned_where_it_is(void **state)
{
	char text[] = "\x1b[2J";

	(void)state;
	cw_text_clean(text, text, sizeof(text) - 1);
	assert_string_equal(text, "?[2J");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(printable_ascii_stays_and_all_else_is_a_question_mark),
		cmocka_unit_test(a_text_ends_at_its_zero),
		cmocka_unit_test(a_text_without_a_zero_is_ended),
		cmocka_unit_test(a_text_may_be_cleaned_where_it_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
