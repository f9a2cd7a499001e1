// SPDX-License-Identifier: BSD-3-Clause
#include "codec.h"

#include <stddef.h>
#include <string.h>

static const uint8_t *take(struct p9_in *in, uint32_t len)
{
	const uint8_t *at = in->at;

	if (in->bad || len > in->left) {
		in->bad = true;
		return NULL;
	}
	in->at += len;
	in->left -= len;
	return at;
}

static uint64_t get(struct p9_in *in, unsigned int bytes)
{
	const uint8_t *at = take(in, bytes);
	uint64_t v = 0;

	while (at && bytes--)
		v = v << 8 | at[bytes];
	return v;
}

uint8_t p9_get8(struct p9_in *in)
{
	return (uint8_t)get(in, 1);
}

uint16_t p9_get16(struct p9_in *in)
{
	return (uint16_t)get(in, 2);
}

uint32_t p9_get32(struct p9_in *in)
{
	return (uint32_t)get(in, 4);
}

uint64_t p9_get64(struct p9_in *in)
{
	return get(in, 8);
}

struct p9_text p9_get_text(struct p9_in *in)
{
	uint16_t len = p9_get16(in);
	const uint8_t *at = take(in, len);
	struct p9_text t = { at ? (const char *)at : "", at ? len : 0 };

	return t;
}

bool p9_end(const struct p9_in *in)
{
	return !in->bad && !in->left;
}

void p9_put_bytes(struct p9_out *out, const void *from, uint32_t len)
{
	if (out->over || len > p9_room(out)) {
		out->over = true;
		return;
	}
	memcpy(out->buf + out->len, from, len);
	out->len += len;
}

static void put(struct p9_out *out, uint64_t v, unsigned int bytes)
{
	uint8_t b[8];

	for (unsigned int i = 0; i < bytes; i++, v >>= 8)
		b[i] = (uint8_t)v;
	p9_put_bytes(out, b, bytes);
}

void p9_put8(struct p9_out *out, uint8_t v)
{
	put(out, v, 1);
}

void p9_put16(struct p9_out *out, uint16_t v)
{
	put(out, v, 2);
}

void p9_put32(struct p9_out *out, uint32_t v)
{
	put(out, v, 4);
}

void p9_put64(struct p9_out *out, uint64_t v)
{
	put(out, v, 8);
}

void p9_put_text(struct p9_out *out, const char *from, uint16_t len)
{
	p9_put16(out, len);
	p9_put_bytes(out, from, len);
}
