# SPDX-License-Identifier: BSD-3-Clause
"""Reads of a disk whose file is in the page cache."""
import json
import os
import shutil

from .board import Board, Paused, cpu_a_byte, island, scratch
from .common import bench, compare, compared, output


def disk():
    """Reads of what is in the page cache: by a remote, 4 KB a request, and by a bare process."""
    folder = scratch()
    image = folder + "/disk"
    with open(image, "wb") as f:
        f.write(os.urandom(16 << 20))
    board = Board(island(bench("remote"), f"[ {{ kind: blk, backend: {{ file: {image} }}, size: 64K }} ]"))
    board.wait_for(r'"disk": 65536')
    paused = Paused(board)

    def ours(size):
        got, us = board.again(rf'"disk": {size}, "bytes": (\d+), "us": (\d+), "err": 0')
        return got / us

    def bare():
        r = json.loads(output(bench("disk"), image, "4096"))
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
