// SPDX-License-Identifier: BSD-3-Clause
/*
 * Layouts made from board files: whatever the board, both sides accept them, and the fragment says
 * the same.
 */
#include "../core/unit.h"

#include <causeway/abi/virtio.h>
#include <causeway/core/err.h>
#include <causeway/host/board.h>
#include <causeway/port/layout_fdt.h>

#include <stdio.h>
#include <stdlib.h>

static char said[4096];

static struct cw_board *load(const char *text)
{
	struct cw_board *b = NULL;
	FILE *err = fmemopen(said, sizeof(said), "w");

	memset(said, 0, sizeof(said));
	if (cw_board_load_text(&b, text, strlen(text), "t", err))
		b = NULL;
	fclose(err);
	return b;
}

static void check_fragment(const struct cw_board_remote *r)
{
	struct cw_layout_device device[CW_DEVICES_MAX];
	const char *reason = "";
	struct cw_layout l;
	uint8_t *fdt;
	int n;

	if (!r->layout.dtb)
		return;
	fdt = malloc(r->layout.dtb);
	assert_non_null(fdt);
	n = cw_dtb_write(&r->layout, r->name, fdt, r->layout.dtb);
	assert_in_range(n, 1, r->layout.dtb);
	if (cw_layout_from_fdt(&l, device, CW_DEVICES_MAX, fdt, r->layout.dtb, &reason))
		fail_msg("%s", reason);
	assert_int_equal(cw_layout_hash(&l), cw_layout_hash(&r->layout));
	assert_int_equal(cw_dtb_write(&r->layout, r->name, fdt, (size_t)n - 1), -1);
	free(fdt);
}

static void in_order_without_holes(void **state)
{
	struct cw_board *b = load("remotes:\n"
				  "  - name: a\n"
				  "    carrier: { process: p }\n"
				  "    devices:\n"
				  "      - { kind: console }\n"
				  "      - { kind: net, backend: { tap: t } }\n"
				  "      - { kind: rng }\n"
				  "      - { kind: rng, at: 0x37080000 }\n"
				  "      - { kind: rng }\n"
				  "      - { kind: rng, at: 0x37060000 }\n"
				  "      - { kind: rng }\n");
	const struct cw_layout *l;

	(void)state;
	assert_non_null(b);
	l = &b->remote[0].layout;
	assert_int_equal(l->pmm_page, 0x37000000 + l->dtb);
	assert_int_equal(l->remote_page, l->pmm_page + 0x1000);
	assert_int_equal(l->device[0].block, l->remote_page + 0x1000);
	assert_int_equal(l->device[0].size, 24 * 1024);
	assert_int_equal(l->device[1].block, l->device[0].block + 24 * 1024);
	assert_int_equal(l->device[1].size, 64 * 1024);
	assert_int_equal(l->device[2].block, l->device[1].block + 64 * 1024);
	assert_int_equal(l->device[4].block, 0x37086000);
	assert_int_equal(l->device[6].block, 0x3708c000); /* behind the highest, not the last */
	assert_int_equal(l->device[0].slot, 1);
	assert_int_equal(l->device[1].slot, 4);
	assert_int_equal(l->slots, 1 + 3 + 3 + 5 * 2);
	check_fragment(&b->remote[0]);
	cw_board_free(b);
}

/* The region's size in the complaint is the size that is enough, and no byte too many. */
static void smallest_region(void **state)
{
	static const char form[] =
		"remotes: [ { name: a, carrier: { process: p }, region: { size: "
		"%uK }, devices: [ { kind: rng }, { kind: net, backend: { tap: t "
		"} } ] } ]";
	struct cw_board *b;
	unsigned int need;
	char text[256];
	const char *at;

	(void)state;
	snprintf(text, sizeof(text), form, 16);
	assert_null(load(text));
	at = strstr(said, "at least ");
	assert_non_null(at);
	need = (unsigned int)strtoul(at + 9, NULL, 10);
	snprintf(text, sizeof(text), form, need - 4);
	assert_null(load(text));
	assert_non_null(strstr(said, "are too few for its devices"));
	snprintf(text, sizeof(text), form, need);
	b = load(text);
	assert_non_null(b);
	cw_board_free(b);
}

static size_t add_device(char *to, size_t size, uint64_t *seed, unsigned int i)
{
	static const char *const kind[] = { "rng", "net", "console" };
	uint32_t k = unit_random(seed) % 3, queue = 2u << unit_random(seed) % 10;
	size_t n = (size_t)snprintf(to, size, "  - { kind: %s", kind[k]);

	if (k == 1)
		n += (size_t)snprintf(to + n, size - n, ", backend: { tap: t%u }, mtu: %u", i,
				      68 + unit_random(seed) % 65454);
	if (k == 2 && unit_random(seed) % 2) {
		n += (size_t)snprintf(to + n, size - n, ", ports: [ {}");
		for (uint32_t p = unit_random(seed) % 8; p; p--)
			n += (size_t)snprintf(to + n, size - n, ", {}");
		n += (size_t)snprintf(to + n, size - n, " ]");
	}
	if (unit_random(seed) % 2)
		n += (size_t)snprintf(to + n, size - n, ", queue-size: %u", queue);
	return n + (size_t)snprintf(to + n, size - n, " }\n");
}

