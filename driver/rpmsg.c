// SPDX-License-Identifier: BSD-3-Clause
/*
 * RPMsg driver.
 *
 * Theory of operation: the block's memory behind the rings is cut into buffers, as many of each direction
 * as the queues have descriptors and there is room for. All else is the channel's; what it asks of its
 * transport is what every driver asks of a virtio device.
 */
#include <causeway/core/bytes.h>
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

static uint32_t le32(const uint8_t *b)
{
	struct cw_le32 w;

	memcpy(&w, b, sizeof(w));
	return cw_get_le32(w);
}

/* Bytes of a buffer of each queue. */
static int sizes(struct cw_rpmsg_driver *d, uint32_t size[2])
{
	struct cw_abi_rpmsg_config c;

	size[0] = size[1] = CW_RPMSG_BUFFER_DEFAULT;
	if (d->channel->conf.nuttx && cw_vdev_has(&d->vdev, CW_RPMSG_F_NUTTX_BUFSZ)) {
		cw_vdev_config(&d->vdev, 0, &c, 8);
		size[CW_RPMSG_QUEUE_TO_REMOTE] = le32((uint8_t *)&c);
		size[CW_RPMSG_QUEUE_TO_HOST] = le32((uint8_t *)&c + 4);
	} else if (!d->channel->conf.nuttx && cw_vdev_has(&d->vdev, CW_RPMSG_F_BUFSZ)) {
		cw_vdev_config(&d->vdev, 0, &c, sizeof(c));
		if (c.version != CW_RPMSG_CONFIG_VERSION || c.size[0] != CW_RPMSG_CONFIG_SIZE ||
		    c.size[1])
			return CW_EVERSION;
		size[CW_RPMSG_QUEUE_TO_HOST] = le32(c.to_host);
		size[CW_RPMSG_QUEUE_TO_REMOTE] = le32(c.to_remote);
	}
	for (unsigned int i = 0; i < 2; i++)
		if (size[i] < sizeof(struct cw_abi_rpmsg_hdr) || size[i] > d->vdev.t->memory.size)
			return CW_EBADLEN;
	return CW_OK;
}

static int make_pools(struct cw_rpmsg_driver *d, const uint32_t size[2],
		      struct cw_rpmsg_pool pool[2])
{
	uint32_t line = d->vdev.t->line, most;

	for (unsigned int i = 0; i < 2; i++) {
		pool[i].size = size[i];
		pool[i].stride = (size[i] + line - 1) & ~(line - 1);
	}
	most = cw_vdev_room(&d->vdev) / (pool[0].stride + pool[1].stride);
	for (unsigned int i = 0; i < 2; i++) {
		pool[i].n = (uint16_t)(most < d->ring[i].size ? most : d->ring[i].size);
		pool[i].p = cw_vdev_alloc(&d->vdev, pool[i].n * pool[i].stride, &pool[i].addr);
	}
	return d->vdev.dead;
}

int cw_rpmsg_driver_open(struct cw_rpmsg_driver *d, struct cw_rpmsg *ch, struct cw_transport *t)
{
	struct cw_rpmsg_pool pool[2];
	uint32_t size[2] = { 0, 0 }; /* gcc for AArch64 does not see that it is filled */
	int err;

	cw_rpmsg_down(ch);
	memset(d, 0, sizeof(*d));
	d->channel = ch;
	cw_vdev_open(&d->vdev, t, CW_ID_RPMSG, cw_rpmsg_features(ch));
	err = cw_vdev_accept(&d->vdev);
	err = err ? err : sizes(d, size);
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

bool cw_rpmsg_driver_arm(struct cw_rpmsg_driver *d)
{
	bool news = cw_rpmsg_arm(d->channel);

	return cw_vdev_arm(&d->vdev, &d->ring[CW_RPMSG_QUEUE_TO_HOST]) || news;
}
