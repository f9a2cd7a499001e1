// SPDX-License-Identifier: BSD-3-Clause
/*
 * Services on sockets, and the shell's commands for them.
 *
 * Theory of operation: every connection is a small machine that is looked at once a pass and never
 * waits: bytes it could not send stay in its buffer, and while there are some it reads no more. So who
 * does not read stops its own connection and no other.
 */
#include "app.h"
#include "commands.h"

#include <causeway/core/err.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SOCKETS	   32
#define ROOM	   16384 /* bytes that each may hold unread */
#define BACKLOG	   SOCKETS
#define TIMEOUT_US 5000000u
#define BYTES	   2048u

enum service { ECHO, SINK, SOURCE, HTTP };

static const struct {
	uint32_t port;
	uint16_t type;
	enum service service;
} services[] = {
	{ 7, CW_VSOCK_STREAM, ECHO },	 { 7, CW_VSOCK_SEQPACKET, ECHO },
	{ 9, CW_VSOCK_STREAM, SINK },	 { 9, CW_VSOCK_SEQPACKET, SINK },
	{ 19, CW_VSOCK_STREAM, SOURCE }, { 80, CW_VSOCK_STREAM, HTTP },
};

#define SERVICES (sizeof(services) / sizeof(services[0]))

struct machine {
	int s; /* -1: unused */
	enum service service;
	bool asked, answered; /* HTTP */
	uint32_t at, len;     /* of text, still to be sent; HTTP: of the request so far */
	char text[BYTES];
};

static struct machine machine[SOCKETS];
static uint32_t opens;	  /* times the device was opened, as last seen */
static uint32_t extra;	  /* port of `vsock listen`, 0: none */
static uint32_t requests; /* that HTTP has answered */

CW_VSOCK_MEMORY(memory, SOCKETS, ROOM);

void sockets_init(void)
{
	app.sockets = &memory;
}

/* ---- machines ---- */

static void finish(struct machine *m)
{
	cw_vsock_close(&app.vsock, m->s);
	m->s = -1;
}

/* Sends what waits; false while some of it still does. */
static bool flush(struct machine *m)
{
	while (m->at < m->len) {
		int n = cw_vsock_send(&app.vsock, m->s, m->text + m->at, m->len - m->at, 0);

		if (n == CW_EAGAIN)
			return false;
		if (n <= 0) {
			finish(m);
			return false;
		}
		m->at += (uint32_t)n;
	}
	m->at = m->len = 0;
	return true;
}

/* Reads behind what is there: true when there was something. */
static bool take(struct machine *m)
{
	int n = cw_vsock_recv(&app.vsock, m->s, m->text + m->len,
			      (uint32_t)sizeof(m->text) - m->len, 0);

	if (n == CW_EAGAIN)
		return false;
	if (n <= 0)
		finish(m); /* its end, or a message longer than we take */
	else
		m->len += (uint32_t)n;
	return n > 0;
}

static void step_source(struct machine *m)
{
	if (m->len)
		return;
	for (uint32_t i = 0; i < sizeof(m->text); i++)
		m->text[i] = (char)('a' + i % 26);
	m->len = sizeof(m->text);
	if (cw_vsock_events(&app.vsock, m->s) & CW_VSOCK_END)
		finish(m);
}

static int page(char *body, size_t size)
{
	uint64_t up = (app_now() - app.started) / 1000000;

	return snprintf(body, size,
			"{\"board\": \"%s\", \"remote\": \"%s\", \"uptime_s\": %lu, "
			"\"links\": %lu, \"requests\": %lu}\n",
			app.machine->board, app.machine->remote, (unsigned long)up,
			(unsigned long)app.links, (unsigned long)requests);
}

/* One request a connection; whatever it asks for beside "GET /" there is not. */
static void answer(struct machine *m)
{
	bool known = !strncmp(m->text, "GET / ", 6) || !strncmp(m->text, "GET /status ", 12);
	char body[256] = "there is / only\n";

	requests++;
	if (known)
		page(body, sizeof(body));
	m->len = (uint32_t)snprintf(m->text, sizeof(m->text),
				    "HTTP/1.0 %s\r\nContent-Type: %s\r\n"
				    "Content-Length: %u\r\nConnection: close\r\n\r\n%s",
				    known ? "200 OK" : "404 Not Found",
				    known ? "application/json" : "text/plain",
				    (unsigned int)strlen(body), body);
	m->answered = true;
}

static bool step_http(struct machine *m)
{
	if (m->answered) {
		if (!flush(m))
			return false;
		/* The client has it all when it closes, or when we do. */
		finish(m);
		return true;
	}
	if (!take(m) || m->s < 0)
		return false;
	if (m->len == sizeof(m->text)) {
		finish(m);
		return true;
	}
	m->text[m->len] = 0;
	if (strstr(m->text, "\r\n\r\n") || strstr(m->text, "\n\n"))
		answer(m);
	return true;
}

static bool step(struct machine *m)
{
	bool took;

	if (m->service == HTTP)
		return step_http(m);
	if (m->service == SOURCE)
		step_source(m);
	if (m->s < 0 || !flush(m) || m->service == SOURCE)
		return false;
	took = take(m);
	if (m->service == SINK)
		m->len = 0;
	else if (took && m->s >= 0)
		flush(m);
	return took;
}

static void begin(int s, enum service service)
{
	for (unsigned int i = 0; i < SOCKETS; i++) {
		struct machine *m = &machine[i];

		if (m->s >= 0)
			continue;
		m->s = s;
		m->service = service;
		m->at = m->len = 0;
		m->answered = false;
		return;
	}
	cw_vsock_close(&app.vsock, s);
}

