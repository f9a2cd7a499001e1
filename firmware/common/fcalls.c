// SPDX-License-Identifier: BSD-3-Clause
/* The shell's commands for files of Linux by messages. */
#include "fcalls.h"

#include "app.h"
#include "commands.h"
#include "messages.h"

#include <causeway/core/err.h>

#include <stdio.h>
#include <string.h>

#define TIMEOUT_US 5000000u
#define BYTES	   512u

static struct cw_rfiles files;
static char trouble[200]; /* the last: who types may have been away */

struct cw_rfiles *fcalls_files(void)
{
	/* The channel's table has room for it. A life of ours begins at another time than the one before. */
	if (!files.link.e)
		(void)cw_rfiles_open(&files, messages_channel(), (uint32_t)app_now());
	return &files;
}

static bool wanted(int argc, int least, int most, const char *usage)
{
	bool good = argc >= least && argc <= most;

	if (!good)
		shell_out("usage: %s\n", usage);
	else if (!app_ready(APP_RPMSG))
		shell_out("there is no rpmsg device, or it is away\n");
	return good && app_ready(APP_RPMSG);
}

static bool failed(const char *path, int64_t err)
{
	if (err >= 0)
		return false;
	if (files.error)
		snprintf(trouble, 160, "%.100s: %s (error %ld)\n", path, cw_strerror((int)err),
			 (long)files.error);
	else
		snprintf(trouble, 160, "%.100s: %s\n", path, cw_strerror((int)err));
	shell_out("%s", trouble);
	return true;
}

static bool opened(struct cw_rfile *f, const char *path, uint32_t flags)
{
	return !failed(path, cw_rfile_open(fcalls_files(), f, path, flags, 0666, TIMEOUT_US));
}

static void f_state(int argc, char **argv)
{
	const struct cw_rpc_counters *n = &files.rpc.count;

	(void)argc;
	(void)argv;
	shell_out("files by messages: %s, %lu calls, %lu answers, %lu times lost\n",
		  files.rpc.session ? "there" : "away", (unsigned long)n->calls,
		  (unsigned long)n->answers, (unsigned long)n->lost);
	shell_out("last trouble: %s", trouble[0] ? trouble : "none\n");
}

static void f_cat(int argc, char **argv)
{
	struct cw_rfile f;
	char text[240];
	int32_t n;

	if (!wanted(argc, 1, 1, "fcall cat PATH") || !opened(&f, argv[0], CW_FILES_READ))
		return;
	while ((n = cw_rfile_read(&f, text, sizeof(text), TIMEOUT_US)) > 0)
		shell_bytes(text, (uint32_t)n);
	failed(argv[0], n);
	failed(argv[0], cw_rfile_close(&f, TIMEOUT_US));
}

static void put(int argc, char **argv, uint32_t flags)
{
	char text[SHELL_LINE + 2];
	size_t len = 0;
	struct cw_rfile f;

	for (int i = 1; i < argc; i++) {
		size_t n = strlen(argv[i]);

		memcpy(text + len, argv[i], n);
		text[len + n] = i + 1 < argc ? ' ' : '\n';
		len += n + 1;
	}
	if (!opened(&f, argv[0], CW_FILES_WRITE | CW_FILES_CREATE | flags))
		return;
	failed(argv[0], cw_rfile_write(&f, text, (uint32_t)len, TIMEOUT_US));
	failed(argv[0], cw_rfile_close(&f, TIMEOUT_US));
}

static void f_write(int argc, char **argv)
{
	if (wanted(argc, 2, SHELL_WORDS, "fcall write PATH TEXT..."))
		put(argc, argv, CW_FILES_TRUNCATE);
}

static void f_append(int argc, char **argv)
{
	if (wanted(argc, 2, SHELL_WORDS, "fcall append PATH TEXT..."))
		put(argc, argv, CW_FILES_APPEND);
}

static void f_ls(int argc, char **argv)
{
	const char *path = argc ? argv[0] : "/";
	static const char letter[] = "?-dl?";
	struct cw_rfile_entry e;
	struct cw_rfile f;
	int got;

	if (!wanted(argc, 0, 1, "fcall ls [PATH]") ||
	    !opened(&f, path, CW_FILES_READ | CW_FILES_FOLDER))
		return;
	while ((got = cw_rfile_list(&f, &e, TIMEOUT_US)) > 0)
		shell_out("%c %.200s\n", letter[e.type < 4 ? e.type : 4], e.name);
	failed(path, got);
	failed(path, cw_rfile_close(&f, TIMEOUT_US));
}

