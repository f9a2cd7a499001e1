// SPDX-License-Identifier: BSD-3-Clause
/* Sockets, as a worker runs them: the remote's packets on one end, unix sockets on the other. */
#include "backend.h"

#include <causeway/core/bytes.h>
#include <causeway/device/vsock.h>

#include <signal.h>

#define CID	3u
#define BUFFERS 16u
#define BUFFER	8192u
#define BIG	300000u

#define STREAM	 CW_VSOCK_STREAM
#define MESSAGES CW_VSOCK_SEQPACKET

/* The clock of the test and of the backend, moved ahead. */
static uint64_t ahead;
int __real_clock_gettime(clockid_t c, struct timespec *t);
int __wrap_clock_gettime(clockid_t c, struct timespec *t);

int __wrap_clock_gettime(clockid_t c, struct timespec *t)
{
	int r = __real_clock_gettime(c, t);

	t->tv_sec += (time_t)(ahead / 1000000);
	return r;
}

/* The remote */
static struct pair_mem rx[BUFFERS], tx;
static struct cw_abi_vsock_hdr got; /* the packet heard last */
static uint8_t got_data[BUFFER];
static uint32_t got_len;
static uint32_t room, took; /* what it says in each packet */
static uint8_t data[BIG], back[BIG];

/* What the worker asked of the keeper last. */
static struct {
	unsigned int n;
	uint32_t port, id;
	bool message, deaf;
} asked;

static int ask(void *ctx, struct cw_ask *a)
{
	(void)ctx;
	assert_int_equal(a->kind, CW_ASK_CONNECT);
	if (asked.deaf)
		return -1;
	asked.n++;
	asked.port = a->port;
	asked.message = a->message;
	asked.id = a->id;
	return 0;
}

static void offer(unsigned int i)
{
	const struct cw_buf buf = { rx[i].addr, BUFFER };

	pair_add(&bed.pair, CW_VSOCK_QUEUE_RX, &buf, 0, 1, (void *)(uintptr_t)i);
	pair_kick(&bed.pair, CW_VSOCK_QUEUE_RX);
}

static void make(void)
{
	bed_begin(CW_ID_VSOCK, CW_BACKEND_VSOCK);
	bed.device.path = bed_text("vs");
	bed.device.cid = CID;
	memset(&asked, 0, sizeof(asked));
	ahead = 0;
	room = 1u << 20;
	took = 0;
	for (uint32_t i = 0; i < BIG; i++)
		data[i] = (uint8_t)(i * 7 + (i >> 8) * 3);
}

static void up(void)
{
	make();
	bed_run(CW_VSOCK_QUEUES, CW_VSOCK_F_STREAM | CW_VSOCK_F_SEQPACKET);
	bed.unit->ask = ask;
	tx = pair_alloc(&bed.pair, 65536 + CW_VSOCK_HDR);
	for (unsigned int i = 0; i < BUFFERS; i++) {
		rx[i] = pair_alloc(&bed.pair, BUFFER);
		offer(i);
	}
	pair_run(&bed.pair);
}

static int end(void **state)
{
	unlink("vs_5000");
	ahead = 0;
	return bed_end(state);
}

/* A packet of the remote's, which is taken at once. */
static void say(uint16_t op, uint16_t type, uint32_t from, uint32_t to, uint32_t flags,
		const void *bytes, uint32_t len)
{
	struct cw_abi_vsock_hdr h = { .src_port = cw_make_le32(from),
				      .dst_port = cw_make_le32(to),
				      .len = cw_make_le32(len),
				      .type = cw_make_le16(type),
				      .op = cw_make_le16(op),
				      .flags = cw_make_le32(flags),
				      .buf_alloc = cw_make_le32(room),
				      .fwd_cnt = cw_make_le32(took) };
	const struct cw_buf buf = { tx.addr, CW_VSOCK_HDR + len };

	cw_set_le32_pair(h.src_cid, CID);
	cw_set_le32_pair(h.dst_cid, CW_VSOCK_CID_HOST);
	memcpy(tx.p, &h, sizeof(h));
	if (len)
		memcpy(tx.p + CW_VSOCK_HDR, bytes, len);
	pair_add(&bed.pair, CW_VSOCK_QUEUE_TX, &buf, 1, 0, NULL);
	pair_kick(&bed.pair, CW_VSOCK_QUEUE_TX);
	pair_run(&bed.pair);
	assert_int_equal(pair_take(&bed.pair, CW_VSOCK_QUEUE_TX), 0);
}

