/* SPDX-License-Identifier: BSD-3-Clause */
/* What the halves of the console driver share: data in console.c, control in console_ctrl.c. */
#ifndef CAUSEWAY_DRIVER_CONSOLE_PRIV_H
#define CAUSEWAY_DRIVER_CONSOLE_PRIV_H

#include <causeway/driver/console.h>

/* Brings the control queues into use; before DRIVER_OK. */
int cw_console_ctrl_open(struct cw_console_driver *c);

/* Handles what the device said and says what is due. */
int cw_console_ctrl_poll(struct cw_console_driver *c);

static inline void *cw_console_cookie_(uint32_t buffer)
{
	return (void *)((uintptr_t)buffer + 1);
}

static inline uint16_t cw_console_buffer_(const void *cookie)
{
	return (uint16_t)((uintptr_t)cookie - 1);
}

#endif
