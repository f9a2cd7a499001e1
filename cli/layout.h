/* SPDX-License-Identifier: BSD-3-Clause */
/* The forms in which causeway layout prints a remote's memory map. */
#ifndef CAUSEWAY_CLI_LAYOUT_H
#define CAUSEWAY_CLI_LAYOUT_H

#include <causeway/host/board.h>

/* Each prints all of a remote to @f; errors of writing are the caller's to see by ferror(). */
void layout_text(FILE *f, const struct cw_board_remote *r);
void layout_c_header(FILE *f, const struct cw_board_remote *r);
void layout_ld(FILE *f, const struct cw_board_remote *r);
void layout_dts_linux(FILE *f, const struct cw_board_remote *r);
void layout_dts_remote(FILE *f, const struct cw_board_remote *r);
void layout_dtb(FILE *f, const struct cw_board_remote *r);
void layout_json(FILE *f, const struct cw_board_remote *r);

#endif
