// SPDX-License-Identifier: BSD-3-Clause
/* File calls: the client of a remote and the server on Linux, over RPMsg in one thread; and each against a peer that lies. */
#include "../core/rpmsg_pair.h"

#include <causeway/driver/rpmsg_files.h>
#include <causeway/host/files.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define SIZE	 4096u
#define REQUESTS 4u
#define T	 500000u

static struct {
	struct cw_rpc_rpmsg g;
	struct cw_rpc_server rpc;
	struct cw_rpc_request request[REQUESTS];
	struct cw_rpc_peer peer[1];
	uint8_t in[SIZE], memory[2 * REQUESTS * SIZE];
	struct cw_files_server *s;
	int lies; /* what the server does instead */
	unsigned int calls, reset_at;
} far;

static struct cw_rfiles c;
static char base[64], text[128];
static int root;

enum { HONEST, NOTHING, SILENT, HUGE_COUNT, HUGE_END, SHORT, LONG, NAMES, LONG_NAME };

/* ---- the server ---- */

static int32_t lie(struct cw_rpc_request *r)
{
	struct cw_abi_files_written w = { .count = cw_make_le32(r->len) };

	memset(r->reply, 0xff, r->room);
	r->reply_len = far.lies == SHORT ? 3 : 0;
	if (far.lies == LONG)
		r->reply_len = r->room;
	if (far.lies == NAMES || far.lies == LONG_NAME) {
		cw_poke64(r->reply, 5);
		r->reply[9] = far.lies == NAMES ? 3 : 200;
		memcpy(r->reply + 10, far.lies == NAMES ? "a/b" : "abc", 3);
		r->reply_len = 13;
	}
	if (far.lies != HUGE_COUNT && far.lies != HUGE_END)
		return 0;
	if (far.lies == HUGE_END)
		w.count = cw_make_le32(r->len - (uint32_t)sizeof(struct cw_abi_files_io));
	cw_set_le32_pair(w.end, far.lies == HUGE_END ? 1ull << 63 : 0);
	memcpy(r->reply, &w, sizeof(w));
	r->reply_len = sizeof(w);
	return far.lies == HUGE_COUNT ? CW_FILES_EIO : 0;
}

static int32_t run(struct cw_rpc_request *r)
{
	far.calls++;
	if (far.lies == SILENT)
		return CW_RPC_LATER;
	if (far.lies)
		return lie(r);
	return cw_files_run(far.s, r);
}

static void serve(bool read_only, uint32_t life)
{
	static struct cw_rpc_method m[20];
	const struct cw_rpmsg_spec spec = { .name = CW_FILES_NAME,
					    .addr = CW_RPMSG_ANY,
					    .dst = CW_RPMSG_ANY };
	const struct cw_rpc_server_config conf = { .carrier = &cw_rpc_rpmsg_carrier,
						   .ctx = &far.g,
						   .method = m,
						   .methods = ARRAY_SIZE(m),
						   .request = far.request,
						   .requests = REQUESTS,
						   .peer = far.peer,
						   .peers = 1,
						   .size = SIZE,
						   .memory = far.memory,
						   .life = life };

	for (unsigned int i = 0; i < ARRAY_SIZE(m); i++)
		m[i] = (struct cw_rpc_method){ (uint16_t)i, 0, run };
	memset(&far, 0, sizeof(far));
	far.s = cw_files_create(root, read_only);
	assert_non_null(far.s);
	far.g.server = &far.rpc;
	far.g.in = far.in;
	far.g.size = SIZE;
	assert_int_equal(cw_rpc_server_init(&far.rpc, &conf), CW_OK);
	assert_int_equal(cw_rpc_rpmsg_open(&far.g, &p.side[REMOTE].ch, &spec), CW_OK);
}

static const char *at(const char *path)
{
	snprintf(text, sizeof(text), "%s/%s", base, path);
	return text;
}

static void put_file(const char *path, const char *bytes)
{
	FILE *f = fopen(at(path), "w");

	assert_non_null(f);
	fputs(bytes, f);
	fclose(f);
}

static void check_file(const char *path, const char *want)
{
	char got[256] = { 0 };
	FILE *f = fopen(at(path), "r");

	assert_non_null(f);
	(void)!fread(got, 1, sizeof(got) - 1, f);
	fclose(f);
	assert_string_equal(got, want);
}

