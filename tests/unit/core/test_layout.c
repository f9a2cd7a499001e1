// SPDX-License-Identifier: BSD-3-Clause
/* Layout: the golden hash of docs/spec/region.md section 3, and each fault that a check can find. */
#include "unit.h"

#include <causeway/abi/ring.h>
#include <causeway/core/err.h>
#include <causeway/core/layout.h>

static struct cw_layout_device dev[CW_DEVICES_MAX + 1];
static struct cw_layout l;

/* The worked example of the specification */
static int set_up(void **state)
{
	static const struct cw_layout_device rng = { "rng0", 4, 1, 1, 16, 0x4000, 0x3ed03000 };
	static const struct cw_layout_device net = { "net0", 1, 3, 2, 64, 0x19000, 0x3ed07000 };
	static const struct cw_layout region = {
		.base = 0x3ed00000,
		.size = 0x20000,
		.line = 64,
		.dtb = 0x1000,
		.slots = 6,
		.devices = 2,
		.pmm_page = 0x3ed01000,
		.remote_page = 0x3ed02000,
		.device = dev,
	};

	(void)state;
	memset(dev, 0, sizeof(dev));
	dev[0] = rng;
	dev[1] = net;
	l = region;
	return 0;
}

static void expect(enum cw_layout_fault fault, int device, int other)
{
	int d = 99, o = 99;

	assert_int_equal(cw_layout_check(&l, &d, &o), fault);
	assert_int_equal(d, device);
	if (fault == CW_LAYOUT_OVERLAP || fault == CW_LAYOUT_SLOT || fault == CW_LAYOUT_NAME)
		assert_int_equal(o, other);
	assert_int_equal(cw_layout_check(&l, NULL, NULL), fault);
	set_up(NULL);
}

static void example_has_the_hash_of_the_specification(void **state)
{
	(void)state;
	assert_true(cw_layout_hash(&l) == 0xcb367cec7dc1e4d7ull);
	assert_int_equal(cw_layout_check(&l, NULL, NULL), CW_LAYOUT_FINE);
	l.devices = 0;
	l.slots = 1;
	assert_true(cw_layout_hash(&l) == 0xebc3925725282c15ull);
}

#define CHANGES(field)                                     \
	do {                                               \
		uint64_t before = cw_layout_hash(&l);      \
		field ^= 1;                                \
		assert_true(cw_layout_hash(&l) != before); \
		field ^= 1;                                \
		assert_true(cw_layout_hash(&l) == before); \
	} while (0)

static void each_field_changes_the_hash(void **state)
{
	(void)state;
	CHANGES(l.base);
	CHANGES(l.size);
	CHANGES(l.line);
	CHANGES(l.dtb);
	CHANGES(l.slots);
	CHANGES(l.devices);
	CHANGES(l.pmm_page);
	CHANGES(l.remote_page);
	for (int i = 0; i < 2; i++) {
		CHANGES(dev[i].name[0]);
		CHANGES(dev[i].name[15]);
		CHANGES(dev[i].id);
		CHANGES(dev[i].slot);
		CHANGES(dev[i].queues);
		CHANGES(dev[i].queue_size);
		CHANGES(dev[i].size);
		CHANGES(dev[i].block);
	}
}

static void high_address_word_changes_the_hash(void **state)
{
	uint64_t before = cw_layout_hash(&l);

	(void)state;
	l.pmm_page |= 1ull << 32;
	assert_true(cw_layout_hash(&l) != before);
}

static void region_must_be_aligned_and_not_wrap(void **state)
{
	(void)state;
	l.base += 8;
	expect(CW_LAYOUT_REGION, -1, -1);
	l.size += 8;
	expect(CW_LAYOUT_REGION, -1, -1);
	l.size = 0;
	expect(CW_LAYOUT_REGION, -1, -1);
	l.base = UINT64_MAX - 0x1fff;
	expect(CW_LAYOUT_REGION, -1, -1);
}

