// SPDX-License-Identifier: BSD-3-Clause
/* Rates: two statuses, and what the processes used of the processors between them. */
#include "talk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char help[] =
	"usage: causeway top [--board NAME] [--run-dir DIR] [--once] [--json] [NAME]\n"
	"\n"
	"Shows what a board's devices move and what its processes use, once a second. RX is what the\n"
	"remote received. Ctrl-C leaves.\n"
	"\n"
	"  --once           one measurement over a second, then leave\n"
	"  --json           one JSON object a measurement\n"
	"\n"
	"Exit status: 0, or 1 when the board does not run (any more).\n";

/* Seconds of processor time that a process has used. */
static double cpu_seconds(double pid)
{
	unsigned long user = 0, system = 0;
	char path[40], line[512], *p;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%.0f/stat", pid);
	f = pid > 0 ? fopen(path, "re") : NULL;
	if (!f)
		return 0;
	p = fgets(line, sizeof(line), f) ? strrchr(line, ')') : NULL;
	if (p)
		sscanf(p + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user,
		       &system);
	fclose(f);
	return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

/* Puts "cpu_s" into everything that has a "pid". */
static void add_cpu(cJSON *o)
{
	cJSON *list[] = { cJSON_GetObjectItem(o, "workers"), cJSON_GetObjectItem(o, "remotes") };
	cJSON *e;

	cJSON_AddNumberToObject(o, "cpu_s", cpu_seconds(talk_number(o, "pid")));
	for (int i = 0; i < 2; i++)
		cJSON_ArrayForEach(e, list[i])
		{
			cJSON_AddNumberToObject(e, "cpu_s", cpu_seconds(talk_number(e, "pid")));
		}
}

static cJSON *sample(struct cw_client *c)
{
	cJSON *s = cw_client_ask(c, "status", NULL, 0, stderr);

	if (s)
		add_cpu(s);
	return s;
}

static double rate(const cJSON *a, const cJSON *b, const char *key, double seconds)
{
	double d = talk_number(b, key) - talk_number(a, key);

	return d > 0 && seconds > 0 ? d / seconds : 0; /* a new worker counts from zero */
}

static const char *const keys[] = { "rx_packets", "rx_bytes", "tx_packets",
				    "tx_bytes",	  "dropped",  "kicks" };

static void show_device(const cJSON *a, const cJSON *b, double s)
{
	char text[6][16];

	for (int i = 0; i < 6; i++)
		talk_short(rate(a, b, keys[i], s), text[i], sizeof(text[i]));
	printf("  %-15s %-8s %-10s %9s %9s %9s %9s %9s %9s\n", talk_text(b, "name"),
	       talk_text(b, "kind"), talk_text(b, "state"), text[0], text[1], text[2], text[3],
	       text[4], text[5]);
}

static void show(const cJSON *a, const cJSON *b, double s)
{
	const cJSON *w = talk_list(b, "workers")->child, *v = talk_list(a, "workers")->child;
	const cJSON *r = talk_list(b, "remotes")->child, *q = talk_list(a, "remotes")->child;

	printf("board %s: keeper %.1f %% CPU", talk_text(b, "board"), rate(a, b, "cpu_s", s) * 100);
	for (; w && v; w = w->next, v = v->next)
		printf("; worker %.1f %%, %.0f sleeps/s, spins %.0f us",
		       rate(v, w, "cpu_s", s) * 100, rate(v, w, "sleeps", s),
		       talk_number(w, "spin_us"));
	putchar('\n');
	for (; r && q; r = r->next, q = q->next) {
		const cJSON *d = talk_list(r, "devices")->child,
			    *e = talk_list(q, "devices")->child;

		printf("\n%s: %s, link %s, %.1f %% CPU, %.0f doorbells/s out\n",
		       talk_text(r, "name"), talk_text(r, "state"), talk_text(r, "link"),
		       rate(q, r, "cpu_s", s) * 100, rate(q, r, "rings", s));
		printf("  %-15s %-8s %-10s %9s %9s %9s %9s %9s %9s\n", "PER SECOND", "KIND",
		       "STATE", "RX PKT", "RX B", "TX PKT", "TX B", "DROPPED", "KICKS");
		for (; d && e; d = d->next, e = e->next)
			show_device(e, d, s);
	}
}

static void show_json(const cJSON *a, const cJSON *b, double s)
{
	const cJSON *r = talk_list(b, "remotes")->child, *q = talk_list(a, "remotes")->child;
	cJSON *o = cJSON_CreateObject(), *list;
	char *text;

	cJSON_AddStringToObject(o, "board", talk_text(b, "board"));
	cJSON_AddNumberToObject(o, "seconds", s);
	list = cJSON_AddArrayToObject(o, "devices");
	for (; r && q; r = r->next, q = q->next) {
		const cJSON *d = talk_list(r, "devices")->child,
			    *e = talk_list(q, "devices")->child;

		for (; d && e; d = d->next, e = e->next) {
			cJSON *x = cJSON_CreateObject();

			cJSON_AddItemToArray(list, x);
			cJSON_AddStringToObject(x, "remote", talk_text(r, "name"));
			cJSON_AddStringToObject(x, "device", talk_text(d, "name"));
			for (int i = 0; i < 6; i++)
				cJSON_AddNumberToObject(x, keys[i], rate(e, d, keys[i], s));
		}
	}
	text = cJSON_PrintUnformatted(o);
	if (text)
		puts(text);
	free(text);
	cJSON_Delete(o);
}

static int watch(struct cw_client *c, const struct cli_options *o)
{
	cJSON *a = sample(c), *b = NULL;

	do {
		nanosleep(&(struct timespec){ 1, 0 }, NULL);
		b = a ? sample(c) : NULL;
		if (b) {
			double s =
				(talk_number(b, "uptime_us") - talk_number(a, "uptime_us")) / 1e6;

			if (!o->json && !o->once && isatty(1))
				fputs("\033[H\033[J", stdout);
			(o->json ? show_json : show)(a, b, s);
		}
		cJSON_Delete(a);
		a = b;
	} while (cli_printed() && a && !o->once);
	cJSON_Delete(a);
	return b ? EXIT_FINE : EXIT_FAIL;
}

static int run(int argc, char **argv)
{
	struct cli_options o;
	struct cw_client c;
	int r = cli_options(&cli_top, argc, argv, "jbD1", &o);

	if (r >= 0)
		return r;
	if (o.argc > 1)
		return cli_usage(&cli_top, "'%s' is one too many", o.argv[1]);
	if (cw_client_open(&c, o.argc ? o.argv[0] : o.board, o.run_dir, stderr))
		return EXIT_FAIL;
	r = watch(&c, &o);
	cw_client_close(&c);
	return r;
}

const struct cli_command cli_top = {
	.name = "top",
	.summary = "watch what a board's devices move, once a second",
	.help = help,
	.run = run,
};
