// SPDX-License-Identifier: BSD-3-Clause
/* Messages with a remote: causeway rpmsg ls|send|recv; the others of its have files of their own. */
#include "rpmsg.h"

#include "talk.h"

#include <causeway/core/text.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char help[] =
	"usage: causeway rpmsg ls [REMOTE] [--json]\n"
	"       causeway rpmsg send [REMOTE] SERVICE TEXT|- [--raw] [--timeout S]\n"
	"       causeway rpmsg recv [REMOTE] SERVICE [-n N] [--hex|--json|--raw] [--timeout S]\n"
	"       causeway rpmsg ping [REMOTE] [-n N] [-s SIZE] [-i S] [--timeout S]\n"
	"       causeway rpmsg bench [REMOTE [SERVICE]] [--json]\n"
	"       causeway rpmsg tty [REMOTE [SERVICE]]\n"
	"\n"
	"Messages with the services of a remote, which needs a device {kind: rpmsg} in the board\n"
	"file. REMOTE may be left out when the board has only one. --board and --run-dir as\n"
	"everywhere.\n"
	"\n"
	"  ls       the services that remotes have announced, and what went through them\n"
	"  send     a message of TEXT, or with - one of each line of standard input; empty lines\n"
	"           are left out. --raw: one message of all of it, up to 64 KB\n"
	"  recv     show messages as they come, a line each, until Ctrl-C, or N of them. What is not\n"
	"           printable ASCII is shown as \\xNN (a final newline too: \\x0a), a backslash as \\\\;\n"
	"           --raw writes the bytes as they are\n"
	"  ping     ask the service ping, which answers with the same, and measure: until Ctrl-C, or\n"
	"           N times, SIZE bytes (8 to 65536, or 56; how many come back is the remote's to\n"
	"           decide: 8192 of the example firmware), every S seconds (1; 0: one after the\n"
	"           other, and only the summary is shown)\n"
	"  bench    round trips, and messages a second, of several sizes; SERVICE (ping) must echo\n"
	"  tty      join this terminal to SERVICE (rpmsg-tty); Ctrl-] then q leaves. The end of other\n"
	"           input than a terminal's leaves half a second after the last output\n"
	"\n"
	"  -n, --count N    so many messages; 0: without an end\n"
	"  --timeout S      seconds to wait: to be sent (5), for the next message (for ever), for an\n"
	"                   answer (1)\n"
	"\n"
	"A service that a running remote has not announced is waited for, a second. One that goes away\n"
	"is waited for until it is back, and what was on its way is lost.\n"
	"\n"
	"Exit status: 0 done (recv, ping and bench: after Ctrl-C too), 1 it could not be done, or\n"
	"answers were lost, 2 it was asked wrongly.\n";

#define LOOK_NS 10000000

uint64_t rpmsg_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
}

/* ---- finding a service ---- */

static const cJSON *device_of(const cJSON *remote)
{
	const cJSON *d;

	cJSON_ArrayForEach(d, talk_list(remote, "devices"))
	{
		if (!strcmp(talk_text(d, "kind"), "rpmsg"))
			return d;
	}
	return NULL;
}

/* What it is called here: its socket's name. */
static const char *name_of(const cJSON *service)
{
	const char *slash = strrchr(talk_text(service, "socket"), '/');

	return slash ? slash + 1 : talk_text(service, "name");
}

static bool is_up(const cJSON *device)
{
	return cJSON_IsTrue(talk_list(talk_list(device, "channel"), "up"));
}

static const cJSON *service_of(const cJSON *device, const char *name)
{
	const cJSON *s;

	cJSON_ArrayForEach(s, talk_list(device, "services"))
	{
		if (!strcmp(name_of(s), name) || !strcmp(talk_text(s, "name"), name))
			return s;
	}
	return NULL;
}

static void no_messages(const cJSON *remote)
{
	fprintf(stderr,
		"causeway: remote %s has no messages; right is a device {kind: rpmsg} in the "
		"board file\n",
		talk_text(remote, "name"));
}

