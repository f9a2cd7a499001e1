// SPDX-License-Identifier: BSD-3-Clause
/*
 * Network device.
 *
 * Theory of operation: headers are private, payload is not copied. For transmission the header is
 * read out of the chain and checked against the frame's length; the sink gets it with the pieces of
 * the frame where they lie. For reception up to CW_NET_RX_HELD chains are taken and kept; one call of
 * the source scatters a frame over as many as it needs, then the header is written and the chains are
 * published together. A remote without buffers stops the source, nothing is queued here. A few
 * bytes behind the last buffer tell a frame that just fits from one that was cut.
 *
 * Frames queued under the offloads of a former driver can still come after the next one negotiated
 * less: what a driver has not accepted is dropped, whatever the source says.
 */
#include <causeway/core/bytes.h>
#include <causeway/core/err.h>
#include <causeway/core/gate.h>
#include <causeway/device/net.h>

#define HDR	  ((uint32_t)sizeof(struct cw_abi_net_hdr))
#define FRAME_MIN 14u
#define GSO_MAX	  65550u /* 64 KB of IP and an Ethernet header */
#define TSO	  (CW_NET_F_GUEST_TSO4 | CW_NET_F_GUEST_TSO6)

static struct cw_net_device *self(struct cw_device *d)
{
	return (struct cw_net_device *)(void *)d;
}

/* Ethernet header, VLAN tag and MTU */
static uint32_t frame_max(const struct cw_net_device *n)
{
	return cw_get_le16(n->config.mtu) + 18u;
}

/* ---- transmit ---- */

/* Whether a driver that negotiated @tcp4 or @tcp6 may have this in a header. */
static bool gso_known(const struct cw_net_device *n, const struct cw_abi_net_hdr *h, uint64_t tcp4,
		      uint64_t tcp6)
{
	switch (h->gso_type) { /* ECN is never offered, UDP neither */
	case CW_NET_HDR_GSO_NONE:
		return true;
	case CW_NET_HDR_GSO_TCPV4:
		return cw_device_has(&n->dev, tcp4);
	case CW_NET_HDR_GSO_TCPV6:
		return cw_device_has(&n->dev, tcp6);
	default:
		return false;
	}
}

static bool gso_fine(const struct cw_net_device *n, const struct cw_abi_net_hdr *h, uint32_t len)
{
	if (!gso_known(n, h, CW_NET_F_HOST_TSO4, CW_NET_F_HOST_TSO6))
		return false;
	if (h->gso_type == CW_NET_HDR_GSO_NONE)
		return len <= frame_max(n);
	return h->flags & CW_NET_HDR_F_NEEDS_CSUM && cw_get_le16(h->gso_size) && len <= GSO_MAX;
}

static bool header_fine(const struct cw_net_device *n, struct cw_abi_net_hdr *h, uint32_t len)
{
	uint32_t end = (uint32_t)cw_get_le16(h->csum_start) + cw_get_le16(h->csum_offset) + 2u;

	h->flags &= CW_NET_HDR_F_NEEDS_CSUM; /* others are to be ignored (5.1.6.2.2) */
	if (len < FRAME_MIN || cw_get_le16(h->hdr_len) > len)
		return false;
	if (h->flags && (!cw_device_has(&n->dev, CW_NET_F_CSUM) || end > len))
		return false;
	return gso_fine(n, h, len);
}

static bool transmit(struct cw_net_device *n, const struct cw_chain *c)
{
	struct cw_abi_net_hdr h;
	struct cw_part *rest;
	unsigned int parts;

	if (c->writable || cw_chain_read(c, 0, &h, HDR) < HDR ||
	    !header_fine(n, &h, c->readable_len - HDR))
		return false;
	parts = cw_parts_skip(c->part, c->readable, HDR, &rest);
	/* The pieces start at tx_part[1], so what lies before them is free for the header. */
	rest--;
	rest->ptr = &h;
	rest->len = HDR;
	if (n->ops->send(n->ctx, rest, parts + 1) < 0)
		return false;
	n->stats.tx_frames++;
	n->stats.tx_bytes += c->readable_len - HDR;
	return true;
}

static int serve_tx(struct cw_net_device *n)
{
	struct cw_devq *ring = &n->dev.queue[CW_NET_QUEUE_TX].ring;
	struct cw_chain c;
	unsigned int done = 0;
	int got = 0;

	while (done < CW_SERVE_BUDGET &&
	       (got = cw_devq_pop(ring, &c, n->tx_part + 1, n->tx_parts - 1)) > 0) {
		if (!transmit(n, &c))
			n->stats.tx_dropped++;
		cw_devq_push(ring, c.head, 0);
		done++;
	}
	cw_device_publish(&n->dev, CW_NET_QUEUE_TX);
	return got < 0 ? got : got ? CW_SERVE_MORE : CW_SERVE_DRAINED;
}

