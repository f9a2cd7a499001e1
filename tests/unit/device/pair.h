/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A device model with its queues in private memory and a driver's ring on each of them: no link, no
 * registers, one thread. A test includes it after cmocka.h.
 */
#ifndef CAUSEWAY_TESTS_PAIR_H
#define CAUSEWAY_TESTS_PAIR_H

#include <causeway/core/err.h>
#include <causeway/core/layout.h>
#include <causeway/core/ring_driver.h>
#include <causeway/device/device.h>

#include <stdlib.h>
#include <string.h>

#define PAIR_BASE   0x70000000u
#define PAIR_LINE   64u
#define PAIR_QUEUES 18u

struct pair {
	struct cw_window win;
	unsigned char *mem;
	uint32_t used_bytes;
	unsigned int queues;
	struct cw_device *dev;
	struct cw_device_queue q[PAIR_QUEUES]; /* for the model's init, unless it brings its own */
	struct cw_drvq drv[PAIR_QUEUES];
	struct cw_drvq_slot *slot[PAIR_QUEUES];
	unsigned int told[PAIR_QUEUES]; /* notifications a queue */
	unsigned int changed;
};

/* A buffer in the memory that both sides see. */
struct pair_mem {
	cw_addr_t addr;
	unsigned char *p;
};

static struct pair *pair_of_(struct cw_device *d)
{
	return d->transport_ctx;
}

static void pair_used_(struct cw_device *d, unsigned int q, uint32_t running)
{
	(void)running;
	pair_of_(d)->told[q]++;
}

static void pair_changed_(struct cw_device *d)
{
	pair_of_(d)->changed++;
}

/* First half: memory and room for the model's queues; then comes the model's own init. */
static inline void pair_init(struct pair *p, unsigned int queues, uint16_t size, uint32_t bytes)
{
	memset(p, 0, sizeof(*p));
	p->mem = aligned_alloc(4096, bytes);
	assert_non_null(p->mem);
	memset(p->mem, 0x5a, bytes);
	p->win = (struct cw_window){ p->mem, PAIR_BASE, bytes };
	p->queues = queues;
	for (unsigned int i = 0; i < queues; i++) {
		p->q[i].num_max = size;
		p->q[i].own = calloc(size, sizeof(uint16_t));
		p->slot[i] = calloc(size, sizeof(*p->slot[i]));
	}
}

static inline void pair_free(struct pair *p)
{
	for (unsigned int i = 0; i < p->queues; i++) {
		free(p->q[i].own);
		free(p->slot[i]);
	}
	free(p->mem);
}

static inline struct pair_mem pair_alloc(struct pair *p, uint32_t bytes)
{
	struct pair_mem m = { PAIR_BASE + p->used_bytes, p->mem + p->used_bytes };

	p->used_bytes += (bytes + PAIR_LINE - 1) & ~(PAIR_LINE - 1);
	assert_true(p->used_bytes <= p->win.size);
	return m;
}

static inline void pair_queue_up(struct pair *p, unsigned int i, bool event_idx)
{
	struct cw_device_queue *q = &p->dev->queue[i];
	cw_addr_t ring = pair_alloc(p, cw_ring_bytes(q->num_max, PAIR_LINE)).addr;

	assert_int_equal(cw_drvq_init(&p->drv[i], &p->win, ring, PAIR_LINE, q->num_max, p->slot[i],
				      event_idx),
			 CW_OK);
	q->num = q->num_max;
	q->desc = cw_drvq_part(&p->drv[i], &p->win, 0);
	q->avail = cw_drvq_part(&p->drv[i], &p->win, 1);
	q->used = cw_drvq_part(&p->drv[i], &p->win, 2);
	assert_int_equal(cw_device_queue_ready(p->dev, i), CW_RESULT_OK);
}

static const struct cw_device_transport_ops pair_transport_ = { pair_used_, pair_changed_ };

/* Second half: what a driver does from reset to DRIVER_OK. */
static inline void pair_up(struct pair *p, struct cw_device *dev, uint64_t features)
{
	const uint32_t s = CW_STATUS_ACKNOWLEDGE | CW_STATUS_DRIVER;

	p->dev = dev;
	dev->window = p->win;
	dev->transport = &pair_transport_;
	dev->transport_ctx = p;
	p->used_bytes = 0;
	assert_int_equal(cw_device_set_status(dev, 0), CW_RESULT_OK);
	assert_int_equal(cw_device_set_status(dev, s), CW_RESULT_OK);
	cw_device_set_features(dev, features | CW_F_VERSION_1);
	cw_device_set_status(dev, s | CW_STATUS_FEATURES_OK);
	assert_true(dev->status & CW_STATUS_FEATURES_OK);
	for (unsigned int i = 0; i < p->queues; i++)
		pair_queue_up(p, i, features & CW_F_EVENT_IDX);
	cw_device_set_status(dev, s | CW_STATUS_FEATURES_OK | CW_STATUS_DRIVER_OK);
	assert_true(cw_device_running(dev));
}

static inline void pair_add(struct pair *p, unsigned int q, const struct cw_buf *buf,
			    unsigned int readable, unsigned int writable, void *cookie)
{
	assert_int_equal(cw_drvq_add(&p->drv[q], buf, readable, writable, cookie), CW_OK);
}

/* Publishes what was added and kicks; the device is not run. */
static inline void pair_kick(struct pair *p, unsigned int q)
{
	cw_drvq_publish(&p->drv[q]);
	cw_device_kicked(p->dev, q);
}

/* Runs the device until it would sleep; bounded, so that a model that never ends is found. */
static inline void pair_run(struct pair *p)
{
	for (unsigned int i = 0; i < 10000; i++)
		if (!cw_device_serve(p->dev) && !cw_device_arm(p->dev))
			return;
	fail_msg("the device never comes to rest");
}

static inline bool pair_get(struct pair *p, unsigned int q, void **cookie, uint32_t *len)
{
	int got = cw_drvq_get(&p->drv[q], cookie, len);

	assert_true(got >= 0);
	return got == 1;
}

/* Exactly one chain must have come back; returns its length. */
static inline uint32_t pair_take(struct pair *p, unsigned int q)
{
	uint32_t len = 0;
	void *cookie;

	assert_true(pair_get(p, q, &cookie, &len));
	return len;
}

static inline bool pair_empty(struct pair *p, unsigned int q)
{
	uint32_t len;
	void *cookie;

	return !pair_get(p, q, &cookie, &len);
}

#endif
