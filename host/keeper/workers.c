// SPDX-License-Identifier: BSD-3-Clause
/*
 * Workers: forks of the keeper, which already holds every descriptor they need. A worker that dies,
 * however it dies, is reaped (so its kernel calls are over) and replaced; the new one takes a new
 * epoch, and the remotes set themselves up again. One that no longer answers is killed first.
 */
#include "keeper.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define PING_US	       1000000u /* between two questions */
#define PINGS_MISSED   3	/* before a worker counts as hung */
#define READY_MS       10000	/* for the first start */
#define LIVED_US       250000u	/* who lived shorter is started again with a delay */
#define BACKOFF_MIN_US 20000u
#define BACKOFF_MAX_US 1000000u
#define ASKS_AT_ONCE   64

static void *shared(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

static int make_tokens(struct keeper *k)
{
	long online = sysconf(_SC_NPROCESSORS_ONLN);

	k->tokens = shared(sizeof(*k->tokens));
	if (!k->tokens)
		return -1;
	k->tokens->n = online < 2 ? 0 : (uint32_t)online - 1;
	if (k->tokens->n > CW_SPIN_TOKENS_MAX)
		k->tokens->n = CW_SPIN_TOKENS_MAX;
	return 0;
}

static int open_worker(struct keeper *k, unsigned int index)
{
	struct keeper_worker *w = &k->worker[index];
	struct cw_worker_config *c = &w->config;

	w->keeper = k;
	c->remote = calloc(k->board->remotes, sizeof(*c->remote));
	if (!c->remote)
		return -1;
	for (unsigned int i = 0; i < k->board->remotes; i++) {
		struct keeper_remote *r = &k->remote[i];

		if (r->board->worker != index)
			continue;
		r->left = r->carrier.state == CW_REMOTE_DETACHED;
		c->remote[c->remotes++] = (struct cw_worker_remote){ r->board, &r->memory,
								     &r->doorbell, r->fds,
								     r->left };
	}
	c->report = shared(cw_report_size(c->remotes));
	if (!c->report)
		return -1;
	c->board = k->board;
	c->tokens = k->tokens;
	c->confine = &k->confine;
	c->keeper = getpid();
	for (unsigned int i = 0, n = 0; i < k->board->remotes; i++)
		if (k->remote[i].board->worker == index)
			k->remote[i].report = &c->report->remote[n++];
	return 0;
}

int workers_open(struct keeper *k)
{
	k->worker = calloc(k->board->workers, sizeof(*k->worker));
	if (!k->worker || make_tokens(k))
		return -1;
	for (unsigned int i = 0; i < k->board->workers; i++)
		if (open_worker(k, i))
			return -1;
	return 0;
}

/* With a descriptor, or -1; whoever does not take it now goes without. */
static void give(struct keeper_worker *w, const struct cw_order *o, int fd)
{
	union {
		char buf[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} u = { .buf = { 0 } };
	struct iovec v = { (void *)(uintptr_t)o, sizeof(*o) };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1 };
	struct cmsghdr *h;

	if (fd >= 0) {
		m.msg_control = u.buf;
		m.msg_controllen = sizeof(u.buf);
		h = CMSG_FIRSTHDR(&m);
		h->cmsg_level = SOL_SOCKET;
		h->cmsg_type = SCM_RIGHTS;
		h->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(h), &fd, sizeof(int));
	}
	(void)!sendmsg(w->orders.fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static struct keeper_remote *remote_of(struct keeper_worker *w, const struct cw_board_remote *b)
{
	return &w->keeper->remote[b - w->keeper->board->remote];
}

/* A worker may only connect where its board says that its remote may, and publish what it announces. */
void worker_asked(struct keeper_worker *w, const struct cw_ask *a)
{
	const struct cw_order o = { CW_ORDER_GIVE, a->remote, a->device, a->id };
	const struct cw_board_remote *r;
	bool rpmsg;
	int fd;

	if (a->remote >= w->config.remotes)
		return;
	r = w->config.remote[a->remote].board;
	if (a->device >= r->layout.devices)
		return;
	rpmsg = r->device[a->device].id == CW_ID_RPMSG;
	if (a->kind == CW_ASK_UNPUBLISH && rpmsg)
		publish_end(remote_of(w, r), a->port);
	if (a->kind == CW_ASK_CONNECT)
		fd = cw_backend_connect(&r->device[a->device], a->port, a->message);
	else if (a->kind == CW_ASK_PUBLISH && rpmsg)
		fd = publish_begin(remote_of(w, r), a->port, a->name);
	else
		return;
	give(w, &o, fd);
	if (fd >= 0)
		close(fd);
}

/* From the worker: something in its report changed, or it wants something. */
static void on_news(struct cw_event *e, uint32_t events)
{
	struct keeper_worker *w = cw_container_of(e, struct keeper_worker, orders);
	bool news = events & (EPOLLHUP | EPOLLERR);
	struct cw_ask a;
	ssize_t n;

	/* So many at once, and then others have their turn. */
	for (int i = 0; i < ASKS_AT_ONCE && (n = recv(e->fd, &a, sizeof(a), MSG_DONTWAIT)) > 0; i++)
		if (n == sizeof(a))
			worker_asked(w, &a);
		else
			news = true;
	if (!news)
		return;
	for (unsigned int i = 0; i < w->keeper->board->remotes; i++)
		if (&w->keeper->worker[w->keeper->remote[i].board->worker] == w)
			remote_look(&w->keeper->remote[i]);
	if (events & (EPOLLHUP | EPOLLERR))
		cw_loop_close(&w->keeper->loop, e); /* it is dead; SIGCHLD is on its way */
}

static int start_worker(struct keeper_worker *w)
{
	struct keeper *k = w->keeper;
	int pair[2];

	if (!w->config.remotes)
		return 0;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return -1;
	memset(w->config.report, 0, cw_report_size(w->config.remotes));
	w->config.orders = pair[1];
	w->ping = 0;
	w->unanswered = 0;
	w->started = cw_loop_now();
	w->pid = fork();
	if (!w->pid)
		cw_worker_main(&w->config);
	close(pair[1]);
	if (w->pid < 0) {
		w->pid = 0;
		close(pair[0]);
		return -1;
	}
	w->starts++;
	return cw_loop_add(&k->loop, &w->orders, pair[0], EPOLLIN, on_news);
}

static void again(struct cw_timer *t)
{
	struct keeper_worker *w = cw_container_of(t, struct keeper_worker, start_timer);

	if (!w->keeper->stopping && !w->pid && start_worker(w)) {
		keeper_complain(w->keeper, "cannot start a worker: %s", strerror(errno));
		cw_loop_after(&w->keeper->loop, t, BACKOFF_MAX_US, again);
	}
}

static int wait_ready(struct keeper *k, struct keeper_worker *w)
{
	struct pollfd p = { .fd = w->orders.fd, .events = POLLIN };

	if (!w->config.remotes)
		return 0;
	if (poll(&p, 1, READY_MS) == 1 &&
	    __atomic_load_n(&w->config.report->ready, __ATOMIC_ACQUIRE))
		return 0;
	keeper_complain(k, "a worker could not set itself up: not enough memory, or this kernel "
			   "refuses to confine it");
	return -1;
}

static void on_ping(struct cw_timer *t)
{
	workers_ping(cw_container_of(t, struct keeper, ping_timer));
}

int workers_start(struct keeper *k)
{
	for (unsigned int i = 0; i < k->board->workers; i++)
		if (start_worker(&k->worker[i])) {
			keeper_complain(k, "cannot start a worker: %s", strerror(errno));
			return -1;
		}
	for (unsigned int i = 0; i < k->board->workers; i++)
		if (wait_ready(k, &k->worker[i]))
			return -1;
	cw_loop_after(&k->loop, &k->ping_timer, PING_US, on_ping);
	return 0;
}

void worker_order(struct keeper_worker *w, uint32_t kind, uint32_t value)
{
	const struct cw_order o = { .kind = kind, .value = value };

	if (w->pid && w->orders.fn && w->orders.fd >= 0)
		(void)!send(w->orders.fd, &o, sizeof(o), MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* A worker that somebody looks at with a debugger may be slow. */
static bool traced(pid_t pid)
{
	char path[40], line[128];
	int tracer = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, "TracerPid:", 10))
			tracer = atoi(line + 10);
	if (f)
		fclose(f);
	return tracer > 0;
}

static void ping(struct keeper_worker *w)
{
	if (!w->pid)
		return;
	w->unanswered = w->config.report->pong == w->ping ? 0 : w->unanswered + 1;
	if (w->unanswered >= PINGS_MISSED && !traced(w->pid)) {
		keeper_complain(w->keeper, "worker %d hangs: it is replaced", (int)w->pid);
		kill(w->pid, SIGKILL);
		return;
	}
	if (!w->unanswered)
		w->ping++;
	worker_order(w, CW_ORDER_PING, w->ping);
}

void workers_ping(struct keeper *k)
{
	for (unsigned int i = 0; i < k->board->workers; i++)
		ping(&k->worker[i]);
	cw_loop_after(&k->loop, &k->ping_timer, PING_US, on_ping);
}

static void say_why(struct keeper_worker *w, int status)
{
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
		keeper_complain(w->keeper,
				"worker %d made a system call that it may not make and "
				"was killed: please report this; starting another",
				(int)w->pid);
	else if (WIFSIGNALED(status))
		keeper_complain(w->keeper, "worker %d was killed (%s): starting another",
				(int)w->pid, strsignal(WTERMSIG(status)));
	else
		keeper_complain(w->keeper, "worker %d ended with status %d: starting another",
				(int)w->pid, WEXITSTATUS(status));
}

static void replace(struct keeper_worker *w, int status)
{
	struct keeper *k = w->keeper;

	say_why(w, status);
	cw_spin_release(k->tokens, (uint32_t)w->pid);
	w->pid = 0;
	if (cw_loop_now() - w->started > LIVED_US)
		w->backoff = 0;
	cw_loop_after(&k->loop, &w->start_timer, w->backoff, again);
	w->backoff = !w->backoff ? BACKOFF_MIN_US : w->backoff * 2;
	if (w->backoff > BACKOFF_MAX_US)
		w->backoff = BACKOFF_MAX_US;
}

bool worker_ended(struct keeper *k, pid_t pid, int status)
{
	for (unsigned int i = 0; i < k->board->workers; i++) {
		struct keeper_worker *w = &k->worker[i];

		if (!w->pid || w->pid != pid)
			continue;
		if (WIFSTOPPED(status) || WIFCONTINUED(status))
			return true;
		cw_loop_close(&k->loop, &w->orders);
		for (unsigned int n = 0; n < w->config.remotes; n++)
			publish_end_all(remote_of(w, w->config.remote[n].board));
		if (k->stopping || !k->serving)
			w->pid = 0;
		else
			replace(w, status);
		return true;
	}
	return false;
}

void workers_close(struct keeper *k)
{
	for (unsigned int i = 0; k->worker && i < k->board->workers; i++) {
		struct keeper_worker *w = &k->worker[i];

		if (w->pid && !kill(w->pid, SIGKILL))
			waitpid(w->pid, NULL, 0);
		cw_loop_close(&k->loop, &w->orders);
		if (w->config.report)
			munmap(w->config.report, cw_report_size(w->config.remotes));
		free(w->config.remote);
	}
	free(k->worker);
	k->worker = NULL;
	if (k->tokens)
		munmap(k->tokens, sizeof(*k->tokens));
	k->tokens = NULL;
}
