// SPDX-License-Identifier: BSD-3-Clause
/* 9P client: paths, and what is done with names. Each call walks there, asks, and lets the fid go. */
#include <causeway/core/bytes.h>
#include <causeway/core/err.h>
#include <causeway/core/gate.h>

#include "9p_priv.h"

#define RWALK	 (CW_9P_HEADER + 2u)
#define RGETATTR 160u
#define TARGET	 512u

/* ---- paths ---- */

/* The next part of a path at or behind *@p, which is set to it: its length, 0 when none is left. */
static uint32_t next_part(const char **p)
{
	for (;;) {
		uint32_t n = 0;

		while (**p == '/')
			(*p)++;
		while ((*p)[n] && (*p)[n] != '/')
			n++;
		if (n != 1 || **p != '.')
			return n;
		(*p)++;
	}
}

/* Finds the last part of a path, *@len of 0 when it has none: CW_OK or CW_EINVAL. */
static int look_at(const char *path, const char **last, uint32_t *last_len)
{
	const char *p = path;
	uint32_t len;

	*last = path;
	*last_len = 0;
	for (; (len = next_part(&p)); p += len) {
		if (len > CW_9P_NAME_MAX || (len == 2 && p[0] == '.' && p[1] == '.'))
			return CW_EINVAL;
		*last = p;
		*last_len = len;
	}
	return CW_OK;
}

/* One Twalk from @from to @fid, with as many parts before @stop as it takes; *@p is behind them then. */
static int walk_some(struct cw_9p_driver *c, uint32_t from, uint32_t fid, const char **p,
		     const char *stop, uint64_t end)
{
	uint32_t len, names = 0, count_at, there;
	int err;

	cw_9p_msg_(c, CW_9P_TWALK, from);
	cw_9p_put_fid_(c, fid);
	count_at = c->message_len;
	cw_9p_put_(c, 0, 2);
	while (names < CW_9P_WALK_MAX && (len = next_part(p)) && (!stop || *p < stop) &&
	       c->message_len + 2 + len <= sizeof(c->message)) {
		cw_9p_put_string_(c, *p, len);
		*p += len;
		names++;
	}
	cw_poke16(c->message + count_at, (uint16_t)names);
	err = cw_9p_call_(c, 0, end);
	if (err)
		return err;
	there = c->answer_len < RWALK ? CW_9P_WALK_MAX + 1 : cw_peek16(c->answer + CW_9P_HEADER);
	if (there > names || c->answer_len != RWALK + there * CW_9P_QID)
		return cw_vdev_fail(&c->vdev, CW_EPEER);
	if (there == names)
		return CW_OK;
	c->last_errno = CW_9P_ENOENT; /* some part of it is not there; why is not said */
	return CW_ENOENT;
}

static int walk(struct cw_9p_driver *c, const char *path, const char *stop, uint32_t *fid,
		uint64_t end)
{
	uint32_t from = ROOT_FID;
	int err = cw_9p_new_fid_(c, fid, end);

	if (err)
		return err;
	do {
		err = walk_some(c, from, *fid, &path, stop, end);
		if (err && from == ROOT_FID && c->last_errno)
			c->fid[*fid] = CW_9P_FREE_; /* the other side never had it */
		else if (err)
			cw_9p_release_(c, *fid);
		from = *fid;
	} while (!err && next_part(&path) && (!stop || path < stop));
	return err;
}

int cw_9p_walk_(struct cw_9p_driver *c, const char *path, uint32_t *fid, uint64_t end)
{
	const char *last;
	uint32_t len;
	int err = look_at(path, &last, &len);

	return err ? err : walk(c, path, NULL, fid, end);
}

int cw_9p_walk_parent_(struct cw_9p_driver *c, const char *path, const char **name, uint32_t *len,
		       uint32_t *fid, uint64_t end)
{
	int err = look_at(path, name, len);

	if (!err && !*len)
		err = CW_EINVAL; /* the root is in nothing */
	return err ? err : walk(c, path, *name, fid, end);
}

/* ---- what is asked of them ---- */

static int get_attr(struct cw_9p_driver *c, uint32_t fid, struct cw_9p_stat *s, uint64_t end)
{
	const uint8_t *a = c->answer + CW_9P_HEADER + 8; /* behind `valid` */
	int err;

	cw_9p_msg_(c, CW_9P_TGETATTR, fid);
	cw_9p_put_(c, CW_9P_GETATTR_BASIC, 8);
	err = cw_9p_call_(c, RGETATTR, end);
	if (err)
		return err;
	*s = (struct cw_9p_stat){ .qid_type = a[0],
				  .id = cw_peek64(a + 5),
				  .mode = cw_peek32(a + 13),
				  .uid = cw_peek32(a + 17),
				  .gid = cw_peek32(a + 21),
				  .links = cw_peek64(a + 25),
				  .size = cw_peek64(a + 41),
				  .blocks = cw_peek64(a + 57),
				  .mtime = cw_peek64(a + 81),
				  .mtime_ns = (uint32_t)cw_peek64(a + 89) };
	return CW_OK;
}

int cw_9p_stat(struct cw_9p_driver *c, const char *path, struct cw_9p_stat *s, uint64_t timeout)
{
	uint64_t end = cw_vdev_end(&c->vdev, timeout);
	uint32_t fid;
	int err = cw_9p_begin_(c);

	err = err ? err : cw_9p_walk_(c, path, &fid, end);
	if (err)
		return err;
	err = get_attr(c, fid, s, end);
	cw_9p_release_(c, fid);
	return err;
}

