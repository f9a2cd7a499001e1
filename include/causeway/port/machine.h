/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a firmware needs of its machine. A port implements these functions and nothing else; firmware
 * is written once against them and against driver/ (docs/porting.md).
 */
#ifndef CAUSEWAY_PORT_MACHINE_H
#define CAUSEWAY_PORT_MACHINE_H

#include <causeway/core/layout.h>
#include <causeway/driver/port.h>

#include <stddef.h>

#ifndef __cplusplus
#include <stdbool.h>
#endif

struct cw_machine {
	const char *board;	    /* name to print */
	const char *remote;	    /* name of this remote on its board, "" when unknown */
	void *region;		    /* this side's mapping, uncached or coherent */
	size_t region_size;	    /* bytes mapped */
	const struct cw_port *port; /* clock, doorbell, sleep */
	bool may_spin;		    /* this remote has a processor to itself */
};

/**
 * cw_machine_init - bring the machine up: clock, UART, doorbell, mapping of the region
 *
 * Once, first thing in main(). Returns NULL when the machine cannot be used, after saying why on the
 * UART if there is one.
 */
const struct cw_machine *cw_machine_init(void);

/** cw_machine_uart - print on the machine's own UART; any context, may wait for the UART */
void cw_machine_uart(const char *text, size_t len);

/**
 * cw_machine_trace - leave text in memory, where Linux finds it without this machine's help
 *
 * The buffer is told by the firmware's resource table, as remoteproc has it; when it is full it begins
 * anew. Does nothing on a port without one (hosted). Any context, one at a time.
 */
void cw_machine_trace(const char *text, size_t len);

/** cw_machine_seed - some number that differs from start to start; not entropy */
uint32_t cw_machine_seed(void);

/* What a machine knows of itself */
struct cw_machine_health {
	uint32_t stack_size, stack_used; /* bytes, and the most that ever was; 0: not known */
	uint32_t heap_size, heap_used;	 /* bytes; 0: there is no heap */
	int32_t temperature;		 /* thousandths of a degree Celsius */
	bool has_temperature;		 /* there is a sensor */
};

/**
 * cw_machine_health - look how the machine is; for a firmware that tells it
 * @h: filled; a port that knows nothing fills it with zeros
 *
 * Thread context; takes as long as looking through the stack does.
 */
void cw_machine_health(struct cw_machine_health *h);

/**
 * cw_machine_on_fault - called once when the processor took an exception that it cannot go on from
 *
 * Set by a firmware that wants to tell somebody; NULL: nobody. @code is the port's, such as the
 * exception's syndrome. In the context of the exception, on a fresh stack; the machine stops after it.
 * A port without exceptions of its own (hosted) never calls it.
 */
extern void (*cw_machine_on_fault)(uint32_t code);

/** cw_machine_exit - stop for good; @code 0: as asked. Does not return */
void cw_machine_exit(int code) __attribute__((noreturn));

#endif
