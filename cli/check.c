// SPDX-License-Identifier: BSD-3-Clause
/* causeway check: says what is wrong with a board file, or that nothing is. */
#include "cli.h"

#include <causeway/host/board.h>

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* "FILE:LINE:COLUMN: FIELD: MESSAGE"; what a mistake does not have is left out. */
static cJSON *json_mistake(char *line, const char *path)
{
	cJSON *o = cJSON_CreateObject();
	int row, column, n = 0;
	char *p = line + strlen(path), *colon;

	if (sscanf(p, ":%d:%d: %n", &row, &column, &n) == 2 && n) {
		cJSON_AddNumberToObject(o, "line", row);
		cJSON_AddNumberToObject(o, "column", column);
		p += n;
	} else {
		p += strspn(p, ": ");
	}
	colon = p + strcspn(p, ": ");
	if (colon[0] == ':' && colon[1] == ' ') {
		*colon = 0;
		cJSON_AddStringToObject(o, "field", p);
		p = colon + 2;
	}
	cJSON_AddStringToObject(o, "message", p);
	return o;
}

/* The lines with the source and the caret begin with a space: they are for people. */
static void print_json(bool fine, const char *path, char *said)
{
	cJSON *o = cJSON_CreateObject(), *list;
	char *text, *line, *rest = said;

	cJSON_AddStringToObject(o, "file", path);
	cJSON_AddBoolToObject(o, "ok", fine);
	list = cJSON_AddArrayToObject(o, "mistakes");
	while ((line = strsep(&rest, "\n")))
		if (*line && *line != ' ' && !strncmp(line, path, strlen(path)))
			cJSON_AddItemToArray(list, json_mistake(line, path));
	text = cJSON_PrintUnformatted(o);
	puts(text ? text : "{}");
	free(text);
	cJSON_Delete(o);
}

static void print_fine(const char *path, const struct cw_board *board)
{
	unsigned int devices = 0;

	for (unsigned int i = 0; i < board->remotes; i++)
		devices += board->remote[i].layout.devices;
	printf("%s: fine: %u remote%s, %u device%s\n", path, board->remotes,
	       board->remotes == 1 ? "" : "s", devices, devices == 1 ? "" : "s");
}

static int run(int argc, char **argv)
{
	struct cw_board *board = NULL;
	struct cli_options o;
	char *said = NULL;
	size_t len = 0;
	FILE *err;
	bool fine;
	int r = cli_options(&cli_check, argc, argv, "j", &o);

	if (r >= 0)
		return r;
	if (o.argc != 1)
		return cli_usage(&cli_check, o.argc ? "'%s' is one too many" : "no board file",
				 o.argv[1]);
	err = o.json ? open_memstream(&said, &len) : stderr;
	if (!err)
		return EXIT_FAIL;
	fine = !cw_board_load(&board, o.argv[0], err) && !cw_board_check_files(board, err);
	if (o.json) {
		fclose(err);
		print_json(fine, o.argv[0], said);
		free(said);
	} else if (fine) {
		print_fine(o.argv[0], board);
	}
	cw_board_free(board);
	if (!cli_printed())
		return EXIT_FAIL;
	return fine ? EXIT_FINE : EXIT_USAGE;
}

const struct cli_command cli_check = {
	.name = "check",
	.summary = "say what is wrong with a board file, or that nothing is",
	.help = "usage: causeway check [--json] BOARD.yaml\n"
		"\n"
		"Reads a board file, lays it out and makes every check that `causeway run` makes before\n"
		"it starts anything. Each mistake is shown with file, line, column and what would be\n"
		"right, and all of them at once. Nothing is opened or started.\n"
		"\n"
		"  --json   one JSON object: file, ok, and mistakes with line, column, field, message\n"
		"\n"
		"Exit status: 0 the file is fine, 2 it is not, 1 the answer cannot be written.\n",
	.run = run,
};
