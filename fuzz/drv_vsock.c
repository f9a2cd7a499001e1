// SPDX-License-Identifier: BSD-3-Clause
/*
 * Sockets. Byte k of every connection is the same function of k in both directions, so each end knows
 * what must come next.
 *
 * What is checked besides: on what nobody lied about, both ends get exactly the bytes that were sent; a
 * socket holds no more than its room; a number is given once until it is closed; a call ends by its time;
 * with an honest PMM a new open works, whatever was before.
 */
#include "drv.h"

#include <causeway/core/bytes.h>
#include <causeway/core/err.h>
#include <causeway/device/vsock.h>
#include <causeway/driver/vsock.h>

#include <string.h>

#define CONNS	    6u
#define ROOM	    4096u
#define SOCKETS	    4u
#define SOCKET_ROOM 1024u
#define LEAVES	    8000000u /* microseconds that a message which has begun may take */

static struct cw_vsock_device model;
static struct cw_vsock_conn conn_state[CONNS];
static struct cw_vsock_device_conn conn[CONNS];
static uint16_t dirty[CONNS];
static uint8_t bytes[CONNS * (ROOM + ROOM / 8)];
static uint32_t to_remote[CONNS], from_remote[CONNS];

static uint8_t byte_at(uint32_t k)
{
	return (uint8_t)(k * 7 + (k >> 8) + 1);
}

static int owner_connect(void *ctx, unsigned int i, uint32_t port, bool message)
{
	(void)ctx;
	(void)message;
	to_remote[i] = from_remote[i] = 0;
	return port & 1 ? CW_ECLOSED : CW_OK;
}

static void owner_opened(void *ctx, unsigned int i)
{
	(void)ctx;
	to_remote[i] = from_remote[i] = 0;
}

static int owner_output(void *ctx, unsigned int i, const struct cw_part *p, unsigned int n)
{
	int done = 0;

	(void)ctx;
	if (drv.next_byte++ % 4 == 0)
		return 0;
	for (unsigned int k = 0; k < n; k++)
		for (size_t b = 0; b < p[k].len; b++, done++, from_remote[i]++)
			FZ_CHECK(drv.lied ||
				 ((const uint8_t *)p[k].ptr)[b] == byte_at(from_remote[i]));
	return done;
}

static int owner_input(void *ctx, unsigned int i, const struct cw_part *p, unsigned int n,
		       bool *end)
{
	uint32_t len = 1 + drv.next_byte++ * 5u;

	(void)ctx;
	(void)n;
	if (drv.next_byte % 3 == 0)
		return drv.next_byte % 32 == 0 ? 0 : CW_EAGAIN;
	len = len < p->len ? len : (uint32_t)p->len;
	for (uint32_t b = 0; b < len; b++)
		((uint8_t *)p->ptr)[b] = byte_at(to_remote[i]++);
	*end = drv.next_byte & 1;
	return (int)len;
}

static void owner_shut(void *ctx, unsigned int i, unsigned int how)
{
	(void)ctx;
	(void)i;
	(void)how;
}

static void owner_closed(void *ctx, unsigned int i)
{
	(void)ctx;
	(void)i;
}

static const struct cw_vsock_device_ops owner = { owner_connect, owner_opened, owner_output,
						  owner_input,	 owner_shut,   owner_closed };

static struct cw_device *make(void)
{
	const struct cw_vsock_device_memory m = { CONNS, ROOM, conn_state, conn, dirty, bytes };

	memset(bytes, 0, sizeof(bytes));
	memset(conn_state, 0, sizeof(conn_state));
	FZ_CHECK(!cw_vsock_device_init(&model, &owner, NULL, 5, &m, drv.queue));
	return &model.dev;
}

static void feed(void)
{
	for (unsigned int i = 0; i < CONNS; i++) {
		cw_vsock_device_readable(&model, i);
		cw_vsock_device_writable(&model, i);
	}
	if (drv.next_byte % 8 == 0)
		cw_vsock_device_dial(&model, 80, drv.next_byte & 16);
}

/* ---- the driver ---- */

static struct cw_vsock_driver driver;
static bool mine[SOCKETS];
static uint32_t sent[SOCKETS], received[SOCKETS];

