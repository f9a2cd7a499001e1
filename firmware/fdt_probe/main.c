// SPDX-License-Identifier: BSD-3-Clause
/*
 * Finds everything from the device-tree fragment alone, opens one device of each kind that it knows,
 * says what it saw on the UART and ends. Exit status 0 if all of them opened.
 */
#include "app.h"

#include <stdlib.h>

static const char *result(unsigned int index)
{
	for (int k = 0; k < APP_KINDS; k++)
		if (app.device[k].index == (int)index)
			return app_use((enum app_kind)k) ? "opened" : "does not open";
	return "not tried";
}

static bool all_opened(void)
{
	for (int k = 0; k < APP_KINDS; k++)
		if (app.device[k].index >= 0 && !app_ready((enum app_kind)k))
			return false;
	return true;
}

static void print_details(void)
{
	const uint8_t *m = app.net.mac;
	unsigned char byte[4];

	if (app_ready(APP_RNG))
		say("entropy: %d bytes\n", cw_rng_read(&app.rng, byte, sizeof(byte), 1000000));
	if (app_ready(APP_NET))
		say("network: MAC %02x:%02x:%02x:%02x:%02x:%02x MTU %u\n", m[0], m[1], m[2], m[3],
		    m[4], m[5], (unsigned int)app.net.mtu);
	if (app_ready(APP_CONSOLE))
		say("console: %u port(s)\n", (unsigned int)app.console.ports);
}

int main(void)
{
	if (app_init())
		cw_machine_exit(1);
	say("region 0x%llx, %lu bytes, %u slots, %u devices\n",
	    (unsigned long long)app.layout->base, (unsigned long)app.layout->size,
	    (unsigned int)app.layout->slots, (unsigned int)app.layout->devices);
	app_wait_link();
	for (unsigned int i = 0; i < app.layout->devices; i++) {
		const struct cw_layout_device *d = &app.layout->device[i];

		say("%s: virtio device %lu, slot %u, %u queues of %u, block 0x%llx: %s\n", d->name,
		    (unsigned long)d->id, (unsigned int)d->slot, (unsigned int)d->queues,
		    (unsigned int)d->queue_size, (unsigned long long)d->block, result(i));
	}
	print_details();
	app_exit(all_opened() ? 0 : 1);
}