static void accept_all(uint32_t port, uint16_t type, enum service service)
{
	while (cw_vsock_waiting(&app.vsock, port, type)) {
		int s = cw_vsock_accept(&app.vsock, port, type, 0);

		if (s < 0)
			return;
		begin(s, service);
	}
}

/* A device that was opened anew listens nowhere, and its sockets are gone. */
static void start_over(void)
{
	for (unsigned int i = 0; i < SOCKETS; i++)
		machine[i].s = -1;
	for (unsigned int k = 0; k < SERVICES; k++)
		cw_vsock_listen(&app.vsock, services[k].port, services[k].type, BACKLOG);
	if (extra)
		cw_vsock_listen(&app.vsock, extra, CW_VSOCK_STREAM, BACKLOG);
}

bool sockets_poll(void)
{
	bool news = false;

	if (!app_ready(APP_VSOCK))
		return false;
	if (opens != app.device[APP_VSOCK].opens) {
		opens = app.device[APP_VSOCK].opens;
		start_over();
	}
	for (unsigned int k = 0; k < SERVICES; k++)
		accept_all(services[k].port, services[k].type, services[k].service);
	if (extra)
		accept_all(extra, CW_VSOCK_STREAM, ECHO);
	for (unsigned int i = 0; i < SOCKETS; i++)
		if (machine[i].s >= 0)
			news |= step(&machine[i]);
	return news;
}

/* ---- commands ---- */

static bool number(const char *text, unsigned long most, unsigned long *value)
{
	char *end;

	*value = strtoul(text, &end, 0);
	return *text >= '0' && *text <= '9' && !*end && *value <= most;
}

static bool there(void)
{
	if (app.device[APP_VSOCK].index < 0)
		shell_out("there is no socket device in the layout\n");
	else if (!app_ready(APP_VSOCK))
		shell_out("the socket device is away\n");
	return app_ready(APP_VSOCK);
}

static void print_answer(int s)
{
	char text[200];
	int n = cw_vsock_recv(&app.vsock, s, text, sizeof(text) - 1, TIMEOUT_US);

	if (n < 0) {
		shell_out("no answer: %s\n", cw_strerror(n));
		return;
	}
	text[n] = 0;
	shell_out("answer: %s%s", text, n && text[n - 1] == '\n' ? "" : "\n");
}

static void vsock_connect(int argc, char **argv)
{
	unsigned long port;
	char line[SHELL_LINE + 2];
	size_t len = 0;
	int s;

	if (argc < 2 || !number(argv[0], UINT32_MAX - 1ul, &port)) {
		shell_out("usage: vsock connect PORT TEXT...: say it to a port of Linux\n");
		return;
	}
	if (!there())
		return;
	for (int i = 1; i < argc; i++)
		len += (size_t)snprintf(line + len, sizeof(line) - len, "%s%s", argv[i],
					i + 1 < argc ? " " : "\n");
	s = cw_vsock_connect(&app.vsock, (uint32_t)port, CW_VSOCK_STREAM, TIMEOUT_US);
	if (s < 0) {
		shell_out("cannot connect to port %lu: %s\n", port, cw_strerror(s));
		return;
	}
	if (cw_vsock_send(&app.vsock, s, line, (uint32_t)len, TIMEOUT_US) == (int)len)
		print_answer(s);
	cw_vsock_close(&app.vsock, s);
}

static void vsock_listen(int argc, char **argv)
{
	unsigned long port;
	int err;

	if (argc != 1 || !number(argv[0], UINT32_MAX - 1ul, &port) || !port) {
		shell_out("usage: vsock listen PORT: echo there too\n");
		return;
	}
	if (!there())
		return;
	if (extra)
		cw_vsock_unlisten(&app.vsock, extra, CW_VSOCK_STREAM);
	err = cw_vsock_listen(&app.vsock, (uint32_t)port, CW_VSOCK_STREAM, BACKLOG);
	extra = err ? 0 : (uint32_t)port;
	if (err)
		shell_out("cannot listen on port %lu: %s\n", port, cw_strerror(err));
	else
		shell_out("echo on port %lu\n", port);
}

/* In whole buffers, so that the last may be more than was asked for. */
static void vsock_bench(int argc, char **argv)
{
	static char bytes[16384];
	unsigned long port, all, done = 0;
	uint64_t begun;
	int s, n = 1;

	if (argc != 2 || !number(argv[0], UINT32_MAX - 1ul, &port) ||
	    !number(argv[1], 1ul << 30, &all)) {
		shell_out("usage: vsock bench PORT BYTES: send them to a port of Linux\n");
		return;
	}
	if (!there())
		return;
	s = cw_vsock_connect(&app.vsock, (uint32_t)port, CW_VSOCK_STREAM, TIMEOUT_US);
	if (s < 0) {
		shell_out("cannot connect to port %lu: %s\n", port, cw_strerror(s));
		return;
	}
	begun = app_now();
	while (done < all && n > 0) {
		n = cw_vsock_send(&app.vsock, s, bytes, sizeof(bytes), TIMEOUT_US);
		done += n > 0 ? (unsigned long)n : 0;
	}
	cw_vsock_close(&app.vsock, s);
	begun = app_now() - begun;
	if (n <= 0)
		shell_out("ended after %lu bytes: %s\n", done, cw_strerror(n));
	else
		shell_out("%lu bytes in %lu us, %lu MB/s\n", done, (unsigned long)begun,
			  (unsigned long)(done / (begun ? begun : 1)));
}

const struct shell_command socket_commands[] = {
	{ "vsock connect", "PORT TEXT...: say it to a port of Linux, show the answer",
	  vsock_connect },
	{ "vsock listen", "PORT: echo there, as on port 7", vsock_listen },
	{ "vsock bench", "PORT BYTES: send them, and say how fast", vsock_bench },
	{ NULL, NULL, NULL },
};