/* ---- receive ---- */

static struct cw_net_held *held(struct cw_net_device *n, unsigned int i)
{
	return &n->held[(n->first + i) % CW_NET_RX_HELD];
}

/* Takes receive chains until they hold @want bytes or there are no more; bytes held, or CW_E*. */
static int64_t take_buffers(struct cw_net_device *n, uint32_t want)
{
	struct cw_devq *ring = &n->dev.queue[CW_NET_QUEUE_RX].ring;
	uint32_t have = 0;

	for (unsigned int i = 0; i < n->count && have < want; i++)
		have += held(n, i)->chain.writable_len;
	while (have < want && n->count < CW_NET_RX_HELD) {
		struct cw_net_held *h = held(n, n->count);
		int got = cw_devq_pop(ring, &h->chain, h->part, CW_NET_RX_PARTS);

		if (got < 0)
			return got;
		if (!got)
			break;
		/* A receive chain has room for a header and something behind it, and no input. */
		if (h->chain.readable || h->chain.writable_len <= HDR)
			return CW_EBADCHAIN;
		n->count++;
		have += h->chain.writable_len;
	}
	return have;
}

/* Lists where a frame may go: private header, the held chains, the overflow bytes. */
static unsigned int make_vec(struct cw_net_device *n, struct cw_abi_net_hdr *h, uint32_t want,
			     uint32_t *room)
{
	unsigned int v = 1, chains = cw_device_has(&n->dev, CW_NET_F_MRG_RXBUF) ? n->count : 1;

	n->vec[0].ptr = h;
	n->vec[0].len = HDR;
	*room = 0;
	for (unsigned int i = 0; i < chains && *room < want; i++) {
		struct cw_net_held *c = held(n, i);
		struct cw_part copy[CW_NET_RX_PARTS], *from = c->part;
		unsigned int parts = c->chain.writable;

		if (v + parts + 1 > CW_NET_RX_VEC)
			break;
		if (!i) { /* the header goes there later */
			memcpy(copy, c->part, parts * sizeof(copy[0]));
			parts = cw_parts_skip(copy, parts, HDR, &from);
		}
		memcpy(&n->vec[v], from, parts * sizeof(*from));
		v += parts;
		*room += c->chain.writable_len - (i ? 0 : HDR);
	}
	n->vec[v].ptr = n->overflow;
	n->vec[v].len = sizeof(n->overflow);
	return v + 1;
}

/* Gives the chains that a frame of @len bytes fills to the driver. */
static void deliver(struct cw_net_device *n, struct cw_abi_net_hdr *h, uint32_t len)
{
	struct cw_devq *ring = &n->dev.queue[CW_NET_QUEUE_RX].ring;
	uint32_t left = len + HDR;
	uint16_t chains = 0;

	for (uint32_t room = 0; room < left; chains++)
		room += held(n, chains)->chain.writable_len;
	h->num_buffers = cw_make_le16(chains);
	cw_chain_write(&held(n, 0)->chain, 0, h, HDR);
	for (uint16_t i = 0; i < chains; i++) {
		const struct cw_chain *c = &held(n, i)->chain;
		uint32_t used = left < c->writable_len ? left : c->writable_len;

		cw_devq_push(ring, c->head, used);
		left -= used;
	}
	n->first = (n->first + chains) % CW_NET_RX_HELD;
	n->count -= chains;
	n->stats.rx_frames++;
	n->stats.rx_bytes += len;
}

/* Whether the driver negotiated what the source says of a frame. */
static bool acceptable(const struct cw_net_device *n, struct cw_abi_net_hdr *h)
{
	if (!cw_device_has(&n->dev, CW_NET_F_GUEST_CSUM)) {
		if (h->flags & CW_NET_HDR_F_NEEDS_CSUM)
			return false;
		h->flags = 0;
	}
	h->flags &= CW_NET_HDR_F_NEEDS_CSUM | CW_NET_HDR_F_DATA_VALID;
	return gso_known(n, h, CW_NET_F_GUEST_TSO4, CW_NET_F_GUEST_TSO6);
}

/* Whether to wait for more buffers: a large frame would be cut that soon has room. */
static bool brief(struct cw_net_device *n, uint32_t have, uint32_t want)
{
	if (have > n->most)
		n->most = have;
	return have < want && n->most >= want;
}

enum pass { TOOK, LOST, EMPTY, STARVED };

static int handle(struct cw_net_device *n, struct cw_abi_net_hdr *h, int got, uint32_t room)
{
	if (got == CW_EAGAIN)
		return EMPTY;
	if (got == CW_EDOWN) {
		n->gone = true;
		cw_net_device_link(n, false);
		return EMPTY;
	}
	if (got < (int)(HDR + FRAME_MIN) || (uint32_t)got - HDR > room || !acceptable(n, h)) {
		n->stats.rx_dropped++;
		return LOST;
	}
	deliver(n, h, (uint32_t)got - HDR);
	return TOOK;
}

