// SPDX-License-Identifier: BSD-3-Clause
/*
 * Sockets: connections of a remote are unix sockets here.
 *
 * Theory of operation: the keeper listens at PATH (streams) and PATH.seqpacket (messages), and connects
 * to PATH_P when the remote asks for port P; a worker can do neither. Who comes to one of the listening
 * sockets says "CONNECT P\n" first, and reads "OK N\n" once the remote accepted. All descriptors are in
 * one epoll set, edge by edge, so a connection without news costs nothing, and one with news no call
 * more than its bytes take.
 *
 * Nobody may hold a place for ever: who does not say where to, a keeper that does not answer and a
 * remote that does not are given up after PATIENCE_US, a remote that does not agree to an end after
 * LEAVE_US. Nor may anybody fill the keeper's ear: it is asked for so many at once as there may be
 * connections, also when the remote takes back what it asked for.
 */
#include "backend_priv.h"

#include <causeway/core/err.h>
#include <causeway/core/shm.h>
#include <causeway/device/vsock.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECTIONS   CW_VSOCK_CONNECTIONS
#define ROOM	      131072u /* bytes of the remote that a connection buffers; the longest message */
#define CALLERS	      CW_VSOCK_CALLERS
#define LINE_MAX_     24u /* "CONNECT 4294967295\n" and some */
#define PATIENCE_US   5000000u
#define LEAVE_US      8000000u
#define EVENTS	      32
#define EMPTY_AT_ONCE 16 /* messages without a byte, in one go */

enum place { LISTEN_STREAM, LISTEN_MESSAGE, CALLER, SIDE }; /* what an event is of */

/* Somebody who has not said yet where to. */
struct caller {
	int fd; /* -1: none */
	bool message;
	uint64_t until;
	unsigned int len;
	char line[LINE_MAX_];
};

/* Our end of a connection */
struct side {
	int fd;	     /* -1: not there yet, or none */
	uint32_t id; /* asked of the keeper; 0: not */
	bool dialed; /* by a caller, who waits for its OK */
	bool message;
	bool closing;	/* the other end has closed */
	uint64_t until; /* given up then, 0: never */
	uint8_t *text;	/* message: the one being delivered, ROOM bytes */
	uint32_t text_len, text_at;
};

struct vsock_unit {
	struct cw_unit unit;
	struct cw_vsock_device vsock;
	struct cw_vsock_device_memory memory;
	int epoll, listen[2];
	bool more[2]; /* somebody may wait at a listening socket */
	uint32_t ids;
	unsigned int asked; /* of the keeper, who has not answered yet */
	uint64_t again;	    /* a bit a side: it is looked at once more in the next pass */
	uint64_t next;	    /* when the first is given up */
	struct caller caller[CALLERS];
	struct side side[CONNECTIONS];
	uint8_t *text;
};

static struct vsock_unit *self(struct cw_unit *u)
{
	return (struct vsock_unit *)(void *)u;
}

/* #syscalls epoll_ctl */
static bool watch(struct vsock_unit *u, int fd, enum place place, unsigned int i)
{
	struct epoll_event e = { .events = EPOLLIN | EPOLLRDHUP | EPOLLET,
				 .data.u64 = (uint64_t)place << 32 | i };

	if (place == SIDE)
		e.events |= EPOLLOUT;
	/* A caller becomes a side; a listening socket was watched by the worker before. */
	return !epoll_ctl(u->epoll, EPOLL_CTL_ADD, fd, &e) ||
	       (errno == EEXIST && !epoll_ctl(u->epoll, EPOLL_CTL_MOD, fd, &e));
}

static uint64_t give_up_at(struct vsock_unit *u, uint64_t us)
{
	uint64_t at = unit_now() + us;

	if (at < u->next)
		u->next = at;
	return at;
}

/* ---- the device's calls ---- */

static int ask_keeper(void *ctx, unsigned int i, uint32_t port, bool message)
{
	struct vsock_unit *u = ctx;
	struct side *s = &u->side[i];
	struct cw_ask a;

	u->ids += u->ids == UINT32_MAX ? 2 : 1;
	a = (struct cw_ask){
		.kind = CW_ASK_CONNECT, .port = port, .message = message, .id = u->ids
	};
	if (u->asked == CONNECTIONS || !u->unit.ask || u->unit.ask(u->unit.ask_ctx, &a))
		return CW_ECLOSED;
	u->asked++;
	s->fd = -1;
	s->id = u->ids;
	s->message = message;
	s->dialed = s->closing = false;
	s->text_len = s->text_at = 0;
	s->until = give_up_at(u, PATIENCE_US);
	return CW_EAGAIN;
}

