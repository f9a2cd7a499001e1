#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""./dev bench: measures, prints a table with floors and ratios, writes build/bench.json.

Only ratios taken in one run count: figures of one machine move by a factor of two within minutes.
Every floor is measured beside the thing, in turn (A B B A). Nothing here passes or fails.
"""
import argparse
import json
import os
import platform
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.environ.get("CW_BUILD", os.path.join(ROOT, "build", "gcc"))
CAUSEWAY = os.path.join(BUILD, "cli", "causeway")
FIRMWARE = os.path.join(BUILD, "firmware", "hvl_net_rng_reloc", "hvl_net_rng_reloc")
INSIDE = "CAUSEWAY_BENCH_INSIDE"
TICK = os.sysconf("SC_CLK_TCK")
rows = []


def row(number, what, value, unit, floor=None, ratio=None, aim=None):
    rows.append({"row": number, "what": what, "value": value, "unit": unit, "floor": floor,
                 "ratio": ratio, "aim": aim})
    text = [f"{number:>4}", f"{what:<52}", f"{value:>10.4g} {unit:<6}"]
    text.append(f"floor {floor:>9.4g}" if floor is not None else " " * 15)
    text.append(f"ratio {ratio:>6.2f}" if ratio is not None else " " * 12)
    text.append(f"aim {aim}" if aim else "")
    print("  ".join(text).rstrip(), flush=True)


def output(*command, **more):
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=300,
                          **more).stdout


# ---- comparing ----------------------------------------------------------------------------------


def sentinel():
    return float(output(os.path.join(BUILD, "bench", "bench_tap"), "sentinel"))


def compare(a, b, pairs=11, still=lambda measure: measure()):
    """Runs a() and b() in turn, A B B A; returns both medians, the median of the pairs' ratios and its
    quartiles. A pair beside which a fixed piece of work took 10 % more or less time is dropped; @still
    runs that with everything else of ours stopped."""
    got, dropped = [], 0
    for i in range(pairs):
        before = still(sentinel)
        first, second = (a, b) if i % 2 == 0 else (b, a)
        one, two = first(), second()
        if abs(still(sentinel) / before - 1) > 0.1:
            dropped += 1
            continue
        got.append((one, two) if i % 2 == 0 else (two, one))
    if len(got) < 3:
        print(f"      too restless here: {dropped} of {pairs} pairs dropped")
        return None
    ratios = sorted(x / y for x, y in got)
    quartiles = statistics.quantiles(ratios, n=4)
    return {"a": statistics.median(x for x, _ in got), "b": statistics.median(y for _, y in got),
            "ratio": statistics.median(ratios), "q1": quartiles[0], "q3": quartiles[2],
            "pairs": len(got), "dropped": dropped}


def compared(number, what, unit, result, aim):
    if result:
        row(number, what, result["a"], unit, result["b"], result["ratio"], aim)
        rows[-1].update({k: result[k] for k in ("q1", "q3", "pairs", "dropped")})
        print(f"      quartiles {result['q1']:.2f} to {result['q3']:.2f} of {result['pairs']} pairs, "
              f"{result['dropped']} dropped")


# ---- rings --------------------------------------------------------------------------------------


def instructions(rounds, program="bench_ring", *args):
    r = subprocess.run(["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null",
                        os.path.join(BUILD, "bench", program), *args, str(rounds)],
                       capture_output=True, text=True, check=True, timeout=300)
    return int(re.search(r"Collected\s*:\s*(\d+)", r.stderr).group(1))


def ring():
    n = 200
    each = (instructions(11 * n) - instructions(n)) / (10 * n * 32)
    row("4", "split ring, a buffer's full cycle, batch 32", each, "instr", aim="<= 125 (open-amp 278)")
    ns = [float(output(os.path.join(BUILD, "bench", "bench_ring"), "200000").split()[0])
          for _ in range(5)]
    row("4", "the same, time", statistics.median(ns), "ns")


# ---- RPMsg --------------------------------------------------------------------------------------


def rpmsg_pairs(what, n):
    """Pairs (thing, floor) in nanoseconds, measured in turn in one process."""
    out = output(os.path.join(BUILD, "bench", "bench_rpmsg"), what, str(n))
    return json.loads(out)[what]


def rpmsg():
    n = 1000
    each = (instructions(11 * n, "bench_rpmsg", "step") - instructions(n, "bench_rpmsg", "step")) / (10 * n)
    row("2", "RPMsg, 64 B round trip", each, "instr", 1843, each / 1843, "<= 830 (open-amp 1843)")
    for number, what, label, count, unit_aim in (
            ("1", "pingpong", "RPMsg, 64 B round trip, two threads polling", 100000, "<= 3.0 x a cache line"),
            ("3", "oneway", "RPMsg, 64 B one way, batches of 32", 1000000, "<= 50 ns")):
        pairs = [p for _ in range(3) for p in rpmsg_pairs(what, count)]
        ratios = sorted(a / b for a, b in pairs)
        quartiles = statistics.quantiles(ratios, n=4)
        row(number, label, statistics.median(a for a, _ in pairs), "ns",
            statistics.median(b for _, b in pairs), statistics.median(ratios), unit_aim)
        print(f"      quartiles {quartiles[0]:.2f} to {quartiles[2]:.2f} of {len(pairs)} pairs")


# ---- a board ------------------------------------------------------------------------------------


class Board:
    def __init__(self, text):
        self.dir = tempfile.mkdtemp(prefix="causeway-bench-")
        with open(self.dir + "/bench.yaml", "w", encoding="ascii") as f:
            f.write(text)
        self.begun = time.monotonic()
        self.log = open(self.dir + "/log", "w+", encoding="utf-8")
        self.process = subprocess.Popen(
            [CAUSEWAY, "run", "--run-dir", self.dir + "/run", self.dir + "/bench.yaml"],
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


def cpu(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def memory(pid, key):
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as f:
        m = re.search(rf"^{key}:\s+(\d+) kB", f.read(), re.M)
    return int(m.group(1)) / 1024


NET = f"""
name: bench
remotes:
  - name: island
    carrier: {{ process: {FIRMWARE} }}
    devices:
      - {{ kind: rng, name: virt-rng }}
      - {{ kind: net, backend: {{ tap: tap0 }}, size: 128K }}
      - {{ kind: console, backend: pty, size: 32K }}
