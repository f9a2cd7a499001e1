/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Theory of operation
 *
 * The link as requests.pml, kicks.pml, queue.pml and config.pml use it: what link.pml has shown to
 * hold, in few states. Epochs are never taken twice, so the life's number is the epoch; a side
 * starts with its former stores over and its buffer empty, and echoes with its buffer empty and its
 * kernel writes over. Hence the two link words are stored at once instead of through the buffer.
 * What is left to chance is when each side looks, between which of its steps it crashes, and what
 * the stores of a dead side still do. Side 0 is the PMM with the device, side 1 the remote with
 * the driver. Doorbells of the link itself are left out: a side may look at any time.
 *
 * up[s], the link being up in the view of a side, is in mem.pml, where landed() may look at it.
 *
 * The includer defines images(s): what a side stores at its start; forget(s): what it does before
 * an echo; came_up(s); and gone(s): the private state that a crash takes.
 */
byte lnk[2];		/* the link this side is on: the PMM's epoch, the remote's epoch; 0: none */
byte epoch[2], echoed[2];	/* the words of the two pages */
byte ech[2];		/* what this side has echoed last */
byte life[2];
bit crash[2], dead[2];
byte left[2];		/* crashes still to come */
byte fly[2];		/* a kernel write under way, and what the includer needs to know of it */
byte orphan[2];		/* the same, of a former life */

#define ID(p, r) ((p) << 4 | (r))

inline start(s)
{
	atomic {
		mb(s) && orphan[s] == 0;
		dead[s] = 0;
		life[s]++;
		echoed[s] = 0;
		epoch[s] = life[s];
		images(s)
	}
}

#define news(s) (epoch[1 - s] != ech[s] || up[s] != (echoed[1 - s] == life[s]))

inline look(s)
{
	t = epoch[1 - s];
	if
	:: t != ech[s] ->
		atomic {
			up[s] = 0;
			lnk[s] = 0;
			ech[s] = t;
			fly[s] == 0
		}
		atomic {
			forget(s);
			mb(s)
		}
		echoed[s] = t
	:: else
	fi;
	atomic {
		if
		:: echoed[1 - s] == life[s] && !up[s] ->
			up[s] = 1;
			lnk[s] = (s == 0 -> ID(life[s], t) : ID(t, life[s]));
			came_up(s)
		:: echoed[1 - s] == life[s] && up[s]
		:: echoed[1 - s] != life[s] ->
			up[s] = 0;
			lnk[s] = 0
		fi;
		t = 0
	}
}

inline die(s)
{
	atomic {
		orphan[s] == 0;
		crash[s] = 0;
		dead[s] = 1;
		up[s] = 0;
		lnk[s] = 0;
		orphan[s] = fly[s];
		fly[s] = 0;
		t = 0;
		ech[s] = 0;
		gone(s);
		crash_buffer(s)
	}
}

proctype crashes()
{
end:	do
	:: atomic { left[0] > 0 && !dead[0] && !crash[0] -> left[0]--; crash[0] = 1 }
	:: atomic { left[1] > 0 && !dead[1] && !crash[1] -> left[1]--; crash[1] = 1 }
	od
}

/* How many times each side may crash, at most `each` and `all` together: any number up to that. */
inline choose_crashes(each, all)
{
	dead[0] = 1;
	dead[1] = 1;
	do
	:: left[0] < each && left[0] + left[1] < all -> left[0]++
	:: left[1] < each && left[0] + left[1] < all -> left[1]++
	:: break
	od
}
