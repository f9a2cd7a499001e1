// SPDX-License-Identifier: BSD-3-Clause
/*
 * Theory of operation: one thread; a pass over its remotes, then more passes while anything moves,
 * with a glance at backends, deadlines and the keeper in between, then a short spin, then arm every
 * queue and sleep. Which bytes a remote wrote can end a device's
 * service or a link, never the process. After the lock-in nothing is allocated and no path is
 * known. The keeper learns what happened from the report, and is woken by a byte when it should
 * look.
 */
#include "worker.h"

#include <causeway/core/err.h>

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define LOOK_US	  (2 * CW_LINK_RING_MAX_US)
#define GLANCE_US 500u /* between two looks, of who does not sleep, at what a sleep would show */
#define LATER_FDS 8u   /* descriptors in between, such as a refused caller's */

uint64_t worker_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
}

void served_touch(struct served *s, unsigned int device)
{
	/* The unit marked its queues itself; this is what cw_device_bus_wake() does besides. */
	s->bus.busy |= 1ull << device;
}

/* A spinning worker's look: link and kick words, unarmed queues, backends. */
bool served_look(struct served *s)
{
	bool news = cw_device_bus_poll(&s->bus, s->worker->now) != CW_LINK_SAME;

	news |= cw_device_bus_look(&s->bus);
	for (unsigned int i = 0; i < s->bus.layout->devices; i++) {
		struct cw_unit *u = s->device[i].unit;

		if (u->ops->look && u->ops->look(u)) {
			served_touch(s, i);
			news = true;
		}
	}
	return news;
}

static void quarantine(struct served *s)
{
	if (s->looked_dead)
		return;
	s->looked_dead = true;
	for (unsigned int i = 0; i < s->bus.layout->devices; i++) {
		struct cw_device *d = s->device[i].unit->dev;

		cw_device_fault(d, CW_EPEER);
		if (d->ops->reset)
			d->ops->reset(d, -1); /* who is at its other end hears of it */
	}
	s->bus.link.up = false;
	report_remote(s);
	s->report->dead = 1;
	s->worker->news = true;
}

/*
 * While a kick is unseen it is rung again within LOOK_US. A look that comes later is that of a worker that was not
 * let run, on a machine that stalled, and the remote may not have been let run either: that time does not count.
 */
static void check_lost(struct served *s)
{
	uint64_t limit = s->at->board->lost_ms * 1000ull, now = s->worker->now;
	uint64_t since = s->bus.link.pending_since;
	uint64_t step = now - (since == s->since ? s->looked : since);
	uint32_t lost;

	s->unseen = since == s->since ? s->unseen : 0;
	s->unseen += step < LOOK_US ? step : LOOK_US;
	s->since = since;
	s->looked = now;
	lost = since && s->unseen > limit && cw_link_unseen_for(&s->bus.link, now) > limit;
	if (lost != s->report->lost)
		s->worker->news = true;
	s->report->lost = lost;
}

/* As if this PMM had stopped, and as if it had started again: for one remote, the others go on. */
bool served_attach(struct served *s, bool attach)
{
	struct cw_link *l = &s->bus.link;
	int r;

	s->detached = !attach;
	if (s->dead)
		return true;
	s->worker->news = true;
	if (!attach) {
		l->up = false;
		s->bus.busy = s->bus.asked = 0;
		for (unsigned int i = 0; i < s->bus.layout->devices; i++)
			cw_device_reset(s->device[i].unit->dev); /* a kernel may run its rings */
		if (l->epoch)
			cw_link_set_state(l, CW_STATE_IDLE, 0);
		report_remote(s);
		return true;
	}
	r = cw_device_bus_begin(&s->bus, worker_now());
	if (r == CW_EBUSY) /* nobody ever saw this life: it goes on */
		cw_link_set_state(l, CW_STATE_UP, 0);
	return !r || r == CW_EBUSY;
}

static bool pass(struct served *s)
{
	enum cw_link_event event = cw_device_bus_poll(&s->bus, s->worker->now);
	bool more;

	s->touched |= s->bus.busy;
	more = cw_device_bus_serve(&s->bus);

	if (s->bus.link.pending_since || s->report->lost)
		check_lost(s);
	if (event != CW_LINK_SAME)
		s->worker->news = true;
	if (s->dead)
		quarantine(s);
	return more && !s->dead;
}

