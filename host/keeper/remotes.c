// SPDX-License-Identifier: BSD-3-Clause
/*
 * Remotes: what each needs, its life, and what is done when it fails.
 *
 * Theory of operation: memory, doorbell and backends are opened once and stay, whoever comes and
 * goes; the link sorts out lives, so nothing is zeroed between two of them. A remote that crashed,
 * panicked or no longer answers is started again as its board file says: at once the first time,
 * later ever more slowly while it does not live for a second.
 */
#include "keeper.h"

#include <causeway/core/err.h>

#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__aarch64__)
#define THIS_MACHINE EM_AARCH64
#else
#define THIS_MACHINE EM_X86_64
#endif

#define KILL_US	       1000000u /* between asking a remote to end and ending it */
#define AT_ONCE_US     1000000u /* who ends sooner died at once */
#define FIRST_US       5000000u /* the same of a first start, on a machine that may be slow */
#define BACKOFF_MIN_US 20000u
#define BACKOFF_MAX_US 5000000u

static void not_up(struct cw_timer *t);
static void on_probe(struct cw_timer *t);

static int write_fragment(struct keeper_remote *r)
{
	const struct cw_layout *l = &r->board->layout;
	char *buf = l->dtb ? calloc(1, l->dtb) : NULL;
	int n = 0;

	if (buf)
		n = cw_dtb_write(l, r->board->name, buf, l->dtb);
	if (n > 0 && cw_memory_write(&r->memory, buf, (uint32_t)n))
		n = -1;
	free(buf);
	if (l->dtb && n <= 0) {
		keeper_complain(r->keeper,
				"remote %s: its device-tree fragment does not fit into %u bytes",
				r->board->name, l->dtb);
		return -1;
	}
	return 0;
}

int remote_open(struct keeper *k, unsigned int i)
{
	struct keeper_remote *r = &k->remote[i];

	r->keeper = k;
	r->board = &k->board->remote[i];
	r->uart_event.fd = r->control_event.fd = r->publish.dir = -1;
	if (cw_memory_open(&r->memory, r->board, stderr) ||
	    cw_doorbell_open(&r->doorbell, r->board, stderr) || write_fragment(r))
		return -1;
	cw_carrier_init(&r->carrier, r->board, &r->memory, &r->doorbell);
	if (r->board->probe_ms)
		cw_loop_after(&k->loop, &r->probe_timer, r->board->probe_ms * 1000ull, on_probe);
	for (; r->opened < r->board->layout.devices; r->opened++)
		if (cw_backend_open(k->board, r->board, &r->board->device[r->opened],
				    &r->fds[r->opened], stderr))
			return -1;
	return publish_open(r);
}

/* The descriptor is the carrier's, which closes it before it opens another. */
static void control_end(struct keeper_remote *r)
{
	cw_loop_remove(&r->keeper->loop, &r->control_event);
}

void remote_close(struct keeper_remote *r)
{
	if (!r->keeper)
		return;
	if (r->carrier.pid) {
		kill(-r->carrier.pid, SIGKILL);
		waitpid(r->carrier.pid, NULL, 0);
	}
	publish_close(r);
	uart_end(r);
	traces_end(r);
	control_end(r);
	uart_free(&r->uart);
	if (r->carrier.ops && r->carrier.ops->close)
		r->carrier.ops->close(&r->carrier);
	while (r->opened)
		r->opened--, cw_backend_close(&r->board->device[r->opened], &r->fds[r->opened]);
	cw_doorbell_close(&r->doorbell);
	cw_memory_close(&r->memory);
}

struct keeper_remote *remote_find(struct keeper *k, const char *name)
{
	for (unsigned int i = 0; i < k->board->remotes; i++)
		if (!strcmp(k->remote[i].board->name, name))
			return &k->remote[i];
	return NULL;
}

/* To its worker; also known to those that come after that one. */
static void order(struct keeper_remote *r, enum cw_order_kind kind)
{
	struct keeper_worker *w = &r->keeper->worker[r->board->worker];
	unsigned int in_worker = 0;

	for (struct keeper_remote *o = r->keeper->remote; o < r; o++)
		in_worker += o->board->worker == r->board->worker;
	if (kind != CW_ORDER_PROBE)
		w->config.remote[in_worker].detached = r->left = kind == CW_ORDER_DETACH;
	worker_order(w, kind, in_worker);
}

