// SPDX-License-Identifier: BSD-3-Clause
/*
 * Commands of gdb's remote serial protocol. Touches the program only by way of the port.
 *
 * Theory of operation: called while everything else stands still. Breakpoints are noted here and are
 * in memory only while the program runs, so that memory read or written meanwhile is the program's
 * own. What is not known gets the empty answer, which tells gdb so; what cannot be done an error.
 * There is one thread, and it is called 1.
 */
#include "gdb.h"

#include <stdio.h>
#include <string.h>

#define CHUNK	  64u
#define XML_CHUNK (GDB_PACKET / 2 - 1) /* fits even when all of it has to be escaped */

enum { BAD_COMMAND = 0x01, NO_ROOM = 0x12, BAD_ADDRESS = 0x14, NOT_THERE = 0x22 };

static enum gdb_verdict error(struct gdb_tx *tx, unsigned int code)
{
	char text[4];

	snprintf(text, sizeof(text), "E%02x", code & 0xffu);
	gdb_tx_text(tx, text);
	return GDB_STAY;
}

static enum gdb_verdict okay(struct gdb_tx *tx, bool good)
{
	if (!good)
		return error(tx, BAD_COMMAND);
	gdb_tx_text(tx, "OK");
	return GDB_STAY;
}

/* ---- registers ---- */

static enum gdb_verdict read_registers(struct gdb_session *g, struct gdb_tx *tx)
{
	for (unsigned int i = 0; i < g->port->regs; i++)
		gdb_tx_hex(tx, g->port->reg(g->frame, i), g->port->reg_size[i]);
	return GDB_STAY;
}

static bool write_register(struct gdb_session *g, struct gdb_text *p, unsigned int i)
{
	return gdb_take_hex(p, g->port->reg(g->frame, i), g->port->reg_size[i]);
}

/* All or none. */
static enum gdb_verdict write_registers(struct gdb_session *g, struct gdb_text *p,
					struct gdb_tx *tx)
{
	uint32_t all = 0;

	for (unsigned int i = 0; i < g->port->regs; i++)
		all += g->port->reg_size[i];
	if (p->len != 2 * all || !gdb_is_hex(p))
		return error(tx, BAD_COMMAND);
	for (unsigned int i = 0; i < g->port->regs; i++)
		write_register(g, p, i);
	return okay(tx, true);
}

static enum gdb_verdict one_register(struct gdb_session *g, struct gdb_text *p, bool write,
				     struct gdb_tx *tx)
{
	uint64_t i;

	if (!gdb_take_number(p, &i) || i >= g->port->regs)
		return error(tx, BAD_COMMAND);
	if (write)
		return okay(tx, gdb_take(p, "=") && write_register(g, p, (unsigned int)i));
	gdb_tx_hex(tx, g->port->reg(g->frame, (unsigned int)i), g->port->reg_size[i]);
	return GDB_STAY;
}

/* ---- memory ---- */

static bool range(struct gdb_text *p, uint64_t *at, uint64_t *len)
{
	return gdb_take_number(p, at) && gdb_take(p, ",") && gdb_take_number(p, len);
}

/* Of a range of which only the beginning can be read, that is what gdb gets. */
static enum gdb_verdict read_memory(struct gdb_session *g, struct gdb_text *p, struct gdb_tx *tx)
{
	uint8_t chunk[CHUNK];
	uint64_t at, len;

	if (!range(p, &at, &len) || len > GDB_PACKET / 2)
		return error(tx, BAD_COMMAND);
	for (uint64_t done = 0; done < len;) {
		uint32_t n = len - done < CHUNK ? (uint32_t)(len - done) : CHUNK;

		if (!g->port->read(chunk, at + done, n))
			return done ? GDB_STAY : error(tx, BAD_ADDRESS);
		gdb_tx_hex(tx, chunk, n);
		done += n;
	}
	return GDB_STAY;
}

static enum gdb_verdict write_memory(struct gdb_session *g, struct gdb_text *p, bool binary,
				     struct gdb_tx *tx)
{
	uint8_t bytes[GDB_PACKET];
	uint64_t at, len;

