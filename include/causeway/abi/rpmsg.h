/* SPDX-License-Identifier: BSD-3-Clause */
/* RPMsg over virtio (device 7): what Linux and OpenAMP put into memory, and our extensions to it
 * (docs/spec/rpmsg.md). */
#ifndef CAUSEWAY_ABI_RPMSG_H
#define CAUSEWAY_ABI_RPMSG_H

#include <causeway/abi/types.h>

/* Queues, as numbered by the table and by virtio */
#define CW_RPMSG_QUEUE_TO_HOST	 0u
#define CW_RPMSG_QUEUE_TO_REMOTE 1u

/* Feature bits, as masks. Bits 1 and 2 mean what the dialect says. */
#define CW_RPMSG_F_NS	       (1ull << 0)
#define CW_RPMSG_F_BUFSZ       (1ull << 1) /* Linux */
#define CW_RPMSG_F_NUTTX_ACK   (1ull << 1) /* NuttX */
#define CW_RPMSG_F_NUTTX_BUFSZ (1ull << 2) /* NuttX */
#define CW_RPMSG_F_FRAGMENT    (1ull << 16)
#define CW_RPMSG_F_CREDIT      (1ull << 17)

/* Addresses */
#define CW_RPMSG_ANY	     0xffffffffu /* none, or any; never in a message */
#define CW_RPMSG_DYNAMIC     1024u	 /* those below are fixed by agreement */
#define CW_RPMSG_NS_ADDR     53u
#define CW_RPMSG_CREDIT_ADDR 61u

#define CW_RPMSG_BUFFER_DEFAULT 512u /* bytes of a buffer unless a configuration says otherwise */
#define CW_RPMSG_NAME		32u

/* Before the payload of each message */
struct cw_abi_rpmsg_hdr {
	struct cw_le32 src;
	struct cw_le32 dst;
	struct cw_le32 reserved;
	struct cw_le32 len_flags; /* bytes of payload in the low half, flags in the high half */
};

CW_ABI_AT(cw_abi_rpmsg_hdr, dst, 4);
CW_ABI_AT(cw_abi_rpmsg_hdr, len_flags, 12);
CW_ABI_SIZE(cw_abi_rpmsg_hdr, 16);

#define CW_RPMSG_HEADER ((uint32_t)sizeof(struct cw_abi_rpmsg_hdr))

/* Flags; zero unless F_FRAGMENT was negotiated */
#define CW_RPMSG_FLAG_FRAGMENT 1u /* the payload begins with a fragment header */

struct cw_abi_rpmsg_ns {
	uint8_t name[CW_RPMSG_NAME];
	struct cw_le32 addr; /* of the endpoint, on the side that sends this */
	struct cw_le32 flags;
};

CW_ABI_AT(cw_abi_rpmsg_ns, addr, 32);
CW_ABI_SIZE(cw_abi_rpmsg_ns, 40);

#define CW_RPMSG_NS_CREATE  0u
#define CW_RPMSG_NS_DESTROY 1u
#define CW_RPMSG_NS_ACK	    2u /* NuttX: answers a create */

/* Configuration space of Linux: 11 bytes, of which some are not aligned; here in 12. */
struct cw_abi_rpmsg_config {
	uint8_t version;      /* 1 */
	uint8_t size[2];      /* 11 */
	uint8_t to_host[4];   /* bytes of a buffer on queue 0 */
	uint8_t to_remote[4]; /* and on queue 1 */
	uint8_t pad_;
};

CW_ABI_AT(cw_abi_rpmsg_config, to_host, 3);
CW_ABI_AT(cw_abi_rpmsg_config, to_remote, 7);
CW_ABI_SIZE(cw_abi_rpmsg_config, 12);

#define CW_RPMSG_CONFIG_VERSION 1u
#define CW_RPMSG_CONFIG_SIZE	11u

/* Configuration space of NuttX: the other order. */
struct cw_abi_rpmsg_nuttx_config {
	struct cw_le32 to_remote;
	struct cw_le32 to_host;
	uint8_t names_and_reserved[56];
};

CW_ABI_SIZE(cw_abi_rpmsg_nuttx_config, 64);

/* With FLAG_FRAGMENT, before each piece of a long message */
struct cw_abi_rpmsg_fragment {
	struct cw_le32 total; /* bytes of the whole message */
	struct cw_le32 at;    /* offset of this piece in it */
};

CW_ABI_SIZE(cw_abi_rpmsg_fragment, 8);

/* Payload of a message to CREDIT_ADDR */
struct cw_abi_rpmsg_credit {
	struct cw_le32 from;  /* the endpoint that can take messages */
	struct cw_le32 to;    /* the endpoint that may send them */
	struct cw_le32 limit; /* the running number of messages up to which it may */
};

CW_ABI_SIZE(cw_abi_rpmsg_credit, 12);

/* A resource table with nothing but an RPMsg device, as a firmware may carry it. */
struct cw_abi_rpmsg_vring {
	struct cw_le32 da, align, num, notifyid, pa;
};

struct cw_abi_rpmsg_table {
	struct cw_le32 version, entries, reserved[2], offset;
	struct cw_le32 type, id, notifyid, dfeatures, gfeatures, config_len;
	uint8_t status, vrings, zero[2];
	struct cw_abi_rpmsg_vring vring[2];
	struct cw_abi_rpmsg_config config;
};

CW_ABI_AT(cw_abi_rpmsg_table, offset, 16);
CW_ABI_AT(cw_abi_rpmsg_table, type, 20);
CW_ABI_AT(cw_abi_rpmsg_table, status, 44);
CW_ABI_AT(cw_abi_rpmsg_table, vring, 48);
CW_ABI_AT(cw_abi_rpmsg_table, config, 88);
CW_ABI_SIZE(cw_abi_rpmsg_table, 100);

#endif
