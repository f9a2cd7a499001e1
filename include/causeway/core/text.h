/* SPDX-License-Identifier: BSD-3-Clause */
/* What a peer calls things, made fit to be shown: it ends no string, no line and no terminal's patience. Any context. */
#ifndef CAUSEWAY_CORE_TEXT_H
#define CAUSEWAY_CORE_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** cw_text_printable - whether @c is printable ASCII, the blank included */
static inline bool cw_text_printable(uint8_t c)
{
	return c >= ' ' && c <= '~';
}

/** cw_text_char - @c, or '?' where it is not printable ASCII */
static inline char cw_text_char(uint8_t c)
{
	return cw_text_printable(c) ? (char)c : '?';
}

/**
 * cw_text_clean - end a string and make '?' of what is not printable ASCII
 * @dst: of @n + 1 bytes, of which those behind the end stay as they are; may be @src
 * @src: at most @n bytes of it are read, and none behind a zero
 */
void cw_text_clean(char *dst, const void *src, uint32_t n);

#ifdef __cplusplus
}
#endif

#endif
