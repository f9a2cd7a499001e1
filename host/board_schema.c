// SPDX-License-Identifier: BSD-3-Clause
/*
 * Reads YAML by tables.
 *
 * Theory of operation: the reader walks the keys that are there, so an unknown key is found and
 * compared with the known ones, and then looks for what must be there. Nothing is guessed: a number
 * that is not wholly a number is a mistake at its line and column. After a mistake it goes on, so
 * that one run finds them all. Anchors and aliases are refused: a board file is to say plainly what
 * each remote has, and its size is to bound the work.
 */
#include "board_schema.h"

#include <string.h>

#define SHOWN 60 /* characters of a wrong value at most */

static struct board_source place_of(struct fy_token *t)
{
	const struct fy_mark *m = t ? fy_token_start_mark(t) : NULL;

	return m ? (struct board_source){ m->line + 1, m->column + 1 }
		 : (struct board_source){ 0, 0 };
}

/* Of a scalar its begin, of anything else that of the first scalar in it; line 0: there is none. */
static struct board_source at(struct fy_node *n)
{
	struct board_source s = { 0, 0 };
	struct fy_node_pair *p;
	struct fy_node *item;
	void *it = NULL;

	if (!n)
		return s;
	if (fy_node_is_scalar(
		    n)) /* a value that is left out has a token without a place of its own */
		return fy_node_is_null(n) ? s : place_of(fy_node_get_scalar_token(n));
	if (fy_node_is_mapping(n))
		return (p = fy_node_mapping_iterate(n, &it)) ? at(fy_node_pair_key(p)) : s;
	return (item = fy_node_sequence_iterate(n, &it)) ? at(item) : s;
}

static void note(struct board_reader *rd, const char *path, struct board_source here)
{
	if (here.line)
		board_note(rd->b, path, here, NULL);
}

const char *board_scalar(struct fy_node *n, size_t *len)
{
	const char *s = n && fy_node_is_scalar(n) && !fy_node_is_alias(n) && !fy_node_is_null(n)
				? fy_node_get_scalar(n, len)
				: NULL;

	if (!s)
		*len = 0;
	return s;
}

bool board_is(struct fy_node *n, const char *text)
{
	size_t len;
	const char *s = board_scalar(n, &len);

	return s && len == strlen(text) && !memcmp(s, text, len);
}

bool board_is_map(struct fy_node *n)
{
	return n && fy_node_is_mapping(n);
}

struct fy_node *board_lookup(struct fy_node *n, const char *key)
{
	struct fy_node_pair *p;
	void *it = NULL;

	while (board_is_map(n) && (p = fy_node_mapping_iterate(n, &it)))
		if (board_is(fy_node_pair_key(p), key))
			return fy_node_pair_value(p);
	return NULL;
}

/* What "\x1b" and its like in a quoted scalar stand for is not for anybody's terminal. */
static bool plain(const char *s, size_t len)
{
	struct board_source where;

	return !board_not_text(s, len, &where) && !memchr(s, '\n', len) && !memchr(s, '\r', len);
}

/* No more than SHOWN bytes, and no piece of a character. */
static int shown(const char *s, size_t len)
{
	if (len <= SHOWN)
		return (int)len;
	for (len = SHOWN; len && (s[len] & 0xc0) == 0x80; len--)
		;
	return (int)len;
}

void board_wrong(struct board_reader *rd, struct fy_node *n, const char *path, const char *right)
{
	size_t len;
	const char *s = board_scalar(n, &len);

	if (!n || fy_node_is_null(n))
		board_error(rd->b, path, "has no value; right is %s", right);
	else if (fy_node_is_alias(n))
		board_error(rd->b, path, "an alias is not followed here; right is %s", right);
	else if (!s)
		board_error(rd->b, path, "cannot be a %s; right is %s",
			    fy_node_is_mapping(n) ? "mapping (key: value)" : "list", right);
	else if (!plain(s, len))
		board_error(rd->b, path, "has a control character; right is %s", right);
	else
		board_error(rd->b, path, "cannot be '%.*s'; right is %s", shown(s, len), s, right);
}

