// SPDX-License-Identifier: BSD-3-Clause
/*
 * The keeper.
 *
 * Theory of operation: everything is opened in one order (run directory, memory, doorbells,
 * backends, control socket, workers, remotes) and undone in the opposite one, at whatever point it
 * fails or is stopped; each *_close() takes what was never opened. Then one loop: signals, workers'
 * news, remotes' output, control clients, timers. The keeper maps no shared memory, so nothing that
 * a remote writes reaches it but the numbers in a worker's report and the text on its UART.
 */
#include "keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define SAY_BURST      100u /* lines about peers' doings; more are left out */
#define SAY_PER_SECOND 10u
#define STOP_US	       1500000u /* for each step of an orderly end */

/* Never waits: a terminal or pipe that takes nothing loses lines, it does not hold up the keeper. */
void keeper_print(const char *text, size_t len)
{
	struct pollfd p = { .fd = 1, .events = POLLOUT };

	if (poll(&p, 1, 0) == 1 && p.revents & POLLOUT)
		(void)!write(1, text, len);
}

static bool may_say(struct keeper *k)
{
	return cw_bucket_take(&k->says, cw_loop_now(), SAY_BURST, SAY_PER_SECOND);
}

void keeper_say(struct keeper *k, const char *fmt, ...)
{
	char line[512];
	int n = snprintf(line, sizeof(line), "causeway: ");
	va_list ap;

	if (!may_say(k))
		return;
	va_start(ap, fmt);
	n += vsnprintf(line + n, sizeof(line) - (size_t)n - 1, fmt, ap);
	va_end(ap);
	if (n > (int)sizeof(line) - 2)
		n = (int)sizeof(line) - 2;
	line[n++] = '\n';
	keeper_print(line, (size_t)n);
}

void keeper_complain(struct keeper *k, const char *fmt, ...)
{
	struct pollfd p = { .fd = 2, .events = POLLOUT };
	va_list ap;

	if (!may_say(k) || poll(&p, 1, 0) != 1 || !(p.revents & POLLOUT))
		return;
	fputs("causeway: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

static bool anything_runs(const struct keeper *k)
{
	for (unsigned int i = 0; i < k->board->remotes; i++)
		if (k->remote[i].carrier.pid)
			return true;
	return false;
}

static bool all_over(const struct keeper *k)
{
	for (unsigned int i = 0; i < k->board->workers; i++)
		if (k->worker[i].pid)
			return false;
	return !anything_runs(k);
}

/* Step by step: remotes asked, remotes killed, workers asked, workers killed. */
static void stop_step(struct cw_timer *t)
{
	struct keeper *k = cw_container_of(t, struct keeper, stop_timer);

	if (k->stop_step == 0)
		for (unsigned int i = 0; i < k->board->remotes; i++)
			k->remote[i].carrier.ops->stop(&k->remote[i].carrier, false);
	else if (k->stop_step == 1)
		for (unsigned int i = 0; i < k->board->remotes; i++)
			k->remote[i].carrier.ops->stop(&k->remote[i].carrier, true);
	if (k->stop_step < 2 && !anything_runs(k))
		k->stop_step = 2;
	for (unsigned int i = 0; i < k->board->workers; i++) {
		if (k->stop_step == 2)
			worker_order(&k->worker[i], CW_ORDER_STOP, 0);
		else if (k->stop_step > 2 && k->worker[i].pid)
			kill(k->worker[i].pid, SIGKILL);
	}
	k->stop_step++;
	cw_loop_after(&k->loop, t, STOP_US, stop_step);
}

void keeper_stop(struct keeper *k, int status)
{
	if (k->stopping)
		return;
	k->stopping = true;
	k->status = status;
	for (unsigned int i = 0; i < k->board->remotes; i++)
		k->remote[i].carrier.leaving = true;
	stop_step(&k->stop_timer);
}

static void reap(struct keeper *k)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG | WUNTRACED | WCONTINUED)) > 0)
		if (!worker_ended(k, pid, status) && !forwards_ended(k, pid, status))
			remote_ended(k, pid, status);
	if (k->stopping && k->stop_step < 3 && !anything_runs(k)) {
		k->stop_step = 2;
		stop_step(&k->stop_timer);
	}
}

