// SPDX-License-Identifier: BSD-3-Clause
#include "tree.h"

#include <causeway/abi/9p.h>
#include <causeway/core/bytes.h>

#include <stdlib.h>
#include <string.h>

struct ask {
	struct tree *t;
	const uint8_t *in; /* what is left of the message */
	uint8_t *out;	   /* the answer's next byte */
	uint8_t *answer;
	uint32_t room;
};

static void must(bool ok)
{
	if (!ok)
		abort();
}

void tree_begin(struct tree *t)
{
	memset(t, 0, sizeof(*t));
	t->node[0].used = true;
	t->node[0].mode = CW_9P_S_IFDIR | 0755;
}

void tree_end(struct tree *t)
{
	for (unsigned int i = 0; i < TREE_NODES; i++)
		free(t->node[i].bytes);
	memset(t, 0, sizeof(*t));
}

void tree_forget(struct tree *t)
{
	memset(t->fid, 0, sizeof(t->fid));
	t->fids = 0;
}

/* What is behind the present end reads as zeroes. */
static void set_length(struct tree_node *n, uint32_t len)
{
	must(len <= TREE_BYTES);
	if (len > n->room) {
		n->bytes = realloc(n->bytes, len);
		must(n->bytes);
		n->room = len;
	}
	if (len > n->len)
		memset(n->bytes + n->len, 0, len - n->len);
	n->len = len;
}

static struct tree_node *child(struct tree *t, struct tree_node *in, const char *name, size_t len)
{
	for (unsigned int i = 1; i < TREE_NODES; i++) {
		struct tree_node *n = &t->node[i];

		if (n->used && n->in == in && strlen(n->name) == len && !memcmp(n->name, name, len))
			return n;
	}
	return NULL;
}

static struct tree_node *make(struct tree *t, struct tree_node *in, const char *name, size_t len,
			      uint32_t mode)
{
	for (unsigned int i = 1; i < TREE_NODES; i++) {
		struct tree_node *n = &t->node[i];

		if (n->used)
			continue;
		memset(n, 0, sizeof(*n));
		n->used = true;
		n->in = in;
		n->mode = mode;
		memcpy(n->name, name, len);
		return n;
	}
	return NULL;
}

struct tree_node *tree_find(struct tree *t, const char *path)
{
	struct tree_node *n = &t->node[0];

	while (n && *path) {
		size_t len = strcspn(path, "/");

		n = child(t, n, path, len);
		path += len + (path[len] == '/');
	}
	return n;
}

struct tree_node *tree_make(struct tree *t, const char *path, uint32_t mode, const void *bytes,
			    uint32_t len)
{
	const char *slash = strrchr(path, '/');
	struct tree_node *in = &t->node[0], *n;
	char folder[256] = "";

	if (slash) {
		memcpy(folder, path, (size_t)(slash - path));
		in = tree_find(t, folder);
	}
	must(in);
	n = make(t, in, slash ? slash + 1 : path, strlen(slash ? slash + 1 : path), mode);
	must(n);
	set_length(n, len);
	if (len)
		memcpy(n->bytes, bytes, len);
	return n;
}

/* ---- fields ---- */

static uint64_t take(struct ask *a, unsigned int bytes)
{
	uint64_t v = 0;

	for (unsigned int i = 0; i < bytes; i++)
		v |= (uint64_t)*a->in++ << 8 * i;
	return v;
}

static const char *take_name(struct ask *a, size_t *len)
{
	*len = (size_t)take(a, 2);
	a->in += *len;
	return (const char *)a->in - *len;
}

static void put(struct ask *a, uint64_t v, unsigned int bytes)
{
	for (unsigned int i = 0; i < bytes; i++, v >>= 8)
		*a->out++ = (uint8_t)v;
}

