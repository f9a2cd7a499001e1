/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ZCU102, first Cortex-R5F of the real-time cluster, in split mode, as QEMU models it: no interrupt
 * reaches the core, so it polls. What differs on silicon is said beside the number.
 */
#ifndef CAUSEWAY_PORT_BOARD_H
#define CAUSEWAY_PORT_BOARD_H

#define BOARD_NAME "zcu102-r5"

/* As in boards/zcu102-r5.yaml. MPU regions are powers of two, aligned to their size. */
#define REGION_BASE  0x37000000
#define REGION_SIZE  0x01000000
#define PROGRAM_BASE 0x38000000 /* as in link.ld */
#define PROGRAM_SIZE 0x02000000

/* The console. U-Boot, or nobody under QEMU, has set its speed. */
#define UART_BASE 0xff010000u

/*
 * The doorbell is a byte on the other UART, which QEMU connects to the PMM. On silicon that one is
 * Linux's console; there an inter-processor interrupt serves, docs/porting.md step 6.
 */
#define BELL_BASE 0xff000000u

/* Cycle counter. Silicon: 500 or 533, by the PLL. */
#define CYCLES_PER_US 1000u

/* How long wait() looks at nothing but the doorbell before the loop looks at memory again. */
#define LOOK_US 10u

#endif
