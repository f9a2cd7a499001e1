// SPDX-License-Identifier: BSD-3-Clause
/*
 * Theory of operation: the layout is checked on both sides with the same code, so a remote built
 * with a hand-edited header refuses itself rather than corrupting its neighbour. The hash covers
 * exactly what a remote relies on, as little-endian 32-bit words in a fixed order, so that it does
 * not depend on structure padding, pointer size or byte order.
 */
#include <causeway/abi/ring.h>
#include <causeway/core/err.h>
#include <causeway/core/gate.h>
#include <causeway/core/layout.h>

static uint64_t fnv_byte(uint64_t h, uint8_t b)
{
	return (h ^ b) * 0x100000001b3ull;
}

static uint64_t fnv32(uint64_t h, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		h = fnv_byte(h, (uint8_t)(v >> (8 * i)));
	return h;
}

static uint64_t fnv64(uint64_t h, uint64_t v)
{
	return fnv32(fnv32(h, (uint32_t)v), (uint32_t)(v >> 32));
}

static uint64_t hash_device(uint64_t h, const struct cw_layout_device *d)
{
	for (unsigned int i = 0; i < CW_DEVICE_NAME_LEN; i++)
		h = fnv_byte(h, (uint8_t)d->name[i]);
	h = fnv32(h, d->id);
	h = fnv32(h, d->slot);
	h = fnv32(h, d->queues);
	h = fnv32(h, d->queue_size);
	h = fnv32(h, d->size);
	return fnv64(h, d->block);
}

uint64_t cw_layout_hash(const struct cw_layout *l)
{
	uint64_t h = 0xcbf29ce484222325ull;

	h = fnv32(h, CW_ABI_MAJOR(CW_ABI_VERSION));
	h = fnv64(h, l->base);
	h = fnv32(h, l->size);
	h = fnv32(h, l->line);
	h = fnv32(h, l->dtb);
	h = fnv32(h, l->slots);
	h = fnv64(h, l->pmm_page);
	h = fnv64(h, l->remote_page);
	h = fnv32(h, l->devices);
	for (unsigned int i = 0; i < l->devices; i++)
		h = hash_device(h, &l->device[i]);
	return h;
}

static uint32_t round_up(uint32_t v, uint32_t line)
{
	return (v + line - 1) & ~(line - 1);
}

uint32_t cw_ring_bytes(uint32_t queue_size, uint32_t line)
{
	return round_up(CW_RING_DESC_BYTES(queue_size), line) +
	       round_up(CW_RING_AVAIL_BYTES(queue_size), line) +
	       round_up(CW_RING_USED_BYTES(queue_size), line);
}

static int power_of_two(uint32_t v)
{
	return v && !(v & (v - 1));
}

/* Wholly inside the region and page-aligned */
static int inside(const struct cw_layout *l, cw_addr_t at, uint32_t size)
{
	uint64_t off = at - l->base;

	return !(at & (CW_PAGE_SIZE - 1)) && off <= l->size && size <= l->size - off;
}

static int overlap(cw_addr_t a, uint32_t a_size, cw_addr_t b, uint32_t b_size)
{
	return a < b + b_size && b < a + a_size;
}

static enum cw_layout_fault check_region(const struct cw_layout *l)
{
	if (!power_of_two(l->line) || l->line < CW_LINE_MIN || l->line > CW_LINE_MAX)
		return CW_LAYOUT_LINE;
	if (!l->size || (l->base | l->size) & (CW_PAGE_SIZE - 1) || l->base + l->size < l->base)
		return CW_LAYOUT_REGION;
	if (l->devices > CW_DEVICES_MAX || !l->slots || l->slots > CW_SLOTS_MAX)
		return CW_LAYOUT_COUNT;
	if (l->dtb & (CW_PAGE_SIZE - 1) || !inside(l, l->base, l->dtb) ||
	    !inside(l, l->pmm_page, CW_PAGE_SIZE) || !inside(l, l->remote_page, CW_PAGE_SIZE) ||
	    overlap(l->pmm_page, CW_PAGE_SIZE, l->remote_page, CW_PAGE_SIZE) ||
	    overlap(l->base, l->dtb, l->pmm_page, CW_PAGE_SIZE) ||
	    overlap(l->base, l->dtb, l->remote_page, CW_PAGE_SIZE))
		return CW_LAYOUT_PAGES;
	return CW_LAYOUT_FINE;
}