/* #syscalls writev */
static int output(void *ctx, unsigned int i, const struct cw_part *part, unsigned int n)
{
	struct vsock_unit *u = ctx;
	struct side *s = &u->side[i];
	const struct iovec *v = unit_io_out(&u->unit, part, &n);
	ssize_t got;

	if (s->fd < 0 || s->dialed)
		return 0;
	got = writev(s->fd, v, (int)n); /* never blocks; the worker ignores SIGPIPE */
	if (got >= 0)
		return (int)got;
	return errno == EAGAIN || errno == EINTR || errno == ENOBUFS ? 0 : CW_ECLOSED;
}

/*
 * The next message with bytes in it: their number, 0 at the end, -1 with errno. Empty ones, which no packet
 * could carry, are passed over, so many at once: only a message comes with its sender's credentials.
 */
/* #syscalls recvmsg */
static ssize_t receive(struct vsock_unit *u, unsigned int i, bool *cut)
{
	struct iovec v = { u->side[i].text, ROOM };
	union {
		char buf[CMSG_SPACE(sizeof(struct ucred))];
		struct cmsghdr align;
	} from;

	for (unsigned int empty = 0; empty < EMPTY_AT_ONCE; empty++) {
		struct msghdr m = { .msg_iov = &v,
				    .msg_iovlen = 1,
				    .msg_control = from.buf,
				    .msg_controllen = sizeof(from.buf) };
		ssize_t n = recvmsg(u->side[i].fd, &m, MSG_DONTWAIT);

		*cut = m.msg_flags & MSG_TRUNC;
		if (n || !m.msg_controllen)
			return n;
	}
	u->again |= 1ull << i;
	u->next = 0;
	errno = EAGAIN;
	return -1;
}

/* The next message whole, into private memory: 1, 0 at the end, CW_E*. */
static int take_message(struct vsock_unit *u, unsigned int i)
{
	struct side *s = &u->side[i];
	bool cut = false;
	ssize_t n = receive(u, i, &cut);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? CW_EAGAIN : CW_ECLOSED;
	if (cut || (uint32_t)n > cw_vsock_device_room(&u->vsock, i))
		return CW_ECLOSED; /* longer than the remote could ever take */
	s->text_len = (uint32_t)n;
	s->text_at = 0;
	return n > 0;
}

static int input_message(struct vsock_unit *u, unsigned int i, const struct cw_part *part,
			 unsigned int n, bool *end)
{
	struct side *s = &u->side[i];
	uint32_t done = 0;
	int got = s->text_at < s->text_len ? 1 : take_message(u, i);

	if (got <= 0)
		return got;
	for (unsigned int k = 0; k < n && s->text_at < s->text_len; k++) {
		uint32_t left = s->text_len - s->text_at;
		uint32_t len = left < part[k].len ? left : (uint32_t)part[k].len;

		cw_copy_out(part[k].ptr, s->text + s->text_at, len);
		s->text_at += len;
		done += len;
	}
	*end = s->text_at == s->text_len;
	return (int)done;
}

/* #syscalls readv */
static int input(void *ctx, unsigned int i, const struct cw_part *part, unsigned int n, bool *end)
{
	struct vsock_unit *u = ctx;
	struct side *s = &u->side[i];
	unsigned int parts = n;
	const struct iovec *v;
	ssize_t got;

	if (s->fd < 0 || s->dialed)
		return CW_EAGAIN;
	if (s->message)
		return input_message(u, i, part, n, end);
	v = unit_io_in(&u->unit, part, &n);
	got = readv(s->fd, v, (int)n);
	if (got < 0)
		return errno == EAGAIN || errno == EINTR ? CW_EAGAIN : CW_ECLOSED;
	unit_io_got(&u->unit, part, parts, (size_t)got);
	return (int)got;
}

