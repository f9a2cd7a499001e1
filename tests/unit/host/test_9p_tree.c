// SPDX-License-Identifier: BSD-3-Clause
/* 9P: changing the tree, and every way out of it that somebody has thought of (rows 43-46). */
#include "p9_client.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sched.h>
#include <unistd.h>

static bool there(struct c9 *c, const char *path)
{
	struct stat st;

	return !lstat(c9_at(c, path), &st);
}

static uint32_t make(struct c9 *c, uint32_t fid, const char *name)
{
	return c9_call(c, CW_9P_TMKDIR, "dsdd", fid, name, 0755, 0);
}

static uint32_t link_to(struct c9 *c, uint32_t fid, const char *name, const char *target)
{
	return c9_call(c, CW_9P_TSYMLINK, "dssd", fid, name, target, 0);
}

static uint32_t move(struct c9 *c, uint32_t from, const char *old, uint32_t to, const char *new)
{
	return c9_call(c, CW_9P_TRENAMEAT, "dsds", from, old, to, new);
}

static uint32_t drop(struct c9 *c, uint32_t fid, const char *name, uint32_t flags)
{
	return c9_call(c, CW_9P_TUNLINKAT, "dsd", fid, name, flags);
}

static void makes_folders(void **state)
{
	struct c9 *c = *state;
	struct stat st;

	assert_int_equal(c9_call(c, CW_9P_TMKDIR, "dsdd", 0, "d", 07777, 0), 0);
	assert_int_equal(c9_take(c, 1), CW_9P_QTDIR);
	assert_int_equal(stat(c9_at(c, "export/d"), &st), 0);
	assert_int_equal(st.st_mode, S_IFDIR | 0777);
	assert_int_equal(make(c, 0, "d"), EEXIST);
	assert_int_equal(make(c, 7, "x"), EBADF);
	c9_put_file(c, "export/f", "");
	assert_int_equal(c9_walk(c, 0, 1, "f"), 0);
	assert_int_equal(make(c, 1, "x"), ENOTDIR);
}

static void makes_links(void **state)
{
	struct c9 *c = *state;
	char target[256];
	ssize_t len;

	assert_int_equal(link_to(c, 0, "l", "../outside/secret"), 0);
	assert_int_equal(c9_take(c, 1), CW_9P_QTSYMLINK);
	len = readlink(c9_at(c, "export/l"), target, sizeof(target));
	assert_int_equal(len, 17);
	assert_int_equal(c9_walk(c, 0, 1, "l"), 0);
	assert_int_equal(c9_call(c, CW_9P_TREADLINK, "d", 1), 0);
	assert_int_equal(c9_take(c, 2), 17);
	assert_memory_equal(c->reply + c->at, "../outside/secret", 17);
	c->room = 20;
	assert_int_equal(c9_call(c, CW_9P_TREADLINK, "d", 1), EMSGSIZE);
	c->room = C9_ROOM;
	assert_int_equal(c9_call(c, CW_9P_TREADLINK, "d", 0), EINVAL);
	assert_int_equal(link_to(c, 0, "l", "x"), EEXIST);
	assert_int_equal(link_to(c, 0, "m", ""), ENOENT);
	assert_int_equal(c9_call(c, CW_9P_TSYMLINK, "dsSd", 0, "m", "a\0b", 3, 0), EINVAL);
	assert_int_equal(c9_call(c, CW_9P_TSYMLINK, "dsSd", 0, "m", (char *)c->reply, 5000, 0),
			 ENAMETOOLONG);
	assert_false(there(c, "export/m"));
	assert_int_equal(c9_attribute(c, 1, C9_AT_MODE, 4), S_IFLNK | 0777);
	/* what a link is cannot be changed, nor what it names */
	assert_int_equal(c9_call(c, CW_9P_TSETATTR, "dddddqqqqq", 1, CW_9P_SETATTR_MODE, 0, 0, 0,
				 (uint64_t)0, (uint64_t)0, (uint64_t)0, (uint64_t)0, (uint64_t)0),
			 EOPNOTSUPP);
	assert_int_equal(c9_call(c, CW_9P_TXATTRWALK, "dds", 1, 2, ""), EOPNOTSUPP);
}

