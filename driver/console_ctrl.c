// SPDX-License-Identifier: BSD-3-Clause
/*
 * Console driver: the control queues of a device with several ports.
 *
 * Theory of operation: a message is copied before it is looked at, and a port number of the device's
 * is only ever an index that was checked. What has to be said is kept as bits, one set a port, and
 * goes out as buffers allow: a device that takes no messages costs no memory and blocks nobody.
 */
#include <causeway/core/err.h>
#include <causeway/core/gate.h>
#include <causeway/core/shm.h>

#include "console_priv.h"

#define HEADER	      ((uint32_t)sizeof(struct cw_abi_console_control))
#define CONTROL_BYTES 64u /* header and a name */
#define TELL_READY    1u
#define TELL_OPEN     2u
#define BUDGET	      (4 * CW_CONSOLE_CONTROL) /* messages handled in one call */

static uint32_t stride(const struct cw_console_driver *c)
{
	uint32_t line = c->vdev.t->line;

	return line > CONTROL_BYTES ? line : CONTROL_BYTES;
}

static void offer(struct cw_console_driver *c, uint16_t b)
{
	struct cw_buf buf = { c->ctrl_rx_addr + (cw_addr_t)b * stride(c), CONTROL_BYTES };

	cw_drvq_add(&c->ctrl_rx, &buf, 0, 1, cw_console_cookie_(b));
}

int cw_console_ctrl_open(struct cw_console_driver *c)
{
	cw_vdev_queue(&c->vdev, CW_CONSOLE_QUEUE_CTRL_RX, &c->ctrl_rx, c->ctrl_rx_slot,
		      CW_CONSOLE_CONTROL);
	if (cw_vdev_queue(&c->vdev, CW_CONSOLE_QUEUE_CTRL_TX, &c->ctrl_tx, c->ctrl_tx_slot,
			  CW_CONSOLE_CONTROL))
		return c->vdev.dead;
	c->ctrl_rx_mem = cw_vdev_alloc(&c->vdev, c->ctrl_rx.size * stride(c), &c->ctrl_rx_addr);
	c->ctrl_tx_mem = cw_vdev_alloc(&c->vdev, c->ctrl_tx.size * stride(c), &c->ctrl_tx_addr);
	if (c->vdev.dead)
		return c->vdev.dead;
	for (uint16_t b = 0; b < c->ctrl_rx.size; b++)
		offer(c, b);
	return CW_OK;
}

/* Adds a message; false when the device has not taken the last ones. */
static bool say(struct cw_console_driver *c, uint32_t port, uint16_t event, uint16_t value)
{
	struct cw_abi_console_control m = { cw_make_le32(port), cw_make_le16(event),
					    cw_make_le16(value) };
	struct cw_drvq *q = &c->ctrl_tx;
	struct cw_buf buf;
	uint32_t at;

	if (!q->free_count)
		return false;
	/* One buffer a descriptor: that of the next free one is free as well. */
	at = q->free_head * stride(c);
	cw_copy_out(c->ctrl_tx_mem + at, &m, HEADER);
	buf.addr = c->ctrl_tx_addr + at;
	buf.len = HEADER;
	return !cw_drvq_add(q, &buf, 1, 0, c);
}

static void tell_port(struct cw_console_driver *c, uint32_t i)
{
	struct cw_console_port *p = &c->port[i];

	if (p->tell & TELL_READY && say(c, i, CW_CONSOLE_PORT_READY, 1))
		p->tell &= (uint8_t)~TELL_READY;
	/* In this order: a port that is not ready cannot be opened. */
	if (p->tell == TELL_OPEN && say(c, i, CW_CONSOLE_PORT_OPEN, p->wanted))
		p->tell = 0;
}

