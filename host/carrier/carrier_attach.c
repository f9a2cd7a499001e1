// SPDX-License-Identifier: BSD-3-Clause
/*
 * Somebody else runs the remote: nothing is started, stopped or zeroed. Attached or detached says
 * only whether this PMM means to serve it; the link says whether it is there.
 */
#include <causeway/host/carrier.h>

static int attach_check(const struct cw_board_remote *r, FILE *err)
{
	(void)r;
	(void)err;
	return 0;
}

static int attach_start(struct cw_carrier *c, FILE *err)
{
	(void)err;
	c->state = CW_REMOTE_ATTACHED;
	return 0;
}

static void attach_stop(struct cw_carrier *c, bool hard)
{
	(void)hard;
	c->state = CW_REMOTE_DETACHED;
}

static int attach_detach(struct cw_carrier *c, FILE *err)
{
	(void)err;
	c->state = CW_REMOTE_DETACHED;
	return 0;
}

static bool attach_ended(struct cw_carrier *c, pid_t pid, int status)
{
	(void)c;
	(void)pid;
	(void)status;
	return false;
}

const struct cw_carrier_ops cw_carrier_attach = {
	.name = "attach",
	.check = attach_check,
	.start = attach_start,
	.stop = attach_stop,
	.detach = attach_detach,
	.ended = attach_ended,
};