static int begin_with(bool read_only, const struct pair_options *o)
{
	char dir[96];

	snprintf(base, sizeof(base), "/tmp/causeway-files.XXXXXX");
	assert_non_null(mkdtemp(base));
	snprintf(dir, sizeof(dir), "%s/export", base);
	assert_int_equal(mkdir(dir, 0755), 0);
	put_file("secret", "outside");
	put_file("export/f", "0123456789");
	root = open(dir, O_PATH | O_DIRECTORY);
	umask(0);
	pair_start(o);
	serve(read_only, 5);
	assert_int_equal(cw_rfiles_open(&c, &p.side[HOST].ch, 1), CW_OK);
	return 0;
}

static int begin(void **state)
{
	(void)state;
	return begin_with(false, NULL);
}

static int begin_read_only(void **state)
{
	(void)state;
	return begin_with(true, NULL);
}

/* The smallest buffers that a board with files may have. */
static int begin_small(void **state)
{
	const struct pair_options o = { .to_host = 300, .to_remote = 300 };

	(void)state;
	return begin_with(false, &o);
}

static int end(void **state)
{
	char command[128];

	(void)state;
	cw_files_free(far.s);
	close(root);
	snprintf(command, sizeof(command), "rm -rf %s", base);
	return system(command);
}

/* ---- files ---- */

static void open_is(const char *path, uint32_t flags, int want, int32_t error)
{
	struct cw_rfile f;

	assert_int_equal(cw_rfile_open(&c, &f, path, flags, 0644, T), want);
	assert_int_equal(c.error, error);
	if (!want)
		assert_int_equal(cw_rfile_close(&f, T), CW_OK);
}

#define READ  CW_FILES_READ
#define WRITE CW_FILES_WRITE
#define MAKE  (CW_FILES_WRITE | CW_FILES_CREATE)

