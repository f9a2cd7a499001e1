/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The socket device's part of fuzz_device.c, in a file of its own because it keeps books of its own: what
 * each connection may send is followed from the headers that the device reads and writes, which a linker's
 * wrap shows as it has them in private memory, where the remote cannot change them behind our back.
 *
 * What is checked: packets for the remote are well formed and only of connections that live; no data
 * beyond the credit of the last header, after our shutdown or after the remote's; a connection buffers no
 * more than its room; the owner hears of each connection once, and of its end once.
 */
#ifndef FUZZ_VSOCK_DEVICE_H
#define FUZZ_VSOCK_DEVICE_H

#include <causeway/core/bytes.h>
#include <causeway/device/vsock.h>

#define CID    5u
#define CONNS  4u
#define ROOM   4096u
#define RX     CW_VSOCK_QUEUE_RX
#define TX     CW_VSOCK_QUEUE_TX
#define OFFERS (DATA + 0x2000u)

static struct cw_vsock_device model;
static struct cw_vsock_conn conn_state[CONNS];
static struct cw_vsock_device_conn conn[CONNS];
static uint16_t dirty[CONNS];
static uint8_t bytes[CONNS * (ROOM + ROOM / 8)];
static struct cw_abi_vsock_hdr taken, given; /* the last headers */

/* The book of the connection that had this number last. */
static struct life {
	bool used;    /* the owner knows it */
	bool pending; /* and is to answer */
	bool known, gone, dialed, told;
	uint32_t port, peer, sent, alloc, fwd, in, out;
	uint16_t type;
	uint8_t shut, peer_shut;
} life[CONNS];

uint32_t __real_cw_chain_read(const struct cw_chain *c, uint32_t at, void *dst, uint32_t len);
uint32_t __wrap_cw_chain_read(const struct cw_chain *c, uint32_t at, void *dst, uint32_t len);
uint32_t __real_cw_chain_write(const struct cw_chain *c, uint32_t at, const void *src,
			       uint32_t len);
uint32_t __wrap_cw_chain_write(const struct cw_chain *c, uint32_t at, const void *src,
			       uint32_t len);
void __real_cw_devq_push(struct cw_devq *q, uint16_t head, uint32_t len);
void __wrap_cw_devq_push(struct cw_devq *q, uint16_t head, uint32_t len);

void __real_cw_vsock_init(struct cw_vsock *v, struct cw_vsock_conn *c, unsigned int conns,
			  uint64_t cid, uint64_t peer, uint32_t room);
void __wrap_cw_vsock_init(struct cw_vsock *v, struct cw_vsock_conn *c, unsigned int conns,
			  uint64_t cid, uint64_t peer, uint32_t room);

/* A reset: nothing is left of what was. */
void __wrap_cw_vsock_init(struct cw_vsock *v, struct cw_vsock_conn *c, unsigned int conns,
			  uint64_t cid, uint64_t peer, uint32_t room)
{
	for (unsigned int i = 0; i < CONNS; i++) {
		FZ_CHECK(!life[i].used);
		life[i].known = false;
	}
	__real_cw_vsock_init(v, c, conns, cid, peer, room);
}

static struct life *find_life(uint32_t port, uint32_t peer, uint16_t type)
{
	for (unsigned int i = 0; i < CONNS; i++)
		if (life[i].known && life[i].port == port && life[i].peer == peer &&
		    life[i].type == type)
			return &life[i];
	return NULL;
}

static void new_life(unsigned int i)
{
	const struct cw_vsock_conn *c = &conn_state[i];
	struct life *before = find_life(c->port, c->peer_port, c->type);

	FZ_CHECK(i < CONNS && !life[i].used);
	if (before) { /* it was over for the remote, who may never have heard of it */
		FZ_CHECK(before->gone || (before->dialed && !before->told));
		before->known = false;
	}
	life[i] = (struct life){
		.used = true, .known = true, .port = c->port, .peer = c->peer_port, .type = c->type
	};
}

