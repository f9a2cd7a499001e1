// SPDX-License-Identifier: BSD-3-Clause
/*
 * Console device.
 *
 * Theory of operation: output of the remote goes to the backend where it lies; what the backend
 * cannot take stays in its chain and the queue parks. Input is read straight into one kept buffer a
 * port. With several ports the control queues carry small messages: what is still to be told is a set
 * of bits a port, so a remote that gives no control buffers costs nothing and floods nothing.
 */
#include <causeway/core/bytes.h>
#include <causeway/core/err.h>
#include <causeway/core/gate.h>
#include <causeway/device/console.h>

#define TELL_ADD     1u
#define TELL_CONSOLE 2u
#define TELL_NAME    4u
#define TELL_OPEN    8u
#define TELL_RESIZE  16u
#define NAME_MAX_    31u

static struct cw_console_device *self(struct cw_device *d)
{
	return (struct cw_console_device *)(void *)d;
}

static unsigned int in_queue(unsigned int port)
{
	return port ? 2 + 2 * port : CW_CONSOLE_QUEUE_RX;
}

static bool is_control(const struct cw_console_device *c, unsigned int q)
{
	return c->ports > 1 && (q == CW_CONSOLE_QUEUE_CTRL_RX || q == CW_CONSOLE_QUEUE_CTRL_TX);
}

static unsigned int port_of(unsigned int q)
{
	return q < 2 ? 0 : q / 2 - 1;
}

/* ---- control messages ---- */

static uint32_t message(const struct cw_console_device *c, unsigned int i, uint8_t what,
			uint8_t *msg)
{
	const struct cw_console_device_port *p = &c->port[i];
	uint16_t event = CW_CONSOLE_DEVICE_ADD, value = 1;
	uint32_t len = sizeof(struct cw_abi_console_control);
	struct cw_abi_console_control m;

	if (what == TELL_CONSOLE) {
		event = CW_CONSOLE_CONSOLE_PORT;
	} else if (what == TELL_OPEN) {
		event = CW_CONSOLE_PORT_OPEN;
		value = p->host_open;
	} else if (what == TELL_NAME) {
		event = CW_CONSOLE_PORT_NAME;
		for (uint32_t n = 0; p->name && p->name[n] && n < NAME_MAX_; n++)
			msg[len++] = (uint8_t)p->name[n];
	} else if (what == TELL_RESIZE) {
		event = CW_CONSOLE_RESIZE;
		memcpy(msg + len, &c->config.cols, 2);
		memcpy(msg + len + 2, &c->config.rows, 2);
		len += 4;
	}
	m.id = cw_make_le32(i);
	m.event = cw_make_le16(event);
	m.value = cw_make_le16(value);
	memcpy(msg, &m, sizeof(m));
	return len;
}

/* 1: sent, 0: the remote has no buffer, CW_E* */
static int tell_one(struct cw_console_device *c, unsigned int i, uint8_t what)
{
	struct cw_devq *ring = &c->dev.queue[CW_CONSOLE_QUEUE_CTRL_RX].ring;
	uint8_t msg[sizeof(struct cw_abi_console_control) + NAME_MAX_ + 1];
	struct cw_part part[CW_CONSOLE_PARTS];
	struct cw_chain chain;
	int got = cw_devq_pop(ring, &chain, part, CW_CONSOLE_PARTS);
	uint32_t len = message(c, i, what, msg);

	if (got <= 0)
		return got;
	if (chain.writable_len < len) { /* half a message would be another one: none then */
		c->stats.strange++;
		len = 0;
	}
	cw_devq_push(ring, chain.head, cw_chain_write(&chain, 0, msg, len));
	return got;
}

static int tell(struct cw_console_device *c)
{
	int got = 1;

	for (unsigned int i = 0; i < c->ports && got > 0; i++) {
		struct cw_console_device_port *p = &c->port[i];

		while (p->tell && got > 0) {
			uint8_t what = (uint8_t)(p->tell & -p->tell);

			got = tell_one(c, i, what);
			if (got > 0)
				p->tell = (uint8_t)(p->tell & ~what);
		}
	}
	cw_device_publish(&c->dev, CW_CONSOLE_QUEUE_CTRL_RX);
	return got < 0 ? got : got ? CW_SERVE_PARKED : CW_SERVE_DRAINED;
}

static void want_tell(struct cw_console_device *c, unsigned int i, uint8_t what)
{
	if (c->ports < 2 || !cw_device_has(&c->dev, CW_CONSOLE_F_MULTIPORT))
		return;
	c->port[i].tell |= what;
	cw_device_wake(&c->dev, CW_CONSOLE_QUEUE_CTRL_RX);
}

