// SPDX-License-Identifier: BSD-3-Clause
/* Resource tables: whatever is accepted can be read and filled in without another look at its size. */
#include "fuzz.h"

#include <causeway/core/rsctable.h>

#include <stdlib.h>
#include <string.h>

static void look(struct cw_rsctable *t, unsigned int i)
{
	struct cw_rsc_memory m;
	struct cw_rsc_vring r;
	struct cw_rsc_vdev v;
	volatile uint8_t sink = 0;

	if (cw_rsctable_memory(t, i, &m)) {
		FZ_CHECK(strnlen(m.name, sizeof(m.name)) < CW_RSC_NAME);
		for (const char *p = m.name; *p; p++)
			FZ_CHECK(*p > ' ' && *p <= '~');
		cw_rsctable_place(t, i, 1, 2);
	}
	if (!cw_rsctable_vdev(t, i, &v))
		return;
	for (uint32_t n = 0; n < v.config_len; n++)
		sink = t->bytes[v.config + n];
	for (unsigned int k = 0; k < v.vrings; k++) {
		if (cw_rsctable_vring(t, i, k, &r))
			FZ_CHECK(r.num && r.align);
		cw_rsctable_place_vring(t, i, k, 0x1020304, k);
	}
	(void)sink;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);
	struct cw_rsctable t;
	int entry;

	FZ_CHECK(copy);
	memcpy(copy, data, size);
	if (!cw_rsctable_open(&t, copy, (uint32_t)size, &entry)) {
		FZ_CHECK(t.entries <= CW_RSC_ENTRIES_MAX);
		for (unsigned int i = 0; i < t.entries; i++)
			look(&t, i);
	} else {
		FZ_CHECK(!t.entries);
	}
	free(copy);
	return 0;
}