static void on_signal(struct cw_event *e, uint32_t events)
{
	struct keeper *k = cw_container_of(e, struct keeper, signals);
	struct signalfd_siginfo info;

	(void)events;
	if (read(e->fd, &info, sizeof(info)) != sizeof(info))
		return;
	if (info.ssi_signo == SIGCHLD)
		reap(k);
	else if (k->stopping)
		stop_step(&k->stop_timer); /* impatience: the next step now */
	else
		keeper_stop(k, 0);
}

static int catch_signals(struct keeper *k)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_SETMASK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGCHLD,
	       SIG_DFL); /* ignored by a strange parent, children could not be waited for */
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? -1 : cw_loop_add(&k->loop, &k->signals, fd, EPOLLIN, on_signal);
}

/* Standard descriptors that were closed would be taken by the first things opened. */
static void fill_standard_fds(void)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	while (fd >= 0 && fd < 3)
		fd = dup(fd);
	if (fd > 2)
		close(fd);
}

/* The quick form's board has no name of its own: a number tells several apart. */
static int take_name(struct keeper *k)
{
	unsigned int tries = k->board->file ? 1 : 64;
	int r = 1;

	for (unsigned int i = 1; r == 1 && i <= tries; i++) {
		snprintf(k->name, sizeof(k->name), i == 1 ? "%s" : "%s-%u", k->board->name, i);
		r = cw_rundir_take(&k->dir, k->name, stderr);
	}
	if (r == 1)
		keeper_complain(k,
				"board %s runs already: causeway status %s shows it, causeway stop "
				"--board %s ends it",
				k->name, k->name, k->name);
	return r;
}

static bool sends_to_names(const struct cw_board_remote *r)
{
	for (unsigned int i = 0; i < r->layout.devices; i++)
		if (r->device[i].id == CW_ID_NET && r->device[i].backend == CW_BACKEND_DGRAM)
			return true;
	return r->doorbell_path != NULL;
}

/* What exported folders and vhost make of the filter. */
static unsigned int devices(const struct cw_board_remote *r)
{
	unsigned int needs = 0;

	for (unsigned int i = 0; i < r->layout.devices; i++)
		if (cw_board_exports(&r->device[i]))
			needs |= CW_CONFINE_FOLDERS |
				 (r->device[i].read_only ? 0 : CW_CONFINE_WRITABLE);
		else if (r->device[i].backend == CW_BACKEND_VHOST)
			needs |= CW_CONFINE_VHOST;
	return needs;
}

static int open_all(struct keeper *k, const struct cw_keeper_options *o)
{
	unsigned int needs = 0;

	for (unsigned int i = 0; i < k->board->remotes; i++)
		if (sends_to_names(&k->board->remote[i]))
			needs |= CW_CONFINE_ADDRESSES;
	for (unsigned int i = 0; i < k->board->remotes; i++)
		needs |= devices(&k->board->remote[i]);
	if (cw_rundir_find(&k->dir, o->run_dir, stderr) ||
	    cw_confine_prepare(&k->confine, needs, stderr))
		return -1;
	for (unsigned int i = 0; i < k->board->remotes; i++) {
		const struct cw_board_remote *r = &k->board->remote[i];

		if (cw_carrier_ops_of(r)->check(r, stderr))
			return -1;
	}
	if (!k->confine.landlock)
		keeper_say(k, "this kernel has no Landlock: workers are confined without it");
	if (take_name(k))
		return -1;
	publish_clean(k); /* left by one that was killed: we hold its lock */
	for (unsigned int i = 0; i < k->board->remotes; i++)
		if (remote_open(k, i))
			return -1;
	if (control_open(k) || forwards_open(k) || workers_open(k) || workers_start(k))
		return -1;
	return 0;
}

static void introduce_device(struct keeper_remote *r, unsigned int i, char *text, size_t size)
{
	const struct cw_board_device *d = &r->board->device[i];
	size_t n = 0;

	n += (size_t)snprintf(text, size, "  %-10s %-8s", r->board->place[i].name,
			      cw_device_kind_text(d->id));
	for (unsigned int p = 0; p < CW_PORTS_MAX && n < size; p++)
		if (r->fds[i].note[p][0])
			n += (size_t)snprintf(text + n, size - n, "%s%s", p ? ", " : " ",
					      r->fds[i].note[p]);
	if (d->id == CW_ID_CONSOLE && n < size)
		snprintf(text + n, size - n, "  (causeway console %s)", r->board->name);
}