"""


def many(devices):
    text = f"""
name: bench
remotes:
  - name: island
    carrier: {{ process: {os.path.join(BUILD, "bench", "bench_remote")} }}
    devices:
"""
    return text + "".join(f"      - {{ kind: rng, name: rng{i} }}\n" for i in range(devices))


def udp(address, count, gap):
    return json.loads(output(os.path.join(BUILD, "bench", "bench_udp"), "udp", address, str(count),
                             str(gap)))


def make_tap(name, address):
    output("ip", "tuntap", "add", name, "mode", "tap")
    output("ip", "address", "add", address, "dev", name)
    with open(f"/proc/sys/net/ipv6/conf/{name}/disable_ipv6", "w", encoding="ascii") as f:
        f.write("1")
    output("ip", "link", "set", name, "up")


def floor_server(name, processes):
    p = subprocess.Popen([os.path.join(BUILD, "bench", "bench_udp"), "tap", name, str(processes)])
    time.sleep(0.2)
    return p


def echo():
    make_tap("tap1", "192.168.201.254/24")
    make_tap("tap2", "192.168.202.254/24")
    one, two = floor_server("tap1", 1), floor_server("tap2", 2)
    board = Board(NET)
    board.wait_for("IPv4 192.168.200.2")
    time.sleep(0.3)
    try:
        for gap in (0, 20, 200):
            compare_echo(gap)
        load(board)
        idle(board)
        sizes_of(board)
    finally:
        board.stop()
        for p in (one, two):
            p.terminate()
            p.wait()


def compare_echo(gap):
    got = {"ours": [], "one": [], "two": []}
    where = {"ours": "192.168.200.2", "one": "192.168.201.2", "two": "192.168.202.2"}
    for name in ("ours", "one", "two", "two", "one", "ours") * 3:
        got[name].append(udp(where[name], 3000, gap))
    median = {k: statistics.median(x["median"] for x in v) for k, v in got.items()}
    p99 = {k: statistics.median(x["p99"] for x in v) for k, v in got.items()}
    label = f"UDP echo to the remote, {gap} us between"
    row("8", label + ": median, TAP with 1 more process", median["ours"], "us", median["two"],
        median["ours"] / median["two"], "<= 1.35")
    row("8", label + ": p99", p99["ours"], "us", p99["two"], p99["ours"] / p99["two"])
    row("8", label + ": median, TAP in one process", median["ours"], "us", median["one"],
        median["ours"] / median["one"])
    lost = sum(x["sent"] - x["good"] for x in got["ours"])
    if lost:
        row("8", "datagrams lost", lost, "")


def load(board):
    pids = board.pids()
    before, used = board.status(), {k: cpu(p) for k, p in pids.items()}
    begun = time.monotonic()
    packets = 0
    while time.monotonic() - begun < 3:
        packets += udp("192.168.200.2", 20000, 0)["good"]
    seconds = time.monotonic() - begun
    after = board.status()
    rings = after["remotes"][0]["rings"] - before["remotes"][0]["rings"]
    row("8", "UDP echoes a second, one in flight", packets / seconds, "1/s")
    row("16", "doorbells of the PMM a 1000 buffers", 1000 * rings / (2 * packets), "", aim="<= 20")
    for name, pid in pids.items():
        row("-", f"CPU time a packet, {name}", 1e6 * (cpu(pid) - used[name]) / (2 * packets), "us")


def idle(board):
    pids = board.pids()
    time.sleep(1)
    before = {k: cpu(p) for k, p in pids.items()}
    time.sleep(5)
    for name, pid in pids.items():
        row("16", f"idle CPU, {name}", 100 * (cpu(pid) - before[name]) / 5, "%", aim="<= 0.2")


def sizes_of(board):
    pids = board.pids()
    region = 0.2
    for name in ("keeper", "worker"):
        row("15", f"RSS of the {name}", memory(pids[name], "VmRSS"), "MiB", aim="<= 2 beyond region")
        row("15", f"RssAnon of the {name}", memory(pids[name], "RssAnon"), "MiB")
    text = int(output("size", CAUSEWAY).split("\n")[1].split()[0])
    row("15", "text of the causeway program", text / 1000, "kB", aim="<= 250")
    del region


# ---- bulk ----------------------------------------------------------------------------------------


def bulk_board(*args):
    board = Board(f"""
