// SPDX-License-Identifier: BSD-3-Clause
/*
 * Forwarding connections.
 *
 * Theory of operation: one process, one epoll set. A connection has two ends, each with a buffer for
 * what it said that the other has not taken; an end is read only while its buffer has room, so whoever
 * does not read stops who writes to it, and nobody else. The end of one direction is passed on when its
 * bytes are; both together, or an error, end the connection. The remote's side is a unix socket beside
 * the vsock device's path: "CONNECT P\n" is said, and "OK N\n" heard, before anything else.
 */
#include <causeway/host/forward.h>
#include <causeway/host/loop.h>

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#define CONNECTIONS 512u
#define BUFFER	    65536u
#define PATIENCE_US 10000000u /* for an end to be there */
#define ROUNDS	    16	      /* of one connection before others have their turn */
#define EVENTS	    (EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET)

enum step { WORDS, CONNECTING, FLOWING }; /* waits for "OK", for connect(), for bytes */

struct relay;

struct end {
	struct cw_event event;
	struct relay *relay;
	struct end *other;
	uint8_t *buffer; /* what it said, BUFFER bytes */
	uint32_t at, len;
	bool over; /* it says no more */
	bool told; /* the other end was told so */
	bool deaf; /* it takes no more */
};

struct relay {
	struct forwarder *f;
	struct end end[2]; /* who came, who was called */
	struct cw_timer timer;
	enum step step;
	unsigned int heard; /* bytes of the remote's words */
};

struct listener {
	struct cw_event event;
	const struct cw_forward_rule *rule;
	struct forwarder *f;
};

struct forwarder {
	struct cw_loop loop;
	struct listener *listener;
	unsigned int listeners, relays;
};

static void set_listening(struct forwarder *f, bool on)
{
	for (unsigned int i = 0; i < f->listeners; i++)
		cw_loop_want(&f->loop, &f->listener[i].event, on ? EPOLLIN : 0);
}

static void end_relay(struct relay *r)
{
	struct forwarder *f = r->f;

	cw_loop_cancel(&f->loop, &r->timer);
	for (int i = 0; i < 2; i++) {
		if (r->end[i].event.fn)
			cw_loop_close(&f->loop, &r->end[i].event);
		free(r->end[i].buffer);
	}
	free(r);
	if (f->relays-- == CONNECTIONS)
		set_listening(f, true);
}

