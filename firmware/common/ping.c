// SPDX-License-Identifier: BSD-3-Clause
/* ICMP echo from the remote: one request in flight, the next a second later or when answered. */
#include "app.h"
#include "ip.h"

#include <lwip/icmp.h>
#include <lwip/inet_chksum.h>
#include <lwip/ip.h>
#include <lwip/raw.h>
#include <lwip/timeouts.h>

#include <string.h>

#define PAYLOAD	    28u
#define TIMEOUT_US  3000000u
#define INTERVAL_MS 200u

static struct {
	struct raw_pcb *pcb;
	ip_addr_t to;
	void (*out)(const char *fmt, ...);
	unsigned int count, sent, received;
	uint64_t sent_at, min, max, sum;
	uint16_t id;
	bool waiting, running;
} ping;

static void next(void *arg);

static void report(void)
{
	ping.running = false;
	ping.out("%u packets transmitted, %u received\n", ping.sent, ping.received);
	if (ping.received)
		ping.out("rtt min/avg/max = %lu/%lu/%lu us\n", (unsigned long)ping.min,
			 (unsigned long)(ping.sum / ping.received), (unsigned long)ping.max);
}

static u8_t answer(void *arg, struct raw_pcb *pcb, struct pbuf *p, const ip_addr_t *from)
{
	struct icmp_echo_hdr h;
	uint16_t ip_bytes = IPH_HL_BYTES((struct ip_hdr *)p->payload);
	uint64_t us = app_now() - ping.sent_at;

	(void)arg;
	(void)pcb;
	if (!ping.waiting || pbuf_copy_partial(p, &h, sizeof(h), ip_bytes) != sizeof(h) ||
	    ICMPH_TYPE(&h) != ICMP_ER || h.id != ping.id || lwip_ntohs(h.seqno) != (u16_t)ping.sent)
		return 0;
	ping.waiting = false;
	ping.received++;
	ping.sum += us;
	ping.min = ping.received == 1 || us < ping.min ? us : ping.min;
	ping.max = us > ping.max ? us : ping.max;
	ping.out("%u bytes from %s: icmp_seq=%u time=%lu.%03lu ms\n",
		 (unsigned int)(p->tot_len - ip_bytes), ipaddr_ntoa(from), ping.sent,
		 (unsigned long)(us / 1000u), (unsigned long)(us % 1000u));
	pbuf_free(p);
	return 1;
}

static void send(void)
{
	struct pbuf *p = pbuf_alloc(PBUF_IP, sizeof(struct icmp_echo_hdr) + PAYLOAD, PBUF_RAM);
	struct icmp_echo_hdr *h;

	ping.sent++;
	ping.waiting = true;
	ping.sent_at = app_now();
	if (!p)
		return; /* counts as lost */
	h = p->payload;
	memset(h, 0, p->len);
	ICMPH_TYPE_SET(h, ICMP_ECHO);
	h->id = ping.id;
	h->seqno = lwip_htons((u16_t)ping.sent);
	h->chksum = inet_chksum(h, p->len);
	raw_sendto(ping.pcb, p, &ping.to);
	pbuf_free(p);
}

static void next(void *arg)
{
	(void)arg;
	if (ping.waiting && app_now() - ping.sent_at >= TIMEOUT_US) {
		ping.waiting = false;
		ping.out("icmp_seq=%u timed out\n", ping.sent);
	}
	if (!ping.waiting && ping.sent == ping.count) {
		report();
		return;
	}
	if (!ping.waiting)
		send();
	sys_timeout(INTERVAL_MS, next, NULL);
}

bool ping_running(void)
{
	return ping.running;
}

void ping_stop(void)
{
	if (!ping.running)
		return;
	sys_untimeout(next, NULL);
	ping.waiting = false;
	report();
}

bool ping_start(const char *address, unsigned int count, void (*out)(const char *fmt, ...))
{
	if (!ipaddr_aton(address, &ping.to))
		return false;
	if (!ping.pcb) {
		ping.pcb = raw_new(IP_PROTO_ICMP);
		if (!ping.pcb)
			return false;
		raw_recv(ping.pcb, answer, NULL);
		raw_bind(ping.pcb, IP_ADDR_ANY);
	}
	ping.out = out;
	ping.count = count;
	ping.sent = ping.received = 0;
	ping.sum = ping.min = ping.max = 0;
	ping.id = (uint16_t)cw_machine_seed();
	ping.waiting = false;
	ping.running = true;
	out("PING %s\n", address);
	next(NULL);
	return true;
}
