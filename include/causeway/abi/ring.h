/* SPDX-License-Identifier: BSD-3-Clause */
/* The split virtqueue in memory (virtio 1.3 section 2.7). */
#ifndef CAUSEWAY_ABI_RING_H
#define CAUSEWAY_ABI_RING_H

#include <causeway/abi/types.h>

#define CW_DESC_F_NEXT		1u
#define CW_DESC_F_WRITE		2u
#define CW_DESC_F_INDIRECT	4u
#define CW_AVAIL_F_NO_INTERRUPT 1u
#define CW_USED_F_NO_NOTIFY	1u

#define CW_DESC_ALIGN  16u
#define CW_AVAIL_ALIGN 2u
#define CW_USED_ALIGN  4u

/* Words of at most 32 bits cross the boundary, so the address is two and flags with next are one. */
struct cw_abi_desc {
	struct cw_le32 addr_lo;
	struct cw_le32 addr_hi;
	struct cw_le32 len;
	struct cw_le32 flags_next; /* flags in the low half, next in the high half */
};

/* Available ring: flags, idx, ring[size], used_event. */
struct cw_abi_avail {
	struct cw_le16 flags;
	struct cw_le16 idx;
	struct cw_le16 ring[];
};

struct cw_abi_used_elem {
	struct cw_le32 id;
	struct cw_le32 len;
};

/* Used ring: flags, idx, ring[size], avail_event. */
struct cw_abi_used {
	struct cw_le16 flags;
	struct cw_le16 idx;
	struct cw_abi_used_elem ring[];
};

CW_ABI_SIZE(cw_abi_desc, 16);
CW_ABI_AT(cw_abi_desc, len, 8);
CW_ABI_AT(cw_abi_desc, flags_next, 12);
CW_ABI_SIZE(cw_abi_used_elem, 8);
CW_ABI_SIZE(cw_abi_avail, 4);
CW_ABI_SIZE(cw_abi_used, 4);

/* Bytes of each part of a queue of n descriptors, the event words included. */
#define CW_RING_DESC_BYTES(n)  (16u * (uint32_t)(n))
#define CW_RING_AVAIL_BYTES(n) (6u + 2u * (uint32_t)(n))
#define CW_RING_USED_BYTES(n)  (6u + 8u * (uint32_t)(n))

#endif
