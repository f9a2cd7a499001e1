// SPDX-License-Identifier: BSD-3-Clause
/*
 * A debugger that sends anything, to the stub of the example firmware on a machine made of an array.
 * Lines of the input are packets, to which the right sum is added; one that begins with ! is bytes as
 * they come from the wire.
 *
 * What is checked beside the sanitizers: each answer is one whole packet with its sum; breakpoints are
 * never in memory while it stands still, never in what is kept, and none is left when the debugger has
 * gone.
 */
#include "../tests/unit/port/fake_debug.h"
#include "fuzz.h"

#include <stdlib.h>

#define KEPT (FAKE_KEPT - FAKE_BASE)

static struct gdb_rx rx;
static struct gdb_tx tx;
static struct gdb_session session;
static struct cw_debug_frame frame;

static void check_answer(void)
{
	uint8_t sum = 0;

	FZ_CHECK(tx.len <= sizeof(tx.buf));
	if (!tx.len)
		return;
	FZ_CHECK(tx.len >= 4 && tx.buf[0] == '$' && tx.buf[tx.len - 3] == '#');
	for (uint32_t i = 1; i < tx.len - 3; i++) {
		FZ_CHECK(tx.buf[i] != '$' && tx.buf[i] != '#');
		sum = (uint8_t)(sum + tx.buf[i]);
	}
	FZ_CHECK(tx.buf[tx.len - 2] == "0123456789abcdef"[sum >> 4]);
	FZ_CHECK(tx.buf[tx.len - 1] == "0123456789abcdef"[sum & 15]);
}

/* It goes on, and stops again. */
static void go_on(void)
{
	uint8_t before[FAKE_SIZE];

	memcpy(before, fake_memory, sizeof(before));
	gdb_insert(&session, true);
	FZ_CHECK(!memcmp(before + KEPT, fake_memory + KEPT, 0x100));
	gdb_insert(&session, false);
	FZ_CHECK(!memcmp(before, fake_memory, sizeof(before)));
}

static void obey(void)
{
	uint8_t *copy = malloc(rx.len ? rx.len : 1);
	struct gdb_text cmd = { copy, rx.len };
	enum gdb_verdict v;

	FZ_CHECK(copy && rx.len <= GDB_PACKET);
	memcpy(copy, rx.buf, rx.len);
	tx.len = 0;
	v = gdb_command(&session, &cmd, &tx);
	free(copy);
	check_answer();
	if (v != GDB_STAY)
		go_on();
	for (unsigned int i = 0; i < GDB_BREAKS; i++)
		FZ_CHECK(!session.brk[i].in && (v != GDB_LEFT || !session.brk[i].used));
}

static void wire(uint8_t c)
{
	if (gdb_rx_byte(&rx, c) == GDB_COMMAND)
		obey();
}

static void packet(const uint8_t *data, size_t n)
{
	static const char hex[] = "0123456789abcdef";
	uint8_t sum = 0;

	wire('$');
	for (size_t i = 0; i < n; i++) {
		wire(data[i]);
		sum = (uint8_t)(sum + data[i]);
	}
	wire('#');
	wire((uint8_t)hex[sum >> 4]);
	wire((uint8_t)hex[sum & 15]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	memset(&rx, 0, sizeof(rx));
	memset(&session, 0, sizeof(session));
	memset(fake_memory, 0, sizeof(fake_memory));
	frame = (struct cw_debug_frame){ 1, 2, FAKE_BASE, 4 };
	session.port = &fake_debug;
	session.frame = &frame;
	session.why = CW_DEBUG_TRAP;
	while (size) {
		const uint8_t *end = memchr(data, '\n', size);
		size_t n = end ? (size_t)(end - data) : size;

		if (n && *data == '!')
			for (size_t i = 1; i < n; i++)
				wire(data[i]);
		else
			packet(data, n);
		n += end != NULL;
		data += n;
		size -= n;
	}
	return 0;
}
