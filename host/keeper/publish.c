// SPDX-License-Identifier: BSD-3-Clause
/*
 * The sockets of remotes' services: RUN_DIR/BOARD.rpmsg/REMOTE/SERVICE.
 *
 * Theory of operation: a worker asks for them by number and name, and gets the listening descriptor; the
 * keeper keeps the file's name only. A name comes from a remote, and by way of a worker that this remote
 * may have taken over: what of it becomes a file's name is decided here, and how many there are and how
 * often. The folders are the keeper's as long as it has the board's lock, so what is in them when a board
 * begins is a killed keeper's and goes.
 */
#include "keeper.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BURST	 64u /* sockets at once, and then so many a second, a remote */
#define A_SECOND 100u
#define NEW	 ".new" /* services' names begin with no dot */

static void folder_path(const struct keeper *k, char *path, size_t size)
{
	snprintf(path, size, "%s/%s.rpmsg", k->dir.path, k->name);
}

void publish_folder(const struct keeper_remote *r, char path[PUBLISH_PATH])
{
	snprintf(path, PUBLISH_PATH, "%s/%s.rpmsg/%s", r->keeper->dir.path, r->keeper->name,
		 r->board->name);
}

static int open_folder(int in, const char *name)
{
	return openat(in, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static void empty(int fd, int depth);

static void remove_entry(int in, const char *name, int depth)
{
	int fd = depth ? open_folder(in, name) : -1;

	if (fd >= 0)
		empty(fd, depth - 1);
	unlinkat(in, name, fd >= 0 ? AT_REMOVEDIR : 0);
}

/* Takes the descriptor. */
static void empty(int fd, int depth)
{
	const struct dirent *e;
	DIR *d = fdopendir(fd);

	if (!d) {
		close(fd);
		return;
	}
	while ((e = readdir(d)))
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			remove_entry(fd, e->d_name, depth);
	closedir(d);
}

/* A folder of remotes' folders of sockets, and nothing deeper. */
void publish_clean(struct keeper *k)
{
	char path[PUBLISH_PATH];

	if (!k->dir.lock[0])
		return;
	folder_path(k, path, sizeof(path));
	remove_entry(AT_FDCWD, path, 2);
}

int publish_open(struct keeper_remote *r)
{
	int device = cw_layout_find(&r->board->layout, CW_ID_RPMSG, 0);
	char path[PUBLISH_PATH];

	r->publish.dir = -1;
	if (device < 0)
		return 0;
	folder_path(r->keeper, path, sizeof(path));
	if (!mkdir(path, 0700) || errno == EEXIST) {
		publish_folder(r, path);
		if (!mkdir(path, 0700) || errno == EEXIST)
			r->publish.dir = open_folder(AT_FDCWD, path);
	}
	snprintf(r->fds[device].note[0], sizeof(r->fds[device].note[0]), "%.107s", path);
	if (r->publish.dir >= 0)
		return 0;
	keeper_complain(r->keeper, "cannot make the folder %s: %s", path, strerror(errno));
	return -1;
}

static bool taken(const struct publish *p, const char *name)
{
	for (unsigned int i = 0; i < CW_RPMSG_SERVICES; i++)
		if (!strcmp(p->name[i], name))
			return true;
	return false;
}

/* NAME, or NAME.1, NAME.2, ... when others are called so; false: it is no name. */
static bool clean(const struct publish *p, const char raw[CW_ASK_NAME], char name[PUBLISH_NAME])
{
	size_t n = strnlen(raw, CW_ASK_NAME - 1);

	cw_rundir_service(name, raw, n);
	name[n] = 0;
	for (unsigned int i = 1; n && i <= CW_RPMSG_SERVICES && taken(p, name); i++)
		snprintf(name + n, PUBLISH_NAME - n, ".%u", i);
	return n && !taken(p, name);
}

/* A listening socket, at a name that no service has. */
static int listen_at(int dir)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), e;
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	mode_t mask = umask(0077);
	const int yes = 1;

	/* By way of the folder's descriptor, as a socket's path may not be longer than 107 bytes. */
	snprintf(a.sun_path, sizeof(a.sun_path), "/proc/self/fd/%d/" NEW, dir);
	/* With credentials, and so have those accepted on it, a message of no bytes is no end. */
	e = fd < 0 || bind(fd, (const struct sockaddr *)&a, sizeof(a)) ||
			    setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &yes, sizeof(yes)) ||
			    listen(fd, CW_RPMSG_WAITING)
		    ? errno
		    : 0;
	umask(mask);
	if (e && fd >= 0)
		close(fd);
	errno = e;
	return e ? -1 : fd;
}

/* Whoever sees the name can connect: it comes last. */
static int make_socket(int dir, const char *name)
{
	int fd = listen_at(dir), e;

	if (fd >= 0 && !renameat2(dir, NEW, dir, name, RENAME_NOREPLACE))
		return fd;
	e = errno;
	unlinkat(dir, NEW, 0);
	if (fd >= 0)
		close(fd);
	errno = e;
	return -1;
}

int publish_begin(struct keeper_remote *r, uint32_t number, const char name[CW_ASK_NAME])
{
	struct publish *p = &r->publish;
	char file[PUBLISH_NAME];
	int fd;

	if (p->dir < 0 || number >= CW_RPMSG_SERVICES || p->name[number][0] ||
	    !cw_bucket_take(&p->sockets, cw_loop_now(), BURST, A_SECOND) || !clean(p, name, file))
		return -1;
	fd = make_socket(p->dir, file);
	if (fd < 0)
		keeper_complain(r->keeper, "remote %s: cannot make the socket of %s: %s",
				r->board->name, file, strerror(errno));
	else
		memcpy(p->name[number], file, sizeof(file));
	return fd;
}

void publish_end(struct keeper_remote *r, uint32_t number)
{
	struct publish *p = &r->publish;

	if (p->dir < 0 || number >= CW_RPMSG_SERVICES || !p->name[number][0])
		return;
	unlinkat(p->dir, p->name[number], 0);
	p->name[number][0] = 0;
}

void publish_end_all(struct keeper_remote *r)
{
	for (uint32_t i = 0; i < CW_RPMSG_SERVICES; i++)
		publish_end(r, i);
}

void publish_close(struct keeper_remote *r)
{
	publish_end_all(r);
	if (r->publish.dir >= 0)
		close(r->publish.dir);
	r->publish.dir = -1;
}
