// SPDX-License-Identifier: BSD-3-Clause
/*
 * RPMsg on a resource table.
 *
 * Theory of operation: the table in shared memory is copied and checked as a whole whenever a channel
 * begins; of the live one only the status byte is looked at afterwards, and by the host the features are
 * written. Each side may find what a dead one left: a host asks the remote to let go (FAILED and DRIVER
 * without ACKNOWLEDGE, which nobody else writes) and gives it time; a remote that finds used rings that
 * are not as a host makes them knows that a former life of its own has had them, and asks for a reset. It may
 * have taken messages without giving one back, so before it takes any it leaves a mark, in the word of the used
 * ring that has no meaning with the features in use. A mark that has gone is a host that began anew unseen.
 */
#include <causeway/core/bytes.h>
#include <causeway/core/err.h>
#include <causeway/core/gate.h>
#include <causeway/core/rpmsg_classic.h>
#include <causeway/core/rsctable.h>
#include <causeway/core/shm.h>
#include <causeway/abi/region.h>
#include <causeway/abi/virtio.h>

#define LET_GO	  (CW_STATUS_FAILED | CW_STATUS_DRIVER)
#define GFEATURES 16u
#define STATUS	  24u
#define TAKEN	  0x8000u

/* c->state */
enum { REMOTE_IDLE, REMOTE_ASKED, REMOTE_UP, HOST_IDLE, HOST_RESETTING, HOST_UP };

/* What a private copy of the table says. */
struct device {
	uint8_t bytes[CW_RPMSG_TABLE_MAX];
	struct cw_rsc_vdev vdev;
	struct cw_rsc_vring vring[2];
	const uint8_t *config;
	struct {
		cw_addr_t desc, avail, used, end;
	} at[2];
};

static uint8_t status(const struct cw_rpmsg_classic *c)
{
	uint8_t s;

	cw_copy_in(&s, c->live + STATUS, 1);
	cw_rmb();
	return s;
}

static void set_status(struct cw_rpmsg_classic *c, uint32_t value)
{
	uint8_t s = (uint8_t)value;

	cw_wmb();
	cw_copy_out(c->live + STATUS, &s, 1);
	cw_doorbell_mb();
	c->ops->kick(c->ctx, c->notifyid);
}

static bool wants_to_let_go(uint8_t s)
{
	return (s & LET_GO) == LET_GO && !(s & CW_STATUS_ACKNOWLEDGE);
}

/* ---- the table ---- */

static bool place_ring(const struct cw_rpmsg_classic *c, struct device *d, unsigned int i)
{
	const struct cw_rsc_vring *r = &d->vring[i];
	cw_addr_t used;

	if (r->num < 2 || r->num > c->memory.max || r->num & (r->num - 1) || r->align < 4 ||
	    r->align & (r->align - 1) || r->da % CW_DESC_ALIGN)
		return false;
	d->at[i].desc = r->da;
	d->at[i].avail = r->da + CW_RING_DESC_BYTES(r->num);
	used = d->at[i].avail + CW_RING_AVAIL_BYTES(r->num);
	d->at[i].used = (used + r->align - 1) & ~((cw_addr_t)r->align - 1);
	d->at[i].end = d->at[i].used + CW_RING_USED_BYTES(r->num);
	return d->at[i].end - r->da <= c->window.size &&
	       cw_window_ptr(&c->window, r->da, (uint32_t)(d->at[i].end - r->da));
}

static bool apart(const struct cw_rpmsg_classic *c, const struct device *d)
{
	cw_addr_t table = cw_window_addr(&c->window, c->table), end = table + c->table_size;

	for (unsigned int i = 0; i < 2; i++)
		if (d->at[i].desc < end && table < d->at[i].end)
			return false;
	return d->at[0].end <= d->at[1].desc || d->at[1].end <= d->at[0].desc;
}

/* Finds the device; what it says of rings may not be there yet. */
static bool read_table(struct cw_rpmsg_classic *c, struct device *d)
{
	struct cw_rsctable t;
	unsigned int i = 0;

	cw_copy_in(d->bytes, c->table, c->table_size);
	if (cw_rsctable_open(&t, d->bytes, c->table_size, NULL))
		return false;
	while (i < t.entries && (!cw_rsctable_vdev(&t, i, &d->vdev) || d->vdev.id != CW_ID_RPMSG))
		i++;
	if (i == t.entries || d->vdev.vrings != 2)
		return false;
	for (unsigned int k = 0; k < 2; k++)
		if (!cw_rsctable_vring(&t, i, k, &d->vring[k]))
			return false;
	d->config = d->bytes + d->vdev.config;
	c->live = (uint8_t *)(uintptr_t)c->table + d->vdev.config - 68; /* two vrings before it */
	c->notifyid = d->vdev.notifyid;
	c->vring_id[0] = d->vring[0].notifyid;
	c->vring_id[1] = d->vring[1].notifyid;
	return !((uintptr_t)c->live & 3u);
}

