// SPDX-License-Identifier: BSD-3-Clause
/* The client library of messages against sockets of our own, where the keeper would have them. */
#include "../core/unit.h"

#include <causeway/core/err.h>
#include <causeway/host/rpmsg_client.h>

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define LONG 60000000u /* microseconds: longer than anything here takes */

static char run[] = "/tmp/cw-rpmsg-client-XXXXXX";
static struct cw_rpmsg_client *c;
static int keeper; /* of board b */

static char *at(const char *path)
{
	static char text[4][256];
	static unsigned int i;

	i = (i + 1) % 4;
	snprintf(text[i], sizeof(text[i]), "%s/%s", run, path);
	return text[i];
}

/* A service: a listening socket, under a path as long as it likes. */
static int serve(const char *folder, const char *name)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int dir = open(at(folder), O_PATH | O_DIRECTORY | O_CLOEXEC);
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	assert_true(dir >= 0 && fd >= 0);
	snprintf(a.sun_path, sizeof(a.sun_path), "/proc/self/fd/%d/%s", dir, name);
	unlink(a.sun_path);
	assert_return_code(bind(fd, (const struct sockaddr *)&a, sizeof(a)), 0);
	assert_return_code(listen(fd, 64), 0);
	close(dir);
	return fd;
}

/* The control socket of a board's keeper, as far as it is looked at. */
static int keep(const char *name)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(a.sun_path, sizeof(a.sun_path), "%s/%s", run, name);
	assert_return_code(bind(fd, (const struct sockaddr *)&a, sizeof(a)), 0);
	assert_return_code(listen(fd, 1), 0);
	return fd;
}

static int caller(int listening)
{
	int fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC);

	assert_return_code(fd, 0);
	return fd;
}

static int open_(const char *board, const char *remote, const char *service, uint64_t wait)
{
	const struct cw_rpmsg_client_config conf = { run, board, remote, service, wait };

	return cw_rpmsg_client_open(&c, &conf);
}

static void hear(int fd, const char *text)
{
	char buf[100];
	ssize_t n = recv(fd, buf, sizeof(buf), 0);

	assert_int_equal(n, strlen(text));
	assert_memory_equal(buf, text, (size_t)n);
}

static void say(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), 0), strlen(text));
}

static void heard(const char *text)
{
	char buf[100];
	int n = cw_rpmsg_client_recv(c, buf, sizeof(buf), LONG);

	assert_int_equal(n, strlen(text));
	assert_memory_equal(buf, text, (size_t)n);
}

static uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
}

static bool readable(int ms)
{
	struct pollfd p = { .fd = cw_rpmsg_client_fd(c), .events = POLLIN };

	return poll(&p, 1, ms) == 1;
}

static int setup(void **state)
{
	(void)state;
	memcpy(run + sizeof(run) - 7, "XXXXXX", 6);
	c = NULL;
	if (!mkdtemp(run) || mkdir(at("b.rpmsg"), 0700) || mkdir(at("b.rpmsg/r"), 0700))
		return -1;
	keeper = keep("b.sock");
	return 0;
}

static int teardown(void **state)
{
	char command[300];

	(void)state;
	cw_rpmsg_client_close(c);
	close(keeper);
	snprintf(command, sizeof(command), "rm -rf %s", run);
	return system(command) != 0;
}

static void test_messages(void **state)
{
	int l = serve("b.rpmsg/r", "ping"), s;

	(void)state;
	assert_int_equal(open_(NULL, NULL, "ping", 0), 0);
	s = caller(l);
	assert_false(readable(0));
	assert_int_equal(cw_rpmsg_client_send(c, "one", 3, 0), 0);
	assert_int_equal(cw_rpmsg_client_send(c, "three", 5, 0), 0);
	hear(s, "one");
	hear(s, "three");
	say(s, "a");
	say(s, "bc");
	assert_true(readable(-1));
	heard("a");
	heard("bc");
	assert_false(readable(0));
	assert_int_equal(cw_rpmsg_client_recv(c, &(char){ 0 }, 1, 0), CW_ETIMEDOUT);
	assert_int_equal(cw_rpmsg_client_recv(c, &(char){ 0 }, 1, 5000), CW_ETIMEDOUT);
	close(s);
	close(l);
}

