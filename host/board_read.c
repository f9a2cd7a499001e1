// SPDX-License-Identifier: BSD-3-Clause
/*
 * From the YAML tree to a board, by a table for each mapping.
 *
 * Theory of operation: a table row names a key, its type, its range and what would be right. The
 * reader walks the keys that are there, so an unknown key is found and compared with the known ones.
 * Nothing is guessed: a number that is not wholly a number is an error at its line and column.
 */
#include "board_priv.h"

#include <libfyaml.h>

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

struct reader {
	struct board_build *b;
	struct cw_board_remote *r;
	struct cw_layout_device *place;
	struct cw_board_device *d;
	struct cw_board_port *port;
};

struct field {
	const char *key;
	enum { NUMBER, FLAG, NAME, PATH, CALL } type;
	const char *right; /* what would be right, ends the complaint */
	uint64_t min, max;
	/* where it goes, for the types that are stored: the reader picks the member by address */
	void *to;
	size_t width;
	void (*call)(struct reader *rd, struct fy_node *n, const char *path);
};

static struct cw_source at(struct fy_node *n)
{
	struct fy_token *t = n && fy_node_is_scalar(n) ? fy_node_get_scalar_token(n) : NULL;
	const struct fy_mark *m = t ? fy_token_start_mark(t) : NULL;

	if (!m && n && fy_node_is_mapping(n)) {
		void *it = NULL;
		struct fy_node_pair *p = fy_node_mapping_iterate(n, &it);

		return p ? at(fy_node_pair_key(p)) : (struct cw_source){ 1, 1 };
	}
	if (!m && n && fy_node_is_sequence(n)) {
		void *it = NULL;
		struct fy_node *item = fy_node_sequence_iterate(n, &it);

		return item ? at(item) : (struct cw_source){ 1, 1 };
	}
	return m ? (struct cw_source){ m->line + 1, m->column + 1 } : (struct cw_source){ 1, 1 };
}

static const char *scalar(struct fy_node *n, size_t *len)
{
	const char *s = n && fy_node_is_scalar(n) ? fy_node_get_scalar(n, len) : NULL;

	if (!s)
		*len = 0;
	return s;
}

static bool is(struct fy_node *n, const char *text)
{
	size_t len;
	const char *s = scalar(n, &len);

	return s && len == strlen(text) && !memcmp(s, text, len);
}

static void wrong(struct reader *rd, struct fy_node *n, const char *path, const char *right)
{
	size_t len;
	const char *s = scalar(n, &len);

	if (s)
		board_error(rd->b, at(n), "%s: '%.*s' is not right here; right is %s", path,
			    len < 60 ? (int)len : 60, s, right);
	else
		board_error(rd->b, at(n), "%s: right is %s", path, right);
}

static void read_number(struct reader *rd, const struct field *f, struct fy_node *n,
			const char *path)
{
	size_t len;
	const char *s = scalar(n, &len);
	uint64_t v;

	if (!s || board_number(s, len, &v) || v < f->min || v > f->max) {
		wrong(rd, n, path, f->right);
		return;
	}
	switch (f->width) {
	case 2:
		*(uint16_t *)f->to = (uint16_t)v;
		break;
	case 4:
		*(uint32_t *)f->to = (uint32_t)v;
		break;
	default:
		*(uint64_t *)f->to = v;
		break;
	}
}

static bool good_name(const char *s, size_t len, size_t max)
{
	for (size_t i = 0; i < len; i++)
		if (!islower((unsigned char)s[i]) && !isdigit((unsigned char)s[i]) && s[i] != '-' &&
		    s[i] != '_')
			return false;
	return len && len <= max;
}

static void read_scalar(struct reader *rd, const struct field *f, struct fy_node *n,
			const char *path)
{
	size_t len;
	const char *s = scalar(n, &len);

	if (f->type == FLAG) {
		if (is(n, "true") || is(n, "false"))
			*(bool *)f->to = is(n, "true");
		else
			wrong(rd, n, path, "true or false");
	} else if (!s || !len || (f->type == NAME && !good_name(s, len, (size_t)f->max))) {
		wrong(rd, n, path, f->right);
	} else {
		*(char **)f->to = f->type == PATH ? board_path(rd->b, s, len)
						  : board_strdup(rd->b, s, len);
	}
}

