// SPDX-License-Identifier: BSD-3-Clause
/*
 * Console driver: set-up and data; driver/console_ctrl.c speaks with a device of several ports.
 *
 * Theory of operation: each port has buffers for input, all with the device, and for output, all
 * with us; bytes are copied in and out, many to a buffer. Who has which buffer is known privately.
 * Queues of a port are 0 and 1 for port 0, then 2 + 2n and 3 + 2n (section 5.3.2).
 */
#include <causeway/abi/region.h>
#include <causeway/core/err.h>
#include <causeway/core/gate.h>
#include <causeway/core/shm.h>

#include "console_priv.h"

#define PORTS_MAX ((CW_QUEUES_MAX - 2) / 2) /* that a device can have queues for */
#define ALL	  (CW_CONSOLE_BUFFERS < 32 ? (1u << (CW_CONSOLE_BUFFERS % 32)) - 1u : UINT32_MAX)

static unsigned int rx_queue(unsigned int p)
{
	return p ? 2 + 2 * p : CW_CONSOLE_QUEUE_RX;
}

static void read_size(struct cw_console_driver *c, const struct cw_abi_console_config *g)
{
	if (!c->multiport && cw_vdev_has(&c->vdev, CW_CONSOLE_F_SIZE)) {
		c->port[0].cols = cw_get_le16(g->cols);
		c->port[0].rows = cw_get_le16(g->rows);
	}
}

static int read_config(struct cw_console_driver *c)
{
	struct cw_abi_console_config g;
	uint32_t ports = 1;

	if (cw_vdev_config(&c->vdev, 0, &g, sizeof(g)))
		return c->vdev.dead;
	read_size(c, &g);
	if (c->ports) /* their number holds from open to open */
		return CW_OK;
	if (c->multiport)
		ports = cw_get_le32(g.max_nr_ports);
	if (!ports || ports > PORTS_MAX)
		return cw_vdev_fail(&c->vdev, CW_EPEER);
	c->ports = (uint16_t)(ports < CW_CONSOLE_PORTS ? ports : CW_CONSOLE_PORTS);
	return CW_OK;
}

/* Adds buffer @b with @len bytes to a queue, to read or to write. */
static void give(struct cw_console_driver *c, struct cw_console_queue *q, uint32_t b, uint32_t len,
		 unsigned int readable)
{
	struct cw_buf buf = { q->addr + (cw_addr_t)b * c->buffer_size, len };

	q->free &= ~(1u << b);
	if (cw_drvq_add(&q->q, &buf, readable, 1 - readable, cw_console_cookie_(b)))
		cw_vdev_fail(&c->vdev, CW_EPEER);
}

/* Takes a buffer back from the device: 1, 0 or an error. */
static int take(struct cw_console_driver *c, struct cw_console_queue *q, uint16_t *b, uint32_t *len)
{
	void *cookie;
	int got = cw_vdev_get(&c->vdev, &q->q, &cookie, len);

	if (got > 0) {
		*b = cw_console_buffer_(cookie);
		q->free |= 1u << *b;
	}
	return got;
}

static void open_queue(struct cw_console_driver *c, unsigned int i, struct cw_console_queue *q)
{
	cw_vdev_queue(&c->vdev, i, &q->q, q->slot, CW_CONSOLE_BUFFERS);
	q->free = ALL;
}

/* A device with smaller queues has fewer buffers. */
static void open_buffers(struct cw_console_driver *c, struct cw_console_queue *q)
{
	q->mem = cw_vdev_alloc(&c->vdev, q->q.size * c->buffer_size, &q->addr);
	if (q->q.size < CW_CONSOLE_BUFFERS)
		q->free = (1u << q->q.size) - 1u;
}

static void open_memory(struct cw_console_driver *c)
{
	uint32_t size = cw_vdev_room(&c->vdev) / (2 * CW_CONSOLE_BUFFERS * c->ports);

	size = size < CW_CONSOLE_BUFFER_MAX ? size : CW_CONSOLE_BUFFER_MAX;
	c->buffer_size = size & ~(c->vdev.t->line - 1);
	if (c->buffer_size < CW_CONSOLE_BUFFER)
		cw_vdev_fail(&c->vdev, CW_ENOSPC);
	for (unsigned int i = 0; i < c->ports && !c->vdev.dead; i++) {
		struct cw_console_port *p = &c->port[i];

		open_buffers(c, &p->rx);
		open_buffers(c, &p->tx);
		for (uint16_t b = 0; b < p->rx.q.size && !c->vdev.dead; b++)
			give(c, &p->rx, b, c->buffer_size, 0);
		cw_drvq_disarm(&p->tx.q);
	}
}

static void open_queues(struct cw_console_driver *c)
{
	for (unsigned int i = 0; i < c->ports && !c->vdev.dead; i++) {
		open_queue(c, rx_queue(i), &c->port[i].rx);
		open_queue(c, rx_queue(i) + 1, &c->port[i].tx);
		c->port[i].present = c->port[i].open = c->port[i].wanted = !c->multiport;
	}
	if (c->multiport)
		cw_console_ctrl_open(c);
}