static bool read_number(const struct board_field *f, const char *s, size_t len)
{
	uint64_t v;

	if (board_number(s, len, &v) || v < f->min || v > f->max ||
	    (f->step ? v % f->step : !v || v & (v - 1)))
		return false;
	if (f->width == 2)
		*(uint16_t *)f->to = (uint16_t)v;
	else if (f->width == 4)
		*(uint32_t *)f->to = (uint32_t)v;
	else
		*(uint64_t *)f->to = v;
	return true;
}

static bool read_path(struct board_reader *rd, const struct board_field *f, const char *s,
		      size_t len)
{
	char *path = len ? board_path(rd->b, s, len) : NULL;

	*(char **)f->to = path;
	return path && strlen(path) <= f->max;
}

static bool read_scalar(struct board_reader *rd, const struct board_field *f, const char *s,
			size_t len)
{
	switch (f->type) {
	case BOARD_NUMBER:
		return read_number(f, s, len);
	case BOARD_PATH:
		return read_path(rd, f, s, len);
	case BOARD_MAC:
		return !board_mac(s, len, f->to);
	case BOARD_FLAG:
		*(bool *)f->to = len == 4;
		return (len == 4 && !memcmp(s, "true", 4)) || (len == 5 && !memcmp(s, "false", 5));
	default:
		if (f->type == BOARD_NAME ? !board_good_name(s, len, f->max)
					  : !board_good_ifname(s, len))
			return false;
		*(char **)f->to = board_strdup(rd->b, s, len);
		return true;
	}
}

void board_read_value(struct board_reader *rd, struct fy_node *n, const char *path,
		      const struct board_field *f)
{
	size_t len;
	const char *s = board_scalar(n, &len);

	if (f->type == BOARD_CALL)
		f->call(rd, n, path);
	else if (!s || !plain(s, len) || !read_scalar(rd, f, s, len))
		board_wrong(rd, n, path, f->right);
}

/* Edit distance of short words, for "did you mean". */
static unsigned int distance(const char *a, size_t n, const char *b)
{
	unsigned int row[32], m = (unsigned int)strlen(b);

	if (m >= 32 || n >= 32)
		return 99;
	for (unsigned int j = 0; j <= m; j++)
		row[j] = j;
	for (unsigned int i = 1; i <= n; i++) {
		unsigned int diag = row[0];

		row[0] = i;
		for (unsigned int j = 1; j <= m; j++) {
			unsigned int cost = diag + (a[i - 1] != b[j - 1]);

			diag = row[j];
			cost = row[j] + 1 < cost ? row[j] + 1 : cost;
			row[j] = row[j - 1] + 1 < cost ? row[j - 1] + 1 : cost;
		}
	}
	return row[m];
}

static void unknown_key(struct board_reader *rd, struct fy_node *key, const char *path,
			const struct board_field *f, size_t fields)
{
	struct board_source here = at(key);
	size_t len, best = 0, used = 0;
	const char *s = board_scalar(key, &len);
	char all[512] = "";

	for (size_t i = 0; i < fields; i++) {
		if (s && distance(s, len, f[i].key) < distance(s, len, f[best].key))
			best = i;
		if (used < sizeof(all))
			used += (size_t)snprintf(all + used, sizeof(all) - used, "%s%s",
						 i ? ", " : "", f[i].key);
	}
	if (!s || !plain(s, len))
		board_error_at(rd->b, here, path, "a key that is no word; right is one of %s", all);
	else if (2 * distance(s, len, f[best].key) <= len)
		board_error_at(rd->b, here, path, "unknown key '%.*s'; did you mean '%s'?",
			       shown(s, len), s, f[best].key);
	else
		board_error_at(rd->b, here, path, "unknown key '%.*s'; right is one of %s",
			       shown(s, len), s, all);
}

