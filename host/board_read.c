// SPDX-License-Identifier: BSD-3-Clause
/* The keys of a board and of its remotes. */
#include "board_schema.h"

#include <string.h>

#define ARGS_MAX      64u
#define DEVICES_RIGHT "a list of 1 to 64 devices"
#define REMOTES_RIGHT "a list of 1 to 64 remotes"
#define CARRIER_RIGHT                                                                  \
	"{process: FIRMWARE}, {qemu: FIRMWARE, machine: MACHINE}, {remoteproc: NAME, " \
	"firmware: FIRMWARE} or attach"
#define MEMORY_RIGHT \
	"memfd, {file: PATH, offset: BYTES}, {uio: DEVICE, map: N} or {devmem: ADDRESS}"
#define DOORBELL_RIGHT                                                                      \
	"socket, {socket: PATH}, ivshmem, chardev, {chardev: DEVICE}, {uio: DEVICE, ring: " \
	"{offset: O, value: V}} or {poll: MICROSECONDS}"
#define SYSFS	 "/sys/class/remoteproc/"
#define FILE_LEN 4095

static void read_devices(struct board_reader *rd, struct fy_node *n, const char *path)
{
	rd->remote->layout.devices = (uint16_t)board_read_list(rd, n, path, CW_DEVICES_MAX,
							       DEVICES_RIGHT, board_read_device);
}

static void read_region(struct board_reader *rd, struct fy_node *n, const char *path)
{
	struct cw_layout *l = &rd->remote->layout;
	const struct board_field table[] = {
		FIELD_NUMBER("base", l->base, 0, INT64_MAX, CW_PAGE_SIZE,
			     "an address, a multiple of 4K, such as 0x37000000"),
		FIELD_NUMBER("size", l->size, 0x4000, 1u << 31, CW_PAGE_SIZE,
			     "a size from 16K to 2G, a multiple of 4K, such as 16M"),
		FIELD_NUMBER("line", l->line, CW_LINE_MIN, CW_LINE_MAX, 0,
			     "the longer cache line of both sides, a power of two from 16 to 1024"),
		FIELD_NUMBER("dtb", l->dtb, 0, 1u << 20, CW_PAGE_SIZE,
			     "bytes for the device-tree fragment, a multiple of 4K, 0 for none"),
	};

	BOARD_MAP(rd, n, path, table);
}

static void read_memory(struct board_reader *rd, struct fy_node *n, const char *path)
{
	struct cw_board_remote *r = rd->remote;
	const struct board_field file[] = {
		FIELD_TEXT("file", BOARD_PATH, BOARD_MUST, r->memory_path, FILE_LEN,
			   "the path of a file"),
		FIELD_NUMBER("offset", r->memory_offset, 0, INT64_MAX, CW_PAGE_SIZE,
			     "an offset in the file, a multiple of 4K"),
	};
	const struct board_field uio[] = {
		FIELD_TEXT("uio", BOARD_PATH, BOARD_MUST, r->memory_path, FILE_LEN,
			   "the path of a UIO device, such as /dev/uio0"),
		FIELD_NUMBER("map", r->memory_map, 0, 4, 1, "the number of a map, 0 to 4"),
	};
	const struct board_field devmem[] = {
		FIELD_NUMBER("devmem", r->memory_offset, 0, INT64_MAX, CW_PAGE_SIZE,
			     "a physical address, a multiple of 4K"),
	};

	if (board_is(n, "memfd"))
		return;
	if (!board_is_map(n)) {
		board_wrong(rd, n, path, MEMORY_RIGHT);
		return;
	}
	if (board_lookup(n, "uio")) {
		r->memory = CW_MEMORY_UIO;
		BOARD_MAP(rd, n, path, uio);
	} else if (board_lookup(n, "devmem")) {
		r->memory = CW_MEMORY_DEVMEM;
		BOARD_MAP(rd, n, path, devmem);
	} else {
		r->memory = CW_MEMORY_FILE;
		BOARD_MAP(rd, n, path, file);
	}
}

