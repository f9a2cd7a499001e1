// SPDX-License-Identifier: BSD-3-Clause
/* The console device between a driver that may lie and terminals made of arrays. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "pair.h"

#include <causeway/core/bytes.h>
#include <causeway/device/console.h>

#define SIZE   16
#define PORTS  3
#define MULTI  CW_CONSOLE_F_MULTIPORT
#define MEMORY (1u << 20)

static const char *const names[PORTS] = { NULL, "log",
					  "a name that is far longer than any name is" };

static struct {
	struct pair pair;
	struct cw_console_device console;
	char out[PORTS][4096];
	uint32_t out_len[PORTS];
	int take; /* output takes so many bytes at most; negative: that error */
	const char *in[PORTS];
	unsigned int asked; /* calls of input */
	int open[PORTS];
} t;

static int output(void *ctx, unsigned int port, const struct cw_part *part, unsigned int n)
{
	int took = 0;

	(void)ctx;
	if (t.take < 0)
		return t.take;
	for (unsigned int i = 0; i < n; i++)
		for (size_t b = 0; b < part[i].len && took < t.take; b++, took++)
			t.out[port][t.out_len[port]++] = ((char *)part[i].ptr)[b];
	return took;
}

static int input(void *ctx, unsigned int port, const struct cw_part *part, unsigned int n)
{
	int got = 0;

	(void)ctx;
	t.asked++;
	if (!t.in[port])
		return CW_EAGAIN;
	for (unsigned int i = 0; i < n; i++)
		for (size_t b = 0; b < part[i].len && *t.in[port]; b++, got++)
			((char *)part[i].ptr)[b] = *t.in[port]++;
	return got ? got : CW_EAGAIN;
}

static void opened(void *ctx, unsigned int port, bool open)
{
	(void)ctx;
	t.open[port] += open ? 1 : -1;
}

static const struct cw_console_ops terminals = { output, input, opened };

static void start(unsigned int ports, uint64_t features)
{
	memset(&t, 0, sizeof(t));
	t.take = 4096;
	pair_init(&t.pair, cw_console_device_queues(ports), SIZE, MEMORY);
	assert_int_equal(cw_console_device_init(&t.console, &terminals, NULL, 80, 25, ports, names,
						t.pair.q),
			 CW_OK);
	pair_up(&t.pair, &t.console.dev, features | CW_F_EVENT_IDX);
	pair_run(&t.pair);
}

static int stop(void **state)
{
	(void)state;
	pair_free(&t.pair);
	return 0;
}

static void say(unsigned int q, const void *text, uint32_t len)
{
	struct pair_mem m = pair_alloc(&t.pair, len);
	const struct cw_buf buf = { m.addr, len };

	memcpy(m.p, text, len);
	pair_add(&t.pair, q, &buf, 1, 0, NULL);
	pair_kick(&t.pair, q);
	pair_run(&t.pair);
}

static struct pair_mem room(unsigned int q, uint32_t len)
{
	struct pair_mem m = pair_alloc(&t.pair, len);
	const struct cw_buf buf = { m.addr, len };

	memset(m.p, 0xee, len);
	pair_add(&t.pair, q, &buf, 0, 1, m.p);
	pair_kick(&t.pair, q);
	pair_run(&t.pair);
	return m;
}

static void heard_by(unsigned int port, const char *text)
{
	assert_int_equal(t.out_len[port], strlen(text));
	assert_memory_equal(t.out[port], text, strlen(text));
}

/* ---- data ---- */

static void output_arrives_as_it_is(void **state)
{
	(void)state;
	start(1, 0);
	say(CW_CONSOLE_QUEUE_TX, "a\0\033[2J\xff", 7);
	assert_int_equal(pair_take(&t.pair, CW_CONSOLE_QUEUE_TX), 0);
	assert_int_equal(t.out_len[0], 7);
	assert_memory_equal(t.out[0], "a\0\033[2J\xff", 7);
}

