# SPDX-License-Identifier: BSD-3-Clause
"""A board that runs while something is measured, what its processes cost, and its network."""
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time

from .common import CAUSEWAY, bench, firmware, output, row

TICK = os.sysconf("SC_CLK_TCK")


def island(program, devices, more=""):
    """The text of a board with one remote that is a process."""
    return f"""
name: bench
remotes:
  - name: island
    carrier: {{ process: {program} }}
    {more}
    devices: {devices}
"""


class Board:
    def __init__(self, text, causeway=CAUSEWAY):
        self.dir = tempfile.mkdtemp(prefix="causeway-bench-")
        with open(self.dir + "/bench.yaml", "w", encoding="ascii") as f:
            f.write(text)
        self.begun = time.monotonic()
        self.log = open(self.dir + "/log", "w+", encoding="utf-8")
        self.process = subprocess.Popen(
            [causeway, "run", "--run-dir", self.dir + "/run", self.dir + "/bench.yaml"],
            stdout=self.log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)

    def text(self):
        with open(self.dir + "/log", encoding="utf-8", errors="replace") as f:
            return f.read()

    def wait_for(self, pattern, seconds=20):
        end = time.monotonic() + seconds
        while not re.search(pattern, self.text()):
            if time.monotonic() > end or self.process.poll() is not None:
                raise SystemExit(f"bench: no {pattern!r}:\n{self.text()}")
            time.sleep(0.002)
        return re.search(pattern, self.text())

    def again(self, pattern, seconds=60):
        """The numbers of the second line from now on that matches: what it tells was measured since."""
        seen, end = len(re.findall(pattern, self.text())), time.monotonic() + seconds
        while len(re.findall(pattern, self.text())) < seen + 2:
            if time.monotonic() > end or self.process.poll() is not None:
                raise SystemExit(f"bench: no more {pattern!r}:\n{self.text()}")
            time.sleep(0.05)
        return [int(v) for v in re.findall(pattern, self.text())[-1]]

    def status(self):
        return json.loads(output(CAUSEWAY, "status", "--json", "--run-dir", self.dir + "/run"))

    def pids(self):
        s = self.status()
        return {"keeper": s["pid"], "worker": s["workers"][0]["pid"],
                "remote": s["remotes"][0]["pid"]}

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(10)
        self.log.close()
        shutil.rmtree(self.dir, ignore_errors=True)


class Paused:
    """A board whose remote is stopped while the floor is measured: it would take a processor."""

    def __init__(self, board):
        self.board, self.pids = board, board.pids()

    def run(self, measure):
        for name in ("remote", "worker"):
            os.kill(self.pids[name], signal.SIGSTOP)
        got = measure()
        for name in ("worker", "remote"):
            os.kill(self.pids[name], signal.SIGCONT)
        time.sleep(0.1)
        return got


def cpu(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def memory(pid, key):
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as f:
        m = re.search(rf"^{key}:\s+(\d+) kB", f.read(), re.M)
    return int(m.group(1)) / 1024


def cpu_a_byte(board, number, what):
    """CPU time of the worker for what its first device moved, over two seconds of what its remote does."""
    worker = board.pids()["worker"]

    def moved():
        d = board.status()["remotes"][0]["devices"][0]
        return d["rx_bytes"] + d["tx_bytes"]

    used, before = cpu(worker), moved()
    time.sleep(2)
    used, count = cpu(worker) - used, moved() - before
    if count:
        row(number, f"{what}: CPU time of the worker", used / count * 1e9, "ns/B")


def net(program=firmware("hvl_net_rng_reloc")):
    return island(program, "[ { kind: rng, name: virt-rng }, { kind: net, backend: { tap: tap0 }, size: 128K }, "
                           "{ kind: console, backend: pty, size: 32K } ]")


def scratch():
    """A folder in memory."""
    return tempfile.mkdtemp(prefix="causeway-bench-", dir="/dev/shm")


def make_tap(name, address):
    output("ip", "tuntap", "add", name, "mode", "tap")
    output("ip", "address", "add", address, "dev", name)
    with open(f"/proc/sys/net/ipv6/conf/{name}/disable_ipv6", "w", encoding="ascii") as f:
        f.write("1")
    output("ip", "link", "set", name, "up")


def udp(address, count, gap):
    return json.loads(output(bench("udp"), "udp", address, str(count), str(gap)))


def tap(*args):
    r = subprocess.run([bench("tap"), *args], capture_output=True, text=True, timeout=60, check=False)
    if not r.stdout:
        raise SystemExit("bench: " + r.stderr)
    return json.loads(r.stdout)


def net_counters(board):
    net = next(d for d in board.status()["remotes"][0]["devices"] if d["kind"] == "net")
    return time.monotonic(), net, board.status()["remotes"][0]["rings"]
