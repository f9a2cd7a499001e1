/* SPDX-License-Identifier: BSD-3-Clause */
/* Between the files of this port. */
#ifndef CAUSEWAY_PORT_VIRT_A53_MACHINE_H
#define CAUSEWAY_PORT_VIRT_A53_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

static inline uint32_t reg_read(uintptr_t at)
{
	return *(volatile uint32_t *)at;
}

static inline void reg_write(uintptr_t at, uint32_t value)
{
	*(volatile uint32_t *)at = value;
}

/* ---- ivshmem.c ---- */

/* Finds the device, puts the region where the board wants it, lets its doorbell interrupt us. */
bool ivshmem_init(void);
void ivshmem_ring(void);

/* ---- machine.c, for programs that know that they run here (tests/trap) ---- */

struct cw_machine;

/* As cw_machine_init(), without a region or a doorbell. */
const struct cw_machine *machine_init_alone(void);
void machine_irq_enable(uint32_t id);
/* Called in the interrupt for those that are not the port's; true: wait() is to return. */
extern bool (*machine_on_irq)(uint32_t id);

/* ---- for debug.c ---- */

/* As start.S saves and restores it. */
struct cw_debug_frame {
	uint64_t x[31], sp, pc, spsr;
	uint64_t v[32][2], fpsr, fpcr;
};

/* Called with what the processor cannot go on from, NULL: nobody; true: go on as the frame says. */
extern bool (*machine_on_sync)(struct cw_debug_frame *f, uint64_t esr);
/* Copies in steps of 1 or 4 bytes, not 0 when an address cannot be accessed. In start.S. */
int machine_copy(uint64_t to, uint64_t from, uint64_t len, unsigned int step);

/* ---- for start.S ---- */

void machine_irq(void);
void machine_sync(struct cw_debug_frame *f, uint64_t esr, uint64_t far);
void machine_fault(uint64_t esr, uint64_t elr, uint64_t far);

#endif
