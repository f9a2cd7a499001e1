// SPDX-License-Identifier: BSD-3-Clause
/* The debugger's stub without a debugger: packets, and commands on a machine made of an array. */
#include "../core/unit.h"
#include "fake_debug.h"

#include <stdio.h>

static struct gdb_rx rx;
static struct gdb_tx tx;
static struct gdb_session session;
static struct cw_debug_frame frame;

static int setup(void **state)
{
	(void)state;
	memset(&rx, 0, sizeof(rx));
	memset(&tx, 0, sizeof(tx));
	memset(&session, 0, sizeof(session));
	for (unsigned int i = 0; i < FAKE_SIZE; i++)
		fake_memory[i] = (uint8_t)(i * 7);
	frame = (struct cw_debug_frame){ 0x1122334455667788, 2, FAKE_BASE, 0x3c5 };
	session.port = &fake_debug;
	session.frame = &frame;
	session.why = CW_DEBUG_TRAP;
	session.attached = true;
	return 0;
}

/* What the last byte of @bytes did. */
static enum gdb_event feed(const char *bytes)
{
	enum gdb_event last = GDB_NOTHING;

	while (*bytes)
		last = gdb_rx_byte(&rx, (uint8_t)*bytes++);
	return last;
}

static enum gdb_verdict command_of(const void *text, size_t len)
{
	struct gdb_text cmd = { text, (uint32_t)len };

	memset(&tx, 0, sizeof(tx));
	return gdb_command(&session, &cmd, &tx);
}

static enum gdb_verdict command(const char *text)
{
	return command_of(text, strlen(text));
}

/* The answer's text; its frame must be right. */
static const char *answer(void)
{
	static char text[GDB_PACKET + 1];
	uint8_t sum = 0;
	char end[4];

	if (!tx.len)
		return "(none)";
	assert_true(tx.len >= 4 && tx.len <= sizeof(tx.buf));
	assert_int_equal(tx.buf[0], '$');
	for (uint32_t i = 1; i < tx.len - 3; i++)
		sum = (uint8_t)(sum + tx.buf[i]);
	snprintf(end, sizeof(end), "#%02x", sum);
	assert_memory_equal(tx.buf + tx.len - 3, end, 3);
	memcpy(text, tx.buf + 1, tx.len - 4);
	text[tx.len - 4] = 0;
	return text;
}

static const char *says(const char *text)
{
	assert_int_equal(command(text), GDB_STAY);
	return answer();
}

/* ---- packets ---- */

static void test_packet(void **state)
{
	(void)state;
	assert_int_equal(feed("+$OK#9a"), GDB_COMMAND);
	assert_string_equal((char *)rx.buf, "OK");
	assert_int_equal(rx.len, 2);
	assert_int_equal(feed("$#00"), GDB_COMMAND);
	assert_int_equal(rx.len, 0);
	assert_int_equal(feed("$OK#9A"), GDB_COMMAND);
	assert_int_equal(feed("-"), GDB_AGAIN);
	assert_int_equal(feed("\x03"), GDB_INTERRUPT);
	assert_int_equal(feed("rubbish + and more"), GDB_NOTHING);
}

static void test_bad_sum(void **state)
{
	(void)state;
	assert_int_equal(feed("$OK#9b"), GDB_BAD);
	assert_int_equal(feed("$OK#8a"), GDB_BAD);
	assert_int_equal(feed("$OL#9a"), GDB_BAD);
	assert_int_equal(feed("$OK#x"), GDB_BAD);
	assert_int_equal(feed("$OK#9g"), GDB_BAD);
	assert_int_equal(feed("-"), GDB_AGAIN); /* it is over */
	assert_int_equal(feed("$OK#9a"), GDB_COMMAND);
}

static void test_torn_packets(void **state)
{
	(void)state;
	assert_int_equal(feed("$m1000,4$OK#9a"), GDB_COMMAND);
	assert_string_equal((char *)rx.buf, "OK");
	assert_int_equal(feed("$m1000,4#$OK#9a"), GDB_COMMAND);
	assert_int_equal(feed("$m1000,4#9$OK#9a"), GDB_COMMAND);
	assert_string_equal((char *)rx.buf, "OK");
	/* Bytes of a binary packet are no keys. */
	assert_int_equal(feed("$X\x03-+"), GDB_NOTHING);
}

