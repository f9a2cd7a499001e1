// SPDX-License-Identifier: BSD-3-Clause
/*
 * The virtio device state machine.
 *
 * Theory of operation: status, features and queues live here, privately; transports only translate.
 * Faults are contained: a broken ring or an impossible request ends in cw_device_fault(), after
 * which no ring of this device is touched until the driver resets it. Other devices never notice.
 */
#include <causeway/core/err.h>
#include <causeway/core/gate.h>
#include <causeway/device/device.h>

#define F_ALWAYS (CW_F_VERSION_1 | CW_F_INDIRECT_DESC | CW_F_EVENT_IDX | CW_F_RING_RESET)
#define STATUS_BITS                                                                               \
	(CW_STATUS_ACKNOWLEDGE | CW_STATUS_DRIVER | CW_STATUS_DRIVER_OK | CW_STATUS_FEATURES_OK | \
	 CW_STATUS_FAILED)

int cw_device_init(struct cw_device *d, const struct cw_device_ops *ops, uint32_t id,
		   uint64_t features, const uint8_t *config, uint32_t config_len,
		   struct cw_device_queue *queue, unsigned int queues)
{
	if (!queues || queues > CW_QUEUES_MAX || config_len > CW_CONFIG_MAX || config_len % 4)
		return CW_EINVAL;
	for (unsigned int i = 0; i < queues; i++)
		if (!queue[i].own || !queue[i].num_max || queue[i].num_max > CW_QUEUE_SIZE_MAX)
			return CW_EINVAL;
	memset(d, 0, sizeof(*d));
	d->ops = ops;
	d->id = id;
	d->offered = features | F_ALWAYS;
	d->config = config;
	d->config_len = config_len;
	d->queue = queue;
	d->queues = (uint16_t)queues;
	return CW_OK;
}

bool cw_device_running(const struct cw_device *d)
{
	return d->status & CW_STATUS_DRIVER_OK && !d->fault && !d->resetting;
}

int cw_device_set_features(struct cw_device *d, uint64_t features)
{
	if (d->status & CW_STATUS_FEATURES_OK)
		d->count.ignored++;
	else
		d->features = features;
	return CW_RESULT_OK;
}

static void recompute_keep_out(struct cw_device *d)
{
	struct cw_ranges *r = &d->keep_out;

	r->n = 0;
	r->lo = UINT64_MAX;
	r->hi = 0;
	for (unsigned int i = 0; i < d->queues; i++) {
		const struct cw_device_queue *q = &d->queue[i];
		const cw_addr_t at[3] = { q->desc, q->avail, q->used };
		const uint32_t len[3] = { CW_RING_DESC_BYTES(q->num), CW_RING_AVAIL_BYTES(q->num),
					  CW_RING_USED_BYTES(q->num) };

		for (unsigned int p = 0; q->ring.ready && p < 3; p++) {
			r->range[r->n].at = at[p];
			r->range[r->n++].end = at[p] + len[p];
			r->lo = at[p] < r->lo ? at[p] : r->lo;
			r->hi = at[p] + len[p] > r->hi ? at[p] + len[p] : r->hi;
		}
	}
}

void cw_device_reset(struct cw_device *d)
{
	if (d->ops->reset)
		d->ops->reset(d, -1);
	for (unsigned int i = 0; i < d->queues; i++) {
		struct cw_device_queue *q = &d->queue[i];

		cw_devq_stop(&q->ring);
		q->desc = q->avail = q->used = 0;
		q->num = 0;
		q->work = q->active = false;
	}
	recompute_keep_out(d);
	d->features = 0;
	d->fault = 0;
	d->count.resets++;
	d->resetting = true;
	cw_device_reset_done(d);
}

bool cw_device_reset_done(struct cw_device *d)
{
	if (d->resetting && d->ops->quiet && !d->ops->quiet(d))
		return false;
	if (d->resetting)
		d->status = 0;
	d->resetting = false;
	return true;
}

