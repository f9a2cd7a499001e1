// SPDX-License-Identifier: BSD-3-Clause
/*
 * Clients of a remote's services: the programs at the other ends of the sockets.
 *
 * What a client writes waits for the remote in the client's socket, but for one message. What the remote
 * sends goes to the client's socket, then to so much memory beside, and then it is lost for that client:
 * who does not read holds up nobody else.
 */
#include "rpmsg_unit.h"

#define AT_ONCE	    16	    /* messages of a client in one go */
#define LEFT	    512	    /* messages that a socket can hold */
#define SHORTAGE_US 100000u /* of descriptors or memory, in this system */
#define WAITING	    64u	    /* callers whom the keeper lets wait at one */

static struct rpmsg_unit *unit_of(struct cw_rpmsg_endpoint *e)
{
	return e->channel->conf.ctx;
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

void rpmsg_catch_up(struct rpmsg_unit *u, struct client *c)
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
	rpmsg_due(u, 0); /* somebody may have waited for the place */
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
		rpmsg_due(u, 0);
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
void rpmsg_listen_to(struct rpmsg_unit *u, struct client *c)
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
		rpmsg_due(u, 0);
	} else {
		drop(u, c);
	}
}

static void room(struct cw_rpmsg_endpoint *e)
{
	rpmsg_listen_to(unit_of(e), e->ctx);
}

static const struct cw_rpmsg_endpoint_ops one_client = { .receive = to_one, .writable = room };
const struct cw_rpmsg_endpoint_ops rpmsg_all_clients = { .receive = to_all };

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
	if (rpmsg_watch(u, fd, CLIENT, (unsigned int)(c - u->client)))
		return true;
	c->fd = -1;
	drop(u, c);
	return false;
}

/* Who is not picked up waits: no edge tells of them again, but that a place became free. */
/* #syscalls accept4 */
void rpmsg_pick_up(struct rpmsg_unit *u, struct place *p)
{
	for (unsigned int i = 0; i < CLIENTS && p->more; i++) {
		struct client *c = &u->client[i];
		int fd;

		if (c->at)
			continue;
		fd = accept4(p->listen, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0 && errno != EAGAIN) {
			rpmsg_due(u, unit_now() + SHORTAGE_US); /* no edge tells of its end */
			return;
		}
		if (fd < 0)
			p->more = false;
		else if (!seat(u, p, c, fd))
			close(fd);
	}
}

/* The end, also of what was said: a socket closed over unread messages looks like a mistake to its other end. */
/* #syscalls shutdown recvfrom close */
static void end(int fd)
{
	char byte;

	shutdown(fd, SHUT_RDWR);
	for (unsigned int i = 0; i < LEFT; i++)
		if (recv(fd, &byte, 1, MSG_DONTWAIT) < 1)
			break;
	close(fd);
}

void rpmsg_send_away(struct rpmsg_unit *u, struct client *c)
{
	if (c->fd >= 0)
		end(c->fd);
	c->fd = -1;
	drop(u, c);
}

/* Who was never picked up reads the end too, and not of a mistake. */
void rpmsg_turn_away(const struct place *p)
{
	for (unsigned int i = 0; i < WAITING; i++) {
		int fd = accept4(p->listen, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd < 0)
			break;
		end(fd);
	}
}
