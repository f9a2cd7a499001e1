/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One queue with both roles on it, in one process: what the driver ring offers the device ring
 * takes. Tests that play a bad driver write the ring by the rig_* calls instead of the driver ring.
 */
#ifndef TESTS_UNIT_RIG_H
#define TESTS_UNIT_RIG_H

#include "unit.h"

#include <causeway/core/err.h>
#include <causeway/core/ring_device.h>
#include <causeway/core/ring_driver.h>
#include <causeway/core/shm.h>

#define RIG_LINE   64u
#define RIG_BYTES  (256u * 1024u)
#define RIG_BASE   0x1234500000ull /* above 4 GB: both address words count */
#define RIG_RING   RIG_BASE
#define RIG_TABLE  (RIG_BASE + 0x10000u) /* indirect tables */
#define RIG_BUFFER (RIG_BASE + 0x20000u) /* payload */
#define RIG_PARTS  CW_QUEUE_SIZE_MAX

struct rig {
	struct cw_window w;
	struct cw_drvq drv;
	struct cw_devq dev;
	struct cw_ranges keep_out;
	struct cw_drvq_slot slot[CW_QUEUE_SIZE_MAX];
	uint16_t own[CW_QUEUE_SIZE_MAX];
	struct cw_part part[RIG_PARTS];
	struct cw_chain chain;
	uint16_t offered; /* available entries that rig_offer() wrote */
	uint16_t size;
};

/** rig_set_up - both ends of a queue, rings kept out of reach of buffers; one rig at a time */
void rig_set_up(struct rig *r, uint16_t size, bool event_idx, bool indirect);

/** rig_buf - the n-th buffer of 16 bytes */
struct cw_buf rig_buf(unsigned int n);

/** rig_desc - write a descriptor of the queue, as a driver that does what it likes */
void rig_desc(struct rig *r, unsigned int i, cw_addr_t addr, uint32_t len, uint32_t flags,
	      uint32_t next);

/** rig_entry - the same for entry @i of the indirect table at @table */
void rig_entry(struct rig *r, cw_addr_t table, unsigned int i, cw_addr_t addr, uint32_t len,
	       uint32_t flags, uint32_t next);

/** rig_offer - make @head available */
void rig_offer(struct rig *r, uint16_t head);

/** rig_pop - cw_devq_pop() into the rig's chain, with room for every part */
int rig_pop(struct rig *r);

/** rig_memory - the memory at the rig's base */
uint8_t *rig_memory(void);

#endif
