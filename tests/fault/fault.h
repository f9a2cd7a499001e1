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

/* One workload: what both sides do. All its private state dies with its side. */
struct workload {
	const char *name;
	/* remote: runs on the remote's side until its work is done; is entered anew after a stop */
	void (*remote)(void);
	/* pmm_init: makes the devices of a new worker and adds them to the bus */
	void (*pmm_init)(struct cw_device_bus *bus);
	/* pmm_pass: what a worker does beside serving queues (backends); true: something was done */
	bool (*pmm_pass)(struct cw_device_bus *bus);
	/* pmm_forget, remote_forget: the side died: its private memory is garbage now */
	void (*pmm_forget)(void);
	void (*remote_forget)(void);
	/* begin: a new case starts; end: NULL, or what was wrong with the outcome */
	void (*begin)(void);
	const char *(*end)(void);
	const struct cw_layout *layout;
};

extern const struct workload rng_workload, net_workload;

/* For workloads, on the remote's side: */
extern struct cw_bus remote_bus;
/* remote_up: start if this life has not, wait for the link; false: time is up */
bool remote_up(void);
bool world_over(void); /* virtual time is up */
uint64_t world_now(void);

/* For workloads, on the PMM's side: a kernel call stores @len bytes at @dst. */
void kernel_write(void *dst, const void *src, uint32_t len);

/* A promise was broken: the case fails with this text. */
void broken(const char *what);

#endif
