# SPDX-License-Identifier: BSD-3-Clause
"""Files of an export, beside diod."""
import json
import os
import shutil
import subprocess
import time

from .board import Board, Paused, cpu_a_byte, island, scratch
from .common import BUILD, bench, compare, compared, output


def serve(command, socket):
    p = subprocess.Popen([*command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    end = time.monotonic() + 10
    while not os.path.exists(socket) and time.monotonic() < end:
        time.sleep(0.01)
    return p


def files():
    """A remote's reads and stats through driver and PMM, and the server by itself, beside diod."""
    folder = scratch()
    export, theirs, ours = folder + "/export", folder + "/diod", folder + "/ours"
    os.mkdir(export)
    with open(export + "/f", "wb") as f:
        f.write(os.urandom(16 << 20))
    # A diod that is root would set its groups, which nobody can in this name space.
    servers = [serve(["unshare", "-U", "/usr/sbin/diod", "-f", "-n", "-N", "-l", theirs, "-e", export], theirs),
               serve([os.path.join(BUILD, "tests", "9p", "serve9p"), ours, export], ours)]
    board = Board(island(bench("remote"), f"[ {{ kind: 9p, backend: {{ directory: {export} }} }} ]", "lost-ms: 60000"))
    board.wait_for(r'"files": 8193')
    paused = Paused(board)

    def remote(what, stream=0):
        kind = 0 if what == "stat" else int(what) + stream
        n, got, us = board.again(rf'"files": {kind}, "n": (\d+), "bytes": (\d+), "us": (\d+), "err": 0')
        return n / us * 1e6 if what == "stat" else got / us

    def rate(what, *socket):
        r = json.loads(output(bench("p9"), what, export, *socket))
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
