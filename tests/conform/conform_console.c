// SPDX-License-Identifier: BSD-3-Clause
/* Every console backend keeps the same contract. */
#include "backend.h"

#include <causeway/core/bytes.h>

#include <signal.h>
#include <sys/ioctl.h>
#include <termios.h>

#define RX CW_CONSOLE_QUEUE_RX
#define TX CW_CONSOLE_QUEUE_TX

/* The person at the other end. */
static struct {
	int rd, wr;
	int pipe_in[2], pipe_out[2]; /* stdio */
	char heard[1 << 20];
	uint32_t len;
	const char *expect;
} who;

static enum cw_backend_kind kind;

/*
 * A clock that stops while we are not let run: readers are waited for by the clock, and ours must not be
 * taken for slow because the machine was. It goes on at most as far as the longest turn takes.
 */
int __real_clock_gettime(clockid_t id, struct timespec *t);
int __wrap_clock_gettime(clockid_t id, struct timespec *t);

int __wrap_clock_gettime(clockid_t id, struct timespec *t)
{
	static uint64_t last, shown = 1000000;
	uint64_t now;

	if (__real_clock_gettime(id, t) || id != CLOCK_MONOTONIC)
		return 0;
	now = (uint64_t)t->tv_sec * 1000000u + (uint64_t)t->tv_nsec / 1000u;
	shown += now - last < 70000 ? now - last : 70000;
	last = now;
	*t = (struct timespec){ (time_t)(shown / 1000000u), (long)(shown % 1000000u) * 1000 };
	return 0;
}

static void swap_stdio(int in, int out)
{
	assert_true(dup2(in, 0) == 0 && dup2(out, 1) == 1);
}

static void open_on_pipes(void)
{
	int in = dup(0), out = dup(1);

	assert_int_equal(pipe(who.pipe_in) | pipe(who.pipe_out), 0);
	fflush(stdout);
	swap_stdio(who.pipe_in[0], who.pipe_out[1]);
	bed_open();
	swap_stdio(in, out);
	close(in);
	close(out);
}

/* Opens the backend and runs the remote; nobody is there yet. */
static void begin(enum cw_backend_kind k)
{
	kind = k;
	memset(&who, 0, sizeof(who));
	who.rd = who.wr = -1;
	bed_begin(CW_ID_CONSOLE, k);
	bed.device.ports = 1;
	bed.device.cols = 80;
	bed.device.rows = 25;
	bed.device.port[0].backend = k;
	bed.device.port[0].path = k == CW_BACKEND_STDIO ? NULL : bed_text("path");
}

static void run(enum cw_backend_kind k)
{
	begin(k);
	if (k == CW_BACKEND_STDIO)
		open_on_pipes();
	bed_run(2, CW_CONSOLE_F_SIZE);
}

static int call(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX, .sun_path = "path" };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	return fd;
}

static void attach(void)
{
	if (kind == CW_BACKEND_STREAM) {
		who.rd = who.wr = call();
	} else if (kind == CW_BACKEND_STDIO) {
		who.rd = dup(who.pipe_out[0]);
		who.wr = dup(who.pipe_in[1]);
		fcntl(who.rd, F_SETFL, O_NONBLOCK);
	} else {
		who.rd = who.wr = open("path", (kind == CW_BACKEND_LOG ? O_RDONLY : O_RDWR) |
						       O_NONBLOCK | O_NOCTTY);
	}
	assert_true(who.rd >= 0);
	bed_turn(0);
}

static void detach(void)
{
	if (who.wr >= 0 && who.wr != who.rd)
		close(who.wr);
	if (who.rd >= 0)
		close(who.rd);
	who.rd = who.wr = -1;
}

static int end(void **state)
{
	detach();
	if (kind == CW_BACKEND_STDIO && who.pipe_in[0])
		for (int i = 0; i < 2; i++) {
			close(who.pipe_in[i]);
			close(who.pipe_out[i]);
		}
	if (kind == CW_BACKEND_LOG) /* what was logged stays */
		assert_true(!bed.opened || !unlink("path"));
	return bed_end(state);
}

