// SPDX-License-Identifier: BSD-3-Clause
/*
 * Files of Linux by messages.
 *
 * Theory of operation: each call is one or more calls of core/rpc.h, one at a time. A handle belongs to the session
 * in which it was given: used in another it would name nothing, or another file, so both are compared
 * before a call and after it. When some chunks of a read or write are done and then one fails, the number
 * of bytes is returned and the error is kept for the next call. What an answer says is checked before it is believed.
 */
#include <causeway/core/bytes.h>
#include <causeway/core/err.h>
#include <causeway/core/gate.h>
#include <causeway/driver/rpmsg_files.h>

#define PATH_MOST 4095u /* what Linux takes */

_Static_assert(CW_RFILES_MESSAGE >= CW_FILES_LEAST, "a message must have room for a name");

static uint64_t end_of(struct cw_rfiles *c, uint64_t timeout)
{
	uint64_t now = cw_rpc_rpmsg_carrier.now(&c->link);

	return timeout < UINT64_MAX - now ? now + timeout : UINT64_MAX;
}

static uint64_t left(struct cw_rfiles *c, uint64_t end)
{
	uint64_t now = cw_rpc_rpmsg_carrier.now(&c->link);

	return end == UINT64_MAX ? end : now < end ? end - now : 0;
}

/* ---- errors ---- */

static int meaning(int32_t status)
{
	static const int8_t table[CW_FILES_ERRORS] = {
		[CW_FILES_ENOENT] = CW_ENOENT,	     [CW_FILES_EACCES] = CW_EACCES,
		[CW_FILES_EEXIST] = CW_EEXIST,	     [CW_FILES_ENOTDIR] = CW_EINVAL,
		[CW_FILES_EISDIR] = CW_EINVAL,	     [CW_FILES_EINVAL] = CW_EINVAL,
		[CW_FILES_EMFILE] = CW_EBUSY,	     [CW_FILES_EFBIG] = CW_ENOSPC,
		[CW_FILES_ENOSPC] = CW_ENOSPC,	     [CW_FILES_EROFS] = CW_EACCES,
		[CW_FILES_ENAMETOOLONG] = CW_EINVAL, [CW_FILES_ENOTEMPTY] = CW_EEXIST,
		[CW_FILES_ELOOP] = CW_EACCES,	     [CW_FILES_EXDEV] = CW_EACCES,
		[CW_FILES_EBUSY] = CW_EBUSY,	     [CW_FILES_EBADF] = CW_EINVAL,
		[CW_FILES_ENOTSUP] = CW_ENOTSUP,
	};

	return status < CW_FILES_ERRORS && table[status] ? table[status] : CW_EIO;
}

/* ---- calls ---- */

static int call(struct cw_rfiles *c, struct cw_rpc_ask *ask, void *reply, uint32_t *len)
{
	int32_t status = cw_rpc_call(&c->rpc, ask, reply, len);

	c->error = status > 0 ? status : 0;
	return status > 0 ? meaning(status) : status;
}

/* A path behind @len bytes of @args; of one that is longer than PATH_MOST, one byte more than that. */
static struct cw_rpc_ask on_path(uint16_t method, const void *args, uint32_t len, const char *path,
				 uint64_t timeout)
{
	struct cw_rpc_ask a = {
		.method = method, .args = args, .len = len, .more = path, .timeout = timeout
	};

	while (path[a.more_len] && a.more_len <= PATH_MOST)
		a.more_len++;
	return a;
}

static int too_long(struct cw_rfiles *c)
{
	c->error = CW_FILES_ENAMETOOLONG;
	return CW_EINVAL;
}

/* A call of on_path(): whichever side has no room for the path, the error is the same. */
static int by_path(struct cw_rfiles *c, struct cw_rpc_ask *ask, void *reply, uint32_t *len)
{
	int err;

	if (ask->more_len > PATH_MOST)
		return too_long(c);
	err = call(c, ask, reply, len);
	return err == CW_EINVAL && !c->error ? too_long(c) : err; /* no message holds it */
}

/* Whether @f is of the present session; what is wrong with it, once. */
static int usable(struct cw_rfile *f)
{
	int err = f->err;

	f->err = 0;
	f->c->error = f->error;
	f->error = 0;
	if (err)
		return err;
	return f->session && f->session == f->c->rpc.session ? CW_OK : CW_ERESET;
}

