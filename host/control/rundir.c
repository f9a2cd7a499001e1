// SPDX-License-Identifier: BSD-3-Clause
/*
 * Theory of operation: whoever holds the lock on BOARD.lock runs that board; the lock goes with the
 * process, so files that a killed keeper left mean nothing and are taken over. Every process that
 * takes or drops the lock checks that the file it locked is still the one with that name. Who only asks
 * whether a board runs never touches the lock, which a keeper that begins would find taken.
 */
#include <causeway/host/rundir.h>

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

int cw_rundir_find(struct cw_rundir *d, const char *given, FILE *err)
{
	const char *env = getenv("CAUSEWAY_RUN_DIR"), *xdg = getenv("XDG_RUNTIME_DIR");
	int n;

	memset(d, 0, sizeof(*d));
	d->lock_fd = -1;
	if (!given && env && *env)
		given = env;
	if (given)
		n = snprintf(d->path, sizeof(d->path), "%s", given);
	else if (!geteuid())
		n = snprintf(d->path, sizeof(d->path), "/run/causeway");
	else if (xdg && *xdg == '/')
		n = snprintf(d->path, sizeof(d->path), "%s/causeway", xdg);
	else
		n = snprintf(d->path, sizeof(d->path), "/tmp/causeway-%u", geteuid());
	if (n > 0 && (size_t)n < sizeof(d->path))
		return 0;
	fprintf(err, "causeway: the run directory's path has more than %zu characters\n",
		sizeof(d->path) - 1);
	return -1;
}

static int make_directory(const char *path, FILE *err)
{
	struct stat st;

	if (mkdir(path, 0700) && errno != EEXIST) {
		fprintf(err, "causeway: cannot make the run directory %s: %s (see --run-dir)\n",
			path, strerror(errno));
		return -1;
	}
	if (lstat(path, &st) || !S_ISDIR(st.st_mode) || st.st_uid != geteuid() ||
	    st.st_mode & 0022) {
		fprintf(err,
			"causeway: the run directory %s must be a directory that only you can "
			"write to (see --run-dir)\n",
			path);
		return -1;
	}
	return 0;
}

static int same_file(int fd, const char *path)
{
	struct stat a, b;

	return !fstat(fd, &a) && !lstat(path, &b) && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

static int take_lock(struct cw_rundir *d, FILE *err)
{
	for (int tries = 0; tries < 100; tries++) {
		d->lock_fd = open(d->lock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (d->lock_fd < 0 && errno == ENOENT && !mkdir(d->path, 0700))
			continue; /* the last board's end removed the directory */
		if (d->lock_fd < 0) {
			fprintf(err, "causeway: cannot make %s: %s\n", d->lock, strerror(errno));
			return -1;
		}
		if (flock(d->lock_fd, LOCK_EX | LOCK_NB)) {
			close(d->lock_fd);
			d->lock_fd = -1;
			return 1;
		}
		if (same_file(d->lock_fd, d->lock))
			return 0;
		close(d->lock_fd);
	}
	d->lock_fd = -1;
	return 1;
}

int cw_rundir_take(struct cw_rundir *d, const char *board, FILE *err)
{
	int n = snprintf(d->lock, sizeof(d->lock), "%s/%s.lock", d->path, board);
	int r = -1;

	if (n < 0 || (size_t)n >= sizeof(d->lock))
		fprintf(err, "causeway: %s/%s.sock is too long for a socket\n", d->path, board);
	else if (!make_directory(d->path, err))
		r = take_lock(d, err);
	if (r) {
		d->lock[0] = 0;
		return r;
	}
	memcpy(d->sock, d->lock, sizeof(d->sock));
	memcpy(strrchr(d->sock, '.'), ".sock", 6);
	unlink(d->sock); /* left by one that was killed: we hold its lock */
	return 0;
}

void cw_rundir_release(struct cw_rundir *d)
{
	if (d->lock_fd < 0)
		return;
	unlink(d->sock);
	unlink(d->lock);
	close(d->lock_fd);
	rmdir(d->path); /* fails while other boards run */
	d->lock_fd = -1;
}

/* By way of the directory's descriptor, as a socket's path may not be longer than 107 bytes. */
bool cw_rundir_runs(int dir, const char *board)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int n = snprintf(a.sun_path, sizeof(a.sun_path), "/proc/self/fd/%d/%s.sock", dir, board);
	bool dead = n < 0 || (size_t)n >= sizeof(a.sun_path);

	if (!dead && connect(fd, (const struct sockaddr *)&a, sizeof(a)))
		dead = errno == ECONNREFUSED || errno == ENOENT;
	if (fd >= 0)
		close(fd);
	return !dead;
}

void cw_rundir_service(char *to, const char *name, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char c = name[i];
		bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			    (c >= '0' && c <= '9') || c == '_' || c == '-' || (c == '.' && i);

		to[i] = good ? c : '_';
	}
}
