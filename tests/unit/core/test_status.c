// SPDX-License-Identifier: BSD-3-Clause
/* Status messages: the bytes of the specification, and whatever else a remote may send in their place. */
#include "unit.h"

#include <causeway/core/bytes.h>
#include <causeway/core/err.h>
#include <causeway/core/status.h>

#include <stdlib.h>

static struct cw_sample sample(void)
{
	struct cw_sample s = { .life = 0x01020304,
			       .sequence = 7,
			       .links = 2,
			       .uptime_us = 0x100000005ull,
			       .period_ms = 1000,
			       .window_us = 1000123,
			       .has = CW_SAMPLE_HAS_STACK | CW_SAMPLE_HAS_TEMPERATURE,
			       .stack_size = 65536,
			       .stack_used = 4100,
			       .temperature = -1500,
			       .messages_in = 3,
			       .messages_out = 0xfffffffe,
			       .doorbells_in = 11,
			       .doorbells_out = 12,
			       .board = "virt-a53",
			       .loops = 2,
			       .queues = 1 };

	s.loop[0] = (struct cw_sample_loop){ "messages", 17 };
	s.loop[1] = (struct cw_sample_loop){ "exactly-12-b", 9983 };
	s.queue[0] = (struct cw_sample_queue){ "rpmsg0", 1, 32, 5, 1000, 995 };
	return s;
}

/* Reads a copy of exactly @len bytes, so that a sanitizer sees a look behind it. */
static int decode(struct cw_sample *s, const void *m, uint32_t len)
{
	uint8_t *copy = malloc(len ? len : 1);
	int r;

	memcpy(copy, m, len);
	memset(s, 0xee, sizeof(*s));
	r = cw_sample_decode(s, copy, len);
	free(copy);
	return r;
}

static void round_trip(void **state)
{
	struct cw_sample in = sample(), out;
	uint8_t m[CW_SAMPLE_BYTES_MAX];
	int n = cw_sample_encode(&in, m, sizeof(m));

	(void)state;
	assert_int_equal(n, 96 + 2 * 16 + 32);
	assert_int_equal(decode(&out, m, (uint32_t)n), CW_OK);
	assert_int_equal(out.life, in.life);
	assert_int_equal(out.sequence, 7);
	assert_int_equal(out.links, 2);
	assert_true(out.uptime_us == in.uptime_us);
	assert_int_equal(out.window_us, 1000123);
	assert_int_equal(out.has, in.has);
	assert_int_equal(out.stack_used, 4100);
	assert_int_equal(out.temperature, -1500);
	assert_int_equal(out.messages_out, 0xfffffffe);
	assert_int_equal(out.doorbells_in, 11);
	assert_int_equal(out.doorbells_out, 12);
	assert_string_equal(out.board, "virt-a53");
	assert_int_equal(out.loops, 2);
	assert_string_equal(out.loop[0].name, "messages");
	assert_string_equal(out.loop[1].name, "exactly-12-b");
	assert_int_equal(out.loop[1].share, 9983);
	assert_int_equal(out.queues, 1);
	assert_string_equal(out.queue[0].name, "rpmsg0");
	assert_int_equal(out.queue[0].index, 1);
	assert_int_equal(out.queue[0].in_flight, 5);
	assert_int_equal(out.queue[0].offered, 1000);
	assert_int_equal(out.queue[0].used, 995);
}

/* What docs/spec/status.md says, byte by byte. */
static void bytes(void **state)
{
	static const uint8_t head[] = { 1, 0, 160, 0, 4, 3, 2, 1, 7, 0, 0,
					0, 2, 0,   0, 0, 5, 0, 0, 0, 1 };
	struct cw_sample s = sample();
	uint8_t m[CW_SAMPLE_BYTES_MAX];

	(void)state;
	memset(m, 0xaa, sizeof(m));
	assert_int_equal(cw_sample_encode(&s, m, sizeof(m)), 160);
	assert_memory_equal(m, head, sizeof(head));
	assert_int_equal(cw_peek32(m + 24), 1000);
	assert_int_equal(cw_peek32(m + 28), 1000123);
	assert_int_equal(cw_peek32(m + 36), 65536);
	assert_int_equal(cw_peek32(m + 52), 0xfffffa24);
	assert_int_equal(cw_peek32(m + 68), 12);
	assert_int_equal(m[72], 2);
	assert_int_equal(m[73], 1);
	assert_memory_equal(m + 74, "\0\0virt-a53\0\0\0\0\0\0\0\0\0\0\0\0", 22);
	assert_memory_equal(m + 96, "messages\0\0\0\0\x11\0\0\0", 16);
	assert_memory_equal(m + 128,
			    "rpmsg0\0\0\0\0\0\0\0\0\0\0\1\0\x20\0\5\0\0\0\xe8\3\0\0\xe3\3\0\0", 32);
	assert_int_equal(m[160], 0xaa);
}