static bool read_rings(struct cw_rpmsg_classic *c, struct device *d)
{
	if (!place_ring(c, d, 0) || !place_ring(c, d, 1) || !apart(c, d))
		return false;
	c->rings.n = 2;
	for (unsigned int i = 0; i < 2; i++) {
		c->rings.range[i].at = d->at[i].desc;
		c->rings.range[i].end = d->at[i].end;
	}
	/* The table is no buffer either. */
	c->rings.range[2].at = cw_window_addr(&c->window, c->table);
	c->rings.range[2].end = c->rings.range[2].at + c->table_size;
	c->rings.n = 3;
	c->rings.lo = UINT64_MAX;
	c->rings.hi = 0;
	for (unsigned int i = 0; i < 3; i++) {
		if (c->rings.range[i].at < c->rings.lo)
			c->rings.lo = c->rings.range[i].at;
		if (c->rings.range[i].end > c->rings.hi)
			c->rings.hi = c->rings.range[i].end;
	}
	return true;
}

/* ---- what the queues ask for ---- */

static void notify(void *ctx, unsigned int q, uint32_t running)
{
	struct cw_rpmsg_classic *c = ctx;

	(void)running;
	cw_doorbell_mb();
	c->ops->kick(c->ctx, c->vring_id[q]);
}

static struct cw_le16 *mark(const struct cw_devq *q)
{
	return q->event_idx ? &q->used->flags : (struct cw_le16 *)(void *)&q->used->ring[q->size];
}

static int check(void *ctx)
{
	const struct cw_rpmsg_classic *c = ctx;
	uint8_t s = status(c);

	if (!(s & CW_STATUS_DRIVER_OK) || s & (CW_STATUS_NEEDS_RESET | CW_STATUS_FAILED))
		return CW_ERESET;
	return c->state != REMOTE_UP || cw_load16(mark(&c->dev[0])) == TAKEN ? CW_OK : CW_ERESET;
}

static uint64_t now(void *ctx)
{
	const struct cw_rpmsg_classic *c = ctx;

	return c->ops->now(c->ctx);
}

static int wait(void *ctx, uint64_t deadline)
{
	struct cw_rpmsg_classic *c = ctx;
	int err = c->ops->wait(c->ctx, deadline);

	return err ? err : check(c);
}

static const struct cw_rpmsg_transport transport = { notify, check, now, wait };
static const struct cw_rpmsg_transport no_waiting = { notify, check, now, NULL };

static const struct cw_rpmsg_transport *transport_of(const struct cw_rpmsg_classic *c)
{
	return c->ops->wait ? &transport : &no_waiting;
}

/* ---- the host ---- */

static bool make_pools(const struct cw_rpmsg_classic *c, const struct device *d,
		       struct cw_rpmsg_pool pool[2], const uint32_t size[2])
{
	cw_addr_t at = (c->buffers + 3) & ~(cw_addr_t)3;
	uint32_t pad = (uint32_t)(at - c->buffers), room, most;

	if (pad >= c->buffers_size)
		return false;
	room = c->buffers_size - pad;
	for (unsigned int i = 0; i < 2; i++) {
		pool[i].size = size[i];
		pool[i].stride = (size[i] + 3) & ~3u;
	}
	most = cw_rpmsg_fit(room, pool[0].stride, pool[1].stride);
	for (unsigned int i = 0; i < 2; i++) {
		pool[i].n = (uint16_t)(most < d->vring[i].num ? most : d->vring[i].num);
		pool[i].addr = at;
		pool[i].p = cw_window_ptr(&c->window, at, pool[i].n * pool[i].stride);
		at += pool[i].n * pool[i].stride;
	}
	/* Buffers beside the rings, or nothing is as it seems. */
	for (unsigned int i = 0; i < c->rings.n; i++)
		if (c->buffers < c->rings.range[i].end && c->rings.range[i].at < at)
			return false;
	return true;
}

