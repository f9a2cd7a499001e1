// SPDX-License-Identifier: BSD-3-Clause
/* A remote that uses every device there is, and shows each of them in its shell. */
#include "app.h"
#include "commands.h"
#include "ip.h"
#include "shell.h"

int main(void)
{
	static const struct shell_command *const commands[] = { common_commands, disk_commands,
								NULL };

	if (app_init())
		cw_machine_exit(1);
	app_wait_link();
	for (int k = 0; k < APP_KINDS; k++)
		app_use((enum app_kind)k);
	shell_init(commands, ping_running, ping_stop);
	ip_start(APP_ADDRESS, "255.255.255.0");
	echo_start();
	say("IPv4 " APP_ADDRESS "/24, echo services on UDP and TCP port 7\n");
	for (;;) {
		bool news;

		app_poll();
		news = ip_poll();
		news |= shell_poll();
		app_idle(news, ip_deadline());
	}
}
