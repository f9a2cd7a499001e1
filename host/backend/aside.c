// SPDX-License-Identifier: BSD-3-Clause
#include "aside.h"

#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#define STACK (64u << 10)

static struct aside_job *wait_for_one(struct aside *a)
{
	struct aside_job *job;

	pthread_mutex_lock(&a->lock);
	while (!a->todo && !a->over)
		pthread_cond_wait(&a->more, &a->lock);
	job = a->todo;
	if (job) {
		a->todo = job->next;
		job->next = NULL;
	}
	pthread_mutex_unlock(&a->lock);
	return job;
}

static void *loop(void *ctx)
{
	static const uint64_t one = 1;
	struct aside *a = ctx;

	struct aside_job *job;

	pthread_mutex_lock(&a->lock);
	a->running = true;
	pthread_cond_broadcast(&a->more);
	pthread_mutex_unlock(&a->lock);
	while ((job = wait_for_one(a))) {
		bool first;

		job->run(job);
		pthread_mutex_lock(&a->lock);
		first = !a->done;
		if (first)
			__atomic_store_n(&a->done, job, __ATOMIC_RELAXED);
		else
			a->done_last->next = job;
		a->done_last = job;
		pthread_mutex_unlock(&a->lock);
		if (first)
			(void)!write(a->wake, &one, sizeof(one));
	}
	return NULL;
}

int aside_begin(struct aside *a, int wake)
{
	pthread_attr_t attr;
	sigset_t all, old;
	int err;

	memset(a, 0, sizeof(*a));
	a->wake = wake;
	pthread_mutex_init(&a->lock, NULL);
	pthread_cond_init(&a->more, NULL);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK);
	sigfillset(&all); /* signals are the worker's own thread's */
	pthread_sigmask(SIG_SETMASK, &all, &old);
	err = pthread_create(&a->thread, &attr, loop, a);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
	/* A thread makes system calls of its own until it runs; afterwards there may be a filter. */
	pthread_mutex_lock(&a->lock);
	while (!err && !a->running)
		pthread_cond_wait(&a->more, &a->lock);
	pthread_mutex_unlock(&a->lock);
	return err;
}

void aside_end(struct aside *a)
{
	if (!a->thread)
		return;
	pthread_mutex_lock(&a->lock);
	a->over = true;
	pthread_cond_signal(&a->more);
	pthread_mutex_unlock(&a->lock);
	pthread_join(a->thread, NULL);
	a->thread = 0;
}

void aside_put(struct aside *a, struct aside_job *job)
{
	job->next = NULL;
	pthread_mutex_lock(&a->lock);
	if (a->todo)
		a->todo_last->next = job;
	else
		a->todo = job;
	a->todo_last = job;
	pthread_cond_signal(&a->more);
	pthread_mutex_unlock(&a->lock);
}

bool aside_has(struct aside *a)
{
	return __atomic_load_n(&a->done, __ATOMIC_RELAXED) != NULL;
}

struct aside_job *aside_take(struct aside *a)
{
	struct aside_job *job;

	pthread_mutex_lock(&a->lock);
	job = a->done;
	if (job)
		__atomic_store_n(&a->done, job->next, __ATOMIC_RELAXED);
	pthread_mutex_unlock(&a->lock);
	return job;
}