static uint32_t accept_features(const struct cw_device *d, uint32_t status)
{
	bool fine = !(d->features & ~d->offered) && d->features & CW_F_VERSION_1;

	return fine ? status : status & ~CW_STATUS_FEATURES_OK;
}

int cw_device_set_status(struct cw_device *d, uint32_t status)
{
	uint32_t kept = d->status & STATUS_BITS;

	if (!status) {
		cw_device_reset(d);
		return CW_RESULT_OK;
	}
	if (d->resetting)
		return CW_RESULT_STATE;
	/* NEEDS_RESET is the device's own; a driver that writes back what it read is forgiven. */
	status &= ~CW_STATUS_NEEDS_RESET;
	if (status & ~STATUS_BITS)
		return CW_RESULT_VALUE;
	if (kept & ~status) /* bits are cleared by a reset only */
		return CW_RESULT_STATE;
	if (status & CW_STATUS_FEATURES_OK && !(kept & CW_STATUS_FEATURES_OK)) {
		status = accept_features(d, status);
		if (!(status & CW_STATUS_FEATURES_OK) && !(status & CW_STATUS_DRIVER_OK)) {
			d->count.refused++;
			d->status |= status;
			return CW_RESULT_OK; /* the driver reads back that it did not stick */
		}
	}
	if (status & CW_STATUS_DRIVER_OK && !(status & CW_STATUS_FEATURES_OK))
		return CW_RESULT_STATE;
	d->status |= status;
	if (status & CW_STATUS_DRIVER_OK && !(kept & CW_STATUS_DRIVER_OK) && d->ops->started)
		d->ops->started(d);
	return CW_RESULT_OK;
}

/* Whether a ring part of @len bytes at @at overlaps one of a queue that is ready. */
static bool taken(const struct cw_device *d, cw_addr_t at, uint32_t len)
{
	for (unsigned int i = 0; i < d->keep_out.n; i++)
		if (at < d->keep_out.range[i].end && d->keep_out.range[i].at < at + len)
			return true;
	return false;
}

static bool apart(cw_addr_t a, uint32_t a_len, cw_addr_t b, uint32_t b_len)
{
	return a + a_len <= b || b + b_len <= a;
}

static bool rings_clash(const struct cw_device *d, const struct cw_device_queue *q)
{
	uint32_t desc = CW_RING_DESC_BYTES(q->num), avail = CW_RING_AVAIL_BYTES(q->num);
	uint32_t used = CW_RING_USED_BYTES(q->num);

	return !apart(q->desc, desc, q->avail, avail) || !apart(q->desc, desc, q->used, used) ||
	       !apart(q->avail, avail, q->used, used) || taken(d, q->desc, desc) ||
	       taken(d, q->avail, avail) || taken(d, q->used, used);
}

int cw_device_queue_ready(struct cw_device *d, unsigned int i)
{
	struct cw_device_queue *q;
	struct cw_devq ring;
	int err;

	if (i >= d->queues)
		return CW_RESULT_VALUE;
	q = &d->queue[i];
	if (q->ring.ready || !(d->status & CW_STATUS_FEATURES_OK) || d->resetting || d->fault)
		return CW_RESULT_STATE;
	if (!q->num || q->num > q->num_max || q->num & (q->num - 1))
		return CW_RESULT_VALUE;
	/* Bounds before overlap: sums below cannot wrap once both parts lie in the window. */
	if (!cw_window_ptr(&d->window, q->desc, CW_RING_DESC_BYTES(q->num)) ||
	    !cw_window_ptr(&d->window, q->avail, CW_RING_AVAIL_BYTES(q->num)) ||
	    !cw_window_ptr(&d->window, q->used, CW_RING_USED_BYTES(q->num)) || rings_clash(d, q))
		return CW_RESULT_ADDRESS;
	err = cw_devq_init(&ring, &d->window, &d->keep_out, q->desc, q->avail, q->used, q->num,
			   q->own, cw_device_has(d, CW_F_EVENT_IDX),
			   cw_device_has(d, CW_F_INDIRECT_DESC));
	if (err)
		return CW_RESULT_ADDRESS;
	q->ring = ring;
	q->work = q->active = false;
	recompute_keep_out(d);
	if (d->ops->ready)
		d->ops->ready(d, i);
	return CW_RESULT_OK;
}

