// SPDX-License-Identifier: BSD-3-Clause
#include "tree.h"

#include "fuzz.h"

#include <fcntl.h>
#include <fts.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

char tree_export[80];
int tree_root = -1;

static char base[64], outside[80];
static struct stat folder_was, file_was;
static int lowest; /* descriptor that was free */

static void wipe(char *path)
{
	char *paths[] = { path, NULL };
	FTS *f = fts_open(paths, FTS_PHYSICAL, NULL);

	for (FTSENT *e; f && (e = fts_read(f));) {
		if (e->fts_info == FTS_D && e->fts_level)
			chmod(e->fts_accpath, 0700);
		else if (e->fts_info == FTS_DP && e->fts_level)
			rmdir(e->fts_accpath);
		else if (e->fts_info != FTS_D && e->fts_level)
			unlink(e->fts_accpath);
	}
	if (f)
		fts_close(f);
}

static void leave(void)
{
	wipe(tree_export);
	wipe(outside);
	rmdir(tree_export);
	rmdir(outside);
	rmdir(base);
}

static void put_file(int dir, const char *name, const char *text)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	FZ_CHECK(fd >= 0 && write(fd, text, strlen(text)) >= 0);
	close(fd);
}

void tree_begin(void)
{
	int dir;

	snprintf(base, sizeof(base), "%s/fuzz-tree.XXXXXX",
		 access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm");
	FZ_CHECK(mkdtemp(base));
	snprintf(tree_export, sizeof(tree_export), "%s/export", base);
	snprintf(outside, sizeof(outside), "%s/outside", base);
	FZ_CHECK(!mkdir(tree_export, 0755) && !mkdir(outside, 0755));
	atexit(leave);
	signal(SIGXFSZ, SIG_IGN);
	tree_root = open(tree_export, O_PATH | O_DIRECTORY);
	dir = open(outside, O_PATH | O_DIRECTORY);
	put_file(dir, "f", TREE_SECRET);
	close(dir);
}

static void outside_is(struct stat *folder, struct stat *file)
{
	char path[96];

	snprintf(path, sizeof(path), "%s/f", outside);
	FZ_CHECK(!stat(outside, folder) && !stat(path, file));
	folder->st_atim = file->st_atim = (struct timespec){ 0, 0 };
}

static int lowest_free(void)
{
	int fd = dup(tree_root);

	close(fd);
	return fd;
}

void tree_make(void)
{
	chmod(tree_export, 0755);
	wipe(tree_export);
	mkdirat(tree_root, "a", 0755);
	mkdirat(tree_root, "a/b", 0755);
	put_file(tree_root, "f", "0123456789");
	put_file(tree_root, "a/f", "text");
	symlinkat("../outside", tree_root, "l");
	symlinkat("f", tree_root, "a/l");
	mkfifoat(tree_root, "p", 0644);
	outside_is(&folder_was, &file_was);
	lowest = lowest_free();
}

void tree_exchange(void)
{
	syscall(SYS_renameat2, tree_root, "a", tree_root, "l", RENAME_EXCHANGE);
}

void tree_check(void)
{
	struct stat folder, file;

	FZ_CHECK(lowest_free() == lowest);
	outside_is(&folder, &file);
	FZ_CHECK(!memcmp(&folder, &folder_was, sizeof(folder)));
	FZ_CHECK(!memcmp(&file, &file_was, sizeof(file)));
}
