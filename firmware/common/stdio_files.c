// SPDX-License-Identifier: BSD-3-Clause
/* fopen() and its like, where libc_files.c is beneath them. */
#include "commands.h"
#include "fcalls.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINES	   200
#define LARGE	   (5ll << 30)
#define TIMEOUT_US 10000000u

static bool wrong(const char *what)
{
	shell_out("stdio: %s failed, errno %d\n", what, errno);
	return false;
}

static bool write_lines(const char *path)
{
	FILE *f = fopen(path, "w");
	bool good = f;

	for (int i = 0; good && i < LINES; i++)
		good = fprintf(f, "line %03d of stdio\n", i) > 0;
	if (f && fclose(f))
		good = false;
	return good || wrong("writing lines");
}

/* Each line has 18 characters. */
static bool change_one(const char *path)
{
	FILE *f = fopen(path, "r+");
	char line[32] = { 0 };
	bool good = f && !fseek(f, 100 * 18, SEEK_SET) && fgets(line, sizeof(line), f);

	good = good && !strcmp(line, "line 100 of stdio\n") && ftell(f) == 101 * 18;
	good = good && !fseek(f, -18, SEEK_END) && fputs("LAST", f) >= 0;
	good = good && !fseek(f, 0, SEEK_SET) && fgets(line, sizeof(line), f) &&
	       !strcmp(line, "line 000 of stdio\n");
	if (f && fclose(f))
		good = false;
	return good || wrong("seeking");
}

static bool append(const char *path)
{
	FILE *f = fopen(path, "a");
	struct stat st;
	bool good = f && fputs("appended\n", f) >= 0;

	if (f && fclose(f))
		good = false;
	good = good && !stat(path, &st) && st.st_size == LINES * 18 + 9 && S_ISREG(st.st_mode);
	return good || wrong("appending");
}

static bool names(void)
{
	FILE *f = fopen("stdio.tmp", "w");
	bool good = f && !fclose(f) && !rename("stdio.tmp", "stdio.tmp2") && !remove("stdio.tmp2");
	char name[301];

	errno = 0;
	good = good && !fopen("stdio.tmp2", "r") && errno == ENOENT;
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = 0;
	good = good && rename(name, "stdio.tmp") && errno == ENAMETOOLONG;
	return good || wrong("renaming and removing");
}

/* As asked for, but never more than the other side's user allows. */
static bool mode(void)
{
	int fd = open("stdio.tmp", O_WRONLY | O_CREAT | O_EXCL | O_SYNC, 0600);
	struct stat st;
	bool good = fd >= 0 && write(fd, "secret", 6) == 6 && !fstat(fd, &st) &&
		    st.st_mode == (S_IFREG | 0600) && st.st_size == 6;

	if (fd >= 0 && close(fd))
		good = false;
	return (good && !unlink("stdio.tmp")) || wrong("making a private file");
}

static bool make_large(const char *path)
{
	const uint32_t flags = CW_FILES_WRITE | CW_FILES_CREATE | CW_FILES_EXCLUSIVE;
	struct cw_rfile f;
	int err = cw_rfile_open(fcalls_files(), &f, path, flags, 0600, TIMEOUT_US);

	if (err)
		return false;
	err = cw_rfile_truncate(&f, LARGE, TIMEOUT_US);
	return !cw_rfile_close(&f, TIMEOUT_US) && !err;
}

static bool told(int64_t size)
{
	return sizeof(off_t) > 4 ? size == LARGE : size == -1 && errno == EOVERFLOW;
}

/* A size that off_t cannot hold is an error, after which the position is what it was. */
static bool large(void)
{
	bool good = make_large("stdio.tmp");
	int fd = good ? open("stdio.tmp", O_RDONLY) : -1;
	struct stat st;

	good = fd >= 0 && lseek(fd, 7, SEEK_SET) == 7;
	good = good && told(stat("stdio.tmp", &st) ? -1 : st.st_size);
	good = good && told(lseek(fd, 0, SEEK_END));
	good = good && (sizeof(off_t) > 4 || lseek(fd, 0, SEEK_CUR) == 7);
	if (fd >= 0 && close(fd))
		good = false;
	return (!unlink("stdio.tmp") && good) || wrong("telling of a large file");
}

void fcalls_stdio(const char *path)
{
	if (write_lines(path) && change_one(path) && append(path) && names() && mode() && large())
		shell_out("stdio: %d lines written, read and changed in %s\n", LINES, path);
}
