// SPDX-License-Identifier: BSD-3-Clause
/*
 * The control socket: a request a line, an answer a line, both JSON objects.
 *
 * Theory of operation: nobody who connects may hold up the keeper or cost it more than a fixed
 * amount. There are so many clients and no more, each with a line of bounded length and a bounded
 * reply; a client that does not finish its line or take its reply within a few seconds is dropped.
 * Only the user who runs the board, and root, are answered.
 */
#include "control.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define PATIENCE_US 5000000u

static void drop(struct control_client *c)
{
	struct cw_loop *l = &c->control->keeper->loop;

	cw_loop_cancel(l, &c->timer);
	cw_loop_close(l, &c->event);
	if (c->pass >= 0)
		close(c->pass);
	free(c->out);
	c->out = NULL;
	c->out_len = c->out_done = 0;
	c->follows = NULL;
	c->pass = -1;
	c->len = 0;
	c->last = false;
}

static void too_slow(struct cw_timer *t)
{
	drop(cw_container_of(t, struct control_client, timer));
}

/* With the first byte of a reply its descriptor goes along. */
static ssize_t send_some(struct control_client *c)
{
	union {
		char buf[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} u = { .buf = { 0 } };
	struct iovec v = { c->out + c->out_done, c->out_len - c->out_done };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1 };
	struct cmsghdr *h;
	ssize_t n;

	if (c->pass >= 0) {
		m.msg_control = u.buf;
		m.msg_controllen = sizeof(u.buf);
		h = CMSG_FIRSTHDR(&m);
		h->cmsg_level = SOL_SOCKET;
		h->cmsg_type = SCM_RIGHTS;
		h->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(h), &c->pass, sizeof(int));
	}
	n = sendmsg(c->event.fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n > 0 && c->pass >= 0) {
		close(c->pass);
		c->pass = -1;
	}
	return n;
}

/* Returns false when the client is gone. */
static bool flush(struct control_client *c)
{
	struct cw_loop *l = &c->control->keeper->loop;

	while (c->out_done < c->out_len) {
		ssize_t n = send_some(c);

		if (n < 0 && errno == EAGAIN) {
			cw_loop_want(l, &c->event, EPOLLIN | EPOLLOUT);
			if (!c->timer.at)
				cw_loop_after(l, &c->timer, PATIENCE_US, too_slow);
			return true;
		}
		if (n <= 0) {
			drop(c);
			return false;
		}
		c->out_done += (size_t)n;
	}
	c->out_len = c->out_done = 0;
	if (c->last) {
		drop(c);
		return false;
	}
	cw_loop_cancel(l, &c->timer);
	cw_loop_want(l, &c->event, EPOLLIN);
	return true;
}

static bool queue(struct control_client *c, const char *text, size_t len)
{
	char *more;

	if (c->out_done) {
		memmove(c->out, c->out + c->out_done, c->out_len - c->out_done);
		c->out_len -= c->out_done;
		c->out_done = 0;
	}
	if (len + 1 > CONTROL_REPLY - c->out_len)
		return false;
	more = realloc(c->out, c->out_len + len + 1);
	if (!more)
		return false;
	c->out = more;
	memcpy(c->out + c->out_len, text, len);
	c->out[c->out_len + len] = '\n';
	c->out_len += len + 1;
	return true;
}

static bool reply(struct control_client *c, cJSON *answer)
{
	char *text = answer ? cJSON_PrintUnformatted(answer) : NULL;
	bool fine = text && queue(c, text, strlen(text));

	cJSON_Delete(answer);
	cJSON_free(text);
	if (fine)
		return flush(c);
	drop(c);
	return false;
}

static bool take_lines(struct control_client *c)
{
	char *end;

	while ((end = memchr(c->line, '\n', c->len))) {
		size_t n = (size_t)(end - c->line);

		if (!reply(c, control_answer(c, c->line, n)))
			return false;
		c->len -= (unsigned int)n + 1;
		memmove(c->line, end + 1, c->len);
	}
	return true;
}

