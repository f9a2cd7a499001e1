/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PORT_COMMON_HEALTH_H
#define PORT_COMMON_HEALTH_H

/* stack_paint - mark what of the stack nobody has used yet; once, early */
void stack_paint(void);

#endif