/* ---- what the remote said ---- */

static void note_taken(uint32_t payload)
{
	struct life *l = find_life(cw_get_le32(taken.dst_port), cw_get_le32(taken.src_port),
				   cw_get_le16(taken.type));
	uint16_t op = cw_get_le16(taken.op);

	if (cw_get_le32_pair(taken.src_cid) != CID ||
	    cw_get_le32_pair(taken.dst_cid) != CW_VSOCK_CID_HOST || !l ||
	    cw_get_le32(taken.len) != payload)
		return;
	l->alloc = cw_get_le32(taken.buf_alloc);
	l->fwd = cw_get_le32(taken.fwd_cnt);
	l->in += op == CW_VSOCK_OP_RW ? payload : 0;
	l->gone |= op == CW_VSOCK_OP_RST && !payload;
	if (op == CW_VSOCK_OP_SHUTDOWN && !payload)
		l->peer_shut |= cw_get_le32(taken.flags) & CW_VSOCK_SHUT_BOTH;
}

uint32_t __wrap_cw_chain_read(const struct cw_chain *c, uint32_t at, void *dst, uint32_t len)
{
	uint32_t n = __real_cw_chain_read(c, at, dst, len);

	if (!at && len == CW_VSOCK_HDR && n == len) {
		memcpy(&taken, dst, len);
		note_taken(c->readable_len - CW_VSOCK_HDR);
	}
	return n;
}

/* ---- what it is told ---- */

uint32_t __wrap_cw_chain_write(const struct cw_chain *c, uint32_t at, const void *src, uint32_t len)
{
	if (!at && len == CW_VSOCK_HDR)
		memcpy(&given, src, len);
	return __real_cw_chain_write(c, at, src, len);
}

static void check_data(struct life *l, uint32_t len)
{
	FZ_CHECK(!(l->shut & CW_VSOCK_SHUT_SEND) && !(l->peer_shut & CW_VSOCK_SHUT_RCV));
	FZ_CHECK(len && l->sent - l->fwd < l->alloc && len <= l->alloc - (l->sent - l->fwd));
	l->sent += len;
}

static void check_given(uint32_t len)
{
	uint16_t op = cw_get_le16(given.op), type = cw_get_le16(given.type);
	uint32_t flags = cw_get_le32(given.flags);
	struct life *l = find_life(cw_get_le32(given.src_port), cw_get_le32(given.dst_port), type);

	FZ_CHECK(cw_get_le32_pair(given.src_cid) == CW_VSOCK_CID_HOST);
	FZ_CHECK(cw_get_le32_pair(given.dst_cid) == CID && cw_get_le32(given.len) == len);
	FZ_CHECK(op >= 1 && op <= 7 && cw_get_le32(given.buf_alloc) == ROOM);
	if (op == CW_VSOCK_OP_RST) {
		if (l)
			l->gone = true;
		FZ_CHECK(!len);
		return;
	}
	FZ_CHECK(l && !l->gone && (type == CW_VSOCK_STREAM || type == CW_VSOCK_SEQPACKET));
	FZ_CHECK(cw_get_le32(given.fwd_cnt) <= l->in);
	l->told = true;
	if (op == CW_VSOCK_OP_RW)
		check_data(l, len);
	else
		FZ_CHECK(!len);
	if (op == CW_VSOCK_OP_SHUTDOWN) {
		FZ_CHECK(flags && flags <= CW_VSOCK_SHUT_BOTH);
		l->shut |= (uint8_t)flags;
	}
}

void __wrap_cw_devq_push(struct cw_devq *q, uint16_t head, uint32_t len)
{
	if (q == &queue[RX].ring) {
		FZ_CHECK(len >= CW_VSOCK_HDR);
		check_given(len - CW_VSOCK_HDR);
	}
	__real_cw_devq_push(q, head, len);
}

/* ---- the owner ---- */

