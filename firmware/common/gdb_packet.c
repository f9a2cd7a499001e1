// SPDX-License-Identifier: BSD-3-Clause
/*
 * Packets of gdb's remote serial protocol: $ text # sum. Touches nothing but its arguments.
 *
 * Theory of operation: a packet is handed on when its sum is right and it was not longer than there is
 * room for; any other is asked for again, and nothing of it is looked at. A $ begins a new one at any
 * time, so that a torn packet costs itself alone.
 */
#include "gdb.h"

#include <string.h>

#define CTRL_C 3u
#define ESCAPE '}'
#define FLIP   0x20u /* of an escaped byte */

enum { IDLE, INSIDE, FIRST, SECOND }; /* gdb_rx.state: the last two are digits of the sum */

static int digit(uint8_t c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
				      : -1;
}

static enum gdb_event outside(struct gdb_rx *rx, uint8_t c)
{
	if (c == '$') {
		rx->state = INSIDE;
		rx->len = rx->sum = 0;
		rx->over = false;
	}
	return c == CTRL_C ? GDB_INTERRUPT : c == '-' ? GDB_AGAIN : GDB_NOTHING;
}

static enum gdb_event inside(struct gdb_rx *rx, uint8_t c)
{
	if (c == '$')
		return outside(rx, c);
	if (c == '#') {
		rx->state = FIRST;
		return GDB_NOTHING;
	}
	rx->sum = (uint8_t)(rx->sum + c);
	if (rx->len < GDB_PACKET)
		rx->buf[rx->len++] = c;
	else
		rx->over = true;
	return GDB_NOTHING;
}

static enum gdb_event behind(struct gdb_rx *rx, uint8_t c)
{
	int d = digit(c);

	if (c == '$')
		return outside(rx, c);
	if (d < 0) {
		rx->state = IDLE;
		return GDB_BAD;
	}
	if (rx->state == FIRST) {
		rx->state = SECOND;
		rx->want = (uint8_t)(d << 4);
		return GDB_NOTHING;
	}
	rx->state = IDLE;
	rx->buf[rx->len] = 0;
	return rx->over || (rx->want | d) != rx->sum ? GDB_BAD : GDB_COMMAND;
}

enum gdb_event gdb_rx_byte(struct gdb_rx *rx, uint8_t c)
{
	return rx->state == IDLE     ? outside(rx, c)
	       : rx->state == INSIDE ? inside(rx, c)
				     : behind(rx, c);
}

/* ---- ours ---- */

void gdb_tx_begin(struct gdb_tx *tx)
{
	tx->buf[0] = '$';
	tx->len = 1;
	tx->full = false;
}

static bool room(const struct gdb_tx *tx, uint32_t n)
{
	return n <= GDB_PACKET + 1 - tx->len;
}

static void put(struct gdb_tx *tx, uint8_t c)
{
	if (room(tx, 1))
		tx->buf[tx->len++] = c;
	else
		tx->full = true;
}

void gdb_tx_text(struct gdb_tx *tx, const char *text)
{
	while (*text)
		put(tx, (uint8_t)*text++);
}

void gdb_tx_hex(struct gdb_tx *tx, const void *bytes, uint32_t n)
{
	static const char hex[] = "0123456789abcdef";
	const uint8_t *p = bytes;

	for (uint32_t i = 0; i < n; i++) {
		put(tx, (uint8_t)hex[p[i] >> 4]);
		put(tx, (uint8_t)hex[p[i] & 15]);
	}
}

uint32_t gdb_tx_binary(struct gdb_tx *tx, const void *bytes, uint32_t n)
{
	const uint8_t *p = bytes;

	for (uint32_t i = 0; i < n; i++) {
		bool special = p[i] == '$' || p[i] == '#' || p[i] == '*' || p[i] == ESCAPE;

		if (!room(tx, 1 + special))
			return i;
		if (special)
			put(tx, ESCAPE);
		put(tx, special ? p[i] ^ FLIP : p[i]);
	}
	return n;
}

void gdb_tx_end(struct gdb_tx *tx)
{
	uint8_t sum = 0;

	if (tx->full) {
		gdb_tx_begin(tx);
		gdb_tx_text(tx, "E07");
	}
	for (uint32_t i = 1; i < tx->len; i++)
		sum = (uint8_t)(sum + tx->buf[i]);
	tx->buf[tx->len++] = '#';
	for (int shift = 4; shift >= 0; shift -= 4)
		tx->buf[tx->len++] = (uint8_t) "0123456789abcdef"[sum >> shift & 15];
}

/* ---- what a command is made of ---- */

static void skip(struct gdb_text *p, uint32_t n)
{
	p->at += n;
	p->len -= n;
}

bool gdb_take(struct gdb_text *p, const char *word)
{
	uint32_t n = (uint32_t)strlen(word);

	if (p->len < n || memcmp(p->at, word, n) != 0)
		return false;
	skip(p, n);
	return true;
}

bool gdb_take_number(struct gdb_text *p, uint64_t *value)
{
	uint32_t n = 0;

	*value = 0;
	for (; n < p->len && digit(p->at[n]) >= 0; n++) {
		if (*value >> 60)
			return false;
		*value = *value << 4 | (uint64_t)digit(p->at[n]);
	}
	skip(p, n);
	return n > 0;
}

static bool digits(const uint8_t *at, uint32_t n)
{
	while (n && digit(*at) >= 0)
		at++, n--;
	return !n;
}

bool gdb_is_hex(const struct gdb_text *p)
{
	return digits(p->at, p->len);
}

bool gdb_take_hex(struct gdb_text *p, void *to, uint32_t n)
{
	uint8_t *byte = to;

	if (p->len / 2 < n || !digits(p->at, 2 * n))
		return false;
	for (uint32_t i = 0; i < n; i++)
		byte[i] = (uint8_t)(digit(p->at[2 * i]) << 4 | digit(p->at[2 * i + 1]));
	skip(p, 2 * n);
	return true;
}

bool gdb_take_binary(struct gdb_text *p, void *to, uint32_t n)
{
	uint8_t *byte = to;

	for (uint32_t i = 0; i < n; i++) {
		bool escaped = p->len && p->at[0] == ESCAPE;

		if (p->len < 1u + escaped)
			return false;
		byte[i] = escaped ? p->at[1] ^ FLIP : p->at[0];
		skip(p, 1u + escaped);
	}
	return true;
}
