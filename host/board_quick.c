// SPDX-License-Identifier: BSD-3-Clause
/*
 * The quick form: one remote from options, without a board file.
 *
 *	causeway run --rng --net tap=tap0 --console pty --rpmsg -- FIRMWARE [ARG...]
 *
 * It fills what a board file would fill; each field is noted with its option, so that what later
 * checks complain about is named by the option. Mind that a name noted twice means its last option.
 */
#include "board_priv.h"

#include <getopt.h>
#include <string.h>

#define NOWHERE ((struct board_source){ 0, 0 })

/* A complaint about an option that is wrong by itself. */
static void wrong(struct board_build *b, const char *option, const char *arg, const char *right)
{
	board_error_at(b, NOWHERE, "", "%s%s%s: right is %s", option, arg ? " " : "",
		       arg ? arg : "", right);
}

static void note(struct board_build *b, const char *path, const char *option, const char *arg)
{
	char text[300];

	snprintf(text, sizeof(text), "%s%s%.200s", option, arg ? " " : "", arg ? arg : "");
	board_note(b, path, NOWHERE, text);
}

static struct cw_board_device *add(struct board_build *b, uint32_t id, const char *option,
				   const char *arg)
{
	struct cw_board_remote *r = b->board.remote;
	unsigned int i = r->layout.devices;
	char path[PATH_LEN];

	if (i == CW_DEVICES_MAX) {
		wrong(b, option, arg, "at most 64 devices");
		return &r->device[i - 1];
	}
	snprintf(path, sizeof(path), "remotes[0].devices[%u]", i);
	note(b, path, option, arg);
	r->layout.devices++;
	r->device[i].id = id;
	board_device_defaults_for(&r->device[i]);
	return &r->device[i];
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
	struct cw_board_device *d = add(b, CW_ID_NET, "--net", arg);
	const char *v;
	uint64_t fd;

	if (value_of(arg, "tap", &v) && board_good_ifname(v, strlen(v)))
		d->ifname = board_strdup(b, v, strlen(v));
	else if (value_of(arg, "fd", &v) && !board_number(v, strlen(v), &fd) && fd > 2 && fd < 1024)
		d->fd = (int)fd;
	else
		wrong(b, "--net", arg, "tap=NAME (at most 15 characters) or fd=NUMBER (3 to 1023)");
}

static void add_console(struct board_build *b, const char *arg)
{
	struct cw_board_port *p = &add(b, CW_ID_CONSOLE, "--console", arg)->port[0];
	bool stream = value_of(arg, "socket", (const char **)&p->path);
	bool log = value_of(arg, "log", (const char **)&p->path);

	if (p->path)
		p->path = board_strdup(b, p->path, strlen(p->path));
	p->backend = stream			    ? CW_BACKEND_STREAM
		     : log			    ? CW_BACKEND_LOG
		     : arg && !strcmp(arg, "stdio") ? CW_BACKEND_STDIO
						    : CW_BACKEND_PTY;
	if (p->backend == CW_BACKEND_PTY && arg && strcmp(arg, "pty") != 0)
		wrong(b, "--console", arg, "pty, stdio, socket=PATH or log=PATH");
	if (stream && p->path && strlen(p->path) > SUN_PATH_MAX)
		wrong(b, "--console", arg, "a path of at most 107 characters");
}

static void add_rng(struct board_build *b, const char *arg)
{
	struct cw_board_device *d = add(b, CW_ID_RNG, "--rng", arg);
	const char *v;

	if (value_of(arg, "file", &v)) {
		d->backend = CW_BACKEND_FILE;
		d->path = board_strdup(b, v, strlen(v));
	} else if (arg) {
		wrong(b, "--rng", arg, "--rng or --rng=file=PATH");
	}
}

static void add_rpmsg(struct board_build *b, const char *arg)
{
	add(b, CW_ID_RPMSG, "--rpmsg", arg);
	if (arg)
		wrong(b, "--rpmsg", arg, "--rpmsg alone; other buffers take a board file");
}

