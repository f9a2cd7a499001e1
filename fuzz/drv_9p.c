// SPDX-License-Identifier: BSD-3-Clause
/* Files: the server answers anything; as long as nobody lied, bytes are those of the file. */
#include "drv.h"

#include <causeway/core/bytes.h>
#include <causeway/core/err.h>
#include <causeway/device/9p.h>
#include <causeway/driver/9p.h>

#include <string.h>

/* ---- the device ---- */

#define DEPTH  4u
#define MSIZE  8192u
#define LENGTH 9000u /* of every file */
static struct cw_9p_device model;
static struct cw_9p_request request[DEPTH], *todo[DEPTH + 1]; /* NULL: the session is over */
static struct cw_part part[DEPTH][SIZE];
static uint8_t message[DEPTH][MSIZE], reply[DEPTH][MSIZE];
static unsigned int todos;

static void start(void *ctx, struct cw_9p_request *r)
{
	(void)ctx;
	todo[todos++] = r;
}

static void end(void *ctx)
{
	(void)ctx;
	todo[todos++] = NULL;
}

static uint8_t byte_at(uint64_t offset)
{
	return (uint8_t)(offset * 7 + (offset >> 8));
}

/* Two entries, once: their offsets are 1 and 2. A hostile one has names of any length. */
static uint32_t list(uint8_t *a, uint64_t from)
{
	uint32_t at = 11;

	for (uint64_t i = from; i < 2; i++) {
		uint16_t len = fz_hostile ? fz_u16() % 500 : 2;

		memset(a + at, 0, 24);
		cw_poke64(a + at + 13, i + 1);
		cw_poke16(a + at + 22, len);
		memset(a + at + 24, i ? 'a' : '.', len);
		drv.lied |= fz_hostile;
		at += 24 + len;
	}
	cw_poke32(a + 7, at - 11);
	return at;
}

/* Bytes where fields are; the answer's own length may go with its size. */
static uint32_t lie(uint8_t *a, uint32_t n)
{
	uint8_t choice = fz_hostile ? fz_u8() : 0;

	if (choice < 192)
		return n;
	drv.lied = true;
	if (choice & 1)
		a[fz_u8() % 48] = fz_u8();
	if (choice & 2)
		cw_poke16(a + fz_u8() % 48, fz_u16());
	return choice & 4 ? cw_peek32(a) % 200 : n;
}

/* A server that has any file it is asked for; it may be asked nonsense. */
static uint32_t answer(const uint8_t *m, uint32_t len, uint8_t *a, uint32_t room)
{
	uint64_t offset = len < 23 ? 0 : cw_peek64(m + 11);
	uint32_t count = len < 23 ? 0 : cw_peek32(m + 19), n = 7;

	memset(a, 0, 256);
	switch (m[4]) {
	case CW_9P_TVERSION:
		cw_poke32(a + 7, MSIZE);
		memcpy(a + 11, "\10\0" CW_9P_VERSION, 10);
		n = 21;
		break;
	case CW_9P_TWALK:
		count = len < 17 ? 0 : cw_peek16(m + 15) % 17;
		cw_poke16(a + 7, (uint16_t)count);
		n = 9 + 13 * count;
		break;
	case CW_9P_TREAD:
		count = offset >= LENGTH	  ? 0
			: count < LENGTH - offset ? count
						  : LENGTH - (uint32_t)offset;
		count = count < room - 11 ? count : room - 11;
		cw_poke32(a + 7, count);
		for (n = 11; n < 11 + count; n++)
			a[n] = byte_at(offset + n - 11);
		break;
	case CW_9P_TREADDIR:
		n = list(a, offset);
		break;
	case CW_9P_TWRITE:
		cw_poke32(a + 7, count);
		n = 11;
		break;
	case CW_9P_TREADLINK:
		count = fz_hostile ? fz_u8() % 64 : 6;
		cw_poke16(a + 7, (uint16_t)count);
		memset(a + 9, 't', count);
		n = 9 + count;
		break;
	case CW_9P_TGETATTR:
		cw_poke64(a + 56, LENGTH);
		n = 160;
		break;
	case CW_9P_TATTACH:
	case CW_9P_TMKDIR:
		n = 20;
		break;
	case CW_9P_TLOPEN:
	case CW_9P_TLCREATE:
		n = 24;
		break;
	default:
		break;
	}
	n = n < room ? n : room;
	cw_poke32(a, n);
	a[4] = (uint8_t)(m[4] + 1);
	memcpy(a + 5, m + 5, 2);
	n = lie(a, n);
	return n < room ? n : room;
}

static void collect(void *ctx)
{
	(void)ctx;
	while (todos) {
		struct cw_9p_request *r = todo[0];

		memmove(todo, todo + 1, --todos * sizeof(todo[0]));
		if (r)
			cw_9p_device_done(&model, r,
					  answer(r->message, r->len, r->answer, r->room));
		else
			cw_9p_device_ended(&model);
	}
}

static const struct cw_9p_device_ops server_ops = { NULL, start, end, collect };

static struct cw_device *make(void)
{
	todos = 0;
	memset(request, 0, sizeof(request));
	for (unsigned int i = 0; i < DEPTH; i++) {
		request[i].part = part[i];
		request[i].message = message[i];
		request[i].answer = reply[i];
	}
	FZ_CHECK(!cw_9p_device_init(&model, &server_ops, NULL, "a tag of thirty characters ...",
				    MSIZE, drv.queue, request, DEPTH, SIZE));
	return &model.dev;
}