static void tell_size(struct cw_console_device *c)
{
	if (cw_device_has(&c->dev, CW_CONSOLE_F_SIZE))
		want_tell(c, 0, TELL_RESIZE);
}

static void remote_opens(struct cw_console_device *c, unsigned int i, bool open)
{
	c->port[i].remote_open = open;
	if (c->ops->opened)
		c->ops->opened(c->ctx, i, open);
}

static void heard(struct cw_console_device *c, const struct cw_abi_console_control *m)
{
	uint32_t i = cw_get_le32(m->id);
	uint16_t event = cw_get_le16(m->event), value = cw_get_le16(m->value);

	if (event == CW_CONSOLE_DEVICE_READY && value == 1) {
		for (unsigned int p = 0; p < c->ports; p++)
			want_tell(c, p, TELL_ADD);
	} else if (i >= c->ports) {
		c->stats.strange++;
	} else if (event == CW_CONSOLE_PORT_READY && value == 1) {
		want_tell(c, i,
			  (uint8_t)(TELL_OPEN | (c->port[i].name ? TELL_NAME : 0) |
				    (i ? 0 : TELL_CONSOLE)));
		if (!i)
			tell_size(c);
	} else if (event == CW_CONSOLE_PORT_OPEN && value <= 1) {
		c->port[i].shut = !value;
		remote_opens(c, i, value);
	} else {
		c->stats.strange++;
	}
}

static int listen(struct cw_console_device *c)
{
	struct cw_devq *ring = &c->dev.queue[CW_CONSOLE_QUEUE_CTRL_TX].ring;
	struct cw_part part[CW_CONSOLE_PARTS];
	struct cw_abi_console_control m;
	struct cw_chain chain;
	int got = 0;

	for (unsigned int n = 0; n < CW_SERVE_BUDGET; n++) {
		got = cw_devq_pop(ring, &chain, part, CW_CONSOLE_PARTS);
		if (got <= 0)
			break;
		if (cw_chain_read(&chain, 0, &m, sizeof(m)) == sizeof(m))
			heard(c, &m);
		else
			c->stats.strange++;
		cw_devq_push(ring, chain.head, 0);
	}
	cw_device_publish(&c->dev, CW_CONSOLE_QUEUE_CTRL_TX);
	return got < 0 ? got : got ? CW_SERVE_MORE : CW_SERVE_DRAINED;
}

/* ---- data ---- */

/* Hands the rest of the held chain to the backend; true when it is done with. */
static bool put_out(struct cw_console_device *c, unsigned int i)
{
	struct cw_console_device_port *p = &c->port[i];
	struct cw_part copy[CW_CONSOLE_PARTS], *rest;
	unsigned int n;
	int took;

	memcpy(copy, p->out.part, p->out.readable * sizeof(copy[0]));
	n = cw_parts_skip(copy, p->out.readable, p->out_done, &rest);
	if (!n)
		return true;
	took = c->ops->output(c->ctx, i, rest, n);
	if (took < 0) { /* nobody there */
		c->stats.dropped++;
		return true;
	}
	c->stats.out_bytes += (uint32_t)took;
	p->out_done += (uint32_t)took;
	return p->out_done >= p->out.readable_len;
}

static int serve_out(struct cw_console_device *c, unsigned int i, unsigned int q)
{
	struct cw_devq *ring = &c->dev.queue[q].ring;
	struct cw_console_device_port *p = &c->port[i];
	int got = 1;

	for (unsigned int n = 0; n < CW_SERVE_BUDGET; n++) {
		if (!p->out_held) {
			got = cw_devq_pop(ring, &p->out, p->out_part, CW_CONSOLE_PARTS);
			if (got <= 0)
				break;
			p->out_held = true;
			p->out_done = 0;
		}
		if (!put_out(c, i)) {
			cw_device_publish(&c->dev, q);
			return CW_SERVE_PARKED;
		}
		cw_devq_push(ring, p->out.head, 0);
		p->out_held = false;
	}
	cw_device_publish(&c->dev, q);
	return got < 0 ? got : got ? CW_SERVE_MORE : CW_SERVE_DRAINED;
}

