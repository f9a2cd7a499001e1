// SPDX-License-Identifier: BSD-3-Clause
/*
 * The demonstration that the field knows by this name: entropy from Linux, printed on the UART; then
 * the network at 192.168.200.2; then a shell on the console.
 */
#include "app.h"
#include "commands.h"
#include "ip.h"
#include "shell.h"

#include <causeway/core/err.h>

#include <string.h>

#ifdef CW_GENERATED_LAYOUT
#include "causeway_layout.h"
#define LAYOUT (&cw_layout_generated)
#else
#define LAYOUT NULL
#endif

#define ENTROPY	       9
#define RNG_TIMEOUT_US 2000000u

/* Bytes equal to @fill among those that should have been replaced; negative: an error. */
static int ask(unsigned char fill, unsigned char *buf)
{
	int got, same = 0;

	memset(buf, fill, ENTROPY + 1);
	do {
		app_poll_link();
		got = app_open_rng() ? cw_rng_read(&app.rng, buf, ENTROPY, RNG_TIMEOUT_US)
				     : CW_ERESET;
		if (got == CW_ERESET)
			app_sleep(app_now() + 1000);
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
	const char *name = app.rng_at.index < 0 ? "none"
						: app.layout->device[app.rng_at.index].name;

	say("Board: %s\n", app.machine->board);
	say("random device is %p, name is %s\n", (void *)&app.rng, name);
	say("main:%d - get_entropy test %s\n", __LINE__, get_entropy() ? "passed" : "failed");
}

static bool pinging(void)
{
	return ping_running();
}

int main(void)
{
	if (app_init(LAYOUT))
		cw_machine_exit(1);
	app_started = app_now();
	app_wait_link();
	entropy_test();
	app_open_net();
	app_open_console();
	shell_busy = pinging;
	shell_init(common_commands);
	ip_start("192.168.200.2", "255.255.255.0");
	say("IPv4 192.168.200.2/24, echo services on UDP and TCP port 7\n");
	for (;;) {
		bool news;

		app_poll_link();
		news = ip_poll();
		news |= shell_poll();
		if (!news)
			app_sleep(ip_deadline());
	}
}
