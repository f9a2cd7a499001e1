/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CAUSEWAY_FIRMWARE_LWIP_CC_H
#define CAUSEWAY_FIRMWARE_LWIP_CC_H

void lwip_port_assert(const char *what);

#define LWIP_PLATFORM_DIAG(x)	((void)0)
#define LWIP_PLATFORM_ASSERT(x) lwip_port_assert(x)

#endif