static void put_qid(struct ask *a, const struct tree_node *n)
{
	uint32_t kind = n->mode & CW_9P_S_IFMT;

	put(a,
	    kind == CW_9P_S_IFDIR   ? CW_9P_QTDIR
	    : kind == CW_9P_S_IFLNK ? CW_9P_QTSYMLINK
				    : 0,
	    1);
	put(a, 0, 4);
	put(a, (uint64_t)(n - a->t->node) + 1000, 8);
}

static struct tree_node *take_fid(struct ask *a)
{
	uint32_t fid = (uint32_t)take(a, 4);

	return fid < TREE_FIDS ? a->t->fid[fid] : NULL;
}

static uint32_t set_fid(struct tree *t, uint32_t fid, struct tree_node *n)
{
	if (fid >= TREE_FIDS)
		return CW_9P_EINVAL;
	t->fids += !t->fid[fid];
	t->fids -= !n;
	t->fid[fid] = n;
	t->most_fids = t->fids > t->most_fids ? t->fids : t->most_fids;
	return 0;
}

/* ---- messages: each returns 0 or an error ---- */

static uint32_t version(struct ask *a)
{
	uint32_t msize = (uint32_t)take(a, 4);

	tree_forget(a->t);
	put(a, a->t->msize && a->t->msize < msize ? a->t->msize : msize, 4);
	put(a, 8, 2);
	memcpy(a->out, CW_9P_VERSION, 8);
	a->out += 8;
	return 0;
}

static uint32_t attach(struct ask *a)
{
	put_qid(a, &a->t->node[0]);
	return set_fid(a->t, (uint32_t)take(a, 4), &a->t->node[0]);
}

static uint32_t walk(struct ask *a, struct tree_node *n, uint32_t fid)
{
	uint32_t newfid = (uint32_t)take(a, 4), names = (uint32_t)take(a, 2), there = 0;
	uint8_t *count = a->out;

	must(names <= CW_9P_WALK_MAX);
	a->out += 2;
	for (; there < names; there++) {
		size_t len;
		const char *name = take_name(a, &len);

		n = child(a->t, n, name, len);
		if (!n)
			break;
		put_qid(a, n);
	}
	if (names && !there)
		return CW_9P_ENOENT;
	cw_poke16(count, (uint16_t)there);
	if (there < names)
		return 0;
	/* One that is in use may be given anew to itself only. */
	must(newfid >= TREE_FIDS || !a->t->fid[newfid] || newfid == fid);
	return set_fid(a->t, newfid, n);
}

static uint32_t get_attr(struct ask *a, struct tree_node *n)
{
	put(a, CW_9P_GETATTR_BASIC, 8);
	put_qid(a, n);
	put(a, n->mode, 4);
	put(a, 1, 4);
	put(a, 2, 4);
	put(a, 3, 8);
	put(a, 0, 8);
	put(a, n->len, 8);
	put(a, 4096, 8);
	put(a, (n->len + 511) / 512, 8);
	put(a, 11, 8);
	put(a, 12, 8);
	put(a, 0x123456789, 8);
	put(a, 77, 8);
	for (int i = 0; i < 6; i++)
		put(a, 21, 8);
	return 0;
}

static uint32_t lopen(struct ask *a, struct tree_node *n)
{
	uint32_t flags = (uint32_t)take(a, 4);

	if (flags & CW_9P_O_DIRECTORY && (n->mode & CW_9P_S_IFMT) != CW_9P_S_IFDIR)
		return CW_9P_ENOTDIR;
	if (flags & CW_9P_O_ACCESS && (n->mode & CW_9P_S_IFMT) == CW_9P_S_IFDIR)
		return CW_9P_EISDIR;
	if (flags & CW_9P_O_TRUNC)
		n->len = 0;
	put_qid(a, n);
	put(a, 0, 4);
	return 0;
}

