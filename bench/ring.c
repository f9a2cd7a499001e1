// SPDX-License-Identifier: BSD-3-Clause
/*
 * Row 4: the full cycle of a buffer through the split ring, both roles in one thread, batches of 32,
 * EVENT_IDX on and every check made. Run under callgrind with N and 11 N rounds; the difference is
 * free of start-up. Aim: 125 instructions a buffer.
 */
#include <causeway/core/layout.h>
#include <causeway/core/ring_device.h>
#include <causeway/core/ring_driver.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BATCH 32
#define SIZE  256
#define BASE  0x10000u

static struct cw_drvq drv;
static struct cw_devq dev;
static struct cw_drvq_slot slot[SIZE];
static uint16_t own[SIZE];
static struct cw_ranges rings;

static void set_up(struct cw_window *w)
{
	uint32_t bytes = cw_ring_bytes(SIZE, 64);

	w->va_ = aligned_alloc(4096, 1 << 20);
	w->base = BASE;
	w->size = 1 << 20;
	if (!w->va_ || cw_drvq_init(&drv, w, BASE, 64, SIZE, slot, true))
		abort();
	rings.lo = rings.range[0].at = BASE;
	rings.hi = rings.range[0].end = BASE + bytes;
	rings.n = 1;
	if (cw_devq_init(&dev, w, &rings, cw_drvq_part(&drv, w, 0), cw_drvq_part(&drv, w, 1),
			 cw_drvq_part(&drv, w, 2), SIZE, own, true, true))
		abort();
}

static void batch(const struct cw_buf *buf)
{
	struct cw_part part[4];
	struct cw_chain c;
	uint32_t len;
	void *cookie;
	int got = 0;

	for (int i = 0; i < BATCH; i++)
		if (cw_drvq_add(&drv, &buf[i], 0, 1, slot))
			abort();
	cw_drvq_publish(&drv);
	while (cw_devq_pop(&dev, &c, part, 4) > 0)
		cw_devq_push(&dev, c.head, c.writable_len);
	cw_devq_publish(&dev);
	while (cw_drvq_get(&drv, &cookie, &len) > 0)
		got++;
	if (got != BATCH)
		abort();
}

int main(int argc, char **argv)
{
	long rounds = argc > 1 ? strtol(argv[1], NULL, 10) : 1000000;
	struct cw_buf buf[BATCH];
	struct timespec a, b;
	struct cw_window w;

	set_up(&w);
	for (unsigned int i = 0; i < BATCH; i++)
		buf[i] = (struct cw_buf){ BASE + 0x10000 + 2048 * i, 64 };
	clock_gettime(CLOCK_MONOTONIC, &a);
	for (long i = 0; i < rounds; i++)
		batch(buf);
	clock_gettime(CLOCK_MONOTONIC, &b);
	printf("%.2f ns a buffer\n",
	       ((double)(b.tv_sec - a.tv_sec) * 1e9 + (double)(b.tv_nsec - a.tv_nsec)) /
		       (double)(rounds * BATCH));
	return 0;
}
