// SPDX-License-Identifier: BSD-3-Clause
/* The shell commands that every example firmware with a network has. */
#include "commands.h"

#include "app.h"
#include "ip.h"

#include <stdlib.h>
#include <string.h>

static const char *kind(uint32_t id)
{
	return id == CW_ID_NET	     ? "net"
	       : id == CW_ID_CONSOLE ? "console"
	       : id == CW_ID_RNG     ? "rng"
	       : id == CW_ID_BLK     ? "blk"
				     : "?";
}

static void device_list(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	shell_out("devices:\n");
	for (unsigned int i = 0; i < app.layout->devices; i++) {
		const struct cw_layout_device *d = &app.layout->device[i];
		const char *state = "not used";

		for (unsigned int k = 0; k < APP_KINDS; k++)
			if (app.device[k].index == (int)i && app.device[k].wanted)
				state = app.device[k].open ? "READY" : "away";
		shell_out("- %-15s %-8s block 0x%08lx %4u K, %u queue%s (%s)\n", d->name,
			  kind(d->id), (unsigned long)d->block, (unsigned int)(d->size / 1024),
			  d->queues, d->queues == 1 ? "" : "s", state);
	}
}

static void net_iface(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	ip_print(shell_out);
}

static void net_ping(int argc, char **argv)
{
	unsigned long count = 3;
	char *end = NULL;

	if (argc == 3 && !strcmp(argv[0], "-c")) {
		count = strtoul(argv[1], &end, 10);
		argc -= 2;
		argv += 2;
	}
	if (argc != 1 || (end && *end) || !count || count > 10000)
		shell_out("usage: net ping [-c N] ADDR; N from 1 to 10000\n");
	else if (ping_running())
		shell_out("a ping is running\n");
	else if (!ping_start(argv[0], (unsigned int)count, shell_out))
		shell_out("%s is no IPv4 address\n", argv[0]);
}

static void kernel_uptime(int argc, char **argv)
{
	unsigned long ms = (unsigned long)((app_now() - app.started) / 1000u);

	(void)argc;
	(void)argv;
	shell_out("Uptime: %lu ms\n", ms);
	shell_out("Links: %u\n", (unsigned int)app.links);
}

/* For tests of what becomes of a remote that does this. */
static void kernel_crash(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	__builtin_trap();
}

const struct shell_command common_commands[] = {
	{ "device list", "devices of this remote", device_list },
	{ "net iface", "addresses and counters", net_iface },
	{ "net ping", "[-c N] ADDR: ping an address", net_ping },
	{ "kernel uptime", "time since the firmware started", kernel_uptime },
	{ "kernel crash", "an instruction that no processor knows", kernel_crash },
	{ NULL, NULL, NULL },
};
