// SPDX-License-Identifier: BSD-3-Clause
/* 9P client: files and directories. */
#include <causeway/core/bytes.h>
#include <causeway/core/err.h>
#include <causeway/core/gate.h>

#include "9p_priv.h"

/* ---- open, close ---- */

static void file_is(struct cw_9p_file *f, struct cw_9p_driver *c, uint32_t fid, uint32_t iounit)
{
	uint32_t most = c->msize - CW_9P_TWRITE_HEADER;

	most &= ~511u; /* whole sectors, if it comes to a disk */
	*f = (struct cw_9p_file){ c, fid, c->session, iounit && iounit < most ? iounit : most };
}

int cw_9p_file_open(struct cw_9p_driver *c, struct cw_9p_file *f, const char *path, uint32_t flags,
		    uint32_t mode, uint64_t timeout)
{
	uint64_t end = cw_vdev_end(&c->vdev, timeout);
	bool create = flags & CW_9P_O_CREAT;
	const char *name;
	uint32_t fid, len;
	int err = cw_9p_begin_(c);

	memset(f, 0, sizeof(*f));
	f->c = c;
	if (!err)
		err = create ? cw_9p_walk_parent_(c, path, &name, &len, &fid, end)
			     : cw_9p_walk_(c, path, &fid, end);
	if (err)
		return err;
	cw_9p_msg_(c, create ? CW_9P_TLCREATE : CW_9P_TLOPEN, fid);
	if (create)
		cw_9p_put_string_(c, name, len);
	cw_9p_put_(c, flags, 4);
	if (create) {
		cw_9p_put_(c, mode, 4);
		cw_9p_put_(c, 0, 4);
	}
	err = cw_9p_call_(c, OPEN_ANSWER, end);
	if (err)
		cw_9p_release_(c, fid);
	else
		file_is(f, c, fid, cw_peek32(c->answer + QID_ANSWER));
	return err;
}

int cw_9p_file_close(struct cw_9p_file *f, uint64_t timeout)
{
	struct cw_9p_driver *c = f->c;
	uint64_t end = cw_vdev_end(&c->vdev, timeout);
	int err = cw_9p_begin_file_(f);

	f->session = 0;
	if (err)
		return err;
	cw_9p_release_(c, f->fid);
	while (!err && c->fid[f->fid] != CW_9P_FREE_) {
		err = cw_9p_wait_(c, end);
		if (!err && c->fid[f->fid] != CW_9P_FREE_)
			cw_9p_release_(
				c,
				f->fid); /* there was no slot, or something is asked of it still */
	}
	return err;
}

int cw_9p_truncate(struct cw_9p_file *f, uint64_t size, uint64_t timeout)
{
	struct cw_9p_driver *c = f->c;
	int err = cw_9p_begin_file_(f);

	if (err)
		return err;
	cw_9p_msg_(c, CW_9P_TSETATTR, f->fid);
	cw_9p_put_(c, CW_9P_SETATTR_SIZE, 4);
	cw_9p_put_(c, 0, 12); /* mode, uid, gid */
	cw_9p_put_(c, size, 8);
	cw_9p_put_(c, 0, 32); /* times */
	return cw_9p_call_(c, CW_9P_HEADER, cw_vdev_end(&c->vdev, timeout));
}

int cw_9p_sync(struct cw_9p_file *f, uint64_t timeout)
{
	struct cw_9p_driver *c = f->c;
	int err = cw_9p_begin_file_(f);

	if (err)
		return err;
	cw_9p_msg_(c, CW_9P_TFSYNC, f->fid);
	cw_9p_put_(c, 0, 4); /* not the bytes alone */
	return cw_9p_call_(c, CW_9P_HEADER, cw_vdev_end(&c->vdev, timeout));
}

/* ---- directories ---- */

int cw_9p_dir_open(struct cw_9p_driver *c, struct cw_9p_dir *d, const char *path, uint64_t timeout)
{
	d->next = 0;
	d->at = d->len = 0;
	return cw_9p_file_open(c, &d->f, path, CW_9P_O_DIRECTORY, 0, timeout);
}

int cw_9p_dir_close(struct cw_9p_dir *d, uint64_t timeout)
{
	return cw_9p_file_close(&d->f, timeout);
}

/* Takes what an answer lists into d->bytes. */
static int fill(struct cw_9p_dir *d, uint64_t end)
{
	struct cw_9p_driver *c = d->f.c;
	struct cw_9p_slot *s;
	uint32_t count;
	int err;

	cw_9p_msg_(c, CW_9P_TREADDIR, d->f.fid);
	cw_9p_put_(c, d->next, 8);
	cw_9p_put_(c, CW_9P_DIR_BUFFER, 4);
	err = cw_9p_ask_(c, &s, end);
	if (err)
		return err;
	count = cw_peek32(s->head + CW_9P_HEADER);
	if (s->len < CW_9P_RREAD_HEADER || count > CW_9P_DIR_BUFFER ||
	    s->len != CW_9P_RREAD_HEADER + count)
		return cw_vdev_fail(&c->vdev, CW_EPEER);
	cw_9p_fetch_(c, s, CW_9P_RREAD_HEADER, d->bytes, count);
	d->at = 0;
	d->len = count;
	return CW_OK;
}

static bool name_is_good(const uint8_t *name, uint32_t len)
{
	for (uint32_t i = 0; i < len; i++)
		if (!name[i] || name[i] == '/')
			return false;
	return len && len <= CW_9P_NAME_MAX;
}

/* The entry at d->at; false: it is none, or the list would never end. */
static bool parse(struct cw_9p_dir *d, struct cw_9p_entry *e)
{
	const uint8_t *b = d->bytes + d->at;
	uint32_t left = d->len - d->at, len;

	if (left < CW_9P_DIRENT)
		return false;
	len = cw_peek16(b + CW_9P_DIRENT - 2);
	if (len > left - CW_9P_DIRENT || !name_is_good(b + CW_9P_DIRENT, len) ||
	    cw_peek64(b + CW_9P_QID) == d->next)
		return false;
	e->qid_type = b[0];
	e->id = cw_peek64(b + 5);
	e->type = b[CW_9P_QID + 8];
	memcpy(e->name, b + CW_9P_DIRENT, len);
	e->name[len] = 0;
	d->next = cw_peek64(b + CW_9P_QID);
	d->at += CW_9P_DIRENT + len;
	return true;
}

static bool is_itself(const char *name)
{
	return name[0] == '.' && (!name[1] || (name[1] == '.' && !name[2]));
}

int cw_9p_dir_next(struct cw_9p_dir *d, struct cw_9p_entry *e, uint64_t timeout)
{
	uint64_t end = cw_vdev_end(&d->f.c->vdev, timeout);
	int err = cw_9p_begin_file_(&d->f);

	while (!err) {
		if (d->at == d->len)
			err = fill(d, end);
		if (err || !d->len)
			break;
		if (!parse(d, e))
			return cw_vdev_fail(&d->f.c->vdev, CW_EPEER);
		if (!is_itself(e->name))
			return 1;
	}
	return err;
}