static void hear(void)
{
	ssize_t got;

	do {
		got = read(who.rd, who.heard + who.len, sizeof(who.heard) - 1 - who.len);
		who.len += got > 0 ? (uint32_t)got : 0;
	} while (got > 0);
	who.heard[who.len] = 0;
}

static bool heard_it(void)
{
	hear();
	return strstr(who.heard, who.expect) != NULL;
}

static void expect(const char *text)
{
	who.expect = text;
	bed_until(heard_it);
}

static unsigned int vain; /* turns of 10 ms in which the remote waited and nothing happened */

/* The remote says something; @reading: somebody reads meanwhile. Fails if it has to wait long. */
static void say(const char *text, uint32_t len, bool reading)
{
	uint32_t mark = bed.pair.used_bytes, used;
	uint64_t end_at = bed_now() + BED_PATIENCE_US;
	unsigned int before = vain;
	void *cookie;

	bed_offer(TX, text, len, false);
	while (!pair_get(&bed.pair, TX, &cookie, &used)) {
		if (bed_now() > end_at || vain - before > 100)
			fail_msg("the remote was held up");
		if (reading)
			hear();
		vain += !bed_turn(10);
	}
	assert_int_equal(used, 0);
	bed.pair.used_bytes = mark;
}

static void type(const char *text)
{
	assert_int_equal(write(who.wr, text, strlen(text)), strlen(text));
}

static bool input_came(void)
{
	return bed.pair.drv[RX].used_count != (uint16_t)bed.unit->dev->queue[RX].ring.used_count;
}

/* ---- every kind ---- */

static enum cw_backend_kind kind_of(void **state)
{
	return *(enum cw_backend_kind *)*state;
}

static void output_is_heard(void **state)
{
	run(kind_of(state));
	attach();
	say("hello\n", 6, true);
	expect("hello\n");
	assert_int_equal(who.len, 6);
}

static void nothing_is_lost_while_somebody_reads(void **state)
{
	static char text[1000];
	uint32_t total = 0;

	for (unsigned int i = 0; i < sizeof(text); i++)
		text[i] = (char)(i % 50 == 49 ? '\n' : 'a' + i % 26);
	run(kind_of(state));
	attach();
	for (; total < 300000; total += sizeof(text))
		say(text, sizeof(text), true);
	for (int i = 0; i < 200 && who.len < total; i++) {
		bed_turn(5);
		hear();
	}
	assert_int_equal(who.len, total);
	for (uint32_t i = 0; i < total; i++)
		assert_int_equal(who.heard[i], text[i % sizeof(text)]);
}

/* Whoever reads again is waited for again. */
static void reads_after_a_pause(void)
{
	static char text[300000];
	struct cw_unit_stats s = { 0 };
	uint64_t dropped, until = bed_now() + 50000; /* less than it is waited for */
	uint32_t used;
	void *cookie;

	bed.unit->ops->stats(bed.unit, &s);
	dropped = s.dropped;
	who.len = 0;
	bed_offer(TX, text, sizeof(text), false);
	while (bed_now() < until)
		bed_turn(10);
	until += BED_PATIENCE_US;
	while (!pair_get(&bed.pair, TX, &cookie, &used) && bed_now() < until) {
		hear();
		bed_turn(10);
	}
	bed.unit->ops->stats(bed.unit, &s);
	assert_int_equal(s.dropped, dropped);
}

/* hostile-input row 34 the other way round: a reader who is not there costs the remote nothing */
static void nobody_reads(bool attached)
{
	static char text[4096];
	struct cw_unit_stats s = { 0 };

	memset(text, 'x', sizeof(text));
	if (attached)
		attach();
	vain = 0;
	for (unsigned int i = 0; i < 200; i++)
		say(text, sizeof(text), false);
	assert_in_range(vain, 0, 150); /* it was waited for, once, and not at each */
	bed.unit->ops->stats(bed.unit, &s);
	if (kind != CW_BACKEND_LOG)
		assert_true(s.dropped > 0);
	if (!attached)
		attach();
	hear();
	for (int i = 0; i < 20; i++)
		bed_turn(1);
	hear();
	say("here again", 10, true);
	expect("here again");
	reads_after_a_pause();
}

