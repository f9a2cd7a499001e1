// SPDX-License-Identifier: BSD-3-Clause
/*
 * A trace buffer, and the resource table that tells Linux where it is: for machines whose firmware
 * another processor loads (remoteproc, and our own loader).
 *
 * Theory of operation: readers stop at the first zero. So what follows the last byte is always zero,
 * and is so before that byte is there; a buffer that is full is emptied from its end, and begun anew.
 */
#include <causeway/core/barrier.h>
#include <causeway/port/machine.h>

#define SIZE 4096u

volatile char cw_trace_buffer[SIZE];

/* In assembly: to C, an address of 64 bits is no constant of 32, which is what a table holds. */
__asm__(".pushsection .resource_table, \"aw\"\n"
	".balign 8\n"
	".word 1, 1, 0, 0, 20\n"	      /* version, entries, reserved, offset */
	".word 2, cw_trace_buffer, 4096, 0\n" /* a trace: address, size, reserved */
	".ascii \"trace0\"\n.zero 26\n"	      /* its name */
	".popsection\n");

void cw_machine_trace(const char *text, size_t len)
{
	static uint32_t used;

	for (; len; len--, text++) {
		if (used + 1 >= SIZE) {
			while (used)
				cw_trace_buffer[--used] = 0;
			cw_wmb();
		}
		cw_trace_buffer[used++] = *text;
	}
	cw_wmb();
}
