/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Theory of operation
 *
 * Spin executes one step of one process after the other and would never see a missing barrier. So
 * no side of a model stores to memory: it stores into its own buffer, and a process of its own, the
 * memory system, lets the stores out at any later moment.
 *
 *   default   total store order: stores leave in the order in which they were made
 *   -DWEAK    stores of one release group leave in any order; wmb() separates groups, and two
 *             stores to one word never overtake each other
 *
 * Loads are done in program order and see memory; a load that may be early is written as such by
 * the model. No model lets a side load a word that it may itself have in its buffer. A side that
 * crashes leaves its buffer behind: what is in it is lost, or leaves later (crash_buffer()).
 *
 * A model defines WORDS and DEPTH before it includes this file, and landed(A, V), run when a store
 * reaches memory. DEPTH holds the largest number of stores a side makes without a full barrier; a
 * side that finds its buffer full waits.
 */
typedef buffer {
	byte n;			/* stores waiting */
	bit fence;		/* a barrier since the last of them */
	byte a[DEPTH];
	byte v[DEPTH];
	bit b[DEPTH];		/* a barrier stands before this one */
};

buffer sb[2];
byte mem[WORDS];
bit up[2];		/* the link is up in the view of this side */

/* The rule that this run removes, 0 for none. A variable, so that one verifier serves all runs. */
#ifndef WITHOUT
#define WITHOUT 0
#endif
byte without = WITHOUT;
#define rule(x) (without != x)

byte lv_a, lv_v, lv_i;

inline st(s, A, V)
{
	atomic {
		sb[s].n < DEPTH;
		d_step {
			sb[s].a[sb[s].n] = A;
			sb[s].v[sb[s].n] = V;
			sb[s].b[sb[s].n] = sb[s].fence;
			sb[s].fence = 0;
			sb[s].n++
		}
	}
}

/* Stores before it leave before stores after it: `dmb oshst`, or the release of a store. */
inline wmb(s)
{
#ifdef WEAK
	if
	:: d_step { sb[s].n > 0 -> sb[s].fence = 1 }
	:: sb[s].n == 0
	fi
#else
	skip
#endif
}

/* The same, where a mutant may leave it out. */
inline wmb_if(s, kept)
{
#ifdef WEAK
	if
	:: d_step { sb[s].n > 0 && (kept) -> sb[s].fence = 1 }
	:: sb[s].n == 0 || !(kept)
	fi
#else
	skip
#endif
}

/* Full barrier: nothing of this side is under way any more. */
#define mb(s) (sb[s].n == 0)

inline leave(s, i, may)
{
	d_step {
		may;
		lv_a = sb[s].a[i];
		lv_v = sb[s].v[i];
		lv_i = i;
		do
		:: lv_i + 1 < sb[s].n ->
			sb[s].a[lv_i] = sb[s].a[lv_i + 1];
			sb[s].v[lv_i] = sb[s].v[lv_i + 1];
			sb[s].b[lv_i] = sb[s].b[lv_i + 1];
			lv_i++
		:: else -> break
		od;
		sb[s].a[lv_i] = 0;
		sb[s].v[lv_i] = 0;
		sb[s].b[lv_i] = 0;
		sb[s].n--;
		sb[s].b[0] = 0;
		if
		:: sb[s].n == 0 -> sb[s].fence = 0
		:: else
		fi;
		mem[lv_a] = lv_v;
		landed(lv_a, lv_v);
		lv_a = 0;
		lv_v = 0;
		lv_i = 0
	}
}

inline crash_buffer(s)
{
	if
	:: sb[s].n > 0 ->
		d_step {
			do
			:: sb[s].n > 0 ->
				sb[s].n--;
				sb[s].a[sb[s].n] = 0;
				sb[s].v[sb[s].n] = 0;
				sb[s].b[sb[s].n] = 0
			:: else -> break
			od;
			sb[s].fence = 0
		}
	:: skip
	fi
}

#define free1(s) (sb[s].n > 1 && !sb[s].b[1] && sb[s].a[1] != sb[s].a[0])
#define free2(s) (sb[s].n > 2 && !sb[s].b[1] && !sb[s].b[2] && sb[s].a[2] != sb[s].a[0] && \
		  sb[s].a[2] != sb[s].a[1])
#define free3(s) (sb[s].n > 3 && !sb[s].b[1] && !sb[s].b[2] && !sb[s].b[3] && \
		  sb[s].a[3] != sb[s].a[0] && sb[s].a[3] != sb[s].a[1] && \
		  sb[s].a[3] != sb[s].a[2])
#define free4(s) (sb[s].n > 4 && !sb[s].b[1] && !sb[s].b[2] && !sb[s].b[3] && !sb[s].b[4] && \
		  sb[s].a[4] != sb[s].a[0] && sb[s].a[4] != sb[s].a[1] && \
		  sb[s].a[4] != sb[s].a[2] && sb[s].a[4] != sb[s].a[3])

/* One process a side lets its stores out. */
proctype memory(bit s)
{
end:	do
	:: leave(s, 0, sb[s].n > 0)
#ifdef WEAK
	:: leave(s, 1, free1(s))
#if DEPTH > 2
	:: leave(s, 2, free2(s))
#endif
#if DEPTH > 3
	:: leave(s, 3, free3(s))
#endif
#if DEPTH > 4
	:: leave(s, 4, free4(s))
#endif
#endif
	od
}
