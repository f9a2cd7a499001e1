// SPDX-License-Identifier: BSD-3-Clause
/*
 * Messages: the channel, its endpoints `ping` and `rpmsg-tty`, and the shell's commands for them.
 *
 * Theory of operation: app_poll() receives. A ping is answered at once, where there is a buffer for the
 * answer; otherwise, and for what is typed, the message is held until messages_poll(), which runs outside
 * of callbacks, where commands may wait. Held messages are the peer's buffers: who sends without taking
 * answers stops itself. Each of those who type has a line and an output of its own, found by address.
 */
#include "messages.h"

#include "app.h"
#include "commands.h"

#include <causeway/core/err.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TTYS	   4u /* who type at once */
#define BUDGET	   32u
#define TIMEOUT_US 1000000u
#define BENCH	   2048u /* bytes of its messages at most */

/* One who types on rpmsg-tty. */
struct tty {
	struct shell_user user;
	uint32_t addr; /* CW_RPMSG_ANY: unused */
	uint32_t last; /* when it was heard, in messages */
};

static struct cw_rpmsg channel;
static struct cw_rpmsg_endpoint endpoint[MESSAGES_ENDPOINTS];
static struct cw_rpmsg_service service[MESSAGES_SERVICES];
static struct cw_rpmsg_driver driver;
static struct cw_rpmsg_endpoint *ping, *tty;

static struct {
	struct cw_rpmsg_endpoint *e;
	struct cw_rpmsg_msg m;
} held[CW_RPMSG_QUEUE + 1u]; /* as many as there are buffers, and a long one */
static unsigned int first, waiting;
static bool long_waits;

static struct tty ttys[TTYS];
static uint32_t dropped, heard, counted;

/* A long message is assembled in the first, and held in the second. */
static uint8_t assembly[MESSAGES_LONGEST], held_long[MESSAGES_LONGEST];

/* ---- messages that wait ---- */

static int hold(struct cw_rpmsg_endpoint *e, const struct cw_rpmsg_msg *m)
{
	unsigned int at = (first + waiting) % (sizeof(held) / sizeof(held[0]));

	held[at].e = e;
	held[at].m = *m;
	waiting++;
	return CW_RPMSG_HOLD;
}

/* The assembly may begin anew before this one has been answered. There is one at a time: driver_poll(). */
static void hold_long(struct cw_rpmsg_endpoint *e, const struct cw_rpmsg_msg *m)
{
	struct cw_rpmsg_msg copy = *m;

	memcpy(held_long, m->data, m->len);
	copy.data = held_long;
	hold(e, &copy);
	long_waits = true;
}

/* ---- ping ---- */

static int echo(struct cw_rpmsg_endpoint *e, const struct cw_rpmsg_msg *m)
{
	static uint8_t text[MESSAGES_LONGEST];
	int err = CW_EBADLEN;

	if (m->len <= sizeof(text)) {
		cw_rpmsg_copy(m, 0, text, m->len);
		err = cw_rpmsg_sendto(e, m->src, text, m->len, 0);
	}
	dropped += err && err != CW_EAGAIN;
	return err;
}

static int ping_heard(struct cw_rpmsg_endpoint *e, const struct cw_rpmsg_msg *m)
{
	if (!waiting && echo(e, m) != CW_EAGAIN)
		return 0;
	if (m->data != assembly)
		return hold(e, m);
	hold_long(e, m);
	return 0;
}

/* ---- rpmsg-tty ---- */

static int tty_heard(struct cw_rpmsg_endpoint *e, const struct cw_rpmsg_msg *m)
{
	return hold(e, m);
}

static bool tty_write(struct shell_user *u, const char *s, size_t len, uint64_t timeout)
{
	const struct tty *t = (const struct tty *)(const void *)u;
	size_t most = cw_rpmsg_mtu(&channel);
	int err = most ? CW_OK : CW_EDOWN;

	for (size_t at = 0; !err && at < len; at += most) {
		uint32_t n = (uint32_t)(len - at < most ? len - at : most);

		err = cw_rpmsg_sendto(tty, t->addr, s + at, n, timeout);
	}
	return !err;
}

/* Who types here; a new one takes the place of whoever was silent for longest. */
static struct tty *tty_of(uint32_t addr)
{
	struct tty *t = &ttys[0];

