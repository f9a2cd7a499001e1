// SPDX-License-Identifier: BSD-3-Clause
/*
 * Complaints about a board, and the small things that are read strictly: numbers, names, addresses.
 *
 * Theory of operation: while a board is read, the place of every field is noted under its path, such
 * as remotes[0].region.size. So a check that is made much later, on the finished board, still names
 * file, line and column; what is not in the file takes the place of what is around it. In the quick
 * form the notes hold options instead of places.
 */
#include "board_priv.h"

#include <ctype.h>
#include <stdarg.h>
#include <string.h>

struct board_note {
	struct board_note *next;
	struct board_source at;
	const char *option;
	char path[];
};

void board_note(struct board_build *b, const char *path, struct board_source at, const char *option)
{
	struct board_note *n = board_alloc(b, sizeof(*n) + strlen(path) + 1);

	if (!n)
		return;
	strcpy(n->path, path);
	n->at = at;
	n->option = option ? board_strdup(b, option, strlen(option)) : NULL;
	n->next = b->notes;
	b->notes = n;
}

static const struct board_note *find_note(const struct board_build *b, const char *path)
{
	size_t len = strlen(path);

	while (len) {
		for (const struct board_note *n = b->notes; n; n = n->next)
			if (!strncmp(n->path, path, len) && !n->path[len])
				return n;
		do
			len--;
		while (len && path[len] != '.' && path[len] != '[');
	}
	return NULL;
}

static bool begins_character(char c)
{
	return (c & 0xc0) != 0x80;
}

/*
 * The text is known to be printable UTF-8; a column is a character, however many bytes it has. Of a
 * long line only what is around the column is shown.
 */
static void show_line(struct board_build *b, struct board_source at)
{
	const char *p = b->text, *end = b->text + b->len;
	int first = at.column > 90 ? at.column - 60 : 1, column = 0;

	for (int i = 1; i < at.line && p < end; i++) {
		p = memchr(p, '\n', (size_t)(end - p));
		if (!p)
			return;
		p++;
	}
	fputs("  ", b->err);
	for (const char *q = p; q < end && *q != '\n' && *q != '\r'; q++) {
		column += begins_character(*q);
		if (column >= first + 100)
			break;
		if (column >= first)
			fputc(*q, b->err);
	}
	fputs("\n  ", b->err);
	for (column = 0; p < end && column < at.column - 1 && *p != '\n'; p++) {
		column += begins_character(*p);
		if (column >= first && begins_character(*p))
			fputc(*p == '\t' ? '\t' : ' ', b->err);
	}
	fputs("^\n", b->err);
}

static void complain(struct board_build *b, struct board_source at, const char *where,
		     const char *fmt, va_list ap)
{
	if (b->errors++ == COMPLAINTS_MAX)
		fprintf(b->err, "%s: more than %u mistakes; mend these first\n", b->file,
			COMPLAINTS_MAX);
	if (b->errors > COMPLAINTS_MAX)
		return;
	fputs(b->file, b->err);
	if (at.line)
		fprintf(b->err, ":%d:%d", at.line, at.column);
	fprintf(b->err, ": %s%s", where, *where ? ": " : "");
	vfprintf(b->err, fmt, ap);
	fputc('\n', b->err);
	if (at.line && b->text)
		show_line(b, at);
}

void board_error_at(struct board_build *b, struct board_source at, const char *path,
		    const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	complain(b, at, path, fmt, ap);
	va_end(ap);
}

void board_error(struct board_build *b, const char *path, const char *fmt, ...)
{
	const struct board_note *n = find_note(b, path);
	struct board_source at = n ? n->at : (struct board_source){ b->text ? 1 : 0, 1 };
	va_list ap;

	va_start(ap, fmt);
	complain(b, at, b->text ? path : n && n->option ? n->option : "", fmt, ap);
	va_end(ap);
}

/* Bytes of the printable character, tab or line end at @s; 0: it is none. */
static size_t character(const unsigned char *s, size_t len)
{
	uint32_t c = s[0], least = 0;
	size_t n = c < 0x80 ? 1 : c >> 5 == 6 ? 2 : c >> 4 == 14 ? 3 : c >> 3 == 30 ? 4 : 0;

	if (n == 1)
		return (c >= 0x20 && c != 0x7f) || c == '\t' || c == '\n' || c == '\r';
	if (!n || n > len)
		return 0;
	least = n == 2 ? 0xa0 : n == 3 ? 0x800 : 0x10000; /* below 0xa0: controls */
	c &= 0x7fu >> n;
	for (size_t i = 1; i < n; i++) {
		if (s[i] >> 6 != 2)
			return 0;
		c = c << 6 | (s[i] & 0x3f);
	}
	return c < least || c > 0x10ffff || (c >= 0xd800 && c < 0xe000) ? 0 : n;
}

bool board_not_text(const char *text, size_t len, struct board_source *at)
{
	size_t i = 0;

	*at = (struct board_source){ 1, 1 };
	while (i < len) {
		size_t n = character((const unsigned char *)text + i, len - i);

		if (!n)
			return true;
		at->column++;
		if (text[i] == '\n')
			*at = (struct board_source){ at->line + 1, 1 };
		i += n;
	}
	return false;
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 99;
}

int board_number(const char *s, size_t len, uint64_t *value)
{
	uint64_t v = 0, base = 10, scale = 1;
	size_t i = 0;

	if (len > 2 && s[0] == '0' && (s[1] == 'x' || s[1] == 'X')) {
		base = 16;
		i = 2;
	} else if (len) {
		char unit = s[len - 1];

		scale = unit == 'K'   ? 1u << 10
			: unit == 'M' ? 1u << 20
			: unit == 'G' ? 1u << 30
				      : 1;
		len -= scale > 1;
	}
	/* 010 is eight to some readers and ten to others: to us it is a mistake. */
	if (i >= len || (base == 10 && len > 1 && s[0] == '0'))
		return -1;
	for (; i < len; i++) {
		unsigned int d = (unsigned int)digit(s[i]);

		if (d >= base || __builtin_mul_overflow(v, base, &v) ||
		    __builtin_add_overflow(v, d, &v))
			return -1;
	}
	return __builtin_mul_overflow(v, scale, value) ? -1 : 0;
}

bool board_good_name(const char *s, size_t len, size_t max)
{
	for (size_t i = 0; i < len; i++)
		if (!(s[i] >= 'a' && s[i] <= 'z') && !(s[i] >= '0' && s[i] <= '9') && s[i] != '-' &&
		    s[i] != '_')
			return false;
	return len && len <= max;
}

/* As the kernel has it, and no % (it would make the kernel choose a name). */
bool board_good_ifname(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (s[i] <= ' ' || s[i] == 0x7f || strchr("/:%", s[i]))
			return false;
	return len && len < 16 && !(len == 1 && s[0] == '.') && !(len == 2 && !memcmp(s, "..", 2));
}

int board_mac(const char *s, size_t len, uint8_t mac[6])
{
	if (len != 17)
		return -1;
	for (size_t i = 0; i < 6; i++) {
		int high = digit(s[3 * i]), low = digit(s[3 * i + 1]);

		if (high > 15 || low > 15 || (i < 5 && s[3 * i + 2] != ':'))
			return -1;
		mac[i] = (uint8_t)(high << 4 | low);
	}
	return mac[0] & 1 || !memcmp(mac, "\0\0\0\0\0\0", 6) ? -1 : 0;
}