/* #syscalls shutdown */
static void shut(void *ctx, unsigned int i, unsigned int how)
{
	struct vsock_unit *u = ctx;

	if (u->side[i].fd < 0)
		return;
	if (how & CW_VSOCK_SHUT_SEND)
		shutdown(u->side[i].fd, SHUT_WR);
	if (how & CW_VSOCK_SHUT_RCV)
		shutdown(u->side[i].fd, SHUT_RD);
}

/* #syscalls close */
static void closed(void *ctx, unsigned int i)
{
	struct vsock_unit *u = ctx;
	struct side *s = &u->side[i];

	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
	s->id = 0;
	s->until = 0;
}

/* "OK N\n", which a new socket always has room for. */
/* #syscalls write */
static void opened(void *ctx, unsigned int i)
{
	struct vsock_unit *u = ctx;
	struct side *s = &u->side[i];
	char line[20];
	int n = snprintf(line, sizeof(line), "OK %u\n", cw_vsock_device_port(&u->vsock, i));

	s->dialed = false;
	s->until = 0;
	if (write(s->fd, line, (size_t)n) == n && watch(u, s->fd, SIDE, i))
		cw_vsock_device_readable(&u->vsock, i); /* it may have come before */
	else
		cw_vsock_device_abort(&u->vsock, i);
}

static const struct cw_vsock_device_ops vsock_ops = {
	.connect = ask_keeper,
	.opened = opened,
	.output = output,
	.input = input,
	.shut = shut,
	.closed = closed,
};

static void given(struct cw_unit *unit, uint32_t id, int fd)
{
	struct vsock_unit *u = self(unit);
	struct side *s = NULL;
	unsigned int i;

	u->asked -= u->asked != 0;
	for (i = 0; i < CONNECTIONS && !s; i++)
		if (id && u->side[i].id == id)
			s = &u->side[i];
	if (!s) { /* the remote gave up meanwhile */
		if (fd >= 0)
			close(fd);
		return;
	}
	i = (unsigned int)(s - u->side);
	s->fd = fd;
	s->id = 0;
	s->until = 0;
	if (fd >= 0 && !watch(u, fd, SIDE, i)) {
		close(fd);
		s->fd = -1;
	}
	cw_vsock_device_answer(&u->vsock, i, s->fd >= 0);
}

/* ---- callers ---- */

static void dismiss(struct caller *c)
{
	close(c->fd);
	c->fd = -1;
}

/* The port of "CONNECT P\n", or false. */
static bool port_of(const char *line, unsigned int len, uint32_t *port)
{
	uint64_t value = 0;

	if (len < 10 || memcmp(line, "CONNECT ", 8) != 0 || line[len - 1] != '\n')
		return false;
	for (unsigned int i = 8; i < len - 1; i++) {
		if (line[i] < '0' || line[i] > '9')
			return false;
		value = value * 10 + (unsigned int)(line[i] - '0');
		if (value >= CW_VSOCK_PORT_ANY)
			return false;
	}
	*port = (uint32_t)value;
	return true;
}

static void dial(struct vsock_unit *u, struct caller *c)
{
	uint32_t port;
	int i = port_of(c->line, c->len, &port) ? cw_vsock_device_dial(&u->vsock, port, c->message)
						: CW_EINVAL;

	if (i < 0) {
		dismiss(c);
		return;
	}
	u->side[i] = (struct side){ .fd = c->fd,
				    .dialed = true,
				    .message = c->message,
				    .until = give_up_at(u, PATIENCE_US),
				    .text = u->side[i].text };
	c->fd = -1;
}

/* Its line and not a byte more: what follows is for the remote. */
/* #syscalls recvfrom */
static void listen_to(struct vsock_unit *u, struct caller *c)
{
	while (c->fd >= 0) {
		size_t most = c->message ? LINE_MAX_ : 1;
		ssize_t n = recv(c->fd, c->line + c->len, most, MSG_DONTWAIT);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n > 0)
			c->len += (unsigned int)n;
		if (n > 0 && (c->message || c->line[c->len - 1] == '\n'))
			dial(u, c);
		else if (n <= 0 || c->len == LINE_MAX_)
			dismiss(c);
	}
}

static struct caller *free_place(struct vsock_unit *u)
{
	for (unsigned int i = 0; i < CALLERS; i++)
		if (u->caller[i].fd < 0)
			return &u->caller[i];
	return NULL;
}

