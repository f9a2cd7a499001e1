// SPDX-License-Identifier: BSD-3-Clause
/*
 * What every virtio driver does.
 *
 * Theory of operation: the device may lie, be slow, or be replaced at any moment. So every wait has
 * a deadline and ends when the link does; what the registers say is checked before use; and memory
 * is taken from the device's own block by a bump allocator that only a new open rewinds, because
 * nothing may be reused while an old device could still write to it.
 */
#include <causeway/core/err.h>
#include <causeway/core/gate.h>
#include <causeway/core/layout.h>
#include <causeway/core/shm.h>
#include <causeway/driver/vdev.h>

int cw_vdev_fail(struct cw_vdev *v, int err)
{
	if (!v->dead)
		v->dead = err;
	return err;
}

static int wr(struct cw_vdev *v, uint32_t reg, uint32_t value)
{
	int err = v->dead ? v->dead : v->t->ops->write(v->t, reg, 4, value);

	return err ? cw_vdev_fail(v, err) : CW_OK;
}

static int rd(struct cw_vdev *v, uint32_t reg, uint32_t *value)
{
	int err = v->dead ? v->dead : v->t->ops->read(v->t, reg, value);

	return err ? cw_vdev_fail(v, err) : CW_OK;
}

/* Reset and wait until the device says that it is over (virtio 1.3 section 4.2.3.1). */
static int reset(struct cw_vdev *v)
{
	uint64_t end = v->t->ops->now(v->t) + CW_VDEV_RESET_US;
	uint32_t status;
	int err = wr(v, CW_REG_STATUS, 0);

	while (!err) {
		err = rd(v, CW_REG_STATUS, &status);
		if (err || !status)
			break;
		if (v->t->ops->now(v->t) >= end)
			return cw_vdev_fail(v, CW_ETIMEDOUT);
		err = v->t->ops->wait(v->t, end);
	}
	return err;
}

static int offered(struct cw_vdev *v, uint64_t *features)
{
	uint32_t lo = 0, hi = 0;
	int err = wr(v, CW_REG_DEVICE_FEATURES_SEL, 0);

	err = err ? err : rd(v, CW_REG_DEVICE_FEATURES, &lo);
	err = err ? err : wr(v, CW_REG_DEVICE_FEATURES_SEL, 1);
	err = err ? err : rd(v, CW_REG_DEVICE_FEATURES, &hi);
	*features = lo | (uint64_t)hi << 32;
	return err;
}

static int accept(struct cw_vdev *v, uint32_t status)
{
	int err = wr(v, CW_REG_DRIVER_FEATURES_SEL, 0);
	uint32_t now = 0;

	err = err ? err : wr(v, CW_REG_DRIVER_FEATURES, (uint32_t)v->features);
	err = err ? err : wr(v, CW_REG_DRIVER_FEATURES_SEL, 1);
	err = err ? err : wr(v, CW_REG_DRIVER_FEATURES, (uint32_t)(v->features >> 32));
	err = err ? err : wr(v, CW_REG_STATUS, status | CW_STATUS_FEATURES_OK);
	err = err ? err : rd(v, CW_REG_STATUS, &now);
	if (!err && !(now & CW_STATUS_FEATURES_OK))
		return cw_vdev_fail(v, CW_EREFUSED);
	return err;
}

int cw_vdev_open(struct cw_vdev *v, struct cw_transport *t, uint32_t id, uint64_t wanted)
{
	const uint32_t status = CW_STATUS_ACKNOWLEDGE | CW_STATUS_DRIVER;
	uint64_t features = 0;
	uint32_t there = 0;
	int err;

	memset(v, 0, sizeof(*v));
	v->t = t;
	err = rd(v, CW_REG_DEVICE_ID, &there);
	if (!err && there != id)
		return cw_vdev_fail(v, CW_ENODEV);
	err = err ? err : reset(v);
	err = err ? err : wr(v, CW_REG_STATUS, status);
	err = err ? err : offered(v, &features);
	if (!err && !(features & CW_F_VERSION_1))
		return cw_vdev_fail(v, CW_ENOTSUP);
	v->features = features & (wanted | CW_F_VERSION_1 | CW_F_EVENT_IDX);
	return err ? err : accept(v, status);
}

uint32_t cw_vdev_room(const struct cw_vdev *v)
{
	return v->t->memory.size - v->used;
}