static void makes_nodes(void **state)
{
	static const uint32_t types[] = { S_IFCHR, S_IFBLK, S_IFIFO, S_IFSOCK, S_IFDIR, S_IFLNK };
	struct c9 *c = *state;

	for (unsigned int i = 0; i < ARRAY_SIZE(types); i++)
		assert_int_equal(
			c9_call(c, CW_9P_TMKNOD, "dsdddd", 0, "n", types[i] | 0666, 1, 3, 0),
			EPERM);
	assert_false(there(c, "export/n"));
	assert_int_equal(c9_call(c, CW_9P_TMKNOD, "dsdddd", 0, "n", S_IFREG | 0666, 0, 0, 0), 0);
	assert_true(there(c, "export/n"));
	assert_int_equal(c9_call(c, CW_9P_TMKNOD, "dsdddd", 0, "n", S_IFREG | 0666, 0, 0, 0),
			 EEXIST);
}

static void hard_links(void **state)
{
	struct c9 *c = *state;
	struct stat st;

	c9_put_file(c, "export/f", "text");
	assert_int_equal(make(c, 0, "d"), 0);
	assert_int_equal(c9_walk(c, 0, 1, "f"), 0);
	assert_int_equal(c9_walk(c, 0, 2, "d"), 0);
	assert_int_equal(c9_call(c, CW_9P_TLINK, "dds", 2, 1, "g"), 0);
	assert_int_equal(stat(c9_at(c, "export/d/g"), &st), 0);
	assert_int_equal(st.st_nlink, 2);
	assert_int_equal(c9_call(c, CW_9P_TLINK, "dds", 2, 1, "g"), EEXIST);
	assert_int_equal(c9_call(c, CW_9P_TLINK, "dds", 2, 0, "r"), EBUSY); /* the root */
	assert_int_equal(c9_call(c, CW_9P_TLINK, "dds", 2, 9, "r"), EBADF);
	assert_int_equal(c9_call(c, CW_9P_TLINK, "dds", 9, 1, "r"), EBADF);
	/* of a link: the link, not what it names */
	assert_int_equal(link_to(c, 0, "l", "../outside/secret"), 0);
	assert_int_equal(c9_walk(c, 0, 3, "l"), 0);
	assert_int_equal(c9_call(c, CW_9P_TLINK, "dds", 2, 3, "m"), 0);
	assert_int_equal(lstat(c9_at(c, "export/d/m"), &st), 0);
	assert_true(S_ISLNK(st.st_mode));
}

