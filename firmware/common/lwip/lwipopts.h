/* SPDX-License-Identifier: BSD-3-Clause */
/* lwIP without an operating system: one loop, static memory, IPv4. */
#ifndef CAUSEWAY_FIRMWARE_LWIPOPTS_H
#define CAUSEWAY_FIRMWARE_LWIPOPTS_H

#define NO_SYS			     1
#define SYS_LIGHTWEIGHT_PROT	     0
#define LWIP_NETCONN		     0
#define LWIP_SOCKET		     0
#define LWIP_IPV4		     1
#define LWIP_IPV6		     0
#define LWIP_RAW		     1
#define LWIP_DHCP		     0
#define LWIP_STATS		     0
#define LWIP_NETIF_HOSTNAME	     0
#define LWIP_NETIF_LINK_CALLBACK     0
/* Which checksums the device does is found out when it is opened, frame by frame. */
#define LWIP_CHECKSUM_CTRL_PER_NETIF 1

#define MEM_ALIGNMENT	  8
#define MEM_SIZE	  (96 * 1024)
#define MEMP_NUM_PBUF	  64
#define MEMP_NUM_TCP_PCB  16
#define MEMP_NUM_TCP_SEG  128
#define PBUF_POOL_SIZE	  64
#define PBUF_POOL_BUFSIZE 1536

#define TCP_MSS		 1460
#define TCP_WND		 (16 * TCP_MSS)
#define TCP_SND_BUF	 (16 * TCP_MSS)
#define TCP_SND_QUEUELEN 64
#define LWIP_WND_SCALE	 0

#define LWIP_RAND() ((u32_t)lwip_port_rand())
unsigned int lwip_port_rand(void);

#endif