static void bytes_there_and_back(void **state)
{
	struct cw_rfile f;
	struct cw_rfile_stat s;
	char got[32] = { 0 };
	struct stat st;

	(void)state;
	assert_int_equal(cw_rfile_open(&c, &f, "/new", MAKE | READ, 0666, T), CW_OK);
	assert_int_equal(cw_rfile_write(&f, "hello, world", 12, T), 12);
	assert_int_equal(cw_rfile_seek(&f, 7, CW_RFILE_SET, T), 7);
	assert_int_equal(cw_rfile_read(&f, got, sizeof(got), T), 5);
	assert_string_equal(got, "world");
	assert_int_equal(cw_rfile_read(&f, got, sizeof(got), T), 0);
	assert_int_equal(cw_rfile_seek(&f, -5, CW_RFILE_CUR, T), 7);
	assert_int_equal(cw_rfile_seek(&f, -12, CW_RFILE_END, T), 0);
	assert_int_equal(cw_rfile_seek(&f, -13, CW_RFILE_END, T), CW_EINVAL);
	assert_int_equal(cw_rfile_seek(&f, INT64_MIN, CW_RFILE_CUR, T), CW_EINVAL);
	assert_int_equal(cw_rfile_seek(&f, INT64_MAX, CW_RFILE_END, T), CW_EINVAL);
	assert_int_equal(cw_rfile_seek(&f, 0, 3, T), CW_EINVAL);
	assert_int_equal(cw_rfile_stat(&f, &s, T), CW_OK);
	assert_int_equal(s.size, 12);
	assert_int_equal(s.type, CW_FILES_TYPE_FILE);
	assert_int_equal(cw_rfile_truncate(&f, 5, T), CW_OK);
	assert_int_equal(cw_rfile_sync(&f, T), CW_OK);
	assert_int_equal(cw_rfile_close(&f, T), CW_OK);
	assert_int_equal(cw_rfile_close(&f, T), CW_ERESET);
	check_file("export/new", "hello");
	assert_int_equal(stat(at("export/new"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0644); /* not for others to write */
	assert_int_equal(cw_rfiles_stat(&c, "new", &s, T), CW_OK);
	assert_int_equal(s.size, 5);
	assert_int_equal(s.mode, 0644);
	assert_int_equal(s.mtime, st.st_mtime);
	assert_int_equal(s.id, st.st_ino);
}

static void what_is_long_goes_in_pieces(void **state)
{
	static uint8_t out[100000], back[100001];
	struct cw_rfile f;

	(void)state;
	for (unsigned int i = 0; i < sizeof(out); i++)
		out[i] = (uint8_t)(i * 7 + i / 251);
	assert_int_equal(cw_rfile_open(&c, &f, "long", MAKE | READ, 0644, T), CW_OK);
	assert_int_equal(cw_rfile_write(&f, out, sizeof(out), T), sizeof(out));
	assert_int_equal(cw_rfile_seek(&f, 0, CW_RFILE_SET, T), 0);
	assert_int_equal(cw_rfile_read(&f, back, sizeof(back), T), sizeof(out));
	assert_memory_equal(out, back, sizeof(out));
	assert_true(far.calls > 400);
	assert_int_equal(cw_rfile_close(&f, T), CW_OK);
}

static void offsets_have_64_bits(void **state)
{
	struct cw_rfile f;
	char got[8] = { 0 };

	(void)state;
	assert_int_equal(cw_rfile_open(&c, &f, "sparse", MAKE | READ, 0644, T), CW_OK);
	assert_int_equal(cw_rfile_seek(&f, 5000000000, CW_RFILE_SET, T), 5000000000);
	assert_int_equal(cw_rfile_write(&f, "far", 3, T), 3);
	assert_int_equal(cw_rfile_seek(&f, -3, CW_RFILE_END, T), 5000000000);
	assert_int_equal(cw_rfile_read(&f, got, 8, T), 3);
	assert_string_equal(got, "far");
	assert_int_equal(cw_rfile_seek(&f, INT64_MAX, CW_RFILE_SET, T), INT64_MAX);
	assert_int_equal(cw_rfile_write(&f, "x", 1, T), CW_ENOSPC);
	assert_int_equal(c.error, CW_FILES_EFBIG);
	assert_int_equal(cw_rfile_read(&f, got, 8, T), 0);
	assert_int_equal(cw_rfile_truncate(&f, 1ull << 63, T), CW_ENOSPC);
	assert_int_equal(cw_rfile_close(&f, T), CW_OK);
}

static void appending_is_at_the_end(void **state)
{
	struct cw_rfile f, g;

	(void)state;
	assert_int_equal(cw_rfile_open(&c, &f, "f", WRITE | CW_FILES_APPEND, 0, T), CW_OK);
	assert_int_equal(cw_rfile_open(&c, &g, "f", WRITE | CW_FILES_APPEND, 0, T), CW_OK);
	assert_int_equal(cw_rfile_write(&f, "ab", 2, T), 2);
	assert_int_equal(f.position, 12);
	assert_int_equal(cw_rfile_write(&g, "cd", 2, T), 2);
	assert_int_equal(cw_rfile_seek(&f, 0, CW_RFILE_SET, T), 0);
	assert_int_equal(cw_rfile_write(&f, "ef", 2, T), 2);
	assert_int_equal(f.position, 16);
	cw_rfile_close(&f, T);
	cw_rfile_close(&g, T);
	check_file("export/f", "0123456789abcdef");
}

static void flags_mean_what_they_say(void **state)
{
	struct cw_rfile f;
	char byte;

	(void)state;
	open_is("none", READ, CW_ENOENT, CW_FILES_ENOENT);
	open_is("f", MAKE | CW_FILES_EXCLUSIVE, CW_EEXIST, CW_FILES_EEXIST);
	open_is("g", MAKE | CW_FILES_EXCLUSIVE, CW_OK, 0);
	open_is("f", MAKE, CW_OK, 0);
	check_file("export/f", "0123456789");
	open_is("f", WRITE | CW_FILES_TRUNCATE | CW_FILES_SYNC, CW_OK, 0);
	check_file("export/f", "");
	open_is("f", 0, CW_EINVAL, CW_FILES_EINVAL);
	open_is("f", READ | 0x100, CW_EINVAL, CW_FILES_EINVAL);
	open_is("f", READ | 0x80000000u, CW_EINVAL, CW_FILES_EINVAL);
	open_is("f", READ | CW_FILES_TRUNCATE, CW_EINVAL, CW_FILES_EINVAL);
	open_is("f", READ | CW_FILES_APPEND, CW_EINVAL, CW_FILES_EINVAL);
	open_is("f", WRITE | CW_FILES_EXCLUSIVE, CW_EINVAL, CW_FILES_EINVAL);
	open_is("f", READ | WRITE | CW_FILES_FOLDER, CW_EINVAL, CW_FILES_EINVAL);
	open_is("f", READ | CW_FILES_FOLDER, CW_EINVAL, CW_FILES_ENOTDIR);
	open_is("/", READ, CW_EINVAL, CW_FILES_EISDIR);
	assert_int_equal(cw_rfile_open(&c, &f, "x", MAKE, 01777, T), CW_EINVAL);
	assert_int_equal(cw_rfile_open(&c, &f, "f", READ, 0, T), CW_OK);
	assert_int_equal(cw_rfile_write(&f, "x", 1, T), CW_EINVAL);
	assert_int_equal(c.error, CW_FILES_EBADF);
	assert_int_equal(cw_rfile_truncate(&f, 0, T), CW_EINVAL);
	cw_rfile_close(&f, T);
	assert_int_equal(cw_rfile_open(&c, &f, "f", WRITE, 0, T), CW_OK);
	assert_int_equal(cw_rfile_read(&f, &byte, 1, T), CW_EINVAL);
	cw_rfile_close(&f, T);
}

static void no_more_than_so_many(void **state)
{
	static struct cw_rfile f[CW_FILES_OPEN + 1];

	(void)state;
	for (unsigned int i = 0; i < CW_FILES_OPEN; i++)
		assert_int_equal(cw_rfile_open(&c, &f[i], "f", READ, 0, T), CW_OK);
	assert_int_equal(cw_rfile_open(&c, &f[CW_FILES_OPEN], "f", READ, 0, T), CW_EBUSY);
	assert_int_equal(c.error, CW_FILES_EMFILE);
	assert_int_equal(cw_rfile_close(&f[7], T), CW_OK);
	assert_int_equal(cw_rfile_open(&c, &f[32], "f", READ, 0, T), CW_OK);
	assert_int_not_equal(f[7].handle, f[32].handle);
	f[7].session = f[6].session; /* an old handle is known as such */
	assert_int_equal(cw_rfile_seek(&f[7], 0, CW_RFILE_END, T), CW_EINVAL);
	assert_int_equal(c.error, CW_FILES_EBADF);
}

static void names(void **state)
{
	struct cw_rfile f;
	struct cw_rfile_entry e;
	struct cw_rfile_stat s;
	unsigned int seen = 0;
	char long_name[300];

	(void)state;
	assert_int_equal(cw_rfiles_mkdir(&c, "d", 0777, T), CW_OK);
	assert_int_equal(cw_rfiles_mkdir(&c, "d", 0777, T), CW_EEXIST);
	assert_int_equal(cw_rfiles_mkdir(&c, "m", 01777, T), CW_EINVAL);
	for (unsigned int i = 0; i < 40; i++) {
		snprintf(long_name, sizeof(long_name), "d/%0200u", i);
		open_is(long_name, MAKE, CW_OK, 0);
	}
	assert_int_equal(cw_rfiles_rename(&c, "f", "/d//./f2/", T), CW_OK);
	assert_int_equal(cw_rfiles_stat(&c, "f", &s, T), CW_ENOENT);
	assert_int_equal(cw_rfiles_stat(&c, "d/f2", &s, T), CW_OK);
	assert_int_equal(cw_rfiles_stat(&c, "d", &s, T), CW_OK);
	assert_int_equal(s.type, CW_FILES_TYPE_FOLDER);
	assert_int_equal(s.mode, 0755);
	assert_int_equal(cw_rfile_open(&c, &f, "d", READ | CW_FILES_FOLDER, 0, T), CW_OK);
	while (cw_rfile_list(&f, &e, T) == 1) {
		assert_int_equal(e.type, CW_FILES_TYPE_FILE);
		seen += !strcmp(e.name, "f2") ? 100 : strlen(e.name) == 200;
	}
	assert_int_equal(seen, 140);
	assert_int_equal(cw_rfile_list(&f, &e, T), 0);
	cw_rfile_close(&f, T);
	assert_int_equal(cw_rfiles_rmdir(&c, "d", T), CW_EEXIST);
	assert_int_equal(c.error, CW_FILES_ENOTEMPTY);
	assert_int_equal(cw_rfiles_unlink(&c, "d", T), CW_EINVAL);
	assert_int_equal(c.error, CW_FILES_EISDIR);
	assert_int_equal(cw_rfiles_unlink(&c, "d/f2", T), CW_OK);
	assert_int_equal(cw_rfiles_mkdir(&c, "e", 0755, T), CW_OK);
	assert_int_equal(cw_rfiles_rmdir(&c, "e", T), CW_OK);
	memset(long_name, 'n', sizeof(long_name));
	long_name[256] = 0;
	assert_int_equal(cw_rfiles_unlink(&c, long_name, T), CW_EINVAL);
	assert_int_equal(c.error, CW_FILES_ENAMETOOLONG);
	assert_int_equal(cw_rfiles_rename(&c, "f", long_name, T), CW_EINVAL);
	long_name[256] = 'n';
	long_name[299] = 0;
	assert_int_equal(cw_rfiles_rename(&c, long_name, "f", T), CW_EINVAL);
}

static void the_longest_name_fits(void **state)
{
	struct cw_rfile_entry e = { 0 };
	struct cw_rfile_stat s;
	struct cw_rfile f;
	char name[256];

	(void)state;
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = 0;
	open_is(name, MAKE, CW_OK, 0);
	assert_int_equal(cw_rfiles_stat(&c, name, &s, T), CW_OK);
	assert_int_equal(cw_rfile_open(&c, &f, "/", READ | CW_FILES_FOLDER, 0, T), CW_OK);
	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(cw_rfile_list(&f, &e, T), 1);
		if (strcmp(e.name, "f"))
			assert_string_equal(e.name, name);
	}
	assert_int_equal(cw_rfile_list(&f, &e, T), 0);
	assert_int_equal(cw_rfile_close(&f, T), CW_OK);
	assert_int_equal(cw_rfiles_rename(&c, name, "g", T), CW_OK);
	assert_int_equal(cw_rfiles_rename(&c, "g", name, T), CW_OK);
	assert_int_equal(cw_rfiles_unlink(&c, name, T), CW_OK);
}

static void too_long(int err)
{
	assert_int_equal(err, CW_EINVAL);
	assert_int_equal(c.error, CW_FILES_ENAMETOOLONG);
	open_is("none", READ, CW_ENOENT, CW_FILES_ENOENT); /* an error before the next one */
}

/* Whoever it is that has no room for it: a name of 256 bytes, a path that fits into no message, or none of Linux's. */
static void a_path_that_is_too_long(void **state)
{
	static const uint32_t lengths[] = { 256, 257, 300, 490, 4095, 4096, 5000 };
	static char path[5001];
	struct cw_rfile_stat s;
	struct cw_rfile f;

	(void)state;
	open_is("none", READ, CW_ENOENT, CW_FILES_ENOENT);
	for (unsigned int i = 0; i < ARRAY_SIZE(lengths); i++) {
		memset(path, 'n', lengths[i]);
		path[lengths[i]] = 0;
		too_long(cw_rfile_open(&c, &f, path, MAKE, 0644, T));
		too_long(cw_rfiles_stat(&c, path, &s, T));
		too_long(cw_rfiles_unlink(&c, path, T));
		too_long(cw_rfiles_mkdir(&c, path, 0755, T));
		too_long(cw_rfiles_rmdir(&c, path, T));
		too_long(cw_rfiles_rename(&c, path, "g", T));
		too_long(cw_rfiles_rename(&c, "f", path, T));
	}
	check_file("export/f", "0123456789");
}

/* What is refused here already has no error of a call before. */
static void an_error_of_before_is_forgotten(void **state)
{
	struct cw_rfile f;
	char byte = 0;

	(void)state;
	assert_int_equal(cw_rfile_open(&c, &f, "f", READ | WRITE, 0, T), CW_OK);
	open_is("none", READ, CW_ENOENT, CW_FILES_ENOENT);
	assert_int_equal(cw_rfile_read(&f, &byte, 1u << 31, T), CW_EINVAL);
	assert_int_equal(c.error, 0);
	open_is("none", READ, CW_ENOENT, CW_FILES_ENOENT);
	assert_int_equal(cw_rfile_write(&f, &byte, 1u << 31, T), CW_EINVAL);
	assert_int_equal(c.error, 0);
	assert_int_equal(cw_rfile_close(&f, T), CW_OK);
}

/* Rows 43 to 46, as far as these calls have what is meant there. */
static void nothing_leads_out(void **state)
{
	static const char *const out[] = { "..",   "../secret", "d/../../secret", "/../secret",
					   "l",	   "l/secret",	"up/secret",	  "up",
					   "\xff", "a\xc0\xaf" };
	struct cw_rfile_stat s;
	struct cw_rfile f;

	(void)state;
	assert_int_equal(symlinkat("../secret", open(at("export"), O_PATH), "l"), 0);
	assert_int_equal(symlink("..", at("export/up")), 0);
	assert_int_equal(mkfifo(at("export/pipe"), 0666), 0);
	for (unsigned int i = 0; i < ARRAY_SIZE(out); i++) {
		assert_true(cw_rfile_open(&c, &f, out[i], READ, 0, T) < 0);
		assert_true(cw_rfile_open(&c, &f, out[i], MAKE | CW_FILES_TRUNCATE, 0644, T) < 0);
		assert_true(cw_rfiles_rename(&c, "f", "../f", T) < 0);
		if (i != 4 && i != 7) /* a link itself may go */
			assert_true(cw_rfiles_unlink(&c, out[i], T) < 0);
	}
	assert_int_equal(cw_rfiles_stat(&c, "l", &s, T), CW_OK); /* it is told of, not followed */
	assert_int_equal(s.type, CW_FILES_TYPE_LINK);
	assert_int_equal(cw_rfiles_stat(&c, "up/secret", &s, T), CW_EACCES);
	assert_int_equal(cw_rfiles_stat(&c, "/secret", &s, T), CW_ENOENT); /* not Linux's root */
	assert_int_equal(cw_rfile_open(&c, &f, "pipe", READ, 0, T), CW_EACCES);
	assert_int_equal(cw_rfiles_stat(&c, "", &s, T), CW_ENOENT);
	check_file("secret", "outside");
	check_file("export/f", "0123456789");
}

static void read_only_is(void **state)
{
	struct cw_rfile f;
	char got[16] = { 0 };

	(void)state;
	assert_int_equal(cw_rfile_open(&c, &f, "f", READ, 0, T), CW_OK);
	assert_int_equal(cw_rfile_read(&f, got, sizeof(got), T), 10);
	assert_int_equal(cw_rfile_write(&f, "x", 1, T), CW_EACCES);
	assert_int_equal(c.error, CW_FILES_EROFS);
	assert_int_equal(cw_rfile_truncate(&f, 0, T), CW_EACCES);
	cw_rfile_close(&f, T);
	open_is("f", WRITE, CW_EACCES, CW_FILES_EROFS);
	open_is("new", READ | CW_FILES_CREATE, CW_EACCES, CW_FILES_EROFS);
	open_is("f", WRITE | CW_FILES_TRUNCATE, CW_EACCES, CW_FILES_EROFS);
	assert_int_equal(cw_rfiles_unlink(&c, "f", T), CW_EACCES);
	assert_int_equal(cw_rfiles_rename(&c, "f", "g", T), CW_EACCES);
	assert_int_equal(cw_rfiles_mkdir(&c, "d", 0755, T), CW_EACCES);
	assert_int_equal(cw_rfiles_rmdir(&c, "d", T), CW_EACCES);
	check_file("export/f", "0123456789");
	assert_int_equal(access(at("export/new"), F_OK), -1);
}

/* ---- what fails in the middle ---- */

static void an_error_in_the_middle_is_told(void **state)
{
	static const struct rlimit small = { 1000, RLIM_INFINITY };
	struct rlimit was = { RLIM_INFINITY, RLIM_INFINITY };
	static uint8_t bytes[2000];
	struct cw_rfile f;

	(void)state;
	assert_int_equal(cw_rfile_open(&c, &f, "full", MAKE, 0644, T), CW_OK);
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &was);
	setrlimit(RLIMIT_FSIZE, &small);
	assert_int_equal(cw_rfile_write(&f, bytes, sizeof(bytes), T), 1000);
	assert_int_equal(c.error, CW_FILES_EFBIG);
	c.error = 0;
	assert_int_equal(cw_rfile_write(&f, bytes, 1, T), CW_ENOSPC); /* of the call before */
	assert_int_equal(c.error, CW_FILES_EFBIG);
	assert_int_equal(cw_rfile_seek(&f, 500, CW_RFILE_SET, T), 500);
	assert_int_equal(cw_rfile_write(&f, bytes, 1000, T), 500);
	setrlimit(RLIMIT_FSIZE, &was);
	assert_int_equal(cw_rfile_close(&f, T), CW_ENOSPC); /* nobody has heard of it yet */
	assert_int_equal(c.error, CW_FILES_EFBIG);
}

