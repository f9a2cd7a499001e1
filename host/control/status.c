// SPDX-License-Identifier: BSD-3-Clause
/* The state of everything as JSON: what `status`, `top` and `console` show comes from here. */
#include "control.h"

#include <causeway/core/err.h>
#include <causeway/core/text.h>

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void number(cJSON *o, const char *key, uint64_t value)
{
	cJSON_AddNumberToObject(o, key, (double)value);
}

/* Whoever asks may be in another folder than we. */
static void path(cJSON *o, const char *key, const char *text)
{
	char full[PATH_MAX];

	if (*text != '/' && strchr(text, '/') && realpath(text, full))
		text = full;
	cJSON_AddStringToObject(o, key, text);
}

static const char *virtio_state(const struct cw_report_device *d)
{
	if (d->status & CW_STATUS_NEEDS_RESET)
		return "broken";
	if (d->status & CW_STATUS_FAILED)
		return "given up";
	if (d->status & CW_STATUS_DRIVER_OK)
		return "running";
	return d->status ? "setting up" : "idle";
}

static cJSON *ports(const struct keeper_remote *r, unsigned int i)
{
	const struct cw_board_device *d = &r->board->device[i];
	static const char *const kind[] = {
		[CW_BACKEND_GETRANDOM] = "getrandom",
		[CW_BACKEND_FILE] = "file",
		[CW_BACKEND_TAP] = "tap",
		[CW_BACKEND_DGRAM] = "datagram",
		[CW_BACKEND_PTY] = "pty",
		[CW_BACKEND_STDIO] = "stdio",
		[CW_BACKEND_STREAM] = "socket",
		[CW_BACKEND_LOG] = "log",
		[CW_BACKEND_DISK] = "disk",
		[CW_BACKEND_VSOCK] = "unix sockets",
		[CW_BACKEND_VHOST] = "vhost",
		[CW_BACKEND_SERVICES] = "services",
	};
	cJSON *a = cJSON_CreateArray();

	for (unsigned int p = 0; p < (d->id == CW_ID_CONSOLE ? d->ports : 1); p++) {
		enum cw_backend_kind b = d->id == CW_ID_CONSOLE ? d->port[p].backend : d->backend;
		cJSON *o = cJSON_CreateObject();

		cJSON_AddStringToObject(o, "kind", kind[b]);
		path(o, "at", r->fds[i].note[p]);
		if (d->id == CW_ID_CONSOLE && d->port[p].name)
			cJSON_AddStringToObject(o, "name", d->port[p].name);
		if (d->id == CW_ID_CONSOLE)
			cJSON_AddBoolToObject(o, "open", r->report->device[i].unit.open >> p & 1);
		if (b == CW_BACKEND_STREAM) /* of the others nobody knows */
			cJSON_AddBoolToObject(o, "joined",
					      r->report->device[i].unit.joined >> p & 1);
		cJSON_AddItemToArray(a, o);
	}
	return a;
}

/* By way of a worker, whom its remote may have taken over. */
static void clean_text(cJSON *o, const char *key, const char *raw)
{
	char text[CW_ASK_NAME];

	cw_text_clean(text, raw, sizeof(text) - 1);
	cJSON_AddStringToObject(o, key, text);
}

static cJSON *service(const struct keeper_remote *r, const struct cw_unit_service *s,
		      const char *file)
{
	char at[PUBLISH_PATH + PUBLISH_NAME];
	cJSON *o = cJSON_CreateObject();

	clean_text(o, "name", s->name);
	number(o, "address", s->addr);
	if (*file) {
		publish_folder(r, at);
		snprintf(at + strlen(at), PUBLISH_NAME + 1, "/%s", file);
		path(o, "socket", at);
	}
	number(o, "clients", s->clients);
	number(o, "to_linux", s->to_linux);
	number(o, "to_remote", s->to_remote);
	number(o, "dropped", s->dropped);
	return o;
}

static void channel(cJSON *device, const struct keeper_remote *r)
{
	const struct cw_unit_channel *c = &r->report->channel;
	cJSON *o = cJSON_AddObjectToObject(device, "channel");
	cJSON *list = cJSON_AddArrayToObject(device, "services");

	cJSON_AddBoolToObject(o, "up", c->up != 0);
	number(o, "bad", c->bad);
	number(o, "unknown", c->unknown);
	number(o, "ns_bad", c->ns_bad);
	number(o, "ns_full", c->ns_full);
	number(o, "fragment", c->fragment);
	number(o, "lost", c->lost);
	number(o, "errors", c->errors);
	for (unsigned int i = 0; c->up && i < CW_RPMSG_SERVICES; i++)
		if (c->service[i].addr != UINT32_MAX)
			cJSON_AddItemToArray(list, service(r, &c->service[i], r->publish.name[i]));
}