static bool heard(void)
{
	uint32_t len = 0;
	void *cookie;
	unsigned int i;

	if (!pair_get(&bed.pair, CW_VSOCK_QUEUE_RX, &cookie, &len))
		return false;
	i = (unsigned int)(uintptr_t)cookie;
	assert_in_range(len, CW_VSOCK_HDR, BUFFER);
	memcpy(&got, rx[i].p, sizeof(got));
	got_len = len - CW_VSOCK_HDR;
	memcpy(got_data, rx[i].p + CW_VSOCK_HDR, got_len);
	offer(i);
	assert_int_equal(cw_get_le32(got.len), got_len);
	assert_int_equal(cw_get_le32_pair(got.src_cid), CW_VSOCK_CID_HOST);
	assert_int_equal(cw_get_le32_pair(got.dst_cid), CID);
	assert_in_range(cw_get_le16(got.op), CW_VSOCK_OP_REQUEST, CW_VSOCK_OP_CREDIT_REQUEST);
	if (cw_get_le16(got.op) == CW_VSOCK_OP_RW)
		took += got_len;
	return true;
}

static void hear(uint16_t op)
{
	bed_until(heard);
	if (cw_get_le16(got.op) != op)
		fail_msg("op %u and not %u", cw_get_le16(got.op), op);
}

static void hear_nothing(void)
{
	while (bed_turn(0))
		;
	assert_false(heard());
}

/* Data until @len bytes came: into back. */
static void hear_bytes(uint32_t len)
{
	for (uint32_t done = 0; done < len; done += got_len) {
		hear(CW_VSOCK_OP_RW);
		assert_in_range(got_len, 1, len - done);
		memcpy(back + done, got_data, got_len);
	}
}

/* All is over, nothing is waited for. */
static void all_over(void)
{
	hear_nothing();
	ahead += 20000000;
	hear_nothing();
	assert_true(bed.unit->ops->deadline(bed.unit) == CW_LINK_NEVER);
}

/* ---- Linux's programs ---- */

static struct sockaddr_un at(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	strncpy(a.sun_path, path, sizeof(a.sun_path) - 1);
	return a;
}