int cw_9p_file_stat(struct cw_9p_file *f, struct cw_9p_stat *s, uint64_t timeout)
{
	int err = cw_9p_begin_file_(f);

	return err ? err : get_attr(f->c, f->fid, s, cw_vdev_end(&f->c->vdev, timeout));
}

int cw_9p_mkdir(struct cw_9p_driver *c, const char *path, uint32_t mode, uint64_t timeout)
{
	uint64_t end = cw_vdev_end(&c->vdev, timeout);
	uint32_t fid, len;
	const char *name;
	int err = cw_9p_begin_(c);

	err = err ? err : cw_9p_walk_parent_(c, path, &name, &len, &fid, end);
	if (err)
		return err;
	cw_9p_msg_(c, CW_9P_TMKDIR, fid);
	cw_9p_put_string_(c, name, len);
	cw_9p_put_(c, mode, 4);
	cw_9p_put_(c, 0, 4);
	err = cw_9p_call_(c, QID_ANSWER, end);
	cw_9p_release_(c, fid);
	return err;
}

static int unlink_at(struct cw_9p_driver *c, uint32_t fid, const char *name, uint32_t len,
		     uint32_t flags, uint64_t end)
{
	cw_9p_msg_(c, CW_9P_TUNLINKAT, fid);
	cw_9p_put_string_(c, name, len);
	cw_9p_put_(c, flags, 4);
	return cw_9p_call_(c, CW_9P_HEADER, end);
}

int cw_9p_remove(struct cw_9p_driver *c, const char *path, uint64_t timeout)
{
	uint64_t end = cw_vdev_end(&c->vdev, timeout);
	uint32_t fid, len;
	const char *name;
	int err = cw_9p_begin_(c);

	err = err ? err : cw_9p_walk_parent_(c, path, &name, &len, &fid, end);
	if (err)
		return err;
	err = unlink_at(c, fid, name, len, 0, end);
	if (err && (c->last_errno == CW_9P_EISDIR || c->last_errno == CW_9P_EPERM)) {
		uint32_t first = c->last_errno;

		err = unlink_at(c, fid, name, len, CW_9P_AT_REMOVEDIR, end);
		if (err && c->last_errno == CW_9P_ENOTDIR) { /* it was not that, then */
			c->last_errno = first;
			err = CW_EACCES;
		}
	}
	cw_9p_release_(c, fid);
	return err;
}

int cw_9p_rename(struct cw_9p_driver *c, const char *from, const char *to, uint64_t timeout)
{
	uint64_t end = cw_vdev_end(&c->vdev, timeout);
	uint32_t fid, len, to_fid, to_len;
	const char *name, *to_name;
	int err = cw_9p_begin_(c);

	err = err ? err : cw_9p_walk_parent_(c, from, &name, &len, &fid, end);
	if (err)
		return err;
	err = cw_9p_walk_parent_(c, to, &to_name, &to_len, &to_fid, end);
	if (!err) {
		cw_9p_msg_(c, CW_9P_TRENAMEAT, fid);
		cw_9p_put_string_(c, name, len);
		cw_9p_put_fid_(c, to_fid);
		cw_9p_put_string_(c, to_name, to_len);
		err = cw_9p_call_(c, CW_9P_HEADER, end);
		cw_9p_release_(c, to_fid);
	}
	cw_9p_release_(c, fid);
	return err;
}

int cw_9p_symlink(struct cw_9p_driver *c, const char *target, const char *path, uint64_t timeout)
{
	uint64_t end = cw_vdev_end(&c->vdev, timeout);
	uint32_t fid, len, target_len = 0;
	const char *name;
	int err = cw_9p_begin_(c);

	while (target_len <= TARGET && target[target_len])
		target_len++;
	if (!err && (!target_len || target_len > TARGET))
		err = CW_EINVAL;
	err = err ? err : cw_9p_walk_parent_(c, path, &name, &len, &fid, end);
	if (err)
		return err;
	cw_9p_msg_(c, CW_9P_TSYMLINK, fid);
	cw_9p_put_string_(c, name, len);
	cw_9p_put_string_(c, target, target_len);
	cw_9p_put_(c, 0, 4);
	err = cw_9p_call_(c, QID_ANSWER, end);
	cw_9p_release_(c, fid);
	return err;
}

/* The answer may be longer than c->answer: it is taken from the slot by the one who knows its form. */
static int read_link(struct cw_9p_driver *c, uint32_t fid, char *buf, uint32_t size, uint64_t end)
{
	struct cw_9p_slot *s;
	uint32_t len;
	int err;

	cw_9p_msg_(c, CW_9P_TREADLINK, fid);
	err = cw_9p_ask_(c, &s, end);
	if (err)
		return err;
	len = cw_peek16(s->head + CW_9P_HEADER);
	if (s->len < CW_9P_HEADER + 2 || len != s->len - CW_9P_HEADER - 2)
		return cw_vdev_fail(&c->vdev, CW_EPEER);
	if (len >= size)
		return CW_ENOSPC;
	cw_9p_fetch_(c, s, CW_9P_HEADER + 2, buf, len);
	buf[len] = 0;
	for (uint32_t i = 0; i < len; i++)
		if (!buf[i])
			return cw_vdev_fail(&c->vdev, CW_EPEER);
	return CW_OK;
}

int cw_9p_readlink(struct cw_9p_driver *c, const char *path, char *buf, uint32_t size,
		   uint64_t timeout)
{
	uint64_t end = cw_vdev_end(&c->vdev, timeout);
	uint32_t fid;
	int err = cw_9p_begin_(c);

	err = err ? err : cw_9p_walk_(c, path, &fid, end);
	if (err)
		return err;
	err = read_link(c, fid, buf, size, end);
	cw_9p_release_(c, fid);
	return err;
}
