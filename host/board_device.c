// SPDX-License-Identifier: BSD-3-Clause
/* The keys of a device and of its backend. */
#include "board_schema.h"

#include <causeway/abi/files.h>
#include <causeway/abi/rpmsg.h>

#include <string.h>

#define SOCKET_RIGHT   "a path of at most 107 characters"
#define FILE_RIGHT     "the path of a file"
#define FILE_LEN       4095
#define CONSOLE_RIGHT  "pty, stdio, {pty: LINK}, {socket: PATH} or {log: PATH}"
#define NET_RIGHT      "{tap: NAME}, {fd: NUMBER} or {socket: PATH, peer: PATH}"
#define RNG_RIGHT      "getrandom or {file: PATH}"
#define BLK_RIGHT      "{file: PATH}, of a file or a block device"
#define FOLDER_RIGHT   "{directory: PATH}, of the folder that is exported"
#define VSOCK_RIGHT    "vhost or {socket: PATH}"
/* Behind it comes ".seqpacket", or "_" and a port. */
#define VSOCK_PATH_MAX (SUN_PATH_MAX - 11)
#define RPMSG_RIGHT    "bytes of a buffer, header included, 64 to 64K, a multiple of 4"
#define FILES_RIGHT    "{directory: PATH} or {directory: PATH, read-only: true}"
#define SMALL_RIGHT    "at least 300 where there are files, so that a name of 255 bytes fits"
#define FILES_BYTES    300u
#define KINDS	       "rng, net, console, blk, 9p, vsock or rpmsg"

/* ---- backends ---- */

static void read_rng_backend(struct board_reader *rd, struct fy_node *n, const char *path)
{
	const struct board_field table[] = {
		FIELD_TEXT("file", BOARD_PATH, BOARD_MUST, rd->device->path, FILE_LEN, FILE_RIGHT),
	};

	if (board_is(n, "getrandom"))
		return;
	if (!board_is_map(n)) {
		board_wrong(rd, n, path, RNG_RIGHT);
		return;
	}
	rd->device->backend = CW_BACKEND_FILE;
	BOARD_MAP(rd, n, path, table);
}

static void read_fd(struct board_reader *rd, struct fy_node *n, const char *path)
{
	const struct board_field f =
		FIELD_NUMBER("fd", rd->device->fd, 3, 1023, 1,
			     "the number of an inherited descriptor, 3 to 1023");

	board_read_value(rd, n, path, &f);
}

static void read_net_backend(struct board_reader *rd, struct fy_node *n, const char *path)
{
	struct cw_board_device *d = rd->device;
	const struct board_field table[] = {
		FIELD_TEXT("tap", BOARD_IFNAME, BOARD_CHOICE, d->ifname, 15,
			   "the name of a TAP interface, at most 15 characters, such as tap0"),
		FIELD_CALL("fd", BOARD_CHOICE, read_fd, NULL),
		FIELD_TEXT("socket", BOARD_PATH, BOARD_CHOICE, d->path, SUN_PATH_MAX, SOCKET_RIGHT),
		FIELD_TEXT("peer", BOARD_PATH, BOARD_MAY, d->peer, SUN_PATH_MAX, SOCKET_RIGHT),
	};

	if (!board_is_map(n)) {
		board_wrong(rd, n, path, NET_RIGHT);
		return;
	}
	if (board_lookup(n, "socket") || board_lookup(n, "peer"))
		d->backend = CW_BACKEND_DGRAM;
	BOARD_MAP(rd, n, path, table);
	if (!board_lookup(n, "socket") != !board_lookup(n, "peer"))
		board_error(rd->b, path,
			    "has one end only; right is both socket: PATH (ours) and "
			    "peer: PATH (where frames go)");
}