/* It has ended and does not come back at once: whoever talks to it is to know. */
static void leave(struct keeper_remote *r)
{
	if (!r->left)
		order(r, CW_ORDER_DETACH);
}

/* Its worker asks for a sign of life; without one in lost-ms, it reports the remote as lost. */
void remote_probe(struct keeper_remote *r)
{
	if (r->report->up && !r->carrier.frozen)
		order(r, CW_ORDER_PROBE);
}

static void on_probe(struct cw_timer *t)
{
	struct keeper_remote *r = cw_container_of(t, struct keeper_remote, probe_timer);

	remote_probe(r);
	cw_loop_after(&r->keeper->loop, t, r->board->probe_ms * 1000ull, on_probe);
}

static void on_control(struct cw_event *e, uint32_t events)
{
	struct keeper_remote *r = cw_container_of(e, struct keeper_remote, control_event);

	(void)events;
	if (r->carrier.ops->heard(&r->carrier, stderr))
		control_end(r);
}

/* One line, of which the beginning says who speaks. */
static void note_failure(struct keeper_remote *r, const char *line)
{
	static const char us[] = "causeway: ";

	if (!strncmp(line, us, sizeof(us) - 1))
		line += sizeof(us) - 1;
	r->failures++;
	snprintf(r->why, sizeof(r->why), "%.*s", (int)strcspn(line, "\n"), line);
}

/* What its carrier says of a mistake goes to standard error, and to who asks for it later. */
static int carrier_start(struct keeper_remote *r)
{
	char *text = NULL;
	size_t size;
	FILE *said = open_memstream(&text, &size), *err = said ? said : stderr;
	int failed = r->carrier.ops->check(r->board, err) ||
		     r->carrier.ops->start(&r->carrier, err);

	if (said)
		fclose(said);
	if (text)
		fputs(text, stderr);
	if (failed)
		note_failure(r, text ? text : "no memory");
	free(text);
	return failed ? -1 : 0;
}

int remote_start(struct keeper_remote *r)
{
	if (r->carrier.state == CW_REMOTE_RUNNING || r->carrier.state == CW_REMOTE_ATTACHED)
		return 0;
	cw_loop_cancel(&r->keeper->loop, &r->start_timer);
	r->started = cw_loop_now();
	r->gave_up = r->recover = r->restart = false;
	if (carrier_start(r)) {
		leave(r);
		return -1;
	}
	r->starts++;
	if (r->left)
		order(r, CW_ORDER_ATTACH);
	uart_begin(r);
	traces_begin(r);
	if (r->carrier.pid)
		cw_loop_after(&r->keeper->loop, &r->boot_timer, r->board->boot_ms * 1000ull,
			      not_up);
	if (r->carrier.control >= 0)
		cw_loop_add(&r->keeper->loop, &r->control_event, r->carrier.control, EPOLLIN,
			    on_control);
	return 0;
}

int remote_detach(struct keeper_remote *r)
{
	if (r->carrier.state == CW_REMOTE_DETACHED)
		return 0;
	if (!r->carrier.ops->detach) {
		keeper_complain(r->keeper,
				"remote %s: a %s cannot go on without us; causeway stop %s ends it",
				r->board->name, r->carrier.ops->name, r->board->name);
		return -1;
	}
	if (r->carrier.ops->detach(&r->carrier, stderr))
		return -1;
	cw_loop_cancel(&r->keeper->loop, &r->start_timer);
	if (r->carrier.state == CW_REMOTE_DETACHED)
		leave(r);
	return 0;
}

static void kill_now(struct cw_timer *t)
{
	struct keeper_remote *r = cw_container_of(t, struct keeper_remote, kill_timer);

	r->carrier.ops->stop(&r->carrier, true);
}

void remote_stop(struct keeper_remote *r)
{
	cw_loop_cancel(&r->keeper->loop, &r->start_timer);
	r->restart = false;
	r->carrier.ops->stop(&r->carrier, false);
	if (r->carrier.pid) {
		cw_loop_after(&r->keeper->loop, &r->kill_timer, KILL_US, kill_now);
		return;
	}
	leave(r);
	if (r->carrier.state == CW_REMOTE_CRASHED)
		r->carrier.state = CW_REMOTE_OFFLINE;
}

void remote_restart(struct keeper_remote *r)
{
	remote_stop(r);
	r->in_window = 0;
	r->backoff = 0;
	if (r->carrier.pid)
		r->restart = true;
	else
		remote_start(r);
}

