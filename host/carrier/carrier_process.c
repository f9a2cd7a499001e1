// SPDX-License-Identifier: BSD-3-Clause
/*
 * The remote is a program for Linux, a child of the keeper.
 *
 * Theory of operation: it gets the region as descriptor 3, its end of the doorbell as 4, four
 * environment variables that say so, and nothing else of the PMM: no other descriptor, no
 * capability, no inherited environment, signal mask or handler. What it prints is its UART. It is a
 * process group of its own, so that whatever it starts ends with it, and it dies with the keeper.
 * All memory that the child needs is made before the fork; between fork and execve it only makes
 * system calls. A failed execve comes back through a pipe as its errno.
 */
#include <causeway/host/carrier.h>
#include <causeway/host/confine.h>

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define FD_REGION   3
#define FD_DOORBELL 4
#define FD_REPORT   5 /* closed by a successful execve */

struct start {
	struct cw_carrier *c;
	int region, uart, report, null;
	char *env[8];
	char name[64], offset[48], size[48], poll[40];
};

static int read_header(const char *path, unsigned char *h, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t n = fd < 0 ? -1 : read(fd, h, size);

	if (fd >= 0)
		close(fd);
	return n == (ssize_t)size ? 0 : -1;
}

/* An ELF file of the same class, byte order and machine as this program itself. */
static const char *wrong_file(const char *path)
{
	unsigned char file[20], self[20];

	if (read_header(path, file, sizeof(file)))
		return errno == EACCES ? NULL : "is no ELF file";
	if (memcmp(file, ELFMAG, SELFMAG))
		return "is no ELF file";
	if (read_header("/proc/self/exe", self, sizeof(self)))
		return NULL;
	if (file[EI_CLASS] != self[EI_CLASS] || file[EI_DATA] != self[EI_DATA] ||
	    memcmp(file + 18, self + 18, 2))
		return "is built for another machine; this carrier needs firmware built for Linux "
		       "on this one (port/hosted)";
	return NULL;
}

static int process_check(const struct cw_board_remote *r, FILE *err)
{
	const char *wrong = NULL;
	struct stat st;

	if (stat(r->firmware, &st) || access(r->firmware, X_OK)) {
		fprintf(err, "causeway: remote %s: firmware %s: %s\n", r->name, r->firmware,
			strerror(errno));
		return -1;
	}
	if (!S_ISREG(st.st_mode))
		wrong = "is no file";
	else
		wrong = wrong_file(r->firmware);
	if (wrong)
		fprintf(err, "causeway: remote %s: firmware %s %s\n", r->name, r->firmware, wrong);
	return wrong ? -1 : 0;
}

static void make_environment(struct start *s)
{
	static char region[] = "CAUSEWAY_REGION_FD=3", bell[] = "CAUSEWAY_DOORBELL_FD=4";
	/* Spinning is the worker's: on two processors both at once would starve each other. */
	static char spin[] = "CAUSEWAY_SPIN=0";
	const struct cw_carrier *c = s->c;
	unsigned int n = 0;

	snprintf(s->name, sizeof(s->name), "CAUSEWAY_REMOTE=%s", c->remote->name);
	snprintf(s->poll, sizeof(s->poll), "CAUSEWAY_POLL_US=%u", c->doorbell->every);
	s->env[n++] = s->name;
	s->env[n++] = region;
	s->env[n++] = c->doorbell->theirs >= 0 ? bell : s->poll;
	s->env[n++] = spin;
	if (c->remote->memory == CW_MEMORY_FILE) {
		snprintf(s->size, sizeof(s->size), "CAUSEWAY_REGION_SIZE=%u", c->memory->size);
		snprintf(s->offset, sizeof(s->offset), "CAUSEWAY_REGION_OFFSET=%llu",
			 (unsigned long long)c->memory->offset);
		s->env[n++] = s->offset;
		s->env[n++] = s->size;
	}
	s->env[n] = NULL;
}

