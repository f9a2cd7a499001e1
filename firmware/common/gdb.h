/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A stub for gdb's remote serial protocol, on the console port named "gdb".
 *
 * A program is linked with gdb.c and what it needs, or with gdb_none.c.
 */
#ifndef CAUSEWAY_FIRMWARE_GDB_H
#define CAUSEWAY_FIRMWARE_GDB_H

#include <causeway/port/debug.h>

/* ---- gdb.c ---- */

/* gdb_start - once, before the first gdb_poll() */
void gdb_start(void);

/*
 * gdb_poll - look for a debugger, once a pass of the main loop; when one speaks, or presses Ctrl-C,
 * everything stops within this call
 */
void gdb_poll(void);

/* ---- gdb_packet.c: bytes and packets, no I/O ---- */

#define GDB_PACKET 1024u /* bytes between $ and # */

enum gdb_event {
	GDB_NOTHING,
	GDB_COMMAND,   /* rx->buf has a packet, to be acknowledged */
	GDB_BAD,       /* a packet that is not right, to be asked for again */
	GDB_INTERRUPT, /* Ctrl-C */
	GDB_AGAIN,     /* the last packet of ours did not arrive */
};

struct gdb_rx {
	uint8_t buf[GDB_PACKET + 1]; /* what is not text ends with 0 all the same */
	uint32_t len;
	uint8_t state, sum, want;
	bool over; /* longer than there is room for */
};

struct gdb_tx {
	uint8_t buf[GDB_PACKET + 4]; /* with $, # and the sum */
	uint32_t len;
	bool full; /* something did not fit */
};

/* gdb_rx_byte - take one byte of input */
enum gdb_event gdb_rx_byte(struct gdb_rx *rx, uint8_t c);

/*
 * Building a packet. One for which there was no room is sent as an error, never in part.
 * gdb_tx_binary takes as many of @n bytes as fit, and returns how many.
 */
void gdb_tx_begin(struct gdb_tx *tx);
void gdb_tx_text(struct gdb_tx *tx, const char *text);
void gdb_tx_hex(struct gdb_tx *tx, const void *bytes, uint32_t n);
uint32_t gdb_tx_binary(struct gdb_tx *tx, const void *bytes, uint32_t n);
void gdb_tx_end(struct gdb_tx *tx);

/* What a command is made of: each takes it off the front of @p and returns false when it is not there. */
struct gdb_text {
	const uint8_t *at;
	uint32_t len;
};

bool gdb_take(struct gdb_text *p, const char *word);
bool gdb_take_number(struct gdb_text *p, uint64_t *value);   /* hexadecimal, at most 64 bits */
bool gdb_take_hex(struct gdb_text *p, void *to, uint32_t n); /* @n bytes, or @to as it was */
bool gdb_take_binary(struct gdb_text *p, void *to, uint32_t n);
bool gdb_is_hex(const struct gdb_text *p); /* all of it */

/* ---- gdb_session.c: commands, no I/O ---- */

#define GDB_BREAKS 16u

struct gdb_break {
	uint64_t at;
	uint8_t saved[CW_DEBUG_TRAP_MAX];
	bool used;
	bool in; /* memory has the trap in place of what is saved */
};

struct gdb_session {
	const struct cw_debug *port;
	struct cw_debug_frame *frame; /* while stopped */
	struct gdb_break brk[GDB_BREAKS];
	enum cw_debug_signal why; /* of the last stop */
	bool attached;		  /* somebody wants to know of stops */
	bool stepping;		  /* the last command was to make one step */
};

enum gdb_verdict {
	GDB_STAY,
	GDB_RUN,  /* go on */
	GDB_STEP, /* one instruction, then stop again */
	GDB_LEFT, /* go on, the debugger has left */
};

/* gdb_command - execute @cmd; @tx: filled with a packet, or tx->len 0: there is no answer (yet) */
enum gdb_verdict gdb_command(struct gdb_session *g, const struct gdb_text *cmd, struct gdb_tx *tx);

/* gdb_stopped - the packet that tells of a stop */
void gdb_stopped(const struct gdb_session *g, struct gdb_tx *tx);

/* gdb_insert - breakpoints are in memory only while the program runs: put them in, or take them out */
void gdb_insert(struct gdb_session *g, bool in);

/* gdb_forget - the debugger has gone: no breakpoint stays */
void gdb_forget(struct gdb_session *g);

#endif
