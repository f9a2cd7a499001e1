// SPDX-License-Identifier: BSD-3-Clause
/*
 * Messages: every service that a remote announces is a unix socket (SEQPACKET), a packet a message.
 *
 * Theory of operation: the channel's table of services says what there is to be, place[] what there is;
 * settle() takes each a step closer, from wherever it stands, so a remote that announces and takes back as
 * fast as it can leaves nothing behind and is no more work than the bucket allows. Only the keeper can make
 * a socket's file and remove it; it is asked, and gives the listening descriptor. A service has an endpoint
 * of its name, and each client one without a name, so that the remote can tell clients apart and answer one.
 *
 * What a client writes waits for the remote in the client's socket, but for one message. What the remote
 * sends goes to the client's socket, then to so much memory beside, and then it is lost for that client:
 * who does not read holds up nobody else.
 *
 * Where the board grants file calls this side has a service of its own (rpmsg_files.c), and the remote's
 * endpoint of that name is its client: no socket.
 */
#include "rpmsg_files.h"

#include <causeway/abi/files.h>
#include <causeway/core/err.h>
#include <causeway/core/shm.h>
#include <causeway/device/rpmsg.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define SERVICES    CW_RPMSG_SERVICES
#define CLIENTS	    CW_RPMSG_CLIENTS
#define OWN	    4u /* endpoints that this side has beside them */
#define HELD	    8u /* messages kept for a client that does not read */
#define MOST	    65536u
#define EVENTS	    32
#define AT_ONCE	    16	/* messages of a client in one go */
#define LEFT	    512 /* messages that a socket can hold */
#define BURST	    32u /* wishes to the keeper at once, and then so many a second: */
#define A_SECOND    50u
#define AGAIN_US    100000u  /* after the keeper said no, then ever later: */
#define AGAIN_MOST  6u	     /* so many times twice as late */
#define PATIENCE_US 5000000u /* with a keeper that says nothing */

enum kind { LISTENING, CLIENT }; /* what an event is of */
enum file { NONE, ASKED, THERE, LEAVING };

struct place { /* of a service, by its number in the channel's table */
	bool open;
	uint32_t addr;
	char name[CW_RPMSG_NAME];
	struct cw_rpmsg_endpoint *e;
	uint8_t *assembly;
	enum file file;
	uint32_t id;   /* of what the keeper was asked */
	uint64_t when; /* patience with it, or when to ask */
	int listen;    /* -1: none */
	bool more;     /* somebody may wait there */
	unsigned int refused;
	unsigned int clients;
	struct client *sends; /* pieces, of which the remote takes those of one at a time */
	uint64_t to_linux, to_remote, dropped;
};

struct client {
	int fd; /* -1: it has gone; free when there is no endpoint either */
	struct place *at;
	struct cw_rpmsg_endpoint *e;
	bool more;	   /* it may have something to read */
	uint32_t len;	   /* of the message on its way to the remote, 0: none */
	uint32_t sent;	   /* of it, when it goes in pieces */
	bool waits;	   /* until it may begin to send pieces */
	uint8_t *text;	   /* that message */
	uint8_t *hold;	   /* HELD messages for it */
	uint8_t *assembly; /* a long message for it */
	uint32_t hold_len[HELD];
	unsigned int first, held;
};

struct rpmsg_unit {
	struct cw_unit unit;
	struct cw_rpmsg_device rpmsg;
	struct cw_rpmsg channel;
	struct cw_rpmsg_endpoint endpoint[SERVICES + CLIENTS + OWN];
	struct cw_rpmsg_service service[SERVICES];
	struct cw_rpmsg_slot *slot;
	struct place place[SERVICES];
	struct client client[CLIENTS];
	uint8_t *memory;
	struct rpmsg_files *files; /* NULL: not granted */
	int epoll;
	uint32_t ids;
	uint64_t next; /* when something is due */
	uint64_t refilled;
	unsigned int credit;
	struct cw_unit_stats count;
};

static struct rpmsg_unit *self(struct cw_unit *u)
{
	return (struct rpmsg_unit *)(void *)u;
}

static struct rpmsg_unit *unit_of(struct cw_rpmsg_endpoint *e)
{
	return e->channel->conf.ctx;
}

