// SPDX-License-Identifier: BSD-3-Clause
#include "pair.h"

#include "hook.h"

struct side side[2];
uint64_t pair_now;
static _Alignas(4096) struct cw_abi_link_page page[2];

static void ring(void *ctx)
{
	struct side *s = ctx;

	s->rings++;
}

static bool quiesce(void *ctx)
{
	struct side *s = ctx;

	s->quiesced++;
	if (!s->busy)
		return true;
	s->busy--;
	return false;
}

static const struct cw_link_ops ops = { .ring = ring, .quiesce = quiesce };

void pair_new(int s, uint64_t hash)
{
	memset(&side[s], 0, sizeof(side[s]));
	side[s].page = &page[s];
	assert_int_equal(cw_link_init(&side[s].link, &page[s], &page[1 - s], side[s].slot,
				      PAIR_SLOTS, hash, &ops, &side[s]),
			 CW_OK);
}

int pair_fresh(void **state)
{
	(void)state;
	hook_start(NULL);
	memset(page, 0, sizeof(page));
	pair_now = 5000000;
	pair_new(A, PAIR_HASH);
	pair_new(B, PAIR_HASH);
	return 0;
}

void pair_begin(int s)
{
	assert_int_equal(cw_link_begin(&side[s].link, pair_now), CW_OK);
	cw_link_announce(&side[s].link);
}

enum cw_link_event pair_poll(int s)
{
	enum cw_link_event e = cw_link_poll(&side[s].link, pair_now);

	side[s].ups += e == CW_LINK_CAME_UP;
	side[s].downs += e == CW_LINK_WENT_DOWN;
	return e;
}

void pair_settle(void)
{
	for (int i = 0; i < 20; i++) {
		pair_poll(i & 1);
		pair_now += 500;
	}
}

int pair_up(void **state)
{
	pair_fresh(state);
	pair_begin(A);
	pair_begin(B);
	pair_settle();
	assert_true(cw_link_is_up(&side[A].link) && cw_link_is_up(&side[B].link));
	side[A].rings = side[B].rings = 0;
	return 0;
}

static bool found(void *ctx, unsigned int slot)
{
	struct side *s = ctx;

	assert_true(slot > 0 && slot < PAIR_SLOTS);
	s->found[slot] = true;
	return !s->refuse[slot];
}

unsigned int pair_look(int s)
{
	memset(side[s].found, 0, sizeof(side[s].found));
	return cw_link_look(&side[s].link, found, &side[s]);
}