static void introduce_forwards(struct keeper *k, const struct cw_board_remote *r)
{
	char at[128];

	for (unsigned int i = 0; i < r->forwards; i++) {
		cw_forward_text(&r->forward[i].linux_end, at, sizeof(at));
		if (r->forward[i].to_remote)
			keeper_say(k, "  forward    %s to port %u of %s", at, r->forward[i].port,
				   r->name);
		else
			keeper_say(k, "  forward    port %u of %s to %s", r->forward[i].port,
				   r->name, at);
	}
}

static void introduce(struct keeper *k)
{
	char text[400];

	keeper_say(k, "board %s: %u remote%s, %u worker%s. Ctrl-C or causeway stop ends it.",
		   k->name, k->board->remotes, k->board->remotes == 1 ? "" : "s", k->board->workers,
		   k->board->workers == 1 ? "" : "s");
	for (unsigned int i = 0; i < k->board->remotes; i++) {
		struct keeper_remote *r = &k->remote[i];

		keeper_say(k, "remote %s: %s", r->board->name,
			   r->board->firmware			    ? r->board->firmware
			   : r->board->carrier == CW_CARRIER_ATTACH ? "run by somebody else"
								    : "(as it is set)");
		for (unsigned int d = 0; d < r->board->layout.devices; d++) {
			introduce_device(r, d, text, sizeof(text));
			keeper_say(k, "%s", text);
		}
		introduce_forwards(k, r->board);
	}
}

static void start_remotes(struct keeper *k)
{
	for (unsigned int i = 0; i < k->board->remotes && !k->stopping; i++)
		if (k->board->remote[i].autostart && remote_start(&k->remote[i]) &&
		    k->board->remotes == 1)
			keeper_stop(k, 1);
}

/* Whatever a remote left behind has become our child (a subreaper's): it ends here. */
static void kill_orphans(void)
{
	char path[64], line[256];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
	for (int round = 0; round < 100; round++) {
		f = fopen(path, "re");
		line[0] = 0;
		if (f && fgets(line, sizeof(line), f))
			for (char *s = line, *end; strtol(s, &end, 10) > 0; s = end)
				kill((pid_t)strtol(s, NULL, 10), SIGKILL);
		if (f)
			fclose(f);
		if (waitpid(-1, NULL, 0) < 0 && errno == ECHILD)
			return;
	}
}

static void close_all(struct keeper *k)
{
	control_close(k);
	workers_close(k);
	forwards_close(k);
	for (unsigned int i = 0; i < k->board->remotes; i++)
		remote_close(&k->remote[i]);
	kill_orphans();
	publish_clean(k);
	cw_confine_free(&k->confine);
	cw_rundir_release(&k->dir);
	cw_loop_close(&k->loop, &k->signals);
	cw_loop_free(&k->loop);
	free(k->remote);
}

/*
 * Loading a board and compiling a filter ran through libraries that are not needed again: their code
 * is let go of (it can be read back from its files at any time), so that a keeper stays small.
 */
static int forget_code(struct dl_phdr_info *info, size_t size, void *unused)
{
	const uintptr_t page = CW_PAGE_SIZE - 1;

	(void)size;
	(void)unused;
	for (unsigned int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];
		uintptr_t at = info->dlpi_addr + p->p_vaddr;

		/* Code is never relocated, so nothing is lost; anything else may have been. */
		if (p->p_type == PT_LOAD && p->p_flags == (PF_R | PF_X))
			madvise((void *)(at & ~page), p->p_memsz + (at & page), MADV_DONTNEED);
	}
	return 0;
}

static int serve(struct keeper *k)
{
	k->serving = true;
	introduce(k);
	start_remotes(k);
	dl_iterate_phdr(forget_code, NULL);
	while (!k->stopping || !all_over(k))
		cw_loop_once(&k->loop);
	if (!k->status)
		keeper_say(k, "board %s: stopped", k->name);
	return k->status;
}

int cw_keeper_run(const struct cw_board *board, const struct cw_keeper_options *options)
{
	static struct keeper k;
	int r = 1;

	memset(&k, 0, sizeof(k));
	fill_standard_fds();
	k.board = board;
	k.quiet = options->quiet;
	k.began = cw_loop_now();
	k.dir.lock_fd = k.loop.epoll = -1;
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	k.remote = calloc(board->remotes, sizeof(*k.remote));
	if (!k.remote || cw_loop_init(&k.loop) || catch_signals(&k))
		keeper_complain(&k, "cannot start: %s", strerror(errno));
	else if (!open_all(&k, options))
		r = serve(&k);
	close_all(&k);
	return r;
}
