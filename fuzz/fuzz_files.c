// SPDX-License-Identifier: BSD-3-Clause
/*
 * The server of file calls on a small tree, with a remote that mostly makes sense: calls put together from a few
 * handles, paths and numbers, then perhaps bent; sessions begin anew; and a Linux user exchanges a folder
 * for a link that leads outside. Every other input has an export that is read only.
 *
 * Call and answer lie in memory of exactly their size. Checked are: the form of every answer; that only a handle that
 * was given and not closed since is one, and that there are 32 at most; that nothing of what is outside is read or
 * changed, and nothing of what is read only; that nobody else may write what is made; and that no descriptor
 * is left when the session ends.
 */
#include "fuzz.h"
#include "tree.h"

#include <causeway/core/bytes.h>
#include <causeway/core/err.h>
#include <causeway/host/files.h>

#include <fts.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LARGEST 8000u

static struct cw_files_server *server;
static bool read_only;
static uint8_t call[LARGEST + 16];
static uint32_t at, session;
static struct {
	uint32_t handle, flags;
} given[CW_FILES_OPEN];
static unsigned int givens;
static uint32_t last; /* handle that was given, perhaps void by now */

/* ---- calls ---- */

static void put32(uint32_t v)
{
	cw_poke32(call + at, v);
	at += 4;
}

static void put64(uint64_t v)
{
	cw_poke64(call + at, v);
	at += 8;
}

static void put_part(void)
{
	static const char *const parts[] = { "a",  "b", "f", "l",    "p",    "n",	"m",
					     "..", "",	".", "\xff", "x\0y", "\xc3\xa4" };
	uint8_t n = fz_u8();
	const char *s = parts[n < 200 ? n % 7 : n % 13];
	uint32_t len = s[0] == 'x' ? 3 : (uint32_t)strlen(s);

	if (n > 250) { /* as long as a name may be, and longer */
		len = n;
		memset(call + at, 'y', len + n % 7);
		at += len + n % 7;
		return;
	}
	memcpy(call + at, s, len);
	at += len;
}

static void put_path(void)
{
	uint8_t how = fz_u8(), n = how > 250 ? 12 : how % 4;

	if (how & 64)
		call[at++] = '/';
	for (unsigned int i = 0; i < n; i++) {
		put_part();
		if (i + 1u < n || how & 128)
			call[at++] = '/';
	}
}

static void put_handle(void)
{
	uint8_t n = fz_u8();

	put32(givens && n < 220 ? given[n % givens].handle
	      : n < 240		? last
	      : n < 250		? n
				: fz_u32());
}

static uint64_t number(void)
{
	static const uint64_t edges[] = {
		0,	    1,		4,	    10,		4096,	       65536,
		1 << 20,    1ull << 31, 0xffffffff, 1ull << 32, INT64_MAX - 1, INT64_MAX,
		1ull << 63, UINT64_MAX
	};
	uint8_t n = fz_u8();

	return n < 128 ? edges[n % 14] : n < 200 ? n - 128u : n < 230 ? fz_u16() : fz_u64();
}

static void put_open(void)
{
	static const uint32_t useful[] = { 0x01, 0x02, 0x03, 0x06, 0x07, 0x0f,
					   0x13, 0x17, 0x26, 0x81, 0x41 };
	uint8_t n = fz_u8();

	put32(n < 220 ? useful[n % 11] : n < 250 ? fz_u8() : fz_u32());
	put32(n & 1 ? 0666 : fz_u16());
	put_path();
}

static void put_io(uint16_t method)
{
	uint32_t len = method == CW_FILES_M_WRITE ? fz_u8() : 0;
	uint8_t n = fz_u8();

	len = len > 250 ? 16 * len : len;
	put_handle();
	put32(n & 1 && len ? len : n & 2 ? fz_u8() : (uint32_t)number());
	put64(number());
	memset(call + at, 'd', len);
	at += len;
}

static void put_rename(void)
{
	uint32_t from = at;

	put32(0);
	put_path();
	cw_poke32(call + from, fz_u8() < 230 ? at - from - 4 : (uint32_t)number());
	put_path();
}

