// SPDX-License-Identifier: BSD-3-Clause
/*
 * A remote that tells how it is, by RPMsg: a sample every period, requests that are answered, a log
 * (docs/spec/status.md). apps/status-page shows it.
 *
 * Theory of operation: a sample is sent when its time has come and never waits: one that nobody takes, or
 * for which there is no buffer, is lost, and its number tells. Endpoints outlive the link, so nothing has to
 * be made anew when Linux comes back. A request is held until its turn: who asks faster than it takes the
 * answers stops itself.
 */
#include "status.h"

#include "app.h"
#include "commands.h"
#include "messages.h"
#include "shell.h"

#include <causeway/core/err.h>

#include <stdlib.h>
#include <string.h>

static struct {
	struct cw_rpmsg_endpoint *status, *control;
	uint32_t period_ms;
	uint64_t next; /* when the next sample is due */
	uint32_t links;
} self = { .period_ms = 1000 };

/* Requests that wait: no more than there are buffers. And the answer to the last one taken. */
static struct {
	struct cw_rpmsg_msg m[CW_RPMSG_QUEUE];
	unsigned int first, waiting;
	bool answering;
	uint32_t asker;
	struct cw_abi_control_answer answer;
} requests;

/* ---- samples ---- */

/* Returns 0, or why nobody has it; its number either way. */
static int send_sample(uint32_t *number)
{
	static uint8_t m[CW_SAMPLE_BYTES_MAX];
	struct cw_sample s;

	sampler_take(&s, self.period_ms);
	*number = s.sequence;
	return cw_rpmsg_send(self.status, m, (uint32_t)cw_sample_encode(&s, m, sizeof(m)), 0);
}

static bool status_poll(void)
{
	uint64_t t = app_now(), period = self.period_ms * 1000ull;
	uint32_t number;

	if (t < self.next)
		return false;
	self.next = self.next + period > t ? self.next + period : t + period;
	(void)send_sample(&number);
	return true;
}

static void set_period(uint32_t ms, const char *who)
{
	self.period_ms = ms;
	self.next = app_now();
	line("a sample every %lu ms, as %s asked", (unsigned long)ms, who);
}

/* ---- requests ---- */

static int ignored(struct cw_rpmsg_endpoint *e, const struct cw_rpmsg_msg *m)
{
	(void)e;
	(void)m;
	return 0;
}

/* Linux is back, or there at last: it need not wait for the rest of a period. */
static void listened(struct cw_rpmsg_endpoint *e, bool has)
{
	(void)e;
	if (has)
		self.next = app_now();
}

static int requested(struct cw_rpmsg_endpoint *e, const struct cw_rpmsg_msg *m)
{
	(void)e;
	if (requests.waiting == CW_RPMSG_QUEUE)
		return 0; /* cannot be: the buffers are ours, and so many */
	requests.m[(requests.first + requests.waiting++) % CW_RPMSG_QUEUE] = *m;
	return CW_RPMSG_HOLD;
}

/* Without its peer a channel has ended, and what was held is void. */
static void peer_changed(struct cw_rpmsg_endpoint *e, bool has)
{
	(void)e;
	if (has)
		return;
	requests.waiting = 0;
	requests.answering = false;
}

static void serve(const struct cw_control *c, struct cw_control_answer *a)
{
	uint32_t number;

	a->command = c->command;
	a->tag = c->tag;
	a->value = a->result == CW_CONTROL_VERSION ? CW_SAMPLE_VERSION : 0;
	if (a->result)
		return;
	if (c->command == CW_CONTROL_PERIOD) {
		set_period(c->value, "Linux");
		a->value = self.period_ms;
	} else {
		a->result = send_sample(&number) ? CW_CONTROL_AWAY : CW_CONTROL_DONE;
		a->value = number;
		line("sample %lu, as Linux asked", (unsigned long)number);
	}
}

