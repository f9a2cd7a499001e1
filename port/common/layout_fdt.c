// SPDX-License-Identifier: BSD-3-Clause
/*
 * A layout from the device-tree fragment.
 *
 * Theory of operation: the fragment comes from the other side, so libfdt first checks the whole
 * structure (fdt_check_full), every property must have exactly the size the contract gives it, and
 * the result must pass the same check and hash as a layout that was compiled in.
 */
#include <causeway/core/err.h>
#include <causeway/port/layout_fdt.h>

#include <libfdt.h>
#include <stdbool.h>
#include <string.h>

struct reader {
	const void *fdt;
	const char *missing; /* first property that is absent or has a wrong size */
};

static uint64_t cells(struct reader *rd, int node, const char *name, int len, int index)
{
	int have = 0;
	const void *p = fdt_getprop(rd->fdt, node, name, &have);

	if (!p || have != len) {
		rd->missing = rd->missing ? rd->missing : name;
		return 0;
	}
	if (len == 4)
		return fdt32_ld(p);
	return fdt64_ld((const fdt64_t *)p + index);
}

static uint16_t cell16(struct reader *rd, int node, const char *name)
{
	uint64_t v = cells(rd, node, name, 4, 0);

	if (v > UINT16_MAX)
		rd->missing = rd->missing ? rd->missing : name;
	return (uint16_t)v;
}

static uint32_t size32(struct reader *rd, int node)
{
	uint64_t v = cells(rd, node, "reg", 16, 1);

	if (v > UINT32_MAX)
		rd->missing = rd->missing ? rd->missing : "reg";
	return (uint32_t)v;
}

/* Printable and not blank throughout: it gets printed. */
static bool plain(const char *text, int len)
{
	for (int i = 0; i < len; i++)
		if (text[i] <= ' ' || text[i] > '~')
			return false;
	return true;
}

static void read_label(struct reader *rd, int node, char name[CW_DEVICE_NAME_LEN])
{
	int len = 0;
	const char *label = fdt_getprop(rd->fdt, node, "label", &len);

	memset(name, 0, CW_DEVICE_NAME_LEN);
	if (label && len > 1 && len <= (int)CW_DEVICE_NAME_LEN && !label[len - 1] &&
	    plain(label, len - 1))
		memcpy(name, label, (size_t)len);
	else
		rd->missing = rd->missing ? rd->missing : "label";
}

static void read_device(struct reader *rd, int node, struct cw_layout_device *d)
{
	read_label(rd, node, d->name);
	d->id = (uint32_t)cells(rd, node, "causeway,device-id", 4, 0);
	d->slot = cell16(rd, node, "causeway,slot");
	d->queues = cell16(rd, node, "causeway,queues");
	d->queue_size = cell16(rd, node, "causeway,queue-size");
	d->block = cells(rd, node, "reg", 16, 0);
	d->size = size32(rd, node);
}

static int read_devices(struct reader *rd, struct cw_layout *l, struct cw_layout_device *device,
			unsigned int max)
{
	int node;

	fdt_for_each_subnode(node, rd->fdt, 0)
	{
		if (fdt_node_check_compatible(rd->fdt, node, "causeway,mmio-1"))
			continue;
		if (l->devices >= max || l->devices >= CW_DEVICES_MAX)
			return CW_ENOSPC;
		read_device(rd, node, &device[l->devices++]);
	}
	return CW_OK;
}

/*
 * What fdt_check_full() presumes: Debian's 1.6.1 reads behind the buffer when the header's own sizes
 * are impossible (found by fuzz_layout_fdt).
 */
static bool header_fine(const void *fdt, size_t size)
{
	uint64_t total, structs, strings;

	if (size < sizeof(struct fdt_header) || size > INT32_MAX || fdt_magic(fdt) != FDT_MAGIC ||
	    fdt_version(fdt) != 17)
		return false;
	total = fdt_totalsize(fdt);
	structs = (uint64_t)fdt_off_dt_struct(fdt) + fdt_size_dt_struct(fdt);
	strings = (uint64_t)fdt_off_dt_strings(fdt) + fdt_size_dt_strings(fdt);
	return total >= sizeof(struct fdt_header) && total <= size && structs <= total &&
	       strings <= total && fdt_off_mem_rsvmap(fdt) >= sizeof(struct fdt_header) &&
	       fdt_off_mem_rsvmap(fdt) % 8 == 0 && (uint64_t)fdt_off_mem_rsvmap(fdt) + 16 <= total;
}

int cw_layout_from_fdt(struct cw_layout *l, struct cw_layout_device *device, unsigned int max,
		       const void *fdt, size_t size, const char **reason)
{
	struct reader rd = { .fdt = fdt };
	enum cw_layout_fault fault;
	const char *dummy;
	uint32_t version;
	uint64_t hash;

	reason = reason ? reason : &dummy;
	memset(l, 0, sizeof(*l));
	*reason = "not a flattened device tree";
	if (!header_fine(fdt, size) || fdt_check_full(fdt, size))
		return CW_EINVAL;
	*reason = "not a causeway,region-1 fragment";
	if (fdt_node_check_compatible(fdt, 0, "causeway,region-1"))
		return CW_EINVAL;
	version = (uint32_t)cells(&rd, 0, "causeway,abi", 4, 0);
	*reason = "written for another version of the contract";
	if (!rd.missing && CW_ABI_MAJOR(version) != CW_ABI_MAJOR(CW_ABI_VERSION))
		return CW_EVERSION;
	l->base = cells(&rd, 0, "reg", 16, 0);
	l->size = size32(&rd, 0);
	l->line = (uint32_t)cells(&rd, 0, "causeway,line", 4, 0);
	l->dtb = (uint32_t)cells(&rd, 0, "causeway,fragment-size", 4, 0);
	l->slots = cell16(&rd, 0, "causeway,slots");
	l->pmm_page = cells(&rd, 0, "causeway,pmm-page", 8, 0);
	l->remote_page = cells(&rd, 0, "causeway,remote-page", 8, 0);
	hash = cells(&rd, 0, "causeway,layout-hash", 8, 0);
	l->device = device;
	*reason = "more devices than there is room for";
	if (read_devices(&rd, l, device, max))
		return CW_ENOSPC;
	*reason = rd.missing;
	if (rd.missing)
		return CW_EINVAL;
	fault = cw_layout_check(l, NULL, NULL);
	*reason = cw_layout_fault_text(fault);
	if (fault != CW_LAYOUT_FINE)
		return CW_EINVAL;
	*reason = "its hash is not that of its contents";
	return hash == cw_layout_hash(l) ? CW_OK : CW_ELAYOUT;
}
