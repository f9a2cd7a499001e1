/* SPDX-License-Identifier: BSD-3-Clause */
/* Numbers of the virtio specification that both sides use (virtio 1.3 sections 2.1, 5 and 6). */
#ifndef CAUSEWAY_ABI_VIRTIO_H
#define CAUSEWAY_ABI_VIRTIO_H

#include <causeway/abi/types.h>

/* Device ids */
#define CW_ID_NET     1u
#define CW_ID_BLK     2u
#define CW_ID_CONSOLE 3u
#define CW_ID_RNG     4u
#define CW_ID_RPMSG   7u
#define CW_ID_9P      9u
#define CW_ID_VSOCK   19u

/* Device status bits */
#define CW_STATUS_ACKNOWLEDGE 1u
#define CW_STATUS_DRIVER      2u
#define CW_STATUS_DRIVER_OK   4u
#define CW_STATUS_FEATURES_OK 8u
#define CW_STATUS_NEEDS_RESET 64u
#define CW_STATUS_FAILED      128u

/* Feature bits of every device, as masks */
#define CW_F_INDIRECT_DESC (1ull << 28)
#define CW_F_EVENT_IDX	   (1ull << 29)
#define CW_F_VERSION_1	   (1ull << 32)
#define CW_F_RING_RESET	   (1ull << 40)

/* Network device (section 5.1) */
#define CW_NET_F_CSUM	    (1ull << 0)
#define CW_NET_F_GUEST_CSUM (1ull << 1)
#define CW_NET_F_MTU	    (1ull << 3)
#define CW_NET_F_MAC	    (1ull << 5)
#define CW_NET_F_GUEST_TSO4 (1ull << 7)
#define CW_NET_F_GUEST_TSO6 (1ull << 8)
#define CW_NET_F_HOST_TSO4  (1ull << 11)
#define CW_NET_F_HOST_TSO6  (1ull << 12)
#define CW_NET_F_MRG_RXBUF  (1ull << 15)
#define CW_NET_F_STATUS	    (1ull << 16)
#define CW_NET_S_LINK_UP    1u
#define CW_NET_QUEUE_RX	    0u
#define CW_NET_QUEUE_TX	    1u

struct cw_abi_net_config {
	uint8_t mac[6];
	struct cw_le16 status;
	struct cw_le16 max_virtqueue_pairs;
	struct cw_le16 mtu;
};

CW_ABI_AT(cw_abi_net_config, status, 6);
CW_ABI_AT(cw_abi_net_config, mtu, 10);
CW_ABI_SIZE(cw_abi_net_config, 12);

#define CW_NET_HDR_F_NEEDS_CSUM 1u
#define CW_NET_HDR_F_DATA_VALID 2u
#define CW_NET_HDR_GSO_NONE	0u
#define CW_NET_HDR_GSO_TCPV4	1u
#define CW_NET_HDR_GSO_UDP	3u
#define CW_NET_HDR_GSO_TCPV6	4u
#define CW_NET_HDR_GSO_ECN	0x80u

/* With VERSION_1 the header always has num_buffers (section 5.1.6). */
struct cw_abi_net_hdr {
	uint8_t flags;
	uint8_t gso_type;
	struct cw_le16 hdr_len;
	struct cw_le16 gso_size;
	struct cw_le16 csum_start;
	struct cw_le16 csum_offset;
	struct cw_le16 num_buffers;
};

CW_ABI_AT(cw_abi_net_hdr, hdr_len, 2);
CW_ABI_AT(cw_abi_net_hdr, num_buffers, 10);
CW_ABI_SIZE(cw_abi_net_hdr, 12);

/* Block device (section 5.2) */
#define CW_BLK_F_SIZE_MAX     (1ull << 1)
#define CW_BLK_F_SEG_MAX      (1ull << 2)
#define CW_BLK_F_RO	      (1ull << 5)
#define CW_BLK_F_BLK_SIZE     (1ull << 6)
#define CW_BLK_F_FLUSH	      (1ull << 9)
#define CW_BLK_F_TOPOLOGY     (1ull << 10)
#define CW_BLK_F_DISCARD      (1ull << 13)
#define CW_BLK_F_WRITE_ZEROES (1ull << 14)
#define CW_BLK_SECTOR	      512u
#define CW_BLK_ID_LEN	      20u

