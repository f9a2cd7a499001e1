/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The frame of an example firmware: finds the layout, keeps the link, opens the drivers anew whenever
 * the link came up, and runs one main loop.
 */
#ifndef CAUSEWAY_FIRMWARE_APP_H
#define CAUSEWAY_FIRMWARE_APP_H

#include <causeway/driver/console.h>
#include <causeway/driver/mmio.h>
#include <causeway/driver/net.h>
#include <causeway/driver/rng.h>
#include <causeway/port/machine.h>

#ifndef __cplusplus
#include <stdbool.h>
#endif

/* One device of the layout, bound or not. */
struct app_device {
	struct cw_mmio mmio;
	int index; /* in the layout, negative: there is none */
	bool open;
};

struct app {
	const struct cw_machine *machine;
	const struct cw_layout *layout;
	struct cw_bus bus;
	struct app_device rng_at, net_at, console_at;
	struct cw_rng_driver rng;
	struct cw_net_driver net;
	struct cw_console_driver console;
	uint32_t links; /* times the link came up */
};

extern struct app app;

/**
 * app_init - machine, layout, link
 * @layout: the generated one, or NULL to take it from the region's device-tree fragment
 *
 * Says on the UART what is wrong. Returns 0 or a CW_E* error.
 */
int app_init(const struct cw_layout *layout);

/** app_wait_link - until the PMM is there; says so once when it takes long */
void app_wait_link(void);

/* Opens what the layout has and is not open; true when all of it is. */
bool app_open_rng(void);
bool app_open_net(void);
bool app_open_console(void);

/** app_poll_link - notice a link that went or came; reopens the devices that were open */
void app_poll_link(void);

/** app_sleep - sleep until something comes or @deadline, unless a driver has news */
void app_sleep(uint64_t deadline);

uint64_t app_now(void); /* microseconds */

/** say - print a formatted line piece on the UART */
void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
