// SPDX-License-Identifier: BSD-3-Clause
/*
 * What a remote prints, as its UART: shown line by line, kept for `causeway logs`.
 *
 * Theory of operation: these bytes come from the remote and go to a person's terminal. So they are
 * cut into lines of bounded length, everything but printable ASCII is shown as an escape, and a
 * remote that prints faster than anybody reads has lines left out, with a count. All lines are
 * kept, in a ring of bounded size.
 */
#include "keeper.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINES_BURST	 500u
#define LINES_PER_SECOND 200u
#define READS_AT_END	 16
#define TAIL_LINES	 20

static void keep(struct uart *u, const char *text, size_t len)
{
	if (!u->kept && !(u->kept = malloc(UART_KEPT)))
		return;
	for (size_t i = 0; i < len; i++) {
		u->kept[u->head] = text[i];
		u->head = (u->head + 1) % UART_KEPT;
	}
	u->used = u->used + len > UART_KEPT ? UART_KEPT : u->used + len;
	u->total += len;
}

static void show(struct keeper_remote *r, const char *line, size_t len)
{
	char out[UART_LINE + 64];
	int n;

	if (r->keeper->quiet)
		return;
	if (!cw_bucket_take(&r->uart.lines, cw_loop_now(), LINES_BURST, LINES_PER_SECOND)) {
		r->uart.suppressed++;
		return;
	}
	if (r->uart.suppressed) {
		n = snprintf(out, sizeof(out), "[%s] ... %u lines not shown\n", r->board->name,
			     r->uart.suppressed);
		keeper_print(out, (size_t)n);
		r->uart.suppressed = 0;
	}
	n = snprintf(out, sizeof(out), "[%s] %.*s\n", r->board->name, (int)len, line);
	keeper_print(out, (size_t)n);
}

static void end_line(struct keeper_remote *r, struct uart_line *l)
{
	show(r, l->text, l->len);
	keep(&r->uart, l->text, l->len);
	keep(&r->uart, "\n", 1);
	control_line(r, l->text, l->len);
	l->len = l->begin;
}

void uart_end_line(struct keeper_remote *r, struct uart_line *l)
{
	if (l->len > l->begin)
		end_line(r, l);
}

static void put(struct uart_line *l, unsigned char c)
{
	static const char hex[] = "0123456789abcdef";

	if ((c >= 0x20 && c < 0x7f) || c == '\t') {
		l->text[l->len++] = (char)c;
		return;
	}
	l->text[l->len++] = '\\';
	l->text[l->len++] = 'x';
	l->text[l->len++] = hex[c >> 4];
	l->text[l->len++] = hex[c & 15];
}

void uart_take(struct keeper_remote *r, struct uart_line *l, const unsigned char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (p[i] == '\n' || l->len + 4 > UART_LINE)
			end_line(r, l);
		if (p[i] != '\n' && p[i] != '\r')
			put(l, p[i]);
	}
}

/* Returns false at the end of what there is for now; closes the pipe at the end of all. */
static bool read_some(struct keeper_remote *r)
{
	unsigned char buf[4096];
	ssize_t n = read(r->uart_event.fd, buf, sizeof(buf));

	if (n > 0)
		uart_take(r, &r->uart.line, buf, (size_t)n);
	if (!n) {
		uart_end_line(r, &r->uart.line);
		cw_loop_close(&r->keeper->loop, &r->uart_event);
	}
	return n > 0;
}

static void on_uart(struct cw_event *e, uint32_t events)
{
	(void)events;
	read_some(cw_container_of(e, struct keeper_remote, uart_event));
}

void uart_begin(struct keeper_remote *r)
{
	if (r->carrier.uart < 0)
		return;
	cw_loop_add(&r->keeper->loop, &r->uart_event, r->carrier.uart, EPOLLIN, on_uart);
	r->carrier.uart = -1;
}

/* The remote is gone: what it still said, up to a bound, as somebody may hold the pipe open. */
void uart_end(struct keeper_remote *r)
{
	if (!r->uart_event.fn || r->uart_event.fd < 0)
		return;
	for (int i = 0; i < READS_AT_END && r->uart_event.fd >= 0 && read_some(r); i++)
		;
	uart_end_line(r, &r->uart.line);
	cw_loop_close(&r->keeper->loop, &r->uart_event);
}

/* The last lines that it printed, for whoever wonders why it does not come up. */
void uart_tail(struct keeper_remote *r)
{
	struct uart *u = &r->uart;
	size_t n = 0, lines = 0;

	while (n < u->used) {
		char c = u->kept[(u->head + UART_KEPT - n - 1) % UART_KEPT];

		if (c == '\n' && lines++ == TAIL_LINES)
			break;
		n++;
	}
	keeper_complain(r->keeper, "remote %s: %s", r->board->name,
			n || u->line.len ? "the end of what it printed:" : "it printed nothing");
	for (; n; n--)
		fputc(u->kept[(u->head + UART_KEPT - n) % UART_KEPT], stderr);
	if (u->line.len)
		fprintf(stderr, "%.*s\n", (int)u->line.len, u->line.text);
}

void uart_free(struct uart *u)
{
	free(u->kept);
	memset(u, 0, sizeof(*u));
}
