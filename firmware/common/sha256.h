/* SPDX-License-Identifier: BSD-3-Clause */
/* SHA-256 (FIPS 180-4), small rather than fast. */
#ifndef CAUSEWAY_FIRMWARE_SHA256_H
#define CAUSEWAY_FIRMWARE_SHA256_H

#include <stdint.h>

struct sha256 {
	uint32_t h[8];
	uint64_t len; /* bytes taken */
	uint8_t block[64];
};

void sha256_begin(struct sha256 *s);
void sha256_add(struct sha256 *s, const void *bytes, uint32_t len);
void sha256_end(struct sha256 *s, uint8_t sum[32]);

#endif
