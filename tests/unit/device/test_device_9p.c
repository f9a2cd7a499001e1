// SPDX-License-Identifier: BSD-3-Clause
/* The 9P transport against drivers that behave, send nonsense, or go away. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "pair.h"

#include <causeway/core/bytes.h>
#include <causeway/device/9p.h>

#define SIZE	 32
#define MSIZE	 4096u
#define REQUESTS 2u
#define RERROR	 7
#define PROTO	 71
#define TOO_BIG	 7
#define END	 ((struct cw_9p_request *)&t)

/* A server that answers with the message, its type one higher, each byte of its body flipped. */
static struct {
	struct pair pair;
	struct cw_9p_device dev;
	struct cw_9p_request request[REQUESTS];
	struct cw_part part[REQUESTS][SIZE];
	uint8_t message[REQUESTS][MSIZE + 1], answer[REQUESTS][MSIZE + 1];
	struct cw_9p_request *todo[REQUESTS + 1]; /* or END */
	unsigned int todos, started, ends, ends_at;
	uint32_t now_data, now_head; /* what answer_now gives, 0: CW_EAGAIN */
	bool stuck, silent, endless;
} t;

static int answer_now(void *ctx, const uint8_t *message, uint32_t len, uint8_t *head,
		      const struct cw_part *data, unsigned int n, uint32_t *data_len)
{
	uint8_t next = 0x40;

	(void)ctx;
	assert_int_equal(t.todos, 0);
	assert_int_equal(cw_peek32(message), len);
	if (!t.now_head)
		return CW_EAGAIN;
	memset(head, 0x99, t.now_head);
	cw_poke32(head, t.now_head + t.now_data);
	*data_len = t.now_data;
	for (unsigned int i = 0; i < n; i++)
		for (size_t k = 0; k < data[i].len && next < 0x40 + t.now_data; k++)
			((uint8_t *)data[i].ptr)[k] = next++;
	return (int)t.now_head;
}

static void start(void *ctx, struct cw_9p_request *r)
{
	(void)ctx;
	assert_in_range(t.todos, 0, REQUESTS - 1);
	assert_in_range(r->len, 7, MSIZE);
	assert_in_range(r->room, 11, MSIZE);
	t.todo[t.todos++] = r;
	t.started++;
}

static void end(void *ctx)
{
	(void)ctx;
	assert_in_range(t.todos, 0, REQUESTS);
	t.todo[t.todos++] = END;
}

static void collect(void *ctx)
{
	(void)ctx;
	while (t.todos && !t.stuck) {
		struct cw_9p_request *r = t.todo[0];

		memmove(t.todo, t.todo + 1, --t.todos * sizeof(t.todo[0]));
		if (r == END) {
			t.ends++;
			t.ends_at = t.started;
			cw_9p_device_ended(&t.dev);
			continue;
		}
		for (uint32_t i = 0; i < r->len; i++)
			r->answer[i] = i < 7 ? r->message[i] : r->message[i] ^ 0xff;
		r->answer[4]++;
		cw_9p_device_done(&t.dev, r, t.silent ? 0 : t.endless ? r->room + 1 : r->len);
	}
}

static const struct cw_9p_device_ops server = { answer_now, start, end, collect };

static void begin(void)
{
	memset(&t, 0, sizeof(t));
	for (unsigned int i = 0; i < REQUESTS; i++) {
		t.request[i].part = t.part[i];
		t.request[i].message = t.message[i];
		t.request[i].answer = t.answer[i];
	}
	pair_init(&t.pair, 1, SIZE, 4u << 20);
	assert_int_equal(cw_9p_device_init(&t.dev, &server, NULL, "files", MSIZE, t.pair.q,
					   t.request, REQUESTS, SIZE),
			 CW_OK);
	pair_up(&t.pair, &t.dev.dev, CW_9P_F_MOUNT_TAG | CW_F_EVENT_IDX);
}

static int stop(void **state)
{
	(void)state;
	pair_free(&t.pair);
	return 0;
}

/* Runs it as a worker does, which wakes the queue when an answer is there. */
static void run(void)
{
	pair_kick(&t.pair, 0);
	for (unsigned int i = 0; i < 1000; i++) {
		pair_run(&t.pair);
		if (!t.todos || t.stuck)
			return;
		cw_device_wake(&t.dev.dev, 0);
	}
	fail_msg("it never ends");
}