static void most(void **state)
{
	struct cw_sample in, out;
	uint8_t m[CW_SAMPLE_BYTES_MAX];

	(void)state;
	memset(&in, 0, sizeof(in));
	in.period_ms = 100;
	in.loops = in.queues = 200;
	assert_int_equal(cw_sample_encode(&in, m, sizeof(m) - 1), CW_ENOSPC);
	assert_int_equal(cw_sample_encode(&in, m, sizeof(m)), sizeof(m));
	assert_int_equal(decode(&out, m, sizeof(m)), CW_OK);
	assert_int_equal(out.loops, CW_SAMPLE_LOOPS);
	assert_int_equal(out.queues, CW_SAMPLE_QUEUES);
}

static void hostile_lengths(void **state)
{
	struct cw_sample in = sample(), out;
	uint8_t m[1024] = { 0 };
	uint32_t n = (uint32_t)cw_sample_encode(&in, m, sizeof(m));
	bool fits;

	(void)state;
	for (uint32_t len = 0; len < sizeof(m); len++)
		assert_int_equal(decode(&out, m, len), len == n ? CW_OK : CW_EBADLEN);
	for (unsigned int counts = 0; counts < 0x10000; counts++) {
		m[72] = (uint8_t)counts;
		m[73] = (uint8_t)(counts >> 8);
		fits = (counts & 0xff) + 2 * (counts >> 8) == 4;
		assert_int_equal(decode(&out, m, n), fits ? CW_OK : CW_EBADLEN);
	}
	/* More than there may be, with a length that fits them. */
	m[72] = CW_SAMPLE_LOOPS + 1;
	m[73] = 0;
	cw_poke16(m + 2, 96 + 9 * 16);
	assert_int_equal(decode(&out, m, 96 + 9 * 16), CW_EBADLEN);
	m[72] = 0;
	m[73] = CW_SAMPLE_QUEUES + 1;
	cw_poke16(m + 2, 96 + 9 * 32);
	assert_int_equal(decode(&out, m, 96 + 9 * 32), CW_EBADLEN);
}

static void hostile_values(void **state)
{
	static const uint32_t period[] = { 0, 99, 60001, 0xffffffff };
	struct cw_sample in = sample(), out;
	uint8_t m[CW_SAMPLE_BYTES_MAX];
	uint32_t n = (uint32_t)cw_sample_encode(&in, m, sizeof(m));

	(void)state;
	for (unsigned int v = 0; v < 0x10000; v++) {
		cw_poke16(m, (uint16_t)v);
		assert_int_equal(decode(&out, m, n), v == 1 ? CW_OK : CW_EVERSION);
	}
	cw_poke16(m, 1);
	for (unsigned int v = 0; v < 0x10000; v++) {
		cw_poke16(m + 2, (uint16_t)v);
		assert_int_equal(decode(&out, m, n), v == n ? CW_OK : CW_EBADLEN);
	}
	cw_poke16(m + 2, (uint16_t)n);
	cw_poke16(m, 2);
	/* Another version is told by two bytes already: nothing else of it is known. */
	assert_int_equal(decode(&out, m, 2), CW_EVERSION);
	cw_poke16(m, 1);
	for (unsigned int i = 0; i < ARRAY_SIZE(period); i++) {
		cw_poke32(m + 24, period[i]);
		assert_int_equal(decode(&out, m, n), CW_EPEER);
	}
}

static void hostile_names(void **state)
{
	struct cw_sample in = sample(), out;
	uint8_t m[CW_SAMPLE_BYTES_MAX];
	uint32_t n = (uint32_t)cw_sample_encode(&in, m, sizeof(m));

	(void)state;
	memcpy(m + 76, "<script>alert(1)", 16); /* no end */
	memcpy(m + 96, "\x1b[2J\n\r\"\\\x7f\xff\x80z", 12);
	memcpy(m + 128, "</script><b>\0\1\2\3", 16);
	assert_int_equal(decode(&out, m, n), CW_OK);
	assert_string_equal(out.board, "<script>alert(1)");
	assert_string_equal(out.loop[0].name, "?[2J??\"\\???z");
	assert_string_equal(out.queue[0].name, "</script><b>");
}

