// SPDX-License-Identifier: BSD-3-Clause
/* Entropy: as long as nobody lied, bytes are those that the device gave, in order. */
#include "drv.h"

#include <causeway/core/bytes.h>
#include <causeway/core/err.h>
#include <causeway/device/rng.h>
#include <causeway/driver/rng.h>

#include <string.h>

/* ---- the device ---- */

static struct cw_rng model;
static struct cw_part part[SIZE + 1];

static int fill(void *ctx, const struct cw_part *p, unsigned int n, uint32_t max)
{
	uint32_t done = 0;

	(void)ctx;
	for (unsigned int i = 0; i < n; i++)
		for (size_t b = 0; b < p[i].len && done < max; b++, done++)
			((uint8_t *)p[i].ptr)[b] = drv.next_byte++;
	return (int)done;
}

static uint64_t device_now(void *ctx)
{
	(void)ctx;
	return drv.now;
}

static const struct cw_rng_ops rng_ops = { .fill = fill, .now = device_now };

static struct cw_device *make(void)
{
	FZ_CHECK(!cw_rng_init(&model, &rng_ops, NULL, 0, drv.queue, part, SIZE));
	return &model.dev;
}

static void feed(void)
{
	cw_rng_poll(&model);
}

/* ---- the driver ---- */

static struct cw_rng_driver driver;
static uint8_t expected;

static int open_driver(void)
{
	expected = drv.next_byte;
	return cw_rng_open(&driver, &drv.mmio.transport);
}

static void use(void)
{
	uint32_t len = fz_u16() % 1024;
	int got = 0;

	drv_prepare(len);
	switch (fz_u8() % 4) {
	case 0:
		got = cw_rng_read(&driver, drv.buffer, len, TIMEOUT);
		break;
	case 1:
		cw_rng_ask(&driver, len);
		break;
	case 2:
		got = cw_rng_take(&driver, drv.buffer, len);
		break;
	default:
		cw_rng_arm(&driver);
		break;
	}
	drv_check_guard(got, len);
	for (int i = 0; i < got && !drv.lied; i++)
		FZ_CHECK(drv.buffer[i] == expected++);
}

const struct drv_part drv_part = { make, feed, NULL, open_driver, use, NULL, NULL, false };