static void test_too_long(void **state)
{
	(void)state;
	for (unsigned int n = GDB_PACKET - 1; n <= GDB_PACKET + 1; n++) {
		char end[4];

		feed("$");
		for (unsigned int i = 0; i < n; i++)
			assert_int_equal(feed("a"), GDB_NOTHING);
		snprintf(end, sizeof(end), "#%02x", n * 'a' & 0xff);
		assert_int_equal(feed(end), n <= GDB_PACKET ? GDB_COMMAND : GDB_BAD);
		assert_true(rx.len <= GDB_PACKET);
	}
	feed("$");
	for (unsigned int i = 0; i < 100000; i++)
		feed("x");
	assert_int_equal(feed("#00"), GDB_BAD);
	assert_int_equal(feed("$OK#9a"), GDB_COMMAND);
}

static void test_numbers(void **state)
{
	struct gdb_text p = { (const uint8_t *)"ffffffffffffffff,10000000000000000", 34 };
	uint64_t v;

	(void)state;
	assert_true(gdb_take_number(&p, &v) && v == UINT64_MAX);
	assert_false(gdb_take_number(&p, &v)); /* the comma */
	assert_true(gdb_take(&p, ","));
	assert_false(gdb_take_number(&p, &v)); /* 65 bits */
}

static void test_hex(void **state)
{
	struct gdb_text p = { (const uint8_t *)"00fF1g", 6 };
	uint8_t to[3] = { 9, 9, 9 };

	(void)state;
	assert_false(gdb_take_hex(&p, to, 4));
	assert_false(gdb_take_hex(&p, to, 3));
	assert_true(to[0] == 9 && to[1] == 9);
	assert_true(gdb_take_hex(&p, to, 2));
	assert_true(to[0] == 0 && to[1] == 255 && p.len == 2);
}

static void test_answer_without_room(void **state)
{
	uint8_t big[GDB_PACKET] = { 0 };

	(void)state;
	gdb_tx_begin(&tx);
	gdb_tx_hex(&tx, big, GDB_PACKET / 2);
	gdb_tx_end(&tx);
	assert_int_equal(strlen(answer()), GDB_PACKET);
	gdb_tx_begin(&tx);
	gdb_tx_hex(&tx, big, GDB_PACKET / 2);
	gdb_tx_text(&tx, "0");
	gdb_tx_end(&tx);
	assert_string_equal(answer(), "E07");
	memset(big, '#', sizeof(big));
	gdb_tx_begin(&tx);
	assert_int_equal(gdb_tx_binary(&tx, big, sizeof(big)), GDB_PACKET / 2);
	gdb_tx_end(&tx);
	assert_int_equal(strlen(answer()), GDB_PACKET);
	gdb_tx_begin(&tx);
	assert_int_equal(gdb_tx_binary(&tx, "a$#*}b", 6), 6);
	gdb_tx_end(&tx);
	assert_string_equal(answer(), "a}\x04}\x03}\n}]b");
}

/* ---- commands ---- */

/* Registers travel as they lie in memory. */
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define BYTES(little, big) big
#else
#define BYTES(little, big) little
#endif
#define R64(le, be) BYTES(le "000000000000", "000000000000" be)
#define A	    BYTES("8877665544332211", "1122334455667788")
#define FLAGS	    BYTES("c5030000", "000003c5")

static void test_registers(void **state)
{
	(void)state;
	assert_string_equal(says("g"), A R64("0200", "0002") R64("0010", "1000") FLAGS);
	assert_string_equal(says("p0"), A);
	assert_string_equal(says("p3"), FLAGS);
	assert_string_equal(says("p4"), "E01");
	assert_string_equal(says("p"), "E01");
	assert_string_equal(says("pffffffffffffffff"), "E01");
	assert_string_equal(says("P1=" R64("0a00", "000a")), "OK");
	assert_int_equal(frame.b, 10);
	assert_string_equal(says("P1=0b000000000000zz"), "E01");
	assert_string_equal(says("P1=0b"), "E01");
	assert_string_equal(says("P1"), "E01");
	assert_int_equal(frame.b, 10);
	assert_string_equal(says("G0100000000000000030000000000000004100000000000000500000"),
			    "E01");
	assert_string_equal(says("G01000000000000000300000000000000041000000000000005000zz0"),
			    "E01");
	assert_int_equal(frame.a, 0x1122334455667788);
	assert_string_equal(says("G" R64("0100", "0001") R64("0300", "0003") R64("0410", "1004")
					 BYTES("05000000", "00000005")),
			    "OK");
	assert_true(frame.a == 1 && frame.b == 3 && frame.pc == 0x1004 && frame.flags == 5);
}

