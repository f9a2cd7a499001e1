// SPDX-License-Identifier: BSD-3-Clause
/* The console driver, with one port and with several, and against a device that lies. */
#include "world.h"

static struct cw_console_driver c;
static uint8_t data[60000], got[60000];

static void open_one(int i)
{
	memset(&c, 0, sizeof(c));
	for (unsigned int k = 0; k < sizeof(data); k++)
		data[k] = (uint8_t)(k * 5 + k / 253);
	start_plain();
	assert_int_equal(cw_console_open(&c, &w.mmio[i].transport), CW_OK);
	assert_int_equal(cw_console_poll(&c), CW_OK);
	w.waits = 0;
}

static void passes(unsigned int n)
{
	while (n--) {
		world_pass();
		assert_int_equal(cw_console_poll(&c), CW_OK);
	}
}

static void opened(void)
{
	open_one(CONSOLE);
}

static void opened_multi(void)
{
	open_one(MULTI);
	cw_console_device_connect(&w.multi, 1, true);
	passes(12);
}

static void writes_many_bytes_a_buffer(void **state)
{
	(void)state;
	opened();
	assert_true(c.port[0].present && c.port[0].open);
	assert_int_equal(cw_console_write(&c, 0, data, 5000, 0), 5000);
	world_pmm();
	assert_int_equal(w.out_len[0][0], 5000);
	assert_memory_equal(w.out[0][0], data, 5000);
	assert_true(c.vdev.t->memory.size / 5000 < 10);
	assert_true(w.rings < 40);
}

static void writes_more_than_fits(void **state)
{
	(void)state;
	opened();
	for (unsigned int i = 0; i < 4; i++) {
		w.out_len[0][0] = 0;
		assert_int_equal(cw_console_write(&c, 0, data, 60000, 1000000), 60000);
		world_pmm();
		assert_int_equal(w.out_len[0][0], 60000);
		assert_memory_equal(w.out[0][0], data, 60000);
	}
}

static void partial_count_at_the_deadline(void **state)
{
	uint32_t room;
	uint64_t start;

	(void)state;
	opened();
	room = c.buffer_size * CW_CONSOLE_BUFFERS;
	w.out_take = 0;
	start = w.now;
	assert_int_equal(cw_console_write(&c, 0, data, 60000, 20000), room);
	assert_in_range(w.now - start, 20000, 30000);
	assert_int_equal(cw_console_write(&c, 0, data, 100, 20000), 0);
	assert_int_equal(cw_console_write(&c, 0, data, 100, 0), 0);
	assert_false(cw_console_arm(&c));
	w.out_take = 1 << 20;
	w.bell = false;
	world_pmm();
	assert_true(w.bell);
	assert_true(cw_console_arm(&c)); /* there is room again, and somebody waited for it */
	assert_int_equal(cw_console_write(&c, 0, data, 100, 0), 100);
	assert_false(cw_console_arm(&c));
	world_pmm();
	assert_int_equal(w.out_len[0][0], room + 100);
}

static void reads_in_pieces(void **state)
{
	(void)state;
	opened();
	assert_int_equal(cw_console_read(&c, 0, got, 100), 0);
	assert_false(cw_console_arm(&c));
	w.in[0][0] = data;
	w.in_len[0][0] = 3000;
	world_pass();
	for (uint32_t at = 0; at < 3000;) {
		int k;

		assert_true(cw_console_arm(&c));
		memset(got, 0xee, 80);
		k = cw_console_read(&c, 0, got, 77);
		assert_in_range(k, 1, 77);
		assert_memory_equal(got, data + at, (size_t)k);
		assert_int_equal(got[77], 0xee);
		at += (uint32_t)k;
	}
	assert_int_equal(cw_console_read(&c, 0, got, 77), 0);
	assert_false(cw_console_arm(&c));
}

