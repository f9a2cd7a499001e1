// SPDX-License-Identifier: BSD-3-Clause
/*
 * The link and its kicks.
 *
 * Theory of operation: each side writes only its own page. A side lives in epochs; it acknowledges
 * the peer's epoch by echoing it, and the link is up when both echoes match both epochs. Nothing
 * else in memory proves that anybody lives. What is private here (struct cw_link) is the truth; the
 * words in shared memory are its image and are never read back, save the old epochs at the start of
 * a life. Order of stores is what model/link.pml and model/kicks.pml check; the comments name the
 * rule each barrier serves. This file never waits and never touches a block.
 */
#include <causeway/core/err.h>
#include <causeway/core/gate.h>
#include <causeway/core/link.h>
#include <causeway/core/shm.h>

int cw_link_init(struct cw_link *link, struct cw_abi_link_page *mine,
		 const struct cw_abi_link_page *peer, struct cw_link_slot *slot, unsigned int slots,
		 uint64_t hash, const struct cw_link_ops *ops, void *ctx)
{
	if (!slots || slots > CW_SLOTS_MAX || !mine || !peer || !slot || !ops || !ops->ring)
		return CW_EINVAL;
	memset(link, 0, sizeof(*link));
	memset(slot, 0, slots * sizeof(*slot));
	link->mine = mine;
	link->peer = peer;
	link->ops = ops;
	link->ctx = ctx;
	link->slot = slot;
	link->slots = (uint16_t)slots;
	link->groups = (uint16_t)((slots + CW_GROUP_SLOTS - 1) / CW_GROUP_SLOTS);
	link->hash = hash;
	return CW_OK;
}

static void ring(struct cw_link *link)
{
	cw_doorbell_mb(); /* rule "doorbell": what the bell announces is visible first */
	link->count.rings++;
	link->ops->ring(link->ctx);
}

/* Rule "zero": a new link starts with kicks and seen of zero on both sides. */
static void zero_slots(struct cw_link *link)
{
	memset(link->slot, 0, link->slots * sizeof(*link->slot));
	memset(link->group_kick, 0, sizeof(link->group_kick));
	memset(link->group_seen, 0, sizeof(link->group_seen));
	memset(link->pending, 0, sizeof(link->pending));
	link->pending_since = 0;
	cw_zero_out(link->mine->kick, 4u * link->slots);
	cw_zero_out(link->mine->seen, 4u * link->slots);
	cw_zero_out(link->mine->group, 4u * link->groups);
}

static void rewind_ring(struct cw_link *link)
{
	link->backoff = CW_LINK_RING_MIN_US;
	link->next_ring = link->now + link->backoff;
}

/* Rule "max": later than any epoch that either side may still remember of this side, never 0. */
static uint32_t next_epoch(uint32_t own, uint32_t echo)
{
	uint32_t e = ((int32_t)(echo - own) > 0 ? echo : own) + 1;

	return e ? e : 1;
}

int cw_link_begin(struct cw_link *link, uint64_t now)
{
	struct cw_abi_link_page *m = link->mine;

	if (link->epoch && !link->was_up)
		return CW_EBUSY;
	link->now = now;
	link->up = link->was_up = false;
	link->epoch = next_epoch(cw_load32(&m->epoch), cw_load32(&link->peer->peer_epoch));
	link->echoed = 0;
	link->refused = 0;
	zero_slots(link);
	cw_store32(&m->peer_epoch,
		   0); /* rule "clear": the echo of the former life must not match */
	cw_store32(&m->state, CW_STATE_INIT);
	cw_store32(&m->magic, CW_LINK_MAGIC);
	cw_store32(&m->version, CW_ABI_VERSION);
	cw_store32(&m->hash_lo, (uint32_t)link->hash);
	cw_store32(&m->hash_hi, (uint32_t)(link->hash >> 32));
	cw_store32_release(&m->epoch, link->epoch);
	cw_wmb(); /* rule "images": they come after the epoch that voids the old ones */
	return CW_OK;
}

