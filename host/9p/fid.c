// SPDX-License-Identifier: BSD-3-Clause
#include "server.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

struct p9_fid *p9_fid_find(struct cw_9p_server *s, uint32_t fid)
{
	if (fid == CW_9P_NOFID)
		return NULL;
	for (unsigned int n = 0, i = s->last; n < CW_9P_FIDS; n++, i = (i + 1) % CW_9P_FIDS)
		if (s->key[i] == fid) {
			s->last = i;
			return &s->fid[i];
		}
	return NULL;
}

static unsigned int first_free(const struct cw_9p_server *s)
{
	unsigned int i = 0;

	while (i < CW_9P_FIDS && s->key[i] != CW_9P_NOFID)
		i++;
	return i;
}

bool p9_fid_room(const struct cw_9p_server *s)
{
	return first_free(s) < CW_9P_FIDS;
}

struct p9_fid *p9_fid_new(struct cw_9p_server *s, uint32_t fid)
{
	unsigned int i = first_free(s);
	struct p9_fid *f = &s->fid[i];

	if (i == CW_9P_FIDS)
		return NULL;
	s->key[i] = fid;
	f->kind = P9_PATH;
	f->fd = -1;
	f->xattr = NULL;
	f->path[0] = '\0';
	return f;
}

void p9_fid_opened(struct cw_9p_server *s, struct p9_fid *f, int fd, int flags,
		   const struct statx *st)
{
	f->kind = S_ISDIR(st->stx_mode) ? P9_DIR : P9_FILE;
	f->fd = fd;
	f->writable = (flags & O_ACCMODE) != O_RDONLY;
	f->dir_at = 0;
	s->open++;
}

int p9_fid_free(struct cw_9p_server *s, struct p9_fid *f)
{
	int err = 0;

	if (f->kind == P9_XATTR_WRITE)
		err = p9_xattr_commit(s, f);
	if (f->xattr)
		f->xattr->used = false;
	if (f->fd >= 0) {
		p9_lock_forget(s, f);
		s->open--;
		/* The descriptor is gone even then; only what was written may not have arrived. */
		if (close(f->fd) && errno != EINTR)
			err = errno;
	}
	s->key[f - s->fid] = CW_9P_NOFID;
	return err;
}

/* ---- names and paths ---- */

/* The bytes of one well-formed UTF-8 character, or 0 (RFC 3629: shortest form, no surrogates). */
static unsigned int utf8(const uint8_t *at, unsigned int left)
{
	unsigned int n = *at < 0x80 ? 1 : *at < 0xc2 ? 0 : *at < 0xe0 ? 2 : *at < 0xf0 ? 3 : 4;
	uint8_t low = 0x80, high = 0xbf;

	if (!n || n > left || *at > 0xf4)
		return 0;
	if (*at == 0xe0)
		low = 0xa0;
	if (*at == 0xed)
		high = 0x9f;
	if (*at == 0xf0)
		low = 0x90;
	if (*at == 0xf4)
		high = 0x8f;
	for (unsigned int i = 1; i < n; i++, low = 0x80, high = 0xbf)
		if (at[i] < low || at[i] > high)
			return 0;
	return n;
}

int p9_name(const struct p9_text *t, char name[CW_9P_NAME_MAX + 1])
{
	const uint8_t *at = (const uint8_t *)t->ptr;
	unsigned int n;

	if (t->len > CW_9P_NAME_MAX)
		return ENAMETOOLONG;
	if (!t->len || (t->len == 1 && *at == '.') || (t->len == 2 && !memcmp(at, "..", 2)))
		return EINVAL;
	for (unsigned int i = 0; i < t->len; i += n) {
		n = utf8(at + i, t->len - i);
		if (!n || !at[i] || at[i] == '/')
			return EINVAL;
	}
	memcpy(name, t->ptr, t->len);
	name[t->len] = '\0';
	return 0;
}

int p9_join(char path[CW_9P_PATH_MAX], const char *dir, const char *name)
{
	size_t d = strlen(dir), n = strlen(name), slash = d ? 1 : 0;

	if (d + slash + n >= CW_9P_PATH_MAX)
		return ENAMETOOLONG;
	memmove(path, dir, d);
	if (slash)
		path[d] = '/';
	memcpy(path + d + slash, name, n + 1);
	return 0;
}

void p9_up(char *path)
{
	char *slash = strrchr(path, '/');

	*(slash ? slash : path) = '\0';
}

/* ---- a rename carries along the fids at and below it ---- */

static bool below(const char *path, const char *dir, size_t len)
{
	return !strncmp(path, dir, len) && (!path[len] || path[len] == '/');
}

bool p9_can_move(const struct cw_9p_server *s, const char *from, const char *to)
{
	size_t old = strlen(from), new = strlen(to);

	for (unsigned int i = 0; i < CW_9P_FIDS; i++)
		if (s->key[i] != CW_9P_NOFID && below(s->fid[i].path, from, old) &&
		    strlen(s->fid[i].path) - old + new >= CW_9P_PATH_MAX)
			return false;
	return true;
}

void p9_move(struct cw_9p_server *s, const char *from, const char *to)
{
	size_t old = strlen(from), new = strlen(to);

	for (unsigned int i = 0; i < CW_9P_FIDS; i++) {
		char *path = s->fid[i].path;

		if (s->key[i] == CW_9P_NOFID || !below(path, from, old))
			continue;
		memmove(path + new, path + old, strlen(path + old) + 1);
		memcpy(path, to, new);
	}
}