static void line_must_be_a_power_of_two_in_range(void **state)
{
	static const uint32_t bad[] = { 0, 8, 24, 48, 2048, UINT32_MAX };
	static const uint32_t good[] = { 16, 32, 64, 128, 1024 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		l.line = bad[i];
		expect(CW_LAYOUT_LINE, -1, -1);
	}
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		l.line = good[i];
		expect(CW_LAYOUT_FINE, 1, 0);
	}
}

static void pages_must_be_aligned_inside_and_apart(void **state)
{
	(void)state;
	l.pmm_page += 4;
	expect(CW_LAYOUT_PAGES, -1, -1);
	l.remote_page += 4;
	expect(CW_LAYOUT_PAGES, -1, -1);
	l.pmm_page = l.base - 0x1000;
	expect(CW_LAYOUT_PAGES, -1, -1);
	l.remote_page = l.base + l.size;
	expect(CW_LAYOUT_PAGES, -1, -1);
	l.remote_page = l.pmm_page;
	expect(CW_LAYOUT_PAGES, -1, -1);
	l.pmm_page = l.base;
	expect(CW_LAYOUT_PAGES, -1, -1);
	l.remote_page = l.base;
	expect(CW_LAYOUT_PAGES, -1, -1);
	l.dtb = 0x800;
	expect(CW_LAYOUT_PAGES, -1, -1);
	l.dtb = l.size + 0x1000;
	expect(CW_LAYOUT_PAGES, -1, -1);
	l.dtb = 0;
	expect(CW_LAYOUT_FINE, 1, 0);
}

static void counts_have_limits(void **state)
{
	(void)state;
	l.slots = 0;
	expect(CW_LAYOUT_COUNT, -1, -1);
	l.slots = CW_SLOTS_MAX + 1;
	expect(CW_LAYOUT_COUNT, -1, -1);
	l.devices = CW_DEVICES_MAX + 1;
	expect(CW_LAYOUT_COUNT, -1, -1);
}

static void queues_have_limits(void **state)
{
	static const uint16_t bad[] = { 0, 3, 48, 1025, 2048, 0xffff };

	(void)state;
	dev[1].queues = 0;
	expect(CW_LAYOUT_QUEUES, 1, -1);
	dev[0].queues = CW_QUEUES_MAX + 1;
	expect(CW_LAYOUT_QUEUES, 0, -1);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		dev[1].queue_size = bad[i];
		expect(CW_LAYOUT_QUEUES, 1, -1);
	}
	dev[1].queue_size = CW_QUEUE_SIZE_MAX;
	expect(CW_LAYOUT_FINE, 1, 0);
}

static void slots_must_be_in_range_and_apart(void **state)
{
	(void)state;
	dev[0].slot = 0;
	expect(CW_LAYOUT_SLOT, 0, -1);
	l.slots = 5;
	expect(CW_LAYOUT_SLOT, 1, -1);
	dev[1].slot = 0xffff;
	expect(CW_LAYOUT_SLOT, 1, -1);
	dev[1].slot = 2; /* queue 0 of the first device */
	expect(CW_LAYOUT_SLOT, 1, 0);
	l.slots = 8;
	dev[0].slot = 5; /* last queue of the second device */
	expect(CW_LAYOUT_SLOT, 1, 0);
}

static void block_must_be_aligned_inside_and_large_enough(void **state)
{
	(void)state;
	dev[0].block += 0x800;
	expect(CW_LAYOUT_BLOCK, 0, -1);
	dev[0].size -= 0x800;
	expect(CW_LAYOUT_BLOCK, 0, -1);
	dev[1].size += 0x1000;
	expect(CW_LAYOUT_BLOCK, 1, -1);
	dev[1].block = 0;
	expect(CW_LAYOUT_BLOCK, 1, -1);
	dev[0].size = 0;
	expect(CW_LAYOUT_BLOCK, 0, -1);
	dev[0].size = 2 * CW_PAGE_SIZE; /* both pages, no ring */
	expect(CW_LAYOUT_BLOCK, 0, -1);
	dev[0].size = 3 * CW_PAGE_SIZE;
	expect(CW_LAYOUT_FINE, 1, 0);
}