static void test_lengths(void **state)
{
	static char most[CW_RPMSG_CLIENT_MOST + 1];
	int l = serve("b.rpmsg/r", "ping"), s;
	char buf[4] = "zzz";

	(void)state;
	assert_int_equal(open_("b", "r", "ping", 0), 0);
	s = caller(l);
	assert_int_equal(cw_rpmsg_client_send(c, "", 0, LONG), CW_EINVAL);
	assert_int_equal(cw_rpmsg_client_send(c, most, sizeof(most), LONG), CW_EINVAL);
	assert_int_equal(cw_rpmsg_client_send(c, most, sizeof(most) - 1, LONG), 0);
	assert_int_equal(recv(s, most, sizeof(most), 0), CW_RPMSG_CLIENT_MOST);
	say(s, "four");
	say(s, "next");
	assert_int_equal(cw_rpmsg_client_recv(c, buf, 3, LONG), CW_EBADLEN);
	assert_string_equal(buf, "fou");
	assert_int_equal(cw_rpmsg_client_recv(c, buf, 4, LONG), 4);
	assert_memory_equal(buf, "next", 4);
	close(s);
	close(l);
}

static void *drain(void *arg)
{
	char buf[10];

	while (recv(*(int *)arg, buf, sizeof(buf), 0) == 7)
		;
	return NULL;
}

static void test_no_room(void **state)
{
	int l = serve("b.rpmsg/r", "ping"), s, n = 0, err;
	pthread_t t;

	(void)state;
	assert_int_equal(open_("b", "r", "ping", 0), 0);
	s = caller(l);
	while (!(err = cw_rpmsg_client_send(c, "message", 7, 0)) && n < 100000)
		n++;
	assert_int_equal(err, CW_ETIMEDOUT);
	assert_int_equal(cw_rpmsg_client_send(c, "message", 7, 5000), CW_ETIMEDOUT);
	assert_int_equal(pthread_create(&t, NULL, drain, &s), 0);
	assert_int_equal(cw_rpmsg_client_send(c, "again", 5, LONG), 0);
	pthread_join(t, NULL);
	close(s);
	close(l);
}

static void test_what_is_missing(void **state)
{
	int l;

	(void)state;
	assert_int_equal(open_("nobody", "r", "ping", 0), CW_EDOWN);
	assert_int_equal(open_("b", "nobody", "ping", 0), CW_ENODEV);
	assert_int_equal(open_("b", NULL, "ping", 0), CW_ENOENT);
	assert_int_equal(open_("b", "r", "ping", 25000), CW_ENOENT);
	l = serve("b.rpmsg/r", "ping");
	close(l); /* killed, and its file is left */
	assert_int_equal(open_("b", "r", "ping", 0), CW_ENOENT);
	assert_int_equal(open_("../b", "r", "ping", 0), CW_EINVAL);
	assert_int_equal(open_("b", "r/..", "ping", 0), CW_EINVAL);
	assert_int_equal(open_("b", "..", "ping", 0), CW_EINVAL);
	assert_int_equal(open_("b", "r", "", 0), CW_EINVAL);
	assert_int_equal(open_("b", "r", NULL, 0), CW_EINVAL);
	assert_null(c);
	assert_return_code(symlink("r", at("b.rpmsg/l")), 0);
	assert_int_equal(open_("b", "l", "ping", 0), CW_ENODEV);
	assert_return_code(unlink(at("b.rpmsg/l")), 0);
	assert_return_code(mkdir(at("b.rpmsg/s"), 0700), 0);
	assert_int_equal(open_("b", NULL, "ping", LONG), CW_EINVAL); /* which? */
	assert_return_code(mkdir(at("c.rpmsg"), 0700), 0);
	l = keep("c.sock");
	for (int i = 0; i < 5; i++) /* more often than it answers */
		assert_int_equal(open_(NULL, "r", "ping", LONG), CW_EINVAL);
	close(l);
}

/* Their folders and sockets are there. */
static void test_killed_keepers_do_not_count(void **state)
{
	int l = serve("b.rpmsg/r", "ping");

	(void)state;
	assert_return_code(mkdir(at("a.rpmsg"), 0700), 0);
	assert_return_code(mkdir(at("a.rpmsg/r"), 0700), 0);
	assert_return_code(mkdir(at("z.rpmsg"), 0700), 0);
	close(keep("z.sock"));
	assert_int_equal(open_(NULL, NULL, "ping", 0), 0);
	close(caller(l));
	cw_rpmsg_client_close(c);
	close(keeper);
	assert_int_equal(open_(NULL, NULL, "ping", 0), CW_EDOWN);
	assert_int_equal(open_("b", NULL, "ping", 0), 0); /* who names it needs no keeper */
	close(caller(l));
	close(l);
	keeper = -1;
}

