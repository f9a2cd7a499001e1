// SPDX-License-Identifier: BSD-3-Clause
/*
 * The UIO doorbell on a terminal pair: what a driver would say is written at its other end, and what is
 * stored to registers is in a page of ours that mmap() is made to return.
 */
#include <causeway/host/doorbell.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

static uint32_t page[CW_PAGE_SIZE / 4];
static bool no_registers;

void *__wrap_mmap(void *at, size_t len, int prot, int flags, int fd, off_t offset);
int __wrap_munmap(void *at, size_t len);

void *__wrap_mmap(void *at, size_t len, int prot, int flags, int fd, off_t offset)
{
	(void)at;
	(void)flags;
	(void)fd;
	assert_int_equal(len, sizeof(page));
	assert_int_equal(prot, PROT_READ | PROT_WRITE);
	assert_int_equal(offset, 0);
	if (!no_registers)
		return page;
	errno = ENODEV;
	return MAP_FAILED;
}

int __wrap_munmap(void *at, size_t len)
{
	assert_ptr_equal(at, page);
	assert_int_equal(len, sizeof(page));
	return 0;
}

struct bed {
	int driver; /* the other end */
	char path[64], said[256];
	struct cw_board_remote r;
	struct cw_doorbell d;
};

static void begin(struct bed *b)
{
	int slave;
	struct termios raw;

	memset(b, 0, sizeof(*b));
	memset(page, 0, sizeof(page));
	cfmakeraw(&raw);
	assert_int_equal(openpty(&b->driver, &slave, b->path, &raw, NULL), 0);
	fcntl(b->driver, F_SETFL, O_NONBLOCK);
	b->r = (struct cw_board_remote){ .name = (char *)(uintptr_t) "r0",
					 .doorbell = CW_DOORBELL_UIO,
					 .doorbell_path = b->path,
					 .ring = { 0x10, 0x100 },
					 .clear = { 0x20, 7 },
					 .enable = { 0x30, 9 },
					 .has_clear = true,
					 .has_enable = true };
}

static int open_bell(struct bed *b)
{
	FILE *err = fmemopen(b->said, sizeof(b->said), "w");
	int r = cw_doorbell_open(&b->d, &b->r, err);

	fclose(err);
	return r;
}

/* How often it has unmasked its interrupt since we last looked. */
static int unmasked(struct bed *b)
{
	uint32_t words[16];
	ssize_t n = read(b->driver, words, sizeof(words));

	for (ssize_t i = 0; i < n / 4; i++)
		assert_int_equal(words[i], 1);
	return n < 0 ? 0 : (int)n / 4;
}

static bool hears(struct bed *b)
{
	struct pollfd p = { .fd = b->d.mine, .events = POLLIN };

	return poll(&p, 1, 0) == 1;
}

static void an_interrupt_wakes_and_is_taken_back(void **state)
{
	const uint32_t count = 41;
	struct bed b;

	(void)state;
	begin(&b);
	assert_int_equal(open_bell(&b), 0);
	assert_int_equal(unmasked(&b), 1);
	assert_int_equal(page[12], 9);
	assert_false(hears(&b));
	assert_int_equal(write(b.driver, &count, 4), 4);
	assert_true(hears(&b));
	assert_int_equal(page[8], 0);
	b.d.ops->clear(&b.d);
	assert_false(hears(&b));
	assert_int_equal(page[8], 7);
	assert_int_equal(unmasked(&b), 1);
	b.d.ops->clear(&b.d); /* for nothing: it does not wait */
	cw_doorbell_close(&b.d);
}

static void a_ring_is_one_store(void **state)
{
	struct bed b;

	(void)state;
	begin(&b);
	b.r.has_clear = b.r.has_enable = false;
	assert_int_equal(open_bell(&b), 0);
	b.d.ops->ring(&b.d);
	assert_int_equal(page[4], 0x100);
	page[4] = 0;
	for (unsigned int i = 0; i < sizeof(page) / sizeof(page[0]); i++)
		assert_int_equal(page[i], 0);
	b.d.ops->clear(&b.d);
	assert_int_equal(page[8], 0);
	cw_doorbell_close(&b.d);
}

static void without_registers_it_is_refused(void **state)
{
	struct bed b;

	(void)state;
	begin(&b);
	no_registers = true;
	assert_int_equal(open_bell(&b), -1);
	no_registers = false;
	assert_non_null(strstr(b.said, "has no registers to map"));
	b.r.doorbell_path = (char *)(uintptr_t) "/dev/uio-nothing";
	assert_int_equal(open_bell(&b), -1);
	assert_non_null(strstr(b.said, "cannot open /dev/uio-nothing"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_interrupt_wakes_and_is_taken_back),
		cmocka_unit_test(a_ring_is_one_store),
		cmocka_unit_test(without_registers_it_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