static void no_service(const cJSON *remote, const cJSON *device, const char *name)
{
	const cJSON *s, *list = talk_list(device, "services");

	fprintf(stderr, "causeway: remote %s has no service %s; ", talk_text(remote, "name"), name);
	if (!is_up(device))
		fprintf(stderr, "its messages are not up (link %s)\n", talk_text(remote, "link"));
	else if (!cJSON_GetArraySize(list))
		fputs("it has announced none\n", stderr);
	else
		fputs("there are:", stderr);
	cJSON_ArrayForEach(s, list)
	{
		fprintf(stderr, " %s%s", name_of(s), s->next ? "," : "\n");
	}
}

static bool join(const struct cli_options *o, const cJSON *status, struct rpmsg_peer *p)
{
	const struct cw_rpmsg_client_config conf = {
		.run_dir = o->run_dir,
		.board = talk_text(status, "board"),
		.remote = p->remote,
		.service = p->service,
		.wait_us = RPMSG_SECOND, /* its socket follows */
	};
	int err = cw_rpmsg_client_open(&p->c, &conf);

	if (err)
		fprintf(stderr, "causeway: cannot connect to service %s of remote %s: %s\n",
			p->service, p->remote, cw_strerror(err));
	return !err;
}

/* One that has just started announces its services a moment after its link is up. */
static bool may_come(const cJSON *remote, uint64_t until)
{
	const char *state = talk_text(remote, "state");

	return (!strcmp(state, "running") || !strcmp(state, "attached")) && rpmsg_now() < until;
}

/* EXIT_FINE; EXIT_FAIL: the error has been said; -1: look again. */
static int look(const struct cli_options *o, const char *remote, const char *service,
		struct rpmsg_peer *p, uint64_t until)
{
	cJSON *status = talk_once(o, "status", NULL);
	const cJSON *r = status ? talk_remote(status, remote ? remote : o->remote) : NULL;
	const cJSON *d = r ? device_of(r) : NULL, *s = d ? service_of(d, service) : NULL;
	int so = EXIT_FAIL;

	if (s) {
		snprintf(p->remote, sizeof(p->remote), "%s", talk_text(r, "name"));
		snprintf(p->service, sizeof(p->service), "%s", name_of(s));
		so = join(o, status, p) ? EXIT_FINE : EXIT_FAIL;
	} else if (d && may_come(r, until)) {
		so = -1;
	} else if (d) {
		no_service(r, d, service);
	} else if (r) {
		no_messages(r);
	}
	cJSON_Delete(status);
	return so;
}

bool rpmsg_open(const struct cli_options *o, const char *remote, const char *service,
		struct rpmsg_peer *p)
{
	uint64_t until = rpmsg_now() + RPMSG_SECOND;
	int so;

	while ((so = look(o, remote, service, p, until)) < 0)
		nanosleep(&(struct timespec){ .tv_nsec = LOOK_NS }, NULL);
	return so == EXIT_FINE;
}

void rpmsg_lost(const struct rpmsg_peer *p)
{
	fprintf(stderr, "causeway: service %s of remote %s went away; waiting until it is back\n",
		p->service, p->remote);
}

/* ---- waiting ---- */

static sigset_t before;
static volatile sig_atomic_t stopped;

static void stop(int sig)
{
	(void)sig;
	stopped = 1;
}

void rpmsg_catch(void)
{
	struct sigaction a = { .sa_handler = stop };
	sigset_t both;

	sigemptyset(&both);
	sigaddset(&both, SIGINT);
	sigaddset(&both, SIGTERM);
	sigprocmask(SIG_BLOCK, &both, &before);
	sigaction(SIGINT, &a, NULL);
	sigaction(SIGTERM, &a, NULL);
}

enum rpmsg_news rpmsg_wait(const struct rpmsg_peer *p, uint64_t deadline)
{
	struct pollfd f = { .fd = cw_rpmsg_client_fd(p->c), .events = POLLIN };
	uint64_t now = rpmsg_now(), left = deadline > now ? deadline - now : 0;
	struct timespec t = { (time_t)(left / 1000000u), (long)(left % 1000000u) * 1000 };
	int n = ppoll(&f, 1, deadline == UINT64_MAX ? NULL : &t, &before);

