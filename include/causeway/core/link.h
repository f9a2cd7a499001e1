/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The link: two sides that have acknowledged each other's present life, and the kicks between them.
 * Both roles use this code; `mine` is the page this side writes, `peer` the one it only reads.
 * docs/spec/region.md section 4; model/link.pml, model/kicks.pml, model/link_kicks.pml.
 *
 * Context: one thread (or one main loop) owns a link and makes every call; an interrupt handler
 * only wakes it. Times are microseconds of any monotonic clock.
 */
#ifndef CAUSEWAY_CORE_LINK_H
#define CAUSEWAY_CORE_LINK_H

#include <causeway/abi/region.h>

#ifndef __cplusplus
#include <stdbool.h>
#endif

/* Re-ring intervals: an unanswered epoch or kick is rung again after 1, 2, 4 ... 100 ms. */
#define CW_LINK_RING_MIN_US 1000u
#define CW_LINK_RING_MAX_US 100000u
#define CW_LINK_NEVER	    UINT64_MAX

struct cw_link_ops {
	/** ring - ring the doorbell towards the peer; a hint: may be lost or doubled, never blocks */
	void (*ring)(void *ctx);
	/**
	 * quiesce - make sure that this side's last store into the blocks of the former link is over
	 *
	 * Called before a peer's new epoch is echoed, again and again until it returns true; from the
	 * first call on the owner starts no further access. NULL: nothing is ever in flight.
	 */
	bool (*quiesce)(void *ctx);
};

/* Private truth of one slot */
struct cw_link_slot {
	uint32_t kick;	/* what this side last published */
	uint32_t seen;	/* the peer's word that this side last looked at */
	uint32_t since; /* when the oldest unseen kick was published, low bits of microseconds */
};

enum cw_link_event {
	CW_LINK_SAME = 0,
	CW_LINK_CAME_UP = 1,   /* set up devices anew; block memory may be used from now on */
	CW_LINK_WENT_DOWN = 2, /* touch no block memory; everything in flight is void */
};

struct cw_link_counters {
	uint32_t ups, downs, rings, rerings, looks, strange; /* strange: impossible words seen */
};

struct cw_link {
	struct cw_abi_link_page *mine;
	const struct cw_abi_link_page *peer;
	const struct cw_link_ops *ops;
	void *ctx;
	struct cw_link_slot *slot;
	uint64_t hash;
	uint64_t now, next_ring, pending_since;
	uint32_t backoff;
	uint32_t epoch;	 /* my life, 0 before cw_link_begin() */
	uint32_t echoed; /* the peer's life that I acknowledged, 0: none */
	int refused;	 /* 0, CW_EVERSION or CW_ELAYOUT: why the present peer is not echoed */
	uint16_t slots, groups;
	bool up, was_up;
	uint32_t group_kick[CW_GROUPS_MAX];  /* private copies of my group words */
	uint32_t group_seen[CW_GROUPS_MAX];  /* the peer's group words I last acted on */
	uint32_t pending[CW_SLOTS_MAX / 32]; /* slots I kicked and have not found in seen */
	struct cw_link_counters count;
};

/**
 * cw_link_init - prepare the private state; touches no shared memory
 * @link: filled; @mine, @peer: the two pages, mapped, 4096-aligned;
 * @slot: caller's array of @slots entries (1 to CW_SLOTS_MAX), zeroed here;
 * @hash: cw_layout_hash(); @ops, @ctx: see there
 *
 * Returns 0 or CW_EINVAL.
 */
int cw_link_init(struct cw_link *link, struct cw_abi_link_page *mine,
		 const struct cw_abi_link_page *peer, struct cw_link_slot *slot, unsigned int slots,
		 uint64_t hash, const struct cw_link_ops *ops, void *ctx);

/**
 * cw_link_begin - take a new epoch: a new life
 *
 * The caller has made sure that every store of its own earlier life is over (worker reaped and its
 * kernel I/O ended; DMA stopped). Afterwards it writes its images and calls cw_link_announce().
 * Not to be repeated while the present epoch has never been up (CW_EBUSY): that would only make
 * work for the peer. Returns 0 or CW_EBUSY.
 */
int cw_link_begin(struct cw_link *link, uint64_t now);

/** cw_link_announce - publish the state after the images are written, and ring */
void cw_link_announce(struct cw_link *link);

/**
 * cw_link_poll - look at the peer's link words, echo a new life, ring again what went unanswered
 * @now: microseconds
 *
 * Call on each doorbell, before trusting memory after a wait, and when cw_link_deadline() passes.
 * Returns what changed; both edges are reported, each exactly once.
 */
enum cw_link_event cw_link_poll(struct cw_link *link, uint64_t now);

/** cw_link_is_up - this side's present view, without touching memory */
static inline bool cw_link_is_up(const struct cw_link *link)
{
	return link->up;
}

/**
 * cw_link_alive - whether the peer's words still are those of this link
 *
 * Two loads; for use between requests, before results that came from memory are handed on.
 */
bool cw_link_alive(const struct cw_link *link);

/** cw_link_deadline - when cw_link_poll() wants to run next without a doorbell, or CW_LINK_NEVER */
uint64_t cw_link_deadline(struct cw_link *link);

/**
 * cw_link_kick - publish a running index on a slot and ring
 * @index: 32-bit running count whose low 16 bits are the ring index being published
 *
 * The caller has published the index itself (release) and found that a notification is due.
 * Does nothing while the link is down.
 */
void cw_link_kick(struct cw_link *link, unsigned int slot, uint32_t index);

/**
 * cw_link_look - find the slots that the peer kicked
 * @fn: called for each changed slot; returns true to have the kick echoed as seen, false for a slot
 *	whose queue is not ready
 *
 * Costs one cache line and one more for each group with news, however many devices are configured.
 * Returns the number of slots found.
 */
unsigned int cw_link_look(struct cw_link *link, bool (*fn)(void *ctx, unsigned int slot),
			  void *ctx);

/** cw_link_zero_kick - zero my kick word of a slot, before a queue of it is set up */
void cw_link_zero_kick(struct cw_link *link, unsigned int slot);

/** cw_link_zero_seen - zero my seen word of a slot and its private copy */
void cw_link_zero_seen(struct cw_link *link, unsigned int slot);

/** cw_link_probe - kick slot 0: a peer that lives shows it in its seen word */
void cw_link_probe(struct cw_link *link);

/** cw_link_unseen_for - microseconds for which the oldest unseen kick has waited, 0: none waits */
uint64_t cw_link_unseen_for(struct cw_link *link, uint64_t now);

/** cw_link_set_state - publish what this side is doing; @code counts with CW_STATE_PANIC only */
void cw_link_set_state(struct cw_link *link, enum cw_link_state state, uint32_t code);

/** cw_link_peer_state - the peer's state word, enum cw_link_state or something impossible */
uint32_t cw_link_peer_state(const struct cw_link *link, uint32_t *panic_code);

#endif