	if (!range(p, &at, &len) || !gdb_take(p, ":") || len > sizeof(bytes))
		return error(tx, BAD_COMMAND);
	if (!(binary ? gdb_take_binary : gdb_take_hex)(p, bytes, (uint32_t)len))
		return error(tx, BAD_COMMAND);
	if (len && !g->port->write(at, bytes, (uint32_t)len))
		return error(tx, BAD_ADDRESS);
	return okay(tx, true);
}

/* ---- breakpoints ---- */

static struct gdb_break *find(struct gdb_session *g, uint64_t at, bool used)
{
	for (unsigned int i = 0; i < GDB_BREAKS; i++)
		if (g->brk[i].used == used && (!used || g->brk[i].at == at))
			return &g->brk[i];
	return NULL;
}

/*
 * Where the debugger's own way leads through, a stop could not be told of; and what cannot be written
 * is better refused now than missed when the program goes on.
 */
static enum gdb_verdict set_break(struct gdb_session *g, uint64_t at, struct gdb_tx *tx)
{
	struct gdb_break *b = find(g, at, true);
	uint8_t now[CW_DEBUG_TRAP_MAX];

	if (b)
		return okay(tx, true);
	if (at % g->port->trap_size || g->port->kept(at))
		return error(tx, NOT_THERE);
	if (!g->port->read(now, at, g->port->trap_size) ||
	    !g->port->write(at, now, g->port->trap_size))
		return error(tx, BAD_ADDRESS);
	b = find(g, 0, false);
	if (!b)
		return error(tx, NO_ROOM);
	b->at = at;
	b->used = true;
	return okay(tx, true);
}

/* Only software breakpoints are known: of the others gdb hears so, and does without. */
static enum gdb_verdict breakpoint(struct gdb_session *g, struct gdb_text *p, bool set,
				   struct gdb_tx *tx)
{
	uint64_t at, kind;
	struct gdb_break *b;

	if (!gdb_take(p, "0"))
		return GDB_STAY;
	if (!gdb_take(p, ",") || !range(p, &at, &kind) || kind != g->port->trap_size)
		return error(tx, BAD_COMMAND);
	if (set)
		return set_break(g, at, tx);
	b = find(g, at, true);
	if (b)
		b->used = false;
	return okay(tx, true);
}

void gdb_insert(struct gdb_session *g, bool in)
{
	for (unsigned int i = 0; i < GDB_BREAKS; i++) {
		struct gdb_break *b = &g->brk[i];

		if (in && b->used && !b->in && g->port->read(b->saved, b->at, g->port->trap_size))
			b->in = g->port->write(b->at, g->port->trap, g->port->trap_size);
		else if (!in && b->in)
			b->in = !g->port->write(b->at, b->saved, g->port->trap_size);
	}
}

void gdb_forget(struct gdb_session *g)
{
	gdb_insert(g, false);
	memset(g->brk, 0, sizeof(g->brk));
	g->attached = false;
}

/* ---- going on ---- */

/* `c`, `s ADDRESS`, and with a signal, which nobody here would take: `C11`, `S0b;ADDRESS` */
static enum gdb_verdict go(struct gdb_session *g, struct gdb_text *p, bool signal,
			   enum gdb_verdict how, struct gdb_tx *tx)
{
	uint64_t number, pc = g->port->pc(g->frame);

	if (signal && (!gdb_take_number(p, &number) || (p->len && !gdb_take(p, ";"))))
		return error(tx, BAD_COMMAND);
	if ((p->len && !gdb_take_number(p, &pc)) || p->len || pc % g->port->trap_size)
		return error(tx, BAD_COMMAND);
	g->port->set_pc(g->frame, pc);
	return how;
}

/* There is one thread: the first action is its own, and the others are for none. */
static enum gdb_verdict go_threads(struct gdb_text *p, struct gdb_tx *tx)
{
	if (gdb_take(p, "?")) {
		gdb_tx_text(tx, "vCont;c;C;s;S");
		return GDB_STAY;
	}
	if (gdb_take(p, ";c") || gdb_take(p, ";C"))
		return GDB_RUN;
	return gdb_take(p, ";s") || gdb_take(p, ";S") ? GDB_STEP : error(tx, BAD_COMMAND);
}