	return stopped ? RPMSG_STOP : n > 0 ? RPMSG_SOME : RPMSG_NONE;
}

/* ---- ls ---- */

static void show_json(const cJSON *remote, const cJSON *service, cJSON *list)
{
	static const char *const numbers[] = { "address", "clients", "to_linux", "to_remote",
					       "dropped" };
	cJSON *o = cJSON_CreateObject();

	cJSON_AddStringToObject(o, "remote", talk_text(remote, "name"));
	cJSON_AddStringToObject(o, "service", name_of(service));
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		cJSON_AddNumberToObject(o, numbers[i], talk_number(service, numbers[i]));
	cJSON_AddStringToObject(o, "socket", talk_text(service, "socket"));
	cJSON_AddItemToArray(list, o);
}

static void show_service(const cJSON *remote, const cJSON *s)
{
	printf("%-15s %-24s %10.0f %7.0f %10.0f %10.0f %8.0f\n", talk_text(remote, "name"),
	       name_of(s), talk_number(s, "address"), talk_number(s, "clients"),
	       talk_number(s, "to_linux"), talk_number(s, "to_remote"), talk_number(s, "dropped"));
}

/* With @list NULL they are printed. */
static void show_services(const cJSON *remote, const cJSON *device, cJSON *list)
{
	const cJSON *s;

	cJSON_ArrayForEach(s, talk_list(device, "services"))
	{
		if (list)
			show_json(remote, s, list);
		else
			show_service(remote, s);
	}
	if (!list && !is_up(device))
		fprintf(stderr, "causeway: remote %s: its messages are not up (link %s)\n",
			talk_text(remote, "name"), talk_text(remote, "link"));
}

static int print_json(cJSON *list)
{
	cJSON *o = cJSON_CreateObject();
	char *text;

	cJSON_AddItemToObject(o, "services", list);
	text = cJSON_Print(o);
	cJSON_Delete(o);
	if (!text)
		return EXIT_FAIL;
	puts(text);
	cJSON_free(text);
	return EXIT_FINE;
}

static int list_all(const struct cli_options *o, const cJSON *status, const char *name)
{
	const cJSON *r = name ? talk_remote(status, name) : NULL, *only = r;
	cJSON *list = o->json ? cJSON_CreateArray() : NULL;
	unsigned int n = 0;

	if (name && (!r || !device_of(r))) {
		if (r)
			no_messages(r);
		cJSON_Delete(list);
		return EXIT_FAIL;
	}
	if (!list)
		printf("%-15s %-24s %10s %7s %10s %10s %8s\n", "REMOTE", "SERVICE", "ADDRESS",
		       "CLIENTS", "TO LINUX", "TO REMOTE", "DROPPED");
	cJSON_ArrayForEach(r, talk_list(status, "remotes"))
	{
		if ((only && r != only) || !device_of(r))
			continue;
		show_services(r, device_of(r), list);
		n++;
	}
	if (!n)
		fputs("causeway: no remote of this board has messages; right is a device "
		      "{kind: rpmsg} in the board file\n",
		      stderr);
	return list ? print_json(list) : n ? EXIT_FINE : EXIT_FAIL;
}

static int ls(const struct cli_options *o)
{
	cJSON *status = talk_once(o, "status", NULL);
	int r = EXIT_FAIL;

	if (status)
		r = list_all(o, status, o->argc ? o->argv[0] : o->remote);
	cJSON_Delete(status);
	return r;
}

/* ---- send ---- */

static bool say(const struct cli_options *o, const struct rpmsg_peer *p, const char *text,
		size_t len)
{
	uint64_t patience = o->timeout ? o->timeout : 5 * RPMSG_SECOND;
	int err;

	while ((err = cw_rpmsg_client_send(p->c, text, len, patience)) == CW_ERESET)
		rpmsg_lost(p);
	if (err == CW_EINVAL)
		fprintf(stderr, "causeway: a message of %zu bytes is none; right is 1 to %u\n", len,
			CW_RPMSG_CLIENT_MOST);
	else if (err)
		fprintf(stderr, "causeway: service %s of remote %s did not take it in time\n",
			p->service, p->remote);
	return !err;
}