static void recover(struct keeper_remote *r);

static void start_again(struct cw_timer *t)
{
	struct keeper_remote *r = cw_container_of(t, struct keeper_remote, start_timer);

	if (!r->keeper->stopping && remote_start(r))
		recover(r); /* its firmware may be on its way */
}

static bool may_recover(struct keeper_remote *r)
{
	uint64_t now = cw_loop_now(), window = r->board->recovery_seconds * 1000000ull;

	if (r->board->recovery == CW_RECOVER_NEVER || r->board->carrier == CW_CARRIER_ATTACH ||
	    r->carrier.stuck)
		return false;
	if (r->board->recovery == CW_RECOVER_ALWAYS)
		return true;
	if (!r->in_window || now - r->window_began > window) {
		r->window_began = now;
		r->in_window = 0;
	}
	return r->in_window < r->board->recovery_limit;
}

static void give_up(struct keeper_remote *r)
{
	if (r->board->recovery == CW_RECOVER_LIMIT && !r->gave_up)
		keeper_complain(r->keeper,
				"remote %s: failed %u times within %u s: left as it is "
				"(causeway restart %s)",
				r->board->name, r->in_window + 1, r->board->recovery_seconds,
				r->board->name);
	r->gave_up = true;
}

/* It runs but serves nobody: end it, so that it is recovered like one that crashed. */
static void end_failed(struct keeper_remote *r)
{
	if (r->recover || !r->carrier.pid)
		return;
	if (!may_recover(r)) {
		give_up(r);
		return;
	}
	r->recover = true;
	r->carrier.ops->stop(&r->carrier, true);
	r->carrier.asked = false;
}

/* Started, and still no link: what should become of it is as for one that crashed. */
static void not_up(struct cw_timer *t)
{
	struct keeper_remote *r = cw_container_of(t, struct keeper_remote, boot_timer);
	struct keeper *k = r->keeper;

	if (!r->carrier.pid || r->carrier.asked)
		return;
	if (r->carrier.frozen) { /* a debugger has it: it is given its time anew */
		cw_loop_after(&k->loop, t, r->board->boot_ms * 1000ull, not_up);
		return;
	}
	keeper_complain(k, "remote %s: did not come up within %u ms", r->board->name,
			r->board->boot_ms);
	uart_tail(r);
	if (k->board->remotes == 1 && r->starts == 1)
		keeper_stop(k, 1);
	else
		end_failed(r);
}

static void recover(struct keeper_remote *r)
{
	if (!may_recover(r)) {
		give_up(r);
		leave(r);
		return;
	}
	r->in_window++;
	if (cw_loop_now() - r->started > AT_ONCE_US)
		r->backoff = 0;
	if (r->backoff)
		leave(r);
	cw_loop_after(&r->keeper->loop, &r->start_timer, r->backoff, start_again);
	r->backoff = !r->backoff ? BACKOFF_MIN_US : r->backoff * 2;
	if (r->backoff > BACKOFF_MAX_US)
		r->backoff = BACKOFF_MAX_US;
}

static void how_it_ended(const struct keeper_remote *r, char *text, size_t size)
{
	int s = r->carrier.status;

	if (r->carrier.ops->how)
		snprintf(text, size, "%s", r->carrier.ops->how(&r->carrier));
	else if (WIFSIGNALED(s))
		snprintf(text, size, "killed by signal %d (%s)", WTERMSIG(s),
			 strsignal(WTERMSIG(s)));
	else
		snprintf(text, size, "exit status %d", WEXITSTATUS(s));
}

/*
 * The only remote, on its first start, before it ever said a word to us: a mistake of the user. One
 * that ended in order and printed something has done what it wanted, however short that was: its
 * worker may not even have seen the link come and go.
 */
static bool died_at_once(const struct keeper_remote *r)
{
	if ((r->carrier.state != CW_REMOTE_CRASHED && r->uart.total) || r->carrier.earlier)
		return false;
	return r->keeper->board->remotes == 1 && r->starts == 1 && !r->was_up && !r->recover &&
	       cw_loop_now() - r->started < FIRST_US;
}