static int begin_host(struct cw_rpmsg_classic *c)
{
	struct cw_rpmsg_pool pool[2];
	uint32_t size[2];
	uint64_t features;
	struct device d;

	if (!read_table(c, &d) || !read_rings(c, &d))
		return CW_EINVAL;
	features = d.vdev.dfeatures & (cw_rpmsg_features(c->channel) | CW_F_EVENT_IDX);
	if (cw_rpmsg_sizes(c->channel, features, d.config, d.vdev.config_len, c->buffers_size,
			   size) ||
	    !make_pools(c, &d, pool, size))
		return CW_EINVAL;
	set_status(c, CW_STATUS_ACKNOWLEDGE | CW_STATUS_DRIVER);
	for (unsigned int i = 0; i < 2; i++)
		if (cw_drvq_init_at(&c->drv[i], &c->window, d.at[i].desc, d.at[i].avail,
				    d.at[i].used, (uint16_t)d.vring[i].num, c->memory.slot[i],
				    features & CW_F_EVENT_IDX))
			return CW_EINVAL;
	if (cw_rpmsg_host_init(&c->host, &c->drv[0], &c->drv[1], &pool[0], &pool[1], c->memory.rx,
			       c->memory.tx))
		return CW_EINVAL;
	c->host.q.transport = transport_of(c);
	c->host.q.ctx = c;
	cw_store32((struct cw_le32 *)(void *)(c->live + GFEATURES), (uint32_t)features);
	set_status(c, CW_STATUS_ACKNOWLEDGE | CW_STATUS_DRIVER | CW_STATUS_DRIVER_OK);
	notify(c, CW_RPMSG_QUEUE_TO_HOST, 0);
	c->state = HOST_UP;
	cw_rpmsg_up(c->channel, &c->host.q, features);
	return CW_OK;
}

static int look_host(struct cw_rpmsg_classic *c)
{
	struct device d;
	uint8_t s;

	if (c->state == HOST_UP)
		return check(c);
	if (!read_table(c, &d))
		return CW_EINVAL;
	s = status(c);
	if (s && c->state == HOST_IDLE) {
		c->state = HOST_RESETTING;
		c->reset_by = now(c) + CW_RPMSG_RESET_US;
		set_status(c, LET_GO);
		return CW_EDOWN;
	}
	if (s && now(c) < c->reset_by)
		return CW_EDOWN;
	if (s)
		set_status(c, 0); /* it does not know how, or is not there */
	c->state = HOST_IDLE;
	return begin_host(c);
}

/* ---- the remote ---- */

/* A host zeroes used rings; what only a remote writes there tells of one. */
static bool stale(const struct device *d, const struct cw_rpmsg_classic *c)
{
	for (unsigned int i = 0; i < 2; i++) {
		uint32_t num = d->vring[i].num;
		const struct cw_abi_used *used =
			cw_window_ptr(&c->window, d->at[i].used, CW_RING_USED_BYTES(num));

		if (cw_load16(&used->idx) || cw_load16(&used->flags) ||
		    cw_load16((const struct cw_le16 *)(const void *)&used->ring[num]))
			return true;
	}
	return false;
}

static int begin_remote(struct cw_rpmsg_classic *c)
{
	uint32_t size[2];
	struct device d;
	bool event_idx;

	if (!read_table(c, &d) || !read_rings(c, &d) || stale(&d, c) ||
	    d.vdev.gfeatures & ~d.vdev.dfeatures ||
	    cw_rpmsg_sizes(c->channel, d.vdev.gfeatures, d.config, d.vdev.config_len, UINT32_MAX,
			   size))
		return CW_EINVAL;
	event_idx = d.vdev.gfeatures & CW_F_EVENT_IDX;
	for (unsigned int i = 0; i < 2; i++)
		if (cw_devq_init(&c->dev[i], &c->window, &c->rings, d.at[i].desc, d.at[i].avail,
				 d.at[i].used, (uint16_t)d.vring[i].num, c->memory.own[i],
				 event_idx, false))
			return CW_EINVAL;
	cw_store16(mark(&c->dev[0]), TAKEN);
	cw_wmb();
	cw_rpmsg_remote_init(&c->remote, &c->dev[0], &c->dev[1], c->memory.tx, c->memory.rx,
			     size[0]);
	c->remote.q.transport = transport_of(c);
	c->remote.q.ctx = c;
	c->state = REMOTE_UP;
	cw_rpmsg_up(c->channel, &c->remote.q, d.vdev.gfeatures);
	return CW_OK;
}

