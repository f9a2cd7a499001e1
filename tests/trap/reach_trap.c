// SPDX-License-Identifier: BSD-3-Clause
/*
 * The independent check of the driver library: the same firmware and drivers, but the devices are
 * QEMU's own, on virtio-mmio, where each register access traps.
 *
 * Theory of operation: a transport of the plainest kind (virtio 1.3 section 4.2). Rings and buffers are
 * in ordinary memory, which an emulated device sees coherently. The interrupt handler acknowledges and
 * notes; there is no link, so there is nothing to lose.
 */
#include "machine.h"
#include "reach.h"

#include <causeway/abi/mmio.h>
#include <causeway/core/barrier.h>
#include <causeway/core/err.h>

#include <string.h>

#define SLOTS	   32u
#define SLOT_BASE  0x0a000000u
#define SLOT_SIZE  0x200u
#define SLOT_IRQ   48u
#define VIRTIO	   0x74726976u /* "virt" */
#define BLOCK_SIZE 0x40000u
#define LINE	   64u

struct trap {
	struct cw_transport transport;
	uintptr_t base;
	volatile bool event;
};

static struct trap trap[APP_KINDS];
static uint8_t block[APP_KINDS][BLOCK_SIZE] __attribute__((aligned(4096)));
static struct cw_layout_device found[APP_KINDS];
static struct cw_layout layout;

static struct trap *self(struct cw_transport *t)
{
	return (struct trap *)t;
}

static int trap_read(struct cw_transport *t, uint32_t reg, uint32_t *value)
{
	*value = reg_read(self(t)->base + reg);
	return CW_OK;
}

static int trap_write(struct cw_transport *t, uint32_t reg, uint32_t width, uint32_t value)
{
	uintptr_t at = self(t)->base + reg;

	cw_mb(); /* what it makes the device look at is there */
	if (width == 1)
		*(volatile uint8_t *)at = (uint8_t)value;
	else if (width == 2)
		*(volatile uint16_t *)at = (uint16_t)value;
	else
		reg_write(at, value);
	return CW_OK;
}

static int trap_flush(struct cw_transport *t)
{
	(void)t;
	return CW_OK;
}

/* Section 4.2.2.2: read again when the generation has changed meanwhile. */
static int trap_config(struct cw_transport *t, uint32_t off, void *buf, uint32_t len)
{
	uintptr_t base = self(t)->base;
	uint32_t before;

	do {
		before = reg_read(base + CW_REG_CONFIG_GENERATION);
		for (uint32_t i = 0; i < len; i++)
			((uint8_t *)buf)[i] = *(volatile uint8_t *)(base + CW_REG_CONFIG + off + i);
	} while (reg_read(base + CW_REG_CONFIG_GENERATION) != before);
	return CW_OK;
}

static void trap_notify(struct cw_transport *t, unsigned int q, uint32_t running)
{
	(void)running;
	trap_write(t, CW_REG_QUEUE_NOTIFY, 4, q);
}

static bool trap_alive(struct cw_transport *t)
{
	(void)t;
	return true;
}

static bool trap_event(struct cw_transport *t)
{
	bool event = self(t)->event;

	self(t)->event = false;
	return event;
}

static int trap_wait(struct cw_transport *t, uint64_t deadline)
{
	(void)t;
	app.machine->port->wait(app.machine->port->ctx, deadline);
	return CW_OK;
}

static uint64_t trap_now(struct cw_transport *t)
{
	(void)t;
	return app_now();
}

static const struct cw_transport_ops ops = {
	.read = trap_read,
	.write = trap_write,
	.flush = trap_flush,
	.config = trap_config,
	.notify = trap_notify,
	.alive = trap_alive,
	.event = trap_event,
	.wait = trap_wait,
	.now = trap_now,
};

/* In the interrupt: whose it is, is known by its number. */
static bool on_irq(uint32_t id)
{
	for (unsigned int k = 0; k < APP_KINDS; k++) {
		uintptr_t base = trap[k].base;
		uint32_t why;

		if (!base || id != SLOT_IRQ + (base - SLOT_BASE) / SLOT_SIZE)
			continue;
		why = reg_read(base + CW_REG_INTERRUPT_STATUS);
		if (why & CW_INT_CONFIG)
			trap[k].event = true;
		reg_write(base + CW_REG_INTERRUPT_ACK, why);
		return true;
	}
	return false;
}

static void bind(unsigned int k, uintptr_t base, uint32_t id, const char *name)
{
	struct cw_layout_device *d = &found[layout.devices++];

	d->id = id;
	memcpy(d->name, name, strlen(name) + 1);
	d->block = base;
	d->size = SLOT_SIZE;
	d->queues = id == CW_ID_RNG || id == CW_ID_BLK || id == CW_ID_9P ? 1 : 2;
	trap[k] = (struct trap){ .transport = { .ops = &ops,
						.memory = { .va_ = block[k],
							    .base = (uintptr_t)block[k],
							    .size = BLOCK_SIZE },
						.line = LINE },
				 .base = base };
	machine_irq_enable(SLOT_IRQ + (uint32_t)((base - SLOT_BASE) / SLOT_SIZE));
}

int reach_machine(void)
{
	app.machine = machine_init_alone();
	return app.machine ? CW_OK : CW_ENODEV;
}

int reach_init(void)
{
	static const struct {
		uint32_t id;
		const char *name;
	} kinds[APP_KINDS] = {
		[APP_RNG] = { CW_ID_RNG, "virtio-rng" },
		[APP_NET] = { CW_ID_NET, "virtio-net" },
		[APP_CONSOLE] = { CW_ID_CONSOLE, "virtio-serial" },
		[APP_BLK] = { CW_ID_BLK, "virtio-blk" },
		[APP_9P] = { CW_ID_9P, "virtio-9p" },
	};

	machine_on_irq = on_irq;
	layout.device = found;
	for (unsigned int i = 0; i < SLOTS; i++) {
		uintptr_t base = SLOT_BASE + i * SLOT_SIZE;
		uint32_t id = reg_read(base + CW_REG_DEVICE_ID);

		if (reg_read(base + CW_REG_MAGIC) != VIRTIO || reg_read(base + CW_REG_VERSION) != 2)
			continue;
		for (unsigned int k = 0; k < APP_KINDS; k++)
			if (id == kinds[k].id && !trap[k].base)
				bind(k, base, id, kinds[k].name);
	}
	app.layout = &layout;
	return layout.devices ? CW_OK : CW_ENODEV;
}

void app_wait_link(void)
{
	app.links = 1;
}

void reach_poll(void)
{
}

bool reach_up(void)
{
	return true;
}

int reach_open(enum app_kind kind, struct cw_transport **t)
{
	*t = &trap[kind].transport;
	return CW_OK;
}

void reach_check(enum app_kind kind)
{
	(void)kind;
}

void reach_wait(uint64_t deadline)
{
	app.machine->port->wait(app.machine->port->ctx, deadline);
}

void reach_leave(int code)
{
	(void)code;
}
