// SPDX-License-Identifier: BSD-3-Clause
/* What every doorbell keeps, stamped on each kind (include/causeway/host/doorbell.h). */
#include "conform.h"

#include <causeway/host/doorbell.h>

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/mman.h>
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

static struct kind events = { "ivshmem",
			      { .name = (char[]){ "r" }, .doorbell = CW_DOORBELL_IVSHMEM },
			      false };
static struct kind bytes = { "chardev",
			     { .name = (char[]){ "r" }, .doorbell = CW_DOORBELL_CHARDEV },
			     false };

static bool is_events(const struct kind *k)
{
	return k->remote.doorbell == CW_DOORBELL_IVSHMEM;
}

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

	if (is_events(k))
		return d->bell;
	if (!k->path)
		return d->theirs;
	unlink(a.sun_path);
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	return fd;
}

/* Takes all that was rung. */
static void remote_clears(int fd, const struct kind *k)
{
	uint64_t rings;

	while (is_events(k) ? read(fd, &rings, sizeof(rings)) > 0
			    : recv(fd, &rings, 1, MSG_DONTWAIT) >= 0)
		;
}

static void remote_rings(const struct cw_doorbell *d, int fd, const struct kind *k)
{
	if (is_events(k)) {
		assert_int_equal(write(d->mine, &(uint64_t){ 3 }, 8), 8);
		return;
	}
	assert_true(send(fd, "", 0, 0) == 0); /* an empty one is one as well */
	assert_true(send(fd, "0123456789", 10, 0) > 0);
}

static void drop_remote(struct cw_doorbell *d, const struct kind *k, int fd)
{
	/* An emulator has copies, and its carrier holds the originals. */
	if (k->remote.doorbell != CW_DOORBELL_SOCKET)
		return;
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
	alarm(60);
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
	int fd;

	conform_begin();
	open_bell(&d, k);
	fd = remote_end(&d, k);
	for (int i = 0; i < 3; i++) {
		assert_false(readable(fd));
		for (int n = 0; n < WITNESSED; n++)
			d.ops->ring(&d);
		assert_true(readable(fd));
		remote_clears(fd, k);
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
	remote_rings(&d, fd, k);
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
	alarm(60);
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

/* A counter that somebody filled: nobody may wait for room in it. */
static void full_counter_is_harmless(void **state)
{
	const struct kind *k = *state;
	struct cw_doorbell d;

	open_bell(&d, k);
	assert_int_equal(write(d.bell, &(uint64_t){ UINT64_MAX - 1 }, 8), 8);
	alarm(60);
	d.ops->ring(&d);
	d.ops->clear(&d);
	alarm(0);
	assert_true(readable(d.bell));
	cw_doorbell_close(&d);
}

/* One message as an ivshmem client reads it. */
static int64_t told(int sock, int *fd)
{
	union {
		char buf[CMSG_SPACE(sizeof(int))];
		struct cmsghdr head;
	} u;
	int64_t number = INT64_MIN;
	struct iovec v = { &number, sizeof(number) };
	struct msghdr m = { .msg_iov = &v,
			    .msg_iovlen = 1,
			    .msg_control = u.buf,
			    .msg_controllen = sizeof(u.buf) };

	*fd = -1;
	assert_int_equal(recvmsg(sock, &m, MSG_DONTWAIT), 8);
	if (CMSG_FIRSTHDR(&m))
		memcpy(fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(*fd));
	return number; /* little-endian, as the machines are that have ivshmem */
}

/* What QEMU's client is told: version, its number, the memory, then each peer's descriptor. */
static void greets_as_server(void **state)
{
	const struct kind *k = *state;
	int sock[2], fd, memory = memfd_create("m", 0), before;
	struct cw_doorbell d;

	open_bell(&d, k);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sock), 0);
	before = conform_fds();
	assert_int_equal(cw_doorbell_ivshmem_greet(&d, sock[0], memory), 0);
	assert_int_equal(told(sock[1], &fd), 0);
	assert_int_equal(fd, -1);
	assert_int_equal(told(sock[1], &fd), 1);
	assert_int_equal(fd, -1);
	assert_int_equal(told(sock[1], &fd), -1);
	assert_int_equal(write(memory, "here", 4), 4);
	assert_int_equal(lseek(fd, 0, SEEK_END), 4);
	close(fd);
	assert_int_equal(told(sock[1], &fd), 0);
	assert_int_equal(write(fd, &(uint64_t){ 1 }, 8), 8);
	assert_true(readable(d.mine));
	close(fd);
	assert_int_equal(told(sock[1], &fd), 1);
	d.ops->ring(&d);
	assert_true(readable(fd));
	close(fd);
	assert_int_equal(conform_fds(), before);
	close(sock[0]);
	close(sock[1]);
	close(memory);
	cw_doorbell_close(&d);
}

/* A device by its path: a terminal must not keep bytes until a line ends, and nothing else will do. */
static void device_by_path(void **state)
{
	struct cw_board_remote r = { .name = (char[]){ "r" }, .doorbell = CW_DOORBELL_CHARDEV };
	FILE *err = fopen("/dev/null", "w");
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK), before;
	struct cw_doorbell d;

	(void)state;
	assert_int_equal(grantpt(master) | unlockpt(master), 0);
	r.doorbell_path = ptsname(master);
	assert_int_equal(cw_doorbell_open(&d, &r, stderr), 0);
	assert_false(readable(d.mine));
	assert_int_equal(write(master, "x", 1), 1);
	assert_true(readable(d.mine));
	d.ops->clear(&d);
	assert_false(readable(d.mine));
	assert_false(readable(master)); /* no echo */
	d.ops->ring(&d);
	assert_true(readable(master));
	cw_doorbell_close(&d);
	close(master);
	before = conform_fds();
	r.doorbell_path = (char[]){ "/proc/self/exe" };
	assert_int_equal(cw_doorbell_open(&d, &r, err), -1);
	r.doorbell_path = (char[]){ "/nowhere" };
	assert_int_equal(cw_doorbell_open(&d, &r, err), -1);
	assert_int_equal(conform_fds(), before);
	fclose(err);
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
	const struct CMUnitTest ivshmem[] = { SUITE(&events),
					      STAMP(rings_arrive, &events),
					      STAMP(rings_are_cleared, &events),
					      STAMP(dead_remote_is_harmless, &events),
					      STAMP(full_counter_is_harmless, &events),
					      STAMP(greets_as_server, &events) };
	const struct CMUnitTest chardev[] = { SUITE(&bytes), STAMP(rings_arrive, &bytes),
					      STAMP(rings_are_cleared, &bytes),
					      STAMP(dead_remote_is_harmless, &bytes),
					      cmocka_unit_test(device_by_path) };

	return cmocka_run_group_tests_name("doorbell: socket pair", pairs, NULL, NULL) +
	       cmocka_run_group_tests_name("doorbell: socket path", paths, NULL, NULL) +
	       cmocka_run_group_tests_name("doorbell: poll", polls, NULL, NULL) +
	       cmocka_run_group_tests_name("doorbell: ivshmem", ivshmem, NULL, NULL) +
	       cmocka_run_group_tests_name("doorbell: chardev", chardev, NULL, NULL);
}