static void on_client(struct cw_event *e, uint32_t events)
{
	struct control_client *c = cw_container_of(e, struct control_client, event);
	ssize_t n;

	if (events & EPOLLOUT && !flush(c))
		return;
	if (!(events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
		return;
	n = recv(e->fd, c->line + c->len, sizeof(c->line) - c->len, MSG_DONTWAIT);
	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0) {
		drop(c);
		return;
	}
	c->len += (unsigned int)n;
	if (!take_lines(c))
		return;
	if (c->len == sizeof(c->line)) {
		c->last = true;
		c->len = 0;
		reply(c,
		      cJSON_Parse("{\"ok\":false,\"error\":\"a request has at most 4096 bytes\"}"));
	} else if (c->len && !c->timer.at) {
		cw_loop_after(&c->control->keeper->loop, &c->timer, PATIENCE_US, too_slow);
	}
}

static bool ours(int fd)
{
	struct ucred who;
	socklen_t len = sizeof(who);

	return !getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) &&
	       (who.uid == 0 || who.uid == geteuid());
}

static void refuse(int fd, const char *why)
{
	(void)!send(fd, why, strlen(why), MSG_DONTWAIT | MSG_NOSIGNAL);
	close(fd);
}

static void on_connect(struct cw_event *e, uint32_t events)
{
	struct control *control = cw_container_of(e, struct control, listener);
	int fd = accept4(e->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)events;
	if (fd < 0)
		return;
	if (!ours(fd)) {
		refuse(fd, "{\"ok\":false,\"error\":\"another user runs this board\"}\n");
		return;
	}
	for (unsigned int i = 0; i < CONTROL_CLIENTS; i++) {
		struct control_client *c = &control->client[i];

		if (c->event.fd >= 0)
			continue;
		cw_loop_add(&control->keeper->loop, &c->event, fd, EPOLLIN, on_client);
		cw_loop_after(&control->keeper->loop, &c->timer, PATIENCE_US, too_slow);
		return;
	}
	refuse(fd, "{\"ok\":false,\"error\":\"too many clients at once: try again\"}\n");
}

static int listen_at(const char *path)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	mode_t old = umask(0077);

	memcpy(a.sun_path, path, strlen(path) + 1);
	if (fd >= 0 && (bind(fd, (struct sockaddr *)&a, sizeof(a)) || listen(fd, 64))) {
		close(fd);
		fd = -1;
	}
	umask(old);
	return fd;
}

int control_open(struct keeper *k)
{
	int fd = listen_at(k->dir.sock);

	k->control = calloc(1, sizeof(*k->control));
	if (fd < 0 || !k->control) {
		keeper_complain(k, "cannot make %s: %s", k->dir.sock, strerror(errno));
		return -1;
	}
	k->control->keeper = k;
	for (unsigned int i = 0; i < CONTROL_CLIENTS; i++) {
		k->control->client[i].control = k->control;
		k->control->client[i].event.fd = k->control->client[i].pass = -1;
	}
	return cw_loop_add(&k->loop, &k->control->listener, fd, EPOLLIN, on_connect);
}

void control_close(struct keeper *k)
{
	if (!k->control)
		return;
	for (unsigned int i = 0; i < CONTROL_CLIENTS; i++)
		drop(&k->control->client[i]);
	cw_loop_close(&k->loop, &k->control->listener);
	free(k->control);
	k->control = NULL;
}

/* A line of a remote, for those who follow it. Who does not keep up loses the connection. */
void control_line(struct keeper_remote *r, const char *line, size_t len)
{
	struct control *control = r->keeper->control;

	for (unsigned int i = 0; control && i < CONTROL_CLIENTS; i++) {
		struct control_client *c = &control->client[i];

		if (c->event.fd < 0 || c->follows != r)
			continue;
		if (queue(c, line, len))
			flush(c);
		else
			drop(c);
	}
}
