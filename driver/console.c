// SPDX-License-Identifier: BSD-3-Clause
/*
 * Console driver.
 *
 * Theory of operation: each port has buffers for input, all with the device, and for output, all
 * with us; bytes are copied in and out, many to a buffer. Control messages are copied before they
 * are looked at and answered at once; a port number of the device's is only ever an index that was
 * checked. Queues of a port are 0 and 1 for port 0, then 2 + 2n and 3 + 2n (section 5.3.2).
 */
#include <causeway/core/err.h>
#include <causeway/core/gate.h>
#include <causeway/core/shm.h>
#include <causeway/driver/console.h>

#define CONTROL_BYTES 64u /* header and a name */
#define NO_BUFFER     0xffffu

static unsigned int rx_queue(unsigned int p)
{
	return p ? 2 + 2 * p : CW_CONSOLE_QUEUE_RX;
}

static void *cookie_of(uint16_t buffer)
{
	return (void *)((uintptr_t)buffer + 1);
}

static uint16_t buffer_of(const void *cookie)
{
	return (uint16_t)((uintptr_t)cookie - 1);
}

static void offer(struct cw_drvq *q, cw_addr_t mem, uint16_t buffer, uint32_t size)
{
	struct cw_buf buf = { mem + (cw_addr_t)buffer * size, size };

	cw_drvq_add(q, &buf, 0, 1, cookie_of(buffer));
}

static int open_port(struct cw_console_driver *c, unsigned int i)
{
	struct cw_console_port *p = &c->port[i];
	unsigned int q = rx_queue(i);
	int err = cw_vdev_queue(&c->vdev, q, &p->rx, p->rx_slot, CW_CONSOLE_BUFFERS);

	err = err ? err : cw_vdev_queue(&c->vdev, q + 1, &p->tx, p->tx_slot, CW_CONSOLE_BUFFERS);
	if (err)
		return err;
	p->rx_mem = cw_vdev_alloc(&c->vdev, p->rx.size * CW_CONSOLE_BUFFER, &p->rx_addr);
	p->tx_mem = cw_vdev_alloc(&c->vdev, p->tx.size * CW_CONSOLE_BUFFER, &p->tx_addr);
	if (!p->rx_mem || !p->tx_mem)
		return cw_vdev_fail(&c->vdev, CW_ENOSPC);
	for (uint16_t b = 0; b < p->rx.size; b++)
		offer(&p->rx, p->rx_addr, b, CW_CONSOLE_BUFFER);
	for (uint16_t b = 0; b < p->tx.size; b++)
		p->tx_free[b] = b;
	p->tx_free_count = p->tx.size;
	p->rx_buffer = NO_BUFFER;
	p->present = p->open = !c->multiport;
	return CW_OK;
}

static int open_control(struct cw_console_driver *c)
{
	int err = cw_vdev_queue(&c->vdev, CW_CONSOLE_QUEUE_CTRL_RX, &c->ctrl_rx, c->ctrl_rx_slot,
				CW_CONSOLE_CONTROL);

	err = err ? err
		  : cw_vdev_queue(&c->vdev, CW_CONSOLE_QUEUE_CTRL_TX, &c->ctrl_tx, c->ctrl_tx_slot,
				  CW_CONSOLE_CONTROL);
	if (err)
		return err;
	c->ctrl_rx_mem = cw_vdev_alloc(&c->vdev, c->ctrl_rx.size * CONTROL_BYTES, &c->ctrl_rx_addr);
	c->ctrl_tx_mem = cw_vdev_alloc(&c->vdev, c->ctrl_tx.size * CONTROL_BYTES, &c->ctrl_tx_addr);
	if (!c->ctrl_rx_mem || !c->ctrl_tx_mem)
		return cw_vdev_fail(&c->vdev, CW_ENOSPC);
	for (uint16_t b = 0; b < c->ctrl_rx.size; b++)
		offer(&c->ctrl_rx, c->ctrl_rx_addr, b, CONTROL_BYTES);
	return CW_OK;
}

static int read_config(struct cw_console_driver *c)
{
	struct cw_abi_console_config g;
	int err = cw_vdev_config(&c->vdev, 0, &g, sizeof(g));
	uint32_t ports = err ? 0 : cw_get_le32(g.max_nr_ports);

	if (err)
		return err;
	if (cw_vdev_has(&c->vdev, CW_CONSOLE_F_SIZE)) {
		c->cols = cw_get_le16(g.cols);
		c->rows = cw_get_le16(g.rows);
	}
	if (c->multiport && !ports)
		return cw_vdev_fail(&c->vdev, CW_EPEER);
	if (!c->ports)
		c->ports = (uint16_t)(!c->multiport		 ? 1
				      : ports < CW_CONSOLE_PORTS ? ports
								 : CW_CONSOLE_PORTS);
	return CW_OK;
}

