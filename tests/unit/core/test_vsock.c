// SPDX-License-Identifier: BSD-3-Clause
/* Rules of connections: two sides that keep them, one that does not, and the bytes in between. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <causeway/core/bytes.h>
#include <causeway/core/err.h>
#include <causeway/core/vsock.h>

#define CONNS 4u
#define ROOM  1024u

struct side {
	struct cw_vsock v;
	struct cw_vsock_conn conn[CONNS];
	struct cw_vsock_fifo fifo[CONNS];
	uint8_t bytes[CONNS][ROOM + ROOM / 8];
	uint32_t sum[CONNS], taken[CONNS]; /* of what was sent and read */
	bool live[CONNS];
};

static struct side a, b;

static void begin(void)
{
	memset(&a, 0, sizeof(a));
	memset(&b, 0, sizeof(b));
	cw_vsock_init(&a.v, a.conn, CONNS, 2, 9, ROOM);
	cw_vsock_init(&b.v, b.conn, CONNS, 9, 2, ROOM);
	for (unsigned int i = 0; i < CONNS; i++) {
		cw_vsock_fifo_init(&a.fifo[i], a.bytes[i], ROOM);
		cw_vsock_fifo_init(&b.fifo[i], b.bytes[i], ROOM);
	}
}

static struct cw_abi_vsock_hdr packet(uint16_t op, uint32_t to, uint32_t from, uint32_t len)
{
	struct cw_abi_vsock_hdr h = { .src_port = cw_make_le32(from),
				      .dst_port = cw_make_le32(to),
				      .len = cw_make_le32(len),
				      .type = cw_make_le16(CW_VSOCK_STREAM),
				      .op = cw_make_le16(op),
				      .buf_alloc = cw_make_le32(100) };

	cw_set_le32_pair(h.src_cid, 9);
	cw_set_le32_pair(h.dst_cid, 2);
	return h;
}

static enum cw_vsock_news takes(const struct cw_abi_vsock_hdr *h)
{
	unsigned int i = 99;

	return cw_vsock_take(&a.v, h, cw_get_le32(h->len), &i);
}

/* What a says next: its op, 0: nothing. */
static uint16_t says(void)
{
	struct cw_abi_vsock_hdr h;

	return cw_vsock_next(&a.v, &h) ? cw_get_le16(h.op) : 0;
}

static int up(void)
{
	struct cw_abi_vsock_hdr h = packet(CW_VSOCK_OP_REQUEST, 80, 7, 0);
	unsigned int i = 99;

	begin();
	assert_int_equal(cw_vsock_take(&a.v, &h, 0, &i), CW_VSOCK_ASKED);
	cw_vsock_answer(&a.v, i, true);
	assert_int_equal(says(), CW_VSOCK_OP_RESPONSE);
	return (int)i;
}