static void test_memory(void **state)
{
	(void)state;
	assert_string_equal(says("m1001,3"), "070e15");
	assert_string_equal(says("m1000,0"), "");
	assert_string_equal(says("M1002,2:AAbb"), "OK");
	assert_string_equal(says("m1001,4"), "07aabb1c");
	assert_int_equal(command_of("X1000,3:}\x03}\x5d$", 14), GDB_STAY);
	assert_string_equal(answer(), "OK");
	assert_memory_equal(fake_memory, "\x23\x7d$", 3);
	assert_string_equal(says("X0,0:"), "OK"); /* gdb asks so whether it is known */
	assert_int_equal(strlen(says("m1000,200")), 1024);
}

static void test_bad_memory(void **state)
{
	(void)state;
	assert_string_equal(says("m0,4"), "E14");
	assert_string_equal(says("mfff,1"), "E14");
	assert_string_equal(says("m1800,1"), "E14");
	assert_string_equal(says("mfffffffffffffffe,4"), "E14");
	assert_int_equal(strlen(says("m17c0,80")), 128); /* what there is of it */
	assert_string_equal(says("M17ff,2:0000"), "E14");
	assert_int_equal(fake_memory[0x7ff], (uint8_t)(0x7ff * 7));
	assert_string_equal(says("m1000,201"), "E01");
	assert_string_equal(says("m1000"), "E01");
	assert_string_equal(says("m1000,"), "E01");
	assert_string_equal(says("m"), "E01");
	assert_string_equal(says("M1000,4:00"), "E01");
	assert_string_equal(says("M1000,4"), "E01");
	assert_string_equal(says("M1000,ffffffff:00"), "E01");
	assert_string_equal(says("M1000,100000001:00"), "E01");
	assert_string_equal(says("X1000,2:a"), "E01");
	assert_string_equal(says("X1000,1:}"), "E01");
}

static bool trap_at(uint32_t at)
{
	return !memcmp(fake_memory + at - FAKE_BASE, fake_debug.trap, 4);
}

static void test_breakpoints(void **state)
{
	uint8_t before[FAKE_SIZE];

	(void)state;
	memcpy(before, fake_memory, sizeof(before));
	assert_string_equal(says("Z0,1010,4"), "OK");
	assert_string_equal(says("Z0,1010,4"), "OK");
	assert_string_equal(says("Z0,1020,4"), "OK");
	assert_false(trap_at(0x1010)); /* not while it stands still */
	gdb_insert(&session, true);
	assert_true(trap_at(0x1010) && trap_at(0x1020));
	gdb_insert(&session, false);
	assert_memory_equal(fake_memory, before, sizeof(before));
	assert_string_equal(says("z0,1010,4"), "OK");
	assert_string_equal(says("z0,1010,4"), "OK");
	gdb_insert(&session, true);
	assert_true(!trap_at(0x1010) && trap_at(0x1020));
	gdb_forget(&session);
	assert_memory_equal(fake_memory, before, sizeof(before));
	assert_false(session.attached);
}

static void test_refused_breakpoints(void **state)
{
	char text[16];

	(void)state;
	assert_string_equal(says("Z0,1400,4"), "E22");
	assert_string_equal(says("Z0,14fc,4"), "E22");
	assert_string_equal(says("Z0,1500,4"), "OK");
	assert_string_equal(says("Z0,1012,4"), "E22");
	assert_string_equal(says("Z0,2000,4"), "E14");
	assert_string_equal(says("Z0,1010,2"), "E01");
	assert_string_equal(says("Z0,1010"), "E01");
	assert_string_equal(says("Z1,1010,4"), ""); /* not known: no hardware breakpoints */
	assert_string_equal(says("Z"), "");
	for (unsigned int i = 1; i < GDB_BREAKS; i++) {
		snprintf(text, sizeof(text), "Z0,%x,4", FAKE_BASE + 4 * i);
		assert_string_equal(says(text), "OK");
	}
	assert_string_equal(says("Z0,1700,4"), "E12");
	assert_string_equal(says("z0,1500,4"), "OK");
	assert_string_equal(says("Z0,1700,4"), "OK");
}

