// SPDX-License-Identifier: BSD-3-Clause
/*
 * Board files and the quick form: what becomes of each key, and that no text whatever makes the
 * loader do more than complain. What it says of mistakes is held in tests/bad.
 */
#include "../core/unit.h"

#include "../../../host/board_priv.h"

#include <stdio.h>
#include <stdlib.h>

static const char full[] =
	"name: board-1\n"
	"poll: false\n"
	"poll-max-us: 70\n"
	"workers: 2\n"
	"remotes:\n"
	"  - name: a_1\n"
	"    region: { base: 0x80000000, size: 2M, line: 128, dtb: 0x3000 }\n"
	"    memory: { file: ram, offset: 64K }\n"
	"    carrier: attach\n"
	"    doorbell: { socket: bell }\n"
	"    autostart: false\n"
	"    recovery: { limit: 3, seconds: 7 }\n"
	"    lost-ms: 250\n"
	"    worker: 1\n"
	"    devices:\n"
	"      - { kind: rng, name: dice, size: 20K, queue-size: 8, rate: 1000, backend: { file: r } }\n"
	"      - { kind: net, backend: { tap: Tap.0 }, mac: '02:AB:cd:00:00:01', mtu: 9000,\n"
	"          offload: false, size: 128K, at: 0x80100000 }\n"
	"      - { kind: net, backend: { fd: 5 } }\n"
	"      - { kind: net, backend: { socket: ours, peer: /theirs } }\n"
	"      - { kind: console, backend: stdio, cols: 80, rows: 25 }\n"
	"      - kind: console\n"
	"        ports: [ { name: one, backend: { pty: link } }, { backend: { log: l } },\n"
	"                 { name: two, backend: { socket: s } } ]\n"
	"  - name: b\n"
	"    carrier: { args: [ -x, '', '2 3' ], process: fw/run }\n"
	"    doorbell: { poll: 500 }\n"
	"    recovery: never\n"
	"    devices: [ { kind: rng } ]\n";

static FILE *sink(void)
{
	FILE *f = fopen("/dev/null", "w");

	assert_non_null(f);
	return f;
}

static struct cw_board *load(const char *text)
{
	struct cw_board *b = NULL;
	char *said = NULL;
	size_t len;
	FILE *err = open_memstream(&said, &len);

	if (cw_board_load_text(&b, text, strlen(text), "test.yaml", err)) {
		fclose(err);
		fail_msg("%s", said);
	}
	fclose(err);
	assert_string_equal(said, "");
	free(said);
	return b;
}

static void every_key_arrives(void **state)
{
	struct cw_board *b = load(full);
	const struct cw_board_remote *r = &b->remote[0];

	(void)state;
	assert_string_equal(b->name, "board-1");
	assert_false(b->poll);
	assert_int_equal(b->poll_max_us, 70);
	assert_int_equal(b->workers, 2);
	assert_int_equal(b->remotes, 2);
	assert_null(b->file);

	assert_string_equal(r->name, "a_1");
	assert_int_equal(r->layout.base, 0x80000000u);
	assert_int_equal(r->layout.size, 0x200000);
	assert_int_equal(r->layout.line, 128);
	assert_int_equal(r->layout.dtb, 0x3000);
	assert_int_equal(r->memory, CW_MEMORY_FILE);
	assert_string_equal(r->memory_path, "ram");
	assert_int_equal(r->memory_offset, 0x10000);
	assert_int_equal(r->carrier, CW_CARRIER_ATTACH);
	assert_int_equal(r->doorbell, CW_DOORBELL_SOCKET);
	assert_string_equal(r->doorbell_path, "bell");
	assert_false(r->autostart);
	assert_int_equal(r->recovery, CW_RECOVER_LIMIT);
	assert_int_equal(r->recovery_limit, 3);
	assert_int_equal(r->recovery_seconds, 7);
	assert_int_equal(r->lost_ms, 250);
	assert_int_equal(r->worker, 1);
	assert_int_equal(r->layout.devices, 6);
	cw_board_free(b);
}

