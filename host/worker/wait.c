// SPDX-License-Identifier: BSD-3-Clause
/*
 * How a worker waits.
 *
 * Theory of operation: to sleep and be woken costs hundreds of times what a look at memory does, so
 * a worker that expects work soon looks for a while first. How long, it learns from the pauses that
 * came before: one shorter than the board's limit pulls the budget towards twice its length, a
 * longer one halves it. Where remote and worker share a processor, to look is to keep away the news: it
 * comes as soon as the worker sleeps. So after looks that were in vain there are pauses without any, twice as
 * many each time, until one pays again. What is spun in vain is thus bounded
 * by what was gained, and on an idle system the budget is zero after a few wakes. Whoever spins
 * holds a token; there is one less than there are processors, so somebody can always run what is
 * being waited for.
 *
 * Asleep, a worker waits for its keeper, doorbells, backends, and the next deadline. One that does not
 * come to rest glances at all of these every half millisecond: a remote that always has more takes a share
 * of the processor from the others, never their input. A doorbell that rings without bringing anything
 * is masked for a millisecond at a time: a remote that rings as fast as it can delays nobody but itself.
 */
#include "worker.h"

#include <causeway/core/shm.h>

#include <errno.h>
#include <sched.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define STORM	   32	/* doorbells in a row that brought nothing */
#define STORM_US   1000 /* for so long they are not listened to then */
#define SPIN_ROUND 16	/* looks between two looks at the clock */
#define VAIN_MOST  4u	/* spins in vain in a row, up to which the pauses without one double */

bool cw_spin_take(struct cw_spin_tokens *t, uint32_t pid)
{
	for (unsigned int i = 0; i < t->n; i++) {
		uint32_t nobody = 0;

		if (__atomic_compare_exchange_n(&t->owner[i], &nobody, pid, false, __ATOMIC_ACQUIRE,
						__ATOMIC_RELAXED))
			return true;
	}
	return false;
}

void cw_spin_release(struct cw_spin_tokens *t, uint32_t pid)
{
	for (unsigned int i = 0; i < t->n; i++) {
		uint32_t owner = pid;

		__atomic_compare_exchange_n(&t->owner[i], &owner, 0, false, __ATOMIC_RELEASE,
					    __ATOMIC_RELAXED);
	}
}

/* Work came: learn from the pause that it ended. */
void worker_active(struct worker *w)
{
	uint32_t max = w->config->board->poll_max_us;
	uint64_t pause;

	if (!w->spin.idle_at)
		return;
	pause = worker_now() - w->spin.idle_at;
	w->spin.idle_at = 0;
	if (pause > max)
		w->spin.budget /= 2;
	else
		w->spin.budget = (w->spin.budget + 2 * (uint32_t)pause + 2) / 2;
	if (w->spin.budget > max)
		w->spin.budget = max;
	w->report->spin_budget = w->spin.budget;
}

static void relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__) || defined(__arm__)
	__asm__ volatile("yield");
#endif
}

static bool look(struct worker *w)
{
	bool news = false;

	for (unsigned int i = 0; i < w->remotes; i++)
		if (serves(&w->served[i]))
			news |= served_look(&w->served[i]);
	return news;
}

static bool spin_until(struct worker *w, uint64_t end)
{
	do {
		for (int i = 0; i < SPIN_ROUND; i++) {
			if (look(w))
				return true;
			relax();
		}
		w->now = worker_now();
	} while (w->now < end);
	return false;
}

/* Looks for work for as long as that is likely to pay; true when there is some. */
bool worker_spin(struct worker *w)
{
	bool hit;

	if (!w->config->board->poll || !w->spin.budget || w->spin.idle_at)
		return false;
	w->spin.idle_at = w->now = worker_now();
	if (w->spin.rest) {
		w->spin.rest--;
		return false;
	}
	if (!cw_spin_take(w->config->tokens, w->pid))
		return false;
	w->report->spins++;
	hit = spin_until(w, w->now + w->spin.budget);
	w->report->spins_hit += hit;
	w->spin.rest = hit ? 0 : (1u << w->spin.vain) - 1;
	w->spin.vain = hit ? 0 : w->spin.vain + (w->spin.vain < VAIN_MOST);
	cw_spin_release(w->config->tokens, w->pid);
	return hit;
}