static void test_going_on(void **state)
{
	(void)state;
	assert_int_equal(command("c"), GDB_RUN);
	assert_int_equal(tx.len, 0); /* the answer is the next stop */
	assert_int_equal(command("s"), GDB_STEP);
	assert_int_equal(command("C0b"), GDB_RUN);
	assert_int_equal(frame.pc, FAKE_BASE);
	assert_int_equal(command("S0b;1040"), GDB_STEP);
	assert_int_equal(frame.pc, 0x1040);
	assert_int_equal(command("c1080"), GDB_RUN);
	assert_int_equal(frame.pc, 0x1080);
	assert_int_equal(command("vCont;c"), GDB_RUN);
	assert_int_equal(command("vCont;s:1;c"), GDB_STEP);
	assert_int_equal(command("vCont;C05:1"), GDB_RUN);
	assert_string_equal(says("vCont?"), "vCont;c;C;s;S");
	assert_string_equal(says("vCont"), "E01");
	assert_string_equal(says("vCont;r1,2"), "E01");
	assert_string_equal(says("c108z"), "E01");
	assert_string_equal(says("c1081"), "E01");
	assert_string_equal(says("C"), "E01");
	assert_int_equal(frame.pc, 0x1080);
}

static void test_leaving(void **state)
{
	(void)state;
	says("Z0,1010,4");
	assert_int_equal(command("D"), GDB_LEFT);
	assert_string_equal(answer(), "OK");
	assert_false(session.attached);
	gdb_insert(&session, true);
	assert_false(trap_at(0x1010));
	session.attached = true;
	assert_int_equal(command("k"), GDB_LEFT);
	assert_int_equal(tx.len, 0);
	assert_false(session.attached);
}

static void test_another_debugger(void **state)
{
	(void)state;
	says("Z0,1010,4");
	session.attached = false;
	assert_non_null(strstr(says("qSupported:multiprocess+;swbreak+"), "PacketSize=400;"));
	assert_true(session.attached);
	gdb_insert(&session, true);
	assert_false(trap_at(0x1010)); /* that was the other's */
}

static void test_questions(void **state)
{
	(void)state;
	assert_string_equal(says("?"), "T05thread:1;");
	session.why = CW_DEBUG_SEGV;
	assert_string_equal(says("?"), "T0bthread:1;");
	assert_string_equal(says("qAttached"), "1");
	assert_string_equal(says("qAttached:1"), "1");
	assert_string_equal(says("qC"), "QC1");
	assert_string_equal(says("qCRC:0,4"), ""); /* another question */
	assert_string_equal(says("qfThreadInfo"), "m1");
	assert_string_equal(says("qsThreadInfo"), "l");
	assert_string_equal(says("Hg0"), "OK");
	assert_string_equal(says("T1"), "OK");
	assert_string_equal(says("vMustReplyEmpty"), "");
	assert_string_equal(says("qOffsets"), "");
	assert_string_equal(says("!"), "");
	assert_string_equal(says(""), "");
	assert_string_equal(says("\xff"), "");
}

/* The description, in pieces of any size, is the description. */
static void test_target(void **state)
{
	char text[64], back[sizeof(FAKE_XML)];

	(void)state;
	for (unsigned int piece = 1; piece <= sizeof(FAKE_XML); piece++) {
		uint32_t n = 0;

		do {
			struct gdb_text p;

			snprintf(text, sizeof(text), "qXfer:features:read:target.xml:%x,%x", n,
				 piece);
			assert_int_equal(command(text), GDB_STAY);
			p = (struct gdb_text){ tx.buf + 2, tx.len - 5 };
			while (p.len)
				assert_true(gdb_take_binary(&p, back + n++, 1));
		} while (tx.buf[1] == 'm');
		assert_int_equal(tx.buf[1], 'l');
		assert_int_equal(n, strlen(FAKE_XML));
		assert_memory_equal(back, FAKE_XML, n);
	}
	assert_string_equal(says("qXfer:features:read:target.xml:1000,10"), "E01");
	assert_string_equal(says("qXfer:features:read:target.xml:0"), "E01");
	assert_string_equal(says("qXfer:features:read:other.xml:0,10"), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_packet, setup),
		cmocka_unit_test_setup(test_bad_sum, setup),
		cmocka_unit_test_setup(test_torn_packets, setup),
		cmocka_unit_test_setup(test_too_long, setup),
		cmocka_unit_test_setup(test_numbers, setup),
		cmocka_unit_test_setup(test_hex, setup),
		cmocka_unit_test_setup(test_answer_without_room, setup),
		cmocka_unit_test_setup(test_registers, setup),
		cmocka_unit_test_setup(test_memory, setup),
		cmocka_unit_test_setup(test_bad_memory, setup),
		cmocka_unit_test_setup(test_breakpoints, setup),
		cmocka_unit_test_setup(test_refused_breakpoints, setup),
		cmocka_unit_test_setup(test_going_on, setup),
		cmocka_unit_test_setup(test_leaving, setup),
		cmocka_unit_test_setup(test_another_debugger, setup),
		cmocka_unit_test_setup(test_questions, setup),
		cmocka_unit_test_setup(test_target, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
