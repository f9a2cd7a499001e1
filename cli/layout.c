// SPDX-License-Identifier: BSD-3-Clause
/* causeway layout: prints where everything lies in a remote's region. */
#include "cli.h"
#include "layout.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct form {
	const char *name;
	void (*print)(FILE *f, const struct cw_board_remote *r);
} forms[] = {
	{ "text", layout_text },
	{ "c-header", layout_c_header },
	{ "ld", layout_ld },
	{ "dts-linux", layout_dts_linux },
	{ "dts-remote", layout_dts_remote },
	{ "dtb", layout_dtb },
	{ "json", layout_json },
};

#define FORMS (sizeof(forms) / sizeof(forms[0]))

static const struct form *find_form(const char *name)
{
	for (size_t i = 0; i < FORMS; i++)
		if (!strcmp(name, forms[i].name))
			return &forms[i];
	return NULL;
}

static bool many(const struct form *f)
{
	return f->print == layout_text || f->print == layout_json;
}

static int failed(const char *path)
{
	struct stat st;

	fprintf(stderr, "causeway layout: cannot write %s: %s\n", path ? path : "to the output",
		strerror(errno));
	if (path && !lstat(path, &st) && S_ISREG(st.st_mode))
		unlink(path);
	return EXIT_FAIL;
}

/* What could not be written wholly is not left behind for a build to take. */
static int print(const struct cli_options *o, const struct cw_board *board, const struct form *form)
{
	FILE *f = o->output ? fopen(o->output, "we") : stdout;
	bool bad;

	if (!f) {
		fprintf(stderr, "causeway layout: cannot write %s: %s\n", o->output,
			strerror(errno));
		return EXIT_FAIL;
	}
	for (unsigned int i = 0; i < board->remotes; i++)
		if (!o->remote || !strcmp(o->remote, board->remote[i].name))
			form->print(f, &board->remote[i]);
	bad = fflush(f) || ferror(f);
	if (f != stdout)
		bad |= fclose(f) != 0;
	return bad ? failed(o->output) : EXIT_FINE;
}

static int run(int argc, char **argv)
{
	const struct form *form;
	struct cw_board *board;
	struct cli_options o;
	int r = cli_options(&cli_layout, argc, argv, "jrof", &o);

	if (r >= 0)
		return r;
	if (o.argc != 1)
		return cli_usage(&cli_layout, o.argc ? "'%s' is one too many" : "no board file",
				 o.argv[1]);
	form = find_form(o.json ? "json" : o.format ? o.format : "text");
	if (!form)
		return cli_usage(&cli_layout,
				 "no format '%s'; there are text, c-header, ld, dts-linux, "
				 "dts-remote, dtb and json",
				 o.format);
	if (cw_board_load(&board, o.argv[0], stderr))
		return EXIT_USAGE;
	if (o.remote && !cw_board_remote_find(board, o.remote))
		r = cli_usage(&cli_layout, "%s has no remote '%s'", o.argv[0], o.remote);
	else if (!many(form) && !o.remote && board->remotes > 1)
		r = cli_usage(&cli_layout, "%s has %u remotes; say which with --remote", o.argv[0],
			      board->remotes);
	else
		r = print(&o, board, form);
	cw_board_free(board);
	return r;
}

const struct cli_command cli_layout = {
	.name = "layout",
	.summary = "print a remote's memory map: text, C header, linker script, device trees",
	.help = "usage: causeway layout [-f FORM] [-r REMOTE] [-o FILE] BOARD.yaml\n"
		"\n"
		"Prints where everything lies in a remote's region. All forms hold the same numbers:\n"
		"\n"
		"  text        a table for people (default)\n"
		"  c-header    struct cw_layout for a firmware that has no device tree\n"
		"  ld          symbols for a linker script\n"
		"  dts-linux   reserved memory and UIO nodes for Linux's device tree\n"
		"  dts-remote  the fragment that stands at the start of the region, as source\n"
		"  dtb         the same in binary\n"
		"  json        one object a remote, for programs\n"
		"\n"
		"  -f, --format FORM   one of these; --json is --format json\n"
		"  -r, --remote NAME   of a board with several remotes\n"
		"  -o, --output FILE   instead of standard output\n"
		"\n"
		"Exit status: 0 printed, 1 FILE cannot be written, 2 wrong usage or board file.\n",
	.run = run,
};
