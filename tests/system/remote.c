// SPDX-License-Identifier: BSD-3-Clause
/*
 * A remote for tests: small, and bad in the ways its arguments name.
 *
 *	good			takes entropy every 10 ms, says so, survives a new PMM
 *	exit N | abort | panic	ends so once the link is up; `exit-now N` before that
 *	hang | halted		asks for entropy and never looks again; said that it would
 *	deaf			has nothing to do and hangs
 *	facts			prints what it inherited
 *	flood | garbage | fds	rings endlessly; fills its region with junk; abuses its descriptors
 *	escapes | spam		prints what a terminal should not see; prints endlessly
 *	orphan			leaves a child that left its process group
 */
#include <causeway/core/err.h>
#include <causeway/driver/mmio.h>
#include <causeway/driver/rng.h>
#include <causeway/port/layout_fdt.h>
#include <causeway/port/machine.h>

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* With a PMM that is only not let run; of one that ends the link tells. */
#define PATIENCE_US 10000000u

static const struct cw_machine *machine;
static struct cw_layout layout;
static struct cw_layout_device device[CW_DEVICES_MAX];
static struct cw_link_slot slots[CW_SLOTS_MAX];
static struct cw_bus bus;
static struct cw_mmio mmio;
static struct cw_rng_driver rng;

static void begin(void)
{
	const char *why = "";
	void *copy = malloc(4096);

	machine = cw_machine_init();
	if (!machine || !copy)
		exit(90);
	memcpy(copy, machine->region, 4096);
	if (cw_layout_from_fdt(&layout, device, CW_DEVICES_MAX, copy, 4096, &why)) {
		printf("no layout: %s\n", why);
		exit(91);
	}
	free(copy);
	if (cw_bus_init(&bus, &layout, machine->region, slots, machine->port) ||
	    cw_mmio_init(&mmio, &bus, (unsigned int)cw_layout_find(&layout, CW_ID_RNG, 0)) ||
	    cw_bus_start(&bus))
		exit(92);
}

static void link_up(void)
{
	while (cw_bus_wait_up(&bus, 100000))
		;
}

static int open_rng(void)
{
	int err;

	link_up();
	err = cw_mmio_open(&mmio);
	return err ? err : cw_rng_open(&rng, &mmio.transport);
}

static void good(void)
{
	unsigned char b[8];
	uint32_t life = 0;

	for (;;) {
		int n = life == bus.life && bus.life ? cw_rng_read(&rng, b, 8, PATIENCE_US)
						     : CW_ERESET;

		if (n == 8) {
			printf("entropy %02x%02x%02x%02x life %u\n", b[0], b[1], b[2], b[3], life);
			usleep(10000);
		} else if (n < 0 && !open_rng()) {
			life = bus.life;
		} else {
			cw_bus_wait(&bus, machine->port->now(machine->port->ctx) + 1000);
			if (bus.link.was_up && mmio.dead)
				cw_bus_start(&bus);
		}
	}
}

static void print_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	struct dirent *e;
	char path[300], to[200];

	while (d && (e = readdir(d))) {
		ssize_t n;

		if (e->d_name[0] == '.' || atoi(e->d_name) == dirfd(d))
			continue;
		snprintf(path, sizeof(path), "/proc/self/fd/%s", e->d_name);
		n = readlink(path, to, sizeof(to) - 1);
		to[n < 0 ? 0 : n] = 0;
		printf("fd %s %s\n", e->d_name, to);
	}
	if (d)
		closedir(d);
}

static void facts(char **env)
{
	char line[200];
	FILE *f;

	while (*env)
		printf("env %s\n", *env++);
	print_fds();
	f = fopen("/proc/self/status", "r");
	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, "Cap", 3) || !strncmp(line, "NoNew", 5) ||
		    !strncmp(line, "SigBlk", 6) || !strncmp(line, "SigIgn", 6))
			printf("status %s", line);
	printf("group %s\n", getpgrp() == getpid() ? "own" : "shared");
	printf("facts end\n");
}

static void garbage(void)
{
	uint32_t x = 1;

	for (;;) {
		volatile uint32_t *w = (volatile uint32_t *)machine->region;

		for (size_t i = 0; i < machine->region_size / 4; i++) {
			x ^= x << 13, x ^= x >> 17, x ^= x << 5;
			w[i] = x;
		}
		machine->port->ring(machine->port->ctx);
	}
}

static void abuse_fds(void)
{
	printf("truncate %d\n", ftruncate(3, 0));
	printf("grow %d\n", ftruncate(3, 1 << 30));
	printf("seal %d\n", fcntl(3, F_ADD_SEALS, F_SEAL_WRITE));
	fcntl(4, F_SETFL, 0);
	shutdown(4, SHUT_RDWR);
	close(4);
	close(3);
	printf("abused\n");
}

static void bad(const char *what, int n)
{
	if (!strcmp(what, "exit"))
		exit(n);
	else if (!strcmp(what, "abort"))
		abort();
	else if (!strcmp(what, "panic"))
		cw_bus_panic(&bus, 0x1234);
	else if (!strcmp(what, "hang"))
		printf("hangs %d\n", open_rng() || cw_rng_ask(&rng, 8));
	else if (!strcmp(what, "deaf")) { /* nothing is asked of it, and it would not answer */
		printf("deaf\n");
		fflush(stdout);
		for (;;)
			pause();
	} else if (!strcmp(what, "halted")) {
		if (!open_rng())
			cw_link_set_state(&bus.link, CW_STATE_HALTED, 0);
		cw_rng_ask(&rng, 8);
	} else if (!strcmp(what, "flood"))
		for (;;)
			machine->port->ring(machine->port->ctx);
	else if (!strcmp(what, "garbage"))
		garbage();
	else if (!strcmp(what, "fds"))
		abuse_fds();
	else if (!strcmp(what, "orphan") && !fork()) {
		setsid();
		signal(SIGTERM, SIG_IGN);
		printf("orphan %d\n", (int)getpid());
	}
	for (;;)
		pause();
}

static void print_bad(const char *what)
{
	if (!strcmp(what, "escapes")) {
		fputs("a\033[31mred\a\177\200\n%s%n%x\nno end: ", stdout);
		for (int i = 0; i < 3000; i++)
			putchar('x');
		puts("\nlast");
	}
	while (!strcmp(what, "spam"))
		puts("spam spam spam spam spam spam spam spam spam spam spam spam spam spam spam");
}

int main(int argc, char **argv, char **env)
{
	const char *what = argc > 1 ? argv[1] : "good";
	int n = argc > 2 ? atoi(argv[2]) : 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (!strcmp(what, "exit-now"))
		return n;
	if (!strcmp(what, "facts"))
		facts(env);
	begin();
	link_up();
	printf("up\n");
	print_bad(what);
	if (!strcmp(what, "good"))
		good();
	bad(what, n);
	return 0;
}
