/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The one place where bytes of a 9P message are taken or put. A cursor that is asked for more than
 * there is goes bad and stays so: the caller looks once, at the end, before it acts.
 */
#ifndef HOST_9P_CODEC_H
#define HOST_9P_CODEC_H

#include "export.h"

#include <stdbool.h>
#include <stdint.h>

struct p9_in {
	const uint8_t *at;
	uint32_t left;
	bool bad;
};

struct p9_out {
	uint8_t *buf;
	uint32_t len, room;
	bool over;
};

uint8_t p9_get8(struct p9_in *in);
uint16_t p9_get16(struct p9_in *in);
uint32_t p9_get32(struct p9_in *in);
uint64_t p9_get64(struct p9_in *in);
struct p9_text p9_get_text(struct p9_in *in);

/* All fields were there, and nothing besides. */
bool p9_end(const struct p9_in *in);

void p9_put8(struct p9_out *out, uint8_t v);
void p9_put16(struct p9_out *out, uint16_t v);
void p9_put32(struct p9_out *out, uint32_t v);
void p9_put64(struct p9_out *out, uint64_t v);
void p9_put_bytes(struct p9_out *out, const void *from, uint32_t len);
void p9_put_text(struct p9_out *out, const char *from, uint16_t len);

static inline uint32_t p9_room(const struct p9_out *out)
{
	return out->room - out->len;
}

#endif
