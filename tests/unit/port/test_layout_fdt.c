// SPDX-License-Identifier: BSD-3-Clause
/*
 * The fragment's reader against fragments that are right, short, bent and forged.
 *
 * Theory of operation: a table holds every property of the example in docs/spec/region.md section 11;
 * each test builds the tree from it with one thing changed. The fragment under test is always in a
 * piece of heap of exactly its size, so that AddressSanitizer sees any look beyond it.
 */
#include "../core/unit.h"

#include <causeway/core/err.h>
#include <causeway/port/layout_fdt.h>

#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>

#define TREE_MAX 8192
#define HASH	 0xcb367cec7dc1e4d7ull

struct prop {
	int node; /* 0 the root, 1 and 2 the devices */
	const char *name;
	const char *text; /* a string, or NULL: */
	uint32_t cell[4];
	unsigned int cells;
};

static const struct prop example[] = {
	{ 0, "compatible", "causeway,region-1", { 0 }, 0 },
	{ 0, "#address-cells", NULL, { 2 }, 1 },
	{ 0, "#size-cells", NULL, { 2 }, 1 },
	{ 0, "reg", NULL, { 0, 0x3ed00000, 0, 0x20000 }, 4 },
	{ 0, "causeway,abi", NULL, { 0x00010000 }, 1 },
	{ 0, "causeway,line", NULL, { 64 }, 1 },
	{ 0, "causeway,slots", NULL, { 6 }, 1 },
	{ 0, "causeway,fragment-size", NULL, { 0x1000 }, 1 },
	{ 0, "causeway,pmm-page", NULL, { 0, 0x3ed01000 }, 2 },
	{ 0, "causeway,remote-page", NULL, { 0, 0x3ed02000 }, 2 },
	{ 0, "causeway,layout-hash", NULL, { 0xcb367cec, 0x7dc1e4d7 }, 2 },
	{ 1, "compatible", "causeway,mmio-1", { 0 }, 0 },
	{ 1, "reg", NULL, { 0, 0x3ed03000, 0, 0x4000 }, 4 },
	{ 1, "label", "rng0", { 0 }, 0 },
	{ 1, "causeway,device-id", NULL, { 4 }, 1 },
	{ 1, "causeway,slot", NULL, { 1 }, 1 },
	{ 1, "causeway,queues", NULL, { 1 }, 1 },
	{ 1, "causeway,queue-size", NULL, { 16 }, 1 },
	{ 2, "compatible", "causeway,mmio-1", { 0 }, 0 },
	{ 2, "reg", NULL, { 0, 0x3ed07000, 0, 0x19000 }, 4 },
	{ 2, "label", "net0", { 0 }, 0 },
	{ 2, "causeway,device-id", NULL, { 1 }, 1 },
	{ 2, "causeway,slot", NULL, { 3 }, 1 },
	{ 2, "causeway,queues", NULL, { 2 }, 1 },
	{ 2, "causeway,queue-size", NULL, { 64 }, 1 },
};
#define PROPS ((int)ARRAY_SIZE(example))

/* What a reader may ignore. */
static bool optional(const struct prop *p)
{
	return p->name[0] == '#' || (p->node && !strcmp(p->name, "compatible"));
}

static unsigned char tree[TREE_MAX];
static struct cw_layout layout;
static struct cw_layout_device device[CW_DEVICES_MAX];
static const char *reason;

static void put_prop(const struct prop *p, int bytes_more)
{
	unsigned char value[64] = { 0 };
	int len = p->text ? (int)strlen(p->text) + 1 : (int)p->cells * 4;

	for (unsigned int i = 0; i < p->cells; i++) {
		fdt32_t cell = cpu_to_fdt32(p->cell[i]);

		memcpy(value + 4 * i, &cell, 4);
	}
	if (p->text)
		memcpy(value, p->text, (size_t)len);
	assert_int_equal(fdt_property(tree, p->name, value, len + bytes_more), 0);
}

/* Builds the tree with property @skip left out (or bent by @more bytes), @table instead of example. */
static size_t build(const struct prop *table, int skip, int more)
{
	static const char *const names[] = { "", "rng@3ed03000", "net@3ed07000" };

	assert_int_equal(fdt_create(tree, sizeof(tree)), 0);
	assert_int_equal(fdt_finish_reservemap(tree), 0);
	for (int node = 0; node < 3; node++) {
		assert_int_equal(fdt_begin_node(tree, names[node]), 0);
		for (int i = 0; i < PROPS; i++)
			if (table[i].node == node && (i != skip || more))
				put_prop(&table[i], i == skip ? more : 0);
		if (node)
			assert_int_equal(fdt_end_node(tree), 0);
	}
	assert_int_equal(fdt_end_node(tree), 0);
	assert_int_equal(fdt_finish(tree), 0);
	return fdt_totalsize(tree);
}

static int read_copy(const void *bytes, size_t size, unsigned int max)
{
	void *exact = malloc(size ? size : 1);
	int err;

	assert_non_null(exact);
	memcpy(exact, bytes, size);
	reason = "not set";
	err = cw_layout_from_fdt(&layout, device, max, exact, size, &reason);
	free(exact);
	assert_non_null(reason);
	return err;
}

