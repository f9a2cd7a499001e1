// SPDX-License-Identifier: BSD-3-Clause
/*
 * causeway-status-page: what a remote says of itself, as files for a web server.
 *
 * Theory of operation: one loop. Messages of the services `status` and `log` go into a view, the keeper is
 * asked how the remote's carrier is, and what is then known is written as status.json and history.json. The
 * client library reconnects by itself, so a remote or a PMM that went and came back needs no care here.
 */
#include "carrier.h"
#include "output.h"

#include <causeway/core/err.h>

#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define NAME	 "causeway-status-page"
#define TICK_MS	 250
#define AGAIN_US 1000000u /* a sample is asked for until one has come */
#define LATER_US 500000u  /* after a keeper that did not answer */
#define AT_ONCE	 64	  /* messages of a service in one go */

static const char help[] =
	"usage: " NAME " --directory DIR [OPTIONS] [REMOTE]\n"
	"       " NAME " --period MS | --sample [OPTIONS] [REMOTE]\n"
	"\n"
	"Receives what a remote tells of itself (RPMsg services status and log) and keeps it as a web page\n"
	"in DIR: status.json, history.json and index.html with what it needs. Any web server can serve DIR.\n"
	"Goes on through restarts of the remote and of the PMM; Ctrl-C ends it.\n"
	"\n"
	"  -d, --directory DIR   where to write; made if it is not there\n"
	"  -n, --history N       samples kept in history.json, 1 to 100000; 600 unless told\n"
	"  -p, --period MS       only ask the remote for a sample every MS milliseconds, 100 to 60000\n"
	"  -s, --sample          only ask the remote for one sample now\n"
	"  -b, --board NAME      the board, or its file; may be left out when only one runs\n"
	"      --run-dir DIR     the PMM's run directory\n"
	"  -h, --help            this text\n"
	"\n"
	"REMOTE may be left out when only one of the board has messages, a device {kind: rpmsg}.\n"
	"\n"
	"Exit status: 0 ended or done; 1 it could not be done; 2 wrong usage.\n";

struct options {
	const char *directory;
	unsigned int history;
	uint32_t period;
	bool sample;
};

struct service {
	const char *name;
	struct cw_rpmsg_client *client; /* NULL: it is not there */
};

static struct options opt = { .history = 600 };
static struct service status_service = { .name = CW_SAMPLE_SERVICE };
static struct service log_service = { .name = CW_LOG_SERVICE };
static struct view view;
static struct carrier carrier;
static bool wish;	/* for a sample: none has come since the service was joined */
static uint64_t wished; /* when it was told, 0: not yet */
static volatile sig_atomic_t ended;

static struct view_time now(void)
{
	struct timespec a, b;

	clock_gettime(CLOCK_MONOTONIC, &a);
	clock_gettime(CLOCK_REALTIME, &b);
	return (struct view_time){ (uint64_t)a.tv_sec * 1000000u + (uint64_t)a.tv_nsec / 1000u,
				   (int64_t)b.tv_sec * 1000 + b.tv_nsec / 1000000 };
}

/* ---- options ---- */

__attribute__((format(printf, 1, 2), noreturn)) static void usage(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fprintf(stderr, NAME ": ");
	vfprintf(stderr, fmt, ap);
	fprintf(stderr, "; see " NAME " --help\n");
	va_end(ap);
	exit(2);
}

static uint32_t number(const char *option, const char *s, uint32_t least, uint32_t most)
{
	char *end;
	unsigned long v;

	errno = 0;
	v = strtoul(s, &end, 10);
	if (errno || !*s || *end || *s < '0' || *s > '9' || v < least || v > most)
		usage("--%s takes a number from %u to %u, not '%s'", option, least, most, s);
	return (uint32_t)v;
}

static void option(int o)
{
	switch (o) {
	case 'd':
		opt.directory = optarg;
		break;
	case 'n':
		opt.history = number("history", optarg, 1, VIEW_ROWS_MAX);
		break;
	case 'p':
		opt.period = number("period", optarg, CW_PERIOD_MIN_MS, CW_PERIOD_MAX_MS);
		break;
	case 's':
		opt.sample = true;
		break;
	case 'b':
		carrier.board = optarg;
		break;
	case 'D':
		carrier.run_dir = optarg;
		break;
	case 'h':
		fputs(help, stdout);
		exit(0);
	default: /* getopt has said what is wrong */
		fprintf(stderr, "see " NAME " --help\n");
		exit(2);
	}
}

static void options(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "directory", required_argument, NULL, 'd' },
		{ "history", required_argument, NULL, 'n' },
		{ "period", required_argument, NULL, 'p' },
		{ "sample", no_argument, NULL, 's' },
		{ "board", required_argument, NULL, 'b' },
		{ "run-dir", required_argument, NULL, 'D' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int o;

	while ((o = getopt_long(argc, argv, "d:n:p:sb:h", longs, NULL)) >= 0)
		option(o);
	if (argc - optind > 1)
		usage("'%s' is one too many", argv[optind + 1]);
	if (optind < argc)
		carrier.remote = argv[optind];
	if (!!opt.directory + !!opt.period + opt.sample != 1)
		usage("say one of --directory, --period and --sample");
}

