// SPDX-License-Identifier: BSD-3-Clause
/*
 * Messages that change the tree. Each acts on a name in a directory that was just opened from the
 * root: the last component is never followed, and the one before cannot have been a link.
 */
#include "server.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* @path becomes the entry that a message means by a directory's fid and a name. */
static int entry(char path[CW_9P_PATH_MAX], const struct p9_fid *dir, const struct p9_text *text)
{
	char name[CW_9P_NAME_MAX + 1];
	int err = p9_name(text, name);

	return err ? err : p9_join(path, dir->path, name);
}

/* #syscalls mkdirat */
int p9_make_folder(struct p9_export *x, const char *path, uint32_t mode)
{
	const char *name;
	int dir = p9_parent(x, path, &name), err;

	if (dir < 0)
		return -dir;
	err = mkdirat(dir, name, mode & 0777) ? errno : 0;
	close(dir);
	return err;
}

int p9_mkdir(struct cw_9p_server *s, struct p9_in *in, struct p9_out *out)
{
	struct p9_fid *f = p9_fid_find(s, p9_get32(in));
	struct p9_text text = p9_get_text(in);
	uint32_t mode = p9_get32(in);
	int err;

	p9_get32(in); /* gid */
	if (!p9_end(in))
		return EPROTO;
	if (!f)
		return EBADF;
	err = entry(s->path, f, &text);
	err = err ? err : p9_make_folder(&s->export, s->path, mode);
	return err ? err : p9_put_qid_at(s, out, s->path);
}

/* #syscalls symlinkat */
int p9_symlink(struct cw_9p_server *s, struct p9_in *in, struct p9_out *out)
{
	struct p9_fid *f = p9_fid_find(s, p9_get32(in));
	struct p9_text text = p9_get_text(in), target = p9_get_text(in);
	const char *name;
	int dir, err;

	p9_get32(in); /* gid */
	if (!p9_end(in))
		return EPROTO;
	if (!f)
		return EBADF;
	err = entry(s->path, f, &text);
	if (err)
		return err;
	if (target.len >= sizeof(s->other))
		return ENAMETOOLONG;
	if (memchr(target.ptr, '\0', target.len))
		return EINVAL;
	memcpy(s->other, target.ptr, target.len); /* text to us: only the client follows it */
	s->other[target.len] = '\0';
	dir = p9_parent(&s->export, s->path, &name);
	if (dir < 0)
		return -dir;
	err = symlinkat(s->other, dir, name) ? errno : 0;
	close(dir);
	return err ? err : p9_put_qid_at(s, out, s->path);
}

/* Regular files only: a device, FIFO or socket in the export would be a door to this system. */
int p9_mknod(struct cw_9p_server *s, struct p9_in *in, struct p9_out *out)
{
	struct p9_fid *f = p9_fid_find(s, p9_get32(in));
	struct p9_text text = p9_get_text(in);
	uint32_t mode = p9_get32(in);
	int fd, err;

	p9_get32(in); /* major */
	p9_get32(in); /* minor */
	p9_get32(in); /* gid */
	if (!p9_end(in))
		return EPROTO;
	if (!f)
		return EBADF;
	if ((mode & S_IFMT) && !S_ISREG(mode))
		return EPERM;
	err = entry(s->path, f, &text);
	if (err)
		return err;
	fd = p9_create(&s->export, s->path, O_RDONLY, mode);
	if (fd < 0)
		return -fd;
	close(fd);
	return p9_put_qid_at(s, out, s->path);
}

/* Two entries at once: opens both directories, or neither. */
struct both {
	int from, to;
	const char *from_name, *to_name;
};

static int open_both(struct p9_export *x, struct both *b, const char *from, const char *to)
{
	b->from = p9_parent(x, from, &b->from_name);
	if (b->from < 0)
		return -b->from;
	b->to = p9_parent(x, to, &b->to_name);
	if (b->to >= 0)
		return 0;
	close(b->from);
	return -b->to;
}

static void close_both(const struct both *b)
{
	close(b->from);
	close(b->to);
}

