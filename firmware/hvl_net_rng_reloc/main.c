// SPDX-License-Identifier: BSD-3-Clause
/*
 * The demonstration that the field knows by this name: entropy from Linux, printed on the UART; then
 * the network at 192.168.200.2; then a shell on the console, and messages.
 */
#include "app.h"
#include "commands.h"
#include "messages.h"

#include <causeway/core/err.h>

#include <string.h>

#define ENTROPY	       9
#define RNG_TIMEOUT_US 2000000u

/* Bytes equal to @fill among those that should have been replaced; negative: an error. */
static int ask(unsigned char fill, unsigned char *buf)
{
	int got, same = 0;

	memset(buf, fill, ENTROPY + 1);
	do {
		app_poll();
		got = app_ready(APP_RNG) ? cw_rng_read(&app.rng, buf, ENTROPY, RNG_TIMEOUT_US)
					 : CW_ERESET;
		if (got == CW_ERESET)
			app_idle(false, app_now() + 1000);
	} while (got == CW_ERESET);
	if (got != ENTROPY) {
		say("Error: no entropy: %s\n", got < 0 ? cw_strerror(got) : "too few bytes");
		return -1;
	}
	if (buf[ENTROPY] != fill) {
		say("Error: the byte behind the buffer was overwritten\n");
		return -1;
	}
	for (int i = 0; i < ENTROPY; i++) {
		say("  0x%02x\n", (unsigned int)buf[i]);
		same += buf[i] == fill;
	}
	return same;
}

/* Two bytes of nine that happen to be the fill byte come by once in two thousand runs. */
static bool get_entropy(void)
{
	unsigned char buf[ENTROPY + 1];
	int same = ask(0, buf);

	if (same >= 2)
		same = ask(0xa5, buf);
	return same >= 0 && same < 2;
}

static void entropy_test(void)
{
	int index = app.device[APP_RNG].index;

	say("Board: %s\n", app.machine->board);
	if (index < 0) {
		say("no random device in the layout\n");
		return;
	}
	say("random device is %p, name is %s\n", (void *)&app.rng, app.layout->device[index].name);
	app_use(APP_RNG);
	say("main:%d - get_entropy test %s\n", __LINE__, get_entropy() ? "passed" : "failed");
}

int main(void)
{
	static const struct shell_command *const commands[] = { common_commands, message_commands,
								fcall_commands, NULL };

	if (app_init())
		cw_machine_exit(1);
	app_wait_link();
	entropy_test();
	app_use(APP_NET);
	app_use(APP_CONSOLE);
	messages_init();
	app_use(APP_RPMSG);
	services_run(commands, messages_poll);
}
