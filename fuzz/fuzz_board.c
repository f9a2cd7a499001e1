// SPDX-License-Identifier: BSD-3-Clause
/* Board files: any bytes give a board whose layouts pass the contract's check, or complaints. */
#include "fuzz.h"

#include <causeway/host/board.h>

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cw_board *board = NULL;
	static FILE *null;
	int r;

	if (!null)
		null = fopen("/dev/null", "w");
	FZ_CHECK(null);
	r = cw_board_load_text(&board, (const char *)data, size, "fuzz.yaml", null);
	if (r)
		return 0;
	FZ_CHECK(board->remotes >= 1);
	for (unsigned int i = 0; i < board->remotes; i++)
		FZ_CHECK(cw_layout_check(&board->remote[i].layout, NULL, NULL) == CW_LAYOUT_FINE);
	cw_board_free(board);
	return 0;
}
