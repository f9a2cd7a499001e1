/* SPDX-License-Identifier: BSD-3-Clause */
/* Files of the other side, as calls (docs/spec/files.md): what follows the header of abi/rpc.h. */
#ifndef CAUSEWAY_ABI_FILES_H
#define CAUSEWAY_ABI_FILES_H

#include <causeway/abi/rpc.h>

#define CW_FILES_NAME	  "files" /* of the endpoint */
#define CW_FILES_OPEN	  32u	  /* files that a client may have open */
#define CW_FILES_NAME_MAX 255u	  /* bytes of a name */

enum cw_abi_files_method {
	CW_FILES_M_OPEN = 1,
	CW_FILES_M_CLOSE,
	CW_FILES_M_READ,
	CW_FILES_M_WRITE,
	CW_FILES_M_STAT,
	CW_FILES_M_FSTAT,
	CW_FILES_M_UNLINK,
	CW_FILES_M_RENAME,
	CW_FILES_M_MKDIR,
	CW_FILES_M_RMDIR,
	CW_FILES_M_TRUNCATE,
	CW_FILES_M_SYNC,
	CW_FILES_M_LIST,
};

/* OPEN: flags. Others are refused. */
#define CW_FILES_READ	   0x01u
#define CW_FILES_WRITE	   0x02u
#define CW_FILES_CREATE	   0x04u
#define CW_FILES_EXCLUSIVE 0x08u /* with CREATE: it must not be there */
#define CW_FILES_TRUNCATE  0x10u /* needs WRITE */
#define CW_FILES_APPEND	   0x20u /* needs WRITE: every write is at the end */
#define CW_FILES_SYNC	   0x40u /* what was written is on the disk when it is answered */
#define CW_FILES_FOLDER	   0x80u /* with READ alone: a folder, for LIST */
#define CW_FILES_FLAGS	   0xffu

struct cw_abi_files_open { /* then the path: to the end of the message, without a NUL */
	struct cw_le32 flags;
	struct cw_le32 mode; /* permissions of a file that is made, 0 to 0777 */
};

CW_ABI_SIZE(cw_abi_files_open, 8);

struct cw_abi_files_opened {
	struct cw_le32 handle;
	struct cw_le32 zero;
	struct cw_le32 size[2];
};

CW_ABI_SIZE(cw_abi_files_opened, 16);

/* CLOSE, FSTAT, SYNC: the handle alone. READ, WRITE (then the bytes), TRUNCATE, LIST: */
struct cw_abi_files_io {
	struct cw_le32 handle;
	struct cw_le32 count;	  /* bytes; TRUNCATE: 0; LIST: 0 */
	struct cw_le32 offset[2]; /* TRUNCATE: the size; LIST: what the last entry said, first 0 */
};

CW_ABI_AT(cw_abi_files_io, offset, 8);
CW_ABI_SIZE(cw_abi_files_io, 16);

struct cw_abi_files_written {
	struct cw_le32 count;
	struct cw_le32 zero;
	struct cw_le32 end[2]; /* offset behind the last byte written */
};

CW_ABI_SIZE(cw_abi_files_written, 16);

struct cw_abi_files_rename { /* then both paths, one behind the other */
	struct cw_le32 from_len;
};

struct cw_abi_files_mode { /* MKDIR: then the path. STAT, UNLINK, RMDIR: the path alone */
	struct cw_le32 mode;
};

#define CW_FILES_TYPE_FILE   1u
#define CW_FILES_TYPE_FOLDER 2u
#define CW_FILES_TYPE_LINK   3u
#define CW_FILES_TYPE_OTHER  4u

struct cw_abi_files_stat {
	struct cw_le32 type;
	struct cw_le32 mode;
	struct cw_le32 size[2];
	struct cw_le32 mtime[2]; /* seconds since 1970 */
	struct cw_le32 mtime_ns;
	struct cw_le32 links;
	struct cw_le32 id[2]; /* of the file, as long as it exists */
};

CW_ABI_AT(cw_abi_files_stat, size, 8);
CW_ABI_AT(cw_abi_files_stat, id, 32);
CW_ABI_SIZE(cw_abi_files_stat, 40);

/* LIST: entries one behind the other; none: that was all. "." and ".." are not among them. */
struct cw_abi_files_entry {	/* then the name */
	struct cw_le32 next[2]; /* where the list goes on */
	uint8_t type;
	uint8_t len;
};

#define CW_FILES_ENTRY 10u

/* Bytes of a message in which the longest name fits, in either direction: LIST's answer needs most. */
#define CW_FILES_LEAST ((uint32_t)sizeof(struct cw_abi_rpc) + CW_FILES_ENTRY + CW_FILES_NAME_MAX)

/* Status of an answer above 0. Linux's numbers never travel; what is not here is EIO. */
enum cw_abi_files_error {
	CW_FILES_EIO = 1,
	CW_FILES_ENOENT,
	CW_FILES_EACCES, /* permissions; also what may not be done at all */
	CW_FILES_EEXIST,
	CW_FILES_ENOTDIR,
	CW_FILES_EISDIR,
	CW_FILES_EINVAL,
	CW_FILES_EMFILE, /* too many open */
	CW_FILES_EFBIG,
	CW_FILES_ENOSPC,
	CW_FILES_EROFS,
	CW_FILES_ENAMETOOLONG,
	CW_FILES_ENOTEMPTY,
	CW_FILES_ELOOP, /* a symbolic link on the way */
	CW_FILES_EXDEV, /* another file system, or a path that leads out */
	CW_FILES_EBUSY,
	CW_FILES_EBADF, /* no such handle, or not open for that */
	CW_FILES_ENOMEM,
	CW_FILES_ENOTSUP,
	CW_FILES_ERRORS, /* one more than the last */
};

#endif
