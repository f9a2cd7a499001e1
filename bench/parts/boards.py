# SPDX-License-Identifier: BSD-3-Clause
"""Other processors, under emulation."""
import os
import re
import statistics
import subprocess
import time

from .board import Board, net, udp
from .common import CAUSEWAY, ROOT, output, row, rows

PORTS = {"virt-a53": ("a53", "192.168.200.3"), "zcu102-r5": ("r5", "192.168.200.4")}


def firmware_of(port):
    return os.path.join(ROOT, "build", port, "firmware", "hvl_net_rng_reloc", "hvl_net_rng_reloc")


def board_text(port):
    with open(os.path.join(ROOT, "boards", port + ".yaml"), encoding="ascii") as f:
        return f.read().replace("../build", os.path.join(ROOT, "build"))


class OwnDevices:
    """The firmware of the A53 on QEMU's own virtio devices: the peer. Stands in for a Board."""

    def __init__(self):
        self.process = subprocess.Popen(
            ["qemu-system-aarch64", "-M", "virt,gic-version=2,highmem=off", "-cpu", "cortex-a53",
             "-smp", "2", "-m", "64",
             "-nodefaults", "-display", "none", "-serial", "null",
             "-global", "virtio-mmio.force-legacy=false", "-device",
             f"loader,file={ROOT}/build/virt-a53/tests/trap/hvl_net_rng_trap,cpu-num=0",
             "-netdev", "tap,id=n0,ifname=tap0,script=no,downscript=no",
             "-device", "virtio-net-device,netdev=n0", "-device", "virtio-rng-device"],
            stdin=subprocess.DEVNULL)

    def stop(self):
        self.process.kill()
        self.process.wait()


def pings(address, count=200, gap=0.01):
    """Round trips in microseconds; lost ones are left out."""
    r = subprocess.run(["ping", "-n", "-i", str(gap), "-c", str(count), "-W", "1", address],
                       capture_output=True, text=True, timeout=60, check=False)
    return sorted(1000 * float(t) for t in re.findall(r"time=([\d.]+) ms", r.stdout))


def until_answers(address, seconds=30):
    end = time.monotonic() + seconds
    while not pings(address, 1):
        if time.monotonic() > end:
            raise SystemExit(f"bench: {address} does not answer")


def board_latency(start, address):
    """Starts it, takes its pings and echoes, stops it."""
    thing = start()
    try:
        until_answers(address)
        time.sleep(0.3)
        return pings(address), udp(address, 3000, 0)
    finally:
        thing.stop()


def first_ping(port, address):
    """Microseconds from `causeway start` to the first of many pings that was answered."""
    board = Board(board_text(port).replace("    devices:\n", "    autostart: false\n    devices:\n"))
    board.wait_for("remote ")
    time.sleep(0.3)
    ping = subprocess.Popen(["ping", "-n", "-D", "-i", "0.002", "-w", "20", "-c", "1", address],
                            stdout=subprocess.PIPE, text=True)
    begun = time.time()
    output(CAUSEWAY, "start", "--run-dir", board.dir + "/run")
    seen = re.search(r"\[([\d.]+)\] \d+ bytes", ping.communicate()[0])
    board.stop()
    return 1e6 * (float(seen[1]) - begun) if seen else None


def boards():
    if not all(os.path.exists(firmware_of(p)) for p in PORTS):
        print("      boards are left out: ./dev build virt-a53 and ./dev build zcu102-r5 make their firmware")
        return
    things = {"process": (lambda: Board(net()), "192.168.200.2"),
              "Cortex-A53": (lambda: Board(board_text("virt-a53")), "192.168.200.3"),
              "Cortex-A53 on QEMU's devices": (OwnDevices, "192.168.200.3"),
              "Cortex-R5F": (lambda: Board(board_text("zcu102-r5")), "192.168.200.4")}
    got = {name: ([], []) for name in things}
    for _ in range(3):
        for name in [*things, *reversed(things)]:
            ping, echoes = board_latency(*things[name])
            got[name][0].extend(ping)
            got[name][1].append(echoes)
    peer = {}
    for name in ("Cortex-A53 on QEMU's devices", "process", "Cortex-A53", "Cortex-R5F"):
        times, echoes = sorted(got[name][0]), got[name][1]
        median = {k: statistics.median(e[k] for e in echoes) for k in ("min", "median", "p99")}
        ping = {"min": times[0], "median": times[len(times) // 2], "p99": times[len(times) * 99 // 100]}
        peer = peer or {"ping": ping, "echo": median}
        beside = name == "Cortex-A53"
        aim = {"Cortex-A53": "< 300, QEMU's own", "Cortex-R5F": "< 1000"}.get(name)
        for what, values, mine in (("ping", ping, "ping"), ("UDP echo", median, "echo")):
            row("-", f"{what}, {name}: median", values["median"], "us",
                peer[mine]["median"] if beside else None,
                values["median"] / peer[mine]["median"] if beside else None, aim)
            rows[-1].update(min=values["min"], p99=values["p99"])
            print(f"      min {values['min']:.0f}, p99 {values['p99']:.0f} us")
    for port, (_, address) in PORTS.items():
        times = [t for t in (first_ping(port, address) for _ in range(5)) if t]
        if times:
            row("-", f"from start to the first ping answered, {port}", statistics.median(times) / 1000, "ms")