static cJSON *device(const struct keeper_remote *r, unsigned int i)
{
	const struct cw_report_device *d = &r->report->device[i];
	cJSON *o = cJSON_CreateObject();

	cJSON_AddStringToObject(o, "name", r->board->place[i].name);
	cJSON_AddStringToObject(o, "kind", cw_device_kind_text(r->board->device[i].id));
	cJSON_AddStringToObject(o, "state", virtio_state(d));
	number(o, "status", d->status);
	if (d->fault)
		cJSON_AddStringToObject(o, "fault", cw_strerror(d->fault));
	number(o, "rx_packets", d->unit.rx_packets);
	number(o, "rx_bytes", d->unit.rx_bytes);
	number(o, "tx_packets", d->unit.tx_packets);
	number(o, "tx_bytes", d->unit.tx_bytes);
	number(o, "dropped", d->unit.dropped);
	number(o, "errors", d->unit.errors);
	number(o, "strange", d->unit.strange);
	number(o, "resets", d->count.resets);
	number(o, "faults", d->count.faults);
	number(o, "refused", d->count.refused);
	number(o, "ignored", d->count.ignored);
	number(o, "kicks", d->count.kicks);
	cJSON_AddItemToObject(o, "backends", ports(r, i));
	if (r->board->device[i].id == CW_ID_RPMSG)
		channel(o, r);
	return o;
}

static void link_state(cJSON *o, const struct keeper_remote *r)
{
	const struct cw_report_remote *p = r->report;

	cJSON_AddStringToObject(o, "link",
				p->dead	  ? "memory gone"
				: p->lost ? "lost"
				: p->up	  ? "up"
					  : "down");
	if (p->refused)
		cJSON_AddStringToObject(o, "refused", cw_strerror(p->refused));
	number(o, "epoch", p->epoch);
	number(o, "peer_epoch", p->peer_epoch);
	number(o, "peer_state", p->state);
	number(o, "links_up", p->link.ups);
	number(o, "rings", p->link.rings);
	number(o, "rerings", p->link.rerings);
	number(o, "storms", p->storms);
}

static cJSON *remote(struct keeper_remote *r)
{
	cJSON *o = cJSON_CreateObject(), *devices;

	cJSON_AddStringToObject(o, "name", r->board->name);
	cJSON_AddStringToObject(o, "carrier", r->carrier.ops->name);
	cJSON_AddStringToObject(o, "state", cw_carrier_state_text(r->carrier.state));
	if (r->carrier.frozen)
		cJSON_AddBoolToObject(o, "frozen", true);
	number(o, "pid", (uint64_t)r->carrier.pid);
	if (r->board->firmware)
		path(o, "firmware", r->board->firmware);
	number(o, "starts", r->starts);
	number(o, "failures", r->failures);
	if (r->failures)
		cJSON_AddStringToObject(o, "failure", r->why);
	cJSON_AddBoolToObject(o, "retries", r->start_timer.at != 0);
	number(o, "crashes", r->crashes);
	number(o, "worker", r->board->worker);
	link_state(o, r);
	devices = cJSON_AddArrayToObject(o, "devices");
	for (unsigned int i = 0; i < r->board->layout.devices; i++)
		cJSON_AddItemToArray(devices, device(r, i));
	return o;
}

static cJSON *worker(const struct keeper_worker *w)
{
	const struct cw_report *p = w->config.report;
	cJSON *o = cJSON_CreateObject();

	number(o, "pid", (uint64_t)w->pid);
	number(o, "starts", w->starts);
	cJSON_AddBoolToObject(o, "ready", p->ready != 0);
	number(o, "passes", p->passes);
	number(o, "sleeps", p->sleeps);
	number(o, "spins", p->spins);
	number(o, "spins_hit", p->spins_hit);
	number(o, "spin_us", p->spin_budget);
	return o;
}

cJSON *control_status(struct keeper *k)
{
	cJSON *o = cJSON_CreateObject(), *list;

	cJSON_AddBoolToObject(o, "ok", true);
	cJSON_AddStringToObject(o, "board", k->name);
	if (k->board->file)
		cJSON_AddStringToObject(o, "file", k->board->file);
	number(o, "pid", (uint64_t)getpid());
	number(o, "uptime_us", cw_loop_now() - k->began);
	list = cJSON_AddArrayToObject(o, "workers");
	for (unsigned int i = 0; i < k->board->workers; i++)
		cJSON_AddItemToArray(list, worker(&k->worker[i]));
	list = cJSON_AddArrayToObject(o, "remotes");
	for (unsigned int i = 0; i < k->board->remotes; i++)
		cJSON_AddItemToArray(list, remote(&k->remote[i]));
	return o;
}