static void input_goes_round(void **state)
{
	uint32_t at = 0;

	(void)state;
	opened();
	w.in[0][0] = data;
	w.in_len[0][0] = sizeof(data);
	for (unsigned int i = 0; i < 1000 && at < sizeof(data); i++) {
		int k;

		world_pass();
		k = cw_console_read(&c, 0, got + at, (uint32_t)sizeof(got) - at);
		assert_true(k >= 0);
		at += (uint32_t)k;
	}
	assert_int_equal(at, sizeof(data));
	assert_memory_equal(got, data, sizeof(data));
}

static void size_of_the_only_port(void **state)
{
	(void)state;
	opened();
	assert_int_equal(c.port[0].cols, 80);
	assert_int_equal(c.port[0].rows, 24);
	cw_console_device_resize(&w.con, 100, 40);
	assert_true(cw_console_arm(&c));
	assert_int_equal(cw_console_poll(&c), CW_OK);
	assert_int_equal(c.port[0].cols, 100);
	assert_int_equal(c.port[0].rows, 40);
}

static void bad_arguments(void **state)
{
	(void)state;
	opened();
	assert_int_equal(cw_console_read(&c, 1, got, 1), CW_ENODEV);
	assert_int_equal(cw_console_read(&c, 0xffffffff, got, 1), CW_ENODEV);
	assert_int_equal(cw_console_write(&c, 1, got, 1, 0), CW_ENODEV);
	assert_int_equal(cw_console_write(&c, 0, got, 0x80000000u, 0), CW_EINVAL);
	assert_int_equal(cw_console_read(&c, 0, got, 0x80000000u), CW_EINVAL);
	assert_int_equal(cw_console_set_open(&c, 7, true), CW_ENODEV);
	assert_int_equal(cw_console_write(&c, 0, got, 0, 0), 0);
}

/* ---- several ports ---- */

static void ports_come_with_names(void **state)
{
	(void)state;
	opened_multi();
	assert_true(c.multiport);
	assert_int_equal(c.ports, WORLD_PORTS);
	assert_true(c.port[0].present && c.port[1].present);
	assert_string_equal(c.port[0].name, "shell");
	assert_string_equal(c.port[1].name, "log");
	assert_true(w.multi.port[0].remote_open && w.multi.port[1].remote_open);
	assert_true(c.port[1].open);
	cw_console_device_connect(&w.multi, 1, false);
	passes(3);
	assert_false(c.port[1].open);
	cw_console_device_resize(&w.multi, 61, 17);
	passes(3);
	assert_int_equal(c.port[0].cols, 61);
	assert_int_equal(c.port[0].rows, 17);
}

static void ports_do_not_mix(void **state)
{
	(void)state;
	opened_multi();
	assert_int_equal(cw_console_write(&c, 0, "shell", 5, 1000), 5);
	assert_int_equal(cw_console_write(&c, 1, "log!", 4, 1000), 4);
	w.in[1][1] = (const uint8_t *)"for log";
	w.in_len[1][1] = 7;
	passes(2);
	assert_int_equal(w.out_len[1][0], 5);
	assert_memory_equal(w.out[1][0], "shell", 5);
	assert_memory_equal(w.out[1][1], "log!", 4);
	assert_int_equal(cw_console_read(&c, 0, got, 100), 0);
	assert_int_equal(cw_console_read(&c, 1, got, 100), 7);
	assert_memory_equal(got, "for log", 7);
}

static void a_port_is_closed_and_opened(void **state)
{
	(void)state;
	opened_multi();
	assert_int_equal(cw_console_set_open(&c, 1, false), CW_OK);
	passes(2);
	assert_false(w.multi.port[1].remote_open);
	assert_int_equal(cw_console_set_open(&c, 1, true), CW_OK);
	passes(2);
	assert_true(w.multi.port[1].remote_open);
}

/* A device that takes no control messages: nothing is lost, nobody waits. */
static void control_messages_wait(void **state)
{
	(void)state;
	opened_multi();
	w.hold = 1u << MULTI;
	for (unsigned int i = 0; i < 9; i++)
		assert_int_equal(cw_console_set_open(&c, 1, i & 1), CW_OK);
	assert_int_equal(cw_console_set_open(&c, 0, false), CW_OK);
	assert_true(c.tell_wanted);
	w.hold = 0;
	w.dev.busy |= 1u << MULTI;
	passes(4);
	assert_false(c.tell_wanted);
	assert_false(w.multi.port[0].remote_open);
	assert_false(w.multi.port[1].remote_open);
}