static void slow_terminal_gets_every_byte_once(void **state)
{
	struct cw_buf buf[3];
	struct pair_mem m;

	(void)state;
	start(1, 0);
	t.take = 2;
	m = pair_alloc(&t.pair, 192);
	memcpy(m.p, "abc", 3);
	memcpy(m.p + 64, "defg", 4);
	memcpy(m.p + 128, "h", 1);
	buf[0] = (struct cw_buf){ m.addr, 3 };
	buf[1] = (struct cw_buf){ m.addr + 64, 4 };
	buf[2] = (struct cw_buf){ m.addr + 128, 1 };
	pair_add(&t.pair, CW_CONSOLE_QUEUE_TX, buf, 3, 0, NULL);
	pair_kick(&t.pair, CW_CONSOLE_QUEUE_TX);
	pair_run(&t.pair);
	for (int i = 0; i < 3; i++) {
		assert_true(pair_empty(&t.pair, CW_CONSOLE_QUEUE_TX));
		assert_true(cw_console_device_wants_room(&t.console, 0));
		cw_console_device_ready(&t.console, 0);
		pair_run(&t.pair);
	}
	assert_int_equal(pair_take(&t.pair, CW_CONSOLE_QUEUE_TX), 0);
	heard_by(0, "abcdefgh");
	assert_false(cw_console_device_wants_room(&t.console, 0));
}

static void output_that_nobody_takes_is_dropped_and_counted(void **state)
{
	(void)state;
	start(1, 0);
	t.take = CW_EAGAIN;
	for (int i = 0; i < 3; i++) {
		say(CW_CONSOLE_QUEUE_TX, "lost", 4);
		pair_take(&t.pair, CW_CONSOLE_QUEUE_TX);
	}
	assert_int_equal(t.console.stats.dropped, 3);
	t.take = 4096;
	say(CW_CONSOLE_QUEUE_TX, "heard", 5);
	heard_by(0, "heard");
}

static void input_fills_what_is_there(void **state)
{
	struct pair_mem m[3];

	(void)state;
	start(1, 0);
	for (int i = 0; i < 3; i++)
		m[i] = room(CW_CONSOLE_QUEUE_RX, 4);
	t.in[0] = "hello!";
	cw_console_device_ready(&t.console, 0);
	pair_run(&t.pair);
	assert_int_equal(pair_take(&t.pair, CW_CONSOLE_QUEUE_RX), 4);
	assert_int_equal(pair_take(&t.pair, CW_CONSOLE_QUEUE_RX), 2);
	assert_memory_equal(m[0].p, "hell", 4);
	assert_memory_equal(m[1].p, "o!\xee\xee", 4);
	assert_true(pair_empty(&t.pair, CW_CONSOLE_QUEUE_RX));
}

/* hostile-input row 34 */
static void row34_input_waits_for_a_buffer(void **state)
{
	unsigned int asked;

	(void)state;
	start(1, 0);
	t.in[0] = "ab";
	asked = t.asked;
	for (int i = 0; i < 1000; i++)
		cw_console_device_ready(&t.console, 0);
	pair_run(&t.pair);
	assert_false(cw_console_device_wants_input(&t.console, 0));
	assert_int_equal(t.asked, asked);
	room(CW_CONSOLE_QUEUE_RX, 1);
	assert_int_equal(pair_take(&t.pair, CW_CONSOLE_QUEUE_RX), 1);
	assert_string_equal(t.in[0], "b");
	room(CW_CONSOLE_QUEUE_RX, 8);
	assert_int_equal(pair_take(&t.pair, CW_CONSOLE_QUEUE_RX), 1);
}

static void row27_input_chain_without_room_is_a_fault(void **state)
{
	(void)state;
	start(1, 0);
	say(CW_CONSOLE_QUEUE_RX, "x", 1);
	assert_int_equal(t.console.dev.fault, CW_EBADCHAIN);
	assert_true(t.console.dev.status & CW_STATUS_NEEDS_RESET);
}

