// SPDX-License-Identifier: BSD-3-Clause
/* What a keeper does for workers that ask, one of which may say anything: sockets of services. */
#include "../../../host/control/control.h"

#include "../core/unit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static uint64_t now;
int __real_clock_gettime(clockid_t c, struct timespec *t);
int __wrap_clock_gettime(clockid_t c, struct timespec *t);

int __wrap_clock_gettime(clockid_t c, struct timespec *t)
{
	(void)c;
	t->tv_sec = (time_t)(now / 1000000);
	t->tv_nsec = (long)(now % 1000000) * 1000;
	return 0;
}

static struct keeper k;
static struct cw_board board;
static struct cw_board_remote remote[3];
static struct keeper_remote at[3];
static struct keeper_worker worker[2];
static struct cw_worker_remote of_first[2], of_second[1];
static int far; /* the first worker's end */
static char folder[60];

static void device(struct cw_board_remote *r, uint32_t id)
{
	unsigned int i = r->layout.devices++;

	r->device[i].id = r->place[i].id = id;
	r->layout.device = r->place;
}

/* Remotes a (rng, rpmsg) and b (vsock) are the first worker's, c (rpmsg) is another's. */
static int set_up(void **state)
{
	static const char *const name[] = { "a", "b", "c" };
	int pair[2];

	(void)state;
	now = 1000000;
	memset(&k, 0, sizeof(k));
	memset(remote, 0, sizeof(remote));
	memset(at, 0, sizeof(at));
	memset(worker, 0, sizeof(worker));
	strcpy(k.dir.path, "/tmp/publish.XXXXXX");
	assert_non_null(mkdtemp(k.dir.path));
	strcpy(k.dir.lock, "held");
	strcpy(k.name, "board");
	board.remotes = 3;
	board.workers = 2;
	board.remote = remote;
	k.board = &board;
	k.remote = at;
	k.worker = worker;
	assert_int_equal(cw_loop_init(&k.loop), 0);
	device(&remote[0], CW_ID_RNG);
	device(&remote[0], CW_ID_RPMSG);
	device(&remote[1], CW_ID_VSOCK);
	remote[1].device[0].path = (char *)(uintptr_t) "/nowhere/vs";
	device(&remote[2], CW_ID_RPMSG);
	for (unsigned int i = 0; i < 3; i++) {
		remote[i].name = (char *)(uintptr_t)name[i];
		at[i].keeper = &k;
		at[i].board = &remote[i];
		assert_int_equal(publish_open(&at[i]), 0);
	}
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	of_first[0].board = &remote[0];
	of_first[1].board = &remote[1];
	of_second[0].board = &remote[2];
	worker[0].config.remote = of_first;
	worker[0].config.remotes = 2;
	worker[1].config.remote = of_second;
	worker[1].config.remotes = 1;
	for (unsigned int i = 0; i < 2; i++)
		worker[i].keeper = &k;
	worker[0].orders.fd = pair[0];
	far = pair[1];
	snprintf(folder, sizeof(folder), "%.40s/board.rpmsg/a", k.dir.path);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 3; i++)
		publish_close(&at[i]);
	publish_clean(&k);
	if (worker[0].orders.fd >= 0)
		close(worker[0].orders.fd);
	close(far);
	cw_loop_free(&k.loop);
	if (rmdir(k.dir.path))
		fail_msg("%s: something was left behind", k.dir.path);
	return 0;
}

static unsigned int files(const char *path)
{
	struct dirent *e;
	unsigned int n = 0;
	DIR *d = opendir(path);

	assert_non_null(d);
	while ((e = readdir(d)))
		n += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
	closedir(d);
	return n;
}

static bool there(const char *name)
{
	char path[512];
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	if (lstat(path, &st))
		return false;
	assert_true(S_ISSOCK(st.st_mode));
	assert_int_equal(st.st_mode & 0777, 0700);
	return true;
}

/* The answer: a descriptor or -1; -2: there is none. */
static int answer(uint32_t id)
{
	union {
		char buf[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} u = { .buf = { 0 } };
	struct cw_order o;
	struct iovec v = { &o, sizeof(o) };
	struct msghdr m = { .msg_iov = &v,
			    .msg_iovlen = 1,
			    .msg_control = u.buf,
			    .msg_controllen = sizeof(u.buf) };
	int fd = -1;

	if (recvmsg(far, &m, MSG_DONTWAIT) < 0)
		return -2;
	assert_int_equal(o.kind, CW_ORDER_GIVE);
	assert_int_equal(o.id, id);
	if (CMSG_FIRSTHDR(&m))
		memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(fd));
	return fd;
}

static int says(uint32_t kind, uint32_t of, uint32_t dev, uint32_t port, const char *name)
{
	struct cw_ask a = { .kind = kind, .remote = of, .device = dev, .port = port, .id = 77 };

	memcpy(a.name, name, strnlen(name, sizeof(a.name))); /* unended when it is as long */
	worker_asked(&worker[0], &a);
	return answer(77);
}

