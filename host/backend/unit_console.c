// SPDX-License-Identifier: BSD-3-Clause
/*
 * Console: bytes between a port and a pty, a stream socket, the terminal or a log file.
 *
 * A console must not stall the remote because nobody reads it. So output that finds no room waits for
 * PATIENCE_US; after that it is dropped until there is room again, and the remote goes on. What a pty
 * shows to a reader who comes late is therefore the oldest bytes that nobody read.
 *
 * A remote that closes a port hangs up on who is at its socket, and whoever comes then waits until it
 * opens the port again. One that went away without a word has closed nothing.
 *
 * A terminal gets every byte as it is. A log file is for people to look at: in it control characters
 * are spelled out, so that no remote steers the terminal of who reads it. Writing it may wait for
 * the disk as any write of a file may; use a local file system.
 */
#include "backend_priv.h"

#include <causeway/core/err.h>
#include <causeway/core/shm.h>
#include <causeway/device/console.h>

#include <errno.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define PATIENCE_US 200000u
#define LOG_CHUNK   512u   /* bytes of the remote in one write to a log */
#define LOG_TURN    65536u /* and in one go */

struct port {
	enum cw_backend_kind kind;
	int listen; /* stream: where clients come; else -1 */
	int in, out;
	uint64_t full_since; /* output finds no room since then; 0: it does */
	uint16_t cols, rows; /* of the terminal, as last seen */
};

struct console_unit {
	struct cw_unit unit;
	struct cw_console_device console;
	struct port port[CW_PORTS_MAX];
	uint64_t deadline;
};

/* #syscalls close */
static void hang_up(struct console_unit *u, unsigned int i)
{
	struct port *p = &u->port[i];

	if (p->kind != CW_BACKEND_STREAM || p->in < 0)
		return;
	close(p->in);
	p->in = p->out = -1;
	cw_console_device_connect(&u->console, i, false);
}

/* #syscalls accept4 */
static void pick_up(struct console_unit *u, unsigned int i)
{
	struct port *p = &u->port[i];
	int fd = accept4(p->listen, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0)
		return;
	p->in = p->out = fd;
	p->full_since = 0;
	cw_console_device_connect(&u->console, i, true);
}

/* From now on, patience runs out. */
static void begin_to_wait(struct console_unit *u, struct port *p)
{
	if (!p->full_since)
		p->full_since = unit_now();
	if (p->full_since + PATIENCE_US < u->deadline)
		u->deadline = p->full_since + PATIENCE_US;
}

static int no_room(struct console_unit *u, struct port *p)
{
	if (p->full_since && unit_now() - p->full_since >= PATIENCE_US)
		return CW_EAGAIN; /* and so on, until there is room again */
	begin_to_wait(u, p);
	return 0;
}

/* Spells out what a terminal could take for a command; returns the bytes in @to. */
static uint32_t spell(const uint8_t *from, uint32_t n, char *to)
{
	static const char hex[] = "0123456789abcdef";
	uint32_t len = 0;

	for (uint32_t i = 0; i < n; i++) {
		uint8_t c = from[i];

		if ((c >= ' ' && c != 0x7f && (c < 0x80 || c >= 0xa0)) || c == '\n' || c == '\t') {
			to[len++] = (char)c;
		} else if (c != '\r') {
			to[len++] = '\\';
			to[len++] = 'x';
			to[len++] = hex[c >> 4];
			to[len++] = hex[c & 15];
		}
	}
	return len;
}

/* #syscalls write */
static int output_log(struct port *p, const struct cw_part *part, unsigned int n)
{
	uint8_t from[LOG_CHUNK];
	char to[4 * LOG_CHUNK];
	uint32_t done = 0;

	for (unsigned int i = 0; i < n; i++)
		for (size_t at = 0; at < part[i].len && done < LOG_TURN;) {
			size_t left = part[i].len - at;
			uint32_t len = left < LOG_CHUNK ? (uint32_t)left : LOG_CHUNK;

			cw_copy_in(from, (const uint8_t *)part[i].ptr + at, len);
			if (write(p->out, to, spell(from, len, to)) < 0)
				return CW_EAGAIN; /* the disk is full */
			at += len;
			done += len;
		}
	return (int)done;
}

