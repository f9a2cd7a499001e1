// SPDX-License-Identifier: BSD-3-Clause
/*
 * Network driver.
 *
 * Theory of operation: the block's memory behind the rings is cut into buffers of one size, half for
 * each direction. Which are free is known here, privately. A frame in flight to the device is a chain
 * of transmit buffers; completions are taken only when buffers run short, so that sending costs no
 * notification back. Receive buffers go back to the device in batches.
 */
#include <causeway/core/err.h>
#include <causeway/core/gate.h>
#include <causeway/core/shm.h>
#include <causeway/driver/net.h>

#define HDR	  ((uint32_t)sizeof(struct cw_abi_net_hdr))
#define NONE	  0xffffu
#define RX_BATCH  8
#define FRAME_MIN 14u

static void *cookie_of(uint16_t buffer)
{
	return (void *)((uintptr_t)buffer + 1);
}

static uint16_t buffer_of(const void *cookie)
{
	return (uint16_t)((uintptr_t)cookie - 1);
}

static int read_config(struct cw_net_driver *n)
{
	struct cw_abi_net_config c;
	int err = cw_vdev_config(&n->vdev, 0, &c, sizeof(c));

	if (err)
		return err;
	n->link_up = !cw_vdev_has(&n->vdev, CW_NET_F_STATUS) ||
		     cw_get_le16(c.status) & CW_NET_S_LINK_UP;
	n->mtu = cw_vdev_has(&n->vdev, CW_NET_F_MTU) ? cw_get_le16(c.mtu) : 1500;
	if (cw_vdev_has(&n->vdev, CW_NET_F_MAC))
		memcpy(n->mac, c.mac, sizeof(n->mac));
	if (n->mtu < 68 || n->mac[0] & 1)
		return cw_vdev_fail(&n->vdev, CW_EPEER);
	return CW_OK;
}

static void offer_rx(struct cw_net_driver *n, uint16_t buffer)
{
	struct cw_buf buf = { n->rx_addr + (cw_addr_t)buffer * CW_NET_BUFFER, CW_NET_BUFFER };

	if (!cw_drvq_add(&n->rx, &buf, 0, 1, cookie_of(buffer)))
		n->rx_unpublished++;
}

static int make_buffers(struct cw_net_driver *n)
{
	uint32_t each = cw_vdev_room(&n->vdev) / 2 / CW_NET_BUFFER;

	n->rx_buffers = (uint16_t)(each < n->rx.size ? each : n->rx.size);
	n->tx_buffers = (uint16_t)(each < n->tx.size ? each : n->tx.size);
	if (!each)
		return cw_vdev_fail(&n->vdev, CW_ENOSPC);
	n->rx_mem = cw_vdev_alloc(&n->vdev, n->rx_buffers * CW_NET_BUFFER, &n->rx_addr);
	n->tx_mem = cw_vdev_alloc(&n->vdev, n->tx_buffers * CW_NET_BUFFER, &n->tx_addr);
	if (!n->rx_mem || !n->tx_mem)
		return cw_vdev_fail(&n->vdev, CW_ENOSPC);
	for (uint16_t i = 0; i < n->tx_buffers; i++)
		n->tx_free[i] = i;
	n->tx_free_count = n->tx_buffers;
	for (uint16_t i = 0; i < n->rx_buffers; i++)
		offer_rx(n, i);
	return CW_OK;
}

int cw_net_open(struct cw_net_driver *n, struct cw_transport *t, uint64_t wanted)
{
	int err;

	memset(n, 0, sizeof(*n));
	err = cw_vdev_open(&n->vdev, t, CW_ID_NET,
			   wanted | CW_NET_F_MAC | CW_NET_F_STATUS | CW_NET_F_MTU);
	err = err ? err : read_config(n);
	err = err ? err
		  : cw_vdev_queue(&n->vdev, CW_NET_QUEUE_RX, &n->rx, n->rx_slot, CW_NET_QUEUE_SIZE);
	err = err ? err
		  : cw_vdev_queue(&n->vdev, CW_NET_QUEUE_TX, &n->tx, n->tx_slot, CW_NET_QUEUE_SIZE);
	err = err ? err : make_buffers(n);
	err = err ? err : cw_vdev_start(&n->vdev);
	if (!err)
		cw_net_flush(n);
	return err;
}

int cw_net_poll(struct cw_net_driver *n)
{
	int err = cw_vdev_check(&n->vdev);

	if (!err && cw_vdev_event(&n->vdev))
		err = n->vdev.dead ? n->vdev.dead : read_config(n);
	return err;
}

/* ---- receive ---- */

