/* SPDX-License-Identifier: BSD-3-Clause */
/* A thread beside a worker's own, for calls that may wait: one job after another, in order. */
#ifndef CAUSEWAY_HOST_ASIDE_H
#define CAUSEWAY_HOST_ASIDE_H

#include <pthread.h>
#include <stdbool.h>

struct aside_job {
	struct aside_job *next;
	void (*run)(struct aside_job *job); /* in that thread: touches private memory only */
};

struct aside {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t more;
	struct aside_job *todo, *todo_last, *done, *done_last;
	bool running, over;
	int wake; /* event descriptor, written when `done` was empty and is not any more */
};

/* Starts the thread, and returns when it waits for jobs: 0, or an errno. */
int aside_begin(struct aside *a, int wake);
/* Waits until it has done all it was given, and ends it; harmless when it was never begun. */
void aside_end(struct aside *a);
void aside_put(struct aside *a, struct aside_job *job);
/* Whether there is something to take: a hint, without the lock. */
bool aside_has(struct aside *a);
/* A job that is over, in the order in which they were put, or NULL. */
struct aside_job *aside_take(struct aside *a);

#endif
