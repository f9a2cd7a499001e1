// SPDX-License-Identifier: BSD-3-Clause
/*
 * A byte is a ring, whatever it says: a UART of an emulator, or a character device whose driver
 * passes bytes to the other cluster (mailboxes of several SoCs, a UART between two chips).
 *
 * Theory of operation: as with all doorbells nothing is lost when a byte is: who waits looks again.
 * So bytes that find no room are dropped, and what arrives is thrown away unread. A terminal is made
 * raw, or it would keep bytes back until a line ends, and echo them.
 */
#include <causeway/host/doorbell.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

static int open_device(struct cw_doorbell *d, const char *path)
{
	struct termios t;
	struct stat st;

	d->mine = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	if (d->mine < 0 || fstat(d->mine, &st))
		return -1;
	errno = ENOTTY;
	if (!S_ISCHR(st.st_mode))
		return -1;
	if (!tcgetattr(d->mine, &t)) {
		cfmakeraw(&t);
		t.c_cc[VMIN] = 1;
		t.c_cc[VTIME] = 0;
		return tcsetattr(d->mine, TCSANOW, &t);
	}
	return 0;
}

static int open_pair(struct cw_doorbell *d)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair))
		return -1;
	d->mine = pair[0];
	d->theirs = pair[1];
	return 0;
}

static void chardev_close(struct cw_doorbell *d)
{
	if (d->mine >= 0)
		close(d->mine);
	if (d->theirs >= 0)
		close(d->theirs);
}

static int chardev_open(struct cw_doorbell *d, const struct cw_board_remote *r, FILE *err)
{
	const char *path = r->doorbell_path;

	if (!(path ? open_device(d, path) : open_pair(d)))
		return 0;
	fprintf(err, "causeway: remote %s: cannot use %s as doorbell: %s\n", r->name,
		path ? path : "a socket pair",
		errno == ENOTTY ? "it is no character device" : strerror(errno));
	chardev_close(d);
	return -1;
}

static void chardev_ring(struct cw_doorbell *d)
{
	(void)!write(d->mine, "", 1);
}

static void chardev_clear(struct cw_doorbell *d)
{
	char rings[256];

	(void)!read(d->mine, rings, sizeof(rings));
}

const struct cw_doorbell_ops cw_doorbell_chardev = {
	.name = "chardev",
	.open = chardev_open,
	.close = chardev_close,
	.ring = chardev_ring,
	.clear = chardev_clear,
};