static void add_fd(struct worker *w, int fd)
{
	w->poll[w->polls++] = (struct pollfd){ .fd = fd, .events = POLLIN };
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t add_remote(struct worker *w, struct served *s)
{
	uint64_t at = earlier(cw_device_bus_deadline(&s->bus), s->next_look);

	s->doorbell = NULL;
	if (s->masked_until) {
		at = earlier(at, s->masked_until);
	} else if (s->at->doorbell->mine >= 0) {
		s->doorbell = &w->poll[w->polls];
		add_fd(w, s->at->doorbell->mine);
	}
	for (unsigned int i = 0; i < s->bus.layout->devices; i++) {
		struct cw_unit *u = s->device[i].unit;

		s->device[i].fds = u->ops->fds ? u->ops->fds(u, &w->poll[w->polls]) : 0;
		w->polls += s->device[i].fds;
		if (u->ops->deadline)
			at = earlier(at, u->ops->deadline(u));
	}
	return at;
}

static uint64_t sum_of_groups(const struct served *s)
{
	const struct cw_link *l = &s->bus.link;
	uint32_t sum = cw_load32(&l->peer->epoch) + cw_load32(&l->peer->peer_epoch);

	for (unsigned int g = 0; g < l->groups; g++)
		sum += cw_load32(&l->peer->group[g]);
	return sum;
}

static bool heard(struct worker *w, struct served *s)
{
	uint32_t sum;

	if (!s->doorbell || !s->doorbell->revents)
		return false;
	s->at->doorbell->ops->clear(s->at->doorbell);
	sum = (uint32_t)sum_of_groups(s);
	s->empty = sum == s->groups ? s->empty + 1 : 0;
	s->groups = sum;
	if (s->empty >= STORM) {
		s->empty = 0;
		s->masked_until = w->now + STORM_US;
		s->report->storms++;
	}
	return true;
}

/* Hands each unit its part of the poll set; @p is where the remote's part begins. */
static bool hand_out(struct worker *w, struct served *s, const struct pollfd **p)
{
	bool active = heard(w, s);

	*p += s->doorbell != NULL;
	for (unsigned int i = 0; i < s->bus.layout->devices; i++) {
		struct served_device *d = &s->device[i];
		bool due = d->unit->ops->deadline && d->unit->ops->deadline(d->unit) <= w->now;
		bool any = false;

		for (unsigned int k = 0; k < d->fds; k++)
			any |= (*p)[k].revents != 0;
		if (any || due) {
			d->unit->ops->ready(d->unit, *p, d->fds);
			served_touch(s, i);
		}
		active |= any;
		*p += d->fds;
	}
	if (s->masked_until && s->masked_until <= w->now)
		s->masked_until = 0;
	if (s->next_look != CW_LINK_NEVER)
		s->next_look = w->now + s->at->doorbell->every;
	return active;
}

/* An order, and the descriptor that came with it or -1. */
static ssize_t receive(struct worker *w, struct cw_order *o, int *fd)
{
	union {
		char buf[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} u = { .buf = { 0 } };
	struct iovec v = { o, sizeof(*o) };
	struct msghdr m = { .msg_iov = &v,
			    .msg_iovlen = 1,
			    .msg_control = u.buf,
			    .msg_controllen = sizeof(u.buf) };
	ssize_t n = recvmsg(w->config->orders, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	struct cmsghdr *h = n < 0 ? NULL : CMSG_FIRSTHDR(&m);

	*fd = -1;
	if (h && h->cmsg_level == SOL_SOCKET && h->cmsg_type == SCM_RIGHTS)
		memcpy(fd, CMSG_DATA(h), sizeof(int));
	return n;
}

static void pass_on(struct worker *w, const struct cw_order *o, int fd)
{
	struct served *s = &w->served[o->value];
	struct cw_unit *u = o->device < s->bus.layout->devices ? s->device[o->device].unit : NULL;

	if (u && u->ops->given) {
		u->ops->given(u, o->id, fd);
		served_touch(s, o->device);
	} else if (fd >= 0) {
		close(fd);
	}
}

static void obey(struct worker *w)
{
	struct cw_order o;
	int fd;
	ssize_t n = receive(w, &o, &fd);

	if (n < 0 && errno == EAGAIN)
		return;
	if (n != sizeof(o) || o.kind == CW_ORDER_STOP) {
		for (unsigned int i = 0; i < w->remotes; i++)
			if (serves(&w->served[i]))
				cw_link_set_state(&w->served[i].bus.link, CW_STATE_IDLE, 0);
		_exit(0);
	}
	if (o.kind == CW_ORDER_PING)
		w->report->pong = o.value;
	else if (o.value >= w->remotes)
		return;
	else if (o.kind == CW_ORDER_GIVE)
		pass_on(w, &o, fd);
	else if (o.kind == CW_ORDER_ATTACH || o.kind == CW_ORDER_DETACH)
		served_attach(&w->served[o.value], o.kind == CW_ORDER_ATTACH);
	else if (o.kind == CW_ORDER_PROBE && serves(&w->served[o.value]))
		cw_link_probe(&w->served[o.value].bus.link);
}

static void poll_until(struct worker *w, uint64_t at)
{
	uint64_t us = at > w->now ? at - w->now : 0;
	struct timespec t = { .tv_sec = (time_t)(us / 1000000),
			      .tv_nsec = (long)(us % 1000000) * 1000 };

	if (ppoll(w->poll, w->polls, at == CW_LINK_NEVER ? NULL : &t, NULL) < 0)
		for (unsigned int i = 0; i < w->polls; i++)
			w->poll[i].revents = 0;
	w->now = worker_now();
}

/* Makes the poll set; returns when something is due. */
static uint64_t gather(struct worker *w)
{
	uint64_t at = CW_LINK_NEVER;

	w->polls = 0;
	add_fd(w, w->config->orders);
	for (unsigned int i = 0; i < w->remotes; i++)
		if (serves(&w->served[i]))
			at = earlier(at, add_remote(w, &w->served[i]));
	return at;
}

/* Waits until @at for what is in the poll set, and tells each part what there is. */
static bool listen_until(struct worker *w, uint64_t at)
{
	const struct pollfd *p = w->poll + 1;
	bool active = false;

	poll_until(w, at);
	w->listened = w->now;
	for (unsigned int i = 0; i < w->remotes; i++)
		if (serves(&w->served[i]))
			active |= hand_out(w, &w->served[i], &p);
	if (w->poll[0].revents)
		obey(w); /* last: it may change which remotes are served */
	return active;
}

/* As a sleep of no length. */
void worker_glance(struct worker *w)
{
	gather(w);
	listen_until(w, 0);
}

/* Sleeps until there is something to do, and tells each part what there is. */
void worker_sleep(struct worker *w)
{
	uint64_t at = gather(w);

	if (!w->spin.idle_at)
		w->spin.idle_at = w->now;
	w->report->sleeps++;
	if (listen_until(w, at))
		worker_active(w);
}
