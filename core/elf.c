// SPDX-License-Identifier: BSD-3-Clause
/*
 * Theory of operation: fields are read byte by byte through get(), at offsets that differ between
 * the two classes; every read is below a bound that was checked before. Sums are never formed where
 * they could wrap: a range is inside another when its length is at most what is left behind its
 * start. All of the file that loading needs is checked at once and kept in a private table.
 */
#include <causeway/core/elf.h>

#define CLASS64	       2u
#define LITTLE	       1u
#define TYPE_EXEC      2u
#define LOAD	       1u
#define FLAG_EXECUTE   1u
#define NOBITS	       8u
#define SECTIONS_MAX   4096u
#define NAME_MAX_BYTES 64u

/* Offsets of the fields that differ between ELF32 and ELF64. */
struct shape {
	uint8_t header, entry, phoff, shoff, phentsize, phnum, shentsize, shnum, shstrndx;
	uint8_t word; /* bytes of an address */
	uint8_t ph, p_offset, p_paddr, p_filesz, p_memsz, p_flags;
	uint8_t sh, sh_addr, sh_offset, sh_size;
};

static const struct shape shapes[2] = {
	{ 52, 24, 28, 32, 42, 44, 46, 48, 50, 4, 32, 4, 12, 16, 20, 24, 40, 12, 16, 20 },
	{ 64, 24, 32, 40, 54, 56, 58, 60, 62, 8, 56, 8, 24, 32, 40, 4, 64, 16, 24, 32 },
};

static uint64_t get(const uint8_t *at, unsigned int bytes)
{
	uint64_t v = 0;

	while (bytes--)
		v = v << 8 | at[bytes];
	return v;
}

static bool inside(uint64_t start, uint64_t length, uint64_t size)
{
	return start <= size && length <= size - start;
}

static enum cw_elf_fault check_header(const uint8_t *b, uint64_t size, uint16_t machine, bool is64)
{
	static const uint8_t magic[4] = { 0x7f, 'E', 'L', 'F' };

	if (size < shapes[0].header)
		return CW_ELF_NO_ELF;
	for (unsigned int i = 0; i < 4; i++)
		if (b[i] != magic[i])
			return CW_ELF_NO_ELF;
	if (b[5] != LITTLE || b[6] != 1)
		return CW_ELF_KIND;
	if ((b[4] == CLASS64) != is64 || get(b + 18, 2) != machine)
		return CW_ELF_MACHINE;
	if (size < shapes[is64].header)
		return CW_ELF_NO_ELF;
	return get(b + 16, 2) == TYPE_EXEC ? CW_ELF_FINE : CW_ELF_KIND;
}

static enum cw_elf_fault check_segment(const struct cw_elf *e, const struct cw_elf_segment *s)
{
	uint64_t top = e->is64 ? UINT64_MAX : UINT32_MAX;

	if (!inside(s->offset, s->file_size, e->size))
		return CW_ELF_TRUNCATED;
	if (s->file_size > s->memory_size)
		return CW_ELF_SIZE;
	if (s->memory_size - 1 > top - s->address)
		return CW_ELF_WRAP;
	for (unsigned int i = 0; i < e->segments; i++) {
		const struct cw_elf_segment *o = &e->segment[i];

		if (s->address < o->address ? o->address - s->address < s->memory_size
					    : s->address - o->address < o->memory_size)
			return CW_ELF_OVERLAP;
	}
	return CW_ELF_FINE;
}

static struct cw_elf_segment read_segment(const uint8_t *p, const struct shape *k)
{
	return (struct cw_elf_segment){
		.address = get(p + k->p_paddr, k->word),
		.offset = get(p + k->p_offset, k->word),
		.file_size = get(p + k->p_filesz, k->word),
		.memory_size = get(p + k->p_memsz, k->word),
		.flags = (uint32_t)get(p + k->p_flags, 4),
	};
}

static enum cw_elf_fault read_segments(struct cw_elf *e, const struct shape *k, int *segment)
{
	uint64_t table = get(e->bytes + k->phoff, k->word);
	unsigned int n = (unsigned int)get(e->bytes + k->phnum, 2);

	if (get(e->bytes + k->phentsize, 2) != k->ph || n > CW_ELF_SEGMENTS_MAX ||
	    !inside(table, (uint64_t)n * k->ph, e->size))
		return CW_ELF_TABLE;
	for (unsigned int i = 0; i < n; i++) {
		const uint8_t *p = e->bytes + table + (uint64_t)i * k->ph;
		struct cw_elf_segment s = read_segment(p, k);
		enum cw_elf_fault f;

		if (get(p, 4) != LOAD || (!s.memory_size && !s.file_size))
			continue;
		f = check_segment(e, &s);
		if (f) {
			*segment = (int)e->segments;
			return f;
		}
		e->segment[e->segments++] = s;
	}
	return e->segments ? CW_ELF_FINE : CW_ELF_EMPTY;
}

