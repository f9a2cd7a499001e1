/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Files of Linux by messages: calls to the service `files` of an RPMsg channel (docs/spec/files.md).
 *
 * Paths begin at the folder that is exported, with a slash or without; ".." is refused, and symbolic links
 * are not followed. A position is this side's own, so a call that timed out may be made again, but for
 * writes of a file opened to append. What is longer than a message goes in several.
 *
 * Context: one thread or main loop, the channel's, not in its callbacks; calls wait, with a deadline. After
 * CW_ERESET (the channel or the server began anew) every file of before is to be opened again.
 *
 * Errors of every call: CW_EINVAL: a path, name, flag or handle that cannot be; CW_ENOENT; CW_EEXIST; CW_EACCES;
 * CW_ENOSPC: no space there; CW_EBUSY: too many open; CW_ENOTSUP; CW_EIO: anything else that
 * failed there; CW_ETIMEDOUT: also when nobody serves files; CW_ERESET; CW_EDOWN; CW_EPEER: an answer that
 * cannot be; CW_EAGAIN: in a callback. Of those that came from the other side c->error has the exact one.
 *
 * Names have up to 255 bytes, and a path what a message holds: 40 bytes less than a buffer of the channel, of both paths
 * of a rename 36 less. Of anything longer the error is CW_EINVAL and c->error CW_FILES_ENAMETOOLONG.
 */
#ifndef CAUSEWAY_DRIVER_RPMSG_FILES_H
#define CAUSEWAY_DRIVER_RPMSG_FILES_H

#include <causeway/abi/files.h>
#include <causeway/core/rpc_rpmsg.h>

#ifndef CW_RFILES_MESSAGE
#define CW_RFILES_MESSAGE \
	2080u /* bytes of the longest message, less when buffers are small; twice in memory */
#endif

struct cw_rfiles {
	struct cw_rpc_rpmsg link;
	struct cw_rpc_client rpc;
	struct cw_rpc_call call[1];
	uint8_t in[CW_RFILES_MESSAGE], out[CW_RFILES_MESSAGE];
	int32_t error; /* CW_FILES_E* of the last call, 0: it has none, or another kind of error */
};

struct cw_rfile {
	struct cw_rfiles *c;
	uint32_t handle, session, flags;
	uint64_t position;
	int err; /* of a call that had done a part: the next one returns it */
	int32_t error;
};

struct cw_rfile_stat {
	uint32_t type; /* CW_FILES_TYPE_* */
	uint32_t mode; /* permissions */
	uint64_t size;
	int64_t mtime; /* seconds since 1970 */
	uint32_t mtime_ns, links;
	uint64_t id; /* of the file, as long as it exists */
};

/**
 * cw_rfiles_open - make the endpoint, from now on and through restarts of the channel
 * @c: filled; @nonce: as of struct cw_rpc_client_config
 *
 * Waits for nobody. Returns what cw_rpmsg_create() does.
 */
int cw_rfiles_open(struct cw_rfiles *c, struct cw_rpmsg *ch, uint32_t nonce);

/** cw_rfiles_close - leave: files that are open are closed */
void cw_rfiles_close(struct cw_rfiles *c);

/* ---- names ---- */

int cw_rfiles_stat(struct cw_rfiles *c, const char *path, struct cw_rfile_stat *s,
		   uint64_t timeout);

/** cw_rfiles_unlink - remove what is no folder */
int cw_rfiles_unlink(struct cw_rfiles *c, const char *path, uint64_t timeout);

int cw_rfiles_mkdir(struct cw_rfiles *c, const char *path, uint32_t mode, uint64_t timeout);
int cw_rfiles_rmdir(struct cw_rfiles *c, const char *path, uint64_t timeout);

#define CW_RFILES_FROM 256u

/** cw_rfiles_rename - what is at @to is replaced; @from: a path of at most CW_RFILES_FROM bytes */
int cw_rfiles_rename(struct cw_rfiles *c, const char *from, const char *to, uint64_t timeout);

/* ---- files ---- */

/** cw_rfile_open - @f: filled; @flags: CW_FILES_*; @mode: permissions if it is made, up to 0777 */
int cw_rfile_open(struct cw_rfiles *c, struct cw_rfile *f, const char *path, uint32_t flags,
		  uint32_t mode, uint64_t timeout);

/**
 * cw_rfile_close - @f is of no use after it, whatever it returns
 *
 * Also the error of a write before, if nothing has returned it yet.
 */
int cw_rfile_close(struct cw_rfile *f, uint64_t timeout);

/**
 * cw_rfile_read - bytes at the position, which goes on behind them
 *
 * Returns how many: fewer than @len before the end, or before an error, which the next call on @f
 * returns; 0 at the end; or an error. @len at most 2^31 - 1.
 */
int32_t cw_rfile_read(struct cw_rfile *f, void *buf, uint32_t len, uint64_t timeout);

/**
 * cw_rfile_write - the same
 *
 * After CW_ETIMEDOUT or CW_ERESET bytes behind the position may be written, as many as a message holds.
 */
int32_t cw_rfile_write(struct cw_rfile *f, const void *buf, uint32_t len, uint64_t timeout);

enum { CW_RFILE_SET, CW_RFILE_CUR, CW_RFILE_END };

/** cw_rfile_seek - set the position, from the beginning, from where it is, or from the end; returns it */
int64_t cw_rfile_seek(struct cw_rfile *f, int64_t offset, int whence, uint64_t timeout);

int cw_rfile_stat(struct cw_rfile *f, struct cw_rfile_stat *s, uint64_t timeout);
int cw_rfile_truncate(struct cw_rfile *f, uint64_t size, uint64_t timeout);

/** cw_rfile_sync - what was written is on the other side's disk when it returns 0 */
int cw_rfile_sync(struct cw_rfile *f, uint64_t timeout);

/* ---- folders ---- */

struct cw_rfile_entry {
	uint8_t type; /* CW_FILES_TYPE_*, OTHER also when the file system does not say */
	char name[256];
};

/** cw_rfile_list - the next entry of a folder opened with FOLDER: 1, 0 when there is none, or an error */
int cw_rfile_list(struct cw_rfile *f, struct cw_rfile_entry *e, uint64_t timeout);

#endif
