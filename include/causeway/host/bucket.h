/* SPDX-License-Identifier: BSD-3-Clause */
/* A token bucket: so many at once, and then so many a second. All zeroes is a full one. */
#ifndef CAUSEWAY_HOST_BUCKET_H
#define CAUSEWAY_HOST_BUCKET_H

#include <stdbool.h>
#include <stdint.h>

struct cw_bucket {
	uint64_t refilled; /* microseconds, 0: never */
	unsigned int credit;
};

/**
 * cw_bucket_take - take one of a bucket
 * @now: microseconds of one monotonic clock, above 0
 * @burst: how many it holds
 * @a_second: how many it gains in a second
 *
 * False: there is none now.
 */
static inline bool cw_bucket_take(struct cw_bucket *b, uint64_t now, unsigned int burst,
				  unsigned int a_second)
{
	uint64_t earned = b->refilled ? (now - b->refilled) * a_second / 1000000u : burst;

	if (earned) {
		b->refilled = now;
		b->credit = earned > burst - b->credit ? burst : b->credit + (unsigned int)earned;
	}
	if (!b->credit)
		return false;
	b->credit--;
	return true;
}

#endif
