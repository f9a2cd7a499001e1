/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The machines that carrier `qemu` knows: what a board file's `machine:` names.
 */
#ifndef CAUSEWAY_HOST_QEMU_H
#define CAUSEWAY_HOST_QEMU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cw_qemu_machine {
	const char *name;	       /* in the board file, and of its folder under port/ */
	const char *program, *package; /* the emulator, and the Debian package that has it */
	const char *const *args;       /* what makes the machine, NULL-terminated */
	const char *const *power;      /* QMP commands before it may run, NULL-terminated */
	uint64_t ram_base, ram_size;   /* of memory backend "ram" */
	unsigned int cpu;	       /* the one that runs the firmware */
	uint16_t elf_machine;	       /* e_machine that it executes */
	bool elf64;
	bool ivshmem; /* has PCI; otherwise the region lies in its RAM */
	bool serial;  /* has a UART to spare as doorbell */
};

/** cw_qemu_machine_find - by the first @len characters of @name; NULL: there is none */
const struct cw_qemu_machine *cw_qemu_machine_find(const char *name, size_t len);

/** cw_qemu_machine_names - "a, b, c", for complaints */
const char *cw_qemu_machine_names(void);

#endif
