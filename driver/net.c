// SPDX-License-Identifier: BSD-3-Clause
/*
 * Network driver: set-up and reception; driver/net_tx.c sends.
 *
 * Theory of operation: the block's memory behind the rings is cut into buffers of one size, half for
 * each direction. Who has which is known here, privately, so that a buffer given back twice or after
 * the device began anew does no harm. A header is copied before it is looked at, and a frame whose
 * header asks for what was not negotiated, or does not fit it, never reaches the caller. Receive
 * buffers go back to the device in batches.
 */
#include <causeway/core/err.h>
#include <causeway/core/gate.h>
#include <causeway/core/shm.h>

#include "net_priv.h"

#define RX_BATCH  8
#define GUEST_TSO (CW_NET_F_GUEST_TSO4 | CW_NET_F_GUEST_TSO6)
#define HOST_TSO  (CW_NET_F_HOST_TSO4 | CW_NET_F_HOST_TSO6)

static bool mac_fine(const struct cw_net_driver *n)
{
	static const uint8_t none[6];

	return !n->has_mac || (!(n->mac[0] & 1) && memcmp(n->mac, none, sizeof(none)) != 0);
}

static int read_config(struct cw_net_driver *n)
{
	struct cw_abi_net_config c;
	int err = cw_vdev_config(&n->vdev, 0, &c, sizeof(c));

	if (err)
		return err;
	n->link_up = !cw_vdev_has(&n->vdev, CW_NET_F_STATUS) ||
		     cw_get_le16(c.status) & CW_NET_S_LINK_UP;
	/* MAC and MTU hold from open to open; the stack above has been built on them. */
	if (n->vdev.started)
		return CW_OK;
	n->mtu = cw_vdev_has(&n->vdev, CW_NET_F_MTU) ? cw_get_le16(c.mtu) : CW_NET_MTU_DEFAULT;
	n->has_mac = cw_vdev_has(&n->vdev, CW_NET_F_MAC);
	if (n->has_mac)
		memcpy(n->mac, c.mac, sizeof(n->mac));
	if (n->mtu < CW_NET_MTU_MIN || !mac_fine(n))
		return cw_vdev_fail(&n->vdev, CW_EPEER);
	return CW_OK;
}

/* Segmentation needs checksums, and frames of 64 KB need to be merged. */
static void trim_features(struct cw_vdev *v)
{
	if (!cw_vdev_has(v, CW_NET_F_CSUM))
		v->features &= ~HOST_TSO;
	if (!cw_vdev_has(v, CW_NET_F_GUEST_CSUM | CW_NET_F_MRG_RXBUF))
		v->features &= ~GUEST_TSO;
}

static void offer_rx(struct cw_net_driver *n, uint16_t b)
{
	struct cw_buf buf = { n->rx_addr + (cw_addr_t)b * n->buffer_size + CW_NET_PAD,
			      n->buffer_size - CW_NET_PAD };

	n->rx_lent[b] = false;
	if (!cw_drvq_add(&n->rx, &buf, 0, 1, cw_net_cookie_(b)))
		n->rx_unpublished++;
}

/* One frame fits one buffer, unless frames are merged; with 64 KB frames as large as there is room. */
static uint32_t buffer_size(const struct cw_net_driver *n)
{
	uint32_t whole = CW_NET_PAD + HDR + n->mtu + VLAN, line = n->vdev.t->line;
	uint32_t size = CW_NET_BUFFER, fair = cw_vdev_room(&n->vdev) / 2 / CW_NET_QUEUE_SIZE;

	if (whole > size && !cw_vdev_has(&n->vdev, CW_NET_F_MRG_RXBUF))
		size = whole;
	if (fair > size && n->vdev.features & (GUEST_TSO | HOST_TSO))
		size = fair < GSO_MAX ? fair & ~(line - 1) : GSO_MAX + HDR + CW_NET_PAD;
	return (size + line - 1) & ~(line - 1);
}

static uint16_t least(uint32_t a, uint16_t b)
{
	return a < b ? (uint16_t)a : b;
}

