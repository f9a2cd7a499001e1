/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Theory of operation
 *
 * Configuration space: the device changes it under an odd ConfigGeneration, the driver reads it
 * between two equal even ones. The worker crashes in the middle of a change and its successor
 * writes the configuration anew. Implemented by device/mmio.c and driver/mmio.c.
 *
 * Two readers: the library's own, one call that ends with a look at the peer's epoch (inline
 * read_config), and a ported stock driver, which makes its own loop of generation, words and
 * generation out of single accessor calls, each of which counts only on the present link, while the
 * link may come and go between them (process stock).
 *
 * A configuration is two words that both hold its number; of_life[] knows which worker made it.
 *
 * Held:
 *   - no reader returns a torn configuration;
 *   - the library's reader returns only the configuration of the PMM life its link is with;
 *   - in the end the last configuration stands in the page under an even generation.
 */
#define BAR_ODD		1	/* - caught     	barrier from the odd generation to the words */
#define BAR_EVEN	2	/* - caught     	release from the words to the even generation */
#define GEN_ACQUIRE	3	/* caught caught	words are read after the first generation */
#define WORDS_ACQUIRE	4	/* caught caught	the second generation is read after the words */
#define ODD_REFUSED	5	/* caught caught	an odd generation is not returned */
#define EPOCH_CHECKED	6	/* caught caught	a read counts if the epoch is unchanged */
#define EPOCH_AFTER	7	/* caught caught	the epoch is read after the configuration */
#define NONCE		8	/* caught caught	a new worker continues from the old generation */
#define GEN_CHECKED	9	/* caught caught	the two generations are compared */

#define WORDS	3
#define DEPTH	5
#define GEN	0
#define C1	1
#define C2	2
#define CHANGES	4
#define TRIES	2

#define landed(A, V) skip
#include "mem.pml"

byte of_life[CHANGES + 1];	/* ghost: the worker that made a configuration */
bit stocked;			/* the reader of this run is the stock driver */
byte made;			/* ghost: number of the last configuration */
byte gen;			/* the worker's own generation */

/* Stores the next configuration; gen is odd before. */
inline store_config()
{
	made++;
	of_life[made] = life[0];
	st(0, GEN, gen);
	wmb_if(0, rule(BAR_ODD));
	st(0, C1, made);
	st(0, C2, made);
	wmb_if(0, rule(BAR_EVEN));
	gen++;
	st(0, GEN, gen)
}

inline images(s)
{
	if
	:: s == 0 ->
		gen = (rule(NONCE) -> mem[GEN] : 0) | 1;
		store_config()
	:: else
	fi
}

inline forget(s)
{
	skip
}

inline came_up(s)
{
	skip
}

inline gone(s)
{
	skip
}

#include "life.pml"

proctype device()
{
	byte t;

life_begins:
	{
		start(0);
		do
		:: news(0) -> look(0)
		:: atomic { made < CHANGES - left[0] && mb(0) && up[0] -> gen++; store_config() }
		od
	} unless { crash[0] }
	gen = 0;
	die(0);
	goto life_begins
}

/* Loads the four words in the order of the rules; the first two rules exchange two of them. */
inline load_config()
{
	if
	:: rule(GEN_ACQUIRE) -> g1 = mem[GEN]; c1 = mem[C1]
	:: else -> c1 = mem[C1]; g1 = mem[GEN]
	fi;
	if
	:: rule(WORDS_ACQUIRE) -> c2 = mem[C2]; g2 = mem[GEN]
	:: else -> g2 = mem[GEN]; c2 = mem[C2]
	fi
}

inline read_config()
{
	do
	:: tries < TRIES ->
		tries++;
		same = (rule(EPOCH_AFTER) || epoch[0] == ech[1]);
		load_config();
		if
		:: ((g1 & 1) && rule(ODD_REFUSED)) || (g1 != g2 && rule(GEN_CHECKED))
		:: else ->
			atomic {
				if
				:: rule(EPOCH_AFTER) -> same = (epoch[0] == ech[1])
				:: else
				fi;
				if
				:: same || !rule(EPOCH_CHECKED) ->
					assert(c1 == c2);
					assert(of_life[c1] == ech[1])
				:: else
				fi;
				break
			}
		fi
	:: else -> break
	od;
	atomic { tries = 0; g1 = 0; g2 = 0; c1 = 0; c2 = 0; same = 0 }
}

proctype driver()
{
	byte t;
	byte tries, g1, g2, c1, c2;
	bit same;
	bit fresh;

life_begins:
	{
		start(1);
		do
		:: news(1) -> look(1); fresh = up[1]
		:: up[1] && fresh && !stocked -> fresh = 0; read_config()
		od
	} unless { crash[1] }
	atomic { tries = 0; g1 = 0; g2 = 0; c1 = 0; c2 = 0; same = 0; fresh = 0 }
	die(1);
	goto life_begins
}

/* One accessor call: it counts only if, after the load, the epoch is that of the present link. */
#define one_load(X, WORD) atomic { up[1] && epoch[0] == ech[1] && !dead[1] -> X = mem[WORD] }

/* A stock driver's loop, once, at any time. A crash of the remote ends it. */
proctype stock()
{
	byte g1, g2, c1, c2;

	{
		one_load(g1, GEN);
		!(g1 & 1) || !rule(ODD_REFUSED);
		one_load(c1, C1);
		one_load(c2, C2);
		atomic {
			up[1] && epoch[0] == ech[1] && !dead[1] -> g2 = mem[GEN];
			assert(g1 != g2 && rule(GEN_CHECKED) || c1 == c2)
		}
	} unless { crash[1] }
}

proctype settled()
{
	timeout -> assert(up[0] && up[1] && lnk[0] == lnk[1]);
	assert(mem[C1] == made && mem[C2] == made && !(mem[GEN] & 1) && of_life[made] == life[0])
}

init
{
	atomic {
		choose_crashes(2, 2);
		run memory(0);
		run memory(1);
		run crashes();
		run device();
		run driver();
		if
		:: run stock(); stocked = 1
		:: skip
		fi;
		run settled()
	}
}
