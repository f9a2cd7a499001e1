// SPDX-License-Identifier: BSD-3-Clause
#include "app.h"
#include "commands.h"
#include "gdb.h"
#include "ip.h"

void services_run(const struct shell_command *const *commands, bool (*work)(void))
{
	shell_init(commands, ping_running, ping_stop);
	ip_start(APP_ADDRESS, "255.255.255.0");
	echo_start();
	gdb_start();
	if (work) /* all services are there when the line says so */
		work();
	say("IPv4 " APP_ADDRESS "/24, echo services on UDP and TCP port 7\n");
	for (;;) {
		bool news;

		app_poll();
		gdb_poll();
		news = ip_poll();
		news |= shell_poll();
		news |= work && work();
		app_idle(news, ip_deadline());
	}
}
