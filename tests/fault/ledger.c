// SPDX-License-Identifier: BSD-3-Clause
/*
 * The book of an RPMsg workload.
 *
 * Theory of operation: every message has a number, and the book, which no stop touches, knows what became
 * of it. A send that succeeded must be delivered once, or the application of its sender must have been told of
 * an end: of the channel, or of the peer. One that failed must never arrive. Messages of one endpoint arrive in
 * order, whole, and none of a former channel after those of a later one. Each side has an endpoint that finds its
 * peer by name and has credit and long messages, and one between fixed addresses; one message in three is held
 * until the next of those comes, over an end of the channel too, one in four sent from a borrowed buffer. The remote ends its named endpoint once and makes another.
 */
#include "ledger.h"

#include <string.h>

#include <causeway/core/err.h>
#include <causeway/core/shm.h>

#define ENOUGH	 6u /* messages of each endpoint after the last stop */
#define UNDERWAY 3u
#define MOST	 4096u
#define HEAD	 8u

enum state { TRYING, SENT, REFUSED, REPORTED, ORPHAN };

static struct {
	struct entry {
		uint8_t side, end, state, delivered;
		uint32_t session, deaths;
	} entry[MOST];
	uint32_t n;
	uint32_t session[SIDES], ends[SIDES], deaths;
	uint32_t newest[SIDES];	    /* session of a message that arrived at this side */
	uint32_t last[SIDES][ENDS]; /* number of the last that arrived from this side */
	/* since a side was stopped: sent and not reported lost; arrived */
	uint32_t sent[SIDES][ENDS], flowed[SIDES][ENDS];
	uint32_t underway;
	bool again; /* the remote has made its endpoint anew */
} book;

struct party party[SIDES];

static enum side side_of(const struct cw_rpmsg *ch)
{
	return ch == &party[PMM].ch ? PMM : REMOTE;
}

static unsigned int end_of(const struct cw_rpmsg_endpoint *e)
{
	return e->fixed ? 1 : 0;
}

/* ---- the book ---- */

static uint32_t make(uint8_t *text, uint32_t n, unsigned int end, uint32_t most)
{
	uint32_t len = HEAD + n * 37 % 300;

	if (!end && n % 9 == 4)
		len = 600;
	len = len < most ? len : most;
	memcpy(text, &n, sizeof(n));
	memcpy(text + 4, &len, sizeof(len));
	for (uint32_t i = HEAD; i < len; i++)
		text[i] = (uint8_t)(n * 31 + i * 7 + (i >> 8));
	return len;
}

static void settle_entries(enum side side, int end, enum state to)
{
	for (uint32_t i = 1; i <= book.n; i++) {
		struct entry *x = &book.entry[i];

		if (x->side != side || (end >= 0 && x->end != end) || x->state != SENT ||
		    x->delivered)
			continue;
		x->state = (uint8_t)to;
		book.underway--;
		book.sent[side][x->end] -= x->deaths == book.deaths;
	}
}

static void arrived(enum side side, unsigned int end, const uint8_t *text, uint32_t len)
{
	static uint8_t want[1024];
	struct entry *x;
	uint32_t n;

	memcpy(&n, text, sizeof(n));
	x = &book.entry[n];
	if (len < HEAD || !n || n > book.n || x->side == side || x->end != end ||
	    make(want, n, end, len) != len || memcmp(want, text, len)) {
		broken("a message arrived that nobody sent");
		return;
	}
	if (x->delivered++)
		broken("a message was delivered twice");
	if (x->state == REFUSED)
		broken("a message arrived whose send had failed");
	if (x->session < book.newest[side])
		broken("a message of a former channel arrived after one of a later");
	if (n <= book.last[x->side][end])
		broken("messages arrived in another order");
	book.newest[side] = x->session;
	book.last[x->side][end] = n;
	book.underway -= x->state == SENT;
	book.flowed[x->side][end]++;
}

void ledger_begin(void)
{
	memset(&book, 0, sizeof(book));
}

bool ledger_done(void)
{
	for (int s = PMM; s < SIDES; s++)
		for (int i = 0; i < ENDS; i++)
			if (book.flowed[s][i] < ENOUGH)
				return false;
	return book.again && !book.underway;
}

const char *ledger_end(void)
{
	for (uint32_t i = 1; i <= book.n; i++)
		if (book.entry[i].state == SENT && !book.entry[i].delivered)
			return "a message was neither delivered nor reported";
	for (int s = PMM; s < SIDES; s++)
		if (book.ends[s] > book.deaths)
			return "an end was told, and nobody had been stopped";
	return ledger_done() ? NULL : "messages do not flow";
}

/* ---- what an application sees ---- */

static void link_changed(void *ctx, bool up)
{
	struct party *p = ctx;
	enum side side = side_of(&p->ch);

	if (p->up == up)
		broken("told twice of the channel");
	p->up = up;
	memset(p->waits, 0, sizeof(p->waits));
	if (up) {
		book.session[side]++;
		return;
	}
	for (int i = 0; i < ENDS; i++)
		if (p->has[i])
			broken("the channel ended, and an endpoint kept its peer");
	book.ends[side]++;
	settle_entries(side, -1, REPORTED);
}

static void peer(struct cw_rpmsg_endpoint *e, bool has)
{
	enum side side = side_of(e->channel);
	unsigned int end = end_of(e);

	if (party[side].has[end] == has)
		broken("told twice of a peer");
	party[side].has[end] = has;
	if (!has)
		settle_entries(side, (int)end, REPORTED);
}