name: bench
remotes:
  - name: island
    region: {{ size: 32M }}
    carrier: {{ process: {os.path.join(BUILD, "bench", "bench_bulk")}, args: [ {", ".join(args)} ] }}
    devices:
      - {{ kind: net, backend: {{ tap: tap0 }}, size: 8M, queue-size: 256 }}
      - {{ kind: console, backend: pty, size: 64K }}
""")
    board.wait_for("ready: ")
    time.sleep(0.1)
    return board


def tap(*args):
    r = subprocess.run([os.path.join(BUILD, "bench", "bench_tap"), *args], capture_output=True,
                       text=True, timeout=60, check=False)
    if not r.stdout:
        raise SystemExit("bench: " + r.stderr)
    return json.loads(r.stdout)


def net_counters(board):
    net = next(d for d in board.status()["remotes"][0]["devices"] if d["kind"] == "net")
    return time.monotonic(), net, board.status()["remotes"][0]["rings"]


SECONDS = 0.6


def ours_out(board, key):
    """Packets or bytes a second from the remote into the TAP."""
    t0, before, _ = net_counters(board)
    time.sleep(SECONDS)
    t1, after, _ = net_counters(board)
    return (after["tx_" + key] - before["tx_" + key]) / (t1 - t0)


def ours_in(board, key, size):
    """The same, from Linux to the remote, of as much as a socket can send."""
    blaster = subprocess.Popen([os.path.join(BUILD, "bench", "bench_tap"), "blast", "tap0", str(size),
                                str(SECONDS + 0.6)], stdout=subprocess.DEVNULL)
    time.sleep(0.2)
    t0, before, _ = net_counters(board)
    time.sleep(SECONDS)
    t1, after, _ = net_counters(board)
    blaster.wait()
    return (after["rx_" + key] - before["rx_" + key]) / (t1 - t0)


def bare_out(size, key):
    r = tap("write", "tap3", str(size), str(SECONDS))
    return r["frames" if key == "packets" else "bytes"] / r["us"] * 1e6


def bare_in(size, key):
    reader = subprocess.Popen([os.path.join(BUILD, "bench", "bench_tap"), "read", "tap3", str(SECONDS)],
                              stdout=subprocess.PIPE, text=True)
    time.sleep(0.1)
    blaster = subprocess.Popen([os.path.join(BUILD, "bench", "bench_tap"), "blast", "tap3", str(size),
                                str(SECONDS + 0.3)], stdout=subprocess.DEVNULL)
    r = json.loads(reader.communicate()[0])
    blaster.wait()
    return r["frames" if key == "packets" else "bytes"] / r["us"] * 1e6


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


def doorbells(board, number, what):
    _, before, rings = net_counters(board)
    time.sleep(1)
    _, after, later = net_counters(board)
    packets = sum(after[k] - before[k] for k in ("tx_packets", "rx_packets"))
    if packets:
        row(number, what, 1000 * (later - rings) / packets, "", aim="<= 20")


def bulk():
    make_tap("tap3", "192.168.203.254/24")
    results = {}
    for size, key, number, aim in ((60, "packets", "7", ">= 0.85"), (1514, "bytes", "9", None),
                                   (65000, "bytes", "9", ">= 0.8")):
        unit, scale = ("1/s", 1) if key == "packets" else ("Gbit/s", 8e-9)
        for way, args in (("remote to Linux", ("source", str(size))), ("Linux to remote", ("sink",))):
            board = bulk_board(*args)
            paused = Paused(board)
            out = way == "remote to Linux"
            try:
                r = compare(lambda: scale * (ours_out(board, key) if out else ours_in(board, key, size)),
                            lambda: scale * paused.run(
                                lambda: bare_out(size, key) if out else bare_in(size, key)), 7,
                            paused.run)
                compared(number, f"frames of {size} B, {way}", unit, r, aim)
                results[size, way] = r
                if out:
                    doorbells(board, "16", f"doorbells of the PMM a 1000 frames of {size} B, bulk")
            finally:
                board.stop()
    for way in ("remote to Linux", "Linux to remote"):
        with_, without = results.get((65000, way)), results.get((1514, way))
        if with_ and without:
            row("9", f"GSO against whole frames, {way}", with_["a"], "Gbit/s", without["a"],
                with_["a"] / without["a"], ">= 4")


def drain(fd, seconds):
    end, n = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        n += len(os.read(fd, 65536))
    return n / seconds / 1e6


def console():
    """Bytes a second through a pty: written by the worker for a remote, and by a bare process."""
    import tty
    board = bulk_board("console")
    paused = Paused(board)
    at = next(d for d in board.status()["remotes"][0]["devices"] if d["kind"] == "console")
    fd = os.open(at["backends"][0]["at"], os.O_RDWR | os.O_NOCTTY)
    tty.setraw(fd)
    master, slave = os.openpty()
    tty.setraw(slave)
    code = "import os\nwhile True: os.write(%d, b'x' * 4096)" % master

    def bare():
        p = subprocess.Popen([sys.executable, "-c", code], pass_fds=[master])
        time.sleep(0.1)
        got = drain(slave, SECONDS)
        p.kill()
        p.wait()
        return got

    try:
        compared("13", "console, bulk into a pty", "MB/s",
                 compare(lambda: drain(fd, SECONDS), lambda: paused.run(bare), 7, paused.run), ">= 0.9")
    finally:
        board.stop()


def disk():
    """Reads of what is in the page cache: by a remote, 4 KB a request, and by a bare process."""
    folder = tempfile.mkdtemp(prefix="causeway-bench-", dir="/dev/shm")
    image = folder + "/disk"
    with open(image, "wb") as f:
        f.write(os.urandom(16 << 20))
    board = Board(f"""
