// SPDX-License-Identifier: BSD-3-Clause
/*
 * The link: one side against a peer page that says anything, or two honest sides that restart and
 * whose doorbells get lost.
 *
 * Theory of operation: against a hostile peer each store is checked when it is made: to a word that
 * is ours, an echo only of a life that was read, is acceptable and for which the owner is quiet, kicks
 * only while up. Two honest sides must, whatever went before, come up and see each other's kicks once
 * restarts stop, waking only for a doorbell (every third is lost) or their deadline, and then be idle.
 */
#include "fuzz.h"

#include <causeway/core/err.h>
#include <causeway/core/link.h>
#include <string.h>

#define SLOTS  20u
#define HASH   0x1122334455667788ull
#define PEER   0x1000u
#define EPOCH  0x40u
#define ECHO   0x44u
#define KICK   0x400u
#define SEEN   0x800u
#define EVENTS 400u

enum call { NOTHING, BEGIN, POLL, LOOK, KICKING, ZEROING, STATE };

struct side {
	struct cw_link link;
	struct cw_link_slot slot[SLOTS];
	uint32_t running[SLOTS];
	bool bell;
};

static struct side side[2];
static struct cw_link *const me = &side[0].link;
static enum call call;
static uint32_t last[PEER / 4];	 /* peer's words as last loaded */
static uint32_t own_epoch;	 /* mine, as last loaded */
static bool quiet, asked, lossy; /* what quiesce() says, and whether it was asked in this call */
static unsigned int rings, bells;
static bool shown[SLOTS], taken[SLOTS]; /* by the present look */
static uint64_t now;

static uint32_t word(uint32_t off)
{
	uint32_t v;

	memcpy(&v, fz_region + off, 4);
	return v;
}

static void put(uint32_t off, uint32_t v)
{
	memcpy(fz_region + off, &v, 4);
}

/* ---- hostile: what each access of ours must be like ---- */

static uint32_t on_load(const volatile void *p, unsigned int width, uint32_t value)
{
	uint32_t off = fz_off(p);

	FZ_CHECK(width == 4);
	if (off == EPOCH) { /* the one word read back, to go on from */
		FZ_CHECK(call == BEGIN);
		return own_epoch = value;
	}
	FZ_CHECK(off >= PEER && off < 2 * PEER);
	return last[(off - PEER) / 4] = fz_twist(value);
}

static bool acceptable(void)
{
	return last[0] == CW_LINK_MAGIC && CW_ABI_MAJOR(last[1]) == CW_ABI_MAJOR(CW_ABI_VERSION) &&
	       last[2] == (uint32_t)HASH && last[3] == (uint32_t)(HASH >> 32);
}

static bool all_zero(void)
{
	for (uint32_t s = 0; s < SLOTS; s++)
		if (word(KICK + 4 * s) || word(SEEN + 4 * s))
			return false;
	return true;
}

static void check_echo(uint32_t v)
{
	if (call == BEGIN) {
		FZ_CHECK(!v && all_zero());
		return;
	}
	FZ_CHECK(call == POLL && asked && quiet && acceptable() && all_zero());
	FZ_CHECK(v && v == last[EPOCH / 4]);
}

static void check_epoch(uint32_t v)
{
	uint32_t echo = last[ECHO / 4];
	uint32_t later = (int32_t)(echo - own_epoch) > 0 ? echo : own_epoch;

	FZ_CHECK(call == BEGIN && v && !word(ECHO) && word(0x48) == CW_STATE_INIT);
	FZ_CHECK(v == later + 1 || (later == UINT32_MAX && v == 1));
}

static void on_store(const volatile void *p, unsigned int width)
{
	uint32_t off = fz_off(p);

	FZ_CHECK(fz_allowed(off, width));
	if (off == ECHO)
		check_echo(word(off));
	else if (off == EPOCH)
		check_epoch(word(off));
	else if (off >= KICK && off < SEEN && word(off))
		FZ_CHECK(call == KICKING && me->up);
	else if (off >= SEEN && word(off)) {
		uint32_t s = (off - SEEN) / 4;

		FZ_CHECK(call == LOOK && me->up && (taken[s] || !s));
		FZ_CHECK(word(off) == last[KICK / 4 + s]);
	}
}

static void ring(void *ctx)
{
	const struct side *s = ctx;

	rings++;
	if (!lossy || ++bells % 3)
		side[s == &side[0]].bell = true;
}

