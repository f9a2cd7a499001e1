// SPDX-License-Identifier: BSD-3-Clause
/* Addresses of forwarding, and listening at them. */
#include <causeway/host/bind.h>
#include <causeway/host/forward.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#define WAITING 64

static int unix_address(struct cw_forward_address *a, const char *path, size_t len)
{
	struct sockaddr_un *u = (struct sockaddr_un *)(void *)&a->at;

	if (!len || len >= sizeof(u->sun_path) || memchr(path, 0, len))
		return -1;
	u->sun_family = AF_UNIX;
	memcpy(u->sun_path, path, len);
	a->len = sizeof(*u);
	return 0;
}

/* "127.0.0.1:80" or "[::1]:80": numbers only, as names would be looked up when nobody expects it. */
static int tcp_address(struct cw_forward_address *a, const char *text, size_t len)
{
	const struct addrinfo hints = { .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
					.ai_socktype = SOCK_STREAM };
	char copy[80], *host = copy, *port;
	struct addrinfo *found;

	if (len >= sizeof(copy))
		return -1;
	memcpy(copy, text, len);
	copy[len] = 0;
	port = strrchr(copy, ':');
	if (!port || strlen(copy) != len)
		return -1;
	if (*host == '[' && port > copy && port[-1] == ']') {
		host++;
		port[-1] = 0;
	}
	*port++ = 0;
	if (!*host || !*port || strspn(port, "0123456789") != strlen(port) || strlen(port) > 5 ||
	    atoi(port) > UINT16_MAX || getaddrinfo(host, port, &hints, &found))
		return -1;
	a->len = found->ai_addrlen;
	memcpy(&a->at, found->ai_addr, a->len);
	freeaddrinfo(found);
	return 0;
}

int cw_forward_address(struct cw_forward_address *a, const char *text, size_t len)
{
	memset(a, 0, sizeof(*a));
	if (len > 4 && !memcmp(text, "tcp:", 4))
		return tcp_address(a, text + 4, len - 4);
	if (len > 5 && !memcmp(text, "unix:", 5))
		return unix_address(a, text + 5, len - 5);
	return -1;
}

void cw_forward_text(const struct cw_forward_address *a, char *text, size_t size)
{
	char host[64], port[8];

	if (a->at.ss_family == AF_UNIX) {
		snprintf(text, size, "unix:%s",
			 ((const struct sockaddr_un *)(const void *)&a->at)->sun_path);
		return;
	}
	if (getnameinfo((const struct sockaddr *)&a->at, a->len, host, sizeof(host), port,
			sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV))
		snprintf(text, size, "?");
	else
		snprintf(text, size, a->at.ss_family == AF_INET6 ? "tcp:[%s]:%s" : "tcp:%s:%s",
			 host, port);
}

static int listen_tcp(const struct cw_forward_address *a)
{
	int fd = socket(a->at.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), on = 1;

	/* Those of the run before, which still linger. */
	if (fd >= 0 && (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) ||
			bind(fd, (const struct sockaddr *)&a->at, a->len))) {
		int e = errno;

		close(fd);
		errno = e;
		return -1;
	}
	return fd;
}

int cw_forward_open(struct cw_forward_rule *r, const char *name, FILE *err)
{
	const struct sockaddr_un *u = (const struct sockaddr_un *)(const void *)&r->linux_end.at;
	char text[128];

	r->made[0] = 0;
	if (!r->to_remote) /* where the remote's connections to a port arrive */
		snprintf(r->made, sizeof(r->made), "%.96s_%u", r->vsock, r->port);
	else if (r->linux_end.at.ss_family == AF_UNIX)
		memcpy(r->made, u->sun_path, sizeof(u->sun_path));
	if (r->made[0]) {
		r->listen = cw_bind_unix(name, r->made, SOCK_STREAM, err);
	} else {
		r->listen = listen_tcp(&r->linux_end);
		cw_forward_text(&r->linux_end, text, sizeof(text));
		if (r->listen < 0)
			fprintf(err, "%s: cannot listen on %s: %s\n", name, text, strerror(errno));
	}
	if (r->listen < 0)
		return -1;
	if (!listen(r->listen, WAITING))
		return 0;
	fprintf(err, "%s: cannot listen: %s\n", name, strerror(errno));
	cw_forward_close(r);
	return -1;
}

void cw_forward_close(struct cw_forward_rule *r)
{
	if (r->listen < 0)
		return;
	close(r->listen);
	r->listen = -1;
	if (r->made[0])
		unlink(r->made);
}
