// SPDX-License-Identifier: BSD-3-Clause
/*
 * 9P: what is done with an open file or directory, attributes, locks, extended attributes (rows 42,
 * 45, 46; F20).
 */
#include "p9_client.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/statfs.h>
#include <sys/xattr.h>
#include <unistd.h>

static uint32_t write_at(struct c9 *c, uint32_t fid, uint64_t at, const char *text)
{
	return c9_call(c, CW_9P_TWRITE, "dqdD", fid, at, (unsigned int)strlen(text), text,
		       (int)strlen(text));
}

static void reads(void **state)
{
	struct c9 *c = *state;

	c9_put_file(c, "export/f", "0123456789");
	assert_int_equal(c9_go(c, 1, "f", CW_9P_O_RDONLY), 0);
	assert_int_equal(c9_take(c, 1), CW_9P_QTFILE);
	assert_int_equal(c9_call(c, CW_9P_TREAD, "dqd", 1, (uint64_t)2, 4), 0);
	assert_int_equal(c9_take(c, 4), 4);
	assert_memory_equal(c->reply + c->at, "2345", 4);
	assert_int_equal(c->len, 15);
	assert_int_equal(c9_call(c, CW_9P_TREAD, "dqd", 1, (uint64_t)8, 0xffffffff), 0);
	assert_int_equal(c9_take(c, 4), 2);
	assert_int_equal(c9_call(c, CW_9P_TREAD, "dqd", 1, (uint64_t)11, 4), 0);
	assert_int_equal(c9_take(c, 4), 0);
	assert_int_equal(c9_call(c, CW_9P_TREAD, "dqd", 1, (uint64_t)1 << 63, 4), EINVAL);
	assert_int_equal(c9_call(c, CW_9P_TREAD, "dqd", 1, ~0ull, 0xffffffff), EINVAL);
	assert_int_equal(write_at(c, 1, 0, "x"), EBADF);
	assert_int_equal(c9_call(c, CW_9P_TREAD, "dqd", 0, (uint64_t)0, 4), EBADF); /* not open */
	assert_int_equal(c9_go(c, 2, "", CW_9P_O_RDONLY), 0);
	assert_int_equal(c9_call(c, CW_9P_TREAD, "dqd", 2, (uint64_t)0, 4), EISDIR);
}

/* As much as there is room for: in the reply, and in a message. */
static void large_reads(void **state)
{
	struct c9 *c = *state;
	int fd = open(c9_at(c, "export/f"), O_RDWR | O_CREAT, 0644);

	assert_int_equal(ftruncate(fd, 1 << 20), 0);
	close(fd);
	assert_int_equal(c9_go(c, 1, "f", CW_9P_O_RDONLY), 0);
	assert_int_equal(c9_call(c, CW_9P_TREAD, "dqd", 1, (uint64_t)0, 1 << 20), 0);
	assert_int_equal(c->len, C9_ROOM);
	assert_int_equal(c9_take(c, 4), C9_ROOM - 11);
	c->room = 100;
	assert_int_equal(c9_call(c, CW_9P_TREAD, "dqd", 1, (uint64_t)0, 1 << 20), 0);
	assert_int_equal(c9_take(c, 4), 89);
	for (uint32_t count = 85; count < 105; count++) {
		assert_int_equal(c9_call(c, CW_9P_TREAD, "dqd", 1, (uint64_t)0, count), 0);
		assert_int_equal(c9_take(c, 4), count < 89 ? count : 89);
	}
	c->room = 11;
	assert_int_equal(c9_call(c, CW_9P_TREAD, "dqd", 1, (uint64_t)0, 1 << 20), 0);
	assert_int_equal(c9_take(c, 4), 0);
}