/* ---- a device that lies ---- */

static int open_ports(uint32_t ports)
{
	int err;

	memset(&c, 0, sizeof(c));
	start_plain();
	w.outside = true;
	w.multi.config.max_nr_ports = cw_make_le32(ports);
	cw_device_changed(&w.multi.dev);
	w.outside = false;
	err = cw_console_open(&c, &w.mmio[MULTI].transport);
	world_stop(NULL);
	return err;
}

static void row63_number_of_ports(void **state)
{
	(void)state;
	assert_int_equal(open_ports(0), CW_EPEER);
	assert_int_equal(open_ports(0xffffffff), CW_EPEER);
	assert_int_equal(open_ports(32), CW_EPEER);
	/* Possible, but the queues of the third port are not there. */
	assert_int_equal(open_ports(31), CW_ENODEV);
	assert_int_equal(open_ports(2), CW_OK);
	start_plain();
}

static void say(uint32_t id, uint16_t event, uint16_t value, const void *rest, uint32_t n)
{
	struct cw_abi_console_control m = { cw_make_le32(id), cw_make_le16(event),
					    cw_make_le16(value) };
	uint32_t i;

	for (i = 0; !c.ctrl_rx.slot[i].count; i++)
		assert_true(i < c.ctrl_rx.size);
	memcpy(c.ctrl_rx_mem + i * 64, &m, sizeof(m));
	memcpy(c.ctrl_rx_mem + i * 64 + 8, rest, n);
	world_used(&c.ctrl_rx, (uint16_t)(c.ctrl_rx.used_count + 1), i, 8 + n);
}

static void control_messages_that_make_no_sense(void **state)
{
	struct cw_console_port before;

	(void)state;
	opened_multi();
	w.silent = true;
	before = c.port[0];
	say(2, CW_CONSOLE_DEVICE_ADD, 0, "", 0);
	assert_int_equal(cw_console_poll(&c), CW_OK);
	say(0xffffffff, CW_CONSOLE_PORT_NAME, 0, "xyz", 3);
	assert_int_equal(cw_console_poll(&c), CW_OK);
	say(0, 99, 0, "", 0);
	assert_int_equal(cw_console_poll(&c), CW_OK);
	say(0, CW_CONSOLE_RESIZE, 0, "\1\2\3", 3);
	assert_int_equal(cw_console_poll(&c), CW_OK);
	assert_int_equal(c.strange, 2);
	assert_memory_equal(&before, &c.port[0], sizeof(before));
	assert_false(c.port[2].present);
	/* A name without end, and not printable. */
	memset(got, 0x1b, 56);
	say(0, CW_CONSOLE_PORT_NAME, 0, got, 56);
	assert_int_equal(cw_console_poll(&c), CW_OK);
	assert_string_equal(c.port[0].name, "???????????????????????????????");
	say(0, CW_CONSOLE_PORT_NAME, 0, "", 0);
	assert_int_equal(cw_console_poll(&c), CW_OK);
	assert_string_equal(c.port[0].name, "");
}

static void short_control_message(void **state)
{
	(void)state;
	opened_multi();
	w.silent = true;
	say(0, CW_CONSOLE_DEVICE_REMOVE, 0, "", 0);
	world_used(&c.ctrl_rx, (uint16_t)(c.ctrl_rx.used_count + 1),
		   cw_get_le32(c.ctrl_rx.used->ring[c.ctrl_rx.used_count % c.ctrl_rx.size].id), 7);
	assert_int_equal(cw_console_poll(&c), CW_OK);
	assert_int_equal(c.strange, 1);
	assert_true(c.port[0].present);
}