name: bench
remotes:
  - name: island
    carrier: {{ process: {os.path.join(BUILD, "bench", "bench_remote")} }}
    devices: [ {{ kind: blk, backend: {{ file: {image} }}, size: 64K }} ]
""")
    board.wait_for(r'"disk": 65536')
    paused = Paused(board)

    def ours(size):
        seen = len(re.findall(rf'"disk": {size},', board.text()))
        while len(re.findall(rf'"disk": {size},', board.text())) < seen + 2:
            time.sleep(0.05)
        got = re.findall(rf'"disk": {size}, "bytes": (\d+), "us": (\d+), "err": 0', board.text())[-1]
        return int(got[0]) / int(got[1])

    def bare():
        r = json.loads(output(os.path.join(BUILD, "bench", "bench_disk"), image, "4096"))
        return r["bytes"] / r["us"]

    try:
        for size, what in ((4096, "4 KB, one in flight"), (65536, "4 KB, four in flight")):
            compared("13", f"disk, reads of {what}", "MB/s",
                     compare(lambda: ours(size), lambda: paused.run(bare), 5, paused.run),
                     ">= 0.7" if size == 65536 else None)
        cpu_a_byte(board, "13", "disk, reads of 4 KB")
    finally:
        board.stop()
        shutil.rmtree(folder, ignore_errors=True)


# ---- sockets ------------------------------------------------------------------------------------


def sockets():
    """A remote that sends to a unix socket, and a process that does; connections that come and go."""
    folder = tempfile.mkdtemp(prefix="causeway-bench-", dir="/dev/shm")
    program = os.path.join(BUILD, "bench", "bench_sockets")
    sink = subprocess.Popen([program, "sink", folder + "/vsock_5000"])
    board = Board(f"""