static void decode(const struct cw_abi_net_hdr *h, struct cw_net_meta *m)
{
	m->flags = h->flags;
	m->gso_type = h->gso_type;
	m->hdr_len = cw_get_le16(h->hdr_len);
	m->gso_size = cw_get_le16(h->gso_size);
	m->csum_start = cw_get_le16(h->csum_start);
	m->csum_offset = cw_get_le16(h->csum_offset);
}

static bool plausible(const struct cw_net_frame *f)
{
	const struct cw_net_meta *m = &f->meta;

	if (f->len < FRAME_MIN || m->hdr_len > f->len)
		return false;
	if (m->flags & CW_NET_HDR_F_NEEDS_CSUM &&
	    (uint32_t)m->csum_start + m->csum_offset + 2u > f->len)
		return false;
	return m->gso_type == CW_NET_HDR_GSO_NONE || m->gso_size;
}

static int next_piece(struct cw_net_driver *n, struct cw_net_frame *f)
{
	uint32_t len, skip = f->parts ? 0 : HDR;
	void *cookie;
	uint16_t b;
	int got = cw_drvq_get(&n->rx, &cookie, &len);

	if (got <= 0)
		return got < 0 ? cw_vdev_fail(&n->vdev, got) : 0;
	b = buffer_of(cookie);
	if (len < skip)
		return cw_vdev_fail(&n->vdev, CW_EBADLEN);
	f->buffer[f->parts] = b;
	f->part[f->parts].ptr = n->rx_mem + (uint32_t)b * CW_NET_BUFFER + skip;
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
	got = next_piece(n, f);
	if (got <= 0)
		return got;
	cw_copy_in(&h, (uint8_t *)f->part[0].ptr - HDR, HDR);
	decode(&h, &f->meta);
	buffers = cw_vdev_has(&n->vdev, CW_NET_F_MRG_RXBUF) ? cw_get_le16(h.num_buffers) : 1;
	if (!buffers || buffers > CW_NET_MERGE || buffers > n->rx_buffers)
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
		int got = n->vdev.dead ? n->vdev.dead : gather(n, f);

		if (got <= 0)
			return got;
		got = cw_vdev_check(&n->vdev);
		if (got)
			return got;
		if (plausible(f)) {
			n->count.rx_frames++;
			n->count.rx_bytes += f->len;
			return 1;
		}
		n->count.rx_bad++;
		cw_net_release(n, f);
	}
	return 0;
}

void cw_net_release(struct cw_net_driver *n, const struct cw_net_frame *f)
{
	if (cw_vdev_check(&n->vdev))
		return;
	for (uint16_t i = 0; i < f->parts; i++)
		offer_rx(n, f->buffer[i]);
	if (n->rx_unpublished >= RX_BATCH) {
		cw_vdev_publish(&n->vdev, CW_NET_QUEUE_RX, &n->rx);
		n->rx_unpublished = 0;
	}
}

uint32_t cw_net_copy(const struct cw_net_frame *f, uint32_t at, void *dst, uint32_t len)
{
	const struct cw_chain c = { .part = (struct cw_part *)(uintptr_t)f->part,
				    .readable = f->parts };

	return cw_chain_read(&c, at, dst, len);
}

/* ---- transmit ---- */

static int reclaim(struct cw_net_driver *n)
{
	uint32_t len;
	void *cookie;
	int got;

	while ((got = cw_drvq_get(&n->tx, &cookie, &len)) > 0)
		for (uint16_t b = buffer_of(cookie); b != NONE; b = n->tx_next[b])
			n->tx_free[n->tx_free_count++] = b;
	return got < 0 ? cw_vdev_fail(&n->vdev, got) : CW_OK;
}

static uint8_t *tx_place(const struct cw_net_driver *n, uint16_t b)
{
	return n->tx_mem + (uint32_t)b * CW_NET_BUFFER;
}

static void put_header(struct cw_net_driver *n, uint16_t b, const struct cw_net_meta *m)
{
	static const struct cw_net_meta plain;
	struct cw_abi_net_hdr h;

	m = m ? m : &plain;
	h.flags = m->flags;
	h.gso_type = m->gso_type;
	h.hdr_len = cw_make_le16(m->hdr_len);
	h.gso_size = cw_make_le16(m->gso_size);
	h.csum_start = cw_make_le16(m->csum_start);
	h.csum_offset = cw_make_le16(m->csum_offset);
	h.num_buffers = cw_make_le16(0);
	cw_copy_out(tx_place(n, b), &h, HDR);
}

