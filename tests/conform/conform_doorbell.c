// SPDX-License-Identifier: BSD-3-Clause
/* What every doorbell keeps, stamped on each kind (include/causeway/host/doorbell.h). */
#include "conform.h"

#include <causeway/host/doorbell.h>

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#define WITNESSED 64 /* rings that must all be heard as at least one */

struct kind {
	const char *name;
	struct cw_board_remote remote;
	bool path;
};

static struct kind pair = { "socket pair",
			    { .name = (char[]){ "r" }, .carrier = CW_CARRIER_PROCESS },
			    false };
static struct kind path = { "socket path",
			    { .name = (char[]){ "r" },
			      .carrier = CW_CARRIER_ATTACH,
			      .doorbell_path = (char[]){ "bell" } },
			    true };
static struct kind none = {
	"poll", { .name = (char[]){ "r" }, .doorbell = CW_DOORBELL_POLL, .poll_us = 500 }, false
};

static void open_bell(struct cw_doorbell *d, const struct kind *k)
{
	assert_int_equal(cw_doorbell_open(d, &k->remote, stderr), 0);
}

static bool readable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, 0) == 1;
}

/* The remote's end: inherited, or a path of its own. */
static int remote_end(const struct cw_doorbell *d, const struct kind *k)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX, .sun_path = "bell.remote" };
	struct sockaddr_un to = { .sun_family = AF_UNIX, .sun_path = "bell" };
	int fd;

	if (!k->path)
		return d->theirs;
	unlink(a.sun_path);
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	return fd;
}

static void drop_remote(struct cw_doorbell *d, const struct kind *k, int fd)
{
	if (fd >= 0)
		close(fd);
	if (k->path)
		unlink("bell.remote");
	else
		d->theirs = -1;
}

static void leaves_nothing(void **state)
{
	const struct kind *k = *state;
	struct cw_doorbell d;
	int before = conform_fds();

	conform_begin();
	open_bell(&d, k);
	cw_doorbell_close(&d);
	cw_doorbell_close(&d); /* harmless */
	assert_int_equal(conform_fds(), before);
	conform_end();
}

static void can_be_woken(void **state)
{
	const struct kind *k = *state;
	struct cw_doorbell d;

	conform_begin();
	open_bell(&d, k);
	assert_true(d.every > 0 || d.mine >= 0);
	cw_doorbell_close(&d);
	conform_end();
}

static void ring_never_blocks(void **state)
{
	const struct kind *k = *state;
	struct cw_doorbell d;

	conform_begin();
	open_bell(&d, k);
	alarm(10);
	for (int i = 0; i < 20000; i++)
		d.ops->ring(&d);
	alarm(0);
	cw_doorbell_close(&d);
	conform_end();
}

static void rings_arrive(void **state)
{
	const struct kind *k = *state;
	struct cw_doorbell d;
	char byte;
	int fd;

	conform_begin();
	open_bell(&d, k);
	fd = remote_end(&d, k);
	for (int i = 0; i < 3; i++) {
		assert_false(readable(fd));
		for (int n = 0; n < WITNESSED; n++)
			d.ops->ring(&d);
		assert_true(readable(fd));
		while (recv(fd, &byte, 1, MSG_DONTWAIT) >= 0)
			;
	}
	drop_remote(&d, k, fd);
	cw_doorbell_close(&d);
	conform_end();
}

static void rings_are_cleared(void **state)
{
	const struct kind *k = *state;
	struct cw_doorbell d;
	int fd;

	conform_begin();
	open_bell(&d, k);
	fd = remote_end(&d, k);
	assert_false(readable(d.mine));
	assert_true(send(fd, "", 0, 0) == 0); /* an empty one is one as well */
	assert_true(send(fd, "0123456789", 10, 0) > 0);
	assert_true(readable(d.mine));
	d.ops->clear(&d);
	assert_false(readable(d.mine));
	drop_remote(&d, k, fd);
	cw_doorbell_close(&d);
	conform_end();
}