static void feed(void)
{
	cw_device_wake(&model.dev, 0);
}

/* ---- the driver ---- */

#define FILES 3u
static struct cw_9p_driver driver;
static struct cw_9p_file file[FILES];
static struct cw_9p_stream in, out;
static bool streaming;
static uint64_t in_at;

static int open_driver(void)
{
	streaming = false;
	memset(file, 0, sizeof(file));
	for (unsigned int i = 0; i < FILES; i++)
		file[i].c = &driver;
	return cw_9p_open(&driver, &drv.mmio.transport, TIMEOUT);
}

static void check_bytes(const uint8_t *b, uint64_t offset, int32_t got)
{
	for (int32_t i = 0; i < got && !drv.lied; i++)
		FZ_CHECK(b[i] == byte_at(offset + (uint32_t)i));
}

static void read_stream(uint32_t len)
{
	int32_t got;

	if (!streaming) {
		in_at = 0;
		streaming = !cw_9p_stream_open(&in, &file[0], false, 0);
		return;
	}
	got = cw_9p_stream_read(&in, drv.buffer, len, TIMEOUT);
	drv_check_guard(got, len);
	check_bytes(drv.buffer, in_at, got);
	in_at += got > 0 ? (uint32_t)got : 0;
	if (got <= 0 && got != CW_ETIMEDOUT) {
		cw_9p_stream_close(&in, TIMEOUT);
		streaming = false;
	}
}

static void write_stream(uint32_t len)
{
	cw_9p_stream_open(&out, &file[1], true, 0);
	for (int i = 0; i < 3; i++)
		cw_9p_stream_write(&out, drv.buffer, len, TIMEOUT);
	cw_9p_stream_close(&out, TIMEOUT);
}

static void list_all(void)
{
	struct cw_9p_entry e = { .name = "" };
	static struct cw_9p_dir d;
	int got = cw_9p_dir_open(&driver, &d, "d", TIMEOUT);

	for (int i = 0; !got && i < 100 && (got = cw_9p_dir_next(&d, &e, TIMEOUT)) > 0; i++) {
		size_t len = strnlen(e.name, sizeof(e.name));

		FZ_CHECK(len && len <= CW_9P_NAME_MAX && !memchr(e.name, '/', len));
		FZ_CHECK(strcmp(e.name, ".") != 0 && strcmp(e.name, "..") != 0);
		FZ_CHECK(drv.lied || !strcmp(e.name, "aa"));
		got = 0;
	}
	if (d.f.session)
		cw_9p_dir_close(&d, TIMEOUT);
}

static void names(void)
{
	static const char *const path[] = { "/a/b/c", "x", "", "//d/.", "a/../b" };
	const char *p = path[fz_u8() % 5], *q = path[fz_u8() % 5];
	struct cw_9p_stat s;

	switch (fz_u8() % 5) {
	case 0:
		if (!cw_9p_stat(&driver, p, &s, TIMEOUT))
			FZ_CHECK(drv.lied || s.size == LENGTH);
		break;
	case 1:
		cw_9p_rename(&driver, p, q, TIMEOUT);
		break;
	case 2:
		cw_9p_remove(&driver, p, TIMEOUT);
		break;
	case 3:
		cw_9p_mkdir(&driver, p, 0755, TIMEOUT);
		break;
	default:
		if (!cw_9p_readlink(&driver, p, (char *)drv.buffer, 32, TIMEOUT))
			FZ_CHECK(strnlen((char *)drv.buffer, 32) < 32);
		drv_check_guard(32, 32);
		break;
	}
}

static void use(void)
{
	uint32_t len = fz_u16() % 2048;
	uint64_t offset = fz_u8() & 1 ? fz_u16() : fz_u64();
	struct cw_9p_file *f = &file[fz_u8() % FILES];
	int32_t got;

	drv_prepare(len);
	switch (fz_u8() % 8) {
	case 0:
		if (f != &file[0] || !streaming)
			cw_9p_file_open(&driver, f, "/some/file", fz_u8() & 1 ? CW_9P_O_CREAT : 0,
					0600, TIMEOUT);
		break;
	case 1:
		if (f != &file[0] || !streaming)
			cw_9p_file_close(f, TIMEOUT);
		break;
	case 2:
		got = cw_9p_read(f, offset, drv.buffer, len, TIMEOUT);
		drv_check_guard(got, len);
		check_bytes(drv.buffer, offset, got);
		break;
	case 3:
		cw_9p_write(f, offset, drv.buffer, len, TIMEOUT);
		break;
	case 4:
		read_stream(len);
		break;
	case 5:
		write_stream(len);
		break;
	case 6:
		list_all();
		break;
	default:
		drv_prepare(32);
		names();
		break;
	}
}

static void honest(void)
{
	FZ_CHECK(!cw_9p_file_open(&driver, &file[0], "f", 0, 0, TIMEOUT));
	FZ_CHECK(cw_9p_read(&file[0], LENGTH - 2000, drv.buffer, 2048, TIMEOUT) == 2000);
	check_bytes(drv.buffer, LENGTH - 2000, 2000);
}

const struct drv_part drv_part = { make, feed, &todos, open_driver, use, NULL, honest, false };
