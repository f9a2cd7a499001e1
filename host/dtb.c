// SPDX-License-Identifier: BSD-3-Clause
/* The device-tree fragment at the start of a region (docs/spec/region.md section 11). */
#include <causeway/abi/virtio.h>
#include <causeway/host/board.h>

#include <libfdt.h>
#include <string.h>

static int put_u64(void *fdt, const char *name, uint64_t a)
{
	return fdt_property_u64(fdt, name, a);
}

static int put_reg(void *fdt, uint64_t at, uint64_t size)
{
	fdt64_t cells[2] = { cpu_to_fdt64(at), cpu_to_fdt64(size) };

	return fdt_property(fdt, "reg", cells, sizeof(cells));
}

static int put_string(void *fdt, const char *name, const char *s)
{
	return fdt_property(fdt, name, s, (int)strlen(s) + 1);
}

static int put_root(void *fdt, const struct cw_layout *l, const char *remote)
{
	int e = fdt_property_string(fdt, "compatible", "causeway,region-1");

	e = e ? e : put_string(fdt, "model", remote);
	e = e ? e : fdt_property_u32(fdt, "#address-cells", 2);
	e = e ? e : fdt_property_u32(fdt, "#size-cells", 2);
	e = e ? e : put_reg(fdt, l->base, l->size);
	e = e ? e : fdt_property_u32(fdt, "causeway,abi", CW_ABI_VERSION);
	e = e ? e : fdt_property_u32(fdt, "causeway,line", l->line);
	e = e ? e : fdt_property_u32(fdt, "causeway,slots", l->slots);
	e = e ? e : fdt_property_u32(fdt, "causeway,fragment-size", l->dtb);
	e = e ? e : put_u64(fdt, "causeway,pmm-page", l->pmm_page);
	e = e ? e : put_u64(fdt, "causeway,remote-page", l->remote_page);
	return e ? e : put_u64(fdt, "causeway,layout-hash", cw_layout_hash(l));
}

static int put_device(void *fdt, const struct cw_layout_device *d)
{
	char node[48];
	int e;

	snprintf(node, sizeof(node), "%s@%llx", cw_device_kind_text(d->id),
		 (unsigned long long)d->block);
	e = fdt_begin_node(fdt, node);
	e = e ? e : fdt_property_string(fdt, "compatible", "causeway,mmio-1");
	e = e ? e : put_reg(fdt, d->block, d->size);
	e = e ? e : put_string(fdt, "label", d->name);
	e = e ? e : fdt_property_u32(fdt, "causeway,device-id", d->id);
	e = e ? e : fdt_property_u32(fdt, "causeway,slot", d->slot);
	e = e ? e : fdt_property_u32(fdt, "causeway,queues", d->queues);
	e = e ? e : fdt_property_u32(fdt, "causeway,queue-size", d->queue_size);
	return e ? e : fdt_end_node(fdt);
}

int cw_dtb_write(const struct cw_layout *layout, const char *remote, void *buf, size_t size)
{
	int e = fdt_create(buf, (int)(size < INT32_MAX ? size : INT32_MAX));

	e = e ? e : fdt_finish_reservemap(buf);
	e = e ? e : fdt_begin_node(buf, "");
	e = e ? e : put_root(buf, layout, remote);
	for (unsigned int i = 0; !e && i < layout->devices; i++)
		e = put_device(buf, &layout->device[i]);
	e = e ? e : fdt_end_node(buf);
	e = e ? e : fdt_finish(buf);
	return e ? -1 : (int)fdt_totalsize(buf);
}
