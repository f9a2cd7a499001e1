// SPDX-License-Identifier: BSD-3-Clause
/*
 * 9P: frames, sessions, fids and walks, and what a client gets that breaks their rules (rows 42,
 * 43, 45, 46).
 */
#include "p9_client.h"

#include <causeway/core/err.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statfs.h>
#include <sys/uio.h>
#include <unistd.h>

static void begins(void **state)
{
	struct c9 *c = *state;

	assert_int_equal(c9_call(c, CW_9P_TVERSION, "ds", 8192, "9P2000.L"), 0);
	assert_int_equal(c9_take(c, 4), 8192);
	assert_int_equal(c9_take(c, 2), 8);
	assert_memory_equal(c->reply + c->at, "9P2000.L", 8);
	assert_int_equal(c9_call(c, CW_9P_TVERSION, "ds", 1u << 30, "9P2000.L"), 0);
	assert_int_equal(c9_take(c, 4), C9_ROOM);
}

static void needs_a_session(void **state)
{
	struct c9 *c = *state;

	assert_int_equal(c9_call(c, CW_9P_TVERSION, "ds", 8192, "9P2000"), 0);
	c9_take(c, 4);
	assert_int_equal(c9_take(c, 2), 7);
	assert_memory_equal(c->reply + c->at, "unknown", 7);
	assert_int_equal(c9_call(c, CW_9P_TATTACH, "ddssd", 0, CW_9P_NOFID, "", "", 0), EPROTO);
	assert_int_equal(c9_call(c, CW_9P_TVERSION, "ds", 4095, "9P2000.L"), EMSGSIZE);
	assert_int_equal(c9_clunk(c, 0), EPROTO);
}

/* Tversion in the middle: all that was is over. */
static void begins_anew(void **state)
{
	struct c9 *c = *state;

	assert_int_equal(c9_go(c, 1, "", CW_9P_O_RDONLY), 0);
	assert_int_equal(c9_call(c, CW_9P_TVERSION, "ds", 8192, "9P2000.L"), 0);
	assert_int_equal(c9_clunk(c, 1), EBADF);
	assert_int_equal(c9_clunk(c, 0), EBADF);
}

static void frames(void **state)
{
	struct c9 *c = *state;
	uint32_t len = c9_pack(c, CW_9P_TCLUNK, "d", 0);

	for (uint32_t n = 0; n < len; n++) { /* whatever is missing */
		c->tag = n < 7 ? CW_9P_NOTAG : 1;
		c->request[5] = 1;
		c->request[6] = 0;
		assert_int_equal(c9_send(c, n), EPROTO);
	}
	c->tag = 0;
	assert_int_equal(c9_call(c, CW_9P_TCLUNK, "db", 0, 0), EPROTO);
	assert_int_equal(c9_call(c, CW_9P_TCLUNK, "w", 0), EPROTO);
	for (uint32_t size = 0; size < 20; size += 2) { /* a size that lies */
		len = c9_pack(c, CW_9P_TCLUNK, "d", 0);
		c->request[0] = (uint8_t)(size == len ? 255 : size);
		assert_int_equal(c9_send(c, len), EPROTO);
	}
	assert_int_equal(c9_clunk(c, 0), 0); /* it was there all the time */
}

static void unknown_types(void **state)
{
	struct c9 *c = *state;
	static const uint8_t known[] = { 8,   12,  14,	16,  18,  20,  22,  24, 26, 30,
					 32,  40,  50,	52,  54,  70,  72,  74, 76, 100,
					 102, 104, 108, 110, 116, 118, 120, 122 };

	for (unsigned int type = 0; type < 256; type++)
		if (!memchr(known, (int)type, sizeof(known))) {
			uint32_t len = c9_pack(c, 7, "");

			c->request[4] = (uint8_t)type;
			assert_int_equal(c9_send(c, len), EOPNOTSUPP);
		}
}

static void larger_than_agreed(void **state)
{
	struct c9 *c = *state;
	static char bytes[8192];

	assert_int_equal(c9_call(c, CW_9P_TVERSION, "ds", 4096, "9P2000.L"), 0);
	assert_int_equal(c9_call(c, CW_9P_TWRITE, "dqdD", 1, (uint64_t)0, 4074, bytes, 4074),
			 E2BIG);
	assert_int_equal(c9_call(c, CW_9P_TWRITE, "dqdD", 1, (uint64_t)0, 4073, bytes, 4073),
			 EBADF);
}

