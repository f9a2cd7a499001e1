// SPDX-License-Identifier: BSD-3-Clause
/* The 9P client against a small server behind the 9P device, and against one that lies. */
#include "world.h"

#include <causeway/core/bytes.h>

#define SECOND 1000000u
#define BYTES  (200u << 10)

static struct cw_9p_driver c;
static uint8_t data[BYTES], back[BYTES + 1];

static void fill(uint8_t seed)
{
	for (uint32_t i = 0; i < BYTES; i++)
		data[i] = (uint8_t)(i * 31 + (i >> 8) * 7 + seed);
}

static void opened_with(const struct world_options *o)
{
	const struct world_options large = { .files_block = 320 * 1024 };

	world_start(o ? o : &large);
	fill(1);
	memset(back, 0xee, sizeof(back));
	tree_make(&w.tree, "long", CW_9P_S_IFREG | 0644, data, BYTES);
	tree_make(&w.tree, "dir", CW_9P_S_IFDIR | 0755, NULL, 0);
	tree_make(&w.tree, "dir/file", CW_9P_S_IFREG | 0600, "hello", 5);
	tree_make(&w.tree, "link", CW_9P_S_IFLNK | 0777, "../over/there", 13);
	memset(&c, 0, sizeof(c));
	assert_int_equal(cw_9p_open(&c, &w.mmio[FILES].transport, SECOND), CW_OK);
}

static void opened(void)
{
	opened_with(NULL);
}

static struct cw_9p_file open_file(const char *path, uint32_t flags)
{
	struct cw_9p_file f;

	assert_int_equal(cw_9p_file_open(&c, &f, path, flags, 0640, SECOND), CW_OK);
	return f;
}

static void close_file(struct cw_9p_file *f)
{
	assert_int_equal(cw_9p_file_close(f, SECOND), CW_OK);
}

/* Everything that a call took it has given back: fids, slots. */
static void all_given_back(unsigned int fids)
{
	struct cw_9p_stat s;
	unsigned int busy = 0;

	for (unsigned int i = 0; i < 4; i++) {
		assert_int_equal(cw_9p_stat(&c, "/", &s, SECOND), CW_OK);
		world_pass();
	}
	assert_int_equal(w.tree.fids,
			 2 + fids); /* the root; and stat's goes with the next request */
	for (unsigned int i = 0; i < c.depth; i++)
		busy += c.slot[i].type != 0;
	assert_in_range(busy, 0, 1); /* that clunk's */
}

static void says_what_it_is(void **state)
{
	(void)state;
	opened();
	assert_string_equal(c.tag, "tree of a test");
	assert_int_equal(c.msize, CW_9P_BUFFER);
	assert_int_equal(c.depth, 4);
	all_given_back(0);
}

static void stat_tells(void **state)
{
	struct cw_9p_stat s;

	(void)state;
	opened();
	assert_int_equal(cw_9p_stat(&c, "/dir/file", &s, SECOND), CW_OK);
	assert_int_equal(s.mode, CW_9P_S_IFREG | 0600);
	assert_int_equal(s.size, 5);
	assert_int_equal(s.uid, 1);
	assert_int_equal(s.gid, 2);
	assert_int_equal(s.links, 3);
	assert_int_equal(s.blocks, 1);
	assert_true(s.mtime == 0x123456789);
	assert_int_equal(s.mtime_ns, 77);
	assert_int_equal(s.id, 1003);
	assert_int_equal(s.qid_type, 0);
	assert_false(cw_9p_is_dir(&s));
	assert_int_equal(cw_9p_stat(&c, "dir//./", &s, SECOND), CW_OK);
	assert_true(cw_9p_is_dir(&s));
	assert_int_equal(s.qid_type, CW_9P_QTDIR);
	assert_int_equal(cw_9p_stat(&c, "", &s, SECOND), CW_OK);
	assert_int_equal(s.id, 1000);
	assert_int_equal(cw_9p_stat(&c, "link", &s, SECOND), CW_OK);
	assert_int_equal(s.qid_type, CW_9P_QTSYMLINK);
	assert_int_equal(cw_9p_stat(&c, "nothing", &s, SECOND), CW_ENOENT);
	assert_int_equal(c.last_errno, CW_9P_ENOENT);
	assert_int_equal(cw_9p_stat(&c, "dir/nothing/more", &s, SECOND), CW_ENOENT);
	all_given_back(0);
}

