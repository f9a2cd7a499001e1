// SPDX-License-Identifier: BSD-3-Clause
#include "talk.h"

#include <causeway/host/forward.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char help[] =
	"usage: causeway forward [--board NAME] [--run-dir DIR] FROM TO\n"
	"\n"
	"Forwards connections between an address of Linux and a port of a remote's sockets, until\n"
	"Ctrl-C. One of FROM and TO is\n"
	"\n"
	"  REMOTE:PORT           a port of the remote: FROM, it connects there; TO, it listens there\n"
	"\n"
	"and the other\n"
	"\n"
	"  tcp:ADDRESS:PORT      such as tcp:127.0.0.1:8080 or tcp:[::1]:8080\n"
	"  unix:PATH\n"
	"\n"
	"The remote needs a device {kind: vsock, backend: {socket: PATH}}. What should always be\n"
	"forwarded belongs into the board file (forward:).\n"
	"\n"
	"  causeway forward tcp:127.0.0.1:8080 island:80\n"
	"\n"
	"Exit status: 0 after Ctrl-C, 1 it could not be done, 2 it was asked wrongly.\n";

/* "REMOTE:PORT"; @name gets the remote's. */
static int remote_port(const char *text, char *name, size_t size, uint32_t *port)
{
	const char *colon = strrchr(text, ':');
	unsigned long value;
	char *end;

	if (!colon || colon == text || (size_t)(colon - text) >= size || !colon[1] ||
	    strspn(colon + 1, "0123456789") != strlen(colon + 1) || strlen(colon + 1) > 10)
		return -1;
	value = strtoul(colon + 1, &end, 10);
	if (value >= UINT32_MAX)
		return -1;
	memcpy(name, text, (size_t)(colon - text));
	name[colon - text] = 0;
	*port = (uint32_t)value;
	return 0;
}

static const char *vsock_of(const cJSON *remote)
{
	const cJSON *d, *b;

	cJSON_ArrayForEach(d, talk_list(remote, "devices"))
	{
		b = cJSON_GetArrayItem(talk_list(d, "backends"), 0);
		if (!strcmp(talk_text(d, "kind"), "vsock") && *talk_text(b, "at") == '/')
			return talk_text(b, "at");
	}
	return NULL;
}

static struct cw_forward_rule rule;

/* What was made to listen is removed; only calls that a handler may make. */
static void leave(int sig)
{
	(void)sig;
	cw_forward_close(&rule);
	_exit(EXIT_FINE);
}

static int forward(const struct cli_options *o, const char *name)
{
	cJSON *s = talk_once(o, "status", NULL);
	const cJSON *r = s ? talk_remote(s, name) : NULL;
	struct sigaction a = { .sa_handler = leave };

	if (!r)
		return EXIT_FAIL;
	rule.vsock = vsock_of(r);
	if (!rule.vsock) {
		fprintf(stderr,
			"causeway: remote %s has no sockets; right is a device {kind: vsock, "
			"backend: {socket: PATH}} in the board file\n",
			talk_text(r, "name"));
		return EXIT_FAIL;
	}
	if (cw_forward_open(&rule, "causeway", stderr))
		return EXIT_FAIL;
	sigaction(SIGINT, &a, NULL);
	sigaction(SIGTERM, &a, NULL);
	fprintf(stderr, "Forwarding %s to %s; Ctrl-C ends it.\n", o->argv[0], o->argv[1]);
	cw_forward_run(&rule, 1);
	fprintf(stderr, "causeway: forwarding ended: %s\n", strerror(errno));
	cw_forward_close(&rule);
	return EXIT_FAIL;
}

static int run(int argc, char **argv)
{
	struct cli_options o;
	int r = cli_options(&cli_forward, argc, argv, "bD", &o);
	const char *there;
	char name[64];

	if (r >= 0)
		return r;
	if (o.argc != 2)
		return cli_usage(&cli_forward, "it takes FROM and TO");
	rule.listen = -1;
	rule.to_remote = !cw_forward_address(&rule.linux_end, o.argv[0], strlen(o.argv[0]));
	if (!rule.to_remote && cw_forward_address(&rule.linux_end, o.argv[1], strlen(o.argv[1])))
		return cli_usage(&cli_forward, "neither '%s' nor '%s' is " CW_FORWARD_RIGHT,
				 o.argv[0], o.argv[1]);
	there = o.argv[rule.to_remote ? 1 : 0];
	if (remote_port(there, name, sizeof(name), &rule.port))
		return cli_usage(&cli_forward, "'%s' is no port of a remote; right is REMOTE:PORT",
				 there);
	return forward(&o, name);
}

const struct cli_command cli_forward = {
	.name = "forward",
	.summary = "forward connections to and from a remote's sockets",
	.help = help,
	.run = run,
};
