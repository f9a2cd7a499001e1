/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reading an ELF program out of bytes that nobody vouches for. Nothing is written anywhere; whoever
 * opened a file without a fault may load its segments without another check of the file itself.
 * Which addresses they may have is the loader's to say.
 */
#ifndef CAUSEWAY_CORE_ELF_H
#define CAUSEWAY_CORE_ELF_H

#include <causeway/abi/types.h>

#ifndef __cplusplus
#include <stdbool.h>
#endif

#define CW_ELF_SEGMENTS_MAX 64u

enum cw_elf_fault {
	CW_ELF_FINE = 0,
	CW_ELF_NO_ELF, /* shorter than a header, or another kind of file */
	CW_ELF_KIND,   /* big-endian, of an unknown version, or not a program linked to addresses */
	CW_ELF_MACHINE,	  /* for another processor, or of the other class (32 or 64 bits) */
	CW_ELF_TABLE,	  /* program headers of a wrong size, too many, or outside the file */
	CW_ELF_TRUNCATED, /* a segment's bytes lie outside the file */
	CW_ELF_SIZE,	  /* a segment has more bytes in the file than in memory */
	CW_ELF_WRAP,	  /* a segment goes beyond the end of the address space */
	CW_ELF_OVERLAP,	  /* two segments share an address */
	CW_ELF_EMPTY,	  /* nothing to load */
	CW_ELF_ENTRY,	  /* the entry address lies in no segment that may be executed */
	CW_ELF_SECTION,	  /* section headers wrong, or a section outside the file */
};

struct cw_elf_segment {
	uint64_t address;     /* physical: where it is loaded */
	uint64_t offset;      /* of its bytes in the file */
	uint64_t file_size;   /* bytes in the file; the rest up to memory_size is zero */
	uint64_t memory_size; /* not 0 */
	uint32_t flags;	      /* 1 execute, 2 write, 4 read */
};

struct cw_elf {
	const uint8_t *bytes;
	uint64_t size;
	uint64_t entry;
	uint16_t machine;
	bool is64;
	unsigned int segments;
	struct cw_elf_segment segment[CW_ELF_SEGMENTS_MAX]; /* in the file's order */
};

/**
 * cw_elf_open - read and check a whole file
 * @bytes, @size: the file; kept, so it must stay and not change
 * @machine: the e_machine that is wanted; @is64: the class that is wanted
 * @segment: set to the segment that a fault is about, or -1; may be NULL
 *
 * Any context.
 */
enum cw_elf_fault cw_elf_open(struct cw_elf *e, const void *bytes, uint64_t size, uint16_t machine,
			      bool is64, int *segment);

/**
 * cw_elf_section - find a section by name
 * @offset, @length: set to its place in the file; @address: to the one it is loaded at
 *
 * Any context. Returns CW_ELF_FINE with @length 0 when there is none of that name, or
 * CW_ELF_SECTION. Sections without bytes in the file count as none.
 */
enum cw_elf_fault cw_elf_section(const struct cw_elf *e, const char *name, uint64_t *offset,
				 uint64_t *length, uint64_t *address);

/** cw_elf_fault_text - one line for a fault: what is wrong, without names and numbers */
const char *cw_elf_fault_text(enum cw_elf_fault f);

#endif