static int usable_for(struct cw_rfile *f, uint32_t len)
{
	int err = usable(f);

	return !err && len > INT32_MAX ? CW_EINVAL : err;
}

/* A call on an open file. */
static int on_file(struct cw_rfile *f, struct cw_rpc_ask *ask, void *reply, uint32_t *len)
{
	int err = call(f->c, ask, reply, len);

	if (f->session == f->c->rpc.session)
		return err;
	f->c->error = 0;
	return err == CW_EPEER || err == CW_EDOWN ? err : CW_ERESET;
}

static struct cw_abi_files_io io(const struct cw_rfile *f, uint32_t count, uint64_t offset)
{
	struct cw_abi_files_io i = { .handle = cw_make_le32(f->handle),
				     .count = cw_make_le32(count) };

	cw_set_le32_pair(i.offset, offset);
	return i;
}

static int on_handle(struct cw_rfile *f, uint16_t method, uint64_t timeout)
{
	const struct cw_le32 handle = cw_make_le32(f->handle);
	struct cw_rpc_ask a = {
		.method = method, .args = &handle, .len = sizeof(handle), .timeout = timeout
	};

	return on_file(f, &a, NULL, NULL);
}

/* ---- the service ---- */

int cw_rfiles_open(struct cw_rfiles *c, struct cw_rpmsg *ch, uint32_t nonce)
{
	const struct cw_rpmsg_spec spec = { .name = CW_FILES_NAME,
					    .addr = CW_RPMSG_ANY,
					    .dst = CW_RPMSG_ANY };
	const struct cw_rpc_client_config conf = { .carrier = &cw_rpc_rpmsg_carrier,
						   .ctx = &c->link,
						   .call = c->call,
						   .calls = 1,
						   .out = c->out,
						   .size = CW_RFILES_MESSAGE,
						   .nonce = nonce };
	int err;

	memset(c, 0, sizeof(*c));
	c->link.client = &c->rpc;
	c->link.in = c->in;
	c->link.size = CW_RFILES_MESSAGE;
	err = cw_rpc_client_init(&c->rpc, &conf);
	return err ? err : cw_rpc_rpmsg_open(&c->link, ch, &spec);
}

void cw_rfiles_close(struct cw_rfiles *c)
{
	cw_rpc_rpmsg_close(&c->link);
}

/* ---- names ---- */

static int parse(const struct cw_abi_files_stat *from, uint32_t len, struct cw_rfile_stat *s)
{
	if (len != sizeof(*from))
		return CW_EPEER;
	s->type = cw_get_le32(from->type);
	s->mode = cw_get_le32(from->mode);
	s->size = cw_get_le32_pair(from->size);
	s->mtime = (int64_t)cw_get_le32_pair(from->mtime);
	s->mtime_ns = cw_get_le32(from->mtime_ns);
	s->links = cw_get_le32(from->links);
	s->id = cw_get_le32_pair(from->id);
	return s->size <= INT64_MAX ? CW_OK : CW_EPEER;
}

int cw_rfiles_stat(struct cw_rfiles *c, const char *path, struct cw_rfile_stat *s, uint64_t timeout)
{
	struct cw_rpc_ask a = on_path(CW_FILES_M_STAT, NULL, 0, path, timeout);
	struct cw_abi_files_stat got;
	uint32_t len = sizeof(got);
	int err = by_path(c, &a, &got, &len);

	return err ? err : parse(&got, len, s);
}

int cw_rfiles_unlink(struct cw_rfiles *c, const char *path, uint64_t timeout)
{
	struct cw_rpc_ask a = on_path(CW_FILES_M_UNLINK, NULL, 0, path, timeout);

	return by_path(c, &a, NULL, NULL);
}

int cw_rfiles_rmdir(struct cw_rfiles *c, const char *path, uint64_t timeout)
{
	struct cw_rpc_ask a = on_path(CW_FILES_M_RMDIR, NULL, 0, path, timeout);

	return by_path(c, &a, NULL, NULL);
}

int cw_rfiles_mkdir(struct cw_rfiles *c, const char *path, uint32_t mode, uint64_t timeout)
{
	const struct cw_abi_files_mode m = { cw_make_le32(mode) };
	struct cw_rpc_ask a = on_path(CW_FILES_M_MKDIR, &m, sizeof(m), path, timeout);

	return by_path(c, &a, NULL, NULL);
}

