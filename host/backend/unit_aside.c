// SPDX-License-Identifier: BSD-3-Clause
/* The thread beside wakes the worker, and the device's first queue collects. */
#include "unit_aside.h"

#include <errno.h>
#include <unistd.h>

static struct unit_aside *self(struct cw_unit *unit)
{
	return (struct unit_aside *)(void *)unit;
}

int unit_aside_begin(struct cw_unit *unit)
{
	errno = aside_begin(&self(unit)->aside, self(unit)->wake);
	return errno ? -1 : 0;
}

unsigned int unit_aside_fds(struct cw_unit *unit, struct pollfd *p)
{
	p->fd = self(unit)->wake;
	p->events = POLLIN;
	return 1;
}

static void wake(struct unit_aside *u)
{
	uint64_t count;

	(void)!read(u->wake, &count, sizeof(count));
	if (cw_device_running(u->unit.dev))
		cw_device_wake(u->unit.dev, 0);
	else
		u->collect(u); /* nobody is answered; but there is room again */
}

void unit_aside_ready(struct cw_unit *unit, const struct pollfd *p, unsigned int n)
{
	if (n && p->revents)
		wake(self(unit));
}

/* A worker that spins finds what is done without a system call. */
bool unit_aside_look(struct cw_unit *unit)
{
	struct unit_aside *u = self(unit);

	if (!aside_has(&u->aside))
		return false;
	wake(u);
	return true;
}

uint64_t unit_aside_deadline(struct cw_unit *unit)
{
	(void)unit;
	return CW_LINK_NEVER;
}
