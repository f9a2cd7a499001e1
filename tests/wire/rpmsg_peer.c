// SPDX-License-Identifier: BSD-3-Clause
/*
 * One side of RPMsg on a resource table, for a test that is the other: `rpmsg_peer host|remote FD BELL SIZE`.
 * FD is the shared memory, BELL a datagram socket on which a kick is one byte, its notifyid. Its endpoint
 * "echo" sends back what comes; what happens is printed.
 */
#include <causeway/core/err.h>
#include <causeway/core/rpmsg_classic.h>

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>

#define BASE 0x38000000u
#define NUM  64u

static struct cw_rpmsg_classic classic;
static struct cw_rpmsg ch;
static struct cw_rpmsg_endpoint ept[4], *echo;
static struct cw_rpmsg_service svc[4];
static struct cw_drvq_slot slot[2][NUM];
static uint16_t own[2][NUM];
static struct cw_rpmsg_slot rx[NUM], tx[NUM];
static uint8_t assembly[8192];
static int bell;

static void kick(void *ctx, uint32_t id)
{
	uint8_t byte = (uint8_t)id;

	(void)ctx;
	(void)!send(bell, &byte, 1, MSG_DONTWAIT);
}

static uint64_t now(void *ctx)
{
	struct timespec t;

	(void)ctx;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
}

static const struct cw_rpmsg_classic_ops ops = { kick, now, NULL };

static int receive(struct cw_rpmsg_endpoint *e, const struct cw_rpmsg_msg *m)
{
	static uint8_t text[8192];
	uint32_t len = cw_rpmsg_copy(m, 0, text, sizeof(text));
	int err = cw_rpmsg_sendto(e, m->src, text, len, 0);

	if (err)
		printf("lost: %s\n", cw_strerror(err));
	return 0;
}

static void link_changed(void *ctx, bool up)
{
	(void)ctx;
	printf(up ? "up\n" : "down\n");
}

static void service(void *ctx, const char *name, uint32_t addr, bool there)
{
	(void)ctx;
	printf("%s %s %u\n", there ? "service" : "end", name, (unsigned int)addr);
}

static const struct cw_rpmsg_endpoint_ops echo_ops = { .receive = receive };
static const struct cw_rpmsg_ops channel_ops = { link_changed, service };

static void drain(void)
{
	struct pollfd p = { .fd = bell, .events = POLLIN };
	uint8_t byte;

	fflush(stdout);
	if (poll(&p, 1, 1) == 1 && recv(bell, &byte, 1, 0) <= 0)
		exit(0); /* the test has ended */
}

int main(int argc, char **argv)
{
	const struct cw_rpmsg_config conf = { .endpoint = ept,
					      .endpoints = 4,
					      .service = svc,
					      .services = 4,
					      .ops = &channel_ops,
					      .credit = &cw_rpmsg_credit,
					      .fragment = &cw_rpmsg_fragment };
	const struct cw_rpmsg_spec spec = { .name = "echo",
					    .addr = CW_RPMSG_ANY,
					    .dst = CW_RPMSG_ANY,
					    .ops = &echo_ops,
					    .window = 8,
					    .assembly = assembly,
					    .assembly_size = sizeof(assembly) };
	const struct cw_rpmsg_classic_memory memory = {
		NUM, { slot[0], slot[1] }, { own[0], own[1] }, rx, tx
	};
	struct cw_window w = { .base = BASE };
	uint32_t seen = 0;

	if (argc != 5)
		return 2;
	bell = atoi(argv[3]);
	w.size = (uint32_t)strtoul(argv[4], NULL, 0);
	w.va_ = mmap(NULL, w.size, PROT_READ | PROT_WRITE, MAP_SHARED, atoi(argv[2]), 0);
	if (w.va_ == MAP_FAILED || cw_rpmsg_init(&ch, &conf) ||
	    cw_rpmsg_create(&ch, &spec, &echo) ||
	    cw_rpmsg_classic_init(&classic, &ch, &w, BASE, 128, &memory, &ops, NULL))
		return 1;
	if (!strcmp(argv[1], "host") && cw_rpmsg_classic_host(&classic, BASE + 0x8000, 0x10000))
		return 1;
	for (;;) {
		int got = cw_rpmsg_classic_poll(&classic, 8);

		if (got < 0 && got != CW_EDOWN)
			printf("%s\n", cw_strerror(got));
		if (classic.refused > seen)
			printf("refused\n");
		seen = classic.refused;
		if (got <= 0)
			drain();
	}
}