struct asked {
	struct pair_mem out, in;
	uint32_t len, room;
};

/* A message of @len bytes whose size field says @size, and room for @room bytes of an answer. */
static struct asked ask_sized(uint32_t size, uint32_t len, uint32_t room, uint16_t tag)
{
	struct asked a = { pair_alloc(&t.pair, len + 11), pair_alloc(&t.pair, room + 1), len,
			   room };
	struct cw_buf buf[2] = { { a.out.addr, len }, { a.in.addr, room } };

	for (uint32_t i = 0; i < len; i++)
		a.out.p[i] = (uint8_t)(i * 5 + tag);
	cw_poke32(a.out.p, size);
	a.out.p[4] = 100;
	cw_poke16(a.out.p + 5, tag);
	memset(a.in.p, 0xee, room + 1);
	pair_add(&t.pair, 0, len ? buf : buf + 1, len != 0, 1, NULL);
	return a;
}

static struct asked ask(uint32_t len, uint32_t room, uint16_t tag)
{
	return ask_sized(len, len, room, tag);
}

static void answered(const struct asked *a)
{
	assert_int_equal(pair_take(&t.pair, 0), a->len);
	assert_int_equal(cw_peek32(a->in.p), a->len);
	assert_int_equal(a->in.p[4], 101);
	assert_memory_equal(a->in.p + 5, a->out.p + 5, 2);
	for (uint32_t i = 7; i < a->len; i++)
		assert_int_equal(a->in.p[i], a->out.p[i] ^ 0xff);
	assert_int_equal(a->in.p[a->len], 0xee);
}

static void refused(const struct asked *a, uint16_t tag, uint32_t error)
{
	assert_int_equal(pair_take(&t.pair, 0), 11);
	assert_int_equal(cw_peek32(a->in.p), 11);
	assert_int_equal(a->in.p[4], RERROR);
	assert_int_equal(cw_peek16(a->in.p + 5), tag);
	assert_int_equal(cw_peek32(a->in.p + 7), error);
	assert_int_equal(a->in.p[11], 0xee);
}

static void messages_and_answers(void **state)
{
	(void)state;
	begin();
	for (uint32_t len = 7; len <= MSIZE; len += len < 40 ? 1 : (MSIZE - 40) / 8) {
		struct asked a = ask(len, len < 11 ? 11 : len, (uint16_t)len);

		run();
		answered(&a);
	}
	assert_int_equal(t.dev.count.strange, 0);
	assert_int_equal(t.dev.count.messages, t.started);
	assert_int_equal(t.dev.count.answers, t.started);
	assert_int_equal(t.dev.count.answer_bytes, t.dev.count.message_bytes);
}

/* However message and answer are cut into descriptors (virtio 1.3 section 2.7.4). */
static void cut_anywhere(void **state)
{
	(void)state;
	for (uint32_t cut = 1; cut < 40; cut++) {
		struct pair_mem m;
		struct cw_buf buf[4];

		begin();
		m = pair_alloc(&t.pair, 256);
		memset(m.p, 0xcc, 256);
		cw_poke32(m.p, 40);
		buf[0] = (struct cw_buf){ m.addr, cut };
		buf[1] = (struct cw_buf){ m.addr + cut, 40 - cut };
		buf[2] = (struct cw_buf){ m.addr + 100, cut };
		buf[3] = (struct cw_buf){ m.addr + 100 + cut, 41 - cut };
		pair_add(&t.pair, 0, buf, 2, 2, NULL);
		run();
		assert_int_equal(pair_take(&t.pair, 0), 40);
		assert_int_equal(cw_peek32(m.p + 100), 40);
		for (uint32_t i = 7; i < 40; i++)
			assert_int_equal(m.p[100 + i], 0x33);
		/* And at once, with the data behind a head that ends in the middle of a part or not. */
		t.now_head = 11;
		t.now_data = 30;
		pair_add(&t.pair, 0, buf, 2, 2, NULL);
		run();
		assert_int_equal(pair_take(&t.pair, 0), 41);
		assert_int_equal(cw_peek32(m.p + 100), 41);
		assert_int_equal(m.p[100 + 10], 0x99);
		for (uint32_t i = 0; i < 30; i++)
			assert_int_equal(m.p[111 + i], 0x40 + i);
		assert_int_equal(m.p[141], 0xcc);
		assert_int_equal(t.started, 1);
		stop(NULL);
	}
	begin();
}

