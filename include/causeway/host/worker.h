/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A worker: the process that runs the rings of some remotes. The keeper forks it and hears of it
 * through one page of private memory and one socket; nothing here is shared with a remote.
 */
#ifndef CAUSEWAY_HOST_WORKER_H
#define CAUSEWAY_HOST_WORKER_H

#include <causeway/host/confine.h>
#include <causeway/host/doorbell.h>
#include <causeway/host/memory.h>
#include <causeway/host/unit.h>

#include <sys/types.h>

/* One device, as a worker reports it. Each word is stored whole, by the worker alone. */
struct cw_report_device {
	uint32_t status; /* virtio status */
	int32_t fault;
	uint64_t features;
	struct cw_device_counters count;
	struct cw_unit_stats unit;
};

/* One queue, at its slot: for whoever looks into its rings. */
struct cw_report_queue {
	uint64_t desc, avail, used;
	uint16_t size;		      /* 0: not ready */
	uint16_t avail_idx, used_idx; /* the worker's private truth */
	uint16_t strange;
};

struct cw_report_remote {
	uint32_t up, epoch, peer_epoch;
	uint32_t life, state, panic_code; /* the peer's own words */
	int32_t refused;		  /* CW_EVERSION or CW_ELAYOUT */
	uint32_t lost;			  /* a kick or probe has not been seen for lost_ms */
	uint32_t dead;			  /* the memory itself is gone */
	uint32_t storms;		  /* doorbell ignored for a while */
	uint32_t probes_seen;		  /* answered probes */
	struct cw_link_counters link;
	struct cw_report_device device[CW_DEVICES_MAX];
	struct cw_report_queue queue[CW_SLOTS_MAX];
	struct cw_unit_channel channel; /* of its rpmsg device */
};

struct cw_report {
	uint32_t ready;			  /* locked in and serving */
	uint32_t pong;			  /* last ping that was heard */
	uint64_t passes, sleeps;	  /* of the loop */
	uint64_t spins, spins_hit;	  /* times it spun, times that paid */
	uint32_t spin_budget;		  /* microseconds, as learned */
	struct cw_report_remote remote[]; /* in the worker's order */
};

/*
 * Who may spin: at most one thread less than there are processors. Shared by the workers; a token
 * holds its owner's process id, so that the keeper can take it from a dead one.
 */
#define CW_SPIN_TOKENS_MAX 64u
struct cw_spin_tokens {
	uint32_t n;
	uint32_t owner[CW_SPIN_TOKENS_MAX];
};

bool cw_spin_take(struct cw_spin_tokens *t, uint32_t pid);
void cw_spin_release(struct cw_spin_tokens *t, uint32_t pid);

/* What the keeper says: one datagram. */
enum cw_order_kind {
	CW_ORDER_PING = 1, /* value: to appear as pong */
	CW_ORDER_PROBE,	   /* value: remote, in the worker's order */
	CW_ORDER_STOP,	   /* leave in order: publish IDLE, drop the links, exit */
	CW_ORDER_ATTACH,   /* value: remote, which is served from now on, in a new life */
	CW_ORDER_DETACH,   /* value: remote, which is left alone from now on */
	CW_ORDER_GIVE,	   /* value: remote; the answer to an ask, its descriptor goes along */
};

struct cw_order {
	uint32_t kind, value;
	uint32_t device, id; /* GIVE: as they were asked */
};

struct cw_worker_remote {
	const struct cw_board_remote *board;
	struct cw_memory *memory;
	struct cw_doorbell *doorbell;
	struct cw_backend_fds *fds; /* an entry a device */
	bool detached;		    /* begin so */
};

struct cw_worker_config {
	const struct cw_board *board;
	unsigned int remotes;
	struct cw_worker_remote *remote;
	struct cw_report *report;
	struct cw_spin_tokens *tokens;
	const struct cw_confine *confine;
	pid_t keeper;
	int orders; /* socket towards the keeper: orders in, one byte out when there is news */
};

/** cw_report_size - bytes of the report of a worker with so many remotes */
static inline size_t cw_report_size(unsigned int remotes)
{
	return sizeof(struct cw_report) + remotes * sizeof(struct cw_report_remote);
}

/** cw_worker_main - be a worker; does not return (a fork of the keeper calls it) */
_Noreturn void cw_worker_main(const struct cw_worker_config *config);

#endif
