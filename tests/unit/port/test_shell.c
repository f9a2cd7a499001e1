// SPDX-License-Identifier: BSD-3-Clause
/* The shell's lines and words, without a console. */
#include "../../../firmware/common/shell.h"
#include "../core/unit.h"

#include <string.h>

static struct shell_line line;

/* Types @keys; what the last one did. */
static enum shell_key type(const char *keys)
{
	enum shell_key last = SHELL_NOTHING;

	while (*keys)
		last = shell_line_key(&line, *keys++);
	return last;
}

static int setup(void **state)
{
	(void)state;
	memset(&line, 0, sizeof(line));
	return 0;
}

static void test_line(void **state)
{
	(void)state;
	assert_int_equal(type("net iface"), SHELL_TYPED);
	assert_int_equal(type("\r"), SHELL_ENTERED);
	assert_string_equal(line.text, "net iface");
	assert_int_equal(type("h"), SHELL_TYPED);
	assert_string_equal(line.text, "h");
}

static void test_line_ends(void **state)
{
	(void)state;
	assert_int_equal(type("a\r"), SHELL_ENTERED);
	assert_int_equal(type("\n"), SHELL_NOTHING);
	assert_int_equal(type("\n"), SHELL_ENTERED);
	assert_string_equal(line.text, "");
	assert_int_equal(type("b\n"), SHELL_ENTERED);
	assert_int_equal(type("\r"), SHELL_ENTERED);
}

static void test_editing(void **state)
{
	(void)state;
	assert_int_equal(type("\b"), SHELL_NOTHING);
	assert_int_equal(type("helq\b"), SHELL_ERASED);
	assert_int_equal(type("x\x7f"), SHELL_ERASED);
	assert_int_equal(type("p\r"), SHELL_ENTERED);
	assert_string_equal(line.text, "help");
	assert_int_equal(type("half\x03"), SHELL_CANCEL);
	assert_string_equal(line.text, "");
}

static void test_escapes_are_swallowed(void **state)
{
	(void)state;
	type("a\x1b[A\x1b[1;5C\x1bOP\x1bx\x1b[3~b\x01\xff\x80");
	assert_string_equal(line.text, "ab");
	type("\x1b[999\r");
	assert_string_equal(line.text, "ab");
	type("c");
	assert_string_equal(line.text, "c");
}

static void test_full(void **state)
{
	(void)state;
	for (int i = 0; i < SHELL_LINE; i++)
		assert_int_equal(type("x"), SHELL_TYPED);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(type("y"), SHELL_FULL);
	assert_int_equal(strlen(line.text), SHELL_LINE);
	assert_int_equal(type("\b"), SHELL_ERASED);
	assert_int_equal(type("z"), SHELL_TYPED);
	assert_int_equal(type("\r"), SHELL_ENTERED);
	assert_int_equal(line.text[SHELL_LINE - 1], 'z');
}

static void test_any_byte(void **state)
{
	uint64_t random = 11;

	(void)state;
	for (int i = 0; i < 100000; i++) {
		shell_line_key(&line, (char)unit_random(&random));
		assert_true(line.used <= SHELL_LINE);
		assert_int_equal(strlen(line.text), line.used);
	}
}

static void test_split(void **state)
{
	char text[] = "  net\tping  -c 3 ", empty[] = " \t ", full[] = "a b c", more[] = "a b c d";
	char *argv[4];

	(void)state;
	assert_int_equal(shell_split(text, argv, 4), 4);
	assert_string_equal(argv[0], "net");
	assert_string_equal(argv[1], "ping");
	assert_string_equal(argv[2], "-c");
	assert_string_equal(argv[3], "3");
	assert_int_equal(shell_split(empty, argv, 4), 0);
	assert_int_equal(shell_split(full, argv, 3), 3);
	assert_int_equal(shell_split(more, argv, 3), -1);
}

static const struct shell_command table[] = {
	{ "net", "", NULL },	     { "net ping", "", NULL }, { "net ping all", "", NULL },
	{ "device list", "", NULL }, { NULL, NULL, NULL },
};

static const char *found(const char *text, int *used)
{
	static char copy[SHELL_LINE + 1];
	char *argv[SHELL_WORDS];
	const struct shell_command *c;
	int argc;

	strncpy(copy, text, SHELL_LINE);
	argc = shell_split(copy, argv, SHELL_WORDS);
	c = shell_find(table, argc, argv, used);
	return c ? c->words : "none";
}

static void test_find(void **state)
{
	int used;

	(void)state;
	assert_string_equal(found("net ping 1.2.3.4", &used), "net ping");
	assert_int_equal(used, 2);
	assert_string_equal(found("net ping all", &used), "net ping all");
	assert_string_equal(found("net pin", &used), "net");
	assert_int_equal(used, 1);
	assert_string_equal(found("net", &used), "net");
	assert_string_equal(found("device list x", &used), "device list");
	assert_string_equal(found("device", &used), "none");
	assert_int_equal(used, 0);
	assert_string_equal(found("devices list", &used), "none");
	assert_string_equal(found("device lis", &used), "none");
	assert_string_equal(found("", &used), "none");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_line, setup),
		cmocka_unit_test_setup(test_line_ends, setup),
		cmocka_unit_test_setup(test_editing, setup),
		cmocka_unit_test_setup(test_escapes_are_swallowed, setup),
		cmocka_unit_test_setup(test_full, setup),
		cmocka_unit_test_setup(test_any_byte, setup),
		cmocka_unit_test(test_split),
		cmocka_unit_test(test_find),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
