/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * QEMU's `virt` machine with one Cortex-A53, as `carrier: qemu` starts it (GICv2, highmem off).
 */
#ifndef CAUSEWAY_PORT_BOARD_H
#define CAUSEWAY_PORT_BOARD_H

#define BOARD_NAME "virt-a53"

/* The region is the ivshmem device's memory; we say where it appears. As in boards/virt-a53.yaml. */
#define REGION_BASE 0x20000000u
#define REGION_SIZE 0x01000000u

#define GICD_BASE  0x08000000u
#define GICC_BASE  0x08010000u
#define GICV2M_SET 0x08020040u /* a 32-bit store of an INTID raises it */
#define UART_BASE  0x09000000u

/* PCI: configuration space, and where its devices' registers go. */
#define ECAM_BASE     0x3f000000u
#define ECAM_DEVICES  32u
#define IVSHMEM_ID    0x11101af4u
#define IVSHMEM_REGS  0x10000000u
#define IVSHMEM_TABLE 0x10001000u /* of MSI-X */
#define PMM_PEER      0u	  /* the PMM's number on the doorbell device */

#define IRQ_TIMER    27u /* virtual timer */
#define IRQ_DOORBELL 80u /* the first that GICv2m raises */

#endif