	for (unsigned int i = 0; i < TTYS; i++)
		if (ttys[i].addr == addr)
			return &ttys[i];
	for (unsigned int i = 1; i < TTYS; i++)
		if (t->addr != CW_RPMSG_ANY &&
		    (ttys[i].addr == CW_RPMSG_ANY || heard - ttys[i].last > heard - t->last))
			t = &ttys[i];
	shell_gone(&t->user);
	memset(t, 0, sizeof(*t));
	t->user.write = tty_write;
	t->addr = addr;
	return t;
}

static void typed(const struct cw_rpmsg_msg *m)
{
	struct tty *t = tty_of(m->src);
	char in[64];
	uint32_t n;

	t->last = ++heard;
	for (uint32_t at = 0; (n = cw_rpmsg_copy(m, at, in, sizeof(in))); at += n) {
		shell_type(&t->user, in, n);
		if (!waiting)
			return; /* the channel ended meanwhile, and the message with it */
	}
}

/* ---- the channel ---- */

static void link_changed(void *ctx, bool up)
{
	(void)ctx;
	(void)up;
	waiting = 0;
	long_waits = false;
	for (unsigned int i = 0; i < TTYS; i++) {
		shell_gone(&ttys[i].user);
		ttys[i].addr = CW_RPMSG_ANY;
	}
}

/* The first that waits; false: there is no room for its answer yet. */
static bool answer(void)
{
	struct cw_rpmsg_msg m = held[first].m;

	if (held[first].e == tty)
		typed(&m);
	else if (echo(held[first].e, &m) == CW_EAGAIN)
		return false;
	cw_rpmsg_release(&channel, &m);
	long_waits &= m.data != held_long;
	if (waiting) {
		first = (first + 1) % (sizeof(held) / sizeof(held[0]));
		waiting--;
	}
	return true;
}

bool messages_poll(void)
{
	uint32_t before = counted;

	while (app_ready(APP_RPMSG) && waiting && answer())
		;
	for (unsigned int i = 0; i < TTYS; i++)
		if (ttys[i].addr != CW_RPMSG_ANY)
			shell_type(&ttys[i].user, NULL, 0);
	counted = channel.count.received + channel.count.sent;
	return counted != before;
}

static int driver_open(struct cw_transport *t)
{
	return cw_rpmsg_driver_open(&driver, &channel, t);
}

/* Nothing is received while a long message waits: there is memory for no other. */
static int driver_poll(void)
{
	int n = 1;

	for (unsigned int i = 0; n == 1 && i < BUDGET; i++)
		n = cw_rpmsg_driver_poll(&driver, long_waits ? 0 : 1);
	return n < 0 ? n : CW_OK;
}

static bool driver_arm(void)
{
	return long_waits ? cw_rpmsg_driver_arm_room(&driver) : cw_rpmsg_driver_arm(&driver);
}

static uint64_t driver_deadline(void)
{
	return cw_rpmsg_deadline(&channel);
}

static const struct app_messages messages = { driver_open, driver_poll, driver_arm,
					      driver_deadline };

void messages_init(void)
{
	static const struct cw_rpmsg_endpoint_ops ping_ops = { .receive = ping_heard };
	static const struct cw_rpmsg_endpoint_ops tty_ops = { .receive = tty_heard };
	static const struct cw_rpmsg_ops ops = { .link = link_changed };
	static const struct cw_rpmsg_config conf = {
		.endpoint = endpoint,
		.endpoints = MESSAGES_ENDPOINTS,
		.service = service,
		.services = MESSAGES_SERVICES,
		.ops = &ops,
		.credit = &cw_rpmsg_credit,
		.fragment = &cw_rpmsg_fragment,
		.repeats = CW_RPMSG_REPEATS,
	};
	struct cw_rpmsg_spec spec = {
		.name = "ping",
		.addr = CW_RPMSG_ANY,
		.dst = CW_RPMSG_ANY,
		.ops = &ping_ops,
		.assembly = assembly,
		.assembly_size = sizeof(assembly),
	};

	/* Neither can fail: the tables are ours and empty. */
	(void)cw_rpmsg_init(&channel, &conf);
	(void)cw_rpmsg_create(&channel, &spec, &ping);
	spec.name = "rpmsg-tty";
	spec.ops = &tty_ops;
	spec.assembly = NULL;
	(void)cw_rpmsg_create(&channel, &spec, &tty);
	link_changed(NULL, false);
	app.messages = &messages;
}

struct cw_rpmsg *messages_channel(void)
{
	return &channel;
}

/* ---- commands ---- */

static bool there(void)
{
	if (app.device[APP_RPMSG].index < 0)
		shell_out("there is no rpmsg device in the layout\n");
	else if (!app_ready(APP_RPMSG))
		shell_out("the rpmsg device is away\n");
	return app_ready(APP_RPMSG);
}

