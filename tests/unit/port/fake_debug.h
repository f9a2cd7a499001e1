/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A machine for the debugger's stub that is made of an array: four registers, and memory at FAKE_BASE
 * of which a part is kept. What lies elsewhere cannot be read or written.
 */
#ifndef TESTS_UNIT_PORT_FAKE_DEBUG_H
#define TESTS_UNIT_PORT_FAKE_DEBUG_H

#include "../../../firmware/common/gdb.h"

#include <string.h>

#define FAKE_BASE 0x1000u
#define FAKE_SIZE 2048u
#define FAKE_KEPT 0x1400u /* to FAKE_KEPT + 0x100 */
#define FAKE_XML  "<target><!-- $#}* --><reg name=\"a\"/></target>"

struct cw_debug_frame {
	uint64_t a, b, pc;
	uint32_t flags;
};

static uint8_t fake_memory[FAKE_SIZE];
static const uint8_t fake_sizes[] = { 8, 8, 8, 4 };

static inline void *fake_reg(struct cw_debug_frame *f, unsigned int i)
{
	void *const at[] = { &f->a, &f->b, &f->pc, &f->flags };

	return at[i];
}

static inline uint64_t fake_pc(const struct cw_debug_frame *f)
{
	return f->pc;
}

static inline void fake_set_pc(struct cw_debug_frame *f, uint64_t pc)
{
	f->pc = pc;
}

static inline bool fake_there(uint64_t at, uint32_t len)
{
	return at >= FAKE_BASE && at - FAKE_BASE <= FAKE_SIZE &&
	       len <= FAKE_SIZE - (at - FAKE_BASE);
}

static inline bool fake_read(void *to, uint64_t from, uint32_t len)
{
	if (fake_there(from, len))
		memcpy(to, fake_memory + (from - FAKE_BASE), len);
	return fake_there(from, len);
}

static inline bool fake_write(uint64_t to, const void *from, uint32_t len)
{
	if (fake_there(to, len))
		memcpy(fake_memory + (to - FAKE_BASE), from, len);
	return fake_there(to, len);
}

static inline bool fake_kept(uint64_t at)
{
	return at >= FAKE_KEPT && at < FAKE_KEPT + 0x100;
}

static const struct cw_debug fake_debug = {
	.target_xml = FAKE_XML,
	.reg_size = fake_sizes,
	.regs = 4,
	.trap = { 0xde, 0xad, 0xbe, 0xef },
	.trap_size = 4,
	.reg = fake_reg,
	.pc = fake_pc,
	.set_pc = fake_set_pc,
	.read = fake_read,
	.write = fake_write,
	.kept = fake_kept,
};

#endif
