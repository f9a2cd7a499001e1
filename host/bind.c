// SPDX-License-Identifier: BSD-3-Clause
#include <causeway/host/bind.h>

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* Whether somebody may still be behind a socket: only a refusal says that nobody is. */
static bool answers(const struct sockaddr_un *a, int type)
{
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool yes = fd < 0 || !connect(fd, (const struct sockaddr *)a, sizeof(*a)) ||
		   errno != ECONNREFUSED;

	if (fd >= 0)
		close(fd);
	return yes;
}

int cw_bind_unix(const char *what, const char *path, int type, FILE *err)
{
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), e;
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	struct stat st;
	mode_t mask;

	strncpy(a.sun_path, path, sizeof(a.sun_path) - 1);
	if (!lstat(path, &st) && S_ISSOCK(st.st_mode) && !answers(&a, type))
		unlink(path);
	mask = umask(0077);
	e = fd < 0 || bind(fd, (const struct sockaddr *)&a, sizeof(a)) ? errno : 0;
	umask(mask);
	if (!e)
		return fd;
	if (fd >= 0)
		close(fd);
	if (e == EADDRINUSE)
		fprintf(err, "%s: %s is there already; stop who uses it, or name another path\n",
			what, path);
	else
		fprintf(err, "%s: cannot make the socket %s: %s\n", what, path, strerror(e));
	return -1;
}
