// SPDX-License-Identifier: BSD-3-Clause
/*
 * Network driver: sending.
 *
 * Theory of operation: a frame in flight is a chain of send buffers, linked through tx_next, with its
 * header in front of the first one's bytes. Completions are taken only when buffers run short, so
 * that sending costs no notification back; one is asked for only when somebody waits for a buffer.
 */
#include <causeway/core/err.h>
#include <causeway/core/gate.h>
#include <causeway/core/shm.h>

#include "net_priv.h"

/* Gives a chain of buffers back to the free ones. */
static void put_back(struct cw_net_driver *n, uint16_t b)
{
	while (b != TX_END) {
		uint16_t next = n->tx_next[b];

		n->tx_next[b] = TX_FREE;
		n->tx_free[n->tx_free_count++] = b;
		b = next;
	}
}

static uint16_t take_one(struct cw_net_driver *n)
{
	return n->tx_free[--n->tx_free_count];
}

static int reclaim(struct cw_net_driver *n)
{
	uint32_t len;
	void *cookie;
	int got;

	while ((got = cw_vdev_get(&n->vdev, &n->tx, &cookie, &len)) > 0)
		put_back(n, cw_net_buffer_(cookie));
	cw_drvq_disarm(&n->tx);
	return got;
}

/* Where the bytes of a frame go in a buffer; the header lies before them in the first one. */
static uint8_t *tx_place(const struct cw_net_driver *n, uint16_t b)
{
	return n->tx_mem + (uint32_t)b * n->buffer_size + CW_NET_PAD + HDR;
}

static int enough(struct cw_net_driver *n, uint32_t need)
{
	int err = cw_vdev_check(&n->vdev);

	if (!err && n->tx_free_count < need)
		err = reclaim(n);
	n->tx_wanted = !err && n->tx_free_count < need;
	return n->tx_wanted ? CW_EAGAIN : err;
}

void *cw_net_tx_get(struct cw_net_driver *n, uint16_t *buffer)
{
	if (enough(n, 1)) {
		n->count.tx_full++;
		return NULL;
	}
	*buffer = take_one(n);
	n->tx_next[*buffer] = TX_LENT;
	return tx_place(n, *buffer);
}

static void put_header(struct cw_net_driver *n, uint16_t b, const struct cw_net_meta *m)
{
	struct cw_abi_net_hdr h;

	h.flags = m->flags;
	h.gso_type = m->gso_type;
	h.hdr_len = cw_make_le16(m->hdr_len);
	h.gso_size = cw_make_le16(m->gso_size);
	h.csum_start = cw_make_le16(m->csum_start);
	h.csum_offset = cw_make_le16(m->csum_offset);
	h.num_buffers = cw_make_le16(0);
	cw_copy_out(tx_place(n, b) - HDR, &h, HDR);
}

/* Whether the device takes such a frame: 0, CW_EINVAL or CW_ENOTSUP. */
static int sendable(const struct cw_net_driver *n, const struct cw_net_meta *m, uint32_t len)
{
	uint64_t need = m->flags & CW_NET_HDR_F_NEEDS_CSUM ? CW_NET_F_CSUM : 0;
	uint32_t max = GSO_MAX;

	if (m->gso_type == CW_NET_HDR_GSO_TCPV4)
		need |= CW_NET_F_HOST_TSO4;
	else if (m->gso_type == CW_NET_HDR_GSO_TCPV6)
		need |= CW_NET_F_HOST_TSO6;
	else if (m->gso_type == CW_NET_HDR_GSO_NONE)
		max = n->mtu + VLAN;
	else
		return CW_EINVAL;
	if (len < FRAME_MIN || len > max || m->flags & ~CW_NET_HDR_F_NEEDS_CSUM ||
	    !cw_net_meta_fits(m, len))
		return CW_EINVAL;
	return cw_vdev_has(&n->vdev, need) ? CW_OK : CW_ENOTSUP;
}

/* Offers a chain of full buffers, the last with what is left of @len; not published. */
static int offer_tx(struct cw_net_driver *n, uint16_t first, uint32_t len,
		    const struct cw_net_meta *meta)
{
	struct cw_buf buf[CW_NET_MERGE];
	uint32_t room = cw_net_tx_room(n), left = len;
	unsigned int k = 0;

	put_header(n, first, meta);
	for (uint16_t b = first; b != TX_END; b = n->tx_next[b], k++) {
		buf[k].len = left < room ? left : room;
		left -= buf[k].len;
		buf[k].addr = n->tx_addr + (uint64_t)(tx_place(n, b) - n->tx_mem);
	}
	buf[0].addr -= HDR;
	buf[0].len += HDR;
	if (cw_drvq_add(&n->tx, buf, k, 0, cw_net_cookie_(first)))
		return cw_vdev_fail(&n->vdev, CW_EPEER);
	n->count.tx_frames++;
	n->count.tx_bytes += len;
	return CW_OK;
}