/* Before each sleep or glance: what the keeper shows is never older than the last thing that happened. */
static void tell(struct worker *w)
{
	for (unsigned int i = 0; i < w->remotes; i++)
		if (serves(&w->served[i]))
			report_remote(&w->served[i]);
	if (w->news)
		(void)!send(w->config->orders, "", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
	w->news = false;
}

static bool pass_all(struct worker *w)
{
	bool more = false;

	w->now = worker_now();
	w->report->passes++;
	if (w->now - w->listened >= GLANCE_US) {
		tell(w);
		worker_glance(w);
	}
	for (unsigned int i = 0; i < w->remotes; i++)
		if (serves(&w->served[i]))
			more |= pass(&w->served[i]);
		else if (w->served[i].dead)
			quarantine(&w->served[i]);
	return more;
}

static bool arm_all(struct worker *w)
{
	bool news = false;

	for (unsigned int i = 0; i < w->remotes; i++)
		if (serves(&w->served[i]))
			news |= cw_device_bus_arm(&w->served[i].bus);
	return news;
}

static _Noreturn void run(struct worker *w)
{
	for (;;) {
		if (pass_all(w)) {
			worker_active(w);
			continue;
		}
		if (worker_spin(w)) {
			worker_active(w);
			continue;
		}
		if (arm_all(w)) {
			worker_active(w);
			continue;
		}
		tell(w);
		worker_sleep(w);
	}
}

static unsigned int backend_fds(const struct cw_worker_remote *r, int *keep)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < r->board->layout.devices; i++)
		for (unsigned int k = 0; k < CW_UNIT_FDS; k++)
			if (r->fds[i].fd[k] >= 0)
				keep[n++] = r->fds[i].fd[k];
	return n;
}

/* Descriptors that come later: a console's caller, a vsock's connections, what watches them. */
static unsigned int later_fds(const struct cw_worker_remote *r)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < r->board->layout.devices; i++) {
		const struct cw_board_device *d = &r->board->device[i];

		n += d->id == CW_ID_CONSOLE	      ? d->ports
		     : d->backend == CW_BACKEND_VHOST ? CW_VHOST_FDS
		     : d->id == CW_ID_VSOCK	      ? CW_VSOCK_CONNECTIONS + CW_VSOCK_CALLERS + 1
		     : d->id == CW_ID_RPMSG	      ? CW_RPMSG_SERVICES + CW_RPMSG_CLIENTS + 1
						      : 0;
	}
	return n;
}

static bool writes_files(const struct cw_worker_remote *r)
{
	for (unsigned int i = 0; i < r->board->layout.devices; i++)
		if ((r->board->device[i].id == CW_ID_BLK ||
		     cw_board_exports(&r->board->device[i])) &&
		    !r->board->device[i].read_only)
			return true;
	for (unsigned int i = 0; i < r->board->layout.devices; i++)
		for (unsigned int k = 0; k < r->board->device[i].ports && k < CW_PORTS_MAX; k++)
			if (r->board->device[i].port[k].backend == CW_BACKEND_LOG ||
			    r->board->device[i].port[k].backend == CW_BACKEND_STDIO)
				return true;
	return false;
}

static unsigned int folders(const struct cw_worker_remote *r, struct cw_confine_folder *folder)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < r->board->layout.devices; i++)
		if (cw_board_exports(&r->board->device[i]))
			folder[n++] = (struct cw_confine_folder){ r->fds[i].fd[0],
								  !r->board->device[i].read_only };
	return n;
}

static int begin_units(void *ctx)
{
	struct worker *w = ctx;

	for (unsigned int i = 0; i < w->remotes; i++)
		for (unsigned int k = 0; k < w->served[i].bus.layout->devices; k++) {
			struct cw_unit *u = w->served[i].device[k].unit;

			if (u->ops->begin && u->ops->begin(u))
				return -1;
		}
	return 0;
}

static int lock_in(const struct cw_worker_config *c, struct worker *w)
{
	unsigned int room = 1, n = 0, exports = 0, more = LATER_FDS;
	struct cw_confine_folder *folder;
	bool files = false;
	int *keep;

	for (unsigned int i = 0; i < c->remotes; i++)
		room += 2 + CW_UNIT_FDS * c->remote[i].board->layout.devices;
	keep = calloc(room, sizeof(*keep));
	folder = calloc(room, sizeof(*folder));
	if (!keep || !folder)
		return -1;
	keep[n++] = c->orders;
	for (unsigned int i = 0; i < c->remotes; i++) {
		if (c->remote[i].doorbell->mine >= 0)
			keep[n++] = c->remote[i].doorbell->mine;
		if (c->remote[i].doorbell->bell >= 0)
			keep[n++] = c->remote[i].doorbell->bell;
		n += backend_fds(&c->remote[i], keep + n);
		exports += folders(&c->remote[i], folder + exports);
		files |= writes_files(&c->remote[i]);
		more += later_fds(&c->remote[i]);
	}
	return cw_confine_worker(c->confine, c->keeper, keep, n, files, more, folder, exports,
				 begin_units, w);
}

_Noreturn void cw_worker_main(const struct cw_worker_config *config)
{
	static struct worker w;

	w.pid = (uint32_t)getpid();
	if (worker_open(&w, config))
		_exit(3);
	worker_catch_sigbus(&w);
	if (lock_in(config, &w))
		_exit(4);
	for (unsigned int i = 0; i < w.remotes; i++)
		if (!served_attach(&w.served[i], !config->remote[i].detached))
			_exit(5);
	__atomic_store_n(&w.report->ready, 1, __ATOMIC_RELEASE);
	w.news = true;
	run(&w);
}
