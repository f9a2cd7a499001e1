// SPDX-License-Identifier: BSD-3-Clause
#include "talk.h"

#include <stdio.h>
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
