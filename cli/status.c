// SPDX-License-Identifier: BSD-3-Clause
#include "talk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char help[] =
	"usage: causeway status [--board NAME] [--run-dir DIR] [--json] [NAME]\n"
	"\n"
	"Shows a running board: its remotes, their links, devices and backends. NAME is the board's;\n"
	"it may be left out when only one runs. RX is what the remote received, TX what it sent.\n"
	"\n"
	"States of a remote: offline, running, crashed, attached, detached. Link: up, down, lost (it\n"
	"does not answer), memory gone. States of a device: idle, setting up, running, broken (the\n"
	"driver broke the rules and has to reset it), given up (by its driver). Below an rpmsg device:\n"
	"the services of its remote, whose sockets are in the folder shown; --json has their paths.\n"
	"\n"
	"Exit status: 0, or 1 when no such board runs.\n";

/* What is known of a port of its own, such as "gdb: socket /path, joined" */
static void show_backend(const cJSON *d, const cJSON *b, bool several)
{
	const char *name = talk_text(b, "name"), *at = talk_text(b, "at");
	bool closed = !strcmp(talk_text(d, "state"), "running") &&
		      cJSON_IsFalse(cJSON_GetObjectItemCaseSensitive(b, "open"));

	if (several)
		printf("\n  %-15s   port ", "");
	printf("%s%s%s%s%s%s%s", name, *name ? ": " : "", talk_text(b, "kind"), *at ? " " : "", at,
	       cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(b, "joined")) ? ", joined" : "",
	       closed ? ", closed by the remote" : "");
}

static void show_backends(const cJSON *d)
{
	const cJSON *list = talk_list(d, "backends"), *b;
	int n = cJSON_GetArraySize(list);

	if (n > 1)
		printf("%d ports", n);
	cJSON_ArrayForEach(b, list)
	{
		show_backend(d, b, n > 1);
	}
	putchar('\n');
}

/* What a remote did wrong, if anything. */
static void show_channel(const cJSON *d)
{
	static const struct {
		const char *key, *text;
	} count[] = {
		{ "bad", "bad" },
		{ "unknown", "to nobody" },
		{ "ns_bad", "announcements that make no sense" },
		{ "ns_full", "services too many" },
		{ "fragment", "pieces that do not fit" },
		{ "lost", "ended" },
	};
	const cJSON *c = cJSON_GetObjectItemCaseSensitive(d, "channel");
	bool any = false;

	for (size_t i = 0; i < sizeof(count) / sizeof(count[0]); i++) {
		double n = talk_number(c, count[i].key);

		if (n <= 0)
			continue;
		if (!any)
			printf("  %-15s   channel: ", "");
		printf("%s%.0f %s", any ? ", " : "", n, count[i].text);
		any = true;
	}
	if (any)
		putchar('\n');
}

static void show_services(const cJSON *d)
{
	const cJSON *s;

	cJSON_ArrayForEach(s, talk_list(d, "services"))
	{
		printf("  %-15s   service %s at %.0f: %.0f client%s, %.0f to Linux, %.0f to the "
		       "remote, %.0f dropped%s\n",
		       "", talk_text(s, "name"), talk_number(s, "address"),
		       talk_number(s, "clients"), talk_number(s, "clients") == 1 ? "" : "s",
		       talk_number(s, "to_linux"), talk_number(s, "to_remote"),
		       talk_number(s, "dropped"), *talk_text(s, "socket") ? "" : ", no socket yet");
	}
	show_channel(d);
}

static void show_device(const cJSON *d)
{
	const char *key[] = { "rx_bytes", "tx_bytes", "dropped", "errors" };
	char number[4][16];

	for (int i = 0; i < 4; i++)
		talk_short(talk_number(d, key[i]), number[i], sizeof(number[i]));
	printf("  %-15s %-8s %-10s %8s %8s %8s %7s  ", talk_text(d, "name"), talk_text(d, "kind"),
	       talk_text(d, "state"), number[0], number[1], number[2], number[3]);
	show_backends(d);
	if (*talk_text(d, "fault"))
		printf("  %-15s   fault: %s\n", "", talk_text(d, "fault"));
	show_services(d);
}

static void show_remote(const cJSON *r)
{
	const cJSON *d;

	printf("\n%-17s %-8s %-10s %8s %8s\n", "REMOTE", "LINK", "STATE", "PID", "STARTS");
	printf("%-17s %-8s %-10s %8.0f %8.0f%s%s\n", talk_text(r, "name"), talk_text(r, "link"),
	       talk_text(r, "state"), talk_number(r, "pid"), talk_number(r, "starts"),
	       *talk_text(r, "refused") ? "  no link: " : "", talk_text(r, "refused"));
	if (talk_number(r, "crashes") > 0)
		printf("  crashed %.0f times\n", talk_number(r, "crashes"));
	if (*talk_text(r, "failure"))
		printf("  last failure: %s\n", talk_text(r, "failure"));
	printf("  %-15s %-8s %-10s %8s %8s %8s %7s  %s\n", "DEVICE", "KIND", "STATE", "RX B",
	       "TX B", "DROPPED", "ERRORS", "BACKEND");
	cJSON_ArrayForEach(d, talk_list(r, "devices"))
	{
		show_device(d);
	}
}

static void show(const cJSON *s)
{
	const cJSON *w, *r;

	printf("board %s, running for %.0f s, keeper %.0f", talk_text(s, "board"),
	       talk_number(s, "uptime_us") / 1e6, talk_number(s, "pid"));
	cJSON_ArrayForEach(w, talk_list(s, "workers"))
	{
		printf(", worker %.0f", talk_number(w, "pid"));
		if (talk_number(w, "starts") > 1)
			printf(" (started %.0f times)", talk_number(w, "starts"));
	}
	putchar('\n');
	cJSON_ArrayForEach(r, talk_list(s, "remotes"))
	{
		show_remote(r);
	}
}

static int run(int argc, char **argv)
{
	struct cli_options o;
	int r = cli_options(&cli_status, argc, argv, "jbD", &o);
	cJSON *s;
	char *text;

	if (r >= 0)
		return r;
	if (o.argc > 1)
		return cli_usage(&cli_status, "'%s' is one too many", o.argv[1]);
	if (o.argc)
		o.board = o.argv[0];
	s = talk_once(&o, "status", NULL);
	if (!s)
		return EXIT_FAIL;
	text = o.json ? cJSON_Print(s) : NULL;
	if (text)
		puts(text);
	else
		show(s);
	free(text);
	cJSON_Delete(s);
	return EXIT_FINE;
}

const struct cli_command cli_status = {
	.name = "status",
	.summary = "show a running board: remotes, links, devices, where the consoles are",
	.help = help,
	.run = run,
};
