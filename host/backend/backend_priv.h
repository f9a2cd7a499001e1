/* SPDX-License-Identifier: BSD-3-Clause */
/* Between the backends (keeper) and the units (worker). */
#ifndef CAUSEWAY_HOST_BACKEND_PRIV_H
#define CAUSEWAY_HOST_BACKEND_PRIV_H

#include <causeway/host/unit.h>

/* Descriptors of a console port: fds->fd[2 * port] and [2 * port + 1] */
#define PORT_MAIN  0 /* pty master, listening socket, input of stdio, or -1 */
#define PORT_OTHER 1 /* pty slave kept open, output of stdio or log, or -1 */

int backend_open_net(const struct cw_board_device *d, struct cw_backend_fds *fds, FILE *err);
int backend_open_console(const struct cw_board_remote *r, const struct cw_board_device *d,
			 struct cw_backend_fds *fds, FILE *err);
void backend_close_console(const struct cw_board_device *d, const struct cw_backend_fds *fds);

struct cw_unit *unit_rng(const struct cw_board_device *d, const struct cw_layout_device *place,
			 const struct cw_backend_fds *fds);
struct cw_unit *unit_net(const struct cw_board_device *d, const struct cw_layout_device *place,
			 const struct cw_backend_fds *fds);
struct cw_unit *unit_console(const struct cw_board_device *d, const struct cw_layout_device *place,
			     const struct cw_backend_fds *fds);

/* Queues with their private memory, or NULL with errno set. */
struct cw_device_queue *unit_queues(const struct cw_layout_device *place);

uint64_t unit_now(void); /* microseconds of CLOCK_MONOTONIC */

_Static_assert(sizeof(struct cw_part) == 2 * sizeof(void *), "cw_part is a struct iovec");

#endif