/* Send a control message; dropped when the device has not taken the last ones. */
static void say(struct cw_console_driver *c, uint32_t port, uint16_t event, uint16_t value)
{
	struct cw_abi_console_control m = { cw_make_le32(port), cw_make_le16(event),
					    cw_make_le16(value) };
	struct cw_drvq *q = &c->ctrl_tx;
	uint32_t len, at;
	struct cw_buf buf;
	void *cookie;

	while (cw_drvq_get(q, &cookie, &len) > 0)
		;
	if (!q->free_count || q->broken)
		return;
	at = q->free_head * CONTROL_BYTES;
	cw_copy_out(c->ctrl_tx_mem + at, &m, sizeof(m));
	buf.addr = c->ctrl_tx_addr + at;
	buf.len = sizeof(m);
	cw_drvq_add(q, &buf, 1, 0, c);
	cw_vdev_publish(&c->vdev, CW_CONSOLE_QUEUE_CTRL_TX, q);
}

int cw_console_open(struct cw_console_driver *c, struct cw_transport *t)
{
	int err;

	memset(c, 0, sizeof(*c));
	err = cw_vdev_open(&c->vdev, t, CW_ID_CONSOLE, CW_CONSOLE_F_SIZE | CW_CONSOLE_F_MULTIPORT);
	c->multiport = cw_vdev_has(&c->vdev, CW_CONSOLE_F_MULTIPORT);
	err = err ? err : read_config(c);
	for (unsigned int i = 0; !err && i < c->ports; i++)
		err = open_port(c, i);
	if (!err && c->multiport)
		err = open_control(c);
	err = err ? err : cw_vdev_start(&c->vdev);
	if (err)
		return err;
	for (unsigned int i = 0; i < c->ports; i++)
		cw_vdev_publish(&c->vdev, rx_queue(i), &c->port[i].rx);
	if (c->multiport) {
		cw_vdev_publish(&c->vdev, CW_CONSOLE_QUEUE_CTRL_RX, &c->ctrl_rx);
		say(c, 0, CW_CONSOLE_DEVICE_READY, 1);
	}
	return CW_OK;
}

static void heard(struct cw_console_driver *c, const uint8_t *msg, uint32_t len)
{
	struct cw_abi_console_control m;
	struct cw_console_port *p;
	uint32_t id, n;

	memcpy(&m, msg, sizeof(m));
	id = cw_get_le32(m.id);
	if (len < sizeof(m) || id >= c->ports) {
		c->strange += len < sizeof(m);
		return; /* a port that we do not serve */
	}
	p = &c->port[id];
	switch (cw_get_le16(m.event)) {
	case CW_CONSOLE_DEVICE_ADD:
		p->present = true;
		say(c, id, CW_CONSOLE_PORT_READY, 1);
		say(c, id, CW_CONSOLE_PORT_OPEN, 1);
		break;
	case CW_CONSOLE_DEVICE_REMOVE:
		p->present = p->open = false;
		break;
	case CW_CONSOLE_CONSOLE_PORT:
		p->console = true;
		break;
	case CW_CONSOLE_PORT_OPEN:
		p->open = cw_get_le16(m.value) == 1;
		break;
	case CW_CONSOLE_PORT_NAME:
		n = len - (uint32_t)sizeof(m);
		n = n < sizeof(p->name) - 1 ? n : (uint32_t)sizeof(p->name) - 1;
		memcpy(p->name, msg + sizeof(m), n);
		p->name[n] = 0;
		break;
	case CW_CONSOLE_RESIZE: /* cols and rows follow; the value of the message is not used */
		if (len >= sizeof(m) + 4) {
			c->cols = (uint16_t)(msg[8] | msg[9] << 8);
			c->rows = (uint16_t)(msg[10] | msg[11] << 8);
		}
		break;
	default:
		c->strange++;
		break;
	}
}

static int poll_control(struct cw_console_driver *c)
{
	uint8_t msg[CONTROL_BYTES];
	unsigned int budget = 4 * CW_CONSOLE_CONTROL;
	uint32_t len;
	void *cookie;
	int got = 0;

	while (budget-- && (got = cw_drvq_get(&c->ctrl_rx, &cookie, &len)) > 0) {
		uint16_t b = buffer_of(cookie);

		memset(msg, 0, sizeof(msg));
		cw_copy_in(msg, c->ctrl_rx_mem + b * CONTROL_BYTES, len);
		heard(c, msg, len);
		offer(&c->ctrl_rx, c->ctrl_rx_addr, b, CONTROL_BYTES);
		cw_vdev_publish(&c->vdev, CW_CONSOLE_QUEUE_CTRL_RX, &c->ctrl_rx);
	}
	return got < 0 ? cw_vdev_fail(&c->vdev, got) : CW_OK;
}

