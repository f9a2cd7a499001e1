// SPDX-License-Identifier: BSD-3-Clause
/*
 * A stub for gdb on the console port named "gdb".
 *
 * Theory of operation: while the program runs, gdb_poll() looks at the port once a pass. A packet or
 * Ctrl-C stops everything there, and so does whatever the port (cw_machine_debug) tells of later. Then
 * attend() runs in the exception's context: it serves the link, so that Linux goes on to take this
 * remote for alive, and this one console port, until the debugger lets the program go on or is gone.
 * All else, the other devices and ports too, stands still and finds its rings as it left them.
 *
 * The console's and the link's own state is shared with what was stopped. That works because nothing
 * stops in between their calls: the port keeps breakpoints out of their code (cw_machine_debug.kept),
 * and a step that leads into it is made until it has come out again. A fault within it is told all the
 * same: there the state may be half-way, but nothing is left to lose.
 */
#include "gdb.h"

#include "app.h"
#include "reach.h"

#include <string.h>

#define SLEEP_US    100000u
#define PATIENCE_US 1000000u

static struct {
	struct gdb_session session;
	struct gdb_rx rx;
	struct gdb_tx tx;
	uint8_t in[64];
	uint32_t at, have; /* of in */
	bool spoke;	   /* stopped because somebody spoke, who does not wait for the news */
} stub;

static const struct cw_debug *const machine = &cw_machine_debug;

/* The port that is ours, with a debugger on it; negative: there is none. */
static int line(void)
{
	const struct cw_console_driver *c = &app.console;

	if (!app_ready(APP_CONSOLE) || c->vdev.dead || !reach_up())
		return -1;
	for (unsigned int i = 0; i < c->ports; i++)
		if (c->port[i].present && c->port[i].open && !strcmp(c->port[i].name, "gdb"))
			return (int)i;
	return -1;
}

/* The next byte that the debugger sent, left where it is; negative: none. */
static int peek(int port)
{
	int n;

	if (stub.at == stub.have) {
		n = cw_console_read(&app.console, (unsigned int)port, stub.in, sizeof(stub.in));
		stub.at = 0;
		stub.have = n > 0 ? (uint32_t)n : 0;
	}
	return stub.at < stub.have ? stub.in[stub.at] : -1;
}

static void gone(void)
{
	gdb_forget(&stub.session);
	memset(&stub.rx, 0, sizeof(stub.rx));
	stub.at = stub.have = 0;
}

/* Acknowledgements of what was sent before it ran are left aside. */
void gdb_poll(void)
{
	int port = line(), c;

	if (port < 0 && (stub.session.attached || stub.have))
		gone();
	if (port < 0)
		return;
	while ((c = peek(port)) >= 0 && c != '$' && c != 3)
		stub.at++;
	if (c < 0)
		return;
	stub.spoke = c == '$';
	stub.session.attached = true;
	stub.at += c == 3;
	machine->stop();
}

/* ---- while everything else stands still ---- */

static void send(int port, const void *bytes, uint32_t len)
{
	cw_console_write(&app.console, (unsigned int)port, bytes, len, PATIENCE_US);
}

static enum gdb_verdict obey(int port)
{
	const struct gdb_text cmd = { stub.rx.buf, stub.rx.len };
	enum gdb_verdict v;

	send(port, "+", 1);
	v = gdb_command(&stub.session, &cmd, &stub.tx);
	send(port, stub.tx.buf, stub.tx.len);
	return v;
}

/* What has come so far. */
static enum gdb_verdict converse(int port)
{
	enum gdb_verdict v = GDB_STAY;
	int c;

	while (v == GDB_STAY && (c = peek(port)) >= 0) {
		stub.at++;
		switch (gdb_rx_byte(&stub.rx, (uint8_t)c)) {
		case GDB_COMMAND:
			v = obey(port);
			break;
		case GDB_BAD:
			send(port, "-", 1);
			break;
		case GDB_AGAIN:
			send(port, stub.tx.buf, stub.tx.len);
			break;
		case GDB_NOTHING:
		case GDB_INTERRUPT: /* it stands still already */
			break;
		}
	}
	return v;
}

/* Input on the other ports stays where it is: armed for it, this would never sleep. */
static bool arm(int port)
{
	struct cw_console_driver *c = &app.console;
	bool news = cw_vdev_arm(&c->vdev, &c->port[port].rx.q);

	return cw_vdev_arm(&c->vdev, &c->ctrl_rx) || news || stub.at < stub.have;
}

static enum gdb_verdict attend(void)
{
	for (;;) {
		enum gdb_verdict v;
		int port;

		reach_wait(0); /* a look at the link, no more */
		cw_console_poll(&app.console);
		port = line();
		if (port < 0) {
			gone();
			return GDB_LEFT;
		}
		v = converse(port);
		if (v != GDB_STAY)
			return v;
		if (!arm(port))
			reach_wait(app_now() + SLEEP_US);
	}
}

static void tell(void)
{
	int port = line();

	gdb_stopped(&stub.session, &stub.tx);
	if (!stub.spoke && port >= 0)
		send(port, stub.tx.buf, stub.tx.len);
	stub.spoke = false;
}

static bool on_stop(struct cw_debug_frame *f, enum cw_debug_signal why)
{
	struct gdb_session *g = &stub.session;
	bool step;

	if (!g->attached)
		return false;
	step = why == CW_DEBUG_TRAP && g->stepping && machine->kept(machine->pc(f));
	if (!step) {
		gdb_insert(g, false);
		g->frame = f;
		g->why = why;
		tell();
		step = attend() == GDB_STEP;
		gdb_insert(g, true);
	}
	g->stepping = step;
	machine->step(f, step);
	return true;
}

void gdb_start(void)
{
	stub.session.port = machine;
	machine->start(on_stop);
}
