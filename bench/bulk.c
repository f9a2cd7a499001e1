// SPDX-License-Identifier: BSD-3-Clause
/*
 * A remote that moves bulk data at driver level, without an IP stack.
 *
 *	source SIZE	sends frames of SIZE bytes, above 1514 as one GSO frame, for ever
 *	sink		takes whatever comes
 *	console		writes lines to its console, for ever
 */
#include <causeway/core/err.h>
#include <causeway/core/shm.h>
#include <causeway/driver/console.h>
#include <causeway/driver/mmio.h>
#include <causeway/driver/net.h>
#include <causeway/port/layout_fdt.h>
#include <causeway/port/machine.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct cw_layout layout;
static struct cw_layout_device device[CW_DEVICES_MAX];
static struct cw_link_slot slot[CW_SLOTS_MAX];
static struct cw_bus bus;
static struct cw_mmio mmio;
static struct cw_net_driver net;
static struct cw_console_driver console;
static const struct cw_machine *machine;

static int begin(uint32_t id)
{
	static uint32_t copy[8192];
	int err;

	machine = cw_machine_init();
	if (!machine)
		return CW_ENODEV;
	cw_copy_in(copy, machine->region, sizeof(copy));
	err = cw_layout_from_fdt(&layout, device, CW_DEVICES_MAX, copy, sizeof(copy), NULL);
	err = err ? err : cw_bus_init(&bus, &layout, machine->region, slot, machine->port);
	err = err ? err : cw_mmio_init(&mmio, &bus, (unsigned int)cw_layout_find(&layout, id, 0));
	if (err)
		return err;
	cw_bus_start(&bus);
	err = cw_bus_wait_up(&bus, 5000000);
	return err ? err : cw_mmio_open(&mmio);
}

static void sleep_a_while(bool news)
{
	if (!news)
		cw_bus_wait(&bus, machine->port->now(machine->port->ctx) + 100000);
	else
		cw_bus_poll(&bus);
}

static void make_headers(uint8_t *f, uint32_t size)
{
	memcpy(f, "\x02\x43\0\0\0\x77\x02\x43\0\0\0\x78\x08\0", 14);
	memcpy(f + 14, "\x45\0\0\0\0\0\x40\0\x40\x06\0\0\x0a\0\0\1\x0a\0\0\2", 20);
	f[16] = (uint8_t)((size - 14) >> 8);
	f[17] = (uint8_t)(size - 14);
	memset(f + 34, 0, 20);
	f[46] = 0x50;
}

/* One frame in as many buffers as it needs; false: there are not enough. */
static bool send_one(uint32_t size, const struct cw_net_meta *meta)
{
	uint16_t buffer[CW_NET_MERGE];
	unsigned int n = 0;
	uint32_t room = 0;

	while (room < size && n < CW_NET_MERGE) {
		uint8_t *p = cw_net_tx_get(&net, &buffer[n]);

		if (!p)
			break;
		if (!n)
			make_headers(p, size);
		n++;
		room += cw_net_tx_room(&net);
	}
	if (room >= size && !cw_net_tx_sendv(&net, buffer, n, size, meta))
		return true;
	while (n)
		cw_net_tx_cancel(&net, buffer[--n]);
	return false;
}

static void source(uint32_t size)
{
	struct cw_net_meta meta = { 0 };

	if (size > 1514)
		meta = (struct cw_net_meta){ .flags = CW_NET_HDR_F_NEEDS_CSUM,
					     .gso_type = CW_NET_HDR_GSO_TCPV4,
					     .hdr_len = 54,
					     .gso_size = 1448,
					     .csum_start = 34,
					     .csum_offset = 16 };
	for (;;) {
		bool any = false;

		cw_net_poll(&net);
		while (send_one(size, &meta))
			any = true;
		cw_net_flush(&net);
		sleep_a_while(any || cw_net_arm(&net));
	}
}

static void sink(void)
{
	struct cw_net_frame f;

	for (;;) {
		bool any = false;

		cw_net_poll(&net);
		while (cw_net_receive(&net, &f) > 0) {
			cw_net_release(&net, &f);
			any = true;
		}
		cw_net_flush(&net);
		sleep_a_while(any || cw_net_arm(&net));
	}
}

static void talk(void)
{
	static char text[4096];

	for (unsigned int i = 0; i < sizeof(text); i++)
		text[i] = i % 64 == 63 ? '\n' : 'x';
	for (;;) {
		cw_console_poll(&console);
		cw_console_write(&console, 0, text, sizeof(text), 1000000);
	}
}

int main(int argc, char **argv)
{
	bool speaks = argc > 1 && !strcmp(argv[1], "console");
	int err = begin(speaks ? CW_ID_CONSOLE : CW_ID_NET);

	if (!err)
		err = speaks ? cw_console_open(&console, &mmio.transport)
			     : cw_net_open(&net, &mmio.transport, CW_NET_WANT_TSO);
	printf("ready: %s\n", cw_strerror(err));
	fflush(stdout);
	if (err)
		return 1;
	if (speaks)
		talk();
	else if (argc > 2 && !strcmp(argv[1], "source"))
		source((uint32_t)atoi(argv[2]));
	else
		sink();
}
