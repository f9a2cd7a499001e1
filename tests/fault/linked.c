// SPDX-License-Identifier: BSD-3-Clause
/*
 * The machine of most workloads: one region with a link, a worker on the device bus and a remote on the
 * driver's.
 *
 * Whatever happens, these are promises checked at each store: a side writes only what is its own,
 * nobody writes block memory without a link, and no PMM writes for a life of the remote that ended
 * while the present one believes the link is up.
 */
#include "fault.h"

#include <string.h>

#include <causeway/core/bytes.h>

static struct cw_device_bus pmm_bus;
static struct cw_link_slot pmm_slot[CW_SLOTS_MAX];
struct cw_bus remote_bus;
static struct cw_link_slot remote_slot[CW_SLOTS_MAX];
static const struct linked *linked; /* the workload's */

/* the PMM's of its device */
static struct cw_device_mmio transport;
static struct cw_device_queue queue[LINKED_QUEUES];
static uint16_t queue_own[LINKED_QUEUES][LINKED_DEPTH];

/* what both sides know */
static struct cw_layout_device place;
static struct cw_layout layout = {
	.base = 0x37000000,
	.size = LINKED_SIZE,
	.line = 64,
	.dtb = 0x1000,
	.devices = 1,
	.pmm_page = 0x37001000,
	.remote_page = 0x37002000,
	.device = &place,
};

void linked_use(const struct linked *l)
{
	linked = l;
	place = l->device;
	place.slot = 1;
	place.block = 0x37003000;
	layout.slots = (uint16_t)(place.slot + place.queues + 1);
}

/* ---- promises at each store ---- */

static bool own_page(enum side side, cw_addr_t a, uint32_t len)
{
	cw_addr_t mine = side == PMM ? layout.pmm_page : layout.remote_page;

	return a >= mine && a + len <= mine + CW_PAGE_SIZE;
}

static const struct cw_abi_link_page *page_of(enum side side)
{
	cw_addr_t at = side == PMM ? layout.pmm_page : layout.remote_page;

	return (const void *)(world_region() + (at - layout.base));
}

/*
 * What memory itself says, whatever a side believes: nobody stores for a life that has not
 * acknowledged it. (A life that ended a moment ago may still be stored for: its end is noticed at the
 * next look, and its successor waits for the echo.)
 */
static void check_echo(enum side side)
{
	const struct cw_abi_link_page *other = page_of(side == PMM ? REMOTE : PMM);
	const struct cw_link *mine = side == PMM ? &pmm_bus.link : &remote_bus.link;

	if (cw_get_le32(other->epoch) == mine->echoed &&
	    cw_get_le32(other->peer_epoch) != mine->epoch)
		broken(side == PMM ? "PMM stored before the remote acknowledged it"
				   : "remote stored before the PMM acknowledged it");
}

static void check_block_store(enum side side, uint32_t off)
{
	const struct cw_link *p = &pmm_bus.link, *r = &remote_bus.link;

	if (off < CW_PAGE_SIZE) { /* device page: the PMM's, with or without a link */
		if (side != PMM)
			broken("remote stored into a device page");
		return;
	}
	if (off < 2 * CW_PAGE_SIZE && side == PMM)
		broken("PMM stored into a driver page");
	if (!(side == PMM ? p->up : r->up))
		broken("store into a block without a link");
	check_echo(side);
}

static void check_store(enum side side, uint32_t at, uint32_t len)
{
	cw_addr_t a = layout.base + at;

	if (a >= place.block && a < place.block + place.size)
		check_block_store(side, (uint32_t)(a - place.block));
	else if (!own_page(side, a, len))
		broken("store into a page of the other side");
}

/* ---- the PMM ---- */

static void bell_remote(void *ctx)
{
	(void)ctx;
	world_ring(REMOTE);
}

static const struct cw_link_ops pmm_link_ops = { .ring = bell_remote };

static void pmm_start(void)
{
	struct cw_device *dev;

	memset(queue, 0, sizeof(queue));
	for (unsigned int i = 0; i < LINKED_QUEUES; i++) {
		queue[i].num_max = place.queue_size;
		queue[i].own = queue_own[i];
	}
	if (cw_device_bus_init(&pmm_bus, &layout, world_region(), pmm_slot, &pmm_link_ops, NULL))
		broken("PMM refuses the layout");
	dev = linked->pmm_init(queue);
	if (!dev || cw_device_bus_add(&pmm_bus, 0, &transport, dev))
		broken("device refused");
	cw_device_bus_begin(&pmm_bus, world_now());
}

static uint64_t pmm_pass(void)
{
	bool more = true;
	uint64_t own, bus;

	for (unsigned int n = 0; more; n++) {
		if (n > 10000) {
			broken("PMM does not come to rest");
			break;
		}
		more = cw_device_bus_poll(&pmm_bus, world_now()) == CW_LINK_WENT_DOWN;
		more |= linked->pmm_pass(&pmm_bus);
		more |= cw_device_bus_serve(&pmm_bus);
		more = more || cw_device_bus_arm(&pmm_bus);
		more = more || (linked->pmm_due && linked->pmm_due());
	}
	bus = cw_device_bus_deadline(&pmm_bus);
	own = linked->pmm_deadline ? linked->pmm_deadline() : UINT64_MAX;
	return own < bus ? own : bus;
}

static void pmm_forget(void)
{
	memset(&pmm_bus, 0xa5, sizeof(pmm_bus));
	memset(pmm_slot, 0xa5, sizeof(pmm_slot));
	memset(&transport, 0xa5, sizeof(transport));
	memset(queue_own, 0xa5, sizeof(queue_own));
}

/* ---- the remote ---- */

static uint64_t port_now(void *ctx)
{
	(void)ctx;
	return world_tick();
}

static void port_ring(void *ctx)
{
	(void)ctx;
	world_ring(PMM);
}

static void port_wait(void *ctx, uint64_t deadline)
{
	(void)ctx;
	world_wait(deadline);
}

static const struct cw_port remote_port = { .now = port_now, .ring = port_ring, .wait = port_wait };

static void remote_start(void)
{
	if (cw_bus_init(&remote_bus, &layout, world_region(), remote_slot, &remote_port))
		broken("layout refused");
	cw_bus_start(&remote_bus);
}

static void remote_forget(void)
{
	memset(&remote_bus, 0xa5, sizeof(remote_bus));
	memset(remote_slot, 0xa5, sizeof(remote_slot));
}

bool remote_up(void)
{
	world_remote_starts();
	while (!world_over() && cw_bus_wait_up(&remote_bus, 1000000))
		;
	return !world_over();
}

const struct machine linked_machine = {
	.size = LINKED_SIZE,
	.pmm_start = pmm_start,
	.pmm_pass = pmm_pass,
	.pmm_forget = pmm_forget,
	.remote_start = remote_start,
	.remote_forget = remote_forget,
	.check_store = check_store,
};
