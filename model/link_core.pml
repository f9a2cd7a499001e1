/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Theory of operation
 *
 * What link.pml and link_kicks.pml share: how a side starts a life, how it looks at the peer's link
 * words and echoes a new epoch, how it rings. Side 0 is the PMM, side 1 the remote; the rules are
 * the same for both. Implemented by core/link.c.
 *
 * An epoch word carries a ghost in its upper half: the number of the life that stored it. The rules
 * see only the lower half, the assertions only the ghost; two lives with the same epoch are thereby
 * told apart by the assertions, never by the rules.
 *
 * The includer defines NW, the number of words in the page of a side, the words E and PE of a side,
 * images(s): what it stores behind its epoch, zero_arrays(s), came_up(s), and ZEROING if the carrier
 * shall zero the remote page. The rules below can each be removed with -DWITHOUT=name; the two words
 * after the number say whether a run notices that, in total store order and in the weak variant.
 */
#define REAP		1	/* caught caught	start waits for kernel writes of the former life */
#define DRAIN		2	/* caught caught	start waits for stores of the former life */
#define MAX_OF_ECHO	3	/* caught caught	the new epoch is above the peer's echo */
#define MAX_OF_OWN	4	/* caught caught	the new epoch is above one's own last */
#define CLEAR_ECHO	5	/* caught caught	start clears the echo */
#define ZERO_AT_START	6	/* - quiet      	start zeroes the arrays */
#define BAR_CLEAR_EPOCH	7	/* - caught     	barrier from cleared echo to epoch */
#define BAR_EPOCH_IMAGE	8	/* - caught     	barrier from epoch to images */
#define BAR_IMAGE_STATE	9	/* - quiet      	barrier from images to state */
#define QUIESCE		10	/* caught caught	kernel writes are over before the echo */
#define ZERO_AT_ECHO	11	/* caught caught	the arrays are zeroed before the echo */
#define ECHO_BARRIER	12	/* quiet caught 	a barrier before the echo */
#define ECHO_FULL	13	/* - quiet      	that barrier is a full one */
#define EPOCH_READ_FIRST 14	/* caught caught	the epoch is read before the echo */
#define ZERO_NO_ECHO	15	/* - quiet      	epoch 0 is not echoed */
#define BELL_BARRIER	16	/* - quiet      	doorbell barrier */
#define ZERO_ASKED	17	/* caught caught	a carrier zeroes when the link is dropped */
#define ZERO_REMOTE_ONLY 18	/* caught caught	a carrier never zeroes the PMM page */
#define RERING		19	/* caught caught	ring again while the echo differs */

#define ep(x)	((x) & 15)
#define ghost(x) ((x) >> 4)
/* Which two lives a link joins: what side s calls it, whose life is m and whose peer's is p. */
#define id(s, m, p) ((s) == 0 -> ((m) << 4 | (p)) : ((p) << 4 | (m)))

byte lnk[2];		/* ghost: which link that is, 0 while it is not up */

/* A store into block memory, made for link L, arrives: nobody may be on another link by now. */
inline arrived(L)
{
	assert(!up[0] || lnk[0] == L);
	assert(!up[1] || lnk[1] == L)
}

#include "mem.pml"

byte fly[2];		/* a kernel or DMA write under way, and of which link it is; 0: none */
byte orphan[2];		/* the same of a former life: this life does not know of it */
byte life[2];		/* ghost: how many lives */
bit crash[2], dead[2];
byte left[2];		/* crashes still to come */
bit bell[2];		/* a doorbell waits for this side */
bit hold;		/* the carrier holds the remote in reset and wants to zero its page */
bit held;		/* the worker has dropped the link for that and will not look */
byte twice;		/* doorbells still to be delivered twice */
byte lc_x;

/* Rings the peer of s: the doorbell may be lost. */
inline ring(s)
{
	atomic {
		(!rule(BELL_BARRIER) || mb(s)) ->
		if
		:: up[1 - s] -> bell[1 - s] = 1
		:: skip
		fi
	}
}

/* Clears the source; a doubled doorbell is there again. */
inline take_bell(s)
{
	if
	:: bell[s] = 0
	:: bell[s] && twice > 0 -> twice--
	fi
}

inline drop(s)
{
	up[s] = 0;
	bell[s] = 0;
	lnk[s] = 0
}