/* Every operation in every state: what becomes of the connection, and what is answered. */
static void every_operation_in_every_state(void **state)
{
	static const struct {
		uint16_t op;
		enum cw_vsock_state was;
		enum cw_vsock_news news;
		enum cw_vsock_state is;
		uint16_t answer;
	} row[] = {
		{ 0, CW_VSOCK_FREE, CW_VSOCK_NOTHING, CW_VSOCK_FREE, CW_VSOCK_OP_RST },
		{ 1, CW_VSOCK_FREE, CW_VSOCK_ASKED, CW_VSOCK_CALLED, 0 },
		{ 2, CW_VSOCK_FREE, CW_VSOCK_NOTHING, CW_VSOCK_FREE, CW_VSOCK_OP_RST },
		{ 3, CW_VSOCK_FREE, CW_VSOCK_NOTHING, CW_VSOCK_FREE, 0 },
		{ 4, CW_VSOCK_FREE, CW_VSOCK_NOTHING, CW_VSOCK_FREE, CW_VSOCK_OP_RST },
		{ 5, CW_VSOCK_FREE, CW_VSOCK_NOTHING, CW_VSOCK_FREE, CW_VSOCK_OP_RST },
		{ 6, CW_VSOCK_FREE, CW_VSOCK_NOTHING, CW_VSOCK_FREE, CW_VSOCK_OP_RST },
		{ 7, CW_VSOCK_FREE, CW_VSOCK_NOTHING, CW_VSOCK_FREE, CW_VSOCK_OP_RST },
		{ 8, CW_VSOCK_FREE, CW_VSOCK_NOTHING, CW_VSOCK_FREE, CW_VSOCK_OP_RST },

		{ 1, CW_VSOCK_CALLED, CW_VSOCK_ENDED, CW_VSOCK_OVER, CW_VSOCK_OP_RST },
		{ 2, CW_VSOCK_CALLED, CW_VSOCK_ENDED, CW_VSOCK_OVER, CW_VSOCK_OP_RST },
		{ 3, CW_VSOCK_CALLED, CW_VSOCK_ENDED, CW_VSOCK_FREE, 0 },
		{ 4, CW_VSOCK_CALLED, CW_VSOCK_ENDED, CW_VSOCK_OVER, CW_VSOCK_OP_RST },
		{ 5, CW_VSOCK_CALLED, CW_VSOCK_ENDED, CW_VSOCK_OVER, CW_VSOCK_OP_RST },
		{ 6, CW_VSOCK_CALLED, CW_VSOCK_ROOM, CW_VSOCK_CALLED, 0 },
		{ 7, CW_VSOCK_CALLED, CW_VSOCK_ROOM, CW_VSOCK_CALLED, 0 },

		{ 1, CW_VSOCK_CALLING, CW_VSOCK_ENDED, CW_VSOCK_OVER, CW_VSOCK_OP_RST },
		{ 2, CW_VSOCK_CALLING, CW_VSOCK_ANSWERED, CW_VSOCK_UP, 0 },
		{ 3, CW_VSOCK_CALLING, CW_VSOCK_ENDED, CW_VSOCK_FREE, 0 },
		{ 4, CW_VSOCK_CALLING, CW_VSOCK_ENDED, CW_VSOCK_OVER, CW_VSOCK_OP_RST },
		{ 5, CW_VSOCK_CALLING, CW_VSOCK_ENDED, CW_VSOCK_OVER, CW_VSOCK_OP_RST },
		{ 6, CW_VSOCK_CALLING, CW_VSOCK_ENDED, CW_VSOCK_OVER, CW_VSOCK_OP_RST },

		{ 0, CW_VSOCK_UP, CW_VSOCK_ENDED, CW_VSOCK_OVER, CW_VSOCK_OP_RST },
		{ 1, CW_VSOCK_UP, CW_VSOCK_ENDED, CW_VSOCK_OVER, CW_VSOCK_OP_RST },
		{ 2, CW_VSOCK_UP, CW_VSOCK_ENDED, CW_VSOCK_OVER, CW_VSOCK_OP_RST },
		{ 3, CW_VSOCK_UP, CW_VSOCK_ENDED, CW_VSOCK_FREE, 0 },
		{ 4, CW_VSOCK_UP, CW_VSOCK_SHUT, CW_VSOCK_UP, 0 },
		{ 5, CW_VSOCK_UP, CW_VSOCK_DATA, CW_VSOCK_UP, 0 },
		{ 6, CW_VSOCK_UP, CW_VSOCK_ROOM, CW_VSOCK_UP, 0 },
		{ 7, CW_VSOCK_UP, CW_VSOCK_ROOM, CW_VSOCK_UP, CW_VSOCK_OP_CREDIT_UPDATE },
		{ 8, CW_VSOCK_UP, CW_VSOCK_ENDED, CW_VSOCK_OVER, CW_VSOCK_OP_RST },

		{ 3, CW_VSOCK_LEAVING, CW_VSOCK_ENDED, CW_VSOCK_FREE, 0 },
		{ 4, CW_VSOCK_LEAVING, CW_VSOCK_ENDED, CW_VSOCK_OVER, CW_VSOCK_OP_RST },
		{ 5, CW_VSOCK_LEAVING, CW_VSOCK_NOTHING, CW_VSOCK_LEAVING, 0 },
		{ 6, CW_VSOCK_LEAVING, CW_VSOCK_ROOM, CW_VSOCK_LEAVING, 0 },

		{ 1, CW_VSOCK_OVER, CW_VSOCK_NOTHING, CW_VSOCK_OVER, CW_VSOCK_OP_RST },
		{ 3, CW_VSOCK_OVER, CW_VSOCK_NOTHING, CW_VSOCK_FREE, 0 },
		{ 5, CW_VSOCK_OVER, CW_VSOCK_NOTHING, CW_VSOCK_OVER, CW_VSOCK_OP_RST },
	};

	(void)state;
	for (unsigned int n = 0; n < sizeof(row) / sizeof(row[0]); n++) {
		struct cw_abi_vsock_hdr h = packet(row[n].op, 80, 7, row[n].op == 5 ? 10 : 0);

		begin();
		if (row[n].was) {
			assert_int_equal(cw_vsock_call(&a.v, 80, 7, CW_VSOCK_STREAM), 0);
			assert_int_equal(says(), CW_VSOCK_OP_REQUEST);
			a.conn[0].state = (uint8_t)row[n].was;
		}
		if (row[n].was == CW_VSOCK_OVER) {
			a.conn[0].state = CW_VSOCK_UP;
			cw_vsock_reset(&a.v, 0);
		} else if (row[n].was == CW_VSOCK_LEAVING) {
			a.conn[0].state = CW_VSOCK_UP;
			cw_vsock_shut(&a.v, 0, CW_VSOCK_SHUT_BOTH);
			assert_int_equal(says(), CW_VSOCK_OP_SHUTDOWN);
			h.flags = cw_make_le32(CW_VSOCK_SHUT_BOTH);
		} else {
			h.flags = cw_make_le32(CW_VSOCK_SHUT_SEND);
		}
		if (takes(&h) != row[n].news || a.conn[0].state != row[n].is)
			fail_msg("row %u: op %u in state %d", n, row[n].op, row[n].was);
		if (says() != row[n].answer)
			fail_msg("row %u: op %u in state %d: another answer", n, row[n].op,
				 row[n].was);
		assert_int_equal(says(), 0);
		assert_false(cw_vsock_wants(&a.v));
	}
}

