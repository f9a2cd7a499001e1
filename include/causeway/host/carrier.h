/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Carriers: what runs a remote. Used by the keeper alone.
 */
#ifndef CAUSEWAY_HOST_CARRIER_H
#define CAUSEWAY_HOST_CARRIER_H

#include <causeway/host/coredump.h>
#include <causeway/host/doorbell.h>
#include <causeway/host/image.h>
#include <causeway/host/memory.h>

#include <string.h>
#include <sys/types.h>

/* As Linux names them (remoteproc) */
enum cw_carrier_state {
	CW_REMOTE_OFFLINE,
	CW_REMOTE_RUNNING,
	CW_REMOTE_CRASHED,
	CW_REMOTE_ATTACHED,
	CW_REMOTE_DETACHED,
};

struct cw_qemu_talk;
struct remoteproc_before;

/* Where the remote writes text for us: told by its resource table. */
struct cw_trace_place {
	int fd;
	uint64_t offset;
	uint32_t size;
};

struct cw_carrier {
	const struct cw_carrier_ops *ops;
	const struct cw_board_remote *remote;
	const struct cw_memory *memory;
	const struct cw_doorbell *doorbell;
	enum cw_carrier_state state;
	pid_t pid;    /* of the remote, or of what emulates it; 0: none */
	int uart;     /* what the remote prints, for the keeper to take; -1: none */
	int control;  /* qemu: readable when there is something for ops->heard(), -1: none */
	int ram;      /* qemu: memory beside the region, -1: none of its own */
	int server;   /* qemu: our end of what its ivshmem device is connected to, -1: none */
	bool asked;   /* it was told to stop: its end is no crash */
	bool leaving; /* the PMM ends: what ran before it is to run on */
	bool earlier; /* it had crashed before we came */
	bool stuck;   /* it can be neither stopped nor started: nothing is tried again by itself */
	bool frozen;  /* stopped by a signal (a debugger, SIGSTOP) */
	int status;   /* how it ended, as waitpid() says */
	struct cw_qemu_talk *talk;
	struct remoteproc_before *before; /* remoteproc: Linux's settings before us, or NULL */
	unsigned int traces;
	struct cw_trace_place trace[CW_TRACES_MAX];
};

struct cw_carrier_ops {
	const char *name;
	/** check - before anything is started: could it run? Returns 0, or -1 with a line on @err */
	int (*check)(const struct cw_board_remote *r, FILE *err);
	/** start - from offline, crashed or detached. Returns 0, or -1 with a line on @err */
	int (*start)(struct cw_carrier *c, FILE *err);
	/**
	 * stop - ask it to end (@hard false) or end it; may be over at once or later, by ended()
	 *
	 * Of several calls the later ones do no harm.
	 */
	void (*stop)(struct cw_carrier *c, bool hard);
	/** ended - a child changed: true when it was this one and it runs no more */
	bool (*ended)(struct cw_carrier *c, pid_t pid, int status);
	/** heard - `control` is readable; NULL: there is none. -1 when there will be no more */
	int (*heard)(struct cw_carrier *c, FILE *err);
	/**
	 * core - what the remote's memory is, for a core file; it does not run
	 * @range: room for 2
	 *
	 * Returns how many there are. NULL: the region alone, of a program of this machine.
	 */
	unsigned int (*core)(const struct cw_carrier *c, struct cw_core_range *range);
	/** detach - leave it running and stop serving it; NULL: it cannot run without us. As start */
	int (*detach)(struct cw_carrier *c, FILE *err);
	/** how - in words, how it ended; NULL: as a program does */
	const char *(*how)(const struct cw_carrier *c);
	/** close - free what start made and kept; it does not run any more. NULL: nothing */
	void (*close)(struct cw_carrier *c);
};

extern const struct cw_carrier_ops cw_carrier_process, cw_carrier_attach, cw_carrier_qemu,
	cw_carrier_remoteproc;

/** cw_carrier_ops_of - those that the board file chose for @r */
const struct cw_carrier_ops *cw_carrier_ops_of(const struct cw_board_remote *r);

/** cw_carrier_init - choose by the board file; touches nothing */
void cw_carrier_init(struct cw_carrier *c, const struct cw_board_remote *r,
		     const struct cw_memory *m, const struct cw_doorbell *d);

/**
 * cw_carrier_child_ended - what ops->ended does for those whose remote is a child of ours
 *
 * Also notes a child that was stopped or goes on.
 */
bool cw_carrier_child_ended(struct cw_carrier *c, pid_t pid, int status);

#define CW_TRACE_SIZE_MAX 65536u /* bytes of a trace that are looked at */

/** cw_trace_news - where what is new in a trace begins: behind what was seen, or at 0 in one begun anew */
static inline size_t cw_trace_news(const char *seen, size_t seen_len, const char *text, size_t len)
{
	return len >= seen_len && !memcmp(text, seen, seen_len) ? seen_len : 0;
}

/** cw_carrier_state_text - "offline", "running", ... */
const char *cw_carrier_state_text(enum cw_carrier_state s);

#endif