static void restart(void)
{
	cw_files_free(far.s);
	pair_down();
	cw_rpc_rpmsg_close(&far.g);
	pair_up();
	serve(false, 9);
}

static void a_restart_closes_all(void **state)
{
	struct cw_rfile f, g;
	char byte;

	(void)state;
	assert_int_equal(cw_rfile_open(&c, &f, "f", READ, 0, T), CW_OK);
	restart();
	assert_int_equal(cw_rfile_read(&f, &byte, 1, T), CW_ERESET);
	assert_int_equal(cw_rfile_open(&c, &g, "f", READ, 0, T), CW_OK);
	assert_int_equal(f.handle, g.handle); /* the old one does not become the new one */
	assert_int_equal(cw_rfile_read(&f, &byte, 1, T), CW_ERESET);
	assert_int_equal(cw_rfile_read(&g, &byte, 1, T), 1);
	assert_int_equal(cw_rfile_close(&f, T), CW_ERESET);
	assert_int_equal(cw_rfile_close(&g, T), CW_OK);
}

static void the_next_client_finds_nothing_open(void **state)
{
	struct cw_rfile f;
	int before = dup(0), after;

	(void)state;
	close(before);
	for (unsigned int i = 0; i < 3 * CW_FILES_OPEN; i++) {
		assert_int_equal(cw_rfile_open(&c, &f, "f", READ, 0, T), CW_OK);
		cw_rpc_client_up(&c.rpc); /* another life, which knows of no file */
	}
	open_is("f", READ, CW_OK, 0);
	cw_files_reset(far.s);
	after = dup(0);
	close(after);
	assert_int_equal(before, after);
}

