/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Theory of operation
 *
 * Notification in one direction: side 1 publishes on two queues, whose slots share a group of kick
 * words, and side 0 sleeps until a doorbell wakes it. Doorbells are lost or doubled; both sides crash
 * and restart at any step. Only side 1 to side 0 is modelled: the other direction shares nothing with
 * it. Implemented by core/link.c (kick, seen and group words, rings) and core/ring*.c (index, event).
 *
 * Rings are here an index each and an event index each. They are simply zero on a new link: how that
 * comes about is the business of queue.pml.
 *
 * Held: when nothing moves any more and the link is up, all that was published has been seen and
 * every kick has been echoed: no wake-up is lost and nobody rings for ever.
 */
#define GROUP_ORDER	1	/* - caught     	release from the kick word to the group word */
#define GROUP_ACQUIRE	2	/* caught caught	kick words are read after the group word */
#define GROUP_ONCE	3	/* caught caught	remembered is the group word that was acted on */
#define CLEAR_FIRST	4	/* - quiet      	the doorbell is cleared before the look */
#define SECOND_LOOK	5	/* caught caught	a look at the indices after arming */
#define ARM_BARRIER	6	/* caught caught	full barrier from arming to the second look */
#define PUBLISH_BARRIER	7	/* caught caught	full barrier from the index to the event index */
#define RERING		8	/* caught caught	ring again while a kick is unseen */
#define BELL_BARRIER	9	/* - quiet      	doorbell barrier */
#define ZERO_KICKS	10	/* caught caught	the sender zeroes its kick words for a new link */
#define ZERO_GROUPS	11	/* caught caught	and its group words */
#define ZERO_SEEN	12	/* caught caught	the receiver zeroes its seen words for a new link */
#define ZERO_SEEN_COPY	13	/* caught caught	and its private copy of them */
#define ZERO_GROUP_COPY	14	/* caught caught	and its private copy of the group words */
#define ZERO_KICK_COPY	15	/* caught caught	the sender forgets which kicks were unseen */

#define WORDS	9
#define DEPTH	5
#define KICK(q)	(q)		/* the sender's page */
#define GRP	2
#define IDX(q)	(3 + (q))	/* its rings */
#define SEEN(q)	(5 + (q))	/* the receiver's page */
#define EVT(q)	(7 + (q))	/* its rings */
/* Two indices on queue 0 of each link; one on queue 1, which later links leave alone. */
#define all_of(q) ((q) == 0 -> 2 : (life[0] == 1 && life[1] == 1))

#define landed(A, V) skip
#include "mem.pml"

bit bell;
byte twice;			/* doorbells still to be delivered twice */
bit asleep;			/* ghost: the receiver waits for its doorbell */
byte sent[2], kick[2], grp;	/* the sender's private state */
byte taken[2], seen[2], grp_seen;	/* the receiver's */

/* Both at a new life and before an echo. The stores find an empty buffer. */
inline new_link(s)
{
	if
	:: s == 1 ->
		mem[IDX(0)] = 0;
		mem[IDX(1)] = 0;
		sent[0] = 0;
		sent[1] = 0;
		grp = 0;
		if
		:: rule(ZERO_KICK_COPY) -> kick[0] = 0; kick[1] = 0
		:: else
		fi;
		if
		:: rule(ZERO_KICKS) -> st(1, KICK(0), 0); st(1, KICK(1), 0)
		:: else
		fi;
		if
		:: rule(ZERO_GROUPS) -> st(1, GRP, 0)
		:: else
		fi
	:: else ->
		mem[EVT(0)] = 0;
		mem[EVT(1)] = 0;
		taken[0] = 0;
		taken[1] = 0;
		bell = 0;
		if
		:: rule(ZERO_SEEN_COPY) -> seen[0] = 0; seen[1] = 0
		:: else
		fi;
		if
		:: rule(ZERO_GROUP_COPY) -> grp_seen = 0
		:: else
		fi;
		if
		:: rule(ZERO_SEEN) -> st(0, SEEN(0), 0); st(0, SEEN(1), 0)
		:: else
		fi
	fi
}

inline images(s)
{
	new_link(s)
}

inline forget(s)
{
	mb(s);
	new_link(s)
}

inline came_up(s)
{
	skip
}

