/* SPDX-License-Identifier: BSD-3-Clause */
/* What the halves of the network driver share. */
#ifndef CAUSEWAY_DRIVER_NET_PRIV_H
#define CAUSEWAY_DRIVER_NET_PRIV_H

#include <causeway/driver/net.h>

#define HDR	  ((uint32_t)sizeof(struct cw_abi_net_hdr))
#define FRAME_MIN 14u
#define VLAN	  18u	 /* Ethernet header with a tag: what a frame may have beside its MTU */
#define GSO_MAX	  65550u /* 64 KB of IP and an Ethernet header */

/* tx_next of a buffer that is not in a chain behind another */
#define TX_END	0xffffu /* last of a frame */
#define TX_FREE 0xfffeu
#define TX_LENT 0xfffdu

static inline void *cw_net_cookie_(uint16_t buffer)
{
	return (void *)((uintptr_t)buffer + 1);
}

static inline uint16_t cw_net_buffer_(const void *cookie)
{
	return (uint16_t)((uintptr_t)cookie - 1);
}

/* Whether checksum and segmentation of a frame of @len bytes make sense together. */
bool cw_net_meta_fits(const struct cw_net_meta *m, uint32_t len);

#endif
