// SPDX-License-Identifier: BSD-3-Clause
/*
 * Theory of operation: the file is read once into private memory, so what was checked is what is
 * loaded, whoever replaces or truncates the file meanwhile. Every check comes before the first byte
 * is written: a remote either gets a whole program or is left as it was.
 */
#include <causeway/host/fileio.h>
#include <causeway/host/image.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX_BYTES (256u << 20)
#define LL(x)	       ((unsigned long long)(x))

/* The bytes of the file, or NULL with errno set. */
static void *read_file(const char *path, size_t *size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), why;
	void *bytes = NULL;
	struct stat st;

	if (fd < 0)
		return NULL;
	if (fstat(fd, &st)) {
		why = errno;
	} else if (!S_ISREG(st.st_mode)) {
		why = EISDIR;
	} else if (st.st_size > (off_t)FILE_MAX_BYTES) {
		why = EFBIG;
	} else {
		*size = (size_t)st.st_size;
		bytes = malloc(*size + 1);
		why = bytes && cw_read_at(fd, bytes, *size, 0) ? 0 : errno;
	}
	close(fd);
	if (why) {
		free(bytes);
		bytes = NULL;
	}
	errno = why;
	return bytes;
}

static const char *machine_text(uint16_t machine)
{
	return machine == 40 ? "Arm, 32 bits" : machine == 183 ? "Arm, 64 bits" : "another one";
}

static void complain(const struct cw_image *i, enum cw_elf_fault f, int segment, FILE *err)
{
	fprintf(err, "causeway: remote %s: firmware %s", i->remote, i->path);
	if (segment >= 0)
		fprintf(err, ": segment %d", segment);
	fprintf(err, " %s", cw_elf_fault_text(f));
	if (f == CW_ELF_MACHINE)
		fprintf(err, "; this remote needs %s", machine_text(i->elf.machine));
	if (f == CW_ELF_ENTRY)
		fprintf(err, ": 0x%llx", LL(i->elf.entry));
	fputc('\n', err);
}

int cw_image_open(struct cw_image *i, const char *remote, const char *path, uint16_t machine,
		  bool is64, FILE *err)
{
	enum cw_elf_fault f;
	size_t size = 0;
	int segment;

	memset(i, 0, sizeof(*i));
	i->remote = remote;
	i->path = path;
	i->bytes = read_file(path, &size);
	if (!i->bytes) {
		fprintf(err, "causeway: remote %s: cannot read firmware %s: %s\n", remote, path,
			strerror(errno));
		return -1;
	}
	f = cw_elf_open(&i->elf, i->bytes, size, machine, is64, &segment);
	if (!f)
		return 0;
	complain(i, f, segment, err);
	cw_image_close(i);
	return -1;
}

bool cw_image_within(uint64_t base, uint64_t size, const struct cw_image_range *r)
{
	return base >= r->base && base - r->base <= r->size && size <= r->size - (base - r->base);
}

bool cw_image_overlaps(uint64_t base, uint64_t size, const struct cw_image_range *r)
{
	return base < r->base ? r->base - base < size : base - r->base < r->size;
}

int cw_image_check(const struct cw_image *i, const struct cw_image_range *ram,
		   const struct cw_image_range *taken, unsigned int n, FILE *err)
{
	for (unsigned int k = 0; k < i->elf.segments; k++) {
		const struct cw_elf_segment *s = &i->elf.segment[k];
		const struct cw_image_range *bad =
			cw_image_within(s->address, s->memory_size, ram) ? NULL : ram;

		for (unsigned int t = 0; !bad && t < n; t++)
			bad = cw_image_overlaps(s->address, s->memory_size, &taken[t]) ? &taken[t]
										       : NULL;
		if (!bad)
			continue;
		fprintf(err,
			"causeway: remote %s: firmware %s: segment %u, 0x%llx-0x%llx, %s %s, "
			"0x%llx-0x%llx\n",
			i->remote, i->path, k, LL(s->address), LL(s->address + s->memory_size - 1),
			bad == ram ? "is not within" : "overlaps", bad->what, LL(bad->base),
			LL(bad->base + bad->size - 1));
		return -1;
	}
	return 0;
}

static int write_zeroes(int fd, uint64_t size, uint64_t at)
{
	uint8_t zeroes[1024] = { 0 };

	while (size) {
		uint64_t n = size < sizeof(zeroes) ? size : sizeof(zeroes);

		if (!cw_write_at(fd, zeroes, n, at))
			return -1;
		at += n;
		size -= n;
	}
	return 0;
}

int cw_image_load(const struct cw_image *i, int fd, uint64_t base, FILE *err)
{
	for (unsigned int k = 0; k < i->elf.segments; k++) {
		const struct cw_elf_segment *s = &i->elf.segment[k];
		uint64_t at = s->address - base;

		if (cw_write_at(fd, i->elf.bytes + s->offset, s->file_size, at) &&
		    !write_zeroes(fd, s->memory_size - s->file_size, at + s->file_size))
			continue;
		fprintf(err, "causeway: remote %s: cannot write segment %u of firmware %s: %s\n",
			i->remote, k, i->path, strerror(errno));
		return -1;
	}
	return 0;
}

void cw_image_close(struct cw_image *i)
{
	free(i->bytes);
	i->bytes = NULL;
}
