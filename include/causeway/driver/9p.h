/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Files of the other side: a 9P2000.L client over the virtio device that carries it (virtio id 9).
 *
 * Paths begin at the directory that is exported, with a slash or without; parts of them that are empty
 * or "." mean nothing, ".." is refused, and symbolic links are not followed. Calls wait, with a deadline;
 * reading and writing keep several requests with the device.
 *
 * Context: one thread or main loop. After CW_ERESET or CW_EPEER every call returns that until the device
 * is opened anew, and every file, directory and stream of before is to be opened again: they were closed
 * with the link. What was written before that is with the other side when the call had returned, and on
 * its disk when cw_9p_sync() had.
 *
 * Errors of every call: CW_EINVAL: a path, name or length that cannot be, or what Linux says is invalid
 * here; CW_ENOENT; CW_EEXIST; CW_EACCES; CW_ENOSPC: no space there, or no room in the block; CW_EBUSY:
 * too many open; CW_ENOTSUP; CW_EIO: anything else that failed there; CW_ETIMEDOUT; CW_ERESET; CW_EPEER:
 * an answer that cannot be. Of those that came from the other side c->last_errno has Linux's own number.
 */
#ifndef CAUSEWAY_DRIVER_9P_H
#define CAUSEWAY_DRIVER_9P_H

#include <causeway/abi/9p.h>
#include <causeway/driver/vdev.h>

#ifndef CW_9P_DEPTH
#define CW_9P_DEPTH \
	8u /* requests with the device at once, fewer in a small block; a power of two, 4 or more */
#endif
#ifndef CW_9P_BUFFER
#define CW_9P_BUFFER (65536u + 24u) /* bytes of the longest message; less when the block is small */
#endif
#ifndef CW_9P_DRIVER_FIDS
#define CW_9P_DRIVER_FIDS 16u /* files and directories in use at once, and one for the root */
#endif
#ifndef CW_9P_DIR_BUFFER
#define CW_9P_DIR_BUFFER 1024u /* bytes of entries in a struct cw_9p_dir; at least 300 */
#endif

#define CW_9P_MESSAGE \
	1024u /* bytes of the longest request without data: two names, or parts of a path */
#define CW_9P_ANSWER 256u /* and of an answer */

struct cw_9p_stream;

struct cw_9p_slot {	 /* of a request */
	uint8_t *memory; /* in the block: the small part, then the large one */
	cw_addr_t addr;
	uint8_t head[CW_9P_RREAD_HEADER]; /* of the answer */
	uint8_t type;			  /* what was asked; 0: the slot is idle */
	bool large;			  /* the answer goes into the large part */
	bool wanted;			  /* somebody waits for it */
	bool answered;
	uint32_t fid, newfid;	     /* that it uses, or CW_9P_NOFID */
	uint32_t len;		     /* of the answer */
	uint32_t count;		     /* bytes asked for */
	struct cw_9p_stream *writer; /* that is told when its bytes are written, or NULL */
};

struct cw_9p_driver {
	struct cw_vdev vdev;
	struct cw_drvq queue;
	struct cw_drvq_slot descriptor[2 * CW_9P_DEPTH];
	struct cw_9p_slot slot[CW_9P_DEPTH];
	uint8_t fid[CW_9P_DRIVER_FIDS]; /* what each is used for */
	uint8_t message[CW_9P_MESSAGE], answer[CW_9P_ANSWER];
	uint32_t message_len, answer_len;
	uint32_t other_fid; /* that the message is about, or CW_9P_NOFID */
	unsigned int depth; /* requests in use */
	uint32_t small;	    /* bytes of a slot's small part */
	uint32_t msize;	    /* bytes of the longest message, as agreed */
	uint32_t session;   /* counts cw_9p_open(): what was opened before is of no use */
	uint32_t last_errno;
	char tag[CW_9P_TAG_MAX + 1]; /* name of the export */
};

struct cw_9p_file {
	struct cw_9p_driver *c;
	uint32_t fid, session;
	uint32_t most; /* bytes of one request */
};

struct cw_9p_stat {
	uint32_t mode; /* CW_9P_S_IF*, and permissions */
	uint32_t uid, gid;
	uint64_t links, size, blocks; /* size in bytes, blocks of 512 */
	uint64_t mtime;		      /* seconds since 1970 */
	uint32_t mtime_ns;
	uint8_t qid_type; /* CW_9P_QT* */
	uint64_t id;	  /* of the file, as long as it exists */
};

/** cw_9p_is_dir - whether @s is of a directory */
static inline bool cw_9p_is_dir(const struct cw_9p_stat *s)
{
	return (s->mode & CW_9P_S_IFMT) == CW_9P_S_IFDIR;
}

/**
 * cw_9p_open - bring the device into use on the present link
 * @c: filled; zeroes before the first call; @t: an opened transport, outlives @c; @timeout: microseconds
 * for what the server has to say
 *
 * Thread; waits for the device. Returns 0 or the errors of cw_vdev_open() and cw_vdev_queue();
 * CW_ENOTSUP: another version of the protocol; CW_ENOSPC: block or queue too small for CW_9P_MSIZE_MIN
 * and three requests.
 */
int cw_9p_open(struct cw_9p_driver *c, struct cw_transport *t, uint64_t timeout);

