// SPDX-License-Identifier: BSD-3-Clause
/*
 * The quick form: one remote from options, without a board file.
 *
 *	causeway run --rng --net tap=tap0 --console pty -- FIRMWARE [ARG...]
 */
#include "board_priv.h"

#include <getopt.h>
#include <string.h>

static struct cw_board_device *add(struct board_build *b, uint32_t id)
{
	struct cw_board_remote *r = b->board.remote;
	struct cw_board_device *d = &r->device[r->layout.devices];

	if (r->layout.devices == CW_DEVICES_MAX) {
		board_error(b, d[-1].at, "more than %u devices", CW_DEVICES_MAX);
		return d - 1;
	}
	r->layout.devices++;
	d->id = id;
	board_device_defaults_for(d);
	return d;
}

static bool value_of(const char *arg, const char *key, const char **value)
{
	size_t n = strlen(key);

	if (!arg || strncmp(arg, key, n) || arg[n] != '=' || !arg[n + 1])
		return false;
	*value = arg + n + 1;
	return true;
}

static void add_net(struct board_build *b, const char *arg)
{
	struct cw_board_device *d = add(b, CW_ID_NET);
	const char *v;
	uint64_t fd;

	if (value_of(arg, "tap", &v) && strlen(v) < 16)
		d->ifname = board_strdup(b, v, strlen(v));
	else if (value_of(arg, "fd", &v) && !board_number(v, strlen(v), &fd) && fd < 1024)
		d->fd = (int)fd;
	else
		board_error(b, d->at, "--net %s: right is tap=NAME or fd=NUMBER", arg);
}

static void add_console(struct board_build *b, const char *arg)
{
	struct cw_board_port *p = &add(b, CW_ID_CONSOLE)->port[0];
	const char *v;

	if (!arg || !strcmp(arg, "pty")) {
		p->backend = CW_BACKEND_PTY;
	} else if (!strcmp(arg, "stdio")) {
		p->backend = CW_BACKEND_STDIO;
	} else if (value_of(arg, "socket", &v) || value_of(arg, "log", &v)) {
		p->backend = *arg == 's' ? CW_BACKEND_STREAM : CW_BACKEND_LOG;
		p->path = board_strdup(b, v, strlen(v));
	} else {
		board_error(b, (struct cw_source){ 0, 0 },
			    "--console %s: right is pty, stdio, socket=PATH or log=PATH", arg);
	}
}

static void add_rng(struct board_build *b, const char *arg)
{
	struct cw_board_device *d = add(b, CW_ID_RNG);
	const char *v;

	if (value_of(arg, "file", &v)) {
		d->backend = CW_BACKEND_FILE;
		d->path = board_strdup(b, v, strlen(v));
	} else if (arg) {
		board_error(b, d->at, "--rng=%s: right is --rng or --rng=file=PATH", arg);
	}
}

static void set_region(struct board_build *b, const char *arg)
{
	struct cw_layout *l = &b->board.remote->layout;
	const char *comma = strchr(arg, ',');
	uint64_t base, size;

	if (comma && !board_number(arg, (size_t)(comma - arg), &base) &&
	    !board_number(comma + 1, strlen(comma + 1), &size) && size <= 1u << 31) {
		l->base = base;
		l->size = (uint32_t)size;
	} else {
		board_error(b, (struct cw_source){ 0, 0 },
			    "--region %s: right is BASE,SIZE, e.g. 0x37000000,16M", arg);
	}
}

static void set_firmware(struct board_build *b, int argc, char **argv)
{
	struct cw_board_remote *r = b->board.remote;

	if (!argc) {
		board_error(b, r->at,
			    "no firmware; right is: causeway run [OPTIONS] -- FIRMWARE, or "
			    "causeway run BOARD.yaml");
		return;
	}
	r->firmware = board_strdup(b, argv[0], strlen(argv[0]));
	r->argv = board_alloc(b, ((size_t)argc + 1) * sizeof(char *));
	for (int i = 0; r->argv && i < argc; i++)
		r->argv[i] = board_strdup(b, argv[i], strlen(argv[i]));
}

static void options(struct board_build *b, int argc, char **argv)
{
	static const struct option table[] = {
		{ "rng", optional_argument, NULL, 'r' },
		{ "net", required_argument, NULL, 'n' },
		{ "console", optional_argument, NULL, 'c' },
		{ "name", required_argument, NULL, 'N' },
		{ "region", required_argument, NULL, 'R' },
		{ "no-poll", no_argument, NULL, 'p' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	optind = 1;
	opterr = 0;
	while ((c = getopt_long(argc, argv, "+:", table, NULL)) != -1) {
		/* "--console pty" reads as well as "--console=pty" */
		if (c == 'c' && !optarg && optind < argc && argv[optind][0] != '-')
			optarg = argv[optind++];
		if (c == 'r')
			add_rng(b, optarg);
		else if (c == 'n')
			add_net(b, optarg);
		else if (c == 'c')
			add_console(b, optarg);
		else if (c == 'N')
			b->board.remote->name = board_strdup(b, optarg, strlen(optarg));
		else if (c == 'R')
			set_region(b, optarg);
		else if (c == 'p')
			b->board.poll = false;
		else
			board_error(b, (struct cw_source){ 0, 0 },
				    c == ':' ? "%s needs a value; see causeway run --help"
					     : "unknown option %s; see causeway run --help",
				    argv[optind - 1]);
	}
	set_firmware(b, argc - optind, argv + optind);
}

int cw_board_quick(struct cw_board **board, int argc, char **argv, FILE *err)
{
	struct board_build *b = board_new("causeway run", err);

	if (!b)
		return -1;
	b->board.name = board_strdup(b, "quick", 5);
	b->board.remotes = 1;
	b->board.remote = board_alloc(b, sizeof(*b->board.remote));
	if (!b->board.remote)
		return board_finish(b, board);
	board_remote_defaults(b->board.remote);
	options(b, argc, argv);
	if (!b->board.remote->name)
		b->board.remote->name = board_strdup(b, "remote", 6);
	if (!b->board.remote->layout.devices)
		board_error(b, (struct cw_source){ 0, 0 },
			    "no device; right is at least one of --rng, --net, --console");
	return board_finish(b, board);
}