static void paths_that_cannot_be(void **state)
{
	static char name[300];
	struct cw_9p_stat s;
	unsigned int before;

	(void)state;
	opened();
	before = w.tree.messages;
	memset(name, 'x', 256);
	assert_int_equal(cw_9p_stat(&c, name, &s, SECOND), CW_EINVAL);
	assert_int_equal(cw_9p_stat(&c, "dir/../file", &s, SECOND), CW_EINVAL);
	assert_int_equal(cw_9p_stat(&c, "..", &s, SECOND), CW_EINVAL);
	assert_int_equal(cw_9p_mkdir(&c, "/", 0755, SECOND), CW_EINVAL);
	assert_int_equal(cw_9p_remove(&c, ".//", SECOND), CW_EINVAL);
	assert_int_equal(w.tree.messages, before);
	assert_int_equal(cw_9p_stat(&c, "...", &s, SECOND), CW_ENOENT);
	name[255] = 0;
	assert_int_equal(cw_9p_stat(&c, name, &s, SECOND), CW_ENOENT);
}

/* More parts than one Twalk may have, and longer than a message. */
static void deep_paths(void **state)
{
	char path[TREE_NODES * 210] = "";
	struct cw_9p_stat s;

	(void)state;
	for (unsigned int len = 1; len <= 200; len += 199) {
		opened();
		path[0] = 0;
		for (unsigned int i = 0; i < 19; i++) {
			char name[210];

			memset(name, 'a' + (int)i, len);
			name[len] = 0;
			strcat(strcat(path, "/"), name);
			assert_int_equal(cw_9p_mkdir(&c, path, 0755, SECOND), CW_OK);
			assert_non_null(tree_find(&w.tree, path + 1));
		}
		assert_int_equal(cw_9p_stat(&c, path, &s, SECOND), CW_OK);
		assert_int_equal(s.id,
				 1000 + (uint64_t)(tree_find(&w.tree, path + 1) - w.tree.node));
		strcat(path, "/nothing");
		assert_int_equal(cw_9p_stat(&c, path, &s, SECOND), CW_ENOENT);
		all_given_back(0);
		world_stop(NULL);
	}
	opened();
}

static void names(void **state)
{
	char target[64];

	(void)state;
	opened();
	assert_int_equal(cw_9p_mkdir(&c, "/dir/new", 0711, SECOND), CW_OK);
	assert_int_equal(tree_find(&w.tree, "dir/new")->mode, CW_9P_S_IFDIR | 0711);
	assert_int_equal(cw_9p_mkdir(&c, "/dir/new", 0711, SECOND), CW_EEXIST);
	assert_int_equal(cw_9p_rename(&c, "/dir/file", "dir/new/name", SECOND), CW_OK);
	assert_null(tree_find(&w.tree, "dir/file"));
	assert_non_null(tree_find(&w.tree, "dir/new/name"));
	assert_int_equal(cw_9p_remove(&c, "dir/new", SECOND), CW_EEXIST);
	assert_int_equal(c.last_errno, CW_9P_ENOTEMPTY);
	assert_int_equal(cw_9p_remove(&c, "dir/new/name", SECOND), CW_OK);
	assert_int_equal(cw_9p_remove(&c, "dir/new", SECOND), CW_OK);
	assert_null(tree_find(&w.tree, "dir/new"));
	assert_int_equal(cw_9p_remove(&c, "dir/new", SECOND), CW_ENOENT);
	assert_int_equal(cw_9p_rename(&c, "dir/new", "dir/x", SECOND), CW_ENOENT);
	assert_int_equal(cw_9p_rename(&c, "dir", "nothing/x", SECOND), CW_ENOENT);
	assert_int_equal(cw_9p_symlink(&c, "/etc/x", "dir/l", SECOND), CW_OK);
	assert_int_equal(cw_9p_readlink(&c, "dir/l", target, sizeof(target), SECOND), CW_OK);
	assert_string_equal(target, "/etc/x");
	assert_int_equal(cw_9p_readlink(&c, "link", target, 14, SECOND), CW_OK);
	assert_string_equal(target, "../over/there");
	assert_int_equal(cw_9p_readlink(&c, "link", target, 13, SECOND), CW_ENOSPC);
	assert_int_equal(cw_9p_readlink(&c, "long", target, 64, SECOND), CW_EINVAL);
	assert_int_equal(cw_9p_symlink(&c, "", "dir/k", SECOND), CW_EINVAL);
	all_given_back(0);
}

