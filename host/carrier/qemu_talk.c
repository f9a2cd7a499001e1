// SPDX-License-Identifier: BSD-3-Clause
/*
 * Theory of operation: QMP is one JSON object a line in each direction, and QEMU takes commands in
 * the order in which they come. The monitor is one end of a socket pair, so all commands are written
 * before QEMU is started and nobody waits for its answers: they are looked at for errors only when
 * they arrive. QEMU is a program of this machine, but it runs a program of somebody else's: lines are
 * bounded, and what they hold is looked at, not trusted.
 */
#include "qemu_talk.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LINE_MAX 16384u

struct cw_qemu_talk {
	int fd;
	size_t len;
	bool skip; /* the rest of a line that was too long */
	char line[LINE_MAX];
};

static int tell(int fd, const char *command)
{
	size_t len = strlen(command);

	return send(fd, command, len, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)len ? 0 : -1;
}

static int tell_all(int fd, const char *const *power)
{
	if (tell(fd, "{\"execute\":\"qmp_capabilities\"}"))
		return -1;
	for (; *power; power++)
		if (tell(fd, *power))
			return -1;
	return tell(fd, "{\"execute\":\"cont\"}");
}

struct cw_qemu_talk *cw_qemu_talk_begin(int *theirs, const char *const *power)
{
	struct cw_qemu_talk *t = calloc(1, sizeof(*t));
	int pair[2];

	if (!t || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair)) {
		free(t);
		return NULL;
	}
	t->fd = pair[0];
	if (tell_all(t->fd, power)) {
		close(pair[1]);
		cw_qemu_talk_end(t);
		return NULL;
	}
	*theirs = pair[1];
	return t;
}

int cw_qemu_talk_fd(const struct cw_qemu_talk *t)
{
	return t->fd;
}

static const char *text_of(const cJSON *o, const char *key)
{
	const char *s = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(o, key));

	return s ? s : "";
}

static void take_line(struct cw_qemu_talk *t, bool *frozen, const char *name, FILE *err)
{
	cJSON *o = cJSON_ParseWithLength(t->line, t->len);
	const char *event = text_of(o, "event");
	const cJSON *error = cJSON_GetObjectItemCaseSensitive(o, "error");

	if (!strcmp(event, "STOP"))
		*frozen = true;
	else if (!strcmp(event, "RESUME"))
		*frozen = false;
	else if (error)
		fprintf(err, "causeway: remote %s: QEMU refuses a command: %s\n", name,
			text_of(error, "desc"));
	cJSON_Delete(o);
}

static void take(struct cw_qemu_talk *t, char c, bool *frozen, const char *name, FILE *err)
{
	if (c == '\n') {
		if (!t->skip)
			take_line(t, frozen, name, err);
		t->len = 0;
		t->skip = false;
	} else if (t->len == LINE_MAX) {
		t->skip = true;
	} else {
		t->line[t->len++] = c;
	}
}

int cw_qemu_talk_hear(struct cw_qemu_talk *t, bool *frozen, const char *name, FILE *err)
{
	char bytes[4096];
	ssize_t n = recv(t->fd, bytes, sizeof(bytes), MSG_DONTWAIT);

	if (n < 0 && errno == EAGAIN)
		return 0;
	for (ssize_t i = 0; i < n; i++)
		take(t, bytes[i], frozen, name, err);
	return n > 0 ? 0 : -1;
}

void cw_qemu_talk_end(struct cw_qemu_talk *t)
{
	if (!t)
		return;
	close(t->fd);
	free(t);
}
