/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Paths below an exported folder, for whoever serves one: the only place where a path becomes a
 * descriptor (open.c). One thread at a time.
 */
#ifndef HOST_9P_EXPORT_H
#define HOST_9P_EXPORT_H

#include <causeway/host/9p.h>

#include <sys/stat.h>

/* What a client calls a name: not terminated, and any bytes. */
struct p9_text {
	const char *ptr;
	uint16_t len;
};

struct p9_export {
	int root;
	bool read_only;
	bool now;		     /* nothing may wait: EAGAIN where it would */
	char parent[CW_9P_PATH_MAX]; /* being put together */
};

/* Reads a name: one component of a path, and neither "." nor "..". Returns 0 or an errno. */
int p9_name(const struct p9_text *t, char name[CW_9P_NAME_MAX + 1]);
/* @path becomes @dir/@name; both may be @path. Returns 0 or ENAMETOOLONG. */
int p9_join(char path[CW_9P_PATH_MAX], const char *dir, const char *name);

/* ---- all return a descriptor or a negative errno; paths are of p9_join() ---- */

/* O_PATH of whatever is there, a symbolic link included; @st may be NULL. */
int p9_look(const struct p9_export *x, const char *path, struct statx *st);
/* Opens a regular file or directory; @flags are O_*, @st is filled. */
int p9_open(const struct p9_export *x, const char *path, int flags, struct statx *st);
/* Creates a regular file that was not there. */
int p9_create(const struct p9_export *x, const char *path, int flags, uint32_t mode);
/* Creates one, or opens what is there, unless @exclusive; as p9_open(), so that no device is met. */
int p9_create_or_open(const struct p9_export *x, const char *path, int flags, bool exclusive,
		      uint32_t mode, struct statx *st);
/* O_PATH of the directory that holds @path, and its last component; -EBUSY for the root. */
int p9_parent(struct p9_export *x, const char *path, const char **name);
/* Of an open descriptor; 0 or a negative errno. */
int p9_stat(const struct p9_export *x, int fd, struct statx *st);

/* tree.c: the same of the tree itself; 0 or an errno */
int p9_unlink_path(struct p9_export *x, const char *path, int flags);
int p9_make_folder(struct p9_export *x, const char *path, uint32_t mode);

int p9_rename_path(struct p9_export *x, const char *from, const char *to);

#endif