/* All who wait, or as many as there are places for: no edge tells of them again. */
/* #syscalls accept4 */
static bool pick_up(struct vsock_unit *u, unsigned int which)
{
	bool any = false;
	struct caller *c;

	/* So many in one go, however fast they come and are sent away. */
	for (unsigned int n = 0; n < CALLERS && u->more[which] && (c = free_place(u)); n++) {
		c->fd = accept4(u->listen[which], NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (c->fd < 0) {
			u->more[which] = false;
			break;
		}
		any = true;
		c->message = which;
		c->len = 0;
		c->until = give_up_at(u, PATIENCE_US);
		if (watch(u, c->fd, CALLER, (unsigned int)(c - u->caller)))
			listen_to(u, c);
		else
			dismiss(c);
	}
	if (u->more[which] && free_place(u))
		u->next = 0; /* the others in the next pass */
	return any;
}

static bool pick_up_all(struct vsock_unit *u)
{
	bool streams = pick_up(u, LISTEN_STREAM), messages = pick_up(u, LISTEN_MESSAGE);

	return streams || messages;
}

/* ---- waiting ---- */

static void happened(struct vsock_unit *u, const struct epoll_event *e)
{
	enum place place = (enum place)(e->data.u64 >> 32);
	unsigned int i = (unsigned int)e->data.u64;

	if (place == LISTEN_STREAM || place == LISTEN_MESSAGE) {
		u->more[place] = true;
	} else if (place == CALLER) {
		/* Its place may be another's by now, who is only looked after once more than needed. */
		if (u->caller[i].fd >= 0)
			listen_to(u, &u->caller[i]);
	} else if (u->side[i].fd >= 0 && !u->side[i].dialed) {
		u->side[i].closing |= (e->events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
		if (e->events & EPOLLOUT)
			cw_vsock_device_writable(&u->vsock, i);
		if (e->events & (EPOLLIN | EPOLLRDHUP))
			cw_vsock_device_readable(&u->vsock, i);
		if (u->side[i].fd >= 0 && e->events & (EPOLLHUP | EPOLLERR)) {
			u->side[i].until = give_up_at(u, LEAVE_US);
			cw_vsock_device_hung(&u->vsock, i);
		}
	}
}

/* #syscalls epoll_wait */
static bool look(struct cw_unit *unit)
{
	struct vsock_unit *u = self(unit);
	struct epoll_event e[EVENTS];
	int n = epoll_wait(u->epoll, e, EVENTS, 0);

	for (int i = 0; i < n; i++)
		happened(u, &e[i]);
	/* Also after those above made room. */
	return pick_up_all(u) || n > 0;
}

static void late(struct vsock_unit *u, unsigned int i)
{
	struct side *s = &u->side[i];

	if (s->closing && !cw_vsock_device_leaving(&u->vsock, i)) {
		/* The remote takes its time to read what is left, which it may. */
		s->until = give_up_at(u, LEAVE_US);
	} else if (s->id) {
		s->until = 0;
		s->id = 0;
		cw_vsock_device_answer(&u->vsock, i, false);
	} else {
		cw_vsock_device_abort(&u->vsock, i);
	}
}

static void look_again(struct vsock_unit *u)
{
	uint64_t again = u->again;

	u->again = 0;
	for (unsigned int i = 0; i < CONNECTIONS; i++)
		if (again >> i & 1)
			cw_vsock_device_readable(&u->vsock, i);
}

static void give_up(struct vsock_unit *u, uint64_t now)
{
	u->next = CW_LINK_NEVER;
	for (unsigned int i = 0; i < CALLERS; i++)
		if (u->caller[i].fd >= 0 && u->caller[i].until <= now)
			dismiss(&u->caller[i]);
	for (unsigned int i = 0; i < CONNECTIONS; i++)
		if (u->side[i].until && u->side[i].until <= now)
			late(u, i);
	for (unsigned int i = 0; i < CALLERS; i++)
		if (u->caller[i].fd >= 0 && u->caller[i].until < u->next)
			u->next = u->caller[i].until;
	for (unsigned int i = 0; i < CONNECTIONS; i++)
		if (u->side[i].until && u->side[i].until < u->next)
			u->next = u->side[i].until;
}

static unsigned int fds(struct cw_unit *unit, struct pollfd *p)
{
	p->fd = self(unit)->epoll;
	p->events = POLLIN;
	return 1;
}

static void ready(struct cw_unit *unit, const struct pollfd *p, unsigned int n)
{
	struct vsock_unit *u = self(unit);
	uint64_t now = unit_now();
	bool due = u->next <= now;

	if (n && p->revents)
		look(unit);
	if (due) {
		give_up(u, now);
		look_again(u);
		pick_up_all(u);
	}
}

static uint64_t deadline(struct cw_unit *unit)
{
	return self(unit)->next;
}

static void stats(const struct cw_unit *unit, struct cw_unit_stats *s)
{
	const struct cw_vsock_device *v = &((const struct vsock_unit *)(const void *)unit)->vsock;

	s->rx_packets = v->count.rx_packets;
	s->rx_bytes = v->count.rx_bytes;
	s->tx_packets = v->count.tx_packets;
	s->tx_bytes = v->count.tx_bytes;
	s->dropped = v->count.refused;
	s->strange = v->vsock.strange;
}

static int begin(struct cw_unit *unit)
{
	struct vsock_unit *u = self(unit);

	u->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (u->epoll < 0)
		return -1;
	for (unsigned int i = 0; i < 2; i++)
		if (!watch(u, u->listen[i], i ? LISTEN_MESSAGE : LISTEN_STREAM, 0))
			return -1;
	return 0;
}

static void unit_free(struct cw_unit *unit)
{
	struct vsock_unit *u = self(unit);

	for (unsigned int i = 0; i < CALLERS; i++)
		if (u->caller[i].fd >= 0)
			close(u->caller[i].fd);
	for (unsigned int i = 0; i < CONNECTIONS; i++)
		if (u->side[i].fd >= 0)
			close(u->side[i].fd);
	if (u->epoll >= 0)
		close(u->epoll);
	free(u->memory.state);
	free(u->memory.conn);
	free(u->memory.dirty);
	free(u->memory.bytes);
	free(u->text);
	free(u);
}

static const struct cw_unit_ops ops = {
	.begin = begin,
	.fds = fds,
	.ready = ready,
	.look = look,
	.deadline = deadline,
	.given = given,
	.stats = stats,
	.free = unit_free,
};

/* Untouched memory costs nothing until a connection needs it. */
static bool make_memory(struct vsock_unit *u)
{
	struct cw_vsock_device_memory *m = &u->memory;

	m->conns = CONNECTIONS;
	m->room = ROOM;
	m->state = calloc(CONNECTIONS, sizeof(*m->state));
	m->conn = calloc(CONNECTIONS, sizeof(*m->conn));
	m->dirty = calloc(CONNECTIONS, sizeof(*m->dirty));
	m->bytes = calloc(CONNECTIONS, cw_vsock_fifo_bytes(ROOM));
	u->text = calloc(CONNECTIONS, ROOM);
	return m->state && m->conn && m->dirty && m->bytes && u->text;
}

struct cw_unit *unit_vsock(const struct cw_board_device *d, const struct cw_backend_fds *f,
			   struct cw_device_queue *q)
{
	struct vsock_unit *u = calloc(1, sizeof(*u));

	if (!u)
		return NULL;
	u->unit.ops = &ops;
	u->unit.dev = &u->vsock.dev;
	u->epoll = -1;
	u->next = CW_LINK_NEVER;
	u->listen[0] = f->fd[VSOCK_STREAMS];
	u->listen[1] = f->fd[VSOCK_MESSAGES];
	for (unsigned int i = 0; i < CALLERS; i++)
		u->caller[i].fd = -1;
	for (unsigned int i = 0; i < CONNECTIONS; i++)
		u->side[i].fd = -1;
	errno = EINVAL;
	if (!make_memory(u) ||
	    cw_vsock_device_init(&u->vsock, &vsock_ops, u, d->cid, &u->memory, q)) {
		unit_free(&u->unit);
		return NULL;
	}
	for (unsigned int i = 0; i < CONNECTIONS; i++)
		u->side[i].text = u->text + (size_t)i * ROOM;
	return &u->unit;
}