static size_t bytes(const struct cw_part *part, unsigned int n)
{
	size_t sum = 0;

	for (unsigned int i = 0; i < n; i++)
		sum += part[i].len;
	return sum;
}

/* #syscalls writev */
static int output(void *ctx, unsigned int i, const struct cw_part *part, unsigned int n)
{
	struct console_unit *u = ctx;
	struct port *p = &u->port[i];
	size_t all = bytes(part, n);
	const struct iovec *v;
	ssize_t got;

	if (p->out < 0)
		return CW_EAGAIN; /* nobody there */
	if (p->kind == CW_BACKEND_LOG)
		return output_log(p, part, n);
	v = unit_io_out(&u->unit, part, &n);
	got = writev(p->out, v, (int)n); /* never blocks; the worker ignores SIGPIPE */
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return no_room(u, p);
	if (got < 0) {
		hang_up(u, i);
		return CW_EAGAIN;
	}
	p->full_since = 0;
	if ((size_t)got < all) /* the rest waits as if it had found no room */
		begin_to_wait(u, p);
	return (int)got;
}

/* #syscalls readv */
static int input(void *ctx, unsigned int i, const struct cw_part *part, unsigned int n)
{
	struct console_unit *u = ctx;
	struct port *p = &u->port[i];
	unsigned int parts = n;
	const struct iovec *v;
	ssize_t got;

	if (p->in < 0)
		return CW_EAGAIN;
	v = unit_io_in(&u->unit, part, &n);
	got = readv(p->in, v, (int)n);
	if (got > 0) {
		unit_io_got(&u->unit, part, parts, (size_t)got);
		return (int)got;
	}
	if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
		hang_up(u, i);
		if (p->kind == CW_BACKEND_STDIO)
			p->in = -1; /* end of input; output goes on */
	}
	return CW_EAGAIN;
}

/* #syscalls ioctl */
static void look_at_size(struct console_unit *u, unsigned int i)
{
	struct port *p = &u->port[i];
	struct winsize w;

	if (i || p->in < 0 || (p->kind != CW_BACKEND_PTY && p->kind != CW_BACKEND_STDIO) ||
	    ioctl(p->in, TIOCGWINSZ, &w) || !w.ws_col || !w.ws_row)
		return;
	if (p->cols == w.ws_col && p->rows == w.ws_row)
		return;
	p->cols = w.ws_col;
	p->rows = w.ws_row;
	cw_console_device_resize(&u->console, p->cols, p->rows);
}

static void opened(void *ctx, unsigned int i, bool open)
{
	struct console_unit *u = ctx;

	if (open)
		look_at_size(u, i);
	else if (u->console.port[i].shut)
		hang_up(u, i);
}

static const struct cw_console_ops console_ops = {
	.output = output,
	.input = input,
	.opened = opened,
};

static struct console_unit *self(struct cw_unit *u)
{
	return (struct console_unit *)(void *)u;
}

static unsigned int fds(struct cw_unit *unit, struct pollfd *f)
{
	struct console_unit *u = self(unit);
	unsigned int n = 0;

	for (unsigned int i = 0; i < u->console.ports; i++) {
		struct port *p = &u->port[i];
		short events = 0;

		if (p->listen >= 0 && p->in < 0) {
			if (u->console.port[i].shut)
				continue;
			f[n].fd = p->listen;
			f[n++].events = POLLIN;
			continue;
		}
		if (p->in >= 0 && cw_console_device_wants_input(&u->console, i))
			events |= POLLIN;
		if (p->in == p->out && cw_console_device_wants_room(&u->console, i))
			events |= POLLOUT;
		if (events) {
			f[n].fd = p->in;
			f[n++].events = events;
		}
		if (p->in != p->out && p->out >= 0 &&
		    cw_console_device_wants_room(&u->console, i)) {
			f[n].fd = p->out;
			f[n++].events = POLLOUT;
		}
	}
	return n;
}

