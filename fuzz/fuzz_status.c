// SPDX-License-Identifier: BSD-3-Clause
/* Status messages: what is accepted says itself again, whatever else is refused, and names are for a terminal. */
#include "fuzz.h"

#include <causeway/core/err.h>
#include <causeway/core/status.h>

#include <stdlib.h>
#include <string.h>

static void name(const char *s, size_t size)
{
	FZ_CHECK(strnlen(s, size) < size);
	for (; *s; s++)
		FZ_CHECK(*s >= ' ' && *s <= '~');
}

static void sample(const uint8_t *m, uint32_t len)
{
	uint8_t again[CW_SAMPLE_BYTES_MAX], twice[CW_SAMPLE_BYTES_MAX];
	struct cw_sample s, t;

	if (cw_sample_decode(&s, m, len))
		return;
	FZ_CHECK(s.loops <= CW_SAMPLE_LOOPS && s.queues <= CW_SAMPLE_QUEUES);
	name(s.board, sizeof(s.board));
	for (unsigned int i = 0; i < s.loops; i++)
		name(s.loop[i].name, sizeof(s.loop[i].name));
	for (unsigned int i = 0; i < s.queues; i++)
		name(s.queue[i].name, sizeof(s.queue[i].name));
	FZ_CHECK(cw_sample_encode(&s, again, sizeof(again)) == (int)len);
	FZ_CHECK(!cw_sample_decode(&t, again, len));
	FZ_CHECK(cw_sample_encode(&t, twice, sizeof(twice)) == (int)len);
	FZ_CHECK(!memcmp(again, twice, len));
}

static void control(const uint8_t *m, uint32_t len)
{
	struct cw_control_answer a;
	struct cw_control c;
	uint32_t r = cw_control_decode(&c, m, len);

	FZ_CHECK(r <= CW_CONTROL_RANGE);
	if (!r && c.command == CW_CONTROL_PERIOD)
		FZ_CHECK(c.value >= CW_PERIOD_MIN_MS && c.value <= CW_PERIOD_MAX_MS);
	FZ_CHECK(r || c.command == CW_CONTROL_PERIOD || c.command == CW_CONTROL_SAMPLE);
	if (!cw_control_answer_decode(&a, m, len))
		FZ_CHECK(len == sizeof(struct cw_abi_control_answer));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);

	FZ_CHECK(copy);
	memcpy(copy, data, size);
	sample(copy, (uint32_t)size);
	control(copy, (uint32_t)size);
	free(copy);
	return 0;
}