static void read_console_backend(struct board_reader *rd, struct fy_node *n, const char *path)
{
	struct cw_board_port *p = rd->port;
	const struct board_field table[] = {
		FIELD_TEXT("pty", BOARD_PATH, BOARD_CHOICE, p->path, FILE_LEN,
			   "the path of a symbolic link to make"),
		FIELD_TEXT("socket", BOARD_PATH, BOARD_CHOICE, p->path, SUN_PATH_MAX, SOCKET_RIGHT),
		FIELD_TEXT("log", BOARD_PATH, BOARD_CHOICE, p->path, FILE_LEN, FILE_RIGHT),
	};

	if (board_is(n, "pty"))
		p->backend = CW_BACKEND_PTY;
	else if (board_is(n, "stdio"))
		p->backend = CW_BACKEND_STDIO;
	else if (!board_is_map(n))
		board_wrong(rd, n, path, CONSOLE_RIGHT);
	else
		BOARD_MAP(rd, n, path, table);
	if (board_lookup(n, "socket"))
		p->backend = CW_BACKEND_STREAM;
	else if (board_lookup(n, "log"))
		p->backend = CW_BACKEND_LOG;
}

static void read_blk_backend(struct board_reader *rd, struct fy_node *n, const char *path)
{
	const struct board_field table[] = {
		FIELD_TEXT("file", BOARD_PATH, BOARD_MUST, rd->device->path, FILE_LEN,
			   "the path of a file or a block device"),
	};

	if (board_is_map(n))
		BOARD_MAP(rd, n, path, table);
	else
		board_wrong(rd, n, path, BLK_RIGHT);
}

static void read_vsock_backend(struct board_reader *rd, struct fy_node *n, const char *path)
{
	const struct board_field table[] = {
		FIELD_TEXT("socket", BOARD_PATH, BOARD_MUST, rd->device->path, VSOCK_PATH_MAX,
			   "a path of at most 96 characters"),
	};

	if (board_is(n, "vhost"))
		rd->device->backend = CW_BACKEND_VHOST;
	else if (board_is_map(n))
		BOARD_MAP(rd, n, path, table);
	else
		board_wrong(rd, n, path, VSOCK_RIGHT);
}

static void read_9p_backend(struct board_reader *rd, struct fy_node *n, const char *path)
{
	const struct board_field table[] = {
		FIELD_TEXT("directory", BOARD_PATH, BOARD_MUST, rd->device->path, FILE_LEN,
			   "the path of a folder"),
	};

	if (board_is_map(n))
		BOARD_MAP(rd, n, path, table);
	else
		board_wrong(rd, n, path, FOLDER_RIGHT);
}

/* ---- devices ---- */

static void read_port(struct board_reader *rd, struct fy_node *n, const char *path, unsigned int i)
{
	struct cw_board_port *p = &rd->device->port[i];
	const struct board_field table[] = {
		FIELD_TEXT("name", BOARD_NAME, BOARD_MAY, p->name, NAME_MAX_LEN, NAME_RIGHT),
		FIELD_CALL("backend", BOARD_MAY, read_console_backend, CONSOLE_RIGHT),
	};

	rd->port = p;
	p->backend = CW_BACKEND_PTY;
	BOARD_MAP(rd, n, path, table);
}

static void read_ports(struct board_reader *rd, struct fy_node *n, const char *path)
{
	rd->device->ports =
		board_read_list(rd, n, path, CW_PORTS_MAX, "a list of 1 to 8 ports", read_port);
}

/* Read before the other keys, as it says which they are. */
static void read_kind(struct board_reader *rd, struct fy_node *n, const char *path)
{
	(void)path;
	(void)rd;
	(void)n;
}

static void read_name(struct board_reader *rd, struct fy_node *n, const char *path)
{
	char *name = NULL;
	const struct board_field f = FIELD_TEXT("name", BOARD_NAME, BOARD_MAY, name,
						CW_DEVICE_NAME_LEN - 1,
						"a name of 1 to 15 of a-z 0-9 - _");

	board_read_value(rd, n, path, &f);
	if (name)
		memcpy(rd->place->name, name, strlen(name));
}

