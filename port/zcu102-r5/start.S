/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Entered in supervisor mode, ARM state, with MPU and caches off. Stacks, MPU, caches, .bss, main().
 */
#include "board.h"

/* MPU region attributes, ARM v7-R. */
#define SIZE_16M (23 << 1)
#define SIZE_32M (24 << 1)
#define SIZE_64K (15 << 1)
#define SIZE_4G	 (31 << 1)
#define ENABLED	 1
#define RW	 (3 << 8)
#define NO_EXEC	 (1 << 12)
#define DEVICE	 (NO_EXEC | RW | (1 << 2) | (1 << 0))	/* TEX 0, S, B */
#define SHARED	 (NO_EXEC | RW | (1 << 3) | (1 << 2))	/* TEX 1 C 0 B 0: Normal, non-cacheable */
#define CACHED	 (RW | (1 << 3) | (1 << 1) | (1 << 0))	/* TEX 1 C 1 B 1: write-back, allocate */

	.syntax unified
	.arm

	/* The core takes exceptions at 0 (its TCM there on silicon). None is returned from. */
	.section .vectors, "ax"
	.global vectors
vectors:
	ldr	pc, =_start
	ldr	pc, =undefined
	ldr	pc, =supervisor
	ldr	pc, =prefetch
	ldr	pc, =data
	nop
	ldr	pc, =interrupt
	ldr	pc, =interrupt
	.ltorg

	.section .text.start, "ax"
	.global _start
_start:
	cpsid	if, #0x13
	ldr	sp, =__stack_top

	mrc	p15, 0, r0, c1, c0, 0
	bic	r0, r0, #(1 << 0 | 1 << 2)	/* M, C off */
	bic	r0, r0, #(1 << 12 | 1 << 13)	/* I off, vectors at 0 */
	bic	r0, r0, #(1 << 1)		/* A: unaligned accesses to Normal memory are fine */
	bic	r0, r0, #(1 << 30)		/* TE: exceptions in ARM state, as written here */
	mcr	p15, 0, r0, c1, c0, 0
	isb

	/* Later regions win over earlier ones. */
	ldr	r0, =mpu
	mov	r1, #0
0:	ldm	r0!, {r2, r3, r4}
	mcr	p15, 0, r1, c6, c2, 0		/* region number */
	mcr	p15, 0, r2, c6, c1, 0		/* base */
	mcr	p15, 0, r4, c6, c1, 4		/* attributes */
	mcr	p15, 0, r3, c6, c1, 2		/* size, enable */
	add	r1, r1, #1
	cmp	r1, #((mpu_end - mpu) / 12)
	blo	0b

	mov	r0, #0
	mcr	p15, 0, r0, c15, c5, 0		/* invalidate all of the data cache */
	mcr	p15, 0, r0, c7, c5, 0		/* and of the instruction cache */
	dsb
	mrc	p15, 0, r0, c1, c0, 0
	orr	r0, r0, #(1 << 0 | 1 << 2)
	orr	r0, r0, #(1 << 12)
	dsb
	mcr	p15, 0, r0, c1, c0, 0
	isb

	ldr	r0, =__bss_start
	ldr	r1, =__bss_end
	mov	r2, #0
1:	cmp	r0, r1
	strlo	r2, [r0], #4
	blo	1b

	ldr	r0, =__tls_base			/* errno and the like */
	ldr	r1, =_set_tls
	blx	r1
	ldr	r1, =main
	blx	r1
	ldr	r1, =cw_machine_exit
	blx	r1
park:	wfi
	b	park

undefined:
	mov	r0, #1
	b	fault
supervisor:
	mov	r0, #2
	b	fault
prefetch:
	mov	r0, #3
	b	fault
data:	mov	r0, #4
	b	fault
interrupt:
	mov	r0, #6
fault:	mov	r1, lr
	mrc	p15, 0, r2, c6, c0, 0		/* DFAR */
	cpsid	if, #0x13
	ldr	sp, =__stack_top		/* whatever the old one was, it is not needed again */
	ldr	r3, =machine_fault
	blx	r3
	b	park
	.ltorg

	.section .rodata
	.balign	4
mpu:	.word	0, SIZE_4G | ENABLED, DEVICE
	.word	0, SIZE_64K | ENABLED, CACHED
	.word	PROGRAM_BASE, SIZE_32M | ENABLED, CACHED
	.word	REGION_BASE, SIZE_16M | ENABLED, SHARED
mpu_end:
