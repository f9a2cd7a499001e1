// SPDX-License-Identifier: BSD-3-Clause
/*
 * Entropy device.
 *
 * Theory of operation: one request at a time is taken, cut to what may be given, and the source
 * stores straight into the driver's buffers. used.len is what the source says it stored. A request
 * that cannot be answered yet is kept, the queue parks, and cw_rng_poll() goes on with it later.
 *
 * The rate is a bucket of byte-microseconds that holds a tenth of a second; there is no division,
 * as a 64-bit one would need a run-time library on small processors.
 */
#include <causeway/core/err.h>
#include <causeway/core/gate.h>
#include <causeway/device/rng.h>

#define US 1000000u

static struct cw_rng *self(struct cw_device *d)
{
	return (struct cw_rng *)(void *)d;
}

static uint32_t burst(const struct cw_rng *r)
{
	return r->rate < 10 ? 1 : r->rate / 10;
}

static void pay(struct cw_rng *r)
{
	uint64_t now = r->ops->now(r->ctx), passed = now - r->paid;
	uint64_t full = (uint64_t)burst(r) * US;

	r->paid = now;
	r->credit += (passed < US ? passed : US) * r->rate;
	if (r->credit > full)
		r->credit = full;
}

/* How many of @want bytes may be given now; 0: wait. */
static uint32_t allowed(struct cw_rng *r, uint32_t want)
{
	if (!r->rate)
		return want;
	if (want > burst(r))
		want = burst(r);
	pay(r);
	return r->credit >= (uint64_t)want * US ? want : 0;
}

static int park(struct cw_rng *r)
{
	r->retry = r->ops->now(r->ctx) + CW_RNG_RETRY_US;
	return CW_SERVE_PARKED;
}

/* Answers r->chain; returns the bytes given, 0 when it has to wait, or CW_E*. */
static int answer(struct cw_rng *r)
{
	struct cw_chain *c = &r->chain;
	uint32_t want = c->writable_len, max;
	int n;

	if (want > CW_RNG_REQUEST_MAX) {
		want = CW_RNG_REQUEST_MAX;
		r->count.capped++;
	}
	max = allowed(r, want);
	if (!max) {
		r->count.throttled++;
		return 0;
	}
	n = r->ops->fill(r->ctx, c->part + c->readable, c->writable, max);
	if (n <= 0 || (uint32_t)n > max) {
		r->count.errors += n != CW_EAGAIN;
		return 0;
	}
	if (r->rate)
		r->credit -= (uint64_t)n * US;
	return n;
}

/* Takes the next request; 1, 0 when there is none, or CW_E*. */
static int take(struct cw_rng *r)
{
	struct cw_devq *ring = &r->dev.queue[0].ring;
	int got = cw_devq_pop(ring, &r->chain, r->part, r->parts);

	if (got <= 0)
		return got;
	r->count.requests++;
	r->count.strange += r->chain.readable != 0;
	if (r->chain.writable)
		return 1;
	/* Nothing can be answered: give it back, so that the driver sees which one, then fault. */
	r->count.strange++;
	cw_devq_push(ring, r->chain.head, 0);
	return CW_EBADCHAIN;
}

static int serve_one(struct cw_rng *r, uint32_t *bytes)
{
	int got;

	if (!r->waiting) {
		got = take(r);
		if (got <= 0)
			return got;
		r->waiting = true;
	}
	got = answer(r);
	if (!got)
		return park(r);
	cw_devq_push(&r->dev.queue[0].ring, r->chain.head, (uint32_t)got);
	r->waiting = false;
	r->count.bytes += (uint32_t)got;
	*bytes += (uint32_t)got;
	return CW_SERVE_MORE;
}

static int serve(struct cw_device *d, unsigned int q)
{
	struct cw_rng *r = self(d);
	uint32_t bytes = 0;
	int ret = CW_SERVE_MORE;

	r->retry = CW_RNG_NEVER;
	for (unsigned int i = 0; i < CW_SERVE_BUDGET && bytes < CW_RNG_PASS_MAX; i++) {
		ret = serve_one(r, &bytes);
		if (ret != CW_SERVE_MORE)
			break;
	}
	cw_device_publish(d, q);
	return ret;
}

static void reset(struct cw_device *d, int q)
{
	struct cw_rng *r = self(d);

	(void)q;
	r->waiting = false;
	r->retry = CW_RNG_NEVER;
}

static const struct cw_device_ops ops = { .serve = serve, .reset = reset };

int cw_rng_init(struct cw_rng *r, const struct cw_rng_ops *source, void *ctx, uint32_t rate,
		struct cw_device_queue *queue, struct cw_part *part, unsigned int parts)
{
	memset(r, 0, sizeof(*r));
	if (!source || !source->fill || !source->now || !parts)
		return CW_EINVAL;
	r->ops = source;
	r->ctx = ctx;
	r->rate = rate;
	r->part = part;
	r->parts = parts;
	r->retry = CW_RNG_NEVER;
	if (rate) {
		r->credit = (uint64_t)burst(r) * US;
		r->paid = source->now(ctx);
	}
	return cw_device_init(&r->dev, &ops, CW_ID_RNG, 0, NULL, 0, queue, 1);
}

bool cw_rng_poll(struct cw_rng *r)
{
	if (!r->waiting || r->ops->now(r->ctx) < r->retry)
		return false;
	cw_device_wake(&r->dev, 0);
	return true;
}