static void writes(void **state)
{
	struct c9 *c = *state;
	char text[256];

	c9_put_file(c, "export/f", "0123456789");
	assert_int_equal(c9_go(c, 1, "f", CW_9P_O_RDWR), 0);
	assert_int_equal(write_at(c, 1, 3, "abc"), 0);
	assert_int_equal(c9_take(c, 4), 3);
	assert_string_equal(c9_get_file(c, "export/f", text), "012abc6789");
	assert_int_equal(write_at(c, 1, (uint64_t)1 << 63, "x"), EINVAL);
	/* a count that is not that of the bytes */
	assert_int_equal(c9_call(c, CW_9P_TWRITE, "dqdD", 1, (uint64_t)0, 5, "zzzz", 4), EPROTO);
	assert_int_equal(c9_call(c, CW_9P_TWRITE, "dqdD", 1, (uint64_t)0, 3, "zzzz", 4), EPROTO);
	assert_int_equal(c9_call(c, CW_9P_TWRITE, "dqdD", 1, (uint64_t)0, 0xffffffff, "zzzz", 4),
			 EPROTO);
	assert_int_equal(c9_call(c, CW_9P_TWRITE, "dqw", 1, (uint64_t)0, 0), EPROTO);
	assert_string_equal(c9_get_file(c, "export/f", text), "012abc6789");
	assert_int_equal(c9_call(c, CW_9P_TFSYNC, "dd", 1, 0), 0);
	assert_int_equal(c9_call(c, CW_9P_TFSYNC, "dd", 1, 1), 0);
	assert_int_equal(c9_call(c, CW_9P_TFSYNC, "d", 1), 0);
	assert_int_equal(c9_call(c, CW_9P_TFSYNC, "dd", 0, 0), EBADF);
	assert_int_equal(c9_go(c, 2, "f", CW_9P_O_WRONLY | CW_9P_O_APPEND), 0);
	assert_int_equal(write_at(c, 2, 0, "!"), 0);
	assert_string_equal(c9_get_file(c, "export/f", text), "012abc6789!");
	assert_int_equal(c9_call(c, CW_9P_TREAD, "dqd", 2, (uint64_t)0, 1), EBADF);
	assert_int_equal(c9_go(c, 3, "f", CW_9P_O_WRONLY | CW_9P_O_TRUNC), 0);
	assert_string_equal(c9_get_file(c, "export/f", text), "");
}

/* Flags are translated or refused; nothing goes to Linux unseen. */
static void open_flags(void **state)
{
	struct c9 *c = *state;
	static const uint32_t fine[] = { CW_9P_O_NONBLOCK, CW_9P_O_DIRECT,   CW_9P_O_ASYNC,
					 CW_9P_O_CREAT,	   CW_9P_O_EXCL,     CW_9P_O_NOATIME,
					 CW_9P_O_SYNC,	   CW_9P_O_LARGEFILE };

	c9_put_file(c, "export/f", "text");
	assert_int_equal(c9_walk(c, 0, 1, "f"), 0);
	for (unsigned int bit = 23; bit < 32; bit++) /* O_PATH and O_TMPFILE among them */
		assert_int_equal(c9_open(c, 1, 1u << bit), EINVAL);
	assert_int_equal(c9_open(c, 1, 3), EINVAL);
	assert_int_equal(c9_open(c, 1, 8), EINVAL);
	assert_int_equal(c9_open(c, 1, CW_9P_O_DIRECTORY), ENOTDIR);
	for (unsigned int i = 0; i < ARRAY_SIZE(fine); i++)
		assert_int_equal(c9_go(c, 10 + i, "f", fine[i]), 0);
	assert_int_equal(c9_go(c, 2, "", CW_9P_O_RDWR), EISDIR);
	assert_int_equal(c9_open(c, 2, CW_9P_O_TRUNC), EISDIR);
	assert_int_equal(c9_open(c, 2, CW_9P_O_DIRECTORY), 0);
	assert_int_equal(c9_go(c, 3, "nothing", 0), ENOENT);
}

static void creates(void **state)
{
	struct c9 *c = *state;
	struct stat st;
	char text[256];

	assert_int_equal(c9_walk(c, 0, 1, ""), 0);
	assert_int_equal(c9_call(c, CW_9P_TLCREATE, "dsddd", 1, "f", CW_9P_O_RDWR, 07666, 0), 0);
	assert_int_equal(c->len, 7 + 13 + 4);
	assert_int_equal(write_at(c, 1, 0, "new"), 0);
	assert_string_equal(c9_get_file(c, "export/f", text), "new");
	assert_int_equal(stat(c9_at(c, "export/f"), &st), 0);
	assert_int_equal(st.st_mode, S_IFREG | 0666); /* no setuid, setgid, sticky */
	assert_int_equal(c9_walk(c, 1, 2, ".."), 0);  /* it is the file now */
	assert_int_equal(c9_walk(c, 0, 3, ""), 0);
	assert_int_equal(
		c9_call(c, CW_9P_TLCREATE, "dsddd", 3, "f", CW_9P_O_RDWR | CW_9P_O_EXCL, 0666, 0),
		EEXIST);
	assert_int_equal(c9_call(c, CW_9P_TLCREATE, "dsddd", 3, "f", CW_9P_O_RDWR, 0666, 0), 0);
	assert_string_equal(c9_get_file(c, "export/f", text), "new");
	assert_int_equal(c9_walk(c, 0, 4, ""), 0);
	assert_int_equal(
		c9_call(c, CW_9P_TLCREATE, "dsddd", 4, "f", CW_9P_O_RDWR | CW_9P_O_TRUNC, 0666, 0),
		0);
	assert_string_equal(c9_get_file(c, "export/f", text), "");
	assert_int_equal(c9_walk(c, 0, 5, "f"), 0);
	assert_int_equal(c9_call(c, CW_9P_TLCREATE, "dsddd", 5, "g", CW_9P_O_RDWR, 0666, 0),
			 ENOTDIR);
	assert_int_equal(c9_call(c, CW_9P_TLCREATE, "dsddd", 4, "g", CW_9P_O_RDWR, 0666, 0),
			 EINVAL);
}

