// SPDX-License-Identifier: BSD-3-Clause
/* The host of the socket device: what a backend does with connections, in memory. */
#include "world.h"

static struct cw_vsock_conn conn[WORLD_SOCKETS];
static struct cw_vsock_device_conn device_conn[WORLD_SOCKETS];
static uint16_t dirty[WORLD_SOCKETS];
static uint8_t *bytes;
static bool later[WORLD_SOCKETS];

static int host_connect(void *ctx, unsigned int i, uint32_t port, bool message)
{
	struct host_end *h = &w.host[i];
	uint8_t *out = h->out;
	unsigned int opens = h->opens;

	(void)ctx;
	(void)message;
	if (port == PORT_REFUSES || port < PORT_ANSWERS || port > PORT_REFUSES)
		return CW_ECLOSED;
	*h = (struct host_end){
		.out = out, .out_size = h->out_size, .port = port, .open = true, .opens = opens + 1
	};
	later[i] = port == PORT_LATER;
	return later[i] ? CW_EAGAIN : CW_OK;
}

static void host_opened(void *ctx, unsigned int i)
{
	struct host_end *h = &w.host[i];

	(void)ctx;
	*h = (struct host_end){
		.out = h->out, .out_size = h->out_size, .open = true, .opens = h->opens + 1
	};
}

/* Boards have no room for HOST_BYTES at each end. */
static void grow(struct host_end *h)
{
	h->out_size = h->out_size ? 2 * h->out_size : 4096;
	assert_true(h->out_size <= HOST_BYTES);
	h->out = realloc(h->out, h->out_size);
	assert_non_null(h->out);
}

static int host_output(void *ctx, unsigned int i, const struct cw_part *part, unsigned int n)
{
	struct host_end *h = &w.host[i];
	uint32_t done = 0, all = 0;
	bool message = w.vsock.state[i].type == CW_VSOCK_SEQPACKET;

	(void)ctx;
	assert_true(h->open && !later[i]);
	for (unsigned int k = 0; k < n; k++)
		all += (uint32_t)part[k].len;
	if (message && all > w.host_taken)
		return 0;
	for (unsigned int k = 0; k < n; k++)
		for (size_t b = 0; b < part[k].len && done < w.host_taken; b++, done++) {
			if (h->out_len == h->out_size)
				grow(h);
			h->out[h->out_len++] = ((const uint8_t *)part[k].ptr)[b];
		}
	if (message)
		h->message[h->messages++ % 64] = done;
	return (int)done;
}

static int host_input(void *ctx, unsigned int i, const struct cw_part *part, unsigned int n,
		      bool *end)
{
	struct host_end *h = &w.host[i];
	uint32_t done = 0, left = h->in_len - h->in_at;

	(void)ctx;
	assert_true(h->open);
	if (!left)
		return h->in_end ? 0 : CW_EAGAIN;
	if (h->in_message && left > h->in_message - h->in_at % h->in_message)
		left = h->in_message - h->in_at % h->in_message;
	for (unsigned int k = 0; k < n; k++)
		for (size_t b = 0; b < part[k].len && done < left; b++, done++)
			((uint8_t *)part[k].ptr)[b] = h->in[h->in_at + done];
	h->in_at += done;
	*end = h->in_message && (h->in_at == h->in_len || !(h->in_at % h->in_message));
	return (int)done;
}

static void host_shut(void *ctx, unsigned int i, unsigned int how)
{
	(void)ctx;
	assert_true(w.host[i].open);
	if (how & CW_VSOCK_SHUT_SEND)
		w.host[i].shut = true;
}

static void host_closed(void *ctx, unsigned int i)
{
	(void)ctx;
	w.host[i].open = false;
	w.host[i].closed = true;
	later[i] = false;
}

static const struct cw_vsock_device_ops ops = { host_connect, host_opened, host_output,
						host_input,   host_shut,   host_closed };

void world_vsock_make(uint32_t room)
{
	const struct cw_vsock_device_memory m = { WORLD_SOCKETS, room,	conn,
						  device_conn,	 dirty, bytes };

	free(bytes);
	bytes = calloc(WORLD_SOCKETS, cw_vsock_fifo_bytes(room));
	assert_non_null(bytes);
	((struct cw_vsock_device_memory *)(uintptr_t)&m)->bytes = bytes;
	memset(conn, 0, sizeof(conn));
	memset(later, 0, sizeof(later));
	for (unsigned int i = 0; i < WORLD_SOCKETS; i++) {
		uint8_t *out = w.host[i].out;

		w.host[i] = (struct host_end){ .out = out, .out_size = w.host[i].out_size };
	}
	w.host_taken = UINT32_MAX;
	assert_int_equal(cw_vsock_device_init(&w.vsock, &ops, NULL, 77, &m, w.queue[VSOCK]), CW_OK);
}

void world_vsock_feed(void)
{
	for (unsigned int i = 0; i < WORLD_SOCKETS; i++) {
		struct host_end *h = &w.host[i];

		if (later[i]) {
			later[i] = false;
			cw_vsock_device_answer(&w.vsock, i, true);
		}
		if (!h->open)
			continue;
		if (h->in_at < h->in_len || h->in_end)
			cw_vsock_device_readable(&w.vsock, i);
		if (w.host_taken)
			cw_vsock_device_writable(&w.vsock, i);
	}
	w.dev.busy |= 1u << VSOCK;
}

void world_vsock_stop(void)
{
	for (unsigned int i = 0; i < WORLD_SOCKETS; i++) {
		free(w.host[i].out);
		w.host[i].out = NULL;
		w.host[i].out_size = 0;
	}
	free(bytes);
	bytes = NULL;
}