static void absent_reader_holds_nobody_up(void **state)
{
	run(kind_of(state));
	nobody_reads(false);
}

static void idle_reader_holds_nobody_up(void **state)
{
	run(kind_of(state));
	nobody_reads(true);
}

static void rests_when_there_is_nothing(void **state)
{
	run(kind_of(state));
	bed_rests();
	attach();
	bed_rests();
	say("x", 1, true);
	bed_rests();
	bed_offer(RX, NULL, 16, true);
	bed_rests();
	detach();
	bed_rests();
}

static void next_driver_starts_anew(void **state)
{
	run(kind_of(state));
	attach();
	bed_offer(RX, NULL, 16, true);
	say("one ", 4, true);
	pair_up(&bed.pair, bed.unit->dev, 0);
	pair_run(&bed.pair);
	say("two", 3, true);
	expect("one two");
}

/* ---- kinds with input ---- */

static void input_is_heard(void **state)
{
	struct pair_mem m;

	run(kind_of(state));
	attach();
	m = bed_offer(RX, NULL, 64, true);
	type("keys\003\033[A");
	bed_until(input_came);
	assert_int_equal(pair_take(&bed.pair, RX), 8);
	assert_memory_equal(m.p, "keys\003\033[A", 8);
}

static void row34_input_waits_in_the_backend(void **state)
{
	struct pair_mem m;

	run(kind_of(state));
	attach();
	type("abcdef");
	bed_rests();
	m = bed_offer(RX, NULL, 4, true);
	bed_until(input_came);
	assert_int_equal(pair_take(&bed.pair, RX), 4);
	assert_memory_equal(m.p, "abcd", 4);
	bed_rests();
	bed_offer(RX, NULL, 4, true);
	bed_until(input_came);
	assert_int_equal(pair_take(&bed.pair, RX), 2);
}

/* ---- one kind ---- */

static void stream_serves_one_client_after_the_other(void **state)
{
	int second;

	(void)state;
	run(CW_BACKEND_STREAM);
	say("before anybody came", 19, false);
	attach();
	second = call();
	for (int i = 0; i < 4; i++)
		bed_offer(RX, NULL, 16, true);
	say("to the first", 12, true);
	expect("to the first");
	assert_int_equal(who.len, 12);
	detach();
	who.rd = who.wr = second;
	who.len = 0;
	bed_turn(50);
	bed_turn(50);
	say("to the second", 13, true);
	expect("to the second");
	type("hi");
	bed_until(input_came);
	assert_int_equal(pair_take(&bed.pair, RX), 2);
}

static void stream_client_may_leave_in_the_midst(void **state)
{
	static char text[65536];

	(void)state;
	run(CW_BACKEND_STREAM);
	for (int i = 0; i < 10; i++) {
		attach();
		bed_offer(TX, text, sizeof(text), false);
		bed_offer(TX, text, sizeof(text), false);
		bed_offer(TX, text, sizeof(text), false);
		bed_offer(TX, text, sizeof(text), false);
		detach();
		for (int k = 0; k < 4; k++) {
			bed_turn(1);
			pair_take(&bed.pair, TX);
		}
		bed.pair.used_bytes = 65536;
	}
	bed_rests();
}

static void remote_sets_port(uint16_t open)
{
	const struct cw_abi_console_control m = { cw_make_le32(0),
						  cw_make_le16(CW_CONSOLE_PORT_OPEN),
						  cw_make_le16(open) };

	bed_offer(CW_CONSOLE_QUEUE_CTRL_TX, &m, sizeof(m), false);
	pair_take(&bed.pair, CW_CONSOLE_QUEUE_CTRL_TX);
}

static bool hung_up(void)
{
	char c;

	return read(who.rd, &c, 1) == 0;
}

