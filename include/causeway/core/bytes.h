/* SPDX-License-Identifier: BSD-3-Clause */
/* Little-endian words in private memory: no ordering, no peer. Any context. */
#ifndef CAUSEWAY_CORE_BYTES_H
#define CAUSEWAY_CORE_BYTES_H

#include <causeway/abi/types.h>

static inline uint16_t cw_swap16_(uint16_t v)
{
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	return __builtin_bswap16(v);
#else
	return v;
#endif
}

static inline uint32_t cw_swap32_(uint32_t v)
{
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	return __builtin_bswap32(v);
#else
	return v;
#endif
}

static inline uint16_t cw_get_le16(struct cw_le16 w)
{
	return cw_swap16_(w.raw_);
}

static inline uint32_t cw_get_le32(struct cw_le32 w)
{
	return cw_swap32_(w.raw_);
}

/* 64 bits as two words, the low one first */
static inline uint64_t cw_get_le32_pair(const struct cw_le32 w[2])
{
	return cw_get_le32(w[0]) | (uint64_t)cw_get_le32(w[1]) << 32;
}

static inline struct cw_le16 cw_make_le16(uint16_t v)
{
	struct cw_le16 w = { cw_swap16_(v) };

	return w;
}

static inline struct cw_le32 cw_make_le32(uint32_t v)
{
	struct cw_le32 w = { cw_swap32_(v) };

	return w;
}

static inline void cw_set_le32_pair(struct cw_le32 w[2], uint64_t v)
{
	w[0] = cw_make_le32((uint32_t)v);
	w[1] = cw_make_le32((uint32_t)(v >> 32));
}

/* Values at any alignment, as messages have them */

static inline uint16_t cw_peek16(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

static inline uint32_t cw_peek32(const uint8_t *p)
{
	return cw_peek16(p) | (uint32_t)cw_peek16(p + 2) << 16;
}

static inline uint64_t cw_peek64(const uint8_t *p)
{
	return cw_peek32(p) | (uint64_t)cw_peek32(p + 4) << 32;
}

static inline void cw_poke16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)v;
	p[1] = (uint8_t)(v >> 8);
}

static inline void cw_poke32(uint8_t *p, uint32_t v)
{
	cw_poke16(p, (uint16_t)v);
	cw_poke16(p + 2, (uint16_t)(v >> 16));
}

static inline void cw_poke64(uint8_t *p, uint64_t v)
{
	cw_poke32(p, (uint32_t)v);
	cw_poke32(p + 4, (uint32_t)(v >> 32));
}

#endif
