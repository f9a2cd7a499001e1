# SPDX-License-Identifier: BSD-3-Clause
"""RPMsg: between two sides in one memory, and from Linux to a remote and back."""
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import time

from .board import Board, cpu, island, scratch
from .common import CAUSEWAY, bench, compare, compared, firmware, instructions, output, row

SERVICES = 10


def rpmsg_pairs(what, n):
    """Pairs (thing, floor) in nanoseconds, measured in turn in one process."""
    return json.loads(output(bench("rpmsg"), what, str(n)))[what]


def rpmsg():
    n = 1000
    each = (instructions(11 * n, "rpmsg", "step") - instructions(n, "rpmsg", "step")) / (10 * n)
    row("2", "RPMsg, 64 B round trip", each, "instr", 1843, each / 1843, "<= 830 (open-amp 1843)")
    for number, what, label, count, unit_aim in (
            ("1", "pingpong", "RPMsg, 64 B round trip, two threads polling", 100000, "<= 3.0 x a cache line"),
            ("1", "gap20", "the same, 20 us between them: median", 5000, None),
            ("1", "gap200", "the same, 200 us between them: median", 1000, None),
            ("3", "oneway", "RPMsg, 64 B one way, batches of 32", 1000000, "<= 50 ns"),
            ("3", "ten", "the same, to ten endpoints in turn", 1000000, None)):
        pairs = [p for _ in range(3) for p in rpmsg_pairs(what, count)]
        ratios = sorted(a / b for a, b in pairs)
        quartiles = statistics.quantiles(ratios, n=4)
        value = statistics.median(a for a, _ in pairs)
        row(number, label, value, "ns", statistics.median(b for _, b in pairs), statistics.median(ratios), unit_aim)
        print(f"      quartiles {quartiles[0]:.2f} to {quartiles[2]:.2f} of {len(pairs)} pairs")
        if what == "ten":
            row("3", "RPMsg, messages a second over ten endpoints", 1e9 / value, "1/s")
    through_linux()
    long_messages()


# ---- through the PMM and a unix socket ----


class Echo:
    """The floor: the same sockets, and a process of ours behind them."""

    def __init__(self, folder):
        self.paths = [f"{folder}/floor{i}" for i in range(SERVICES)]

    def run(self, *command):
        paths = self.paths if command[0] == "many" else self.paths[:1]
        server = subprocess.Popen([bench("seqpacket"), "echo", *paths])
        until(lambda: all(os.path.exists(p) for p in paths))
        try:
            return measured(paths, *command)
        finally:
            server.wait()
            for p in paths:
                os.unlink(p)


def until(done, seconds=20):
    end = time.monotonic() + seconds
    while not done():
        if time.monotonic() > end:
            raise SystemExit("bench: the services of messages do not come")
        time.sleep(0.002)


def measured(paths, what, *args):
    if what == "ping":
        return json.loads(output(bench("seqpacket"), what, paths[0], *args))
    return json.loads(output(bench("seqpacket"), what, *args, *paths))


def rate(r):
    return r["n"] / r["us"] * 1e6


def through_linux():
    folder = scratch()
    board = Board(island(bench("messages"), "[ { kind: rpmsg, name: messages, size: 128K } ]", "recovery: always"))
    paths = [f"{board.dir}/run/bench.rpmsg/island/echo{i}" for i in range(SERVICES)]
    try:
        until(lambda: all(os.path.exists(p) for p in paths))
        floor = Echo(folder)
        for gap in ("0", "20", "200"):
            compared("-", f"messages, Linux to remote and back, {gap} us between: median; a unix echo", "us",
                     compare(lambda: measured(paths, "ping", "2000", gap)["median"],
                             lambda: floor.run("ping", "2000", gap)["median"], 7), None)
        compared("-", "messages a second over ten services, 80 under way; a unix echo", "1/s",
                 compare(lambda: rate(measured(paths, "many", "0.5")), lambda: rate(floor.run("many", "0.5")), 5), None)
        worker = board.pids()["worker"]
        used, n = cpu(worker), measured(paths, "many", "2")["n"]
        row("-", "messages over ten services: CPU time of the worker each", 1e6 * (cpu(worker) - used) / (2 * n), "us")
        for what, stop in (("a worker is killed", lambda: os.kill(worker_of(board), signal.SIGKILL)),
                           ("a remote is restarted", lambda: control(board, "restart"))):
            times = [1000 * again(paths[0], stop) for _ in range(7)]
            row("-", f"from when {what} to messages that flow again", statistics.median(times), "ms")
            print(f"      least {min(times):.1f}, most {max(times):.1f} ms")
    finally:
        board.stop()
        shutil.rmtree(folder, ignore_errors=True)


def long_messages():
    """In pieces, with more of them under way than there are buffers."""
    folder = scratch()
    board = Board(island(firmware("island"), "[ { kind: rpmsg, name: messages } ]"))
    paths = [f"{board.dir}/run/bench.rpmsg/island/ping"]
    try:
        until(lambda: os.path.exists(paths[0]))
        floor = Echo(folder)
        worker = board.pids()["worker"]
        for size, under_way in (("8192", "4"), ("8192", "32"), ("1024", "32")):
            compared("-", f"messages of {size} B there and back, {under_way} under way; a unix echo", "1/s",
                     compare(lambda: rate(measured(paths, "long", "0.4", size, under_way)),
                             lambda: rate(floor.run("long", "0.4", size, under_way)), 5), None)
            used, n = cpu(worker), measured(paths, "long", "1", size, under_way)["n"]
            row("-", f"messages of {size} B, {under_way} under way: CPU time of the worker each", 1e6 * (cpu(worker) - used) / n,
                "us")
    finally:
        board.stop()
        shutil.rmtree(folder, ignore_errors=True)


def answered(path):
    """One message there and back, now, or not."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as s:
        s.settimeout(0.05)
        try:
            s.connect(path)
            s.send(b"again")
            return s.recv(100) == b"again"
        except OSError:
            return False


def worker_of(board):
    return board.status()["workers"][0]["pid"]


def control(board, command):
    output(CAUSEWAY, command, "--run-dir", board.dir + "/run")


def again(path, stop):
    """Seconds from an end to the first message that came back after it."""
    until(lambda: answered(path))
    time.sleep(0.3)
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as s:
        s.connect(path)
        begun = time.monotonic()
        stop()
        s.settimeout(10)
        try:
            s.recv(1)  # the end of the former life: what answers from now on is the next
        except OSError:
            pass
    until(lambda: answered(path) or time.sleep(0.001))
    return time.monotonic() - begun