void cw_link_announce(struct cw_link *link)
{
	cw_store32_release(&link->mine->state, CW_STATE_UP);
	rewind_ring(link);
	ring(link);
}

static int acceptable(const struct cw_link *link)
{
	const struct cw_abi_link_page *p = link->peer;

	if (cw_load32(&p->magic) != CW_LINK_MAGIC ||
	    CW_ABI_MAJOR(cw_load32(&p->version)) != CW_ABI_MAJOR(CW_ABI_VERSION))
		return CW_EVERSION;
	if (cw_load32(&p->hash_lo) != (uint32_t)link->hash ||
	    cw_load32(&p->hash_hi) != (uint32_t)(link->hash >> 32))
		return CW_ELAYOUT;
	return CW_OK;
}

/* Acknowledge the peer's life @e, unless it is none or not one we can talk to. */
static void echo(struct cw_link *link, uint32_t e)
{
	if (link->ops->quiesce && !link->ops->quiesce(link->ctx))
		return; /* rule "quiesce": our last store must be over first; tried again */
	link->refused = acceptable(link);
	if (link->refused)
		return;
	zero_slots(link);
	cw_mb(); /* rule "echo": whoever sees the echo sees the zeroes */
	link->echoed = e;
	cw_store32(&link->mine->peer_epoch, e);
	rewind_ring(link);
	ring(link);
}

bool cw_link_alive(const struct cw_link *link)
{
	/* What the caller loaded before must not be loaded after this look (requests.pml ANSWER_ORDER). */
	cw_rmb();
	/* In this order: the peer cannot have echoed me before it took the epoch I read first. */
	return link->echoed && cw_load32_acquire(&link->peer->epoch) == link->echoed &&
	       cw_load32_acquire(&link->peer->peer_epoch) == link->epoch;
}

/* Drop the slots whose kick has been looked at; the oldest of the rest tells since when we wait. */
static bool still_pending(struct cw_link *link)
{
	uint32_t oldest = 0;
	bool any = false;

	for (unsigned int w = 0; w * 32u < link->slots; w++) {
		for (uint32_t bits = link->pending[w]; bits; bits &= bits - 1) {
			unsigned int s = w * 32u + (unsigned int)__builtin_ctz(bits);
			uint32_t age = (uint32_t)link->now - link->slot[s].since;

			if (cw_load32(&link->peer->seen[s]) == link->slot[s].kick) {
				link->pending[w] &= ~(1u << (s % 32u));
				continue;
			}
			oldest = age > oldest ? age : oldest;
			any = true;
		}
	}
	link->pending_since = any && link->now > oldest ? link->now - oldest : any;
	return any;
}

/* A kick on a slot is due: its wait begins now, unless an earlier one there is unseen still. */
static void mark_pending(struct cw_link *link, unsigned int slot)
{
	uint32_t bit = 1u << (slot % 32u), *word = &link->pending[slot / 32u];
	struct cw_link_slot *s = &link->slot[slot];

	if (!(*word & bit) || cw_load32(&link->peer->seen[slot]) == s->kick)
		s->since = (uint32_t)link->now;
	*word |= bit;
	if (!link->pending_since) {
		link->pending_since = link->now ? link->now : 1;
		rewind_ring(link);
	}
}

static bool unanswered(struct cw_link *link)
{
	if (link->up)
		return link->pending_since && still_pending(link);
	return link->epoch && cw_load32(&link->peer->peer_epoch) != link->epoch;
}

static void ring_again(struct cw_link *link)
{
	if (link->now < link->next_ring)
		return;
	if (unanswered(link)) {
		link->count.rerings++;
		ring(link);
	}
	link->backoff = link->backoff * 2 > CW_LINK_RING_MAX_US ? CW_LINK_RING_MAX_US
								: link->backoff * 2;
	link->next_ring = link->now + link->backoff;
}

enum cw_link_event cw_link_poll(struct cw_link *link, uint64_t now)
{
	enum cw_link_event event = CW_LINK_SAME;
	uint32_t e;

