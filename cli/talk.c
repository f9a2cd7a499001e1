// SPDX-License-Identifier: BSD-3-Clause
#include "talk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

cJSON *talk_once(const struct cli_options *o, const char *what, const char *remote)
{
	struct cw_client c;
	cJSON *a;

	if (cw_client_open(&c, o->board, o->run_dir, stderr))
		return NULL;
	a = cw_client_ask(&c, what, remote, 0, stderr);
	cw_client_close(&c);
	return a;
}

const char *talk_text(const cJSON *o, const char *key)
{
	const char *s = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(o, key));

	return s ? s : "";
}

double talk_number(const cJSON *o, const char *key)
{
	const cJSON *n = cJSON_GetObjectItemCaseSensitive(o, key);

	return cJSON_IsNumber(n) ? n->valuedouble : 0;
}

const cJSON *talk_list(const cJSON *o, const char *key)
{
	return cJSON_GetObjectItemCaseSensitive(o, key);
}

const cJSON *talk_remote(const cJSON *status, const char *name)
{
	const cJSON *list = talk_list(status, "remotes"), *r;

	if (!name && cJSON_GetArraySize(list) == 1)
		return list->child;
	cJSON_ArrayForEach(r, list)
	{
		if (name && !strcmp(talk_text(r, "name"), name))
			return r;
	}
	fprintf(stderr,
		"causeway: %s%s; there are:", name ? "no remote is called " : "say which remote",
		name ? name : "");
	cJSON_ArrayForEach(r, list)
	{
		fprintf(stderr, " %s", talk_text(r, "name"));
	}
	fputc('\n', stderr);
	return NULL;
}

static bool joins(const cJSON *b)
{
	const char *kind = talk_text(b, "kind");

	return !strcmp(kind, "pty") || !strcmp(kind, "socket");
}

static bool is_port(const cJSON *b, const char *port, int number)
{
	char *end;
	long n;

	if (!port)
		return joins(b);
	n = strtol(port, &end, 10);
	return (end != port && !*end && n == number) || !strcmp(talk_text(b, "name"), port);
}

/* One console port after the other: the one that is meant, or with @show their names, and NULL. */
static const cJSON *each_port(const cJSON *remote, const char *port, bool show)
{
	const cJSON *d, *b;
	int number = 0;

	cJSON_ArrayForEach(d, talk_list(remote, "devices"))
	{
		if (strcmp(talk_text(d, "kind"), "console") != 0)
			continue;
		cJSON_ArrayForEach(b, talk_list(d, "backends"))
		{
			const char *name = talk_text(b, "name");

			if (show)
				fprintf(stderr, "%s %d%s%s", number ? "," : "; there are:", number,
					*name ? " " : "", name);
			else if (is_port(b, port, number))
				return b;
			number++;
		}
	}
	return NULL;
}

const cJSON *talk_port(const cJSON *remote, const char *port)
{
	const cJSON *b = each_port(remote, port, false);

	if (b)
		return b;
	fprintf(stderr, "causeway: remote %s has no console%s%s%s", talk_text(remote, "name"),
		port ? " port " : "", port ? port : "", port ? "" : " that could be joined");
	each_port(remote, NULL, true);
	fputc('\n', stderr);
	return NULL;
}

char *talk_split(const char *text, const char **port)
{
	char *remote = text ? strdup(text) : NULL, *colon = remote ? strchr(remote, ':') : NULL;

	if (colon)
		*colon++ = 0;
	*port = colon;
	return remote;
}

void talk_short(double value, char *text, size_t size)
{
	static const char unit[] = " kMGTP";
	size_t u = 0;

	while (value >= 10000 && u < sizeof(unit) - 2) {
		value /= 1000;
		u++;
	}
	if (u)
		snprintf(text, size, "%.*f%c", value < 100, value, unit[u]);
	else
		snprintf(text, size, "%.0f", value);
}
