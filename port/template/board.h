/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a board's manual says. Every number here is an example and to be replaced; the steps are those
 * of docs/porting.md.
 */
#ifndef CAUSEWAY_PORT_BOARD_H
#define CAUSEWAY_PORT_BOARD_H

#define BOARD_NAME "template"

/* Step 2: the region, as `causeway layout BOARD.yaml` says. */
#define REGION_BASE 0x37000000u
#define REGION_SIZE 0x01000000u

/* Step 4: a UART that the firmware that ran before has set up (speed, pins, clock). */
#define UART_DATA     0xff010030u /* written: one character */
#define UART_STATUS   0xff01002cu
#define UART_FULL     0x00000010u /* in UART_STATUS: no room */
#define UART_PATIENCE 100000u	  /* looks at UART_STATUS before a character is given up */

/* Step 5: a counter that counts upwards, 32 bits wide, and never stops. */
#define TIMER_COUNT  0xff110018u
#define TIMER_PER_US 100u /* counts in a microsecond */

/* Step 6: the doorbells. A ring is one store; theirs is a bit that stays set until it is cleared. */
#define RING_REGISTER 0xff310000u
#define RING_VALUE    0x01000000u
#define RUNG_STATUS   0xff310010u
#define RUNG_BIT      0x01000000u
#define RUNG_CLEAR    0xff310010u /* written: RUNG_BIT */

/*
 * Step 7: sleeping. Called with interrupts masked; returns when an interrupt is pending, masked or
 * not, and may return early. Until there is one, `wait` polls.
 *
 *	Arm	__asm__ volatile("dsb; wfi" ::: "memory")
 *	RISC-V	__asm__ volatile("wfi" ::: "memory")
 */
#define board_irq_mask()   ((void)0)
#define board_irq_unmask() ((void)0)
#define board_sleep()	   ((void)0)

#endif