name: bench
remotes:
  - name: island
    carrier: {{ process: {os.path.join(BUILD, "bench", "bench_remote")} }}
    devices: [ {{ kind: vsock, backend: {{ socket: {folder}/vsock }}, size: 1M }} ]
""")
    board.wait_for(r'"sent": 64,')
    paused = Paused(board)

    def ours(size):
        seen = len(re.findall(rf'"sent": {size},', board.text()))
        while len(re.findall(rf'"sent": {size},', board.text())) < seen + 2:
            time.sleep(0.05)
        got = re.findall(rf'"sent": {size}, "bytes": (\d+), "us": (\d+), "err": 0', board.text())[-1]
        return int(got[0]) / int(got[1])

    def bare(size):
        r = json.loads(output(program, "bare", str(size)))
        return r["bytes"] / r["us"]

    try:
        for size, what, aim in ((65536, "64 KB", ">= 0.5"), (64, "64 B", ">= 1.5")):
            compared("12", f"sockets, remote to Linux, {what} a call", "MB/s",
                     compare(lambda: ours(size), lambda: paused.run(lambda: bare(size)), 5, paused.run), aim)
        cpu_a_byte(board, "12", "sockets, 64 KB and 64 B a call")
    finally:
        board.stop()
        sink.kill()
        sink.wait()
        shutil.rmtree(folder, ignore_errors=True)
    connections()


def connections():
    folder = tempfile.mkdtemp(prefix="causeway-bench-", dir="/dev/shm")
    board = Board(f"""
