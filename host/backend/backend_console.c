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
#include <termios.h>
#include <unistd.h>

/* Only a link of an earlier run is replaced: anything else at @path is somebody's. */
static int make_link(const char *path, const char *to, FILE *err)
{
	struct stat st;

	if (!lstat(path, &st) && S_ISLNK(st.st_mode))
		unlink(path);
	if (!symlink(to, path))
		return 0;
	fprintf(err, "console: cannot make the link %s: %s\n", path, strerror(errno));
	return -1;
}

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
	return p->path ? make_link(p->path, note, err) : 0;
}

static int open_stream(const struct cw_board_port *p, int fd[2], char *note, FILE *err)
{
	fd[PORT_MAIN] = cw_bind_unix("console", p->path, SOCK_STREAM, err);
	if (fd[PORT_MAIN] < 0)
		return -1;
	snprintf(note, sizeof(((struct cw_backend_fds *)0)->note[0]), "%.106s", p->path);
	if (!listen(fd[PORT_MAIN], 4))
		return 0;
	fprintf(err, "console: cannot listen on %s: %s\n", p->path, strerror(errno));
	return -1;
}

/*
 * A descriptor of our own that never blocks. O_NONBLOCK belongs to the open file, which the shell
 * that started us shares, so the file is opened anew where that can be done.
 */
static int own(int fd, int flags)
{
	char path[32];
	struct stat st;
	int mine = -1;

	if (fstat(fd, &st))
		return -1;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (!S_ISREG(st.st_mode)) /* one has a place in it, and never blocks anyway */
		mine = open(path, flags | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (mine >= 0)
		return mine;
	mine = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (mine >= 0 && !S_ISREG(st.st_mode))
		fcntl(mine, F_SETFL, fcntl(mine, F_GETFL) | O_NONBLOCK);
	return mine;
}

/* Keys go to the remote one by one and unseen; Ctrl-C still ends the PMM. */
static struct termios terminal;
static bool terminal_changed;

static void take_terminal(void)
{
	struct termios t;

	/* In the background it is not ours to change. */
	if (tcgetpgrp(0) != getpgrp() || tcgetattr(0, &terminal))
		return;
	t = terminal;
	t.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	t.c_iflag &= ~(tcflag_t)ICRNL;
	terminal_changed = !tcsetattr(0, TCSANOW, &t);
}

static void give_terminal_back(void)
{
	if (terminal_changed && tcgetpgrp(0) == getpgrp())
		tcsetattr(0, TCSANOW, &terminal);
	terminal_changed = false;
}

static int open_stdio(int fd[2], char *note, FILE *err)
{
	fd[PORT_MAIN] = own(0, O_RDONLY);
	fd[PORT_OTHER] = own(1, O_WRONLY);
	if (fd[PORT_MAIN] < 0 || fd[PORT_OTHER] < 0) {
		fprintf(err, "console: no standard input or output: %s\n", strerror(errno));
		return -1;
	}
	take_terminal();
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

static int open_port(const struct cw_board_device *d, unsigned int i, struct cw_backend_fds *fds,
		     FILE *err)
{
	const struct cw_board_port *p = &d->port[i];
	int *fd = &fds->fd[2 * i];

	switch (p->backend) {
	case CW_BACKEND_PTY:
		return open_pty(d, p, fd, fds->note[i], err);
	case CW_BACKEND_STREAM:
		return open_stream(p, fd, fds->note[i], err);
	case CW_BACKEND_LOG:
		return open_log(p, fd, fds->note[i], err);
	default:
		return open_stdio(fd, fds->note[i], err);
	}
}

int backend_open_console(const struct cw_board_remote *r, const struct cw_board_device *d,
			 struct cw_backend_fds *fds, FILE *err)
{
	(void)r;
	for (unsigned int i = 0; i < d->ports; i++) {
		fds->n = 2 * (i + 1);
		if (!open_port(d, i, fds, err))
			continue;
		/* What is at the path of a port that failed is not ours to remove. */
		for (unsigned int k = 2 * i; k < fds->n; k++)
			if (fds->fd[k] >= 0)
				close(fds->fd[k]);
		fds->n = 2 * i;
		return -1;
	}
	return 0;
}

void backend_close_console(const struct cw_board_device *d, const struct cw_backend_fds *fds)
{
	for (unsigned int i = 0; i < d->ports && 2 * i < fds->n; i++) {
		const struct cw_board_port *p = &d->port[i];

		if (p->backend == CW_BACKEND_STDIO)
			give_terminal_back();
		if (p->path && (p->backend == CW_BACKEND_PTY || p->backend == CW_BACKEND_STREAM))
			unlink(p->path);
	}
}
