// SPDX-License-Identifier: BSD-3-Clause
/*
 * The 9P server on a small tree, with a client that mostly makes sense: messages put together from
 * a few fids and names, then perhaps bent. Now and then a Linux user exchanges a folder for a link
 * that leads outside.
 *
 * Request and reply lie in memory of exactly their size. Checked are: the frame of every answer;
 * that it fits the room, the agreed msize and what was asked for; that nothing beside the export
 * changes; and that no descriptor is left when the session ends.
 */
#include "fuzz.h"
#include "tree.h"

#include <causeway/core/err.h>
#include <causeway/host/9p.h>

#include <stdlib.h>
#include <string.h>

#define LARGEST 9000u

static struct cw_9p_server *server;
static uint8_t message[LARGEST + 512];
static uint32_t at;

static void set_up(void)
{
	struct cw_9p_options o = { .msize = 8192 };

	tree_begin();
	o.root = tree_root;
	server = cw_9p_create(&o);
	FZ_CHECK(server);
}

/* ---- messages ---- */

static void put(uint64_t v, unsigned int bytes)
{
	for (; bytes--; v >>= 8)
		message[at++] = (uint8_t)v;
}

static void put_bytes(const void *from, unsigned int len)
{
	memcpy(message + at, from, len);
	at += len;
}

static void put_text(const char *text)
{
	put(strlen(text), 2);
	put_bytes(text, (unsigned int)strlen(text));
}

static void put_name(void)
{
	static const char *const names[] = {
		"a", "b", "f", "l",   "p",   "n",    "m",	 "..",
		"",  ".", "/", "a/b", "a/f", "\xff", "\xc3\xa4", "/f"
	};
	uint8_t n = fz_u8();
	char large[300];

	if (n < 240) {
		put_text(names[n < 180 ? n % 7 : n % 16]);
		return;
	}
	memset(large, 'x', sizeof(large));
	large[n == 255 ? 256 : n] = '\0';
	put_text(large);
}

static void put_fid(void)
{
	uint8_t n = fz_u8();

	put(n < 250 ? n % 8 : n == 250 ? CW_9P_NOFID : n * 64u, 4);
}

static void put_number(unsigned int bytes)
{
	static const uint64_t edges[] = { 0,	      1,	 4,	     10,	 100,
					  4096,	      8192,	 65536,	     1ull << 31, 0xffffffff,
					  1ull << 32, INT64_MAX, 1ull << 63, UINT64_MAX };
	uint8_t n = fz_u8();

	put(n < 128 ? edges[n % 14] : n < 200 ? n - 128u : n < 230 ? fz_u16() : fz_u64(), bytes);
}

static void put_data(void)
{
	uint32_t len = fz_u8();

	len = len > 250 ? len * 30 : len;
	put(len, 4);
	memset(message + at, 'd', len);
	at += len;
}

/*
 * A letter for each field: f a fid, n a name, 1 2 4 8 numbers, w a list of names, d data, x the
 * name of an attribute, v a version.
 */
static const struct {
	uint8_t type;
	const char *fields;
} kinds[] = {
	{ CW_9P_TWALK, "ffw" },
	{ CW_9P_TLOPEN, "f4" },
	{ CW_9P_TLCREATE, "fn444" },
	{ CW_9P_TREAD, "f84" },
	{ CW_9P_TWRITE, "f8d" },
	{ CW_9P_TREADDIR, "f84" },
	{ CW_9P_TCLUNK, "f" },
	{ CW_9P_TGETATTR, "f8" },
	{ CW_9P_TSETATTR, "f444488888" },
	{ CW_9P_TMKDIR, "fn44" },
	{ CW_9P_TSYMLINK, "fnn4" },
	{ CW_9P_TMKNOD, "fn4444" },
	{ CW_9P_TLINK, "ffn" },
	{ CW_9P_TRENAME, "ffn" },
	{ CW_9P_TRENAMEAT, "fnfn" },
	{ CW_9P_TUNLINKAT, "fn4" },
	{ CW_9P_TREMOVE, "f" },
	{ CW_9P_TREADLINK, "f" },
	{ CW_9P_TLOCK, "f14884n" },
	{ CW_9P_TGETLOCK, "f1884n" },
	{ CW_9P_TXATTRWALK, "ffx" },
	{ CW_9P_TXATTRCREATE, "fx84" },
	{ CW_9P_TFSYNC, "f4" },
	{ CW_9P_TSTATFS, "f" },
	{ CW_9P_TATTACH, "ffnn4" },
	{ CW_9P_TAUTH, "fnn4" },
	{ CW_9P_TFLUSH, "2" },
	{ CW_9P_TVERSION, "4v" },
};