static void test_names_are_cleaned(void **state)
{
	int l = serve("b.rpmsg/r", "_._etc_p_q");

	(void)state;
	assert_int_equal(open_("b", "r", "../etc p/q", 0), 0);
	close(caller(l));
	close(l);
}

static void *appear(void *arg)
{
	if (mkdir(at("late.rpmsg"), 0700) || mkdir(at("late.rpmsg/r"), 0700))
		return NULL;
	*(int *)arg = serve("late.rpmsg/r", "ping");
	return arg;
}

static void test_waits_for_board_and_service(void **state)
{
	pthread_t t;
	int l = -1;

	(void)state;
	assert_int_equal(pthread_create(&t, NULL, appear, &l), 0);
	assert_int_equal(open_("late", NULL, "ping", LONG), 0);
	pthread_join(t, NULL);
	close(caller(l));
	close(l);
}

static void gone(int l, int s)
{
	close(l);
	close(s);
	assert_return_code(unlink(at("b.rpmsg/r/ping")), 0);
}

static void test_a_loss_is_told_once(void **state)
{
	int l = serve("b.rpmsg/r", "ping"), s, fd, other;
	char buf[10];

	(void)state;
	assert_int_equal(open_(NULL, NULL, "ping", 0), 0);
	fd = cw_rpmsg_client_fd(c);
	s = caller(l);
	say(s, "first");
	say(s, "last");
	heard("first");
	gone(l, s);
	heard("last"); /* what came before the end is read before it */
	assert_true(readable(-1));
	assert_int_equal(cw_rpmsg_client_recv(c, buf, sizeof(buf), 0), CW_ERESET);
	assert_int_equal(cw_rpmsg_client_recv(c, buf, sizeof(buf), 0), CW_ETIMEDOUT);
	assert_int_equal(cw_rpmsg_client_send(c, "lost", 4, 15000), CW_ETIMEDOUT);
	assert_true(readable(-1)); /* a try is due */
	assert_int_equal(cw_rpmsg_client_recv(c, buf, sizeof(buf), 0), CW_ETIMEDOUT);
	/* Another board must not take the place of the one that was found. */
	assert_return_code(mkdir(at("z.rpmsg"), 0700), 0);
	other = keep("z.sock");
	l = serve("b.rpmsg/r", "ping");
	assert_int_equal(cw_rpmsg_client_send(c, "back", 4, LONG), 0);
	assert_int_equal(cw_rpmsg_client_fd(c), fd);
	s = caller(l);
	hear(s, "back");
	say(s, "yes");
	heard("yes");
	assert_false(readable(0));
	gone(l, s);
	close(other);
	assert_int_equal(cw_rpmsg_client_send(c, "lost", 4, LONG), CW_ERESET); /* by either call */
	assert_int_equal(cw_rpmsg_client_recv(c, buf, sizeof(buf), 0), CW_ETIMEDOUT);
}

/* A connection to somebody who was ending already: nothing was said, nothing is told. */
static void test_a_connection_that_never_was(void **state)
{
	uint64_t begun;
	int l, s, err;

	(void)state;
	do { /* what lasted for longer is told: once more if we were not let run */
		cw_rpmsg_client_close(c);
		begun = now_us();
		l = serve("b.rpmsg/r", "ping");
		assert_int_equal(open_(NULL, NULL, "ping", 0), 0);
		s = caller(l);
		close(s);
		close(l);
		l = serve("b.rpmsg/r", "ping");
		err = cw_rpmsg_client_send(c, "hello", 5, LONG);
	} while (err == CW_ERESET && now_us() - begun > 100000);
	assert_int_equal(err, 0);
	s = caller(l);
	hear(s, "hello");
	gone(l, s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_messages, setup, teardown),
		cmocka_unit_test_setup_teardown(test_lengths, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_room, setup, teardown),
		cmocka_unit_test_setup_teardown(test_what_is_missing, setup, teardown),
		cmocka_unit_test_setup_teardown(test_killed_keepers_do_not_count, setup, teardown),
		cmocka_unit_test_setup_teardown(test_names_are_cleaned, setup, teardown),
		cmocka_unit_test_setup_teardown(test_waits_for_board_and_service, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_loss_is_told_once, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_connection_that_never_was, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