/* What is open goes on when its name does not. */
static void unlinked_but_open(void **state)
{
	struct c9 *c = *state;

	c9_put_file(c, "export/f", "0123456789");
	assert_int_equal(c9_go(c, 1, "f", CW_9P_O_RDWR), 0);
	assert_int_equal(c9_walk(c, 0, 2, "f"), 0);
	assert_int_equal(unlink(c9_at(c, "export/f")), 0);
	assert_int_equal(c9_attribute(c, 1, C9_AT_SIZE, 8), 10);
	assert_int_equal(c9_call(c, CW_9P_TSETATTR,
				 "ddddd"
				 "qqqqq",
				 1, CW_9P_SETATTR_SIZE, 0, 0, 0, (uint64_t)4, (uint64_t)0,
				 (uint64_t)0, (uint64_t)0, (uint64_t)0),
			 0);
	assert_int_equal(c9_attribute(c, 1, C9_AT_SIZE, 8), 4);
	assert_int_equal(c9_call(c, CW_9P_TGETATTR, "dq", 2, (uint64_t)0), ENOENT);
}

static uint32_t set(struct c9 *c, uint32_t fid, uint32_t valid, uint32_t mode, uint64_t size,
		    uint64_t sec, uint64_t nsec)
{
	return c9_call(c, CW_9P_TSETATTR, "dddddqqqqq", fid, valid, mode, 4321, 4321, size, sec,
		       nsec, sec, nsec);
}

static void attributes(void **state)
{
	struct c9 *c = *state;
	struct stat st;

	c9_put_file(c, "export/f", "text");
	assert_int_equal(c9_walk(c, 0, 1, "f"), 0);
	assert_int_equal(set(c, 1, CW_9P_SETATTR_MODE, 07640, 0, 0, 0), 0);
	assert_int_equal(set(c, 1, CW_9P_SETATTR_SIZE, 0, 1000, 0, 0), 0);
	assert_int_equal(set(c, 1, 0x1b0, 0, 0, 1234, 999999999), 0); /* both times, as given */
	assert_int_equal(stat(c9_at(c, "export/f"), &st), 0);
	assert_int_equal(st.st_mode, S_IFREG | 0640);
	assert_int_equal(st.st_size, 1000);
	assert_true(st.st_mtim.tv_sec == 1234 && st.st_mtim.tv_nsec == 999999999);
	assert_true(st.st_atim.tv_sec == 1234 && st.st_atim.tv_nsec == 999999999);
	assert_int_equal(set(c, 1, CW_9P_SETATTR_MTIME, 0, 0, 0, 0), 0); /* now */
	assert_int_equal(stat(c9_at(c, "export/f"), &st), 0);
	assert_true(st.st_mtim.tv_sec > 1000000000 && st.st_atim.tv_sec == 1234);
	assert_int_equal(set(c, 1, CW_9P_SETATTR_CTIME, 0, 0, 0, 0), 0);
	assert_int_equal(set(c, 1, 0x1b0, 0, 0, 0, 1000000000), EINVAL);
	assert_int_equal(set(c, 1, 0x1b0, 0, 0, 0, 0x3fffffff), EINVAL); /* UTIME_NOW, literally */
	assert_int_equal(set(c, 1, CW_9P_SETATTR_SIZE, 0, 1ull << 63, 0, 0), EINVAL);
	for (unsigned int bit = 9; bit < 32; bit++)
		assert_int_equal(set(c, 1, 1u << bit, 0, 0, 0, 0), EINVAL);
	assert_int_equal(set(c, 0, CW_9P_SETATTR_SIZE, 0, 0, 0, 0), EISDIR);
	assert_int_equal(set(c, 0, CW_9P_SETATTR_MODE, 0700, 0, 0, 0), 0);
	assert_int_equal(c9_attribute(c, 0, C9_AT_MODE, 4), S_IFDIR | 0700);
	assert_int_equal(chmod(c9_at(c, "export/f"), 0200), 0); /* only to be written */
	assert_int_equal(set(c, 1, CW_9P_SETATTR_MODE, 0600, 0, 0, 0), 0);
	assert_int_equal(set(c, 1, CW_9P_SETATTR_UID, 0, 0, 0, 0), geteuid() ? EPERM : 0);
	assert_int_equal(stat(c9_at(c, "export/f"), &st), 0);
	assert_true(st.st_uid == (geteuid() ? geteuid() : 4321) && st.st_gid == getegid());
	assert_int_equal(set(c, 1, CW_9P_SETATTR_GID, 0, 0, 0, 0), geteuid() ? EPERM : 0);
	assert_int_equal(stat(c9_at(c, "export/f"), &st), 0);
	assert_true(st.st_gid == (geteuid() ? getegid() : 4321));
}

