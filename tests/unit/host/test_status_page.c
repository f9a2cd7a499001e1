// SPDX-License-Identifier: BSD-3-Clause
/* What apps/status-page makes of messages, and how it writes files. */
#include "../core/unit.h"

#include <publish.h>
#include <view.h>

#include <causeway/core/bytes.h>
#include <causeway/core/err.h>

#include <cjson/cJSON.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <signal.h>
#include <unistd.h>

#define START 1000000000u

static struct view view;
static uint8_t message[CW_SAMPLE_BYTES_MAX];

static struct view_time at(uint64_t ms)
{
	return (struct view_time){ START + ms * 1000, (int64_t)(1700000000000u + ms) };
}

static uint32_t make(uint32_t life, uint32_t sequence, const char *loop)
{
	struct cw_sample s = { .life = life,
			       .sequence = sequence,
			       .period_ms = 1000,
			       .has = CW_SAMPLE_HAS_STACK,
			       .stack_size = 100,
			       .stack_used = sequence,
			       .loops = 1 };

	snprintf(s.loop[0].name, sizeof(s.loop[0].name), "%s", loop);
	s.loop[0].share = 250000;
	return (uint32_t)cw_sample_encode(&s, message, sizeof(message));
}

static const char *link_is = "up";

static void carrier(const char *state, uint32_t starts, uint32_t crashes)
{
	const struct view_carrier c = { .answers = true,
					.name = state[0] ? "island" : "",
					.state = state,
					.link = state[0] ? link_is : "",
					.starts = starts,
					.crashes = crashes,
					.trouble = state[0] ? "" : "there are several" };

	view_carrier(&view, &c);
}

static void no_keeper(void)
{
	const struct view_carrier c = { .name = "", .state = "", .link = "", .trouble = "" };

	view_carrier(&view, &c);
}

static int begin(void **state)
{
	(void)state;
	if (view_init(&view, 5))
		return -1;
	view.service = true;
	carrier("running", 1, 0);
	return 0;
}

static int end(void **state)
{
	(void)state;
	view_free(&view);
	return 0;
}

static void tell(uint32_t life, uint32_t sequence, uint64_t ms)
{
	assert_int_equal(view_sample(&view, message, make(life, sequence, "idle"), at(ms)), CW_OK);
}

static void life_of_a_remote(void **state)
{
	(void)state;
	assert_int_equal(view_state(&view, at(0)), VIEW_WAITING);
	tell(7, 1, 1000);
	assert_int_equal(view_state(&view, at(1000)), VIEW_LIVE);
	assert_int_equal(view_state(&view, at(3250)), VIEW_LIVE);
	assert_int_equal(view_state(&view, at(3251)), VIEW_SILENT); /* well within three seconds */
	tell(7, 2, 4000);
	assert_int_equal(view_state(&view, at(4000)), VIEW_LIVE);
	assert_int_equal(view.restarts, 0);
	tell(8, 1, 5000);
	assert_int_equal(view_state(&view, at(5000)), VIEW_RESTARTED);
	assert_int_equal(view.restarts, 1);
	assert_true(view.restarted.ms == at(5000).ms);
	tell(8, 2, 14999);
	assert_int_equal(view_state(&view, at(14999)), VIEW_RESTARTED);
	assert_int_equal(view_state(&view, at(15000)), VIEW_LIVE);
	assert_int_equal(view.restarts, 1);
}

static void what_the_carrier_says(void **state)
{
	(void)state;
	tell(7, 1, 0);
	carrier("crashed", 1, 1);
	assert_int_equal(view_state(&view, at(1)), VIEW_CRASHED);
	carrier("offline", 1, 1);
	assert_int_equal(view_state(&view, at(1)), VIEW_OFFLINE);
	carrier("detached", 1, 1);
	assert_int_equal(view_state(&view, at(1)), VIEW_OFFLINE);
	carrier("running", 2, 1); /* started, and has said nothing yet */
	assert_int_equal(view_state(&view, at(1)), VIEW_WAITING);
	tell(7, 2, 1);
	assert_int_equal(view_state(&view, at(1)), VIEW_LIVE);
	no_keeper(); /* a keeper that only does not answer */
	assert_int_equal(view_state(&view, at(1)), VIEW_LIVE);
	assert_string_equal(view.name, "island");
	view.service = false;
	assert_int_equal(view_state(&view, at(1)), VIEW_OFFLINE);
	carrier("running", 2, 1);
	assert_int_equal(view_state(&view, at(1)), VIEW_LIVE);
}

