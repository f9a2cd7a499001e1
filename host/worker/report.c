// SPDX-License-Identifier: BSD-3-Clause
/*
 * What the keeper may know of a remote. A reader may see a report half written: these are numbers
 * for people, nothing is decided by two of them together.
 */
#include "worker.h"

#include <causeway/core/shm.h>

static void report_queue(const struct cw_device_queue *q, struct cw_report_queue *r)
{
	r->size = q->ring.ready ? q->num : 0;
	r->desc = q->desc;
	r->avail = q->avail;
	r->used = q->used;
	r->avail_idx = q->ring.avail_idx;
	r->used_idx = (uint16_t)q->ring.used_published;
	r->strange = (uint16_t)q->ring.strange;
}

static void report_device(const struct served_device *d, struct cw_report_device *r,
			  struct cw_report_remote *remote)
{
	const struct cw_device *dev = d->unit->dev;

	r->status = dev->status;
	r->fault = dev->fault;
	r->features = dev->features;
	r->count = dev->count;
	if (d->unit->ops->stats)
		d->unit->ops->stats(d->unit, &r->unit);
	if (d->unit->ops->channel)
		d->unit->ops->channel(d->unit, &remote->channel);
	for (unsigned int i = 0; i < dev->queues; i++)
		report_queue(&dev->queue[i], &remote->queue[d->mmio.slot + 1u + i]);
}

void report_remote(struct served *s)
{
	const struct cw_link *l = &s->bus.link;
	struct cw_report_remote *r = s->report;
	uint32_t life = cw_load32(&l->peer->epoch), code, state = cw_link_peer_state(l, &code);

	/* Compared with what is written here, so that no change falls between two looks. */
	if (life != r->life || state != r->state || l->refused != r->refused)
		s->worker->news = true;
	r->life = life;
	r->state = state;
	r->panic_code = code;
	r->up = l->up;
	r->epoch = l->epoch;
	r->peer_epoch = l->echoed;
	r->refused = l->refused;
	r->link = l->count;
	for (unsigned int i = 0; i < s->bus.layout->devices; i++)
		if (s->touched >> i & 1 || s->device[i].unit->dev->status != r->device[i].status)
			report_device(&s->device[i], &r->device[i], r);
	s->touched = 0;
}
