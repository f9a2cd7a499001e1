// SPDX-License-Identifier: BSD-3-Clause
/*
 * The remote's end of the link.
 *
 * Theory of operation: one link for all drivers. Kicks are only noted, as a bit a slot: drivers look
 * at their rings anyway when they are polled, and a kick that is acted on twice does no harm.
 */
#include <causeway/core/err.h>
#include <causeway/core/gate.h>
#include <causeway/driver/bus.h>

static void bus_ring(void *ctx)
{
	const struct cw_bus *bus = ctx;

	bus->port->ring(bus->port->ctx);
}

static const struct cw_link_ops link_ops = { .ring = bus_ring };

static __attribute__((noinline)) void *link_page(const struct cw_window *region, cw_addr_t at)
{
	return cw_window_ptr(region, at, CW_PAGE_SIZE);
}

int cw_bus_init(struct cw_bus *bus, const struct cw_layout *layout, void *va,
		struct cw_link_slot *slot, const struct cw_port *port)
{
	const struct cw_window region = { va, layout->base, layout->size };

	if (cw_layout_check(layout, NULL, NULL) != CW_LAYOUT_FINE)
		return CW_EINVAL;
	memset(bus, 0, sizeof(*bus));
	bus->layout = layout;
	bus->port = port;
	bus->region = region;
	return cw_link_init(&bus->link, link_page(&region, layout->remote_page),
			    link_page(&region, layout->pmm_page), slot, layout->slots,
			    cw_layout_hash(layout), &link_ops, bus);
}

static uint64_t now(const struct cw_bus *bus)
{
	return bus->port->now(bus->port->ctx);
}

int cw_bus_start(struct cw_bus *bus)
{
	int err = cw_link_begin(&bus->link, now(bus));

	if (!err)
		cw_link_announce(&bus->link);
	return err;
}

/* Rule "ready": a kick for a queue that is not ready is a former one's and is not echoed. */
static bool note(void *ctx, unsigned int slot)
{
	struct cw_bus *bus = ctx;
	uint32_t bit = 1u << (slot % 32);

	if (!(bus->ready[slot / 32] & bit)) {
		bus->link.count.strange++;
		return false;
	}
	bus->news[slot / 32] |= bit;
	return true;
}

void cw_bus_ready(struct cw_bus *bus, unsigned int slot, bool ready)
{
	uint32_t bit = 1u << (slot % 32);

	bus->news[slot / 32] &= ~bit;
	bus->ready[slot / 32] &= ~bit;
	if (ready)
		bus->ready[slot / 32] |= bit;
}

enum cw_link_event cw_bus_poll(struct cw_bus *bus)
{
	enum cw_link_event event = cw_link_poll(&bus->link, now(bus));

	if (event == CW_LINK_CAME_UP) {
		memset(bus->news, 0, sizeof(bus->news));
		memset(bus->ready, 0, sizeof(bus->ready));
		bus->life++;
	}
	cw_link_look(&bus->link, note, bus);
	return event;
}

enum cw_link_event cw_bus_wait(struct cw_bus *bus, uint64_t deadline)
{
	uint64_t at = cw_link_deadline(&bus->link);

	bus->port->wait(bus->port->ctx, at < deadline ? at : deadline);
	return cw_bus_poll(bus);
}

int cw_bus_wait_up(struct cw_bus *bus, uint64_t timeout)
{
	uint64_t start = now(bus),
		 end = timeout < UINT64_MAX - start ? start + timeout : UINT64_MAX;

	for (cw_bus_poll(bus); !bus->link.up; cw_bus_wait(bus, end))
		if (now(bus) >= end)
			return bus->link.refused ? bus->link.refused : CW_ETIMEDOUT;
	return CW_OK;
}

bool cw_bus_take_news(struct cw_bus *bus, unsigned int slot)
{
	uint32_t bit = 1u << (slot % 32);
	bool news = bus->news[slot / 32] & bit;

	bus->news[slot / 32] &= ~bit;
	return news;
}

void cw_bus_panic(struct cw_bus *bus, uint32_t code)
{
	cw_link_set_state(&bus->link, CW_STATE_PANIC, code);
}
