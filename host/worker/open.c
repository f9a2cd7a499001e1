// SPDX-License-Identifier: BSD-3-Clause
/*
 * What a worker makes before it locks itself in: mappings, buses, units, room for its poll set.
 * Failing here is an exit: the keeper sees it and says so.
 */
#include "worker.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>

static void ring(void *ctx)
{
	struct served *s = ctx;

	s->at->doorbell->ops->ring(s->at->doorbell);
}

static bool quiesce(void *ctx)
{
	struct served *s = ctx;

	/* What models keep beyond a call is asked by cw_device_reset_done() before each ack; a
	 * new peer is echoed only when all of them are quiet. */
	for (unsigned int i = 0; i < s->bus.layout->devices; i++) {
		struct cw_device *d = s->device[i].unit->dev;

		if (d->ops->quiet && !d->ops->quiet(d))
			return false;
	}
	return true;
}

static const struct cw_link_ops link_ops = { .ring = ring, .quiesce = quiesce };

static int ask(void *ctx, struct cw_ask *a)
{
	struct served_device *d = ctx;
	struct served *s = d->served;
	struct worker *w = s->worker;
	ssize_t n;

	a->remote = (uint32_t)(s - w->served);
	a->device = (uint32_t)(d - s->device);
	n = send(w->config->orders, a, sizeof(*a), MSG_DONTWAIT | MSG_NOSIGNAL);
	return n == sizeof(*a) ? 0 : -1;
}

static int open_device(struct served *s, unsigned int i)
{
	const struct cw_board_remote *r = s->at->board;
	struct served_device *d = &s->device[i];

	d->unit = cw_unit_create(&r->device[i], &r->place[i], &s->at->fds[i],
				 s->at->memory->ops->kernel_may_touch);
	d->served = s;
	if (d->unit) {
		d->unit->ask = ask;
		d->unit->ask_ctx = d;
	}
	return d->unit ? cw_device_bus_add(&s->bus, i, &d->mmio, d->unit->dev) : -1;
}

static int open_remote(struct served *s)
{
	const struct cw_layout *layout = &s->at->board->layout;

	s->va = cw_memory_map(s->at->memory);
	if (!s->va || cw_device_bus_init(&s->bus, layout, s->va, s->slot, &link_ops, s))
		return -1;
	s->next_look = s->at->doorbell->every ? 0 : CW_LINK_NEVER;
	for (unsigned int i = 0; i < layout->devices; i++)
		if (open_device(s, i))
			return -1;
	return 0;
}

static unsigned int poll_room(const struct worker *w)
{
	unsigned int n = 1;

	for (unsigned int i = 0; i < w->remotes; i++)
		n += 1 + CW_UNIT_FDS * w->config->remote[i].board->layout.devices;
	return n;
}

int worker_open(struct worker *w, const struct cw_worker_config *config)
{
	w->config = config;
	w->report = config->report;
	w->remotes = config->remotes;
	w->served = calloc(w->remotes ? w->remotes : 1, sizeof(*w->served));
	w->poll = calloc(poll_room(w), sizeof(*w->poll));
	if (!w->served || !w->poll)
		return -1;
	for (unsigned int i = 0; i < w->remotes; i++) {
		w->served[i].at = &config->remote[i];
		w->served[i].worker = w;
		w->served[i].report = &w->report->remote[i];
		if (open_remote(&w->served[i]))
			return -1;
	}
	return 0;
}

static struct worker *caught; /* for the handler */

/*
 * A region is gone: truncated, or powered down. Zeroes take its place, on which every access works
 * and every check of the link fails; the loop then leaves the region alone. Other regions go on.
 */
static void on_sigbus(int sig, siginfo_t *info, void *context)
{
	unsigned char *at = info->si_addr;

	(void)context;
	for (unsigned int i = 0; i < caught->remotes; i++) {
		struct served *s = &caught->served[i];
		size_t size = s->at->memory->size;

		if (s->dead || at < s->va || at >= s->va + size)
			continue;
		if (mmap(s->va, size, PROT_READ | PROT_WRITE,
			 MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != s->va)
			break;
		s->dead = 1;
		return;
	}
	signal(sig, SIG_DFL); /* not a region: a bug, which is to be seen as one */
}

void worker_catch_sigbus(struct worker *w)
{
	struct sigaction a = { .sa_sigaction = on_sigbus, .sa_flags = SA_SIGINFO };

	caught = w;
	sigaction(SIGBUS, &a, NULL);
}