/* Edit distance, small words only: for "did you mean". */
static unsigned int distance(const char *a, size_t n, const char *b)
{
	unsigned int row[40], m = (unsigned int)strlen(b);

	if (m >= 40 || n >= 40)
		return 99;
	for (unsigned int j = 0; j <= m; j++)
		row[j] = j;
	for (unsigned int i = 1; i <= n; i++) {
		unsigned int diag = row[0];

		row[0] = i;
		for (unsigned int j = 1; j <= m; j++) {
			unsigned int cost = diag + (a[i - 1] != b[j - 1]);

			diag = row[j];
			if (row[j] + 1 < cost)
				cost = row[j] + 1;
			if (row[j - 1] + 1 < cost)
				cost = row[j - 1] + 1;
			row[j] = cost;
		}
	}
	return row[m];
}

static void unknown_key(struct reader *rd, struct fy_node *key, const char *path,
			const struct field *f, size_t fields)
{
	size_t len, best = 0, used = 0;
	const char *s = scalar(key, &len);
	char all[512] = "";

	for (size_t i = 0; i < fields; i++) {
		if (s && distance(s, len, f[i].key) < distance(s, len, f[best].key))
			best = i;
		used += (size_t)snprintf(all + used, sizeof(all) - used, "%s%s", i ? ", " : "",
					 f[i].key);
	}
	if (s && distance(s, len, f[best].key) <= 2)
		board_error(rd->b, at(key), "%s: unknown key '%.*s'; did you mean '%s'?", path,
			    len < 60 ? (int)len : 60, s, f[best].key);
	else
		board_error(rd->b, at(key), "%s: unknown key '%.*s'; right is one of %s", path,
			    s ? (len < 60 ? (int)len : 60) : 1, s ? s : "?", all);
}

static void read_field(struct reader *rd, const struct field *f, struct fy_node *n,
		       const char *path)
{
	if (f->type == CALL)
		f->call(rd, n, path);
	else if (f->type == NUMBER)
		read_number(rd, f, n, path);
	else
		read_scalar(rd, f, n, path);
}

static void read_map(struct reader *rd, struct fy_node *n, const char *path, const struct field *f,
		     size_t fields)
{
	struct fy_node_pair *pair;
	void *it = NULL;
	char sub[160];

	if (!n || !fy_node_is_mapping(n)) {
		wrong(rd, n, *path ? path : "board", "a mapping (key: value)");
		return;
	}
	while ((pair = fy_node_mapping_iterate(n, &it))) {
		struct fy_node *key = fy_node_pair_key(pair);
		size_t i = 0;

		while (i < fields && !is(key, f[i].key))
			i++;
		if (i == fields) {
			unknown_key(rd, key, *path ? path : "board", f, fields);
			continue;
		}
		snprintf(sub, sizeof(sub), "%s%s%s", path, *path ? "." : "", f[i].key);
		read_field(rd, &f[i], fy_node_pair_value(pair), sub);
	}
}

#define MAP(rd, n, path, table) read_map(rd, n, path, table, sizeof(table) / sizeof(table[0]))

static struct fy_node *lookup(struct fy_node *n, const char *key)
{
	return n && fy_node_is_mapping(n) ? fy_node_mapping_lookup_by_string(n, key, FY_NT) : NULL;
}

/* Calls @each for the items of a list of at most @max; returns their number. */
static unsigned int
each_item(struct reader *rd, struct fy_node *n, const char *path, int max, const char *right,
	  void (*each)(struct reader *rd, struct fy_node *n, const char *path, unsigned int i))
{
	int count = n && fy_node_is_sequence(n) ? fy_node_sequence_item_count(n) : -1;
	struct fy_node *item;
	unsigned int i = 0;
	void *it = NULL;
	char sub[160];

	if (count < 1 || count > max) {
		wrong(rd, n, path, right);
		return 0;
	}
	while ((item = fy_node_sequence_iterate(n, &it))) {
		snprintf(sub, sizeof(sub), "%s[%u]", path, i);
		each(rd, item, sub, i++);
	}
	return i;
}

