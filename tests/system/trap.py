# SPDX-License-Identifier: BSD-3-Clause
"""The demonstration firmware on QEMU's own virtio devices, without any PMM (tests/trap)."""
import os
import re
import subprocess

from firmware import Firmware
from pmm import PATIENCE, until

SOURCE = os.environ["CW_SOURCE"]
PROGRAMS = os.path.join(SOURCE, "build", "virt-a53", "tests", "trap")
IP = "192.168.200.3"


class Trap(Firmware):
    def __init__(self, directory, devices=("net", "rng", "console"), net="",
                 program="hvl_net_rng_trap", disk="", folder=""):
        super().__init__(None, "a53", IP)
        self.uart = os.path.join(directory, "uart")
        self.log = open(os.path.join(directory, "qemu.log"), "w+")
        args = {"net": ["-netdev", "tap,id=n0,ifname=tap0,script=no,downscript=no",
                        "-device", "virtio-net-device,netdev=n0" + net],
                "rng": ["-device", "virtio-rng-device"],
                "console": ["-device", "virtio-serial-device", "-chardev", "pty,id=c",
                            "-device", "virtconsole,chardev=c"],
                "blk": ["-drive", "if=none,id=d,format=raw,file=" + disk,
                        "-device", "virtio-blk-device,drive=d,serial=qemus"],
                "9p": ["-fsdev", "local,id=s,security_model=none,path=" + folder,
                       "-device", "virtio-9p-device,fsdev=s,mount_tag=qemus"]}
        self.p = subprocess.Popen(
            ["qemu-system-aarch64", "-M", "virt,gic-version=2,highmem=off", "-cpu", "cortex-a53",
             "-smp", "2", "-m", "64",  # two, for its barriers: see host/carrier/qemu_machines.c
             "-nodefaults", "-display", "none", "-global", "virtio-mmio.force-legacy=false",
             "-device", "loader,file=%s,cpu-num=0" % os.path.join(PROGRAMS, program),
             "-chardev", "file,id=u,path=" + self.uart, "-serial", "chardev:u",
             *(a for d in devices for a in args[d])],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)

    def output(self):
        try:
            with open(self.uart) as f:
                return f.read()
        except FileNotFoundError:
            return ""

    def started(self, seconds=PATIENCE):
        until(lambda: "echo services" in self.output() or self.p.poll() is not None, seconds)
        assert self.p.poll() is None, open(self.log.name).read()
        return self

    def shell_at(self):
        at = re.search(r"redirected to (\S+)", open(self.log.name).read())[1]
        return {"devices": [{"kind": "console", "backends": [{"at": at}]}]}

    def close(self):
        self.p.kill()
        self.p.wait()
        self.log.close()