static void renames(void **state)
{
	struct c9 *c = *state;
	char text[256];

	assert_int_equal(make(c, 0, "a"), 0);
	assert_int_equal(make(c, 0, "b"), 0);
	c9_put_file(c, "export/a/f", "text");
	c9_put_file(c, "export/ab", "other");
	assert_int_equal(c9_walk(c, 0, 1, "a"), 0);
	assert_int_equal(c9_walk(c, 0, 2, "a/f"), 0);
	assert_int_equal(c9_walk(c, 0, 3, "b"), 0);
	assert_int_equal(c9_walk(c, 0, 4, "ab"), 0);
	assert_int_equal(move(c, 0, "a", 3, "longer"), 0);
	assert_string_equal(c9_get_file(c, "export/b/longer/f", text), "text");
	/* every fid below follows, and no other */
	assert_int_equal(c9_attribute(c, 2, C9_AT_SIZE, 8), 4);
	assert_int_equal(c9_attribute(c, 4, C9_AT_SIZE, 8), 5);
	assert_int_equal(c9_walk(c, 1, 5, "f"), 0);
	assert_int_equal(c9_call(c, CW_9P_TRENAME, "dds", 1, 0, "c"), 0);
	assert_int_equal(c9_attribute(c, 2, C9_AT_SIZE, 8), 4);
	assert_int_equal(c9_attribute(c, 5, C9_AT_SIZE, 8), 4);
	assert_string_equal(c9_get_file(c, "export/c/f", text), "text");
	assert_int_equal(move(c, 0, "c", 1, "d"), EINVAL); /* into itself */
	assert_int_equal(c9_call(c, CW_9P_TRENAME, "dds", 0, 3, "r"), EBUSY);
	assert_int_equal(c9_call(c, CW_9P_TRENAME, "dds", 1, 3, "a/b"), EINVAL);
	assert_int_equal(c9_call(c, CW_9P_TRENAME, "dds", 99, 3, "x"), EBADF);
	assert_int_equal(c9_call(c, CW_9P_TRENAME, "dds", 1, 99, "x"), EBADF);
	assert_int_equal(move(c, 99, "ab", 0, "x"), EBADF);
	assert_int_equal(move(c, 0, "ab", 99, "x"), EBADF);
	assert_int_equal(move(c, 0, "nothing", 0, "x"), ENOENT);
	assert_int_equal(move(c, 0, "..", 0, "x"), EINVAL);
	assert_int_equal(move(c, 0, "c", 0, ".."), EINVAL);
	assert_int_equal(c9_attribute(c, 2, C9_AT_SIZE, 8), 4);
}

/* By somebody else: the fid is stale, and what is there now is what it gets. */
static void renamed_by_others(void **state)
{
	struct c9 *c = *state;

	assert_int_equal(make(c, 0, "a"), 0);
	c9_put_file(c, "export/a/f", "text");
	assert_int_equal(c9_walk(c, 0, 1, "a"), 0);
	assert_int_equal(c9_go(c, 2, "a/f", CW_9P_O_RDONLY), 0);
	assert_int_equal(rename(c9_at(c, "export/a"), c9_at(c, "export/b")), 0);
	assert_int_equal(c9_walk(c, 1, 3, "f"), ENOENT);
	assert_int_equal(c9_attribute(c, 2, C9_AT_SIZE, 8), 4);
	assert_int_equal(c9_walk(c, 1, 3, "../b"), 0);
	assert_int_equal(c9_clunk(c, 1), 0);
}

static void renames_deep_paths(void **state)
{
	struct c9 *c = *state;
	char name[256];

	memset(name, 'n', 255);
	name[255] = '\0';
	assert_int_equal(make(c, 0, "a"), 0);
	assert_int_equal(c9_walk(c, 0, 1, "a"), 0);
	for (unsigned int i = 0; i < 15; i++) {
		assert_int_equal(make(c, 1, name), 0);
		assert_int_equal(c9_walk(c, 1, 1, name), 0);
	}
	assert_int_equal(make(c, 1, "x"), 0);
	assert_int_equal(c9_walk(c, 1, 1, "x"), 0);
	assert_int_equal(move(c, 0, "a", 0, name), ENAMETOOLONG); /* fid 1 would have no room */
	assert_true(there(c, "export/a"));
	assert_int_equal(move(c, 0, "a", 0, "bb"), 0);
	assert_int_equal(c9_attribute(c, 1, C9_AT_MODE, 4), S_IFDIR | 0755);
}

static void unlinks(void **state)
{
	struct c9 *c = *state;

	assert_int_equal(make(c, 0, "d"), 0);
	c9_put_file(c, "export/d/f", "");
	assert_int_equal(c9_walk(c, 0, 1, "d"), 0);
	assert_int_equal(drop(c, 0, "d", CW_9P_AT_REMOVEDIR), ENOTEMPTY);
	assert_int_equal(drop(c, 0, "d", 0), EISDIR);
	assert_int_equal(drop(c, 1, "f", CW_9P_AT_REMOVEDIR), ENOTDIR);
	assert_int_equal(drop(c, 1, "f", 0x1000), EINVAL);
	assert_int_equal(drop(c, 1, "..", CW_9P_AT_REMOVEDIR), EINVAL);
	assert_int_equal(drop(c, 1, "f", 0), 0);
	assert_int_equal(drop(c, 0, "d", CW_9P_AT_REMOVEDIR), 0);
	assert_int_equal(drop(c, 1, "x", 0), ENOENT);
	assert_int_equal(make(c, 1, "x"), ENOENT);
}