static void read_arg(struct board_reader *rd, struct fy_node *n, const char *path, unsigned int i)
{
	size_t len = 0;
	const char *s = n && fy_node_is_scalar(n) && !fy_node_is_alias(n)
				? fy_node_get_scalar(n, &len)
				: NULL;

	if (s && !memchr(s, 0, len))
		rd->remote->argv[1 + i] = board_strdup(rd->b, s, len);
	else
		board_wrong(rd, n, path, "a word");
}

static void read_args(struct board_reader *rd, struct fy_node *n, const char *path)
{
	if (fy_node_is_sequence(n) && fy_node_sequence_is_empty(n))
		return;
	rd->remote->argv = board_alloc(rd->b, (ARGS_MAX + 2) * sizeof(char *));
	if (rd->remote->argv)
		board_read_list(rd, n, path, ARGS_MAX, "a list of at most 64 words", read_arg);
}

static void read_machine(struct board_reader *rd, struct fy_node *n, const char *path)
{
	size_t len;
	const char *s = board_scalar(n, &len);

	rd->remote->machine = s ? cw_qemu_machine_find(s, len) : NULL;
	if (!rd->remote->machine)
		board_wrong(rd, n, path, cw_qemu_machine_names());
}

static void read_process(struct board_reader *rd, struct fy_node *n, const char *path)
{
	const struct board_field table[] = {
		FIELD_TEXT("process", BOARD_PATH, BOARD_MUST, rd->remote->firmware, FILE_LEN,
			   "the path of a program"),
		FIELD_CALL("args", BOARD_MAY, read_args, NULL),
	};

	BOARD_MAP(rd, n, path, table);
}

static void read_qemu(struct board_reader *rd, struct fy_node *n, const char *path)
{
	const struct board_field table[] = {
		FIELD_TEXT("qemu", BOARD_PATH, BOARD_MUST, rd->remote->firmware, FILE_LEN,
			   "the path of an ELF file"),
		FIELD_CALL("machine", BOARD_MUST, read_machine, cw_qemu_machine_names()),
		FIELD_CALL("args", BOARD_MAY, read_args, NULL),
	};

	rd->remote->carrier = CW_CARRIER_QEMU;
	BOARD_MAP(rd, n, path, table);
}

/* A name in Linux's firmware folders, not a path of ours. */
static void read_firmware_name(struct board_reader *rd, struct fy_node *n, const char *path)
{
	size_t len;
	const char *s = board_scalar(n, &len);

	if (!s || !len || len > 200 || *s == '/' || memchr(s, '\n', len) || memchr(s, 0, len))
		board_wrong(rd, n, path, "the name of a file in /lib/firmware");
	else
		rd->remote->firmware = board_strdup(rd->b, s, len);
}

/* Linux knows its processors by name; only a test has them in another folder. */
static void read_remoteproc_name(struct board_reader *rd, struct fy_node *n, const char *path)
{
	const struct board_field f = FIELD_TEXT("remoteproc", BOARD_PATH, BOARD_MUST,
						rd->remote->remoteproc, 300,
						"a name such as remoteproc0");
	size_t len;
	const char *s = board_scalar(n, &len);
	char whole[sizeof(SYSFS) + NAME_MAX_LEN];

	if (!s || memchr(s, '/', len) || !board_good_name(s, len, NAME_MAX_LEN)) {
		board_read_value(rd, n, path, &f);
		return;
	}
	snprintf(whole, sizeof(whole), SYSFS "%.*s", (int)len, s);
	rd->remote->remoteproc = board_strdup(rd->b, whole, strlen(whole));
}

static void read_remoteproc(struct board_reader *rd, struct fy_node *n, const char *path)
{
	const struct board_field table[] = {
		FIELD_CALL("remoteproc", BOARD_MUST, read_remoteproc_name,
			   "a name such as remoteproc0"),
		FIELD_CALL("firmware", BOARD_MAY, read_firmware_name, NULL),
	};

	rd->remote->carrier = CW_CARRIER_REMOTEPROC;
	BOARD_MAP(rd, n, path, table);
}

