/* SPDX-License-Identifier: BSD-3-Clause */
/* The machine protocol (QMP): what the carrier tells QEMU, and what QEMU says by itself. */
#ifndef CAUSEWAY_HOST_QEMU_TALK_H
#define CAUSEWAY_HOST_QEMU_TALK_H

#include <stdbool.h>
#include <stdio.h>

struct cw_qemu_talk;

/**
 * cw_qemu_talk_begin - everything that QEMU is told, so that the machine runs
 * @theirs: set to the socket that QEMU gets as its monitor
 * @power: commands before it may run, NULL-terminated
 *
 * Returns NULL with errno set.
 */
struct cw_qemu_talk *cw_qemu_talk_begin(int *theirs, const char *const *power);

/** cw_qemu_talk_fd - readable when there is something for cw_qemu_talk_hear() */
int cw_qemu_talk_fd(const struct cw_qemu_talk *t);

/**
 * cw_qemu_talk_hear - take what QEMU said
 * @frozen: set or cleared when the machine was halted (by a debugger) or goes on
 * @name: of the remote, for a line on @err when a command was refused
 *
 * Returns 0, or -1 when QEMU says no more.
 */
int cw_qemu_talk_hear(struct cw_qemu_talk *t, bool *frozen, const char *name, FILE *err);

void cw_qemu_talk_end(struct cw_qemu_talk *t);

#endif
