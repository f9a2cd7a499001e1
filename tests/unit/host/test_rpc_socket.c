// SPDX-License-Identifier: BSD-3-Clause
/* Calls over a service's socket; the remote is a thread with a server, which goes away and comes back. */
#include "../core/unit.h"

#include <causeway/core/err.h>
#include <causeway/host/rpc_socket.h>

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define SIZE 256u
#define LONG 60000000u

static char run[] = "/tmp/cw-rpc-socket-XXXXXX";
static struct cw_rpmsg_client *messages;
static struct cw_rpc_socket s;
static struct cw_rpc_client c;
static struct cw_rpc_call calls[2];
static uint8_t in[SIZE], out[SIZE];
static int up, down;

/* ---- the remote ---- */

static int listening, caller = -1;
static struct cw_rpc_server server;
static struct cw_rpc_request request[2];
static struct cw_rpc_peer peer[1];
static uint8_t memory[4 * SIZE];
static atomic_int runs;

static int reply(void *ctx, uint32_t to, const void *message, uint32_t len)
{
	(void)ctx;
	(void)to;
	return send(caller, message, len, MSG_NOSIGNAL) == (ssize_t)len ? CW_OK : CW_EDOWN;
}

static uint32_t most(void *ctx)
{
	(void)ctx;
	return SIZE;
}

static uint64_t now(void *ctx)
{
	struct timespec t;

	(void)ctx;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static int32_t echo(struct cw_rpc_request *r)
{
	runs++;
	memcpy(r->reply, r->args, r->len);
	r->reply_len = r->len;
	return 0;
}

/* The connection ends instead of an answer. */
static int32_t hang_up(struct cw_rpc_request *r)
{
	(void)r;
	runs++;
	shutdown(caller, SHUT_RDWR);
	return 0;
}

static void *remote(void *ctx)
{
	static const struct cw_rpc_carrier carrier = { reply, most, now, NULL };
	static const struct cw_rpc_method method[] = { { 1, 0, echo }, { 2, 0, hang_up } };
	uint8_t message[SIZE];
	uint32_t life = 1;
	ssize_t n;

	(void)ctx;
	while ((caller = accept(listening, NULL, NULL)) >= 0) {
		const struct cw_rpc_server_config conf = { .carrier = &carrier,
							   .method = method,
							   .methods = 2,
							   .request = request,
							   .requests = 2,
							   .peer = peer,
							   .peers = 1,
							   .size = SIZE,
							   .memory = memory,
							   .life = life += 100 };

		cw_rpc_server_init(&server, &conf);
		while ((n = recv(caller, message, sizeof(message), 0)) > 0)
			cw_rpc_server_receive(&server, 7, message, (uint32_t)n);
		close(caller);
	}
	return NULL;
}

/* ---- a remote that sends as fast as we read ---- */

#define NO_END 1000000u

static unsigned int junk, junk_left; /* messages of it: had, and to come */

int __real_cw_rpmsg_client_recv(struct cw_rpmsg_client *client, void *buf, size_t size,
				uint64_t timeout);
int __wrap_cw_rpmsg_client_recv(struct cw_rpmsg_client *client, void *buf, size_t size,
				uint64_t timeout);

int __wrap_cw_rpmsg_client_recv(struct cw_rpmsg_client *client, void *buf, size_t size,
				uint64_t timeout)
{
	if (!junk_left)
		return __real_cw_rpmsg_client_recv(client, buf, size, timeout);
	junk_left--;
	junk++;
	memset(buf, 0, 16);
	return 16;
}

/* ---- set-up ---- */

static pthread_t thread;

static void session(void *app, bool there)
{
	(void)app;
	up += there;
	down += !there;
}

static int setup(void **state)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	char path[64];

	(void)state;
	memcpy(run + sizeof(run) - 7, "XXXXXX", 6);
	if (!mkdtemp(run))
		return -1;
	snprintf(path, sizeof(path), "%s/b.rpmsg", run);
	mkdir(path, 0700);
	snprintf(path, sizeof(path), "%s/b.rpmsg/r", run);
	mkdir(path, 0700);
	snprintf(a.sun_path, sizeof(a.sun_path), "%s/b.rpmsg/r/calls", run);
	listening = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	runs = up = down = 0;
	junk = junk_left = 0;
	return bind(listening, (const struct sockaddr *)&a, sizeof(a)) || listen(listening, 5) ||
	       pthread_create(&thread, NULL, remote, NULL);
}

