/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Fault runner: the world in which both sides of one region live in one thread, so that either can
 * be stopped after each single store and started again. See fault.c.
 */
#ifndef CAUSEWAY_TESTS_FAULT_H
#define CAUSEWAY_TESTS_FAULT_H

#include <causeway/device/bus.h>
#include <causeway/driver/bus.h>

enum side { PMM, REMOTE, SIDES };

/* Where a kernel call that writes into the region is cut: nothing, half or all of it has landed. */
enum phase { BEFORE, HALF, AFTER, PHASES };

/* What both sides stand on. A side that died has lost its private memory: forget() makes it garbage. */
struct machine {
	uint32_t size; /* bytes of shared memory */
	void (*pmm_start)(void);
	/* pmm_pass: all that a PMM has to do now; returns when it wants to run at the latest */
	uint64_t (*pmm_pass)(void);
	void (*pmm_forget)(void);
	void (*remote_start)(void);
	void (*remote_forget)(void);
	/* check_store: a side has stored @len bytes at @at */
	void (*check_store)(enum side side, uint32_t at, uint32_t len);
};

/* One workload: what both sides do. All its private state dies with its side. */
struct workload {
	const char *name;
	const struct machine *machine;
	/* remote: runs on the remote's side until its work is done; is entered anew after a stop */
	void (*remote)(void);
	/* pmm_forget, remote_forget: the side died: its private memory is garbage now */
	void (*pmm_forget)(void);
	void (*remote_forget)(void);
	/* begin: a new case starts; end: NULL, or what was wrong with the outcome */
	void (*begin)(void);
	const char *(*end)(void);
};

extern const struct workload rng_workload, net_workload, rpmsg_workload, classic_host_workload,
	classic_remote_workload, classic_plain_workload;

/* A promise was broken: the case fails with this text. */
void broken(const char *what);
bool world_over(void); /* virtual time is up */
uint64_t world_now(void);
bool world_was_cut(void); /* one side has been stopped in this case */

/* For machines: */
unsigned char *world_region(void);
uint64_t world_tick(void);	    /* the remote asks for the time, which passes by that */
void world_ring(enum side side);    /* ring its doorbell */
void world_wait(uint64_t deadline); /* the remote sleeps, the PMM runs */
void world_remote_starts(void);	    /* if it has not in this life */

/* For workloads, on the PMM's side: a kernel call stores @len bytes at @dst. */
void kernel_write(void *dst, const void *src, uint32_t len);

/* ---- the machine of one region with a link: linked.c ---- */

#define LINKED_SIZE   0x20000u
#define LINKED_QUEUES 2u  /* at the most */
#define LINKED_DEPTH  16u /* of one, at the most */

/* What such a workload has besides; its begin() says linked_use(). */
struct linked {
	/* device: the only one; its slot and its block are the machine's to say */
	struct cw_layout_device device;
	/* pmm_init: makes the device of a new worker; NULL: refused */
	struct cw_device *(*pmm_init)(struct cw_device_queue *queue);
	/* pmm_pass: what a worker does beside serving queues (backends); true: something was done */
	bool (*pmm_pass)(struct cw_device_bus *bus);
	/* both may be NULL: serving has given pmm_pass something to do; when it has at the latest */
	bool (*pmm_due)(void);
	uint64_t (*pmm_deadline)(void);
};

extern const struct machine linked_machine;
extern struct cw_bus remote_bus;
void linked_use(const struct linked *l);
/* remote_up: start if this life has not, wait for the link; false: time is up */
bool remote_up(void);

#endif