	link->now = now;
	if (!link->epoch)
		return CW_LINK_SAME;
	if (link->up) {
		if (cw_link_alive(link)) {
			ring_again(link);
			return CW_LINK_SAME;
		}
		link->up = false;
		link->count.downs++;
		rewind_ring(link);
		return CW_LINK_WENT_DOWN;
	}
	e = cw_load32_acquire(&link->peer->epoch);
	if (e && e != link->echoed)
		echo(link, e);
	if (cw_link_alive(link)) {
		link->up = link->was_up = true;
		link->count.ups++;
		event = CW_LINK_CAME_UP;
	}
	ring_again(link);
	return event;
}

uint64_t cw_link_deadline(struct cw_link *link)
{
	if (!link->epoch || (link->up && !(link->pending_since && still_pending(link))))
		return CW_LINK_NEVER;
	return link->next_ring;
}

void cw_link_kick(struct cw_link *link, unsigned int slot, uint32_t index)
{
	unsigned int g = slot / CW_GROUP_SLOTS;

	if (!link->up || slot >= link->slots)
		return;
	mark_pending(link, slot);
	if (link->slot[slot].kick != index) {
		link->slot[slot].kick = index;
		cw_store32_release(&link->mine->kick[slot], index);
		/* rule "group": whoever sees the count sees the kick */
		cw_store32_release(&link->mine->group[g], ++link->group_kick[g]);
	}
	ring(link);
}

static unsigned int look_group(struct cw_link *link, unsigned int g,
			       bool (*fn)(void *ctx, unsigned int slot), void *ctx)
{
	unsigned int end = (g + 1) * CW_GROUP_SLOTS, found = 0;

	if (end > link->slots)
		end = link->slots;
	for (unsigned int s = g * CW_GROUP_SLOTS; s < end; s++) {
		uint32_t kick = cw_load32_acquire(&link->peer->kick[s]);

		if (kick == link->slot[s].seen)
			continue;
		if (s != CW_SLOT_PROBE && !fn(ctx, s))
			continue;
		found++;
		link->slot[s].seen = kick;
		cw_store32(&link->mine->seen[s], kick);
	}
	return found;
}

unsigned int cw_link_look(struct cw_link *link, bool (*fn)(void *ctx, unsigned int slot), void *ctx)
{
	unsigned int found = 0;

	if (!link->up)
		return 0;
	link->count.looks++;
	for (unsigned int g = 0; g < link->groups; g++) {
		uint32_t word = cw_load32_acquire(&link->peer->group[g]);

		if (word == link->group_seen[g])
			continue;
		link->group_seen[g] = word;
		found += look_group(link, g, fn, ctx);
	}
	return found;
}

void cw_link_zero_kick(struct cw_link *link, unsigned int slot)
{
	link->slot[slot].kick = 0;
	link->pending[slot / 32u] &= ~(1u << (slot % 32u));
	cw_store32(&link->mine->kick[slot], 0);
}

void cw_link_zero_seen(struct cw_link *link, unsigned int slot)
{
	link->slot[slot].seen = 0;
	cw_store32(&link->mine->seen[slot], 0);
}

void cw_link_probe(struct cw_link *link)
{
	cw_link_kick(link, CW_SLOT_PROBE, link->slot[CW_SLOT_PROBE].kick + 1);
}

uint64_t cw_link_unseen_for(struct cw_link *link, uint64_t now)
{
	link->now = now;
	if (!link->up || !link->pending_since || !still_pending(link))
		return 0;
	return now > link->pending_since ? now - link->pending_since : 1;
}

void cw_link_set_state(struct cw_link *link, enum cw_link_state state, uint32_t code)
{
	cw_store32(&link->mine->panic_code, code);
	cw_store32_release(&link->mine->state, (uint32_t)state);
	ring(link);
}

uint32_t cw_link_peer_state(const struct cw_link *link, uint32_t *panic_code)
{
	uint32_t state = cw_load32_acquire(&link->peer->state);

	if (panic_code)
		*panic_code = cw_load32(&link->peer->panic_code);
	return state;
}