/* ---- names ---- */

int cw_9p_stat(struct cw_9p_driver *c, const char *path, struct cw_9p_stat *s, uint64_t timeout);

int cw_9p_mkdir(struct cw_9p_driver *c, const char *path, uint32_t mode, uint64_t timeout);

/** cw_9p_remove - a file, a link, or a directory that is empty */
int cw_9p_remove(struct cw_9p_driver *c, const char *path, uint64_t timeout);

/** cw_9p_rename - also into another directory; what is at @to is replaced */
int cw_9p_rename(struct cw_9p_driver *c, const char *from, const char *to, uint64_t timeout);

/** cw_9p_symlink - make a link at @path with @target in it, at most 512 bytes of any kind but NUL */
int cw_9p_symlink(struct cw_9p_driver *c, const char *target, const char *path, uint64_t timeout);

/** cw_9p_readlink - the link's target, NUL-terminated; CW_ENOSPC when it does not fit into @size */
int cw_9p_readlink(struct cw_9p_driver *c, const char *path, char *buf, uint32_t size,
		   uint64_t timeout);

/* ---- files ---- */

/**
 * cw_9p_file_open - open a file, or make it
 * @f: filled; @flags: CW_9P_O_*; with CREAT it is made when it is not there, with @mode (0644)
 */
int cw_9p_file_open(struct cw_9p_driver *c, struct cw_9p_file *f, const char *path, uint32_t flags,
		    uint32_t mode, uint64_t timeout);

/** cw_9p_file_close - harmless on a file that a reset has closed. @f is of no use after it, whatever it returns */
int cw_9p_file_close(struct cw_9p_file *f, uint64_t timeout);

int cw_9p_file_stat(struct cw_9p_file *f, struct cw_9p_stat *s, uint64_t timeout);

/**
 * cw_9p_read - read bytes
 * @offset: in the file; @buf: anywhere, @len bytes, at most 2^31 - 1; on an error what is in it is not said
 *
 * Returns how many there were before the end, or an error.
 */
int32_t cw_9p_read(struct cw_9p_file *f, uint64_t offset, void *buf, uint32_t len,
		   uint64_t timeout);

/** cw_9p_write - write all @len bytes at @offset; returns 0 or an error: then some may be written */
int cw_9p_write(struct cw_9p_file *f, uint64_t offset, const void *buf, uint32_t len,
		uint64_t timeout);

int cw_9p_truncate(struct cw_9p_file *f, uint64_t size, uint64_t timeout);

/** cw_9p_sync - what was written is on the other side's disk when it returns 0 */
int cw_9p_sync(struct cw_9p_file *f, uint64_t timeout);

/* ---- long files, in order ---- */

/*
 * A stream keeps as many requests with the device as the block has room for, while its bytes are used
 * or made: read ahead, written behind. One may read and one write at a time, beside other calls. It is to
 * be closed before its memory is used for something else.
 */
struct cw_9p_stream {
	struct cw_9p_file *f;
	uint64_t offset;	   /* of the next request */
	uint8_t slot[CW_9P_DEPTH]; /* of one that reads, oldest first */
	unsigned int slots;	   /* with requests of it */
	unsigned int window;	   /* how many may be */
	uint32_t used;		   /* bytes taken of the oldest's answer */
	uint64_t left;		   /* bytes to ask for still */
	bool write;
	int err;	     /* after which it does no more */
	uint32_t last_errno; /* of it */
};

/** cw_9p_stream_open - @s: filled; @offset: where it begins. Waits for nothing */
int cw_9p_stream_open(struct cw_9p_stream *s, struct cw_9p_file *f, bool write, uint64_t offset);

/** cw_9p_stream_read - the next bytes: as many as are there, at most @len, 0 at the end, or an error */
int32_t cw_9p_stream_read(struct cw_9p_stream *s, void *buf, uint32_t len, uint64_t timeout);

/** cw_9p_stream_write - take @len bytes to be written; an error may be of those taken before */
int cw_9p_stream_write(struct cw_9p_stream *s, const void *buf, uint32_t len, uint64_t timeout);

/** cw_9p_stream_close - of one that wrote: wait until all is written. The file stays open */
int cw_9p_stream_close(struct cw_9p_stream *s, uint64_t timeout);

/* ---- directories ---- */

struct cw_9p_dir {
	struct cw_9p_file f;
	uint64_t next; /* where the list goes on */
	uint32_t at, len;
	uint8_t bytes[CW_9P_DIR_BUFFER];
};

struct cw_9p_entry {
	uint8_t type;	  /* CW_9P_DT_* */
	uint8_t qid_type; /* CW_9P_QT* */
	uint64_t id;
	char name[CW_9P_NAME_MAX + 1];
};

int cw_9p_dir_open(struct cw_9p_driver *c, struct cw_9p_dir *d, const char *path, uint64_t timeout);

/** cw_9p_dir_next - the next entry but "." and "..": 1, 0 when there is none, or an error */
int cw_9p_dir_next(struct cw_9p_dir *d, struct cw_9p_entry *e, uint64_t timeout);

/** cw_9p_dir_close - as cw_9p_file_close() */
int cw_9p_dir_close(struct cw_9p_dir *d, uint64_t timeout);

#endif