/* #syscalls epoll_ctl */
static bool watch(struct rpmsg_unit *u, int fd, enum kind kind, unsigned int i)
{
	struct epoll_event e = { .events = EPOLLIN | EPOLLRDHUP | EPOLLET,
				 .data.u64 = (uint64_t)kind << 32 | i };

	if (kind == CLIENT)
		e.events |= EPOLLOUT;
	return !epoll_ctl(u->epoll, EPOLL_CTL_ADD, fd, &e);
}

static void due(struct rpmsg_unit *u, uint64_t at)
{
	if (at < u->next)
		u->next = at;
}

static void lost(struct rpmsg_unit *u, struct place *p)
{
	p->dropped++;
	u->count.dropped++;
}

/* ---- from the remote to clients ---- */

/* #syscalls writev */
static bool put(struct rpmsg_unit *u, struct client *c, const void *data, size_t len)
{
	const struct cw_part part = { (uint8_t *)(uintptr_t)data, len };
	unsigned int n = 1;
	const struct iovec *v = unit_io_out(&u->unit, &part, &n);

	/* Never blocks; the worker ignores SIGPIPE. Who has gone is noticed when reading. */
	return writev(c->fd, v, (int)n) >= 0 || (errno != EAGAIN && errno != ENOBUFS);
}

static void deliver(struct rpmsg_unit *u, struct client *c, const struct cw_rpmsg_msg *m)
{
	unsigned int i = (c->first + c->held) % HELD;

	if (c->fd < 0)
		return;
	if (!c->held && put(u, c, m->data, m->len))
		return;
	if (c->held == HELD || m->len > MOST) {
		lost(u, c->at);
		return;
	}
	c->hold_len[i] = cw_rpmsg_copy(m, 0, c->hold + (size_t)i * MOST, m->len);
	c->held++;
}

static bool came(struct rpmsg_unit *u, struct place *p, const struct cw_rpmsg_msg *m)
{
	p->to_linux++;
	u->count.tx_packets++;
	u->count.tx_bytes += m->len;
	if (m->len)
		return true;
	lost(u, p); /* no packet could carry it */
	return false;
}

static int to_one(struct cw_rpmsg_endpoint *e, const struct cw_rpmsg_msg *m)
{
	struct rpmsg_unit *u = unit_of(e);
	struct client *c = e->ctx;

	if (came(u, c->at, m))
		deliver(u, c, m);
	return 0;
}

static int to_all(struct cw_rpmsg_endpoint *e, const struct cw_rpmsg_msg *m)
{
	struct rpmsg_unit *u = unit_of(e);
	struct place *p = e->ctx;

	if (!came(u, p, m))
		return 0;
	for (unsigned int i = 0; i < CLIENTS && p->clients; i++)
		if (u->client[i].at == p)
			deliver(u, &u->client[i], m);
	return 0;
}

static void catch_up(struct rpmsg_unit *u, struct client *c)
{
	while (c->held && put(u, c, c->hold + (size_t)c->first * MOST, c->hold_len[c->first])) {
		c->first = (c->first + 1) % HELD;
		c->held--;
	}
}

/* ---- from clients to the remote ---- */

/* #syscalls close */
static void drop(struct rpmsg_unit *u, struct client *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	if (!c->at)
		return;
	cw_rpmsg_destroy(c->e);
	c->at->clients--;
	c->at = NULL;
	due(u, 0); /* somebody may have waited for the place */
}

/* The next in turn. */
static void next_sends(struct rpmsg_unit *u, struct place *p, const struct client *c)
{
	unsigned int at = (unsigned int)(c - u->client);

	p->sends = NULL;
	for (unsigned int i = 1; i < CLIENTS && !p->sends; i++) {
		struct client *o = &u->client[(at + i) % CLIENTS];

		if (o->at != p || !o->waits)
			continue;
		p->sends = o;
		o->more = true;
		due(u, 0);
	}
}

/* False: not now. */
static bool pass_on(struct rpmsg_unit *u, struct client *c)
{
	struct place *p = c->at;
	int err;

	if (!c->len)
		return true;
	if (c->len > cw_rpmsg_mtu(&u->channel) && u->channel.fragment) {
		c->waits = p->sends && p->sends != c;
		if (c->waits)
			return false;
		p->sends = c;
	}
	err = cw_rpmsg_send_more(c->e, c->text, c->len, &c->sent);
	if (err == CW_EAGAIN)
		return false;
	if (err == CW_ERESET || err == CW_EPEER) {
		cw_device_fault(&u->rpmsg.dev, err);
		return false; /* there is no client any more */
	}
	if (err) {
		lost(u, p);
	} else {
		p->to_remote++;
		u->count.rx_packets++;
		u->count.rx_bytes += c->len;
	}
	c->len = c->sent = 0;
	if (p->sends == c)
		next_sends(u, p, c);
	return true;
}