/* Nobody is behind it: whoever came hears of that as of a port where nobody listens. */
static void refuse(struct relay *r)
{
	const struct linger at_once = { .l_onoff = 1 };

	setsockopt(r->end[0].event.fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	end_relay(r);
}

static void too_late(struct cw_timer *t)
{
	refuse(cw_container_of(t, struct relay, timer));
}

/* ---- bytes ---- */

/* Reads into its buffer while there is room: 1: something came, 0: nothing, -1: it broke. */
static int read_some(struct end *e)
{
	ssize_t n;

	if (e->over || e->len == BUFFER)
		return 0;
	n = recv(e->event.fd, e->buffer + e->len, BUFFER - e->len, MSG_DONTWAIT);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -1;
	e->over = !n;
	e->len += (uint32_t)n;
	return 1;
}

/* Writes what the other end said, and its end after that; whether anything moved. */
static int write_some(struct end *e)
{
	struct end *from = e->other;
	bool moved = false;

	while (from->at < from->len && !e->deaf) {
		ssize_t n = send(e->event.fd, from->buffer + from->at, from->len - from->at,
				 MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return moved;
		e->deaf = n < 0; /* what it said itself may still be delivered */
		from->at += n < 0 ? 0 : (uint32_t)n;
		moved = true;
	}
	from->at = from->len = 0;
	if (from->over && !from->told) {
		from->told = true;
		shutdown(e->event.fd, SHUT_WR);
	}
	return moved;
}

/* Nothing more goes from @e to the other end. */
static bool done(const struct end *e)
{
	return e->told || e->other->deaf;
}

static void flow_again(struct cw_timer *t);

/* Events come as edges: so until nothing moves, or for so long that others want their turn. */
static void flow(struct relay *r)
{
	struct end *a = &r->end[0], *b = &r->end[1];

	for (int i = 0; i < ROUNDS; i++) {
		int x = read_some(a), y = read_some(b), moved = write_some(a) + write_some(b);

		if (x < 0 || y < 0 || (done(a) && done(b))) {
			end_relay(r);
			return;
		}
		if (!x && !y && !moved)
			return;
	}
	cw_loop_after(&r->f->loop, &r->timer, 0, flow_again);
}

static void flow_again(struct cw_timer *t)
{
	flow(cw_container_of(t, struct relay, timer));
}

/* ---- beginnings ---- */

static void begin_to_flow(struct relay *r)
{
	cw_loop_cancel(&r->f->loop, &r->timer);
	r->step = FLOWING;
	flow(r);
}

/* "OK N\n", a byte at a time: what follows is for the other end. */
static void hear(struct relay *r)
{
	struct end *e = &r->end[1];
	char c;
	ssize_t n;

	while ((n = recv(e->event.fd, &c, 1, MSG_DONTWAIT)) == 1) {
		if (c == '\n') {
			begin_to_flow(r);
			return;
		}
		if ((r->heard < 3 && c != "OK "[r->heard]) || ++r->heard > 20)
			break;
	}
	if (n >= 0 || (errno != EAGAIN && errno != EINTR))
		refuse(r);
}

static void connected(struct relay *r)
{
	int e = 0;
	socklen_t len = sizeof(e);

	if (getsockopt(r->end[1].event.fd, SOL_SOCKET, SO_ERROR, &e, &len) || e)
		refuse(r);
	else
		begin_to_flow(r);
}

static void on_end(struct cw_event *event, uint32_t events)
{
	struct end *e = cw_container_of(event, struct end, event);
	struct relay *r = e->relay;

	(void)events;
	if (r->step == FLOWING)
		flow(r);
	else if (e == &r->end[0]) /* who came is listened to when somebody is there to hear it */
		return;
	else if (r->step == WORDS)
		hear(r);
	else
		connected(r);
}

/* Towards the remote or towards Linux: the descriptor, or -1. */
static int call(struct relay *r, const struct cw_forward_rule *rule)
{
	struct cw_forward_address a = rule->linux_end;
	struct sockaddr_un *u = (struct sockaddr_un *)(void *)&a.at;
	int fd, on = 1;

	if (rule->to_remote) {
		memset(&a, 0, sizeof(a));
		u->sun_family = AF_UNIX;
		snprintf(u->sun_path, sizeof(u->sun_path), "%.96s", rule->vsock);
		a.len = sizeof(*u);
	}
	fd = socket(a.at.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -1;
	if (connect(fd, (const struct sockaddr *)&a.at, a.len) && errno != EINPROGRESS) {
		close(fd);
		return -1;
	}
	if (a.at.ss_family != AF_UNIX)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	r->step = rule->to_remote ? WORDS : CONNECTING;
	return fd;
}

static bool say_words(int fd, uint32_t port)
{
	char line[24];
	int n = snprintf(line, sizeof(line), "CONNECT %u\n", port);

	return send(fd, line, (size_t)n, MSG_DONTWAIT | MSG_NOSIGNAL) == n;
}

static struct relay *new_relay(struct forwarder *f)
{
	struct relay *r = calloc(1, sizeof(*r));

	for (int i = 0; r && i < 2; i++) {
		r->f = f;
		r->end[i].relay = r;
		r->end[i].other = &r->end[1 - i];
		r->end[i].buffer = malloc(BUFFER);
	}
	if (r && r->end[0].buffer && r->end[1].buffer)
		return r;
	if (r) {
		free(r->end[0].buffer);
		free(r->end[1].buffer);
	}
	free(r);
	return NULL;
}

static void on_caller(struct cw_event *event, uint32_t events)
{
	struct listener *l = cw_container_of(event, struct listener, event);
	int fd = accept4(event->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC), to, on = 1;
	struct relay *r = fd < 0 ? NULL : new_relay(l->f);

	(void)events;
	if (!r) {
		if (fd >= 0)
			close(fd);
		return;
	}
	if (l->rule->to_remote && l->rule->linux_end.at.ss_family != AF_UNIX)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (++l->f->relays == CONNECTIONS)
		set_listening(l->f, false);
	to = call(r, l->rule);
	if (cw_loop_add(&l->f->loop, &r->end[0].event, fd, EVENTS, on_end) || to < 0 ||
	    cw_loop_add(&l->f->loop, &r->end[1].event, to, EVENTS, on_end) ||
	    (r->step == WORDS && !say_words(to, l->rule->port)))
		refuse(r);
	else
		cw_loop_after(&l->f->loop, &r->timer, PATIENCE_US, too_late);
}

int cw_forward_run(const struct cw_forward_rule *rule, unsigned int rules)
{
	struct forwarder f = { .listeners = rules };

	f.listener = calloc(rules, sizeof(*f.listener));
	if (!f.listener || cw_loop_init(&f.loop))
		return -1;
	for (unsigned int i = 0; i < rules; i++) {
		f.listener[i].rule = &rule[i];
		f.listener[i].f = &f;
		if (cw_loop_add(&f.loop, &f.listener[i].event, rule[i].listen, EPOLLIN, on_caller))
			return -1;
	}
	for (;;)
		cw_loop_once(&f.loop);
}
