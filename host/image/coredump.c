// SPDX-License-Identifier: BSD-3-Clause
/*
 * Theory of operation: the memory is a sparse file, and the core file becomes one: only what was ever
 * written is copied, at the same distances. So a remote with gigabytes of RAM leaves a file of what it
 * used. gdb wants a register set before it looks at memory; there is none to be had from a processor
 * that is gone, so that note is all zeroes.
 */
#include <causeway/host/coredump.h>

#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define RANGES_MAX 8u
#define PAGE	   4096u

struct file {
	uint8_t head[PAGE]; /* headers and note: less than this with RANGES_MAX */
	size_t used;
	uint64_t start[RANGES_MAX]; /* of each range in the file */
};

static void put(struct file *f, const void *bytes, size_t n)
{
	memcpy(f->head + f->used, bytes, n);
	f->used += n;
}

static void put_header(struct file *f, const struct cw_core *c)
{
	if (c->is64) {
		Elf64_Ehdr h = { .e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB,
					      EV_CURRENT },
				 .e_type = ET_CORE,
				 .e_machine = c->machine,
				 .e_version = EV_CURRENT,
				 .e_phoff = sizeof(h),
				 .e_ehsize = sizeof(h),
				 .e_phentsize = sizeof(Elf64_Phdr),
				 .e_phnum = (uint16_t)(1 + c->ranges) };

		put(f, &h, sizeof(h));
	} else {
		Elf32_Ehdr h = { .e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS32, ELFDATA2LSB,
					      EV_CURRENT },
				 .e_type = ET_CORE,
				 .e_machine = c->machine,
				 .e_version = EV_CURRENT,
				 .e_phoff = sizeof(h),
				 .e_ehsize = sizeof(h),
				 .e_phentsize = sizeof(Elf32_Phdr),
				 .e_phnum = (uint16_t)(1 + c->ranges) };

		put(f, &h, sizeof(h));
	}
}

static void put_segment(struct file *f, const struct cw_core *c, uint32_t type, uint64_t address,
			uint64_t offset, uint64_t size, uint64_t in_memory)
{
	uint32_t flags = type == PT_LOAD ? PF_R | PF_W | PF_X : 0;

	if (c->is64) {
		Elf64_Phdr p = { .p_type = type,
				 .p_flags = flags,
				 .p_offset = offset,
				 .p_vaddr = address,
				 .p_paddr = address,
				 .p_filesz = size,
				 .p_memsz = in_memory };

		put(f, &p, sizeof(p));
	} else {
		Elf32_Phdr p = { .p_type = type,
				 .p_flags = flags,
				 .p_offset = (Elf32_Off)offset,
				 .p_vaddr = (Elf32_Addr)address,
				 .p_paddr = (Elf32_Addr)address,
				 .p_filesz = (Elf32_Word)size,
				 .p_memsz = (Elf32_Word)in_memory };

		put(f, &p, sizeof(p));
	}
}

/* Bytes of the register set as gdb expects it for each processor. */
static uint32_t status_size(const struct cw_core *c)
{
	return c->machine == EM_X86_64 ? 336 : c->is64 ? 392 : 148;
}

/* Bytes of the note: header, the name CORE in eight, the register set. */
static size_t note_size(const struct cw_core *c)
{
	return 12 + 8 + status_size(c);
}

static void make_head(struct file *f, const struct cw_core *c)
{
	const uint32_t note[3] = { 5, status_size(c), NT_PRSTATUS };
	uint64_t next = PAGE;
	size_t headers = c->is64 ? sizeof(Elf64_Ehdr) + (1 + c->ranges) * sizeof(Elf64_Phdr)
				 : sizeof(Elf32_Ehdr) + (1 + c->ranges) * sizeof(Elf32_Phdr);

	memset(f, 0, sizeof(*f));
	put_header(f, c);
	put_segment(f, c, PT_NOTE, 0, headers, note_size(c), 0);
	for (unsigned int i = 0; i < c->ranges; i++) {
		const struct cw_core_range *r = &c->range[i];

		f->start[i] = next;
		put_segment(f, c, PT_LOAD, r->base, next, r->size, r->size);
		next += (r->size + PAGE - 1) / PAGE * PAGE;
	}
	put(f, note, sizeof(note));
	put(f, "CORE\0\0\0", 8);
	f->used += note[1];
}

/* The next piece of @r that was ever written, from @at on; 0: no more. */
static uint64_t next_piece(const struct cw_core_range *r, uint64_t *at)
{
	off_t begin = lseek(r->fd, (off_t)(r->offset + *at), SEEK_DATA), end;

	if (begin < 0 || (uint64_t)begin >= r->offset + r->size)
		return 0;
	end = lseek(r->fd, begin, SEEK_HOLE);
	if (end < 0 || (uint64_t)end > r->offset + r->size)
		end = (off_t)(r->offset + r->size);
	*at = (uint64_t)begin - r->offset;
	return (uint64_t)(end - begin);
}

