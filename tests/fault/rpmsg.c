// SPDX-License-Identifier: BSD-3-Clause
/* RPMsg workload: the remote is host and driver, the PMM device; messages go both ways (ledger.c). */
#include "ledger.h"

#include <string.h>

#include <causeway/device/rpmsg.h>
#include <causeway/driver/mmio.h>
#include <causeway/driver/rpmsg.h>

#define QUEUE	8
#define WAIT_US 20000

/* PMM */
static struct cw_rpmsg_device model;
static struct cw_rpmsg_slot slot[2][QUEUE];

static uint64_t model_now(void *ctx)
{
	(void)ctx;
	return world_now();
}

static const struct cw_rpmsg_device_ops model_ops = { .now = model_now };

static struct cw_device *pmm_init(struct cw_device_queue *queue)
{
	party_born(PMM);
	if (cw_rpmsg_device_init(&model, &party[PMM].ch, &model_ops, NULL, 512, 512, queue, slot[0],
				 slot[1]))
		return NULL;
	return &model.dev;
}

static bool pmm_pass(struct cw_device_bus *bus)
{
	bool did;

	cw_rpmsg_device_run(&model);
	did = party_work(PMM, 0);
	cw_rpmsg_device_run(&model);
	bus->busy |= 1;
	return did;
}

static bool pmm_due(void)
{
	return party_due(PMM);
}

static uint64_t pmm_deadline(void)
{
	return cw_rpmsg_deadline(&party[PMM].ch);
}

static void pmm_forget(void)
{
	party_died(PMM);
	memset(&model, 0xa5, sizeof(model));
	memset(slot, 0xa5, sizeof(slot));
}

/* Remote */
static struct cw_mmio mmio;
static struct cw_rpmsg_driver driver;
static bool open;

static bool reopen(void)
{
	if (!remote_up())
		return false;
	if (!party[REMOTE].alive)
		party_born(REMOTE);
	if (cw_mmio_init(&mmio, &remote_bus, 0) || cw_mmio_open(&mmio))
		return false;
	open = !cw_rpmsg_driver_open(&driver, &party[REMOTE].ch, &mmio.transport);
	if (mmio.dead)
		cw_bus_start(&remote_bus);
	return open;
}

static void remote(void)
{
	while (!ledger_done() && !world_over()) {
		uint64_t until = world_now() + WAIT_US;
		int got;

		if (!open && !reopen()) {
			cw_bus_wait(&remote_bus, world_now() + 100);
			continue;
		}
		got = cw_rpmsg_driver_poll(&driver, 8);
		open = got >= 0;
		if (open && !party_work(REMOTE, WAIT_US) && !got && !ledger_done() &&
		    !cw_rpmsg_driver_arm(&driver))
			cw_bus_wait(&remote_bus, until < cw_rpmsg_deadline(&party[REMOTE].ch)
							 ? until
							 : cw_rpmsg_deadline(&party[REMOTE].ch));
	}
}

static void remote_forget(void)
{
	party_died(REMOTE);
	memset(&mmio, 0xa5, sizeof(mmio));
	memset(&driver, 0xa5, sizeof(driver));
	open = false;
}

static const struct linked parts = { .device = { .name = "rpmsg0",
						 .id = CW_ID_RPMSG,
						 .queues = 2,
						 .queue_size = QUEUE,
						 .size = 0x8000 },
				     .pmm_init = pmm_init,
				     .pmm_pass = pmm_pass,
				     .pmm_due = pmm_due,
				     .pmm_deadline = pmm_deadline };

static void begin(void)
{
	ledger_begin();
	linked_use(&parts);
}

const struct workload rpmsg_workload = {
	.name = "rpmsg",
	.machine = &linked_machine,
	.remote = remote,
	.pmm_forget = pmm_forget,
	.remote_forget = remote_forget,
	.begin = begin,
	.end = ledger_end,
};
