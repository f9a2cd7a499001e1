// SPDX-License-Identifier: BSD-3-Clause
/* Devices over a region that Linux shares: the link, and a request channel for each device. */
#include "reach.h"

#include <causeway/core/err.h>
#include <causeway/driver/mmio.h>

#include <stdio.h>

static struct cw_link_slot slots[CW_SLOTS_MAX];
static struct cw_bus bus;
static struct cw_mmio mmio[APP_KINDS];
static bool was_up;

/* For the UART, and for Linux even when nobody serves this remote's devices. */
static void note(const char *fmt, unsigned int links)
{
	char line[64];
	int n = snprintf(line, sizeof(line), fmt, links);

	cw_machine_uart(line, (size_t)n);
	cw_machine_trace(line, (size_t)n);
}

int reach_machine(void)
{
	app.machine = cw_machine_init();
	return app.machine ? CW_OK : CW_ENODEV;
}

/* Our last words: the PMM need not wait for an answer that will not come. */
static void on_fault(uint32_t code)
{
	cw_link_set_state(&bus.link, CW_STATE_PANIC, code);
	app.machine->port->ring(app.machine->port->ctx);
}

int reach_init(void)
{
	int err = app_layout(&app.layout);

	if (!err && app.layout->size > app.machine->region_size)
		err = CW_ENOSPC;
	err = err ? err
		  : cw_bus_init(&bus, app.layout, app.machine->region, slots, app.machine->port);
	if (err) {
		say("cannot use the region: %s\n", cw_strerror(err));
		return err;
	}
	cw_machine_on_fault = on_fault;
	return cw_bus_start(&bus);
}

void app_wait_link(void)
{
	static const char first[] = "link is up\n";
	bool said = false;
	int err;

	while ((err = cw_bus_wait_up(&bus, 1000000))) {
		if (!said)
			say("waiting for the PMM (%s)\n", cw_strerror(err));
		said = true;
	}
	app.links = bus.life;
	was_up = true;
	cw_machine_trace(first, sizeof(first) - 1);
}

/* The link may come and go inside of other calls too: the count of lives misses none. */
void reach_poll(void)
{
	cw_bus_poll(&bus);
	if (app.links != bus.life) {
		app.links = bus.life;
		note("link is up again (%u)\n", (unsigned int)app.links);
	} else if (was_up && !cw_bus_up(&bus)) {
		note("link %u is down\n", (unsigned int)app.links);
	}
	was_up = cw_bus_up(&bus);
}

bool reach_up(void)
{
	return cw_bus_up(&bus);
}

int reach_open(enum app_kind kind, struct cw_transport **t)
{
	struct cw_mmio *m = &mmio[kind];
	int err = CW_OK;

	if (!m->bus)
		err = cw_mmio_init(m, &bus, (unsigned int)app.device[kind].index);
	*t = &m->transport;
	return err ? err : cw_mmio_open(m);
}

void reach_check(enum app_kind kind)
{
	/* A request that was never answered may still be: only a new life makes that harmless. */
	if (mmio[kind].dead && cw_bus_up(&bus) && mmio[kind].life == bus.life)
		cw_bus_start(&bus);
}

void reach_wait(uint64_t deadline)
{
	cw_bus_wait(&bus, deadline);
}

/* The group words count what the other side has told us of, from 0 on each link. */
void reach_count(struct reach_counters *c)
{
	static uint32_t links, before, last;

	if (links != app.links)
		before += last;
	links = app.links;
	last = 0;
	for (unsigned int g = 0; g < bus.link.groups; g++)
		last += bus.link.group_seen[g];
	c->epoch = bus.link.epoch;
	c->doorbells_in = before + last;
	c->doorbells_out = bus.link.count.rings;
}

void reach_leave(int code)
{
	cw_link_set_state(&bus.link, code ? CW_STATE_PANIC : CW_STATE_IDLE, (uint32_t)code);
}
