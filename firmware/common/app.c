// SPDX-License-Identifier: BSD-3-Clause
/*
 * The frame of an example firmware.
 *
 * Theory of operation: everything runs in one loop. A link that ended takes all open devices with it;
 * when the next one is up they are opened again and whoever uses them goes on: IP addresses, open
 * connections and the shell's line live above the drivers and survive.
 */
#include "app.h"

#include <causeway/core/err.h>
#include <causeway/core/shm.h>
#include <causeway/port/layout_fdt.h>

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define FRAGMENT_MAX 16384u

struct app app;

static struct cw_layout fdt_layout;
static struct cw_layout_device fdt_device[CW_DEVICES_MAX];
static struct cw_link_slot slots[CW_SLOTS_MAX];

void say(const char *fmt, ...)
{
	char line[256];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	if (n > 0)
		cw_machine_uart(line, (size_t)n < sizeof(line) ? (size_t)n : sizeof(line) - 1);
}

uint64_t app_now(void)
{
	return app.machine->port->now(app.machine->port->ctx);
}

static int layout_from_fragment(void)
{
	static uint32_t copy[FRAGMENT_MAX / 4];
	uint32_t size = app.machine->region_size < FRAGMENT_MAX ? (uint32_t)app.machine->region_size
								: FRAGMENT_MAX;
	const char *why;
	int err;

	cw_copy_in(copy, app.machine->region, size);
	err = cw_layout_from_fdt(&fdt_layout, fdt_device, CW_DEVICES_MAX, copy, size, &why);
	if (err)
		say("no layout: %s\n", why);
	app.layout = &fdt_layout;
	return err;
}

static void bind(struct app_device *d, uint32_t id)
{
	d->index = cw_layout_find(app.layout, id, 0);
	d->open = false;
	if (d->index >= 0)
		cw_mmio_init(&d->mmio, &app.bus, (unsigned int)d->index);
}

int app_init(const struct cw_layout *layout)
{
	int err = CW_OK;

	app.machine = cw_machine_init();
	if (!app.machine)
		return CW_ENODEV;
	app.layout = layout;
	if (!layout)
		err = layout_from_fragment();
	if (!err && app.layout->size > app.machine->region_size)
		err = CW_ENOSPC;
	err = err ? err
		  : cw_bus_init(&app.bus, app.layout, app.machine->region, slots,
				app.machine->port);
	if (err) {
		say("cannot use the region: %s\n", cw_strerror(err));
		return err;
	}
	bind(&app.rng_at, CW_ID_RNG);
	bind(&app.net_at, CW_ID_NET);
	bind(&app.console_at, CW_ID_CONSOLE);
	return cw_bus_start(&app.bus);
}

void app_wait_link(void)
{
	bool said = false;
	int err;

	while ((err = cw_bus_wait_up(&app.bus, 1000000))) {
		if (!said)
			say("waiting for the PMM (%s)\n", cw_strerror(err));
		said = true;
	}
	app.links++;
}

/* Opens a device's channel; false: there is none, or it must be tried again. */
static bool channel(struct app_device *d)
{
	return d->index >= 0 && cw_bus_up(&app.bus) && !cw_mmio_open(&d->mmio);
}

static bool opened(struct app_device *d, const char *what, int err)
{
	d->open = !err;
	if (err && err != CW_ERESET)
		say("%s: %s\n", what, cw_strerror(err));
	return d->open;
}

bool app_open_rng(void)
{
	struct app_device *d = &app.rng_at;

	return d->open ||
	       (channel(d) && opened(d, "entropy", cw_rng_open(&app.rng, &d->mmio.transport)));
}

bool app_open_net(void)
{
	struct app_device *d = &app.net_at;

	return d->open ||
	       (channel(d) &&
		opened(d, "network", cw_net_open(&app.net, &d->mmio.transport, CW_NET_WANT_MERGE)));
}

bool app_open_console(void)
{
	struct app_device *d = &app.console_at;

	return d->open || (channel(d) &&
			   opened(d, "console", cw_console_open(&app.console, &d->mmio.transport)));
}

static void check(struct app_device *d, int err)
{
	if (d->open && err)
		d->open = false;
}

/* A request that was never answered may still be: only a new life makes that harmless. */
static void renew(const struct app_device *d)
{
	if (d->index >= 0 && d->mmio.dead && d->mmio.life == app.bus.life && cw_bus_up(&app.bus))
		cw_bus_start(&app.bus);
}

void app_poll_link(void)
{
	bool rng = app.rng_at.open, net = app.net_at.open, console = app.console_at.open;
	enum cw_link_event event = cw_bus_poll(&app.bus);

	if (event == CW_LINK_WENT_DOWN)
		event = cw_bus_poll(&app.bus);
	renew(&app.rng_at);
	renew(&app.net_at);
	renew(&app.console_at);
	if (rng)
		check(&app.rng_at, cw_vdev_check(&app.rng.vdev));
	if (net)
		check(&app.net_at, cw_net_poll(&app.net));
	if (console)
		check(&app.console_at, cw_console_poll(&app.console));
	if (app.links != app.bus.life) {
		app.links = app.bus.life;
		say("link is up again (%u)\n", (unsigned int)app.links);
	}
	if (!cw_bus_up(&app.bus))
		return;
	/* What this firmware once opened, it wants open. */
	if (app.rng.vdev.t && !app.rng_at.open)
		app_open_rng();
	if (app.net.vdev.t && !app.net_at.open)
		app_open_net();
	if (app.console.vdev.t && !app.console_at.open)
		app_open_console();
}

void app_sleep(uint64_t deadline)
{
	bool news = false;

	if (app.net_at.open)
		news |= cw_net_arm(&app.net);
	if (app.console_at.open)
		news |= cw_console_arm(&app.console);
	if (news)
		return;
	cw_bus_wait(&app.bus, deadline);
}