int cw_rfiles_rename(struct cw_rfiles *c, const char *from, const char *to, uint64_t timeout)
{
	uint8_t first[sizeof(struct cw_abi_files_rename) + CW_RFILES_FROM];
	uint32_t n = 0;
	struct cw_rpc_ask a;

	for (; from[n]; n++) {
		if (n == CW_RFILES_FROM)
			return too_long(c);
		first[sizeof(struct cw_abi_files_rename) + n] = (uint8_t)from[n];
	}
	cw_poke32(first, n);
	a = on_path(CW_FILES_M_RENAME, first, sizeof(struct cw_abi_files_rename) + n, to, timeout);
	return by_path(c, &a, NULL, NULL);
}

/* ---- files ---- */

int cw_rfile_open(struct cw_rfiles *c, struct cw_rfile *f, const char *path, uint32_t flags,
		  uint32_t mode, uint64_t timeout)
{
	const struct cw_abi_files_open o = { cw_make_le32(flags), cw_make_le32(mode) };
	struct cw_rpc_ask a = on_path(CW_FILES_M_OPEN, &o, sizeof(o), path, timeout);
	struct cw_abi_files_opened got;
	uint32_t len = sizeof(got);
	int err = by_path(c, &a, &got, &len);

	memset(f, 0, sizeof(*f));
	f->c = c;
	if (err)
		return err;
	if (len != sizeof(got))
		return CW_EPEER;
	f->handle = cw_get_le32(got.handle);
	f->session = c->rpc.session;
	f->flags = flags;
	return CW_OK;
}

int cw_rfile_close(struct cw_rfile *f, uint64_t timeout)
{
	int before = f->err, err;
	int32_t error = f->error;

	f->err = 0;
	err = usable(f);
	err = err ? err : on_handle(f, CW_FILES_M_CLOSE, timeout);
	f->session = 0;
	if (!before)
		return err;
	f->c->error = error;
	return before;
}

/* Some bytes are done, and then @err: told now, or by the next call. */
static int32_t partly(struct cw_rfile *f, uint32_t done, int err)
{
	if (!err || !done)
		return err ? err : (int32_t)done;
	f->err = err;
	f->error = f->c->error;
	return (int32_t)done;
}

/* One message's worth: CW_OK with *@got bytes, none: the end. */
static int read_some(struct cw_rfile *f, uint8_t *to, uint32_t len, uint64_t timeout, uint32_t *got)
{
	const uint32_t most = CW_RFILES_MESSAGE - CW_RPC_HEADER;
	const struct cw_abi_files_io i = io(f, len < most ? len : most, f->position);
	struct cw_rpc_ask a = {
		.method = CW_FILES_M_READ, .args = &i, .len = sizeof(i), .timeout = timeout
	};
	int err;

	*got = len < most ? len : most;
	err = on_file(f, &a, to, got);
	if (err == CW_EBADLEN || (!err && *got > INT64_MAX - f->position))
		return CW_EPEER;
	if (!err)
		f->position += *got;
	return err;
}

int32_t cw_rfile_read(struct cw_rfile *f, void *buf, uint32_t len, uint64_t timeout)
{
	uint64_t end = end_of(f->c, timeout);
	int err = usable_for(f, len);
	uint32_t done = 0, got = 1;

	while (!err && got && done < len) {
		err = read_some(f, (uint8_t *)buf + done, len - done, left(f->c, end), &got);
		if (!err)
			done += got;
	}
	return partly(f, done, err);
}

/* One message's worth: *@put bytes were written, also before an error. */
static int write_some(struct cw_rfile *f, const uint8_t *from, uint32_t len, uint64_t timeout,
		      uint32_t *put)
{
	struct cw_abi_files_written w = { 0 };
	uint32_t got = sizeof(w), room = cw_rpc_client_room(&f->c->rpc);
	struct cw_abi_files_io i;
	struct cw_rpc_ask a = { .method = CW_FILES_M_WRITE,
				.args = &i,
				.len = sizeof(i),
				.more = from,
				.timeout = timeout };
	int err;

	*put = 0;
	if (room <= sizeof(i))
		return CW_ENOSPC;
	a.more_len = len < room - sizeof(i) ? len : room - (uint32_t)sizeof(i);
	i = io(f, a.more_len, f->flags & CW_FILES_APPEND ? 0 : f->position);
	err = on_file(f, &a, &w, &got);
	if (err && !f->c->error)
		return err; /* nobody said how much */
	if (got != sizeof(w) && err)
		return err; /* not even begun */
	if (got != sizeof(w) || cw_get_le32(w.count) > a.more_len ||
	    (!err && cw_get_le32(w.count) != a.more_len) || cw_get_le32_pair(w.end) > INT64_MAX)
		return CW_EPEER;
	*put = cw_get_le32(w.count);
	if (*put)
		f->position = cw_get_le32_pair(w.end);
	return err;
}