static int read_tree(size_t size)
{
	return read_copy(tree, size, CW_DEVICES_MAX);
}

/* The example with one cell of one property changed */
static int read_changed(const char *name, int node, unsigned int cell, uint32_t value)
{
	struct prop table[ARRAY_SIZE(example)];

	memcpy(table, example, sizeof(table));
	for (int i = 0; i < PROPS; i++)
		if (table[i].node == node && !strcmp(table[i].name, name)) {
			assert_true(cell < table[i].cells);
			table[i].cell[cell] = value;
			return read_tree(build(table, -1, 0));
		}
	fail_msg("no property %s", name);
	return 0;
}

static int read_label(const char *label)
{
	struct prop table[ARRAY_SIZE(example)];

	memcpy(table, example, sizeof(table));
	for (int i = 0; i < PROPS; i++)
		if (table[i].node == 1 && !strcmp(table[i].name, "label"))
			table[i].text = label;
	return read_tree(build(table, -1, 0));
}

static void test_example(void **state)
{
	(void)state;
	assert_int_equal(read_tree(build(example, -1, 0)), CW_OK);
	assert_int_equal(cw_layout_hash(&layout), HASH);
	assert_int_equal(layout.base, 0x3ed00000);
	assert_int_equal(layout.size, 0x20000);
	assert_int_equal(layout.devices, 2);
	assert_ptr_equal(layout.device, device);
	assert_string_equal(device[0].name, "rng0");
	assert_string_equal(device[1].name, "net0");
	assert_int_equal(device[1].block, 0x3ed07000);
	assert_int_equal(device[1].size, 0x19000);
	assert_int_equal(device[1].slot, 3);
}

static void test_without_reason(void **state)
{
	size_t size = build(example, -1, 0);

	(void)state;
	assert_int_equal(cw_layout_from_fdt(&layout, device, 2, tree, size, NULL), CW_OK);
}

static void test_missing(void **state)
{
	(void)state;
	for (int i = 0; i < PROPS; i++) {
		int err = read_tree(build(example, i, 0));

		if (example[i].name[0] == '#')
			assert_int_equal(err, CW_OK);
		else if (optional(&example[i])) /* a device less: the hash tells */
			assert_int_equal(err, CW_ELAYOUT);
		else
			assert_int_equal(err, CW_EINVAL);
		if (!optional(&example[i]) && i)
			assert_string_equal(reason, example[i].name);
	}
}

static void test_wrong_size(void **state)
{
	(void)state;
	for (int i = 0; i < PROPS; i++) {
		if (optional(&example[i]) || example[i].text)
			continue;
		for (int more = -4; more <= 8; more += 4) {
			if (!more)
				continue;
			assert_int_equal(read_tree(build(example, i, more)), CW_EINVAL);
			assert_string_equal(reason, example[i].name);
		}
		assert_int_equal(read_tree(build(example, i, -1)), CW_EINVAL);
	}
}

static void test_truncated(void **state)
{
	size_t size = build(example, -1, 0);

	(void)state;
	for (size_t n = 0; n < size; n++)
		assert_int_equal(read_tree(n), CW_EINVAL);
	/* Bytes behind it do not matter: the fragment has pages. */
	memset(tree + size, 0xee, 64);
	assert_int_equal(read_tree(size + 64), CW_OK);
}

/* Whatever is accepted keeps the contract's rules and its own hash. */
static void expect_sound(int err)
{
	if (err)
		return;
	assert_int_equal(cw_layout_check(&layout, NULL, NULL), CW_LAYOUT_FINE);
	assert_int_equal(cw_layout_hash(&layout), HASH);
}

static void test_every_bit(void **state)
{
	static unsigned char bent[TREE_MAX];
	size_t size = build(example, -1, 0);

	(void)state;
	for (size_t bit = 0; bit < 8 * size; bit++) {
		memcpy(bent, tree, size);
		bent[bit / 8] ^= (unsigned char)(1u << (bit % 8));
		expect_sound(read_copy(bent, size, CW_DEVICES_MAX));
	}
}

static void test_noise(void **state)
{
	static unsigned char bent[TREE_MAX];
	uint64_t random = 0x5eed;
	size_t size = build(example, -1, 0);

	(void)state;
	for (int round = 0; round < 20000; round++) {
		memcpy(bent, tree, size);
		for (uint32_t n = 1 + unit_random(&random) % 8; n; n--)
			bent[unit_random(&random) % size] = (unsigned char)unit_random(&random);
		expect_sound(read_copy(bent, size, CW_DEVICES_MAX));
	}
}