static enum cw_layout_fault check_device(const struct cw_layout *l,
					 const struct cw_layout_device *d)
{
	uint32_t rings;

	if (!d->name[0] || d->name[CW_DEVICE_NAME_LEN - 1])
		return CW_LAYOUT_NAME;
	if (!d->queues || d->queues > CW_QUEUES_MAX || !power_of_two(d->queue_size) ||
	    d->queue_size > CW_QUEUE_SIZE_MAX)
		return CW_LAYOUT_QUEUES;
	if (!d->slot || (uint32_t)d->slot + 1u + d->queues > l->slots)
		return CW_LAYOUT_SLOT;
	/* At least two descriptors a queue must fit; the driver chooses its sizes. */
	rings = d->queues * cw_ring_bytes(2, l->line);
	if (!inside(l, d->block, d->size) || d->size & (CW_PAGE_SIZE - 1) ||
	    d->size < 2 * CW_PAGE_SIZE + rings)
		return CW_LAYOUT_BLOCK;
	if (overlap(d->block, d->size, l->base, l->dtb) ||
	    overlap(d->block, d->size, l->pmm_page, CW_PAGE_SIZE) ||
	    overlap(d->block, d->size, l->remote_page, CW_PAGE_SIZE))
		return CW_LAYOUT_OVERLAP;
	return CW_LAYOUT_FINE;
}

static enum cw_layout_fault check_pair(const struct cw_layout_device *a,
				       const struct cw_layout_device *b)
{
	if (overlap(a->block, a->size, b->block, b->size))
		return CW_LAYOUT_OVERLAP;
	if (a->slot < b->slot + 1 + b->queues && b->slot < a->slot + 1 + a->queues)
		return CW_LAYOUT_SLOT;
	if (!memcmp(a->name, b->name, CW_DEVICE_NAME_LEN))
		return CW_LAYOUT_NAME;
	return CW_LAYOUT_FINE;
}

enum cw_layout_fault cw_layout_check(const struct cw_layout *l, int *device, int *other)
{
	enum cw_layout_fault f = check_region(l);
	int dummy;

	device = device ? device : &dummy;
	other = other ? other : &dummy;
	*device = *other = -1;
	for (int i = 0; f == CW_LAYOUT_FINE && i < l->devices; i++) {
		*device = i;
		*other = -1;
		f = check_device(l, &l->device[i]);
		for (int j = 0; f == CW_LAYOUT_FINE && j < i; j++) {
			*other = j;
			f = check_pair(&l->device[i], &l->device[j]);
		}
	}
	return f;
}

int cw_layout_find(const struct cw_layout *l, uint32_t id, unsigned int n)
{
	for (unsigned int i = 0; i < l->devices; i++)
		if (l->device[i].id == id && !n--)
			return (int)i;
	return CW_ENODEV;
}

const char *cw_layout_fault_text(enum cw_layout_fault f)
{
	static const char *const text[] = {
		[CW_LAYOUT_FINE] = "no fault",
		[CW_LAYOUT_REGION] = "region is empty, unaligned to 4096 bytes or wraps",
		[CW_LAYOUT_LINE] = "cache line is not a power of two from 16 to 1024",
		[CW_LAYOUT_PAGES] = "fragment or link page is unaligned, outside or overlapping",
		[CW_LAYOUT_COUNT] = "more than 64 devices or 256 slots",
		[CW_LAYOUT_QUEUES] = "queues not 1 to 64, or size not a power of two up to 1024",
		[CW_LAYOUT_SLOT] = "slots out of range or overlapping",
		[CW_LAYOUT_BLOCK] =
			"block unaligned, outside the region or too small for its rings",
		[CW_LAYOUT_OVERLAP] = "block overlaps a page or another block",
		[CW_LAYOUT_NAME] = "name is empty, too long or used twice",
	};

	return f < sizeof(text) / sizeof(text[0]) && text[f] ? text[f] : "unknown fault";
}
