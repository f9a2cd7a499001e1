// SPDX-License-Identifier: BSD-3-Clause
/*
 * Clients of a remote's services: the programs at the other ends of the sockets.
 *
 * What a client writes waits for the remote in the client's socket, but for one message. What the remote
 * sends is rpmsg_deliver.c's.
 */
#include "rpmsg_unit.h"

#define AT_ONCE	    16	    /* messages of a client in one go */
#define LEFT	    512	    /* messages that a socket can hold */
#define SHORTAGE_US 100000u /* of descriptors or memory, in this system */

/* ---- from clients to the remote ---- */

/* #syscalls close */
static void drop(struct rpmsg_unit *u, struct client *c)
{
	struct place *p = c->at;

	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	if (!p)
		return;
	cw_rpmsg_destroy(c->e);
	p->clients--;
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
		rpmsg_dropped(u, p);
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

/* All that it has said, unless the remote has no room, or it is others' turn, or it leaves answers unread. */
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
		if (!rpmsg_reads(c)) {
			c->more = true; /* it reads first */
			return;
		}
		len = take(c, &message, &cut);
		if (len < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (!message)
			break;
		if (cut || !len)
			rpmsg_dropped(u, c->at);
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

static const struct cw_rpmsg_endpoint_ops one_client = { .receive = rpmsg_to_one,
							 .writable = room };

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
	c->len = c->sent = c->first = c->kept = c->answers = 0;
	c->waits = c->given_up = false;
	p->clients++;
	rpmsg_pace(u, p);
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
	for (unsigned int i = 0; i < CW_RPMSG_WAITING; i++) {
		int fd = accept4(p->listen, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd < 0)
			break;
		end(fd);
	}
}
