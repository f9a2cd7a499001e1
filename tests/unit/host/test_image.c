// SPDX-License-Identifier: BSD-3-Clause
/*
 * Loading firmware: everything is checked before anything is written, and what is said names the
 * segment and the addresses that would be right.
 */
#include "../core/unit.h"

#include <causeway/host/image.h>

#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define RAM_BASE 0x38000000u
#define RAM_SIZE 0x100000u

static const struct cw_image_range ram = { "its RAM", RAM_BASE, RAM_SIZE };
static const struct cw_image_range region = { "the region", RAM_BASE + 0x80000, 0x10000 };

struct program {
	Elf32_Ehdr h;
	Elf32_Phdr p[2];
	uint8_t bytes[16];
};

static struct program good(void)
{
	struct program e = {
		.h = { .e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS32, ELFDATA2LSB, EV_CURRENT },
		       .e_type = ET_EXEC,
		       .e_machine = EM_ARM,
		       .e_entry = RAM_BASE,
		       .e_phoff = offsetof(struct program, p),
		       .e_phentsize = sizeof(Elf32_Phdr),
		       .e_phnum = 2 },
		.bytes = "0123456789abcdef",
	};

	for (unsigned int i = 0; i < 2; i++)
		e.p[i] = (Elf32_Phdr){ .p_type = PT_LOAD,
				       .p_offset = offsetof(struct program, bytes) + 8 * i,
				       .p_paddr = RAM_BASE + 0x1000 * i,
				       .p_filesz = 8,
				       .p_memsz = 0x20,
				       .p_flags = i ? PF_R | PF_W : PF_R | PF_X };
	return e;
}

/* Opens and checks it; what was said is in @said. */
static int check(const struct program *e, size_t size, struct cw_image *i, char said[512])
{
	char path[] = "/tmp/image.XXXXXX";
	FILE *err = fmemopen(said, 512, "w");
	int fd = mkstemp(path), r;

	assert_int_equal(write(fd, e, size), size);
	close(fd);
	r = cw_image_open(i, "r5", path, EM_ARM, false, err);
	if (!r && (r = cw_image_check(i, &ram, &region, 1, err)))
		cw_image_close(i);
	i->path = "gone"; /* the array above is */
	unlink(path);
	fclose(err);
	return r;
}

static void loads_segments(void **state)
{
	struct program e = good();
	int fd = memfd_create("ram", 0);
	struct cw_image i;
	char said[512] = "", got[0x30];

	(void)state;
	assert_int_equal(ftruncate(fd, RAM_SIZE), 0);
	assert_int_equal(check(&e, sizeof(e), &i, said), 0);
	memset(got, 'x', sizeof(got));
	assert_int_equal(pwrite(fd, got, sizeof(got), 0), sizeof(got));
	assert_int_equal(cw_image_load(&i, fd, RAM_BASE, stderr), 0);
	assert_int_equal(pread(fd, got, sizeof(got), 0), sizeof(got));
	assert_memory_equal(got, "01234567", 8);
	for (int n = 8; n < 0x20; n++)
		assert_int_equal(got[n], 0); /* up to its size in memory */
	assert_int_equal(got[0x20], 'x');    /* and not beyond */
	assert_int_equal(pread(fd, got, 8, 0x1000), 8);
	assert_memory_equal(got, "89abcdef", 8);
	assert_string_equal(said, "");
	cw_image_close(&i);
	close(fd);
}

static void expect(const struct program *e, size_t size, const char *words)
{
	char said[512] = "";
	struct cw_image i;

	assert_int_equal(check(e, size, &i, said), -1);
	if (!strstr(said, words))
		fail_msg("'%s' does not say '%s'", said, words);
	assert_non_null(strstr(said, "remote r5: firmware /tmp/image."));
	assert_ptr_equal(strchr(said, '\n'), said + strlen(said) - 1); /* one line */
}

static void says_what_is_wrong(void **state)
{
	struct program e = good();

	(void)state;
	e.p[1].p_paddr = RAM_BASE + RAM_SIZE - 0x1f;
	expect(&e, sizeof(e),
	       "segment 1, 0x380fffe1-0x38100000, is not within its RAM, 0x38000000-0x380fffff");
	e = good();
	e.p[1].p_paddr = RAM_BASE - 0x10;
	e.p[1].p_memsz = 0x10;
	expect(&e, sizeof(e), "segment 1, 0x37fffff0-0x37ffffff, is not within its RAM");
	e = good();
	e.p[1].p_paddr = (Elf32_Addr)region.base - 0x1f;
	expect(&e, sizeof(e),
	       "segment 1, 0x3807ffe1-0x38080000, overlaps the region, 0x38080000-0x3808ffff");
	e.p[1].p_paddr = (Elf32_Addr)(region.base + region.size - 1);
	expect(&e, sizeof(e), "overlaps the region");
	e = good();
	e.h.e_machine = EM_X86_64;
	expect(&e, sizeof(e), "is built for another processor; this remote needs Arm, 32 bits");
	e = good();
	e.h.e_entry = RAM_BASE + 0x20;
	expect(&e, sizeof(e), "no executable segment: 0x38000020");
	e = good();
	expect(&e, sizeof(e) - 1, "segment 1 lies outside the file");
	expect(&e, 20, "is no ELF file");
	expect(&e, 0, "is no ELF file");
}

/* Right beside the region, and up to the last byte of RAM. */
static void fits_exactly(void **state)
{
	const uint32_t at[] = { (uint32_t)region.base - 0x20, (uint32_t)(region.base + region.size),
				RAM_BASE + RAM_SIZE - 0x20 };
	char said[512] = "";

	(void)state;
	for (unsigned int k = 0; k < 3; k++) {
		struct program e = good();
		struct cw_image i;

		e.p[1].p_paddr = at[k];
		assert_int_equal(check(&e, sizeof(e), &i, said), 0);
		cw_image_close(&i);
	}
}

static void no_file(void **state)
{
	char said[512] = "";
	FILE *err = fmemopen(said, sizeof(said), "w");
	struct cw_image i;

	(void)state;
	assert_int_equal(cw_image_open(&i, "r", "/nowhere", EM_ARM, false, err), -1);
	fflush(err);
	assert_non_null(strstr(said, "cannot read firmware /nowhere: No such file"));
	assert_int_equal(cw_image_open(&i, "r", "/", EM_ARM, false, err), -1);
	fclose(err);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(loads_segments),
		cmocka_unit_test(says_what_is_wrong),
		cmocka_unit_test(fits_exactly),
		cmocka_unit_test(no_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
