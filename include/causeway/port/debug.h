/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a debugger's stub needs of a machine, beside machine.h. A port that has it fills one struct; a
 * port without it has no such file, and no firmware with a stub is built for it (docs/porting.md).
 *
 * Context: start() and stop() from main()'s loop; on_stop() is called in the exception, on a stack of
 * its own and with all that was stopped in the frame, and the others only within it.
 */
#ifndef CAUSEWAY_PORT_DEBUG_H
#define CAUSEWAY_PORT_DEBUG_H

#include <stddef.h>
#include <stdint.h>

#ifndef __cplusplus
#include <stdbool.h>
#endif

#define CW_DEBUG_TRAP_MAX 4u /* bytes of the instruction that stops, at most */

/* Why it stopped: the numbers that gdb gives to signals. */
enum cw_debug_signal {
	CW_DEBUG_INT = 2, /* asked for, by stop() */
	CW_DEBUG_ILL = 4,
	CW_DEBUG_TRAP = 5, /* the instruction that stops, or one step was made */
	CW_DEBUG_FPE = 8,
	CW_DEBUG_BUS = 10,
	CW_DEBUG_SEGV = 11,
};

struct cw_debug_frame; /* the registers of what was stopped; the port's */

struct cw_debug {
	/* The registers as gdb wants them described, and the bytes of each, in the same order. */
	const char *target_xml;
	const uint8_t *reg_size;
	unsigned int regs;
	uint8_t trap[CW_DEBUG_TRAP_MAX]; /* the instruction that stops */
	unsigned int trap_size;

	/**
	 * start - from now on tell of stops
	 * @on_stop: returns true when the program may go on as its frame says, false when nobody
	 * wanted to know: what cannot go on then ends as it does without a debugger
	 */
	void (*start)(bool (*on_stop)(struct cw_debug_frame *f, enum cw_debug_signal why));
	/** stop - stop here; on_stop() has been called when it returns */
	void (*stop)(void);

	/** reg - where register @i is in a frame, in the processor's own byte order */
	void *(*reg)(struct cw_debug_frame *f, unsigned int i);
	uint64_t (*pc)(const struct cw_debug_frame *f);
	void (*set_pc)(struct cw_debug_frame *f, uint64_t pc);
	/** step - whether one instruction is to be executed before the next stop */
	void (*step)(struct cw_debug_frame *f, bool on);

	/** read - copy memory; false, and nothing worse, when it cannot be read */
	bool (*read)(void *to, uint64_t from, uint32_t len);
	/** write - the same the other way; instructions written are those executed */
	bool (*write)(uint64_t to, const void *from, uint32_t len);
	/** kept - whether @at is in code that the way out to the debugger leads through */
	bool (*kept)(uint64_t at);
};

/** cw_machine_debug - the port's */
extern const struct cw_debug cw_machine_debug;

#endif