static uint32_t lcreate(struct ask *a, struct tree_node *in, uint32_t fid)
{
	size_t len;
	const char *name = take_name(a, &len);
	uint32_t flags = (uint32_t)take(a, 4), mode = (uint32_t)take(a, 4);
	struct tree_node *n = child(a->t, in, name, len);

	if (n && flags & CW_9P_O_EXCL)
		return CW_9P_EEXIST;
	n = n ? n : make(a->t, in, name, len, CW_9P_S_IFREG | mode);
	if (!n)
		return CW_9P_ENOSPC;
	if (flags & CW_9P_O_TRUNC)
		n->len = 0;
	put_qid(a, n);
	put(a, 0, 4);
	return set_fid(a->t, fid, n);
}

static uint32_t mkdir_or_link(struct ask *a, struct tree_node *in, bool link)
{
	size_t len, target_len = 0;
	const char *name = take_name(a, &len), *target = link ? take_name(a, &target_len) : "";
	uint32_t mode = link ? CW_9P_S_IFLNK | 0777 : CW_9P_S_IFDIR | (uint32_t)take(a, 4);
	struct tree_node *n = child(a->t, in, name, len);

	if (n)
		return CW_9P_EEXIST;
	n = make(a->t, in, name, len, mode);
	if (!n)
		return CW_9P_ENOSPC;
	set_length(n, (uint32_t)target_len);
	if (target_len)
		memcpy(n->bytes, target, target_len);
	put_qid(a, n);
	return 0;
}

static uint32_t read_link(struct ask *a, struct tree_node *n)
{
	if ((n->mode & CW_9P_S_IFMT) != CW_9P_S_IFLNK)
		return CW_9P_EINVAL;
	put(a, n->len, 2);
	memcpy(a->out, n->bytes, n->len);
	a->out += n->len;
	return 0;
}

static uint32_t unlink_at(struct ask *a, struct tree_node *in)
{
	size_t len;
	const char *name = take_name(a, &len);
	bool dir = take(a, 4) & CW_9P_AT_REMOVEDIR;
	struct tree_node *n = child(a->t, in, name, len);

	if (!n)
		return CW_9P_ENOENT;
	if (dir != ((n->mode & CW_9P_S_IFMT) == CW_9P_S_IFDIR))
		return dir ? CW_9P_ENOTDIR : CW_9P_EISDIR;
	for (unsigned int i = 1; i < TREE_NODES; i++)
		if (a->t->node[i].used && a->t->node[i].in == n)
			return CW_9P_ENOTEMPTY;
	n->used = false;
	free(n->bytes);
	n->bytes = NULL;
	return 0;
}

static uint32_t rename_at(struct ask *a, struct tree_node *in)
{
	size_t len, to_len;
	const char *name = take_name(a, &len), *to;
	struct tree_node *n = child(a->t, in, name, len), *into = take_fid(a), *old;

	to = take_name(a, &to_len);
	if (!n || !into)
		return CW_9P_ENOENT;
	old = child(a->t, into, to, to_len);
	if (old) {
		old->used = false;
		free(old->bytes);
		old->bytes = NULL;
	}
	memset(n->name, 0, sizeof(n->name));
	memcpy(n->name, to, to_len);
	n->in = into;
	return 0;
}

static uint32_t set_attr(struct ask *a, struct tree_node *n)
{
	uint32_t valid = (uint32_t)take(a, 4);
	uint64_t size;

	a->in += 12;
	size = take(a, 8);
	if (valid != CW_9P_SETATTR_SIZE || size > TREE_BYTES)
		return CW_9P_EINVAL;
	set_length(n, (uint32_t)size);
	return 0;
}

static uint32_t some(uint32_t asked, uint32_t most)
{
	return most && most < asked ? most : asked;
}

static uint32_t read_file(struct ask *a, struct tree_node *n)
{
	uint64_t offset = take(a, 8);
	uint32_t count = some((uint32_t)take(a, 4), a->t->short_read);

	if (offset >= n->len)
		count = 0;
	else if (count > n->len - offset)
		count = n->len - (uint32_t)offset;
	must(CW_9P_RREAD_HEADER + count <= a->room);
	put(a, count, 4);
	memcpy(a->out, n->bytes + offset, count);
	a->out += count;
	return 0;
}