/* No answer is larger than the room for it, and one that would be has done nothing. */
static void small_rooms(void **state)
{
	struct c9 *c = *state;

	for (c->room = 0; c->room < 11; c->room++)
		assert_int_equal(cw_9p_answer(c->server, c->request,
					      c9_pack(c, CW_9P_TCLUNK, "d", 0), c->reply, c->room),
				 0);
	for (; c->room < 160; c->room++)
		assert_int_equal(c9_call(c, CW_9P_TGETATTR, "dq", 0, (uint64_t)0), EMSGSIZE);
	assert_int_equal(c9_call(c, CW_9P_TGETATTR, "dq", 0, (uint64_t)0), 0);
	mkdir(c9_at(c, "export/d"), 0755);
	c->room = 21;
	assert_int_equal(c9_walk(c, 0, 1, "d"), EMSGSIZE);
	assert_int_equal(c9_clunk(c, 1), EBADF);
	c->room = 22;
	assert_int_equal(c9_walk(c, 0, 1, "d"), 0);
	assert_int_equal(c9_call(c, CW_9P_TMKDIR, "dsdd", 0, "e", 0755, 0), 0);
	c->room = 19;
	assert_int_equal(c9_call(c, CW_9P_TMKDIR, "dsdd", 0, "f", 0755, 0), EMSGSIZE);
	assert_int_equal(access(c9_at(c, "export/f"), F_OK), -1);
}

/* The largest room that is too small for each answer, and the next. */
static void every_room(void **state)
{
	struct c9 *c = *state;
	static const struct {
		uint32_t type, reply;
	} opens[] = { { CW_9P_TLOPEN, 24 }, { CW_9P_TLCREATE, 24 } };

	for (unsigned int i = 0; i < 2; i++) {
		const char *format = i ? "dsddd" : "dd";

		assert_int_equal(c9_walk(c, 0, 1, ""), 0);
		c->room = opens[i].reply - 1;
		if (i)
			assert_int_equal(c9_call(c, opens[i].type, format, 1, "new", 0, 0644, 0),
					 EMSGSIZE);
		else
			assert_int_equal(c9_call(c, opens[i].type, format, 1, 0), EMSGSIZE);
		assert_int_equal(access(c9_at(c, "export/new"), F_OK), -1);
		c->room++;
		if (i)
			assert_int_equal(c9_call(c, opens[i].type, format, 1, "new", 0, 0644, 0),
					 0);
		else
			assert_int_equal(c9_call(c, opens[i].type, format, 1, 0), 0);
		c->room = C9_ROOM;
		assert_int_equal(c9_clunk(c, 1), 0);
	}
	c->room = 66;
	assert_int_equal(c9_call(c, CW_9P_TSTATFS, "d", 0), EMSGSIZE);
	c->room = 19;
	assert_int_equal(c9_call(c, CW_9P_TSYMLINK, "dssd", 0, "l", "x", 0), EMSGSIZE);
	assert_int_equal(c9_call(c, CW_9P_TMKNOD, "dsdddd", 0, "n", 0644, 0, 0, 0), EMSGSIZE);
	assert_int_equal(c9_call(c, CW_9P_TATTACH, "ddssd", 5, CW_9P_NOFID, "", "", 0), EMSGSIZE);
	c->room = 14;
	assert_int_equal(c9_call(c, CW_9P_TXATTRWALK, "dds", 0, 5, ""), EMSGSIZE);
	c->room = C9_ROOM;
	assert_int_equal(c9_clunk(c, 5), EBADF);
	assert_int_equal(access(c9_at(c, "export/l"), F_OK), -1);
	assert_int_equal(access(c9_at(c, "export/n"), F_OK), -1);
}

