/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a remote sees of its region: one description for both sides. The PMM makes it from the board
 * file, a remote has it from the generated header (`causeway layout --header`) or from the
 * device-tree fragment at the start of the region.
 */
#ifndef CAUSEWAY_CORE_LAYOUT_H
#define CAUSEWAY_CORE_LAYOUT_H

#include <causeway/abi/region.h>

struct cw_layout_device {
	char name[CW_DEVICE_NAME_LEN]; /* unique in the layout, NUL-padded, at most 15 characters */
	uint32_t id;		       /* virtio device id */
	uint16_t slot;	     /* first slot: requests and events; slot + 1 + i is queue i */
	uint16_t queues;     /* number of queues, 1 to CW_QUEUES_MAX */
	uint16_t queue_size; /* largest size of any of them, a power of two */
	uint32_t size;	     /* bytes of the block, both pages included */
	cw_addr_t block;     /* device page, driver page, then rings and buffers */
};

struct cw_layout {
	cw_addr_t base; /* region */
	uint32_t size;	/* bytes of the region */
	uint32_t line;	/* cache line of the coarser side: rings and buffers keep to it */
	uint32_t dtb;	/* bytes for the device-tree fragment at base, a multiple of the page */
	uint16_t slots; /* in use, slot 0 included */
	uint16_t devices;
	cw_addr_t pmm_page;
	cw_addr_t remote_page;
	const struct cw_layout_device *device;
};

/**
 * cw_layout_hash - FNV-1a 64 over the canonical records (docs/spec/region.md section 3)
 *
 * Any context. Both sides publish it; a difference keeps the link down (CW_ELAYOUT).
 */
uint64_t cw_layout_hash(const struct cw_layout *l);

/* What cw_layout_check() found wrong. */
enum cw_layout_fault {
	CW_LAYOUT_FINE = 0,
	CW_LAYOUT_REGION,  /* region unaligned, empty, wraps, or smaller than its parts */
	CW_LAYOUT_LINE,	   /* line not a power of two from CW_LINE_MIN to CW_LINE_MAX */
	CW_LAYOUT_PAGES,   /* fragment or link pages unaligned, outside or overlapping */
	CW_LAYOUT_COUNT,   /* more devices or slots than the contract allows */
	CW_LAYOUT_QUEUES,  /* queues or queue size out of range */
	CW_LAYOUT_SLOT,	   /* slots out of range or overlapping */
	CW_LAYOUT_BLOCK,   /* block unaligned, outside the region or too small for its rings */
	CW_LAYOUT_OVERLAP, /* block overlaps pages or another block */
	CW_LAYOUT_NAME,	   /* name empty, not terminated, or used twice */
};

/**
 * cw_layout_check - whether a layout keeps the contract's rules
 * @l: layout; @device: filled with the index of the device at fault, or -1 (may be NULL);
 * @other: with CW_LAYOUT_OVERLAP, _SLOT and _NAME the device it collides with, or -1 (may be NULL)
 *
 * Any context. Returns enum cw_layout_fault.
 */
enum cw_layout_fault cw_layout_check(const struct cw_layout *l, int *device, int *other);

/** cw_layout_find - index of the n-th (from 0) device with virtio id @id, or CW_ENODEV */
int cw_layout_find(const struct cw_layout *l, uint32_t id, unsigned int n);

/** cw_layout_fault_text - one line for a fault: what is wrong, without names and numbers */
const char *cw_layout_fault_text(enum cw_layout_fault f);

/** cw_ring_bytes - bytes that a queue's three parts take, each rounded up to @line */
uint32_t cw_ring_bytes(uint32_t queue_size, uint32_t line);

#endif