static void path_of(char sub[PATH_LEN], const char *path, const char *key)
{
	snprintf(sub, PATH_LEN, "%s%s%s", path, *path ? "." : "", key);
}

static void read_pair(struct board_reader *rd, struct fy_node_pair *pair, const char *path,
		      const struct board_field *f, size_t fields)
{
	struct fy_node *key = fy_node_pair_key(pair), *value = fy_node_pair_value(pair);
	struct board_source here = { 0, 0 };
	char sub[PATH_LEN];
	size_t i = 0;

	while (i < fields && !board_is(key, f[i].key))
		i++;
	if (i == fields) {
		unknown_key(rd, key, path, f, fields);
		return;
	}
	path_of(sub, path, f[i].key);
	if (value && fy_node_is_scalar(value))
		here = at(value);
	note(rd, sub, here.line ? here : at(key));
	board_read_value(rd, value, sub, &f[i]);
}

static bool has(struct fy_node *n, const char *key)
{
	struct fy_node_pair *p;
	void *it = NULL;

	while ((p = fy_node_mapping_iterate(n, &it)))
		if (board_is(fy_node_pair_key(p), key))
			return true;
	return false;
}

static void check_choice(struct board_reader *rd, struct fy_node *n, const char *path,
			 const struct board_field *f, size_t fields)
{
	const char *chosen = NULL;
	char sub[PATH_LEN], all[64] = "";

	for (size_t i = 0; i < fields; i++) {
		if (f[i].need != BOARD_CHOICE)
			continue;
		snprintf(all + strlen(all), sizeof(all) - strlen(all), "%s%s", *all ? ", " : "",
			 f[i].key);
		if (!has(n, f[i].key))
			continue;
		path_of(sub, path, f[i].key);
		if (chosen)
			board_error(rd->b, sub, "cannot stand beside '%s'; right is one of them",
				    chosen);
		chosen = f[i].key;
	}
	if (*all && !chosen)
		board_error(rd->b, path, "has too little; right is one of %s", all);
}

static void check_needs(struct board_reader *rd, struct fy_node *n, const char *path,
			const struct board_field *f, size_t fields)
{
	char sub[PATH_LEN];

	for (size_t i = 0; i < fields; i++) {
		path_of(sub, path, f[i].key);
		if (f[i].need == BOARD_MUST && !has(n, f[i].key))
			board_error(rd->b, sub, "is missing; right is %s", f[i].right);
	}
	check_choice(rd, n, path, f, fields);
}

void board_read_map(struct board_reader *rd, struct fy_node *n, const char *path,
		    const struct board_field *f, size_t fields)
{
	struct fy_node_pair *pair;
	void *it = NULL;

	if (!board_is_map(n)) {
		board_wrong(rd, n, path, "a mapping (key: value)");
		return;
	}
	while ((pair = fy_node_mapping_iterate(n, &it)))
		read_pair(rd, pair, path, f, fields);
	check_needs(rd, n, path, f, fields);
}

unsigned int board_read_list(struct board_reader *rd, struct fy_node *n, const char *path,
			     unsigned int max, const char *right, board_item *each)
{
	int count = n && fy_node_is_sequence(n) ? fy_node_sequence_item_count(n) : -1;
	struct fy_node *item;
	unsigned int i = 0;
	void *it = NULL;
	char sub[PATH_LEN];

	if (count > (int)max)
		board_error(rd->b, path, "has %d items; right is %s", count, right);
	else if (!count)
		board_error(rd->b, path, "is empty; right is %s", right);
	else if (count < 0)
		board_wrong(rd, n, path, right);
	if (count < 1 || count > (int)max)
		return 0;
	while ((item = fy_node_sequence_iterate(n, &it))) {
		snprintf(sub, sizeof(sub), "%s[%u]", path, i);
		note(rd, sub, at(item));
		each(rd, item, sub, i++);
	}
	return i;
}
