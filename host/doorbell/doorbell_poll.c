// SPDX-License-Identifier: BSD-3-Clause
/*
 * No doorbell at all: each side looks at memory by its own clock.
 */
#include <causeway/host/doorbell.h>

static int poll_open(struct cw_doorbell *d, const struct cw_board_remote *r, FILE *err)
{
	(void)err;
	d->every = r->poll_us ? r->poll_us : 1000;
	return 0;
}

static void nothing(struct cw_doorbell *d)
{
	(void)d;
}

const struct cw_doorbell_ops cw_doorbell_poll = {
	.name = "poll",
	.open = poll_open,
	.close = nothing,
	.ring = nothing,
	.clear = nothing,
};