static void attaches(void **state)
{
	struct c9 *c = *state;
	struct cw_9p_options o = { .root = c->root, .msize = 8192, .name = "/srv/files" };
	static const struct {
		const char *name;
		uint32_t err;
	} tries[] = {
		{ "", 0 }, { "/", 0 }, { "/srv/files", 0 }, { "/srv", ENOENT }, { "..", ENOENT }
	};

	assert_int_equal(c9_call(c, CW_9P_TATTACH, "ddssd", 1, CW_9P_NOFID, "", "/any", 0), 0);
	assert_int_equal(c9_call(c, CW_9P_TATTACH, "ddssd", 1, CW_9P_NOFID, "", "", 0), EINVAL);
	assert_int_equal(c9_call(c, CW_9P_TATTACH, "ddssd", 2, 1, "", "", 0), EBADF);
	assert_int_equal(c9_call(c, CW_9P_TATTACH, "ddssd", CW_9P_NOFID, CW_9P_NOFID, "", "", 0),
			 EBADF);
	assert_int_equal(c9_call(c, CW_9P_TAUTH, "dssd", 1, "root", "", 0), ENOENT);
	cw_9p_free(c->server);
	c->server = cw_9p_create(&o);
	assert_int_equal(c9_call(c, CW_9P_TVERSION, "ds", 8192, "9P2000.L"), 0);
	for (unsigned int i = 0; i < 5; i++)
		assert_int_equal(
			c9_call(c, CW_9P_TATTACH, "ddssd", i, CW_9P_NOFID, "", tries[i].name, 0),
			tries[i].err);
}

static void flushes(void **state)
{
	struct c9 *c = *state;

	assert_int_equal(c9_call(c, CW_9P_TFLUSH, "w", 77), 0);
	assert_int_equal(c9_call(c, CW_9P_TFLUSH, "w", c->tag + 1), 0); /* itself */
	assert_int_equal(c9_call(c, CW_9P_TFLUSH, ""), EPROTO);
}

static void walks(void **state)
{
	struct c9 *c = *state;
	struct stat st;

	mkdir(c9_at(c, "export/a"), 0755);
	mkdir(c9_at(c, "export/a/b"), 0755);
	c9_put_file(c, "export/a/b/f", "text");
	assert_int_equal(c9_walk(c, 0, 1, "a/b/f"), 0);
	assert_int_equal(c->len, 9 + 3 * 13);
	assert_int_equal(c9_take(c, 1), CW_9P_QTDIR);
	c->at = 9 + 2 * 13;
	assert_int_equal(c9_take(c, 1), CW_9P_QTFILE);
	c9_take(c, 4);
	stat(c9_at(c, "export/a/b/f"), &st);
	assert_int_equal(c9_take(c, 8), st.st_ino);
	assert_int_equal(c9_attribute(c, 1, C9_AT_SIZE, 8), 4);
	assert_int_equal(c9_walk(c, 1, 2, ""), 0); /* a copy */
	assert_int_equal(c9_attribute(c, 2, C9_AT_SIZE, 8), 4);
	assert_int_equal(c9_walk(c, 2, 2, "../../../../../a"),
			 0); /* in place, and the root is the top */
	assert_int_equal(c9_take(c, 1), CW_9P_QTDIR);
	stat(c9_at(c, "export/a"), &st);
	assert_int_equal(c9_attribute(c, 2, 20, 8), st.st_ino);
}

static void walks_in_part(void **state)
{
	struct c9 *c = *state;

	mkdir(c9_at(c, "export/a"), 0755);
	assert_int_equal(c9_walk(c, 0, 1, "x/y"), ENOENT);
	assert_int_equal(c->len, 11);
	assert_int_equal(c9_walk(c, 0, 1, "a/x/y"), ENOENT);
	assert_int_equal(c->len, 9 + 13); /* one name, and no fid */
	assert_int_equal(c9_clunk(c, 1), EBADF);
	assert_int_equal(c9_walk(c, 0, 0, "a/x"), ENOENT);
	assert_int_equal(c9_walk(c, 0, 1, "a"), 0); /* 0 still is the root */
}

static void fid_rules(void **state)
{
	struct c9 *c = *state;

	mkdir(c9_at(c, "export/a"), 0755);
	assert_int_equal(c9_walk(c, 9, 1, ""), EBADF);
	assert_int_equal(c9_walk(c, 0, 1, "a"), 0);
	assert_int_equal(c9_walk(c, 0, 1, "a"), EINVAL); /* in use */
	assert_int_equal(c9_walk(c, 0, CW_9P_NOFID, ""), EBADF);
	assert_int_equal(c9_open(c, 1, 0), 0);
	assert_int_equal(c9_open(c, 1, 0), EINVAL);
	assert_int_equal(c9_walk(c, 1, 1, ".."), EINVAL); /* open */
	assert_int_equal(c9_walk(c, 1, 2, ".."), 0);
	assert_int_equal(c9_clunk(c, 1), 0);
	assert_int_equal(c9_clunk(c, 1), EBADF);
	assert_int_equal(c9_walk(c, 0, 1, ""), 0); /* used again */
	for (unsigned int type = 8; type < 128; type += 2) {
		uint32_t err = c9_call(c, type, "d", 1234);

		if (type != CW_9P_TVERSION && type != CW_9P_TFLUSH)
			assert_true(err == EBADF || err == EPROTO || err == EOPNOTSUPP);
	}
}

