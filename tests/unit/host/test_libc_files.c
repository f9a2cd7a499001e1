// SPDX-License-Identifier: BSD-3-Clause
/*
 * What libc of a firmware is told of files, where its off_t has 32 bits: the same source as in a firmware, its functions
 * under other names, above a file that is only numbers.
 */
#include "../core/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- picolibc's names, beside those of Linux ---- */

#undef stdin
#undef stdout
#undef stderr
#define stdin  his_stdin
#define stdout his_stdout
#define stderr his_stderr
#define FDEV_SETUP_STREAM(...) \
	{                      \
		0              \
	}
#define off_t			int32_t
#define open(...)		his_open(__VA_ARGS__)
#define close(fd)		his_close(fd)
#define read(fd, buf, len)	his_read(fd, buf, len)
#define write(fd, buf, len)	his_write(fd, buf, len)
#define lseek(fd, offset, from) his_lseek(fd, offset, from)
#define fstat(fd, st)		his_fstat(fd, st)
#define stat(path, st)		his_stat(path, st)
#define isatty(fd)		his_isatty(fd)
#define unlink(path)		his_unlink(path)
#define rename(from, to)	his_rename(from, to)
#define mkdir(path, mode)	his_mkdir(path, mode)
#define rmdir(path)		his_rmdir(path)
#define fsync(fd)		his_fsync(fd)
#define sbrk(more)		his_sbrk(more)

#include "../../../firmware/common/libc_files.c"

/* ---- the file ---- */

static struct cw_rfiles files;
static struct {
	uint64_t size;
	uint32_t flags, mode; /* of the last open */
	int err;	      /* of the next call, with files.error */
} there;

struct cw_rfiles *fcalls_files(void)
{
	return &files;
}

void cw_machine_uart(const char *s, size_t len)
{
	(void)s;
	(void)len;
}

int cw_rfile_open(struct cw_rfiles *c, struct cw_rfile *f, const char *path, uint32_t flags,
		  uint32_t mode, uint64_t timeout)
{
	(void)path;
	(void)timeout;
	*f = (struct cw_rfile){ .c = c };
	there.flags = flags;
	there.mode = mode;
	return there.err;
}

int cw_rfile_close(struct cw_rfile *f, uint64_t timeout)
{
	(void)f;
	(void)timeout;
	return CW_OK;
}

int32_t cw_rfile_read(struct cw_rfile *f, void *buf, uint32_t len, uint64_t timeout)
{
	(void)buf;
	(void)timeout;
	f->position += len;
	return (int32_t)len;
}

int32_t cw_rfile_write(struct cw_rfile *f, const void *buf, uint32_t len, uint64_t timeout)
{
	(void)buf;
	(void)timeout;
	f->position += len;
	return (int32_t)len;
}

int64_t cw_rfile_seek(struct cw_rfile *f, int64_t offset, int whence, uint64_t timeout)
{
	uint64_t base = whence == CW_RFILE_END ? there.size : whence ? f->position : 0;

	(void)timeout;
	f->position = base + (uint64_t)offset;
	return (int64_t)f->position;
}

int cw_rfiles_stat(struct cw_rfiles *c, const char *path, struct cw_rfile_stat *s, uint64_t timeout)
{
	(void)c;
	(void)path;
	(void)timeout;
	*s = (struct cw_rfile_stat){ .type = CW_FILES_TYPE_FILE, .mode = 0640, .size = there.size };
	return there.err;
}

int cw_rfile_stat(struct cw_rfile *f, struct cw_rfile_stat *s, uint64_t timeout)
{
	return cw_rfiles_stat(f->c, NULL, s, timeout);
}

int cw_rfiles_unlink(struct cw_rfiles *c, const char *path, uint64_t timeout)
{
	(void)c;
	(void)path;
	(void)timeout;
	return there.err;
}

int cw_rfiles_rmdir(struct cw_rfiles *c, const char *path, uint64_t timeout)
{
	return cw_rfiles_unlink(c, path, timeout);
}

int cw_rfiles_mkdir(struct cw_rfiles *c, const char *path, uint32_t mode, uint64_t timeout)
{
	there.mode = mode;
	return cw_rfiles_unlink(c, path, timeout);
}

int cw_rfiles_rename(struct cw_rfiles *c, const char *from, const char *to, uint64_t timeout)
{
	(void)to;
	return cw_rfiles_unlink(c, from, timeout);
}

int cw_rfile_sync(struct cw_rfile *f, uint64_t timeout)
{
	return cw_rfiles_unlink(f->c, NULL, timeout);
}

/* ---- tests ---- */

static int begin(void **state)
{
	(void)state;
	(void)put; /* picolibc's macro takes it */
	memset(&there, 0, sizeof(there));
	memset(&files, 0, sizeof(files));
	memset(table, 0, sizeof(table));
	return 0;
}

#define FAILS(call, number)                        \
	do {                                       \
		errno = 0;                         \
		assert_int_equal((call), -1);      \
		assert_int_equal(errno, (number)); \
	} while (0)

