/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The region and its two link pages (docs/spec/region.md, sections 2 to 4).
 *
 * Low to high: device-tree fragment, PMM page, remote page, one block a device. The PMM page is
 * written by the worker alone, the remote page by the remote alone, for ever: an MPU or a firewall
 * can enforce the contract.
 */
#ifndef CAUSEWAY_ABI_REGION_H
#define CAUSEWAY_ABI_REGION_H

#include <causeway/abi/types.h>

/* Version of this contract, not of the library: major << 16 | minor. Majors must be equal. */
#define CW_ABI_VERSION	0x00010000u
#define CW_ABI_MAJOR(v) ((v) >> 16)

#define CW_PAGE_SIZE  4096u
#define CW_LINK_MAGIC 0x4b4c5743u /* "CWLK" */

/* Slots of a remote: slot 0 probes the link; each device has 1 + its queues, in layout order. */
#define CW_SLOTS_MAX   256u
#define CW_SLOT_PROBE  0u
/* Kick words are read a group at a time: 16 words are one cache line of 64 bytes. */
#define CW_GROUP_SLOTS 16u
#define CW_GROUPS_MAX  (CW_SLOTS_MAX / CW_GROUP_SLOTS)

/* What a side says of itself in its `state` word. */
enum cw_link_state {
	CW_STATE_NONE = 0,   /* no life yet: fresh memory */
	CW_STATE_INIT = 1,   /* has taken an epoch, serves no device yet */
	CW_STATE_UP = 2,     /* runs */
	CW_STATE_IDLE = 3,   /* left in order (stop, detach): not a crash */
	CW_STATE_HALTED = 4, /* held by a debugger: recovery is suspended */
	CW_STATE_PANIC = 5,  /* gave up, the reason is in panic_code */
};

/* A link page: 4096 bytes, one writer. Offsets are 32-bit words in little-endian order. */
struct cw_abi_link_page {
	struct cw_le32 magic;	/* CW_LINK_MAGIC */
	struct cw_le32 version; /* CW_ABI_VERSION */
	struct cw_le32 hash_lo; /* layout hash, docs/spec/region.md section 3 */
	struct cw_le32 hash_hi;
	uint8_t pad0_[0x30];
	struct cw_le32 epoch;	   /* this life of the writer; 0: none */
	struct cw_le32 peer_epoch; /* the peer's life that the writer has acknowledged */
	struct cw_le32 state;	   /* enum cw_link_state */
	struct cw_le32 panic_code; /* free value beside CW_STATE_PANIC */
	uint8_t pad1_[0x30];
	struct cw_le32 group[CW_GROUPS_MAX]; /* counts changes of the group's kick words */
	uint8_t pad2_[0x340];
	struct cw_le32 kick[CW_SLOTS_MAX]; /* running index published on each slot */
	struct cw_le32 seen[CW_SLOTS_MAX]; /* the peer's kick words that were looked at */
	uint8_t pad3_[0x400];
};

CW_ABI_AT(cw_abi_link_page, magic, 0x000);
CW_ABI_AT(cw_abi_link_page, version, 0x004);
CW_ABI_AT(cw_abi_link_page, hash_lo, 0x008);
CW_ABI_AT(cw_abi_link_page, hash_hi, 0x00c);
CW_ABI_AT(cw_abi_link_page, epoch, 0x040);
CW_ABI_AT(cw_abi_link_page, peer_epoch, 0x044);
CW_ABI_AT(cw_abi_link_page, state, 0x048);
CW_ABI_AT(cw_abi_link_page, panic_code, 0x04c);
CW_ABI_AT(cw_abi_link_page, group, 0x080);
CW_ABI_AT(cw_abi_link_page, kick, 0x400);
CW_ABI_AT(cw_abi_link_page, seen, 0x800);
CW_ABI_SIZE(cw_abi_link_page, CW_PAGE_SIZE);

/* Limits that both sides may rely on. */
#define CW_DEVICES_MAX	   64u
#define CW_QUEUES_MAX	   64u
#define CW_QUEUE_SIZE_MAX  1024u
#define CW_DEVICE_NAME_LEN 16u
#define CW_LINE_MIN	   16u
#define CW_LINE_MAX	   1024u

#endif
