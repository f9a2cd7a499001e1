/* SPDX-License-Identifier: BSD-3-Clause */
/* What all units have that leave their work to a thread beside, and collect it. */
#ifndef CAUSEWAY_HOST_UNIT_ASIDE_H
#define CAUSEWAY_HOST_UNIT_ASIDE_H

#include "aside.h"
#include "backend_priv.h"

struct unit_aside {
	struct cw_unit
		unit; /* first: a unit begins with this, so that the calls below can be its ops */
	struct aside aside;
	int wake; /* event descriptor: something is to be collected */
	/** collect - takes what is done; also while nobody is answered */
	void (*collect)(void *unit);
};

/* struct cw_unit_ops */
int unit_aside_begin(struct cw_unit *unit);
unsigned int unit_aside_fds(struct cw_unit *unit, struct pollfd *p);
void unit_aside_ready(struct cw_unit *unit, const struct pollfd *p, unsigned int n);
bool unit_aside_look(struct cw_unit *unit);
uint64_t unit_aside_deadline(struct cw_unit *unit);

#endif