static void names(void **state)
{
	static const struct {
		const char *name;
		int len;
		uint32_t err;
	} bad[] = {
		{ "", 0, EINVAL },
		{ ".", 1, EINVAL },
		{ "a/b", 3, EINVAL },
		{ "/", 1, EINVAL },
		{ "a\0b", 3, EINVAL },
		{ "\0", 1, EINVAL },
		{ "\xff", 1, EINVAL },
		{ "\xc0\xaf", 2, EINVAL },
		{ "\xc3", 1, EINVAL },
		{ "\xed\xa0\x80", 3, EINVAL },
		{ "\xe0\x80\xaf", 3, EINVAL },
		{ "\xf4\x90\x80\x80", 4, EINVAL },
		{ "\xf0\x8f\xbf\xbf", 4, EINVAL },
	};
	struct c9 *c = *state;
	char *large = malloc(60000);

	memset(large, 'x', 60000);
	for (unsigned int i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(
			c9_call(c, CW_9P_TMKDIR, "dSdd", 0, bad[i].name, bad[i].len, 0755, 0),
			bad[i].err);
		assert_int_equal(c9_call(c, CW_9P_TWALK, "ddwS", 0, 1, 1, bad[i].name, bad[i].len),
				 bad[i].err);
	}
	assert_int_equal(c9_call(c, CW_9P_TMKDIR, "dsdd", 0, "..", 0755, 0), EINVAL);
	assert_int_equal(c9_call(c, CW_9P_TMKDIR, "dSdd", 0, large, 256, 0755, 0), ENAMETOOLONG);
	assert_int_equal(c9_call(c, CW_9P_TMKDIR, "dSdd", 0, large, 60000, 0755, 0), ENAMETOOLONG);
	assert_int_equal(c9_call(c, CW_9P_TMKDIR, "dSdd", 0, large, 255, 0755, 0), 0);
	assert_int_equal(c9_call(c, CW_9P_TMKDIR, "dsdd", 0, "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80",
				 0755, 0),
			 0);
	/* the length of a string points behind the end */
	assert_int_equal(c9_call(c, CW_9P_TMKDIR, "dwDdd", 0, 9, "abcd", 4, 0755, 0), EPROTO);
	assert_int_equal(c9_call(c, CW_9P_TWALK, "ddww", 0, 1, 1, 65535), EPROTO);
	free(large);
}