static void strangers(void **state)
{
	struct cw_abi_vsock_hdr h;

	(void)state;
	begin();
	h = packet(CW_VSOCK_OP_REQUEST, 80, 7, 0);
	cw_set_le32_pair(h.src_cid, 10);
	assert_int_equal(takes(&h), CW_VSOCK_NOTHING);
	h = packet(CW_VSOCK_OP_REQUEST, 80, 7, 0);
	cw_set_le32_pair(h.dst_cid, 1ull << 32 | 2);
	assert_int_equal(takes(&h), CW_VSOCK_NOTHING);
	assert_int_equal(a.v.strange, 2);
	assert_false(cw_vsock_wants(&a.v)); /* nobody is answered */
	h = packet(CW_VSOCK_OP_REQUEST, 80, 7, 0);
	h.type = cw_make_le16(3);
	assert_int_equal(takes(&h), CW_VSOCK_NOTHING);
	assert_int_equal(says(), CW_VSOCK_OP_RST);
	/* Another kind with the same ports is another connection. */
	up();
	h = packet(CW_VSOCK_OP_RW, 80, 7, 5);
	h.type = cw_make_le16(CW_VSOCK_SEQPACKET);
	assert_int_equal(takes(&h), CW_VSOCK_NOTHING);
	assert_int_equal(says(), CW_VSOCK_OP_RST);
	assert_int_equal(a.conn[0].state, CW_VSOCK_UP);
}

static void lengths_that_lie(void **state)
{
	static const struct {
		uint16_t op;
		uint32_t said, came;
	} row[] = { { 5, 10, 9 }, { 5, 10, 11 }, { 5, UINT32_MAX, 10 }, { 6, 0, 4 }, { 4, 4, 4 } };
	struct cw_abi_vsock_hdr h;
	unsigned int i;

	(void)state;
	for (unsigned int n = 0; n < 5; n++) {
		up();
		h = packet(row[n].op, 80, 7, row[n].said);
		assert_int_equal(cw_vsock_take(&a.v, &h, row[n].came, &i), CW_VSOCK_ENDED);
		assert_int_equal(says(), CW_VSOCK_OP_RST);
		assert_int_equal(a.v.strange, 1);
		h = packet(row[n].op, 81, 7, row[n].said);
		assert_int_equal(cw_vsock_take(&a.v, &h, row[n].came, &i), CW_VSOCK_NOTHING);
		assert_int_equal(says(), CW_VSOCK_OP_RST);
	}
}