static void times_of_birth(void **state)
{
	struct c9 *c = *state;
	struct statx st;
	uint64_t valid;

	assert_int_equal(c9_call(c, CW_9P_TGETATTR, "dq", 0, ~0ull), 0);
	valid = c9_take(c, 8);
	assert_int_equal(valid & ~0xfffull, 0); /* not what nobody has */
	assert_int_equal(valid & CW_9P_GETATTR_BASIC, CW_9P_GETATTR_BASIC);
	assert_int_equal(statx(c->root, "", AT_EMPTY_PATH, STATX_BTIME, &st), 0);
	assert_int_equal(valid & CW_9P_GETATTR_BTIME,
			 st.stx_mask & STATX_BTIME ? CW_9P_GETATTR_BTIME : 0);
	c->at = 128;
	assert_int_equal(c9_take(c, 8), st.stx_btime.tv_sec);
	assert_int_equal(c9_call(c, CW_9P_TGETATTR, "dq", 0, (uint64_t)CW_9P_GETATTR_SIZE), 0);
	assert_int_equal(c9_take(c, 8), CW_9P_GETATTR_SIZE);
}

static void file_system(void **state)
{
	struct c9 *c = *state;

	struct statfs sf;

	assert_int_equal(statfs(c->base, &sf), 0);
	assert_int_equal(c9_call(c, CW_9P_TSTATFS, "d", 0), 0);
	assert_int_equal(c->len, 67);
	assert_int_equal(c9_take(c, 4), (uint32_t)sf.f_type);
	assert_int_equal(c9_take(c, 4), sf.f_bsize);
	assert_int_equal(c9_take(c, 8), sf.f_blocks);
	c->at = 63;
	assert_int_equal(c9_take(c, 4), 255);
	assert_int_equal(c9_call(c, CW_9P_TSTATFS, "d", 5), EBADF);
}

/* ---- directories ---- */

/* One Treaddir: counts its entries, marks in @seen those called by a number. */
static unsigned int entries(struct c9 *c, uint32_t fid, uint64_t *offset, uint32_t count,
			    uint8_t *seen)
{
	unsigned int n = 0;
	uint32_t end;

	assert_int_equal(c9_call(c, CW_9P_TREADDIR, "dqd", fid, *offset, count), 0);
	end = (uint32_t)c9_take(c, 4);
	assert_true(end <= count && c->len == 11 + end);
	for (; c->at < c->len; n++) {
		uint8_t type = (uint8_t)c9_take(c, 1);
		char name[256];
		size_t len;

		c9_take(c, 4);
		assert_true(c9_take(c, 8) != 0);
		*offset = c9_take(c, 8);
		assert_int_equal(type, c9_take(c, 1) == CW_9P_DT_DIR ? CW_9P_QTDIR : CW_9P_QTFILE);
		len = c9_take(c, 2);
		memcpy(name, c->reply + c->at, len);
		name[len] = '\0';
		c->at += (uint32_t)len;
		if (name[0] == 'n')
			seen[atoi(name + 1)]++;
	}
	return n;
}

#define MANY 1500 /* more than the kernel is asked for at once */

static void lists(void **state)
{
	struct c9 *c = *state;
	uint8_t seen[MANY] = { 0 };
	uint64_t offset = 0;

	mkdir(c9_at(c, "export/d"), 0755);
	for (unsigned int i = 0; i < MANY; i++) {
		char name[64];

		snprintf(name, sizeof(name), "export/d/n%u%.*s", i, (int)(i % 40),
			 "........................................");
		c9_put_file(c, name, "");
	}
	assert_int_equal(c9_go(c, 1, "d", CW_9P_O_RDONLY), 0);
	for (uint32_t count = 400; entries(c, 1, &offset, count, seen);
	     count = count * 7 % 3001 + 400)
		;
	for (unsigned int i = 0; i < MANY; i++)
		assert_int_equal(seen[i], 1);
	offset = 0; /* once more, all at once */
	while (entries(c, 1, &offset, C9_ROOM, seen))
		;
	for (unsigned int i = 0; i < MANY; i++)
		assert_int_equal(seen[i], 2);
}