/* ---- devices ---- */

static void read_mac(struct reader *rd, struct fy_node *n, const char *path)
{
	unsigned int m[6];
	char text[18], end;
	size_t len;
	const char *s = scalar(n, &len);

	if (s && len == 17) {
		memcpy(text, s, 17);
		text[17] = 0;
		if (sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x%c", &m[0], &m[1], &m[2], &m[3], &m[4],
			   &m[5], &end) == 6 &&
		    !(m[0] & 1)) {
			for (int i = 0; i < 6; i++)
				rd->d->mac[i] = (uint8_t)m[i];
			return;
		}
	}
	wrong(rd, n, path, "a unicast address like 02:43:00:00:00:01");
}

static void take_tap(struct reader *rd, struct fy_node *n, const char *path)
{
	const struct field f = { .type = NAME,
				 .right = "an interface name of 1 to 15 of a-z 0-9 - _",
				 .max = 15,
				 .to = &rd->d->ifname };

	rd->d->backend = CW_BACKEND_TAP;
	read_scalar(rd, &f, n, path);
}

static void take_fd(struct reader *rd, struct fy_node *n, const char *path)
{
	const struct field f = { .right = "the number of an inherited descriptor, 3 to 1023",
				 .min = 3,
				 .max = 1023,
				 .to = &rd->d->fd,
				 .width = 4 };

	rd->d->backend = CW_BACKEND_TAP;
	read_number(rd, &f, n, path);
}

static void take_path(struct reader *rd, struct fy_node *n, const char *path, char **to)
{
	const struct field f = { .type = PATH,
				 .right = "a path of at most 107 characters",
				 .to = to };

	read_scalar(rd, &f, n, path);
	if (*to && strlen(*to) > 107)
		wrong(rd, n, path, f.right);
}

static void take_dgram(struct reader *rd, struct fy_node *n, const char *path)
{
	rd->d->backend = CW_BACKEND_DGRAM;
	take_path(rd, n, path, &rd->d->path);
}

static void take_peer(struct reader *rd, struct fy_node *n, const char *path)
{
	take_path(rd, n, path, &rd->d->peer);
}

static void take_random_file(struct reader *rd, struct fy_node *n, const char *path)
{
	rd->d->backend = CW_BACKEND_FILE;
	take_path(rd, n, path, &rd->d->path);
}

static void take_stream(struct reader *rd, struct fy_node *n, const char *path)
{
	rd->port->backend = CW_BACKEND_STREAM;
	take_path(rd, n, path, &rd->port->path);
}

static void take_log(struct reader *rd, struct fy_node *n, const char *path)
{
	rd->port->backend = CW_BACKEND_LOG;
	take_path(rd, n, path, &rd->port->path);
}

static void take_pty(struct reader *rd, struct fy_node *n, const char *path)
{
	rd->port->backend = CW_BACKEND_PTY;
	take_path(rd, n, path, &rd->port->path);
}

static void read_console_backend(struct reader *rd, struct fy_node *n, const char *path)
{
	static const struct field table[] = {
		{ .key = "pty", .type = CALL, .call = take_pty },
		{ .key = "socket", .type = CALL, .call = take_stream },
		{ .key = "log", .type = CALL, .call = take_log },
	};

	if (is(n, "pty"))
		rd->port->backend = CW_BACKEND_PTY;
	else if (is(n, "stdio"))
		rd->port->backend = CW_BACKEND_STDIO;
	else if (n && fy_node_is_mapping(n))
		MAP(rd, n, path, table);
	else
		wrong(rd, n, path, "pty, stdio, {pty: LINK}, {socket: PATH} or {log: PATH}");
}