/* Boards by chance: with defaults for sizes nothing can be too small but the region and the slots. */
static void any_board(void **state)
{
	static char text[16384];
	uint64_t seed = 0xb0a4d;
	unsigned int good = 0;

	(void)state;
	for (int i = 0; i < 400; i++) {
		unsigned int devices = 1 + unit_random(&seed) % (i % 4 ? 12 : CW_DEVICES_MAX);
		uint64_t base = (uint64_t)unit_random(&seed) << (12 + unit_random(&seed) % 19);
		size_t n = (size_t)snprintf(text, sizeof(text),
					    "remotes:\n- name: a\n  carrier: { process: p }\n"
					    "  region: { base: 0x%llx, size: 512M, line: %u }\n"
					    "  devices:\n",
					    (unsigned long long)base,
					    CW_LINE_MIN << unit_random(&seed) % 7);
		struct cw_board *b;

		for (unsigned int d = 0; d < devices; d++)
			n += add_device(text + n, sizeof(text) - n, &seed, d);
		b = load(text);
		if (!b && strstr(said, "slots"))
			continue;
		if (!b)
			fail_msg("%s\n%s", text, said);
		good++;
		assert_int_equal(cw_layout_check(&b->remote[0].layout, NULL, NULL), CW_LAYOUT_FINE);
		check_fragment(&b->remote[0]);
		cw_board_free(b);
	}
	assert_in_range(good, 300, 400);
}

/* As many devices as there may be: their fragment fits too. */
static void most_devices(void **state)
{
	static char text[8192] = "remotes:\n- name: a\n  carrier: { process: p }\n"
				 "  region: { base: 0x7fffffff00000000 }\n  devices:\n";
	struct cw_board *b;

	(void)state;
	for (unsigned int i = 0; i < CW_DEVICES_MAX; i++)
		sprintf(text + strlen(text), "  - { kind: rng, name: fifteen-chars%02u }\n", i);
	b = load(text);
	if (!b)
		fail_msg("%s", said);
	check_fragment(&b->remote[0]);
	cw_board_free(b);
	strcat(text, "  - { kind: rng }\n");
	assert_null(load(text));
	assert_non_null(strstr(said, "has 65 items; right is a list of 1 to 64 devices"));
}

/* By default a driver finds room for 32 buffers each way, whatever their sizes and the line. */
static void room_for_messages(void **state)
{
	static const uint32_t size[] = { 64, 100, 512, 4096, 65536 };
	char text[512];

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(size) * ARRAY_SIZE(size) * 2; i++) {
		uint32_t to_host = size[i % 5], to_remote = size[i / 5 % 5];
		uint32_t line = i < 25 ? 64 : 1024, stride;
		const struct cw_layout_device *d;
		struct cw_board *b;

		snprintf(
			text, sizeof(text),
			"remotes: [ { name: a, carrier: { process: p }, region: { size: 16M, line: "
			"%u }, devices: [ { kind: rpmsg, to-host: %u, to-remote: %u } ] } ]",
			line, to_host, to_remote);
		b = load(text);
		if (!b)
			fail_msg("%s", said);
		d = &b->remote[0].place[0];
		stride = (to_host + line - 1) / line * line + (to_remote + line - 1) / line * line;
		assert_int_equal(d->queues, 2);
		assert_int_equal(d->queue_size, 32);
		assert_true(d->size >= 2 * 4096 + 2 * cw_ring_bytes(32, line) + 32 * stride);
		assert_true(d->size <=
			    3 * 4096 + 2 * cw_ring_bytes(32, line) + 32 * stride + 0x4000);
		cw_board_free(b);
	}
}

static void no_fragment(void **state)
{
	struct cw_board *b =
		load("remotes: [ { name: a, carrier: { process: p }, region: { dtb: 0 }, "
		     "devices: [ { kind: rng } ] } ]");

	(void)state;
	assert_non_null(b);
	assert_int_equal(b->remote[0].layout.pmm_page, b->remote[0].layout.base);
	assert_int_equal(cw_layout_check(&b->remote[0].layout, NULL, NULL), CW_LAYOUT_FINE);
	cw_board_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_order_without_holes),
		cmocka_unit_test(smallest_region),
		cmocka_unit_test(any_board),
		cmocka_unit_test(most_devices),
		cmocka_unit_test(room_for_messages),
		cmocka_unit_test(no_fragment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
