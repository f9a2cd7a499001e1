// SPDX-License-Identifier: BSD-3-Clause
/*
 * cw_machine_health() for bare metal with picolibc.
 *
 * Theory of operation: the stack that is not used yet is filled with a pattern; what of it is gone was
 * used. Stack and heap are where the linker script says.
 */
#include "health.h"

#include <causeway/port/machine.h>

#include <malloc.h>

#define PATTERN 0x57ac4f5eu
#define MARGIN	64u /* below this frame: nobody's but ours */

extern uint32_t __stack_bottom[], __stack_top[];
extern char __heap_start[], __heap_end[];

void stack_paint(void)
{
	volatile uint32_t *p = __stack_bottom;
	uintptr_t end = (uintptr_t)__builtin_frame_address(0) - MARGIN;

	while ((uintptr_t)p < end)
		*p++ = PATTERN;
}

void cw_machine_health(struct cw_machine_health *h)
{
	const volatile uint32_t *p = __stack_bottom;
	struct mallinfo m = mallinfo();

	while (p < __stack_top && *p == PATTERN)
		p++;
	h->stack_size = (uint32_t)((uintptr_t)__stack_top - (uintptr_t)__stack_bottom);
	h->stack_used = (uint32_t)((uintptr_t)__stack_top - (uintptr_t)p);
	h->heap_size = (uint32_t)((uintptr_t)__heap_end - (uintptr_t)__heap_start);
	h->heap_used = (uint32_t)m.uordblks;
	h->has_temperature = false;
	h->temperature = 0;
}
