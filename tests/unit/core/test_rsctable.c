// SPDX-License-Identifier: BSD-3-Clause
/* Resource tables: what a good one says, and each way to be bad (hostile input, row 52). */
#include "unit.h"

#include <causeway/core/rsctable.h>

#include <stdio.h>
#include <stdlib.h>

#define CARVEOUT 0
#define TRACE	 1
#define VDEV	 2
#define VENDOR	 3
#define UNKNOWN	 4

static uint8_t table[512];
static uint32_t size;

static void put(uint32_t at, uint32_t v)
{
	for (unsigned int i = 0; i < 4; i++)
		table[at + i] = (uint8_t)(v >> 8 * i);
}

static uint32_t at(unsigned int entry)
{
	return (uint32_t)table[16 + 4 * entry] | (uint32_t)table[17 + 4 * entry] << 8;
}

static uint32_t append(unsigned int entry, uint32_t type, uint32_t length)
{
	uint32_t here = size;

	put(16 + 4 * entry, here);
	put(here, type);
	size += length;
	return here;
}

/* One entry of each kind, the virtio device with two vrings and three bytes of configuration. */
static void good(void)
{
	uint32_t e;

	memset(table, 0, sizeof(table));
	size = 16 + 4 * 5;
	put(0, 1);
	put(4, 5);
	e = append(CARVEOUT, CW_RSC_CARVEOUT, 56);
	put(e + 4, CW_RSC_ANY);
	put(e + 8, 0x1000);
	put(e + 12, 0x2000);
	put(e + 16, 7);
	strcpy((char *)table + e + 24, "text\x1b[1m");
	e = append(TRACE, CW_RSC_TRACE, 48);
	put(e + 4, 0x38100000);
	put(e + 8, 4096);
	memset(table + e + 16, 't', 31);
	e = append(VDEV, CW_RSC_VDEV, 28 + 2 * 20 + 3);
	put(e + 4, 7);
	put(e + 8, 1);
	put(e + 12, 0xf00);
	put(e + 20, 3);
	table[e + 24] = 4;
	table[e + 25] = 2;
	for (uint32_t r = 0; r < 2; r++) {
		put(e + 28 + 20 * r, 0x38200000 + r);
		put(e + 32 + 20 * r, 4096);
		put(e + 36 + 20 * r, 256);
		put(e + 40 + 20 * r, 5 + r);
	}
	e = append(VENDOR, 128, 8 + 5);
	put(e + 4, 5);
	append(UNKNOWN, 77, 4);
}

/* Opens a copy of exactly @n bytes, so that a sanitizer sees a look behind it. */
static enum cw_rsc_fault open_part(uint32_t n, int *entry)
{
	uint8_t *copy = malloc(n ? n : 1);
	struct cw_rsctable t;
	enum cw_rsc_fault f;

	memcpy(copy, table, n);
	f = cw_rsctable_open(&t, copy, n, entry);
	if (f)
		assert_int_equal(t.entries, 0);
	free(copy);
	return f;
}

static void expect(enum cw_rsc_fault fault, int entry)
{
	int which;

	assert_int_equal(open_part(size, &which), fault);
	assert_int_equal(which, entry);
	assert_true(strlen(cw_rsc_fault_text(fault)) > 3);
	good();
}

static void every_kind(void **state)
{
	struct cw_rsc_memory m;
	struct cw_rsc_vring r;
	struct cw_rsc_vdev v;
	struct cw_rsctable t;

	(void)state;
	good();
	assert_int_equal(cw_rsctable_open(&t, table, size, NULL), CW_RSC_FINE);
	assert_int_equal(t.entries, 5);
	assert_true(cw_rsctable_memory(&t, CARVEOUT, &m));
	assert_int_equal(m.da, CW_RSC_ANY);
	assert_int_equal(m.pa, 0x1000);
	assert_int_equal(m.len, 0x2000);
	assert_int_equal(m.flags, 7);
	assert_string_equal(m.name, "text?[1m"); /* fit for a terminal */
	assert_true(cw_rsctable_memory(&t, TRACE, &m));
	assert_int_equal(m.da, 0x38100000);
	assert_int_equal(m.len, 4096);
	assert_int_equal(strlen(m.name), 31);
	assert_true(cw_rsctable_vdev(&t, VDEV, &v));
	assert_int_equal(v.id, 7);
	assert_int_equal(v.notifyid, 1);
	assert_int_equal(v.dfeatures, 0xf00);
	assert_int_equal(v.status, 4);
	assert_int_equal(v.vrings, 2);
	assert_int_equal(v.config_len, 3);
	assert_int_equal(v.config, at(VDEV) + 68);
	assert_true(cw_rsctable_vring(&t, VDEV, 1, &r));
	assert_int_equal(r.da, 0x38200001);
	assert_int_equal(r.align, 4096);
	assert_int_equal(r.num, 256);
	assert_int_equal(r.notifyid, 6);
	assert_int_equal(cw_rsctable_type(&t, VENDOR), 128);
	assert_int_equal(cw_rsctable_type(&t, UNKNOWN), 77);
	/* Nothing is what it is not. */
	assert_false(cw_rsctable_vring(&t, VDEV, 2, &r));
	assert_false(cw_rsctable_vdev(&t, TRACE, &v));
	assert_false(cw_rsctable_memory(&t, VDEV, &m));
	assert_false(cw_rsctable_memory(&t, 5, &m));
	assert_false(cw_rsctable_vdev(&t, 5, &v));
}

