// SPDX-License-Identifier: BSD-3-Clause
/*
 * Requests on the control socket: every line gets an answer that is an object with "ok", with "error"
 * when that is false, and that fits a client's buffer; no descriptor stays.
 */
#include "fuzz.h"

#include "../host/control/control.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char board_text[] =
	"remotes:\n"
	"- { name: a, carrier: attach, memory: {file: m}, doorbell: {poll: 500},\n"
	"    devices: [ {kind: rng}, {kind: net, backend: {fd: 9}}, {kind: console} ] }\n"
	"- { name: b, carrier: attach, memory: {file: n}, doorbell: {poll: 500}, devices: [{kind: rng}] }\n";

static struct keeper keeper;
static struct control control;
static struct cw_report_remote *report;

static void set_up(void)
{
	struct cw_board *board;

	FZ_CHECK(!cw_board_load_text(&board, board_text, sizeof(board_text) - 1, "fuzz", stderr));
	keeper.board = board;
	keeper.quiet = true;
	keeper.dir.lock_fd = -1;
	keeper.remote = calloc(board->remotes, sizeof(*keeper.remote));
	report = calloc(board->remotes, sizeof(*report));
	FZ_CHECK(keeper.remote && report && !cw_loop_init(&keeper.loop));
	for (unsigned int i = 0; i < board->remotes; i++) {
		struct keeper_remote *r = &keeper.remote[i];

		r->keeper = &keeper;
		r->board = &board->remote[i];
		r->report = &report[i];
		r->uart_event.fd = r->control_event.fd = -1;
		r->memory.fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);
		cw_carrier_init(&r->carrier, r->board, &r->memory, &r->doorbell);
	}
	keeper.worker = calloc(board->workers, sizeof(*keeper.worker));
	FZ_CHECK(keeper.worker);
	for (unsigned int i = 0; i < board->workers; i++) {
		keeper.worker[i].config.report = calloc(1, cw_report_size(0));
		keeper.worker[i].config.remote =
			calloc(board->remotes, sizeof(*keeper.worker[i].config.remote));
		FZ_CHECK(keeper.worker[i].config.remote);
	}
	control.keeper = &keeper;
}

static void check_answer(const cJSON *a)
{
	const cJSON *ok = cJSON_GetObjectItemCaseSensitive(a, "ok");
	char *text = cJSON_PrintUnformatted(a);

	FZ_CHECK(cJSON_IsBool(ok) && text && strlen(text) < CONTROL_REPLY && !strchr(text, '\n'));
	if (cJSON_IsFalse(ok))
		FZ_CHECK(cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(a, "error")));
	cJSON_free(text);
}

static void ask(const char *line, size_t len)
{
	struct control_client c = { .control = &control, .pass = -1, .event.fd = -1 };
	char *copy = malloc(len ? len : 1);
	cJSON *a;

	FZ_CHECK(copy);
	memcpy(copy, line, len);
	/* What ends the keeper is the keeper's, and asked for once only. */
	if (!(len > 7 && memmem(copy, len, "stop", 4))) {
		a = control_answer(&c, copy, len);
		check_answer(a);
		cJSON_Delete(a);
	}
	if (c.pass >= 0)
		close(c.pass);
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *at = (const char *)data, *end = at + size, *nl;

	if (!keeper.board)
		set_up();
	while (at < end) {
		nl = memchr(at, '\n', (size_t)(end - at));
		nl = nl ? nl : end;
		if (nl - at < (long)CONTROL_LINE)
			ask(at, (size_t)(nl - at));
		at = nl + 1;
	}
	return 0;
}