/* Puts descriptors at their fixed places, by way of numbers that are none of these. */
static int place(const int from[6])
{
	int high[6];

	for (int i = 0; i < 6; i++)
		if (from[i] >= 0 && (high[i] = fcntl(from[i], F_DUPFD_CLOEXEC, 16)) < 0)
			return -1;
	for (int i = 0; i < 6; i++)
		if (from[i] < 0 ? close(i) && errno != EBADF
				: dup3(high[i], i, i == FD_REPORT ? O_CLOEXEC : 0) < 0)
			return -1;
	return 0;
}

/* In the child: system calls only; returns when something failed. */
static void become_remote(const struct start *s, pid_t keeper)
{
	const int from[6] = { s->null,	s->uart, s->uart, s->region, s->c->doorbell->theirs,
			      s->report };
	int keep[] = { 0, 1, 2, FD_REGION, FD_DOORBELL, FD_REPORT };
	const struct rlimit no_core = { 0, 0 };
	sigset_t none;

	setpgid(0, 0);
	signal(SIGPIPE, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (place(from) || cw_confine_close(keep, 6) || setrlimit(RLIMIT_CORE, &no_core) ||
	    cw_confine_privilege() || cw_confine_die_with(keeper))
		return;
	execve(s->c->remote->firmware, s->c->remote->argv, s->env);
}

static void close_all(const int *fd, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		if (fd[i] >= 0)
			close(fd[i]);
}

/* Forks; @report: the end of the pipe on which a failure comes back. 0 or an errno. */
static int launch(struct start *s, int report)
{
	pid_t keeper = getpid();
	int why = 0;

	s->c->pid = fork();
	if (s->c->pid < 0) {
		s->c->pid = 0;
		return errno;
	}
	if (!s->c->pid) {
		become_remote(s, keeper);
		why = errno;
		(void)!write(FD_REPORT, &why, sizeof(why));
		_exit(127);
	}
	close(s->report);
	s->report = -1;
	if (read(report, &why, sizeof(why)) == sizeof(why) && why) {
		waitpid(s->c->pid, NULL, 0);
		s->c->pid = 0;
		return why;
	}
	return 0;
}

static int process_start(struct cw_carrier *c, FILE *err)
{
	struct start s = { .c = c, .region = -1, .uart = -1, .report = -1, .null = -1 };
	int uart[2] = { -1, -1 }, report[2] = { -1, -1 }, why = 0;

	make_environment(&s);
	s.region = cw_memory_reopen(c->memory, O_RDWR);
	s.null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (s.region < 0 || s.null < 0 || pipe2(uart, O_CLOEXEC) || pipe2(report, O_CLOEXEC)) {
		why = errno;
	} else {
		s.uart = uart[1];
		s.report = report[1];
		report[1] = -1;
		why = launch(&s, report[0]);
	}
	close_all((const int[]){ s.region, s.null, uart[1], report[0], report[1], s.report }, 6);
	if (why) {
		close_all(uart, 1);
		fprintf(err, "causeway: remote %s: cannot start %s: %s\n", c->remote->name,
			c->remote->firmware, strerror(why));
		return -1;
	}
	fcntl(uart[0], F_SETFL, O_NONBLOCK);
	c->uart = uart[0];
	c->state = CW_REMOTE_RUNNING;
	c->asked = c->frozen = false;
	return 0;
}

static void process_stop(struct cw_carrier *c, bool hard)
{
	if (!c->pid)
		return;
	c->asked = true;
	kill(-c->pid, hard ? SIGKILL : SIGTERM);
	if (!hard)
		kill(-c->pid, SIGCONT); /* one that is stopped could not hear it */
}

static bool process_ended(struct cw_carrier *c, pid_t pid, int status)
{
	if (!c->pid || pid != c->pid)
		return false;
	if (WIFSTOPPED(status) || WIFCONTINUED(status)) {
		c->frozen = WIFSTOPPED(status);
		return false;
	}
	kill(-c->pid, SIGKILL); /* whatever it started ends with it */
	c->pid = 0;
	c->status = status;
	c->frozen = false;
	c->state = c->asked || (WIFEXITED(status) && !WEXITSTATUS(status)) ? CW_REMOTE_OFFLINE
									   : CW_REMOTE_CRASHED;
	return true;
}

const struct cw_carrier_ops cw_carrier_process = {
	.name = "process",
	.check = process_check,
	.start = process_start,
	.stop = process_stop,
	.ended = process_ended,
};