static int teardown(void **state)
{
	char command[64];

	(void)state;
	cw_rpmsg_client_close(messages);
	shutdown(listening, SHUT_RDWR);
	pthread_join(thread, NULL);
	close(listening);
	snprintf(command, sizeof(command), "rm -rf %s", run);
	return system(command);
}

static void begin(void)
{
	const struct cw_rpmsg_client_config to = { run, "b", "r", "calls", LONG };
	const struct cw_rpc_client_config conf = { .carrier = &cw_rpc_socket_carrier,
						   .ctx = &s,
						   .call = calls,
						   .calls = 2,
						   .out = out,
						   .size = SIZE,
						   .nonce = 1,
						   .session = session };

	assert_int_equal(cw_rpmsg_client_open(&messages, &to), 0);
	assert_int_equal(cw_rpc_client_init(&c, &conf), CW_OK);
	s = (struct cw_rpc_socket){ .messages = messages, .client = &c, .in = in };
	cw_rpc_socket_begin(&s);
}

static int32_t call(uint16_t method, const char *text, char *back)
{
	const struct cw_rpc_ask ask = {
		.method = method, .args = text, .len = (uint32_t)strlen(text), .timeout = LONG
	};
	uint32_t len = SIZE;
	int32_t status;

	memset(back, 0, SIZE);
	status = cw_rpc_call(&c, &ask, back, &len);
	return status;
}

/* ---- tests ---- */

static void calls_come_back(void **state)
{
	char back[SIZE];

	(void)state;
	begin();
	for (int i = 0; i < 100; i++) {
		assert_int_equal(call(1, "hello", back), 0);
		assert_string_equal(back, "hello");
	}
	assert_int_equal(call(3, "", back), CW_ENOTSUP);
	assert_int_equal(runs, 100);
}

static void a_connection_that_ends_is_a_reset(void **state)
{
	char back[SIZE];

	(void)state;
	begin();
	for (int i = 0; i < 5; i++) {
		assert_int_equal(call(1, "on", back), 0);
		assert_int_equal(call(2, "", back), CW_ERESET);
		assert_int_equal(down, i + 1);
	}
	assert_int_equal(call(1, "again", back), 0);
	assert_string_equal(back, "again");
	assert_int_equal(runs, 11);
	assert_int_equal(up, 6);
}

static void ended(void *ctx, int32_t status, const uint8_t *data, uint32_t len)
{
	(void)data;
	*(int32_t *)ctx = status ? status : (int32_t)len;
}

static void a_loop_of_ones_own(void **state)
{
	const struct cw_rpc_ask ask = { .method = 1, .args = "four", .len = 4, .timeout = LONG };
	struct pollfd p = { .events = POLLIN };
	int32_t got = INT32_MAX;
	bool asked = false;

	(void)state;
	begin();
	p.fd = cw_rpmsg_client_fd(messages);
	while (got == INT32_MAX) {
		if (!asked)
			asked = !cw_rpc_begin(&c, &ask, ended, &got, NULL);
		assert_true(poll(&p, 1, 10000) >= 0);
		cw_rpc_socket_poll(&s);
	}
	assert_int_equal(got, 4);
	assert_int_equal(runs, 1);
}

static void a_turn_ends(void **state)
{
	(void)state;
	begin();
	junk_left = NO_END;
	cw_rpc_socket_poll(&s);
	assert_in_range(junk, 1, 64);
}

static void deadlines_hold_meanwhile(void **state)
{
	const struct cw_rpc_ask ask = { .method = 1, .args = "", .timeout = 1 };
	char back[SIZE];
	int32_t got = INT32_MAX;

	(void)state;
	begin();
	assert_int_equal(call(1, "", back), 0);
	assert_int_equal(cw_rpc_begin(&c, &ask, ended, &got, NULL), CW_OK);
	junk_left = NO_END;
	while (got == INT32_MAX && junk_left)
		cw_rpc_socket_poll(&s);
	assert_int_equal(got, CW_ETIMEDOUT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(calls_come_back, setup, teardown),
		cmocka_unit_test_setup_teardown(a_connection_that_ends_is_a_reset, setup, teardown),
		cmocka_unit_test_setup_teardown(a_loop_of_ones_own, setup, teardown),
		cmocka_unit_test_setup_teardown(a_turn_ends, setup, teardown),
		cmocka_unit_test_setup_teardown(deadlines_hold_meanwhile, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