enum cw_abi_blk_type {
	CW_BLK_T_IN = 0,
	CW_BLK_T_OUT = 1,
	CW_BLK_T_FLUSH = 4,
	CW_BLK_T_GET_ID = 8,
	CW_BLK_T_DISCARD = 11,
	CW_BLK_T_WRITE_ZEROES = 13,
};

#define CW_BLK_S_OK	0
#define CW_BLK_S_IOERR	1
#define CW_BLK_S_UNSUPP 2

struct cw_abi_blk_config {
	struct cw_le32 capacity[2]; /* sectors, low word first */
	struct cw_le32 size_max;
	struct cw_le32 seg_max;
	struct cw_le32 geometry;
	struct cw_le32 blk_size;
	uint8_t physical_block_exp;
	uint8_t alignment_offset;
	struct cw_le16 min_io_size; /* blocks */
	struct cw_le32 opt_io_size;
	uint8_t writeback;
	uint8_t unused0;
	struct cw_le16 num_queues;
	struct cw_le32 max_discard_sectors;
	struct cw_le32 max_discard_seg;
	struct cw_le32 discard_sector_alignment;
	struct cw_le32 max_write_zeroes_sectors;
	struct cw_le32 max_write_zeroes_seg;
	uint8_t write_zeroes_may_unmap;
	uint8_t unused1[3];
};

CW_ABI_AT(cw_abi_blk_config, size_max, 8);
CW_ABI_AT(cw_abi_blk_config, blk_size, 20);
CW_ABI_AT(cw_abi_blk_config, min_io_size, 26);
CW_ABI_AT(cw_abi_blk_config, opt_io_size, 28);
CW_ABI_AT(cw_abi_blk_config, num_queues, 34);
CW_ABI_AT(cw_abi_blk_config, max_discard_sectors, 36);
CW_ABI_AT(cw_abi_blk_config, max_write_zeroes_sectors, 48);
CW_ABI_AT(cw_abi_blk_config, write_zeroes_may_unmap, 56);
CW_ABI_SIZE(cw_abi_blk_config, 60);

/* What a request begins with; a status byte is its last. */
struct cw_abi_blk_header {
	struct cw_le32 type;
	struct cw_le32 reserved;
	struct cw_le32 sector[2];
};

CW_ABI_AT(cw_abi_blk_header, sector, 8);
CW_ABI_SIZE(cw_abi_blk_header, 16);

#define CW_BLK_UNMAP 1u /* in flags of a segment to be zeroed */

struct cw_abi_blk_segment {
	struct cw_le32 sector[2];
	struct cw_le32 sectors;
	struct cw_le32 flags;
};

CW_ABI_AT(cw_abi_blk_segment, sectors, 8);
CW_ABI_SIZE(cw_abi_blk_segment, 16);

/* Console device (section 5.3) */
#define CW_CONSOLE_F_SIZE	 (1ull << 0)
#define CW_CONSOLE_F_MULTIPORT	 (1ull << 1)
#define CW_CONSOLE_F_EMERG_WRITE (1ull << 2)
#define CW_CONSOLE_QUEUE_RX	 0u
#define CW_CONSOLE_QUEUE_TX	 1u
#define CW_CONSOLE_QUEUE_CTRL_RX 2u
#define CW_CONSOLE_QUEUE_CTRL_TX 3u

struct cw_abi_console_config {
	struct cw_le16 cols;
	struct cw_le16 rows;
	struct cw_le32 max_nr_ports;
	struct cw_le32 emerg_wr;
};

CW_ABI_AT(cw_abi_console_config, max_nr_ports, 4);
CW_ABI_SIZE(cw_abi_console_config, 12);

enum cw_abi_console_event {
	CW_CONSOLE_DEVICE_READY = 0,
	CW_CONSOLE_DEVICE_ADD = 1,
	CW_CONSOLE_DEVICE_REMOVE = 2,
	CW_CONSOLE_PORT_READY = 3,
	CW_CONSOLE_CONSOLE_PORT = 4,
	CW_CONSOLE_RESIZE = 5,
	CW_CONSOLE_PORT_OPEN = 6,
	CW_CONSOLE_PORT_NAME = 7,
};

