# SPDX-License-Identifier: BSD-3-Clause
"""UDP echoes of a remote beside a TAP that is answered by nobody else; what they cost."""
import statistics
import subprocess
import time

from .board import Board, cpu, make_tap, memory, net, udp
from .common import CAUSEWAY, bench, output, row


def floor_server(name, processes):
    p = subprocess.Popen([bench("udp"), "tap", name, str(processes)])
    time.sleep(0.2)
    return p


def echo():
    make_tap("tap1", "192.168.201.254/24")
    make_tap("tap2", "192.168.202.254/24")
    one, two = floor_server("tap1", 1), floor_server("tap2", 2)
    board = Board(net())
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