/* A listing that goes on from where an answer was cut off, by offset alone. */
static void lists_by_offset(void **state)
{
	struct c9 *c = *state;
	uint8_t seen[16] = { 0 };
	uint64_t offset = 0, other = 0, random = 1;

	for (unsigned int i = 0; i < 16; i++) {
		char name[32];

		snprintf(name, sizeof(name), "export/n%u", i);
		c9_put_file(c, name, "");
	}
	assert_int_equal(c9_go(c, 1, "", CW_9P_O_RDONLY), 0);
	for (uint64_t asked = 0; entries(c, 1, &offset, 60, seen); asked = offset) {
		uint8_t others[16] = { 0 }, again[60];
		uint32_t len = c->len;

		if (unit_random(&random) % 3 == 0)
			continue;
		memcpy(again, c->reply + 11, len - 11); /* the same once more */
		entries(c, 1, &asked, 60, others);
		assert_true(c->len == len && !memcmp(again, c->reply + 11, len - 11));
		other = 0;
		if (unit_random(&random) % 2)
			entries(c, 1, &other, 4000, others);
	}
	for (unsigned int i = 0; i < 16; i++)
		assert_int_equal(seen[i], 1);
	other = 0;
	entries(c, 1, &other, 60, seen);
	assert_int_equal(c9_clunk(c, 1), 0);
	assert_int_equal(c9_go(c, 1, "", CW_9P_O_RDONLY),
			 0); /* a new one knows nothing of the old */
	while (entries(c, 1, &other, 4000, seen))
		;
	for (unsigned int i = 0; i < 16; i++)
		assert_int_equal(seen[i], 2);
	assert_int_equal(c9_call(c, CW_9P_TREADDIR, "dqd", 1, (uint64_t)0, 24), EINVAL);
	assert_int_equal(c9_call(c, CW_9P_TREADDIR, "dqd", 1, (uint64_t)0, 0), EINVAL);
}

static void odd_offsets(void **state)
{
	struct c9 *c = *state;
	uint64_t random = 1;
	uint32_t err;

	c9_put_file(c, "export/f", "");
	assert_int_equal(c9_go(c, 1, "", CW_9P_O_RDONLY), 0);
	assert_int_equal(c9_call(c, CW_9P_TREADDIR, "dqd", 1, 1ull << 63, 4000), EINVAL);
	assert_int_equal(c9_call(c, CW_9P_TREADDIR, "dqd", 1, ~0ull, 4000), EINVAL);
	for (unsigned int i = 0; i < 200; i++) {
		uint64_t offset = (uint64_t)unit_random(&random) << (unit_random(&random) % 32);

		err = c9_call(c, CW_9P_TREADDIR, "dqd", 1, offset, 4000);
		assert_true(!err || err == EINVAL);
	}
	assert_int_equal(c9_call(c, CW_9P_TREADDIR, "dqd", 1, (uint64_t)0, 4000), 0);
	assert_true(c9_take(c, 4) > 3 * 25);
	assert_int_equal(c9_go(c, 2, "f", CW_9P_O_RDONLY), 0);
	assert_int_equal(c9_call(c, CW_9P_TREADDIR, "dqd", 2, (uint64_t)0, 4000), ENOTDIR);
}

/* The inode of an entry of a listing. */
static uint64_t inode_of(struct c9 *c, uint32_t fid, const char *name)
{
	assert_int_equal(c9_call(c, CW_9P_TREADDIR, "dqd", fid, (uint64_t)0, 4000), 0);
	for (c9_take(c, 4); c->at < c->len;) {
		uint64_t ino;
		size_t len;

		c9_take(c, 5);
		ino = c9_take(c, 8);
		c9_take(c, 9);
		len = c9_take(c, 2);
		if (len == strlen(name) && !memcmp(c->reply + c->at, name, len))
			return ino;
		c->at += (uint32_t)len;
	}
	return 0;
}

static void inodes(void **state)
{
	struct c9 *c = *state;
	struct stat root, d;

	mkdir(c9_at(c, "export/d"), 0755);
	stat(c9_at(c, "export"), &root);
	stat(c9_at(c, "export/d"), &d);
	assert_int_equal(c9_go(c, 1, "", CW_9P_O_RDONLY), 0);
	assert_int_equal(inode_of(c, 1, "."), root.st_ino);
	assert_int_equal(inode_of(c, 1, ".."),
			 root.st_ino); /* what is above is nobody's business */
	assert_int_equal(inode_of(c, 1, "d"), d.st_ino);
	assert_int_equal(c9_go(c, 2, "d", CW_9P_O_RDONLY), 0);
	assert_int_equal(inode_of(c, 2, ".."), root.st_ino);
	assert_int_equal(inode_of(c, 2, "."), d.st_ino);
	assert_int_equal(rmdir(c9_at(c, "export/d")), 0);
	assert_int_equal(c9_call(c, CW_9P_TREADDIR, "dqd", 2, (uint64_t)0, 4000), ENOENT);
}

/* ---- locks ---- */

