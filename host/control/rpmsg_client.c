// SPDX-License-Identifier: BSD-3-Clause
/*
 * Messages with a service of a remote, from a Linux program.
 *
 * Theory of operation: a service is a socket RUN_DIR/BOARD.rpmsg/REMOTE/SERVICE whose file comes and goes
 * with it. A client is connected, or has a time at which to try again: 10, 20 ... 100 ms after it was
 * lost. Its one descriptor is an epoll's, with the socket in it, or the timer. The keeper is asked nothing; that
 * its control socket takes a connection tells boards that run from folders of killed ones, where there are several.
 */
#include <causeway/core/err.h>
#include <causeway/host/rpmsg_client.h>
#include <causeway/host/rundir.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define NAME	     64u /* of a board, a remote or a service, with its zero */
#define FOLDER	     ".rpmsg"
#define PAUSE_MIN_US 10000u
#define PAUSE_MAX_US 100000u
#define FRESH_US     100000u /* an end so soon is that of something that was ending already */

struct cw_rpmsg_client {
	char run[sizeof(((struct cw_rundir *)0)->path)];
	char board[NAME], remote[NAME], service[NAME]; /* "": the only one */
	int epoll, timer;
	int fd; /* -1: not connected */
	uint64_t since, next;
	uint32_t pause;
	bool used; /* something went over this connection */
};

static uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
}

static uint64_t later(uint64_t timeout)
{
	uint64_t now = now_us();

	return timeout < UINT64_MAX - now ? now + timeout : UINT64_MAX;
}

/* ---- where it is ---- */

/* Whether a folder's name is one to choose from, and then it is @name without @suffix. */
static bool chosen(int in, const char *entry, const char *suffix, char name[NAME])
{
	size_t tail = strlen(suffix), n = strlen(entry);

	if (entry[0] == '.' || n <= tail || n - tail >= NAME ||
	    strcmp(entry + n - tail, suffix) != 0)
		return false;
	memcpy(name, entry, n - tail);
	name[n - tail] = 0;
	return !tail || cw_rundir_runs(in, name);
}