static int serve_in(struct cw_console_device *c, unsigned int i, unsigned int q)
{
	struct cw_devq *ring = &c->dev.queue[q].ring;
	struct cw_console_device_port *p = &c->port[i];
	int got = 1, ret = CW_SERVE_MORE;

	for (unsigned int n = 0; n < CW_SERVE_BUDGET && ret == CW_SERVE_MORE; n++) {
		if (!p->in_held) {
			got = cw_devq_pop(ring, &p->in, p->in_part, CW_CONSOLE_PARTS);
			p->in_held = got > 0;
			p->starved = !got;
			if (got > 0 && !p->in.writable)
				got = CW_EBADCHAIN;
			if (got <= 0) {
				ret = got ? got : CW_SERVE_DRAINED;
				break;
			}
		}
		got = c->ops->input(c->ctx, i, p->in.part + p->in.readable, p->in.writable);
		if (got <= 0) {
			ret = CW_SERVE_PARKED;
			break;
		}
		c->stats.in_bytes += (uint32_t)got;
		cw_devq_push(ring, p->in.head, (uint32_t)got);
		p->in_held = false;
	}
	cw_device_publish(&c->dev, q);
	return ret;
}

static int serve(struct cw_device *d, unsigned int q)
{
	struct cw_console_device *c = self(d);
	unsigned int i = port_of(q);

	if (is_control(c, q))
		return q == CW_CONSOLE_QUEUE_CTRL_RX ? tell(c) : listen(c);
	return q == in_queue(i) ? serve_in(c, i, q) : serve_out(c, i, q);
}

/* ---- state ---- */

static void forget(struct cw_console_device *c, unsigned int i)
{
	struct cw_console_device_port *p = &c->port[i];

	p->out_held = p->in_held = p->starved = false;
	p->tell = 0;
	p->shut = false;
	if (p->remote_open)
		remote_opens(c, i, false);
}

static void reset(struct cw_device *d, int q)
{
	struct cw_console_device *c = self(d);

	for (unsigned int i = 0; i < c->ports; i++) {
		if (q < 0)
			forget(c, i);
		else if (q == (int)in_queue(i))
			c->port[i].in_held = c->port[i].starved = false;
		else if (q == (int)in_queue(i) + 1)
			c->port[i].out_held = false;
	}
}

static void started(struct cw_device *d)
{
	struct cw_console_device *c = self(d);

	if (!cw_device_has(d, CW_CONSOLE_F_MULTIPORT))
		remote_opens(c, 0, true);
	for (unsigned int i = 0; i < c->ports; i++)
		cw_device_wake(d, in_queue(i));
}

static const struct cw_device_ops console_ops = {
	.serve = serve,
	.reset = reset,
	.started = started,
};

void cw_console_device_ready(struct cw_console_device *c, unsigned int port)
{
	if (cw_console_device_wants_input(c, port))
		cw_device_wake(&c->dev, in_queue(port));
	if (cw_console_device_wants_room(c, port))
		cw_device_wake(&c->dev, in_queue(port) + 1);
}

bool cw_console_device_wants_input(const struct cw_console_device *c, unsigned int port)
{
	return cw_device_running(&c->dev) && c->dev.queue[in_queue(port)].ring.ready &&
	       !c->port[port].starved;
}

bool cw_console_device_wants_room(const struct cw_console_device *c, unsigned int port)
{
	return cw_device_running(&c->dev) && c->port[port].out_held;
}

void cw_console_device_connect(struct cw_console_device *c, unsigned int port, bool open)
{
	if (c->port[port].host_open == open)
		return;
	c->port[port].host_open = open;
	want_tell(c, port, TELL_OPEN);
}

void cw_console_device_resize(struct cw_console_device *c, uint16_t cols, uint16_t rows)
{
	if (!(c->dev.offered & CW_CONSOLE_F_SIZE))
		return;
	c->config.cols = cw_make_le16(cols);
	c->config.rows = cw_make_le16(rows);
	tell_size(c);
	cw_device_changed(&c->dev);
}

int cw_console_device_init(struct cw_console_device *c, const struct cw_console_ops *ops, void *ctx,
			   uint16_t cols, uint16_t rows, unsigned int ports,
			   const char *const *name, struct cw_device_queue *queue)
{
	uint64_t features = 0;

	if (!ports || ports > CW_CONSOLE_DEVICE_PORTS)
		return CW_EINVAL;
	memset(c, 0, sizeof(*c));
	c->ops = ops;
	c->ctx = ctx;
	c->ports = ports;
	c->config.cols = cw_make_le16(cols);
	c->config.rows = cw_make_le16(rows);
	c->config.max_nr_ports = cw_make_le32(ports);
	for (unsigned int i = 0; i < ports; i++)
		c->port[i].name = name[i];
	if (cols && rows)
		features |= CW_CONSOLE_F_SIZE;
	if (ports > 1)
		features |= CW_CONSOLE_F_MULTIPORT;
	return cw_device_init(&c->dev, &console_ops, CW_ID_CONSOLE, features,
			      (const uint8_t *)&c->config, sizeof(c->config), queue,
			      cw_console_device_queues(ports));
}
