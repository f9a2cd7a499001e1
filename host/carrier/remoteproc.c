// SPDX-License-Identifier: BSD-3-Clause
/*
 * Attends to one remote processor through Linux's remoteproc class.
 *
 * Theory of operation: this is a child of the keeper and stands for the remote: it lives as long as
 * the remote runs, and how it ends says how the remote did. So a write that Linux takes seconds over
 * (loading, a processor that will not stop) holds up this process alone, and when the keeper is
 * killed a signal brings the remote to its end. Linux tells nobody that a state has changed, so it
 * is looked at ten times a second; trace buffers, from debugfs, are looked at then too, and what is
 * new in them is printed, which makes it the remote's UART.
 *
 * One that was running before us is left running after us; one that we started is stopped.
 * Linux's own recovery is off meanwhile: what becomes of a crashed remote is the board file's to say.
 */
#include "remoteproc.h"

#include <causeway/host/carrier.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#define LOOK_MS 100
#define STOP_MS 5000
#define DEBUGFS "/sys/kernel/debug/remoteproc"

struct trace {
	char seen[CW_TRACE_SIZE_MAX];
	size_t len;
};

struct attending {
	const struct remoteproc *r;
	bool found; /* it ran before us */
	sigset_t signals;
	struct trace *trace[CW_TRACES_MAX];
};

static void say(const struct remoteproc *r, const char *what, const char *why)
{
	dprintf(2, "causeway: remote %s: %s: %s%s%s\n", r->remote, r->folder, what, why ? ": " : "",
		why ? why : "");
}

static int open_file(const struct remoteproc *r, const char *file, int flags)
{
	char path[512];

	snprintf(path, sizeof(path), "%.400s/%s", r->folder, file);
	return open(path, flags | O_CLOEXEC);
}

/* The first line of an attribute, or -1 with errno set. */
static int get(const struct remoteproc *r, const char *file, char *text, size_t size)
{
	int fd = open_file(r, file, O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, text, size - 1);
	int why = errno;

	if (fd >= 0)
		close(fd);
	errno = why;
	text[n > 0 ? n : 0] = 0;
	text[strcspn(text, "\n")] = 0;
	return n < 0 ? -1 : 0;
}

static int set(const struct remoteproc *r, const char *file, const char *text)
{
	int fd = open_file(r, file, O_WRONLY);
	ssize_t n = fd < 0 ? -1 : write(fd, text, strlen(text));
	int why = errno;

	if (fd >= 0)
		close(fd);
	errno = why;
	return n < 0 ? -1 : 0;
}

/* ---- traces ---- */

static void look_at_trace(struct attending *a, unsigned int i)
{
	const char *name = strrchr(a->r->folder, '/');
	char path[256], text[CW_TRACE_SIZE_MAX];
	struct trace *t = a->trace[i];
	ssize_t n;
	size_t len;
	int fd;

	snprintf(path, sizeof(path), DEBUGFS "/%s/trace%u", name ? name + 1 : a->r->folder, i);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, sizeof(text));
	if (fd >= 0)
		close(fd);
	len = n > 0 ? strnlen(text, (size_t)n) : 0;
	if (!t && len)
		t = a->trace[i] = calloc(1, sizeof(*t));
	if (!t)
		return;
	for (size_t at = cw_trace_news(t->seen, t->len, text, len); at < len;) {
		ssize_t done = write(1, text + at, len - at);

		if (done <= 0)
			break;
		at += (size_t)done;
	}
	memcpy(t->seen, text, len);
	t->len = len;
}

static void look_at_traces(struct attending *a)
{
	for (unsigned int i = 0; i < CW_TRACES_MAX; i++)
		look_at_trace(a, i);
}

/* ---- its life ---- */

