// SPDX-License-Identifier: BSD-3-Clause
#include "cli.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct cli_command *const commands[] = {
	&cli_run,    &cli_status, &cli_top,   &cli_console, &cli_gdb,	  &cli_forward,
	&cli_rpmsg,  &cli_logs,	  &cli_start, &cli_stop,    &cli_restart, &cli_attach,
	&cli_detach, &cli_dump,	  &cli_check, &cli_layout,
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void help(FILE *f)
{
	fputs("Causeway gives other cores Linux's network, console, entropy, disks, files, sockets and\n"
	      "messages as virtio devices.\n"
	      "\n"
	      "usage: causeway COMMAND [OPTIONS] [ARGUMENTS]\n"
	      "\n",
	      f);
	for (size_t i = 0; i < COMMANDS; i++)
		fprintf(f, "  %-9s %s\n", commands[i]->name, commands[i]->summary);
	fputs("\n"
	      "causeway COMMAND --help says more. First steps: causeway run BOARD.yaml\n"
	      "Exit status: 0 done, 1 it could not be done, 2 wrong usage or a wrong board file.\n"
	      "See also: man causeway, man causeway-board\n",
	      f);
}

int cli_usage(const struct cli_command *c, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "causeway %s: ", c->name);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "; see causeway %s --help\n", c->name);
	return EXIT_USAGE;
}

bool cli_printed(void)
{
	static bool said;

	errno = 0;
	if (!fflush(stdout) && !ferror(stdout))
		return true;
	if (!said)
		fprintf(stderr, "causeway: cannot write the output%s%s\n", errno ? ": " : "",
			errno ? strerror(errno) : "");
	said = true;
	return false;
}

int cli_unread(void)
{
	fprintf(stderr, "causeway: cannot read the input: %s\n", strerror(errno));
	return EXIT_FAIL;
}

bool cli_color(void)
{
	const char *term = getenv("TERM");

	return isatty(1) && !getenv("NO_COLOR") && term && strcmp(term, "dumb") != 0;
}

static const struct option long_options[] = {
	{ "help", no_argument, NULL, 'h' },	     { "json", no_argument, NULL, 'j' },
	{ "remote", required_argument, NULL, 'r' },  { "output", required_argument, NULL, 'o' },
	{ "format", required_argument, NULL, 'f' },  { "board", required_argument, NULL, 'b' },
	{ "run-dir", required_argument, NULL, 'D' }, { "follow", no_argument, NULL, 'F' },
	{ "once", no_argument, NULL, '1' },	     { "lines", required_argument, NULL, 'n' },
	{ "print", no_argument, NULL, 'p' },	     { "count", required_argument, NULL, 'n' },
	{ "hex", no_argument, NULL, 'x' },	     { "raw", no_argument, NULL, 'R' },
	{ "size", required_argument, NULL, 's' },    { "interval", required_argument, NULL, 'i' },
	{ "timeout", required_argument, NULL, 't' }, { NULL, 0, NULL, 0 },
};

/* As it was given: --count, or -n. */
static const char *given(int letter, int index)
{
	static char text[32];

	if (index >= 0)
		snprintf(text, sizeof(text), "--%s", long_options[index].name);
	else
		snprintf(text, sizeof(text), "-%c", letter);
	return text;
}

static bool number(const char *text, unsigned long most, unsigned int *value)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	*value = (unsigned int)n;
	return *text >= '0' && *text <= '9' && !*end && n <= most;
}

/* Seconds, with a point; up to a day. */
static bool seconds(const char *text, uint64_t *us)
{
	char *end;
	double s = strtod(text, &end);

	if (strspn(text, "0123456789.") != strlen(text) || end == text || *end || s > 86400)
		return false;
	*us = (uint64_t)(s * 1e6);
	return true;
}

static bool set(struct cli_options *o, int c)
{
	switch (c) {
	case 'j':
		o->json = true;
		break;
	case 'F':
		o->follow = true;
		break;
	case '1':
		o->once = true;
		break;
	case 'p':
		o->print = true;
		break;
	case 'r':
		o->remote = optarg;
		break;
	case 'o':
		o->output = optarg;
		break;
	case 'f':
		o->format = optarg;
		break;
	case 'b':
		o->board = optarg;
		break;
	case 'D':
		o->run_dir = optarg;
		break;
	case 'x':
		o->hex = true;
		break;
	case 'R':
		o->raw = true;
		break;
	case 's':
		return number(optarg, 1u << 20, &o->size) && o->size;
	case 'i':
		o->has_interval = true;
		return seconds(optarg, &o->interval);
	case 't':
		return seconds(optarg, &o->timeout) && o->timeout;
	default:
		return number(optarg, 1000000, &o->lines);
	}
	return true;
}

int cli_options(const struct cli_command *c, int argc, char **argv, const char *flags,
		struct cli_options *o)
{
	int opt, index = -1;

	memset(o, 0, sizeof(*o));
	optind = 1;
	opterr = 0;
	while ((opt = getopt_long(argc, argv, ":hjo:f:r:b:n:s:i:", long_options, &index)) != -1) {
		if (opt == 'h') {
			fputs(c->help, stdout);
			return EXIT_FINE;
		}
		if (opt == ':')
			return cli_usage(c, "%s needs a value", argv[optind - 1]);
		if (opt == '?')
			return cli_usage(c, "unknown option %s", argv[optind - 1]);
		if (!strchr(flags, opt))
			return cli_usage(c, "%s has no option %s", c->name, given(opt, index));
		if (!set(o, opt))
			return cli_usage(c, "'%s' is not right for %s", optarg, given(opt, index));
		index = -1;
	}
	o->argc = argc - optind;
	o->argv = argv + optind;
	return -1;
}

/*
 * A caller may have left 0, 1 or 2 closed: then the next file opened would get that number, and
 * messages would go into it. What stands there instead fails as a closed one does. A mask may hide the
 * signals that end us.
 */
static int clean_start(void)
{
	sigset_t none;

	for (int fd = 0; fd < 3; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd ? O_RDONLY : O_WRONLY) != fd)
			return -1;
	sigemptyset(&none);
	return sigprocmask(SIG_SETMASK, &none, NULL);
}

static int run(int argc, char **argv)
{
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
		help(stdout);
		return EXIT_FINE;
	}
	if (!strcmp(argv[1], "--version")) {
		puts("causeway " CAUSEWAY_VERSION);
		return EXIT_FINE;
	}
	for (size_t i = 0; i < COMMANDS; i++)
		if (!strcmp(argv[1], commands[i]->name))
			return commands[i]->run(argc - 1, argv + 1);
	fprintf(stderr, "causeway: there is no command '%s'; see causeway --help\n", argv[1]);
	return EXIT_USAGE;
}

int main(int argc, char **argv)
{
	int r;

	if (clean_start())
		return EXIT_FAIL;
	if (argc < 2) {
		help(stderr);
		return EXIT_USAGE;
	}
	r = run(argc, argv);
	return r == EXIT_FINE && !cli_printed() ? EXIT_FAIL : r;
}
