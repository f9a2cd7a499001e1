// SPDX-License-Identifier: BSD-3-Clause
#include <causeway/host/carrier.h>

#include <signal.h>
#include <string.h>
#include <sys/wait.h>

const struct cw_carrier_ops *cw_carrier_ops_of(const struct cw_board_remote *r)
{
	static const struct cw_carrier_ops *const kinds[] = {
		[CW_CARRIER_PROCESS] = &cw_carrier_process,
		[CW_CARRIER_ATTACH] = &cw_carrier_attach,
		[CW_CARRIER_QEMU] = &cw_carrier_qemu,
		[CW_CARRIER_REMOTEPROC] = &cw_carrier_remoteproc,
	};

	return kinds[r->carrier];
}

void cw_carrier_init(struct cw_carrier *c, const struct cw_board_remote *r,
		     const struct cw_memory *m, const struct cw_doorbell *d)
{
	memset(c, 0, sizeof(*c));
	c->ops = cw_carrier_ops_of(r);
	c->remote = r;
	c->memory = m;
	c->doorbell = d;
	c->uart = c->control = c->ram = c->server = -1;
	c->state = r->carrier == CW_CARRIER_ATTACH ? CW_REMOTE_DETACHED : CW_REMOTE_OFFLINE;
}

bool cw_carrier_child_ended(struct cw_carrier *c, pid_t pid, int status)
{
	if (!c->pid || pid != c->pid)
		return false;
	if (WIFSTOPPED(status) || WIFCONTINUED(status)) {
		c->frozen = WIFSTOPPED(status);
		return false;
	}
	kill(-c->pid, SIGKILL); /* whatever it started ends with it */
	c->pid = 0;
	c->status = status;
	c->frozen = false;
	c->state = c->asked || (WIFEXITED(status) && !WEXITSTATUS(status)) ? CW_REMOTE_OFFLINE
									   : CW_REMOTE_CRASHED;
	return true;
}

const char *cw_carrier_state_text(enum cw_carrier_state s)
{
	static const char *const text[] = { "offline", "running", "crashed", "attached",
					    "detached" };

	return s < sizeof(text) / sizeof(text[0]) ? text[s] : "unknown";
}