inline gone(s)
{
	if
	:: s == 1 -> sent[0] = 0; sent[1] = 0; kick[0] = 0; kick[1] = 0; grp = 0
	:: else -> taken[0] = 0; taken[1] = 0; seen[0] = 0; seen[1] = 0; grp_seen = 0;
		bell = 0; asleep = 0
	fi
}

#include "life.pml"

inline ring()
{
	atomic {
		!rule(BELL_BARRIER) || mb(1);
		if
		:: bell = 1
		:: skip
		fi
	}
}

inline publish(q)
{
	atomic {
		sent[q]++;
		st(1, IDX(q), sent[q]);
		!rule(PUBLISH_BARRIER) || mb(1)
	}
	if
	:: mem[EVT(q)] == sent[q] - 1 ->
		atomic {
			kick[q] = sent[q];
			grp++;
			st(1, KICK(q), kick[q]);
			wmb_if(1, rule(GROUP_ORDER));
			st(1, GRP, grp)
		}
		ring()
	:: else
	fi
}

/* To ring helps: the receiver sleeps and would find its group changed. */
#define unseen(q) (kick[q] != mem[SEEN(q)])
#define helps (up[0] && asleep && !bell && grp_seen != mem[GRP])

proctype sender()
{
	byte t;

life_begins:
	{
		start(1);
		do
		:: news(1) -> look(1)
		:: up[1] && sent[0] < all_of(0) -> publish(0)
		:: up[1] && sent[1] < all_of(1) -> publish(1)
		:: atomic { up[1] && (unseen(0) || unseen(1)) && helps && rule(RERING) -> bell = 1 }
		od
	} unless { crash[1] }
	die(1);
	goto life_begins
}

inline clear()
{
	if
	:: bell = 0
	:: bell && twice > 0 -> twice--
	fi
}

inline look_kick(q)
{
	atomic {
		x = mem[KICK(q)];
		if
		:: x != seen[q] ->
			seen[q] = x;
			st(0, SEEN(q), x);
			todo[q] = 1
		:: else
		fi;
		x = 0
	}
}

inline look_kicks()
{
	if
	:: !rule(GROUP_ACQUIRE) -> look_kick(0); look_kick(1)
	:: else
	fi;
	g = mem[GRP];
	if
	:: g != grp_seen ->
		if
		:: rule(GROUP_ACQUIRE) -> look_kick(0); look_kick(1)
		:: else
		fi;
		grp_seen = (rule(GROUP_ONCE) -> g : mem[GRP])
	:: else
	fi;
	g = 0
}

inline drain(q)
{
	atomic {
		if
		:: todo[q] ->
			taken[q] = mem[IDX(q)];
			st(0, EVT(q), taken[q])
		:: else
		fi
	}
}

#define more(q) (todo[q] && rule(SECOND_LOOK) && mem[IDX(q)] != taken[q])

proctype receiver()
{
	byte t, x, g;
	bit todo[2];

life_begins:
	{
		start(0);
		asleep = 1;
		do
		:: news(0) -> look(0)
		:: atomic { up[0] && bell -> asleep = 0;
			if
			:: rule(CLEAR_FIRST) -> clear()
			:: else
			fi }
			look_kicks();
again:			drain(0);
			drain(1);
			!rule(ARM_BARRIER) || mb(0);
			if
			:: more(0) -> goto again
			:: else
			fi;
			if
			:: more(1) -> goto again
			:: else
			fi;
			atomic {
				todo[0] = 0;
				todo[1] = 0;
				if
				:: !rule(CLEAR_FIRST) -> clear()
				:: else
				fi;
				asleep = 1
			}
		od
	} unless { crash[0] }
	atomic { todo[0] = 0; todo[1] = 0; x = 0; g = 0 }
	die(0);
	goto life_begins
}

proctype settled()
{
	timeout -> assert(up[0] && up[1] && lnk[0] == lnk[1]);
	assert(sent[0] == all_of(0) && taken[0] == sent[0] && taken[1] == sent[1]);
	assert(!unseen(0) && !unseen(1))
}

init
{
	atomic {
		twice = 1;
		choose_crashes(1, 2);
		run memory(0);
		run memory(1);
		run crashes();
		run receiver();
		run sender();
		run settled()
	}
}