static void read_net_backend(struct reader *rd, struct fy_node *n, const char *path)
{
	static const struct field table[] = {
		{ .key = "tap", .type = CALL, .call = take_tap },
		{ .key = "fd", .type = CALL, .call = take_fd },
		{ .key = "socket", .type = CALL, .call = take_dgram },
		{ .key = "peer", .type = CALL, .call = take_peer },
	};

	if (!n || !fy_node_is_mapping(n) || !fy_node_mapping_item_count(n)) {
		wrong(rd, n, path, "{tap: NAME}, {fd: NUMBER} or {socket: PATH, peer: PATH}");
		return;
	}
	MAP(rd, n, path, table);
	if (rd->d->backend == CW_BACKEND_DGRAM && (!rd->d->path || !rd->d->peer))
		wrong(rd, n, path, "both socket: PATH (ours) and peer: PATH (where to send)");
}

static void read_rng_backend(struct reader *rd, struct fy_node *n, const char *path)
{
	static const struct field table[] = {
		{ .key = "file", .type = CALL, .call = take_random_file },
	};

	if (is(n, "getrandom"))
		rd->d->backend = CW_BACKEND_GETRANDOM;
	else if (n && fy_node_is_mapping(n))
		MAP(rd, n, path, table);
	else
		wrong(rd, n, path, "getrandom or {file: PATH}");
}

static void read_port(struct reader *rd, struct fy_node *n, const char *path, unsigned int i)
{
	struct cw_board_port *p = &rd->d->port[i];
	const struct field table[] = {
		{ .key = "name",
		  .type = NAME,
		  .to = &p->name,
		  .max = 31,
		  .right = "a name of 1 to 31 of a-z 0-9 - _" },
		{ .key = "backend", .type = CALL, .call = read_console_backend },
	};

	rd->port = p;
	p->at = at(n);
	p->backend = CW_BACKEND_PTY;
	MAP(rd, n, path, table);
}

static void read_ports(struct reader *rd, struct fy_node *n, const char *path)
{
	rd->d->ports = each_item(rd, n, path, CW_PORTS_MAX, "a list of 1 to 8 ports", read_port);
}

static void read_kind(struct reader *rd, struct fy_node *n, const char *path)
{
	(void)path; /* read before the other keys, as they depend on it */
	(void)rd;
	(void)n;
}

static void read_device_name(struct reader *rd, struct fy_node *n, const char *path)
{
	size_t len;
	const char *s = scalar(n, &len);

	if (s && good_name(s, len, CW_DEVICE_NAME_LEN - 1))
		memcpy(rd->place->name, s, len);
	else
		wrong(rd, n, path, "a name of 1 to 15 of a-z 0-9 - _");
}

#define COMMON_FIELDS(rd)                                                                \
	{ .key = "kind", .type = CALL, .call = read_kind },                              \
		{ .key = "name", .type = CALL, .call = read_device_name },               \
		{ .key = "size",                                                         \
		  .type = NUMBER,                                                        \
		  .min = 12288,                                                          \
		  .max = 1u << 30,                                                       \
		  .to = &(rd)->place->size,                                              \
		  .width = 4,                                                            \
		  .right = "a size from 12K to 1G, a multiple of 4K" },                  \
		{ .key = "at",                                                           \
		  .type = NUMBER,                                                        \
		  .min = 1,                                                              \
		  .max = UINT64_MAX >> 1,                                                \
		  .to = &(rd)->place->block,                                             \
		  .width = 8,                                                            \
		  .right = "an address in the region, a multiple of 4K" },               \
	{                                                                                \
		.key = "queue-size", .type = NUMBER, .min = 2, .max = CW_QUEUE_SIZE_MAX, \
		.to = &(rd)->place->queue_size, .width = 2,                              \
		.right = "a power of two from 2 to 1024"                                 \
	}

static void read_rng(struct reader *rd, struct fy_node *n, const char *path)
{
	const struct field table[] = {
		COMMON_FIELDS(rd),
		{ .key = "backend", .type = CALL, .call = read_rng_backend },
		{ .key = "rate",
		  .type = NUMBER,
		  .max = UINT32_MAX,
		  .to = &rd->d->rate,
		  .width = 4,
		  .right = "bytes a second, 0 for no limit" },
	};

	MAP(rd, n, path, table);
}

