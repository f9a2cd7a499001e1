// SPDX-License-Identifier: BSD-3-Clause
/* The shell's commands for files of the other side, and a log that is kept there. */
#include "app.h"
#include "commands.h"
#include "sha256.h"

#include <causeway/core/err.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TIMEOUT_US 10000000u
#define LOG_US	   5000000u
#define LOG	   "/island.log"
#define BYTES	   32768u

static uint8_t bytes[BYTES];

static bool there(void)
{
	if (app.device[APP_9P].index < 0)
		shell_out("there are no files in the layout\n");
	else if (!app_ready(APP_9P))
		shell_out("the files are away\n");
	return app_ready(APP_9P);
}

static bool wanted(int argc, int least, int most, const char *usage)
{
	bool good = argc >= least && argc <= most;

	if (!good)
		shell_out("usage: %s\n", usage);
	return good && there();
}

static bool failed(const char *path, int err)
{
	if (!err)
		return false;
	if (app.files.last_errno)
		shell_out("%s: %s (errno %u)\n", path, cw_strerror(err),
			  (unsigned int)app.files.last_errno);
	else
		shell_out("%s: %s\n", path, cw_strerror(err));
	return true;
}

static bool opened(struct cw_9p_file *f, const char *path, uint32_t flags)
{
	return !failed(path, cw_9p_file_open(&app.files, f, path, flags, 0644, TIMEOUT_US));
}

/* ---- reading ---- */

static char letter(uint8_t type)
{
	return type == CW_9P_DT_DIR ? 'd' : type == CW_9P_DT_LNK ? 'l' : '-';
}

static void fs_ls(int argc, char **argv)
{
	const char *path = argc ? argv[0] : "/";
	static struct cw_9p_dir d;
	struct cw_9p_entry e;
	int got;

	if (!wanted(argc, 0, 1, "fs ls [PATH]") ||
	    failed(path, cw_9p_dir_open(&app.files, &d, path, TIMEOUT_US)))
		return;
	while ((got = cw_9p_dir_next(&d, &e, TIMEOUT_US)) > 0)
		shell_out("%c %.200s\n", letter(e.type), e.name);
	if (!failed(path, got))
		cw_9p_dir_close(&d, TIMEOUT_US);
}

static void fs_stat(int argc, char **argv)
{
	struct cw_9p_stat s;

	if (!wanted(argc, 1, 1, "fs stat PATH") ||
	    failed(argv[0], cw_9p_stat(&app.files, argv[0], &s, TIMEOUT_US)))
		return;
	shell_out("%s: %s, mode %04o, user %u, %lu bytes\n", argv[0],
		  cw_9p_is_dir(&s)		 ? "directory"
		  : s.qid_type & CW_9P_QTSYMLINK ? "link"
						 : "file",
		  (unsigned int)(s.mode & 07777), (unsigned int)s.uid, (unsigned long)s.size);
}

/* Gives all bytes of a file to @use; how many, or negative: an error that has been told. */
static long each(const char *path, void (*use)(void *ctx, const uint8_t *b, uint32_t len),
		 void *ctx)
{
	struct cw_9p_stream s;
	struct cw_9p_file f;
	long total = 0;
	int32_t got;

	if (!there() || !opened(&f, path, CW_9P_O_RDONLY))
		return -1;
	cw_9p_stream_open(&s, &f, false, 0);
	while ((got = cw_9p_stream_read(&s, bytes, BYTES, TIMEOUT_US)) > 0) {
		use(ctx, bytes, (uint32_t)got);
		total += got;
		app_alive(); /* who reads ahead never waits, and would seem to hang */
	}
	failed(path, got);
	cw_9p_stream_close(&s, TIMEOUT_US);
	cw_9p_file_close(&f, TIMEOUT_US);
	return got < 0 ? -1 : total;
}

static void show(void *ctx, const uint8_t *b, uint32_t len)
{
	(void)ctx;
	shell_bytes((const char *)b, len);
}

static void fs_cat(int argc, char **argv)
{
	if (wanted(argc, 1, 1, "fs cat PATH"))
		each(argv[0], show, NULL);
}

static void add(void *ctx, const uint8_t *b, uint32_t len)
{
	sha256_add(ctx, b, len);
}

static void fs_sum(int argc, char **argv)
{
	static const char digit[] = "0123456789abcdef";
	struct sha256 s;
	uint8_t sum[32];
	char text[65];

	if (!wanted(argc, 1, 1, "fs sum PATH"))
		return;
	sha256_begin(&s);
	if (each(argv[0], add, &s) < 0)
		return;
	sha256_end(&s, sum);
	for (int i = 0; i < 32; i++) {
		text[2 * i] = digit[sum[i] >> 4];
		text[2 * i + 1] = digit[sum[i] & 15];
	}
	text[64] = 0;
	shell_out("%s  %s\n", text, argv[0]);
}

/* ---- writing ---- */

static struct writing { /* a file, until its last byte is there */
	struct cw_9p_file f;
	struct cw_9p_stream s;
	int err;
} to;

