/* SPDX-License-Identifier: BSD-3-Clause */
/* Between the backends (keeper) and the units (worker). */
#ifndef CAUSEWAY_HOST_BACKEND_PRIV_H
#define CAUSEWAY_HOST_BACKEND_PRIV_H

#include <causeway/host/bind.h>
#include <causeway/host/unit.h>

#include <sys/uio.h>

/* Descriptors of a blk device */
#define DISK_FILE 0
#define DISK_WAKE 1 /* event descriptor: the thread beside has something to collect */

/* Descriptors of a 9p device, and of an rpmsg device with file calls */
#define FOLDER_ROOT 0
#define FOLDER_WAKE 1 /* as DISK_WAKE */

/* Descriptors of a vsock device: listening */
#define VSOCK_STREAMS  0
#define VSOCK_MESSAGES 1

/* Descriptors of a console port: fds->fd[2 * port] and [2 * port + 1] */
#define PORT_MAIN  0 /* pty master, listening socket, input of stdio, or -1 */
#define PORT_OTHER 1 /* pty slave kept open, output of stdio or log, or -1 */

/*
 * What a device wants is another's: true, a moment later, to try again; false when a second has gone by.
 * A keeper that was killed, and is started again at once, finds its former workers still about to end.
 */
bool backend_again(unsigned int *tries);

int backend_open_net(const struct cw_board_device *d, struct cw_backend_fds *fds, FILE *err);
int backend_open_console(const struct cw_board_remote *r, const struct cw_board_device *d,
			 struct cw_backend_fds *fds, FILE *err);
int backend_open_vsock(const struct cw_board_device *d, struct cw_backend_fds *fds, FILE *err);
int backend_open_vhost(const struct cw_board_device *d, struct cw_backend_fds *fds, FILE *err);
int backend_connect_vhost(void);
void backend_close_vsock(const struct cw_board_device *d, const struct cw_backend_fds *fds);
int backend_open_blk(const struct cw_board_device *d, struct cw_backend_fds *fds, FILE *err);
int backend_open_9p(const struct cw_board_device *d, struct cw_backend_fds *fds, FILE *err);
void backend_close_console(const struct cw_board_device *d, const struct cw_backend_fds *fds);

/*
 * What the kernel is given in place of a remote's buffers: those themselves, or, where it must not
 * touch them (cw_memory_ops.kernel_may_touch), one private buffer that stands for all of them.
 * @n: number of parts, set to that of the list returned, which is good until the next call.
 */
const struct iovec *unit_io_out(struct cw_unit *u, const struct cw_part *part, unsigned int *n);
const struct iovec *unit_io_in(struct cw_unit *u, const struct cw_part *part, unsigned int *n);
/* After unit_io_in(): the kernel gave @got bytes. */
void unit_io_got(struct cw_unit *u, const struct cw_part *part, unsigned int n, size_t got);

/* For cw_unit_create(), which owns @q. NULL with errno set. */
struct cw_unit *unit_rng(const struct cw_board_device *d, const struct cw_layout_device *place,
			 const struct cw_backend_fds *fds, struct cw_device_queue *q);
struct cw_unit *unit_net(const struct cw_board_device *d, const struct cw_layout_device *place,
			 const struct cw_backend_fds *fds, struct cw_device_queue *q);
struct cw_unit *unit_blk(const struct cw_board_device *d, const struct cw_layout_device *place,
			 const struct cw_backend_fds *fds, struct cw_device_queue *q);
struct cw_unit *unit_vhost(const struct cw_board_device *d, const struct cw_backend_fds *fds,
			   struct cw_device_queue *q);
struct cw_unit *unit_vsock(const struct cw_board_device *d, const struct cw_backend_fds *fds,
			   struct cw_device_queue *q);
struct cw_unit *unit_rpmsg(const struct cw_board_device *d, const struct cw_layout_device *place,
			   const struct cw_backend_fds *fds, struct cw_device_queue *q);
struct cw_unit *unit_9p(const struct cw_board_device *d, const struct cw_layout_device *place,
			const struct cw_backend_fds *fds, struct cw_device_queue *q);
struct cw_unit *unit_console(const struct cw_board_device *d, const struct cw_backend_fds *fds,
			     struct cw_device_queue *q);

uint64_t unit_now(void); /* microseconds of CLOCK_MONOTONIC */

_Static_assert(sizeof(struct cw_part) == sizeof(struct iovec) &&
		       offsetof(struct cw_part, ptr) == offsetof(struct iovec, iov_base) &&
		       offsetof(struct cw_part, len) == offsetof(struct iovec, iov_len),
	       "cw_part is a struct iovec");

#endif
