// SPDX-License-Identifier: BSD-3-Clause
/*
 * Messages of a remote on their way to the programs that use its services.
 *
 * Theory of operation: a message goes to the client's socket, then to so much memory beside, one after the other, and
 * then it is lost for that client: who does not read holds up nobody else. What the remote says to one
 * client is an answer as a rule, so a client with answers among what fills more than half of that memory is
 * not heard before it reads (rpmsg_clients.c): what may still come is then bounded by the buffers there are.
 *
 * What the remote says to all is no answer. There a service's endpoint has a window, of as many messages as half
 * of that memory takes, and it is given back as they come, unless everybody who listens is more than half
 * behind: a service waits for its quickest listener, and never for another. If nobody of them has
 * read for so long they are waited for no more, each until it has caught up.
 */
#include "rpmsg_unit.h"

#define HALF	    (KEPT / 2)
#define PATIENCE_US 500000u

#define ALONE 0x80000000u /* in a record's length: it was for this client only */

void rpmsg_dropped(struct rpmsg_unit *u, struct place *p)
{
	p->dropped++;
	u->count.dropped++;
}

uint16_t rpmsg_window(uint32_t buffer)
{
	return (uint16_t)(HALF / buffer); /* a record's length is less than a header */
}

/* ---- what is kept: records of a length and so many bytes, round and round ---- */

/* @len bytes that lie @at behind the first: one or two pieces. Returns how many. */
static int pieces(const struct client *c, uint32_t at, uint32_t len, struct iovec v[2])
{
	uint32_t from = (c->first + at) % KEPT, n = KEPT - from < len ? KEPT - from : len;

	v[0] = (struct iovec){ c->hold + from, n };
	v[1] = (struct iovec){ c->hold, len - n };
	return len > n ? 2 : 1;
}

static void write_word(struct client *c, uint32_t at, uint32_t word)
{
	struct iovec v[2];

	pieces(c, at, sizeof(word), v);
	memcpy(v[0].iov_base, &word, v[0].iov_len);
	memcpy(v[1].iov_base, (const uint8_t *)&word + v[0].iov_len, v[1].iov_len);
}

static uint32_t read_word(const struct client *c)
{
	struct iovec v[2];
	uint32_t word;

	pieces(c, 0, sizeof(word), v);
	memcpy(&word, v[0].iov_base, v[0].iov_len);
	memcpy((uint8_t *)&word + v[0].iov_len, v[1].iov_base, v[1].iov_len);
	return word;
}

static bool keep(struct client *c, const struct cw_rpmsg_msg *m, bool alone)
{
	struct iovec v[2];

	if (m->len > MOST || m->len + sizeof(uint32_t) > KEPT - c->kept)
		return false;
	write_word(c, c->kept, m->len | (alone ? ALONE : 0));
	pieces(c, c->kept + (uint32_t)sizeof(uint32_t), m->len, v);
	cw_rpmsg_copy(m, 0, v[0].iov_base, (uint32_t)v[0].iov_len);
	cw_rpmsg_copy(m, (uint32_t)v[0].iov_len, v[1].iov_base, (uint32_t)v[1].iov_len);
	c->kept += m->len + (uint32_t)sizeof(uint32_t);
	c->answers += alone;
	return true;
}

static void forget(struct client *c, uint32_t word)
{
	uint32_t n = (word & ~ALONE) + (uint32_t)sizeof(word);

	c->first = (c->first + n) % KEPT;
	c->kept -= n;
	c->answers -= word >= ALONE;
}

/* ---- to the socket ---- */

/* #syscalls writev */
static bool put(const struct client *c, const struct iovec *v, int n)
{
	/* Never blocks; the worker ignores SIGPIPE. Who has gone is noticed when reading. */
	return writev(c->fd, v, n) >= 0 || (errno != EAGAIN && errno != ENOBUFS);
}

static bool put_message(struct rpmsg_unit *u, const struct client *c, const struct cw_rpmsg_msg *m)
{
	const struct cw_part part = { (uint8_t *)(uintptr_t)m->data, m->len };
	unsigned int n = 1;
	const struct iovec *v = unit_io_out(&u->unit, &part, &n);

	return put(c, v, (int)n);
}

static bool put_kept(struct client *c)
{
	uint32_t word = read_word(c);
	struct iovec v[2];

	if (!put(c, v, pieces(c, sizeof(word), word & ~ALONE, v)))
		return false;
	forget(c, word);
	return true;
}

/* ---- the window of what is said to all ---- */

/* Those who are waited for are all more than half behind. */
static bool all_behind(const struct rpmsg_unit *u, const struct place *p)
{
	bool any = false;

	for (unsigned int i = 0; i < CLIENTS; i++) {
		const struct client *c = &u->client[i];

		if (c->at != p || c->given_up)
			continue;
		if (c->kept <= HALF)
			return false;
		any = true;
	}
	return any;
}

void rpmsg_pace(struct rpmsg_unit *u, struct place *p)
{
	bool stop = all_behind(u, p);

	if (stop == p->stopped)
		return;
	p->stopped = stop;
	cw_rpmsg_credit_window(p->e, stop ? 0 : u->window);
	p->until = unit_now() + PATIENCE_US;
	if (stop)
		rpmsg_due(u, p->until);
}

static void give_up(struct rpmsg_unit *u, struct place *p)
{
	for (unsigned int i = 0; i < CLIENTS; i++)
		if (u->client[i].at == p)
			u->client[i].given_up = true;
	rpmsg_pace(u, p);
}

void rpmsg_lose_patience(struct rpmsg_unit *u)
{
	for (unsigned int i = 0; i < SERVICES; i++) {
		struct place *p = &u->place[i];

		if (p->stopped && unit_now() >= p->until)
			give_up(u, p);
		if (p->stopped)
			rpmsg_due(u, p->until);
	}
}

/* ---- from the remote ---- */

bool rpmsg_reads(const struct client *c)
{
	return !c->answers || c->kept <= HALF;
}

static void deliver(struct rpmsg_unit *u, struct client *c, const struct cw_rpmsg_msg *m,
		    bool alone)
{
	if (c->fd < 0)
		return;
	if (!c->kept && put_message(u, c, m))
		return;
	if (!keep(c, m, alone))
		rpmsg_dropped(u, c->at);
	if (c->kept > HALF)
		rpmsg_pace(u, c->at);
}

void rpmsg_catch_up(struct rpmsg_unit *u, struct client *c)
{
	bool any = false;

	while (c->kept && put_kept(c))
		any = true;
	c->given_up &= c->kept != 0;
	if (!any || !c->at->stopped)
		return;
	c->at->until = unit_now() + PATIENCE_US; /* somebody reads */
	rpmsg_pace(u, c->at);
}

static bool came(struct rpmsg_unit *u, struct place *p, const struct cw_rpmsg_msg *m)
{
	p->to_linux++;
	u->count.tx_packets++;
	u->count.tx_bytes += m->len;
	if (m->len)
		return true;
	rpmsg_dropped(u, p); /* no packet could carry it */
	return false;
}

int rpmsg_to_one(struct cw_rpmsg_endpoint *e, const struct cw_rpmsg_msg *m)
{
	struct rpmsg_unit *u = unit_of(e);
	struct client *c = e->ctx;

	if (came(u, c->at, m))
		deliver(u, c, m, true);
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
			deliver(u, &u->client[i], m, false);
	return 0;
}

const struct cw_rpmsg_endpoint_ops rpmsg_all_clients = { .receive = to_all };
