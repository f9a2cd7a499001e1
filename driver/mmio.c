// SPDX-License-Identifier: BSD-3-Clause
/*
 * Registers over plain memory, driver side.
 *
 * Theory of operation: writes are collected, up to eight, and posted as one request: entries, count,
 * release, sequence, kick. The request is over when the device acknowledged exactly this sequence
 * on exactly this link. If it does not within the deadline, the device may still act at any later
 * time, so nothing more is asked and no memory reused on this link: only a new epoch mends that.
 */
#include <causeway/core/err.h>
#include <causeway/core/gate.h>
#include <causeway/core/shm.h>
#include <causeway/driver/mmio.h>

#define CONFIG_TRIES 8

static struct cw_mmio *self(struct cw_transport *t)
{
	return (struct cw_mmio *)(void *)t;
}

static __attribute__((noinline)) bool m_alive(struct cw_transport *t)
{
	const struct cw_mmio *m = self(t);

	return m->bus->link.up && m->life == m->bus->life && cw_link_alive(&m->bus->link);
}

static __attribute__((noinline)) uint64_t m_now(struct cw_transport *t)
{
	const struct cw_port *p = self(t)->bus->port;

	return p->now(p->ctx);
}

static int m_wait(struct cw_transport *t, uint64_t deadline)
{
	struct cw_mmio *m = self(t);

	cw_bus_wait(m->bus, deadline);
	return m->bus->link.up && m->life == m->bus->life ? CW_OK : CW_ERESET;
}

static bool acknowledged(const struct cw_mmio *m)
{
	const struct cw_link *l = &m->bus->link;

	return cw_load32_acquire(&m->page->ack_seq) == m->seq &&
	       cw_load32(&m->page->link_pmm) == l->echoed &&
	       cw_load32(&m->page->link_remote) == l->epoch;
}

static void post(struct cw_mmio *m)
{
	struct cw_abi_driver_page *p = m->request;

	for (unsigned int i = 0; i < m->queued; i++) {
		cw_store32(&p->entry[i].offset, m->entry[i].offset);
		cw_store32(&p->entry[i].width, m->entry[i].width);
		cw_store32(&p->entry[i].value, m->entry[i].value);
	}
	cw_store32(&p->count, m->queued);
	m->queued = 0;
	cw_store32_release(&p->seq, ++m->seq);
	cw_link_kick(&m->bus->link, m->slot, m->seq);
}

static int await(struct cw_mmio *m)
{
	uint64_t end = m_now(&m->transport) + m->timeout;

	while (!acknowledged(m)) {
		if (m_now(&m->transport) >= end) {
			m->dead = true;
			return CW_ETIMEDOUT;
		}
		if (m_wait(&m->transport, end))
			return CW_ERESET;
	}
	m->refused = cw_load32(&m->page->result);
	/* Rule "answer": a next life may have written its image between the two loads. */
	if (!m_alive(&m->transport))
		return CW_ERESET;
	return m->refused == CW_RESULT_OK ? CW_OK : CW_EREFUSED;
}

static int m_flush(struct cw_transport *t)
{
	struct cw_mmio *m = self(t);

	if (m->dead)
		return CW_ETIMEDOUT;
	if (!m_alive(t)) {
		m->queued = 0;
		return CW_ERESET;
	}
	if (!m->queued)
		return CW_OK;
	post(m);
	return await(m);
}

static void no_queue_ready(struct cw_mmio *m)
{
	for (unsigned int i = 1; i <= m->queues; i++)
		cw_bus_ready(m->bus, m->slot + i, false);
}

static bool takes_effect_at_once(uint32_t reg)
{
	return reg == CW_REG_STATUS || reg == CW_REG_QUEUE_READY || reg == CW_REG_QUEUE_RESET ||
	       reg >= CW_REG_CONFIG;
}

static int m_write(struct cw_transport *t, uint32_t reg, uint32_t width, uint32_t value)
{
	struct cw_mmio *m = self(t);

	if (reg == CW_REG_INTERRUPT_ACK)
		return CW_OK; /* nothing stays asserted */
	if (m->dead)
		return CW_ETIMEDOUT;
	if (reg == CW_REG_STATUS && !value)
		no_queue_ready(m);
	m->entry[m->queued].offset = reg;
	m->entry[m->queued].width = width;
	m->entry[m->queued].value = value;
	m->queued++;
	if (m->queued < CW_REQUEST_ENTRIES && !takes_effect_at_once(reg))
		return CW_OK;
	return m_flush(t);
}