static void what_the_host_fills_in(void **state)
{
	struct cw_rsc_memory m;
	struct cw_rsc_vring r;
	struct cw_rsctable t;

	(void)state;
	good();
	assert_int_equal(cw_rsctable_open(&t, table, size, NULL), CW_RSC_FINE);
	assert_true(cw_rsctable_place(&t, CARVEOUT, 0x11223344, 0x55667788));
	assert_true(cw_rsctable_memory(&t, CARVEOUT, &m));
	assert_int_equal(m.da, 0x11223344);
	assert_int_equal(m.pa, 0x55667788);
	assert_true(cw_rsctable_place_vring(&t, VDEV, 0, 0x38300000, 9));
	assert_true(cw_rsctable_vring(&t, VDEV, 0, &r));
	assert_int_equal(r.da, 0x38300000);
	assert_int_equal(r.notifyid, 9);
	assert_int_equal(r.num, 256);
	assert_false(cw_rsctable_place(&t, TRACE, 0, 0));
	assert_false(cw_rsctable_place(&t, 9, 0, 0));
	assert_false(cw_rsctable_place_vring(&t, VDEV, 2, 0, 0));
}

static void bad_tables(void **state)
{
	(void)state;
	good();
	size = 15;
	expect(CW_RSC_SHORT, -1);
	put(0, 2);
	expect(CW_RSC_VERSION, -1);
	put(8, 1);
	expect(CW_RSC_RESERVED, -1);
	put(12, 1);
	expect(CW_RSC_RESERVED, -1);
	put(4, 0x40000001); /* times four wraps to four */
	expect(CW_RSC_COUNT, -1);
	put(4, (size - 16) / 4 + 1);
	expect(CW_RSC_COUNT, -1);
	put(4, 0);
	expect(CW_RSC_FINE, -1);
}

static void bad_entries(void **state)
{
	(void)state;
	good();
	put(16 + 4 * TRACE, 0xfffffff0); /* a negative offset, to who thinks so */
	expect(CW_RSC_OFFSET, TRACE);
	put(16 + 4 * TRACE, size - 3);
	expect(CW_RSC_OFFSET, TRACE);
	put(16 + 4 * TRACE, 32); /* among the offsets */
	expect(CW_RSC_OFFSET, TRACE);
	put(16 + 4 * UNKNOWN, size - 4);
	expect(CW_RSC_FINE, -1);
	put(16 + 4 * VDEV, size - 4);
	put(size - 4, CW_RSC_VDEV);
	expect(CW_RSC_CUT, VDEV);
	put(at(CARVEOUT) + 20, 1);
	expect(CW_RSC_FIELD, CARVEOUT);
	put(at(TRACE) + 12, 1);
	expect(CW_RSC_FIELD, TRACE);
	table[at(TRACE) + 16 + 31] = 't'; /* 32 characters and no end */
	expect(CW_RSC_FIELD, TRACE);
	put(at(VENDOR) + 4, 0xfffffff8);
	expect(CW_RSC_CUT, VENDOR);
}

static void bad_vdevs(void **state)
{
	(void)state;
	good();
	table[at(VDEV) + 25] = 255;
	expect(CW_RSC_CUT, VDEV);
	put(at(VDEV) + 20, 0xffffffff);
	expect(CW_RSC_CUT, VDEV);
	put(at(VDEV) + 20, size - at(VDEV) - 68 + 1);
	expect(CW_RSC_CUT, VDEV);
	put(at(VDEV) + 20, size - at(VDEV) - 68);
	expect(CW_RSC_FINE, -1);
	table[at(VDEV) + 27] = 1;
	expect(CW_RSC_FIELD, VDEV);
	put(at(VDEV) + 36, 0);
	expect(CW_RSC_FIELD, VDEV);
	put(at(VDEV) + 52, 0);
	expect(CW_RSC_FIELD, VDEV);
}

static void cut_off(void **state)
{
	(void)state;
	good();
	for (uint32_t n = 0; n < size; n++)
		assert_int_not_equal(open_part(n, NULL), CW_RSC_FINE);
	assert_int_equal(open_part(size, NULL), CW_RSC_FINE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind), cmocka_unit_test(what_the_host_fills_in),
		cmocka_unit_test(bad_tables), cmocka_unit_test(bad_entries),
		cmocka_unit_test(bad_vdevs),  cmocka_unit_test(cut_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