static uint32_t write_file(struct ask *a, struct tree_node *n)
{
	uint64_t offset = take(a, 8);
	uint32_t count = some((uint32_t)take(a, 4), a->t->short_write);

	if (offset > TREE_BYTES || count > TREE_BYTES - offset)
		return CW_9P_ENOSPC;
	if (n->len < offset + count)
		set_length(n, (uint32_t)offset + count);
	memcpy(n->bytes + offset, a->in, count);
	put(a, count, 4);
	return 0;
}

/* "." and ".." first; an entry's offset is the number of the node behind it. */
static uint32_t read_dir(struct ask *a, struct tree_node *in)
{
	uint64_t from = take(a, 8);
	uint32_t count = (uint32_t)take(a, 4);
	uint8_t *begin = a->out;

	a->out += 4;
	for (uint64_t i = from; i < TREE_NODES + 2; i++) {
		struct tree_node *n = i < 2 ? in : &a->t->node[i - 2];
		const char *name = i == 0 ? "." : i == 1 ? ".." : n->name;

		if (i >= 2 && (!n->used || n->in != in))
			continue;
		if ((size_t)(a->out - begin) - 4 + CW_9P_DIRENT + strlen(name) > count)
			break;
		put_qid(a, n);
		put(a, i + 1, 8);
		put(a, n->mode >> 12, 1);
		put(a, strlen(name), 2);
		memcpy(a->out, name, strlen(name));
		a->out += strlen(name);
	}
	cw_poke32(begin, (uint32_t)(a->out - begin) - 4);
	return 0;
}

static uint32_t with_fid(struct ask *a, uint8_t type)
{
	uint32_t fid = cw_peek32(a->in);
	struct tree_node *n = take_fid(a);

	if (!n)
		return CW_9P_EBADF;
	switch (type) {
	case CW_9P_TWALK:
		return walk(a, n, fid);
	case CW_9P_TGETATTR:
		return get_attr(a, n);
	case CW_9P_TLOPEN:
		return lopen(a, n);
	case CW_9P_TLCREATE:
		return lcreate(a, n, fid);
	case CW_9P_TMKDIR:
		return mkdir_or_link(a, n, false);
	case CW_9P_TSYMLINK:
		return mkdir_or_link(a, n, true);
	case CW_9P_TREADLINK:
		return read_link(a, n);
	case CW_9P_TUNLINKAT:
		return unlink_at(a, n);
	case CW_9P_TRENAMEAT:
		return rename_at(a, n);
	case CW_9P_TSETATTR:
		return set_attr(a, n);
	case CW_9P_TREAD:
		return read_file(a, n);
	case CW_9P_TWRITE:
		return write_file(a, n);
	case CW_9P_TREADDIR:
		return read_dir(a, n);
	case CW_9P_TFSYNC:
		a->t->syncs++;
		return 0;
	case CW_9P_TCLUNK:
		a->t->clunks++;
		return set_fid(a->t, fid, NULL);
	default:
		return CW_9P_EOPNOTSUPP;
	}
}

uint32_t tree_answer(struct tree *t, const uint8_t *message, uint32_t len, uint8_t *answer,
		     uint32_t room)
{
	struct ask a = { t, message + CW_9P_HEADER, answer + CW_9P_HEADER, answer, room };
	uint8_t type = message[4];
	uint32_t error;

	must(cw_peek32(message) == len);
	t->messages++;
	error = t->error && type != CW_9P_TCLUNK ? t->error
		: type == CW_9P_TVERSION	 ? version(&a)
		: type == CW_9P_TATTACH		 ? attach(&a)
						 : with_fid(&a, type);
	if (error) {
		a.out = answer + CW_9P_HEADER;
		put(&a, error, 4);
	}
	len = (uint32_t)(a.out - answer);
	must(len <= room);
	cw_poke32(answer, len);
	answer[4] = error ? CW_9P_RLERROR : (uint8_t)(type + 1);
	memcpy(answer + 5, message + 5, 2);
	return len;
}