static void compose(uint16_t method)
{
	at = 0;
	switch (method) {
	case CW_FILES_M_OPEN:
		put_open();
		break;
	case CW_FILES_M_READ:
	case CW_FILES_M_WRITE:
	case CW_FILES_M_TRUNCATE:
	case CW_FILES_M_LIST:
		put_io(method);
		break;
	case CW_FILES_M_CLOSE:
	case CW_FILES_M_FSTAT:
	case CW_FILES_M_SYNC:
		put_handle();
		break;
	case CW_FILES_M_RENAME:
		put_rename();
		break;
	case CW_FILES_M_MKDIR:
		put32(fz_u16() & 01777);
		put_path();
		break;
	default:
		put_path();
	}
}

static void bend(void)
{
	for (unsigned int n = fz_u8() % 4; n-- && at;)
		call[fz_u16() % at] = fz_u8();
	if (fz_u8() % 4 == 0)
		at = fz_u16() % (at + 8);
}

/* ---- answers ---- */

/* Where it is in given[], or givens. */
static unsigned int place_of(uint32_t handle)
{
	unsigned int i = 0;

	while (i < givens && given[i].handle != handle)
		i++;
	return i;
}

static void check_list(const uint8_t *p, uint32_t len)
{
	while (len) {
		FZ_CHECK(len >= CW_FILES_ENTRY && cw_peek64(p) <= INT64_MAX);
		FZ_CHECK(p[8] >= CW_FILES_TYPE_FILE && p[8] <= CW_FILES_TYPE_OTHER);
		FZ_CHECK(p[9] && len >= CW_FILES_ENTRY + p[9]);
		FZ_CHECK(!memchr(p + CW_FILES_ENTRY, '/', p[9]) &&
			 !memchr(p + CW_FILES_ENTRY, 0, p[9]));
		FZ_CHECK(p[CW_FILES_ENTRY] != '.');
		len -= CW_FILES_ENTRY + p[9];
		p += CW_FILES_ENTRY + p[9];
	}
}

static void check_stat(const uint8_t *p)
{
	uint32_t type = cw_peek32(p);

	FZ_CHECK(type >= CW_FILES_TYPE_FILE && type <= CW_FILES_TYPE_OTHER);
	FZ_CHECK(cw_peek32(p + 4) <= 0777 && cw_peek64(p + 8) <= INT64_MAX &&
		 cw_peek32(p + 24) < 1000000000);
}

static void note_opened(const struct cw_rpc_request *r)
{
	uint32_t handle = cw_peek32(r->reply);

	FZ_CHECK(place_of(handle) == givens && givens < CW_FILES_OPEN);
	given[givens].flags = cw_peek32(r->args);
	given[givens++].handle = last = handle;
	FZ_CHECK(!read_only || !(given[givens - 1].flags & CW_FILES_WRITE));
}

static void check_done(const struct cw_rpc_request *r)
{
	static const uint8_t exact[] = { [CW_FILES_M_OPEN] = 16,
					 [CW_FILES_M_WRITE] = 16,
					 [CW_FILES_M_STAT] = 40,
					 [CW_FILES_M_FSTAT] = 40,
					 [CW_FILES_M_LIST] = 0 };

	if (r->method == CW_FILES_M_READ)
		FZ_CHECK(r->reply_len <= cw_peek32(r->args + 4));
	else if (r->method == CW_FILES_M_LIST)
		check_list(r->reply, r->reply_len);
	else
		FZ_CHECK(r->reply_len == (r->method < sizeof(exact) ? exact[r->method] : 0));
	if (r->method == CW_FILES_M_STAT || r->method == CW_FILES_M_FSTAT)
		check_stat(r->reply);
	if (r->method == CW_FILES_M_WRITE)
		FZ_CHECK(cw_peek32(r->reply) == r->len - 16 &&
			 cw_peek64(r->reply + 8) <= INT64_MAX);
}

