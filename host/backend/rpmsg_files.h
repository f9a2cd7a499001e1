/* SPDX-License-Identifier: BSD-3-Clause */
/* File calls of a remote, beside the services of its channel: the endpoint `files` on Linux's side. */
#ifndef CAUSEWAY_HOST_RPMSG_FILES_H
#define CAUSEWAY_HOST_RPMSG_FILES_H

#include "backend_priv.h"

#include <causeway/core/rpmsg.h>

struct rpmsg_files;

/* Allocates all it will need; @d: of a board that grants them. NULL with errno set. */
struct rpmsg_files *rpmsg_files_new(const struct cw_board_device *d,
				    const struct cw_backend_fds *fds, struct cw_rpmsg *ch);
void rpmsg_files_free(struct rpmsg_files *f);
/* Starts the thread beside, as cw_unit_ops.begin(). */
int rpmsg_files_begin(struct rpmsg_files *f);
/* The descriptor that says that something is done. */
int rpmsg_files_fd(const struct rpmsg_files *f);
/* Whether something is done: a hint, without a system call. */
bool rpmsg_files_done(struct rpmsg_files *f);
/* Answers what is done. */
void rpmsg_files_collect(struct rpmsg_files *f);
/* Calls of which no sense could be made. */
uint64_t rpmsg_files_strange(const struct rpmsg_files *f);

#endif
