// SPDX-License-Identifier: BSD-3-Clause
/*
 * lwIP over the network driver.
 *
 * Theory of operation: a received frame is copied once, into lwIP's own buffer, and its place goes
 * back to the device at once; a frame to send is built in a transmit buffer of the block. While the
 * device is away frames are dropped, as on an unplugged cable, and TCP repeats them.
 */
#include "ip.h"

#include "app.h"

#include <lwip/init.h>
#include <lwip/netif.h>
#include <lwip/etharp.h>
#include <lwip/tcp.h>
#include <lwip/timeouts.h>
#include <lwip/udp.h>
#include <netif/ethernet.h>

#include <string.h>

#define ECHO_PORT  7
#define RX_BUDGET  32
#define FRAME_ROOM cw_net_tx_room(&app.net)

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
	cw_bus_panic(&app.bus, 1);
	cw_machine_exit(1);
}

u32_t sys_now(void)
{
	return (u32_t)(app_now() / 1000u);
}

static err_t output(struct netif *n, struct pbuf *p)
{
	uint16_t buffer;
	void *place;

	(void)n;
	place = app.net_at.open && p->tot_len <= FRAME_ROOM ? cw_net_tx_get(&app.net, &buffer)
							    : NULL;
	if (!place) {
		frames_dropped++;
		return ERR_IF;
	}
	pbuf_copy_partial(p, place, p->tot_len, 0);
	/* Short frames are padded by nobody behind us. */
	if (p->tot_len < 60)
		memset((uint8_t *)place + p->tot_len, 0, 60u - p->tot_len);
	return cw_net_tx_send(&app.net, buffer, p->tot_len < 60 ? 60 : p->tot_len, NULL) ? ERR_IF
											 : ERR_OK;
}

static err_t netif_up(struct netif *n)
{
	n->name[0] = 'e';
	n->name[1] = 'n';
	n->hwaddr_len = 6;
	memcpy(n->hwaddr, app.net.mac, 6);
	n->mtu = app.net.mtu;
	n->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET |
		   NETIF_FLAG_LINK_UP;
	n->output = etharp_output;
	n->linkoutput = output;
	return ERR_OK;
}

/* ---- echo ---- */

static void udp_echo(void *arg, struct udp_pcb *pcb, struct pbuf *p, const ip_addr_t *from,
		     u16_t port)
{
	(void)arg;
	udp_sendto(pcb, p, from, port);
	pbuf_free(p);
}

struct echo {
	struct pbuf *left; /* received, not yet sent back */
	bool closing;
};

/* As much as TCP takes now; the rest when it has room again. */
static err_t tcp_echo_send(struct tcp_pcb *pcb, struct echo *e)
{
	while (e->left && tcp_sndbuf(pcb)) {
		struct pbuf *p = e->left;
		u16_t n = p->len < tcp_sndbuf(pcb) ? p->len : tcp_sndbuf(pcb);

		if (tcp_write(pcb, p->payload, n, TCP_WRITE_FLAG_COPY) != ERR_OK)
			break;
		tcp_recved(pcb, n);
		e->left = pbuf_free_header(p, n);
	}
	tcp_output(pcb);
	if (!e->left && e->closing) {
		tcp_arg(pcb, NULL);
		tcp_recv(pcb, NULL);
		tcp_sent(pcb, NULL);
		mem_free(e);
		if (tcp_close(pcb) != ERR_OK) {
			tcp_abort(pcb);
			return ERR_ABRT;
		}
	}
	return ERR_OK;
}

static err_t tcp_echo_recv(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
	struct echo *e = arg;

	(void)err;
	if (!p)
		e->closing = true;
	else if (e->left)
		pbuf_cat(e->left, p);
	else
		e->left = p;
	return tcp_echo_send(pcb, e);
}

