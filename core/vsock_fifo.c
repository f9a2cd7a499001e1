// SPDX-License-Identifier: BSD-3-Clause
/* Bytes of a connection, and where its messages end: a bit a byte, so that no number of them is too many. */
#include <causeway/core/vsock.h>

void cw_vsock_fifo_init(struct cw_vsock_fifo *f, uint8_t *memory, uint32_t size)
{
	f->at = f->len = f->messages = 0;
	f->buf = memory;
	f->ends = memory + size;
	f->size = size;
}

/* Bytes from @at on that lie in one piece. */
static uint32_t straight(const struct cw_vsock_fifo *f, uint32_t at, uint32_t len)
{
	uint32_t left = f->size - (at & (f->size - 1));

	return len < left ? len : left;
}

static bool is_end(const struct cw_vsock_fifo *f, uint32_t at)
{
	at &= f->size - 1;
	return f->ends[at / 8] & 1u << at % 8;
}

static void mark(struct cw_vsock_fifo *f, uint32_t at, bool end)
{
	uint8_t bit;

	at &= f->size - 1;
	bit = (uint8_t)(1u << at % 8);
	f->ends[at / 8] = (uint8_t)(end ? f->ends[at / 8] | bit : f->ends[at / 8] & ~bit);
}

void cw_vsock_fifo_put(struct cw_vsock_fifo *f, const struct cw_chain *c, uint32_t at, uint32_t len,
		       bool end)
{
	uint32_t to = f->at + f->len, first = straight(f, to, len);

	cw_chain_read(c, at, f->buf + (to & (f->size - 1)), first);
	cw_chain_read(c, at + first, f->buf, len - first);
	f->len += len;
	if (end && f->len) {
		uint32_t last = f->at + f->len - 1;

		/* An empty packet may end what came before it; nothing ends twice. */
		f->messages += !is_end(f, last);
		mark(f, last, true);
	}
}

unsigned int cw_vsock_fifo_peek(const struct cw_vsock_fifo *f, uint32_t max, struct cw_part part[2])
{
	uint32_t len = f->len < max ? f->len : max, first = straight(f, f->at, len);

	part[0].ptr = f->buf + (f->at & (f->size - 1));
	part[0].len = first;
	part[1].ptr = f->buf;
	part[1].len = len - first;
	return len - first ? 2 : len ? 1 : 0;
}

/* The first end within @n bytes from @at on: how many bytes with it, or 0. */
static uint32_t find_end(const struct cw_vsock_fifo *f, uint32_t at, uint32_t n)
{
	for (uint32_t i = 0; i < n;) {
		uint32_t to = (at + i) & (f->size - 1);

		if (!(to % 8) && !f->ends[to / 8]) {
			i += 8;
			continue;
		}
		if (is_end(f, to))
			return i + 1;
		i++;
	}
	return 0;
}

void cw_vsock_fifo_skip(struct cw_vsock_fifo *f, uint32_t len)
{
	uint32_t done = 0, n;

	while (f->messages && (n = find_end(f, f->at + done, len - done))) {
		done += n;
		mark(f, f->at + done - 1, false);
		f->messages--;
	}
	f->at += len;
	f->len -= len;
}

uint32_t cw_vsock_fifo_message(const struct cw_vsock_fifo *f)
{
	return f->messages ? find_end(f, f->at, f->len) : 0;
}