/* What to say about the errno of a refused write of @what. */
static const char *why_not(const char *what, int why)
{
	bool start = !strcmp(what, "start");

	switch (why) {
	case EACCES:
	case EPERM:
		return "no permission: run it as root, or give its files to your user";
	case ENOENT:
		return start ? "Linux finds no such firmware; it looks in /lib/firmware"
			     : strerror(why);
	case EINVAL:
		return start ? "Linux refuses the firmware, or the processor's state: see dmesg"
			     : "Linux refuses it in the processor's present state";
	case EBUSY:
		return "it is in use by others";
	case ENOMEM:
	case ENOSPC:
		return "Linux has no memory where the firmware wants it: see reserved-memory in the "
		       "device tree";
	case ETIMEDOUT:
		return "the processor does not answer";
	case ENOSYS:
	case EOPNOTSUPP:
		return "its Linux driver cannot do that";
	default:
		return strerror(why);
	}
}

static int refused(const struct remoteproc *r, const char *what)
{
	char text[80];

	snprintf(text, sizeof(text), "cannot %s it", what);
	say(r, text, why_not(what, errno));
	return REMOTEPROC_FAILED;
}

static bool is(const char *state, const char *a, const char *b)
{
	return !strcmp(state, a) || (b && !strcmp(state, b));
}

/* Attributes that older kernels lack are no reason to refuse. */
static void set_if_there(const struct remoteproc *r, const char *file, const char *text)
{
	if (set(r, file, text) && errno != ENOENT)
		say(r, file, strerror(errno));
}

/* Whether it has the firmware of the board file, or that does not say which. */
static bool right_firmware(const struct remoteproc *r)
{
	char now[256];

	return !r->firmware || (!get(r, "firmware", now, sizeof(now)) && !strcmp(now, r->firmware));
}

static int set_firmware(const struct remoteproc *r)
{
	if (right_firmware(r) || !set(r, "firmware", r->firmware))
		return 0;
	say(r, "cannot choose the firmware",
	    errno == EBUSY ? "it can be changed only while it is offline"
			   : why_not("choose", errno));
	return REMOTEPROC_FAILED;
}

/* However it came to run. */
static int stop(struct attending *a)
{
	char state[32] = "";

	if (set(a->r, "state", "stop") && errno != EINVAL) {
		refused(a->r, "stop");
		return REMOTEPROC_STUCK;
	}
	for (int ms = 0; ms < STOP_MS; ms += 10) {
		if (!get(a->r, "state", state, sizeof(state)) && !is(state, "running", "attached"))
			return is(state, "crashed", NULL) ? REMOTEPROC_CRASHED : REMOTEPROC_STOPPED;
		nanosleep(&(struct timespec){ 0, 10000000 }, NULL);
	}
	say(a->r, "it was told to stop, and is still", state);
	return REMOTEPROC_STUCK;
}

static int start(struct attending *a)
{
	int bad = a->found ? 0 : set_firmware(a->r);

	if (bad)
		return bad;
	return set(a->r, "state", "start") ? refused(a->r, "start") : 0;
}

/*
 * A crashed one is left by recovery alone, which starts it with the firmware that it had. Linux does not
 * say whether that went well, but its state does.
 */
static int recover(struct attending *a)
{
	char state[32] = "";

	if (set(a->r, "recovery", "recover"))
		return refused(a->r, "recover");
	if (get(a->r, "state", state, sizeof(state)) || is(state, "crashed", NULL)) {
		say(a->r, "cannot recover it", "see dmesg");
		return REMOTEPROC_FAILED;
	}
	if (is(state, "running", "attached") && right_firmware(a->r))
		return 0;
	if (is(state, "running", "attached") && stop(a) != REMOTEPROC_STOPPED)
		return REMOTEPROC_STUCK;
	return start(a);
}

