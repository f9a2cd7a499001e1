// SPDX-License-Identifier: BSD-3-Clause
/* causeway check: says what is wrong with a board file, or that nothing is. */
#include "cli.h"

#include <causeway/host/board.h>

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>

static int print_json(int status, const char *path, const char *said)
{
	cJSON *o = cJSON_CreateObject();
	char *text;

	cJSON_AddStringToObject(o, "file", path);
	cJSON_AddBoolToObject(o, "ok", status == EXIT_FINE);
	cJSON_AddStringToObject(o, "messages", said ? said : "");
	text = cJSON_PrintUnformatted(o);
	puts(text ? text : "{}");
	free(text);
	cJSON_Delete(o);
	return status;
}

static int run(int argc, char **argv)
{
	struct cli_options o;
	struct cw_board *board = NULL;
	char *said = NULL;
	size_t len = 0;
	FILE *err;
	int r = cli_options(&cli_check, argc, argv, "j", &o);

	if (r >= 0)
		return r;
	if (o.argc != 1)
		return cli_usage(&cli_check, "right is one board file");
	err = o.json ? open_memstream(&said, &len) : stderr;
	if (!err)
		return EXIT_FAIL;
	r = cw_board_load(&board, o.argv[0], err) || cw_board_check_files(board, err) ? EXIT_USAGE
										      : EXIT_FINE;
	if (o.json) {
		fclose(err);
		print_json(r, o.argv[0], said);
		free(said);
	} else if (r == EXIT_FINE) {
		unsigned int devices = 0;

		for (unsigned int i = 0; i < board->remotes; i++)
			devices += board->remote[i].layout.devices;
		printf("%s: fine: %u remote%s, %u device%s\n", o.argv[0], board->remotes,
		       board->remotes == 1 ? "" : "s", devices, devices == 1 ? "" : "s");
	}
	cw_board_free(board);
	return r;
}

const struct cli_command cli_check = {
	.name = "check",
	.summary = "say what is wrong with a board file, or that nothing is",
	.help = "usage: causeway check [--json] BOARD.yaml\n"
		"\n"
		"Reads a board file, lays it out and makes every check that `causeway run` makes before\n"
		"it starts anything. Each mistake is shown with file, line, column and what would be\n"
		"right. Nothing is opened or started.\n"
		"\n"
		"  --json   one JSON object: file, ok, messages\n"
		"\n"
		"Exit status: 0 the file is fine, 2 it is not.\n",
	.run = run,
};
