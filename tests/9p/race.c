// SPDX-License-Identifier: BSD-3-Clause
/*
 * race SECONDS
 *
 * Another process exchanges folders and files of the export for symbolic links that lead outside,
 * as fast as it can, while a client does all that it may with them. Ends with 0 when nothing
 * outside was read, written or made; with 3, and what it was, when something was. (Row 44.)
 */
#include "../unit/host/p9_client.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static struct c9 *c;
static struct stat before;
static const char *escaped;
static unsigned int done[9];

static void exchange(const char *a, const char *b)
{
	syscall(SYS_renameat2, c->root, a, c->root, b, RENAME_EXCHANGE);
}

/* Inside and outside have each name: what is read or changed tells where. */
static _Noreturn void swap(void)
{
	for (;;) {
		exchange("d", "to-outside");
		exchange("f", "to-secret");
		exchange("a/b", "a/up-and-out");
	}
}

static void make_tree(void)
{
	mkdir(c9_at(c, "export/d"), 0755);
	mkdir(c9_at(c, "export/a"), 0755);
	mkdir(c9_at(c, "export/a/b"), 0755);
	c9_put_file(c, "export/d/secret", "only mine");
	c9_put_file(c, "export/a/b/secret", "only mine");
	c9_put_file(c, "export/f", "only mine");
	assert_int_equal(symlink("../outside", c9_at(c, "export/to-outside")), 0);
	assert_int_equal(symlink(c9_at(c, "outside"), c9_at(c, "export/a/up-and-out")), 0);
	assert_int_equal(symlink("../outside/secret", c9_at(c, "export/to-secret")), 0);
	assert_int_equal(stat(c9_at(c, "outside/secret"), &before), 0);
}

/* ---- what the client does; each leaves the inside as it was, if it got that far ---- */

static void use_file(const char *path, uint32_t flags)
{
	if (c9_go(c, 1, path, flags))
		return;
	done[0]++;
	if (!c9_call(c, CW_9P_TREAD, "dqd", 1, (uint64_t)0, 100) && c9_take(c, 4) == 6)
		escaped = "a file outside was read";
	c9_call(c, CW_9P_TWRITE, "dqdD", 1, (uint64_t)0, 9, "only mine", 9);
}

static void look(const char *path)
{
	if (c9_walk(c, 0, 1, path))
		return;
	c9_walk(c, 1, 2, "secret");
	if (!c9_call(c, CW_9P_TGETATTR, "dq", 2, (uint64_t)CW_9P_GETATTR_BASIC)) {
		done[1]++;
		c->at = C9_AT_SIZE;
		if (c9_take(c, 8) == 6)
			escaped = "a file outside was looked at";
	}
	done[2] += !c9_call(c, CW_9P_TSETATTR, "dddddqqqqq", 2,
			    CW_9P_SETATTR_SIZE | CW_9P_SETATTR_MODE, 0600, 0, 0, (uint64_t)9,
			    (uint64_t)0, (uint64_t)0, (uint64_t)0, (uint64_t)0);
}

static void create(const char *path)
{
	if (c9_walk(c, 0, 1, path))
		return;
	done[3] += !c9_call(c, CW_9P_TMKDIR, "dsdd", 1, "made", 0755, 0);
	c9_call(c, CW_9P_TUNLINKAT, "dsd", 1, "made", CW_9P_AT_REMOVEDIR);
	done[4] += !c9_call(c, CW_9P_TSYMLINK, "dssd", 1, "link", "x", 0);
	c9_call(c, CW_9P_TUNLINKAT, "dsd", 1, "link", 0);
	c9_walk(c, 0, 2, "a");
	done[5] += !c9_call(c, CW_9P_TLCREATE, "dsddd", 1, "created", CW_9P_O_RDWR, 0644, 0);
	if (!c9_walk(c, 0, 3, path))
		c9_call(c, CW_9P_TUNLINKAT, "dsd", 3, "created", 0);
}