static void removes(void **state)
{
	struct c9 *c = *state;

	assert_int_equal(make(c, 0, "d"), 0);
	c9_put_file(c, "export/d/f", "");
	assert_int_equal(c9_walk(c, 0, 1, "d"), 0);
	assert_int_equal(c9_call(c, CW_9P_TREMOVE, "d", 1), ENOTEMPTY);
	assert_int_equal(c9_clunk(c, 1), EBADF); /* it is gone nevertheless */
	assert_int_equal(c9_walk(c, 0, 1, "d/f"), 0);
	assert_int_equal(c9_call(c, CW_9P_TREMOVE, "d", 1), 0);
	assert_int_equal(c9_walk(c, 0, 1, "d"), 0);
	assert_int_equal(c9_call(c, CW_9P_TREMOVE, "d", 1), 0);
	assert_false(there(c, "export/d"));
	assert_int_equal(c9_call(c, CW_9P_TREMOVE, "d", 0), EBUSY);
	assert_int_equal(c9_call(c, CW_9P_TREMOVE, "d", 0), EBADF);
}

/* ---- the ways out (row 44) ---- */

static void symlinks_lead_nowhere(void **state)
{
	struct c9 *c = *state;
	char text[256];

	assert_int_equal(symlink("../outside", c9_at(c, "export/dir")), 0);
	assert_int_equal(symlink("../outside/secret", c9_at(c, "export/file")), 0);
	assert_int_equal(symlink("/proc/self/root", c9_at(c, "export/proc")), 0);
	assert_int_equal(symlink("../outside/new", c9_at(c, "export/dangling")), 0);
	assert_int_equal(c9_walk(c, 0, 1, "dir"), 0); /* the link itself */
	assert_int_equal(c9_walk(c, 1, 2, "secret"), ELOOP);
	assert_int_equal(c9_walk(c, 0, 2, "dir/secret"), ENOENT); /* as far as the link */
	assert_int_equal(c9_walk(c, 0, 2, "proc"), 0);
	assert_int_equal(c9_walk(c, 2, 3, "etc"), ELOOP);
	assert_int_equal(c9_open(c, 1, CW_9P_O_RDONLY), ELOOP);
	assert_int_equal(c9_go(c, 4, "file", CW_9P_O_RDWR | CW_9P_O_TRUNC), ELOOP);
	assert_int_equal(c9_call(c, CW_9P_TLCREATE, "dsddd", 0, "dangling", CW_9P_O_RDWR, 0666, 0),
			 ELOOP);
	assert_int_equal(c9_call(c, CW_9P_TLCREATE, "dsddd", 0, "file",
				 CW_9P_O_RDWR | CW_9P_O_TRUNC, 0666, 0),
			 ELOOP);
	assert_int_equal(c9_call(c, CW_9P_TLCREATE, "dsddd", 1, "new", CW_9P_O_RDWR, 0666, 0),
			 ELOOP);
	assert_int_equal(make(c, 1, "new"), ENOTDIR);
	assert_int_equal(link_to(c, 1, "new", "x"), ENOTDIR);
	assert_int_equal(c9_call(c, CW_9P_TMKNOD, "dsdddd", 1, "new", 0666, 0, 0, 0), ELOOP);
	assert_int_equal(drop(c, 1, "secret", 0), ENOTDIR);
	c9_put_file(c, "export/mine", "mine");
	assert_int_equal(move(c, 0, "mine", 1, "secret"), ENOTDIR);
	assert_int_equal(move(c, 1, "secret", 0, "mine"), ENOTDIR);
	assert_int_equal(c9_walk(c, 0, 5, "mine"), 0);
	assert_int_equal(c9_call(c, CW_9P_TLINK, "dds", 1, 5, "new"), ENOTDIR);
	assert_false(there(c, "outside/new"));
	assert_string_equal(c9_get_file(c, "export/mine", text), "mine");
}

