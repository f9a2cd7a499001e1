// SPDX-License-Identifier: BSD-3-Clause
#include "talk.h"

#include <stdio.h>
#include <string.h>

static const char help[] =
	"usage: causeway logs [--board NAME] [--run-dir DIR] [--follow] [--lines N] [REMOTE]\n"
	"\n"
	"Shows what a remote printed on its UART: the last 64 KB are kept. REMOTE may be left out\n"
	"when the board has only one. What is not printable ASCII is shown as \\xNN.\n"
	"\n"
	"  --follow         go on with what it prints from now on (Ctrl-C leaves)\n"
	"  -n, --lines N    only the last N lines\n"
	"\n"
	"Exit status: 0, or 1 when the board does not run.\n";

static const char *last_lines(const char *text, unsigned int lines)
{
	const char *p = text + strlen(text);

	if (!lines)
		return text;
	while (p > text && lines + 1) {
		p--;
		if (*p == '\n' && p[1] && !--lines)
			return p + 1;
	}
	return text;
}

static int follow(struct cw_client *c)
{
	const char *line;

	while (cli_printed() && (line = cw_client_line(c)))
		puts(line);
	return EXIT_FINE;
}

static int run(int argc, char **argv)
{
	struct cli_options o;
	struct cw_client c;
	int r = cli_options(&cli_logs, argc, argv, "bDrFn", &o);
	cJSON *a;

	if (r >= 0)
		return r;
	if (o.argc > 1)
		return cli_usage(&cli_logs, "'%s': one remote at a time", o.argv[1]);
	if (cw_client_open(&c, o.board, o.run_dir, stderr))
		return EXIT_FAIL;
	a = cw_client_ask(&c, "logs", o.argc ? o.argv[0] : o.remote, o.follow, stderr);
	if (a) {
		fputs(last_lines(talk_text(a, "text"), o.lines), stdout);
		if (o.follow)
			follow(&c);
	}
	cJSON_Delete(a);
	cw_client_close(&c);
	return a ? EXIT_FINE : EXIT_FAIL;
}

const struct cli_command cli_logs = {
	.name = "logs",
	.summary = "show what a remote printed",
	.help = help,
	.run = run,
};