int32_t cw_rfile_write(struct cw_rfile *f, const void *buf, uint32_t len, uint64_t timeout)
{
	uint64_t end = end_of(f->c, timeout);
	int err = usable_for(f, len);
	uint32_t done = 0, put;

	while (!err && done < len) {
		err = write_some(f, (const uint8_t *)buf + done, len - done, left(f->c, end), &put);
		done += put;
	}
	return partly(f, done, err);
}

int cw_rfile_stat(struct cw_rfile *f, struct cw_rfile_stat *s, uint64_t timeout)
{
	const struct cw_le32 handle = cw_make_le32(f->handle);
	struct cw_rpc_ask a = { .method = CW_FILES_M_FSTAT,
				.args = &handle,
				.len = sizeof(handle),
				.timeout = timeout };
	struct cw_abi_files_stat got;
	uint32_t len = sizeof(got);
	int err = usable(f);

	err = err ? err : on_file(f, &a, &got, &len);
	return err ? err : parse(&got, len, s);
}

int64_t cw_rfile_seek(struct cw_rfile *f, int64_t offset, int whence, uint64_t timeout)
{
	int64_t base = 0;
	int err = CW_OK;

	if (whence == CW_RFILE_END) {
		struct cw_rfile_stat s;

		err = cw_rfile_stat(f, &s, timeout);
		base = err ? 0 : (int64_t)s.size;
	} else {
		err = usable(f);
		base = whence == CW_RFILE_CUR ? (int64_t)f->position : 0;
	}
	if (err)
		return err;
	if (whence < CW_RFILE_SET || whence > CW_RFILE_END || offset > INT64_MAX - base ||
	    base + offset < 0)
		return CW_EINVAL;
	f->position = (uint64_t)(base + offset);
	return base + offset;
}

int cw_rfile_truncate(struct cw_rfile *f, uint64_t size, uint64_t timeout)
{
	const struct cw_abi_files_io i = io(f, 0, size);
	struct cw_rpc_ask a = {
		.method = CW_FILES_M_TRUNCATE, .args = &i, .len = sizeof(i), .timeout = timeout
	};
	int err = usable(f);

	return err ? err : on_file(f, &a, NULL, NULL);
}

int cw_rfile_sync(struct cw_rfile *f, uint64_t timeout)
{
	int err = usable(f);

	return err ? err : on_handle(f, CW_FILES_M_SYNC, timeout);
}

/* ---- folders ---- */

int cw_rfile_list(struct cw_rfile *f, struct cw_rfile_entry *e, uint64_t timeout)
{
	const struct cw_abi_files_io i = io(f, 0, f->position);
	struct cw_rpc_ask a = {
		.method = CW_FILES_M_LIST, .args = &i, .len = sizeof(i), .timeout = timeout
	};
	uint8_t got[CW_FILES_ENTRY + CW_FILES_NAME_MAX] = { 0 };
	uint32_t len = sizeof(got), n;
	int err = usable(f);

	err = err ? err : on_file(f, &a, got, &len);
	if ((err && err != CW_EBADLEN) || !len) /* there is more than the first */
		return err;
	n = len >= CW_FILES_ENTRY ? got[CW_FILES_ENTRY - 1] : 0;
	if (!n || n > len - CW_FILES_ENTRY || cw_peek64(got) == f->position ||
	    cw_peek64(got) > INT64_MAX)
		return CW_EPEER;
	for (uint32_t k = 0; k < n; k++)
		if (!got[CW_FILES_ENTRY + k] || got[CW_FILES_ENTRY + k] == '/')
			return CW_EPEER;
	f->position = cw_peek64(got);
	e->type = got[8];
	memcpy(e->name, got + CW_FILES_ENTRY, n);
	e->name[n] = 0;
	return 1;
}
