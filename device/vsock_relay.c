// SPDX-License-Identifier: BSD-3-Clause
/*
 * Socket device whose data queues somebody else runs.
 *
 * Theory of operation: the runner has the rings from the moment both are ready and the driver is
 * there, until a reset, of the device or of one queue. Both run or none does: who resets one stops
 * the other for so long, which then goes on where it was. Nothing of what they hold is seen here.
 */
#include <causeway/core/bytes.h>
#include <causeway/core/err.h>
#include <causeway/core/gate.h>
#include <causeway/device/vsock_relay.h>

/* What the runner does itself; the rest of the features is between the driver and this device. */
#define RUNNER (CW_F_VERSION_1 | CW_F_INDIRECT_DESC | CW_F_EVENT_IDX)
#define QUEUES 3u

static struct cw_vsock_relay *self(struct cw_device *d)
{
	return (struct cw_vsock_relay *)(void *)d;
}

bool cw_vsock_relay_wanted(const struct cw_vsock_relay *v)
{
	return !v->running && cw_device_running(&v->dev) &&
	       v->dev.queue[CW_VSOCK_QUEUE_RX].ring.ready &&
	       v->dev.queue[CW_VSOCK_QUEUE_TX].ring.ready;
}

void cw_vsock_relay_try(struct cw_vsock_relay *v)
{
	struct cw_vsock_relay_ring ring[CW_VSOCK_RELAYED];
	int err;

	if (!cw_vsock_relay_wanted(v))
		return;
	for (unsigned int q = 0; q < CW_VSOCK_RELAYED; q++) {
		const struct cw_devq *r = &v->dev.queue[q].ring;

		ring[q] = (struct cw_vsock_relay_ring){ r->desc, r->avail, r->used, r->size,
							v->base[q] };
	}
	err = v->ops->start(v->ctx, v->dev.features & v->runner, ring);
	v->running = !err;
	if (err && err != CW_EAGAIN)
		cw_device_fault(&v->dev, err);
	/* Kicks of before are lost: once for all of them. */
	for (unsigned int q = 0; !err && q < CW_VSOCK_RELAYED; q++)
		v->ops->kick(v->ctx, q);
}

static void stop(struct cw_vsock_relay *v, bool over)
{
	if (v->running)
		v->ops->stop(v->ctx, over, v->base);
	v->running = false;
}

void cw_vsock_relay_used(struct cw_vsock_relay *v, unsigned int q)
{
	if (v->running)
		cw_device_followed(&v->dev, q);
}

void cw_vsock_relay_failed(struct cw_vsock_relay *v, int err)
{
	stop(v, true);
	if (cw_device_running(&v->dev))
		cw_device_fault(&v->dev, err);
}

static int serve(struct cw_device *d, unsigned int q)
{
	(void)d;
	(void)q;
	return CW_SERVE_PARKED; /* no event ever comes: an address never changes while a link is up */
}

static void ready(struct cw_device *d, unsigned int q)
{
	if (q < CW_VSOCK_RELAYED)
		self(d)->base[q] = 0;
	cw_vsock_relay_try(self(d));
}

static void started(struct cw_device *d)
{
	cw_vsock_relay_try(self(d));
}

static void kicked(struct cw_device *d, unsigned int q)
{
	if (self(d)->running)
		self(d)->ops->kick(self(d)->ctx, q);
}

static void reset(struct cw_device *d, int q)
{
	if (q < (int)CW_VSOCK_RELAYED)
		stop(self(d), q < 0);
}

/* A link asks this before it lets a new driver near the memory. */
static bool quiet(struct cw_device *d)
{
	return !self(d)->running;
}

static const struct cw_device_ops relay_ops = {
	.serve = serve,
	.started = started,
	.ready = ready,
	.kicked = kicked,
	.reset = reset,
	.quiet = quiet,
};

int cw_vsock_relay_init(struct cw_vsock_relay *v, const struct cw_vsock_relay_ops *ops, void *ctx,
			uint64_t cid, uint64_t features, struct cw_device_queue *queue)
{
	int err;

	memset(v, 0, sizeof(*v));
	if (cid < CW_VSOCK_CID_MIN || cid >= UINT32_MAX)
		return CW_EINVAL;
	if ((features & RUNNER) != RUNNER)
		return CW_ENOTSUP;
	v->ops = ops;
	v->ctx = ctx;
	v->runner = features & (RUNNER | CW_VSOCK_F_SEQPACKET);
	cw_set_le32_pair(v->config.guest_cid, cid);
	/* Streams every runner can, though vhost has no bit that says so. */
	err = cw_device_init(&v->dev, &relay_ops, CW_ID_VSOCK,
			     CW_VSOCK_F_STREAM | (features & CW_VSOCK_F_SEQPACKET),
			     (const uint8_t *)&v->config, sizeof(v->config), queue, QUEUES);
	for (unsigned int q = 0; !err && q < CW_VSOCK_RELAYED; q++)
		queue[q].relayed = true;
	return err;
}