/* Whatever goes wrong here is said and left: the remote comes first. */
static void write_core(struct keeper_remote *r)
{
	const struct cw_board_remote *b = r->board;
	struct cw_core_range range[2] = { { b->layout.base, b->layout.size, r->memory.fd,
					    r->memory.offset } };
	struct cw_core c = { .directory = b->core_directory,
			     .remote = b->name,
			     .limit = b->core_limit,
			     .machine = b->machine ? b->machine->elf_machine : THIS_MACHINE,
			     .is64 = !b->machine || b->machine->elf64,
			     .range = range,
			     .ranges = 1 };
	char path[512];

	if (!b->core_directory || !r->memory.ops->kernel_may_touch)
		return;
	if (r->carrier.ops->core)
		c.ranges = r->carrier.ops->core(&r->carrier, range);
	if (!cw_core_write(&c, path, stderr))
		keeper_say(r->keeper, "remote %s: its memory is in %s", b->name, path);
}

static void after_end(struct keeper_remote *r)
{
	struct keeper *k = r->keeper;
	bool crashed = r->carrier.state == CW_REMOTE_CRASHED;
	char how[80];

	how_it_ended(r, how, sizeof(how));
	r->crashes += crashed;
	if (crashed) {
		note_failure(r, how);
		write_core(r);
	}
	if (died_at_once(r) && !r->carrier.asked) {
		keeper_complain(k, "remote %s: firmware %s ended at once: %s", r->board->name,
				r->board->firmware ? r->board->firmware : "(as it is set)", how);
		keeper_stop(k, 1);
	} else if (r->restart) {
		remote_start(r);
	} else if (crashed) {
		keeper_complain(k, "remote %s: crashed: %s", r->board->name, how);
		recover(r);
		if (!k->board->file && r->gave_up)
			keeper_stop(k, 1); /* quick form: nothing else is left to do */
	} else if (r->carrier.state == CW_REMOTE_DETACHED) {
		leave(r);
		keeper_say(k, "remote %s: detached", r->board->name);
	} else {
		leave(r);
		keeper_say(k, "remote %s: ended%s%s", r->board->name,
			   r->carrier.ops->how ? ": " : "", r->carrier.ops->how ? how : "");
		if (!k->board->file && !r->carrier.asked)
			keeper_stop(k, 0);
	}
}

bool remote_ended(struct keeper *k, pid_t pid, int status)
{
	for (unsigned int i = 0; i < k->board->remotes; i++) {
		struct keeper_remote *r = &k->remote[i];

		if (!r->carrier.pid || r->carrier.pid != pid)
			continue;
		if (!r->carrier.ops->ended(&r->carrier, pid, status))
			return true;
		cw_loop_cancel(&k->loop, &r->kill_timer);
		cw_loop_cancel(&k->loop, &r->boot_timer);
		remote_look(r);
		uart_end(r);
		traces_end(r);
		control_end(r);
		if (!k->stopping)
			after_end(r);
		return true;
	}
	return false;
}

static void failed(struct keeper_remote *r, const char *why)
{
	bool halted = r->carrier.frozen || r->report->state == CW_STATE_HALTED;

	keeper_complain(r->keeper, "remote %s: %s%s", r->board->name, why,
			halted ? "; it is halted, so it is left alone" : "");
	if (!halted)
		end_failed(r);
}

static void look_link(struct keeper_remote *r)
{
	const struct cw_report_remote *p = r->report;

	if (p->up != r->was_up)
		keeper_say(r->keeper, "remote %s: link %s", r->board->name, p->up ? "up" : "down");
	if (p->up)
		cw_loop_cancel(&r->keeper->loop, &r->boot_timer);
	r->was_up = p->up;
	if (p->refused != r->was_refused && p->refused)
		keeper_complain(r->keeper, "remote %s: no link: %s", r->board->name,
				cw_strerror(p->refused));
	r->was_refused = p->refused;
}

/* The worker has news of this remote. */
void remote_look(struct keeper_remote *r)
{
	const struct cw_report_remote *p = r->report;
	char why[40];

	look_link(r);
	if (p->dead && !r->was_dead)
		keeper_complain(r->keeper, "remote %s: its memory is gone: its devices are stopped",
				r->board->name);
	r->was_dead = p->dead;
	if (p->lost && !r->was_lost)
		failed(r, "does not answer");
	r->was_lost = p->lost;
	if (p->state == CW_STATE_PANIC && r->panicked != p->life) {
		r->panicked = p->life;
		snprintf(why, sizeof(why), "panicked with code 0x%x", p->panic_code);
		failed(r, why);
	}
}
