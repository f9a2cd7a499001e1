// SPDX-License-Identifier: BSD-3-Clause
/*
 * Bare metal on the ZCU102's Cortex-R5F.
 *
 * Theory of operation: no interrupts. wait() looks at the doorbell and returns after LOOK_US at the
 * latest, so that the loop looks at memory itself: a core with nothing else to do finds news there
 * sooner than by any doorbell. Towards Linux a byte on the spare UART is a ring.
 */
#include "../common/health.h"
#include "../common/print.h"
#include "board.h"

#include <causeway/port/machine.h>

#define UART_CR	      0x00u
#define UART_SR	      0x2cu
#define UART_FIFO     0x30u
#define UART_ON	      0x14u /* transmitter and receiver on */
#define UART_RX_EMPTY 0x02u
#define UART_TX_FULL  0x10u
#define FIFO_DEPTH    64

void (*cw_machine_on_fault)(uint32_t code);

void machine_fault(uint32_t kind, uint32_t lr, uint32_t address);

static uint32_t reg_read(uintptr_t at)
{
	return *(volatile uint32_t *)at;
}

static void reg_write(uintptr_t at, uint32_t value)
{
	*(volatile uint32_t *)at = value;
}

static uint32_t cycles(void)
{
	uint32_t v;

	__asm__ volatile("mrc p15, 0, %0, c9, c13, 0" : "=r"(v)::"memory");
	return v;
}

static void clock_init(void)
{
	__asm__ volatile("mcr p15, 0, %0, c9, c12, 0" ::"r"(1u | 4u)); /* enable, reset to 0 */
	__asm__ volatile("mcr p15, 0, %0, c9, c12, 1" ::"r"(1u << 31));
}

/* Makes 64 bits of 32: the loop asks far more often than the counter turns. */
static uint64_t now(void *ctx)
{
	static uint32_t last;
	static uint64_t turns;
	uint32_t count = cycles();

	(void)ctx;
	if (count < last)
		turns += 1ull << 32;
	last = count;
	return (turns + count) / CYCLES_PER_US;
}

static void ring(void *ctx)
{
	(void)ctx;
	/* A queue that is full holds rings enough. */
	if (!(reg_read(BELL_BASE + UART_SR) & UART_TX_FULL))
		reg_write(BELL_BASE + UART_FIFO, 0);
}

static bool rung(void)
{
	bool any = false;

	for (int i = 0; i < FIFO_DEPTH; i++) {
		if (reg_read(BELL_BASE + UART_SR) & UART_RX_EMPTY)
			break;
		reg_read(BELL_BASE + UART_FIFO);
		any = true;
	}
	return any;
}

static void wait(void *ctx, uint64_t deadline)
{
	uint64_t t = now(ctx), end = deadline < t + LOOK_US ? deadline : t + LOOK_US;

	if (rung())
		return;
	while (now(ctx) < end)
		;
}

static const struct cw_port port = { .now = now, .ring = ring, .wait = wait };

static const struct cw_machine machine = {
	.board = BOARD_NAME,
	.remote = "",
	.region = (void *)REGION_BASE,
	.region_size = REGION_SIZE,
	.port = &port,
	.may_spin = true,
};

const struct cw_machine *cw_machine_init(void)
{
	stack_paint();
	reg_write(UART_BASE + UART_CR, UART_ON);
	reg_write(BELL_BASE + UART_CR, UART_ON);
	clock_init();
	return &machine;
}

void cw_machine_uart(const char *text, size_t len)
{
	for (; len; len--, text++) {
		while (reg_read(UART_BASE + UART_SR) & UART_TX_FULL)
			;
		reg_write(UART_BASE + UART_FIFO, (uint32_t)(unsigned char)*text);
	}
}

uint32_t cw_machine_seed(void)
{
	return cycles();
}

/* What the processor cannot go on from. The link is told, if there is one; then nothing more comes. */
void machine_fault(uint32_t kind, uint32_t lr, uint32_t address)
{
	print("\nexception ");
	print_hex(kind);
	print(" LR ");
	print_hex(lr);
	print(" DFAR ");
	print_hex(address);
	print("\n");
	if (cw_machine_on_fault)
		cw_machine_on_fault(kind);
}

/* Nothing here switches the core off: who wants it to run again starts it again. */
void cw_machine_exit(int code)
{
	(void)code;
	for (;;)
		__asm__ volatile("wfi");
}