static void writable(struct cw_rpmsg_endpoint *e)
{
	party[side_of(e->channel)].waits[end_of(e)] = false;
}

static int receive(struct cw_rpmsg_endpoint *e, const struct cw_rpmsg_msg *m)
{
	struct party *p = &party[side_of(e->channel)];
	uint8_t text[1024] = { 0 };
	uint32_t len = cw_rpmsg_copy(m, 0, text, sizeof(text));
	uint32_t n;

	memcpy(&n, text, sizeof(n));
	arrived(side_of(e->channel), end_of(e), text, len);
	if (n % 3 || !m->stamp)
		return 0;
	if (p->holds)
		cw_rpmsg_release(&p->ch, &p->held);
	p->held = *m;
	p->holds = true;
	return CW_RPMSG_HOLD;
}

static const struct cw_rpmsg_endpoint_ops end_ops = { receive, peer, writable };
static const struct cw_rpmsg_ops channel_ops = { .link = link_changed };

static void open_named(struct party *p)
{
	const struct cw_rpmsg_spec s = { .name = "alpha",
					 .addr = CW_RPMSG_ANY,
					 .dst = CW_RPMSG_ANY,
					 .ops = &end_ops,
					 .window = 4,
					 .assembly = p->assembly,
					 .assembly_size = sizeof(p->assembly) };

	p->has[0] = p->waits[0] = false;
	if (cw_rpmsg_create(&p->ch, &s, &p->e[0]))
		broken("no endpoint");
}

void party_born(enum side side)
{
	struct party *p = &party[side];
	const struct cw_rpmsg_config c = { .endpoint = p->table,
					   .endpoints = 4,
					   .service = p->service,
					   .services = 4,
					   .ops = &channel_ops,
					   .ctx = p,
					   .credit = &cw_rpmsg_credit,
					   .fragment = &cw_rpmsg_fragment,
					   .repeats = CW_RPMSG_REPEATS };
	const struct cw_rpmsg_spec fixed = { .addr = 70 + side,
					     .dst = 70 + !side,
					     .ops = &end_ops };

	p->alive = true;
	p->up = p->holds = p->has[1] = p->waits[1] = false;
	if (cw_rpmsg_init(&p->ch, &c) || cw_rpmsg_create(&p->ch, &fixed, &p->e[1]))
		broken("no channel");
	open_named(p);
}

void party_died(enum side side)
{
	struct party *p = &party[side];

	if (!p->alive)
		return;
	settle_entries(side, -1, ORPHAN);
	memset(p, 0xa5, sizeof(*p));
	p->alive = false;
	book.deaths++;
	memset(book.flowed, 0, sizeof(book.flowed));
	memset(book.sent, 0, sizeof(book.sent));
}

/* ---- sending ---- */

static int send_borrowed(struct cw_rpmsg_endpoint *e, const uint8_t *text, uint32_t len)
{
	struct cw_rpmsg_tx tx;
	int err = cw_rpmsg_tx_get(e, &tx);

	if (err)
		return err;
	if (len > tx.room) {
		cw_rpmsg_tx_cancel(e->channel, &tx);
		return CW_EINVAL;
	}
	cw_copy_out(tx.data, text, len);
	err = cw_rpmsg_tx_send(e, &tx, e->dst, len);
	if (err)
		cw_rpmsg_tx_cancel(e->channel, &tx);
	else
		cw_rpmsg_flush(e->channel);
	return err;
}

static void post(enum side side, unsigned int end, uint64_t timeout)
{
	struct cw_rpmsg_endpoint *e = party[side].e[end];
	uint32_t n = ++book.n, len;
	struct entry *x = &book.entry[n];
	uint8_t text[1024];
	int err;

	if (n + 1 == MOST) {
		broken("the book is full");
		return;
	}
	*x = (struct entry){ .side = (uint8_t)side,
			     .end = (uint8_t)end,
			     .session = book.session[side] };
	len = make(text, n, end, end || !e->channel->fragment ? 400 : 600);
	if (n % 4 == 2 && len <= cw_rpmsg_mtu(e->channel))
		err = send_borrowed(e, text, len);
	else
		err = cw_rpmsg_send(e, text, len, n % 4 == 1 ? timeout : 0);
	if (x->delivered && err)
		broken("a message arrived whose send failed");
	x->state = err							? REFUSED
		   : x->session == book.session[side] && party[side].up ? SENT
									: REPORTED;
	x->deaths = book.deaths;
	book.underway += x->state == SENT && !x->delivered;
	book.sent[side][end] += x->state == SENT;
	party[side].waits[end] = err == CW_EAGAIN;
	if (err && err != CW_EAGAIN && err != CW_ETIMEDOUT && err != CW_ERESET && err != CW_EPEER &&
	    err != CW_EDOWN)
		broken(cw_strerror(err));
}

static bool due(enum side side, unsigned int end)
{
	const struct party *p = &party[side];

	return p->up && !p->waits[end] && book.sent[side][end] < ENOUGH;
}

bool party_due(enum side side)
{
	return due(side, 0) || due(side, 1);
}

bool party_work(enum side side, uint64_t timeout)
{
	struct party *p = &party[side];
	bool did = false;

	if (side == REMOTE && p->up && !book.again && book.flowed[REMOTE][0] >= ENOUGH / 2) {
		book.again = did = true;
		cw_rpmsg_destroy(p->e[0]);
		settle_entries(REMOTE, 0, REPORTED); /* who ends it knows */
		open_named(p);
	}
	for (unsigned int i = 0; i < ENDS; i++)
		while (due(side, i)) {
			post(side, i, timeout);
			did = true;
		}
	return did;
}
