// SPDX-License-Identifier: BSD-3-Clause
/* Exported folders: one is opened without being read, and a worker may use what is below it. */
#include "backend_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

int backend_open_9p(const struct cw_board_device *d, struct cw_backend_fds *fds, FILE *err)
{
	fds->fd[FOLDER_ROOT] = open(d->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	fds->fd[FOLDER_WAKE] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	fds->n = 2;
	if (fds->fd[FOLDER_ROOT] < 0 || fds->fd[FOLDER_WAKE] < 0) {
		fprintf(err, "%s: cannot open the folder %s: %s\n",
			d->id == CW_ID_9P ? "9p" : "rpmsg", d->path, strerror(errno));
		return -1;
	}
	snprintf(fds->note[0], sizeof(fds->note[0]), "%.95s%s", d->path,
		 d->read_only ? ", read only" : "");
	return 0;
}