static void move(const char *path)
{
	if (c9_walk(c, 0, 1, path) ||
	    c9_call(c, CW_9P_TMKNOD, "dsdddd", 0, "moving", 0644, 0, 0, 0))
		return;
	done[6] += !c9_call(c, CW_9P_TRENAMEAT, "dsds", 0, "moving", 1, "moved");
	c9_call(c, CW_9P_TUNLINKAT, "dsd", 1, "moved", 0);
	c9_call(c, CW_9P_TUNLINKAT, "dsd", 0, "moving", 0);
}

static void list(const char *path)
{
	if (c9_go(c, 1, path, CW_9P_O_RDONLY) ||
	    c9_call(c, CW_9P_TREADDIR, "dqd", 1, (uint64_t)0, 4000))
		return;
	done[7]++;
	if (memmem(c->reply, c->len, "only-outside", 12))
		escaped = "a folder outside was listed";
}

static void drop(const char *path)
{
	if (c9_walk(c, 0, 1, path))
		return;
	done[8] += !c9_call(c, CW_9P_TUNLINKAT, "dsd", 1, "secret", 0);
	if (!c9_call(c, CW_9P_TLCREATE, "dsddd", 1, "secret", CW_9P_O_RDWR, 0644, 0))
		c9_call(c, CW_9P_TWRITE, "dqdD", 1, (uint64_t)0, 9, "only mine", 9);
}

static void once(unsigned int what)
{
	static const char *const folder[] = { "d", "a/b" };
	const char *path = folder[what % 2];

	switch (what / 2 % 6) {
	case 0:
		use_file(what % 4   ? "f"
			 : what % 8 ? "d/secret"
				    : "a/b/secret",
			 what % 3 ? CW_9P_O_RDWR : CW_9P_O_RDWR | CW_9P_O_TRUNC);
		break;
	case 1:
		look(path);
		break;
	case 2:
		create(path);
		break;
	case 3:
		move(path);
		break;
	case 4:
		list(path);
		break;
	default:
		drop(path);
	}
	for (uint32_t fid = 1; fid < 4; fid++)
		c9_clunk(c, fid);
}

static void check_outside(void)
{
	DIR *dir = opendir(c9_at(c, "outside"));
	unsigned int n = 0;
	char text[256];
	struct stat st;

	while (dir && readdir(dir))
		n++;
	closedir(dir);
	if (n != 4) /* two of them "." and ".." */
		escaped = "something outside was made or removed";
	else if (!c9_get_file(c, "outside/secret", text) || strcmp(text, "secret"))
		escaped = "a file outside was written";
	else if (stat(c9_at(c, "outside/secret"), &st) || st.st_mode != before.st_mode ||
		 st.st_ino != before.st_ino || st.st_nlink != 1)
		escaped = "a file outside was changed";
}

static void run(time_t until)
{
	uint64_t random = (uint64_t)getpid();
	unsigned int n = 0;

	while (!escaped && time(NULL) < until) {
		once(unit_random(&random) % 240);
		if (!(++n % 64))
			check_outside();
	}
	check_outside();
	printf("%u rounds; got through: read %u, looked %u, set %u, folder %u, link %u, file %u, "
	       "moved %u, listed %u, removed %u\n",
	       n, done[0], done[1], done[2], done[3], done[4], done[5], done[6], done[7], done[8]);
}

int main(int argc, char **argv)
{
	void *state;
	char command[96];
	pid_t pid;

	c9_setup(&state);
	c = state;
	c9_put_file(c, "outside/only-outside", "");
	make_tree();
	pid = fork();
	if (!pid)
		swap();
	run(time(NULL) + (argc > 1 ? atoi(argv[1]) : 10));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	snprintf(command, sizeof(command), "rm -rf %s", c->base);
	(void)!system(command);
	for (unsigned int i = 0; i < ARRAY_SIZE(done); i++)
		if (!escaped && !done[i])
			return 4; /* nothing of the kind ever worked: no test */
	if (escaped)
		printf("%s\n", escaped);
	return escaped ? 3 : 0;
}