static void reset_forgets_what_was_held(void **state)
{
	(void)state;
	start(1, 0);
	t.take = 1;
	say(CW_CONSOLE_QUEUE_TX, "abc", 3);
	room(CW_CONSOLE_QUEUE_RX, 8);
	assert_int_equal(t.open[0], 1);
	assert_int_equal(cw_device_set_status(&t.console.dev, 0), CW_RESULT_OK);
	assert_int_equal(t.open[0], 0);
	t.take = 4096;
	t.in[0] = "ghost";
	cw_console_device_ready(&t.console, 0);
	pair_up(&t.pair, &t.console.dev, 0);
	pair_run(&t.pair);
	heard_by(0, "a");
	assert_string_equal(t.in[0], "ghost");
	say(CW_CONSOLE_QUEUE_TX, "new", 3);
	heard_by(0, "anew");
}

/* ---- size ---- */

static void size_is_offered_and_changes(void **state)
{
	(void)state;
	start(1, CW_CONSOLE_F_SIZE);
	assert_memory_equal(t.console.dev.config, "\x50\0\x19\0\1\0\0\0", 8);
	cw_console_device_resize(&t.console, 132, 50);
	assert_memory_equal(t.console.dev.config, "\x84\0\x32\0", 4);
	assert_int_equal(t.pair.changed, 1);
	assert_int_equal(
		cw_console_device_init(&t.console, &terminals, NULL, 0, 0, 1, names, t.pair.q),
		CW_OK);
	assert_false(t.console.dev.offered & CW_CONSOLE_F_SIZE);
	t.pair.changed = 0;
	cw_console_device_resize(&t.console, 132, 50);
	assert_int_equal(t.pair.changed, 0);
}

/* ---- several ports ---- */

static void control(uint32_t id, uint16_t event, uint16_t value)
{
	const struct cw_abi_console_control m = { cw_make_le32(id), cw_make_le16(event),
						  cw_make_le16(value) };

	say(CW_CONSOLE_QUEUE_CTRL_TX, &m, sizeof(m));
	assert_int_equal(pair_take(&t.pair, CW_CONSOLE_QUEUE_CTRL_TX), 0);
}

/* The next message from the device must be this one; returns its bytes behind the head. */
static const uint8_t *told(uint32_t id, uint16_t event, uint16_t value, uint32_t more)
{
	static uint8_t copy[64];
	struct cw_abi_console_control m;
	uint32_t len;
	void *cookie;

	assert_true(pair_get(&t.pair, CW_CONSOLE_QUEUE_CTRL_RX, &cookie, &len));
	assert_int_equal(len, sizeof(m) + more);
	memcpy(&m, cookie, sizeof(m));
	memcpy(copy, (uint8_t *)cookie + sizeof(m), more);
	assert_int_equal(cw_get_le32(m.id), id);
	assert_int_equal(cw_get_le16(m.event), event);
	assert_int_equal(cw_get_le16(m.value), value);
	return copy;
}

static void control_rooms(unsigned int n, uint32_t bytes)
{
	while (n--)
		room(CW_CONSOLE_QUEUE_CTRL_RX, bytes);
}

static void ports_are_introduced(void **state)
{
	(void)state;
	start(PORTS, MULTI | CW_CONSOLE_F_SIZE);
	cw_console_device_connect(&t.console, 0, true);
	control_rooms(12, 64);
	told(0, CW_CONSOLE_PORT_OPEN, 1, 0);
	control(0, CW_CONSOLE_DEVICE_READY, 1);
	for (uint32_t i = 0; i < PORTS; i++)
		told(i, CW_CONSOLE_DEVICE_ADD, 1, 0);
	control(0, CW_CONSOLE_PORT_READY, 1);
	told(0, CW_CONSOLE_CONSOLE_PORT, 1, 0);
	told(0, CW_CONSOLE_PORT_OPEN, 1, 0);
	assert_memory_equal(told(0, CW_CONSOLE_RESIZE, 1, 4), "\x50\0\x19\0", 4);
	control(1, CW_CONSOLE_PORT_READY, 1);
	assert_memory_equal(told(1, CW_CONSOLE_PORT_NAME, 1, 3), "log", 3);
	told(1, CW_CONSOLE_PORT_OPEN, 0, 0);
	control(2, CW_CONSOLE_PORT_READY, 1);
	assert_memory_equal(told(2, CW_CONSOLE_PORT_NAME, 1, 31), names[2], 31);
	told(2, CW_CONSOLE_PORT_OPEN, 0, 0);
	assert_true(pair_empty(&t.pair, CW_CONSOLE_QUEUE_CTRL_RX));
}

