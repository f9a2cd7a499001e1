/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Registers over plain memory: the device page and the driver page of the `mmio` transport
 * (docs/spec/region.md, sections 5 and 6). Offsets are those of virtio-mmio version 2 (virtio 1.3
 * section 4.2.2), so a stock driver is ported by replacing its two accessors.
 */
#ifndef CAUSEWAY_ABI_MMIO_H
#define CAUSEWAY_ABI_MMIO_H

#include <causeway/abi/types.h>

#define CW_MMIO_MAGIC	0x4d445743u /* "CWDM": not virtio's, stock drivers presume traps */
#define CW_MMIO_VERSION 2u
#define CW_MMIO_VENDOR	0x59415743u /* "CWAY" */

/* virtio-mmio register offsets */
#define CW_REG_MAGIC		   0x000u
#define CW_REG_VERSION		   0x004u
#define CW_REG_DEVICE_ID	   0x008u
#define CW_REG_VENDOR_ID	   0x00cu
#define CW_REG_DEVICE_FEATURES	   0x010u
#define CW_REG_DEVICE_FEATURES_SEL 0x014u
#define CW_REG_DRIVER_FEATURES	   0x020u
#define CW_REG_DRIVER_FEATURES_SEL 0x024u
#define CW_REG_QUEUE_SEL	   0x030u
#define CW_REG_QUEUE_NUM_MAX	   0x034u
#define CW_REG_QUEUE_NUM	   0x038u
#define CW_REG_QUEUE_READY	   0x044u
#define CW_REG_QUEUE_NOTIFY	   0x050u
#define CW_REG_INTERRUPT_STATUS	   0x060u
#define CW_REG_INTERRUPT_ACK	   0x064u
#define CW_REG_STATUS		   0x070u
#define CW_REG_QUEUE_DESC_LO	   0x080u
#define CW_REG_QUEUE_DESC_HI	   0x084u
#define CW_REG_QUEUE_DRIVER_LO	   0x090u
#define CW_REG_QUEUE_DRIVER_HI	   0x094u
#define CW_REG_QUEUE_DEVICE_LO	   0x0a0u
#define CW_REG_QUEUE_DEVICE_HI	   0x0a4u
#define CW_REG_SHM_SEL		   0x0acu
#define CW_REG_SHM_LEN_LO	   0x0b0u
#define CW_REG_SHM_LEN_HI	   0x0b4u
#define CW_REG_SHM_BASE_LO	   0x0b8u
#define CW_REG_SHM_BASE_HI	   0x0bcu
#define CW_REG_QUEUE_RESET	   0x0c0u
#define CW_REG_CONFIG_GENERATION   0x0fcu
#define CW_REG_CONFIG		   0x100u
#define CW_REG_CONFIG_END	   0x800u
#define CW_CONFIG_MAX		   (CW_REG_CONFIG_END - CW_REG_CONFIG)

/* InterruptStatus bits: synthesised by the driver's accessor */
#define CW_INT_USED   1u
#define CW_INT_CONFIG 2u

/* Device page: written by the worker alone. */
struct cw_abi_device_page {
	struct cw_le32 reg[CW_REG_CONFIG / 4]; /* image of the readable registers */
	uint8_t config[CW_CONFIG_MAX];	       /* device configuration space */
	struct cw_le32 ack_seq;		       /* last executed request, stored last */
	struct cw_le32 link_pmm;	       /* the link that the acknowledgement is for: */
	struct cw_le32 link_remote;	       /* the epochs of both sides */
	struct cw_le32 result;		       /* enum cw_abi_result */
	struct cw_le32 refused;		       /* index of the entry that was refused */
	struct cw_le32 event;		       /* counts acknowledgements and changes */
	uint8_t pad_[0x7e8];
};

CW_ABI_AT(cw_abi_device_page, config, 0x100);
CW_ABI_AT(cw_abi_device_page, ack_seq, 0x800);
CW_ABI_AT(cw_abi_device_page, link_pmm, 0x804);
CW_ABI_AT(cw_abi_device_page, link_remote, 0x808);
CW_ABI_AT(cw_abi_device_page, result, 0x80c);
CW_ABI_AT(cw_abi_device_page, refused, 0x810);
CW_ABI_AT(cw_abi_device_page, event, 0x814);
CW_ABI_SIZE(cw_abi_device_page, 4096);

/* What became of a request. Execution stops at the first entry that is refused. */
enum cw_abi_result {
	CW_RESULT_OK = 0,
	CW_RESULT_COUNT = 1,	/* count is 0 or above CW_REQUEST_ENTRIES */
	CW_RESULT_REGISTER = 2, /* no such writable register, or wrong width */
	CW_RESULT_VALUE = 3,	/* value out of range, e.g. queue size */
	CW_RESULT_STATE = 4, /* not now, e.g. size of a ready queue, DRIVER_OK before FEATURES_OK */
	CW_RESULT_ADDRESS = 5,	/* ring outside the block, unaligned or overlapping */
	CW_RESULT_FEATURES = 6, /* features not offered, or without VERSION_1 */
};

#define CW_REQUEST_ENTRIES 8u

struct cw_abi_request_entry {
	struct cw_le32 offset;
	struct cw_le32 width; /* 1, 2 or 4 bytes; below 0x100 only 4 */
	struct cw_le32 value;
	struct cw_le32 zero;
};

/* Driver page: written by the remote alone. */
struct cw_abi_driver_page {
	struct cw_le32 seq;	 /* stored last */
	struct cw_le32 link_pmm; /* the link that the request belongs to */
	struct cw_le32 link_remote;
	struct cw_le32 count; /* 1 to CW_REQUEST_ENTRIES */
	struct cw_abi_request_entry entry[CW_REQUEST_ENTRIES];
	uint8_t pad_[0xf70];
};

CW_ABI_AT(cw_abi_driver_page, seq, 0x000);
CW_ABI_AT(cw_abi_driver_page, link_pmm, 0x004);
CW_ABI_AT(cw_abi_driver_page, link_remote, 0x008);
CW_ABI_AT(cw_abi_driver_page, count, 0x00c);
CW_ABI_AT(cw_abi_driver_page, entry, 0x010);
CW_ABI_SIZE(cw_abi_request_entry, 16);
CW_ABI_SIZE(cw_abi_driver_page, 4096);

#endif
