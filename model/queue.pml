/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Theory of operation
 *
 * Setting up a queue: the driver makes it ready, uses it, resets it and makes it ready again, on one
 * link or, after a crash of either side, on the next, while ring memory keeps what was in it. Chains
 * go one way and used entries come back; both ways with kick and seen words, lost and doubled
 * doorbells, and from driver to device with an event index. The device fills buffers by kernel
 * writes, one at a time. Implemented by driver/vdev.c, driver/mmio.c, device/device.c,
 * device/mmio.c and core/ring*.c.
 *
 * The request channel is two words, odd numbers for ready and even ones for reset: that it works is
 * the business of requests.pml. Group words are left out: they outlive a queue (kicks.pml).
 *
 * Held:
 *   - neither side takes an index that the other has not published in this life of the queue;
 *   - no kernel write and no store to the ring arrives when the driver has its memory back;
 *   - in the end all that was published has come back, and nobody rings for ever.
 */
#define Z_DRV_RING	1	/* caught caught	the driver zeroes its ring parts before ready */
#define Z_DRV_KICK	2	/* caught caught	and its kick word */
#define Z_DEV_INDEX	3	/* caught caught	the device zeroes its private indices */
#define Z_DEV_USED	4	/* caught caught	and used.idx */
#define Z_DEV_EVENT	5	/* caught caught	and avail_event */
#define Z_DEV_KICK	6	/* caught caught	and its kick word */
#define Z_DEV_SEEN	7	/* caught caught	and its seen word */
#define Z_DEV_SEEN_COPY	8	/* caught caught	and its private copy of that */
#define Z_DRV_SEEN	9	/* caught caught	the driver zeroes its seen word after ready */
#define Z_DRV_SEEN_COPY	10	/* caught caught	and its private copy of that */
#define Z_DRV_INDEX	11	/* caught caught	and its private indices */
#define AFTER_ACK	12	/* - quiet      	all three only after the acknowledgement */
#define POST_RELEASE	13	/* - caught     	release from the driver's zeroes to the request */
#define READY_RELEASE	14	/* - caught     	release from the device's zeroes to the answer */
#define FIRST_RELEASE	15	/* - caught     	release from the driver's seen word to the first index */
#define RESET_WAITS	16	/* caught caught	a reset is answered when kernel writes are over */
#define RESET_RELEASE	17	/* - caught     	release from the last ring store to that answer */
#define NOT_READY	18	/* - quiet      	nobody echoes a slot whose queue is not ready */
#define EITHER		19	/* caught caught	at least one of the last two rules */

#define late	(rule(AFTER_ACK) && rule(EITHER))
#define strict	(rule(NOT_READY) && rule(EITHER))

#define WORDS	9
#define DEPTH	5
#define AIDX	0	/* the driver's ring part, kick, seen and request words */
#define KD	1
#define SD	2
#define REQ	3
#define UIDX	4	/* the device's ring parts, kick, seen and acknowledgement words */
#define AEV	5
#define KV	6
#define SV	7
#define ACK	8
#define LIVES	2	/* of the queue, in all */
#define ALL	1	/* indices published in a life */

byte qlife;		/* ghost: which life of the queue */
bit own;		/* ghost: the device may write into the queue's memory */
byte pub, done;		/* ghost: published and completed in this life */

#define landed(A, V) assert((A) != UIDX || !up[1] || own)

#include "mem.pml"

bit bell[2], asleep[2];
bit polled;		/* the driver polls this time, and wants no kick */
byte twice;
bit waits[2];		/* a kick of this side is unseen, as far as it knows */
byte seq, kd, dseen, dlast;	/* the driver's private state */
byte rdy;			/* 0 not ready, 1 ready posted, 2 ready, 3 reset posted */
byte last, used, kv, vseen, answered;	/* the device's */
bit ready;

inline driver_forgets()
{
	mem[REQ] = 0;
	mem[KD] = 0;
	mem[SD] = 0;
	seq = 0;
	kd = 0;
	dseen = 0;
	rdy = 0;
	own = 0;
	polled = 0;
	waits[1] = 0;
	bell[1] = 0
}