static void take_request(void)
{
	const struct cw_rpmsg_msg m = requests.m[requests.first];
	uint8_t copy[sizeof(struct cw_abi_control)];
	struct cw_control_answer a;
	struct cw_control c;

	requests.first = (requests.first + 1) % CW_RPMSG_QUEUE;
	requests.waiting--;
	cw_rpmsg_copy(&m, 0, copy, m.len < sizeof(copy) ? m.len : sizeof(copy));
	cw_rpmsg_release(messages_channel(), &m);
	a.result = cw_control_decode(&c, copy, m.len);
	serve(&c, &a);
	cw_control_answer_encode(&a, &requests.answer);
	requests.asker = m.src;
	requests.answering = true;
}

static bool control_poll(void)
{
	if (!requests.answering && !requests.waiting)
		return false;
	if (!requests.answering)
		take_request();
	if (cw_rpmsg_sendto(self.control, requests.asker, &requests.answer, sizeof(requests.answer),
			    0) == CW_EAGAIN)
		return false; /* no room: the other side rings when there is */
	requests.answering = false;
	return true;
}

/* ---- the shell ---- */

static void show(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	shell_out("a sample every %lu ms, to %s\n", (unsigned long)self.period_ms,
		  self.status->dst == CW_RPMSG_ANY ? "nobody" : "Linux");
}

static void period(int argc, char **argv)
{
	char *end = NULL;
	unsigned long ms = argc == 1 ? strtoul(argv[0], &end, 10) : 0;

	if (!end || *end || ms < CW_PERIOD_MIN_MS || ms > CW_PERIOD_MAX_MS)
		shell_out("usage: status period MS; from %u to %u\n", CW_PERIOD_MIN_MS,
			  CW_PERIOD_MAX_MS);
	else
		set_period((uint32_t)ms, "the shell");
}

static void say_line(int argc, char **argv)
{
	char text[SHELL_LINE + 1] = "";

	for (int i = 0; i < argc; i++) {
		strcat(text, i ? " " : ""); /* no longer than the line they come from */
		strcat(text, argv[i]);
	}
	line("%s", text);
}

/* For tests of what becomes of a remote that does this. */
static void crash(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	__builtin_trap();
}

static const struct shell_command status_commands[] = {
	{ "status", "how often samples are sent, and to whom", show },
	{ "status period", "MS: milliseconds between samples", period },
	{ "log", "TEXT...: a line for the log", say_line },
	{ "kernel crash", "an instruction that no processor knows", crash },
	{ NULL, NULL, NULL },
};

static bool never(void)
{
	return false;
}

static void nothing(void)
{
}

/* ---- the loop ---- */

static void start(void)
{
	static const struct shell_command *const commands[] = { status_commands, message_commands,
								NULL };
	static const struct cw_rpmsg_endpoint_ops status_ops = { .receive = ignored,
								 .peer = listened };
	static const struct cw_rpmsg_endpoint_ops control_ops = { .receive = requested,
								  .peer = peer_changed };
	struct cw_rpmsg_spec spec = { .name = CW_SAMPLE_SERVICE,
				      .addr = CW_RPMSG_ANY,
				      .dst = CW_RPMSG_ANY,
				      .ops = &status_ops };

	/* None can fail: the table has room. */
	messages_init();
	(void)cw_rpmsg_create(messages_channel(), &spec, &self.status);
	spec.name = CW_CONTROL_SERVICE;
	spec.ops = &control_ops;
	(void)cw_rpmsg_create(messages_channel(), &spec, &self.control);
	(void)lines_start(messages_channel());
	shell_init(commands, never, nothing);
	app_use(APP_RPMSG);
	app_use(APP_CONSOLE);
	sampler_start();
	line("started on %s", app.machine->board);
}

int main(void)
{
	if (app_init())
		cw_machine_exit(1);
	app_wait_link();
	start();
	for (;;) {
		bool news;

		app_poll();
		sampler_spent(PART_DEVICES);
		news = messages_poll();
		news |= control_poll();
		news |= lines_poll();
		sampler_spent(PART_MESSAGES);
		news |= shell_poll();
		sampler_spent(PART_SHELL);
		if (self.links != app.links)
			line("link %lu is up", (unsigned long)(self.links = app.links));
		news |= status_poll();
		sampler_spent(PART_STATUS);
		app_idle(news, self.next);
		sampler_spent(PART_IDLE);
	}
}