/* What is attached, and a guest, ends without its carrier's knowing: the link tells. */
static void what_the_link_says(void **state)
{
	static const char *const away[] = { "down", "lost", "memory gone" };

	(void)state;
	for (unsigned int i = 0; i < 3; i++) {
		tell(7, i, 0);
		carrier("attached", 1, 0);
		assert_int_equal(view_state(&view, at(1)), VIEW_LIVE);
		link_is = away[i];
		carrier("attached", 1, 0);
		assert_int_equal(view_state(&view, at(1)), VIEW_SILENT);
		link_is = "up";
		carrier("attached", 1, 0); /* who is there now has said nothing */
		assert_int_equal(view_state(&view, at(1)), VIEW_WAITING);
	}
	link_is = "down"; /* a sample is younger than what the keeper said before it */
	carrier("attached", 1, 0);
	tell(7, 9, 1);
	assert_int_equal(view_state(&view, at(1)), VIEW_LIVE);
	carrier("offline", 1, 0);
	assert_int_equal(view_state(&view, at(1)), VIEW_OFFLINE);
	carrier("running", 2, 0); /* of one that starts, the link is not up yet */
	assert_int_equal(view_state(&view, at(1)), VIEW_WAITING);
	link_is = "up";
}

static void no_such_remote(void **state)
{
	char *text;

	(void)state;
	tell(7, 1, 0);
	carrier("", 0, 0);
	assert_int_equal(view_state(&view, at(1)), VIEW_OFFLINE);
	text = view_status_json(&view, VIEW_OFFLINE, at(1));
	assert_non_null(
		strstr(text, "\"carrier\":{\"pmm\":true,\"trouble\":\"there are several\"}"));
	free(text);
	carrier("running", 1, 0); /* it is there again, and has said nothing yet */
	assert_int_equal(view_state(&view, at(2)), VIEW_WAITING);
	text = view_status_json(&view, VIEW_WAITING, at(2));
	assert_null(strstr(text, "trouble"));
	free(text);
}

static cJSON *history(void)
{
	char *text = view_history_json(&view);
	cJSON *o = cJSON_Parse(text);

	free(text);
	assert_non_null(o);
	return o;
}

static int rows(void)
{
	cJSON *o = history();
	int n = cJSON_GetArraySize(cJSON_GetObjectItem(o, "rows"));

	cJSON_Delete(o);
	return n;
}

static void history_is_bounded(void **state)
{
	cJSON *o, *r;

	(void)state;
	assert_int_equal(rows(), 0);
	for (uint32_t i = 1; i <= 23; i++) {
		tell(7, i, i * 1000);
		assert_int_equal(rows(), i < 5 ? i : 5);
	}
	o = history();
	for (int i = 0; i < 5; i++) { /* oldest first */
		r = cJSON_GetArrayItem(cJSON_GetObjectItem(o, "rows"), i);
		assert_int_equal(cJSON_GetArraySize(r), 11);
		assert_true(cJSON_GetArrayItem(r, 3)->valuedouble == 19 + i);
		assert_true(cJSON_GetArrayItem(r, 10)->valuedouble == 0.25);
	}
	cJSON_Delete(o);
	/* Other loops are another history. */
	assert_int_equal(view_sample(&view, message, make(9, 1, "other"), at(0)), CW_OK);
	assert_int_equal(rows(), 1);
}

static void a_long_history_is_whole(void **state)
{
	const int most = 60000, more = 100;
	cJSON *o, *r, *list;
	int n = 0;

	(void)state;
	view_free(&view);
	assert_int_equal(view_init(&view, (unsigned int)most), 0);
	for (int i = 0; i < most + more; i++)
		tell(7, (uint32_t)i, (uint64_t)i * 1000);
	o = history();
	list = cJSON_GetObjectItem(o, "rows");
	cJSON_ArrayForEach(r, list)
	{
		assert_true(r->child->valuedouble == (double)at((uint64_t)(more + n) * 1000).ms);
		n++;
	}
	assert_int_equal(n, most);
	cJSON_Delete(o);
}

