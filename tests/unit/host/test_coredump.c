// SPDX-License-Identifier: BSD-3-Clause
/* Core files: what is in them, and that they take no more room than they may. */
#include "../core/unit.h"

#include <causeway/host/coredump.h>

#include <dirent.h>
#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define SIZE 0x400000u

static char folder[64];
static struct cw_core_range range[2];
static struct cw_core core = { .directory = folder, .remote = "r5", .range = range, .ranges = 2 };

static int set_up(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/core.XXXXXX");
	assert_non_null(mkdtemp(folder));
	for (unsigned int i = 0; i < 2; i++) {
		int fd = memfd_create("memory", 0);

		assert_int_equal(ftruncate(fd, SIZE + 0x2000), 0);
		range[i] =
			(struct cw_core_range){ 0x38000000 - 0x1000000 * i, SIZE, fd, 0x2000 * i };
	}
	assert_int_equal(pwrite(range[0].fd, "ram", 3, 0x1234), 3);
	assert_int_equal(pwrite(range[1].fd, "region", 6, 0x2000 + 0x3ffff0), 6);
	assert_int_equal(pwrite(range[1].fd, "before", 6, 0x1000), 6);
	core.limit = 1u << 20;
	core.is64 = false;
	core.machine = EM_ARM;
	return 0;
}

static int files(bool remove_them)
{
	DIR *d = opendir(folder);
	struct dirent *e;
	int n = 0;

	while ((e = readdir(d))) {
		if (e->d_name[0] == '.')
			continue;
		n++;
		if (remove_them)
			unlinkat(dirfd(d), e->d_name, 0);
	}
	closedir(d);
	return n;
}

static int tear_down(void **state)
{
	(void)state;
	files(true);
	rmdir(folder);
	close(range[0].fd);
	close(range[1].fd);
	return 0;
}

static void holds_what_was_written(void **state)
{
	char path[512], got[8] = { 0 };
	Elf32_Phdr p[3];
	Elf32_Ehdr h;
	struct stat st;
	int fd;

	(void)state;
	assert_int_equal(cw_core_write(&core, path, stderr), 0);
	fd = open(path, O_RDONLY);
	assert_int_equal(read(fd, &h, sizeof(h)), sizeof(h));
	assert_int_equal(h.e_type, ET_CORE);
	assert_int_equal(h.e_machine, EM_ARM);
	assert_int_equal(h.e_phnum, 3);
	assert_int_equal(read(fd, p, sizeof(p)), sizeof(p));
	assert_int_equal(p[0].p_type, PT_NOTE);
	assert_int_equal(p[1].p_paddr, 0x38000000);
	assert_int_equal(p[2].p_paddr, 0x37000000);
	assert_int_equal(p[2].p_filesz, SIZE);
	assert_int_equal(pread(fd, got, 3, p[1].p_offset + 0x1234), 3);
	assert_string_equal(got, "ram");
	assert_int_equal(pread(fd, got, 6, p[2].p_offset + 0x3ffff0), 6);
	assert_string_equal(got, "region");
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_size, p[2].p_offset + SIZE);
	assert_true(st.st_blocks * 512 < 65536); /* 8 MB of memory, two pages of it used */
	assert_int_equal(st.st_mode & 0777, 0600);
	close(fd);
}

static void classes(void **state)
{
	unsigned char ident[EI_NIDENT];
	char path[512];
	int fd;

	(void)state;
	core.is64 = true;
	core.machine = EM_AARCH64;
	assert_int_equal(cw_core_write(&core, path, stderr), 0);
	fd = open(path, O_RDONLY);
	assert_int_equal(read(fd, ident, sizeof(ident)), sizeof(ident));
	assert_int_equal(ident[EI_CLASS], ELFCLASS64);
	close(fd);
}

static void keeps_within_the_limit(void **state)
{
	char path[512], other[600], first[512];
	FILE *f;

	(void)state;
	core.limit = 40000; /* three of these */
	assert_int_equal(cw_core_write(&core, first, stderr), 0);
	snprintf(other, sizeof(other), "%s/r5-notes.core", folder);
	f = fopen(other, "w");
	fprintf(f, "%100000s", "not ours");
	fclose(f);
	for (int i = 0; i < 6; i++)
		assert_int_equal(cw_core_write(&core, path, stderr), 0);
	assert_int_equal(access(path, F_OK), 0);
	assert_int_equal(access(other, F_OK), 0); /* what is not ours stays */
	assert_in_range(files(false), 2, 4);
}

static void refuses_what_never_fits(void **state)
{
	char path[512], said[512] = "", kept[512];
	FILE *err = fmemopen(said, sizeof(said), "w");

	(void)state;
	assert_int_equal(cw_core_write(&core, kept, stderr), 0);
	core.limit = 4096;
	assert_int_equal(cw_core_write(&core, path, err), -1);
	fflush(err);
	assert_non_null(strstr(said, "remote r5: no core file: it needs "));
	assert_int_equal(access(kept, F_OK), 0); /* nothing is removed in vain */
	core.directory = "/nowhere";
	assert_int_equal(cw_core_write(&core, path, err), -1);
	core.directory = folder;
	fclose(err);
	assert_int_equal(files(false), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(holds_what_was_written, set_up, tear_down),
		cmocka_unit_test_setup_teardown(classes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(keeps_within_the_limit, set_up, tear_down),
		cmocka_unit_test_setup_teardown(refuses_what_never_fits, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