static void read_net(struct reader *rd, struct fy_node *n, const char *path)
{
	const struct field table[] = {
		COMMON_FIELDS(rd),
		{ .key = "backend", .type = CALL, .call = read_net_backend },
		{ .key = "mac", .type = CALL, .call = read_mac },
		{ .key = "mtu",
		  .type = NUMBER,
		  .min = 68,
		  .max = 65521,
		  .to = &rd->d->mtu,
		  .width = 2,
		  .right = "bytes from 68 to 65521" },
		{ .key = "offload", .type = FLAG, .to = &rd->d->offload },
	};

	MAP(rd, n, path, table);
	if (!lookup(n, "backend"))
		board_error(rd->b, at(n),
			    "%s: backend is missing; right is {tap: NAME}, {fd: NUMBER} "
			    "or {socket: PATH, peer: PATH}",
			    path);
}

static void read_console(struct reader *rd, struct fy_node *n, const char *path)
{
	const struct field table[] = {
		COMMON_FIELDS(rd),
		{ .key = "backend", .type = CALL, .call = read_console_backend },
		{ .key = "ports", .type = CALL, .call = read_ports },
		{ .key = "cols",
		  .type = NUMBER,
		  .min = 1,
		  .max = 1000,
		  .to = &rd->d->cols,
		  .width = 2,
		  .right = "columns from 1 to 1000" },
		{ .key = "rows",
		  .type = NUMBER,
		  .min = 1,
		  .max = 1000,
		  .to = &rd->d->rows,
		  .width = 2,
		  .right = "rows from 1 to 1000" },
	};

	rd->port = &rd->d->port[0];
	MAP(rd, n, path, table);
	if (lookup(n, "backend") && lookup(n, "ports"))
		board_error(rd->b, at(n),
			    "%s: backend and ports exclude each other; right is a "
			    "backend in each port",
			    path);
}

static void read_device(struct reader *rd, struct fy_node *n, const char *path, unsigned int i)
{
	struct fy_node *kind = lookup(n, "kind");

	rd->d = &rd->r->device[i];
	rd->place = &rd->r->place[i];
	rd->d->at = at(n);
	rd->d->id = is(kind, "rng")	  ? CW_ID_RNG
		    : is(kind, "net")	  ? CW_ID_NET
		    : is(kind, "console") ? CW_ID_CONSOLE
					  : 0;
	board_device_defaults_for(rd->d);
	switch (rd->d->id) {
	case CW_ID_RNG:
		read_rng(rd, n, path);
		break;
	case CW_ID_NET:
		read_net(rd, n, path);
		break;
	case CW_ID_CONSOLE:
		read_console(rd, n, path);
		break;
	default:
		wrong(rd, kind ? kind : n, path, "kind: rng, net or console");
		break;
	}
	if (rd->place->queue_size & (rd->place->queue_size - 1))
		wrong(rd, lookup(n, "queue-size"), path, "a queue-size that is a power of two");
}

/* ---- remotes ---- */

static void read_devices(struct reader *rd, struct fy_node *n, const char *path)
{
	rd->r->layout.devices = (uint16_t)each_item(rd, n, path, CW_DEVICES_MAX,
						    "a list of 1 to 64 devices", read_device);
}

static void read_region(struct reader *rd, struct fy_node *n, const char *path)
{
	const struct field table[] = {
		{ .key = "base",
		  .type = NUMBER,
		  .max = UINT64_MAX >> 1,
		  .to = &rd->r->layout.base,
		  .width = 8,
		  .right = "an address, e.g. 0x37000000" },
		{ .key = "size",
		  .type = NUMBER,
		  .min = 0x5000,
		  .max = 1u << 31,
		  .to = &rd->r->layout.size,
		  .width = 4,
		  .right = "a size from 20K to 2G, e.g. 16M" },
		{ .key = "line",
		  .type = NUMBER,
		  .min = CW_LINE_MIN,
		  .max = CW_LINE_MAX,
		  .to = &rd->r->layout.line,
		  .width = 4,
		  .right = "the larger cache line of both sides, a power of two from 16 to 1024" },
		{ .key = "dtb",
		  .type = NUMBER,
		  .max = 1u << 20,
		  .to = &rd->r->layout.dtb,
		  .width = 4,
		  .right = "bytes for the device-tree fragment, a multiple of 4K" },
	};

	MAP(rd, n, path, table);
}