static void f_stat(int argc, char **argv)
{
	struct cw_rfile_stat s;

	if (!wanted(argc, 1, 1, "fcall stat PATH") ||
	    failed(argv[0], cw_rfiles_stat(fcalls_files(), argv[0], &s, TIMEOUT_US)))
		return;
	shell_out("%s: %s, mode %04o, %llu bytes\n", argv[0],
		  s.type == CW_FILES_TYPE_FOLDER ? "folder"
		  : s.type == CW_FILES_TYPE_FILE ? "file"
						 : "neither file nor folder",
		  (unsigned int)s.mode, (unsigned long long)s.size);
}

static void f_rm(int argc, char **argv)
{
	int err;

	if (!wanted(argc, 1, 1, "fcall rm PATH"))
		return;
	err = cw_rfiles_unlink(fcalls_files(), argv[0], TIMEOUT_US);
	if (err && files.error == CW_FILES_EISDIR)
		err = cw_rfiles_rmdir(fcalls_files(), argv[0], TIMEOUT_US);
	failed(argv[0], err);
}

static void f_mkdir(int argc, char **argv)
{
	if (wanted(argc, 1, 1, "fcall mkdir PATH"))
		failed(argv[0], cw_rfiles_mkdir(fcalls_files(), argv[0], 0777, TIMEOUT_US));
}

static void f_mv(int argc, char **argv)
{
	if (wanted(argc, 2, 2, "fcall mv FROM TO"))
		failed(argv[0], cw_rfiles_rename(fcalls_files(), argv[0], argv[1], TIMEOUT_US));
}

/* As many bytes as asked for, so that something can happen in the middle. */
static void f_fill(int argc, char **argv)
{
	static char text[BYTES];
	unsigned long todo = 0, done = 0;
	struct cw_rfile f;
	int32_t n = 1;

	if (!wanted(argc, 2, 2, "fcall fill PATH BYTES"))
		return;
	for (const char *c = argv[1]; *c >= '0' && *c <= '9' && todo < 100000000; c++)
		todo = 10 * todo + (unsigned long)(*c - '0');
	memset(text, '.', sizeof(text));
	if (!opened(&f, argv[0], CW_FILES_WRITE | CW_FILES_CREATE | CW_FILES_TRUNCATE))
		return;
	while (n > 0 && done < todo) {
		uint32_t some = todo - done < sizeof(text) ? (uint32_t)(todo - done) : sizeof(text);

		n = cw_rfile_write(&f, text, some, TIMEOUT_US);
		done += n > 0 ? (unsigned long)n : 0;
		app_alive();
	}
	if (!failed(argv[0], n))
		failed(argv[0], cw_rfile_close(&f, TIMEOUT_US));
	shell_out("%lu bytes written\n", done);
	if (done < todo && n < 0)
		snprintf(trouble + strlen(trouble) - 1, 30, ", after %lu bytes\n", done);
}

static void f_stdio(int argc, char **argv)
{
	if (wanted(argc, 1, 1, "fcall stdio PATH"))
		fcalls_stdio(argv[0]);
}

const struct shell_command fcall_commands[] = {
	{ "fcall", "whether there are files by messages, and the last error", f_state },
	{ "fcall cat", "PATH: the file's text", f_cat },
	{ "fcall write", "PATH TEXT...: make a file of it", f_write },
	{ "fcall append", "PATH TEXT...: add it at the file's end", f_append },
	{ "fcall ls", "[PATH]: what is in a folder", f_ls },
	{ "fcall stat", "PATH: kind, mode and size", f_stat },
	{ "fcall rm", "PATH: remove a file or an empty folder", f_rm },
	{ "fcall mkdir", "PATH: make a folder", f_mkdir },
	{ "fcall mv", "FROM TO: rename", f_mv },
	{ "fcall fill", "PATH BYTES: write so many", f_fill },
	{ "fcall stdio", "PATH: try fopen and its like", f_stdio },
	{ NULL, NULL, NULL },
};
