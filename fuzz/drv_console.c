// SPDX-License-Identifier: BSD-3-Clause
/* A console of two ports: names end, and no more is read than there is room for. */
#include "drv.h"

#include <causeway/core/bytes.h>
#include <causeway/core/err.h>
#include <causeway/device/console.h>
#include <causeway/driver/console.h>

#include <string.h>

/* ---- the device ---- */

static struct cw_console_device model;

static int console_out(void *ctx, unsigned int port, const struct cw_part *p, unsigned int n)
{
	int len = 0;

	(void)ctx;
	(void)port;
	for (unsigned int i = 0; i < n; i++)
		len += (int)p[i].len;
	return len;
}

static int console_in(void *ctx, unsigned int port, const struct cw_part *p, unsigned int n)
{
	(void)ctx;
	(void)n;
	(void)port;
	if (drv.next_byte++ % 3 == 0)
		return CW_EAGAIN;
	memset(p->ptr, 'x', p->len);
	return (int)p->len;
}

static const struct cw_console_ops console_ops = { .output = console_out, .input = console_in };

static struct cw_device *make(void)
{
	/* longer than a driver keeps */
	static const char *const name[2] = { "a port whose name has many characters", NULL };

	FZ_CHECK(!cw_console_device_init(&model, &console_ops, NULL, 80, 25, 2, name, drv.queue));
	return &model.dev;
}

static void feed(void)
{
	cw_console_device_ready(&model, drv.next_byte & 1);
	cw_console_device_connect(&model, drv.next_byte & 1, drv.next_byte & 2);
}

/* ---- the driver ---- */

static struct cw_console_driver driver;

static int open_driver(void)
{
	return cw_console_open(&driver, &drv.mmio.transport);
}

static void check_names(void)
{
	for (unsigned int p = 0; p < CW_CONSOLE_PORTS; p++) {
		const char *name = driver.port[p].name;
		size_t n = strnlen(name, sizeof(driver.port[p].name));

		FZ_CHECK(n < sizeof(driver.port[p].name));
		for (size_t i = 0; i < n; i++)
			FZ_CHECK(name[i] >= ' ' && name[i] <= '~');
	}
}

static void use(void)
{
	unsigned int p = fz_u8() % (CW_CONSOLE_PORTS + 1);
	uint32_t len = fz_u16() % 2048;

	switch (fz_u8() % 5) {
	case 0:
		cw_console_poll(&driver);
		check_names();
		break;
	case 1:
		drv_prepare(len);
		drv_check_guard(cw_console_read(&driver, p, drv.buffer, len), len);
		break;
	case 2:
		FZ_CHECK(cw_console_write(&driver, p, drv.buffer, len, fz_u8() & 1 ? TIMEOUT : 0) <=
			 (int)len);
		break;
	case 3:
		cw_console_set_open(&driver, p, fz_u8() & 1);
		break;
	default:
		cw_console_arm(&driver);
		break;
	}
}

static void step(void)
{
	cw_console_poll(&driver);
	check_names();
	drv_prepare(100);
	drv_check_guard(cw_console_read(&driver, 0, drv.buffer, 100), 100);
}

static void honest(void)
{
	FZ_CHECK(driver.port[0].name[0] == 'a');
}

const struct drv_part drv_part = { make, feed, NULL, open_driver, use, step, honest, false };
