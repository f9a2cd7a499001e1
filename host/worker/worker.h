/* SPDX-License-Identifier: BSD-3-Clause */
/* Between the files of a worker. */
#ifndef CAUSEWAY_HOST_WORKER_PRIV_H
#define CAUSEWAY_HOST_WORKER_PRIV_H

#include <causeway/host/worker.h>

#include <signal.h>

struct worker;
struct served;

struct served_device {
	struct served *served;
	struct cw_device_mmio mmio;
	struct cw_unit *unit;
	unsigned int fds; /* entries of the last poll set */
};

/* One remote that this worker serves. */
struct served {
	const struct cw_worker_remote *at;
	struct worker *worker;
	struct cw_report_remote *report;
	unsigned char *va;
	volatile sig_atomic_t dead; /* set by the SIGBUS handler */
	struct cw_device_bus bus;
	struct cw_link_slot slot[CW_SLOTS_MAX];
	struct served_device device[CW_DEVICES_MAX];
	struct pollfd *doorbell; /* its entry of the last poll set, NULL: masked or none */
	uint64_t next_look;	 /* doorbell without descriptor: when to look, else CW_LINK_NEVER */
	uint64_t masked_until;	 /* doorbell storm: not polled before that, 0: none */
	unsigned int empty;	 /* doorbells in a row that brought nothing */
	uint32_t groups;	 /* sum of the group words at the last doorbell */
	uint64_t touched;	 /* devices that may have news for the report */
	uint64_t since, looked;	 /* the oldest unseen kick, and when it was looked for */
	uint64_t unseen;	 /* how long it has been unseen while we were let run */
	bool looked_dead;	 /* the end of the region was reported */
	bool detached;		 /* left alone until it is attached */
};

struct spin {
	uint32_t budget;  /* microseconds, learned */
	uint64_t idle_at; /* when work ran out, 0: it has not */
	uint32_t vain;	  /* spins in a row that found nothing */
	uint32_t rest;	  /* so many pauses are to have none */
};

struct worker {
	const struct cw_worker_config *config;
	struct cw_report *report;
	struct served *served;
	unsigned int remotes;
	struct pollfd *poll; /* room for all there can be */
	unsigned int polls;
	struct spin spin;
	uint64_t now;
	uint64_t listened; /* when it last asked for all that it can wait for */
	uint32_t pid;
	bool news; /* the keeper has to look at the report */
};

static inline bool serves(const struct served *s)
{
	return !s->dead && !s->detached;
}

uint64_t worker_now(void);
/* Makes everything, before the worker locks itself in. */
int worker_open(struct worker *w, const struct cw_worker_config *config);
void worker_catch_sigbus(struct worker *w);
/* Reports */
void report_remote(struct served *s);
/* Waiting */
bool worker_spin(struct worker *w);
void worker_active(struct worker *w);
void worker_sleep(struct worker *w);
/* As a sleep of no length. */
void worker_glance(struct worker *w);
/* A backend's device may have become able to go on */
void served_touch(struct served *s, unsigned int device);
bool served_look(struct served *s);
bool served_attach(struct served *s, bool attach);

#endif
