// SPDX-License-Identifier: BSD-3-Clause
/* Sockets of Linux's own: the kernel's device, which each worker needs anew for each driver. */
#include "backend_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/vhost.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define DEVICE "/dev/vhost-vsock"

int backend_connect_vhost(void)
{
	return open(DEVICE, O_RDWR | O_CLOEXEC | O_NONBLOCK);
}

static void complain(FILE *err, int e)
{
	if (e == EACCES || e == EPERM)
		fprintf(err,
			"vsock: cannot open " DEVICE ": %s; right is a user who may read and "
			"write it, as its group (often kvm) may\n",
			strerror(e));
	else
		fprintf(err,
			"vsock: cannot open " DEVICE
			": %s; right is the kernel's module vhost_vsock "
			"(modprobe vhost_vsock), or backend: {socket: PATH}, which needs none\n",
			strerror(e));
}

/* Tried now, so that a mistake is told now: the address is taken for good when a driver is there. */
int backend_open_vhost(const struct cw_board_device *d, struct cw_backend_fds *fds, FILE *err)
{
	uint64_t cid = d->cid;
	int fd = backend_connect_vhost(), e;

	if (fd < 0) {
		complain(err, errno);
		return -1;
	}
	snprintf(fds->note[0], sizeof(fds->note[0]), "cid %u", d->cid);
	e = ioctl(fd, VHOST_GET_FEATURES, &fds->features) ? errno : 0;
	if (e)
		fprintf(err, "vsock: " DEVICE " does not tell its features: %s\n", strerror(e));
	else if (ioctl(fd, VHOST_VSOCK_SET_GUEST_CID, &cid))
		e = errno;
	if (e == EADDRINUSE)
		fprintf(err,
			"vsock: cid %u is another machine's already; right is one of its own\n",
			d->cid);
	else if (e)
		fprintf(err, "vsock: cid %u is not taken by the kernel: %s\n", d->cid, strerror(e));
	close(fd);
	return e ? -1 : 0;
}