static struct cw_rpmsg_endpoint *named(const char *name)
{
	for (unsigned int i = 0; i < MESSAGES_ENDPOINTS; i++)
		if (endpoint[i].ops && !strcmp(endpoint[i].name, name))
			return &endpoint[i];
	shell_out("there is no endpoint %s; see msg ls\n", name);
	return NULL;
}

static void list_endpoints(void)
{
	for (unsigned int i = 0; i < MESSAGES_ENDPOINTS; i++) {
		const struct cw_rpmsg_endpoint *e = &endpoint[i];

		if (!e->ops)
			continue;
		shell_out("- %-15s at %lu", e->name[0] ? e->name : "(no name)",
			  (unsigned long)e->addr);
		if (e->dst == CW_RPMSG_ANY)
			shell_out(", no peer\n");
		else
			shell_out(", peer %lu\n", (unsigned long)e->dst);
	}
}

static void msg_ls(int argc, char **argv)
{
	const struct cw_rpmsg_counters *c = &channel.count;

	(void)argc;
	(void)argv;
	shell_out("endpoints, %s:\n", cw_rpmsg_is_up(&channel) ? "up" : "down");
	list_endpoints();
	shell_out("services of the other side:\n");
	for (unsigned int i = 0; i < MESSAGES_SERVICES; i++)
		if (service[i].addr != CW_RPMSG_ANY)
			shell_out("- %-15s at %lu\n", service[i].name,
				  (unsigned long)service[i].addr);
	shell_out("messages: %lu received, %lu sent, %lu dropped, %lu to nobody, %lu wrong, "
		  "%lu ends\n",
		  (unsigned long)c->received, (unsigned long)c->sent,
		  (unsigned long)(dropped + c->fragment), (unsigned long)c->unknown,
		  (unsigned long)(c->bad + c->ns_bad), (unsigned long)c->lost);
}

static void msg_send(int argc, char **argv)
{
	struct cw_rpmsg_endpoint *e;
	char text[SHELL_LINE + 1];
	size_t len = 0;
	int err;

	if (argc < 2) {
		shell_out("usage: msg send NAME TEXT...: to the peer of an endpoint\n");
		return;
	}
	e = there() ? named(argv[0]) : NULL;
	if (!e)
		return;
	for (int i = 1; i < argc; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s", i > 1 ? " " : "",
					argv[i]);
	err = cw_rpmsg_send(e, text, (uint32_t)len, TIMEOUT_US);
	if (err)
		shell_out("cannot send: %s\n", cw_strerror(err));
}

static bool number(const char *text, unsigned long most, unsigned long *value)
{
	char *end;

	*value = strtoul(text, &end, 0);
	return *text >= '0' && *text <= '9' && !*end && *value && *value <= most;
}

static void msg_bench(int argc, char **argv)
{
	static const uint8_t text[BENCH];
	unsigned long count = 10000, bytes = 64, done = 0;
	struct cw_rpmsg_endpoint *e;
	uint64_t begun;
	int err = 0;

	if (argc < 1 || argc > 3 || (argc > 1 && !number(argv[1], 1000000, &count)) ||
	    (argc > 2 && !number(argv[2], sizeof(text), &bytes))) {
		shell_out("usage: msg bench NAME [COUNT [BYTES]]: to the peer of an endpoint\n");
		return;
	}
	e = there() ? named(argv[0]) : NULL;
	if (!e)
		return;
	begun = app_now();
	while (!err && done < count) {
		err = cw_rpmsg_send(e, text, (uint32_t)bytes, TIMEOUT_US);
		done += !err;
		if (!(done % 64))
			app_alive();
	}
	begun = app_now() - begun;
	if (err)
		shell_out("ended after %lu messages: %s\n", done, cw_strerror(err));
	else
		shell_out("%lu messages of %lu bytes in %lu us, %lu a second\n", done, bytes,
			  (unsigned long)begun,
			  (unsigned long)(done * UINT64_C(1000000) / (begun ? begun : 1)));
}

const struct shell_command message_commands[] = {
	{ "msg", "as msg ls", msg_ls },
	{ "msg ls", "endpoints, services of the other side, counters", msg_ls },
	{ "msg send", "NAME TEXT...: send it to the peer of an endpoint", msg_send },
	{ "msg bench", "NAME [COUNT [BYTES]]: send so many, and say how fast", msg_bench },
	{ NULL, NULL, NULL },
};