/* One of a PMM before us may not be done with it yet: it stops what it started. */
static int wait_for_turn(const struct remoteproc *r)
{
	int fd = open(r->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	for (int ms = 0; fd >= 0 && ms < 2 * STOP_MS; ms += 10) {
		if (!flock(fd, LOCK_EX | LOCK_NB))
			return 0; /* held until this process ends */
		nanosleep(&(struct timespec){ 0, 10000000 }, NULL);
	}
	say(r, "cannot have it to ourselves", strerror(errno));
	return REMOTEPROC_FAILED;
}

/* Before the first life; at later ones it is our own settings that are there. */
static void remember(const struct remoteproc *r)
{
	struct remoteproc_before *b = r->before;

	if (b->known)
		return;
	if (get(r, "recovery", b->recovery, sizeof(b->recovery)))
		*b->recovery = 0;
	if (!r->coredump || get(r, "coredump", b->coredump, sizeof(b->coredump)))
		*b->coredump = 0;
	b->known = true;
}

/* 0 when it runs. */
static int bring_up(struct attending *a)
{
	const struct remoteproc *r = a->r;
	char state[32];

	if (wait_for_turn(r))
		return REMOTEPROC_FAILED;
	if (get(r, "state", state, sizeof(state))) {
		say(r, "cannot read its state", strerror(errno));
		return REMOTEPROC_FAILED;
	}
	remember(r);
	set_if_there(r, "recovery", "disabled");
	if (r->coredump && !is(state, "crashed", NULL))
		set_if_there(r, "coredump", "enabled");
	if (is(state, "crashed", NULL))
		return r->again ? recover(a) : REMOTEPROC_EARLIER;
	a->found = !r->again && is(state, "running", "attached");
	if (a->found)
		return 0;
	if (is(state, "running", "attached") && stop(a) != REMOTEPROC_STOPPED)
		return REMOTEPROC_STUCK;
	a->found = is(state, "detached", NULL);
	return start(a);
}

/* Told to stop, to detach, or that nothing was said for a while (0). */
static int wait_for_word(const struct attending *a)
{
	const struct timespec t = { 0, LOOK_MS * 1000000 };
	int sig = sigtimedwait(&a->signals, NULL, &t);

	return sig > 0 ? sig : getppid() != a->r->keeper ? REMOTEPROC_LEAVE : 0;
}

static int stay(struct attending *a)
{
	char state[32];

	for (;;) {
		int word = wait_for_word(a);

		look_at_traces(a);
		if (word == REMOTEPROC_LEAVE && a->found)
			return REMOTEPROC_LEFT;
		if (word == REMOTEPROC_STOP || word == REMOTEPROC_LEAVE)
			return stop(a);
		if (word == REMOTEPROC_DETACH && !set(a->r, "state", "detach"))
			return REMOTEPROC_DETACHED;
		if (word == REMOTEPROC_DETACH)
			refused(a->r, "detach");
		if (get(a->r, "state", state, sizeof(state))) {
			say(a->r, "it has gone", strerror(errno));
			return REMOTEPROC_CRASHED;
		}
		if (is(state, "crashed", "invalid"))
			return REMOTEPROC_CRASHED;
		if (is(state, "offline", "deleted"))
			return REMOTEPROC_OFFLINE;
		if (is(state, "detached", NULL))
			return REMOTEPROC_DETACHED;
	}
}

void remoteproc_restore(const struct remoteproc *r)
{
	char state[32];

	/* To one that crashed, "enabled" means to be started at once. */
	if (!r->before->known || get(r, "state", state, sizeof(state)) ||
	    is(state, "crashed", NULL))
		return;
	if (*r->before->recovery)
		set_if_there(r, "recovery", r->before->recovery);
	if (*r->before->coredump)
		set_if_there(r, "coredump", r->before->coredump);
}

int remoteproc_attend(const void *ctx)
{
	static struct attending a;
	int end;

	a.r = ctx;
	sigemptyset(&a.signals);
	sigaddset(&a.signals, REMOTEPROC_STOP);
	sigaddset(&a.signals, REMOTEPROC_LEAVE);
	sigaddset(&a.signals, REMOTEPROC_DETACH);
	sigprocmask(SIG_BLOCK, &a.signals, NULL);
	signal(SIGPIPE, SIG_IGN); /* of a keeper that has gone: the remote is still to be stopped */
	/* Not SIGKILL, as for others: the remote is to be stopped before this ends. */
	prctl(PR_SET_PDEATHSIG, REMOTEPROC_LEAVE, 0, 0, 0);
	end = bring_up(&a);
	if (!end)
		end = stay(&a);
	remoteproc_restore(a.r);
	return end;
}