static void open_and_create(void **state)
{
	struct cw_9p_file f;
	struct cw_9p_stat s;

	(void)state;
	opened();
	assert_int_equal(cw_9p_file_open(&c, &f, "no", CW_9P_O_RDONLY, 0, SECOND), CW_ENOENT);
	f = open_file("dir/made", CW_9P_O_CREAT | CW_9P_O_RDWR);
	assert_int_equal(tree_find(&w.tree, "dir/made")->mode, CW_9P_S_IFREG | 0640);
	assert_int_equal(cw_9p_write(&f, 0, "abc", 3, SECOND), CW_OK);
	assert_int_equal(cw_9p_file_stat(&f, &s, SECOND), CW_OK);
	assert_int_equal(s.size, 3);
	assert_int_equal(cw_9p_truncate(&f, 2, SECOND), CW_OK);
	assert_int_equal(cw_9p_read(&f, 0, back, 10, SECOND), 2);
	assert_memory_equal(back, "ab", 2);
	assert_int_equal(cw_9p_sync(&f, SECOND), CW_OK);
	assert_int_equal(w.tree.syncs, 1);
	close_file(&f);
	assert_int_equal(cw_9p_read(&f, 0, back, 10, SECOND), CW_ERESET);
	assert_int_equal(
		cw_9p_file_open(&c, &f, "dir/made", CW_9P_O_CREAT | CW_9P_O_EXCL, 0, SECOND),
		CW_EEXIST);
	f = open_file("dir/made", CW_9P_O_CREAT | CW_9P_O_WRONLY | CW_9P_O_TRUNC);
	assert_int_equal(tree_find(&w.tree, "dir/made")->len, 0);
	close_file(&f);
	assert_int_equal(cw_9p_file_open(&c, &f, "dir", CW_9P_O_WRONLY, 0, SECOND), CW_EINVAL);
	assert_int_equal(c.last_errno, CW_9P_EISDIR);
	all_given_back(0);
}

static void reads_what_is_there(void **state)
{
	struct cw_9p_file f;

	(void)state;
	opened();
	f = open_file("long", CW_9P_O_RDONLY);
	for (uint32_t at = 0; at < BYTES; at += 40961)
		for (uint32_t n = 1; n <= BYTES; n += 39999) {
			uint32_t there = n < BYTES - at ? n : BYTES - at;

			memset(back, 0xee, sizeof(back));
			assert_int_equal(cw_9p_read(&f, at, back, n, SECOND), there);
			assert_memory_equal(back, data + at, there);
			assert_int_equal(back[there], 0xee);
		}
	assert_int_equal(cw_9p_read(&f, BYTES, back, 10, SECOND), 0);
	assert_int_equal(cw_9p_read(&f, UINT64_MAX - 5, back, 10, SECOND), 0);
	assert_int_equal(cw_9p_read(&f, 0, back, 0, SECOND), 0);
	close_file(&f);
	all_given_back(0);
}

static void writes(void **state)
{
	struct cw_9p_file f;

	(void)state;
	opened();
	f = open_file("long", CW_9P_O_RDWR);
	fill(99);
	for (uint32_t at = 0; at < BYTES; at += 60000) {
		uint32_t n = BYTES - at < 60000 ? BYTES - at : 60000;

		assert_int_equal(cw_9p_write(&f, at, data + at, n, SECOND), CW_OK);
	}
	assert_memory_equal(tree_find(&w.tree, "long")->bytes, data, BYTES);
	fill(7);
	assert_int_equal(cw_9p_write(&f, 0, data, BYTES, SECOND), CW_OK);
	assert_memory_equal(tree_find(&w.tree, "long")->bytes, data, BYTES);
	for (uint32_t n = 200; n < 300;
	     n++) { /* in the small part of a slot, and in the large one */
		assert_int_equal(cw_9p_write(&f, n, data, n, SECOND), CW_OK);
		assert_memory_equal(tree_find(&w.tree, "long")->bytes + n, data, n);
	}
	assert_int_equal(cw_9p_write(&f, TREE_BYTES, data, 1, SECOND), CW_ENOSPC);
	assert_int_equal(c.last_errno, CW_9P_ENOSPC);
	close_file(&f);
	all_given_back(0);
}

/* A server may give less than was asked for; the end is where it gives nothing. */
static void short_answers(void **state)
{
	struct cw_9p_stream s;
	struct cw_9p_file f;
	uint32_t done = 0;
	int32_t got;

	(void)state;
	opened();
	f = open_file("long", CW_9P_O_RDWR);
	w.tree.short_read = 10007;
	assert_int_equal(cw_9p_read(&f, 0, back, BYTES, 20 * SECOND), BYTES);
	assert_memory_equal(back, data, BYTES);
	memset(back, 0, BYTES);
	assert_int_equal(cw_9p_stream_open(&s, &f, false, 0), CW_OK);
	while ((got = cw_9p_stream_read(&s, back + done, 3001, SECOND)) > 0)
		done += (uint32_t)got;
	assert_int_equal(got, 0);
	assert_int_equal(done, BYTES);
	assert_memory_equal(back, data, BYTES);
	assert_int_equal(cw_9p_stream_close(&s, SECOND), CW_OK);
	w.tree.short_write = 100;
	assert_int_equal(cw_9p_write(&f, 0, data, 101, SECOND), CW_ENOSPC);
	assert_int_equal(cw_9p_write(&f, 0, data, 100, SECOND), CW_OK);
	close_file(&f);
	all_given_back(0);
}

