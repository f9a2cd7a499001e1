// SPDX-License-Identifier: BSD-3-Clause
/* Requests to a remote's service `control` (docs/spec/status.md section 2). */
#include "carrier.h"

#include <causeway/core/err.h>
#include <causeway/host/rpmsg_client.h>

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE_US 10000000u

static const char *reason(const struct cw_control_answer *a)
{
	static const char *const text[] = {
		[CW_CONTROL_VERSION] = "it knows another version of control messages",
		[CW_CONTROL_COMMAND] = "it does not know this command",
		[CW_CONTROL_LENGTH] = "it knows no request of this length",
		[CW_CONTROL_RANGE] = "the value is out of its range",
		[CW_CONTROL_AWAY] =
			"the sample could not be sent: nobody listens, or there is no room",
	};

	return a->result < sizeof(text) / sizeof(*text) ? text[a->result] : "for no reason known";
}

static uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
}

/* The answer with this tag: others may be late ones to somebody else. */
static int await(struct cw_rpmsg_client *c, uint32_t tag, struct cw_control_answer *a)
{
	uint64_t end = now_us() + PATIENCE_US, t;
	uint8_t m[64];
	int n;

	while ((t = now_us()) < end) {
		n = cw_rpmsg_client_recv(c, m, sizeof(m), end - t);
		if (n >= 0 && !cw_control_answer_decode(a, m, (uint32_t)n) && a->tag == tag)
			return CW_OK;
		if (n < 0 && n != CW_EBADLEN)
			return n;
	}
	return CW_ETIMEDOUT;
}

bool control_wish(const struct cw_rpmsg_client_config *at)
{
	const struct cw_control ask = { .command = CW_CONTROL_SAMPLE, .tag = (uint32_t)getpid() };
	struct cw_rpmsg_client_config conf = *at;
	struct cw_rpmsg_client *c;
	struct cw_abi_control m;
	int err;

	conf.service = CW_CONTROL_SERVICE;
	conf.wait_us = 0;
	if (cw_rpmsg_client_open(&c, &conf))
		return false;
	cw_control_encode(&ask, &m);
	err = cw_rpmsg_client_send(c, &m, sizeof(m), 0);
	cw_rpmsg_client_close(c); /* what was said arrives; the sample is the answer */
	return !err;
}

int control_ask(const struct cw_rpmsg_client_config *at, uint32_t period)
{
	const struct cw_control ask = { .command = period ? CW_CONTROL_PERIOD : CW_CONTROL_SAMPLE,
					.tag = (uint32_t)getpid(),
					.value = period };
	struct cw_rpmsg_client_config conf = *at;
	struct cw_control_answer a = { 0 };
	struct cw_rpmsg_client *c;
	struct cw_abi_control m;
	int err;

	conf.service = CW_CONTROL_SERVICE;
	conf.wait_us = PATIENCE_US;
	err = cw_rpmsg_client_open(&c, &conf);
	if (!err) {
		cw_control_encode(&ask, &m);
		err = cw_rpmsg_client_send(c, &m, sizeof(m), PATIENCE_US);
		err = err < 0 ? err : await(c, ask.tag, &a);
		cw_rpmsg_client_close(c);
	}
	if (err)
		fprintf(stderr, "causeway-status-page: the remote's control service: %s\n",
			cw_strerror(err));
	else if (a.result)
		fprintf(stderr, "causeway-status-page: the remote refused: %s\n", reason(&a));
	else if (period)
		printf("the period is %u ms\n", a.value);
	else
		printf("sample %u was sent\n", a.value);
	return err || a.result ? -1 : 0;
}