/* What the client has to hear of before it makes its call is on its way already. */
static void a_session_that_ends_in_between(void **state)
{
	struct cw_abi_rpc h = { .version = CW_RPC_VERSION, .type = CW_RPC_REFUSED };
	struct cw_rfile f;
	char byte;

	(void)state;
	assert_int_equal(cw_rfile_open(&c, &f, "f", READ, 0, T), CW_OK);
	h.session = cw_make_le32(c.rpc.session);
	cw_rpc_server_down(&far.rpc);
	assert_int_equal(cw_rpmsg_send(far.g.e, &h, sizeof(h), 0), CW_OK);
	cw_rpmsg_flush(&p.side[REMOTE].ch);
	assert_int_equal(cw_rfile_read(&f, &byte, 1, T), CW_ERESET);
	assert_int_equal(c.error, 0);
}

/* The server is replaced in the middle of a long write, between two chunks. */
static void a_long_write_over_a_restart(void **state)
{
	static uint8_t bytes[50000];
	struct cw_rfile f;
	int32_t n;

	(void)state;
	assert_int_equal(cw_rfile_open(&c, &f, "cut", MAKE, 0644, T), CW_OK);
	n = cw_rfile_write(&f, bytes, 5000, T);
	assert_int_equal(n, 5000);
	far.lies = SILENT;
	n = cw_rfile_write(&f, bytes, sizeof(bytes), T);
	assert_int_equal(n, CW_ETIMEDOUT);
	assert_int_equal(f.position, 5000);
	far.lies = HONEST;
	restart();
	n = cw_rfile_write(&f, bytes, sizeof(bytes), T);
	assert_int_equal(n, CW_ERESET);
}

