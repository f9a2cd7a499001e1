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
	mov	x1, #(1 << 0 | 1 << 2 | 1 << 12)	/* M, C, I */
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

	.macro	fpu op		/* all of its registers, at x2, which goes on */
	\op	q0, q1, [x2], #32
	\op	q2, q3, [x2], #32
	\op	q4, q5, [x2], #32
	\op	q6, q7, [x2], #32
	\op	q8, q9, [x2], #32
	\op	q10, q11, [x2], #32
	\op	q12, q13, [x2], #32
	\op	q14, q15, [x2], #32
	\op	q16, q17, [x2], #32
	\op	q18, q19, [x2], #32
	\op	q20, q21, [x2], #32
	\op	q22, q23, [x2], #32
	\op	q24, q25, [x2], #32
	\op	q26, q27, [x2], #32
	\op	q28, q29, [x2], #32
	\op	q30, q31, [x2], #32
	.endm

	.balign	0x800
vectors:
	.rept	4			/* with SP_EL0, which nobody uses */
	vector	fault
	.endr
	vector	sync
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

/*
 * All registers into the one frame, machine_sync() on a stack of its own, all registers back. Two
 * system registers that nobody else uses hold what has to make room. Who is in there already and
 * faults has no second frame and is not helped; but a copy that cannot be made only says so.
 */
sync:	msr	tpidr_el1, x0
	msr	tpidrro_el0, x1
	mrs	x0, elr_el1
	ldr	x1, =machine_copy
	cmp	x0, x1
	b.lo	0f
	ldr	x1, =copy_failed
	cmp	x0, x1
	b.hs	0f
	msr	elr_el1, x1
	eret
0:	ldr	x1, =busy
	ldr	w0, [x1]
	cbnz	w0, fault
	mov	w0, #1
	str	w0, [x1]
	ldr	x1, =frame
	stp	x2, x3, [x1, #16]
	mrs	x2, tpidr_el1
	mrs	x3, tpidrro_el0
	stp	x2, x3, [x1, #0]
	stp	x4, x5, [x1, #32]
	stp	x6, x7, [x1, #48]
	stp	x8, x9, [x1, #64]
	stp	x10, x11, [x1, #80]
	stp	x12, x13, [x1, #96]
	stp	x14, x15, [x1, #112]
	stp	x16, x17, [x1, #128]
	stp	x18, x19, [x1, #144]
	stp	x20, x21, [x1, #160]
	stp	x22, x23, [x1, #176]
	stp	x24, x25, [x1, #192]
	stp	x26, x27, [x1, #208]
	stp	x28, x29, [x1, #224]
	mov	x2, sp
	stp	x30, x2, [x1, #240]
	mrs	x2, elr_el1
	mrs	x3, spsr_el1
	stp	x2, x3, [x1, #256]
	add	x2, x1, #272
	fpu	stp
	mrs	x3, fpsr
	mrs	x4, fpcr
	stp	x3, x4, [x2]
	mov	x0, x1
	mrs	x1, esr_el1
	mrs	x2, far_el1
	ldr	x3, =__debug_stack_top
	mov	sp, x3
	bl	machine_sync
	ldr	x1, =frame
	add	x2, x1, #272
	fpu	ldp
	ldp	x3, x4, [x2]
	msr	fpsr, x3
	msr	fpcr, x4
	ldp	x2, x3, [x1, #256]
	msr	elr_el1, x2
	msr	spsr_el1, x3
	ldp	x30, x2, [x1, #240]
	mov	sp, x2
	ldr	x2, =busy
	str	wzr, [x2]
	ldp	x28, x29, [x1, #224]
	ldp	x26, x27, [x1, #208]
	ldp	x24, x25, [x1, #192]
	ldp	x22, x23, [x1, #176]
	ldp	x20, x21, [x1, #160]
	ldp	x18, x19, [x1, #144]
	ldp	x16, x17, [x1, #128]
	ldp	x14, x15, [x1, #112]
	ldp	x12, x13, [x1, #96]
	ldp	x10, x11, [x1, #80]
	ldp	x8, x9, [x1, #64]
	ldp	x6, x7, [x1, #48]
	ldp	x4, x5, [x1, #32]
	ldp	x2, x3, [x1, #16]
	ldp	x0, x1, [x1, #0]
	eret

	.global machine_copy
machine_copy:
	cbz	x2, 3f
	cmp	w3, #4
	b.eq	2f
1:	ldrb	w4, [x1], #1
	strb	w4, [x0], #1
	subs	x2, x2, #1
	b.ne	1b
	b	3f
2:	ldr	w4, [x1], #4
	str	w4, [x0], #4
	subs	x2, x2, #4
	b.ne	2b
3:	mov	w0, #0
	ret
copy_failed:
	mov	w0, #1
	ret

fault:	mrs	x0, esr_el1
	mrs	x1, elr_el1
	mrs	x2, far_el1
	ldr	x3, =__stack_top	/* whatever the old one was, it is not needed again */
	mov	sp, x3
	bl	machine_fault
	b	park

	.bss
	.balign	16
frame:	.skip	800			/* struct cw_debug_frame */
busy:	.skip	4
