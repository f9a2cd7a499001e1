// SPDX-License-Identifier: BSD-3-Clause
/*
 * Entropy workload: reads of many sizes. The PMM's source gives words that are never the same twice
 * and carry a check of themselves, so the remote can tell a byte that arrived from any other.
 */
#include "fault.h"

#include <string.h>

#include <causeway/core/err.h>
#include <causeway/device/rng.h>
#include <causeway/driver/mmio.h>
#include <causeway/driver/rng.h>

#define READS 12
#define QUEUE 8

/* The world outside: it survives both sides. */
static uint32_t given;		    /* words the source gave so far */
static uint32_t newest, reads_done; /* newest word that the remote accepted */

static uint32_t word(uint32_t n)
{
	uint32_t h = n * 2654435761u;

	return n << 12 | (h >> 20); /* 20 bits of number, 12 bits of check */
}

/* PMM */
static struct cw_rng model;
static struct cw_part part[QUEUE];

static int fill(void *ctx, const struct cw_part *p, unsigned int n, uint32_t max)
{
	uint32_t len = (uint32_t)p->len < max ? (uint32_t)p->len : max, buf[64];

	(void)ctx;
	(void)n;
	len &= ~3u;
	for (uint32_t i = 0; i < len / 4; i++)
		buf[i] = word(++given);
	kernel_write(p->ptr, buf, len);
	return (int)len;
}

static uint64_t model_now(void *ctx)
{
	(void)ctx;
	return world_now();
}

static const struct cw_rng_ops source = { .fill = fill, .now = model_now };

static struct cw_device *pmm_init(struct cw_device_queue *queue)
{
	return cw_rng_init(&model, &source, NULL, 0, queue, part, QUEUE) ? NULL : &model.dev;
}

static bool pmm_pass(struct cw_device_bus *bus)
{
	(void)bus;
	return cw_rng_poll(&model);
}

static void pmm_forget(void)
{
	memset(&model, 0xa5, sizeof(model));
}

/* Remote */
static struct cw_mmio mmio;
static struct cw_rng_driver driver;
static bool open;

static bool reopen(void)
{
	if (!remote_up())
		return false;
	if (open && !cw_vdev_check(&driver.vdev))
		return true;
	open = false;
	if (cw_mmio_init(&mmio, &remote_bus, 0) || cw_mmio_open(&mmio))
		return false;
	open = !cw_rng_open(&driver, &mmio.transport);
	if (mmio.dead)
		cw_bus_start(&remote_bus);
	return open;
}

static void check(const uint32_t *buf, uint32_t words)
{
	for (uint32_t i = 0; i < words; i++) {
		uint32_t n = buf[i] >> 12;

		if (buf[i] != word(n) || !n)
			broken("bytes that no source gave");
		else if (n <= newest || n > given)
			broken("entropy given twice, or before it was made");
		newest = n;
	}
}

static void remote(void)
{
	uint32_t buf[64];

	while (reads_done < READS && !world_over()) {
		uint32_t words = 1 + reads_done * 5 % 60;
		int got;

		if (!reopen()) {
			cw_bus_wait(&remote_bus, world_now() + 100);
			continue;
		}
		got = cw_rng_read(&driver, buf, 4 * words, 500000);
		if (got > 0)
			check(buf, (uint32_t)got / 4);
		if (got > (int)(4 * words))
			broken("more bytes than were asked for");
		if (got == (int)(4 * words))
			reads_done++;
		else if (got != CW_ERESET && got != CW_ETIMEDOUT && got < 0)
			broken(cw_strerror(got));
	}
}

static void remote_forget(void)
{
	memset(&mmio, 0xa5, sizeof(mmio));
	memset(&driver, 0xa5, sizeof(driver));
	open = false;
}

static const struct linked parts = { .device = { .name = "rng0",
						 .id = CW_ID_RNG,
						 .queues = 1,
						 .queue_size = QUEUE,
						 .size = 0x4000 },
				     .pmm_init = pmm_init,
				     .pmm_pass = pmm_pass };

static void begin(void)
{
	linked_use(&parts);
	given = newest = reads_done = 0;
}

static const char *end(void)
{
	return reads_done == READS ? NULL : "not all reads were answered";
}

const struct workload rng_workload = {
	.name = "rng",
	.machine = &linked_machine,
	.remote = remote,
	.pmm_forget = pmm_forget,
	.remote_forget = remote_forget,
	.begin = begin,
	.end = end,
};
