// SPDX-License-Identifier: BSD-3-Clause
/* Network backends: a TAP by name or descriptor, or a unix datagram socket, a frame a datagram. */
#include "backend_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static int explain_tun(FILE *err, const char *name)
{
	switch (errno) {
	case EACCES:
		fprintf(err, "net: /dev/net/tun is for root only here; run as root, or let users "
			     "open it: sudo chmod 0666 /dev/net/tun\n");
		break;
	case ENOENT:
	case ENODEV:
		fprintf(err, "net: there is no /dev/net/tun; load the module: sudo modprobe tun\n");
		break;
	case EPERM:
		fprintf(err,
			"net: not allowed to use tap %s; run as root, in a network namespace of "
			"your own (unshare -Urn), or on a tap made for you: sudo ip tuntap add "
			"%s mode tap user $USER\n",
			name, name);
		break;
	case EINVAL:
		fprintf(err, "net: %s is an interface of another kind; a TAP is needed\n", name);
		break;
	case EBUSY:
		fprintf(err, "net: tap %s is in use by another program\n", name);
		break;
	default:
		fprintf(err, "net: cannot use tap %s: %s\n", name, strerror(errno));
		break;
	}
	return -1;
}

static int set_header(int fd, FILE *err)
{
	int size = sizeof(struct cw_abi_net_hdr), little_endian = 1;

	if (ioctl(fd, TUNSETVNETHDRSZ, &size) || ioctl(fd, TUNSETVNETLE, &little_endian) ||
	    ioctl(fd, TUNSETOFFLOAD, 0)) {
		fprintf(err, "net: the tap takes no virtio header: %s\n", strerror(errno));
		return -1;
	}
	return 0;
}

static int attach(int fd, struct ifreq *ifr)
{
	unsigned int tries = 0;
	int r;

	do
		r = ioctl(fd, TUNSETIFF, ifr);
	while (r && errno == EBUSY && backend_again(&tries));
	return r;
}

static int open_tap(const struct cw_board_device *d, struct cw_backend_fds *fds, FILE *err)
{
	struct ifreq ifr = { .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR };
	int fd;

	if (!if_nametoindex(d->ifname)) {
		fprintf(err,
			"net: there is no interface %s; make it: sudo ip tuntap add %s mode tap "
			"user $USER && sudo ip link set %s up\n",
			d->ifname, d->ifname, d->ifname);
		return -1;
	}
	fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return explain_tun(err, d->ifname);
	fds->fd[0] = fd;
	fds->n = 1;
	memcpy(ifr.ifr_name, d->ifname, strlen(d->ifname));
	if (attach(fd, &ifr))
		return explain_tun(err, d->ifname);
	snprintf(fds->note[0], sizeof(fds->note[0]), "%s", d->ifname);
	return set_header(fd, err);
}

static int take_tap(const struct cw_board_device *d, struct cw_backend_fds *fds, FILE *err)
{
	struct ifreq ifr = { .ifr_flags = 0 };
	int flags = fcntl(d->fd, F_GETFL);

	if (flags < 0 || ioctl(d->fd, TUNGETIFF, &ifr) || !(ifr.ifr_flags & IFF_TAP) ||
	    !(ifr.ifr_flags & IFF_VNET_HDR)) { /* IFF_NO_PI cannot be asked for */
		fprintf(err,
			"net: descriptor %d is no TAP made with IFF_TAP | IFF_NO_PI | "
			"IFF_VNET_HDR\n",
			d->fd);
		return -1;
	}
	fcntl(d->fd, F_SETFL, flags | O_NONBLOCK);
	fcntl(d->fd, F_SETFD, FD_CLOEXEC);
	fds->fd[0] = d->fd;
	fds->n = 1;
	snprintf(fds->note[0], sizeof(fds->note[0]), "%s", ifr.ifr_name);
	return set_header(d->fd, err);
}

static int open_dgram(const struct cw_board_device *d, struct cw_backend_fds *fds, FILE *err)
{
	int size = 1 << 20;

	fds->n = 1;
	fds->fd[0] = cw_bind_unix("net", d->path, SOCK_DGRAM, err);
	if (fds->fd[0] < 0)
		return -1;
	setsockopt(fds->fd[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	snprintf(fds->note[0], sizeof(fds->note[0]), "%.106s", d->path);
	return 0;
}

int backend_open_net(const struct cw_board_device *d, struct cw_backend_fds *fds, FILE *err)
{
	if (d->backend == CW_BACKEND_DGRAM)
		return open_dgram(d, fds, err);
	return d->ifname ? open_tap(d, fds, err) : take_tap(d, fds, err);
}
