// SPDX-License-Identifier: BSD-3-Clause
/* Rings: the driver's addresses come from the worker's report, everything else from the copy. */
#include "dump.h"

#include <causeway/abi/ring.h>
#include <causeway/core/bytes.h>

#include <stdio.h>

#define SHOWN 8u /* entries of each ring: the newest */

struct ring {
	const struct cw_abi_desc *desc;
	const struct cw_abi_avail *avail;
	const struct cw_abi_used *used;
	unsigned int size;
	cw_addr_t from, to; /* where buffers may be */
};

static bool find(struct dump *d, struct ring *r, const cJSON *q)
{
	uint32_t n = r->size;

	r->desc =
		cw_window_ptr(&d->region, (cw_addr_t)talk_number(q, "desc"), CW_RING_DESC_BYTES(n));
	r->avail = cw_window_ptr(&d->region, (cw_addr_t)talk_number(q, "avail"),
				 CW_RING_AVAIL_BYTES(n));
	r->used =
		cw_window_ptr(&d->region, (cw_addr_t)talk_number(q, "used"), CW_RING_USED_BYTES(n));
	return r->desc && r->avail && r->used;
}

static void show_descriptor(struct dump *d, const struct ring *r, unsigned int i)
{
	const struct cw_abi_desc *x = &r->desc[i];
	uint64_t addr = (uint64_t)cw_get_le32(x->addr_hi) << 32 | cw_get_le32(x->addr_lo);
	uint32_t len = cw_get_le32(x->len), word = cw_get_le32(x->flags_next);

	printf("      [%u] 0x%llx + %u%s%s", i, (unsigned long long)addr, len,
	       word & CW_DESC_F_WRITE ? " write" : " read",
	       word & CW_DESC_F_INDIRECT ? " indirect" : "");
	if (word & CW_DESC_F_NEXT)
		printf(" -> %u", word >> 16);
	putchar('\n');
	if (addr - r->from > r->to - r->from || len > r->to - addr)
		dump_warn(d, "descriptor %u is outside the device's block", i);
}

static void show_chain(struct dump *d, const struct ring *r, unsigned int head)
{
	unsigned int i = head, steps = 0;

	for (;;) {
		uint32_t word;

		if (i >= r->size) {
			dump_warn(d, "descriptor number %u is out of range (queue size %u)", i,
				  r->size);
			return;
		}
		show_descriptor(d, r, i);
		word = cw_get_le32(r->desc[i].flags_next);
		if (!(word & CW_DESC_F_NEXT))
			return;
		if (++steps >= r->size) {
			dump_warn(d, "the chain from %u loops", head);
			return;
		}
		i = word >> 16;
	}
}

/* The chains that the driver made available and the device has not taken, at most SHOWN. */
static void show_available(struct dump *d, const struct ring *r, uint16_t taken)
{
	uint16_t idx = cw_get_le16(r->avail->idx), waiting = (uint16_t)(idx - taken);

	printf("    available: idx %u, taken up to %u, flags %u, used_event %u\n", idx, taken,
	       cw_get_le16(r->avail->flags), cw_get_le16(r->avail->ring[r->size]));
	if (waiting > r->size) {
		dump_warn(d, "the available index is %u ahead of a queue of %u", waiting, r->size);
		return;
	}
	for (uint16_t i = 0; i < waiting && i < SHOWN; i++) {
		unsigned int head = cw_get_le16(r->avail->ring[(uint16_t)(taken + i) % r->size]);

		printf("    waits: chain %u\n", head);
		show_chain(d, r, head);
	}
	if (waiting > SHOWN)
		printf("    ... and %u more\n", waiting - SHOWN);
}

static void show_used(struct dump *d, const struct ring *r, uint16_t published)
{
	const struct cw_le16 *event = (const void *)&r->used->ring[r->size];
	uint16_t idx = cw_get_le16(r->used->idx);

	printf("    used: idx %u, flags %u, avail_event %u\n", idx, cw_get_le16(r->used->flags),
	       cw_get_le16(*event));
	/* Both move while we look; a difference of more than a queue cannot be that. */
	if ((uint16_t)(published - idx) > r->size && (uint16_t)(idx - published) > r->size)
		dump_warn(d, "the used index in memory is not the worker's (%u): overwritten",
			  published);
	for (uint16_t i = 0; i < SHOWN / 2 && i < r->size && i < idx; i++) {
		const struct cw_abi_used_elem *e =
			&r->used->ring[(uint16_t)(idx - 1 - i) % r->size];

		printf("      [%u] chain %u, %u bytes\n", (uint16_t)(idx - 1 - i),
		       cw_get_le32(e->id), cw_get_le32(e->len));
		if (cw_get_le32(e->id) >= r->size)
			dump_warn(d, "a used entry names a descriptor out of range: overwritten");
	}
}

void dump_queue(struct dump *d, const cJSON *device, const cJSON *queue, unsigned int i)
{
	cw_addr_t block = (cw_addr_t)talk_number(device, "block");
	struct ring r = { .size = (unsigned int)talk_number(queue, "size"),
			  .from = block + 2 * 4096,
			  .to = block + (cw_addr_t)talk_number(device, "size") };

	if (!r.size) {
		printf("  queue %u: not ready\n", i);
		return;
	}
	printf("  queue %u: size %u, descriptors 0x%llx, available 0x%llx, used 0x%llx\n", i,
	       r.size, (unsigned long long)talk_number(queue, "desc"),
	       (unsigned long long)talk_number(queue, "avail"),
	       (unsigned long long)talk_number(queue, "used"));
	if (!find(d, &r, queue)) {
		dump_warn(d, "its rings are outside the region");
		return;
	}
	show_available(d, &r, (uint16_t)talk_number(queue, "avail_idx"));
	show_used(d, &r, (uint16_t)talk_number(queue, "used_idx"));
}