#define COMMON_FIELDS(place)                                                              \
	FIELD_CALL("kind", BOARD_MAY, read_kind, NULL),                                   \
		FIELD_CALL("name", BOARD_MAY, read_name, NULL),                           \
		FIELD_NUMBER("size", (place)->size, 0x3000, 1u << 30, CW_PAGE_SIZE,       \
			     "a size from 12K to 1G, a multiple of 4K"),                  \
		FIELD_NUMBER("at", (place)->block, CW_PAGE_SIZE, INT64_MAX, CW_PAGE_SIZE, \
			     "an address in the region, a multiple of 4K"),               \
		FIELD_NUMBER("queue-size", (place)->queue_size, 2, CW_QUEUE_SIZE_MAX, 0,  \
			     "a power of two from 2 to 1024")

static void read_rng(struct board_reader *rd, struct fy_node *n, const char *path)
{
	const struct board_field table[] = {
		COMMON_FIELDS(rd->place),
		FIELD_CALL("backend", BOARD_MAY, read_rng_backend, RNG_RIGHT),
		FIELD_NUMBER("rate", rd->device->rate, 0, UINT32_MAX, 1,
			     "bytes a second, 0 for no limit"),
	};

	BOARD_MAP(rd, n, path, table);
}

static void read_net(struct board_reader *rd, struct fy_node *n, const char *path)
{
	struct cw_board_device *d = rd->device;
	const struct board_field table[] = {
		COMMON_FIELDS(rd->place),
		FIELD_CALL("backend", BOARD_MUST, read_net_backend, NET_RIGHT),
		FIELD_TEXT("mac", BOARD_MAC, BOARD_MAY, d->mac, 0,
			   "an address of one station, such as 02:43:00:00:00:01"),
		FIELD_NUMBER("mtu", d->mtu, 68, 65521, 1, "bytes from 68 to 65521"),
		FIELD_FLAG("offload", d->offload),
	};

	BOARD_MAP(rd, n, path, table);
}

static void read_blk(struct board_reader *rd, struct fy_node *n, const char *path)
{
	struct cw_board_device *d = rd->device;
	const struct board_field table[] = {
		COMMON_FIELDS(rd->place),
		FIELD_CALL("backend", BOARD_MUST, read_blk_backend, BLK_RIGHT),
		FIELD_FLAG("read-only", d->read_only),
		FIELD_TEXT("id", BOARD_NAME, BOARD_MAY, d->disk_id, CW_BLK_ID_LEN,
			   "a name of 1 to 20 of a-z 0-9 - _"),
	};

	BOARD_MAP(rd, n, path, table);
}

static void read_vsock(struct board_reader *rd, struct fy_node *n, const char *path)
{
	const struct board_field table[] = {
		COMMON_FIELDS(rd->place),
		FIELD_CALL("backend", BOARD_MUST, read_vsock_backend, VSOCK_RIGHT),
		FIELD_NUMBER("cid", rd->device->cid, CW_VSOCK_CID_MIN, UINT32_MAX - 1, 1,
			     "an address from 3 to 4294967294"),
	};

	BOARD_MAP(rd, n, path, table);
}

static void read_9p(struct board_reader *rd, struct fy_node *n, const char *path)
{
	struct cw_board_device *d = rd->device;
	const struct board_field table[] = {
		COMMON_FIELDS(rd->place),
		FIELD_CALL("backend", BOARD_MUST, read_9p_backend, FOLDER_RIGHT),
		FIELD_FLAG("read-only", d->read_only),
		FIELD_TEXT("tag", BOARD_NAME, BOARD_MAY, d->tag, CW_9P_TAG_MAX,
			   "a name of 1 to 30 of a-z 0-9 - _"),
		FIELD_NUMBER("msize", d->msize, 4096, 1u << 20, 1, "bytes from 4K to 1M"),
	};

	BOARD_MAP(rd, n, path, table);
}

static void read_files(struct board_reader *rd, struct fy_node *n, const char *path)
{
	struct cw_board_device *d = rd->device;
	const struct board_field table[] = {
		FIELD_TEXT("directory", BOARD_PATH, BOARD_MUST, d->path, FILE_LEN,
			   "the path of a folder"),
		FIELD_FLAG("read-only", d->read_only),
	};

	if (board_is_map(n))
		BOARD_MAP(rd, n, path, table);
	else
		board_wrong(rd, n, path, FILES_RIGHT);
}