static uint32_t lock(struct c9 *c, uint32_t fid, int type, uint64_t start, uint64_t length)
{
	uint32_t err = c9_call(c, CW_9P_TLOCK, "dbdqqds", fid, type, CW_9P_LOCK_F_BLOCK, start,
			       length, 1, "client");

	return err ? err : 1000 + (uint32_t)c9_take(c, 1);
}
#define GOT   (1000 + CW_9P_LOCK_SUCCESS)
#define BUSY  (1000 + CW_9P_LOCK_BLOCKED)
#define ERROR (1000 + CW_9P_LOCK_ERROR)

static void locks(void **state)
{
	struct c9 *c = *state;

	c9_put_file(c, "export/f", "");
	assert_int_equal(c9_go(c, 1, "f", CW_9P_O_RDWR), 0);
	assert_int_equal(c9_go(c, 2, "f", CW_9P_O_RDWR), 0);
	assert_int_equal(lock(c, 1, CW_9P_LOCK_WRLCK, 10, 10), GOT);
	assert_int_equal(lock(c, 2, CW_9P_LOCK_WRLCK, 0, 0), BUSY); /* and does not wait */
	assert_int_equal(lock(c, 2, CW_9P_LOCK_RDLCK, 0, 10), GOT);
	assert_int_equal(c9_call(c, CW_9P_TGETLOCK, "dbqqds", 2, CW_9P_LOCK_RDLCK, (uint64_t)0,
				 (uint64_t)0, 1, "x"),
			 0);
	assert_int_equal(c9_take(c, 1), CW_9P_LOCK_WRLCK);
	assert_int_equal(c9_take(c, 8), 10);
	assert_int_equal(c9_take(c, 8), 10);
	assert_int_equal(lock(c, 1, CW_9P_LOCK_UNLCK, 10, 5), GOT);
	assert_int_equal(lock(c, 2, CW_9P_LOCK_WRLCK, 10, 5), GOT);
	assert_int_equal(c9_clunk(c, 1), 0);
	assert_int_equal(lock(c, 2, CW_9P_LOCK_WRLCK, 0, 0), GOT);
	assert_int_equal(c9_call(c, CW_9P_TGETLOCK, "dbqqds", 2, CW_9P_LOCK_RDLCK, (uint64_t)0,
				 (uint64_t)0, 1, "x"),
			 0);
	assert_int_equal(c9_take(c, 1), CW_9P_LOCK_UNLCK);
}

static void bad_locks(void **state)
{
	struct c9 *c = *state;

	c9_put_file(c, "export/f", "");
	assert_int_equal(c9_go(c, 1, "f", CW_9P_O_RDONLY), 0);
	assert_int_equal(lock(c, 1, CW_9P_LOCK_WRLCK, 0, 0), EBADF);
	assert_int_equal(lock(c, 1, 3, 0, 0), EINVAL);
	assert_int_equal(lock(c, 1, CW_9P_LOCK_RDLCK, 1ull << 63, 0), EINVAL);
	assert_int_equal(lock(c, 1, CW_9P_LOCK_RDLCK, 2, INT64_MAX - 1), EINVAL);
	assert_int_equal(lock(c, 1, CW_9P_LOCK_RDLCK, 2, INT64_MAX - 2), GOT);
	assert_int_equal(lock(c, 0, CW_9P_LOCK_RDLCK, 0, 0), EBADF);
	assert_int_equal(
		c9_call(c, CW_9P_TLOCK, "dbdqqds", 1, 0, 4, (uint64_t)0, (uint64_t)0, 1, ""),
		EINVAL);
	assert_int_equal(
		c9_call(c, CW_9P_TGETLOCK, "dbqqds", 1, 2, (uint64_t)0, (uint64_t)0, 1, ""),
		EINVAL);
}

