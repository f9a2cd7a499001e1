/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Theory of operation
 *
 * Register requests: the driver posts entries in its driver page, the device copies and executes
 * them once and acknowledges in its device page. Both sides crash and restart at any step; the
 * pages keep what was in them. Implemented by device/mmio.c and driver/mmio.c.
 *
 * A request is two entry words that both hold its number, so that a torn one shows; the ghost
 * made[] knows on which link a number was posted, done[] what was executed.
 *
 * Held:
 *   - the device executes a request at most once, never a torn one, and only one that was posted on
 *     the link it is on;
 *   - the driver takes only the answer to its own request on its present link;
 *   - a posted request is answered in the end, or the link changes, or the driver takes a new epoch.
 */
#define LID_FIRST	1	/* caught caught	the device reads the link id before the sequence */
#define BAR_OPEN	2	/* - caught     	opening: release from sequence to link id */
#define OPEN_FROM_ACK	3	/* caught caught	opening: sequence := acknowledged sequence */
#define BAR_POST	4	/* - caught     	release from entries to sequence */
#define SEQ_ACQUIRE	5	/* caught caught	the device reads entries after the sequence */
#define BAR_ACK		6	/* - caught     	release from result to acknowledged sequence */
#define ACK_ACQUIRE	7	/* caught caught	the driver reads the result after the acknowledgement */
#define LID_OF_REMOTE	8	/* caught caught	the link id holds the remote's epoch */
#define LID_OF_PMM	9	/* caught caught	the link id holds the PMM's epoch */
#define NO_REUSE	10	/* caught caught	no further request after a deadline */
#define ACK_LID		11	/* - quiet      	the driver checks the link id of an answer */
#define ACK_SEQ		12	/* caught caught	the driver checks the sequence of an answer */
#define LAST_PRIVATE	13	/* caught caught	the device acts only on a changed sequence */
#define ANSWER_EPOCH	14	/* caught caught	an answer counts if the epoch is unchanged */
#define ANSWER_ORDER	15	/* caught caught	that epoch is read after the result */

#define WORDS	7
#define DEPTH	5
#define SEQ	0	/* driver page */
#define LID	1
#define EN1	2
#define EN2	3
#define ACK	4	/* device page */
#define ALID	5
#define RES	6
#define REQUESTS 3

#define landed(A, V) skip
#include "mem.pml"

byte made[REQUESTS + 1];	/* ghost: the link a request was posted on */
bit done[REQUESTS + 1];		/* ghost: executed */
byte posted;			/* ghost: number of the last request */

/* The link id as it is compared: with both epochs unless a rule is removed. */
#define key(l) ((l) & (rule(LID_OF_REMOTE) -> 255 : 240) & (rule(LID_OF_PMM) -> 255 : 15))

inline images(s)
{
	if
	:: s == 0 ->
		st(s, RES, 0);
		st(s, ALID, 0);
		st(s, ACK, 0)
	:: else
	fi
}

inline forget(s)
{
	skip
}

inline came_up(s)
{
	fresh = 1
}

inline gone(s)
{
	skip
}

#include "life.pml"

proctype device()
{
	byte t;
	byte last, q, e1, e2;
	bit fresh;

life_begins:
	{
		start(0);
		do
		:: news(0) -> look(0)
		:: atomic { up[0] && (!rule(LID_FIRST) || mem[LID] == key(lnk[0])) &&
			(mem[SEQ] != last || !rule(LAST_PRIVATE) || !rule(SEQ_ACQUIRE)) ->
			if
			:: !rule(LID_FIRST) -> q = mem[SEQ]
			:: else
			fi;
			if
			:: !rule(SEQ_ACQUIRE) -> e1 = mem[EN1]; e2 = mem[EN2]
			:: else
			fi }
			atomic {
				if
				:: rule(LID_FIRST) -> q = mem[SEQ]
				:: else -> mem[LID] == key(lnk[0])
				fi;
				if
				:: q == last && !rule(SEQ_ACQUIRE) -> goto early
				:: else
				fi;
				last = q
			}
			if
			:: rule(SEQ_ACQUIRE) -> e1 = mem[EN1]; e2 = mem[EN2]
			:: else
			fi;
			atomic {
				assert(e1 == e2);
				assert(e1 != 0 && made[e1] == lnk[0]);
				assert(!done[e1]);
				done[e1] = 1;
				st(0, RES, e1);
				st(0, ALID, lnk[0]);
				wmb_if(0, rule(BAR_ACK));
				st(0, ACK, q);
early:				q = 0;
				e1 = 0;
				e2 = 0
			}
		od
	} unless { crash[0] }
	atomic { last = 0; q = 0; e1 = 0; e2 = 0; fresh = 0 }
	die(0);
	goto life_begins
}

proctype driver()
{
	byte t;
	byte seq, mine, r;
	bit fresh;	/* the channel is not open yet */
	bit waiting, same;

life_begins:
	{
		start(1);
		do
		:: news(1) -> waiting = 0; look(1)
		:: atomic { up[1] && fresh ->
			fresh = 0;
			waiting = 0;
			seq = (rule(OPEN_FROM_ACK) -> mem[ACK] : 0) }
			atomic {
				st(1, SEQ, seq);
				wmb_if(1, rule(BAR_OPEN));
				r = key(lnk[1]);
				st(1, LID, r);
				r = 0
			}
		:: atomic { up[1] && !fresh && !waiting && posted < REQUESTS ->
			posted++;
			mine = posted;
			made[mine] = lnk[1];
			seq++;
			waiting = 1;
			st(1, EN1, mine);
			st(1, EN2, mine);
			wmb_if(1, rule(BAR_POST));
			st(1, SEQ, seq) }
		:: atomic { waiting &&
			(mem[ACK] == seq || !rule(ACK_SEQ) || !rule(ACK_ACQUIRE)) &&
			(mem[ALID] == lnk[1] || !rule(ACK_LID) || !rule(ACK_ACQUIRE)) ->
			same = (epoch[0] == ech[1]);
			if
			:: !rule(ACK_ACQUIRE) -> r = mem[RES]
			:: else
			fi }
			atomic {
				if
				:: rule(ACK_ACQUIRE) -> r = mem[RES]
				:: else
				fi;
				if
				:: mem[ACK] == seq && mem[ALID] == lnk[1] || rule(ACK_ACQUIRE)
				:: else -> goto unanswered
				fi
			}
			atomic {
				same = (rule(ANSWER_ORDER) -> epoch[0] == ech[1] : same);
				if
				:: same || !rule(ANSWER_EPOCH) ->
					assert(r == mine && made[r] == lnk[1] && done[r])
				:: else
				fi;
				waiting = 0;
				mine = 0;
unanswered:			r = 0;
				same = 0
			}
		:: atomic { waiting && left[1] > 0 ->
			/* The deadline: a new epoch, or without the rule the next request. */
			if
			:: rule(NO_REUSE) -> left[1]--; crash[1] = 1
			:: else -> waiting = 0
			fi }
		od
	} unless { crash[1] }
	atomic { seq = 0; mine = 0; r = 0; fresh = 0; waiting = 0; same = 0 }
	die(1);
	goto life_begins
}

proctype settled()
{
	timeout -> assert(up[0] && up[1] && lnk[0] == lnk[1] && mb(0) && mb(1));
	assert(posted == REQUESTS && (mem[ACK] == mem[SEQ]))
}

init
{
	atomic {
		choose_crashes(2, 3);
		run memory(0);
		run memory(1);
		run crashes();
		run device();
		run driver();
		run settled()
	}
}