/* Links lent buffers into one chain; false when one of them was not lent, or is there twice. */
static bool link_lent(struct cw_net_driver *n, const uint16_t *buffer, unsigned int count,
		      uint16_t *first)
{
	bool fine = true;

	*first = TX_END;
	while (count--) {
		uint16_t b = buffer[count];

		if (b < n->tx_buffers && n->tx_next[b] == TX_LENT) {
			n->tx_next[b] = *first;
			*first = b;
		} else {
			fine = false;
		}
	}
	return fine;
}

static const struct cw_net_meta plain;

int cw_net_tx_sendv(struct cw_net_driver *n, const uint16_t *buffer, unsigned int count,
		    uint32_t len, const struct cw_net_meta *meta)
{
	uint32_t room = cw_net_tx_room(n);
	int err = cw_vdev_check(&n->vdev);
	uint16_t first;

	if (err)
		return err;
	meta = meta ? meta : &plain;
	err = sendable(n, meta, len);
	if (!link_lent(n, buffer, count, &first) || count > CW_NET_MERGE ||
	    (len + room - 1) / room != count)
		err = CW_EINVAL;
	if (!err)
		return offer_tx(n, first, len, meta);
	put_back(n, first);
	return err;
}

int cw_net_tx_send(struct cw_net_driver *n, uint16_t buffer, uint32_t len,
		   const struct cw_net_meta *meta)
{
	return cw_net_tx_sendv(n, &buffer, 1, len, meta);
}

void cw_net_tx_cancel(struct cw_net_driver *n, uint16_t buffer)
{
	uint16_t first;

	if (link_lent(n, &buffer, 1, &first))
		put_back(n, first);
}

static int want_buffers(struct cw_net_driver *n, uint32_t need, uint64_t timeout)
{
	uint64_t end = timeout ? cw_vdev_end(&n->vdev, timeout) : 0;
	int err = enough(n, need);

	while (err == CW_EAGAIN && timeout) {
		cw_net_flush(n);
		err = cw_vdev_wait(&n->vdev, &n->tx, end);
		if (err)
			return err;
		err = enough(n, need);
		if (err == CW_EAGAIN && n->vdev.t->ops->now(n->vdev.t) >= end)
			return CW_ETIMEDOUT;
	}
	n->count.tx_full += err == CW_EAGAIN;
	return err;
}

/* Copies the pieces into the buffers of a chain, one after the other. */
static void fill(struct cw_net_driver *n, uint16_t b, const struct cw_part *part,
		 unsigned int parts)
{
	uint32_t room = cw_net_tx_room(n), at = 0;

	for (unsigned int i = 0; i < parts; i++) {
		const uint8_t *p = part[i].ptr;

		for (uint32_t left = (uint32_t)part[i].len, k; left; left -= k, p += k, at += k) {
			if (at == room) {
				b = n->tx_next[b];
				at = 0;
			}
			k = room - at < left ? room - at : left;
			cw_copy_out(tx_place(n, b) + at, p, k);
		}
	}
}

int cw_net_send(struct cw_net_driver *n, const struct cw_part *part, unsigned int parts,
		const struct cw_net_meta *meta, uint64_t timeout)
{
	uint32_t len = 0, need;
	uint16_t first = TX_END;
	int err = cw_vdev_check(&n->vdev);

	for (unsigned int i = 0; i < parts && len <= GSO_MAX; i++)
		len += part[i].len < GSO_MAX ? (uint32_t)part[i].len : GSO_MAX + 1;
	meta = meta ? meta : &plain;
	err = err ? err : sendable(n, meta, len);
	if (err)
		return err;
	need = (len + cw_net_tx_room(n) - 1) / cw_net_tx_room(n);
	if (need > n->tx_buffers || need > CW_NET_MERGE)
		return CW_EINVAL;
	err = want_buffers(n, need, timeout);
	if (err)
		return err;
	while (need--) {
		uint16_t b = take_one(n);

		n->tx_next[b] = first;
		first = b;
	}
	fill(n, first, part, parts);
	err = offer_tx(n, first, len, meta);
	if (!err)
		cw_vdev_publish(&n->vdev, CW_NET_QUEUE_TX, &n->tx);
	return err;
}