/* ---- messages ---- */

/* What will not change by itself is said, once. */
static void cannot_join(const struct service *s, int err)
{
	static bool said;

	if (err != CW_EACCES || said)
		return;
	said = true;
	fprintf(stderr, NAME ": service %s: only the PMM's user may connect\n", s->name);
}

/* Why nothing can be shown, once; that a PMM which was there is away shows on the page alone. */
static void look(void)
{
	static char said[sizeof(carrier.trouble)];
	bool answered = carrier_look(&carrier, &view);

	if ((carrier.found && !answered) || !strcmp(said, carrier.trouble))
		return;
	memcpy(said, carrier.trouble, sizeof(said));
	if (said[0])
		fprintf(stderr, NAME ": %s\n", said);
}

/* Who keeps lines of log tells them when it is sent any message. */
static bool join(struct service *s)
{
	const struct cw_rpmsg_client_config conf = carrier_config(&carrier, s->name);
	int err = carrier.there ? cw_rpmsg_client_open(&s->client, &conf) : CW_ENODEV;

	if (err) {
		s->client = NULL;
		cannot_join(s, err);
		return false;
	}
	if (s == &status_service) {
		wish = true;
		wished = 0;
	}
	if (s == &log_service)
		(void)cw_rpmsg_client_send(s->client, "?", 1, 0);
	return true;
}

static void take(const struct service *s, const void *m, uint32_t len)
{
	if (s == &status_service)
		view_sample(&view, m, len, now());
	else
		view_log(&view, m, len, now());
	wish &= s != &status_service;
}

/*
 * The remote's first one goes out when its service has a socket, before anybody can have connected to that. What was
 * told to a worker that was ending got lost, and the library then joins another without a word: told once more.
 */
static void hurry(void)
{
	uint64_t t = now().us;

	if (!wish || !status_service.client || (wished && t - wished < AGAIN_US))
		return;
	if (control_wish(&carrier))
		wished = t;
}

/* Takes what has come; true: something is new. A service that ended is joined again when it is back. */
static bool serve(struct service *s)
{
	static uint8_t m[CW_RPMSG_CLIENT_MOST];
	bool news = false;
	int n = CW_OK;

	if (!s->client && !join(s))
		return false;
	for (int i = 0; i < AT_ONCE && n >= 0; i++) {
		n = cw_rpmsg_client_recv(s->client, m, sizeof(m), 0);
		if (n > 0) {
			take(s, m, (uint32_t)n);
			news = true;
		}
	}
	if (n < 0 && n != CW_ETIMEDOUT) {
		cw_rpmsg_client_close(s->client);
		s->client = NULL;
		news = true;
	}
	return news;
}

/* ---- the loop ---- */

static void end(int sig)
{
	(void)sig;
	ended = 1;
}

static void wait_a_moment(void)
{
	struct pollfd p[2] = { { .fd = -1, .events = POLLIN }, { .fd = -1, .events = POLLIN } };

	if (status_service.client)
		p[0].fd = cw_rpmsg_client_fd(status_service.client);
	if (log_service.client)
		p[1].fd = cw_rpmsg_client_fd(log_service.client);
	poll(p, 2, TICK_MS);
}

static void watch(struct output *o)
{
	uint64_t next = 0;
	bool news = true;

	while (!ended) {
		if (now().us >= next) {
			look();
			next = now().us + (view.pmm ? TICK_MS * 1000u : LATER_US);
		}
		news |= serve(&status_service);
		news |= serve(&log_service);
		hurry();
		view.service = status_service.client != NULL;
		news &= !output_turn(o, &view, now(), news);
		wait_a_moment();
	}
	output_end(o, &view, now());
}

static int serve_directory(void)
{
	struct output o;

	if (output_open(&o, opt.directory))
		return -1;
	if (view_init(&view, opt.history)) {
		fprintf(stderr, NAME ": no memory for %u samples\n", opt.history);
		return -1;
	}
	if (carrier.remote)
		snprintf(view.name, sizeof(view.name), "%s", carrier.remote);
	watch(&o);
	cw_rpmsg_client_close(status_service.client);
	cw_rpmsg_client_close(log_service.client);
	view_free(&view);
	return 0;
}

int main(int argc, char **argv)
{
	struct sigaction a = { .sa_handler = end };

	options(argc, argv);
	sigaction(SIGTERM, &a, NULL);
	sigaction(SIGINT, &a, NULL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* a limit is as a disk that is full */
	if (opt.directory)
		return serve_directory() ? 1 : 0;
	return control_ask(&carrier, opt.period) ? 1 : 0;
}