static int publishes(uint32_t port, const char *name)
{
	return says(CW_ASK_PUBLISH, 0, 1, port, name);
}

/* Publishes, and says whether it can be connected to. */
static bool works(uint32_t port, const char *name, const char *file)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = publishes(port, name), s = socket(AF_UNIX, SOCK_SEQPACKET, 0), r;

	assert_true(fd >= 0);
	snprintf(a.sun_path, sizeof(a.sun_path), "%s/%.40s", folder, file);
	r = connect(s, (const struct sockaddr *)&a, sizeof(a));
	close(s);
	close(fd);
	return !r && there(file);
}

static void a_socket_a_service(void **state)
{
	struct stat st;

	(void)state;
	assert_int_equal(files(k.dir.path), 1);
	assert_int_equal(stat(folder, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	assert_true(works(0, "echo", "echo"));
	assert_true(works(31, "tty", "tty"));
	assert_int_equal(files(folder), 2);
	assert_int_equal(says(CW_ASK_UNPUBLISH, 0, 1, 0, ""), -2);
	assert_false(there("echo"));
	assert_true(there("tty"));
	assert_true(works(0, "echo", "echo"));
}

static void names_are_cleaned(void **state)
{
	static const char *const name[][2] = {
		{ "../x", "_._x" },
		{ "..", "_." },
		{ ".", "_" },
		{ ".new", "_new" },
		{ "/etc/passwd", "_etc_passwd" },
		{ "a\x1b[31m\n\xff", "a__31m__" },
		{ "0123456789012345678901234567890X", "0123456789012345678901234567890" },
		{ "Az09._-", "Az09._-" },
	};

	(void)state;
	for (uint32_t i = 0; i < ARRAY_SIZE(name); i++)
		assert_true(works(i, name[i][0], name[i][1]));
	assert_int_equal(files(folder), ARRAY_SIZE(name));
	assert_int_equal(files(k.dir.path), 1);
	assert_int_equal(publishes(20, ""), -1);
}

static void one_name_many_times(void **state)
{
	const char *longest = "abcdefghijklmnopqrstuvwxyz01234";
	char file[64];

	(void)state;
	assert_true(works(0, longest, longest));
	for (uint32_t i = 1; i < CW_RPMSG_SERVICES; i++) {
		snprintf(file, sizeof(file), "%s.%u", longest, i);
		assert_true(works(i, longest, file));
	}
	says(CW_ASK_UNPUBLISH, 0, 1, 7, "");
	now += 1000000;
	snprintf(file, sizeof(file), "%s.7", longest);
	assert_false(there(file));
	assert_true(works(7, longest, file));
}

/* A worker may have been taken over by its remote. */
static void nothing_but_what_it_may(void **state)
{
	struct cw_ask a = {
		.kind = CW_ASK_PUBLISH, .remote = 0, .device = 1, .id = 77, .name = "x"
	};

	(void)state;
	assert_true(works(3, "mine", "mine"));
	assert_int_equal(publishes(3, "again"), -1); /* the number has one */
	assert_int_equal(publishes(CW_RPMSG_SERVICES, "x"), -1);
	assert_int_equal(publishes(UINT32_MAX, "x"), -1);
	assert_int_equal(says(CW_ASK_PUBLISH, 0, 0, 1, "x"), -2); /* a device of another kind */
	assert_int_equal(says(CW_ASK_PUBLISH, 0, 2, 1, "x"), -2);
	assert_int_equal(says(CW_ASK_PUBLISH, 0, UINT32_MAX, 1, "x"), -2);
	assert_int_equal(says(CW_ASK_PUBLISH, 1, 0, 1, "x"), -2);
	assert_int_equal(says(CW_ASK_PUBLISH, 2, 0, 1, "x"), -2); /* another worker's remote */
	assert_int_equal(says(CW_ASK_PUBLISH, UINT32_MAX, 1, 1, "x"), -2);
	assert_int_equal(says(0, 0, 1, 1, "x"), -2);
	assert_int_equal(says(4, 0, 1, 1, "x"), -2);
	assert_int_equal(says(CW_ASK_CONNECT, 0, 1, 1, "x"), -1);
	assert_int_equal(says(CW_ASK_CONNECT, 1, 0, 1, "x"), -1); /* nobody is there */
	assert_int_equal(says(CW_ASK_UNPUBLISH, 0, 1, 4, "mine"), -2);
	assert_int_equal(says(CW_ASK_UNPUBLISH, 0, 1, UINT32_MAX, "mine"), -2);
	assert_int_equal(says(CW_ASK_UNPUBLISH, 0, 0, 3, "mine"), -2);
	assert_true(there("mine"));
	assert_int_equal(files(folder), 1);
	/* And the other worker: only its own. */
	worker[1].orders.fd = worker[0].orders.fd;
	worker_asked(&worker[1], &a);
	assert_int_equal(answer(77), -2);
	a.device = 0;
	worker_asked(&worker[1], &a);
	close(answer(77));
	snprintf(folder, sizeof(folder), "%.40s/board.rpmsg/c", k.dir.path);
	assert_true(there("x"));
}

/* Row 48: so many at once, so many a second, and they come back with time. */
static void a_flood_is_bounded(void **state)
{
	unsigned int n = 0;

	(void)state;
	for (unsigned int i = 0; i < 10000; i++) {
		int fd = publishes(0, "flood");

		if (fd >= 0) {
			n++;
			close(fd);
		}
		says(CW_ASK_UNPUBLISH, 0, 1, 0, "");
	}
	assert_int_equal(n, 64);
	for (unsigned int i = 0; i < 10000; i++) {
		int fd = publishes(0, "flood");

		now += 100;
		if (fd >= 0) {
			n++;
			close(fd);
		}
		says(CW_ASK_UNPUBLISH, 0, 1, 0, "");
	}
	assert_in_range(n, 64 + 95, 64 + 101);
	assert_int_equal(files(folder), 0);
}

static void what_is_somebody_elses_stays(void **state)
{
	char path[512], outside[64] = "/tmp/outside.XXXXXX";
	int fd;

	(void)state;
	snprintf(path, sizeof(path), "%s/taken", folder);
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(publishes(0, "taken"), -1);
	assert_int_equal(access(path, F_OK), 0);
	assert_int_equal(files(folder), 1);
	/* Cleaning up follows no link. */
	fd = mkstemp(outside);
	close(fd);
	unlink(outside);
	assert_int_equal(mkdir(outside, 0700), 0);
	snprintf(path, sizeof(path), "%s/kept", outside);
	close(open(path, O_CREAT | O_WRONLY, 0600));
	snprintf(path, sizeof(path), "%s/board.rpmsg/link", k.dir.path);
	assert_int_equal(symlink(outside, path), 0);
	publish_clean(&k);
	assert_int_equal(files(outside), 1);
	snprintf(path, sizeof(path), "%s/kept", outside);
	unlink(path);
	rmdir(outside);
	assert_int_equal(files(k.dir.path), 0);
}

static void with_its_worker_all_goes(void **state)
{
	struct cw_ask a = { .kind = CW_ASK_PUBLISH, .id = 77, .name = "x" };
	int fd;

	(void)state;
	assert_true(works(0, "one", "one"));
	assert_true(works(1, "two", "two"));
	worker[1].orders.fd = worker[0].orders.fd;
	worker_asked(&worker[1], &a);
	fd = answer(77);
	assert_true(fd >= 0);
	close(fd);
	worker[0].pid = 4242;
	assert_true(worker_ended(&k, 4242, 0));
	assert_int_equal(files(folder), 0);
	snprintf(folder, sizeof(folder), "%.40s/board.rpmsg/c", k.dir.path);
	assert_true(there("x"));
}

/* So may what it reports be anything. */
static void what_it_reports_is_cleaned(void **state)
{
	static const struct cw_carrier_ops nothing = { .name = "process" };
	static struct cw_report_remote report;
	static struct cw_report of_worker;
	const cJSON *r, *d, *s, *remotes;
	char expected[128];
	cJSON *o;

	(void)state;
	assert_true(works(5, "a\x1b", "a_"));
	memset(&report, 0, sizeof(report));
	for (unsigned int i = 0; i < CW_RPMSG_SERVICES; i++)
		report.channel.service[i].addr = UINT32_MAX;
	report.channel.up = 1;
	report.channel.ns_bad = 3;
	report.channel.service[5].addr = 1030;
	report.channel.service[5].dropped = 7;
	memset(report.channel.service[5].name, 'x', CW_ASK_NAME); /* without an end */
	memcpy(report.channel.service[5].name, "\x1b[2J\n\xff", 6);
	for (unsigned int i = 0; i < 3; i++) {
		at[i].report = &report;
		at[i].carrier.ops = &nothing;
	}
	worker[0].config.report = worker[1].config.report = &of_worker;
	o = control_status(&k);
	remotes = cJSON_GetObjectItemCaseSensitive(o, "remotes");
	r = cJSON_GetArrayItem(remotes, 0);
	d = cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(r, "devices"), 1);
	assert_null(cJSON_GetObjectItemCaseSensitive(
		cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(r, "devices"), 0), "services"));
	assert_int_equal(cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(
				 cJSON_GetObjectItemCaseSensitive(d, "channel"), "ns_bad")),
			 3);
	d = cJSON_GetObjectItemCaseSensitive(d, "services");
	assert_int_equal(cJSON_GetArraySize(d), 1);
	s = cJSON_GetArrayItem(d, 0);
	assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(s, "name")),
			    "?[2J??xxxxxxxxxxxxxxxxxxxxxxxxx");
	snprintf(expected, sizeof(expected), "%s/a_", folder);
	assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(s, "socket")),
			    expected);
	cJSON_Delete(o);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_socket_a_service),	TEST(names_are_cleaned),
		TEST(one_name_many_times),	TEST(nothing_but_what_it_may),
		TEST(a_flood_is_bounded),	TEST(what_is_somebody_elses_stays),
		TEST(with_its_worker_all_goes), TEST(what_it_reports_is_cleaned),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