/* Ranges are counted as the kernel has them: split, joined over, given back. */
static void many_locks(void **state)
{
	struct c9 *c = *state;
	unsigned int n = 0;

	c9_put_file(c, "export/f", "");
	assert_int_equal(c9_go(c, 1, "f", CW_9P_O_RDWR), 0);
	assert_int_equal(c9_go(c, 2, "f", CW_9P_O_RDWR), 0);
	while (lock(c, 1, CW_9P_LOCK_WRLCK, 10 * n, 5) == GOT)
		n++;
	assert_int_equal(n, CW_9P_LOCKS);
	assert_int_equal(lock(c, 2, CW_9P_LOCK_RDLCK, 1 << 20, 1), ERROR);
	assert_int_equal(lock(c, 1, CW_9P_LOCK_UNLCK, 2, 1), ERROR); /* would be one more */
	assert_int_equal(lock(c, 1, CW_9P_LOCK_UNLCK, 0, 5), GOT);
	assert_int_equal(lock(c, 1, CW_9P_LOCK_UNLCK, 12, 1), GOT);
	assert_int_equal(lock(c, 1, CW_9P_LOCK_UNLCK, 22, 1), ERROR);
	assert_int_equal(lock(c, 1, CW_9P_LOCK_WRLCK, 0, 0), GOT); /* one for all of them */
	for (n = 0; n < CW_9P_LOCKS - 1; n++)
		assert_int_equal(lock(c, 1, CW_9P_LOCK_UNLCK, 10 + 2 * n, 1), GOT);
	assert_int_equal(lock(c, 1, CW_9P_LOCK_UNLCK, 5, 1), ERROR);
	assert_int_equal(lock(c, 1, CW_9P_LOCK_UNLCK, 0, 0), GOT);
	for (n = 0; n < CW_9P_LOCKS; n++) /* others' are not touched */
		assert_int_equal(lock(c, 1 + n % 2, CW_9P_LOCK_RDLCK, 2 * n, 1), GOT);
	assert_int_equal(c9_clunk(c, 1), 0);
	for (n = 0; n < CW_9P_LOCKS / 2; n++)
		assert_int_equal(lock(c, 2, CW_9P_LOCK_WRLCK, 10000 + 2 * n, 1), GOT);
	assert_int_equal(lock(c, 2, CW_9P_LOCK_WRLCK, 1 << 20, 1), ERROR);
}

/* ---- extended attributes ---- */

static void extended(void **state)
{
	struct c9 *c = *state;
	char value[64];

	c9_put_file(c, "export/f", "");
	assert_int_equal(c9_walk(c, 0, 1, "f"), 0);
	assert_int_equal(c9_call(c, CW_9P_TXATTRCREATE, "dsqd", 1, "user.a", (uint64_t)5, 0), 0);
	assert_int_equal(write_at(c, 1, 0, "he"), 0);
	assert_int_equal(write_at(c, 1, 2, "llo"), 0);
	if (setxattr(c9_at(c, "export/f"), "user.test", "x", 1, 0)) {
		assert_int_equal(c9_clunk(c, 1), errno); /* a file system without them */
		return;
	}
	assert_int_equal(c9_clunk(c, 1), 0);
	assert_int_equal(getxattr(c9_at(c, "export/f"), "user.a", value, sizeof(value)), 5);
	assert_memory_equal(value, "hello", 5);
	assert_int_equal(c9_walk(c, 0, 1, "f"), 0);
	assert_int_equal(c9_call(c, CW_9P_TXATTRWALK, "dds", 1, 2, "user.a"), 0);
	assert_int_equal(c9_take(c, 8), 5);
	assert_int_equal(c9_call(c, CW_9P_TREAD, "dqd", 2, (uint64_t)1, 100), 0);
	assert_int_equal(c9_take(c, 4), 4);
	assert_memory_equal(c->reply + c->at, "ello", 4);
	assert_int_equal(c9_call(c, CW_9P_TREAD, "dqd", 2, INT64_MAX, 100), 0);
	assert_int_equal(c9_take(c, 4), 0);
	assert_int_equal(c9_call(c, CW_9P_TXATTRWALK, "dds", 1, 3, ""), 0);
	assert_int_equal(c9_take(c, 8), 17);
	assert_int_equal(c9_call(c, CW_9P_TXATTRWALK, "dds", 1, 4, "user.none"), ENODATA);
	assert_int_equal(c9_call(c, CW_9P_TXATTRCREATE, "dsqd", 1, "user.a", (uint64_t)0, 0), 0);
	assert_int_equal(c9_clunk(c, 1), 0); /* removes */
	assert_int_equal(getxattr(c9_at(c, "export/f"), "user.a", value, sizeof(value)), -1);
}

/* What a session leaves unfinished is not done. */
static void unfinished(void **state)
{
	struct c9 *c = *state;
	char value[8];

	c9_put_file(c, "export/f", "");
	if (setxattr(c9_at(c, "export/f"), "user.a", "old", 3, 0))
		return;
	for (uint64_t size = 0; size < 2; size++) {
		assert_int_equal(c9_walk(c, 0, 1, "f"), 0);
		assert_int_equal(c9_call(c, CW_9P_TXATTRCREATE, "dsqd", 1, "user.a", size, 0), 0);
		if (size)
			assert_int_equal(write_at(c, 1, 0, "x"), 0);
		c9_serve(c, false);
		assert_int_equal(getxattr(c9_at(c, "export/f"), "user.a", value, sizeof(value)), 3);
	}
}