/* One reads ahead, one writes behind, and calls are made in between. */
static void copy_with_streams(const struct world_options *o)
{
	struct cw_9p_stream in, out;
	struct cw_9p_file from, to;
	struct cw_9p_stat st;
	int32_t got;

	opened_with(o);
	from = open_file("long", CW_9P_O_RDONLY);
	to = open_file("copy", CW_9P_O_CREAT | CW_9P_O_WRONLY);
	assert_int_equal(cw_9p_stream_open(&in, &from, false, 0), CW_OK);
	assert_int_equal(cw_9p_stream_open(&out, &to, true, 0), CW_OK);
	while ((got = cw_9p_stream_read(&in, back, 5000, SECOND)) > 0) {
		assert_in_range(in.slots, 0, c.depth - 2);
		assert_int_equal(cw_9p_stream_write(&out, back, (uint32_t)got, SECOND), CW_OK);
		assert_int_equal(cw_9p_stat(&c, "dir/file", &st, SECOND), CW_OK);
	}
	assert_int_equal(got, 0);
	assert_int_equal(cw_9p_stream_close(&in, SECOND), CW_OK);
	assert_int_equal(cw_9p_stream_close(&out, SECOND), CW_OK);
	assert_int_equal(tree_find(&w.tree, "copy")->len, BYTES);
	assert_memory_equal(tree_find(&w.tree, "copy")->bytes, data, BYTES);
	close_file(&from);
	close_file(&to);
	all_given_back(0);
}

static void copies_with_streams(void **state)
{
	struct world_options o = { .files_block = 24 * 1024 };

	(void)state;
	copy_with_streams(NULL);
	world_stop(NULL);
	copy_with_streams(&o);
}

static void streams_end_with_an_error(void **state)
{
	struct cw_9p_stream s;
	struct cw_9p_file f;

	(void)state;
	opened();
	f = open_file("long", CW_9P_O_RDWR);
	assert_int_equal(cw_9p_stream_open(&s, &f, true, TREE_BYTES - 1000), CW_OK);
	assert_int_equal(cw_9p_stream_write(&s, data, 1000, SECOND), CW_OK);
	assert_int_equal(cw_9p_stream_write(&s, data, 1000, SECOND), CW_OK); /* not known yet */
	assert_int_equal(cw_9p_stream_close(&s, SECOND), CW_ENOSPC);
	assert_int_equal(c.last_errno, CW_9P_ENOSPC);
	assert_int_equal(cw_9p_stream_write(&s, data, 1, SECOND), CW_ENOSPC);
	assert_int_equal(cw_9p_stream_open(&s, &f, true, TREE_BYTES - 1000), CW_OK);
	assert_int_equal(cw_9p_stream_write(&s, data, 1001, SECOND), CW_OK);
	assert_int_equal(cw_9p_read(&f, 0, back, 10, SECOND), 10); /* not of its concern */
	assert_int_equal(c.last_errno, 0);
	assert_int_equal(cw_9p_stream_write(&s, data, 1, SECOND), CW_ENOSPC);
	assert_int_equal(c.last_errno, CW_9P_ENOSPC);
	cw_9p_stream_close(&s, SECOND);
	assert_int_equal(cw_9p_stream_open(&s, &f, true, 0), CW_OK);
	assert_int_equal(cw_9p_stream_close(&s, SECOND), CW_OK);
	assert_int_equal(cw_9p_stream_write(&s, data, 1, SECOND), CW_EINVAL);
	w.tree.error = CW_9P_EIO;
	assert_int_equal(cw_9p_stream_open(&s, &f, false, 0), CW_OK);
	assert_int_equal(cw_9p_stream_read(&s, back, 10, SECOND), CW_EIO);
	assert_int_equal(cw_9p_stream_read(&s, back, 10, SECOND), CW_EIO);
	assert_int_equal(cw_9p_stream_write(&s, back, 10, SECOND), CW_EIO);
	cw_9p_stream_close(&s, SECOND);
	w.tree.error = 0;
	close_file(&f);
	all_given_back(0);
}