static int receive_one(struct cw_net_device *n)
{
	bool big = n->dev.features & TSO && cw_device_has(&n->dev, CW_NET_F_MRG_RXBUF);
	uint32_t want = HDR + (big ? GSO_MAX : frame_max(n)), room;
	struct cw_abi_net_hdr h;
	unsigned int vec;
	int64_t have = take_buffers(n, want);

	if (have < 0)
		return (int)have;
	n->brief = big && n->count && brief(n, (uint32_t)have, want);
	if (!n->count || n->brief)
		return STARVED;
	vec = make_vec(n, &h, want, &room);
	return handle(n, &h, n->ops->receive(n->ctx, n->vec, vec), room);
}

static int receive_pass(struct cw_net_device *n, unsigned int *took)
{
	int r = TOOK;

	for (unsigned int i = 0; i < CW_SERVE_BUDGET && (r == TOOK || r == LOST); i++) {
		r = receive_one(n);
		*took += r == TOOK;
	}
	n->starved = r == STARVED;
	n->stats.starved += r == STARVED;
	cw_device_publish(&n->dev, CW_NET_QUEUE_RX);
	return r;
}

unsigned int cw_net_device_receive(struct cw_net_device *n)
{
	unsigned int took = 0;
	int r;

	if (!cw_net_device_wants(n))
		return 0;
	r = receive_pass(n, &took);
	if (r < 0)
		cw_device_fault(&n->dev, r);
	else if (r == STARVED)
		cw_device_wake(&n->dev, CW_NET_QUEUE_RX); /* serve() asks for a kick */
	return took;
}

static int serve(struct cw_device *d, unsigned int q)
{
	struct cw_net_device *n = self(d);
	unsigned int took = 0;
	int r;

	if (q == CW_NET_QUEUE_TX)
		return serve_tx(n);
	if (n->gone)
		return CW_SERVE_PARKED;
	r = receive_pass(n, &took);
	if (r < 0)
		return r;
	return r == STARVED ? CW_SERVE_DRAINED : r == EMPTY ? CW_SERVE_PARKED : CW_SERVE_MORE;
}

/* ---- state ---- */

static void reset(struct cw_device *d, int q)
{
	struct cw_net_device *n = self(d);

	if (q < 0 || q == (int)CW_NET_QUEUE_RX) {
		n->first = n->count = 0;
		n->most = 0;
		n->starved = n->brief = false;
	}
}

static void started(struct cw_device *d)
{
	struct cw_net_device *n = self(d);

	if (n->ops->offload)
		n->ops->offload(n->ctx, d->features);
	cw_device_wake(d, CW_NET_QUEUE_RX);
}

void cw_net_device_settle(struct cw_net_device *n)
{
	if (!n->brief)
		return;
	n->most = 0;
	n->brief = n->starved = false;
	cw_device_wake(&n->dev, CW_NET_QUEUE_RX);
}

static const struct cw_device_ops net_ops = { .serve = serve, .reset = reset, .started = started };

void cw_net_device_link(struct cw_net_device *n, bool up)
{
	n->config.status = cw_make_le16(up ? CW_NET_S_LINK_UP : 0);
	cw_device_changed(&n->dev);
}

int cw_net_device_init(struct cw_net_device *n, const struct cw_net_ops *ops, void *ctx,
		       const uint8_t mac[6], uint16_t mtu, bool offload,
		       struct cw_device_queue *queue, struct cw_part *tx_part,
		       unsigned int tx_parts)
{
	uint64_t features = CW_NET_F_MAC | CW_NET_F_STATUS | CW_NET_F_MTU | CW_NET_F_MRG_RXBUF;

	if (mac[0] & 1 || mtu < 68 || tx_parts < 2)
		return CW_EINVAL;
	if (offload)
		features |= CW_NET_F_CSUM | CW_NET_F_GUEST_CSUM | TSO | CW_NET_F_HOST_TSO4 |
			    CW_NET_F_HOST_TSO6;
	memset(n, 0, sizeof(*n));
	n->ops = ops;
	n->ctx = ctx;
	n->tx_part = tx_part;
	n->tx_parts = tx_parts;
	memcpy(n->config.mac, mac, 6);
	n->config.status = cw_make_le16(CW_NET_S_LINK_UP);
	n->config.max_virtqueue_pairs = cw_make_le16(1);
	n->config.mtu = cw_make_le16(mtu);
	return cw_device_init(&n->dev, &net_ops, CW_ID_NET, features, (const uint8_t *)&n->config,
			      sizeof(n->config), queue, 2);
}