static void read_carrier(struct board_reader *rd, struct fy_node *n, const char *path)
{
	if (board_is(n, "attach"))
		rd->remote->carrier = CW_CARRIER_ATTACH;
	else if (!board_is_map(n))
		board_wrong(rd, n, path, CARRIER_RIGHT);
	else if (board_lookup(n, "qemu"))
		read_qemu(rd, n, path);
	else if (board_lookup(n, "remoteproc"))
		read_remoteproc(rd, n, path);
	else
		read_process(rd, n, path);
}

static void read_poll(struct board_reader *rd, struct fy_node *n, const char *path)
{
	const struct board_field f = FIELD_NUMBER("poll", rd->remote->poll_us, 10, 1000000, 1,
						  "microseconds from 10 to 1000000");

	rd->remote->doorbell = CW_DOORBELL_POLL;
	board_read_value(rd, n, path, &f);
}

static void read_chardev(struct board_reader *rd, struct fy_node *n, const char *path)
{
	const struct board_field f = FIELD_TEXT("chardev", BOARD_PATH, BOARD_MUST,
						rd->remote->doorbell_path, FILE_LEN,
						"the path of a character device");

	rd->remote->doorbell = CW_DOORBELL_CHARDEV;
	board_read_value(rd, n, path, &f);
}

static void read_store(struct board_reader *rd, struct fy_node *n, const char *path,
		       struct cw_board_store *s)
{
	const struct board_field table[] = {
		FIELD_NUMBER("offset", s->offset, 0, CW_PAGE_SIZE - 4, 4,
			     "an offset in the first map, a multiple of 4 below 4K"),
		FIELD_NUMBER("value", s->value, 0, UINT32_MAX, 1, "a number of 32 bits"),
	};

	if (board_is_map(n) && (!board_lookup(n, "offset") || !board_lookup(n, "value")))
		board_error(rd->b, path, "has too little; right is {offset: O, value: V}");
	BOARD_MAP(rd, n, path, table);
}

static void read_ring(struct board_reader *rd, struct fy_node *n, const char *path)
{
	read_store(rd, n, path, &rd->remote->ring);
}

static void read_enable(struct board_reader *rd, struct fy_node *n, const char *path)
{
	rd->remote->has_enable = true;
	read_store(rd, n, path, &rd->remote->enable);
}

static void read_clear(struct board_reader *rd, struct fy_node *n, const char *path)
{
	rd->remote->has_clear = true;
	read_store(rd, n, path, &rd->remote->clear);
}

static void read_uio(struct board_reader *rd, struct fy_node *n, const char *path)
{
	const struct board_field table[] = {
		FIELD_TEXT("uio", BOARD_PATH, BOARD_MUST, rd->remote->doorbell_path, FILE_LEN,
			   "the path of a UIO device, such as /dev/uio1"),
		FIELD_CALL("ring", BOARD_MUST, read_ring, "{offset: O, value: V}"),
		FIELD_CALL("clear", BOARD_MAY, read_clear, NULL),
		FIELD_CALL("enable", BOARD_MAY, read_enable, NULL),
	};

	rd->remote->doorbell = CW_DOORBELL_UIO;
	BOARD_MAP(rd, n, path, table);
}