static void sizes_that_can_be_told(void **state)
{
	static const uint64_t size[] = { 0, 1, INT32_MAX };
	int fd = open("f", O_RDONLY);
	struct stat st;

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(size); i++) {
		there.size = size[i];
		assert_int_equal(stat("f", &st), 0);
		assert_int_equal(st.st_size, size[i]);
		assert_int_equal(st.st_mode, S_IFREG | 0640);
		assert_int_equal(fstat(fd, &st), 0);
		assert_int_equal(st.st_size, size[i]);
		assert_int_equal(lseek(fd, 0, SEEK_END), size[i]);
	}
}

static void sizes_that_cannot(void **state)
{
	static const uint64_t size[] = { 1ull << 31, 3ull << 30, 1ull << 32, 5ull << 30,
					 INT64_MAX };
	int fd = open("f", O_RDONLY);
	struct stat st;
	char bytes[7];

	(void)state;
	assert_int_equal(read(fd, bytes, sizeof(bytes)), 7);
	for (unsigned int i = 0; i < ARRAY_SIZE(size); i++) {
		there.size = size[i];
		FAILS(stat("f", &st), EOVERFLOW);
		FAILS(fstat(fd, &st), EOVERFLOW);
		FAILS(lseek(fd, 0, SEEK_END), EOVERFLOW);
		assert_int_equal(lseek(fd, 0, SEEK_CUR), 7); /* where it was */
	}
	assert_int_equal(lseek(fd, INT32_MAX, SEEK_SET), INT32_MAX);
	FAILS(lseek(fd, 1, SEEK_CUR), EOVERFLOW);
	assert_int_equal(lseek(fd, 0, SEEK_CUR), INT32_MAX);
	assert_int_equal(read(fd, bytes, sizeof(bytes)),
			 7); /* it goes on, and only cannot say where */
	FAILS(lseek(fd, 0, SEEK_CUR), EOVERFLOW);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
}

static void the_mode_is_the_callers(void **state)
{
	(void)state;
	open("f", O_WRONLY | O_CREAT, 0600);
	assert_int_equal(there.mode, 0600);
	open("f", O_WRONLY | O_CREAT | O_TRUNC, 07666);
	assert_int_equal(there.mode, 0666);
	open("f", O_WRONLY | O_CREAT | O_EXCL, 0);
	assert_int_equal(there.mode, 0);
	open("f", O_RDWR);
	assert_int_equal(there.mode, 0);
	assert_int_equal(mkdir("d", 0700), 0);
	assert_int_equal(there.mode, 0700);
}

static void flags_are_the_callers(void **state)
{
	static const struct {
		int how;
		uint32_t flags;
	} t[] = {
		{ O_RDONLY, CW_FILES_READ },
		{ O_WRONLY, CW_FILES_WRITE },
		{ O_RDWR, CW_FILES_READ | CW_FILES_WRITE },
		{ O_WRONLY | O_TRUNC, CW_FILES_WRITE | CW_FILES_TRUNCATE },
		{ O_WRONLY | O_APPEND, CW_FILES_WRITE | CW_FILES_APPEND },
		{ O_WRONLY | O_CREAT | O_EXCL,
		  CW_FILES_WRITE | CW_FILES_CREATE | CW_FILES_EXCLUSIVE },
		{ O_WRONLY | O_SYNC, CW_FILES_WRITE | CW_FILES_SYNC },
		{ O_WRONLY | O_DSYNC, CW_FILES_WRITE | CW_FILES_SYNC },
	};

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(t); i++) {
		assert_int_equal(open("f", t[i].how, 0600), FIRST + (int)i);
		assert_int_equal(there.flags, t[i].flags);
	}
	FAILS(open("f", O_RDONLY), EMFILE);
	assert_int_equal(close(FIRST), 0);
	assert_int_equal(open("f", O_RDONLY), FIRST);
}

static void errors_have_their_numbers(void **state)
{
	struct stat st;

	(void)state;
	there.err = CW_EINVAL;
	files.error = CW_FILES_ENAMETOOLONG;
	FAILS(open("f", O_RDONLY), ENAMETOOLONG);
	FAILS(stat("f", &st), ENAMETOOLONG);
	FAILS(rename("f", "g"), ENAMETOOLONG);
	FAILS(unlink("f"), ENAMETOOLONG);
	FAILS(rmdir("f"), ENAMETOOLONG);
	files.error = 0;
	FAILS(mkdir("f", 0700), EINVAL);
	there.err = CW_ETIMEDOUT;
	FAILS(open("f", O_RDONLY), ETIMEDOUT);
	FAILS(fsync(FIRST), EBADF);
}

#define TEST(f) cmocka_unit_test_setup(f, begin)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(sizes_that_can_be_told),	 TEST(sizes_that_cannot),
		TEST(the_mode_is_the_callers),	 TEST(flags_are_the_callers),
		TEST(errors_have_their_numbers),
	};

	return cmocka_run_group_tests_name("files for libc", tests, NULL, NULL);
}