static int tell(struct cw_console_driver *c)
{
	uint32_t len;
	void *cookie;
	int got;

	while ((got = cw_vdev_get(&c->vdev, &c->ctrl_tx, &cookie, &len)) > 0)
		;
	if (got < 0)
		return got;
	if (!c->ready_told)
		c->ready_told = say(c, 0, CW_CONSOLE_DEVICE_READY, 1);
	c->tell_wanted = !c->ready_told;
	for (uint32_t i = 0; i < c->ports; i++) {
		tell_port(c, i);
		c->tell_wanted |= c->port[i].tell != 0;
	}
	cw_vdev_publish(&c->vdev, CW_CONSOLE_QUEUE_CTRL_TX, &c->ctrl_tx);
	return CW_OK;
}

static void set_name(struct cw_console_port *p, const uint8_t *from, uint32_t n)
{
	uint32_t i;

	for (i = 0; i < n && i < sizeof(p->name) - 1 && from[i]; i++)
		p->name[i] = from[i] > ' ' && from[i] < 0x7f ? (char)from[i] : '?';
	p->name[i] = 0;
}

static void heard_port(struct cw_console_driver *c, struct cw_console_port *p, uint16_t event,
		       uint16_t value, const uint8_t *rest, uint32_t n)
{
	switch (event) {
	case CW_CONSOLE_DEVICE_ADD:
		p->present = p->wanted = true;
		p->tell = TELL_READY | TELL_OPEN;
		break;
	case CW_CONSOLE_DEVICE_REMOVE:
		p->present = p->open = p->console = false;
		p->tell = 0;
		break;
	case CW_CONSOLE_CONSOLE_PORT:
		p->console = true;
		break;
	case CW_CONSOLE_PORT_OPEN:
		p->open = value == 1;
		break;
	case CW_CONSOLE_PORT_NAME:
		set_name(p, rest, n);
		break;
	case CW_CONSOLE_RESIZE:
		if (n >= 4) {
			p->cols = (uint16_t)(rest[0] | rest[1] << 8);
			p->rows = (uint16_t)(rest[2] | rest[3] << 8);
			break;
		} /* fallthrough */
	default:
		c->strange++;
		break;
	}
}

static void heard(struct cw_console_driver *c, const uint8_t *msg, uint32_t len)
{
	struct cw_abi_console_control m;
	uint32_t id;

	if (len < HEADER) {
		c->strange++;
		return;
	}
	memcpy(&m, msg, HEADER);
	id = cw_get_le32(m.id);
	if (id < c->ports) /* the others exist perhaps, but are not served */
		heard_port(c, &c->port[id], cw_get_le16(m.event), cw_get_le16(m.value),
			   msg + HEADER, len - HEADER);
}

static int listen(struct cw_console_driver *c)
{
	uint8_t msg[CONTROL_BYTES];
	uint32_t len;
	void *cookie;
	int got = 0;

	for (unsigned int i = 0; i < BUDGET; i++) {
		uint16_t b;

		got = cw_vdev_get(&c->vdev, &c->ctrl_rx, &cookie, &len);
		if (got <= 0)
			break;
		b = cw_console_buffer_(cookie);
		cw_copy_in(msg, c->ctrl_rx_mem + b * stride(c), len);
		heard(c, msg, len);
		offer(c, b);
	}
	cw_vdev_publish(&c->vdev, CW_CONSOLE_QUEUE_CTRL_RX, &c->ctrl_rx);
	return got < 0 ? got : CW_OK;
}

int cw_console_ctrl_poll(struct cw_console_driver *c)
{
	int err = listen(c);

	return err ? err : tell(c);
}

int cw_console_set_open(struct cw_console_driver *c, unsigned int i, bool open)
{
	int err = cw_vdev_check(&c->vdev);

	if (err)
		return err;
	if (i >= c->ports || !c->port[i].present)
		return CW_ENODEV;
	c->port[i].wanted = open;
	if (!c->multiport)
		return CW_OK;
	c->port[i].tell |= TELL_OPEN;
	return tell(c);
}
