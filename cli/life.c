// SPDX-License-Identifier: BSD-3-Clause
/* start, stop, restart, attach and detach: ask, then wait until the status shows it. */
#include "talk.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define WAIT_MS	  8000
#define LOOK_MS	  10
/* Within which a remote has a link, or has said what is wrong with its start. */
#define SETTLE_MS 2000

struct before { /* what the status said then */
	double starts, failures, links;
};

static void pause_ms(long ms)
{
	nanosleep(&(struct timespec){ ms / 1000, ms % 1000 * 1000000 }, NULL);
}

static bool is_there(const cJSON *r, const char *what, double starts)
{
	const char *state = talk_text(r, "state");
	bool detached = !strcmp(state, "detached");
	bool runs = !strcmp(state, "running") || !strcmp(state, "attached");

	if (!strcmp(what, "restart") && !strcmp(state, "running"))
		return talk_number(r, "starts") > starts;
	if (!strcmp(what, "detach"))
		return detached;
	return strcmp(what, "stop") ? runs : !runs;
}

/* It is there, and has a link since, or nothing is known that could still be wrong. */
static bool stays(const cJSON *r, const char *what, const struct before *b, int *seen)
{
	bool started = !strcmp(what, "start") || !strcmp(what, "restart");

	*seen = is_there(r, what, b->starts) ? *seen + LOOK_MS : 0;
	if (!*seen || !started || strcmp(talk_text(r, "state"), "running") != 0)
		return *seen;
	return talk_number(r, "links_up") > b->links || *seen >= SETTLE_MS;
}

/* It failed since, and nobody tries again: true, and the reason has been said. */
static bool failed(const cJSON *r, const char *what, const struct before *b)
{
	if (talk_number(r, "failures") <= b->failures || !strcmp(what, "stop") ||
	    cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(r, "retries")))
		return false;
	fprintf(stderr, "causeway: %s: %s\n", what, talk_text(r, "failure"));
	return true;
}

/* Where @remote is on its way to where @what brings it: EXIT_FINE, EXIT_FAIL, or -1: not there yet. */
static int look(struct cw_client *c, const char *what, const char *remote, const struct before *b,
		int *seen)
{
	cJSON *s = cw_client_ask(c, "status", NULL, 0, stderr);
	const cJSON *r = s ? talk_remote(s, remote) : NULL;
	int so = EXIT_FAIL;

	if (r && stays(r, what, b, seen))
		so = EXIT_FINE;
	else if (r && !failed(r, what, b))
		so = -1;
	cJSON_Delete(s);
	return so;
}

static int wait_for(struct cw_client *c, const char *what, const char *remote,
		    const struct before *b)
{
	int seen = 0;

	for (int ms = 0; ms < WAIT_MS; ms += LOOK_MS) {
		int so = look(c, what, remote, b, &seen);

		if (so >= 0)
			return so;
		pause_ms(LOOK_MS);
	}
	fprintf(stderr, "causeway: %s has not happened within %d s\n", what, WAIT_MS / 1000);
	return EXIT_FAIL;
}

static int stop_board(struct cw_client *c)
{
	cJSON *a = cw_client_ask(c, "stop", NULL, 0, stderr);

	cJSON_Delete(a);
	if (!a)
		return EXIT_FAIL;
	while (cw_client_line(c)) /* its end is the end of the board */
		;
	return EXIT_FINE;
}

static int ask_remote(struct cw_client *c, const char *what, const char *remote)
{
	cJSON *s = cw_client_ask(c, "status", NULL, 0, stderr), *a;
	const cJSON *r = s ? talk_remote(s, remote) : NULL;
	struct before b = { 0 };
	bool known = r != NULL;

	if (r)
		b = (struct before){ talk_number(r, "starts"), talk_number(r, "failures"),
				     talk_number(r, "links_up") };
	cJSON_Delete(s);
	if (!known)
		return EXIT_FAIL;
	a = cw_client_ask(c, what, remote, 0, stderr);
	cJSON_Delete(a);
	return a ? wait_for(c, what, remote, &b) : EXIT_FAIL;
}

static int run(const struct cli_command *command, int argc, char **argv)
{
	struct cli_options o;
	struct cw_client c;
	int r = cli_options(command, argc, argv, "bDr", &o);
	const char *remote;

	if (r >= 0)
		return r;
	if (o.argc > 1)
		return cli_usage(command, "'%s': one remote at a time", o.argv[1]);
	remote = o.argc ? o.argv[0] : o.remote;
	if (cw_client_open(&c, o.board, o.run_dir, stderr))
		return EXIT_FAIL;
	r = !remote && !strcmp(command->name, "stop") ? stop_board(&c)
						      : ask_remote(&c, command->name, remote);
	cw_client_close(&c);
	return r;
}

static int run_start(int argc, char **argv)
{
	return run(&cli_start, argc, argv);
}

static int run_stop(int argc, char **argv)
{
	return run(&cli_stop, argc, argv);
}

static int run_restart(int argc, char **argv)
{
	return run(&cli_restart, argc, argv);
}

static int run_attach(int argc, char **argv)
{
	return run(&cli_attach, argc, argv);
}

static int run_detach(int argc, char **argv)
{
	return run(&cli_detach, argc, argv);
}

#define WHERE                                                                                       \
	"\n  --board NAME     which board; may be left out when only one runs\n"                    \
	"  --run-dir DIR    where its control socket is\n\nExit status: 0 done, 1 it could not be " \
	"done, 2 wrong usage.\n"

const struct cli_command cli_start = {
	.name = "start",
	.summary = "start a remote of a running board",
	.help = "usage: causeway start [--board NAME] [--run-dir DIR] [REMOTE]\n\n"
		"Starts a remote that is offline or crashed; REMOTE may be left out when the board\n"
		"has only one.\n" WHERE,
	.run = run_start,
};

const struct cli_command cli_stop = {
	.name = "stop",
	.summary = "stop a remote, or the whole board",
	.help = "usage: causeway stop [--board NAME] [--run-dir DIR] [REMOTE]\n\n"
		"Stops one remote: it is asked to end, and ended after a second. Without REMOTE it\n"
		"stops the board, as Ctrl-C on causeway run does, and waits until nothing is left.\n" WHERE,
	.run = run_stop,
};

const struct cli_command cli_restart = {
	.name = "restart",
	.summary = "stop and start a remote",
	.help = "usage: causeway restart [--board NAME] [--run-dir DIR] [REMOTE]\n\n"
		"Stops a remote and starts it again; others on the board are not touched.\n" WHERE,
	.run = run_restart,
};

const struct cli_command cli_attach = {
	.name = "attach",
	.summary = "serve a remote that runs without us",
	.help = "usage: causeway attach [--board NAME] [--run-dir DIR] [REMOTE]\n\n"
		"Serves a remote that was detached, or that somebody else started: one with the\n"
		"carrier attach, or a processor that Linux (remoteproc) found running.\n" WHERE,
	.run = run_attach,
};

const struct cli_command cli_detach = {
	.name = "detach",
	.summary = "leave a remote running and stop serving it",
	.help = "usage: causeway detach [--board NAME] [--run-dir DIR] [REMOTE]\n\n"
		"Leaves a remote alone without stopping it; causeway attach takes it up again. Only\n"
		"for carriers whose remotes run without us: attach, remoteproc.\n" WHERE,
	.run = run_detach,
};
