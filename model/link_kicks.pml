/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Theory of operation
 *
 * Link and kicks together: the link of link_core.pml word by word, and on it one slot, in one
 * direction, with its kick, group and seen words in the pages that start and echo zero. Side 1
 * publishes one index on every link and side 0 sleeps until a doorbell wakes it, while each crashes
 * and restarts at any step and its old stores are still under way. Implemented by core/link.c.
 *
 * The carrier's zeroing, images and kernel writes are left to link.pml. The index is block memory and
 * nobody zeroes it here; it holds the link on which it was published, so that an old one counts as
 * none (queue.pml). The receiver is always armed (kicks.pml).
 *
 * Held:
 *   - what link.pml holds about links and block memory;
 *   - when nothing moves any more, the link is up, what was published on it has been seen, and the
 *     kick is echoed: no wake-up is lost on a new link and nobody rings for ever.
 */
#define ZERO_KICK	31	/* - quiet      	a kick word is zero on a new link */
#define ZERO_GROUP	32	/* caught caught	and the group word */
#define ZERO_SEEN	33	/* caught caught	and the seen word */
#define ZERO_SEEN_COPY	34	/* caught caught	and the private copy of the peer's kick */
#define ZERO_GROUP_COPY	35	/* caught caught	and that of the peer's group */
#define ZERO_KICK_COPY	36	/* caught caught	and what the sender knows of its own */
#define KICK_RERING	37	/* caught caught	ring again while a kick is unseen */
/* again ZERO_AT_START	6	- quiet      	start zeroes the arrays */
/* again ZERO_AT_ECHO	11	caught caught	the arrays are zeroed before the echo */
/* again ECHO_BARRIER	12	quiet caught 	a barrier before the echo */
/* again RERING		19	caught caught	ring again while the echo differs */

#define NW	5
#define WORDS	11
#define DEPTH	5
#define E(s)	((s) * NW)
#define PE(s)	((s) * NW + 1)
#define KICK	(NW + 2)	/* remote page */
#define GRP	(NW + 3)
#define SEEN	2		/* PMM page */
#define IDX	10

inline landed(A, V)
{
	if
	:: A == IDX -> arrived(V)
	:: else
	fi
}

#include "link_core.pml"

byte kick, grp;			/* the sender's private state */
bit unseen, sent;
byte seen, grp_seen, taken;	/* the receiver's; taken: the link of the last index it saw */
bit asleep;

inline zero_arrays(s)
{
	if
	:: s == 1 ->
		if
		:: rule(ZERO_KICK) -> st(s, KICK, 0)
		:: else
		fi;
		if
		:: rule(ZERO_GROUP) -> st(s, GRP, 0)
		:: else
		fi;
		if
		:: rule(ZERO_KICK_COPY) -> kick = 0; unseen = 0
		:: else
		fi;
		grp = 0
	:: else ->
		if
		:: rule(ZERO_SEEN) -> st(s, SEEN, 0)
		:: else
		fi;
		seen = (rule(ZERO_SEEN_COPY) -> 0 : seen);
		grp_seen = (rule(ZERO_GROUP_COPY) -> 0 : grp_seen)
	fi
}

inline images(s)
{
	skip
}

inline came_up(s)
{
	if
	:: s == 1 -> sent = 0
	:: else
	fi
}

proctype sender()
{
	byte me, ech, t, u;

life_begins:
	{
		start(1);
		do
		:: !up[1] && news(1) -> look(1)
		:: atomic { up[1] && bell[1] -> take_bell(1) }
			look(1)
		:: atomic { rule(RERING) && rering(1) -> bell[0] = 1 }
		:: atomic { up[1] && !sent ->
			sent = 1;
			st(1, IDX, lnk[1]);
			mb(1) }
			atomic {
				if
				:: kick != 1 ->
					kick = 1;
					grp++;
					unseen = 1;
					st(1, KICK, kick);
					wmb(1);
					st(1, GRP, grp)
				:: else
				fi
			}
			ring(1)
		:: atomic { up[1] && unseen && kick == mem[SEEN] -> unseen = 0 }
		:: atomic { up[1] && unseen && kick != mem[SEEN] && rule(KICK_RERING) &&
			up[0] && asleep && !bell[0] && (grp_seen != mem[GRP]) -> bell[0] = 1 }
		od
	} unless { crash[1] }
	atomic { kick = 0; grp = 0; unseen = 0; sent = 0 }
	die(1);
	goto life_begins
}

inline look_kick()
{
	t = mem[GRP];
	atomic {
		if
		:: t != grp_seen ->
			grp_seen = t;
			t = mem[KICK];
			if
			:: t != seen ->
				seen = t;
				st(0, SEEN, t);
				taken = mem[IDX]
			:: else
			fi
		:: else
		fi;
		t = 0;
		asleep = 1
	}
}

proctype receiver()
{
	byte me, ech, t, u;

life_begins:
	{
		start(0);
		do
		:: atomic { !up[0] && news(0) || up[0] && bell[0] ->
			asleep = 0;
			take_bell(0) }
			look(0);
			if
			:: up[0] -> look_kick()
			:: !up[0] -> asleep = 1
			fi
		:: atomic { rule(RERING) && rering(0) -> bell[1] = 1 }
		od
	} unless { crash[0] }
	atomic { seen = 0; grp_seen = 0; taken = 0; asleep = 0 }
	die(0);
	goto life_begins
}

proctype settled()
{
	timeout -> assert(up[0] && up[1] && lnk[0] == lnk[1]);
	assert(sent && taken == lnk[0] && !unseen)
}

init
{
	atomic {
		twice = 1;
		dead[0] = 1;
		dead[1] = 1;
		do
		:: left[0] < 2 && left[0] + left[1] < 3 -> left[0]++
		:: left[1] < 2 && left[0] + left[1] < 3 -> left[1]++
		:: break
		od;
		run memory(0);
		run memory(1);
		run kernel();
		run crashes();
		run receiver();
		run sender();
		run settled()
	}
}