static enum gdb_verdict leave(struct gdb_session *g)
{
	gdb_forget(g);
	return GDB_LEFT;
}

/* ---- questions ---- */

static enum gdb_verdict target(struct gdb_session *g, struct gdb_text *p, struct gdb_tx *tx)
{
	uint64_t from, len, all = strlen(g->port->target_xml), n;

	if (!range(p, &from, &len) || from > all)
		return error(tx, BAD_COMMAND);
	n = len < XML_CHUNK ? len : XML_CHUNK;
	n = n < all - from ? n : all - from;
	gdb_tx_text(tx, from + n < all ? "m" : "l");
	gdb_tx_binary(tx, g->port->target_xml + from, (uint32_t)n);
	return GDB_STAY;
}

/* The first that a debugger says: whatever one before it left behind is void. */
static enum gdb_verdict supported(struct gdb_session *g, struct gdb_tx *tx)
{
	char text[64];

	gdb_forget(g);
	g->attached = true;
	snprintf(text, sizeof(text), "PacketSize=%x;qXfer:features:read+;vContSupported+",
		 GDB_PACKET);
	gdb_tx_text(tx, text);
	return GDB_STAY;
}

static enum gdb_verdict query(struct gdb_session *g, struct gdb_text *p, struct gdb_tx *tx)
{
	static const struct {
		const char *question, *answer;
	} known[] = {
		{ "Attached", "1" },
		{ "fThreadInfo", "m1" },
		{ "sThreadInfo", "l" },
		{ "C", "QC1" },
	};

	if (gdb_take(p, "Supported"))
		return supported(g, tx);
	if (gdb_take(p, "Xfer:features:read:target.xml:"))
		return target(g, p, tx);
	for (unsigned int i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		struct gdb_text rest = *p;

		if (gdb_take(&rest, known[i].question) && (!rest.len || rest.at[0] == ':')) {
			gdb_tx_text(tx, known[i].answer);
			break;
		}
	}
	return GDB_STAY;
}

void gdb_stopped(const struct gdb_session *g, struct gdb_tx *tx)
{
	char text[16];

	gdb_tx_begin(tx);
	snprintf(text, sizeof(text), "T%02xthread:1;", (unsigned int)g->why & 0xffu);
	gdb_tx_text(tx, text);
	gdb_tx_end(tx);
}

static enum gdb_verdict execute(struct gdb_session *g, uint8_t letter, struct gdb_text *p,
				struct gdb_tx *tx)
{
	switch (letter) {
	case 'g':
		return read_registers(g, tx);
	case 'G':
		return write_registers(g, p, tx);
	case 'p':
	case 'P':
		return one_register(g, p, letter == 'P', tx);
	case 'm':
		return read_memory(g, p, tx);
	case 'M':
	case 'X':
		return write_memory(g, p, letter == 'X', tx);
	case 'Z':
	case 'z':
		return breakpoint(g, p, letter == 'Z', tx);
	case 'c':
	case 'C':
		return go(g, p, letter == 'C', GDB_RUN, tx);
	case 's':
	case 'S':
		return go(g, p, letter == 'S', GDB_STEP, tx);
	case 'v':
		return gdb_take(p, "Cont") ? go_threads(p, tx) : GDB_STAY;
	case 'q':
		return query(g, p, tx);
	case 'H':
	case 'T':
		return okay(tx, true);
	case 'D':
		gdb_tx_text(tx, "OK");
		return leave(g);
	case 'k':
		return leave(g);
	default:
		return GDB_STAY;
	}
}

enum gdb_verdict gdb_command(struct gdb_session *g, const struct gdb_text *cmd, struct gdb_tx *tx)
{
	struct gdb_text p = *cmd;
	uint8_t letter = p.len ? p.at[0] : 0;
	enum gdb_verdict v;

	if (letter == '?') {
		gdb_stopped(g, tx);
		return GDB_STAY;
	}
	if (p.len) {
		p.at++;
		p.len--;
	}
	gdb_tx_begin(tx);
	v = execute(g, letter, &p, tx);
	if (v == GDB_RUN || v == GDB_STEP || letter == 'k')
		tx->len = 0; /* the answer is the next stop */
	else
		gdb_tx_end(tx);
	return v;
}
