# SPDX-License-Identifier: BSD-3-Clause
"""As many frames, or bytes of a console, as will go."""
import json
import os
import subprocess
import sys
import time

from .board import Board, Paused, island, make_tap, net_counters, tap
from .common import bench, compare, compared, row

SECONDS = 0.6


def bulk_board(*args):
    board = Board(island(f"{bench('bulk')}, args: [ {', '.join(args)} ]",
                         "[ { kind: net, backend: { tap: tap0 }, size: 8M, queue-size: 256 }, "
                         "{ kind: console, backend: pty, size: 64K } ]", "region: { size: 32M }"))
    board.wait_for("ready: ")
    time.sleep(0.1)
    return board


def ours_out(board, key):
    """Packets or bytes a second from the remote into the TAP."""
    t0, before, _ = net_counters(board)
    time.sleep(SECONDS)
    t1, after, _ = net_counters(board)
    return (after["tx_" + key] - before["tx_" + key]) / (t1 - t0)


def ours_in(board, key, size):
    """The same, from Linux to the remote, of as much as a socket can send."""
    blaster = subprocess.Popen([bench("tap"), "blast", "tap0", str(size),
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
    reader = subprocess.Popen([bench("tap"), "read", "tap3", str(SECONDS)],
                              stdout=subprocess.PIPE, text=True)
    time.sleep(0.1)
    blaster = subprocess.Popen([bench("tap"), "blast", "tap3", str(size),
                                str(SECONDS + 0.3)], stdout=subprocess.DEVNULL)
    r = json.loads(reader.communicate()[0])
    blaster.wait()
    return r["frames" if key == "packets" else "bytes"] / r["us"] * 1e6


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
        if with_ and without and with_["ratio"] and without["ratio"]:
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
