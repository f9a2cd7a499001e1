/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Split virtqueue, device role (virtio 1.3 section 2.7), against a driver that may lie, with the one
 * chain walker that every device and every queue uses.
 *
 * A chain is copied, checked and resolved as a whole before the device sees any of it. A driver
 * that breaks the rules breaks the queue: all later calls return CW_EPEER until the reset.
 *
 * Context: one owner a queue makes every call.
 */
#ifndef CAUSEWAY_CORE_RING_DEVICE_H
#define CAUSEWAY_CORE_RING_DEVICE_H

#include <causeway/abi/region.h>
#include <causeway/abi/ring.h>
#include <causeway/core/window.h>

#ifndef __cplusplus
#include <stdbool.h>
#endif

/* A resolved piece of payload; the same layout as struct iovec. */
struct cw_part {
	void *ptr;
	size_t len;
};

/* A private, checked snapshot of one descriptor chain. */
struct cw_chain {
	struct cw_part *part; /* caller's: readable parts first, then writable ones */
	uint16_t readable;    /* number of parts that the device reads */
	uint16_t writable;    /* number of parts that the device writes */
	uint16_t head;
	uint32_t readable_len; /* bytes in all of them */
	uint32_t writable_len;
};

/* Address ranges that no buffer may touch: the rings of the device's ready queues. */
struct cw_ranges {
	cw_addr_t lo, hi; /* span over all of them: most buffers are outside and need one look */
	unsigned int n;
	struct {
		cw_addr_t at, end;
	} range[3 * CW_QUEUES_MAX];
};

struct cw_devq {
	const struct cw_window *win;
	const struct cw_ranges *keep_out;
	struct cw_abi_desc *desc;
	struct cw_abi_avail *avail;
	struct cw_abi_used *used;
	uint16_t *own;	     /* per descriptor: 0 free, else next + 1 within its chain, or END */
	uint32_t used_count; /* running counts; their low 16 bits are the ring indices */
	uint32_t used_published;
	uint16_t size, avail_count, avail_idx;
	bool ready, event_idx, indirect;
	int broken;	  /* 0 or the CW_E* that broke it */
	uint32_t strange; /* descriptors with unknown flags */
};

/**
 * cw_devq_init - bring a queue into use
 * @q: filled; @w: the device's window; @keep_out: see there, kept up to date by the owner;
 * @desc, @avail, @used: addresses as the driver gave them; @size: power of two up to 1024;
 * @own: caller's array of @size entries; @event_idx, @indirect: negotiated
 *
 * Checks alignment and bounds; overlap is the caller's. Zeroes the words of the used ring that the
 * device owns: flags, idx, avail_event. Returns 0, CW_EINVAL or CW_EBADADDR.
 */
int cw_devq_init(struct cw_devq *q, const struct cw_window *w, const struct cw_ranges *keep_out,
		 cw_addr_t desc, cw_addr_t avail, cw_addr_t used, uint16_t size, uint16_t *own,
		 bool event_idx, bool indirect);

/** cw_devq_stop - take a queue out of use; touches no shared memory */
void cw_devq_stop(struct cw_devq *q);

/**
 * cw_devq_pop - take the next available chain
 * @c: filled, c->part set to @part; @part, @parts: room for the resolved pieces, empty ones are
 * dropped; a chain with more than @parts pieces breaks the queue
 *
 * Returns 1, 0 when there is none, or CW_EPEER (q->broken says why).
 */
int cw_devq_pop(struct cw_devq *q, struct cw_chain *c, struct cw_part *part, unsigned int parts);

/**
 * cw_devq_push - give a chain back with @len bytes written; not visible before cw_devq_publish()
 *
 * @head must be in flight. Several chains may be pushed and published together.
 */
void cw_devq_push(struct cw_devq *q, uint16_t head, uint32_t len);

/**
 * cw_devq_publish - make what was pushed visible
 *
 * Returns true when the driver wants a notification: then kick with cw_devq_running().
 */
bool cw_devq_publish(struct cw_devq *q);

/** cw_devq_running - 32-bit running index for cw_link_kick() */
static inline uint32_t cw_devq_running(const struct cw_devq *q)
{
	return q->used_published;
}

/**
 * cw_devq_follow - take over how far somebody else published who runs this ring; one load
 *
 * Nothing is decided by what it reads. Returns the running index, as cw_devq_running().
 */
uint32_t cw_devq_follow(struct cw_devq *q);

/** cw_devq_pending - whether the driver has published chains not taken yet; one load at most */
bool cw_devq_pending(struct cw_devq *q);

/** cw_devq_arm - ask for a kick at the next chain; true when one is there already */
bool cw_devq_arm(struct cw_devq *q);

/** cw_devq_disarm - ask for none while polling; a hint */
void cw_devq_disarm(struct cw_devq *q);

/**
 * cw_chain_read - gather bytes from the readable parts into private memory
 * @at: offset in the readable bytes; Returns the bytes copied, less than @len at the end.
 */
uint32_t cw_chain_read(const struct cw_chain *c, uint32_t at, void *dst, uint32_t len);

/** cw_chain_write - scatter private bytes into the writable parts; returns the bytes copied */
uint32_t cw_chain_write(const struct cw_chain *c, uint32_t at, const void *src, uint32_t len);

/**
 * cw_parts_skip - drop the first @bytes of a list of parts, e.g. a header that was read apart
 * @part: adjusted in place; @n: number of parts; Returns the number left, *@first the first of them.
 */
unsigned int cw_parts_skip(struct cw_part *part, unsigned int n, uint32_t bytes,
			   struct cw_part **first);

#endif