static uint32_t ask(struct cw_control *c, uint16_t version, uint16_t command, uint32_t value,
		    uint32_t len)
{
	uint8_t *m = malloc(len ? len : 1), whole[32] = { 0 };
	uint32_t r;

	cw_poke16(whole, version);
	cw_poke16(whole + 2, command);
	cw_poke32(whole + 4, 0xabcdef01);
	cw_poke32(whole + 8, value);
	memcpy(m, whole, len);
	r = cw_control_decode(c, m, len);
	free(m);
	return r;
}

static void control(void **state)
{
	struct cw_abi_control m;
	struct cw_control c = { CW_CONTROL_PERIOD, 5, 250 };

	(void)state;
	cw_control_encode(&c, &m);
	assert_memory_equal(&m, "\1\0\1\0\5\0\0\0\xfa\0\0\0", 12);
	assert_int_equal(ask(&c, 1, CW_CONTROL_PERIOD, 100, 12), CW_CONTROL_DONE);
	assert_int_equal(c.command, CW_CONTROL_PERIOD);
	assert_int_equal(c.tag, 0xabcdef01);
	assert_int_equal(c.value, 100);
	assert_int_equal(ask(&c, 1, CW_CONTROL_PERIOD, 60000, 12), CW_CONTROL_DONE);
	assert_int_equal(ask(&c, 1, CW_CONTROL_PERIOD, 99, 12), CW_CONTROL_RANGE);
	assert_int_equal(ask(&c, 1, CW_CONTROL_PERIOD, 60001, 12), CW_CONTROL_RANGE);
	assert_int_equal(ask(&c, 1, CW_CONTROL_SAMPLE, 0, 12), CW_CONTROL_DONE);
	assert_int_equal(ask(&c, 1, CW_CONTROL_SAMPLE, 1, 12), CW_CONTROL_RANGE);
	assert_int_equal(ask(&c, 1, 0, 0, 12), CW_CONTROL_COMMAND);
	assert_int_equal(ask(&c, 1, 3, 0, 12), CW_CONTROL_COMMAND);
	assert_int_equal(ask(&c, 2, CW_CONTROL_PERIOD, 100, 12), CW_CONTROL_VERSION);
	assert_int_equal(c.tag, 0xabcdef01); /* so that the answer finds who asked */
	assert_int_equal(ask(&c, 2, 77, 100, 32), CW_CONTROL_VERSION);
	for (uint32_t len = 0; len < 32; len++)
		if (len != 12)
			assert_int_equal(ask(&c, 1, CW_CONTROL_PERIOD, 100, len),
					 CW_CONTROL_LENGTH);
}

static void answers(void **state)
{
	const struct cw_control_answer in = { CW_CONTROL_SAMPLE, 0x11223344, CW_CONTROL_AWAY, 9 };
	struct cw_control_answer out;
	struct cw_abi_control_answer m;
	uint8_t raw[17] = { 0 };

	(void)state;
	cw_control_answer_encode(&in, &m);
	memcpy(raw, &m, sizeof(m));
	assert_memory_equal(raw, "\1\0\2\0\x44\x33\x22\x11\5\0\0\0\x09\0\0\0", 16);
	assert_int_equal(cw_control_answer_decode(&out, raw, 16), CW_OK);
	assert_int_equal(out.command, CW_CONTROL_SAMPLE);
	assert_int_equal(out.tag, 0x11223344);
	assert_int_equal(out.result, CW_CONTROL_AWAY);
	assert_int_equal(out.value, 9);
	assert_int_equal(cw_control_answer_decode(&out, raw, 15), CW_EBADLEN);
	assert_int_equal(cw_control_answer_decode(&out, raw, 17), CW_EBADLEN);
	raw[0] = 2;
	assert_int_equal(cw_control_answer_decode(&out, raw, 16), CW_EVERSION);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trip),	  cmocka_unit_test(bytes),
		cmocka_unit_test(most),		  cmocka_unit_test(hostile_lengths),
		cmocka_unit_test(hostile_values), cmocka_unit_test(hostile_names),
		cmocka_unit_test(control),	  cmocka_unit_test(answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