name: bench
remotes:
  - name: island
    carrier: {{ process: {os.path.join(BUILD, "firmware", "island", "island")} }}
    devices: [ {{ kind: vsock, backend: {{ socket: {folder}/vsock }}, size: 256K }} ]
""")
    board.wait_for("echo services")
    worker = board.pids()["worker"]

    def dial():
        r = json.loads(output(os.path.join(BUILD, "bench", "bench_sockets"), "dial", folder + "/vsock", "7"))
        return r["n"] / r["us"] * 1e6

    try:
        dial()
        before, used = memory(worker, "VmRSS"), cpu(worker)
        rate = statistics.median(dial() for _ in range(5))
        row("12", "connections opened and closed a second", rate, "1/s", aim=">= 1000")
        row("12", "the same: what the worker grew by", memory(worker, "VmRSS") - before, "KiB", aim="0")
        row("12", "the same: CPU time of the worker, a connection", (cpu(worker) - used) / (3.0 * rate) * 1e6, "us")
    finally:
        board.stop()
        shutil.rmtree(folder, ignore_errors=True)


# ---- files --------------------------------------------------------------------------------------


def serve(command, socket):
    p = subprocess.Popen([*command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    end = time.monotonic() + 10
    while not os.path.exists(socket) and time.monotonic() < end:
        time.sleep(0.01)
    return p


def files():
    """A remote's reads and stats through driver and PMM, and the server by itself, beside diod."""
    folder = tempfile.mkdtemp(prefix="causeway-bench-", dir="/dev/shm")
    export, theirs, ours = folder + "/export", folder + "/diod", folder + "/ours"
    os.mkdir(export)
    with open(export + "/f", "wb") as f:
        f.write(os.urandom(16 << 20))
    # A diod that is root would set its groups, which nobody can in this name space.
    servers = [serve(["unshare", "-U", "/usr/sbin/diod", "-f", "-n", "-N", "-l", theirs, "-e", export], theirs),
               serve([os.path.join(BUILD, "tests", "9p", "serve9p"), ours, export], ours)]
    board = Board(f"""
name: bench
remotes:
  - name: island
    carrier: {{ process: {os.path.join(BUILD, "bench", "bench_remote")} }}
    lost-ms: 60000
    devices: [ {{ kind: 9p, backend: {{ directory: {export} }} }} ]
""")
    board.wait_for(r'"files": 8193')
    paused = Paused(board)

    def remote(what, stream=0):
        line = rf'"files": {0 if what == "stat" else int(what) + stream}, "n": (\d+), "bytes": (\d+), "us": (\d+), "err": 0'
        seen = len(re.findall(line, board.text()))
        while len(re.findall(line, board.text())) < seen + 2:
            time.sleep(0.05)
        n, got, us = (int(v) for v in re.findall(line, board.text())[-1])
        return n / us * 1e6 if what == "stat" else got / us

    def rate(what, *socket):
        r = json.loads(output(os.path.join(BUILD, "bench", "bench_p9"), what, export, *socket))
        return r["bytes"] / r["us"] if r["bytes"] else r["n"] / r["us"] * 1e6

    parts = (("65536", "reads of 64 KB", "MB/s", ">= 2.5"), ("8192", "reads of 8 KB", "MB/s", ">= 5"),
             ("stat", "stat", "1/s", ">= 3"))
    try:
        for what, text, unit, aim in parts:
            compared("11", f"9P, {text}: a remote, diod", unit,
                     compare(lambda: remote(what), lambda: paused.run(lambda: rate(what, theirs)), 5, paused.run),
                     aim)
            if what != "stat":
                compared("11", f"9P, {text}, as a stream: a remote, diod", unit,
                         compare(lambda: remote(what, 1), lambda: paused.run(lambda: rate(what, theirs)), 5,
                                 paused.run), aim)
        cpu_a_byte(board, "11", "9P, reads of 64 KB and 8 KB, stat")
        board.stop()
        board = None
        for what, text, unit, _ in parts:
            compared("11", f"9P, {text}: the server alone, diod", unit,
                     compare(lambda: rate(what), lambda: rate(what, theirs), 5), None)
            compared("11", f"9P, {text}: both behind a socket", unit,
                     compare(lambda: rate(what, ours), lambda: rate(what, theirs), 5), None)
    finally:
        if board:
            board.stop()
        for s in servers:
            s.kill()
            s.wait()
        shutil.rmtree(folder, ignore_errors=True)


