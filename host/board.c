// SPDX-License-Identifier: BSD-3-Clause
/*
 * Boards: their memory, and loading one from YAML.
 *
 * Theory of operation: loading collects every complaint it can and fails at the end if there was
 * one, so that a person mends a file once and not once for each mistake. Strings and arrays hang on
 * one list that cw_board_free() drops.
 */
#include "board_priv.h"

#include <libfyaml.h>

#include <ctype.h>
#include <errno.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX (1u << 20) /* a board file larger than this is none */

struct board_memory {
	struct board_memory *next;
	max_align_t bytes[];
};

void *board_alloc(struct board_build *b, size_t size)
{
	struct board_memory *m = calloc(1, sizeof(*m) + size);

	if (!m) {
		fprintf(b->err, "%s: out of memory\n", b->file);
		b->errors++;
		return NULL;
	}
	m->next = b->memory;
	b->memory = m;
	return m->bytes;
}

char *board_strdup(struct board_build *b, const char *s, size_t len)
{
	char *d = board_alloc(b, len + 1);

	if (d)
		memcpy(d, s, len);
	return d;
}

char *board_path(struct board_build *b, const char *s, size_t len)
{
	size_t dir = b->dir ? strlen(b->dir) : 0;
	char *d;

	if (!len || s[0] == '/' || !dir)
		return board_strdup(b, s, len);
	d = board_alloc(b, dir + 1 + len + 1);
	if (d)
		sprintf(d, "%s/%.*s", b->dir, (int)len, s);
	return d;
}

struct board_build *board_new(const char *file, FILE *err)
{
	struct board_build *b = calloc(1, sizeof(*b));

	if (!b) {
		fprintf(err, "%s: out of memory\n", file);
		return NULL;
	}
	b->file = file;
	b->err = err;
	b->board.poll = true;
	b->board.poll_max_us = 50;
	b->board.workers = 1;
	return b;
}

int board_finish(struct board_build *b, struct cw_board **board)
{
	board_lay_out(b);
	board_check(b);
	if (b->errors) {
		cw_board_free(&b->board);
		return -1;
	}
	*board = &b->board;
	return 0;
}

void cw_board_free(struct cw_board *board)
{
	struct board_build *b = (struct board_build *)(void *)board;

	if (!b)
		return;
	while (b->memory) {
		struct board_memory *m = b->memory;

		b->memory = m->next;
		free(m);
	}
	free(b);
}

/* What the parser found: its words and places, in our form. */
static void tell_syntax(struct board_build *b, struct fy_diag *diag)
{
	struct fy_diag_error *e;
	void *it = NULL;

	while ((e = fy_diag_errors_iterate(diag, &it)))
		if (e->line > 0)
			board_error_at(b, (struct board_source){ e->line, e->column }, "",
				       strcmp(e->msg, "duplicate key") ? "this is not YAML: %s"
								       : "%s; right is one of them",
				       e->msg);
	if (!b->errors)
		board_error_at(b, (struct board_source){ 1, 1 }, "", "this is not YAML");
}

static void read_document(struct board_build *b, struct fy_parser *parser, struct fy_diag *diag)
{
	struct fy_document *doc = fy_parse_load_document(parser), *more = NULL;
	struct fy_node *root = doc ? fy_document_root(doc) : NULL;

	if (doc)
		more = fy_parse_load_document(parser);
	if (fy_diag_got_error(diag) || fy_parser_get_stream_error(parser))
		tell_syntax(b, diag);
	else if (!root || fy_node_is_null(root))
		board_error_at(b, (struct board_source){ 0, 0 }, "",
			       "the file says nothing; right is a mapping with 'remotes:'");
	else if (more)
		board_error_at(b, (struct board_source){ 0, 0 }, "",
			       "the file has two documents; right is one, without a line '---' or "
			       "'...' in the midst");
	else
		board_read(b, root);
	fy_parse_document_destroy(parser, more);
	fy_parse_document_destroy(parser, doc);
}