static void utf8(void **state)
{
	static const char *const good[] = {
		"\xc2\x80",	    "\xdf\xbf",		"\xe0\xa0\x80", "\xe1\x80\xbf",
		"\xed\x9f\xbf",	    "\xee\x80\x80",	"\xef\xbf\xbf", "\xf0\x90\x80\x80",
		"\xf1\x80\xbf\x80", "\xf4\x8f\xbf\xbf", "\x7f"
	};
	static const char *const bad[] = { "\x80",
					   "\xbf",
					   "\xc1\xbf",
					   "\xc2\x7f",
					   "\xc2\xc0",
					   "\xe0\x9f\xbf",
					   "\xe1\x80\xc0",
					   "\xed\xa0\x80",
					   "\xf0\x8f\xbf\xbf",
					   "\xf4\x90\x80\x80",
					   "\xf5\x80\x80\x80",
					   "\xff",
					   "\xc2",
					   "\xe1\x80",
					   "\xf1\x80\x80",
					   "a\xc2" };
	struct c9 *c = *state;

	/* What follows the name in the message would complete it. */
	for (unsigned int i = 0; i < ARRAY_SIZE(good); i++)
		assert_int_equal(c9_call(c, CW_9P_TMKDIR, "dsdd", 0, good[i], 0x80, 0), 0);
	for (unsigned int i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(c9_call(c, CW_9P_TMKDIR, "dsdd", 0, bad[i], 0x80, 0), EINVAL);
}

static void seventeen_names(void **state)
{
	struct c9 *c = *state;

	assert_int_equal(c9_walk(c, 0, 1, "../../../../../../../../../../../../../../../.."), 0);
	assert_int_equal(c9_walk(c, 0, 2, "../../../../../../../../../../../../../../../../.."),
			 EINVAL);
	assert_int_equal(c9_call(c, CW_9P_TWALK, "ddw", 0, 2, 65535), EINVAL);
	assert_int_equal(c9_call(c, CW_9P_TWALK, "ddwsb", 0, 2, 1, "..", 0), EPROTO);
}

/* A path grows no further than there is room for it; the names are fine, one by one. */
static void deep_paths(void **state)
{
	struct c9 *c = *state;
	char name[256];
	uint32_t err = 0, depth = 0;

	memset(name, 'n', 255);
	name[255] = '\0';
	assert_int_equal(c9_walk(c, 0, 1, ""), 0);
	for (; !err && depth < 100; depth++) {
		err = c9_call(c, CW_9P_TMKDIR, "dsdd", 1, name, 0755, 0);
		if (!err)
			err = c9_walk(c, 1, 1, name);
	}
	assert_int_equal(err, ENAMETOOLONG);
	assert_int_equal(depth, 17);
	assert_int_equal(c9_attribute(c, 1, C9_AT_MODE, 4), CW_9P_S_IFDIR | 0755);
}

static void all_fids(void **state)
{
	struct c9 *c = *state;
	uint32_t n = 1;

	while (!c9_walk(c, 0, n, ""))
		n++;
	assert_int_equal(n, CW_9P_FIDS);
	assert_int_equal(c9_walk(c, 0, n, ""), ENFILE);
	assert_int_equal(c9_call(c, CW_9P_TATTACH, "ddssd", n, CW_9P_NOFID, "", "", 0), ENFILE);
	assert_int_equal(c9_call(c, CW_9P_TXATTRWALK, "dds", 0, n, ""), ENFILE);
	assert_int_equal(c9_walk(c, 0, 5, ""), EINVAL);
	assert_int_equal(c9_clunk(c, 5), 0);
	assert_int_equal(c9_walk(c, 0, n, ""), 0);
}

static void all_open(void **state)
{
	struct c9 *c = *state;
	uint32_t n = 1;

	c9_put_file(c, "export/f", "");
	while (!c9_go(c, n, "f", CW_9P_O_RDONLY))
		n++;
	assert_int_equal(n - 1, CW_9P_OPEN_MAX);
	assert_int_equal(c9_open(c, n, CW_9P_O_RDONLY), EMFILE);
	assert_int_equal(c9_walk(c, 0, n + 1, ""), 0);
	assert_int_equal(c9_call(c, CW_9P_TLCREATE, "dsddd", n + 1, "new", 2, 0644, 0), EMFILE);
	assert_int_equal(access(c9_at(c, "export/new"), F_OK), -1);
	assert_int_equal(c9_clunk(c, 1), 0);
	assert_int_equal(c9_open(c, n, CW_9P_O_RDONLY), 0);
}

/* Nothing is left of a session: the next free descriptor is the one it was before. */
static void leaves_nothing(void **state)
{
	struct c9 *c = *state;
	int before = dup(c->root), after;

	c9_put_file(c, "export/f", "");
	close(before);
	for (unsigned int i = 1; i < 9; i++) {
		c9_go(c, i, "f", CW_9P_O_RDWR);
		c9_go(c, 10 * i, "nothing", CW_9P_O_RDONLY);
		c9_go(c, 100 * i, "", CW_9P_O_RDONLY);
		c9_call(c, CW_9P_TLOCK, "dbdqqds", i, 0, 0, (uint64_t)i, (uint64_t)1, 1, "me");
	}
	cw_9p_reset(c->server);
	after = dup(c->root);
	close(after);
	assert_int_equal(after, before);
	assert_int_equal(c9_clunk(c, 0), EPROTO);
}

/* The same answers as ever, at once; or none, and nothing has happened. */
static void at_once(void **state)
{
	struct c9 *c = *state;
	uint8_t head[CW_9P_HEAD_MAX];
	uint32_t len, n = 99;
	int r;

	c9_put_file(c, "export/f", "0123456789");
	c9_walk(c, 0, 1, "f");
	len = c9_pack(c, CW_9P_TGETATTR, "dq", 1, (uint64_t)CW_9P_GETATTR_BASIC);
	assert_int_equal(cw_9p_answer_now(c->server, c->request, len, head, NULL, 0, &n), 160);
	assert_int_equal(n, 0);
	c9_send(c, len);
	assert_memory_equal(head, c->reply, 160);
	len = c9_pack(c, CW_9P_TWALK, "ddws", 0, 2, 1, "f");
	assert_int_equal(cw_9p_answer_now(c->server, c->request, len, head, NULL, 0, &n), 22);
	assert_int_equal(c9_attribute(c, 2, C9_AT_SIZE, 8), 10);
	mkdir(c9_at(c, "export/e"), 0755);
	assert_int_equal(c9_walk(c, 0, 4, "e/x"), ENOENT); /* which the kernel knows now */
	len = c9_pack(c, CW_9P_TWALK, "ddwss", 0, 4, 2, "e", "x");
	r = cw_9p_answer_now(c->server, c->request, len, head, NULL, 0, &n);
	assert_true(r == 22 || r == CW_EAGAIN); /* a part of it, or later; not an error */
	assert_int_equal(c9_clunk(c, 4), EBADF);
	len = c9_pack(c, CW_9P_TCLUNK, "d", 2);
	assert_int_equal(cw_9p_answer_now(c->server, c->request, len, head, NULL, 0, &n), 7);
	assert_int_equal(c9_clunk(c, 2), EBADF);
	assert_int_equal(c9_walk(c, 0, 3, ""), 0); /* and what may take its time may do so again */
	assert_int_equal(c9_call(c, CW_9P_TLCREATE, "dsddd", 3, "new", 0, 0644, 0), 0);
	assert_int_equal(c9_open(c, 1, CW_9P_O_RDONLY), 0);
	len = c9_pack(c, CW_9P_TCLUNK, "d", 1);
	assert_int_equal(cw_9p_answer_now(c->server, c->request, len, head, NULL, 0, &n),
			 CW_EAGAIN);
	len = c9_pack(c, CW_9P_TMKDIR, "dsdd", 0, "d", 0755, 0);
	assert_int_equal(cw_9p_answer_now(c->server, c->request, len, head, NULL, 0, &n),
			 CW_EAGAIN);
	assert_int_equal(access(c9_at(c, "export/d"), F_OK), -1);
}

/* Whether the file system of the tests can say that a read would wait. */
static bool reads_without_waiting(struct c9 *c)
{
	int fd = open(c9_at(c, "export/f"), O_RDONLY);
	struct iovec v = { c->reply, 4 };
	struct statfs sf;
	bool can = !fstatfs(fd, &sf) &&
		   (sf.f_type == TMPFS_MAGIC || preadv2(fd, &v, 1, 0, RWF_NOWAIT) == 4);

	close(fd);
	return can;
}

static int read_now(struct c9 *c, uint64_t at, uint32_t count, const struct cw_part *part,
		    unsigned int n, uint32_t *got)
{
	uint8_t head[CW_9P_HEAD_MAX];
	uint32_t len = c9_pack(c, CW_9P_TREAD, "dqd", 1, at, count);
	int r = cw_9p_answer_now(c->server, c->request, len, head, part, n, got);

	if (r == CW_EAGAIN)
		return r;
	memcpy(c->reply, head, (size_t)r);
	c->len = (uint32_t)r;
	c->at = 0;
	assert_int_equal(r, 11);
	assert_int_equal(c9_take(c, 4), 11 + *got);
	assert_int_equal(c9_take(c, 1), CW_9P_TREAD + 1);
	assert_int_equal(c9_take(c, 2), c->tag);
	assert_int_equal(c9_take(c, 4), *got);
	return 0;
}

static void reads_at_once(void **state)
{
	struct c9 *c = *state;
	uint8_t a[4], b[9];
	struct cw_part part[2] = { { a, sizeof(a) }, { b, sizeof(b) } };
	uint32_t n;

	c9_put_file(c, "export/f", "0123456789");
	if (!reads_without_waiting(c))
		return;
	assert_int_equal(c9_go(c, 1, "f", CW_9P_O_RDONLY), 0);
	assert_int_equal(read_now(c, 1, 100, part, 2, &n), 0);
	assert_int_equal(n, 9);
	assert_memory_equal(a, "1234", 4);
	assert_memory_equal(b, "56789", 5);
	assert_int_equal(read_now(c, 0, 100, part, 1, &n), 0);
	assert_int_equal(n, 4); /* as many as there is room for */
	assert_int_equal(read_now(c, 5, 2, part, 2, &n), 0);
	assert_int_equal(n, 2); /* as many as were asked for */
	assert_memory_equal(a, "5623", 4);
	assert_int_equal(read_now(c, 10, 100, part, 1, &n), 0);
	assert_int_equal(n, 0);
	assert_int_equal(read_now(c, 0, 100, NULL, 0, &n), 0);
	assert_int_equal(n, 0);
}

/* What another answer is needed for; and nothing has been given then. */
static void reads_later(void **state)
{
	struct c9 *c = *state;
	struct cw_part tiny[CW_9P_HEAD_MAX * 2], whole = { c->reply, 8192 };
	uint32_t n;

	c9_put_file(c, "export/f", "0123456789");
	assert_int_equal(c9_go(c, 1, "f", CW_9P_O_RDONLY), 0);
	for (unsigned int i = 0; i < ARRAY_SIZE(tiny); i++)
		tiny[i] = (struct cw_part){ c->reply + i, 1 };
	assert_int_equal(read_now(c, 0, 400, tiny, ARRAY_SIZE(tiny), &n), CW_EAGAIN);
	assert_int_equal(n, 0);
	assert_int_equal(read_now(c, UINT64_MAX - 1, 100, &whole, 1, &n), CW_EAGAIN);
	assert_int_equal(read_now(c, INT64_MAX, 100, &whole, 1, &n), CW_EAGAIN);
	assert_int_equal(read_now(c, INT64_MAX - 99, 100, &whole, 1, &n), CW_EAGAIN);
	c9_clunk(c, 1);
	assert_int_equal(read_now(c, 0, 10, &whole, 1, &n), CW_EAGAIN);
	assert_int_equal(c9_go(c, 1, "", CW_9P_O_RDONLY), 0);
	assert_int_equal(read_now(c, 0, 10, &whole, 1, &n), CW_EAGAIN);
	c9_clunk(c, 1);
	assert_int_equal(truncate(c9_at(c, "export/f"), 8192), 0);
	assert_int_equal(c9_call(c, CW_9P_TVERSION, "ds", 4096, "9P2000.L"), 0);
	assert_int_equal(c9_call(c, CW_9P_TATTACH, "ddssd", 0, CW_9P_NOFID, "", "", 0), 0);
	assert_int_equal(c9_go(c, 1, "f", CW_9P_O_RDONLY), 0);
	assert_int_equal(c9_call(c, CW_9P_TREAD, "dqd", 1, (uint64_t)0, 8192), 0); /* cached now */
	if (!read_now(c, 0, 8192, &whole, 1, &n))
		assert_int_equal(n, 4096 - 11); /* what a message of this session holds */
}

static void options(void **state)
{
	struct c9 *c = *state;
	struct cw_9p_options o = { .root = c->root, .msize = CW_9P_MSIZE_MIN - 1 };
	int file = open("/dev/null", O_RDONLY);

	assert_null(cw_9p_create(&o));
	assert_int_equal(errno, EINVAL);
	o.msize = CW_9P_MSIZE_MIN;
	cw_9p_free(c->server);
	c->server = cw_9p_create(&o);
	assert_non_null(c->server);
	o.msize = CW_9P_MSIZE_MAX + 1;
	assert_null(cw_9p_create(&o));
	o.msize = CW_9P_MSIZE_MAX;
	o.root = file;
	assert_null(cw_9p_create(&o));
	assert_int_equal(errno, ENOTDIR);
	close(file);
	cw_9p_free(NULL);
}

#define T(name) cmocka_unit_test_setup_teardown(name, c9_setup, c9_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(begins),	    T(needs_a_session), T(begins_anew),
		T(frames),	    T(unknown_types),	T(larger_than_agreed),
		T(small_rooms),	    T(every_room),	T(attaches),
		T(flushes),	    T(walks),		T(walks_in_part),
		T(fid_rules),	    T(names),		T(utf8),
		T(seventeen_names), T(deep_paths),	T(all_fids),
		T(all_open),	    T(leaves_nothing),	T(at_once),
		T(reads_at_once),   T(reads_later),	T(options),
	};

	return cmocka_run_group_tests_name("9p_session", tests, NULL, NULL);
}
