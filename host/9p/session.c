// SPDX-License-Identifier: BSD-3-Clause
/* Messages that begin and end a session, and that make and forget fids. */
#include "server.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static bool is(const struct p9_text *t, const char *text)
{
	return t->len == strlen(text) && !memcmp(t->ptr, text, t->len);
}

/* Whatever the answer is, the session before is over. */
int p9_version(struct cw_9p_server *s, struct p9_in *in, struct p9_out *out)
{
	uint32_t msize = p9_get32(in);
	struct p9_text version = p9_get_text(in);
	bool known = is(&version, CW_9P_VERSION);

	if (!p9_end(in))
		return EPROTO;
	cw_9p_reset(s);
	if (msize < CW_9P_MSIZE_MIN)
		return EMSGSIZE;
	if (msize > s->limit)
		msize = s->limit;
	p9_put32(out, msize);
	if (known)
		p9_put_text(out, CW_9P_VERSION, sizeof(CW_9P_VERSION) - 1);
	else
		p9_put_text(out, "unknown", 7);
	s->msize = known ? msize : 0;
	return 0;
}

/* Nobody needs to prove who they are: the one client has what the board file gives it. */
int p9_auth(struct cw_9p_server *s, struct p9_in *in, struct p9_out *out)
{
	(void)s;
	(void)out;
	p9_get32(in);
	p9_get_text(in);
	p9_get_text(in);
	p9_get32(in);
	return p9_end(in) ? ENOENT : EPROTO;
}

int p9_attach(struct cw_9p_server *s, struct p9_in *in, struct p9_out *out)
{
	uint32_t fid = p9_get32(in), auth = p9_get32(in);
	struct p9_text tree;
	int err;

	p9_get_text(in); /* who: everybody is the worker's user */
	tree = p9_get_text(in);
	p9_get32(in);
	if (!p9_end(in))
		return EPROTO;
	if (auth != CW_9P_NOFID || fid == CW_9P_NOFID)
		return EBADF;
	if (p9_fid_find(s, fid))
		return EINVAL;
	if (s->name && tree.len && !is(&tree, "/") && !is(&tree, s->name))
		return ENOENT;
	if (!p9_fid_room(s))
		return ENFILE;
	err = p9_put_qid_at(s, out, "");
	if (!err)
		p9_fid_new(s, fid);
	return err;
}

/* Requests are answered in their order: the one that is meant has been. */
int p9_flush(struct cw_9p_server *s, struct p9_in *in, struct p9_out *out)
{
	(void)s;
	(void)out;
	p9_get16(in);
	return p9_end(in) ? 0 : EPROTO;
}

/* One name further from s->path; tells what is there. */
static int step(struct cw_9p_server *s, const struct p9_text *t, struct p9_out *out)
{
	char name[CW_9P_NAME_MAX + 1];
	int err = 0;

	if (is(t, ".."))
		p9_up(s->path);
	else if (!(err = p9_name(t, name)))
		err = p9_join(s->path, s->path, name);
	return err ? err : p9_put_qid_at(s, out, s->path);
}

static int names_are_good(const struct p9_text *name, unsigned int n)
{
	char copy[CW_9P_NAME_MAX + 1];
	int err = 0;

	for (unsigned int i = 0; !err && i < n; i++)
		if (!is(&name[i], ".."))
			err = p9_name(&name[i], copy);
	return err;
}

static int walk_all(struct cw_9p_server *s, const struct p9_text *name, unsigned int n,
		    struct p9_out *out)
{
	uint32_t count_at = out->len;
	unsigned int done = 0;
	int err = 0;

	p9_put16(out, 0);
	for (; done < n && !err; done += !err)
		err = step(s, &name[done], out);
	out->buf[count_at] = (uint8_t)done;
	return err;
}

/* As far as it goes: only a whole walk makes a fid, and only one of no step is an error. */
int p9_walk(struct cw_9p_server *s, struct p9_in *in, struct p9_out *out)
{
	uint32_t fid = p9_get32(in), newfid = p9_get32(in);
	struct p9_fid *f = p9_fid_find(s, fid), *new = p9_fid_find(s, newfid);
	struct p9_text name[CW_9P_WALK_MAX];
	uint16_t n = p9_get16(in);
	int err;

	for (unsigned int i = 0; i < n && i < CW_9P_WALK_MAX; i++)
		name[i] = p9_get_text(in);
	if (n > CW_9P_WALK_MAX)
		return EINVAL;
	if (!p9_end(in))
		return EPROTO;
	if (!f || newfid == CW_9P_NOFID)
		return EBADF;
	if ((new &&new != f) || (new && f->kind != P9_PATH) || f->xattr)
		return EINVAL;
	if (!new && !p9_fid_room(s))
		return ENFILE;
	if (p9_room(out) < 2 + n * CW_9P_QID)
		return EMSGSIZE;
	err = names_are_good(name, n);
	if (err)
		return err;
	strcpy(s->path, f->path);
	err = walk_all(s, name, n, out);
	if (err)
		return out->len == CW_9P_HEADER + 2 || (s->export.now && err == EAGAIN) ? err : 0;
	if (!new)
		new = p9_fid_new(s, newfid);
	strcpy(new->path, s->path);
	return 0;
}

int p9_clunk(struct cw_9p_server *s, struct p9_in *in, struct p9_out *out)
{
	struct p9_fid *f = p9_fid_find(s, p9_get32(in));

	(void)out;
	if (!p9_end(in))
		return EPROTO;
	if (!f)
		return EBADF;
	return s->export.now && f->kind != P9_PATH ? EAGAIN : p9_fid_free(s, f);
}
