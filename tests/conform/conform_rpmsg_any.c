// SPDX-License-Identifier: BSD-3-Clause
/*
 * Anything in any order, against a model: services come and go, programs too, keepers and remotes are slow or
 * do not want to, channels end. What a program has said arrives once and in order as long as its service is
 * there, what comes back is its own, and in the end there is a socket for each service and for nothing else.
 */
#include "rpmsg_bed.h"

#define PROGRAMS 12u
#define NAMES	 10u
#define RUNS	 60u
#define STEPS	 2000u

struct note { /* a message begins with it */
	uint32_t program, life, seq, len;
};

static struct {
	int fd;		 /* -1: it does not run */
	unsigned int of; /* which box */
	uint32_t life, said, arrived;
} program[PROGRAMS];

static bool open_[NAMES], longer;
static unsigned int total;
static uint64_t seed;

static uint32_t dice(uint32_t n)
{
	seed = seed * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(seed >> 33) % n;
}

/* At the remote: it sends back what it got, when it can. */
static void arrives(struct box *b)
{
	struct note n;

	assert_true(b->len >= sizeof(n));
	memcpy(&n, b->data, sizeof(n));
	assert_in_range(n.program, 0, PROGRAMS - 1);
	assert_int_equal(n.len, b->len);
	if (n.life != program[n.program].life)
		return; /* of one that has left since */
	assert_ptr_equal(b, &remote.box[program[n.program].of]);
	assert_int_equal(n.seq, program[n.program].arrived);
	program[n.program].arrived++;
	total++;
	for (uint32_t i = sizeof(n); i < b->len; i++)
		assert_int_equal(b->data[i], (uint8_t)(n.seq + i));
	(void)cw_rpmsg_sendto(b->e, b->src, b->data, b->len < 400 ? b->len : 400, 0);
}

static void forget(unsigned int i)
{
	if (program[i].fd >= 0)
		close(program[i].fd);
	program[i].fd = -1;
}

static void forget_all_of(unsigned int box)
{
	for (unsigned int i = 0; i < PROGRAMS; i++)
		if (program[i].of == box)
			forget(i);
}

static void toggle_service(unsigned int i)
{
	char name[8];

	if (open_[i] && dice(6))
		return;
	if (open_[i]) {
		closes(&remote.box[i]);
		forget_all_of(i);
	} else {
		snprintf(name, sizeof(name), "s%u", i);
		opens(i, name);
	}
	open_[i] = !open_[i];
}

static void begin_program(unsigned int i)
{
	unsigned int of = dice(NAMES);
	struct sockaddr_un a;
	char name[8];

	snprintf(name, sizeof(name), "s%u", of);
	if (program[i].fd >= 0 || !open_[of] || access(name, F_OK))
		return;
	a = at(name);
	program[i].fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0);
	/* A former service's file may still be there. */
	if (connect(program[i].fd, (const struct sockaddr *)&a, sizeof(a))) {
		forget(i);
		return;
	}
	program[i].of = of;
	program[i].said = program[i].arrived = 0;
	program[i].life++;
}

static void say(unsigned int i)
{
	static uint8_t bytes[8192];
	uint32_t len = sizeof(struct note) + dice(longer && !dice(4) ? 8000 : 480);
	struct note n = { i, program[i].life, program[i].said, len };

	memcpy(bytes, &n, sizeof(n));
	for (uint32_t k = sizeof(n); k < len; k++)
		bytes[k] = (uint8_t)(n.seq + k);
	if (!dice(20))
		send(program[i].fd, bytes, 0, MSG_NOSIGNAL); /* goes nowhere */
	if (!longer && !dice(20))
		send(program[i].fd, bytes, MTU + 1, MSG_NOSIGNAL);
	if (send(program[i].fd, bytes, len, MSG_NOSIGNAL) == (ssize_t)len)
		program[i].said++;
}

static void hear(unsigned int i)
{
	uint8_t bytes[512];
	struct note n;
	ssize_t got;

	while ((got = recv(program[i].fd, bytes, sizeof(bytes), 0)) > 0) {
		assert_true(got >= (ssize_t)sizeof(n));
		memcpy(&n, bytes, sizeof(n));
		assert_int_equal(n.program, i);
		assert_int_equal(n.life, program[i].life);
		assert_true(n.seq < program[i].said);
	}
	assert_true(got < 0 && errno == EAGAIN); /* its service is there */
}

static void begin_again(void)
{
	for (unsigned int i = 0; i < PROGRAMS; i++)
		forget(i);
	assert_int_equal(cw_device_set_status(bed.unit->dev, 0), CW_RESULT_OK);
	if (dice(2))
		all();
	link_up(CW_RPMSG_F_NS | CW_RPMSG_F_BUFSZ | (longer ? CW_RPMSG_F_FRAGMENT : 0), BUFFERS);
}

static void step(void)
{
	unsigned int i = dice(PROGRAMS);

	switch (dice(24)) {
	case 0:
		toggle_service(dice(NAMES));
		break;
	case 1:
		keeper.deaf = !dice(6);
		keeper.busy = dice(2);
		keeper.mute = !dice(6);
		keeper.unwilling = !dice(6);
		break;
	case 2:
		pass(dice(400000));
		break;
	case 3:
		remote.asleep = !remote.asleep;
		break;
	case 4:
		if (!dice(40))
			begin_again();
		break;
	case 5:
		if (program[i].fd >= 0 && !dice(4)) {
			forget(i);
		}
		break;
	case 6:
	case 7:
	case 8:
		begin_program(i);
		break;
	case 9:
	case 10:
		all();
		break;
	case 11:
	case 12:
		if (program[i].fd >= 0)
			hear(i);
		break;
	default:
		if (program[i].fd >= 0)
			say(i);
		break;
	}
}

static void comes_out_right(void)
{
	unsigned int services = 0;

	keeper.deaf = keeper.busy = keeper.mute = keeper.unwilling = remote.asleep = false;
	for (unsigned int i = 0; i < 4; i++)
		pass(7000000);
	for (unsigned int i = 0; i < NAMES; i++)
		services += open_[i];
	assert_int_equal(published(), services);
	for (unsigned int i = 0; i < PROGRAMS; i++) {
		if (program[i].fd < 0)
			continue;
		hear(i);
		assert_int_equal(program[i].arrived, program[i].said);
		forget(i);
	}
	all();
	for (unsigned int i = 0; i < CW_RPMSG_SERVICES; i++)
		if (status()->service[i].addr != UINT32_MAX)
			assert_int_equal(status()->service[i].clients, 0);
	assert_int_equal(remote.ch.count.fragment, 0);
	assert_false(bed.unit->dev->status & CW_STATUS_NEEDS_RESET);
	comes_to_rest();
}

static void anything_in_any_order(void **state)
{
	for (unsigned int run = 0; run < RUNS; run++) {
		seed = run;
		longer = run & 1;
		if (longer)
			up_long();
		else
			up();
		remote.heard = arrives;
		memset(open_, 0, sizeof(open_));
		for (unsigned int i = 0; i < PROGRAMS; i++)
			program[i].fd = -1;
		for (unsigned int i = 0; i < STEPS; i++)
			step();
		comes_out_right();
		if (run < RUNS - 1)
			end(state);
	}
	assert_true(total > RUNS * 200);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(anything_in_any_order, end),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