static void port_removed_and_added(void **state)
{
	(void)state;
	opened_multi();
	w.silent = true;
	say(1, CW_CONSOLE_DEVICE_REMOVE, 0, "", 0);
	assert_int_equal(cw_console_poll(&c), CW_OK);
	assert_int_equal(cw_console_write(&c, 1, "x", 1, 1000), CW_ENODEV);
	assert_int_equal(cw_console_read(&c, 1, got, 1), CW_ENODEV);
	assert_int_equal(cw_console_set_open(&c, 1, true), CW_ENODEV);
	assert_int_equal(cw_console_write(&c, 0, "x", 1, 1000), 1);
	say(1, CW_CONSOLE_DEVICE_ADD, 0, "", 0);
	assert_int_equal(cw_console_poll(&c), CW_OK);
	assert_int_equal(cw_console_write(&c, 1, "x", 1, 1000), 1);
}

static void lie(uint16_t idx, uint32_t id, uint32_t len)
{
	opened();
	w.silent = true;
	world_used(&c.port[0].rx.q, idx, id, len);
	memset(got, 0xee, 100);
	assert_int_equal(cw_console_read(&c, 0, got, 100), CW_EPEER);
	assert_int_equal(got[0], 0xee);
	assert_int_equal(cw_console_poll(&c), CW_EPEER);
	assert_int_equal(cw_console_write(&c, 0, data, 10, 1000000), CW_EPEER);
	assert_false(cw_console_arm(&c));
	w.silent = false;
	assert_int_equal(cw_console_open(&c, &w.mmio[CONSOLE].transport), CW_OK);
	assert_int_equal(cw_console_write(&c, 0, data, 10, 1000000), 10);
	world_stop(NULL);
}

static void rows59_60_61_input(void **state)
{
	(void)state;
	lie(1, CW_CONSOLE_BUFFERS, 1);
	lie(1, 0xffffffff, 1);
	lie(1, 0, 2049);
	lie(1, 0, 0xffffffff);
	lie(CW_CONSOLE_BUFFERS + 1, 0, 1);
	lie(0xffff, 0, 1);
	start_plain();
}

static void empty_input(void **state)
{
	(void)state;
	opened();
	w.silent = true;
	world_used(&c.port[0].rx.q, 1, 0, 0);
	assert_int_equal(cw_console_read(&c, 0, got, 100), 0);
	assert_int_equal(c.port[0].rx.q.free_count, 0); /* posted again */
}

static void rows59_61_output(void **state)
{
	(void)state;
	opened();
	w.silent = true;
	assert_int_equal(cw_console_write(&c, 0, data, 10, 0), 10);
	world_used(&c.port[0].tx.q, 5, 0, 0);
	/* What fits the other buffers is taken, then the lie shows. */
	assert_true(cw_console_write(&c, 0, data, 60000, 1000000) < 60000);
	assert_int_equal(cw_console_write(&c, 0, data, 10, 1000000), CW_EPEER);
	assert_true(w.waits < 5);
}

static void row65_needs_reset(void **state)
{
	(void)state;
	opened();
	w.out_take = 0;
	cw_device_fault(&w.con.dev, CW_EPEER);
	assert_true(cw_console_arm(&c));
	assert_int_equal(cw_console_poll(&c), CW_ERESET);
	assert_int_equal(cw_console_write(&c, 0, data, 60000, 1000000), CW_ERESET);
	assert_int_equal(cw_console_read(&c, 0, got, 10), CW_ERESET);
	assert_int_equal(w.waits, 0);
}

static void fault_now(void)
{
	cw_device_fault(&w.con.dev, CW_EPEER);
}

static void row65_needs_reset_while_waiting(void **state)
{
	int k;

	(void)state;
	opened();
	w.out_take = 0;
	w.tamper = fault_now;
	k = cw_console_write(&c, 0, data, 60000, 1000000);
	assert_in_range(k, 1, 59999);
	assert_true(w.waits < 5);
	assert_int_equal(cw_console_write(&c, 0, data, 10, 1000000), CW_ERESET);
}

/* ---- restarts in the middle ---- */

static int device;

