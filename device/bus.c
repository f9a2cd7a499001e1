// SPDX-License-Identifier: BSD-3-Clause
/*
 * All devices of one remote.
 *
 * Theory of operation: a kick names a slot, a slot names a device and a queue. `busy` holds the
 * devices in which something may go on without a kick, so a pass costs the active devices and not
 * the configured ones. Nothing is touched in block memory unless the link is up.
 */
#include <causeway/core/err.h>
#include <causeway/core/gate.h>
#include <causeway/core/shm.h>
#include <causeway/device/bus.h>

#define NOBODY 0xffu

int cw_device_bus_init(struct cw_device_bus *bus, const struct cw_layout *layout, void *va,
		       struct cw_link_slot *slot, const struct cw_link_ops *ops, void *ctx)
{
	const struct cw_window region = { va, layout->base, layout->size };
	struct cw_abi_link_page *mine = cw_window_ptr(&region, layout->pmm_page, CW_PAGE_SIZE);
	struct cw_abi_link_page *peer = cw_window_ptr(&region, layout->remote_page, CW_PAGE_SIZE);

	memset(bus, 0, sizeof(*bus));
	memset(bus->owner, NOBODY, sizeof(bus->owner));
	bus->layout = layout;
	bus->region = region;
	return cw_link_init(&bus->link, mine, peer, slot, layout->slots, cw_layout_hash(layout),
			    ops, ctx);
}

int cw_device_bus_add(struct cw_device_bus *bus, unsigned int i, struct cw_device_mmio *t,
		      struct cw_device *dev)
{
	const struct cw_layout_device *place;
	int err;

	if (i >= bus->layout->devices)
		return CW_EINVAL;
	place = &bus->layout->device[i];
	err = cw_device_mmio_init(t, dev, &bus->link, &bus->region, place);
	if (err)
		return err;
	bus->dev[i] = t;
	memset(&bus->owner[place->slot], (int)i, 1u + place->queues);
	return CW_OK;
}

#define for_each(bus, i, set)                                                               \
	for (uint64_t set_ = (set); set_ && ((i) = (unsigned int)__builtin_ctzll(set_), 1); \
	     set_ &= set_ - 1)

static void each_link(struct cw_device_bus *bus, bool up)
{
	bus->busy = bus->asked = 0;
	for (unsigned int i = 0; i < bus->layout->devices; i++)
		if (bus->dev[i])
			cw_device_mmio_link(bus->dev[i], up);
}

int cw_device_bus_begin(struct cw_device_bus *bus, uint64_t now)
{
	int err = cw_link_begin(&bus->link, now);

	if (err)
		return err;
	each_link(bus, false);
	for (unsigned int i = 0; i < bus->layout->devices; i++)
		if (bus->dev[i])
			cw_device_mmio_publish(bus->dev[i]);
	cw_link_announce(&bus->link);
	return CW_OK;
}

static bool on_kick(void *ctx, unsigned int slot)
{
	struct cw_device_bus *bus = ctx;
	unsigned int i = bus->owner[slot];
	struct cw_device_mmio *t;

	if (i == NOBODY)
		return false;
	t = bus->dev[i];
	if (slot == t->slot) {
		bus->asked |= 1ull << i;
		return true;
	}
	if (!cw_device_kicked(t->dev, slot - t->slot - 1u))
		return false;
	bus->busy |= 1ull << i;
	return true;
}

static void service(struct cw_device_bus *bus)
{
	unsigned int i;

	for_each(bus, i, bus->asked) if (!cw_device_mmio_service(bus->dev[i]))
		bus->asked &= ~(1ull << i);
}

enum cw_link_event cw_device_bus_poll(struct cw_device_bus *bus, uint64_t now)
{
	enum cw_link_event event = cw_link_poll(&bus->link, now);

	if (event != CW_LINK_SAME)
		each_link(bus, event == CW_LINK_CAME_UP);
	/* The ops context of the link is the owner's; ours travels with the look. */
	cw_link_look(&bus->link, on_kick, bus);
	service(bus);
	return event;
}

bool cw_device_bus_serve(struct cw_device_bus *bus)
{
	bool more = false;
	unsigned int i;

	if (!cw_link_is_up(&bus->link))
		return false;
	for_each(bus, i, bus->busy) more |= cw_device_serve(bus->dev[i]->dev);
	return more;
}

bool cw_device_bus_look(struct cw_device_bus *bus)
{
	bool news = false;
	unsigned int i;

	if (!cw_link_is_up(&bus->link))
		return false;
	for_each(bus, i, bus->busy) news |= cw_device_look(bus->dev[i]->dev);
	return news;
}

bool cw_device_bus_arm(struct cw_device_bus *bus)
{
	bool news = false;
	unsigned int i;

	if (!cw_link_is_up(&bus->link))
		return false;
	for_each(bus, i, bus->busy)
	{
		if (cw_device_arm(bus->dev[i]->dev))
			news = true;
		else
			bus->busy &= ~(1ull << i);
	}
	return news;
}

void cw_device_bus_wake(struct cw_device_bus *bus, unsigned int i, unsigned int q)
{
	cw_device_wake(bus->dev[i]->dev, q);
	bus->busy |= 1ull << i;
}

uint64_t cw_device_bus_deadline(struct cw_device_bus *bus)
{
	uint64_t at = cw_link_deadline(&bus->link);

	/* A reset that waits for a store in flight is looked at every millisecond. */
	if (bus->asked && bus->link.now + CW_LINK_RING_MIN_US < at)
		at = bus->link.now + CW_LINK_RING_MIN_US;
	return at;
}