static int m_read(struct cw_transport *t, uint32_t reg, uint32_t *value)
{
	struct cw_mmio *m = self(t);
	int err = m_flush(t);

	if (err)
		return err;
	if (reg == CW_REG_MAGIC)
		*value = 0x74726976u; /* what virtio promises; ours only keeps stock drivers away */
	else if (reg == CW_REG_INTERRUPT_STATUS)
		*value = CW_INT_USED | CW_INT_CONFIG;
	else
		*value = cw_load32(&m->page->reg[reg / 4 % (CW_REG_CONFIG / 4)]);
	return m_alive(t) ? CW_OK : CW_ERESET;
}

static int m_config(struct cw_transport *t, uint32_t off, void *buf, uint32_t len)
{
	struct cw_mmio *m = self(t);
	const struct cw_le32 *gen = &m->page->reg[CW_REG_CONFIG_GENERATION / 4];
	int err = m_flush(t);

	if (err)
		return err;
	if (off > CW_CONFIG_MAX || len > CW_CONFIG_MAX - off)
		return CW_EINVAL;
	for (int i = 0; i < CONFIG_TRIES; i++) {
		uint32_t before = cw_load32_acquire(gen);

		cw_copy_in(buf, m->page->config + off, len);
		cw_rmb(); /* rule "config": the bytes before the second look */
		if (before & 1 || cw_load32(gen) != before)
			continue;
		return m_alive(t) ? CW_OK : CW_ERESET;
	}
	return CW_EPEER;
}

static void m_queue_begin(struct cw_transport *t, unsigned int q)
{
	struct cw_mmio *m = self(t);

	if (q < m->queues)
		cw_link_zero_kick(&m->bus->link, m->slot + 1u + q);
}

static void m_queue_end(struct cw_transport *t, unsigned int q)
{
	struct cw_mmio *m = self(t);

	if (q >= m->queues)
		return;
	cw_link_zero_seen(&m->bus->link, m->slot + 1u + q);
	cw_bus_ready(m->bus, m->slot + 1u + q, true);
}

static void m_notify(struct cw_transport *t, unsigned int q, uint32_t running)
{
	struct cw_mmio *m = self(t);

	if (q < m->queues)
		cw_link_kick(&m->bus->link, m->slot + 1u + q, running);
}

static bool m_event(struct cw_transport *t)
{
	struct cw_mmio *m = self(t);
	uint32_t event = cw_load32_acquire(&m->page->event);
	bool news = event != m->event;

	m->event = event;
	return news;
}

static const struct cw_transport_ops ops = {
	.read = m_read,
	.write = m_write,
	.flush = m_flush,
	.config = m_config,
	.queue_begin = m_queue_begin,
	.queue_end = m_queue_end,
	.notify = m_notify,
	.alive = m_alive,
	.event = m_event,
	.wait = m_wait,
	.now = m_now,
};

int cw_mmio_init(struct cw_mmio *m, struct cw_bus *bus, unsigned int i)
{
	const struct cw_layout_device *d;
	struct cw_window *w = &m->transport.memory;
	int err;

	memset(m, 0, sizeof(*m));
	if (i >= bus->layout->devices)
		return CW_ENODEV;
	d = &bus->layout->device[i];
	m->transport.ops = &ops;
	m->transport.line = bus->layout->line;
	m->bus = bus;
	m->slot = d->slot;
	m->queues = d->queues;
	m->timeout = CW_MMIO_TIMEOUT_US;
	/* cw_bus_init() has checked that a block lies in the region and is larger than two pages. */
	err = cw_window_sub(&bus->region, d->block, d->size, w);
	m->page = (void *)w->va_;
	m->request = (void *)(w->va_ + CW_PAGE_SIZE);
	w->va_ += 2 * CW_PAGE_SIZE;
	w->base += 2 * CW_PAGE_SIZE;
	w->size -= 2 * CW_PAGE_SIZE;
	return err;
}

int cw_mmio_open(struct cw_mmio *m)
{
	const struct cw_link *l = &m->bus->link;

	if (!l->up)
		return CW_EDOWN;
	if (m->dead && m->life == m->bus->life)
		return CW_ETIMEDOUT;
	if (cw_load32(&m->page->reg[CW_REG_MAGIC / 4]) != CW_MMIO_MAGIC ||
	    cw_load32(&m->page->reg[CW_REG_VERSION / 4]) != CW_MMIO_VERSION)
		return CW_EVERSION;
	m->dead = false;
	m->queued = 0;
	m->life = m->bus->life;
	m->event = cw_load32(&m->page->event);
	m->seq = cw_load32_acquire(&m->page->ack_seq);
	/* Rule "open": the sequence before the id that makes the device look at it. */
	cw_store32(&m->request->seq, m->seq);
	cw_store32_release(&m->request->link_remote, l->epoch);
	cw_store32_release(&m->request->link_pmm, l->echoed);
	no_queue_ready(m);
	cw_bus_ready(m->bus, m->slot, true);
	return cw_link_alive(l) ? CW_OK : CW_EDOWN;
}