/* The only folder in @in, less @suffix, of boards one that runs; or @name is what it was already. */
static int only(int in, const char *suffix, char name[NAME], int none)
{
	const struct dirent *e;
	unsigned int found = 0;
	char entry[NAME] = "";
	DIR *d;

	if (name[0])
		return CW_OK;
	in = openat(in, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	d = in >= 0 ? fdopendir(in) : NULL;
	if (!d && in >= 0)
		close(in);
	while (d && (e = readdir(d))) {
		if (chosen(in, e->d_name, suffix, entry) && !found++)
			memcpy(name, entry, NAME);
	}
	if (d)
		closedir(d);
	if (found != 1)
		name[0] = 0;
	return found > 1 ? CW_EINVAL : found ? CW_OK : none;
}

static int failed(int none)
{
	switch (errno) {
	case EACCES:
	case EPERM:
		return CW_EACCES;
	case EMFILE:
	case ENFILE:
	case ENOMEM:
		return CW_ENOSPC;
	default:
		return none;
	}
}

/* Goes from @at, which is closed, into a folder of it. */
static int enter(int *at, const char *name, int none)
{
	int fd = openat(*at, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	close(*at);
	*at = fd;
	return fd < 0 ? failed(none) : CW_OK;
}

/* The remote's folder. Names that were left out are known, and stay, once all of it has been found. */
static int find(struct cw_rpmsg_client *c, int *at)
{
	char board[NAME + sizeof(FOLDER)], remote[NAME];
	int err;

	*at = open(c->run, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (*at < 0)
		return failed(CW_EDOWN);
	memcpy(board, c->board, NAME);
	memcpy(remote, c->remote, NAME);
	err = only(*at, FOLDER, board, CW_EDOWN);
	if (!err) {
		memcpy(board + strlen(board), FOLDER, sizeof(FOLDER));
		err = enter(at, board, CW_EDOWN);
	}
	err = err ? err : only(*at, "", remote, CW_ENODEV);
	err = err ? err : enter(at, remote, CW_ENODEV);
	if (err)
		return err;
	memcpy(c->remote, remote, NAME);
	board[strlen(board) - strlen(FOLDER)] = 0;
	memcpy(c->board, board, NAME);
	return CW_OK;
}

/* ---- connected or not ---- */

/* Not connected, and when to try next. */
static void pause_(struct cw_rpmsg_client *c)
{
	struct itimerspec t = { 0 };

	c->next = now_us() + c->pause;
	t.it_value.tv_sec = (time_t)(c->next / 1000000u);
	t.it_value.tv_nsec = (long)(c->next % 1000000u) * 1000;
	timerfd_settime(c->timer, TFD_TIMER_ABSTIME, &t, NULL);
	c->pause = 2 * c->pause < PAUSE_MAX_US ? 2 * c->pause : PAUSE_MAX_US;
}

/* Returns CW_ERESET when somebody is to be told. */
static int lost(struct cw_rpmsg_client *c)
{
	bool fresh = !c->used && now_us() - c->since < FRESH_US;

	close(c->fd);
	c->fd = -1;
	if (!fresh)
		c->pause = PAUSE_MIN_US;
	pause_(c);
	return fresh ? CW_EAGAIN : CW_ERESET;
}

/* By way of the folder's descriptor, as a socket's path may not be longer than 107 bytes. */
static int join(struct cw_rpmsg_client *c, int folder)
{
	struct epoll_event e = { .events = EPOLLIN };
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	snprintf(a.sun_path, sizeof(a.sun_path), "/proc/self/fd/%d/%s", folder, c->service);
	if (fd < 0)
		return CW_ENOSPC;
	if (connect(fd, (const struct sockaddr *)&a, sizeof(a)) ||
	    epoll_ctl(c->epoll, EPOLL_CTL_ADD, fd, &e)) {
		int err = failed(CW_ENOENT);

		close(fd);
		return err;
	}
	c->fd = fd;
	return CW_OK;
}

static int try_(struct cw_rpmsg_client *c)
{
	const struct itimerspec never = { 0 };
	int folder, err = find(c, &folder);

	err = err ? err : join(c, folder);
	if (folder >= 0)
		close(folder);
	if (err) {
		pause_(c);
		return err;
	}
	timerfd_settime(c->timer, 0, &never, NULL);
	c->since = now_us();
	c->used = false;
	return CW_OK;
}

/* CW_OK: there may be news; CW_ETIMEDOUT. */
static int wait_(int fd, short events, uint64_t deadline)
{
	struct pollfd p = { .fd = fd, .events = events };
	uint64_t now = now_us(), left = deadline > now ? deadline - now : 0;
	struct timespec t = { (time_t)(left / 1000000u), (long)(left % 1000000u) * 1000 };

	if (!left)
		return CW_ETIMEDOUT;
	ppoll(&p, 1, deadline == UINT64_MAX ? NULL : &t, NULL);
	return CW_OK;
}

/* Returns 0, CW_ETIMEDOUT, or why the last try failed where @why is set. */
static int connected(struct cw_rpmsg_client *c, uint64_t deadline, bool why)
{
	int err = CW_EAGAIN;

	while (c->fd < 0) {
		if (now_us() >= c->next)
			err = try_(c);
		if (!err)
			break;
		if (why && (err == CW_EINVAL || err == CW_EACCES || err == CW_ENOSPC))
			return err;
		if (wait_(c->epoll, POLLIN, deadline))
			return why ? err : CW_ETIMEDOUT;
	}
	return CW_OK;
}

/* ---- calls ---- */

static bool set_name(char to[NAME], const char *name)
{
	if (!name)
		return true;
	if (!*name || *name == '.' || strchr(name, '/') || strlen(name) >= NAME)
		return false;
	memcpy(to, name, strlen(name) + 1);
	return true;
}

static bool set_service(char to[NAME], const char *name)
{
	size_t n = name ? strlen(name) : 0;

	if (!n || n >= NAME)
		return false;
	cw_rundir_service(to, name, n);
	return true;
}

static int begin(struct cw_rpmsg_client *c, const struct cw_rpmsg_client_config *conf)
{
	struct epoll_event e = { .events = EPOLLIN };
	struct cw_rundir dir;
	FILE *nobody = fopen("/dev/null", "w");
	int err = nobody && !cw_rundir_find(&dir, conf->run_dir, nobody) ? CW_OK : CW_EINVAL;

	if (nobody)
		fclose(nobody);
	if (err || !set_name(c->board, conf->board) || !set_name(c->remote, conf->remote) ||
	    !set_service(c->service, conf->service))
		return CW_EINVAL;
	memcpy(c->run, dir.path, sizeof(c->run));
	c->pause = PAUSE_MIN_US;
	c->epoll = epoll_create1(EPOLL_CLOEXEC);
	c->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (c->epoll < 0 || c->timer < 0 || epoll_ctl(c->epoll, EPOLL_CTL_ADD, c->timer, &e))
		return CW_ENOSPC;
	return connected(c, later(conf->wait_us), true);
}

int cw_rpmsg_client_open(struct cw_rpmsg_client **out, const struct cw_rpmsg_client_config *conf)
{
	struct cw_rpmsg_client *c = calloc(1, sizeof(*c));
	int err;

	*out = NULL;
	if (!c)
		return CW_ENOSPC;
	c->epoll = c->timer = c->fd = -1;
	err = begin(c, conf);
	if (err)
		cw_rpmsg_client_close(c);
	else
		*out = c;
	return err;
}

int cw_rpmsg_client_send(struct cw_rpmsg_client *c, const void *data, size_t len, uint64_t timeout)
{
	uint64_t deadline = later(timeout);
	int err;

	if (!len || len > CW_RPMSG_CLIENT_MOST)
		return CW_EINVAL;
	for (;;) {
		err = connected(c, deadline, false);
		if (err)
			return err;
		if (send(c->fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) {
			c->used = true;
			return CW_OK;
		}
		if (errno == EAGAIN || errno == ENOBUFS || errno == EINTR)
			err = wait_(c->fd, POLLOUT, deadline);
		else if (lost(c) == CW_ERESET)
			err = CW_ERESET;
		if (err)
			return err;
	}
}

int cw_rpmsg_client_recv(struct cw_rpmsg_client *c, void *buf, size_t size, uint64_t timeout)
{
	uint64_t deadline = later(timeout);
	int err;

	for (;;) {
		ssize_t n;

		err = connected(c, deadline, false);
		if (err)
			return err;
		n = recv(c->fd, buf, size, MSG_DONTWAIT | MSG_TRUNC);
		if (n > 0) {
			c->used = true;
			return (size_t)n > size ? CW_EBADLEN : (int)n;
		}
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			err = wait_(c->epoll, POLLIN, deadline);
		else if (lost(c) == CW_ERESET)
			err = CW_ERESET;
		if (err)
			return err;
	}
}

int cw_rpmsg_client_fd(const struct cw_rpmsg_client *c)
{
	return c->epoll;
}

void cw_rpmsg_client_close(struct cw_rpmsg_client *c)
{
	if (!c)
		return;
	if (c->fd >= 0)
		close(c->fd);
	if (c->timer >= 0)
		close(c->timer);
	if (c->epoll >= 0)
		close(c->epoll);
	free(c);
}