static void refused_messages(void **state)
{
	uint32_t n = make(7, 1, "idle");
	char *text;

	(void)state;
	assert_int_equal(view_sample(&view, message, n - 1, at(0)), CW_EBADLEN);
	assert_int_equal(view_sample(&view, message, 0, at(0)), CW_EBADLEN);
	cw_poke16(message, 2);
	assert_int_equal(view_sample(&view, message, n, at(0)), CW_EVERSION);
	assert_int_equal(view.refused, 3);
	assert_int_equal(view_state(&view, at(0)), VIEW_WAITING);
	assert_int_equal(rows(), 0);
	text = view_status_json(&view, VIEW_WAITING, at(0));
	assert_non_null(strstr(text, "\"refused\":3"));
	assert_non_null(strstr(text, "a version that is not known"));
	free(text);
	tell(7, 1, 0); /* and what is right is taken all the same */
	assert_int_equal(view_state(&view, at(0)), VIEW_LIVE);
}

/* Names without an end, HTML, control characters: text that JSON gives back as it was shown. */
static void hostile_text(void **state)
{
	static const char line[] =
		"</script><img src=x onerror=alert(1)>\n\r\x1b[31m\"\\\x7f\xc3\x28";
	char *text, whole[2 * VIEW_LINE];
	cJSON *o, *l;
	uint32_t n = make(7, 1, "<script>a</s");

	(void)state;
	memcpy(message + 76, "\"\\<b>\x01\x80zzzzzzzzz", 16);
	assert_int_equal(view_sample(&view, message, n, at(0)), CW_OK);
	view_log(&view, line, sizeof(line) - 1, at(0));
	memset(whole, 'w', sizeof(whole));
	view_log(&view, whole, sizeof(whole), at(0));
	text = view_status_json(&view, VIEW_LIVE, at(0));
	for (const char *p = text; *p; p++)
		assert_in_range((unsigned char)*p, ' ', '~');
	o = cJSON_Parse(text);
	free(text);
	assert_non_null(o);
	l = cJSON_GetObjectItem(o, "sample");
	assert_string_equal(cJSON_GetObjectItem(l, "board")->valuestring, "\"\\<b>??zzzzzzzzz");
	l = cJSON_GetArrayItem(cJSON_GetObjectItem(l, "loops"), 0);
	assert_string_equal(cJSON_GetObjectItem(l, "name")->valuestring, "<script>a</s");
	l = cJSON_GetArrayItem(cJSON_GetObjectItem(o, "log"), 0);
	assert_string_equal(cJSON_GetObjectItem(l, "text")->valuestring,
			    "</script><img src=x onerror=alert(1)>???[31m\"\\\?\?(");
	l = cJSON_GetArrayItem(cJSON_GetObjectItem(o, "log"), 1);
	assert_int_equal(strlen(cJSON_GetObjectItem(l, "text")->valuestring), VIEW_LINE);
	cJSON_Delete(o);
}

static void log_is_bounded(void **state)
{
	char line[16];
	cJSON *o, *list;
	char *text;

	(void)state;
	for (unsigned int i = 0; i < 3 * VIEW_LINES + 7; i++) {
		snprintf(line, sizeof(line), "line %u", i);
		view_log(&view, line, (uint32_t)strlen(line), at(i));
	}
	text = view_status_json(&view, VIEW_LIVE, at(0));
	o = cJSON_Parse(text);
	free(text);
	list = cJSON_GetObjectItem(o, "log");
	assert_int_equal(cJSON_GetArraySize(list), VIEW_LINES);
	assert_string_equal(cJSON_GetObjectItem(cJSON_GetArrayItem(list, 0), "text")->valuestring,
			    "line 107");
	assert_string_equal(
		cJSON_GetObjectItem(cJSON_GetArrayItem(list, VIEW_LINES - 1), "text")->valuestring,
		"line 156");
	cJSON_Delete(o);
}

/* ---- files ---- */

static char folder[] = "/tmp/cw-page-XXXXXX";

static int folder_begin(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/cw-page-XXXXXX");
	return mkdtemp(folder) ? 0 : -1;
}

