// SPDX-License-Identifier: BSD-3-Clause
/*
 * The ivshmem device: shared memory and doorbells of QEMU, on PCI.
 *
 * Theory of operation: on bare metal nobody has assigned addresses before us. BAR0 has the doorbell
 * register, BAR1 the MSI-X table, BAR2 is the region. One vector is used: a ring raises IRQ_DOORBELL
 * through GICv2m.
 */
#include "board.h"
#include "machine.h"

#define PCI_COMMAND	 0x04u
#define PCI_BAR0	 0x10u
#define PCI_BAR1	 0x14u
#define PCI_BAR2	 0x18u
#define PCI_CAPS	 0x34u
#define PCI_CAP_MSIX	 0x11u
#define PCI_MEM_MASTER	 0x06u
#define MSIX_ENABLE	 0x80000000u
#define IVSHMEM_DOORBELL 0x0cu

static uintptr_t find(void)
{
	for (uintptr_t i = 0; i < ECAM_DEVICES; i++)
		if (reg_read(ECAM_BASE + (i << 15)) == IVSHMEM_ID)
			return ECAM_BASE + (i << 15);
	return 0;
}

/* Capabilities are a list in 256 bytes; one that goes round is left after as many as fit. */
static uintptr_t find_msix(uintptr_t dev)
{
	uint32_t at = reg_read(dev + PCI_CAPS) & 0xfc;

	for (int i = 0; at && i < 48; i++) {
		uint32_t v = reg_read(dev + at);

		if ((v & 0xff) == PCI_CAP_MSIX)
			return dev + at;
		at = v >> 8 & 0xfc;
	}
	return 0;
}

static void msix_entry(void)
{
	reg_write(IVSHMEM_TABLE + 0, GICV2M_SET);
	reg_write(IVSHMEM_TABLE + 4, 0);
	reg_write(IVSHMEM_TABLE + 8, IRQ_DOORBELL);
	reg_write(IVSHMEM_TABLE + 12, 0);
}

bool ivshmem_init(void)
{
	uintptr_t dev = find(), msix = dev ? find_msix(dev) : 0;

	if (!msix)
		return false;
	reg_write(dev + PCI_BAR0, IVSHMEM_REGS);
	reg_write(dev + PCI_BAR1, IVSHMEM_TABLE);
	reg_write(dev + PCI_BAR2, REGION_BASE);
	reg_write(dev + PCI_BAR2 + 4, 0);
	reg_write(dev + PCI_COMMAND, PCI_MEM_MASTER);
	msix_entry();
	reg_write(msix, reg_read(msix) | MSIX_ENABLE);
	return true;
}

void ivshmem_ring(void)
{
	reg_write(IVSHMEM_REGS + IVSHMEM_DOORBELL, PMM_PEER << 16);
}