static void each_port_has_its_queues(void **state)
{
	struct pair_mem m;

	(void)state;
	start(PORTS, MULTI);
	say(CW_CONSOLE_QUEUE_TX, "zero", 4);
	say(5, "one", 3);
	say(7, "two", 3);
	heard_by(0, "zero");
	heard_by(1, "one");
	heard_by(2, "two");
	m = room(4, 8);
	t.in[1] = "in";
	cw_console_device_ready(&t.console, 1);
	pair_run(&t.pair);
	assert_int_equal(pair_take(&t.pair, 4), 2);
	assert_memory_equal(m.p, "in", 2);
}

static void remote_opens_and_closes(void **state)
{
	(void)state;
	start(PORTS, MULTI);
	control(1, CW_CONSOLE_PORT_OPEN, 1);
	assert_int_equal(t.open[1], 1);
	control(1, CW_CONSOLE_PORT_OPEN, 0);
	assert_int_equal(t.open[1], 0);
	control(2, CW_CONSOLE_PORT_OPEN, 1);
	cw_device_set_status(&t.console.dev, 0);
	assert_int_equal(t.open[2], 0);
}

static void new_size_is_told_when_negotiated(void **state)
{
	(void)state;
	start(PORTS, MULTI | CW_CONSOLE_F_SIZE);
	control_rooms(2, 64);
	cw_console_device_resize(&t.console, 132, 50);
	pair_run(&t.pair);
	assert_memory_equal(told(0, CW_CONSOLE_RESIZE, 1, 4), "\x84\0\x32\0", 4);
	pair_up(&t.pair, &t.console.dev, MULTI);
	control_rooms(2, 64);
	cw_console_device_resize(&t.console, 80, 25);
	pair_run(&t.pair);
	assert_true(pair_empty(&t.pair, CW_CONSOLE_QUEUE_CTRL_RX));
}

/* hostile-input row 39 */
static void row39_bad_control_messages_are_counted(void **state)
{
	static const struct {
		uint32_t id;
		uint16_t event, value;
	} bad[] = {
		{ PORTS, CW_CONSOLE_PORT_READY, 1 },
		{ UINT32_MAX, CW_CONSOLE_PORT_OPEN, 1 },
		{ 0, CW_CONSOLE_PORT_OPEN, 2 },
		{ 0, CW_CONSOLE_PORT_READY, 0xffff },
		{ 0, CW_CONSOLE_DEVICE_READY, 0 },
		{ 0, CW_CONSOLE_DEVICE_ADD, 1 },
		{ 0, CW_CONSOLE_DEVICE_REMOVE, 1 },
		{ 0, CW_CONSOLE_CONSOLE_PORT, 1 },
		{ 0, CW_CONSOLE_RESIZE, 1 },
		{ 0, CW_CONSOLE_PORT_NAME, 1 },
		{ 0, 8, 1 },
		{ 0, 0xffff, 1 },
	};
	const unsigned int n = sizeof(bad) / sizeof(bad[0]);

	(void)state;
	start(PORTS, MULTI);
	control_rooms(12, 64);
	for (unsigned int i = 0; i < n; i++)
		control(bad[i].id, bad[i].event, bad[i].value);
	assert_int_equal(t.console.stats.strange, n);
	assert_true(pair_empty(&t.pair, CW_CONSOLE_QUEUE_CTRL_RX));
	for (uint32_t len = 1; len < 8; len++)
		say(CW_CONSOLE_QUEUE_CTRL_TX, "\0\0\0\0\0\0\1", len);
	assert_int_equal(t.console.stats.strange, n + 7);
	assert_true(cw_device_running(&t.console.dev));
	for (int i = 0; i < PORTS; i++)
		assert_int_equal(t.open[i], 0);
}