int cw_console_poll(struct cw_console_driver *c)
{
	int err = cw_vdev_check(&c->vdev);

	if (!err && cw_vdev_event(&c->vdev))
		err = c->vdev.dead ? c->vdev.dead : read_config(c);
	if (!err && c->multiport)
		err = poll_control(c);
	return err;
}

/* Makes sure that there is a buffer with input to read; 0: none. */
static int have_input(struct cw_console_driver *c, struct cw_console_port *p)
{
	void *cookie;
	int got = 1;

	if (p->rx_buffer != NO_BUFFER)
		return 1;
	got = cw_drvq_get(&p->rx, &cookie, &p->rx_len);
	if (got > 0) {
		p->rx_buffer = buffer_of(cookie);
		p->rx_at = 0;
	}
	return got < 0 ? cw_vdev_fail(&c->vdev, got) : got;
}

int cw_console_read(struct cw_console_driver *c, unsigned int i, void *buf, uint32_t len)
{
	struct cw_console_port *p = &c->port[i];
	uint32_t done = 0, n;
	int got = cw_vdev_check(&c->vdev);

	if (got)
		return got;
	if (i >= c->ports || !p->present)
		return CW_ENODEV;
	for (unsigned int budget = CW_CONSOLE_BUFFERS; done < len && budget; budget--) {
		got = have_input(c, p);
		if (got <= 0)
			break;
		n = p->rx_len - p->rx_at < len - done ? p->rx_len - p->rx_at : len - done;
		cw_copy_in((uint8_t *)buf + done,
			   p->rx_mem + p->rx_buffer * CW_CONSOLE_BUFFER + p->rx_at, n);
		done += n;
		p->rx_at += n;
		if (p->rx_at < p->rx_len)
			break;
		offer(&p->rx, p->rx_addr, p->rx_buffer, CW_CONSOLE_BUFFER);
		p->rx_buffer = NO_BUFFER;
	}
	cw_vdev_publish(&c->vdev, rx_queue(i), &p->rx);
	if (got < 0)
		return got;
	got = cw_vdev_check(&c->vdev);
	return got ? got : (int)done;
}

static int want_room(struct cw_console_driver *c, struct cw_console_port *p, uint64_t end)
{
	struct cw_transport *t = c->vdev.t;
	uint32_t len;
	void *cookie;
	uint64_t now;
	int got;

	while (!p->tx_free_count) {
		while ((got = cw_drvq_get(&p->tx, &cookie, &len)) > 0)
			p->tx_free[p->tx_free_count++] = buffer_of(cookie);
		if (got < 0)
			return cw_vdev_fail(&c->vdev, got);
		if (p->tx_free_count)
			break;
		now = t->ops->now(t);
		if (now >= end)
			return CW_EAGAIN;
		got = cw_vdev_wait(&c->vdev, &p->tx, end - now);
		if (got)
			return got == CW_ETIMEDOUT ? CW_EAGAIN : got;
	}
	return CW_OK;
}

int cw_console_write(struct cw_console_driver *c, unsigned int i, const void *buf, uint32_t len,
		     uint64_t timeout)
{
	struct cw_console_port *p = &c->port[i];
	uint64_t end = timeout ? c->vdev.t->ops->now(c->vdev.t) + timeout : 0;
	uint32_t done = 0;
	int err = cw_vdev_check(&c->vdev);

	if (err)
		return err;
	if (i >= c->ports || !p->present)
		return CW_ENODEV;
	while (done < len) {
		struct cw_buf out;
		uint32_t at;
		uint16_t b;

		err = want_room(c, p, end);
		if (err)
			break;
		b = p->tx_free[--p->tx_free_count];
		at = b * CW_CONSOLE_BUFFER;
		out.addr = p->tx_addr + at;
		out.len = len - done < CW_CONSOLE_BUFFER ? len - done : CW_CONSOLE_BUFFER;
		cw_copy_out(p->tx_mem + at, (const uint8_t *)buf + done, out.len);
		err = cw_drvq_add(&p->tx, &out, 1, 0, cookie_of(b));
		if (err)
			return cw_vdev_fail(&c->vdev, err);
		done += out.len;
		cw_vdev_publish(&c->vdev, rx_queue(i) + 1, &p->tx);
	}
	return err && err != CW_EAGAIN ? err : (int)done;
}

bool cw_console_arm(struct cw_console_driver *c)
{
	bool news = false;

	if (cw_vdev_check(&c->vdev))
		return false;
	for (unsigned int i = 0; i < c->ports; i++)
		news |= c->port[i].rx_buffer != NO_BUFFER || cw_drvq_arm(&c->port[i].rx);
	if (c->multiport)
		news |= cw_drvq_arm(&c->ctrl_rx);
	return news;
}
