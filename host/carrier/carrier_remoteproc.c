// SPDX-License-Identifier: BSD-3-Clause
/*
 * The remote is another processor of this machine, and Linux's remoteproc class loads and starts it.
 *
 * Theory of operation: a child of the keeper attends to it (remoteproc.c) and stands for it, so that
 * starting, ending, crashing and recovering are the same as with a remote that is a process.
 */
#include "remoteproc.h"

#include <causeway/host/carrier.h>
#include <causeway/host/spawn.h>

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static int remoteproc_check(const struct cw_board_remote *r, FILE *err)
{
	char path[512];

	snprintf(path, sizeof(path), "%.400s/state", r->remoteproc);
	if (!access(path, R_OK | W_OK))
		return 0;
	if (errno == ENOENT)
		fprintf(err,
			"causeway: remote %s: there is no %s; `ls /sys/class/remoteproc` shows "
			"the processors that Linux can start (its kernel needs the driver and the "
			"device tree the node)\n",
			r->name, path);
	else
		fprintf(err, "causeway: remote %s: %s: %s; it belongs to root\n", r->name, path,
			strerror(errno));
	return -1;
}

static struct remoteproc describe(const struct cw_carrier *c)
{
	const struct cw_board_remote *r = c->remote;

	return (struct remoteproc){ .remote = r->name,
				    .folder = r->remoteproc,
				    .firmware = r->firmware,
				    .coredump = r->core_directory != NULL,
				    .again = c->state == CW_REMOTE_CRASHED || c->stuck,
				    .before = c->before,
				    .keeper = (int)getpid() };
}

static int remoteproc_start(struct cw_carrier *c, FILE *err)
{
	const struct cw_board_remote *r = c->remote;
	struct cw_spawn s = { .main = remoteproc_attend };
	struct remoteproc p;
	int why;

	if (!c->before) /* shared: who attends fills it in, and another may come after that one */
		c->before = mmap(NULL, sizeof(*c->before), PROT_READ | PROT_WRITE,
				 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (c->before == MAP_FAILED)
		c->before = NULL;
	p = describe(c);
	s.ctx = &p;
	why = c->before ? cw_spawn(&s, &c->pid, &c->uart) : errno;

	if (why) {
		fprintf(err, "causeway: remote %s: cannot attend to %s: %s\n", r->name,
			r->remoteproc, strerror(why));
		return -1;
	}
	c->state = CW_REMOTE_RUNNING;
	c->asked = c->frozen = c->stuck = c->earlier = false;
	return 0;
}

/* There is nothing harder than what Linux does: it ends by itself soon, or Linux is waiting. */
static void remoteproc_stop(struct cw_carrier *c, bool hard)
{
	(void)hard;
	if (!c->pid)
		return;
	c->asked = true;
	kill(c->pid, c->leaving ? REMOTEPROC_LEAVE : REMOTEPROC_STOP);
}

/* Whoever attended to it last may have left it as it could not do otherwise. */
static void remoteproc_close(struct cw_carrier *c)
{
	const struct remoteproc p = describe(c);

	if (!c->before)
		return;
	remoteproc_restore(&p);
	munmap(c->before, sizeof(*c->before));
	c->before = NULL;
}

static int remoteproc_detach(struct cw_carrier *c, FILE *err)
{
	if (c->pid && !kill(c->pid, REMOTEPROC_DETACH))
		return 0;
	fprintf(err, "causeway: remote %s does not run\n", c->remote->name);
	return -1;
}

static bool remoteproc_ended(struct cw_carrier *c, pid_t pid, int status)
{
	bool asked = c->asked;

	if (!cw_carrier_child_ended(c, pid, status))
		return false;
	switch (WIFEXITED(status) ? WEXITSTATUS(status) : REMOTEPROC_CRASHED) {
	case REMOTEPROC_OFFLINE:
		c->state = CW_REMOTE_OFFLINE;
		break;
	case REMOTEPROC_STOPPED: /* when nobody asked for it, to recover it */
	case REMOTEPROC_CRASHED: /* when somebody did, on the way */
		c->state = asked ? CW_REMOTE_OFFLINE : CW_REMOTE_CRASHED;
		break;
	case REMOTEPROC_DETACHED:
	case REMOTEPROC_LEFT:
		c->state = CW_REMOTE_DETACHED;
		break;
	case REMOTEPROC_EARLIER:
		c->earlier = true;
		c->state = CW_REMOTE_CRASHED;
		break;
	case REMOTEPROC_STUCK:
		c->stuck = true;
		c->state = CW_REMOTE_CRASHED;
		break;
	default:
		c->state = CW_REMOTE_CRASHED;
		break;
	}
	return true;
}

static const char *remoteproc_how(const struct cw_carrier *c)
{
	switch (WIFEXITED(c->status) ? WEXITSTATUS(c->status) : -1) {
	case REMOTEPROC_OFFLINE:
		return "somebody else stopped it";
	case REMOTEPROC_STOPPED:
		return "it was stopped";
	case REMOTEPROC_CRASHED:
		return "Linux says that it crashed";
	case REMOTEPROC_DETACHED:
		return "it was detached";
	case REMOTEPROC_EARLIER:
		return "it had crashed before";
	case REMOTEPROC_LEFT:
		return "it is left running, as it was before";
	case REMOTEPROC_FAILED:
		return "Linux did not start it";
	case REMOTEPROC_STUCK:
		return "it cannot be stopped; nothing more is tried until causeway restart";
	default:
		return "who attended to it was killed";
	}
}

const struct cw_carrier_ops cw_carrier_remoteproc = {
	.name = "remoteproc",
	.check = remoteproc_check,
	.start = remoteproc_start,
	.stop = remoteproc_stop,
	.detach = remoteproc_detach,
	.ended = remoteproc_ended,
	.how = remoteproc_how,
	.close = remoteproc_close,
};