static void make_buffers(struct cw_net_driver *n)
{
	uint32_t each;

	n->buffer_size = buffer_size(n);
	each = cw_vdev_room(&n->vdev) / 2 / n->buffer_size;
	n->rx_buffers = least(each, n->rx.size);
	n->tx_buffers = least(each, n->tx.size);
	n->rx_mem = cw_vdev_alloc(&n->vdev, n->rx_buffers * n->buffer_size, &n->rx_addr);
	n->tx_mem = cw_vdev_alloc(&n->vdev, n->tx_buffers * n->buffer_size, &n->tx_addr);
	if (n->vdev.dead)
		return;
	for (uint16_t i = 0; i < n->tx_buffers; i++) {
		n->tx_free[i] = i;
		n->tx_next[i] = TX_FREE;
	}
	n->tx_free_count = n->tx_buffers;
	for (uint16_t i = 0; i < n->rx_buffers; i++)
		offer_rx(n, i);
}

int cw_net_open(struct cw_net_driver *n, struct cw_transport *t, uint64_t wanted)
{
	uint32_t life = n->life;

	memset(n, 0, sizeof(*n));
	n->life = life + 1;
	wanted |= CW_NET_F_MAC | CW_NET_F_STATUS | CW_NET_F_MTU;
	if (cw_vdev_open(&n->vdev, t, CW_ID_NET, wanted))
		return n->vdev.dead;
	trim_features(&n->vdev);
	cw_vdev_accept(&n->vdev);
	if (read_config(n))
		return n->vdev.dead;
	cw_vdev_queue(&n->vdev, CW_NET_QUEUE_RX, &n->rx, n->rx_slot, CW_NET_QUEUE_SIZE);
	cw_vdev_queue(&n->vdev, CW_NET_QUEUE_TX, &n->tx, n->tx_slot, CW_NET_QUEUE_SIZE);
	if (n->vdev.dead)
		return n->vdev.dead;
	make_buffers(n);
	if (cw_vdev_start(&n->vdev))
		return n->vdev.dead;
	cw_drvq_disarm(&n->tx);
	cw_net_flush(n);
	return CW_OK;
}

int cw_net_poll(struct cw_net_driver *n)
{
	int err;

	if (cw_vdev_event(&n->vdev) && !n->vdev.dead)
		read_config(n);
	err = cw_vdev_check(&n->vdev);
	if (!err)
		cw_net_flush(n);
	return err;
}

void cw_net_flush(struct cw_net_driver *n)
{
	if (cw_vdev_check(&n->vdev))
		return;
	cw_vdev_publish(&n->vdev, CW_NET_QUEUE_TX, &n->tx);
	cw_vdev_publish(&n->vdev, CW_NET_QUEUE_RX, &n->rx);
	n->rx_unpublished = 0;
}

bool cw_net_arm(struct cw_net_driver *n)
{
	bool news;

	cw_net_flush(n);
	news = cw_vdev_arm(&n->vdev, &n->rx);
	if (n->tx_wanted)
		news |= cw_vdev_arm(&n->vdev, &n->tx);
	return news;
}

/* ---- receive ---- */

bool cw_net_meta_fits(const struct cw_net_meta *m, uint32_t len)
{
	bool csum = m->flags & CW_NET_HDR_F_NEEDS_CSUM;

	if (csum && (uint32_t)m->csum_start + m->csum_offset + 2u > len)
		return false;
	return m->gso_type == CW_NET_HDR_GSO_NONE || (csum && m->gso_size && m->hdr_len <= len);
}

static void decode(const struct cw_abi_net_hdr *h, struct cw_net_meta *m)
{
	m->flags = h->flags & (CW_NET_HDR_F_NEEDS_CSUM | CW_NET_HDR_F_DATA_VALID);
	m->gso_type = h->gso_type;
	m->hdr_len = cw_get_le16(h->hdr_len);
	m->gso_size = cw_get_le16(h->gso_size);
	m->csum_start = cw_get_le16(h->csum_start);
	m->csum_offset = cw_get_le16(h->csum_offset);
}

/* What the header promises was negotiated, and fits the frame. */
static bool plausible(const struct cw_net_driver *n, const struct cw_net_frame *f)
{
	const struct cw_net_meta *m = &f->meta;
	uint64_t need = m->flags & CW_NET_HDR_F_NEEDS_CSUM ? CW_NET_F_GUEST_CSUM : 0;

	if (m->gso_type == CW_NET_HDR_GSO_TCPV4)
		need |= CW_NET_F_GUEST_TSO4;
	else if (m->gso_type == CW_NET_HDR_GSO_TCPV6)
		need |= CW_NET_F_GUEST_TSO6;
	else if (m->gso_type != CW_NET_HDR_GSO_NONE)
		return false;
	return f->len >= FRAME_MIN && cw_vdev_has(&n->vdev, need) && cw_net_meta_fits(m, f->len);
}

