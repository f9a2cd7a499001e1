// SPDX-License-Identifier: BSD-3-Clause
#include "rig.h"

static _Alignas(4096) uint8_t memory[RIG_BYTES];

uint8_t *rig_memory(void)
{
	return memory;
}

static void keep_out(struct rig *r, const void *p, uint32_t len)
{
	struct cw_ranges *k = &r->keep_out;
	cw_addr_t at = cw_window_addr(&r->w, p);

	k->range[k->n].at = at;
	k->range[k->n++].end = at + len;
	k->lo = at < k->lo ? at : k->lo;
	k->hi = at + len > k->hi ? at + len : k->hi;
}

void rig_set_up(struct rig *r, uint16_t size, bool event_idx, bool indirect)
{
	uint16_t entries = size < 16 ? size : 16;

	memset(r, 0, sizeof(*r));
	memset(memory, 0xa5, sizeof(memory));
	r->w.va_ = memory;
	r->w.base = RIG_BASE;
	r->w.size = RIG_BYTES;
	r->size = size;
	assert_int_equal(cw_drvq_init(&r->drv, &r->w, RIG_RING, RIG_LINE, size, r->slot, event_idx),
			 0);
	if (indirect && size * entries * 16u <= RIG_BUFFER - RIG_TABLE)
		assert_int_equal(cw_drvq_indirect(&r->drv, &r->w, RIG_TABLE, entries), 0);
	r->keep_out.lo = UINT64_MAX;
	keep_out(r, r->drv.desc, CW_RING_DESC_BYTES(size));
	keep_out(r, r->drv.avail, CW_RING_AVAIL_BYTES(size));
	keep_out(r, r->drv.used, CW_RING_USED_BYTES(size));
	assert_int_equal(cw_devq_init(&r->dev, &r->w, &r->keep_out, cw_drvq_part(&r->drv, &r->w, 0),
				      cw_drvq_part(&r->drv, &r->w, 1),
				      cw_drvq_part(&r->drv, &r->w, 2), size, r->own, event_idx,
				      indirect),
			 0);
}

struct cw_buf rig_buf(unsigned int n)
{
	struct cw_buf b = { RIG_BUFFER + 16u * (n % 4096u), 16 };

	return b;
}

static void put(struct cw_abi_desc *d, cw_addr_t addr, uint32_t len, uint32_t flags, uint32_t next)
{
	cw_store32(&d->addr_lo, (uint32_t)addr);
	cw_store32(&d->addr_hi, (uint32_t)(addr >> 32));
	cw_store32(&d->len, len);
	cw_store32(&d->flags_next, flags | next << 16);
}

void rig_desc(struct rig *r, unsigned int i, cw_addr_t addr, uint32_t len, uint32_t flags,
	      uint32_t next)
{
	put(&r->drv.desc[i], addr, len, flags, next);
}

void rig_entry(struct rig *r, cw_addr_t table, unsigned int i, cw_addr_t addr, uint32_t len,
	       uint32_t flags, uint32_t next)
{
	struct cw_abi_desc *d = cw_window_ptr(&r->w, table + 16ull * i, 16);

	assert_non_null(d);
	put(d, addr, len, flags, next);
}

void rig_offer(struct rig *r, uint16_t head)
{
	cw_store16(&r->drv.avail->ring[r->offered++ & (r->size - 1u)], head);
	cw_store16(&r->drv.avail->idx, r->offered);
}

int rig_pop(struct rig *r)
{
	return cw_devq_pop(&r->dev, &r->chain, r->part, RIG_PARTS);
}