static bool say_all(const struct cli_options *o, const struct rpmsg_peer *p)
{
	static char text[CW_RPMSG_CLIENT_MOST + 1];
	size_t n = fread(text, 1, sizeof(text), stdin);

	return ferror(stdin) ? !cli_unread() : say(o, p, text, n);
}

static bool say_lines(const struct cli_options *o, const struct rpmsg_peer *p)
{
	unsigned long empty = 0;
	char *line = NULL;
	size_t room = 0;
	bool good = true;
	ssize_t n;

	while (good && (n = getline(&line, &room, stdin)) >= 0) {
		n -= n && line[n - 1] == '\n';
		if (n)
			good = say(o, p, line, (size_t)n);
		else
			empty++;
	}
	if (good && ferror(stdin))
		good = !cli_unread();
	free(line);
	if (empty)
		fprintf(stderr, "causeway: %lu empty line%s left out: a message has a byte\n",
			empty, empty == 1 ? " was" : "s were");
	return good;
}

static int send_(const struct cli_options *o)
{
	const char *text = o->argv[o->argc - 1];
	struct rpmsg_peer p;
	bool good;

	if (!rpmsg_open(o, o->argc > 2 ? o->argv[0] : NULL, o->argv[o->argc - 2], &p))
		return EXIT_FAIL;
	if (strcmp(text, "-") != 0)
		good = say(o, &p, text, strlen(text));
	else
		good = o->raw ? say_all(o, &p) : say_lines(o, &p);
	cw_rpmsg_client_close(p.c);
	return good ? EXIT_FINE : EXIT_FAIL;
}

/* ---- recv ---- */

/* As text that no terminal obeys and that is one message's only: up to four characters a byte, and a zero. */
static void clean(const char *m, size_t len, char *text)
{
	for (size_t i = 0; i < len; i++) {
		if (m[i] == '\\')
			*text++ = '\\';
		if (cw_text_printable((uint8_t)m[i]))
			*text++ = m[i];
		else
			text += sprintf(text, "\\x%02x", (unsigned char)m[i]);
	}
	*text = 0;
}

static void show_hex(const char *m, size_t len)
{
	printf("%zu byte%s\n", len, len == 1 ? "" : "s");
	for (size_t at = 0; at < len; at += 16) {
		printf("%04zx ", at);
		for (size_t i = at; i < at + 16; i++) {
			if (i < len)
				printf(" %02x", (unsigned char)m[i]);
			else
				fputs("   ", stdout);
		}
		fputs("  ", stdout);
		for (size_t i = at; i < at + 16 && i < len; i++)
			putchar(cw_text_printable((uint8_t)m[i]) ? m[i] : '.');
		putchar('\n');
	}
}

static void show(const struct cli_options *o, const char *m, size_t len)
{
	static char text[4 * CW_RPMSG_CLIENT_MOST + 1];
	char *line;
	cJSON *j = o->json ? cJSON_CreateObject() : NULL;

	if (o->raw) {
		fwrite(m, 1, len, stdout);
	} else if (o->hex) {
		show_hex(m, len);
	} else if (j) {
		cJSON_AddNumberToObject(j, "bytes", (double)len);
		clean(m, len, text);
		cJSON_AddStringToObject(j, "text", text);
		for (size_t i = 0; i < len; i++)
			sprintf(text + 2 * i, "%02x", (unsigned char)m[i]);
		cJSON_AddStringToObject(j, "hex", text);
		line = cJSON_PrintUnformatted(j); /* longer than its parts: backslashes */
		if (line)
			puts(line);
		free(line);
	} else {
		clean(m, len, text);
		puts(text);
	}
	cJSON_Delete(j);
}