static void lists_a_directory(void **state)
{
	struct cw_9p_dir d;
	struct cw_9p_entry e;
	unsigned int seen = 0;
	int got;

	(void)state;
	opened();
	for (unsigned int i = 0; i < 15; i++) {
		char name[260] = "dir/";

		memset(name + 4, 'a' + (int)i, 10 + i * 17);
		tree_make(&w.tree, name, CW_9P_S_IFREG | 0644, "x", 1);
	}
	assert_int_equal(cw_9p_dir_open(&c, &d, "dir", SECOND), CW_OK);
	while ((got = cw_9p_dir_next(&d, &e, SECOND)) > 0) {
		unsigned int i = (unsigned int)e.name[0] - 'a';

		if (!strcmp(e.name, "file"))
			i = 15;
		else
			assert_int_equal(strlen(e.name), 10 + i * 17);
		assert_int_equal(e.type, CW_9P_DT_REG);
		assert_int_equal(e.qid_type, 0);
		assert_int_equal(seen & 1u << i, 0);
		seen |= 1u << i;
	}
	assert_int_equal(got, 0);
	assert_int_equal(seen, 0xffff);
	assert_int_equal(cw_9p_dir_next(&d, &e, SECOND), 0);
	assert_int_equal(cw_9p_dir_close(&d, SECOND), CW_OK);
	assert_int_equal(cw_9p_dir_open(&c, &d, "long", SECOND), CW_EINVAL);
	assert_int_equal(c.last_errno, CW_9P_ENOTDIR);
	all_given_back(0);
}

static void errors_of_the_other_side(void **state)
{
	static const struct {
		uint32_t linux_errno;
		int err;
	} map[] = {
		{ CW_9P_ENOSPC, CW_ENOSPC }, { CW_9P_EDQUOT, CW_ENOSPC },
		{ CW_9P_EROFS, CW_EACCES },  { CW_9P_EPERM, CW_EACCES },
		{ CW_9P_EIO, CW_EIO },	     { 4000, CW_EIO },
		{ CW_9P_EMFILE, CW_EBUSY },  { CW_9P_ELOOP, CW_EINVAL },
		{ CW_9P_EXDEV, CW_EINVAL },  { CW_9P_EOPNOTSUPP, CW_ENOTSUP },
	};

	(void)state;
	opened();
	for (unsigned int i = 0; i < sizeof(map) / sizeof(map[0]); i++) {
		w.tree.error = map[i].linux_errno;
		assert_int_equal(cw_9p_mkdir(&c, "x", 0755, SECOND), map[i].err);
		assert_int_equal(c.last_errno, map[i].linux_errno);
	}
	w.tree.error = 0;
	all_given_back(0);
}

static void no_more_fids_than_there_are(void **state)
{
	struct cw_9p_file f[CW_9P_DRIVER_FIDS], more;
	struct cw_9p_stat s;

	(void)state;
	opened();
	for (unsigned int i = 0; i < CW_9P_DRIVER_FIDS - 1; i++)
		f[i] = open_file("long", CW_9P_O_RDONLY);
	assert_int_equal(cw_9p_file_open(&c, &more, "long", 0, 0, SECOND), CW_EBUSY);
	close_file(&f[3]);
	for (unsigned int i = 0; i < 40;
	     i++) /* each lets its fid go, and waits for the last one's */
		assert_int_equal(cw_9p_stat(&c, "dir", &s, SECOND), CW_OK);
	assert_int_equal(w.tree.most_fids, CW_9P_DRIVER_FIDS);
}

static void small_block_means_small_messages(void **state)
{
	const struct world_options o = { .files_block = 24 * 1024 };
	struct cw_9p_file f;

	(void)state;
	opened_with(&o);
	assert_int_equal(c.depth, 3);
	assert_in_range(c.msize, CW_9P_MSIZE_MIN, 6000);
	f = open_file("long", CW_9P_O_RDWR);
	assert_int_equal(cw_9p_read(&f, 0, back, BYTES, SECOND), BYTES);
	assert_memory_equal(back, data, BYTES);
	fill(3);
	assert_int_equal(cw_9p_write(&f, 0, data, BYTES, SECOND), CW_OK);
	assert_memory_equal(tree_find(&w.tree, "long")->bytes, data, BYTES);
}