static void row39_flood_of_control_messages_is_told_once(void **state)
{
	(void)state;
	start(PORTS, MULTI);
	for (int i = 0; i < 500; i++) {
		uint32_t mark = t.pair.used_bytes;

		control(0, CW_CONSOLE_DEVICE_READY, 1);
		control(1, CW_CONSOLE_PORT_READY, 1);
		t.pair.used_bytes = mark;
	}
	control_rooms(12, 64);
	told(0, CW_CONSOLE_DEVICE_ADD, 1, 0);
	told(1, CW_CONSOLE_DEVICE_ADD, 1, 0);
	told(1, CW_CONSOLE_PORT_NAME, 1, 3);
	told(1, CW_CONSOLE_PORT_OPEN, 0, 0);
	told(2, CW_CONSOLE_DEVICE_ADD, 1, 0);
	assert_true(pair_empty(&t.pair, CW_CONSOLE_QUEUE_CTRL_RX));
}

static void row39_message_is_never_cut(void **state)
{
	struct pair_mem m;

	(void)state;
	start(PORTS, MULTI);
	control(1, CW_CONSOLE_PORT_READY, 1);
	m = room(CW_CONSOLE_QUEUE_CTRL_RX, 10); /* too small for the name */
	assert_int_equal(pair_take(&t.pair, CW_CONSOLE_QUEUE_CTRL_RX), 0);
	assert_int_equal(m.p[0], 0xee);
	assert_int_equal(t.console.stats.strange, 1);
	control_rooms(1, 10);
	told(1, CW_CONSOLE_PORT_OPEN, 0, 0);
}

static void without_the_feature_there_is_one_port(void **state)
{
	(void)state;
	start(PORTS, 0);
	assert_int_equal(t.open[0], 1);
	control_rooms(4, 64);
	control(0, CW_CONSOLE_DEVICE_READY, 1);
	control(0, CW_CONSOLE_PORT_READY, 1);
	cw_console_device_connect(&t.console, 1, true);
	pair_run(&t.pair);
	assert_true(pair_empty(&t.pair, CW_CONSOLE_QUEUE_CTRL_RX));
}

static void number_of_ports_is_checked(void **state)
{
	(void)state;
	start(1, 0);
	assert_int_equal(
		cw_console_device_init(&t.console, &terminals, NULL, 0, 0, 0, names, t.pair.q),
		CW_EINVAL);
	assert_int_equal(
		cw_console_device_init(&t.console, &terminals, NULL, 0, 0, 9, names, t.pair.q),
		CW_EINVAL);
	assert_int_equal(cw_console_device_queues(1), 2);
	assert_int_equal(cw_console_device_queues(2), 6);
	assert_int_equal(cw_console_device_queues(8), 18);
}

int main(void)
{
#define T(f) cmocka_unit_test_teardown(f, stop)
	const struct CMUnitTest tests[] = {
		T(output_arrives_as_it_is),
		T(slow_terminal_gets_every_byte_once),
		T(output_that_nobody_takes_is_dropped_and_counted),
		T(input_fills_what_is_there),
		T(row34_input_waits_for_a_buffer),
		T(row27_input_chain_without_room_is_a_fault),
		T(reset_forgets_what_was_held),
		T(size_is_offered_and_changes),
		T(ports_are_introduced),
		T(each_port_has_its_queues),
		T(remote_opens_and_closes),
		T(new_size_is_told_when_negotiated),
		T(row39_bad_control_messages_are_counted),
		T(row39_flood_of_control_messages_is_told_once),
		T(row39_message_is_never_cut),
		T(without_the_feature_there_is_one_port),
		T(number_of_ports_is_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
