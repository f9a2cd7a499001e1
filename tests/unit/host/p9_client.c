// SPDX-License-Identifier: BSD-3-Clause
#include "p9_client.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void put(struct c9 *c, uint32_t *at, uint64_t v, unsigned int bytes)
{
	for (; bytes--; v >>= 8)
		c->request[(*at)++] = (uint8_t)v;
}

static void put_bytes(struct c9 *c, uint32_t *at, const void *from, size_t len)
{
	assert_true(*at + len <= sizeof(c->request));
	memcpy(c->request + *at, from, len);
	*at += (uint32_t)len;
}

static void put_field(struct c9 *c, uint32_t *at, char how, va_list *ap)
{
	const char *text;
	int len;

	switch (how) {
	case 'b':
		put(c, at, (unsigned int)va_arg(*ap, int), 1);
		return;
	case 'w':
		put(c, at, (unsigned int)va_arg(*ap, int), 2);
		return;
	case 'd':
		put(c, at, va_arg(*ap, unsigned int), 4);
		return;
	case 'q':
		put(c, at, va_arg(*ap, uint64_t), 8);
		return;
	case 's':
		text = va_arg(*ap, const char *);
		put(c, at, strlen(text), 2);
		put_bytes(c, at, text, strlen(text));
		return;
	}
	text = va_arg(*ap, const char *);
	len = va_arg(*ap, int);
	if (how == 'S')
		put(c, at, (unsigned int)len, 2);
	put_bytes(c, at, text, (size_t)len);
}

static uint32_t pack(struct c9 *c, unsigned int type, const char *format, va_list *ap)
{
	uint32_t at = 4, end;

	put(c, &at, type, 1);
	put(c, &at, ++c->tag, 2);
	for (; *format; format++)
		put_field(c, &at, *format, ap);
	end = at;
	at = 0;
	put(c, &at, end, 4);
	return end;
}

uint32_t c9_pack(struct c9 *c, unsigned int type, const char *format, ...)
{
	uint32_t len;
	va_list ap;

	va_start(ap, format);
	len = pack(c, type, format, &ap);
	va_end(ap);
	return len;
}

uint64_t c9_take(struct c9 *c, unsigned int bytes)
{
	uint64_t v = 0;

	assert_true(c->at + bytes <= c->len);
	for (unsigned int i = bytes; i--;)
		v = v << 8 | c->reply[c->at + i];
	c->at += bytes;
	return v;
}

uint32_t c9_send(struct c9 *c, uint32_t len)
{
	uint8_t type = c->request[4];

	memset(c->reply, 0xa5, sizeof(c->reply));
	c->len = cw_9p_answer(c->server, c->request, len, c->reply, c->room);
	c->at = 0;
	assert_true(c->len >= CW_9P_HEADER && c->len <= c->room);
	for (uint32_t i = c->len; i < c->room && i < c->len + 64; i++)
		assert_int_equal(c->reply[i], 0xa5);
	assert_int_equal(c9_take(c, 4), c->len);
	type = (uint8_t)(c9_take(c, 1) - type);
	if (len >= CW_9P_HEADER)
		assert_int_equal(c9_take(c, 2), c->tag);
	if (type == 1 && c->reply[4] != CW_9P_RLERROR)
		return 0;
	assert_int_equal(c->reply[4], CW_9P_RLERROR);
	assert_int_equal(c->len, CW_9P_HEADER + 4);
	c->at = CW_9P_HEADER;
	len = (uint32_t)c9_take(c, 4);
	assert_true(len > 0 && len < 4096);
	return len;
}

uint32_t c9_call(struct c9 *c, unsigned int type, const char *format, ...)
{
	uint32_t len;
	va_list ap;

	va_start(ap, format);
	len = pack(c, type, format, &ap);
	va_end(ap);
	return c9_send(c, len);
}

