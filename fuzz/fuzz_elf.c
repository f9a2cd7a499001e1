// SPDX-License-Identifier: BSD-3-Clause
/*
 * ELF files: whatever is accepted can be loaded without another look at the file, into addresses that
 * are all different, and is entered where it is executable.
 */
#include "fuzz.h"

#include <causeway/core/elf.h>

#include <stdlib.h>
#include <string.h>

static void check_segments(const struct cw_elf *e)
{
	unsigned int entered = 0;
	volatile uint8_t sink;

	FZ_CHECK(e->segments && e->segments <= CW_ELF_SEGMENTS_MAX);
	for (unsigned int i = 0; i < e->segments; i++) {
		const struct cw_elf_segment *s = &e->segment[i];
		uint64_t last = s->address + (s->memory_size - 1);

		FZ_CHECK(s->memory_size && s->memory_size >= s->file_size && last >= s->address);
		for (uint64_t n = 0; n < s->file_size; n++)
			sink = e->bytes[s->offset + n];
		for (unsigned int k = 0; k < i; k++)
			FZ_CHECK(last < e->segment[k].address ||
				 s->address >
					 e->segment[k].address + (e->segment[k].memory_size - 1));
		entered += (s->flags & 1) && e->entry >= s->address && e->entry <= last;
	}
	(void)sink;
	FZ_CHECK(entered == 1);
}

static void look(const uint8_t *bytes, size_t size, uint16_t machine, bool is64)
{
	uint64_t offset, length, address;
	struct cw_elf e;
	int segment;

	if (cw_elf_open(&e, bytes, size, machine, is64, &segment)) {
		FZ_CHECK(segment >= -1 && segment < (int)CW_ELF_SEGMENTS_MAX);
		return;
	}
	check_segments(&e);
	if (!cw_elf_section(&e, ".resource_table", &offset, &length, &address) && length) {
		volatile uint8_t sink = 0;

		for (uint64_t n = 0; n < length; n++)
			sink = bytes[offset + n];
		(void)sink;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);

	FZ_CHECK(copy);
	memcpy(copy, data, size);
	look(copy, size, 40, false);
	look(copy, size, 183, true);
	free(copy);
	return 0;
}
