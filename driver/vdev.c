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

#define BEFORE_OK (CW_STATUS_ACKNOWLEDGE | CW_STATUS_DRIVER | CW_STATUS_FEATURES_OK)

int cw_vdev_fail(struct cw_vdev *v, int err)
{
	if (!v->dead)
		v->dead = err;
	return err;
}

/* The first error sticks in v->dead and makes the calls after it nothing: only the last is looked at. */
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

static int flush(struct cw_vdev *v)
{
	int err = v->dead ? v->dead : v->t->ops->flush(v->t);

	return err ? cw_vdev_fail(v, err) : CW_OK;
}

/* Reset and wait until the device says that it is over (virtio 1.3 section 4.2.3.1). */
static int reset(struct cw_vdev *v)
{
	uint64_t end = v->t->ops->now(v->t) + CW_VDEV_RESET_US;
	uint32_t status;
	int err = wr(v, CW_REG_STATUS, 0);

	while (!err) {
		status = 0;
		err = rd(v, CW_REG_STATUS, &status);
		if (err || !status)
			break;
		if (v->t->ops->now(v->t) >= end)
			return cw_vdev_fail(v, CW_ETIMEDOUT);
		err = v->t->ops->wait(v->t, end);
	}
	return err ? cw_vdev_fail(v, err) : CW_OK;
}

static int offered(struct cw_vdev *v, uint64_t *features)
{
	uint32_t lo = 0, hi = 0;
	int err;

	wr(v, CW_REG_DEVICE_FEATURES_SEL, 0);
	rd(v, CW_REG_DEVICE_FEATURES, &lo);
	wr(v, CW_REG_DEVICE_FEATURES_SEL, 1);
	err = rd(v, CW_REG_DEVICE_FEATURES, &hi);
	*features = lo | (uint64_t)hi << 32;
	return err;
}

int cw_vdev_accept(struct cw_vdev *v)
{
	uint32_t now = 0;
	int err;

	wr(v, CW_REG_DRIVER_FEATURES_SEL, 0);
	wr(v, CW_REG_DRIVER_FEATURES, (uint32_t)v->features);
	wr(v, CW_REG_DRIVER_FEATURES_SEL, 1);
	wr(v, CW_REG_DRIVER_FEATURES, (uint32_t)(v->features >> 32));
	wr(v, CW_REG_STATUS, BEFORE_OK);
	err = rd(v, CW_REG_STATUS, &now);
	if (!err && !(now & CW_STATUS_FEATURES_OK))
		return cw_vdev_fail(v, CW_EREFUSED);
	return err;
}

int cw_vdev_open(struct cw_vdev *v, struct cw_transport *t, uint32_t id, uint64_t wanted)
{
	uint64_t features = 0;
	uint32_t there = 0;
	int err;

	memset(v, 0, sizeof(*v));
	v->t = t;
	err = rd(v, CW_REG_DEVICE_ID, &there);
	if (!err && there != id)
		return cw_vdev_fail(v, CW_ENODEV);
	err = err ? err : reset(v);
	err = err ? err : wr(v, CW_REG_STATUS, CW_STATUS_ACKNOWLEDGE | CW_STATUS_DRIVER);
	err = err ? err : offered(v, &features);
	if (!err && !(features & CW_F_VERSION_1))
		return cw_vdev_fail(v, CW_ENOTSUP);
	v->features = features & (wanted | CW_F_VERSION_1 | CW_F_EVENT_IDX);
	return err;
}

uint32_t cw_vdev_room(const struct cw_vdev *v)
{
	return v->t->memory.size - v->used;
}

void *cw_vdev_alloc(struct cw_vdev *v, uint32_t size, cw_addr_t *addr)
{
	uint32_t line = v->t->line, room = cw_vdev_room(v), whole = (size + line - 1) & ~(line - 1);
	void *p;

	*addr = v->t->memory.base + v->used;
	p = size && size <= room && whole <= room ? cw_window_ptr(&v->t->memory, *addr, whole)
						  : NULL;
	if (p && !v->dead)
		v->used += whole;
	else
		cw_vdev_fail(v, CW_ENOSPC);
	return p;
}