static bool quiesce(void *ctx)
{
	(void)ctx;
	asked = true;
	return quiet;
}

static const struct cw_link_ops ops = { .ring = ring, .quiesce = quiesce };

static bool on_slot(void *ctx, unsigned int slot)
{
	(void)ctx;
	FZ_CHECK(slot && slot < SLOTS && !shown[slot] && me->up);
	shown[slot] = true;
	return taken[slot] = fz_u8() & 3;
}

static void h_poll(void)
{
	bool was = me->up;
	enum cw_link_event e;
	uint64_t at;

	now += fz_u8() & 0x80 ? fz_u16() : fz_u8();
	quiet = fz_u8() & 7;
	asked = false;
	rings = 0;
	fz_loads = 0;
	call = POLL;
	e = cw_link_poll(me, now);
	FZ_CHECK(rings <= 2 && fz_loads <= 12 + SLOTS);
	FZ_CHECK((e == CW_LINK_CAME_UP) == (!was && me->up));
	FZ_CHECK((e == CW_LINK_WENT_DOWN) == (was && !me->up));
	if (me->up) {
		FZ_CHECK(me->echoed && last[EPOCH / 4] == me->echoed && word(ECHO) == me->echoed);
		FZ_CHECK(last[ECHO / 4] == me->epoch && word(EPOCH) == me->epoch);
	}
	at = cw_link_deadline(me);
	FZ_CHECK(at == CW_LINK_NEVER || (at > now && at <= now + CW_LINK_RING_MAX_US));
	FZ_CHECK(me->up || !me->epoch || at != CW_LINK_NEVER);
}

static void h_begin(void)
{
	bool busy = me->epoch && !me->was_up;
	int err;

	call = BEGIN;
	err = cw_link_begin(me, now);
	FZ_CHECK(err == (busy ? CW_EBUSY : CW_OK));
	if (err)
		return;
	FZ_CHECK(!me->up && word(EPOCH) == me->epoch);
	call = STATE;
	cw_link_announce(me);
}

static void h_look(void)
{
	unsigned int n, found = 0;

	memset(shown, 0, sizeof(shown));
	memset(taken, 0, sizeof(taken));
	fz_loads = 0;
	call = LOOK;
	n = cw_link_look(me, on_slot, NULL);
	FZ_CHECK(fz_loads <= CW_GROUPS_MAX + SLOTS);
	for (unsigned int s = 0; s < SLOTS; s++)
		found += taken[s];
	FZ_CHECK(n == found || n == found + 1); /* the probe's slot is nobody's */
}

static void h_kick(void)
{
	uint32_t slot = fz_below(SLOTS + 4), index = fz_u8();
	uint32_t before = slot < SLOTS ? word(KICK + 4 * slot) : 0,
		 group = word(0x80 + slot / 16 * 4);

	rings = 0;
	call = KICKING;
	cw_link_kick(me, slot, index);
	if (!me->up || slot >= SLOTS) {
		FZ_CHECK(!rings && group == word(0x80 + slot / 16 * 4));
		return;
	}
	FZ_CHECK(rings == 1 && word(KICK + 4 * slot) == index);
	FZ_CHECK(word(0x80 + slot / 16 * 4) == group + (before != index));
}

static void h_misc(void)
{
	uint8_t b = fz_u8();

	call = ZEROING;
	if (b & 1)
		cw_link_zero_kick(me, b >> 1 & 15);
	else
		cw_link_zero_seen(me, b >> 1 & 15);
	FZ_CHECK(!word((b & 1 ? KICK : SEEN) + 4u * (b >> 1 & 15)));
	call = KICKING;
	if (b & 0x80)
		cw_link_probe(me);
	call = STATE;
	if (b & 0x40)
		cw_link_set_state(me, (enum cw_link_state)(b & 7), b);
	FZ_CHECK(cw_link_alive(me) ==
		 (me->echoed && last[EPOCH / 4] == me->echoed && last[ECHO / 4] == me->epoch));
	FZ_CHECK(!cw_link_unseen_for(me, now) || me->up);
	cw_link_peer_state(me, NULL);
}