/* Rings or table are not to be trusted: whoever made them is to make them anew. */
static void ask(struct cw_rpmsg_classic *c)
{
	c->state = REMOTE_ASKED;
	set_status(c, status(c) | CW_STATUS_NEEDS_RESET);
}

static int look_remote(struct cw_rpmsg_classic *c)
{
	struct device d;
	uint8_t s;

	if (c->state != REMOTE_UP && !read_table(c, &d))
		return CW_EINVAL;
	s = status(c);
	if (c->state == REMOTE_UP && check(c) == CW_OK)
		return CW_OK;
	if (c->state == REMOTE_UP) {
		cw_rpmsg_down(c->channel); /* no ring is touched after this */
		c->state = REMOTE_IDLE;
		if (wants_to_let_go(s))
			set_status(c, 0);
		return CW_ERESET;
	}
	/* Whoever took our bit away began anew, however short the time in between. */
	if (c->state == REMOTE_ASKED && !(s & CW_STATUS_NEEDS_RESET))
		c->state = REMOTE_IDLE;
	if (wants_to_let_go(s)) {
		c->state = REMOTE_IDLE;
		set_status(c, 0);
	} else if (!(s & CW_STATUS_DRIVER_OK)) {
		c->state = REMOTE_IDLE;
	} else if (c->state == REMOTE_IDLE && s & CW_STATUS_NEEDS_RESET) {
		set_status(c, 0); /* a former life's, or OpenAMP's way to say it */
	} else if (c->state == REMOTE_IDLE && !(s & CW_STATUS_FAILED)) {
		int err = begin_remote(c);

		if (err)
			ask(c);
		return err;
	}
	return CW_EDOWN;
}

/* ---- both ---- */

static bool is_host(const struct cw_rpmsg_classic *c)
{
	return c->state >= HOST_IDLE;
}

static void over(struct cw_rpmsg_classic *c, int err)
{
	cw_rpmsg_down(c->channel);
	if (is_host(c))
		c->state = HOST_IDLE;
	else if (err == CW_EPEER)
		ask(c);
}

int cw_rpmsg_classic_poll(struct cw_rpmsg_classic *c, unsigned int budget)
{
	int err = is_host(c) ? look_host(c) : look_remote(c);

	if (err == CW_EINVAL) {
		c->refused++;
		return CW_EDOWN;
	}
	if (!err)
		err = cw_rpmsg_poll(c->channel, budget);
	if (err < 0 && err != CW_EDOWN && err != CW_EBUSY)
		over(c, err);
	else if (err == CW_EDOWN && (c->state == HOST_UP || c->state == REMOTE_UP))
		over(c, CW_EPEER); /* it went down in a call of the application's */
	return err;
}

uint64_t cw_rpmsg_classic_deadline(const struct cw_rpmsg_classic *c)
{
	return c->state == HOST_RESETTING ? c->reset_by : cw_rpmsg_deadline(c->channel);
}

int cw_rpmsg_classic_init(struct cw_rpmsg_classic *c, struct cw_rpmsg *ch,
			  const struct cw_window *window, cw_addr_t table, uint32_t table_size,
			  const struct cw_rpmsg_classic_memory *memory,
			  const struct cw_rpmsg_classic_ops *ops, void *ctx)
{
	memset(c, 0, sizeof(*c));
	if (!memory->max || memory->max > CW_QUEUE_SIZE_MAX || !memory->rx || !memory->tx ||
	    !ops->kick || !ops->now || table_size > CW_RPMSG_TABLE_MAX || table % 4)
		return CW_EINVAL;
	c->channel = ch;
	c->window = *window;
	c->memory = *memory;
	c->ops = ops;
	c->ctx = ctx;
	c->table = cw_window_ptr(window, table, table_size);
	c->table_size = table_size;
	c->state = REMOTE_IDLE;
	return c->table ? CW_OK : CW_EBADADDR;
}

int cw_rpmsg_classic_host(struct cw_rpmsg_classic *c, cw_addr_t buffers, uint32_t size)
{
	if (!cw_window_ptr(&c->window, buffers, size))
		return CW_EBADADDR;
	c->buffers = buffers;
	c->buffers_size = size;
	c->state = HOST_IDLE;
	return CW_OK;
}