static uint64_t bytes_needed(const struct cw_core *c)
{
	uint64_t sum = PAGE;

	for (unsigned int i = 0; i < c->ranges; i++)
		for (uint64_t at = 0, n; (n = next_piece(&c->range[i], &at)); at += n)
			sum += n;
	return sum;
}

static int copy_piece(int fd, uint64_t to, const struct cw_core_range *r, uint64_t at, uint64_t n)
{
	static uint8_t buf[1 << 16];

	while (n) {
		ssize_t got = pread(r->fd, buf, n < sizeof(buf) ? n : sizeof(buf),
				    (off_t)(r->offset + at));

		if (got <= 0 || pwrite(fd, buf, (size_t)got, (off_t)to) != got)
			return -1;
		at += (uint64_t)got;
		to += (uint64_t)got;
		n -= (uint64_t)got;
	}
	return 0;
}

static int fill(int fd, const struct cw_core *c)
{
	const struct cw_core_range *last = &c->range[c->ranges - 1];
	struct file f;

	make_head(&f, c);
	if (pwrite(fd, f.head, sizeof(f.head), 0) != (ssize_t)sizeof(f.head))
		return -1;
	for (unsigned int i = 0; i < c->ranges; i++)
		for (uint64_t at = 0, n; (n = next_piece(&c->range[i], &at)); at += n)
			if (copy_piece(fd, f.start[i] + at, &c->range[i], at, n))
				return -1;
	return ftruncate(fd, (off_t)(f.start[c->ranges - 1] + last->size));
}

/* REMOTE-DATE-TIME-N.core; @remote-extra-... is another remote's. */
static bool is_ours(const char *name, const char *remote)
{
	size_t n = strlen(remote), len = strlen(name);

	return len == n + 1 + 15 + 1 + 1 + 5 && !strncmp(name, remote, n) && name[n] == '-' &&
	       strspn(name + n + 1, "0123456789-") == 17 && !strcmp(name + len - 5, ".core");
}

struct found {
	uint64_t bytes; /* on disk, of all that are ours */
	char oldest
		[256]; /* names begin alike and go on with the date, so the least is the oldest */
};

static int look(const struct cw_core *c, struct found *f)
{
	DIR *d = opendir(c->directory);
	struct dirent *e;
	struct stat st;

	memset(f, 0, sizeof(*f));
	if (!d)
		return -1;
	while ((e = readdir(d))) {
		if (!is_ours(e->d_name, c->remote) ||
		    fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) || !S_ISREG(st.st_mode))
			continue;
		f->bytes += (uint64_t)st.st_blocks * 512u;
		if (!*f->oldest || strcmp(e->d_name, f->oldest) < 0)
			snprintf(f->oldest, sizeof(f->oldest), "%s", e->d_name);
	}
	closedir(d);
	return 0;
}

static int make_room(const struct cw_core *c, uint64_t need, FILE *err)
{
	char path[512];
	struct found f;

	for (;;) {
		if (look(c, &f)) {
			fprintf(err, "causeway: remote %s: no core file: %s: %s\n", c->remote,
				c->directory, strerror(errno));
			return -1;
		}
		if (need <= c->limit && f.bytes <= c->limit - need)
			return 0;
		snprintf(path, sizeof(path), "%s/%s", c->directory, f.oldest);
		if (need > c->limit || !*f.oldest || unlink(path)) {
			fprintf(err,
				"causeway: remote %s: no core file: it needs %llu KB and the limit is "
				"%llu KB\n",
				c->remote, (unsigned long long)(need / 1024),
				(unsigned long long)(c->limit / 1024));
			return -1;
		}
	}
}

static int create(const struct cw_core *c, char path[512])
{
	time_t now = time(NULL);
	struct tm t;
	char date[24];

	localtime_r(&now, &t);
	strftime(date, sizeof(date), "%Y%m%d-%H%M%S", &t);
	for (int i = 0; i < 10; i++) {
		int fd;

		snprintf(path, 512, "%s/%s-%s-%d.core", c->directory, c->remote, date, i);
		fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (fd >= 0 || errno != EEXIST)
			return fd;
	}
	return -1;
}

int cw_core_write(const struct cw_core *c, char path[512], FILE *err)
{
	int fd, why = 0;

	if (!c->ranges || c->ranges > RANGES_MAX || make_room(c, bytes_needed(c), err))
		return -1;
	fd = create(c, path);
	if (fd < 0 || fill(fd, c))
		why = errno ? errno : EIO;
	if (fd >= 0)
		close(fd);
	if (!why)
		return 0;
	if (fd >= 0)
		unlink(path);
	fprintf(err, "causeway: remote %s: no core file: %s: %s\n", c->remote, path, strerror(why));
	return -1;
}
