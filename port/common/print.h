/* SPDX-License-Identifier: BSD-3-Clause */
/* Printing on a bare machine's UART and into its trace, before and without a libc: for start-up and for faults. */
#ifndef CAUSEWAY_PORT_COMMON_PRINT_H
#define CAUSEWAY_PORT_COMMON_PRINT_H

#include <stdint.h>

void print(const char *text);
void print_hex(uint64_t value); /* 16 digits */

#endif