static bool begin_writing(const char *path)
{
	to.err = CW_OK;
	if (!opened(&to.f, path, CW_9P_O_WRONLY | CW_9P_O_CREAT | CW_9P_O_TRUNC))
		return false;
	cw_9p_stream_open(&to.s, &to.f, true, 0);
	return true;
}

static void write_some(void *ctx, const uint8_t *b, uint32_t len)
{
	(void)ctx;
	if (!to.err)
		to.err = cw_9p_stream_write(&to.s, b, len, TIMEOUT_US);
}

/* Whether all of it is written; if not, that has been told. */
static bool end_writing(const char *path)
{
	uint32_t said = app.files.last_errno;
	int err = cw_9p_stream_close(&to.s, TIMEOUT_US);

	if (to.err)
		app.files.last_errno = said;
	err = to.err ? to.err : err;
	failed(path, err);
	cw_9p_file_close(&to.f, TIMEOUT_US);
	return !err;
}

static void fs_cp(int argc, char **argv)
{
	long n;

	if (!wanted(argc, 2, 2, "fs cp FROM TO") || !begin_writing(argv[1]))
		return;
	n = each(argv[0], write_some, NULL);
	if (end_writing(argv[1]) && n >= 0)
		shell_out("%ld bytes copied\n", n);
}

static void fs_write(int argc, char **argv)
{
	if (!wanted(argc, 1, SHELL_WORDS, "fs write PATH TEXT...") || !begin_writing(argv[0]))
		return;
	for (int i = 1; i < argc; i++) {
		write_some(NULL, (const uint8_t *)argv[i], (uint32_t)strlen(argv[i]));
		write_some(NULL, (const uint8_t *)(i + 1 < argc ? " " : "\n"), 1);
	}
	end_writing(argv[0]);
}

/* Numbers of a linear congruential generator, so that a reader can make them too. */
static void fs_fill(int argc, char **argv)
{
	unsigned long size = argc == 3 ? strtoul(argv[1], NULL, 0) : 0, left;
	uint32_t x = argc == 3 ? (uint32_t)strtoul(argv[2], NULL, 0) : 0;

	if (!wanted(argc, 3, 3, "fs fill PATH BYTES SEED") || !begin_writing(argv[0]))
		return;
	for (left = size; left && !to.err;) {
		uint32_t some = left < BYTES ? (uint32_t)left : BYTES;

		for (uint32_t i = 0; i < some; i++) {
			x = x * 1664525u + 1013904223u;
			bytes[i] = (uint8_t)(x >> 24);
		}
		write_some(NULL, bytes, some);
		left -= some;
		app_alive();
	}
	if (end_writing(argv[0]))
		shell_out("%lu bytes written\n", size);
}

/* ---- names ---- */

static void fs_rm(int argc, char **argv)
{
	if (wanted(argc, 1, 1, "fs rm PATH"))
		failed(argv[0], cw_9p_remove(&app.files, argv[0], TIMEOUT_US));
}

static void fs_mkdir(int argc, char **argv)
{
	if (wanted(argc, 1, 1, "fs mkdir PATH"))
		failed(argv[0], cw_9p_mkdir(&app.files, argv[0], 0755, TIMEOUT_US));
}

static void fs_mv(int argc, char **argv)
{
	if (wanted(argc, 2, 2, "fs mv FROM TO"))
		failed(argv[0], cw_9p_rename(&app.files, argv[0], argv[1], TIMEOUT_US));
}

const struct shell_command file_commands[] = {
	{ "fs ls", "[PATH]: list a directory", fs_ls },
	{ "fs stat", "PATH: what it is", fs_stat },
	{ "fs cat", "PATH: show a file", fs_cat },
	{ "fs sum", "PATH: its SHA-256", fs_sum },
	{ "fs cp", "FROM TO: copy a file", fs_cp },
	{ "fs write", "PATH TEXT...: a file with a line in it", fs_write },
	{ "fs fill", "PATH BYTES SEED: a file with a pattern in it", fs_fill },
	{ "fs rm", "PATH: remove a file or an empty directory", fs_rm },
	{ "fs mkdir", "PATH: make a directory", fs_mkdir },
	{ "fs mv", "FROM TO: give it another name", fs_mv },
	{ NULL, NULL, NULL },
};

/* ---- the log ---- */

bool files_poll(void)
{
	static uint32_t opens;
	struct cw_9p_file f;
	char line[80];
	int len;

	if (!app_ready(APP_9P) || opens == app.device[APP_9P].opens)
		return false;
	opens = app.device[APP_9P].opens;
	len = snprintf(line, sizeof(line), "%s, link %u, up for %lu ms\n",
		       opens == 1 ? "started" : "again", (unsigned int)app.links,
		       (unsigned long)((app_now() - app.started) / 1000u));
	/* One line; whether it can be written is of no concern to anybody. */
	if (!cw_9p_file_open(&app.files, &f, LOG, CW_9P_O_WRONLY | CW_9P_O_CREAT | CW_9P_O_APPEND,
			     0644, LOG_US)) {
		cw_9p_write(&f, 0, line, (uint32_t)len, LOG_US);
		cw_9p_file_close(&f, LOG_US);
	}
	return true;
}
