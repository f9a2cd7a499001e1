// SPDX-License-Identifier: BSD-3-Clause
/*
 * Bare metal on QEMU's `virt` machine.
 *
 * Theory of operation: interrupts are masked but for an instant in wait(), between waking and
 * looking: so no handler runs beside the loop. The doorbell is an MSI of the ivshmem device
 * (ivshmem.c); the virtual timer wakes at deadlines. Both handlers only note that they ran.
 */
#include "../common/health.h"
#include "../common/print.h"
#include "board.h"
#include "machine.h"

#include <causeway/port/machine.h>

#define UART_DR	  0x00u
#define UART_FR	  0x18u
#define UART_CR	  0x30u
#define UART_FULL 0x20u /* in FR: no room */

#define GICD_CTLR      0x000u
#define GICD_ISENABLER 0x100u
#define GICD_ITARGETSR 0x800u
#define GICD_ICFGR     0xc00u
#define GICC_CTLR      0x000u
#define GICC_PMR       0x004u
#define GICC_IAR       0x00cu
#define GICC_EOIR      0x010u

#define TIMER_ENABLE 1u
#define PSCI_OFF     0x84000008u

void (*cw_machine_on_fault)(uint32_t code);
bool (*machine_on_irq)(uint32_t id);
bool (*machine_on_sync)(struct cw_debug_frame *f, uint64_t esr);
static volatile bool rung;

static uint64_t count(void)
{
	uint64_t v;

	__asm__ volatile("isb; mrs %0, cntvct_el0" : "=r"(v)::"memory");
	return v;
}

static uint64_t frequency(void)
{
	uint64_t v;

	__asm__("mrs %0, cntfrq_el0" : "=r"(v));
	return v;
}

static uint64_t now(void *ctx)
{
	uint64_t v = count(), hz = frequency();

	(void)ctx;
	return v / hz * 1000000u + v % hz * 1000000u / hz;
}

static void timer_set(uint64_t after_us)
{
	uint64_t hz = frequency(), us = after_us < 1000000000u ? after_us : 1000000000u;

	__asm__ volatile("msr cntv_cval_el0, %0" ::"r"(count() + us * hz / 1000000u));
	__asm__ volatile("msr cntv_ctl_el0, %0; isb" ::"r"((uint64_t)TIMER_ENABLE));
}

static void timer_off(void)
{
	__asm__ volatile("msr cntv_ctl_el0, xzr; isb");
}

static void ring(void *ctx)
{
	(void)ctx;
	ivshmem_ring();
}

/*
 * WFI wakes up for masked interrupts too, so none that comes after the look is slept through; then
 * the handlers run in the gap in which they may.
 */
static void wait(void *ctx, uint64_t deadline)
{
	uint64_t t;

	while (!rung && (t = now(ctx)) < deadline) {
		timer_set(deadline - t);
		__asm__ volatile("dsb sy; wfi; msr daifclr, #2; isb; msr daifset, #2" ::: "memory");
	}
	timer_off();
	rung = false;
}

void machine_irq(void)
{
	uint32_t id = reg_read(GICC_BASE + GICC_IAR);

	if ((id & 0x3ff) == IRQ_DOORBELL)
		rung = true;
	else if ((id & 0x3ff) == IRQ_TIMER)
		timer_off();
	else if (machine_on_irq && machine_on_irq(id & 0x3ff))
		rung = true;
	reg_write(GICC_BASE + GICC_EOIR, id);
}

void machine_irq_enable(uint32_t id)
{
	uint32_t at = GICD_BASE + GICD_ITARGETSR + id / 4 * 4;

	reg_write(at, reg_read(at) | 1u << id % 4 * 8); /* to this processor */
	reg_write(GICD_BASE + GICD_ISENABLER + id / 32 * 4, 1u << id % 32);
}

static void gic_init(void)
{
	uint32_t at = GICD_BASE + GICD_ICFGR + IRQ_DOORBELL / 16 * 4;

	reg_write(at, reg_read(at) | 2u << IRQ_DOORBELL % 16 * 2); /* an edge */
	machine_irq_enable(IRQ_DOORBELL);
	machine_irq_enable(IRQ_TIMER);
	reg_write(GICD_BASE + GICD_CTLR, 1);
	reg_write(GICC_BASE + GICC_PMR, 0xff);
	reg_write(GICC_BASE + GICC_CTLR, 1);
}

static const struct cw_port port = { .now = now, .ring = ring, .wait = wait };

static const struct cw_machine machine = {
	.board = BOARD_NAME,
	.remote = "",
	.region = (void *)(uintptr_t)REGION_BASE,
	.region_size = REGION_SIZE,
	.port = &port,
	.may_spin = false, /* an emulated processor that spins takes one from Linux */
};

const struct cw_machine *machine_init_alone(void)
{
	stack_paint();
	reg_write(UART_BASE + UART_CR, 0x301); /* on, both directions */
	gic_init();
	return &machine;
}

const struct cw_machine *cw_machine_init(void)
{
	machine_init_alone();
	if (!ivshmem_init()) {
		print("no ivshmem device on the PCI bus: start this board with `causeway run`\n");
		return NULL;
	}
	return &machine;
}

void cw_machine_uart(const char *text, size_t len)
{
	for (; len; len--, text++) {
		while (reg_read(UART_BASE + UART_FR) & UART_FULL)
			;
		reg_write(UART_BASE + UART_DR, (uint32_t)(unsigned char)*text);
	}
}

uint32_t cw_machine_seed(void)
{
	return (uint32_t)count();
}

/* What the processor cannot go on from. The link is told, if there is one; then nothing more comes. */
void machine_fault(uint64_t esr, uint64_t elr, uint64_t far)
{
	print("\nexception: ESR ");
	print_hex(esr);
	print(" ELR ");
	print_hex(elr);
	print(" FAR ");
	print_hex(far);
	print("\n");
	if (cw_machine_on_fault)
		cw_machine_on_fault((uint32_t)esr);
}

/*
 * A debugger may want to know first. What it took of doorbells meanwhile was not for it alone: the
 * next wait() returns at once. Not returning from here: start.S would let the program go on.
 */
void machine_sync(struct cw_debug_frame *f, uint64_t esr, uint64_t far)
{
	if (machine_on_sync && machine_on_sync(f, esr)) {
		rung = true;
		return;
	}
	machine_fault(esr, f->pc, far);
	cw_machine_exit(1);
}

/* In order: the machine goes off. Otherwise it stays as it is, for whoever wants to look at it. */
void cw_machine_exit(int code)
{
	register uint64_t x0 __asm__("x0") = PSCI_OFF;

	if (!code)
		__asm__ volatile("hvc #0" : "+r"(x0)::"memory", "x1", "x2", "x3");
	timer_off();
	for (;;)
		__asm__ volatile("wfi");
}