/* What is answered at once is much at most, and then others have their turn. */
static void long_answers_take_turns(void **state)
{
	const uint32_t len = CW_SERVE_BYTES / 2;

	(void)state;
	begin();
	t.dev.msize = len;
	t.now_head = 11;
	t.now_data = len - 11;
	for (uint16_t i = 0; i < 5; i++)
		ask(20, len, i);
	run();
	for (uint16_t i = 0; i < 5; i++)
		assert_int_equal(pair_take(&t.pair, 0), len);
	assert_int_equal(t.dev.dev.count.served, 3);
}

static void at_once_only_when_it_fits_and_nothing_is_under_way(void **state)
{
	struct asked a, b;

	(void)state;
	begin();
	t.now_head = 160;
	a = ask(20, 159, 1);
	run();
	answered(&a);
	assert_int_equal(t.started, 1);
	a = ask(20, 160, 2);
	run();
	assert_int_equal(pair_take(&t.pair, 0), 160);
	assert_int_equal(a.in.p[159], 0x99);
	assert_int_equal(a.in.p[160], 0xee);
	assert_int_equal(t.started, 1);
	t.now_head = 11; /* answers that a server must not give */
	t.now_data = 30;
	a = ask(20, 40, 3);
	run();
	a.in.p[20] = 0xee; /* there was data when the server was asked first */
	answered(&a);
	t.now_head = 12;
	a = ask(20, 100, 3);
	run();
	a.in.p[20] = 0xee;
	answered(&a);
	t.now_head = 0;
	t.stuck = true;
	a = ask(20, 100, 4);
	run();
	t.now_head =
		11; /* would be asked: answer_now() fails the test, as something is under way */
	b = ask(20, 100, 5);
	run();
	assert_int_equal(t.started, 5);
	t.stuck = false;
	cw_device_wake(&t.dev.dev, 0);
	run();
	answered(&a);
	answered(&b);
}

static void row42_bad_frames(void **state)
{
	struct asked a;

	(void)state;
	begin();
	a = ask_sized(19, 20, 64, 0x1234);
	run();
	refused(&a, 0x1234, PROTO);
	a = ask_sized(21, 20, 64, 0xffff);
	run();
	refused(&a, 0xffff, PROTO);
	a = ask_sized(0, 7, 11, 3);
	run();
	refused(&a, 3, PROTO);
	a = ask_sized(0xffffffff, 20, 64, 4);
	run();
	refused(&a, 4, PROTO);
	for (uint32_t len = 0; len < 7; len++) { /* not even a tag */
		a = ask_sized(len, len, 64, 5);
		run();
		refused(&a, 0xffff, PROTO);
	}
	a = ask(MSIZE + 1, 64, 6);
	run();
	refused(&a, 6, TOO_BIG);
	a = ask(100000, 64, 7);
	run();
	refused(&a, 7, TOO_BIG);
	assert_int_equal(t.started, 0);
	assert_int_equal(t.message[0][MSIZE], 0);
	assert_int_equal(t.dev.count.strange, 13);
	assert_int_equal(t.dev.count.errors, 13);
	assert_true(cw_device_running(&t.dev.dev));
}

static void no_room_to_say_what_failed(void **state)
{
	struct cw_buf buf;
	struct asked a;

	(void)state;
	begin();
	for (uint32_t room = 1; room < 11; room++) {
		a = ask(20, room, 1);
		run();
		assert_int_equal(pair_take(&t.pair, 0), 0);
		assert_int_equal(a.in.p[0], 0xee);
	}
	assert_int_equal(t.started, 0);
	assert_int_equal(t.dev.count.strange, 10);
	buf = (struct cw_buf){ a.out.addr, 20 };
	pair_add(&t.pair, 0, &buf, 1, 0, NULL);
	pair_kick(&t.pair, 0);
	cw_device_serve(&t.dev.dev);
	assert_int_equal(t.dev.dev.fault, CW_EBADCHAIN);
	assert_int_equal(pair_take(&t.pair, 0), 0);
}

static void server_without_an_answer(void **state)
{
	struct asked a;

	(void)state;
	begin();
	t.silent = true;
	a = ask(20, 64, 1);
	run();
	assert_int_equal(pair_take(&t.pair, 0), 0);
	t.silent = false;
	t.endless = true;
	a = ask(20, 64, 2);
	run();
	assert_int_equal(pair_take(&t.pair, 0), 0);
	assert_int_equal(a.in.p[0], 0xee);
	assert_int_equal(t.dev.count.strange, 2);
}