void *cw_net_tx_get(struct cw_net_driver *n, uint16_t *buffer)
{
	if (cw_vdev_check(&n->vdev))
		return NULL;
	if (!n->tx_free_count && (reclaim(n) || !n->tx_free_count)) {
		n->count.tx_full++;
		return NULL;
	}
	*buffer = n->tx_free[--n->tx_free_count];
	return tx_place(n, *buffer) + HDR;
}

/* Offers the buffers first, next ... as one chain of @len bytes, header included. */
static int offer_tx(struct cw_net_driver *n, uint16_t first, uint32_t len)
{
	struct cw_buf buf[CW_NET_QUEUE_SIZE];
	unsigned int k = 0;
	int err;

	n->count.tx_frames++;
	n->count.tx_bytes += len - HDR;
	for (uint16_t b = first; b != NONE; b = n->tx_next[b], k++) {
		buf[k].addr = n->tx_addr + (cw_addr_t)b * CW_NET_BUFFER;
		buf[k].len = len < CW_NET_BUFFER ? len : CW_NET_BUFFER;
		len -= buf[k].len;
	}
	err = cw_drvq_add(&n->tx, buf, k, 0, cookie_of(first));
	return err ? cw_vdev_fail(&n->vdev, err) : CW_OK;
}

int cw_net_tx_send(struct cw_net_driver *n, uint16_t buffer, uint32_t len,
		   const struct cw_net_meta *meta)
{
	int err = cw_vdev_check(&n->vdev);

	if (err)
		return err;
	if (len < FRAME_MIN || len > CW_NET_BUFFER - HDR) {
		n->tx_free[n->tx_free_count++] = buffer;
		return CW_EINVAL;
	}
	put_header(n, buffer, meta);
	n->tx_next[buffer] = NONE;
	return offer_tx(n, buffer, HDR + len);
}

static int want_buffers(struct cw_net_driver *n, uint32_t need, uint64_t timeout)
{
	struct cw_transport *t = n->vdev.t;
	uint64_t end = timeout ? t->ops->now(t) + timeout : 0, now;
	int err;

	for (;;) {
		err = cw_vdev_check(&n->vdev);
		if (!err && n->tx_free_count < need)
			err = reclaim(n);
		if (err || n->tx_free_count >= need)
			return err;
		if (!timeout) {
			n->count.tx_full++;
			return CW_EAGAIN;
		}
		cw_net_flush(n);
		now = t->ops->now(t);
		err = cw_vdev_wait(&n->vdev, &n->tx, now < end ? end - now : 0);
		if (err)
			return err;
	}
}

/* Copies all parts behind the header, over as many buffers as that takes. */
static uint16_t fill(struct cw_net_driver *n, const struct cw_part *part, unsigned int parts)
{
	uint16_t first = n->tx_free[--n->tx_free_count], b = first;
	uint32_t at = HDR;

	for (unsigned int i = 0; i < parts; i++) {
		const uint8_t *p = part[i].ptr;
		uint32_t left = (uint32_t)part[i].len;

		while (left) {
			uint32_t k = CW_NET_BUFFER - at < left ? CW_NET_BUFFER - at : left;

			cw_copy_out(tx_place(n, b) + at, p, k);
			p += k;
			left -= k;
			at += k;
			if (at == CW_NET_BUFFER && (left || i + 1 < parts)) {
				n->tx_next[b] = n->tx_free[--n->tx_free_count];
				b = n->tx_next[b];
				at = 0;
			}
		}
	}
	n->tx_next[b] = NONE;
	return first;
}

int cw_net_send(struct cw_net_driver *n, const struct cw_part *part, unsigned int parts,
		const struct cw_net_meta *meta, uint64_t timeout)
{
	uint32_t len = 0, need;
	uint16_t first;
	int err;

	for (unsigned int i = 0; i < parts; i++) {
		if (part[i].len > UINT16_MAX * 2u - len)
			return CW_EINVAL;
		len += (uint32_t)part[i].len;
	}
	/* One more than the bytes need: fill() takes it when a part ends with a buffer. */
	need = (HDR + len) / CW_NET_BUFFER + 1;
	if (len < FRAME_MIN || need > n->tx_buffers)
		return n->vdev.dead ? n->vdev.dead : CW_EINVAL;
	err = want_buffers(n, need, timeout);
	if (err)
		return err;
	first = fill(n, part, parts);
	put_header(n, first, meta);
	err = offer_tx(n, first, HDR + len);
	if (!err)
		cw_vdev_publish(&n->vdev, CW_NET_QUEUE_TX, &n->tx);
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
	if (cw_vdev_check(&n->vdev))
		return false;
	cw_net_flush(n);
	return cw_drvq_arm(&n->rx);
}