static void too_small_a_block_or_queue(void **state)
{
	struct cw_9p_stat s;

	(void)state;
	opened();
	w.mmio[FILES].transport.memory.size = 12 * 1024;
	assert_int_equal(cw_9p_open(&c, &w.mmio[FILES].transport, SECOND), CW_ENOSPC);
	assert_int_equal(cw_9p_stat(&c, "/", &s, SECOND), CW_ENOSPC);
	world_stop(NULL);
	opened();
	w.queue[FILES][0].num_max = 4;
	assert_int_equal(cw_9p_open(&c, &w.mmio[FILES].transport, SECOND), CW_ENOSPC);
}

static void server_with_a_smaller_msize(void **state)
{
	struct cw_9p_file f;

	(void)state;
	opened();
	w.tree.msize = 5000;
	assert_int_equal(cw_9p_open(&c, &w.mmio[FILES].transport, SECOND), CW_OK);
	assert_int_equal(c.msize, 5000);
	f = open_file("long", CW_9P_O_RDWR);
	assert_int_equal(cw_9p_read(&f, 0, back, BYTES, SECOND), BYTES);
	assert_memory_equal(back, data, BYTES);
	assert_int_equal(cw_9p_write(&f, 0, data, BYTES, SECOND), CW_OK);
	w.tree.msize = 4095;
	assert_int_equal(cw_9p_open(&c, &w.mmio[FILES].transport, SECOND), CW_ENOTSUP);
}

/* A call that gave up: slot and fid stay with the device, and are used again when it has answered. */
static void deadline_and_after(void **state)
{
	struct cw_9p_stream s;
	struct cw_9p_file f;
	struct cw_9p_stat st;
	uint64_t start;

	(void)state;
	opened();
	f = open_file("long", CW_9P_O_RDONLY);
	w.files_stuck = true;
	for (int i = 0; i < 8; i++) {
		start = w.now;
		assert_int_equal(cw_9p_stat(&c, "dir", &st, 20000), CW_ETIMEDOUT);
		assert_in_range(w.now - start, 20000, 40000);
		start = w.now;
		assert_int_equal(cw_9p_read(&f, 0, back, BYTES, 20000), CW_ETIMEDOUT);
		assert_in_range(w.now - start, 20000, 40000);
	}
	w.files_stuck = false;
	memset(back, 0xee, sizeof(back));
	assert_int_equal(cw_9p_read(&f, 100, back + 512, 10, SECOND), 10);
	assert_int_equal(back[0], 0xee);
	assert_memory_equal(back + 512, data + 100, 10);
	assert_int_equal(back[522], 0xee);
	all_given_back(1);
	assert_int_equal(cw_9p_stream_open(&s, &f, false, 0), CW_OK);
	w.files_stuck = true;
	assert_int_equal(cw_9p_stream_read(&s, back, 10, 20000), CW_ETIMEDOUT);
	w.files_stuck = false;
	assert_int_equal(cw_9p_stream_read(&s, back, 10, SECOND), 10); /* it goes on */
	assert_memory_equal(back, data, 10);
	w.files_stuck = true;
	assert_int_equal(cw_9p_file_close(&f, 20000), CW_ETIMEDOUT);
	w.files_stuck = false;
	assert_int_equal(cw_9p_stream_read(&s, back, 10, SECOND), CW_ERESET);
	all_given_back(0);
}

/* ---- a server that lies ---- */

static uint32_t lie_at, lie_bytes, lie_value, lie_len;
static uint8_t lie_type;

static uint32_t lie(uint8_t *answer, uint32_t len)
{
	if (answer[4] != lie_type)
		return len;
	for (uint32_t i = 0; i < lie_bytes; i++)
		answer[lie_at + i] = (uint8_t)(lie_value >> 8 * i);
	if (!lie_len)
		return len;
	cw_poke32(answer, lie_len); /* whole in itself */
	return lie_len;
}

static void lies(uint8_t type, uint32_t at, uint32_t bytes, uint32_t value)
{
	opened();
	lie_type = type;
	lie_at = at;
	lie_bytes = bytes;
	lie_value = value;
	lie_len = 0;
	w.files_lie = lie;
}

static void is_dead(int err)
{
	struct cw_9p_stat s;

	assert_int_equal(err, CW_EPEER);
	w.files_lie = NULL;
	assert_int_equal(cw_9p_stat(&c, "dir", &s, SECOND), CW_EPEER);
	assert_int_equal(cw_9p_open(&c, &w.mmio[FILES].transport, SECOND), CW_OK);
	assert_int_equal(cw_9p_stat(&c, "dir", &s, SECOND), CW_OK);
	world_stop(NULL);
}