uint32_t c9_walk(struct c9 *c, uint32_t fid, uint32_t newfid, const char *path)
{

	uint32_t len = c9_pack(c, CW_9P_TWALK, "ddw", fid, newfid, 0), count = 0, err;

	for (const char *p = path; *p; p = *p ? p + 1 : p) {
		size_t n = strcspn(p, "/");

		put(c, &len, n, 2);
		put_bytes(c, &len, p, n);
		p += n;
		count++;
	}

	c->request[15] = (uint8_t)count;
	c->request[0] = (uint8_t)len;
	c->request[1] = (uint8_t)(len >> 8);
	err = c9_send(c, len);
	if (!err && c9_take(c, 2) != count)
		return CW_9P_ENOENT; /* not all of it */
	return err;
}

uint32_t c9_open(struct c9 *c, uint32_t fid, uint32_t flags)
{
	return c9_call(c, CW_9P_TLOPEN, "dd", fid, flags);
}

uint32_t c9_go(struct c9 *c, uint32_t newfid, const char *path, uint32_t flags)
{
	uint32_t err = c9_walk(c, 0, newfid, path);

	return err ? err : c9_open(c, newfid, flags);
}

uint32_t c9_clunk(struct c9 *c, uint32_t fid)
{
	return c9_call(c, CW_9P_TCLUNK, "d", fid);
}

uint64_t c9_attribute(struct c9 *c, uint32_t fid, uint32_t at, unsigned int bytes)
{
	assert_int_equal(c9_call(c, CW_9P_TGETATTR, "dq", fid, (uint64_t)CW_9P_GETATTR_BASIC), 0);
	c->at = at;
	return c9_take(c, bytes);
}

char *c9_at(struct c9 *c, const char *path)
{
	static char text[4][4200];
	static unsigned int turn;
	char *at = text[turn++ % 4];

	snprintf(at, sizeof(text[0]), "%s/%s", c->base, path);
	return at;
}

void c9_put_file(struct c9 *c, const char *path, const char *text)
{
	FILE *f = fopen(c9_at(c, path), "w");

	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

char *c9_get_file(struct c9 *c, const char *path, char text[256])
{
	FILE *f = fopen(c9_at(c, path), "r");

	if (!f)
		return NULL;
	text[fread(text, 1, 255, f)] = '\0';
	fclose(f);
	return text;
}

void c9_serve(struct c9 *c, bool read_only)
{
	struct cw_9p_options o = { .root = c->root, .read_only = read_only, .msize = C9_ROOM };

	cw_9p_free(c->server);
	c->server = cw_9p_create(&o);
	assert_non_null(c->server);
	c->room = C9_ROOM;
	assert_int_equal(c9_call(c, CW_9P_TVERSION, "ds", C9_ROOM, CW_9P_VERSION), 0);
	assert_int_equal(c9_call(c, CW_9P_TATTACH, "ddssd", 0, CW_9P_NOFID, "root", "", 0), 0);
}

static unsigned int descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned int n = 0;

	while (dir && readdir(dir))
		n++;
	if (dir)
		closedir(dir);
	return n;
}

int c9_setup(void **state)
{
	struct c9 *c = calloc(1, sizeof(*c));

	assert_non_null(c);
	umask(0);
	strcpy(c->base, "/tmp/cw-9p.XXXXXX");
	assert_non_null(mkdtemp(c->base));
	assert_int_equal(mkdir(c9_at(c, "export"), 0755), 0);
	assert_int_equal(mkdir(c9_at(c, "outside"), 0755), 0);
	c9_put_file(c, "outside/secret", "secret");
	c->root = open(c9_at(c, "export"), O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_true(c->root >= 0);
	c->descriptors = descriptors();
	c9_serve(c, false);
	*state = c;
	return 0;
}

/* Whatever a test did, outside is as it was, and no descriptor is left. */
int c9_teardown(void **state)
{
	struct c9 *c = *state;
	char command[192], text[256];
	int r;

	cw_9p_free(c->server);
	assert_int_equal(descriptors(), c->descriptors);
	assert_string_equal(c9_get_file(c, "outside/secret", text), "secret");
	assert_int_equal(unlink(c9_at(c, "outside/secret")), 0);
	assert_int_equal(rmdir(c9_at(c, "outside")), 0);
	close(c->root);
	snprintf(command, sizeof(command), "chmod -R u+rwx %s; rm -rf %s", c->base, c->base);
	r = system(command);
	free(c);
	return r;
}