/* What was a folder when the fid was made is a link now. */
static void swapped_afterwards(void **state)
{
	struct c9 *c = *state;
	struct stat st;

	assert_int_equal(make(c, 0, "d"), 0);
	c9_put_file(c, "export/d/secret", "mine");
	assert_int_equal(c9_walk(c, 0, 1, "d"), 0);
	assert_int_equal(c9_walk(c, 0, 2, "d/secret"), 0);
	assert_int_equal(rename(c9_at(c, "export/d"), c9_at(c, "export/e")), 0);
	assert_int_equal(symlink("../outside", c9_at(c, "export/d")), 0);
	assert_int_equal(c9_open(c, 2, CW_9P_O_RDWR), ELOOP);
	assert_int_equal(c9_call(c, CW_9P_TGETATTR, "dq", 2, (uint64_t)0), ELOOP);
	assert_int_equal(c9_call(c, CW_9P_TSETATTR, "dddddqqqqq", 2, CW_9P_SETATTR_SIZE, 0, 0, 0,
				 (uint64_t)0, (uint64_t)0, (uint64_t)0, (uint64_t)0, (uint64_t)0),
			 EOPNOTSUPP);
	assert_int_equal(c9_call(c, CW_9P_TREMOVE, "d", 2), ENOTDIR);
	assert_int_equal(make(c, 1, "new"), ENOTDIR);
	assert_int_equal(stat(c9_at(c, "outside/secret"), &st), 0);
	assert_int_equal(st.st_size, 6);
}

static void moved_outside(void **state)
{
	struct c9 *c = *state;

	assert_int_equal(make(c, 0, "d"), 0);
	assert_int_equal(c9_walk(c, 0, 1, "d"), 0);
	assert_int_equal(rename(c9_at(c, "export/d"), c9_at(c, "outside/d")), 0);
	assert_int_equal(c9_walk(c, 1, 2, ".."), 0); /* by name, so still the root */
	assert_int_equal(make(c, 1, "new"), ENOENT);
	assert_int_equal(c9_walk(c, 1, 3, "../secret"), ENOENT);
	assert_int_equal(rmdir(c9_at(c, "outside/d")), 0);
}

static void write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	(void)!write(fd, text, strlen(text));
	close(fd);
}

/* A place where mounting is nobody else's business; false where that is not allowed. */
static bool own_mounts(void)
{
	char users[32], groups[32];

	snprintf(users, sizeof(users), "0 %u 1", geteuid());
	snprintf(groups, sizeof(groups), "0 %u 1", getegid());
	if (unshare(CLONE_NEWNS)) {
		if (unshare(CLONE_NEWUSER | CLONE_NEWNS))
			return false;
		write_text("/proc/self/setgroups", "deny");
		write_text("/proc/self/uid_map", users);
		write_text("/proc/self/gid_map", groups);
	}
	return !mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
}