inline device_forgets()
{
	mem[ACK] = 0;
	mem[KV] = 0;
	mem[SV] = 0;
	answered = 0;
	kv = 0;
	vseen = 0;
	ready = 0;
	waits[0] = 0;
	bell[0] = 0
}

inline new_link(s)
{
	if
	:: s == 1 -> driver_forgets()
	:: else -> device_forgets()
	fi
}

/* The link zeroes kick and seen words; the rings in block memory keep what is in them. */
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
	:: s == 1 -> seq = 0; kd = 0; dseen = 0; dlast = 0; rdy = 0; own = 0
	:: else -> last = 0; used = 0; kv = 0; vseen = 0; answered = 0; ready = 0
	fi;
	bell[s] = 0;
	waits[s] = 0;
	asleep[s] = 0
}

#include "life.pml"

/* No doorbell barrier: that one only saves time (kicks.pml), and the buffer stays the fuller. */
inline ring(s)
{
	atomic {
		waits[s] = 1;
		if
		:: up[1 - s] -> bell[1 - s] = 1
		:: skip
		fi
	}
}

inline clear(s)
{
	asleep[s] = 0;
	if
	:: bell[s] = 0
	:: bell[s] && twice > 0 -> twice--
	fi
}

inline forget_copies()
{
	if
	:: rule(Z_DRV_SEEN) -> st(1, SD, 0)
	:: else
	fi;
	dseen = (rule(Z_DRV_SEEN_COPY) -> 0 : dseen);
	dlast = (rule(Z_DRV_INDEX) -> 0 : dlast)
}

inline post_ready()
{
	atomic {
		own = 1;
		qlife++;
		pub = 0;
		done = 0;
		polled = 0;
		if
		:: rule(Z_DRV_RING) -> st(1, AIDX, 0)
		:: else
		fi;
		kd = 0;
		waits[1] = 0;
		if
		:: rule(Z_DRV_KICK) -> st(1, KD, 0)
		:: else
		fi;
		if
		:: !late -> forget_copies()
		:: else
		fi;
		wmb_if(1, rule(POST_RELEASE));
		seq++;
		st(1, REQ, seq);
		rdy = 1
	}
}

inline publish()
{
	atomic {
		pub++;
		wmb_if(1, rule(FIRST_RELEASE));
		st(1, AIDX, pub);
		mb(1)
	}
	if
	:: mem[AEV] == pub - 1 ->
		kd = pub;
		st(1, KD, kd);
		ring(1)
	:: else
	fi
}

inline look_used()
{
	x = mem[KV];
	atomic {
		if
		:: x != dseen && (rdy == 2 || !strict) -> dseen = x; st(1, SD, x)
		:: else
		fi;
		x = 0
	}
	atomic {
		if
		:: rdy == 2 ->
			x = mem[UIDX];
			assert(x <= done && x >= dlast);
			dlast = x;
			x = 0
		:: else
		fi;
		asleep[1] = 1
	}
}

#define wakes(s) (up[s] && asleep[s] && !bell[s])

proctype driver()
{
	byte t, x;

life_begins:
	{
		start(1);
		asleep[1] = 1;
		do
		:: news(1) -> look(1)
		:: up[1] && rdy == 0 && qlife < LIVES -> post_ready()
		:: atomic { up[1] && rdy == 1 && mem[ACK] == seq ->
			rdy = 2;
			if
			:: late -> forget_copies()
			:: else
			fi }
		:: up[1] && rdy == 2 && pub < ALL -> publish()
		:: atomic { up[1] && rdy == 2 && pub > 0 && qlife < LIVES ->
			rdy = 3;
			seq++;
			st(1, REQ, seq) }
		:: atomic { up[1] && rdy == 3 && mem[ACK] == seq -> rdy = 0; own = 0 }
		:: atomic { up[1] && bell[1] -> clear(1) }
			look_used()
		:: atomic { up[1] && rdy == 2 && polled && mem[UIDX] != dlast -> asleep[1] = 0 }
			look_used()
		:: atomic { up[1] && rdy == 2 && waits[1] && kd != mem[SV] && wakes(0) &&
			mem[KD] != vseen -> bell[0] = 1 }
		:: atomic { up[1] && waits[1] && kd == mem[SV] -> waits[1] = 0 }
		od
	} unless { crash[1] }
	x = 0;
	die(1);
	goto life_begins
}

