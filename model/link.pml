/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Theory of operation
 *
 * The link: two sides that start, crash and restart at any step, with stores and kernel writes of a
 * dead life still under way, doorbells lost or doubled, and a carrier that may zero the remote page.
 * Implemented by core/link.c; host/keeper/ holds the rules about reaping and zeroing. The rules are
 * in link_core.pml.
 *
 * Held:
 *   - both sides up means up on the same two lives;
 *   - no store and no kernel write for one link reaches block memory when a side is up on another;
 *   - a side that comes up finds the peer's images and kick word of that very life and link, and an
 *     image read while the peer's epoch has not changed is of that life;
 *   - however crashes and lost doorbells fall, in the end both are up on one link.
 */
#define ZEROING
#define NW	5
#define WORDS	12
#define DEPTH	5
#define E(s)	((s) * NW)
#define PE(s)	((s) * NW + 1)
#define IMG(s)	((s) * NW + 2)
#define ST(s)	((s) * NW + 3)
#define K(s)	((s) * NW + 4)	/* stands for the whole kick array */
/* Crashes in all; without the doorbell barrier there is far more to search. */
#define TOTAL	(rule(BELL_BARRIER) -> 3 : 2)
#define BLK(s)	(10 + (s))	/* block memory this side writes */

inline landed(A, V)
{
	if
	:: A >= BLK(0) -> arrived(V); mem[A] = 0
	:: else
	fi
}

#include "link_core.pml"

inline zero_arrays(s)
{
	st(s, K(s), 0)
}

inline images(s)
{
	wmb_if(s, rule(BAR_EPOCH_IMAGE));
	st(s, IMG(s), life[s]);
	wmb_if(s, rule(BAR_IMAGE_STATE));
	st(s, ST(s), life[s])
}

inline came_up(s)
{
	todo = 1
}

proctype side(bit s)
{
	byte me, ech, t, u;
	bit todo;	/* this link has not been used yet */

life_begins:
	{
		start(s);
		do
		:: s == 0 && hold && !held ->
			atomic { drop(s); fly[s] == 0 && mb(s); held = 1 }
			atomic { !hold -> held = 0 }
		:: !(s == 0 && hold) && !up[s] && news(s) -> look(s)
		:: !(s == 0 && hold) && up[s] && bell[s] -> take_bell(s); look(s)
		:: atomic { rule(RERING) && rering(s) -> bell[1 - s] = 1 }
		:: atomic { up[s] && todo -> todo = 0;
			st(s, BLK(s), lnk[s]); st(s, K(s), lnk[s]) }
		:: atomic { up[s] && todo && !fly[s] -> todo = 0; fly[s] = lnk[s] }
		:: atomic { up[s] && todo -> todo = 0;
			t = mem[K(1 - s)];
			assert(t == 0 || t == lnk[s]);
			t = mem[IMG(1 - s)] }
			atomic {
				assert(ep(mem[E(1 - s)]) != ep(ech) || t == ghost(ech));
				t = 0
			}
		od
	} unless { crash[s] }
	todo = 0;
	die(s);
	goto life_begins
}

proctype settled()
{
	timeout -> assert(up[0] && up[1] && lnk[0] == lnk[1])
}

init
{
	atomic {
		twice = 1;
		dead[0] = 1;
		dead[1] = 1;
		do
		:: left[0] < 2 && left[0] + left[1] < TOTAL -> left[0]++
		:: left[1] < 2 && left[0] + left[1] < TOTAL -> left[1]++
		:: break
		od;
		run memory(0);
		run memory(1);
		run kernel();
		run crashes();
		run side(0);
		run side(1);
		run settled()
	}
}