static bool takes_handle(uint16_t method)
{
	return method == CW_FILES_M_CLOSE || method == CW_FILES_M_FSTAT ||
	       method == CW_FILES_M_SYNC || method == CW_FILES_M_READ ||
	       method == CW_FILES_M_WRITE || method == CW_FILES_M_TRUNCATE ||
	       method == CW_FILES_M_LIST;
}

/* What only a handle opened for it may do. */
static uint32_t needs(uint16_t method)
{
	return method == CW_FILES_M_READ				     ? CW_FILES_READ
	       : method == CW_FILES_M_LIST				     ? CW_FILES_FOLDER
	       : method == CW_FILES_M_WRITE || method == CW_FILES_M_TRUNCATE ? CW_FILES_WRITE
									     : 0;
}

static void check_answer(const struct cw_rpc_request *r, int32_t status)
{
	unsigned int i;

	FZ_CHECK(status == CW_ENOTSUP || status == CW_EBADLEN ||
		 (status >= 0 && status <= CW_FILES_ENOTSUP));
	FZ_CHECK(r->reply_len <= r->room);
	FZ_CHECK(!r->reply_len ||
		 !memmem(r->reply, r->reply_len, TREE_SECRET, strlen(TREE_SECRET)));
	if (status) {
		FZ_CHECK(!r->reply_len || (r->method == CW_FILES_M_WRITE && r->reply_len == 16));
		return;
	}
	check_done(r);
	if (r->method == CW_FILES_M_OPEN)
		note_opened(r);
	if (!takes_handle(r->method))
		return;
	i = place_of(cw_peek32(r->args));
	FZ_CHECK(i < givens && (given[i].flags & needs(r->method)) == needs(r->method));
	if (r->method == CW_FILES_M_CLOSE)
		given[i] = given[--givens];
}

static void ask(uint16_t method, uint32_t room)
{
	uint8_t *args = malloc(at ? at : 1), *reply = malloc(room ? room : 1);
	struct cw_rpc_request r = { .args = args,
				    .len = at,
				    .reply = reply,
				    .room = room,
				    .reply_len = 77,
				    .method = method,
				    .session = session };

	FZ_CHECK(args && reply);
	memcpy(args, call, at);
	check_answer(&r, cw_files_run(server, &r));
	free(args);
	free(reply);
}

/* ---- the tree, seen from Linux ---- */

/* Of all that is below the export: a sum; and whether others may write something. */
static uint64_t sum_of_tree(void)
{
	char *paths[] = { tree_export, NULL };
	FTS *f = fts_open(paths, FTS_PHYSICAL, NULL);
	uint64_t sum = 0;

	for (FTSENT *e; f && (e = fts_read(f));) {
		const struct stat *s = e->fts_statp;

		if (e->fts_info == FTS_DP)
			continue;
		if (!S_ISLNK(s->st_mode))
			FZ_CHECK(!(s->st_mode & 022));
		sum += s->st_ino * 31 + s->st_mode + (uint64_t)s->st_size * 7 +
		       (uint64_t)s->st_mtim.tv_nsec + (uint64_t)s->st_nlink;
	}
	if (f)
		fts_close(f);
	return sum;
}

static void step(void)
{
	uint8_t what = fz_u8(), m = fz_u8();
	uint16_t method = m < 60 ? CW_FILES_M_OPEN : (uint16_t)(m % 15);

	if (what == 255 && !read_only)
		tree_exchange();
	if (what >= 250 && what < 254) {
		session++;
		givens = 0;
	} else if (what == 254) {
		cw_files_reset(server);
		givens = 0;
	}
	compose(method);
	if (what & 1)
		bend();
	ask(method, what & 2 ? fz_u16() % 300 : 4096);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint64_t was;

	if (tree_root < 0) {
		tree_begin();
		umask(0);
	}
	fz_begin(data, size);
	read_only = fz_u8() & 1;
	tree_make();
	server = cw_files_create(tree_root, read_only);
	FZ_CHECK(server);
	session = 1;
	givens = last = 0;
	was = sum_of_tree();
	for (unsigned int n = 0; n < 200 && fz_more(); n++)
		step();
	FZ_CHECK(sum_of_tree() == was || !read_only);
	cw_files_free(server);
	tree_check();
	return 0;
}
