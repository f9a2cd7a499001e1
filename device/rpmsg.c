// SPDX-License-Identifier: BSD-3-Clause
/*
 * RPMsg device.
 *
 * Theory of operation: with DRIVER_OK the channel gets the two rings, with a reset it loses them. Serving
 * either queue polls the channel. The host's empty buffers (queue 0) are of interest only while somebody
 * waits for one: the queue is parked otherwise, and posting buffers rings no doorbell.
 */
#include <causeway/core/bytes.h>
#include <causeway/core/err.h>
#include <causeway/core/gate.h>
#include <causeway/device/rpmsg.h>

static struct cw_rpmsg_device *self(struct cw_device *d)
{
	return (struct cw_rpmsg_device *)(void *)d;
}

static void notify(void *ctx, unsigned int q, uint32_t running)
{
	struct cw_rpmsg_device *d = ctx;

	d->dev.transport->used(&d->dev, q, running);
}

static uint64_t now(void *ctx)
{
	struct cw_rpmsg_device *d = ctx;

	return d->ops->now(d->ctx);
}

static int wait(void *ctx, uint64_t deadline)
{
	struct cw_rpmsg_device *d = ctx;
	int err = d->ops->wait(d->ctx, deadline);

	return err ? err : cw_device_running(&d->dev) ? CW_OK : CW_ERESET;
}

static const struct cw_rpmsg_transport plain = { .notify = notify };
static const struct cw_rpmsg_transport timed = { .notify = notify, .now = now };
static const struct cw_rpmsg_transport waiting = { .notify = notify, .now = now, .wait = wait };

static bool up(struct cw_rpmsg_device *d)
{
	struct cw_devq *tx = &d->dev.queue[CW_RPMSG_QUEUE_TO_HOST].ring,
		       *rx = &d->dev.queue[CW_RPMSG_QUEUE_TO_REMOTE].ring;

	if (cw_rpmsg_is_up(d->channel))
		return true;
	if (!cw_device_running(&d->dev) || !tx->ready || !rx->ready)
		return false;
	cw_rpmsg_remote_init(&d->remote, tx, rx, d->tx, d->rx, d->to_host);
	d->remote.q.transport = !d->ops || !d->ops->now ? &plain : d->ops->wait ? &waiting : &timed;
	d->remote.q.ctx = d;
	d->asked = false;
	cw_rpmsg_up(d->channel, &d->remote.q, d->dev.features);
	return true;
}

static bool wants_room(const struct cw_rpmsg_device *d)
{
	return d->channel->starved || d->channel->todo;
}

/* Once, until it is served and all have room: who asks at each turn of a loop would keep it from coming to rest. */
static void ask_for_room(struct cw_rpmsg_device *d)
{
	if (!wants_room(d) || d->asked)
		return;
	d->asked = true;
	cw_device_wake(&d->dev, CW_RPMSG_QUEUE_TO_HOST);
}

static int serve(struct cw_device *dev, unsigned int q)
{
	struct cw_rpmsg_device *d = self(dev);
	int got;

	if (!up(d))
		return CW_SERVE_DRAINED;
	got = cw_rpmsg_poll(d->channel, CW_SERVE_BUDGET);
	if (got < 0)
		return got == CW_EBUSY ? CW_SERVE_MORE : got;
	cw_rpmsg_flush(d->channel);
	if (q == CW_RPMSG_QUEUE_TO_HOST) {
		d->asked = wants_room(d);
		return d->asked ? CW_SERVE_DRAINED : CW_SERVE_PARKED;
	}
	ask_for_room(d);
	return got == CW_SERVE_BUDGET ? CW_SERVE_MORE : CW_SERVE_DRAINED;
}

static void started(struct cw_device *dev)
{
	up(self(dev));
	cw_device_wake(dev, CW_RPMSG_QUEUE_TO_REMOTE);
}

static void reset(struct cw_device *dev, int q)
{
	(void)q; /* one queue is no channel */
	cw_rpmsg_down(self(dev)->channel);
}

static const struct cw_device_ops model = { .serve = serve, .started = started, .reset = reset };

void cw_rpmsg_device_run(struct cw_rpmsg_device *d)
{
	struct cw_rpmsg *ch = d->channel;

	cw_rpmsg_flush(ch);
	if (!cw_rpmsg_is_up(ch))
		return;
	ask_for_room(d);
	if (cw_rpmsg_deadline(ch) != UINT64_MAX && now(d) >= cw_rpmsg_deadline(ch))
		cw_device_wake(&d->dev, CW_RPMSG_QUEUE_TO_REMOTE);
}

static void put_le32(uint8_t *b, uint32_t v)
{
	struct cw_le32 w = cw_make_le32(v);

	memcpy(b, &w, sizeof(w));
}

static uint32_t fill_config(struct cw_rpmsg_device *d, uint32_t to_host, uint32_t to_remote)
{
	if (d->channel->conf.nuttx) {
		d->config.nuttx.to_host = cw_make_le32(to_host);
		d->config.nuttx.to_remote = cw_make_le32(to_remote);
		return sizeof(d->config.nuttx);
	}
	d->config.linux_.version = CW_RPMSG_CONFIG_VERSION;
	d->config.linux_.size[0] = CW_RPMSG_CONFIG_SIZE;
	put_le32(d->config.linux_.to_host, to_host);
	put_le32(d->config.linux_.to_remote, to_remote);
	return sizeof(d->config.linux_);
}

static bool wrong(uint32_t size)
{
	return size < CW_RPMSG_HEADER || size > CW_RPMSG_HEADER + UINT16_MAX;
}

int cw_rpmsg_device_init(struct cw_rpmsg_device *d, struct cw_rpmsg *ch,
			 const struct cw_rpmsg_device_ops *ops, void *ctx, uint32_t to_host,
			 uint32_t to_remote, struct cw_device_queue *queue,
			 struct cw_rpmsg_slot *tx, struct cw_rpmsg_slot *rx)
{
	memset(d, 0, sizeof(*d));
	if (wrong(to_host) || wrong(to_remote) || !tx || !rx)
		return CW_EINVAL;
	d->channel = ch;
	d->ops = ops;
	d->ctx = ctx;
	d->tx = tx;
	d->rx = rx;
	d->to_host = to_host;
	return cw_device_init(&d->dev, &model, CW_ID_RPMSG, cw_rpmsg_features(ch),
			      (const uint8_t *)&d->config, fill_config(d, to_host, to_remote),
			      queue, CW_RPMSG_DEVICE_QUEUES);
}
