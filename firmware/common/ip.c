// SPDX-License-Identifier: BSD-3-Clause
/*
 * lwIP over the network driver.
 *
 * Theory of operation: a received frame is copied once, into lwIP's own buffer, because lwIP looks at
 * a header more than once and the block could change in between; its place goes back to the device at
 * once. A frame to send is built in a transmit buffer of the block. Where the device takes checksums,
 * TCP's and UDP's are left to it, and those of frames that it vouches for are not computed again.
 * While the device is away frames are dropped, as on an unplugged cable, and TCP repeats them.
 */
#include "ip.h"

#include "app.h"

#include <causeway/core/shm.h>

#include <lwip/etharp.h>
#include <lwip/init.h>
#include <lwip/netif.h>
#include <lwip/prot/ip.h>
#include <lwip/timeouts.h>
#include <netif/ethernet.h>

#include <string.h>

#define RX_BUDGET 32 /* frames a pass: the shell gets its turn under any load */
#define FRAME_MIN 60u
#define HEAD_MAX  96u /* Ethernet, the longest IP header, and TCP's up to its checksum */
#define BY_DEVICE (NETIF_CHECKSUM_GEN_UDP | NETIF_CHECKSUM_GEN_TCP)
#define VOUCHED	  (NETIF_CHECKSUM_CHECK_UDP | NETIF_CHECKSUM_CHECK_TCP)

static struct netif netif;
static uint32_t random_state;
static uint32_t frames_dropped;

unsigned int lwip_port_rand(void)
{
	random_state = random_state * 1664525u + 1013904223u;
	return random_state >> 8 ^ random_state << 16;
}

void lwip_port_assert(const char *what)
{
	say("lwIP: %s\n", what);
	app_exit(1);
}

u32_t sys_now(void)
{
	return (u32_t)(app_now() / 1000u);
}

static uint32_t sum16(const uint8_t *p, unsigned int n)
{
	uint32_t sum = 0;

	for (unsigned int i = 0; i + 1 < n; i += 2)
		sum += (uint32_t)p[i] << 8 | p[i + 1];
	return sum;
}

/*
 * Asks the device for the checksum of a TCP or UDP packet: puts the pseudo header's sum where the
 * checksum goes. False for what has none to fill in. @f: the frame's beginning.
 */
static bool leave_checksum(uint8_t f[HEAD_MAX], struct cw_net_meta *meta)
{
	uint8_t *ip = f + SIZEOF_ETH_HDR;
	uint32_t header = 4u * (ip[0] & 15u), bytes, at, sum;

	if (f[12] != 8 || f[13] != 0 || (ip[6] & 0x3f) || ip[7])
		return false;
	if (ip[9] != IP_PROTO_TCP && ip[9] != IP_PROTO_UDP)
		return false;
	bytes = ((uint32_t)ip[2] << 8 | ip[3]) - header;
	at = ip[9] == IP_PROTO_TCP ? 16 : 6;
	sum = sum16(ip + 12, 8) + ip[9] + bytes;
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	ip[header + at] = (uint8_t)(sum >> 8);
	ip[header + at + 1] = (uint8_t)sum;
	meta->flags = CW_NET_HDR_F_NEEDS_CSUM;
	meta->csum_start = (uint16_t)(SIZEOF_ETH_HDR + header);
	meta->csum_offset = (uint16_t)at;
	return true;
}

static void copy_rest(uint8_t *place, const struct pbuf *p, uint32_t from)
{
	uint32_t at = 0;

	for (; p; at += p->len, p = p->next) {
		uint32_t skip = from > at ? from - at : 0;

		if (skip < p->len)
			cw_copy_out(place + at + skip, (const uint8_t *)p->payload + skip,
				    p->len - skip);
	}
}

/* The headers go through private memory, for their checksum; the rest goes straight to the block. */
static int send_frame(const struct pbuf *p)
{
	uint8_t head[HEAD_MAX] = { 0 };
	struct cw_net_meta meta = { 0 };
	uint32_t n = pbuf_copy_partial(p, head, sizeof(head), 0), len = p->tot_len;
	uint16_t buffer;
	uint8_t *place = cw_net_tx_get(&app.net, &buffer);
	bool left;

	if (!place)
		return -1;
	n = n < FRAME_MIN ? FRAME_MIN : n; /* nobody behind us pads */
	len = len < FRAME_MIN ? FRAME_MIN : len;
	left = cw_vdev_has(&app.net.vdev, CW_NET_F_CSUM) && leave_checksum(head, &meta);
	cw_copy_out(place, head, n);
	copy_rest(place, p, n);
	return cw_net_tx_send(&app.net, buffer, len, left ? &meta : NULL);
}

static err_t output(struct netif *n, struct pbuf *p)
{
	int err = -1;

	(void)n;
	if (app_ready(APP_NET) && app.net.link_up && p->tot_len <= cw_net_tx_room(&app.net))
		err = send_frame(p);
	frames_dropped += err != 0;
	return err ? ERR_IF : ERR_OK;
}