static enum cw_elf_fault check_entry(const struct cw_elf *e)
{
	for (unsigned int i = 0; i < e->segments; i++) {
		const struct cw_elf_segment *s = &e->segment[i];

		if (s->flags & FLAG_EXECUTE && e->entry >= s->address &&
		    e->entry - s->address < s->memory_size)
			return CW_ELF_FINE;
	}
	return CW_ELF_ENTRY;
}

enum cw_elf_fault cw_elf_open(struct cw_elf *e, const void *bytes, uint64_t size, uint16_t machine,
			      bool is64, int *segment)
{
	const struct shape *k = &shapes[is64];
	enum cw_elf_fault f;
	int none;

	segment = segment ? segment : &none;
	*segment = -1;
	e->bytes = bytes;
	e->size = size;
	e->machine = machine;
	e->is64 = is64;
	e->entry = 0;
	e->segments = 0;
	f = check_header(e->bytes, size, machine, is64);
	if (f)
		return f;
	e->entry = get(e->bytes + k->entry, k->word);
	f = read_segments(e, k, segment);
	return f ? f : check_entry(e);
}

/* Whether the string at @at, which ends at @end at the latest, is @name. */
static bool is_name(const uint8_t *at, const uint8_t *end, const char *name)
{
	for (unsigned int i = 0; i < NAME_MAX_BYTES && at < end; i++, at++) {
		if (*at != (uint8_t)name[i])
			return false;
		if (!*at)
			return true;
	}
	return false;
}

struct sections {
	const uint8_t *table, *names;
	uint64_t names_size;
	unsigned int n;
};

static enum cw_elf_fault open_sections(const struct cw_elf *e, const struct shape *k,
				       struct sections *s)
{
	uint64_t table = get(e->bytes + k->shoff, k->word), names;
	unsigned int index = (unsigned int)get(e->bytes + k->shstrndx, 2);
	const uint8_t *p;

	s->n = (unsigned int)get(e->bytes + k->shnum, 2);
	if (!table || !s->n)
		return CW_ELF_FINE;
	if (get(e->bytes + k->shentsize, 2) != k->sh || s->n > SECTIONS_MAX || index >= s->n ||
	    !inside(table, (uint64_t)s->n * k->sh, e->size))
		return CW_ELF_SECTION;
	s->table = e->bytes + table;
	p = s->table + (uint64_t)index * k->sh;
	names = get(p + k->sh_offset, k->word);
	s->names_size = get(p + k->sh_size, k->word);
	if (!inside(names, s->names_size, e->size))
		return CW_ELF_SECTION;
	s->names = e->bytes + names;
	return CW_ELF_FINE;
}

enum cw_elf_fault cw_elf_section(const struct cw_elf *e, const char *name, uint64_t *offset,
				 uint64_t *length, uint64_t *address)
{
	const struct shape *k = &shapes[e->is64];
	struct sections s = { 0 };
	enum cw_elf_fault f = open_sections(e, k, &s);

	*offset = *length = *address = 0;
	if (f || !s.table)
		return f;
	for (unsigned int i = 0; i < s.n; i++) {
		const uint8_t *p = s.table + (uint64_t)i * k->sh;
		uint64_t at = get(p, 4);

		if (get(p + 4, 4) == NOBITS || at >= s.names_size ||
		    !is_name(s.names + at, s.names + s.names_size, name))
			continue;
		*offset = get(p + k->sh_offset, k->word);
		*length = get(p + k->sh_size, k->word);
		*address = get(p + k->sh_addr, k->word);
		return inside(*offset, *length, e->size) ? CW_ELF_FINE : CW_ELF_SECTION;
	}
	return CW_ELF_FINE;
}

const char *cw_elf_fault_text(enum cw_elf_fault f)
{
	static const char *const text[] = {
		[CW_ELF_FINE] = "fine",
		[CW_ELF_NO_ELF] = "is no ELF file",
		[CW_ELF_KIND] = "is no little-endian program that is linked to fixed addresses",
		[CW_ELF_MACHINE] = "is built for another processor",
		[CW_ELF_TABLE] = "has program headers that are wrong, too many or outside the file",
		[CW_ELF_TRUNCATED] = "lies outside the file, which may have been cut off",
		[CW_ELF_SIZE] = "has more bytes in the file than in memory",
		[CW_ELF_WRAP] = "goes beyond the end of the address space",
		[CW_ELF_OVERLAP] = "overlaps an earlier segment",
		[CW_ELF_EMPTY] = "has nothing to load",
		[CW_ELF_ENTRY] = "has an entry address that lies in no executable segment",
		[CW_ELF_SECTION] = "has section headers that are wrong or outside the file",
	};

	return (unsigned int)f < sizeof(text) / sizeof(text[0]) ? text[f] : "unknown";
}
