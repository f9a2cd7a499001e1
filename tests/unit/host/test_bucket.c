// SPDX-License-Identifier: BSD-3-Clause
/* Token buckets: full at first, never fuller, and so many a second */
#include "../core/unit.h"

#include <causeway/host/bucket.h>

#define START 5u /* microseconds: a clock that has hardly begun */

static unsigned int all(struct cw_bucket *b, uint64_t now)
{
	unsigned int n = 0;

	while (cw_bucket_take(b, now, 10, 4))
		n++;
	return n;
}

static void full_at_first(void **state)
{
	struct cw_bucket b = { 0 };

	(void)state;
	assert_int_equal(all(&b, START), 10);
}

static void gains_with_time(void **state)
{
	struct cw_bucket b = { 0 };

	(void)state;
	all(&b, START);
	assert_int_equal(all(&b, START + 249999), 0);
	assert_int_equal(all(&b, START + 250000), 1);
	assert_int_equal(all(&b, START + 1250000), 4);
}

/* Who asks often does not lose what a part of the time has earned. */
static void asking_costs_nothing(void **state)
{
	struct cw_bucket b = { 0 };
	unsigned int n = 0;

	(void)state;
	all(&b, START);
	for (unsigned int i = 1; i <= 1000; i++)
		n += all(&b, START + i * 1000);
	assert_int_equal(n, 4);
}

static void never_fuller(void **state)
{
	struct cw_bucket b = { 0 };

	(void)state;
	assert_true(cw_bucket_take(&b, START, 10, 4));
	assert_int_equal(all(&b, START + 3600000000u), 10);
	assert_int_equal(all(&b, UINT64_MAX / 8), 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(full_at_first),
		cmocka_unit_test(gains_with_time),
		cmocka_unit_test(asking_costs_nothing),
		cmocka_unit_test(never_fuller),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
