/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Entered at EL1 with the MMU off. Stack, .bss, FPU access, vectors, translation, main(). No C runs
 * before the MMU is on: the library's memset uses unaligned accesses and cache instructions.
 */
	.section .text.start, "ax"
	.global _start
_start:
	msr	daifset, #0xf
	mrs	x0, mpidr_el1
	and	x0, x0, #0xff
	cbnz	x0, park
	mov	x0, #(3 << 20)		/* CPACR_EL1.FPEN */
	msr	cpacr_el1, x0
	ldr	x0, =vectors
	msr	vbar_el1, x0
	ldr	x0, =__stack_top
	mov	sp, x0
	isb

	ldr	x0, =__bss_start
	ldr	x1, =__bss_end
0:	cmp	x0, x1
	b.hs	1f
	stp	xzr, xzr, [x0], #16
	b	0b

1:	ldr	x0, =mmu_tables		/* set at link time, see mmu.c */
	msr	ttbr0_el1, x0
	ldr	x0, =mmu_mair
	ldr	x0, [x0]
	msr	mair_el1, x0
	ldr	x0, =mmu_tcr
	ldr	x0, [x0]
	msr	tcr_el1, x0
	tlbi	vmalle1
	ic	iallu
	dsb	sy
	isb
	mrs	x0, sctlr_el1
	mov	x1, #(1 << 0 | 1 << 2)	/* M, C */
	movk	x1, #(1 << 12)		/* I */
	orr	x0, x0, x1
	bic	x0, x0, #(1 << 1)	/* A: unaligned accesses to Normal memory are fine */
	msr	sctlr_el1, x0
	isb

	ldr	x0, =__tls_base - 16	/* errno and the like; 16: the thread's control block */
	msr	tpidr_el0, x0
	bl	main
	bl	cw_machine_exit
park:	wfi
	b	park

	.macro	vector target
	.balign	0x80
	b	\target
	.endm

	.balign	0x800
vectors:
	.rept	4			/* with SP_EL0, which nobody uses */
	vector	fault
	.endr
	vector	fault
	vector	irq
	vector	fault
	vector	fault
	.rept	8			/* from lower levels, which there are none of */
	vector	fault
	.endr

irq:	sub	sp, sp, #192
	stp	x0, x1, [sp, #0]
	stp	x2, x3, [sp, #16]
	stp	x4, x5, [sp, #32]
	stp	x6, x7, [sp, #48]
	stp	x8, x9, [sp, #64]
	stp	x10, x11, [sp, #80]
	stp	x12, x13, [sp, #96]
	stp	x14, x15, [sp, #112]
	stp	x16, x17, [sp, #128]
	stp	x18, x29, [sp, #144]
	str	x30, [sp, #160]
	bl	machine_irq
	ldr	x30, [sp, #160]
	ldp	x18, x29, [sp, #144]
	ldp	x16, x17, [sp, #128]
	ldp	x14, x15, [sp, #112]
	ldp	x12, x13, [sp, #96]
	ldp	x10, x11, [sp, #80]
	ldp	x8, x9, [sp, #64]
	ldp	x6, x7, [sp, #48]
	ldp	x4, x5, [sp, #32]
	ldp	x2, x3, [sp, #16]
	ldp	x0, x1, [sp, #0]
	add	sp, sp, #192
	eret

fault:	mrs	x0, esr_el1
	mrs	x1, elr_el1
	mrs	x2, far_el1
	ldr	x3, =__stack_top	/* whatever the old one was, it is not needed again */
	mov	sp, x3
	bl	machine_fault
	b	park
