// SPDX-License-Identifier: BSD-3-Clause
/*
 * Entropy driver.
 *
 * Theory of operation: one request at a time into a buffer of the block, copied out once it came
 * back. A request that timed out stays in flight and its answer serves the next read, so the buffer
 * is never offered twice.
 */
#include <causeway/core/err.h>
#include <causeway/core/gate.h>
#include <causeway/core/shm.h>
#include <causeway/driver/rng.h>

int cw_rng_open(struct cw_rng_driver *r, struct cw_transport *t)
{
	int err;

	memset(r, 0, sizeof(*r));
	err = cw_vdev_open(&r->vdev, t, CW_ID_RNG, 0);
	err = err ? err : cw_vdev_queue(&r->vdev, 0, &r->queue, r->slot, 2);
	if (err)
		return err;
	r->buffer = cw_vdev_alloc(&r->vdev, CW_RNG_BUFFER, &r->buffer_addr);
	if (!r->buffer)
		return cw_vdev_fail(&r->vdev, CW_ENOSPC);
	return cw_vdev_start(&r->vdev);
}

int cw_rng_ask(struct cw_rng_driver *r, uint32_t len)
{
	struct cw_buf buf = { r->buffer_addr, len < CW_RNG_BUFFER ? len : CW_RNG_BUFFER };
	int err = cw_vdev_check(&r->vdev);

	if (err)
		return err;
	if (!len)
		return CW_EINVAL;
	if (r->asked)
		return CW_EBUSY;
	err = cw_drvq_add(&r->queue, &buf, 0, 1, r);
	if (err)
		return cw_vdev_fail(&r->vdev, err);
	r->asked = buf.len;
	cw_vdev_publish(&r->vdev, 0, &r->queue);
	return CW_OK;
}

int cw_rng_take(struct cw_rng_driver *r, void *buf, uint32_t len)
{
	uint32_t arrived = 0;
	void *cookie;
	int got;

	if (!r->asked)
		return CW_EINVAL;
	got = cw_drvq_get(&r->queue, &cookie, &arrived);
	if (got < 0)
		return cw_vdev_fail(&r->vdev, got);
	if (!got)
		return r->vdev.dead ? r->vdev.dead : CW_EAGAIN;
	r->asked = 0;
	if (arrived > len)
		arrived = len;
	cw_copy_in(buf, r->buffer, arrived);
	/* Only now: a link that ended meanwhile may have left anything in the buffer. */
	got = cw_vdev_check(&r->vdev);
	if (got) {
		memset(buf, 0, arrived);
		return got;
	}
	return (int)arrived;
}

int cw_rng_read(struct cw_rng_driver *r, void *buf, uint32_t len, uint64_t timeout)
{
	struct cw_transport *t = r->vdev.t;
	uint64_t end = t->ops->now(t) + timeout, now;
	uint32_t done = 0;
	int got;

	while (done < len) {
		got = r->asked ? CW_OK : cw_rng_ask(r, len - done);
		if (got)
			return got;
		now = t->ops->now(t);
		got = cw_vdev_wait(&r->vdev, &r->queue, now < end ? end - now : 0);
		if (got == CW_ETIMEDOUT)
			return done ? (int)done : CW_ETIMEDOUT;
		if (!got)
			got = cw_rng_take(r, (uint8_t *)buf + done, len - done);
		if (got < 0)
			return got;
		done += (uint32_t)got;
		/* A device that answers with nothing must not keep us for ever. */
		if (!got && t->ops->now(t) >= end)
			return done ? (int)done : CW_ETIMEDOUT;
	}
	return (int)done;
}