static void put_field(char how)
{
	uint8_t n;

	switch (how) {
	case 'f':
		put_fid();
		break;
	case 'n':
		put_name();
		break;
	case 'd':
		put_data();
		break;
	case 'v':
		put_text(fz_u8() % 8 ? CW_9P_VERSION : "9P2000");
		break;
	case 'x':
		n = fz_u8();
		put_text(n < 100 ? "user.a" : n < 160 ? "user.b" : n < 220 ? "" : "system.x");
		break;
	case 'w':
		n = fz_u8();
		n = n < 240 ? n % 4 : n % 20;
		put(n, 2);
		while (n--)
			put_name();
		break;
	default:
		put_number((unsigned int)(how - '0'));
	}
}

/* A plain walk and open makes most fids of use; so they are had at the price of two bytes. */
static void compose(void)
{
	unsigned int k = fz_below(sizeof(kinds) / sizeof(kinds[0]));

	at = 4;
	put(kinds[k].type, 1);
	put(fz_u8(), 2);
	for (const char *f = kinds[k].fields; *f && at < LARGEST; f++)
		put_field(*f);
	message[0] = (uint8_t)at;
	message[1] = (uint8_t)(at >> 8);
	message[2] = message[3] = 0;
}

static void bend(void)
{
	for (unsigned int n = fz_u8() % 4; n--;)
		message[fz_u16() % at] = fz_u8();
	if (fz_u8() % 4 == 0)
		at = fz_u16() % (at + 8);
}

static uint32_t word(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static void check_reply(const uint8_t *request, const uint8_t *reply, uint32_t len, uint32_t room)
{
	FZ_CHECK(len >= CW_9P_HEADER && len <= room && len <= 8192 && word(reply) == len);
	if (at >= CW_9P_HEADER)
		FZ_CHECK(!memcmp(reply + 5, request + 5, 2));
	if (reply[4] == CW_9P_RLERROR) {
		FZ_CHECK(len == CW_9P_HEADER + 4 && word(reply + 7) && word(reply + 7) < 4096);
		return;
	}
	FZ_CHECK(at >= CW_9P_HEADER && reply[4] == request[4] + 1 && word(request) == at);
	if (request[4] == CW_9P_TREAD || request[4] == CW_9P_TREADDIR)
		FZ_CHECK(word(reply + 7) <= word(request + 19) && word(reply + 7) == len - 11);
}

static bool at_once(const uint8_t *request)
{
	uint8_t *room = malloc(3000), *head = malloc(CW_9P_HEAD_MAX),
		*all = malloc(3000 + CW_9P_HEAD_MAX);
	struct cw_part part[3] = { { room, 1 }, { room + 1, 99 }, { room + 100, 2900 } };
	uint32_t more;
	int len;

	FZ_CHECK(room && head && all);
	len = cw_9p_answer_now(server, request, at, head, part, fz_u8() % 4, &more);
	if (len != CW_EAGAIN) {
		FZ_CHECK(len >= (int)CW_9P_HEADER && len <= (int)CW_9P_HEAD_MAX && more <= 3000);
		memcpy(all, head, (size_t)len);
		memcpy(all + len, room, more);
		check_reply(request, all, (uint32_t)len + more, UINT32_MAX);
	}
	free(room);
	free(head);
	free(all);
	return len != CW_EAGAIN;
}

static void ask(uint32_t room)
{
	uint8_t *request = malloc(at ? at : 1), *reply = malloc(room ? room : 1);
	uint32_t len;

	FZ_CHECK(request && reply);
	memcpy(request, message, at);
	if (!at_once(request)) {
		len = cw_9p_answer(server, request, at, reply, room);
		FZ_CHECK(len || room < CW_9P_HEADER + 4);
		if (len)
			check_reply(request, reply, len, room);
	}
	free(request);
	free(reply);
}

static void begin_session(void)
{
	at = 4;
	put(CW_9P_TVERSION, 1);
	put(0, 2);
	put(8192, 4);
	put_text(CW_9P_VERSION);
	message[0] = (uint8_t)at;
	message[1] = message[2] = message[3] = 0;
	ask(8192);
	at = 4;
	put(CW_9P_TATTACH, 1);
	put(0, 2);
	put(0, 4);
	put(CW_9P_NOFID, 4);
	put_text("");
	put_text("");
	put(0, 4);
	message[0] = (uint8_t)at;
	ask(8192);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t what;

	if (!server)
		set_up();
	fz_begin(data, size);
	tree_make();
	begin_session();
	for (unsigned int n = 0; n < 200 && fz_more(); n++) {
		what = fz_u8();
		if (what == 255)
			tree_exchange();
		compose();
		if (what & 1)
			bend();
		ask(what & 2 ? fz_u16() % 300 : 8192 + (what & 4));
	}
	cw_9p_reset(server);
	tree_check();
	return 0;
}