static void read_memory_file(struct reader *rd, struct fy_node *n, const char *path)
{
	rd->r->memory = CW_MEMORY_FILE;
	const struct field f = { .type = PATH, .right = "a path", .to = &rd->r->memory_path };

	read_scalar(rd, &f, n, path);
}

static void read_memory(struct reader *rd, struct fy_node *n, const char *path)
{
	const struct field table[] = {
		{ .key = "file", .type = CALL, .call = read_memory_file },
		{ .key = "offset",
		  .type = NUMBER,
		  .max = UINT64_MAX >> 1,
		  .to = &rd->r->memory_offset,
		  .width = 8,
		  .right = "an offset, a multiple of 4K" },
	};

	if (is(n, "memfd"))
		rd->r->memory = CW_MEMORY_MEMFD;
	else if (lookup(n, "file"))
		MAP(rd, n, path, table);
	else
		wrong(rd, n, path, "memfd or {file: PATH, offset: BYTES}");
	if (rd->r->memory_offset % CW_PAGE_SIZE)
		wrong(rd, lookup(n, "offset"), path, "an offset that is a multiple of 4K");
}

static void read_firmware(struct reader *rd, struct fy_node *n, const char *path)
{
	const struct field f = { .type = PATH,
				 .right = "the path of a program",
				 .to = &rd->r->firmware };

	rd->r->carrier = CW_CARRIER_PROCESS;
	rd->r->firmware_at = at(n);
	read_scalar(rd, &f, n, path);
}

static void read_arg(struct reader *rd, struct fy_node *n, const char *path, unsigned int i)
{
	size_t len;
	const char *s = scalar(n, &len);

	if (s)
		rd->r->argv[1 + i] = board_strdup(rd->b, s, len);
	else
		wrong(rd, n, path, "a word");
}

static void read_args(struct reader *rd, struct fy_node *n, const char *path)
{
	rd->r->argv = board_alloc(rd->b, 66 * sizeof(char *));
	if (rd->r->argv)
		each_item(rd, n, path, 64, "a list of at most 64 words", read_arg);
}

static void read_carrier(struct reader *rd, struct fy_node *n, const char *path)
{
	static const struct field table[] = {
		{ .key = "process", .type = CALL, .call = read_firmware },
		{ .key = "args", .type = CALL, .call = read_args },
	};

	if (is(n, "attach"))
		rd->r->carrier = CW_CARRIER_ATTACH;
	else if (lookup(n, "process"))
		MAP(rd, n, path, table);
	else
		wrong(rd, n, path, "{process: FIRMWARE, args: [...]} or attach");
}

static void read_doorbell(struct reader *rd, struct fy_node *n, const char *path)
{
	const struct field table[] = {
		{ .key = "socket", .type = PATH, .to = &rd->r->doorbell_path, .right = "a path" },
		{ .key = "poll",
		  .type = NUMBER,
		  .min = 10,
		  .max = 1000000,
		  .to = &rd->r->poll_us,
		  .width = 4,
		  .right = "microseconds from 10 to 1000000" },
	};

	rd->r->doorbell = CW_DOORBELL_SOCKET;
	if (is(n, "socket"))
		return;
	if (!n || !fy_node_is_mapping(n)) {
		wrong(rd, n, path, "socket, {socket: PATH} or {poll: MICROSECONDS}");
		return;
	}
	if (lookup(n, "poll"))
		rd->r->doorbell = CW_DOORBELL_POLL;
	MAP(rd, n, path, table);
}