/* More messages than may be under way: the others wait in the ring, and none is lost. */
static void more_than_it_takes(void **state)
{
	struct asked a[10];

	(void)state;
	begin();
	t.stuck = true;
	for (unsigned int i = 0; i < 10; i++)
		a[i] = ask(20 + i, 64, (uint16_t)i);
	run();
	assert_int_equal(t.todos, REQUESTS);
	assert_true(pair_empty(&t.pair, 0));
	t.stuck = false;
	cw_device_wake(&t.dev.dev, 0);
	run();
	for (unsigned int i = 0; i < 10; i++)
		answered(&a[i]);
}

/* Fault F8: what an old life asked is forgotten, and its files are closed before the new one's open. */
static void reset_with_messages_in_hand(void **state)
{
	struct asked old, a;

	(void)state;
	begin();
	t.stuck = true;
	old = ask(20, 64, 1); /* there is a place left for one more */
	run();
	assert_int_equal(t.todos, 1);
	cw_device_set_status(&t.dev.dev, 0);
	assert_true(cw_device_reset_done(&t.dev.dev)); /* it waits for no file */
	assert_int_equal(t.todos, 2);
	assert_ptr_equal(t.todo[1], END);
	cw_device_set_status(&t.dev.dev, 0); /* once more: one end is enough */
	assert_int_equal(t.todos, 2);
	pair_up(&t.pair, &t.dev.dev, CW_9P_F_MOUNT_TAG);
	t.pair.used_bytes = 0x10000;
	t.now_head = 11; /* and it could be answered at once */
	a = ask(40, 64, 3);
	run();
	assert_true(pair_empty(&t.pair, 0));
	t.now_head = 0;
	t.stuck = false;
	cw_device_wake(&t.dev.dev, 0);
	run();
	answered(&a);
	assert_true(pair_empty(&t.pair, 0));
	assert_int_equal(old.in.p[0], 0xee);
	assert_int_equal(t.ends, 1);
	assert_int_equal(t.ends_at, 1); /* before the second was started */
	assert_int_equal(t.dev.busy, 0);
}

static void each_session_ends_once(void **state)
{
	(void)state;
	begin();
	for (unsigned int i = 0; i < 3; i++) {
		struct asked a = ask(20, 64, 1);

		run();
		answered(&a);
		cw_device_set_status(&t.dev.dev, 0);
		collect(NULL); /* as an owner does when the device does not run */
		assert_int_equal(t.ends, i + 1);
		pair_up(&t.pair, &t.dev.dev, CW_9P_F_MOUNT_TAG);
		t.pair.used_bytes = 0x10000 * (i + 1);
	}
	cw_device_set_status(&t.dev.dev, 0);
	assert_int_equal(t.todos, 0); /* nothing was asked, nothing is to be forgotten */
}

static void configuration(void **state)
{
	static const char long_tag[] = "0123456789012345678901234567890";
	const struct cw_abi_9p_config *c;

	(void)state;
	begin();
	c = (const void *)t.dev.dev.config;
	assert_int_equal(cw_get_le16(c->tag_len), 5);
	assert_memory_equal(c->tag, "files\0", 6);
	assert_int_equal(t.dev.dev.config_len, 32);
	for (int i = 0; i < 4; i++)
		assert_int_equal(cw_9p_device_init(&t.dev, &server, NULL,
						   i == 0   ? ""
						   : i == 1 ? long_tag
							    : "x",
						   i == 2 ? 4095 : MSIZE, t.pair.q, t.request,
						   i == 3 ? 0 : 1, SIZE),
				 CW_EINVAL);
	assert_int_equal(cw_9p_device_init(&t.dev, &server, NULL, long_tag + 1, MSIZE, t.pair.q,
					   t.request, 1, SIZE),
			 CW_OK);
}

int main(void)
{
#define T(f) cmocka_unit_test_teardown(f, stop)
	const struct CMUnitTest tests[] = {
		T(messages_and_answers),
		T(cut_anywhere),
		T(long_answers_take_turns),
		T(at_once_only_when_it_fits_and_nothing_is_under_way),
		T(row42_bad_frames),
		T(no_room_to_say_what_failed),
		T(server_without_an_answer),
		T(more_than_it_takes),
		T(reset_with_messages_in_hand),
		T(each_session_ends_once),
		T(configuration),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
