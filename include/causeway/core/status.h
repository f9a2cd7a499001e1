/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Status messages of a remote (docs/spec/status.md): from and to private memory, never shared one.
 *
 * Any context.
 */
#ifndef CAUSEWAY_CORE_STATUS_H
#define CAUSEWAY_CORE_STATUS_H

#include <causeway/abi/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Times that a part of a program took; names are cut to what a message holds. */
struct cw_sample_loop {
	char name[CW_SAMPLE_LOOP_NAME + 1];
	uint32_t share; /* of CW_SAMPLE_WHOLE */
};

struct cw_sample_queue {
	char name[CW_SAMPLE_QUEUE_NAME + 1];
	uint16_t index, size, in_flight;
	uint32_t offered, used;
};

/* One sample; units as in struct cw_abi_sample. Decoded strings are printable ASCII, others are '?'. */
struct cw_sample {
	uint32_t life, sequence, links;
	uint64_t uptime_us;
	uint32_t period_ms, window_us;
	uint32_t has;
	uint32_t stack_size, stack_used;
	uint32_t heap_size, heap_used;
	int32_t temperature;
	uint32_t messages_in, messages_out;
	uint32_t doorbells_in, doorbells_out;
	char board[CW_SAMPLE_QUEUE_NAME + 1];
	unsigned int loops, queues;
	struct cw_sample_loop loop[CW_SAMPLE_LOOPS];
	struct cw_sample_queue queue[CW_SAMPLE_QUEUES];
};

struct cw_control {
	uint16_t command;
	uint32_t tag, value;
};

struct cw_control_answer {
	uint16_t command;
	uint32_t tag, result, value;
};

/**
 * cw_sample_encode - make the message
 * @buf: of @size bytes, CW_SAMPLE_BYTES_MAX suffice; @s: loops and queues beyond the most are left out
 *
 * Returns its length, or CW_ENOSPC.
 */
int cw_sample_encode(const struct cw_sample *s, void *buf, uint32_t size);

/**
 * cw_sample_decode - read a message of @len bytes that the peer made
 * @s: filled; undefined unless 0 is returned
 *
 * Returns 0; CW_EVERSION: of another version; CW_EBADLEN: its length is not what it says, or more loops or
 * queues than there may be; CW_EPEER: the period is out of range.
 */
int cw_sample_decode(struct cw_sample *s, const void *buf, uint32_t len);

/** cw_control_encode - make a request of sizeof(struct cw_abi_control) bytes */
void cw_control_encode(const struct cw_control *c, struct cw_abi_control *m);

/**
 * cw_control_decode - read a request of @len bytes that the peer made
 * @c: filled as far as there were bytes for it
 *
 * Returns CW_CONTROL_DONE, or what is to be answered: CW_CONTROL_VERSION, _LENGTH, _COMMAND, _RANGE.
 */
uint32_t cw_control_decode(struct cw_control *c, const void *buf, uint32_t len);

/** cw_control_answer_encode - make an answer of sizeof(struct cw_abi_control_answer) bytes */
void cw_control_answer_encode(const struct cw_control_answer *a, struct cw_abi_control_answer *m);

/** cw_control_answer_decode - read an answer. Returns 0, CW_EVERSION or CW_EBADLEN */
int cw_control_answer_decode(struct cw_control_answer *a, const void *buf, uint32_t len);

#ifdef __cplusplus
}
#endif

#endif
