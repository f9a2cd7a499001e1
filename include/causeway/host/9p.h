/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A 9P2000.L server for one directory and one hostile client, without a transport: a request in, an
 * answer out. Nothing outside the directory is read, written or created, whatever the client asks
 * and whatever Linux users do to the tree meanwhile; symbolic links are told of and never followed;
 * only regular files and directories are ever opened.
 *
 * Context: one call at a time for each server, from any thread. Nothing is allocated after
 * creation.
 */
#ifndef CAUSEWAY_HOST_9P_H
#define CAUSEWAY_HOST_9P_H

#include <causeway/abi/9p.h>
#include <causeway/core/ring_device.h>

#include <stdbool.h>
#include <stdint.h>

#define CW_9P_FIDS 256u /* of one server; one more gets ENFILE */
#define CW_9P_OPEN_MAX \
	64u /* of them open; one more gets EMFILE. Two further descriptors are used in passing */
#define CW_9P_FDS	(CW_9P_OPEN_MAX + 4u) /* what a server needs of RLIMIT_NOFILE */
#define CW_9P_PATH_MAX	4096u		      /* bytes of a path below the root, with its NUL */
#define CW_9P_XATTRS	4u		      /* extended attributes being read or written */
#define CW_9P_XATTR_MAX 65536u
#define CW_9P_LOCKS	256u /* byte ranges locked; one more gets an error */
#define CW_9P_HEAD_MAX	224u

struct cw_9p_server;

struct cw_9p_options {
	int root; /* O_PATH|O_DIRECTORY of the export, as the keeper opened it; stays the caller's */
	bool read_only; /* whatever would change something gets EROFS */
	uint32_t msize; /* largest message, CW_9P_MSIZE_MIN to CW_9P_MSIZE_MAX */
	const char *
		name; /* Tattach may name the tree so, besides "" and "/"; NULL: any name will do */
};

/**
 * cw_9p_create - a server with no session
 *
 * Returns NULL with errno set: EINVAL for an msize out of range, ENOTDIR for a root that is none.
 * @o->name is copied. Its files get exactly the permissions that the client asks for, below 01000:
 * the caller's umask should be 0 (cw_confine_worker() sees to it).
 */
struct cw_9p_server *cw_9p_create(const struct cw_9p_options *o);

/** cw_9p_free - as cw_9p_reset(), and the memory too; NULL does nothing */
void cw_9p_free(struct cw_9p_server *s);

/**
 * cw_9p_reset - the session is over: fids forgotten, files closed, locks gone; waits as close() may
 */
void cw_9p_reset(struct cw_9p_server *s);

/**
 * cw_9p_answer - answer any request; may wait for a disk
 * @request, @len: one message and the bytes that came, in private memory; need not agree;
 * @reply, @room: private memory
 *
 * Returns the bytes of the reply, at least CW_9P_HEADER and at most @room and the agreed msize; 0
 * when not even an Rlerror fits into @room (11 bytes).
 */
uint32_t cw_9p_answer(struct cw_9p_server *s, const uint8_t *request, uint32_t len, uint8_t *reply,
		      uint32_t room);

/**
 * cw_9p_answer_now - answer a request that needs no waiting
 * @request, @len: in private memory; @head: gets the reply, up to the data that follow it in an
 * Rread; @data, @n: where those go, possibly memory of the remote; @data_len: how many, or 0
 *
 * For Tread of bytes that are cached, Tgetattr and Twalk of names that are, and Tclunk of what is
 * not open. Returns the bytes of @head (the message's own size says @head and data together), or
 * CW_EAGAIN, with nothing changed: then call cw_9p_answer().
 */
int cw_9p_answer_now(struct cw_9p_server *s, const uint8_t *request, uint32_t len,
		     uint8_t head[CW_9P_HEAD_MAX], const struct cw_part *data, unsigned int n,
		     uint32_t *data_len);

#endif