inline start(s)
{
	atomic {
		(!rule(REAP) || orphan[s] == 0) && (!rule(DRAIN) || mb(s)) && !(s == 0 && hold);
		dead[s] = 0
	}
	t = (rule(MAX_OF_OWN) -> mem[E(s)] : 0);
	u = (rule(MAX_OF_ECHO) -> mem[PE(1 - s)] : 0);
	atomic {
		life[s]++;
		me = (ep(t) > ep(u) -> ep(t) : ep(u)) + 1 + (life[s] << 4);
		t = 0;
		u = 0;
		if
		:: rule(ZERO_AT_START) -> zero_arrays(s)
		:: else
		fi;
		if
		:: rule(CLEAR_ECHO) -> st(s, PE(s), 0)
		:: else
		fi;
		wmb_if(s, rule(BAR_CLEAR_EPOCH));
		st(s, E(s), me);
		images(s)
	}
	ring(s)
}

/* A look would find something else than the last one. */
#define news(s) (ep(mem[E(1 - s)]) != ep(ech) || ep(mem[PE(1 - s)]) == ep(me))

/*
 * Looks at the peer's link words in their order and echoes a new epoch. At the end up[s] says
 * whether the link is up; t and u are free again.
 */
inline look(s)
{
	if
	:: !rule(EPOCH_READ_FIRST) -> u = mem[PE(1 - s)]
	:: rule(EPOCH_READ_FIRST)
	fi;
	t = mem[E(1 - s)];
	if
	:: ep(t) != ep(ech) ->
		atomic {
			drop(s);
			ech = t;
			!rule(QUIESCE) || fly[s] == 0
		}
		if
		:: ep(t) != 0 || !rule(ZERO_NO_ECHO) ->
			atomic {
				if
				:: rule(ZERO_AT_ECHO) -> zero_arrays(s)
				:: else
				fi;
				wmb_if(s, !rule(ECHO_FULL))
			}
			atomic {
				!(rule(ECHO_BARRIER) && rule(ECHO_FULL)) || mb(s);
				st(s, PE(s), t)
			}
			ring(s)
		:: else
		fi
	:: else
	fi;
	atomic {
		if
		:: rule(EPOCH_READ_FIRST) -> u = mem[PE(1 - s)]
		:: else
		fi;
		if
		:: ep(t) != 0 && ep(u) == ep(me) ->
			if
			:: !up[s] ->
				up[s] = 1;
				lnk[s] = id(s, life[s], ghost(ech));
				assert(!up[1 - s] || lnk[0] == lnk[1]);
				came_up(s)
			:: else
			fi
		:: else -> drop(s)
		fi;
		t = 0;
		u = 0
	}
}

/* This side wants the peer to look, and only a doorbell makes it. */
#define rering(s) (!up[s] && ep(mem[PE(1 - s)]) != ep(me) && up[1 - s] && !bell[1 - s])

/* The carrier of a remote in reset zeroes its page: the worker has dropped the link or is reaped. */
inline zero_remote()
{
	hold = rule(ZERO_ASKED);
	d_step {
		mb(1) && (!rule(ZERO_ASKED) || (held || dead[0]) && fly[0] == 0 && orphan[0] == 0 && mb(0)) ->
		lc_x = 0;
		do
		:: lc_x < NW ->
			mem[NW + lc_x] = 0;
			if
			:: !rule(ZERO_REMOTE_ONLY) -> mem[lc_x] = 0
			:: else
			fi;
			lc_x++
		:: else -> break
		od;
		lc_x = 0;
		hold = 0
	}
}

/* The side is gone; what it had in its buffer is lost or leaves later. */
inline die(s)
{
	atomic {
		orphan[s] == 0 || fly[s] == 0;
		crash[s] = 0;
		dead[s] = 1;
		orphan[s] = (fly[s] -> fly[s] : orphan[s]);
		fly[s] = 0;
		drop(s);
		bell[s] = 0;
		t = 0;
		u = 0;
		me = 0;
		ech = 0;
		if
		:: s == 0 -> held = 0
		:: else
		fi;
		crash_buffer(s)
	}
#ifdef ZEROING
	if
	:: s == 1 -> zero_remote()
	:: skip
	fi
#endif
}

proctype crashes()
{
end:	do
	:: atomic { left[0] > 0 && !dead[0] -> left[0]--; crash[0] = 1 }
	:: atomic { left[1] > 0 && !dead[1] -> left[1]--; crash[1] = 1 }
	od
}

/* Kernel and DMA writes arrive when they like, whoever started them. */
proctype kernel()
{
end:	do
	:: d_step { fly[0] -> arrived(fly[0]); fly[0] = 0 }
	:: d_step { fly[1] -> arrived(fly[1]); fly[1] = 0 }
	:: d_step { orphan[0] -> arrived(orphan[0]); orphan[0] = 0 }
	:: d_step { orphan[1] -> arrived(orphan[1]); orphan[1] = 0 }
	od
}