/* Nobody tells us of another window size: who changed it types something sooner or later. */
static void stir(struct console_unit *u, unsigned int i, short revents)
{
	if (revents & POLLIN)
		look_at_size(u, i);
	cw_console_device_ready(&u->console, i);
}

static void ready(struct cw_unit *unit, const struct pollfd *f, unsigned int n)
{
	struct console_unit *u = self(unit);
	uint64_t now = unit_now();
	bool late = now >= u->deadline;

	if (late)
		u->deadline = CW_LINK_NEVER;
	for (unsigned int i = 0; i < u->console.ports; i++) {
		struct port *p = &u->port[i];

		for (unsigned int k = 0; k < n; k++) {
			if (!f[k].revents)
				continue;
			if (f[k].fd == p->listen && p->in < 0)
				pick_up(u, i);
			else if (f[k].fd == p->in || f[k].fd == p->out)
				stir(u, i, f[k].revents);
		}
		if (late)
			cw_console_device_ready(&u->console, i);
	}
}

static uint64_t deadline(struct cw_unit *u)
{
	return self(u)->deadline;
}

static void stats(const struct cw_unit *u, struct cw_unit_stats *s)
{
	const struct cw_console_device *c =
		&((const struct console_unit *)(const void *)u)->console;

	s->rx_bytes = c->stats.in_bytes;
	s->tx_bytes = c->stats.out_bytes;
	s->dropped = c->stats.dropped;
	s->strange = c->stats.strange;
	s->open = s->joined = 0;
	for (unsigned int i = 0; i < c->ports; i++) {
		s->open |= (uint32_t)c->port[i].remote_open << i;
		s->joined |= (uint32_t)c->port[i].host_open << i;
	}
}

static void unit_free(struct cw_unit *unit)
{
	struct console_unit *u = self(unit);

	for (unsigned int i = 0; i < u->console.ports; i++)
		if (u->port[i].listen >= 0 && u->port[i].in >= 0)
			close(u->port[i].in);
	free(u);
}

static const struct cw_unit_ops ops = {
	.fds = fds,
	.ready = ready,
	.deadline = deadline,
	.stats = stats,
	.free = unit_free,
};

static void set_port(struct console_unit *u, unsigned int i, const struct cw_board_port *b,
		     const int fd[2])
{
	struct port *p = &u->port[i];

	p->kind = b->backend;
	p->listen = p->in = p->out = -1;
	if (b->backend == CW_BACKEND_STREAM)
		p->listen = fd[PORT_MAIN];
	else if (b->backend == CW_BACKEND_PTY)
		p->in = p->out = fd[PORT_MAIN];
	else if (b->backend == CW_BACKEND_LOG)
		p->out = fd[PORT_OTHER];
	else {
		p->in = fd[PORT_MAIN];
		p->out = fd[PORT_OTHER];
	}
	if (!i) {
		p->cols = cw_get_le16(u->console.config.cols);
		p->rows = cw_get_le16(u->console.config.rows);
	}
	u->console.port[i].host_open = b->backend != CW_BACKEND_STREAM;
}

struct cw_unit *unit_console(const struct cw_board_device *d, const struct cw_backend_fds *fds,
			     struct cw_device_queue *q)
{
	struct console_unit *u = calloc(1, sizeof(*u));
	const char *name[CW_PORTS_MAX];

	if (!u)
		return NULL;
	u->unit.ops = &ops;
	u->unit.dev = &u->console.dev;
	u->deadline = CW_LINK_NEVER;
	for (unsigned int i = 0; i < d->ports; i++)
		name[i] = d->port[i].name;
	if (cw_console_device_init(&u->console, &console_ops, u, d->cols, d->rows, d->ports, name,
				   q)) {
		free(u);
		errno = EINVAL;
		return NULL;
	}
	for (unsigned int i = 0; i < d->ports; i++)
		set_port(u, i, &d->port[i], &fds->fd[2 * i]);
	return &u->unit;
}