static void dead_remote_is_harmless(void **state)
{
	const struct kind *k = *state;
	struct cw_doorbell d;

	conform_begin();
	open_bell(&d, k);
	drop_remote(&d, k, remote_end(&d, k));
	alarm(10);
	for (int i = 0; i < 1000; i++) {
		d.ops->ring(&d);
		d.ops->clear(&d);
	}
	alarm(0);
	assert_false(readable(d.mine)); /* nothing for a worker to spin on */
	cw_doorbell_close(&d);
	conform_end();
}

/* What a hostile holder of the other end may do: shut it down, send descriptors, stop reading. */
static void abused_end_is_harmless(void **state)
{
	const struct kind *k = *state;
	union {
		char buf[CMSG_SPACE(sizeof(int))];
		struct cmsghdr head;
	} u = { .head = { CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS } };
	struct iovec v = { (char[]){ "x" }, 1 };
	struct msghdr m = { .msg_iov = &v,
			    .msg_iovlen = 1,
			    .msg_control = u.buf,
			    .msg_controllen = sizeof(u.buf) };
	struct cw_doorbell d;
	int fd, before;

	conform_begin();
	open_bell(&d, k);
	fd = remote_end(&d, k);
	before = conform_fds();
	memcpy(CMSG_DATA(&u.head), &(int){ 2 }, sizeof(int));
	sendmsg(fd, &m, MSG_DONTWAIT);
	d.ops->clear(&d);
	assert_int_equal(conform_fds(), before); /* none arrived */
	shutdown(fd, SHUT_RDWR);
	d.ops->ring(&d);
	d.ops->clear(&d);
	assert_false(readable(d.mine));
	drop_remote(&d, k, fd);
	cw_doorbell_close(&d);
	conform_end();
}

static void remote_may_come_back(void **state)
{
	const struct kind *k = *state;
	struct cw_doorbell d;
	int fd;

	conform_begin();
	open_bell(&d, k);
	for (int i = 0; i < 3; i++) {
		fd = remote_end(&d, k);
		d.ops->ring(&d);
		assert_true(readable(fd));
		close(fd);
	}
	unlink("bell.remote");
	cw_doorbell_close(&d);
	conform_end();
}

static void path_in_use_is_refused(void **state)
{
	const struct kind *k = *state;
	struct cw_doorbell a, b;
	FILE *err = fopen("/dev/null", "w");
	int before;

	conform_begin();
	open_bell(&a, k);
	before = conform_fds();
	assert_int_equal(cw_doorbell_open(&b, &k->remote, err), -1);
	assert_int_equal(conform_fds(), before);
	assert_int_equal(access("bell", F_OK), 0); /* and the first still has it */
	close(a.mine);				   /* as if its owner had been killed ... */
	a.mine = -1;
	open_bell(&b, k); /* ... what is left is taken over */
	cw_doorbell_close(&b);
	cw_doorbell_close(&a);
	fclose(err);
	conform_end();
}

#define STAMP(fn, k)                   \
	{                              \
#fn, fn, NULL, NULL, k \
	}
#define SUITE(k) STAMP(leaves_nothing, k), STAMP(can_be_woken, k), STAMP(ring_never_blocks, k)
#define BELL(k)                                                                                 \
	STAMP(rings_arrive, k), STAMP(rings_are_cleared, k), STAMP(dead_remote_is_harmless, k), \
		STAMP(abused_end_is_harmless, k)

int main(void)
{
	const struct CMUnitTest pairs[] = { SUITE(&pair), BELL(&pair) };
	const struct CMUnitTest paths[] = { SUITE(&path), BELL(&path),
					    STAMP(remote_may_come_back, &path),
					    STAMP(path_in_use_is_refused, &path) };
	const struct CMUnitTest polls[] = { SUITE(&none) };

	return cmocka_run_group_tests_name("doorbell: socket pair", pairs, NULL, NULL) +
	       cmocka_run_group_tests_name("doorbell: socket path", paths, NULL, NULL) +
	       cmocka_run_group_tests_name("doorbell: poll", polls, NULL, NULL);
}