static int next_piece(struct cw_net_driver *n, struct cw_net_frame *f)
{
	uint32_t len, skip = f->parts ? 0 : HDR;
	void *cookie;
	uint16_t b;
	int got = cw_vdev_get(&n->vdev, &n->rx, &cookie, &len);

	if (got <= 0)
		return got;
	b = cw_net_buffer_(cookie);
	n->rx_lent[b] = true;
	if (len < skip)
		return cw_vdev_fail(&n->vdev, CW_EPEER);
	f->buffer[f->parts] = b;
	f->part[f->parts].ptr = n->rx_mem + (uint32_t)b * n->buffer_size + CW_NET_PAD + skip;
	f->part[f->parts].len = len - skip;
	f->parts++;
	f->len += len - skip;
	return 1;
}

/* One frame, whole or not at all: a device publishes all buffers of a frame together. */
static int gather(struct cw_net_driver *n, struct cw_net_frame *f)
{
	struct cw_abi_net_hdr h;
	uint16_t buffers;
	int got;

	f->parts = 0;
	f->len = 0;
	f->life = n->life;
	got = next_piece(n, f);
	if (got <= 0)
		return got;
	cw_copy_in(&h, (uint8_t *)f->part[0].ptr - HDR, HDR);
	decode(&h, &f->meta);
	buffers = cw_vdev_has(&n->vdev, CW_NET_F_MRG_RXBUF) ? cw_get_le16(h.num_buffers) : 1;
	if (!buffers || buffers > CW_NET_MERGE)
		return cw_vdev_fail(&n->vdev, CW_EPEER);
	while (f->parts < buffers) {
		got = next_piece(n, f);
		if (got <= 0)
			return got < 0 ? got : cw_vdev_fail(&n->vdev, CW_EPEER);
	}
	return 1;
}

int cw_net_receive(struct cw_net_driver *n, struct cw_net_frame *f)
{
	/* Bounded: a device may not keep us here with bad frames for ever. */
	for (uint16_t i = 0; i < n->rx_buffers; i++) {
		int got = gather(n, f);

		if (got < 0)
			f->parts = 0;
		if (got <= 0)
			return got;
		if (plausible(n, f)) {
			n->count.rx_frames++;
			n->count.rx_bytes += f->len;
			return 1;
		}
		n->count.rx_bad++;
		cw_net_release(n, f);
	}
	return cw_vdev_check(&n->vdev);
}

void cw_net_release(struct cw_net_driver *n, const struct cw_net_frame *f)
{
	if (f->life != n->life || cw_vdev_check(&n->vdev))
		return;
	for (uint16_t i = 0; i < f->parts; i++)
		if (n->rx_lent[f->buffer[i]])
			offer_rx(n, f->buffer[i]);
	if (n->rx_unpublished >= RX_BATCH || n->rx_unpublished > n->rx_buffers / 4) {
		cw_vdev_publish(&n->vdev, CW_NET_QUEUE_RX, &n->rx);
		n->rx_unpublished = 0;
	}
}

uint32_t cw_net_copy(const struct cw_net_frame *f, uint32_t at, void *dst, uint32_t len)
{
	uint32_t done = 0;

	for (uint16_t i = 0; i < f->parts && done < len; i++) {
		uint32_t have = (uint32_t)f->part[i].len, n;

		if (at >= have) {
			at -= have;
			continue;
		}
		n = have - at < len - done ? have - at : len - done;
		cw_copy_in((uint8_t *)dst + done, (const uint8_t *)f->part[i].ptr + at, n);
		done += n;
		at = 0;
	}
	return done;
}

int cw_net_recv(struct cw_net_driver *n, void *buf, uint32_t cap, uint32_t *len,
		struct cw_net_meta *meta)
{
	struct cw_net_frame f;
	int got = cw_net_receive(n, &f);

	if (got <= 0)
		return got;
	*len = f.len;
	if (meta)
		*meta = f.meta;
	got = f.len <= cap ? 1 : CW_ENOSPC;
	if (got > 0)
		cw_net_copy(&f, 0, buf, cap);
	cw_net_release(n, &f);
	return got;
}
