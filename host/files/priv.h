/* SPDX-License-Identifier: BSD-3-Clause */
/* What the parts of the server of file calls share. One thread at a time. */
#ifndef HOST_FILES_PRIV_H
#define HOST_FILES_PRIV_H

#include "../9p/export.h"

#include <causeway/core/bytes.h>
#include <causeway/host/files.h>

#define FILES_OTHERS_WRITE 022u
#define FILES_DIR_BUFFER   4096u

struct files_file {
	int fd; /* -1: free */
	uint32_t handle, flags;
};

struct cw_files_server {
	struct p9_export export;
	struct files_file file[CW_FILES_OPEN];
	uint32_t session, stamp;
	char path[CW_9P_PATH_MAX], other[CW_9P_PATH_MAX];
	union {
		uint8_t bytes[FILES_DIR_BUFFER];
		uint64_t align;
	} dir;
};

/* A call whose length was checked: acts, fills the answer. Returns 0 or an errno. */
typedef int files_method(struct cw_files_server *s, struct cw_rpc_request *r);

files_method files_open, files_close, files_read, files_write, files_truncate,
	files_sync; /* io.c */
files_method files_stat, files_fstat, files_unlink, files_rmdir, files_mkdir, files_rename,
	files_list; /* names.c */

/* ---- files.c ---- */

/* The path that is all of the call behind @skip bytes, in s->path. */
int files_path(struct cw_files_server *s, const struct cw_rpc_request *r, uint32_t skip);
int files_path_of(char path[CW_9P_PATH_MAX], const uint8_t *from, uint32_t len);
/* The file of the handle that a call begins with, or NULL; for: that was opened for all of @flags. */
struct files_file *files_find(struct cw_files_server *s, const struct cw_rpc_request *r);
struct files_file *files_find_for(struct cw_files_server *s, const struct cw_rpc_request *r,
				  uint32_t flags);
int files_shut(struct files_file *f);

#endif
