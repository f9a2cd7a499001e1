// SPDX-License-Identifier: BSD-3-Clause
/*
 * The frame of an example firmware.
 *
 * Theory of operation: everything runs in one loop. How devices are reached is another file's
 * (reach.h). A link that ended takes all open devices with it; when the next one is up they are opened again and whoever uses them goes on: IP addresses, open
 * connections and the shell's line live above the drivers and survive. A device that does not open is
 * tried again after 10, 20 ... 1000 ms, so one that is broken costs little and blocks nobody.
 */
#include "app.h"
#include "reach.h"

#include <causeway/core/err.h>

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define PAUSE_MIN_US 10000u
#define PAUSE_MAX_US 1000000u
#define FILES_US     5000000u /* for the file server to say that it is there */
/* How long a remote with a processor to itself looks for more before it sleeps. */
#define SPIN_US	     50u

struct app app;

static uint64_t last_news;

static int rng_open(struct cw_transport *t)
{
	return cw_rng_open(&app.rng, t);
}

static int rng_poll(void)
{
	return cw_vdev_check(&app.rng.vdev);
}

static int net_open(struct cw_transport *t)
{
	return cw_net_open(&app.net, t, CW_NET_WANT_MERGE | CW_NET_WANT_CSUM);
}

static int net_poll(void)
{
	return cw_net_poll(&app.net);
}

static bool net_arm(void)
{
	return cw_net_arm(&app.net);
}

static int console_open(struct cw_transport *t)
{
	return cw_console_open(&app.console, t);
}

static int console_poll(void)
{
	return cw_console_poll(&app.console);
}

static bool console_arm(void)
{
	return cw_console_arm(&app.console);
}

static int blk_open(struct cw_transport *t)
{
	return cw_blk_open(&app.blk, t);
}

static int blk_poll(void)
{
	return cw_vdev_check(&app.blk.vdev);
}

static int vsock_open(struct cw_transport *t)
{
	return app.sockets ? cw_vsock_open(&app.vsock, t, app.sockets) : CW_ENOSPC;
}

static int vsock_poll(void)
{
	return cw_vsock_poll(&app.vsock);
}

static bool vsock_arm(void)
{
	return cw_vsock_arm(&app.vsock);
}

static int files_open(struct cw_transport *t)
{
	return cw_9p_open(&app.files, t, FILES_US);
}

static int files_check(void)
{
	return cw_vdev_check(&app.files.vdev);
}

static int messages_open(struct cw_transport *t)
{
	return app.messages ? app.messages->open(t) : CW_ENOSPC;
}

static int messages_look(void)
{
	return app.messages->poll();
}

static bool messages_arm(void)
{
	return app.messages->arm();
}

static const struct {
	uint32_t id;
	const char *name;
	int (*open)(struct cw_transport *t);
	int (*poll)(void);
	bool (*arm)(void); /* NULL: nothing comes unasked */
} kinds[APP_KINDS] = {
	[APP_RNG] = { CW_ID_RNG, "entropy", rng_open, rng_poll, NULL },
	[APP_NET] = { CW_ID_NET, "network", net_open, net_poll, net_arm },
	[APP_CONSOLE] = { CW_ID_CONSOLE, "console", console_open, console_poll, console_arm },
	[APP_BLK] = { CW_ID_BLK, "disk", blk_open, blk_poll, NULL },
	[APP_9P] = { CW_ID_9P, "files", files_open, files_check, NULL },
	[APP_VSOCK] = { CW_ID_VSOCK, "sockets", vsock_open, vsock_poll, vsock_arm },
	[APP_RPMSG] = { CW_ID_RPMSG, "messages", messages_open, messages_look, messages_arm },
};

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

int app_init(void)
{
	int err = reach_machine();

	if (err)
		return err;
	app.started = app_now();
	err = reach_init();
	for (int k = 0; !err && k < APP_KINDS; k++)
		app.device[k].index = cw_layout_find(app.layout, kinds[k].id, 0);
	return err;
}

static void try_later(struct app_device *d)
{
	d->retry = app_now() + d->pause;
	d->pause = d->pause * 2 < PAUSE_MAX_US ? d->pause * 2 : PAUSE_MAX_US;
}

/* Says what is wrong with a device, once while it stays the same. */
static void complain(enum app_kind kind, int err)
{
	struct app_device *d = &app.device[kind];

	if (err && err != CW_ERESET && err != CW_EDOWN && err != d->said)
		say("%s: %s\n", kinds[kind].name, cw_strerror(err));
	d->said = err;
}

static void open_device(enum app_kind kind)
{
	struct app_device *d = &app.device[kind];
	struct cw_transport *t;
	int err = reach_open(kind, &t);

	err = err ? err : kinds[kind].open(t);
	d->open = !err;
	d->opens += d->open;
	complain(kind, err);
	if (err)
		try_later(d);
	else
		d->pause = PAUSE_MIN_US;
}

static void poll_device(enum app_kind kind)
{
	struct app_device *d = &app.device[kind];
	int err = d->open ? kinds[kind].poll() : CW_OK;

	if (err) {
		d->open = false;
		complain(kind, err);
	}
	reach_check(kind);
	if (!d->open && reach_up() && app_now() >= d->retry)
		open_device(kind);
}

void app_poll(void)
{
	uint32_t links = app.links;

	reach_poll();
	for (int k = 0; links != app.links && k < APP_KINDS; k++) {
		app.device[k].retry = 0;
		app.device[k].pause = PAUSE_MIN_US;
	}
	for (int k = 0; k < APP_KINDS; k++)
		if (app.device[k].wanted)
			poll_device((enum app_kind)k);
}

void app_alive(void)
{
	reach_poll();
}

bool app_use(enum app_kind kind)
{
	struct app_device *d = &app.device[kind];

	if (d->index < 0)
		return false;
	d->wanted = true;
	if (!d->pause)
		d->pause = PAUSE_MIN_US;
	poll_device(kind);
	return d->open;
}

static bool arm(void)
{
	bool news = false;

	for (int k = 0; k < APP_KINDS; k++)
		if (app.device[k].open && kinds[k].arm)
			news |= kinds[k].arm();
	return news;
}

void app_idle(bool news, uint64_t deadline)
{
	if (news)
		last_news = app.machine->may_spin ? app_now() : 0;
	if (news || (app.machine->may_spin && app_now() - last_news < SPIN_US) || arm())
		return;
	if (app_ready(APP_RPMSG) && app.messages->deadline() < deadline)
		deadline = app.messages->deadline();
	for (int k = 0; k < APP_KINDS; k++) {
		const struct app_device *d = &app.device[k];

		if (d->wanted && !d->open && reach_up() && d->retry < deadline)
			deadline = d->retry;
	}
	reach_wait(deadline);
}

void app_exit(int code)
{
	reach_leave(code);
	cw_machine_exit(code);
}
