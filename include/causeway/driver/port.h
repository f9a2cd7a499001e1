/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the driver library needs of a machine. A port fills one of these (port/template/).
 */
#ifndef CAUSEWAY_DRIVER_PORT_H
#define CAUSEWAY_DRIVER_PORT_H

#include <causeway/abi/types.h>

struct cw_port {
	/** now - microseconds of a monotonic clock; any context */
	uint64_t (*now)(void *ctx);
	/** ring - ring the doorbell towards the PMM; never blocks, may be lost; any context */
	void (*ring)(void *ctx);
	/**
	 * wait - sleep until a doorbell came since the last wait, or until @deadline
	 *
	 * Clears the doorbell's source before it returns. May return early for any reason. A port
	 * without interrupts returns at once, or after a short pause. Thread context.
	 */
	void (*wait)(void *ctx, uint64_t deadline);
	void *ctx;
};

#endif
