/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The chain rules of docs/spec/region.md section 8.2, written down once more, naively and apart from
 * core/: bytes in, a list of buffers out. Slow and plain on purpose.
 */
#ifndef TESTS_UNIT_CHAIN_MODEL_H
#define TESTS_UNIT_CHAIN_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#define MODEL_BUFFERS 64

struct model_range {
	uint64_t at, end;
};

struct model {
	const uint8_t *memory; /* of [base, base + size) */
	uint64_t base, size;
	uint64_t table; /* address of the descriptor table */
	uint32_t n;	/* queue size */
	bool indirect;	/* negotiated */
	struct model_range ring[3];
	bool busy[64]; /* descriptors in flight */
	int buffers;   /* of the chain last walked */
	struct {
		uint64_t addr;
		uint32_t len;
		bool write;
	} buffer[MODEL_BUFFERS];
};

/** model_walk - whether the chain at @head is valid; then its descriptors are in flight */
bool model_walk(struct model *m, uint32_t head);

#endif
