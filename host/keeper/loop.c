// SPDX-License-Identifier: BSD-3-Clause
#include <causeway/host/loop.h>

#include <time.h>
#include <unistd.h>

int cw_loop_init(struct cw_loop *l)
{
	l->timers = NULL;
	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	return l->epoll < 0 ? -1 : 0;
}

void cw_loop_free(struct cw_loop *l)
{
	if (l->epoll >= 0)
		close(l->epoll);
	l->epoll = -1;
}

uint64_t cw_loop_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
}

int cw_loop_add(struct cw_loop *l, struct cw_event *e, int fd, uint32_t events,
		void (*fn)(struct cw_event *e, uint32_t events))
{
	struct epoll_event ev = { .events = events, .data.ptr = e };

	e->fn = fn;
	e->fd = fd;
	return epoll_ctl(l->epoll, EPOLL_CTL_ADD, fd, &ev);
}

void cw_loop_want(struct cw_loop *l, struct cw_event *e, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.ptr = e };

	epoll_ctl(l->epoll, EPOLL_CTL_MOD, e->fd, &ev);
}

int cw_loop_remove(struct cw_loop *l, struct cw_event *e)
{
	int fd = e->fd;

	if (!e->fn || fd < 0)
		return -1;
	/* Explicitly: a child may still hold the description, which would then stay in the set. */
	epoll_ctl(l->epoll, EPOLL_CTL_DEL, fd, NULL);
	e->fd = -1;
	return fd;
}

void cw_loop_close(struct cw_loop *l, struct cw_event *e)
{
	int fd = cw_loop_remove(l, e);

	if (fd >= 0)
		close(fd);
}

void cw_loop_after(struct cw_loop *l, struct cw_timer *t, uint64_t us,
		   void (*fn)(struct cw_timer *t))
{
	cw_loop_cancel(l, t);
	t->fn = fn;
	t->at = cw_loop_now() + us;
	t->next = l->timers;
	l->timers = t;
}

void cw_loop_cancel(struct cw_loop *l, struct cw_timer *t)
{
	for (struct cw_timer **p = &l->timers; *p; p = &(*p)->next)
		if (*p == t) {
			*p = t->next;
			break;
		}
	t->at = 0;
}

static struct cw_timer *first(const struct cw_loop *l)
{
	struct cw_timer *best = l->timers;

	for (struct cw_timer *t = best; t; t = t->next)
		if (t->at < best->at)
			best = t;
	return best;
}

void cw_loop_once(struct cw_loop *l)
{
	struct cw_timer *t = first(l);
	uint64_t now = cw_loop_now();
	struct epoll_event ev;
	int wait = -1;

	if (t)
		wait = t->at <= now		? 0
		       : t->at - now > 60000000 ? 60000
						: (int)((t->at - now + 999) / 1000);
	if (epoll_wait(l->epoll, &ev, 1, wait) == 1) {
		struct cw_event *e = ev.data.ptr;

		e->fn(e, ev.events);
	}
	/* Also beside an endless stream of events a timer gets its turn. */
	t = first(l);
	if (t && t->at <= cw_loop_now()) {
		cw_loop_cancel(l, t);
		t->fn(t);
	}
}