static void read_text(struct board_build *b)
{
	struct fy_diag *diag = fy_diag_create(NULL);
	struct fy_parse_cfg cfg = { .search_path = "", .flags = FYPCF_DEFAULT_DOC, .diag = diag };
	struct fy_parser *parser = diag ? fy_parser_create(&cfg) : NULL;

	if (parser && !fy_parser_set_string(parser, b->text, b->len)) {
		fy_diag_set_collect_errors(diag, true);
		read_document(b, parser, diag);
	} else {
		board_error(b, "", "out of memory");
	}
	fy_parser_destroy(parser);
	fy_diag_destroy(diag);
}

static void default_name(struct board_build *b)
{
	const char *base = strrchr(b->file, '/') ? strrchr(b->file, '/') + 1 : b->file;
	size_t len = strcspn(base, ".");
	char *name = len ? board_strdup(b, base, len < NAME_MAX_LEN ? len : NAME_MAX_LEN)
			 : board_strdup(b, "board", 5);

	for (char *p = name; p && *p; p++)
		*p = isascii(*p) && isalnum((unsigned char)*p) ? (char)tolower((unsigned char)*p)
							       : '-';
	b->board.name = name;
}

static int load(struct cw_board **board, struct board_build *b)
{
	struct board_source at;

	default_name(b);
	if (board_not_text(b->text, b->len, &at)) {
		b->text = NULL;
		board_error_at(b, at, "",
			       "a byte that is no printable character of UTF-8; right is "
			       "a text file");
	} else {
		read_text(b);
	}
	return board_finish(b, board);
}

int cw_board_load_text(struct cw_board **board, const char *text, size_t len, const char *name,
		       FILE *err)
{
	struct board_build *b = board_new(name, err);

	if (!b)
		return -1;
	b->file = board_strdup(b, name, strlen(name));
	b->text = board_strdup(b, text, len); /* complaints may come later than @text lives */
	b->len = len;
	if (b->file && b->text)
		return load(board, b);
	cw_board_free(&b->board);
	return -1;
}

static char *read_file(const char *path, size_t *len, FILE *err)
{
	FILE *f = fopen(path, "re");
	char *text = f ? malloc(FILE_MAX + 1) : NULL;

	if (!f) {
		fprintf(err, "%s: cannot open the board file: %s\n", path, strerror(errno));
		return NULL;
	}
	errno = ENOMEM;
	*len = text ? fread(text, 1, FILE_MAX + 1, f) : 0;
	if (!text || ferror(f))
		fprintf(err, "%s: cannot read the board file: %s\n", path, strerror(errno));
	else if (*len > FILE_MAX)
		fprintf(err, "%s: larger than 1 MiB, so no board file\n", path);
	if (!text || ferror(f) || *len > FILE_MAX) {
		free(text);
		text = NULL;
	}
	fclose(f);
	return text;
}

int cw_board_load(struct cw_board **board, const char *path, FILE *err)
{
	struct board_build *b;
	size_t len;
	char *text = read_file(path, &len, err), *copy;

	if (!text)
		return -1;
	b = board_new(path, err);
	if (!b) {
		free(text);
		return -1;
	}
	b->board.file = board_strdup(b, path, strlen(path));
	copy = board_strdup(b, path, strlen(path));
	b->file = b->board.file;
	b->dir = copy ? dirname(copy) : NULL;
	b->text = board_strdup(b, text, len);
	b->len = len;
	free(text);
	if (b->file && b->dir && b->text)
		return load(board, b);
	cw_board_free(&b->board);
	return -1;
}

const struct cw_board_remote *cw_board_remote_find(const struct cw_board *board, const char *name)
{
	for (unsigned int i = 0; i < board->remotes; i++)
		if (!strcmp(board->remote[i].name, name))
			return &board->remote[i];
	return NULL;
}

bool cw_board_exports(const struct cw_board_device *d)
{
	return d->id == CW_ID_9P || (d->id == CW_ID_RPMSG && d->path);
}

const char *cw_device_kind_text(uint32_t id)
{
	switch (id) {
	case CW_ID_NET:
		return "net";
	case CW_ID_CONSOLE:
		return "console";
	case CW_ID_RNG:
		return "rng";
	case CW_ID_BLK:
		return "blk";
	case CW_ID_9P:
		return "9p";
	case CW_ID_VSOCK:
		return "vsock";
	case CW_ID_RPMSG:
		return "rpmsg";
	default:
		return "unknown";
	}
}
