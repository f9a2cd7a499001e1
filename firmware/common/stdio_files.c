// SPDX-License-Identifier: BSD-3-Clause
/* fopen() and its like, where libc_files.c is beneath them. */
#include "commands.h"
#include "fcalls.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define LINES 200

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

	errno = 0;
	good = good && !fopen("stdio.tmp2", "r") && errno == ENOENT;
	return good || wrong("renaming and removing");
}

void fcalls_stdio(const char *path)
{
	if (write_lines(path) && change_one(path) && append(path) && names())
		shell_out("stdio: %d lines written, read and changed in %s\n", LINES, path);
}
