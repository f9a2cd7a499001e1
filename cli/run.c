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
	"\n"
	"  --run-dir DIR          where control socket and lock are (first on the line; default\n"
	"                         /run/causeway for root, else $XDG_RUNTIME_DIR/causeway)\n"
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

/* Options for either form come first; what follows is the board's. */
static int run(int argc, char **argv)
{
	struct cw_keeper_options o = { 0 };
	struct cw_board *board;
	int r, i = 1;

	for (; i < argc; i++) {
		if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h"))
			return fputs(help, stdout), EXIT_FINE;
		if (!strcmp(argv[i], "--quiet"))
			o.quiet = true;
		else if (!strcmp(argv[i], "--run-dir") && i + 1 < argc)
			o.run_dir = argv[++i];
		else
			break;
	}
	if (is_quick(argc - i, argv + i))
		r = cw_board_quick(&board, argc - i + 1, argv + i - 1, stderr);
	else if (i == argc)
		return cli_usage(&cli_run, "no board file");
	else if (argv[i][0] == '-' || i + 1 < argc)
		return cli_usage(&cli_run, "'%s': one board file, or devices, -- and a firmware",
				 argv[argv[i][0] == '-' ? i : i + 1]);
	else
		r = cw_board_load(&board, argv[i], stderr);
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