static void read_recovery(struct reader *rd, struct fy_node *n, const char *path)
{
	const struct field table[] = {
		{ .key = "limit",
		  .type = NUMBER,
		  .min = 1,
		  .max = 1000000,
		  .to = &rd->r->recovery_limit,
		  .width = 4,
		  .right = "restarts from 1" },
		{ .key = "seconds",
		  .type = NUMBER,
		  .min = 1,
		  .max = 1000000,
		  .to = &rd->r->recovery_seconds,
		  .width = 4,
		  .right = "seconds from 1" },
	};

	rd->r->recovery = is(n, "never")    ? CW_RECOVER_NEVER
			  : is(n, "always") ? CW_RECOVER_ALWAYS
					    : CW_RECOVER_LIMIT;
	if (rd->r->recovery == CW_RECOVER_LIMIT && (!n || !fy_node_is_mapping(n)))
		wrong(rd, n, path, "never, always or {limit: N, seconds: M}");
	else if (rd->r->recovery == CW_RECOVER_LIMIT)
		MAP(rd, n, path, table);
}

static void read_remote(struct reader *rd, struct fy_node *n, const char *path, unsigned int i)
{
	struct cw_board_remote *r = &rd->b->board.remote[i];
	const struct field table[] = {
		{ .key = "name",
		  .type = NAME,
		  .to = &r->name,
		  .max = 31,
		  .right = "a name of 1 to 31 of a-z 0-9 - _" },
		{ .key = "region", .type = CALL, .call = read_region },
		{ .key = "memory", .type = CALL, .call = read_memory },
		{ .key = "carrier", .type = CALL, .call = read_carrier },
		{ .key = "doorbell", .type = CALL, .call = read_doorbell },
		{ .key = "autostart", .type = FLAG, .to = &r->autostart },
		{ .key = "recovery", .type = CALL, .call = read_recovery },
		{ .key = "lost-ms",
		  .type = NUMBER,
		  .min = 10,
		  .max = 3600000,
		  .to = &r->lost_ms,
		  .width = 4,
		  .right = "milliseconds from 10 to 3600000" },
		{ .key = "worker",
		  .type = NUMBER,
		  .max = 63,
		  .to = &r->worker,
		  .width = 4,
		  .right = "the number of a worker, from 0" },
		{ .key = "devices", .type = CALL, .call = read_devices },
	};
	char *first;

	rd->r = r;
	r->at = at(n);
	r->worker = UINT32_MAX;
	board_remote_defaults(r);
	MAP(rd, n, path, table);
	if (!r->name)
		board_error(rd->b, r->at, "%s: name is missing", path);
	if (!lookup(n, "devices"))
		board_error(rd->b, r->at, "%s: devices is missing; right is a list of devices",
			    path);
	if (r->carrier == CW_CARRIER_PROCESS && !r->firmware)
		board_error(rd->b, r->at,
			    "%s: carrier is missing; right is {process: FIRMWARE} or "
			    "attach",
			    path);
	if (!r->argv)
		r->argv = board_alloc(rd->b, 2 * sizeof(char *));
	first = r->firmware;
	if (r->argv)
		r->argv[0] = first;
}

static void read_remotes(struct reader *rd, struct fy_node *n, const char *path)
{
	struct cw_board *board = &rd->b->board;

	board->remote = board_alloc(rd->b, 64 * sizeof(*board->remote));
	if (board->remote)
		board->remotes =
			each_item(rd, n, path, 64, "a list of 1 to 64 remotes", read_remote);
}

void board_read(struct board_build *b, struct fy_node *root)
{
	struct reader rd = { .b = b };
	const struct field table[] = {
		{ .key = "name",
		  .type = NAME,
		  .to = &b->board.name,
		  .max = 31,
		  .right = "a name of 1 to 31 of a-z 0-9 - _" },
		{ .key = "poll", .type = FLAG, .to = &b->board.poll },
		{ .key = "poll-max-us",
		  .type = NUMBER,
		  .max = 100000,
		  .to = &b->board.poll_max_us,
		  .width = 4,
		  .right = "microseconds up to 100000" },
		{ .key = "workers",
		  .type = NUMBER,
		  .min = 1,
		  .max = 16,
		  .to = &b->board.workers,
		  .width = 4,
		  .right = "a number from 1 to 16" },
		{ .key = "remotes", .type = CALL, .call = read_remotes },
	};

	MAP(&rd, root, "", table);
	if (fy_node_is_mapping(root) && !lookup(root, "remotes"))
		board_error(b, at(root), "board: remotes is missing; right is a list of remotes");
}
