/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Resource tables: what a firmware tells remoteproc that it needs. Read from a private copy of bytes
 * that nobody vouches for; all of a table is checked once, after that every entry can be read.
 */
#ifndef CAUSEWAY_CORE_RSCTABLE_H
#define CAUSEWAY_CORE_RSCTABLE_H

#include <causeway/abi/types.h>

#ifndef __cplusplus
#include <stdbool.h>
#endif

#define CW_RSC_ENTRIES_MAX 256u
#define CW_RSC_NAME	   32u
#define CW_RSC_ANY	   0xffffffffu /* an address or notification number that is ours to choose */

enum cw_rsc_type {
	CW_RSC_CARVEOUT = 0,
	CW_RSC_DEVMEM = 1,
	CW_RSC_TRACE = 2,
	CW_RSC_VDEV = 3,
	CW_RSC_LAST = 4,     /* types from here to CW_RSC_VENDOR mean nothing to anybody */
	CW_RSC_VENDOR = 128, /* to CW_RSC_VENDOR_END: the vendor's */
	CW_RSC_VENDOR_END = 512,
};

enum cw_rsc_fault {
	CW_RSC_FINE = 0,
	CW_RSC_SHORT,	 /* no room for the header */
	CW_RSC_VERSION,	 /* another version than 1 */
	CW_RSC_RESERVED, /* reserved words that are not 0 */
	CW_RSC_COUNT,	 /* more entries than the table has room for, or than CW_RSC_ENTRIES_MAX */
	CW_RSC_OFFSET,	 /* an entry begins outside the table, or in its header */
	CW_RSC_CUT,	 /* an entry does not end in the table */
	CW_RSC_FIELD,	 /* a field of an entry that must be 0 is not, or a name without an end */
};

struct cw_rsctable {
	uint8_t *bytes;
	uint32_t size, entries;
};

struct cw_rsc_memory { /* carveout, devmem, trace (pa and flags 0) */
	uint32_t da, pa, len, flags;
	char name[CW_RSC_NAME + 1]; /* printable ASCII, others as '?' */
};

struct cw_rsc_vdev {
	uint32_t id, notifyid, dfeatures, gfeatures;
	uint32_t config_len, config; /* offset of the configuration space in the table */
	uint8_t status, vrings;
};

struct cw_rsc_vring {
	uint32_t da, align, num, notifyid, pa;
};

/**
 * cw_rsctable_open - check a whole table
 * @bytes, @size: a private copy; kept
 * @entry: set to the entry that a fault is about, or -1; may be NULL
 *
 * Any context.
 */
enum cw_rsc_fault cw_rsctable_open(struct cw_rsctable *t, void *bytes, uint32_t size, int *entry);

/** cw_rsctable_type - of entry @i; CW_RSC_LAST: there is none, or it was overwritten by another */
uint32_t cw_rsctable_type(const struct cw_rsctable *t, unsigned int i);

/** cw_rsctable_memory - entry @i, when it is a carveout, devmem or trace; false otherwise */
bool cw_rsctable_memory(const struct cw_rsctable *t, unsigned int i, struct cw_rsc_memory *m);

/** cw_rsctable_vdev - entry @i, when it is a virtio device; false otherwise */
bool cw_rsctable_vdev(const struct cw_rsctable *t, unsigned int i, struct cw_rsc_vdev *v);

/** cw_rsctable_vring - vring @k of virtio device @i; false when there is none */
bool cw_rsctable_vring(const struct cw_rsctable *t, unsigned int i, unsigned int k,
		       struct cw_rsc_vring *r);

/** cw_rsctable_place - write where a carveout or devmem was put; false: entry @i is neither */
bool cw_rsctable_place(struct cw_rsctable *t, unsigned int i, uint32_t da, uint32_t pa);

/** cw_rsctable_place_vring - write where a vring was put, and its number; false: there is none */
bool cw_rsctable_place_vring(struct cw_rsctable *t, unsigned int i, unsigned int k, uint32_t da,
			     uint32_t notifyid);

/** cw_rsc_fault_text - one line for a fault: what is wrong, without names and numbers */
const char *cw_rsc_fault_text(enum cw_rsc_fault f);

#endif