static void block_must_not_overlap_anything(void **state)
{
	(void)state;
	dev[0].block = l.base;
	expect(CW_LAYOUT_OVERLAP, 0, -1);
	dev[0].block = l.remote_page;
	expect(CW_LAYOUT_OVERLAP, 0, -1);
	l.dtb = 0;
	l.remote_page = l.base;
	dev[0].block = l.pmm_page;
	expect(CW_LAYOUT_OVERLAP, 0, -1);
	dev[0].size += 0x1000;
	expect(CW_LAYOUT_OVERLAP, 1, 0);
	dev[1].block = 0x3ed06000;
	expect(CW_LAYOUT_OVERLAP, 1, 0);
}

static void names_must_be_proper_and_unique(void **state)
{
	(void)state;
	memset(dev[1].name, 0, sizeof(dev[1].name));
	expect(CW_LAYOUT_NAME, 1, -1);
	memset(dev[1].name, 'x', sizeof(dev[1].name));
	expect(CW_LAYOUT_NAME, 1, -1);
	memcpy(dev[1].name, dev[0].name, sizeof(dev[1].name));
	expect(CW_LAYOUT_NAME, 1, 0);
}

static void device_is_found_by_id_and_number(void **state)
{
	(void)state;
	assert_int_equal(cw_layout_find(&l, 4, 0), 0);
	assert_int_equal(cw_layout_find(&l, 1, 0), 1);
	assert_int_equal(cw_layout_find(&l, 1, 1), CW_ENODEV);
	dev[0].id = 1;
	assert_int_equal(cw_layout_find(&l, 1, 1), 1);
	assert_int_equal(cw_layout_find(&l, 9, 0), CW_ENODEV);
}

static void ring_parts_are_rounded_to_the_line(void **state)
{
	(void)state;
	/* 32 + 10 + 22 and 16384 + 2054 + 8198 */
	assert_int_equal(cw_ring_bytes(2, 16), 32 + 16 + 32);
	assert_int_equal(cw_ring_bytes(2, 64), 64 + 64 + 64);
	assert_int_equal(cw_ring_bytes(1024, 64), 16384 + 2112 + 8256);
}

static void each_fault_has_a_text_of_its_own(void **state)
{
	(void)state;
	for (int i = 0; i <= CW_LAYOUT_NAME; i++) {
		const char *text = cw_layout_fault_text((enum cw_layout_fault)i);

		assert_string_not_equal(text, "unknown fault");
		for (int j = 0; j < i; j++)
			assert_string_not_equal(text,
						cw_layout_fault_text((enum cw_layout_fault)j));
	}
	assert_string_equal(cw_layout_fault_text((enum cw_layout_fault)99), "unknown fault");
}

#define CASE(f) cmocka_unit_test_setup(f, set_up)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(example_has_the_hash_of_the_specification),
		CASE(each_field_changes_the_hash),
		CASE(high_address_word_changes_the_hash),
		CASE(region_must_be_aligned_and_not_wrap),
		CASE(line_must_be_a_power_of_two_in_range),
		CASE(pages_must_be_aligned_inside_and_apart),
		CASE(counts_have_limits),
		CASE(queues_have_limits),
		CASE(slots_must_be_in_range_and_apart),
		CASE(block_must_be_aligned_inside_and_large_enough),
		CASE(block_must_not_overlap_anything),
		CASE(names_must_be_proper_and_unique),
		CASE(device_is_found_by_id_and_number),
		CASE(ring_parts_are_rounded_to_the_line),
		CASE(each_fault_has_a_text_of_its_own),
	};

	return cmocka_run_group_tests_name("layout", tests, NULL, NULL);
}
