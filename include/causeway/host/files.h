/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The files of one exported folder for one hostile client, without a transport: a call in, an answer out
 * (docs/spec/files.md). Nothing outside the folder is read, written or made, whatever the client asks and
 * whatever Linux users do to the tree meanwhile; symbolic links are not followed; only regular files and
 * folders are ever opened.
 *
 * Context: one call at a time for each server, from any thread. Nothing is allocated after creation.
 */
#ifndef CAUSEWAY_HOST_FILES_H
#define CAUSEWAY_HOST_FILES_H

#include <causeway/abi/files.h>
#include <causeway/core/rpc.h>

#define CW_FILES_FDS (CW_FILES_OPEN + 4u) /* what a server needs of RLIMIT_NOFILE */

struct cw_files_server;

/**
 * cw_files_create - a server without a client
 * @root: O_PATH|O_DIRECTORY of the export; stays the caller's; @read_only: whatever would change
 * something gets EROFS
 *
 * What it makes has the permissions asked for, without those of others to write; the caller's umask
 * should be 0. Returns NULL with errno set.
 */
struct cw_files_server *cw_files_create(int root, bool read_only);

/** cw_files_free - as cw_files_reset(), and the memory too; NULL does nothing */
void cw_files_free(struct cw_files_server *s);

/** cw_files_reset - the client has gone: all files closed; waits as close() may */
void cw_files_reset(struct cw_files_server *s);

/** cw_files_session - whose call was run last; 0: nobody's */
uint32_t cw_files_session(const struct cw_files_server *s);

/**
 * cw_files_run - run any call; may wait for a disk
 * @r: of any method; its reply and reply_len are filled
 *
 * A call of another session than the one before closes all files first. Returns the status.
 */
int32_t cw_files_run(struct cw_files_server *s, struct cw_rpc_request *r);

#endif