/* ---- peers that lie ---- */

static void answers_that_cannot_be(void **state)
{
	struct cw_rfile f, g;
	struct cw_rfile_stat s;
	struct cw_rfile_entry e;
	char byte[8];

	(void)state;
	assert_int_equal(cw_rfile_open(&c, &f, "f", READ | WRITE, 0, T), CW_OK);
	for (far.lies = HUGE_COUNT; far.lies <= LONG_NAME; far.lies++) {
		assert_true(cw_rfile_write(&f, "1234", 4, T) < 0);
		assert_true(cw_rfile_stat(&f, &s, T) < 0);
		assert_true(cw_rfile_list(&f, &e, T) < 0);
		assert_true(cw_rfiles_stat(&c, "f", &s, T) < 0);
		assert_int_equal(f.position, 0);
		if (far.lies != HUGE_COUNT && far.lies != HUGE_END)
			assert_true(cw_rfile_open(&c, &g, "f", READ, 0, T) < 0);
		if (far.lies == LONG)
			assert_int_equal(cw_rfile_read(&f, byte, sizeof(byte), T), CW_EPEER);
	}
	far.lies = SHORT;
	f.position = INT64_MAX;
	assert_int_equal(cw_rfile_read(&f, byte, sizeof(byte), T), CW_EPEER);
}

