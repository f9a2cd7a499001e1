// SPDX-License-Identifier: BSD-3-Clause
/*
 * The remote is a program for Linux, a child of the keeper.
 *
 * Theory of operation: it gets the region as descriptor 3, its end of the doorbell as 4, four
 * environment variables that say so, and nothing else of the PMM: no other descriptor, no
 * capability, no inherited environment, signal mask or handler (spawn.c). What it prints is its UART.
 */
#include <causeway/host/carrier.h>
#include <causeway/host/spawn.h>

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct start {
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

static void make_environment(struct start *s, const struct cw_carrier *c)
{
	static char region[] = "CAUSEWAY_REGION_FD=3", bell[] = "CAUSEWAY_DOORBELL_FD=4";
	/* Spinning is the worker's: on two processors both at once would starve each other. */
	static char spin[] = "CAUSEWAY_SPIN=0";
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

static int process_start(struct cw_carrier *c, FILE *err)
{
	struct start s = { 0 };
	struct cw_spawn spawn = {
		.path = c->remote->firmware, .argv = c->remote->argv, .env = s.env, .fds = 2
	};
	int why;

	make_environment(&s, c);
	spawn.fd[0] = cw_memory_reopen(c->memory, O_RDWR);
	spawn.fd[1] = c->doorbell->theirs;
	why = spawn.fd[0] < 0 ? errno : cw_spawn(&spawn, &c->pid, &c->uart);
	if (spawn.fd[0] >= 0)
		close(spawn.fd[0]);
	if (why) {
		fprintf(err, "causeway: remote %s: cannot start %s: %s\n", c->remote->name,
			c->remote->firmware, strerror(why));
		return -1;
	}
	c->state = CW_REMOTE_RUNNING;
	c->asked = c->frozen = false;
	return 0;
}

static void process_stop(struct cw_carrier *c, bool hard)
{
	if (!c->pid)
		return;
	c->asked = true;
	cw_spawn_stop(c->pid, hard);
}

const struct cw_carrier_ops cw_carrier_process = {
	.name = "process",
	.check = process_check,
	.start = process_start,
	.stop = process_stop,
	.ended = cw_carrier_child_ended,
};