static int folder_end(void **state)
{
	char path[64];

	(void)state;
	snprintf(path, sizeof(path), "%s/a", folder);
	unlink(path);
	return rmdir(folder); /* nothing but what was published is left */
}

static size_t content(char *buf, size_t size)
{
	char path[64];
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "%s/a", folder);
	f = fopen(path, "re");
	assert_non_null(f);
	n = fread(buf, 1, size, f);
	fclose(f);
	return n;
}

static void files_are_whole(void **state)
{
	char buf[100000], path[64];
	int d = page_open(folder), old;
	struct stat st;
	mode_t mask = umask(0077);

	(void)state;
	assert_true(d >= 0);
	assert_int_equal(page_publish(d, "a", "first", 5), 0);
	umask(mask);
	snprintf(path, sizeof(path), "%s/a", folder);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0644);
	/* Who has the old file open goes on reading the old file. */
	old = open(path, O_RDONLY | O_CLOEXEC);
	memset(buf, 'x', sizeof(buf));
	assert_int_equal(page_publish(d, "a", buf, sizeof(buf)), 0);
	assert_int_equal(content(buf, sizeof(buf)), sizeof(buf));
	assert_int_equal(read(old, buf, sizeof(buf)), 5);
	assert_memory_equal(buf, "first", 5);
	close(old);
	close(d);
}

/* One that was made can be served by another user; one that was there is its owner's. */
static void mode_of_the_directory(void **state)
{
	mode_t mask = umask(0077);
	char path[64];
	struct stat st;
	int d;

	(void)state;
	snprintf(path, sizeof(path), "%s/www", folder);
	d = page_open(path);
	umask(mask);
	assert_true(d >= 0);
	assert_int_equal(fstat(d, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0755);
	assert_int_equal(fchmod(d, 0700), 0);
	close(d);
	d = page_open(path);
	assert_true(d >= 0);
	assert_int_equal(fstat(d, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	close(d);
	assert_int_equal(rmdir(path), 0);
}

/* A disk that is full, here a limit: the file is the old one, and nothing is left of the new. */
static void full_disk(void **state)
{
	struct rlimit was, little = { 1000, 1000 };
	static char buf[5000];
	int d = page_open(folder);

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(page_publish(d, "a", "old", 3), 0);
	getrlimit(RLIMIT_FSIZE, &was);
	little.rlim_max = was.rlim_max;
	setrlimit(RLIMIT_FSIZE, &little);
	assert_int_equal(page_publish(d, "a", buf, sizeof(buf)), -1);
	assert_int_equal(errno, EFBIG);
	setrlimit(RLIMIT_FSIZE, &was);
	assert_int_equal(content(buf, sizeof(buf)), 3);
	assert_memory_equal(buf, "old", 3);
	close(d);
}

static void one_at_a_time(void **state)
{
	int a = page_open(folder), b;

	(void)state;
	assert_true(a >= 0);
	assert_int_equal(page_open(folder), -1);
	assert_int_equal(errno, EWOULDBLOCK);
	close(a);
	b = page_open(folder);
	assert_true(b >= 0);
	close(b);
	assert_int_equal(page_open("/tmp/cw-no-such/folder"), -1);
	assert_int_equal(errno, ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(life_of_a_remote, begin, end),
		cmocka_unit_test_setup_teardown(what_the_carrier_says, begin, end),
		cmocka_unit_test_setup_teardown(what_the_link_says, begin, end),
		cmocka_unit_test_setup_teardown(no_such_remote, begin, end),
		cmocka_unit_test_setup_teardown(history_is_bounded, begin, end),
		cmocka_unit_test_setup_teardown(a_long_history_is_whole, begin, end),
		cmocka_unit_test_setup_teardown(refused_messages, begin, end),
		cmocka_unit_test_setup_teardown(hostile_text, begin, end),
		cmocka_unit_test_setup_teardown(log_is_bounded, begin, end),
		cmocka_unit_test_setup_teardown(files_are_whole, folder_begin, folder_end),
		cmocka_unit_test_setup_teardown(mode_of_the_directory, folder_begin, folder_end),
		cmocka_unit_test_setup_teardown(full_disk, folder_begin, folder_end),
		cmocka_unit_test_setup_teardown(one_at_a_time, folder_begin, folder_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
