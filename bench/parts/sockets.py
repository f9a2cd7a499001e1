# SPDX-License-Identifier: BSD-3-Clause
"""Streams between a remote and unix sockets, and connections that come and go."""
import json
import shutil
import statistics
import subprocess

from .board import Board, Paused, cpu, cpu_a_byte, island, memory, scratch
from .common import bench, compare, compared, firmware, output, row


def sockets():
    """A remote that sends to a unix socket, and a process that does; connections that come and go."""
    folder = scratch()
    program = bench("sockets")
    sink = subprocess.Popen([program, "sink", folder + "/vsock_5000"])
    board = Board(island(bench("remote"), f"[ {{ kind: vsock, backend: {{ socket: {folder}/vsock }}, size: 1M }} ]"))
    board.wait_for(r'"sent": 64,')
    paused = Paused(board)

    def ours(size):
        got, us = board.again(rf'"sent": {size}, "bytes": (\d+), "us": (\d+), "err": 0')
        return got / us

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
    folder = scratch()
    board = Board(island(firmware("island"),
                         f"[ {{ kind: vsock, backend: {{ socket: {folder}/vsock }}, size: 256K }} ]"))
    board.wait_for("echo services")
    worker = board.pids()["worker"]

    def dial():
        r = json.loads(output(bench("sockets"), "dial", folder + "/vsock", "7"))
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
