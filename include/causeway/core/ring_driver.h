/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Split virtqueue, driver role (virtio 1.3 section 2.7), against a device that may lie.
 *
 * Whatever decides anything is private: what was offered, which descriptors are free, both indices.
 * The shared table is written and never read. A device that breaks the rules breaks the queue: all
 * later calls return CW_EPEER until the device is reset and the queue is set up anew.
 *
 * Context: one owner a queue (thread or main loop) makes every call; none from an interrupt handler.
 */
#ifndef CAUSEWAY_CORE_RING_DRIVER_H
#define CAUSEWAY_CORE_RING_DRIVER_H

#include <causeway/abi/ring.h>
#include <causeway/core/window.h>

#ifndef __cplusplus
#include <stdbool.h>
#endif

/* One buffer of a request: an address of the contract, inside the device's block. */
struct cw_buf {
	cw_addr_t addr;
	uint32_t len;
};

/* Private truth of one descriptor */
struct cw_drvq_slot {
	void *cookie;	   /* of the request whose head this is */
	uint32_t writable; /* bytes offered for the device to write, over the whole chain */
	uint16_t next;	   /* free list or chain */
	uint16_t count;	   /* descriptors of the chain; 0: not the head of one in flight */
};

struct cw_drvq {
	struct cw_abi_desc *desc;
	struct cw_abi_avail *avail;
	struct cw_abi_used *used;
	struct cw_abi_desc *table; /* indirect tables, size * entries, or NULL */
	cw_addr_t table_addr;
	struct cw_drvq_slot *slot;
	uint32_t avail_count; /* running counts; their low 16 bits are the ring indices */
	uint32_t avail_published;
	uint32_t used_count;
	uint16_t size, free_head, free_count;
	uint16_t table_entries; /* descriptors in each indirect table */
	uint16_t used_idx;	/* the device's index as last read */
	bool event_idx;
	int broken; /* 0 or the CW_E* that broke it */
};

/**
 * cw_drvq_init - set a queue up in zeroed ring memory
 * @q: filled; @w: the device's window; @ring: address of cw_ring_bytes(size, line) bytes in it,
 * aligned to @line; @line: cache line; @size: power of two, 2 to CW_QUEUE_SIZE_MAX;
 * @slot: caller's array of @size entries; @event_idx: VIRTIO_F_EVENT_IDX was negotiated
 *
 * Zeroes the ring parts. The queue must not be ready on the device. Returns 0, CW_EINVAL, or
 * CW_EBADADDR when the parts do not lie in the window.
 */
int cw_drvq_init(struct cw_drvq *q, const struct cw_window *w, cw_addr_t ring, uint32_t line,
		 uint16_t size, struct cw_drvq_slot *slot, bool event_idx);

/**
 * cw_drvq_init_at - the same with each part where somebody else wants it, as a resource table does
 * @desc, @avail, @used: addresses, aligned to 16, 2 and 4
 *
 * Zeroes the parts. As cw_drvq_init().
 */
int cw_drvq_init_at(struct cw_drvq *q, const struct cw_window *w, cw_addr_t desc, cw_addr_t avail,
		    cw_addr_t used, uint16_t size, struct cw_drvq_slot *slot, bool event_idx);

/**
 * cw_drvq_indirect - let chains of more than one buffer use indirect tables
 * @table: address of size * @entries * 16 bytes in the window, aligned to 16; @entries: 2 to size
 *
 * Only when VIRTIO_F_INDIRECT_DESC was negotiated. Returns 0, CW_EINVAL or CW_EBADADDR.
 */
int cw_drvq_indirect(struct cw_drvq *q, const struct cw_window *w, cw_addr_t table,
		     uint16_t entries);

/** cw_drvq_part - address of a ring part for the registers: 0 descriptors, 1 driver, 2 device */
cw_addr_t cw_drvq_part(const struct cw_drvq *q, const struct cw_window *w, int part);

/**
 * cw_drvq_add - offer a chain to the device; not visible before cw_drvq_publish()
 * @buf: @readable buffers that the device reads, then @writable ones that it writes;
 * @cookie: returned by cw_drvq_get()
 *
 * Returns 0, CW_ENOSPC (not enough free descriptors), CW_EINVAL (no buffer, or more than the queue
 * holds) or CW_EPEER (broken). virtio 1.3 section 2.7.13.
 */
int cw_drvq_add(struct cw_drvq *q, const struct cw_buf *buf, unsigned int readable,
		unsigned int writable, void *cookie);

/**
 * cw_drvq_publish - make what was added visible
 *
 * Returns true when the device wants a notification: then kick with cw_drvq_running().
 */
bool cw_drvq_publish(struct cw_drvq *q);

/** cw_drvq_running - 32-bit running index for cw_link_kick() */
static inline uint32_t cw_drvq_running(const struct cw_drvq *q)
{
	return q->avail_published;
}

/**
 * cw_drvq_in_flight - how many chains the device has now, by one look at what it says; 0 to the queue's size
 *
 * For statistics, from the queue's thread. Chains that it has done with count no more, taken back or not.
 */
uint16_t cw_drvq_in_flight(const struct cw_drvq *q);

/**
 * cw_drvq_get - take back one chain that the device has used
 * @cookie, @len: filled; @len is what the device says it wrote
 *
 * Returns 1, 0 when there is none, CW_EBADLEN once when the device claims more than was offered
 * (@cookie is filled, @len is what was offered, the queue is broken from then on) or CW_EPEER.
 */
int cw_drvq_get(struct cw_drvq *q, void **cookie, uint32_t *len);

/**
 * cw_drvq_arm - ask for a notification at the next used chain
 *
 * Returns true when there is one already: take it before sleeping.
 */
bool cw_drvq_arm(struct cw_drvq *q);

/** cw_drvq_disarm - ask for none while polling; a hint */
void cw_drvq_disarm(struct cw_drvq *q);

/** cw_drvq_detach - take back one chain that was never used, after a reset; NULL when none is left */
void *cw_drvq_detach(struct cw_drvq *q);

#endif