/* The export again, as it is seen now. */
static void serve_again(struct c9 *c)
{
	close(c->root);
	c->root = open(c9_at(c, "export"), O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_true(c->root >= 0);
	c9_serve(c, false);
}

static void mount_points(void **state)
{
	struct c9 *c = *state;

	assert_int_equal(make(c, 0, "m"), 0);
	if (!own_mounts() || mount(c9_at(c, "outside"), c9_at(c, "export/m"), NULL, MS_BIND, NULL))
		return;
	serve_again(c);
	assert_int_equal(c9_walk(c, 0, 1, "m"), EXDEV);
	assert_int_equal(c9_walk(c, 0, 1, "m/secret"), EXDEV);
	assert_int_equal(drop(c, 0, "m", CW_9P_AT_REMOVEDIR), EBUSY);
	assert_int_equal(umount(c9_at(c, "export/m")), 0);
}

/* They are told of; nobody opens them, and nobody waits. */
static void special_files(void **state)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	struct c9 *c = *state;
	int s = socket(AF_UNIX, SOCK_STREAM, 0);
	static const char *const names[] = { "fifo", "socket", "device" };

	snprintf(name.sun_path, sizeof(name.sun_path), "%s", c9_at(c, "export/socket"));
	assert_int_equal(bind(s, (struct sockaddr *)&name, sizeof(name)), 0);
	assert_int_equal(mkfifo(c9_at(c, "export/fifo"), 0666), 0);
	if (mknod(c9_at(c, "export/device"), S_IFCHR | 0666, makedev(1, 5)))
		c9_put_file(c, "export/device", ""); /* not root */
	alarm(60);
	for (unsigned int i = 0; i < 3; i++) {
		struct stat st;

		lstat(c9_at(c, i == 0	? "export/fifo"
			       : i == 1 ? "export/socket"
					: "export/device"),
		      &st);
		if (S_ISREG(st.st_mode))
			continue;
		assert_int_equal(c9_walk(c, 0, 1, names[i]), 0);
		assert_int_equal(c9_attribute(c, 1, C9_AT_MODE, 4), st.st_mode);
		for (uint32_t flags = 0; flags < 3; flags++)
			assert_int_equal(c9_open(c, 1, flags), EPERM);
		assert_int_equal(c9_open(c, 1, CW_9P_O_TRUNC), EPERM);
		assert_int_equal(c9_call(c, CW_9P_TXATTRWALK, "dds", 1, 2, ""), EOPNOTSUPP);
		assert_int_equal(c9_walk(c, 0, 3, ""), 0);
		assert_int_equal(
			c9_call(c, CW_9P_TLCREATE, "dsddd", 3, names[i], CW_9P_O_RDWR, 0666, 0),
			EPERM);
		c9_clunk(c, 1);
		c9_clunk(c, 3);
	}
	alarm(0);
	close(s);
}

/* Fault F20: whoever runs out of disk is told so, and the server goes on. */
static void disk_full(void **state)
{
	static char bytes[10000];
	struct c9 *c = *state;
	uint32_t err = 0, n = 0;
	uint64_t at = 0;

	if (!own_mounts() || mount("none", c9_at(c, "export"), "tmpfs", 0, "size=64k,nr_inodes=10"))
		return;
	serve_again(c);
	assert_int_equal(c9_walk(c, 0, 1, ""), 0);
	assert_int_equal(c9_call(c, CW_9P_TLCREATE, "dsddd", 1, "f", CW_9P_O_RDWR, 0644, 0), 0);
	while (!err && at < sizeof(bytes) * 100) {
		err = c9_call(c, CW_9P_TWRITE, "dqdD", 1, at, (unsigned int)sizeof(bytes), bytes,
			      (int)sizeof(bytes));
		at += err ? 0 : c9_take(c, 4);
	}
	assert_int_equal(err, ENOSPC);
	assert_int_equal(at, 65536);
	assert_int_equal(c9_attribute(c, 1, C9_AT_SIZE, 8), at);
	assert_int_equal(c9_clunk(c, 1), 0);
	assert_int_equal(drop(c, 0, "f", 0), 0);
	do {
		char name[2] = { (char)('a' + n++), '\0' };

		err = make(c, 0, name);
	} while (!err && n < 20);
	assert_int_equal(err, ENOSPC);
	assert_int_equal(drop(c, 0, "a", CW_9P_AT_REMOVEDIR), 0);
	assert_int_equal(make(c, 0, "z"), 0);
	assert_int_equal(umount2(c9_at(c, "export"), MNT_DETACH), 0);
}

/* ---- an export that is only read ---- */

