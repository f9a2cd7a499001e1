# SPDX-License-Identifier: BSD-3-Clause
"""The split ring by itself."""
import statistics

from .common import bench, instructions, output, row


def ring():
    n = 200
    each = (instructions(11 * n) - instructions(n)) / (10 * n * 32)
    row("4", "split ring, a buffer's full cycle, batch 32", each, "instr", aim="<= 125 (open-amp 278)")
    ns = [float(output(bench("ring"), "200000").split()[0])
          for _ in range(5)]
    row("4", "the same, time", statistics.median(ns), "ns")