static void read_doorbell(struct board_reader *rd, struct fy_node *n, const char *path)
{
	struct cw_board_remote *r = rd->remote;
	const struct board_field table[] = {
		/* The remote's end is PATH.remote. */
		FIELD_TEXT("socket", BOARD_PATH, BOARD_CHOICE, r->doorbell_path,
			   SUN_PATH_MAX - strlen(".remote"), "a path of at most 100 characters"),
		FIELD_CALL("chardev", BOARD_CHOICE, read_chardev, NULL),
		FIELD_CALL("poll", BOARD_CHOICE, read_poll, NULL),
	};

	if (board_is(n, "socket"))
		return;
	if (board_is(n, "ivshmem") || board_is(n, "chardev")) {
		r->doorbell = board_is(n, "ivshmem") ? CW_DOORBELL_IVSHMEM : CW_DOORBELL_CHARDEV;
		return;
	}
	if (!board_is_map(n)) {
		board_wrong(rd, n, path, DOORBELL_RIGHT);
		return;
	}
	if (board_lookup(n, "uio"))
		read_uio(rd, n, path);
	else
		BOARD_MAP(rd, n, path, table);
}

static void read_recovery(struct board_reader *rd, struct fy_node *n, const char *path)
{
	struct cw_board_remote *r = rd->remote;
	const struct board_field table[] = {
		FIELD_NUMBER("limit", r->recovery_limit, 1, 1000000, 1,
			     "restarts from 1 to 1000000"),
		FIELD_NUMBER("seconds", r->recovery_seconds, 1, 1000000, 1,
			     "seconds from 1 to 1000000"),
	};

	r->recovery = board_is(n, "never")    ? CW_RECOVER_NEVER
		      : board_is(n, "always") ? CW_RECOVER_ALWAYS
					      : CW_RECOVER_LIMIT;
	if (board_is_map(n))
		BOARD_MAP(rd, n, path, table);
	else if (r->recovery == CW_RECOVER_LIMIT)
		board_wrong(rd, n, path, "never, always or {limit: RESTARTS, seconds: WITHIN}");
}

static void read_coredump(struct board_reader *rd, struct fy_node *n, const char *path)
{
	struct cw_board_remote *r = rd->remote;
	const struct board_field table[] = {
		FIELD_TEXT("directory", BOARD_PATH, BOARD_MUST, r->core_directory, 400,
			   "a folder that exists"),
		FIELD_NUMBER("limit", r->core_limit, 1u << 16, 1ull << 40, 1,
			     "a size from 64K, such as 256M"),
	};

	BOARD_MAP(rd, n, path, table);
}

#define FORWARD_PORT_RIGHT "a port from 0 to 4294967294, or " CW_FORWARD_RIGHT

/* One side of a rule: a port of the remote, or an address of Linux. */
static void read_side(struct board_reader *rd, struct fy_node *n, const char *path, bool from)
{
	struct cw_forward_rule *r = &rd->remote->forward[rd->remote->forwards];
	size_t len;
	const char *s = board_scalar(n, &len);
	uint64_t port;

	if (s && len < 100 && !board_number(s, len, &port) && port < UINT32_MAX) {
		r->port = (uint32_t)port;
		r->to_remote = !from;
	} else if (!s || cw_forward_address(&r->linux_end, s, len)) {
		board_wrong(rd, n, path, FORWARD_PORT_RIGHT);
	}
}

static void read_from(struct board_reader *rd, struct fy_node *n, const char *path)
{
	read_side(rd, n, path, true);
}

static void read_to(struct board_reader *rd, struct fy_node *n, const char *path)
{
	read_side(rd, n, path, false);
}

static void read_rule(struct board_reader *rd, struct fy_node *n, const char *path, unsigned int i)
{
	struct cw_forward_rule *r = &rd->remote->forward[i];
	const struct board_field table[] = {
		FIELD_CALL("from", BOARD_MUST, read_from, FORWARD_PORT_RIGHT),
		FIELD_CALL("to", BOARD_MUST, read_to, FORWARD_PORT_RIGHT),
	};
	unsigned int before = rd->b->errors;

	rd->remote->forwards = i;
	*r = (struct cw_forward_rule){ .listen = -1, .port = UINT32_MAX };
	BOARD_MAP(rd, n, path, table);
	if (rd->b->errors == before && (!r->linux_end.len || r->port == UINT32_MAX))
		board_error(rd->b, path,
			    "has two ends of one kind; right is a port of the remote and %s",
			    CW_FORWARD_RIGHT);
}

