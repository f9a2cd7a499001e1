// SPDX-License-Identifier: BSD-3-Clause
#include "cli.h"

#include <causeway/host/keeper.h>

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static const char help[] =
	"usage: causeway run [--run-dir DIR] [--quiet] BOARD.yaml\n"
	"       causeway run [DEVICE...] [--name NAME] [--no-poll] -- FIRMWARE [ARG...]\n"
	"\n"
	"Serves the devices of a board's remotes and starts those that it is to start. Runs until\n"
	"Ctrl-C, SIGTERM or causeway stop, and leaves nothing behind. What a remote prints is shown\n"
	"as [NAME] line.\n"
	"\n"
	"The quick form needs no board file; the run ends with its firmware. Its devices:\n"
	"  --rng[=file=PATH]      entropy, from the kernel or from a file's bytes\n"
	"  --net tap=NAME         network, on a TAP interface that exists (or --net fd=NUMBER)\n"
	"  --console [pty|stdio|socket=PATH|log=PATH]\n"
	"  --rpmsg                messages; causeway rpmsg talks to the firmware's services\n"
	"\n"
	"  --run-dir DIR          where control socket and lock are (default: /run/causeway for root,\n"
	"                         else $XDG_RUNTIME_DIR/causeway)\n"
	"  --quiet                do not show what remotes print (causeway logs does)\n"
	"  --region BASE,SIZE     quick form: address and size of the region, as the remote sees it\n"
	"\n"
	"Exit status: 0 stopped in order, 1 it could not run, 2 the board file or an option is wrong.\n"
	"\n"
	"  causeway run boards/demo.yaml\n"
	"  causeway run --rng --net tap=tap0 --console pty -- ./firmware\n";

static bool is_quick(int argc, char **argv)
{
	for (int i = 0; i < argc; i++)
		if (!strcmp(argv[i], "--"))
			return true;
	return false;
}

/*
 * Takes what concerns the run out of the line, wherever it stands before the firmware; the rest is the
 * board's. Returns how much is left, with the command's name at the front, or -1: help was wanted.
 */
static int take_options(int argc, char **argv, struct cw_keeper_options *o)
{
	int left = 1;

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--")) {
			while (i < argc)
				argv[left++] = argv[i++];
		} else if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h")) {
			return -1;
		} else if (!strcmp(argv[i], "--quiet")) {
			o->quiet = true;
		} else if (!strcmp(argv[i], "--run-dir") && i + 1 < argc) {
			o->run_dir = argv[++i];
		} else {
			argv[left++] = argv[i];
		}
	}
	return left;
}

static int run(int argc, char **argv)
{
	struct cw_keeper_options o = { 0 };
	struct cw_board *board;
	int r, option = 0;

	argc = take_options(argc, argv, &o);
	if (argc < 0)
		return fputs(help, stdout), EXIT_FINE;
	for (int i = 1; i < argc && !option; i++)
		option = argv[i][0] == '-' ? i : 0;
	if (is_quick(argc, argv))
		r = cw_board_quick(&board, argc, argv, stderr);
	else if (argc == 1)
		return cli_usage(&cli_run, "no board file");
	else if (option || argc > 2)
		return cli_usage(&cli_run, "'%s': one board file, or devices, -- and a firmware",
				 argv[option ? option : 2]);
	else
		r = cw_board_load(&board, argv[1], stderr);
	if (r)
		return EXIT_USAGE;
	r = board->file && cw_board_check_files(board, stderr) ? EXIT_USAGE
							       : cw_keeper_run(board, &o);
	cw_board_free(board);
	return r;
}

const struct cli_command cli_run = {
	.name = "run",
	.summary = "run a board: serve its remotes' devices, start its remotes",
	.help = help,
	.run = run,
};