/* #syscalls linkat */
int p9_link(struct cw_9p_server *s, struct p9_in *in, struct p9_out *out)
{
	struct p9_fid *dir = p9_fid_find(s, p9_get32(in)), *f = p9_fid_find(s, p9_get32(in));
	struct p9_text text = p9_get_text(in);
	struct both b;
	int err;

	(void)out;
	if (!p9_end(in))
		return EPROTO;
	if (!dir || !f)
		return EBADF;
	err = entry(s->path, dir, &text);
	if (!err)
		err = open_both(&s->export, &b, f->path, s->path);
	if (err)
		return err;
	err = linkat(b.from, b.from_name, b.to, b.to_name, 0) ? errno : 0;
	close_both(&b);
	return err;
}

/* libc would take the older call where there is no flag. #syscalls renameat2 */
int p9_rename_path(struct p9_export *x, const char *from, const char *to)
{
	struct both b;
	int err = open_both(x, &b, from, to);

	if (err)
		return err;
	err = syscall(SYS_renameat2, b.from, b.from_name, b.to, b.to_name, 0) ? errno : 0;
	close_both(&b);
	return err;
}

static int move(struct cw_9p_server *s, const char *from, const char *to)
{
	int err = ENAMETOOLONG;

	if (p9_can_move(s, from, to))
		err = p9_rename_path(&s->export, from, to);
	if (!err)
		p9_move(s, from, to);
	return err;
}

int p9_rename(struct cw_9p_server *s, struct p9_in *in, struct p9_out *out)
{
	struct p9_fid *f = p9_fid_find(s, p9_get32(in)), *dir = p9_fid_find(s, p9_get32(in));
	struct p9_text text = p9_get_text(in);
	int err;

	(void)out;
	if (!p9_end(in))
		return EPROTO;
	if (!dir || !f)
		return EBADF;
	strcpy(s->other, f->path);
	err = entry(s->path, dir, &text);
	return err ? err : move(s, s->other, s->path);
}

int p9_renameat(struct cw_9p_server *s, struct p9_in *in, struct p9_out *out)
{
	struct p9_fid *from = p9_fid_find(s, p9_get32(in)), *to;
	struct p9_text old = p9_get_text(in), new;
	int err;

	(void)out;
	to = p9_fid_find(s, p9_get32(in));
	new = p9_get_text(in);
	if (!p9_end(in))
		return EPROTO;
	if (!from || !to)
		return EBADF;
	err = entry(s->other, from, &old);
	if (!err)
		err = entry(s->path, to, &new);
	return err ? err : move(s, s->other, s->path);
}

/* #syscalls unlinkat */
int p9_unlink_path(struct p9_export *x, const char *path, int flags)
{
	const char *name;
	int dir = p9_parent(x, path, &name), err;

	if (dir < 0)
		return -dir;
	err = unlinkat(dir, name, flags) ? errno : 0;
	close(dir);
	return err;
}

int p9_unlinkat(struct cw_9p_server *s, struct p9_in *in, struct p9_out *out)
{
	struct p9_fid *f = p9_fid_find(s, p9_get32(in));
	struct p9_text text = p9_get_text(in);
	uint32_t flags = p9_get32(in);
	int err;

	(void)out;
	if (!p9_end(in))
		return EPROTO;
	if (!f)
		return EBADF;
	if (flags & ~CW_9P_AT_REMOVEDIR)
		return EINVAL;
	err = entry(s->path, f, &text);
	return err ? err : p9_unlink_path(&s->export, s->path, flags ? AT_REMOVEDIR : 0);
}

/* Forgets the fid, whatever becomes of the file. */
int p9_remove(struct cw_9p_server *s, struct p9_in *in, struct p9_out *out)
{
	struct p9_fid *f = p9_fid_find(s, p9_get32(in));
	int err = EROFS;

	(void)out;
	if (!p9_end(in))
		return EPROTO;
	if (!f)
		return EBADF;
	if (!s->export.read_only)
		err = p9_unlink_path(&s->export, f->path, 0);
	if (err == EISDIR)
		err = p9_unlink_path(&s->export, f->path, AT_REMOVEDIR);
	p9_fid_free(s, f);
	return err;
}
