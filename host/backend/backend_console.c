// SPDX-License-Identifier: BSD-3-Clause
/* Console backends: pty, the PMM's own terminal, a unix stream socket, a log file. */
#include "backend_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

static int open_pty(const struct cw_board_device *d, const struct cw_board_port *p, int fd[2],
		    char *note, FILE *err)
{
	struct winsize size = { .ws_row = d->rows, .ws_col = d->cols };
	struct termios t;

	fd[PORT_MAIN] = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
	if (fd[PORT_MAIN] < 0 || grantpt(fd[PORT_MAIN]) || unlockpt(fd[PORT_MAIN]) ||
	    ptsname_r(fd[PORT_MAIN], note, sizeof(((struct cw_backend_fds *)0)->note[0]))) {
		fprintf(err, "console: cannot make a pty: %s\n", strerror(errno));
		return -1;
	}
	/* Kept open, so that the master does not hang up whenever nobody is attached. */
	fd[PORT_OTHER] = open(note, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (fd[PORT_OTHER] < 0 || tcgetattr(fd[PORT_OTHER], &t)) {
		fprintf(err, "console: cannot open %s: %s\n", note, strerror(errno));
		return -1;
	}
	cfmakeraw(&t);
	tcsetattr(fd[PORT_OTHER], TCSANOW, &t);
	if (size.ws_row)
		ioctl(fd[PORT_OTHER], TIOCSWINSZ, &size);
	if (!p->path)
		return 0;
	if (unlink(p->path) && errno != ENOENT) {
		fprintf(err, "console: cannot replace %s: %s\n", p->path, strerror(errno));
		return -1;
	}
	if (symlink(note, p->path)) {
		fprintf(err, "console: cannot make the link %s: %s\n", p->path, strerror(errno));
		return -1;
	}
	return 0;
}

static int open_stream(const struct cw_board_port *p, int fd[2], char *note, FILE *err)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	struct stat st;

	strncpy(a.sun_path, p->path, sizeof(a.sun_path) - 1);
	if (!lstat(p->path, &st) && S_ISSOCK(st.st_mode))
		unlink(p->path);
	fd[PORT_MAIN] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd[PORT_MAIN] < 0 || bind(fd[PORT_MAIN], (struct sockaddr *)&a, sizeof(a)) ||
	    listen(fd[PORT_MAIN], 4)) {
		fprintf(err, "console: cannot listen on %s: %s\n", p->path, strerror(errno));
		return -1;
	}
	snprintf(note, sizeof(a.sun_path), "%s", p->path);
	return 0;
}

static int open_stdio(int fd[2], char *note, FILE *err)
{
	fd[PORT_MAIN] = fcntl(0, F_DUPFD_CLOEXEC, 3);
	fd[PORT_OTHER] = fcntl(1, F_DUPFD_CLOEXEC, 3);
	if (fd[PORT_MAIN] < 0 || fd[PORT_OTHER] < 0) {
		fprintf(err, "console: no standard input or output: %s\n", strerror(errno));
		return -1;
	}
	strcpy(note, "stdio");
	return 0;
}

static int open_log(const struct cw_board_port *p, int fd[2], char *note, FILE *err)
{
	fd[PORT_OTHER] =
		open(p->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0644);
	if (fd[PORT_OTHER] < 0) {
		fprintf(err, "console: cannot write %s: %s\n", p->path, strerror(errno));
		return -1;
	}
	snprintf(note, 108, "%.106s", p->path);
	return 0;
}

int backend_open_console(const struct cw_board_remote *r, const struct cw_board_device *d,
			 struct cw_backend_fds *fds, FILE *err)
{
	int bad = 0;

	(void)r;
	for (unsigned int i = 0; i < d->ports && !bad; i++) {
		const struct cw_board_port *p = &d->port[i];
		int *fd = &fds->fd[2 * i];

		fds->n = 2 * (i + 1);
		if (p->backend == CW_BACKEND_PTY)
			bad = open_pty(d, p, fd, fds->note[i], err);
		else if (p->backend == CW_BACKEND_STREAM)
			bad = open_stream(p, fd, fds->note[i], err);
		else if (p->backend == CW_BACKEND_LOG)
			bad = open_log(p, fd, fds->note[i], err);
		else
			bad = open_stdio(fd, fds->note[i], err);
	}
	return bad;
}

void backend_close_console(const struct cw_board_device *d, const struct cw_backend_fds *fds)
{
	for (unsigned int i = 0; i < d->ports && 2 * i < fds->n; i++) {
		const struct cw_board_port *p = &d->port[i];

		if (fds->fd[2 * i] >= 0 && p->path && p->backend != CW_BACKEND_LOG)
			unlink(p->path);
	}
}
