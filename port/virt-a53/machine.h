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

/* ---- for start.S ---- */

void machine_irq(void);
void machine_fault(uint64_t esr, uint64_t elr, uint64_t far);

#endif