# ---- link-up, entropy, doorbells with many devices ------------------------------------------------


def getrandom_floor():
    begun = time.perf_counter()
    n = 200000
    for _ in range(n):
        os.getrandom(256)
    return (time.perf_counter() - begun) / n * 1e6


def entropy_and_links():
    ready = []
    for devices in (1, 8, 64):
        board = Board(many(devices))
        up = json.loads(board.wait_for(r'\{"link_up_us".*\}').group(0))
        ready.append(time.monotonic() - board.begun)
        opened = json.loads(board.wait_for(r'\{"devices".*\}').group(0))
        rng = json.loads(board.wait_for(r'\{"rng_reads".*\}').group(0))
        board.stop()
        row("16", f"link up, {devices} device(s)", up["link_up_us"], "us", aim="<= 300 / 1500")
        row("16", f"{devices} device(s) set up after that", opened["open_us"], "us")
        row("-", f"a doorbell round trip (256 B of entropy), {devices} device(s)",
            rng["us"] / rng["rng_reads"], "us")
        if devices == 1:
            row("13", "entropy, 256 B a request, one in flight", rng["us"] / rng["rng_reads"], "us",
                getrandom_floor(), (rng["us"] / rng["rng_reads"]) / getrandom_floor())


# ---- other processors, under emulation -------------------------------------------------------------

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
    things = {"process": (lambda: Board(NET), "192.168.200.2"),
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
            row("14", f"{processor} -Os: driver role of the ring, and mmio", sum(map(size.get, ("ring_driver.c", "mmio.c"))), "B")
            row("14", f"{processor} -Os: and link, bus and device life", sum(size.values()), "B")


def sizes_of_rpmsg_host(processor):
    """Code of the channel, its names and the host's queues; extensions and the resource table apart."""
    path, total = os.path.join(ROOT, "build", processor, "core", "libcw_core.a"), 0
    if not os.path.exists(path) or not shutil.which("arm-none-eabi-size"):
        return 0
    for line in output("arm-none-eabi-size", path).strip().split("\n")[1:]:
        words = line.split()
        if words[5].split(".")[0] in ("rpmsg", "rpmsg_ns", "rpmsg_host"):
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


# ---- does any of this notice anything? -------------------------------------------------------------

PLANTED = """
#include <time.h>
static void planted_delay(void)
{
	struct timespec a, b;

	clock_gettime(CLOCK_MONOTONIC, &a);
	do
		clock_gettime(CLOCK_MONOTONIC, &b);
	while ((b.tv_sec - a.tv_sec) * 1000000000 + b.tv_nsec - a.tv_nsec < 1000);
}
"""


def plant():
    """The same rows with 1 us of waiting in each cw_devq_pop() that finds a buffer."""
    global BUILD, CAUSEWAY, FIRMWARE
    tree = os.path.join(ROOT, "build", "bench-planted")
    shutil.rmtree(tree, ignore_errors=True)
    for name in output("git", "ls-files", cwd=ROOT).split("\n"):
        if name and os.path.isfile(os.path.join(ROOT, name)):
            os.makedirs(os.path.dirname(os.path.join(tree, name)), exist_ok=True)
            shutil.copy2(os.path.join(ROOT, name), os.path.join(tree, name))
    path = os.path.join(tree, "core", "ring_device.c")
    with open(path, encoding="utf-8") as f:
        text = f.read()
    text, n = re.subn(r"(\n\tc->part = part;)", r"\n\tplanted_delay();\1", text)
    text, m = re.subn(r"(#include <causeway/core/shm.h>\n)", r"\1" + PLANTED, text)
    if n != 1 or m != 1:
        raise SystemExit("bench: core/ring_device.c has changed; the planted delay must follow")
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    out = os.path.join(tree, "build")
    output("cmake", "-G", "Ninja", "-S", tree, "-B", out, "-DCMAKE_BUILD_TYPE=RelWithDebInfo",
           f"-DCW_LWIP={ROOT}/build/lwip", "-DCMAKE_C_FLAGS=-D_GNU_SOURCE")
    output("cmake", "--build", out, "-j2", "--target", "causeway", "hvl_net_rng_reloc", "bench_ring")
    good = BUILD, CAUSEWAY, FIRMWARE
    bad = out, os.path.join(out, "cli", "causeway"), \
        os.path.join(out, "firmware", "hvl_net_rng_reloc", "hvl_net_rng_reloc")

    def ring_ns(where):
        return float(output(os.path.join(where, "bench", "bench_ring"), "20000").split()[0])

    def echo_us(which):
        global BUILD, CAUSEWAY, FIRMWARE
        BUILD, CAUSEWAY, FIRMWARE = which
        board = Board(NET.replace(good[2], FIRMWARE))
        BUILD, CAUSEWAY, FIRMWARE = good
        board.wait_for("IPv4 192.168.200.2")
        time.sleep(0.2)
        got = udp("192.168.200.2", 5000, 0)["median"]
        board.process.send_signal(signal.SIGTERM)
        board.process.wait(10)
        return got

    compared("4", "planted 1 us: a buffer's full cycle", "ns",
             compare(lambda: ring_ns(bad[0]), lambda: ring_ns(good[0]), 7), "1 us more")
    compared("8", "planted 1 us: UDP echo, two buffers", "us",
             compare(lambda: echo_us(bad), lambda: echo_us(good), 7), "2 us more")


def enter_namespace():
    os.environ[INSIDE] = "1"
    os.execvp("unshare", ["unshare", "-Urnm", "--", sys.executable, *sys.argv])


def main():
    parser = argparse.ArgumentParser(prog="./dev bench", description=__doc__)
    parser.add_argument("--json", default=os.path.join(ROOT, "build", "bench.json"),
                        help="where to write the figures")
    parser.add_argument("only", nargs="*", choices=[[], "ring", "rpmsg", "echo", "bulk", "console", "disk", "sockets", "files", "link",
                                           "boards", "code"],
                        help="parts to run (all)")
    parser.add_argument("--plant", action="store_true",
                        help="instead, show that a delay of 1 us planted in the ring moves the ratios")
    options = parser.parse_args()
    if INSIDE not in os.environ:
        enter_namespace()
    output("ip", "link", "set", "lo", "up")
    make_tap("tap0", "192.168.200.254/24")
    print(f"{platform.processor() or platform.machine()}, Linux {platform.release()}, "
          f"{os.cpu_count()} processors; nothing pinned: client, worker and remote are three threads")
    parts = {"ring": ring, "rpmsg": rpmsg, "echo": echo, "bulk": bulk, "console": console, "disk": disk, "sockets": sockets, "files": files, "link": entropy_and_links,
             "boards": boards, "code": code}
    if options.plant:
        plant()
        parts = {}
    for name, part in parts.items():
        if not options.only or name in options.only:
            part()
    with open(options.json, "w", encoding="ascii") as f:
        json.dump({"kernel": platform.release(), "rows": rows}, f, indent=1)
    print(f"written to {os.path.relpath(options.json, ROOT)}")


if __name__ == "__main__":
    main()