int cw_console_open(struct cw_console_driver *c, struct cw_transport *t)
{
	memset(c, 0, sizeof(*c));
	if (cw_vdev_open(&c->vdev, t, CW_ID_CONSOLE, CW_CONSOLE_F_SIZE | CW_CONSOLE_F_MULTIPORT))
		return c->vdev.dead;
	c->multiport = cw_vdev_has(&c->vdev, CW_CONSOLE_F_MULTIPORT);
	cw_vdev_accept(&c->vdev);
	if (read_config(c))
		return c->vdev.dead;
	open_queues(c);
	if (!c->vdev.dead)
		open_memory(c);
	if (cw_vdev_start(&c->vdev))
		return c->vdev.dead;
	for (unsigned int i = 0; i < c->ports; i++)
		cw_vdev_publish(&c->vdev, rx_queue(i), &c->port[i].rx.q);
	return c->multiport ? cw_console_ctrl_poll(c) : CW_OK;
}

int cw_console_poll(struct cw_console_driver *c)
{
	int err;

	if (cw_vdev_event(&c->vdev) && !c->vdev.dead)
		read_config(c);
	err = cw_vdev_check(&c->vdev);
	return !err && c->multiport ? cw_console_ctrl_poll(c) : err;
}

static int usable(struct cw_console_driver *c, unsigned int i, uint32_t len)
{
	int err = cw_vdev_check(&c->vdev);

	if (err)
		return err;
	if (i >= c->ports || !c->port[i].present)
		return CW_ENODEV;
	return len > INT32_MAX ? CW_EINVAL : CW_OK;
}

/* Copies from the buffer being read, and gives it back when nothing is left in it. */
static uint32_t drain(struct cw_console_driver *c, struct cw_console_port *p, uint8_t *to,
		      uint32_t len)
{
	uint32_t n = p->have - p->at < len ? p->have - p->at : len;

	cw_copy_in(to, p->rx.mem + p->reading * c->buffer_size + p->at, n);
	p->at += n;
	if (p->at == p->have) {
		p->at = p->have = 0;
		give(c, &p->rx, p->reading, c->buffer_size, 0);
	}
	return n;
}

int cw_console_read(struct cw_console_driver *c, unsigned int i, void *buf, uint32_t len)
{
	struct cw_console_port *p;
	uint32_t done = 0;
	int got = usable(c, i, len);

	if (got)
		return got;
	p = &c->port[i];
	for (unsigned int k = 0; k < CW_CONSOLE_BUFFERS && done < len; k++) {
		got = p->have ? 1 : take(c, &p->rx, &p->reading, &p->have);
		if (got <= 0)
			break;
		done += drain(c, p, (uint8_t *)buf + done, len - done);
	}
	cw_vdev_publish(&c->vdev, rx_queue(i), &p->rx.q);
	return done || got > 0 ? (int)done : got;
}

/* A buffer for output, waiting for it until @end: 0, CW_ETIMEDOUT, or what lost the device. */
static int want_room(struct cw_console_driver *c, unsigned int i, uint64_t end)
{
	struct cw_console_queue *q = &c->port[i].tx;
	uint32_t len;
	uint16_t b;
	int got = 0;

	while (!q->free) {
		while ((got = take(c, q, &b, &len)) > 0)
			;
		if (got < 0)
			return got;
		if (q->free)
			break;
		cw_vdev_publish(&c->vdev, rx_queue(i) + 1, &q->q);
		if (c->vdev.t->ops->now(c->vdev.t) >= end)
			return CW_ETIMEDOUT;
		got = cw_vdev_wait(&c->vdev, &q->q, end);
		if (got)
			return got;
	}
	return CW_OK;
}

static uint32_t put(struct cw_console_driver *c, struct cw_console_queue *q, const uint8_t *from,
		    uint32_t len)
{
	uint32_t b = (uint32_t)__builtin_ctz(q->free);
	uint32_t n = len < c->buffer_size ? len : c->buffer_size;

	cw_copy_out(q->mem + b * c->buffer_size, from, n);
	give(c, q, b, n, 1);
	return n;
}

int cw_console_write(struct cw_console_driver *c, unsigned int i, const void *buf, uint32_t len,
		     uint64_t timeout)
{
	uint64_t end;
	uint32_t done = 0;
	int err = usable(c, i, len);

	if (err)
		return err;
	end = timeout ? cw_vdev_end(&c->vdev, timeout) : 0;
	while (!err && done < len) {
		err = want_room(c, i, end);
		if (!err)
			done += put(c, &c->port[i].tx, (const uint8_t *)buf + done, len - done);
	}
	c->port[i].tx_wanted = err == CW_ETIMEDOUT;
	if (!c->vdev.dead)
		cw_vdev_publish(&c->vdev, rx_queue(i) + 1, &c->port[i].tx.q);
	return done || err == CW_ETIMEDOUT ? (int)done : err;
}

bool cw_console_arm(struct cw_console_driver *c)
{
	bool news = false;

	if (c->vdev.dead)
		return false;
	for (unsigned int i = 0; i < c->ports; i++) {
		struct cw_console_port *p = &c->port[i];

		if (!p->present)
			continue;
		news |= p->have || cw_vdev_arm(&c->vdev, &p->rx.q);
		if (p->tx_wanted)
			news |= cw_vdev_arm(&c->vdev, &p->tx.q);
	}
	if (c->multiport)
		news |= cw_vdev_arm(&c->vdev, &c->ctrl_rx);
	if (c->multiport && c->tell_wanted)
		news |= cw_vdev_arm(&c->vdev, &c->ctrl_tx);
	return news || cw_vdev_check(&c->vdev) != CW_OK;
}