static void row69_frames(void **state)
{
	static const struct {
		uint32_t at, bytes, value;
	} bad[] = {
		{ 0, 4, 159 },	  { 0, 4, 161 }, { 0, 4, 0 },	{ 0, 4, 0xffffffff },
		{ 4, 1, 24 },	  { 4, 1, 27 },	 { 4, 1, 0 },	{ 5, 2, 99 },
		{ 5, 2, 0xffff }, { 4, 1, 7 },	 { 4, 1, 117 }, { 4, 1, CW_9P_TREAD },
	};
	struct cw_9p_stat s;

	(void)state;
	for (unsigned int i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		lies(CW_9P_TGETATTR + 1, bad[i].at, bad[i].bytes, bad[i].value);
		is_dead(cw_9p_stat(&c, "dir", &s, SECOND));
	}
	for (uint32_t len = 1; len < 160;
	     len += len < 11 ? 3 : 149) { /* too short for what it is */
		lies(CW_9P_TGETATTR + 1, 0, 0, 0);
		lie_len = len;
		is_dead(cw_9p_stat(&c, "dir", &s, SECOND));
	}
	lies(CW_9P_RLERROR, 7, 4, 0); /* an error that is none */
	is_dead(cw_9p_stat(&c, "nothing", &s, SECOND));
	lies(CW_9P_RLERROR, 7, 4, 4096);
	is_dead(cw_9p_stat(&c, "nothing", &s, SECOND));
	for (uint32_t names = 0; names < 3;
	     names++) { /* not as many as the length says, or asked for */
		lies(CW_9P_TWALK + 1, 7, 2, names);
		lie_len = names == 2 ? 35 : 23;
		is_dead(cw_9p_stat(&c, "dir", &s, SECOND));
	}
	opened();
}

static void row69_counts(void **state)
{
	struct cw_9p_file f;
	char target[32];

	(void)state;
	for (uint32_t i = 0; i < 3; i++) {
		static const uint32_t count[] = { 11, 9, 0xffffffff };

		lies(CW_9P_TREAD + 1, 7, 4, count[i]);
		f = open_file("long", CW_9P_O_RDWR);
		memset(back, 0xee, 20);
		is_dead(cw_9p_read(&f, 0, back, 10, SECOND));
		assert_int_equal(back[0], 0xee);
		lies(CW_9P_TWRITE + 1, 7, 4, count[i] + (i == 1 ? 100 : 0));
		f = open_file("long", CW_9P_O_RDWR);
		is_dead(cw_9p_write(&f, 0, data, 10, SECOND));
		lies(CW_9P_TREADLINK + 1, 7, 2, count[i]);
		is_dead(cw_9p_readlink(&c, "link", target, sizeof(target), SECOND));
	}
	lies(CW_9P_TREADLINK + 1, 12, 1, 0); /* a NUL in a name */
	is_dead(cw_9p_readlink(&c, "link", target, sizeof(target), SECOND));
	lies(CW_9P_TREAD + 1, 7, 4, 12); /* more than was asked for, in an answer that is whole */
	lie_len = 23;
	f = open_file("long", CW_9P_O_RDWR);
	is_dead(cw_9p_read(&f, 0, back, 10, SECOND));
	opened();
}

static void row69_entries(void **state)
{
	/* An entry is at 11: qid, offset at 24, type at 32, length at 33, name at 35 ("."). */
	static const struct {
		uint32_t at, bytes, value, len;
	} bad[] = {
		{ 33, 2, 0, 0 },  { 33, 2, 0xffff, 0 },	 { 33, 2, 256, 0 }, { 35, 1, '/', 0 },
		{ 35, 1, 0, 0 },  { 7, 4, 1025, 0 },	 { 7, 4, 20, 0 },   { 7, 4, 25, 0 },
		{ 24, 4, 0, 0 },  { 7, 4, 1025, 1036 },	 { 7, 4, 20, 31 },  { 7, 4, 23, 34 },
		{ 7, 4, 24, 35 }, { 7, 4, 25 + 23, 59 },
	};
	struct cw_9p_entry e;
	struct {
		struct cw_9p_dir d;
		uint8_t guard;
	} g = { .guard = 0x5a };

	(void)state;
	for (unsigned int i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		int got;

		lies(CW_9P_TREADDIR + 1, bad[i].at, bad[i].bytes, bad[i].value);
		lie_len = bad[i].len;
		assert_int_equal(cw_9p_dir_open(&c, &g.d, "/", SECOND), CW_OK);
		memset(g.d.bytes, 'x', sizeof(g.d.bytes)); /* what lies behind looks like a name */
		while ((got = cw_9p_dir_next(&g.d, &e, SECOND)) > 0)
			assert_int_not_equal(e.name[0], 'x');
		assert_int_equal(g.guard, 0x5a);
		is_dead(got);
	}
	opened();
}

