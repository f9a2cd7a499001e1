// SPDX-License-Identifier: BSD-3-Clause
/* A disk: as long as nobody lied, sectors are those of the disk. */
#include "drv.h"

#include <causeway/core/bytes.h>
#include <causeway/core/err.h>
#include <causeway/device/blk.h>
#include <causeway/driver/blk.h>

#include <string.h>

/* ---- the device ---- */

#define SECTORS 16u
#define DEPTH	2u
static struct cw_blk model;
static struct cw_blk_request request[DEPTH], *todo[DEPTH];
static struct cw_part part[DEPTH][SIZE];
static uint8_t step_buf[DEPTH][CW_BLK_STEP], disk[SECTORS * 512];
static unsigned int todos;

static int read_now(void *ctx, const struct cw_part *p, unsigned int n, uint64_t offset,
		    uint32_t len)
{
	(void)ctx;
	if (drv.next_byte++ & 1)
		return CW_EAGAIN;
	for (unsigned int i = 0; i < n; offset += p[i].len, i++)
		memcpy(p[i].ptr, disk + offset, p[i].len);
	return (int)len;
}

static void start(void *ctx, struct cw_blk_request *r)
{
	(void)ctx;
	todo[todos++] = r;
}

static void collect(void *ctx)
{
	(void)ctx;
	while (todos) {
		struct cw_blk_request *r = todo[0];
		const struct cw_blk_step *s = &r->step;

		if (s->type == CW_BLK_T_IN)
			memcpy(s->buf, disk + s->offset, s->len);
		else if (s->type == CW_BLK_T_OUT)
			memcpy(disk + s->offset, s->buf, s->len);
		else if (s->type != CW_BLK_T_FLUSH)
			memset(disk + s->offset, 0, s->len);
		memmove(todo, todo + 1, --todos * sizeof(todo[0]));
		cw_blk_done(&model, r, true);
	}
}

static const struct cw_blk_ops disk_ops = { read_now, start, collect };

static struct cw_device *make(void)
{
	const struct cw_blk_geometry g = {
		.sectors = SECTORS, .block = 4096, .zeroes = true, .id = "a disk of twenty ch."
	};

	todos = 0;
	memset(request, 0, sizeof(request));
	for (unsigned int i = 0; i < DEPTH; i++) {
		request[i].part = part[i];
		request[i].buf = step_buf[i];
	}
	FZ_CHECK(!cw_blk_init(&model, &disk_ops, NULL, &g, drv.queue, request, DEPTH, SIZE));
	return &model.dev;
}

static void feed(void)
{
	cw_device_wake(&model.dev, 0);
}

/* ---- the driver ---- */

static struct cw_blk_driver driver;

static int open_driver(void)
{
	for (size_t i = 0; i < sizeof(disk); i++)
		disk[i] = (uint8_t)(i + (i >> 9) * 3);
	return cw_blk_open(&driver, &drv.mmio.transport);
}

static void use(void)
{
	uint32_t sectors = fz_u8() % 5, len = 512 * sectors;
	uint64_t sector = fz_u8() & 1 ? fz_u8() % (SECTORS + 2) : fz_u64();
	char id[CW_BLK_ID_LEN + 1];

	drv_prepare(len);
	switch (fz_u8() % 6) {
	case 0:
	case 1:
		if (!cw_blk_read(&driver, sector, sectors, drv.buffer, TIMEOUT) && !drv.lied)
			FZ_CHECK(!memcmp(drv.buffer, disk + sector * 512, len));
		drv_check_guard((int)len, len);
		break;
	case 2:
		memset(drv.buffer, fz_u8(), len);
		if (!cw_blk_write(&driver, sector, sectors, drv.buffer, TIMEOUT) && !drv.lied)
			FZ_CHECK(!memcmp(drv.buffer, disk + sector * 512, len));
		break;
	case 3:
		cw_blk_flush(&driver, TIMEOUT);
		break;
	case 4:
		if (!cw_blk_zero(&driver, sector, sectors, fz_u8() & 1, TIMEOUT) && !drv.lied)
			FZ_CHECK(!disk[sector * 512]);
		break;
	default:
		cw_blk_id(&driver, id, TIMEOUT);
		FZ_CHECK(strnlen(id, sizeof(id)) < sizeof(id));
		break;
	}
}

static void honest(void)
{
	FZ_CHECK(!cw_blk_read(&driver, 1, 4, drv.buffer, TIMEOUT) &&
		 !memcmp(drv.buffer, disk + 512, 2048));
}

const struct drv_part drv_part = { make, feed, &todos, open_driver, use, NULL, honest, false };
