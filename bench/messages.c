// SPDX-License-Identifier: BSD-3-Clause
/*
 * A remote with ten services, echo0 to echo9, whose messages go back to whoever sent them. What finds no buffer for its
 * answer is held, in order. Begins anew with the link, like any firmware.
 */
#include <causeway/core/err.h>
#include <causeway/core/shm.h>
#include <causeway/driver/mmio.h>
#include <causeway/driver/rpmsg.h>
#include <causeway/port/layout_fdt.h>
#include <causeway/port/machine.h>

#include <stdio.h>

#define SERVICES 10

static struct cw_layout layout;
static struct cw_layout_device device[CW_DEVICES_MAX];
static struct cw_link_slot slot[CW_SLOTS_MAX];
static struct cw_bus bus;
static struct cw_mmio mmio;
static struct cw_rpmsg_driver driver;
static struct cw_rpmsg channel;
static struct cw_rpmsg_endpoint endpoint[2 * SERVICES], *echo[SERVICES];

static struct {
	struct cw_rpmsg_endpoint *e;
	struct cw_rpmsg_msg m;
} held[CW_RPMSG_QUEUE];
static unsigned int first, waiting;

static int answer(struct cw_rpmsg_endpoint *e, const struct cw_rpmsg_msg *m)
{
	uint8_t text[CW_RPMSG_BUFFER_DEFAULT];

	return cw_rpmsg_sendto(e, m->src, text, cw_rpmsg_copy(m, 0, text, sizeof(text)), 0);
}

static int receive(struct cw_rpmsg_endpoint *e, const struct cw_rpmsg_msg *m)
{
	unsigned int at = (first + waiting) % CW_RPMSG_QUEUE;

	if (!waiting && answer(e, m) != CW_EAGAIN)
		return 0;
	held[at].e = e;
	held[at].m = *m;
	waiting++;
	return CW_RPMSG_HOLD;
}

static void writable(struct cw_rpmsg_endpoint *e)
{
	(void)e;
	for (; waiting; waiting--) {
		if (answer(held[first].e, &held[first].m) == CW_EAGAIN)
			break;
		cw_rpmsg_release(&channel, &held[first].m);
		first = (first + 1) % CW_RPMSG_QUEUE;
	}
}

static void link_changed(void *ctx, bool up)
{
	(void)ctx;
	(void)up;
	waiting = 0;
}

static const struct cw_rpmsg_endpoint_ops echo_ops = { .receive = receive, .writable = writable };
static const struct cw_rpmsg_ops channel_ops = { .link = link_changed };

static int make_channel(void)
{
	const struct cw_rpmsg_config c = { .endpoint = endpoint,
					   .endpoints = 2 * SERVICES,
					   .ops = &channel_ops,
					   .repeats = CW_RPMSG_REPEATS };
	int err = cw_rpmsg_init(&channel, &c);

	for (int i = 0; !err && i < SERVICES; i++) {
		char name[] = { 'e', 'c', 'h', 'o', (char)('0' + i), 0 };
		const struct cw_rpmsg_spec s = {
			.name = name, .addr = CW_RPMSG_ANY, .dst = CW_RPMSG_ANY, .ops = &echo_ops
		};

		err = cw_rpmsg_create(&channel, &s, &echo[i]);
	}
	return err;
}

static bool reopen(void)
{
	if (cw_bus_wait_up(&bus, 1000000))
		return false;
	if (!cw_mmio_init(&mmio, &bus, 0) && !cw_mmio_open(&mmio) &&
	    !cw_rpmsg_driver_open(&driver, &channel, &mmio.transport))
		return true;
	if (mmio.dead)
		cw_bus_start(&bus);
	return false;
}

int main(void)
{
	static uint32_t copy[8192];
	const struct cw_machine *machine = cw_machine_init();
	bool open = false;

	if (!machine)
		return 1;
	cw_copy_in(copy, machine->region, sizeof(copy));
	if (cw_layout_from_fdt(&layout, device, CW_DEVICES_MAX, copy, sizeof(copy), NULL) ||
	    cw_bus_init(&bus, &layout, machine->region, slot, machine->port) || make_channel())
		return 1;
	cw_bus_start(&bus);
	for (;;) {
		int got;

		if (!open && !(open = reopen()))
			continue;
		got = cw_rpmsg_driver_poll(&driver, 32);
		open = got >= 0;
		if (!got && !cw_rpmsg_driver_arm(&driver))
			cw_bus_wait(&bus, cw_rpmsg_deadline(&channel));
	}
}
