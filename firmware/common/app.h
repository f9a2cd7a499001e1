/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The frame of an example firmware: finds the layout, keeps the link, opens the drivers anew whenever
 * the link came up, and sleeps when there is nothing to do.
 *
 *	app_init();
 *	app_wait_link();
 *	app_use(APP_NET);
 *	for (;;) {
 *		app_poll();
 *		news = ...do the work, while app_ready(APP_NET)...
 *		app_idle(news, next timer);
 *	}
 *
 * Context: all of it from main()'s one loop.
 */
#ifndef CAUSEWAY_FIRMWARE_APP_H
#define CAUSEWAY_FIRMWARE_APP_H

#include <causeway/core/link.h>
#include <causeway/driver/9p.h>
#include <causeway/driver/blk.h>
#include <causeway/driver/console.h>
#include <causeway/driver/net.h>
#include <causeway/driver/rng.h>
#include <causeway/driver/vsock.h>
#include <causeway/port/machine.h>

#ifndef __cplusplus
#include <stdbool.h>
#endif

/* The devices that a firmware may use: the first of each kind in the layout. */
enum app_kind { APP_RNG, APP_NET, APP_CONSOLE, APP_BLK, APP_VSOCK, APP_9P, APP_RPMSG, APP_KINDS };

struct app_device {
	int index;   /* in the layout, negative: there is none */
	bool wanted; /* app_use() */
	bool open;
	uint32_t opens; /* times it was opened: what belonged to the device before is gone */
	uint64_t retry; /* when to try again, microseconds */
	uint32_t pause; /* until the try after that */
	int said;	/* the last error that was printed */
};

/* Messages, in a file of their own: who does not use them has neither their code nor their memory. */
struct app_messages {
	int (*open)(struct cw_transport *t);
	int (*poll)(void);
	bool (*arm)(void);
	uint64_t (*deadline)(void); /* as of app_idle() */
};

struct app {
	const struct cw_machine *machine;
	const struct cw_layout *layout;
	struct app_device device[APP_KINDS];
	struct cw_rng_driver rng;
	struct cw_net_driver net;
	struct cw_console_driver console;
	struct cw_blk_driver blk;
	struct cw_vsock_driver vsock;
	const struct cw_vsock_memory *sockets; /* set by who uses them, before app_use(APP_VSOCK) */
	struct cw_9p_driver files;
	const struct app_messages *messages; /* set by messages_init(), before app_use(APP_RPMSG) */
	uint64_t started;		     /* app_now() */
	uint32_t links;			     /* times the link came up */
};

extern struct app app;

/**
 * app_init - machine, layout, link
 *
 * Says on the UART what is wrong. Returns 0 or a CW_E* error.
 */
int app_init(void);

/**
 * app_layout - where everything in the region is, of app.machine's
 * @layout: set on success, to what lives for ever
 *
 * In layout_fragment.c or layout_header.c: a program is linked with one of the two. Says on the UART
 * what is wrong. Returns 0 or a CW_E* error.
 */
int app_layout(const struct cw_layout **layout);

/** app_wait_link - until the PMM is there; says so once when it takes long */
void app_wait_link(void);

/** app_use - open a device now and after each restart of the link; returns app_ready() */
bool app_use(enum app_kind kind);

/** app_ready - whether a device is open, as of the last app_poll() */
static inline bool app_ready(enum app_kind kind)
{
	return app.device[kind].open;
}

/** app_poll - notice a link that went or came, and open what is wanted and not open */
void app_poll(void);

/** app_alive - within long work: lets the other side see that we are there, as app_poll() does */
void app_alive(void);

/**
 * app_idle - at the end of a pass: go on, spin or sleep
 * @news: this pass had something to do; @deadline: when the loop must run next at the latest,
 * microseconds of app_now() or CW_LINK_NEVER
 */
void app_idle(bool news, uint64_t deadline);

/** app_exit - leave the link in order and stop; does not return */
void app_exit(int code) __attribute__((noreturn));

uint64_t app_now(void); /* microseconds */

/** say - print on the UART; at most 255 bytes */
void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