static int hear(const struct cli_options *o, const struct rpmsg_peer *p)
{
	static char m[CW_RPMSG_CLIENT_MOST];
	uint64_t last = rpmsg_now();

	for (unsigned int n = 0; !o->lines || n < o->lines;) {
		enum rpmsg_news news = rpmsg_wait(p, o->timeout ? last + o->timeout : UINT64_MAX);
		int len = news == RPMSG_SOME ? cw_rpmsg_client_recv(p->c, m, sizeof(m), 0) : 0;

		if (news == RPMSG_STOP)
			return EXIT_FINE;
		if (len == CW_ERESET) {
			rpmsg_lost(p);
		} else if (len > 0) {
			show(o, m, (size_t)len);
			if (!cli_printed())
				return EXIT_FAIL;
			last = rpmsg_now();
			n++;
		} else if (o->timeout && rpmsg_now() >= last + o->timeout) {
			fprintf(stderr, "causeway: service %s of remote %s said nothing for %g s\n",
				p->service, p->remote, (double)o->timeout / RPMSG_SECOND);
			return EXIT_FAIL;
		}
	}
	return EXIT_FINE;
}

static int recv_(const struct cli_options *o)
{
	struct rpmsg_peer p;
	int r;

	if (!rpmsg_open(o, o->argc > 1 ? o->argv[0] : NULL, o->argv[o->argc - 1], &p))
		return EXIT_FAIL;
	rpmsg_catch();
	r = hear(o, &p);
	cw_rpmsg_client_close(p.c);
	return r;
}

/* ---- the command ---- */

static const struct {
	const char *name, *flags;
	int least, most; /* arguments */
	const char *takes;
	int (*run)(const struct cli_options *o);
} parts[] = {
	{ "ls", "jbDr", 0, 1, "[REMOTE]", ls },
	{ "send", "bDrRt", 2, 3, "[REMOTE] SERVICE and TEXT or -", send_ },
	{ "recv", "bDrnxjRt", 1, 2, "[REMOTE] SERVICE", recv_ },
	{ "ping", "bDrnsit", 0, 1, "[REMOTE]", rpmsg_ping },
	{ "bench", "bDrj", 0, 2, "[REMOTE [SERVICE]]", rpmsg_bench },
	{ "tty", "bDr", 0, 2, "[REMOTE [SERVICE]]", rpmsg_tty },
};

#define PARTS (sizeof(parts) / sizeof(parts[0]))

/* The part is the first word that is no option; options may stand before it. */
static int run(int argc, char **argv)
{
	struct cli_options o;
	int r = cli_options(&cli_rpmsg, argc, argv, "jbDrnxRtsi", &o);
	char full[32];
	const struct cli_command part = { .name = full, .help = help };
	const char *name;
	size_t i = 0;

	if (r >= 0)
		return r;
	if (!o.argc)
		return cli_usage(&cli_rpmsg, "say what to do: ls, send, recv, ping, bench or tty");
	name = o.argv[0];
	while (i < PARTS && strcmp(parts[i].name, name) != 0)
		i++;
	if (i == PARTS)
		return cli_usage(&cli_rpmsg,
				 "it cannot '%s'; right is one of ls, send, recv, ping, bench, tty",
				 name);
	snprintf(full, sizeof(full), "rpmsg %s", name);
	r = cli_options(&part, argc, argv, parts[i].flags, &o);
	if (r >= 0)
		return r;
	o.argc--;
	o.argv++;
	if (o.argc < parts[i].least || o.argc > parts[i].most)
		return cli_usage(&cli_rpmsg, "%s takes %s", name, parts[i].takes);
	if (o.raw + o.hex + o.json > 1)
		return cli_usage(&cli_rpmsg, "one of --raw, --hex and --json");
	if (o.raw && parts[i].run == send_ && strcmp(o.argv[o.argc - 1], "-") != 0)
		return cli_usage(&cli_rpmsg, "--raw is for standard input, which is -");
	return parts[i].run(&o);
}

const struct cli_command cli_rpmsg = {
	.name = "rpmsg",
	.summary = "messages with a remote's services",
	.help = help,
	.run = run,
};
