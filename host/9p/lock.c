// SPDX-License-Identifier: BSD-3-Clause
/*
 * Theory of operation: locks of byte ranges belong to the open fid, as Linux's open file
 * description locks do. Nobody ever waits here: a client asks again. The kernel would keep as many
 * ranges as a client makes, so they are counted by a table of our own that follows what the kernel
 * does.
 */
#include "server.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

static unsigned int cut(struct p9_range *r, struct p9_range *rest, uint64_t first, uint64_t last)
{
	struct p9_range left = *r, right = *r;
	unsigned int n = 0;

	left.last = first - 1;
	right.first = last + 1;
	if (r->first < first)
		rest[n++] = left;
	if (r->last > last)
		rest[n++] = right;
	return n;
}

/* What would be left of all ranges without [first, last] of @f; keeps it when @act. */
static unsigned int without(struct cw_9p_server *s, const struct p9_fid *f, uint64_t first,
			    uint64_t last, bool act)
{
	unsigned int count = 0, n = s->ranges;

	for (unsigned int i = 0; i < n; i++) {
		struct p9_range r = s->range[i], rest[2] = { r };
		unsigned int left = 1;

		if (r.fid == f && r.first <= last && first <= r.last)
			left = cut(&r, rest, first, last);
		if (act && left == 2)
			s->range[s->ranges++] = rest[1]; /* there is room: it was asked before */
		if (act && left)
			s->range[count] = rest[0];
		count += act ? left != 0 : left;
	}
	if (act) {
		memmove(&s->range[count], &s->range[n], (s->ranges - n) * sizeof(s->range[0]));
		s->ranges -= n - count;
	}
	return count;
}

static void note(struct cw_9p_server *s, const struct p9_fid *f, const struct flock *l)
{
	struct p9_range r = { f, l->l_type == F_WRLCK, (uint64_t)l->l_start, INT64_MAX };

	if (l->l_len)
		r.last = (uint64_t)l->l_start + (uint64_t)l->l_len - 1;
	without(s, f, r.first, r.last, true);
	if (l->l_type != F_UNLCK)
		s->range[s->ranges++] = r;
}

static bool room_for(struct cw_9p_server *s, const struct p9_fid *f, const struct flock *l)
{
	uint64_t first = (uint64_t)l->l_start,
		 last = l->l_len ? first + (uint64_t)l->l_len - 1 : INT64_MAX;

	return without(s, f, first, last, false) + (l->l_type != F_UNLCK) <= CW_9P_LOCKS;
}

void p9_lock_forget(struct cw_9p_server *s, const struct p9_fid *f)
{
	without(s, f, 0, INT64_MAX, true);
}

static int get_range(struct p9_in *in, struct flock *l)
{
	uint64_t start = p9_get64(in), length = p9_get64(in);

	if (start > INT64_MAX || length > INT64_MAX - start)
		return EINVAL;
	*l = (struct flock){ .l_whence = SEEK_SET,
			     .l_start = (off_t)start,
			     .l_len = (off_t)length };
	return 0;
}

static bool set_type(struct flock *l, uint8_t wire)
{
	static const short type[] = { F_RDLCK, F_WRLCK, F_UNLCK };

	if (wire > CW_9P_LOCK_UNLCK)
		return false;
	l->l_type = type[wire];
	return true;
}

/* #syscalls fcntl */
static int lock_status(struct cw_9p_server *s, const struct p9_fid *f, struct flock *l,
		       uint8_t *status)
{
	*status = CW_9P_LOCK_ERROR;
	if (!room_for(s, f, l))
		return 0;
	if (!fcntl(f->fd, F_OFD_SETLK, l)) {
		note(s, f, l);
		*status = CW_9P_LOCK_SUCCESS;
	} else if (errno == EAGAIN || errno == EACCES) {
		*status = CW_9P_LOCK_BLOCKED;
	} else if (errno != ENOLCK) {
		return errno;
	}
	return 0;
}

int p9_lock(struct cw_9p_server *s, struct p9_in *in, struct p9_out *out)
{
	struct p9_fid *f = p9_fid_find(s, p9_get32(in));
	uint8_t type = p9_get8(in), status;
	uint32_t flags = p9_get32(in);
	struct flock l;
	int err = get_range(in, &l);

	p9_get32(in); /* who of the client's: its own matter */
	p9_get_text(in);
	if (!p9_end(in))
		return EPROTO;
	if (!f || f->kind != P9_FILE)
		return EBADF;
	if (err || !set_type(&l, type) || flags > (CW_9P_LOCK_F_BLOCK | CW_9P_LOCK_F_RECLAIM))
		return EINVAL;
	err = lock_status(s, f, &l, &status);
	if (!err)
		p9_put8(out, status);
	return err;
}

int p9_getlock(struct cw_9p_server *s, struct p9_in *in, struct p9_out *out)
{
	struct p9_fid *f = p9_fid_find(s, p9_get32(in));
	uint8_t type = p9_get8(in);
	struct flock l;
	int err = get_range(in, &l);

	p9_get32(in);
	p9_get_text(in);
	if (!p9_end(in))
		return EPROTO;
	if (!f || f->kind != P9_FILE)
		return EBADF;
	if (err || !set_type(&l, type) || l.l_type == F_UNLCK)
		return EINVAL;
	if (fcntl(f->fd, F_OFD_GETLK, &l))
		return errno;
	p9_put8(out, l.l_type == F_RDLCK   ? CW_9P_LOCK_RDLCK
		     : l.l_type == F_WRLCK ? CW_9P_LOCK_WRLCK
					   : CW_9P_LOCK_UNLCK);
	p9_put64(out, (uint64_t)l.l_start);
	p9_put64(out, (uint64_t)l.l_len);
	p9_put32(out, l.l_pid > 0 ? (uint32_t)l.l_pid : 0);
	p9_put_text(out, "", 0);
	return 0;
}
