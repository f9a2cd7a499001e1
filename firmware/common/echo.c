// SPDX-License-Identifier: BSD-3-Clause
/*
 * Echo services.
 *
 * Theory of operation: TCP's window opens only as far as bytes went back, so a client that does not
 * read stops its own connection, and no other.
 */
#include "ip.h"

#include <lwip/mem.h>
#include <lwip/tcp.h>
#include <lwip/udp.h>

#include <string.h>

#define ECHO_PORT 7

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

void echo_start(void)
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
