/* SPDX-License-Identifier: BSD-3-Clause */
/* What the parts of the 9P server share. All of it runs in one thread at a time. */
#ifndef HOST_9P_SERVER_H
#define HOST_9P_SERVER_H

#include "codec.h"

#include <causeway/host/9p.h>

#include <sys/stat.h>
#include <sys/uio.h>

#define P9_PARTS   272u	       /* pieces of an answer that is read in place */
#define P9_DIR_BUF (32u << 10) /* what one Treaddir asks the kernel for */

enum p9_kind {
	P9_PATH, /* names something, not open */
	P9_FILE, /* an open regular file */
	P9_DIR,	 /* an open directory */
	P9_XATTR_READ,
	P9_XATTR_WRITE,
};

struct p9_xattr {
	bool used;
	int flags;
	uint32_t size, have;
	char name[CW_9P_NAME_MAX + 1];
	uint8_t data[CW_9P_XATTR_MAX];
};

/* What a fid names is a path below the root, without "." and "..", "" for the root itself. */
struct p9_fid {
	enum p9_kind kind;
	int fd;		 /* P9_FILE, P9_DIR; else -1 */
	bool writable;	 /* P9_FILE: through its descriptor */
	uint64_t dir_at; /* P9_DIR: where the descriptor stands */
	struct p9_xattr *xattr;
	char path[CW_9P_PATH_MAX];
};

/* A range of bytes locked on an open fid, as the kernel has it. */
struct p9_range {
	const struct p9_fid *fid;
	bool write;
	uint64_t first, last;
};

struct cw_9p_server {
	struct p9_export export;
	int at_once;	/* flags of a read that does not */
	uint32_t limit; /* what msize can be at most */
	uint32_t msize; /* agreed; 0: no session */
	uint64_t root_dev, root_ino;
	char *name;
	unsigned int open, last; /* open fids; where a fid was found last */
	unsigned int ranges;
	uint32_t key[CW_9P_FIDS]; /* the client's numbers; CW_9P_NOFID: free */
	struct p9_range range[CW_9P_LOCKS];
	struct iovec iov[P9_PARTS];
	char path[CW_9P_PATH_MAX], other[CW_9P_PATH_MAX]; /* being put together */
	struct p9_xattr xattr[CW_9P_XATTRS];
	union {
		uint8_t dir[P9_DIR_BUF];
		uint64_t align;
	} buf;
	struct p9_fid fid[CW_9P_FIDS];
};

/*
 * A message: reads its fields, acts, writes its answer behind the header. Returns 0 or a positive
 * errno; EAGAIN when s->export.now and it would have to wait. Nothing is changed before p9_end() was true.
 */
typedef int p9_message(struct cw_9p_server *s, struct p9_in *in, struct p9_out *out);

p9_message p9_version, p9_auth, p9_attach, p9_flush, p9_walk, p9_clunk; /* session.c */
p9_message p9_getattr, p9_setattr, p9_statfs, p9_readlink;		/* attr.c */
p9_message p9_lopen, p9_lcreate, p9_read, p9_write, p9_fsync;		/* file.c */
p9_message p9_readdir;							/* dir.c */
p9_message p9_mkdir, p9_symlink, p9_mknod, p9_link, p9_rename, p9_renameat, p9_unlinkat,
	p9_remove;			 /* tree.c */
p9_message p9_lock, p9_getlock;		 /* lock.c */
p9_message p9_xattrwalk, p9_xattrcreate; /* xattr.c */
int p9_xattr_commit(struct cw_9p_server *s, struct p9_fid *f);

/* lock.c: the descriptor was closed, and its locks with it */
void p9_lock_forget(struct cw_9p_server *s, const struct p9_fid *f);

/* ---- fid.c ---- */

struct p9_fid *p9_fid_find(struct cw_9p_server *s, uint32_t fid); /* NULL: unknown */
/* A new one of kind P9_PATH whose path is still to be set; NULL: all are in use. */
struct p9_fid *p9_fid_new(struct cw_9p_server *s, uint32_t fid);
bool p9_fid_room(const struct cw_9p_server *s);
/* Frees it whatever happens; returns 0 or the errno of what was still to be done. */
int p9_fid_free(struct cw_9p_server *s, struct p9_fid *f);
void p9_fid_opened(struct cw_9p_server *s, struct p9_fid *f, int fd, int flags,
		   const struct statx *st);

/* Takes the last component away; the root stays the root. */
void p9_up(char *path);
/* Whether all fids at and below @from would still have room; then the change itself. */
bool p9_can_move(const struct cw_9p_server *s, const char *from, const char *to);
void p9_move(struct cw_9p_server *s, const char *from, const char *to);

/* ---- open.c ---- */

void p9_put_qid(const struct cw_9p_server *s, struct p9_out *out, const struct statx *st);
/* Of what was just made at @path; an errno when it is gone again. */
int p9_put_qid_at(const struct cw_9p_server *s, struct p9_out *out, const char *path);

#endif