static void test_numbers(void **state)
{
	static const char *const narrow[] = { "causeway,slot", "causeway,queues",
					      "causeway,queue-size" };

	(void)state;
	/* What would be right again when cut to 16 or 32 bits */
	assert_int_equal(read_changed("causeway,slots", 0, 0, 0x10006), CW_EINVAL);
	assert_string_equal(reason, "causeway,slots");
	for (unsigned int i = 0; i < ARRAY_SIZE(narrow); i++) {
		assert_int_equal(read_changed(narrow[i], 1, 0, 0x10001), CW_EINVAL);
		assert_string_equal(reason, narrow[i]);
	}
	assert_int_equal(read_changed("reg", 0, 2, 1), CW_EINVAL);
	assert_int_equal(read_changed("reg", 1, 2, 1), CW_EINVAL);
	/* What breaks a rule of the layout */
	assert_int_equal(read_changed("causeway,line", 0, 0, 48), CW_EINVAL);
	assert_int_equal(read_changed("causeway,queues", 2, 0, 0), CW_EINVAL);
	assert_int_equal(read_changed("causeway,queue-size", 2, 0, 2048), CW_EINVAL);
	assert_int_equal(read_changed("causeway,slot", 2, 0, 2), CW_EINVAL);
	assert_int_equal(read_changed("causeway,pmm-page", 0, 1, 0x3ed02000), CW_EINVAL);
	assert_int_equal(read_changed("causeway,remote-page", 0, 0, 1), CW_EINVAL);
	assert_int_equal(read_changed("reg", 2, 1, 0x3ed06000), CW_EINVAL);
	assert_int_equal(read_changed("reg", 2, 1, 0x3ed08000), CW_EINVAL);
	assert_int_equal(read_changed("reg", 0, 1, 0x3ed00010), CW_EINVAL);
}

static void test_hash(void **state)
{
	(void)state;
	assert_int_equal(read_changed("causeway,layout-hash", 0, 0, 1), CW_ELAYOUT);
	assert_int_equal(read_changed("causeway,layout-hash", 0, 1, 1), CW_ELAYOUT);
	assert_int_equal(read_changed("causeway,device-id", 2, 0, 5), CW_ELAYOUT);
}

static void test_version(void **state)
{
	(void)state;
	assert_int_equal(read_changed("causeway,abi", 0, 0, 0x00020000), CW_EVERSION);
	assert_int_equal(read_changed("causeway,abi", 0, 0, 0), CW_EVERSION);
	assert_int_equal(read_changed("causeway,abi", 0, 0, 0x00010007), CW_OK);
}

static void test_labels(void **state)
{
	(void)state;
	assert_int_equal(read_label(""), CW_EINVAL);
	assert_int_equal(read_label("sixteencharacter"), CW_EINVAL);
	assert_string_equal(reason, "label");
	assert_int_equal(read_label("fifteencharacte"), CW_ELAYOUT); /* fine but for the hash */
	assert_int_equal(read_label("net0"), CW_EINVAL);	     /* twice */
	assert_int_equal(read_label("rng\033[2J"), CW_EINVAL);
	assert_int_equal(read_label("rng 0"), CW_EINVAL);
	assert_int_equal(read_label("rng\xff"), CW_EINVAL);
	for (int i = 0; i < PROPS; i++)
		if (!strcmp(example[i].name, "label")) {
			assert_int_equal(read_tree(build(example, i, -1)), CW_EINVAL);
			assert_string_equal(reason, "label");
		}
}

static void test_room(void **state)
{
	size_t size = build(example, -1, 0);

	(void)state;
	assert_int_equal(read_copy(tree, size, 2), CW_OK);
	assert_int_equal(read_copy(tree, size, 1), CW_ENOSPC);
	assert_int_equal(read_copy(tree, size, 0), CW_ENOSPC);
}

static void test_foreign(void **state)
{
	static const char other[] = "acme,radio";

	(void)state;
	assert_int_equal(build(example, -1, 0) > 0, 1);
	assert_int_equal(fdt_open_into(tree, tree, sizeof(tree)), 0);
	assert_int_equal(fdt_setprop_u32(tree, 0, "acme,colour", 7), 0);
	assert_true(fdt_add_subnode(tree, 0, "radio") >= 0);
	assert_int_equal(fdt_setprop(tree, fdt_path_offset(tree, "/radio"), "compatible", other,
				     sizeof(other)),
			 0);
	assert_int_equal(fdt_pack(tree), 0);
	assert_int_equal(read_tree(fdt_totalsize(tree)), CW_OK);
	assert_int_equal(layout.devices, 2);
}

static void test_stock_driver_does_not_bind(void **state)
{
	struct prop table[ARRAY_SIZE(example)];

	(void)state;
	memcpy(table, example, sizeof(table));
	table[0].text = "virtio,mmio";
	assert_int_equal(read_tree(build(table, -1, 0)), CW_EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_example),	  cmocka_unit_test(test_without_reason),
		cmocka_unit_test(test_missing),	  cmocka_unit_test(test_wrong_size),
		cmocka_unit_test(test_truncated), cmocka_unit_test(test_every_bit),
		cmocka_unit_test(test_noise),	  cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_hash),	  cmocka_unit_test(test_version),
		cmocka_unit_test(test_labels),	  cmocka_unit_test(test_room),
		cmocka_unit_test(test_foreign),	  cmocka_unit_test(test_stock_driver_does_not_bind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
