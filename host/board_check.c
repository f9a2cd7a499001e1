// SPDX-License-Identifier: BSD-3-Clause
/*
 * Checks of a board as a whole: what two of its parts both want, what does not go together, and the
 * files that it needs.
 *
 * Theory of operation: whatever only one part of a board may have (a name, a TAP, a path that is
 * made) is a claim. Claims are sorted, and neighbours that are equal are a mistake at the later one.
 */
#include "board_priv.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct claim {
	const char *what; /* of which only one may have this value */
	const char *value;
	unsigned int order;
	unsigned int first; /* order of the first that is equal */
	char path[PATH_LEN];
};

struct claims {
	struct board_build *b;
	struct claim *list;
	unsigned int n, room;
};

static void claim(struct claims *c, const char *what, const char *value, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

static void claim(struct claims *c, const char *what, const char *value, const char *fmt, ...)
{
	va_list ap;

	if (!what || !value || !*value)
		return;
	if (c->n == c->room) {
		unsigned int room = c->room ? 2 * c->room : 64;
		struct claim *list = realloc(c->list, room * sizeof(*list));

		if (!list)
			return;
		c->list = list;
		c->room = room;
	}
	c->list[c->n] =
		(struct claim){ .what = what, .value = value, .order = c->n, .first = c->n };
	va_start(ap, fmt);
	vsnprintf(c->list[c->n++].path, PATH_LEN, fmt, ap);
	va_end(ap);
}

/* Text that lives as long as the board. */
static const char *text(struct board_build *b, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static const char *text(struct board_build *b, const char *fmt, ...)
{
	char *s = board_alloc(b, 64);
	va_list ap;

	va_start(ap, fmt);
	if (s)
		vsnprintf(s, 64, fmt, ap);
	va_end(ap);
	return s;
}

/* a-b and a_b are one: generated headers, linker scripts and labels know no dash. */
static const char *word(struct board_build *b, const char *name)
{
	char *s = board_strdup(b, name, strlen(name));

	for (char *p = s; p && *p; p++)
		*p = *p == '-' ? '_' : *p;
	return s;
}

static void claim_net(struct claims *c, const struct cw_board_device *d, const char *path)
{
	const uint8_t *m = d->mac;

	claim(c, "TAP", d->ifname, "%s.backend.tap", path);
	claim(c, "path", d->path, "%s.backend.socket", path);
	if (d->fd >= 0)
		claim(c, "descriptor", text(c->b, "%d", d->fd), "%s.backend.fd", path);
	if (m[0])
		claim(c, "MAC address",
		      text(c->b, "%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3], m[4],
			   m[5]),
		      "%s.mac", path);
}

static void claim_ports(struct claims *c, const struct cw_board_device *d, const char *remote,
			const char *device, const char *path)
{
	char sub[PATH_LEN];

	for (unsigned int i = 0; i < d->ports; i++) {
		const struct cw_board_port *p = &d->port[i];
		bool stdio = p->backend == CW_BACKEND_STDIO;

		snprintf(sub, sizeof(sub), d->ports > 1 ? "%.90s.ports[%u]" : "%.90s", path, i);
		claim(c, stdio ? "terminal" : "path", stdio ? "stdio" : p->path, "%.110s.backend",
		      sub);
		claim(c, text(c->b, "port name of %s.%s", remote, device), p->name, "%.110s.name",
		      sub);
	}
}

/* Two rules would listen in one place. */
static void claim_forward(struct claims *c, const struct cw_board_remote *remote, unsigned int i,
			  unsigned int k)
{
	const struct cw_forward_rule *r = &remote->forward[k];
	char *at = board_alloc(c->b, 128);

	if (!at || !r->linux_end.len || r->port == UINT32_MAX)
		return; /* half a rule, which is a mistake already */
	if (r->to_remote)
		cw_forward_text(&r->linux_end, at, 128);
	else
		snprintf(at, 128, "%u", r->port);
	claim(c, r->to_remote ? "address" : text(c->b, "port of %s", remote->name), at,
	      "remotes[%u].forward[%u].from", i, k);
}

static void claim_remote(struct claims *c, const struct cw_board_remote *r, unsigned int i)
{
	const char *name = r->name ? r->name : "";
	char path[PATH_LEN];

	claim(c, "remote name", r->name, "remotes[%u].name", i);
	claim(c, "processor", r->remoteproc, "remotes[%u].carrier.remoteproc", i);
	claim(c, "path", r->doorbell_path, "remotes[%u].doorbell.%s", i,
	      r->doorbell == CW_DOORBELL_CHARDEV ? "chardev"
	      : r->doorbell == CW_DOORBELL_UIO	 ? "uio"
						 : "socket");
	if (r->memory == CW_MEMORY_UIO)
		claim(c, "map", text(c->b, "%.40s %u", r->memory_path, r->memory_map),
		      "remotes[%u].memory.uio", i);
	for (unsigned int k = 0; k < r->layout.devices; k++) {
		snprintf(path, sizeof(path), "remotes[%u].devices[%u]", i, k);
		claim(c, text(c->b, "device name of %s", name), word(c->b, r->place[k].name),
		      "%s.name", path);
		if (r->device[k].id == CW_ID_NET)
			claim_net(c, &r->device[k], path);
		else if (r->device[k].id == CW_ID_CONSOLE)
			claim_ports(c, &r->device[k], name, r->place[k].name, path);
		else if (r->device[k].id == CW_ID_BLK && !r->device[k].read_only)
			claim(c, "disk", r->device[k].path, "%s.backend.file", path);
		else if (r->device[k].backend == CW_BACKEND_VHOST)
			claim(c, "cid", text(c->b, "%u", r->device[k].cid), "%s.cid", path);
		else if (r->device[k].id == CW_ID_VSOCK)
			claim(c, "path", r->device[k].path, "%s.backend.socket", path);
	}
	for (unsigned int k = 0; k < r->forwards; k++)
		claim_forward(c, r, i, k);
}

static int by_value(const void *a, const void *b)
{
	const struct claim *x = a, *y = b;
	int r = strcmp(x->what, y->what);

	r = r ? r : strcmp(x->value, y->value);
	return r ? r : x->order < y->order ? -1 : 1;
}

static int by_order(const void *a, const void *b)
{
	return ((const struct claim *)a)->order < ((const struct claim *)b)->order ? -1 : 1;
}

static bool equal(const struct claim *x, const struct claim *y)
{
	return !strcmp(x->what, y->what) && !strcmp(x->value, y->value);
}

static void check_claims(struct board_build *b)
{
	struct claims c = { .b = b };

	for (unsigned int i = 0; i < b->board.remotes; i++)
		claim_remote(&c, &b->board.remote[i], i);
	if (!c.n)
		return;
	qsort(c.list, c.n, sizeof(*c.list), by_value);
	for (unsigned int i = 1; i < c.n; i++)
		if (equal(&c.list[i], &c.list[i - 1]))
			c.list[i].first = c.list[i - 1].first;
	qsort(c.list, c.n, sizeof(*c.list), by_order);
	for (unsigned int i = 0; i < c.n; i++)
		if (c.list[i].first != i)
			board_error(b, c.list[i].path,
				    "%s '%s' is used twice%s%s; right is one of its own",
				    c.list[i].what, c.list[i].value, b->text ? ", first in " : "",
				    b->text ? c.list[c.list[i].first].path : "");
	free(c.list);
}

/* Two regions in one file. */
static void check_memory(struct board_build *b, unsigned int i)
{
	const struct cw_board_remote *r = &b->board.remote[i];
	bool file = r->memory == CW_MEMORY_FILE;
	char path[PATH_LEN];

	snprintf(path, sizeof(path), "remotes[%u].memory.%s", i, file ? "offset" : "devmem");
	for (unsigned int j = 0; j < i; j++) {
		const struct cw_board_remote *o = &b->board.remote[j];

		if (r->memory != o->memory || r->memory == CW_MEMORY_MEMFD ||
		    (r->memory == CW_MEMORY_FILE && strcmp(r->memory_path, o->memory_path) != 0) ||
		    r->memory == CW_MEMORY_UIO ||
		    r->memory_offset >= o->memory_offset + o->layout.size ||
		    o->memory_offset >= r->memory_offset + r->layout.size)
			continue;
		board_error(
			b, path,
			"its region overlaps that of remotes[%u] in %s; right is %s from 0x%llx%s",
			j, file ? r->memory_path : "physical memory",
			file ? "an offset" : "an address",
			(unsigned long long)(o->memory_offset + o->layout.size),
			file ? ", or another file" : "");
		return;
	}
}

/* Of some memory the kernel must not touch a byte, and a ring that it runs is all its own. */
static void check_vhost(struct board_build *b, const struct cw_board_remote *r, unsigned int i)
{
	char path[PATH_LEN];

	if (r->memory != CW_MEMORY_UIO && r->memory != CW_MEMORY_DEVMEM)
		return;
	for (unsigned int k = 0; k < r->layout.devices; k++) {
		if (r->device[k].backend != CW_BACKEND_VHOST)
			continue;
		snprintf(path, sizeof(path), "remotes[%u].devices[%u].backend", i, k);
		board_error(
			b, path,
			"cannot be vhost: the kernel must not touch memory that is %s; right is "
			"{socket: PATH}",
			r->memory == CW_MEMORY_UIO ? "uio" : "devmem");
	}
}

/* Where its services are is told by the remote's name alone. */
static void check_rpmsg(struct board_build *b, const struct cw_board_remote *r, unsigned int i)
{
	bool any = false;
	char path[PATH_LEN];

	for (unsigned int k = 0; k < r->layout.devices; k++) {
		if (r->device[k].id != CW_ID_RPMSG)
			continue;
		snprintf(path, sizeof(path), "remotes[%u].devices[%u]", i, k);
		if (any)
			board_error(
				b, path,
				"is a second rpmsg device; right is one a remote, which carries "
				"any number of services");
		any = true;
	}
}

static void check_attach(struct board_build *b, const struct cw_board_remote *r, const char *memory,
			 const char *doorbell)
{
	if (r->memory == CW_MEMORY_MEMFD)
		board_error(b, memory,
			    "nobody could attach to a memfd; right is {file: PATH}, "
			    "{uio: DEVICE, map: N} or {devmem: ADDRESS}");
	if (r->doorbell != CW_DOORBELL_POLL && !r->doorbell_path)
		board_error(b, doorbell,
			    "nobody could attach to a doorbell without a path; right is "
			    "{socket: PATH}, {chardev: DEVICE}, {uio: DEVICE} or "
			    "{poll: MICROSECONDS}");
}

static bool memory_is_ours(const struct cw_board_remote *r)
{
	return r->memory == CW_MEMORY_MEMFD || r->memory == CW_MEMORY_FILE;
}

static void check_process(struct board_build *b, const struct cw_board_remote *r,
			  const char *memory, const char *doorbell)
{
	if (!memory_is_ours(r))
		board_error(b, memory,
			    "a process inherits its memory; right is memfd or {file: PATH}");
	if (r->doorbell_path || r->doorbell > CW_DOORBELL_POLL)
		board_error(b, doorbell,
			    "a process inherits its socket; right is socket without a "
			    "path, or {poll: MICROSECONDS}");
}

/* Where the region of an emulated machine may be depends on how it gets there. */
static void check_qemu_region(struct board_build *b, const struct cw_board_remote *r,
			      unsigned int i)
{
	const struct cw_qemu_machine *m = r->machine;
	uint64_t end = r->layout.base + r->layout.size, ram_end = m->ram_base + m->ram_size;
	bool inside = r->layout.base >= m->ram_base && end <= ram_end;
	bool outside = end <= m->ram_base || r->layout.base >= ram_end;
	char path[PATH_LEN];

	snprintf(path, sizeof(path), "remotes[%u].region.base", i);
	if (r->doorbell == CW_DOORBELL_IVSHMEM && !outside)
		board_error(b, path,
			    "0x%llx overlaps the machine's RAM; right, with ivshmem, is an address "
			    "outside of 0x%llx-0x%llx",
			    (unsigned long long)r->layout.base, (unsigned long long)m->ram_base,
			    (unsigned long long)ram_end);
	if (r->doorbell != CW_DOORBELL_IVSHMEM && !inside)
		board_error(
			b, path,
			"0x%llx is not in the machine's RAM; right, without ivshmem, is a region "
			"within 0x%llx-0x%llx",
			(unsigned long long)r->layout.base, (unsigned long long)m->ram_base,
			(unsigned long long)ram_end);
	snprintf(path, sizeof(path), "remotes[%u].region.size", i);
	if (r->doorbell == CW_DOORBELL_IVSHMEM &&
	    (r->layout.size & (r->layout.size - 1) || r->layout.base % r->layout.size))
		board_error(
			b, path,
			"0x%x cannot be an ivshmem device's memory; right is a power of two, and "
			"a base that is a multiple of it",
			r->layout.size);
}

static void check_qemu(struct board_build *b, const struct cw_board_remote *r, unsigned int i,
		       const char *memory, const char *doorbell)
{
	const struct cw_qemu_machine *m = r->machine;
	bool ivshmem = r->doorbell == CW_DOORBELL_IVSHMEM;

	if (r->memory != CW_MEMORY_MEMFD)
		board_error(b, memory, "the emulator is given its memory; right is memfd");
	if (r->doorbell_path || r->doorbell == CW_DOORBELL_SOCKET || (ivshmem && !m->ivshmem) ||
	    (r->doorbell == CW_DOORBELL_CHARDEV && !m->serial))
		board_error(b, doorbell, "%s has no such doorbell; right is %s{poll: MICROSECONDS}",
			    m->name,
			    m->ivshmem	? "ivshmem or "
			    : m->serial ? "chardev without a path or "
					: "");
	else
		check_qemu_region(b, r, i);
}

/* By way of its first device with sockets. */
static void check_forwards(struct board_build *b, struct cw_board_remote *r, unsigned int i)
{
	const char *vsock = NULL;
	char path[PATH_LEN];

	for (unsigned int k = 0; k < r->layout.devices && !vsock; k++)
		if (r->device[k].id == CW_ID_VSOCK)
			vsock = r->device[k].path;
	snprintf(path, sizeof(path), "remotes[%u].forward", i);
	if (r->forwards && !vsock)
		board_error(b, path,
			    "there is no device to forward by; right is to add "
			    "{kind: vsock, backend: {socket: PATH}} to devices");
	for (unsigned int k = 0; k < r->forwards; k++)
		r->forward[k].vsock = vsock;
}

/* What one remote's keys say to each other. */
static void check_remote(struct board_build *b, unsigned int i)
{
	struct cw_board_remote *r = &b->board.remote[i];
	char memory[PATH_LEN], doorbell[PATH_LEN], worker[PATH_LEN];

	snprintf(memory, sizeof(memory), "remotes[%u].memory", i);
	snprintf(doorbell, sizeof(doorbell), "remotes[%u].doorbell", i);
	snprintf(worker, sizeof(worker), "remotes[%u].worker", i);
	if (r->carrier == CW_CARRIER_ATTACH || r->carrier == CW_CARRIER_REMOTEPROC)
		check_attach(b, r, memory, doorbell);
	else if (r->carrier == CW_CARRIER_QEMU)
		check_qemu(b, r, i, memory, doorbell);
	else
		check_process(b, r, memory, doorbell);
	check_forwards(b, r, i);
	if (r->worker == WORKER_UNSET)
		r->worker = i % b->board.workers;
	else if (r->worker >= b->board.workers)
		board_error(b, worker, "there is no worker %u; right is less than workers, here %u",
			    r->worker, b->board.workers);
}

/* What a remote will check too; found here it is a rule that the checks before forgot. */
static void check_layouts(struct board_build *b)
{
	char path[PATH_LEN];

	for (unsigned int i = 0; i < b->board.remotes; i++) {
		enum cw_layout_fault f = cw_layout_check(&b->board.remote[i].layout, NULL, NULL);

		snprintf(path, sizeof(path), "remotes[%u]", i);
		if (f != CW_LAYOUT_FINE)
			board_error(b, path, "%s", cw_layout_fault_text(f));
	}
}

void board_check(struct board_build *b)
{
	for (unsigned int i = 0; i < b->board.remotes; i++) {
		if (b->torn[i])
			continue;
		check_remote(b, i);
		check_memory(b, i);
		check_vhost(b, &b->board.remote[i], i);
		check_rpmsg(b, &b->board.remote[i], i);
	}
	check_claims(b);
	if (!b->errors)
		check_layouts(b);
}

/* ---- files, which a layout does not need ---- */

static void check_program(struct board_build *b, const char *file, const char *path)
{
	struct stat st;

	if (stat(file, &st))
		board_error(b, path, "cannot read %s: %s; right is the path of a program", file,
			    strerror(errno));
	else if (!S_ISREG(st.st_mode))
		board_error(b, path, "%s is no file; right is the path of a program", file);
	else if (access(file, X_OK))
		board_error(b, path, "cannot run %s: %s; right is the path of a program", file,
			    strerror(errno));
}

static void check_readable(struct board_build *b, const char *file, const char *path)
{
	struct stat st;

	if (stat(file, &st) || access(file, R_OK))
		board_error(b, path, "cannot read %s: %s; right is the path of a file", file,
			    strerror(errno));
	else if (S_ISDIR(st.st_mode) || (S_ISREG(st.st_mode) && !st.st_size))
		board_error(b, path, "%s is %s; right is a file with bytes in it", file,
			    S_ISDIR(st.st_mode) ? "a directory" : "empty");
}

static void check_is_folder(struct board_build *b, const char *folder, const char *path)
{
	struct stat st;

	if (folder && stat(folder, &st))
		board_error(b, path, "%s: %s; right is a folder that exists", folder,
			    strerror(errno));
	else if (folder && !S_ISDIR(st.st_mode))
		board_error(b, path, "%s is no folder; right is one that exists", folder);
}

/* A file that will be made needs a folder to be in. */
static void check_folder(struct board_build *b, const char *file, const char *path)
{
	const char *slash = file ? strrchr(file, '/') : NULL;
	struct stat st;
	char *folder;

	if (!slash || slash == file)
		return;
	folder = strndup(file, (size_t)(slash - file));
	if (folder && stat(folder, &st))
		board_error(b, path, "there is no folder %s for %s: %s; right is one that exists",
			    folder, slash + 1, strerror(errno));
	else if (folder && !S_ISDIR(st.st_mode))
		board_error(b, path, "%s is no folder; right is one that exists", folder);
	free(folder);
}

static void check_device_files(struct board_build *b, const struct cw_board_device *d,
			       const char *path)
{
	char sub[PATH_LEN];

	snprintf(sub, sizeof(sub), "%.100s.backend", path);
	if ((d->id == CW_ID_RNG || d->id == CW_ID_BLK) && d->path)
		check_readable(b, d->path, sub);
	if (d->id == CW_ID_NET || d->id == CW_ID_VSOCK)
		check_folder(b, d->path, sub);
	if (d->id == CW_ID_9P)
		check_is_folder(b, d->path, sub);
	if (d->id == CW_ID_RPMSG) {
		snprintf(sub, sizeof(sub), "%.100s.files.directory", path);
		check_is_folder(b, d->path, sub);
	}
	for (unsigned int i = 0; d->id == CW_ID_CONSOLE && i < d->ports; i++) {
		if (d->ports > 1)
			snprintf(sub, sizeof(sub), "%.90s.ports[%u].backend", path, i);
		check_folder(b, d->port[i].path, sub);
	}
}

int cw_board_check_files(const struct cw_board *board, FILE *err)
{
	/* Every board is in a board_build, and where complaints go is no part of the board. */
	struct board_build *b = (struct board_build *)(uintptr_t)board;
	char path[PATH_LEN];

	b->err = err;
	b->errors = 0;
	for (unsigned int i = 0; i < board->remotes; i++) {
		const struct cw_board_remote *r = &board->remote[i];

		snprintf(path, sizeof(path), "remotes[%u].carrier.%s", i,
			 r->carrier == CW_CARRIER_QEMU ? "qemu" : "process");
		if (r->firmware && r->carrier == CW_CARRIER_QEMU)
			check_readable(b, r->firmware, path);
		else if (r->firmware && r->carrier == CW_CARRIER_PROCESS)
			check_program(b, r->firmware, path);
		snprintf(path, sizeof(path), "remotes[%u].coredump.directory", i);
		check_is_folder(b, r->core_directory, path);
		snprintf(path, sizeof(path), "remotes[%u].memory.file", i);
		if (r->memory == CW_MEMORY_FILE)
			check_folder(b, r->memory_path, path);
		snprintf(path, sizeof(path), "remotes[%u].doorbell.socket", i);
		if (r->doorbell == CW_DOORBELL_SOCKET)
			check_folder(b, r->doorbell_path, path);
		for (unsigned int k = 0; k < r->layout.devices; k++) {
			snprintf(path, sizeof(path), "remotes[%u].devices[%u]", i, k);
			check_device_files(b, &r->device[k], path);
		}
	}
	return b->errors ? -1 : 0;
}