/* What a client can say that ours never does. */
static void calls_that_cannot_be(void **state)
{
	static const struct {
		uint16_t method;
		uint32_t len;
		int32_t want;
	} t[] = {
		{ 0, 0, CW_ENOTSUP },	    { 14, 0, CW_ENOTSUP },     { 1, 7, CW_EBADLEN },
		{ 1, 8, CW_FILES_EINVAL },  { 2, 3, CW_EBADLEN },      { 2, 4, CW_FILES_EBADF },
		{ 2, 5, CW_EBADLEN },	    { 3, 15, CW_EBADLEN },     { 3, 17, CW_EBADLEN },
		{ 3, 16, CW_FILES_EBADF },  { 4, 15, CW_EBADLEN },     { 4, 20, CW_FILES_EINVAL },
		{ 6, 3, CW_EBADLEN },	    { 8, 4, CW_FILES_EINVAL }, { 9, 4, CW_FILES_EINVAL },
		{ 11, 16, CW_FILES_EBADF }, { 12, 4, CW_FILES_EBADF }, { 13, 16, CW_FILES_EBADF },
	};
	uint8_t args[64], reply[64];
	struct cw_rpc_ask a = { .args = args, .timeout = T };
	uint32_t len;

	(void)state;
	memset(args, 0xff, sizeof(args));
	for (unsigned int i = 0; i < ARRAY_SIZE(t); i++) {
		a.method = t[i].method;
		a.len = t[i].len;
		len = sizeof(reply);
		assert_int_equal(cw_rpc_call(&c.rpc, &a, reply, &len), t[i].want);
	}
	a.method = CW_FILES_M_STAT;
	a.args = "f\0g";
	a.len = 3;
	assert_int_equal(cw_rpc_call(&c.rpc, &a, NULL, NULL), CW_FILES_EINVAL);
}