CW_VSOCK_MEMORY(sockets, SOCKETS, SOCKET_ROOM);

static int open_driver(void)
{
	memset(mine, 0, sizeof(mine));
	return cw_vsock_open(&driver, &drv.mmio.transport, &sockets);
}

static void got_socket(int s)
{
	if (s < 0)
		return;
	FZ_CHECK(s < (int)SOCKETS && !mine[s]);
	mine[s] = true;
	sent[s] = received[s] = 0;
}

static void check_sockets(void)
{
	for (unsigned int s = 0; s < SOCKETS; s++) {
		FZ_CHECK(sockets.socket[s].fifo.len <= SOCKET_ROOM);
		FZ_CHECK(!mine[s] || driver.vdev.dead || sockets.conn[s].held);
		if (!mine[s] && !driver.vdev.dead)
			FZ_CHECK(!cw_vsock_events(&driver, (int)s));
	}
}

static void receive(int s, uint32_t len, uint64_t timeout)
{
	int got;

	drv_prepare(len);
	got = cw_vsock_recv(&driver, s, drv.buffer, len, timeout);
	drv_check_guard(got, len);
	FZ_CHECK(got < 0 || mine[s]);
	for (int b = 0; b < got; b++)
		FZ_CHECK(drv.lied || drv.buffer[b] == byte_at(received[s] + (uint32_t)b));
	if (got > 0)
		received[s] += (uint32_t)got;
}

static void send_bytes(int s, uint32_t len, uint64_t timeout)
{
	int got;

	for (uint32_t b = 0; b < len; b++)
		drv.buffer[b] = byte_at((s < (int)SOCKETS ? sent[s] : 0) + b);
	got = cw_vsock_send(&driver, s, drv.buffer, len, timeout);
	FZ_CHECK(got <= (int)len && (got < 0 || mine[s]));
	if (got > 0)
		sent[s] += (uint32_t)got;
}

static void use(void)
{
	int s = fz_u8() % (SOCKETS + 1);
	uint32_t len = fz_u16() % 2048;
	uint8_t how = fz_u8();
	uint64_t timeout = how & 0x80 ? TIMEOUT : 0, begun = drv.now;
	uint16_t type = how & 0x40 ? CW_VSOCK_SEQPACKET : CW_VSOCK_STREAM;

	switch (how & 7) {
	case 0:
		got_socket(cw_vsock_connect(&driver, 1000 + (len & 1), type, timeout));
		break;
	case 1:
	case 2:
		send_bytes(s, len, timeout);
		break;
	case 3:
	case 4:
		receive(s, len, timeout);
		break;
	case 5:
		if (len & 1)
			cw_vsock_shutdown(&driver, s, len >> 1 & 3);
		else
			got_socket(cw_vsock_accept(&driver, 80, type, timeout));
		break;
	case 6:
		cw_vsock_close(&driver, s);
		if (s < (int)SOCKETS)
			mine[s] = false;
		break;
	default:
		if (len & 1)
			cw_vsock_listen(&driver, 80, type, 2);
		else if (len & 2)
			cw_vsock_unlisten(&driver, 80, type);
		else
			cw_vsock_arm(&driver);
		cw_vsock_poll(&driver);
	}
	FZ_CHECK(drv.now - begun <= TIMEOUT + LEAVES + 100000);
	check_sockets();
}

static void honest(void)
{
	int s = cw_vsock_connect(&driver, 1000, CW_VSOCK_STREAM, 100 * TIMEOUT), got;

	FZ_CHECK(s >= 0);
	got_socket(s);
	send_bytes(s, 1000, 100 * TIMEOUT);
	FZ_CHECK(sent[s] == 1000);
	for (int i = 0; i < 100 && received[s] < 200; i++) {
		drv.pmm = true;
		feed();
		drv.device_bus.busy |= 1;
		drv.pmm = false;
		receive(s, 1 + drv.next_byte % 64, 100);
		drv.loads = 0;
	}
	cw_vsock_close(&driver, s);
	mine[s] = false;
	got = cw_vsock_recv(&driver, s, drv.buffer, 1, 0);
	FZ_CHECK(got == CW_EINVAL);
}

const struct drv_part drv_part = { make, feed, NULL, open_driver, use, NULL, honest, true };