static void every_key_of_a_device_arrives(void **state)
{
	struct cw_board *b = load(full);
	const struct cw_layout_device *p = b->remote[0].place;
	const struct cw_board_device *d = b->remote[0].device;

	(void)state;
	assert_string_equal(p[0].name, "dice");
	assert_int_equal(p[0].size, 20 * 1024);
	assert_int_equal(p[0].queue_size, 8);
	assert_int_equal(d[0].rate, 1000);
	assert_int_equal(d[0].backend, CW_BACKEND_FILE);
	assert_string_equal(d[0].path, "r");

	assert_string_equal(d[1].ifname, "Tap.0");
	assert_int_equal(d[1].fd, -1);
	assert_memory_equal(d[1].mac, "\x02\xab\xcd\0\0\x01", 6);
	assert_int_equal(d[1].mtu, 9000);
	assert_false(d[1].offload);
	assert_int_equal(p[1].block, 0x80100000u);
	assert_string_equal(p[1].name, "net0");

	assert_int_equal(d[2].backend, CW_BACKEND_TAP);
	assert_int_equal(d[2].fd, 5);
	assert_null(d[2].ifname);
	assert_true(d[2].offload);
	assert_int_equal(d[3].backend, CW_BACKEND_DGRAM);
	assert_string_equal(d[3].path, "ours");
	assert_string_equal(d[3].peer, "/theirs");

	assert_int_equal(d[4].port[0].backend, CW_BACKEND_STDIO);
	assert_int_equal(d[4].cols, 80);
	assert_int_equal(d[4].rows, 25);
	assert_int_equal(d[4].ports, 1);
	assert_int_equal(p[4].queues, 2);
	assert_int_equal(d[5].ports, 3);
	assert_int_equal(p[5].queues, 8);
	assert_string_equal(d[5].port[0].name, "one");
	assert_int_equal(d[5].port[0].backend, CW_BACKEND_PTY);
	assert_string_equal(d[5].port[0].path, "link");
	assert_null(d[5].port[1].name);
	assert_int_equal(d[5].port[1].backend, CW_BACKEND_LOG);
	assert_int_equal(d[5].port[2].backend, CW_BACKEND_STREAM);
	cw_board_free(b);
}

static void what_is_not_written_has_a_default(void **state)
{
	struct cw_board *b = load(full);
	const struct cw_board_remote *r = &b->remote[1];

	(void)state;
	assert_int_equal(r->layout.base, 0x37000000u);
	assert_int_equal(r->layout.size, 16 << 20);
	assert_int_equal(r->layout.line, 64);
	assert_int_equal(r->memory, CW_MEMORY_MEMFD);
	assert_int_equal(r->doorbell, CW_DOORBELL_POLL);
	assert_int_equal(r->poll_us, 500);
	assert_int_equal(r->recovery, CW_RECOVER_NEVER);
	assert_true(r->autostart);
	assert_int_equal(r->lost_ms, 1000);
	assert_int_equal(r->worker, 1); /* dealt out in turn */
	assert_string_equal(r->place[0].name, "rng0");
	assert_int_equal(r->device[0].backend, CW_BACKEND_GETRANDOM);
	assert_int_equal(r->carrier, CW_CARRIER_PROCESS);
	assert_string_equal(r->argv[0], "fw/run");
	assert_string_equal(r->argv[1], "-x");
	assert_string_equal(r->argv[2], "");
	assert_string_equal(r->argv[3], "2 3");
	assert_null(r->argv[4]);
	assert_ptr_equal(cw_board_remote_find(b, "b"), r);
	assert_null(cw_board_remote_find(b, "c"));
	cw_board_free(b);
	b = load(
		"remotes: [ { name: x, carrier: { process: p }, devices: [ { kind: console } ] } ]");
	assert_string_equal(b->name, "test");
	assert_true(b->poll);
	assert_int_equal(b->remote[0].recovery, CW_RECOVER_LIMIT);
	assert_int_equal(b->remote[0].device[0].port[0].backend, CW_BACKEND_PTY);
	assert_string_equal(b->remote[0].argv[0], "p");
	assert_null(b->remote[0].argv[1]);
	cw_board_free(b);
}

