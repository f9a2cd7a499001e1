// SPDX-License-Identifier: BSD-3-Clause
#include <causeway/host/client.h>
#include <causeway/host/rundir.h>

#include <cjson/cJSON.h>
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define LINE_MAX_BYTES (1024u * 1024u)
#define PATIENCE_S     1 /* with a keeper that takes nobody: one that is stopped */

/* "boards/demo.yaml" means the board "demo". */
static void name_of(const char *board, char *name, size_t size)
{
	const char *slash = strrchr(board, '/');
	size_t n;

	snprintf(name, size, "%s", slash ? slash + 1 : board);
	n = strlen(name);
	if (n > 5 && !strcmp(name + n - 5, ".yaml"))
		name[n - 5] = 0;
}

/* The names of the boards that run: "a, b, c"; their number. */
static unsigned int list_boards(const char *dir, char *only, size_t size, char *names, size_t room)
{
	DIR *d = opendir(dir);
	unsigned int n = 0;
	struct dirent *e;

	names[0] = 0;
	while (d && (e = readdir(d))) {
		char *end = strstr(e->d_name, ".sock");
		size_t used = strlen(names);

		if (!end || end[5] || end == e->d_name)
			continue;
		*end = 0;
		if (strlen(e->d_name) >= size || !cw_rundir_runs(dirfd(d), e->d_name))
			continue;
		memcpy(only, e->d_name, strlen(e->d_name) + 1);
		snprintf(names + used, room - used, "%s%s", n++ ? ", " : "", e->d_name);
	}
	if (d)
		closedir(d);
	return n;
}

static int choose(struct cw_client *c, const char *board, const char *dir, FILE *err)
{
	char names[512];
	unsigned int n;

	if (board) {
		name_of(board, c->board, sizeof(c->board));
		return 0;
	}
	n = list_boards(dir, c->board, sizeof(c->board), names, sizeof(names));
	if (n == 1)
		return 0;
	if (!n)
		fprintf(err, "causeway: no board runs here (looked in %s; see --run-dir)\n", dir);
	else
		fprintf(err, "causeway: several boards run: say which with --board: %s\n", names);
	return -1;
}

int cw_client_open(struct cw_client *c, const char *board, const char *run_dir, FILE *err)
{
	const struct timeval patience = { .tv_sec = PATIENCE_S };
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	struct cw_rundir dir;
	int n;

	memset(c, 0, sizeof(*c));
	c->fd = c->passed = -1;
	if (cw_rundir_find(&dir, run_dir, err) || choose(c, board, dir.path, err))
		return -1;
	n = snprintf(a.sun_path, sizeof(a.sun_path), "%s/%s.sock", dir.path, c->board);
	c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(c->fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (n > 0 && (size_t)n < sizeof(a.sun_path) && c->fd >= 0 &&
	    !connect(c->fd, (struct sockaddr *)&a, sizeof(a)))
		return 0;
	fprintf(err, "causeway: board %s does not run here (%s: %s)\n", c->board, a.sun_path,
		strerror(errno));
	cw_client_close(c);
	return -1;
}

void cw_client_close(struct cw_client *c)
{
	if (c->fd >= 0)
		close(c->fd);
	if (c->passed >= 0)
		close(c->passed);
	free(c->buf);
	c->buf = NULL;
	c->fd = c->passed = -1;
}

static ssize_t receive(struct cw_client *c)
{
	union {
		char buf[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} u;
	struct iovec v = { c->buf + c->len, c->room - c->len };
	struct msghdr m = { .msg_iov = &v,
			    .msg_iovlen = 1,
			    .msg_control = u.buf,
			    .msg_controllen = sizeof(u.buf) };
	ssize_t n = recvmsg(c->fd, &m, MSG_CMSG_CLOEXEC);
	struct cmsghdr *h = n > 0 ? CMSG_FIRSTHDR(&m) : NULL;

	if (h && h->cmsg_level == SOL_SOCKET && h->cmsg_type == SCM_RIGHTS) {
		if (c->passed >= 0)
			close(c->passed);
		memcpy(&c->passed, CMSG_DATA(h), sizeof(int));
	}
	return n;
}

char *cw_client_line(struct cw_client *c)
{
	char *end;

	c->len -= c->taken;
	if (c->taken)
		memmove(c->buf, c->buf + c->taken, c->len);
	c->taken = 0;
	while (!c->len || !(end = memchr(c->buf, '\n', c->len))) {
		ssize_t n;

		if (c->len + 1 >= c->room) {
			char *more = c->room < LINE_MAX_BYTES ? realloc(c->buf, c->room + 65536)
							      : NULL;

			if (!more)
				return NULL;
			c->buf = more;
			c->room += 65536;
		}
		n = receive(c);
		if (n <= 0)
			return NULL;
		c->len += (size_t)n;
	}
	*end = 0;
	c->taken = (size_t)(end - c->buf) + 1;
	return c->buf;
}

static int request(struct cw_client *c, const char *what, const char *remote, int follow)
{
	cJSON *q = cJSON_CreateObject();
	char *text;
	size_t n;
	int r = -1;

	cJSON_AddStringToObject(q, "do", what);
	if (remote)
		cJSON_AddStringToObject(q, "remote", remote);
	if (follow)
		cJSON_AddTrueToObject(q, "follow");
	text = cJSON_PrintUnformatted(q);
	cJSON_Delete(q);
	if (text) {
		n = strlen(text);
		text[n] = '\n'; /* in place of its zero: nobody reads it as a string any more */
		r = send(c->fd, text, n + 1, MSG_NOSIGNAL) == (ssize_t)n + 1 ? 0 : -1;
	}
	cJSON_free(text);
	return r;
}

struct cJSON *cw_client_ask(struct cw_client *c, const char *what, const char *remote, int follow,
			    FILE *err)
{
	char *line = request(c, what, remote, follow) ? NULL : cw_client_line(c);
	cJSON *a = line ? cJSON_Parse(line) : NULL;

	if (!a) {
		fprintf(err, "causeway: board %s did not answer\n", c->board);
		return NULL;
	}
	if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(a, "ok")))
		return a;
	line = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(a, "error"));
	fprintf(err, "causeway: board %s: %s%s%s\n", c->board, remote ? remote : "",
		remote ? ": " : "", line ? line : "refused");
	cJSON_Delete(a);
	return NULL;
}