static void nobody_serves(void **state)
{
	struct cw_rfile f;

	(void)state;
	cw_rpc_rpmsg_close(&far.g);
	assert_int_equal(cw_rfile_open(&c, &f, "f", READ, 0, T), CW_ETIMEDOUT);
	assert_int_equal(cw_rfile_close(&f, T), CW_ERESET);
	pair_down();
	assert_int_equal(cw_rfile_open(&c, &f, "f", READ, 0, T), CW_EDOWN);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(bytes_there_and_back),
		TEST(what_is_long_goes_in_pieces),
		TEST(offsets_have_64_bits),
		TEST(appending_is_at_the_end),
		TEST(flags_mean_what_they_say),
		TEST(no_more_than_so_many),
		TEST(names),
		cmocka_unit_test_setup_teardown(the_longest_name_fits, begin_small, end),
		TEST(a_path_that_is_too_long),
		TEST(an_error_of_before_is_forgotten),
		TEST(nothing_leads_out),
		cmocka_unit_test_setup_teardown(read_only_is, begin_read_only, end),
		TEST(an_error_in_the_middle_is_told),
		TEST(a_restart_closes_all),
		TEST(the_next_client_finds_nothing_open),
		TEST(a_session_that_ends_in_between),
		TEST(a_long_write_over_a_restart),
		TEST(answers_that_cannot_be),
		TEST(calls_that_cannot_be),
		TEST(nobody_serves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