static void more_than_there_is_room_for(void **state)
{
	struct cw_abi_vsock_hdr h;

	(void)state;
	up();
	h = packet(CW_VSOCK_OP_RW, 80, 7, ROOM);
	assert_int_equal(takes(&h), CW_VSOCK_DATA);
	cw_vsock_took(&a.v, 0, 1);
	h = packet(CW_VSOCK_OP_RW, 80, 7, 1);
	assert_int_equal(takes(&h), CW_VSOCK_DATA);
	assert_int_equal(takes(&h), CW_VSOCK_ENDED);
	assert_int_equal(a.v.strange, 1);
}

/* Whatever a peer says of its buffer, no more may be sent than it says, and nothing wraps. */
static void credit_that_lies(void **state)
{
	static const struct {
		uint32_t sent, room, took, may;
	} row[] = {
		{ 0, 100, 0, 100 },	   { 60, 100, 0, 40 },
		{ 60, 100, 60, 100 },	   { 60, 50, 0, 0 },	       /* it shrank */
		{ 60, 100, 61, 0 },	   { 60, 100, 1u << 31, 0 },   /* more than we sent */
		{ 60, UINT32_MAX, 61, 0 }, { 5, 100, UINT32_MAX, 94 }, /* ours went round */
	};
	struct cw_abi_vsock_hdr h;

	(void)state;
	for (unsigned int n = 0; n < sizeof(row) / sizeof(row[0]); n++) {
		up();
		a.conn[0].sent = row[n].sent;
		h = packet(CW_VSOCK_OP_CREDIT_UPDATE, 80, 7, 0);
		h.buf_alloc = cw_make_le32(row[n].room);
		h.fwd_cnt = cw_make_le32(row[n].took);
		assert_int_equal(takes(&h), CW_VSOCK_ROOM);
		assert_int_equal(cw_vsock_may_send(&a.conn[0]), row[n].may);
	}
}

static void a_flood_of_calls(void **state)
{
	struct cw_abi_vsock_hdr h;
	unsigned int answers = 0;

	(void)state;
	begin();
	for (uint32_t n = 0; n < 1000; n++) {
		h = packet(CW_VSOCK_OP_REQUEST, 80, n, 0);
		assert_int_equal(takes(&h), n < CONNS ? CW_VSOCK_ASKED : CW_VSOCK_NOTHING);
	}
	while (says())
		answers++;
	assert_int_equal(answers, CW_VSOCK_REFUSALS);
	/* And however often the same is provoked, one answer a connection waits. */
	up();
	for (uint32_t n = 0; n < 1000; n++) {
		h = packet(CW_VSOCK_OP_CREDIT_REQUEST, 80, 7, 0);
		takes(&h);
	}
	assert_int_equal(says(), CW_VSOCK_OP_CREDIT_UPDATE);
	assert_int_equal(says(), 0);
}

static void half_closed(void **state)
{
	struct cw_abi_vsock_hdr h;

	(void)state;
	up();
	h = packet(CW_VSOCK_OP_SHUTDOWN, 80, 7, 0);
	h.flags = cw_make_le32(CW_VSOCK_SHUT_RCV | 0xf0);
	assert_int_equal(takes(&h), CW_VSOCK_SHUT);
	assert_int_equal(takes(&h), CW_VSOCK_NOTHING); /* said twice */
	assert_int_equal(a.conn[0].peer_shut, CW_VSOCK_SHUT_RCV);
	assert_int_equal(cw_vsock_may_send(&a.conn[0]), 0);
	h = packet(CW_VSOCK_OP_RW, 80, 7, 1);
	assert_int_equal(takes(&h), CW_VSOCK_DATA);
	h = packet(CW_VSOCK_OP_SHUTDOWN, 80, 7, 0);
	h.flags = cw_make_le32(CW_VSOCK_SHUT_SEND);
	assert_int_equal(takes(&h), CW_VSOCK_SHUT);
	h = packet(CW_VSOCK_OP_RW, 80, 7, 1);
	assert_int_equal(takes(&h), CW_VSOCK_ENDED); /* it said that it would not */
}