static void row69_version(void **state)
{
	static const struct {
		uint32_t at, bytes, value;
		int err;
	} bad[] = {
		{ 7, 4, CW_9P_BUFFER + 1, CW_EPEER },
		{ 7, 4, 100, CW_ENOTSUP },
		{ 11, 2, 7, CW_EPEER },
		{ 11, 2, 0xffff, CW_EPEER },
		{ 20, 1, 'u', CW_ENOTSUP },
	};

	(void)state;
	for (unsigned int i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		lies(CW_9P_TVERSION + 1, bad[i].at, bad[i].bytes, bad[i].value);
		assert_int_equal(cw_9p_open(&c, &w.mmio[FILES].transport, SECOND), bad[i].err);
		world_stop(NULL);
	}
	opened();
}

/* ---- restarts ---- */

static int use(void)
{
	struct cw_9p_stat st;
	struct cw_9p_file f;
	int32_t got;
	int err = cw_9p_open(&c, &w.mmio[FILES].transport, SECOND);

	err = err ? err
		  : cw_9p_file_open(&c, &f, "dir/new", CW_9P_O_CREAT | CW_9P_O_RDWR, 0600, SECOND);
	if (err)
		return err;
	err = cw_9p_write(&f, 0, data, 9000, SECOND);
	got = err ? err : cw_9p_read(&f, 0, back, 20000, SECOND);
	if (got < 0)
		return got;
	assert_int_equal(got, 9000);
	assert_memory_equal(back, data, 9000);
	err = cw_9p_file_close(&f, SECOND);
	return err ? err : cw_9p_stat(&c, "dir/new", &st, SECOND);
}

static void given_back(void)
{
	all_given_back(0);
}

static void pmm_restarts_at_each_step(void **state)
{
	(void)state;
	world_pmm_restarts(opened, use, given_back);
}

static void remote_restarts_at_each_step(void **state)
{
	unsigned int steps;

	(void)state;
	opened();
	steps = w.step;
	assert_int_equal(use(), CW_OK);
	steps = w.step - steps;
	world_stop(NULL);
	for (volatile unsigned int s = 1; s <= steps; s += steps / 60 + 1) {
		opened();
		w.strike = w.step + s;
		w.at_strike = world_crash;
		if (!setjmp(world_crashed))
			use();
		memset(&c, 0, sizeof(c));
		world_new_remote();
		assert_int_equal(use(), CW_OK);
		all_given_back(0);
		world_stop(NULL);
	}
	opened();
}

static void files_of_before_a_reset_are_gone(void **state)
{
	struct cw_9p_file f, g;
	struct cw_9p_dir d;
	struct cw_9p_entry e;

	(void)state;
	opened();
	f = open_file("long", CW_9P_O_RDONLY);
	assert_int_equal(cw_9p_dir_open(&c, &d, "/", SECOND), CW_OK);
	world_strike_pmm();
	assert_int_equal(cw_9p_read(&f, 0, back, 10, SECOND), CW_ERESET);
	world_link();
	assert_int_equal(cw_9p_open(&c, &w.mmio[FILES].transport, SECOND), CW_OK);
	g = open_file("dir/file", CW_9P_O_RDONLY); /* with the number that f had */
	assert_int_equal(g.fid, f.fid);
	assert_int_equal(cw_9p_read(&f, 0, back, 10, SECOND), CW_ERESET);
	assert_int_equal(cw_9p_file_close(&f, SECOND), CW_ERESET);
	assert_int_equal(cw_9p_dir_next(&d, &e, SECOND), CW_ERESET);
	assert_int_equal(cw_9p_read(&g, 0, back, 10, SECOND), 5);
}

int main(void)
{
#define T(f) cmocka_unit_test_teardown(f, world_stop)
	const struct CMUnitTest tests[] = {
		T(says_what_it_is),
		T(stat_tells),
		T(paths_that_cannot_be),
		T(deep_paths),
		T(names),
		T(open_and_create),
		T(reads_what_is_there),
		T(writes),
		T(short_answers),
		T(copies_with_streams),
		T(streams_end_with_an_error),
		T(lists_a_directory),
		T(errors_of_the_other_side),
		T(no_more_fids_than_there_are),
		T(small_block_means_small_messages),
		T(too_small_a_block_or_queue),
		T(server_with_a_smaller_msize),
		T(deadline_and_after),
		T(row69_frames),
		T(row69_counts),
		T(row69_entries),
		T(row69_version),
		T(pmm_restarts_at_each_step),
		T(remote_restarts_at_each_step),
		T(files_of_before_a_reset_are_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