/*
 * Its next message, as recvmsg. One without a byte is no end: only a message comes with credentials. A
 * client that left answers unread is told of by an error, once, and what it said is behind that.
 */
/* #syscalls recvmsg */
static ssize_t take(struct client *c, bool *message, bool *cut)
{
	struct iovec v = { c->text, MOST };
	union {
		char buf[CMSG_SPACE(sizeof(struct ucred))];
		struct cmsghdr align;
	} from;
	struct msghdr m = { .msg_iov = &v,
			    .msg_iovlen = 1,
			    .msg_control = from.buf,
			    .msg_controllen = sizeof(from.buf) };
	ssize_t n = recvmsg(c->fd, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	if (n < 0 && errno == ECONNRESET)
		n = recvmsg(c->fd, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	*message = n > 0 || (!n && m.msg_controllen);
	*cut = m.msg_flags & MSG_TRUNC;
	return n;
}

/* All that it has said, unless the remote has no room, or it is others' turn. */
static void listen_to(struct rpmsg_unit *u, struct client *c)
{
	bool message = true, cut;

	c->more = false;
	for (unsigned int n = 0; n < AT_ONCE; n++) {
		ssize_t len;

		if (!pass_on(u, c))
			return;
		if (c->fd < 0)
			break;
		len = take(c, &message, &cut);
		if (len < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (!message)
			break;
		if (cut || !len)
			lost(u, c->at);
		else
			c->len = (uint32_t)len;
	}
	if (c->fd >= 0 && message) {
		c->more = true;
		due(u, 0);
	} else {
		drop(u, c);
	}
}

static void room(struct cw_rpmsg_endpoint *e)
{
	listen_to(unit_of(e), e->ctx);
}

static const struct cw_rpmsg_endpoint_ops one_client = { .receive = to_one, .writable = room };
static const struct cw_rpmsg_endpoint_ops all_clients = { .receive = to_all };

static bool seat(struct rpmsg_unit *u, struct place *p, struct client *c, int fd)
{
	const struct cw_rpmsg_spec spec = {
		.addr = CW_RPMSG_ANY,
		.dst = p->addr,
		.ops = &one_client,
		.ctx = c,
		.assembly = c->assembly,
		.assembly_size = MOST,
	};

	if (cw_rpmsg_create(&u->channel, &spec, &c->e))
		return false;
	c->fd = fd;
	c->at = p;
	c->len = c->sent = c->first = c->held = 0;
	c->waits = false;
	p->clients++;
	if (watch(u, fd, CLIENT, (unsigned int)(c - u->client)))
		return true;
	c->fd = -1;
	drop(u, c);
	return false;
}

/* Who is not picked up waits: no edge tells of them again, but that a place became free. */
/* #syscalls accept4 */
static void pick_up(struct rpmsg_unit *u, struct place *p)
{
	for (unsigned int i = 0; i < CLIENTS && p->more; i++) {
		struct client *c = &u->client[i];
		int fd;

		if (c->at)
			continue;
		fd = accept4(p->listen, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0)
			p->more = false;
		else if (!seat(u, p, c, fd))
			close(fd);
	}
}

/* ---- services ---- */

/* Also of what it has said: a socket closed over unread messages looks like a mistake to its other end. */
/* #syscalls shutdown recvfrom */
static void send_away(struct rpmsg_unit *u, struct client *c)
{
	char byte;

	if (c->fd >= 0) {
		shutdown(c->fd, SHUT_RDWR);
		for (unsigned int i = 0; i < LEFT; i++)
			if (recv(c->fd, &byte, 1, MSG_DONTWAIT) < 1)
				break;
	}
	drop(u, c);
}

static void close_place(struct rpmsg_unit *u, struct place *p)
{
	for (unsigned int i = 0; i < CLIENTS && p->clients; i++)
		if (u->client[i].at == p)
			send_away(u, &u->client[i]);
	if (p->listen >= 0)
		close(p->listen);
	p->listen = -1;
	p->more = false;
	cw_rpmsg_destroy(p->e);
	if (p->file != NONE)
		p->file = LEAVING;
	p->when = 0;
	p->open = false;
	p->sends = NULL;
}

static bool open_place(struct rpmsg_unit *u, struct place *p, const struct cw_rpmsg_service *s)
{
	const struct cw_rpmsg_spec spec = {
		.name = s->name,
		.addr = CW_RPMSG_ANY,
		.dst = CW_RPMSG_ANY,
		.ops = &all_clients,
		.ctx = p,
		.assembly = p->assembly,
		.assembly_size = MOST,
	};

	if (cw_rpmsg_create(&u->channel, &spec, &p->e))
		return false;
	memcpy(p->name, s->name, sizeof(p->name));
	p->addr = s->addr;
	p->open = true;
	p->to_linux = p->to_remote = p->dropped = 0;
	return true;
}

static bool may_ask(struct rpmsg_unit *u)
{
	uint64_t now = unit_now(), earned = (now - u->refilled) * A_SECOND / 1000000u;

	if (earned) {
		u->refilled = now;
		u->credit = earned > BURST - u->credit ? BURST : u->credit + (unsigned int)earned;
	}
	if (!u->credit)
		return false;
	u->credit--;
	return true;
}

static bool ask(struct rpmsg_unit *u, struct place *p, enum cw_ask_kind kind)
{
	struct cw_ask a = { .kind = kind, .port = (uint32_t)(p - u->place), .id = p->id };

	memcpy(a.name, p->name, sizeof(a.name));
	return u->unit.ask && !u->unit.ask(u->unit.ask_ctx, &a);
}

/* A step, or a time at which it is tried again. */
static void settle_file(struct rpmsg_unit *u, struct place *p, uint64_t now)
{
	if (p->file == ASKED && now >= p->when)
		p->file = LEAVING; /* whatever came of it */
	if (p->file == LEAVING && ask(u, p, CW_ASK_UNPUBLISH))
		p->file = NONE;
	if (p->file == NONE && p->open && now >= p->when && may_ask(u)) {
		u->ids += u->ids == UINT32_MAX ? 2 : 1;
		p->id = u->ids;
		if (ask(u, p, CW_ASK_PUBLISH)) {
			p->file = ASKED;
			p->when = now + PATIENCE_US;
		}
	}
	if (p->file == ASKED)
		due(u, p->when);
	else if (p->file == LEAVING || (p->file == NONE && p->open))
		due(u, p->when > now ? p->when : now + AGAIN_US);
}

static bool wanted(const struct rpmsg_unit *u, const struct cw_rpmsg_service *s)
{
	if (s->addr == CW_RPMSG_ANY)
		return false;
	return !u->files || strcmp(s->name, CW_FILES_NAME) != 0;
}

static void settle(struct rpmsg_unit *u)
{
	uint64_t now = unit_now();

	for (unsigned int i = 0; i < SERVICES; i++) {
		const struct cw_rpmsg_service *s = &u->service[i];
		struct place *p = &u->place[i];

		if (p->open &&
		    (s->addr != p->addr || memcmp(s->name, p->name, sizeof(p->name)) != 0))
			close_place(u, p);
		if (!p->open && wanted(u, s) && !open_place(u, p, s))
			due(u, now + AGAIN_US);
		settle_file(u, p, now);
	}
}

static void link_changed(void *ctx, bool up)
{
	(void)up; /* the table of services says it */
	settle(ctx);
}

static void service(void *ctx, const char *name, uint32_t addr, bool there)
{
	(void)name;
	(void)addr;
	(void)there;
	settle(ctx);
}

static const struct cw_rpmsg_ops channel_ops = { .link = link_changed, .service = service };

static void given(struct cw_unit *unit, uint32_t id, int fd)
{
	struct rpmsg_unit *u = self(unit);
	struct place *p = NULL;

	for (unsigned int i = 0; i < SERVICES && !p; i++)
		if (u->place[i].file == ASKED && u->place[i].id == id)
			p = &u->place[i];
	if (p && fd >= 0 && watch(u, fd, LISTENING, (unsigned int)(p - u->place))) {
		p->file = THERE;
		p->refused = 0;
		p->listen = fd;
		p->more = true;
		pick_up(u, p);
		cw_rpmsg_device_run(&u->rpmsg);
		return;
	}
	if (fd >= 0)
		close(fd); /* of a service that has ended */
	if (p) {
		p->file = fd >= 0 ? LEAVING : NONE;
		p->when = unit_now() + (AGAIN_US << p->refused);
		p->refused += p->refused < AGAIN_MOST;
		due(u, p->when);
	}
}

/* ---- waiting ---- */

static void happened(struct rpmsg_unit *u, const struct epoll_event *e)
{
	unsigned int i = (unsigned int)e->data.u64;
	struct client *c = &u->client[i % CLIENTS];

	if (e->data.u64 >> 32 == LISTENING) {
		u->place[i % SERVICES].more = u->place[i % SERVICES].listen >= 0;
		due(u, 0);
		return;
	}
	/* It may be another's by now, who is only looked after once more than needed. */
	if (c->fd >= 0 && e->events & EPOLLOUT)
		catch_up(u, c);
	if (c->fd >= 0 && e->events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		listen_to(u, c);
}

static void tend(struct rpmsg_unit *u)
{
	u->next = CW_LINK_NEVER;
	settle(u);
	for (unsigned int i = 0; i < CLIENTS; i++)
		if (u->client[i].at && u->client[i].more)
			listen_to(u, &u->client[i]);
	for (unsigned int i = 0; i < SERVICES; i++)
		if (u->place[i].more)
			pick_up(u, &u->place[i]);
}

/* What the thread beside has done. */
static bool answer(struct rpmsg_unit *u)
{
	if (!u->files || !rpmsg_files_done(u->files))
		return false;
	rpmsg_files_collect(u->files);
	return true;
}

/* #syscalls epoll_wait */
static bool look(struct cw_unit *unit)
{
	struct rpmsg_unit *u = self(unit);
	struct epoll_event e[EVENTS];
	int n = epoll_wait(u->epoll, e, EVENTS, 0);
	bool any = answer(u);

	if (any)
		cw_rpmsg_device_run(&u->rpmsg);
	if (n <= 0)
		return any;
	cw_rpmsg_flush(&u->channel); /* a service is announced before its clients are heard */
	for (int i = 0; i < n; i++)
		happened(u, &e[i]);
	if (!u->next)
		tend(u);
	cw_rpmsg_device_run(&u->rpmsg);
	return true;
}

static unsigned int fds(struct cw_unit *unit, struct pollfd *p)
{
	const struct rpmsg_unit *u = self(unit);

	p[0].fd = u->epoll;
	p[0].events = POLLIN;
	if (!u->files)
		return 1;
	p[1].fd = rpmsg_files_fd(u->files);
	p[1].events = POLLIN;
	return 2;
}

static void ready(struct cw_unit *unit, const struct pollfd *p, unsigned int n)
{
	struct rpmsg_unit *u = self(unit);

	if (n > 1 && p[1].revents)
		rpmsg_files_collect(u->files);
	if (n && p->revents)
		look(unit);
	if (u->next <= unit_now())
		tend(u);
	cw_rpmsg_device_run(&u->rpmsg);
}

static uint64_t deadline(struct cw_unit *unit)
{
	struct rpmsg_unit *u = self(unit);
	uint64_t at = cw_rpmsg_deadline(&u->channel);

	return at < u->next ? at : u->next;
}

static void stats(const struct cw_unit *unit, struct cw_unit_stats *s)
{
	const struct rpmsg_unit *u = (const struct rpmsg_unit *)(const void *)unit;
	const struct cw_rpmsg_counters *c = &u->channel.count;

	*s = u->count;
	s->errors = c->errors;
	s->strange =
		(uint64_t)c->bad + c->unknown + c->ns_bad + c->fragment + u->rpmsg.remote.q.strange;
	s->strange += u->files ? rpmsg_files_strange(u->files) : 0;
}

static void channel(const struct cw_unit *unit, struct cw_unit_channel *c)
{
	const struct rpmsg_unit *u = (const struct rpmsg_unit *)(const void *)unit;
	const struct cw_rpmsg_counters *n = &u->channel.count;

	c->up = cw_rpmsg_is_up(&u->channel);
	c->bad = n->bad;
	c->unknown = n->unknown;
	c->ns_bad = n->ns_bad;
	c->ns_full = n->ns_full;
	c->fragment = n->fragment;
	c->lost = n->lost;
	c->errors = n->errors;
	for (unsigned int i = 0; i < SERVICES; i++) {
		const struct place *p = &u->place[i];
		struct cw_unit_service *s = &c->service[i];

		s->addr = p->open ? p->addr : UINT32_MAX;
		if (!p->open)
			continue;
		memcpy(s->name, p->name, sizeof(s->name));
		s->clients = p->clients;
		s->to_linux = p->to_linux;
		s->to_remote = p->to_remote;
		s->dropped = p->dropped;
	}
}

static int begin(struct cw_unit *unit)
{
	struct rpmsg_unit *u = self(unit);

	u->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (u->epoll < 0)
		return -1;
	return u->files ? rpmsg_files_begin(u->files) : 0;
}

static void unit_free(struct cw_unit *unit)
{
	struct rpmsg_unit *u = self(unit);

	for (unsigned int i = 0; i < CLIENTS; i++)
		if (u->client[i].fd >= 0)
			close(u->client[i].fd);
	for (unsigned int i = 0; i < SERVICES; i++)
		if (u->place[i].listen >= 0)
			close(u->place[i].listen);
	if (u->epoll >= 0)
		close(u->epoll);
	rpmsg_files_free(u->files);
	unit_queues_free(u->rpmsg.dev.queue);
	free(u->slot);
	free(u->memory);
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
	.channel = channel,
	.free = unit_free,
};

/* Untouched memory costs nothing until a client needs it. */
static bool make_memory(struct rpmsg_unit *u, const struct cw_layout_device *place)
{
	uint8_t *p = calloc(SERVICES + CLIENTS * (HELD + 2), MOST);

	u->memory = p;
	u->slot = calloc(2u * place->queue_size, sizeof(*u->slot));
	if (!p || !u->slot)
		return false;
	for (unsigned int i = 0; i < SERVICES; i++, p += MOST) {
		u->place[i].assembly = p;
		u->place[i].listen = -1;
	}
	for (unsigned int i = 0; i < CLIENTS; i++, p += (size_t)(HELD + 2) * MOST) {
		u->client[i].fd = -1;
		u->client[i].text = p;
		u->client[i].assembly = p + MOST;
		u->client[i].hold = p + 2 * (size_t)MOST;
	}
	return true;
}

static uint64_t now_(void *ctx)
{
	(void)ctx;
	return unit_now();
}

static const struct cw_rpmsg_device_ops device_ops = { .now = now_ };

static int make_channel(struct rpmsg_unit *u, const struct cw_board_device *d,
			const struct cw_layout_device *place)
{
	const struct cw_rpmsg_config conf = {
		.endpoint = u->endpoint,
		.endpoints = sizeof(u->endpoint) / sizeof(u->endpoint[0]),
		.services = SERVICES,
		.service = u->service,
		.ops = &channel_ops,
		.ctx = u,
		.credit = &cw_rpmsg_credit,
		.fragment = &cw_rpmsg_fragment,
		.repeats = CW_RPMSG_REPEATS,
	};
	struct cw_device_queue *q = u->rpmsg.dev.queue;
	int err = cw_rpmsg_init(&u->channel, &conf);

	err = err ? err
		  : cw_rpmsg_device_init(&u->rpmsg, &u->channel, &device_ops, u, d->to_host,
					 d->to_remote, q, u->slot, u->slot + place->queue_size);
	u->rpmsg.dev.queue = q;
	return err;
}

struct cw_unit *unit_rpmsg(const struct cw_board_device *d, const struct cw_layout_device *place,
			   const struct cw_backend_fds *f)
{
	struct rpmsg_unit *u = calloc(1, sizeof(*u));
	struct cw_device_queue *q = unit_queues(place);

	if (!u || !q) {
		free(u);
		unit_queues_free(q);
		return NULL;
	}
	u->unit.ops = &ops;
	u->unit.dev = &u->rpmsg.dev;
	u->rpmsg.dev.queue = q;
	u->epoll = -1;
	u->next = CW_LINK_NEVER;
	u->credit = BURST;
	u->refilled = unit_now();
	errno = EINVAL;
	for (unsigned int i = 0; i < CLIENTS; i++)
		u->client[i].fd = -1;
	for (unsigned int i = 0; i < SERVICES; i++)
		u->place[i].listen = -1;
	if (!make_memory(u, place) || make_channel(u, d, place))
		goto bad;
	if (f->n) {
		u->files = rpmsg_files_new(d, f, &u->channel);
		if (!u->files)
			goto bad;
	}
	return &u->unit;
bad:
	unit_free(&u->unit);
	return NULL;
}