static void numbers_of_ports(void **state)
{
	int first;

	(void)state;
	begin();
	assert_int_equal(cw_vsock_call(&a.v, 5, 6, CW_VSOCK_STREAM), 0);
	assert_int_equal(cw_vsock_call(&a.v, 5, 6, CW_VSOCK_STREAM), CW_EBUSY);
	assert_int_equal(cw_vsock_call(&a.v, 5, 7, CW_VSOCK_STREAM), 1);
	first = cw_vsock_call(&a.v, CW_VSOCK_PORT_ANY, 6, CW_VSOCK_STREAM);
	assert_true(a.conn[first].port >= CW_VSOCK_PORT_FREE);
	a.v.next_port = CW_VSOCK_PORT_ANY - 1; /* goes round, and past what is taken */
	a.conn[first].port = CW_VSOCK_PORT_FREE;
	assert_int_equal(cw_vsock_call(&a.v, CW_VSOCK_PORT_ANY, 6, CW_VSOCK_STREAM), 3);
	assert_int_equal(a.conn[3].port, CW_VSOCK_PORT_FREE + 1);
	assert_int_equal(cw_vsock_call(&a.v, CW_VSOCK_PORT_ANY, 6, CW_VSOCK_STREAM), CW_ENOSPC);
	/* Nobody heard of it: nobody is told of its end. */
	cw_vsock_reset(&a.v, 3);
	assert_int_equal(a.conn[3].state, CW_VSOCK_FREE);
}

/* ---- two sides, at random, against what must hold ---- */

static uint8_t byte_of(unsigned int which, uint32_t n)
{
	return (uint8_t)(n * 29 + n / 256 + which * 77);
}

static void deliver(struct side *from, struct side *to, const struct cw_abi_vsock_hdr *h,
		    const uint8_t *bytes, uint32_t len)
{
	struct cw_part part = { (void *)(uintptr_t)bytes, len };
	const struct cw_chain chain = { .part = &part, .readable = 1, .readable_len = len };
	unsigned int i = 99;

	(void)from;
	switch (cw_vsock_take(&to->v, h, len, &i)) {
	case CW_VSOCK_ASKED:
		to->sum[i] = to->taken[i] = 0;
		cw_vsock_fifo_skip(&to->fifo[i], to->fifo[i].len);
		to->live[i] = rand() % 5;
		cw_vsock_answer(&to->v, i, to->live[i]);
		break;
	case CW_VSOCK_DATA:
		assert_true(to->fifo[i].len + len <= ROOM);
		cw_vsock_fifo_put(&to->fifo[i], &chain, 0, len, false);
		break;
	case CW_VSOCK_ENDED:
		to->live[i] = false;
		break;
	default:
		break;
	}
}

static void move(struct side *from, struct side *to)
{
	struct cw_abi_vsock_hdr h;

	while (cw_vsock_next(&from->v, &h))
		deliver(from, to, &h, NULL, 0);
}

static void send_some(struct side *from, struct side *to, unsigned int i)
{
	uint32_t may = cw_vsock_may_send(&from->conn[i]), len;
	struct cw_abi_vsock_hdr h;
	uint8_t bytes[ROOM];

	if (!may)
		return;
	len = 1 + (uint32_t)rand() % may;
	for (uint32_t n = 0; n < len; n++)
		bytes[n] = byte_of(from == &a, from->sum[i] + n);
	move(from, to); /* what is to be said comes first */
	if (cw_vsock_may_send(&from->conn[i]) < len)
		return;
	cw_vsock_data(&from->v, i, len, false, &h);
	from->sum[i] += len;
	deliver(from, to, &h, bytes, len);
}

static void read_some(struct side *s, unsigned int i)
{
	uint32_t len = s->fifo[i].len ? 1 + (uint32_t)rand() % s->fifo[i].len : 0;
	struct cw_part part[2];
	unsigned int n;

	if (!s->live[i] || !len)
		return;
	n = cw_vsock_fifo_peek(&s->fifo[i], len, part);
	for (unsigned int k = 0; k < n; k++)
		for (size_t at = 0; at < part[k].len; at++)
			assert_int_equal(((uint8_t *)part[k].ptr)[at],
					 byte_of(s != &a, s->taken[i]++));
	cw_vsock_fifo_skip(&s->fifo[i], len);
	cw_vsock_took(&s->v, i, len);
}

