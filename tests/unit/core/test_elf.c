// SPDX-License-Identifier: BSD-3-Clause
/*
 * ELF files: what a good one says, and each way to be bad (hostile input, row 50). Files are made in
 * memory of exactly their size, so a look behind the end is a sanitizer's to see.
 */
#include "unit.h"

#include <causeway/core/elf.h>

#include <elf.h>
#include <stdio.h>
#include <stdlib.h>

#define ARM 40
#define A64 183

/* A file under construction: header, up to 8 program headers, then 64 bytes of program. */
struct file {
	uint8_t *bytes;
	size_t size;
	bool is64;
};

static void put(uint8_t *at, uint64_t v, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		at[i] = (uint8_t)(v >> 8 * i);
}

#define FIELD(f, kind, name, v)                                        \
	((f)->is64 ? put((f)->bytes + offsetof(Elf64_##kind, name), v, \
			 sizeof(((Elf64_##kind *)0)->name))            \
		   : put((f)->bytes + offsetof(Elf32_##kind, name), v, \
			 sizeof(((Elf32_##kind *)0)->name)))

static uint8_t *phdr(const struct file *f, unsigned int i)
{
	return f->bytes + (f->is64 ? sizeof(Elf64_Ehdr) + i * sizeof(Elf64_Phdr)
				   : sizeof(Elf32_Ehdr) + i * sizeof(Elf32_Phdr));
}

static void segment(const struct file *f, unsigned int i, uint64_t address, uint64_t offset,
		    uint64_t in_file, uint64_t in_memory, uint32_t flags)
{
	struct file p = { phdr(f, i), 0, f->is64 };

	FIELD(&p, Phdr, p_type, PT_LOAD);
	FIELD(&p, Phdr, p_flags, flags);
	FIELD(&p, Phdr, p_offset, offset);
	FIELD(&p, Phdr, p_vaddr, 0xdead0000); /* of no matter */
	FIELD(&p, Phdr, p_paddr, address);
	FIELD(&p, Phdr, p_filesz, in_file);
	FIELD(&p, Phdr, p_memsz, in_memory);
}

static struct file make(bool is64, unsigned int segments)
{
	struct file f = { NULL, 0, is64 };

	f.size = (size_t)(phdr(&f, segments) - f.bytes) + 64;
	f.bytes = calloc(1, f.size);
	memcpy(f.bytes, ELFMAG, SELFMAG);
	f.bytes[EI_CLASS] = is64 ? ELFCLASS64 : ELFCLASS32;
	f.bytes[EI_DATA] = ELFDATA2LSB;
	f.bytes[EI_VERSION] = EV_CURRENT;
	FIELD(&f, Ehdr, e_type, ET_EXEC);
	FIELD(&f, Ehdr, e_machine, is64 ? A64 : ARM);
	FIELD(&f, Ehdr, e_entry, 0x1004);
	FIELD(&f, Ehdr, e_phoff, is64 ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr));
	FIELD(&f, Ehdr, e_phentsize, is64 ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr));
	FIELD(&f, Ehdr, e_phnum, segments);
	for (unsigned int i = 0; i < segments; i++)
		segment(&f, i, 0x1000 * (i + 1), f.size - 64, 64, 0x100,
			i ? PF_R | PF_W : PF_R | PF_X);
	return f;
}

static enum cw_elf_fault open_it(struct cw_elf *e, const struct file *f, int *which)
{
	return cw_elf_open(e, f->bytes, f->size, f->is64 ? A64 : ARM, f->is64, which);
}

static void expect(struct file f, enum cw_elf_fault fault, int segment_wanted)
{
	struct cw_elf e;
	int which;

	assert_int_equal(open_it(&e, &f, &which), fault);
	assert_int_equal(which, segment_wanted);
	assert_true(strlen(cw_elf_fault_text(fault)) > 3);
	free(f.bytes);
}

static void good_files(void **state)
{
	(void)state;
	for (int is64 = 0; is64 < 2; is64++) {
		struct file f = make(is64, 3), p;
		struct cw_elf e;

		segment(&f, 1, 0x1100, f.size - 4, 4, 0x80, PF_R); /* right behind the first */
		p = (struct file){ phdr(&f, 2), 0, is64 };
		FIELD(&p, Phdr, p_type, PT_NOTE);
		assert_int_equal(open_it(&e, &f, NULL), CW_ELF_FINE);
		assert_int_equal(e.segments, 2);
		assert_int_equal(e.entry, 0x1004);
		assert_int_equal(e.segment[0].address, 0x1000);
		assert_int_equal(e.segment[0].file_size, 64);
		assert_int_equal(e.segment[0].memory_size, 0x100);
		assert_int_equal(e.segment[0].flags, PF_R | PF_X);
		assert_int_equal(e.segment[1].offset, f.size - 4);
		assert_int_equal(e.segment[1].flags, PF_R);
		free(f.bytes);
	}
}

static void other_files(void **state)
{
	struct cw_elf e;
	struct file f;

	(void)state;
	assert_int_equal(cw_elf_open(&e, "", 0, ARM, false, NULL), CW_ELF_NO_ELF);
	f = make(false, 1);
	f.bytes[0] = 0;
	expect(f, CW_ELF_NO_ELF, -1);
	f = make(false, 1);
	f.bytes[EI_DATA] = ELFDATA2MSB;
	expect(f, CW_ELF_KIND, -1);
	f = make(true, 1);
	f.bytes[EI_VERSION] = 2;
	expect(f, CW_ELF_KIND, -1);
	f = make(true, 1);
	FIELD(&f, Ehdr, e_type, ET_DYN);
	expect(f, CW_ELF_KIND, -1);
	f = make(true, 1);
	FIELD(&f, Ehdr, e_machine, EM_X86_64);
	expect(f, CW_ELF_MACHINE, -1);
	f = make(true, 1);
	f.bytes[EI_CLASS] = ELFCLASS32;
	expect(f, CW_ELF_MACHINE, -1);
}

static void bad_tables(void **state)
{
	(void)state;
	for (int is64 = 0; is64 < 2; is64++) {
		struct file f = make(is64, 2);

		FIELD(&f, Ehdr, e_phentsize, 31);
		expect(f, CW_ELF_TABLE, -1);
		f = make(is64, 2);
		FIELD(&f, Ehdr, e_phoff, f.size - 10);
		expect(f, CW_ELF_TABLE, -1);
		f = make(is64, 2);
		FIELD(&f, Ehdr, e_phoff, UINT64_MAX - 8);
		expect(f, CW_ELF_TABLE, -1);
		f = make(is64, 2);
		FIELD(&f, Ehdr, e_phnum, 0xffff);
		expect(f, CW_ELF_TABLE, -1);
		f = make(is64, 0);
		expect(f, CW_ELF_EMPTY, -1);
	}
}

static void bad_segments(void **state)
{
	(void)state;
	for (int is64 = 0; is64 < 2; is64++) {
		uint64_t top = is64 ? UINT64_MAX : UINT32_MAX;
		struct file f = make(is64, 3);

		segment(&f, 1, 0x2000, f.size - 63, 64, 64, PF_R);
		expect(f, CW_ELF_TRUNCATED, 1);
		f = make(is64, 3);
		segment(&f, 2, 0x3000, top, 2, 64, PF_R);
		expect(f, CW_ELF_TRUNCATED, 2);
		f = make(is64, 3);
		segment(&f, 1, 0x2000, f.size - 64, 64, 63, PF_R);
		expect(f, CW_ELF_SIZE, 1);
		f = make(is64, 3);
		segment(&f, 1, 0x2000, f.size - 64, 64, 0, PF_R);
		expect(f, CW_ELF_SIZE, 1);
		f = make(is64, 3);
		segment(&f, 1, top - 62, f.size - 64, 64, 64, PF_R);
		expect(f, CW_ELF_WRAP, 1);
		f = make(is64, 3);
		segment(&f, 1, 0x10ff, f.size - 64, 64, 64, PF_R);
		expect(f, CW_ELF_OVERLAP, 1);
		f = make(is64, 3);
		segment(&f, 2, 0xfff, f.size - 64, 2, 2, PF_R);
		expect(f, CW_ELF_OVERLAP, 2);
		f = make(is64, 3);
		segment(&f, 2, 0x1, f.size - 64, 2, top - 16, PF_R);
		expect(f, CW_ELF_OVERLAP, 2);
	}
}

/* The last byte of the address space belongs to it. */
static void last_byte(void **state)
{
	(void)state;
	for (int is64 = 0; is64 < 2; is64++) {
		struct file f = make(is64, 2);

		segment(&f, 1, (is64 ? UINT64_MAX : UINT32_MAX) - 63, f.size - 64, 64, 64, PF_R);
		expect(f, CW_ELF_FINE, -1);
	}
}

static void bad_entry(void **state)
{
	struct file f = make(true, 2);

	(void)state;
	FIELD(&f, Ehdr, e_entry, 0x1100); /* one behind */
	expect(f, CW_ELF_ENTRY, -1);
	f = make(true, 2);
	FIELD(&f, Ehdr, e_entry, 0xfff);
	expect(f, CW_ELF_ENTRY, -1);
	f = make(false, 2);
	FIELD(&f, Ehdr, e_entry, 0x2000); /* in data */
	expect(f, CW_ELF_ENTRY, -1);
}

/* Cut off anywhere, a file is never taken for a whole one, and never read behind its end. */
static void cut_off(void **state)
{
	(void)state;
	for (int is64 = 0; is64 < 2; is64++) {
		struct file f = make(is64, 2);
		struct cw_elf e;

		for (size_t n = 0; n < f.size; n++) {
			uint8_t *part = malloc(n ? n : 1);

			memcpy(part, f.bytes, n);
			assert_int_not_equal(cw_elf_open(&e, part, n, is64 ? A64 : ARM, is64, NULL),
					     CW_ELF_FINE);
			free(part);
		}
		free(f.bytes);
	}
}

/* Appends section headers (null, names, one called @name) and returns the file. */
static struct file with_section(bool is64, const char *name, uint64_t offset, uint64_t length)
{
	struct file f = make(is64, 1), s;
	size_t each = is64 ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr), at = f.size;

	f.bytes = realloc(f.bytes, f.size + 3 * each + 32);
	memset(f.bytes + f.size, 0, 3 * each + 32);
	f.size += 3 * each + 32;
	strcpy((char *)f.bytes + f.size - 31, name);
	FIELD(&f, Ehdr, e_shoff, at);
	FIELD(&f, Ehdr, e_shnum, 3);
	FIELD(&f, Ehdr, e_shentsize, each);
	FIELD(&f, Ehdr, e_shstrndx, 1);
	s = (struct file){ f.bytes + at + each, 0, is64 };
	FIELD(&s, Shdr, sh_type, SHT_STRTAB);
	FIELD(&s, Shdr, sh_offset, f.size - 32);
	FIELD(&s, Shdr, sh_size, 32);
	s.bytes += each;
	FIELD(&s, Shdr, sh_name, 1);
	FIELD(&s, Shdr, sh_type, SHT_PROGBITS);
	FIELD(&s, Shdr, sh_addr, 0x1000);
	FIELD(&s, Shdr, sh_offset, offset);
	FIELD(&s, Shdr, sh_size, length);
	return f;
}

static enum cw_elf_fault find(const struct file *f, const char *name, uint64_t *length)
{
	uint64_t offset, address;
	enum cw_elf_fault fault;
	struct cw_elf e;

	assert_int_equal(open_it(&e, f, NULL), CW_ELF_FINE);
	fault = cw_elf_section(&e, name, &offset, length, &address);
	if (!fault && *length) {
		assert_int_equal(address, 0x1000);
		assert_int_equal(offset, 16);
	}
	return fault;
}

static void sections(void **state)
{
	(void)state;
	for (int is64 = 0; is64 < 2; is64++) {
		struct file f = with_section(is64, ".resource_table", 16, 20), s;
		size_t each = is64 ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr);
		uint64_t n;

		assert_int_equal(find(&f, ".resource_table", &n), CW_ELF_FINE);
		assert_int_equal(n, 20);
		assert_int_equal(find(&f, ".resource_tabl", &n), CW_ELF_FINE);
		assert_int_equal(n, 0);
		assert_int_equal(find(&f, ".resource_table2", &n), CW_ELF_FINE);
		assert_int_equal(n, 0);
		s = (struct file){ f.bytes + f.size - 32 - each, 0, is64 };
		FIELD(&s, Shdr, sh_size, f.size - 15); /* behind the end by one */
		assert_int_equal(find(&f, ".resource_table", &n), CW_ELF_SECTION);
		FIELD(&s, Shdr, sh_name, 32); /* no name of its table's */
		assert_int_equal(find(&f, ".resource_table", &n), CW_ELF_FINE);
		assert_int_equal(n, 0);
		FIELD(&f, Ehdr, e_shstrndx, 3);
		assert_int_equal(find(&f, ".resource_table", &n), CW_ELF_SECTION);
		FIELD(&f, Ehdr, e_shoff, f.size - 8);
		assert_int_equal(find(&f, ".resource_table", &n), CW_ELF_SECTION);
		FIELD(&f, Ehdr, e_shoff, 0);
		assert_int_equal(find(&f, ".resource_table", &n), CW_ELF_FINE);
		assert_int_equal(n, 0);
		free(f.bytes);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_files), cmocka_unit_test(other_files),
		cmocka_unit_test(bad_tables), cmocka_unit_test(bad_segments),
		cmocka_unit_test(last_byte),  cmocka_unit_test(bad_entry),
		cmocka_unit_test(cut_off),    cmocka_unit_test(sections),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
