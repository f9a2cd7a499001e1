// SPDX-License-Identifier: BSD-3-Clause
/* A remote that uses every device there is, and shows each of them in its shell. */
#include "app.h"
#include "commands.h"
#include "messages.h"

static bool work(void)
{
	bool news = sockets_poll();

	news |= messages_poll();
	return files_poll() || news;
}

int main(void)
{
	static const struct shell_command *const commands[] = {
		common_commands, disk_commands, socket_commands, file_commands, message_commands,
		fcall_commands,	 NULL
	};

	if (app_init())
		cw_machine_exit(1);
	app_wait_link();
	sockets_init();
	messages_init();
	calls_init();
	for (int k = 0; k < APP_KINDS; k++)
		app_use((enum app_kind)k);
	services_run(commands, work);
}
