// SPDX-License-Identifier: BSD-3-Clause
/* What every kind of memory keeps, stamped on each (include/causeway/host/memory.h). */
#include "conform.h"

#include <causeway/host/memory.h>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define SIZE 0x8000u

static struct cw_board_remote memfd = { .name = (char[]){ "r" }, .layout = { .size = SIZE } };
static struct cw_board_remote file = { .name = (char[]){ "r" },
				       .layout = { .size = SIZE },
				       .memory = CW_MEMORY_FILE,
				       .memory_path = (char[]){ "ram" },
				       .memory_offset = 0x3000 };

static FILE *quiet;

static void leaves_nothing(void **state)
{
	struct cw_memory m;
	int before = conform_fds();

	conform_begin();
	assert_int_equal(cw_memory_open(&m, *state, stderr), 0);
	cw_memory_close(&m);
	cw_memory_close(&m); /* harmless */
	assert_int_equal(conform_fds(), before);
	unlink("ram"); /* the memory itself stays: it is the user's */
	conform_end();
}

static void mappings_are_one_memory(void **state)
{
	unsigned char *a, *b, byte = 0x5a;
	struct cw_memory m;
	int fd;

	conform_begin();
	assert_int_equal(cw_memory_open(&m, *state, stderr), 0);
	assert_int_equal(m.size, SIZE);
	a = cw_memory_map(&m);
	b = cw_memory_map(&m);
	assert_true(a && b && a != b);
	a[SIZE - 1] = 7;
	assert_int_equal(b[SIZE - 1], 7);
	fd = cw_memory_reopen(&m, O_RDWR);
	assert_int_equal(pwrite(fd, &byte, 1, (off_t)m.offset), 1);
	assert_int_equal(a[0], 0x5a);
	close(fd);
	munmap(a, SIZE);
	munmap(b, SIZE);
	cw_memory_close(&m);
	unlink("ram");
	conform_end();
}

static void read_only_is_read_only(void **state)
{
	struct cw_memory m;
	int fd;

	conform_begin();
	assert_int_equal(cw_memory_open(&m, *state, stderr), 0);
	fd = cw_memory_reopen(&m, O_RDONLY);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, "", 1, (off_t)m.offset), -1);
	assert_ptr_equal(mmap(NULL, 4096, PROT_WRITE, MAP_SHARED, fd, 0), MAP_FAILED);
	close(fd);
	cw_memory_close(&m);
	unlink("ram");
	conform_end();
}

/* Row F18: a remote must not be able to take memory away under the worker. */
static void cannot_be_resized(void **state)
{
	struct cw_memory m;
	int fd;

	conform_begin();
	assert_int_equal(cw_memory_open(&m, *state, stderr), 0);
	fd = cw_memory_reopen(&m, O_RDWR);
	assert_int_equal(ftruncate(fd, 0), -1);
	assert_int_equal(ftruncate(fd, SIZE * 2), -1);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), -1);
	close(fd);
	cw_memory_close(&m);
	conform_end();
}

/* Fault F24: two PMMs on one region. */
static void second_owner_is_refused(void **state)
{
	struct cw_board_remote other = *(struct cw_board_remote *)*state;
	struct cw_memory a, b;
	int before;

	conform_begin();
	assert_int_equal(cw_memory_open(&a, *state, stderr), 0);
	before = conform_fds();
	assert_int_equal(cw_memory_open(&b, *state, quiet), -1);
	other.memory_offset += SIZE - 0x1000; /* the last page of it */
	assert_int_equal(cw_memory_open(&b, &other, quiet), -1);
	other.memory_offset = 0; /* its end is our beginning */
	assert_int_equal(cw_memory_open(&b, &other, quiet), -1);
	assert_int_equal(conform_fds(), before);
	cw_memory_close(&a);
	assert_int_equal(cw_memory_open(&a, *state, stderr), 0);
	cw_memory_close(&a);
	unlink("ram");
	conform_end();
}

static void neighbours_share_a_file(void **state)
{
	struct cw_board_remote other = *(struct cw_board_remote *)*state;
	struct cw_memory a, b;

	conform_begin();
	assert_int_equal(close(open("ram", O_RDWR | O_CREAT, 0600)), 0);
	assert_int_equal(truncate("ram", 1 << 20), 0);
	other.memory_offset += SIZE;
	assert_int_equal(cw_memory_open(&a, *state, stderr), 0);
	assert_int_equal(cw_memory_open(&b, &other, stderr), 0);
	cw_memory_close(&a);
	assert_int_equal(access("ram.lock", F_OK), 0); /* the other one still needs it */
	assert_int_equal(cw_memory_open(&a, &other, quiet), -1);
	cw_memory_close(&b);
	unlink("ram");
	conform_end();
}

/* The owner was killed: its lock file stays and means nothing. */
static void stale_lock_is_taken_over(void **state)
{
	struct cw_memory m;
	pid_t pid;

	conform_begin();
	pid = fork();
	if (!pid) {
		_exit(cw_memory_open(&m, *state, stderr) ? 1 : 0);
	}
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(access("ram.lock", F_OK), 0);
	assert_int_equal(cw_memory_open(&m, *state, stderr), 0);
	cw_memory_close(&m);
	unlink("ram");
	conform_end();
}

static void bad_files_are_refused(void **state)
{
	struct cw_board_remote bad = *(struct cw_board_remote *)*state;
	struct cw_memory m;
	int before = conform_fds();

	conform_begin();
	assert_int_equal(close(open("ram", O_RDWR | O_CREAT, 0600)), 0);
	assert_int_equal(truncate("ram", SIZE), 0); /* offset and region need more */
	assert_int_equal(cw_memory_open(&m, *state, quiet), -1);
	bad.memory_offset = 0x10;
	assert_int_equal(cw_memory_open(&m, &bad, quiet), -1);
	unlink("ram");
	assert_int_equal(mkdir("ram", 0700), 0);
	assert_int_equal(cw_memory_open(&m, *state, quiet), -1);
	rmdir("ram");
	assert_int_equal(mkfifo("ram", 0600), 0);
	assert_int_equal(cw_memory_open(&m, *state, quiet), -1);
	unlink("ram");
	assert_int_equal(conform_fds(), before);
	conform_end();
}

#define STAMP(fn, k)                   \
	{                              \
#fn, fn, NULL, NULL, k \
	}
#define SUITE(k)                                                     \
	STAMP(leaves_nothing, k), STAMP(mappings_are_one_memory, k), \
		STAMP(read_only_is_read_only, k)

int main(void)
{
	const struct CMUnitTest memfds[] = { SUITE(&memfd), STAMP(cannot_be_resized, &memfd) };
	const struct CMUnitTest files[] = { SUITE(&file), STAMP(second_owner_is_refused, &file),
					    STAMP(neighbours_share_a_file, &file),
					    STAMP(stale_lock_is_taken_over, &file),
					    STAMP(bad_files_are_refused, &file) };

	quiet = fopen("/dev/null", "w");
	return cmocka_run_group_tests_name("memory: memfd", memfds, NULL, NULL) +
	       cmocka_run_group_tests_name("memory: file", files, NULL, NULL);
}
