// SPDX-License-Identifier: BSD-3-Clause
/*
 * Attach gdb to a remote whose firmware has a stub on a console port: find the port and the file that
 * the remote runs, then become gdb.
 */
#include "talk.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char help[] =
	"usage: causeway gdb [--board NAME] [--run-dir DIR] [--print] [REMOTE[:PORT]] [-- ARG...]\n"
	"\n"
	"Starts gdb with the remote's firmware, attached to the remote, which stops. PORT is a console\n"
	"port with a socket or a pty, by number or name; it is called gdb unless told. REMOTE may be\n"
	"left out when the board has only one. ARGs go to gdb, for instance -batch -ex bt.\n"
	"\n"
	"  --print    only print the command\n"
	"\n"
	"Takes $GDB, or gdb-multiarch, or gdb. One debugger at a time; detach or quit lets the remote\n"
	"go on. Where it can stop and where not is said in docs/porting.md.\n"
	"\n"
	"Exit status: gdb's own; 1 when it was not started.\n";

#define WORDS 64

/* What is to be executed. */
struct command {
	char file[512], target[160];
	const char *word[WORDS];
	unsigned int words;
};

/* The file with the symbols, where it can be read from here. */
static const char *firmware(struct command *c, const cJSON *remote)
{
	const char *name = talk_text(remote, "firmware");

	if (!*name)
		return NULL;
	snprintf(c->file, sizeof(c->file), "%s", name);
	if (access(c->file, R_OK) && *name != '/')
		snprintf(c->file, sizeof(c->file), "/lib/firmware/%s", name);
	if (!access(c->file, R_OK))
		return c->file;
	fprintf(stderr, "causeway: %s cannot be read here: gdb starts without symbols\n", name);
	return NULL;
}

static int build(struct command *c, const cJSON *remote, const cJSON *port, char **args)
{
	const char *gdb = getenv("GDB"), *file = firmware(c, remote);

	snprintf(c->target, sizeof(c->target), "target remote %s", talk_text(port, "at"));
	c->word[c->words++] = gdb && *gdb ? gdb : "gdb-multiarch";
	if (file)
		c->word[c->words++] = file;
	c->word[c->words++] = "-ex";
	c->word[c->words++] = c->target;
	for (; *args && c->words < WORDS - 1; args++)
		c->word[c->words++] = *args;
	c->word[c->words] = NULL;
	return *args ? cli_usage(&cli_gdb, "more than %d words for gdb", WORDS - 6) : EXIT_FINE;
}

/* As a shell takes it. */
static void print(const struct command *c, FILE *f)
{
	for (unsigned int i = 0; i < c->words; i++) {
		const char *w = c->word[i];
		bool plain = *w &&
			     !w[strspn(w, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
					  "0123456789-_=+./:,@%")];

		fputs(i ? " " : "", f);
		for (fputs(plain ? "" : "'", f); *w; w++)
			fputs(*w == '\'' ? "'\\''" : (char[]){ *w, 0 }, f);
		fputs(plain ? "" : "'", f);
	}
	fputc('\n', f);
}

static int become(struct command *c)
{
	bool named = strcmp(c->word[0], "gdb-multiarch") != 0;

	fputs("By hand: ", stderr);
	print(c, stderr);
	execvp(c->word[0], (char **)(uintptr_t)c->word);
	if (errno == ENOENT && !named) {
		c->word[0] = "gdb";
		execvp(c->word[0], (char **)(uintptr_t)c->word);
	}
	if (errno == ENOENT && !named)
		fputs("causeway: gdb-multiarch is not installed; on Debian: apt install "
		      "gdb-multiarch\n",
		      stderr);
	else
		fprintf(stderr, "causeway: cannot start %s: %s\n", c->word[0], strerror(errno));
	return EXIT_FAIL;
}

/* Whether a debugger can come in there and now. */
static bool usable(const cJSON *remote, const cJSON *port)
{
	const char *name = talk_text(remote, "name"), *kind = talk_text(port, "kind");

	if (strcmp(kind, "socket") != 0 && strcmp(kind, "pty") != 0)
		fprintf(stderr,
			"causeway: this port of %s is of kind %s; gdb wants a socket or a pty\n",
			name, kind);
	else if (strcmp(talk_text(remote, "link"), "up") != 0 ||
		 !strcmp(talk_text(remote, "state"), "offline") ||
		 !cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(port, "open")))
		fprintf(stderr, "causeway: remote %s (%s, link %s) has not opened this port\n",
			name, talk_text(remote, "state"), talk_text(remote, "link"));
	else if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(port, "joined")))
		fprintf(stderr, "causeway: somebody is at this port of %s already, %s\n", name,
			talk_text(port, "at"));
	else
		return true;
	return false;
}

static int attach(const struct cli_options *o, const char *remote, const char *port, char **args)
{
	cJSON *s = talk_once(o, "status", NULL);
	const cJSON *r = s ? talk_remote(s, remote) : NULL;
	const cJSON *b = r ? talk_port(r, port ? port : "gdb") : NULL;
	struct command c = { .words = 0 };
	int e = EXIT_FAIL;

	if (b && usable(r, b)) {
		e = build(&c, r, b, args);
		if (!e && o->print)
			print(&c, stdout);
		else if (!e)
			e = become(&c);
	}
	cJSON_Delete(s);
	return e;
}

static int run(int argc, char **argv)
{
	struct cli_options o;
	int mine = 0, r;
	const char *port;
	char *remote;

	while (mine < argc && strcmp(argv[mine], "--") != 0)
		mine++;
	r = cli_options(&cli_gdb, mine, argv, "bDrp", &o);
	if (r >= 0)
		return r;
	if (o.argc > 1)
		return cli_usage(&cli_gdb, "'%s': one remote at a time; what is for gdb follows --",
				 o.argv[1]);
	remote = talk_split(o.argc ? o.argv[0] : o.remote, &port);
	r = attach(&o, remote && *remote ? remote : NULL, port, argv + mine + (mine < argc));
	free(remote);
	return r;
}

const struct cli_command cli_gdb = {
	.name = "gdb",
	.summary = "attach gdb to a remote whose firmware lets it",
	.help = help,
	.run = run,
};
