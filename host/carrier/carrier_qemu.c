// SPDX-License-Identifier: BSD-3-Clause
/*
 * The remote runs in an emulator.
 *
 * Theory of operation: QEMU gets its memory, its doorbells and its monitor as descriptors, each one
 * end of what the keeper holds the other end of, so no path is made and nothing is left behind. The
 * firmware is put into that memory by our own loader before QEMU is started: on the command line are
 * memory and an entry address. The machine starts halted; the monitor (qemu_talk.c) has the commands
 * that let it run waiting in its socket. The UART is QEMU's standard output, as is what QEMU itself
 * complains about.
 */
#include "qemu_talk.h"

#include <causeway/host/carrier.h>
#include <causeway/host/image.h>
#include <causeway/host/spawn.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

/* Descriptors in QEMU, in the order of cw_spawn.fd[]. */
#define FD_RAM	   "3"
#define FD_MONITOR "4"
#define FD_BELL	   "5"

#define ARGS_MAX 64u

struct command {
	char *argv[ARGS_MAX + 1];
	unsigned int n;
	char path[256], ram[160], shm_size[32], entry[64];
};

static bool on_path(const char *program, char *path, size_t size)
{
	static const char *const folders[] = { "/usr/local/bin", "/usr/bin", "/bin" };

	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		snprintf(path, size, "%s/%s", folders[i], program);
		if (!access(path, X_OK))
			return true;
	}
	return false;
}

static int qemu_check(const struct cw_board_remote *r, FILE *err)
{
	char path[256];

	if (on_path(r->machine->program, path, sizeof(path)))
		return 0;
	fprintf(err, "causeway: remote %s: %s is not installed; on Debian: apt install %s\n",
		r->name, r->machine->program, r->machine->package);
	return -1;
}

static bool region_in_ram(const struct cw_carrier *c)
{
	return c->remote->doorbell != CW_DOORBELL_IVSHMEM;
}

static int ram_fd(const struct cw_carrier *c)
{
	return region_in_ram(c) ? c->memory->fd : c->ram;
}

/* RAM of its own, new for each life; the region is older than that and is not touched. */
static int make_ram(struct cw_carrier *c)
{
	if (region_in_ram(c))
		return 0;
	c->ram = memfd_create("ram", MFD_CLOEXEC);
	return c->ram < 0 ? -1 : ftruncate(c->ram, (off_t)c->remote->machine->ram_size);
}

static void add(struct command *k, const char *arg)
{
	if (k->n < ARGS_MAX)
		k->argv[k->n++] = (char *)(uintptr_t)arg; /* execve() changes none of them */
}

static void add_two(struct command *k, const char *option, const char *value)
{
	add(k, option);
	add(k, value);
}

static void add_doorbell(struct command *k, const struct cw_carrier *c)
{
	switch (c->remote->doorbell) {
	case CW_DOORBELL_IVSHMEM:
		add_two(k, "-chardev", "socket,id=bell,fd=" FD_BELL);
		add_two(k, "-device", "ivshmem-doorbell,chardev=bell,vectors=1");
		add_two(k, "-serial", "chardev:uart");
		break;
	case CW_DOORBELL_CHARDEV:
		add_two(k, "-chardev", "socket,id=bell,fd=" FD_BELL);
		add_two(k, "-serial", "chardev:bell");
		add_two(k, "-serial", "chardev:uart");
		break;
	default:
		if (c->remote->machine->serial)
			add_two(k, "-serial", "null");
		add_two(k, "-serial", "chardev:uart");
		break;
	}
}

