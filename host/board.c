// SPDX-License-Identifier: BSD-3-Clause
/*
 * Boards: memory, complaints, numbers, and the two ways to load one.
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
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

static void show_line(struct board_build *b, struct cw_source at)
{
	const char *p = b->text, *end = b->text + b->len;

	for (int i = 1; i < at.line && p < end; i++) {
		p = memchr(p, '\n', (size_t)(end - p));
		if (!p)
			return;
		p++;
	}
	if (p >= end)
		return;
	fputs("  ", b->err);
	for (const char *q = p; q < end && *q != '\n'; q++)
		fputc(*q == '\t' || isprint((unsigned char)*q) ? *q : '?', b->err);
	fputs("\n  ", b->err);
	for (int i = 1; i < at.column && p < end && *p != '\n'; i++, p++)
		fputc(*p == '\t' ? '\t' : ' ', b->err);
	fputs("^\n", b->err);
}

void board_error(struct board_build *b, struct cw_source at, const char *fmt, ...)
{
	va_list ap;

	b->errors++;
	if (at.line)
		fprintf(b->err, "%s:%d:%d: error: ", b->file, at.line, at.column);
	else
		fprintf(b->err, "%s: error: ", b->file);
	va_start(ap, fmt);
	vfprintf(b->err, fmt, ap);
	va_end(ap);
	fputc('\n', b->err);
	if (at.line && b->text)
		show_line(b, at);
}

int board_number(const char *s, size_t len, uint64_t *value)
{
	uint64_t v = 0, base = 10, scale = 1;
	size_t i = 0;

	if (len > 2 && s[0] == '0' && (s[1] == 'x' || s[1] == 'X')) {
		base = 16;
		i = 2;
	}
	if (len > i && base == 10 && strchr("KMG", s[len - 1]))
		scale = s[--len] == 'K' ? 1u << 10 : s[len] == 'M' ? 1u << 20 : 1u << 30;
	if (i >= len)
		return -1;
	for (; i < len; i++) {
		const char *digits = "0123456789abcdef";
		const char *d = memchr(digits, tolower((unsigned char)s[i]), base);

		if (!d || __builtin_mul_overflow(v, base, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(d - digits), &v))
			return -1;
	}
	return __builtin_mul_overflow(v, scale, value) ? -1 : 0;
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
	if (!b->errors)
		board_lay_out(b);
	free(b->dir);
	b->dir = NULL;
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

/* libfyaml names memory by its address; people want the file's name there. */
static void tell_syntax(struct board_build *b, const char *said)
{
	const char *p = said;

	while (*p) {
		const char *nl = strchr(p, '\n'), *gt = strchr(p, '>');
		size_t n = nl ? (size_t)(nl - p) + 1 : strlen(p);

		if (!strncmp(p, "<memory-", 8) && gt && gt < p + n)
			fprintf(b->err, "%s%.*s", b->file, (int)(n - (size_t)(gt + 1 - p)), gt + 1);
		else
			fprintf(b->err, "%.*s", (int)n, p);
		p += n;
	}
	b->errors++;
}

static struct fy_document *parse(struct board_build *b)
{
	struct fy_diag_cfg dcfg;
	struct fy_parse_cfg cfg = { .search_path = "", .flags = FYPCF_DEFAULT_DOC };
	struct fy_document *doc;
	char *said = NULL;
	size_t said_len;
	FILE *mem = open_memstream(&said, &said_len);

	if (!mem)
		return NULL;
	fy_diag_cfg_default(&dcfg);
	dcfg.fp = mem;
	dcfg.colorize = false;
	cfg.diag = fy_diag_create(&dcfg);
	doc = fy_document_build_from_string(&cfg, b->text, b->len);
	fy_diag_destroy(cfg.diag);
	fclose(mem);
	if (!doc || !fy_document_root(doc)) {
		if (said && *said)
			tell_syntax(b, said);
		else
			board_error(b, (struct cw_source){ 0, 0 },
				    "the file is empty; right is a mapping with 'remotes:'");
	}
	free(said);
	return doc;
}

static char *default_name(struct board_build *b)
{
	const char *base = strrchr(b->file, '/') ? strrchr(b->file, '/') + 1 : b->file;
	size_t len = strcspn(base, ".");
	char *name = board_strdup(b, base, len < 31 ? len : 31);

	for (char *p = name; p && *p; p++)
		*p = isalnum((unsigned char)*p) ? (char)tolower((unsigned char)*p) : '-';
	return name;
}

static int load(struct cw_board **board, struct board_build *b)
{
	struct fy_document *doc;

	b->board.name = default_name(b);
	doc = parse(b);
	if (doc && fy_document_root(doc))
		board_read(b, fy_document_root(doc));
	fy_document_destroy(doc);
	return board_finish(b, board);
}

int cw_board_load_text(struct cw_board **board, const char *text, size_t len, const char *name,
		       FILE *err)
{
	struct board_build *b = board_new(name, err);

	if (!b)
		return -1;
	b->text = text;
	b->len = len;
	return load(board, b);
}

static char *read_file(const char *path, size_t *len, FILE *err)
{
	FILE *f = fopen(path, "re");
	char *text = f ? malloc(FILE_MAX + 1) : NULL;

	if (!f) {
		fprintf(err, "%s: error: cannot open the board file: %s\n", path, strerror(errno));
		return NULL;
	}
	*len = text ? fread(text, 1, FILE_MAX + 1, f) : 0;
	if (!text || ferror(f) || *len > FILE_MAX) {
		fprintf(err, "%s: error: %s\n", path,
			text && !ferror(f) ? "larger than 1 MiB: not a board file"
					   : "cannot read the board file");
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
	int r;

	if (!text)
		return -1;
	b = board_new(path, err);
	if (!b) {
		free(text);
		return -1;
	}
	b->board.file = board_strdup(b, path, strlen(path));
	copy = strdup(path);
	b->dir = copy ? strdup(dirname(copy)) : NULL;
	free(copy);
	b->text = text;
	b->len = len;
	r = load(board, b);
	if (!r)
		(*board)->file = b->board.file;
	free(text);
	return r;
}

static int missing(const struct cw_board *board, struct cw_source at, const char *path, FILE *err)
{
	if (!path || !access(path, R_OK))
		return 0;
	if (at.line)
		fprintf(err, "%s:%d:%d: ", board->file, at.line, at.column);
	fprintf(err, "error: cannot read %s: %s\n", path, strerror(errno));
	return -1;
}

int cw_board_check_files(const struct cw_board *board, FILE *err)
{
	int r = 0;

	for (unsigned int i = 0; i < board->remotes; i++) {
		const struct cw_board_remote *m = &board->remote[i];

		r |= missing(board, m->firmware_at, m->firmware, err);
		for (unsigned int d = 0; d < m->layout.devices; d++)
			if (m->device[d].backend == CW_BACKEND_FILE)
				r |= missing(board, m->device[d].at, m->device[d].path, err);
	}
	return r;
}

const struct cw_board_remote *cw_board_remote_find(const struct cw_board *board, const char *name)
{
	for (unsigned int i = 0; i < board->remotes; i++)
		if (!strcmp(board->remote[i].name, name))
			return &board->remote[i];
	return NULL;
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
	default:
		return "unknown";
	}
}