static int program(struct cw_vdev *v, const struct cw_drvq *q, unsigned int i)
{
	static const uint8_t reg[3] = { CW_REG_QUEUE_DESC_LO, CW_REG_QUEUE_DRIVER_LO,
					CW_REG_QUEUE_DEVICE_LO };
	int err;

	wr(v, CW_REG_QUEUE_NUM, q->size);
	for (int p = 0; p < 3; p++) {
		cw_addr_t at = cw_drvq_part(q, &v->t->memory, p);

		wr(v, reg[p], (uint32_t)at);
		wr(v, reg[p] + 4u, (uint32_t)(at >> 32));
	}
	if (!v->dead && v->t->ops->queue_begin)
		v->t->ops->queue_begin(v->t, i);
	wr(v, CW_REG_QUEUE_READY, 1);
	err = flush(v);
	if (!err && v->t->ops->queue_end)
		v->t->ops->queue_end(v->t, i);
	return err;
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
		return v->dead;
	err = cw_drvq_init(q, &v->t->memory, ring, v->t->line, size, slot,
			   cw_vdev_has(v, CW_F_EVENT_IDX));
	return err ? cw_vdev_fail(v, err) : program(v, q, i);
}

int cw_vdev_start(struct cw_vdev *v)
{
	wr(v, CW_REG_STATUS, BEFORE_OK | CW_STATUS_DRIVER_OK);
	v->started = !flush(v);
	return v->dead;
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

/* Whether the device's event counter moved; remembered until its driver asks. */
static bool notice(struct cw_vdev *v)
{
	uint32_t status;

	if (v->dead || !v->t->ops->event(v->t))
		return v->event;
	v->event = true;
	if (!rd(v, CW_REG_STATUS, &status) &&
	    (status & CW_STATUS_NEEDS_RESET || (v->started && !(status & CW_STATUS_DRIVER_OK))))
		v->dead = CW_ERESET;
	return true;
}

bool cw_vdev_event(struct cw_vdev *v)
{
	bool event = notice(v);

	v->event = false;
	return event;
}

int cw_vdev_look(struct cw_vdev *v)
{
	cw_vdev_event(v);
	return cw_vdev_check(v);
}

int cw_vdev_get(struct cw_vdev *v, struct cw_drvq *q, void **cookie, uint32_t *len)
{
	int got = v->dead ? v->dead : cw_drvq_get(q, cookie, len);

	if (!got)
		return 0;
	/*
	 * The link after the element: an old device's last words do not count. Later than that
	 * nobody writes to the buffer, since a new device waits for this side's echo.
	 */
	if (cw_vdev_check(v))
		return v->dead;
	return got < 0 ? cw_vdev_fail(v, CW_EPEER) : got;
}

bool cw_vdev_arm(struct cw_vdev *v, struct cw_drvq *q)
{
	bool news;

	if (v->dead)
		return false; /* its owner has been told, and no doorbell would change it */
	news = cw_drvq_arm(q);
	news |= notice(v);
	return cw_vdev_check(v) || news;
}

uint64_t cw_vdev_end(struct cw_vdev *v, uint64_t timeout)
{
	uint64_t now = v->t->ops->now(v->t);

	return timeout < UINT64_MAX - now ? now + timeout : UINT64_MAX;
}

int cw_vdev_wait(struct cw_vdev *v, struct cw_drvq *q, uint64_t end)
{
	for (;;) {
		int err;

		notice(v);
		err = cw_vdev_check(v);
		if (err)
			return err;
		if (cw_drvq_arm(q))
			return CW_OK;
		if (v->t->ops->now(v->t) >= end)
			return CW_ETIMEDOUT;
		err = v->t->ops->wait(v->t, end);
		if (err)
			return cw_vdev_fail(v, err);
	}
}

int cw_vdev_config(struct cw_vdev *v, uint32_t off, void *buf, uint32_t len)
{
	int err = v->dead ? v->dead : v->t->ops->config(v->t, off, buf, len);

	return err ? cw_vdev_fail(v, err) : CW_OK;
}