static void stream_ends_when_the_remote_closes_its_port(void **state)
{
	struct cw_unit_stats s;

	(void)state;
	begin(CW_BACKEND_STREAM);
	bed.device.ports = 2;
	bed.device.port[1].backend = CW_BACKEND_PTY;
	bed_run(6, CW_CONSOLE_F_MULTIPORT);
	attach(); /* before the remote has said a word, which is no matter */
	bed.unit->ops->stats(bed.unit, &s);
	assert_true(s.joined == 3 && s.open == 0);
	remote_sets_port(1);
	bed.unit->ops->stats(bed.unit, &s);
	assert_true(s.joined == 3 && s.open == 1);
	remote_sets_port(0);
	bed_until(hung_up);
	detach();
	attach(); /* waits */
	bed_rests();
	bed.unit->ops->stats(bed.unit, &s);
	assert_true(s.joined == 2 && s.open == 0);
	remote_sets_port(1);
	bed_turn(50);
	say("open again", 10, true);
	expect("open again");
	/* Whoever goes without a word has closed nothing. */
	cw_device_set_status(bed.unit->dev, 0);
	bed_turn(0);
	assert_false(hung_up());
	assert_int_equal(errno, EAGAIN);
}

static void stream_takes_only_its_own_path(void **state)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX, .sun_path = "path" };
	struct stat st;
	int fd;

	(void)state;
	begin(CW_BACKEND_STREAM);
	bed_write_file("path", "precious", 8);
	bed_refuses("path is there already");
	assert_true(!stat("path", &st) && st.st_size == 8);
	unlink("path");
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)) | listen(fd, 1), 0);
	bed_refuses("path is there already");
	assert_int_equal(stat("path", &st), 0);
	close(fd);
	assert_true(bed_open()); /* its owner is dead */
	assert_true(!stat("path", &st) && !(st.st_mode & 077));
}

static void pty_has_a_link_and_a_size(void **state)
{
	struct winsize w;
	struct termios t;
	struct stat st;

	(void)state;
	begin(CW_BACKEND_PTY);
	bed_write_file("path", "precious", 8);
	bed_refuses("cannot make the link path");
	assert_true(!stat("path", &st) && st.st_size == 8);
	unlink("path");
	assert_int_equal(symlink("/nowhere", "path"), 0); /* of a run that was killed */
	bed_run(2, CW_CONSOLE_F_SIZE);
	attach();
	assert_int_equal(ioctl(who.rd, TIOCGWINSZ, &w), 0);
	assert_int_equal(w.ws_col, 80);
	assert_int_equal(w.ws_row, 25);
	assert_int_equal(tcgetattr(who.rd, &t), 0);
	assert_false(t.c_lflag & (ECHO | ICANON | ISIG));
	assert_string_equal(bed.fds.note[0], ptsname(bed.fds.fd[0]));
}

static void pty_tells_its_new_size(void **state)
{
	struct winsize w = { .ws_col = 132, .ws_row = 50 };

	(void)state;
	run(CW_BACKEND_PTY);
	attach();
	bed_offer(RX, NULL, 16, true);
	assert_int_equal(ioctl(who.rd, TIOCSWINSZ, &w), 0);
	type("x");
	bed_until(input_came);
	assert_int_equal(bed.pair.changed, 1);
	assert_memory_equal(bed.unit->dev->config, "\x84\0\x32\0", 4);
}

static void pty_survives_many_visits(void **state)
{
	(void)state;
	run(CW_BACKEND_PTY);
	for (int i = 0; i < 50; i++) {
		attach();
		detach();
	}
	bed_rests();
	attach();
	say("still here", 10, true);
	expect("still here");
}

/* hostile-input row 39 */
static void row39_log_spells_escapes_out(void **state)
{
	(void)state;
	begin(CW_BACKEND_LOG);
	bed_write_file("path", "old\n", 4);
	bed_run(2, 0);
	attach();
	say("a\tb\r\n\033[2J\a\x7f\x9b!\xc3\xbc\n", 16, true);
	expect("!\xc3\xbc\n");
	assert_string_equal(who.heard, "old\na\tb\n\\x1b[2J\\x07\\x7f\\x9b!\xc3\xbc\n");
}