static u16_t checksums(uint8_t frame_flags)
{
	u16_t all = NETIF_CHECKSUM_ENABLE_ALL;

	if (cw_vdev_has(&app.net.vdev, CW_NET_F_CSUM))
		all &= (u16_t)~BY_DEVICE;
	if (frame_flags & (CW_NET_HDR_F_NEEDS_CSUM | CW_NET_HDR_F_DATA_VALID))
		all &= (u16_t)~VOUCHED;
	return all;
}

/* What may differ after a restart of the link, and is not known before the first */
static void adopt_device(void)
{
	uint32_t room;

	if (!app_ready(APP_NET))
		return;
	room = cw_net_tx_room(&app.net) - SIZEOF_ETH_HDR;
	if (app.net.has_mac)
		memcpy(netif.hwaddr, app.net.mac, sizeof(app.net.mac));
	netif.mtu = app.net.mtu < room ? app.net.mtu : (u16_t)room;
	if (app.net.link_up && !netif_is_link_up(&netif))
		netif_set_link_up(&netif);
	else if (!app.net.link_up && netif_is_link_up(&netif))
		netif_set_link_down(&netif);
	NETIF_SET_CHECKSUM_CTRL(&netif, checksums(0));
}

static err_t netif_up(struct netif *n)
{
	uint32_t any = lwip_port_rand();

	n->name[0] = 'e';
	n->name[1] = 'n';
	n->hwaddr_len = 6;
	n->hwaddr[0] = 2; /* locally administered, until the device gives one */
	memcpy(n->hwaddr + 2, &any, sizeof(any));
	n->mtu = CW_NET_MTU_DEFAULT;
	n->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET |
		   NETIF_FLAG_LINK_UP;
	n->output = etharp_output;
	n->linkoutput = output;
	return ERR_OK;
}

void ip_start(const char *address, const char *mask)
{
	ip4_addr_t a, m, none = { 0 };

	random_state = cw_machine_seed();
	lwip_init();
	ip4addr_aton(address, &a);
	ip4addr_aton(mask, &m);
	netif_add(&netif, &a, &m, &none, NULL, netif_up, ethernet_input);
	adopt_device();
	netif_set_default(&netif);
	netif_set_up(&netif);
}

static void take(const struct cw_net_frame *f)
{
	struct pbuf *p = f->len <= UINT16_MAX ? pbuf_alloc(PBUF_RAW, (u16_t)f->len, PBUF_POOL)
					      : NULL;
	uint32_t at = 0;

	for (struct pbuf *q = p; q; q = q->next)
		at += cw_net_copy(f, at, q->payload, q->len);
	NETIF_SET_CHECKSUM_CTRL(&netif, checksums(f->meta.flags));
	if (!p)
		frames_dropped++;
	else if (netif.input(p, &netif) != ERR_OK)
		pbuf_free(p);
}

bool ip_poll(void)
{
	static struct cw_net_frame frame;
	bool any = false;

	adopt_device();
	for (int i = 0; app_ready(APP_NET) && i < RX_BUDGET; i++) {
		if (cw_net_receive(&app.net, &frame) <= 0)
			break;
		any = true;
		take(&frame);
		cw_net_release(&app.net, &frame);
	}
	sys_check_timeouts();
	if (app_ready(APP_NET))
		cw_net_flush(&app.net);
	return any;
}

uint64_t ip_deadline(void)
{
	u32_t ms = sys_timeouts_sleeptime();

	return ms == SYS_TIMEOUTS_SLEEPTIME_INFINITE ? CW_LINK_NEVER : app_now() + 1000ull * ms;
}

void ip_print(void (*out)(const char *fmt, ...))
{
	const struct cw_net_counters *c = &app.net.count;
	const u8_t *h = netif.hwaddr;
	char mask[16];

	ip4addr_ntoa_r(netif_ip4_netmask(&netif), mask, sizeof(mask));
	out("Interface %c%c0: %s, MTU %u\n", netif.name[0], netif.name[1],
	    !app_ready(APP_NET) ? "device away"
	    : app.net.link_up	? "up"
				: "no carrier",
	    (unsigned int)netif.mtu);
	out("  link address %02x:%02x:%02x:%02x:%02x:%02x\n", h[0], h[1], h[2], h[3], h[4], h[5]);
	out("  IPv4 %s mask %s\n", ip4addr_ntoa(netif_ip4_addr(&netif)), mask);
	out("  checksums by the %s\n",
	    cw_vdev_has(&app.net.vdev, CW_NET_F_CSUM) ? "device" : "remote");
	out("  received %lu frames, %lu bytes, %lu bad; sent %lu frames, %lu bytes, %lu dropped\n",
	    (unsigned long)c->rx_frames, (unsigned long)c->rx_bytes, (unsigned long)c->rx_bad,
	    (unsigned long)c->tx_frames, (unsigned long)c->tx_bytes, (unsigned long)frames_dropped);
}
