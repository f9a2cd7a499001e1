/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The keeper's event loop: descriptors and timers, one at a time, so a handler may remove or free
 * whatever it likes.
 */
#ifndef CAUSEWAY_HOST_LOOP_H
#define CAUSEWAY_HOST_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>

#define cw_container_of(p, type, member) ((type *)(void *)((char *)(p)-offsetof(type, member)))

struct cw_event {
	void (*fn)(struct cw_event *e, uint32_t events); /* EPOLLIN, ... */
	int fd;						 /* -1: not in the loop */
};

struct cw_timer {
	void (*fn)(struct cw_timer *t);
	uint64_t at; /* microseconds of cw_loop_now(), 0: not set */
	struct cw_timer *next;
};

struct cw_loop {
	int epoll;
	struct cw_timer *timers; /* all that are set, in no order */
};

int cw_loop_init(struct cw_loop *l);
void cw_loop_free(struct cw_loop *l);

/** cw_loop_now - microseconds of CLOCK_MONOTONIC */
uint64_t cw_loop_now(void);

/** cw_loop_add - call @fn when @fd has @events; returns 0 or -1 with errno set */
int cw_loop_add(struct cw_loop *l, struct cw_event *e, int fd, uint32_t events,
		void (*fn)(struct cw_event *e, uint32_t events));

/** cw_loop_want - change what is waited for */
void cw_loop_want(struct cw_loop *l, struct cw_event *e, uint32_t events);

/** cw_loop_remove - forget the event; returns its descriptor, -1 when it is in no loop */
int cw_loop_remove(struct cw_loop *l, struct cw_event *e);

/** cw_loop_close - forget the event and close its descriptor; harmless when it is in no loop */
void cw_loop_close(struct cw_loop *l, struct cw_event *e);

/** cw_loop_after - call @fn once, @us microseconds from now; an earlier setting is replaced */
void cw_loop_after(struct cw_loop *l, struct cw_timer *t, uint64_t us,
		   void (*fn)(struct cw_timer *t));
void cw_loop_cancel(struct cw_loop *l, struct cw_timer *t);

/** cw_loop_once - wait for one event or timer and handle it */
void cw_loop_once(struct cw_loop *l);

#endif