struct cw_abi_console_control {
	struct cw_le32 id;
	struct cw_le16 event;
	struct cw_le16 value;
};

CW_ABI_SIZE(cw_abi_console_control, 8);

/* 9P transport (id 9 in section 5; its configuration is that of Linux's and QEMU's virtio_9p.h) */
#define CW_9P_F_MOUNT_TAG (1ull << 0)
#define CW_9P_TAG_MAX	  30u /* ours; who defined it set no limit */

struct cw_abi_9p_config {
	struct cw_le16 tag_len;
	uint8_t tag
		[CW_9P_TAG_MAX]; /* not terminated; a driver believes tag_len, as far as there is room */
};

CW_ABI_AT(cw_abi_9p_config, tag, 2);
CW_ABI_SIZE(cw_abi_9p_config, 32);

/* Socket device (section 5.10) */
#define CW_VSOCK_F_STREAM    (1ull << 0)
#define CW_VSOCK_F_SEQPACKET (1ull << 1)
#define CW_VSOCK_QUEUE_RX    0u
#define CW_VSOCK_QUEUE_TX    1u
#define CW_VSOCK_QUEUE_EVENT 2u
#define CW_VSOCK_CID_HOST    2u
#define CW_VSOCK_CID_MIN     3u /* of a guest; lower ones have meanings */

struct cw_abi_vsock_config {
	struct cw_le32 guest_cid[2];
};

CW_ABI_SIZE(cw_abi_vsock_config, 8);

enum cw_abi_vsock_type {
	CW_VSOCK_STREAM = 1,
	CW_VSOCK_SEQPACKET = 2,
};

enum cw_abi_vsock_op {
	CW_VSOCK_OP_REQUEST = 1,
	CW_VSOCK_OP_RESPONSE = 2,
	CW_VSOCK_OP_RST = 3,
	CW_VSOCK_OP_SHUTDOWN = 4,
	CW_VSOCK_OP_RW = 5,
	CW_VSOCK_OP_CREDIT_UPDATE = 6,
	CW_VSOCK_OP_CREDIT_REQUEST = 7,
};

#define CW_VSOCK_SHUT_RCV  1u /* flags of a shutdown: its sender receives no more */
#define CW_VSOCK_SHUT_SEND 2u /* its sender sends no more */
#define CW_VSOCK_SHUT_BOTH 3u
#define CW_VSOCK_SEQ_EOM   1u /* flags of data: the last of its message */

/* What each packet begins with. */
struct cw_abi_vsock_hdr {
	struct cw_le32 src_cid[2];
	struct cw_le32 dst_cid[2];
	struct cw_le32 src_port;
	struct cw_le32 dst_port;
	struct cw_le32 len;
	struct cw_le16 type;
	struct cw_le16 op;
	struct cw_le32 flags;
	struct cw_le32 buf_alloc;
	struct cw_le32 fwd_cnt;
};

CW_ABI_AT(cw_abi_vsock_hdr, src_port, 16);
CW_ABI_AT(cw_abi_vsock_hdr, dst_port, 20);
CW_ABI_AT(cw_abi_vsock_hdr, len, 24);
CW_ABI_AT(cw_abi_vsock_hdr, type, 28);
CW_ABI_AT(cw_abi_vsock_hdr, op, 30);
CW_ABI_AT(cw_abi_vsock_hdr, flags, 32);
CW_ABI_AT(cw_abi_vsock_hdr, buf_alloc, 36);
CW_ABI_AT(cw_abi_vsock_hdr, fwd_cnt, 40);
CW_ABI_SIZE(cw_abi_vsock_hdr, 44);

#define CW_VSOCK_EVENT_RESET 0u /* transport reset: all connections are over, the cid may differ */

struct cw_abi_vsock_event {
	struct cw_le32 id;
};

CW_ABI_SIZE(cw_abi_vsock_event, 4);

#endif
