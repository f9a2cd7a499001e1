// SPDX-License-Identifier: BSD-3-Clause
/*
 * Forwarding for all remotes of the board: one child, which has the listening sockets, no privilege and
 * nothing else. Addresses are opened here, at the start, so that one that cannot be had is an error then.
 * When the child dies another takes its place; connections that it had are over.
 */
#include "keeper.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define LIVED_US 1000000u /* who lived shorter is started again with a delay */

static unsigned int count(const struct keeper *k)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < k->board->remotes; i++)
		n += k->board->remote[i].forwards;
	return n;
}

static int start(struct keeper *k)
{
	struct keeper_forwards *f = &k->forwards;
	pid_t keeper = getpid();

	f->started = cw_loop_now();
	f->pid = fork();
	if (!f->pid) {
		unsigned int n = 0;
		sigset_t none;
		int *keep = calloc(f->rules + 1, sizeof(*keep));

		for (unsigned int i = 0; keep && i < f->rules; i++)
			keep[n++] = f->rule[i].listen;
		if (keep)
			keep[n++] = 2;
		sigemptyset(&none);
		if (!keep || cw_confine_close(keep, n) || cw_confine_privilege() ||
		    cw_confine_die_with(keeper))
			_exit(4);
		signal(SIGINT, SIG_IGN); /* the terminal's, which the keeper hears too */
		sigprocmask(SIG_SETMASK, &none, NULL);
		cw_forward_run(f->rule, f->rules);
		_exit(3);
	}
	if (f->pid < 0) {
		f->pid = 0;
		return -1;
	}
	return 0;
}

int forwards_open(struct keeper *k)
{
	struct keeper_forwards *f = &k->forwards;

	if (!count(k))
		return 0;
	f->rule = calloc(count(k), sizeof(*f->rule));
	if (!f->rule)
		return -1;
	for (unsigned int i = 0; i < k->board->remotes; i++) {
		const struct cw_board_remote *r = &k->board->remote[i];

		for (unsigned int n = 0; n < r->forwards; n++) {
			f->rule[f->rules] = r->forward[n];
			if (cw_forward_open(&f->rule[f->rules], "forward", stderr))
				return -1;
			f->rules++;
		}
	}
	if (!start(k))
		return 0;
	keeper_complain(k, "cannot start forwarding: %s", strerror(errno));
	return -1;
}

static void again(struct cw_timer *t)
{
	struct keeper *k = cw_container_of(t, struct keeper, forwards.timer);

	if (!k->stopping && !k->forwards.pid && start(k))
		cw_loop_after(&k->loop, t, LIVED_US, again);
}

bool forwards_ended(struct keeper *k, pid_t pid, int status)
{
	struct keeper_forwards *f = &k->forwards;

	if (!f->pid || f->pid != pid)
		return false;
	if (WIFSTOPPED(status) || WIFCONTINUED(status))
		return true;
	f->pid = 0;
	if (k->stopping)
		return true;
	keeper_complain(k, "forwarding ended (%s %d): it begins anew",
			WIFSIGNALED(status) ? "signal" : "status",
			WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	cw_loop_after(&k->loop, &f->timer, cw_loop_now() - f->started > LIVED_US ? 0 : LIVED_US,
		      again);
	return true;
}

void forwards_close(struct keeper *k)
{
	struct keeper_forwards *f = &k->forwards;

	if (f->pid && !kill(f->pid, SIGKILL))
		waitpid(f->pid, NULL, 0);
	for (unsigned int i = 0; i < f->rules; i++)
		cw_forward_close(&f->rule[i]);
	free(f->rule);
	memset(f, 0, sizeof(*f));
}