static void mac_of(const char *board, const char *remote, const char *device, uint8_t mac[6])
{
	struct cw_board *b;
	char text[200];

	snprintf(
		text, sizeof(text),
		"name: %s\nremotes: [ { name: %s, carrier: { process: p }, devices: [ { kind: net, "
		"name: %s, backend: { tap: t } } ] } ]",
		board, remote, device);
	b = load(text);
	memcpy(mac, b->remote[0].device[0].mac, 6);
	cw_board_free(b);
}

static void default_macs_last_and_differ(void **state)
{
	static const char *const names[][3] = {
		{ "a", "b", "c" }, { "x", "b", "c" },  { "a", "x", "c" },
		{ "a", "b", "x" }, { "ab", "b", "c" }, { "a", "bb", "c" },
	};
	uint8_t mac[ARRAY_SIZE(names)][6], again[6];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		mac_of(names[i][0], names[i][1], names[i][2], mac[i]);
		mac_of(names[i][0], names[i][1], names[i][2], again);
		assert_memory_equal(mac[i], again, 6);
		assert_int_equal(mac[i][0] & 3, 2); /* one station, administered locally */
		for (size_t j = 0; j < i; j++)
			assert_memory_not_equal(mac[i], mac[j], 6);
	}
	/* They are in people's switches and leases: a change of the rule is a change for them. */
	assert_memory_equal(mac[0], "\x02\x43\x7d\x99\x1e\xae", 6);
}

static void numbers_are_wholly_numbers(void **state)
{
	static const struct {
		const char *text;
		uint64_t value;
	} good[] = {
		{ "0", 0 },	      { "7", 7 },
		{ "4K", 4096 },	      { "16M", 16 << 20 },
		{ "2G", 2ull << 30 }, { "0x10000", 65536 },
		{ "0XaF", 175 },      { "0xffffffffffffffff", UINT64_MAX },
		{ "0K", 0 },	      { "18446744073709551615", UINT64_MAX },
		{ "0x00010", 16 },    { "17179869183G", 17179869183ull << 30 },
	};
	static const char *const bad[] = {
		"",
		" ",
		"K",
		"0x",
		"x10",
		"-1",
		"+1",
		"1 ",
		" 1",
		"1KB",
		"64 KB",
		"1k",
		"1KK",
		"0x1K",
		"1e3",
		"1.5K",
		"010",
		"00",
		"0x1g",
		"1_000",
		"1,000",
		"18446744073709551616",
		"0x10000000000000000",
		"17179869184G",
		"99999999999999999999",
		"0b1",
		"one",
	};
	uint64_t v;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		assert_int_equal(board_number(good[i].text, strlen(good[i].text), &v), 0);
		assert_int_equal(v, good[i].value);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (!board_number(bad[i], strlen(bad[i]), &v))
			fail_msg("'%s' was read as %llu", bad[i], (unsigned long long)v);
	assert_int_equal(board_number("16\0", 3, &v), -1);
	assert_int_equal(board_number("64KB", 3, &v), 0); /* no look beyond the length */
}

static void addresses_and_names(void **state)
{
	static const char *const bad_mac[] = {
		"03:00:00:00:00:01", "00:00:00:00:00:00",  "02:00:00:00:00:0",	"02-00-00-00-00-01",
		"0x:00:00:00:00:01", "02:00:00:00:00:01:", " 2:00:00:00:00:01", "+2:00:00:00:00:01"
	};
	static const char *const bad_if[] = {
		"", ".", "..", "a/b", "a b", "tap%d", "sixteen-letters-", "a:1"
	};
	uint8_t mac[6];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad_mac); i++)
		assert_int_equal(board_mac(bad_mac[i], strlen(bad_mac[i]), mac), -1);
	assert_int_equal(board_mac("fe:DC:ba:98:76:54", 17, mac), 0);
	assert_memory_equal(mac, "\xfe\xdc\xba\x98\x76\x54", 6);
	for (size_t i = 0; i < ARRAY_SIZE(bad_if); i++)
		assert_false(board_good_ifname(bad_if[i], strlen(bad_if[i])));
	assert_true(board_good_ifname("fifteen-letters", 15));
	assert_true(board_good_name("a-z_0", 5, 5));
	assert_false(board_good_name("a-z_0", 5, 4));
	assert_false(board_good_name("A", 1, 5));
	assert_false(board_good_name("", 0, 5));
}