static uint32_t sum_of(const struct cw_part *p, unsigned int n)
{
	uint32_t sum = 0;

	for (unsigned int k = 0; k < n; k++)
		sum += (uint32_t)p[k].len;
	return sum;
}

static int owner_connect(void *ctx, unsigned int i, uint32_t port, bool message)
{
	uint8_t how = fz_u8();

	(void)ctx;
	new_life(i);
	FZ_CHECK(port == life[i].port && message == (life[i].type == CW_VSOCK_SEQPACKET));
	life[i].alloc = cw_get_le32(taken.buf_alloc);
	life[i].fwd = cw_get_le32(taken.fwd_cnt);
	life[i].used = (how & 7) != 0;
	life[i].pending = how & 1;
	return !life[i].used ? CW_ECLOSED : life[i].pending ? CW_EAGAIN : CW_OK;
}

static void owner_opened(void *ctx, unsigned int i)
{
	(void)ctx;
	FZ_CHECK(i < CONNS && life[i].used && !life[i].gone);
}

static int owner_output(void *ctx, unsigned int i, const struct cw_part *p, unsigned int n)
{
	uint8_t how = fz_u8();
	uint32_t sum = sum_of(p, n), take;

	(void)ctx;
	FZ_CHECK(i < CONNS && life[i].used && !life[i].pending && n && sum && sum <= FZ_REGION);
	for (unsigned int k = 0; k < n; k++) {
		const uint8_t *at = p[k].ptr;

		/* In the buffer of its own, or in the block. */
		if (at >= conn[i].fifo.buf && at < conn[i].fifo.buf + ROOM)
			FZ_CHECK(p[k].len <= (size_t)(conn[i].fifo.buf + ROOM - at));
		else
			touch(&p[k], 1, false);
	}
	if (how == 255)
		return CW_ECLOSED;
	take = how & 1 ? sum : life[i].type == CW_VSOCK_STREAM ? sum * (how >> 1) / 128 : 0;
	life[i].out += take;
	FZ_CHECK(life[i].out <= life[i].in);
	return (int)take;
}

static int owner_input(void *ctx, unsigned int i, const struct cw_part *p, unsigned int n,
		       bool *end)
{
	uint8_t how = fz_u8();
	uint32_t len = (uint32_t)p->len;

	(void)ctx;
	FZ_CHECK(i < CONNS && life[i].used && n && len);
	touch(p, n, false);
	if (how < 8)
		return how == 7 ? CW_ECLOSED : how == 6 ? 0 : CW_EAGAIN;
	len = how & 8 ? len : 1 + len / 2;
	touch(&(struct cw_part){ p->ptr, len }, 1, true);
	*end = how & 16 && life[i].type == CW_VSOCK_SEQPACKET;
	return (int)len;
}

static void owner_shut(void *ctx, unsigned int i, unsigned int how)
{
	(void)ctx;
	FZ_CHECK(i < CONNS && life[i].used && how && how <= CW_VSOCK_SHUT_BOTH);
}

static void owner_closed(void *ctx, unsigned int i)
{
	(void)ctx;
	FZ_CHECK(i < CONNS && life[i].used);
	life[i].used = life[i].pending = false;
}

static const struct cw_vsock_device_ops owner = { owner_connect, owner_opened, owner_output,
						  owner_input,	 owner_shut,   owner_closed };

static struct cw_device *make(void)
{
	const struct cw_vsock_device_memory m = { CONNS, ROOM, conn_state, conn, dirty, bytes };

	memset(life, 0, sizeof(life));
	memset(bytes, 0, sizeof(bytes));
	memset(conn_state, 0, sizeof(conn_state));
	FZ_CHECK(!cw_vsock_device_init(&model, &owner, NULL, CID, &m, queue));
	return &model.dev;
}