static void read_only(void **state)
{
	struct c9 *c = *state;
	struct stat before, after;
	char text[256];

	c9_put_file(c, "export/f", "text");
	symlink("f", c9_at(c, "export/l"));
	assert_int_equal(utimensat(AT_FDCWD, c9_at(c, "export/f"),
				   (struct timespec[2]){ { 1, 0 }, { 2, 0 } }, 0),
			 0);
	assert_int_equal(stat(c9_at(c, "export/f"), &before), 0);
	c9_serve(c, true);
	assert_int_equal(make(c, 0, "d"), EROFS);
	assert_int_equal(link_to(c, 0, "m", "x"), EROFS);
	assert_int_equal(move(c, 0, "f", 0, "g"), EROFS);
	assert_int_equal(drop(c, 0, "f", 0), EROFS);
	assert_int_equal(c9_call(c, CW_9P_TLCREATE, "dsddd", 0, "g", 0, 0666, 0), EROFS);
	assert_int_equal(c9_call(c, CW_9P_TMKNOD, "dsdddd", 0, "g", 0666, 0, 0, 0), EROFS);
	assert_int_equal(c9_walk(c, 0, 1, "f"), 0);
	assert_int_equal(c9_call(c, CW_9P_TLINK, "dds", 0, 1, "g"), EROFS);
	assert_int_equal(c9_call(c, CW_9P_TRENAME, "dds", 1, 0, "g"), EROFS);
	assert_int_equal(c9_call(c, CW_9P_TSETATTR, "dddddqqqqq", 1, 0, 0, 0, 0, (uint64_t)0,
				 (uint64_t)0, (uint64_t)0, (uint64_t)0, (uint64_t)0),
			 EROFS);
	assert_int_equal(c9_call(c, CW_9P_TXATTRCREATE, "dsqd", 1, "user.a", (uint64_t)1, 0),
			 EROFS);
	assert_int_equal(c9_open(c, 1, CW_9P_O_WRONLY), EROFS);
	assert_int_equal(c9_open(c, 1, CW_9P_O_RDWR), EROFS);
	assert_int_equal(c9_open(c, 1, CW_9P_O_TRUNC), EROFS);
	assert_int_equal(c9_open(c, 1, CW_9P_O_APPEND), EROFS);
	assert_int_equal(c9_open(c, 1, CW_9P_O_RDONLY), 0);
	assert_int_equal(c9_call(c, CW_9P_TREAD, "dqd", 1, (uint64_t)0, 100), 0);
	assert_int_equal(c9_take(c, 4), 4);
	assert_int_equal(c9_call(c, CW_9P_TWRITE, "dqdD", 1, (uint64_t)0, 1, "x", 1), EROFS);
	assert_int_equal(c9_walk(c, 0, 2, "f"), 0);
	assert_int_equal(c9_call(c, CW_9P_TREMOVE, "d", 2), EROFS);
	assert_int_equal(c9_clunk(c, 2), EBADF);
	assert_int_equal(c9_walk(c, 0, 3, "l"), 0);
	assert_int_equal(c9_call(c, CW_9P_TREADLINK, "d", 3), 0);
	assert_int_equal(stat(c9_at(c, "export/f"), &after), 0);
	assert_memory_equal(&before, &after, sizeof(before)); /* the time of access too */
	assert_string_equal(c9_get_file(c, "export/f", text), "text");
}

#define T(name) cmocka_unit_test_setup_teardown(name, c9_setup, c9_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(makes_folders), T(makes_links),	    T(makes_nodes),	   T(hard_links),
		T(renames),	  T(renamed_by_others),	    T(renames_deep_paths), T(unlinks),
		T(removes),	  T(symlinks_lead_nowhere), T(swapped_afterwards), T(moved_outside),
		T(mount_points),  T(special_files),	    T(disk_full),	   T(read_only),
	};

	return cmocka_run_group_tests_name("9p_tree", tests, NULL, NULL);
}