static void at_random(void **state)
{
	uint64_t bytes = 0;

	(void)state;
	begin();
	srand(1);
	for (unsigned int n = 0; n < 200000; n++) {
		struct side *s = rand() % 2 ? &a : &b, *o = s == &a ? &b : &a;
		unsigned int i = (unsigned int)rand() % CONNS;
		int what = rand() % 100, c;

		if (what < 40) {
			send_some(s, o, i);
		} else if (what < 80) {
			read_some(s, i);
		} else if (what < 84) {
			c = cw_vsock_call(&s->v, CW_VSOCK_PORT_ANY, (uint32_t)rand() % 3,
					  CW_VSOCK_STREAM);
			if (c >= 0) {
				s->sum[c] = s->taken[c] = 0;
				cw_vsock_fifo_skip(&s->fifo[c], s->fifo[c].len);
				s->live[c] = true;
			}
		} else if (what < 85 && s->live[i] && s->conn[i].state == CW_VSOCK_UP) {
			bytes += s->sum[i];
			cw_vsock_shut(&s->v, i, 1 + (unsigned int)rand() % 3);
		} else if (what < 86 && s->live[i]) {
			cw_vsock_reset(&s->v, i);
			s->live[i] = false;
		} else if (what < 97) {
			move(s, o);
		}
	}
	assert_int_equal(a.v.strange, 0);
	assert_int_equal(b.v.strange, 0);
	assert_true(bytes > 1000000);
}

/* Whoever waits for room hears of all there is, whatever was read in whichever pieces. */
static void room_is_always_told(void **state)
{
	(void)state;
	srand(2);
	for (unsigned int round = 0; round < 300; round++) {
		struct cw_abi_vsock_hdr h;

		begin();
		cw_vsock_call(&a.v, 1, 2, CW_VSOCK_STREAM);
		a.live[0] = true;
		cw_vsock_next(&a.v, &h);
		deliver(&a, &b, &h, NULL, 0);
		if (!b.live[0])
			continue;
		move(&b, &a);
		for (unsigned int n = 0; n < 50; n++) {
			if (rand() % 2)
				send_some(&a, &b, 0);
			else
				read_some(&b, 0);
			move(&b, &a);
			if (!cw_vsock_may_send(&a.conn[0]))
				assert_int_equal(b.fifo[0].len, ROOM);
		}
		while (b.fifo[0].len)
			read_some(&b, 0);
		move(&b, &a);
		assert_true(cw_vsock_may_send(&a.conn[0]) > ROOM / 2);
	}
}

/* Who asked for room, and got too little, hears of more until it sends: it may need all of it at once. */
static void who_asked_hears_of_more(void **state)
{
	struct cw_abi_vsock_hdr h;
	int i;

	(void)state;
	i = up();
	h = packet(CW_VSOCK_OP_RW, 80, 7, 400);
	assert_int_equal(takes(&h), CW_VSOCK_DATA);
	cw_vsock_took(&a.v, (unsigned int)i, 100);
	assert_int_equal(says(), 0);
	h = packet(CW_VSOCK_OP_CREDIT_REQUEST, 80, 7, 0);
	assert_int_equal(takes(&h), CW_VSOCK_ROOM);
	assert_int_equal(says(), CW_VSOCK_OP_CREDIT_UPDATE);
	cw_vsock_took(&a.v, (unsigned int)i, 300);
	assert_int_equal(says(), CW_VSOCK_OP_CREDIT_UPDATE);
	h = packet(CW_VSOCK_OP_RW, 80, 7, 100);
	assert_int_equal(takes(&h), CW_VSOCK_DATA);
	cw_vsock_took(&a.v, (unsigned int)i, 100);
	assert_int_equal(says(), 0);
}

