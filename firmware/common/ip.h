/* SPDX-License-Identifier: BSD-3-Clause */
/* The IP side of an example firmware: lwIP over the network driver, echo services, ping. */
#ifndef CAUSEWAY_FIRMWARE_IP_H
#define CAUSEWAY_FIRMWARE_IP_H

#include <stdint.h>

#ifndef __cplusplus
#include <stdbool.h>
#endif

/* ip_start - @address, @mask: text; brings the interface up, whether its device is there or not */
void ip_start(const char *address, const char *mask);

/* ip_poll - take frames, run timers; true when there was a frame */
bool ip_poll(void);

/* ip_deadline - when ip_poll() wants to run next, microseconds of app_now() */
uint64_t ip_deadline(void);

/* ip_print - the interface, for `net iface`; by way of @out */
void ip_print(void (*out)(const char *fmt, ...));

/* echo_start - UDP and TCP on port 7 send back what they get; after ip_start() */
void echo_start(void);

/* ping_start - @count requests to @address, a second apart at most; false: no such address */
bool ping_start(const char *address, unsigned int count, void (*out)(const char *fmt, ...));

/* ping_running - whether the last ping_start() is still at work */
bool ping_running(void);

/* ping_stop - report what came so far, and end it */
void ping_stop(void);

#endif