void *cw_vdev_alloc(struct cw_vdev *v, uint32_t size, cw_addr_t *addr)
{
	uint32_t line = v->t->line, room = cw_vdev_room(v);
	void *p;

	if (!size || size > room)
		return NULL;
	size = (size + line - 1) & ~(line - 1);
	*addr = v->t->memory.base + v->used;
	p = size <= room ? cw_window_ptr(&v->t->memory, *addr, size) : NULL;
	if (p)
		v->used += size;
	return p;
}

static int program(struct cw_vdev *v, const struct cw_drvq *q, unsigned int i)
{
	static const uint32_t reg[3] = { CW_REG_QUEUE_DESC_LO, CW_REG_QUEUE_DRIVER_LO,
					 CW_REG_QUEUE_DEVICE_LO };
	int err = wr(v, CW_REG_QUEUE_NUM, q->size);

	for (int p = 0; p < 3 && !err; p++) {
		cw_addr_t at = cw_drvq_part(q, &v->t->memory, p);

		err = wr(v, reg[p], (uint32_t)at);
		err = err ? err : wr(v, reg[p] + 4, (uint32_t)(at >> 32));
	}
	if (!err && v->t->ops->queue_begin)
		v->t->ops->queue_begin(v->t, i);
	err = err ? err : wr(v, CW_REG_QUEUE_READY, 1);
	err = err ? err : v->t->ops->flush(v->t);
	if (!err && v->t->ops->queue_end)
		v->t->ops->queue_end(v->t, i);
	return err ? cw_vdev_fail(v, err) : CW_OK;
}

static uint16_t floor_power(uint32_t v)
{
	uint32_t p = CW_QUEUE_SIZE_MAX;

	while (p > v)
		p >>= 1;
	return (uint16_t)p;
}

int cw_vdev_queue(struct cw_vdev *v, unsigned int i, struct cw_drvq *q, struct cw_drvq_slot *slot,
		  uint16_t max)
{
	uint32_t most = 0;
	cw_addr_t ring;
	uint16_t size;
	int err = wr(v, CW_REG_QUEUE_SEL, i);

	err = err ? err : rd(v, CW_REG_QUEUE_NUM_MAX, &most);
	if (err)
		return err;
	size = floor_power(most < max ? most : max);
	if (size < 2)
		return cw_vdev_fail(v, CW_ENODEV);
	if (!cw_vdev_alloc(v, cw_ring_bytes(size, v->t->line), &ring))
		return cw_vdev_fail(v, CW_ENOSPC);
	err = cw_drvq_init(q, &v->t->memory, ring, v->t->line, size, slot,
			   cw_vdev_has(v, CW_F_EVENT_IDX));
	return err ? cw_vdev_fail(v, err) : program(v, q, i);
}

int cw_vdev_start(struct cw_vdev *v)
{
	int err = wr(v, CW_REG_STATUS,
		     CW_STATUS_ACKNOWLEDGE | CW_STATUS_DRIVER | CW_STATUS_FEATURES_OK |
			     CW_STATUS_DRIVER_OK);

	err = err ? err : v->t->ops->flush(v->t);
	return err ? cw_vdev_fail(v, err) : CW_OK;
}

void cw_vdev_publish(struct cw_vdev *v, unsigned int i, struct cw_drvq *q)
{
	if (cw_drvq_publish(q))
		v->t->ops->notify(v->t, i, cw_drvq_running(q));
}

int cw_vdev_check(struct cw_vdev *v)
{
	if (!v->dead && !v->t->ops->alive(v->t))
		v->dead = CW_ERESET;
	return v->dead;
}

bool cw_vdev_event(struct cw_vdev *v)
{
	uint32_t status;

	if (v->dead || !v->t->ops->event(v->t))
		return false;
	if (!rd(v, CW_REG_STATUS, &status) && status & CW_STATUS_NEEDS_RESET)
		v->dead = CW_ERESET;
	return true;
}

int cw_vdev_wait(struct cw_vdev *v, struct cw_drvq *q, uint64_t timeout)
{
	uint64_t end = v->t->ops->now(v->t) + timeout;

	for (;;) {
		int err = cw_vdev_check(v);

		if (err)
			return err;
		if (cw_drvq_arm(q))
			return CW_OK;
		if (v->t->ops->now(v->t) >= end)
			return CW_ETIMEDOUT;
		cw_vdev_event(v);
		err = v->dead ? v->dead : v->t->ops->wait(v->t, end);
		if (err)
			return cw_vdev_fail(v, err);
	}
}

int cw_vdev_config(struct cw_vdev *v, uint32_t off, void *buf, uint32_t len)
{
	int err = v->dead ? v->dead : v->t->ops->config(v->t, off, buf, len);

	return err ? cw_vdev_fail(v, err) : CW_OK;
}
