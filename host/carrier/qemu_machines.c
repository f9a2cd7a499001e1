// SPDX-License-Identifier: BSD-3-Clause
/* What there is to know about each machine of QEMU's; port/ has the programs for them. */
#include <causeway/host/qemu.h>

#include <elf.h>
#include <string.h>

/*
 * Two processors, of which the second stays off: with one alone, QEMU before version 8 leaves out all of
 * the program's memory barriers, and the PMM, on a processor of its own, sees the consequences.
 */
static const char *const virt_args[] = {
	"-M",	"virt,gic-version=2,highmem=off,memory-backend=ram",
	"-cpu", "cortex-a53",
	"-smp", "2",
	NULL
};

static const char *const zcu102_args[] = { "-M", "xlnx-zcu102,memory-backend=ram", "-smp", "6",
					   NULL };

/*
 * The machine comes up with its first Cortex-A53 running and all others off, and only a reset looks
 * at what was set: so the A53 is told to stay off, and the Cortex-R5 not to.
 */
#define QOM_SET(path, value)                                       \
	"{\"execute\":\"qom-set\",\"arguments\":{\"path\":\"" path \
	"\",\"property\":\"start-powered-off\",\"value\":" value "}}"
static const char *const zcu102_power[] = {
	QOM_SET("/machine/soc/rpu-cluster/rpu-cpu[0]", "false"),
	QOM_SET("/machine/soc/apu-cluster/apu-cpu[0]", "true"),
	"{\"execute\":\"system_reset\"}",
	NULL,
};

static const char *const no_power[] = { NULL };

static const struct cw_qemu_machine machines[] = {
	{
		.name = "virt-a53",
		.program = "qemu-system-aarch64",
		.package = "qemu-system-arm",
		.args = virt_args,
		.power = no_power,
		.ram_base = 0x40000000,
		.ram_size = 64u << 20,
		.cpu = 0,
		.elf_machine = EM_AARCH64,
		.elf64 = true,
		.ivshmem = true,
	},
	{
		.name = "zcu102-r5",
		.program = "qemu-system-aarch64",
		.package = "qemu-system-arm",
		.args = zcu102_args,
		.power = zcu102_power,
		.ram_base = 0,
		.ram_size = 2048ull << 20,
		.cpu = 4,
		.elf_machine = EM_ARM,
		.serial = true,
	},
};

#define MACHINES (sizeof(machines) / sizeof(machines[0]))

const struct cw_qemu_machine *cw_qemu_machine_find(const char *name, size_t len)
{
	for (size_t i = 0; i < MACHINES; i++)
		if (strlen(machines[i].name) == len && !memcmp(machines[i].name, name, len))
			return &machines[i];
	return NULL;
}

const char *cw_qemu_machine_names(void)
{
	return "virt-a53 or zcu102-r5";
}
