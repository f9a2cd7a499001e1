// SPDX-License-Identifier: BSD-3-Clause
/*
 * A Linux process as the machine.
 *
 * Theory of operation: whoever runs us (the PMM's process carrier, or a test) gives the region and
 * the doorbell as descriptors and says their numbers in the environment. A ring is one datagram; the
 * wait is a poll on that socket. Without a doorbell the wait is a short sleep. Standard output is the
 * UART.
 */
#include <causeway/port/machine.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define UART_MS 100
#define PATTERN 0x57ac4f5eu
#define WATCHED (256u * 1024u) /* bytes of the stack in which its use is seen */
#define SENSOR	"/sys/class/thermal/thermal_zone0/temp"

void (*cw_machine_on_fault)(uint32_t code);

static int doorbell = -1;
static uintptr_t stack_low, stack_top;
static uint64_t poll_us = 1000;

static uint64_t now(void *ctx)
{
	struct timespec t;

	(void)ctx;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
}

static void ring(void *ctx)
{
	(void)ctx;
	/* A full queue holds rings enough, and a closed one has nobody to hear: no error matters. */
	if (doorbell >= 0)
		(void)!send(doorbell, "", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void clear_doorbell(void)
{
	char rings[64];

	for (int i = 0; i < 64 && recv(doorbell, rings, sizeof(rings), MSG_DONTWAIT) > 0; i++)
		;
}

static void wait(void *ctx, uint64_t deadline)
{
	struct pollfd p = { .fd = doorbell, .events = POLLIN };
	uint64_t t = now(ctx), us = deadline > t ? deadline - t : 0;
	struct timespec ts;

	if (doorbell < 0 && us > poll_us)
		us = poll_us;
	if (us > 3600000000u)
		us = 3600000000u;
	ts.tv_sec = (time_t)(us / 1000000u);
	ts.tv_nsec = (long)(us % 1000000u) * 1000;
	if (ppoll(&p, doorbell >= 0, &ts, NULL) > 0)
		clear_doorbell();
}

static const struct cw_port port = { .now = now, .ring = ring, .wait = wait };
static struct cw_machine machine = { .board = "hosted", .port = &port };

/*
 * As a UART: slow at worst, never stuck. Who does not read for UART_MS loses what is printed; pieces
 * of PIPE_BUF are what a pipe that polls as writable takes without blocking.
 */
void cw_machine_uart(const char *text, size_t len)
{
	struct pollfd p = { .fd = 1, .events = POLLOUT };

	while (len) {
		ssize_t n = -1;

		if (poll(&p, 1, UART_MS) > 0)
			n = write(1, text, len < PIPE_BUF ? len : PIPE_BUF);
		else
			errno = EAGAIN;
		if (n < 0 && errno != EINTR)
			return;
		text += n > 0 ? n : 0;
		len -= n > 0 ? (size_t)n : 0;
	}
}

static long number(const char *name, long otherwise)
{
	const char *s = getenv(name);
	char *end;
	long v = s && *s ? strtol(s, &end, 10) : otherwise;

	return s && *s && (*end || v < 0) ? -1 : v;
}

static const struct cw_machine *refuse(const char *why)
{
	fprintf(stderr, "%s; this program is a remote: start it with `causeway run`\n", why);
	return NULL;
}

/* What is below is not used yet: it is filled with a pattern, to see later what of it was used. */
__attribute__((noinline, no_sanitize("address"))) static void stack_paint(void)
{
	volatile uint32_t area[WATCHED / 4];

	for (size_t i = 0; i < WATCHED / 4; i++)
		area[i] = PATTERN;
	stack_low = (uintptr_t)area;
}

__attribute__((noinline, no_sanitize("address"))) static uint32_t stack_used(void)
{
	const volatile uint32_t *p = (const uint32_t *)stack_low;

	while ((uintptr_t)p < stack_top && *p == PATTERN)
		p++;
	return (uint32_t)(stack_top - (uintptr_t)p);
}

static void look_at_sensor(struct cw_machine_health *h)
{
	int fd = open(SENSOR, O_RDONLY | O_CLOEXEC);
	char text[16] = { 0 };

	if (fd < 0)
		return;
	h->has_temperature = read(fd, text, sizeof(text) - 1) > 0;
	h->temperature = (int32_t)strtol(text, NULL, 10);
	close(fd);
}

void cw_machine_health(struct cw_machine_health *h)
{
	struct mallinfo2 m = mallinfo2();
	struct rlimit limit;

	memset(h, 0, sizeof(*h));
	h->stack_used = stack_used();
	h->stack_size = getrlimit(RLIMIT_STACK, &limit) || limit.rlim_cur > UINT32_MAX
				? WATCHED
				: (uint32_t)limit.rlim_cur;
	h->heap_size = (uint32_t)(m.arena + m.hblkhd);
	h->heap_used = (uint32_t)(m.uordblks + m.hblkhd);
	look_at_sensor(h);
}

const struct cw_machine *cw_machine_init(void)
{
	int fd = (int)number("CAUSEWAY_REGION_FD", -1);
	long offset = number("CAUSEWAY_REGION_OFFSET", 0), size, pause_us;
	const char *remote = getenv("CAUSEWAY_REMOTE");
	struct stat st;

	stack_top = (uintptr_t)__builtin_frame_address(0);
	stack_paint();
	signal(SIGPIPE, SIG_IGN);
	if (fd < 0 || offset < 0 || fstat(fd, &st) || st.st_size <= offset)
		return refuse("CAUSEWAY_REGION_FD names no memory");
	size = number("CAUSEWAY_REGION_SIZE", st.st_size - offset);
	if (size <= 0 || size > st.st_size - offset)
		return refuse("CAUSEWAY_REGION_SIZE is not right");
	machine.region_size = (size_t)size;
	machine.region =
		mmap(NULL, machine.region_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, offset);
	if (machine.region == MAP_FAILED)
		return refuse("the region cannot be mapped");
	doorbell = (int)number("CAUSEWAY_DOORBELL_FD", -1);
	pause_us = number("CAUSEWAY_POLL_US", 1000);
	if (pause_us < 0)
		return refuse("CAUSEWAY_POLL_US is no number");
	poll_us = (uint64_t)pause_us;
	machine.may_spin = number("CAUSEWAY_SPIN", 0) == 1;
	machine.remote = remote ? remote : "";
	return &machine;
}

/* Nobody reads this process's memory; what it prints is read. */
void cw_machine_trace(const char *text, size_t len)
{
	(void)text;
	(void)len;
}

uint32_t cw_machine_seed(void)
{
	return (uint32_t)now(NULL) ^ (uint32_t)getpid() << 16;
}

void cw_machine_exit(int code)
{
	exit(code);
}