static int listening(uint16_t type)
{
	struct sockaddr_un a = at("vs_5000");
	int fd = socket(AF_UNIX, type == MESSAGES ? SOCK_SEQPACKET : SOCK_STREAM, 0);

	assert_int_equal(bind(fd, (const struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(fd, 4), 0);
	return fd;
}

static int calls(uint16_t type)
{
	struct sockaddr_un a = at(type == MESSAGES ? "vs.seqpacket" : "vs");
	int fd = socket(AF_UNIX, type == MESSAGES ? SOCK_SEQPACKET : SOCK_STREAM, 0);

	assert_int_equal(connect(fd, (const struct sockaddr *)&a, sizeof(a)), 0);
	return fd;
}

static void put(int fd, const void *bytes, size_t len)
{
	assert_int_equal(send(fd, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL), (ssize_t)len);
}

static int reader;
static char what_came[64];
static ssize_t came;

static bool something_came(void)
{
	came = recv(reader, what_came, sizeof(what_came) - 1, MSG_DONTWAIT);
	return came >= 0 || errno != EAGAIN;
}

static void gets(int fd, const char *text)
{
	reader = fd;
	bed_until(something_came);
	assert_true(came >= 0);
	what_came[came] = 0;
	assert_string_equal(what_came, text);
}

static void is_sent_away(int fd)
{
	reader = fd;
	bed_until(something_came);
	assert_true(came <= 0);
	close(fd);
}

/* ---- the keeper ---- */

static void answer(bool yes)
{
	int fd = yes ? cw_backend_connect(&bed.device, asked.port, asked.message) : -1;

	assert_int_equal(fd >= 0, yes);
	bed.unit->ops->given(bed.unit, asked.id, fd);
	pair_run(&bed.pair);
}

/* A connection of the remote's port 77 to 5000: the program's end. */
static int made_by_remote(uint16_t type)
{
	int listener = listening(type), fd;

	took = 0;
	say(CW_VSOCK_OP_REQUEST, type, 77, 5000, 0, NULL, 0);
	hear_nothing();
	assert_int_equal(asked.port, 5000);
	assert_int_equal(asked.message, type == MESSAGES);
	answer(true);
	hear(CW_VSOCK_OP_RESPONSE);
	assert_int_equal(cw_get_le32(got.src_port), 5000);
	assert_int_equal(cw_get_le32(got.dst_port), 77);
	assert_int_equal(cw_get_le16(got.type), type);
	fd = accept(listener, NULL, NULL);
	assert_true(fd >= 0);
	close(listener);
	return fd;
}

/* A connection of a program to the remote's port 70: its end; @from: the port on Linux's side. */
static int made_by_linux(uint16_t type, uint32_t *from)
{
	int fd = calls(type);
	char line[20];

	took = 0;
	put(fd, "CONNECT 70\n", 11);
	hear(CW_VSOCK_OP_REQUEST);
	assert_int_equal(cw_get_le32(got.dst_port), 70);
	assert_int_equal(cw_get_le16(got.type), type);
	*from = cw_get_le32(got.src_port);
	say(CW_VSOCK_OP_RESPONSE, type, 70, *from, 0, NULL, 0);
	snprintf(line, sizeof(line), "OK %u\n", *from);
	gets(fd, line);
	return fd;
}

static void remote_calls(void **state)
{
	int fd;

	(void)state;
	up();
	fd = made_by_remote(STREAM);
	for (uint32_t len = 1; len <= 8192; len *= 2) {
		say(CW_VSOCK_OP_RW, STREAM, 77, 5000, 0, data, len);
		assert_int_equal(recv(fd, back, BIG, MSG_DONTWAIT), (int)len);
		assert_memory_equal(back, data, len);
	}
	put(fd, data, 100000);
	hear_bytes(100000);
	assert_memory_equal(back, data, 100000);
	close(fd);
	hear(CW_VSOCK_OP_SHUTDOWN);
	assert_int_equal(cw_get_le32(got.flags), CW_VSOCK_SHUT_BOTH);
	say(CW_VSOCK_OP_RST, STREAM, 77, 5000, 0, NULL, 0);
	all_over();
}

static void remote_ends_it(void **state)
{
	int fd;

	(void)state;
	up();
	fd = made_by_remote(STREAM);
	say(CW_VSOCK_OP_RW, STREAM, 77, 5000, 0, "bye", 3);
	say(CW_VSOCK_OP_SHUTDOWN, STREAM, 77, 5000, CW_VSOCK_SHUT_BOTH, NULL, 0);
	hear(CW_VSOCK_OP_RST);
	gets(fd, "bye");
	gets(fd, "");
	close(fd);
	all_over();
}

static void keeper_says_no(void **state)
{
	(void)state;
	up();
	say(CW_VSOCK_OP_REQUEST, STREAM, 77, 5000, 0, NULL, 0);
	assert_int_equal(asked.n, 1);
	answer(false);
	hear(CW_VSOCK_OP_RST);
	asked.deaf = true;
	say(CW_VSOCK_OP_REQUEST, STREAM, 77, 5000, 0, NULL, 0);
	hear(CW_VSOCK_OP_RST);
	say(CW_VSOCK_OP_REQUEST, 3, 77, 5000, 0, NULL, 0);
	hear(CW_VSOCK_OP_RST);
	all_over();
}

/* The remote gave up, or we did: the descriptor that comes then is closed, and nothing is said. */
static void keeper_answers_too_late(void **state)
{
	int listener;

	(void)state;
	up();
	listener = listening(STREAM);
	say(CW_VSOCK_OP_REQUEST, STREAM, 77, 5000, 0, NULL, 0);
	say(CW_VSOCK_OP_RST, STREAM, 77, 5000, 0, NULL, 0);
	answer(true);
	is_sent_away(accept(listener, NULL, NULL));
	say(CW_VSOCK_OP_REQUEST, STREAM, 77, 5000, 0, NULL, 0);
	ahead += 4900000;
	hear_nothing();
	ahead += 1000000;
	hear(CW_VSOCK_OP_RST);
	answer(true);
	is_sent_away(accept(listener, NULL, NULL));
	close(listener);
	all_over();
}

/* A remote that asks and takes it back: the keeper has so much to do as with honest ones and no more. */
static void keeper_is_not_flooded(void **state)
{
	uint32_t first;

	(void)state;
	up();
	for (unsigned int i = 0; i < 500; i++) {
		say(CW_VSOCK_OP_REQUEST, STREAM, 77, 5000, 0, NULL, 0);
		say(CW_VSOCK_OP_RST, STREAM, 77, 5000, 0, NULL, 0);
		while (heard())
			assert_int_equal(cw_get_le16(got.op), CW_VSOCK_OP_RST);
	}
	assert_int_equal(asked.n, CW_VSOCK_CONNECTIONS);
	first = asked.id - CW_VSOCK_CONNECTIONS + 1;
	for (asked.id = first; asked.n; asked.n--, asked.id++)
		answer(false);
	hear_nothing();
	close(made_by_remote(STREAM));
}

static void linux_calls(void **state)
{
	uint32_t from;
	int fd;

	(void)state;
	up();
	fd = calls(STREAM);
	/* In pieces, and the first bytes for the remote right behind. */
	put(fd, "CONN", 4);
	hear_nothing();
	put(fd, "ECT 4294967294\nhel", 18);
	hear(CW_VSOCK_OP_REQUEST);
	assert_int_equal(cw_get_le32(got.dst_port), 4294967294u);
	from = cw_get_le32(got.src_port);
	put(fd, "lo", 2);
	hear_nothing();
	say(CW_VSOCK_OP_RESPONSE, STREAM, 4294967294u, from, 0, NULL, 0);
	hear_bytes(5);
	assert_memory_equal(back, "hello", 5);
	say(CW_VSOCK_OP_RW, STREAM, 4294967294u, from, 0, "hi", 2);
	reader = fd;
	bed_until(something_came);
	what_came[came] = 0;
	assert_memory_equal(what_came, "OK ", 3);
	assert_string_equal(strchr(what_came, '\n'), "\nhi");
	assert_int_equal(strtoul(what_came + 3, NULL, 10), from);
	close(fd);
}

static void wrong_lines(void **state)
{
	static const char *const line[] = { "CONNECT\n",
					    "CONNECT \n",
					    "connect 70\n",
					    "CONNECT -1\n",
					    "CONNECT 7 0\n",
					    "CONNECT 70\r\n",
					    "CONNECT 4294967295\n",
					    "CONNECT 18446744073709551617\n",
					    "CONNECT 70             \n",
					    "GET / HTTP/1.0\r\n\r\n",
					    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" };

	(void)state;
	up();
	for (unsigned int i = 0; i < sizeof(line) / sizeof(line[0]); i++) {
		int fd = calls(STREAM), m = calls(MESSAGES);

		put(fd, line[i], strlen(line[i]));
		put(m, line[i], strlen(line[i]));
		is_sent_away(fd);
		is_sent_away(m);
	}
}

/* Who says nothing, or is not answered, has his place for five seconds. */
static void patience(void **state)
{
	uint32_t from;
	int fd;

	(void)state;
	up();
	fd = calls(STREAM);
	put(fd, "CONNECT 7", 9);
	hear_nothing();
	ahead += 6000000;
	is_sent_away(fd);
	fd = calls(STREAM);
	put(fd, "CONNECT 70\n", 11);
	hear(CW_VSOCK_OP_REQUEST);
	from = cw_get_le32(got.src_port);
	ahead += 6000000;
	hear(CW_VSOCK_OP_RST);
	is_sent_away(fd);
	/* It answers all the same, and is told again that there is nobody. */
	say(CW_VSOCK_OP_RESPONSE, STREAM, 70, from, 0, NULL, 0);
	hear(CW_VSOCK_OP_RST);
	all_over();
}

static void remote_refuses(void **state)
{
	int fd;

	(void)state;
	up();
	fd = calls(MESSAGES);
	put(fd, "CONNECT 70\n", 11);
	hear(CW_VSOCK_OP_REQUEST);
	say(CW_VSOCK_OP_RST, MESSAGES, 70, cw_get_le32(got.src_port), 0, NULL, 0);
	is_sent_away(fd);
	all_over();
}

/* More at once than are listened to at a time, and each of them is done with at once. */
static void many_are_refused(void **state)
{
	struct pollfd p[CW_UNIT_FDS];
	int fd[3 * CW_VSOCK_CALLERS];
	unsigned int away = 0;

	(void)state;
	up();
	for (unsigned int i = 0; i < 3 * CW_VSOCK_CALLERS; i++) {
		fd[i] = calls(STREAM);
		put(fd[i], "nonsense\n", 9);
	}
	/* One pass is for so many; others have their turn in between. */
	assert_int_equal(poll(p, bed.unit->ops->fds(bed.unit, p), 0), 1);
	bed.unit->ops->ready(bed.unit, p, 1);
	for (unsigned int i = 0; i < 3 * CW_VSOCK_CALLERS; i++)
		away += recv(fd[i], back, 1, MSG_DONTWAIT | MSG_PEEK) >= 0 || errno != EAGAIN;
	assert_int_equal(away, CW_VSOCK_CALLERS);
	for (unsigned int i = 0; i < 3 * CW_VSOCK_CALLERS; i++)
		is_sent_away(fd[i]);
	all_over();
}

static void table_full(void **state)
{
	int fd[CW_VSOCK_CONNECTIONS], more;
	uint32_t from = 0;

	(void)state;
	up();
	for (unsigned int i = 0; i < CW_VSOCK_CONNECTIONS; i++)
		fd[i] = made_by_linux(i & 1 ? STREAM : MESSAGES, &from);
	more = calls(STREAM);
	put(more, "CONNECT 70\n", 11);
	is_sent_away(more);
	say(CW_VSOCK_OP_REQUEST, STREAM, 77, 5000, 0, NULL, 0);
	hear(CW_VSOCK_OP_RST);
	assert_int_equal(asked.n, 0);
	say(CW_VSOCK_OP_RST, STREAM, 70, from, 0, NULL, 0);
	is_sent_away(fd[CW_VSOCK_CONNECTIONS - 1]);
	fd[CW_VSOCK_CONNECTIONS - 1] = made_by_linux(STREAM, &from);
	for (unsigned int i = 0; i < CW_VSOCK_CONNECTIONS; i++)
		close(fd[i]);
}

static void half_closed(void **state)
{
	uint32_t from;
	int fd;

	(void)state;
	up();
	fd = made_by_linux(STREAM, &from);
	put(fd, "last", 4);
	shutdown(fd, SHUT_WR);
	hear_bytes(4);
	hear(CW_VSOCK_OP_SHUTDOWN);
	assert_int_equal(cw_get_le32(got.flags), CW_VSOCK_SHUT_SEND);
	say(CW_VSOCK_OP_RW, STREAM, 70, from, 0, "answer", 6);
	gets(fd, "answer");
	say(CW_VSOCK_OP_SHUTDOWN, STREAM, 70, from, CW_VSOCK_SHUT_SEND, NULL, 0);
	gets(fd, "");
	hear(CW_VSOCK_OP_SHUTDOWN);
	assert_int_equal(cw_get_le32(got.flags), CW_VSOCK_SHUT_BOTH);
	say(CW_VSOCK_OP_RST, STREAM, 70, from, 0, NULL, 0);
	all_over();
	close(fd);
}

static void remote_reads_no_more(void **state)
{
	uint32_t from;
	int fd;

	(void)state;
	up();
	fd = made_by_linux(STREAM, &from);
	say(CW_VSOCK_OP_SHUTDOWN, STREAM, 70, from, CW_VSOCK_SHUT_RCV, NULL, 0);
	hear_nothing();
	assert_int_equal(send(fd, "x", 1, MSG_NOSIGNAL), -1);
	say(CW_VSOCK_OP_RW, STREAM, 70, from, 0, "still", 5);
	gets(fd, "still");
	close(fd);
	hear(CW_VSOCK_OP_RST);
	all_over();
}

/* The other end never agrees: it is over all the same. */
static void nobody_agrees(void **state)
{
	uint32_t from;

	(void)state;
	up();
	close(made_by_linux(STREAM, &from));
	hear(CW_VSOCK_OP_SHUTDOWN);
	ahead += 9000000;
	hear(CW_VSOCK_OP_RST);
	all_over();
}

/* A program that ends with bytes unread: the remote hears of it, and nothing is waited for. */
static void ends_with_bytes_unread(void **state)
{
	uint32_t from;
	int fd;

	(void)state;
	up();
	fd = made_by_linux(STREAM, &from);
	for (unsigned int i = 0; i < 4; i++) /* more than the program's socket holds */
		say(CW_VSOCK_OP_RW, STREAM, 70, from, 0, data, 60000);
	close(fd);
	for (;;) {
		bed_until(heard);
		if (cw_get_le16(got.op) != CW_VSOCK_OP_CREDIT_UPDATE)
			break;
	}
	assert_int_equal(cw_get_le16(got.op), CW_VSOCK_OP_RST);
	all_over();
	bed_rests();
}

/* Nobody reads: no more is taken than there is room for, and none of it is lost. */
static void back_pressure(void **state)
{
	uint32_t from, sent = 0, done = 0;
	int fd;

	(void)state;
	up();
	fd = made_by_linux(STREAM, &from);
	for (unsigned int quiet = 0; quiet < 3;) {
		uint32_t free = cw_get_le32(got.buf_alloc) + cw_get_le32(got.fwd_cnt) - sent;
		uint32_t len = free < 5000 ? free : 5000;

		assert_true(free <= cw_get_le32(got.buf_alloc));
		if (len && sent + len <= BIG - 5000)
			say(CW_VSOCK_OP_RW, STREAM, 70, from, 0, data + sent, len);
		else
			len = 0;
		sent += len;
		quiet = heard() || len ? 0 : quiet + 1;
		bed_turn(0);
	}
	assert_true(sent > 65536);
	while (done < sent) {
		ssize_t n = recv(fd, back + done, BIG - done, MSG_DONTWAIT);

		assert_true(n > 0 || errno == EAGAIN);
		done += n > 0 ? (uint32_t)n : 0;
		bed_turn(1);
	}
	assert_memory_equal(back, data, sent);
	/* The other way round: what the remote has room for. */
	while (heard())
		;
	room = 10000;
	took = 0;
	say(CW_VSOCK_OP_CREDIT_UPDATE, STREAM, 70, from, 0, NULL, 0);
	put(fd, data, 30000);
	hear_bytes(10000);
	hear_nothing();
	took = 9999;
	say(CW_VSOCK_OP_CREDIT_UPDATE, STREAM, 70, from, 0, NULL, 0);
	hear_bytes(9999);
	hear_nothing();
	close(fd);
}

static void messages(void **state)
{
	uint32_t from;
	int fd;

	(void)state;
	up();
	fd = made_by_linux(MESSAGES, &from);
	/* In two packets, with another behind it, and one as long as there is room for. */
	say(CW_VSOCK_OP_RW, MESSAGES, 70, from, 0, "one ", 4);
	say(CW_VSOCK_OP_RW, MESSAGES, 70, from, CW_VSOCK_SEQ_EOM, "message", 7);
	say(CW_VSOCK_OP_RW, MESSAGES, 70, from, CW_VSOCK_SEQ_EOM, "another", 7);
	gets(fd, "one message");
	gets(fd, "another");
	say(CW_VSOCK_OP_RW, MESSAGES, 70, from, CW_VSOCK_SEQ_EOM, data, 65536);
	assert_int_equal(recv(fd, back, BIG, MSG_DONTWAIT), 65536);
	assert_memory_equal(back, data, 65536);
	while (heard())
		assert_int_equal(cw_get_le16(got.op), CW_VSOCK_OP_CREDIT_UPDATE);
	put(fd, data, 20000);
	put(fd, "short", 5);
	for (uint32_t done = 0; done < 20000; done += got_len) {
		hear(CW_VSOCK_OP_RW);
		memcpy(back + done, got_data, got_len);
		assert_int_equal(cw_get_le32(got.flags) & CW_VSOCK_SEQ_EOM,
				 done + got_len == 20000);
	}
	assert_memory_equal(back, data, 20000);
	hear_bytes(5);
	assert_int_equal(cw_get_le32(got.flags) & CW_VSOCK_SEQ_EOM, 1);
	close(fd);
	hear(CW_VSOCK_OP_SHUTDOWN);
}

/* No packet could carry them; what comes behind them is delivered, also when the program has gone. */
static void empty_messages(void **state)
{
	uint32_t from;
	int fd;

	(void)state;
	up();
	fd = made_by_remote(MESSAGES);
	put(fd, "", 0);
	put(fd, "a", 1);
	for (unsigned int i = 0; i < 100; i++)
		put(fd, "", 0);
	put(fd, "b", 1);
	put(fd, "", 0);
	close(fd);
	hear_bytes(1);
	assert_int_equal(*back, 'a');
	hear_bytes(1);
	assert_int_equal(*back, 'b');
	hear(CW_VSOCK_OP_SHUTDOWN);
	say(CW_VSOCK_OP_RST, MESSAGES, 77, 5000, 0, NULL, 0);
	fd = made_by_linux(MESSAGES, &from);
	put(fd, "", 0);
	put(fd, "c", 1);
	close(fd);
	hear_bytes(1);
	hear(CW_VSOCK_OP_SHUTDOWN);
	say(CW_VSOCK_OP_RST, MESSAGES, 70, from, 0, NULL, 0);
	all_over();
}

static void message_too_long(void **state)
{
	uint32_t from;
	int fd;

	(void)state;
	up();
	room = 1000;
	fd = made_by_linux(MESSAGES, &from);
	put(fd, data, 1000);
	hear_bytes(1000);
	say(CW_VSOCK_OP_CREDIT_UPDATE, MESSAGES, 70, from, 0, NULL, 0);
	put(fd, data, 1001);
	hear(CW_VSOCK_OP_RST);
	is_sent_away(fd);
	all_over();
}

/* The remote is replaced, or resets the device: all ends on Linux's side, and callers are sent away. */
static void remote_starts_over(void **state)
{
	uint32_t from;
	int fd;

	(void)state;
	up();
	fd = made_by_linux(STREAM, &from);
	cw_device_set_status(bed.unit->dev, 0);
	is_sent_away(fd);
	fd = calls(STREAM);
	put(fd, "CONNECT 70\n", 11);
	is_sent_away(fd);
}

static void rests_and_counts(void **state)
{
	struct cw_unit_stats s = { 0 };
	uint32_t from;
	int fd;

	(void)state;
	up();
	bed_rests();
	fd = made_by_linux(STREAM, &from);
	bed_rests();
	put(fd, "four", 4);
	hear_bytes(4);
	say(CW_VSOCK_OP_RW, STREAM, 70, from, 0, "threes", 6);
	say(CW_VSOCK_OP_RW, STREAM, 71, from, 0, "nobody", 6);
	hear(CW_VSOCK_OP_RST);
	bed_rests();
	bed.unit->ops->stats(bed.unit, &s);
	assert_int_equal(s.rx_bytes, 4);
	assert_int_equal(s.tx_bytes, 6);
	assert_int_equal(s.errors, 0);
	close(fd);
}

static void refused(void **state)
{
	(void)state;
	make();
	bed_write_file("vs", "", 0);
	bed_refuses("vs is there already");
	unlink("vs");
	bed_write_file("vs.seqpacket", "", 0);
	bed_refuses("vs.seqpacket is there already");
	assert_int_equal(access("vs", F_OK), -1);
	unlink("vs.seqpacket");
	bed.device.path = bed_text("nowhere/vs");
	bed_refuses("cannot make the socket nowhere/vs");
	bed.device.path = bed_text("vs");
	assert_true(bed_open());
	assert_int_equal(cw_backend_connect(&bed.device, 9, false), -1);
}

int main(void)
{
#define T(f) cmocka_unit_test_teardown(f, end)
	const struct CMUnitTest tests[] = {
		T(remote_calls),
		T(remote_ends_it),
		T(keeper_says_no),
		T(keeper_answers_too_late),
		T(keeper_is_not_flooded),
		T(linux_calls),
		T(wrong_lines),
		T(patience),
		T(remote_refuses),
		T(many_are_refused),
		T(table_full),
		T(half_closed),
		T(remote_reads_no_more),
		T(nobody_agrees),
		T(ends_with_bytes_unread),
		T(back_pressure),
		T(messages),
		T(empty_messages),
		T(message_too_long),
		T(remote_starts_over),
		T(rests_and_counts),
		T(refused),
	};

	signal(SIGPIPE, SIG_IGN); /* as a worker does */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