static struct cw_board *quick(const char *const *word)
{
	struct cw_board *b = NULL;
	char *argv[20] = { (char[]){ "run" } };
	FILE *err = sink();
	int argc = 1;

	while (*word)
		argv[argc++] = (char *)(uintptr_t)*word++;
	if (cw_board_quick(&b, argc, argv, err))
		b = NULL;
	fclose(err);
	return b;
}

static void the_quick_form(void **state)
{
	const char *const words[] = { "--rng=file=bytes",
				      "--net",
				      "tap=tap0",
				      "--net=fd=7",
				      "--console",
				      "socket=s",
				      "--console",
				      "--rpmsg",
				      "--name",
				      "isle",
				      "--region",
				      "0x40000000,1M",
				      "--no-poll",
				      "--",
				      "./fw",
				      "-v",
				      NULL };
	struct cw_board *b = quick(words);
	const struct cw_board_remote *r;

	(void)state;
	assert_non_null(b);
	r = b->remote;
	assert_string_equal(r->name, "isle");
	assert_false(b->poll);
	assert_int_equal(r->layout.base, 0x40000000);
	assert_int_equal(r->layout.size, 1 << 20);
	assert_int_equal(r->layout.devices, 6);
	assert_string_equal(r->device[0].path, "bytes");
	assert_string_equal(r->device[1].ifname, "tap0");
	assert_int_equal(r->device[2].fd, 7);
	assert_int_equal(r->device[3].port[0].backend, CW_BACKEND_STREAM);
	assert_int_equal(r->device[4].port[0].backend, CW_BACKEND_PTY);
	assert_int_equal(r->device[5].id, CW_ID_RPMSG);
	assert_int_equal(r->device[5].backend, CW_BACKEND_SERVICES);
	assert_int_equal(r->device[5].to_host, 512);
	assert_int_equal(r->device[5].to_remote, 512);
	assert_string_equal(r->argv[0], "./fw");
	assert_string_equal(r->argv[1], "-v");
	assert_null(r->argv[2]);
	cw_board_free(b);
}

/* Nothing that is cut off or bent may crash, hang or leak; most of it is no board. */
static int try_text(const char *text, size_t len)
{
	/* In a piece of heap of its size, so that AddressSanitizer sees a look beyond it. */
	char *copy = malloc(len ? len : 1);
	struct cw_board *b = NULL;
	FILE *err = sink();
	int r;

	assert_non_null(copy);
	memcpy(copy, text, len);
	r = cw_board_load_text(&b, copy, len, "bent.yaml", err);
	free(copy); /* complaints that come later must not need it */
	if (!r) {
		cw_board_check_files(b, err);
		cw_board_free(b);
	}
	fclose(err);
	return r;
}

static void cut_files(void **state)
{
	unsigned int good = 0;

	(void)state;
	for (size_t len = 0; len < sizeof(full); len++)
		good += !try_text(full, len);
	assert_in_range(good, 1, 100); /* after a whole device, what is left can be a board */
}

static void bent_files(void **state)
{
	static const char bytes[] = "{}[],:-#&*!|>'\"%@` \n\t0AK\x80\xff\x00";
	uint64_t seed = 0x5eed;
	char text[sizeof(full)];

	(void)state;
	for (int i = 0; i < 4000; i++) {
		memcpy(text, full, sizeof(full));
		for (uint32_t n = 1 + unit_random(&seed) % 3; n; n--) {
			size_t at = unit_random(&seed) % (sizeof(full) - 1);

			text[at] = bytes[unit_random(&seed) % (sizeof(bytes) - 1)];
		}
		try_text(text, sizeof(full) - 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_key_arrives),
		cmocka_unit_test(every_key_of_a_device_arrives),
		cmocka_unit_test(what_is_not_written_has_a_default),
		cmocka_unit_test(default_macs_last_and_differ),
		cmocka_unit_test(numbers_are_wholly_numbers),
		cmocka_unit_test(addresses_and_names),
		cmocka_unit_test(the_quick_form),
		cmocka_unit_test(cut_files),
		cmocka_unit_test(bent_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