static int use(void)
{
	int err, k = 0;

	w.in_len[device == MULTI][0] = 0; /* of a former try */
	err = cw_console_open(&c, &w.mmio[device].transport);
	for (int i = 0; !err && i < 20 && !c.port[0].present; i++) {
		world_pass();
		err = cw_console_poll(&c);
	}
	if (err)
		return err;
	w.in[device == MULTI][0] = (const uint8_t *)"input";
	w.in_len[device == MULTI][0] = 5;
	err = cw_console_write(&c, 0, data, 3000, 100000);
	for (int i = 0; err >= 0 && i < 20 && !k; i++) {
		world_pass();
		err = cw_console_poll(&c);
		if (!err)
			err = k = cw_console_read(&c, 0, got, 100);
		if (err == 0 && cw_console_arm(&c))
			i--;
	}
	if (k > 0) {
		assert_int_equal(k, 5);
		assert_memory_equal(got, "input", 5);
	}
	return err < 0 ? err : k ? CW_OK : CW_ETIMEDOUT;
}

static void strike_fault(void)
{
	cw_device_fault(device == MULTI ? &w.multi.dev : &w.con.dev, CW_EPEER);
}

static void struck(int which, void (*strike)(void))
{
	unsigned int steps, lost = 0;

	device = which;
	start_plain();
	assert_int_equal(use(), CW_OK);
	steps = w.step;
	world_stop(NULL);
	for (unsigned int s = 1; s <= steps; s += UNIT_THIN * (1 + steps / 700)) {
		int err;

		start_plain();
		w.strike = s;
		w.at_strike = strike;
		err = use();
		if (err && err != CW_ETIMEDOUT && err != CW_EREFUSED)
			assert_int_equal(err, CW_ERESET);
		lost += err == CW_ERESET;
		w.at_strike = NULL;
		world_link();
		assert_int_equal(use(), CW_OK);
		world_stop(NULL);
	}
	assert_true(lost > 20 / UNIT_THIN);
}

static void pmm_restarts_at_steps(void **state)
{
	(void)state;
	struck(CONSOLE, world_strike_pmm);
	struck(MULTI, world_strike_pmm);
	start_plain();
}

static void needs_reset_at_steps(void **state)
{
	(void)state;
	struck(CONSOLE, strike_fault);
	struck(MULTI, strike_fault);
	start_plain();
}

static void remote_restarts(int which)
{
	unsigned int steps;

	device = which;
	start_plain();
	assert_int_equal(use(), CW_OK);
	steps = w.step;
	world_stop(NULL);
	for (volatile unsigned int s = 1; s <= steps; s += UNIT_THIN * (1 + steps / 700)) {
		start_plain();
		w.strike = s;
		w.at_strike = world_crash;
		if (!setjmp(world_crashed))
			use();
		memset(&c, 0x5a, sizeof(c));
		world_new_remote();
		assert_int_equal(use(), CW_OK);
		world_stop(NULL);
	}
}

static void remote_restarts_at_steps(void **state)
{
	(void)state;
	remote_restarts(CONSOLE);
	remote_restarts(MULTI);
	start_plain();
}

int main(void)
{
#define T(t) cmocka_unit_test_teardown(t, world_stop)
	const struct CMUnitTest tests[] = {
		T(writes_many_bytes_a_buffer),
		T(writes_more_than_fits),
		T(partial_count_at_the_deadline),
		T(reads_in_pieces),
		T(input_goes_round),
		T(size_of_the_only_port),
		T(bad_arguments),
		T(ports_come_with_names),
		T(ports_do_not_mix),
		T(a_port_is_closed_and_opened),
		T(control_messages_wait),
		T(row63_number_of_ports),
		T(control_messages_that_make_no_sense),
		T(short_control_message),
		T(port_removed_and_added),
		T(rows59_60_61_input),
		T(empty_input),
		T(rows59_61_output),
		T(row65_needs_reset),
		T(row65_needs_reset_while_waiting),
		T(pmm_restarts_at_steps),
		T(needs_reset_at_steps),
		T(remote_restarts_at_steps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