_Static_assert(FILES_BYTES >= CW_RPMSG_HEADER + CW_FILES_LEAST, "SMALL_RIGHT");

static void check_files(struct board_reader *rd, struct fy_node *n, const char *path,
			const char *key, uint32_t bytes)
{
	char sub[PATH_LEN];

	snprintf(sub, sizeof(sub), "%s.%s", path, key);
	if (board_lookup(n, "files") && bytes < FILES_BYTES)
		board_wrong(rd, board_lookup(n, key), sub, SMALL_RIGHT);
}

static void read_rpmsg(struct board_reader *rd, struct fy_node *n, const char *path)
{
	struct cw_board_device *d = rd->device;
	const struct board_field table[] = {
		COMMON_FIELDS(rd->place),
		FIELD_NUMBER("to-host", d->to_host, CW_RPMSG_BYTES_MIN, CW_RPMSG_BYTES_MAX, 4,
			     RPMSG_RIGHT),
		FIELD_NUMBER("to-remote", d->to_remote, CW_RPMSG_BYTES_MIN, CW_RPMSG_BYTES_MAX, 4,
			     RPMSG_RIGHT),
		FIELD_CALL("files", BOARD_MAY, read_files, FILES_RIGHT),
	};

	BOARD_MAP(rd, n, path, table);
	check_files(rd, n, path, "to-host", d->to_host);
	check_files(rd, n, path, "to-remote", d->to_remote);
}

static void read_console(struct board_reader *rd, struct fy_node *n, const char *path)
{
	struct cw_board_device *d = rd->device;
	const struct board_field table[] = {
		COMMON_FIELDS(rd->place),
		FIELD_CALL("backend", BOARD_MAY, read_console_backend, CONSOLE_RIGHT),
		FIELD_CALL("ports", BOARD_MAY, read_ports, NULL),
		FIELD_NUMBER("cols", d->cols, 1, 1000, 1, "columns from 1 to 1000"),
		FIELD_NUMBER("rows", d->rows, 1, 1000, 1, "rows from 1 to 1000"),
	};

	rd->port = &d->port[0];
	BOARD_MAP(rd, n, path, table);
	if (board_lookup(n, "backend") && board_lookup(n, "ports"))
		board_error(rd->b, path,
			    "has both backend and ports; right is a backend in each "
			    "port");
	if (!d->cols != !d->rows && !board_lookup(n, "cols") != !board_lookup(n, "rows"))
		board_error(rd->b, path,
			    "has half a size; right is both cols and rows, or neither");
}

void board_read_device(struct board_reader *rd, struct fy_node *n, const char *path, unsigned int i)
{
	static const struct {
		const char *kind;
		uint32_t id;
		board_call *read;
	} kinds[] = {
		{ "rng", CW_ID_RNG, read_rng },
		{ "net", CW_ID_NET, read_net },
		{ "console", CW_ID_CONSOLE, read_console },
		{ "blk", CW_ID_BLK, read_blk },
		{ "9p", CW_ID_9P, read_9p },
		{ "vsock", CW_ID_VSOCK, read_vsock },
		{ "rpmsg", CW_ID_RPMSG, read_rpmsg },
	};
	struct fy_node *kind = board_lookup(n, "kind");
	char sub[PATH_LEN];

	rd->device = &rd->remote->device[i];
	rd->place = &rd->remote->place[i];
	for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		if (!board_is(kind, kinds[k].kind))
			continue;
		rd->device->id = kinds[k].id;
		board_device_defaults_for(rd->device);
		kinds[k].read(rd, n, path);
		return;
	}
	snprintf(sub, sizeof(sub), "%s.kind", path);
	if (!board_is_map(n))
		board_wrong(rd, n, path, "a mapping such as {kind: rng}");
	else if (!kind)
		board_error(rd->b, sub, "is missing; right is " KINDS);
	else
		board_wrong(rd, kind, sub, KINDS);
}
