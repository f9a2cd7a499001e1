// SPDX-License-Identifier: BSD-3-Clause
#include <causeway/core/text.h>

void cw_text_clean(char *dst, const void *src, uint32_t n)
{
	const uint8_t *p = src;
	uint32_t i;

	for (i = 0; i < n && p[i]; i++)
		dst[i] = cw_text_char(p[i]);
	dst[i] = 0;
}
