// SPDX-License-Identifier: BSD-3-Clause
/*
 * RPMsg driver.
 *
 * Theory of operation: the block's memory behind the rings is cut into buffers, as many of each direction
 * as the queues have descriptors and there is room for. All else is the channel's; what it asks of its
 * transport is what every driver asks of a virtio device.
 */
#include <causeway/core/err.h>
#include <causeway/core/gate.h>
#include <causeway/driver/rpmsg.h>

static void notify(void *ctx, unsigned int q, uint32_t running)
{
	struct cw_rpmsg_driver *d = ctx;

	d->vdev.t->ops->notify(d->vdev.t, q, running);
}

static int check(void *ctx)
{
	struct cw_rpmsg_driver *d = ctx;

	return cw_vdev_check(&d->vdev);
}

static uint64_t now(void *ctx)
{
	struct cw_rpmsg_driver *d = ctx;

	return d->vdev.t->ops->now(d->vdev.t);
}

static int wait(void *ctx, uint64_t deadline)
{
	struct cw_rpmsg_driver *d = ctx;
	int err = cw_vdev_look(&d->vdev);

	err = err ? err : d->vdev.t->ops->wait(d->vdev.t, deadline);
	return err ? cw_vdev_fail(&d->vdev, err) : cw_vdev_look(&d->vdev);
}

static const struct cw_rpmsg_transport transport = { notify, check, now, wait };

static int make_pools(struct cw_rpmsg_driver *d, const uint32_t size[2],
		      struct cw_rpmsg_pool pool[2])
{
	uint32_t line = d->vdev.t->line, most;

	for (unsigned int i = 0; i < 2; i++) {
		pool[i].size = size[i];
		pool[i].stride = (size[i] + line - 1) & ~(line - 1);
	}
	most = cw_rpmsg_fit(cw_vdev_room(&d->vdev), pool[0].stride, pool[1].stride);
	for (unsigned int i = 0; i < 2; i++) {
		pool[i].n = (uint16_t)(most < d->ring[i].size ? most : d->ring[i].size);
		pool[i].p = cw_vdev_alloc(&d->vdev, pool[i].n * pool[i].stride, &pool[i].addr);
	}
	return d->vdev.dead;
}

int cw_rpmsg_driver_open(struct cw_rpmsg_driver *d, struct cw_rpmsg *ch, struct cw_transport *t)
{
	struct cw_abi_rpmsg_config config = { 0 };
	struct cw_rpmsg_pool pool[2];
	uint32_t size[2] = { 0, 0 }; /* gcc for AArch64 does not see that it is filled */
	int err;

	cw_rpmsg_down(ch);
	memset(d, 0, sizeof(*d));
	d->channel = ch;
	cw_vdev_open(&d->vdev, t, CW_ID_RPMSG, cw_rpmsg_features(ch));
	err = cw_vdev_accept(&d->vdev);
	if (!err && d->vdev.features & (CW_RPMSG_F_BUFSZ | CW_RPMSG_F_NUTTX_BUFSZ))
		err = cw_vdev_config(&d->vdev, 0, &config, sizeof(config));
	err = err ? err
		  : cw_rpmsg_sizes(ch, d->vdev.features, (uint8_t *)&config, sizeof(config),
				   t->memory.size, size);
	for (unsigned int i = 0; i < 2 && !err; i++)
		err = cw_vdev_queue(&d->vdev, i, &d->ring[i], d->slot[i], CW_RPMSG_QUEUE);
	err = err ? err : make_pools(d, size, pool);
	err = err ? err
		  : cw_rpmsg_host_init(&d->host, &d->ring[0], &d->ring[1], &pool[0], &pool[1],
				       d->rx, d->tx);
	if (err)
		return cw_vdev_fail(&d->vdev, err);
	d->host.q.transport = &transport;
	d->host.q.ctx = d;
	err = cw_vdev_start(&d->vdev);
	if (err)
		return err;
	cw_rpmsg_up(ch, &d->host.q, d->vdev.features);
	return CW_OK;
}

int cw_rpmsg_driver_poll(struct cw_rpmsg_driver *d, unsigned int budget)
{
	int err = cw_vdev_look(&d->vdev);

	if (!err)
		err = cw_rpmsg_poll(d->channel, budget);
	else
		cw_rpmsg_down(d->channel);
	return err >= 0 || err == CW_EBUSY ? err : cw_vdev_fail(&d->vdev, err);
}

bool cw_rpmsg_driver_arm_room(struct cw_rpmsg_driver *d)
{
	struct cw_rpmsg_queues *q = &d->host.q;
	struct cw_rpmsg_buf b;
	int got;

	cw_rpmsg_flush(d->channel);
	if (!cw_rpmsg_is_up(d->channel))
		return true;
	/* This fetches what the other side has done with, so it comes before the question for more. */
	got = q->ops->take(q, &b, q->keep + q->want);
	if (got > 0)
		q->ops->cancel(q, &b);
	return got || cw_vdev_arm(&d->vdev, &d->ring[CW_RPMSG_QUEUE_TO_REMOTE]);
}

bool cw_rpmsg_driver_arm(struct cw_rpmsg_driver *d)
{
	bool news = cw_rpmsg_arm(d->channel);

	return cw_vdev_arm(&d->vdev, &d->ring[CW_RPMSG_QUEUE_TO_HOST]) || news;
}