inline make_ready()
{
	if
	:: rule(Z_DEV_USED) -> st(0, UIDX, 0)
	:: else
	fi;
	if
	:: rule(Z_DEV_EVENT) -> st(0, AEV, 0)
	:: else
	fi;
	if
	:: rule(Z_DEV_KICK) -> st(0, KV, 0)
	:: else
	fi;
	if
	:: rule(Z_DEV_SEEN) -> st(0, SV, 0)
	:: else
	fi;
	last = (rule(Z_DEV_INDEX) -> 0 : last);
	used = (rule(Z_DEV_INDEX) -> 0 : used);
	kv = 0;
	waits[0] = 0;
	vseen = (rule(Z_DEV_SEEN_COPY) -> 0 : vseen);
	ready = 1
}

inline execute()
{
	atomic {
		answered = mem[REQ];
		if
		:: answered & 1 -> make_ready()
		:: else -> ready = 0
		fi
	}
	atomic {
		ready || !rule(RESET_WAITS) || fly[0] == 0;
		wmb_if(0, ready && rule(READY_RELEASE) || !ready && rule(RESET_RELEASE));
		st(0, ACK, answered)
	}
}

inline look_avail()
{
	x = mem[KD];
	atomic {
		if
		:: x != vseen && (ready || !strict) -> vseen = x; st(0, SV, x)
		:: else
		fi;
		x = 0
	}
	do
	:: ready && mem[AIDX] != last ->
		atomic {
			fly[0] == 0;
			last = mem[AIDX];
			assert(!up[1] || own && last <= pub);
			fly[0] = qlife;
			st(0, AEV, last)
		}
		mb(0)
	:: else -> break
	od;
	asleep[0] = 1
}

proctype device()
{
	byte t, x;

life_begins:
	{
		start(0);
		asleep[0] = 1;
		do
		:: news(0) -> look(0)
		:: up[0] && mem[REQ] != answered -> execute()
		:: atomic { up[0] && bell[0] -> clear(0) }
			look_avail()
		:: atomic { up[0] && ready && fly[0] == 0 && last != used ->
			used = last;
			done = used;
			st(0, UIDX, used) }
			if
			:: atomic { wmb(0); kv = used; st(0, KV, kv) }
				ring(0)
			:: polled = 1
			fi
		:: atomic { up[0] && ready && waits[0] && kv != mem[SD] && wakes(1) &&
			mem[KV] != dseen -> bell[1] = 1 }
		:: atomic { up[0] && waits[0] && kv == mem[SD] -> waits[0] = 0 }
		od
	} unless { crash[0] }
	x = 0;
	die(0);
	goto life_begins
}

/* Kernel writes arrive when they like, whoever started them. */
proctype kernel()
{
end:	do
	:: d_step { fly[0] -> assert(!up[1] || own && fly[0] == qlife); fly[0] = 0 }
	:: d_step { orphan[0] -> assert(!up[1] || own && orphan[0] == qlife); orphan[0] = 0 }
	od
}

proctype settled()
{
	timeout -> assert(up[0] && up[1] && lnk[0] == lnk[1]);
	assert(rdy == 0 || rdy == 2 && pub == ALL && dlast == pub && !waits[0] && !waits[1])
}

init
{
	atomic {
		twice = 1;
		choose_crashes(1, 2);
		run memory(0);
		run memory(1);
		run kernel();
		run crashes();
		run device();
		run driver();
		run settled()
	}
}