static void bad_extended(void **state)
{
	static const char *const others[] = {
		"security.selinux", "system.posix_acl_access", "trusted.x", "user.", "user", "x"
	};
	struct c9 *c = *state;

	c9_put_file(c, "export/f", "");
	assert_int_equal(c9_walk(c, 0, 1, "f"), 0);
	for (unsigned int i = 0; i < ARRAY_SIZE(others); i++) {
		assert_int_equal(c9_call(c, CW_9P_TXATTRWALK, "dds", 1, 2, others[i]), EOPNOTSUPP);
		assert_int_equal(
			c9_call(c, CW_9P_TXATTRCREATE, "dsqd", 1, others[i], (uint64_t)1, 0),
			EOPNOTSUPP);
	}
	assert_int_equal(c9_call(c, CW_9P_TXATTRWALK, "ddS", 1, 2, "user.\0x", 7), EINVAL);
	assert_int_equal(c9_call(c, CW_9P_TXATTRCREATE, "dsqd", 1, "user.a", (uint64_t)65537, 0),
			 E2BIG);
	assert_int_equal(c9_call(c, CW_9P_TXATTRCREATE, "dsqd", 1, "user.a", ~0ull, 0), E2BIG);
	assert_int_equal(c9_call(c, CW_9P_TXATTRCREATE, "dsqd", 1, "user.a", (uint64_t)4, 4),
			 EINVAL);
	/* a size that lies: what comes is more, or less, or elsewhere */
	assert_int_equal(c9_call(c, CW_9P_TXATTRCREATE, "dsqd", 1, "user.a", (uint64_t)4, 0), 0);
	assert_int_equal(write_at(c, 1, 0, "12345"), EINVAL);
	assert_int_equal(write_at(c, 1, 1, "1"), EINVAL);
	assert_int_equal(write_at(c, 1, 0, "123"), 0);
	assert_int_equal(write_at(c, 1, 3, "45"), EINVAL);
	assert_int_equal(c9_walk(c, 1, 5, ""), EINVAL); /* in use so */
	assert_int_equal(c9_open(c, 1, 0), EINVAL);
	assert_int_equal(c9_call(c, CW_9P_TREAD, "dqd", 1, (uint64_t)0, 1), EBADF);
	assert_int_equal(c9_call(c, CW_9P_TXATTRWALK, "dds", 1, 2, ""), EBADF);
	assert_int_equal(c9_clunk(c, 1), EINVAL); /* and gone nevertheless */
	assert_int_equal(c9_clunk(c, 1), EBADF);
	for (uint32_t i = 0; i < CW_9P_XATTRS; i++) {
		assert_int_equal(c9_walk(c, 0, 10 + i, "f"), 0);
		assert_int_equal(
			c9_call(c, CW_9P_TXATTRCREATE, "dsqd", 10 + i, "user.a", (uint64_t)1, 0),
			0);
	}
	assert_int_equal(c9_walk(c, 0, 1, "f"), 0);
	assert_int_equal(c9_call(c, CW_9P_TXATTRCREATE, "dsqd", 1, "user.a", (uint64_t)1, 0),
			 ENFILE);
	assert_int_equal(c9_call(c, CW_9P_TXATTRWALK, "dds", 1, 2, ""), ENFILE);
	c9_clunk(c, 10);
	assert_int_equal(c9_call(c, CW_9P_TXATTRCREATE, "dsqd", 1, "user.a", (uint64_t)1, 0), 0);
}

/* Bytes that do not fit are an error, the last good write in part. */
static void no_more_room(void **state)
{
	struct c9 *c = *state;
	struct rlimit old, small = { 8192, RLIM_INFINITY };
	char bytes[4096];
	uint32_t err = 0;
	uint64_t at = 0;

	memset(bytes, 'x', sizeof(bytes));
	getrlimit(RLIMIT_FSIZE, &old);
	small.rlim_max = old.rlim_max;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	assert_int_equal(c9_call(c, CW_9P_TLCREATE, "dsddd", 0, "f", CW_9P_O_RDWR, 0644, 0), 0);
	for (unsigned int i = 0; !err && i < 9; i++) {
		err = c9_call(c, CW_9P_TWRITE, "dqdD", 0, at, 3000, bytes, 3000);
		if (!err)
			at += c9_take(c, 4);
	}
	setrlimit(RLIMIT_FSIZE, &old);
	assert_int_equal(err, EFBIG);
	assert_int_equal(at, 8192); /* the last good one in part */
	assert_int_equal(write_at(c, 0, 0, "y"), 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, c9_setup, c9_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(reads),	 T(large_reads),     T(writes),
		T(open_flags),	 T(creates),	     T(unlinked_but_open),
		T(attributes),	 T(times_of_birth),  T(file_system),
		T(lists),	 T(lists_by_offset), T(odd_offsets),
		T(inodes),	 T(locks),	     T(bad_locks),
		T(many_locks),	 T(extended),	     T(unfinished),
		T(bad_extended), T(no_more_room),
	};

	return cmocka_run_group_tests_name("9p_file", tests, NULL, NULL);
}