static void check_model(void)
{
	for (unsigned int i = 0; i < CONNS; i++) {
		FZ_CHECK(conn[i].used == life[i].used && conn[i].fifo.len <= ROOM);
		FZ_CHECK(conn_state[i].got - conn_state[i].took <= ROOM);
	}
	FZ_CHECK(model.dirties <= CONNS && model.readables <= CONNS);
}

static void backend(void)
{
	uint8_t how = fz_u8();
	unsigned int i = how >> 6;
	int got;

	switch (how & 7) {
	case 0:
		cw_vsock_device_writable(&model, i);
		break;
	case 1:
		cw_vsock_device_hung(&model, i);
		break;
	case 2:
		if (how & 8)
			cw_vsock_device_abort(&model, i);
		break;
	case 3:
		got = cw_vsock_device_dial(&model, how >> 4 & 3, how & 8);
		if (got >= 0) {
			new_life((unsigned int)got);
			life[got].dialed = true;
		}
		break;
	case 4:
		if (life[i].used && life[i].pending) {
			life[i].pending = false;
			life[i].used = how & 8;
			cw_vsock_device_answer(&model, i, how & 8);
		}
		break;
	default:
		cw_vsock_device_readable(&model, i);
	}
}

/* ---- the remote ---- */

static void put32(uint32_t off, uint32_t v);
static void kick(unsigned int slot);

static void publish(unsigned int q, unsigned int head)
{
	uint32_t avail = DATA + q * 0x400 + 0x100;
	uint16_t idx;

	memcpy(&idx, fz_region + avail + 2, 2);
	fz_region[avail + 4 + 2 * (idx % SIZE)] = (uint8_t)head;
	fz_region[avail + 5 + 2 * (idx % SIZE)] = 0;
	idx++;
	memcpy(fz_region + avail + 2, &idx, 2);
	kick(2 + q);
}

static void set_desc(unsigned int q, unsigned int i, uint32_t addr, uint32_t len, uint32_t flags)
{
	uint32_t at = DATA + q * 0x400 + 16 * (i % SIZE);

	put32(at, BASE + addr);
	put32(at + 4, 0);
	put32(at + 8, len);
	put32(at + 12, flags | ((i + 1) % SIZE) << 16);
}

/* A packet as a driver makes it, of a connection that there is or of one nearby. */
static void offer_packet(uint8_t choice)
{
	uint32_t at = OFFERS + 0x4000, len = choice & 0x10 ? fz_u16() % 3000u : 0, op = fz_u8();
	const struct life *l = &life[choice >> 5 & 3];
	uint8_t lie = fz_u8();

	put32(at, lie == 1 ? fz_u32() : CID);
	put32(at + 4, lie == 2);
	put32(at + 8, lie == 3 ? fz_u32() : CW_VSOCK_CID_HOST);
	put32(at + 12, 0);
	put32(at + 16, choice & 0x80 && l->known ? l->peer : op >> 4 & 3);
	put32(at + 20, choice & 0x80 && l->known ? l->port : op >> 6);
	put32(at + 24, lie == 4 ? fz_u32() : len);
	op = len ? CW_VSOCK_OP_RW : op & 15;
	put32(at + 28, (choice & 0x80 && l->known ? l->type : 1 + (lie >> 7)) |
			       (op > 8 ? op - 8 : op) << 16);
	put32(at + 32, lie >> 5 & 3);
	put32(at + 36, lie & 8 ? fz_u32() : 100u * fz_u8());
	put32(at + 40, lie & 16 ? fz_u32() : lie == 5 ? 1 : l->sent);
	set_desc(TX, 0, at, 44, len ? 1 : 0);
	set_desc(TX, 1, at + 44, len, 0);
	publish(TX, 0);
}

static void offer_request(void)
{
	uint8_t choice = fz_u8();
	unsigned int i = choice >> 2 & 15;

	if (choice & 1) {
		offer_packet(choice);
	} else {
		set_desc(RX, i, OFFERS + 0x400u * i, choice & 0x40 ? 45 + fz_u8() : 1024, 2);
		publish(RX, i);
	}
}

#endif