int cw_device_queue_reset(struct cw_device *d, unsigned int i)
{
	struct cw_device_queue *q;

	if (i >= d->queues)
		return CW_RESULT_VALUE;
	q = &d->queue[i];
	if (q->ring.ready && d->ops->reset)
		d->ops->reset(d, (int)i);
	cw_devq_stop(&q->ring);
	q->work = q->active = false;
	recompute_keep_out(d);
	return CW_RESULT_OK;
}

int cw_device_config_write(struct cw_device *d, uint32_t off, uint32_t width, uint32_t value)
{
	if (off >= d->config_len || width > d->config_len - off || off % width ||
	    !d->ops->config_write) {
		d->count.ignored++; /* as hardware does with a read-only register */
		return CW_RESULT_OK;
	}
	return d->ops->config_write(d, off, width, value) ? CW_RESULT_VALUE : CW_RESULT_OK;
}

bool cw_device_kicked(struct cw_device *d, unsigned int i)
{
	if (i >= d->queues || !d->queue[i].ring.ready) {
		d->count.ignored++;
		return false;
	}
	d->count.kicks++;
	if (d->queue[i].relayed)
		d->ops->kicked(d, i);
	else
		d->queue[i].work = true;
	return true;
}

static void serve_queue(struct cw_device *d, unsigned int i)
{
	struct cw_device_queue *q = &d->queue[i];
	int r;

	q->work = false;
	if (!q->ring.ready)
		return;
	if (!q->active)
		cw_devq_disarm(&q->ring);
	q->active = true;
	d->count.served++;
	r = d->ops->serve(d, i);
	if (r < 0)
		cw_device_fault(d, q->ring.broken ? q->ring.broken : r);
	else if (r == CW_SERVE_MORE)
		q->work = true;
	else if (r == CW_SERVE_PARKED)
		q->active = false;
}

bool cw_device_serve(struct cw_device *d)
{
	bool more = false;

	for (unsigned int i = 0; i < d->queues && cw_device_running(d); i++) {
		if (d->queue[i].work)
			serve_queue(d, i);
		more |= d->queue[i].work;
	}
	return more && cw_device_running(d);
}

bool cw_device_look(struct cw_device *d)
{
	bool news = false;

	for (unsigned int i = 0; cw_device_running(d) && i < d->queues; i++) {
		struct cw_device_queue *q = &d->queue[i];

		if (q->active && !q->work && cw_devq_pending(&q->ring))
			q->work = true;
		news |= q->work;
	}
	return news;
}

bool cw_device_arm(struct cw_device *d)
{
	bool news = false;

	for (unsigned int i = 0; cw_device_running(d) && i < d->queues; i++) {
		struct cw_device_queue *q = &d->queue[i];

		if (!q->active || q->work) {
			news |= q->work;
			continue;
		}
		if (cw_devq_arm(&q->ring))
			news = q->work = true;
		else
			q->active = false;
	}
	return news;
}

void cw_device_publish(struct cw_device *d, unsigned int i)
{
	struct cw_devq *ring = &d->queue[i].ring;

	if (cw_devq_publish(ring))
		d->transport->used(d, i, cw_devq_running(ring));
}

void cw_device_followed(struct cw_device *d, unsigned int i)
{
	if (d->queue[i].ring.ready)
		d->transport->used(d, i, cw_devq_follow(&d->queue[i].ring));
}

void cw_device_wake(struct cw_device *d, unsigned int i)
{
	if (d->queue[i].ring.ready && !d->queue[i].relayed)
		d->queue[i].work = true;
}

void cw_device_fault(struct cw_device *d, int err)
{
	if (d->fault)
		return;
	d->fault = err ? err : CW_EPEER;
	d->count.faults++;
	d->status |= CW_STATUS_NEEDS_RESET;
	d->transport->changed(d);
}

void cw_device_changed(struct cw_device *d)
{
	d->transport->changed(d);
}