static void read_forward(struct board_reader *rd, struct fy_node *n, const char *path)
{
	struct cw_board_remote *r = rd->remote;

	r->forward = board_alloc(rd->b, CW_FORWARDS_MAX * sizeof(*r->forward));
	if (r->forward)
		r->forwards = board_read_list(rd, n, path, CW_FORWARDS_MAX,
					      "a list of 1 to 32 of {from: A, to: B}", read_rule);
}

/* argv[0] is the firmware, whichever of the keys came first. */
static void complete_args(struct board_reader *rd)
{
	struct cw_board_remote *r = rd->remote;

	if (!r->argv)
		r->argv = board_alloc(rd->b, 2 * sizeof(char *));
	if (r->argv)
		r->argv[0] = r->firmware;
}

static void read_remote(struct board_reader *rd, struct fy_node *n, const char *path,
			unsigned int i)
{
	struct cw_board_remote *r = &rd->b->board.remote[i];
	const struct board_field table[] = {
		FIELD_TEXT("name", BOARD_NAME, BOARD_MUST, r->name, NAME_MAX_LEN, NAME_RIGHT),
		FIELD_CALL("region", BOARD_MAY, read_region, NULL),
		FIELD_CALL("memory", BOARD_MAY, read_memory, NULL),
		FIELD_CALL("carrier", BOARD_MUST, read_carrier, CARRIER_RIGHT),
		FIELD_CALL("doorbell", BOARD_MAY, read_doorbell, NULL),
		FIELD_FLAG("autostart", r->autostart),
		FIELD_CALL("recovery", BOARD_MAY, read_recovery, NULL),
		FIELD_CALL("coredump", BOARD_MAY, read_coredump, NULL),
		FIELD_NUMBER("boot-ms", r->boot_ms, 10, 3600000, 1,
			     "milliseconds from 10 to 3600000"),
		FIELD_NUMBER("probe-ms", r->probe_ms, 0, 3600000, 1,
			     "milliseconds up to 3600000, 0 for never"),
		FIELD_NUMBER("lost-ms", r->lost_ms, 10, 3600000, 1,
			     "milliseconds from 10 to 3600000"),
		FIELD_NUMBER("worker", r->worker, 0, 15, 1, "the number of a worker, from 0"),
		FIELD_CALL("devices", BOARD_MUST, read_devices, DEVICES_RIGHT),
		FIELD_CALL("forward", BOARD_MAY, read_forward, NULL),
	};
	unsigned int before = rd->b->errors;

	rd->remote = r;
	board_remote_defaults(r);
	BOARD_MAP(rd, n, path, table);
	complete_args(rd);
	rd->b->torn[i] = rd->b->errors != before;
}

static void read_remotes(struct board_reader *rd, struct fy_node *n, const char *path)
{
	struct cw_board *board = &rd->b->board;

	board->remote = board_alloc(rd->b, REMOTES_MAX * sizeof(*board->remote));
	if (board->remote)
		board->remotes =
			board_read_list(rd, n, path, REMOTES_MAX, REMOTES_RIGHT, read_remote);
}

void board_read(struct board_build *b, struct fy_node *root)
{
	struct board_reader rd = { .b = b };
	const struct board_field table[] = {
		FIELD_TEXT("name", BOARD_NAME, BOARD_MAY, b->board.name, NAME_MAX_LEN, NAME_RIGHT),
		FIELD_FLAG("poll", b->board.poll),
		FIELD_NUMBER("poll-max-us", b->board.poll_max_us, 0, 100000, 1,
			     "microseconds from 0 to 100000"),
		FIELD_NUMBER("workers", b->board.workers, 1, 16, 1, "a number from 1 to 16"),
		FIELD_CALL("remotes", BOARD_MUST, read_remotes, REMOTES_RIGHT),
	};

	BOARD_MAP(&rd, root, "", table);
}
