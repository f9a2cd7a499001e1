// SPDX-License-Identifier: BSD-3-Clause
/*
 * The quick form of the command line: words that end with a zero byte give a board whose layouts pass
 * the contract's check and whose firmware is the word behind "--", or complaints.
 */
#include "fuzz.h"

#include <causeway/host/board.h>

#include <stdlib.h>
#include <string.h>

#define WORDS 96

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1), *word[WORDS + 2];
	struct cw_board *board = NULL;
	static FILE *null;
	int n = 0, dashes = 0;

	null = null ? null : fopen("/dev/null", "w");
	FZ_CHECK(text && null);
	memcpy(text, data, size);
	text[size] = 0;
	word[n++] = (char[]){ "run" };
	for (char *p = text; p < text + size && n < WORDS; p += strlen(p) + 1)
		word[n++] = p;
	word[n] = NULL;
	if (!cw_board_quick(&board, n, word, null)) {
		while (dashes < n && strcmp(word[dashes], "--") != 0)
			dashes++;
		FZ_CHECK(board->remotes == 1 && !board->file && dashes + 1 < n);
		FZ_CHECK(cw_layout_check(&board->remote[0].layout, NULL, NULL) == CW_LAYOUT_FINE);
		for (int i = 0; board->remote[0].argv[i]; i++)
			FZ_CHECK(!strcmp(board->remote[0].argv[i], word[dashes + 1 + i]));
		cw_board_free(board);
	}
	free(text);
	return 0;
}