/* The peer's page, most often plausible. */
static void h_peer(void)
{
	uint8_t b = fz_u8();

	put(PEER, CW_LINK_MAGIC + !(b & 0x1f));
	put(PEER + 4, CW_ABI_VERSION + (b & 1));
	put(PEER + 8, (uint32_t)HASH);
	put(PEER + 12, (uint32_t)(HASH >> 32) + ((b & 0x3e) == 2));
	if (b & 0x40)
		put(PEER + EPOCH, b & 0x20 ? fz_u32() : fz_u8());
	if (b & 0x80)
		put(PEER + ECHO, b & 0x20 ? fz_u32() : me->epoch);
	if (b & 8) {
		uint32_t slot = fz_below(SLOTS + 4);

		put(PEER + KICK + 4 * slot, fz_u8());
		put(PEER + SEEN + 4 * slot, word(KICK + 4 * slot));
		put(PEER + 0x80 + slot / 16 * 4, fz_u8());
	}
}

static void hostile(void)
{
	static void (*const op[])(void) = { h_poll, h_poll, h_peer, h_peer,
					    h_look, h_kick, h_misc, h_begin };

	put(EPOCH, fz_u8() & 0x80 ? fz_u32() : 0);
	fz_allow(0, 0x10); /* the words of a link page, and nothing between them */
	fz_allow(EPOCH, 0x10);
	fz_allow(0x80, 4 * ((SLOTS + 15) / 16));
	fz_allow(KICK, 4 * SLOTS);
	fz_allow(SEEN, 4 * SLOTS);
	FZ_CHECK(!cw_link_init(me, (void *)fz_region, (void *)(fz_region + PEER), side[0].slot,
			       SLOTS, HASH, &ops, &side[0]));
	fz_on_load = on_load;
	fz_on_store = on_store;
	fz_hostile = true;
	h_begin();
	while (fz_more())
		op[fz_u8() & 7]();
}

/* ---- two honest sides ---- */

static void start(unsigned int i)
{
	struct side *s = &side[i];
	void *page[2] = { fz_region, fz_region + PEER };

	FZ_CHECK(!cw_link_init(&s->link, page[i], page[!i], s->slot, SLOTS, HASH, &ops, s));
	memset(s->running, 0, sizeof(s->running));
	FZ_CHECK(!cw_link_begin(&s->link, now));
	cw_link_announce(&s->link);
}

static bool see(void *ctx, unsigned int slot)
{
	(void)ctx;
	return slot < SLOTS;
}

static void pass(unsigned int i)
{
	side[i].bell = false;
	if (cw_link_poll(&side[i].link, now) != CW_LINK_SAME)
		memset(side[i].running, 0, sizeof(side[i].running));
	cw_link_look(&side[i].link, see, NULL);
}

static void kick(unsigned int i, unsigned int slot)
{
	if (side[i].link.up)
		cw_link_kick(&side[i].link, slot, ++side[i].running[slot]);
}

static bool settled(void)
{
	for (unsigned int i = 0; i < 2; i++) {
		if (!side[i].link.up || cw_link_deadline(&side[i].link) != CW_LINK_NEVER)
			return false;
		for (unsigned int s = 0; s < SLOTS; s++)
			if (side[!i].slot[s].seen != side[i].slot[s].kick)
				return false;
	}
	return true;
}

/* Wakes whoever has a doorbell or whose time has come. */
static void step(void)
{
	uint64_t a = cw_link_deadline(&side[0].link), b = cw_link_deadline(&side[1].link);

	if (!side[0].bell && !side[1].bell) {
		FZ_CHECK(a != CW_LINK_NEVER || b != CW_LINK_NEVER); /* nobody would ever wake */
		now = a < b ? a : b;
	}
	if (side[0].bell || a <= now)
		pass(0);
	if (side[1].bell || b <= now)
		pass(1);
}

static void honest(void)
{
	unsigned int events = 0;

	put(EPOCH, fz_u8());
	put(PEER + ECHO, fz_u8());
	quiet = true;
	start(0);
	start(1);
	while (fz_more()) {
		uint8_t b = fz_u8();
		unsigned int i = b & 1;

		quiet = fz_u8() & 3;
		now += b & 0x80 ? 5000 : 10;
		if ((b & 0x0e) == 0)
			start(i);
		else if ((b & 0x0e) < 8)
			pass(i);
		else
			kick(i, (b >> 4) % 8u + (b & 2 ? 10u : 1u));
	}
	quiet = lossy = true;
	while (!settled()) {
		FZ_CHECK(events++ < EVENTS);
		step();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fz_begin(data, size);
	memset(side, 0, sizeof(side));
	memset(last, 0, sizeof(last));
	now = 1000;
	bells = 0;
	lossy = false;
	call = NOTHING;
	if (fz_u8() & 1)
		honest();
	else
		hostile();
	return 0;
}