/* A packet too late for the connection before, and then a request for the same ports. */
static void refused_and_asked_again(void **state)
{
	struct cw_abi_vsock_hdr late = packet(CW_VSOCK_OP_CREDIT_UPDATE, 80, 7, 0),
				other = packet(CW_VSOCK_OP_CREDIT_UPDATE, 81, 7, 0),
				h = packet(CW_VSOCK_OP_REQUEST, 80, 7, 0);
	unsigned int i = 99;

	(void)state;
	begin();
	takes(&late);
	takes(&other);
	takes(&late);
	assert_int_equal(cw_vsock_take(&a.v, &h, 0, &i), CW_VSOCK_ASKED);
	cw_vsock_answer(&a.v, i, true);
	assert_true(cw_vsock_next(&a.v, &h));
	assert_int_equal(cw_get_le16(h.op), CW_VSOCK_OP_RST);
	assert_int_equal(cw_get_le32(h.src_port), 81);
	assert_int_equal(says(), CW_VSOCK_OP_RESPONSE);
	assert_int_equal(says(), 0);
}

/* An answer to what was not said yet. */
static void answered_before_it_asked(void **state)
{
	struct cw_abi_vsock_hdr h = packet(CW_VSOCK_OP_RESPONSE, 80, 7, 0);

	(void)state;
	begin();
	assert_int_equal(cw_vsock_call(&a.v, 80, 7, CW_VSOCK_STREAM), 0);
	assert_int_equal(takes(&h), CW_VSOCK_ENDED);
	assert_int_equal(a.v.strange, 1);
	assert_int_equal(says(), 0);
}

static void ends_of_messages(void **state)
{
	static uint8_t memory[64 + 8], bytes[64];
	struct cw_vsock_fifo f;
	uint32_t queue[64], head = 0, tail = 0, sum = 0;

	(void)state;
	cw_vsock_fifo_init(&f, memory, 64);
	srand(3);
	for (unsigned int n = 0; n < 20000; n++) {
		uint32_t len = (uint32_t)rand() % 20;
		struct cw_part part = { bytes, len };
		const struct cw_chain c = { .part = &part, .readable = 1, .readable_len = len };

		if (rand() % 2 && len && len <= 64 - f.len) {
			bool end = rand() % 2;

			cw_vsock_fifo_put(&f, &c, 0, len, end);
			sum += len;
			if (end) {
				queue[tail++ % 64] = sum;
				sum = 0;
			}
		} else if (head != tail) {
			assert_int_equal(cw_vsock_fifo_message(&f), queue[head % 64]);
			cw_vsock_fifo_skip(&f, queue[head++ % 64]);
		} else {
			assert_int_equal(cw_vsock_fifo_message(&f), 0);
			assert_int_equal(f.len, sum);
			cw_vsock_fifo_skip(&f, f.len);
			sum = 0;
		}
		assert_int_equal(f.messages, tail - head);
	}
	/* An end without bytes ends what came before, once. */
	cw_vsock_fifo_skip(&f, f.len);
	{
		struct cw_part part = { bytes, 5 };
		const struct cw_chain c = { .part = &part, .readable = 1, .readable_len = 5 };

		cw_vsock_fifo_put(&f, &c, 0, 0, true);
		assert_int_equal(f.messages, 0);
		cw_vsock_fifo_put(&f, &c, 0, 5, false);
		cw_vsock_fifo_put(&f, &c, 0, 0, true);
		cw_vsock_fifo_put(&f, &c, 0, 0, true);
		assert_int_equal(f.messages, 1);
		assert_int_equal(cw_vsock_fifo_message(&f), 5);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_operation_in_every_state),
		cmocka_unit_test(strangers),
		cmocka_unit_test(lengths_that_lie),
		cmocka_unit_test(more_than_there_is_room_for),
		cmocka_unit_test(credit_that_lies),
		cmocka_unit_test(a_flood_of_calls),
		cmocka_unit_test(half_closed),
		cmocka_unit_test(numbers_of_ports),
		cmocka_unit_test(at_random),
		cmocka_unit_test(room_is_always_told),
		cmocka_unit_test(who_asked_hears_of_more),
		cmocka_unit_test(answered_before_it_asked),
		cmocka_unit_test(refused_and_asked_again),
		cmocka_unit_test(ends_of_messages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
