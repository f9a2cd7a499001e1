// SPDX-License-Identifier: BSD-3-Clause
/*
 * A port to be copied: bare metal, one core, one region.
 *
 * Theory of operation: start-up code (the board's, before main) has set up stack, memory attributes
 * and UART. Here are the clock, the doorbells and the sleep that driver/ needs, and what a firmware
 * prints on. Nothing here touches the region: that is for driver/ alone.
 */
#include "board.h"

#include <causeway/port/machine.h>

void (*cw_machine_on_fault)(uint32_t code); /* for the exception handlers of your start-up code */

static uint32_t reg_read(uintptr_t at)
{
	return *(volatile uint32_t *)at;
}

static void reg_write(uintptr_t at, uint32_t value)
{
	*(volatile uint32_t *)at = value;
}

/*
 * Makes 64 bits of 32: somebody has to ask at least once in every turn of the counter, which the main
 * loop does. Asked from an interrupt handler too, it would need a lock: read a 64-bit counter there.
 */
static uint64_t now(void *ctx)
{
	static uint32_t last;
	static uint64_t turns;
	uint32_t count = reg_read(TIMER_COUNT);

	(void)ctx;
	if (count < last)
		turns += 1ull << 32;
	last = count;
	return (turns + count) / TIMER_PER_US;
}

/* The library has put a barrier before this: what was stored to the region is visible by now. */
static void ring(void *ctx)
{
	(void)ctx;
	reg_write(RING_REGISTER, RING_VALUE);
}

/*
 * Masked between the look and the sleep, or a ring in between would sleep through; the interrupt that
 * wakes us is the doorbell's or the timer's. The source is cleared before returning, so a ring that
 * comes later counts for the next call.
 */
static void wait(void *ctx, uint64_t deadline)
{
	board_irq_mask();
	while (!(reg_read(RUNG_STATUS) & RUNG_BIT) && now(ctx) < deadline)
		board_sleep(); /* step 7: set the timer to min(deadline, one turn) before this */
	reg_write(RUNG_CLEAR, RUNG_BIT);
	board_irq_unmask();
}

static const struct cw_port port = { .now = now, .ring = ring, .wait = wait };

static const struct cw_machine machine = {
	.board = BOARD_NAME,
	.remote = "",
	.region = (void *)(uintptr_t)REGION_BASE,
	.region_size = REGION_SIZE,
	.port = &port,
	.may_spin = false, /* true where this core has nothing else to do and power is no matter */
};

/* Step 3: memory attributes first, for whoever reads the region before they are set reads a cache. */
const struct cw_machine *cw_machine_init(void)
{
	reg_write(RUNG_CLEAR, RUNG_BIT);
	return &machine;
}

static void put(char c)
{
	for (uint32_t i = 0; i < UART_PATIENCE; i++)
		if (!(reg_read(UART_STATUS) & UART_FULL)) {
			reg_write(UART_DATA, (uint32_t)(unsigned char)c);
			return;
		}
}

void cw_machine_uart(const char *text, size_t len)
{
	for (; len; len--, text++) {
		if (*text == '\n')
			put('\r');
		put(*text);
	}
}

uint32_t cw_machine_seed(void)
{
	return reg_read(TIMER_COUNT);
}

/* A board with a reset register writes it here; remoteproc sees a remote that stopped by its link. */
/* ../common/health.c knows more, with picolibc and the linker script of a port that has it. */
void cw_machine_health(struct cw_machine_health *h)
{
	const struct cw_machine_health nothing = { 0 };

	*h = nothing;
}

void cw_machine_exit(int code)
{
	(void)code;
	board_irq_mask();
	for (;;)
		board_sleep();
}