static void make_command(struct command *k, const struct cw_carrier *c, uint64_t entry)
{
	const struct cw_qemu_machine *m = c->remote->machine;

	add(k, k->path);
	for (const char *const *a = m->args; *a; a++)
		add(k, *a);
	snprintf(k->shm_size, sizeof(k->shm_size), "%lluM",
		 (unsigned long long)(m->ram_size >> 20));
	add_two(k, "-m", k->shm_size);
	snprintf(k->ram, sizeof(k->ram),
		 "memory-backend-file,id=ram,share=on,mem-path=/proc/self/fd/" FD_RAM ",size=%llu",
		 (unsigned long long)m->ram_size);
	add_two(k, "-object", k->ram);
	snprintf(k->entry, sizeof(k->entry), "loader,addr=0x%llx,cpu-num=%u",
		 (unsigned long long)entry, m->cpu);
	add_two(k, "-device", k->entry);
	add(k, "-S");
	add(k, "-nodefaults");
	add(k, "-no-user-config");
	add_two(k, "-display", "none");
	add_two(k, "-chardev", "socket,id=qmp,fd=" FD_MONITOR);
	add_two(k, "-mon", "chardev=qmp,mode=control");
	add_two(k, "-chardev", "stdio,id=uart,signal=off");
	add_doorbell(k, c);
	for (char **a = c->remote->argv + 1; *a; a++)
		add(k, *a);
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* What the last life had; RAM of its own too, as the next one's is to be all zeroes. */
static void qemu_close(struct cw_carrier *c)
{
	cw_qemu_talk_end(c->talk);
	c->talk = NULL;
	close_fd(&c->server);
	close_fd(&c->ram);
}

/*
 * The end of the doorbell that QEMU gets, or -1 with errno set. Ours stays open although all is said:
 * QEMU reads what it was told when it comes to it, and nothing any more from who hung up.
 */
static int bell_fd(struct cw_carrier *c)
{
	int pair[2];

	if (c->remote->doorbell != CW_DOORBELL_IVSHMEM)
		return c->doorbell->theirs;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		return -1;
	c->server = pair[0];
	if (!cw_doorbell_ivshmem_greet(c->doorbell, c->server, c->memory->fd))
		return pair[1];
	close(pair[1]);
	return -1;
}

static int run(struct cw_carrier *c, struct command *k)
{
	static char silent[] = "QEMU_AUDIO_DRV=none";
	static char *const env[] = { silent, NULL };
	struct cw_spawn s = {
		.path = k->path, .argv = k->argv, .env = env, .fd = { ram_fd(c), -1, -1 }, .fds = 3
	};
	int why;

	c->talk = cw_qemu_talk_begin(&s.fd[1], c->remote->machine->power);
	s.fd[2] = bell_fd(c);
	if (!c->talk || (s.fd[2] < 0 && c->remote->doorbell != CW_DOORBELL_POLL))
		why = errno;
	else
		why = cw_spawn(&s, &c->pid, &c->uart);
	close_fd(&s.fd[1]);
	if (c->server >= 0)
		close_fd(&s.fd[2]);
	return why;
}

/* The firmware into RAM; its entry address. The region is the PMM's, wherever it lies. */
static int load(struct cw_carrier *c, uint64_t *entry, FILE *err)
{
	const struct cw_board_remote *r = c->remote;
	const struct cw_qemu_machine *m = r->machine;
	const struct cw_image_range ram = { "its RAM", m->ram_base, m->ram_size };
	const struct cw_image_range region = { "the region", r->layout.base, r->layout.size };
	struct cw_image image;
	int bad;

	if (cw_image_open(&image, r->name, r->firmware, m->elf_machine, m->elf64, err))
		return -1;
	bad = cw_image_check(&image, &ram, &region, 1, err) ||
	      cw_image_resources(&image, &ram, &region, 1, err) ||
	      cw_image_load(&image, ram_fd(c), m->ram_base, err);
	*entry = image.elf.entry;
	c->traces = bad ? 0 : image.traces;
	for (unsigned int i = 0; i < c->traces; i++)
		c->trace[i] = (struct cw_trace_place){ ram_fd(c),
						       image.trace[i].address - m->ram_base,
						       image.trace[i].size };
	cw_image_close(&image);
	return bad ? -1 : 0;
}

static int qemu_start(struct cw_carrier *c, FILE *err)
{
	struct command k = { .n = 0 };
	uint64_t entry = 0;
	int why;

	qemu_close(c);
	if (qemu_check(c->remote, err) ||
	    !on_path(c->remote->machine->program, k.path, sizeof(k.path)))
		return -1;
	if (make_ram(c))
		why = errno;
	else if (load(c, &entry, err))
		return -1;
	else {
		make_command(&k, c, entry);
		why = run(c, &k);
	}
	if (why) {
		fprintf(err, "causeway: remote %s: cannot start %s: %s\n", c->remote->name, k.path,
			strerror(why));
		return -1;
	}
	c->control = cw_qemu_talk_fd(c->talk);
	c->state = CW_REMOTE_RUNNING;
	c->asked = c->frozen = false;
	return 0;
}

static void qemu_stop(struct cw_carrier *c, bool hard)
{
	if (!c->pid)
		return;
	c->asked = true;
	cw_spawn_stop(c->pid, hard);
}

static unsigned int qemu_core(const struct cw_carrier *c, struct cw_core_range *range)
{
	const struct cw_qemu_machine *m = c->remote->machine;
	const struct cw_layout *l = &c->remote->layout;

	range[0] = (struct cw_core_range){ m->ram_base, m->ram_size, ram_fd(c), 0 };
	range[1] = (struct cw_core_range){ l->base, l->size, c->memory->fd, c->memory->offset };
	return region_in_ram(c) ? 1 : 2;
}

static int qemu_heard(struct cw_carrier *c, FILE *err)
{
	return cw_qemu_talk_hear(c->talk, &c->frozen, c->remote->name, err);
}

const struct cw_carrier_ops cw_carrier_qemu = {
	.name = "qemu",
	.check = qemu_check,
	.start = qemu_start,
	.stop = qemu_stop,
	.ended = cw_carrier_child_ended,
	.heard = qemu_heard,
	.core = qemu_core,
	.close = qemu_close,
};
