// SPDX-License-Identifier: BSD-3-Clause
/*
 * Theory of operation: all memory that the child needs is made before the fork; between fork and
 * execve it only makes system calls. A failed execve comes back through a pipe as its errno. It is a
 * process group of its own, so that whatever it starts ends with it.
 */
#include <causeway/host/confine.h>
#include <causeway/host/spawn.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define PLACES (3 + CW_SPAWN_FDS + 1)

struct ends {
	int null, uart[2], report[2];
};

/* Puts descriptors at 0, 1, 2 ..., by way of numbers that are none of these. */
static int place(const int *from, int n, int report)
{
	int high[PLACES];

	for (int i = 0; i < n; i++)
		if (from[i] >= 0 && (high[i] = fcntl(from[i], F_DUPFD_CLOEXEC, 2 * PLACES)) < 0)
			return -1;
	for (int i = 0; i < n; i++)
		if (from[i] < 0 ? close(i) && errno != EBADF
				: dup3(high[i], i, i == report ? O_CLOEXEC : 0) < 0)
			return -1;
	return 0;
}

/* In the child: system calls only; returns when something failed: where its errno is to be told. */
static int become(const struct cw_spawn *s, const struct ends *e, pid_t keeper)
{
	int from[PLACES] = { e->null, e->uart[1], e->uart[1] }, keep[PLACES];
	const struct rlimit no_core = { 0, 0 };
	unsigned int n = 3;
	sigset_t none;

	for (unsigned int i = 0; i < s->fds; i++)
		from[n++] = s->fd[i];
	from[n++] = e->report[1];
	for (unsigned int i = 0; i < n; i++)
		keep[i] = (int)i;
	setpgid(0, 0);
	signal(SIGPIPE, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (place(from, (int)n, (int)n - 1))
		return e->report[1];
	if (cw_confine_close(keep, n) || setrlimit(RLIMIT_CORE, &no_core) ||
	    cw_confine_privilege() || cw_confine_die_with(keeper))
		return (int)n - 1;
	if (s->path) {
		execve(s->path, s->argv, s->env);
		return (int)n - 1;
	}
	close((int)n - 1); /* as execve() would have: so far all went well */
	_exit(s->main(s->ctx));
}

static int launch(const struct cw_spawn *s, struct ends *e, pid_t *pid)
{
	int why = 0;
	pid_t keeper = getpid(), child = fork();

	if (child < 0)
		return errno;
	if (!child) {
		int report = become(s, e, keeper);

		why = errno;
		(void)!write(report, &why, sizeof(why));
		_exit(127);
	}
	close(e->report[1]);
	e->report[1] = -1;
	if (read(e->report[0], &why, sizeof(why)) == sizeof(why) && why) {
		waitpid(child, NULL, 0);
		return why;
	}
	*pid = child;
	return 0;
}

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

int cw_spawn(const struct cw_spawn *s, pid_t *pid, int *uart)
{
	struct ends e = { -1, { -1, -1 }, { -1, -1 } };
	int why = 0;

	e.null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (e.null < 0 || pipe2(e.uart, O_CLOEXEC) || pipe2(e.report, O_CLOEXEC))
		why = errno;
	else
		why = launch(s, &e, pid);
	close_fd(e.null);
	close_fd(e.uart[1]);
	close_fd(e.report[0]);
	close_fd(e.report[1]);
	if (why) {
		close_fd(e.uart[0]);
		return why;
	}
	fcntl(e.uart[0], F_SETFL, O_NONBLOCK);
	*uart = e.uart[0];
	return 0;
}

void cw_spawn_stop(pid_t pid, int hard)
{
	kill(-pid, hard ? SIGKILL : SIGTERM);
	if (!hard)
		kill(-pid, SIGCONT); /* one that is stopped could not hear it */
}
