# SPDX-License-Identifier: BSD-3-Clause
"""How large the code is."""
import os
import shutil

from .boards import firmware_of
from .common import ROOT, output, row


def code_of_ports():
    for port, prefix in (("virt-a53", "aarch64-linux-gnu-"), ("zcu102-r5", "arm-none-eabi-")):
        if not os.path.exists(firmware_of(port)) or not shutil.which(prefix + "size"):
            continue
        text, data, bss = (int(x) for x in output(prefix + "size", firmware_of(port)).split("\n")[1].split()[:3])
        row("14", f"{port}: whole firmware, code and constants", text, "B")
        row("14", f"{port}: whole firmware, RAM with a stack of 64 K", data + bss, "B")
        for lib in ("core", "driver"):
            path = os.path.join(ROOT, "build", port, lib, f"libcw_{lib}.a")
            t, d, b = (int(x) for x in output(prefix + "size", "-t", path).strip().split("\n")[-1].split()[:3])
            row("14", f"{port}: code of {lib}", t, "B")
            row("14", f"{port}: RAM of {lib}, the caller's structures apart", d + b, "B")


def code():
    code_of_ports()
    for processor in ("cortex-m4", "cortex-r5"):
        for lib in ("core", "driver", "device"):
            path = os.path.join(ROOT, "build", processor, lib, f"libcw_{lib}.a")
            if os.path.exists(path) and shutil.which("arm-none-eabi-size"):
                total = output("arm-none-eabi-size", "-t", path).strip().split("\n")[-1].split()[0]
                row("14", f"{processor} -Os: code of {lib}", int(total), "B")
        host = sizes_of_rpmsg_host(processor)
        if host:
            row("14", f"{processor} -Os: RPMsg of a host, names and deadlines in it", host, "B", aim="<= 3000")
        size = sizes_of_driver_role(processor)
        if size:
            row("14", f"{processor} -Os: driver role of the ring, and mmio",
                sum(map(size.get, ("ring_driver.c", "mmio.c"))), "B")
            row("14", f"{processor} -Os: and link, bus and device life", sum(size.values()), "B")


def sizes_of_rpmsg_host(processor):
    """Code of the channel, its names and the host's queues; extensions and the resource table apart."""
    path, total = os.path.join(ROOT, "build", processor, "core", "libcw_core.a"), 0
    if not os.path.exists(path) or not shutil.which("arm-none-eabi-size"):
        return 0
    for line in output("arm-none-eabi-size", path).strip().split("\n")[1:]:
        words = line.split()
        if words[5].split(".")[0] in ("rpmsg", "rpmsg_host", "rpmsg_ns", "rpmsg_send", "text"):
            total += int(words[0])
    return total


def sizes_of_driver_role(processor):
    """Code of each object a driver cannot do without, whatever its device is."""
    found = {}
    for lib, wanted in (("core", ("ring_driver.c", "link.c")), ("driver", ("mmio.c", "bus.c", "vdev.c"))):
        path = os.path.join(ROOT, "build", processor, lib, f"libcw_{lib}.a")
        if not os.path.exists(path) or not shutil.which("arm-none-eabi-size"):
            return {}
        for line in output("arm-none-eabi-size", path).strip().split("\n")[1:]:
            words = line.split()
            for name in wanted:
                if words[5].startswith(name + "."):
                    found[name] = int(words[0])
    return found
