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
	       : id == CW_ID_9P	     ? "9p"
	       : id == CW_ID_VSOCK   ? "vsock"
	       : id == CW_ID_RPMSG   ? "rpmsg"
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

static void port_list(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	for (unsigned int i = 0; i < app.console.ports; i++) {
		const struct cw_console_port *p = &app.console.port[i];

		if (p->present)
			shell_out("- %u %-15s %-6s %s\n", i, p->name, p->wanted ? "open" : "closed",
				  p->open ? "somebody is there" : "nobody is there");
	}
}

static void port_set(int argc, char **argv, bool open)
{
	for (unsigned int i = 0; argc == 1 && i < app.console.ports; i++)
		if (app.console.port[i].present && *argv[0] &&
		    !strcmp(app.console.port[i].name, argv[0])) {
			cw_console_set_open(&app.console, i, open);
			return;
		}
	shell_out("usage: port %s NAME; see port list\n", open ? "open" : "close");
}

static void port_open(int argc, char **argv)
{
	port_set(argc, argv, true);
}

static void port_close(int argc, char **argv)
{
	port_set(argc, argv, false);
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
	{ "port list", "ports of the console, and who is at them", port_list },
	{ "port open", "NAME: let somebody come to a port", port_open },
	{ "port close", "NAME: send who is there away, and let nobody come", port_close },
	{ "kernel uptime", "time since the firmware started", kernel_uptime },
	{ "kernel crash", "an instruction that no processor knows", kernel_crash },
	{ NULL, NULL, NULL },
};
