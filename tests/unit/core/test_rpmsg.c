// SPDX-License-Identifier: BSD-3-Clause
/* A host and a remote that both do what they should. */
#include "rpmsg_pair.h"

#define ANY CW_RPMSG_ANY

static struct pair_box a, b, c;

static void said(const struct pair_box *box, const char *text)
{
	assert_int_equal(box->last.len, strlen(text));
	assert_memory_equal(box->bytes, text, strlen(text));
}

static void a_message_after_an_announcement(void **state)
{
	(void)state;
	pair_start(NULL);
	pair_open(HOST, &a, "echo", ANY, ANY);
	pair_open(REMOTE, &b, "echo", ANY, ANY);
	assert_int_equal(cw_rpmsg_send(a.e, "x", 1, 0), CW_EAGAIN); /* no peer yet */
	pair_settle();
	assert_int_equal(a.e->dst, b.e->addr);
	assert_int_equal(b.e->dst, a.e->addr);
	assert_true(a.e->addr >= CW_RPMSG_DYNAMIC);
	assert_int_equal(cw_rpmsg_send(a.e, "hello", 5, 0), CW_OK);
	pair_settle();
	said(&b, "hello");
	assert_int_equal(b.last.src, a.e->addr);
	assert_int_equal(cw_rpmsg_send(b.e, "there", 5, 0), CW_OK);
	pair_settle();
	said(&a, "there");
	assert_int_equal(a.n + b.n, 2);
	assert_int_equal(a.peers + b.peers, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_message_after_an_announcement),
	};

	(void)c;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