static void log_keeps_long_lines_whole(void **state)
{
	static char text[200000];

	(void)state;
	run(CW_BACKEND_LOG);
	attach();
	memset(text, 'y', sizeof(text));
	say(text, sizeof(text), true);
	hear();
	assert_int_equal(who.len, sizeof(text));
}

static void stdio_goes_on_after_the_end_of_input(void **state)
{
	(void)state;
	run(CW_BACKEND_STDIO);
	bed_offer(RX, NULL, 16, true);
	attach();
	close(who.wr);
	close(who.pipe_in[1]);
	who.wr = -1;
	who.pipe_in[1] = dup(2);
	bed_rests();
	say("output", 6, true);
	expect("output");
}

static void stdio_leaves_its_descriptors_blocking(void **state)
{
	(void)state;
	run(CW_BACKEND_STDIO);
	assert_false(fcntl(who.pipe_in[0], F_GETFL) & O_NONBLOCK);
	assert_false(fcntl(who.pipe_out[1], F_GETFL) & O_NONBLOCK);
}

static void path_that_cannot_be_made(void **state)
{
	(void)state;
	begin(CW_BACKEND_LOG);
	bed.device.port[0].path = bed_text("no/such/place");
	bed_refuses("cannot write no/such/place: No such file");
	bed.device.port[0].backend = CW_BACKEND_STREAM;
	bed_refuses("cannot make the socket no/such/place: No such file");
	bed.device.port[0].backend = CW_BACKEND_PTY;
	bed_refuses("cannot make the link no/such/place: No such file");
	kind = CW_BACKEND_PTY;
}

static void failing_port_undoes_the_ports_before_it(void **state)
{
	struct stat st;

	(void)state;
	begin(CW_BACKEND_STREAM);
	bed.device.ports = 3;
	bed.device.port[1].backend = CW_BACKEND_PTY;
	bed.device.port[1].path = bed_text("link");
	bed.device.port[2].backend = CW_BACKEND_LOG;
	bed.device.port[2].path = bed_text("no/such/place");
	bed_refuses("no/such/place");
	assert_int_not_equal(lstat("path", &st), 0);
	assert_int_not_equal(lstat("link", &st), 0);
}

int main(void)
{
	static enum cw_backend_kind pty = CW_BACKEND_PTY, stdio = CW_BACKEND_STDIO,
				    stream = CW_BACKEND_STREAM, log_file = CW_BACKEND_LOG;
#define T(f, k)                                  \
	{                                        \
#f " [" #k "]", f, NULL, end, &k \
	}
#define ONE(f) cmocka_unit_test_teardown(f, end)
#define STAMP(k)                                                                        \
	T(output_is_heard, k), T(nothing_is_lost_while_somebody_reads, k),              \
		T(absent_reader_holds_nobody_up, k), T(idle_reader_holds_nobody_up, k), \
		T(rests_when_there_is_nothing, k), T(next_driver_starts_anew, k)
#define STAMP_INPUT(k) T(input_is_heard, k), T(row34_input_waits_in_the_backend, k)
	const struct CMUnitTest tests[] = {
		STAMP(pty),
		STAMP_INPUT(pty),
		STAMP(stdio),
		STAMP_INPUT(stdio),
		STAMP(stream),
		STAMP_INPUT(stream),
		STAMP(log_file),
		ONE(stream_serves_one_client_after_the_other),
		ONE(stream_client_may_leave_in_the_midst),
		ONE(stream_ends_when_the_remote_closes_its_port),
		ONE(stream_takes_only_its_own_path),
		ONE(pty_has_a_link_and_a_size),
		ONE(pty_tells_its_new_size),
		ONE(pty_survives_many_visits),
		ONE(row39_log_spells_escapes_out),
		ONE(log_keeps_long_lines_whole),
		ONE(stdio_goes_on_after_the_end_of_input),
		ONE(stdio_leaves_its_descriptors_blocking),
		ONE(path_that_cannot_be_made),
		ONE(failing_port_undoes_the_ports_before_it),
	};

	signal(SIGPIPE, SIG_IGN); /* as a worker does */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
