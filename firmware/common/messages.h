/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Messages with the other side: one RPMsg channel for the whole firmware, with endpoints `ping` and
 * `rpmsg-tty`, and room for those that others make.
 *
 *	messages_init();
 *	app_use(APP_RPMSG);
 *	cw_rpmsg_create(messages_channel(), &spec, &endpoint);
 *	...in each pass: app_poll(), messages_poll(), app_idle()
 *
 * Endpoints stay when the link or the device is lost, and are announced again when it is back.
 */
#ifndef CAUSEWAY_FIRMWARE_MESSAGES_H
#define CAUSEWAY_FIRMWARE_MESSAGES_H

#include <causeway/driver/rpmsg.h>

#define MESSAGES_ENDPOINTS 16u	 /* `ping` and `rpmsg-tty` among them */
#define MESSAGES_SERVICES  8u	 /* of the other side that are remembered */
#define MESSAGES_LONGEST   8192u /* bytes that `ping` echoes */

/* messages_init - make the channel and its endpoints, before app_use() */
void messages_init(void);

/* messages_channel - to make endpoints of one's own, after messages_init() */
struct cw_rpmsg *messages_channel(void);

/*
 * messages_poll - answer what has come for `ping` and `rpmsg-tty`; true: some message came or went since the last call
 *
 * From the main loop, behind app_poll(), which receives and calls endpoints.
 */
bool messages_poll(void);

#endif