static err_t tcp_echo_sent(void *arg, struct tcp_pcb *pcb, u16_t len)
{
	(void)len;
	return arg ? tcp_echo_send(pcb, arg) : ERR_OK;
}

static void tcp_echo_gone(void *arg, err_t err)
{
	struct echo *e = arg;

	(void)err;
	if (!e)
		return;
	if (e->left)
		pbuf_free(e->left);
	mem_free(e);
}

static err_t tcp_echo_accept(void *arg, struct tcp_pcb *pcb, err_t err)
{
	struct echo *e;

	(void)arg;
	if (err != ERR_OK || !pcb)
		return ERR_VAL;
	e = mem_malloc(sizeof(*e));
	if (!e)
		return ERR_MEM;
	memset(e, 0, sizeof(*e));
	tcp_arg(pcb, e);
	tcp_recv(pcb, tcp_echo_recv);
	tcp_sent(pcb, tcp_echo_sent);
	tcp_err(pcb, tcp_echo_gone);
	return ERR_OK;
}

static void start_echo(void)
{
	struct udp_pcb *udp = udp_new();
	struct tcp_pcb *tcp = tcp_new();

	if (udp && udp_bind(udp, IP_ADDR_ANY, ECHO_PORT) == ERR_OK)
		udp_recv(udp, udp_echo, NULL);
	if (tcp && tcp_bind(tcp, IP_ADDR_ANY, ECHO_PORT) == ERR_OK)
		tcp = tcp_listen(tcp);
	if (tcp)
		tcp_accept(tcp, tcp_echo_accept);
}

void ip_start(const char *address, const char *mask)
{
	ip4_addr_t a, m, none = { 0 };

	random_state = cw_machine_seed();
	lwip_init();
	ip4addr_aton(address, &a);
	ip4addr_aton(mask, &m);
	netif_add(&netif, &a, &m, &none, NULL, netif_up, ethernet_input);
	netif_set_default(&netif);
	netif_set_up(&netif);
	start_echo();
}

/* ---- the loop's part ---- */

static void take(const struct cw_net_frame *f)
{
	struct pbuf *p = f->len <= UINT16_MAX ? pbuf_alloc(PBUF_RAW, (u16_t)f->len, PBUF_POOL)
					      : NULL;
	uint32_t at = 0;

	for (struct pbuf *q = p; q; q = q->next)
		at += cw_net_copy(f, at, q->payload, q->len);
	if (!p)
		frames_dropped++;
	else if (netif.input(p, &netif) != ERR_OK)
		pbuf_free(p);
}

bool ip_poll(void)
{
	static struct cw_net_frame frame;
	bool any = false;

	/* The device may have come, or come back as another, after netif_up(). */
	if (app.net_at.open) {
		memcpy(netif.hwaddr, app.net.mac, sizeof(app.net.mac));
		netif.mtu = app.net.mtu;
	}
	for (int i = 0; app.net_at.open && i < RX_BUDGET; i++) {
		if (cw_net_receive(&app.net, &frame) <= 0)
			break;
		any = true;
		take(&frame);
		cw_net_release(&app.net, &frame);
	}
	sys_check_timeouts();
	if (app.net_at.open)
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
	    !app.net_at.open  ? "device away"
	    : app.net.link_up ? "up"
			      : "no carrier",
	    (unsigned int)netif.mtu);
	out("  link address %02x:%02x:%02x:%02x:%02x:%02x\n", h[0], h[1], h[2], h[3], h[4], h[5]);
	out("  IPv4 %s mask %s\n", ip4addr_ntoa(netif_ip4_addr(&netif)), mask);
	out("  received %lu frames, %lu bytes, %lu bad; sent %lu frames, %lu bytes, %lu dropped\n",
	    (unsigned long)c->rx_frames, (unsigned long)c->rx_bytes, (unsigned long)c->rx_bad,
	    (unsigned long)c->tx_frames, (unsigned long)c->tx_bytes, (unsigned long)frames_dropped);
}
