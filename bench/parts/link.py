# SPDX-License-Identifier: BSD-3-Clause
"""From nothing to a link that is up, entropy, and doorbells with many devices."""
import json
import os
import time

from .board import Board, island
from .common import bench, row


def many(devices):
    return island(bench("remote"), "[ %s ]" % ", ".join(f"{{ kind: rng, name: rng{i} }}" for i in range(devices)))


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
