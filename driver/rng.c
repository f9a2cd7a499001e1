// SPDX-License-Identifier: BSD-3-Clause
/*
 * Entropy driver.
 *
 * Theory of operation: one buffer in the block, one request in flight. What counts as arrived is
 * what the used element says, bounded by what was offered, on the link the request was made on. A
 * request that outlives a call's deadline stays with the device, and its answer serves the next
 * call: the buffer is never offered twice.
 */
#include <causeway/core/err.h>
#include <causeway/core/gate.h>
#include <causeway/core/shm.h>
#include <causeway/driver/rng.h>

int cw_rng_open(struct cw_rng_driver *r, struct cw_transport *t)
{
	memset(r, 0, sizeof(*r));
	cw_vdev_open(&r->vdev, t, CW_ID_RNG, 0);
	cw_vdev_accept(&r->vdev);
	cw_vdev_queue(&r->vdev, 0, &r->queue, r->slot, 2);
	r->buffer = cw_vdev_alloc(&r->vdev, CW_RNG_BUFFER, &r->buffer_addr);
	return cw_vdev_start(&r->vdev);
}

static int ask(struct cw_rng_driver *r, uint32_t len)
{
	const struct cw_buf b = { r->buffer_addr, len };
	int err = cw_drvq_add(&r->queue, &b, 0, 1, r);

	if (err)
		return cw_vdev_fail(&r->vdev, CW_EPEER);
	r->asked = len;
	cw_vdev_publish(&r->vdev, 0, &r->queue);
	return CW_OK;
}

int cw_rng_ask(struct cw_rng_driver *r, uint32_t len)
{
	int err = cw_vdev_look(&r->vdev);

	if (err)
		return err;
	if (!len)
		return CW_EINVAL;
	if (r->asked || r->at < r->have)
		return CW_EBUSY;
	return ask(r, len < CW_RNG_BUFFER ? len : CW_RNG_BUFFER);
}

static int answer(struct cw_rng_driver *r)
{
	uint32_t len, asked = r->asked;
	void *cookie;
	int got = cw_vdev_get(&r->vdev, &r->queue, &cookie, &len);

	if (got <= 0)
		return got ? got : CW_EAGAIN;
	r->at = 0;
	r->have = len;
	r->asked = 0;
	if (len)
		return CW_OK;
	/* One byte at least is the rule; a device that has none is asked again, nothing is said. */
	got = ask(r, asked);
	return got ? got : CW_EAGAIN;
}

int cw_rng_take(struct cw_rng_driver *r, void *buf, uint32_t len)
{
	int err = cw_vdev_look(&r->vdev);

	if (err)
		return err;
	if (!len || (!r->asked && r->at == r->have))
		return CW_EINVAL;
	if (r->asked) {
		err = answer(r);
		if (err)
			return err;
	}
	if (len > r->have - r->at)
		len = r->have - r->at;
	cw_copy_in(buf, r->buffer + r->at, len);
	r->at += len;
	return (int)len;
}

/* One step towards @len bytes: bytes taken, 0 to go on, or the error that ends the read. */
static int step(struct cw_rng_driver *r, uint8_t *buf, uint32_t len, uint64_t end)
{
	int got = CW_OK;

	if (r->at == r->have && !r->asked)
		got = cw_rng_ask(r, len);
	if (!got)
		got = cw_rng_take(r, buf, len);
	if (got != CW_EAGAIN)
		return got;
	/* Also here, for a device that answers at once and with nothing, for ever. */
	if (r->vdev.t->ops->now(r->vdev.t) >= end)
		return CW_ETIMEDOUT;
	got = cw_vdev_wait(&r->vdev, &r->queue, end);
	return got == CW_ETIMEDOUT ? CW_OK : got; /* the clock ends it, after one more look */
}

int cw_rng_read(struct cw_rng_driver *r, void *buf, uint32_t len, uint64_t timeout)
{
	uint64_t end = cw_vdev_end(&r->vdev, timeout);
	uint32_t done = 0;
	int got = CW_EINVAL;

	if (len > INT32_MAX)
		return CW_EINVAL;
	while (done < len) {
		got = step(r, (uint8_t *)buf + done, len - done, end);
		if (got < 0)
			break;
		done += (uint32_t)got;
	}
	return done ? (int)done : got;
}

bool cw_rng_arm(struct cw_rng_driver *r)
{
	return (!r->vdev.dead && r->at < r->have) || cw_vdev_arm(&r->vdev, &r->queue);
}
