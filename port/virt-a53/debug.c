// SPDX-License-Identifier: BSD-3-Clause
/*
 * What a debugger's stub needs, on an Arm core at EL1.
 *
 * Theory of operation: BRK, a step and whatever the core cannot go on from come to machine_sync() with
 * all registers in one frame, on a stack of their own (start.S), and what the frame says afterwards is
 * what goes on. A step is the core's own software step: it is enabled by PSTATE.D, which this port
 * keeps set otherwise, so that neither the stub nor an interrupt's handler is stepped through.
 *
 * Code that the way to the debugger leads through (link.ld: libraries, port, stub, and what they call
 * of libc) is kept: nothing stops there. It calls nothing outside of itself, so whoever stops outside
 * of it has interrupted none of it half-way.
 */
#include "machine.h"

#include <causeway/port/debug.h>

#define EC(esr)	   ((uint32_t)((esr) >> 26 & 0x3f))
#define EC_UNKNOWN 0x00u
#define EC_PC	   0x22u
#define EC_ABORTS  0x20u /* to 0x25, of instructions and data */
#define EC_SP	   0x26u
#define EC_FP	   0x2cu
#define EC_STEP	   0x33u
#define EC_BRK	   0x3cu

#define ASKED 0xc0deu /* the BRK of ours, and its number in ESR */

#define SPSR_D	  (1u << 9)
#define SPSR_SS	  (1u << 21)
#define MDSCR_SS  1u
#define MDSCR_KDE (1u << 13)

#define X(n) "<reg name=\"x" #n "\" bitsize=\"64\"/>"

static const char target_xml[] =
	"<?xml version=\"1.0\"?><!DOCTYPE target SYSTEM \"gdb-target.dtd\">"
	"<target version=\"1.0\"><architecture>aarch64</architecture>"
	"<feature name=\"org.gnu.gdb.aarch64.core\">" X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8)
		X(9) X(10) X(11) X(12) X(13) X(14) X(15) X(16) X(17) X(18) X(19) X(20) X(21) X(22)
			X(23) X(24) X(25) X(26) X(27) X(28) X(29)
				X(30) "<reg name=\"sp\" bitsize=\"64\" type=\"data_ptr\"/>"
				      "<reg name=\"pc\" bitsize=\"64\" type=\"code_ptr\"/>"
				      "<reg name=\"cpsr\" bitsize=\"32\"/>"
				      "</feature></target>";

#define REGS 34u

static const uint8_t reg_size[REGS] = {
	8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8,
	8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 4,
};

extern const char __kept_start[], __kept_end[];

static bool (*told)(struct cw_debug_frame *f, enum cw_debug_signal why);

static enum cw_debug_signal signal_of(uint32_t ec)
{
	switch (ec) {
	case EC_STEP:
	case EC_BRK:
		return CW_DEBUG_TRAP;
	case EC_PC:
	case EC_SP:
		return CW_DEBUG_BUS;
	case EC_FP:
		return CW_DEBUG_FPE;
	default:
		return ec >= EC_ABORTS && ec <= EC_ABORTS + 5 ? CW_DEBUG_SEGV : CW_DEBUG_ILL;
	}
}

static void set_stepping(bool on)
{
	__asm__ volatile("msr mdscr_el1, %0; isb" ::"r"((uint64_t)(MDSCR_KDE | on)) : "memory");
}

static bool on_sync(struct cw_debug_frame *f, uint64_t esr)
{
	bool asked = EC(esr) == EC_BRK && (esr & 0xffff) == ASKED;

	f->spsr = (f->spsr | SPSR_D) & ~(uint64_t)SPSR_SS;
	set_stepping(false);
	if (asked)
		f->pc += 4;
	return told(f, asked ? CW_DEBUG_INT : signal_of(EC(esr)));
}

/* The OS lock, which is on after a reset, keeps every debug exception but BRK away. */
static void start(bool (*on_stop)(struct cw_debug_frame *f, enum cw_debug_signal why))
{
	told = on_stop;
	machine_on_sync = on_sync;
	__asm__ volatile("msr oslar_el1, xzr; isb");
	set_stepping(false);
}

static void stop(void)
{
	__asm__ volatile("brk %0" ::"i"(ASKED) : "memory");
}

static void *reg(struct cw_debug_frame *f, unsigned int i)
{
	return i < 31 ? &f->x[i] : i == 31 ? &f->sp : i == 32 ? &f->pc : &f->spsr;
}

static uint64_t pc(const struct cw_debug_frame *f)
{
	return f->pc;
}

static void set_pc(struct cw_debug_frame *f, uint64_t at)
{
	f->pc = at;
}

static void step(struct cw_debug_frame *f, bool on)
{
	if (on)
		f->spsr = (f->spsr | SPSR_SS) & ~(uint64_t)SPSR_D;
	set_stepping(on);
}

/* Devices want whole words; memory does not mind. */
static bool copy(uint64_t to, uint64_t from, uint32_t len)
{
	unsigned int step_by = (to | from | len) % 4 ? 1 : 4;

	return from + len >= from && to + len >= to && !machine_copy(to, from, len, step_by);
}

static bool read_memory(void *to, uint64_t from, uint32_t len)
{
	return copy((uintptr_t)to, from, len);
}

/* Lines of 64 bytes, the least that this core has. */
static bool write_memory(uint64_t to, const void *from, uint32_t len)
{
	if (!copy(to, (uintptr_t)from, len))
		return false;
	for (uint64_t at = to & ~63ull; at < to + len; at += 64)
		__asm__ volatile("dc cvau, %0" ::"r"(at) : "memory");
	__asm__ volatile("dsb ish" ::: "memory");
	for (uint64_t at = to & ~63ull; at < to + len; at += 64)
		__asm__ volatile("ic ivau, %0" ::"r"(at) : "memory");
	__asm__ volatile("dsb ish; isb" ::: "memory");
	return true;
}

static bool kept(uint64_t at)
{
	return at >= (uintptr_t)__kept_start && at < (uintptr_t)__kept_end;
}

const struct cw_debug cw_machine_debug = {
	.target_xml = target_xml,
	.reg_size = reg_size,
	.regs = REGS,
	.trap = { 0x00, 0x00, 0x20, 0xd4 }, /* BRK #0 */
	.trap_size = 4,
	.start = start,
	.stop = stop,
	.reg = reg,
	.pc = pc,
	.set_pc = set_pc,
	.step = step,
	.read = read_memory,
	.write = write_memory,
	.kept = kept,
};