static void set_region(struct board_build *b, const char *arg)
{
	struct cw_layout *l = &b->board.remote->layout;
	const char *comma = strchr(arg, ',');
	uint64_t base, size;

	note(b, "remotes[0].region", "--region", arg);
	if (comma && !board_number(arg, (size_t)(comma - arg), &base) &&
	    !board_number(comma + 1, strlen(comma + 1), &size) && size >= 0x4000 &&
	    size <= 1u << 31 && base <= INT64_MAX && !((base | size) % CW_PAGE_SIZE)) {
		l->base = base;
		l->size = (uint32_t)size;
	} else {
		wrong(b, "--region", arg,
		      "BASE,SIZE in multiples of 4K, such as 0x37000000,16M; 16K to 2G");
	}
}

static void set_name(struct board_build *b, const char *arg)
{
	note(b, "remotes[0].name", "--name", arg);
	if (board_good_name(arg, strlen(arg), NAME_MAX_LEN))
		b->board.remote->name = board_strdup(b, arg, strlen(arg));
	else
		wrong(b, "--name", arg, NAME_RIGHT);
}

static void set_firmware(struct board_build *b, int argc, char **argv)
{
	struct cw_board_remote *r = b->board.remote;

	if (!argc || !*argv[0]) {
		wrong(b, "no firmware", NULL,
		      "causeway run [OPTIONS] -- FIRMWARE, or causeway run BOARD.yaml");
		return;
	}
	r->firmware = board_strdup(b, argv[0], strlen(argv[0]));
	r->argv = board_alloc(b, ((size_t)argc + 1) * sizeof(char *));
	for (int i = 0; r->argv && i < argc; i++)
		r->argv[i] = board_strdup(b, argv[i], strlen(argv[i]));
}

static void option(struct board_build *b, int c, const char *arg)
{
	switch (c) {
	case 'r':
		add_rng(b, arg);
		break;
	case 'n':
		add_net(b, arg);
		break;
	case 'c':
		add_console(b, arg);
		break;
	case 'm':
		add_rpmsg(b, arg);
		break;
	case 'N':
		set_name(b, arg);
		break;
	case 'R':
		set_region(b, arg);
		break;
	default:
		b->board.poll = false;
		break;
	}
}

static void options(struct board_build *b, int argc, char **argv)
{
	static const struct option table[] = {
		{ "rng", optional_argument, NULL, 'r' },
		{ "net", required_argument, NULL, 'n' },
		{ "console", optional_argument, NULL, 'c' },
		{ "rpmsg", optional_argument, NULL, 'm' },
		{ "name", required_argument, NULL, 'N' },
		{ "region", required_argument, NULL, 'R' },
		{ "no-poll", no_argument, NULL, 'p' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	optind = 0; /* begin anew, whatever was read before */
	opterr = 0;
	while ((c = getopt_long(argc, argv, "+:", table, NULL)) != -1) {
		/* "--console pty" reads as well as "--console=pty" */
		if (c == 'c' && !optarg && optind < argc && argv[optind][0] != '-')
			optarg = argv[optind++];
		if (c == ':' || c == '?')
			board_error_at(
				b, NOWHERE, "", "%s %s; see causeway run --help", argv[optind - 1],
				c == ':' ? "needs a value" : "is no option of the quick form");
		else
			option(b, c, optarg);
	}
	if (optind < argc && strcmp(argv[optind - 1], "--") != 0)
		board_error_at(b, NOWHERE, "", "'%s': right is options, then --, then the firmware",
			       argv[optind]);
	else
		set_firmware(b, argc - optind, argv + optind);
}

int cw_board_quick(struct cw_board **board, int argc, char **argv, FILE *err)
{
	struct board_build *b = board_new("causeway run", err);

	if (!b)
		return -1;
	b->board.name = board_strdup(b, "quick", 5);
	b->board.remote = board_alloc(b, sizeof(*b->board.remote));
	if (!b->board.name || !b->board.remote) {
		cw_board_free(&b->board);
		return -1;
	}
	b->board.remotes = 1;
	board_remote_defaults(b->board.remote);
	options(b, argc, argv);
	if (!b->board.remote->name)
		b->board.remote->name = board_strdup(b, "remote", 6);
	if (!b->board.remote->layout.devices && !b->errors)
		wrong(b, "no device", NULL, "at least one of --rng, --net, --console, --rpmsg");
	b->torn[0] = b->errors != 0;
	return board_finish(b, board);
}
